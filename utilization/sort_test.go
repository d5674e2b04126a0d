package utilization

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSortEqualsComparing(t *testing.T) {
	var s sorter
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64),
			rapid.Map(rapid.Uint32(), func(v uint32) float64 { return float64(v) }),
			rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 1e300, -5e-324, 3.5}),
		)
		v := rapid.SliceOfN(value, 0, 3*fewValues).Draw(t, "values")
		want := slices.Clone(v)
		slices.Sort(want)
		s.sort(v)
		if !slices.Equal(want, v) {
			t.Fatalf("got %v\nwant %v", v, want)
		}
	})
}

// benchmarkSort sorts rates, others each time: what is sorted twice teaches the
// processor its branches.
func benchmarkSort(b *testing.B, n int, sort func([]float64)) {
	random := rand.New(rand.NewPCG(1, 2))
	from, v := make([]float64, 1<<20), make([]float64, n)
	for i := range from {
		from[i] = math.Round(math.Exp(12 + 2*random.NormFloat64()))
	}
	at := 0
	for b.Loop() {
		at = (at + n) % (len(from) - n)
		copy(v, from[at:])
		sort(v)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/value")
}

func BenchmarkSortDay(b *testing.B)          { benchmarkSort(b, 288, new(sorter).sort) }
func BenchmarkSortMonth(b *testing.B)        { benchmarkSort(b, 8640, new(sorter).sort) }
func BenchmarkSortDayComparing(b *testing.B) { benchmarkSort(b, 288, slices.Sort[[]float64]) }
func BenchmarkSortMonthComparing(b *testing.B) {
	benchmarkSort(b, 8640, slices.Sort[[]float64])
}
