package report

import (
	"strings"
	"testing"

	"yunjian/notice"
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
		if title, detail := Word(c.word, flow, c.lang); title != c.title || detail != c.detail {
			t.Errorf("%q, %q; want %q, %q", title, detail, c.title, c.detail)
		}
	}
}
