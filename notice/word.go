package notice

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"yunjian/calendar"
)

// Owed is word that has yet to be given of a step. It is noted with the step, so that
// no crash between the two forgets anybody, and void once the case moves on.
type Owed struct {
	Step int  `json:"step"`
	To   Role `json:"to"`
	Late bool `json:"late,omitempty"` // silence moved the case
}

// owe notes whom the last step concerns: whoever has a deadline that it started; the
// supervising authority, where silence moved the case; and a department that was
// written to, where the case ended. Nobody is told of what he did himself.
func (c *Case) owe(w Workflow, starts []string) {
	s := c.History[len(c.History)-1]
	if s.From != s.To {
		c.Owed = nil
	}
	late := w.timed(s.Event) && s.From != s.To
	var to []Role
	for _, id := range starts {
		t, _ := w.term(id)
		to = append(to, t.Of)
	}
	if late {
		to = append(to, Supervisor)
	}
	if info, _ := w.State(s.To); info.Final && c.Document != "" {
		to = append(to, Dept)
	}
	for _, r := range Roles() {
		if slices.Contains(to, r) && r != s.Role && r != System {
			c.Owed = append(c.Owed, Owed{Step: s.Seq, To: r, Late: late})
		}
	}
}

// Word is one thing that somebody is to be told of cases: that something happened to
// them, or that a deadline nears or is over.
type Word struct {
	To       Recipient      `json:"to"`
	Event    string         `json:"event,omitempty"`  // that happened; empty: a reminder
	Issued   bool           `json:"issued,omitempty"` // the event was the issue of Document
	Late     bool           `json:"late,omitempty"`   // silence led to the event
	State    State          `json:"state"`
	Document string         `json:"document,omitempty"`
	Deadline string         `json:"deadline,omitempty"` // of To, the one that ends first; empty: none runs
	Due      string         `json:"due,omitempty"`      // its last day
	Cases    []ReminderCase `json:"cases"`              // by id; WorkingDays are left of the deadline
}

// Words returns all that is to be told on the day of now: what is owed, and reminders.
// What is alike of several cases is one word. What was told is to be noted with
// Case.Told.
func Words(cases []Case, now time.Time, cal calendar.Calendar) []Word {
	today := calendar.Day(now)
	var out []Word
	at := map[string]int{}
	add := func(w Word, c ReminderCase) {
		key := strings.Join([]string{string(w.To.Role), w.To.Department, w.To.Person, w.Event, string(w.State), w.Document, w.Deadline, w.Due}, "\x00")
		i, ok := at[key]
		if !ok {
			i, at[key] = len(out), len(out)
			out = append(out, w)
		}
		out[i].Cases = append(out[i].Cases, c)
	}
	for _, r := range Reminders(cases, now, cal) {
		for _, c := range r.Cases {
			add(Word{To: r.To, State: c.State, Document: c.Document, Deadline: c.Deadline, Due: c.Due}, c)
		}
	}
	for _, c := range cases {
		for _, o := range c.Owed {
			s := c.History[o.Step-1]
			w := Word{To: Recipient{Role: o.To}, Event: s.Event, Issued: s.Document != "", Late: o.Late, State: c.State, Document: c.Document}
			if o.To == Dept {
				w.To.Department = c.Department
			}
			of := c.line()
			for _, d := range c.Deadlines { // by last day
				if d.Of == o.To && d.Passed.IsZero() {
					w.Deadline, w.Due = d.ID, d.Due
					of.Deadline, of.Due, of.WorkingDays = d.ID, d.Due, workingDays(today, day(d.Due), cal)
					break
				}
			}
			add(w, of)
		}
	}
	slices.SortStableFunc(out, func(a, b Word) int {
		return cmp.Or(cmp.Compare(a.To.Role, b.To.Role), cmp.Compare(a.To.Department, b.To.Department), cmp.Compare(a.To.Person, b.To.Person),
			cmp.Compare(a.Due, b.Due), cmp.Compare(a.Document, b.Document), cmp.Compare(a.Event, b.Event))
	})
	for _, w := range out {
		slices.SortFunc(w.Cases, func(a, b ReminderCase) int { return cmp.Compare(a.CaseID, b.CaseID) })
	}
	return out
}

// Told returns the case with a word noted as given on the day of at.
func (c Case) Told(w Word, at time.Time) Case {
	if w.Event == "" {
		return c.WithReminder(w.Deadline, at)
	}
	next := c.clone()
	next.Owed = slices.DeleteFunc(next.Owed, func(o Owed) bool { return o.To == w.To.Role && next.History[o.Step-1].Event == w.Event })
	next.Reminded = append(next.Reminded, Sent{Event: w.Event, To: w.To.Role, Day: at.Format(time.DateOnly)})
	return next
}

// line is the case as one line of what somebody is told.
func (c Case) line() ReminderCase {
	return ReminderCase{CaseID: c.ID, Department: c.Department, Application: c.Application, ResourceID: c.ResourceID, Kind: c.Kind, Name: c.Cited.Recommendation.Name, State: c.State, Document: c.Document}
}
