package recommender

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Weights of a known chance are found again, whatever the scale of its features.
func TestLogisticFindsKnownWeights(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	want := []float64{0.02, -1.5, 0.7} // the last is the constant
	var rows [][]float64
	var outcome []bool
	var weight []float64
	for range 40_000 {
		row := []float64{100 * random.NormFloat64(), random.NormFloat64() + 3, 1}
		rows = append(rows, row)
		outcome = append(outcome, random.Float64() < sigmoid(dot(want, row)))
		weight = append(weight, 1)
	}
	check := func(r *regression) {
		for _, row := range [][]float64{{0, 0, 1}, {0, 2, 1}, {100, 3, 1}, {-200, 3, 1}, {50, 1, 1}} {
			odds, _ := r.odds(row)
			if p, q := sigmoid(odds), sigmoid(dot(want, row)); math.Abs(p-q) > 0.05 {
				t.Errorf("chance %v at %v, want %v", p, row, q)
			}
		}
	}
	r := newRegression(rows, outcome)
	r.fit(weight, 1e-6, 0.5, fewSteps)
	check(r)
	for i := range outcome { // rows of no weight change nothing
		if i%2 == 0 {
			outcome[i], weight[i] = !outcome[i], 0
		}
	}
	r.fit(weight, 1e-6, 0.5, fewSteps)
	check(r)
}

// fleet is comparisons of machines whose need lies about their highest level, save
// that some wake up to anything.
func fleet(seed uint64, n int, wake float64) []Comparison {
	random := rand.New(rand.NewPCG(seed, 3))
	var out []Comparison
	for range n {
		level := math.Exp(2 + random.NormFloat64())
		need := level * math.Exp(0.15*random.NormFloat64())
		if random.Float64() < wake {
			need = 100
		}
		l := Levels{
			Max: level, P999: level, P995: level, P99: level, P95: level * 0.8, P90: level * 0.7, P50: level / 2, Mean: level / 2,
			HighestP98: level, MedianP98: level * 0.9, SecondP99: level, ThirdP99: level, MedianMax: level, EarlyP99: level, LateP99: level,
			WeekP99: level, LastP99: level, WeekMax: level, Spread: 0.1, Days: 20,
		}
		out = append(out, Comparison{Metric: cloud.CPUPercent, Present: 16, Before: l, Need: min(need, 100)})
	}
	return out
}

// What is learned of a fleet holds on another of its kind: without a margin of
// confidence the chances add up to about what comes, far above the levels as well as
// near them, and with it to no less.
func TestChancesAreWhatComes(t *testing.T) {
	for _, wake := range []float64{0, 0.03} {
		k := Standard()
		k.Instants = 1 // each machine is compared once
		past, future := fleet(1, 1500, wake), fleet(2, 3000, wake)
		bound := Learn(past, k)
		k.Confidence = 0.5
		ch := Learn(past, k)
		for _, margin := range []struct{ from, to float64 }{{0.7, 0.9}, {1, 1.3}, {2, 4}, {4, 12}} {
			stated, bounded, came, n := 0.0, 0.0, 0.0, 0.0
			for _, c := range future {
				for _, cores := range []float64{8, 4, 2, 1} {
					percent := 100 * cores / c.Present
					if m := percent / c.Before.Max; m < margin.from || m > margin.to {
						continue
					}
					n++
					stated += ch.Chance(c.Metric, c.Present, c.Before, cores)
					bounded += bound.Chance(c.Metric, c.Present, c.Before, cores)
					if c.Need > percent {
						came++
					}
				}
			}
			if n < 200 || math.Abs(stated-came) > 0.04*n {
				t.Errorf("wake %v, sizes %v to %v times the level: %.4f stated, %.4f came, of %v", wake, margin.from, margin.to, stated/n, came/n, n)
			}
			if bounded < stated || bounded < came-0.01*n {
				t.Errorf("wake %v, sizes %v to %v times the level: bound %.4f, likely %.4f, came %.4f", wake, margin.from, margin.to, bounded/n, stated/n, came/n)
			}
		}
	}
}

func TestNothingLearnedIsNoPromise(t *testing.T) {
	if p := Learn(nil, Standard()).Chance(cloud.CPUPercent, 8, Levels{}, 4); p != 1 {
		t.Errorf("chance of harm %v although nothing was learned", p)
	}
}

func TestChancesAreTheSameAgain(t *testing.T) {
	c := fleet(5, 900, 0.02)
	a, b := Learn(c, Standard()), Learn(slices.Clone(c), Standard())
	if a.r == nil || !slices.Equal(a.r.w, b.r.w) || a.wake != b.wake || !slices.Equal(a.alike, b.alike) {
		t.Error("the same comparisons taught other chances")
	}
}

// A machine that is like none that was compared is told a greater chance than the
// regression alone would.
func TestTheUnlikeIsLessSure(t *testing.T) {
	k := Standard()
	bound := Learn(fleet(1, 1500, 0.01), k)
	k.Confidence = 0.5
	likely := Learn(fleet(1, 1500, 0.01), k)
	like := fleet(2, 1, 0)[0].Before
	unlike := like
	unlike.Max, unlike.P999, unlike.P995, unlike.P99 = 100, 100, 100, 100 // two days at the limit, long ago
	gap := func(l Levels) float64 {
		return bound.Chance(cloud.CPUPercent, 16, l, 8) - likely.Chance(cloud.CPUPercent, 16, l, 8)
	}
	if gap(unlike) < gap(like)+0.05 {
		t.Errorf("the bound is %v above the chance for a machine like the others, %v for one like none", gap(like), gap(unlike))
	}
}

// The comparisons given about the same chance bear it out.
func TestAlike(t *testing.T) {
	ch := Learn(fleet(1, 3000, 0.02), Standard())
	for _, chance := range []float64{0.02, 0.05, 0.2} {
		exceeded, compared := ch.Alike(chance)
		if compared < 100 || float64(exceeded) > 2*chance*float64(compared) {
			t.Errorf("about %v: %d of %d were exceeded", chance, exceeded, compared)
		}
	}
	if _, compared := ch.Alike(1e-9); compared != 0 {
		t.Errorf("%d comparisons were promised nothing at all", compared)
	}
}

// Within the limits, and with more to risk no less is saved.
func TestChooseKeepsTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		option := rapid.Custom(func(t *rapid.T) Option {
			harm := rapid.Float64Range(0, 0.5).Draw(t, "harm")
			return Option{rapid.Float64Range(0, 10_000).Draw(t, "saving"), harm, harm}
		})
		machines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Choosable {
			return Choosable{rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "kin"), rapid.SliceOfN(option, 0, 5).Draw(t, "options")}
		}), 0, 40).Draw(t, "machines")
		l := Limits{Harm: rapid.Float64Range(0, 3).Draw(t, "harm"), Gravest: rapid.Float64Range(0.05, 0.5).Draw(t, "gravest"), Aversion: rapid.SampledFrom([]float64{0, 4, math.Inf(1)}).Draw(t, "aversion"), Kin: rapid.IntRange(1, 40).Draw(t, "kin")}
		saved := func(l Limits) float64 {
			harm, saving, kin := 0.0, 0.0, map[string]int{}
			chosen := Choose(machines, l)
			for i, k := range chosen {
				if k < 0 {
					continue
				}
				o := machines[i].Options[k]
				if harm, saving = harm+o.Harm, saving+o.Saving; o.Harm > l.Gravest && math.IsInf(l.Aversion, 1) {
					t.Fatalf("a chance of %v with %v as the gravest", o.Harm, l.Gravest)
				}
				if of := machines[i].Kin; of != "" {
					if kin[of]++; kin[of] > l.Kin {
						t.Fatalf("%d of kin %s, want at most %d", kin[of], of, l.Kin)
					}
				}
			}
			if len(chosen) != len(machines) || harm > l.Harm {
				t.Fatalf("harm %v of a budget of %v", harm, l.Harm)
			}
			return saving
		}
		l.Kin = 200 // a kin's limit is kept greedily: only without it more can be asked for
		least := saved(l)
		l.Harm++
		if larger := saved(l); larger < least-1e-6*least {
			t.Fatalf("a larger budget saves %v, less than %v", larger, least)
		}
		l.Kin = rapid.IntRange(1, 5).Draw(t, "few")
		saved(l)
	})
}

// Of one kin those stay that save most, and others take what the rest would have risked.
func TestChooseSparesAKin(t *testing.T) {
	machine := func(kin string, saving float64) Choosable {
		return Choosable{Kin: kin, Options: []Option{{saving, 0.1, 0.1}}}
	}
	got := Choose([]Choosable{machine("a", 5), machine("a", 7), machine("a", 6), machine("", 1), machine("b", 2)}, Limits{Harm: 0.35, Gravest: 1, Kin: 2})
	if want := []int{Spared, 0, 0, None, 0}; !slices.Equal(got, want) {
		t.Errorf("chose %v, want %v", got, want)
	}
}

// What is too little for the next may do for another.
func TestChooseSpendsWhatIsLeft(t *testing.T) {
	got := Choose([]Choosable{{Options: []Option{{10, 0.1, 0.1}}}, {Options: []Option{{3, 0.04, 0.04}, {4, 0.06, 0.06}}}}, Limits{Harm: 0.05, Gravest: 1, Kin: 9})
	if want := []int{-1, 0}; !slices.Equal(got, want) {
		t.Errorf("chose %v, want %v", got, want)
	}
}

func TestKin(t *testing.T) {
	web := cloud.Resource{Name: "tax-web-07", Department: "D", Application: "A", VCPU: 2, MemoryGiB: 4}
	other := web
	other.Name = "tax-web-12"
	database := web
	database.Name = "tax-db01"
	if Kin(web, 1) != Kin(other, 50) || Kin(web, 1) == Kin(database, 1) {
		t.Errorf("kin %s, %s, %s", Kin(web, 1), Kin(other, 50), Kin(database, 1))
	}
	for what, r := range map[string]cloud.Resource{
		"department":  {Name: web.Name, Department: "E", Application: "A"},
		"application": {Name: web.Name, Department: "D", Application: "B"},
	} {
		if Kin(web, 1) == Kin(r, 1) {
			t.Errorf("of one kin whatever the %s: %s", what, Kin(r, 1))
		}
	}
	database.HAGroup, web.HAGroup = "ha", "ha"
	if Kin(web, 1) != Kin(database, 1) {
		t.Error("peers of a high-availability group are no kin")
	}
	unknown := cloud.Resource{ID: "x", VCPU: 2, MemoryGiB: 4}
	if Kin(unknown, 0.2) != Kin(unknown, 1.1) || Kin(unknown, 1) == Kin(unknown, 40) {
		t.Error("machines of no application are of one kin by size and median")
	}
}

func TestLevels(t *testing.T) {
	monday := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	var points []cloud.Point
	for i := range 10 * 288 {
		v := 10.0
		if i/288 == 2 { // one day at 40
			v = 40
		}
		points = append(points, cloud.Point{T: monday.Unix() + int64(i)*300, V: v})
	}
	u := utilization.Describe(points, cloud.CPUPercent, cloud.Window{From: monday, To: monday.AddDate(0, 0, 10)}, time.UTC)
	got, ok := Standard().LevelsOf(u)
	if !ok {
		t.Fatal("ten days tell no levels")
	}
	got.Spread = math.Round(1000*got.Spread) / 1000
	want := Levels{
		Max: 40, P999: 40, P995: 40, P99: 40, P95: 40, P90: got.P90, P50: 10, Mean: 13,
		HighestP98: 40, MedianP98: 10, SecondP99: 10, ThirdP99: 10, MedianMax: 10, EarlyP99: 40, LateP99: 10, WeekP99: 10, LastP99: 10, WeekMax: 10,
		Spread: 0.416, Days: 10, // ln 4 × √(0.1 × 0.9)
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, ok := Standard().LevelsOf(utilization.Describe(points[:2*288], cloud.CPUPercent, cloud.Window{From: monday, To: monday.AddDate(0, 0, 2)}, time.UTC)); ok {
		t.Error("two days tell levels")
	}
}

// Origins lie within the past, each with its horizon behind it.
func TestOrigins(t *testing.T) {
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, days := range []int{6, 20, 60} {
		now := first.AddDate(0, 0, days)
		o := Standard().Origins(first, now, 10*24*time.Hour)
		for i, x := range o {
			horizon := min(10*24*time.Hour, now.Sub(first)/2)
			if x.At.Sub(first) < now.Sub(first)/5-time.Hour || x.End.After(now) || x.End.Sub(x.At) != horizon || i > 0 && x.At.Before(o[i-1].At) {
				t.Errorf("%d days: %v", days, x)
			}
		}
		if len(o) != Standard().Instants {
			t.Errorf("%d days: %d origins", days, len(o))
		}
	}
}
