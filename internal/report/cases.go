package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/notice"
	"yunjian/recommender"
)

// Cases is what pages about cases are made of.
type Cases struct {
	Workflow notice.Workflow
	Cases    []notice.Case
	Location *time.Location
}

// caseProse says things of cases in one language.
type caseProse struct {
	prose
	w notice.Workflow
}

func (c Cases) prose(l Lang) caseProse { return caseProse{prose{lang: l, loc: c.Location}, c.Workflow} }

func (p caseProse) of(t notice.Text) string {
	if p.lang == EN {
		return t.EN
	}
	return t.ZH
}

// state names a state; one of another workflow by its id.
func (p caseProse) state(s notice.State) string {
	if info, ok := p.w.State(s); ok {
		return p.of(info.Name)
	}
	return string(s)
}

func (p caseProse) event(e string) string {
	for _, t := range p.w.Transitions {
		if t.Event == e {
			return p.of(t.Name)
		}
	}
	if e == "open" {
		return p.tell("立案", "opened")
	}
	return e
}

func (p caseProse) deadline(id string) string {
	for _, t := range p.w.Deadlines {
		if t.ID == id {
			return p.of(t.Name)
		}
	}
	return id
}

func (p caseProse) role(r notice.Role) string {
	names := map[notice.Role][2]string{
		notice.Sysadmin: {"系统管理员", "system administrator"}, notice.Secadmin: {"安全管理员", "security administrator"}, notice.Auditor: {"审计员", "auditor"},
		notice.Cloudadmin: {"云管理员", "cloud administrator"}, notice.Supervisor: {"主管部门", "supervising authority"}, notice.Finance: {"财务", "finance"},
		notice.Dept: {"使用单位", "department"}, notice.Viewer: {"只读", "viewer"}, notice.System: {"系统", "the program"},
	}
	n, ok := names[r]
	switch {
	case !ok:
		return string(r)
	case p.lang == EN:
		return n[1]
	}
	return n[0]
}

// proposal is what a case proposes: release, or from one size to another.
func (p caseProse) proposal(c notice.Case) string {
	now := c.Cited.Recommendation.Current
	what := name(p.prose, actionNames, c.Action)
	size := p.spec(now.VCPU, now.MemoryGiB, now.StorageGiB)
	if c.Target == nil || c.Action == recommender.Release {
		return strings.TrimSpace(what + " " + size)
	}
	return strings.TrimSpace(what + " " + size + " → " + p.spec(c.Target.VCPU, c.Target.MemoryGiB, c.Target.StorageGiB))
}

// next is the deadline that ends first, or was missed first: what is late stays in sight.
// None where nothing runs.
func next(c notice.Case) (notice.Deadline, bool) {
	if len(c.Deadlines) == 0 {
		return notice.Deadline{}, false
	}
	return slices.MinFunc(c.Deadlines, func(a, b notice.Deadline) int { return cmp.Compare(a.Due, b.Due) }), true
}

// waits is for whom a case waits: whose deadline it is, else who may take it onward by the
// first step that needs no ground, as those that end a case early do.
func (p caseProse) waits(c notice.Case) string {
	if d, ok := next(c); ok {
		return p.role(d.Of)
	}
	at := func(s notice.State) int {
		return slices.IndexFunc(p.w.States, func(i notice.StateInfo) bool { return i.ID == s })
	}
	for _, t := range p.w.Transitions {
		onward := t.Needs.Reason == "" && slices.Contains(t.From, c.State) && at(t.To) > at(c.State)
		for _, r := range t.By {
			if onward && r != notice.System {
				return p.role(r)
			}
		}
	}
	return ""
}

// WriteCases lists cases for a terminal: those whose deadline is nearest first.
func WriteCases(w io.Writer, cs Cases, lang Lang) error {
	p := cs.prose(lang)
	t := &page{w: bufio.NewWriter(w)}
	if len(cs.Cases) == 0 {
		t.paragraph("", p.sentences([]string{p.tell("没有符合条件的案卷；审计后用 `yunjian notice sync` 为已确认的建议立案；已结案的用 `--all` 列出", "No such case; after an audit `yunjian notice sync` opens one for each piece of advice that is ready; `--all` lists those that have ended, too")}))
		return t.w.Flush()
	}
	x := table{columns: []column{
		{title: p.tell("案卷", "Case"), in: everywhere}, {title: p.tell("状态", "State"), in: everywhere, width: 16}, {title: p.tell("单位", "Department"), in: everywhere, width: 20},
		{title: p.tell("资源", "Resource"), in: everywhere, width: 24}, {title: p.tell("处置", "Proposed"), in: everywhere, width: 26}, {title: p.tell("期限", "Due"), in: everywhere}, {title: p.tell("待办方", "Waits for"), in: everywhere, width: 14},
		{title: p.tell("文号", "Document"), in: everywhere}, // commands ask for it: never cut
	}}
	sorted := slices.Clone(cs.Cases)
	due := func(c notice.Case) string {
		d, _ := next(c)
		return cmp.Or(d.Due, "9999")
	}
	slices.SortStableFunc(sorted, func(a, b notice.Case) int {
		return cmp.Or(cmp.Compare(due(a), due(b)), cmp.Compare(a.Department, b.Department), cmp.Compare(a.ID, b.ID))
	})
	states, late := map[notice.State]int{}, 0
	for _, c := range sorted {
		states[c.State]++
		d, running := next(c)
		until := orDash(d.Due)
		if running && !d.Passed.IsZero() {
			late++
			until = text(d.Due + p.tell(" 逾期", " late"))
		}
		x.rows = append(x.rows, []cell{
			text(c.ID[:min(8, len(c.ID))]), text(p.state(c.State)), text(clean(c.Department)), text(clean(cmp.Or(c.Cited.Recommendation.Name, c.ResourceID))), text(p.proposal(c)), until, orDash(p.waits(c)), orDash(clean(c.Document)),
		})
	}
	var counts []string
	for _, s := range cs.Workflow.States {
		if n := states[s.ID]; n > 0 {
			counts = append(counts, fmt.Sprintf("%s %d", p.of(s.Name), n))
		}
	}
	overdue := ""
	if late > 0 {
		overdue = p.tell("；其中逾期 %d", "; overdue %d", late)
	}
	t.paragraph("", p.tell("案卷%d件：%s", "%d case(s): %s", len(sorted), p.join(counts))+overdue)
	t.line("")
	t.table(x, p.prose)
	return t.w.Flush()
}

// WriteCase tells one case for a terminal: what it stands on, what ran and runs, what
// happened, and what an actor may do now.
func WriteCase(w io.Writer, cs Cases, c notice.Case, by notice.Actor, lang Lang) error {
	p := cs.prose(lang)
	t := &page{w: bufio.NewWriter(w)}
	rec := c.Cited.Recommendation
	t.line(spread(p.tell("案卷 %s", "Case %s", c.ID), p.state(c.State), textWidth))
	t.line(strings.Repeat("=", textWidth))
	facts := [][2]string{
		{p.tell("资源", "Resource"), clean(rec.Name) + p.parenthesized(clean(c.ResourceID))},
		{p.tell("单位", "Department"), clean(c.Department)}, {p.tell("应用", "Application"), clean(c.Application) + p.parenthesized(clean(c.Cited.AppCode))},
		{p.tell("处置", "Proposed"), p.proposal(c)},
		{p.tell("依据", "Stands on"), p.tell("策略 %s@%s，数据截至 %s", "policy %s@%s, data as of %s", c.Cited.Policy.ID, c.Cited.Policy.Version, p.minute(c.Cited.AsOf))},
		{p.tell("事由", "Reasons"), p.reasons(rec.Reasons)},
		{p.tell("流程", "Workflow"), p.of(cs.Workflow.Name) + " " + c.Workflow},
	}
	if rec.SavingKnown {
		facts = append(facts, [2]string{p.tell("预估年节约", "A year saved"), p.yuan(rec.AnnualSaving)})
	} else {
		facts = append(facts, [2]string{p.tell("预估年节约", "A year saved"), p.say(msgUnknown)})
	}
	if c.Document != "" {
		facts = append(facts, [2]string{p.tell("文号", "Document"), clean(c.Document)})
	}
	if c.Planned != "" {
		facts = append(facts, [2]string{p.tell("拟实施", "Planned"), c.Planned})
	}
	if e := c.Exemption; e != nil {
		cost := p.say(msgUnknown)
		if a, ok := c.MonthlyCost(); ok {
			cost = p.yuan(a)
		}
		facts = append(facts, [2]string{p.tell("豁免", "Exemption"), p.tell("%s，至%s，每月费用%s", "%s, until %s, costs %s a month", p.reasonOf("", e.Reason), e.Expires, cost)})
	}
	width := 0
	for _, f := range facts {
		width = max(width, cond.StringWidth(f[0]))
	}
	for _, f := range facts {
		if strings.TrimSpace(f[1]) != "" {
			t.paragraph(pad(f[0], width, false)+"  ", f[1])
		}
	}
	section := func(title string) {
		t.line("")
		t.line(title)
		t.line(strings.Repeat("-", textWidth))
	}
	if len(c.Deadlines) > 0 {
		section(p.tell("期限", "Deadlines"))
		for _, d := range c.Deadlines {
			state := p.tell("至%s", "until %s", d.Due)
			if !d.Passed.IsZero() {
				state = p.tell("已于%s届满", "passed, last day %s", d.Due)
			}
			line := p.deadline(d.ID) + "  " + state + "  " + p.role(d.Of)
			if len(d.Unset) > 0 {
				line += "  " + p.tell("（法定节假日数据缺失，按周末推算：%s）", "(holidays unknown, weekends alone: %s)", p.years(d.Unset))
			}
			t.paragraph("", line)
		}
	}
	if len(c.Checklist) > 0 {
		section(p.tell("清单", "Checklist"))
		for _, i := range c.Checklist {
			mark, detail := "[ ] ", ""
			if !i.At.IsZero() {
				mark, detail = "[x] ", fmt.Sprintf("  %s  %s  %s  %s", clean(i.Owner), clean(i.Evidence), i.By, p.date(i.At))
			}
			label := i.ID
			for _, x := range cs.Workflow.Checklist {
				if x.ID == i.ID {
					label = p.of(x.Name)
				}
			}
			t.paragraph(mark, label+p.parenthesized(i.ID)+detail)
		}
	}
	section(p.tell("经过", "What happened"))
	for _, s := range c.History {
		t.paragraph(fmt.Sprintf("%2d. ", s.Seq), p.step(c, s))
	}
	section(p.tell("%s 现在可以做", "%s may now", p.role(by.Role)))
	may := cs.Workflow.Allowed(c, by)
	if len(may) == 0 {
		t.line(p.tell("没有", "do nothing"))
	}
	for _, x := range may {
		t.paragraph("- ", fmt.Sprintf("%s (%s)%s", p.of(x.Name), x.Event, p.needs(x.Needs)))
	}
	return t.w.Flush()
}

func (p caseProse) step(c notice.Case, s notice.Step) string {
	parts := []string{p.minute(s.At), p.event(s.Event), p.role(s.Role) + " " + clean(s.By)}
	if s.To != s.From {
		parts = append(parts, "→ "+p.state(s.To))
	}
	out := strings.Join(parts, "  ")
	var more []string
	if s.Reason != "" {
		more = append(more, p.reasonOf(s.Event, s.Reason))
	}
	if s.Note != "" {
		more = append(more, clean(s.Note))
	}
	if s.Target != nil {
		more = append(more, p.spec(s.Target.VCPU, s.Target.MemoryGiB, s.Target.StorageGiB))
	}
	if s.Planned != "" {
		more = append(more, p.tell("拟于%s实施", "planned for %s", s.Planned))
	}
	if s.Expires != "" {
		more = append(more, p.tell("至%s", "until %s", s.Expires))
	}
	if s.Document != "" {
		more = append(more, clean(s.Document))
	}
	for _, e := range s.Evidence {
		more = append(more, p.tell("证明：%s", "evidence: %s", clean(e.Name)))
	}
	for _, i := range s.Items {
		more = append(more, fmt.Sprintf("%s: %s, %s", i.ID, clean(i.Owner), clean(i.Evidence)))
	}
	for _, r := range s.Seen {
		more = append(more, p.seen(c, r.Code, r.Detail, r.Value, r.Limit))
	}
	if len(more) > 0 {
		out += "  " + p.clauses(more)
	}
	return out
}

// seen says what a recheck found: a code with the present value and the one cited.
func (p caseProse) seen(c notice.Case, code, detail string, now, cited *float64) string {
	switch {
	case code == notice.SeenAbsent:
		return p.tell("清单已读全，资源不再出现", "the listing was read to the end and holds it no more")
	case code == notice.SeenVerdict:
		return p.tell("现判定为%s", "is now judged %s", p.verdict(detail, c.Kind))
	case now != nil && cited != nil:
		return fmt.Sprintf("%s %s → %s", code, trim(*cited, 2), trim(*now, 2))
	case detail != "":
		return code + " " + clean(detail)
	}
	return code
}

func (p caseProse) verdict(v string, _ cloud.Kind) string {
	for k, m := range verdictNames {
		if string(k) == v {
			return p.say(m)
		}
	}
	return v
}

// reasonOf names a ground as the list of its event does: that somebody objects because
// it is in use is not yet found to be so.
func (p caseProse) reasonOf(event, id string) string {
	for _, t := range p.w.Transitions {
		if t.Event != event || t.Needs.Reason == "" {
			continue
		}
		for _, r := range p.w.ReasonsOf(t.Needs.Reason) {
			if r.ID == id {
				return p.of(r.Name)
			}
		}
	}
	for _, l := range p.w.Reasons {
		for _, r := range l.Reasons {
			if r.ID == id {
				return p.of(r.Name)
			}
		}
	}
	for _, r := range p.w.ReasonsOf("exemption") {
		if r.ID == id {
			return p.of(r.Name)
		}
	}
	return id
}

// needs says what a transition asks for, by the flags that give it.
func (p caseProse) needs(n notice.Needs) string {
	var out []string
	add := func(want bool, flag string) {
		if want {
			out = append(out, flag)
		}
	}
	if n.Reason != "" {
		var ids []string
		for _, r := range p.w.ReasonsOf(n.Reason) {
			ids = append(ids, r.ID+" "+p.of(r.Name))
		}
		out = append(out, "--reason ("+strings.Join(ids, ", ")+")")
	}
	add(n.Note, "--note")
	add(n.Evidence, "--evidence")
	add(n.Target, "--target")
	add(n.Planned, "--planned")
	add(n.Expires, "--expires")
	add(n.Document, "--document")
	add(n.Items, "--item")
	for _, c := range n.Checklist {
		out = append(out, "--item "+c+"=…")
	}
	if n.Passed != "" {
		out = append(out, p.tell("须待%s届满", "after %s has passed", p.deadline(n.Passed)))
	}
	if len(out) == 0 {
		return ""
	}
	return p.tell("：", ": ") + strings.Join(out, ", ")
}

// left says how many working days are left of a deadline.
func (p caseProse) left(days int) string {
	switch {
	case days == 0:
		return p.tell("今天到期", "due today")
	case days < 0:
		return p.tell("已逾期%d个工作日", "%d working day(s) overdue", -days)
	}
	return p.tell("还有%d个工作日", "%d working day(s) left", days)
}

// WriteReminders writes what is due to be said today, a digest for each who is reminded.
func WriteReminders(w io.Writer, cs Cases, reminders []notice.Reminder, lang Lang) error {
	p := cs.prose(lang)
	t := &page{w: bufio.NewWriter(w)}
	if len(reminders) == 0 {
		t.paragraph("", p.sentences([]string{p.tell("今天没有要提醒的", "There is nobody to remind today")}))
	}
	for i, r := range reminders {
		if i > 0 {
			t.line("")
		}
		to := p.role(r.To.Role)
		for _, more := range []string{r.To.Department, r.To.Person} {
			if more != "" {
				to += " " + clean(more)
			}
		}
		t.line(p.tell("致 %s：%d件", "To %s: %d", to, len(r.Cases)))
		for _, c := range r.Cases {
			t.paragraph("- ", fmt.Sprintf("%s  %s  %s  %s %s，%s", c.CaseID[:min(8, len(c.CaseID))], clean(cmp.Or(c.Name, c.ResourceID)), p.state(c.State), p.deadline(c.Deadline), c.Due, p.left(c.WorkingDays)))
		}
	}
	return t.w.Flush()
}
