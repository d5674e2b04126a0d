package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

// WritePolicyDiff writes for a terminal what changes where pack b replaces a;
// times are shown in loc.
func WritePolicyDiff(w io.Writer, c audit.Comparison, a, b policies.Pack, loc *time.Location, lang Lang) error {
	p := prose{lang: lang, loc: loc}
	t := &page{w: bufio.NewWriter(w)}
	d := policyDiff{page: t, p: p, c: c, packs: [2]policies.Pack{a, b}}
	t.line(spread(p.tell("策略对比：以 B 取代 A", "Policies compared: B in place of A"), p.tell("数据截至 %s", "data as of %s", p.minute(c.AsOf)), textWidth))
	t.line(strings.Repeat("=", textWidth))
	if c.PriceBook.Example {
		t.paragraph("", "*** "+p.say(msgExampleBanner)+" ***")
	}
	for i, ref := range []audit.PolicyRef{c.A, c.B} {
		t.paragraph([]string{"A  ", "B  "}[i], d.policy(ref, c.Windows[i]))
	}
	t.paragraph("", p.sentences([]string{p.tell("同一段历史、同一价目表（%s），只在内存中各评估一次，没有保存任何结果", "Judged by both in memory, on the same history and prices (%s); nothing was stored", c.PriceBook.ID+"@"+c.PriceBook.Version)}))
	for i, section := range []struct {
		title string
		write func()
	}{
		{p.tell("结论", "In short"), d.summary},
		{p.tell("策略本身的不同", "In what the packs differ"), d.settings},
		{p.tell("按判定", "By verdict"), d.verdicts},
		{p.tell("按处置", "By action"), d.actions},
		{p.tell("按单位（B 减 A）", "By department (B less A)"), d.departments},
		{p.tell("结果不同的资源", "Resources that change sides"), d.switched},
	} {
		t.line("")
		t.line(ordinal(i+1, lang) + section.title)
		t.line(strings.Repeat("-", textWidth))
		section.write()
	}
	return t.w.Flush()
}

// tell renders a text of which both languages stand side by side where it is
// used; args as for say.
func (p prose) tell(zh, en string, args ...any) string {
	switch {
	case p.lang == EN && len(args) > 0:
		return plurals(en, args)
	case p.lang == EN:
		return en
	case len(args) > 0:
		return fmt.Sprintf(zh, args...)
	default:
		return zh
	}
}

// policyDiff writes one comparison.
type policyDiff struct {
	*page
	p     prose
	c     audit.Comparison
	packs [2]policies.Pack
}

func (d policyDiff) policy(ref audit.PolicyRef, w cloud.Window) string {
	p := d.p
	title := ref.NameZH
	if p.lang == EN {
		title = ref.NameEN
	}
	return p.clauses([]string{
		clean(ref.ID) + " v" + clean(ref.Version) + p.parenthesized(title),
		p.tell("窗口 %s", "window %s", p.duration(w.Duration())),
		p.tell("可信度 %s", "confidence %s", name(p, confidenceNames, ref.Confidence)),
		"sha256 " + clean(ref.SHA256),
	})
}

func (d policyDiff) summary() {
	p, c := d.p, d.c
	if c.Resources == 0 {
		d.paragraph("", p.sentences([]string{p.say(msgNothingAudited)}))
		return
	}
	var out []string
	switch {
	case c.Empty() && len(c.Settings) == 0:
		out = append(out, p.tell("两个策略的设定完全相同，%d 个资源的结果也完全相同", "The packs have the same settings, and the same results for all %d resource(s)", c.Resources))
	case c.Empty():
		out = append(out, p.tell("策略有 %d 处不同，但在这段历史上，%d 个资源中没有一个的判定、处置或目标规格因此改变", "The packs differ in %d setting(s), but on this history none of the %d resource(s) changes its verdict, action or target size", len(c.Settings), c.Resources))
	default:
		out = append(out, p.tell("评估的 %d 个资源中，%d 个的判定、处置或目标规格会改变", "Of %d resource(s) judged, %d change verdict, action or target size", c.Resources, len(c.Switched)))
	}
	for _, x := range c.Actions {
		if x.A == x.B {
			continue
		}
		parts := []string{p.tell("%s %d → %d 个", "%s %d → %d", name(p, actionNames, x.Action), x.A.Resources, x.B.Resources)}
		if saves(x.Action) && x.Action != recommender.Stop {
			parts = append(parts,
				p.tell("可收回 vCPU %s、内存 %sGB、存储 %sGB", "given back: vCPU %s, memory %s GB, storage %s GB", delta(float64(x.Change.VCPU), 0), delta(x.Change.MemoryGiB, 2), delta(x.Change.StorageGiB, 2)))
		}
		if saves(x.Action) {
			parts = append(parts,
				p.tell("年节约 %s（%s）", "saving a year %s (%s)", withSign(group(x.Change.AnnualSaving)), c.Currency)+p.unpriced(x.Action, max(x.A.Unpriced, x.B.Unpriced)))
		}
		if x.A.Budgeted+x.B.Budgeted > 0 {
			parts = append(parts, p.tell("受损上限之和 %s → %s 台", "upper bounds of harm add up to %s → %s", harms(x.A.ExpectedHarms), harms(x.B.ExpectedHarms)))
		}
		out = append(out, p.clauses(parts))
	}
	if c.A.ID != c.B.ID {
		out = append(out, p.tell("两个策略的 id 不同：换用 B 之后，建议的连续确认次数从头算起", "The packs have different ids: with B, confirmations of advice are counted anew"))
	}
	d.paragraph("", p.sentences(out))
	if len(c.Switched) > 0 {
		d.paragraph("", p.sentences(d.harm()))
	}
}

// harm says what the sums of upper bounds hold, and what they leave out.
func (d policyDiff) harm() []string {
	p, c := d.p, d.c
	var counted, left [2]int
	var sums [2]float64
	for _, x := range c.Actions {
		for i, s := range []audit.Sum{x.A, x.B} {
			counted[i] += s.Budgeted
			sums[i] += s.ExpectedHarms
			if saves(x.Action) {
				left[i] += s.Resources - s.Budgeted
			}
		}
	}
	out := []string{p.tell("受损上限之和以台计，只计风险预算所管的：CPU、内存降配与云主机释放", "Sums of upper bounds of harm are in instances and hold what a risk budget covers: smaller CPUs and memories, and releases of instances")}
	for i, pack := range d.packs {
		s := p.tell("%s：%d 条，%s 台", "%s: %d piece(s) of advice, %s instances", string(rune('A'+i)), counted[i], harms(sums[i]))
		if g := pack.Risk.Budget; g > 0 {
			s = p.clauses([]string{s, p.tell("预算许可 %s 台", "its budget allows %s", fixed(recommender.HarmAllowed(g, c.Instances), 2))})
		} else {
			s = p.clauses([]string{s, p.tell("没有风险预算", "it has no risk budget")})
		}
		out = append(out, s)
	}
	return append(out, p.tell("不计入：存储缩容、云盘与地址释放、定时停机，A 有 %d 条、B 有 %d 条，风险另计；扩容没有此类风险", "Left out, with risks of their own: smaller storage, releases of disks and addresses, and stops, %d by A and %d by B; an upsize has no such risk", left[0], left[1]))
}

func (p prose) unpriced(action recommender.Action, n int) string {
	switch {
	case n == 0:
		return ""
	case action == recommender.Stop: // priced or not, nobody knows what a stop saves
		return p.parenthesized(p.tell("另有 %d 个节约未知", "%d more of unknown saving", n))
	default:
		return p.parenthesized(p.tell("另有 %d 个价格未知", "%d more without a price", n))
	}
}

func (d policyDiff) settings() {
	p := d.p
	t := table{empty: p.tell("没有不同（名称、版本与说明不计）", "None, but for names, versions and notes"), columns: []column{
		{title: p.tell("设定", "Setting"), in: inText, fold: true}, {title: "A", in: inText, wrap: true}, {title: "B", in: inText, wrap: true},
	}}
	value := func(field string, s *string) cell {
		switch {
		case s != nil:
			return text(clean(*s))
		case strings.HasPrefix(field, "rules."):
			return text(p.tell("（没有）", "(none)"))
		default:
			return text(p.tell("（未写，取缺省）", "(not set: the default)"))
		}
	}
	for _, s := range d.c.Settings {
		t.rows = append(t.rows, []cell{text(clean(s.Field)), value(s.Field, s.A), value(s.Field, s.B)})
	}
	half := (textWidth - 40) / 2
	t.columns[1].width, t.columns[2].width = half, half
	d.table(t, p)
}

func (d policyDiff) verdicts() {
	p := d.p
	t := table{columns: []column{{title: p.say(msgVerdict), in: inText}, {title: "A", kind: whole, in: inText}, {title: "B", kind: whole, in: inText}, {title: "±", kind: whole, in: inText}}}
	for _, v := range d.c.Verdicts {
		t.rows = append(t.rows, []cell{text(name(p, verdictNames, v.Verdict)), count(v.A), count(v.B), text(delta(float64(v.B-v.A), 0))})
	}
	d.table(t, p)
}

// sumColumns head what a Sum says; before them stands what it is the sum of.
func (d policyDiff) sumColumns(first ...string) []column {
	p := d.p
	var out []column
	for _, title := range first {
		out = append(out, column{title: title, in: inText})
	}
	for _, title := range []string{
		p.say(msgResources), "vCPU", p.tell("内存 GB", "Memory GB"), p.tell("存储 GB", "Storage GB"),
		p.tell("年节约 %s", "Saving a year %s", d.c.Currency), p.tell("节约未知", "Saving unknown"), p.tell("受损上限之和", "Sum of upper bounds"),
	} {
		out = append(out, column{title: title, kind: size, in: inText})
	}
	return out
}

func sumCells(s audit.Sum) []cell {
	return []cell{
		count(s.Resources), count(s.VCPU), gigabytes(s.MemoryGiB), gigabytes(s.StorageGiB), text(group(s.AnnualSaving)), count(s.Unpriced), harmCell(s, harms(s.ExpectedHarms)),
	}
}

// harmCell is a dash where none of what is summed counts in a risk budget.
func harmCell(s audit.Sum, sum string) cell {
	if s.Resources != 0 && s.Budgeted == 0 && s.ExpectedHarms == 0 {
		return orDash("")
	}
	return text(sum)
}

func changeCells(s audit.Sum) []cell {
	return []cell{
		text(delta(float64(s.Resources), 0)), text(delta(float64(s.VCPU), 0)), text(delta(s.MemoryGiB, 2)), text(delta(s.StorageGiB, 2)),
		text(withSign(group(s.AnnualSaving))), text(delta(float64(s.Unpriced), 0)), harmCell(s, delta(s.ExpectedHarms, 3)),
	}
}

func (d policyDiff) actions() {
	p := d.p
	t := table{columns: d.sumColumns(p.say(msgAction), "")}
	for _, x := range d.c.Actions {
		t.rows = append(t.rows,
			append([]cell{text(name(p, actionNames, x.Action)), text("A")}, sumCells(x.A)...),
			append([]cell{text(""), text("B")}, sumCells(x.B)...),
			append([]cell{text(""), text("±")}, changeCells(x.Change)...))
	}
	d.table(t, p)
	d.paragraph("", p.sentences([]string{p.tell("扩容增加的核与内存记为负数，费用不在节约中", "What an upsize adds is negative, and its cost is not among the savings")}))
}

func (d policyDiff) departments() {
	p := d.p
	t := table{empty: p.tell("没有变化", "No change"), columns: d.sumColumns(p.say(msgDepartment), p.say(msgAction))}
	t.columns[0].width, t.columns[0].fold = 24, true
	for _, x := range d.c.Departments {
		title := clean(x.Department)
		if title == "" {
			title = p.say(msgNoDepartment)
		}
		for _, y := range x.Actions {
			t.rows = append(t.rows, append([]cell{text(title), text(name(p, actionNames, y.Action))}, changeCells(y.Change)...))
			title = ""
		}
	}
	d.table(t, p)
}

// mostSwitched resources are shown one by one, and as many groups of them.
const mostSwitched = 40

// switched groups the resources by what they change from and to, and lists some, those
// first of which something else is to be done.
func (d policyDiff) switched() {
	p := d.p
	if d.c.Empty() {
		d.line(p.tell("没有", "None"))
		return
	}
	d.groups()
	var advised, judged []audit.Switch
	for _, s := range d.c.Switched {
		if s.SameAdvice() {
			judged = append(judged, s)
		} else {
			advised = append(advised, s)
		}
	}
	left := mostSwitched
	for i, list := range [][]audit.Switch{advised, judged} {
		if len(list) == 0 {
			continue
		}
		d.line("")
		d.line([]string{p.tell("处置改变 %d 个", "Other advice: %d", len(list)), p.tell("只有判定改变 %d 个", "Only another verdict: %d", len(list))}[i])
		for k, s := range list[:min(left, len(list))] {
			d.line("")
			d.one(fmt.Sprintf("%2d. ", k+1), s)
		}
		if hidden := len(list) - left; hidden > 0 {
			d.line("")
			d.paragraph("", p.sentences([]string{p.tell("其余 %d 个不逐一列出，全部见 --format json", "%d more are not listed one by one; --format json has all", hidden)}))
		}
		left -= min(left, len(list))
	}
}

// groups counts the resources by what each side says of them and why.
func (d policyDiff) groups() {
	p := d.p
	t := table{columns: []column{
		{title: p.tell("由 A", "From, by A"), in: inText, wrap: true, width: 46}, {title: p.tell("到 B", "To, by B"), in: inText, wrap: true, width: 46}, {title: p.say(msgResources), kind: whole, in: inText},
	}}
	type change struct{ a, b string }
	counts := map[change]int{}
	var order []change
	for _, s := range d.c.Switched {
		var said [2]string
		for k, side := range []audit.Side{s.A, s.B} {
			q := p.of(s.Kind)
			q.pack = d.packs[k]
			said[k] = q.inShort(side)
		}
		c := change{said[0], said[1]}
		if counts[c] == 0 {
			order = append(order, c)
		}
		counts[c]++
	}
	slices.SortStableFunc(order, func(x, y change) int { return cmp.Compare(counts[y], counts[x]) })
	rest := 0
	for i, c := range order {
		if i >= mostSwitched {
			rest += counts[c]
			continue
		}
		t.rows = append(t.rows, []cell{text(c.a), text(c.b), count(counts[c])})
	}
	d.table(t, p)
	if rest > 0 {
		d.paragraph("", p.sentences([]string{p.tell("另有 %d 种变化，共 %d 个资源", "%d more kind(s) of change, of %d resource(s)", len(order)-mostSwitched, rest)}))
	}
}

// inShort is a side without what is each machine's own.
func (p prose) inShort(s audit.Side) string {
	out := name(p, verdictNames, s.Verdict)
	if s.Rule != "" {
		out += p.parenthesized(p.rule(s.Rule))
	}
	advice := p.tell("不提建议", "nothing proposed")
	switch {
	case s.Recommendation != nil:
		advice = p.action(*s.Recommendation)
	case len(s.Refused) > 0:
		advice = p.tell("不提建议：%s", "nothing proposed: %s", p.reasons(inGeneral(s.Refused)))
	}
	parts := []string{out, advice}
	if s.Stop != nil {
		parts = append(parts, p.tell("另定时停机", "and stops"))
	}
	return p.clauses(parts)
}

func (d policyDiff) one(mark string, s audit.Switch) {
	title := clean(s.ResourceID)
	for _, name := range []string{s.Name, s.Department, s.Application} {
		if name != "" {
			title += "  " + clean(name)
		}
	}
	d.paragraph(mark, title)
	for k, side := range []audit.Side{s.A, s.B} {
		p := d.p.of(s.Kind)
		p.pack = d.packs[k]
		d.paragraph(strings.Repeat(" ", len(mark))+string(rune('A'+k))+"  ", p.sentences(p.side(side)))
	}
}

// side is what one policy says of a resource, and why.
func (p prose) side(s audit.Side) []string {
	verdict := name(p, verdictNames, s.Verdict)
	if s.Rule != "" {
		verdict += p.parenthesized(p.say(msgByRule, p.rule(s.Rule)))
	}
	out := []string{verdict}
	switch x := s.Recommendation; {
	case x != nil:
		advice := p.proposed(*x)
		if saves(x.Action) {
			saving := p.say(msgUnknown)
			if x.SavingKnown {
				saving = p.yuan(x.AnnualSaving)
			}
			advice = p.clauses([]string{advice, p.tell("年节约 %s", "saving a year %s", saving), p.tell("危害概率上限 %s", "probability of harm at most %s", p.value(x.Risk.HarmProbability, cloud.Ratio, 2))})
		}
		out = append(out, advice)
	case len(s.Refused) > 0:
		out = append(out, p.tell("不提建议：%s", "nothing proposed: %s", p.reasons(s.Refused)))
	default:
		out = append(out, p.tell("不提建议", "nothing proposed"))
	}
	if s.Stop != nil {
		out = append(out, p.tell("另建议定时停机", "hours of rest are proposed, too"))
	}
	return append(out, p.tell("依据：%s", "because %s", p.reasons(s.Reasons)))
}

// proposed is what a recommendation asks for: 降配 8核32GB → 4核16GB.
func (p prose) proposed(x recommender.Recommendation) string {
	act := p.action(x)
	switch {
	case x.Target == nil:
		return act
	case onlyStorage(x) || x.Kind != cloud.Instance:
		return p.adjoin(act, p.spec(0, 0, x.Current.StorageGiB)+" → "+p.spec(0, 0, x.Target.StorageGiB))
	default:
		return p.adjoin(act, p.spec(x.Current.VCPU, x.Current.MemoryGiB, 0)+" → "+p.spec(x.Target.VCPU, x.Target.MemoryGiB, 0)) + p.parenthesized(x.Target.InstanceType)
	}
}

// delta writes a difference with its sign; none has none.
func delta(v float64, places int) string { return withSign(group(trim(v, places))) }

func withSign(s string) string {
	if strings.HasPrefix(s, "-") || strings.Trim(s, "0.,") == "" {
		return s
	}
	return "+" + s
}

// harms writes a number of expected harms; little is not nothing.
func harms(v float64) string {
	if v > 0 && v < 0.005 {
		return "<0.01"
	}
	return fixed(v, 2)
}
