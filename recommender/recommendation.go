package recommender

import (
	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/price"
)

// Action is what a recommendation proposes.
type Action string

// Actions.
const (
	Release  Action = "release"
	Downsize Action = "downsize"
	Upsize   Action = "upsize" // advice for tight machines: fairness requires it; saves nothing
	Stop     Action = "stop"   // at the hours of Schedule, to be started again after them
)

// Codes of SavingNote.
const (
	NotePrepaid  = "prepaid_until_expiry"    // a subscription: nothing is saved before SavingFrom
	NoteStopped  = "stopped_may_be_unbilled" // the cloud may not bill a stopped machine's CPU and memory
	NoteCosts    = "costs_more"              // an upsize: advice that saves nothing
	NoteMigrates = "shrink_needs_migration"  // block storage rarely shrinks in place: data moves to a smaller disk

	// Of a stop: whether anything is saved depends on how a stopped machine is billed.
	NoteBillingStops   = "billing_stops"           // CPU and memory are not billed while the machine is stopped
	NoteBillingUnknown = "stopped_billing_unknown" // the price book does not say; nothing is claimed
	NoteChargeUnknown  = "charge_type_unknown"     // nobody knows whether the machine is a subscription
)

// Spec is a size.
type Spec struct {
	InstanceType string  `json:"instance_type,omitempty"`
	VCPU         int     `json:"vcpu"`
	MemoryGiB    float64 `json:"memory_gib"`
	StorageGiB   float64 `json:"storage_gib"`
}

// Recommendation is one thing to do.
type Recommendation struct {
	ID           string       `json:"id"` // derived from resource, action and policy: the same advice keeps its row
	ResourceID   string       `json:"resource_id"`
	Kind         cloud.Kind   `json:"kind"`
	Name         string       `json:"name,omitempty"`
	Department   string       `json:"department"`
	Application  string       `json:"application"`
	Action       Action       `json:"action"`
	Rule         string       `json:"rule"`
	Current      Spec         `json:"current"`
	Target       *Spec        `json:"target"` // null for a release
	AnnualSaving price.Amount `json:"annual_saving"`
	// SavingKnown is false where the price book has no price for the resource;
	// AnnualSaving is then zero and must be shown as unknown.
	SavingKnown bool   `json:"saving_known"`
	Currency    string `json:"currency"`
	// SavingNote is a code for what a reader must know of the saving, such as
	// prepaid_until_expiry; empty for none.
	SavingNote string `json:"saving_note,omitempty"`
	SavingFrom string `json:"saving_from,omitempty"` // date from which it is real money, where it is later than now
	PriceBook  string `json:"price_book"`            // id@version that priced it
	// Pricing is what AnnualSaving is made of: present where SavingKnown.
	Pricing         *Pricing          `json:"pricing,omitempty"`
	Risk            Risk              `json:"risk"`
	Ready           bool              `json:"ready"` // confirmed over as many consecutive audits as the policy asks, and not ToReview
	ConsecutiveRuns int               `json:"consecutive_runs"`
	FirstSeen       string            `json:"first_seen,omitempty"` // date of the first audit that gave this advice without a break
	Flags           []analyzer.Flag   `json:"flags"`
	Reasons         []analyzer.Reason `json:"reasons"`
	Projected       *Projection       `json:"projected,omitempty"`
	// Schedule is when a machine is to be stopped: present with the action stop.
	Schedule *analyzer.Schedule `json:"schedule,omitempty"`
}

// ToReview reports whether people must review advice before it is acted on, however
// often it was given: its chance of harm is above that of grade C, or it is a stop of
// which this fleet has shown nothing yet.
func (r Recommendation) ToReview() bool {
	return r.Risk.Grade == "D" || r.Action == Stop && r.Risk.Prior
}

// Budgeted reports whether the chance of harm counts in the policy's risk budget: that of
// a smaller CPU or memory, and of the release of a machine. Storage, disks, addresses and
// stops have risks of their own beside it.
func (r Recommendation) Budgeted() bool {
	if r.Kind != cloud.Instance {
		return false
	}
	return r.Action == Release || r.Action == Downsize && r.Target != nil && r.Target.StorageGiB == r.Current.StorageGiB
}

// Pricing is the price of the resource as it stands and, for a change of size,
// as it would be, line by line: the saving is the difference of their sums.
type Pricing struct {
	Current []price.Line `json:"current"`
	Target  []price.Line `json:"target,omitempty"`
}

// Projection is utilization as it would have been on the proposed size.
type Projection struct {
	CPUP95    *float64 `json:"cpu_p95,omitempty"`
	CPUMax    *float64 `json:"cpu_max,omitempty"`
	MemoryP95 *float64 `json:"memory_p95,omitempty"`
	MemoryMax *float64 `json:"memory_max,omitempty"`
	DiskMax   *float64 `json:"disk_max,omitempty"`
}

// Risk is the chance that acting on a recommendation harms the service, as
// seen in the fleet's own past.
type Risk struct {
	HarmProbability float64 `json:"harm_probability"` // upper bound, 0 to 1
	Grade           string  `json:"grade"`            // A to D
	Exceeded        int     `json:"exceeded"`         // of Compared comparisons of the past that would have been given about this chance, how many were exceeded; of a stop, weeks
	Compared        int     `json:"compared"`         // 0 where the prior was used
	Prior           bool    `json:"prior,omitempty"`  // the fleet is too young to speak: the shipped prior was used
	// Parts add up to HarmProbability, before it was rounded up: each dimension that
	// shrinks, or for a release the CPU; none of disks, addresses and machines that are off.
	Parts []Working `json:"parts,omitempty"`
}

// Refusal is a resource that matched a rule but for which nothing is proposed.
type Refusal struct {
	ResourceID string            `json:"resource_id"`
	Kind       cloud.Kind        `json:"kind"`
	Rule       string            `json:"rule"`
	Reasons    []analyzer.Reason `json:"reasons"`
}
