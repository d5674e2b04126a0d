package collectortest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
	"yunjian/collector"
)

// Fixture is a source and what is known of the cloud behind it. Every case
// gets a fresh one.
type Fixture struct {
	Source  collector.Source
	Since   time.Time      // samples in (Since, Now] are asked for
	Now     time.Time      //
	Metrics []cloud.Metric // asked for; nil: all
	// Truth returns the samples that the source must deliver of a series, in
	// (from, to], ascending; nil where that is not known. A series that the
	// source cannot measure has none.
	Truth func(r cloud.Resource, m cloud.Metric, from, to time.Time) []cloud.Point
	// Step is the grid on which all samples lie; 0: no grid is promised.
	Step time.Duration
}

// Run runs the contract over the sources that newFixture makes.
func Run(t *testing.T, newFixture func(t *testing.T) Fixture) {
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			if f.Metrics == nil {
				f.Metrics = cloud.Metrics()
			}
			if c.truth && f.Truth == nil {
				t.Skip("the truth behind this source is not known")
			}
			c.run(t, f)
		})
	}
}

var contract = []struct {
	name  string
	truth bool // needs Fixture.Truth
	run   func(*testing.T, Fixture)
}{
	{"inventory names its cloud and every resource", false, inventoryNames},
	{"inventory is sorted, without duplicates, in UTC", false, inventorySorted},
	{"inventory says which listings were read to the end", false, inventoryScopes},
	{"inventory read twice is the same", false, inventoryTwice},
	{"series ascend, no instant twice", false, seriesAscend},
	{"samples lie in (Since, Now]", false, samplesWithin},
	{"samples lie on the grid", false, samplesOnGrid},
	{"percentages lie in 0 to 100, nothing is negative", false, valuesPlausible},
	{"every series asked for is observed, with its reason", false, observations},
	{"samples are exact, none missing, none invented", true, samplesExact},
	{"gaps stay gaps, never zeros", true, gapsStayGaps},
	{"a second run from Through reads what is new and only that", true, resume},
	{"a run broken off has delivered what it reported", true, brokenOff},
	{"a gap named in the request is read again", true, gapRead},
	{"a canceled context ends the run before it begins", false, canceledBefore},
	{"cancellation during the run ends it", false, canceledDuring},
	{"an error of deliver ends the run and comes back", false, deliverError},
	{"collecting twice gives the same", false, collectTwice},
}

// Gathered is what one or more runs delivered, by resource and metric.
type Gathered struct {
	Points       map[Key][]cloud.Point
	Observations map[Key]cloud.Observation // the last of each
	Batches      int
}

// Key names a series.
type Key struct {
	Resource string
	Metric   cloud.Metric
}

// NewGathered returns an empty Gathered.
func NewGathered() *Gathered {
	return &Gathered{Points: map[Key][]cloud.Point{}, Observations: map[Key]cloud.Observation{}}
}

// Deliver takes a batch in, as a store would.
func (g *Gathered) Deliver(b collector.Batch) error {
	g.Batches++
	for _, s := range b.Series {
		k := Key{s.Resource, s.Metric}
		g.Points[k] = append(g.Points[k], s.Points...)
	}
	for _, o := range b.Observations {
		g.Observations[Key{o.Resource, o.Metric}] = o
	}
	return nil
}

// Through is Request.Through over what was gathered.
func (g *Gathered) Through(resource string, m cloud.Metric) time.Time {
	return g.Observations[Key{resource, m}].Through
}

func (f Fixture) inventory(t *testing.T) cloud.Inventory {
	t.Helper()
	inv, err := f.Source.Inventory(t.Context(), f.Now)
	if err != nil {
		t.Fatalf("Inventory: %v", err)
	}
	return inv
}

func (f Fixture) request(t *testing.T) collector.Request {
	t.Helper()
	return collector.Request{Inventory: f.inventory(t), Metrics: f.Metrics, Since: f.Since, Now: f.Now}
}

func (f Fixture) collect(t *testing.T, req collector.Request, g *Gathered) collector.Result {
	t.Helper()
	res, err := f.Source.Collect(t.Context(), req, g.Deliver)
	if err != nil {
		t.Fatalf("Collect: %v", err)
	}
	return res
}

// instances are the resources that utilization is asked of.
func instances(inv cloud.Inventory) []cloud.Resource {
	var out []cloud.Resource
	for _, r := range inv.Resources {
		if r.Kind == cloud.Instance {
			out = append(out, r)
		}
	}
	return out
}

func inventoryNames(t *testing.T, f Fixture) {
	inv := f.inventory(t)
	if inv.Cloud == "" {
		t.Error("Cloud is empty")
	}
	if !inv.TakenAt.Equal(f.Now) {
		t.Errorf("TakenAt: %v, want %v", inv.TakenAt, f.Now)
	}
	if len(instances(inv)) == 0 {
		t.Error("no instances: the cases below would prove nothing")
	}
	for _, r := range inv.Resources {
		if r.ID == "" || !slices.Contains(cloud.Kinds(), r.Kind) || r.Cloud != inv.Cloud {
			t.Errorf("resource %q of kind %q in cloud %q: want an id, a known kind and cloud %q", r.ID, r.Kind, r.Cloud, inv.Cloud)
		}
	}
}

func inventorySorted(t *testing.T, f Fixture) {
	inv := f.inventory(t)
	again := inv
	again.Resources, again.Types, again.Scopes = slices.Clone(inv.Resources), slices.Clone(inv.Types), slices.Clone(inv.Scopes)
	again.Sort()
	if diff := cmp.Diff(again, inv); diff != "" {
		t.Errorf("not sorted (-sorted +got):\n%s", diff)
	}
	seen := map[string]bool{}
	for _, r := range inv.Resources {
		key := string(r.Kind) + " " + r.ID
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		for name, at := range map[string]time.Time{"CreatedAt": r.CreatedAt, "ExpiresAt": r.ExpiresAt, "DetachedAt": r.DetachedAt, "FirstSeen": r.FirstSeen, "LastSeen": r.LastSeen} {
			if at.Location() != time.UTC {
				t.Errorf("%s: %s in %v, want UTC", key, name, at.Location())
			}
		}
	}
}

func inventoryScopes(t *testing.T, f Fixture) {
	inv := f.inventory(t)
	counts := map[cloud.Kind]int{}
	for _, s := range inv.Scopes {
		counts[s.Kind] += s.Count
		if !s.Complete && s.Problem == "" {
			t.Errorf("scope %+v is incomplete and does not say why", s)
		}
	}
	for _, r := range inv.Resources {
		counts[r.Kind]--
	}
	for kind, n := range counts {
		if n < 0 {
			t.Errorf("%d resources of kind %s belong to no scope", -n, kind)
		}
	}
}

func inventoryTwice(t *testing.T, f Fixture) {
	if diff := cmp.Diff(f.inventory(t), f.inventory(t)); diff != "" {
		t.Errorf("second reading differs (-first +second):\n%s", diff)
	}
}

func seriesAscend(t *testing.T, f Fixture) {
	g := NewGathered()
	res := f.collect(t, f.request(t), g)
	n := 0
	for k, points := range g.Points {
		n += len(points)
		for i := 1; i < len(points); i++ {
			if points[i].T <= points[i-1].T {
				t.Fatalf("%v: instant %d after %d", k, points[i].T, points[i-1].T)
			}
		}
	}
	if n == 0 {
		t.Fatal("no samples: the case proves nothing")
	}
	if res.Samples != n {
		t.Errorf("Result.Samples: %d, delivered were %d", res.Samples, n)
	}
}

func samplesWithin(t *testing.T, f Fixture) {
	g := NewGathered()
	f.collect(t, f.request(t), g)
	for k, points := range g.Points {
		for _, p := range points {
			if p.T <= f.Since.Unix() || p.T > f.Now.Unix() {
				t.Fatalf("%v: sample at %v outside (%v, %v]", k, time.Unix(p.T, 0).UTC(), f.Since, f.Now)
			}
		}
	}
}

func samplesOnGrid(t *testing.T, f Fixture) {
	if f.Step == 0 {
		t.Skip("this source promises no grid")
	}
	g := NewGathered()
	f.collect(t, f.request(t), g)
	for k, points := range g.Points {
		for _, p := range points {
			if p.T%int64(f.Step/time.Second) != 0 {
				t.Fatalf("%v: sample at %d is not on the grid of %v", k, p.T, f.Step)
			}
		}
	}
}

func valuesPlausible(t *testing.T, f Fixture) {
	g := NewGathered()
	f.collect(t, f.request(t), g)
	for k, points := range g.Points {
		for _, p := range points {
			if !(p.V >= 0) || k.Metric.Unit() == cloud.Percent && p.V > 100 {
				t.Fatalf("%v: value %v at %d", k, p.V, p.T)
			}
		}
	}
}

func observations(t *testing.T, f Fixture) {
	g := NewGathered()
	req := f.request(t)
	f.collect(t, req, g)
	for _, r := range instances(req.Inventory) {
		for _, m := range f.Metrics {
			k := Key{r.ID, m}
			o, ok := g.Observations[k]
			switch {
			case m.Optional() && !ok && len(g.Points[k]) == 0:
			case m.Optional() && o.Availability != cloud.Observed:
				t.Errorf("%v: the absence of an optional metric is observed as %q", k, o.Availability)
			case !ok:
				t.Errorf("%v: no observation", k)
			case o.Availability == "":
				t.Errorf("%v: no availability", k)
			case o.Availability == cloud.Observed && len(g.Points[k]) == 0:
				t.Errorf("%v: observed without a sample", k)
			case o.Through.After(f.Now):
				t.Errorf("%v: read through %v, after the present %v", k, o.Through, f.Now)
			}
		}
	}
}

func samplesExact(t *testing.T, f Fixture) {
	g := NewGathered()
	req := f.request(t)
	f.collect(t, req, g)
	f.compare(t, req.Inventory, g, f.Since, f.Now)
}

// compare checks everything gathered against the truth in (from, to].
func (f Fixture) compare(t *testing.T, inv cloud.Inventory, g *Gathered, from, to time.Time) {
	t.Helper()
	want := map[Key][]cloud.Point{}
	for _, r := range instances(inv) {
		for _, m := range f.Metrics {
			if points := f.Truth(r, m, from, to); len(points) > 0 {
				want[Key{r.ID, m}] = points
			}
		}
	}
	for _, k := range keys(want, g.Points) {
		if !slices.Equal(want[k], g.Points[k]) {
			t.Errorf("%v: %d samples, want %d; %s", k, len(g.Points[k]), len(want[k]), difference(want[k], g.Points[k]))
		}
	}
}

func difference(want, got []cloud.Point) string {
	if diff := cmp.Diff(want, got); len(diff) < 2000 {
		return diff
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return cmp.Diff(want[i], got[i])
		}
	}
	return "one is the beginning of the other"
}

func keys(a, b map[Key][]cloud.Point) []Key {
	set := map[Key]bool{}
	for k := range a {
		set[k] = true
	}
	for k := range b {
		set[k] = true
	}
	return slices.SortedFunc(maps.Keys(set), func(x, y Key) int {
		return slices.Compare([]string{x.Resource, string(x.Metric)}, []string{y.Resource, string(y.Metric)})
	})
}

func gapsStayGaps(t *testing.T, f Fixture) {
	g := NewGathered()
	req := f.request(t)
	f.collect(t, req, g)
	gaps := 0
	for _, r := range instances(req.Inventory) {
		for _, m := range f.Metrics {
			truth := map[int64]bool{}
			for _, p := range f.Truth(r, m, f.Since, f.Now) {
				truth[p.T] = true
			}
			gaps += int(f.Now.Sub(f.Since)/(5*time.Minute)) - len(truth)
			for _, p := range g.Points[Key{r.ID, m}] {
				if !truth[p.T] {
					t.Fatalf("%s %s: %v at %d, where nothing was measured", r.ID, m, p.V, p.T)
				}
			}
		}
	}
	if gaps <= 0 {
		t.Fatal("the fixture has no gap: the case proves nothing")
	}
}

func resume(t *testing.T, f Fixture) {
	g := NewGathered()
	req := f.request(t)
	middle := f.Since.Add(f.Now.Sub(f.Since) / 2).Truncate(5 * time.Minute)
	req.Now = middle
	f.collect(t, req, g)
	f.compare(t, req.Inventory, g, f.Since, middle)
	req.Now, req.Through = f.Now, g.Through
	f.collect(t, req, g)
	f.compare(t, req.Inventory, g, f.Since, f.Now)
}

// brokenOff stops after some batches, as a crash would, and checks that
// what the observations claim was read has been delivered.
func brokenOff(t *testing.T, f Fixture) {
	req := f.request(t)
	stop := errors.New("stop")
	for _, after := range []int{1, 3} {
		g := NewGathered()
		_, err := f.Source.Collect(t.Context(), req, func(b collector.Batch) error {
			if g.Batches == after {
				return stop
			}
			return g.Deliver(b)
		})
		for k, o := range g.Observations {
			i := slices.IndexFunc(req.Inventory.Resources, func(r cloud.Resource) bool { return r.ID == k.Resource })
			if i < 0 {
				t.Fatalf("%v: observation of a resource that was not asked for", k)
			}
			want := f.Truth(req.Inventory.Resources[i], k.Metric, f.Since, earlier(o.Through, f.Now))
			if !o.Through.IsZero() && len(g.Points[k]) < len(want) {
				t.Errorf("after %d batches %v claims to be read through %v with %d samples of %d", after, k, o.Through, len(g.Points[k]), len(want))
			}
		}
		if err == nil {
			return
		}
		// The next run takes up from there.
		req := req
		req.Through = g.Through
		f.collect(t, req, g)
		f.compare(t, req.Inventory, g, f.Since, f.Now)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func gapRead(t *testing.T, f Fixture) {
	req := f.request(t)
	from := f.Since.Add(f.Now.Sub(f.Since) / 4).Truncate(5 * time.Minute)
	to := from.Add(2 * time.Hour)
	var gap collector.Gap
	var want []cloud.Point
	for _, r := range instances(req.Inventory) {
		if want = f.Truth(r, f.Metrics[0], from, to); len(want) > 0 {
			gap = collector.Gap{Resource: r.ID, Metric: f.Metrics[0], From: from, To: to}
			break
		}
	}
	if len(want) == 0 {
		t.Fatal("the fixture has no samples in the gap: the case proves nothing")
	}
	req.Through = func(string, cloud.Metric) time.Time { return f.Now }
	req.Gaps = []collector.Gap{gap}
	g := NewGathered()
	f.collect(t, req, g)
	if got := g.Points[Key{gap.Resource, gap.Metric}]; !slices.Equal(got, want) {
		t.Errorf("gap: %s", difference(want, got))
	}
	if len(g.Points) != 1 {
		t.Errorf("%d series delivered, want the gap's only", len(g.Points))
	}
	if o, said := g.Observations[Key{gap.Resource, gap.Metric}]; said && o.Through.Before(f.Now) {
		t.Errorf("reading a gap moved Through back to %v", o.Through)
	}
}

func canceledBefore(t *testing.T, f Fixture) {
	req := f.request(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Source.Collect(ctx, req, func(collector.Batch) error {
		t.Error("delivered after cancellation")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Collect: %v, want context canceled", err)
	}
	if _, err := f.Source.Inventory(ctx, f.Now); !errors.Is(err, context.Canceled) {
		t.Errorf("Inventory: %v, want context canceled", err)
	}
}

func canceledDuring(t *testing.T, f Fixture) {
	req := f.request(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	_, err := f.Source.Collect(ctx, req, func(collector.Batch) error {
		calls++
		cancel()
		return nil
	})
	if calls != 1 {
		t.Errorf("deliver called %d times, want once and never after cancellation", calls)
	}
	// A source that had nothing more to deliver may have finished.
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Collect: %v, want context canceled", err)
	}
}

func deliverError(t *testing.T, f Fixture) {
	full := errors.New("disk full")
	calls := 0
	_, err := f.Source.Collect(t.Context(), f.request(t), func(collector.Batch) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("Collect: %v after %d deliveries, want %v after one", err, calls, full)
	}
}

func collectTwice(t *testing.T, f Fixture) {
	req := f.request(t)
	a, b := NewGathered(), NewGathered()
	f.collect(t, req, a)
	f.collect(t, req, b)
	for _, k := range keys(a.Points, b.Points) {
		if !slices.Equal(a.Points[k], b.Points[k]) {
			t.Errorf("%v differs: %s", k, difference(a.Points[k], b.Points[k]))
		}
	}
	if diff := cmp.Diff(a.Observations, b.Observations); diff != "" {
		t.Errorf("observations differ (-first +second):\n%s", diff)
	}
}
