package aliyun

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Count is how many calls of an action ended in one way since the source was
// built.
type Count struct {
	Action  string
	Outcome string // ok, canceled, or a Class
	Calls   int
	Seconds float64 // spent in them together
}

type countKey struct{ action, outcome string }

// stats counts calls for the process's own metrics.
type stats struct {
	mu     sync.Mutex
	counts map[countKey]Count
}

func (s *stats) count(action, outcome string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[countKey]Count{}
	}
	c := s.counts[countKey{action, outcome}]
	c.Action, c.Outcome = action, outcome
	c.Calls++
	c.Seconds += took.Seconds()
	s.counts[countKey{action, outcome}] = c
}

// Stats returns the calls made so far, sorted by action and outcome.
func (s *Source) Stats() []Count {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	out := make([]Count, 0, len(s.stats.counts))
	for _, c := range s.stats.counts {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Outcome, b.Outcome))
	})
	return out
}

// tally counts the calls of one run and holds it to the budget. A nil tally
// counts nothing and allows everything.
type tally struct {
	mu      sync.Mutex
	calls   map[string]int
	retries int
	left    int // metric calls still allowed; below 0: no limit
}

// allow books one call of action, or refuses it when the budget is used up.
func (t *tally) allow(action string, first bool) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if action == actionList && t.left >= 0 {
		if t.left == 0 {
			return &Error{
				Action: action, Class: ClassBudget, Code: string(ClassBudget),
				Message: "the configured number of metric calls is used up for now: what is missing is read later, or raise the cloud's budget of calls a month",
			}
		}
		t.left--
	}
	t.calls[action]++
	if !first {
		t.retries++
	}
	return nil
}
