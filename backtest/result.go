package backtest

import (
	"math"
	"time"
)

// Result is a replay at one instant. Its JSON is a contract.
type Result struct {
	DecideAt   time.Time    `json:"decide_at"`
	HorizonEnd time.Time    `json:"horizon_end"`
	Instances  int          `json:"instances"`                           // counted: known well enough over the horizon
	Hindsight  *float64     `json:"hindsight_saving_fraction,omitempty"` // what the smallest sizes save that would have harmed nobody: nothing that decides beforehand can know them; absent: nothing was scored
	Rules      []RuleResult `json:"rules"`
	Decisions  []Decision   `json:"decisions"`

	Scored map[string]bool `json:"-"` // the ids of Instances
}

// RuleResult is how a rule did. Shares are of Instances, or of their price.
type RuleResult struct {
	Rule                  string             `json:"rule"`
	Name                  string             `json:"name"`
	Source                string             `json:"source,omitempty"`
	Parameters            map[string]float64 `json:"parameters,omitempty"`
	Acted                 int                `json:"acted"`
	Abstained             int                `json:"abstained"` // of Instances, those it says nothing of
	SavingFraction        float64            `json:"saving_fraction"`
	HarmedFraction        float64            `json:"harmed_fraction"`
	Harmed                int                `json:"harmed"`
	PredictedHarmFraction *float64           `json:"predicted_harm_fraction,omitempty"` // absent: it states none
	ReleasedVCPU          int                `json:"released_vcpu"`
	ReleasedMemoryGiB     float64            `json:"released_memory_gib"`
	Release               *ReleaseResult     `json:"release,omitempty"` // absent: it has nothing to say of releases
	Flips                 *FlipResult        `json:"flips,omitempty"`   // absent of the earliest instant, and where it had advised no smaller size then
}

// ReleaseResult is how the releases that a rule named turned out.
type ReleaseResult struct {
	Named     int      `json:"named"`
	Precision *float64 `json:"precision,omitempty"` // absent: it named none
	Recall    *float64 `json:"recall,omitempty"`    // absent: there was none to find
}

// Decision is what a rule would change of one instance.
type Decision struct {
	Rule            string             `json:"rule"`
	Parameters      map[string]float64 `json:"parameters,omitempty"`
	ResourceID      string             `json:"resource_id"`
	Action          string             `json:"action"` // release, downsize
	VCPU            int                `json:"vcpu"`
	MemoryGiB       float64            `json:"memory_gib"`
	HarmProbability *float64           `json:"harm_probability,omitempty"`
	Harmed          bool               `json:"harmed"` // what came of it
}

// add enters what a rule answered to each case, and whether it has anything to say of
// releases.
func (r *Result) add(rule Rule, cases []Case, answers []Answer, releases bool) {
	s := tally(rule, cases, answers)
	out := RuleResult{
		Rule: rule.ID, Name: rule.Name, Source: rule.Source, Parameters: rule.Parameters,
		Acted: s.Acted, Abstained: s.Abstained, SavingFraction: s.SavingFraction, HarmedFraction: s.HarmedFraction, Harmed: s.Harmed,
		PredictedHarmFraction: known(s.PredictedHarmFraction), ReleasedVCPU: s.ReleasedVCPU, ReleasedMemoryGiB: s.ReleasedMemoryGiB,
	}
	if releases {
		out.Release = &ReleaseResult{Named: s.Releases.Named, Precision: known(s.Releases.Precision()), Recall: known(s.Releases.Recall())}
	}
	r.Rules = append(r.Rules, out)
	for i, c := range cases {
		a := answers[i]
		present := SizeOf(c.Resource)
		d := Decision{Rule: rule.ID, Parameters: rule.Parameters, ResourceID: c.Resource.ID}
		if a.Release { // scored apart: it may be made smaller, too
			d.Action, d.HarmProbability, d.Harmed = "release", known(a.Wakes), !c.Outcome.Quiet
			r.Decisions = append(r.Decisions, d)
		}
		if a.Size != present {
			d.Action, d.VCPU, d.MemoryGiB, d.HarmProbability, d.Harmed = "downsize", a.Size.VCPU, a.Size.MemoryGiB, known(a.Harm), c.Outcome.Harmed(present, a.Size)
			r.Decisions = append(r.Decisions, d)
		}
	}
}

// known is nil of NaN.
func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
