package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/huff0"
	"github.com/klauspost/compress/zstd"
)

// A column of values is turned into numbers and the numbers are packed, each in
// whichever way is smallest for them. All are exact for every float64, bit for
// bit. A column begins with a byte that says both ways, and a byte for the scale.
const (
	codePlain = 0 // whole numbers of 10^-scale, less the least of them
	codeDelta = 1 // whole numbers of 10^-scale, each less its predecessor, zigzag
	codeXOR   = 2 // float64 bits, each XORed with its predecessor

	packPlanes        = 0x00 // the numbers' bytes split into planes, the lowest first
	packZstd          = 0x80 // planes, compressed
	packOwn           = 0x40 // tokens under a table of the column's own
	packShared        = 0x20 // tokens under the table of the sheet, as layout 2 wrote them
	packHuffman       = 0x60 // bytes under Huffman's code, with a table of the column's own
	packHuffmanShared = 0xa0 // the same, under the table of the sheet
	packMask          = 0xe0
)

// Bounds that keep a damaged or hostile header from asking for memory.
const (
	maxPoints = 1 << 23 // of one piece; a span at one-second steps has 2.4 million
	maxScale  = 6
	maxExact  = 1 << 53 // up to here a float64 holds every whole number
)

var powers = [maxScale + 1]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// ErrDamaged says that what is stored is not as it was written.
var ErrDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// encoder turns values into bytes; it holds the buffers to do so repeatedly.
// Not for concurrent use.
type encoder struct {
	z       *zstd.Encoder
	ints    []int64
	planes  []byte
	packed  []byte
	column  numbers
	other   numbers
	counter counter
	slots   encodeSlots
	tokens  []uint16
	words   []uint16
	body    []byte
	sheet   []numbers
	low     []uint64
	beyond  []byte
	meta    []byte    // of a section
	values  []float64 // of a section
	times   []int64   // of a section's series, and of
	before  []int64   // the one before
	huffman huff0.Scratch
	common  huff0.Scratch // holds the table that a sheet's columns share
}

func newEncoder(level zstd.EncoderLevel) *encoder {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options above are constants
	}
	return &encoder{z: z}
}

// appendValues appends a column that stands alone.
func (e *encoder) appendValues(dst []byte, v []float64, sequence bool) []byte {
	e.analyse(&e.column, v, sequence)
	return e.appendNumbers(dst, &e.column, false)
}

// appendNumbers appends a column in the way that makes it smallest, or nearly so
// and is read sooner. shared: a table that columns share is in e.common.
func (e *encoder) appendNumbers(dst []byte, x *numbers, shared bool) []byte {
	if len(x.u) == 0 || x.width() == 0 {
		return e.appendPlanes(dst, x)
	}
	size := x.ownBytes()
	pack, coarse, best := byte(packHuffman), x.coarse, x.coarse.whole()
	if shared {
		if cost := e.commonCost(x); cost < best {
			pack, coarse, best = packHuffmanShared, x.alike, cost
		}
	}
	if min(size, best) > float64(x.n*x.width()) {
		return e.appendPlanes(dst, x)
	}
	done := false
	if best < size*slack {
		e.body, done = e.appendHuffman(e.body[:0], x, pack, coarse)
		done = done && float64(len(e.body)) < size*slack // whole bits may cost more than foretold
	}
	if !done {
		e.body = e.appendTokens(e.body[:0], x)
	}
	if done && !e.repeats(x) {
		return append(dst, e.body...)
	}
	at := len(dst)
	dst = e.appendPlanes(dst, x)
	if len(dst)-at <= len(e.body) {
		return dst
	}
	return append(dst[:at], e.body...)
}

// repeats reports whether a column may hold repetitions, which frequencies
// alone do not tell: then compressing its planes is worth a try.
func (e *encoder) repeats(x *numbers) bool {
	return min(x.own.bytes, x.coarse.bytes) < float64(x.n)*0.9
}

// appendTokens appends, behind code and scale, the base as a varint, a byte for
// the split, the table, the length of states and words as a varint, states and
// words, and the raw bits.
func (e *encoder) appendTokens(dst []byte, x *numbers) []byte {
	s, t := x.own.split, &e.counter.table
	dst = append(dst, x.code|packOwn, byte(x.scale))
	dst = binary.AppendVarint(dst, x.base)
	dst = append(dst, s.byte())
	t.normalize(e.counter.tokens(x.u, s), tableBits(x.n))
	dst = t.append(dst)
	e.slots.load(t)
	e.tokens = e.tokens[:0]
	raw := bitWriter{dst: e.planes[:0]}
	for _, u := range x.u {
		token, n := s.token(u)
		e.tokens = append(e.tokens, token)
		raw.put(u, n)
	}
	e.planes = raw.flush()
	e.packed = e.appendRANS(e.packed[:0], e.tokens)
	dst = binary.AppendUvarint(dst, uint64(len(e.packed)))
	dst = append(dst, e.packed...)
	return append(dst, e.planes...)
}

// appendPlanes appends, behind code and scale, a byte for the width, the base
// as a varint, and the planes.
func (e *encoder) appendPlanes(dst []byte, x *numbers) []byte {
	width := x.width()
	e.planes = e.planes[:0]
	for p := range width {
		for _, u := range x.u {
			e.planes = append(e.planes, byte(u>>(8*p)))
		}
		for _, u := range x.wide {
			e.planes = append(e.planes, byte(u>>(8*p)))
		}
	}
	head := len(dst)
	dst = append(dst, x.code, byte(x.scale), byte(width))
	dst = binary.AppendVarint(dst, x.base)
	body := len(dst)
	if width > 0 {
		dst = e.z.EncodeAll(e.planes, dst)
	}
	if len(dst)-body >= x.n*width {
		return append(dst[:body], e.planes...)
	}
	dst[head] |= packZstd
	return dst
}

// toInts fills e.ints with v × 10^scale for the least scale at which every
// value comes back bit for bit, or reports that there is none.
func (e *encoder) toInts(v []float64) (scale int, ok bool) {
	for _, f := range v {
		for {
			n := math.RoundToEven(f * powers[scale])
			if math.Abs(n) <= maxExact && math.Float64bits(n/powers[scale]) == math.Float64bits(f) && (n != 0 || !math.Signbit(f)) {
				break
			}
			// A value exact at one scale is exact at every finer one, so
			// those already passed need no second look, only the bound below.
			if scale++; scale > maxScale {
				return 0, false
			}
		}
	}
	e.ints = e.ints[:0]
	for _, f := range v {
		n := math.RoundToEven(f * powers[scale])
		if math.Abs(n) > maxExact || math.Float64bits(n/powers[scale]) != math.Float64bits(f) {
			return 0, false
		}
		e.ints = append(e.ints, int64(n))
	}
	return scale, true
}

// decoder turns bytes back into values. What it returns is valid until its
// next use. Not for concurrent use.
type decoder struct {
	z          *zstd.Decoder
	planes     []byte
	numbers    []uint32
	hundredths []uint16
	floats     []float64
	runs       []run
	meta       []byte
	table      table
	own        decodeSlots

	huffmanTable huff0.Scratch
}

func newDecoder() *decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPoints*8+1<<20))
	if err != nil {
		panic(err) // the options above are constants
	}
	return &decoder{z: z}
}

// column is decoded values: hundredths where all of them are hundredths from 0
// to 100 (and the caller accepts them), else floats.
type column struct {
	hundredths []uint16
	floats     []float64
}

// values decodes n values. With small, it returns hundredths where they
// suffice. shared is the sheet's table, nil where there is none.
func (d *decoder) values(src []byte, n int, small bool, shared *sharedTable) (column, error) {
	if len(src) < 4 {
		return column{}, damaged("values cut short")
	}
	code, scale := src[0]&^packMask, int(src[1])
	if code > codeXOR || scale > maxScale || n < 1 || n > maxPoints {
		return column{}, damaged("values with code %d, scale %d", code, scale)
	}
	switch pack := src[0] & packMask; pack {
	case packPlanes, packZstd:
		return d.planesOf(src[2:], n, small, code, scale, pack == packZstd)
	case packOwn, packShared:
		if code == codeXOR {
			return column{}, damaged("values with code %d as tokens", code)
		}
		base, err := d.tokens(src[2:], n, pack == packOwn, shared)
		if err != nil {
			return column{}, err
		}
		if small && scale <= 2 {
			if h, ok := d.smallNumbers(n, code, scale, base); ok {
				return column{hundredths: h}, nil
			}
		}
		return d.floatsOf(code, scale, base), nil
	case packHuffman, packHuffmanShared:
		if pack == packHuffman {
			shared = nil
		} else if shared == nil || shared.huffman == nil {
			return column{}, damaged("values under a table that is not there")
		}
		return d.huffmanColumn(src[2:], n, small, code, scale, shared)
	default:
		return column{}, damaged("values packed in the way 0x%02x", pack)
	}
}

// floatsOf turns d.numbers into values.
func (d *decoder) floatsOf(code byte, scale int, base int64) column {
	d.floats = resize(d.floats, len(d.numbers))
	for i, u := range d.numbers {
		if code == codeDelta {
			base += int64(u>>1) ^ -int64(u&1)
			d.floats[i] = float64(base) / powers[scale]
		} else {
			d.floats[i] = float64(base+int64(u)) / powers[scale]
		}
	}
	return column{floats: d.floats}
}

// tokens decodes what appendTokens wrote behind code and scale into d.numbers.
func (d *decoder) tokens(src []byte, n int, own bool, shared *sharedTable) (base int64, err error) {
	base, k := binary.Varint(src)
	if k <= 0 || len(src) == k {
		return 0, damaged("values cut short")
	}
	s, ok := splitOf(src[k])
	if !ok {
		return 0, damaged("split 0x%02x", src[k])
	}
	src = src[k+1:]
	slots := &d.own
	if own {
		if src, err = d.table.read(src, tableBits(n), s.direct); err != nil {
			return 0, err
		}
		d.own.load(&d.table, s.direct)
	} else {
		if shared == nil || shared.huffman != nil || s.direct {
			return 0, damaged("values under a table that is not there")
		}
		slots = shared.ready()
	}
	size, src, err := uvarint(src)
	if err != nil {
		return 0, err
	}
	if size > uint64(len(src)) {
		return 0, damaged("tokens of %d bytes in %d", size, len(src))
	}
	d.planes = append(append(d.planes[:0], src...), zeros[:]...)
	d.numbers = resize(d.numbers, n)
	if !decodeRANS(d.numbers, d.planes, int(size), s.low, slots) {
		return 0, damaged("tokens do not come out even")
	}
	return base, nil
}

var zeros [padding]byte

// smallNumbers turns d.numbers into hundredths, and reports whether all of them
// lie from 0 to 100.
func (d *decoder) smallNumbers(n int, code byte, scale int, base int64) ([]uint16, bool) {
	factor := [3]uint32{100, 10, 1}[scale]
	limit := 10000 / factor
	if base < 0 || base > int64(limit) {
		return nil, false
	}
	d.hundredths = resize(d.hundredths, n)
	out, in := d.hundredths, d.numbers[:n]
	at, top := uint32(base), uint32(0)
	if code == codePlain {
		for i, u := range in {
			v := at + u
			top = max(top, v, u)
			out[i] = uint16(v * factor)
		}
		return out, top <= limit
	}
	for i, u := range in {
		at += u>>1 ^ -(u & 1)
		top = max(top, at) // below zero wraps far above the limit
		out[i] = uint16(at * factor)
	}
	return out, top <= limit
}

// planesOf decodes what appendPlanes wrote behind code and scale.
func (d *decoder) planesOf(src []byte, n int, small bool, code byte, scale int, packed bool) (column, error) {
	width := int(src[0])
	base, k := binary.Varint(src[1:])
	if k <= 0 || width > 8 {
		return column{}, damaged("values of width %d", width)
	}
	planes := src[1+k:]
	if packed {
		var err error
		// One byte more than needed tells a payload that is too long.
		if d.planes, err = d.z.DecodeAll(planes, d.planes[:0]); err != nil {
			return column{}, damaged("values do not unpack: %v", err)
		}
		planes = d.planes
	}
	if len(planes) != n*width {
		return column{}, damaged("values take %d bytes, want %d", len(planes), n*width)
	}
	if small && code != codeXOR && scale <= 2 && width <= 2 {
		if h, ok := d.small(planes, n, width, code, scale, base); ok {
			return column{hundredths: h}, nil
		}
	}
	d.floats = resize(d.floats, n)
	var last uint64
	number := base
	for i := range n {
		u := uint64(0)
		for p := range width {
			u |= uint64(planes[p*n+i]) << (8 * p)
		}
		switch code {
		case codeXOR:
			last ^= u
			d.floats[i] = math.Float64frombits(last)
		case codeDelta:
			number += int64(u>>1) ^ -int64(u&1)
			d.floats[i] = float64(number) / powers[scale]
		default:
			d.floats[i] = float64(base+int64(u)) / powers[scale]
		}
	}
	return column{floats: d.floats}, nil
}

// small decodes values of at most two bytes straight into hundredths, and
// reports whether all of them lie from 0 to 100.
func (d *decoder) small(planes []byte, n, width int, code byte, scale int, base int64) ([]uint16, bool) {
	factor := [3]uint32{100, 10, 1}[scale]
	limit := 10000 / factor
	if base < 0 || base > int64(limit) {
		return nil, false
	}
	d.hundredths = resize(d.hundredths, n)
	out := d.hundredths
	at, top := uint32(base), uint32(base)
	switch {
	case width == 0:
		for i := range out {
			out[i] = uint16(at * factor)
		}
	case width == 1 && code == codePlain:
		for i, b := range planes {
			v := at + uint32(b)
			top = max(top, v)
			out[i] = uint16(v * factor)
		}
	case width == 1:
		for i, b := range planes {
			at += uint32(b>>1) ^ -uint32(b&1)
			top = max(top, at) // below zero wraps far above the limit
			out[i] = uint16(at * factor)
		}
	case code == codePlain:
		low, high := planes[:n], planes[n:2*n]
		for i, b := range low {
			v := at + (uint32(b) | uint32(high[i])<<8)
			top = max(top, v)
			out[i] = uint16(v * factor)
		}
	default:
		low, high := planes[:n], planes[n:2*n]
		for i, b := range low {
			u := uint32(b) | uint32(high[i])<<8
			at += u>>1 ^ -(u & 1)
			top = max(top, at)
			out[i] = uint16(at * factor)
		}
	}
	return out, top <= limit
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
