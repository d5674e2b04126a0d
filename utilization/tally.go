package utilization

import (
	"math"
	"math/bits"
	"slices"
)

// Hundredths reach from 0 to 10000, but as many counting buckets as a uint16 can
// name spare a check for each sample; those never touched cost nothing. Which
// ones were is told by blocks: 64 of them hold all hundredths.
const (
	levels     = 1 << 16
	blockShift = 8
	blockSize  = 1 << blockShift
)

// tally counts samples.
type tally struct {
	counts  *[levels]uint32 // by hundredths
	touched uint64          // blocks of counts that are not all zero, the lowest in the lowest bit
	n       int             // samples in counts
	sum     uint64
	hi      uint16 // of counts
	other   []float64
	extra   float64 // sum of other
}

// widen enters n hundredths, which are counted already.
func (t *tally) widen(hi uint16, sum, touched uint64, n int) {
	t.hi = max(t.hi, hi)
	t.sum += sum
	t.touched |= touched
	t.n += n
}

// reset forgets all samples.
func (t *tally) reset() {
	for m := t.touched; m != 0; m &= m - 1 {
		clear(t.block(m))
	}
	t.touched, t.n, t.sum, t.hi, t.extra, t.other = 0, 0, 0, 0, 0, t.other[:0]
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

// sorted appends all samples in ascending order.
func (t *tally) sorted(dst []float64) []float64 {
	dst = append(dst, t.other...)
	for m := t.touched; m != 0; m &= m - 1 {
		for i, c := range t.block(m) {
			for range c {
				dst = append(dst, float64(firstOf(m)+i)/100)
			}
		}
	}
	slices.Sort(dst)
	return dst
}

// descent finds high ranks of a tally's hundredths: they lie near the maximum,
// so few buckets are read.
type descent struct {
	counts *[levels]uint32
	blocks uint64 // touched ones, the current one the highest
	left   uint   // buckets of the current block that have not been passed; a multiple of group
	above  uint32 // samples in those that have been
}

// group is how many buckets are passed at once.
const group = 8

func (t *tally) descend() descent {
	return descent{counts: t.counts, blocks: t.touched, left: blockSize}
}

// to returns the sample that k-1 are above. There must be so many; k must not
// be less than in the call before.
func (d *descent) to(k uint32) uint16 {
	left, above := d.left, d.above
	for {
		first := uint(63-bits.LeadingZeros64(d.blocks)) << blockShift % levels
		block := (*[blockSize]uint32)(d.counts[first:])
		for ; left > 0; left -= group {
			b := (*[group]uint32)(block[(left-group)%blockSize:])
			n := (b[0] + b[1]) + (b[2] + b[3]) + ((b[4] + b[5]) + (b[6] + b[7]))
			if above+n >= k {
				d.left, d.above = left, above
				h := first + left - 1
				for i := group - 1; i > 0; i-- {
					if above += b[i]; above < k {
						h--
					}
				}
				return uint16(h)
			}
			above += n
		}
		d.blocks &^= 1 << (first >> blockShift)
		left = blockSize
	}
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
