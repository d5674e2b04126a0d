package aliyun_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/collector/collectortest"
	"yunjian/internal/simcloud"
)

// lagging is a world whose points show when they are behind the present by
// their machine's delay: one pull later, for i-late; an hour later, for i-lost.
type lagging struct {
	tiny
	now *atomic.Int64
}

func (w lagging) Samples(resource string, m cloud.Metric, from, to int64) []cloud.Point {
	delay := map[string]time.Duration{"i-late": 14 * time.Minute, "i-lost": time.Hour}[resource]
	return w.tiny.Samples(resource, m, from, min(to, w.now.Load()-int64(delay/time.Second)))
}

func (w lagging) End() time.Time { return time.Unix(w.now.Load(), 0).UTC() }

// steady pulls a lagging world time and again, as the daemon does.
type steady struct {
	*testing.T
	world    lagging
	sim      *simcloud.Server
	source   *aliyun.Source
	gathered *collectortest.Gathered
	metrics  []cloud.Metric
	used     int // metric calls
}

const (
	steadyMachines = 60 // two calls a metric
	steadyLag      = 10 * time.Minute
)

func newSteady(t *testing.T, change func(*aliyun.Options)) *steady {
	w := lagging{now: &atomic.Int64{}}
	for i := range steadyMachines - 2 {
		w.resources = append(w.resources, machine(fmt.Sprintf("i-%02d", i), cloud.Running, cloud.AgentRunning))
	}
	w.resources = append(w.resources, machine("i-late", cloud.Running, cloud.AgentRunning), machine("i-lost", cloud.Running, cloud.AgentRunning))
	w.now.Store(estateEnd.Add(-12 * time.Hour).Unix())
	x := &steady{T: t, world: w, gathered: collectortest.NewGathered(), metrics: []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}}
	server, sim := serve(t, w, simcloud.Options{})
	o := options(server, "cn-hangzhou")
	o.Cadence, o.Lag = 5*time.Minute, steadyLag
	o.CallsUsed = func() int { return x.used }
	if change != nil {
		change(&o)
	}
	x.sim, x.source = sim, newSource(t, o)
	return x
}

// pull moves the present on and collects.
func (x *steady) pull(by time.Duration, gaps ...collector.Gap) collector.Result {
	x.Helper()
	now := x.now().Add(by)
	x.world.now.Store(now.Unix())
	x.sim.SetNow(now)
	inv, err := x.source.Inventory(x.Context(), now)
	if err != nil {
		x.Fatal(err)
	}
	before := x.sim.Actions()["DescribeMetricList"]
	res, err := x.source.Collect(x.Context(), collector.Request{
		Inventory: inv, Metrics: x.metrics, Since: estateEnd.Add(-13 * time.Hour), Now: now, Through: x.gathered.Through, Gaps: gaps,
	}, x.gathered.Deliver)
	if err != nil {
		x.Fatal(err)
	}
	if seen := x.sim.Actions()["DescribeMetricList"] - before; seen != res.Calls["DescribeMetricList"] {
		x.Fatalf("the cloud saw %d calls, the result says %d", seen, res.Calls["DescribeMetricList"])
	}
	x.used += res.Calls["DescribeMetricList"]
	return res
}

func (x *steady) now() time.Time { return x.world.End() }

// missing is how many of a machine's points up to an instant are not there.
func (x *steady) missing(id string, to time.Time) int {
	n := 0
	for _, m := range x.metrics {
		got := map[int64]bool{}
		for _, p := range x.gathered.Points[collectortest.Key{Resource: id, Metric: m}] {
			got[p.T] = true
		}
		for _, p := range x.world.tiny.Samples(id, m, estateEnd.Add(-13*time.Hour).Unix(), to.Unix()) {
			if !got[p.T] {
				n++
			}
		}
	}
	return n
}

func TestPullsAskForWhatIsNewAndTwoStepsAgain(t *testing.T) {
	x := newSteady(t, nil)
	x.pull(0)
	const pulls = 24
	for range pulls {
		res := x.pull(5 * time.Minute)
		if calls := res.Calls["DescribeMetricList"]; calls != 2*len(x.metrics) {
			t.Fatalf("%d calls, want two of each metric", calls)
		}
		// A new point and two again; of i-late the newest is not there yet, of
		// i-lost none is.
		if want := len(x.metrics) * ((steadyMachines-2)*3 + 2); res.Samples != want {
			t.Fatalf("%d samples, want %d", res.Samples, want)
		}
	}
	read := x.now().Add(-steadyLag)
	for _, r := range x.world.resources {
		// i-late's last point comes with the next pull.
		if want := map[string]int{"i-late": 2, "i-lost": 2 * 36}[r.ID]; r.ID != "i-lost" && x.missing(r.ID, read) != want {
			t.Errorf("%s: %d points missing, want %d", r.ID, x.missing(r.ID, read), want)
		}
		for _, m := range x.metrics {
			k := collectortest.Key{Resource: r.ID, Metric: m}
			if !x.gathered.Through(r.ID, m).Equal(read) {
				t.Errorf("%v: read through %v, want %v", k, x.gathered.Through(r.ID, m), read)
			}
			again := map[int64]int{}
			for _, p := range x.gathered.Points[k] {
				if again[p.T]++; again[p.T] > 3 {
					t.Fatalf("%v: the point of %d was read %d times", k, p.T, again[p.T])
				}
			}
		}
	}
	// What came later still is a gap, and is found when that is asked for again.
	lost := x.missing("i-lost", read.Add(-time.Hour))
	var gaps []collector.Gap
	for _, m := range x.metrics {
		gaps = append(gaps, collector.Gap{Resource: "i-lost", Metric: m, From: estateEnd.Add(-13 * time.Hour), To: x.now()})
	}
	x.pull(5*time.Minute, gaps...)
	if left := x.missing("i-lost", read.Add(-time.Hour)); lost == 0 || left != 0 {
		t.Errorf("%d points of i-lost were missing, %d after the gap was read again", lost, left)
	}
}

func TestAnOpenGapIsNotReadTwice(t *testing.T) {
	x := newSteady(t, nil)
	var gaps []collector.Gap
	for _, r := range x.world.resources {
		for _, m := range x.metrics { // as the history reports a series of which it has nothing
			gaps = append(gaps, collector.Gap{Resource: r.ID, Metric: m, From: estateEnd.Add(-72 * time.Hour), To: x.now()})
		}
	}
	first := x.pull(0, gaps...)
	if without := newSteady(t, nil).pull(0); first.Samples != without.Samples || first.Calls["DescribeMetricList"] > without.Calls["DescribeMetricList"]+2*len(x.metrics) {
		t.Errorf("%d samples in %d calls, without gaps %d in %d", first.Samples, first.Calls["DescribeMetricList"], without.Samples, without.Calls["DescribeMetricList"])
	}
}

// TestTightBudgetCostsFreshnessNotSamples pulls for six hours with calls for
// far fewer pulls: they come further apart and bring everything at the finest
// step.
func TestTightBudgetCostsFreshnessNotSamples(t *testing.T) {
	x := newSteady(t, func(o *aliyun.Options) { o.Budget.PerMonth = 4 * 31 * 24 * 2 }) // every half hour
	x.pull(0)
	pulled := 0
	for range 72 {
		res := x.pull(5 * time.Minute)
		if res.Period != 5*time.Minute {
			t.Fatalf("a step of %v was asked for", res.Period)
		}
		if res.Calls["DescribeMetricList"] > 0 {
			pulled++
		}
	}
	if pulled < 6 || pulled > 12 {
		t.Errorf("%d pulls in six hours, want about one each half hour", pulled)
	}
	for _, r := range x.world.resources[:steadyMachines-2] {
		through := x.gathered.Through(r.ID, x.metrics[0])
		if n := x.missing(r.ID, through); n != 0 || x.now().Sub(through) > time.Hour {
			t.Errorf("%s: %d points missing up to %v of %v", r.ID, n, through, x.now())
		}
	}
}

// TestExhaustedMonthLosesNothing uses up the month's calls, waits, and goes on
// in the next month where it stopped, at the finest step.
func TestExhaustedMonthLosesNothing(t *testing.T) {
	x := newSteady(t, func(o *aliyun.Options) { o.Budget.PerMonth = 4 * 31 * 24 })
	x.pull(0)
	x.used = 4*31*24 - 3 // the account's other users were busy: not even one pull is left
	for range 36 {
		if res := x.pull(5 * time.Minute); res.Period != 5*time.Minute || res.Plan.Allowed > 3 {
			t.Fatalf("step %v, %d calls allowed", res.Period, res.Plan.Allowed)
		}
	}
	throttled := func(m cloud.Metric) bool {
		return slices.ContainsFunc(x.world.resources, func(r cloud.Resource) bool {
			return x.gathered.Observations[collectortest.Key{Resource: r.ID, Metric: m}].Availability == cloud.Throttled
		})
	}
	if !throttled(cloud.CPUPercent) || !throttled(cloud.MemoryPercent) {
		t.Error("no series says that it could not be read for want of calls")
	}
	x.used = 0
	x.pull(5 * time.Minute)
	read := x.now().Add(-steadyLag)
	for _, r := range x.world.resources[:steadyMachines-2] {
		if n := x.missing(r.ID, read); n != 0 {
			t.Errorf("%s: %d points missing", r.ID, n)
		}
	}
}
