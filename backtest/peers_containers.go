package backtest

import (
	"math"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

const bytesPerGiB = 1 << 30

// buckets cut the values from 0 up. The first is first wide, each further one growth
// times the one before; the last holds all beyond.
type buckets struct {
	first, growth float64
	last          int
}

// of is the bucket of a value.
func (b buckets) of(v float64) int {
	i := v / b.first
	if b.growth > 1 {
		i = math.Log(i*(b.growth-1)+1) / math.Log(b.growth)
	}
	return min(max(int(i), 0), b.last)
}

// start is where a bucket begins.
func (b buckets) start(i int) float64 {
	if b.growth > 1 {
		return b.first * (math.Pow(b.growth, float64(i)) - 1) / (b.growth - 1)
	}
	return b.first * float64(i)
}

// histogram is weighted values as the Kubernetes VPA keeps them.
type histogram struct {
	buckets
	weights []float64
	total   float64
}

func (h *histogram) add(v, weight float64) {
	i := h.of(v)
	for len(h.weights) <= i {
		h.weights = append(h.weights, 0)
	}
	h.weights[i] += weight
	h.total += weight
}

// quantile is the upper end of the bucket in which the weights reach q of their sum;
// of the last one, which has none, its beginning. NaN of nothing.
func (h *histogram) quantile(q float64) float64 {
	if len(h.weights) == 0 {
		return math.NaN()
	}
	sum, i := 0.0, 0
	for ; i < len(h.weights)-1; i++ {
		if sum += h.weights[i]; sum >= q*h.total {
			break
		}
	}
	return h.start(min(i+1, h.last))
}

// decay is the weight of a sample at t, by the time since.
func decay(m *Machine, t int64, halfLife time.Duration) float64 {
	return math.Exp2(-float64(m.At.Unix()-t) / halfLife.Seconds())
}

// krr is Robusta's Kubernetes Resource Recommender over 14 days: a percentile of the
// CPU, the greatest memory plus 15 %; nothing below 100 points or 3 hours. Its
// strategy simple takes P95 of the CPU for the request and sets no limit;
// simple_limit takes P66 for the request and P96 for the limit, and a machine's size
// is a limit.
//
// It counts its points at 75 seconds; here they are counted as they come. OOM kills and
// horizontal autoscalers are not known here.
func krr(id, strategy string, percentile float64) Rule {
	const window, least = 14, 100
	enough := func(m *Machine, metric cloud.Metric, s utilization.Summary) bool {
		return s.Samples >= least && m.Known(metric) >= 3*time.Hour
	}
	return Rule{
		ID:         id,
		Name:       "Robusta KRR, " + strategy,
		Source:     "robusta-dev/krr: robusta_krr/strategies/" + strategy + ".py",
		Parameters: map[string]float64{"days": window, "cpu_percentile": percentile, "memory_headroom_percent": 15},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window), m.Summary(cloud.MemoryPercent, window)
			cores, room := math.NaN(), math.NaN()
			if enough(m, cloud.CPUPercent, cpu) {
				cores = withHeadroom(float64(present.VCPU), cpu.Quantile(percentile/100), 0)
			}
			if enough(m, cloud.MemoryPercent, memory) {
				room = withHeadroom(present.MemoryGiB, peak(memory), 15)
			}
			return Smallest(present, cores, room), !math.IsNaN(cores) || !math.IsNaN(room)
		},
	}
}

// vpa is the target of the Kubernetes Vertical Pod Autoscaler: P90 of 8 days plus
// 15 %, from histograms whose buckets grow by 5 % and whose weights halve every 24
// hours, of every CPU sample and of one memory peak a day. The confidence of young
// machines widens its bounds and not its target.
//
// Its source and a comment there disagree on the first bucket of the CPU, 0.001 or 0.01
// cores; this is the source. Its days begin with the first sample, here they are
// counted back from the decision. Its floors, 25 m and 250 MB, lie below every size.
//
// On the measuring trace it saves 47.7 % and harms 13.4 %. The figures known of a sketch
// of it, 54.9 % and 39.6 %, come of taking memory by its samples: P90 of all samples
// saves 65.4 % and harms 53.3 %, about P97.5 gives the sketch's. Daily peaks, which are
// published, are the safer.
func vpa() Rule {
	const window, halfLife = 8, 24 * time.Hour
	return Rule{
		ID:         "kubernetes-vpa",
		Name:       "Kubernetes VPA, target",
		Source:     "kubernetes/autoscaler: vertical-pod-autoscaler/pkg/recommender/{logic,model}",
		Parameters: map[string]float64{"days": window, "percentile": 90, "headroom_percent": 15, "half_life_hours": halfLife.Hours()},
		Size: func(m *Machine) (Size, bool) {
			present := SizeOf(m.Resource)
			cpu := histogram{buckets: buckets{first: 0.001, growth: 1.05, last: 222}} // to 1000 cores
			for _, p := range m.Points(cloud.CPUPercent, window) {
				cpu.add(float64(present.VCPU)*p.V/100, decay(m, p.T, halfLife))
			}
			memory := histogram{buckets: buckets{first: 1e7, growth: 1.05, last: 175}} // bytes, to 1 TB
			for i, d := range lastDays(m, cloud.MemoryPercent, window) {
				if d.samples > 0 {
					memory.add(present.MemoryGiB*bytesPerGiB*d.max/100, math.Exp2(-float64(i)))
				}
			}
			cores, bytes := cpu.quantile(0.90), memory.quantile(0.90)
			return Smallest(present, cores*1.15, bytes*1.15/bytesPerGiB), !math.IsNaN(cores) || !math.IsNaN(bytes)
		},
	}
}

// crane is the resource recommendation of Crane: P99 of 168 hours plus 15 %, from
// histograms in steps of 0.1 cores and 100 MiB whose weights halve every 24 hours for
// the CPU and every 48 for memory. Its source also weighs each sample by its value,
// so its P99 lies above that of the samples.
//
// Its last bucket begins at 100 cores and 97.7 GiB, above which it sees nothing. OOM
// kills are not known here. Its check that the history is complete is off by default.
//
// On the measuring trace it saves 42.6 % and harms 4.6 %. The figures known of a sketch
// of it, 48.3 % and 18.3 %, come of a P99 of samples that weigh alike; the same
// histograms without the weights save 52.5 % and harm 19.9 %.
func crane() Rule {
	const window, last, leastWeight = 7, 1000, 1e-5
	request := func(m *Machine, metric cloud.Metric, size, step float64, halfLife time.Duration) float64 {
		h := histogram{buckets: buckets{first: step, growth: 1, last: last}}
		for _, p := range m.Points(metric, window) {
			v := size * p.V / 100
			h.add(v, max(v, leastWeight)*decay(m, p.T, halfLife))
		}
		return h.quantile(0.99) * 1.15
	}
	return Rule{
		ID:         "crane",
		Name:       "Crane, resource recommendation",
		Source:     "gocrane/crane: pkg/recommendation/recommender/resource, pkg/prediction/percentile",
		Parameters: map[string]float64{"days": window, "percentile": 99, "headroom_percent": 15, "cpu_half_life_hours": 24, "memory_half_life_hours": 48},
		Size: func(m *Machine) (Size, bool) {
			present := SizeOf(m.Resource)
			cores := request(m, cloud.CPUPercent, float64(present.VCPU), 0.1, 24*time.Hour)
			bytes := request(m, cloud.MemoryPercent, present.MemoryGiB*bytesPerGiB, 100<<20, 48*time.Hour)
			return Smallest(present, cores, bytes/bytesPerGiB), !math.IsNaN(cores) || !math.IsNaN(bytes)
		},
	}
}

// kubecost is Kubecost's request right-sizing: the greatest use of the window over a
// target utilization, which the profile gives. The values of the profiles are
// unverified. Its window has no default, only more than 2 days is advised: 7 here. Its
// floors, 10 m and 20 MiB, lie below every size.
func kubecost(id, profile string, target float64) Rule {
	const window = 7
	return Rule{
		ID:         id,
		Name:       "Kubecost, " + profile,
		Source:     "kubecost/docs: container-request-right-sizing-recommendations",
		Parameters: map[string]float64{"days": window, "target_utilization": target},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window), m.Summary(cloud.MemoryPercent, window)
			if cpu.Samples == 0 && memory.Samples == 0 {
				return present, false
			}
			return Smallest(present,
				within(float64(present.VCPU), peak(cpu), 100*target),
				within(present.MemoryGiB, peak(memory), 100*target)), true
		},
	}
}

// How Google's Autopilot sees the past, in its moving window. 15 % is the upper end
// of the margin that it adds. The length of the window is unpublished.
const (
	autopilotDays           = 14
	autopilotMargin         = 15
	autopilotCPUHalfLife    = 12 * time.Hour
	autopilotMemoryHalfLife = 48 * time.Hour
	autopilotSource         = "doi 10.1145/3342195.3387524 (EuroSys 2020), section 3.2"
)

// autopilotBatch is Autopilot's moving window for batch jobs: the mean CPU with weights
// that halve every 12 hours, P98 of memory with weights that halve every 48, 10 to
// 15 % more, and of the last hour's recommendations the greatest. The formulas are
// unverified; a batch job's tasks may wait, which a machine's users may not.
func autopilotBatch() Rule {
	return Rule{
		ID:         "google-autopilot-batch",
		Name:       "Google Autopilot, moving window, batch",
		Source:     autopilotSource,
		Parameters: map[string]float64{"days": autopilotDays, "memory_percentile": 98, "headroom_percent": autopilotMargin},
		Size: func(m *Machine) (Size, bool) {
			present := SizeOf(m.Resource)
			sum, weights := 0.0, 0.0
			cpu := latest(m, cloud.CPUPercent, autopilotCPUHalfLife, func(v, weight float64) {
				sum += v * weight
				weights += weight
			}, func() float64 { return sum / weights })
			h := autopilotHistogram()
			memory := latest(m, cloud.MemoryPercent, autopilotMemoryHalfLife, h.add, func() float64 { return h.quantile(0.98) })
			return autopilotSize(present, cpu, memory)
		},
	}
}

// autopilotServing is Autopilot's moving window for serving jobs: P95 of the load (not
// of the time: a sample weighs as much as it used) of the CPU with weights that halve
// every 12 hours, the greatest memory, 10 to 15 % more, and of the last hour's
// recommendations the greatest. The formulas are unverified; P90 is for jobs that
// mind waiting less.
func autopilotServing() Rule {
	return Rule{
		ID:         "google-autopilot-serving",
		Name:       "Google Autopilot, moving window, serving",
		Source:     autopilotSource,
		Parameters: map[string]float64{"days": autopilotDays, "cpu_load_percentile": 95, "headroom_percent": autopilotMargin},
		Size: func(m *Machine) (Size, bool) {
			h := autopilotHistogram()
			cpu := latest(m, cloud.CPUPercent, autopilotCPUHalfLife, func(v, weight float64) { h.add(v, v*weight) },
				func() float64 { return h.quantile(0.95) })
			return autopilotSize(SizeOf(m.Resource), cpu, peak(m.Summary(cloud.MemoryPercent, autopilotDays)))
		},
	}
}

func autopilotHistogram() *histogram {
	return &histogram{buckets: buckets{first: 100.0 / 400, growth: 1, last: 400}} // its 400 buckets, percent
}

func autopilotSize(present Size, cpu, memory float64) (Size, bool) {
	return Smallest(present,
			withHeadroom(float64(present.VCPU), cpu, autopilotMargin),
			withHeadroom(present.MemoryGiB, memory, autopilotMargin)),
		!math.IsNaN(cpu) || !math.IsNaN(memory)
}

// latest is the greatest of what was estimated every five minutes of the last hour,
// each time of the samples until then; NaN where nothing could be.
func latest(m *Machine, metric cloud.Metric, halfLife time.Duration, add func(v, weight float64), estimate func() float64) float64 {
	const step = int64(utilization.Step / time.Second)
	most, tick := math.NaN(), m.At.Unix()-3600
	ask := func() {
		most = larger(most, estimate())
		tick += step
	}
	for _, p := range m.Points(metric, autopilotDays) {
		for tick <= p.T {
			ask()
		}
		add(p.V, decay(m, p.T, halfLife))
	}
	for tick <= m.At.Unix() {
		ask()
	}
	return most
}
