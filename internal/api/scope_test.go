package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/recommender"
)

// TestAnothersIsNotThere changes the identifier in each address to another department's,
// and wants the very answer that one gets that is nobody's.
func TestAnothersIsNotThere(t *testing.T) {
	w := full(t)
	mine, theirs, nobodys := w.of(own), w.of(other), w.of("")
	none := of{other, "0000000000000000", url.PathEscape("浙财云通〔2026〕99号"), "i-nowhere", strings.Repeat("0", 64)}
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/cases/{case}", nil},
		{"POST", "/cases/{case}/events/receive", map[string]any{}},
		{"POST", "/cases/{case}/exemption/request", map[string]any{}},
		{"GET", "/cases/{case}/attachments/{doc}", nil},
		{"GET", "/notices/{number}", nil},
		{"GET", "/notices/{number}/print", nil},
		{"GET", "/notices/{number}/answers", nil},
		{"POST", "/notices/{number}/answers", answerOf("2099-01-01")},
		{"GET", "/notices/{number}/attachments/{doc}", nil},
		{"GET", "/resources/{resource}", nil},
		{"GET", "/resources/{resource}/explanation", nil},
		{"GET", "/recommendations/rec-{resource}", nil},
	} {
		ask := func(o of) (int, string) {
			path := strings.NewReplacer("{case}", o.caseID, "{number}", o.notice, "{doc}", o.doc, "{resource}", o.resource).Replace(c.path)
			got := w.ask("dept-own", asked{method: c.method, path: path, body: c.body})
			return got.Code, got.Body.String()
		}
		if status, body := ask(mine); status == 404 || status == 403 || strings.Contains(body, other) {
			t.Errorf("%s: one's own answers %d %s", c.path, status, body)
		}
		before := w.refusals()
		status, body := ask(theirs)
		if w.refusals() == before {
			t.Errorf("%s: that another's was asked for is not on record", c.path)
		}
		absent, nothing := ask(none)
		if status != http.StatusNotFound || absent != status || nothing != body {
			t.Errorf("%s: another's answers %d %s, nobody's %d %s", c.path, status, body, absent, nothing)
		}
		if !strings.Contains(c.path, "{resource}") { // a notice is to a department, and so is its case
			continue
		}
		if status, body := ask(nobodys); status != absent || body != nothing {
			t.Errorf("%s: what belongs to no department answers %d %s", c.path, status, body)
		}
	}
	// Identifiers of two things in one address do not help each other.
	for _, path := range []string{
		"/notices/" + mine.notice + "/attachments/" + theirs.doc,
		"/cases/" + mine.caseID + "/attachments/" + theirs.doc,
	} {
		if got := w.ask("dept-own", asked{method: "GET", path: path}); got.Code != 404 {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

// A document that was handed in elsewhere is no evidence: else citing it would show it.
func TestAnothersDocumentCannotBeCited(t *testing.T) {
	w := full(t)
	mine, theirs := w.of(own), w.of(other)
	body := answerOf("2099-01-01")
	body["scan"] = map[string]any{"name": "scan.pdf", "sha256": theirs.doc}
	if got := w.ask("dept-own", asked{method: "POST", path: "/notices/" + mine.notice + "/answers", body: body}); got.Code != 422 {
		t.Errorf("another's document as the own scan: %d %s", got.Code, got.Body)
	}
	step := map[string]any{"reason": "in_use", "evidence": []any{map[string]any{"name": "x", "sha256": theirs.doc}}}
	if got := w.ask("dept-own", asked{method: "POST", path: "/cases/" + mine.caseID + "/events/object", body: step}); got.Code != 422 {
		t.Errorf("another's document as evidence: %d %s", got.Code, got.Body)
	}
	body["scan"] = map[string]any{"name": "scan.pdf", "sha256": mine.doc}
	if got := w.ask("dept-own", asked{method: "POST", path: "/notices/" + mine.notice + "/answers", body: body}); got.Code != 201 {
		t.Errorf("the own document: %d %s", got.Code, got.Body)
	}
	if got := w.ask("dept-own", asked{method: "GET", path: "/notices/" + mine.notice + "/attachments/" + mine.doc}); got.Code != 200 || got.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("the own document: %d %v", got.Code, got.Header())
	}
}

// Cases of two departments are not stepped together: nothing of it happens.
func TestStepsOfTwoDepartments(t *testing.T) {
	w := full(t)
	a, b := w.caseOf("i-own-3"), w.caseOf("i-other-3")
	got := w.ask("cloudadmin-own", asked{method: "POST", path: "/steps/draft", body: map[string]any{"cases": []string{a.ID, b.ID}}})
	if got.Code != 404 || w.caseOf("i-own-3").State != "confirmed" || w.caseOf("i-other-3").State != "confirmed" {
		t.Errorf("%d %s; %s, %s", got.Code, got.Body, w.caseOf("i-own-3").State, w.caseOf("i-other-3").State)
	}
}

func TestOfTwoWritersOneIsTold(t *testing.T) {
	w := full(t)
	id := w.caseOf("i-own-3").ID
	got := w.ask("cloudadmin", asked{method: "GET", path: "/cases/" + id})
	tag := got.Header().Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	q := asked{method: "POST", path: "/cases/" + id + "/events/draft", body: map[string]any{}, header: []string{"If-Match", tag}}
	first, second := w.ask("cloudadmin", q), w.ask("cloudadmin", q)
	if first.Code != 200 || first.Header().Get("ETag") == tag || second.Code != 412 {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, second.Code, second.Body)
	}
	q.header[1] = "soon"
	if got := w.ask("cloudadmin", q); got.Code != 422 {
		t.Errorf("no version: %d", got.Code)
	}
}

// What a link opens is one version of one notice, once.
func TestLinks(t *testing.T) {
	w := full(t)
	var opened Opened
	w.sent("", asked{method: "POST", path: "/links/open", body: map[string]any{"link": w.links[own]}}, 200, &opened)
	if opened.Notice.Number != w.numbers[own] {
		t.Errorf("opens %s", opened.Notice.Number)
	}
	foreign := answerOf("")
	delete(foreign, "agree_to_all")
	foreign["link"] = w.links[own]
	foreign["lines"] = []any{map[string]any{"case_id": w.of(other).caseID, "answer": "agree_release", "planned": "2099-01-01"}}
	if got := w.ask("", asked{method: "POST", path: "/links/answer", body: foreign}); got.Code != 422 {
		t.Errorf("another's case: %d %s", got.Code, got.Body)
	}
	good := answerOf("2099-01-01")
	good["link"] = w.links[own]
	var answered AnswerView
	w.sent("", asked{method: "POST", path: "/links/answer", body: good}, 201, &answered)
	if by := answered.Acknowledgement.SubmittedBy; by.Role != notice.Dept || by.Department != own || !strings.HasPrefix(by.ID, "link:") {
		t.Errorf("by %+v", by)
	}
	for _, path := range []string{"/links/answer", "/links/open"} {
		body := any(good)
		if path == "/links/open" {
			body = map[string]any{"link": w.links[own]}
		}
		if got := w.ask("", asked{method: "POST", path: path, body: body}); got.Code != 401 || strings.Contains(got.Body.String(), w.links[own]) {
			t.Errorf("%s with a link that was used: %d %s", path, got.Code, got.Body)
		}
	}
	// A correction ends the links to what it corrects.
	correction := draftOf("")
	delete(correction, "department")
	delete(correction, "prefix")
	correction["why"] = "联系人有误"
	w.sent("supervisor", asked{method: "POST", path: "/notices/" + w.of(other).notice + "/versions", body: correction}, 201, nil)
	if got := w.ask("", asked{method: "POST", path: "/links/open", body: map[string]any{"link": w.links[other]}}); got.Code != 401 {
		t.Errorf("a link to what was corrected: %d", got.Code)
	}
	if w.refusals() == 0 {
		t.Error("links that were tried are not on record")
	}
	for _, e := range w.events {
		if strings.Contains(fmt.Sprint(e), w.links[own]) {
			t.Errorf("the link is in the journal: %+v", e)
		}
	}
	if strings.Contains(w.log.String(), w.links[own]) {
		t.Error("the link is in the log")
	}
}

// Who has no paper learns nothing by a number, and who has it learns what stands on it.
func TestVerify(t *testing.T) {
	w := full(t)
	var view NoticeView
	w.get("dept-own", "/notices/"+w.of(own).notice, &view)
	verify := func(number, code string) (g Genuine) {
		w.get("", "/verify?number="+url.QueryEscape(number)+"&code="+url.QueryEscape(code), &g)
		return g
	}
	if g := verify(w.numbers[own], view.Code.Short); !g.Genuine || !g.InForce || g.Department != own {
		t.Errorf("genuine: %+v", g)
	}
	wrong, none := verify(w.numbers[own], "0000-0000-0000-0000"), verify("浙财云通〔2026〕99号", "0000-0000-0000-0000")
	wrong.Number, none.Number = "", ""
	if wrong != none || wrong != (Genuine{}) {
		t.Errorf("a wrong code says %+v, a wrong number %+v", wrong, none)
	}
}

// The numbers of a list, too, are of what the caller may see.
func TestCountsAreOnesOwn(t *testing.T) {
	w := full(t)
	for account, want := range map[string][4]int{"dept-own": {4, 4, 1, 1}, "dept-other": {4, 4, 1, 1}, "finance-own": {4, 4, 1, 1}, "finance": {9, 8, 2, 2}} {
		var resources Page[cloud.Resource]
		var cases Page[CaseView]
		var notices Page[NoticeRow]
		var entries Page[ledger.Entry]
		w.get(account, "/resources", &resources)
		w.get(account, "/cases?limit=1", &cases)
		w.get(account, "/notices", &notices)
		w.get(account, "/ledger", &entries)
		if got := [4]int{resources.Total, cases.Total, notices.Total, entries.Total}; got != want {
			t.Errorf("%s counts %v, want %v", account, got, want)
		}
		beside := map[bool]int{true: 9}[account == "finance"] // left out for the others
		var e struct{ Fleet int }
		w.get(account, "/resources/"+w.of(map[bool]string{true: other, false: own}[account == "dept-other"]).resource+"/explanation", &e)
		if e.Fleet != beside {
			t.Errorf("%s: judged beside %d, want %d", account, e.Fleet, beside)
		}
		tally := w.ask(account, asked{method: "GET", path: "/tally?period=" + fmt.Sprint(w.now.Year())}).Body.String()
		if released := fmt.Sprintf(`"resources": %d`, want[3]); !strings.Contains(tally, released) {
			t.Errorf("%s: the tally has no %s: %s", account, released, tally)
		}
	}
}

// Of any list and any size of page, the pages are the list.
func TestPagesAreTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int(), 0, 300).Draw(t, "list")
		limit := rapid.IntRange(1, 200).Draw(t, "limit")
		var got []int
		for offset, n := 0, 0; ; n++ {
			p := page(all, Paging{Offset: offset, Limit: limit})
			if p.Total != len(all) || len(p.Items) > limit || n > len(all) {
				t.Fatalf("page %d: %d items of %d", n, len(p.Items), p.Total)
			}
			got = append(got, p.Items...)
			if offset = p.Next; offset == 0 {
				break
			}
		}
		if !slices.Equal(got, all) {
			t.Fatalf("%v, want %v", got, all)
		}
		if beyond := page(all, Paging{Offset: len(all) + 1, Limit: limit}); len(beyond.Items) != 0 || beyond.Next != 0 {
			t.Fatalf("beyond the end: %+v", beyond)
		}
	})
}

func TestPagesOverHTTP(t *testing.T) {
	w := full(t)
	seen := map[string]bool{}
	for offset, pages := 0, 0; pages == 0 || offset > 0; pages++ {
		var p Page[recommender.Recommendation]
		w.get("viewer", fmt.Sprintf("/recommendations?limit=2&offset=%d", offset), &p)
		for _, r := range p.Items {
			if seen[r.ID] {
				t.Errorf("%s is on two pages", r.ID)
			}
			seen[r.ID] = true
		}
		offset = p.Next
	}
	if len(seen) != 9 {
		t.Errorf("%d on all pages, want 9", len(seen))
	}
	entries := map[uint64]bool{}
	for before, pages := uint64(0), 0; pages < 100; pages++ {
		var e Entries
		w.get("auditor", fmt.Sprintf("/journal?limit=3&before=%d&to=%s", before, url.QueryEscape(time.Now().Add(-time.Millisecond).UTC().Format(time.RFC3339))), &e)
		for _, x := range e.Items {
			if entries[x.Seq] {
				t.Errorf("entry %d is on two pages", x.Seq)
			}
			entries[x.Seq] = true
		}
		if before = e.Next; before == 0 {
			break
		}
	}
	for _, path := range []string{"/cases?limit=0", "/cases?limit=201", "/cases?offset=-1", "/cases?limit=many", "/cases?colour=red", "/cases?state=nowhere", "/ledger?kind=boat", "/tally", "/tally?period=2026&by=colour", "/tally?period=2026&format=pdf"} {
		if got := w.ask("supervisor", asked{method: "GET", path: path}); got.Code != 422 {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

// The secadmin reads what users did, not what officers did.
func TestJournalInParts(t *testing.T) {
	w := full(t)
	w.sent("viewer", asked{method: "GET", path: "/journal"}, 403, nil)
	var all, part Entries
	w.get("auditor", "/journal?limit=200", &all)
	w.get("secadmin", "/journal?limit=200", &part)
	actors := func(e Entries) map[string]bool {
		out := map[string]bool{}
		for _, x := range e.Items {
			out[x.Actor] = true
		}
		return out
	}
	if a := actors(all); !a["viewer"] || !a["system"] || !a["cli:tester"] {
		t.Errorf("the auditor sees %v", a)
	}
	if a := actors(part); !a["viewer"] || !a["auditor"] || a["system"] || a["cli:tester"] || part.Total >= all.Total {
		t.Errorf("the secadmin sees %v, %d of %d", a, part.Total, all.Total)
	}
	// Whom he has deprived of the role since was an officer then.
	w.sent("sysadmin", asked{method: "POST", path: "/accounts", body: map[string]any{"name": "fresh"}}, 204, nil)
	w.sent("secadmin", asked{method: "PUT", path: "/accounts/sysadmin/roles", body: map[string]any{"roles": []string{"viewer"}}}, 204, nil)
	var officers Entries
	if w.get("secadmin", "/journal?actor=sysadmin", &officers); officers.Total != 0 {
		t.Errorf("the secadmin reads %+v", officers.Items)
	}
	w.sent("secadmin", asked{method: "POST", path: "/journal/verify", body: map[string]any{}}, 403, nil)
	var state JournalState
	w.sent("auditor", asked{method: "POST", path: "/journal/verify", body: map[string]any{}}, 200, &state)
	if !state.Whole {
		t.Errorf("%+v", state)
	}
}

// Nothing that a caller may have meant to keep is said back to him.
func TestSecretsAreNotSaidBack(t *testing.T) {
	w := full(t)
	const hidden = "Tr0ub4dor&3-hidden"
	for _, q := range []asked{
		{method: "PUT", path: "/accounts/viewer/password", body: map[string]any{"password": hidden, "more": 1}},
		{method: "PUT", path: "/accounts/viewer/password", body: map[string]any{"password": strings.Repeat(hidden, 100)}},
		{method: "POST", path: "/links/open", body: map[string]any{"link": hidden, "x": hidden}},
		{method: "POST", path: "/links/open", body: map[string]any{"link": hidden}},
		{method: "POST", path: "/session/codes/confirm", body: map[string]any{"code": hidden}},
	} {
		if got := w.ask("secadmin", q); got.Code < 400 || strings.Contains(got.Body.String(), hidden) {
			t.Errorf("%s: %d %s", q.path, got.Code, got.Body)
		}
	}
	var accounts Page[AccountView]
	w.get("secadmin", "/accounts", &accounts)
	if accounts.Total == 0 {
		t.Error("no accounts")
	}
}
