package recommender

import (
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// HarmShare of samples above a size is harm: a size is too small where more than
// one sample in two hundred needs more.
const HarmShare = 0.005

// wakes, percent: an idle machine that needs more CPU than this for more than
// HarmShare of the time was not idle.
const wakes = 20.0

// Past is what a machine reached, and what it came to need after the instants of
// its past. The zero Past tells nothing and takes no part in what a fleet learns.
type Past struct {
	Now         map[cloud.Metric]Levels // up to the present
	Comparisons []Comparison            // by metric, then instant
}

// PastOf puts together the statistics of a machine: of all its past, and before and
// after each instant. Those of which too little is known are left out.
func (k Constants) PastOf(r cloud.Resource, all map[cloud.Metric]utilization.Summary, instants []Instant) Past {
	p := Past{Now: map[cloud.Metric]Levels{}}
	for _, m := range sized {
		if l, ok := k.LevelsOf(all[m]); ok {
			p.Now[m] = l
		}
		for _, at := range instants {
			before, after := at.Before[m], at.After[m]
			if !halfKnown(after) {
				continue
			}
			if l, ok := k.LevelsOf(before); ok {
				p.Comparisons = append(p.Comparisons, Comparison{Metric: m, Present: sizeOf(r, m), Before: l, Need: after.Quantile(1 - HarmShare)})
			}
		}
	}
	return p
}

// Came is the comparisons of the present with what came after it, for a replay that asks
// how much there was to know.
func (k Constants) Came(r cloud.Resource, p Past, after map[cloud.Metric]utilization.Summary) []Comparison {
	var out []Comparison
	for _, m := range sized {
		if l, ok := p.Now[m]; ok && halfKnown(after[m]) {
			out = append(out, Comparison{Metric: m, Present: sizeOf(r, m), Before: l, Need: after[m].Quantile(1 - HarmShare)})
		}
	}
	return out
}

// halfKnown reports whether half of a window is known at least: of the samples
// expected, and, as none are while a machine is off, of its days.
func halfKnown(u utilization.Summary) bool {
	return u.Samples > 0 && 2*u.Samples >= u.Expected && time.Duration(2*len(u.Days))*24*time.Hour >= u.Window.Duration()
}

// Instant is the statistics of a machine before and after an instant of its past.
type Instant struct {
	Before, After map[cloud.Metric]utilization.Summary
}

// sizeOf is cores or GiB.
func sizeOf(r cloud.Resource, m cloud.Metric) float64 {
	if m == cloud.MemoryPercent {
		return r.MemoryGiB
	}
	return float64(r.VCPU)
}

// Compared is how many machines of a fleet its chances are learned from.
func Compared(fleet []Candidate) int {
	n := 0
	for _, c := range fleet {
		if teaches(c) {
			n++
		}
	}
	return n
}

// teaches reports whether a machine's past is learned from.
func teaches(c Candidate) bool {
	r := c.Input.Resource
	return r.Kind == cloud.Instance && r.VCPU > 0 && r.MemoryGiB > 0 && len(c.Past.Comparisons) > 0 && !slices.Contains(c.Finding.Flags, analyzer.Resized)
}

// learn puts together what the pasts of every machine tell.
func learn(fleet []Candidate, k Constants) Chances {
	var past []Comparison
	for _, c := range fleet {
		if teaches(c) {
			past = append(past, c.Past.Comparisons...)
		}
	}
	return Learn(past, k)
}

// WasIdle reports whether statistics met the conditions of a rule to release, as
// far as they tell: conditions on peaks, facts and metrics without samples are
// passed over.
func WasIdle(rule policies.Rule, r cloud.Resource, u map[cloud.Metric]utilization.Summary) bool {
	s := analyzer.Samples{Resource: r, Utilization: u}
	told := false
	for _, cond := range rule.When {
		if cond.Metric == "" || policies.OfPeaks(cond.Statistic) {
			continue
		}
		holds, known := s.Holds(cond)
		if known && !holds {
			return false
		}
		told = told || known
	}
	return told
}

// SizeChance is the upper bound of the chance that a machine comes to need more
// than a size, cores or GiB; 1 where nothing is known of the machine.
func (ch Chances) SizeChance(p Past, r cloud.Resource, m cloud.Metric, size float64) Working {
	l, ok := p.Now[m]
	whole := sizeOf(r, m)
	w := Working{Metric: m, Size: size}
	switch {
	case size >= whole: // nothing is taken
	case !ok:
		w.Probability = 1
	case !ch.Learned(m):
		w = ch.k.bySize(w, l.HighestP98, size/whole)
	default:
		w = ch.working(m, whole, l, size)
	}
	return w
}

// ReleaseChance is the upper bound of the chance that an idle machine wakes up: that it
// comes to need more than a fifth of its CPU.
func (ch Chances) ReleaseChance(p Past, r cloud.Resource) Working {
	l, ok := p.Now[cloud.CPUPercent]
	whole := sizeOf(r, cloud.CPUPercent)
	if !ok || whole <= 0 || !ch.Learned(cloud.CPUPercent) { // a size that no source gives tells nothing
		return byRelease(Working{Metric: cloud.CPUPercent, Size: whole * wakes / 100})
	}
	return ch.working(cloud.CPUPercent, whole, l, whole*wakes/100)
}
