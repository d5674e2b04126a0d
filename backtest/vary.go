package backtest

import (
	"fmt"

	"yunjian/recommender"
)

// Variation is Yunjian's own rule with one of its constants changed, or with a part of
// it left out.
type Variation struct {
	Of        string                `json:"of,omitempty"`    // the constant or the part; empty: the rule as it stands
	Value     string                `json:"value,omitempty"` // what the constant is now; empty: left out
	Constants recommender.Constants `json:"-"`
	Told      bool                  `json:"told,omitempty"` // it learns from what came of the other machines, see Replay.Told
}

// Variations is the rule as it stands, then as if it were told what comes, then each
// constant halved and doubled, then each part left out.
func Variations() []Variation {
	standard := recommender.Standard()
	out := []Variation{{Constants: standard}, {Constants: standard, Told: true}}
	add := func(of, value string, set func(k *recommender.Constants)) {
		k := standard
		set(&k)
		out = append(out, Variation{Of: of, Value: value, Constants: k})
	}
	number := func(of string, field func(k *recommender.Constants) *float64) {
		for _, factor := range []float64{0.5, 2} {
			v := *field(&standard) * factor
			add(of, fmt.Sprintf("%g", v), func(k *recommender.Constants) { *field(k) = v })
		}
	}
	count := func(of string, field func(k *recommender.Constants) *int) {
		for _, v := range []int{(*field(&standard) + 1) / 2, *field(&standard) * 2} {
			add(of, fmt.Sprint(v), func(k *recommender.Constants) { *field(k) = v })
		}
	}
	count("Instants", func(k *recommender.Constants) *int { return &k.Instants })
	number("LevelFloor", func(k *recommender.Constants) *float64 { return &k.LevelFloor })
	number("LeastRange", func(k *recommender.Constants) *float64 { return &k.LeastRange })
	number("MostRanges", func(k *recommender.Constants) *float64 { return &k.MostRanges })
	count("MinCompared", func(k *recommender.Constants) *int { return &k.MinCompared })
	number("Ridge", func(k *recommender.Constants) *float64 { return &k.Ridge })
	count("Rounds", func(k *recommender.Constants) *int { return &k.Rounds })
	number("FirstWake", func(k *recommender.Constants) *float64 { return &k.FirstWake })
	number("Taken", func(k *recommender.Constants) *float64 { return &k.Taken })
	for _, doubt := range []float64{0.025, 0.1} { // what is halved and doubled is the doubt
		add("Confidence", fmt.Sprintf("%g", 1-doubt), func(k *recommender.Constants) { k.Confidence = 1 - doubt })
	}
	number("Gravest", func(k *recommender.Constants) *float64 { return &k.Gravest })
	number("GravestShare", func(k *recommender.Constants) *float64 { return &k.GravestShare })
	number("Aversion", func(k *recommender.Constants) *float64 { return &k.Aversion })
	number("KinShare", func(k *recommender.Constants) *float64 { return &k.KinShare })
	count("KinFloor", func(k *recommender.Constants) *int { return &k.KinFloor })

	add("bound", "", func(k *recommender.Constants) { k.Confidence = 0.5 })
	add("waking", "", func(k *recommender.Constants) { k.Rounds, k.FirstWake = 0, 0 })
	add("kin", "", func(k *recommender.Constants) { k.KinFloor = 1 << 30 })
	for _, g := range recommender.Groups() {
		add(g, "", func(k *recommender.Constants) { k.Leave = g })
	}
	return out
}

// The shares of machines that may be harmed at which variations are compared, and the
// budgets whose word is held against what came.
var (
	ComparedHarm    = []float64{0.006, 0.017, 0.03}
	ComparedBudgets = []float64{0.01, 0.02, 0.05}
)

// VariedBudgets are those that variations are replayed with: close enough together to
// say what is saved at a share harmed.
func VariedBudgets() []float64 {
	return []float64{
		0.001, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.006, 0.0075, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05,
		0.055, 0.06, 0.065, 0.07, 0.075, 0.08, 0.085, 0.09, 0.095, 0.1, 0.105, 0.11, 0.115, 0.12, 0.125, 0.13, 0.14, 0.15,
		0.17, 0.175, 0.2, 0.225, 0.25, 0.3, 0.4, 0.5, 0.6, // where rules stand that harm many
	}
}

// Varied is what became of a variation: means over all instants, and sums.
type Varied struct {
	Variation
	Saved  []float64 `json:"saved"`  // at most, with a budget that harmed no more than each of ComparedHarm
	Harmed []float64 `json:"harmed"` // at each of ComparedBudgets
	Rivals int       `json:"rivals"` // rules for sizes held against it, counted at each instant
	Beaten int       `json:"beaten"` // of these, those it beats: see Result.Rivals
}

// Vary sums up the results of a variation, one for each instant.
func Vary(v Variation, results []Result) Varied {
	out := Varied{Variation: v, Saved: make([]float64, len(ComparedHarm)), Harmed: make([]float64, len(ComparedBudgets))}
	n := float64(len(results))
	for _, r := range results {
		for _, rival := range r.Rivals() {
			out.Rivals++
			if rival.Beaten {
				out.Beaten++
			}
		}
		for i, limit := range ComparedHarm {
			best := 0.0
			for _, rule := range r.Rules {
				if rule.Rule == ownRule && rule.HarmedFraction <= limit {
					best = max(best, rule.SavingFraction)
				}
			}
			out.Saved[i] += best / n
		}
		for i, budget := range ComparedBudgets {
			for _, rule := range r.Rules {
				if rule.Parameters["budget"] == budget {
					out.Harmed[i] += rule.HarmedFraction / n
				}
			}
		}
	}
	return out
}
