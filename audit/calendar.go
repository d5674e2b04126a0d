package audit

import (
	"time"

	"yunjian/calendar"
	"yunjian/cloud"
)

// CalendarRef says by which days an audit judged. The zero value is that of an
// audit that was stored before there was a calendar.
type CalendarRef struct {
	Years        []YearRef `json:"years"`                   // that the window touches and whose holidays are known
	MissingYears []int     `json:"missing_years,omitempty"` // that it touches and whose holidays are not known
	// Warning is said wherever the days are shown; absent where no year is missing.
	Warning      *calendar.Text `json:"warning,omitempty"`
	WorkingDays  int            `json:"working_days"`  // of the window
	Weekdays     int            `json:"weekdays"`      // of the window, Monday to Friday
	HolidayWeeks []string       `json:"holiday_weeks"` // Mondays of the weeks with three statutory days off or more
	Seasons      string         `json:"seasons_sha256,omitempty"`
}

// YearRef names the notice of a year's holidays.
type YearRef struct {
	Year   int    `json:"year"`
	Notice string `json:"notice"` // number, or title where it has none
	URL    string `json:"url"`
}

func calendarRef(c calendar.Calendar, w cloud.Window, loc *time.Location) CalendarRef {
	from, to := w.From.In(loc), w.To.In(loc)
	days := c.Count(from, to)
	ref := CalendarRef{
		Years: []YearRef{}, MissingYears: c.Missing(from, to), HolidayWeeks: []string{},
		WorkingDays: days.Working, Weekdays: days.Weekdays, Seasons: c.Seasons.SHA256,
	}
	for _, y := range c.Years {
		if y.Year >= from.Year() && calendar.Day(to).After(time.Date(y.Year, time.January, 1, 0, 0, 0, 0, time.UTC)) {
			ref.Years = append(ref.Years, YearRef{Year: y.Year, Notice: y.Source.Name(), URL: y.Source.URL})
		}
	}
	if len(ref.MissingYears) > 0 {
		ref.Warning = &calendar.MissingText
	}
	for _, monday := range c.HolidayWeeks(from, to) {
		ref.HolidayWeeks = append(ref.HolidayWeeks, monday.Format(time.DateOnly))
	}
	return ref
}
