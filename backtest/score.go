package backtest

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// How decisions are scored. A machine is harmed by a smaller size where it needed
// more than that in more than harmShare of what came after, in a dimension that
// was reduced; it may be released where it stayed at or below quiet percent
// of its CPU in all but harmShare of the samples.
const (
	harmShare = 0.005
	quiet     = 20.0 // percent

	// What the score calls saved, yuan a year. Only their ratio matters.
	yuanPerVCPU = 600
	yuanPerGiB  = 300
)

// Sizes on offer for the score, beside the present value of either.
var (
	vcpuLadder   = []int{1, 2, 4, 8, 16, 32, 64}
	memoryLadder = []float64{0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512} // GiB
)

// Size is what a rule may make smaller.
type Size struct {
	VCPU      int
	MemoryGiB float64
}

// SizeOf is the present size of a resource.
func SizeOf(r cloud.Resource) Size { return Size{r.VCPU, r.MemoryGiB} }

// annual is yuan a year, as the score counts.
func (s Size) annual() float64 { return yuanPerVCPU*float64(s.VCPU) + yuanPerGiB*s.MemoryGiB }

// VCPUs is the numbers of vCPU on offer in place of the present one, which comes
// last.
func VCPUs(present int) []int {
	i, _ := slices.BinarySearch(vcpuLadder, present)
	return append(slices.Clone(vcpuLadder[:i]), present)
}

// Memories is the memory sizes on offer in place of the present one, which comes
// last.
func Memories(present float64) []float64 {
	i, _ := slices.BinarySearch(memoryLadder, present)
	return append(slices.Clone(memoryLadder[:i]), present)
}

// Smallest is the smallest size on offer that has room for so many cores and so
// much memory; NaN: that dimension stays as it is.
func Smallest(present Size, cores, gib float64) Size {
	s := present
	if i := slices.IndexFunc(VCPUs(present.VCPU), func(v int) bool { return float64(v) >= cores }); i >= 0 {
		s.VCPU = VCPUs(present.VCPU)[i]
	}
	if i := slices.IndexFunc(Memories(present.MemoryGiB), func(v float64) bool { return v >= gib }); i >= 0 {
		s.MemoryGiB = Memories(present.MemoryGiB)[i]
	}
	return s
}

// Horizon is what a machine needed after the decision.
type Horizon struct {
	All   map[cloud.Metric]utilization.Summary // of metrics with samples
	Slots int                                  // of five minutes between decision and end
}

// horizonOf summarizes what lies from at to end.
func horizonOf(at, end time.Time, points map[cloud.Metric][]cloud.Point, acc *utilization.Accumulator) Horizon {
	w := cloud.Window{From: at, To: end}
	h := Horizon{All: map[cloud.Metric]utilization.Summary{}, Slots: int(end.Sub(at) / utilization.Step)}
	for m, all := range points {
		_, after := split(all, at)
		after, _ = split(after, end)
		if len(after) == 0 {
			continue
		}
		acc.Reset(utilization.Step)
		acc.AddPoints(after)
		h.All[m] = acc.Summary(m, w, utilization.Expected(w, utilization.Step))
	}
	return h
}

// Counted reports whether enough of the horizon is known to score a decision.
func (h Horizon) Counted() bool { return 2*h.All[cloud.CPUPercent].Samples >= h.Slots }

// Harmed reports whether a machine that went from one size to the other came to
// want what was taken.
func (h Horizon) Harmed(from, to Size) bool {
	return to.VCPU < from.VCPU && above(h.All[cloud.CPUPercent], 100*float64(to.VCPU)/float64(from.VCPU)) ||
		to.MemoryGiB < from.MemoryGiB && above(h.All[cloud.MemoryPercent], 100*to.MemoryGiB/from.MemoryGiB)
}

// above reports whether more than harmShare of the samples are above a share of
// the present size, percent. Demand is capped at the present size, so 100 is never
// exceeded.
func above(u utilization.Summary, percent float64) bool {
	return u.Samples > 0 && percent < 100 && u.ShareAbove(percent) > harmShare
}

// Quiet reports whether the machine could have been released.
func (h Horizon) Quiet() bool {
	return h.All[cloud.CPUPercent].Samples > 0 && h.All[cloud.CPUPercent].ShareAbove(quiet) <= harmShare
}

// Score is how the decisions of one rule turned out.
type Score struct {
	Counted, Acted, Harmed int
	Abstained              int
	SavingFraction         float64
	HarmedFraction         float64
	PredictedHarmFraction  float64 // mean of the chances stated; NaN: the rule states none
	ReleasedVCPU           int
	ReleasedMemoryGiB      float64
	Releases               Releases
}

// Releases is how the releases of a rule turned out.
type Releases struct {
	Named int // machines the rule would have released
	Quiet int // of these, how many stayed quiet
	Idle  int // machines that were idle by the policy over the horizon
	Found int // of these, how many the rule had named
}

// Precision is the share of the released that stayed quiet; NaN of none.
func (r Releases) Precision() float64 { return share(r.Quiet, r.Named) }

// Recall is the share of the idle that were found; NaN of none.
func (r Releases) Recall() float64 { return share(r.Found, r.Idle) }

func share(n, of int) float64 {
	if of == 0 {
		return math.NaN()
	}
	return float64(n) / float64(of)
}

// unharmed is the share of the price that is saved where every machine gets the
// smallest size that would not have harmed it.
func unharmed(cases []Case) float64 {
	before, after := 0.0, 0.0
	for _, c := range cases {
		present := SizeOf(c.Resource)
		before += present.annual()
		after += c.Outcome.Least(present).annual()
	}
	return ratio(before-after, before)
}
