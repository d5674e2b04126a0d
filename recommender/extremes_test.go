package recommender

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// Of a machine whose size no source gives there is no chance to be told but the
// prior's, also in a fleet that has learned.
func TestReleaseOfUnknownSize(t *testing.T) {
	p := baseline(t)
	fleet := fleetOf(t, p, 100, 0, 1)
	c := machine(t, p, cloud.Resource{ID: "i-x"}, 1, 10)
	fleet = append(fleet, c)
	recs, refusals := Recommend(p, fleet, nil, book(t), nil, now)
	i := slices.IndexFunc(recs, func(r Recommendation) bool { return r.ResourceID == "i-x" })
	if i < 0 {
		t.Fatalf("not advised: %+v", refusals)
	}
	if r := recs[i]; r.Action != Release || !r.Risk.Prior || r.SavingKnown {
		t.Errorf("advice %+v", r)
	}
}

// What was not seen is not what was not exceeded: a machine without samples after an
// instant, or that was off for most of the time after it, is not compared.
func TestSilenceIsNoComparison(t *testing.T) {
	k := Standard()
	r := cloud.Resource{Kind: cloud.Instance, VCPU: 8, MemoryGiB: 32}
	o := k.Origins(now.AddDate(0, 0, -30), now, 10*24*time.Hour)[5]
	before := map[cloud.Metric]utilization.Summary{cloud.CPUPercent: flat(cloud.CPUPercent, 10, 10, cloud.Window{From: now.AddDate(0, 0, -30), To: o.At})}
	after := flat(cloud.CPUPercent, 10, 10, cloud.Window{From: o.At, To: o.End})
	off := flat(cloud.CPUPercent, 10, 10, cloud.Window{From: o.At, To: o.At.AddDate(0, 0, 2)})
	off.Window = after.Window // of which only two days are expected
	for _, c := range []struct {
		name  string
		after map[cloud.Metric]utilization.Summary
		want  int
	}{
		{"seen", map[cloud.Metric]utilization.Summary{cloud.CPUPercent: after}, 1},
		{"silent", map[cloud.Metric]utilization.Summary{}, 0},
		{"off", map[cloud.Metric]utilization.Summary{cloud.CPUPercent: off}, 0},
	} {
		if got := k.PastOf(r, before, []Instant{{before, c.after}}).Comparisons; len(got) != c.want {
			t.Errorf("%s: %d comparisons, want %d", c.name, len(got), c.want)
		}
	}
}

// Machines that have no smaller size tell nothing, and what CPU tells is not told of
// memory.
func TestTooFewComparedTeachNothing(t *testing.T) {
	k := Standard()
	one := fleet(1, 600, 0) // ten instants of 60 machines
	if !Learn(one, k).Learned(cloud.CPUPercent) || Learn(one, k).Learned(cloud.MemoryPercent) {
		t.Error("60 machines compared by CPU alone: want CPU learned, and memory not")
	}
	if Learn(one[:580], k).Learned(cloud.CPUPercent) {
		t.Error("learned of 58 machines")
	}
	for i := range one[1:] {
		one[i].Present = 1
	}
	if Learn(one, k).Learned(cloud.CPUPercent) {
		t.Error("learned of one machine, the others having no smaller size")
	}
}

// A high-availability group is one choice, but each of its machines runs its own chance.
func TestGravestIsOfOneMachine(t *testing.T) {
	group := Choosable{Options: []Option{{Saving: 10, Harm: 0.4, Gravest: 0.1}}}
	one := Choosable{Options: []Option{{Saving: 10, Harm: 0.4, Gravest: 0.4}}}
	if got := Choose([]Choosable{group, one}, Limits{Harm: 2, Gravest: 0.25, Aversion: math.Inf(1), Kin: 2}); !slices.Equal(got, []int{0, -1}) {
		t.Errorf("chose %v", got)
	}
	if got := Choose([]Choosable{group}, Limits{Harm: 0.3, Gravest: 0.25, Kin: 2}); !slices.Equal(got, []int{-1}) {
		t.Errorf("chose %v beyond the budget", got)
	}
	// Where it may be graver, twice the chance counts four times at a power of two.
	graver := Choosable{Options: []Option{{Saving: 10, Harm: 0.5, Gravest: 0.5}}}
	for budget, want := range map[float64]int{1.99: -1, 2.01: 0} {
		if got := Choose([]Choosable{graver}, Limits{Harm: budget, Gravest: 0.25, Aversion: 2, Kin: 2}); !slices.Equal(got, []int{want}) {
			t.Errorf("of a budget of %v: chose %v, want %d", budget, got, want)
		}
	}
}

// Machines that are quite alike have one price of risk: of them as many are chosen as the
// budget allows.
func TestChooseAmongTheAlike(t *testing.T) {
	machines := slices.Repeat([]Choosable{{Options: []Option{{10, 0.1, 0.1}}}}, 9)
	for budget, want := range map[float64]int{0.05: 0, 0.35: 3, 0.45: 4, 2: 9} {
		chosen := 0
		for _, k := range Choose(machines, Limits{Harm: budget, Gravest: 1, Kin: 1}) {
			chosen += k + 1
		}
		if chosen != want {
			t.Errorf("of a budget of %v: chose %d, want %d", budget, chosen, want)
		}
	}
}

// A department's allowance does not part the peers of a group.
func TestAllowanceKeepsPeersTogether(t *testing.T) {
	p := baseline(t)
	share := 50.0
	p.Parameters, p.Allowance = []policies.Parameter{{ID: "share", Unit: cloud.Percent, Max: 100, Value: &share}}, &policies.Allowance{Parameter: "share"}
	peer := func(id, department string) Candidate {
		return machine(t, p, cloud.Resource{ID: id, VCPU: 8, MemoryGiB: 32, HAGroup: "ha", Department: department}, 1, 10)
	}
	busy := machine(t, p, cloud.Resource{ID: "i-3", VCPU: 8, MemoryGiB: 32, Department: "甲"}, 45, 50)
	got := describe(Recommend(p, []Candidate{peer("i-1", "甲"), peer("i-2", "乙"), busy}, catalogue(), book(t), nil, now))
	if want := []string{"i-1: refused within_allowance 甲", "i-2: refused ha_group ha"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever was learned from, a chance is one, and the weights are found: Newton's method
// neither runs away nor swings.
func TestChancesOfExtremes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	level := func() float64 { return []float64{0, 0, 0.01, 1, 50, 100}[random.IntN(6)] }
	mixed := func() Levels {
		return Levels{
			Max: level(), P999: level(), P995: level(), P99: level(), P95: level(), P90: level(), P50: level(), Mean: level(),
			HighestP98: level(), MedianP98: level(), SecondP99: level(), ThirdP99: level(), MedianMax: level(),
			EarlyP99: level(), LateP99: level(), WeekP99: level(), LastP99: level(), WeekMax: level(), Spread: 3 * random.Float64(), Days: 30 * random.Float64(),
		}
	}
	for _, shape := range []struct {
		name   string
		levels func() Levels
		need   func() float64
	}{
		{"all at zero", func() Levels { return Levels{} }, func() float64 { return 0 }},
		{"all alike", func() Levels { return Levels{Max: 50, P50: 10, Days: 10} }, func() float64 { return 30 }},
		{"any", mixed, level},
		{"never", mixed, func() float64 { return 0 }},
		{"always", mixed, func() float64 { return 100 }},
	} {
		k := Standard()
		var past []Comparison
		var rows [][]float64
		var exceeded []bool
		var weight []float64
		for i := range 1200 {
			c := Comparison{Metric: sized[i%2], Present: []float64{2, 16, 4096}[i/2%3], Before: shape.levels(), Need: shape.need()}
			past = append(past, c)
			rows, exceeded, weight = append(rows, k.features(c, 0.5)), append(exceeded, c.Need > 50), append(weight, 0.1)
		}
		r := newRegression(rows, exceeded)
		r.fit(weight, k.Ridge, k.Taken, fewSteps)
		found := slices.Clone(r.w)
		r.fit(weight, k.Ridge, k.Taken, 1)
		for i, w := range r.w {
			if !(math.Abs(w-found[i]) < 1e-6) {
				t.Errorf("%s: weight %d is %v after %d steps, then %v", shape.name, i, found[i], fewSteps, w)
			}
		}
		ch := Learn(past, k)
		for _, c := range past {
			for half := range halvings {
				if p := ch.Chance(c.Metric, c.Present, c.Before, math.Ldexp(c.Present, -half-1)); !(p >= 0 && p <= 1) {
					t.Fatalf("%s: chance %v", shape.name, p)
				}
			}
		}
	}
}

// A policy that accepts little takes nothing above a quarter; one that accepts more, at a
// price.
func TestLimitsOfABudget(t *testing.T) {
	k := Standard()
	for _, c := range []struct{ budget, gravest, aversion float64 }{
		{0.02, 0.25, math.Inf(1)}, {0.05, 0.25, math.Inf(1)}, {0.1, 0.5, 4}, {0.4, 1, 4},
	} {
		if l := k.Limits(c.budget, 100); l.Gravest != c.gravest || l.Aversion != c.aversion || l.Harm != 100*c.budget {
			t.Errorf("budget %v: %+v, want a gravest of %v, aversion %v", c.budget, l, c.gravest, c.aversion)
		}
	}
}
