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

func newFleet(instances int, first time.Time) *fleet {
	n := instances * len(metrics)
	f := &fleet{make([]wave, n), make([]cloud.Series, n)}
	for i := range f.waves {
		f.waves[i] = newWave(uint64(i), 1)
		f.waves[i].first = first.Unix()
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

// compareAppend appends the same cycles to Yunjian and to VictoriaMetrics: some
// with the rest between them that they have in life, then as many at once.
func (s *session) compareAppend(ctx context.Context, instances, cycles int) error {
	fmt.Printf("\n== append: %d instances × %d metrics, 2 × %d cycles\n", instances, len(metrics), cycles)
	note := fmt.Sprintf("%d instances × %d metrics, one sample each; Yunjian: one transaction, synced; VictoriaMetrics: remote write, encoded beforehand, two connections, until it answers (it syncs later)",
		instances, len(metrics))
	figures := []figure{
		{Title: "首个周期 | appending the first cycle, which brings every name", Unit: "M samples/s", Note: note},
		{Title: "单个周期 | appending a cycle", Unit: "M samples/s", Note: fmt.Sprintf("%d cycles, each once the one before has been written and merged; median", cycles)},
		{Title: "连续周期 | appending cycles without rest", Unit: "M samples/s", Note: fmt.Sprintf("%d cycles, one as soon as the one before is answered; all together", cycles)},
	}
	samples := float64(instances*len(metrics)) / 1e6
	// The present is what VictoriaMetrics takes in fastest.
	first := time.Now().Truncate(step * time.Second).Add(-2 * cycleTime(cycles))
	for _, measure := range []func(context.Context, *fleet, int) ([]float64, error){s.ownCycles, s.victoriaCycles} {
		seconds, err := measure(ctx, newFleet(instances, first), cycles)
		if errors.Is(err, errAbsent) {
			s.skip(os.Stdout, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		rows := make([]row, len(figures))
		if len(figures[0].Rows) == 0 {
			for i := range rows {
				rows[i].Of = own
			}
		} else {
			rows = []row{{Of: "VictoriaMetrics"}, {Of: "VictoriaMetrics", Bar: atLeast(2)}, {Of: "VictoriaMetrics", Bar: atLeast(2)}}
		}
		rest, total := seconds[1:1+cycles], 0.0
		for _, x := range rest {
			rows[1].Runs = append(rows[1].Runs, samples/x)
		}
		for _, x := range seconds[1+cycles:] {
			rows[2].Runs = append(rows[2].Runs, samples/x)
			total += x
		}
		rows[0].Value, rows[1].Value, rows[2].Value = samples/seconds[0], median(rows[1].Runs), samples*float64(cycles)/total
		for i := range rows {
			figures[i].Rows = append(figures[i].Rows, rows[i])
		}
	}
	for _, f := range figures {
		s.add(os.Stdout, f)
	}
	return nil
}

// timeCycles returns the seconds that the first cycle took, then those of some
// after a rest and of as many without. What prepare does is not timed.
func timeCycles(f *fleet, cycles int, rest func() error, prepare func([]cloud.Series) (run func() error)) (seconds []float64, err error) {
	for i := range 1 + 2*cycles {
		run := prepare(f.next())
		if i <= cycles {
			if err := rest(); err != nil {
				return nil, err
			}
		}
		began := time.Now()
		if err := run(); err != nil {
			return nil, err
		}
		seconds = append(seconds, time.Since(began).Seconds())
	}
	return seconds, nil
}

func (s *session) ownCycles(_ context.Context, f *fleet, cycles int) ([]float64, error) {
	folder, err := s.scratch("append")
	if err != nil {
		return nil, err
	}
	store, err := history.Open(filepath.Join(folder, "history.db"), history.Options{Location: zone})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	rest := func() error { return nil } // nothing goes on behind an append
	return timeCycles(f, cycles, rest, func(cycle []cloud.Series) func() error {
		return func() error { return store.Append(cycle) }
	})
}

func (s *session) victoriaCycles(ctx context.Context, f *fleet, cycles int) (seconds []float64, err error) {
	folder, err := s.scratch("append victoria")
	if err != nil {
		return nil, err
	}
	v, err := startVictoria(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer v.close()
	seconds, err = timeCycles(f, cycles, func() error { return v.flush(ctx) }, func(cycle []cloud.Series) func() error {
		var bodies [][]byte
		for piece := range slices.Chunk(cycle, writePiece) {
			bodies = append(bodies, writeRequest(piece))
		}
		return func() error { return post(ctx, v.address+"/api/v1/write", remoteWriteHeader, bodies) }
	})
	if err != nil {
		return nil, err
	}
	if err := v.flush(ctx); err != nil {
		return nil, err
	}
	// What was not taken was not fast.
	first, last := f.waves[0].first, f.cycle[0].Points[0].T
	w := cloud.Window{From: time.Unix(first, 0), To: time.Unix(last+step, 0)}
	for _, m := range metrics {
		bodies, err := queryAll(ctx, v.address, []string{fmt.Sprintf("sum(count_over_time(%s[%ds]))", m, int64(w.Duration()/time.Second))}, w)
		if err != nil {
			return nil, err
		}
		got := 0.0
		if err := eachSample(bodies[0], func(_ map[string]string, v float64) error { got = v; return nil }); err != nil {
			return nil, err
		}
		if want := float64(len(f.cycle) / len(metrics) * (2*cycles + 1)); got != want {
			return nil, fmt.Errorf("VictoriaMetrics holds %v samples of %s, want %v", got, m, want)
		}
	}
	return seconds, nil
}
