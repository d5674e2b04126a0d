package backtest

import (
	"fmt"
	"math"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// computeOptimizer is AWS Compute Optimizer's rightsizing of EC2 instances: the
// cheapest type on which a percentile of CPU over 14 days, with headroom, is within
// 100 %, and the greatest memory likewise; none below 30 hours of data. percentile
// and the headrooms are in percent. The "P95, 30 / 30" that is often quoted is the
// balanced preset.
//
// The algorithm is unpublished: this is what its knobs say it does. The values of the
// presets are unverified. It looks at the maximum within each sample, which a bundle
// does not have; samples are averages here. Its limits on disks and network are left
// out, and so is its performance risk.
func computeOptimizer(id, preset string, percentile, cpuHeadroom, memoryHeadroom float64) Rule {
	const window, least = 14, 30 * time.Hour
	return Rule{
		ID:     id,
		Name:   "AWS Compute Optimizer, " + preset,
		Source: "docs.aws.amazon.com compute-optimizer: CustomizableMetricParameters, rightsizing-preferences",
		Parameters: map[string]float64{
			"days": window, "cpu_percentile": percentile, "cpu_headroom_percent": cpuHeadroom, "memory_headroom_percent": memoryHeadroom,
		},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window), m.Summary(cloud.MemoryPercent, window)
			if spoken(cpu) < least {
				return present, false
			}
			return Smallest(present,
				withHeadroom(float64(present.VCPU), cpu.Quantile(percentile/100), cpuHeadroom),
				withHeadroom(present.MemoryGiB, peak(memory), memoryHeadroom)), true
		},
	}
}

// azureResize is Azure Advisor's resizing of virtual machines: over 7 days, projected
// on the new size, P95 of CPU at most 40 % and memory never above 60 % where the
// machine faces users, else 80 % and 80 %.
//
// Which machines face users Azure does not publish in numbers, only that their CPU
// has the pattern of a day; see diurnal for what is taken for it here. Taking all for
// user-facing is the careful end of what is unpublished, and the setting whose figures
// are known of the measuring trace: a tenth of its machines only are diurnal.
//
// The same limits hold for the network, but what network a size has is not known
// here, so that condition is passed over. So is the filter that shows machines below
// 5 % of CPU only: what of the CPU it compares is unpublished. Burstable sizes are not
// on offer; retail prices, accelerated network and premium storage are not known.
func azureResize(id, setting string, facesUsers func(cpu utilization.Summary) bool) Rule {
	const window = 7
	return Rule{
		ID:     id,
		Name:   "Azure Advisor, resize, " + setting,
		Source: "MicrosoftDocs/azure-docs: articles/advisor/advisor-cost-recommendations.md",
		Parameters: map[string]float64{
			"days": window, "cpu_percentile": 95, "user_facing_cpu_percent": 40, "user_facing_memory_percent": 60, "cpu_percent": 80, "memory_percent": 80,
		},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window), m.Summary(cloud.MemoryPercent, window)
			if cpu.Samples == 0 {
				return present, false
			}
			mostCPU, mostMemory := 80.0, 80.0
			if facesUsers(cpu) {
				mostCPU, mostMemory = 40, 60
			}
			return Smallest(present,
				within(float64(present.VCPU), cpu.Quantile(0.95), mostCPU),
				within(present.MemoryGiB, peak(memory), mostMemory)), true
		},
	}
}

// all takes every machine for one that faces users.
func all(utilization.Summary) bool { return true }

// diurnal reports whether CPU follows the day: of all the frequencies of the means of
// the hours of a week, one turn a day is the strongest. Resource Central, which Azure
// refers to, looks for it by Fourier transform over at least three days; how strong
// it must be is unpublished.
func diurnal(cpu utilization.Summary) bool {
	const hours, perWeek = len(cpu.HourOfWeek), 7
	known, sum := 0, 0.0
	for _, h := range cpu.HourOfWeek {
		if h.Samples > 0 {
			known++
			sum += h.Mean
		}
	}
	if known < 72 {
		return false
	}
	var sin, cos, value [hours]float64
	for i, h := range cpu.HourOfWeek {
		sin[i], cos[i] = math.Sincos(2 * math.Pi * float64(i) / float64(hours))
		if h.Samples > 0 { // an hour that is not known is as the mean
			value[i] = h.Mean - sum/float64(known)
		}
	}
	daily, strongest := 0.0, 1e-9 // less is what rounding leaves of a level machine
	for turns := 1; turns <= hours/2; turns++ {
		re, im := 0.0, 0.0
		for i, v := range value {
			re += v * cos[i*turns%hours]
			im += v * sin[i*turns%hours]
		}
		power := re*re + im*im
		if turns == perWeek {
			daily = power
		} else {
			strongest = max(strongest, power)
		}
	}
	return daily > strongest
}

// optScale is OptScale's rightsizing: as many cores as keep P99 of CPU within 80 %,
// of one core or an even number, in the same family. Machines first seen within the
// window, of one core, or without CPU are passed over. 3 days are its default, which
// misses every week; longer windows are an option of it.
//
// It does not check memory, and within a family fewer cores have less of it: here in
// proportion. It asks for a lower price, which a smaller size always has here.
func optScale(id string, window int) Rule {
	return Rule{
		ID:         id,
		Name:       fmt.Sprintf("OptScale, rightsizing over %d days", window),
		Source:     "hystax/optscale: bumiworker/bumiworker/modules/rightsizing_base.py",
		Parameters: map[string]float64{"days": float64(window), "cpu_percentile": 99, "cpu_percent": 80},
		Size: func(m *Machine) (Size, bool) {
			present, cpu := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window)
			if cpu.Samples == 0 || present.VCPU <= 1 || age(m) <= days(window) {
				return present, false
			}
			return inFamily(present, math.Ceil(within(float64(present.VCPU), cpu.Quantile(0.99), 80))), true
		},
	}
}

// flexera is the under-used machines of Flexera's policy for EC2, version 5.5.0: mean
// CPU or mean memory below 40 % over 30 days; one size down. That either is enough is
// its default.
func flexera() Rule {
	const window = 30
	return Rule{
		ID:         "flexera-underutilized",
		Name:       "Flexera, rightsize EC2: underutilized",
		Source:     "flexera-public/policy_templates: cost/aws/rightsize_ec2_instances 5.5.0",
		Parameters: map[string]float64{"days": window, "cpu_percent": 40, "memory_percent": 40},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), mean(m.Summary(cloud.CPUPercent, window)), mean(m.Summary(cloud.MemoryPercent, window))
			switch {
			case math.IsNaN(cpu) && math.IsNaN(memory):
				return present, false
			case cpu < 40 || memory < 40:
				return oneDown(present), true
			}
			return present, true
		},
	}
}

// cloudaware is the under-used machines of Cloudaware: over 14 days mean CPU below
// 40 % and never 50 %; not for machines that ran for less. It names no target: one
// size down is ours.
func cloudaware() Rule {
	const window = 14
	return Rule{
		ID:         "cloudaware-underutilized",
		Name:       "Cloudaware, EC2 instance underutilized",
		Source:     "ce.prod.cloudaware.com: ca/aws/ec2",
		Parameters: map[string]float64{"days": window, "mean_cpu_percent": 40, "max_cpu_percent": 50},
		Size: func(m *Machine) (Size, bool) {
			present, cpu := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window)
			switch {
			case cpu.Samples == 0 || age(m) < days(window):
				return present, false
			case cpu.Mean < 40 && cpu.Max < 50:
				return oneDown(present), true
			}
			return present, true
		},
	}
}

// redHat is Red Hat's resource optimization service: mean CPU and mean memory of 24
// hours within 5 and 20 % are oversized. Its candidates are types: one size down is
// ours. Whether the bounds belong to it is unverified.
func redHat() Rule {
	const window = 1
	return Rule{
		ID:         "redhat-resource-optimization",
		Name:       "Red Hat Insights, resource optimization: oversized",
		Source:     "RedHatInsights/ros-backend",
		Parameters: map[string]float64{"days": window, "least_percent": 5, "most_percent": 20},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), mean(m.Summary(cloud.CPUPercent, window)), mean(m.Summary(cloud.MemoryPercent, window))
			switch {
			case math.IsNaN(cpu) || math.IsNaN(memory):
				return present, false
			case cpu >= 5 && cpu <= 20 && memory >= 5 && memory <= 20:
				return oneDown(present), true
			}
			return present, true
		},
	}
}

// turbonomic stands for products that take a percentile and a target utilization and
// publish fragments only: P95 over 30 days, within 70 % of the CPU and 90 % of the
// memory. None of these numbers is verified for virtual machines.
func turbonomic() Rule {
	const window = 30
	return Rule{
		ID:         "turbonomic-placeholder",
		Name:       "Turbonomic, placeholder",
		Source:     "ibm.com/docs: Turbonomic 8 policy_defaults, in part",
		Parameters: map[string]float64{"days": window, "percentile": 95, "cpu_percent": 70, "memory_percent": 90},
		Size: func(m *Machine) (Size, bool) {
			present, cpu, memory := SizeOf(m.Resource), m.Summary(cloud.CPUPercent, window), m.Summary(cloud.MemoryPercent, window)
			if cpu.Samples == 0 && memory.Samples == 0 {
				return present, false
			}
			return Smallest(present,
				within(float64(present.VCPU), cpu.Quantile(0.95), 70),
				within(present.MemoryGiB, memory.Quantile(0.95), 90)), true
		},
	}
}
