package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/store"
	"yunjian/notice"
	"yunjian/price"
	"yunjian/recommender"
)

// rules are those of the cases here.
func rules(t *testing.T) pipeline.CaseOptions {
	t.Helper()
	w, ok := notice.WorkflowByID(notice.DefaultWorkflow)
	if !ok {
		t.Fatal("no workflow")
	}
	return pipeline.CaseOptions{Workflow: w, Calendar: calendar.Builtin(), Now: time.Now()}
}

// issue issues a notice over two machines of a department, and returns a link to it.
func issue(t *testing.T, data *pipeline.Data, o pipeline.CaseOptions) (number, link string) {
	t.Helper()
	saving, err := price.NewAmount("7296.00", "CNY")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	e := journal.New(t.Context(), o.Now, journal.CasesSynced, journal.Object{Type: "cases"})
	if err := data.State.UpdateCases(e, func([]notice.Case) (out []notice.Case, err error) {
		for _, id := range []string{"i-1", "i-2"} {
			c, err := o.Workflow.Open(notice.Opening{
				Recommendation: recommender.Recommendation{ID: id, ResourceID: id, Kind: cloud.Instance, Name: "<b>" + id, Department: "示例市财政局", Application: "预算", Action: recommender.Release, Current: recommender.Spec{VCPU: 4, MemoryGiB: 16}, AnnualSaving: saving, SavingKnown: true, Currency: "CNY", PriceBook: price.Example().Ref()},
				Finding:        analyzer.Finding{ResourceID: id}, Resource: cloud.Resource{ID: id}, Round: 1,
			}, o.Now, o.Calendar)
			if err != nil {
				return nil, err
			}
			ids = append(ids, c.ID)
			out = append(out, c)
		}
		return out, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"confirm", "draft"} {
		if _, _, err := data.StepCases(t.Context(), o, ids, notice.Event{Name: event, By: notice.Actor{ID: "zhang", Role: notice.Cloudadmin}, At: o.Now}); err != nil {
			t.Fatal(err)
		}
	}
	n, _, err := data.IssueNotice(t.Context(), o, notice.Draft{
		Number: notice.DocumentNumber{Prefix: "浙财云通"}, Issuer: "示例省财政厅", Signer: "李四", Contacts: []notice.Contact{{Name: "张三", Phone: "0571-00000000"}},
	}, "示例市财政局", notice.Actor{ID: "li", Role: notice.Supervisor})
	if err != nil {
		t.Fatal(err)
	}
	if err := data.State.UpdateIdentities(func(i store.Identities) (err error) {
		link, _, err = auth.MakeLink(i, auth.Link{Notice: n.Number, Version: n.Version, Department: n.Department, Expires: o.Now.AddDate(0, 0, 20)}, o.Now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n.Number, link
}

// submit posts the form of a link, with a document for the second line where one is given.
func submit(t *testing.T, base, link string, fields map[string]string, document []byte) (int, string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if document != nil {
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="evidence-2"; filename="函.pdf"`}, "Content-Type": {"application/pdf"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(document); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/answer/"+link, &b)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return text(t, req)
}

func text(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

// Whoever has the link sees the notice and answers it line by line, once.
func TestAnswerByLink(t *testing.T) {
	data, base := serve(t)
	o := rules(t)
	number, link := issue(t, data, o)
	get := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return text(t, req)
	}
	for _, c := range []struct {
		path   string
		status int
		has    string
	}{
		{"/answer/" + link, 200, number}, {"/answer/" + link, 200, "&lt;b&gt;i-1"}, {"/answer/" + link, 200, "4核16GB"}, {"/answer/" + link, 200, "预估年节约 7,296.00 元（示例价格）"}, {"/answer/" + link + "?lang=en", 200, "ask for an exemption"},
		{"/answer/" + link + "/notice", 200, number}, {"/answer/" + link[:len(link)-2], 404, "链接无效"}, {"/answer/x", 404, "链接无效"}, {"/answer/x/notice?lang=en", 404, "the link is not valid"},
	} {
		if status, body := get(c.path); status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("GET %.20s…: %d, want %d with %q\n%s", c.path, status, c.status, c.has, body)
		}
	}
	fields := map[string]string{
		"answer-1": "agree_release", "planned-1": o.Now.AddDate(0, 0, 3).Format(time.DateOnly), "reason-1": "other",
		"answer-2": "object", "reason-2": "wrong_data", "note-2": `年底"结算"用`,
		"received_by": "王五", "handler": "王五", "phone": "0571-1", "confirmed_by": "赵六",
	}
	reason := o.Workflow.ReasonsOf("objection")[0].ID
	fields["reason-2"] = reason
	if status, body := submit(t, base, link, fields, nil); status != 422 || !strings.Contains(body, "没有提交") || !strings.Contains(body, `value="年底&#34;结算&#34;用"`) || !strings.Contains(body, `<option value="object" selected>`) {
		t.Errorf("without evidence: %d\n%s", status, body)
	}
	if status, body := submit(t, base, link, fields, []byte("no document")); status != 422 || !strings.Contains(body, "函.pdf") {
		t.Errorf("with evidence that is none: %d\n%s", status, body)
	}
	pdf := []byte("%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")
	if status, body := submit(t, base, link, fields, pdf); status != 200 || !strings.Contains(body, "回执已提交") {
		t.Errorf("the answer: %d\n%s", status, body)
	}
	if status, body := submit(t, base, link, fields, pdf); status != 404 || !strings.Contains(body, "链接无效") {
		t.Errorf("again: %d\n%s", status, body)
	}
	answers, err := data.State.Acknowledgements(number)
	if err != nil || len(answers) != 1 || answers[0].Lines[0].Answer != notice.AgreeRelease || answers[0].Lines[1].Reason != reason || len(answers[0].Lines[1].Evidence) != 1 || !strings.HasPrefix(answers[0].SubmittedBy.ID, "link:") {
		t.Errorf("%+v, %v", answers, err)
	}
	if cases, err := data.State.CasesOf("示例市财政局"); err != nil || len(cases) != 2 || cases[0].State == cases[1].State {
		t.Errorf("%+v, %v", cases, err)
	}
}
