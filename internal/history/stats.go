package history

import (
	"context"
	"fmt"
	"os"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Stats counts what the file holds. It reads the instants of every series, not
// the values.
func (s *Store) Stats() (Stats, error) {
	out, err := s.stats()
	if err != nil {
		return Stats{}, fmt.Errorf("count history: %w", err)
	}
	return out, nil
}

func (s *Store) stats() (Stats, error) {
	names, err := s.resources()
	if err != nil {
		return Stats{}, err
	}
	var out Stats
	keep := []interval{{0, maxTime + 1}}
	err = parallel(context.Background(), s, names, scanBatch, func(wk *worker, names []string) (Stats, error) {
		var part Stats
		metrics := make([]cloud.Metric, 0, len(wk.metrics))
		for m := range wk.metrics {
			metrics = append(metrics, m)
		}
		wk.batch(names, metrics, keep[0], func(_ int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			held := false
			for _, m := range metrics {
				t := tally{gap: 2 * int64(utilization.Step.Seconds())}
				wk.series(wk.metrics[m], id, keep, fresh(wk.metrics[m]), false, &t)
				if t.n == 0 {
					continue
				}
				held = true
				part.Series++
				part.Unfolded += int64(len(fresh(wk.metrics[m])))
				part.merge(t)
			}
			if held {
				part.Resources++
			}
		})
		return part, nil
	}, func(part Stats) error {
		out.Series += part.Series
		out.Resources += part.Resources
		out.Unfolded += part.Unfolded
		if part.Samples > 0 {
			out.merge(tally{n: part.Samples, gaps: part.Gaps, first: part.First.Unix(), last: part.Last.Unix()})
		}
		return nil
	})
	if err != nil {
		return Stats{}, err
	}
	file, err := os.Stat(s.path)
	if err != nil {
		return Stats{}, err
	}
	out.Bytes = file.Size()
	if out.Samples > 0 {
		out.BytesPerSample = float64(out.Bytes) / float64(out.Samples)
	}
	tx, end, err := s.begin()
	if err != nil {
		return Stats{}, err
	}
	defer end()
	pages := tx.DB().Stats()
	free := int64(pages.FreePageN+pages.PendingPageN) * int64(tx.DB().Info().PageSize)
	out.FreeBytes = max(0, free+out.Bytes-tx.Size())
	return out, nil
}

func (s *Stats) merge(t tally) {
	first, last := instant(t.first), instant(t.last)
	if s.Samples == 0 || first.Before(s.First) {
		s.First = first
	}
	if s.Samples == 0 || last.After(s.Last) {
		s.Last = last
	}
	s.Samples += t.n
	s.Gaps += t.gaps
}

// tally is a sink that counts samples, and pauses longer than gap.
type tally struct {
	gap         int64
	n, gaps     int64
	first, last int64
}

func (c *tally) run(t, step int64, hundredths []uint16) {
	c.point(t, 0)
	more := int64(len(hundredths) - 1)
	if step > c.gap {
		c.gaps += more
	}
	c.n += more
	c.last = t + more*step
}

func (c *tally) point(t int64, _ float64) {
	if c.n == 0 {
		c.first = t
	} else if t-c.last > c.gap {
		c.gaps++
	}
	c.n++
	c.last = t
}
