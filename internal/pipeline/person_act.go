package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/store"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/ownership"
)

// Permissions of what a Person does.
var (
	draftNotice     = auth.Permission{Function: auth.Notices, Action: auth.Create}
	issueNotice     = auth.Permission{Function: auth.Notices, Action: auth.Approve}
	answerNotice    = auth.Permission{Function: auth.Receipts, Action: auth.Create}
	askExemption    = auth.Permission{Function: auth.Exemptions, Action: auth.Create}
	decideExemption = auth.Permission{Function: auth.Exemptions, Action: auth.Approve}
	supervise       = auth.Permission{Function: auth.Reminders, Action: auth.Create}
	askForce        = auth.Permission{Function: auth.Force, Action: auth.First}
	decideForce     = auth.Permission{Function: auth.Force, Action: auth.Second}
	execute         = auth.Permission{Function: auth.Execution, Action: auth.Execute}
	confirm         = auth.Permission{Function: auth.Execution, Action: auth.Confirm}
	verifySavings   = auth.Permission{Function: auth.Savings, Action: auth.Approve}
	keepInventory   = auth.Permission{Function: auth.Inventory, Action: auth.Create}
)

// byEvent is the permission that an event of a case takes beside the workflow's. What is
// absent here is about notices, and goes by role: the issue of one is the supervising
// authority's to approve, and where a workflow leaves reminders to the cloud's
// administrator, his to make.
var byEvent = map[string]auth.Permission{
	"request_exemption": askExemption, "approve_exemption": decideExemption, "refuse_exemption": decideExemption,
	"supervise": supervise, "request_force": askForce, "approve_force": decideForce, "reject_force": decideForce,
	"schedule": execute, "record": execute, "back_up": execute, "freeze": execute, "unfreeze": execute, "execute": execute, "wipe": execute,
	"stop_billing": execute, "roll_back": execute, "close": execute, "verify": verifySavings,
}

// EventPermission is what a role must be permitted to make an event; false for a role
// that makes none. A workflow may name events of its own: they are about notices.
func EventPermission(event string, role auth.Role) (auth.Permission, bool) {
	named, ok := byEvent[event]
	switch {
	case role == auth.Dept && named == execute:
		return confirm, true
	case ok:
		return named, true
	case role == auth.Dept:
		return answerNotice, true
	case role == auth.CloudAdmin:
		return draftNotice, true
	case role == auth.Supervisor:
		return issueNotice, true
	case role == auth.Finance:
		return verifySavings, true
	}
	return auth.Permission{}, false
}

// Step is one step in cases of one department.
type Step struct {
	Cases []string
	Event notice.Event // By and At are set
	// Role is that in which the person acts; empty where he holds one alone that may.
	Role auth.Role
	// Expect is how many steps a case had when the person looked at it; cases that are
	// absent here are stepped as they stand.
	Expect map[string]int
}

// ChangedError refuses a step in a case that has moved since it was looked at.
type ChangedError struct {
	Case          string
	Steps, Expect int
}

// Error says what to do.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("case %s has %d steps, not %d: somebody moved it meanwhile; read it again", e.Case, e.Steps, e.Expect)
}

// StepCases makes one step in each of the cases, all or none, where both the matrix of
// roles and the workflow let the person.
func (x Person) StepCases(ctx context.Context, o CaseOptions, s Step) (stepped, taken []notice.Case, err error) {
	if len(s.Cases) == 0 {
		return nil, nil, mistake(fmt.Errorf("cases: found none, want at least one"))
	}
	first, err := x.Case(s.Cases[0])
	if err != nil {
		return nil, nil, err
	}
	by, permission, err := x.actor(o.Workflow, s.Event.Name, s.Role, first.Department)
	if err != nil {
		return nil, nil, x.data.refused(ctx, journal.CasesRefused, CaseObject(first.ID), err)
	}
	if err := auth.Allowed(x.p, permission, first.Department); err != nil {
		return nil, nil, err
	}
	for _, id := range s.Cases {
		if err := x.handedIn(s.Event.Evidence, CaseObject(id)); err != nil {
			return nil, nil, err
		}
	}
	s.Event.By, s.Event.At = by, o.Now
	return x.data.stepCases(ctx, o, slices.Compact(slices.Sorted(slices.Values(s.Cases))), s.Event, func(c notice.Case) error {
		if err := found(x.p, readCases, true, c.Department); err != nil {
			return err
		}
		if err := auth.Allowed(x.p, permission, c.Department); err != nil {
			return err
		}
		if want, ok := s.Expect[c.ID]; ok && want != len(c.History) {
			return &ChangedError{c.ID, len(c.History), want}
		}
		return nil
	})
}

// Events lists what the person may do with a case as it stands.
func (x Person) Events(w notice.Workflow, c notice.Case) (out []notice.Transition) {
	for _, role := range x.p.Roles {
		for _, t := range w.Allowed(c, x.as(role, c.Department)) {
			permission, ok := EventPermission(t.Event, role)
			known := slices.ContainsFunc(out, func(o notice.Transition) bool { return o.Event == t.Event })
			if ok && !known && auth.Allowed(x.p, permission, c.Department) == nil {
				out = append(out, t)
			}
		}
	}
	return out
}

// as is the person in a role: the one place where whoever was recognized becomes who
// acts in a case.
func (x Person) as(role auth.Role, department string) notice.Actor {
	by := notice.Actor{ID: x.p.Name, Role: role}
	if role == auth.Dept {
		by.Department = department
	}
	return by
}

// actor is the person in the role in which he makes an event, and the permission that it
// takes.
func (x Person) actor(w notice.Workflow, event string, role auth.Role, department string) (notice.Actor, auth.Permission, error) {
	var makers []auth.Role
	var known []string
	for _, t := range w.Transitions {
		if t.Event == event {
			makers = append(makers, t.By...)
		}
		if !slices.Contains(known, t.Event) {
			known = append(known, t.Event)
		}
	}
	if len(makers) == 0 {
		return notice.Actor{}, auth.Permission{}, mistake(fmt.Errorf("event %.40q: want one of %s", event, strings.Join(known, ", ")))
	}
	makers = slices.DeleteFunc(makers, func(r auth.Role) bool { return r == notice.System })
	var mine []auth.Role
	for _, r := range x.p.Roles {
		if slices.Contains(makers, r) {
			mine = append(mine, r)
		}
	}
	switch {
	case role != "" && !slices.Contains(x.p.Roles, role):
		return notice.Actor{}, auth.Permission{}, mistake(fmt.Errorf("role %.40q: want one that you hold: %v", role, x.p.Roles))
	case role == "" && len(mine) > 1:
		return notice.Actor{}, auth.Permission{}, mistake(fmt.Errorf("role: you hold several that may, want one of %v", mine))
	case role == "" && len(mine) == 1:
		role = mine[0]
	}
	if role == "" { // the refusal says whose it is
		for _, r := range makers {
			if permission, ok := EventPermission(event, r); ok {
				if err := auth.AllowedSomewhere(x.p, permission); err != nil {
					return notice.Actor{}, permission, err
				}
			}
		}
		return notice.Actor{}, auth.Permission{}, &notice.RoleError{Event: event, Role: "", Allowed: makers}
	}
	permission, ok := EventPermission(event, role)
	if !ok {
		return notice.Actor{}, auth.Permission{}, &notice.RoleError{Event: event, Role: role, Allowed: makers}
	}
	return x.as(role, department), permission, nil
}

// DraftNotice is the notice that IssueNotice would issue now.
func (x Person) DraftNotice(o CaseOptions, draft notice.Draft, department string) (notice.Notice, []notice.Case, error) {
	if auth.Allowed(x.p, issueNotice, department) != nil {
		if err := auth.Allowed(x.p, draftNotice, department); err != nil {
			return notice.Notice{}, nil, err
		}
	}
	return x.data.DraftNotice(o, draft, department)
}

// IssueNotice issues the notice of a department over its cases that are drafted.
func (x Person) IssueNotice(ctx context.Context, o CaseOptions, draft notice.Draft, department string) (notice.Notice, []notice.Case, error) {
	if err := auth.Allowed(x.p, issueNotice, department); err != nil {
		return notice.Notice{}, nil, err
	}
	return x.data.IssueNotice(ctx, o, draft, department, x.as(auth.Supervisor, ""))
}

// CorrectNotice issues the next version of a notice.
func (x Person) CorrectNotice(ctx context.Context, o CaseOptions, number string, draft notice.Draft, why string) (notice.Notice, error) {
	all, err := x.Notice(number)
	if err != nil {
		return notice.Notice{}, err
	}
	if err := auth.Allowed(x.p, issueNotice, all[0].Department); err != nil {
		return notice.Notice{}, err
	}
	return x.data.CorrectNotice(ctx, o, number, draft, why, x.as(auth.Supervisor, ""))
}

// AnswerNotice answers a notice for its department.
func (x Person) AnswerNotice(ctx context.Context, o CaseOptions, number string, a notice.Acknowledgement) (notice.Acknowledgement, error) {
	all, err := x.Notice(number)
	if err != nil {
		return a, err
	}
	if err := x.mayAnswer(all[0], a); err != nil {
		return a, err
	}
	return x.data.AnswerNotice(ctx, o, number, a, x.as(auth.Dept, all[0].Department))
}

// mayAnswer checks an answer before the case does: who, and with which documents.
func (x Person) mayAnswer(n notice.Notice, a notice.Acknowledgement) error {
	if err := auth.AllowedNotice(x.p, answerNotice, n.Department, n.Number); err != nil {
		return err
	}
	var evidence []notice.Evidence
	if a.Scan != nil {
		evidence = append(evidence, *a.Scan)
	}
	for _, l := range a.Lines {
		if l.Answer == notice.Exempt {
			if err := auth.AllowedNotice(x.p, askExemption, n.Department, n.Number); err != nil {
				return err
			}
		}
		evidence = append(evidence, l.Evidence...)
	}
	return x.handedIn(evidence, NoticeObject(n.Number))
}

// LinkedNotice is the notice that a link opens, for the person whom it recognized.
func (x Person) LinkedNotice(l auth.Link) (notice.Notice, error) {
	all, err := x.data.State.Versions(l.Notice)
	if err != nil {
		return notice.Notice{}, err
	}
	if len(all) == 0 || !linkOf(l, all[len(all)-1]) {
		return notice.Notice{}, auth.ErrLink
	}
	n := all[len(all)-1]
	return n, auth.AllowedNotice(x.p, readCases, n.Department, n.Number)
}

// linkOf reports whether a link is to this version of a notice.
func linkOf(l auth.Link, n notice.Notice) bool {
	return l.Notice == n.Number && l.Version == n.Version && l.Department == n.Department
}

// AnswerByLink answers the notice that a link opens, and uses the link up in the same
// transaction: of two answers at once one is refused.
func (x Person) AnswerByLink(ctx context.Context, o CaseOptions, link string, l auth.Link, a notice.Acknowledgement) (notice.Acknowledgement, error) {
	n, err := x.LinkedNotice(l)
	if err != nil {
		return a, err
	}
	if err := x.mayAnswer(n, a); err != nil {
		return a, err
	}
	return x.data.answerNotice(ctx, o, n.Number, a, x.as(auth.Dept, n.Department), func(desk *store.Desk, inForce notice.Notice) error {
		spent, err := auth.SpendLink(desk.Identities, link, time.Now())
		if err == nil && !linkOf(spent, inForce) {
			err = auth.ErrLink
		}
		return err
	})
}

// CaseObject is what the journal calls a case.
func CaseObject(id string) journal.Object { return journal.Object{Type: "case", ID: id} }

// NoticeObject is what the journal calls a notice.
func NoticeObject(number string) journal.Object { return journal.Object{Type: "notice", ID: number} }

// handedIn wants every document that is named by its checksum to have been handed in for
// the object: else whoever knows a checksum could make another's document his own.
func (x Person) handedIn(evidence []notice.Evidence, of journal.Object) error {
	for _, e := range evidence {
		if e.SHA256 == "" {
			continue
		}
		ok, err := x.data.State.HandedIn(e.SHA256, of)
		if err != nil {
			return err
		}
		if !ok {
			return mistake(fmt.Errorf("evidence %.40q: want the SHA-256 of a document that was handed in for this %s before", e.SHA256, of.Type))
		}
	}
	return nil
}

// keep stores a document for an object.
func (x Person) keep(ctx context.Context, text []byte, of journal.Object) (string, error) {
	return x.data.State.PutAttachment(text, of, x.data.entry(ctx, journal.DocumentKept, of))
}

// HandInForCase keeps a document as evidence of a case, for a step to come.
func (x Person) HandInForCase(ctx context.Context, id string, text []byte) (string, error) {
	c, err := x.Case(id)
	if err != nil {
		return "", err
	}
	if err := auth.AllowedOne(x.p, []auth.Permission{answerNotice, draftNotice, issueNotice, verifySavings}, c.Department); err != nil {
		return "", err
	}
	return x.keep(ctx, text, CaseObject(id))
}

// HandInForNotice keeps a document for an answer to come: a stamped scan, a proof.
func (x Person) HandInForNotice(ctx context.Context, number string, text []byte) (string, error) {
	all, err := x.Notice(number)
	if err != nil {
		return "", err
	}
	if err := auth.Allowed(x.p, answerNotice, all[0].Department); err != nil {
		return "", err
	}
	return x.keep(ctx, text, NoticeObject(number))
}

// HandInByLink is HandInForNotice for the holder of a link.
func (x Person) HandInByLink(ctx context.Context, l auth.Link, text []byte) (string, error) {
	n, err := x.LinkedNotice(l)
	if err != nil {
		return "", err
	}
	if err := auth.AllowedNotice(x.p, answerNotice, n.Department, n.Number); err != nil {
		return "", err
	}
	return x.keep(ctx, text, NoticeObject(n.Number))
}

// CaseDocument returns a document that was handed in for a case, or that its history
// cites.
func (x Person) CaseDocument(id, sum string) ([]byte, error) {
	c, err := x.Case(id)
	if err != nil {
		return nil, err
	}
	cited := slices.ContainsFunc(c.History, func(s notice.Step) bool { return cites(s.Evidence, sum) })
	return x.document(sum, CaseObject(id), cited)
}

// NoticeDocument returns a document that was handed in for a notice, or that an answer to
// it cites.
func (x Person) NoticeDocument(number, sum string) ([]byte, error) {
	answers, err := x.Answers(number)
	if err != nil {
		return nil, err
	}
	cited := false
	for _, a := range answers {
		cited = cited || a.Scan != nil && a.Scan.SHA256 == sum
		for _, l := range a.Lines {
			cited = cited || cites(l.Evidence, sum)
		}
	}
	return x.document(sum, NoticeObject(number), cited)
}

func cites(evidence []notice.Evidence, sum string) bool {
	return slices.ContainsFunc(evidence, func(e notice.Evidence) bool { return e.SHA256 == sum })
}

func (x Person) document(sum string, of journal.Object, cited bool) ([]byte, error) {
	handedIn, err := x.data.State.HandedIn(sum, of)
	if err != nil {
		return nil, err
	}
	if !handedIn && !cited {
		return nil, auth.ErrNotFound
	}
	text, ok, err := x.data.State.Attachment(sum)
	if err == nil && !ok {
		err = auth.ErrNotFound
	}
	return text, err
}

// ImportBills puts bills over those of the same months. They are of all departments at
// once.
func (x Person) ImportBills(ctx context.Context, name string, bills []ledger.Bill, now time.Time) ([]ledger.Entry, error) {
	if err := auth.Allowed(x.p, verifySavings, ""); err != nil {
		return nil, err
	}
	return x.data.State.PutBills(bills, now, x.data.entry(ctx, journal.BillsImported, journal.Object{Type: "bills", ID: name}))
}

// ImportDirectory replaces the directory of owners, which is of all departments.
func (x Person) ImportDirectory(ctx context.Context, d ownership.Directory) ([]cloud.Change, error) {
	if err := auth.Allowed(x.p, keepInventory, ""); err != nil {
		return nil, err
	}
	return x.data.State.PutDirectory(d, time.Now(), x.data.entry(ctx, journal.OwnersImported, journal.Object{Type: "owners"}))
}

// Assign gives a resource to a department of the directory, or with an empty one forgets
// what was assigned. It takes the permission over whose it is and whose it becomes.
func (x Person) Assign(ctx context.Context, id, department, application string) ([]cloud.Change, error) {
	r, err := x.Resource(id)
	if err != nil {
		return nil, err
	}
	if err := auth.Allowed(x.p, keepInventory, r.Department); err != nil {
		return nil, err
	}
	if department != "" {
		if err := auth.Allowed(x.p, keepInventory, department); err != nil {
			return nil, err // whether there is such a department is not for him to know
		}
		d, err := x.data.State.Directory()
		if err != nil {
			return nil, err
		}
		known, ok := d.Department(department)
		if !ok {
			return nil, mistake(fmt.Errorf("department %.60q: want one of the directory, which holds %d", department, len(d.Departments)))
		}
		department = known.Name
		if err := auth.Allowed(x.p, keepInventory, department); err != nil {
			return nil, err
		}
	}
	return x.data.State.Assign(ownership.Assignment{ResourceID: r.ID, Department: department, Application: application}, time.Now(),
		x.data.entry(ctx, journal.OwnerAssigned, journal.Object{Type: "resource", ID: r.ID}))
}
