package analyzer

import (
	"fmt"
	"slices"
)

// stretch is a run of hours of the week; it may run over Sunday midnight.
type stretch struct{ from, hours int }

// within keeps the hours of rest that are at least margin away from any other hour.
func within(rest [hoursOfWeek]bool, margin int) (off [hoursOfWeek]bool) {
	for h := range rest {
		off[h] = true
		for d := -margin; d <= margin; d++ {
			off[h] = off[h] && rest[(h+d+hoursOfWeek)%hoursOfWeek]
		}
	}
	return off
}

// spansOf lists the runs of off in the order of their first hours. A week that is
// off throughout has no run: such a machine does not work.
func spansOf(off [hoursOfWeek]bool) []stretch {
	var out []stretch
	for h := range off {
		if !off[h] || off[(h+hoursOfWeek-1)%hoursOfWeek] {
			continue
		}
		n := 1
		for off[(h+n)%hoursOfWeek] {
			n++
		}
		out = append(out, stretch{h, n})
	}
	return out
}

func longEnough(spans []stretch, least int) []stretch {
	return slices.DeleteFunc(spans, func(x stretch) bool { return x.hours < least })
}

// mostTrimmed is by how many hours an end may be moved to meet the times of other
// nights: more would give away rest for looks.
const mostTrimmed = 3

// evened gives nights that are nearly alike the same times: a schedule of two lines
// can be entered and remembered, one of seven invites mistakes. Those whose ends
// lie near the ends of the longest night shorten to the hours of the day that they
// all share, longer spans by a few hours at either end; hours are only ever taken
// away. Where they share too little, all stay as they are.
func evened(spans []stretch, least int) []stretch {
	var longest stretch
	for _, x := range spans {
		if x.hours < 24 && x.hours > longest.hours {
			longest = x
		}
	}
	alike := func(x stretch) bool {
		return x.hours < 24 && apart(x.from, longest.from) <= mostTrimmed && apart(x.from+x.hours, longest.from+longest.hours) <= mostTrimmed
	}
	var shared [24]bool
	for h := range shared {
		shared[h] = longest.hours > 0
	}
	for _, x := range spans {
		for h := range shared {
			shared[h] = shared[h] && (!alike(x) || (h-x.from%24+24)%24 < x.hours)
		}
	}
	from, hours, whole := run(shared)
	if !whole || hours < least {
		return spans
	}
	out := make([]stretch, 0, len(spans))
	for _, x := range spans {
		switch {
		case alike(x):
			skip := (from - x.from%24 + 24) % 24
			x = stretch{(x.from + skip) % hoursOfWeek, hours}
		case x.hours >= 24:
			x = trimmed(x, shared)
		}
		out = append(out, x)
	}
	return out
}

// apart is how many hours of the day lie between two hours.
func apart(a, b int) int {
	d := (a - b + hoursOfWeek) % 24
	return min(d, 24-d)
}

// run is the one run of hours of the day in shared; whole is false where there is
// none, or more than one.
func run(shared [24]bool) (from, hours int, whole bool) {
	begins := 0
	for h, in := range shared {
		if in {
			hours++
			if !shared[(h+23)%24] {
				begins++
				from = h
			}
		}
	}
	return from, hours, begins == 1
}

func trimmed(x stretch, shared [24]bool) stretch {
	for head := range mostTrimmed + 1 {
		if shared[(x.from+head)%24] {
			x = stretch{(x.from + head) % hoursOfWeek, x.hours - head}
			break
		}
	}
	for tail := range mostTrimmed + 1 {
		if shared[(x.from+x.hours-1-tail)%24] {
			x.hours -= tail
			break
		}
	}
	return x
}

// grouped writes spans that differ by their day alone as one.
func grouped(spans []stretch) []OffSpan {
	out := []OffSpan{}
	for _, x := range spans {
		clock := func(h int) string { return fmt.Sprintf("%02d:00", h%24) }
		day, stop := Weekdays()[x.from/24], clock(x.from)
		i := slices.IndexFunc(out, func(o OffSpan) bool { return o.Stop == stop && o.Hours == x.hours })
		if i >= 0 {
			out[i].Days = append(out[i].Days, day)
			continue
		}
		out = append(out, OffSpan{Days: []string{day}, Stop: stop, Start: clock(x.from + x.hours), Hours: x.hours})
	}
	return out
}
