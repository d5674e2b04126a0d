package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
	"yunjian/utilization"
)

// peakSpan is how far back the peak guard looks: thirteen months, so that a
// yearly peak is seen whichever day it falls on.
const peakSpan = 396 * 24 * time.Hour

// AuditOptions are what an audit judges by.
type AuditOptions struct {
	Pack     policies.Pack
	Book     price.Book
	Now      time.Time
	Location *time.Location
	Progress func(done, total int)
}

// Audit judges everything stored as of o.Now and stores the result.
func (d *Data) Audit(ctx context.Context, o AuditOptions) (audit.Audit, error) {
	inventories, err := d.State.Inventories()
	if err != nil {
		return audit.Audit{}, fmt.Errorf("read inventories: %w", err)
	}
	fleet, types, err := d.fleet(ctx, inventories, o)
	if err != nil {
		return audit.Audit{}, err
	}
	before, err := d.previousWeek(o.Now, o.Location)
	if err != nil {
		return audit.Audit{}, err
	}
	recs, refusals := recommender.Recommend(o.Pack, fleet, cloud.NewCatalog(types), o.Book, before.Recommendations, o.Now)
	a := audit.New(o.Now, o.Pack, o.Book, fleet, recs, refusals)
	if err := d.State.PutAudit(a); err != nil {
		return audit.Audit{}, fmt.Errorf("store audit: %w", err)
	}
	return a, nil
}

// fleet gathers what is known of every resource and judges it.
func (d *Data) fleet(ctx context.Context, inventories []cloud.Inventory, o AuditOptions) ([]recommender.Candidate, []cloud.InstanceType, error) {
	var types []cloud.InstanceType
	inputs := map[string]analyzer.Input{}
	var ids []string
	for _, inv := range inventories {
		types = append(types, inv.Types...)
		observed, err := d.State.Observations(inv.Cloud)
		if err != nil {
			return nil, nil, fmt.Errorf("read what is known of cloud %s: %w", inv.Cloud, err)
		}
		for _, r := range inv.Resources {
			ids = append(ids, r.ID)
			inputs[r.ID] = analyzer.Input{Resource: r, Observations: observed[r.ID], Scope: scopeOf(inv, r)}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)

	window := cloud.Last(o.Pack.Window, o.Now)
	exclude, since, err := d.exclusions(inputs, window)
	if err != nil {
		return nil, nil, err
	}
	peaks, err := d.History.Peaks(ctx, ids, []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}, cloud.Last(peakSpan, o.Now), since)
	if err != nil {
		return nil, nil, fmt.Errorf("read peaks: %w", err)
	}
	early, late, err := d.halves(ctx, window, exclude)
	if err != nil {
		return nil, nil, err
	}
	candidates := make(map[string]recommender.Candidate, len(ids))
	judge := func(id string, u map[cloud.Metric]utilization.Summary) {
		in := inputs[id]
		in.Utilization = u
		in.Peaks = peaks[id]
		candidates[id] = recommender.Candidate{Input: in, Finding: analyzer.Judge(o.Pack, in, o.Now), Early: early[id], Late: late[id]}
	}
	query := history.Query{Metrics: cloud.Metrics(), Window: window, Exclude: exclude}
	err = d.History.Scan(ctx, query, func(id string, u map[cloud.Metric]utilization.Summary) error {
		if _, listed := inputs[id]; listed {
			judge(id, u)
		}
		if o.Progress != nil {
			o.Progress(len(candidates), len(ids))
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("scan history: %w", err)
	}
	fleet := make([]recommender.Candidate, 0, len(ids))
	for _, id := range ids {
		if _, seen := candidates[id]; !seen {
			judge(id, nil)
		}
		fleet = append(fleet, candidates[id])
	}
	return fleet, types, nil
}

// comparedMetrics are what the two halves of the window are compared by: the
// sizes, and the traffic that a rule for idleness asks for.
func comparedMetrics() []cloud.Metric {
	return []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS, cloud.NetworkOutBPS}
}

// halves summarises the two halves of the window, from which the fleet learns
// how often a margin was later exceeded.
func (d *Data) halves(ctx context.Context, w cloud.Window, exclude map[string][]cloud.Window) (early, late map[string]map[cloud.Metric]utilization.Summary, err error) {
	middle := w.From.Add(w.Duration() / 2)
	scan := func(w cloud.Window) (map[string]map[cloud.Metric]utilization.Summary, error) {
		out := map[string]map[cloud.Metric]utilization.Summary{}
		q := history.Query{Metrics: comparedMetrics(), Window: w, Exclude: exclude}
		err := d.History.Scan(ctx, q, func(id string, u map[cloud.Metric]utilization.Summary) error {
			out[id] = u
			return nil
		})
		return out, err
	}
	if early, err = scan(cloud.Window{From: w.From, To: middle}); err != nil {
		return nil, nil, fmt.Errorf("scan history: %w", err)
	}
	if late, err = scan(cloud.Window{From: middle, To: w.To}); err != nil {
		return nil, nil, fmt.Errorf("scan history: %w", err)
	}
	return early, late, nil
}

// exclusions returns, per resource, the spans of the window that say nothing of
// the machine as it stands: before its last change of size, and while it was
// powered off; and since when its size is the present one.
func (d *Data) exclusions(inputs map[string]analyzer.Input, w cloud.Window) (map[string][]cloud.Window, map[string]time.Time, error) {
	exclude := map[string][]cloud.Window{}
	since := map[string]time.Time{}
	for id, in := range inputs {
		if at := in.Resource.ResizedAt; !at.IsZero() {
			since[id] = at
			if at.After(w.From) {
				exclude[id] = append(exclude[id], cloud.Window{From: w.From, To: minTime(at, w.To)})
			}
		}
	}
	changes, err := d.State.Changes("")
	if err != nil {
		return nil, nil, fmt.Errorf("read changes: %w", err)
	}
	off := map[string]time.Time{}
	for _, c := range changes { // ascending in time
		if c.Field != cloud.ChangeStatus {
			continue
		}
		if c.To == string(cloud.PoweredOff) {
			off[c.ResourceID] = c.At
			continue
		}
		if from, was := off[c.ResourceID]; was {
			exclude[c.ResourceID] = append(exclude[c.ResourceID], cloud.Window{From: from, To: c.At}.Intersect(w))
			delete(off, c.ResourceID)
		}
	}
	for id, from := range off {
		exclude[id] = append(exclude[id], cloud.Window{From: from, To: w.To}.Intersect(w))
	}
	return exclude, since, nil
}

func scopeOf(inv cloud.Inventory, r cloud.Resource) cloud.Scope {
	for _, s := range inv.Scopes {
		if s.Kind == r.Kind && s.Account == r.Account && (s.Region == r.Region || s.Region == "") {
			return s
		}
	}
	return cloud.Scope{}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
