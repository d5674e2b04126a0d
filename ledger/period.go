package ledger

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Period is whole days: From the first midnight, To the midnight after the last day.
type Period struct{ From, To time.Time }

// Holds reports whether an instant lies in the period.
func (p Period) Holds(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// Last is the last day.
func (p Period) Last() time.Time { return p.To.AddDate(0, 0, -1) }

var presets = regexp.MustCompile(`^(\d{4})(?:[Hh]([12])|[Qq]([1-4])|-(\d{2}))?$`)

// ParsePeriod reads 2024 (a year), 2024H1 (a half), 2024Q3 (a quarter) or 2024-06 (a month),
// in days of loc.
func ParsePeriod(text string, loc *time.Location) (Period, error) {
	m := presets.FindStringSubmatch(text)
	wrong := fmt.Errorf("period %q: want a year such as 2024, a half 2024H1, a quarter 2024Q3 or a month 2024-06", text)
	if m == nil {
		return Period{}, wrong
	}
	year, _ := strconv.Atoi(m[1])
	first, months := time.January, 12
	switch {
	case m[2] != "":
		half, _ := strconv.Atoi(m[2])
		first, months = time.Month(6*half-5), 6
	case m[3] != "":
		quarter, _ := strconv.Atoi(m[3])
		first, months = time.Month(3*quarter-2), 3
	case m[4] != "":
		month, _ := strconv.Atoi(m[4])
		if month < 1 || month > 12 {
			return Period{}, wrong
		}
		first, months = time.Month(month), 1
	}
	if year < 1 {
		return Period{}, wrong
	}
	from := time.Date(year, first, 1, 0, 0, 0, 0, loc)
	return Period{from, from.AddDate(0, months, 0)}, nil
}

// PeriodOf reads a preset, or the first and the last day, in days of loc. In errors the
// fields are called period, from and to after mark, such as "--".
func PeriodOf(preset, from, to, mark string, loc *time.Location) (Period, error) {
	switch {
	case preset != "" && (from != "" || to != ""):
		return Period{}, fmt.Errorf("%[1]speriod excludes %[1]sfrom and %[1]sto", mark)
	case preset != "":
		p, err := ParsePeriod(preset, loc)
		if err != nil {
			return p, fmt.Errorf("%speriod: %w", mark, err)
		}
		return p, nil
	case from == "" || to == "":
		return Period{}, fmt.Errorf("want %[1]speriod, such as 2024H1, or both %[1]sfrom and %[1]sto, the first and the last day", mark)
	}
	var days [2]time.Time
	for i, x := range []struct{ field, text string }{{"from", from}, {"to", to}} {
		t, err := time.ParseInLocation(time.DateOnly, x.text, loc)
		if err != nil {
			return Period{}, fmt.Errorf("%s%s %q: want a day such as 2024-06-30", mark, x.field, x.text)
		}
		days[i] = t
	}
	if days[1].Before(days[0]) {
		return Period{}, fmt.Errorf("%[1]sto %[2]s lies before %[1]sfrom %[3]s", mark, to, from)
	}
	return Period{From: days[0], To: days[1].AddDate(0, 0, 1)}, nil
}

// Preset is the text that ParsePeriod reads a period from; empty where it is none.
func (p Period) Preset() string {
	if p.From.Day() != 1 || p.To.Day() != 1 {
		return ""
	}
	y, m := p.From.Year(), int(p.From.Month())
	switch months := 12*(p.To.Year()-y) + int(p.To.Month()) - m; {
	case months == 12 && m == 1:
		return fmt.Sprintf("%04d", y)
	case months == 6 && m%6 == 1:
		return fmt.Sprintf("%04dH%d", y, m/6+1)
	case months == 3 && m%3 == 1:
		return fmt.Sprintf("%04dQ%d", y, m/3+1)
	case months == 1:
		return fmt.Sprintf("%04d-%02d", y, m)
	}
	return ""
}
