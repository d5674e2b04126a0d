package pipeline

import (
	"context"
	"errors"
	"fmt"
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
	Clouds   []string // those to judge
	Pack     policies.Pack
	Book     price.Book
	Now      time.Time
	Location *time.Location
	Progress func(done, total int)
}

// ErrNothing is the answer to an audit before anything was read.
var ErrNothing = errors.New("nothing is stored yet: run `yunjian collect` or `yunjian import` first")

// Audit judges what is stored of o.Clouds as of o.Now and stores the result.
func (d *Data) Audit(ctx context.Context, o AuditOptions) (audit.Audit, error) {
	inventories, _, err := d.Inventories(o.Clouds)
	if err != nil {
		return audit.Audit{}, err
	}
	if len(inventories) == 0 { // a report of no resources would read as one of no waste
		return audit.Audit{}, ErrNothing
	}
	fleet, types, err := d.fleet(ctx, inventories, o)
	if err != nil {
		return audit.Audit{}, err
	}
	before, err := d.weekBefore(o.Now, o.Location)
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
	passes, err := d.Passes()
	if err != nil {
		return nil, nil, err
	}
	steps := map[string]time.Duration{}
	for _, p := range passes {
		steps[p.Cloud] = p.Period
	}
	var types []cloud.InstanceType
	var fleet []recommender.Candidate
	total := 0
	for _, inv := range inventories {
		total += len(inv.Resources)
	}
	for _, inv := range inventories {
		types = append(types, inv.Types...)
		inputs, err := d.inputs(inv)
		if err != nil {
			return nil, nil, err
		}
		exclude, since, err := d.exclusions(inputs, cloud.Last(o.Pack.Window, o.Now))
		if err != nil {
			return nil, nil, err
		}
		j := judging{data: d, o: o, inputs: inputs, window: cloud.Last(o.Pack.Window, o.Now), step: steps[inv.Cloud], exclude: exclude, since: since}
		before := len(fleet)
		err = j.judge(ctx, func(c recommender.Candidate) {
			fleet = append(fleet, c)
			if o.Progress != nil {
				o.Progress(len(fleet), total)
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if n := len(fleet) - before; n != len(inputs) {
			return nil, nil, fmt.Errorf("judge cloud %s: %d of %d resources came back", inv.Cloud, n, len(inputs))
		}
		if err := d.nights(ctx, o, steps[inv.Cloud], fleet[before:]); err != nil {
			return nil, nil, err
		}
	}
	return fleet, types, nil
}

// inputs are the resources of a cloud with what is known of them beside the
// statistics of their samples.
func (d *Data) inputs(inv cloud.Inventory) ([]analyzer.Input, error) {
	observed, err := d.State.Observations(inv.Cloud)
	if err != nil {
		return nil, fmt.Errorf("read what is known of cloud %s: %w", inv.Cloud, err)
	}
	out := make([]analyzer.Input, len(inv.Resources))
	for i, r := range inv.Resources {
		out[i] = analyzer.Input{Resource: r, Observations: observed[r.ID], Scope: scopeOf(inv, r)}
		if r.Kind != cloud.Instance || r.Status != cloud.PoweredOff {
			continue
		}
		if _, out[i].LastSample, _, err = d.History.Extent(r.ID, cloud.CPUPercent); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// judging is one cloud being judged.
type judging struct {
	data    *Data
	o       AuditOptions
	inputs  []analyzer.Input
	window  cloud.Window
	step    time.Duration // between samples, as the budget allowed; zero: as usual
	exclude map[string][]cloud.Window
	since   map[string]time.Time
}

// judge judges the cloud's resources, on every core, while their statistics are
// at hand, and delivers them in the order of their ids.
func (j judging) judge(ctx context.Context, deliver func(recommender.Candidate)) error {
	ids := make([]string, len(j.inputs))
	byID := make(map[string][]analyzer.Input, len(j.inputs))
	for i, in := range j.inputs {
		ids[i] = in.Resource.ID
		byID[in.Resource.ID] = append(byID[in.Resource.ID], in)
	}
	peaks, err := j.data.History.Peaks(ctx, ids, []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}, cloud.Last(peakSpan, j.o.Now), j.since)
	if err != nil {
		return fmt.Errorf("read peaks: %w", err)
	}
	middle := j.window.From.Add(j.window.Duration() / 2)
	q := history.Query{Resources: ids, Exclude: j.exclude, Step: j.step, Spans: []history.Span{
		{Window: j.window, Metrics: cloud.Metrics()},
		{Window: cloud.Window{From: j.window.From, To: middle}, Metrics: comparedMetrics()},
		{Window: cloud.Window{From: middle, To: j.window.To}, Metrics: comparedMetrics()},
	}}
	return history.Scan(ctx, j.data.History, q, func(id string, u []map[cloud.Metric]utilization.Summary) ([]recommender.Candidate, error) {
		var out []recommender.Candidate
		for _, in := range byID[id] {
			in.Utilization, in.Peaks, in.Step = u[0], peaks[id], j.step
			out = append(out, j.candidate(in, u[1], u[2]))
		}
		return out, nil
	}, func(judged []recommender.Candidate) error {
		for _, c := range judged {
			deliver(c)
		}
		return nil
	})
}

// candidate judges one resource and keeps of its statistics what a
// recommendation needs.
func (j judging) candidate(in analyzer.Input, early, late map[cloud.Metric]utilization.Summary) recommender.Candidate {
	f := analyzer.Judge(j.o.Pack, in, j.o.Now)
	sleeps := drowsy(j.o, in, in.Utilization, early)
	needed := map[cloud.Metric]utilization.Summary{}
	for m, u := range in.Utilization {
		if recommender.NeedsUtilization(f, m) {
			needed[m] = u.Clone()
		}
	}
	in.Utilization = needed
	return recommender.Candidate{Input: in, Finding: f, Half: recommender.Halve(j.o.Pack, f, in.Resource, early, late), Drowsy: sleeps}
}

// comparedMetrics are what the two halves of the window are compared by: the
// sizes, and the traffic that a rule for idleness asks for.
func comparedMetrics() []cloud.Metric {
	return []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS, cloud.NetworkOutBPS}
}

// exclusions returns, per resource, the spans of the window that say nothing of
// the machine as it stands: before its last change of size, and while it was
// powered off; and since when its size is the present one.
func (d *Data) exclusions(inputs []analyzer.Input, w cloud.Window) (map[string][]cloud.Window, map[string]time.Time, error) {
	exclude := map[string][]cloud.Window{}
	since := map[string]time.Time{}
	for _, in := range inputs {
		id := in.Resource.ID
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
		if c.Field != cloud.ChangeStatus && c.Field != cloud.ChangeGone {
			continue
		}
		if c.Field == cloud.ChangeStatus && c.To == string(cloud.PoweredOff) {
			off[c.ResourceID] = c.At
			continue
		}
		if from, was := off[c.ResourceID]; was {
			exclude[c.ResourceID] = append(exclude[c.ResourceID], cloud.Window{From: from, To: c.At}.Intersect(w))
			delete(off, c.ResourceID)
		}
	}
	for _, in := range inputs {
		// One that runs again without a change having said since when is not off
		// until now: its silence then counts against its coverage.
		if from, still := off[in.Resource.ID]; still && in.Resource.Status != cloud.Running {
			exclude[in.Resource.ID] = append(exclude[in.Resource.ID], cloud.Window{From: from, To: w.To}.Intersect(w))
		}
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
