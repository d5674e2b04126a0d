package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"yunjian/audit"
	"yunjian/calendar"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/store"
	"yunjian/notice"
	"yunjian/policies"
	"yunjian/recommender"
)

// quietAfter is for how long advice that people dismissed, rolled back or took back upon
// an objection is not brought before them again; proposed.
const quietAfter = 90 * 24 * time.Hour

// CaseOptions say by which rules cases move.
type CaseOptions struct {
	Workflow notice.Workflow
	Calendar calendar.Calendar
	Now      time.Time // in the location whose days count
}

// Synced is what bringing the cases up to date did, by case id.
type Synced struct {
	Opened, Moved, Withdrawn []notice.Case
	// Ownerless is how many resources have advice that is ready and no department that
	// could be told.
	Ownerless int
}

// SyncCases brings the cases up to the present, in one transaction: what the passing of
// time brings, what the latest audit takes back, and a case for each piece of advice that
// is ready and has an owner, where the resource has none that is open.
func (d *Data) SyncCases(ctx context.Context, o CaseOptions) (Synced, error) {
	a, ok, err := d.LatestAudit()
	switch {
	case err != nil:
		return Synced{}, err
	case !ok:
		return Synced{}, errors.New("no audit is stored yet: run `yunjian audit` first")
	case o.Now.Before(a.AsOf):
		return Synced{}, fmt.Errorf("the latest audit is of %s, after %s: cases do not go back in time", a.AsOf.Format(time.RFC3339), o.Now.Format(time.RFC3339))
	}
	present, err := d.present(a)
	if err != nil {
		return Synced{}, err
	}
	directory, err := d.State.Directory()
	if err != nil {
		return Synced{}, err
	}
	codes := map[[2]string]string{}
	for _, x := range directory.Applications {
		codes[[2]string{x.Department, x.Name}] = x.Code
	}
	var out Synced
	err = d.State.UpdateCases(d.entry(ctx, journal.CasesSynced, journal.Object{Type: "cases"}), func(all []notice.Case) ([]notice.Case, error) {
		out = Synced{}
		open, rounds, last := map[string]bool{}, map[string]int{}, map[string]notice.Case{}
		for _, c := range all {
			now, err := o.advance(c, present[c.ResourceID], a.AsOf)
			if err != nil {
				return nil, err
			}
			if len(now.History) > len(c.History) || len(now.Deadlines) != len(c.Deadlines) {
				if now.State == withdrawn && c.State != withdrawn {
					out.Withdrawn = append(out.Withdrawn, now)
				} else {
					out.Moved = append(out.Moved, now)
				}
			}
			open[c.ResourceID] = open[c.ResourceID] || !o.final(now)
			rec := c.Cited.Recommendation.ID
			if c.Round > rounds[rec] {
				rounds[rec], last[rec] = c.Round, now
			}
		}
		for _, rec := range a.Recommendations {
			if !rec.Ready || !slices.Contains(notice.Actions(), rec.Action) || open[rec.ResourceID] {
				continue
			}
			if before, ok := last[rec.ID]; ok && o.quiet(before) {
				continue
			}
			p := present[rec.ResourceID]
			if rec.Department == "" {
				out.Ownerless++
				continue
			}
			if p.Resource == nil || p.Finding == nil {
				continue // gone since
			}
			c, err := o.Workflow.Open(notice.Opening{
				Recommendation: rec, Finding: *p.Finding, Resource: *p.Resource, AsOf: a.AsOf, Round: rounds[rec.ID] + 1,
				Policy:  notice.PolicyRef{ID: a.Policy.ID, Version: a.Policy.Version, SHA256: a.Policy.SHA256},
				AppCode: codes[[2]string{rec.Department, rec.Application}],
			}, o.Now, o.Calendar)
			if err != nil {
				return nil, err
			}
			open[rec.ResourceID] = true
			out.Opened = append(out.Opened, c)
		}
		return slices.Concat(out.Opened, out.Moved, out.Withdrawn), nil
	})
	return out, err
}

// withdrawn is the state of a case that was taken back, in every workflow that has it.
const withdrawn notice.State = "withdrawn"

func (o CaseOptions) final(c notice.Case) bool {
	s, _ := o.Workflow.State(c.State)
	return s.Final
}

// quiet reports whether people settled the matter so lately that they are not asked
// again.
func (o CaseOptions) quiet(c notice.Case) bool {
	last := c.History[len(c.History)-1]
	upheld := c.State == withdrawn && last.Reason == "objection_upheld"
	if c.State != "dismissed" && c.State != "rolled_back" && !upheld {
		return false
	}
	return o.Now.Sub(last.At) < quietAfter
}

// advance makes the steps that time brings, then the one that the present does. A case of
// another workflow stays as it is: it ends by the rules that it began with.
func (o CaseOptions) advance(c notice.Case, p notice.Present, asOf time.Time) (notice.Case, error) {
	if c.Workflow != o.Workflow.Ref() || o.final(c) {
		return c, nil
	}
	for _, e := range o.Workflow.Due(c, o.Now, o.Calendar) {
		next, err := o.Workflow.Apply(c, e, o.Calendar)
		if err != nil {
			return c, fmt.Errorf("case %s: %w", c.ID, err)
		}
		c = next
	}
	if !asOf.After(c.Cited.AsOf) { // it was opened by this audit
		return c, nil
	}
	p.At = o.Now
	e, ok := o.Workflow.Recheck(c, p)
	if !ok {
		return c, nil
	}
	next, err := o.Workflow.Apply(c, e, o.Calendar)
	if err != nil {
		return c, fmt.Errorf("case %s: %w", c.ID, err)
	}
	return next, nil
}

// present is what is known of every resource, by id: what the inventories hold and what
// an audit said.
func (d *Data) present(a audit.Audit) (map[string]notice.Present, error) {
	inventories, err := d.State.Inventories()
	if err != nil {
		return nil, err
	}
	out := map[string]notice.Present{}
	for _, inv := range inventories {
		for _, r := range inv.Resources {
			out[r.ID] = notice.Present{Complete: true, Resource: &r}
		}
	}
	for _, inv := range inventories {
		gone, err := d.State.Gone(inv.Cloud)
		if err != nil {
			return nil, err
		}
		for _, r := range gone { // only what a complete listing does not hold is gone
			if _, back := out[r.ID]; !back {
				out[r.ID] = notice.Present{Complete: true}
			}
		}
	}
	for _, f := range a.Findings {
		said(out, f.ResourceID, store.Judged{Finding: &f})
	}
	for _, r := range a.Recommendations {
		said(out, r.ResourceID, store.Judged{Recommendations: []recommender.Recommendation{r}})
	}
	for _, r := range a.Refusals {
		said(out, r.ResourceID, store.Judged{Refusals: []recommender.Refusal{r}})
	}
	return out, nil
}

// presentOf is what is known of a few resources now, and of when the latest audit is; the
// zero time where there is none.
func (d *Data) presentOf(ids []string) (map[string]notice.Present, time.Time, error) {
	judged, asOf, ok, err := d.State.Judged(ids)
	if err != nil || !ok {
		return nil, time.Time{}, err
	}
	inventories, err := d.State.Inventories()
	if err != nil {
		return nil, time.Time{}, err
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	out := map[string]notice.Present{}
	for _, inv := range inventories {
		for _, r := range inv.Resources {
			if wanted[r.ID] {
				out[r.ID] = notice.Present{Complete: true, Resource: &r}
			}
		}
	}
	for _, inv := range inventories {
		gone, err := d.State.GoneOf(inv.Cloud, ids)
		if err != nil {
			return nil, time.Time{}, err
		}
		for id := range gone {
			if _, back := out[id]; !back {
				out[id] = notice.Present{Complete: true}
			}
		}
	}
	for id, j := range judged {
		said(out, id, j)
	}
	return out, asOf, nil
}

// said adds what an audit says of a resource; of a stop and other advice, the other.
func said(out map[string]notice.Present, id string, j store.Judged) {
	p := out[id]
	if j.Finding != nil {
		p.Finding = j.Finding
	}
	for _, r := range j.Recommendations {
		if p.Recommendation == nil || p.Recommendation.Action == recommender.Stop {
			p.Recommendation = &r
		}
	}
	for _, r := range j.Refusals {
		p.Refusal = &r
	}
	out[id] = p
}

// resourcesOf are the resources of cases; cases that are not there have none.
func (d *Data) resourcesOf(cases []string) (ids []string, err error) {
	for _, id := range cases {
		c, ok, err := d.State.Case(id)
		if err != nil {
			return nil, err
		}
		if ok {
			ids = append(ids, c.ResourceID)
		}
	}
	return ids, nil
}

// StepCases makes one step in each of the cases named, all or none. Before it each is held
// against the latest audit: what no longer stands is withdrawn instead, and returned.
func (d *Data) StepCases(ctx context.Context, o CaseOptions, ids []string, event notice.Event) (stepped, taken []notice.Case, err error) {
	return d.stepCases(ctx, o, ids, event, func(notice.Case) error { return nil })
}

// stepCases is StepCases where allow says of each case, as it stands in the transaction,
// that it may be stepped.
func (d *Data) stepCases(ctx context.Context, o CaseOptions, ids []string, event notice.Event, allow func(notice.Case) error) (stepped, taken []notice.Case, err error) {
	resources, err := d.resourcesOf(ids)
	if err != nil {
		return nil, nil, err
	}
	present, asOf, err := d.presentOf(resources)
	if err != nil {
		return nil, nil, err
	}
	of := journal.Object{Type: "cases", ID: event.Name}
	err = d.State.Decide("", acted(d.entry(ctx, journal.CasesStepped, of), event.By), func(desk *store.Desk) error {
		stepped, taken = nil, nil
		for _, id := range ids {
			before, ok, err := desk.Case(id)
			if err == nil && !ok {
				err = fmt.Errorf("case %s: %w", id, auth.ErrNotFound)
			}
			if err == nil {
				err = allow(before)
			}
			if err != nil {
				return err
			}
			c, err := o.advance(before, present[before.ResourceID], asOf)
			if err != nil {
				return err
			}
			if c.State == withdrawn && before.State != withdrawn {
				taken = append(taken, c)
				continue
			}
			next, err := o.Workflow.Apply(c, event, o.Calendar)
			if err != nil {
				return fmt.Errorf("case %s (%s): %w", c.ID, c.ResourceID, err)
			}
			stepped = append(stepped, next)
		}
		desk.Changed = slices.Concat(stepped, taken)
		return nil
	})
	if err != nil {
		return nil, nil, d.refused(ctx, journal.CasesRefused, of, err)
	}
	return stepped, taken, nil
}

// acted says in an entry who acted, and in which role.
func acted(e journal.Entry, by notice.Actor) journal.Entry {
	return e.With("by", by.ID).With("role", string(by.Role)).With("department", by.Department)
}

// Excused lists the exemptions that cases granted and that are in force on the day of now,
// for the policy to judge by. Of a day gone by, they are those that were.
func (d *Data) Excused(now time.Time) ([]policies.Exemption, error) {
	cases, err := d.State.Cases()
	if err != nil {
		return nil, err
	}
	var out []policies.Exemption
	for _, c := range cases {
		if e, ok := c.Excused(now); ok && (c.State == "exempted" || c.State == "expired") {
			out = append(out, e)
		}
	}
	return out, nil
}
