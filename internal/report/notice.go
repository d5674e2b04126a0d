package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/notice"
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
	say := func(zh, en string, args ...any) { page.Paragraphs = append(page.Paragraphs, p.tell(zh, en, args...)) }
	policy := clean(n.Basis.Policy.ID) + " v" + clean(n.Basis.Policy.Version)
	say("依据%s（策略包%s），对贵单位云资源%s至%s（共%d天）的使用情况作了评估。", "By %s (policy %s) the use of your cloud resources from %s to %s (%d days) was evaluated.",
		clean(n.Basis.Source.String()), policy, n.Window.From, n.Window.To, n.Window.Days)
	for _, c := range n.Basis.Clauses {
		say("依据文件：%s。", "Document: %s.", clean(c))
	}
	if n.Window.Coverage != nil {
		say("评估所用监测数据的覆盖率不低于%s。", "The data covers at least %s of that time.", percent(100**n.Window.Coverage))
	}
	for _, d := range n.Demands {
		saving := p.tell("预估每年可节约%s", "an estimated %s a year saved", p.yuan(d.AnnualSaving))
		switch {
		case d.Unknown == d.Resources:
			saving = p.tell("可节约金额未知", "the saving is unknown")
		case d.Unknown > 0:
			saving += p.tell("（另有%d项金额未知）", " (of %d more it is unknown)", d.Unknown)
		}
		say("现请对附件所列%d个资源予以%s，可收回%s，%s。", "You are asked that %d resource(s) of the annex be treated as follows: %s; that gives back %s; %s.",
			d.Resources, name(p.prose, actionNames, d.Action), orNothing(p, p.size(d.Freed.VCPU, d.Freed.MemoryGiB, d.Freed.StorageGiB)), saving)
	}
	say("请于%s前（%d%s内）逐项反馈意见：同意、调整规格、申请豁免或提出异议；异议与豁免须附证明材料。", "Please answer each line by %s (within %d %s): agree, ask for another size, for an exemption, or object; an objection and an exemption want evidence.",
		p.longDate(n.Feedback.Due), n.Feedback.N, p.termUnit(string(n.Feedback.Unit)))
	if len(n.Feedback.Unset) > 0 {
		say("（%v年法定节假日数据缺失，按周末推算。）", "(The holidays of %v are unknown: counted by weekends.)", n.Feedback.Unset)
	}
	page.Paragraphs = append(page.Paragraphs, p.of(n.Silence))
	for _, c := range n.Contacts {
		page.Notes = append(page.Notes, p.tell("联系人：%s，电话：%s", "Contact: %s, telephone: %s", clean(c.Name), clean(c.Phone)))
	}
	if len(n.CC) > 0 {
		page.Notes = append(page.Notes, p.tell("抄送：%s", "Copies: %s", clean(strings.Join(n.CC, p.tell("、", ", ")))))
	}
	page.Notes = append(page.Notes,
		p.tell("校验码：%s（yunjian notice verify %s %s）", "Verification code: %[1]s (yunjian notice verify %[2]s %[3]s)", code.Short, n.Number, code.Short),
		"SHA-256 "+code.SHA256,
		p.tell("评估依据的数字：%s；时限：%s（%s）。", "Numbers of the policy: %s; deadlines: %s (%s).", name(p.prose, confidenceNames, string(n.Basis.Confidence)), clean(n.Basis.Deadlines.String()), clean(n.Basis.Workflow)))
	p.rows(n, &page)
	return page
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

// rows fills the annex.
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
			{p.measured(l.Evidence), false}, {p.reasons(l.Reasons), false}, {proposed, false}, {p.size(l.Freed.VCPU, l.Freed.MemoryGiB, l.Freed.StorageGiB), false}, {saving, true}, {l.RiskGrade, false},
		})
	}
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
