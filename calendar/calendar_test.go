package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func on(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDue holds terms that people have counted by hand; those of 2021 are of a
// year without data, and say so.
func TestDue(t *testing.T) {
	c := Builtin()
	for _, x := range []struct {
		served string
		n      int
		unit   Unit
		due    string
		known  bool
	}{
		{"2026-09-30", 5, WorkingDays, "2026-10-13", true}, // 8, 9, Saturday 10, 12, 13
		{"2026-02-13", 5, WorkingDays, "2026-02-27", true}, // Saturday 14, 24, 25, 26, 27
		{"2026-02-13", 10, WorkingDays, "2026-03-05", true},
		{"2026-04-30", 5, WorkingDays, "2026-05-11", true}, // 6, 7, 8, Saturday 9, 11
		{"2026-09-18", 3, WorkingDays, "2026-09-22", true}, // Sunday 20 works
		{"2026-10-01", 3, WorkingDays, "2026-10-10", true}, // served on a holiday
		{"2021-10-29", 5, WorkingDays, "2021-11-05", false},
		{"2026-12-30", 3, WorkingDays, "2027-01-04", false}, // runs into a year without data
		{"2026-01-31", 1, Months, "2026-02-28", true},
		{"2024-01-31", 1, Months, "2024-02-29", true},
		{"2026-10-31", 4, Months, "2027-02-28", false},
		{"2026-11-27", 15, Days, "2026-12-12", true},
		{"2026-09-30", 0, WorkingDays, "2026-09-30", true},
	} {
		served := on(t, x.served)
		due := c.Due(served, x.n, x.unit)
		if got := due.Format(time.DateOnly); got != x.due {
			t.Errorf("%s and %d %s: due %s, want %s", x.served, x.n, x.unit, got, x.due)
		}
		if known := len(c.Missing(served, due.AddDate(0, 0, 1))) == 0; known != x.known {
			t.Errorf("%s to %s: all years known is %v, want %v", x.served, x.due, known, x.known)
		}
	}
}

// TestDueByPlace takes the day that it is where the term begins.
func TestDueByPlace(t *testing.T) {
	served := time.Date(2026, 9, 17, 20, 0, 0, 0, time.UTC) // the 18th in China
	got := Builtin().Due(served.In(time.FixedZone("CST", 8*3600)), 3, WorkingDays)
	if want := on(t, "2026-09-22"); !got.Equal(want) {
		t.Errorf("due %s, want %s", got, want)
	}
}

// TestDueOneByOne holds a term of n to n terms of one, and to what Count says.
func TestDueOneByOne(t *testing.T) {
	c := Builtin()
	rapid.Check(t, func(t *rapid.T) {
		served := date(2023, 11, 1).AddDate(0, 0, rapid.IntRange(0, 1200).Draw(t, "day"))
		n := rapid.IntRange(0, 60).Draw(t, "n")
		at := served
		for range n {
			at = c.Due(at, 1, WorkingDays)
		}
		due := c.Due(served, n, WorkingDays)
		if !due.Equal(at) {
			t.Fatalf("%d from %s: %s, one by one %s", n, served, due, at)
		}
		if got := c.Count(served.AddDate(0, 0, 1), due.AddDate(0, 0, 1)).Working; got != n {
			t.Fatalf("%d from %s: %d working days lie in the term", n, served, got)
		}
	})
}

// TestYears holds each year to sums that follow from its notice: 11 statutory
// days in 2024, 13 since 2025, each taken from the weekdays of its year.
func TestYears(t *testing.T) {
	c := Builtin()
	for year, want := range map[int]struct{ off, makeup, working int }{
		2024: {28, 8, 251}, 2025: {28, 5, 248}, 2026: {33, 6, 248},
	} {
		y, ok := c.Year(year)
		if !ok {
			t.Fatalf("no year %d", year)
		}
		off, makeup := 0, 0
		for _, h := range y.Holidays {
			off += Peak{h.From, h.To}.days()
			makeup += len(h.Makeup)
		}
		working := c.Count(date(year, 1, 1), date(year+1, 1, 1)).Working
		if off != want.off || makeup != want.makeup || working != want.working {
			t.Errorf("%d: %d off, %d made up, %d worked; want %v", year, off, makeup, working, want)
		}
	}
}

func TestMissing(t *testing.T) {
	c := Builtin()
	if diff := cmp.Diff([]int{2022, 2023, 2027}, c.Missing(on(t, "2022-06-01"), on(t, "2027-01-02"))); diff != "" {
		t.Error(diff)
	}
	if got := c.Missing(on(t, "2026-12-01"), on(t, "2027-01-01")); got != nil {
		t.Errorf("%v is missing of December 2026", got)
	}
	var none Calendar
	if none.Known(2026) || !none.Working(on(t, "2026-10-01")) || none.Working(on(t, "2026-10-10")) {
		t.Error("the zero calendar knows more than Monday to Friday")
	}
}

func TestEnds(t *testing.T) {
	for _, x := range [][4]string{
		{"2026-02-10", "2026-02-28", "2026-03-31", "2026-12-31"},
		{"2024-02-29", "2024-02-29", "2024-03-31", "2024-12-31"},
		{"2026-12-31", "2026-12-31", "2026-12-31", "2026-12-31"},
		{"2026-07-01", "2026-07-31", "2026-09-30", "2026-12-31"},
	} {
		at := on(t, x[0])
		got := [4]string{x[0], MonthEnd(at).Format(time.DateOnly), QuarterEnd(at).Format(time.DateOnly), YearEnd(at).Format(time.DateOnly)}
		if got != x {
			t.Errorf("got %v, want %v", got, x)
		}
	}
}

func TestHolidayWeeks(t *testing.T) {
	c := Builtin()
	for _, x := range []struct {
		from, to string
		want     []string
		span     Span
	}{
		{"2026-09-21", "2026-10-12", []string{"2026-09-21", "2026-09-28", "2026-10-05"}, Span{10, 15, 6}},
		{"2026-10-08", "2026-10-12", nil, Span{3, 2, 0}}, // the days off of that week lie before
		{"2026-02-15", "2026-02-16", nil, Span{0, 0, 0}}, // one day off in the week that ends
		{"2026-03-01", "2026-04-01", nil, Span{22, 22, 0}},
	} {
		var got []string
		for _, monday := range c.HolidayWeeks(on(t, x.from), on(t, x.to)) {
			got = append(got, monday.Format(time.DateOnly))
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s to %s: %s", x.from, x.to, diff)
		}
		if span := c.Count(on(t, x.from), on(t, x.to)); span != x.span {
			t.Errorf("%s to %s: %v, want %v", x.from, x.to, span, x.span)
		}
	}
}
