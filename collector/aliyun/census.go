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
// and after; the newest two days are always read.
func (s *Source) census(ctx context.Context, r *run, offers map[string]offer) error {
	byTarget := map[string][]*series{}
	for _, x := range r.all {
		if x.asked && x.need.To.Sub(x.need.From) > censusAfter && offers[x.resource.Region].daily(x.way.name) {
			byTarget[x.need.Query] = append(byTarget[x.need.Query], x)
		}
	}
	var mu sync.Mutex
	days := map[string]map[string][]int64{} // by query and resource; of a query that failed, none
	failed := map[string]bool{}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(s.options.Workers)
	for _, query := range sortedKeys(byTarget) {
		needs := make([]collector.Need, len(byTarget[query]))
		for i, x := range byTarget[query] {
			needs[i] = x.need
			needs[i].From = x.need.From.Add(-day) // the bucket that holds the first sample may begin before it
			needs[i].To = x.need.To.Add(day)
		}
		units := censusUnits(needs)
		if worth(needs, units) < censusWorth {
			continue
		}
		t := r.targets[query]
		days[query] = map[string][]int64{}
		for _, u := range units {
			group.Go(func() error {
				found, err := s.chain(inner, r, t, t.query.name, u, day)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed[query] = true // unless all is lost, the run itself will say what is wrong
					if broken(inner, err) {
						return fmt.Errorf("take the census of %s: %w", u.Metric, err)
					}
					return nil
				}
				for i, samples := range found {
					for _, p := range samples {
						days[query][u.Needs[i].Resource] = append(days[query][u.Needs[i].Resource], p.t)
					}
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for query, found := range days {
		if failed[query] || len(found) == 0 {
			continue
		}
		for _, x := range byTarget[query] {
			x.need.Parts = parts(x.need.Span, found[x.resource.ID])
		}
	}
	return ctx.Err()
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

// parts are the spans of whole that days vouch for, and its newest two days.
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
	slices.Sort(days)
	for _, t := range days {
		at := time.Unix(t, 0).UTC()
		add(at.Add(-day), at.Add(day))
	}
	add(whole.To.Add(-2*day), whole.To)
	return out
}
