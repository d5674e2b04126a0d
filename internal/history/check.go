package history

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// Check reads everything and reports each piece that is damaged: its resource,
// metric and span as far as they are known. It returns an error only where the
// check itself could not be done to the end; a sound history reports nothing.
func (s *Store) Check(ctx context.Context, report func(Damage)) (err error) {
	// A page that makes no sense makes bbolt panic, one that cannot be read
	// from disk faults.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			report(Damage{Problem: fmt.Sprintf("the file's tree cannot be read any further: %v", p)})
		}
	}()
	workers, done, err := s.workers(1)
	if err != nil {
		return fmt.Errorf("check history: %w", err)
	}
	defer done()
	c := &checker{worker: workers[0], ctx: ctx, report: report, metricOf: map[byte]cloud.Metric{}}
	for name, code := range c.metrics {
		c.metricOf[code] = name
	}
	for problem := range c.tx.Check() {
		report(Damage{Problem: "the file's tree: " + problem.Error()})
	}
	for _, step := range []func() error{c.dictionary, c.blocks, c.periods, c.aside} {
		if err := step(); err != nil {
			return fmt.Errorf("check history: %w", err)
		}
	}
	return nil
}

type checker struct {
	*worker
	ctx      context.Context
	report   func(Damage)
	metricOf map[byte]cloud.Metric
}

// dictionary checks that names and numbers agree.
func (c *checker) dictionary() error {
	err := c.resources.ForEach(func(k, v []byte) error {
		if len(v) != 4 || !bytes.Equal(c.names.Get(v), k) {
			c.report(Damage{Resource: string(k), Problem: "its number is not its own"})
		}
		return c.ctx.Err()
	})
	if err != nil {
		return err
	}
	return c.names.ForEach(func(k, v []byte) error {
		if !bytes.Equal(c.resources.Get(v), k) {
			c.report(Damage{Resource: string(v), Problem: "its name has another number"})
		}
		return c.ctx.Err()
	})
}

func (c *checker) blocks() error {
	return c.tx.Bucket(bucketBlocks).ForEach(func(k, v []byte) error {
		c.block(k, v)
		return c.ctx.Err()
	})
}

func (c *checker) block(k, v []byte) {
	if len(k) != 13 {
		c.report(Damage{Problem: fmt.Sprintf("block under a key of %d bytes", len(k))})
		return
	}
	err := c.dec.section(k, v, func(uint32, []run, int64, []float64) {})
	if err == nil {
		return
	}
	d := Damage{Metric: c.metricOf[k[8]], Problem: err.Error()}
	// The head may be readable and true though the rest is not.
	h, err := head(v)
	if err != nil || h.first != binary.BigEndian.Uint32(k[9:]) {
		d.Problem = "block: " + d.Problem
		c.report(d)
		return
	}
	d.Span = cloud.Window{From: instant(h.minT), To: instant(h.maxT + 1)}
	d.Problem = fmt.Sprintf("block of up to %d resources from %q to %q: %s", h.series, c.name(h.first), c.name(h.last), d.Problem)
	if h.series == 1 {
		d.Resource = c.name(h.first)
	}
	c.report(d)
}

// periods checks chunks and digests, and that their points lie in the period
// of their key.
func (c *checker) periods() error {
	for _, b := range []struct {
		bucket *bolt.Bucket
		what   string
		window func(uint32) cloud.Window
	}{
		{c.daysBucket, "day chunk", c.calendar.dayWindow},
		{c.spansBucket, "span chunk", c.calendar.spanWindow},
		{c.digests, "digest", c.calendar.spanWindow},
	} {
		err := b.bucket.ForEach(func(k, v []byte) error {
			if len(k) != 9 {
				c.report(Damage{Problem: fmt.Sprintf("%s under a key of %d bytes", b.what, len(k))})
				return c.ctx.Err()
			}
			period := binary.BigEndian.Uint32(k)
			d := Damage{Resource: c.name(binary.BigEndian.Uint32(k[5:])), Metric: c.metricOf[k[4]], Span: b.window(period)}
			if problem := c.piece(k, v, b.what == "digest", d.Span); problem != "" {
				d.Problem = b.what + ": " + problem
				c.report(d)
			} else if d.Resource == "" || d.Metric == "" {
				d.Problem = b.what + ": its resource or metric has no name"
				c.report(d)
			}
			return c.ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) piece(k, v []byte, digest bool, w cloud.Window) string {
	if digest {
		if _, err := c.dec.digest(k, v); err != nil {
			return err.Error()
		}
		return ""
	}
	chunk, err := c.dec.chunk(k, v, true)
	if err != nil {
		return err.Error()
	}
	if !w.Contains(instant(chunk.first())) || !w.Contains(instant(chunk.last())) {
		return fmt.Sprintf("instants from %d to %d lie outside its period", chunk.first(), chunk.last())
	}
	return ""
}

// aside reports what was found damaged when it was to be merged, and has been
// kept apart since.
func (c *checker) aside() error {
	return c.tx.Bucket(bucketDamaged).ForEach(func(k, v []byte) error {
		bucket, key, _ := bytes.Cut(k, []byte{0})
		d := Damage{Problem: fmt.Sprintf("%s: could not be read when it was folded, and was put aside", bucket)}
		switch {
		case len(key) == 9:
			period := binary.BigEndian.Uint32(key)
			d.Resource, d.Metric = c.name(binary.BigEndian.Uint32(key[5:])), c.metricOf[key[4]]
			d.Span = c.calendar.spanWindow(period)
			if bytes.Equal(bucket, bucketDays) {
				d.Span = c.calendar.dayWindow(period)
			}
		case len(key) == 13:
			d.Metric = c.metricOf[key[8]]
			if h, err := head(v); err == nil {
				d.Span = cloud.Window{From: instant(h.minT), To: instant(h.maxT + 1)}
			}
		}
		c.report(d)
		return c.ctx.Err()
	})
}
