package backtest

import (
	"testing"

	"yunjian/cloud"
	"yunjian/recommender"
)

// A rule that is told what comes learns from the other machines only, and from
// nothing of the past.
func TestToldLearnsFromTheOthers(t *testing.T) {
	levels := recommender.Levels{Max: 20, P999: 19, P995: 18, P99: 17, P95: 15, P90: 12, P50: 8, Mean: 8, HighestP98: 17, MedianP98: 15, SecondP99: 16, ThirdP99: 16,
		MedianMax: 18, EarlyP99: 17, LateP99: 17, WeekP99: 17, LastP99: 17, WeekMax: 20, Spread: 0.1, Days: 20}
	comparison := func(need float64) recommender.Comparison {
		return recommender.Comparison{Metric: cloud.CPUPercent, Present: 8, Before: levels, Need: need}
	}
	var cases []Case
	for i := range 100 {
		c := Case{Came: []recommender.Comparison{comparison(20)}}
		if i%folds == 0 {
			c.Came[0].Need = 90
		}
		for range 10 {
			c.Past.Comparisons = append(c.Past.Comparisons, comparison(20))
		}
		cases = append(cases, c)
	}
	half := func(ch recommender.Chances) float64 { return ch.Chance(cloud.CPUPercent, 8, levels, 4) }
	likeliest := recommender.Standard()
	likeliest.Confidence = 0.5
	past := Replay{Constants: likeliest}.learn(cases)
	if len(past) != 1 || half(past[0]) > 0.05 {
		t.Errorf("from a spotless past: %d chances, %v", len(past), half(past[0]))
	}
	told := Replay{Constants: likeliest, Told: true}.learn(cases)
	if len(told) != folds {
		t.Fatalf("%d parts", len(told))
	}
	// Those of the first part woke, and none of the others: they are not told of each other.
	if first, second := half(told[0]), half(told[1]); first > 0.05 || second < 0.1 {
		t.Errorf("the first part learned %v from the others, of which none woke; the second %v, where ten of ninety did", first, second)
	}
}
