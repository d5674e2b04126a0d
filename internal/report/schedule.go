package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/recommender"
)

// Stops are told in a section of their own: they free nothing that could be summed
// with releases, and a machine may have other advice beside.

// apart takes stops, and why none was proposed, out of an audit.
func apart(a audit.Audit) (rest audit.Audit, stops []recommender.Recommendation, refused []recommender.Refusal) {
	rest = a
	rest.Recommendations, rest.Refusals = nil, nil
	for _, x := range a.Recommendations {
		if x.Action == recommender.Stop {
			stops = append(stops, x)
		} else {
			rest.Recommendations = append(rest.Recommendations, x)
		}
	}
	for _, x := range a.Refusals {
		if x.Rule == recommender.ScheduleRule {
			refused = append(refused, x)
		} else {
			rest.Refusals = append(rest.Refusals, x)
		}
	}
	// Most save an unknown sum: among equals the most hours come first.
	slices.SortStableFunc(stops, func(a, b recommender.Recommendation) int {
		return cmp.Or(b.AnnualSaving.Cmp(a.AnnualSaving), cmp.Compare(b.Schedule.HoursOff, a.Schedule.HoursOff))
	})
	return rest, stops, refused
}

// mostWeeks is of how many machines the week is drawn.
const mostWeeks = 12

func (b builder) scheduleSection() section {
	p, stops := b.p, b.f.stops
	if len(stops) == 0 && len(b.f.unstopped) == 0 {
		return section{}
	}
	s := section{id: "schedules", title: p.say(msgSchedules), notes: []string{p.say(msgSchedulesNote)}}
	t := table{id: "schedules", empty: p.say(msgNoneScheduled), textRows: 20, pageRows: 200, columns: []column{
		{title: p.say(msgResource), width: 26, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgScheduleColumn), width: 36, in: everywhere, wrap: true},
		{title: p.say(msgHoursOffColumn), kind: whole, in: everywhere},
		{title: b.savingColumn(), kind: money, in: everywhere},
		{title: p.say(msgSavingNote), width: 24, in: screens},
		{title: p.say(msgRiskGrade), in: everywhere},
		{title: p.say(msgHarm), kind: percent1, in: inSheet},
		{title: p.say(msgStatus), in: everywhere},
		{title: p.say(msgBasis), in: inSheet, wrap: true},
	}}
	for _, x := range stops {
		harm := 100 * x.Risk.HarmProbability
		t.rows = append(t.rows, []cell{
			b.resource(x.ResourceID, x.Name), text(b.departmentName(cmp.Or(b.f.department(x.ResourceID), x.Department))), text(p.spans(x.Schedule)),
			count(x.Schedule.HoursOff), p.moneyCell(shown(x), x.SavingKnown), orDash(b.savingNote(x)),
			orDash(clean(x.Risk.Grade)), p.percentCell(&harm), b.status(x), text(p.reasons(x.Reasons)),
		})
	}
	s.tables = append(s.tables, t)
	if len(stops) > 0 {
		sum := b.r.Audit.Totals.Stop
		parts := []string{p.say(msgSchedulesSum, len(stops), sum.HoursAWeek)}
		if known := b.f.stopsSaving; known.Sign() > 0 {
			parts = append(parts, p.say(msgSchedulesSaving, p.yuan(known))+b.exampleMark())
		}
		if sum.Unpriced > 0 {
			parts = append(parts, p.say(msgSchedulesUnpriced, sum.Unpriced))
		}
		s.notes = append(s.notes, p.clauses(parts), b.stopRisk(stops[0].Risk))
	}
	for i, x := range stops {
		if i == mostWeeks {
			break
		}
		s.weeks = append(s.weeks, b.weekOf(x))
	}
	if t := b.unstoppedTable(); len(t.rows) > 0 {
		s.tables = append(s.tables, t)
	}
	return s
}

// unstoppedTable lists the machines that rest and are not to be stopped.
func (b builder) unstoppedTable() table {
	p := b.p
	t := table{id: "unstopped", title: p.say(msgNotScheduled), textRows: 20, pageRows: 200, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgWhy), width: 52, in: everywhere, wrap: true},
	}}
	for _, x := range b.f.unstopped {
		t.rows = append(t.rows, []cell{
			b.resource(x.ResourceID, ""), text(b.departmentName(b.f.department(x.ResourceID))), text(p.reasons(x.Reasons)),
		})
	}
	return t
}

func (b builder) stopRisk(r recommender.Risk) string {
	p := b.p
	s := p.say(msgStopRisk, orDash(clean(r.Grade)).text, percent(100*r.HarmProbability))
	if r.Prior {
		return p.clauses([]string{s, p.say(msgStopRiskPrior)})
	}
	return p.clauses([]string{s, p.say(msgStopRiskSeen, r.Compared, r.Exceeded)})
}

// explainStop gives the case for a stop, sentence by sentence.
func (b builder) explainStop(x recommender.Recommendation) []string {
	p := b.p
	saved := p.say(msgStopUnpriced)
	if x.SavingKnown {
		saved = p.say(msgSavingIs, p.yuan(shown(x))) + b.exampleMark()
	}
	if note := b.savingNote(x); note != "" {
		saved = p.clauses([]string{saved, note})
	}
	return []string{p.reasons(x.Reasons), p.say(msgActionStop) + p.parenthesized(p.spans(x.Schedule)), saved, b.stopRisk(x.Risk), b.confirmSentence(x)}
}

var dayNames = []msg{msgMon, msgTue, msgWed, msgThu, msgFri, msgSat, msgSun}

// spans says when a machine is stopped and started.
func (p prose) spans(s *analyzer.Schedule) string {
	var parts []string
	for _, x := range s.Spans {
		var days []int
		for _, d := range x.Days {
			if i := slices.Index(analyzer.Weekdays(), d); i >= 0 {
				days = append(days, i)
			}
		}
		var hour int
		if _, err := fmt.Sscanf(x.Stop, "%d", &hour); err != nil || len(days) == 0 {
			continue
		}
		switch later := (hour + x.Hours) / 24; later {
		case 0:
			parts = append(parts, p.say(msgSpanSameDay, p.days(days), x.Stop, x.Start))
		case 1:
			parts = append(parts, p.say(msgSpanNextDay, p.days(days), x.Stop, x.Start))
		default:
			for _, d := range days {
				parts = append(parts, p.say(msgSpanOther, p.say(dayNames[d]), x.Stop, p.say(dayNames[(d+later)%7]), x.Start))
			}
		}
	}
	return p.clauses(parts)
}

// days names days of the week; three or more in a row as a range.
func (p prose) days(days []int) string {
	var parts []string
	for i := 0; i < len(days); {
		end := i
		for end+1 < len(days) && days[end+1] == days[end]+1 {
			end++
		}
		if end-i >= 2 {
			parts = append(parts, p.say(msgDayRange, p.say(dayNames[days[i]]), p.say(dayNames[days[end]])))
		} else {
			for _, d := range days[i : end+1] {
				parts = append(parts, p.say(dayNames[d]))
			}
		}
		i = end + 1
	}
	return p.join(parts)
}

// weekView is the 168 hours of a machine's week.
type weekView struct {
	title, label, legend string
	basis                string // what the hours were found from
	strips               []strip
	days                 []weekDay
}

// strip is a day of a part of the week, for a text report.
type strip struct{ label, drawn string }

type weekDay struct {
	Name  string
	Hours []weekHour
}

// weekHour is one hour: Level 0 to 5 shades it, and Text says the same.
type weekHour struct {
	Text  string
	Level int
	Off   bool
}

func (b builder) weekOf(x recommender.Recommendation) weekView {
	p, off := b.p, x.Schedule.Off()
	title := b.resource(x.ResourceID, x.Name).whole()
	basis := []string{p.reasons(x.Reasons)}
	if note := b.savingNote(x); note != "" {
		basis = append(basis, note)
	}
	v := weekView{title: title, label: p.say(msgWeekPicture, title, p.spans(x.Schedule)), legend: p.say(msgWeekLegend), basis: p.sentences(basis)}
	for d, name := range dayNames {
		day := weekDay{Name: p.say(name)}
		for h := range 24 {
			day.Hours = append(day.Hours, hourCell(x.Schedule.CPUByHour[24*d+h], off[24*d+h]))
		}
		v.days = append(v.days, day)
	}
	v.strips = []strip{
		{p.say(msgWorkingDays), dayStrip(x.Schedule, off, 0, 5)},
		{p.say(msgWeekendDays), dayStrip(x.Schedule, off, 5, 7)},
	}
	return v
}

// shades are the levels of CPU, percent, from which on an hour is drawn darker.
var shades = []float64{5, 10, 20, 40, 60}

func hourCell(cpu *float64, off bool) weekHour {
	c := weekHour{Text: "–", Off: off}
	if cpu != nil {
		c.Text = fixed(math.Round(*cpu), 0)
		for _, s := range shades {
			if *cpu >= s {
				c.Level++
			}
		}
	}
	if off {
		c.Text = "(" + c.Text + ")"
	}
	return c
}

// dayStrip draws the mean of the days from first to before last, hour by hour, on
// the scale of the busiest; an hour in which all of them are off is a dot, one that
// was not seen a blank.
func dayStrip(s *analyzer.Schedule, off [168]bool, first, last int) string {
	const ticks = "▁▂▃▄▅▆▇█"
	levels := []rune(ticks)
	top := 1.0
	for _, v := range s.CPUByHour {
		if v != nil {
			top = max(top, *v)
		}
	}
	var out strings.Builder
	for h := range 24 {
		sum, n, resting := 0.0, 0, true
		for d := first; d < last; d++ {
			i := 24*d + h
			resting = resting && off[i]
			if v := s.CPUByHour[i]; v != nil {
				sum, n = sum+*v, n+1
			}
		}
		switch {
		case resting:
			out.WriteRune('·')
		case n == 0:
			out.WriteByte(' ')
		default:
			out.WriteRune(levels[min(len(levels)-1, int(sum/float64(n)/top*float64(len(levels))))])
		}
	}
	return out.String()
}

// weeks draws them for a terminal.
func (t *page) weeks(list []weekView, p prose) {
	if len(list) == 0 {
		return
	}
	t.line("")
	t.paragraph("", p.sentences([]string{p.say(msgStripLegend)}))
	for _, w := range list {
		t.line("  " + w.title)
		for _, s := range w.strips {
			t.line("    " + pad(s.label, 10, false) + " |" + s.drawn + "|")
		}
		t.paragraph("    ", w.basis)
	}
}

// withoutStops is a report whose audits have no stops, which it returns beside.
func withoutStops(r Weekly) (rest Weekly, stops []recommender.Recommendation, refused []recommender.Refusal) {
	if r.Previous != nil {
		before, _, _ := apart(*r.Previous)
		r.Previous = &before
	}
	r.Audit, stops, refused = apart(r.Audit)
	return r, stops, refused
}

// addStops notes the stops, what they save together, and that owners are to be asked.
func (f *facts) addStops(stops []recommender.Recommendation, refused []recommender.Refusal) error {
	f.stops, f.unstopped = stops, refused
	for _, x := range stops {
		if !x.SavingKnown {
			continue
		}
		a, err := saving(x)
		if err == nil {
			f.stopsSaving, err = f.stopsSaving.Add(a)
		}
		if err != nil {
			return fmt.Errorf("sum saving of %s: %w", x.ResourceID, err)
		}
	}
	if len(stops) > 0 {
		f.todo = append(f.todo, todo{todoStops, len(stops), "schedules"})
	}
	return nil
}
