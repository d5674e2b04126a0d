package utilization

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
)

// Step is the spacing of samples that coverage is measured against: five
// minutes, the finest period CloudMonitor keeps for 91 days.
const Step = 5 * time.Minute

// Summary is what the samples of one metric of one resource within a window
// amount to. A Summary with Samples == 0 knows nothing: its statistics are
// meaningless and must not be read as zero.
type Summary struct {
	Metric  cloud.Metric
	Window  cloud.Window
	Samples int // samples present
	// Expected is how many samples Window would hold at Step, less the spans
	// excluded from it (before a resize, while powered off).
	Expected int
	// Dense is how many of Samples only came of a spacing finer than Step.
	// They count in every statistic but not in Coverage, so that a minute-wise
	// series with holes does not look complete.
	Dense int

	First, Last time.Time // instants of the first and last sample
	Mean        float64
	Min, Max    float64
	Days        []Day // calendar days (in the location asked for) that hold samples, ascending
	HourOfWeek  [168]Hour

	// Distribution holds every value with its count, so that any percentile
	// stays exact after the samples are gone.
	Distribution Distribution
}

// Coverage is the share of Expected that is present, 0 to 1. Where nothing was
// expected nothing is covered.
func (s Summary) Coverage() float64 {
	if s.Expected <= 0 {
		return 0
	}
	return min(1, float64(s.Samples-s.Dense)/float64(s.Expected))
}

// Clone is a copy that shares no memory with s.
func (s Summary) Clone() Summary {
	s.Days = slices.Clone(s.Days)
	s.Distribution = s.Distribution.clone()
	return s
}

// Quantile returns the exact q-quantile of the values by linear interpolation
// between the two nearest ranks, rank = q × (n − 1), as Prometheus'
// quantile_over_time does. q outside 0 to 1 is taken as the nearer bound.
// Without samples it is NaN.
func (s Summary) Quantile(q float64) float64 { return s.Distribution.Quantile(q) }

// ShareAbove is the share of samples with a value above x (equal is not
// above), 0 to 1. Without samples it is NaN.
func (s Summary) ShareAbove(x float64) float64 {
	n := s.Distribution.Count()
	if n == 0 {
		return math.NaN()
	}
	return float64(s.Distribution.CountAbove(x)) / float64(n)
}

// Expected is how many samples w holds at the given spacing, less the excluded
// spans, which may overlap each other and reach beyond w.
func Expected(w cloud.Window, step time.Duration, exclude ...cloud.Window) int {
	if step <= 0 {
		step = Step
	}
	kept := w.Duration()
	spans := make([]cloud.Window, 0, len(exclude))
	for _, e := range exclude {
		if e = w.Intersect(e); e.Duration() > 0 {
			spans = append(spans, e)
		}
	}
	slices.SortFunc(spans, func(a, b cloud.Window) int { return a.From.Compare(b.From) })
	end := w.From
	for _, e := range spans {
		if e.From.Before(end) {
			e.From = end
		}
		kept -= e.Duration()
		if e.To.After(end) {
			end = e.To
		}
	}
	return int(kept / step)
}

// Describe summarizes the points of w; points must ascend in time, at most one
// an instant. Days and hours are those of loc (nil: UTC). It is the one-off
// form of Accumulator.
func Describe(points []cloud.Point, m cloud.Metric, w cloud.Window, loc *time.Location) Summary {
	a := NewAccumulator(loc)
	from, to := ceilUnix(w.From), ceilUnix(w.To)
	for _, p := range points {
		if p.T >= from && p.T < to {
			a.Add(p.T, p.V)
		}
	}
	return a.Summary(m, w, Expected(w, Step))
}

// ceilUnix is the first whole second not before t, so that comparing seconds
// keeps [From, To) exact for bounds with fractions.
func ceilUnix(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// Day is the samples of one calendar day.
type Day struct {
	Start   time.Time // local midnight
	Samples int
	Mean    float64
	P95     float64
	P98     float64
	P99     float64
	Max     float64
	// Sum is the sum of the values: for a rate, Sum × Step is the day's volume
	// over the samples present.
	Sum float64
}

// Hour is the samples of one hour of the week; index 0 is Monday 00:00-01:00.
type Hour struct {
	Samples int
	Mean    float64
	Max     float64
}
