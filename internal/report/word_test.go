package report

import (
	"strings"
	"testing"

	"yunjian/internal/send"
	"yunjian/notice"
	"yunjian/recommender"
)

func TestWord(t *testing.T) {
	flow, ok := notice.WorkflowByID(notice.DefaultWorkflow)
	if !ok {
		t.Fatal("no workflow")
	}
	cases := []notice.ReminderCase{
		{CaseID: "1", Department: "示例市财政局", Name: "web-01", WorkingDays: 3}, {CaseID: "2", Department: "示例市财政局", Name: "web-02"},
		{CaseID: "3", Department: "示例市水利局", ResourceID: "i-3"}, {CaseID: "4", Department: "示例市水利局", Name: "evil\nname"},
	}
	issued := notice.Word{To: notice.Recipient{Role: notice.Dept}, Event: "issue", Document: "浙财云通〔2026〕12号", Deadline: "receipt", Due: "2026-11-27", Cases: cases}
	late := notice.Word{To: notice.Recipient{Role: notice.Supervisor}, Event: "supervise", Cases: cases[3:]}
	long := late
	long.Cases = []notice.ReminderCase{{CaseID: "5", Name: strings.Repeat("长", 5000)}}
	for _, c := range []struct {
		word          notice.Word
		lang          Lang
		title, detail string
	}{
		{issued, ZH, "浙财云通〔2026〕12号：4 件，签发，签收期限还有3个工作日", "web-01、web-02、i-3等 4 项"},
		{issued, EN, "浙财云通〔2026〕12号: 4 cases, issue the notice, to receive: 3 working days left", "web-01, web-02, i-3 and 1 more"},
		{late, ZH, "案卷：1 件，督办", "示例市水利局：evil name"},
		{long, ZH, "案卷：1 件，督办", strings.Repeat("长", 63) + "…"},
		{late, EN, "Cases: 1 case, supervise", "示例市水利局: evil name"},
	} {
		if title, detail := Word(c.word, nil, flow, c.lang); title != c.title || detail != c.detail {
			t.Errorf("%q, %q; want %q, %q", title, detail, c.title, c.detail)
		}
	}
}

// The mail that a department gets when a notice goes out says what the paper says; a
// reminder says at least whom to call.
func TestWordOfANotice(t *testing.T) {
	flow, _ := notice.WorkflowByID(notice.DefaultWorkflow)
	n := notice.Notice{
		Number: "浙财云通〔2026〕1号", Title: notice.TitleRelease, Silence: flow.Silence, Feedback: notice.Feedback{Due: "2026-12-08"},
		Demands:  []notice.Demand{{Action: "release", Resources: 2}},
		Contacts: []notice.Contact{{Name: "张\n三", Phone: "0571-00000000"}},
		Lines:    []notice.Line{{Name: "旧数据盘", ResourceID: "d-1"}, {Name: "旧数据盘", ResourceID: "d-2"}},
	}
	w := notice.Word{To: notice.Recipient{Role: notice.Dept}, Event: "issue", Issued: true, Document: n.Number, Deadline: "receipt", Due: "2026-11-27",
		Cases: []notice.ReminderCase{{CaseID: "1", Name: "旧数据盘", WorkingDays: 3}, {CaseID: "2", Name: "旧数据盘"}}}
	for lang, want := range map[Lang][2]string{
		ZH: {"云资源释放通知书 浙财云通〔2026〕1号：2 件，请于 2026-12-08 前答复",
			"请对 2 个资源予以释放。旧数据盘（d-1）、旧数据盘（d-2）。签收期限 2026-11-27。请于 2026-12-08 前（含当日）逐项答复：同意、调整规格、申请豁免或提出异议，后两者附证明材料。依据、清单与理由见通知书。" + flow.Silence.ZH + "联系人：张 三 0571-00000000。"},
		EN: {"云资源释放通知书 浙财云通〔2026〕1号: 2 cases, to be answered by 2026-12-08",
			"You are asked that 2 resources be treated as follows: release. 旧数据盘 (d-1), 旧数据盘 (d-2). To receive: 2026-11-27. Please answer each line by 2026-12-08 at the latest: agree, ask for another size, for an exemption, or object, the last two with evidence. On what it stands, and the resources, are in the notice. " + flow.Silence.EN + " Contact: 张 三 0571-00000000."},
	} {
		if title, detail := Word(w, &n, flow, lang); title != want[0] || detail != want[1] {
			t.Errorf("%s:\n%q\n%q, want\n%q\n%q", lang, title, detail, want[0], want[1])
		}
	}
	w.Event, w.Issued, w.Deadline, w.Due = "", false, "answer", "2026-12-08"
	if _, detail := Word(w, &n, flow, ZH); detail != "旧数据盘、旧数据盘。请按通知书逐项答复。联系人：张 三 0571-00000000。" {
		t.Errorf("a reminder: %q", detail)
	}
}

// Whatever people write into a notice, the message has room for it: it goes out.
func TestWordOfALongNotice(t *testing.T) {
	flow, _ := notice.WorkflowByID(notice.DefaultWorkflow)
	long := strings.Repeat("长", 3000)
	n := notice.Notice{Number: long, Title: long, Silence: notice.Text{ZH: long, EN: long}, Contacts: make([]notice.Contact, 9), Lines: make([]notice.Line, 9)}
	for i := range n.Contacts {
		n.Contacts[i], n.Lines[i] = notice.Contact{Name: long, Phone: long}, notice.Line{Name: long, ResourceID: long}
	}
	for _, a := range []recommender.Action{"release", "downsize", "stop"} {
		n.Demands = append(n.Demands, notice.Demand{Action: a, Resources: 3})
	}
	for _, lang := range []Lang{ZH, EN} {
		title, detail := Word(notice.Word{Issued: true, Deadline: "receipt", Due: "2026-11-27", Cases: make([]notice.ReminderCase, 9)}, &n, flow, lang)
		i := send.Item{ID: "1", To: send.Recipient{Channel: "mail", Lang: "zh"}, Title: title, Detail: detail}
		if err := i.Check(); err != nil {
			t.Errorf("%s: %d and %d bytes: %v", lang, len(title), len(detail), err)
		}
	}
}
