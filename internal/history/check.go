package history

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/pages"
)

// Check reads everything and reports each piece that is damaged: its resource,
// metric and span as far as they are known. It returns an error only where the
// check itself could not be done to the end; a sound history reports nothing.
// Instants are in the zone that the store was opened with.
// Reads and appends go on beside it.
func (s *Store) Check(ctx context.Context, told func(Damage)) (err error) {
	report := func(d Damage) {
		if d.Span.Duration() > 0 {
			d.Span = cloud.Window{From: d.Span.From.In(s.opts.Location), To: d.Span.To.In(s.opts.Location)}
		}
		told(d)
	}
	// What still makes bbolt panic, and what cannot be read from disk.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			report(Damage{Problem: fmt.Sprintf("the file's tree cannot be read any further: %v", p), Fatal: true})
		}
	}()
	sound := true
	err = s.tree(ctx, func(problem string, fatal bool) {
		if fatal {
			problem, sound = problem+": the rest was not checked; restore a backup", false
		}
		report(Damage{Problem: "the file's tree: " + problem, Fatal: fatal})
	})
	if err != nil {
		return fmt.Errorf("check history: %w", err)
	}
	if !sound {
		return nil
	}
	workers, done, err := s.workers(1)
	if errors.Is(err, ErrDamaged) {
		report(Damage{Problem: fmt.Sprintf("%v: the rest was not checked; restore a backup", err), Fatal: true})
		return nil
	}
	if err != nil {
		return fmt.Errorf("check history: %w", err)
	}
	defer done()
	c := &checker{worker: workers[0], ctx: ctx, report: report, metricOf: map[byte]cloud.Metric{}, zone: s.opts.Location}
	for name, code := range c.metrics {
		c.metricOf[code] = name
	}
	if c.progress = ProgressOf(ctx); c.progress != nil {
		c.total = held(c.tx)
	}
	for _, step := range []func() error{c.dictionary, c.blocks, c.periods, c.aside} {
		if err := step(); err != nil {
			return fmt.Errorf("check history: %w", err)
		}
	}
	return nil
}

// CheckTree is an error that wraps ErrDamaged where the tree of pages is damaged:
// to copy what can be followed of it would hide what cannot. It reads no pieces.
func (s *Store) CheckTree(ctx context.Context) error {
	var found error
	err := s.tree(ctx, func(problem string, _ bool) {
		if found == nil {
			found = damaged("the file's tree: %s", problem)
		}
	})
	if err != nil {
		return err
	}
	return found
}

// tree checks the tree of pages. A problem that is fatal is the last: what keeps
// the tree from being walked. The error says why the check could not be done.
func (s *Store) tree(ctx context.Context, report func(problem string, fatal bool)) error {
	// Until it is open: then the file at path is the transaction's.
	s.writing.Lock()
	unlock := sync.OnceFunc(s.writing.Unlock)
	defer unlock()
	return s.view(func(tx *bolt.Tx) error {
		f, err := pages.Open(tx, s.path)
		unlock()
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Check(ctx, func(problem string) { report(problem, false) }); err != nil && ctx.Err() == nil {
			report(err.Error(), true)
		}
		return context.Cause(ctx)
	})
}

type checker struct {
	*worker
	ctx      context.Context
	report   func(Damage)
	metricOf map[byte]cloud.Metric
	zone     *time.Location // that people are told times in

	progress    Progress // nil: nobody asks
	done, total int64
}

// read counts a piece that has been read.
func (c *checker) read(key, data []byte) {
	if c.progress != nil {
		c.done += int64(len(key) + len(data))
		c.progress(c.done, c.total)
	}
}

// dictionary checks that names and numbers agree.
func (c *checker) dictionary() error {
	if _, err := metricCodes(c.tx); err != nil {
		c.report(Damage{Problem: err.Error()})
	}
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
	err := c.tx.Bucket(bucketBlocks).ForEach(func(k, v []byte) error {
		if v != nil || len(k) != 8 {
			c.report(Damage{Problem: fmt.Sprintf("unfolded piece: none under the key %x", k)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachBlock(c.tx, func(sequence uint64, k, v []byte) error {
		c.block("unfolded piece", sequence, k, v)
		c.read(k, v)
		return c.ctx.Err()
	})
}

func (c *checker) block(what string, sequence uint64, k, v []byte) {
	n := 0
	err := splitSections(sequence, k, v, func(data []byte) {
		c.section(what, sequence, k, n == 0, data)
		n++
	})
	if err != nil && len(k) == 5 {
		full := append(binary.BigEndian.AppendUint64(nil, sequence), k...)
		full = misread(full, func(key []byte) bool {
			return splitSections(binary.BigEndian.Uint64(key), key[8:], v, func([]byte) {}) == nil
		})
		c.report(Damage{Metric: c.metricOf[full[8]], Problem: what + ": " + err.Error()})
	} else if err != nil {
		c.report(Damage{Problem: what + ": " + err.Error()})
	}
}

// misread returns the key that a piece is whole under, where one bit tells it from
// that which it lies under: then the key is what is damaged, and what it says of
// metric, period and band is not so. Otherwise it is as good as any.
func misread(key []byte, whole func(key []byte) bool) []byte {
	other := bytes.Clone(key)
	for i := range 8 * len(other) {
		other[i/8] ^= 1 << (i % 8)
		if whole(other) {
			return other
		}
		other[i/8] ^= 1 << (i % 8)
	}
	return key
}

// section checks a section of a value under key.
func (c *checker) section(what string, sequence uint64, key []byte, first bool, data []byte) {
	h, err := head(data)
	if err == nil {
		err = c.dec.section(sectionKey(sequence, key[0], h.first), data, func(uint32, []run, int64, []float64) {})
	}
	if err == nil {
		return
	}
	d := Damage{Metric: c.metricOf[key[0]], Problem: what + ": " + err.Error()}
	// What is damaged may be what it says of itself.
	if h, ok := c.outline(key, first, data); ok {
		d.Span = cloud.Window{From: instant(h.minT), To: instant(h.maxT + 1)}
		d.Problem = fmt.Sprintf("%s %s: %v", what, ofResources(h.series, c.name(h.first), c.name(h.last)), err)
		if first && h.series == 1 {
			d.Resource = c.name(h.first)
		}
	}
	c.report(d)
}

// outline is a damaged section's head, if its list of series bears it out, and
// of the first under a key also the key.
func (c *checker) outline(key []byte, first bool, data []byte) (sectionHead, bool) {
	if len(data) < 6 || data[0] != blockV1 {
		return sectionHead{}, false
	}
	h, _, _, err := c.dec.list(data[1 : len(data)-4])
	return h, err == nil && (!first || h.first == binary.BigEndian.Uint32(key[1:]))
}

// periods checks sheets and digests, and that the points of a chunk lie in the
// period of its key.
func (c *checker) periods() error {
	for _, b := range []struct {
		bucket *bolt.Bucket
		what   string
		window func(uint32) cloud.Window
		check  func(key, data []byte, report func(key []byte, d Damage))
	}{
		{c.daysBucket, "piece of a day", c.calendar.dayWindow, c.sheet},
		{c.spansBucket, "piece of 28 days", c.calendar.spanWindow, c.sheet},
		{c.digestBucket, "digest", c.calendar.spanWindow, c.digestSheet},
	} {
		err := b.bucket.ForEach(func(k, v []byte) error {
			if len(k) != 9 {
				c.report(Damage{Problem: fmt.Sprintf("%s under a key of %d bytes", b.what, len(k))})
				return c.ctx.Err()
			}
			span := b.window(binary.BigEndian.Uint32(k))
			c.span = interval{span.From.Unix(), span.To.Unix()}
			b.check(k, v, func(k []byte, d Damage) {
				d.Problem = b.what + ": " + d.Problem
				if d = c.placed(d, k, b.window); d.Metric == "" && d.Span.Duration() > 0 {
					d.Problem += fmt.Sprintf(" (of metric %d, which has no name)", k[4])
				}
				c.report(d)
			})
			release(v)
			c.read(k, v)
			return c.ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sheet checks a sheet chunk by chunk.
func (c *checker) sheet(k, v []byte, report func(key []byte, d Damage)) {
	var s sheet
	if err := c.dec.parse(&s, k, v); err != nil {
		k = c.keyOf(k, v)
		report(k, Damage{Problem: c.ofBand(k, err)})
		return
	}
	for i, id := range s.ids {
		name := c.name(id)
		chunk, err := c.dec.chunk(&s, i, true)
		switch {
		case err != nil:
			report(k, Damage{Resource: name, Problem: err.Error()})
		case chunk.first() < c.span.from || chunk.last() >= c.span.to:
			report(k, Damage{Resource: name, Problem: fmt.Sprintf("instants from %s to %s lie outside its period", c.when(chunk.first()), c.when(chunk.last()))})
		case name == "" || c.metricOf[k[4]] == "":
			report(k, Damage{Resource: name, Problem: "its resource or metric has no name"})
		}
	}
}

func (c *checker) when(t int64) string { return instant(t).In(c.zone).Format(time.RFC3339) }

func (c *checker) digestSheet(k, v []byte, report func(key []byte, d Damage)) {
	rows, err := c.dec.digests(k, v)
	if err != nil {
		k = c.keyOf(k, v)
		report(k, Damage{Problem: c.ofBand(k, err)})
	}
	for _, r := range rows {
		if c.name(r.id) == "" {
			report(k, Damage{Problem: fmt.Sprintf("resource %d has no name", r.id)})
		}
	}
}

// keyOf is the key that a sheet, of samples or of digests, is to be read under.
func (c *checker) keyOf(key, data []byte) []byte {
	if len(data) == 0 || c.headOf(key, data) == nil {
		return key
	}
	return misread(key, func(key []byte) bool { return c.headOf(key, data) == nil })
}

// headOf reports what is wrong with the head of a sheet; of one of digests, with
// all of it.
func (c *checker) headOf(key, data []byte) error {
	if data[0] == sheetV1 {
		return c.dec.parse(&sheet{}, key, data)
	}
	_, err := unseal(key, data, data[0])
	return err
}

// ofBand says which resources damage to a whole sheet touches.
func (c *checker) ofBand(key []byte, err error) string {
	first := uint64(bandOf(key)) * bandSeries
	var held []string
	for id := first; id < first+bandSeries && id <= math.MaxUint32; id++ {
		if name := c.name(uint32(id)); name != "" {
			held = append(held, name)
		}
	}
	if len(held) == 0 {
		return err.Error()
	}
	return ofResources(len(held), held[0], held[len(held)-1]) + ": " + err.Error()
}

// ofResources says which resources a damaged piece may hold.
func ofResources(n int, first, last string) string {
	if n == 1 {
		return fmt.Sprintf("of %q", first)
	}
	return fmt.Sprintf("of up to %d resources from %q to %q", n, first, last)
}

// placed returns d as one of the metric and period of a piece's key; of neither
// where its period is none that samples can lie in: then the key is damaged, too.
func (c *checker) placed(d Damage, key []byte, window func(uint32) cloud.Window) Damage {
	span := window(binary.BigEndian.Uint32(key))
	if span.From.Unix() > maxTime {
		d.Problem += " (under a damaged key, which does not tell metric and time)"
		return d
	}
	d.Span, d.Metric = span, c.metricOf[key[4]]
	return d
}

// aside reports what was found damaged when it was to be merged, and has been
// kept apart since.
func (c *checker) aside() error {
	told := c.report
	defer func() { c.report = told }()
	c.report = func(d Damage) {
		d.Aside = true
		told(d)
	}
	return c.tx.Bucket(bucketDamaged).ForEach(func(k, v []byte) error {
		bucket, key, _ := bytes.Cut(k, []byte{0})
		if at := bytes.IndexAny(k, "\x00\x01"); at >= 0 && k[at] == 1 && len(k) >= at+9 {
			bucket, key = k[:at], k[at+9:] // behind the number
		}
		what := "digest"
		switch string(bucket) {
		case asideHead:
			c.report(Damage{Problem: fmt.Sprintf("the file's head, put right by what was written since: %s", v)})
			return c.ctx.Err()
		case string(bucketDays), string(bucketDaysV1):
			what = "piece of a day"
		case string(bucketSpans), string(bucketSpansV1):
			what = "piece of 28 days"
		case string(bucketBlocks), string(bucketBlocksV1):
			what = "unfolded piece"
		}
		d := Damage{Problem: fmt.Sprintf("%s: could not be read when it was folded, and was put aside", what)}
		switch {
		case len(key) == 9:
			key = c.keyOf(key, v)
			c.setAside(&d, key, v)
			window := c.calendar.spanWindow
			if bytes.Equal(bucket, bucketDays) || bytes.Equal(bucket, bucketDaysV1) {
				window = c.calendar.dayWindow
			}
			d = c.placed(d, key, window)
		case len(key) == 13:
			c.block("unfolded piece that was put aside", binary.BigEndian.Uint64(key), key[8:], v)
			return c.ctx.Err()
		}
		c.report(d)
		return c.ctx.Err()
	})
}

// setAside names the resources that a piece put aside is damaged for.
func (c *checker) setAside(d *Damage, key, data []byte) {
	var s sheet
	switch {
	case len(data) > 0 && (data[0] == chunkV1 || data[0] == digestV1):
		d.Resource = c.name(binary.BigEndian.Uint32(key[5:]))
	case len(data) == 0 || data[0] != sheetV1 || c.dec.parse(&s, key, data) != nil:
		d.Problem = c.ofBand(key, errors.New(d.Problem))
	default:
		var touched []string
		for i, id := range s.ids {
			if _, err := s.body(i); err != nil {
				touched = append(touched, c.name(id))
			}
		}
		if len(touched) == 1 {
			d.Resource = touched[0]
		}
		d.Problem += ": " + strings.Join(touched, ", ")
	}
}
