package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"
)

// Values of a chunk or block are coded in one of three ways, whichever is
// smallest for them. All are exact for every float64, bit for bit.
const (
	codePlain  = 0 // whole numbers of 10^-scale, less the least of them
	codeDelta  = 1 // whole numbers of 10^-scale, each less its predecessor, zigzag
	codeXOR    = 2 // float64 bits, each XORed with its predecessor
	codePacked = 0x80
)

// Bounds that keep a damaged or hostile header from asking for memory.
const (
	maxPoints = 1 << 23 // of one piece; a span at one-second steps has 2.4 million
	maxScale  = 6
	maxExact  = 1 << 53 // up to here a float64 holds every whole number
)

var powers = [maxScale + 1]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

var errDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// encoder turns values into bytes; it holds the buffers to do so repeatedly.
// Not for concurrent use.
type encoder struct {
	z          *zstd.Encoder
	ints       []int64
	raw        []uint64
	planes     []byte
	best, next []byte
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

// appendValues appends v: a byte for the code, a byte for the scale, a byte
// for the width, the base as a varint, and the payload up to the end. The
// payload is the values' bytes split into planes, the lowest first, packed by
// zstd where that is smaller.
func (e *encoder) appendValues(dst []byte, v []float64) []byte {
	scale, ok := e.toInts(v)
	if !ok {
		e.raw = e.raw[:0]
		last := uint64(0)
		for _, f := range v {
			bits := math.Float64bits(f)
			e.raw = append(e.raw, bits^last)
			last = bits
		}
		e.next = e.appendCoded(e.next[:0], codeXOR, 0, 0)
		return append(dst, e.next...)
	}
	e.raw = e.raw[:0]
	least := e.ints[0]
	for _, n := range e.ints {
		least = min(least, n)
	}
	for _, n := range e.ints {
		e.raw = append(e.raw, uint64(n-least))
	}
	e.best = e.appendCoded(e.best[:0], codePlain, scale, least)
	if len(v) > 1 {
		last := e.ints[0]
		for i, n := range e.ints {
			d := n - last
			e.raw[i] = uint64(d<<1) ^ uint64(d>>63)
			last = n
		}
		e.next = e.appendCoded(e.next[:0], codeDelta, scale, e.ints[0])
		if len(e.next) < len(e.best) {
			e.best, e.next = e.next, e.best
		}
	}
	return append(dst, e.best...)
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

// appendCoded appends e.raw behind its header.
func (e *encoder) appendCoded(dst []byte, code byte, scale int, base int64) []byte {
	all := uint64(0)
	for _, u := range e.raw {
		all |= u
	}
	width := 0
	for ; all != 0; all >>= 8 {
		width++
	}
	n := len(e.raw)
	e.planes = e.planes[:0]
	for p := range width {
		for _, u := range e.raw {
			e.planes = append(e.planes, byte(u>>(8*p)))
		}
	}
	head := len(dst)
	dst = append(dst, code, byte(scale), byte(width))
	dst = binary.AppendVarint(dst, base)
	body := len(dst)
	if width > 0 {
		dst = e.z.EncodeAll(e.planes, dst)
	}
	if len(dst)-body >= n*width {
		return append(dst[:body], e.planes...)
	}
	dst[head] |= codePacked
	return dst
}

// decoder turns bytes back into values. What it returns is valid until its
// next use. Not for concurrent use.
type decoder struct {
	z          *zstd.Decoder
	planes     []byte
	hundredths []uint16
	floats     []float64
	runs       []run
	meta       []byte
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

// values decodes n values. With small, it returns hundredths where they suffice.
func (d *decoder) values(src []byte, n int, small bool) (column, error) {
	if len(src) < 4 {
		return column{}, damaged("values cut short")
	}
	code, scale, width := src[0]&^codePacked, int(src[1]), int(src[2])
	packed := src[0]&codePacked != 0
	base, k := binary.Varint(src[3:])
	if k <= 0 || code > codeXOR || scale > maxScale || width > 8 || n < 1 || n > maxPoints {
		return column{}, damaged("values with code %d, scale %d, width %d", code, scale, width)
	}
	planes := src[3+k:]
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

// run is instants at one spacing: t, t+step, …, n of them.
type run struct {
	t int64
	n int
}

// appendTimes appends ascending instants: the first, the commonest spacing,
// and only where the spacing differs, after how many instants and by how much.
func appendTimes(dst []byte, times []int64) []byte {
	step := commonStep(times)
	dst = binary.AppendUvarint(dst, uint64(times[0]))
	dst = binary.AppendUvarint(dst, uint64(step))
	breaks := 0
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] != step {
			breaks++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(breaks))
	since := 0
	for i := 1; i < len(times); i++ {
		since++
		if extra := times[i] - times[i-1] - step; extra != 0 {
			dst = binary.AppendUvarint(dst, uint64(since))
			dst = binary.AppendVarint(dst, extra)
			since = 0
		}
	}
	return dst
}

// commonStep is the majority spacing if there is one, else one that occurs;
// 1 for a single instant.
func commonStep(times []int64) int64 {
	step, votes := int64(1), 0
	for i := 1; i < len(times); i++ {
		switch d := times[i] - times[i-1]; {
		case votes == 0:
			step, votes = d, 1
		case d == step:
			votes++
		default:
			votes--
		}
	}
	return step
}

// times decodes n instants into runs and returns what follows them.
func (d *decoder) times(src []byte, n int) (runs []run, step int64, rest []byte, err error) {
	first, src, err1 := uvarint(src)
	spacing, src, err2 := uvarint(src)
	breaks, src, err3 := uvarint(src)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, 0, nil, err
	}
	if first > maxTime || spacing == 0 || spacing > maxTime || breaks >= uint64(n) {
		return nil, 0, nil, damaged("instants from %d every %d s with %d breaks", first, spacing, breaks)
	}
	step = int64(spacing)
	d.runs = append(d.runs[:0], run{t: int64(first)})
	left, end := n, int64(first)
	for range breaks {
		var since uint64
		if since, src, err = uvarint(src); err != nil {
			return nil, 0, nil, err
		}
		extra, k := binary.Varint(src)
		// The break lies between two instants: at least one before, one after.
		if k <= 0 || since == 0 || since >= uint64(left) || extra > maxTime || step+extra <= 0 {
			return nil, 0, nil, damaged("instants break after %d by %d s", since, extra)
		}
		src = src[k:]
		r := &d.runs[len(d.runs)-1]
		r.n = int(since)
		left -= r.n
		end = r.t + int64(r.n)*step + extra
		if end > maxTime {
			return nil, 0, nil, damaged("instant %d", end)
		}
		d.runs = append(d.runs, run{t: end})
	}
	d.runs[len(d.runs)-1].n = left
	if end+int64(left-1)*step > maxTime {
		return nil, 0, nil, damaged("instant %d", end+int64(left-1)*step)
	}
	return d.runs, step, src, nil
}

func uvarint(src []byte) (uint64, []byte, error) {
	v, k := binary.Uvarint(src)
	if k <= 0 {
		return 0, nil, damaged("number cut short")
	}
	return v, src[k:], nil
}
