package recommender

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Levels is what a machine reached of one metric before an instant, in percent of
// its size: of all samples, of the days, and of late.
type Levels struct {
	Max, P999, P995, P99, P95, P90, P50, Mean float64

	HighestP98, MedianP98 float64 // of the daily 98th percentiles
	SecondP99, ThirdP99   float64 // of the daily 99th percentiles, from the highest
	MedianMax             float64 // of the daily maxima

	EarlyP99, LateP99 float64 // the highest daily 99th percentile of the earlier and of the later half of the days,
	WeekP99, LastP99  float64 // of the last seven days, and of the last two
	WeekMax           float64 // the highest of the last seven days

	Spread float64 // standard deviation of ln(daily 99th percentile): how much days differ
	Days   float64 // from the first sample to the instant
}

// fewestDays with samples that Levels are told from: a spread and a third highest
// day want as many.
const fewestDays = 3

// LevelsOf is the levels that a summary tells; false where it covers too few days.
func (k Constants) LevelsOf(u utilization.Summary) (Levels, bool) {
	n := len(u.Days)
	if u.Samples == 0 || n < fewestDays {
		return Levels{}, false
	}
	p98, p99, top, logs := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i, d := range u.Days {
		p98[i], p99[i], top[i], logs[i] = d.P98, d.P99, d.Max, math.Log(max(d.P99, k.LevelFloor))
	}
	l := Levels{
		Max: u.Max, P999: u.Quantile(0.999), P995: u.Quantile(0.995), P99: u.Quantile(0.99), P95: u.Quantile(0.95), P90: u.Quantile(0.9),
		P50: u.Quantile(0.5), Mean: u.Mean,
		EarlyP99: slices.Max(p99[:n/2]), LateP99: slices.Max(p99[n/2:]),
		WeekP99: slices.Max(p99[max(0, n-7):]), LastP99: slices.Max(p99[n-2:]), WeekMax: slices.Max(top[max(0, n-7):]),
		Spread: deviation(logs),
		Days:   u.Window.To.Sub(u.First).Hours() / 24,
	}
	slices.Sort(p98)
	slices.Sort(p99)
	slices.Sort(top)
	l.HighestP98, l.MedianP98 = p98[n-1], utilization.Quantile(p98, 0.5)
	l.SecondP99, l.ThirdP99 = p99[n-2], p99[n-3]
	l.MedianMax = utilization.Quantile(top, 0.5)
	return l, true
}

// deviation is the standard deviation of a population.
func deviation(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)))
}

// Comparison is one machine's metric at one instant of the past: what it had
// reached before, and what it came to need afterwards.
type Comparison struct {
	Metric  cloud.Metric // cpu_percent or memory_percent
	Present float64      // cores or GiB
	Before  Levels
	Need    float64 // 99.5th percentile of what came, percent of Present
}

// Origin is an instant of the past at which it is asked what could be told then,
// and the end of what is held against it.
type Origin struct{ At, End time.Time }

// Origins spreads instants over a past from first to now. Each has a fifth of the
// past before it, and behind it a horizon as long as the one promised, but no
// longer than half the past.
func (k Constants) Origins(first, now time.Time, horizon time.Duration) []Origin {
	past := now.Sub(first)
	horizon = min(horizon, past/2)
	earliest, latest := first.Add(past/5), now.Add(-horizon)
	var out []Origin
	for i := range k.Instants {
		at := earliest.Add(latest.Sub(earliest) / time.Duration(max(1, k.Instants-1)) * time.Duration(i)).Truncate(time.Hour)
		out = append(out, Origin{at, at.Add(horizon)})
	}
	return out
}
