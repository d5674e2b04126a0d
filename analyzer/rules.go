package analyzer

import (
	"math"
	"slices"

	"yunjian/cloud"
	"yunjian/policies"
)

// state is what is known of a condition or a rule.
type state int

const (
	no state = iota
	unknown
	yes
)

// matching is how a rule fared.
type matching struct {
	state   state
	reasons []Reason // conditions that hold
	unmet   []Reason // conditions that do not
	missing []Reason // what the unknown conditions would need
	vetoed  bool     // only the peak guard stands against the rule
}

// apply judges a running machine by the rules, first match first.
func (j *judging) apply(rules []policies.Rule) judgement {
	var vetoes, undecided, unmet []Reason
	applicable := 0
	for _, rule := range rules {
		m := j.match(rule)
		if !slices.ContainsFunc(m.unmet, func(r Reason) bool { return r.Metric == "" }) {
			applicable++
		}
		switch {
		case m.state == yes:
			reasons := slices.Concat(m.reasons, vetoes, undecided)
			return judgement{verdict: Verdict(rule.Verdict), rule: rule.ID, coverage: j.least(rule.When), reasons: distinct(reasons)}
		case m.vetoed:
			for _, r := range m.unmet {
				r.Code, r.Detail = CodePeakGuard, rule.ID
				vetoes = append(vetoes, r)
			}
		case m.state == unknown:
			for _, r := range m.missing {
				r.Detail = rule.ID
				undecided = append(undecided, r)
			}
		}
		unmet = append(unmet, m.unmet...)
	}
	if applicable == 0 { // by its size or kind of machine every rule leaves it out
		return insufficient(append([]Reason{{Code: CodeNoRule, Value: number(0), Unit: cloud.Count, Detail: string(j.in.Resource.Kind)}}, distinct(unmet)...)...)
	}
	var asked []policies.Condition
	for _, rule := range rules {
		asked = append(asked, rule.When...)
	}
	if len(undecided) > 0 {
		return judgement{verdict: InsufficientData, coverage: j.least(asked), reasons: distinct(slices.Concat(undecided, vetoes))}
	}
	return judgement{verdict: Optimized, coverage: j.least(asked), reasons: distinct(slices.Concat(vetoes, telling(unmet, vetoes)))}
}

// match tries one rule. A rule of which nothing measured speaks in favour is
// not undecided but unmatched: unknown memory alone is no suspicion.
func (j *judging) match(rule policies.Rule) matching {
	j.tried = append(j.tried, rule.ID)
	m := matching{state: yes}
	inFavour, failedPeak, failedOther := false, false, false
	for _, c := range rule.When {
		s, reason := j.condition(c)
		switch s {
		case yes:
			m.reasons = append(m.reasons, reason)
			inFavour = inFavour || c.Metric != ""
		case no:
			m.unmet = append(m.unmet, reason)
			failedPeak = failedPeak || policies.OfPeaks(c.Statistic)
			failedOther = failedOther || !policies.OfPeaks(c.Statistic)
		default:
			m.missing = append(m.missing, reason)
		}
	}
	switch {
	case failedOther || failedPeak:
		m.state = no
		m.vetoed = failedPeak && !failedOther && len(m.missing) == 0
	case len(m.missing) > 0 && (inFavour || j.in.Resource.Kind != cloud.Instance):
		m.state = unknown
	case len(m.missing) > 0:
		m.state = no
	}
	return m
}

// condition compares one condition, with the reason that says how it came out.
func (j *judging) condition(c policies.Condition) (state, Reason) {
	if c.Metric == "" {
		return j.fact(c)
	}
	involved := policies.Parts(c.Metric)
	for _, a := range c.And {
		involved = append(involved, policies.Parts(a.Metric)...)
	}
	for _, m := range involved {
		if why, ok := j.usable(m); !ok {
			return unknown, why
		}
	}
	v, ok := j.samples.measure(c)
	if !ok || math.IsNaN(v.value) {
		return unknown, Reason{Code: CodeNoData, Metric: c.Metric, Statistic: c.Statistic}
	}
	r := Reason{
		Code: Code(c.Metric, c.Statistic, c.Op, v.holds()), Metric: c.Metric, Statistic: c.Statistic,
		Value: number(v.value), Limit: number(v.limit), Unit: v.unit,
	}
	if v.unit != c.Unit { // a share of samples or a number of days: say of what
		r.Detail = c.Describe().EN
	}
	if v.holds() {
		return yes, r
	}
	return no, r
}

// fact compares a number of the resource itself.
func (j *judging) fact(c policies.Condition) (state, Reason) {
	res := j.in.Resource
	r := Reason{Statistic: c.Statistic, Limit: number(c.Limit), Unit: c.Unit}
	var v float64
	known := true
	switch c.Statistic {
	case policies.DaysOff:
		if res.Status != cloud.PoweredOff {
			r.Code, r.Detail = CodePoweredOffDays, string(res.Status)
			return no, r
		}
		v, known = j.offFor()
		r.Code = CodePoweredOffDays
		if !known {
			r.Code = CodeOffSinceUnknown
		}
	case policies.DaysUnattached:
		v, r.Detail, known = j.unattachedFor()
		r.Code = CodeUnattachedDays
		if !known {
			r.Code = CodeUnattachedUnknown
		}
	case policies.AgeDays:
		v, known = days(j.now.Sub(res.CreatedAt)), !res.CreatedAt.IsZero()
	case policies.FactVCPU:
		v, known = float64(res.VCPU), res.VCPU > 0
	case policies.FactMemoryGiB:
		v, known = res.MemoryGiB, res.MemoryGiB > 0
	case policies.FactStorageGiB:
		v, known = res.StorageGiB, res.StorageGiB > 0
	case policies.LocalStorage:
		v = res.LocalStorageGiB // zero is the common truth, not a gap in knowledge
	case policies.GPU:
		v = float64(res.GPU)
	case policies.Prepaid:
		known = res.ChargeType != ""
		if res.ChargeType == cloud.Prepaid {
			v = 1
		}
	}
	if !known {
		if r.Code == "" {
			r.Code = CodeFactUnknown
		}
		return unknown, r
	}
	r.Value = number(v)
	holds := policies.Holds(v, c.Op, c.Limit)
	if r.Code == "" {
		r.Code = Code("", c.Statistic, c.Op, holds)
	}
	if holds {
		return yes, r
	}
	return no, r
}

// least is the lowest coverage of the metrics that conditions were decided on;
// nil where none of them was.
func (j *judging) least(conditions []policies.Condition) *float64 {
	var decided []cloud.Metric
	for _, c := range conditions {
		if c.Metric == "" {
			continue
		}
		for _, m := range policies.Parts(c.Metric) {
			if _, ok := j.usable(m); ok {
				decided = append(decided, m)
			}
		}
	}
	return j.rests(decided)
}

// telling keeps, of the unmet comparisons on one statistic, the one that came
// nearest to holding: it says why no rule matched. What the vetoes say already
// is left out.
func telling(unmet, vetoes []Reason) []Reason {
	var out []Reason
	for _, r := range unmet {
		said := slices.ContainsFunc(vetoes, func(v Reason) bool { return v.Metric == r.Metric && v.Statistic == r.Statistic })
		if r.Metric == "" || said {
			continue
		}
		i := slices.IndexFunc(out, func(o Reason) bool { return o.Code == r.Code })
		if i < 0 {
			out = append(out, r)
			continue
		}
		if math.Abs(*r.Value-*r.Limit) < math.Abs(*out[i].Value-*out[i].Limit) {
			out[i] = r
		}
	}
	if len(out) == 0 && len(vetoes) == 0 { // only rules on facts: say so with the facts
		return unmet
	}
	return out
}

// distinct drops reasons that say the same twice.
func distinct(reasons []Reason) []Reason {
	var out []Reason
	for _, r := range reasons {
		same := func(o Reason) bool {
			return o.Code == r.Code && o.Metric == r.Metric && o.Statistic == r.Statistic && equal(o.Limit, r.Limit)
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, r)
		}
	}
	return out
}

func equal(a, b *float64) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
