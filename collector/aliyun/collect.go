package aliyun

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"yunjian/cloud"
	"yunjian/collector"
)

const (
	day           = 24 * time.Hour
	basePeriod    = 5 * time.Minute
	overlap       = 2 * basePeriod   // asked for again where samples may come late
	fallbackAfter = 6 * time.Hour    // without one agent sample the host's series is read
	recent        = time.Hour        // a machine that is off and has no sample this young counts as stopped
	retentionEdge = 10 * time.Minute // samples this near the end of their life are not asked for
	gapPatience   = 20 * time.Hour   // a gap is asked for again at most once a day
	maxFailures   = 3                // units in a row that got no answer at all: the cloud is not there
)

// series is one metric of one resource in one run.
type series struct {
	resource cloud.Resource
	metric   cloud.Metric
	ways     []query // best first; empty: not offered
	way      query
	target   target
	need     collector.Need
	through  time.Time // before this run
	asked    bool

	// Changed while reading, under run.mu.
	read   time.Time // samples up to here are delivered
	got    int
	newest int64
	halted *Error // could not be read further
	said   cloud.Observation
}

// run is the state of one Collect.
type run struct {
	tally
	period  time.Duration
	all     []*series
	byKey   map[seriesKey]*series
	targets map[string]target
	gaps    []collector.Need
	plan    collector.Plan
	to      time.Time

	// Under tally.mu.
	points  map[string]int // received, by CloudMonitor metric
	failing int            // units in a row without any answer

	progress func(done, total int)
	pages    int

	deliverMu sync.Mutex
	samples   int
}

type seriesKey struct {
	resource string
	metric   cloud.Metric
}

// page books one page received.
func (r *run) page(name string, points int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.points[name] += points
	r.pages++
	if r.progress != nil {
		r.progress(r.pages, max(r.pages, r.plan.Backfill.Calls))
	}
}

// Plan says what Collect would do for req. It reads what is on offer and, for
// a long backfill, takes the census of which days hold samples at all;
// Plan.Spent counts the metric calls that took.
func (s *Source) Plan(ctx context.Context, req collector.Request) (collector.Plan, error) {
	r, err := s.prepare(ctx, req)
	if err != nil {
		return collector.Plan{}, err
	}
	return r.plan, nil
}

// Collect implements collector.Source.
func (s *Source) Collect(ctx context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	r, err := s.prepare(ctx, req)
	if err != nil {
		return r.result(), err
	}
	r.progress = req.Progress
	for _, part := range []struct {
		needs []collector.Need
		again bool
	}{{r.needs(), false}, {r.gaps, true}} {
		for _, round := range collector.Rounds(part.needs, r.period) {
			if err := s.round(ctx, r, round, part.again, deliver); err != nil {
				return r.result(), err
			}
		}
	}
	if err := r.conclude(deliver); err != nil {
		return r.result(), err
	}
	return r.result(), nil
}

// prepare works out what is to be asked for and plans it.
func (s *Source) prepare(ctx context.Context, req collector.Request) (*run, error) {
	now := req.Now
	r := &run{byKey: map[seriesKey]*series{}, targets: map[string]target{}, points: map[string]int{}}
	budget := s.options.Budget
	if s.options.CallsUsed != nil {
		budget.UsedThisMonth = s.options.CallsUsed()
	}
	left, limited := budget.Left()
	if !limited {
		left = -1
	}
	r.tally = tally{calls: map[string]int{}, left: left}
	r.to = now
	if s.options.Lag > 0 {
		r.to = now.Add(-s.options.Lag).Truncate(basePeriod)
	}
	offers := map[string]offer{}
	for _, region := range s.options.Regions {
		o, err := s.offerOf(ctx, &r.tally, region, now)
		if err != nil {
			return r, err
		}
		offers[region] = o
	}
	s.enlist(r, req, offers)
	if err := s.census(ctx, r, offers); err != nil {
		return r, err
	}
	spent := r.calls[actionList]
	budget.UsedThisMonth += spent
	s.plan(r, now, budget)
	waits := false
	for _, x := range r.all {
		// A pull that the budget wants later is not made now.
		if x.asked && !x.through.IsZero() && r.to.Sub(x.through) < r.plan.Interval {
			x.asked, waits = false, true
		}
	}
	if waits {
		s.plan(r, now, budget)
	}
	r.plan.Spent = spent
	r.period = r.plan.Period
	r.left = r.plan.Allowed
	return r, nil
}

// plan plans what is asked for.
func (s *Source) plan(r *run, now time.Time, budget collector.Budget) {
	needs := r.needs()
	machines, metrics := map[string]struct{}{}, map[cloud.Metric]struct{}{}
	for _, x := range r.all {
		machines[x.resource.ID] = struct{}{}
		if len(x.ways) > 0 {
			metrics[x.metric] = struct{}{}
		}
	}
	r.plan = collector.MakePlan(collector.Demand{
		Now: now.In(s.options.Location), Needs: append(needs, r.gaps...), Resources: len(machines), Queries: len(metrics),
		Cadence: s.options.Cadence, Budget: budget,
	})
}

// needs are the spans to be read for the first time.
func (r *run) needs() []collector.Need {
	var needs []collector.Need
	for _, x := range r.all {
		if x.asked {
			needs = append(needs, x.need)
		}
	}
	return needs
}

// round reads the units of one round at the same time.
func (s *Source) round(ctx context.Context, r *run, units []collector.Unit, again bool, deliver func(collector.Batch) error) error {
	silent, err := s.units(ctx, r, units, again, deliver)
	if err != nil || len(silent) == 0 {
		return err
	}
	for _, round := range collector.Rounds(silent, r.period) {
		if _, err := s.units(ctx, r, round, again, deliver); err != nil {
			return err
		}
	}
	return nil
}

// units reads units and delivers each. It returns the spans in which the agent
// was silent and the host may have measured.
func (s *Source) units(ctx context.Context, r *run, units []collector.Unit, again bool, deliver func(collector.Batch) error) ([]collector.Need, error) {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(s.options.Workers)
	var silent []collector.Need
	for _, u := range units {
		group.Go(func() error {
			if !again {
				u.Needs = slices.DeleteFunc(slices.Clone(u.Needs), func(n collector.Need) bool { return r.isHalted(n) })
			}
			if len(u.Needs) == 0 || inner.Err() != nil {
				return nil
			}
			t := r.target(u.Query)
			points, err := s.read(inner, r, t, u, r.period)
			if e := asError(err); e != nil && e.Class == ClassInvalid && inner.Err() == nil {
				points, err = s.read(inner, r, t, u, r.period) // a token may have expired: once more from the start
			}
			if err != nil {
				return r.fail(inner, u, err)
			}
			r.deliverMu.Lock()
			defer r.deliverMu.Unlock()
			if inner.Err() != nil {
				return inner.Err()
			}
			batch, quiet := r.batch(t, u, points, again)
			silent = append(silent, quiet...)
			if len(batch.Series) == 0 && len(batch.Observations) == 0 {
				return nil
			}
			return deliver(batch)
		})
	}
	err := group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return silent, err
}

func (r *run) target(query string) target {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.targets[query]
}

func (r *run) isHalted(n collector.Need) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byKey[seriesKey{n.Resource, n.Metric}].halted != nil
}

// fail marks a unit's series as not to be read further in this run, or ends
// the run when nothing else can succeed.
func (r *run) fail(ctx context.Context, u collector.Unit, err error) error {
	if broken(ctx, err) {
		return fmt.Errorf("read %s: %w", u.Metric, err)
	}
	e := asError(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range u.Needs {
		r.byKey[seriesKey{n.Resource, n.Metric}].halted = e
	}
	switch e.Class {
	case ClassQuota, ClassBudget, ClassPermission:
		// The next unit would hear the same.
		for _, x := range r.all {
			if x.halted == nil && x.asked && x.read.Before(x.need.To) {
				x.halted = e
			}
		}
	case ClassTransport, ClassServer:
		if r.failing++; r.failing >= maxFailures {
			return fmt.Errorf("read %s, %d spans in a row without an answer: %w", u.Metric, r.failing, err)
		}
	}
	return nil
}

// batch makes what is delivered of a unit.
func (r *run) batch(t target, u collector.Unit, points [][]cloud.Point, again bool) (collector.Batch, []collector.Need) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = 0
	var b collector.Batch
	var silent []collector.Need
	for i, n := range u.Needs {
		x := r.byKey[seriesKey{n.Resource, n.Metric}]
		own := points[i]
		if !n.Fresh {
			// The unit is as wide as its widest need; the rest was read before.
			own = slices.DeleteFunc(own, func(p cloud.Point) bool { return p.T <= n.From.Unix() || p.T > n.To.Unix() })
		}
		unsure := x.resource.Agent != cloud.AgentRunning || n.To.Sub(n.From) >= fallbackAfter
		if len(own) == 0 && t.query.agent && unsure {
			if i := slices.IndexFunc(x.ways, func(w query) bool { return !w.agent }); i >= 0 {
				n.Query = r.targetOf(x, x.ways[i]).key()
				silent = append(silent, n)
				continue
			}
		}
		if len(own) > 0 {
			b.Series = append(b.Series, cloud.Series{Resource: n.Resource, Metric: n.Metric, Points: own})
			r.samples += len(own)
		}
		if again {
			continue
		}
		x.got += len(own)
		if len(own) > 0 {
			x.newest = max(x.newest, own[len(own)-1].T)
			x.way = t.query
		}
		if n.To.After(x.read) {
			x.read = n.To
		}
		x.said = r.observe(x)
		b.Observations = append(b.Observations, x.said)
	}
	slices.SortFunc(b.Series, func(a, b cloud.Series) int { return strings.Compare(a.Resource, b.Resource) })
	slices.SortFunc(b.Observations, func(a, b cloud.Observation) int { return strings.Compare(a.Resource, b.Resource) })
	return b, silent
}
