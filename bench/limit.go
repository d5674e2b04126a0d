package main

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// limits is the dataset as arrays: what a store could be at best, without
// instants, names, checksums and transactions.
type limits struct {
	plain  [][]uint16 // hundredths
	packed [][]byte   // of each series, deltas, byte-split, zstd
	n      int
}

func newLimits(d dataset, level zstd.EncoderLevel) (limits, error) {
	l := limits{plain: make([][]uint16, len(d.series)), packed: make([][]byte, len(d.series)), n: d.samples()}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(false))
	if err != nil {
		return l, err
	}
	for i, s := range d.series {
		for _, p := range s.Points {
			h := math.Round(p.V * 100)
			if !(h >= 0 && h <= 10000) || h/100 != p.V {
				return l, fmt.Errorf("%s of %s: %v is not a percentage with two decimals", s.Metric, s.Resource, p.V)
			}
			l.plain[i] = append(l.plain[i], uint16(h))
		}
	}
	parallel(len(l.plain), func(i int) {
		l.packed[i] = encoder.EncodeAll(split(l.plain[i]), nil)
	})
	return l, nil
}

// split is the zigzag differences, all low bytes before all high bytes.
func split(values []uint16) []byte {
	out := make([]byte, 2*len(values))
	before := uint16(0)
	for i, v := range values {
		d := int16(v - before)
		before = v
		z := uint16(d<<1) ^ uint16(d>>15)
		out[i], out[len(values)+i] = byte(z), byte(z>>8)
	}
	return out
}

// join undoes split.
func join(planes []byte, values []uint16) []uint16 {
	n := len(planes) / 2
	low, high := planes[:n], planes[n:][:n]
	before := uint16(0)
	values = values[:0]
	for i, b := range low {
		z := uint16(b) | uint16(high[i])<<8
		before += z>>1 ^ -(z & 1)
		values = append(values, before)
	}
	return values
}

func (l limits) bytes() int64 {
	var n int64
	for _, p := range l.packed {
		n += int64(len(p))
	}
	return n
}

// counter counts one series after another.
type counter struct {
	counts  [10001]uint32
	decoder *zstd.Decoder
	planes  []byte
	values  []uint16
}

func newCounter() (*counter, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.IgnoreChecksum(true))
	return &counter{decoder: d}, err
}

// count finds p95, p99 and maximum.
func (c *counter) count(values []uint16) answer {
	low, high := uint16(math.MaxUint16), uint16(0)
	for _, v := range values {
		c.counts[v]++
		low, high = min(low, v), max(high, v)
	}
	a := answer{c.quantile(0.95, len(values), high), c.quantile(0.99, len(values), high), float64(high) / 100}
	clear(c.counts[low : int(high)+1])
	return a
}

// quantile counts down from the top, linear between neighbours.
func (c *counter) quantile(q float64, n int, high uint16) float64 {
	rank := q * float64(n-1)
	below := int(rank)
	above := n - 1 - below // samples beyond the one of rank below
	seen, next, found := 0, high, false
	for h := high; ; h-- {
		seen += int(c.counts[h])
		if !found && seen >= above {
			next, found = h, true
		}
		if seen > above {
			weight := rank - float64(below)
			return (float64(h)*(1-weight) + float64(next)*weight) / 100
		}
	}
}

func (c *counter) unpack(packed []byte) ([]uint16, error) {
	var err error
	c.planes, err = c.decoder.DecodeAll(packed, c.planes[:0])
	c.values = join(c.planes, c.values)
	return c.values, err
}

// entropy is the bytes that a sample takes at least if each difference is coded
// for itself, by the frequencies within its series.
func (l limits) entropy() float64 {
	total := 0.0
	counts := make([]int, 1<<bits.Len16(math.MaxUint16))
	for _, values := range l.plain {
		clear(counts)
		for i := 1; i < len(values); i++ {
			counts[values[i]-values[i-1]]++
		}
		for _, c := range counts {
			if c > 0 {
				total -= float64(c) * math.Log2(float64(c)/float64(len(values)-1))
			}
		}
	}
	return total / 8 / float64(l.n)
}

// sweep answers for every series, on some cores, and checks the answers.
func (l limits) sweep(d dataset, want answers, cores int, packed bool) error {
	var g errgroup.Group
	for w := range cores {
		g.Go(func() error {
			c, err := newCounter()
			if err != nil {
				return err
			}
			defer c.decoder.Close()
			for i := w; i < len(l.plain); i += cores {
				values := l.plain[i]
				if packed {
					if values, err = c.unpack(l.packed[i]); err != nil {
						return err
					}
				}
				k := key{d.series[i].Resource, d.series[i].Metric}
				if err := (answers{k: c.count(values)}).check(answers{k: want[k]}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
