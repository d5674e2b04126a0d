package analyzer

import (
	"yunjian/cloud"
	"yunjian/policies"
)

// Remedy is something that would settle a verdict of insufficient data.
type Remedy struct {
	Code   string       `json:"code"`
	Reason string       `json:"reason"` // code of the reason it answers
	Metric cloud.Metric `json:"metric,omitempty"`
	// Days is how long to wait, after what else is to be done: from now at least so
	// many days, and at most MostDays where that differs. Both hold if every sample
	// from now on arrives.
	Days     *float64 `json:"days,omitempty"`
	MostDays *float64 `json:"most_days,omitempty"`
}

// Codes of remedies.
const (
	RemedyWait       = "wait"
	RemedyAgent      = "install_agent"
	RemedyPermission = "grant_permission"
	RemedyQuota      = "raise_quota"
	RemedyListing    = "read_listing"
	RemedySource     = "check_source" // samples should come and do not
	RemedyOffered    = "measure_otherwise"
	RemedyFact       = "name_fact" // the inventory should say it
	RemedyRule       = "write_rule"
)

// Remedies lists the codes of remedies.
func Remedies() []string {
	return []string{
		RemedyWait, RemedyAgent, RemedyPermission, RemedyQuota, RemedyListing, RemedySource, RemedyOffered, RemedyFact, RemedyRule,
	}
}

// Settle says what would settle a finding of insufficient data under the policy
// that gave it; nothing of another.
func Settle(p policies.Pack, f Finding) []Remedy {
	if f.Verdict != InsufficientData {
		return nil
	}
	var out []Remedy
	for _, r := range f.Reasons {
		if x, ok := settles(p, r); ok {
			x.Reason, x.Metric = r.Code, r.Metric
			out = append(out, x)
		}
	}
	return out
}

func settles(p policies.Pack, r Reason) (Remedy, bool) {
	history := number(days(p.MinHistory))
	switch r.Code {
	case CodeAgeBelow, CodeHistoryBelow, CodePoweredOffDays, CodeUnattachedDays:
		if r.Value == nil || r.Limit == nil || *r.Value >= *r.Limit {
			return Remedy{}, false
		}
		return Remedy{Code: RemedyWait, Days: number(*r.Limit - *r.Value)}, true
	case CodeCoverageBelow:
		// Each day to come brings a day of samples. At best it takes the place of one
		// without any; at worst of one that was complete, until the window holds
		// enough new days by themselves.
		window := days(p.Window)
		return Remedy{Code: RemedyWait, Days: number((*r.Limit - *r.Value) * window), MostDays: number(*r.Limit * window)}, true
	case CodeMemoryNoAgent, CodeDiskNoAgent:
		return Remedy{Code: RemedyAgent, Days: history}, true
	case CodeNoPermission:
		return Remedy{Code: RemedyPermission, Days: history}, true
	case CodeThrottled:
		return Remedy{Code: RemedyQuota, Days: history}, true
	case CodeNoData, CodeReadFailed:
		return Remedy{Code: RemedySource, Days: history}, true
	case CodeNotOffered:
		return Remedy{Code: RemedyOffered, Days: history}, true
	case CodeStopped, CodeScopeUnavailable, CodeAttachmentUnknown:
		return Remedy{Code: RemedyListing}, r.Code != CodeStopped
	case CodeOffSinceUnknown, CodeUnattachedUnknown: // it is watched from now on
		return Remedy{Code: RemedyWait, Days: r.Limit}, true
	case CodeSeasonUnseen:
		if r.WaitDays > 0 {
			return Remedy{Code: RemedyWait, Days: number(float64(r.WaitDays))}, true
		}
		return Remedy{Code: RemedyWait}, true
	case CodeFactUnknown, CodeSeasonUnknown:
		return Remedy{Code: RemedyFact}, true
	case CodeNoRule:
		return Remedy{Code: RemedyRule}, true
	}
	return Remedy{}, false
}
