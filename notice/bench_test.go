package notice

import (
	"fmt"
	"testing"

	"yunjian/cloud"
	"yunjian/recommender"
)

// BenchmarkDay is a day of 50,000 notices that nobody has answered: what is due, and
// whom to remind.
func BenchmarkDay(b *testing.B) {
	w := workflow(b, DefaultWorkflow)
	c := opened(b, w, recommender.Release, cloud.Instance, on("2026-03-02"))
	for _, e := range []string{"confirm", "draft", "issue"} {
		c = must(b, w, c, e, on("2026-03-02"))
	}
	cases := make([]Case, 50_000)
	for i := range cases {
		cases[i] = c
		cases[i].ID, cases[i].Department = fmt.Sprint(i), fmt.Sprint(i%2000)
	}
	now := on("2026-03-17") // the answer was due on the 16th
	b.ResetTimer()
	for b.Loop() {
		events := 0
		for _, c := range cases {
			events += len(w.Due(c, now, builtin))
		}
		if n := len(Reminders(cases, now, builtin)); n != 2000 || events != 2*len(cases) {
			b.Fatal(n, events)
		}
	}
}
