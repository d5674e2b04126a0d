package backtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
	"yunjian/utilization"
)

var decided = time.Date(2026, 11, 13, 0, 0, 0, 0, time.UTC)

// steps is n samples every five minutes from at on.
func steps(at time.Time, n int, value func(i int) float64) []cloud.Point {
	out := make([]cloud.Point, n)
	for i := range out {
		out[i] = cloud.Point{T: at.Unix() + int64(i)*300, V: value(i)}
	}
	return out
}

func horizon(value func(i int) float64) Horizon {
	points := map[cloud.Metric][]cloud.Point{
		cloud.CPUPercent:    steps(decided.AddDate(0, 0, -1), 288*11, func(i int) float64 { return value(i - 288) }),
		cloud.MemoryPercent: steps(decided.AddDate(0, 0, -1), 288*11, func(int) float64 { return 40 }),
	}
	return horizonOf(decided, decided.AddDate(0, 0, 10), points, utilization.NewAccumulator(time.UTC))
}

// Of 2,880 samples, 14 are fewer than 0.5 % and 15 are more.
func TestHarmIsMoreThanHalfAPercent(t *testing.T) {
	above := func(n int, peak float64) Horizon {
		return horizon(func(i int) float64 {
			if i >= 0 && i < n {
				return peak
			}
			return 10
		})
	}
	for _, c := range []struct {
		name  string
		h     Horizon
		to    Size
		harms bool
	}{
		{"a need of half the cores, half of them left", above(100, 50), Size{4, 32}, false}, // equal is not above
		{"a little more than half, for 14 samples", above(14, 50.01), Size{4, 32}, false},
		{"a little more than half, for 15 samples", above(15, 50.01), Size{4, 32}, true},
		{"nothing taken", above(2880, 100), Size{8, 32}, false},
		{"memory below its level", above(0, 0), Size{8, 12}, true},
		{"memory at its level", above(0, 0), Size{8, 12.8}, false},
	} {
		if got := c.h.Harmed(Size{8, 32}, c.to); got != c.harms {
			t.Errorf("%s: harmed %v", c.name, got)
		}
	}
}

func TestQuiet(t *testing.T) {
	for _, c := range []struct {
		n     int
		peak  float64
		quiet bool
	}{{2880, 20, true}, {14, 20.01, true}, {15, 20.01, false}} {
		h := horizon(func(i int) float64 {
			if i >= 0 && i < c.n {
				return c.peak
			}
			return 1
		})
		if h.Quiet() != c.quiet {
			t.Errorf("%d samples of %v: quiet %v", c.n, c.peak, h.Quiet())
		}
	}
}

func TestCountedFromHalfTheSlotsOn(t *testing.T) {
	for n, counted := range map[int]bool{1439: false, 1440: true} {
		points := map[cloud.Metric][]cloud.Point{cloud.CPUPercent: steps(decided, n, func(int) float64 { return 1 })}
		h := horizonOf(decided, decided.AddDate(0, 0, 10), points, utilization.NewAccumulator(time.UTC))
		if h.Counted() != counted {
			t.Errorf("%d of %d slots: counted %v", n, h.Slots, h.Counted())
		}
	}
}

func TestSizesOnOffer(t *testing.T) {
	if got := VCPUs(12); !slices.Equal(got, []int{1, 2, 4, 8, 12}) {
		t.Error(got)
	}
	if got := Memories(0.25); !slices.Equal(got, []float64{0.25}) {
		t.Error(got)
	}
	for _, c := range []struct {
		cores, gib float64
		want       Size
	}{
		{2, 4, Size{2, 4}}, {2.01, 4.01, Size{4, 8}}, {99, 99, Size{12, 48}}, {math.NaN(), 3, Size{12, 4}}, {0, math.NaN(), Size{1, 48}},
	} {
		if got := Smallest(Size{12, 48}, c.cores, c.gib); got != c.want {
			t.Errorf("%v cores and %v GiB: %v, want %v", c.cores, c.gib, got, c.want)
		}
	}
}

// A rule sees nothing of what comes, and what it takes is counted at the score's
// prices.
func TestReplay(t *testing.T) {
	halve := Rule{ID: "halve", Name: "halve", Source: "here", Parameters: map[string]float64{"of": 2}, Size: func(m *Machine) (Size, bool) {
		if last := m.Points(cloud.CPUPercent, 0); len(last) == 0 || last[len(last)-1].T >= decided.Unix() || m.Summary(cloud.CPUPercent, 0).Max > 10 {
			t.Error("the rule was shown what came after")
		}
		return Smallest(SizeOf(m.Resource), float64(m.Resource.VCPU)/2, m.Resource.MemoryGiB/2), m.Resource.ID != "silent"
	}}
	replay := Replay{DecideAt: decided, HistoryFrom: decided.AddDate(0, 0, -20), HorizonEnd: decided.AddDate(0, 0, 10), Rules: []Rule{halve}, Budgets: []float64{0.05}, Constants: recommender.Standard()}
	if err := replay.Check(); err != nil {
		t.Fatal(err)
	}
	pack, _ := policies.ByID(policies.DefaultID)
	study := NewStudy(pack, time.UTC)
	var cases []Case
	for id, later := range map[string]float64{"calm": 10, "wakes": 90, "silent": 10} {
		points := steps(decided.AddDate(0, 0, -20), 30*288, func(i int) float64 {
			if i >= 20*288 {
				return later
			}
			return 10
		})
		cases = append(cases, study.Case(replay, cloud.Resource{ID: id, Kind: cloud.Instance, VCPU: 8, MemoryGiB: 32}, map[cloud.Metric][]cloud.Point{cloud.CPUPercent: points, cloud.MemoryPercent: points}))
	}
	cases = append(cases, study.Case(replay, cloud.Resource{ID: "gone", Kind: cloud.Instance, VCPU: 8, MemoryGiB: 32}, nil))
	slices.SortFunc(cases, func(a, b Case) int {
		if a.Resource.ID < b.Resource.ID {
			return -1
		}
		return 1
	})
	if none := replay.Decide(cases[1:2]); none.Instances != 0 || len(none.Rules) != 0 {
		t.Errorf("of no machine that is known: %+v", none)
	}
	got := replay.Decide(cases)
	if got.Instances != 3 || len(got.Rules) != 2 {
		t.Fatalf("%d instances, %d rules", got.Instances, len(got.Rules))
	}
	// Two could have had 1 vCPU and 4 GiB of 8 and 32, the third nothing less.
	if want := 2 * (1 - 1800.0/14400) / 3; got.Hindsight == nil || math.Abs(*got.Hindsight-want) > 1e-12 {
		t.Errorf("with hindsight %v, want %v", got.Hindsight, want)
	}
	// Of memory that nobody measured nothing was known afterwards, either.
	present := Size{8, 32}
	blind := horizonOf(decided, replay.HorizonEnd, map[cloud.Metric][]cloud.Point{cloud.CPUPercent: steps(decided, 10*288, func(int) float64 { return 10 })}, utilization.NewAccumulator(time.UTC))
	if got, want := blind.Outcome(present, false).Least(present), (Size{1, 32}); got != want {
		t.Errorf("without memory %v with hindsight, want %v", got, want)
	}
	r := got.Rules[1]
	if r.Acted != 2 || r.Abstained != 1 || r.Harmed != 1 || math.Abs(r.SavingFraction-1.0/3) > 1e-12 || math.Abs(r.HarmedFraction-1.0/3) > 1e-12 || r.ReleasedVCPU != 8 || r.ReleasedMemoryGiB != 32 || r.PredictedHarmFraction != nil {
		t.Errorf("%+v", r)
	}
	if own := got.Rules[0]; own.Rule != "yunjian" || own.PredictedHarmFraction == nil || *own.PredictedHarmFraction > 0.05 {
		t.Errorf("%+v", own)
	}
	for _, at := range []time.Time{decided.AddDate(0, 0, -18), decided.AddDate(0, 0, 8)} {
		late := replay
		late.DecideAt = at
		if late.Check() == nil {
			t.Errorf("decided at %v of 20 days before and 10 after", at)
		}
	}
}
