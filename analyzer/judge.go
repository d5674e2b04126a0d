package analyzer

import (
	"cmp"
	"slices"
	"time"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

const day = 24 * time.Hour

// PeakSpan is how far the peak guard must have seen for its silence to count:
// thirteen months, so that a yearly peak is seen whichever day it falls on.
const PeakSpan = 395 * day

// Judge turns what is known of one resource into a Finding. Calendar days and
// month ends are those of now's location; holidays and seasons those of the
// pack's calendar.
//
// The order of judgement: a listing that could not be read, exemption, age,
// what a resize cut off, power, coverage, the pack's rules from the first to
// the last, the season of what they found wasteful, and only then Optimized. A rule with a condition that nothing is
// known of does not match; where that alone kept the resource from being found
// wasteful, the verdict is InsufficientData and says what would settle it.
func Judge(p policies.Pack, in Input, now time.Time) Finding {
	return newJudging(p, in, now).finding()
}

func newJudging(p policies.Pack, in Input, now time.Time) *judging {
	j := &judging{
		pack:    p,
		in:      in,
		now:     now,
		samples: Samples{Resource: in.Resource, Utilization: in.Utilization, Peaks: in.Peaks},
		flags:   map[Flag]bool{},
	}
	j.window = cloud.Last(p.Window, now)
	if at := in.Resource.ResizedAt; in.Resource.Kind == cloud.Instance && !at.Before(j.window.From) && !at.After(now) {
		j.window.From = at // perhaps a moment ago: then nothing is known of the machine as it stands
		j.flags[Resized] = true
	}
	return j
}

func (j *judging) finding() Finding {
	f := Finding{ResourceID: j.in.Resource.ID, Kind: j.in.Resource.Kind, Window: j.window}
	v := j.judge()
	f.Verdict, f.Rule, f.Coverage = v.verdict, v.rule, v.coverage
	f.Reasons = append(v.reasons, j.excused()...)
	f.Notes = v.notes
	f.Flags = j.sortedFlags()
	f.Evidence = j.evidence()
	return f
}

// judging is one resource under judgement.
type judging struct {
	pack    policies.Pack
	in      Input
	now     time.Time
	window  cloud.Window
	samples Samples
	flags   map[Flag]bool
	steps   []Step   // taken so far
	tried   []string // ids of the rules tried so far
}

// judgement is the outcome before flags and evidence.
type judgement struct {
	verdict  Verdict
	rule     string
	coverage *float64
	reasons  []Reason
	notes    []Reason
}

func (v judgement) wasteful() bool { return v.verdict == Idle || v.verdict == Overprovisioned }

// insufficient is the judgement of a resource whose samples were not looked at.
func insufficient(reasons ...Reason) judgement {
	return judgement{verdict: InsufficientData, reasons: reasons}
}

func (j *judging) judge() judgement {
	r := j.in.Resource
	if r.Department == "" {
		j.flags[NoOwner] = true
	}
	if s := j.in.Scope; s.Kind != "" && !s.Complete {
		j.flags[CloudUnavailable] = true
		return j.ends(StepListing, insufficient(Reason{Code: CodeScopeUnavailable, Detail: cmp.Or(s.Code, s.Problem)}))
	}
	j.passes(StepListing)
	rules := j.pack.RulesFor(r.Kind)
	if len(rules) == 0 {
		return j.ends(StepKind, insufficient(Reason{Code: CodeNoRule, Value: number(0), Unit: cloud.Count, Detail: string(r.Kind)}))
	}
	j.passes(StepKind)
	if r.Kind != cloud.Instance {
		return j.attachment(rules)
	}
	if r.CreatedAt.IsZero() {
		j.flags[AgeUnknown] = true
		j.passes(StepAge)
	} else {
		age := days(j.now.Sub(r.CreatedAt))
		if j.now.Sub(r.CreatedAt) < j.pack.MinAge {
			return j.ends(StepAge, insufficient(Reason{Code: CodeAgeBelow, Value: number(age), Limit: number(days(j.pack.MinAge)), Unit: cloud.Days}))
		}
		j.passes(StepAge, Reason{Code: Code("", policies.AgeDays, ">=", true), Statistic: policies.AgeDays, Value: number(age), Limit: number(days(j.pack.MinAge)), Unit: cloud.Days})
	}
	if r.Status == cloud.PoweredOff {
		j.flags[PoweredOff] = true
		return j.ends(StepPower, j.off(rules))
	}
	j.passes(StepPower)
	if j.in.Observations[cloud.CPUPercent].Origin == cloud.OriginHypervisor {
		j.flags[HypervisorCPU] = true
	}
	if !j.measured(cloud.MemoryPercent) {
		j.flags[MemoryUnknown] = true
	}
	if why, ok := j.usable(cloud.CPUPercent); !ok {
		return j.ends(StepSamples, judgement{verdict: InsufficientData, coverage: j.rests([]cloud.Metric{cloud.CPUPercent}), reasons: []Reason{why}})
	}
	j.passes(StepSamples)
	if !holds(j.window, calendar.MonthEnd, j.now.Location()) {
		j.flags[NoMonthEnd] = true
	}
	found := j.apply(rules)
	v := j.seasonal(found, j.watchedSince(found.rule), j.now)
	if found.wasteful() && !v.wasteful() {
		j.passes(StepApply)
		v = j.ends(StepSeason, v)
	} else {
		v = j.ends(StepApply, v)
	}
	if v.wasteful() {
		if since := j.in.Peaks[cloud.CPUPercent].Since; since.IsZero() || since.After(j.now.Add(-PeakSpan)) {
			j.flags[ShortHistory] = true
		}
		v.notes = append(j.unseenEnds(), j.holidays()...)
	}
	v.reasons = append(v.reasons, j.padding()...)
	return v
}

// measured reports whether a metric has samples, be it only such as a resize
// has put out of the window.
func (j *judging) measured(m cloud.Metric) bool {
	return j.in.Utilization[m].Samples > 0 || j.flags[Resized] && j.in.Observations[m].Availability == cloud.Observed
}

// usable reports whether a metric has enough samples of the present machine,
// or why not.
func (j *judging) usable(m cloud.Metric) (Reason, bool) {
	u := j.in.Utilization[m]
	if !j.measured(m) {
		o := j.in.Observations[m]
		return missing(m, o.Availability, o.Detail), false
	}
	history := j.history(u)
	if history < j.pack.MinHistory {
		return Reason{Code: CodeHistoryBelow, Metric: m, Value: number(days(history)), Limit: number(days(j.pack.MinHistory)), Unit: cloud.Days}, false
	}
	if c := j.coverage(m); c < j.pack.MinCoverage {
		return Reason{Code: CodeCoverageBelow, Metric: m, Value: number(c), Limit: number(j.pack.MinCoverage), Unit: cloud.Ratio}, false
	}
	return Reason{}, true
}

// history is how long the present machine could have been sampled.
func (j *judging) history(u utilization.Summary) time.Duration {
	if resized := j.in.Resource.ResizedAt; u.Samples == 0 || !resized.IsZero() && u.First.Before(resized) {
		return 0 // samples of another machine, if any: nothing is known of this one
	}
	return time.Duration(j.expected(u)) * j.step()
}

func (j *judging) step() time.Duration { return cmp.Or(j.in.Step, utilization.Step) }

// expected is how many samples u could hold since the machine was made and took
// its present size.
func (j *judging) expected(u utilization.Summary) int {
	n := u.Expected
	for _, since := range []time.Time{j.in.Resource.CreatedAt, j.in.Resource.ResizedAt} {
		if u.Window.Contains(since) {
			n = min(n, int(u.Window.To.Sub(since)/j.step()))
		}
	}
	return n
}

func (j *judging) coverage(m cloud.Metric) float64 {
	u := j.in.Utilization[m]
	u.Expected = j.expected(u)
	return u.Coverage()
}

// rests is the lowest coverage of metrics; nil where none of them could hold a
// sample yet.
func (j *judging) rests(metrics []cloud.Metric) *float64 {
	var lowest *float64
	for _, m := range metrics {
		if u := j.in.Utilization[m]; j.expected(u) == 0 {
			continue
		}
		if c := j.coverage(m); lowest == nil || c < *lowest {
			lowest = &c
		}
	}
	return lowest
}

// off judges a machine that is powered off: what it did before says nothing, so
// only rules that ask for how long it has been off apply.
func (j *judging) off(rules []policies.Rule) judgement {
	off, known := j.offFor()
	var nearest Reason
	for _, rule := range rules {
		i := slices.IndexFunc(rule.When, func(c policies.Condition) bool { return c.Statistic == policies.DaysOff })
		if i < 0 {
			continue
		}
		if !known {
			return insufficient(Reason{Code: CodeOffSinceUnknown, Limit: number(rule.When[i].Limit), Unit: cloud.Days})
		}
		m := j.match(rule)
		if m.state == yes {
			v := judgement{verdict: Verdict(rule.Verdict), rule: rule.ID, reasons: m.reasons}
			return j.seasonal(v, j.seen().Add(-time.Duration(off*float64(day))), j.seen())
		}
		if nearest.Code == "" {
			nearest = Reason{Code: CodePoweredOffDays, Statistic: policies.DaysOff, Value: number(off), Limit: number(rule.When[i].Limit), Unit: cloud.Days}
		}
	}
	if nearest.Code == "" {
		nearest = Reason{Code: CodePoweredOffDays, Statistic: policies.DaysOff, Unit: cloud.Days}
		if known {
			nearest.Value = number(off)
		}
	}
	return insufficient(nearest)
}

// late is how far before the present a source may stop asking: samples appear
// late.
const late = time.Hour

// offFor is for how many days at least the machine has been off: since it was
// seen so or the source says it stopped. Of a machine that was off when it was
// first seen, that only says when the watching began: its samples, provided that
// they were asked for, tell since when it has been silent.
func (j *judging) offFor() (float64, bool) {
	r := j.in.Resource
	if r.Status != cloud.PoweredOff {
		return 0, false
	}
	since, until := r.StoppedSince, j.seen()
	if silent, through, ok := j.silence(); ok {
		switch {
		case since.IsZero():
			since, until = silent, through
		case since.Equal(r.FirstSeen) && silent.Before(since) && !through.Before(since.Add(-late)):
			since = silent
		}
	}
	if since.IsZero() {
		return 0, false
	}
	return days(max(0, until.Sub(since))), true
}

// silence is since when the machine has had no CPU sample, and up to when
// samples were asked for; false where that could not be read.
func (j *judging) silence() (since, through time.Time, ok bool) {
	o := j.in.Observations[cloud.CPUPercent]
	if o.Through.IsZero() || !slices.Contains([]cloud.Availability{cloud.Observed, cloud.Stopped, cloud.NoData}, o.Availability) {
		return since, through, false
	}
	since = latest(j.in.LastSample, j.in.Utilization[cloud.CPUPercent].Last)
	if since.IsZero() && !o.From.IsZero() {
		since = latest(o.From, j.in.Resource.CreatedAt)
	}
	return since, o.Through, !since.IsZero()
}

// seen is up to when the resource is known to be as it stands: its last
// inventory, which may lie back where nobody has looked since.
func (j *judging) seen() time.Time {
	if last := j.in.Resource.LastSeen; !last.IsZero() && last.Before(j.now) {
		return last
	}
	return j.now
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// attachment judges disks and addresses, which are not measured.
func (j *judging) attachment(rules []policies.Rule) judgement {
	r := j.in.Resource
	if r.AttachedTo != "" || r.Status == cloud.InUse {
		attached := Reason{Code: CodeAttached, Detail: r.AttachedTo}
		if r.StorageGiB > 0 {
			attached.Value, attached.Unit = number(r.StorageGiB), cloud.GiB
		}
		return j.ends(StepAttached, judgement{verdict: Optimized, reasons: []Reason{attached}})
	}
	if r.Status != cloud.Available {
		return j.ends(StepAttached, insufficient(Reason{Code: CodeAttachmentUnknown, Detail: string(r.Status)}))
	}
	j.passes(StepAttached)
	var unmet []Reason
	for _, rule := range rules {
		m := j.match(rule)
		if m.state == yes {
			return j.ends(StepApply, judgement{verdict: Verdict(rule.Verdict), rule: rule.ID, reasons: m.reasons})
		}
		unmet = append(unmet, m.missing...)
		unmet = append(unmet, m.unmet...)
	}
	return j.ends(StepApply, insufficient(unmet...))
}

// unattachedFor is for how many days at least the resource has been attached to
// nothing: since it was detached, else since it was first seen.
func (j *judging) unattachedFor() (float64, string, bool) {
	r := j.in.Resource
	switch {
	case r.Status != cloud.Available || r.AttachedTo != "":
		return 0, "", false
	case !r.DetachedAt.IsZero():
		return days(max(0, j.seen().Sub(r.DetachedAt))), "since_detached", true
	case !r.FirstSeen.IsZero():
		return days(max(0, j.seen().Sub(r.FirstSeen))), "since_first_seen", true
	default:
		return 0, "", false
	}
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// excused returns the reason of an exemption that covers the resource.
func (j *judging) excused() []Reason {
	e, ok := j.pack.Exempted(j.in.Resource, j.now)
	if !ok {
		return nil
	}
	j.flags[Exempt] = true
	year, month, date := e.Expires.Date()
	end := time.Date(year, month, date+1, 0, 0, 0, 0, j.now.Location())
	return []Reason{{Code: CodeExempt, Value: number(days(end.Sub(j.now))), Unit: cloud.Days, Detail: e.Reason + ", " + e.Owner}}
}

// sortedFlags lists the flags raised, in a fixed order.
func (j *judging) sortedFlags() []Flag {
	out := []Flag{}
	for _, f := range Flags() {
		if j.flags[f] {
			out = append(out, f)
		}
	}
	return out
}

// evidence lists the statistics of every metric that has samples, and of CPU
// and memory in any case: that they are unknown is a fact, too.
func (j *judging) evidence() []Evidence {
	if j.in.Resource.Kind != cloud.Instance {
		return nil
	}
	var out []Evidence
	for _, m := range cloud.Metrics() {
		u := j.in.Utilization[m]
		o := j.in.Observations[m]
		if u.Samples == 0 {
			if m == cloud.CPUPercent || m == cloud.MemoryPercent {
				out = append(out, Evidence{Metric: m, Availability: j.availability(o), Expected: u.Expected})
			}
			continue
		}
		e := Evidence{
			Metric: m, Availability: cloud.Observed, Samples: u.Samples, Expected: j.expected(u),
			Mean: number(u.Mean), P50: number(u.Quantile(0.5)), P95: number(u.Quantile(0.95)), P99: number(u.Quantile(0.99)), Max: number(u.Max),
		}
		if o.Origin == cloud.OriginHypervisor {
			e.Origin = o.Origin
		}
		if p, ok := j.in.Peaks[m]; ok {
			e.PeakMax = number(max(p.Max, u.Max))
		}
		out = append(out, e)
	}
	return out
}

// availability says why nothing was measured. A machine that is off measures
// nothing, however the source words it.
func (j *judging) availability(o cloud.Observation) cloud.Availability {
	switch o.Availability {
	case "", cloud.Observed, cloud.NoData:
		if j.in.Resource.Status == cloud.PoweredOff {
			return cloud.Stopped
		}
		return cloud.NoData
	default:
		return o.Availability
	}
}
