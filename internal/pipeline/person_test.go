package pipeline

import (
	"errors"
	"slices"
	"testing"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/notice"
)

// Whoever a shipped workflow lets make an event has the permission that the event takes:
// the two gates never contradict each other.
func TestWorkflowsAndTheMatrixAgree(t *testing.T) {
	for _, w := range notice.Workflows() {
		for _, x := range w.Transitions {
			for _, role := range x.By {
				if role == notice.System {
					continue
				}
				p, ok := EventPermission(x.Event, role)
				if !ok || !slices.Contains(auth.PermissionsOf(role), p) {
					t.Errorf("%s: %s may make %s, which takes %s, %t: the matrix does not give it", w.ID, role, x.Event, p, ok)
				}
			}
		}
	}
	for _, role := range []auth.Role{auth.SysAdmin, auth.SecAdmin, auth.Auditor, auth.Viewer} {
		if p, ok := EventPermission("of_its_own", role); ok {
			t.Errorf("%s makes events by %s", role, p)
		}
	}
}

// An officer holds no event by way of a name that the workflow shares with others.
func TestNobodyActsBeyondTheRoles(t *testing.T) {
	flow, _ := notice.WorkflowByID(notice.DefaultWorkflow)
	x := Person{p: auth.Principal{Name: "li", Via: auth.ViaSession, Roles: []auth.Role{auth.CloudAdmin, auth.Supervisor, auth.Viewer}, Departments: auth.Everywhere()}}
	var wrong *Mistake
	var refused *notice.RoleError
	for _, c := range []struct {
		name, event string
		role, as    auth.Role
		err         any
	}{
		{"the one role that may", "confirm", "", auth.CloudAdmin, nil},
		{"two that may, none named", "withdraw", "", "", &wrong},
		{"two that may, one named", "withdraw", auth.Supervisor, auth.Supervisor, nil},
		{"one that is not held", "confirm", auth.Finance, "", &wrong},
		{"one that makes no events", "confirm", auth.Viewer, "", &refused},
		{"the program", "lapse", notice.System, "", &wrong},
		{"what time makes", "lapse", "", "", &refused},
		{"no such event", "explode", "", "", &wrong},
	} {
		by, _, err := x.actor(flow, c.event, c.role, "财政局")
		if c.err == nil && (err != nil || by.Role != c.as || by.ID != "li" || by.Department != "") || c.err != nil && (err == nil || !errors.As(err, c.err)) {
			t.Errorf("%s: %+v, %v", c.name, by, err)
		}
	}
	var refusal *auth.Refusal
	if _, _, err := x.actor(flow, "agree", "", "财政局"); !errors.As(err, &refusal) || refusal.Permission != answerNotice {
		t.Errorf("a department's yes: %v", err)
	}
}

// A checksum that is known is not a document that was seen.
func TestDocumentsAreHandedInForAnObject(t *testing.T) {
	d := openFolder(t)
	text := []byte("%PDF-1.4\nx\n%%EOF\n")
	entry := func(of journal.Object) journal.Entry {
		return journal.New(t.Context(), time.Now(), journal.DocumentKept, of)
	}
	sum, err := d.State.PutAttachment(text, CaseObject("a"), entry(CaseObject("a")))
	if err != nil {
		t.Fatal(err)
	}
	head, err := d.State.JournalHead()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of      journal.Object
		entries uint64 // that handing it in again adds
	}{{CaseObject("a"), 0}, {CaseObject("b"), 1}, {NoticeObject("a"), 1}} {
		had, err := d.State.HandedIn(sum, c.of)
		if err != nil || had != (c.entries == 0) {
			t.Errorf("%v: handed in %t, %v", c.of, had, err)
		}
		if again, err := d.State.PutAttachment(text, c.of, entry(c.of)); err != nil || again != sum {
			t.Errorf("%v: %s, %v", c.of, again, err)
		}
		now, err := d.State.JournalHead()
		if err != nil || now.Seq-head.Seq != c.entries {
			t.Errorf("%v: %d entries, %v", c.of, now.Seq-head.Seq, err)
		}
		head = now
	}
}
