package backtest

import (
	"math"
	"testing"
)

func TestRivals(t *testing.T) {
	own := func(harmed int, saving float64) RuleResult {
		return RuleResult{Rule: ownRule, Harmed: harmed, SavingFraction: saving, Release: &ReleaseResult{}}
	}
	curve := []RuleResult{own(1, 0.25), own(4, 0.5)}
	for _, c := range []struct {
		name   string
		harmed int
		saving float64
		beaten bool
		more   float64
	}{
		{"4 points more at as much harm", 1, 0.21, true, 0.04},
		{"a little less", 1, 0.22, false, 0.03},
		{"as much at half the harm", 2, 0.25, true, 0},
		{"as much at more than half", 7, 0.5, false, 0},
		{"nothing to harm, at as little", 0, 0.25, false, math.NaN()},
		{"more than all", 9, 0.6, false, -0.1},
	} {
		peer := RuleResult{Rule: "peer", Acted: 1, Harmed: c.harmed, SavingFraction: c.saving}
		got := Result{Rules: append([]RuleResult{peer, {Rule: "idle"}, {Rule: "releases", Acted: 1, Release: &ReleaseResult{}}}, curve...)}.Rivals()
		if len(got) != 1 || got[0].Rule != "peer" || got[0].Beaten != c.beaten {
			t.Fatalf("%s: %+v, want beaten %v", c.name, got, c.beaten)
		}
		if m := got[0].More; math.IsNaN(m) != math.IsNaN(c.more) || math.Abs(m-c.more) > 1e-9 {
			t.Errorf("%s: %v more, want %v", c.name, m, c.more)
		}
	}
	if got := (Result{Rules: []RuleResult{{Rule: "peer", Acted: 1}}}).Rivals(); got != nil {
		t.Errorf("without Yunjian's own: %+v", got)
	}
}
