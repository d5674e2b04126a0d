package cloud

import "fmt"

// Metric is one measured quantity of a resource. Its text is the column name
// in a bundle and the name in every JSON document.
type Metric string

// The metrics that Yunjian keeps.
const (
	CPUPercent    Metric = "cpu_percent"     // share of the instance's vCPU in use, 0 to 100
	MemoryPercent Metric = "memory_percent"  // share of the instance's memory in use, 0 to 100; needs an agent in the guest
	DiskPercent   Metric = "disk_percent"    // fill of the fullest guest file system, 0 to 100; needs an agent in the guest
	NetworkInBPS  Metric = "network_in_bps"  // received, bit/s
	NetworkOutBPS Metric = "network_out_bps" // sent, bit/s
	DiskReadBPS   Metric = "disk_read_bps"   // read from all disks, Byte/s
	DiskWriteBPS  Metric = "disk_write_bps"  // written to all disks, Byte/s
	StealPercent  Metric = "steal_percent"   // share of time in which the hypervisor withheld CPU that the guest wanted, 0 to 100; few sources have it
)

// Metrics lists every metric in the order in which tables show them.
func Metrics() []Metric {
	return []Metric{
		CPUPercent, MemoryPercent, DiskPercent,
		NetworkInBPS, NetworkOutBPS, DiskReadBPS, DiskWriteBPS,
		StealPercent,
	}
}

// Optional reports whether m is kept where a source happens to have it, and
// is no gap in knowledge where it has not: no source observes its absence.
func (m Metric) Optional() bool { return m == StealPercent }

// Unit is the unit of a metric or of a number in a reason.
type Unit string

// Units of metrics, and of the numbers that reasons carry.
const (
	Percent       Unit = "percent"
	BitsPerSecond Unit = "bit/s"
	BytesPerSec   Unit = "byte/s"
	Bytes         Unit = "byte"
	BytesPerDay   Unit = "byte/day"
	Days          Unit = "day"
	Hours         Unit = "hour"
	Weeks         Unit = "week"
	Cores         Unit = "vcpu"
	GiB           Unit = "GiB"
	Count         Unit = "count"
	Ratio         Unit = "ratio" // 0 to 1
	Mbps          Unit = "Mbit/s"
)

// Unit returns the unit of m's values.
func (m Metric) Unit() Unit {
	switch m {
	case NetworkInBPS, NetworkOutBPS:
		return BitsPerSecond
	case DiskReadBPS, DiskWriteBPS:
		return BytesPerSec
	default:
		return Percent
	}
}

// ParseMetric returns the metric named s, or an error that lists what is
// allowed.
func ParseMetric(s string) (Metric, error) {
	for _, m := range Metrics() {
		if string(m) == s {
			return m, nil
		}
	}
	return "", fmt.Errorf("unknown metric %q: want one of %v", s, Metrics())
}

// Availability says why a metric of a resource has, or has not, samples. The
// five ways of having none must never be mistaken for idleness, nor for each
// other.
type Availability string

// The answers a source can give about one metric of one resource.
const (
	Observed     Availability = "observed"      // samples were read
	NoAgent      Availability = "no_agent"      // the metric needs the in-guest agent and it is not running
	NoPermission Availability = "no_permission" // the account may not read this metric
	Throttled    Availability = "throttled"     // refused for rate or quota until the run ended
	Stopped      Availability = "stopped"       // the resource was powered off, so nothing was measured
	NotOffered   Availability = "not_offered"   // the platform or file has no such metric
	NoData       Availability = "no_data"       // permitted and running, yet the source answered with no samples
	Failed       Availability = "failed"        // the source could not be read for another reason
)

// Origin says which of several ways of measuring a series came from.
type Origin string

// Origins of CPU utilization; other metrics have one origin and leave it empty.
const (
	OriginAgent      Origin = "agent"      // measured in the guest (CloudMonitor cpu_total)
	OriginHypervisor Origin = "hypervisor" // measured by the host (CloudMonitor CPUUtilization); smooths peaks below a minute
	OriginFile       Origin = "file"       // read from a bundle, which does not say
)
