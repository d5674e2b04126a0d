package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/policies"
	"yunjian/recommender"
	"yunjian/utilization"
)

const week = 7 * 24 * time.Hour

// nights looks, week by week, at the machines of a cloud that a first look found
// drowsy: few, so that reading their weeks once more costs little, and reaches
// further back than the window.
func (d *Data) nights(ctx context.Context, o AuditOptions, step time.Duration, fleet []recommender.Candidate) error {
	var inputs []analyzer.Input
	at := map[string][]int{}
	for i, c := range fleet {
		if c.Drowsy {
			inputs = append(inputs, c.Input)
			at[c.Input.Resource.ID] = append(at[c.Input.Resource.ID], i)
		}
	}
	if len(inputs) == 0 {
		return nil
	}
	q := history.Query{Step: step}
	for _, in := range inputs {
		q.Resources = append(q.Resources, in.Resource.ID)
	}
	for k := o.Pack.Schedule.Weeks; k > 0; k-- {
		from := o.Now.Add(-time.Duration(k) * week)
		q.Spans = append(q.Spans, history.Span{Window: cloud.Window{From: from, To: from.Add(week)}, Metrics: analyzer.SleepMetrics()})
	}
	var err error
	if q.Exclude, _, err = d.exclusions(inputs, cloud.Last(time.Duration(o.Pack.Schedule.Weeks)*week, o.Now)); err != nil {
		return err
	}
	type found struct {
		id     string
		nights analyzer.Nights
	}
	return history.Scan(ctx, d.History, q, func(id string, u []map[cloud.Metric]utilization.Summary) (found, error) {
		weeks := make([]analyzer.WeekHours, 0, len(u))
		for _, w := range u {
			if len(weeks) > 0 || len(w) > 0 { // weeks before the first sample are not weeks of the machine
				weeks = append(weeks, analyzer.HoursOf(w))
			}
		}
		return found{id, analyzer.NightsOf(o.Pack, weeks, step, o.Location.String())}, nil
	}, func(f found) error {
		if len(at[f.id]) == 0 {
			return fmt.Errorf("look at the nights of %s: nobody asked for it", f.id)
		}
		for _, i := range at[f.id] {
			fleet[i].Nights = f.nights
		}
		return nil
	})
}

// drowsy reports whether a window, or its first half, deserves a look week by
// week: the half is what the fleet's own past is learned from.
func drowsy(p policies.Pack, in analyzer.Input, u ...map[cloud.Metric]utilization.Summary) bool {
	if in.Resource.Kind != cloud.Instance || in.Resource.Status == cloud.PoweredOff {
		return false
	}
	return slices.ContainsFunc(u, func(u map[cloud.Metric]utilization.Summary) bool { return analyzer.Drowsy(p, u) })
}
