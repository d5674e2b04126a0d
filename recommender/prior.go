package recommender

import (
	"math"

	"yunjian/cloud"
	"yunjian/utilization"
)

// The priors stand in for a past that is too short or too small to ask. They
// were counted on a public trace of 407 enterprise virtual machines over 30 days at
// five minutes (Bitbrains GWA-T-12 fastStorage; Shen, van Beek, Iosup, CCGrid
// 2015), 336 of which had both halves of it: of these, how many needed more in the
// late half (its 99.5th percentile) than margin × level, the highest daily 98th
// percentile of the early half, the worse of CPU and memory. They are one
// provider's machines in one month, and earn no grade above C.
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

type tallied struct{ exceeded, compared int }

// priorOf is what the prior counted at the nearest margin not above the given
// one, which it returns, too; below the level itself everything is lost.
func priorOf(margin float64) (tallied, float64) {
	for _, m := range priorMargins {
		if margin >= m.margin {
			return m.tallied, m.margin
		}
	}
	return tallied{1, 1}, 0
}

// PriorChance is the upper bound of the chance of a machine to need more than a
// fraction of its present size, by the prior: the highest daily 98th percentile of
// the metric, percent, tells the margin.
func (k Constants) PriorChance(highestP98, fraction float64) float64 {
	return k.bySize(Working{}, highestP98, fraction).Probability
}

// bySize completes a working by the prior.
func (k Constants) bySize(w Working, highestP98, fraction float64) Working {
	level := max(highestP98, k.LevelFloor)
	margin := 100 * fraction / level
	t, least := priorOf(margin)
	w.Probability = t.bound(k.Confidence)
	w.Tallied = &Tallied{HighestP98: level, Margin: margin, AtLeast: least, Exceeded: t.exceeded, Compared: t.compared}
	return w
}

// byRelease completes a working by the prior.
func byRelease(w Working) Working {
	w.Probability = PriorRelease()
	w.Tallied = &Tallied{Exceeded: priorWoke.exceeded, Compared: priorWoke.compared}
	return w
}

// highestP98 is the highest daily 98th percentile, percent.
func highestP98(u utilization.Summary) float64 {
	highest := 0.0
	for _, d := range u.Days {
		highest = max(highest, d.P98)
	}
	return highest
}

// PriorWoke is what PriorRelease is the bound of: of compared machines that looked idle
// exceeded woke.
func PriorWoke() (exceeded, compared int) { return priorWoke.exceeded, priorWoke.compared }

// PriorRelease is the upper bound of the chance that what looks idle wakes up, by
// the prior.
func PriorRelease() float64 { return priorWoke.bound(Standard().Confidence) }

// UpperBound is the bound that audits state of exceeded among compared.
func UpperBound(exceeded, compared int) float64 {
	return tallied{exceeded, compared}.bound(Standard().Confidence)
}

// bound is the one-sided Clopper-Pearson bound with a confidence, 0.5 to 1 (C. J. Clopper
// and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the
// case of the binomial", Biometrika 26, 1934): the probability at which
// seeing no more has a chance of 1 − confidence.
func (t tallied) bound(confidence float64) float64 {
	k, n := t.exceeded, t.compared
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

var sized = Sized()

// Sized lists the metrics that a size of CPU and memory is judged by.
func Sized() []cloud.Metric { return []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent} }
