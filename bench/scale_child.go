package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/utilization"
)

const (
	slice = 5    // days that one append brings
	group = 1000 // instances that one append brings
)

// childLoad fills the file args[0] with args[1] instances and args[2] days.
func childLoad(ctx context.Context, args []string) error {
	instances, days, err := twoNumbers(args[1], args[2])
	if err != nil {
		return err
	}
	began := time.Now()
	s, err := history.Open(args[0], history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer s.Close()
	waves := make([]wave, instances*len(metrics))
	for i := range waves {
		waves[i] = newWave(uint64(i), 1)
	}
	err = appendDays(ctx, s, instances, 0, days, func(i int, points []cloud.Point) { waves[i].fill(points) }, nil)
	if err != nil {
		return err
	}
	if err := s.Fold(ctx, span(days).To.AddDate(0, 0, 60)); err != nil {
		return err
	}
	if err := s.Compact(ctx); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return tell(args[0], began)
}

// appendDays appends the days from first up to last, slice by slice, until
// enough, if given, says so after a slice.
func appendDays(ctx context.Context, s *history.Store, instances, first, last int, fill func(series int, points []cloud.Point), enough func() (bool, error)) error {
	batch := make([]cloud.Series, 0, group*len(metrics))
	buffers := make([][]cloud.Point, group*len(metrics))
	for i := range buffers {
		buffers[i] = make([]cloud.Point, slice*perDay)
	}
	for day := first; day < last; day += slice {
		n := min(slice, last-day) * perDay
		for from := 0; from < instances; from += group {
			batch = batch[:0]
			for i := from; i < min(from+group, instances); i++ {
				for _, m := range metrics {
					batch = append(batch, cloud.Series{Resource: instance(i), Metric: m, Points: buffers[len(batch)][:n]})
				}
			}
			parallel(len(batch), func(i int) { fill(from*len(metrics)+i, batch[i].Points) })
			if err := s.Append(batch); err != nil {
				return err
			}
		}
		if err := s.Fold(ctx, start.AddDate(0, 0, day+slice).Add(2*time.Hour)); err != nil {
			return err
		}
		if enough != nil {
			if done, err := enough(); done || err != nil {
				return err
			}
		}
	}
	return nil
}

// tell prints what filling a file took.
func tell(path string, began time.Time) error {
	n, err := size(path)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(loaded{time.Since(began).Seconds(), n, resident("VmHWM")})
}

// resident reads a figure of /proc/self/status, in bytes.
func resident(name string) int64 {
	return kilobytes("/proc/self/status", name) << 10
}

// childAudit reads args[1] days of everything in the file args[0], as an audit
// does.
func childAudit(ctx context.Context, args []string) error {
	days, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s, err := history.Open(args[0], history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer s.Close()
	var a audited
	highest := watch("RssAnon")
	began := time.Now()
	var names []string
	type found struct {
		resource string
		samples  int64
	}
	q := history.Query{Spans: []history.Span{{Window: span(days), Metrics: metrics}}}
	err = history.Scan(ctx, s, q, func(resource string, u []map[cloud.Metric]utilization.Summary) (found, error) {
		f := found{resource: resource}
		for _, x := range u[0] {
			f.samples += int64(x.Samples)
		}
		return f, nil
	}, func(f found) error {
		names = append(names, f.resource)
		a.Samples += f.samples
		return nil
	})
	if err != nil {
		return err
	}
	a.Scan, a.ScanHighest = time.Since(began).Seconds(), resident("VmHWM")
	began = time.Now()
	year := cloud.Window{From: span(days).To.AddDate(-1, -1, 0), To: span(days).To}
	if _, err := s.Peaks(ctx, names, metrics[:2], year, nil); err != nil {
		return err
	}
	a.Peaks, a.Resident = time.Since(began).Seconds(), resident("VmHWM")
	a.Anonymous = highest()
	return json.NewEncoder(os.Stdout).Encode(a)
}

// watch looks at a figure of memory every few milliseconds; the kernel keeps
// the highest of some, but not of this one.
func watch(name string) (highest func() int64) {
	var top int64
	var done sync.WaitGroup
	stop := make(chan struct{})
	done.Go(func() {
		for {
			top = max(top, resident(name))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() int64 {
		close(stop)
		done.Wait()
		return top
	}
}

// childGrow appends numbers that cannot be packed to args[1] instances in the
// file args[0], from day args[2] on, until it has args[3] bytes.
func childGrow(ctx context.Context, args []string) error {
	instances, days, err := twoNumbers(args[1], args[2])
	if err != nil {
		return err
	}
	large, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil {
		return err
	}
	began := time.Now()
	s, err := history.Open(args[0], history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer s.Close()
	grown := func() (bool, error) {
		stats, err := s.Stats(context.Background())
		return stats.Bytes >= large, err
	}
	done, err := grown()
	for day := days; !done && err == nil; day += slice {
		// A source of its own for each series and slice, so that both cores
		// may fill.
		err = appendDays(ctx, s, instances, day, day+slice, func(i int, points []cloud.Point) {
			random := rand.New(rand.NewPCG(uint64(i), uint64(day)))
			for j := range points {
				points[j] = cloud.Point{T: start.Unix() + int64(day*perDay+j)*step, V: random.Float64() * 1e6}
			}
		}, nil)
		if err == nil {
			done, err = grown()
		}
	}
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return tell(args[0], began)
}

// childOpen opens the file args[0] and prints the seconds that took; cold
// (args[1]) after the kernel has been asked to forget it.
func childOpen(_ context.Context, args []string) error {
	if args[1] == "cold" {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			return err
		}
	}
	began := time.Now()
	s, err := history.Open(args[0], history.Options{Location: zone})
	if err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	s.Close()
	return json.NewEncoder(os.Stdout).Encode(seconds)
}
