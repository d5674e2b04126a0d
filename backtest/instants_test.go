package backtest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestInstants(t *testing.T) {
	end := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		first time.Time
		want  []string
	}{
		{"thirty days: six days apart", end.AddDate(0, 0, -30), []string{"11-04", "11-10", "11-16"}},
		{"a year: a week apart", end.AddDate(-1, 0, 0), []string{"11-02", "11-09", "11-16"}},
		{"two days of room", end.AddDate(0, 0, -19), []string{"11-14", "11-15", "11-16"}},
		{"less than two", end.AddDate(0, 0, -19).Add(time.Second), []string{"11-16"}},
		{"just enough for one", end.AddDate(0, 0, -17), []string{"11-16"}},
		{"a second too short", end.AddDate(0, 0, -17).Add(time.Second), nil},
	} {
		var got []string
		for _, at := range Instants(c.first, end, time.UTC) {
			got = append(got, at.Format("01-02"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestInstantsHaveRoom(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		first := time.Unix(rapid.Int64Range(1_700_000_000, 1_800_000_000).Draw(t, "first"), 0)
		end := first.Add(time.Duration(rapid.Int64Range(0, 500*24*3600).Draw(t, "seconds")) * time.Second)
		list := Instants(first, end, berlin)
		for i, at := range list {
			if at.Hour() != 0 || at.Before(first.AddDate(0, 0, DaysBehind).Add(-time.Hour)) || end.Before(at.AddDate(0, 0, DaysAhead).Add(-time.Hour)) {
				t.Fatalf("%v of %v to %v", at, first, end)
			}
			if i > 0 && !list[i-1].Before(at) {
				t.Fatalf("%v is not before %v", list[i-1], at)
			}
		}
		if len(list) == 0 && end.Sub(first) > 19*24*time.Hour {
			t.Fatalf("none within %v", end.Sub(first))
		}
	})
}
