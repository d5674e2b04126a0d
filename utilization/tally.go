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
	first, last := d.lo>>blockShift&63, d.hi>>blockShift&63
	t.touched |= (1<<last | (1<<last - 1)) &^ (1<<first - 1)
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
	counts *[levels]uint16
	lo, hi uint16 // of counts; meaningless without samples
	n      int    // samples in counts
	sum    uint64
	other  []float64 // also hundredths, once counts might overflow
	extra  float64   // sum of other
}

// dayMost is how many samples the counters of a day take.
const dayMost = math.MaxUint16

// widen enters n hundredths, which are counted already.
func (t *dayTally) widen(lo, hi uint16, sum uint64, n int) {
	if t.n == 0 {
		t.lo = lo
	}
	t.lo, t.hi = min(t.lo, lo), max(t.hi, hi)
	t.sum += sum
	t.n += n
}

func (t *dayTally) reset() {
	if t.n > 0 {
		clear(t.counts[t.lo : int(t.hi)+1])
	}
	t.lo, t.hi, t.n, t.sum, t.extra, t.other = 0, 0, 0, 0, 0, t.other[:0]
}

func (t *dayTally) samples() int { return t.n + len(t.other) }

func (t *dayTally) mean() float64 {
	return (float64(t.sum)/100 + t.extra) / float64(t.samples())
}

// all appends all samples, in no order.
func (t *dayTally) all(dst []float64) []float64 {
	dst = append(dst, t.other...)
	if t.n > 0 {
		for h := int(t.lo); h <= int(t.hi); h++ {
			for range t.counts[h] {
				dst = append(dst, float64(h)/100)
			}
		}
	}
	return dst
}

// descent finds high ranks of a day's hundredths: they lie near the maximum, so
// few buckets are read.
type descent struct {
	counts *[levels]uint16
	left   uint   // buckets not passed yet: those below
	above  uint32 // samples in those that have been
}

// group is how many buckets are passed at once.
const group = 16

func (t *dayTally) descend() descent {
	return descent{counts: t.counts, left: uint(t.hi)/group*group + group}
}

// to returns the sample that k-1 are above. There must be so many; k must not
// be less than in the call before.
func (d *descent) to(k uint32) uint16 {
	left, above := d.left, d.above
	for left >= group {
		b := (*[group]uint16)(d.counts[left-group:])
		// Four counters in a word: no sum of a day's overflows its place.
		words := four(b, 0) + four(b, 4) + four(b, 8) + four(b, 12)
		n := uint32(words * 0x0001_0001_0001_0001 >> 48)
		if above+n >= k {
			d.left, d.above = left, above
			h := left - 1
			for i := group - 1; i > 0; i-- {
				if above += uint32(b[i]); above < k {
					h--
				}
			}
			return uint16(h)
		}
		above += n
		left -= group
	}
	return 0
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
