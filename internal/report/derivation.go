package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/pipeline"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// WriteDerivation writes for a terminal how what is said of one resource came
// about, so that a person with a spreadsheet comes to the same; pack is the policy
// that e stands on, and times are shown in loc.
func WriteDerivation(w io.Writer, e pipeline.Explanation, pack policies.Pack, loc *time.Location, lang Lang) error {
	p := prose{lang: lang, loc: loc, pack: pack, kind: e.Resource.Kind}
	t := &page{w: bufio.NewWriter(w)}
	d := derivation{page: t, p: p, e: e, pack: pack, told: map[string]bool{}, b: builder{p: p, r: Weekly{Pack: pack, Audit: audit.Audit{PriceBook: e.PriceBook}}}}
	t.line(spread(p.tell("推导：%s", "Derivation: %s", clean(e.Resource.ID)), p.tell("数据截至 %s", "data as of %s", p.minute(e.AsOf)), textWidth))
	t.line(strings.Repeat("=", textWidth))
	if e.PriceBook.Example {
		t.paragraph("", "*** "+p.say(msgExampleBanner)+" ***")
	}
	d.head()
	type part struct {
		title string
		write func()
	}
	parts := []part{
		{p.tell("结论", "The verdict"), d.verdict},
		{p.tell("读到了什么", "What was read"), d.read},
		{p.tell("判断的步骤", "The steps of judgement"), d.steps},
		{p.tell("规则，自上而下，先中先判", "The rules, from the top: the first that is met decides"), d.rules},
	}
	if len(e.Sizes) > 0 {
		parts = append(parts, part{p.tell("考虑过的规格", "The sizes considered"), d.sizes})
	}
	if e.Recommendation != nil {
		parts = append(parts, part{p.tell("节约的算法", "How the saving is counted"), d.saving})
	}
	if e.Recommendation != nil || e.Stop != nil {
		parts = append(parts, part{p.tell("风险与确认", "Risk, and whether to act"), d.risk})
	}
	if e.Derivation.Finding.Verdict == analyzer.InsufficientData {
		parts = append(parts, part{p.tell("怎样才能下结论", "What would settle it"), d.settle})
	}
	parts = append(parts, part{p.tell("统计量的定义，及电子表格中的算法", "What the statistics mean, and how a spreadsheet counts them"), d.definitions})
	for i, x := range parts {
		t.line("")
		t.line(ordinal(i+1, lang) + x.title)
		t.line(strings.Repeat("-", textWidth))
		x.write()
	}
	return t.w.Flush()
}

// derivation writes one explanation.
type derivation struct {
	*page
	p    prose
	e    pipeline.Explanation
	pack policies.Pack
	b    builder         // for the sentences that reports share
	told map[string]bool // workings told already
}

// labelled writes a line of what and its value; an empty value is left out.
func (d derivation) labelled(label, value string) {
	if value != "" {
		d.paragraph(pad(label, 12, false)+"  ", value)
	}
}

func (d derivation) head() {
	p, r := d.p, d.e.Resource
	kind := name(p, kindNames, r.Kind)
	size := p.size(r.VCPU, r.MemoryGiB, r.StorageGiB)
	if r.Kind == cloud.EIP && r.BandwidthMbps > 0 {
		size = p.value(r.BandwidthMbps, cloud.Mbps, 0)
	}
	d.labelled(p.tell("资源", "Resource"), p.join(nonEmpty(kind, clean(r.Name), size, clean(r.InstanceType), name(p, statusNames, r.Status), name(p, chargeNames, r.ChargeType))))
	d.labelled(p.tell("归属", "Owner"), p.join(nonEmpty(cmp.Or(clean(r.Department), p.say(msgNoDepartment)), clean(r.Application), p.tell("云 %s", "cloud %s", clean(r.Cloud)), p.ifAny("账号 %s", "account %s", r.Account), p.ifAny("区域 %s", "region %s", r.Region))))
	var times []string
	for _, x := range []struct {
		zh, en string
		t      time.Time
	}{{"开通 %s", "created %s", r.CreatedAt}, {"首次见到 %s", "first seen %s", r.FirstSeen}, {"最近见到 %s", "last seen %s", r.LastSeen}, {"变更规格 %s", "resized %s", r.ResizedAt}, {"关机自 %s", "off since %s", r.StoppedSince}, {"卸载于 %s", "detached %s", r.DetachedAt}} {
		if !x.t.IsZero() {
			times = append(times, p.tell(x.zh, x.en, p.minute(x.t)))
		}
	}
	d.labelled(p.tell("时间", "Times"), p.join(times))
	d.labelled(p.tell("策略包", "Policy pack"), p.clauses([]string{clean(d.e.Policy.ID) + " v" + clean(d.e.Policy.Version), "sha256 " + clean(d.e.Policy.SHA256)}))
	d.labelled(p.tell("价目表", "Price book"), clean(d.e.PriceBook.ID)+"@"+clean(d.e.PriceBook.Version))
}

// ifAny is a text about a name, empty without the name.
func (p prose) ifAny(zh, en, name string) string {
	if name == "" {
		return ""
	}
	return p.tell(zh, en, clean(name))
}

func nonEmpty(words ...string) []string {
	return slices.DeleteFunc(words, func(s string) bool { return s == "" })
}

func (d derivation) verdict() {
	p, f := d.p, d.e.Derivation.Finding
	s := p.say(msgVerdictIs, name(p, verdictNames, f.Verdict))
	if f.Rule != "" {
		s += p.parenthesized(p.say(msgByRule, p.rule(f.Rule)))
	}
	d.paragraph("", p.sentences([]string{s, p.tell("依据：%s", "because %s", p.reasons(f.Reasons))}))
	switch x := d.e.Recommendation; {
	case x != nil:
		d.paragraph("", p.sentences([]string{p.tell("建议：%s", "Advice: %s", p.proposed(*x))}))
	case len(d.e.Refused) > 0:
		d.paragraph("", p.sentences([]string{p.tell("规则有处置，但不提建议：%s", "The rule has an action, but nothing is proposed: %s", p.reasons(d.e.Refused))}))
	default:
		d.paragraph("", p.sentences([]string{p.tell("不提建议", "Nothing is proposed")}))
	}
	if x := d.e.Stop; x != nil {
		d.paragraph("", p.sentences([]string{p.tell("另建议定时停机", "Hours of rest are proposed, too"), d.b.savingSentence(*x)}))
	}
	for _, flag := range f.Flags {
		d.paragraph("  * ", p.sentences([]string{name(p, flagNames, flag) + p.tell("：", ": ") + p.flagMeaning(flag)}))
	}
	for _, r := range f.Notes {
		d.paragraph("  * ", p.sentences([]string{p.reason(r)}))
	}
	if x := d.e.Stored; x != nil {
		said := p.say(msgVerdictIs, name(p, verdictNames, x.Verdict))
		if x.Rule != "" {
			said += p.parenthesized(p.rule(x.Rule))
		}
		same := p.tell("与上面相同", "the same as above")
		switch {
		case x.Verdict == f.Verdict && x.Rule == f.Rule:
		case x.Policy.SHA256 != d.e.Policy.SHA256:
			same = p.tell("与上面不同：当时用的是另一个策略文本，%s v%s", "not the same as above: it stood on another policy text, %s v%s", clean(x.Policy.ID), clean(x.Policy.Version))
		default:
			same = p.tell("与上面不同：其间数据有变，用 --now %s 回到当时", "not the same as above: the data have changed since; --now %s goes back to it", x.AsOf.In(p.loc).Format(time.RFC3339))
		}
		d.paragraph("", p.sentences([]string{p.clauses([]string{p.tell("最近保存的审计（%s）%s", "The latest audit stored (%s): %s", p.minute(x.AsOf), said), same})}))
	}
}

func (d derivation) read() {
	p, r := d.p, d.e.Read
	if d.e.Resource.Kind != cloud.Instance {
		d.paragraph("", p.sentences([]string{p.tell("此类资源不测量利用率，只看清单中的事实", "Resources of this kind are not measured: only facts of the inventory count")}))
		return
	}
	span := func(w cloud.Window) string { return p.minute(w.From) + p.tell(" 至 ", " to ") + p.minute(w.To) }
	d.labelled(p.tell("窗口", "Window"), span(r.Window)+p.parenthesized(p.duration(r.Window.Duration())))
	if f := d.e.Derivation.Finding; !f.Window.From.Equal(r.Window.From) {
		d.labelled(p.tell("其中计入", "Of it counts"), span(f.Window)+p.parenthesized(p.duration(f.Window.Duration())))
	}
	d.labelled(p.tell("采样间隔", "Spacing"), p.tell("%s 秒", "%s s", trim(r.Step, 0)))
	d.labelled(p.tell("峰值保护", "Peak guard"), span(r.Peaks))
	for _, x := range r.Excluded {
		why := p.tell("关机期间，按清单所见", "powered off, as inventories saw it")
		if x.Why == pipeline.ExcludedResized {
			why = p.tell("规格变更之前，是另一台机器的历史", "before its size changed: the history of another machine")
		}
		d.labelled(p.tell("不计入", "Excluded"), p.clauses([]string{span(x.Window) + p.parenthesized(p.duration(x.Window.Duration())), why}))
	}
	d.line("")
	t := table{columns: []column{{title: p.tell("指标", "Metric"), in: inText}}}
	for _, title := range []string{
		p.tell("样本", "Samples"), p.tell("应有", "Expected"), p.say(msgCoverage), p.say(msgStatMean), "P50", "P95", "P99", p.say(msgStatMax), p.say(msgStatPeakMax), p.tell("可用", "Usable"),
	} {
		t.columns = append(t.columns, column{title: title, kind: size, in: inText})
	}
	for _, m := range d.e.Derivation.Measured {
		number := func(v *float64) cell {
			if v == nil {
				return p.unknown()
			}
			return text(p.value(*v, m.Unit, 2))
		}
		coverage := p.unknown()
		if m.Coverage != nil {
			coverage = text(fixed(100**m.Coverage, 2) + "%")
		}
		usable := p.tell("是", "yes")
		if !m.Usable {
			usable = p.tell("否", "no")
		}
		t.rows = append(t.rows, []cell{
			text(name(p, metricNames, m.Metric)), count(m.Samples), count(m.Expected), coverage, number(m.Mean), number(m.P50), number(m.P95), number(m.P99), number(m.Max), number(m.PeakMax), text(usable),
		})
	}
	d.table(t, p)
	for _, m := range d.e.Derivation.Measured {
		if m.Why != nil {
			d.paragraph("  * ", p.sentences([]string{name(p, metricNames, m.Metric) + p.tell("不可用：", " cannot be used: ") + p.reason(*m.Why)}))
		}
		if m.Extra > 0 {
			d.paragraph("  * ", p.sentences([]string{p.tell("%s有 %d 个样本比应有的更密，计入统计，不计入覆盖率", "%s has %d sample(s) between those expected: they count in the statistics, not in the coverage", name(p, metricNames, m.Metric), m.Extra)}))
		}
	}
	d.gaps()
}

// gaps names the longest gaps, those of several metrics together.
func (d derivation) gaps() {
	const most = 8
	p := d.p
	metrics := map[cloud.Window][]string{}
	var spans []cloud.Window
	for _, g := range d.e.Read.Gaps {
		if g.Duration() == d.e.Read.Window.Duration() { // of a metric without samples the table tells
			continue
		}
		if metrics[g.Window] == nil {
			spans = append(spans, g.Window)
		}
		metrics[g.Window] = append(metrics[g.Window], name(p, metricNames, g.Metric))
	}
	if len(spans) == 0 {
		d.paragraph("", p.sentences([]string{p.tell("没有缺口：相邻样本相隔都不超过两个采样间隔", "No gaps: neighbouring samples are never more than two spacings apart")}))
		return
	}
	slices.SortStableFunc(spans, func(a, b cloud.Window) int { return cmp.Compare(b.Duration(), a.Duration()) })
	d.line(p.tell("缺口（相邻样本相隔超过两个采样间隔）%d 处，最长的：", "%d gap(s), where neighbouring samples are more than two spacings apart; the longest:", len(spans)))
	for _, w := range spans[:min(most, len(spans))] {
		which := p.join(metrics[w])
		if len(metrics[w]) == len(d.e.Derivation.Measured) {
			which = p.tell("全部指标", "every metric")
		}
		d.paragraph("  ", p.minute(w.From)+p.tell(" 至 ", " to ")+p.minute(w.To)+p.parenthesized(p.duration(w.Duration()))+p.tell("：", ": ")+which)
	}
}

func (d derivation) steps() {
	p := d.p
	for i, s := range d.e.Derivation.Steps {
		mark := p.tell("通过", "passed")
		if s.Ended {
			mark = p.tell("到此为止", "ends here")
		}
		line := p.step(s.Step, d.pack)
		if len(s.Reasons) > 0 && s.Step != analyzer.StepApply {
			line = p.clauses([]string{line, p.reasons(s.Reasons)})
		}
		d.paragraph(fmt.Sprintf("%2d. %s  ", i+1, pad(mark, 9, false)), p.sentences([]string{line}))
	}
}

// step says what a step of judgement asks.
func (p prose) step(step string, pack policies.Pack) string {
	switch step {
	case analyzer.StepListing:
		return p.tell("资源所在的清单读全了", "the listing that holds the resource was read to the end")
	case analyzer.StepKind:
		return p.tell("策略包有针对此类资源的规则", "the pack has rules for such resources")
	case analyzer.StepAttached:
		return p.tell("确知没有挂载或绑定", "it is known to be attached to nothing")
	case analyzer.StepAge:
		return p.tell("开通已满 %s，或开通时间未知", "it is at least %s old, or nobody knows", p.duration(pack.MinAge))
	case analyzer.StepPower:
		return p.tell("没有关机；关机的只看关机时长的规则", "it is not powered off: if it is, only rules on for how long count")
	case analyzer.StepSamples:
		return p.tell("CPU 的有效时长至少 %s，覆盖率至少 %s", "CPU has a history of at least %s and a coverage of at least %s", p.duration(pack.MinHistory), p.limit(pack.MinCoverage, cloud.Ratio))
	case analyzer.StepSeason:
		return p.tell("规则判为浪费的，要看过它的季节才算数", "what the rules found wasteful counts only if its season was watched")
	default:
		return p.tell("逐条试规则，见下", "the rules are tried one by one, as below")
	}
}

func (d derivation) sizes() {
	p := d.p
	now := d.e.Quote
	t := table{columns: []column{
		{title: p.tell("规格", "Size"), in: inText, width: 28}, {title: p.tell("年价 %s", "A year %s", now.Annual.Currency()), kind: money, in: inText},
		{title: p.tell("年节约", "Saves a year"), kind: money, in: inText}, {title: p.tell("结果", "Outcome"), in: inText, wrap: true, width: 10}, {title: p.tell("按新规格折算", "Projected"), in: inText, wrap: true, width: 40},
	}}
	left := map[string]int{}
	var chosen, others [][]cell
	for _, s := range d.e.Sizes {
		if s.Unfit == recommender.UnfitDimension || s.Unfit == recommender.UnfitFloor || s.Unfit == recommender.UnfitStep {
			left[s.Unfit]++
			continue
		}
		spec := p.spec(s.VCPU, s.MemoryGiB, 0)
		if s.VCPU == d.e.Resource.VCPU && s.MemoryGiB == d.e.Resource.MemoryGiB {
			spec = p.spec(0, 0, s.StorageGiB)
		}
		var checks []string
		for _, k := range s.Checks {
			checks = append(checks, d.check(k, s.Spec))
		}
		row := []cell{{text: spec, sub: s.InstanceType}, p.moneyCell(s.Annual, s.Priced), p.moneyCell(s.Saving, s.Priced), text(p.unfit(s.Unfit)), orDash(p.clauses(checks))}
		if x := d.e.Recommendation; x != nil && x.Target != nil && *x.Target == s.Spec {
			row[3] = text(p.tell("选中", "chosen"))
			chosen = append(chosen, row)
			continue
		}
		others = append(others, row)
	}
	const most = 16 // the first, which the choice went by
	hidden := max(0, len(others)-most)
	t.rows = append(chosen, others[:len(others)-hidden]...)
	t.empty = p.tell("没有一个在许可的范围内", "None is within what the policy allows")
	d.table(t, p)
	if hidden > 0 {
		d.paragraph("  * ", p.sentences([]string{p.tell("另有 %d 个规格，全部见 --format json", "%d more, all of them in --format json", hidden)}))
	}
	for _, code := range recommender.UnfitCodes() {
		if n := left[code]; n > 0 {
			d.paragraph("  * ", p.sentences([]string{p.tell("另有 %d 个规格：%s", "%d more: %s", n, p.unfit(code))}))
		}
	}
	said := []string{p.tell("折算：利用率 × 现规格 / 新规格", "projected: utilization × present size / new size")}
	if rule, _ := d.pack.Rule(d.e.Derivation.Finding.Rule); rule.Action == string(recommender.Downsize) {
		z := d.pack.Sizing
		said = append(said,
			p.tell("只看变小的维度，一次最多降到 1/%s，下限 %d 核 %sGB", "only of the dimensions that shrink, at most divided by %s a round, and no less than %d vCPU and %s GB", trim(z.MaxStep, 2), z.MinVCPU, trim(z.MinMemoryGiB, 2)),
			p.tell("合格的之中，先本系列，再按价低者；高可用组须一致，风险须在许可之内", "of those that fit: the own family first, then the cheapest; peers of a group alike, and within the risk allowed"))
	} else {
		said = append(said, p.tell("取紧张的维度上合格的最小规格，先本系列", "the smallest size that fits in the tight dimension, the own family first"))
	}
	d.paragraph("", p.sentences(said))
}

// check is one projection: CPU P95 9.3% × 16/8 = 18.6% ≤ 60%.
func (d derivation) check(k recommender.Check, s recommender.Spec) string {
	p, r := d.p, d.e.Resource
	what := p.subject(analyzer.Reason{Metric: k.Metric, Statistic: k.Statistic})
	if k.Value == nil {
		return p.tell("%s未知，不合格", "%s unknown: does not fit", what)
	}
	sizes := map[cloud.Metric][2]float64{
		cloud.CPUPercent: {float64(r.VCPU), float64(s.VCPU)}, cloud.MemoryPercent: {r.MemoryGiB, s.MemoryGiB}, cloud.DiskPercent: {r.StorageGiB, s.StorageGiB},
	}[k.Metric]
	holds := ""
	if !k.Holds {
		holds = p.parenthesized(p.tell("不满足", "not met"))
	}
	return p.adjoin(what, exact(p, *k.Value, k.Unit)+" × "+trim(sizes[0], 2)+"/"+trim(sizes[1], 2)+" = "+exact(p, *k.Projected, k.Unit)+" "+symbols[k.Op]+" "+p.limit(k.Limit, k.Unit)) + holds
}

func (p prose) unfit(code string) string {
	switch code {
	case "":
		return p.tell("合格", "fits")
	case recommender.UnfitDimension:
		return p.tell("改动了规则不涉及的维度，或未知的内存", "changes a dimension that the rule does not touch, or memory unseen")
	case recommender.UnfitFloor:
		return p.tell("低于策略的规格下限", "below the policy's least size")
	case recommender.UnfitStep:
		return p.tell("一次降得太多", "further than one step")
	case recommender.UnfitLimit:
		return p.tell("超出限值", "over a limit")
	case recommender.UnfitCensored:
		return p.tell("CPU实际需求高于所见，不缩减", "more CPU was wanted than was seen: not made smaller")
	case recommender.UnfitCost:
		return p.tell("不省钱", "saves nothing")
	default:
		return clean(code)
	}
}

func (d derivation) saving() {
	p, x := d.p, *d.e.Recommendation
	if x.Pricing != nil {
		d.lines(p.tell("现规格", "As it stands"), x.Pricing.Current)
		if x.Target != nil {
			d.lines(p.tell("新规格", "As proposed"), x.Pricing.Target)
		}
		now, then := annual(x.Pricing.Current), annual(x.Pricing.Target)
		d.paragraph("", p.tell("%s − %s = %s，四舍五入到分，即每年节约 %s", "%s − %s = %s, rounded to the fen: %s saved a year", group(plain2(now)), group(plain2(then)), group(plain2(now.Sub(then))), p.yuan(x.AnnualSaving)))
	}
	d.paragraph("", p.sentences([]string{d.b.savingSentence(x)}))
}

func (d derivation) lines(title string, list []price.Line) {
	p := d.p
	d.line(title)
	for _, l := range list { // in the currency of the price book, as the total below
		of := name(p, pricedNames, l.What)
		if l.Of != "" {
			of += " " + clean(l.Of)
		}
		each := l.Quantity.Mul(l.UnitPrice).Mul(l.Discount)
		times := ""
		if !each.IsZero() {
			times = " × " + l.Annual.Decimal().DivRound(each, 6).String()
		}
		d.paragraph("  ", p.tell("%s：%s × 单价 %s/%s × 折扣 %s%s = 每年 %s（价目 %s）", "%s: %s × %s a %s × discount %s%s = %s a year (item %s)",
			of, l.Quantity.String(), l.UnitPrice.String(), name(p, periodNames, l.Per), l.Discount.String(), times, group(plain2(l.Annual.Decimal())), clean(l.Item)))
	}
}

func annual(lines []price.Line) decimal.Decimal {
	sum := decimal.Zero
	for _, l := range lines {
		sum = sum.Add(l.Annual.Decimal())
	}
	return sum
}

// plain2 writes an exact amount with two decimals at least, and all that it has.
func plain2(v decimal.Decimal) string {
	if v.Exponent() >= -2 {
		return v.StringFixed(2)
	}
	return v.String()
}

func (d derivation) settle() {
	p := d.p
	if len(d.e.Remedies) == 0 {
		d.line(p.tell("不知道有什么办法", "Nothing is known that would"))
	}
	for _, r := range d.e.Remedies {
		d.paragraph("  * ", p.sentences([]string{p.remedy(r)}))
	}
	switch q := d.e.Quote; {
	case len(d.e.ReleaseRules) == 0:
		d.paragraph("", p.sentences([]string{p.tell("策略包没有释放此类资源的规则，证实闲置也不会提出建议", "The pack has no rule that releases such resources: nothing would be proposed if it were idle")}))
	case !q.Known():
		d.paragraph("", p.sentences([]string{p.tell("值多少：若证实闲置并释放，每年的节约未知，价目表缺 %s", "What it is worth: if it were known to be idle and were released, the saving is unknown, for the price book lacks %s", clean(strings.Join(q.Missing, ", ")))}))
	default:
		d.paragraph("", p.sentences([]string{p.tell("值多少：若证实闲置并释放，每年节约 %s", "What it is worth: if it were known to be idle and were released, %s a year", p.yuan(q.Annual.Round())) + d.b.exampleMark()}))
	}
}
