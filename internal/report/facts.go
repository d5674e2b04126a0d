package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/price"
	"yunjian/recommender"
)

// facts are the figures of a report before any language: what the tables show
// and the JSON document carries.
type facts struct {
	resources map[string]cloud.Resource
	findings  map[string]analyzer.Finding
	advice    map[string]recommender.Recommendation // by resource

	saving      price.Amount // of everything priced
	later       price.Amount // of saving, what no contract lets come before its end
	laterCount  int          // of how many recommendations
	unpriced    int          // recommendations without a price
	ready       int          // confirmed often enough to act on
	weighted    []Weighted
	lights      []Light
	departments []Department
	changes     changes
	quality     quality
	scopes      []scope
	tight       []analyzer.Finding
	padding     []analyzer.Finding
	exempt      []exempt
	ownerless   int
	todo        []todo

	stops       []recommender.Recommendation
	unstopped   []recommender.Refusal // machines that rest, and why they are not to be stopped
	stopsSaving price.Amount
}

// Weighted is utilization over the fleet, each machine weighted by its size:
// the mean load over the capacity that is paid for.
type Weighted struct {
	Metric    cloud.Metric `json:"metric"`
	Percent   *float64     `json:"percent"`   // null: nothing measured
	Resources int          `json:"resources"` // machines that were measured
	Of        int          `json:"of"`        // machines there are
}

// Colour is a traffic light.
type Colour string

// Traffic lights: green is in order, yellow is wrongly sized, red is waste
// outright, grey could not be judged.
const (
	Green  Colour = "green"
	Yellow Colour = "yellow"
	Red    Colour = "red"
	Grey   Colour = "grey"
)

// Light is how many resources show one colour.
type Light struct {
	Colour    Colour  `json:"colour"`
	Resources int     `json:"resources"`
	Share     float64 `json:"share"` // 0 to 1
}

// colour is the light of a verdict. A verdict this package does not know is
// grey: not judged, as far as a reader is concerned.
func colour(v analyzer.Verdict) Colour {
	switch v {
	case analyzer.Optimized:
		return Green
	case analyzer.Overprovisioned, analyzer.Underprovisioned:
		return Yellow
	case analyzer.Idle, analyzer.Unattached:
		return Red
	default:
		return Grey
	}
}

// Department is what one department holds and could give back. An empty name
// stands for resources without an owner.
type Department struct {
	Name       string       `json:"department"`
	Resources  int          `json:"resources"`
	Release    int          `json:"release"`
	Downsize   int          `json:"downsize"`
	VCPU       int          `json:"vcpu"` // that release and downsizing would free
	MemoryGiB  float64      `json:"memory_gib"`
	StorageGiB float64      `json:"storage_gib"`
	Saving     price.Amount `json:"annual_saving"`
	Unpriced   int          `json:"unpriced"`
	Unsized    int          `json:"unsized"` // releases of which the storage is not known, so not in StorageGiB
}

// exempt is a resource that is excused, and by what.
type exempt struct {
	finding   analyzer.Finding
	ground    string // id of policies.Reasons
	owner     string
	expires   string // date, empty where unknown
	daysLeft  int    // days still excused, today included
	expiryDay bool   // expires is known
}

// scope is one listing of one cloud.
type scope struct {
	cloud string
	cloud.Scope
}

// gather computes the facts of r.
func gather(r Weekly) (facts, error) {
	f := facts{
		resources: map[string]cloud.Resource{},
		findings:  map[string]analyzer.Finding{},
		advice:    map[string]recommender.Recommendation{},
	}
	for _, v := range r.Inventories {
		for _, res := range v.Resources {
			if res.Cloud == "" {
				res.Cloud = v.Cloud
			}
			f.resources[res.ID] = res
		}
		for _, s := range v.Scopes {
			f.scopes = append(f.scopes, scope{v.Cloud, s})
		}
	}
	for _, x := range r.Audit.Findings {
		f.findings[x.ResourceID] = x
	}
	for _, x := range r.Audit.Recommendations {
		f.advice[x.ResourceID] = x
		if !saves(x.Action) {
			continue
		}
		if x.Ready && !x.ToReview() {
			f.ready++
		}
		if !x.SavingKnown {
			f.unpriced++
			continue
		}
		a, err := saving(x)
		if err == nil {
			f.saving, err = f.saving.Add(a)
		}
		if err != nil {
			return facts{}, fmt.Errorf("sum saving of %s: %w", x.ResourceID, err)
		}
		if !bound(r, x) {
			continue
		}
		f.laterCount++
		if f.later, err = f.later.Add(a); err != nil {
			return facts{}, fmt.Errorf("sum saving of %s: %w", x.ResourceID, err)
		}
	}
	f.weighted = []Weighted{f.weigh(r.Audit, cloud.CPUPercent), f.weigh(r.Audit, cloud.MemoryPercent)}
	f.lights = lights(r.Audit.Findings)
	var err error
	if f.departments, err = f.byDepartment(r.Audit); err != nil {
		return facts{}, err
	}
	f.changes = compare(r, f)
	f.quality = assess(r, f)
	for _, x := range r.Audit.Findings {
		switch {
		case slices.Contains(x.Flags, analyzer.Exempt):
			f.exempt = append(f.exempt, f.excuse(r, x))
		case x.Verdict == analyzer.Underprovisioned:
			f.tight = append(f.tight, x)
		}
		if slices.Contains(x.Flags, analyzer.SuspectedPadding) {
			f.padding = append(f.padding, x)
		}
		if f.department(x.ResourceID) == "" {
			f.ownerless++
		}
	}
	// The tightest first: what exceeds its limit by most.
	slices.SortStableFunc(f.tight, func(a, b analyzer.Finding) int {
		return cmp.Or(cmp.Compare(excess(b), excess(a)), cmp.Compare(a.ResourceID, b.ResourceID))
	})
	slices.SortStableFunc(f.exempt, func(a, b exempt) int {
		return cmp.Or(cmp.Compare(orLast(a.expires), orLast(b.expires)), cmp.Compare(a.finding.ResourceID, b.finding.ResourceID))
	})
	f.todo = plan(r, f)
	return f, nil
}

// saving is the annual saving of x as it is shown: with two decimals, so that
// the rows of a table add up to its total, and with the currency, which a
// stored amount keeps beside it.
func saving(x recommender.Recommendation) (price.Amount, error) {
	return price.NewAmount(x.AnnualSaving.String(), x.Currency)
}

// bound reports whether a contract still runs that lets nothing be saved.
func bound(r Weekly, x recommender.Recommendation) bool {
	return x.SavingNote == recommender.NotePrepaid || x.SavingFrom > r.Audit.AsOf.In(r.Location).Format(time.DateOnly)
}

// saves reports whether an action frees something: advice to grow does not.
func saves(a recommender.Action) bool { return a != recommender.Upsize }

// excess is the greatest ratio of a value to the limit that it breaks.
func excess(x analyzer.Finding) float64 {
	most := 0.0
	for _, r := range x.Reasons {
		if r.Code == analyzer.CodePeakGuard { // of a rule that was not met
			continue
		}
		if r.Value != nil && r.Limit != nil && *r.Limit > 0 {
			most = max(most, *r.Value / *r.Limit)
		}
	}
	return most
}

func orLast(s string) string {
	if s == "" {
		return "~"
	}
	return s
}

// weigh is the mean utilization of machines weighted by capacity: vCPU for
// CPU, GiB for memory. Machines not measured, or of unknown size, are left out
// and counted.
func (f facts) weigh(a audit.Audit, m cloud.Metric) Weighted {
	w := Weighted{Metric: m}
	var load, capacity float64
	for _, x := range a.Findings {
		if x.Kind != cloud.Instance {
			continue
		}
		w.Of++
		weight := float64(f.resources[x.ResourceID].VCPU)
		if m == cloud.MemoryPercent {
			weight = f.resources[x.ResourceID].MemoryGiB
		}
		e := evidence(x, m)
		if e.Mean == nil || e.Samples == 0 || weight <= 0 {
			continue
		}
		w.Resources++
		load += *e.Mean * weight
		capacity += weight
	}
	if capacity > 0 {
		mean := load / capacity
		w.Percent = &mean
	}
	return w
}

// evidence returns what a finding knows of a metric; the zero Evidence where
// it knows nothing.
func evidence(x analyzer.Finding, m cloud.Metric) analyzer.Evidence {
	for _, e := range x.Evidence {
		if e.Metric == m {
			return e
		}
	}
	return analyzer.Evidence{Metric: m}
}

func lights(findings []analyzer.Finding) []Light {
	n := map[Colour]int{}
	for _, x := range findings {
		n[colour(x.Verdict)]++
	}
	var out []Light
	for _, c := range []Colour{Green, Yellow, Red, Grey} {
		l := Light{Colour: c, Resources: n[c]}
		if len(findings) > 0 {
			l.Share = float64(n[c]) / float64(len(findings))
		}
		out = append(out, l)
	}
	return out
}

func (f facts) department(resource string) string {
	if d := f.resources[resource].Department; d != "" {
		return d
	}
	return f.advice[resource].Department
}

func (f facts) application(resource string) string {
	if d := f.resources[resource].Application; d != "" {
		return d
	}
	return f.advice[resource].Application
}

// freed is what a recommendation gives back.
func freed(x recommender.Recommendation) recommender.Spec {
	s := x.Current
	s.InstanceType = ""
	if x.Target != nil {
		s.VCPU -= x.Target.VCPU
		s.MemoryGiB -= x.Target.MemoryGiB
		s.StorageGiB -= x.Target.StorageGiB
	}
	return s
}

// unsized reports whether x gives back storage of a size that nobody told.
func unsized(x recommender.Recommendation) bool {
	return x.Kind != cloud.EIP && x.Target == nil && x.Current.StorageGiB == 0
}

// byDepartment sums per department, greatest saving first.
func (f facts) byDepartment(a audit.Audit) ([]Department, error) {
	by := map[string]*Department{}
	get := func(resource string) *Department {
		name := clean(f.department(resource))
		if by[name] == nil {
			by[name] = &Department{Name: name}
		}
		return by[name]
	}
	for _, x := range a.Findings {
		get(x.ResourceID).Resources++
	}
	for _, x := range a.Recommendations {
		d := get(x.ResourceID)
		switch x.Action {
		case recommender.Release:
			d.Release++
		case recommender.Downsize:
			d.Downsize++
		}
		if !saves(x.Action) {
			continue
		}
		s := freed(x)
		d.VCPU += s.VCPU
		d.MemoryGiB += s.MemoryGiB
		d.StorageGiB += s.StorageGiB
		if unsized(x) {
			d.Unsized++
		}
		if !x.SavingKnown {
			d.Unpriced++
			continue
		}
		a, err := saving(x)
		if err == nil {
			d.Saving, err = d.Saving.Add(a)
		}
		if err != nil {
			return nil, fmt.Errorf("sum saving of department %q: %w", d.Name, err)
		}
	}
	out := make([]Department, 0, len(by))
	for _, d := range by {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b Department) int {
		return cmp.Or(b.Saving.Decimal().Cmp(a.Saving.Decimal()), cmp.Compare(b.Release+b.Downsize, a.Release+a.Downsize), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// excuse says by what a resource is excused, and until when.
func (f facts) excuse(r Weekly, x analyzer.Finding) exempt {
	e := exempt{finding: x}
	now := r.Audit.AsOf.In(r.Location)
	res, ok := f.resources[x.ResourceID]
	if !ok {
		return e
	}
	by, ok := r.Pack.Exempted(res, now)
	if !ok {
		return e
	}
	// Expires is a calendar date, kept as its midnight UTC, and the last day that
	// is excused: today counts as one.
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	e.ground, e.owner, e.expires, e.expiryDay = by.Reason, by.Owner, by.Expires.Format(time.DateOnly), true
	e.daysLeft = int(by.Expires.Sub(today).Hours()/24) + 1
	return e
}
