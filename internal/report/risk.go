package report

import (
	"math"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

// What the risk budget of a policy covers, and how the risk of one advice came about.

// budgetPromise says what a budget promises, and what it does not.
func (p prose) budgetPromise(g policies.Risk) string {
	few := int(math.Ceil(recommender.HarmAllowed(0, 0)/g.Budget - 1e-9))
	return p.tell("CPU、内存降配与云主机释放全部照办时，受损上限之和不超过云主机的 %s，不足 %d 台时至少允许 %s 台；存储、云盘、地址与定时停机的风险另计，不在预算内",
		"if all smaller CPUs and memories and all releases of instances are followed, the upper bounds of harm add up to at most %s of the instances, and to %[3]s of an instance where there are fewer than %[2]d; storage, disks, addresses and stops have risks of their own, outside the budget",
		p.limit(g.Budget, cloud.Ratio), few, trim(recommender.HarmAllowed(0, 0), 1))
}

// budgetOf says how much of the budget an audit's advice takes, and what is not counted.
func (p prose) budgetOf(a audit.Audit, stops int, g policies.Risk) string {
	instances, covered, sum := 0, 0, 0.0
	for _, f := range a.Findings {
		if f.Kind == cloud.Instance {
			instances++
		}
	}
	shrinks, releases := 0, 0
	for _, x := range a.Recommendations {
		switch {
		case x.Budgeted():
			covered++
			sum += x.Risk.HarmProbability
		case x.Action == recommender.Downsize:
			shrinks++
		case x.Action == recommender.Release:
			releases++
		}
	}
	return p.sentences([]string{
		p.tell("受损上限合计 %s 台，许可 %s 台（云主机 %d 台），来自 %d 条降配与释放", "Upper bounds of harm add up to %s of %s instance(s) allowed (%d instance(s) in all), by %d piece(s) of advice",
			fixed(sum, 2), fixed(recommender.HarmAllowed(g.Budget, instances), 2), instances, covered),
		p.tell("不计入：存储缩容 %d 条，云盘与地址释放 %d 条，定时停机 %d 条", "Not counted: smaller storage %d, releases of disks and addresses %d, stops by schedule %d", shrinks, releases, stops),
		p.budgetPromise(g),
	})
}

// risk tells that of each piece of advice apart.
func (d derivation) risk() {
	p := d.p
	x, stop := d.e.Recommendation, d.e.Stop
	both := x != nil && stop != nil
	if x != nil {
		if both {
			d.line(p.proposed(*x))
		}
		d.riskOf(*x)
	}
	if stop != nil {
		if both {
			d.line("")
			d.line(p.action(*stop) + p.parenthesized(p.spans(stop.Schedule)))
		}
		d.riskOfStop(*stop)
	}
}

// riskOf says what the risk of a recommendation stands on.
func (d derivation) riskOf(x recommender.Recommendation) {
	p, r := d.p, x.Risk
	if !saves(x.Action) {
		d.paragraph("", p.sentences([]string{p.tell("风险 —：扩容只增加资源，没有被拿走而可能仍需要的东西，不估概率、不评等级", "Risk —: an upsize takes nothing away that could be missed, so there is no probability and no grade")}))
		return
	}
	d.paragraph("", p.sentences([]string{d.b.riskSentence(r)}))
	said := []string{p.tell("概率上限 %s：以下各项相加，再向上进位到万分位", "The upper bound is %s: the parts below are added, then rounded up to four decimals", p.value(r.HarmProbability, cloud.Ratio, 2))}
	if len(r.Parts) == 0 {
		n, of := recommender.PriorWoke()
		said = []string{p.tell("概率上限 %s：内置先验，%s，再向上进位到万分位", "The upper bound is %s: the built-in prior, %s, then rounded up to four decimals",
			p.value(r.HarmProbability, cloud.Ratio, 2), p.bound(n, of, p.tell("看似闲置的云主机 %d 台，后来醒来 %d 台", "of %d machines that looked idle, %d woke", of, n)))}
	}
	said = append(said, d.grades())
	learned := false
	for _, w := range r.Parts {
		learned = learned || !w.Prior()
	}
	if learned {
		said = append(said, p.tell("这一概率由参加比较的 %d 台云主机的历史得出，单凭这一个资源的样本不能复算", "it is told from the history of the %d instance(s) compared, and cannot be counted again from the samples of this one alone", d.e.Compared))
	}
	if g := d.pack.Risk; learned && g.Horizon > 0 {
		said = append(said, p.tell("指此后 %s 之内，由过去至多 %s 学得", "it is for the %s to come, and learned from at most the past %s", p.duration(g.Horizon), p.duration(g.Past)))
	}
	switch share := p.limit(recommender.HarmShare, cloud.Ratio); {
	case !x.Budgeted():
	case x.Action == recommender.Release:
		said = append(said, p.tell("受损指此后超过 %s 的时间需要多于五分之一的 CPU", "Harm: for over %s of the time to come more than a fifth of the CPU is needed", share))
	default:
		said = append(said, p.tell("受损指此后超过 %s 的时间需要多于新规格", "Harm: for over %s of the time to come more than the new size is needed", share))
	}
	d.paragraph("", p.sentences(said))
	prior := false
	for _, w := range r.Parts {
		prior = prior || w.Tallied != nil
		d.paragraph("  * ", p.part(w, x.Action))
	}
	if prior {
		d.paragraph("", p.sentences([]string{p.tell("内置先验数自一份公开记录：前 15 天看余量，后 15 天看是否不够用；没有用到本云的历史", "The built-in prior was counted on a public trace: margins over the first 15 days, and what came in the next 15; nothing of this fleet's past is in it")}))
	}
	d.budget(x)
	d.paragraph("", p.sentences([]string{d.b.confirmSentence(x)}))
}

// part is one summand of a probability, with its formula.
func (p prose) part(w recommender.Working, action recommender.Action) string {
	unit := cloud.Cores
	if w.Metric != cloud.CPUPercent {
		unit = cloud.GiB
	}
	of := name(p, metricNames, w.Metric) + " " + p.value(w.Size, unit, 1)
	if action == recommender.Release {
		of += p.parenthesized(p.tell("现有核数的五分之一，超过即醒来", "a fifth of its cores: more is waking up"))
	}
	of += p.tell("：", ": ")
	switch t := w.Tallied; {
	case !w.Prior():
		return of + p.tell("w + (1 − w) ÷ (1 + e^−(β·x + 1.645σ))，其中醒来的可能 w = %s，β·x = %.3f，σ = %.3f，得 %s", "w + (1 − w) ÷ (1 + e^−(β·x + 1.645σ)), of waking w = %s, β·x = %.3f, σ = %.3f, makes %s",
			p.value(*w.Waking, cloud.Ratio, 3), *w.LogOdds, *w.Deviation, p.value(w.Probability, cloud.Ratio, 3))
	case t == nil:
		return of + p.tell("这一项没有测量，按必然不够用计", "nothing of it was measured: taken as sure to be too small")
	case action == recommender.Release:
		return of + p.tell("先验，%s", "prior, %s", p.bound(t.Exceeded, t.Compared, p.tell("看似闲置的 %d 台中后来醒来 %d 台", "of %d that looked idle, %d woke", t.Compared, t.Exceeded)))
	case t.AtLeast == 0:
		return of + p.tell("先验，新规格只有日 P98 最高值 %s 的 %s 倍，按必然不够用计", "prior, the new size is %[2]s times the highest daily P98 of %[1]s: taken as sure to be too small", p.value(t.HighestP98, cloud.Percent, 2), trim(t.Margin, 3))
	default:
		return of + p.tell("先验，新规格是日 P98 最高值 %s 的 %s 倍，取表中不小于 %s 倍的一行，%s", "prior, the new size is %[2]s times the highest daily P98 of %[1]s; by the row from %[3]s times on, %[4]s",
			p.value(t.HighestP98, cloud.Percent, 2), trim(t.Margin, 3), trim(t.AtLeast, 2), p.bound(t.Exceeded, t.Compared, p.tell("%d 台中后来不够用 %d 台", "of %d, %d came to need more", t.Compared, t.Exceeded)))
	}
}

// bound is the one-sided upper bound of what was counted, as a spreadsheet has it.
func (p prose) bound(n, of int, counted string) string {
	return p.tell("%s，单侧 95%% 上限 =BETA.INV(0.95,%d,%d) 即 %s", "%s, upper bound with 95 %% confidence =BETA.INV(0.95,%d,%d), %s", counted, n+1, of-n, p.value(recommender.UpperBound(n, of), cloud.Ratio, 3))
}

// grades says where the grades of the policy begin.
func (d derivation) grades() string {
	p, g := d.p, d.pack.Risk
	return p.tell("等级的界限：A ≤ %s，B ≤ %s，C ≤ %s，再高为 D；凭先验的不优于 C", "grades: A ≤ %s, B ≤ %s, C ≤ %s, above that D; by the prior no better than C", p.limit(g.A, cloud.Ratio), p.limit(g.B, cloud.Ratio), p.limit(g.C, cloud.Ratio))
}

// budget says whether advice counts in the policy's risk budget.
func (d derivation) budget(x recommender.Recommendation) {
	p, g := d.p, d.pack.Risk
	switch {
	case g.Budget == 0:
	case x.Budgeted():
		d.paragraph("", p.sentences([]string{p.tell("计入策略的风险预算：%s", "It counts in the policy's risk budget: %s", p.budgetPromise(g))}))
	default:
		d.paragraph("", p.sentences([]string{p.tell("这条建议不在策略的风险预算内：预算只管 CPU、内存降配与云主机释放，存储、云盘、地址与定时停机的风险另计", "This advice is not part of the policy's risk budget, which covers smaller CPUs and memories and releases of instances: storage, disks, addresses and stops have risks of their own")}))
	}
}

// riskOfStop derives the risk of hours of rest.
func (d derivation) riskOfStop(x recommender.Recommendation) {
	p, r := d.p, x.Risk
	d.paragraph("", p.sentences([]string{p.reasons(x.Reasons)}))
	d.paragraph("", p.sentences([]string{d.b.stopRisk(r)}))
	how := p.tell("各主机前一半的周得出停机时段，后一半的周检验：%s", "the first half of each machine's weeks gave the hours, the second half tried them: %s",
		p.bound(r.Exceeded, r.Compared, p.tell("%d 个主机周中醒来 %d 个", "of %d machine-weeks, %d were awake", r.Compared, r.Exceeded)))
	if r.Prior {
		n, of := recommender.PriorNights()
		how = p.tell("本云检验过的不多于 %d 个主机周，用内置先验：%s", "this fleet has tried no more than %d machine-weeks, so the built-in prior stands for it: %s",
			of, p.bound(n, of, p.tell("公开记录的 %d 个主机周中醒来 %d 个", "of %d machine-weeks of a public trace, %d were awake", of, n)))
	}
	d.paragraph("", p.sentences([]string{how, p.tell("再向上进位到万分位", "Then rounded up to four decimals"), d.grades()}))
	d.budget(x)
	d.paragraph("", p.sentences([]string{d.b.confirmSentence(x)}))
}
