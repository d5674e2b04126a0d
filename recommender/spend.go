package recommender

import (
	"math"
	"slices"

	"yunjian/analyzer"
	"yunjian/cloud"
)

// steadiness is the share of its saving by which other advice must be better than
// that of the audit before: a department that was told one size is not told another
// for little more. A twentieth is proposed.
const steadiness = 0.05

// leastHarm machines may come to harm in the smallest fleet: of fewer than 25 machines
// a budget of 2 % is less than half a one, and nothing could ever be advised to them.
const leastHarm = 0.5

// Nominal prices, yuan a year, by which machines without a price are ranked among the
// others; nothing of them is shown.
const (
	nominalVCPU = 600
	nominalGiB  = 300
)

// HarmAllowed is how many of n instances the bounds of harm may add up to by a budget, a
// share of them.
func HarmAllowed(budget float64, n int) float64 { return max(budget*float64(n), leastHarm) }

// spend keeps the instances' advice within the policy's risk budget: of all sizes
// that the policy allows, and of releases, those are chosen together that save
// most while the chances of harm add up to no more than the budget allows. Peers of a
// high-availability group are one choice.
func (r *run) spend(fleet []Candidate, proposals []*proposal, before map[string]Recommendation) {
	if r.pack.Risk.Budget == 0 {
		return
	}
	instances := 0
	for _, c := range fleet {
		if c.Input.Resource.Kind == cloud.Instance {
			instances++
		}
	}
	groups := map[string]int{}
	var members [][]*proposal
	for _, pr := range proposals {
		res := pr.resource()
		if len(pr.refused) > 0 || pr.action == Upsize || res.Kind != cloud.Instance || slices.Contains(pr.rule.Dimensions, "storage") {
			continue
		}
		key, grouped := group(res)
		if at, ok := groups[key]; ok && grouped {
			members[at] = append(members[at], pr)
			continue
		}
		if grouped {
			groups[key] = len(members)
		}
		members = append(members, []*proposal{pr})
	}
	machines := make([]Choosable, len(members))
	for i, peers := range members {
		machines[i] = r.choosable(peers, before)
	}
	limits := Standard().Limits(r.pack.Risk.Budget, instances)
	limits.Harm = HarmAllowed(r.pack.Risk.Budget, instances)
	chosen, touched := Choose(machines, limits), map[string]int{}
	for i, k := range chosen {
		if k >= 0 {
			touched[machines[i].Kin] += len(members[i])
		}
	}
	for i, k := range chosen {
		for _, pr := range members[i] {
			switch {
			case k == Spared:
				pr.refused = append(pr.refused, ofKin(touched[machines[i].Kin], limits.Kin))
			case k < 0:
				pr.refused = append(pr.refused, r.beyond(machines[i], limits))
			case pr.action == Downsize:
				pr.options = pr.options[k : k+1]
			}
		}
	}
}

// choosable is the options that peers have in common: a release, or sizes of the
// best family.
func (r *run) choosable(peers []*proposal, before map[string]Recommendation) Choosable {
	first := peers[0]
	m := Choosable{Kin: Kin(first.resource(), first.c.Past.Now[cloud.CPUPercent].P50)}
	n := 1
	if first.action == Downsize {
		n = len(first.options)
		if i := slices.IndexFunc(first.options, func(o option) bool { return o.tier != first.options[0].tier }); i > 0 {
			n = i
		}
	}
	for k := range n {
		var o Option
		for _, pr := range peers {
			target := Spec{}
			risk := Risk{}
			if pr.action == Downsize {
				target = pr.options[k].spec
				risk = r.ofSize(pr, target)
			} else {
				risk = r.ofRelease(pr)
			}
			o.Harm += risk.HarmProbability
			o.Gravest = max(o.Gravest, risk.HarmProbability)
			saving := r.worth(pr, k, target)
			if was, ok := before[identity(pr.resource().ID, pr.action, r.pack.ID)]; ok && was.Target != nil && pr.action == Downsize && *was.Target != target {
				saving *= 1 - steadiness
			}
			o.Saving += saving
		}
		m.Options = append(m.Options, o)
	}
	return m
}

// worth is what an option saves, by the price book where it knows, else nominally.
func (r *run) worth(pr *proposal, k int, target Spec) float64 {
	res := pr.resource()
	nominal := nominalVCPU*float64(max(1, res.VCPU)-target.VCPU) + nominalGiB*(res.MemoryGiB-target.MemoryGiB) // a release of unknown size counts as one vCPU
	if pr.action == Downsize {
		if o := pr.options[k]; o.known {
			return o.saving.Decimal().InexactFloat64()
		}
		return nominal
	}
	if quote := r.book.Quote(res, r.now); quote.Known() {
		return quote.Annual.Decimal().InexactFloat64()
	}
	return nominal
}

// beyond says why nothing was chosen: even the least risky option is graver than any
// machine may run, or the budget saves more elsewhere, as it does where the graver only
// counts more.
func (r *run) beyond(m Choosable, l Limits) analyzer.Reason {
	least := 1.0
	for _, o := range m.Options {
		least = min(least, o.Gravest)
	}
	if least > l.Gravest && math.IsInf(l.Aversion, 1) {
		return tooRisky(least, l.Gravest)
	}
	return analyzer.Reason{Code: CodeRiskBudget, Statistic: "harm_probability", Value: &least, Limit: &r.pack.Risk.Budget, Unit: cloud.Ratio}
}

// ofKin says that a machine is spared for those of its kin that are touched.
func ofKin(touched, limit int) analyzer.Reason {
	n, most := float64(touched), float64(limit)
	return analyzer.Reason{Code: CodeKin, Value: &n, Limit: &most, Unit: cloud.Count}
}

func tooRisky(chance, limit float64) analyzer.Reason {
	return analyzer.Reason{Code: CodeTooRisky, Statistic: "harm_probability", Value: &chance, Limit: &limit, Unit: cloud.Ratio}
}
