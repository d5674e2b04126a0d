package notice

import (
	"time"

	"yunjian/calendar"
	"yunjian/policies"
)

// Exemption is what a department asked to be excused for, and who agreed.
type Exemption struct {
	Reason      string     `json:"reason"` // one of policies.Reasons
	Note        string     `json:"note,omitempty"`
	Evidence    []Evidence `json:"evidence"`
	Expires     string     `json:"expires"` // the last day
	RequestedBy string     `json:"requested_by"`
	RequestedAt time.Time  `json:"requested_at"`
	ApprovedBy  string     `json:"approved_by,omitempty"` // another person; empty until then
	ApprovedAt  time.Time  `json:"approved_at,omitzero"`
}

// Excused returns the exemption of a case for the policy to judge by, and whether
// one is in force on the day of now. What it costs a month is Case.MonthlyCost.
func (c Case) Excused(now time.Time) (policies.Exemption, bool) {
	e := c.Exemption
	if e == nil || e.ApprovedBy == "" || calendar.Day(now).After(day(e.Expires)) {
		return policies.Exemption{}, false
	}
	out := policies.Exemption{
		Resource: c.ResourceID, Reason: e.Reason, Owner: e.RequestedBy, From: calendar.Day(e.ApprovedAt), Expires: day(e.Expires),
	}
	if len(e.Evidence) > 0 {
		out.Evidence = e.Evidence[0].Name
	}
	return out, true
}
