package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/internal/journal"
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
	Config   string // checksum of the configuration that names these, for the journal
	Now      time.Time
	Location *time.Location
	Progress func(done, total int)
}

// ErrNothing is the answer to an audit before anything was read.
var ErrNothing = errors.New("nothing is stored yet: run `yunjian collect` or `yunjian import` first")

// Audit judges what is stored of o.Clouds as of o.Now and stores the result, with
// its entry in the journal.
func (d *Data) Audit(ctx context.Context, o AuditOptions) (audit.Audit, error) {
	inventories, err := d.audited(o.Clouds)
	if err != nil {
		return audit.Audit{}, err
	}
	audits, _, err := d.judge(ctx, inventories, o, o.Pack)
	if err != nil {
		return audit.Audit{}, err
	}
	a := audits[0]
	e := d.entry(ctx, journal.AuditDone, AuditObject(o.Now)).
		With("resources", strconv.Itoa(a.Totals.Resources)).
		With("release", strconv.Itoa(a.Totals.Release.Resources)).With("release_annual_saving", a.Totals.Release.AnnualSaving+" "+a.Totals.Currency).
		With("downsize", strconv.Itoa(a.Totals.Downsize.Resources)).With("downsize_annual_saving", a.Totals.Downsize.AnnualSaving+" "+a.Totals.Currency).
		With(journal.DetailPrices, o.Book.SHA256).With(journal.DetailConfig, o.Config)
	head, err := d.State.PutAudit(a, e)
	if err != nil {
		return audit.Audit{}, fmt.Errorf("store audit: %w", err)
	}
	a.Journal = audit.JournalHead{Seq: head.Seq, Hash: head.Hash, Algorithm: string(head.Algorithm)}
	return a, nil
}

// audited are the inventories of clouds; ErrNothing where there is none, because
// a report of no resources would read as one of no waste.
func (d *Data) audited(clouds []string) ([]cloud.Inventory, error) {
	inventories, _, err := d.Inventories(clouds)
	if err == nil && len(inventories) == 0 {
		err = ErrNothing
	}
	return inventories, err
}

// judge judges inventories by each of the packs, in their order, on one read of
// the history; o.Pack is not looked at and nothing is stored. compared is how many
// instances the first pack's risk is learned from.
func (d *Data) judge(ctx context.Context, inventories []cloud.Inventory, o AuditOptions, packs ...policies.Pack) (_ []audit.Audit, compared int, _ error) {
	fleets, types, err := d.fleets(ctx, inventories, o, packs)
	if err != nil {
		return nil, 0, err
	}
	before, err := d.weekBefore(o.Now, o.Location)
	if err != nil {
		return nil, 0, err
	}
	audits := make([]audit.Audit, len(packs))
	for i, p := range packs {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		recs, refusals := recommender.Recommend(p, fleets[i], cloud.NewCatalog(types), o.Book, before.Recommendations, o.Now)
		audits[i] = audit.New(o.Now, p, o.Book, fleets[i], recs, refusals)
	}
	return audits, recommender.Compared(fleets[0]), nil
}

// fleets gathers what is known of every resource and judges it: a fleet for each
// of the packs.
func (d *Data) fleets(ctx context.Context, inventories []cloud.Inventory, o AuditOptions, packs []policies.Pack) ([][]recommender.Candidate, []cloud.InstanceType, error) {
	var types []cloud.InstanceType
	fleets := make([][]recommender.Candidate, len(packs))
	curves := make([][]analyzer.Curve, len(packs))
	total, done := 0, 0
	for _, inv := range inventories {
		total += len(inv.Resources)
	}
	for _, inv := range inventories {
		types = append(types, inv.Types...)
		inputs, err := d.inputs(inv)
		if err != nil {
			return nil, nil, err
		}
		j, err := d.judging(inv.Cloud, inputs, o, packs)
		if err != nil {
			return nil, nil, err
		}
		before := done
		err = j.judge(ctx, func(judged []assessed) {
			for i, a := range judged {
				fleets[i] = append(fleets[i], a.Candidate)
				if a.curved {
					curves[i] = append(curves[i], a.curve)
				}
			}
			if done++; o.Progress != nil {
				o.Progress(done, total)
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if n := done - before; n != len(inputs) {
			return nil, nil, fmt.Errorf("judge cloud %s: %d of %d resources came back", inv.Cloud, n, len(inputs))
		}
		for i, p := range packs {
			o.Pack = p
			if err := d.nights(ctx, o, j.step, fleets[i][before:]); err != nil {
				return nil, nil, err
			}
		}
	}
	for k, p := range packs {
		alike := analyzer.Alike(p, curves[k])
		for i, c := range fleets[k] {
			if reasons := alike[c.Finding.ResourceID]; len(reasons) > 0 {
				fleets[k][i].Finding = c.Finding.Suspect(reasons)
			}
		}
	}
	return fleets, types, nil
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

// judging is one cloud being judged, by one pack or more.
type judging struct {
	data    *Data
	now     time.Time
	inputs  []analyzer.Input
	packs   []policies.Pack
	windows []cloud.Window // of the packs, each once
	pasts   []lookback     // that their risk is learned from, each once
	step    time.Duration  // between samples, as the budget allowed; zero: as usual
	exclude map[string][]cloud.Window
	since   map[string]time.Time
}

// lookback is how far back risk is learned from, and for how long it is told.
type lookback struct{ past, horizon time.Duration }

func lookbackOf(p policies.Pack) lookback { return lookback{p.Risk.Past, p.Risk.Horizon} }

// judging prepares the judgement of some resources of a cloud.
func (d *Data) judging(cloudName string, inputs []analyzer.Input, o AuditOptions, packs []policies.Pack) (judging, error) {
	j := judging{data: d, now: o.Now, inputs: inputs, packs: packs}
	passes, err := d.Passes()
	if err != nil {
		return judging{}, err
	}
	for _, p := range passes {
		if p.Cloud == cloudName {
			j.step = p.Period
		}
	}
	read := cloud.Window{From: o.Now, To: o.Now}
	for _, p := range packs {
		w := cloud.Last(p.Window, o.Now)
		if !slices.Contains(j.windows, w) {
			j.windows = append(j.windows, w)
		}
		if b := lookbackOf(p); !slices.Contains(j.pasts, b) {
			j.pasts = append(j.pasts, b)
		}
		read.From = minTime(read.From, minTime(w.From, o.Now.Add(-p.Risk.Past)))
	}
	j.exclude, j.since, err = d.exclusions(inputs, read)
	return j, err
}

// judge judges the cloud's resources, on every core, while their statistics are
// at hand, and delivers what each pack says of one: those that risk is learned
// from first, else in the order of their ids.
func (j judging) judge(ctx context.Context, deliver func([]assessed)) error {
	k := recommender.Standard()
	compared, others := sampled(j.inputs)
	first, _, err := j.data.History.Reach(ctx, compared, []cloud.Metric{cloud.CPUPercent})
	if err != nil {
		return fmt.Errorf("find the first sample: %w", err)
	}
	for i, part := range [][]string{compared, others} {
		var pasts [][]history.Span
		for _, b := range j.pasts {
			past := cloud.Window{From: latest(first, j.now.Add(-b.past)), To: j.now}
			var origins []recommender.Origin
			if i == 0 {
				origins = k.Origins(past.From, past.To, b.horizon)
			}
			pasts = append(pasts, spans(past, origins))
		}
		err := scan(ctx, j, part, pasts, func(in analyzer.Input, windows, pasts [][]map[cloud.Metric]utilization.Summary) []assessed {
			out := make([]assessed, len(j.packs))
			for i, p := range j.packs {
				window := windows[slices.Index(j.windows, cloud.Last(p.Window, j.now))]
				in.Utilization = window[0]
				out[i] = j.candidate(k, p, in, window[1], pasts[slices.Index(j.pasts, lookbackOf(p))])
			}
			return out
		}, deliver)
		if err != nil {
			return err
		}
	}
	return nil
}

// scan reads the statistics of those of j's resources that ids name and hands each
// to work, with those of every window, whole and of its first half, which hours of
// rest are learned from, and of the spans of every past. They are good
// until work returns, and its results are delivered in the order of ids.
func scan[T any](ctx context.Context, j judging, ids []string, pasts [][]history.Span, work func(in analyzer.Input, windows, pasts [][]map[cloud.Metric]utilization.Summary) T, deliver func(T)) error {
	if len(ids) == 0 {
		return nil
	}
	byID := make(map[string][]analyzer.Input, len(ids))
	for _, in := range j.inputs {
		byID[in.Resource.ID] = append(byID[in.Resource.ID], in)
	}
	peaks, err := j.data.History.Peaks(ctx, ids, []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}, cloud.Last(peakSpan, j.now), j.since)
	if err != nil {
		return fmt.Errorf("read peaks: %w", err)
	}
	q := history.Query{Resources: ids, Exclude: j.exclude, Step: j.step}
	for _, w := range j.windows {
		early := cloud.Window{From: w.From, To: w.From.Add(w.Duration() / 2)}
		q.Spans = append(q.Spans, history.Span{Window: w, Metrics: cloud.Metrics()}, history.Span{Window: early, Metrics: analyzer.SleepMetrics()})
	}
	for _, p := range pasts {
		q.Spans = append(q.Spans, p...)
	}
	return history.Scan(ctx, j.data.History, q, func(id string, u []map[cloud.Metric]utilization.Summary) ([]T, error) {
		windows, rest := slices.Collect(slices.Chunk(u[:2*len(j.windows)], 2)), u[2*len(j.windows):]
		byPast := make([][]map[cloud.Metric]utilization.Summary, len(pasts))
		for i, p := range pasts {
			byPast[i], rest = rest[:len(p)], rest[len(p):]
		}
		var out []T
		for _, in := range byID[id] {
			in.Peaks, in.Step = peaks[id], j.step
			out = append(out, work(in, windows, byPast))
		}
		return out, nil
	}, func(done []T) error {
		for _, x := range done {
			deliver(x)
		}
		return nil
	})
}

// mostCompared machines of a cloud are what the chances of harm are learned from:
// more tell little more, and each is read at every instant of the past.
const mostCompared = 2000

// sampled picks the machines that are learned from, the same ones every time. Each id
// is named once.
func sampled(inputs []analyzer.Input) (compared, others []string) {
	seen := map[string]bool{}
	for _, machines := range []bool{true, false} { // an id may be that of a machine and of a disk
		for _, in := range inputs {
			id := in.Resource.ID
			switch {
			case seen[id] || machines && in.Resource.Kind != cloud.Instance:
				continue
			case machines:
				compared = append(compared, id)
			default:
				others = append(others, id)
			}
			seen[id] = true
		}
	}
	slices.SortFunc(compared, func(a, b string) int { return cmp.Or(cmp.Compare(hashOf(a), hashOf(b)), cmp.Compare(a, b)) })
	n := min(len(compared), mostCompared)
	return compared[:n], slices.Concat(compared[n:], others)
}

func hashOf(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// spans are the past that is learned from, and what lies before and after each of
// its instants.
func spans(past cloud.Window, origins []recommender.Origin) []history.Span {
	sized := recommender.Sized()
	out := []history.Span{{Window: past, Metrics: sized}}
	for _, o := range origins {
		out = append(out, history.Span{Window: cloud.Window{From: past.From, To: o.At}, Metrics: sized},
			history.Span{Window: cloud.Window{From: o.At, To: o.End}, Metrics: sized})
	}
	return out
}

// candidate judges one resource and keeps of its statistics what a
// recommendation needs: early is that of the window's first half, past that of all
// its past, then before and after each instant.
func (j judging) candidate(k recommender.Constants, p policies.Pack, in analyzer.Input, early map[cloud.Metric]utilization.Summary, past []map[cloud.Metric]utilization.Summary) assessed {
	f := analyzer.Judge(p, in, j.now)
	var a assessed
	a.curve, a.curved = analyzer.CurveOf(p, in, f, j.now)
	var instants []recommender.Instant
	for i := 1; i < len(past); i += 2 {
		instants = append(instants, recommender.Instant{Before: past[i], After: past[i+1]})
	}
	learned := k.PastOf(in.Resource, past[0], instants)
	sleeps := drowsy(p, in, in.Utilization, early)
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

// exclusions returns, per resource, the spans of w that say nothing of
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
