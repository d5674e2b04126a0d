package recommender

import (
	"cmp"
	"math"
	"slices"
)

// Option is a smaller size for a Choosable: what it saves, in any unit, how many
// machines come to harm by it, and the chance that the gravest of them runs.
type Option struct{ Saving, Harm, Gravest float64 }

// Choosable is one machine, or several that are treated as one, with its options.
type Choosable struct {
	Kin     string // machines of one kin may wake up together; empty: of none
	Options []Option
}

// What Choose answers where it picks no option.
const (
	None   = -1 // the harm is better risked elsewhere
	Spared = -2 // enough of its kin are touched
)

// Choose picks an option for each machine, or None or Spared, such that the savings are
// greatest while the chances of harm add up to no more than the limit: the option
// with the greatest saving less price × chance, at the lowest price of risk that
// keeps the budget (H. Everett, "Generalized Lagrange Multiplier Method",
// Operations Research 11, 1963). Of one kin, those that save most are touched, up to
// the limit.
func Choose(machines []Choosable, l Limits) []int {
	open := make([][]Option, len(machines))
	for i, m := range machines {
		open[i] = m.Options
	}
	// What a kin gives up falls to others, which may bring another kin to its limit:
	// each time round one of them at least is settled.
	for {
		chosen := within(open, l)
		if leave(machines, open, chosen, l.Kin) {
			continue
		}
		for i, m := range machines {
			if open[i] == nil && len(m.Options) > 0 {
				chosen[i] = Spared
			}
		}
		return chosen
	}
}

// leave takes the options of those that are one too many of their kin, and
// reports whether there were any.
func leave(machines []Choosable, open [][]Option, chosen []int, limit int) bool {
	touched := map[string][]int{}
	for i, k := range chosen {
		if kin := machines[i].Kin; k >= 0 && kin != "" {
			touched[kin] = append(touched[kin], i)
		}
	}
	found := false
	for _, of := range touched {
		if len(of) <= limit {
			continue
		}
		found = true
		slices.SortStableFunc(of, func(a, b int) int {
			return cmp.Compare(open[b][chosen[b]].Saving, open[a][chosen[a]].Saving)
		})
		for _, i := range of[limit:] {
			open[i] = nil
		}
	}
	return found
}

func within(machines [][]Option, l Limits) []int {
	counted := make([][]Option, len(machines)) // with the harm that they count
	for i, options := range machines {
		for _, o := range options {
			o.Harm = l.counted(o)
			counted[i] = append(counted[i], o)
		}
	}
	pick := func(price float64) (chosen []int, harm float64) {
		chosen = make([]int, len(counted))
		for i, options := range counted {
			best := 0.0
			chosen[i] = None
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
		if _, harm := pick(high); harm <= l.Harm || math.IsInf(high, 1) {
			break
		}
		low, high = high, 2*high
	}
	for range 100 {
		middle := (low + high) / 2
		if _, harm := pick(middle); harm > l.Harm {
			low = middle
		} else {
			high = middle
		}
	}
	chosen, harm := pick(high)
	fill(counted, chosen, l.Harm-harm)
	return chosen
}

// fill spends what is left, the most saved for its risk first: machines that are quite
// alike have one price, and all of them together may be too many; and what is too
// little for the next may do for another.
func fill(machines [][]Option, chosen []int, left float64) {
	type step struct {
		machine, to int
		Option      // by which it is better, and riskier
	}
	var steps []step
	for i, options := range machines {
		var now Option
		if k := chosen[i]; k >= 0 {
			now = options[k]
		}
		for k, o := range options {
			if s := (Option{Saving: o.Saving - now.Saving, Harm: o.Harm - now.Harm}); s.Saving > 0 && s.Harm > 0 && s.Harm <= left {
				steps = append(steps, step{i, k, s})
			}
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(b.Saving/b.Harm, a.Saving/a.Harm) })
	taken := map[int]bool{}
	for _, s := range steps {
		if s.Harm <= left && !taken[s.machine] {
			left -= s.Harm
			chosen[s.machine], taken[s.machine] = s.to, true
		}
	}
}
