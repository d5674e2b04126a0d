package recommender

import (
	"cmp"
	"math"
	"slices"

	"yunjian/cloud"
)

// Chances tells how likely a smaller size is to be exceeded, as learned from the
// comparisons of a fleet.
//
// "The need exceeded the size" is a logistic regression (D. R. Cox, "The
// Regression Analysis of Binary Sequences", JRSS B 20, 1958) over the logarithms
// of size / level for each of the levels, their spread, the size itself and the
// length of history. Alone it would promise too much far above all
// levels, for some machines wake up whatever their past. So it is contaminated:
// with a chance of its own, the greater the smaller the size, a machine wakes up
// and exceeds it. Both are found together by the EM algorithm (A. P. Dempster, N. M.
// Laird, D. B. Rubin, JRSS B 39, 1977), which also keeps those that woke from bending
// the regression.
//
// What is stated is not the likeliest chance but the upper bound of it, by the
// normal approximation of what the comparisons left open (D. J. C. MacKay, "The
// Evidence Framework Applied to Classification Networks", Neural Computation 4,
// 1992). It is the greater, the less a machine is like those that were compared.
type Chances struct {
	r     *regression // nil: nothing was learned
	told  [2]bool     // of CPU, of memory: enough machines were compared by it
	wake  byHalf      // the upper bound of the chance to wake up and need more than a size
	k     Constants
	alike []statement // of each comparison: what would have been stated, ascending
}

// statement is the chance that would have been stated of one comparison, and what
// came.
type statement struct {
	chance   float64
	exceeded bool
}

// byHalf holds a number for a half, a quarter … of the present size, of CPU and of
// memory.
type byHalf [2][halvings]float64

// halvings is how many times a size is halved at most.
const halvings = 10

// fewSteps of Newton's method are more than it needs.
const fewSteps = 50

// smallest sizes that are offered, cores and GiB: comparisons are made of the halves
// of the present size down to them.
var smallest = [2]float64{1, 0.5}

// Groups of features, which Constants.Leave may leave out.
const (
	GroupLevels   = "levels"   // margins over what all samples reached
	GroupDays     = "days"     // over what days reached
	GroupLate     = "late"     // over what was reached of late, and the change from before
	GroupExceeded = "exceeded" // by how much its own past exceeds the size
	GroupSpread   = "spread"   // how much days differ
	GroupRange    = "range"    // margins in units of the machine's own range
	GroupMemory   = "memory"   // memory judged apart from CPU
	GroupSize     = "size"     // the size itself, and the length of the history
)

// Groups lists them.
func Groups() []string {
	return []string{GroupLevels, GroupDays, GroupLate, GroupExceeded, GroupSpread, GroupRange, GroupMemory, GroupSize}
}

// features of a size that is a fraction of the present one.
func (k Constants) features(c Comparison, fraction float64) []float64 {
	percent := 100 * fraction
	margin := func(level float64) float64 { return math.Log(percent / max(level, k.LevelFloor)) }
	below := func(level float64) float64 { return min(0, margin(level)) }
	b, size, memory := c.Before, math.Log(c.Present*fraction), 0.0
	if c.Metric == cloud.MemoryPercent {
		memory = 1
	}
	// Of a machine that stood still all along, a little above its maximum is much.
	own := math.Log(max(b.Max, k.LevelFloor)/max(b.P50, k.LevelFloor)) + k.LeastRange
	ranges := func(level float64) float64 { return max(-k.MostRanges, min(k.MostRanges, margin(level)/own)) }
	change := margin(b.EarlyP99) - margin(b.LateP99)
	out := make([]float64, 0, 45)
	add := func(group string, values ...float64) {
		if group == k.Leave {
			clear(values)
		}
		out = append(out, values...)
	}
	add(GroupLevels, margin(b.Max), margin(b.P999), margin(b.P995), margin(b.P99), margin(b.P95), margin(b.P90), margin(b.P50), margin(b.Mean))
	add(GroupDays, margin(b.HighestP98), margin(b.MedianP98), margin(b.SecondP99), margin(b.ThirdP99), margin(b.MedianMax))
	add(GroupLate, margin(b.EarlyP99), margin(b.WeekP99), margin(b.LastP99), margin(b.WeekMax), change)
	add(GroupExceeded, below(b.Max), below(b.P999), below(b.P995), below(b.P99), below(b.P95), below(b.WeekP99), below(b.LastP99), below(b.SecondP99), below(b.WeekMax), below(b.MedianMax))
	add(GroupSpread, b.Spread, b.Spread*margin(b.Max), b.Spread*margin(b.P95))
	add(GroupRange, ranges(b.Max), ranges(b.P995))
	add(GroupMemory, memory, memory*margin(b.Max), memory*margin(b.P95), memory*b.Spread, memory*change, memory*size, memory*math.Log(c.Present))
	add(GroupSize, size, math.Log(c.Present), math.Log(max(b.Days, 1)))
	return append(out, 1)
}

// kindOf is the index of a metric in byHalf.
func kindOf(m cloud.Metric) int {
	if m == cloud.MemoryPercent {
		return 1
	}
	return 0
}

// Learn learns from comparisons, by those metrics of which there are enough. The
// same ones in the same order give the same chances.
func Learn(comparisons []Comparison, k Constants) Chances {
	ch := Chances{k: k}
	var compared [2]int
	for _, c := range comparisons {
		if kind := kindOf(c.Metric); c.Present/2 >= smallest[kind] { // else it has no smaller size to tell of
			compared[kind]++
		}
	}
	for kind, n := range compared {
		ch.told[kind] = n > 0 && n >= k.MinCompared*k.Instants // even a spotless past of fewer would tell less than the prior
	}
	var rows [][]float64
	var exceeded []bool
	var kinds, halves []int
	for _, c := range comparisons {
		kind := kindOf(c.Metric)
		if !ch.told[kind] {
			continue
		}
		for half := range halvings {
			fraction := math.Ldexp(1, -half-1)
			if c.Present*fraction < smallest[kind] {
				break
			}
			rows, exceeded = append(rows, k.features(c, fraction)), append(exceeded, c.Need > 100*fraction)
			kinds, halves = append(kinds, kind), append(halves, half)
		}
	}
	if len(rows) == 0 {
		return ch
	}
	each := 1 / float64(k.Instants) // instants overlap, so all of them count as one
	var wake, seen, woke byHalf
	weight := make([]float64, len(rows))
	for i := range rows {
		weight[i] = each
		wake[kinds[i]][halves[i]] = k.FirstWake
		seen[kinds[i]][halves[i]]++
	}
	for kind := range seen {
		for h := range seen[kind] {
			seen[kind][h] /= float64(k.Instants)
		}
	}
	r := newRegression(rows, exceeded)
	r.fit(weight, k.Ridge, k.Taken, fewSteps)
	for range k.Rounds {
		woke = byHalf{}
		for i, e := range exceeded {
			if e {
				w := wake[kinds[i]][halves[i]]
				by := w / (w + (1-w)*r.chance(i))
				weight[i] = each * (1 - by)
				woke[kinds[i]][halves[i]] += each * by
			}
		}
		wake = k.wakingOf(woke, seen)
		r.fit(weight, k.Ridge, k.Taken, 2) // each round goes on where the one before stopped
	}
	r.fit(weight, k.Ridge, k.Taken, fewSteps)
	ch.r, ch.wake = r, k.wakingAtMost(woke, seen)
	for i, row := range rows {
		mean := dot(r.w, row)
		forward(r.factor, row) // the rows are of no more use
		ch.alike = append(ch.alike, statement{ch.atMost(ch.wake[kinds[i]][halves[i]], mean, math.Sqrt(dot(row, row))), exceeded[i]})
	}
	r.rows, r.outcome = nil, nil // of a large fleet they are many, and a run keeps its chances
	slices.SortFunc(ch.alike, func(a, b statement) int { return cmp.Compare(a.chance, b.chance) })
	return ch
}

// wakingOf is the chance to wake up beyond each half, of those seen, and where fewer
// are seen to wake no less than for the larger size. Too few tell no more than what is
// taken for granted.
func (k Constants) wakingOf(woke, seen byHalf) (out byHalf) {
	for kind := range out {
		least := 0.0
		for h, n := range seen[kind] {
			if n >= float64(k.MinCompared) {
				least = max(least, (woke[kind][h]+k.Taken)/(n+2*k.Taken))
				out[kind][h] = least
			} else {
				out[kind][h] = max(least, k.Taken/float64(k.MinCompared))
			}
		}
	}
	return out
}

// wakingAtMost is the upper bound of the chance to wake up beyond each half: of a share
// seen, by E. B. Wilson ("Probable Inference, the Law of Succession, and Statistical
// Inference", JASA 22, 1927), and no less than for the larger size.
func (k Constants) wakingAtMost(woke, seen byHalf) (out byHalf) {
	if k.Rounds == 0 { // nothing was asked of waking
		return out
	}
	z := k.deviations()
	for kind := range out {
		least := 0.0
		for h, n := range seen[kind] {
			if n >= float64(k.MinCompared) {
				p := woke[kind][h] / n
				least = max(least, (p+z*z/(2*n)+z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n)))/(1+z*z/n))
			}
			out[kind][h] = least
		}
	}
	return out
}

// Learned reports whether the fleet's past was enough to learn from, of a metric.
func (ch Chances) Learned(m cloud.Metric) bool { return ch.told[kindOf(m)] }

// Chance is the upper bound of that of a machine of the levels to exceed a size,
// cores or GiB, within the horizon; 1 where nothing was learned.
func (ch Chances) Chance(m cloud.Metric, present float64, before Levels, size float64) float64 {
	if !ch.Learned(m) {
		return 1
	}
	return ch.working(m, present, before, size).Probability
}

// Working is how a probability of harm came about. Learned from the fleet, it is
// w + (1 − w) / (1 + exp(−(LogOdds + z × Deviation))), with w Waking and z = 1.645, the
// 95th percentile of the normal distribution.
type Working struct {
	Metric      cloud.Metric `json:"metric"`
	Size        float64      `json:"size"`                // cores, GiB
	LogOdds     *float64     `json:"log_odds,omitempty"`  // natural logarithm of the likeliest odds that it is exceeded; absent of a prior
	Deviation   *float64     `json:"deviation,omitempty"` // of LogOdds, as the comparisons left it
	Waking      *float64     `json:"waking,omitempty"`    // upper bound of the chance to wake up and exceed it whatever the past
	Probability float64      `json:"probability"`         // upper bound, 0 to 1
	// Tallied is what the shipped prior counted, where it stands for the fleet's past.
	Tallied *Tallied `json:"tallied,omitempty"`
}

// Tallied is a row of the prior: its bound is that of Clopper and Pearson, one-sided.
type Tallied struct {
	HighestP98 float64 `json:"highest_p98,omitempty"` // percent: the highest daily 98th percentile, of which Margin is taken
	Margin     float64 `json:"margin,omitempty"`      // new size over that level; absent of a release
	AtLeast    float64 `json:"at_least,omitempty"`    // the margin of the row
	Exceeded   int     `json:"exceeded"`              // of Compared machines
	Compared   int     `json:"compared"`
}

// Prior reports whether the fleet's own past told nothing.
func (w Working) Prior() bool { return w.LogOdds == nil }

func (ch Chances) working(m cloud.Metric, present float64, before Levels, size float64) Working {
	odds, variance := ch.r.odds(ch.k.features(Comparison{Metric: m, Present: present, Before: before}, size/present))
	wake, deviation := ch.waking(kindOf(m), size/present), math.Sqrt(variance)
	return Working{Metric: m, Size: size, LogOdds: &odds, Deviation: &deviation, Waking: &wake, Probability: ch.atMost(wake, odds, deviation)}
}

// atMost bounds a chance.
func (ch Chances) atMost(wake, odds, deviation float64) float64 {
	return wake + (1-wake)*sigmoid(odds+ch.k.deviations()*deviation)
}

// Alike is how many comparisons of the fleet's past would have been given about
// that chance, half of it to twice as much, and how many of them were exceeded.
func (ch Chances) Alike(chance float64) (exceeded, compared int) {
	first, _ := slices.BinarySearchFunc(ch.alike, chance/2, func(s statement, c float64) int { return cmp.Compare(s.chance, c) })
	for _, s := range ch.alike[first:] {
		if s.chance > 2*chance {
			break
		}
		compared++
		if s.exceeded {
			exceeded++
		}
	}
	return exceeded, compared
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
