package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/journal"
	"yunjian/notice"
	"yunjian/ownership"
	"yunjian/recommender"
)

// newCase puts a case that was just opened.
func newCase(t *testing.T, d *Data, o CaseOptions, id string) {
	t.Helper()
	c, err := o.Workflow.Open(notice.Opening{
		Recommendation: recommender.Recommendation{ID: id, ResourceID: id, Kind: cloud.Instance, Department: "示例市财政局", Action: recommender.Release},
		Finding:        analyzer.Finding{ResourceID: id}, Resource: cloud.Resource{ID: id}, Round: 1,
	}, o.Now, o.Calendar)
	if err != nil {
		t.Fatal(err)
	}
	e := d.entry(t.Context(), journal.CasesSynced, journal.Object{Type: "cases"})
	if err := d.State.UpdateCases(e, func([]notice.Case) ([]notice.Case, error) { return []notice.Case{c}, nil }); err != nil {
		t.Fatal(err)
	}
}

func tellOptions(t *testing.T, now time.Time, recipients ...config.Recipient) TellOptions {
	t.Helper()
	w, ok := notice.WorkflowByID(notice.DefaultWorkflow)
	if !ok {
		t.Fatal("no workflow")
	}
	return TellOptions{
		CaseOptions: CaseOptions{Workflow: w, Calendar: calendar.Builtin(), Now: now},
		Config:      config.Config{Lang: "zh", Recipients: recipients},
		Write: func(w notice.Word, of *notice.Notice) (string, string) {
			if of != nil {
				return w.Event + w.Deadline, of.Number
			}
			return w.Event + w.Deadline, ""
		},
	}
}

// Whoever is told is noted with what he is told or not at all, and whoever has no address
// is told once he has one.
func TestTell(t *testing.T) {
	d := open(t)
	monday := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	o := tellOptions(t, monday)
	newCase(t, d, o.CaseOptions, "i-1")
	newCase(t, d, o.CaseOptions, "i-2")
	got, err := d.Tell(t.Context(), o)
	if err != nil || len(got.Words) != 0 || len(got.Unreached) != 1 || got.Unreached[0].Role != notice.Cloudadmin || got.Unreached[0].Cases != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if u, err := d.State.Unreached(); err != nil || !slices.Equal(u, got.Unreached) {
		t.Errorf("%+v are listed, %v", u, err)
	}
	o = tellOptions(t, monday, config.Recipient{Role: notice.Cloudadmin, Channel: "mail", Address: "a@b.example"}, config.Recipient{Role: notice.Cloudadmin, Channel: "group"})
	write := o.Write
	o.Write = func(notice.Word, *notice.Notice) (string, string) { return "two\nlines", "" }
	if got, err := d.Tell(t.Context(), o); err != nil || len(got.Words) != 0 || len(got.Unreached) != 1 || !strings.Contains(got.Unreached[0].Why, "one line") {
		t.Errorf("of an item of two lines: %+v, %v", got, err)
	}
	o.Write = write
	o.Now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) // a Sunday
	if got, err := d.Tell(t.Context(), o); err != nil || len(got.Words) != 0 {
		t.Errorf("told on a day off: %+v, %v", got, err)
	}
	o.Now = monday
	for _, want := range []int{1, 0} {
		if got, err = d.Tell(t.Context(), o); err != nil || len(got.Words) != want || len(got.Unreached) != 0 {
			t.Errorf("%+v, %v; want %d words", got, err, want)
		}
	}
	items, err := d.State.Items()
	if err != nil || len(items) != 2 || items[0].Title != "openconfirmation" || items[0].Due != "2026-11-30" {
		t.Errorf("%+v, %v", items, err)
	}
	if u, err := d.State.Unreached(); err != nil || len(u) != 0 {
		t.Errorf("%+v are listed although they were told, %v", u, err)
	}
}

// What an operator does of a message is on record, and what he tried in vain.
func TestMessagesMendedOnRecord(t *testing.T) {
	d := open(t)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	put(t, d, "mail", at, "a")
	ctx := journal.As(t.Context(), journal.CLI("zhang"))
	if err := d.RetryMessage(ctx, "a", at); err != nil {
		t.Error(err)
	}
	if err := d.DropMessage(ctx, "a", at); err != nil {
		t.Error(err)
	}
	if d.RetryMessage(ctx, "a", at) == nil || d.DropMessage(ctx, "nobody", at) == nil {
		t.Error("what was dropped is tried again")
	}
	var got []string
	if err := d.State.Journal(journal.Filter{}, func(e journal.Entry) error {
		got = append(got, strings.Join([]string{e.Action, e.Object.ID, string(e.Outcome), e.Details["channel"]}, " "))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"message.retried a done mail", "message.dropped a done mail", "message.refused a failed ", "message.refused nobody failed "}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A department above hears of its own departments alone, and one whose address is none is
// not written to.
func TestTellCopies(t *testing.T) {
	directory := ownership.Directory{Departments: []ownership.Department{
		{Name: "省厅", Contact: ownership.Contact{Email: "ting@example.gov.cn"}},
		{Name: "甲局", Parent: "省厅", Contact: ownership.Contact{Name: "王", Email: "wang@example.gov.cn"}},
		{Name: "乙局", Contact: ownership.Contact{Email: "li@localhost@x"}},
		{Name: "丁局"},
	}, Applications: []ownership.Application{
		{Name: "甲系统", Department: "丁局", Contact: ownership.Contact{Name: "赵", Email: "zhao@example.gov.cn"}},
		{Name: "乙系统", Department: "丁局", Contact: ownership.Contact{Name: "钱", Email: "qian@example.gov.cn"}},
		{Name: "甲系统", Department: "甲局", Contact: ownership.Contact{Email: "sun@example.gov.cn"}},
	}}
	o := tellOptions(t, time.Now(), config.Recipient{Role: notice.Supervisor, Channel: "group"}, config.Recipient{Role: notice.Dept, Channel: "mail"})
	late := notice.Word{To: notice.Recipient{Role: notice.Supervisor}, Late: true, Cases: []notice.ReminderCase{{CaseID: "1", Department: "甲局"}, {CaseID: "2", Department: "乙局"}}}
	out, why := o.copies(directory, late)
	if why != "" || len(out) != 2 || len(out[0].word.Cases) != 2 || out[1].to.Address != "ting@example.gov.cn" || len(out[1].word.Cases) != 1 {
		t.Errorf("%+v, %s", out, why)
	}
	for name, says := range map[string]string{"甲局": "", "乙局": "cannot be used", "丙局": "no such department"} {
		out, why := o.copies(directory, notice.Word{To: notice.Recipient{Role: notice.Dept, Department: name}})
		if (why == "") != (says == "") || !strings.Contains(why, says) || (len(out) == 1) != (says == "") {
			t.Errorf("%s: %+v, %q", name, out, why)
		}
	}
	// Where a department has no address, the applications' contacts have.
	about := notice.Word{To: notice.Recipient{Role: notice.Dept, Department: "丁局"}, Cases: []notice.ReminderCase{{CaseID: "3", Department: "丁局", Application: "甲系统"}}}
	if out, why := o.copies(directory, about); why != "" || len(out) != 1 || out[0].to.Address != "zhao@example.gov.cn" || out[0].to.Name != "赵" {
		t.Errorf("%+v, %q", out, why)
	}
	about.Cases[0].Application = "丙系统"
	if _, why := o.copies(directory, about); !strings.Contains(why, "no e-mail address") {
		t.Error(why)
	}
	if _, why := o.copies(directory, notice.Word{To: notice.Recipient{Role: notice.Finance}}); !strings.Contains(why, "no role: finance") {
		t.Error(why)
	}
}

// A department's contact gets a link of its own by letter, and nobody by any other way.
func TestTellWithLink(t *testing.T) {
	d := open(t)
	now := time.Now()
	o := tellOptions(t, now, config.Recipient{Role: notice.Dept, Channel: "mail"}, config.Recipient{Role: notice.Dept, Channel: "log"}, config.Recipient{Role: notice.Supervisor, Channel: "mail", Address: "above@b.example"})
	o.Config.PublicURL = "https://yunjian.example/"
	o.Config.Channels = []config.Channel{{Name: "mail", Type: config.ChannelEmail}, {Name: "log", Type: config.ChannelLog}}
	e := d.entry(t.Context(), journal.OwnersImported, journal.Object{Type: "owners"})
	if _, err := d.State.PutDirectory(ownership.Directory{Departments: []ownership.Department{{Name: "示例市财政局", Contact: ownership.Contact{Name: "王五", Email: "wang@b.example"}}}}, now, e); err != nil {
		t.Fatal(err)
	}
	newCase(t, d, o.CaseOptions, "i-1")
	cases, err := d.State.CasesOf("示例市财政局")
	if err != nil || len(cases) != 1 {
		t.Fatalf("%+v, %v", cases, err)
	}
	for _, event := range []string{"confirm", "draft"} {
		if _, _, err := d.StepCases(t.Context(), o.CaseOptions, []string{cases[0].ID}, notice.Event{Name: event, By: notice.Actor{ID: "zhang", Role: notice.Cloudadmin}, At: now}); err != nil {
			t.Fatal(err)
		}
	}
	draft := notice.Draft{Number: notice.DocumentNumber{Prefix: "浙财云通"}, Issuer: "示例省财政厅", Signer: "李四", Contacts: []notice.Contact{{Name: "张三", Phone: "0571-00000000"}}}
	if _, _, err := d.IssueNotice(t.Context(), o.CaseOptions, draft, "示例市财政局", notice.Actor{ID: "li", Role: notice.Supervisor}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Tell(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	messages, err := d.State.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{}
	for _, x := range messages {
		m := x.Message
		if len(m.Links) == 1 {
			links[m.Channel+" "+m.To] = m.Links[0].URL
		}
	}
	if got := links["log wang@b.example"]; got != "https://yunjian.example/" {
		t.Errorf("the log has %q", got)
	}
	text, ok := strings.CutPrefix(links["mail wang@b.example"], "https://yunjian.example/answer/")
	if p, l, err := auth.New(d.State, auth.DefaultSettings(), nil).ByLink(text); !ok || err != nil || p.Notice == "" || l.Department != "示例市财政局" {
		t.Errorf("%v: %+v, %v", links, l, err)
	}
}
