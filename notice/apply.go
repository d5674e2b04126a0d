package notice

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/policies"
	"yunjian/recommender"
)

// Event is one thing that somebody does to a case.
type Event struct {
	Name     string
	By       Actor
	At       time.Time // in the location whose days count
	Reason   string    // id from the list that the transition names
	Note     string
	Evidence []Evidence
	Target   *recommender.Spec
	Planned  string // a day
	Expires  string // the last day of an exemption
	Document string
	Items    []Item // of the checklist: ID, Owner and Evidence; By and At are set here
	Seen     []analyzer.Reason
}

// Apply makes one step. c is not changed and shares nothing with what is returned.
// The error is ErrDepartment, or a *StateError, *RoleError, *PersonError,
// *NeedError or *TimeError that says what is allowed; any other means that the case,
// the workflow or the actor is not what it should be.
func (w Workflow) Apply(c Case, e Event, cal calendar.Calendar) (Case, error) {
	switch {
	case !e.By.known():
		return Case{}, fmt.Errorf("apply %s: the actor has no id, or the role %q is none of %s", e.Name, e.By.Role, join(Roles()))
	case e.By.outside(c):
		return Case{}, ErrDepartment
	case c.Workflow != w.Ref():
		return Case{}, fmt.Errorf("apply %s: the case follows %s, not %s", e.Name, c.Workflow, w.Ref())
	case len(c.History) == 0:
		return Case{}, errors.New("apply " + e.Name + ": the case was never opened")
	}
	t, err := w.permitted(c, e)
	if err != nil {
		return Case{}, err
	}
	next := c.clone()
	next.take(t, e, t.to(c))
	next.Deadlines = slices.DeleteFunc(next.Deadlines, func(d Deadline) bool {
		term, _ := w.term(d.ID)
		return !slices.Contains(term.While, next.State)
	})
	for i, d := range next.Deadlines {
		if term, _ := w.term(d.ID); term.Then == e.Name && e.By.Role == System && d.Passed.IsZero() && d.over(e.At) {
			next.Deadlines[i].Passed = e.At
		}
	}
	if t.Becomes != "" {
		next.Checklist = w.checklist(next)
	}
	for _, id := range t.Starts {
		if term, _ := w.term(id); term.Until {
			next.Exemption.ApprovedBy, next.Exemption.ApprovedAt = e.By.ID, e.At
		}
		next.start(w, id, e.At, cal)
	}
	next.owe(w, t.Starts)
	return next, nil
}

// permitted returns the transition that an event makes, or why there is none.
func (w Workflow) permitted(c Case, e Event) (Transition, error) {
	t, ok := w.find(c, e.Name)
	if !ok {
		return t, &StateError{Event: e.Name, State: c.State, Allowed: w.events(c)}
	}
	if !slices.Contains(t.By, e.By.Role) {
		return t, &RoleError{Event: e.Name, Role: e.By.Role, Allowed: t.By}
	}
	if last := c.History[len(c.History)-1].At; e.At.Before(last) {
		return t, &TimeError{Event: e.Name, At: e.At, After: last}
	}
	if err := t.samePerson(c, e.By); err != nil {
		return t, err
	}
	if t.Needs.Passed != "" && !c.passed(t.Needs.Passed) {
		return t, &TimeError{Event: e.Name, At: e.At, Deadline: t.Needs.Passed, Due: c.due(t.Needs.Passed)}
	}
	if err := w.punctual(c, e); err != nil {
		return t, err
	}
	return t, w.satisfied(c, t, e)
}

// events lists what may happen to a case, by anybody.
func (w Workflow) events(c Case) []string {
	var out []string
	for _, t := range w.Transitions {
		if t.applies(c) {
			out = append(out, t.Event)
		}
	}
	return out
}

func (t Transition) samePerson(c Case, by Actor) error {
	for _, o := range t.NotBy {
		s, ok := c.last(o.Event)
		// Two people are wanted: none before is as bad as the same.
		if !ok && o.Role || ok && (s.By == by.ID || o.Role && s.Role == by.Role) {
			return &PersonError{Event: t.Event, Other: o.Event, By: s.By, Role: o.Role}
		}
	}
	return nil
}

func (c Case) passed(id string) bool {
	return slices.ContainsFunc(c.Deadlines, func(d Deadline) bool { return d.ID == id && !d.Passed.IsZero() })
}

func (c Case) due(id string) string {
	for _, d := range c.Deadlines {
		if d.ID == id {
			return d.Due
		}
	}
	return ""
}

// punctual refuses what time brings as long as it has not come.
func (w Workflow) punctual(c Case, e Event) error {
	if e.By.Role != System || !w.timed(e.Name) {
		return nil
	}
	wait := &TimeError{Event: e.Name, At: e.At}
	for _, term := range w.Deadlines {
		if term.Then != e.Name || !slices.Contains(term.While, c.State) {
			continue
		}
		wait.Deadline = term.ID
		for _, d := range c.Deadlines {
			if d.ID != term.ID || !d.Passed.IsZero() {
				continue
			}
			if d.over(e.At) {
				return nil
			}
			wait.Due = d.Due
		}
	}
	return wait
}

// maxNote is the longest text that a step keeps, in bytes.
const maxNote = 8000

var sha256Text = regexp.MustCompile(`^[0-9a-f]{64}$`)

// satisfied reports everything that an event lacks, and what it may not carry.
func (w Workflow) satisfied(c Case, t Transition, e Event) error {
	var lacks []Lack
	lack := func(field, format string, args ...any) {
		lacks = append(lacks, Lack{field, fmt.Sprintf(format, args...)})
	}
	reasons := w.ReasonsOf(t.Needs.Reason)
	ids := make([]string, len(reasons))
	for i, r := range reasons {
		ids[i] = r.ID
	}
	switch {
	case t.Needs.Reason != "" && !slices.Contains(ids, e.Reason):
		lack("reason", "found %.40q, want one of %s", e.Reason, join(ids))
	case t.Needs.Reason == "" && e.Reason != "":
		lack("reason", "takes none; write a note")
	}
	if blank := strings.TrimSpace(e.Note) == ""; t.Needs.Note && blank || len(e.Note) > maxNote {
		lack("note", "want a text of at most %d bytes", maxNote)
	}
	if t.Needs.Evidence && len(e.Evidence) == 0 {
		lack("evidence", "want at least one document")
	}
	for _, v := range e.Evidence {
		if strings.TrimSpace(v.Name) == "" || v.SHA256 != "" && !sha256Text.MatchString(v.SHA256) {
			lack("evidence", "want a name, and of an attachment its SHA-256 in 64 hexadecimal digits")
			break
		}
	}
	switch {
	case !t.Needs.Target && e.Target != nil:
		lack("target", "takes no size")
	case t.Needs.Target && (e.Target == nil || !sized(*e.Target, c)):
		lack("target", "want a size of more than nothing and other than the present one")
	case t.Becomes != "" && c.Proposed == nil:
		lack("target", "nobody asked for a size")
	}
	if d := day(e.Planned); (t.Needs.Planned || e.Planned != "") && (d.IsZero() || d.Before(calendar.Day(e.At))) {
		lack("planned", "found %.20q, want a day such as %s, not before it", e.Planned, e.At.Format(time.DateOnly))
	}
	w.exemptible(c, t, e, lack)
	switch {
	case t.Needs.Document && strings.TrimSpace(e.Document) == "":
		lack("document", "want the number of the document")
	case !t.Needs.Document && e.Document != "":
		lack("document", "takes none")
	}
	checkItems(c, t, e, lack)
	if len(lacks) > 0 {
		return &NeedError{Event: e.Name, Lacks: lacks}
	}
	return nil
}

// sized reports whether a size is one, and not that which the resource has.
func sized(s recommender.Spec, c Case) bool {
	now := c.Cited.Recommendation.Current
	return s.VCPU >= 0 && s.MemoryGiB >= 0 && s.StorageGiB >= 0 && (s.VCPU > 0 && s.MemoryGiB > 0 || s.StorageGiB > 0) && s != now
}

// exemptible checks the last day of an exemption, when it is asked for and again
// when it begins.
func (w Workflow) exemptible(c Case, t Transition, e Event, lack func(field, format string, args ...any)) {
	expires := e.Expires
	begins := slices.ContainsFunc(t.Starts, func(id string) bool { term, _ := w.term(id); return term.Until })
	switch {
	case !t.Needs.Expires && expires != "":
		lack("expires", "takes none")
		return
	case begins && c.Exemption == nil:
		lack("expires", "nobody asked for an exemption")
		return
	case begins:
		expires = c.Exemption.Expires
	case !t.Needs.Expires:
		return
	}
	today := calendar.Day(e.At)
	if last, limit := day(expires), today.Add(policies.MaxExemption); !last.After(today) || last.After(limit) {
		lack("expires", "found %.20q, want a day after %s and at most 180 days later, %s", expires, today.Format(time.DateOnly), limit.Format(time.DateOnly))
	}
}

func checkItems(c Case, t Transition, e Event, lack func(field, format string, args ...any)) {
	if !t.Needs.Items && len(t.Needs.Checklist) == 0 && len(e.Items) > 0 {
		lack("items", "takes none")
		return
	}
	if t.Needs.Items && len(e.Items) == 0 {
		lack("items", "want at least one of %s", join(c.items(false)))
	}
	done := c.items(true)
	for _, i := range e.Items {
		switch {
		case !slices.Contains(c.items(false), i.ID):
			lack("items", "found %.40q, want one of %s", i.ID, join(c.items(false)))
		case strings.TrimSpace(i.Owner) == "" || strings.TrimSpace(i.Evidence) == "":
			lack("items", "%s wants an owner and evidence", i.ID)
		default:
			done = append(done, i.ID)
		}
	}
	for _, id := range t.Needs.Checklist {
		if slices.Contains(c.items(false), id) && !slices.Contains(done, id) {
			lack("checklist", "%s is not done", id)
		}
	}
}

// take writes an event into the case.
func (c *Case) take(t Transition, e Event, to State) {
	items := slices.Clone(e.Items)
	for i := range items {
		items[i].By, items[i].At = e.By.ID, e.At
	}
	s := Step{
		Seq: len(c.History) + 1, Event: e.Name, By: e.By.ID, Role: e.By.Role, At: e.At, From: c.State, To: to, Reason: e.Reason, Note: e.Note,
		Evidence: e.Evidence, Target: e.Target, Planned: e.Planned, Expires: e.Expires, Document: e.Document, Items: items, Seen: e.Seen, Becomes: t.Becomes,
	}.clone()
	c.State = to
	c.History = append(c.History, s)
	if e.By.Role == Dept {
		c.Assignee = e.By.ID
	}
	if e.Target != nil {
		c.Proposed = copyOf(e.Target)
	}
	if e.Planned != "" {
		c.Planned = e.Planned
	}
	if e.Document != "" {
		c.Document = e.Document
	}
	if t.Becomes != "" {
		c.Action, c.Target = t.Becomes, copyOf(c.Proposed)
	}
	if t.Needs.Expires {
		c.Exemption = &Exemption{Reason: e.Reason, Note: e.Note, Evidence: slices.Clone(e.Evidence), Expires: e.Expires, RequestedBy: e.By.ID, RequestedAt: e.At}
	}
	for _, done := range items {
		for i := range c.Checklist {
			if c.Checklist[i].ID == done.ID {
				c.Checklist[i] = done
			}
		}
	}
}

// items lists the checklist: all of it, or what is done.
func (c Case) items(done bool) []string {
	var out []string
	for _, i := range c.Checklist {
		if !done || !i.At.IsZero() {
			out = append(out, i.ID)
		}
	}
	return out
}
