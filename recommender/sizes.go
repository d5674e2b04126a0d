package recommender

import (
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// Size is one size on offer that was considered in place of the current one.
type Size struct {
	Spec
	// Unfit is why it is out of the question; empty: it fits.
	Unfit  string  `json:"unfit,omitempty"`
	Checks []Check `json:"checks"` // against the policy's limits, of the dimensions that they hold for
	// Annual is its price a year, and Saving what it saves of the current one;
	// Priced is false where the price book does not know both.
	Annual price.Amount `json:"annual"`
	Saving price.Amount `json:"saving"`
	Priced bool         `json:"priced"`
}

// Check is one limit held against utilization as it would have been: Value × Factor
// Op Limit.
type Check struct {
	Metric    cloud.Metric `json:"metric"`
	Statistic string       `json:"statistic"`
	Value     *float64     `json:"value,omitempty"` // on the current size; absent: not known, which does not fit
	Factor    float64      `json:"factor"`          // current size / this size
	Projected *float64     `json:"projected,omitempty"`
	Op        string       `json:"op"`
	Limit     float64      `json:"limit"`
	Unit      cloud.Unit   `json:"unit"`
	Holds     bool         `json:"holds"`
}

// Why a size is unfit.
const (
	UnfitDimension = "dimension_untouched" // it changes a dimension that the rule does not touch, or memory unseen
	UnfitFloor     = "below_floor"         // smaller than the policy's least size
	UnfitStep      = "beyond_step"         // more than one step away
	UnfitLimit     = "over_limit"          // a check does not hold
	UnfitCensored  = "cpu_censored"        // it fits, but nobody knows how much CPU was wanted
	UnfitCost      = "no_saving"           // known to cost as much or more
)

// UnfitCodes lists the codes above.
func UnfitCodes() []string {
	return []string{UnfitDimension, UnfitFloor, UnfitStep, UnfitLimit, UnfitCensored, UnfitCost}
}

// Sizes lists the sizes that Recommend considers for a resource, which rule of the
// policy matched, with what speaks against each: for a downsize all that are larger
// in no dimension, for an upsize all that are smaller in none; of storage the one
// size that the limits ask for. It is empty for another action and for a resource
// refused before its size was looked at.
//
// Input of c must hold the utilization that NeedsUtilization asks for. Among those
// that fit, the choice also depends on the fleet: on groups and on risk.
func Sizes(p policies.Pack, c Candidate, catalog cloud.Catalog, book price.Book, now time.Time) []Size {
	r := &run{pack: p, catalog: catalog.Sorted(), types: catalog, book: book, now: now}
	pr := r.propose(&c)
	if pr == nil || pr.action != Downsize && pr.action != Upsize || len(pr.refused) > 0 && !slices.Contains(ofSizes, pr.refused[0].Code) {
		return nil
	}
	rule, res := pr.rule, c.Input.Resource
	var specs []Spec
	unfit := func(Spec) string { return "" }
	checks := func(s Spec, each func(Check) bool) { r.project(&c, s, each) }
	switch storage := slices.Contains(rule.Dimensions, "storage"); {
	case storage:
		if need, known := r.storageNeed(pr); known && res.StorageGiB > 0 {
			s := specOf(res)
			if s.StorageGiB = need; pr.action == Downsize {
				s.StorageGiB = r.storageTarget(res, need)
			}
			specs = append(specs, s)
			unfit = func(s Spec) string {
				if s.StorageGiB == res.StorageGiB || s.StorageGiB > res.StorageGiB == (pr.action == Downsize) {
					return UnfitLimit // the limits ask for as much as there is
				}
				return ""
			}
		}
	case res.VCPU <= 0 || res.MemoryGiB <= 0:
	case pr.action == Downsize:
		touch, _ := r.touched(pr)
		specs = r.beside(res, func(s Spec) bool { return s.VCPU <= res.VCPU && s.MemoryGiB <= res.MemoryGiB })
		unfit = func(s Spec) string { return r.unfit(&c, touch, s) }
	default:
		specs = r.beside(res, func(s Spec) bool { return s.VCPU >= res.VCPU && s.MemoryGiB >= res.MemoryGiB })
		checks = func(s Spec, each func(Check) bool) { r.relief(pr, s, each) }
		unfit = func(s Spec) string {
			if r.relieves(pr, s) {
				return ""
			}
			return UnfitLimit
		}
	}
	quote := book.Quote(res, now)
	out := []Size{}
	for _, s := range specs {
		o := r.quoted(res, quote, option{spec: s})
		size := Size{Spec: s, Unfit: unfit(s), Annual: o.cost, Saving: o.saving, Priced: o.known, Checks: []Check{}}
		checks(s, func(k Check) bool { size.Checks = append(size.Checks, k); return true })
		if size.Unfit == "" && pr.action == Downsize && o.known && o.saving.Sign() <= 0 {
			size.Unfit = UnfitCost
		}
		out = append(out, size)
	}
	return out
}

// ofSizes are the refusals that come of looking at sizes.
var ofSizes = []string{CodeSizeUnknown, CodeTypeUnknown, CodeMemoryUnknown, CodeCPUWithheld, CodeCPUCapped, CodeNoSmallerSize, CodeNoLargerSize, CodeNoSaving}

// beside lists the sizes on offer other than the current one that are kept, in
// the order of the offer.
func (r *run) beside(res cloud.Resource, keep func(Spec) bool) []Spec {
	offered, _ := r.offered(res)
	var out []Spec
	for _, o := range offered {
		if s := o.spec; (s.VCPU != res.VCPU || s.MemoryGiB != res.MemoryGiB) && keep(s) {
			out = append(out, s)
		}
	}
	return out
}

// unfit says why a smaller size is out of the question; empty: it fits.
func (r *run) unfit(c *Candidate, touch dimensions, s Spec) string {
	res := c.Input.Resource
	switch {
	case !touch.shrinks(res, s):
		return UnfitDimension
	case s.VCPU < res.VCPU && s.VCPU < r.pack.Sizing.MinVCPU || s.MemoryGiB < res.MemoryGiB && s.MemoryGiB < r.pack.Sizing.MinMemoryGiB:
		return UnfitFloor
	case !r.withinStep(res, s):
		return UnfitStep
	case !r.fits(c, s):
		return UnfitLimit
	case touch.censored && s.VCPU < res.VCPU: // last, so that it is said only where it decides
		return UnfitCensored
	}
	return ""
}

// fits reports whether utilization projected on s keeps the policy's limits, in
// the dimensions that shrink. A statistic that is not known does not fit.
func (r *run) fits(c *Candidate, s Spec) bool {
	fit := true
	r.project(c, s, func(k Check) bool { fit = k.Holds; return fit })
	return fit
}

// project holds s against the policy's limits, of the dimensions that shrink,
// until each has had enough.
func (r *run) project(c *Candidate, s Spec, each func(Check) bool) {
	samples := samplesOf(c)
	for _, l := range r.pack.Sizing.Limits {
		factor, shrinks := growth(c.Input.Resource, s, l.Metric)
		if shrinks && !each(check(samples, l, factor)) {
			return
		}
	}
}

// relieves reports whether the percentiles of the tight dimension keep the
// limits on s.
func (r *run) relieves(pr *proposal, s Spec) bool {
	relieved := true
	r.relief(pr, s, func(k Check) bool { relieved = k.Holds; return relieved })
	return relieved
}

// relief holds s against the limits on percentiles of the tight dimension, until
// each has had enough. Peaks are left out: a machine that touched 100 % once would
// otherwise be answered with a size far too large.
func (r *run) relief(pr *proposal, s Spec, each func(Check) bool) {
	of := map[cloud.Metric]string{cloud.CPUPercent: "cpu", cloud.MemoryPercent: "memory"}
	for _, l := range r.pack.Sizing.Limits {
		_, percentile := policies.Quantile(l.Statistic)
		if !percentile || !slices.Contains(pr.rule.Dimensions, of[l.Metric]) {
			continue
		}
		factor, _ := growth(pr.resource(), s, l.Metric)
		if !each(check(samplesOf(pr.c), l, factor)) {
			return
		}
	}
}

// check projects one statistic and holds it against its limit.
func check(samples analyzer.Samples, l policies.Condition, factor float64) Check {
	k := Check{Metric: l.Metric, Statistic: l.Statistic, Factor: factor, Op: l.Op, Limit: l.Limit, Unit: l.Unit}
	v, ok := samples.Value(l)
	if !ok {
		return k
	}
	projected := v * factor
	k.Value, k.Projected, k.Holds = &v, &projected, policies.Holds(projected, l.Op, l.Limit)
	return k
}
