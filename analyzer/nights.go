package analyzer

import (
	"time"

	"yunjian/policies"
)

// Nights is what the weeks of a machine say of its rest: a schedule where one is
// found, and what a schedule found in the first half of them would have come to in
// the second.
type Nights struct {
	Schedule *Schedule // nil: none
	// NetworkUnknown: what looks like sleep may be the sleep of a machine that serves
	// others at little CPU.
	NetworkUnknown bool
	// Of TriedWeeks weeks of the second half, for which the first half gave a schedule,
	// the machine was awake in an hour of it in WokeWeeks.
	TriedWeeks, WokeWeeks int
}

// NightsOf looks at the weeks of a machine, the oldest first. step is the spacing
// of samples (0: as usual), zone the name of the time zone that cut the hours.
func NightsOf(p policies.Pack, weeks []WeekHours, step time.Duration, zone string) Nights {
	s := newSleeper(p, weeks, step)
	var out Nights
	found, ok := s.schedule(zone)
	if ok {
		out.Schedule = &found
	}
	out.NetworkUnknown = !s.network
	half := (len(weeks) + 1) / 2 // the first week may be a part of one
	if half < 2 || !s.network {
		return out
	}
	early := s
	early.weeks, early.limits.MinWeeks = weeks[:half], min(s.limits.MinWeeks, half)
	before, ok := early.schedule(zone)
	if !ok {
		return out
	}
	off := before.Off()
	for _, w := range weeks[half:] {
		seen, awake := s.awake(w, off)
		if seen > 0 {
			out.TriedWeeks++
		}
		if awake > 0 {
			out.WokeWeeks++
		}
	}
	return out
}
