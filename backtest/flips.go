package backtest

import (
	"slices"
	"time"
)

// FlipResult is how much of the advice of the instant before was taken back: advice
// that changes its mind costs trust, and a change of size that is undone costs two.
type FlipResult struct {
	Since     time.Time `json:"since"`     // the instant before
	Advised   int       `json:"advised"`   // machines it was advised to make smaller, that are scored at both
	Withdrawn int       `json:"withdrawn"` // of these, those now left as they are, or larger in a dimension than was advised
}

// CountFlips enters, for every rule of each result but the earliest, what became of the
// advice of the instant before.
func CountFlips(results []Result) {
	order := make([]*Result, len(results))
	for i := range results {
		order[i] = &results[i]
	}
	slices.SortStableFunc(order, func(a, b *Result) int { return a.DecideAt.Compare(b.DecideAt) })
	for i := 1; i < len(order); i++ {
		before, now := order[i-1], order[i]
		was, is := before.advised(), now.advised()
		for k := range now.Rules {
			r := &now.Rules[k]
			key := advice{r.Rule, r.Parameters["budget"]}
			if len(was[key]) == 0 {
				continue
			}
			f := FlipResult{Since: before.DecideAt}
			for id, size := range was[key] {
				if !now.Scored[id] {
					continue
				}
				f.Advised++
				if s, ok := is[key][id]; !ok || s.VCPU > size.VCPU || s.MemoryGiB > size.MemoryGiB {
					f.Withdrawn++
				}
			}
			r.Flips = &f
		}
	}
}

// advice tells rules apart: by id, Yunjian's own by its budget, too.
type advice struct {
	rule   string
	budget float64
}

func (r *Result) advised() map[advice]map[string]Size {
	out := map[advice]map[string]Size{}
	for _, d := range r.Decisions {
		if d.Action != "downsize" {
			continue
		}
		key := advice{d.Rule, d.Parameters["budget"]}
		if out[key] == nil {
			out[key] = map[string]Size{}
		}
		out[key][d.ResourceID] = Size{d.VCPU, d.MemoryGiB}
	}
	return out
}
