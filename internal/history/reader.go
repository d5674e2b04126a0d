package history

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// foldMark says which points of blocks have been folded already: those of
// days before day in blocks up to sequence. Such a block is spent once all
// its points have been; until then the chunks speak for those points.
type foldMark struct {
	sequence uint64
	day      uint32
}

func readMark(tx *bolt.Tx) (foldMark, error) {
	v := tx.Bucket(bucketMeta).Get(keyFolded)
	if v == nil {
		return foldMark{}, nil
	}
	if !sealedShort(keyFolded, v, 12) {
		return foldMark{}, damaged("the mark of what has been folded does not hold")
	}
	return foldMark{sequence: binary.BigEndian.Uint64(v), day: binary.BigEndian.Uint32(v[8:])}, nil
}

func (m foldMark) bytes() []byte {
	return seal(keyFolded, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, m.sequence), m.day))
}

// sealedShort reports whether a value of n bytes is whole: such ones have a
// checksum like pieces, but had none at first.
func sealedShort(key, v []byte, n int) bool {
	return len(v) == n || len(v) == n+4 && bytes.Equal(v, seal(key, bytes.Clone(v[:n])))
}

// reader knows what lies where in the state of one transaction. Not for
// concurrent use.
type reader struct {
	tx       *bolt.Tx
	calendar calendar
	mark     foldMark

	resources, names         *bolt.Bucket
	daysBucket, spansBucket  *bolt.Bucket
	digestBucket             *bolt.Bucket
	metrics                  map[cloud.Metric]byte
	days, spans, digestSpans []uint32  // periods that hold any sheet, ascending
	sections                 []section // of blocks, in the order of writing

	unread map[piece]bool // sheets and chunks met that could not be read
}

// piece names a sheet (chunk -1) or a chunk of it.
type piece struct {
	key    string
	period interval
	chunk  int
}

// miss notes that a piece could not be read.
func (r *reader) miss(key []byte, period interval, chunk int) {
	if r.unread == nil {
		r.unread = map[piece]bool{}
	}
	r.unread[piece{string(key), period, chunk}] = true
}

// section is a block's section as it lies in the file.
type section struct {
	key, data []byte
	sequence  uint64
	metric    byte
	sectionHead
}

// newReader lists what the transaction's file holds. Damaged sections are
// left out.
func (s *Store) newReader(tx *bolt.Tx) (*reader, error) {
	r := &reader{
		tx: tx, calendar: s.calendar,
		resources: tx.Bucket(bucketResources), names: tx.Bucket(bucketNames),
		daysBucket: tx.Bucket(bucketDays), spansBucket: tx.Bucket(bucketSpans), digestBucket: tx.Bucket(bucketDigests),
	}
	var err error
	if r.mark, err = readMark(tx); err != nil {
		return nil, err
	}
	r.metrics, _ = metricCodes(tx) // Check names what is damaged
	r.days, r.spans, r.digestSpans = periods(r.daysBucket), periods(r.spansBucket), periods(r.digestBucket)
	return r, eachBlock(tx, func(sequence uint64, k, v []byte) error {
		_ = splitSections(sequence, k, v, func(data []byte) { // Check names what is damaged
			if h, err := head(data); err == nil {
				r.sections = append(r.sections, section{
					key: sectionKey(sequence, k[0], h.first), data: data, sequence: sequence, metric: k[0], sectionHead: h,
				})
			}
		})
		return nil
	})
}

// metricCodes is the codes of metrics. What damage leaves without a code of its
// own is left out, with an error.
func metricCodes(tx *bolt.Tx) (codes map[cloud.Metric]byte, err error) {
	codes = map[cloud.Metric]byte{}
	of := map[byte]cloud.Metric{}
	none := func(name cloud.Metric) {
		delete(codes, name)
		err = damaged("metric %q has no code of its own: restore a backup", name)
	}
	walk := tx.Bucket(bucketMetrics).ForEach(func(k, v []byte) error {
		name := cloud.Metric(k)
		if !sealedShort(k, v, 1) {
			none(name)
			return nil
		}
		codes[name] = v[0]
		if other, ok := of[v[0]]; ok {
			none(other)
			none(name)
		}
		of[v[0]] = name
		return nil
	})
	return codes, errors.Join(err, walk)
}

// eachBlock passes on the values of all blocks in the order of writing.
func eachBlock(tx *bolt.Tx, each func(sequence uint64, key, data []byte) error) error {
	blocks := tx.Bucket(bucketBlocks)
	return blocks.ForEachBucket(func(k []byte) error {
		if len(k) != 8 {
			return nil
		}
		return blocks.Bucket(k).ForEach(func(key, data []byte) error {
			return each(binary.BigEndian.Uint64(k), key, data)
		})
	})
}

// periods lists the distinct first four bytes of a bucket's keys, jumping from
// one to the next.
func periods(b *bolt.Bucket) []uint32 {
	var out []uint32
	c := b.Cursor()
	for k, _ := c.First(); len(k) >= 4; {
		p := binary.BigEndian.Uint32(k)
		if len(out) > 0 && p <= out[len(out)-1] {
			break // a damaged tree leads in circles
		}
		out = append(out, p)
		if p == 1<<32-1 {
			break
		}
		k, _ = c.Seek(binary.BigEndian.AppendUint32(nil, p+1))
	}
	return out
}

// within is the periods of list from lo to hi, both included.
func within(list []uint32, lo, hi uint32) []uint32 {
	i, _ := slices.BinarySearch(list, lo)
	j, found := slices.BinarySearch(list, hi)
	if found {
		j++
	}
	return list[i:max(i, j)]
}

// number is a resource's number; none where damage lets it point at another's
// samples.
func (r *reader) number(resource string) (uint32, bool) {
	if v := r.resources.Get([]byte(resource)); len(v) == 4 && string(r.names.Get(v)) == resource {
		return binary.BigEndian.Uint32(v), true
	}
	return 0, false
}

// name is the resource of a number; empty where the file does not say.
func (r *reader) name(id uint32) string {
	return string(r.names.Get(binary.BigEndian.AppendUint32(nil, id)))
}

// unfolded returns, for each of ids (ascending), the points in [from, to) that
// lie in blocks and have not been folded, ascending, the latest write of each
// instant. It reuses into.
func (wk *worker) unfolded(into [][]cloud.Point, metric byte, ids []uint32, from, to int64) [][]cloud.Point {
	into = resize(into, len(ids))
	for i := range into {
		into[i] = into[i][:0]
	}
	if len(ids) == 0 {
		return into
	}
	folded := wk.calendar.dayStart(wk.mark.day)
	for i := range wk.sections {
		b := &wk.sections[i]
		if b.metric != metric || b.minT >= to || b.maxT < from {
			continue
		}
		start := from
		if b.sequence <= wk.mark.sequence {
			start = max(from, folded)
		}
		if at, found := slices.BinarySearch(ids, b.first); b.maxT < start || !found && (at == len(ids) || ids[at] > b.last) {
			continue
		}
		at := 0
		// An error is damage: it costs this section, and Check names it.
		_ = wk.dec.section(b.key, b.data, func(id uint32, runs []run, step int64, values []float64) {
			for at < len(ids) && ids[at] < id {
				at++
			}
			if at == len(ids) || ids[at] != id {
				return
			}
			points, k := slices.Grow(into[at], len(values)), 0
			for _, run := range runs {
				for j := range run.n {
					if t := run.t + int64(j)*step; t >= start && t < to {
						points = append(points, cloud.Point{T: t, V: values[k]})
					}
					k++
				}
			}
			into[at] = points
		})
	}
	for i := range into {
		into[i] = tidy(into[i])
	}
	return into
}

// view is what a worker has open of one metric: the sheets of a band whose
// periods touch span, in ascending time. For one span of time a band has either
// a span sheet or day sheets.
type view struct {
	opened bool
	band   uint32
	span   interval
	sheets []*sheet
	spare  []*sheet // to be used again
}

// open returns the sheets that hold a band's series in span, at least.
func (wk *worker) open(metric byte, band uint32, span interval) []*sheet {
	v := wk.views[metric]
	if v == nil {
		v = &view{}
		wk.views[metric] = v
	}
	if v.opened && v.band == band && v.span.from <= span.from && span.to <= v.span.to {
		return v.sheets
	}
	if wk.span.from <= span.from && span.to <= wk.span.to {
		span = wk.span // what this worker will be asked for next
	}
	v.close()
	v.opened, v.band, v.span = true, band, span
	first, last := wk.calendar.day(span.from), wk.calendar.day(span.to-1)
	for _, number := range within(wk.spans, first/spanDays, last/spanDays) {
		wk.openSheet(v, wk.spansBucket, pieceKey(number, metric, band), wk.calendar.spanInterval(number))
	}
	spans := len(v.sheets)
	for _, day := range within(wk.days, first, last) {
		// Where damage hid a day when its span was folded, and it has come to
		// light since, the span speaks for it.
		if slices.ContainsFunc(v.sheets[:spans], func(s *sheet) bool { return s.period == wk.calendar.spanInterval(day/spanDays) }) {
			continue
		}
		wk.openSheet(v, wk.daysBucket, pieceKey(day, metric, band), wk.calendar.dayInterval(day))
	}
	if spans > 0 && spans < len(v.sheets) {
		slices.SortFunc(v.sheets, func(a, b *sheet) int { return cmp.Compare(a.period.from, b.period.from) })
	}
	return v.sheets
}

// openSheet adds a sheet to the view, if it is there. One whose head is damaged
// is left out; Check names it.
func (wk *worker) openSheet(v *view, bucket *bolt.Bucket, key []byte, period interval) {
	data := bucket.Get(key)
	if data == nil {
		return
	}
	var s *sheet
	if n := len(v.spare); n > 0 {
		s, v.spare = v.spare[n-1], v.spare[:n-1]
	} else {
		s = &sheet{}
	}
	s.period = period
	if wk.dec.parse(s, key, data) != nil {
		wk.miss(key, period, -1)
		v.spare = append(v.spare, s)
		return
	}
	v.sheets = append(v.sheets, s)
}

// close lets go of the sheets: what was read of the file need not stay in this
// process's memory.
func (v *view) close() {
	for _, s := range v.sheets {
		release(s.data)
		s.key, s.data = nil, nil
	}
	v.spare = append(v.spare, v.sheets...)
	v.sheets, v.opened = v.sheets[:0], false
}

// sink takes the samples of a series in ascending time.
type sink interface {
	// run takes values at t, t+step, …; they are valid during the call.
	run(t, step int64, hundredths []uint16)
	point(t int64, v float64)
}

// series passes the samples of a series in the keep spans to out. fresh is
// what unfolded returned for it; a damaged chunk is passed over. Without
// values the instants are right and the values whatever comes.
func (wk *worker) series(metric byte, id uint32, keep []interval, fresh []cloud.Point, values bool, out sink) {
	if len(keep) == 0 {
		return
	}
	all := interval{keep[0].from, keep[len(keep)-1].to}
	for _, s := range wk.open(metric, band(id), all) {
		i, ok := s.find(id)
		if !ok || s.period.to <= all.from || s.period.from >= all.to {
			continue
		}
		c, err := wk.dec.chunk(s, i, values)
		if err != nil {
			wk.miss(s.key, s.period, i)
			continue
		}
		before, _ := slices.BinarySearchFunc(fresh, c.first(), func(p cloud.Point, t int64) int { return cmp.Compare(p.T, t) })
		passPoints(fresh[:before], keep, out)
		fresh = fresh[before:]
		if len(fresh) == 0 || fresh[0].T > c.last() {
			passChunk(c, keep, out)
			continue
		}
		upTo, _ := slices.BinarySearchFunc(fresh, c.last()+1, func(p cloud.Point, t int64) int { return cmp.Compare(p.T, t) })
		wk.decoded = c.points(wk.decoded[:0])
		wk.merged = overlay(wk.merged[:0], wk.decoded, fresh[:upTo])
		passPoints(wk.merged, keep, out)
		fresh = fresh[upTo:]
	}
	passPoints(fresh, keep, out)
}

// overlay appends the union of two ascending lists to dst; of one instant the
// newer list's point counts.
func overlay(dst, older, newer []cloud.Point) []cloud.Point {
	for len(older) > 0 && len(newer) > 0 {
		switch {
		case older[0].T < newer[0].T:
			dst, older = append(dst, older[0]), older[1:]
		case older[0].T > newer[0].T:
			dst, newer = append(dst, newer[0]), newer[1:]
		default:
			dst, older, newer = append(dst, newer[0]), older[1:], newer[1:]
		}
	}
	return append(append(dst, older...), newer...)
}

// interval is [from, to) in Unix seconds.
type interval struct{ from, to int64 }

// intervals is w less exclude, ascending and disjoint, within what a history
// can hold.
func intervals(w cloud.Window, exclude []cloud.Window) []interval {
	rest := interval{from: max(ceilUnix(w.From), 0), to: min(ceilUnix(w.To), maxTime+1)}
	var out []interval
	exclude = slices.Clone(exclude)
	slices.SortFunc(exclude, func(a, b cloud.Window) int { return a.From.Compare(b.From) })
	for _, e := range exclude {
		from, to := ceilUnix(e.From), ceilUnix(e.To)
		if to <= rest.from || from >= to {
			continue
		}
		if end := min(from, rest.to); end > rest.from {
			out = append(out, interval{rest.from, end})
		}
		rest.from = max(rest.from, to)
	}
	if rest.to > rest.from {
		out = append(out, rest)
	}
	return out
}

func passPoints(points []cloud.Point, keep []interval, out sink) {
	i := 0
	for _, p := range points {
		for i < len(keep) && p.T >= keep[i].to {
			i++
		}
		if i == len(keep) {
			return
		}
		if p.T >= keep[i].from {
			out.point(p.T, p.V)
		}
	}
}

func passChunk(c chunk, keep []interval, out sink) {
	at := 0
	for _, r := range c.runs {
		for _, k := range keep {
			// The instants of the run in [k.from, k.to) are those numbered lo to hi-1.
			lo := clampCount(k.from-r.t, c.step, r.n)
			hi := clampCount(k.to-r.t, c.step, r.n)
			if lo >= hi {
				continue
			}
			t := r.t + int64(lo)*c.step
			if c.column.floats == nil {
				out.run(t, c.step, c.column.hundredths[at+lo:at+hi])
				continue
			}
			for i, v := range c.column.floats[at+lo : at+hi] {
				out.point(t+int64(i)*c.step, v)
			}
		}
		at += r.n
	}
}

// clampCount is how many of n instants 0, step, 2×step … lie before d.
func clampCount(d, step int64, n int) int {
	if d <= 0 {
		return 0
	}
	return int(min((d+step-1)/step, int64(n)))
}
