package utilization

import (
	"math"
	"slices"
	"sort"
)

// Distribution is a multiset of values, each distinct value kept once with its
// count. Nobody changes it but SummaryInto, which uses its
// memory again; the zero value is empty.
type Distribution struct {
	// Exactly one of hundredths and values is used. Two-decimal percentages
	// take 6 bytes a distinct value instead of 12.
	hundredths []uint16  // ascending, in hundredths
	values     []float64 // ascending
	upTo       []uint32  // upTo[i]: how many samples are at most the i-th value
}

func (d Distribution) clone() Distribution {
	return Distribution{slices.Clone(d.hundredths), slices.Clone(d.values), slices.Clone(d.upTo)}
}

// Count is the number of samples.
func (d Distribution) Count() int {
	if len(d.upTo) == 0 {
		return 0
	}
	return int(d.upTo[len(d.upTo)-1])
}

// Distinct is the number of different values.
func (d Distribution) Distinct() int { return len(d.upTo) }

// Each calls f for every distinct value in ascending order with its count.
func (d Distribution) Each(f func(value float64, count int)) {
	before := uint32(0)
	for i, n := range d.upTo {
		f(d.value(i), int(n-before))
		before = n
	}
}

// Quantile is described at Summary.Quantile.
func (d Distribution) Quantile(q float64) float64 {
	rank, lower, upper := d.Ranks(q)
	return interpolate(lower, upper, rank-math.Floor(rank))
}

// Ranks returns what Quantile weighs: the rank, counted from 0, and the values of
// the samples of the whole ranks below and above it; NaN without samples.
func (d Distribution) Ranks(q float64) (rank, lower, upper float64) {
	n := d.Count()
	if n == 0 || math.IsNaN(q) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	rank = min(max(q, 0), 1) * float64(n-1)
	below := math.Floor(rank)
	i := d.indexOfRank(int(below))
	lower, upper = d.value(i), d.value(i)
	if int(below)+1 < n && uint32(below)+1 >= d.upTo[i] {
		upper = d.value(i + 1)
	}
	return rank, lower, upper
}

// CountAbove is the number of samples with a value above x.
func (d Distribution) CountAbove(x float64) int {
	i := sort.Search(len(d.upTo), func(i int) bool { return d.value(i) > x })
	if i == 0 {
		return d.Count()
	}
	return d.Count() - int(d.upTo[i-1])
}

// Equal reports whether both hold the same values with the same counts.
func (d Distribution) Equal(o Distribution) bool {
	if !slices.Equal(d.upTo, o.upTo) {
		return false
	}
	for i := range d.upTo {
		if d.value(i) != o.value(i) {
			return false
		}
	}
	return true
}

func (d Distribution) value(i int) float64 {
	if d.hundredths != nil {
		return float64(d.hundredths[i]) / 100
	}
	return d.values[i]
}

// indexOfRank is the index of the value that the sample of the given rank
// (from 0, ascending) has.
func (d Distribution) indexOfRank(rank int) int {
	i, found := slices.BinarySearch(d.upTo, uint32(rank))
	if found { // exactly rank samples are at most value i, so the next one is above it
		i++
	}
	return i
}

// interpolate is Prometheus' weighting; equal neighbours are returned as they
// are, because v×(1−w) + v×w may miss v by a rounding and a limit that equals
// v must compare equal.
func interpolate(lo, hi, weight float64) float64 {
	if lo == hi || weight == 0 {
		return lo
	}
	return lo*(1-weight) + hi*weight
}

// Quantile returns the q-quantile (0 to 1) of ascending values as
// Summary.Quantile does; NaN of none.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	q = min(max(q, 0), 1)
	rank := q * float64(len(sorted)-1)
	below := math.Floor(rank)
	i := int(below)
	return interpolate(sorted[i], sorted[min(i+1, len(sorted)-1)], rank-below)
}
