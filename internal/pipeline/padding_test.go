package pipeline

import (
	"context"
	"slices"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// department is a source of machines that hold a level of CPU beside steady
// traffic, and of little memory, so that a rule would shrink that.
type department struct{ levels map[string]float64 }

func (s department) Inventory(_ context.Context, now time.Time) (cloud.Inventory, error) {
	inv := cloud.Inventory{TakenAt: now, Scopes: []cloud.Scope{{Kind: cloud.Instance, Complete: true}}}
	for id := range s.levels {
		inv.Resources = append(inv.Resources, cloud.Resource{
			ID: id, Kind: cloud.Instance, Status: cloud.Running, Department: "d", VCPU: 8, MemoryGiB: 32, CreatedAt: monday.AddDate(-1, 0, 0),
		})
	}
	inv.Sort()
	return inv, nil
}

func (s department) Collect(_ context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	var b collector.Batch
	for id, level := range s.levels {
		for metric, v := range map[cloud.Metric]float64{cloud.CPUPercent: level, cloud.MemoryPercent: 10, cloud.NetworkInBPS: 1e6, cloud.NetworkOutBPS: 1e6} {
			points := cloud.Series{Resource: id, Metric: metric}
			for t := req.Since; !t.After(req.Now); t = t.Add(5 * time.Minute) {
				points.Points = append(points.Points, cloud.Point{T: t.Unix(), V: v})
			}
			b.Series = append(b.Series, points)
			b.Observations = append(b.Observations, cloud.Observation{Resource: id, Metric: metric, Availability: cloud.Observed, From: req.Since, Through: req.Now})
		}
	}
	return collector.Result{}, deliver(b)
}

// Three machines of one department that burn alike are suspected for it,
// whatever order they are judged in, and nothing is proposed for them; the
// fourth burns at a level of its own, and its memory is.
func TestAuditComparesWithinDepartment(t *testing.T) {
	d := open(t)
	source := department{map[string]float64{"i-1": 40, "i-2": 40.2, "i-3": 40.4, "i-4": 60}}
	o := CollectOptions{Metrics: cloud.Metrics(), Since: monday.AddDate(0, 0, -31), Now: monday}
	if _, err := d.Collect(context.Background(), "a", source, o); err != nil {
		t.Fatal(err)
	}
	pack, _ := policies.ByID(policies.DefaultID)
	a, err := d.Audit(context.Background(), AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: monday, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	var suspected, refused, advised []string
	for _, f := range a.Findings {
		if !slices.Contains(f.Flags, analyzer.SuspectedPadding) {
			continue
		}
		suspected = append(suspected, f.ResourceID)
		if got := valueOf(f, analyzer.CodePaddingAlike); got != 2 {
			t.Errorf("%s is like %g others, want 2: %+v", f.ResourceID, got, f.Reasons)
		}
	}
	for _, r := range a.Refusals {
		if r.Reasons[0].Code == recommender.CodePadding {
			refused = append(refused, r.ResourceID)
		}
	}
	for _, r := range a.Recommendations {
		advised = append(advised, r.ResourceID)
	}
	three := []string{"i-1", "i-2", "i-3"}
	slices.Sort(suspected)
	slices.Sort(refused)
	if !slices.Equal(suspected, three) || !slices.Equal(refused, three) || !slices.Equal(advised, []string{"i-4"}) {
		t.Errorf("suspected %v, refused %v, advised %v; want the three alike suspected and refused, the fourth advised", suspected, refused, advised)
	}
}
