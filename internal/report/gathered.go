package report

import (
	"cmp"

	"yunjian/analyzer"
	"yunjian/recommender"
)

// verdicts counts findings by verdict, in the order of tables; verdicts that
// this package does not know come last rather than get lost.
func (b builder) verdicts() []verdictCount {
	n := map[analyzer.Verdict]int{}
	var order []analyzer.Verdict
	order = append(order, analyzer.Verdicts()...)
	known := map[analyzer.Verdict]bool{}
	for _, v := range order {
		known[v] = true
	}
	for _, f := range b.r.Audit.Findings {
		if !known[f.Verdict] {
			known[f.Verdict] = true
			order = append(order, f.Verdict)
		}
		n[f.Verdict]++
	}
	var out []verdictCount
	for _, v := range order {
		out = append(out, verdictCount{name(b.p, verdictNames, v), n[v]})
	}
	return out
}

// changed lists every recommendation of this audit and the one before, and
// what became of it.
func (b builder) changed() table {
	p := b.p
	t := table{id: "changed", empty: p.say(msgNoAdvice), columns: []column{
		{title: p.say(msgChangeKind)}, {title: p.say(msgResource)}, {title: p.say(msgDepartment)}, {title: p.say(msgAction)},
		{title: p.say(msgSizes)}, {title: b.savingColumn(), kind: money}, {title: p.say(msgRiskGrade)}, {title: p.say(msgStatus)},
		{title: p.say(msgDetail), wrap: true},
	}}
	for i := range t.columns {
		t.columns[i].in = inSheet
	}
	add := func(kind string, x recommender.Recommendation, status cell, note string) {
		t.rows = append(t.rows, []cell{
			text(kind), b.resource(x.ResourceID, x.Name), text(b.departmentName(cmp.Or(b.f.department(x.ResourceID), x.Department))),
			text(p.action(x)), orDash(b.sizes(x)), p.moneyCell(shown(x), x.SavingKnown), orDash(x.Risk.Grade), status, orDash(note),
		})
	}
	for _, x := range b.f.changes.fresh {
		note := ""
		if b.f.changes.first {
			note = p.say(msgFirstIssue)
		}
		add(p.say(msgChangeNew), x, b.status(x), note)
	}
	for _, x := range b.f.changes.again {
		add(p.say(msgChangeAgain), x, b.status(x), b.repriced(x))
	}
	for _, g := range b.f.changes.gone {
		add(p.say(msgChangeGone), g.Recommendation, p.unknown(), b.whyGone(g))
	}
	return t
}

// attention lists what people should look at beside the recommendations.
func (b builder) attention() table {
	p := b.p
	t := table{id: "attention", empty: p.say(msgNoneRefused), columns: []column{
		{title: p.say(msgCategory)}, {title: p.say(msgResource)}, {title: p.say(msgDepartment)}, {title: p.say(msgApplication)},
		{title: p.say(msgVerdict)}, {title: p.say(msgSizes)}, {title: p.say(msgExpires)}, {title: p.say(msgBasis), wrap: true},
	}}
	for i := range t.columns {
		t.columns[i].in = inSheet
	}
	add := func(kind msg, id string, verdict analyzer.Verdict, expires cell, why string) {
		judged := p.unknown()
		if verdict != "" {
			judged = text(name(p, verdictNames, verdict))
		}
		t.rows = append(t.rows, []cell{
			text(p.say(kind)), b.resource(id, ""), text(b.departmentName(b.f.department(id))), orDash(clean(b.f.application(id))),
			judged, orDash(b.currentSize(id)), expires, text(why),
		})
	}
	for _, x := range b.f.tight {
		add(msgAttentionTight, x.ResourceID, x.Verdict, p.unknown(), b.whyTight(x))
	}
	for _, x := range b.r.Audit.Refusals {
		if ownSection(x) {
			continue
		}
		add(msgAttentionRefused, x.ResourceID, b.f.findings[x.ResourceID].Verdict, p.unknown(), p.reasons(x.Reasons))
	}
	for _, x := range b.f.padding {
		add(msgAttentionPadding, x.ResourceID, x.Verdict, p.unknown(), p.reasons(signs(x)))
	}
	for _, x := range b.f.exempt {
		why := cmp.Or(b.ground(x.ground), p.reasons(x.finding.Reasons))
		if x.owner != "" {
			why += p.parenthesized(x.owner)
		}
		add(msgAttentionExempt, x.finding.ResourceID, x.finding.Verdict, orDash(x.expires), why)
	}
	return t
}
