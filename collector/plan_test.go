package collector

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func codes(p Plan) []string {
	var out []string
	for _, n := range p.Notes {
		out = append(out, n.Code)
	}
	return out
}

func TestPlanNeverExceedsTheBudgetAndNeverBeatsTheMinimum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Demand{
			Now:       t0.Add(time.Duration(rapid.IntRange(0, 60*24*30).Draw(t, "minutes")) * time.Minute),
			Resources: rapid.IntRange(0, 20_000).Draw(t, "resources"), Queries: rapid.IntRange(1, 8).Draw(t, "queries"),
			Cadence: rapid.SampledFrom([]time.Duration{0, step, 15 * time.Minute, time.Hour, day}).Draw(t, "cadence"),
			Budget: Budget{
				QPS:           rapid.SampledFrom([]float64{0, 1, 20, 50}).Draw(t, "qps"),
				PerMonth:      rapid.SampledFrom([]int{0, 10, 1000, 50_000, 900_000}).Draw(t, "per month"),
				UsedThisMonth: rapid.IntRange(0, 900_000).Draw(t, "used"),
			},
			Needs: drawNeeds(t),
		}
		p := MakePlan(d)
		for name, e := range map[string]Estimate{"backfill": p.Backfill, "pull": p.Pull, "day": p.Day, "month": p.Month} {
			if e.Calls < e.Minimum {
				t.Fatalf("%s: %d calls, fewer than the minimum of %d", name, e.Calls, e.Minimum)
			}
		}
		left, limited := d.Budget.Left()
		if limited && (p.Allowed < 0 || p.Allowed > left) {
			t.Fatalf("%d calls allowed, %d left", p.Allowed, left)
		}
		if p.Fits && limited && (p.Backfill.Calls > left || p.Month.Calls > d.Budget.PerMonth) {
			t.Fatalf("said to fit: backfill %d of %d left, month %d of %d", p.Backfill.Calls, left, p.Month.Calls, d.Budget.PerMonth)
		}
		if !p.Fits && len(p.Notes) == 0 {
			t.Fatal("does not fit and does not say why")
		}
		if p.Interval != 0 && p.Interval < d.Cadence {
			t.Fatalf("interval %v shorter than wanted %v", p.Interval, d.Cadence)
		}
		if p.Interval > d.Cadence && !slices.ContainsFunc(p.Notes, func(n Note) bool { return n.Code == NoteInterval || n.Code == NoteRate }) {
			t.Fatalf("interval %v instead of %v, notes %v", p.Interval, d.Cadence, codes(p))
		}
	})
}

func TestPlanGivesUpFreshnessBeforeSamples(t *testing.T) {
	for _, c := range []struct {
		name     string
		demand   Demand
		period   time.Duration
		interval time.Duration
		notes    []string
		fits     bool
	}{
		{
			"budget suffices for every five minutes",
			Demand{Resources: 50, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 31 * 288}},
			step, step, nil, true,
		},
		{
			"one call short: half as often, same samples",
			Demand{Resources: 50, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 31*288 - 1}},
			step, 2 * step, []string{NoteInterval}, true,
		},
		{
			"two thousand machines within a million calls keep the five-minute step",
			Demand{Resources: 2000, Queries: 7, Cadence: step, Budget: Budget{PerMonth: 900_000}},
			step, 15 * time.Minute, []string{NoteInterval}, true,
		},
		{
			"not even a page a day each: coarser",
			Demand{Resources: 2000, Queries: 7, Cadence: step, Budget: Budget{PerMonth: 40_000}},
			15 * time.Minute, 6 * time.Hour, []string{NoteInterval, NotePeriod}, true,
		},
		{
			"hopeless",
			Demand{Resources: 2000, Queries: 7, Cadence: step, Budget: Budget{PerMonth: 100}},
			time.Hour, day, []string{NoteInterval, NotePeriod, NoteExhausted}, false,
		},
		{
			"a rate that cannot keep up",
			Demand{Resources: 50_000, Queries: 1, Cadence: step, Budget: Budget{QPS: 1}},
			step, 25 * time.Minute, []string{NoteRate}, true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.demand.Now = t0
			p := MakePlan(c.demand)
			if p.Fits != c.fits {
				t.Errorf("fits: %v, want %v: %+v", p.Fits, c.fits, p)
			}
			if p.Period != c.period {
				t.Errorf("period %v, want %v", p.Period, c.period)
			}
			if !slices.Equal(codes(p), c.notes) {
				t.Errorf("notes %v, want %v", codes(p), c.notes)
			}
			if p.Interval != c.interval {
				t.Errorf("interval %v, want %v", p.Interval, c.interval)
			}
		})
	}
}

func TestPlanCoarsensABackfillThatTheMonthCannotPay(t *testing.T) {
	d := Demand{Now: t0, Needs: needsOf(100, 30*day, true), Budget: Budget{PerMonth: 300}}
	p := MakePlan(d)
	if p.Period != 15*time.Minute || !p.Fits || p.Allowed != 300 {
		t.Errorf("period %v, fits %v, allowed %d: want 15m, true, 300; backfill %+v", p.Period, p.Fits, p.Allowed, p.Backfill)
	}
	d.Budget.PerMonth = 10
	if p := MakePlan(d); p.Fits || p.Allowed != 10 || !slices.Contains(codes(p), NoteBackfill) {
		t.Errorf("fits %v, allowed %d, notes %v: want a partial backfill of 10", p.Fits, p.Allowed, codes(p))
	}
}

func TestPlanIsNotCoarsenedBecauseThisMonthIsShort(t *testing.T) {
	pull := needsOf(1000, 15*time.Minute, false)
	newcomer := append(needsOf(1, time.Hour, true), pull...)
	newcomer[0].Resource = "new"
	for _, c := range []struct {
		name  string
		needs []Need
		used  int
	}{
		{"no call left", pull, 100_000},
		{"less than a pull left", pull, 99_990},
		{"less than a pull left and a new machine", newcomer, 99_990},
		{"less than until the month ends left", pull, 99_000},
	} {
		d := Demand{Now: t0, Needs: c.needs, Resources: 1000, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 100_000, UsedThisMonth: c.used}}
		if p := MakePlan(d); p.Period != step || p.Allowed > 100_000-c.used {
			t.Errorf("%s: period %v, interval %v, allowed %d, notes %v", c.name, p.Period, p.Interval, p.Allowed, codes(p))
		}
	}
	// What lies days behind may be read coarser, when that saves calls.
	p := MakePlan(Demand{Now: t0, Needs: needsOf(1000, 60*day, false), Resources: 1000, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 20_000, UsedThisMonth: 10_000}})
	if p.Period <= step {
		t.Errorf("60 days behind: period %v, backfill %d, month %d", p.Period, p.Backfill.Calls, p.Month.Calls)
	}
}

// TestPullMayTakeMoreCallsThanPlanned has a fleet in more scopes than the plan
// knows of: a short month must not cut every pull off at the same place.
func TestPullMayTakeMoreCallsThanPlanned(t *testing.T) {
	needs := needsOf(1000, 15*time.Minute, false)
	for i := range needs {
		needs[i].Query = fmt.Sprint("scope ", i%60)
	}
	p := MakePlan(Demand{Now: t0, Needs: needs, Resources: 1000, Queries: 1, Cadence: time.Hour, Budget: Budget{PerMonth: 100_000, UsedThisMonth: 99_900}})
	if p.Backfill.Calls != 60 || p.Pull.Calls >= 60 || p.Allowed != 100 {
		t.Errorf("%d calls, %d planned a pull, %d allowed: want 60, fewer, 100", p.Backfill.Calls, p.Pull.Calls, p.Allowed)
	}
	needs[0].Fresh, needs[0].From = true, t0.Add(-91*day)
	if p := MakePlan(Demand{Now: t0, Needs: needs, Resources: 100, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 100_000, UsedThisMonth: 99_900}}); p.Allowed > max(p.Pull.Calls, 100-p.restOfMonth(t0)) {
		t.Errorf("with history to be read %d are allowed, pulls until the month ends take %d", p.Allowed, p.restOfMonth(t0))
	}
}

func TestPullsStretchOverAShortMonth(t *testing.T) {
	d := Demand{Now: time.Date(2026, 10, 21, 0, 0, 0, 0, time.UTC), Resources: 1000, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 200_000, UsedThisMonth: 190_000}}
	p := MakePlan(d)
	if rest := p.Pull.Calls * int(11*day/p.Interval); p.Period != step || p.Interval <= step || p.Interval > time.Hour || rest > 10_000 || !slices.Contains(codes(p), NoteInterval) {
		t.Errorf("period %v, interval %v, %d calls until the month ends, notes %v", p.Period, p.Interval, rest, codes(p))
	}
	d.Budget.UsedThisMonth = 0
	if p := MakePlan(d); p.Interval != step || len(p.Notes) > 0 {
		t.Errorf("with a whole budget: interval %v, notes %v", p.Interval, codes(p))
	}
}

// TestPlanStretchesPullsForABackfill starts a fleet on the first of a month:
// pulls further apart leave the calls that its history takes.
func TestPlanStretchesPullsForABackfill(t *testing.T) {
	first := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	needs := needsOf(3000, 91*day, true)
	for i := range needs {
		needs[i].To = first
		needs[i].From = first.Add(-91 * day)
	}
	d := Demand{Now: first, Needs: needs, Resources: 3000, Queries: 1, Cadence: step, Budget: Budget{PerMonth: 130_000}}
	p := MakePlan(d)
	if !p.Fits || p.Period != step || p.Interval <= step || !slices.Contains(codes(p), NoteInterval) {
		t.Errorf("fits %v, period %v, interval %v, backfill %d, month %d, notes %v", p.Fits, p.Period, p.Interval, p.Backfill.Calls, p.Month.Calls, codes(p))
	}
	if rest := p.Pull.Calls * int(31*day/p.Interval); p.Backfill.Calls+rest > 130_000 {
		t.Errorf("backfill %d and pulls %d are more than the month has", p.Backfill.Calls, rest)
	}
	d.Needs = nil // the pulls after it are not held back
	if p := MakePlan(d); p.Interval >= 2*time.Hour {
		t.Errorf("interval %v without a backfill", p.Interval)
	}
}

func TestPlanSaysThatTheCloudForgets(t *testing.T) {
	p := MakePlan(Demand{Now: t0, Needs: needsOf(1, 400*day, true)})
	if !slices.Contains(codes(p), NoteRetention) || p.Backfill.Points != 91*288 {
		t.Errorf("notes %v, %d points: want %s and %d", codes(p), p.Backfill.Points, NoteRetention, 91*288)
	}
}
