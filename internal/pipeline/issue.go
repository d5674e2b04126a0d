package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/store"
	"yunjian/notice"
)

// drafted is the state in which a case waits for its notice, in every workflow.
const drafted notice.State = "drafted"

// Mistake is an error that whoever asked can put right: what they said, not what
// went wrong here.
type Mistake struct{ Err error }

func (m *Mistake) Error() string { return m.Err.Error() }

// Unwrap returns what is wrong.
func (m *Mistake) Unwrap() error { return m.Err }

// mistake is err as a Mistake; nil of nil.
func mistake(err error) error {
	if err == nil {
		return nil
	}
	return &Mistake{err}
}

// IssueNotice issues the notice of a department over all its cases that are drafted: the
// document and every step in one transaction. A number of 0 in the draft is the next one
// of its prefix in the year. What no longer stands is withdrawn first, and returned.
func (d *Data) IssueNotice(ctx context.Context, o CaseOptions, draft notice.Draft, department string, by notice.Actor) (issued notice.Notice, taken []notice.Case, err error) {
	present, asOf, err := d.presentIn(department)
	if err != nil {
		return notice.Notice{}, nil, err
	}
	return d.issue(ctx, o, draft, department, by, present, asOf)
}

// IssueAll issues the notice of each department that has drafted cases, in the order of
// their names, each in a transaction of its own as IssueNotice does, and tells each of
// what came of it; the error of one does not keep the others. What is known of all
// resources is read once.
func (d *Data) IssueAll(ctx context.Context, o CaseOptions, draft notice.Draft, by notice.Actor, each func(department string, issued notice.Notice, taken []notice.Case, err error)) error {
	cases, err := d.State.Cases()
	if err != nil {
		return err
	}
	var resources, departments []string
	for _, c := range cases {
		if c.State == drafted {
			resources, departments = append(resources, c.ResourceID), append(departments, c.Department)
		}
	}
	if len(departments) == 0 {
		return mistake(errors.New("no case is drafted: see `yunjian notice list`"))
	}
	present, asOf, err := d.presentOf(resources)
	if err != nil {
		return err
	}
	slices.Sort(departments)
	for _, department := range slices.Compact(departments) {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		issued, taken, err := d.issue(ctx, o, draft, department, by, present, asOf)
		each(department, issued, taken, err)
	}
	return nil
}

// issue is IssueNotice by what is known of the department's resources.
func (d *Data) issue(ctx context.Context, o CaseOptions, draft notice.Draft, department string, by notice.Actor, present map[string]notice.Present, asOf time.Time) (issued notice.Notice, taken []notice.Case, err error) {
	err = d.State.Decide("", acted(d.entry(ctx, journal.NoticeIssued, journal.Object{Type: "notice"}), by), func(desk *store.Desk) error {
		all, err := desk.CasesOf(department)
		if err != nil {
			return err
		}
		var of []notice.Case
		of, taken, err = o.drafted(all, present, asOf)
		if err != nil {
			return err
		}
		desk.Changed = append(desk.Changed, taken...)
		n, err := o.notice(draft, of, desk.Numbers(), department)
		if err != nil {
			return err
		}
		for _, c := range of {
			next, err := o.Workflow.Apply(c, notice.Event{Name: "issue", By: by, At: o.Now, Document: n.Number}, o.Calendar)
			if err != nil {
				return fmt.Errorf("case %s (%s): %w", c.ID, c.ResourceID, err)
			}
			desk.Changed = append(desk.Changed, next)
		}
		issued, desk.Issued = n, &n
		code, err := n.Code()
		desk.Entry.Object.ID = n.Number
		desk.Entry = desk.Entry.With(journal.DetailSHA256, code.SHA256)
		return err
	})
	if err != nil {
		return issued, nil, d.refused(ctx, journal.NoticeRefused, journal.Object{Type: "department", ID: department}, err)
	}
	return issued, taken, nil
}

// DraftNotice is the notice that IssueNotice would issue now, of which nothing is kept.
func (d *Data) DraftNotice(o CaseOptions, draft notice.Draft, department string) (n notice.Notice, taken []notice.Case, err error) {
	present, asOf, err := d.presentIn(department)
	if err != nil {
		return notice.Notice{}, nil, err
	}
	all, err := d.State.CasesOf(department)
	if err != nil {
		return notice.Notice{}, nil, err
	}
	issued, err := d.State.Numbers()
	if err != nil {
		return notice.Notice{}, nil, err
	}
	of, taken, err := o.drafted(all, present, asOf)
	if err != nil {
		return notice.Notice{}, nil, err
	}
	n, err = o.notice(draft, of, issued, department)
	return n, taken, err
}

// drafted are the cases that are drafted and stand, and those that are withdrawn because
// they no longer do.
func (o CaseOptions) drafted(all []notice.Case, present map[string]notice.Present, asOf time.Time) (of, taken []notice.Case, err error) {
	for _, c := range all {
		if c.State != drafted {
			continue
		}
		now, err := o.advance(c, present[c.ResourceID], asOf)
		switch {
		case err != nil:
			return nil, nil, err
		case now.State == withdrawn:
			taken = append(taken, now)
		case now.State == drafted:
			of = append(of, now)
		}
	}
	return of, taken, nil
}

// notice makes the notice of a draft over cases; a number of 0 is the next.
func (o CaseOptions) notice(draft notice.Draft, of []notice.Case, issued []string, department string) (notice.Notice, error) {
	if len(of) == 0 {
		return notice.Notice{}, mistake(fmt.Errorf("no case of %s is drafted: see `yunjian notice list --department %s`", department, department))
	}
	if draft.Number.Number == 0 {
		draft.Number = nextNumber(issued, draft.Number.Prefix, o.Now.Year())
	}
	n, err := o.Workflow.NewNotice(draft, of, o.Now, o.Calendar)
	return n, mistake(err)
}

// CorrectNotice issues the next version of the notice of a number, as draft says it, over
// those of its cases that have not ended, and ends the links to the version before: the
// document and its links in one transaction. Nothing of the cases changes.
func (d *Data) CorrectNotice(ctx context.Context, o CaseOptions, number string, draft notice.Draft, why string, by notice.Actor) (issued notice.Notice, err error) {
	of := journal.Object{Type: "notice", ID: number}
	err = d.State.Decide(number, acted(d.entry(ctx, journal.NoticeCorrected, of), by), func(desk *store.Desk) error {
		if len(desk.Versions) == 0 {
			return fmt.Errorf("notice %s: %w", number, auth.ErrNotFound)
		}
		before := desk.Versions[len(desk.Versions)-1]
		var err error
		if draft.Number, err = notice.ParseDocumentNumber(number); err != nil {
			return err
		}
		var cases []notice.Case
		for _, l := range before.Lines {
			c, ok, err := desk.Case(l.CaseID)
			if err != nil {
				return err
			}
			if ok && !o.final(c) {
				cases = append(cases, c)
			}
		}
		if len(cases) == 0 {
			return mistake(fmt.Errorf("every case of %s has ended: there is nothing to correct", number))
		}
		next, err := o.Workflow.NewNotice(draft, cases, o.Now, o.Calendar)
		if err == nil {
			next, err = before.Correct(next, why)
		}
		if err != nil {
			return mistake(err)
		}
		if err := auth.EndLinks(desk.Identities, number); err != nil {
			return err
		}
		issued, desk.Issued = next, &next
		code, err := next.Code()
		desk.Entry = desk.Entry.With("version", strconv.Itoa(next.Version)).With(journal.DetailSHA256, code.SHA256)
		return err
	})
	if err != nil {
		return notice.Notice{}, d.refused(ctx, journal.NoticeRefused, of, err)
	}
	return issued, nil
}

// nextNumber is the number after the last of a prefix in a year.
func nextNumber(issued []string, prefix string, year int) notice.DocumentNumber {
	last := notice.DocumentNumber{Prefix: prefix, Year: year}
	for _, n := range issued {
		if number, err := notice.ParseDocumentNumber(n); err == nil && number.Prefix == prefix && number.Year == year {
			last.Number = max(last.Number, number.Number)
		}
	}
	return last.Next(year)
}

// presentIn is what is known of the resources of a department's cases.
func (d *Data) presentIn(department string) (map[string]notice.Present, time.Time, error) {
	cases, err := d.State.CasesOf(department)
	if err != nil {
		return nil, time.Time{}, err
	}
	var ids []string
	for _, c := range cases {
		ids = append(ids, c.ResourceID)
	}
	return d.presentOf(ids)
}

// AnswerNotice takes a department's answer to the notice of a number: the document and
// every step in one transaction. A line whose case no longer takes its answer refuses the
// whole.
func (d *Data) AnswerNotice(ctx context.Context, o CaseOptions, number string, a notice.Acknowledgement, by notice.Actor) (notice.Acknowledgement, error) {
	return d.answerNotice(ctx, o, number, a, by, func(*store.Desk, notice.Notice) error { return nil })
}

// answerNotice is AnswerNotice where allow, which may write, says that the version in
// force may be answered so.
func (d *Data) answerNotice(ctx context.Context, o CaseOptions, number string, a notice.Acknowledgement, by notice.Actor, allow func(*store.Desk, notice.Notice) error) (notice.Acknowledgement, error) {
	of := journal.Object{Type: "notice", ID: number}
	err := d.State.Decide(number, acted(d.entry(ctx, journal.NoticeAnswered, of), by), func(desk *store.Desk) error {
		if len(desk.Versions) == 0 || by.Role == notice.Dept && desk.Versions[0].Department != by.Department {
			return fmt.Errorf("notice %s: %w", number, auth.ErrNotFound)
		}
		n := desk.Versions[len(desk.Versions)-1]
		if err := allow(desk, n); err != nil {
			return err
		}
		var before *notice.Acknowledgement
		if len(desk.Answers) > 0 {
			before = &desk.Answers[len(desk.Answers)-1]
		}
		got, err := n.Answer(a, before, by, o.Now)
		if err != nil {
			return mistake(err)
		}
		for _, e := range got.Events() {
			c, ok, err := desk.Case(e.CaseID)
			if err == nil && !ok {
				err = fmt.Errorf("there is no case %s", e.CaseID)
			}
			if err != nil {
				return err
			}
			next, err := o.Workflow.Apply(c, e.Event, o.Calendar)
			if err != nil {
				return mistake(fmt.Errorf("case %s (%s): %w", e.CaseID, c.ResourceID, err))
			}
			desk.Changed = append(desk.Changed, next)
		}
		a, desk.Answer = got, &got
		code, err := got.Code()
		desk.Entry = desk.Entry.With(journal.DetailSHA256, code.SHA256)
		return err
	})
	if err != nil {
		return a, d.refused(ctx, journal.AnswerRefused, of, err)
	}
	return a, nil
}
