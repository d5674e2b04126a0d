package history

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Tokens are coded with range asymmetric numeral systems (Duda, "Asymmetric
// numeral systems", arXiv 1311.2540): close to the entropy, and decoded by one
// table look-up and one multiplication a token. Frequencies are of 2^tableBits;
// a state is 32 bits and takes in 16 at a time; several states are interleaved
// over one stream so that their look-ups overlap.
const (
	maxTableBits = 12
	slots        = 1 << maxTableBits
	stateLow     = 1 << 16 // states lie from here to 2^32
	maxLanes     = 4
)

// shortColumn is the length from which a column is coded with all slots and all
// states: a shorter one is read sooner with fewer.
const shortColumn = 2048

// tableBits is how fine the frequencies of a column's own table are.
func tableBits(n int) uint {
	if n < shortColumn {
		return 10
	}
	return maxTableBits
}

// lanes is how many states n tokens are coded with: each costs about two
// bytes, which few tokens do not carry.
func lanes(n int) int { // a power of two
	if n < shortColumn {
		return 2
	}
	return maxLanes
}

// table is the frequencies of tokens, in ascending order of token.
type table struct {
	bits   uint
	tokens []uint16
	freqs  []uint16 // each at least 1, 2^bits in all
}

// normalize turns counts, by token, into frequencies that sum to 2^bits, every
// token that occurs getting at least one. At most as many tokens may occur.
func (t *table) normalize(counts []uint32, bits uint) {
	t.bits, t.tokens, t.freqs = bits, t.tokens[:0], t.freqs[:0]
	slots := 1 << bits
	total := uint64(0)
	for _, c := range counts {
		total += uint64(c)
	}
	sum, top := 0, 0
	for token, c := range counts {
		if c == 0 {
			continue
		}
		f := max(1, int((uint64(c)<<bits+total/2)/total))
		t.tokens, t.freqs = append(t.tokens, uint16(token)), append(t.freqs, uint16(f))
		if f > int(t.freqs[top]) {
			top = len(t.freqs) - 1
		}
		sum += f
	}
	// What rounding gave too much or too little is taken from the frequent.
	for sum != slots {
		d := slots - sum
		if d < 0 {
			for i, f := range t.freqs {
				if f > t.freqs[top] {
					top = i
				}
			}
			d = max(d, -int(t.freqs[top]/8)-1)
			d = max(d, 1-int(t.freqs[top]))
		}
		t.freqs[top] = uint16(int(t.freqs[top]) + d)
		sum += d
	}
}

// bytes estimates what the table takes when it is written.
func tableBytes(tokens int) int { return 2 + tokens*5/4 }

// append writes the table as bits: per token the distance to the one before
// and the frequency, each in Elias' gamma code.
func (t *table) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(t.tokens)))
	var w bitWriter
	w.dst = dst
	next := 0
	for i, token := range t.tokens {
		w.gamma(uint32(int(token)-next) + 1)
		w.gamma(uint32(t.freqs[i]))
		next = int(token) + 1
	}
	return w.flush()
}

// read reads a table and returns what follows it.
func (t *table) read(src []byte, bits uint, direct bool) ([]byte, error) {
	t.bits = bits
	slots, limit := 1<<bits, gradedMax
	if direct {
		limit = maxTokens
	}
	n, src, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	if n == 0 || n > uint64(slots) || n > uint64(len(src))*8 {
		return nil, damaged("table of %d tokens", n)
	}
	t.tokens, t.freqs = t.tokens[:0], t.freqs[:0]
	r := bitReader{src: src}
	next, sum := 0, 0
	for range n {
		gap, f := r.gamma(), r.gamma()
		token := next + int(gap) - 1
		if gap == 0 || f == 0 || token >= limit || f > uint32(slots) {
			return nil, damaged("table with token %d of frequency %d", token, f)
		}
		t.tokens, t.freqs = append(t.tokens, uint16(token)), append(t.freqs, uint16(f))
		next = token + 1
		sum += int(f)
	}
	if sum != slots || r.at > len(src)*8 {
		return nil, damaged("table of frequency %d, want %d", sum, slots)
	}
	return src[(r.at+7)/8:], nil
}

// log2 of small numbers, which is asked for often.
func log2(n uint32) float64 {
	if n < uint32(len(logs)) {
		return logs[n]
	}
	return math.Log2(float64(n))
}

var logs = func() (l [slots + 1]float64) {
	for i := 1; i < len(l); i++ {
		l[i] = math.Log2(float64(i))
	}
	return l
}()

// encodeSlots is a table made ready for encoding: by token its frequency and
// where its slots begin.
type encodeSlots struct {
	bits        uint
	freq, start [maxTokens]uint16
}

func (e *encodeSlots) load(t *table) {
	at := uint16(0)
	e.bits = t.bits
	for i, token := range t.tokens {
		e.freq[token], e.start[token] = t.freqs[i], at
		at += t.freqs[i]
	}
}

// decodeSlots is a table made ready for decoding: for each slot, packed, the
// token's frequency (13 bits), the slot's distance from the token's first (12),
// how many raw bits follow the token (6), and the least number it stands for
// (32).
type decodeSlots struct {
	bits  uint
	slots [slots]uint64
}

func (d *decodeSlots) load(t *table, direct bool) {
	at := 0
	d.bits = t.bits
	for i, token := range t.tokens {
		least, raw := tokenRange(uint32(token), direct)
		f := int(t.freqs[i])
		entry := uint64(least)<<32 | uint64(raw)<<25 | uint64(f)
		for k := range f {
			d.slots[at+k] = entry | uint64(k)<<13
		}
		at += f
	}
}

// appendRANS appends tokens under e.slots: the states, then the words in the
// order of decoding.
func (e *encoder) appendRANS(dst []byte, tokens []uint16) []byte {
	var x [maxLanes]uint32
	n := lanes(len(tokens))
	for i := range x {
		x[i] = stateLow
	}
	words := e.words[:0]
	for i := len(tokens) - 1; i >= 0; i-- {
		s := &x[i&(n-1)]
		f, start := uint32(e.slots.freq[tokens[i]]), uint32(e.slots.start[tokens[i]])
		if uint64(*s) >= uint64(f)<<(32-e.slots.bits) {
			words = append(words, uint16(*s))
			*s >>= 16
		}
		*s = *s/f<<e.slots.bits + *s%f + start
	}
	e.words = words
	for _, s := range x[:n] {
		dst = binary.LittleEndian.AppendUint32(dst, s)
	}
	for i := len(words) - 1; i >= 0; i-- {
		dst = binary.LittleEndian.AppendUint16(dst, words[i])
	}
	return dst
}

// padding is how many bytes decodeRANS may read behind its input, to do
// without a check for each token.
const padding = 40

// decodeRANS fills out with numbers: each token's least, shifted by low, plus
// its raw bits and low more. src holds the states, then words of 16 bits, then
// from byte rawAt the raw bits, then padding. It returns false where words or
// raw bits do not come out even.
func decodeRANS(out []uint32, src []byte, rawAt int, low uint, d *decodeSlots) bool {
	var x [maxLanes]uint32
	n := lanes(len(out))
	if 4*n > rawAt {
		return false
	}
	for i := range n {
		x[i] = binary.LittleEndian.Uint32(src[4*i:])
	}
	words, raw := src[4*n:], src[rawAt:]
	wordsEnd, rawEnd := rawAt-4*n, uint(len(raw)-padding)*8
	at, bit, i := 0, uint(0), 0
	low &= 15
	mask := uint32(1<<d.bits-1) % slots
	if n == maxLanes {
		x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
		for ; i+maxLanes <= len(out) && at <= wordsEnd && bit <= rawEnd; i += maxLanes {
			o := out[i : i+4 : i+4]
			w := binary.LittleEndian.Uint64(words[at : at+8]) // more than four states can take in
			e0, e1, e2, e3 := d.slots[x0&mask], d.slots[x1&mask], d.slots[x2&mask], d.slots[x3&mask]
			c0, c1, c2, c3 := rawBits(e0, low), rawBits(e1, low), rawBits(e2, low), rawBits(e3, low)
			o[0] = uint32(e0>>32)<<low + bitsAt(raw, bit, c0)
			bit += c0
			o[1] = uint32(e1>>32)<<low + bitsAt(raw, bit, c1)
			bit += c1
			o[2] = uint32(e2>>32)<<low + bitsAt(raw, bit, c2)
			bit += c2
			o[3] = uint32(e3>>32)<<low + bitsAt(raw, bit, c3)
			bit += c3
			x0, x1, x2, x3 = next(e0, x0, d.bits), next(e1, x1, d.bits), next(e2, x2, d.bits), next(e3, x3, d.bits)
			m := starved(x0)
			x0 = x0<<(m&16) | uint32(w)&0xffff&m
			used := m & 16
			m = starved(x1)
			x1 = x1<<(m&16) | uint32(w>>(used&63))&0xffff&m
			used += m & 16
			m = starved(x2)
			x2 = x2<<(m&16) | uint32(w>>(used&63))&0xffff&m
			used += m & 16
			m = starved(x3)
			x3 = x3<<(m&16) | uint32(w>>(used&63))&0xffff&m
			at += int(used+m&16) / 8
		}
		x = [maxLanes]uint32{x0, x1, x2, x3}
	}
	for ; i < len(out) && at <= wordsEnd && bit <= rawEnd; i++ {
		s := &x[i&(n-1)]
		entry := d.slots[*s&mask]
		count := rawBits(entry, low)
		out[i] = uint32(entry>>32)<<low + bitsAt(raw, bit, count)
		bit += count
		*s = next(entry, *s, d.bits)
		m := starved(*s)
		*s = *s<<(m&16) | uint32(binary.LittleEndian.Uint16(words[at:at+2]))&m
		at += int(m & 2)
	}
	for _, s := range x[:n] {
		if s != stateLow {
			return false
		}
	}
	return i == len(out) && at == wordsEnd && (bit+7)/8 == rawEnd/8
}

// rawBits is how many raw bits follow the token of an entry.
func rawBits(entry uint64, low uint) uint { return uint(entry>>25&63) + low }

// bitsAt reads n bits, at most 57.
func bitsAt(raw []byte, bit, n uint) uint32 {
	return uint32(binary.LittleEndian.Uint64(raw[bit>>3:]) >> (bit & 7) & (1<<(n&63) - 1))
}

// next is the state behind x, whose slot has the entry.
func next(entry uint64, x uint32, bits uint) uint32 {
	return uint32(entry&0x1fff)*(x>>(bits&31)) + uint32(entry>>13&0xfff)
}

// starved is all ones for a state that must take in a word, else zero: what
// depends on it needs no branch, which would be guessed wrong half of the time.
func starved(x uint32) uint32 { return uint32(int32(x>>16-1) >> 31) }

// bitWriter appends bits, the lowest first.
type bitWriter struct {
	dst  []byte
	acc  uint64
	held uint
}

// put appends the low n bits of v, at most 32.
func (w *bitWriter) put(v uint32, n uint) {
	w.acc |= (uint64(v) & (1<<n - 1)) << w.held
	w.held += n
	for w.held >= 32 {
		w.dst = binary.LittleEndian.AppendUint32(w.dst, uint32(w.acc))
		w.acc >>= 32
		w.held -= 32
	}
}

// gamma appends v, at least 1, in Elias' gamma code.
func (w *bitWriter) gamma(v uint32) {
	n := uint(bits.Len32(v)) - 1
	w.put(1<<n, n+1)
	w.put(v, n)
}

func (w *bitWriter) flush() []byte {
	for ; w.held > 0; w.held -= min(8, w.held) {
		w.dst = append(w.dst, byte(w.acc))
		w.acc >>= 8
	}
	return w.dst
}

// bitReader reads what bitWriter wrote; beyond the end come zeros, and at
// passes the end.
type bitReader struct {
	src []byte
	at  int // in bits
}

func (r *bitReader) get(n int) uint32 {
	v := uint32(0)
	for i := range n {
		if k := r.at + i; k/8 < len(r.src) {
			v |= uint32(r.src[k/8]>>(k%8)&1) << i
		}
	}
	r.at += n
	return v
}

// gamma returns 0 where there is no number.
func (r *bitReader) gamma() uint32 {
	n := 0
	for r.get(1) == 0 {
		if n++; n > 16 {
			return 0
		}
	}
	return 1<<n | r.get(n)
}
