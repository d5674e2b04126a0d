package ledger

import (
	"cmp"
	"slices"
	"time"

	"yunjian/cloud"
)

// Reconcile returns what two inventories of one cloud, taken one after the other, add to
// the ledger, which holds entries. Nothing follows from a first inventory, nor from one
// that is not later than the one before, and what is in the ledger is not booked again.
// Entries come in the order of Sort.
func Reconcile(before, after cloud.Inventory, entries []Entry, s Settings) []Entry {
	if before.TakenAt.IsZero() || !after.TakenAt.After(before.TakenAt) {
		return nil
	}
	r := newRun(before, after, entries, s)
	if r.booked(after.TakenAt) {
		return nil
	}
	r.compare()
	r.newcomers()
	r.verify()
	Sort(r.out)
	return r.out
}

// run is one Reconcile.
type run struct {
	Settings
	before, after cloud.Inventory
	was, now      map[string]cloud.Resource
	disks         [2]map[string]float64 // GiB of the listed disks of each instance, before and after
	complete      map[scope]cloud.Scope // listings of after that were read to the end
	known         map[scope]bool        // those of before
	at            time.Time

	entries   []Entry
	positions []*position
	byID      map[string]*position
	of        map[string][]*position // by resource
	by        map[owner][]*position  // by who gave
	out       []Entry
}

// owner is the application that gave, and what it gave.
type owner struct {
	department, application string
	kind                    cloud.Kind
}

// scope is one listing.
type scope struct {
	account, region string
	kind            cloud.Kind
}

func scopeOf(r cloud.Resource) scope { return scope{r.Account, r.Region, r.Kind} }

func newRun(before, after cloud.Inventory, entries []Entry, s Settings) *run {
	r := &run{
		Settings: s, before: before, after: after, was: map[string]cloud.Resource{}, now: map[string]cloud.Resource{},
		complete: map[scope]cloud.Scope{}, known: map[scope]bool{}, of: map[string][]*position{}, by: map[owner][]*position{}, byID: map[string]*position{}, at: after.TakenAt.In(s.Location),
	}
	for _, e := range entries {
		if e.Cloud == after.Cloud {
			r.entries = append(r.entries, e)
		}
	}
	for i, side := range []struct {
		inv cloud.Inventory
		to  map[string]cloud.Resource
	}{{before, r.was}, {after, r.now}} {
		r.disks[i] = map[string]float64{}
		for _, x := range side.inv.Resources {
			side.to[x.ID] = x
			if x.Kind == cloud.Disk && x.AttachedTo != "" {
				r.disks[i][x.AttachedTo] = sum(r.disks[i][x.AttachedTo], x.StorageGiB)
			}
		}
	}
	for _, x := range before.Scopes {
		r.known[scope{x.Account, x.Region, x.Kind}] = x.Complete
	}
	for _, x := range after.Scopes {
		if x.Complete {
			r.complete[scope{x.Account, x.Region, x.Kind}] = x
		}
	}
	for _, p := range positions(r.entries) {
		r.hold(p)
	}
	return r
}

// hold makes a position known.
func (r *run) hold(p *position) {
	r.positions, r.byID[p.ID] = append(r.positions, p), p
	r.of[p.ResourceID] = append(r.of[p.ResourceID], p)
	by := owner{p.Department, p.Application, p.Kind}
	r.by[by] = append(r.by[by], p)
}

// booked reports whether this observation, or a later one, is in the ledger: it is then
// not looked at again. What bills made, at the instant of their import, is none.
func (r *run) booked(at time.Time) bool {
	return slices.ContainsFunc(r.entries, func(e Entry) bool { return !e.At.Before(at) && (e.Evidence == nil || e.Evidence.Note == "") })
}

// own is a resource as it is priced: the storage of an instance without that of its
// disks, which are listed and priced by themselves.
func (r *run) own(x cloud.Resource, side int) cloud.Resource {
	if x.Kind == cloud.Instance {
		x.StorageGiB = max(0, sum(x.StorageGiB, -r.disks[side][x.ID]))
	}
	return x
}

// compare books what became of each resource of the inventory before.
func (r *run) compare() {
	for _, was := range r.before.Resources {
		now, listed := r.now[was.ID]
		listing, complete := r.complete[scopeOf(was)]
		switch {
		case listed:
			r.resized(was, now)
		case complete:
			r.released(was, listing)
		}
	}
}

// released books a resource that is gone.
func (r *run) released(was cloud.Resource, listing cloud.Scope) {
	own := r.own(was, 0)
	e := r.entry(was, Released)
	e.Delta = Delta{Resources: 1, VCPU: was.VCPU, MemoryGiB: was.MemoryGiB, StorageGiB: own.StorageGiB, BandwidthMbps: was.BandwidthMbps}
	e.Evidence = &Evidence{Was: &was, Scope: &listing}
	// What goes with its instance is part of it, not a resource of its own.
	if host, had := r.was[was.AttachedTo]; had && was.AttachedTo != "" {
		if _, still := r.now[host.ID]; !still {
			if _, complete := r.complete[scopeOf(host)]; complete {
				e.PartOf, e.Resources = host.ID, 0
			}
		}
	}
	annual, missing := worth(r.Book, own, r.at)
	if annual != nil {
		rounded := annual.Round()
		annual = &rounded
	}
	e.Annual, e.Missing, e.From = annual, missing, r.from(was)
	r.book(e)
}

// resized books a resource that is smaller or cheaper than it was, and takes back what
// was booked of one that grew.
func (r *run) resized(was, now cloud.Resource) {
	if was.Kind != now.Kind {
		return
	}
	before, after := r.own(was, 0), r.own(now, 1)
	given := Delta{
		VCPU: int(fell(float64(was.VCPU), float64(now.VCPU))), MemoryGiB: fell(was.MemoryGiB, now.MemoryGiB),
		StorageGiB: fell(before.StorageGiB, after.StorageGiB), BandwidthMbps: fell(was.BandwidthMbps, now.BandwidthMbps),
	}
	if now.Kind == cloud.Instance && (r.disks[0][was.ID] > 0) != (r.disks[1][now.ID] > 0) {
		// Listed with its disks once and without them once: nothing changed by that.
		given.StorageGiB, after.StorageGiB = 0, before.StorageGiB
	}
	smaller := given.VCPU > 0 || given.MemoryGiB > 0 || given.StorageGiB > 0 || given.BandwidthMbps > 0
	larger := given.VCPU < 0 || given.MemoryGiB < 0 || given.StorageGiB < 0 || given.BandwidthMbps < 0
	recategorized := was.Kind == cloud.Disk && was.Category != now.Category && was.Category != "" && now.Category != ""
	if !smaller && !larger && !recategorized {
		return
	}
	annual, missing := difference(r.Book, before, after, r.at)
	e := r.entry(now, Downsized)
	e.Department, e.Application = cmp.Or(was.Department, now.Department), cmp.Or(was.Application, now.Application)
	given.Changed = 1
	e.Delta, e.Annual, e.Missing, e.From = given, annual, missing, r.from(was)
	e.Evidence = &Evidence{Was: &was, Now: &now}
	saves := annual != nil && annual.Sign() > 0
	switch {
	case smaller && (!larger || saves) && (annual == nil || annual.Sign() >= 0):
		r.book(e)
	case !smaller && !larger && saves:
		e.Effect, e.Changed = Recategorized, 0 // nothing of it was given back
		r.book(e)
	case larger || recategorized && annual != nil && annual.Sign() < 0:
		g := growth{Delta: Delta{VCPU: -given.VCPU, MemoryGiB: -given.MemoryGiB, StorageGiB: -given.StorageGiB, BandwidthMbps: -given.BandwidthMbps}}
		g.all = !smaller && !larger // a category has no size to take back by
		if annual != nil && annual.Sign() < 0 {
			g.annual = negative(annual)
		}
		r.takeBack(now, Reversed, g, &Evidence{Was: &was, Now: &now})
	}
}

// fell is how much less there is; 0 where either is unknown.
func fell(was, now float64) float64 {
	if was == 0 || now == 0 {
		return 0
	}
	return sum(was, -now)
}

// newcomers takes back what returning and new resources eat.
func (r *run) newcomers() {
	for _, now := range r.after.Resources {
		if _, had := r.was[now.ID]; had {
			continue
		}
		own := r.own(now, 1)
		g := growth{Delta: Delta{Resources: 1, VCPU: now.VCPU, MemoryGiB: now.MemoryGiB, StorageGiB: own.StorageGiB, BandwidthMbps: now.BandwidthMbps}}
		g.annual, _ = worth(r.Book, own, r.at)
		evidence := &Evidence{Now: &now}
		if slices.ContainsFunc(r.of[now.ID], func(p *position) bool { return p.Effect == Released && p.open() }) {
			r.takeBack(now, Reversed, g, evidence)
			continue
		}
		// What a listing that was not read to the end did not show is perhaps not new.
		if r.known[scopeOf(now)] || now.CreatedAt.After(r.before.TakenAt) {
			r.rebound(now, g, evidence)
		}
	}
}

// takeBack books what a resource takes again of its own entries, the last one first. A
// released one that returns takes that entry whole, if it is as large.
func (r *run) takeBack(now cloud.Resource, effect Effect, g growth, evidence *Evidence) {
	of := slices.Clone(r.of[now.ID])
	slices.SortStableFunc(of, newestFirst)
	for _, p := range of {
		if p.open() && (!g.none() || g.all) {
			g = r.eat(p, now, effect, g, evidence)
		}
	}
}

// rebound books what a new resource eats of what its application gave within the last
// days, the oldest first.
func (r *run) rebound(now cloud.Resource, g growth, evidence *Evidence) {
	if now.Application == "" {
		return
	}
	since := r.at.AddDate(0, 0, -r.ReboundDays)
	g.Resources = 0 // another resource: what was released stays so
	for _, p := range r.by[owner{now.Department, now.Application, now.Kind}] {
		if !p.At.Before(since) && p.open() && !g.none() {
			g = r.eat(p, now, Rebound, g, evidence)
		}
	}
}

// eat books what growth takes from a position, and returns what of the growth is left.
func (r *run) eat(p *position, now cloud.Resource, effect Effect, g growth, evidence *Evidence) growth {
	eaten, annual, left := p.take(g)
	if effect == Rebound {
		eaten.Changed = 0 // another machine: the one that became smaller stays so
	}
	if eaten == (Delta{}) && !g.all {
		return left
	}
	e := r.entry(now, effect)
	e.Of, e.Batch, e.Evidence = p.ID, p.Batch, evidence
	e.Department, e.Application = p.Department, p.Application                                                                          // where it was credited
	e.Delta = Delta{-eaten.Resources, -eaten.Changed, -eaten.VCPU, 0 - eaten.MemoryGiB, 0 - eaten.StorageGiB, 0 - eaten.BandwidthMbps} // 0 − 0 is no −0
	e.Annual, e.From, e.PriceBook, e.Currency, e.ExamplePrices = negative(annual), r.today(), p.PriceBook, p.Currency, p.ExamplePrices
	if p.From.After(e.From) || p.From.IsZero() {
		e.From = p.From // what was not saved yet is not lost before
	}
	if annual == nil {
		e.Missing = append(slices.Clone(p.Missing), "saving_unknown")
	}
	r.book(e)
	return left
}

// verify books that entries of earlier inventories still hold.
func (r *run) verify() {
	for _, p := range r.positions {
		if p.verified || !p.open() || r.at.Sub(p.At) < r.VerifyAfter {
			continue
		}
		now, listed := r.now[p.ResourceID]
		was := cloud.Resource{Kind: p.Kind}
		if p.Evidence != nil && p.Evidence.Was != nil {
			was = *p.Evidence.Was
		}
		listing, complete := r.complete[scopeOf(was)]
		if !complete || listed == (p.Effect == Released) {
			continue // it is not known, or is no longer so and was booked above
		}
		e := r.entry(was, Verified)
		e.ResourceID, e.Name, e.Department, e.Application = p.ResourceID, p.Name, p.Department, p.Application
		e.Of, e.Batch, e.Evidence = p.ID, p.Batch, &Evidence{Scope: &listing}
		if listed {
			e.Evidence = &Evidence{Now: &now}
		}
		e.PriceBook = ""
		r.book(e)
	}
}

// entry begins one about a resource.
func (r *run) entry(x cloud.Resource, effect Effect) Entry {
	return Entry{
		Effect: effect, At: r.at, Since: r.before.TakenAt.In(r.Location), ResourceID: x.ID, Kind: x.Kind, Name: x.Name, Cloud: r.after.Cloud,
		Department: x.Department, Application: x.Application, Currency: r.Book.Currency, PriceBook: r.Book.Ref(), ExamplePrices: r.Book.Example,
	}
}

// from is the first day without billing: the day after a term that was paid for in
// advance, zero where nobody knows that term, else the day on which it was observed.
func (r *run) from(was cloud.Resource) time.Time {
	switch {
	case was.ChargeType != cloud.Prepaid || !was.ExpiresAt.IsZero() && !was.ExpiresAt.After(r.at):
		return r.today()
	case was.ExpiresAt.IsZero():
		return time.Time{}
	}
	return dayOf(was.ExpiresAt, r.Location).AddDate(0, 0, 1)
}

func (r *run) today() time.Time { return dayOf(r.at, r.Location) }

// book credits an entry to the advice that it fulfils and keeps it, both in what is
// returned and in the positions that later ones may take from.
func (r *run) book(e Entry) {
	if e.Effect.Gives() {
		for _, a := range r.Claims[e.ResourceID] {
			if a.Effect == e.Effect {
				claim := a.Claim
				e.Claim, e.Batch = &claim, claim.Batch
				break
			}
		}
	}
	e.ID = identify(e)
	r.out = append(r.out, e)
	if e.Effect.Gives() {
		r.hold(&position{Entry: e})
	} else {
		r.byID[e.Of].apply(e)
	}
}
