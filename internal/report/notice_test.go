package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/notice"
	"yunjian/price"
	"yunjian/recommender"
)

// What a department reads on paper: what is asked and by when, on which grounds it may
// object, whom to call, and on which prices the saving stands.
func TestNoticeTellsTheDepartment(t *testing.T) {
	flow, ok := notice.WorkflowByID(notice.DefaultWorkflow)
	if !ok {
		t.Fatal("no workflow")
	}
	saved, err := price.NewAmount("1428.00", "CNY")
	if err != nil {
		t.Fatal(err)
	}
	line := notice.Line{No: 1, CaseID: "02b42cd2ba344083", ResourceID: "d-1", Kind: cloud.Disk, Action: recommender.Release,
		AnnualSaving: saved, SavingKnown: true, PriceBook: price.Example().Ref(), SavingNote: recommender.NotePrepaid, SavingFrom: "2027-11-16"}
	n := notice.Notice{
		Number: "浙财云通〔2026〕1号", Version: 1, Title: notice.TitleRelease, Department: "示例市财政局", Signed: "2026-11-24",
		Basis:    notice.Basis{Workflow: flow.Ref(), Deadlines: flow.Source},
		Demands:  []notice.Demand{{Action: recommender.Release, Resources: 1, Freed: notice.Size{StorageGiB: 100}, AnnualSaving: saved}},
		Feedback: notice.Feedback{Due: "2026-12-08", N: 10, Unit: calendar.WorkingDays, Unset: []int{2027, 2028}},
		Silence:  flow.Silence, Contacts: []notice.Contact{{Name: "张三", Phone: "0571-00000000"}}, Lines: []notice.Line{line},
	}
	text := func(n notice.Notice, f Format, lang Lang) string {
		t.Helper()
		var b bytes.Buffer
		if err := WriteNotice(&b, n, flow, time.UTC, f, lang); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(b.String()), "") // lines are folded
	}
	zh := []string{
		"请于签发后3个工作日内签收", "2026年12月8日前（含当日，10个工作日内）", "（2027、2028年法定节假日数据缺失", "加盖公章的书面意见交联系人登记", "联系人：张三，电话：0571-00000000",
		"“提出异议”的理由：仍在使用、", "“申请豁免”的理由：灾备/备机、", "至多180天", "1,428.00元（示例价格）", "合同期内不产生现金节约", "2027-11-16起产生现金节约", "不能作为预算、结算或考核依据", "不反馈不视为同意",
	}
	{
		got := text(n, HTML, ZH)
		for _, want := range zh {
			if !strings.Contains(got, strings.Join(strings.Fields(want), "")) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	}
	if got := text(n, Text, EN); !strings.Contains(got, "within3workingdays") || !strings.Contains(got, "Groundstoobject:stillinuse") || strings.Contains(got, "[2027") {
		t.Errorf("in English:\n%s", got)
	}
	own := n
	own.Lines = []notice.Line{line}
	own.Lines[0].PriceBook, own.Basis.Workflow = "contract@3", "another@1"
	got := text(own, HTML, ZH)
	for _, not := range []string{"示例价格", "签发后", "的理由"} { // prices of one's own, and a workflow that is not at hand
		if strings.Contains(got, not) {
			t.Errorf("%q in\n%s", not, got)
		}
	}
}
