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
// with chance wake a machine changes and exceeds any smaller size. Both are found
// together by the EM algorithm (A. P. Dempster, N. M. Laird, D. B. Rubin, JRSS B
// 39, 1977), which also keeps those that woke from bending the regression.
type Chances struct {
	weights []float64 // of the features, the constant last; nil: nothing was learned
	wake    float64
}

const (
	// ridge is the weight of no information on each standardized feature, so that
	// those that tell nearly the same do not run away from each other: as much as
	// about ten comparisons, of thousands.
	ridge = 10
	// rounds of the EM algorithm, and the wake it begins with.
	rounds    = 20
	firstWake = 0.01
)

// Sizes of which comparisons are made: the halves of the present one, down to the
// smallest that are offered.
const (
	leastCores = 1
	leastGiB   = 0.5
)

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

// Learn learns from comparisons. The same ones in the same order give the same
// chances.
func Learn(comparisons []Comparison) Chances {
	var rows [][]float64
	var exceeded []bool
	for _, c := range comparisons {
		least := leastCores / c.Present
		if c.Metric == cloud.MemoryPercent {
			least = leastGiB / c.Present
		}
		for fraction := 0.5; fraction >= least; fraction /= 2 {
			rows = append(rows, features(c, fraction))
			exceeded = append(exceeded, c.Need > 100*fraction)
		}
	}
	if len(rows) == 0 {
		return Chances{}
	}
	ch := Chances{wake: firstWake}
	weight := make([]float64, len(rows))
	for i := range weight {
		weight[i] = 1
	}
	r := newRegression(rows, exceeded)
	for range rounds {
		r.fit(weight, ridge)
		woke := 0.0
		for i, e := range exceeded {
			if e {
				by := ch.wake / (ch.wake + (1-ch.wake)*r.chance(i))
				weight[i] = 1 - by
				woke += by
			}
		}
		ch.wake = woke / float64(len(rows))
	}
	ch.weights = r.weights()
	return ch
}

// Chance is that of a machine of the levels to exceed a size, cores or GiB, within
// the horizon; 1 where nothing was learned.
func (ch Chances) Chance(m cloud.Metric, present float64, before Levels, size float64, horizon time.Duration) float64 {
	if ch.weights == nil {
		return 1
	}
	c := Comparison{Metric: m, Present: present, Before: before, Horizon: horizon}
	return ch.wake + (1-ch.wake)*sigmoid(dot(ch.weights, features(c, size/present)))
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
