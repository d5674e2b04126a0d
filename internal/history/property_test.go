package history

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/utilization"
)

// model is a history and what it is to hold.
type model struct {
	*rapid.T
	s    *Store
	want map[seriesKey]map[int64]float64
	now  time.Time
}

// modelResources lie in three bands, the first and the last of each included.
var modelResources = []string{"i-000", "i-001", "i-127", "i-128", "i-255", "i-256"}

// What was appended in any order, with any gaps and duplicates, reads back as
// the latest value of each instant in every way of reading, whatever was folded,
// retained, compacted or reopened in between.
func TestLatestWritePerInstantWins(t *testing.T) {
	// Each check makes a file and commits many times: fewer than the hundred
	// that are usual, unless the command line asks for another number.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		flag.Set("rapid.checks", "8")
		defer flag.Set("rapid.checks", f.DefValue)
	}
	rapid.Check(t, func(rt *rapid.T) {
		folder, err := os.MkdirTemp("", "history")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(folder)
		m := &model{T: rt, want: map[seriesKey]map[int64]float64{}, now: monday.AddDate(0, 0, 20)}
		m.open(filepath.Join(folder, "history.db"))
		defer func() { m.s.Close() }()
		var everyone []cloud.Series // in the order of their names, which is that of their numbers
		for i := range 257 {
			everyone = append(everyone, series(fmt.Sprintf("i-%03d", i), "other", cloud.Point{T: monday.Unix()}))
		}
		m.must(m.s.Append(everyone))
		rt.Repeat(map[string]func(*rapid.T){
			"append":  m.append,
			"fold":    func(rt *rapid.T) { m.fold(rt, -3, 20) },
			"retain":  m.retain,
			"reopen":  func(*rapid.T) { m.open(m.s.path) },
			"compact": func(*rapid.T) { m.must(m.s.Compact(context.Background())) },
			"read":    m.read,
			"":        func(*rapid.T) { m.holds() },
		})
		m.open(m.s.path)
		m.read(rt)
		m.must(m.s.Check(context.Background(), func(d Damage) { rt.Errorf("check: %+v", d) }))
	})
}

func (m *model) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *model) open(path string) {
	if m.s != nil {
		m.s.Close()
	}
	var err error
	m.s, err = Open(path, Options{Location: china})
	m.must(err)
	m.s.file.NoSync = true // nothing cuts the power
}

func (m *model) append(rt *rapid.T) {
	value := rapid.OneOf(
		rapid.Map(rapid.Uint16Range(0, 10000), func(h uint16) float64 { return float64(h) / 100 }),
		rapid.Map(rapid.Int64Range(0, 1e9), func(n int64) float64 { return float64(n) }),
		rapid.Float64(),
	)
	var batch []cloud.Series
	for range rapid.IntRange(1, 4).Draw(rt, "series") {
		x := cloud.Series{Resource: rapid.SampledFrom(modelResources).Draw(rt, "resource"), Metric: rapid.SampledFrom(twoMetrics).Draw(rt, "metric")}
		at := monday.Unix() + rapid.Int64Range(-40, 60).Draw(rt, "day")*daySeconds + rapid.Int64Range(0, 287).Draw(rt, "slot")*300
		for range rapid.IntRange(0, 40).Draw(rt, "points") {
			x.Points = append(x.Points, cloud.Point{T: at, V: value.Draw(rt, "value")})
			at += rapid.SampledFrom([]int64{300, 300, 300, 0, -600, 1, 40000, 4000000}).Draw(rt, "step")
		}
		batch = append(batch, x)
	}
	m.must(m.s.Append(batch))
	for _, x := range batch {
		k := seriesKey{x.Resource, x.Metric}
		if m.want[k] == nil {
			m.want[k] = map[int64]float64{}
		}
		for _, p := range x.Points {
			m.want[k][p.T] = p.V
		}
	}
}

// fold folds some days after the fold before.
func (m *model) fold(rt *rapid.T, least, most int) {
	m.now = m.now.AddDate(0, 0, rapid.IntRange(least, most).Draw(rt, "days"))
	m.must(m.s.Fold(context.Background(), m.now))
}

// retain folds and drops, and holds what is gone against what must and what may
// go: the spans that had ended that long before the newest sample, which is
// known to a span, or before now; band by band in the course of the span after.
func (m *model) retain(rt *rapid.T) {
	m.fold(rt, 0, 40)
	raw := rapid.Int64Range(5, 60).Draw(rt, "retention") * daySeconds
	m.must(m.s.Retain(context.Background(), m.now, time.Duration(raw)*time.Second))
	newest := monday.Unix()
	for _, points := range m.want {
		for at := range points {
			newest = max(newest, at)
		}
	}
	must, may := min(m.now.Unix(), newest)-raw, min(m.now.Unix(), newest+spanDays*daySeconds)-raw
	bands := map[string]int64{"i-128": 1, "i-255": 1, "i-256": 2}
	all := contents(m, m.s, modelResources, twoMetrics)
	for k, points := range m.want {
		kept := map[int64]float64{}
		for _, p := range all[k] {
			kept[p.T] = p.V
		}
		for at := range points {
			end := m.s.calendar.spanStart(m.s.calendar.span(at)+1) + spanSeconds*bands[k.resource]/3
			_, left := kept[at]
			switch {
			case left && end <= must:
				m.Fatalf("%v of %v is left, all before %v should be gone", instant(at), k, instant(must))
			case !left && end > may:
				m.Fatalf("%v of %v is gone, only spans before %v may go", instant(at), k, instant(may))
			case !left:
				delete(points, at)
			}
		}
	}
}

// points is what is to be held of a series.
func (m *model) points(k seriesKey) []cloud.Point {
	var out []cloud.Point
	for _, at := range slices.Sorted(maps.Keys(m.want[k])) {
		out = append(out, cloud.Point{T: at, V: m.want[k][at]})
	}
	return out
}

// holds compares what is held, and nothing else.
func (m *model) holds() {
	all := contents(m, m.s, modelResources, twoMetrics)
	for _, r := range modelResources {
		for _, metric := range twoMetrics {
			k := seriesKey{r, metric}
			if want := m.points(k); !slices.Equal(want, all[k]) {
				m.Fatalf("%v: got %v, want %v", k, all[k], want)
			}
		}
	}
}

// read compares what every way of reading a window says.
func (m *model) read(rt *rapid.T) {
	w := cloud.Window{From: monday.AddDate(0, 0, rapid.IntRange(-60, 60).Draw(rt, "from"))}
	w.To = w.From.Add(time.Duration(rapid.IntRange(1, 1000).Draw(rt, "hours")) * time.Hour)
	const pause = 10 * time.Minute
	var gaps []Gap
	summaries := map[seriesKey]utilization.Summary{}
	samples := int64(257) // of everyone
	for _, r := range modelResources {
		for _, metric := range twoMetrics {
			k := seriesKey{r, metric}
			all := m.points(k)
			samples += int64(len(all))
			first, last, n, err := m.s.Extent(r, metric)
			m.must(err)
			if n != len(all) || n > 0 && (first.Unix() != all[0].T || last.Unix() != all[n-1].T) {
				m.Fatalf("%v extends from %v to %v with %d samples, want %v", k, first, last, n, all)
			}
			_, in := cutAt(all, w.From.Unix())
			in, _ = cutAt(in, w.To.Unix())
			got, err := m.s.Points(r, metric, w)
			m.must(err)
			if !slices.Equal(in, got) {
				m.Fatalf("%v in %v: got %v, want %v", k, w, got, in)
			}
			at := w.From
			for _, p := range append(in, cloud.Point{T: w.To.Unix()}) {
				if next := instant(p.T); next.Sub(at) > pause {
					gaps = append(gaps, Gap{r, metric, at, next})
				}
				at = instant(p.T)
			}
			if len(in) > 0 {
				summaries[k] = utilization.Describe(in, metric, w, china)
			}
		}
	}
	got, err := m.s.Gaps(context.Background(), modelResources, twoMetrics, w, pause)
	m.must(err)
	if diff := cmp.Diff(gaps, got); diff != "" {
		m.Fatal(diff)
	}
	err = m.s.Scan(context.Background(), scanQuery{Resources: modelResources, Metrics: twoMetrics, Window: w}, func(r string, u map[cloud.Metric]utilization.Summary) error {
		for metric, got := range u {
			k := seriesKey{r, metric}
			want := summaries[k]
			delete(summaries, k)
			if got.Samples != want.Samples || !got.First.Equal(want.First) || !got.Last.Equal(want.Last) || !got.Distribution.Equal(want.Distribution) {
				m.Fatalf("%v scans as %+v, want %+v", k, got, want)
			}
		}
		return nil
	})
	m.must(err)
	if len(summaries) > 0 {
		m.Fatalf("scan knows nothing of %v", slices.Collect(maps.Keys(summaries)))
	}
	if stats, err := m.s.Stats(background); err != nil || stats.Samples > samples || stats.Samples < samples-257 { // the others' may be gone
		m.Fatalf("stats count %d samples, want about %d: %v", stats.Samples, samples, err)
	}
}
