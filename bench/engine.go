package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// engine is a store under test, holding one dataset.
type engine interface {
	name() string
	// load stores all samples and returns once they lie on the disk as they
	// will stay: flushed, merged, folded.
	load(ctx context.Context, d dataset) error
	// bytes is what the samples take on the disk.
	bytes() (int64, error)
	// ask finds p95, p99 and maximum of every resource for each metric. It
	// returns when the whole answer has come; decode, which is not timed, reads
	// it.
	ask(ctx context.Context, d dataset) (decode func() (answers, error), err error)
	close()
}

type key struct {
	resource string
	metric   cloud.Metric
}

// answer is p95, p99 and maximum.
type answer [3]float64

type answers map[key]answer

// truth finds the answers by sorting.
func truth(d dataset) answers {
	found := make([]answer, len(d.series))
	parallel(len(d.series), func(i int) {
		values := make([]float64, 0, len(d.series[i].Points))
		for _, p := range d.series[i].Points {
			values = append(values, p.V)
		}
		slices.Sort(values)
		found[i] = answer{utilization.Quantile(values, 0.95), utilization.Quantile(values, 0.99), values[len(values)-1]}
	})
	out := answers{}
	for i, s := range d.series {
		out[key{s.Resource, s.Metric}] = found[i]
	}
	return out
}

// check names the first answer that is missing, more, or not the truth to
// within the rounding of float64.
func (a answers) check(want answers) error {
	if len(a) != len(want) {
		return fmt.Errorf("%d series in the answer, want %d", len(a), len(want))
	}
	for k, w := range want {
		got, ok := a[k]
		if !ok {
			return fmt.Errorf("no answer for %s of %s", k.metric, k.resource)
		}
		for i := range got {
			if !(math.Abs(got[i]-w[i]) <= 1e-9*max(1, math.Abs(w[i]))) {
				return fmt.Errorf("p95, p99 and max of %s of %s: got %v, want %v", k.metric, k.resource, got, w)
			}
		}
	}
	return nil
}

// verify asks once, so that everyone is warm, and checks the answer.
func verify(ctx context.Context, e engine, d dataset, want answers) error {
	decode, err := e.ask(ctx, d)
	if err != nil {
		return fmt.Errorf("%s: ask: %w", e.name(), err)
	}
	got, err := decode()
	if err != nil {
		return fmt.Errorf("%s: read the answer: %w", e.name(), err)
	}
	if err := got.check(want); err != nil {
		return fmt.Errorf("%s: wrong answer: %w", e.name(), err)
	}
	return nil
}

// race asks the engines in turn, so that what else the machine does meanwhile
// falls on all alike, and returns the seconds each took.
func race(ctx context.Context, engines []engine, d dataset, runs int) ([][]float64, error) {
	out := make([][]float64, len(engines))
	for range runs {
		for i, e := range engines {
			began := time.Now()
			if _, err := e.ask(ctx, d); err != nil {
				return nil, fmt.Errorf("%s: ask: %w", e.name(), err)
			}
			out[i] = append(out[i], time.Since(began).Seconds())
		}
	}
	return out, nil
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	if len(s)%2 == 0 {
		return (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return s[len(s)/2]
}
