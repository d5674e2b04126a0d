package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/cloud"
)

// PointQuery says what ScanPoints reads.
type PointQuery struct {
	Resources []string
	Metrics   []cloud.Metric
	Window    cloud.Window
	Exclude   map[string][]cloud.Window // per resource, spans whose samples are left out
}

// ScanPoints is Scan with the samples themselves: work gets, for every resource
// named, the metrics that have samples, ascending. They are its own to keep. What
// Scan says of concurrency, order, damage and errors holds here too.
func ScanPoints[T any](ctx context.Context, s *Store, q PointQuery, work func(resource string, points map[cloud.Metric][]cloud.Point) (T, error), deliver func(T) error) error {
	names := slices.Clone(q.Resources)
	slices.Sort(names)
	names = slices.Compact(names)
	hull := intervals(q.Window, nil)
	if len(hull) == 0 {
		hull = []interval{{}}
	}
	err := parallel(ctx, s, names, scanBatch, func(wk *worker, names []string) ([]T, error) {
		list := make([]T, len(names))
		var first error
		wk.batch(names, q.Metrics, hull[0], func(i int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			if first != nil || ctx.Err() != nil {
				return
			}
			points := map[cloud.Metric][]cloud.Point{}
			keep := intervals(q.Window, q.Exclude[names[i]])
			for _, m := range q.Metrics {
				code, ok := wk.metrics[m]
				if !ok || !known {
					continue
				}
				var out collect
				wk.series(code, id, keep, fresh(code), true, &out)
				if len(out.points) > 0 {
					points[m] = out.points
				}
			}
			list[i], first = attempt(func() (T, error) { return work(names[i], points) }, names[i])
		})
		return list, first
	}, func(list []T) error {
		for _, x := range list {
			if err := deliver(x); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("scan history: %w", err)
	}
	return nil
}

// Reach returns the instants of the first and the last sample of any of the series
// of resources and metrics; zero times where there are none.
func (s *Store) Reach(ctx context.Context, resources []string, metrics []cloud.Metric) (first, last time.Time, err error) {
	names := slices.Clone(resources)
	slices.Sort(names)
	names = slices.Compact(names)
	everything := []interval{{0, maxTime + 1}}
	var all reach
	err = parallel(ctx, s, names, scanBatch, func(wk *worker, names []string) (reach, error) {
		var r reach
		wk.batch(names, metrics, everything[0], func(_ int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			for _, m := range metrics {
				if code, ok := wk.metrics[m]; ok && known {
					wk.series(code, id, everything, fresh(code), false, &r)
				}
			}
		})
		return r, nil
	}, func(r reach) error {
		if r.any {
			all.point(r.first, 0)
			all.point(r.last, 0)
		}
		return nil
	})
	if err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("look how far history reaches: %w", err)
	}
	if !all.any {
		return time.Time{}, time.Time{}, nil
	}
	return instant(all.first), instant(all.last), nil
}

// reach is a sink of any number of series that keeps the first and the last instant.
type reach struct {
	any         bool
	first, last int64
}

func (r *reach) run(t, step int64, hundredths []uint16) {
	r.point(t, 0)
	r.point(t+int64(len(hundredths)-1)*step, 0)
}

func (r *reach) point(t int64, _ float64) {
	if !r.any {
		r.any, r.first, r.last = true, t, t
	}
	r.first, r.last = min(r.first, t), max(r.last, t)
}
