package analyzer

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/internal/estate"
	"yunjian/policies"
	"yunjian/utilization"
)

// specimen is one machine whose truth is known.
type specimen struct {
	Input
	class  estate.Class
	burner estate.Burner
}

var shanghai = time.FixedZone("CST", 8*3600)

// described summarizes, on every core, the last 30 days of n machines.
func described(n int, now time.Time, points func(i int) (cloud.Resource, map[cloud.Metric][]cloud.Point)) []specimen {
	out := make([]specimen, n)
	w := cloud.Last(30*day, now)
	var wait sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := worker; i < n; i += runtime.GOMAXPROCS(0) {
				r, of := points(i)
				out[i].Resource = r
				out[i].Utilization = map[cloud.Metric]utilization.Summary{}
				for m, p := range of {
					if s := utilization.Describe(p, m, w, now.Location()); s.Samples > 0 {
						out[i].Utilization[m] = s
					}
				}
			}
		})
	}
	wait.Wait()
	return out
}

// madeUp is those instances of an estate that are to be kept, at the end of its
// history. What a change of size cut off is left out, as an audit does.
func madeUp(o estate.Options, keep func(estate.Class) bool) ([]specimen, time.Time) {
	e := estate.New(o)
	before := map[string]string{}
	for _, r := range e.Inventory(e.Start()).Resources {
		before[r.ID] = r.InstanceType
	}
	var machines []cloud.Resource
	for _, r := range e.Inventory(e.End()).Resources {
		if r.Kind != cloud.Instance || !keep(estate.Class(e.Class(r.ID))) {
			continue
		}
		if was := before[r.ID]; was != "" && was != r.InstanceType {
			r.ResizedAt = resized(e, r)
		}
		machines = append(machines, r)
	}
	now := e.End().In(shanghai)
	fleet := described(len(machines), now, func(i int) (cloud.Resource, map[cloud.Metric][]cloud.Point) {
		from := e.Start()
		if at := machines[i].ResizedAt; !at.IsZero() {
			from = at
		}
		of := map[cloud.Metric][]cloud.Point{}
		for _, m := range cloud.Metrics() {
			if m != cloud.DiskPercent {
				of[m] = e.Samples(machines[i].ID, m, from.Unix(), e.End().Unix())
			}
		}
		return machines[i], of
	})
	for i := range fleet {
		fleet[i].class = estate.Class(e.Class(fleet[i].Resource.ID))
		fleet[i].burner = e.Burner(fleet[i].Resource.ID)
	}
	return fleet, now
}

// resized finds the minute in which a machine took its present type.
func resized(e *estate.Estate, r cloud.Resource) time.Time {
	minutes := sort.Search(int(e.End().Sub(e.Start())/time.Minute), func(i int) bool {
		inv := e.Inventory(e.Start().Add(time.Duration(i) * time.Minute))
		return inv.Resources[slices.IndexFunc(inv.Resources, func(o cloud.Resource) bool { return o.ID == r.ID })].InstanceType == r.InstanceType
	})
	return e.Start().Add(time.Duration(minutes) * time.Minute)
}

// tracesOf finds the folder of real traces, or skips.
func tracesOf(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("YUNJIAN_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "traces")
	}
	if _, err := os.Stat(filepath.Join(dir, "vm407")); err != nil {
		t.Skipf("traces not present: %v", err)
	}
	return dir
}

// traced is the machines of vm407, which nobody pads. They count as of one
// department, the hardest case for the comparison of curves.
func traced(t testing.TB) fleetAt {
	b, err := bundle.Open(filepath.Join(tracesOf(t), "vm407"))
	if err != nil {
		t.Fatal(err)
	}
	machines := b.Inventory().Resources
	now := time.Date(2013, 9, 11, 13, 40, 0, 0, time.UTC)
	return fleetAt{described(len(machines), now, func(i int) (cloud.Resource, map[cloud.Metric][]cloud.Point) {
		of, err := b.Samples(machines[i].ID)
		if err != nil {
			t.Error(err)
		}
		machines[i].Department = "示例局"
		return machines[i], of
	}), now}
}

// plotted is the machines of azure10 or nab, of which only CPU is known; each
// file is one machine, whose samples end now.
func plotted(t testing.TB, pattern string, value int) fleetAt {
	files, err := filepath.Glob(filepath.Join(tracesOf(t), pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return fleetAt{described(len(files), now, func(i int) (cloud.Resource, map[cloud.Metric][]cloud.Point) {
		f, err := os.Open(files[i])
		if err != nil {
			t.Error(err)
			return cloud.Resource{}, nil
		}
		defer f.Close()
		var in io.Reader = f
		if strings.HasSuffix(files[i], ".gz") {
			if in, err = gzip.NewReader(f); err != nil {
				t.Error(err)
				return cloud.Resource{}, nil
			}
		}
		rows, err := csv.NewReader(in).ReadAll()
		if err != nil {
			t.Error(err)
			return cloud.Resource{}, nil
		}
		var points []cloud.Point
		for k, row := range rows[1:] {
			v, err := strconv.ParseFloat(row[value], 64)
			if err != nil {
				t.Error(err)
			}
			points = append(points, cloud.Point{T: now.Unix() - int64(len(rows)-1-k)*300, V: math.Round(v*100) / 100})
		}
		return cloud.Resource{ID: filepath.Base(files[i]), Kind: cloud.Instance, Status: cloud.Running, Department: "示例局"}, map[cloud.Metric][]cloud.Point{cloud.CPUPercent: points}
	}), now}
}

// fleetAt is machines and the instant at which they are judged.
type fleetAt struct {
	machines []specimen
	now      time.Time
}

// suspects judges a fleet and says which of it are suspected.
func (f fleetAt) suspects(p policies.Pack) []bool {
	out := make([]bool, len(f.machines))
	var curves []Curve
	for i, s := range f.machines {
		finding := Judge(p, s.Input, f.now)
		out[i] = slices.Contains(finding.Flags, SuspectedPadding)
		if c, ok := CurveOf(p, s.Input, finding, f.now); ok {
			curves = append(curves, c)
		}
	}
	alike := Alike(p, curves)
	for i, s := range f.machines {
		out[i] = out[i] || len(alike[s.Resource.ID]) > 0
	}
	return out
}

// rate is how many of how many.
type rate struct{ hits, of int }

func (r *rate) count(hit bool) {
	r.of++
	if hit {
		r.hits++
	}
}

func (r rate) share() float64 { return float64(r.hits) / float64(max(1, r.of)) }

func (r rate) String() string { return fmt.Sprintf("%d of %d, %.1f %%", r.hits, r.of, 100*r.share()) }

func tally(p policies.Pack, fleets ...fleetAt) (r rate) {
	for _, f := range fleets {
		for _, s := range f.suspects(p) {
			r.count(s)
		}
	}
	return r
}

// TestPaddingRates measures how many padded machines of made-up estates are
// suspected and how many that do not pad, there and, where the traces are at
// hand, among real ones; and how both move when a number of the pack is halved
// or doubled. Its tables are those of docs/decisions/0014-padding.md.
func TestPaddingRates(t *testing.T) {
	t.Parallel()
	p, _ := policies.ByID(policies.DefaultID)
	var padded []fleetAt
	hits := map[estate.Burner]*rate{}
	for _, b := range estate.Burners() {
		hits[b] = &rate{}
	}
	sizes := []int{500}
	if testing.Verbose() {
		sizes = []int{300, 1000, 2500} // for the tables
	}
	for seed, size := range sizes {
		fleet, now := madeUp(estate.Options{Instances: size, Seed: uint64(seed + 31)}, func(c estate.Class) bool { return c == estate.Padded })
		padded = append(padded, fleetAt{fleet, now})
		for i, s := range padded[seed].suspects(p) {
			hits[fleet[i].burner].count(s)
		}
	}
	fleet, now := madeUp(estate.Options{Instances: 300, Seed: 11}, func(c estate.Class) bool { return c != estate.Padded })
	honest := fleetAt{fleet, now}

	t.Logf("padded: %v", tally(p, padded...))
	for _, b := range estate.Burners() {
		t.Logf("  %s: %v", b, *hits[b])
	}
	t.Logf("honest classes: %v", tally(p, honest))
	if r := tally(p, padded...); r.share() < 0.8 {
		t.Errorf("%v of the padded machines are suspected, want at least 80 %%", r)
	}
	if r := tally(p, honest); r.share() > 0.005 {
		t.Errorf("%v of the machines that do not pad are suspected, want at most 0.5 %%", r)
	}
	actual := fleetAt{}
	t.Run("traces", func(t *testing.T) {
		actual = traced(t)
		for i, s := range actual.suspects(p) {
			if s {
				t.Logf("suspected: %s", actual.machines[i].Resource.ID)
			}
		}
		t.Logf("vm407: %v", tally(p, actual))
		if r := tally(p, actual); r.share() > 0.005 {
			t.Errorf("%v of real machines are suspected, want at most 0.5 %%", r)
		}
		if r := tally(p, plotted(t, "azure10/*.csv.gz", 3)); r.hits > 0 {
			t.Errorf("azure10: %v", r)
		}
		short := p // the traces of nab hold two weeks
		short.Window, short.MinHistory = 14*day, 13*day
		if r := tally(short, plotted(t, "nab/ec2_cpu_*.csv", 1)); r.hits > 0 {
			t.Errorf("nab: %v", r)
		}
	})
	if testing.Verbose() {
		for _, change := range changes {
			for _, by := range []float64{0.5, 2} {
				q := p
				text := change.by(&q, by)
				t.Logf("| %s | %s | %v | %v | %v |", change.name, text, tally(q, padded...), tally(q, honest), tally(q, actual))
			}
		}
	}
}

// changes multiply one number of the pack and say what became of it.
var changes = []struct {
	name string
	by   func(p *policies.Pack, f float64) string
}{
	{"threshold of CPU", func(p *policies.Pack, f float64) string {
		rules := slices.Clone(p.Rules)
		for i := range rules {
			rules[i].When = slices.Clone(rules[i].When)
			for k, c := range rules[i].When {
				if c.Metric == cloud.CPUPercent && c.Limit == 20 {
					rules[i].When[k].Limit *= f
				}
			}
		}
		p.Rules = rules
		return fmt.Sprint(20 * f)
	}},
	{"max_deviation", func(p *policies.Pack, f float64) string { return times(&p.Padding.MaxDeviation, f) }},
	{"above_by", func(p *policies.Pack, f float64) string { return times(&p.Padding.AboveBy, f) }},
	{"min_floor_percent", func(p *policies.Pack, f float64) string { return times(&p.Padding.MinFloor, f) }},
	{"max_network_per_day", func(p *policies.Pack, f float64) string { return times(&p.Padding.MaxNetwork, f) }},
	{"max_disk_per_day", func(p *policies.Pack, f float64) string { return times(&p.Padding.MaxDisk, f) }},
	{"quiet_days_percent", func(p *policies.Pack, f float64) string {
		times(&p.Padding.QuietDays, f)
		p.Padding.QuietDays = min(1, p.Padding.QuietDays)
		return fmt.Sprint(p.Padding.QuietDays)
	}},
	{"work_times", func(p *policies.Pack, f float64) string { return times(&p.Padding.WorkTimes, f) }},
	{"settled", func(p *policies.Pack, f float64) string {
		p.Padding.Settled = time.Duration(float64(p.Padding.Settled) * f)
		return p.Padding.Settled.String()
	}},
	{"max_traffic_growth_percent", func(p *policies.Pack, f float64) string { return times(&p.Padding.MaxGrowth, f) }},
	{"alike", func(p *policies.Pack, f float64) string {
		p.Padding.Alike = max(2, int(float64(p.Padding.Alike)*f))
		return fmt.Sprint(p.Padding.Alike)
	}},
	{"alike_within", func(p *policies.Pack, f float64) string { return times(&p.Padding.AlikeWithin, f) }},
}

func times(v *float64, f float64) string {
	*v *= f
	return fmt.Sprint(*v)
}
