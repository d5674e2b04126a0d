package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

func TestDocumentNumbers(t *testing.T) {
	d, err := ParseDocumentNumber("浙财云通〔2026〕12号")
	if err != nil || d != (DocumentNumber{"浙财云通", 2026, 12}) || d.String() != "浙财云通〔2026〕12号" {
		t.Errorf("%+v, %v", d, err)
	}
	if a, b := d.Next(2026).String(), d.Next(2027).String(); a != "浙财云通〔2026〕13号" || b != "浙财云通〔2027〕1号" {
		t.Errorf("next are %s and %s", a, b)
	}
	for _, s := range []string{"", "浙财云通[2026]12号", "浙财云通（2026）12号", "浙财云通〔2026〕012号", "浙财云通〔2026〕0号", "〔2026〕12号", "浙〔2026〕12号", "浙财云通〔26〕12号", "浙财云通〔2026〕12", "浙财云通〔1999〕12号", "浙财云通〔2026〕123456号", "Zj〔2026〕1号"} {
		if d, err := ParseDocumentNumber(s); err == nil {
			t.Errorf("%q was read as %+v", s, d)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := DocumentNumber{rapid.StringMatching(`[一-龥]{2,12}`).Draw(t, "prefix"), rapid.IntRange(2000, 2100).Draw(t, "year"), rapid.IntRange(1, 99999).Draw(t, "number")}
		if got, err := ParseDocumentNumber(d.String()); err != nil || got != d {
			t.Fatalf("%s: %+v, %v", d, got, err)
		}
	})
}

// pack is a policy as far as a notice names it.
func pack() policies.Pack {
	return policies.Pack{
		ID: "our-policy", Version: "4", SHA256: strings.Repeat("0f", 32), Confidence: policies.Practice,
		Source: policies.Source{Title: "政务云资源管理细则", Issuer: "省财政厅", Date: "2024-05"},
	}
}

// batch is three cases that are drafted: a release, a downsize of unknown price, a
// disk.
func batch(t testing.TB, w Workflow) []Case {
	t.Helper()
	p := pack()
	var out []Case
	for i, o := range []Opening{opening(recommender.Release, cloud.Instance), opening(recommender.Downsize, cloud.Instance), opening(recommender.Release, cloud.Disk)} {
		id := fmt.Sprintf("i-000%d", i+1)
		o.Policy = PolicyRef{ID: p.ID, Version: p.Version, SHA256: p.SHA256}
		o.Recommendation.ID, o.Recommendation.ResourceID, o.Finding.ResourceID, o.Resource.ID = "rec"+id, id, id, id
		if i == 1 {
			o.Recommendation.SavingKnown, o.Recommendation.AnnualSaving, o.Recommendation.Pricing = false, yuan("0"), nil
			o.Finding.Coverage = ptr(0.91)
		}
		c, err := w.Open(o, on("2026-01-15"), builtin)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, must(t, w, must(t, w, c, "confirm", on("2026-01-16")), "draft", on("2026-01-16")))
	}
	return out
}

func draft() Draft {
	return Draft{
		Number: DocumentNumber{"浙财云通", 2026, 12}, CC: []string{"省大数据局"}, Issuer: "省财政厅信息中心", Signer: "李四",
		Clauses: []string{"《浙江省财政厅政务云资源管理细则》"}, Contacts: []Contact{{"王五", "0571-0000"}}, Policy: pack(), Mask: true,
	}
}

func noticed(t testing.TB) Notice {
	t.Helper()
	w := workflow(t, DefaultWorkflow)
	n, err := w.NewNotice(draft(), batch(t, w), on("2026-02-13"), builtin)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNoticeIsTheSameBytes: what was issued can be recomputed by anybody, at any
// time.
func TestNoticeIsTheSameBytes(t *testing.T) {
	n := noticed(t)
	text, err := n.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	code, err := n.Code()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "notice.canonical.golden"), string(text))
	golden(t, filepath.Join("testdata", "notice.code.golden"), code.Short+"\n"+code.SHA256+"\n")
	_, body, _ := bytes.Cut(text, []byte("\n"))
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "notice.json.golden"), pretty.String()+"\n")

	var back Notice
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if again, err := back.Canonical(); err != nil || !bytes.Equal(text, again) {
		t.Errorf("read back and written again it differs: %v", err)
	}
}

func TestNoticeSaysWhatIsDemanded(t *testing.T) {
	n := noticed(t)
	if n.Feedback.Due != "2026-03-05" || n.Feedback.N != 10 || n.Feedback.Unset != nil || n.Title != TitleMixed {
		t.Errorf("%+v, %s", n.Feedback, n.Title)
	}
	want := []Demand{
		{Action: recommender.Release, Resources: 2, Freed: Size{16, 64, 200}, AnnualSaving: yuan("32040.00")},
		{Action: recommender.Downsize, Resources: 1, Freed: Size{4, 16, 0}, Unknown: 1},
	}
	if diff := cmp.Diff(want, n.Demands); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n.Window.Days != 30 || n.Window.Coverage == nil || *n.Window.Coverage != 0.91 || n.Lines[0].PrivateIP != "10.20.3.*" {
		t.Errorf("%+v, %s", n.Window, n.Lines[0].PrivateIP)
	}
	if !strings.Contains(n.Silence.ZH, "不反馈不视为同意") {
		t.Error("the notice does not say that silence is no consent")
	}
}

func TestVerify(t *testing.T) {
	n := noticed(t)
	code, err := n.Code()
	if err != nil {
		t.Fatal(err)
	}
	loose := strings.NewReplacer("-", " ", "0", "o", "1", "l").Replace(strings.ToLower(code.Short))
	for _, typed := range []string{code.Short, code.SHA256, strings.ToUpper(code.SHA256), loose, " " + strings.ReplaceAll(code.Short, "-", "") + " "} {
		if err := Verify(n, typed); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for name, change := range map[string]func(*Notice){
		"a day more": func(n *Notice) { n.Feedback.Due = "2026-03-06" },
		"a cent":     func(n *Notice) { n.Lines[0].AnnualSaving = yuan("16020.01") },
		"a signer":   func(n *Notice) { n.Signer = "李四 " },
		"a version":  func(n *Notice) { n.Version++ },
	} {
		other := noticed(t)
		change(&other)
		for _, typed := range []string{code.Short, code.SHA256} {
			if err := Verify(other, typed); !errors.Is(err, ErrNotThis) {
				t.Errorf("%s: %v, want ErrNotThis", name, err)
			}
		}
	}
	if err := Verify(n, "3F7K"); err == nil || err.Error() != "verify: found a code of 4 characters, want 16, such as 3F7K-0C2M-9QWE-71AB, or 64 hexadecimal digits" {
		t.Error(err)
	}
}

func TestCorrectionIsAnotherVersion(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	cases := batch(t, w)
	first, err := w.NewNotice(draft(), cases, on("2026-02-13"), builtin)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		cases[i] = must(t, w, cases[i], "issue", on("2026-02-13"))
		if cases[i].Deadlines[1].Due != first.Feedback.Due {
			t.Errorf("the case runs to %s, the notice says %s", cases[i].Deadlines[1].Due, first.Feedback.Due)
		}
	}
	before, _ := first.Code()
	d := draft()
	d.Contacts = []Contact{{"赵六", "0571-0001"}}
	next, err := w.NewNotice(d, cases[:2], on("2026-02-14"), builtin)
	if err != nil {
		t.Fatal(err)
	}
	second, err := first.Correct(next, "联系人有误")
	if err != nil {
		t.Fatal(err)
	}
	if second.Version != 2 || *second.Replaces != (Replaced{1, before.SHA256, "联系人有误"}) || second.Feedback.Due != first.Feedback.Due {
		t.Errorf("version %d, %+v, %+v", second.Version, second.Replaces, second.Feedback)
	}
	if after, _ := first.Code(); after != before || Verify(second, before.Short) == nil {
		t.Error("the first version changed, or its code fits the second")
	}
	if _, err := first.Correct(next, " "); err == nil {
		t.Error("corrected without saying why")
	}
	next.Number = "浙财云通〔2026〕13号"
	if _, err := first.Correct(next, "x"); err == nil {
		t.Error("corrected by another number")
	}
}

func TestNoticesThatCannotBe(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	cases := batch(t, w)
	cases[1].Department, cases[2].State = "省水利厅", "confirmed"
	d := Draft{Number: DocumentNumber{"x", 2026, 1}, Contacts: []Contact{{Name: "a"}}}
	_, err := w.NewNotice(d, append(cases, cases[0]), on("2026-02-13"), builtin)
	want := `make notice: check document number: prefix "x": want 2 to 12 Chinese characters
issuer: want a name
signer: want a name
contacts: want at least one, each with name and phone
case ` + cases[1].ID + ` is of another department than case ` + cases[0].ID + `: want one notice a department
case ` + cases[2].ID + ` cannot be issued in the state confirmed, which allows dismiss, draft, withdraw
case ` + cases[0].ID + ` is given twice
policy @ is not the one that the cases cite, our-policy@4`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := w.NewNotice(draft(), nil, on("2026-02-13"), builtin); err == nil || err.Error() != "make notice: cases: want at least one" {
		t.Error(err)
	}
	cases = batch(t, w)
	cases[0].Department = ""
	if _, err := w.NewNotice(draft(), cases[:1], on("2026-02-13"), builtin); err == nil || !strings.Contains(err.Error(), "has no department") {
		t.Error(err)
	}
}

// A notice of the Chongqing chain runs a month.
func TestChongqingNotice(t *testing.T) {
	w := workflow(t, "cq-2021")
	p := pack()
	o := opening(recommender.Release, cloud.Instance)
	o.Policy = PolicyRef{p.ID, p.Version, p.SHA256}
	c, err := w.Open(o, on("2026-01-30"), builtin)
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.NewNotice(draft(), []Case{c}, on("2026-01-31"), builtin)
	if err != nil || n.Feedback.Due != "2026-02-28" || n.Feedback.Unit != calendar.Months || n.Title != TitleRelease {
		t.Errorf("%+v, %s, %v", n.Feedback, n.Title, err)
	}
}

// One line without a coverage leaves the whole without one: the least is not known.
func TestCoverageOfAll(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	cases := batch(t, w)
	cases[0].Cited.Finding.Window.From = on("2025-12-01")
	cases[1].Cited.Finding.Coverage = nil
	n, err := w.NewNotice(draft(), cases, on("2026-02-13"), builtin)
	if err != nil || n.Window.Coverage != nil || n.Window.From != "2025-12-01" || n.Window.Days != 44 {
		t.Errorf("%+v, %v", n.Window, err)
	}
}

// replies is an answer to the batch, a line of each sort.
func replies(n Notice) Acknowledgement {
	return Acknowledgement{
		ReceivedBy: "周七", ReceivedAt: on("2026-02-14"), ConfirmedBy: "吴八", Handler: "周七", Phone: "0571-0002", Address: "10.9.8.7",
		Lines: []AnswerLine{
			{CaseID: n.Lines[2].CaseID, Answer: Object, Reason: "in_use", Evidence: []Evidence{{Name: "说明.pdf"}}},
			{CaseID: n.Lines[0].CaseID, Answer: AgreeRelease, Planned: "2026-03-20", Window: "22:00–24:00", Backup: &Backup{"快照", "周七", 90}, Wipe: "三次覆写"},
			{CaseID: n.Lines[1].CaseID, Answer: Resize, Reason: "peak_expected", Note: "六月申报", Target: &recommender.Spec{VCPU: 6, MemoryGiB: 24, StorageGiB: 100}},
		},
	}
}

func TestAnswer(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	n := noticed(t)
	at := on("2026-02-24")
	a, err := n.Answer(replies(n), nil, person(Dept), at)
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != 1 || a.Department != finBureau || a.Lines[0].CaseID != n.Lines[0].CaseID || len(a.Changed) != 3 || !a.SubmittedAt.Equal(at) {
		t.Errorf("%+v", a)
	}
	cases := map[string]Case{}
	for _, c := range batch(t, w) {
		cases[c.ID] = must(t, w, c, "issue", on("2026-02-13"))
	}
	var states []State
	apply := func(a Acknowledgement) {
		t.Helper()
		states = nil
		for _, e := range a.Events() {
			next, err := w.Apply(cases[e.CaseID], e.Event, builtin)
			if err != nil {
				t.Fatal(err)
			}
			cases[e.CaseID] = next
			states = append(states, next.State)
		}
	}
	apply(a)
	if diff := cmp.Diff([]State{"agreed", "countered", "objected"}, states); diff != "" {
		t.Error(diff)
	}
	before, _ := a.Code()

	change := replies(n)
	change.Lines[1] = AnswerLine{CaseID: n.Lines[0].CaseID, Answer: Exempt, Reason: "seasonal", Evidence: []Evidence{{Name: "批文"}}, Expires: "2026-07-10"}
	b, err := n.Answer(change, &a, person(Dept), at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if b.Version != 2 || b.Replaces != before.SHA256 || len(b.Changed) != 1 {
		t.Errorf("version %d replaces %s, changed %v", b.Version, b.Replaces, b.Changed)
	}
	apply(b)
	if diff := cmp.Diff([]State{"exemption_requested"}, states); diff != "" {
		t.Error(diff)
	}
	if after, _ := a.Code(); after != before {
		t.Error("the first version changed")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	n := noticed(t)
	at := on("2026-02-24")
	stranger := Actor{ID: "x", Role: Dept, Department: "省水利厅"}
	if _, err := n.Answer(replies(n), nil, stranger, at); !errors.Is(err, ErrDepartment) {
		t.Errorf("another department: %v", err)
	}
	if _, err := n.Answer(replies(n), nil, person(Cloudadmin), at); !errors.Is(err, ErrDepartment) {
		t.Errorf("the cloud: %v", err)
	}
	id := func(i int) string { return n.Lines[i].CaseID }
	bad := Acknowledgement{
		ReceivedAt: on("2026-02-25"), Scan: &Evidence{Name: "scan.pdf"},
		Lines: []AnswerLine{
			{CaseID: id(0), Answer: AgreeDownsize, Target: &recommender.Spec{VCPU: 1}, Expires: "2026-03-01", Backup: &Backup{}},
			{CaseID: id(1), Answer: "yes"}, {CaseID: id(1), Answer: Object}, {CaseID: "stray", Answer: Object},
		},
	}
	_, err := n.Answer(bad, nil, person(Dept), at)
	want := `answer 浙财云通〔2026〕12号: received_by: want a text
confirmed_by: want a text
handler: want a text
phone: want a text
received_at: want an instant up to that of the answer
scan: want the SHA-256 of the file in 64 hexadecimal digits
line 1, case ` + id(0) + `: answer agree_downsize: the notice proposes release
line 1, case ` + id(0) + `: target: only with the answer resize
line 1, case ` + id(0) + `: expires: only with the answer exempt
line 1, case ` + id(0) + `: backup: want method, owner and 1 to 3650 days to keep it
line 2, case ` + id(1) + `: 2 answers, want one
line 3, case ` + id(2) + `: 0 answers, want one
case stray is not one of this notice`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	bad.Lines = []AnswerLine{{CaseID: id(0), Answer: "yes"}}
	if _, err := n.Answer(bad, nil, person(Dept), at); err == nil || !strings.Contains(err.Error(), `answer "yes": want one of agree_release, agree_downsize, agree_stop, resize, exempt, object`) {
		t.Error(err)
	}
}

// A department writes the ground that it reads on its notice.
func TestGround(t *testing.T) {
	w, _ := WorkflowByID(DefaultWorkflow)
	for _, c := range []struct {
		a          Answer
		text, want string
	}{{Object, "仍在使用", "in_use"}, {Object, "still in use", "in_use"}, {Object, "in_use", "in_use"}, {Exempt, "灾备/备机", "standby"}, {Exempt, "仍在使用", "仍在使用"}, {AgreeRelease, "仍在使用", "仍在使用"}, {Object, "", ""}} {
		if got := w.Ground(c.a, c.text); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.a, c.text, got, c.want)
		}
	}
}
