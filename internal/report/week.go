package report

import (
	"fmt"
	"time"

	"yunjian/cloud"
)

// Week is an ISO 8601 week, Monday to Sunday.
type Week struct {
	Year   int `json:"year"`   // the ISO year, which the days around New Year may not share
	Number int `json:"number"` // 1 to 53
}

// WeekOf returns the week that holds t in loc.
func WeekOf(t time.Time, loc *time.Location) Week {
	y, n := t.In(loc).ISOWeek()
	return Week{Year: y, Number: n}
}

// LastWeek returns the latest week that had ended at now in loc: what a report
// printed on a Monday morning is about.
func LastWeek(now time.Time, loc *time.Location) Week {
	return WeekOf(now.In(loc).AddDate(0, 0, -7), loc)
}

// ParseWeek reads a week as 2026-W47.
func ParseWeek(s string) (Week, error) {
	bad := fmt.Errorf("invalid week %q: want the form 2026-W47 with a week of that year", s)
	if len(s) != len("2026-W47") || s[4:6] != "-W" {
		return Week{}, bad
	}
	year, ok := digits(s[:4])
	if !ok {
		return Week{}, bad
	}
	number, ok := digits(s[6:])
	if !ok {
		return Week{}, bad
	}
	w := Week{Year: year, Number: number}
	if number < 1 || WeekOf(w.Monday(time.UTC), time.UTC) != w {
		return Week{}, bad
	}
	return w, nil
}

func digits(s string) (int, bool) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// String is the week as 2026-W47.
func (w Week) String() string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }

// Monday is the first instant of the week in loc.
func (w Week) Monday(loc *time.Location) time.Time {
	// 4 January always lies in week 1.
	t := time.Date(w.Year, time.January, 4, 0, 0, 0, 0, loc)
	sinceMonday := (int(t.Weekday()) + 6) % 7
	return t.AddDate(0, 0, -sinceMonday+7*(w.Number-1))
}

// Window is the week in loc, Monday 00:00 to the next Monday 00:00.
func (w Week) Window(loc *time.Location) cloud.Window {
	m := w.Monday(loc)
	return cloud.Window{From: m, To: m.AddDate(0, 0, 7)}
}
