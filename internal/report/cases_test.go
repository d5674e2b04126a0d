package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"yunjian/notice"
)

// A department that objects because a machine is in use has not been found to be right.
func TestReasonsAreNamedByTheirEvent(t *testing.T) {
	flow, _ := notice.WorkflowByID(notice.DefaultWorkflow)
	p := caseProse{prose{lang: ZH}, flow}
	for event, want := range map[string]string{"object": "仍在使用", "dismiss": "经核实仍在使用"} {
		if got := p.reasonOf(event, "in_use"); got != want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
	if got := p.reasonOf("", "standby"); got != "灾备/备机" {
		t.Errorf("of an exemption: %q", got)
	}
}

// The list says what is late, for whom a case waits, and the document number in full:
// commands ask for it.
func TestWriteCases(t *testing.T) {
	flow, _ := notice.WorkflowByID(notice.DefaultWorkflow)
	number := "浙财云通〔2026〕1234号"
	list := Cases{Workflow: flow, Location: time.UTC, Cases: []notice.Case{
		{ID: "1", State: "drafted"}, {ID: "2", State: "confirmed"}, {ID: "3", State: "scheduled", Document: number}, {ID: "4", State: "closed"},
		{ID: "5", State: "notified", Document: number, Department: strings.Repeat("长", 20), Deadlines: []notice.Deadline{
			{ID: "receipt", Due: "2026-11-27", Of: notice.Dept, Passed: time.Now()}, {ID: "answer", Due: "2026-12-08", Of: notice.Dept}}},
		{ID: "6", State: "objected", Deadlines: []notice.Deadline{{ID: "review", Due: "2026-11-30", Of: notice.Supervisor}}},
	}}
	var b bytes.Buffer
	if err := WriteCases(&b, list, ZH); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(b.String()), "\n")
	if !strings.HasSuffix(rows[0], "；其中逾期 1") {
		t.Errorf("head %q", rows[0])
	}
	for i, want := range []string{"5 .* 2026-11-27 逾期 +使用单位 +" + number, "6 .* 2026-11-30 +主管部门 +—", "1 .* — +主管部门 +—", "2 .* — +云管理员 +—", "3 .* — +云管理员 +" + number, "4 .* — +— +—"} {
		if got := rows[len(rows)-6+i]; !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("row %q, want %s", got, want)
		}
	}
}
