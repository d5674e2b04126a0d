package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"yunjian/backtest"
	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/policies"
	"yunjian/recommender"
	"yunjian/utilization"
)

// BacktestOptions say what is replayed.
type BacktestOptions struct {
	DecideAt []time.Time // none: as backtest.Instants chooses
	Rules    []backtest.Rule
	Budgets  []float64     // of Yunjian's own rule
	Pack     policies.Pack // says which machines were idle afterwards
	Location *time.Location
	Progress func(done, total int)
	Decided  func(done, total int) // of several variations: those decided by
	// Variations of Yunjian's own rule, one replay of all for each; none: as it stands.
	Variations []backtest.Variation
}

// evidence is what of the constants decides what a rule is told of a machine.
func evidence(k recommender.Constants) recommender.Constants {
	return recommender.Constants{Instants: k.Instants, LevelFloor: k.LevelFloor}
}

// replays is one for each instant, over samples from begin to before end; and this
// again for each of the variations that ask for other evidence.
func (o BacktestOptions) replays(begin, end time.Time) ([]backtest.Replay, error) {
	at := o.DecideAt
	if len(at) == 0 {
		at = backtest.Instants(begin, end, o.Location)
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("the samples reach from %s to %s; to choose instants takes %d days before and %d after them: name one with --decide-at",
			begin.In(o.Location).Format(time.RFC3339), end.In(o.Location).Format(time.RFC3339), backtest.DaysBehind, backtest.DaysAhead)
	}
	var out []backtest.Replay
	asked := map[recommender.Constants]bool{}
	for _, v := range o.variations() {
		k := v.Constants
		if asked[evidence(k)] {
			continue
		}
		asked[evidence(k)] = true
		for _, t := range at {
			r := backtest.Replay{DecideAt: t, HistoryFrom: begin, HorizonEnd: end, Rules: o.Rules, Budgets: o.Budgets, Constants: k}
			if err := r.Check(); err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func (o BacktestOptions) variations() []backtest.Variation {
	if len(o.Variations) == 0 {
		return []backtest.Variation{{Constants: recommender.Standard()}}
	}
	return o.Variations
}

// decide ends replays of which the machines have been studied: for each of the
// variations a result for each instant.
func (o BacktestOptions) decide(ctx context.Context, replays []backtest.Replay, studied [][]backtest.Case) ([][]backtest.Result, error) {
	variations := o.variations()
	out := make([][]backtest.Result, len(variations))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	var done atomic.Int64
	for n, v := range variations {
		var of []int
		for i, r := range replays {
			if evidence(r.Constants) == evidence(v.Constants) {
				of = append(of, i)
			}
		}
		out[n] = make([]backtest.Result, len(of))
		for at, i := range of {
			group.Go(func() error {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				r := replays[i]
				r.Constants, r.Told = v.Constants, v.Told
				out[n][at] = r.Decide(studied[i])
				if o.Decided != nil {
					o.Decided(int(done.Add(1)), len(variations)*len(of))
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, results := range out {
		backtest.CountFlips(results)
	}
	return out, nil
}

// Backtest replays rules over a bundle: for each of the variations a result for each
// instant, in their order.
// Each machine's samples are read once and shared by all rules and instants.
func Backtest(ctx context.Context, b *bundle.Bundle, o BacktestOptions) ([][]backtest.Result, error) {
	if err := b.Scan(ctx); err != nil {
		return nil, err
	}
	if b.Begin().IsZero() {
		return nil, errors.New("the bundle holds no samples")
	}
	replays, err := o.replays(b.Begin(), b.End().Add(utilization.Step))
	if err != nil {
		return nil, err
	}
	var instances []cloud.Resource
	for _, r := range b.Inventory().Resources {
		if sized(r) {
			instances = append(instances, r)
		}
	}
	studied := make([][]backtest.Case, len(replays)) // by replay, machine
	for i := range studied {
		studied[i] = make([]backtest.Case, len(instances))
	}
	group, studying := errgroup.WithContext(ctx)
	var next, done atomic.Int64
	progress := make(chan int, len(instances))
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			study := backtest.NewStudy(o.Pack, o.Location)
			for {
				k := int(next.Add(1)) - 1
				if k >= len(instances) {
					return nil
				}
				if studying.Err() != nil {
					return context.Cause(studying)
				}
				points, err := b.Samples(instances[k].ID)
				if err != nil {
					return fmt.Errorf("replay: %w", err)
				}
				for i, replay := range replays {
					studied[i][k] = study.Case(replay, instances[k], points)
				}
				progress <- int(done.Add(1))
			}
		})
	}
	finished := make(chan error, 1)
	go func() {
		finished <- group.Wait()
		close(progress)
	}()
	for n := range progress {
		if o.Progress != nil {
			o.Progress(n, len(instances))
		}
	}
	if err := <-finished; err != nil {
		return nil, err
	}
	return o.decide(ctx, replays, studied)
}

// sized reports whether r is an instance of known size.
func sized(r cloud.Resource) bool {
	return r.Kind == cloud.Instance && r.VCPU > 0 && r.MemoryGiB > 0
}
