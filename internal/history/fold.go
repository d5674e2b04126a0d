package history

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
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
// mark and deletes the blocks that are wholly folded.
func (s *Store) fold(ctx context.Context, now time.Time) error {
	plan, units, err := s.planFold(now)
	if err != nil || plan.idle() {
		return err
	}
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
		if err := s.update(pending.write); err != nil {
			return err
		}
	}
	return s.update(plan.finish)
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

// unit is a range of one metric's resources, folded at once.
type unit struct {
	metric byte
	ids    []uint32 // ascending
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
		load := map[byte][]int{} // by metric: how many more points to fold resource i has than resource i-1; about
		touch := func(metric byte, first, last uint32, n int) {
			if need := int(last) + 2; need > len(load[metric]) {
				load[metric] = append(load[metric], make([]int, need-len(load[metric]))...)
			}
			load[metric][first] += n
			load[metric][last+1] -= n
		}
		start := c.dayStart(plan.upTo.day)
		open := map[uint64]bool{}
		for _, b := range r.sections {
			plan.upTo.sequence = max(plan.upTo.sequence, b.sequence)
			open[b.sequence] = open[b.sequence] || b.maxT >= start
			if b.minT < start && !(b.sequence <= r.mark.sequence && plan.upTo.day == r.mark.day) {
				plan.blocks = true
				// The section's resources are not known before it is
				// unpacked; the range of its numbers is close enough.
				touch(b.metric, b.first, b.last, b.points/b.series+1)
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
				id := binary.BigEndian.Uint32(k[5:])
				touch(k[4], id, id, 288)
			}
		}
		units = cutUnits(load)
		return nil
	})
	return plan, units, err
}

func clampTime(t time.Time) int64 { return min(max(t.Unix(), 0), maxTime) }

// cutUnits cuts what is to be folded into units of about equal load.
func cutUnits(load map[byte][]int) []unit {
	var units []unit
	for metric, steps := range load {
		u, each, total := unit{metric: metric}, 0, 0
		for id, step := range steps {
			if each += step; each == 0 {
				continue
			}
			if total >= foldPoints || len(u.ids) == sectionSeries {
				units = append(units, u)
				u, total = unit{metric: metric}, 0
			}
			u.ids = append(u.ids, uint32(id))
			total += each
		}
		if len(u.ids) > 0 {
			units = append(units, u)
		}
	}
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.ids[0], b.ids[0]))
	})
	return units
}

// finish sets the mark and deletes blocks all of whose points lie in chunks.
func (p foldPlan) finish(tx *bolt.Tx) error {
	blocks := tx.Bucket(bucketBlocks)
	cursor := blocks.Cursor()
	for _, sequence := range p.done {
		for {
			// Deleting moves the cursor, so each key is sought anew.
			k, v := cursor.Seek(binary.BigEndian.AppendUint64(nil, sequence))
			if len(k) != 13 || binary.BigEndian.Uint64(k) != sequence {
				break
			}
			if err := keepDamaged(tx, bucketBlocks, k, v, blockV1); err != nil {
				return err
			}
			if err := blocks.Delete(slices.Clone(k)); err != nil {
				return err
			}
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFolded, p.upTo.bytes())
}

// keepDamaged puts a piece that cannot be read aside before it is replaced or
// deleted: what is lost stays on record.
func keepDamaged(tx *bolt.Tx, bucket, key, data []byte, kind byte) error {
	if _, err := unseal(key, data, kind); err == nil {
		return nil
	}
	aside := append(append(slices.Clone(bucket), 0), key...)
	return tx.Bucket(bucketDamaged).Put(aside, slices.Clone(data))
}

// folded is what is to be written.
type folded struct {
	days, spans, digests []sealed
	dropDays             [][]byte // day chunks taken up by span chunks
	bytes                int
}

type sealed struct{ key, data []byte }

func (f *folded) add(o folded) {
	f.days, f.spans, f.digests = append(f.days, o.days...), append(f.spans, o.spans...), append(f.digests, o.digests...)
	f.dropDays = append(f.dropDays, o.dropDays...)
	f.bytes += o.bytes
}

func (f *folded) put(list *[]sealed, key, body []byte) {
	data := seal(key, body)
	*list = append(*list, sealed{key, data})
	f.bytes += len(key) + len(data)
}

func (f *folded) write(tx *bolt.Tx) error {
	for _, part := range []struct {
		bucket []byte
		kind   byte
		list   []sealed
	}{{bucketDays, chunkV1, f.days}, {bucketSpans, chunkV1, f.spans}, {bucketDigests, digestV1, f.digests}} {
		if len(part.list) == 0 {
			continue
		}
		slices.SortFunc(part.list, func(a, b sealed) int { return slices.Compare(a.key, b.key) })
		bucket := tx.Bucket(part.bucket)
		bucket.FillPercent = 0.95 // mostly new periods, behind all others
		for _, p := range part.list {
			if old := bucket.Get(p.key); old != nil {
				if err := keepDamaged(tx, part.bucket, p.key, old, part.kind); err != nil {
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
			if err := keepDamaged(tx, bucketDays, key, old, chunkV1); err != nil {
				return err
			}
		}
		if err := days.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// fold makes the chunks of one unit.
func (wk *worker) fold(plan foldPlan, u unit) folded {
	var out folded
	end := plan.calendar.dayStart(plan.upTo.day)
	if plan.blocks {
		wk.fresh[u.metric] = wk.unfolded(wk.fresh[u.metric], u.metric, u.ids, 0, end)
	} else {
		wk.fresh[u.metric] = make([][]cloud.Point, len(u.ids))
	}
	for i, id := range u.ids {
		wk.foldSeries(plan, u.metric, id, wk.fresh[u.metric][i], &out)
	}
	return out
}

// foldSeries brings fresh points and the day chunks of closed spans where they
// belong: per span either into its span chunk, or day by day into day chunks.
func (wk *worker) foldSeries(plan foldPlan, metric byte, id uint32, fresh []cloud.Point, out *folded) {
	c := plan.calendar
	var spans []uint32
	for _, day := range plan.days {
		if wk.daysBucket.Get(pieceKey(day, metric, id)) != nil {
			spans = append(spans, day/spanDays)
		}
	}
	for _, p := range fresh {
		if span := c.span(p.T); len(spans) == 0 || spans[len(spans)-1] != span {
			spans = append(spans, span)
		}
	}
	slices.Sort(spans)
	for _, span := range slices.Compact(spans) {
		from, to := c.spanStart(span), c.spanStart(span+1)
		mine, later := cutAt(fresh, to)
		fresh = later
		old := wk.spansBucket.Get(pieceKey(span, metric, id))
		if old == nil && span >= plan.span {
			wk.foldDays(c, metric, id, mine, out)
			continue
		}
		points := collect{}
		wk.series(metric, id, []interval{{from, to}}, mine, true, &points)
		for _, p := range wk.pieces { // what series has just read
			if p.day {
				out.dropDays = append(out.dropDays, p.key)
			}
		}
		if len(points.points) == 0 {
			continue // nothing but damaged day chunks, which write puts aside
		}
		key := pieceKey(span, metric, id)
		out.put(&out.spans, key, wk.enc.appendChunk(nil, points.points))
		d := wk.digestOf(c, span, points.points)
		if before, err := wk.dec.digest(key, wk.digests.Get(key)); err == nil {
			d = d.merge(before)
		}
		out.put(&out.digests, key, wk.enc.appendDigest(nil, d))
	}
}

func (wk *worker) foldDays(c calendar, metric byte, id uint32, fresh []cloud.Point, out *folded) {
	for len(fresh) > 0 {
		day := c.day(fresh[0].T)
		from, to := c.dayStart(day), c.dayStart(day+1)
		mine, later := cutAt(fresh, to)
		fresh = later
		points := collect{}
		wk.series(metric, id, []interval{{from, to}}, mine, true, &points)
		out.put(&out.days, pieceKey(day, metric, id), wk.enc.appendChunk(nil, points.points))
	}
}

// cutAt splits ascending points at the instant t.
func cutAt(points []cloud.Point, t int64) (before, from []cloud.Point) {
	i, _ := slices.BinarySearchFunc(points, t, func(p cloud.Point, t int64) int { return cmp.Compare(p.T, t) })
	return points[:i], points[i:]
}
