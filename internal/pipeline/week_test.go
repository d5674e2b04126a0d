package pipeline

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWeekOf(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	for _, c := range []struct{ name, at, want string }{
		{"monday morning closes last week", "2026-11-23T02:00:00+08:00", "2026-W47"},
		{"monday to the last second closes last week", "2026-11-23T23:59:59+08:00", "2026-W47"},
		{"tuesday midnight belongs to this week", "2026-11-24T00:00:00+08:00", "2026-W48"},
		{"the zone decides the day", "2026-11-23T16:00:00Z", "2026-W48"},
		{"week 53 of 2026", "2027-01-04T02:00:00+08:00", "2026-W53"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := WeekOf(at, shanghai).String(); got != c.want {
			t.Errorf("%s: WeekOf(%s) = %s, want %s", c.name, c.at, got, c.want)
		}
	}
}

func TestParseWeekRefuses(t *testing.T) {
	for _, s := range []string{"", "2026", "2026-47", "2026-W54", "2025-W53", "2026-W0", "2026-W00", "2026-W47x", "26-W47", "2026-W7", "+026-W47", "2026-W+7"} {
		if w, err := ParseWeek(s); err == nil {
			t.Errorf("ParseWeek(%q) = %v, want an error", s, w)
		}
	}
}

func TestWeekRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(946684800, 4102444800).Draw(t, "at"), 0)
		w := WeekOf(at, time.UTC)
		back, err := ParseWeek(w.String())
		if err != nil || back != w {
			t.Fatalf("ParseWeek(%s) = %v, %v", w, back, err)
		}
		if m := w.Monday(time.UTC); m.Weekday() != time.Monday {
			t.Fatalf("%s begins on a %s", w, m.Weekday())
		}
		if span := w.Window(time.UTC); !span.Contains(at.AddDate(0, 0, -1)) || span.Duration() != 7*24*time.Hour {
			t.Fatalf("%s is %v, which does not hold the day before %s", w, span, at)
		}
		if first, end := w.Monday(time.UTC).AddDate(0, 0, 1), w.end(time.UTC); at.Before(first) || !at.Before(end) {
			t.Fatalf("%s reports on %s, whose audits lie in [%s, %s)", at, w, first, end)
		}
	})
}
