package report

import (
	"cmp"
	"slices"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// detail is the case for one recommendation, with its history drawn.
type detail struct {
	anchor, title, subtitle string
	action                  cell
	facts                   []fact
	sentences               []string
	charts                  []chartView
}

// fact is one labelled figure of a detail.
type fact struct{ label, value string }

// chartView is one chart with the lines that give it a meaning.
type chartView struct {
	Chart
	title string
	lines []line
}

// line is a level drawn across a chart.
type line struct {
	at       float64
	label    string
	capacity bool // the proposed size, rather than a threshold
}

// shown is the annual saving as tables write it. Amounts of this audit were
// checked before; one of the previous audit with an impossible currency keeps
// its figure.
func shown(x recommender.Recommendation) price.Amount {
	a, err := saving(x)
	if err != nil {
		return x.AnnualSaving
	}
	return a
}

// anchor is where the detail of a resource's recommendation stands; empty
// where it has none.
func (b builder) anchor(resource string) string {
	for i, x := range b.r.Audit.Recommendations {
		if i == MaxCharted {
			break
		}
		if x.ResourceID == resource {
			return "case-" + itoa(i+1)
		}
	}
	return ""
}

// details are the cases of the first MaxCharted recommendations, and how many
// were left out.
func (b builder) details() ([]detail, int) {
	var out []detail
	for i, x := range b.r.Audit.Recommendations {
		if i == MaxCharted {
			return out, len(b.r.Audit.Recommendations) - MaxCharted
		}
		d := detail{
			anchor:    "case-" + itoa(i+1),
			title:     b.resource(x.ResourceID, x.Name).whole(),
			subtitle:  b.place(x),
			action:    text(b.p.action(x)).toned(toneOf(x.Action)),
			facts:     b.detailFacts(x),
			sentences: b.explain(x),
		}
		for _, c := range b.r.Charts[x.ResourceID] {
			if len(c.Points) > 0 {
				d.charts = append(d.charts, b.chart(c, x))
			}
		}
		out = append(out, d)
	}
	return out, 0
}

func toneOf(a recommender.Action) tone {
	switch a {
	case recommender.Release:
		return bad
	case recommender.Upsize:
		return plain
	default:
		return warn
	}
}

// place says whose a resource is.
func (b builder) place(x recommender.Recommendation) string {
	s := b.departmentName(b.f.department(x.ResourceID))
	if app := clean(b.f.application(x.ResourceID)); app != "" {
		s += " / " + app
	}
	return s
}

func (b builder) detailFacts(x recommender.Recommendation) []fact {
	p := b.p
	var out []fact
	if s := b.sizes(x); s != "" {
		out = append(out, fact{p.say(msgSizes), s})
	}
	if saves(x.Action) {
		saved := p.say(msgUnknown)
		if x.SavingKnown {
			saved = p.yuan(shown(x)) + b.exampleMark()
		}
		out = append(out,
			fact{p.say(msgSavingLabel), saved},
			fact{p.say(msgRiskGrade), cmp.Or(clean(x.Risk.Grade), "—")},
			fact{p.say(msgStatus), b.status(x).text},
		)
	}
	return append(out, fact{p.say(msgRule), p.rule(x.Rule)})
}

// chart adds the thresholds that decided and the proposed size, in percent of
// the current one.
func (b builder) chart(c Chart, x recommender.Recommendation) chartView {
	p := b.p
	v := chartView{Chart: c, title: name(p, metricNames, c.Metric)}
	reasons := append(append([]analyzer.Reason{}, b.f.findings[x.ResourceID].Reasons...), x.Reasons...)
	drawn := map[float64]bool{}
	for _, r := range reasons {
		_, compared := comparison(r)
		if !compared || policies.OfPeaks(r.Statistic) || r.Metric != c.Metric || r.Limit == nil || r.Unit != cloud.Percent || drawn[*r.Limit] {
			continue
		}
		drawn[*r.Limit] = true
		v.lines = append(v.lines, line{at: *r.Limit, label: p.say(msgThresholdLine, name(p, statisticNames, r.Statistic), p.limit(*r.Limit, r.Unit))})
	}
	if x.Target == nil {
		return v
	}
	var part float64
	switch {
	case c.Metric == cloud.CPUPercent && x.Current.VCPU > 0:
		part = float64(x.Target.VCPU) / float64(x.Current.VCPU)
	case c.Metric == cloud.MemoryPercent && x.Current.MemoryGiB > 0:
		part = x.Target.MemoryGiB / x.Current.MemoryGiB
	case c.Metric == cloud.DiskPercent && x.Current.StorageGiB > 0:
		part = x.Target.StorageGiB / x.Current.StorageGiB
	}
	if part > 0 && part < 1 {
		v.lines = append(v.lines, line{at: 100 * part, capacity: true, label: p.say(msgCapacityLine, b.specOf(*x.Target, x.Kind), percent(100*part))})
	}
	return v
}

// appendix lists every recommendation with its evidence in numbers.
func (b builder) appendix() table {
	p := b.p
	t := table{id: "appendix", empty: p.say(msgNoAdvice), columns: []column{
		{title: p.say(msgSerial), kind: whole, in: everywhere},
		{title: p.say(msgResourceID), in: inSheet},
		{title: p.say(msgName), in: inSheet},
		{title: p.say(msgResource), width: 24, in: paper},
		{title: p.say(msgIP), in: inSheet},
		{title: p.say(msgKind), in: inSheet},
		{title: p.say(msgDepartment), width: 14, in: screens},
		{title: p.say(msgApplication), in: inSheet},
		{title: p.say(msgCloud), in: inSheet},
		{title: p.say(msgRegion), in: inSheet},
		{title: p.say(msgInstanceType), in: inSheet},
		{title: p.say(msgCurrentCores), kind: whole, in: inSheet},
		{title: p.say(msgCurrentMemory), kind: size, in: inSheet},
		{title: p.say(msgCurrentStorage), kind: size, in: inSheet},
		{title: p.say(msgCPUMean), kind: percent1, in: inSheet},
		{title: p.say(msgCPUP95), kind: percent1, in: everywhere},
		{title: p.say(msgCPUMax), kind: percent1, in: inSheet},
		{title: p.say(msgCPUPeak), kind: percent1, in: inSheet},
		{title: p.say(msgMemoryMean), kind: percent1, in: inSheet},
		{title: p.say(msgMemoryP95), kind: percent1, in: everywhere},
		{title: p.say(msgMemoryMax), kind: percent1, in: inSheet},
		{title: p.say(msgDiskMax), kind: percent1, in: inSheet},
		{title: p.say(msgNetworkDaily), kind: size, in: inSheet},
		{title: p.say(msgCoverage), kind: percent1, in: screens},
		{title: p.say(msgVerdict), in: inSheet},
		{title: p.say(msgAction), in: everywhere},
		{title: p.say(msgSizes), in: paper, fold: true},
		{title: p.say(msgTargetType), in: inSheet},
		{title: p.say(msgTargetCores), kind: whole, in: inSheet},
		{title: p.say(msgTargetMemory), kind: size, in: inSheet},
		{title: p.say(msgTargetStorage), kind: size, in: inSheet},
		{title: p.say(msgFreedCores), kind: whole, in: inSheet},
		{title: p.say(msgFreedMemory), kind: size, in: inSheet},
		{title: p.say(msgFreedStorage), kind: size, in: inSheet},
		{title: b.savingColumn(), kind: money, in: everywhere},
		{title: p.say(msgSavingFromColumn), in: inSheet},
		{title: p.say(msgSavingNote), in: inSheet},
		{title: p.say(msgRiskGrade), in: everywhere},
		{title: p.say(msgHarm), kind: percent1, in: inSheet},
		{title: p.say(msgStatus), in: everywhere},
		{title: p.say(msgRuns), kind: whole, in: inSheet},
		{title: p.say(msgFirstSeen), in: inSheet},
		{title: p.say(msgRule), in: inSheet},
		{title: p.say(msgFlags), in: inSheet},
		{title: p.say(msgBasis), in: inSheet, wrap: true},
		{title: p.say(msgPriceBookColumn), in: inSheet},
		{title: p.say(msgPricing), in: inSheet, wrap: true},
		{title: p.say(msgAdviceID), in: inSheet},
	}}
	var freedAll recommender.Spec
	sized := true // every release tells its storage
	for i, x := range b.r.Audit.Recommendations {
		f := b.f.findings[x.ResourceID]
		res := b.f.resources[x.ResourceID]
		cpu, mem, disk := evidence(f, cloud.CPUPercent), evidence(f, cloud.MemoryPercent), evidence(f, cloud.DiskPercent)
		var gone recommender.Spec
		if saves(x.Action) {
			gone = freed(x)
			freedAll.VCPU += gone.VCPU
			freedAll.MemoryGiB += gone.MemoryGiB
			freedAll.StorageGiB += gone.StorageGiB
			sized = sized && !unsized(x)
		}
		row := []cell{
			count(i + 1), text(clean(x.ResourceID)), orDash(clean(cmp.Or(res.Name, x.Name))),
			b.resource(x.ResourceID, x.Name).link(b.anchor(x.ResourceID)), orDash(clean(res.PrivateIP)), text(name(p, kindNames, x.Kind)),
			text(b.departmentName(b.f.department(x.ResourceID))), orDash(clean(b.f.application(x.ResourceID))),
			orDash(clean(res.Cloud)), orDash(clean(cmp.Or(res.Zone, res.Region))), orDash(clean(x.Current.InstanceType)),
		}
		row = append(row, specCells(p, x.Current, x.Kind)...)
		row = append(row,
			p.percentCell(cpu.Mean), p.percentCell(cpu.P95), p.percentCell(cpu.Max), p.percentCell(cpu.PeakMax),
			p.percentCell(mem.Mean), p.percentCell(mem.P95), p.percentCell(mem.Max), p.percentCell(disk.Max),
			b.dailyNetwork(f), p.covered(f), orDash(verdictOf(p, f)),
			text(p.action(x)).toned(toneOf(x.Action)), orDash(b.sizes(x)),
		)
		if x.Target != nil {
			row = append(row, orDash(clean(x.Target.InstanceType)))
			row = append(row, specCells(p, *x.Target, x.Kind)...)
		} else {
			row = append(row, p.unknown(), p.unknown(), p.unknown(), p.unknown())
		}
		saved := p.unknown()
		if saves(x.Action) {
			row = append(row, count(gone.VCPU), gigabytes(gone.MemoryGiB), p.given(gone.StorageGiB, !unsized(x)))
			saved = p.moneyCell(shown(x), x.SavingKnown)
		} else {
			row = append(row, p.unknown(), p.unknown(), p.unknown())
		}
		grade, harm, status := p.unknown(), p.unknown(), p.unknown()
		if saves(x.Action) {
			grade = orDash(clean(x.Risk.Grade))
			h := 100 * x.Risk.HarmProbability
			harm, status = p.percentCell(&h), b.status(x)
		}
		row = append(row, saved, orDash(clean(x.SavingFrom)), orDash(b.savingNote(x)), grade, harm, status, count(x.ConsecutiveRuns),
			orDash(clean(x.FirstSeen)), orDash(p.rule(x.Rule)), orDash(p.clauses(p.flags(union(f.Flags, x.Flags)))),
			text(p.sentences(b.explain(x))), orDash(clean(x.PriceBook)), orDash(p.pricing(x)), text(clean(x.ID)))
		t.rows = append(t.rows, row)
	}
	if len(t.rows) == 0 {
		return t
	}
	t.total = make([]cell, len(t.columns))
	for i, c := range t.columns {
		switch c.title {
		case p.say(msgSerial):
			t.total[i] = text(p.say(msgTotal))
		case p.say(msgFreedCores):
			t.total[i] = count(freedAll.VCPU)
		case p.say(msgFreedMemory):
			t.total[i] = gigabytes(freedAll.MemoryGiB)
		case p.say(msgFreedStorage):
			t.total[i] = p.given(freedAll.StorageGiB, sized)
		case b.savingColumn():
			t.total[i] = p.moneyCell(b.f.saving, b.f.unpriced == 0 || b.f.saving.Sign() != 0)
		}
	}
	return t
}

// covered is coverageOf as a cell.
func (p prose) covered(f analyzer.Finding) cell {
	c, ok := coverageOf(f)
	if !ok {
		return p.unknown()
	}
	c *= 100
	return p.percentCell(&c)
}

// coverageOf is the coverage of the metrics that a verdict rests on, 0 to 1, if
// it rests on any that were measured.
func coverageOf(f analyzer.Finding) (float64, bool) {
	if !sampled(f) || f.Coverage == nil {
		return 0, false
	}
	return *f.Coverage, true
}

// sampled reports whether anything was measured.
func sampled(f analyzer.Finding) bool {
	return slices.ContainsFunc(f.Evidence, func(e analyzer.Evidence) bool { return e.Samples > 0 })
}

func verdictOf(p prose, f analyzer.Finding) string {
	if f.Verdict == "" {
		return ""
	}
	return name(p, verdictNames, f.Verdict)
}

// specCells are cores, memory and storage; a resource without cores has no
// cores rather than zero of them.
func specCells(p prose, s recommender.Spec, k cloud.Kind) []cell {
	vcpu, memory, storage := p.unknown(), p.unknown(), p.unknown()
	if k == cloud.Instance && s.VCPU > 0 {
		vcpu = count(s.VCPU)
	}
	if k == cloud.Instance && s.MemoryGiB > 0 {
		memory = gigabytes(s.MemoryGiB)
	}
	if k != cloud.EIP && s.StorageGiB > 0 {
		storage = gigabytes(s.StorageGiB)
	}
	return []cell{vcpu, memory, storage}
}

// dailyNetwork is the mean traffic of a day in MB, both directions together;
// unknown where either was not measured.
func (b builder) dailyNetwork(f analyzer.Finding) cell {
	in, out := evidence(f, cloud.NetworkInBPS), evidence(f, cloud.NetworkOutBPS)
	if in.Mean == nil || out.Mean == nil {
		return b.p.unknown()
	}
	const bitsPerByte, secondsPerDay, megabyte = 8, 86400, 1e6
	return gigabytes((*in.Mean + *out.Mean) / bitsPerByte * secondsPerDay / megabyte)
}

// fleet lists every resource with its verdict; it is for sheets.
func (b builder) fleet() table {
	p := b.p
	t := table{id: "fleet", empty: p.say(msgNoResources), columns: []column{
		{title: p.say(msgResourceID)}, {title: p.say(msgName)}, {title: p.say(msgKind)}, {title: p.say(msgCloud)},
		{title: p.say(msgAccount)}, {title: p.say(msgRegion)}, {title: p.say(msgDepartment)}, {title: p.say(msgApplication)},
		{title: p.say(msgState)}, {title: p.say(msgCharge)}, {title: p.say(msgInstanceType)},
		{title: p.say(msgCurrentCores), kind: whole}, {title: p.say(msgCurrentMemory), kind: size}, {title: p.say(msgCurrentStorage), kind: size},
		{title: p.say(msgLight)}, {title: p.say(msgVerdict)}, {title: p.say(msgAction)}, {title: p.say(msgCoverage), kind: percent1},
		{title: p.say(msgCPUMean), kind: percent1}, {title: p.say(msgCPUP95), kind: percent1}, {title: p.say(msgCPUMax), kind: percent1},
		{title: p.say(msgMemoryMean), kind: percent1}, {title: p.say(msgMemoryP95), kind: percent1}, {title: p.say(msgMemoryMax), kind: percent1},
		{title: p.say(msgDiskMax), kind: percent1}, {title: p.say(msgFlags)}, {title: p.say(msgBasis), wrap: true},
	}}
	for i := range t.columns {
		t.columns[i].in = inSheet
	}
	for _, f := range b.r.Audit.Findings {
		res := b.f.resources[f.ResourceID]
		c := colour(f.Verdict)
		action := p.unknown()
		if x, ok := b.f.advice[f.ResourceID]; ok {
			action = text(p.action(x))
		}
		row := []cell{
			text(clean(f.ResourceID)), orDash(clean(res.Name)), text(name(p, kindNames, f.Kind)), orDash(clean(res.Cloud)),
			orDash(clean(res.Account)), orDash(clean(cmp.Or(res.Zone, res.Region))), text(b.departmentName(res.Department)), orDash(clean(res.Application)),
			orDash(name(p.of(f.Kind), statusNames, res.Status)), orDash(name(p, chargeNames, res.ChargeType)), orDash(clean(cmp.Or(res.InstanceType, res.Category))),
		}
		row = append(row, specCells(p, recommender.Spec{VCPU: res.VCPU, MemoryGiB: res.MemoryGiB, StorageGiB: res.StorageGiB}, f.Kind)...)
		cpu, mem, disk := evidence(f, cloud.CPUPercent), evidence(f, cloud.MemoryPercent), evidence(f, cloud.DiskPercent)
		row = append(row,
			text(shapes[c]+" "+name(p, lightNames, c)), text(name(p, verdictNames, f.Verdict)), action, p.covered(f),
			p.percentCell(cpu.Mean), p.percentCell(cpu.P95), p.percentCell(cpu.Max),
			p.percentCell(mem.Mean), p.percentCell(mem.P95), p.percentCell(mem.Max), p.percentCell(disk.Max),
			orDash(p.clauses(p.flags(f.Flags))), text(p.sentences(b.finding(f))),
		)
		t.rows = append(t.rows, row)
	}
	return t
}
