package history

import (
	"fmt"
	"testing"
	"time"

	"yunjian/cloud"
)

// A span past its retention goes band by band in the course of 28 days.
func TestRetainSpreadsASpan(t *testing.T) {
	s := fresh(t)
	const bands = 4
	var batch []cloud.Series
	for i := range bands * bandSeries {
		batch = append(batch, series(fmt.Sprintf("i-%03d", i), cloud.CPUPercent, grid(monday, 3, wave)...))
	}
	mustAppend(t, s, batch...)
	mustAppend(t, s, series("i-000", cloud.CPUPercent, grid(monday.AddDate(0, 0, 300), 3, wave)...))
	mustFold(t, s, monday.AddDate(0, 0, 400))
	const raw = 30 * 24 * time.Hour
	ends := monday.AddDate(0, 0, spanDays).Add(raw)
	for _, tt := range []struct {
		now  time.Time
		left int
	}{
		{ends.Add(-time.Second), bands},
		{ends, bands - 1},
		{ends.AddDate(0, 0, spanDays/bands).Add(-time.Second), bands - 1},
		{ends.AddDate(0, 0, spanDays/bands), bands - 2},
		{ends.AddDate(0, 0, spanDays), 0},
	} {
		if err := s.Retain(t.Context(), tt.now, raw); err != nil {
			t.Fatal(err)
		}
		for band := range bands {
			want := 0
			if band >= bands-tt.left {
				want = 3
			}
			got := points(t, s, fmt.Sprintf("i-%03d", band*bandSeries+5), cloud.CPUPercent, cloud.Window{From: monday, To: monday.AddDate(0, 0, spanDays)})
			if len(got) != want {
				t.Errorf("at %v band %d has %d points, want %d", tt.now, band, len(got), want)
			}
		}
	}
}
