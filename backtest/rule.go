package backtest

import (
	"slices"

	"yunjian/cloud"
)

// Rule decides for each machine by itself.
type Rule struct {
	ID         string             // as people ask for it: aws-compute-optimizer-default
	Name       string             // product, and which of its settings
	Source     string             // where its definition stands
	Parameters map[string]float64 // of the settings

	// Size is the size it wants, the present one or a smaller one on offer; false:
	// it says nothing of this machine. Nil: it has nothing to say of sizes.
	Size func(m *Machine) (Size, bool)
	// Release reports whether it would give the machine up; false twice: it says
	// nothing. Nil: it has nothing to say of releases.
	Release func(m *Machine) (release, ok bool)
}

// Outcome is what came of a machine after the decision, for every size on offer.
type Outcome struct {
	Counted bool   // enough of it is known
	Quiet   bool   // it could have been released
	Idle    bool   // it was idle by the policy
	vcpu    []bool // harmed, by VCPUs of the present size
	memory  []bool // harmed, by Memories of the present size
	unseen  bool   // of memory nothing is known, so that no size of it harms
}

// Outcome says of a machine of the present size what would have come of others.
// idle is whether the policy calls it idle over the horizon.
func (h Horizon) Outcome(present Size, idle bool) Outcome {
	o := Outcome{Counted: h.Counted(), Quiet: h.Quiet(), Idle: idle, unseen: h.All[cloud.MemoryPercent].Samples == 0}
	for _, v := range VCPUs(present.VCPU) {
		o.vcpu = append(o.vcpu, h.Harmed(present, Size{v, present.MemoryGiB}))
	}
	for _, g := range Memories(present.MemoryGiB) {
		o.memory = append(o.memory, h.Harmed(present, Size{present.VCPU, g}))
	}
	return o
}

// Answer is what one rule says of one machine.
type Answer struct {
	Size     Size // the present one where nothing is to change
	Release  bool
	Abstains bool    // from both
	Harm     float64 // the chance of harm that the rule states of Size; NaN: none
	Wakes    float64 // and of a release; NaN: none
}

// Harmed reports whether a machine that went from its present size to another
// came to want what was taken.
func (o Outcome) Harmed(present, to Size) bool {
	i := slices.Index(VCPUs(present.VCPU), to.VCPU)
	j := slices.Index(Memories(present.MemoryGiB), to.MemoryGiB)
	return i >= 0 && o.vcpu[i] || j >= 0 && o.memory[j]
}

// Least is the smallest size that would have harmed nobody; memory of which nothing is
// known stays as it is.
func (o Outcome) Least(present Size) Size {
	least := Size{VCPUs(present.VCPU)[slices.Index(o.vcpu, false)], present.MemoryGiB}
	if !o.unseen {
		least.MemoryGiB = Memories(present.MemoryGiB)[slices.Index(o.memory, false)]
	}
	return least
}
