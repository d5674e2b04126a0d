package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/internal/store"
)

// keptAudits is how many of the latest audits are kept; of older ones the last
// of each week stays for ever, for reports to be printed again.
const keptAudits = 60

// Tend folds closed days of history into chunks, drops samples older than raw,
// and audits that no report is made of.
func (d *Data) Tend(ctx context.Context, now time.Time, raw time.Duration, loc *time.Location) error {
	if err := d.History.Fold(ctx, now); err != nil {
		return err
	}
	if err := d.History.Retain(ctx, now, raw); err != nil {
		return err
	}
	week := func(asOf time.Time) string { return WeekOf(asOf, loc).String() }
	if _, err := d.State.PruneAudits(keptAudits, week, d.entry(ctx, journal.AuditsPruned, journal.Object{Type: "audit"})); err != nil {
		return fmt.Errorf("drop old audits: %w", err)
	}
	return nil
}

// LatestAudit returns the last audit stored, which may lie ahead where --now sets the
// present. One of a far future counts only where there is no other (see store.Ahead).
func (d *Data) LatestAudit() (audit.Audit, bool, error) {
	a, ok, err := d.State.LatestAudit(time.Now().Add(store.Ahead))
	if ok || err != nil {
		return a, ok, err
	}
	return d.State.LatestAudit(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
}

// AuditedWeeks lists the weeks that stored audits report on, ascending.
func (d *Data) AuditedWeeks(loc *time.Location) ([]Week, error) {
	times, err := d.State.AuditTimes()
	if err != nil {
		return nil, fmt.Errorf("list audits: %w", err)
	}
	var weeks []Week
	for _, t := range times {
		weeks = append(weeks, WeekOf(t, loc))
	}
	return slices.Compact(weeks), nil
}

// Inventories returns what the named clouds held when they were last read, and
// the names of other clouds of which something is stored.
func (d *Data) Inventories(clouds []string) (named []cloud.Inventory, others []string, err error) {
	all, err := d.State.Inventories()
	if err != nil {
		return nil, nil, fmt.Errorf("read inventories: %w", err)
	}
	for _, inv := range all {
		if slices.Contains(clouds, inv.Cloud) {
			named = append(named, inv)
			continue
		}
		others = append(others, inv.Cloud)
	}
	return named, others, nil
}
