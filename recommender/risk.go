package recommender

import (
	"math"
	"slices"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// How risk is learned, and the constants it stands on.
//
// The window is cut in two halves. For every machine and metric the early half
// gives a level, the highest of its daily 98th percentiles: what it reached for
// half an hour of its busiest day. The late half gives the need, its 99.5th
// percentile: a size below that is exceeded for more than one part in two
// hundred, which is what the product calls harm. Over the fleet, the
// distribution of ln(need / level) says how often a size with a given margin
// above the level was later exceeded. No headroom is assumed; the fleet's own
// past is the headroom.
//
// The share observed is one draw, so the probability stated is the upper end of
// its one-sided 95 % Clopper-Pearson interval (C. J. Clopper and E. S. Pearson,
// "The use of confidence or fiducial limits illustrated in the case of the
// binomial", Biometrika 26, 1934).
const (
	harmShare  = 0.005 // of samples above the size: the product's definition of harm
	confidence = 0.95
	// levelFloor, percent: below it machines differ by their agents' noise only,
	// and a ratio of two noises says nothing.
	levelFloor = 1.0
	// wakes, percent: an idle machine that needs more CPU than this for more than
	// harmShare of the time was not idle.
	wakes = 20.0
	// minCompared: with fewer comparisons even a spotless past leaves the bound
	// above 5 % (1 − 0.05^(1/59) = 4.95 %), which tells less than the prior.
	minCompared = 59
)

// The priors stand in for a past that is too short or too small to ask. They
// were counted in the same way on a public trace of 407 enterprise virtual
// machines over 30 days at five minutes (Bitbrains GWA-T-12 fastStorage; Shen,
// van Beek, Iosup, CCGrid 2015), 336 of which had both halves: of these, how
// many later needed more than margin × level, the worse of CPU and memory. They
// are one provider's machines in one month, and earn no grade above C.
var priorMargins = []struct {
	margin float64
	tallied
}{
	{6, tallied{6, 336}}, {4, tallied{8, 336}}, {3, tallied{14, 336}}, {2, tallied{28, 336}},
	{1.5, tallied{64, 336}}, {1.25, tallied{109, 336}}, {1.1, tallied{162, 336}}, {1, tallied{214, 336}},
}

// priorWoke: of 170 machines there whose CPU p95 was below 5 %, maximum below
// 20 % and memory p95 below 30 % for 15 days, 4 woke in the next 15. It also
// stands for disks and addresses, of whose later use nothing is known.
var priorWoke = tallied{4, 170}

// past is what the fleet's history says of margins and of waking up.
type past struct {
	ratios map[cloud.Metric][]float64 // ln(need / level), ascending
	woke   map[string]tallied         // by rule: machines that met its conditions in the early half
	bounds map[tallied]float64
}

type tallied struct{ exceeded, compared int }

// Half is what one machine's window tells of margins and of waking up: its early
// half held against its late one. The zero Half tells nothing and takes no part
// in what the fleet learns.
type Half struct {
	// Ratios are ln(need / level) of the metrics that both halves cover.
	Ratios map[cloud.Metric]float64
	// Idle are the rules to release whose conditions the early half met; nil
	// where CPU is not covered in both halves.
	Idle []string
	Woke bool // the late half used more CPU than an idle machine does
}

// Halve compares the halves of a machine's window, of which early and late are
// the statistics; learning needs CPU, memory and the metrics of the rules to
// release.
func Halve(p policies.Pack, f analyzer.Finding, r cloud.Resource, early, late map[cloud.Metric]utilization.Summary) Half {
	var h Half
	if r.Kind != cloud.Instance || slices.Contains(f.Flags, analyzer.Resized) {
		return h
	}
	for _, m := range []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent} {
		if covered(p, early[m]) && covered(p, late[m]) {
			if h.Ratios == nil {
				h.Ratios = map[cloud.Metric]float64{}
			}
			h.Ratios[m] = math.Log(max(late[m].Quantile(1-harmShare), levelFloor) / level(early[m]))
		}
	}
	if !covered(p, early[cloud.CPUPercent]) || !covered(p, late[cloud.CPUPercent]) {
		return h
	}
	h.Woke = late[cloud.CPUPercent].ShareAbove(wakes) > harmShare
	for _, rule := range p.RulesFor(cloud.Instance) {
		if rule.Action == string(Release) && WasIdle(rule, r, early) {
			h.Idle = append(h.Idle, rule.ID)
		}
	}
	return h
}

// learn puts together what the halves of every machine tell.
func learn(fleet []Candidate) past {
	out := past{ratios: map[cloud.Metric][]float64{}, woke: map[string]tallied{}, bounds: map[tallied]float64{}}
	for _, c := range fleet {
		for m, ratio := range c.Half.Ratios {
			out.ratios[m] = append(out.ratios[m], ratio)
		}
		for _, rule := range c.Half.Idle {
			t := out.woke[rule]
			t.compared++
			if c.Half.Woke {
				t.exceeded++
			}
			out.woke[rule] = t
		}
	}
	for _, r := range out.ratios {
		slices.Sort(r)
	}
	return out
}

func covered(p policies.Pack, u utilization.Summary) bool {
	return u.Samples > 0 && u.Coverage() >= p.MinCoverage
}

// level is the highest daily 98th percentile, percent.
func level(u utilization.Summary) float64 {
	highest := levelFloor
	for _, d := range u.Days {
		highest = max(highest, d.P98)
	}
	return highest
}

// WasIdle reports whether the early half met the rule's conditions, as far as
// the halves tell: conditions on peaks, facts and metrics without samples are
// passed over, so that busier machines are compared, too, and the share that
// woke is rather stated too high.
func WasIdle(rule policies.Rule, r cloud.Resource, early map[cloud.Metric]utilization.Summary) bool {
	s := analyzer.Samples{Resource: r, Utilization: early}
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

// ofSize is the risk of a smaller size: the sum of the chances of its
// dimensions, since either exceeded is harm. Exceeded and Compared are of the
// graver dimension.
func (p past) ofSize(pack policies.Pack, pr *proposal) Risk {
	res, target := pr.resource(), pr.options[0].spec
	var risk Risk
	worst := -1.0
	for _, m := range []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent} {
		factor, shrinks := growth(res, target, m)
		if !shrinks {
			continue
		}
		t := tallied{compared: len(p.ratios[m])}
		margin := 100 / factor / level(pr.c.Input.Utilization[m])
		var bound float64
		if t.compared >= minCompared {
			first, _ := slices.BinarySearchFunc(p.ratios[m], math.Log(margin), func(r, m float64) int {
				if r > m {
					return 1
				}
				return -1
			})
			t.exceeded = t.compared - first
			bound = p.bound(t)
		} else {
			bound = p.bound(priorOf(margin))
			t, risk.Prior = tallied{}, true
		}
		risk.HarmProbability += bound
		if bound > worst {
			worst, risk.Exceeded, risk.Compared = bound, t.exceeded, t.compared
		}
	}
	return graded(pack, risk)
}

// priorOf is what the prior counted at the nearest margin not above the given
// one; below the level itself everything is lost.
func priorOf(margin float64) tallied {
	for _, m := range priorMargins {
		if margin >= m.margin {
			return m.tallied
		}
	}
	return tallied{1, 1}
}

// ofRelease is the risk of a release: of the machines that looked idle in the
// early half, the share that woke in the late half. Disks and addresses, and
// machines that are off, have no such past; the prior stands for it.
func (p past) ofRelease(pack policies.Pack, pr *proposal) Risk {
	if pr.resource().Kind != cloud.Instance {
		return graded(pack, Risk{HarmProbability: p.bound(priorWoke), Prior: true})
	}
	t := p.woke[pr.rule.ID]
	if t.compared < minCompared || pr.resource().Status == cloud.PoweredOff {
		return graded(pack, Risk{HarmProbability: p.bound(priorWoke), Prior: true})
	}
	return graded(pack, Risk{HarmProbability: p.bound(t), Exceeded: t.exceeded, Compared: t.compared})
}

// graded rounds the probability up to four places and grades it; a prior earns
// no more than C.
func graded(pack policies.Pack, r Risk) Risk {
	r.HarmProbability = min(1, math.Ceil(r.HarmProbability*1e4-1e-9)/1e4)
	r.Grade = pack.Risk.Of(r.HarmProbability)
	if r.Prior && r.Grade < "C" {
		r.Grade = "C"
	}
	return r
}

// bound is upperBound, remembered.
func (p past) bound(t tallied) float64 {
	b, ok := p.bounds[t]
	if !ok {
		b = upperBound(t.exceeded, t.compared)
		p.bounds[t] = b
	}
	return b
}

// upperBound is the one-sided Clopper-Pearson bound: the probability at which
// seeing k or fewer of n has a chance of 1 − confidence.
func upperBound(k, n int) float64 {
	if k >= n {
		return 1
	}
	lo, hi := float64(k)/float64(n), 1.0
	for range 60 {
		mid := (lo + hi) / 2
		if atMost(k, n, mid) > 1-confidence {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// atMost is the chance of k or fewer successes in n trials of probability p.
func atMost(k, n int, p float64) float64 {
	ln := func(i int) float64 { v, _ := math.Lgamma(float64(i + 1)); return v }
	term := math.Exp(ln(n) - ln(k) - ln(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := term
	for i := k; i > 0 && term > sum*1e-17; i-- { // p > k/n: terms fall towards 0
		term *= float64(i) / float64(n-i+1) * (1 - p) / p
		sum += term
	}
	return sum
}
