package backtest

import (
	"math"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

const (
	megabyte    = 1e6 // bytes; whether vendors mean 1 MiB is unverified
	bitsPerByte = 8   // vendors count the network in bytes, samples in bits
)

// computeOptimizerIdle is AWS Compute Optimizer's idle EC2 instances: CPU below 5 %
// throughout 14 days and less than 5 MB of network on each of them; none below 30
// hours of data. The numbers are unverified. Samples are averages here, and it looks
// at the maximum within each.
func computeOptimizerIdle() Rule {
	const window = 14
	return Rule{
		ID:         "aws-compute-optimizer-idle",
		Name:       "AWS Compute Optimizer, idle EC2 instance",
		Source:     "docs.aws.amazon.com compute-optimizer: view-idle-recommendations",
		Parameters: map[string]float64{"days": window, "cpu_percent": 5, "network_bytes_per_day": 5 * megabyte},
		Release: func(m *Machine) (release, ok bool) {
			cpu, network := m.Summary(cloud.CPUPercent, window), dailyNetwork(m, window)
			most := greatest(network)
			if spoken(cpu) < 30*time.Hour || math.IsNaN(most) {
				return false, false
			}
			return cpu.Max < 5 && most < 5*megabyte, true
		},
	}
}

// trustedAdvisor is AWS Trusted Advisor's low-utilization EC2 instances: mean CPU at
// most 10 % and at most 5 MB of network on at least 4 of the last 14 days. It advises
// to stop or terminate.
func trustedAdvisor() Rule {
	const window = 14
	return Rule{
		ID:         "aws-trusted-advisor-low-utilization",
		Name:       "AWS Trusted Advisor, low utilization EC2 instances",
		Source:     "fog/fog-aws: lib/fog/aws/support.rb, as the service describes it",
		Parameters: map[string]float64{"days": window, "quiet_days": 4, "cpu_percent": 10, "network_bytes_per_day": 5 * megabyte},
		Release: func(m *Machine) (release, ok bool) {
			network := dailyNetwork(m, window)
			if m.Summary(cloud.CPUPercent, window).Samples == 0 || math.IsNaN(greatest(network)) {
				return false, false
			}
			quiet := 0
			for i, d := range lastDays(m, cloud.CPUPercent, window) {
				if d.mean() <= 10 && network[i] <= 5*megabyte { // what is not known is not quiet
					quiet++
				}
			}
			return quiet >= 4, true
		},
	}
}

// azureShutdown is Azure Advisor's shutdown of virtual machines: P95 of CPU below 3 %
// over 7 days and never above 2 % in the last 3; memory is ignored on purpose. The
// third condition, less than 2 % of the outbound network, needs the network of the
// size, which is not known here, so it is passed over. Samples are averages here; the
// first condition is on maxima.
func azureShutdown() Rule {
	return Rule{
		ID:         "azure-advisor-shutdown",
		Name:       "Azure Advisor, shutdown",
		Source:     "MicrosoftDocs/azure-docs: articles/advisor/advisor-cost-recommendations.md",
		Parameters: map[string]float64{"days": 7, "p95_cpu_percent": 3, "recent_days": 3, "recent_cpu_percent": 2},
		Release: func(m *Machine) (release, ok bool) {
			week, recent := m.Summary(cloud.CPUPercent, 7), m.Summary(cloud.CPUPercent, 3)
			if recent.Samples == 0 {
				return false, false
			}
			return week.Quantile(0.95) < 3 && recent.Max <= 2, true
		},
	}
}

// googleIdle is Google Cloud's idle virtual machines: over 14 days fewer than 0.03
// cores in use in at least 97 % of the samples, less than 2,000 Byte/s received in
// 95 % and less than 1,000 sent in 95 %; from the fifth day of life, and not with
// local disks or GPU.
func googleIdle() Rule {
	const window = 14
	return Rule{
		ID:         "google-idle-vm",
		Name:       "Google Cloud, idle VM",
		Source:     "cloud.google.com/compute/docs/instances/idle-vm-recommendations-overview",
		Parameters: map[string]float64{"days": window, "cores": 0.03, "received_bytes_per_second": 2000, "sent_bytes_per_second": 1000},
		Release: func(m *Machine) (release, ok bool) {
			r := m.Resource
			cpu, in, out := m.Summary(cloud.CPUPercent, window), m.Summary(cloud.NetworkInBPS, window), m.Summary(cloud.NetworkOutBPS, window)
			if cpu.Samples == 0 || in.Samples == 0 || out.Samples == 0 || r.LocalStorageGiB > 0 || r.GPU > 0 || age(m) < days(5) {
				return false, false
			}
			return below(cpu, 100*0.03/float64(r.VCPU), 97) && below(in, 2000*bitsPerByte, 95) && below(out, 1000*bitsPerByte, 95), true
		},
	}
}

// below reports whether at least percent of the samples lie below x.
func below(s utilization.Summary, x, percent float64) bool {
	atLeast := s.Distribution.CountAbove(math.Nextafter(x, math.Inf(-1)))
	return 100*float64(atLeast) <= (100-percent)*float64(s.Samples)
}

// aliyunIdle is after the idle rules of Alibaba Cloud Config, which are on the maximum
// of 168 hours and do not apply without data. None of them is on the CPU of ECS: 10 %
// is that of its databases, and this rule ours.
func aliyunIdle() Rule {
	const window = 7
	return Rule{
		ID:         "aliyun-config-idle-analogue",
		Name:       "Alibaba Cloud Config, analogue for ECS",
		Source:     "help.aliyun.com/document_detail/2983840.html, for databases",
		Parameters: map[string]float64{"days": window, "cpu_percent": 10},
		Release: func(m *Machine) (release, ok bool) {
			cpu := m.Summary(cloud.CPUPercent, window)
			return cpu.Samples > 0 && cpu.Max < 10, cpu.Samples > 0
		},
	}
}

// huaweiIdle is Huawei Cloud Cost Center's idle ECS: 100 % of the samples of 7 days at
// most 3 % of CPU.
func huaweiIdle() Rule {
	const window = 7
	return Rule{
		ID:         "huawei-cost-center-idle",
		Name:       "Huawei Cloud Cost Center, idle ECS",
		Source:     "support.huaweicloud.com/usermanual-cost/cost_topic_000015_03.html",
		Parameters: map[string]float64{"days": window, "cpu_percent": 3, "share_percent": 100},
		Release: func(m *Machine) (release, ok bool) {
			cpu := m.Summary(cloud.CPUPercent, window)
			return cpu.Samples > 0 && cpu.Max <= 3, cpu.Samples > 0
		},
	}
}

// oracleReclaim is when Oracle Cloud takes back free instances: over 7 days P95 of CPU
// below 20 %, and memory below 20 % where it is known, of which it looks at some shapes
// only. Of memory the statistic is unpublished, P95 here; the condition on the share of
// the network is passed over, for lack of the network of a shape.
func oracleReclaim() Rule {
	const window = 7
	return Rule{
		ID:         "oracle-idle-reclaim",
		Name:       "Oracle Cloud, reclaim of idle Always Free instances",
		Source:     "docs.oracle.com: Always Free resources, idle compute instances",
		Parameters: map[string]float64{"days": window, "percentile": 95, "cpu_percent": 20, "memory_percent": 20},
		Release: func(m *Machine) (release, ok bool) {
			cpu, memory := m.Summary(cloud.CPUPercent, window), m.Summary(cloud.MemoryPercent, window)
			if cpu.Samples == 0 {
				return false, false
			}
			return cpu.Quantile(0.95) < 20 && !(memory.Quantile(0.95) >= 20), true
		},
	}
}

// optScaleAbandoned is OptScale's abandoned instances: mean CPU of 7 days at most 5 %
// and mean network, both ways together, at most 1,000 Byte/s. Machines first seen
// within the window or without one of the three are passed over. That they cost
// something is taken for granted.
func optScaleAbandoned() Rule {
	const window = 7
	return Rule{
		ID:         "optscale-abandoned",
		Name:       "OptScale, abandoned instances",
		Source:     "hystax/optscale: bumiworker/bumiworker/modules/recommendations/abandoned_instances.py",
		Parameters: map[string]float64{"days": window, "cpu_percent": 5, "network_bytes_per_second": 1000},
		Release: func(m *Machine) (release, ok bool) {
			cpu, in, out := m.Summary(cloud.CPUPercent, window), m.Summary(cloud.NetworkInBPS, window), m.Summary(cloud.NetworkOutBPS, window)
			if cpu.Samples == 0 || in.Samples == 0 || out.Samples == 0 || age(m) <= days(window) {
				return false, false
			}
			return cpu.Mean <= 5 && in.Mean+out.Mean <= 1000*bitsPerByte, true
		},
	}
}

// steampipe is the low utilization of the Alibaba mod of Steampipe: the mean of the
// greatest CPU of each of 30 days, rounded to tenths, below 20 %. It calls for a
// review; to release is ours.
func steampipe() Rule {
	const window = 30
	return Rule{
		ID:         "steampipe-alicloud-low-utilization",
		Name:       "Steampipe alicloud thrifty, ECS low utilization",
		Source:     "turbot/steampipe-mod-alicloud-thrifty: controls/ecs.pp",
		Parameters: map[string]float64{"days": window, "cpu_percent": 20},
		Release: func(m *Machine) (release, ok bool) {
			n, sum := 0, 0.0
			for _, d := range lastDays(m, cloud.CPUPercent, window) {
				if d.samples > 0 {
					n++
					sum += d.max
				}
			}
			if n == 0 {
				return false, false
			}
			return math.Round(10*sum/float64(n))/10 < 20, true
		},
	}
}

// flexeraIdle is the idle machines of Flexera's policy for EC2, version 5.5.0: mean CPU
// or mean memory below 5 % over 30 days. That either is enough is its default.
func flexeraIdle() Rule {
	const window = 30
	return Rule{
		ID:         "flexera-idle",
		Name:       "Flexera, rightsize EC2: idle",
		Source:     "flexera-public/policy_templates: cost/aws/rightsize_ec2_instances 5.5.0",
		Parameters: map[string]float64{"days": window, "cpu_percent": 5, "memory_percent": 5},
		Release: func(m *Machine) (release, ok bool) {
			cpu, memory := mean(m.Summary(cloud.CPUPercent, window)), mean(m.Summary(cloud.MemoryPercent, window))
			return cpu < 5 || memory < 5, !math.IsNaN(cpu) || !math.IsNaN(memory)
		},
	}
}

// cloudawareIdle is Cloudaware's idle instances: over 14 days mean CPU below 5 %, never
// 15 %, and less than 100 MB of network; not for machines that ran for less, and not
// without any of these. That the network is the sum of the window is unverified.
func cloudawareIdle() Rule {
	const window = 14
	return Rule{
		ID:         "cloudaware-idle",
		Name:       "Cloudaware, EC2 instance idle",
		Source:     "ce.prod.cloudaware.com/ce/ca/aws/ec2/instance-idle/description",
		Parameters: map[string]float64{"days": window, "mean_cpu_percent": 5, "max_cpu_percent": 15, "network_bytes": 100 * megabyte},
		Release: func(m *Machine) (release, ok bool) {
			cpu, network := m.Summary(cloud.CPUPercent, window), dailyNetwork(m, window)
			if cpu.Samples == 0 || math.IsNaN(greatest(network)) || age(m) < days(window) {
				return false, false
			}
			total := 0.0
			for _, bytes := range network {
				if !math.IsNaN(bytes) {
					total += bytes
				}
			}
			return cpu.Mean < 5 && cpu.Max < 15 && total < 100*megabyte, true
		},
	}
}

// datadogUnused is Datadog's unused EC2 instances: CPU below 5 % and memory below 10 %,
// for which its agent must run. Statistic and window are unpublished: the means of 14
// days here.
func datadogUnused() Rule {
	const window = 14
	return Rule{
		ID:         "datadog-unused",
		Name:       "Datadog Cloud Cost, unused EC2 instance",
		Source:     "docs.datadoghq.com/cloud_cost_management/recommendations",
		Parameters: map[string]float64{"days": window, "cpu_percent": 5, "memory_percent": 10},
		Release: func(m *Machine) (release, ok bool) {
			cpu, memory := mean(m.Summary(cloud.CPUPercent, window)), mean(m.Summary(cloud.MemoryPercent, window))
			return cpu < 5 && memory < 10, !math.IsNaN(cpu) && !math.IsNaN(memory)
		},
	}
}

// custodian is the metrics filter of Cloud Custodian at its defaults: the average of 14
// days in one piece is less than a value; resources without data are skipped. The value
// has no default: 30 % of CPU is that of the filter's own example, ec2-underutilized.
// What follows is the policy's to say; to release is ours.
func custodian() Rule {
	const window = 14
	return Rule{
		ID:         "cloud-custodian-metrics-filter",
		Name:       "Cloud Custodian, metrics filter",
		Source:     "cloud-custodian/cloud-custodian: c7n/filters/metrics.py",
		Parameters: map[string]float64{"days": window, "cpu_percent": 30},
		Release: func(m *Machine) (release, ok bool) {
			cpu := mean(m.Summary(cloud.CPUPercent, window))
			return cpu < 30, !math.IsNaN(cpu)
		},
	}
}

// dailyNetwork is the bytes received and sent on each of the last days, the latest
// first; NaN for a day of which either is not known.
func dailyNetwork(m *Machine, n int) []float64 {
	in, out := lastDays(m, cloud.NetworkInBPS, n), lastDays(m, cloud.NetworkOutBPS, n)
	bytes := make([]float64, n)
	for i := range bytes {
		bytes[i] = (in[i].volume + out[i].volume) / bitsPerByte
		if in[i].samples == 0 || out[i].samples == 0 {
			bytes[i] = math.NaN()
		}
	}
	return bytes
}

// greatest is that of the values known; NaN of none.
func greatest(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		most = larger(most, v)
	}
	return most
}
