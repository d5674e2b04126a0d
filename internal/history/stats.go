package history

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Stats counts what the file holds. It reads the instants of every series, not
// the values.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	out, err := s.stats(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("count history: %w", err)
	}
	return out, nil
}

func (s *Store) stats(ctx context.Context) (Stats, error) {
	names, err := s.resources()
	if err != nil {
		return Stats{}, err
	}
	bytes, _, err := s.Room()
	if err != nil {
		return Stats{}, err
	}
	progress, counted := ProgressOf(ctx), 0
	type part struct {
		names     int // looked at
		resources int // with samples
		metrics   map[cloud.Metric]MetricStats
		lasts     []int64 // the last sample of each series
		unread    map[piece]bool
		nameless  int
	}
	all := part{metrics: map[cloud.Metric]MetricStats{}, unread: map[piece]bool{}}
	keep := []interval{{0, maxTime + 1}}
	err = parallel(ctx, s, names, scanBatch, func(wk *worker, names []string) (part, error) {
		p := part{names: len(names), metrics: map[cloud.Metric]MetricStats{}}
		metrics := slices.Collect(maps.Keys(wk.metrics))
		wk.batch(names, metrics, keep[0], func(_ int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			if !known { // its number is damaged
				p.nameless++
				return
			}
			held := false
			for _, m := range metrics {
				t := tally{gap: 2 * int64(utilization.Step.Seconds())}
				unfolded := fresh(wk.metrics[m])
				wk.series(wk.metrics[m], id, keep, unfolded, false, &t)
				if t.n == 0 {
					continue
				}
				held = true
				p.lasts = append(p.lasts, t.last)
				p.metrics[m] = p.metrics[m].and(MetricStats{
					Series: 1, Samples: t.n, Gaps: t.gaps, Unfolded: int64(len(unfolded)), First: instant(t.first), Last: instant(t.last),
				})
			}
			if held {
				p.resources++
			}
		})
		p.unread, wk.unread = wk.unread, nil
		return p, nil
	}, func(p part) error {
		if counted += p.names; progress != nil { // all resources take about as much of the file
			progress(bytes*int64(counted)/int64(len(names)), bytes)
		}
		all.resources += p.resources
		all.nameless += p.nameless
		all.lasts = append(all.lasts, p.lasts...)
		maps.Copy(all.unread, p.unread)
		for m, part := range p.metrics {
			all.metrics[m] = all.metrics[m].and(part)
		}
		return nil
	})
	if err != nil {
		return Stats{}, err
	}
	out, err := s.sum(all.resources, all.metrics)
	if err != nil {
		return Stats{}, err
	}
	out.Unread += len(all.unread) + all.nameless
	for _, last := range all.lasts {
		if out.Last.Unix()-last > daySeconds {
			out.Stopped++
		}
	}
	return out, nil
}

// sum adds up the metrics, and what they and the file take.
func (s *Store) sum(resources int, metrics map[cloud.Metric]MetricStats) (Stats, error) {
	out := Stats{Resources: resources, Metrics: []MetricStats{}}
	var bytes map[cloud.Metric]int64
	err := s.view(func(tx *bolt.Tx) (err error) {
		if out.Bytes, out.FreeBytes, err = s.room(tx); err != nil {
			return err
		}
		if bytes, err = metricBytes(tx); err != nil {
			return err
		}
		out.Unread, err = unreadAside(tx)
		return err
	})
	if err != nil {
		return Stats{}, err
	}
	var total MetricStats
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		m := metrics[name]
		m.Metric, m.Bytes = name, bytes[name]
		out.Metrics = append(out.Metrics, m)
		total = total.and(m)
	}
	out.Series, out.Samples, out.Gaps, out.Unfolded, out.First, out.Last = total.Series, total.Samples, total.Gaps, total.Unfolded, total.First, total.Last
	if out.Samples > 0 {
		out.BytesPerSample = float64(out.Bytes) / float64(out.Samples)
	}
	return out, nil
}

// Room returns how many bytes the file takes, and how many of them Compact would
// give back, roughly, as Stats does; it reads no pieces.
func (s *Store) Room() (bytes, free int64, err error) {
	err = s.view(func(tx *bolt.Tx) (err error) {
		bytes, free, err = s.room(tx)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("measure history: %w", err)
	}
	return bytes, free, nil
}

func (s *Store) room(tx *bolt.Tx) (bytes, free int64, err error) {
	file, err := os.Stat(s.path)
	if err != nil {
		return 0, 0, err
	}
	pages := tx.DB().Stats()
	free = int64(pages.FreePageN+pages.PendingPageN) * int64(tx.DB().Info().PageSize)
	return file.Size(), max(0, free+int64(allocated(tx.Bucket(bucketSpent)))+file.Size()-tx.Size()), nil
}

// metricBytes is what the pieces of each metric take. It reads keys only.
func metricBytes(tx *bolt.Tx) (map[cloud.Metric]int64, error) {
	var byCode [256]int64
	for _, name := range [][]byte{bucketDays, bucketSpans, bucketDigests} {
		err := tx.Bucket(name).ForEach(func(k, v []byte) error {
			if len(k) == 9 {
				byCode[k[4]] += int64(len(k) + len(v))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	err := eachBlock(tx, func(_ uint64, k, v []byte) error {
		if len(k) > 0 {
			byCode[k[0]] += int64(len(k) + len(v))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	codes, _ := metricCodes(tx) // Check names what is damaged
	out := map[cloud.Metric]int64{}
	for name, code := range codes {
		out[name] = byCode[code]
	}
	return out, nil
}

// unreadAside counts the damaged pieces that no reader of series meets as such:
// sections, and names of metrics. What was put aside is missing and no more than
// that; Check tells of it.
func unreadAside(tx *bolt.Tx) (n int, err error) {
	if _, err := metricCodes(tx); err != nil {
		n++
	}
	err = eachBlock(tx, func(sequence uint64, k, v []byte) error {
		err := splitSections(sequence, k, v, func(data []byte) {
			h, err := head(data)
			if err == nil {
				_, err = unseal(sectionKey(sequence, k[0], h.first), data, blockV1)
			}
			if err != nil {
				n++
			}
		})
		if err != nil {
			n++
		}
		return nil
	})
	return n, err
}

// and is the figures of m and o together.
func (m MetricStats) and(o MetricStats) MetricStats {
	if m.Samples == 0 || o.Samples > 0 && o.First.Before(m.First) {
		m.First = o.First
	}
	if o.Last.After(m.Last) {
		m.Last = o.Last
	}
	m.Series += o.Series
	m.Samples += o.Samples
	m.Gaps += o.Gaps
	m.Unfolded += o.Unfolded
	return m
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
