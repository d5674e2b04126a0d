package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/notice"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

//go:embed notice.html.tmpl
var noticeTemplate string

// noticePage is a notice as it prints, like an official document (公文).
type noticePage struct {
	Lang, Number, Version, Title, To, Issuer, Signer, Signed, TableTitle string
	Paragraphs, Notes, Columns                                           []string
	Rows                                                                 [][]noticeCell
}

type noticeCell struct {
	Text   string
	Number bool
}

// WriteNotice renders a notice: HTML that prints on A4, or text.
func WriteNotice(w io.Writer, n notice.Notice, workflow notice.Workflow, loc *time.Location, f Format, lang Lang) error {
	code, err := n.Code()
	if err != nil {
		return err
	}
	p := caseProse{prose{lang: lang, loc: loc}, workflow}
	page := p.page(n, code)
	switch f {
	case HTML:
		t, err := template.New("notice").Parse(noticeTemplate)
		if err != nil {
			return fmt.Errorf("parse the page of a notice: %w", err)
		}
		return t.Execute(w, page)
	case Text:
		return page.text(w, p)
	}
	return fmt.Errorf("a notice has no format %q: want text or html", f)
}

func (p caseProse) page(n notice.Notice, code notice.Code) noticePage {
	page := noticePage{
		Lang: string(p.lang), Number: n.Number, Title: clean(n.Title), To: clean(n.Department) + p.tell("：", ":"),
		Issuer: clean(n.Issuer), Signer: clean(n.Signer), Signed: p.longDate(n.Signed),
		TableTitle: p.tell("附件：处置资源清单（共%d项）", "Annex: the resources (%d)", len(n.Lines)),
	}
	if p.lang == ZH {
		page.Lang = "zh-CN"
	}
	if n.Version > 1 && n.Replaces != nil {
		page.Version = p.tell("（第%d版，取代第%d版：%s）", "(version %d, in place of version %d: %s)", n.Version, n.Version-1, clean(n.Replaces.Why))
	}
	example := examplePrices(n)
	say := func(zh, en string, args ...any) { page.Paragraphs = append(page.Paragraphs, p.tell(zh, en, args...)) }
	policy := clean(n.Basis.Policy.ID) + " v" + clean(n.Basis.Policy.Version)
	say("依据%s（策略包%s），对贵单位云资源%s至%s（共%d天）的使用情况作了评估。", "By %s (policy %s) the use of your cloud resources from %s to %s (%d days) was evaluated.",
		p.cite(n.Basis.Source), policy, n.Window.From, n.Window.To, n.Window.Days)
	for _, c := range n.Basis.Clauses {
		say("依据文件：%s。", "Document: %s.", clean(c))
	}
	if n.Window.Coverage != nil {
		say("评估所用监测数据的覆盖率不低于%s。", "The data covers at least %s of that time.", percent(100**n.Window.Coverage))
	}
	for _, d := range n.Demands {
		saving := p.tell("预估每年可节约%s", "an estimated %s a year saved", p.yuan(d.AnnualSaving))
		if example {
			saving += p.say(msgExampleMark)
		}
		switch {
		case d.Unknown == d.Resources:
			saving = p.tell("可节约金额未知", "the saving is unknown")
		case d.Unknown > 0:
			saving += p.tell("（另有%d项金额未知）", " (of %d more it is unknown)", d.Unknown)
		}
		if later := prepaid(n, d.Action); later > 0 {
			saving += p.tell("（其中%d项合同期内不产生现金节约）", " (%d of them are paid for: no real money before the term ends)", later)
		}
		say("现请对附件所列%d个资源予以%s，可收回%s，%s。", "You are asked that %d resource(s) of the annex be treated as follows: %s; that gives back %s; %s.",
			d.Resources, name(p.prose, actionNames, d.Action), orNothing(p, p.size(d.Freed.VCPU, d.Freed.MemoryGiB, d.Freed.StorageGiB)), saving)
	}
	asks := p.asks(n)
	if t := asks.receipt; t.Within > 0 {
		say("请于签发后%d%s内签收。", "Please confirm that you have it within %d %s of its issue.", t.Within, p.termUnit(string(t.Unit)))
	}
	say("请于%s前（含当日，%d%s内）逐项反馈意见：同意（写明拟实施日期）、调整规格、申请豁免或提出异议；异议与豁免须附证明材料。", "Please answer each line by %s at the latest (within %d %s): agree, with the day on which it may be done, ask for another size, for an exemption, or object; an objection and an exemption want evidence.",
		p.longDate(n.Feedback.Due), n.Feedback.N, p.termUnit(string(n.Feedback.Unit)))
	if len(n.Feedback.Unset) > 0 {
		say("（%s年法定节假日数据缺失，按周末推算。）", "(The holidays of %s are unknown: counted by weekends.)", p.years(n.Feedback.Unset))
	}
	say("请将加盖公章的书面意见交联系人登记；有单位账号或答复链接的，也可在线提交。", "Send the contact your answer in writing, under seal, to be entered; with an account of your department or a link to answer it can be submitted online.")
	page.Paragraphs = append(page.Paragraphs, p.of(n.Silence))
	if example {
		page.Notes = append(page.Notes, p.say(msgExampleBanner))
	}
	page.Notes = append(page.Notes, asks.reasons...)
	for _, c := range n.Contacts {
		page.Notes = append(page.Notes, p.tell("联系人：%s，电话：%s", "Contact: %s, telephone: %s", clean(c.Name), clean(c.Phone)))
	}
	if len(n.CC) > 0 {
		page.Notes = append(page.Notes, p.tell("抄送：%s", "Copies: %s", clean(strings.Join(n.CC, p.tell("、", ", ")))))
	}
	page.Notes = append(page.Notes,
		p.tell("校验码：%s（yunjian notice verify %s %s）", "Verification code: %[1]s (yunjian notice verify %[2]s %[3]s)", code.Short, n.Number, code.Short),
		"SHA-256 "+code.SHA256,
		p.tell("评估依据的数字：%s；时限：%s（%s）。", "Numbers of the policy: %s; deadlines: %s (%s).", name(p.prose, confidenceNames, string(n.Basis.Confidence)), p.cite(n.Basis.Deadlines), clean(n.Basis.Workflow)))
	p.rows(n, &page)
	return page
}

// examplePrices reports whether a saving stands on the built-in example prices. A line
// names the book that priced it and no more.
func examplePrices(n notice.Notice) bool {
	book := price.Example().ID + "@"
	return slices.ContainsFunc(n.Lines, func(l notice.Line) bool { return l.SavingKnown && strings.HasPrefix(l.PriceBook, book) })
}

// prepaid is how many lines of an action save no money before a term that is paid for ends.
func prepaid(n notice.Notice, a recommender.Action) (lines int) {
	for _, l := range n.Lines {
		if l.Action == a && l.SavingKnown && (l.SavingNote == recommender.NotePrepaid || l.SavingFrom > n.Signed) {
			lines++
		}
	}
	return lines
}

// asked is what a workflow asks of whom a notice is issued to, beside the answer's last
// day, which the notice itself holds.
type asked struct {
	receipt notice.Term // within nothing: none is asked
	reasons []string    // a line for each answer that takes a ground
}

// asks is empty for a notice that was issued under another workflow.
func (p caseProse) asks(n notice.Notice) (out asked) {
	if n.Basis.Workflow != p.w.Ref() {
		return out
	}
	issued := map[notice.State]bool{}
	for _, t := range p.w.Transitions {
		if !t.Needs.Document {
			continue
		}
		issued[t.To] = true
		for _, id := range t.Starts {
			i := slices.IndexFunc(p.w.Deadlines, func(d notice.Term) bool { return d.ID == id && d.Of == notice.Dept })
			if i >= 0 && (p.w.Deadlines[i].Within != n.Feedback.N || p.w.Deadlines[i].Unit != n.Feedback.Unit) {
				out.receipt = p.w.Deadlines[i]
			}
		}
	}
	for _, t := range p.w.Transitions {
		if t.Needs.Reason == "" || !slices.Contains(t.By, notice.Dept) || !slices.ContainsFunc(t.From, func(s notice.State) bool { return issued[s] }) {
			continue
		}
		var grounds []string
		for _, r := range p.w.ReasonsOf(t.Needs.Reason) {
			grounds = append(grounds, p.of(r.Name))
		}
		line := p.tell("“%s”的理由：%s", "Grounds to %s: %s", p.of(t.Name), p.join(grounds))
		if t.Needs.Expires {
			line += p.tell("；至多%d天", "; for %d days at most", int(policies.MaxExemption.Hours()/24))
		}
		out.reasons = append(out.reasons, line+p.tell("。", "."))
	}
	return out
}

// cite names a source, with the commas of the language.
func (p prose) cite(s policies.Source) string {
	return strings.ReplaceAll(clean(s.String()), ", ", p.tell("，", ", "))
}

// years are named one by one, never as Go prints a list.
func (p prose) years(list []int) string {
	var out []string
	for _, y := range list {
		out = append(out, strconv.Itoa(y))
	}
	return p.join(out)
}

func orNothing(p caseProse, s string) string {
	if s == "" {
		return p.tell("地址", "addresses")
	}
	return s
}

func (p prose) termUnit(u string) string {
	switch u {
	case "working_day":
		return p.tell("个工作日", "working days")
	case "month":
		return p.tell("个月", "months")
	}
	return p.tell("天", "days")
}

// longDate is a day as documents write it: 2026年11月24日.
func (p prose) longDate(s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return p.tell("%d年%d月%d日", "%d-%02d-%02d", t.Year(), int(t.Month()), t.Day())
}

// NoticeLine is one line of a notice in words.
type NoticeLine struct {
	Size     string // present
	Proposed string // the action, and the size that it leads to
	Why      string // utilization and reasons
	Saving   string // of a year
}

// TellLine words a line of a notice.
func TellLine(l notice.Line, lang Lang) NoticeLine {
	p := caseProse{prose: prose{lang: lang}}
	out := NoticeLine{
		Size: p.spec(l.Current.VCPU, l.Current.MemoryGiB, l.Current.StorageGiB), Proposed: p.proposed(l),
		Why: p.measured(l.Evidence) + p.tell("；", "; ") + p.reasons(l.Reasons), Saving: p.tell("年节约未知", "the yearly saving is unknown"),
	}
	if l.SavingKnown {
		out.Saving = p.tell("预估年节约 ", "saves about ") + group(l.AnnualSaving.String()) + p.tell(" 元", " yuan a year")
		if examplePrices(notice.Notice{Lines: []notice.Line{l}}) {
			out.Saving += p.say(msgExampleMark)
		}
	}
	return out
}

func (p caseProse) proposed(l notice.Line) string {
	out := name(p.prose, actionNames, l.Action)
	if l.Target != nil && l.Action != recommender.Stop {
		out += " → " + p.spec(l.Target.VCPU, l.Target.MemoryGiB, l.Target.StorageGiB)
	}
	return out
}

// rows fills the annex.
func (p caseProse) rows(n notice.Notice, page *noticePage) {
	for _, c := range [][2]string{
		{"序号", "No"}, {"案卷", "Case"}, {"资源", "Resource"}, {"类型", "Kind"}, {"IP", "IP"}, {"应用（编码）", "Application (code)"}, {"区", "Zone"}, {"当前规格", "Present size"},
		{"利用率", "Utilization"}, {"事由", "Why"}, {"建议", "Proposed"}, {"拟释放", "Gives back"}, {"预估年节约（元）", "A year saved (yuan)"}, {"风险", "Risk"},
	} {
		page.Columns = append(page.Columns, p.tell(c[0], c[1]))
	}
	for _, l := range n.Lines {
		saving := p.say(msgUnknown)
		if l.SavingKnown {
			saving = group(l.AnnualSaving.String())
		}
		proposed := p.proposed(l)
		page.Rows = append(page.Rows, []noticeCell{
			{fmt.Sprint(l.No), true}, {l.CaseID[:min(8, len(l.CaseID))], false}, {clean(l.Name) + p.parenthesized(clean(l.ResourceID)), false}, {name(p.prose, kindNames, l.Kind), false}, {clean(l.PrivateIP), false},
			{clean(l.Application) + p.parenthesized(clean(l.AppCode)), false}, {clean(l.Zone), false}, {p.spec(l.Current.VCPU, l.Current.MemoryGiB, l.Current.StorageGiB), false},
			{p.measured(l.Evidence), false}, {p.why(l), false}, {proposed, false}, {p.size(l.Freed.VCPU, l.Freed.MemoryGiB, l.Freed.StorageGiB), false}, {saving, true}, {l.RiskGrade, false},
		})
	}
}

// why is on what a line stands, and from when its saving is real money.
func (p caseProse) why(l notice.Line) string {
	out := []string{p.reasons(l.Reasons)}
	if l.SavingKnown && l.SavingNote != "" {
		out = append(out, name(p.prose, savingNotes, l.SavingNote))
	}
	if l.SavingKnown && l.SavingFrom != "" {
		out = append(out, p.say(msgSavingFrom, clean(l.SavingFrom)))
	}
	return p.clauses(out)
}

// measured is mean, p95 and peak of CPU and memory, as far as they are known.
func (p prose) measured(list []analyzer.Evidence) string {
	var out []string
	for _, e := range list {
		label := ""
		switch e.Metric {
		case cloud.CPUPercent:
			label = "CPU"
		case cloud.MemoryPercent:
			label = p.tell("内存", "memory")
		case cloud.DiskPercent:
			label = p.tell("存储", "storage")
		default:
			continue
		}
		out = append(out, fmt.Sprintf("%s %s/%s/%s", label, orUnknown(e.Mean), orUnknown(e.P95), orUnknown(e.Max)))
	}
	if len(out) == 0 {
		return "—"
	}
	return p.tell("均值/P95/峰值 ", "mean/p95/peak ") + p.clauses(out)
}

func orUnknown(v *float64) string {
	if v == nil {
		return "—"
	}
	return percent(*v)
}

// text lays the page out for a terminal.
func (x noticePage) text(w io.Writer, p caseProse) error {
	t := &page{w: bufio.NewWriter(w)}
	t.line(spread(x.Title, x.Number, textWidth))
	t.line(strings.Repeat("=", textWidth))
	if x.Version != "" {
		t.paragraph("", x.Version)
	}
	t.line(x.To)
	for _, s := range x.Paragraphs {
		t.paragraph(p.tell("　　", "  "), s)
	}
	t.line("")
	t.line(spread("", strings.TrimSpace(x.Issuer+"  "+x.Signer+"  "+x.Signed), textWidth))
	for _, s := range x.Notes {
		t.paragraph("", s)
	}
	t.line("")
	t.line(x.TableTitle)
	tab := table{}
	for i, c := range x.Columns {
		col := column{title: c, in: everywhere, width: 18, fold: true}
		if i == 4 || i == 6 { // addresses and zones have room on paper alone
			col.in = paper &^ inText
		}
		tab.columns = append(tab.columns, col)
	}
	for _, r := range x.Rows {
		var cells []cell
		for _, c := range r {
			cells = append(cells, orDash(c.Text))
		}
		tab.rows = append(tab.rows, cells)
	}
	t.table(tab, p.prose)
	return t.w.Flush()
}
