package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/internal/history"
)

// fleet is instances that are measured cycle by cycle.
type fleet struct {
	waves []wave
	cycle []cloud.Series
}

func newFleet(instances int) *fleet {
	n := instances * len(metrics)
	f := &fleet{make([]wave, n), make([]cloud.Series, n)}
	for i := range f.waves {
		f.waves[i] = newWave(uint64(i), 1)
		f.cycle[i] = cloud.Series{Resource: instance(i / len(metrics)), Metric: metrics[i%len(metrics)], Points: make([]cloud.Point, 1)}
	}
	return f
}

// next is one new sample of each series; it is overwritten by the next call.
func (f *fleet) next() []cloud.Series {
	parallel(len(f.waves), func(i int) { f.waves[i].fill(f.cycle[i].Points) })
	return f.cycle
}

// writePiece is how many series a remote write request has: of 5,000 to 150,000
// VictoriaMetrics took this fastest, and about as fast as its text format.
const writePiece = 10_000

// compareAppend appends the same cycles to Yunjian and to VictoriaMetrics.
func (s *session) compareAppend(ctx context.Context, instances, cycles int) error {
	fmt.Printf("\n== append: %d instances × %d metrics, %d cycles\n", instances, len(metrics), cycles)
	samples := float64(instances * len(metrics))
	folder, err := s.scratch("append")
	if err != nil {
		return err
	}
	store, err := history.Open(filepath.Join(folder, "history.db"), history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer store.Close()
	f := newFleet(instances)
	ours, err := timeCycles(f, cycles, func(cycle []cloud.Series) (func() error, error) {
		return func() error { return store.Append(cycle) }, nil
	})
	if err != nil {
		return err
	}
	names := []string{own}
	seconds := [][]float64{ours}
	theirs, err := s.victoriaCycles(ctx, instances, cycles)
	switch {
	case errors.Is(err, errAbsent):
		s.skip(os.Stdout, err.Error())
	case err != nil:
		return err
	default:
		names, seconds = append(names, "VictoriaMetrics"), append(seconds, theirs)
	}
	note := fmt.Sprintf("%d instances × %d metrics, one sample each; %d cycles after the first, which also brings the names. Yunjian: one transaction, synced. VictoriaMetrics: remote write, encoded beforehand, two connections, until the answer; it syncs later",
		instances, len(metrics), cycles)
	one := figure{Title: "追加一个周期 | appending a cycle, median", Unit: "M samples/s", Note: note}
	all := figure{Title: "追加所有周期 | appending all cycles, one after the other", Unit: "M samples/s", Note: "the same cycles, with the pauses of either"}
	first := figure{Title: "第一个周期 | appending the first cycle, with every name", Unit: "M samples/s", Note: "before the cycles above"}
	for i, name := range names {
		r := row{Of: name}
		total := 0.0
		for _, x := range seconds[i][1:] {
			r.Runs = append(r.Runs, samples/1e6/x)
			total += x
		}
		r.Value = median(r.Runs)
		sum, begin := row{Of: name, Value: samples / 1e6 * float64(cycles) / total}, row{Of: name, Value: samples / 1e6 / seconds[i][0]}
		if name != own {
			r.Bar, sum.Bar = atLeast(2), atLeast(2)
		}
		one.Rows, all.Rows, first.Rows = append(one.Rows, r), append(all.Rows, sum), append(first.Rows, begin)
	}
	for _, f := range []figure{one, all, first} {
		s.add(os.Stdout, f)
	}
	return nil
}

// timeCycles returns the seconds that the first cycle and each further one
// took; what prepare does is not timed.
func timeCycles(f *fleet, cycles int, prepare func([]cloud.Series) (func() error, error)) (seconds []float64, err error) {
	for range cycles + 1 {
		run, err := prepare(f.next())
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if err := run(); err != nil {
			return nil, err
		}
		seconds = append(seconds, time.Since(began).Seconds())
	}
	return seconds, nil
}

func (s *session) victoriaCycles(ctx context.Context, instances, cycles int) (seconds []float64, err error) {
	folder, err := s.scratch("append victoria")
	if err != nil {
		return nil, err
	}
	v, err := startVictoria(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer v.kill()
	f := newFleet(instances)
	seconds, err = timeCycles(f, cycles, func(cycle []cloud.Series) (func() error, error) {
		var bodies [][]byte
		for piece := range slices.Chunk(cycle, writePiece) {
			bodies = append(bodies, writeRequest(piece))
		}
		return func() error { return post(ctx, v.address+"/api/v1/write", remoteWriteHeader, bodies) }, nil
	})
	if err != nil {
		return nil, err
	}
	if err := v.settle(ctx); err != nil {
		return nil, err
	}
	// What was not taken was not fast.
	at := start.Unix() + int64(cycles)*step
	w := cloud.Window{From: start, To: time.Unix(at+step, 0)}
	for _, m := range metrics {
		bodies, err := queryAll(ctx, v.address, []string{fmt.Sprintf("sum(count_over_time(%s[%ds]))", m, int64(w.Duration()/time.Second))}, w)
		if err != nil {
			return nil, err
		}
		got := 0.0
		if err := eachSample(bodies[0], func(_ map[string]string, v float64) error { got = v; return nil }); err != nil {
			return nil, err
		}
		if want := float64(instances * (cycles + 1)); got != want {
			return nil, fmt.Errorf("VictoriaMetrics holds %v samples of %s, want %v", got, m, want)
		}
	}
	return seconds, nil
}
