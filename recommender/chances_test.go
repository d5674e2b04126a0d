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
	check := func(got []float64) {
		for _, row := range [][]float64{{0, 0, 1}, {0, 2, 1}, {100, 3, 1}, {-200, 3, 1}, {50, 1, 1}} {
			if p, q := sigmoid(dot(got, row)), sigmoid(dot(want, row)); math.Abs(p-q) > 0.05 {
				t.Errorf("weights %v, want about %v: chance %v at %v, want %v", got, want, p, row, q)
			}
		}
	}
	r := newRegression(rows, outcome)
	r.fit(weight, 1e-6)
	check(r.weights())
	for i := range outcome { // rows of no weight change nothing
		if i%2 == 0 {
			outcome[i], weight[i] = !outcome[i], 0
		}
	}
	r.fit(weight, 1e-6)
	check(r.weights())
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
		out = append(out, Comparison{Metric: cloud.CPUPercent, Present: 16, Before: l, Need: min(need, 100), Horizon: 10 * 24 * time.Hour})
	}
	return out
}

// What is learned of a fleet holds on another of its kind: the chances stated add
// up to about what comes, far above the levels as well as near them.
func TestChancesAreWhatComes(t *testing.T) {
	for _, wake := range []float64{0, 0.03} {
		ch := Learn(fleet(1, 1500, wake))
		for _, margin := range []struct{ from, to float64 }{{0.7, 0.9}, {1, 1.3}, {2, 4}, {4, 12}} {
			stated, came, n := 0.0, 0.0, 0.0
			for _, c := range fleet(2, 8000, wake) {
				for _, cores := range []float64{8, 4, 2, 1} {
					percent := 100 * cores / c.Present
					if m := percent / c.Before.Max; m < margin.from || m > margin.to {
						continue
					}
					n++
					stated += ch.Chance(c.Metric, c.Present, c.Before, cores, c.Horizon)
					if c.Need > percent {
						came++
					}
				}
			}
			if n < 200 || math.Abs(stated-came) > 0.04*n {
				t.Errorf("wake %v, sizes %v to %v times the level: %.4f stated, %.4f came, of %v", wake, margin.from, margin.to, stated/n, came/n, n)
			}
		}
	}
}

func TestNothingLearnedIsNoPromise(t *testing.T) {
	if p := Learn(nil).Chance(cloud.CPUPercent, 8, Levels{}, 4, time.Hour); p != 1 {
		t.Errorf("chance of harm %v although nothing was learned", p)
	}
}

func TestChancesAreTheSameAgain(t *testing.T) {
	c := fleet(5, 300, 0.02)
	a, b := Learn(c), Learn(slices.Clone(c))
	if !slices.Equal(a.weights, b.weights) || a.wake != b.wake {
		t.Error("the same comparisons taught other chances")
	}
}

// Within the budget, and no machine that is left alone could be helped at the
// price that the others pay.
func TestChooseKeepsTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		option := rapid.Custom(func(t *rapid.T) Option {
			return Option{rapid.Float64Range(0, 10_000).Draw(t, "saving"), rapid.Float64Range(0, 0.3).Draw(t, "harm")}
		})
		machines := rapid.SliceOfN(rapid.SliceOfN(option, 0, 5), 0, 40).Draw(t, "machines")
		budget := rapid.Float64Range(0, 3).Draw(t, "budget")
		chosen := Choose(machines, budget)
		harm, saving := 0.0, 0.0
		for i, k := range chosen {
			if k >= 0 {
				harm += machines[i][k].Harm
				saving += machines[i][k].Saving
			}
		}
		if len(chosen) != len(machines) || harm > budget {
			t.Fatalf("harm %v of a budget of %v", harm, budget)
		}
		larger := 0.0
		for i, k := range Choose(machines, budget+1) {
			if k >= 0 {
				larger += machines[i][k].Saving
			}
		}
		if larger < saving-1e-6*saving {
			t.Fatalf("a larger budget saves %v, less than %v", larger, saving)
		}
	})
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
	got, ok := LevelsOf(u)
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
	if _, ok := LevelsOf(utilization.Describe(points[:2*288], cloud.CPUPercent, cloud.Window{From: monday, To: monday.AddDate(0, 0, 2)}, time.UTC)); ok {
		t.Error("two days tell levels")
	}
}

// Origins lie within the past, each with its horizon behind it.
func TestOrigins(t *testing.T) {
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, days := range []int{6, 20, 60} {
		now := first.AddDate(0, 0, days)
		o := Origins(first, now, 10*24*time.Hour)
		for i, x := range o {
			horizon := min(10*24*time.Hour, now.Sub(first)/2)
			if x.At.Sub(first) < now.Sub(first)/5-time.Hour || x.End.After(now) || x.End.Sub(x.At) != horizon || i > 0 && x.At.Before(o[i-1].At) {
				t.Errorf("%d days: %v", days, x)
			}
		}
		if len(o) != origins {
			t.Errorf("%d days: %d origins", days, len(o))
		}
	}
}
