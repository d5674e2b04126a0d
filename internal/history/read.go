package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunjian/cloud"
)

// Points returns the samples of one series in w, ascending; none for a series
// that is not held.
func (s *Store) Points(resource string, m cloud.Metric, w cloud.Window) ([]cloud.Point, error) {
	var out collect
	if err := s.read(resource, m, w, true, &out); err != nil {
		return nil, fmt.Errorf("read history of %s: %w", resource, err)
	}
	return out.points, nil
}

type collect struct{ points []cloud.Point }

func (c *collect) run(t, step int64, hundredths []uint16) {
	c.points = slices.Grow(c.points, len(hundredths))
	for i, h := range hundredths {
		c.points = append(c.points, cloud.Point{T: t + int64(i)*step, V: float64(h) / 100})
	}
}

func (c *collect) point(t int64, v float64) { c.points = append(c.points, cloud.Point{T: t, V: v}) }

// Extent returns the instants of a series' first and last sample and how many
// there are; zero times and 0 for a series that is not held.
func (s *Store) Extent(resource string, m cloud.Metric) (first, last time.Time, n int, err error) {
	var e tally
	everything := cloud.Window{From: instant(0), To: instant(maxTime + 1)}
	if err := s.read(resource, m, everything, false, &e); err != nil {
		return first, last, 0, fmt.Errorf("read history of %s: %w", resource, err)
	}
	if e.n > 0 {
		first, last = instant(e.first), instant(e.last)
	}
	return first, last, int(e.n), nil
}

// read passes one series to out.
func (s *Store) read(resource string, m cloud.Metric, w cloud.Window, values bool, out sink) error {
	keep := intervals(w, nil)
	if len(keep) == 0 {
		return nil
	}
	workers, done, err := s.workers(1)
	if err != nil {
		return err
	}
	defer done()
	wk := workers[0]
	return guarded(func() error {
		id, known := wk.number(resource)
		code, measured := wk.metrics[m]
		if known && measured {
			fresh := wk.unfolded(nil, code, []uint32{id}, keep[0].from, keep[0].to)
			wk.series(code, id, keep, fresh[0], values, out)
		}
		return nil
	})
}

// Gaps returns the spans of w in which a series has no sample for longer than
// min, by resource, metric and time. A series without any sample in w is one
// gap of all of w. Asking a source again for (From, To] fills a gap.
func (s *Store) Gaps(ctx context.Context, resources []string, metrics []cloud.Metric, w cloud.Window, min time.Duration) ([]Gap, error) {
	names := slices.Clone(resources)
	slices.Sort(names)
	names = slices.Compact(names)
	var out []Gap
	keep := intervals(w, nil)
	if len(keep) == 0 {
		return nil, nil
	}
	err := parallel(ctx, s, names, scanBatch, func(wk *worker, names []string) ([]Gap, error) {
		found := make([][]Gap, len(names))
		wk.batch(names, metrics, keep[0], func(i int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			for _, m := range metrics {
				f := gapFinder{gap: Gap{Resource: names[i], Metric: m}, at: w.From, min: min, out: &found[i]}
				if code, ok := wk.metrics[m]; ok && known {
					wk.series(code, id, keep, fresh(code), false, &f)
				}
				f.reach(w.To)
			}
		})
		return slices.Concat(found...), nil
	}, func(found []Gap) error {
		out = append(out, found...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find gaps in history: %w", err)
	}
	return out, nil
}

type gapFinder struct {
	gap Gap
	at  time.Time
	min time.Duration
	out *[]Gap
}

func (f *gapFinder) reach(t time.Time) {
	if t.Sub(f.at) > f.min {
		f.gap.From, f.gap.To = f.at, t
		*f.out = append(*f.out, f.gap)
	}
	f.at = t
}

func (f *gapFinder) run(t, step int64, hundredths []uint16) {
	f.reach(instant(t))
	if time.Duration(step)*time.Second > f.min {
		for i := 1; i < len(hundredths); i++ {
			f.reach(instant(t + int64(i)*step))
		}
	}
	f.at = instant(t + int64(len(hundredths)-1)*step)
}

func (f *gapFinder) point(t int64, v float64) { f.reach(instant(t)) }

// ceilUnix is the first whole second not before t, so that comparing seconds
// keeps [From, To) exact for bounds with fractions.
func ceilUnix(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
