package ledger

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"yunjian/price"
)

// position is what an entry still gives, after all that was taken from it.
type position struct {
	Entry
	unknown  bool // an amount was taken from it that nobody knows
	verified bool
}

// open reports whether there is anything left to take.
func (p position) open() bool {
	return p.Resources > 0 || p.Changed > 0 || p.VCPU > 0 || p.MemoryGiB > 0 || p.StorageGiB > 0 || p.BandwidthMbps > 0 || p.Annual != nil && p.Annual.Sign() > 0
}

// positions puts together the entries that give, with what others took from them, in
// the order of the ledger.
func positions(entries []Entry) []*position {
	sorted := slices.Clone(entries)
	Sort(sorted)
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

// apply enters what an entry takes from the position, corrects, or verifies.
func (p *position) apply(e Entry) {
	p.verified = p.verified || e.Effect == Verified || e.Effect == Corrected // a bill is proof
	if e.Effect == Verified {
		return
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
	return decimal.NewFromFloat(a).Add(decimal.NewFromFloat(b)).InexactFloat64()
}

// growth is what came to be used again and is looked for among what was given.
type growth struct {
	Delta
	all    bool          // whatever is left is taken: the resource is as large as it was
	annual *price.Amount // what it costs a year; nil: unknown
}

func (g growth) none() bool {
	return g.Resources <= 0 && g.VCPU <= 0 && g.MemoryGiB <= 0 && g.StorageGiB <= 0 && g.BandwidthMbps <= 0
}

// take is how much of a position the growth eats, and what of the growth is left. Of a
// part the yuan are what the growth costs by the price book, and at most what is left;
// where that is unknown, the mean of the shares eaten of each dimension that was given: of
// 4 vCPU and 16 GiB, 2 vCPU and nothing else are (1/2 + 0) / 2 of the saving.
func (p *position) take(g growth) (eaten Delta, annual *price.Amount, left growth) {
	left = g
	shares, given := 0.0, 0
	fits, wanted := 0.0, 0 // the shares of the growth that find room
	take := func(want *float64, have float64) float64 {
		if g.all {
			return have
		}
		if *want > 0 {
			fits, wanted = fits+max(0, min(*want, have))/(*want), wanted+1
		}
		if have <= 0 {
			return 0
		}
		n := max(0, min(*want, have))
		*want = sum(*want, -n)
		shares, given = shares+n/have, given+1
		return n
	}
	cores := float64(left.VCPU)
	eaten.VCPU = int(take(&cores, float64(p.VCPU)))
	left.VCPU = int(cores)
	eaten.MemoryGiB = take(&left.MemoryGiB, p.MemoryGiB)
	eaten.StorageGiB = take(&left.StorageGiB, p.StorageGiB)
	eaten.BandwidthMbps = take(&left.BandwidthMbps, p.BandwidthMbps)
	eaten.Resources = min(left.Resources, p.Resources)
	left.Resources -= eaten.Resources
	whole := g.all || shares == float64(given)
	if whole {
		eaten.Changed = p.Changed
	}
	switch {
	case p.unknown || p.Annual == nil:
	case whole:
		annual = p.Annual
	case g.annual != nil && wanted > 0:
		a := g.annual.Mul(decimal.NewFromFloat(fits / float64(wanted))).Round()
		if a.Cmp(*p.Annual) > 0 {
			a = *p.Annual
		}
		annual = &a
	default:
		a := p.Annual.Mul(decimal.NewFromFloat(shares / float64(given))).Round()
		annual = &a
	}
	if g.annual != nil && annual != nil {
		rest, err := g.annual.Sub(*annual)
		if err != nil || rest.Sign() < 0 {
			rest = price.Zero(g.annual.Currency())
		}
		left.annual = &rest
	}
	return eaten, annual, left
}

// newestFirst orders positions for a resource that grows again: what was given last is
// taken first.
func newestFirst(a, b *position) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) }
