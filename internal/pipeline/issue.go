package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/internal/journal"
	"yunjian/internal/store"
	"yunjian/notice"
)

// drafted is the state in which a case waits for its notice, in every workflow.
const drafted notice.State = "drafted"

// IssueNotice issues the notice of a department over all its cases that are drafted: the
// document and every step in one transaction. A number of 0 in the draft is the next one
// of its prefix in the year. What no longer stands is withdrawn first, and returned.
func (d *Data) IssueNotice(ctx context.Context, o CaseOptions, draft notice.Draft, department string, by notice.Actor) (issued notice.Notice, taken []notice.Case, err error) {
	present, asOf, err := d.presentNow()
	if err != nil {
		return notice.Notice{}, nil, err
	}
	err = d.State.Decide("", acted(d.entry(ctx, journal.NoticeIssued, journal.Object{Type: "notice"}), by), func(desk *store.Desk) error {
		taken = nil
		var of []notice.Case
		for _, c := range desk.Cases {
			if c.Department != department || c.State != drafted {
				continue
			}
			now, err := o.advance(c, present[c.ResourceID], asOf)
			if err != nil {
				return err
			}
			if now.State == withdrawn {
				taken = append(taken, now)
			} else if now.State == drafted {
				of = append(of, now)
			}
		}
		desk.Changed = append(desk.Changed, taken...)
		if len(of) == 0 {
			return fmt.Errorf("no case of %s is drafted: see `yunjian notice list --department %s`", department, department)
		}
		if draft.Number.Number == 0 {
			draft.Number = nextNumber(desk.Notices, draft.Number.Prefix, o.Now.Year())
		}
		n, err := o.Workflow.NewNotice(draft, of, o.Now, o.Calendar)
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
		return issued, nil, d.RecordFailure(ctx, journal.NoticeRefused, journal.Object{Type: "department", ID: department}, err)
	}
	return issued, taken, nil
}

// nextNumber is the number after the last of a prefix in a year.
func nextNumber(issued []notice.Notice, prefix string, year int) notice.DocumentNumber {
	last := notice.DocumentNumber{Prefix: prefix, Year: year}
	for _, n := range issued {
		if number, err := notice.ParseDocumentNumber(n.Number); err == nil && number.Prefix == prefix && number.Year == year {
			last.Number = max(last.Number, number.Number)
		}
	}
	return last.Next(year)
}

// presentNow is what is known of every resource by the latest audit; nothing where there is
// none.
func (d *Data) presentNow() (map[string]notice.Present, time.Time, error) {
	a, ok, err := d.LatestAudit()
	if err != nil || !ok {
		return nil, time.Time{}, err
	}
	present, err := d.present(a)
	return present, a.AsOf, err
}

// AnswerNotice takes a department's answer to the notice of a number: the document and
// every step in one transaction. A line whose case no longer takes its answer refuses the
// whole.
func (d *Data) AnswerNotice(ctx context.Context, o CaseOptions, number string, a notice.Acknowledgement, by notice.Actor) (notice.Acknowledgement, error) {
	of := journal.Object{Type: "notice", ID: number}
	err := d.State.Decide(number, acted(d.entry(ctx, journal.NoticeAnswered, of), by), func(desk *store.Desk) error {
		n, ok := Latest(desk.Notices, number)
		if !ok || by.Role == notice.Dept && n.Department != by.Department {
			return fmt.Errorf("there is no notice %s", number)
		}
		var before *notice.Acknowledgement
		if len(desk.Answers) > 0 {
			before = &desk.Answers[len(desk.Answers)-1]
		}
		got, err := n.Answer(a, before, by, o.Now)
		if err != nil {
			return err
		}
		for _, e := range got.Events() {
			i := slices.IndexFunc(desk.Cases, func(c notice.Case) bool { return c.ID == e.CaseID })
			if i < 0 {
				return fmt.Errorf("there is no case %s", e.CaseID)
			}
			next, err := o.Workflow.Apply(desk.Cases[i], e.Event, o.Calendar)
			if err != nil {
				return fmt.Errorf("case %s (%s): %w", e.CaseID, desk.Cases[i].ResourceID, err)
			}
			desk.Changed = append(desk.Changed, next)
		}
		a, desk.Answer = got, &got
		code, err := got.Code()
		desk.Entry = desk.Entry.With(journal.DetailSHA256, code.SHA256)
		return err
	})
	if err != nil {
		return a, d.RecordFailure(ctx, journal.AnswerRefused, of, err)
	}
	return a, nil
}

// Latest is the version in force of the notice of a number.
func Latest(all []notice.Notice, number string) (n notice.Notice, ok bool) {
	for _, x := range all {
		if x.Number == number && x.Version > n.Version {
			n, ok = x, true
		}
	}
	return n, ok
}
