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
		m.value = slices.Max(means) // scaled already
		return m, true
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
		return trend(u, trendAhead)
	}
	return 0, false
}

// trendAhead is how far in_180d looks beyond the window.
const trendAhead = 180 * day

// trend is the least-squares line through the daily means, continued for ahead
// beyond the window; two days at least.
func trend(u utilization.Summary, ahead time.Duration) (float64, bool) {
	slope, start, ok := line(u)
	return start + slope*daysInto(u.Window, u.Window.To.Add(ahead)), ok
}

// daysInto is how many days after the beginning of w an instant lies.
func daysInto(w cloud.Window, t time.Time) float64 { return float64(t.Sub(w.From)) / float64(day) }

// line is the least-squares line through the daily means, each at noon, by days
// since the window began.
func line(u utilization.Summary) (slope, start float64, ok bool) {
	n := float64(len(u.Days))
	if n < 2 {
		return 0, 0, false
	}
	var sx, sy, sxx, sxy float64
	for _, d := range u.Days {
		x := daysInto(u.Window, d.Start) + 0.5
		sx, sy, sxx, sxy = sx+x, sy+d.Mean, sxx+x*x, sxy+x*d.Mean
	}
	slope = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return slope, (sy - slope*sx) / n, true
}

// peak is the highest of the guarded span and of the window, so that a guard
// that knows nothing yet is no lower than what was just seen.
func (s Samples) peak(m cloud.Metric, statistic string, u utilization.Summary) float64 {
	window, guarded := s.peaks(m, statistic, u)
	if guarded == nil {
		return window
	}
	return max(*guarded, window)
}

// peaks are the highest of the window and of the guarded span, nil where there is
// none.
func (s Samples) peaks(m cloud.Metric, statistic string, u utilization.Summary) (window float64, guarded *float64) {
	window = u.Max
	if statistic != "peak" {
		window = 0
		for _, d := range u.Days {
			window = max(window, d.P95)
		}
	}
	p, known := s.Peaks[m]
	switch {
	case !known:
		return window, nil
	case statistic == "peak" || p.DayP95 == 0:
		return window, &p.Max
	default:
		return window, &p.DayP95
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
		if greatestFirst(c) {
			slices.Reverse(values)
		}
		m.value = values[nth(c, len(values))-1]
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

// greatestFirst reports whether a condition on a share of days counts from the
// greatest value.
func greatestFirst(c policies.Condition) bool { return c.Op == ">" || c.Op == ">=" }

// nth is which of n daily values, counted from 1, just decides a condition on a
// share of days.
func nth(c policies.Condition, n int) int {
	return max(1, int(math.Ceil(c.ShareOfDays*float64(n)-1e-9)))
}

// countDays counts the days on which the condition and those beside it hold,
// of the days on which all their metrics have samples.
func (s Samples) countDays(c policies.Condition) (met, n int, ok bool) {
	held := s.heldByStart(c)
	for _, holds := range held {
		if holds {
			met++
		}
	}
	return met, len(held), len(held) > 0
}

// heldByStart says of every day on which the metrics of a condition and of those
// beside it all have samples, whether they hold.
func (s Samples) heldByStart(c policies.Condition) map[int64]bool {
	out := map[int64]bool{}
	for i, one := range append([]policies.Condition{c}, c.And...) {
		values := s.dailyByStart(one.Metric, one.Statistic)
		if i == 0 {
			for start, v := range values {
				out[start] = policies.Holds(v, one.Op, one.Limit)
			}
			continue
		}
		for start, held := range out {
			v, has := values[start]
			if !has {
				delete(out, start)
				continue
			}
			out[start] = held && policies.Holds(v, one.Op, one.Limit)
		}
	}
	return out
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
