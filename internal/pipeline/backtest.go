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

// BacktestOptions say what of a bundle is replayed.
type BacktestOptions struct {
	DecideAt []time.Time
	Rules    []backtest.Rule
	Budgets  []float64     // of Yunjian's own rule
	Pack     policies.Pack // says which machines were idle afterwards
	Location *time.Location
	Progress func(done, total int)
}

// Backtest replays rules over a bundle: a result for each instant, in their order.
// Each machine's samples are read once and shared by all rules and instants.
func Backtest(ctx context.Context, b *bundle.Bundle, o BacktestOptions) ([]backtest.Result, error) {
	if err := b.Scan(ctx); err != nil {
		return nil, err
	}
	begin, end := b.Begin(), b.End().Add(utilization.Step)
	if begin.IsZero() {
		return nil, errors.New("the bundle holds no samples")
	}
	replays := make([]backtest.Replay, len(o.DecideAt))
	for i, at := range o.DecideAt {
		replays[i] = backtest.Replay{DecideAt: at, HistoryFrom: begin, HorizonEnd: end, Rules: o.Rules, Budgets: o.Budgets, Constants: recommender.Standard()}
		if err := replays[i].Check(); err != nil {
			return nil, err
		}
	}
	var instances []cloud.Resource
	for _, r := range b.Inventory().Resources {
		if r.Kind == cloud.Instance && r.VCPU > 0 && r.MemoryGiB > 0 {
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
	out := make([]backtest.Result, len(replays))
	for i, replay := range replays {
		out[i] = replay.Decide(studied[i])
	}
	return out, nil
}
