package analyzer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
)

// Curve is the daily course of CPU of one machine that shows a sign of padding,
// kept to be compared with those of its department.
type Curve struct {
	ResourceID string
	department string
	haGroup    string
	level      float64
	days       []dayLevel // ascending
	signs      signs
}

// dayLevel is the mean of one calendar day.
type dayLevel struct {
	start int64
	mean  float64
}

// CurveOf returns the curve of a machine judged as f that is worth comparing:
// one whose CPU is a plateau or does without traffic, and whose department is
// known. Machines of which nothing strange is seen may be as alike as they like.
func CurveOf(p policies.Pack, in Input, f Finding, now time.Time) (Curve, bool) {
	if in.Resource.Department == "" || in.Resource.Status == cloud.PoweredOff || f.Verdict == InsufficientData && f.Coverage == nil {
		return Curve{}, false
	}
	j := &judging{pack: p, in: in, now: now, samples: Samples{Resource: in.Resource, Utilization: in.Utilization}, flags: map[Flag]bool{}}
	s := j.signs(cloud.CPUPercent)
	if !s.has(CodePaddingPlateau) && !s.has(CodePaddingNoIO) {
		return Curve{}, false
	}
	c := Curve{ResourceID: f.ResourceID, department: in.Resource.Department, haGroup: in.Resource.HAGroup, level: meanOf(s.days), signs: s}
	for _, d := range s.days {
		c.days = append(c.days, dayLevel{d.Start.Unix(), d.Mean})
	}
	c.signs.days = nil
	return c, true
}

// nearest is how many groups a curve is compared with at most, so that a
// department of a hundred thousand takes as long as a thousand of a hundred.
const nearest = 16

// Alike finds machines of one department with the same curve: each day's mean
// within a point or so, for at least as long as a step must have lasted. It
// returns, by resource, the reasons that make a machine suspected or more so:
// the likeness and, where the signs of the machine itself did not suffice,
// those signs. Standbys, which are made alike, do not count. Time grows with
// the number of curves, sorting aside; their order does not matter.
func Alike(p policies.Pack, curves []Curve) map[string][]Reason {
	pad := p.Padding
	out := map[string][]Reason{}
	if !pad.Enabled {
		return out
	}
	curves = slices.Clone(curves)
	slices.SortFunc(curves, func(a, b Curve) int {
		return cmp.Or(cmp.Compare(a.department, b.department), cmp.Compare(a.level, b.level), cmp.Compare(a.ResourceID, b.ResourceID))
	})
	var groups [][]Curve // the first of each is its lowest
	for _, c := range curves {
		joined := false
		for i := len(groups) - 1; i >= max(0, len(groups)-nearest) && !joined; i-- {
			first := groups[i][0]
			if first.department == c.department && same(first, c, int(pad.Settled/day), pad.AlikeWithin) {
				groups[i] = append(groups[i], c)
				joined = true
			}
		}
		if !joined {
			groups = append(groups, []Curve{c})
		}
	}
	for _, g := range groups {
		if len(g) < pad.Alike {
			continue
		}
		standbys := map[string]int{}
		for _, c := range g {
			standbys[c.haGroup]++
		}
		for _, c := range g {
			others := len(g) - 1
			if c.haGroup != "" {
				others = len(g) - standbys[c.haGroup]
			}
			if others+1 < pad.Alike {
				continue
			}
			suspected := c.signs.suspicious()
			c.signs.reasons = slices.Clone(c.signs.reasons)
			c.signs.add(Reason{Code: CodePaddingAlike, Statistic: "machines", Value: number(float64(others)), Limit: number(float64(pad.Alike - 1)), Unit: cloud.Count, Detail: some(g, c)})
			switch n := len(c.signs.reasons); {
			case suspected:
				out[c.ResourceID] = c.signs.reasons[n-1:]
			case c.signs.suspicious():
				out[c.ResourceID] = c.signs.reasons
			}
		}
	}
	return out
}

// same reports whether two curves run within the given points of each other on
// every day that both have, which must be at least so many.
func same(a, b Curve, days int, within float64) bool {
	common := 0
	for i, j := 0, 0; i < len(a.days) && j < len(b.days); {
		switch {
		case a.days[i].start < b.days[j].start:
			i++
		case a.days[i].start > b.days[j].start:
			j++
		default:
			if math.Abs(a.days[i].mean-b.days[j].mean) > within {
				return false
			}
			common++
			i++
			j++
		}
	}
	return common >= days
}

// some names up to three machines that c is like.
func some(g []Curve, c Curve) string {
	var names []string
	for _, o := range g {
		if o.ResourceID == c.ResourceID || c.haGroup != "" && o.haGroup == c.haGroup {
			continue
		}
		if len(names) == 3 {
			return fmt.Sprintf("%s …", strings.Join(names, ", "))
		}
		names = append(names, o.ResourceID)
	}
	return strings.Join(names, ", ")
}

// Suspect returns f with the flag SuspectedPadding and further reasons for it.
func (f Finding) Suspect(reasons []Reason) Finding {
	f.Reasons = slices.Concat(f.Reasons, reasons)
	if !slices.Contains(f.Flags, SuspectedPadding) {
		f.Flags = slices.Concat([]Flag{SuspectedPadding}, f.Flags) // the first of Flags
	}
	return f
}
