package calendar

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var confidenceNames = map[Confidence]string{
	Cited: "有出处", Practice: "实践", Proposed: "默认值，可修改", Unverified: "未经核实，可修改",
}

// Name is the number of the notice, or its title where it has none.
func (s Source) Name() string { return cmp.Or(s.DocNo, s.Title) }

// String joins what is known of the notice.
func (s Source) String() string {
	var parts []string
	for _, t := range []string{s.Title, s.DocNo, s.Date, s.URL} {
		if t != "" {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, ", ")
}

// KnownYears lists the years whose holidays are known: 2024, 2025.
func (c Calendar) KnownYears() string {
	years := make([]string, len(c.Years))
	for i, y := range c.Years {
		years[i] = strconv.Itoa(y.Year)
	}
	return strings.Join(years, ", ")
}

// Describe says a year and the seasons in Chinese and English, for people.
func (c Calendar) Describe(year int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	first := date(year, time.January, 1)
	n := c.Count(first, first.AddDate(1, 0, 0))
	line("%d 年放假安排 | statutory holidays of %d", year, year)
	y, known := c.Year(year)
	if known {
		line("  出处 source    %s", y.Source)
	} else {
		line("  %s | %s", MissingText.ZH, MissingText.EN)
		line("  已有 known     %s", c.KnownYears())
	}
	line("  工作日 worked  %d（周一至周五 Monday to Friday: %d）", n.Working, n.Weekdays)
	for _, h := range y.Holidays {
		days := Peak{h.From, h.To}.days()
		line("  %s … %s  %2d 天 days  %s | %s", h.From.Format(time.DateOnly), h.To.Format(time.DateOnly), days, h.Name.ZH, h.Name.EN)
		for _, d := range h.Makeup {
			line("    调休上班 worked  %s %s", d.Format(time.DateOnly), d.Weekday())
		}
	}
	line("")
	line("季节 seasons（标签或文件中的列 tag, or column of a file: %s）", c.Seasons.Tag)
	for _, s := range c.Seasons.List {
		var spans []string
		for _, span := range s.Spans {
			spans = append(spans, span.String())
		}
		line("  %-26s %s | %s", s.ID, s.Name.ZH, s.Name.EN)
		line("    %s  [%s %s]", strings.Join(spans, "; "), s.Confidence, confidenceNames[s.Confidence])
		if len(s.Departments)+len(s.Applications) > 0 {
			line("    单位 departments: %s  应用 applications: %s", strings.Join(s.Departments, "、"), strings.Join(s.Applications, "、"))
		}
	}
	return b.String()
}

// String says the span in both languages.
func (s SeasonSpan) String() string {
	switch s.Every {
	case EveryHoliday:
		return fmt.Sprintf("节假日前 %d 天至后 %d 天 from %d days before a holiday to %d after", s.Before, s.After, s.Before, s.After)
	case EveryMonth:
		return fmt.Sprintf("每月 monthly %d…%d", s.From.Day, s.To.Day)
	default:
		return s.From.String() + "…" + s.To.String()
	}
}

// String is the day as files write it: 06-30.
func (d MonthDay) String() string { return fmt.Sprintf("%02d-%02d", int(d.Month), d.Day) }
