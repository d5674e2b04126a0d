package calendar

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"time"
)

// Text is a text for people in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// MissingText is what is shown wherever the holidays of a year are not known.
var MissingText = Text{
	ZH: "法定节假日数据缺失，按周末推算",
	EN: "statutory holidays are not known; weekends stand in for them",
}

// Source is the notice that published a year's holidays.
type Source struct {
	Title  string `json:"title"`
	Issuer string `json:"issuer,omitempty"`
	DocNo  string `json:"doc_no,omitempty"`
	Date   string `json:"date"` // of publication, 2025-11-04
	URL    string `json:"url"`
}

// Year is the holidays that one notice published.
type Year struct {
	Year     int
	Source   Source
	Holidays []Holiday // ascending, without overlap
}

// Holiday is one holiday: days off in a row, weekends within it included, and
// the weekend days worked in exchange.
type Holiday struct {
	Name     Text
	From, To time.Time   // first and last day off
	Makeup   []time.Time // 调休: Saturdays and Sundays worked
}

// Calendar is what is known of days. The zero value knows no year: it works
// from Monday to Friday and says so.
type Calendar struct {
	Years   []Year // ascending, one a year
	Seasons Seasons
}

//go:embed years/*.yaml seasons.yaml
var files embed.FS

// Builtin returns the years and the seasons that are shipped. Each call parses
// them anew, so that a caller may change what it got.
func Builtin() Calendar {
	entries, err := files.ReadDir("years")
	if err != nil {
		panic(fmt.Sprintf("calendar: list embedded years: %v", err)) // a test lists them
	}
	var c Calendar
	for _, e := range entries {
		c = mustAdd(c, "years/"+e.Name())
	}
	return mustAdd(c, "seasons.yaml")
}

// SeasonsYAML is the text of the shipped table of seasons, to be copied and
// edited.
func SeasonsYAML() []byte { return mustRead("seasons.yaml") }

// YearYAML is the text of a shipped year, to be copied and edited for another;
// false where that year is not shipped.
func YearYAML(year int) ([]byte, bool) {
	text, err := files.ReadFile(fmt.Sprintf("years/%d.yaml", year))
	return text, err == nil
}

func mustAdd(c Calendar, name string) Calendar {
	f, err := Parse(name, mustRead(name))
	if err != nil {
		panic(fmt.Sprintf("calendar: %v", err)) // a test parses every file
	}
	return c.With(f)
}

func mustRead(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("calendar: read embedded file: %v", err))
	}
	return text
}

// With returns the calendar with a file in place of what it has of that year,
// or of its seasons.
func (c Calendar) With(f File) Calendar {
	if f.Seasons != nil {
		c.Seasons = *f.Seasons
	}
	if f.Year != nil {
		c.Years = slices.DeleteFunc(slices.Clone(c.Years), func(y Year) bool { return y.Year == f.Year.Year })
		c.Years = append(c.Years, *f.Year)
		slices.SortFunc(c.Years, func(a, b Year) int { return cmp.Compare(a.Year, b.Year) })
	}
	return c
}

// Year returns what was published of a year.
func (c Calendar) Year(year int) (Year, bool) {
	i := slices.IndexFunc(c.Years, func(y Year) bool { return y.Year == year })
	if i < 0 {
		return Year{}, false
	}
	return c.Years[i], true
}

// Known reports whether the holidays of a year are known.
func (c Calendar) Known(year int) bool {
	_, ok := c.Year(year)
	return ok
}

// Missing lists the years of the days from that of from up to and without that of
// to whose holidays are not known, ascending.
func (c Calendar) Missing(from, to time.Time) []int {
	var out []int
	for y, last := from.Year(), Day(to).AddDate(0, 0, -1); y <= last.Year(); y++ {
		if !c.Known(y) {
			out = append(out, y)
		}
	}
	return out
}

// Day returns the calendar date of t in its location, as midnight UTC.
func Day(t time.Time) time.Time {
	y, m, d := t.Date()
	return date(y, m, d)
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func weekend(day time.Time) bool {
	return day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
}

// Holiday returns the holiday that the day of t belongs to. Days of late
// December may stand in the notice of the year that follows.
func (c Calendar) Holiday(t time.Time) (Holiday, bool) {
	day := Day(t)
	for _, y := range c.Years {
		for _, h := range y.Holidays {
			if !day.Before(h.From) && !day.After(h.To) {
				return h, true
			}
		}
	}
	return Holiday{}, false
}

// Makeup reports whether the day of t is a weekend day that is worked.
func (c Calendar) Makeup(t time.Time) bool {
	day := Day(t)
	for _, y := range c.Years {
		for _, h := range y.Holidays {
			if slices.ContainsFunc(h.Makeup, day.Equal) {
				return true
			}
		}
	}
	return false
}

// Working reports whether the day of t is worked. Where the year is not Known,
// Monday to Friday are.
func (c Calendar) Working(t time.Time) bool {
	if c.Makeup(t) {
		return true
	}
	if _, off := c.Holiday(t); off {
		return false
	}
	return !weekend(t)
}

// Span is how many days of a span are worked, make-up days included, how many
// are weekdays, Monday to Friday, and how many of these are off for a holiday.
type Span struct {
	Working  int
	Weekdays int
	Off      int
}

// Count counts the days from that of from up to and without that of to.
func (c Calendar) Count(from, to time.Time) Span {
	var s Span
	for d, end := Day(from), Day(to); d.Before(end); d = d.AddDate(0, 0, 1) {
		worked := c.Working(d)
		if worked {
			s.Working++
		}
		if !weekend(d) {
			s.Weekdays++
			if !worked {
				s.Off++
			}
		}
	}
	return s
}

// holidayWeekDays is how many statutory days off make a week one of rest, in
// which offices are quiet. Proposed.
const holidayWeekDays = 3

// HolidayWeeks lists the Mondays of the weeks with three statutory days off or
// more, of which at least one lies from the day of from up to and without that
// of to.
func (c Calendar) HolidayWeeks(from, to time.Time) []time.Time {
	first, end := Day(from), Day(to)
	var out []time.Time
	for monday := first.AddDate(0, 0, -(int(first.Weekday())+6)%7); monday.Before(end); monday = monday.AddDate(0, 0, 7) {
		off, within := 0, false
		for i := range 7 {
			d := monday.AddDate(0, 0, i)
			if _, ok := c.Holiday(d); ok {
				off++
				within = within || !d.Before(first) && d.Before(end)
			}
		}
		if off >= holidayWeekDays && within {
			out = append(out, monday)
		}
	}
	return out
}

// Unit is what a term is counted in.
type Unit string

// Units of a term, as policy packs write them.
const (
	Days        Unit = "day"
	WorkingDays Unit = "working_day"
	Months      Unit = "month"
)

// Units lists every unit.
func Units() []Unit { return []Unit{WorkingDays, Days, Months} }

// MaxTerm is the longest term, in any unit.
const MaxTerm = 1000

// Due returns the last day of a term of n units, 0 to MaxTerm, that begins to
// run on the day after that of from. A term in months ends on the day of the
// same number, or on the last of a shorter month; it and one in days may end on
// a day that is not worked.
func (c Calendar) Due(from time.Time, n int, unit Unit) time.Time {
	day := Day(from)
	switch n = min(max(n, 0), MaxTerm); unit {
	case Months:
		first := date(day.Year(), day.Month()+time.Month(n), 1)
		return date(first.Year(), first.Month(), min(day.Day(), MonthEnd(first).Day()))
	case WorkingDays:
		for n > 0 {
			day = day.AddDate(0, 0, 1)
			if c.Working(day) {
				n--
			}
		}
		return day
	default:
		return day.AddDate(0, 0, n)
	}
}

// MonthEnd returns the last day of the month of t.
func MonthEnd(t time.Time) time.Time { return date(t.Year(), t.Month()+1, 0) }

// QuarterEnd returns the last day of the quarter of t.
func QuarterEnd(t time.Time) time.Time {
	return date(t.Year(), (t.Month()+2)/3*3+1, 0)
}

// YearEnd returns the last day of the year of t.
func YearEnd(t time.Time) time.Time { return date(t.Year(), time.December, 31) }
