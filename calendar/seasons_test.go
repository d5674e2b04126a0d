package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func season(t testing.TB, id string) Season {
	t.Helper()
	got, unknown := Builtin().Seasons.Of(id, "", "")
	if len(got) != 1 || len(unknown) != 0 {
		t.Fatalf("season %s: %v, unknown %v", id, got, unknown)
	}
	return got[0]
}

func TestPeaks(t *testing.T) {
	c := Builtin()
	for _, x := range []struct {
		season, from, to string
		want             []string
	}{
		{"year-end-closing", "2026-02-01", "2027-01-01", []string{"2026-12-15 2027-01-31"}},
		{"year-end-closing", "2026-01-31", "2026-01-31", []string{"2025-12-15 2026-01-31"}},
		{"month-end-closing", "2026-02-06", "2026-03-05", []string{"2026-02-25 2026-03-05"}},
		{"month-end-closing", "2026-12-31", "2027-01-02", []string{"2026-12-25 2027-01-05"}},
		{"conscription", "2024-01-01", "2024-12-31", []string{"2024-01-01 2024-02-29", "2024-06-01 2024-08-31"}},
		{"conscription", "2026-02-01", "2026-03-01", []string{"2026-01-01 2026-02-28"}},
		{"holiday-travel", "2026-06-01", "2026-09-24", []string{"2026-06-16 2026-06-24", "2026-09-22 2026-09-30"}},
		{"holiday-travel", "2027-02-01", "2027-12-31", nil}, // nobody knows yet
	} {
		var got []string
		for _, p := range c.Peaks(season(t, x.season), on(t, x.from), on(t, x.to)) {
			got = append(got, p.From.Format(time.DateOnly)+" "+p.To.Format(time.DateOnly))
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s from %s to %s: %s", x.season, x.from, x.to, diff)
		}
	}
}

func TestWatched(t *testing.T) {
	c := Builtin()
	for _, x := range []struct {
		season, from, today string
		most                int
		settled             string
		seen, needed        int
	}{
		// 122 days, of which 24 are enough; they ended on the 24th of March.
		{"income-tax-individual", "2026-03-01", "2026-03-25", 24, "2026-03-25", 24, 24},
		{"income-tax-individual", "2026-03-01", "2026-03-24", 24, "2026-03-25", 23, 24},
		{"income-tax-individual", "2026-03-02", "2026-03-25", 24, "2026-03-26", 23, 24},
		// A history that begins when 24 days are left, and one a day too late.
		{"income-tax-individual", "2026-06-07", "2026-07-20", 24, "2026-07-01", 24, 24},
		{"income-tax-individual", "2026-06-08", "2026-07-20", 24, "2027-03-25", 0, 24},
		// A season shorter than what is asked for is watched as a whole.
		{"gaokao-exam", "2026-06-07", "2026-06-11", 24, "2026-06-11", 4, 4},
		{"gaokao-exam", "2026-06-08", "2026-06-11", 24, "2027-06-11", 0, 4},
		// Either of two spans will do; the first that is seen settles it.
		{"recruitment-exams", "2026-05-01", "2026-05-31", 24, "2026-10-25", 0, 24},
	} {
		w, ok := c.Watched(season(t, x.season), on(t, x.from), on(t, x.today), x.most)
		got := []any{w.Settled.Format(time.DateOnly), w.Seen, w.Needed}
		if diff := cmp.Diff([]any{x.settled, x.seen, x.needed}, got); !ok || diff != "" {
			t.Errorf("%s from %s on %s: %v %s", x.season, x.from, x.today, ok, diff)
		}
	}
	if w, ok := c.Watched(season(t, "holiday-travel"), on(t, "2026-12-01"), on(t, "2026-12-02"), 24); ok {
		t.Errorf("holidays of unpublished years are known: %v", w)
	}
}

// TestWatchedLonger: a longer history never settles later, and waiting until the
// day it named settles it.
func TestWatchedLonger(t *testing.T) {
	c := Builtin()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(c.Seasons.List).Draw(t, "season")
		from := date(2025, 1, 1).AddDate(0, 0, rapid.IntRange(0, 500).Draw(t, "from"))
		today := from.AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, "age"))
		most := rapid.IntRange(1, 60).Draw(t, "most")
		w, ok := c.Watched(s, from, today, most)
		if !ok {
			return
		}
		if longer, ok := c.Watched(s, from.AddDate(0, 0, -10), today, most); !ok || longer.Settled.After(w.Settled) {
			t.Fatalf("from %s %v, ten days more %v", from, w, longer)
		}
		then, ok := c.Watched(s, from, w.Settled, most)
		if !ok || then.Settled.After(w.Settled) || then.Seen != then.Needed {
			t.Fatalf("on %s: %v", w.Settled, then)
		}
		if before, _ := c.Watched(s, from, w.Settled.AddDate(0, 0, -1), most); before.Seen >= before.Needed {
			t.Fatalf("a day before %s: %v", w.Settled, before)
		}
	})
}

func TestOf(t *testing.T) {
	s := Seasons{Tag: "season", List: []Season{
		{ID: "flood", Departments: []string{"水利局"}},
		{ID: "tax", Applications: []string{"个税"}},
	}}
	for _, x := range []struct {
		tag, department, application string
		want, unknown                []string
	}{
		{"", "", "", nil, nil},
		{"", "水利局", "个税", []string{"flood", "tax"}, nil},
		{"tax", "水利局", "", []string{"tax"}, nil},
		{"none", "水利局", "", nil, nil},
		{"flood、tax", "", "", []string{"flood", "tax"}, nil},
		{"04-15/10-15,tax", "水利局", "", []string{"04-15/10-15", "tax"}, nil},
		{"04-31/10-15 4-15/10-15", "", "", nil, []string{"04-31/10-15", "4-15/10-15"}},
		{"flod; tax", "", "", []string{"tax"}, []string{"flod"}},
	} {
		seasons, unknown := s.Of(x.tag, x.department, x.application)
		var got []string
		for _, one := range seasons {
			got = append(got, one.ID)
		}
		if diff := cmp.Diff([][]string{x.want, x.unknown}, [][]string{got, unknown}); diff != "" {
			t.Errorf("%v: %s", x, diff)
		}
	}
}
