package analyzer

import (
	"math"
	"slices"

	"yunjian/utilization"
)

// wholeDays leaves out days of which less than half was seen: those that the
// window cuts, and those of long gaps.
func wholeDays(days []utilization.Day) []utilization.Day {
	most := 0
	for _, d := range days {
		most = max(most, d.Samples)
	}
	var out []utilization.Day
	for _, d := range days {
		if 2*d.Samples >= most {
			out = append(out, d)
		}
	}
	return out
}

// rise finds the day of a step: the means of all days after it lie more than
// gap above those of all days before it; that day itself is part of both. A
// level so reached was reached at once and not left since. At least settle days
// must follow; of several such days it is the one with the widest gap. false
// where there is none.
func rise(days []utilization.Day, settle int, gap float64) (at int, ok bool) {
	lowest := make([]float64, len(days)+1) // of the days from i on
	lowest[len(days)] = math.Inf(1)
	for i := len(days) - 1; i >= 0; i-- {
		lowest[i] = min(lowest[i+1], days[i].Mean)
	}
	highest := math.Inf(-1) // of the days before i
	for i := 0; i+1+settle <= len(days); i++ {
		if d := lowest[i+1] - highest; i > 0 && d > gap {
			at, gap, ok = i, d, true
		}
		highest = max(highest, days[i].Mean)
	}
	return at, ok
}

// meanOf is the mean of all samples of the days; NaN of none.
func meanOf(days []utilization.Day) float64 {
	sum, n := 0.0, 0
	for _, d := range days {
		sum += d.Sum
		n += d.Samples
	}
	return sum / float64(n)
}

// bandOf is p5 and p95 of the samples since a step. Percentiles are kept of the
// whole window only; but a step lifts what follows above what was before, so
// these are the highest samples, as many as the days since have.
func bandOf(u utilization.Summary, since []utilization.Day) (p5, p95 float64) {
	n := 0
	for _, d := range since {
		n += d.Samples
	}
	share := min(1, float64(n)/float64(u.Samples))
	return u.Quantile(1 - 0.95*share), u.Quantile(1 - 0.05*share)
}

// spreadOfDays is how far p95 of the days' means lies above their p5.
func spreadOfDays(days []utilization.Day) float64 {
	means := make([]float64, len(days))
	for i, d := range days {
		means[i] = d.Mean
	}
	slices.Sort(means)
	return utilization.Quantile(means, 0.95) - utilization.Quantile(means, 0.05)
}

// restsAtWeekends is how many times as high a rate is from 9 to 18 on Monday to
// Friday as in the same hours of Saturday and Sunday, by the medians of the
// hourly means; false where one of them was not seen or nothing flows.
func restsAtWeekends(u utilization.Summary) (times float64, ok bool) {
	var working, weekend []float64
	for i, h := range u.HourOfWeek {
		hour := i % 24
		switch {
		case h.Samples == 0 || hour < 9 || hour >= 18:
		case i < 5*24:
			working = append(working, h.Mean)
		default:
			weekend = append(weekend, h.Mean)
		}
	}
	if len(working) == 0 || len(weekend) == 0 {
		return 0, false
	}
	slices.Sort(working)
	slices.Sort(weekend)
	rest := utilization.Quantile(weekend, 0.5)
	return utilization.Quantile(working, 0.5) / rest, rest > 0
}
