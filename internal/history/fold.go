package history

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// A day is folded an hour after its end and a span three days after: by then
// what comes late is rare. Later points are no less welcome, they only cost
// rewriting a chunk.
const (
	dayGrace  = time.Hour
	spanGrace = 3 * 24 * time.Hour
)

// foldPoints is about how many points of blocks a worker folds at once.
const foldPoints = 1 << 20

// foldGroup is how many units, of about a megabyte each, Fold writes in one
// transaction: appending waits no longer than that takes.
const foldGroup = 8

// Fold moves the samples of closed days from blocks into day chunks, and those
// of closed spans into span chunks with digests. It may run at any time beside
// reads and appends, and doing nothing is cheap. What it writes changes no
// answer; a crash at any point loses nothing, and the next Fold does the work
// again.
func (s *Store) Fold(ctx context.Context, now time.Time) error {
	s.caring.Lock()
	defer s.caring.Unlock()
	if err := s.fold(ctx, now); err != nil {
		return fmt.Errorf("fold history: %w", err)
	}
	return nil
}

// fold runs in many transactions: those of the units first, which copy points
// into chunks while the blocks still speak for them, then one that sets the
// mark and spends the blocks that are wholly folded. What is folded of others is
// dead weight from then on, and cut away where it is much.
func (s *Store) fold(ctx context.Context, now time.Time) error {
	plan, units, err := s.planFold(now)
	if err != nil || plan.idle() {
		return err
	}
	progress, done := ProgressOf(ctx), 0
	for group := range slices.Chunk(units, foldGroup) {
		// Read first, write after: a write transaction must never wait for
		// readers that wait for it.
		var pending folded
		err := parallel(ctx, s, group, 1, func(wk *worker, u []unit) (folded, error) {
			return wk.fold(plan, u[0]), nil
		}, func(f folded) error {
			pending.add(f)
			return nil
		})
		if err != nil {
			return err
		}
		// Blocks that the appends of a day had no need for make room for sheets.
		err = s.update(func(tx *bolt.Tx) error { return makeRoom(tx, pending.size()) })
		if err != nil && !errors.Is(err, errNothingSpent) {
			return err
		}
		if err := s.update(pending.write); err != nil {
			return err
		}
		if done += len(group); progress != nil {
			progress(int64(done)<<20, int64(len(units))<<20) // a unit is about a megabyte
		}
	}
	if err := s.update(plan.finish); err != nil {
		return err
	}
	return s.trim(ctx)
}

// foldPlan is what one Fold does.
type foldPlan struct {
	calendar calendar
	before   foldMark // as it was
	upTo     foldMark // points of days before upTo.day in blocks up to upTo.sequence are to be folded
	span     uint32   // spans before this one are closed
	blocks   bool     // some block holds points to fold
	days     []uint32 // day chunks of closed spans exist for these days
	done     []uint64 // blocks that hold nothing beyond upTo.day, ascending
}

func (p foldPlan) idle() bool { return !p.blocks && len(p.days) == 0 && len(p.done) == 0 }

// unit is some bands of one metric, folded at once.
type unit struct {
	metric byte
	bands  []uint32 // ascending
}

func (s *Store) planFold(now time.Time) (plan foldPlan, units []unit, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		r, err := s.newReader(tx)
		if err != nil {
			return err
		}
		c := s.calendar
		plan.calendar, plan.before = c, r.mark
		plan.upTo.day = c.day(clampTime(now.Add(-dayGrace)))
		plan.span = c.span(clampTime(now.Add(-spanGrace)))
		plan.upTo.sequence = r.mark.sequence
		// What was folded under a later clock stays folded.
		plan.upTo.day = max(plan.upTo.day, r.mark.day)
		for _, day := range r.days {
			if day/spanDays < plan.span {
				plan.days = append(plan.days, day)
			}
		}
		load := map[part]int{} // how many points are to be folded; about
		start := c.dayStart(plan.upTo.day)
		open := map[uint64]bool{}
		for _, b := range r.sections {
			plan.upTo.sequence = max(plan.upTo.sequence, b.sequence)
			open[b.sequence] = open[b.sequence] || b.maxT >= start
			if b.minT < start && !(b.sequence <= r.mark.sequence && plan.upTo.day == r.mark.day) {
				if _, err := unseal(b.key, b.data, blockV1); err != nil {
					continue // its head may name any number of bands
				}
				plan.blocks = true
				// The section's resources are not known before it is
				// unpacked; the range of its numbers is close enough.
				bands := band(b.last) - band(b.first) + 1
				for i := range bands {
					load[part{b.metric, band(b.first) + i}] += b.points/int(bands) + 1
				}
			}
		}
		for sequence, isOpen := range open {
			if !isOpen {
				plan.done = append(plan.done, sequence)
			}
		}
		slices.Sort(plan.done)
		for _, day := range plan.days {
			cursor, prefix := r.daysBucket.Cursor(), binary.BigEndian.AppendUint32(nil, day)
			for k, _ := cursor.Seek(prefix); len(k) == 9 && binary.BigEndian.Uint32(k) == day; k, _ = cursor.Next() {
				load[part{k[4], bandOf(k)}] += bandSeries * 288
			}
		}
		units = cutUnits(load)
		return nil
	})
	return plan, units, err
}

func clampTime(t time.Time) int64 { return min(max(t.Unix(), 0), maxTime) }

// part is what a sheet holds of a period.
type part struct {
	metric byte
	band   uint32
}

// cutUnits cuts what is to be folded into units of about equal load.
func cutUnits(load map[part]int) []unit {
	parts := slices.SortedFunc(maps.Keys(load), func(a, b part) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.band, b.band))
	})
	var units []unit
	total := 0
	for _, p := range parts {
		last := len(units) - 1
		if last < 0 || units[last].metric != p.metric || total+load[p] > foldPoints {
			units = append(units, unit{metric: p.metric})
			last, total = last+1, 0
		}
		units[last].bands = append(units[last].bands, p.band)
		total += load[p]
	}
	return units
}

// finish sets the mark and spends blocks all of whose points lie in chunks.
func (p foldPlan) finish(tx *bolt.Tx) error {
	blocks := tx.Bucket(bucketBlocks)
	for _, sequence := range p.done {
		key := binary.BigEndian.AppendUint64(nil, sequence)
		err := blocks.Bucket(key).ForEach(func(k, v []byte) error {
			return keepDamaged(tx, bucketBlocks, append(slices.Clip(key), k...), v)
		})
		if err != nil {
			return err
		}
		if err := spend(tx, key); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFolded, p.upTo.bytes())
}

// keepDamaged puts a piece that cannot be read aside before it is replaced or
// deleted: what is lost stays on record.
func keepDamaged(tx *bolt.Tx, bucket, key, data []byte) error {
	if intact(key, data) {
		return nil
	}
	return putAside(tx, bucket, key, data)
}

// putAside numbers what it keeps: a piece may be mended and be damaged again.
func putAside(tx *bolt.Tx, bucket, key, data []byte) error {
	damaged := tx.Bucket(bucketDamaged)
	number, err := damaged.NextSequence()
	if err != nil {
		return err
	}
	aside := binary.BigEndian.AppendUint64(append(slices.Clone(bucket), 1), number)
	return damaged.Put(append(aside, key...), slices.Clone(data))
}

// intact reports whether the checksums of a piece hold.
func intact(key, data []byte) bool {
	if len(data) == 0 {
		return false
	}
	switch data[0] {
	case sheetV1:
		return intactSheet(key, data)
	case blockV2:
		return intactBlock(key, data)
	default:
		_, err := unseal(key, data, data[0])
		return err == nil
	}
}

func intactBlock(key, data []byte) bool {
	if len(key) != 13 {
		return false
	}
	sequence, sound := binary.BigEndian.Uint64(key), true
	err := splitSections(sequence, key[8:], data, func(section []byte) {
		h, err := head(section)
		if err == nil {
			_, err = unseal(sectionKey(sequence, key[8], h.first), section, blockV1)
		}
		sound = sound && err == nil
	})
	return err == nil && sound
}

func intactSheet(key, data []byte) bool {
	var d decoder
	var s sheet
	if d.parse(&s, key, data) != nil {
		return false
	}
	for i := range s.ids {
		if _, err := s.body(i); err != nil {
			return false
		}
	}
	return true
}

// folded is what is to be written.
type folded struct {
	days, spans, digests []sealed
	dropDays             [][]byte // day sheets taken up by span sheets
}

type sealed struct{ key, data []byte }

func (f *folded) add(o folded) {
	f.days, f.spans, f.digests = append(f.days, o.days...), append(f.spans, o.spans...), append(f.digests, o.digests...)
	f.dropDays = append(f.dropDays, o.dropDays...)
}

// size is how many bytes are to be written.
func (f *folded) size() int {
	n := 0
	for _, list := range [][]sealed{f.days, f.spans, f.digests} {
		for _, p := range list {
			n += len(p.data)
		}
	}
	return n
}

func (f *folded) write(tx *bolt.Tx) error {
	for _, part := range []struct {
		bucket []byte
		list   []sealed
	}{{bucketDays, f.days}, {bucketSpans, f.spans}, {bucketDigests, f.digests}} {
		if len(part.list) == 0 {
			continue
		}
		slices.SortFunc(part.list, func(a, b sealed) int { return slices.Compare(a.key, b.key) })
		bucket := tx.Bucket(part.bucket)
		bucket.FillPercent = 0.95 // mostly new periods, behind all others
		for _, p := range part.list {
			if old := bucket.Get(p.key); old != nil {
				if err := keepDamaged(tx, part.bucket, p.key, old); err != nil {
					return err
				}
			}
			if err := bucket.Put(p.key, p.data); err != nil {
				return err
			}
		}
	}
	days := tx.Bucket(bucketDays)
	for _, key := range f.dropDays {
		if old := days.Get(key); old != nil {
			if err := keepDamaged(tx, bucketDays, key, old); err != nil {
				return err
			}
		}
		if err := days.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// fold makes the sheets of one unit.
func (wk *worker) fold(plan foldPlan, u unit) folded {
	var out folded
	ids := make([]uint32, 0, len(u.bands)*bandSeries)
	for _, b := range u.bands {
		for i := range uint32(bandSeries) {
			ids = append(ids, b*bandSeries+i)
		}
	}
	fresh := make([][]cloud.Point, len(ids))
	if plan.blocks {
		wk.fresh[u.metric] = wk.unfolded(wk.fresh[u.metric], u.metric, ids, 0, plan.calendar.dayStart(plan.upTo.day))
		copy(fresh, wk.fresh[u.metric])
	}
	for i, b := range u.bands {
		wk.foldBand(plan, u.metric, b, fresh[i*bandSeries:][:bandSeries], &out)
	}
	return out
}

// foldBand brings fresh points, by series, and the day sheets of closed spans
// where they belong: per span either into the span sheet, or day by day into
// day sheets.
func (wk *worker) foldBand(plan foldPlan, metric byte, number uint32, fresh [][]cloud.Point, out *folded) {
	c := plan.calendar
	var spans []uint32
	for _, day := range plan.days {
		if wk.daysBucket.Get(pieceKey(day, metric, number)) != nil {
			spans = append(spans, day/spanDays)
		}
	}
	for _, points := range fresh {
		for last, i := uint32(0), 0; i < len(points); i++ {
			if span := c.span(points[i].T); i == 0 || span != last {
				spans, last = append(spans, span), span
			}
		}
	}
	slices.Sort(spans)
	for _, span := range slices.Compact(spans) {
		key := pieceKey(span, metric, number)
		period := c.spanInterval(span)
		if wk.spansBucket.Get(key) == nil && span >= plan.span {
			for _, day := range c.daysOf(span, fresh) {
				if rows := wk.gather(metric, number, c.dayInterval(day), fresh); len(rows) > 0 {
					key := pieceKey(day, metric, number)
					out.days = append(out.days, sealed{key, wk.enc.appendSheet(nil, key, rows)})
				}
			}
			continue
		}
		for _, day := range within(wk.days, span*spanDays, span*spanDays+spanDays-1) {
			if key := pieceKey(day, metric, number); wk.daysBucket.Get(key) != nil {
				out.dropDays = append(out.dropDays, key)
			}
		}
		rows := wk.gather(metric, number, period, fresh)
		if len(rows) == 0 {
			continue // nothing but damaged sheets, which write puts aside
		}
		out.spans = append(out.spans, sealed{key, wk.enc.appendSheet(nil, key, rows)})
		out.digests = append(out.digests, sealed{key, seal(key, wk.enc.appendDigests(nil, wk.digestsOf(metric, span, rows)))})
	}
}

// gather returns what is held of a band in a period, fresh points merged in; it
// is valid until the next call.
func (wk *worker) gather(metric byte, number uint32, period interval, fresh [][]cloud.Point) []row {
	rows, all := wk.rows[:0], collect{wk.gathered[:0]}
	for i, points := range fresh {
		_, mine := cutAt(points, period.from)
		mine, _ = cutAt(mine, period.to)
		id := number*bandSeries + uint32(i)
		before := len(all.points)
		wk.series(metric, id, []interval{period}, mine, true, &all)
		if points := all.points[before:]; len(points) > 0 {
			rows = append(rows, row{id, points})
		}
	}
	wk.rows, wk.gathered = rows, all.points
	return rows
}

// digestsOf makes the digests of a band's span, and completes them from those
// written before.
func (wk *worker) digestsOf(metric byte, span uint32, rows []row) []digestRow {
	out := make([]digestRow, 0, len(rows))
	for _, r := range rows {
		d := wk.digestOf(wk.calendar, span, r.points)
		if before, ok := wk.digest(metric, r.id, span); ok {
			d = d.merge(before)
		}
		out = append(out, digestRow{r.id, d})
	}
	// A digest outlives its samples.
	number := band(rows[0].id)
	for i := range uint32(bandSeries) {
		id := number*bandSeries + i
		if before, ok := wk.digest(metric, id, span); ok {
			if at, found := slices.BinarySearchFunc(out, id, func(r digestRow, id uint32) int { return cmp.Compare(r.id, id) }); !found {
				out = slices.Insert(out, at, digestRow{id, before})
			}
		}
	}
	return out
}

// daysOf lists the days of a span that any of the points lie in, ascending.
func (c calendar) daysOf(span uint32, points [][]cloud.Point) []uint32 {
	var present [spanDays]bool
	period := c.spanInterval(span)
	for _, list := range points {
		_, mine := cutAt(list, period.from)
		mine, _ = cutAt(mine, period.to)
		for _, p := range mine {
			present[c.day(p.T)-span*spanDays] = true
		}
	}
	var days []uint32
	for i, ok := range present {
		if ok {
			days = append(days, span*spanDays+uint32(i))
		}
	}
	return days
}

// cutAt splits ascending points at the instant t.
func cutAt(points []cloud.Point, t int64) (before, from []cloud.Point) {
	i, _ := slices.BinarySearchFunc(points, t, func(p cloud.Point, t int64) int { return cmp.Compare(p.T, t) })
	return points[:i], points[i:]
}
