package aliyun

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"yunjian/collector"
)

const (
	censusAfter = 3 * day // a shorter span is read without asking which days hold samples
	censusWorth = 30      // expected metric calls per census call, at least
)

// census asks, by day averages, on which days each series holds samples at
// all, so that machines which did not exist yet or were off cost no calls and
// the plan's minimum is near the truth. It leaves the needs as they are where
// the platform has no day averages, where the answer says nothing, and where
// asking costs more than it can save. A bucket's timestamp may be its start or
// its end, in any time zone, so a day with samples vouches for the day before
// and after; the first day and the newest two, whose buckets may be cut off or
// not yet closed, are always read.
//
// Where the agent's series leaves days out that the host may have measured,
// the host's series is counted as well.
func (s *Source) census(ctx context.Context, r *run, offers map[string]offer) error {
	asks := map[string][]*series{}
	for _, x := range r.all {
		if x.asked && x.need.To.Sub(x.need.From) > censusAfter && offers[x.resource.Region].daily(x.way.name) {
			asks[x.need.Query] = append(asks[x.need.Query], x)
		}
	}
	first, err := s.days(ctx, r, asks)
	if err != nil {
		return err
	}
	asks = map[string][]*series{}
	unsure := map[*series]bool{}
	for _, x := range r.all {
		found, counted := first[x]
		host := slices.IndexFunc(x.ways, func(q query) bool { return !q.agent })
		if !counted || !x.way.agent || host < 0 || !holey(x.need.Span, found) {
			continue
		}
		unsure[x] = true
		if offers[x.resource.Region].daily(x.ways[host].name) {
			key := r.targetOf(x, x.ways[host]).key()
			asks[key] = append(asks[key], x)
		}
	}
	second, err := s.days(ctx, r, asks)
	if err != nil {
		return err
	}
	for x, found := range first {
		more, counted := second[x]
		if unsure[x] && !counted {
			continue
		}
		x.need.Parts = parts(x.need.Span, append(found, more...))
	}
	return nil
}

// days counts the days of each series, by target. A series that is not in the
// result was not counted.
func (s *Source) days(ctx context.Context, r *run, asks map[string][]*series) (map[*series][]int64, error) {
	var mu sync.Mutex
	days := map[string]map[string][]int64{} // by target and resource
	failed := map[string]bool{}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(s.options.Workers)
	for _, key := range sortedKeys(asks) {
		needs := make([]collector.Need, len(asks[key]))
		for i, x := range asks[key] {
			needs[i] = x.need
			needs[i].Query = key
		}
		units := censusUnits(needs)
		if worth(needs, units) < censusWorth {
			continue
		}
		t, found := r.targets[key], map[string][]int64{}
		mu.Lock()
		days[key] = found
		mu.Unlock()
		for _, u := range units {
			group.Go(func() error {
				samples, err := s.chain(inner, r, t, t.query.name, u, day)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed[key] = true // unless all is lost, the run itself will say what is wrong
					if broken(inner, err) {
						return fmt.Errorf("take the census of %s: %w", u.Metric, err)
					}
					return nil
				}
				for i, list := range samples {
					for _, p := range list {
						found[u.Needs[i].Resource] = append(found[u.Needs[i].Resource], p.t)
					}
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := map[*series][]int64{}
	for key, found := range days {
		if failed[key] || len(found) == 0 {
			continue
		}
		for _, x := range asks[key] {
			out[x] = found[x.resource.ID]
		}
	}
	return out, ctx.Err()
}

// holey reports whether days leave out more of whole than buckets at its edges
// can explain.
func holey(whole collector.Span, days []int64) bool {
	covered := time.Duration(0)
	for _, p := range parts(whole, days) {
		covered += p.To.Sub(p.From)
	}
	return covered < whole.To.Sub(whole.From)
}

// censusUnits cuts census needs into units; with one sample a day any span is
// short.
func censusUnits(needs []collector.Need) []collector.Unit {
	var units []collector.Unit
	for _, round := range collector.Rounds(needs, day) {
		units = append(units, round...)
	}
	return units
}

// worth is how many metric calls stand behind each census call.
func worth(needs []collector.Need, units []collector.Unit) int {
	points, calls := 0, 0
	for _, n := range needs {
		points += int(n.To.Sub(n.From) / basePeriod)
	}
	for _, u := range units {
		calls += u.Calls()
	}
	return points / collector.PointsPerCall / max(1, calls)
}

// parts are the spans of whole that days vouch for, and its first and newest two days.
func parts(whole collector.Span, days []int64) []collector.Span {
	out := []collector.Span{}
	add := func(from, to time.Time) {
		if from.Before(whole.From) {
			from = whole.From
		}
		if to.After(whole.To) {
			to = whole.To
		}
		if !from.Before(to) {
			return
		}
		if last := len(out) - 1; last >= 0 && !from.After(out[last].To) {
			if to.After(out[last].To) {
				out[last].To = to
			}
			return
		}
		out = append(out, collector.Span{From: from, To: to})
	}
	add(whole.From, whole.From.Add(day))
	slices.Sort(days)
	for _, t := range days {
		at := time.Unix(t, 0).UTC()
		add(at.Add(-day), at.Add(day))
	}
	add(whole.To.Add(-2*day), whole.To)
	return out
}
