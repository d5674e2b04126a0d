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
}

// replays is one for each instant, over samples from begin to before end.
func (o BacktestOptions) replays(begin, end time.Time) ([]backtest.Replay, error) {
	at := o.DecideAt
	if len(at) == 0 {
		at = backtest.Instants(begin, end, o.Location)
	}
	if len(at) == 0 {
		return nil, fmt.Errorf("the samples reach from %s to %s; to choose instants takes %d days before and %d after them: name one with --decide-at",
			begin.In(o.Location).Format(time.RFC3339), end.In(o.Location).Format(time.RFC3339), backtest.DaysBehind, backtest.DaysAhead)
	}
	out := make([]backtest.Replay, len(at))
	for i, t := range at {
		out[i] = backtest.Replay{DecideAt: t, HistoryFrom: begin, HorizonEnd: end, Rules: o.Rules, Budgets: o.Budgets, Constants: recommender.Standard()}
		if err := out[i].Check(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decide ends replays of which the machines have been studied.
func decide(replays []backtest.Replay, studied [][]backtest.Case) []backtest.Result {
	out := make([]backtest.Result, len(replays))
	for i, replay := range replays {
		out[i] = replay.Decide(studied[i])
	}
	return out
}

// Backtest replays rules over a bundle: a result for each instant, in their order.
// Each machine's samples are read once and shared by all rules and instants.
func Backtest(ctx context.Context, b *bundle.Bundle, o BacktestOptions) ([]backtest.Result, error) {
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
	group, ctx := errgroup.WithContext(ctx)
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
				if ctx.Err() != nil {
					return context.Cause(ctx)
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
	return decide(replays, studied), nil
}

// sized reports whether r is an instance of known size.
func sized(r cloud.Resource) bool {
	return r.Kind == cloud.Instance && r.VCPU > 0 && r.MemoryGiB > 0
}
