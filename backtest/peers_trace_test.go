package backtest

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// traced is what was measured of a sizing rule, in percent.
type traced struct{ saves, harmed float64 }

// near is how far a rule may lie from what is known of it, in points.
const near = 3.0

// TestPeersOnTheTrace holds the rules against what is known of them on 407 real
// machines, which are not part of the repository.
func TestPeersOnTheTrace(t *testing.T) {
	dir := os.Getenv("YUNJIAN_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "traces")
	}
	dir = filepath.Join(dir, "vm407")
	if _, err := os.Stat(filepath.Join(dir, "inventory.csv")); err != nil {
		t.Skipf("vm407 trace not present: %v", err)
	}
	at, end := time.Date(2013, 9, 1, 13, 40, 0, 0, time.UTC), time.Date(2013, 9, 11, 13, 40, 0, 0, time.UTC)
	acc := utilization.NewAccumulator(time.UTC)
	peers := append(Peers(), craneSketch(), hindsight())
	counted, before := 0, 0.0
	saved, harmed, named, quietly, silent := make([]float64, len(peers)), make([]int, len(peers)), make([]int, len(peers)), make([]int, len(peers)), make([]int, len(peers))
	var asked time.Duration
	inventory, err := os.Open(filepath.Join(dir, "inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer inventory.Close()
	readRows(t, inventory, func(col map[string]int, row []string) {
		r := cloud.Resource{ID: row[col["resource_id"]], Kind: cloud.Instance}
		r.VCPU, _ = strconv.Atoi(row[col["vcpu"]])
		r.MemoryGiB, _ = strconv.ParseFloat(row[col["memory_gib"]], 64)
		r.FirstSeen, _ = time.Parse(time.RFC3339, row[col["first_seen"]])
		points := readSamples(t, filepath.Join(dir, "samples", r.ID+".csv.gz"))
		h := horizonOf(at, end, points, acc)
		if !h.Counted() {
			return
		}
		counted++
		present := SizeOf(r)
		before += present.annual()
		m := newMachine(r, at, points, acc, time.UTC)
		started := time.Now()
		for i, rule := range peers {
			if rule.ID == "hindsight" {
				m = newMachine(r, end, after(points, at), acc, time.UTC)
			}
			if rule.Release != nil {
				release, ok := rule.Release(m)
				switch {
				case !ok:
					silent[i]++
				case release:
					named[i]++
					if h.Quiet() {
						quietly[i]++
					}
				}
				continue
			}
			size, ok := rule.Size(m)
			if !ok {
				silent[i]++
				continue
			}
			saved[i] += present.annual() - size.annual()
			if h.Harmed(present, size) {
				harmed[i]++
			}
		}
		asked += time.Since(started)
	})
	t.Logf("asked for %v", asked)
	if counted != 366 {
		t.Errorf("%d machines counted, want 366", counted)
	}
	for i, rule := range peers {
		if rule.Release != nil {
			t.Logf("%-42s names %3d, of which quiet %3d; silent on %d", rule.ID, named[i], quietly[i], silent[i])
			continue
		}
		got := traced{100 * saved[i] / before, 100 * float64(harmed[i]) / float64(counted)}
		t.Logf("%-42s saves %5.1f %%, harms %5.1f %%; silent on %d", rule.ID, got.saves, got.harmed, silent[i])
		want, known := knownOnTheTrace[rule.ID]
		if known && (math.Abs(got.saves-want.saves) > near || math.Abs(got.harmed-want.harmed) > near) {
			t.Errorf("%s: saves %.1f %% and harms %.1f %%, known %.1f %% and %.1f %%", rule.ID, got.saves, got.harmed, want.saves, want.harmed)
		}
	}
}

var knownOnTheTrace = map[string]traced{
	"hindsight":                         {50.8, 0.6},
	"aws-compute-optimizer-max-savings": {40.0, 7.1},
	"krr-simple":                        {39.0, 5.5},
	"aws-compute-optimizer-default":     {36.7, 3.0},
	"aws-compute-optimizer-balanced":    {34.3, 3.6},
	"azure-advisor-resize-user-facing":  {33.9, 4.1},

	// Sketches are known of these. The rules say why they differ; here is what they give.
	"crane sketch":   {48.3, 18.3},
	"crane":          {42.6, 4.6},
	"kubernetes-vpa": {47.7, 13.4},
}

// craneSketch is Crane's percentile and margin of samples that weigh alike.
func craneSketch() Rule {
	return Rule{ID: "crane sketch", Size: func(m *Machine) (Size, bool) {
		present := SizeOf(m.Resource)
		return Smallest(present,
			withHeadroom(float64(present.VCPU), m.Summary(cloud.CPUPercent, 7).Quantile(0.99), 15),
			withHeadroom(present.MemoryGiB, m.Summary(cloud.MemoryPercent, 7).Quantile(0.99), 15)), true
	}}
}

// hindsight is asked of what came after, to see that the score is the one by which the
// figures are known.
func hindsight() Rule {
	return Rule{ID: "hindsight", Size: func(m *Machine) (Size, bool) {
		present := SizeOf(m.Resource)
		return Smallest(present,
			within(float64(present.VCPU), m.Summary(cloud.CPUPercent, 0).Quantile(0.995), 100),
			within(present.MemoryGiB, m.Summary(cloud.MemoryPercent, 0).Quantile(0.995), 100)), true
	}}
}

func after(points map[cloud.Metric][]cloud.Point, at time.Time) map[cloud.Metric][]cloud.Point {
	out := map[cloud.Metric][]cloud.Point{}
	for m, p := range points {
		_, out[m] = split(p, at)
	}
	return out
}

func readSamples(t *testing.T, file string) map[cloud.Metric][]cloud.Point {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	points := map[cloud.Metric][]cloud.Point{}
	readRows(t, zipped, func(col map[string]int, row []string) {
		at, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS, cloud.NetworkOutBPS} {
			j, ok := col[string(m)]
			if !ok || row[j] == "" {
				continue
			}
			v, err := strconv.ParseFloat(row[j], 64)
			if err != nil {
				t.Fatal(err)
			}
			points[m] = append(points[m], cloud.Point{T: at, V: v})
		}
	})
	return points
}

func readRows(t *testing.T, from io.Reader, visit func(col map[string]int, row []string)) {
	t.Helper()
	r := csv.NewReader(from)
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, h := range head {
		col[h] = i
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		visit(col, row)
	}
}
