package analyzer

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// measured is one number to compare with one limit. For conditions on shares of
// samples or days it is restated so that the condition holds exactly when
// value op limit.
type measured struct {
	value float64
	op    string
	limit float64
	unit  cloud.Unit
}

func (m measured) holds() bool { return policies.Holds(m.value, m.op, m.limit) }

// Samples are the statistics that conditions are measured on.
type Samples struct {
	Resource    cloud.Resource
	Utilization map[cloud.Metric]utilization.Summary
	Peaks       map[cloud.Metric]Peak
}

// Holds reports whether a condition on a metric holds, and whether the metric
// has samples to tell from. Coverage is not looked at.
func (s Samples) Holds(c policies.Condition) (holds, known bool) {
	m, ok := s.measure(c)
	return ok && m.holds(), ok
}

// Value computes the statistic of a condition that is one number of the window
// or of the peak-guard span, in the condition's unit; false without samples.
func (s Samples) Value(c policies.Condition) (float64, bool) {
	m, ok := s.measure(c)
	return m.value, ok
}

// measure computes what a condition on a metric compares. It is the same for
// every metric: composed metrics are sums of their parts, scaled ones products.
func (s Samples) measure(c policies.Condition) (measured, bool) {
	parts, ok := s.parts(c.Metric)
	if !ok {
		return measured{}, false
	}
	scale := 1.0
	if c.Metric == policies.CPUCores {
		if s.Resource.VCPU <= 0 {
			return measured{}, false
		}
		scale = float64(s.Resource.VCPU) / 100
	}
	m := measured{op: c.Op, limit: c.Limit, unit: c.Unit}
	switch {
	case policies.OfDay(c.Statistic):
		return s.days(c, m)
	case c.Statistic == "sample":
		m.value = shareOfSamples(parts[0], c.Op, c.Limit/scale)
		m.op, m.limit, m.unit = ">=", c.ShareOfSamples, cloud.Ratio
		return m, true
	case policies.OfPeaks(c.Statistic):
		m.value = s.peak(c.Metric, c.Statistic, parts[0])
		return m, true
	}
	for _, p := range parts {
		v, ok := ofWindow(p, c)
		if !ok {
			return measured{}, false
		}
		m.value += v
	}
	if c.Statistic == "max_of_day_means" {
		means := s.daily(c.Metric, "day_mean")
		if len(means) == 0 {
			return measured{}, false
		}
		m.value = slices.Max(means)
	}
	m.value *= scale
	return m, true
}

// parts returns the summaries a metric is made of; false when one is missing.
func (s Samples) parts(m cloud.Metric) ([]utilization.Summary, bool) {
	names := policies.Parts(m)
	out := make([]utilization.Summary, len(names))
	for i, name := range names {
		u, ok := s.Utilization[name]
		if !ok || u.Samples == 0 {
			return nil, false
		}
		out[i] = u
	}
	return out, true
}

// ofWindow computes a statistic of the window for one measured metric.
func ofWindow(u utilization.Summary, c policies.Condition) (float64, bool) {
	if q, ok := policies.Quantile(c.Statistic); ok {
		return u.Quantile(q), true
	}
	switch c.Statistic {
	case "mean", "max_of_day_means":
		return u.Mean, true
	case "max":
		if c.Last == 0 {
			return u.Max, true
		}
		from := u.Window.To.Add(-c.Last)
		highest, ok := math.Inf(-1), false
		for _, d := range u.Days {
			if d.Start.AddDate(0, 0, 1).After(from) {
				highest, ok = max(highest, d.Max), true
			}
		}
		return highest, ok
	case "mean_of_day_maxima":
		sum := 0.0
		for _, d := range u.Days {
			sum += d.Max
		}
		return sum / float64(len(u.Days)), len(u.Days) > 0
	case "in_180d":
		return trend(u, 180*24*time.Hour)
	}
	return 0, false
}

// trend is the least-squares line through the daily means, continued for ahead
// beyond the window; two days at least.
func trend(u utilization.Summary, ahead time.Duration) (float64, bool) {
	n := float64(len(u.Days))
	if n < 2 {
		return 0, false
	}
	const dayLength = 24 * time.Hour
	at := func(t time.Time) float64 { return float64(t.Sub(u.Window.From)) / float64(dayLength) }
	var sx, sy, sxx, sxy float64
	for _, d := range u.Days {
		x := at(d.Start) + 0.5
		sx, sy, sxx, sxy = sx+x, sy+d.Mean, sxx+x*x, sxy+x*d.Mean
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return (sy-slope*sx)/n + slope*at(u.Window.To.Add(ahead)), true
}

// peak is the highest of the guarded span and of the window, so that a guard
// that knows nothing yet is no lower than what was just seen.
func (s Samples) peak(m cloud.Metric, statistic string, u utilization.Summary) float64 {
	p, known := s.Peaks[m]
	if statistic == "peak" {
		if !known {
			return u.Max
		}
		return max(p.Max, u.Max)
	}
	highest := 0.0
	for _, d := range u.Days {
		highest = max(highest, d.P95)
	}
	switch {
	case !known:
		return highest
	case p.DayP95 == 0:
		return max(p.Max, highest)
	default:
		return max(p.DayP95, highest)
	}
}

// shareOfSamples is the share of samples for which value op limit.
func shareOfSamples(u utilization.Summary, op string, limit float64) float64 {
	above := u.ShareAbove(limit)
	atLeast := u.ShareAbove(math.Nextafter(limit, math.Inf(-1)))
	switch op {
	case "<":
		return 1 - atLeast
	case "<=":
		return 1 - above
	case ">":
		return above
	default:
		return atLeast
	}
}

// days restates a condition on days. Without further conditions beside it, a
// share of days is restated as the value that is not exceeded on that share of
// days, which tells more than a count.
func (s Samples) days(c policies.Condition, m measured) (measured, bool) {
	values := s.daily(c.Metric, c.Statistic)
	if len(values) == 0 {
		return measured{}, false
	}
	if len(c.And) == 0 && c.ShareOfDays > 0 {
		slices.Sort(values)
		if c.Op == ">" || c.Op == ">=" {
			slices.Reverse(values)
		}
		need := int(math.Ceil(c.ShareOfDays*float64(len(values)) - 1e-9))
		m.value = values[max(need, 1)-1]
		return m, true
	}
	met, n, ok := s.countDays(c)
	if !ok {
		return measured{}, false
	}
	m.op = ">="
	if c.MinDays > 0 {
		m.value, m.limit, m.unit = float64(met), float64(c.MinDays), cloud.Days
	} else {
		m.value, m.limit, m.unit = float64(met)/float64(n), c.ShareOfDays, cloud.Ratio
	}
	return m, true
}

// countDays counts the days on which the condition and those beside it hold,
// of the days on which all their metrics have samples.
func (s Samples) countDays(c policies.Condition) (met, n int, ok bool) {
	byDay := make([]map[int64]float64, 0, 1+len(c.And))
	all := append([]policies.Condition{c}, c.And...)
	for _, one := range all {
		values := s.dailyByStart(one.Metric, one.Statistic)
		if len(values) == 0 {
			return 0, 0, false
		}
		byDay = append(byDay, values)
	}
	for start := range byDay[0] {
		present, holds := true, true
		for i, one := range all {
			v, has := byDay[i][start]
			present = present && has
			holds = holds && has && policies.Holds(v, one.Op, one.Limit)
		}
		if present {
			n++
		}
		if holds {
			met++
		}
	}
	return met, n, n > 0
}

func (s Samples) daily(m cloud.Metric, statistic string) []float64 {
	byStart := s.dailyByStart(m, statistic)
	out := make([]float64, 0, len(byStart))
	for _, v := range byStart {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// dailyByStart returns a number for every day on which all parts of a metric
// have samples. A day's volume is its mean rate over 24 hours, so that a gap is
// not read as silence.
func (s Samples) dailyByStart(m cloud.Metric, statistic string) map[int64]float64 {
	parts, ok := s.parts(m)
	if !ok {
		return nil
	}
	scale := 1.0
	switch {
	case m == policies.CPUCores && s.Resource.VCPU <= 0:
		return nil
	case m == policies.CPUCores:
		scale = float64(s.Resource.VCPU) / 100
	case statistic == "day_volume":
		scale = 24 * 60 * 60
		if len(parts) > 0 && parts[0].Metric.Unit() == cloud.BitsPerSecond {
			scale /= 8
		}
	}
	sums := map[int64]float64{}
	seen := map[int64]int{}
	for _, p := range parts {
		for _, d := range p.Days {
			v := d.Mean
			if statistic == "day_max" {
				v = d.Max
			}
			sums[d.Start.Unix()] += v * scale
			seen[d.Start.Unix()]++
		}
	}
	for start, n := range seen {
		if n < len(parts) {
			delete(sums, start)
		}
	}
	return sums
}
