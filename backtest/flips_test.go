package backtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Advice is taken back where a machine is left alone or made less small than was said;
// one that is no longer scored was not asked about.
func TestCountFlips(t *testing.T) {
	result := func(days int, scored []string, decisions ...Decision) Result {
		r := Result{DecideAt: decided.AddDate(0, 0, days), Rules: []RuleResult{{Rule: "a"}, {Rule: "b"}}, Decisions: decisions, Scored: map[string]bool{}}
		for _, id := range scored {
			r.Scored[id] = true
		}
		return r
	}
	down := func(id string, vcpu int, gib float64) Decision {
		return Decision{Rule: "a", ResourceID: id, Action: "downsize", VCPU: vcpu, MemoryGiB: gib}
	}
	all := []string{"same", "smaller", "larger", "left", "new", "gone"}
	results := []Result{ // in any order
		result(7, all[:5], down("same", 2, 4), down("smaller", 1, 4), down("larger", 2, 8), down("new", 1, 1)),
		result(0, all, down("same", 2, 4), down("smaller", 2, 4), down("larger", 2, 4), down("left", 2, 4), down("gone", 2, 4),
			Decision{Rule: "a", ResourceID: "new", Action: "release"}),
	}
	CountFlips(results)
	if diff := cmp.Diff(&FlipResult{Since: decided, Advised: 4, Withdrawn: 2}, results[0].Rules[0].Flips); diff != "" {
		t.Error(diff)
	}
	for _, none := range []*FlipResult{results[1].Rules[0].Flips, results[0].Rules[1].Flips} {
		if none != nil {
			t.Errorf("flips of no advice before: %+v", none)
		}
	}
}
