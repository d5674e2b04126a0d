package collector

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yunjian/cloud"
)

var t0 = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

const step = 5 * time.Minute

// drawNeeds draws series of mixed length: new, up to date, lagging, with parts.
func drawNeeds(t *rapid.T) []Need {
	n := rapid.IntRange(0, 130).Draw(t, "resources")
	var needs []Need
	for i := range n {
		back := rapid.SampledFrom([]int{0, 1, 1, 1, 2, 12, 288, 900, 8928}).Draw(t, "steps back")
		need := Need{
			Resource: fmt.Sprintf("i-%03d", i), Metric: cloud.CPUPercent, Query: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "query"),
			Span: Span{t0.Add(-time.Duration(back) * step), t0}, Fresh: rapid.Bool().Draw(t, "fresh"),
		}
		if back > 600 && rapid.Bool().Draw(t, "has parts") {
			at := need.From
			need.Parts = []Span{}
			for at.Before(t0) && len(need.Parts) < 4 {
				to := at.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "part")) * step)
				need.Parts = append(need.Parts, Span{at, earlier(to, t0)})
				at = to.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "hole")) * step)
			}
		}
		needs = append(needs, need)
	}
	return needs
}

func TestRoundsReadEveryInstantOnceAndKeepTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		needs := drawNeeds(t)
		covered := map[string]map[int64]int{}
		last := map[string]time.Time{}
		for _, round := range Rounds(needs, step) {
			for _, u := range round {
				if len(u.Needs) == 0 || len(u.Needs) > ResourcesPerCall {
					t.Fatalf("unit of %d resources", len(u.Needs))
				}
				if u.Points > pointsPerChain && u.To.Sub(u.From) > step {
					t.Fatalf("unit of %d points over %v", u.Points, u.To.Sub(u.From))
				}
				seen := map[string]bool{}
				for _, n := range u.Needs {
					if n.Query != u.Query || seen[n.Resource] {
						t.Fatalf("unit of %s holds %s of %s, seen before: %v", u.Query, n.Resource, n.Query, seen[n.Resource])
					}
					seen[n.Resource] = true
					if n.From.Before(u.From) || n.To.After(u.To) {
						t.Fatalf("need %v outside its unit %v", n.Span, u.Span)
					}
					if n.From.Before(last[n.Resource]) {
						t.Fatalf("%s: %v is read after %v", n.Resource, n.From, last[n.Resource])
					}
					last[n.Resource] = n.To
					if covered[n.Resource] == nil {
						covered[n.Resource] = map[int64]int{}
					}
					for at := n.From.Unix() + 300; at <= n.To.Unix(); at += 300 {
						covered[n.Resource][at]++
					}
				}
			}
		}
		for _, n := range needs {
			parts := n.Parts
			if parts == nil {
				parts = []Span{n.Span}
			}
			for _, p := range parts {
				for at := p.From.Unix() + 300; at <= p.To.Unix(); at += 300 {
					if covered[n.Resource][at] != 1 {
						t.Fatalf("%s: instant %d is read %d times", n.Resource, at, covered[n.Resource][at])
					}
				}
			}
		}
	})
}

func needsOf(n int, span time.Duration, fresh bool) []Need {
	var needs []Need
	for i := range n {
		needs = append(needs, Need{Resource: fmt.Sprintf("i-%04d", i), Query: "cpu", Span: Span{t0.Add(-span), t0}, Fresh: fresh})
	}
	return needs
}

func TestLongReadWastesLessThanTwoPercent(t *testing.T) {
	e := estimate(needsOf(407, 31*day, true), step, 20)
	if float64(e.Calls) > 1.02*float64(e.Minimum) {
		t.Errorf("%d calls, minimum %d", e.Calls, e.Minimum)
	}
	if want := (407*31*288 + 1439) / 1440; e.Minimum != want {
		t.Errorf("minimum %d, want %d", e.Minimum, want)
	}
}

func TestOneLaggingMachineDoesNotMakeTheOthersReadAgain(t *testing.T) {
	needs := needsOf(100, step, false)
	needs = append(needs, Need{Resource: "late", Query: "cpu", Span: Span{t0.Add(-30 * day), t0}})
	points := 0
	for _, round := range Rounds(needs, step) {
		for _, u := range round {
			points += u.Points
		}
	}
	if want := 100 + 30*288; points > want+want/10 {
		t.Errorf("%d points asked for, %d needed", points, want)
	}
}

func TestSpanIsLeftOpen(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     int
	}{
		{"sample at From belongs to the span before", t0, t0.Add(step), 1},
		{"empty", t0, t0, 0},
		{"between two instants of the grid", t0.Add(time.Second), t0.Add(step - time.Second), 0},
		{"just over an instant of the grid", t0.Add(-time.Second), t0, 1},
	} {
		if got := steps(Span{c.from, c.to}, step); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
