package notice

import (
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/recommender"
)

// Events that the recheck makes; a workflow says from where they are possible.
const (
	eventWithdraw = "withdraw"
	eventUnfreeze = "unfreeze"
)

var recheckEvents = []string{eventWithdraw, eventUnfreeze}

// Reasons that the recheck gives.
const (
	Gone         = "gone"          // the cloud lists it no more
	Resized      = "resized"       // it has another size than the one that was cited
	OwnerChanged = "owner_changed" // it belongs to another department
	SignsOfLife  = "signs_of_life" // it is judged to be in use
	NotAdvised   = "not_advised"   // the policy proposes this no more
)

var recheckCodes = []string{Gone, Resized, OwnerChanged, SignsOfLife, NotAdvised}

// Codes of what was seen: Value is what is now, Limit what was cited.
const (
	SeenAbsent       = "absent" // Date: when it was not listed
	SeenVCPU         = "vcpu_changed"
	SeenMemory       = "memory_changed"
	SeenStorage      = "storage_changed"
	SeenInstanceType = "instance_type_changed" // Detail: the present one
	SeenDepartment   = "department_changed"    // Detail: the present one
	SeenVerdict      = "verdict"               // Detail: the present one
)

// Present is what is known of a case's resource now.
type Present struct {
	At time.Time
	// Complete reports whether the listing that holds the resource was read to the
	// end: only then does absence mean anything.
	Complete bool
	Resource *cloud.Resource   // nil: not listed
	Finding  *analyzer.Finding // nil: not judged
	// Recommendation is what is advised for the resource now; nil for nothing.
	Recommendation *recommender.Recommendation
	Refusal        *recommender.Refusal // why nothing is; nil where nobody said
}

// Recheck holds a case against the present, before every step. Where its advice no
// longer holds it returns the event that takes it back, with a reason and what was
// seen; a frozen resource with signs of life is thawed, for people to look at.
// False: it holds, or not enough is known, or the case stands where the workflow
// lets the program take nothing back.
func (w Workflow) Recheck(c Case, now Present) (Event, bool) {
	reason, seen := c.against(now)
	if reason == "" {
		return Event{}, false
	}
	e := Event{Name: eventWithdraw, By: Program(), At: now.At, Reason: reason, Seen: cloneReasons(seen)}
	may := func(event string) bool {
		return slices.ContainsFunc(w.Allowed(c, e.By), func(t Transition) bool { return t.Event == event })
	}
	if reason == SignsOfLife && may(eventUnfreeze) {
		e.Name = eventUnfreeze
	}
	return e, may(e.Name)
}

func (c Case) against(now Present) (reason string, seen []analyzer.Reason) {
	switch {
	case now.Resource == nil && now.Complete:
		return Gone, []analyzer.Reason{{Code: SeenAbsent, Date: now.At.Format(time.DateOnly)}}
	case now.Resource == nil:
		return "", nil
	}
	if seen := c.sizeSeen(*now.Resource); len(seen) > 0 {
		return Resized, seen
	}
	if now.Resource.Department != c.Department {
		return OwnerChanged, []analyzer.Reason{{Code: SeenDepartment, Detail: now.Resource.Department}}
	}
	// Too little data is no sign of life: a frozen machine has none at all.
	if now.Finding == nil || now.Finding.Verdict == analyzer.InsufficientData {
		return "", nil
	}
	if c.alive(now.Finding.Verdict) {
		return SignsOfLife, append([]analyzer.Reason{{Code: SeenVerdict, Detail: string(now.Finding.Verdict)}}, now.Finding.Reasons...)
	}
	advised := c.Cited.Recommendation.Action // a department may have asked for less than that
	if now.Recommendation != nil && now.Recommendation.ResourceID == c.ResourceID && now.Recommendation.Action == advised {
		return "", nil
	}
	seen = []analyzer.Reason{{Code: SeenVerdict, Detail: string(now.Finding.Verdict)}}
	if now.Refusal != nil {
		return NotAdvised, append(seen, now.Refusal.Reasons...)
	}
	return NotAdvised, append(seen, now.Finding.Reasons...)
}

// sizeSeen compares the size with the one cited. The storage of an instance is that
// of its disks, which have cases of their own.
func (c Case) sizeSeen(r cloud.Resource) []analyzer.Reason {
	cited := c.Cited.Recommendation.Current
	var seen []analyzer.Reason
	compare := func(code string, now, before float64, unit cloud.Unit) {
		if now != before {
			seen = append(seen, analyzer.Reason{Code: code, Value: &now, Limit: &before, Unit: unit})
		}
	}
	switch c.Kind {
	case cloud.Instance:
		compare(SeenVCPU, float64(r.VCPU), float64(cited.VCPU), cloud.Cores)
		compare(SeenMemory, r.MemoryGiB, cited.MemoryGiB, cloud.GiB)
		if r.InstanceType != cited.InstanceType {
			seen = append(seen, analyzer.Reason{Code: SeenInstanceType, Detail: r.InstanceType})
		}
	case cloud.Disk:
		compare(SeenStorage, r.StorageGiB, cited.StorageGiB, cloud.GiB)
	}
	return seen
}

// alive reports whether a verdict says that what the case proposes would hurt.
func (c Case) alive(v analyzer.Verdict) bool {
	switch c.Action {
	case recommender.Release:
		return v != analyzer.Idle && v != analyzer.Unattached
	case recommender.Downsize:
		return v == analyzer.Optimized || v == analyzer.Underprovisioned
	default:
		return v == analyzer.Underprovisioned // a machine that is busy by day may well rest at night
	}
}
