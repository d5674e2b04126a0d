package ledger

import (
	"cmp"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

// returned takes back what was booked of resources that were gone and are listed again:
// first as they were, then as they are now beside that.
func (r *run) returned() {
	for _, now := range r.after.Resources {
		if _, had := r.was[now.ID]; had {
			continue
		}
		at := slices.IndexFunc(r.of[now.ID], (*position).gone)
		if at < 0 {
			continue
		}
		p := r.of[now.ID][at]
		annual := p.Annual
		if p.unknown {
			annual = nil
		}
		r.book(r.taking(p, now, Reversed, p.Delta, annual, &Evidence{Now: &now}))
		if p.Evidence != nil && p.Evidence.Was != nil {
			r.resized(*p.Evidence.Was, now)
		}
	}
}

// newest are the positions of a resource, what was given last first.
func (r *run) newest(id string) []*position {
	of := slices.Clone(r.of[id])
	slices.SortStableFunc(of, newestFirst)
	return of
}

// takeBack books what a resource takes again of its own entries, and returns what of it
// was never given, and the yuan that were taken; nil where nobody knows them.
func (r *run) takeBack(now cloud.Resource, g growth, evidence *Evidence) (left growth, taken *price.Amount) {
	taken = &price.Amount{} // of whichever currency
	var shorts price.Amount
	for _, p := range r.newest(now.ID) {
		if p.Effect != Downsized {
			continue
		}
		eaten, annual, rest, short := p.take(g)
		if eaten == (sizes{}) {
			continue
		}
		g = rest
		var gone Delta
		gone.resize(eaten)
		if p.sizes() == eaten {
			gone.Changed = p.Changed
		}
		taken = added(taken, annual)
		r.book(r.taking(p, now, Reversed, gone, annual, evidence))
		if all := added(&shorts, &short); all != nil {
			shorts = *all
		}
	}
	if now.Kind == cloud.Disk { // what grew was given at the price of another category
		r.dearer(now, shorts, evidence)
	}
	return g, taken
}

// part prices parts of a resource: what it costs beyond one that is smaller by them. nil
// where the book prices its type and not its sizes.
func (r *run) part(whole cloud.Resource) func(sizes) (price.Amount, bool) {
	bySize := whole
	bySize.InstanceType = ""
	costs, _ := worth(r.Book, whole, r.at)
	sum, _ := worth(r.Book, bySize, r.at)
	if costs == nil || sum == nil || !costs.Equal(*sum) {
		return nil
	}
	return func(part sizes) (price.Amount, bool) {
		less := sizesOf(whole).minus(part)
		smaller := bySize
		smaller.VCPU, smaller.MemoryGiB, smaller.StorageGiB, smaller.BandwidthMbps = int(less[0]), less[1], less[2], less[3]
		rest, _ := worth(r.Book, smaller, r.at)
		if rest == nil {
			return price.Amount{}, false
		}
		cost, err := costs.Sub(*rest)
		return cost, err == nil
	}
}

// remembered is a resource that grew beyond what the ledger saw of it last, as it was then,
// where the inventory before does not say how large it was: else nobody would see that what
// was given is in use again.
func (r *run) remembered(was, now cloud.Resource) cloud.Resource {
	last := r.last[was.ID]
	if was.VCPU == 0 && now.VCPU > last.VCPU {
		was.VCPU = last.VCPU
	}
	for _, x := range []struct{ was, now, last *float64 }{
		{&was.MemoryGiB, &now.MemoryGiB, &last.MemoryGiB}, {&was.StorageGiB, &now.StorageGiB, &last.StorageGiB}, {&was.BandwidthMbps, &now.BandwidthMbps, &last.BandwidthMbps},
	} {
		if *x.was == 0 && *x.now > *x.last {
			*x.was = *x.last
		}
	}
	return was
}

// filled is a resource with the sizes of another wherever it does not say its own.
func filled(x, other cloud.Resource) cloud.Resource {
	x.VCPU, x.MemoryGiB = cmp.Or(x.VCPU, other.VCPU), cmp.Or(x.MemoryGiB, other.MemoryGiB)
	x.StorageGiB, x.BandwidthMbps = cmp.Or(x.StorageGiB, other.StorageGiB), cmp.Or(x.BandwidthMbps, other.BandwidthMbps)
	return x
}

// undo takes back whole what a disk was booked for that is again of a category which it
// once had: all since then. It wants no price. false: it was of no such category.
func (r *run) undo(now cloud.Resource, evidence *Evidence) bool {
	var since []*position
	for _, p := range r.newest(now.ID) {
		if p.Effect != Recategorized || !p.open() {
			continue
		}
		since = append(since, p)
		if p.Evidence != nil && p.Evidence.Was != nil && p.Evidence.Was.Category == now.Category {
			for _, p := range since {
				r.book(r.taking(p, now, Reversed, Delta{}, p.Annual, evidence))
			}
			return true
		}
	}
	return false
}

// dearer takes back yuan alone, up to what a disk costs more by now: first what was booked
// of its category, then what of its size was booked at the price of another.
func (r *run) dearer(now cloud.Resource, more price.Amount, evidence *Evidence) {
	if slices.ContainsFunc(r.of[now.ID], func(p *position) bool { return p.Effect == Recategorized && p.Currency != more.Currency() }) && r.undo(now, evidence) {
		return // amounts of two currencies cannot be held against each other
	}
	for _, effect := range []Effect{Recategorized, Downsized} {
		for _, p := range r.newest(now.ID) {
			if p.Effect != effect || p.Annual == nil || p.Annual.Sign() <= 0 || p.Annual.Currency() != more.Currency() || more.Sign() <= 0 {
				continue
			}
			taken := atMost(more, *p.Annual)
			more, _ = more.Sub(*taken) // of one currency
			r.book(r.taking(p, now, Reversed, Delta{}, taken, evidence))
		}
	}
}

// owner is the application that gave, and what it gave.
type owner struct {
	department, application string
	kind                    cloud.Kind
}

// rebound books what new resources eat of what their application gave, the oldest first:
// those that came within ReboundDays after it, or within MigrationDays before. How much
// one eats follows from its size and from what it has eaten, not from when it was first
// looked at: an owner who becomes known late changes nothing.
func (r *run) rebound() {
	by, begun := map[owner][]*position{}, map[owner]time.Time{}
	for _, p := range r.positions {
		if p.Application != "" && !p.At.Before(r.since) && p.sizes().any() {
			of := owner{p.Department, p.Application, p.Kind}
			by[of] = append(by[of], p)
		}
	}
	for of, all := range by {
		slices.SortFunc(all, oldestFirst)
		for _, p := range all {
			from := p.stood().AddDate(0, 0, -r.MigrationDays)
			if from.Before(r.since) { // what one ate before is not at hand
				from = r.since
			}
			if begun[of].IsZero() || from.Before(begun[of]) {
				begun[of] = from
			}
		}
	}
	for _, now := range r.after.Resources {
		of := owner{now.Department, now.Application, now.Kind}
		if len(by[of]) == 0 {
			continue
		}
		if len(r.of[now.ID]) > 0 { // what gave itself is not new
			by[of] = r.eat(by[of], now, r.at, r.debt(now), &Evidence{Now: &now})
			continue
		}
		if born := r.newcomer(now); !born.IsZero() && !born.Before(begun[of]) {
			by[of] = r.eat(by[of], now, born, r.hunger(now), &Evidence{Now: &now})
		}
	}
}

// newcomer is when a resource came; zero where it is not known to be new. Where its source
// does not say, it must have appeared in a listing that was read to the end once before:
// what others did not show was perhaps there already.
func (r *run) newcomer(now cloud.Resource) time.Time {
	was, had := r.was[now.ID]
	listing := r.listings[0][scopeOf(now)]
	switch {
	case !now.CreatedAt.IsZero():
		return now.CreatedAt
	case !had && (listing.Complete || !listing.Since.IsZero()):
		return r.at
	case had && (len(r.ate[now.ID]) > 0 || !listing.Since.IsZero() && was.FirstSeen.After(listing.Since)): // it was one when it appeared
		return was.FirstSeen
	}
	return time.Time{}
}

// debt is what a resource uses again of what it had given and others ate meanwhile: there is
// nothing left of it to take back, so that it eats of somebody else's.
func (r *run) debt(now cloud.Resource) (g growth) {
	var given, ate, at sizes
	var from time.Time
	for _, p := range r.newest(now.ID) {
		if gave := p.sizes().plus(p.eaten); p.Effect == Downsized && !p.At.Before(r.since) && gave.any() && p.Evidence != nil && p.Evidence.Was != nil {
			given, ate, at, from = given.plus(gave), ate.plus(p.eaten), sizesOf(*p.Evidence.Was), p.At // as it was first
		}
	}
	if !ate.any() {
		return g
	}
	for _, m := range r.ate[now.ID] {
		if p := r.byID[m.of]; p != nil && !p.returned && !m.at.Before(from) {
			ate = ate.minus(m.sizes)
		}
	}
	for i, has := range sizesOf(now) {
		if has > 0 && (i != storage || now.Kind == cloud.Disk) { // that of a machine is its disks'
			g.sizes[i] = max(0, min(ate[i], given[i]-max(0, at[i]-has)))
		}
	}
	if g.part = r.part(now); g.part != nil && g.any() {
		if cost, known := g.part(g.sizes); known {
			g.annual = &cost
		}
	}
	return g
}

// hunger is what a new resource has not eaten yet of what it uses.
func (r *run) hunger(now cloud.Resource) growth {
	own := now
	own.StorageGiB, _ = r.ownStorage(now, 1)
	g := growth{sizes: sizesOf(own)}
	g.annual, _ = worth(r.Book, own, r.at)
	g.part = r.part(own)
	for _, m := range r.ate[now.ID] {
		if p := r.byID[m.of]; p == nil || p.returned {
			continue // who had given it is back: it is eaten of somebody else's
		}
		g.sizes = g.minus(m.sizes)
		if g.annual != nil && m.annual != nil && g.annual.Currency() == m.annual.Currency() {
			rest, _ := g.annual.Sub(*m.annual)
			g.annual = &rest
		}
	}
	for i := range g.sizes {
		g.sizes[i] = max(0, g.sizes[i])
	}
	return g
}

// eat books what a resource eats of positions, and returns those that have something left.
func (r *run) eat(of []*position, now cloud.Resource, born time.Time, g growth, evidence *Evidence) []*position {
	for _, p := range of {
		if !g.any() {
			break
		}
		if !r.within(p, born) {
			continue
		}
		eaten, annual, left, short := p.take(g)
		if eaten == (sizes{}) {
			continue
		}
		g = left
		var gone Delta // the one that was released stays so, and the one that became smaller
		gone.resize(eaten)
		r.book(r.taking(p, now, Rebound, gone, annual, evidence))
		for _, q := range r.newest(p.ResourceID) { // which cost less by its category before it went
			if q.Effect == Recategorized && q.open() && q.Currency == short.Currency() && short.Sign() > 0 && r.within(q, born) {
				taken := atMost(short, *q.Annual)
				short, _ = short.Sub(*taken) // of one currency
				r.book(r.taking(q, now, Rebound, Delta{}, taken, evidence))
			}
		}
	}
	for len(of) > 0 && !of[0].sizes().any() {
		of = of[1:]
	}
	return of
}

// within reports whether who was born at an instant may eat of a position.
func (r *run) within(p *position, born time.Time) bool {
	return !born.Before(p.stood().AddDate(0, 0, -r.MigrationDays)) && !born.After(p.At.AddDate(0, 0, r.ReboundDays))
}

// giveBack books that a new resource which is gone again eats no longer what it had
// eaten, of those who are still gone or as small.
func (r *run) giveBack(was cloud.Resource, evidence *Evidence) {
	byPosition := map[string]*meal{}
	var order []string
	for _, m := range r.ate[was.ID] {
		all := byPosition[m.of]
		if all == nil {
			all = &meal{of: m.of, annual: &price.Amount{}}
			byPosition[m.of] = all
			order = append(order, m.of)
		}
		all.sizes = all.plus(m.sizes)
		if all.annual != nil {
			all.annual = added(all.annual, m.annual)
		}
	}
	for _, id := range order {
		p, m := r.byID[id], byPosition[id]
		if p == nil || m.sizes == (sizes{}) && (m.annual == nil || m.annual.Sign() == 0) || !r.standsYet(p) && (p.Effect != Downsized || !r.known(p.ResourceID)) {
			continue
		}
		var back, again Delta
		back.resize(sizes{}.minus(m.sizes))
		r.book(r.taking(p, was, Rebound, back, negative(m.annual), evidence))
		if r.standsYet(p) {
			continue
		}
		again.resize(m.sizes) // who had given it has taken it again meanwhile
		if p.sizes() == m.sizes {
			again.Changed = p.Changed
		}
		if now, listed := r.now[p.ResourceID]; listed {
			r.book(r.taking(p, now, Reversed, again, m.annual, &Evidence{Now: &now}))
		} else {
			r.book(r.taking(p, r.was[p.ResourceID], Reversed, again, m.annual, evidence))
		}
	}
}

// known reports whether a resource is in either inventory.
func (r *run) known(id string) bool {
	_, had := r.was[id]
	_, has := r.now[id]
	return had || has
}

// standsYet reports whether what a position gave is as it was then: its resource is gone,
// or no larger than it became.
func (r *run) standsYet(p *position) bool {
	now, listed := r.now[p.ResourceID]
	if p.Effect == Released {
		return !listed && !p.returned
	}
	if !listed { // as it was when it went
		now, listed = r.was[p.ResourceID]
	}
	for _, q := range r.of[p.ResourceID] {
		if !listed && q.gone() && q.Evidence != nil && q.Evidence.Was != nil {
			now, listed = *q.Evidence.Was, true
		}
	}
	if !listed || p.Evidence == nil || p.Evidence.Now == nil {
		return !listed
	}
	then := *p.Evidence.Now
	return (p.Effect != Recategorized || now.Category == then.Category) && now.VCPU <= then.VCPU && now.MemoryGiB <= then.MemoryGiB && now.StorageGiB <= then.StorageGiB && now.BandwidthMbps <= then.BandwidthMbps
}

// added is the sum of two amounts; nil where either is unknown or they have two
// currencies.
func added(a, b *price.Amount) *price.Amount {
	if a == nil || b == nil {
		return nil
	}
	both, err := a.Add(*b)
	if err != nil {
		return nil
	}
	return &both
}

// taking begins an entry that takes from a position: gone are its sizes, annual the yuan,
// nil where unknown.
func (r *run) taking(p *position, now cloud.Resource, effect Effect, gone Delta, annual *price.Amount, evidence *Evidence) Entry {
	e := r.entry(now, effect)
	e.Of, e.OfAt, e.Batch, e.Evidence = p.ID, p.At, p.Batch, evidence
	e.Department, e.Application = p.Department, p.Application // where it was credited
	e.Resources, e.Changed = -gone.Resources, -gone.Changed
	e.resize(sizes{}.minus(gone.sizes()))
	e.Annual, e.From, e.PriceBook, e.Currency, e.ExamplePrices = negative(annual), r.today(), p.PriceBook, p.Currency, p.ExamplePrices
	if p.From.After(e.From) || p.From.IsZero() {
		e.From = p.From // what was not saved yet is not lost before
	}
	if annual == nil {
		e.Missing = append(slices.Clone(p.Missing), "saving_unknown")
	}
	return e
}
