package collector

import (
	"cmp"
	"slices"
	"time"

	"yunjian/cloud"
)

// Limits of one DescribeMetricList call (CloudMonitor API reference; they hold
// on public cloud and Apsara Stack).
const (
	PointsPerCall     = 1440 // over all resources of the call together
	ResourcesPerCall  = 50
	pagesPerChain     = 40 // of a long read: half a page of waste in forty is little over 1 %
	pointsPerChain    = pagesPerChain * PointsPerCall
	duplicateTolerant = 1.05 // re-reading up to 5 % more than needed is cheaper than another chain
)

// Span is the time (From, To].
type Span struct{ From, To time.Time }

// Need is a span of one series that is to be read.
type Need struct {
	Resource string
	Metric   cloud.Metric
	Query    string // what the source asks for; chains never mix two queries
	Span
	// Fresh says that asking for more than the span costs nothing, because
	// nothing exists outside it. Otherwise samples around the span were read
	// before and would be paid for again.
	Fresh bool
	// Parts are the only spans within Span that can hold samples, ascending;
	// nil when that is not known and the whole span is to be read.
	Parts []Span
}

// Unit is one chain of pages: one query, at most ResourcesPerCall resources,
// one span. It is read whole or not at all.
type Unit struct {
	Metric cloud.Metric
	Query  string
	Span
	Needs  []Need // clipped to this unit, sorted as they were asked
	Points int    // samples to be expected at most
}

// Calls is the number of pages that the expected samples fill, at least one.
func (u Unit) Calls() int { return max(1, ceilDiv(u.Points, PointsPerCall)) }

// Rounds cuts needs into units. The units of one round may be read at the same
// time; rounds go from old to new, so that what was read of each series is
// always one span from its beginning. A unit of a long span is about forty
// full pages, which keeps the waste of a chain's last page near 1 % and the
// loss by an interruption small.
func Rounds(needs []Need, period time.Duration) [][]Unit {
	needs = slices.DeleteFunc(slices.Clone(needs), func(n Need) bool { return !n.From.Before(n.To) })
	if len(needs) == 0 {
		return nil
	}
	slices.SortFunc(needs, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Query, b.Query), a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Resource, b.Resource))
	})
	from, to := needs[0].From, needs[0].To
	for _, n := range needs {
		from, to = earlier(from, n.From), later(to, n.To)
	}
	var rounds [][]Unit
	width := to.Sub(from)
	for from.Before(to) {
		width = min(2*width, to.Sub(from))
		units := unitsWithin(needs, Span{from, from.Add(width)}, period)
		for longest(units) > pointsPerChain && width > period {
			width = max(period, (width / 2).Truncate(period))
			units = unitsWithin(needs, Span{from, from.Add(width)}, period)
		}
		if len(units) > 0 {
			rounds = append(rounds, units)
		}
		from = from.Add(width)
		needs = slices.DeleteFunc(needs, func(n Need) bool { return !n.To.After(from) })
	}
	return rounds
}

func longest(units []Unit) int {
	points := 0
	for _, u := range units {
		points = max(points, u.Points)
	}
	return points
}

// unitsWithin groups the parts of needs that lie in window, in order of need.
func unitsWithin(needs []Need, window Span, period time.Duration) []Unit {
	clipped := make([]Need, 0, len(needs))
	for _, n := range needs {
		if c, ok := clip(n, window); ok {
			clipped = append(clipped, c)
		}
	}
	slices.SortFunc(clipped, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Query, b.Query), a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Resource, b.Resource))
	})
	var units []Unit
	for _, n := range clipped {
		if len(units) > 0 && units[len(units)-1].take(n, period) {
			continue
		}
		units = append(units, Unit{Metric: n.Metric, Query: n.Query, Span: n.Span, Needs: []Need{n}, Points: n.points(period)})
	}
	return units
}

// take adds n to the unit when that is no dearer than reading it elsewhere.
func (u *Unit) take(n Need, period time.Duration) bool {
	if u.Query != n.Query || u.Metric != n.Metric || len(u.Needs) >= ResourcesPerCall {
		return false
	}
	if slices.ContainsFunc(u.Needs, func(o Need) bool { return o.Resource == n.Resource }) {
		return false
	}
	wide := Span{earlier(u.From, n.From), later(u.To, n.To)}
	points := 0
	for _, o := range u.Needs {
		points += o.pointsWithin(wide, period)
	}
	points += n.pointsWithin(wide, period)
	alone := max(float64(n.points(period))/PointsPerCall, 1.0/ResourcesPerCall)
	if float64(points-u.Points)/PointsPerCall > alone*duplicateTolerant {
		return false
	}
	u.Span, u.Needs, u.Points = wide, append(u.Needs, n), points
	return true
}

// points is the number of samples that n can hold at most.
func (n Need) points(period time.Duration) int {
	if n.Parts == nil {
		return steps(n.Span, period)
	}
	total := 0
	for _, p := range n.Parts {
		total += steps(p, period)
	}
	return total
}

// pointsWithin is the number of samples that asking for n within a wider span
// can return.
func (n Need) pointsWithin(wide Span, period time.Duration) int {
	if n.Fresh {
		return n.points(period)
	}
	return steps(wide, period)
}

// steps counts the instants of the period's grid in s.
func steps(s Span, period time.Duration) int {
	grid := int64(period / time.Second)
	if grid <= 0 || !s.From.Before(s.To) {
		return 0
	}
	return int(floorDiv(s.To.Unix(), grid) - floorDiv(s.From.Unix(), grid))
}

// clip narrows n to window; false when nothing is left to read.
func clip(n Need, window Span) (Need, bool) {
	n.From, n.To = later(n.From, window.From), earlier(n.To, window.To)
	if !n.From.Before(n.To) {
		return n, false
	}
	if n.Parts == nil {
		return n, true
	}
	var parts []Span
	for _, p := range n.Parts {
		p.From, p.To = later(p.From, n.From), earlier(p.To, n.To)
		if p.From.Before(p.To) {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return n, false
	}
	n.Parts = parts
	n.From, n.To = parts[0].From, parts[len(parts)-1].To
	return n, true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
