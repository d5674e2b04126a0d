package policies

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"

	"yunjian/cloud"
)

var metricNames = map[cloud.Metric]Text{
	cloud.CPUPercent:    {"CPU 利用率", "CPU"},
	cloud.MemoryPercent: {"内存利用率", "memory"},
	cloud.DiskPercent:   {"磁盘使用率", "disk fill"},
	cloud.NetworkInBPS:  {"网络接收", "network received"},
	cloud.NetworkOutBPS: {"网络发送", "network sent"},
	cloud.DiskReadBPS:   {"磁盘读", "disk read"},
	cloud.DiskWriteBPS:  {"磁盘写", "disk written"},
	cloud.StealPercent:  {"CPU 被抢占率", "CPU steal"},
	NetworkBPS:          {"网络收发合计", "network in and out"},
	DiskBPS:             {"磁盘读写合计", "disk read and written"},
	CPUCores:            {"CPU 用量", "CPU in use"},
}

var kindTexts = map[cloud.Kind]Text{
	cloud.Instance: {"云主机", "instance"},
	cloud.Disk:     {"云盘", "disk"},
	cloud.EIP:      {"弹性公网 IP", "EIP"},
}

var words = map[string]Text{
	verdictIdle: {"闲置", "idle"}, verdictOver: {"配置过高", "over-provisioned"},
	verdictUnder: {"资源紧张", "under-provisioned"}, verdictUnattached: {"未挂载", "unattached"},
	"release": {"释放", "release"}, "downsize": {"降配", "downsize"}, "upsize": {"扩容", "upsize"},
	"cpu": {"CPU", "CPU"}, "memory": {"内存", "memory"}, "storage": {"存储", "storage"},
	"day": {"个自然日", "days"}, "working_day": {"个工作日", "working days"}, "month": {"个月", "month(s)"},
	string(Cited): {"有出处", "cited"}, string(Practice): {"实践", "practice"}, string(Proposed): {"默认值，可修改", "proposed, to be edited"},
}

// Describe says the condition in words.
func (c Condition) Describe() Text {
	if c.Metric == "" {
		return c.describeFact()
	}
	m := metricNames[c.Metric]
	st, _ := statistic(c.Statistic)
	zh := spaced(m.ZH + "的" + st.Name.ZH)
	en := m.EN + " " + st.Name.EN
	if c.Last > 0 {
		zh = "最近 " + span(c.Last) + " " + zh
		en += " over the last " + span(c.Last)
	}
	limit := amount(c.Limit, c.Unit)
	symbol := symbols[c.Op]
	zh += " " + symbol + " " + limit
	en += " " + symbol + " " + limit
	for _, a := range c.And {
		t := a.Describe()
		zh += " 且" + t.ZH
		en += " and " + t.EN
	}
	switch {
	case c.ShareOfSamples > 0:
		zh += "，占采样至少 " + share(c.ShareOfSamples)
		en += " in at least " + share(c.ShareOfSamples) + " of samples"
	case c.ShareOfDays > 0:
		zh += "，占天数至少 " + share(c.ShareOfDays)
		en += " on at least " + share(c.ShareOfDays) + " of days"
	case c.MinDays > 0:
		zh += fmt.Sprintf("，至少 %d 天", c.MinDays)
		en += fmt.Sprintf(" on at least %d days", c.MinDays)
	}
	return Text{zh, en}
}

func (c Condition) describeFact() Text {
	f, _ := factNamed(c.Statistic)
	if c.Statistic == Prepaid {
		if c.Op == ">=" {
			return Text{"包年包月", "prepaid"}
		}
		return Text{"非包年包月", "not prepaid"}
	}
	tail := " " + symbols[c.Op] + " " + amount(c.Limit, c.Unit)
	return Text{f.name.ZH + tail, f.name.EN + tail}
}

var symbols = map[string]string{"<": "<", "<=": "≤", ">": ">", ">=": "≥"}

// spaced sets a space between Chinese characters and Latin letters or digits.
func spaced(s string) string {
	var b strings.Builder
	var before rune
	for _, c := range s {
		if unicode.Is(unicode.Han, before) && latin(c) || latin(before) && unicode.Is(unicode.Han, c) {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
		before = c
	}
	return b.String()
}

func latin(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// span writes a duration in days where it is whole days.
func span(d time.Duration) string {
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return model.Duration(d.Truncate(time.Hour)).String()
}

func share(v float64) string { return strconv.FormatFloat(v*100, 'f', -1, 64) + " %" }

// amount writes a limit with its unit.
func amount(v float64, u cloud.Unit) string {
	n := strconv.FormatFloat(v, 'f', -1, 64)
	switch u {
	case cloud.Percent:
		return n + " %"
	case cloud.Days:
		return n + " d"
	case cloud.Cores:
		return n + " vCPU"
	case cloud.Count:
		return n
	case cloud.BytesPerDay:
		for _, s := range []struct {
			unit  string
			scale float64
		}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
			if v >= s.scale {
				return strconv.FormatFloat(v/s.scale, 'f', -1, 64) + " " + s.unit + "/d"
			}
		}
		return n + " B/d"
	default:
		return n + " " + string(u)
	}
}

// Describe says the rule in words: what it finds, when, and what follows.
func (r Rule) Describe() Text {
	var zh, en []string
	for _, c := range r.When {
		t := c.Describe()
		zh, en = append(zh, t.ZH), append(en, t.EN)
	}
	k, v := kindTexts[r.Kind], words[r.Verdict]
	out := Text{
		ZH: spaced(fmt.Sprintf("%s：当%s，判为%s", k.ZH, strings.Join(zh, "，且"), v.ZH)),
		EN: fmt.Sprintf("%s is %s when %s", k.EN, v.EN, strings.Join(en, ", and ")),
	}
	if r.Action == "" {
		return Text{out.ZH + "，不提处置建议。", out.EN + "; nothing is proposed."}
	}
	a := words[r.Action]
	var dzh, den []string
	for _, d := range r.Dimensions {
		dzh, den = append(dzh, words[d].ZH), append(den, words[d].EN)
	}
	if h := share(r.MaxHarm); r.MaxHarm > 0 {
		return Text{out.ZH + "；仅当危害概率不超过" + h + "，建议" + a.ZH + "。", out.EN + "; where the probability of harm is at most " + h + ", " + a.EN + "."}
	}
	if len(dzh) == 0 {
		return Text{out.ZH + "，建议" + a.ZH + "。", out.EN + "; " + a.EN + "."}
	}
	return Text{out.ZH + "，建议" + a.ZH + "（" + strings.Join(dzh, "、") + "）。", out.EN + "; " + a.EN + " " + strings.Join(den, " and ") + "."}
}

// String describes the pack in Chinese and English, for people.
func (p Pack) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	both := func(indent string, t Text) {
		if t.ZH != "" {
			line("%s%s", indent, t.ZH)
			line("%s%s", indent, t.EN)
		}
	}
	line("%s  %s | %s", p.ID, p.Name.ZH, p.Name.EN)
	line("  版本 version %s  可信度 confidence %s（%s）", p.Version, p.Confidence, words[string(p.Confidence)].ZH)
	if !p.EffectiveFrom.IsZero() {
		line("  生效 effective from %s", p.EffectiveFrom.Format(time.DateOnly))
	}
	line("  出处 source %s", p.Source)
	line("  sha256 %s", p.SHA256)
	both("  ", p.Note)
	line("")
	line("评估 judging")
	line("  窗口 window %s  覆盖率 coverage ≥ %s  有效时长 history ≥ %s", span(p.Window), share(p.MinCoverage), span(p.MinHistory))
	if p.MinAge > 0 {
		line("  云主机开通至少 instance age ≥ %s", span(p.MinAge))
	}
	line("  连续 %d 次周审计后可发起处置 | ready after %d weekly audits in a row", p.ConfirmRuns, p.ConfirmRuns)
	p.describeParameters(line)
	line("")
	line("规则 rules（自上而下，先中先判 first match decides）")
	for i, r := range p.Rules {
		head := fmt.Sprintf("  %d. %s  %s | %s", i+1, r.ID, r.Name.ZH, r.Name.EN)
		if r.Confidence != "" && r.Confidence != p.Confidence {
			head += fmt.Sprintf("  [%s %s]", r.Confidence, words[string(r.Confidence)].ZH)
		}
		line("%s", head)
		both("     ", r.Describe())
		both("     * ", r.Note)
	}
	p.describeSizing(line)
	p.describeSchedule(line)
	return b.String()
}

func (p Pack) describeParameters(line func(string, ...any)) {
	for _, q := range p.Parameters {
		value := "未填写 not entered"
		if q.Value != nil {
			value = strconv.FormatFloat(*q.Value, 'f', -1, 64) + " " + string(q.Unit)
		}
		line("  参数 parameter %s  %s | %s: %s", q.ID, q.Name.ZH, q.Name.EN, value)
	}
	if p.Allowance != nil {
		line("  单位闲置 vCPU 占比不超过 %s 时不提处置建议 | nothing is proposed to a department whose share of idle vCPU is within %s", p.Allowance.Parameter, p.Allowance.Parameter)
	}
	if len(p.Deadlines) > 0 {
		line("")
		line("时限 deadlines")
	}
	for i, d := range p.Deadlines {
		when := ""
		if d.Within > 0 {
			w := words[d.Unit]
			when = fmt.Sprintf("  上一步后超过 %d %s | after %d %s without", d.Within, w.ZH, d.Within, w.EN)
		}
		line("  %d. %s  %s | %s%s", i+1, d.Step, d.Name.ZH, d.Name.EN, when)
	}
}

func (p Pack) describeSizing(line func(string, ...any)) {
	s := p.Sizing
	if len(s.Limits) > 0 {
		line("")
		line("建议规格 target size")
		for _, c := range s.Limits {
			t := c.Describe()
			line("  按新规格折算，%s | projected %s", t.ZH, t.EN)
		}
		line("  每次最多降到 1/%g | at most divided by %g a round", s.MaxStep, s.MaxStep)
		if s.MinVCPU > 0 || s.MinMemoryGiB > 0 {
			line("  不低于 floor %d vCPU %g GiB", s.MinVCPU, s.MinMemoryGiB)
		}
		if len(s.Families) > 0 {
			line("  本族之外允许 families beside its own: %s", strings.Join(s.Families, ", "))
		}
		if len(s.Refuse) > 0 {
			line("  不建议、不触碰 families never touched: %s", strings.Join(s.Refuse, ", "))
		}
	}
	line("")
	if s.MaxSteal < 100 {
		limit, from := amount(s.MaxSteal, cloud.Percent), ""
		if s.MaxSteal == DefaultMaxSteal {
			from = fmt.Sprintf("  [%s %s]", Proposed, words[string(Proposed)].ZH)
		}
		line("CPU 被抢占 withheld  被抢占率的 95 分位超过 %s 时，不缩减 CPU，也不因闲置释放 | where p95 of CPU steal is above %s, the CPU is not made smaller and nothing is released as idle%s", limit, limit, from)
	}
	line("风险等级 grades  A ≤ %s  B ≤ %s  C ≤ %s  D", share(p.Risk.A), share(p.Risk.B), share(p.Risk.C))
	if p.Risk.Budget > 0 {
		few := math.Ceil(0.5/p.Risk.Budget - 1e-9) // instances of which the budget is half a one
		line("风险预算 budget  CPU、内存降配与云主机释放全部照办时，%s 内的受损上限之和至多为云主机的 %s，不足 %g 台时至少允许 0.5 台；存储、云盘、地址与定时停机的风险另计，不在预算内 | if all smaller CPUs and memories and all releases of instances are followed, the upper bounds of harm within %s add up to at most %s of the instances, half an instance where there are fewer than %g; storage, disks, addresses and stops have risks of their own, outside the budget",
			span(p.Risk.Horizon), share(p.Risk.Budget), few, span(p.Risk.Horizon), share(p.Risk.Budget), few)
	}
	line("风险回看 learned from the past %s", span(p.Risk.Past))
	if p.Padding.Enabled {
		pad := p.Padding
		line("疑似空转 padding")
		line("  波动 level within %g pt，p5 ≥ 均值的 of the mean %s；高出阈值 above a threshold by ≤ %g pt；台阶持续 a step lasts ≥ %s，流量增加 traffic ≤ +%s",
			pad.MaxDeviation, share(pad.MinFloor), pad.AboveBy, model.Duration(pad.Settled), share(pad.MaxGrowth))
		line("  %s 的天数内 on %s of days：网络 network ≤ %s，磁盘 disk ≤ %s；工作日流量 weekday traffic ≥ %g × 周末 weekends",
			share(pad.QuietDays), share(pad.QuietDays), amount(pad.MaxNetwork, cloud.BytesPerDay), amount(pad.MaxDisk, cloud.BytesPerDay), pad.WorkTimes)
		line("  同部门曲线相同 alike in a department：≥ %d，相差 within %g pt", pad.Alike, pad.AlikeWithin)
	}
	if len(p.Exemptions) > 0 {
		line("豁免 exemptions %d", len(p.Exemptions))
	}
}

// String joins what is known of the source.
func (s Source) String() string {
	var parts []string
	for _, t := range []string{s.Title, s.Issuer, s.DocNo, s.Date, s.URL} {
		if t != "" && !slices.Contains(parts, t) {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, ", ")
}

// WriteList writes one paragraph a pack: id, version, confidence, name, source.
func WriteList(w io.Writer, packs []Pack) error {
	for _, p := range packs {
		mark := ""
		if p.ID == DefaultID {
			mark = "  默认 default"
		}
		if len(p.Unset()) > 0 {
			mark += "  需先填写参数 needs a number before use"
		}
		if _, err := fmt.Fprintf(w, "%-24s v%s  %s%s\n    %s | %s\n    %s\n", p.ID, p.Version, p.Confidence, mark, p.Name.ZH, p.Name.EN, p.Source); err != nil {
			return fmt.Errorf("write list of packs: %w", err)
		}
	}
	return nil
}
