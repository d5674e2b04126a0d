package utilization

import (
	"math"
	"math/bits"
	"slices"
)

// sorter sorts values that are not counted: rates of bytes, mostly. It holds the
// room to do so repeatedly.
type sorter struct {
	keys, spare []uint64
	counts      [1 << digitBits]uint32
}

const (
	digitBits  = 11 // of many values
	shortBits  = 8  // of a day's
	manyValues = 2048
	fewValues  = 64 // are sorted sooner by comparing
)

// sort sorts finite values in ascending order, digit by digit from the lowest.
// Digits that all values share are passed over: whole numbers leave the low ones
// zero, and those of one series mostly agree in the high ones.
func (s *sorter) sort(values []float64) {
	if len(values) < fewValues {
		slices.Sort(values)
		return
	}
	s.keys = slices.Grow(s.keys[:0], len(values))[:len(values)]
	s.spare = slices.Grow(s.spare[:0], len(values))[:len(values)]
	first, differ := orderedBits(values[0]), uint64(0)
	for i, v := range values {
		k := orderedBits(v)
		s.keys[i] = k
		differ |= k ^ first
	}
	from, to := s.keys, s.spare
	width := shortBits
	if len(values) >= manyValues {
		width = digitBits
	}
	counts, mask := s.counts[:1<<width], uint64(1)<<width-1
	for shift := bits.TrailingZeros64(differ); shift < 64; shift += width {
		if differ>>shift&mask == 0 {
			continue
		}
		clear(counts)
		for _, k := range from {
			counts[k>>(shift&63)&mask]++
		}
		at := uint32(0)
		for i, n := range counts {
			counts[i] = at
			at += n
		}
		for _, k := range from {
			place := &counts[k>>(shift&63)&mask]
			to[*place] = k
			*place++
		}
		from, to = to, from
	}
	for i, k := range from {
		values[i] = ordered(k)
	}
}

// orderedBits is v's bits such that greater values have greater ones.
func orderedBits(v float64) uint64 {
	b := math.Float64bits(v)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

func ordered(b uint64) float64 {
	if b>>63 != 0 {
		return math.Float64frombits(b &^ (1 << 63))
	}
	return math.Float64frombits(^b)
}
