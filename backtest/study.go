package backtest

import (
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
	"yunjian/utilization"
)

// Case is one machine at one decision.
type Case struct {
	Resource cloud.Resource
	Outcome  Outcome
	Answers  []Answer         // of the rules, in their order
	Past     recommender.Past // for Yunjian's own rule
}

// Study makes cases of machines. Not for concurrent use.
type Study struct {
	pack policies.Pack
	loc  *time.Location
	acc  *utilization.Accumulator
}

// NewStudy calls idle what a rule of the pack would release.
func NewStudy(p policies.Pack, loc *time.Location) *Study {
	return &Study{pack: p, loc: loc, acc: utilization.NewAccumulator(loc)}
}

// Case lets every rule decide on a machine, whose points ascend, and notes what
// came of it. A machine of which too little came is not asked about.
func (s *Study) Case(p Replay, r cloud.Resource, points map[cloud.Metric][]cloud.Point) Case {
	h := horizonOf(p.DecideAt, p.HorizonEnd, points, s.acc)
	c := Case{Resource: r, Outcome: h.Outcome(SizeOf(r), false)}
	if !c.Outcome.Counted {
		return c
	}
	c.Outcome.Idle = s.idle(r, h.All)
	m := newMachine(r, p.DecideAt, points, s.acc, s.loc)
	for _, rule := range p.Rules {
		c.Answers = append(c.Answers, rule.answer(m))
	}
	if len(p.Budgets) > 0 {
		c.Past = pastOf(m, p.HistoryFrom, p.Horizon(), p.Constants)
	}
	return c
}

// idle reports whether the conditions of a rule to release held over the
// horizon. Those on peaks, of which a horizon has none, are passed over.
func (s *Study) idle(r cloud.Resource, u map[cloud.Metric]utilization.Summary) bool {
	for _, rule := range s.pack.RulesFor(cloud.Instance) {
		if rule.Action == string(recommender.Release) && recommender.WasIdle(rule, r, u) {
			return true
		}
	}
	return false
}
