package estate

import "math"

// Randomness here is a hash of what it belongs to, never a shared stream, so
// that any instant can be asked for alone and in any order. The functions are
// integer arithmetic and exact float operations: the same on every platform
// but for the last bit of math.Exp, far below the two decimals kept.

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

func hash(seed uint64, parts ...uint64) uint64 {
	h := mix(seed)
	for _, p := range parts {
		h = mix(h ^ p*0x9e3779b97f4a7c15)
	}
	return h
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// normal maps a hash to a nearly normal deviate of mean 0 and variance 1: the
// sum of its four 16-bit quarters, so within ±3.47.
func normal(h uint64) float64 {
	s := h&0xffff + h>>16&0xffff + h>>32&0xffff + h>>48
	return (float64(s) - 2*65535) * (math.Sqrt2 * 1.2247448713915890 / 65535) // √3 = √2·√1.5
}

// drift is smooth noise of variance about 0.7 that changes over `knot`
// seconds: normal deviates at the knots, joined by a smoothstep.
func drift(seed uint64, t, knot int64) float64 {
	i := t / knot
	x := float64(t%knot) / float64(knot)
	a, b := normal(mix(seed^uint64(i))), normal(mix(seed^uint64(i+1)))
	return a + (b-a)*x*x*(3-2*x)
}

// rng is a small deterministic stream for drawing the traits of one thing.
type rng struct{ state uint64 }

func newRNG(seed uint64, parts ...uint64) *rng { return &rng{hash(seed, parts...)} }

func (r *rng) next() uint64 {
	r.state++
	return mix(r.state)
}

func (r *rng) float() float64                 { return unit(r.next()) }
func (r *rng) between(lo, hi float64) float64 { return lo + (hi-lo)*r.float() }
func (r *rng) intn(n int) int                 { return int(r.next() % uint64(n)) }
func (r *rng) chance(p float64) bool          { return r.float() < p }

// lognormal draws a value whose median is m and whose logarithm has standard
// deviation sigma.
func (r *rng) lognormal(m, sigma float64) float64 { return m * math.Exp(sigma*normal(r.next())) }

// pick draws an index with the given weights.
func (r *rng) pick(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := r.float() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

const base36 = "0123456789abcdefghijklmnopqrstuvwxyz"

// id returns prefix and n letters and digits, as cloud ids look.
func (r *rng) id(prefix string, n int) string {
	b := make([]byte, 0, len(prefix)+n)
	b = append(b, prefix...)
	for range n {
		b = append(b, base36[r.next()%36])
	}
	return string(b)
}
