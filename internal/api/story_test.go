package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/ledger"
	"yunjian/recommender"
)

// TestCampaign is one campaign from advice to the tally, through the API alone but for
// what the daemon does by itself: it audits, and reads inventories.
func TestCampaign(t *testing.T) {
	w := newWorld(t)
	machines := []cloud.Resource{resource("i-1", own), resource("i-2", own), resource("i-3", other)}
	w.audited(machines)
	if _, err := w.data.SyncCases(t.Context(), w.rules()); err != nil { // as the daemon does after an audit
		t.Fatal(err)
	}

	// The cloud's administrator looks at the advice, confirms two cases and drafts.
	var advice Page[recommender.Recommendation]
	w.get("cloudadmin", "/recommendations?department="+url.QueryEscape(own)+"&action=release&ready=true", &advice)
	if advice.Total != 2 {
		t.Fatalf("%d pieces of advice", advice.Total)
	}
	var cases Page[CaseView]
	w.get("cloudadmin", "/cases?state=detected&department="+url.QueryEscape(own), &cases)
	var ids []string
	for _, c := range cases.Items {
		ids = append(ids, c.ID)
	}
	for _, event := range []string{"confirm", "draft"} {
		w.sent("cloudadmin", asked{method: "POST", path: "/steps/" + event, body: map[string]any{"cases": ids}}, 200, nil)
	}

	// Who drafted does not issue; the supervising authority looks at the draft and does.
	w.sent("cloudadmin", asked{method: "POST", path: "/notices", body: draftOf(own)}, 403, nil)
	var preview, issued NoticeView
	w.sent("supervisor", asked{method: "POST", path: "/notices/draft", body: draftOf(own)}, 200, &preview)
	w.sent("supervisor", asked{method: "POST", path: "/notices", body: draftOf(own)}, 201, &issued)
	if preview.Code != issued.Code || len(issued.Notice.Lines) != 2 {
		t.Errorf("the draft has the code %s, the notice %s; %d lines", preview.Code.Short, issued.Code.Short, len(issued.Notice.Lines))
	}
	number := url.PathEscape(issued.Notice.Number)
	page := w.ask("supervisor", asked{method: "GET", path: "/notices/" + number + "/print"})
	if !strings.Contains(page.Body.String(), issued.Notice.Number) || !strings.Contains(page.Body.String(), issued.Code.Short) || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
		t.Errorf("printed: %.200s", page.Body)
	}

	// The department gets a link and has no account: it hands in the stamped scan and
	// answers, to one line with yes, to the other with an exemption.
	var link LinkView
	w.sent("supervisor", asked{method: "POST", path: "/notices/" + number + "/links", body: map[string]any{"expires": time.Now().Add(24 * time.Hour)}}, 201, &link)
	form, media := upload(t, map[string]string{"link": link.Link}, [2]string{"盖章.pdf", string(pdf)})
	var scan Kept
	w.sent("", asked{method: "POST", path: "/links/attachments", body: form, media: media}, 201, &scan)
	w.pass(time.Hour)
	planned := w.rules().Now.AddDate(0, 0, 7).Format(time.DateOnly)
	answer := map[string]any{
		"link": link.Link, "received_by": "王", "confirmed_by": "李局", "handler": "王科", "phone": "13800000003", "scan": map[string]any{"name": scan.Name, "sha256": scan.SHA256},
		"lines": []any{
			map[string]any{"case_id": issued.Notice.Lines[0].CaseID, "answer": "agree_release", "planned": planned},
			map[string]any{
				"case_id": issued.Notice.Lines[1].CaseID, "answer": "exempt", "reason": "dr_standby", "note": "灾备", "expires": w.rules().Now.AddDate(0, 3, 0).Format(time.DateOnly),
				"evidence": []any{map[string]any{"name": "灾备方案"}},
			},
		},
	}
	var reasons struct{ Transitions []TransitionView }
	w.get("supervisor", "/workflow", &reasons)
	for _, x := range reasons.Transitions { // whatever the workflow calls it
		if x.Event == "request_exemption" {
			answer["lines"].([]any)[1].(map[string]any)["reason"] = x.Needs.Reasons[0]
		}
	}
	var answered AnswerView
	w.sent("", asked{method: "POST", path: "/links/answer", body: answer}, 201, &answered)
	released, exempted := issued.Notice.Lines[0], issued.Notice.Lines[1]

	// The supervising authority decides over the exemption.
	w.sent("cloudadmin", asked{method: "POST", path: "/cases/" + exempted.CaseID + "/exemption/approve", body: map[string]any{}}, 403, nil)
	w.sent("supervisor", asked{method: "POST", path: "/cases/" + exempted.CaseID + "/exemption/approve", body: map[string]any{}}, 200, nil)
	var exemptions Page[Exempted]
	w.get("finance", "/exemptions?in_force=true", &exemptions)
	if exemptions.Total != 1 || exemptions.Items[0].CaseID != exempted.CaseID || !exemptions.Items[0].InForce {
		t.Errorf("exemptions: %+v", exemptions)
	}

	// The administrator carries out what was agreed: each step says what it wants.
	done := func(items ...string) map[string]any {
		var list []any
		for _, i := range items {
			list = append(list, map[string]any{"id": i, "owner": "赵", "evidence": "工单"})
		}
		return map[string]any{"items": list}
	}
	step := func(event string, body map[string]any) {
		t.Helper()
		w.sent("cloudadmin", asked{method: "POST", path: "/cases/" + released.CaseID + "/events/" + event, body: body}, 200, nil)
	}
	step("schedule", map[string]any{"planned": planned})
	w.sent("cloudadmin", asked{method: "POST", path: "/cases/" + released.CaseID + "/events/back_up", body: map[string]any{}}, http.StatusUnprocessableEntity, nil)
	step("back_up", done("backup"))
	step("freeze", map[string]any{})
	w.sent("cloudadmin", asked{method: "POST", path: "/cases/" + released.CaseID + "/events/execute", body: map[string]any{}}, http.StatusConflict, nil) // it is to be watched for 15 days
	w.pass(20 * 24 * time.Hour)
	if _, err := w.data.SyncCases(t.Context(), w.rules()); err != nil {
		t.Fatal(err)
	}
	step("execute", done("apps_offline", "dns", "accounts", "security", "release"))

	// The next inventory does not hold it: the ledger books what was observed.
	var gone []cloud.Resource
	for _, m := range machines {
		if m.ID != released.ResourceID {
			gone = append(gone, m)
		}
	}
	w.audited(gone)
	step("wipe", done("wipe"))
	step("stop_billing", done("billing"))
	w.sent("finance", asked{method: "POST", path: "/cases/" + released.CaseID + "/events/verify", body: map[string]any{
		"evidence": []any{map[string]any{"name": "台账比对"}}, "items": done("ledger")["items"],
	}}, 200, nil)
	step("close", map[string]any{})

	// Finance tallies, and every figure leads back to the notice.
	var entries Page[ledger.Entry]
	w.get("finance", "/ledger?batch="+url.QueryEscape(issued.Notice.Number), &entries)
	if entries.Total != 1 || entries.Items[0].ResourceID != released.ResourceID || entries.Items[0].Effect != ledger.Released || entries.Items[0].Claim.Case != released.CaseID {
		t.Errorf("entries: %+v", entries)
	}
	year := entries.Items[0].At.In(zone).Format("2006")
	for _, format := range []string{"json", "csv", "xlsx", "text"} {
		tally := w.ask("finance", asked{method: "GET", path: "/tally?period=" + year + "&by=department,batch&format=" + format})
		if tally.Code != 200 || format != "xlsx" && !strings.Contains(tally.Body.String(), own) {
			t.Errorf("tally as %s: %d %.200s", format, tally.Code, tally.Body)
		}
	}

	// The department sees its own case to the end, and the auditor who did what.
	var c CaseView
	w.get("dept-own", "/cases/"+released.CaseID, &c)
	if c.State != "closed" || len(c.Events) != 0 {
		t.Errorf("the case is %s, and %d things may be done", c.State, len(c.Events))
	}
	var seen []string
	var j Entries
	w.get("auditor", "/journal?limit=200", &j)
	for _, want := range []string{"notice.issued", "notice.printed", "link.add", "link.open", "document.kept", "notice.answered", "cases.stepped", "report.exported", "access.notices.approve"} {
		found := false
		for _, e := range j.Items {
			found = found || e.Action == want
		}
		if !found {
			seen = append(seen, want)
		}
	}
	if len(seen) > 0 {
		t.Errorf("not on record: %v", seen)
	}
}
