package send

import (
	"time"

	"yunjian/calendar"
)

// Quiet says when digests rest: within the hours from From to To, and on days
// that are not worked. The zero value never rests.
type Quiet struct {
	From, To time.Duration // of the day, in whole minutes below 24 h; From after To: over midnight
	Days     bool          // rest on days that Calendar does not have as worked
	Calendar calendar.Calendar
}

// At reports whether digests rest at t, by the wall clock of t's location.
func (q Quiet) At(t time.Time) bool {
	if q.Days && !q.Calendar.Working(t) {
		return true
	}
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if q.From <= q.To {
		return at >= q.From && at < q.To
	}
	return at >= q.From || at < q.To
}

// horizon is how far Next looks: longer than any holiday.
const horizon = 60

// Next returns the first instant from t on at which digests do not rest, such as
// the next working morning; t itself where they do not.
func (q Quiet) Next(t time.Time) time.Time {
	if !q.At(t) {
		return t
	}
	y, m, d := t.Date()
	for i := range horizon {
		for _, start := range []time.Duration{0, q.To} { // quiet ends at midnight, or where it is configured to
			at := time.Date(y, m, d+i, int(start/time.Hour), int(start%time.Hour/time.Minute), 0, 0, t.Location())
			if at.After(t) && !q.At(at) {
				return at
			}
		}
	}
	return t // a calendar without working days is nobody's
}
