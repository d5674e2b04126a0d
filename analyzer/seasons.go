package analyzer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
)

// seasonal lets a finding of waste stand only where enough of every season of
// the resource was watched, from an instant until today: all of a peak, or as
// many days of a longer one as the pack asks of any history (MinHistory).
func (j *judging) seasonal(v judgement, from, today time.Time) judgement {
	if !v.wasteful() {
		return v
	}
	r, table := j.in.Resource, j.pack.Calendar.Seasons
	seasons, unknown := table.Of(cmp.Or(r.Tags[table.Tag], r.Attributes[table.Tag]), r.Department, r.Application)
	var missing []Reason
	for _, id := range unknown {
		missing = append(missing, Reason{Code: CodeSeasonUnknown, Detail: id})
	}
	loc := j.now.Location()
	first := calendar.Day(from.In(loc))
	if start := from.In(loc); !midnight(first, loc).Equal(start) { // that day was watched in part
		first = first.AddDate(0, 0, 1)
	}
	most := max(1, int(math.Ceil(days(j.pack.MinHistory))))
	for _, s := range seasons {
		w, ok := j.pack.Calendar.Watched(s, first, today.In(loc), most)
		switch {
		case !ok:
			missing = append(missing, Reason{Code: CodeSeasonUnseen, Unit: cloud.Days, Detail: s.ID})
		case w.Seen < w.Needed:
			missing = append(missing, Reason{
				Code: CodeSeasonUnseen, Value: number(float64(w.Seen)), Limit: number(float64(w.Needed)), Unit: cloud.Days, Detail: s.ID,
				Date: w.Peak.From.Format(time.DateOnly), WaitDays: calendar.Between(j.now, w.Settled),
			})
		}
	}
	if len(missing) == 0 {
		return v
	}
	j.flags[SeasonUnseen] = true
	return judgement{verdict: InsufficientData, coverage: v.coverage, reasons: slices.Concat(missing, v.reasons)}
}

// watchedSince is since when a rule has watched the machine: since the window
// began or, where it asks for peaks of 13 months, since these are known.
func (j *judging) watchedSince(rule string) time.Time {
	from := j.window.From
	r, _ := j.pack.Rule(rule)
	for _, c := range r.When {
		if since := j.in.Peaks[c.Metric].Since; policies.OfPeaks(c.Statistic) && !since.IsZero() {
			from = earliest(from, latest(since, j.now.Add(-PeakSpan)))
		}
	}
	return from
}

// unseenEnds says which ends of a month, quarter and year the history has not
// seen, and when it will have. Of those that come on one day only the longest is
// told: the flag still says that the window holds no end of a month.
func (j *judging) unseenEnds() []Reason {
	loc := j.now.Location()
	guarded := j.window
	if since := j.in.Peaks[cloud.CPUPercent].Since; !since.IsZero() {
		guarded.From = earliest(guarded.From, since)
	}
	var out []Reason
	add := func(code string, end time.Time) {
		next := Reason{Code: code, Date: end.Format(time.DateOnly), WaitDays: calendar.Between(j.now, end) + 1}
		if n := len(out); n > 0 && out[n-1].Date == next.Date {
			out[n-1] = next
		} else {
			out = append(out, next)
		}
	}
	if j.flags[NoMonthEnd] {
		add(CodeMonthEndUnseen, calendar.MonthEnd(j.now))
	}
	if !holds(guarded, calendar.QuarterEnd, loc) {
		add(CodeQuarterEndUnseen, calendar.QuarterEnd(j.now))
	}
	if !holds(guarded, calendar.YearEnd, loc) {
		add(CodeYearEndUnseen, calendar.YearEnd(j.now))
	}
	return out
}

// holidays says that holidays took a large part of the window, in which offices
// are quiet: one weekday in five or more, as if a day of every week were missing
// (proposed). Where a year's holidays are not known nothing is said; the audit
// says that they are not.
func (j *judging) holidays() []Reason {
	loc := j.now.Location()
	from, to := j.window.From.In(loc), j.window.To.In(loc)
	if len(j.pack.Calendar.Missing(from, to)) > 0 {
		return nil
	}
	n := j.pack.Calendar.Count(from, to)
	if n.Off == 0 || 5*n.Off < n.Weekdays {
		return nil
	}
	j.flags[HolidayWindow] = true
	return []Reason{{Code: CodeHolidays, Value: number(float64(n.Off)), Limit: number(float64(n.Weekdays)), Unit: cloud.Days}}
}

// holds reports whether w holds a whole day that end calls the last of its
// month, quarter or year.
func holds(w cloud.Window, end func(time.Time) time.Time, loc *time.Location) bool {
	for last := end(w.From.In(loc)); ; last = end(last.AddDate(0, 0, 1)) {
		if midnight(last.AddDate(0, 0, 1), loc).After(w.To) {
			return false
		}
		if !midnight(last, loc).Before(w.From) {
			return true
		}
	}
}

// midnight is when a calendar date begins at a place.
func midnight(date time.Time, loc *time.Location) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, loc)
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
