package report

import (
	"cmp"
	"strings"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/price"
)

// savingColumn heads a column of annual savings, with its currency.
func (b builder) savingColumn() string { return b.p.say(msgSavingColumn, b.unit()) }

// unit is the currency of the audit as column heads write it.
func (b builder) unit() string {
	c := cmp.Or(b.r.Audit.Totals.Currency, b.f.saving.Currency(), "CNY")
	if c == "CNY" {
		return b.p.say(msgYuan)
	}
	return c
}

// compared sets this audit's figures beside the previous one's.
func (b builder) compared() table {
	p := b.p
	t := table{id: "compared", columns: []column{
		{title: p.say(msgIndicator), width: 40, in: everywhere},
		{title: p.say(msgThisIssue), kind: whole, in: everywhere},
		{title: p.say(msgPreviousIssue), kind: whole, in: everywhere},
		{title: p.say(msgChange), kind: whole, in: everywhere},
	}}
	if b.r.Previous == nil {
		return t
	}
	now, before := b.r.Audit.Totals, b.r.Previous.Totals
	add := func(label string, a, z int) {
		diff := count(a - z)
		if a > z {
			diff.text = "+" + diff.text
		}
		t.rows = append(t.rows, []cell{text(label), count(a), count(z), diff})
	}
	add(p.say(msgTileResources), len(b.r.Audit.Findings), len(b.r.Previous.Findings))
	add(p.say(msgTileRelease), now.Release.Resources, before.Release.Resources)
	add(p.say(msgTileDownsize), now.Downsize.Resources, before.Downsize.Resources)
	for _, v := range analyzer.Verdicts() {
		if now.Verdicts[v]+before.Verdicts[v] > 0 {
			add(p.say(msgVerdictOf, name(p, verdictNames, v)), now.Verdicts[v], before.Verdicts[v])
		}
	}
	if diff, ok := b.savingChange(); ok {
		was, err := b.f.saving.Sub(diff)
		if err == nil {
			c := p.moneyCell(diff, true)
			c.text = signed(diff, c.text)
			t.rows = append(t.rows, []cell{text(b.savingColumn()), p.moneyCell(b.f.saving, true), p.moneyCell(was, true), c})
		}
	}
	return t
}

// basis says what every figure stands on.
func (b builder) basis() table {
	p, a := b.p, b.r.Audit
	t := table{id: "basis", columns: []column{
		{title: p.say(msgIndicator), width: 26, in: everywhere},
		{title: p.say(msgDetail), width: 80, in: everywhere, wrap: true},
	}}
	add := func(label msg, value string) {
		if value != "" {
			t.rows = append(t.rows, []cell{text(p.say(label)), text(clean(value))})
		}
	}
	add(msgBasisAsOf, p.minute(a.AsOf))
	if d := a.Window.Duration(); d > 0 {
		add(msgBasisWindow, p.say(msgSpan, p.minute(a.Window.From), p.minute(a.Window.To), p.duration(d)))
	}
	add(msgBasisGenerated, p.minute(b.r.GeneratedAt))
	add(msgBasisZone, b.r.Location.String())
	if c := a.Calendar; c.Weekdays > 0 {
		b.days(c, add)
	}
	add(msgBasisPack, a.Policy.ID)
	add(msgBasisVersion, a.Policy.Version)
	if p.lang == ZH {
		add(msgBasisName, cmp.Or(a.Policy.NameZH, a.Policy.NameEN))
	} else {
		add(msgBasisName, cmp.Or(a.Policy.NameEN, a.Policy.NameZH))
	}
	add(msgBasisChecksum, a.Policy.SHA256)
	if a.Policy.Confidence != "" {
		s := name(p, confidenceNames, a.Policy.Confidence)
		if a.Policy.Confidence == "proposed" {
			s = p.say(msgConfidenceProposedNote)
		}
		add(msgBasisConfidence, s)
	}
	source := a.Policy.Source
	if p.lang == ZH {
		source = strings.ReplaceAll(source, ", ", "，")
	}
	add(msgBasisSource, source)
	if b.r.Pack.MinCoverage > 0 {
		add(msgBasisCoverage, p.limit(b.r.Pack.MinCoverage, cloud.Ratio))
	}
	if b.r.Pack.MinAge > 0 {
		add(msgBasisAge, p.duration(b.r.Pack.MinAge))
	}
	if b.r.Pack.ConfirmRuns > 0 {
		add(msgBasisConfirm, itoa(b.r.Pack.ConfirmRuns))
	}
	add(msgBasisBook, a.PriceBook.ID+"@"+a.PriceBook.Version)
	example := p.say(msgNo)
	if a.PriceBook.Example {
		example = p.say(msgYes) + p.say(msgParenthesis, p.say(msgExampleFoot))
	}
	add(msgBasisExample, example)
	add(msgBasisCurrency, currencyOf(price.Zero(a.Totals.Currency)))
	add(msgBasisEstimate, p.say(msgBasisEstimateText))
	add(msgBasisStatistics, p.say(msgBasisStatisticsText))
	add(msgBasisWeighted, p.say(msgBasisWeightedText))
	if g := b.r.Pack.Risk; g.C > 0 {
		at := func(v float64) string { return p.limit(v, cloud.Ratio) }
		add(msgBasisRisk, p.say(msgBasisRiskText, at(g.A), at(g.B), at(g.C)))
	}
	if g := b.r.Pack.Risk; g.Budget > 0 {
		t.rows = append(t.rows, []cell{text(p.tell("风险预算", "Risk budget")), text(p.budgetOf(a, len(b.f.stops), g))})
	}
	add(msgBasisRead, p.say(msgBasisReadText))
	if head := b.journalHead(); head != "" {
		add(msgBasisJournal, p.say(msgBasisJournalText, head))
	}
	return t
}
