package ledger

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
	"yunjian/price"
)

// position is what an entry still gives, after all that was taken from it.
type position struct {
	Entry
	unknown  bool // an amount was taken from it that nobody knows
	verified bool
	returned bool  // released, and there again
	eaten    sizes // by others, and not given back
}

// gone reports whether a position is of a resource that is known to be gone.
func (p *position) gone() bool { return p.Effect == Released && !p.returned }

// stood is when the resource was last seen as it was before: weeks before At, where its
// listing could not be read meanwhile.
func (e Entry) stood() time.Time {
	at := e.At
	if !e.Since.IsZero() && e.Since.Before(at) {
		at = e.Since
	}
	if e.Evidence != nil && e.Evidence.Was != nil && !e.Evidence.Was.LastSeen.IsZero() && e.Evidence.Was.LastSeen.Before(at) {
		at = e.Evidence.Was.LastSeen.In(e.At.Location())
	}
	return at
}

// open reports whether there is anything left to take.
func (p *position) open() bool {
	return p.Resources > 0 || p.Changed > 0 || p.sizes() != sizes{} || p.Annual != nil && p.Annual.Sign() > 0
}

// positions puts together the entries that give, with what others took from them, in
// the order of the ledger.
func positions(entries []Entry) []*position {
	sorted := slices.Clone(entries)
	Sort(sorted)
	for i, e := range sorted {
		sorted[i].Annual = e.annual()
	}
	byID := map[string]*position{}
	var out []*position
	for _, e := range sorted {
		if e.Effect.Gives() {
			p := &position{Entry: e}
			out = append(out, p)
			byID[e.ID] = p
		}
	}
	for _, e := range sorted {
		if p := byID[e.Of]; p != nil {
			p.apply(e)
		}
	}
	return out
}

// annual is Annual in its currency, which its JSON leaves to Currency; nil: unknown.
func (e Entry) annual() *price.Amount {
	zero := price.Zero(e.Currency)
	return added(e.Annual, &zero)
}

// apply enters what an entry takes from the position, gives back, corrects, or verifies.
func (p *position) apply(e Entry) {
	p.returned = p.returned || e.Effect == Reversed && p.Effect == Released
	p.verified = p.verified || e.Effect == Verified || e.Effect == Corrected // a bill is proof
	if e.Effect == Verified {
		return
	}
	if e.Effect == Rebound {
		p.eaten = p.eaten.minus(e.sizes())
	}
	p.Resources += e.Resources
	p.Changed += e.Changed
	p.VCPU += e.VCPU
	p.MemoryGiB = sum(p.MemoryGiB, e.MemoryGiB)
	p.StorageGiB = sum(p.StorageGiB, e.StorageGiB)
	p.BandwidthMbps = sum(p.BandwidthMbps, e.BandwidthMbps)
	switch {
	case e.Annual == nil:
		p.unknown = true
	case p.Annual != nil:
		if left, err := p.Annual.Add(*e.Annual); err == nil {
			p.Annual = &left
		}
	default: // a bill told what the book did not know
		p.Annual = e.Annual
	}
}

// sum adds as people write sizes: 0.1 + 0.2 is 0.3.
func sum(a, b float64) float64 {
	if s := a + b; a == math.Trunc(a) && b == math.Trunc(b) && math.Abs(s) < 1<<50 {
		return s + 0 // no −0
	}
	return decimal.NewFromFloat(a).Add(decimal.NewFromFloat(b)).InexactFloat64()
}

// sizes are vCPU, GiB of memory, GiB of storage and Mbit/s.
type sizes [4]float64

const storage = 2 // of sizes

func sizesOf(x cloud.Resource) sizes {
	return sizes{float64(x.VCPU), x.MemoryGiB, x.StorageGiB, x.BandwidthMbps}
}

func (d Delta) sizes() sizes {
	return sizes{float64(d.VCPU), d.MemoryGiB, d.StorageGiB, d.BandwidthMbps}
}

// resize puts sizes in place of those that d has.
func (d *Delta) resize(s sizes) {
	d.VCPU, d.MemoryGiB, d.StorageGiB, d.BandwidthMbps = int(s[0]), s[1], s[2], s[3]
}

// minus takes other from s.
func (s sizes) minus(other sizes) sizes {
	for i := range s {
		s[i] = sum(s[i], -other[i])
	}
	return s
}

func (s sizes) plus(other sizes) sizes { return s.minus(sizes{}.minus(other)) }

// any reports whether a size is above zero.
func (s sizes) any() bool { return slices.Max(s[:]) > 0 }

// growth is what came to be used again and is looked for among what was given. A size
// below zero is what became smaller in exchange: it undoes what a position took so.
type growth struct {
	sizes
	annual *price.Amount                    // what it costs a year; nil: unknown
	part   func(sizes) (price.Amount, bool) // what a part of it costs; nil, or false: its share of annual
}

// take is what a growth eats of a position, and what of the growth is left. Where nothing
// is left of the sizes of the position, its yuan go whole. Of a part they are what that
// costs by the price book, and at most what is left; where the book has no price of parts,
// the mean of the shares of each dimension of what the growth costs, or where that is
// unknown, of the saving: of 4 vCPU and 16 GiB, 2 vCPU and nothing else are (1/2 + 0) / 2.
//
// short is what the eaten part costs beyond that: it was given by a cheaper category.
func (p *position) take(g growth) (eaten sizes, annual *price.Amount, left growth, short price.Amount) {
	shares, given := 0.0, 0
	fits, wanted := 0.0, 0 // the shares of the growth that find room
	for i, have := range p.sizes() {
		want, n := g.sizes[i], 0.0
		if have > 0 && want > 0 {
			n = min(want, have)
		} else if have < 0 && want < 0 {
			n = max(want, have)
		}
		eaten[i] = n
		if want != 0 {
			fits, wanted = fits+n/want, wanted+1
		}
		if have != 0 {
			shares, given = shares+n/have, given+1
		}
	}
	left = growth{g.minus(eaten), g.annual, g.part}
	var cost *price.Amount // of the eaten part
	if g.annual != nil && p.Annual != nil && g.annual.Currency() == p.Annual.Currency() && wanted > 0 {
		c := g.annual.Mul(decimal.NewFromFloat(fits / float64(wanted)))
		if g.part != nil {
			if exact, known := g.part(eaten); known {
				c = exact
			}
		}
		if c = c.Round(); c.Sign() < 0 { // larger, and of a cheaper type: nothing is given by what takes
			c = price.Zero(c.Currency())
		}
		cost = &c
	}
	switch {
	case eaten == sizes{}:
		zero := price.Zero(p.Currency)
		return eaten, &zero, left, short
	case p.unknown || p.Annual == nil:
		return eaten, nil, left, short
	case p.sizes() == eaten:
		annual = p.Annual
	case cost != nil:
		annual = atMost(*cost, *p.Annual)
	default:
		annual = atMost(p.Annual.Mul(decimal.NewFromFloat(shares/float64(given))).Round(), *p.Annual)
	}
	if cost != nil && cost.Cmp(*annual) > 0 {
		short, _ = cost.Sub(*annual)
	}
	if g.annual != nil {
		rest, err := g.annual.Sub(*annual)
		if err != nil { // of two currencies: it costs its share of what is left
			rest = g.annual.Mul(decimal.NewFromFloat(1 - fits/float64(wanted)))
		}
		if rest.Sign() < 0 {
			rest = price.Zero(g.annual.Currency())
		}
		left.annual = &rest
	}
	return eaten, annual, left, short
}

// atMost is the lesser of two amounts of one currency.
func atMost(a, limit price.Amount) *price.Amount {
	if a.Cmp(limit) > 0 {
		a = limit
	}
	return &a
}

// newestFirst orders positions for a resource that grows again: what was given last is
// taken first.
func newestFirst(a, b *position) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) }

// oldestFirst orders positions for what an application takes again.
func oldestFirst(a, b *position) int { return compare(a.Entry, b.Entry) }
