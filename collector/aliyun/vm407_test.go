package aliyun_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/bundle"
	"yunjian/collector/collectortest"
	"yunjian/internal/simcloud"
)

// fewer is a world with every nth instance only.
type fewer struct {
	simcloud.World
	nth int
}

func (w fewer) Inventory(at time.Time) cloud.Inventory {
	inv := w.World.Inventory(at)
	var keep []cloud.Resource
	for i, r := range inv.Resources {
		if i%w.nth == 0 {
			keep = append(keep, r)
		}
	}
	inv.Resources = keep
	return inv
}

// TestTraceIsReadExactlyAtTheLeastCost reads 31 days of the vm407 trace
// through the API: every sample exact, none invented, and at most a tenth more
// metric calls than the least that can do. Every thirtieth machine by default, all
// of them with YUNJIAN_WHOLE_TRACE set.
func TestTraceIsReadExactlyAtTheLeastCost(t *testing.T) {
	dir := vm407(t)
	nth := 30
	if os.Getenv("YUNJIAN_WHOLE_TRACE") != "" {
		nth = 1
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2013, 9, 11, 13, 40, 0, 0, time.UTC)
	server, _ := serve(t, fewer{simcloud.FromBundle(b), nth}, simcloud.Options{Now: now})
	s := newSource(t, options(server, "cn-hangzhou"))
	inv, err := s.Inventory(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	req := collector.Request{Inventory: inv, Since: now.Add(-31 * 24 * time.Hour), Now: now}
	g := collectortest.NewGathered()
	res, err := s.Collect(t.Context(), req, g.Deliver)
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, r := range inv.Resources {
		want, err := b.Samples(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cloud.Metrics() {
			samples += len(want[m])
			if got := g.Points[collectortest.Key{Resource: r.ID, Metric: m}]; !slices.Equal(got, want[m]) {
				t.Errorf("%s %s: %d samples, want %d", r.ID, m, len(got), len(want[m]))
			}
		}
		if o := g.Observations[collectortest.Key{Resource: r.ID, Metric: cloud.DiskPercent}]; o.Availability != cloud.NotOffered {
			t.Errorf("%s: disk fill is %q, want not offered", r.ID, o.Availability)
		}
	}
	calls := res.Calls["DescribeMetricList"]
	t.Logf("%d machines, %d samples: %d calls; minimum of the samples %d, of the plan %d, planned %d, census %d",
		len(inv.Resources), samples, calls, res.Minimum, res.Plan.Backfill.Minimum, res.Plan.Backfill.Calls, res.Plan.Spent)
	for _, minimum := range []int{res.Minimum, res.Plan.Backfill.Minimum} {
		if float64(calls) > 1.10*float64(minimum) {
			t.Errorf("%d metric calls, more than a tenth above the minimum of %d", calls, minimum)
		}
	}
}
