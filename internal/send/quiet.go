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
