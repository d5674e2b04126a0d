package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

// reasons strings reasons together as one sentence.
func (p prose) reasons(list []analyzer.Reason) string {
	var parts []string
	for _, r := range list {
		parts = append(parts, p.reason(r))
	}
	if len(parts) == 0 {
		return "—"
	}
	return p.clauses(parts)
}

// reason puts one reason into words. A code that this package has no words for
// keeps its code and every number it carries.
func (p prose) reason(r analyzer.Reason) string {
	if m, ok := reasonNames[r.Code]; ok {
		return p.special(m, r)
	}
	op, ok := comparison(r)
	if !ok || r.Value == nil || r.Limit == nil {
		return p.plainly(r)
	}
	if what := p.condition(r.Detail); what != "" && (r.Unit == cloud.Ratio || r.Unit == cloud.Days) {
		return p.say(msgShareOf, what, p.beside(*r.Value, *r.Limit, r.Unit))
	}
	limit := p.say(op, p.limit(*r.Limit, r.Unit))
	if share := p.shareOfDays(r); share > 0 {
		limit = p.say(msgOnDays, limit, p.limit(share, cloud.Ratio))
	}
	return p.say(msgReasonCompared, p.subject(r), p.beside(*r.Value, *r.Limit, r.Unit), limit) + p.parenthesized(p.detail(r.Detail))
}

// special renders a reason that has a text of its own.
func (p prose) special(m msg, r analyzer.Reason) string {
	switch {
	case r.Code == analyzer.CodePoweredOffDays && r.Value == nil && r.Detail != "":
		return p.say(msgNotOff)
	case r.Code == analyzer.CodeSeasonUnseen && r.Date == "":
		return p.fill(p.say(msgReasonSeasonWhen), r)
	case r.Code == analyzer.CodeUnattachedDays && r.Detail == "since_detached":
		return p.fill(p.say(msgSinceDetached), r)
	case r.Code == analyzer.CodeUnattachedDays && r.Detail == "since_first_seen":
		return p.fill(p.say(msgSinceSeen), r)
	}
	return p.fill(p.say(m), r)
}

// comparison is what a composed code says of value and limit.
func comparison(r analyzer.Reason) (msg, bool) {
	word, held, ok := r.Comparison()
	if !ok {
		return 0, false
	}
	// What is not below is at least, and so on.
	opposite := map[string]string{"below": "at_least", "at_least": "below", "above": "at_most", "at_most": "above"}
	if !held {
		word = opposite[word]
	}
	return map[string]msg{"below": msgBelow, "at_most": msgAtMost, "above": msgAbove, "at_least": msgAtLeast}[word], true
}

// shareOfDays is the part of days on which a condition has to hold, of which
// a reason carries the day that just decides; 0 where it is not about days.
func (p prose) shareOfDays(r analyzer.Reason) float64 {
	for _, rule := range p.pack.Rules {
		for _, c := range rule.When {
			if c.ShareOfDays > 0 && len(c.And) == 0 && c.Metric == r.Metric && c.Statistic == r.Statistic && r.Limit != nil && c.Limit == *r.Limit {
				return c.ShareOfDays
			}
		}
	}
	return 0
}

// condition is a condition of the pack in this language, known by its English
// text, which reasons carry; empty where detail is no condition.
func (p prose) condition(detail string) string {
	if detail == "" {
		return ""
	}
	for _, rule := range p.pack.Rules {
		for _, c := range rule.When {
			if d := c.Describe(); d.EN == detail {
				return p.describe(c, d)
			}
		}
	}
	return ""
}

// describe words a condition on a share of days or samples as reasons are
// worded; one of a more intricate form keeps the pack's own words.
func (p prose) describe(c policies.Condition, own policies.Text) string {
	words := map[string]msg{"<": msgBelow, "<=": msgAtMost, ">": msgAbove, ">=": msgAtLeast}
	subject := p.subject(analyzer.Reason{Metric: c.Metric, Statistic: c.Statistic})
	limit := p.say(words[c.Op], p.limit(c.Limit, c.Unit))
	switch {
	case len(c.And) > 0 || c.Last > 0:
	case c.ShareOfDays > 0:
		return p.say(msgShareDays, p.limit(c.ShareOfDays, cloud.Ratio), subject, limit)
	case c.ShareOfSamples > 0:
		return p.say(msgShareSamples, p.limit(c.ShareOfSamples, cloud.Ratio), subject, limit)
	case c.MinDays > 0:
		return p.say(msgMinDays, p.limit(float64(c.MinDays), cloud.Days), subject, limit)
	}
	if p.lang == ZH {
		return own.ZH
	}
	return own.EN
}

// detail is the name that a reason speaks of; ids of rules become their names.
func (p prose) detail(s string) string {
	if _, ok := p.pack.Rule(s); ok {
		return p.rule(s)
	}
	return clean(s)
}

// rule is the name of a rule of the pack, or its id where the pack is not at
// hand.
func (p prose) rule(id string) string {
	r, ok := p.pack.Rule(id)
	if id == recommender.ScheduleRule && !ok {
		return p.say(msgRuleSchedule)
	}
	if !ok {
		return clean(id)
	}
	if p.lang == ZH {
		return clean(cmp.Or(r.Name.ZH, r.Name.EN, id))
	}
	return clean(cmp.Or(r.Name.EN, r.Name.ZH, id))
}

// plainly renders a reason without words of its own.
func (p prose) plainly(r analyzer.Reason) string {
	var parts []string
	if s := p.subject(r); s != "" {
		parts = append(parts, s)
	}
	if r.Value != nil {
		parts = append(parts, p.say(msgReasonValue, p.value(*r.Value, r.Unit, 1)))
	}
	if r.Limit != nil {
		parts = append(parts, p.say(msgReasonLimit, p.limit(*r.Limit, r.Unit)))
	}
	if r.Detail != "" {
		parts = append(parts, clean(r.Detail))
	}
	code := clean(r.Code)
	if len(parts) == 0 {
		return code
	}
	return code + p.say(msgParenthesis, p.join(parts))
}

// subject is what a reason speaks of: CPU P95.
func (p prose) subject(r analyzer.Reason) string {
	var parts []string
	if r.Metric != "" {
		parts = append(parts, name(p, metricNames, r.Metric))
	}
	if r.Statistic != "" {
		parts = append(parts, name(p, statisticNames, r.Statistic))
	}
	return p.adjoin(parts...)
}

// adjoin sets words side by side: Chinese words touch, Latin ones do not.
func (p prose) adjoin(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		if b.Len() > 0 && w != "" && (p.lang != ZH || latin(b.String()[b.Len()-1]) && latin(w[0])) {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

func latin(c byte) bool { return c < 0x80 }

func (p prose) parenthesized(s string) string {
	if s == "" {
		return ""
	}
	return p.say(msgParenthesis, clean(s))
}

// fill puts a reason's numbers into a template with the placeholders
// {subject}, {metric}, {statistic}, {value}, {limit}, {points}, {limitpoints}
// (both without their percent sign), {date}, {wait}, {detail} and {rule}. A part in square
// brackets is left out when what it speaks of is absent; elsewhere an absent
// number is said to be unknown.
func (p prose) fill(template string, r analyzer.Reason) string {
	words := map[string]string{
		"{subject}":   p.subject(r),
		"{metric}":    name(p, metricNames, r.Metric),
		"{statistic}": name(p, statisticNames, r.Statistic),
		"{detail}":    p.detail(r.Detail),
		"{date}":      r.Date,
	}
	if r.Code == analyzer.CodeSeasonUnseen {
		words["{detail}"] = p.season(r.Detail)
	}
	if r.WaitDays > 0 {
		words["{wait}"] = p.value(float64(r.WaitDays), cloud.Days, 0)
	}
	if _, ok := p.pack.Rule(r.Detail); ok || r.Code == analyzer.CodePeakGuard && r.Detail != "" {
		words["{rule}"] = p.say(msgRuleNamed, p.rule(r.Detail))
	}
	if r.Value != nil {
		words["{value}"] = p.value(*r.Value, r.Unit, 1)
		if r.Limit != nil {
			words["{value}"] = p.beside(*r.Value, *r.Limit, r.Unit)
		}
		words["{points}"] = trim(*r.Value, 1)
	}
	if r.Limit != nil {
		words["{limit}"] = p.limit(*r.Limit, r.Unit)
		words["{limitpoints}"] = trim(*r.Limit, 1)
	}
	out := optional.ReplaceAllStringFunc(template, func(part string) string {
		for _, q := range placeholder.FindAllString(part, -1) {
			if words[q] == "" {
				return ""
			}
		}
		return part[1 : len(part)-1]
	})
	return placeholder.ReplaceAllStringFunc(out, func(q string) string {
		return cmp.Or(words[q], p.say(msgUnknown))
	})
}

var (
	optional    = regexp.MustCompile(`\[[^\]]*\]`)
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
)

// finding explains a verdict in one paragraph: what was seen in which span, at
// what coverage, and what follows.
func (b builder) finding(x analyzer.Finding) []string {
	p := b.p
	verdict := p.say(msgVerdictIs, name(p, verdictNames, x.Verdict))
	if x.Rule != "" {
		verdict += p.parenthesized(p.say(msgByRule, p.rule(x.Rule)))
	}
	out := append(b.grounds(x, x.Reasons), verdict)
	if notes := p.notes(x.Flags, x.Notes); len(notes) > 0 {
		out = append(out, p.say(msgNote, p.clauses(notes)))
	}
	return out
}

// grounds says what was seen: the reasons, over which span where they were
// measured, the load beside them, and how completely it is known.
func (b builder) grounds(x analyzer.Finding, why []analyzer.Reason) []string {
	p := b.p.of(x.Kind)
	var out []string
	if len(why) > 0 {
		span := ""
		if d := x.Window.Duration(); d > 0 && why[0].Metric != "" && why[0].Value != nil {
			span = p.say(msgOverPast, p.duration(d))
		}
		out = append(out, p.adjoin(span, p.reasons(why)))
	}
	if s := b.seen(x); s != "" {
		out = append(out, s)
	}
	if c, ok := coverageOf(x); ok {
		out = append(out, p.say(msgCoverageIs, percent(100*c), p.date(x.Window.From), p.date(x.Window.To)))
	}
	return out
}

// seen adds the load that reasons left out: mean, P95 and peak of CPU and
// memory, so that nobody has to ask for them.
func (b builder) seen(x analyzer.Finding) string {
	p := b.p
	told := func(m cloud.Metric, statistic string) bool {
		for _, r := range x.Reasons {
			if r.Metric == m && r.Statistic == statistic {
				return true
			}
		}
		return false
	}
	var parts []string
	for _, m := range []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent} {
		e := evidence(x, m)
		if e.Samples == 0 {
			continue
		}
		var numbers []string
		for _, s := range []struct {
			statistic string
			v         *float64
		}{{"mean", e.Mean}, {"p95", e.P95}, {"max", e.Max}, {"peak_max", e.PeakMax}} {
			if s.v == nil || told(m, s.statistic) || s.statistic == "peak_max" && (equal(e.PeakMax, e.Max) || told(m, "peak")) {
				continue
			}
			numbers = append(numbers, p.adjoin(name(p, statisticNames, s.statistic), p.value(*s.v, m.Unit(), 1)))
		}
		if len(numbers) > 0 {
			parts = append(parts, p.adjoin(name(p, metricNames, m), p.join(numbers)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return p.say(msgAlsoSeen, p.clauses(parts))
}

// explain gives the whole case for a recommendation, sentence by sentence, in
// words that an administrator can defend.
func (b builder) explain(x recommender.Recommendation) []string {
	p := b.p
	f, judged := b.f.findings[x.ResourceID]
	if !judged {
		f = analyzer.Finding{Reasons: x.Reasons, Flags: x.Flags}
	}
	why := f.Reasons
	if len(why) == 0 {
		why = x.Reasons
	}
	out := append(b.grounds(f, why), b.proposal(x))
	if own := without(x.Reasons, f.Reasons); judged && len(own) > 0 && len(f.Reasons) > 0 {
		out = append(out, p.say(msgSizedBecause, p.reasons(own)))
	}
	out = append(out, b.savingSentence(x))
	if saves(x.Action) {
		out = append(out, b.riskSentence(x.Risk), b.confirmSentence(x))
	}
	if notes := p.notes(union(f.Flags, x.Flags), f.Notes); len(notes) > 0 {
		out = append(out, p.say(msgNote, p.clauses(notes)))
	}
	return out
}

// proposal says what to do, and how the machine's past would have fared on the
// new size.
func (b builder) proposal(x recommender.Recommendation) string {
	p := b.p
	if x.Target == nil {
		var what []string
		for _, s := range []string{b.sizes(x), clean(x.Current.InstanceType)} {
			if s != "" {
				what = append(what, s)
			}
		}
		whole := msgProposeRelease
		if x.Kind == cloud.Instance && x.Current.StorageGiB > 0 {
			whole = msgProposeReleaseAll
		}
		return p.say(whole, p.action(x), name(p, kindNames, x.Kind)) + p.parenthesized(p.join(what))
	}
	now := b.specOf(x.Current, x.Kind) + p.parenthesized(x.Current.InstanceType)
	then := b.specOf(*x.Target, x.Kind) + p.parenthesized(x.Target.InstanceType)
	s := p.say(msgProposeSize, p.action(x), now, then)
	if onlyStorage(x) {
		s = p.say(msgProposeStorage, p.action(x), p.value(x.Current.StorageGiB, cloud.GiB, 0), p.value(x.Target.StorageGiB, cloud.GiB, 0))
	}
	if x.Projected == nil {
		return s
	}
	var parts []string
	for _, q := range []struct {
		m         cloud.Metric
		statistic string
		v         *float64
	}{
		{cloud.CPUPercent, "p95", x.Projected.CPUP95}, {cloud.CPUPercent, "max", x.Projected.CPUMax},
		{cloud.MemoryPercent, "p95", x.Projected.MemoryP95}, {cloud.MemoryPercent, "max", x.Projected.MemoryMax},
		{cloud.DiskPercent, "max", x.Projected.DiskMax},
	} {
		// What the change does not touch says nothing about it.
		storage := q.m == cloud.DiskPercent
		if q.v != nil && (storage == onlyStorage(x) || storage && x.Kind == cloud.Disk) {
			parts = append(parts, p.adjoin(name(p, metricNames, q.m), name(p, statisticNames, q.statistic), p.value(*q.v, cloud.Percent, 1)))
		}
	}
	if len(parts) > 0 {
		s = p.clauses([]string{s, p.say(msgProjected, p.join(parts))})
	}
	return s
}

func (b builder) savingSentence(x recommender.Recommendation) string {
	p := b.p
	if !saves(x.Action) {
		return p.say(msgSavesNothing)
	}
	var s string
	if x.SavingKnown {
		s = p.say(msgSavingIs, p.yuan(shown(x))) + b.exampleMark()
	} else if s = p.say(msgSavingUnknown); x.Action == recommender.Stop { // its machine may well have a price
		s = p.say(msgStopUnpriced)
	}
	moving := x.SavingNote == recommender.NoteMigrates && slices.ContainsFunc(x.Reasons, func(r analyzer.Reason) bool {
		return r.Code == recommender.CodeStorageMigration
	})
	if note := b.savingNote(x); note != "" && !moving {
		s = p.clauses([]string{s, note})
	}
	return s
}

func (b builder) savingNote(x recommender.Recommendation) string {
	var parts []string
	if x.SavingNote != "" {
		parts = append(parts, name(b.p, savingNotes, x.SavingNote))
	}
	if x.SavingFrom != "" {
		parts = append(parts, b.p.say(msgSavingFrom, clean(x.SavingFrom)))
	}
	return b.p.clauses(parts)
}

func (b builder) riskSentence(r recommender.Risk) string {
	p := b.p
	s := p.say(msgRiskIs, cmp.Or(clean(r.Grade), "—"), p.value(r.HarmProbability, cloud.Ratio, 1))
	switch {
	case r.Prior:
		return p.clauses([]string{s, p.say(msgRiskPrior)})
	case r.Compared > 0:
		return p.clauses([]string{s, p.say(msgRiskSeen, r.Compared, r.Exceeded)})
	}
	return s
}

func (b builder) confirmSentence(x recommender.Recommendation) string {
	p := b.p
	since := ""
	if x.FirstSeen != "" {
		since = p.say(msgSince, clean(x.FirstSeen))
	}
	s := p.say(msgConfirmedRuns, x.ConsecutiveRuns, since)
	if x.ConsecutiveRuns <= 1 {
		s = p.say(msgFirstTime, since)
	}
	switch {
	case x.ToReview() && x.Action == recommender.Stop && x.Risk.Prior:
		return p.clauses([]string{s, p.say(msgMustReviewPrior)})
	case x.ToReview():
		return p.clauses([]string{s, p.say(msgMustReview)})
	case x.Ready:
		return p.clauses([]string{s, p.say(msgMayAct)})
	case b.r.Pack.ConfirmRuns > 0:
		return p.clauses([]string{s, p.say(msgMustWaitOf, b.r.Pack.ConfirmRuns)})
	default:
		return p.clauses([]string{s, p.say(msgMustWait)})
	}
}

// without is the reasons of list that are not in other.
func without(list, other []analyzer.Reason) []analyzer.Reason {
	same := func(a, b analyzer.Reason) bool {
		return a.Code == b.Code && a.Metric == b.Metric && a.Statistic == b.Statistic && a.Detail == b.Detail && equal(a.Value, b.Value) && equal(a.Limit, b.Limit)
	}
	var out []analyzer.Reason
next:
	for _, r := range list {
		for _, o := range other {
			if same(r, o) {
				continue next
			}
		}
		out = append(out, r)
	}
	return out
}

func equal(a, b *float64) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func union(a, b []analyzer.Flag) []analyzer.Flag {
	var out []analyzer.Flag
	seen := map[analyzer.Flag]bool{}
	for _, list := range [][]analyzer.Flag{a, b} {
		for _, f := range list {
			if !seen[f] {
				seen[f] = true
				out = append(out, f)
			}
		}
	}
	return out
}
