package recommender

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// Candidate is one resource with what was found of it.
type Candidate struct {
	// Input may hold only what NeedsUtilization asks for once it was judged: a
	// fleet of Summaries is large.
	Input   analyzer.Input
	Finding analyzer.Finding
	Past    Past // from which the fleet's own past tells how likely a size is to be exceeded
	// Drowsy: a first look found hours of rest. Nights is what its weeks then said.
	Drowsy bool
	Nights analyzer.Nights
}

// NeedsUtilization reports whether Recommend reads m's statistics of a resource
// so judged: those that a size is made from, and only where a rule matched.
func NeedsUtilization(f analyzer.Finding, m cloud.Metric) bool {
	return f.Rule != "" && m.Unit() == cloud.Percent
}

// Recommend turns findings into things to do, greatest saving first, and says
// for every resource that matched a rule with an action why nothing is proposed
// for it. previous is the advice of the weekly audit before; the order of fleet
// and previous does not matter.
func Recommend(p policies.Pack, fleet []Candidate, catalog cloud.Catalog, book price.Book, previous []Recommendation, now time.Time) ([]Recommendation, []Refusal) {
	fleet = slices.Clone(fleet)
	slices.SortFunc(fleet, func(a, b Candidate) int {
		ra, rb := a.Input.Resource, b.Input.Resource
		return cmp.Or(cmp.Compare(kindOrder(ra.Kind), kindOrder(rb.Kind)), cmp.Compare(ra.ID, rb.ID))
	})
	r := &run{pack: p, catalog: catalog.Sorted(), types: catalog, book: book, now: now, chances: learn(fleet, Standard())}
	proposals := make([]*proposal, 0, len(fleet))
	for i := range fleet {
		if pr := r.propose(&fleet[i]); pr != nil {
			proposals = append(proposals, pr)
		}
	}
	r.settleAllowance(fleet, proposals)
	r.settleGroups(fleet, proposals) // last, for what is refused of one peer is refused of all
	before := make(map[string]Recommendation, len(previous))
	for _, q := range previous {
		before[q.ID] = q
	}
	r.spend(fleet, proposals, before)
	recs, refusals := []Recommendation{}, []Refusal{}
	for _, pr := range proposals {
		if len(pr.refused) > 0 {
			refusals = append(refusals, Refusal{ResourceID: pr.resource().ID, Kind: pr.resource().Kind, Rule: pr.rule.ID, Reasons: pr.refused})
			continue
		}
		recs = append(recs, r.recommendation(pr, before))
	}
	stops, unstopped := r.schedules(fleet, recs, before)
	recs, refusals = append(recs, stops...), append(refusals, unstopped...)
	slices.SortFunc(recs, func(a, b Recommendation) int {
		return cmp.Or(b.AnnualSaving.Cmp(a.AnnualSaving), cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.ID, b.ID))
	})
	return recs, refusals
}

func kindOrder(k cloud.Kind) int { return slices.Index(cloud.Kinds(), k) }

// run is one call of Recommend.
type run struct {
	pack    policies.Pack
	catalog []cloud.InstanceType
	types   cloud.Catalog
	book    price.Book
	now     time.Time
	chances Chances
}

// proposal is what a rule asks for one resource, until it is refused.
type proposal struct {
	c       *Candidate
	rule    policies.Rule
	action  Action
	options []option // sizes that fit, best first; none for a release
	refused []analyzer.Reason
	// censored is why sizes with a smaller CPU are none of the options, though they fit.
	censored []analyzer.Reason
}

func (pr *proposal) resource() cloud.Resource { return pr.c.Input.Resource }

func (pr *proposal) refuse(code, detail string) *proposal {
	pr.refused = append(pr.refused, analyzer.Reason{Code: code, Detail: detail})
	return pr
}

// propose answers one finding; nil where the rule that matched asks for
// nothing, or none matched.
func (r *run) propose(c *Candidate) *proposal {
	rule, ok := r.pack.Rule(c.Finding.Rule)
	if !ok || rule.Action == "" {
		return nil
	}
	pr := &proposal{c: c, rule: rule, action: Action(rule.Action)}
	res := c.Input.Resource
	family := r.types[res.InstanceType].Family
	switch {
	case slices.Contains(c.Finding.Flags, analyzer.SuspectedPadding):
		return pr.refuse(CodePadding, "")
	case slices.Contains(c.Finding.Flags, analyzer.Exempt):
		i := slices.IndexFunc(c.Finding.Reasons, func(r analyzer.Reason) bool { return r.Code == analyzer.CodeExempt })
		if i >= 0 {
			pr.refused = append(pr.refused, c.Finding.Reasons[i])
			return pr
		}
		return pr.refuse(CodeExempt, "")
	case res.Kind == cloud.Instance && (res.GPU > 0 || r.types[res.InstanceType].GPU > 0):
		return pr.refuse(CodeGPU, res.InstanceType)
	case family != "" && slices.Contains(r.pack.Sizing.Refuse, family):
		return pr.refuse(CodeRefusedFamily, family)
	case pr.action == Release:
		if why, ok := r.withheld(c); ok && res.Status != cloud.PoweredOff { // one that is off is no idle one
			pr.refused = append(pr.refused, why)
			return pr
		}
		if risk := r.ofRelease(pr).HarmProbability; rule.MaxHarm > 0 && risk > rule.MaxHarm {
			pr.refused = append(pr.refused, tooRisky(risk, rule.MaxHarm))
		}
		return pr
	case res.LocalStorageGiB > 0 || r.types[res.InstanceType].LocalStorageGiB > 0:
		return pr.refuse(CodeLocalDisk, res.InstanceType)
	}
	var code, detail string
	if pr.action == Upsize {
		pr.options, code, detail = r.larger(pr)
	} else {
		pr.options, code, detail = r.smaller(pr)
	}
	switch {
	case code != "" && len(pr.censored) > 0: // else there would be a size
		pr.refused = pr.censored
	case code != "":
		pr.refuse(code, detail)
	}
	return pr
}

// settleGroups treats the peers of a high-availability group alike: all are
// released, or all take one size that fits each of them, or nothing is
// proposed. A standby peer is idle by design.
func (r *run) settleGroups(fleet []Candidate, proposals []*proposal) {
	size := map[string]int{}
	for _, c := range fleet {
		if key, ok := group(c.Input.Resource); ok {
			size[key]++
		}
	}
	members := map[string][]*proposal{}
	var keys []string
	for _, pr := range proposals {
		key, ok := group(pr.resource())
		if !ok || size[key] < 2 || pr.action == Upsize {
			continue
		}
		if members[key] == nil {
			keys = append(keys, key)
		}
		members[key] = append(members[key], pr)
	}
	for _, key := range keys {
		if alike(members[key], size[key]) {
			continue
		}
		for _, pr := range members[key] {
			if len(pr.refused) == 0 {
				pr.refuse(CodeHAGroup, pr.resource().HAGroup)
			}
		}
	}
}

func group(res cloud.Resource) (string, bool) {
	return res.Account + "/" + res.HAGroup, res.Kind == cloud.Instance && res.HAGroup != ""
}

// alike narrows the options of all peers to those that every one of them has,
// and reports whether the peers can be treated alike.
func alike(peers []*proposal, size int) bool {
	if len(peers) < size {
		return false
	}
	first := peers[0]
	for _, pr := range peers {
		if len(pr.refused) > 0 || pr.action != first.action {
			return false
		}
	}
	if first.action == Release {
		return true
	}
	for _, pr := range peers[1:] {
		if specOf(pr.resource()) != specOf(first.resource()) {
			return false
		}
		first.options = slices.DeleteFunc(slices.Clone(first.options), func(o option) bool {
			return !slices.ContainsFunc(pr.options, func(p option) bool { return p.spec == o.spec })
		})
	}
	if len(first.options) == 0 {
		return false
	}
	for _, pr := range peers[1:] { // in the order of the first, so that the k-th is one size for all
		own := pr.options
		pr.options = nil
		for _, o := range first.options {
			pr.options = append(pr.options, own[slices.IndexFunc(own, func(p option) bool { return p.spec == o.spec })])
		}
	}
	return true
}

// settleAllowance leaves departments alone whose share of idle vCPU is within
// what the policy allows.
func (r *run) settleAllowance(fleet []Candidate, proposals []*proposal) {
	allowed, ok := r.pack.Allowed()
	if !ok {
		return
	}
	idle, total := map[string]int{}, map[string]int{}
	for _, c := range fleet {
		res := c.Input.Resource
		if res.Kind != cloud.Instance {
			continue
		}
		total[res.Department] += res.VCPU
		if c.Finding.Verdict == analyzer.Idle {
			idle[res.Department] += res.VCPU
		}
	}
	for _, pr := range proposals {
		d := pr.resource().Department
		if pr.action == Upsize || len(pr.refused) > 0 || total[d] == 0 {
			continue
		}
		share := float64(idle[d]) / float64(total[d])
		if share <= allowed {
			pr.refused = append(pr.refused, analyzer.Reason{Code: CodeWithinAllowance, Value: &share, Limit: &allowed, Unit: cloud.Ratio, Detail: d})
		}
	}
}

// recommendation writes out a proposal that stands.
func (r *run) recommendation(pr *proposal, before map[string]Recommendation) Recommendation {
	res := pr.resource()
	rec := Recommendation{
		ID: identity(res.ID, pr.action, r.pack.ID), ResourceID: res.ID, Kind: res.Kind, Name: res.Name,
		Department: res.Department, Application: res.Application, Action: pr.action, Rule: pr.rule.ID,
		Current: specOf(res), Currency: r.book.Currency, PriceBook: r.book.Ref(), AnnualSaving: price.Zero(r.book.Currency),
		Flags: slices.Clone(pr.c.Finding.Flags), Reasons: slices.Clone(pr.c.Finding.Reasons),
	}
	r.saving(&rec, pr)
	switch pr.action {
	case Release:
		rec.Risk = r.ofRelease(pr)
	case Downsize:
		rec.Target = &pr.options[0].spec
		rec.Projected = r.projection(pr)
		rec.Risk = r.ofSize(pr, *rec.Target)
		rec.Reasons = append(rec.Reasons, pr.censored...)
	case Upsize:
		rec.Target = &pr.options[0].spec
		rec.Projected = r.projection(pr)
		rec.Risk = Risk{Grade: "A"} // capacity is added: nothing is taken that could be missed
	}
	r.confirm(&rec, before)
	return rec
}

// confirm counts how often advice was given in a row. What is for people to review is
// not made safer by being repeated.
func (r *run) confirm(rec *Recommendation, before map[string]Recommendation) {
	rec.ConsecutiveRuns, rec.FirstSeen = 1, r.now.Format(time.DateOnly)
	if b, ok := before[rec.ID]; ok {
		rec.ConsecutiveRuns = b.ConsecutiveRuns + 1
		rec.FirstSeen = cmp.Or(b.FirstSeen, rec.FirstSeen)
	}
	rec.Ready = rec.ConsecutiveRuns >= r.pack.ConfirmRuns && !rec.ToReview()
}

// saving sets what the recommendation saves a year, and from when.
func (r *run) saving(rec *Recommendation, pr *proposal) {
	res := pr.resource()
	if pr.action == Upsize {
		rec.SavingKnown, rec.SavingNote = true, NoteCosts
		return
	}
	now := r.book.Quote(res, r.now)
	if pr.action == Release {
		rec.AnnualSaving, rec.SavingKnown = now.Annual, now.Known()
	} else {
		rec.AnnualSaving, rec.SavingKnown = pr.options[0].saving, pr.options[0].known
	}
	rec.AnnualSaving = rec.AnnualSaving.Round() // to the fen, so that rows add up to their total
	if !rec.SavingKnown {
		rec.AnnualSaving = price.Zero(r.book.Currency)
	} else {
		rec.Pricing = &Pricing{Current: now.Lines}
		if pr.action == Downsize {
			rec.Pricing.Target = r.book.Quote(resized(res, pr.options[0].spec), r.now).Lines
		}
	}
	if pr.action == Downsize && pr.options[0].spec.StorageGiB < res.StorageGiB {
		rec.SavingNote = NoteMigrates
		rec.Reasons = append(rec.Reasons, analyzer.Reason{Code: CodeStorageMigration, Metric: cloud.DiskPercent, Value: &res.StorageGiB, Limit: &pr.options[0].spec.StorageGiB, Unit: cloud.GiB})
	}
	switch {
	case res.ChargeType == cloud.Prepaid:
		rec.SavingNote = NotePrepaid
		if res.ExpiresAt.After(r.now) {
			rec.SavingFrom = res.ExpiresAt.In(r.now.Location()).Format(time.DateOnly)
		}
	case res.Status == cloud.PoweredOff:
		rec.SavingNote = NoteStopped
	}
}

// identity derives a recommendation's id.
func identity(resource string, action Action, pack string) string {
	sum := sha256.Sum256([]byte(resource + "\x00" + string(action) + "\x00" + pack))
	return hex.EncodeToString(sum[:6])
}

func specOf(res cloud.Resource) Spec {
	return Spec{InstanceType: res.InstanceType, VCPU: res.VCPU, MemoryGiB: res.MemoryGiB, StorageGiB: res.StorageGiB}
}
