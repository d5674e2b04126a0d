package pipeline

import (
	"fmt"
	"strings"
	"time"

	"yunjian/audit"
	"yunjian/cloud"
)

// Week is an ISO 8601 week, Monday to Sunday.
type Week struct {
	Year   int `json:"year"`   // the ISO year, which the days around New Year may not share
	Number int `json:"number"` // 1 to 53
}

// WeekOf returns the week that an audit made at t reports on: the week of the
// day before, so that Monday morning's audit closes last week.
func WeekOf(t time.Time, loc *time.Location) Week {
	y, n := t.In(loc).AddDate(0, 0, -1).ISOWeek()
	return Week{Year: y, Number: n}
}

// ParseWeek reads a week written as 2026-W47.
func ParseWeek(s string) (Week, error) {
	var w Week
	if _, err := fmt.Sscanf(strings.ToUpper(s), "%4d-W%2d", &w.Year, &w.Number); err != nil || w.String() != strings.ToUpper(s) {
		return Week{}, fmt.Errorf("week %q: want an ISO week such as 2026-W47", s)
	}
	if y, n := w.Monday(time.UTC).ISOWeek(); y != w.Year || n != w.Number {
		return Week{}, fmt.Errorf("week %q: the year %d has no such week", s, w.Year)
	}
	return w, nil
}

// String writes the week as 2026-W47.
func (w Week) String() string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }

// Monday returns the midnight in loc with which the week begins.
func (w Week) Monday(loc *time.Location) time.Time {
	// The fourth of January lies in week 1 whatever the year.
	t := time.Date(w.Year, time.January, 4, 0, 0, 0, 0, loc)
	back := (int(t.Weekday()) + 6) % 7
	return t.AddDate(0, 0, (w.Number-1)*7-back)
}

// Window is the week in loc, Monday 00:00 to the next Monday 00:00.
func (w Week) Window(loc *time.Location) cloud.Window {
	m := w.Monday(loc)
	return cloud.Window{From: m, To: m.AddDate(0, 0, 7)}
}

// end is the first instant whose audit belongs to the week after.
func (w Week) end(loc *time.Location) time.Time { return w.Monday(loc).AddDate(0, 0, 8) }

// AuditOf returns the last audit that reports on the week.
func (d *Data) AuditOf(w Week, loc *time.Location) (audit.Audit, bool, error) {
	a, ok, err := d.State.LatestAudit(w.end(loc).Add(-time.Nanosecond))
	if err != nil || !ok || WeekOf(a.AsOf, loc) != w {
		return audit.Audit{}, false, err
	}
	return a, true, nil
}

// weekBefore returns the last audit that reports on the week right before the
// one that an audit made at now reports on; zero where there is none. A week
// without an audit breaks what is confirmed week by week.
func (d *Data) weekBefore(now time.Time, loc *time.Location) (audit.Audit, error) {
	a, ok, err := d.PreviousAudit(now, loc)
	if err != nil || !ok || WeekOf(a.AsOf, loc) != WeekOf(now.In(loc).AddDate(0, 0, -7), loc) {
		return audit.Audit{}, err
	}
	return a, nil
}

// PreviousAudit returns the last audit of the weeks before the one that an
// audit made at asOf reports on.
func (d *Data) PreviousAudit(asOf time.Time, loc *time.Location) (audit.Audit, bool, error) {
	// An audit at this week's Monday 00:00 still closes the week before; one a
	// day later does not.
	w := WeekOf(asOf, loc)
	a, ok, err := d.State.LatestAudit(w.Monday(loc).AddDate(0, 0, 1).Add(-time.Nanosecond))
	if err != nil {
		return audit.Audit{}, false, fmt.Errorf("read last week's audit: %w", err)
	}
	return a, ok, nil
}
