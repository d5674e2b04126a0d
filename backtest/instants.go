package backtest

import "time"

// How instants are chosen where nobody names them: as many as a spread needs, each
// with what Yunjian's own rule learns from behind it and a week of every day of the
// week before the end.
const (
	DefaultInstants = 3
	DaysBehind      = 10
	DaysAhead       = 7
)

// Instants chooses when to decide, by rolling origin: at the last midnight in loc that
// has DaysAhead before end, and at midnights before it, a week apart or closer, so that
// the earliest has DaysBehind after first. They ascend. Where the room between the two
// is less than two days it is the last alone, and none where there is no room.
func Instants(first, end time.Time, loc *time.Location) []time.Time {
	earliest := midnight(first.AddDate(0, 0, DaysBehind).Add(24*time.Hour-1), loc)
	last := midnight(end.AddDate(0, 0, -DaysAhead), loc)
	if last.Before(earliest) {
		return nil
	}
	room := 0
	for !earliest.AddDate(0, 0, room+1).After(last) {
		room++
	}
	apart := min(7, room/(DefaultInstants-1))
	if apart == 0 {
		return []time.Time{last}
	}
	var out []time.Time
	for i := DefaultInstants - 1; i >= 0; i-- {
		out = append(out, last.AddDate(0, 0, -i*apart))
	}
	return out
}

// midnight is the last one in loc that is not after t.
func midnight(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc)
}
