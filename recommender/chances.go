package recommender

import (
	"math"
	"time"

	"yunjian/cloud"
)

// Chances tells how likely a smaller size is to be exceeded, as learned from the
// comparisons of a fleet.
//
// "The need exceeded the size" is a logistic regression (D. R. Cox, "The
// Regression Analysis of Binary Sequences", JRSS B 20, 1958) over the logarithms
// of size / level for each of the levels, their spread, the size itself and the
// length of history and horizon. Alone it would promise too much far above all
// levels, for some machines wake up whatever their past. So it is contaminated:
// with a chance of its own, the greater the smaller the size, a machine wakes up
// and exceeds it. Both are found together by the EM algorithm (A. P. Dempster, N. M.
// Laird, D. B. Rubin, JRSS B 39, 1977), which also keeps those that woke from bending
// the regression.
type Chances struct {
	weights []float64 // of the features, the constant last; nil: nothing was learned
	wake    byHalf    // the chance to wake up and need more than a size
}

// byHalf holds a number for a half, a quarter … of the present size, of CPU and of
// memory.
type byHalf [2][halvings]float64

// halvings is how many times a size is halved at most.
const halvings = 10

const (
	// ridge is the weight of no information on each standardized feature, so that
	// those that tell nearly the same do not run away from each other: as much as
	// about ten comparisons, of thousands.
	ridge = 10
	// rounds of the EM algorithm, and the chance of waking that it begins with.
	rounds    = 20
	firstWake = 0.01
	// jeffreys is how many comparisons on either side are taken for granted before
	// any is seen (H. Jeffreys, Proc. R. Soc. A 186, 1946).
	jeffreys = 0.5
)

// smallest sizes that are offered, cores and GiB: comparisons are made of the halves
// of the present size down to them.
var smallest = [2]float64{1, 0.5}

// features of a size that is a fraction of the present one.
func features(c Comparison, fraction float64) []float64 {
	percent := 100 * fraction
	margin := func(level float64) float64 { return math.Log(percent / max(level, levelFloor)) }
	b, size, memory := c.Before, math.Log(c.Present*fraction), 0.0
	if c.Metric == cloud.MemoryPercent {
		memory = 1
	}
	change := margin(b.EarlyP99) - margin(b.LateP99)
	return []float64{
		margin(b.Max), margin(b.P999), margin(b.P995), margin(b.P99), margin(b.P95), margin(b.P90), margin(b.P50), margin(b.Mean),
		margin(b.HighestP98), margin(b.MedianP98), margin(b.SecondP99), margin(b.ThirdP99), margin(b.MedianMax),
		margin(b.EarlyP99), margin(b.WeekP99), margin(b.LastP99), margin(b.WeekMax),
		b.Spread, b.Spread * margin(b.Max), b.Spread * margin(b.P95), change,
		memory, memory * margin(b.Max), memory * margin(b.P95), memory * b.Spread, memory * change, memory * size, memory * math.Log(c.Present),
		size, math.Log(c.Present), math.Log(max(b.Days, 1)), math.Log(max(c.Horizon.Hours()/24, 1)),
		1,
	}
}

// kindOf is the index of a metric in byHalf.
func kindOf(m cloud.Metric) int {
	if m == cloud.MemoryPercent {
		return 1
	}
	return 0
}

// Learn learns from comparisons. The same ones in the same order give the same
// chances.
func Learn(comparisons []Comparison) Chances {
	var rows [][]float64
	var exceeded []bool
	var kinds, halves []int
	for _, c := range comparisons {
		kind := kindOf(c.Metric)
		for k := range halvings {
			fraction := math.Ldexp(1, -k-1)
			if c.Present*fraction < smallest[kind] {
				break
			}
			rows, exceeded = append(rows, features(c, fraction)), append(exceeded, c.Need > 100*fraction)
			kinds, halves = append(kinds, kind), append(halves, k)
		}
	}
	if len(rows) == 0 {
		return Chances{}
	}
	var wake, seen byHalf
	weight := make([]float64, len(rows))
	for i := range rows {
		weight[i] = 1
		wake[kinds[i]][halves[i]] = firstWake
		seen[kinds[i]][halves[i]]++
	}
	r := newRegression(rows, exceeded)
	for range rounds {
		r.fit(weight, ridge)
		var woke byHalf
		for i, e := range exceeded {
			if e {
				w := wake[kinds[i]][halves[i]]
				by := w / (w + (1-w)*r.chance(i))
				weight[i] = 1 - by
				woke[kinds[i]][halves[i]] += by
			}
		}
		wake = wakingOf(woke, seen)
	}
	return Chances{weights: r.weights(), wake: wake}
}

// wakingOf is the chance to wake up beyond each half, of those seen. Origins overlap,
// so all of them count as one. Where too few are left to tell, and where
// fewer are seen to wake, it is no less than for the larger size.
func wakingOf(woke, seen byHalf) (out byHalf) {
	for kind := range out {
		least := 0.0
		for k := range out[kind] {
			if n := seen[kind][k] / origins; n >= minCompared {
				least = max(least, (woke[kind][k]/origins+jeffreys)/(n+2*jeffreys))
			}
			out[kind][k] = max(least, jeffreys/minCompared)
		}
	}
	return out
}

// Chance is that of a machine of the levels to exceed a size, cores or GiB, within
// the horizon; 1 where nothing was learned.
func (ch Chances) Chance(m cloud.Metric, present float64, before Levels, size float64, horizon time.Duration) float64 {
	if ch.weights == nil {
		return 1
	}
	c := Comparison{Metric: m, Present: present, Before: before, Horizon: horizon}
	wake := ch.waking(kindOf(m), size/present)
	return wake + (1-wake)*sigmoid(dot(ch.weights, features(c, size/present)))
}

// waking is the chance to wake up beyond a fraction of the present size, between
// the halves by its logarithm.
func (ch Chances) waking(kind int, fraction float64) float64 {
	at := min(max(-math.Log2(fraction)-1, 0), halvings-1)
	k := int(at)
	above, below := ch.wake[kind][k], ch.wake[kind][min(k+1, halvings-1)]
	return above + (at-float64(k))*(below-above)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
