package analyzer

import (
	"math"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// padding looks for the signs of a machine that burns CPU to look used, and
// raises SuspectedPadding where two of them meet:
//
//   - a plateau: p5 and p95 of CPU lie close together, and working hours do not
//     differ from nights and weekends; and
//   - either the plateau lies just above a threshold of the pack below which
//     the machine would be found wasteful, or it burns without network traffic.
//
// It is a question for people and never changes the verdict.
func (j *judging) padding() []Reason {
	pad := j.pack.Padding
	cpu := j.in.Utilization[cloud.CPUPercent]
	thresholds := j.thresholds()
	if !pad.Enabled || len(thresholds) == 0 || cpu.Samples == 0 {
		return nil
	}
	lowest := thresholds[0]
	for _, t := range thresholds {
		lowest = min(lowest, t)
	}
	spread := cpu.Quantile(0.95) - cpu.Quantile(0.05)
	if cpu.Quantile(0.05) < lowest || spread > pad.MaxDeviation || weekShape(cpu) > pad.MaxDeviation {
		return nil
	}
	reasons := []Reason{{Code: CodePaddingPlateau, Metric: cloud.CPUPercent, Statistic: "p95_minus_p5", Value: number(spread), Limit: number(pad.MaxDeviation), Unit: cloud.Percent}}
	for _, t := range thresholds {
		if cpu.Mean >= t && cpu.Mean <= t+pad.AboveBy {
			reasons = append(reasons, Reason{Code: CodePaddingAbove, Metric: cloud.CPUPercent, Statistic: "mean", Value: number(cpu.Mean), Limit: number(t), Unit: cloud.Percent})
			break
		}
	}
	volumes := j.samples.daily(policies.NetworkBPS, "day_volume")
	if n := len(volumes); n > 0 && volumes[n-1] <= pad.MaxNetwork {
		reasons = append(reasons, Reason{Code: CodePaddingNoIO, Metric: policies.NetworkBPS, Statistic: "day_volume", Value: number(volumes[n-1]), Limit: number(pad.MaxNetwork), Unit: cloud.BytesPerDay})
	}
	if len(reasons) < 2 {
		return nil
	}
	j.flags[SuspectedPadding] = true
	return reasons
}

// thresholds are the CPU levels below which rules of the pack find waste.
func (j *judging) thresholds() []float64 {
	var out []float64
	for _, rule := range j.pack.RulesFor(cloud.Instance) {
		if rule.Verdict != string(Idle) && rule.Verdict != string(Overprovisioned) {
			continue
		}
		for _, c := range rule.When {
			_, percentile := policies.Quantile(c.Statistic)
			if c.Metric == cloud.CPUPercent && (c.Op == "<" || c.Op == "<=") && (percentile || c.Statistic == "mean") {
				out = append(out, c.Limit)
			}
		}
	}
	return out
}

// weekShape is how far mean CPU in working hours (Monday to Friday, 9 to 18)
// lies from that of all other hours, in percentage points.
func weekShape(u utilization.Summary) float64 {
	var sum, n [2]float64
	for i, h := range u.HourOfWeek {
		working := 0
		if hour := i % 24; i < 5*24 && hour >= 9 && hour < 18 {
			working = 1
		}
		sum[working] += h.Mean * float64(h.Samples)
		n[working] += float64(h.Samples)
	}
	if n[0] == 0 || n[1] == 0 {
		return math.Inf(1) // half the week unseen: no shape can be denied
	}
	return math.Abs(sum[0]/n[0] - sum[1]/n[1])
}
