package history

import (
	"math"
	"math/bits"
	"slices"
)

// numbers is a column turned into whole numbers, and how they are best coded
// as tokens.
type numbers struct {
	n     int
	code  byte
	scale int
	base  int64
	u     []uint32 // the numbers, or
	wide  []uint64 // where 32 bits do not hold them all

	hundredths bool // all values are hundredths from 0 to 100

	own    choice             // smallest under frequencies of its own
	coarse bytewise           // smallest under Huffman's code with a table of its own
	alike  bytewise           // for a table that columns share: coarse enough for all to look alike
	counts [escape + 1]uint32 // of alike's tokens
}

// choice is a split and what it costs.
type choice struct {
	split
	bytes  float64 // tokens at their entropy, and raw bits; without the table
	tokens int     // distinct ones
}

// width is how many bytes the greatest number needs.
func (x *numbers) width() int {
	all := uint64(0)
	for _, u := range x.u {
		all |= uint64(u)
	}
	for _, u := range x.wide {
		all |= u
	}
	return (bits.Len64(all) + 7) / 8
}

// analyse turns v into numbers, plain or delta, whichever packs smaller; always
// plain where v is no sequence, of which one value tells of the next.
func (e *encoder) analyse(x *numbers, v []float64, sequence bool) {
	x.n, x.u, x.wide, x.base = len(v), x.u[:0], x.wide[:0], 0
	x.coarse, x.alike, x.own = unfit, unfit, choice{bytes: math.Inf(1)}
	var ok bool
	if x.scale, ok = e.toInts(v); !ok {
		x.code, x.scale = codeXOR, 0
		last := uint64(0)
		for _, f := range v {
			b := math.Float64bits(f)
			x.wide = append(x.wide, b^last)
			last = b
		}
		return
	}
	least, most := slices.Min(e.ints), slices.Max(e.ints)
	if most-least >= 1<<31 { // a difference may need a bit more
		e.analyseWide(x, least)
		return
	}
	x.code, x.base = codePlain, least
	x.hundredths = x.scale <= 2 && least >= 0 && float64(most)/powers[x.scale] <= 100
	for _, n := range e.ints {
		x.u = append(x.u, uint32(n-least))
	}
	e.counter.choose(x)
	if !sequence || len(v) == 1 || least == most {
		return
	}
	y := &e.other
	y.n, y.u, y.wide, y.code, y.scale, y.base = len(v), y.u[:0], y.wide[:0], codeDelta, x.scale, e.ints[0]
	y.hundredths = x.hundredths
	last := e.ints[0]
	for _, n := range e.ints {
		d := int32(n - last)
		y.u = append(y.u, uint32(d<<1)^uint32(d>>31))
		last = n
	}
	e.counter.choose(y)
	if y.size() < x.size() {
		*x, *y = *y, *x
	}
}

// size compares the ways to make numbers. A short column will likely share a
// table, a long one likely has its own.
func (x *numbers) size() float64 {
	return min(x.ownBytes(), x.coarse.whole(), x.alike.fair())
}

// ownBytes is what the column takes under frequencies of its own.
func (x *numbers) ownBytes() float64 {
	return x.own.bytes + float64(tableBytes(x.own.tokens))
}

// analyseWide is for numbers beyond 32 bits, which are only packed as planes.
func (e *encoder) analyseWide(x *numbers, least int64) {
	var plain, delta uint64
	last := e.ints[0]
	for _, n := range e.ints {
		d := n - last
		plain, delta = plain|uint64(n-least), delta|(uint64(d<<1)^uint64(d>>63))
		last = n
	}
	if bits.Len64(plain) <= bits.Len64(delta) {
		x.code, x.base = codePlain, least
		for _, n := range e.ints {
			x.wide = append(x.wide, uint64(n-least))
		}
		return
	}
	x.code, x.base = codeDelta, e.ints[0]
	last = e.ints[0]
	for _, n := range e.ints {
		d := n - last
		x.wide = append(x.wide, uint64(d<<1)^uint64(d>>63))
		last = n
	}
}

// counter counts numbers and tokens; it holds the buffers to do so repeatedly.
type counter struct {
	byNumber [1 << 16]uint32 // zero between uses
	sorted   []uint32
	distinct []uint32 // numbers, ascending
	counts   []uint32 // of distinct
	byToken  []uint32
	byByte   [escape + 1]uint32
	table    table
}

// maxDirect is how many distinct numbers direct tokens are tried for: more
// would not get frequencies of their own in so few slots.
func maxDirect(n int) int { return 1 << tableBits(n) / 2 }

// choose sets x.own, x.coarse and x.alike.
func (c *counter) choose(x *numbers) {
	x.coarse, x.alike = unfit, unfit
	most := slices.Max(x.u)
	if most >= 1<<16 {
		s := split{}
		x.own = entropy(c.tokens(x.u, s), s, float64(x.n))
		return
	}
	c.count(x.u, most)
	if x.n <= maxHuffman {
		c.bytewise(x)
	}
	x.own.bytes = math.Inf(1)
	consider := func(s split) {
		if k := entropy(c.tokensOfDistinct(s), s, float64(x.n)); k.bytes+float64(tableBytes(k.tokens)) < x.ownBytes() {
			x.own = k
		}
	}
	if len(c.distinct) <= maxDirect(x.n) && most < directLimit {
		consider(split{direct: true})
	}
	for low := uint(0); low == 0 || low < maxLow && most>>(low-1) >= 4; low++ {
		consider(split{low: low})
	}
}

// scaleOf is how many low bits to drop so that the numbers average from 8 to 16:
// columns of like shape then have tokens of like frequencies, whatever their
// spread.
func (x *numbers) scaleOf() uint {
	sum := uint64(0)
	for _, u := range x.u {
		sum += uint64(u)
	}
	return uint(max(0, bits.Len64(sum/uint64(x.n))-4))
}

// count lists the distinct numbers of u, none above top.
func (c *counter) count(u []uint32, top uint32) {
	c.distinct, c.counts = c.distinct[:0], c.counts[:0]
	if int(top) > 4*len(u) { // few numbers, far apart
		c.sorted = append(c.sorted[:0], u...)
		slices.Sort(c.sorted)
		for i, v := range c.sorted {
			if i == 0 || v != c.sorted[i-1] {
				c.distinct, c.counts = append(c.distinct, v), append(c.counts, 0)
			}
			c.counts[len(c.counts)-1]++
		}
		return
	}
	for _, v := range u {
		c.byNumber[v]++
	}
	for v, k := range c.byNumber[:top+1] {
		if k > 0 {
			c.distinct, c.counts = append(c.distinct, uint32(v)), append(c.counts, k)
		}
	}
	clear(c.byNumber[:top+1])
}

// tokensOfDistinct counts tokens, given the distinct numbers.
func (c *counter) tokensOfDistinct(s split) []uint32 {
	last, _ := s.token(c.distinct[len(c.distinct)-1])
	c.byToken = resize(c.byToken, int(last)+1)
	clear(c.byToken)
	for i, v := range c.distinct {
		token, _ := s.token(v)
		c.byToken[token] += c.counts[i]
	}
	return c.byToken
}

// tokens counts the tokens of u. The result is valid until the next use.
func (c *counter) tokens(u []uint32, s split) []uint32 {
	last, _ := s.token(slices.Max(u))
	c.byToken = resize(c.byToken, int(last)+1)
	clear(c.byToken)
	for _, v := range u {
		token, _ := s.token(v)
		c.byToken[token]++
	}
	return c.byToken
}

// entropy is what n tokens with these counts cost at best.
func entropy(counts []uint32, s split, n float64) choice {
	k := choice{split: s}
	sum, raw := 0.0, 0.0
	for token, c := range counts {
		if c == 0 {
			continue
		}
		k.tokens++
		sum += float64(c) * log2(c)
		_, bits := tokenRange(uint32(token), s.direct)
		raw += float64(c) * float64(bits+s.low)
	}
	k.bytes = (n*math.Log2(n)-sum)/8 + raw/8
	return k
}
