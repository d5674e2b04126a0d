package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
)

// A block is a bucket of its own: a commit then writes no neighbour's pages. It
// holds sections, each the points of consecutive resources for one metric: a
// damaged section costs only those, and reading some resources decodes only
// theirs. A value holds several sections, because small values leave much of
// their page empty.
const (
	sectionSeries = 1024
	sectionPoints = 1 << 15
	valueSections = 32
)

// putBlock writes one block behind all others.
func (s *Store) putBlock(tx *bolt.Tx, series []coded) error {
	for _, c := range series {
		if len(c.points) > maxPoints {
			return fmt.Errorf("%d points of one series at once: at most %d", len(c.points), maxPoints)
		}
	}
	blocks := tx.Bucket(bucketBlocks)
	blocks.FillPercent = 0.95 // keys only ever ascend
	sequence, err := blocks.NextSequence()
	if err != nil {
		return err
	}
	mark, err := readMark(tx)
	if err != nil {
		return err
	}
	if sequence <= mark.sequence { // readers would take the new block for folded
		return damaged("block %d comes behind %d: restore a backup", sequence, mark.sequence)
	}
	size, err := s.writeBlock(blocks, sequence, series)
	if err != nil {
		return err
	}
	return s.makeRoomAhead(tx, size)
}

// writeBlock writes a block under a sequence that has none, and returns the
// bytes of its values.
func (s *Store) writeBlock(blocks *bolt.Bucket, sequence uint64, series []coded) (size int, err error) {
	block, err := blocks.CreateBucket(binary.BigEndian.AppendUint64(nil, sequence))
	if err != nil {
		return 0, err
	}
	block.FillPercent = 0.95
	sections := cutSections(series)
	sealed := make([][]byte, len(sections))
	var group sync.WaitGroup
	var turn atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(sections)) {
		group.Go(func() {
			enc, ok := s.encoders.Get().(*encoder)
			if !ok {
				enc = newEncoder(zstd.SpeedFastest)
			}
			defer s.encoders.Put(enc)
			for i := int(turn.Add(1)) - 1; i < len(sections); i = int(turn.Add(1)) - 1 {
				c := sections[i]
				sealed[i] = seal(sectionKey(sequence, c[0].metric, c[0].id), enc.appendSection(nil, c))
			}
		})
	}
	group.Wait()
	for from := 0; from < len(sections); {
		first := sections[from][0]
		to := from + 1
		for to < len(sections) && to < from+valueSections && sections[to][0].metric == first.metric {
			to++
		}
		key := valueKey(first.metric, first.id)
		value := joinSections(sequence, key, sealed[from:to])
		if err := block.Put(key, value); err != nil {
			return 0, err
		}
		size += len(value)
		from = to
	}
	return size, nil
}

// cutSections cuts series, ordered by metric and resource, into sections.
func cutSections(series []coded) [][]coded {
	var out [][]coded
	from, points := 0, 0
	for i, c := range series {
		if i > from && (c.metric != series[from].metric || i-from == sectionSeries || points+len(c.points) > sectionPoints) {
			out = append(out, series[from:i])
			from, points = i, 0
		}
		points += len(c.points)
	}
	return append(out, series[from:])
}

// valueKey is the key of a value in a block's bucket.
func valueKey(metric byte, first uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{metric}, first)
}

// sectionKey is what a section's checksum is made with; that of a value is made
// with its first section's.
func sectionKey(sequence uint64, metric byte, first uint32) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 13), sequence)
	key = append(key, metric)
	return binary.BigEndian.AppendUint32(key, first)
}

// joinSections makes a value of sealed sections: its kind, how many there are,
// the length of each, a checksum of all this, and the sections.
func joinSections(sequence uint64, key []byte, sections [][]byte) []byte {
	out := binary.AppendUvarint([]byte{blockV2}, uint64(len(sections)))
	for _, data := range sections {
		out = binary.AppendUvarint(out, uint64(len(data)))
	}
	full := binary.BigEndian.AppendUint64(nil, sequence)
	out = binary.LittleEndian.AppendUint32(out, checksum(append(full, key...), out))
	for _, data := range sections {
		out = append(out, data...)
	}
	return out
}

// splitSections passes on the sections of a value, still sealed.
func splitSections(sequence uint64, key, data []byte, each func(section []byte)) error {
	if len(key) != 5 || len(data) < 7 || data[0] != blockV2 {
		return damaged("no block")
	}
	n, rest, err := uvarint(data[1:])
	if err != nil {
		return err
	}
	if n == 0 || n > valueSections {
		return damaged("%d sections", n)
	}
	var lengths [valueSections]uint64
	for i := range n {
		if lengths[i], rest, err = uvarint(rest); err != nil {
			return err
		}
	}
	if len(rest) < 4 {
		return damaged("block cut short")
	}
	head := data[:len(data)-len(rest)]
	full := binary.BigEndian.AppendUint64(nil, sequence)
	if want, got := binary.LittleEndian.Uint32(rest), checksum(append(full, key...), head); want != got {
		return damaged("checksum of the head %08x, stored %08x", got, want)
	}
	rest = rest[4:]
	for _, length := range lengths[:n] {
		if length > uint64(len(rest)) {
			return damaged("section of %d bytes in %d", length, len(rest))
		}
		each(rest[:length])
		rest = rest[length:]
	}
	return nil
}

// sectionHead is what a section says of itself before anything is unpacked.
type sectionHead struct {
	points      int
	series      int
	first, last uint32 // resource ids
	minT, maxT  int64
}

// appendSection appends the body of a section: its head, then per series the
// resource id and instants (packed where that is smaller), then all values,
// series after series.
func (e *encoder) appendSection(dst []byte, entries []coded) []byte {
	h := sectionHead{series: len(entries), first: entries[0].id, last: entries[len(entries)-1].id, minT: maxTime}
	meta, values, times, before := e.meta[:0], e.values[:0], e.times[:0], e.before[:0]
	id := h.first
	for _, s := range entries {
		meta = binary.AppendUvarint(meta, uint64(s.id-id))
		id = s.id
		times, before = before[:0], times
		for _, p := range s.points {
			times = append(times, p.T)
			values = append(values, p.V)
		}
		if equalTimes(times, before) {
			meta = append(meta, 0)
		} else {
			meta = binary.AppendUvarint(meta, uint64(len(times)))
			meta = appendTimes(meta, times)
		}
		h.points += len(times)
		h.minT, h.maxT = min(h.minT, times[0]), max(h.maxT, times[len(times)-1])
	}
	e.meta, e.values, e.times, e.before = meta, values, times, before
	dst = append(dst, blockV1)
	for _, u := range []uint64{
		uint64(h.points), uint64(h.series), uint64(h.first), uint64(h.last - h.first),
		uint64(h.minT), uint64(h.maxT - h.minT), uint64(len(meta)),
	} {
		dst = binary.AppendUvarint(dst, u)
	}
	packed := e.z.EncodeAll(meta, nil)
	if len(packed) >= len(meta) {
		packed = meta
	}
	dst = binary.AppendUvarint(dst, uint64(len(packed)))
	dst = append(dst, packed...)
	return e.appendValues(dst, values, h.points > h.series)
}

func equalTimes(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// parseHead reads a section's head and returns what follows, without checking
// the sum.
func parseHead(body []byte) (h sectionHead, rest []byte, err error) {
	var u [6]uint64
	for i := range u {
		if u[i], body, err = uvarint(body); err != nil {
			return h, nil, err
		}
	}
	const ids = 1<<32 - 1
	if u[0] == 0 || u[0] > maxPoints || u[1] == 0 || u[1] > u[0] || u[2] > ids || u[3] > ids-u[2] ||
		u[4] > maxTime || u[5] > maxTime-u[4] {
		return h, nil, damaged("section head %v", u)
	}
	return sectionHead{
		points: int(u[0]), series: int(u[1]), first: uint32(u[2]), last: uint32(u[2] + u[3]),
		minT: int64(u[4]), maxT: int64(u[4] + u[5]),
	}, body, nil
}

// head reads the head of a sealed section without checking the sum.
func head(data []byte) (sectionHead, error) {
	if len(data) < 6 || data[0] != blockV1 {
		return sectionHead{}, damaged("no section")
	}
	h, _, err := parseHead(data[1 : len(data)-4])
	return h, err
}

// section decodes a sealed section and passes on each series in ascending
// resource id; what it passes is valid during the call. On an error nothing
// has been passed on.
func (d *decoder) section(key, data []byte, each func(id uint32, runs []run, step int64, values []float64)) error {
	body, err := unseal(key, data, blockV1)
	if err != nil {
		return err
	}
	return d.sectionBody(body, each)
}

func (d *decoder) sectionBody(body []byte, each func(id uint32, runs []run, step int64, values []float64)) error {
	h, meta, values, err := d.list(body)
	if err != nil {
		return err
	}
	col, err := d.values(values, h.points, false, nil)
	if err != nil {
		return err
	}
	return d.walk(h, meta, col.floats, each)
}

// list is a section's head and its list of series, which is whole, and what
// follows.
func (d *decoder) list(body []byte) (h sectionHead, meta, values []byte, err error) {
	h, body, err = parseHead(body)
	if err != nil {
		return h, nil, nil, err
	}
	size, body, err1 := uvarint(body)
	packed, body, err2 := uvarint(body)
	if err := errors.Join(err1, err2); err != nil {
		return h, nil, nil, err
	}
	if packed > uint64(len(body)) || packed > size || size > maxPoints*8 {
		return h, nil, nil, damaged("series list of %d bytes in %d", size, packed)
	}
	meta = body[:packed]
	if packed < size {
		if d.meta, err = d.z.DecodeAll(meta, d.meta[:0]); err != nil {
			return h, nil, nil, damaged("series list does not unpack: %v", err)
		}
		meta = d.meta
	}
	if uint64(len(meta)) != size {
		return h, nil, nil, damaged("series list takes %d bytes, want %d", len(meta), size)
	}
	return h, meta, body[packed:], d.walk(h, meta, nil, nil)
}

func (d *decoder) walk(h sectionHead, meta []byte, values []float64, each func(id uint32, runs []run, step int64, values []float64)) error {
	id, left := uint64(h.first), h.points
	n, step := 0, int64(0)
	var runs []run
	for i := range h.series {
		ahead, rest, err := uvarint(meta)
		if err != nil {
			return err
		}
		count, rest, err := uvarint(rest)
		if err != nil {
			return err
		}
		if id += ahead; id > uint64(h.last) || (ahead == 0) != (i == 0) {
			return damaged("resource number %d outside %d to %d", id, h.first, h.last)
		}
		if count > 0 {
			if count > uint64(left) {
				return damaged("%d points of %d left", count, left)
			}
			n = int(count)
			if runs, step, rest, err = d.times(rest, n); err != nil {
				return err
			}
		}
		if n == 0 || n > left {
			return damaged("%d points of %d left", n, left)
		}
		if last := runs[len(runs)-1]; runs[0].t < h.minT || last.t+int64(last.n-1)*step > h.maxT {
			return damaged("instants outside %d to %d", h.minT, h.maxT)
		}
		meta, left = rest, left-n
		if each != nil {
			each(uint32(id), runs, step, values[:n])
			values = values[n:]
		}
	}
	if left != 0 || len(meta) != 0 {
		return damaged("%d points and %d bytes too many", left, len(meta))
	}
	return nil
}
