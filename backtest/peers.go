package backtest

import (
	"math"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Peers is the rules of other products at their published defaults, those of one
// product together. What a product does not publish is said where its rule is
// made. Where a vendor does not say how it takes percentiles, they are interpolated
// linearly, for all alike.
//
// The score knows no types, so no rule is held back by what only types have: prices,
// disks, network cards, bandwidth, stock. A rule that names a target without a size
// is taken to mean one size down. What was made for containers is given the machine as
// one: its request or limit is the size.
//
// Left out is what gives no answer here: FitScore of Azure Optimization Engine takes
// points off for what is unknown of the target's disks, cards, IOPS and throughput,
// 4 of 5, so nothing reaches the 5.0 that it acts upon; Google's machine type
// recommendation, Densify and nOps are unpublished; Oracle's downsizing has no
// published window; Resource Central predicts and does not decide; Swabbie's part is
// what follows a decision.
func Peers() []Rule {
	return []Rule{
		computeOptimizer("aws-compute-optimizer-default", "default", 99.5, 20, 20),
		computeOptimizer("aws-compute-optimizer-max-savings", "maximum savings", 90, 0, 10),
		computeOptimizer("aws-compute-optimizer-balanced", "balanced", 95, 30, 30),
		computeOptimizer("aws-compute-optimizer-max-performance", "maximum performance", 99.5, 30, 30),
		computeOptimizerIdle(),
		trustedAdvisor(),
		azureResize("azure-advisor-resize", "user-facing by the day's pattern", diurnal),
		azureResize("azure-advisor-resize-user-facing", "all user-facing", all),
		azureShutdown(),
		googleIdle(),
		autopilotBatch(),
		autopilotServing(),
		aliyunIdle(),
		huaweiIdle(),
		oracleReclaim(),
		optScale("optscale-rightsizing", 3), // its default
		optScale("optscale-rightsizing-14d", 14),
		optScale("optscale-rightsizing-30d", 30),
		optScaleAbandoned(),
		flexera(),
		flexeraIdle(),
		cloudaware(),
		cloudawareIdle(),
		datadogUnused(),
		steampipe(),
		custodian(),
		redHat(),
		turbonomic(),
		krr("krr-simple", "simple", 95),
		krr("krr-simple-limit", "simple_limit", 96),
		vpa(),
		crane(),
		kubecost("kubecost-development", "development", 0.8),
		kubecost("kubecost-production", "production", 0.65),
		kubecost("kubecost-high-availability", "high availability", 0.5),
	}
}

// within is how much is needed for percent of size to be at most limit percent of it.
func within(size, percent, limit float64) float64 { return size * percent / limit }

// withHeadroom is percent of size, with so many percent on top.
func withHeadroom(size, percent, headroom float64) float64 {
	return size * percent * (100 + headroom) / 1e4
}

// inFamily is the smallest size with so many cores whose memory is in the proportion
// of the present one, as it is among the types of a family.
func inFamily(present Size, cores float64) Size {
	s := Smallest(present, cores, math.NaN())
	return Smallest(present, cores, present.MemoryGiB*float64(s.VCPU)/float64(present.VCPU))
}

// oneDown is the next smaller size: within a family sizes double.
func oneDown(present Size) Size {
	return Smallest(present, float64(present.VCPU)/2, present.MemoryGiB/2)
}

// mean is NaN where nothing is known, which compares with nothing.
func mean(s utilization.Summary) float64 {
	if s.Samples == 0 {
		return math.NaN()
	}
	return s.Mean
}

// peak is the greatest value; NaN where nothing is known.
func peak(s utilization.Summary) float64 { return s.Quantile(1) }

// spoken is for how much time there are samples.
func spoken(s utilization.Summary) time.Duration {
	return time.Duration(s.Samples-s.Dense) * utilization.Step
}

// days is n of them as a duration.
func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// age is for how long the machine is known to exist.
func age(m *Machine) time.Duration {
	old := m.Known(cloud.CPUPercent)
	for _, since := range []time.Time{m.Resource.CreatedAt, m.Resource.FirstSeen} {
		if !since.IsZero() {
			old = max(old, m.At.Sub(since))
		}
	}
	return old
}

// day is the samples of 24 hours.
type day struct {
	samples int
	sum     float64
	max     float64
	volume  float64 // of a rate a second: what it adds up to while there are samples
}

// mean is NaN where nothing is known.
func (d day) mean() float64 { return d.sum / float64(d.samples) }

// lastDays cuts the last n days in spans of 24 hours, counted back from the decision
// and the latest first. Unlike calendar days none of them is cut short.
func lastDays(m *Machine, metric cloud.Metric, n int) []day {
	out := make([]day, n)
	const step = int64(utilization.Step / time.Second)
	before := int64(math.MinInt64 / 2)
	for _, p := range m.Points(metric, n) {
		speaks := min(p.T-before, step)
		before = p.T
		i := int((m.At.Unix() - 1 - p.T) / (24 * 3600))
		if i >= n { // n days of a zone that put its clock back
			continue
		}
		d := &out[i]
		if d.samples == 0 || p.V > d.max {
			d.max = p.V
		}
		d.samples++
		d.sum += p.V
		d.volume += p.V * float64(speaks)
	}
	return out
}

// larger is the larger of two, of which either may be unknown.
func larger(a, b float64) float64 {
	if a >= b || math.IsNaN(b) {
		return a
	}
	return b
}
