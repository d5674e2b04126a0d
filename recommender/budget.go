package recommender

import "math"

// Option is a smaller size for one machine: what it saves, in any unit, and its
// chance of harm.
type Option struct{ Saving, Harm float64 }

// Choose picks an option for each machine, or none (-1), such that the savings are
// greatest while the chances of harm add up to at most budget: the option with the
// greatest saving less price × chance, at the lowest price of risk that keeps the
// budget (H. Everett, "Generalized Lagrange Multiplier Method", Operations Research
// 11, 1963).
func Choose(machines [][]Option, budget float64) []int {
	pick := func(price float64) (chosen []int, harm float64) {
		chosen = make([]int, len(machines))
		for i, options := range machines {
			best := 0.0
			chosen[i] = -1
			for k, o := range options {
				if gain := o.Saving - price*o.Harm; gain > best {
					best, chosen[i] = gain, k
				}
			}
			if k := chosen[i]; k >= 0 {
				harm += options[k].Harm
			}
		}
		return chosen, harm
	}
	low, high := 0.0, 1.0
	for {
		if _, harm := pick(high); harm <= budget || math.IsInf(high, 1) {
			break
		}
		low, high = high, 2*high
	}
	for range 100 {
		middle := (low + high) / 2
		if _, harm := pick(middle); harm > budget {
			low = middle
		} else {
			high = middle
		}
	}
	chosen, _ := pick(high)
	return chosen
}
