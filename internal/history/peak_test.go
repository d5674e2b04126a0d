package history

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/utilization"
)

func TestPeaks(t *testing.T) {
	// A year and more: the highest value lies in the first span.
	start := monday.AddDate(0, 0, -13*28)
	p := grid(start, 380*288, func(i int) float64 { return float64(i%50) / 10 })
	p[1000].V = 88.88
	p[200*288+17].V = 77.77
	for i := range 30 { // two hours and a half: more than a twentieth of day 300, which therefore has the highest p95
		p[300*288+100+i].V = 40 + float64(i)/10
	}
	now := start.AddDate(0, 0, 380)
	w := cloud.Window{From: start.Add(-time.Hour), To: now}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := fresh(t)
			for i := 0; i < len(p); i += 30000 {
				mustAppend(t, s, series("i-1", cloud.CPUPercent, p[i:min(i+30000, len(p))]...), series("i-2", cloud.CPUPercent, p[i:min(i+30000, len(p))]...))
			}
			s = mode.then(t, s, now)
			resized := instant(p[1000].T + 1)
			got, err := s.Peaks(t.Context(), []string{"i-1", "i-2", "i-3"}, []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}, w, map[string]time.Time{"i-2": resized})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]map[cloud.Metric]analyzer.Peak{
				"i-1": {cloud.CPUPercent: {Max: 88.88, DayP95: highestDayP95(p), Since: start.UTC()}},
				"i-2": {cloud.CPUPercent: {Max: 77.77, DayP95: highestDayP95(p[1001:]), Since: instant(p[1001].T)}},
			}
			if p95 := want["i-1"][cloud.CPUPercent].DayP95; p95 < 40 || p95 > 43 {
				t.Fatalf("the highest day's p95 is %v: the test proves nothing", p95)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// highestDayP95 is the highest p95 of a day in china, as a digest rounds it.
func highestDayP95(points []cloud.Point) float64 {
	highest := 0.0
	for _, d := range utilization.Describe(points, cloud.CPUPercent, always, china).Days {
		highest = max(highest, d.P95)
	}
	return round(highest)
}

// TestPeakOfALateDay appends a busy day to a span whose digest is already
// written: before it is folded the day counts like any other.
func TestPeakOfALateDay(t *testing.T) {
	p := grid(monday, 60*288, constant(5))
	late := grid(monday.AddDate(0, 0, 3), 288, func(i int) float64 { return 30 + float64(i)/288 })
	now := monday.AddDate(0, 0, 60)
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, slices.Concat(p[:3*288], p[4*288:])...))
	mustFold(t, s, now)
	if _, _, _, digests := state(t, s); digests == 0 {
		t.Fatal("no digest: the test proves nothing")
	}
	// A spike that comes late to a day already held does not lift that day's p95.
	mustAppend(t, s, series("i-1", cloud.CPUPercent, late...), series("i-1", cloud.CPUPercent, cloud.Point{T: p[6*288+1].T, V: 99}))
	want := analyzer.Peak{Max: 99, DayP95: highestDayP95(late), Since: monday.UTC()}
	for _, when := range []string{"before", "after"} {
		got, err := s.Peaks(t.Context(), []string{"i-1"}, []cloud.Metric{cloud.CPUPercent}, cloud.Window{From: monday, To: now}, nil)
		if diff := cmp.Diff(want, got["i-1"][cloud.CPUPercent]); err != nil || diff != "" {
			t.Error(when, err, diff)
		}
		mustFold(t, s, now)
	}
}
