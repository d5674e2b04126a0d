package report

import (
	"fmt"
	"slices"
	"strings"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
)

// symbols are the comparisons as people write them.
var symbols = map[string]string{"<": "<", "<=": "≤", ">": ">", ">=": "≥"}

// SampleColumns are the columns of a file of samples after timestamp and date, in
// the order in which formulas name them.
func SampleColumns() []cloud.Metric { return cloud.Metrics() }

// columnOf is the letter of a metric's column in a file of samples.
func columnOf(m cloud.Metric) string {
	for i, x := range SampleColumns() {
		if x == m {
			return string(rune('C' + i))
		}
	}
	return "?"
}

// exact writes a number with all the decimals that matter.
func exact(p prose, v float64, u cloud.Unit) string {
	switch u {
	case cloud.Percent:
		return trim(v, 6) + "%"
	case cloud.Ratio:
		return trim(v, 6)
	case cloud.BytesPerDay:
		return group(trim(v, 2)) + " B" + p.say(msgPerDay)
	case cloud.BitsPerSecond, cloud.BytesPerSec:
		return group(trim(v, 4)) + " " + string(u)
	case cloud.Days:
		return p.say(msgDays, trim(v, 4))
	default:
		return p.value(v, u, 4)
	}
}

// rules tells of every rule how it fares, condition by condition.
func (d derivation) rules() {
	p := d.p
	if len(d.e.Derivation.Rules) == 0 {
		d.line(p.tell("没有", "None"))
	}
	for i, r := range d.e.Derivation.Rules {
		if i > 0 {
			d.line("")
		}
		would := name(p, verdictNames, r.Verdict)
		if r.Action != "" {
			would += p.tell("，", ", ") + name(p, actionWords, r.Action)
		}
		how := p.outcome(r.Outcome)
		if r.Outcome == analyzer.NotMet && !slices.ContainsFunc(r.Conditions, func(c analyzer.ConditionTrial) bool { return c.Outcome == analyzer.NotMet }) {
			how = p.tell("没有一个测得的条件支持它，作不满足论", "no condition that was measured speaks for it: taken as not met")
		}
		switch {
		case r.Decided:
			how = p.tell("满足，由它判定", "met: it gives the verdict")
		case !r.Reached:
			how = p.tell("没有轮到；若轮到：%s", "not reached; if it were: %s", how)
		case r.Vetoed:
			how = p.tell("只差峰值保护这一条：%s", "but for the peak guard: %s", how)
		}
		d.paragraph(fmt.Sprintf("%2d. ", i+1), p.rule(r.Rule)+p.parenthesized(r.Rule)+" → "+would+p.tell("：", ": ")+how)
		for _, c := range r.Conditions {
			d.condition(c, r.Reached)
		}
	}
}

// actionWords are the names of actions by the words of a policy.
var actionWords = map[string]msg{"release": msgActionRelease, "downsize": msgActionDownsize, "upsize": msgActionUpsize}

func (p prose) outcome(o analyzer.Outcome) string {
	switch o {
	case analyzer.Met:
		return p.tell("满足", "met")
	case analyzer.NotMet:
		return p.tell("不满足", "not met")
	default:
		return p.tell("未知", "unknown")
	}
}

func (d derivation) condition(c analyzer.ConditionTrial, worked bool) {
	p := d.p
	asks := c.Text.ZH
	if p.lang == EN {
		asks = c.Text.EN
	}
	mark := "    " + pad(p.outcome(c.Outcome), 8, false)
	compared := ""
	switch {
	case c.Missing != nil:
		compared = p.reason(*c.Missing)
	case c.Value == nil:
		compared = p.say(msgNotOff)
	default:
		compared = exact(p, *c.Value, c.Unit) + " " + symbols[c.Op] + " " + exact(p, c.Limit, c.Unit) + p.tell("：", ": ") + p.outcome(c.Outcome)
	}
	d.paragraph(mark, asks+p.tell("；", "; ")+compared)
	if c.Working != nil && worked {
		lines := p.working(c)
		if said := strings.Join(lines, "\n"); d.told[said] {
			lines = []string{p.tell("算法同上", "counted as above")}
		} else {
			d.told[said] = true
		}
		for _, s := range lines {
			d.paragraph(strings.Repeat(" ", 14), s)
		}
	}
}

// working says how the value of a condition was counted, and what formula of a
// spreadsheet over the file of samples does the same.
func (p prose) working(c analyzer.ConditionTrial) []string {
	w := c.Working
	own := c.Metric.Unit()
	if len(policies.Parts(c.Metric)) > 0 {
		own = policies.Parts(c.Metric)[0].Unit()
	}
	number := func(v float64) string { return exact(p, v, own) }
	q, percentile := policies.Quantile(c.Statistic)
	each := make([]string, 0, 2) // the columns of the metrics summed
	for _, m := range policies.Parts(c.Metric) {
		each = append(each, columnOf(m))
	}
	apply := func(f string) string { // f of every column, added up
		parts := make([]string, len(each))
		for i, col := range each {
			parts[i] = strings.ReplaceAll(f, "#", col+":"+col)
		}
		return strings.Join(parts, "+")
	}
	factor := ""
	if w.Factor != nil {
		factor = "*" + trim(*w.Factor, 6)
	}
	var out []string
	switch {
	case percentile:
		out = append(out, p.tell("%d 个样本由小到大，名次 %s × (%d − 1) = %s（从 0 数），其下为 %s，其上为 %s，按小数部分内插", "%d sample(s) in ascending order; rank %s × (%d − 1) = %s, counted from 0, below it %s, above it %s, interpolated by its fraction",
			w.Samples, trim(q, 4), w.Samples, trim(*w.Rank, 4), number(*w.Lower), number(*w.Upper)),
			"=PERCENTILE.INC("+apply("#")+","+trim(q, 4)+")"+factor)
	case w.Nth > 0:
		order, f := p.tell("由小到大", "from the least"), "SMALL"
		if w.GreatestFirst {
			order, f = p.tell("由大到小", "from the greatest"), "LARGE"
		}
		out = append(out, p.tell("%d 天%s，第 %d 个", "of %d day(s) %s, number %d", len(w.Days), order, w.Nth)+p.tell("：", ": ")+p.dayValues(w.Days, c.Unit),
			p.tell("每天 %s，再 =%s(各天,%d)", "each day %s, then =%s(days,%d)", p.daily(c, apply, factor), f, w.Nth))
	case w.Met != nil && c.Statistic == "sample":
		out = append(out, p.tell("%d 个样本中 %d 个合乎比较", "of %d sample(s), those that keep the comparison are %d", *w.Of, *w.Met), "=COUNTIF("+apply("#")+`,"`+w.SampleOp+trim(*w.SampleLimit, 6)+`")/COUNT(`+apply("#")+")")
	case w.Met != nil:
		out = append(out, p.tell("%d 天中 %d 天合乎全部比较（标 *）：%s", "of %d day(s), those that keep every comparison (*) are %d: %s", *w.Of, *w.Met, p.dayValues(w.Days, dayUnit(c, own))), p.tell("每天 %s，再数合乎的天数", "each day %s, then count the days that keep it", p.daily(c, apply, factor)))
	case w.Window != nil:
		guarded := p.tell("更早的历史没有记录", "no earlier history is known")
		if w.Guarded != nil {
			guarded = p.tell("自 %s 起的历史最高 %s", "the highest of the history since %s is %s", p.date(w.Since), number(*w.Guarded))
		}
		out = append(out, p.tell("窗口内最高 %s，%s，取较大者；窗口之前的样本不在样本文件中", "the highest of the window is %s, %s: the greater counts; samples before the window are not in the file", number(*w.Window), guarded))
	case w.Slope != nil:
		out = append(out, p.tell("各天均值对窗口开始以来的天数（取正午）作最小二乘直线：%s + %s × %s；各天：%s", "the least-squares line through the daily means, at noon, over days since the window began: %s + %s × %s; days: %s", trim(*w.Start, 6), trim(*w.Slope, 6), trim(*w.At, 4), p.dayValues(w.Days, own)),
			p.tell("=FORECAST.LINEAR(%s,各天均值,各天)", "=FORECAST.LINEAR(%s,means,days)", trim(*w.At, 4)))
	case w.Days != nil:
		f := "MAX"
		if c.Statistic == "mean_of_day_maxima" {
			f = "AVERAGE"
		}
		out = append(out, p.dayValues(w.Days, dayUnit(c, own)), p.tell("每天 %s，再 =%s(各天)", "each day %s, then =%s(days)", p.daily(c, apply, factor), f))
	case c.Statistic == "mean":
		out = append(out, p.tell("%d 个样本的和除以个数", "the sum of %d sample(s) by their number", w.Samples)+p.parts(w.Parts), "="+paren(apply("AVERAGE(#)"), factor)+factor)
	case c.Statistic == "max":
		out = append(out, p.tell("%d 个样本中最大的", "the greatest of %d sample(s)", w.Samples), "="+apply("MAX(#)")+factor)
	}
	return out
}

// paren sets a sum in parentheses where it is multiplied.
func paren(sum, factor string) string {
	if factor != "" && strings.Contains(sum, "+") {
		return "(" + sum + ")"
	}
	return sum
}

func (p prose) parts(list []analyzer.Part) string {
	var words []string
	for _, x := range list {
		words = append(words, p.adjoin(name(p, metricNames, x.Metric), exact(p, x.Value, x.Metric.Unit())))
	}
	if len(words) == 0 {
		return ""
	}
	return p.tell("，相加：", ", added up: ") + p.join(words)
}

// daily is the formula of one day's value; date stands for the day.
func (p prose) daily(c analyzer.ConditionTrial, apply func(string) string, factor string) string {
	f := "AVERAGEIFS(#,B:B," + p.tell("日期", "date") + ")" //nolint:misspell // a function of spreadsheets
	if c.Statistic == "day_max" || c.Statistic == "mean_of_day_maxima" {
		f = "MAXIFS(#,B:B," + p.tell("日期", "date") + ")"
	}
	return "=" + paren(apply(f), factor) + factor
}

// dayUnit is the unit of what a day gave, where the condition itself counts days.
func dayUnit(c analyzer.ConditionTrial, own cloud.Unit) cloud.Unit {
	switch {
	case c.Statistic == "day_volume":
		return cloud.BytesPerDay
	case c.Metric == policies.CPUCores:
		return cloud.Cores
	default:
		return own
	}
}

// dayValues lists what days gave: 10-24 1.5%, 10-25 1.6%*.
func (p prose) dayValues(list []analyzer.DayValue, u cloud.Unit) string {
	words := make([]string, len(list))
	for i, x := range list {
		words[i] = x.Date[len("2006-"):] + " " + exact(p, x.Value, u)
		if x.Holds != nil && *x.Holds {
			words[i] += "*"
		}
	}
	return strings.Join(words, ", ")
}

func (d derivation) definitions() {
	p := d.p
	if d.e.Resource.Kind != cloud.Instance {
		d.paragraph("", p.sentences([]string{p.tell("天数 = 从开始到最近一次清单的小时数 / 24", "days = hours from the beginning to the last inventory / 24")}))
		return
	}
	for _, s := range []string{
		p.tell("应有的样本 = 窗口自开通或变更规格起的时长，减去不计入的时段，除以采样间隔，取整；覆盖率 = （样本 − 更密的样本）/ 应有，最多 1；有效时长 = 应有 × 采样间隔",
			"expected samples = the window since creation or the last change of size, less what is excluded, by the spacing, rounded down; coverage = (samples − those between) / expected, at most 1; history = expected × spacing"),
		p.tell("分位数：n 个样本由小到大，名次 = q × (n − 1)（从 0 数），落在两个样本之间时按小数部分线性内插；与 Prometheus 的 quantile_over_time、电子表格的 PERCENTILE.INC 相同，不是最近名次法",
			"a percentile: n samples in ascending order, rank = q × (n − 1) counted from 0, and where it falls between two samples, linear interpolation by its fraction; as quantile_over_time of Prometheus and PERCENTILE.INC of spreadsheets do, not the nearest rank"),
		p.tell("日：%s 的自然日，窗口首尾两天可能不满；日流量 = 该日平均速率 × 86400 秒（bit/s 再除以 8），缺样本的时段按该日平均计",
			"a day: a calendar day of %s, of which the first and the last of the window may be short; its volume = its mean rate × 86,400 s, by 8 for bit/s, so that a gap counts as the day's mean", p.loc.String()),
	} {
		d.paragraph("  * ", p.sentences([]string{s}))
	}
	var columns []string
	for _, m := range SampleColumns() {
		columns = append(columns, columnOf(m)+" "+string(m))
	}
	d.paragraph("  * ", p.sentences([]string{
		p.tell("样本文件用 --samples FILE 写出，只含计入的样本：A timestamp，B date，%s；空格是缺样本，不是 0", "--samples FILE writes the samples that count: A timestamp, B date, %s; an empty cell is a missing sample, not 0", strings.Join(columns, p.tell("，", ", "))),
	}))
}

// flagMeaning says what follows from a flag.
func (p prose) flagMeaning(f analyzer.Flag) string {
	switch f {
	case analyzer.SuspectedPadding:
		return p.tell("请人核查，不据此处置，也不提建议", "for people to check; nothing is done or proposed because of it")
	case analyzer.Exempt:
		return p.tell("照常评估并列出，到期之前不提建议", "judged and listed as ever; nothing is proposed before it expires")
	case analyzer.PoweredOff:
		return p.tell("关机前的利用率不说明问题，只看关机多久", "what it did before says nothing; only for how long it has been off counts")
	case analyzer.Resized:
		return p.tell("之前是另一台机器的历史", "what came before is the history of another machine")
	case analyzer.AgeUnknown:
		return p.tell("无法排除新开通的机器，请在清单中补上开通时间", "a new machine cannot be ruled out: give the time of creation in the inventory")
	case analyzer.MemoryUnknown:
		return p.tell("不能仅凭 CPU 判为闲置，也不能降内存", "CPU alone makes it neither idle nor its memory smaller")
	case analyzer.NoMonthEnd:
		return p.tell("月末结账一类的峰值没有看到", "a peak of closing the month was not seen")
	case analyzer.ShortHistory:
		return p.tell("一年一度的峰值可能没有看到", "a yearly peak may not have been seen")
	case analyzer.HypervisorCPU:
		return p.tell("峰值可能比看到的高", "peaks may be higher than seen")
	case analyzer.NoOwner:
		return p.tell("不知道找谁确认", "nobody is known to be asked")
	case analyzer.SeasonUnseen:
		return p.tell("等看过它的季节再下结论", "it is left until its season was watched")
	case analyzer.HolidayWindow:
		return p.tell("窗口里节假日多，平日可能更忙", "ordinary days may be busier")
	case analyzer.CloudUnavailable:
		return p.tell("清单没有读全，不作判断", "its listing was not read to the end: it is not judged")
	default:
		return clean(string(f))
	}
}

// remedy says what would settle a verdict of insufficient data.
func (p prose) remedy(r analyzer.Remedy) string {
	what := name(p, metricNames, r.Metric)
	wait := ""
	if r.Days != nil {
		wait = p.say(msgDays, trim(*r.Days, 1))
		if r.MostDays != nil {
			wait = p.tell("%s 至 %s", "%s to %s", wait, p.say(msgDays, trim(*r.MostDays, 1)))
		}
	}
	switch r.Code {
	case analyzer.RemedyWait:
		if r.Days == nil {
			return p.tell("等它的季节过去，要多久尚不知道", "wait until its season has passed; nobody knows for how long")
		}
		if r.Metric == "" {
			return p.tell("再等 %s，其间状况不变", "wait %s, if it stays as it is", wait)
		}
		return p.tell("再等 %s，其间样本不缺", "wait %s, with no sample missing meanwhile", wait)
	case analyzer.RemedyAgent:
		return p.tell("安装或启动云监控插件（测量%s），再等 %s", "install or start the monitoring agent, which measures %s, and wait %s", what, wait)
	case analyzer.RemedyPermission:
		return p.tell("给账号读取%s的权限，再等 %s；已有的历史会补采", "let the account read %s, and wait %s; history that the cloud still has is read, too", what, wait)
	case analyzer.RemedyQuota:
		return p.tell("提高调用额度或放宽采集间隔，使%s读得全，至多再等 %s", "raise the quota of calls or collect less often, so that %s is read to the end; wait %s at most", what, wait)
	case analyzer.RemedyListing:
		return p.tell("让清单读全：解决读取失败后再采集一次", "have the listing read to the end: mend what failed and collect again")
	case analyzer.RemedySource:
		return p.tell("查明%s为何没有样本，修好后再等 %s", "find out why %s has no samples, mend it, and wait %s", what, wait)
	case analyzer.RemedyOffered:
		return p.tell("平台不提供%s：换用能测到它的来源，再等 %s", "the platform does not offer %s: take a source that measures it, and wait %s", what, wait)
	case analyzer.RemedyFact:
		return p.tell("在清单中补上这一事实", "give the fact in the inventory")
	case analyzer.RemedyRule:
		return p.tell("在策略包中为此类资源写规则", "write rules for such resources into the policy pack")
	default:
		return clean(r.Code)
	}
}
