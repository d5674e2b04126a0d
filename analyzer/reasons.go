package analyzer

import (
	"strings"

	"yunjian/cloud"
	"yunjian/policies"
)

// Reason codes of facts and of missing knowledge. Together with the codes of
// comparisons, which Code composes, they are all that findings carry.
const (
	// What prevents judgement. Value is what was found, Limit what is needed.
	CodeScopeUnavailable  = "scope_unavailable"  // the listing that holds the resource was not read to the end; Detail: the cloud's code
	CodeAgeBelow          = "age_below"          // days since creation
	CodeHistoryBelow      = "history_below"      // days of running at the present size within the window
	CodeCoverageBelow     = "coverage_below"     // share of the expected samples that is present
	CodeMemoryNoAgent     = "memory_no_agent"    // the agent that measures memory is not running
	CodeDiskNoAgent       = "disk_no_agent"      // the agent that measures file systems is not running
	CodeNoPermission      = "no_permission"      // the account may not read the metric
	CodeThrottled         = "throttled"          // refused for rate or quota
	CodeNotOffered        = "not_offered"        // the platform or file has no such metric
	CodeNoData            = "no_data"            // permitted and asked, yet no samples; or never asked
	CodeReadFailed        = "read_failed"        // could not be read for another reason
	CodeStopped           = "stopped"            // nothing measured, because the machine was off
	CodeOffSinceUnknown   = "off_since_unknown"  // powered off, and nobody knows since when
	CodeAttachmentUnknown = "attachment_unknown" // nobody knows whether the disk or address is in use
	CodeUnattachedUnknown = "unattached_since_unknown"
	CodeNoRule            = "no_rule_for_kind" // the pack says nothing about this kind, or about machines of this size; Detail: the kind
	CodeFactUnknown       = "fact_unknown"     // a fact that a rule asks for; Statistic names it
	CodeSeasonUnseen      = "season_unseen"    // days of the season in Detail that were watched, and how many are enough; Date: when it begins
	CodeSeasonUnknown     = "season_unknown"   // tagged with a season that the table lacks; Detail: its id

	// What decided.
	CodePoweredOffDays = "powered_off_days" // days since the machine was powered off
	CodeUnattachedDays = "unattached_days"  // days since attached to nothing; Detail: since_detached or since_first_seen
	CodeAttached       = "attached"         // in use; Detail: by which instance; Value: its size
	CodePeakGuard      = "peak_guard"       // a peak of the last 13 months vetoes the rule in Detail
	CodeExempt         = "exempt"           // excused; Value: days left; Detail: ground and owner

	// What is to be known beside the verdict. Date is the next such day.
	CodeMonthEndUnseen   = "month_end_unseen"   // the window holds no last day of a month
	CodeQuarterEndUnseen = "quarter_end_unseen" // nor does the peak guard's span hold one of a quarter
	CodeYearEndUnseen    = "year_end_unseen"    // nor one of a year
	CodeHolidays         = "holidays_in_window" // weekdays of the window that were off for holidays, and its weekdays

	// Signs of padding, of CPU or memory.
	CodePaddingPlateau   = "padding_plateau"         // p95 and p5 lie close together, percentage points
	CodePaddingEveryDay  = "padding_every_day"       // the means of all days lie close together, weekends included, percentage points
	CodePaddingAbove     = "padding_above_threshold" // mean just above the pack's threshold
	CodePaddingStep      = "padding_step"            // rose to just above the threshold and stayed, with traffic as before; Value: by how many points; Detail: the day
	CodePaddingNoIO      = "padding_no_io"           // CPU without network traffic, bytes a day
	CodePaddingUnmatched = "padding_unmatched"       // network traffic is so many times as high on weekdays as at weekends, while CPU is not
	CodePaddingAlike     = "padding_alike"           // other machines of the department had the same level every day; Value: how many; Detail: some of them
)

// FixedCodes lists the codes that are not composed, sorted as above.
func FixedCodes() []string {
	return []string{
		CodeScopeUnavailable, CodeAgeBelow, CodeHistoryBelow, CodeCoverageBelow, CodeMemoryNoAgent, CodeDiskNoAgent,
		CodeNoPermission, CodeThrottled, CodeNotOffered, CodeNoData, CodeReadFailed, CodeStopped, CodeOffSinceUnknown,
		CodeAttachmentUnknown, CodeUnattachedUnknown, CodeNoRule, CodeFactUnknown,
		CodeSeasonUnseen, CodeSeasonUnknown,
		CodePoweredOffDays, CodeUnattachedDays, CodeAttached, CodePeakGuard, CodeExempt,
		CodeMonthEndUnseen, CodeQuarterEndUnseen, CodeYearEndUnseen, CodeHolidays,
		CodePaddingPlateau, CodePaddingEveryDay, CodePaddingAbove, CodePaddingStep, CodePaddingNoIO, CodePaddingUnmatched, CodePaddingAlike,
	}
}

var subjects = map[cloud.Metric]string{
	cloud.CPUPercent: "cpu", cloud.MemoryPercent: "memory", cloud.DiskPercent: "disk",
	cloud.NetworkInBPS: "network_in", cloud.NetworkOutBPS: "network_out",
	cloud.DiskReadBPS: "disk_read", cloud.DiskWriteBPS: "disk_write", cloud.StealPercent: "steal",
	policies.CPUCores: "cpu_cores", policies.NetworkBPS: "network", policies.DiskBPS: "disk_io",
}

// Code composes the code of a comparison:
//
//	subject_statistic_word      cpu_p95_below, network_day_volume_at_most
//	subject_statistic_not_word  cpu_p95_not_below: the comparison did not hold
//
// subject is cpu, memory, disk (fill), network_in, network_out, disk_read,
// disk_write, steal, cpu_cores, network or disk_io; for a fact (m empty) there is no
// subject: memory_gib_at_most. word is below, at_most, above or at_least. A
// Reason of such a code carries metric, statistic, value and limit; that of a
// statistic of samples or days carries the share or the number of days in value
// and limit where the unit is ratio or day.
func Code(m cloud.Metric, statistic, op string, holds bool) string {
	parts := []string{statistic, policies.Word(op)}
	if m != "" {
		parts = []string{subjects[m], statistic, policies.Word(op)}
	}
	if !holds {
		parts[len(parts)-1] = "not_" + parts[len(parts)-1]
	}
	return strings.Join(parts, "_")
}

// Comparison returns what a composed code compares: below, at_most, above or
// at_least, and whether it held. ok is false for the fixed codes.
func (r Reason) Comparison() (word string, held, ok bool) {
	for _, w := range []string{"below", "at_most", "above", "at_least"} {
		if !strings.HasSuffix(r.Code, "_"+w) || r.Statistic == "" {
			continue
		}
		return w, !strings.HasSuffix(r.Code, "_not_"+w), true
	}
	return "", false, false
}

// Padding reports whether the reason is a sign of padding.
func (r Reason) Padding() bool { return strings.HasPrefix(r.Code, "padding_") }

// missing is the reason why a metric has no samples.
func missing(m cloud.Metric, a cloud.Availability, detail string) Reason {
	r := Reason{Metric: m, Detail: detail}
	if a == "" && m.Optional() {
		a = cloud.NotOffered // sources do not observe that they lack it
	}
	switch a {
	case cloud.NoAgent:
		r.Code = subjects[m] + "_no_agent"
	case cloud.NoPermission:
		r.Code = CodeNoPermission
	case cloud.Throttled:
		r.Code = CodeThrottled
	case cloud.NotOffered:
		r.Code = CodeNotOffered
	case cloud.Failed:
		r.Code = CodeReadFailed
	case cloud.Stopped:
		r.Code = CodeStopped
	default:
		r.Code = CodeNoData
	}
	return r
}

func number(v float64) *float64 { return &v }
