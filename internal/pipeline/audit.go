package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
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
	var curves []analyzer.Curve
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
		err = j.judge(ctx, func(a assessed) {
			fleet = append(fleet, a.Candidate)
			if a.curved {
				curves = append(curves, a.curve)
			}
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
	alike := analyzer.Alike(o.Pack, curves)
	for i := range fleet {
		if reasons := alike[fleet[i].Finding.ResourceID]; len(reasons) > 0 {
			fleet[i].Finding = fleet[i].Finding.Suspect(reasons)
		}
	}
	return fleet, types, nil
}

// assessed is a resource with its judgement and, where curved is set, its curve
// for the comparison with others.
type assessed struct {
	recommender.Candidate
	curve  analyzer.Curve
	curved bool
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
func (j judging) judge(ctx context.Context, deliver func(assessed)) error {
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
	k := recommender.Standard()
	compared, others := sampled(ids)
	first, _, err := j.data.History.Reach(ctx, compared, []cloud.Metric{cloud.CPUPercent})
	if err != nil {
		return fmt.Errorf("find the first sample: %w", err)
	}
	past := cloud.Window{From: latest(first, j.o.Now.Add(-j.o.Pack.Risk.Past)), To: j.o.Now}
	for _, part := range []struct {
		ids     []string
		origins []recommender.Origin
	}{{compared, k.Origins(past.From, past.To, j.o.Pack.Risk.Horizon)}, {others, nil}} {
		if len(part.ids) == 0 {
			continue
		}
		q := history.Query{Resources: part.ids, Exclude: j.exclude, Step: j.step, Spans: spans(j.window, past, part.origins)}
		err := history.Scan(ctx, j.data.History, q, func(id string, u []map[cloud.Metric]utilization.Summary) ([]assessed, error) {
			var out []assessed
			for _, in := range byID[id] {
				in.Utilization, in.Peaks, in.Step = u[0], peaks[id], j.step
				out = append(out, j.candidate(k, in, u[1], u[2:]))
			}
			return out, nil
		}, func(judged []assessed) error {
			for _, c := range judged {
				deliver(c)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mostCompared machines of a cloud are what the chances of harm are learned from:
// more tell little more, and each is read at every instant of the past.
const mostCompared = 2000

// sampled picks those that are learned from, the same ones every time, in an order of
// its own.
func sampled(ids []string) (compared, others []string) {
	order := slices.Clone(ids)
	slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(hashOf(a), hashOf(b)), cmp.Compare(a, b)) })
	n := min(len(order), mostCompared)
	return order[:n], order[n:]
}

func hashOf(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// spans are the window of the policy, the half of it that hours of rest are learned
// from, the past that is learned from, and what lies
// before and after each of its instants.
func spans(window, past cloud.Window, origins []recommender.Origin) []history.Span {
	sized := []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}
	early := cloud.Window{From: window.From, To: window.From.Add(window.Duration() / 2)}
	out := []history.Span{{Window: window, Metrics: cloud.Metrics()}, {Window: early, Metrics: analyzer.SleepMetrics()}, {Window: past, Metrics: sized}}
	for _, o := range origins {
		out = append(out, history.Span{Window: cloud.Window{From: past.From, To: o.At}, Metrics: sized},
			history.Span{Window: cloud.Window{From: o.At, To: o.End}, Metrics: sized})
	}
	return out
}

// candidate judges one resource and keeps of its statistics what a
// recommendation needs: early is that of the window's first half, past that of all
// its past, then before and after each instant.
func (j judging) candidate(k recommender.Constants, in analyzer.Input, early map[cloud.Metric]utilization.Summary, past []map[cloud.Metric]utilization.Summary) assessed {
	f := analyzer.Judge(j.o.Pack, in, j.o.Now)
	var a assessed
	a.curve, a.curved = analyzer.CurveOf(j.o.Pack, in, f, j.o.Now)
	var instants []recommender.Instant
	for i := 1; i < len(past); i += 2 {
		instants = append(instants, recommender.Instant{Before: past[i], After: past[i+1]})
	}
	learned := k.PastOf(in.Resource, past[0], instants)
	sleeps := drowsy(j.o, in, in.Utilization, early)
	needed := map[cloud.Metric]utilization.Summary{}
	for m, u := range in.Utilization {
		if recommender.NeedsUtilization(f, m) {
			needed[m] = u.Clone()
		}
	}
	in.Utilization = needed
	a.Candidate = recommender.Candidate{Input: in, Finding: f, Past: learned, Drowsy: sleeps}
	return a
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
	resources := make([]cloud.Resource, len(inputs))
	for i, in := range inputs {
		resources[i] = in.Resource
	}
	for id, spans := range poweredOff(resources, changes, w) {
		exclude[id] = append(exclude[id], spans...)
	}
	return exclude, since, nil
}

// poweredOff returns, per resource, the spans of the window in which it was
// powered off, as the changes tell, which ascend in time.
func poweredOff(resources []cloud.Resource, changes []cloud.Change, w cloud.Window) map[string][]cloud.Window {
	spans := map[string][]cloud.Window{}
	off := map[string]time.Time{}
	for _, c := range changes {
		if c.Field != cloud.ChangeStatus && c.Field != cloud.ChangeGone {
			continue
		}
		if c.Field == cloud.ChangeStatus && c.To == string(cloud.PoweredOff) {
			off[c.ResourceID] = c.At
			continue
		}
		if from, was := off[c.ResourceID]; was {
			spans[c.ResourceID] = append(spans[c.ResourceID], cloud.Window{From: from, To: c.At}.Intersect(w))
			delete(off, c.ResourceID)
		}
	}
	for _, r := range resources {
		// One that runs again without a change having said since when is not off
		// until now: its silence then counts against its coverage.
		if from, still := off[r.ID]; still && r.Status != cloud.Running {
			spans[r.ID] = append(spans[r.ID], cloud.Window{From: from, To: w.To}.Intersect(w))
		}
	}
	return spans
}

func scopeOf(inv cloud.Inventory, r cloud.Resource) cloud.Scope {
	for _, s := range inv.Scopes {
		if s.Kind == r.Kind && s.Account == r.Account && (s.Region == r.Region || s.Region == "") {
			return s
		}
	}
	return cloud.Scope{}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
