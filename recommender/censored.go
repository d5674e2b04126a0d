package recommender

import (
	"strconv"

	"yunjian/analyzer"
	"yunjian/cloud"
)

// A machine that was kept from using more CPU shows less than it wanted: its samples
// are censored, and no smaller CPU can be told from them.

// Signs of a cap on a burstable machine, which runs at its baseline once its credits
// are spent; the baseline is not in the inventory. All are proposed: what people ask of a
// machine seldom comes so near its maximum, what is cut off stays there.
const (
	capShare = 0.1 // of all samples that lie below the maximum by less than capBand, 0 to 1
	capBand  = 1   // percentage points
	// Maxima that may be a cap, percent: below, nothing is wanted; above, the machine had
	// all of its CPU.
	capLeast, capMost = 5, 95
)

// censored is why the CPU samples of a machine may show less than it wanted; nil
// where nothing is known to have held it back.
func (r *run) censored(c *Candidate) []analyzer.Reason {
	var out []analyzer.Reason
	if why, ok := r.withheld(c); ok {
		out = append(out, why)
	}
	if why, ok := r.capped(c); ok {
		out = append(out, why)
	}
	return out
}

// stealLeast is the fewest samples of steal whose 95th percentile is not merely their
// largest.
const stealLeast = 20

// withheld reports whether the hypervisor withheld CPU beyond the policy's limit, as
// far as that was measured.
func (r *run) withheld(c *Candidate) (analyzer.Reason, bool) {
	u, limit := c.Input.Utilization[cloud.StealPercent], r.pack.Sizing.MaxSteal
	if u.Samples < stealLeast {
		return analyzer.Reason{}, false
	}
	p95 := u.Quantile(0.95)
	return analyzer.Reason{Code: CodeCPUWithheld, Metric: cloud.StealPercent, Statistic: "p95", Value: &p95, Limit: &limit, Unit: cloud.Percent}, p95 > limit
}

// capped reports whether the CPU samples of a burstable machine pile up at their
// maximum. On another a constant load does, too, and is no cap.
func (r *run) capped(c *Candidate) (analyzer.Reason, bool) {
	res, u := c.Input.Resource, c.Input.Utilization[cloud.CPUPercent]
	if !res.Burstable && !r.types[res.InstanceType].Burstable || u.Samples == 0 || u.Max < capLeast || u.Max > capMost {
		return analyzer.Reason{}, false
	}
	share, limit := u.ShareAbove(u.Max-capBand), capShare
	return analyzer.Reason{
		Code: CodeCPUCapped, Metric: cloud.CPUPercent, Statistic: "sample", Value: &share, Limit: &limit, Unit: cloud.Ratio,
		Detail: strconv.FormatFloat(u.Max, 'f', -1, 64),
	}, share >= limit
}
