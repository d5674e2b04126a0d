package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
	"yunjian/collector"
)

// feed is a source of one instance whose CPU is 1 % every five minutes up to
// end, and which says that it has read everything up to the present asked for.
type feed struct {
	end   time.Time
	asked []time.Time // Through of each request
	fail  error       // after the first batch
}

func (f *feed) Inventory(_ context.Context, now time.Time) (cloud.Inventory, error) {
	return cloud.Inventory{
		TakenAt:   now,
		Resources: []cloud.Resource{{ID: "i-1", Kind: cloud.Instance, Status: cloud.Running, VCPU: 4, MemoryGiB: 8}},
		Scopes:    []cloud.Scope{{Kind: cloud.Instance, Complete: true}},
	}, nil
}

func (f *feed) Collect(_ context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	through := req.Through("i-1", cloud.CPUPercent)
	f.asked = append(f.asked, through)
	from := through
	if from.Before(req.Since) {
		from = req.Since
	}
	var points []cloud.Point
	for t := from.Add(5 * time.Minute); !t.After(req.Now) && !t.After(f.end); t = t.Add(5 * time.Minute) {
		points = append(points, cloud.Point{T: t.Unix(), V: 1})
	}
	err := deliver(collector.Batch{
		Series:       []cloud.Series{{Resource: "i-1", Metric: cloud.CPUPercent, Points: points}},
		Observations: []cloud.Observation{{Resource: "i-1", Metric: cloud.CPUPercent, Availability: cloud.Observed, Through: req.Now}},
	})
	result := collector.Result{Samples: len(points), Calls: map[string]int{"DescribeMetricList": 3, "DescribeInstances": 1}}
	return result, errors.Join(err, f.fail)
}

func open(t *testing.T) *Data {
	t.Helper()
	d, err := Open(t.TempDir(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func collectAt(t *testing.T, d *Data, f *feed, now time.Time) Collected {
	t.Helper()
	f.end = now
	got, err := d.Collect(context.Background(), "a", f, CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Since: monday.AddDate(0, 0, -1), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A clock that ran a year ahead for one pass must not keep the samples of that
// year from being read once it is right again.
func TestCollectAfterClockRanAhead(t *testing.T) {
	d, f := open(t), &feed{}
	collectAt(t, d, f, monday)
	f.end = monday // the cloud has no samples of the future
	if _, err := d.Collect(context.Background(), "a", f, CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Since: monday, Now: monday.AddDate(1, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	got := collectAt(t, d, f, monday.Add(time.Hour))
	if got.Result.Samples != 12 {
		t.Errorf("%d samples were read in the hour after the clock was put right, want 12", got.Result.Samples)
	}
	if want := []time.Time{{}, monday, monday}; !cmp.Equal(f.asked, want) {
		t.Errorf("asked from %v, want %v", f.asked, want)
	}
}

// Nor must it keep gaps from being asked for again.
func TestGapsAfterClockRanAhead(t *testing.T) {
	d, f := open(t), &feed{}
	collectAt(t, d, f, monday)
	f.end = monday
	fill := func(now time.Time) CollectOptions {
		return CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Since: monday, Now: now, FillGaps: true}
	}
	gaps := func(now time.Time) int {
		t.Helper()
		req, err := d.Request(context.Background(), "a", f, fill(now))
		if err != nil {
			t.Fatal(err)
		}
		return len(req.Gaps)
	}
	if _, err := d.Collect(context.Background(), "a", f, fill(monday.AddDate(1, 0, 0))); err != nil {
		t.Fatal(err)
	}
	if n := gaps(monday.AddDate(1, 0, 0).Add(time.Hour)); n != 0 {
		t.Errorf("%d gaps are asked for twice within a day, want none", n)
	}
	if n := gaps(monday.Add(2 * time.Hour)); n != 2 {
		t.Errorf("%d gaps are asked for once the clock is right again, want those before the first sample and since the last", n)
	}
}

// A metric that few sources have leaves gaps only where it was ever observed.
func TestGapsOfOptionalMetrics(t *testing.T) {
	d, f := open(t), &feed{}
	collectAt(t, d, f, monday)
	gaps := func() (of []cloud.Metric) {
		t.Helper()
		req, err := d.Request(context.Background(), "a", f, CollectOptions{
			Metrics: []cloud.Metric{cloud.CPUPercent, cloud.StealPercent}, Now: monday, FillGaps: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range req.Gaps {
			of = append(of, g.Metric)
		}
		return of
	}
	if diff := cmp.Diff([]cloud.Metric{cloud.CPUPercent}, gaps()); diff != "" {
		t.Errorf("gaps before steal was seen (-want +got):\n%s", diff)
	}
	if err := d.State.PutObservations("a", []cloud.Observation{{Resource: "i-1", Metric: cloud.StealPercent, Availability: cloud.Observed, Through: monday}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]cloud.Metric{cloud.CPUPercent, cloud.StealPercent}, gaps()); diff != "" {
		t.Errorf("gaps once steal was seen (-want +got):\n%s", diff)
	}
}

// What was delivered before a failure stays, its calls count, and the next pass
// takes up from there.
func TestCollectBreaksOff(t *testing.T) {
	d, f := open(t), &feed{fail: errors.New("the cloud went away")}
	f.end = monday
	o := CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Since: monday.AddDate(0, 0, -1), Now: monday}
	if _, err := d.Collect(context.Background(), "a", f, o); !errors.Is(err, f.fail) {
		t.Fatalf("error %v, want %v", err, f.fail)
	}
	points, err := d.History.Points("i-1", cloud.CPUPercent, cloud.Last(25*time.Hour, monday.Add(time.Second)))
	if err != nil || len(points) != 288 {
		t.Errorf("%d samples are kept (%v), want 288", len(points), err)
	}
	if calls, err := d.MetricCalls("a", monday); err != nil || calls != 3 {
		t.Errorf("%d metric calls are counted (%v), want 3", calls, err)
	}
	passes, err := d.Passes()
	if err != nil || len(passes) != 1 || passes[0].Done || passes[0].Calls != 4 {
		t.Errorf("the pass is kept as %+v (%v), want one of 4 calls that is not done", passes, err)
	}
	f.fail = nil
	if got := collectAt(t, d, f, monday.Add(5*time.Minute)); got.Result.Samples != 1 {
		t.Errorf("%d samples were read by the next pass, want 1", got.Result.Samples)
	}
}

// Again reads what was read before, for files that were corrected.
func TestCollectAgain(t *testing.T) {
	d, f := open(t), &feed{}
	collectAt(t, d, f, monday)
	f.end = monday
	got, err := d.Collect(context.Background(), "a", f, CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Since: monday.AddDate(0, 0, -1), Now: monday, Again: true})
	if err != nil || got.Result.Samples != 288 {
		t.Errorf("%d samples were read again (%v), want 288", got.Result.Samples, err)
	}
}
