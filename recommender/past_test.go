package recommender

import (
	"testing"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// Of days that are all alike but one, the one shows in the levels of the halves, weeks
// and days that it lies in, and in no others.
func TestLevelsOfDays(t *testing.T) {
	type seen struct{ Early, Late, Week, Last bool }
	for _, c := range []struct {
		days, loud int
		want       seen
	}{
		{15, 0, seen{Early: true}},
		{15, 6, seen{Early: true}}, // the half of an odd number is the smaller
		{15, 7, seen{Late: true}},  // the eighth day from the end
		{15, 8, seen{Late: true, Week: true}},
		{15, 12, seen{Late: true, Week: true}}, // the third
		{15, 13, seen{Late: true, Week: true, Last: true}},
		{15, 14, seen{Late: true, Week: true, Last: true}},
		{3, 0, seen{Early: true, Week: true}}, // less than a week
		{3, 1, seen{Late: true, Week: true, Last: true}},
	} {
		u := flat(cloud.CPUPercent, 10, 10, cloud.Window{From: now.AddDate(0, 0, -1), To: now})
		u.Days = nil
		for d := range c.days {
			day := utilization.Day{P98: 10, P99: 11, Max: 12}
			if d == c.loud {
				day.P98, day.P99, day.Max = 20, 21, 22
			}
			u.Days = append(u.Days, day)
		}
		l, ok := Standard().LevelsOf(u)
		level := func(loud bool, quiet float64) float64 {
			if loud {
				return quiet + 10
			}
			return quiet
		}
		want := l
		want.EarlyP99, want.LateP99 = level(c.want.Early, 11), level(c.want.Late, 11)
		want.WeekP99, want.WeekMax, want.LastP99 = level(c.want.Week, 11), level(c.want.Week, 12), level(c.want.Last, 11)
		want.HighestP98, want.MedianP98, want.SecondP99, want.ThirdP99, want.MedianMax = 20, 10, 11, 11, 12
		if !ok || l != want {
			t.Errorf("day %d of %d:\ngot  %+v\nwant %+v", c.loud, c.days, l, want)
		}
	}
}

// Four samples in a thousand above a level are no need of it, six are.
func TestNeedIsBeyondHarmShare(t *testing.T) {
	w := cloud.Window{From: now.AddDate(0, 0, -5), To: now}
	r := cloud.Resource{Kind: cloud.Instance, VCPU: 8, MemoryGiB: 32}
	before := map[cloud.Metric]utilization.Summary{cloud.MemoryPercent: flat(cloud.MemoryPercent, 10, 10, w)}
	for loud, want := range map[int]float64{6: 10, 9: 50} { // of 1440: 0.4 and 0.6 %
		var points []cloud.Point
		for i, at := 0, w.From; at.Before(w.To); i, at = i+1, at.Add(utilization.Step) {
			v := 10.0
			if i < loud {
				v = 50
			}
			points = append(points, cloud.Point{T: at.Unix(), V: v})
		}
		after := map[cloud.Metric]utilization.Summary{cloud.MemoryPercent: utilization.Describe(points, cloud.MemoryPercent, w, shanghai)}
		got := Standard().PastOf(r, before, []Instant{{before, after}}).Comparisons
		if len(got) != 1 || got[0].Need != want || got[0].Metric != cloud.MemoryPercent || got[0].Present != 32 || got[0].Before.Max != 10 {
			t.Errorf("%d loud samples: %+v, want a need of %v", loud, got, want)
		}
	}
}

// Peaks, facts and what was not measured say nothing of whether a machine was idle.
func TestWasIdle(t *testing.T) {
	below := func(m cloud.Metric, statistic string, limit float64) policies.Condition {
		return policies.Condition{Metric: m, Statistic: statistic, Op: "<", Limit: limit, Unit: cloud.Percent}
	}
	u := map[cloud.Metric]utilization.Summary{cloud.CPUPercent: flat(cloud.CPUPercent, 2, 15, cloud.Window{From: now.AddDate(0, 0, -5), To: now})}
	quiet, loud := below(cloud.CPUPercent, "p95", 5), below(cloud.CPUPercent, "max", 15)
	peak := below(cloud.CPUPercent, "peak", 15) // of the window where no other is known: 15
	age := policies.Condition{Statistic: policies.AgeDays, Op: ">=", Limit: 90, Unit: cloud.Days}
	memory := below(cloud.MemoryPercent, "p95", 30)
	for name, c := range map[string]struct {
		when []policies.Condition
		want bool
	}{
		"it holds":                    {[]policies.Condition{quiet}, true},
		"at the limit":                {[]policies.Condition{quiet, loud}, false},
		"a peak that was too high":    {[]policies.Condition{quiet, peak}, true},
		"a fact that does not hold":   {[]policies.Condition{quiet, age}, true},
		"a metric without samples":    {[]policies.Condition{memory, quiet}, true},
		"nothing else than a peak":    {[]policies.Condition{below(cloud.CPUPercent, "peak", 50)}, false},
		"nothing else than a fact":    {[]policies.Condition{age}, false},
		"nothing that was measured":   {[]policies.Condition{memory}, false},
		"the last of them is unknown": {[]policies.Condition{quiet, memory}, true},
	} {
		if got := WasIdle(policies.Rule{When: c.when}, cloud.Resource{VCPU: 2}, u); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
