package notice

import (
	"cmp"
	"slices"
	"time"

	"yunjian/calendar"
	"yunjian/cloud"
)

// Allowed lists what an actor may do with a case as it stands, in the order of the
// workflow: the checklist of each is what is still open. It is empty for a
// department that the case is none of, and leaves out what time makes.
func (w Workflow) Allowed(c Case, by Actor) []Transition {
	if !by.known() || by.outside(c) {
		return nil
	}
	done := c.items(true)
	var out []Transition
	for _, t := range w.Transitions {
		switch {
		case !t.applies(c) || !slices.Contains(t.By, by.Role) || by.Role == System && w.timed(t.Event):
		case t.samePerson(c, by) != nil || t.Needs.Passed != "" && !c.passed(t.Needs.Passed):
		default:
			var open []string
			for _, id := range t.Needs.Checklist {
				if slices.Contains(c.items(false), id) && !slices.Contains(done, id) {
					open = append(open, id)
				}
			}
			t.Needs.Checklist = open
			out = append(out, t)
		}
	}
	return out
}

// Due lists what the passing of time brings to a case by now, each once: applied in
// order they succeed, and then Due is empty until another day.
func (w Workflow) Due(c Case, now time.Time, cal calendar.Calendar) []Event {
	var out []Event
	for {
		e, ok := w.nextDue(c, now)
		if !ok {
			return out
		}
		next, err := w.Apply(c, e, cal)
		if err != nil {
			return out // now lies before the last step, or the case follows another workflow
		}
		out, c = append(out, e), next
	}
}

func (w Workflow) nextDue(c Case, now time.Time) (Event, bool) {
	for _, d := range c.Deadlines {
		if !d.Passed.IsZero() || !d.over(now) {
			continue
		}
		term, _ := w.term(d.ID)
		if t, ok := w.find(c, term.Then); ok && slices.Contains(t.By, System) {
			return Event{Name: t.Event, By: Program(), At: now}, true
		}
	}
	return Event{}, false
}

// Recipient is who is reminded: a person of a department, or the department where
// nobody there has acted yet; else everybody of a role.
type Recipient struct {
	Role       Role   `json:"role"`
	Department string `json:"department,omitempty"`
	Person     string `json:"person,omitempty"`
}

// Reminder is one digest.
type Reminder struct {
	To    Recipient      `json:"to"`
	Cases []ReminderCase `json:"cases"` // by last day and id
}

// ReminderCase is one case that waits.
type ReminderCase struct {
	CaseID      string     `json:"case_id"`
	Department  string     `json:"department,omitempty"`
	Application string     `json:"application,omitempty"`
	ResourceID  string     `json:"resource_id"`
	Kind        cloud.Kind `json:"kind"`
	Name        string     `json:"name,omitempty"`
	State       State      `json:"state"`
	Document    string     `json:"document,omitempty"`
	Deadline    string     `json:"deadline"`
	Due         string     `json:"due"`
	// WorkingDays are those left up to the last day; below 0 those since. The last
	// day itself has 0.
	WorkingDays int `json:"working_days"`
}

// Reminders returns whom to remind of what on the day of now, a digest each, by
// recipient. A case is in at most one of them and at most once a day; a day on
// which nothing ran is made up for by the last reminder that it would have brought.
// What was sent is to be noted with Case.WithReminder.
func Reminders(cases []Case, now time.Time, cal calendar.Calendar) []Reminder {
	today := calendar.Day(now)
	var out []Reminder
	at := map[Recipient]int{}
	for _, c := range cases {
		d, ok := c.reminder(today, cal)
		if !ok {
			continue
		}
		to := Recipient{Role: d.Of}
		if d.Of == Dept {
			to.Department, to.Person = c.Department, c.Assignee
		}
		i, ok := at[to]
		if !ok {
			i, at[to] = len(out), len(out)
			out = append(out, Reminder{To: to})
		}
		line := c.line()
		line.Deadline, line.Due, line.WorkingDays = d.ID, d.Due, workingDays(today, day(d.Due), cal)
		out[i].Cases = append(out[i].Cases, line)
	}
	slices.SortFunc(out, func(a, b Reminder) int {
		return cmp.Or(cmp.Compare(a.To.Role, b.To.Role), cmp.Compare(a.To.Department, b.To.Department), cmp.Compare(a.To.Person, b.To.Person))
	})
	for _, r := range out {
		slices.SortFunc(r.Cases, func(a, b ReminderCase) int { return cmp.Or(cmp.Compare(a.Due, b.Due), cmp.Compare(a.CaseID, b.CaseID)) })
	}
	return out
}

// WithReminder returns the case with a reminder noted as sent on the day of at.
func (c Case) WithReminder(deadline string, at time.Time) Case {
	next := c.clone()
	next.Reminded = append(next.Reminded, Sent{Deadline: deadline, Day: at.Format(time.DateOnly)})
	return next
}

// workingDays counts from today, without it, to the last day.
func workingDays(today, due time.Time, cal calendar.Calendar) int {
	if today.After(due) {
		return -cal.Count(due.AddDate(0, 0, 1), today.AddDate(0, 0, 1)).Working
	}
	return cal.Count(today.AddDate(0, 0, 1), due.AddDate(0, 0, 1)).Working
}

// reminder returns the most urgent deadline of which somebody is to be reminded: what
// can still be kept goes before what is over, else a letter not signed for would hide
// the last days for an answer to it.
func (c Case) reminder(today time.Time, cal calendar.Calendar) (Deadline, bool) {
	for _, s := range c.Reminded {
		if s.Event == "" && s.Day == today.Format(time.DateOnly) {
			return Deadline{}, false
		}
	}
	var missed Deadline
	for _, d := range c.Deadlines { // by last day
		at := d.Remind.latest(today, day(d.Due), cal)
		// The notice itself is word enough on the day on which the term begins.
		if at.IsZero() || !at.After(day(d.From)) {
			continue
		}
		sent := slices.ContainsFunc(c.Reminded, func(s Sent) bool { return s.Deadline == d.ID && !day(s.Day).Before(at) })
		switch {
		case sent:
		case !today.After(day(d.Due)):
			return d, true
		case missed.ID == "":
			missed = d
		}
	}
	return missed, missed.ID != ""
}

// latest returns the last day up to today on which a reminder falls; zero for none.
func (r Remind) latest(today, due time.Time, cal calendar.Calendar) time.Time {
	if r.After > 0 && today.After(due) {
		since := -workingDays(today, due, cal)
		n := r.After
		if r.Every > 0 && since > n {
			n += (since - n) / r.Every * r.Every
		}
		if since >= n {
			return cal.Due(due, n, calendar.WorkingDays)
		}
	}
	var last time.Time
	for _, n := range r.Before {
		at := due
		for n > 0 {
			at = at.AddDate(0, 0, -1)
			if cal.Working(at) {
				n--
			}
		}
		if !at.After(today) && at.After(last) {
			last = at
		}
	}
	return last
}
