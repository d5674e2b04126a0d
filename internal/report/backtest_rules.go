package report

import (
	"cmp"
	"math"
	"slices"

	"yunjian/backtest"
)

// replayed is what one rule did at every instant.
type replayed struct {
	rule backtest.RuleResult    // who it is; its figures are of one instant
	at   []*backtest.RuleResult // by instant; nil: nothing was scored
	mark string                 // what stands for it in pictures; empty: Yunjian's own
}

// byRule gathers results rule by rule, the greatest saver first, and marks them.
func byRule(results []backtest.Result) []*replayed {
	var out []*replayed
	for k, r := range results {
		for i := range r.Rules {
			x := &r.Rules[i]
			n := slices.IndexFunc(out, func(d *replayed) bool { return keyOf(d.rule) == keyOf(*x) })
			if n < 0 {
				n = len(out)
				out = append(out, &replayed{rule: *x, at: make([]*backtest.RuleResult, len(results))})
			}
			out[n].at[k] = x
		}
	}
	slices.SortStableFunc(out, func(a, b *replayed) int {
		return cmp.Or(-cmp.Compare(a.mean(saved), b.mean(saved)), cmp.Compare(a.mean(harmed), b.mean(harmed)), cmp.Compare(keyOf(a.rule), keyOf(b.rule)))
	})
	next := 0
	for _, d := range out {
		if d.own() || d.rule.Release != nil {
			continue
		}
		d.mark = "*"
		if next < len(letters) {
			d.mark = letters[next : next+1]
			next++
		}
	}
	return out
}

// keyOf tells rules apart: the id, and the budget of Yunjian's own.
func keyOf(r backtest.RuleResult) string {
	if b, ok := r.Parameters["budget"]; ok {
		return r.Rule + "-" + trim(1e4*b, 4)
	}
	return r.Rule
}

func (d *replayed) own() bool { return d.rule.Rule == ownRule }

// What is asked of a result; NaN: not known.
func saved(r *backtest.RuleResult) float64  { return r.SavingFraction }
func harmed(r *backtest.RuleResult) float64 { return r.HarmedFraction }
func stated(r *backtest.RuleResult) float64 { return orNaN(r.PredictedHarmFraction) }

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// values is what is known of the instants among which, all where it is negative.
func (d *replayed) values(which int, of func(*backtest.RuleResult) float64) []float64 {
	var out []float64
	for k, r := range d.at {
		if r == nil || which >= 0 && k != which {
			continue
		}
		if v := of(r); !math.IsNaN(v) {
			out = append(out, v)
		}
	}
	return out
}

// mean over all instants; NaN of none.
func (d *replayed) mean(of func(*backtest.RuleResult) float64) float64 { return mean(d.values(-1, of)) }

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// uncovered is the peers that no budget of Yunjian's reaches, on the mean: none saves
// as much and harms as little. Those beyond harm more than all of its budgets do, so
// they say nothing of its curve.
func uncovered(rules []*replayed) (above, beyond []*replayed) {
	var own []*replayed
	most := math.Inf(-1)
	for _, d := range rules {
		if d.own() {
			own = append(own, d)
			most = max(most, d.mean(harmed))
		}
	}
	for _, peer := range rules {
		switch {
		case peer.own() || peer.rule.Release != nil || peer.mean(saved) <= 0: // who does nothing harms nothing, and beats nobody
		case slices.ContainsFunc(own, func(d *replayed) bool {
			return d.mean(saved) >= peer.mean(saved) && d.mean(harmed) <= peer.mean(harmed)
		}):
		case peer.mean(harmed) > most:
			beyond = append(beyond, peer)
		default:
			above = append(above, peer)
		}
	}
	return above, beyond
}
