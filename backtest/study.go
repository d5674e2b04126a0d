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
	Answers  []Answer                 // of the rules, in their order
	Past     recommender.Past         // for Yunjian's own rule
	Came     []recommender.Comparison // what came of it after the decision, which no rule may see; see Replay.Told
	Release  *policies.Rule           // by which the policy would release it, as far as samples tell; nil: none
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
		c.Release = s.release(r, m)
		c.Past = pastOf(m, p.HistoryFrom, p.Horizon(), p.Constants)
		c.Came = p.Constants.Came(r, c.Past, h.All)
	}
	return c
}

// idle reports whether the conditions of a rule to release held over the
// horizon. Those on peaks, of which a horizon has none, are passed over, and so are
// rules that rest on a chance of harm.
func (s *Study) idle(r cloud.Resource, u map[cloud.Metric]utilization.Summary) bool {
	for _, rule := range s.pack.RulesFor(cloud.Instance) {
		if rule.Action == string(recommender.Release) && rule.MaxHarm == 0 && recommender.WasIdle(rule, r, u) {
			return true
		}
	}
	return false
}

// release is the first rule to release whose conditions hold over all that lies
// before the decision.
func (s *Study) release(r cloud.Resource, m *Machine) *policies.Rule {
	u := map[cloud.Metric]utilization.Summary{}
	for metric := range m.points {
		if all := m.Summary(metric, 0); all.Samples > 0 {
			u[metric] = all
		}
	}
	for _, rule := range s.pack.RulesFor(cloud.Instance) {
		if rule.Action == string(recommender.Release) && recommender.WasIdle(rule, r, u) {
			return &rule
		}
	}
	return nil
}
