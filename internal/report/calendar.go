package report

import (
	"slices"
	"strconv"

	"yunjian/analyzer"
	"yunjian/audit"
)

// notes are what is to be known beside a verdict: its flags, and for those that
// a note tells with its numbers the note instead.
func (p prose) notes(flags []analyzer.Flag, notes []analyzer.Reason) []string {
	told := map[analyzer.Flag]string{analyzer.NoMonthEnd: analyzer.CodeMonthEndUnseen, analyzer.HolidayWindow: analyzer.CodeHolidays}
	var rest []analyzer.Flag
	for _, f := range flags {
		if !slices.ContainsFunc(notes, func(r analyzer.Reason) bool { return r.Code == told[f] }) {
			rest = append(rest, f)
		}
	}
	out := p.flags(rest)
	for _, r := range notes {
		out = append(out, p.reason(r))
	}
	return out
}

// season is the name of a season, or its id where the table is not at hand.
func (p prose) season(id string) string {
	for _, s := range p.pack.Calendar.Seasons.List {
		switch {
		case s.ID != id:
		case p.lang == ZH:
			return clean(s.Name.ZH)
		default:
			return clean(s.Name.EN)
		}
	}
	return clean(id)
}

// holidaysMissing warns that weekends stand in for the holidays of years.
func (b builder) holidaysMissing(years []int) string {
	words := make([]string, len(years))
	for i, y := range years {
		words[i] = strconv.Itoa(y)
	}
	return b.p.say(msgHolidaysMissing, b.p.join(words))
}

// days says by which days the audit judged.
func (b builder) days(c audit.CalendarRef, add func(msg, string)) {
	p := b.p
	count := func(n int) string { return p.say(msgDays, itoa(n)) }
	days := p.say(msgBasisDaysText, count(c.WorkingDays), count(c.Weekdays))
	if len(c.MissingYears) > 0 {
		days = p.clauses([]string{days, b.holidaysMissing(c.MissingYears)})
	}
	add(msgBasisDays, days)
	var notices []string
	for _, y := range c.Years {
		notices = append(notices, y.Notice+" "+y.URL)
	}
	add(msgBasisNotices, p.join(notices))
	if len(c.HolidayWeeks) > 0 {
		add(msgBasisHolidayWeeks, p.say(msgBasisHolidayWeeksText, p.join(c.HolidayWeeks)))
	}
	add(msgBasisSeasons, c.Seasons)
}
