package backtest

import "math"

// What it takes to beat a rule for sizes: with one of its budgets, Yunjian's own harms
// no more and saves muchMore, or saves no less and harms fewTimes as much at most.
const (
	muchMore = 0.04
	fewTimes = 0.5
)

// Rival is another rule that made sizes smaller, and how Yunjian's own did beside it.
type Rival struct {
	Rule   string
	Beaten bool
	More   float64 // share saved beyond the rule's with the best budget that harms no more; NaN: none harms as little
}

// Rivals holds every other rule for sizes against Yunjian's own, in their order; none
// where Yunjian's own was not replayed.
func (r Result) Rivals() []Rival {
	var own, out []RuleResult
	for _, x := range r.Rules {
		switch {
		case x.Rule == ownRule:
			own = append(own, x)
		case x.Release == nil && x.Acted > 0: // who does nothing harms nothing, and is no rival
			out = append(out, x)
		}
	}
	if len(own) == 0 {
		return nil
	}
	var rivals []Rival
	for _, peer := range out {
		rival := Rival{Rule: peer.Rule, More: math.NaN()}
		for _, x := range own {
			more := x.SavingFraction - peer.SavingFraction
			if x.Harmed <= peer.Harmed {
				if !(rival.More >= more) {
					rival.More = more
				}
				rival.Beaten = rival.Beaten || more >= muchMore
			}
			if more >= 0 && float64(x.Harmed) <= fewTimes*float64(peer.Harmed) {
				rival.Beaten = true
			}
		}
		rivals = append(rivals, rival)
	}
	return rivals
}
