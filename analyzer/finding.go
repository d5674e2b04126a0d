package analyzer

import (
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Verdict is the judgement of one resource.
type Verdict string

// Verdicts, in the field's words (AWS Compute Optimizer), and our own
// InsufficientData.
const (
	Idle             Verdict = "idle"
	Overprovisioned  Verdict = "overprovisioned"
	Underprovisioned Verdict = "underprovisioned"
	Optimized        Verdict = "optimized"
	Unattached       Verdict = "unattached"
	InsufficientData Verdict = "insufficient_data"
)

// Verdicts lists every verdict in the order in which tables show them.
func Verdicts() []Verdict {
	return []Verdict{Idle, Unattached, Overprovisioned, Underprovisioned, Optimized, InsufficientData}
}

// Flag is something people must know beside the verdict.
type Flag string

// Flags.
const (
	SuspectedPadding Flag = "suspected_padding" // looks used on purpose: for people to check, never acted on
	Exempt           Flag = "exempt"
	PoweredOff       Flag = "powered_off"
	Resized          Flag = "resized"        // history restarts at the last change of size
	AgeUnknown       Flag = "age_unknown"    // the source gives no creation time
	MemoryUnknown    Flag = "memory_unknown" // no agent, or memory not offered
	NoMonthEnd       Flag = "no_month_end"   // the window holds no month end
	ShortHistory     Flag = "short_history"  // the peak guard saw less than 13 months
	HypervisorCPU    Flag = "hypervisor_cpu" // CPU measured by the host, which smooths short peaks
	NoOwner          Flag = "no_owner"       // no department known
	CloudUnavailable Flag = "cloud_unavailable"
	SeasonUnseen     Flag = "season_unseen"  // would be wasteful, but its season was not watched
	HolidayWindow    Flag = "holiday_window" // one in five of the window's weekdays or more was off for holidays
)

// Flags lists every flag in the order in which findings carry them.
func Flags() []Flag {
	return []Flag{
		SuspectedPadding, Exempt, PoweredOff, Resized, AgeUnknown, MemoryUnknown,
		NoMonthEnd, ShortHistory, HypervisorCPU, NoOwner, CloudUnavailable,
		SeasonUnseen, HolidayWindow,
	}
}

// Reason is one number that decided. Prose is made from it in the report.
type Reason struct {
	Code      string       `json:"code"` // see the reason codes in reasons.go
	Metric    cloud.Metric `json:"metric,omitempty"`
	Statistic string       `json:"statistic,omitempty"`
	Value     *float64     `json:"value,omitempty"` // absent where nothing was measured
	Limit     *float64     `json:"limit,omitempty"`
	Unit      cloud.Unit   `json:"unit,omitempty"`
	Detail    string       `json:"detail,omitempty"` // a name the reason speaks of: an instance type, an exemption's owner
	Date      string       `json:"date,omitempty"`   // a day the reason speaks of, 2026-11-30
	// WaitDays is for how many days to wait until samples settle the matter; 0:
	// waiting is not what settles it, or nobody knows for how long.
	WaitDays int `json:"wait_days,omitempty"`
}

// Evidence is the statistics of one metric that a finding stood on.
type Evidence struct {
	Metric       cloud.Metric       `json:"metric"`
	Availability cloud.Availability `json:"availability"`
	Origin       cloud.Origin       `json:"origin,omitempty"`
	Samples      int                `json:"samples"`
	Expected     int                `json:"expected"`
	Mean         *float64           `json:"mean,omitempty"`
	P50          *float64           `json:"p50,omitempty"`
	P95          *float64           `json:"p95,omitempty"`
	P99          *float64           `json:"p99,omitempty"`
	Max          *float64           `json:"max,omitempty"`
	PeakMax      *float64           `json:"peak_max,omitempty"` // highest value in the peak-guard span
}

// Finding is what is known and judged of one resource.
type Finding struct {
	ResourceID string       `json:"resource_id"`
	Kind       cloud.Kind   `json:"kind"`
	Verdict    Verdict      `json:"verdict"`
	Rule       string       `json:"rule,omitempty"`     // id of the policy rule that matched
	Coverage   *float64     `json:"coverage,omitempty"` // of the metrics the verdict rests on, the least; 0 to 1. Absent where it rests on none: on the age, say, or that a disk is attached
	Window     cloud.Window `json:"window"`             // the history judged, after exclusions
	Flags      []Flag       `json:"flags"`
	Reasons    []Reason     `json:"reasons"`
	// Notes did not decide and are to be known before acting: what times of the
	// year the history has not seen, and when it will have.
	Notes    []Reason   `json:"notes,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Input is everything that is known of one resource at the present instant.
type Input struct {
	Resource cloud.Resource
	// Utilization holds the metrics that have samples in the window.
	Utilization map[cloud.Metric]utilization.Summary
	// Step is the spacing of samples that Utilization's Expected counts by; zero:
	// utilization.Step.
	Step time.Duration
	// Observations say, per metric, whether it could be read; a metric absent
	// here was never asked for.
	Observations map[cloud.Metric]cloud.Observation
	// LastSample is the instant of the last CPU sample held, however old; only
	// asked for where the machine is powered off. Zero: none, or not asked for.
	LastSample time.Time
	// Peaks is the highest value per metric over the peak-guard span (13
	// months, or as long as history reaches) since the last resize.
	Peaks map[cloud.Metric]Peak
	// Scope is how the listing that holds the resource went.
	Scope cloud.Scope
}

// Peak is the highest value seen of a metric, and since when it was watched.
type Peak struct {
	Max float64
	// DayP95 is the highest 95th percentile of a day, which one short spike does
	// not lift. Zero: not known, Max stands for it.
	DayP95 float64
	Since  time.Time
}
