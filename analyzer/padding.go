package analyzer

import (
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// padding looks for the signs of a machine that burns CPU or holds memory to
// look used, and raises SuspectedPadding where enough of them meet. It is a
// question for people and never changes the verdict.
func (j *judging) padding() []Reason {
	var reasons []Reason
	for _, m := range paddable {
		if s := j.signs(m); s.suspicious() {
			reasons = append(reasons, s.reasons...)
		}
	}
	if len(reasons) > 0 {
		j.flags[SuspectedPadding] = true
	}
	return reasons
}

// paddable are the metrics that are raised to look used.
var paddable = []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}

// signs are those that one metric of one machine shows, each with its number.
type signs struct {
	metric  cloud.Metric
	reasons []Reason
	days    []utilization.Day // whole days since the level rose to where it is
}

func (s *signs) add(r Reason) {
	r.Metric = s.metric
	s.reasons = append(s.reasons, r)
}

func (s signs) has(code string) bool {
	return slices.ContainsFunc(s.reasons, func(r Reason) bool { return r.Code == code })
}

// suspicious reports whether the signs are too many for chance. One alone never
// is: real machines show each of them. A flat line of memory is how memory
// behaves, so it counts only beside the step that brought it about; and what
// lies just above a threshold, or has the same mean every day, does so by
// chance often enough to count only beside a rarer sign.
func (s signs) suspicious() bool {
	plateau, daily := s.has(CodePaddingPlateau), s.has(CodePaddingEveryDay)
	noIO, unmatched := s.has(CodePaddingNoIO), s.has(CodePaddingUnmatched)
	step, alike := s.has(CodePaddingStep), s.has(CodePaddingAlike)
	if s.metric != cloud.CPUPercent {
		return plateau && step
	}
	return plateau && (s.has(CodePaddingAbove) || noIO || unmatched || step || alike) || daily && (noIO || unmatched || step) || noIO && alike
}

// signs collects the signs of one metric, the same way for each. There are none
// where its level does not reach the highest threshold below which the pack
// finds waste: who pads, pads beyond it.
func (j *judging) signs(m cloud.Metric) signs {
	s := signs{metric: m}
	pad := j.pack.Padding
	u := j.in.Utilization[m]
	threshold, ok := j.threshold(m)
	if !pad.Enabled || !ok {
		return s
	}
	if _, ok := j.usable(m); !ok {
		return s
	}
	whole := wholeDays(u.Days)
	settle := int(pad.Settled / day)
	at, stepped := rise(whole, settle, pad.MaxDeviation)
	before, since := whole[:at], whole
	if stepped {
		since = whole[at+1:]
	}
	s.days = since
	level := meanOf(since)
	if !(level >= threshold) {
		return s
	}
	p5, p95 := bandOf(u, since)
	if p95-p5 <= pad.MaxDeviation && p5 >= threshold {
		s.add(Reason{Code: CodePaddingPlateau, Statistic: "p95_minus_p5", Value: number(p95 - p5), Limit: number(pad.MaxDeviation), Unit: cloud.Percent})
	} else if spread := spreadOfDays(since); len(since) >= settle && spread <= pad.MaxDeviation && p5 >= pad.MinFloor*level {
		s.add(Reason{Code: CodePaddingEveryDay, Statistic: "day_means_p95_minus_p5", Value: number(spread), Limit: number(pad.MaxDeviation), Unit: cloud.Percent})
	}
	above := level <= threshold+pad.AboveBy
	if above {
		s.add(Reason{Code: CodePaddingAbove, Statistic: "mean", Value: number(level), Limit: number(threshold), Unit: cloud.Percent})
	}
	if low := meanOf(before); above && len(before) >= settle && low < threshold && j.trafficAsBefore(before, since) {
		s.add(Reason{Code: CodePaddingStep, Statistic: "rise", Value: number(level - low), Limit: number(pad.MaxDeviation), Unit: cloud.Percent, Detail: whole[at].Start.Format(time.DateOnly)})
	}
	if m == cloud.CPUPercent {
		if r, ok := j.quiet(s.days); ok {
			s.reasons = append(s.reasons, r)
		} else if r, ok := j.unmatched(); ok {
			s.reasons = append(s.reasons, r)
		}
	}
	return s
}

// threshold is the highest level of a metric below which a rule of the pack
// that speaks of this machine finds waste.
func (j *judging) threshold(m cloud.Metric) (highest float64, ok bool) {
	for _, rule := range j.pack.RulesFor(cloud.Instance) {
		if rule.Verdict != string(Idle) && rule.Verdict != string(Overprovisioned) {
			continue
		}
		applies := !slices.ContainsFunc(rule.When, func(c policies.Condition) bool {
			if c.Metric != "" {
				return false
			}
			holds, _ := j.fact(c)
			return holds != yes
		})
		for _, c := range rule.When {
			_, percentile := policies.Quantile(c.Statistic)
			if applies && c.Metric == m && (c.Op == "<" || c.Op == "<=") && (percentile || c.Statistic == "mean") {
				highest, ok = max(highest, c.Limit), true
			}
		}
	}
	return highest, ok
}

// quiet reports CPU time without the traffic that work brings: on most of the
// days next to no network traffic and little disk traffic. Unknown disk traffic
// is no evidence for either side; without network traffic known nothing is said.
func (j *judging) quiet(days []utilization.Day) (Reason, bool) {
	pad := j.pack.Padding
	network, ok := j.volume(policies.NetworkBPS, days, pad.QuietDays)
	if !ok || network > pad.MaxNetwork {
		return Reason{}, false
	}
	if disk, ok := j.volume(policies.DiskBPS, days, pad.QuietDays); ok && disk > pad.MaxDisk {
		return Reason{}, false
	}
	return Reason{Code: CodePaddingNoIO, Metric: policies.NetworkBPS, Statistic: "day_volume", Value: number(network), Limit: number(pad.MaxNetwork), Unit: cloud.BytesPerDay}, true
}

// unmatched reports network traffic that rests at weekends, which beside CPU
// that does not says that the CPU serves something else.
func (j *judging) unmatched() (Reason, bool) {
	limit := j.pack.Padding.WorkTimes
	for _, m := range []cloud.Metric{cloud.NetworkInBPS, cloud.NetworkOutBPS} {
		if times, ok := restsAtWeekends(j.in.Utilization[m]); ok && times >= limit {
			return Reason{Code: CodePaddingUnmatched, Metric: m, Statistic: "weekdays_over_weekends", Value: number(times), Limit: number(limit), Unit: cloud.Count}, true
		}
	}
	return Reason{}, false
}

// volume is the volume of a metric that is not exceeded on a share of the given
// days; false where fewer of them than that share have samples.
func (j *judging) volume(m cloud.Metric, days []utilization.Day, share float64) (float64, bool) {
	values := j.volumes(m, days)
	if len(values) == 0 || float64(len(values)) < share*float64(len(days)) {
		return 0, false
	}
	slices.Sort(values)
	return utilization.Quantile(values, share), true
}

// volumes are the volumes of a metric on those of the given days on which it
// has samples.
func (j *judging) volumes(m cloud.Metric, days []utilization.Day) []float64 {
	byStart := j.samples.dailyByStart(m, "day_volume")
	var out []float64
	for _, d := range days {
		if v, ok := byStart[d.Start.Unix()]; ok {
			out = append(out, v)
		}
	}
	return out
}

// trafficAsBefore reports whether the machine is known to have moved no more,
// after a step, than before it: neither over the network nor, where that is
// known, to its disks.
func (j *judging) trafficAsBefore(before, after []utilization.Day) bool {
	pad := j.pack.Padding
	for _, of := range []struct {
		metric   cloud.Metric
		little   float64 // a day, bytes: not worth comparing
		required bool
	}{{policies.NetworkBPS, pad.MaxNetwork, true}, {policies.DiskBPS, pad.MaxDisk, false}} {
		was, is := j.volumes(of.metric, before), j.volumes(of.metric, after)
		if len(was) == 0 || len(is) == 0 {
			if of.required {
				return false
			}
			continue
		}
		slices.Sort(was)
		slices.Sort(is)
		if now := utilization.Quantile(is, 0.5); now > of.little && now > utilization.Quantile(was, 0.5)*(1+pad.MaxGrowth) {
			return false
		}
	}
	return true
}
