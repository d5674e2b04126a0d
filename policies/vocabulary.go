package policies

import (
	"slices"

	"yunjian/cloud"
)

// Metrics that conditions may name beside the measured ones. They are computed
// from measured ones and have no samples of their own.
const (
	NetworkBPS cloud.Metric = "network_bps" // received and sent together, bit/s
	DiskBPS    cloud.Metric = "disk_bps"    // read and written together, Byte/s
	CPUCores   cloud.Metric = "cpu_cores"   // CPU in use, in vCPU: cpu_percent / 100 × vCPU
)

// Parts returns the measured metrics that a condition's metric is made of.
func Parts(m cloud.Metric) []cloud.Metric {
	switch m {
	case NetworkBPS:
		return []cloud.Metric{cloud.NetworkInBPS, cloud.NetworkOutBPS}
	case DiskBPS:
		return []cloud.Metric{cloud.DiskReadBPS, cloud.DiskWriteBPS}
	case CPUCores:
		return []cloud.Metric{cloud.CPUPercent}
	default:
		return []cloud.Metric{m}
	}
}

// Metrics lists the metrics that conditions may name.
func Metrics() []cloud.Metric {
	return append(cloud.Metrics(), CPUCores, NetworkBPS, DiskBPS)
}

// form is how a statistic is asked for.
type form int

const (
	overWindow form = iota // one number of the whole window
	ofPeaks                // one number of the peak-guard span
	ofSamples              // a share of samples: needs on_samples_percent
	ofDays                 // a number a day: needs on_days
)

// Statistic is one word of the vocabulary of conditions.
type Statistic struct {
	ID       string
	Name     Text
	Quantile float64 // of percentiles: 0.95 of p95; else 0
	form     form
	sums     bool // can be computed for network_bps and disk_bps
	only     []cloud.Metric
}

var guarded = []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}

var statistics = []Statistic{
	{ID: "mean", Name: Text{"均值", "mean"}, sums: true},
	{ID: "p50", Name: Text{"中位数", "median"}, Quantile: 0.5},
	{ID: "p90", Name: Text{"90 分位", "p90"}, Quantile: 0.9},
	{ID: "p95", Name: Text{"95 分位", "p95"}, Quantile: 0.95},
	{ID: "p98", Name: Text{"98 分位", "p98"}, Quantile: 0.98},
	{ID: "p99", Name: Text{"99 分位", "p99"}, Quantile: 0.99},
	{ID: "p995", Name: Text{"99.5 分位", "p99.5"}, Quantile: 0.995},
	{ID: "max", Name: Text{"峰值", "maximum"}},
	{ID: "max_of_day_means", Name: Text{"日均值的最大值", "highest daily mean"}, sums: true},
	{ID: "mean_of_day_maxima", Name: Text{"日峰值的均值", "mean of the daily maxima"}},
	{ID: "in_180d", Name: Text{"180 天后趋势值", "trend in 180 days"}, only: []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent}},
	{ID: "peak", Name: Text{"13 个月峰值", "13-month maximum"}, form: ofPeaks, only: guarded},
	{ID: "peak_day_p95", Name: Text{"13 个月内日 95 分位的最大值", "highest daily p95 of 13 months"}, form: ofPeaks, only: guarded},
	{ID: "sample", Name: Text{"采样值", "samples"}, form: ofSamples},
	{ID: "day_mean", Name: Text{"日均值", "daily mean"}, form: ofDays, sums: true},
	{ID: "day_max", Name: Text{"日峰值", "daily maximum"}, form: ofDays},
	{ID: "day_volume", Name: Text{"日流量", "daily volume"}, form: ofDays, sums: true,
		only: []cloud.Metric{cloud.NetworkInBPS, cloud.NetworkOutBPS, cloud.DiskReadBPS, cloud.DiskWriteBPS, NetworkBPS, DiskBPS}},
}

// Statistics lists the statistics that conditions may name.
func Statistics() []Statistic { return slices.Clone(statistics) }

func statistic(id string) (Statistic, bool) {
	i := slices.IndexFunc(statistics, func(s Statistic) bool { return s.ID == id })
	if i < 0 {
		return Statistic{}, false
	}
	return statistics[i], true
}

// Quantile returns the quantile, 0 to 1, that a statistic's name stands for.
func Quantile(id string) (float64, bool) {
	s, ok := statistic(id)
	return s.Quantile, ok && s.Quantile > 0
}

// OfDay reports whether a statistic is a number a day.
func OfDay(id string) bool {
	s, ok := statistic(id)
	return ok && s.form == ofDays
}

// OfPeaks reports whether a statistic looks at the peak-guard span.
func OfPeaks(id string) bool {
	s, ok := statistic(id)
	return ok && s.form == ofPeaks
}

func (s Statistic) allows(m cloud.Metric) bool {
	if len(Parts(m)) > 1 && !s.sums {
		return false
	}
	return len(s.only) == 0 || slices.Contains(s.only, m)
}

// Facts that conditions may name: numbers of the resource itself.
const (
	DaysOff        = "days_off"        // an instance: days since it was powered off
	DaysUnattached = "days_unattached" // a disk or address: days since it was attached to nothing
	AgeDays        = "age_days"        // days since creation
	FactVCPU       = "vcpu"
	FactMemoryGiB  = "memory_gib"
	FactStorageGiB = "storage_gib"
	LocalStorage   = "local_storage_gib" // disks of the host itself
	GPU            = "gpu"
	Prepaid        = "prepaid" // 1 for a subscription, 0 for pay as you go
)

type fact struct {
	id    string
	name  Text
	unit  cloud.Unit
	kinds []cloud.Kind
}

var facts = []fact{
	{DaysOff, Text{"关机时长", "powered off for"}, cloud.Days, []cloud.Kind{cloud.Instance}},
	{DaysUnattached, Text{"未挂载/未绑定时长", "unattached for"}, cloud.Days, []cloud.Kind{cloud.Disk, cloud.EIP}},
	{AgeDays, Text{"开通时长", "age"}, cloud.Days, cloud.Kinds()},
	{FactVCPU, Text{"vCPU", "vCPU"}, cloud.Cores, []cloud.Kind{cloud.Instance}},
	{FactMemoryGiB, Text{"内存容量", "memory size"}, cloud.GiB, []cloud.Kind{cloud.Instance}},
	{FactStorageGiB, Text{"存储容量", "storage size"}, cloud.GiB, []cloud.Kind{cloud.Instance, cloud.Disk}},
	{LocalStorage, Text{"本地盘容量", "local storage"}, cloud.GiB, []cloud.Kind{cloud.Instance}},
	{GPU, Text{"GPU 数量", "GPUs"}, cloud.Count, []cloud.Kind{cloud.Instance}},
	{Prepaid, Text{"包年包月", "prepaid"}, cloud.Count, cloud.Kinds()},
}

// Facts lists the facts that conditions on a kind may name.
func Facts(k cloud.Kind) []string {
	var out []string
	for _, f := range facts {
		if slices.Contains(f.kinds, k) {
			out = append(out, f.id)
		}
	}
	return out
}

func factNamed(id string) (fact, bool) {
	i := slices.IndexFunc(facts, func(f fact) bool { return f.id == id })
	if i < 0 {
		return fact{}, false
	}
	return facts[i], true
}

// The comparisons as files write them.
var comparisons = []struct{ key, op string }{
	{"below", "<"}, {"at_most", "<="}, {"above", ">"}, {"at_least", ">="},
}

// Word returns an operator as files and reason codes write it: below, at_most,
// above, at_least.
func Word(op string) string {
	for _, c := range comparisons {
		if c.op == op {
			return c.key
		}
	}
	return op
}

// Holds reports whether value op limit.
func Holds(value float64, op string, limit float64) bool {
	switch op {
	case "<":
		return value < limit
	case "<=":
		return value <= limit
	case ">":
		return value > limit
	default:
		return value >= limit
	}
}
