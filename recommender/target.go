package recommender

import (
	"cmp"
	"math"
	"slices"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// storageGrain is the step, in GiB, in which smaller disks are proposed.
const storageGrain = 10

// option is one size that fits.
type option struct {
	spec   Spec
	tier   int // 0: the current family, then the allowed ones in their order
	saving price.Amount
	known  bool // both prices are known
	cost   price.Amount
}

// smaller lists the sizes that the policy allows in place of the current one,
// best first: own family before others, then the cheapest, then the smallest.
// Without one it says why.
func (r *run) smaller(pr *proposal) (options []option, code, detail string) {
	res := pr.resource()
	if slices.Contains(pr.rule.Dimensions, "storage") {
		return r.smallerStorage(pr)
	}
	if res.VCPU <= 0 || res.MemoryGiB <= 0 {
		return nil, CodeSizeUnknown, ""
	}
	touch, memoryKnown := r.touched(pr)
	offered, code := r.offered(res)
	if code != "" {
		return nil, code, res.InstanceType
	}
	for _, o := range offered {
		switch r.unfit(pr.c, touch, o.spec) {
		case "":
			options = append(options, o)
		case UnfitCensored:
			pr.censored = r.censored(pr.c)
		}
	}
	if len(options) == 0 {
		if !memoryKnown {
			return nil, CodeMemoryUnknown, ""
		}
		return nil, CodeNoSmallerSize, ""
	}
	return r.priced(res, options)
}

// dimensions are the sizes that may shrink.
type dimensions struct {
	cpu, memory bool
	censored    bool // the CPU may not, because nobody knows how much was wanted
}

// touched are the dimensions that the rule of pr may shrink, and whether memory is
// known: it may not be reduced unseen.
func (r *run) touched(pr *proposal) (touch dimensions, memoryKnown bool) {
	memoryKnown = pr.c.Input.Utilization[cloud.MemoryPercent].Samples > 0
	return dimensions{
		cpu:    slices.Contains(pr.rule.Dimensions, "cpu"),
		memory: slices.Contains(pr.rule.Dimensions, "memory") && memoryKnown,

		censored: len(r.censored(pr.c)) > 0,
	}, memoryKnown
}

// shrinks reports whether s is smaller than res in a dimension that may shrink,
// equal in one that may not, and larger in none.
func (d dimensions) shrinks(res cloud.Resource, s Spec) bool {
	if s.VCPU > res.VCPU || s.MemoryGiB > res.MemoryGiB {
		return false
	}
	if !d.cpu && s.VCPU != res.VCPU || !d.memory && s.MemoryGiB != res.MemoryGiB {
		return false
	}
	return s.VCPU < res.VCPU || s.MemoryGiB < res.MemoryGiB
}

// withinStep reports whether s is above the floor and no more than the step
// away, in each dimension that shrinks.
func (r *run) withinStep(res cloud.Resource, s Spec) bool {
	z := r.pack.Sizing
	if s.VCPU < res.VCPU && (s.VCPU < z.MinVCPU || float64(s.VCPU)*z.MaxStep < float64(res.VCPU)) {
		return false
	}
	return s.MemoryGiB >= res.MemoryGiB || s.MemoryGiB >= z.MinMemoryGiB && s.MemoryGiB*z.MaxStep >= res.MemoryGiB
}

func samplesOf(c *Candidate) analyzer.Samples {
	return analyzer.Samples{Resource: c.Input.Resource, Utilization: c.Input.Utilization, Peaks: c.Input.Peaks}
}

// growth is the factor by which utilization of a metric rises on s, and whether
// the dimension it is measured against shrinks.
func growth(res cloud.Resource, s Spec, m cloud.Metric) (factor float64, shrinks bool) {
	switch m {
	case cloud.CPUPercent:
		return float64(res.VCPU) / float64(s.VCPU), s.VCPU < res.VCPU
	case cloud.MemoryPercent:
		return res.MemoryGiB / s.MemoryGiB, s.MemoryGiB < res.MemoryGiB
	case cloud.DiskPercent:
		return res.StorageGiB / s.StorageGiB, s.StorageGiB < res.StorageGiB
	default:
		return 1, false
	}
}

// offered lists the sizes on offer for a machine, whatever its utilization: of
// its architecture, in its family and the allowed ones; for a machine without
// an instance type, the policy's ladder.
func (r *run) offered(res cloud.Resource) ([]option, string) {
	if res.InstanceType == "" {
		return r.ladder(res), ""
	}
	current, ok := r.types[res.InstanceType]
	if !ok {
		return nil, CodeTypeUnknown
	}
	architecture := cmp.Or(res.Architecture, current.Architecture)
	var out []option
	for _, t := range r.catalog {
		tier := 0
		if t.Family != current.Family {
			tier = 1 + slices.Index(r.pack.Sizing.Families, t.Family)
			if tier == 0 || architecture == "" || t.Architecture != architecture {
				continue
			}
		}
		if t.Architecture != "" && architecture != "" && t.Architecture != architecture {
			continue
		}
		if t.VCPU <= 0 || t.MemoryGiB <= 0 || t.GPU > 0 || t.LocalStorageGiB > 0 || t.Burstable && !current.Burstable || slices.Contains(r.pack.Sizing.Refuse, t.Family) {
			continue
		}
		out = append(out, option{spec: Spec{InstanceType: t.ID, VCPU: t.VCPU, MemoryGiB: t.MemoryGiB, StorageGiB: res.StorageGiB}, tier: tier})
	}
	return out, ""
}

// ladder lists the combinations of the policy's sizes, and of the current value
// of either, by vCPU and memory.
func (r *run) ladder(res cloud.Resource) []option {
	vcpus := append(slices.Clone(r.pack.Sizing.VCPUs), res.VCPU)
	memories := append(slices.Clone(r.pack.Sizing.MemoriesGiB), res.MemoryGiB)
	slices.Sort(vcpus)
	slices.Sort(memories)
	var out []option
	for _, v := range slices.Compact(vcpus) {
		for _, m := range slices.Compact(memories) {
			out = append(out, option{spec: Spec{VCPU: v, MemoryGiB: m, StorageGiB: res.StorageGiB}})
		}
	}
	return out
}

// priced ranks options by tier, price and size, and drops those that are known
// to save nothing.
func (r *run) priced(res cloud.Resource, options []option) ([]option, string, string) {
	now := r.book.Quote(res, r.now)
	kept := options[:0]
	for _, o := range options {
		o = r.quoted(res, now, o)
		if !o.known || o.saving.Sign() > 0 {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		return nil, CodeNoSaving, ""
	}
	slices.SortFunc(kept, func(a, b option) int {
		if c := cmp.Compare(a.tier, b.tier); c != 0 {
			return c
		}
		if a.known != b.known {
			if a.known {
				return -1
			}
			return 1
		}
		if a.known {
			if c := a.cost.Cmp(b.cost); c != 0 {
				return c
			}
		}
		return bySize(a, b)
	})
	return kept, "", ""
}

// quoted is o with its price, and what it saves of the price as it stands.
func (r *run) quoted(res cloud.Resource, now price.Quote, o option) option {
	quote := r.book.Quote(resized(res, o.spec), r.now)
	saving, err := now.Annual.Sub(quote.Annual)
	o.cost, o.saving, o.known = quote.Annual, saving, err == nil && now.Known() && quote.Known()
	return o
}

func bySize(a, b option) int {
	return cmp.Or(cmp.Compare(a.spec.VCPU, b.spec.VCPU), cmp.Compare(a.spec.MemoryGiB, b.spec.MemoryGiB), cmp.Compare(a.spec.InstanceType, b.spec.InstanceType))
}

func resized(res cloud.Resource, s Spec) cloud.Resource {
	res.InstanceType, res.VCPU, res.MemoryGiB, res.StorageGiB = s.InstanceType, s.VCPU, s.MemoryGiB, s.StorageGiB
	return res
}

// storageNeed is the least storage, in GiB, on which the fill keeps the
// policy's limits.
func (r *run) storageNeed(pr *proposal) (float64, bool) {
	need, known := 0.0, false
	for _, l := range r.pack.Sizing.Limits {
		if l.Metric != cloud.DiskPercent || l.Limit <= 0 {
			continue
		}
		fill, ok := samplesOf(pr.c).Value(l)
		if !ok {
			return 0, false
		}
		need, known = max(need, pr.resource().StorageGiB*fill/l.Limit), true
	}
	return math.Ceil(need/storageGrain) * storageGrain, known
}

// smallerStorage proposes the one size on which the fill keeps the limits, at
// most a step away.
func (r *run) smallerStorage(pr *proposal) ([]option, string, string) {
	res := pr.resource()
	need, ok := r.storageNeed(pr)
	if !ok || res.StorageGiB <= 0 {
		return nil, CodeSizeUnknown, ""
	}
	s := specOf(res)
	s.StorageGiB = r.storageTarget(res, need)
	if s.StorageGiB >= res.StorageGiB {
		return nil, CodeNoSmallerSize, ""
	}
	return r.priced(res, []option{{spec: s}})
}

// storageTarget is the storage, in GiB, that need leaves at most a step away.
func (r *run) storageTarget(res cloud.Resource, need float64) float64 {
	return max(need, math.Ceil(res.StorageGiB/r.pack.Sizing.MaxStep/storageGrain)*storageGrain)
}

// larger lists the smallest size on which a tight machine keeps the limits.
func (r *run) larger(pr *proposal) ([]option, string, string) {
	res := pr.resource()
	if slices.Contains(pr.rule.Dimensions, "storage") {
		need, ok := r.storageNeed(pr)
		if !ok || need <= res.StorageGiB {
			return nil, CodeNoLargerSize, ""
		}
		s := specOf(res)
		s.StorageGiB = need
		return []option{{spec: s}}, "", ""
	}
	if res.VCPU <= 0 || res.MemoryGiB <= 0 {
		return nil, CodeSizeUnknown, ""
	}
	offered, code := r.offered(res)
	if code != "" {
		return nil, code, res.InstanceType
	}
	var options []option
	for _, o := range offered {
		if o.spec.VCPU < res.VCPU || o.spec.MemoryGiB < res.MemoryGiB || o.spec.VCPU == res.VCPU && o.spec.MemoryGiB == res.MemoryGiB {
			continue
		}
		if r.relieves(pr, o.spec) {
			options = append(options, o)
		}
	}
	if len(options) == 0 {
		return nil, CodeNoLargerSize, ""
	}
	slices.SortFunc(options, func(a, b option) int { return cmp.Or(cmp.Compare(a.tier, b.tier), bySize(a, b)) })
	return options[:1], "", ""
}

// projection is utilization as it would have been on the proposed size.
func (r *run) projection(pr *proposal) *Projection {
	samples := samplesOf(pr.c)
	at := func(m cloud.Metric, statistic string) *float64 {
		factor, _ := growth(pr.resource(), pr.options[0].spec, m)
		v, ok := samples.Value(policies.Condition{Metric: m, Statistic: statistic})
		if !ok || math.IsNaN(factor) || math.IsInf(factor, 0) {
			return nil
		}
		v *= factor
		return &v
	}
	return &Projection{
		CPUP95: at(cloud.CPUPercent, "p95"), CPUMax: at(cloud.CPUPercent, "peak"),
		MemoryP95: at(cloud.MemoryPercent, "p95"), MemoryMax: at(cloud.MemoryPercent, "peak"),
		DiskMax: at(cloud.DiskPercent, "max"),
	}
}
