package report

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/pipeline"
	"yunjian/policies"
)

// Options are what a report needs beside what is stored.
type Options struct {
	Clouds   []string // those that the audit judged
	Location *time.Location
	Pack     policies.Pack
	Budgets  map[string]int // calls allowed a month, by cloud; absent: none set
	Now      time.Time      // when the report is made
}

// Gather collects what the report of a stored audit says.
func Gather(ctx context.Context, d *pipeline.Data, a audit.Audit, o Options) (Weekly, error) {
	r := Weekly{
		Week:        pipeline.WeekOf(a.AsOf, o.Location),
		GeneratedAt: o.Now, Location: o.Location, Audit: a,
		Observations: map[string]map[cloud.Metric]cloud.Observation{},
		Charts:       map[string][]Chart{},
	}
	// The policy in force explains an audit only if it is the one that judged.
	if o.Pack.ID == a.Policy.ID && o.Pack.SHA256 == a.Policy.SHA256 {
		// Those that cases granted stand in no file of the policy.
		granted, err := d.Excused(a.AsOf.In(o.Location))
		if err != nil {
			return Weekly{}, err
		}
		r.Pack = o.Pack
		r.Pack.Exemptions = slices.Concat(o.Pack.Exemptions, granted)
	}
	before, ok, err := d.PreviousAudit(a.AsOf, o.Location)
	if err != nil {
		return Weekly{}, err
	}
	if ok {
		r.Previous = &before
	}
	if r.Inventories, _, err = d.Inventories(o.Clouds); err != nil {
		return Weekly{}, err
	}
	for _, inv := range r.Inventories {
		observed, err := d.State.Observations(inv.Cloud)
		if err != nil {
			return Weekly{}, fmt.Errorf("read what is known of cloud %s: %w", inv.Cloud, err)
		}
		for id, metrics := range observed {
			r.Observations[id] = metrics
		}
	}
	if r.Collection, err = collection(d, a.AsOf.In(o.Location), o); err != nil {
		return Weekly{}, err
	}
	for _, id := range Charted(a) {
		if err := ctx.Err(); err != nil {
			return Weekly{}, err
		}
		for _, m := range ChartedMetrics() {
			points, err := d.History.Points(id, m, a.Window)
			if err != nil {
				return Weekly{}, fmt.Errorf("read the history of %s: %w", id, err)
			}
			if len(points) > 0 {
				r.Charts[id] = append(r.Charts[id], Thin(points, m, a.Window, ChartStep(a.Window)))
			}
		}
	}
	return r, nil
}

// collection says how reading each cloud went, with the calls of the month of
// asOf.
func collection(d *pipeline.Data, asOf time.Time, o Options) ([]Collection, error) {
	passes, err := d.Passes()
	if err != nil {
		return nil, err
	}
	var out []Collection
	for _, p := range passes {
		if !slices.Contains(o.Clouds, p.Cloud) {
			continue
		}
		month, err := d.MetricCalls(p.Cloud, asOf)
		if err != nil {
			return nil, err
		}
		out = append(out, Collection{
			Cloud: p.Cloud, LastRun: p.At, LastCalls: p.Metric, Minimum: p.Minimum,
			MonthCalls: month, MonthBudget: o.Budgets[p.Cloud], Problems: p.Problems,
		})
	}
	return out, nil
}
