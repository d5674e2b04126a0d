package history

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"

	"github.com/klauspost/compress/huff0"

	"yunjian/cloud"
)

// A sheet holds one period of one metric for a band: the series of bandSeries
// consecutive resource numbers, each a chunk. Together they waste little of a
// page, share the instants they mostly have in common, and share a table of
// frequencies, which 288 samples could not pay for alone. Head and chunks have
// checksums of their own, so that damage costs one chunk, and reading one
// touches only its part.
const bandSeries = 128

// band is which sheet a resource number belongs to.
func band(id uint32) uint32 { return id / bandSeries }

// row is one series on its way into a sheet.
type row struct {
	id     uint32
	points []cloud.Point // ascending, distinct instants, at least one
}

// appendSheet appends a sheet under key: its kind, the length of the head, the
// head, its checksum, then the series, each followed by its checksum. The head
// lists the common instants, the shared table and, per series, the distance to
// the one before and the length. rows ascend by id, all of one band.
func (e *encoder) appendSheet(dst, key []byte, rows []row) []byte {
	for len(e.sheet) < len(rows) {
		e.sheet = append(e.sheet, numbers{})
	}
	var times []int64
	var values []float64
	for i, r := range rows {
		values = values[:0]
		for _, p := range r.points {
			values = append(values, p.V)
		}
		e.analyse(&e.sheet[i], values, true)
	}
	common := commonTimes(rows)
	shared := e.shareTable(e.sheet[:len(rows)])
	var bodies []byte
	var lengths []int
	for i, r := range rows {
		at := len(bodies)
		if sameTimes(r.points, common) {
			bodies = append(bodies, 0)
		} else {
			times = times[:0]
			for _, p := range r.points {
				times = append(times, p.T)
			}
			bodies = binary.AppendUvarint(bodies, uint64(len(times)))
			bodies = appendTimes(bodies, times)
		}
		bodies = e.appendNumbers(bodies, &e.sheet[i], shared != nil)
		sum := checksumOf(key, r.id, bodies[at:])
		bodies = binary.LittleEndian.AppendUint32(bodies, sum)
		lengths = append(lengths, len(bodies)-at)
	}
	head := binary.AppendUvarint(nil, uint64(len(rows)))
	head = binary.AppendUvarint(head, uint64(len(common)))
	if len(common) > 0 {
		times = times[:0]
		for _, p := range common {
			times = append(times, p.T)
		}
		head = appendTimes(head, times)
	}
	if shared == nil {
		head = append(head, tableNone)
	} else {
		head = append(append(head, tableHuffman), shared...)
	}
	next := band(rows[0].id) * bandSeries
	for i, r := range rows {
		head = append(head, byte(r.id-next))
		head = binary.AppendUvarint(head, uint64(lengths[i]))
		next = r.id + 1
	}
	start := len(dst)
	dst = append(dst, sheetV1)
	dst = binary.AppendUvarint(dst, uint64(len(head)))
	dst = append(dst, head...)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(key, dst[start:]))
	return append(dst, bodies...)
}

// checksumOf is a series' checksum: over the sheet's key, its number and its
// body.
func checksumOf(key []byte, id uint32, body []byte) uint32 {
	sum := crc32.Checksum(key, castagnoli)
	sum = crc32.Update(sum, castagnoli, binary.BigEndian.AppendUint32(nil, id))
	return crc32.Update(sum, castagnoli, body)
}

// commonTimes is the points whose instants most rows have, by majority; of no
// meaning, but harmless, where there is none.
func commonTimes(rows []row) []cloud.Point {
	var common []cloud.Point
	votes := 0
	for _, r := range rows {
		switch {
		case votes == 0:
			common, votes = r.points, 1
		case sameTimes(r.points, common):
			votes++
		default:
			votes--
		}
	}
	if len(rows) == 1 {
		return nil
	}
	return common
}

func sameTimes(a, b []cloud.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].T != b[i].T {
			return false
		}
	}
	return true
}

// What a sheet's columns share.
const (
	tableNone    = 0
	tableRANS    = 1 // as layout 2 wrote them
	tableHuffman = 2
)

// shareTable makes a table of the columns' tokens in e.common, of those that it
// serves better than one of their own, and returns it as it is stored; nil where
// it serves none.
func (e *encoder) shareTable(columns []numbers) []byte {
	if len(columns) < 2 {
		return nil
	}
	var all [escape + 1]uint32
	for round := range 2 {
		before := all
		clear(all[:])
		for i := range columns {
			x := &columns[i]
			if x.alike.tokens < 2 || round > 0 && e.commonCost(x) > min(x.coarse.whole(), x.ownBytes()) {
				continue
			}
			for token, n := range x.counts {
				all[token] += n
			}
		}
		if round > 0 && all == before {
			break
		}
		if err := e.common.BuildCTable(&all); err != nil { // none, or one token only
			return nil
		}
	}
	table, err := e.common.AppendTable(nil)
	if err != nil {
		return nil
	}
	return table
}

// commonCost is about the bytes that a column takes under the table in e.common;
// infinite where that lacks a token.
func (e *encoder) commonCost(x *numbers) float64 {
	if x.alike.tokens < 2 {
		return math.Inf(1)
	}
	tokens := e.common.EstimateSize(&x.counts)
	if tokens < 0 {
		return math.Inf(1)
	}
	return float64(tokens) + x.alike.rest + 2
}

// sharedTable is what a sheet's columns share, made ready for decoding.
type sharedTable struct {
	table
	slots   *decodeSlots   // of tableRANS, once needed
	huffman *huff0.Decoder // of tableHuffman
	scratch huff0.Scratch  // the memory of huffman
}

// read reads a table of the given kind and returns what follows it.
func (t *sharedTable) read(kind byte, src []byte) (rest []byte, err error) {
	t.slots, t.huffman = nil, nil
	if kind == tableRANS {
		return t.table.read(src, maxTableBits, false)
	}
	scratch, rest, err := huff0.ReadTable(src, &t.scratch)
	if err != nil {
		return nil, damaged("table: %v", err)
	}
	t.huffman = scratch.Decoder()
	return rest, nil
}

// ready is the slots of a table for rANS.
func (t *sharedTable) ready() *decodeSlots {
	if t.slots == nil {
		t.slots = &decodeSlots{}
		t.slots.load(&t.table, false)
	}
	return t.slots
}

// sheet is a parsed sheet. Its slices point into the file.
type sheet struct {
	period interval
	key    []byte
	data   []byte
	n      int // of the common instants; 0: there are none
	runs   []run
	step   int64
	shared *sharedTable // nil: none
	table  sharedTable
	ids    []uint32 // ascending
	ends   []int    // where in data each series ends, its checksum included
	start  int      // where the first begins
}

// parse reads the head of a sheet into s, whose buffers it uses again.
func (d *decoder) parse(s *sheet, key, data []byte) error {
	s.key, s.data, s.ids, s.ends, s.shared = key, data, s.ids[:0], s.ends[:0], nil
	if len(key) != 9 || len(data) < 8 || data[0] != sheetV1 {
		return damaged("no sheet")
	}
	size, rest, err := uvarint(data[1:])
	if err != nil {
		return err
	}
	at := len(data) - len(rest)
	if size > uint64(len(rest)) || len(rest)-int(size) < 4 {
		return damaged("head of %d bytes in %d", size, len(rest))
	}
	end := at + int(size)
	if want, got := binary.LittleEndian.Uint32(data[end:]), checksum(key, data[:end]); want != got {
		return damaged("checksum of the head %08x, stored %08x", got, want)
	}
	s.start = end + 4
	return d.parseHead(s, data[at:end])
}

func (d *decoder) parseHead(s *sheet, head []byte) error {
	rows, head, err1 := uvarint(head)
	n, head, err2 := uvarint(head)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if rows == 0 || rows > bandSeries || n > maxPoints {
		return damaged("sheet of %d series, %d instants", rows, n)
	}
	var err error
	if s.n = int(n); n > 0 {
		runs, step, rest, err := d.times(head, s.n)
		if err != nil {
			return err
		}
		s.runs, s.step, head = append(s.runs[:0], runs...), step, rest
	}
	if len(head) == 0 || head[0] > tableHuffman {
		return damaged("head cut short")
	}
	kind := head[0]
	head = head[1:]
	if kind != tableNone {
		if head, err = s.table.read(kind, head); err != nil {
			return err
		}
		s.shared = &s.table
	}
	if bandOf(s.key) > band(1<<32-1) {
		return damaged("band %d", bandOf(s.key))
	}
	next, end := uint64(bandOf(s.key))*bandSeries, s.start
	last := next + bandSeries
	for range rows {
		if len(head) == 0 {
			return damaged("head cut short")
		}
		id := next + uint64(head[0])
		length, rest, err := uvarint(head[1:])
		if err != nil {
			return err
		}
		if id >= last || length < 6 || length > uint64(len(s.data)-end) {
			return damaged("series %d of %d bytes", id, length)
		}
		end += int(length)
		s.ids, s.ends = append(s.ids, uint32(id)), append(s.ends, end)
		head, next = rest, id+1
	}
	if len(head) != 0 || end != len(s.data) {
		return damaged("%d bytes behind the head, %d behind the last series", len(head), len(s.data)-end)
	}
	return nil
}

// pieceKey is the key of a sheet, of samples or of digests: period is a day or a
// span.
func pieceKey(period uint32, metric byte, band uint32) []byte {
	key := binary.BigEndian.AppendUint32(make([]byte, 0, 9), period)
	key = append(key, metric)
	return binary.BigEndian.AppendUint32(key, band)
}

// bandOf is the band in a sheet's key.
func bandOf(key []byte) uint32 { return binary.BigEndian.Uint32(key[5:]) }

// find is the index of a series in the sheet.
func (s *sheet) find(id uint32) (int, bool) {
	return slices.BinarySearch(s.ids, id)
}

// body is the i-th chunk, once its checksum holds.
func (s *sheet) body(i int) ([]byte, error) {
	from := s.start
	if i > 0 {
		from = s.ends[i-1]
	}
	body := s.data[from : s.ends[i]-4]
	if want, got := binary.LittleEndian.Uint32(s.data[s.ends[i]-4:]), checksumOf(s.key, s.ids[i], body); want != got {
		return nil, damaged("checksum %08x, stored %08x", got, want)
	}
	return body, nil
}

// chunk decodes the i-th chunk; without values only its instants mean anything.
func (d *decoder) chunk(s *sheet, i int, values bool) (chunk, error) {
	body, err := s.body(i)
	if err != nil {
		return chunk{}, err
	}
	return d.chunkBody(s, body, values)
}

func (d *decoder) chunkBody(s *sheet, body []byte, values bool) (chunk, error) {
	n, body, err := uvarint(body)
	if err != nil {
		return chunk{}, err
	}
	if n > maxPoints || n == 0 && s.n == 0 {
		return chunk{}, damaged("%d points", n)
	}
	c := chunk{n: int(n)}
	if n == 0 {
		c.n, c.runs, c.step = s.n, s.runs, s.step
	} else if c.runs, c.step, body, err = d.times(body, c.n); err != nil {
		return chunk{}, err
	}
	if !values {
		d.hundredths = resize(d.hundredths, c.n)
		c.column.hundredths = d.hundredths
		return c, nil
	}
	c.column, err = d.values(body, c.n, true, s.shared)
	return c, err
}
