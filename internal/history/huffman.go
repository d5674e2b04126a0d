package history

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/klauspost/compress/huff0"
)

// Columns are read soonest under Huffman's code, for which a kept library has
// decoders in the assembly of several machines. Its alphabet is bytes: of a
// number's distance from a floor the lowest bits, which are noise, are kept as
// they are, and what is left is a token. One token is an escape, behind which
// the few numbers lie that are too far away.
//
// Tokens and low bits are laid out so that the numbers of eight samples are put
// together in two words of four places of 16 bits each.
const (
	escape      = math.MaxUint8
	maxHuffman  = huff0.BlockSizeMax - laneGroup // numbers of a column
	fourStreams = 512                            // from so many on, four streams are read at once, for about 9 bytes more
	laneGroup   = 8                              // numbers in two words

	ones  = 0x0001_0001_0001_0001
	evens = 0x00ff_00ff_00ff_00ff

	// hundredthsFlag, in the byte of low bits, says that all values are hundredths
	// from 0 to 100.
	hundredthsFlag = 0x80
)

// lowChoices are how many low bits there may be: a place then holds a whole
// number of them.
var lowChoices = [...]uint{0, 1, 2, 4, 8}

// slack is by how much a column may be larger under Huffman's code than under
// one with fractions of bits, which takes several times as long to read
// (BenchmarkDecode).
const slack = 1.04

// bytewise says how a column's numbers become tokens of a byte.
type bytewise struct {
	low    uint
	floor  int64
	bytes  float64 // tokens at their entropy, low bits, and what lies beyond escape; without the table
	rest   float64 // of bytes, all but the tokens
	tokens int     // distinct ones
}

// unfit stands for a column that Huffman's code does not suit.
var unfit = bytewise{bytes: math.Inf(1)}

// token is the token of a number, and what is to be added to escape, if it is one.
func (b bytewise) token(number int64) (token byte, beyond int64) {
	t := (number - b.floor) >> b.low
	if uint64(t) >= escape {
		return escape, t - escape
	}
	return byte(t), 0
}

// number is the whole number that u, of a column with the code, stands for.
func number(code byte, u uint32) int64 {
	if code == codeDelta {
		return int64(u>>1) ^ -int64(u&1)
	}
	return int64(u)
}

// histogram counts tokens, given the distinct numbers, and what lies beyond
// escapes takes, in bytes.
func (c *counter) histogram(code byte, b bytewise) (counts *[escape + 1]uint32, beyond int) {
	counts = &c.byByte
	clear(counts[:])
	for i, u := range c.distinct {
		token, more := b.token(number(code, u))
		if token == escape {
			beyond += int(c.counts[i]) * varintBytes(more)
		}
		counts[token] += c.counts[i]
	}
	return counts, beyond
}

func varintBytes(v int64) int {
	return (bits.Len64(uint64(v<<1)^uint64(v>>63)|1) + 6) / 7
}

// measure completes b, given the distinct numbers of n.
func (c *counter) measure(code byte, n int, b bytewise) bytewise {
	counts, beyond := c.histogram(code, b)
	b.rest = float64(beyond + lowBytes(n, b.low))
	sum := 0.0
	for _, k := range counts {
		if k > 0 {
			b.tokens++
			sum += float64(k) * log2(k)
		}
	}
	b.bytes = (float64(n)*math.Log2(float64(n))-sum)/8 + b.rest
	return b
}

// bytewise sets x.coarse and x.alike, given the distinct numbers.
func (c *counter) bytewise(x *numbers) {
	least, most, sum := int64(math.MaxInt64), int64(math.MinInt64), int64(0)
	for i, u := range c.distinct {
		v := number(x.code, u)
		least, most = min(least, v), max(most, v)
		sum += v * int64(c.counts[i])
	}
	mean := sum / int64(x.n)
	like := x.scaleOf()
	for _, low := range lowChoices {
		span := int64(escape) << low
		b := bytewise{low: low, floor: least}
		if most-least >= span {
			b.floor = max(least, mean-span/2)
		}
		if b = c.measure(x.code, x.n, b); b.whole() < x.coarse.whole() {
			x.coarse = b
		}
		if low <= like {
			x.alike = bytewise{low: low}
		}
	}
	if x.code == codeDelta {
		x.alike.floor = -(escape / 2) << x.alike.low // all have their zeros in one place
	}
	x.alike = c.measure(x.code, x.n, x.alike)
	x.counts = c.byByte
}

// whole is the bytes with a table of its own, about: whole bits cost a little
// more than the entropy.
func (b bytewise) whole() float64 { return b.bytes*1.003 + float64(b.tokens)/2 + 8 }

// fair is the bytes that the tokens would cost under a table that was not made
// of themselves: few samples look more orderly than what they are drawn of. The
// correction is Miller's (1955), half a nat a token.
func (b bytewise) fair() float64 { return b.bytes + float64(b.tokens)*math.Log2E/16 }

// lowBytes is how many bytes the low bits of n numbers take.
func lowBytes(n int, low uint) int {
	if low == 0 {
		return 0
	}
	return (n*int(low) + 63) / 64 * 8
}

// padded is n and what is missing to whole groups.
func padded(n int) int { return (n + laneGroup - 1) / laneGroup * laneGroup }

// tokenAt is where the token of the i-th number lies: a word of eight then has
// the first four numbers in the even bytes.
func tokenAt(i int) int { return i&^7 + i&3*2 + i>>2&1 }

// lowAt is in which word, and from which bit on, the low bits of the i-th number
// lie: in its place, above those of the number four before.
func lowAt(i int, low uint) (word int, bit uint) {
	each := 6 - bits.TrailingZeros(low) // two to the power of this are the numbers of a word
	return i >> each, uint(i&3)*16 + uint(i&(1<<each-1)>>2)*low
}

// appendHuffman appends, behind code and scale, the base as a varint, a byte for
// the low bits, the floor as a varint, the length of what is coded as a varint,
// the table if it is the column's own, the tokens (as in zstd, in one stream or
// four), the low bits, and what is to be added to escapes as varints. It reports
// false, having appended nothing, where the code gains nothing.
func (e *encoder) appendHuffman(dst []byte, x *numbers, pack byte, b bytewise) ([]byte, bool) {
	e.planes = resize(e.planes, padded(x.n))
	e.low = resize(e.low, lowBytes(x.n, b.low)/8)
	clear(e.low)
	e.beyond = e.beyond[:0]
	padding := byte(0) // one that the table has, if any
	for i, u := range x.u {
		v := number(x.code, u)
		token, beyond := b.token(v)
		if token == escape {
			e.beyond = binary.AppendVarint(e.beyond, beyond)
		} else {
			padding = token
		}
		e.planes[tokenAt(i)] = token
		if b.low > 0 {
			word, bit := lowAt(i, b.low)
			e.low[word] |= uint64(v-b.floor) & (1<<b.low - 1) << bit
		}
	}
	for i := x.n; i < len(e.planes); i++ {
		e.planes[tokenAt(i)] = padding
	}
	scratch := &e.huffman
	scratch.Reuse = huff0.ReusePolicyNone
	if pack == packHuffmanShared {
		scratch = &e.common
		scratch.Reuse = huff0.ReusePolicyMust
	}
	compress := huff0.Compress1X
	if x.n >= fourStreams {
		compress = huff0.Compress4X
	}
	coded, _, err := compress(e.planes, scratch)
	if err != nil {
		return dst, false
	}
	dst = append(dst, x.code|pack, byte(x.scale))
	dst = binary.AppendVarint(dst, x.base)
	flag := byte(0)
	if x.hundredths {
		flag = hundredthsFlag
	}
	dst = append(dst, byte(b.low)|flag)
	dst = binary.AppendVarint(dst, b.floor)
	dst = binary.AppendUvarint(dst, uint64(len(coded)))
	dst = append(dst, coded...)
	for _, word := range e.low {
		dst = binary.LittleEndian.AppendUint64(dst, word)
	}
	return append(dst, e.beyond...), true
}

// huffman is a column under Huffman's code, its tokens decoded. What it holds is
// valid until the decoder's next use.
type huffman struct {
	tokens  []byte // a multiple of laneGroup
	lowBits []byte
	beyond  []byte
	low     uint
	small   bool // has hundredthsFlag
	base    int64
	floor   int64
}

// huffmanColumn decodes n values that appendHuffman wrote behind code and scale.
// shared is the sheet's table; nil: the column brings its own.
func (d *decoder) huffmanColumn(src []byte, n int, small bool, code byte, scale int, shared *sharedTable) (column, error) {
	if code == codeXOR {
		return column{}, damaged("values with code %d as tokens", code)
	}
	h, err := d.huffman(src, n, shared)
	if err != nil {
		return column{}, err
	}
	if small && scale <= 2 && h.small {
		d.hundredths = resize(d.hundredths, padded(n))
		err := h.hundredths(d.hundredths, n, code, [3]uint64{100, 10, 1}[scale])
		return column{hundredths: d.hundredths[:n]}, err
	}
	d.floats = resize(d.floats, n)
	return column{floats: d.floats}, h.floats(d.floats, code, scale)
}

// huffman decodes the tokens.
func (d *decoder) huffman(src []byte, n int, shared *sharedTable) (h huffman, err error) {
	base, k := binary.Varint(src)
	if k <= 0 || len(src) == k || n > maxHuffman {
		return h, damaged("%d values cut short", n)
	}
	h.base, h.low, h.small = base, uint(src[k]&^hundredthsFlag), src[k]&hundredthsFlag != 0
	if h.low > 8 || h.low&(h.low-1) != 0 {
		return h, damaged("%d low bits", h.low)
	}
	src = src[k+1:]
	if h.floor, k = binary.Varint(src); k <= 0 {
		return h, damaged("floor %d", h.floor)
	}
	size, src, err := uvarint(src[k:])
	if err != nil {
		return h, err
	}
	low := lowBytes(n, h.low)
	if size > uint64(len(src)) || len(src)-int(size) < low {
		return h, damaged("tokens of %d bytes and low bits of %d in %d", size, low, len(src))
	}
	coded := src[:size]
	h.lowBits, h.beyond = src[size:][:low], src[int(size)+low:]
	var table *huff0.Decoder
	if shared != nil {
		table = shared.huffman
	} else {
		own, streams, err := huff0.ReadTable(coded, &d.huffmanTable)
		if err != nil {
			return h, damaged("table: %v", err)
		}
		table, coded = own.Decoder(), streams
	}
	whole := padded(n)
	d.planes = resize(d.planes, whole)
	if n >= fourStreams {
		h.tokens, err = table.Decompress4X(d.planes[:whole:whole], coded)
	} else {
		h.tokens, err = table.Decompress1X(d.planes[:0:whole], coded)
	}
	if err != nil || len(h.tokens) != whole {
		return h, damaged("%d tokens of %d: %v", len(h.tokens), whole, err)
	}
	return h, nil
}

// floats fills out with the values, of whole numbers of 10^-scale.
func (h *huffman) floats(out []float64, code byte, scale int) error {
	at, beyond, power := h.base, h.beyond, powers[scale]
	for i := 0; i < len(out); i += laneGroup {
		tokens := binary.LittleEndian.Uint64(h.tokens[i:])
		halves := [2]uint64{tokens & evens << h.low, tokens >> 8 & evens << h.low}
		if h.low > 0 {
			word, bit := lowAt(i, h.low)
			bits, mask := binary.LittleEndian.Uint64(h.lowBits[8*word:])>>bit, (uint64(1)<<h.low-1)*ones
			halves[0] += bits & mask
			halves[1] += bits >> h.low & mask
		}
		for k := range min(laneGroup, len(out)-i) {
			v := int64(halves[k>>2] >> (k & 3 * 16) & math.MaxUint16)
			if h.tokens[i+tokenAt(k)] == escape {
				more, n := binary.Varint(beyond)
				if n <= 0 {
					return damaged("number beyond the escape")
				}
				v, beyond = v+more<<h.low, beyond[n:]
			}
			if v += h.floor + at; code == codeDelta {
				at = v
			}
			out[i+k] = float64(v) / power
		}
	}
	if len(beyond) != 0 {
		return damaged("%d bytes behind the numbers", len(beyond))
	}
	return nil
}

// hundredths fills out with the values of a column that has the flag: numbers of
// so many hundredths each, plain or differences. out has places for whole groups;
// what lies behind the n-th means nothing.
func (h *huffman) hundredths(out []uint16, n int, code byte, factor uint64) error {
	w := h.words(code, factor)
	whole := n / laneGroup * laneGroup
	for i := 0; i < n; i += laneGroup {
		if i < whole {
			end := whole
			if k := bytes.IndexByte(h.tokens[i:whole], escape); k >= 0 {
				end = i + k/laneGroup*laneGroup
			}
			w.fill(out, i, end)
			i = end
		}
		if i < n && !w.one(out[i:min(i+laneGroup, n)], i) {
			return damaged("number beyond the escape")
		}
	}
	if w.over&(ones<<15) != 0 {
		return damaged("values above 100 among hundredths")
	}
	if len(h.beyond) != 0 {
		return damaged("%d bytes behind the numbers", len(h.beyond))
	}
	return nil
}

// words puts hundredths together in words of four, the first lowest, all four at
// once. All that is done to them is adding and multiplying, so that a word
// is right as one number of 64 bits, and with it each place, if only the values in
// the end fit their places, which the flag promises.
type words struct {
	*huffman
	delta  bool
	factor uint64 // of numbers to hundredths
	at     uint64 // the value before, or what all have in common
	more   uint64 // what each difference is more than its token and low bits
	over   uint64 // has the highest bit of a place set if a value was above 100
}

// room is how far 100 is, in each place, from the highest bit.
const room = (1<<15 - 10001) * ones

func (h *huffman) words(code byte, factor uint64) words {
	if code == codeDelta {
		return words{huffman: h, delta: true, factor: factor, at: uint64(h.base) * factor, more: uint64(h.floor) * factor}
	}
	return words{huffman: h, factor: factor, at: uint64(h.base+h.floor) * factor}
}

// fill puts together the values from first up to end, whole groups without
// escapes.
func (w *words) fill(out []uint16, first, end int) {
	if w.delta {
		w.differences(out[first:end], w.tokens[first:end], uint(first))
	} else {
		w.plain(out[first:end], w.tokens[first:end], uint(first))
	}
}

// differences puts together values of which each is more than the one before by
// a token and its low bits: multiplying by ones adds to each place all places
// below. Such sums may be negative, so bias keeps each place up until the value
// before is added. That this comes last lets the words be worked on beside each other.
func (w *words) differences(values []uint16, tokens []byte, first uint) {
	const bias = 1 << 15
	low, lowBits := w.low&15, w.lowBits[:len(w.lowBits)&^7]
	pos := first / laneGroup * 2 * low // of a place's low bits in all words of them, from the lowest
	shift, mask := uint64(1)<<low, (uint64(1)<<low-1)*ones
	each, floor, at, over := w.factor*ones, w.more*(1|2<<16|3<<32|4<<48)+bias*ones, w.at-bias, w.over
	for i := 0; i < len(tokens)-7 && i < len(values)-7; i += laneGroup {
		bits := uint64(0)
		if k := pos >> 4 << 3; k < uint(len(lowBits)) {
			bits = binary.LittleEndian.Uint64(lowBits[k:k+8]) >> (pos & 15)
		}
		pos += 2 * low
		t := binary.LittleEndian.Uint64(tokens[i : i+8])
		a := (t&evens*shift+bits&mask)*each + floor
		b := (t>>8&evens*shift+bits>>low&mask)*each + floor
		next := at + a>>48 - bias
		a += at * ones
		at = next + b>>48 - bias
		b += next * ones
		over |= a | (a + room) | b | (b + room)
		o := values[i : i+8]
		store4(o[:4], a)
		store4(o[4:], b)
	}
	w.at, w.over = at+bias, over
}

// plain puts together values that stand for themselves.
func (w *words) plain(values []uint16, tokens []byte, first uint) {
	low, lowBits := w.low&15, w.lowBits[:len(w.lowBits)&^7]
	pos := first / laneGroup * 2 * low // of a place's low bits in all words of them, from the lowest
	shift, mask := w.factor<<low, (uint64(1)<<low-1)*ones
	at, factor, over := w.at*ones, w.factor, w.over
	for i := 0; i < len(tokens)-7 && i < len(values)-7; i += laneGroup {
		bits := uint64(0)
		if k := pos >> 4 << 3; k < uint(len(lowBits)) {
			bits = binary.LittleEndian.Uint64(lowBits[k:k+8]) >> (pos & 15)
		}
		pos += 2 * low
		t := binary.LittleEndian.Uint64(tokens[i : i+8])
		a := t&evens*shift + bits&mask*factor + at
		b := t>>8&evens*shift + bits>>low&mask*factor + at
		over |= a | (a + room) | b | (b + room)
		o := values[i : i+8]
		store4(o[:4], a)
		store4(o[4:], b)
	}
	w.over = over
}

// one puts together a group that begins with the i-th number, or what there is of
// it, each number for itself. It reports whether escapes have what belongs to them.
func (w *words) one(out []uint16, i int) bool {
	for k := range out {
		v := uint64(w.tokens[i+tokenAt(k)]) << w.low
		if w.low > 0 {
			word, bit := lowAt(i+k, w.low)
			v += binary.LittleEndian.Uint64(w.lowBits[8*word:]) >> bit & (1<<w.low - 1)
		}
		if w.tokens[i+tokenAt(k)] == escape {
			more, n := binary.Varint(w.beyond)
			if n <= 0 {
				return false
			}
			v, w.beyond = v+uint64(more)<<w.low, w.beyond[n:]
		}
		if v = v*w.factor + w.more + w.at; w.delta {
			w.at = v
		}
		if v > 10000 {
			w.over = 1 << 15
		}
		out[k] = uint16(v)
	}
	return true
}

func store4(x []uint16, v uint64) {
	_ = x[3]
	x[0], x[1], x[2], x[3] = uint16(v), uint16(v>>16), uint16(v>>32), uint16(v>>48)
}
