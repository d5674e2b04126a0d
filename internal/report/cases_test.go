package report

import (
	"testing"

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
