package ledger

import (
	"cmp"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

// Reconcile returns what two inventories of one cloud, seen one after the other, add to
// the ledger, which holds entries. Nothing follows from a first inventory, and what is in
// the ledger is not booked again. Which of the two was seen first is as they are given:
// the clock that dates them may have run ahead of itself. Entries come in the order of
// Sort.
func Reconcile(before, after cloud.Inventory, entries []Entry, s Settings) []Entry {
	if before.TakenAt.IsZero() {
		return nil
	}
	r := newRun(before, after, entries, s)
	if r.booked(entries) {
		return nil
	}
	r.returned() // first: what was eaten of who is back is eaten of somebody else's
	r.compare()
	r.rebound()
	r.verify()
	Sort(r.out)
	return r.out
}

// run is one Reconcile.
type run struct {
	Settings
	before, after cloud.Inventory
	was, now      map[string]cloud.Resource
	disks         [2]map[string]float64    // GiB of the listed disks of each instance, before and after
	loose         [2]map[scope]bool        // listings of disks of which nobody says whose they are
	listings      [2]map[scope]cloud.Scope // before and after
	first         map[scope]time.Time      // when a listing was first read to the end, or else showed something
	at, since     time.Time                // since: the first entries that are all at hand

	ids       map[string]bool
	positions []*position
	byID      map[string]*position
	of        map[string][]*position    // by resource
	ate       map[string][]meal         // by resource
	last      map[string]cloud.Resource // what the ledger saw of each last, as far as it was known
	out       []Entry
}

// meal is what a new resource ate of a position, or gave back of it, below zero.
type meal struct {
	of string
	at time.Time
	sizes
	annual *price.Amount // nil: unknown
}

// scope is one listing.
type scope struct {
	account, region string
	kind            cloud.Kind
}

func scopeOf(r cloud.Resource) scope { return scope{r.Account, r.Region, r.Kind} }

func newRun(before, after cloud.Inventory, entries []Entry, s Settings) *run {
	r := &run{
		Settings: s, before: before, after: after, was: map[string]cloud.Resource{}, now: map[string]cloud.Resource{}, first: map[scope]time.Time{}, at: after.TakenAt.In(s.Location),
		ids: map[string]bool{}, byID: map[string]*position{}, of: map[string][]*position{}, ate: map[string][]meal{}, last: map[string]cloud.Resource{},
	}
	r.since = r.Since(r.at)
	for i, side := range []struct {
		inv cloud.Inventory
		to  map[string]cloud.Resource
	}{{before, r.was}, {after, r.now}} {
		r.disks[i], r.listings[i], r.loose[i] = map[string]float64{}, map[scope]cloud.Scope{}, map[scope]bool{}
		for _, x := range side.inv.Resources {
			side.to[x.ID] = x
			if x.Kind == cloud.Disk && x.AttachedTo != "" {
				r.disks[i][x.AttachedTo] = sum(r.disks[i][x.AttachedTo], x.StorageGiB)
			} else if x.Kind == cloud.Disk && x.Status != cloud.Available {
				r.loose[i][scopeOf(x)] = true
			}
		}
		for _, x := range side.inv.Scopes {
			r.listings[i][scope{x.Account, x.Region, x.Kind}] = x
		}
	}
	for _, x := range before.Resources {
		if first, ok := r.first[scopeOf(x)]; !ok || x.FirstSeen.Before(first) {
			r.first[scopeOf(x)] = x.FirstSeen
		}
	}
	for of, x := range r.listings[0] {
		if !x.Since.IsZero() { // all that it held then may be gone
			r.first[of] = x.Since
		}
	}
	var own []Entry
	for _, e := range entries {
		if e.Cloud == after.Cloud {
			own = append(own, e)
			r.ids[e.ID] = true
		}
	}
	Sort(own)
	for _, p := range positions(own) {
		r.hold(p)
	}
	for _, e := range own {
		r.eaten(e)
		if e.Evidence != nil && e.Evidence.Now != nil {
			r.last[e.ResourceID] = filled(*e.Evidence.Now, r.last[e.ResourceID])
		}
	}
	return r
}

// booked reports whether this very observation is in the ledger, and none that followed
// from it. Somebody who imports May, June, May and June again goes back and forth.
func (r *run) booked(entries []Entry) bool {
	same := false
	for _, e := range entries {
		if e.Cloud != r.after.Cloud || e.Since.IsZero() || e.Evidence != nil && e.Evidence.Note != "" {
			continue // a bill's
		}
		same = same || e.Since.Equal(r.before.TakenAt) && e.At.Equal(r.at) && !e.Since.Equal(e.At)
		if e.Since.Equal(r.at) && !e.At.Equal(r.at) {
			return false
		}
	}
	return same
}

// hold makes a position known.
func (r *run) hold(p *position) {
	r.positions, r.byID[p.ID] = append(r.positions, p), p
	r.of[p.ResourceID] = append(r.of[p.ResourceID], p)
}

// eaten notes what a new resource ate.
func (r *run) eaten(e Entry) {
	if e.Effect == Rebound {
		r.ate[e.ResourceID] = append(r.ate[e.ResourceID], meal{e.Of, e.At, sizes{}.minus(e.sizes()), negative(e.annual())})
	}
}

// complete is a listing of after that was read to the end.
func (r *run) complete(of scope) (cloud.Scope, bool) {
	s := r.listings[1][of]
	return s, s.Complete
}

// ownStorage is the storage of a resource without that of its disks, which are listed and
// priced by themselves; false where nobody knows, for the disks are listed at one time
// and not at another. Of the two sides, before is 0 and after 1.
func (r *run) ownStorage(x cloud.Resource, side int) (float64, bool) {
	if x.Kind != cloud.Instance {
		return x.StorageGiB, true
	}
	disks := scope{x.Account, x.Region, cloud.Disk}
	_, once := r.listings[0][disks]
	_, then := r.listings[1][disks]
	if !once && !then && r.disks[0][x.ID] == 0 && r.disks[1][x.ID] == 0 {
		return x.StorageGiB, true
	}
	if rest := max(0, sum(x.StorageGiB, -r.disks[side][x.ID])); r.listings[side][disks].Complete && (rest == 0 || !r.loose[side][disks]) {
		return rest, true
	}
	return 0, false
}

// compare books what became of each resource of the inventory before.
func (r *run) compare() {
	eats := func(x cloud.Resource) bool { return len(r.ate[x.ID]) > 0 && len(r.of[x.ID]) == 0 }
	others := slices.DeleteFunc(slices.Clone(r.before.Resources), eats)
	eaters := slices.DeleteFunc(slices.Clone(r.before.Resources), func(x cloud.Resource) bool { return !eats(x) })
	for _, was := range slices.Concat(eaters, others) { // first who gives back what it had eaten of the others
		now, listed := r.now[was.ID]
		listing, complete := r.complete(scopeOf(was))
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
	if slices.ContainsFunc(r.of[was.ID], (*position).gone) {
		return
	}
	e := r.entry(was, Released)
	own := was
	own.StorageGiB, _ = r.ownStorage(was, 0) // of disks that nobody lists it is with the disks
	e.Delta = Delta{Resources: 1, VCPU: was.VCPU, MemoryGiB: was.MemoryGiB, StorageGiB: own.StorageGiB, BandwidthMbps: was.BandwidthMbps}
	e.Evidence = &Evidence{Was: &was, Scope: &listing}
	if r.passing(was, e) {
		r.giveBack(was, e.Evidence)
		return
	}
	// What goes with its instance is part of it, not a resource of its own.
	if host, had := r.was[was.AttachedTo]; had && was.AttachedTo != "" {
		if _, still := r.now[host.ID]; !still {
			if _, complete := r.complete(scopeOf(host)); complete {
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
	r.give(e, was)
}

// passing reports whether what an entry would give was work that ended: of a resource that
// was there for days, and that nobody advised it for.
func (r *run) passing(was cloud.Resource, e Entry) bool {
	return !r.stood(was) && !r.advised(e) && len(r.of[was.ID]) == 0
}

// stood reports whether a resource that is gone was there for so long that its end is no
// everyday coming and going; also where nobody knows when it came, for it was there when
// its listing was first read.
func (r *run) stood(was cloud.Resource) bool {
	born := was.CreatedAt
	if born.IsZero() && was.FirstSeen.After(r.first[scopeOf(was)]) {
		born = was.FirstSeen
	}
	return !born.After(r.at.AddDate(0, 0, -r.StandingDays))
}

// resized books a resource that is smaller or cheaper than it was, and takes back what
// was booked of one that grew or became dearer. A new category is priced at the larger of
// the two sizes, and the sizes at the category that is left: so each has its own price.
func (r *run) resized(was, now cloud.Resource) {
	if was.Kind != now.Kind {
		return
	}
	evidence := &Evidence{Was: &was, Now: &now}
	before, after := r.remembered(was, now), now
	stored, known := r.ownStorage(before, 0)
	stores, knows := r.ownStorage(now, 1)
	if known && knows && r.disks[0][was.ID] == r.disks[1][now.ID] {
		before.StorageGiB, after.StorageGiB = stored, stores
	} else { // it is listed with its disks once and without them once, or one was put elsewhere
		before.StorageGiB, after.StorageGiB = 0, 0
	}
	if now.Kind == cloud.Disk && was.Category == "" && now.Category != "" {
		r.undo(now, evidence)
	}
	switch moved := was.Kind == cloud.Disk && was.Category != now.Category && was.Category != "" && now.Category != ""; {
	case moved && after.StorageGiB > before.StorageGiB:
		between := after
		between.Category = was.Category
		r.size(before, between, evidence)
		r.category(between, after, evidence)
	case moved:
		between := before
		between.Category = now.Category
		r.category(before, between, evidence)
		r.size(between, after, evidence)
	default:
		r.size(before, after, evidence)
	}
}

// size books what of a resource became smaller, and takes back what grew.
func (r *run) size(was, now cloud.Resource, evidence *Evidence) {
	given := Delta{
		VCPU: int(fell(float64(was.VCPU), float64(now.VCPU))), MemoryGiB: fell(was.MemoryGiB, now.MemoryGiB),
		StorageGiB: fell(was.StorageGiB, now.StorageGiB), BandwidthMbps: fell(was.BandwidthMbps, now.BandwidthMbps),
	}
	grown := sizes{}.minus(given.sizes())
	if given.sizes() == (sizes{}) {
		return
	}
	annual, missing := difference(r.Book, was, now, r.at)
	if grown.any() {
		g := growth{sizes: grown, part: r.part(now)}
		if !given.sizes().any() {
			g.annual = negative(annual)
		} else if g.part != nil {
			if costs, known := g.part(grown); known { // beyond what became smaller in exchange
				g.annual = &costs
			}
		}
		left, taken := r.takeBack(now, g, evidence)
		given.resize(sizes{}.minus(left.sizes))
		if taken != nil {
			annual = added(annual, taken)
		}
		if annual == nil || annual.Sign() <= 0 {
			return // what became smaller in exchange costs no less
		}
	}
	if !given.sizes().any() || annual != nil && annual.Sign() < 0 {
		return
	}
	e := r.entry(now, Downsized)
	e.Department, e.Application = cmp.Or(was.Department, now.Department), cmp.Or(was.Application, now.Application)
	given.Changed = 1
	e.Delta, e.Annual, e.Missing, e.From, e.Evidence = given, annual, missing, r.from(was), evidence
	if r.passing(was, e) {
		r.giveBack(was, evidence) // and eats as it is now
		return
	}
	r.give(e, was)
}

// category books a disk whose category costs less, or takes back what was booked of one
// whose category costs more.
func (r *run) category(was, now cloud.Resource, evidence *Evidence) {
	annual, _ := difference(r.Book, was, now, r.at)
	switch {
	case annual == nil: // nobody knows what it costs; that it is what it was is seen all the same
		r.undo(now, evidence)
	case annual.Sign() == 0:
	case annual.Sign() > 0:
		e := r.entry(now, Recategorized)
		e.Department, e.Application = cmp.Or(was.Department, now.Department), cmp.Or(was.Application, now.Application)
		e.Annual, e.From, e.Evidence = annual, r.from(was), evidence
		if r.passing(was, e) {
			r.giveBack(was, evidence)
			return
		}
		r.book(e)
	default:
		r.dearer(now, *atMost(*negative(annual), r.dearest(was, now)), evidence)
	}
}

// dearest is what the dearest category that a resource was booked with costs beyond the
// one it had last: nothing was ever given beyond that.
func (r *run) dearest(was, now cloud.Resource) (most price.Amount) {
	for _, p := range r.of[now.ID] {
		if p.Evidence == nil || p.Evidence.Was == nil || p.Evidence.Was.Category == "" {
			continue
		}
		then := now
		then.Category = p.Evidence.Was.Category
		if more, _ := difference(r.Book, then, was, r.at); more != nil && more.Cmp(most) > 0 {
			most = *more
		}
	}
	return most
}

// give books what a resource gives, less what it was in debt for: what it had used again
// and there was nobody else's to eat of.
func (r *run) give(e Entry, was cloud.Resource) {
	debt := r.debt(was)
	r.book(e)
	if of := r.of[was.ID]; debt.any() {
		r.eat(of[len(of)-1:], was, r.at, debt, e.Evidence)
	}
}

// fell is how much less there is; 0 where either is unknown.
func fell(was, now float64) float64 {
	if was == 0 || now == 0 {
		return 0
	}
	return sum(was, -now)
}

// verify books that entries of earlier inventories still hold.
func (r *run) verify() {
	for _, p := range r.positions {
		if p.verified || !p.open() || r.at.Sub(p.At) < r.VerifyAfter {
			continue
		}
		now, listed := r.now[p.ResourceID]
		was, had := r.was[p.ResourceID] // that became smaller, and may be listed elsewhere since
		if !had && p.Evidence != nil && p.Evidence.Was != nil {
			was = *p.Evidence.Was
		}
		e := r.entry(was, Verified)
		if listing, complete := r.complete(scopeOf(was)); listed && r.sized(p, now) {
			e.Evidence = &Evidence{Now: &now}
		} else if !listed && complete { // of one that became smaller before it went: it is smaller still
			e.Evidence = &Evidence{Scope: &listing}
		} else {
			continue // nobody knows
		}
		e.ResourceID, e.Name, e.Department, e.Application = p.ResourceID, p.Name, p.Department, p.Application
		e.Of, e.OfAt, e.Batch, e.PriceBook = p.ID, p.At, p.Batch, ""
		r.book(e)
	}
}

// sized reports whether what a resource has now is known wherever it became less. Had it
// grown again, that would have been taken; of another category than it was booked with
// nobody knows what it costs.
func (r *run) sized(p *position, now cloud.Resource) bool {
	if p.Effect == Released {
		return false
	}
	have := sizesOf(now)
	for i, given := range p.sizes() {
		if given != 0 && have[i] == 0 {
			return false
		}
	}
	return p.Effect != Recategorized || slices.ContainsFunc(r.of[p.ResourceID], func(q *position) bool {
		return q.Effect == Recategorized && q.open() && q.Evidence != nil && q.Evidence.Now != nil && q.Evidence.Now.Category == now.Category
	})
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

// advised reports whether somebody had advised what an entry shows.
func (r *run) advised(e Entry) bool { return r.claim(e) != nil }

// claim is the advice that an entry fulfils; nil: none.
func (r *run) claim(e Entry) *Claim {
	for _, a := range r.Claims[e.ResourceID] {
		if a.Effect == e.Effect {
			return &a.Claim
		}
	}
	return nil
}

// book credits an entry to the advice that it fulfils and keeps it, both in what is
// returned and in the positions that later ones may take from.
func (r *run) book(e Entry) {
	if e.Effect.Gives() {
		if claim := r.claim(e); claim != nil {
			e.Claim, e.Batch = claim, claim.Batch
		} else if e.PartOf != "" && e.Kind == cloud.Disk { // a notice that asks for a machine counts its disks in what that saves
			if host := r.claim(Entry{ResourceID: e.PartOf, Effect: e.Effect}); host != nil {
				e.Batch = host.Batch
			}
		}
	}
	e.ID = identify(e, 0)
	for n := 1; r.ids[e.ID]; n++ { // taken twice of one entry, or seen again after it was undone
		e.ID = identify(e, n)
	}
	r.ids[e.ID] = true
	r.out = append(r.out, e)
	if e.Effect.Gives() {
		r.hold(&position{Entry: e})
		return
	}
	r.byID[e.Of].apply(e)
	r.eaten(e)
}
