package backtest

import (
	"fmt"
	"math"
	"time"

	"yunjian/recommender"
)

// Replay is what is to be replayed.
type Replay struct {
	DecideAt    time.Time
	HistoryFrom time.Time // the first sample of any machine
	HorizonEnd  time.Time // behind the last
	Rules       []Rule    // that decide for each machine by itself
	Budgets     []float64 // of Yunjian's own rule: shares of the fleet that may come to harm; none: it is left out
	Constants   recommender.Constants
	// Told lets Yunjian's own rule learn not from the past but from what came of the other
	// machines after the decision, which nobody can know beforehand: held beside the rule as it
	// stands it shows what room learning has. It is no bound: it learns from one draw.
	Told bool
}

// Horizon is how long what comes after the decision is.
func (p Replay) Horizon() time.Duration { return p.HorizonEnd.Sub(p.DecideAt) }

func (r Rule) answer(m *Machine) Answer {
	a := Answer{Size: SizeOf(m.Resource), Abstains: true, Harm: math.NaN(), Wakes: math.NaN()}
	if r.Size != nil {
		if s, ok := r.Size(m); ok {
			a.Size, a.Abstains = s, false
		}
	}
	if r.Release != nil {
		release, ok := r.Release(m)
		a.Release = release
		a.Abstains = a.Abstains && !ok
	}
	return a
}

// ownRule is the id of Yunjian's own rule.
const ownRule = "yunjian"

// fewestDays of past and of horizon that a replay makes sense with.
const fewestDays = 3

// Check is an error where there is too little before or after the decision.
func (p Replay) Check() error {
	const least = fewestDays * 24 * time.Hour
	if p.DecideAt.Sub(p.HistoryFrom) < least || p.Horizon() < least {
		at := func(t time.Time) string { return t.In(p.DecideAt.Location()).Format(time.RFC3339) }
		return &InstantError{fmt.Errorf("decide at %s: the samples reach from %s to %s; want an instant with at least %d days before it, to decide on, and after it, to be scored by",
			at(p.DecideAt), at(p.HistoryFrom), at(p.HorizonEnd), fewestDays)}
	}
	return nil
}

// InstantError says that the samples do not reach around an instant.
type InstantError struct{ err error }

func (e *InstantError) Error() string { return e.err.Error() }
func (e *InstantError) Unwrap() error { return e.err }

// Decide scores the answers to the cases of which enough came, and lets Yunjian's
// own rule decide for them as one fleet.
func (p Replay) Decide(all []Case) Result {
	out := Result{DecideAt: p.DecideAt, HorizonEnd: p.HorizonEnd, Rules: []RuleResult{}, Decisions: []Decision{}}
	var cases []Case
	out.Scored = map[string]bool{}
	for _, c := range all {
		if c.Outcome.Counted {
			out.Scored[c.Resource.ID] = true
			cases = append(cases, c)
		}
	}
	if out.Instances = len(cases); out.Instances == 0 { // shares of none are not zero
		return out
	}
	best := unharmed(cases)
	out.Hindsight = &best
	for i, answers := range p.own(cases) {
		out.add(Rule{
			ID: ownRule, Name: "云鉴 Yunjian", Source: "docs/decisions/0012", Parameters: map[string]float64{"budget": p.Budgets[i]},
		}, cases, answers, true)
	}
	for k, r := range p.Rules {
		answers := make([]Answer, len(cases))
		for i, c := range cases {
			answers[i] = c.Answers[k]
		}
		out.add(r, cases, answers, r.Release != nil)
	}
	return out
}

// tally scores what one rule answered to each case: answers[i] to cases[i].
func tally(r Rule, cases []Case, answers []Answer) Score {
	var s Score
	before, after, stated, states := 0.0, 0.0, 0.0, false
	for i, c := range cases {
		a, present := answers[i], SizeOf(c.Resource)
		s.Counted++
		before += present.annual()
		after += a.Size.annual()
		if a.Abstains {
			s.Abstained++
		}
		if a.Size != present {
			s.Acted++
			s.ReleasedVCPU += present.VCPU - a.Size.VCPU
			s.ReleasedMemoryGiB += present.MemoryGiB - a.Size.MemoryGiB
		}
		if c.Outcome.Harmed(present, a.Size) {
			s.Harmed++
		}
		if !math.IsNaN(a.Harm) {
			stated, states = stated+a.Harm, true
		}
		s.Releases.count(c.Outcome, a)
	}
	s.SavingFraction, s.HarmedFraction, s.PredictedHarmFraction = ratio(before-after, before), ratio(float64(s.Harmed), float64(s.Counted)), math.NaN()
	if states {
		s.PredictedHarmFraction = ratio(stated, float64(s.Counted))
	}
	return s
}

func (r *Releases) count(o Outcome, a Answer) {
	if o.Idle {
		r.Idle++
	}
	if !a.Release {
		return
	}
	r.Named++
	if o.Quiet {
		r.Quiet++
	}
	if o.Idle {
		r.Found++
	}
}

// ratio is 0 of nothing.
func ratio(n, of float64) float64 {
	if of == 0 {
		return 0
	}
	return n / of
}
