package recommender

import (
	"math"

	"yunjian/cloud"
	"yunjian/policies"
)

// ofSize is the risk of a smaller size: the sum of the chances of its
// dimensions, since either exceeded is harm. Exceeded and Compared are of the
// graver dimension.
func (r *run) ofSize(pr *proposal, target Spec) Risk {
	res, past := pr.resource(), pr.c.Past
	var risk Risk
	worst := -1.0
	add := func(w Working) {
		risk.Parts = append(risk.Parts, w)
		risk.HarmProbability += w.Probability
		risk.Prior = risk.Prior || w.Prior()
		if w.Probability <= worst {
			return
		}
		worst = w.Probability
		risk.Exceeded, risk.Compared = 0, 0
		if !w.Prior() {
			risk.Exceeded, risk.Compared = r.chances.Alike(w.Probability)
		}
	}
	for _, m := range sized {
		if _, shrinks := growth(res, target, m); shrinks {
			size := float64(target.VCPU)
			if m == cloud.MemoryPercent {
				size = target.MemoryGiB
			}
			add(r.chances.SizeChance(past, res, m, size))
		}
	}
	if factor, shrinks := growth(res, target, cloud.DiskPercent); shrinks {
		add(Standard().bySize(Working{Metric: cloud.DiskPercent, Size: target.StorageGiB}, highestP98(pr.c.Input.Utilization[cloud.DiskPercent]), 1/factor))
	}
	return graded(r.pack, risk)
}

// ofRelease is the risk of a release: the chance that the machine wakes up. Disks and
// addresses, and machines that are off, have no such past; the prior stands for it.
func (r *run) ofRelease(pr *proposal) Risk {
	if pr.resource().Kind != cloud.Instance || pr.resource().Status == cloud.PoweredOff {
		return graded(r.pack, Risk{HarmProbability: PriorRelease(), Prior: true})
	}
	w := r.chances.ReleaseChance(pr.c.Past, pr.resource())
	risk := Risk{HarmProbability: w.Probability, Prior: w.Prior(), Parts: []Working{w}}
	if !w.Prior() {
		risk.Exceeded, risk.Compared = r.chances.Alike(w.Probability)
	}
	return graded(r.pack, risk)
}

// graded rounds the probability up to four places and grades it; a prior earns
// no more than C.
func graded(pack policies.Pack, r Risk) Risk {
	r.HarmProbability = min(1, math.Ceil(r.HarmProbability*1e4-1e-9)/1e4)
	r.Grade = pack.Risk.Of(r.HarmProbability)
	if r.Prior && r.Grade < "C" {
		r.Grade = "C"
	}
	return r
}
