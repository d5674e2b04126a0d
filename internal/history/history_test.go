package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/utilization"
)

var china = time.FixedZone("UTC+8", 8*3600)

// background outlives cleanups and benchmarks, as a test's own context does not.
var background = context.Background()

// monday is the first instant of a span of files made in china.
var monday = time.Date(2026, 8, 24, 0, 0, 0, 0, china)

// twoMetrics are kept in different ways: hundredths of percent, and any number.
var twoMetrics = []cloud.Metric{cloud.CPUPercent, cloud.NetworkInBPS}

func openAt(t testing.TB, path string, o Options) *Store {
	t.Helper()
	if o.Location == nil {
		o.Location = china
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fresh opens a new file, which must be sound when the test ends.
func fresh(t testing.TB) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	t.Cleanup(func() { sound(t, path) })
	return openAt(t, path, Options{})
}

// sound fails the test unless the closed file passes bbolt's check and ours.
func sound(t testing.TB, path string) {
	t.Helper()
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Errorf("open for the final check: %v", err)
		return
	}
	defer s.Close()
	// Not t.Context: that is over in a cleanup.
	err = s.Check(context.Background(), func(d Damage) { t.Errorf("check: %+v", d) })
	if err != nil {
		t.Error(err)
	}
}

func series(resource string, m cloud.Metric, points ...cloud.Point) cloud.Series {
	return cloud.Series{Resource: resource, Metric: m, Points: points}
}

func grid(from time.Time, n int, value func(i int) float64) []cloud.Point {
	out := make([]cloud.Point, n)
	for i := range out {
		out[i] = cloud.Point{T: from.Unix() + int64(i)*300, V: value(i)}
	}
	return out
}

func constant(v float64) func(int) float64 { return func(int) float64 { return v } }

func wave(i int) float64 { return float64((i*7919)%10001) / 100 }

var always = cloud.Window{From: time.Unix(0, 0), To: time.Unix(maxTime+1, 0)}

func mustAppend(t testing.TB, s *Store, list ...cloud.Series) {
	t.Helper()
	if err := s.Append(list); err != nil {
		t.Fatal(err)
	}
}

func mustFold(t testing.TB, s *Store, now time.Time) {
	t.Helper()
	if err := s.Fold(context.Background(), now); err != nil {
		t.Fatal(err)
	}
}

func points(t testing.TB, s *Store, resource string, m cloud.Metric, w cloud.Window) []cloud.Point {
	t.Helper()
	got, err := s.Points(resource, m, w)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// seriesKey names a series.
type seriesKey struct {
	resource string
	metric   cloud.Metric
}

// fataler is what tests and property tests have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// contents is all samples of some series.
func contents(t fataler, s *Store, resources []string, metrics []cloud.Metric) map[seriesKey][]cloud.Point {
	t.Helper()
	all, err := readAll(s, resources, metrics)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// readAll reads series at once, as Scan does: one by one they take long under the
// race detector.
func readAll(s *Store, resources []string, metrics []cloud.Metric) (map[seriesKey][]cloud.Point, error) {
	out := map[seriesKey][]cloud.Point{}
	keep := []interval{{0, maxTime + 1}}
	return out, parallel(context.Background(), s, resources, scanBatch, func(wk *worker, resources []string) (map[seriesKey][]cloud.Point, error) {
		part := map[seriesKey][]cloud.Point{}
		wk.batch(resources, metrics, keep[0], func(i int, id uint32, known bool, fresh func(byte) []cloud.Point) {
			for _, m := range metrics {
				if code, ok := wk.metrics[m]; ok && known {
					var c collect
					wk.series(code, id, keep, fresh(code), true, &c)
					part[seriesKey{resources[i], m}] = c.points
				}
			}
		})
		return part, nil
	}, func(part map[seriesKey][]cloud.Point) error {
		maps.Copy(out, part)
		return nil
	})
}

// state says where the samples lie.
func state(t testing.TB, s *Store) (blocks, days, spans, digests int) {
	t.Helper()
	err := s.view(func(tx *bolt.Tx) error {
		for _, b := range []struct {
			name []byte
			n    *int
		}{{bucketDays, &days}, {bucketSpans, &spans}, {bucketDigests, &digests}} {
			*b.n = tx.Bucket(b.name).Stats().KeyN
		}
		return tx.Bucket(bucketBlocks).ForEachBucket(func([]byte) error {
			blocks++
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return
}

// replay says how many rounds a test with random inputs does, and from which
// seed: as the environment says, else usual and the clock.
func replay(t *testing.T, variable string, usual int) (seed uint64, rounds int) {
	t.Helper()
	seed, rounds = uint64(time.Now().UnixNano()), usual
	for name, into := range map[string]func(string) error{
		variable:       func(v string) error { _, err := fmt.Sscan(v, &rounds); return err },
		"YUNJIAN_SEED": func(v string) error { _, err := fmt.Sscan(v, &seed); return err },
	} {
		if v := os.Getenv(name); v != "" {
			if err := into(v); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	t.Logf("%d rounds; YUNJIAN_SEED=%d repeats them", rounds, seed)
	return seed, rounds
}

// The modes in which a file is met.
var modes = []struct {
	name string
	// then does something with the store that must not change an answer.
	then func(t *testing.T, s *Store, now time.Time) *Store
}{
	{"fresh", func(t *testing.T, s *Store, now time.Time) *Store { return s }},
	{"closed and reopened", func(t *testing.T, s *Store, now time.Time) *Store {
		s.Close()
		return openAt(t, s.path, Options{})
	}},
	{"read-only", func(t *testing.T, s *Store, now time.Time) *Store {
		s.Close()
		return openAt(t, s.path, Options{ReadOnly: true})
	}},
	{"folded", func(t *testing.T, s *Store, now time.Time) *Store {
		mustFold(t, s, now)
		return s
	}},
	{"folded twice, the second time much later", func(t *testing.T, s *Store, now time.Time) *Store {
		mustFold(t, s, now)
		mustFold(t, s, now.AddDate(0, 3, 0))
		return s
	}},
	{"folded under a clock a year ahead, then again", func(t *testing.T, s *Store, now time.Time) *Store {
		mustFold(t, s, now.AddDate(1, 0, 0))
		mustFold(t, s, now)
		return s
	}},
	{"folded and compacted", func(t *testing.T, s *Store, now time.Time) *Store {
		mustFold(t, s, now)
		if err := s.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
		return s
	}},
	{"backed up and opened from the copy", func(t *testing.T, s *Store, _ time.Time) *Store { return backedUp(t, s) }},
}

// backedUp is a store opened from a backup of s.
func backedUp(t *testing.T, s *Store) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path, Options{})
}

func TestReadsBackWhatWasAppended(t *testing.T) {
	now := monday.AddDate(0, 0, 40)
	cpu := grid(monday.AddDate(0, 0, -3), 40*288, wave)
	rates := grid(monday, 10*288, func(i int) float64 { return float64(i) * 123457 })
	odd := []cloud.Point{{T: 0, V: -0.1}, {T: 1, V: 1.0 / 3}, {T: monday.Unix() + 7, V: 5e-324}, {T: monday.Unix() + 8, V: 1.7976931348623157e308}, {T: maxTime, V: -1e300}}
	gapped := slices.Concat(grid(monday, 100, wave), grid(monday.AddDate(0, 0, 9), 500, wave), grid(now.Add(-2*time.Hour), 24, wave))
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := fresh(t)
			mustAppend(t, s,
				series("i-b", cloud.CPUPercent, cpu...), series("i-a", cloud.NetworkInBPS, rates...),
				series("i-a", cloud.CPUPercent, gapped...), series("i-c", cloud.MemoryPercent, odd...), series("i-d", cloud.CPUPercent))
			s = mode.then(t, s, now)
			for _, tt := range []struct {
				resource string
				metric   cloud.Metric
				want     []cloud.Point
			}{
				{"i-b", cloud.CPUPercent, cpu}, {"i-a", cloud.NetworkInBPS, rates}, {"i-a", cloud.CPUPercent, gapped},
				{"i-c", cloud.MemoryPercent, odd}, {"i-d", cloud.CPUPercent, nil}, {"i-b", cloud.MemoryPercent, nil}, {"i-z", cloud.CPUPercent, nil},
			} {
				if diff := cmp.Diff(tt.want, points(t, s, tt.resource, tt.metric, always)); diff != "" {
					t.Errorf("%s %s: %s", tt.resource, tt.metric, diff)
				}
				first, last, n, err := s.Extent(tt.resource, tt.metric)
				if err != nil || n != len(tt.want) || n > 0 && (first.Unix() != tt.want[0].T || last.Unix() != tt.want[n-1].T) {
					t.Errorf("%s %s: extent %v %v %d %v, want of %d samples", tt.resource, tt.metric, first, last, n, err, len(tt.want))
				}
			}
			w := cloud.Window{From: instant(cpu[5000].T), To: instant(cpu[9000].T)}
			if diff := cmp.Diff(cpu[5000:9000], points(t, s, "i-b", cloud.CPUPercent, w)); diff != "" {
				t.Errorf("window [5000, 9000): %s", diff)
			}
		})
	}
}

func TestAppendKeepsTheCallersSlices(t *testing.T) {
	s := fresh(t)
	p := []cloud.Point{{T: 600, V: 1}, {T: 300, V: 2}, {T: 300, V: 3}}
	mustAppend(t, s, series("i-1", cloud.CPUPercent, p...), series("i-1", cloud.CPUPercent, cloud.Point{T: 600, V: 9}))
	if diff := cmp.Diff([]cloud.Point{{T: 600, V: 1}, {T: 300, V: 2}, {T: 300, V: 3}}, p); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]cloud.Point{{T: 300, V: 3}, {T: 600, V: 9}}, points(t, s, "i-1", cloud.CPUPercent, always)); diff != "" {
		t.Error(diff)
	}
}

func TestFoldMovesClosedDaysOnly(t *testing.T) {
	s := fresh(t)
	if !instant(s.calendar.spanStart(s.calendar.span(monday.Unix()))).Equal(monday) {
		t.Fatal("monday does not begin a span")
	}
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 3*288, wave)...))
	tests := []struct {
		name                 string
		now                  time.Time
		blocks, days, digest int
	}{
		{"the first day is not over", monday.Add(24*time.Hour - time.Second), 1, 0, 0},
		{"it is over, but not for an hour", monday.Add(25*time.Hour - time.Second), 1, 0, 0},
		{"it has been for an hour; the block still holds open days", monday.Add(25 * time.Hour), 1, 1, 0},
		{"folding again changes nothing", monday.Add(26 * time.Hour), 1, 1, 0},
		{"a clock set back changes nothing", monday, 1, 1, 0},
		{"all days are closed: the block goes", monday.Add(73 * time.Hour), 0, 3, 0},
		{"the span is over, but not for three days", monday.AddDate(0, 0, 31).Add(-time.Second), 0, 3, 0},
		{"the span closes", monday.AddDate(0, 0, 31), 0, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustFold(t, s, tt.now)
			blocks, days, spans, digests := state(t, s)
			if blocks != tt.blocks || days != tt.days || spans != tt.digest || digests != tt.digest {
				t.Errorf("%d blocks, %d days, %d spans, %d digests; want %d, %d, %d, %d", blocks, days, spans, digests, tt.blocks, tt.days, tt.digest, tt.digest)
			}
			if diff := cmp.Diff(grid(monday, 3*288, wave), points(t, s, "i-1", cloud.CPUPercent, always)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	s := fresh(t)
	nan := 0.0
	nan /= nan
	long := string(make([]byte, 1025))
	for _, tt := range []struct {
		name string
		in   cloud.Series
		want string
	}{
		{"no resource", series("", cloud.CPUPercent), `append to history: series without a name: resource "", metric "cpu_percent"`},
		{"no metric", series("i-1", ""), `append to history: series without a name: resource "i-1", metric ""`},
		{"a name too long", series("i-1", cloud.Metric(long)), `append to history: resource "i-1"…: a name of 1025 bytes, allowed are 1024`},
		{"an instant before 1970", series("i-1", cloud.CPUPercent, cloud.Point{T: -1}), "append to history: resource i-1, metric cpu_percent: instant -1 lies outside 1970 to 2106: want Unix seconds (not milliseconds)"},
		{"milliseconds", series("i-1", cloud.CPUPercent, cloud.Point{T: monday.UnixMilli()}), "append to history: resource i-1, metric cpu_percent: instant 1787500800000 lies outside 1970 to 2106: want Unix seconds (not milliseconds)"},
		{"not a number", series("i-1", cloud.CPUPercent, cloud.Point{T: 1, V: nan}), "append to history: resource i-1, metric cpu_percent: value NaN at 1: want a finite number; a missing sample is left out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := s.Append([]cloud.Series{series("i-good", cloud.CPUPercent, cloud.Point{T: 300, V: 1}), tt.in})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if got := points(t, s, "i-good", cloud.CPUPercent, always); got != nil {
		t.Errorf("a refused append stored %v", got)
	}
}

func TestScan(t *testing.T) {
	now := monday.AddDate(0, 0, 35)
	w := cloud.Window{From: now.AddDate(0, 0, -30), To: now}
	cpu := grid(w.From.Add(-time.Hour), 30*288, wave)
	resized := cloud.Window{From: w.From.AddDate(0, 0, -10), To: w.From.AddDate(0, 0, 10)}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := fresh(t)
			var batch []cloud.Series
			for i := range 1200 { // more than two batches
				batch = append(batch, series(fmt.Sprintf("i-%04d", i*7%1200), cloud.CPUPercent, grid(w.From, 3, constant(float64(i*7%1200)/100))...))
			}
			mustAppend(t, s, batch...)
			mustAppend(t, s, series("i-0100", cloud.CPUPercent, cpu...), series("i-0100", cloud.MemoryPercent, grid(w.From, 288, constant(50))...), series("i-0101", cloud.CPUPercent, cpu...),
				series("old", cloud.CPUPercent, grid(w.From.Add(-10*time.Hour), 3, wave)...))
			s = mode.then(t, s, now)
			// One late value, into what has been folded by now.
			late := cloud.Point{T: cpu[2000].T, V: 99.99}
			expect := slices.Clone(cpu)
			if !s.opts.ReadOnly {
				mustAppend(t, s, series("i-0100", cloud.CPUPercent, late), series("i-0101", cloud.CPUPercent, late))
				expect[2000] = late
			}

			var order []string
			got := map[string]map[cloud.Metric]utilization.Summary{}
			err := s.Scan(t.Context(), scanQuery{Metrics: []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent}, Window: w,
				Exclude: map[string][]cloud.Window{"i-0101": {resized}}},
				func(r string, u map[cloud.Metric]utilization.Summary) error {
					order = append(order, r)
					got[r] = u
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			if len(order) != 1200 || !slices.IsSorted(order) {
				t.Errorf("%d resources visited, in order: %v; want 1200 (none without samples in the window)", len(order), slices.IsSorted(order))
			}
			if diff := cmp.Diff(utilization.Describe(expect, cloud.CPUPercent, w, china), got["i-0100"][cloud.CPUPercent]); diff != "" {
				t.Errorf("i-0100: %s", diff)
			}
			if n := len(got["i-0100"]); n != 2 {
				t.Errorf("i-0100 has %d metrics, want 2", n)
			}
			kept := utilization.Describe(expect, cloud.CPUPercent, cloud.Window{From: resized.To, To: w.To}, china)
			kept.Window, kept.Expected = w, 20*288
			if diff := cmp.Diff(kept, got["i-0101"][cloud.CPUPercent]); diff != "" {
				t.Errorf("i-0101 with ten days excluded: %s", diff)
			}
			if v := got["i-1199"][cloud.CPUPercent].Max; v != 11.99 {
				t.Errorf("i-1199 has %v, want 11.99", v)
			}
		})
	}
}

func TestScanVisitsEveryResourceAskedFor(t *testing.T) {
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 10, wave)...))
	var got []string
	q := scanQuery{Resources: []string{"i-2", "i-1", "i-2"}, Metrics: []cloud.Metric{cloud.CPUPercent}, Window: cloud.Last(time.Hour, monday.Add(time.Hour))}
	err := s.Scan(t.Context(), q, func(r string, u map[cloud.Metric]utilization.Summary) error {
		got = append(got, fmt.Sprint(r, len(u)))
		return nil
	})
	if diff := cmp.Diff([]string{"i-11", "i-20"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	q.Resources = []string{}
	if err := s.Scan(t.Context(), q, func(string, map[cloud.Metric]utilization.Summary) error { return errors.New("visited") }); err != nil {
		t.Errorf("an empty list of resources: %v", err)
	}
}

func TestScanStops(t *testing.T) {
	s := fresh(t)
	var batch []cloud.Series
	for i := range 5000 {
		batch = append(batch, series(fmt.Sprintf("i-%04d", i), cloud.CPUPercent, cloud.Point{T: monday.Unix(), V: 1}))
	}
	mustAppend(t, s, batch...)
	q := scanQuery{Metrics: []cloud.Metric{cloud.CPUPercent}, Window: cloud.Last(time.Hour, monday.Add(time.Minute))}
	stop := errors.New("enough")
	n := 0
	err := s.Scan(t.Context(), q, func(string, map[cloud.Metric]utilization.Summary) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 3 {
		t.Errorf("%v after %d visits, want the visit's error after 3", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	err = s.Scan(ctx, q, func(string, map[cloud.Metric]utilization.Summary) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n > 3*scanBatch {
		t.Errorf("%v after %d visits, want canceled soon", err, n)
	}
}

// A bug in what is done with the summaries is no damage, and ends no process.
func TestScanTellsPanicsFromDamage(t *testing.T) {
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 10, wave)...))
	q := Query{Spans: []Span{{cloud.Window{From: monday, To: monday.Add(time.Hour)}, []cloud.Metric{cloud.CPUPercent}}}}
	err := Scan(t.Context(), s, q, func(string, []map[cloud.Metric]utilization.Summary) (int, error) {
		panic("a bug")
	}, func(int) error { return nil })
	if err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "work on i-1: panic: a bug") {
		t.Errorf("%v", err)
	}
}

func TestGaps(t *testing.T) {
	w := cloud.Window{From: monday, To: monday.AddDate(0, 0, 2)}
	p := slices.Concat(grid(monday, 100, wave), grid(monday.Add(20*time.Hour), 200, wave))
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := fresh(t)
			mustAppend(t, s, series("i-1", cloud.CPUPercent, p...))
			s = mode.then(t, s, monday.AddDate(0, 0, 40))
			got, err := s.Gaps(t.Context(), []string{"i-2", "i-1"}, []cloud.Metric{cloud.CPUPercent}, w, 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			want := []Gap{
				{"i-1", cloud.CPUPercent, monday.Add(99 * 5 * time.Minute), monday.Add(20 * time.Hour)},
				{"i-1", cloud.CPUPercent, monday.Add(20*time.Hour + 199*5*time.Minute), w.To},
				{"i-2", cloud.CPUPercent, w.From, w.To},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			stats, err := s.Stats(background)
			if err != nil || stats.Gaps != 1 {
				t.Errorf("stats count %d gaps (%v), want 1", stats.Gaps, err)
			}
		})
	}
}

func TestGapAsLongAsTheLimitIsNone(t *testing.T) {
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: 0, V: 1}, cloud.Point{T: 600, V: 1}, cloud.Point{T: 1201, V: 1}))
	got, err := s.Gaps(t.Context(), []string{"i-1"}, []cloud.Metric{cloud.CPUPercent}, cloud.Window{From: instant(0), To: instant(1300)}, 600*time.Second)
	if diff := cmp.Diff([]Gap{{"i-1", cloud.CPUPercent, instant(600), instant(1201)}}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestStats(t *testing.T) {
	s := fresh(t)
	if got, err := s.Stats(background); err != nil || got.Samples != 0 || got.BytesPerSample != 0 || !got.First.IsZero() {
		t.Errorf("of an empty file: %+v %v", got, err)
	}
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 576, wave)...), series("i-1", cloud.MemoryPercent, grid(monday, 10, wave)...), series("i-2", cloud.CPUPercent, grid(monday, 288, wave)...))
	mustFold(t, s, monday.Add(30*time.Hour))
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 2, wave)...)) // again: not two more
	got, err := s.Stats(background)
	if err != nil {
		t.Fatal(err)
	}
	want := Stats{Series: 3, Resources: 2, Samples: 874, Unfolded: 290, Stopped: 1, First: monday.UTC(), Last: monday.Add(575 * 5 * time.Minute).UTC(),
		Bytes: got.Bytes, FreeBytes: got.FreeBytes, BytesPerSample: float64(got.Bytes) / 874,
		Metrics: []MetricStats{
			{Metric: cloud.CPUPercent, Series: 2, Samples: 864, Unfolded: 290, First: monday.UTC(), Last: monday.Add(575 * 5 * time.Minute).UTC()},
			{Metric: cloud.MemoryPercent, Series: 1, Samples: 10, First: monday.UTC(), Last: monday.Add(45 * time.Minute).UTC()},
		}}
	var pieces int64
	for i := range got.Metrics {
		pieces += got.Metrics[i].Bytes
		if got.Metrics[i].Bytes == 0 {
			t.Errorf("%s takes nothing", got.Metrics[i].Metric)
		}
		got.Metrics[i].Bytes = 0
	}
	if diff := cmp.Diff(want, got); diff != "" || pieces > got.Bytes-got.FreeBytes {
		t.Errorf("%d bytes of pieces in a file of %d, %d of them free %s", pieces, got.Bytes, got.FreeBytes, diff)
	}
}

// scanQuery is a Query of one span.
type scanQuery struct {
	Resources []string
	Metrics   []cloud.Metric
	Window    cloud.Window
	Exclude   map[string][]cloud.Window
	Step      time.Duration
}

// Scan passes everything on, to be kept.
func (s *Store) Scan(ctx context.Context, q scanQuery, visit func(resource string, u map[cloud.Metric]utilization.Summary) error) error {
	type found struct {
		name string
		u    map[cloud.Metric]utilization.Summary
	}
	return Scan(ctx, s, Query{Resources: q.Resources, Spans: []Span{{q.Window, q.Metrics}}, Exclude: q.Exclude, Step: q.Step},
		func(name string, u []map[cloud.Metric]utilization.Summary) (found, error) {
			f := found{name, map[cloud.Metric]utilization.Summary{}}
			for m, x := range u[0] {
				f.u[m] = x.Clone()
			}
			return f, nil
		},
		func(f found) error { return visit(f.name, f.u) })
}
