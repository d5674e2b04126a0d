package utilization

import (
	"math"
	"math/bits"
)

// Hundredths reach from 0 to 10000, but as many counting buckets as a uint16 can
// name spare a check for each sample; those never touched cost nothing.
const levels = 1 << 16

// tally counts the samples of a window. Which buckets may be in use is told by
// blocks: 64 of them hold all hundredths.
type tally struct {
	counts  *[levels]uint32 // by hundredths
	touched uint64          // blocks of counts that may not be all zero, the lowest in the lowest bit
	n       int             // samples in counts
	sum     uint64
	other   []float64
	extra   float64 // sum of other
}

const (
	blockShift = 8
	blockSize  = 1 << blockShift
)

// close enters the hundredths of a day, which are counted already.
func (t *tally) close(d *dayTally) {
	if d.n == 0 {
		return
	}
	t.touched |= d.touched
	t.sum += d.sum
	t.n += d.n
}

// reset forgets all samples.
func (t *tally) reset() {
	for m := t.touched; m != 0; m &= m - 1 {
		clear(t.block(m))
	}
	t.touched, t.n, t.sum, t.extra, t.other = 0, 0, 0, 0, t.other[:0]
}

// block is the buckets of the lowest block in m.
func (t *tally) block(m uint64) []uint32 {
	return t.counts[firstOf(m):][:blockSize]
}

// firstOf is the first bucket of the lowest block in m.
func firstOf(m uint64) int { return bits.TrailingZeros64(m) << blockShift }

// samples is how many there are.
func (t *tally) samples() int { return t.n + len(t.other) }

func (t *tally) mean() float64 {
	return (float64(t.sum)/100 + t.extra) / float64(t.samples())
}

// dayTally counts the samples of a day. Small counters keep what a day touches
// of them in the nearest cache.
type dayTally struct {
	counts  *[levels]uint16
	touched uint64 // as of a tally
	hi      uint16 // the highest in counts
	n       int    // samples in counts
	sum     uint64
	other   []float64 // also hundredths, once counts might overflow
	extra   float64   // sum of other
}

// dayMost is how many samples the counters of a day take.
const dayMost = math.MaxUint16

// near is up to how many blocks apart values may be taken to fall into all blocks
// between.
const near = 16

// blocksOf is the blocks that values from least to most may fall into. Where a peak
// lies far above the rest, as on an idle machine, what is in between is left out:
// it would all be looked through for nothing.
func blocksOf(values []uint16, least, most uint32) (touched uint64) {
	first, last := least>>blockShift&63, most>>blockShift&63
	if last-first <= near {
		return (1<<last | (1<<last - 1)) &^ (1<<first - 1)
	}
	for _, v := range values {
		touched |= 1 << (v >> blockShift & 63)
	}
	return touched
}

// enter notes n hundredths, which are counted already.
func (t *dayTally) enter(touched uint64, hi uint16, sum uint64, n int) {
	t.touched |= touched
	t.hi = max(t.hi, hi)
	t.sum += sum
	t.n += n
}

func (t *dayTally) reset() {
	for m := t.touched; m != 0; m &= m - 1 {
		clear(t.counts[firstOf(m):][:blockSize])
	}
	t.touched, t.hi, t.n, t.sum, t.extra, t.other = 0, 0, 0, 0, 0, t.other[:0]
}

func (t *dayTally) samples() int { return t.n + len(t.other) }

func (t *dayTally) mean() float64 {
	return (float64(t.sum)/100 + t.extra) / float64(t.samples())
}

// all appends all samples, in no order.
func (t *dayTally) all(dst []float64) []float64 {
	dst = append(dst, t.other...)
	for m := t.touched; m != 0; m &= m - 1 {
		first := firstOf(m)
		for i, n := range t.counts[first:][:blockSize] {
			for range n {
				dst = append(dst, float64(first+i)/100)
			}
		}
	}
	return dst
}

// descent finds high ranks of a day's hundredths: they lie near the maximum, so
// few buckets are read.
type descent struct {
	counts      *[levels]uint16
	left, floor uint   // buckets not passed yet of the block that begins with floor: those below left
	blocks      uint64 // in use below that block
	above       uint32 // samples in buckets that have been passed
}

// group is how many buckets are passed at once.
const group = 16

func (t *dayTally) descend() descent {
	block := uint(t.hi) >> blockShift & 63
	return descent{
		counts: t.counts,
		left:   uint(t.hi)/group*group + group, floor: block << blockShift,
		blocks: t.touched & (1<<block - 1),
	}
}

// to returns the sample that k-1 are above. There must be so many; k must not
// be less than in the call before.
func (d *descent) to(k uint32) uint16 {
	left, floor, above := d.left, d.floor, d.above
	for {
		for ; left > floor; left -= group {
			b := (*[group]uint16)(d.counts[left-group:])
			// Four counters in a word: no sum of a day's overflows its place.
			words := four(b, 0) + four(b, 4) + four(b, 8) + four(b, 12)
			n := uint32(words * 0x0001_0001_0001_0001 >> 48)
			if above+n < k {
				above += n
				continue
			}
			d.left, d.floor, d.above = left, floor, above
			h := left - 1
			for i := group - 1; i > 0; i-- {
				if above += uint32(b[i]); above < k {
					h--
				}
			}
			return uint16(h)
		}
		if d.blocks == 0 {
			return 0
		}
		block := uint(bits.Len64(d.blocks)) - 1
		d.blocks &^= 1 << block
		left, floor = (block+1)<<blockShift, block<<blockShift
	}
}

func four(b *[group]uint16, i int) uint64 {
	return uint64(b[i]) | uint64(b[i+1])<<16 | uint64(b[i+2])<<32 | uint64(b[i+3])<<48
}

// quantile is the q-quantile of n samples; q must not be greater than in the
// call before.
func (d *descent) quantile(n int, q float64) float64 {
	rank := q * float64(n-1)
	below := math.Floor(rank)
	above := n - 1 - int(below) // samples above the one of rank below
	hi := d.to(uint32(max(above, 1)))
	next := *d // the descent itself stays, for ranks between these two
	lo := next.to(uint32(above) + 1)
	return interpolate(float64(lo)/100, float64(hi)/100, rank-below)
}

// count enters a hundredth that the day's counters cannot take.
func (t *tally) count(h uint16) {
	t.counts[h]++
	t.touched |= 1 << (h >> blockShift & 63)
	t.sum += uint64(h)
	t.n++
}

// lister lists buckets in use; it holds the room to do so repeatedly.
type lister struct {
	values [levels]uint16 // distinct, ascending
	upTo   [levels]uint32 // how many samples are at most values[i]
}

// list lists the buckets in use and returns how many there are.
func (l *lister) list(t *tally) int {
	k, total := uint16(0), uint32(0)
	for m := t.touched; m != 0; m &= m - 1 {
		h := uint16(firstOf(m))
		for _, c := range t.block(m) {
			l.values[k] = h
			h++
			total += c
			l.upTo[k] = total
			if c != 0 {
				k++
			}
		}
	}
	return int(k)
}
