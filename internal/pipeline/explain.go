package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
	"yunjian/utilization"
)

// Explanation is the whole derivation of what is said of one resource.
type Explanation struct {
	AsOf       time.Time           `json:"as_of"`
	Policy     audit.PolicyRef     `json:"policy"`
	PriceBook  audit.PriceBookRef  `json:"price_book"`
	Resource   cloud.Resource      `json:"resource"`
	Read       Read                `json:"read"`
	Derivation analyzer.Derivation `json:"derivation"`
	Remedies   []analyzer.Remedy   `json:"remedies"` // what would settle insufficient data
	// Quote is what the resource costs as it stands: the saving that would be
	// proposed if it were known to be idle.
	Quote price.Quote `json:"quote"`
	// ReleaseRules are the ids of the policy's rules that would release such a
	// resource.
	ReleaseRules []string           `json:"release_rules"`
	Sizes        []recommender.Size `json:"sizes"` // those considered
	// Recommendation is nil where nothing is proposed; Refused then says why a rule
	// that matched and has an action led to nothing.
	Recommendation *recommender.Recommendation `json:"recommendation"`
	Refused        []analyzer.Reason           `json:"refused"`
	Stop           *recommender.Recommendation `json:"stop"`           // hours of rest that are proposed beside
	Fleet          int                         `json:"fleet,omitzero"` // resources judged beside it; left out for who does not see them all
	// Compared is how many instances risk is learned from.
	Compared int `json:"compared"`
	// Stored is the verdict of the latest audit stored; nil where there is none.
	Stored *StoredVerdict `json:"stored"`
}

// Read is what was read of the resource's history.
type Read struct {
	Window   cloud.Window `json:"window"`       // of the policy; the finding's begins at the last resize
	Step     float64      `json:"step_seconds"` // between samples expected
	Peaks    cloud.Window `json:"peaks"`        // that the peak guard looks at
	Excluded []Exclusion  `json:"excluded"`
	Gaps     []Gap        `json:"gaps"` // longer than two steps, outside what is excluded and since creation; of all metrics
}

// Exclusion is a span that says nothing of the machine as it stands.
type Exclusion struct {
	Window cloud.Window `json:"window"`
	Why    string       `json:"why"` // resized or powered_off
}

// Reasons of exclusions.
const (
	ExcludedResized = "resized"     // before the last change of size
	ExcludedOff     = "powered_off" // while powered off, as far as inventories saw it
)

// Gap is a span without samples of one metric.
type Gap struct {
	Metric cloud.Metric `json:"metric"`
	cloud.Window
}

// StoredVerdict is what a stored audit says of the resource.
type StoredVerdict struct {
	AsOf    time.Time        `json:"as_of"`
	Policy  audit.PolicyRef  `json:"policy"`
	Verdict analyzer.Verdict `json:"verdict"`
	Rule    string           `json:"rule,omitempty"`
}

// Explain derives what an audit as of o.Now says of one resource of an inventory.
// The whole fleet is judged for it, because risk and groups are told from the
// fleet; nothing is stored.
func (d *Data) Explain(ctx context.Context, o AuditOptions, r cloud.Resource) (Explanation, error) {
	inventories, err := d.audited(o.Clouds)
	if err != nil {
		return Explanation{}, err
	}
	if err := d.seenBy(ctx, inventories, o); err != nil {
		return Explanation{}, err
	}
	if r.CreatedAt.After(o.Now) {
		return Explanation{}, fmt.Errorf("--now %[1]s 时还没有 %[2]s：它开通于 %[3]s | there was no %[2]s as of --now %[1]s: it was created %[3]s",
			instant(o.Now, o.Location), r.ID, instant(r.CreatedAt, o.Location))
	}
	audits, compared, err := d.judge(ctx, inventories, o, o.Pack)
	if err != nil {
		return Explanation{}, err
	}
	a := audits[0]
	e := Explanation{
		AsOf: o.Now, Policy: a.Policy, PriceBook: a.PriceBook, Resource: r, Fleet: a.Totals.Resources, Compared: compared,
		Quote: o.Book.Quote(r, o.Now), ReleaseRules: []string{}, Refused: []analyzer.Reason{},
	}
	for _, rule := range o.Pack.RulesFor(r.Kind) {
		if rule.Action == string(recommender.Release) {
			e.ReleaseRules = append(e.ReleaseRules, rule.ID)
		}
	}
	var types []cloud.InstanceType
	for _, inv := range inventories {
		types = append(types, inv.Types...)
	}
	for _, inv := range inventories {
		if inv.Cloud != r.Cloud {
			continue
		}
		if err := d.derive(ctx, o, inv, cloud.NewCatalog(types), &e); err != nil {
			return Explanation{}, err
		}
	}
	if e.Derivation.Steps == nil {
		return Explanation{}, fmt.Errorf("no resource %s in the inventory of cloud %s", r.ID, r.Cloud)
	}
	for _, f := range a.Findings { // which the fleet may have added to: machines alike
		if f.ResourceID == r.ID && f.Kind == r.Kind && f.Verdict == e.Derivation.Finding.Verdict {
			e.Derivation.Finding = f
		}
	}
	if slices.Contains(e.Derivation.Finding.Flags, analyzer.SuspectedPadding) {
		e.Sizes = []recommender.Size{} // none is looked at
	}
	for i, rec := range a.Recommendations {
		switch {
		case rec.ResourceID != r.ID:
		case rec.Action == recommender.Stop:
			e.Stop = &a.Recommendations[i]
		default:
			e.Recommendation = &a.Recommendations[i]
		}
	}
	for _, x := range a.Refusals {
		if x.ResourceID == r.ID {
			e.Refused = x.Reasons
		}
	}
	stored, ok, err := d.State.LatestAudit(o.Now)
	if err != nil {
		return Explanation{}, fmt.Errorf("read the latest audit: %w", err)
	}
	if i := slices.IndexFunc(stored.Findings, func(f analyzer.Finding) bool { return f.ResourceID == r.ID }); ok && i >= 0 {
		f := stored.Findings[i]
		e.Stored = &StoredVerdict{AsOf: stored.AsOf, Policy: stored.Policy, Verdict: f.Verdict, Rule: f.Rule}
	}
	return e, nil
}

// seenBy refuses an instant before all samples: nothing could be said as of it.
func (d *Data) seenBy(ctx context.Context, inventories []cloud.Inventory, o AuditOptions) error {
	var ids []string
	for _, inv := range inventories {
		for _, r := range inv.Resources {
			if r.Kind == cloud.Instance {
				ids = append(ids, r.ID)
			}
		}
	}
	first, last, err := d.History.Reach(ctx, ids, cloud.Metrics())
	if err != nil {
		return fmt.Errorf("find the first sample: %w", err)
	}
	if !first.IsZero() && !o.Now.After(first) {
		return fmt.Errorf("--now %[1]s 早于所存的数据：样本自 %[2]s 至 %[3]s | --now %[1]s is before the data: samples reach from %[2]s to %[3]s",
			instant(o.Now, o.Location), instant(first, o.Location), instant(last, o.Location))
	}
	return nil
}

func instant(t time.Time, loc *time.Location) string {
	if loc != nil {
		t = t.In(loc)
	}
	return t.Format(time.RFC3339)
}

// derive reads the resource of e anew, whole, and derives its verdict.
func (d *Data) derive(ctx context.Context, o AuditOptions, inv cloud.Inventory, catalog cloud.Catalog, e *Explanation) error {
	inputs, err := d.inputs(inv)
	if err != nil {
		return err
	}
	inputs = slices.DeleteFunc(inputs, func(in analyzer.Input) bool { return in.Resource.ID != e.Resource.ID })
	j, err := d.judging(inv.Cloud, inputs, o, []policies.Pack{o.Pack})
	if err != nil {
		return err
	}
	if err := d.read(ctx, j, e); err != nil {
		return err
	}
	return scan(ctx, j, []string{e.Resource.ID}, nil, func(in analyzer.Input, windows, _ [][]map[cloud.Metric]utilization.Summary) Explanation {
		in.Utilization = windows[0][0]
		x := *e
		x.Derivation = analyzer.Explain(o.Pack, in, o.Now)
		x.Remedies = append([]analyzer.Remedy{}, analyzer.Settle(o.Pack, x.Derivation.Finding)...)
		x.Sizes = append([]recommender.Size{}, recommender.Sizes(o.Pack, recommender.Candidate{Input: in, Finding: x.Derivation.Finding}, catalog, o.Book, o.Now)...)
		return x
	}, func(x Explanation) { *e = x })
}

// read says what of the history counts.
func (d *Data) read(ctx context.Context, j judging, e *Explanation) error {
	w, step := j.windows[0], cmp.Or(j.step, utilization.Step)
	e.Read = Read{Window: w, Step: step.Seconds(), Peaks: cloud.Last(peakSpan, j.now), Excluded: []Exclusion{}, Gaps: []Gap{}}
	id := e.Resource.ID
	for _, x := range j.exclude[id] {
		whole := x
		if x = x.Intersect(w); x.Duration() == 0 {
			continue
		}
		why := ExcludedOff
		if resized := e.Resource.ResizedAt; resized.After(w.From) && !whole.From.After(w.From) && x.To.Equal(minTime(resized, w.To)) {
			why = ExcludedResized
		}
		e.Read.Excluded = append(e.Read.Excluded, Exclusion{x, why})
	}
	if e.Resource.Kind != cloud.Instance {
		return nil
	}
	gaps, err := d.History.Gaps(ctx, []string{id}, cloud.Metrics(), w, 2*step)
	if err != nil {
		return fmt.Errorf("read the gaps of %s: %w", id, err)
	}
	for _, g := range gaps {
		if !missed(g.Metric, j.inputs[0].Observations) {
			continue
		}
		lacks := cloud.Window{From: g.From, To: g.To}
		if created := e.Resource.CreatedAt; created.After(lacks.From) && lacks.To.Before(w.To) {
			if lacks.From = created; lacks.Duration() <= 2*step { // there was no machine before
				continue
			}
		}
		whole := slices.ContainsFunc(e.Read.Excluded, func(x Exclusion) bool {
			return !lacks.From.Before(x.Window.From.Add(-2*step)) && !lacks.To.After(x.Window.To.Add(2*step))
		})
		if !whole {
			e.Read.Gaps = append(e.Read.Gaps, Gap{g.Metric, lacks})
		}
	}
	return nil
}

// Counted reports whether a sample taken at t counts.
func (r Read) Counted(t time.Time) bool {
	return r.Window.Contains(t) && !slices.ContainsFunc(r.Excluded, func(x Exclusion) bool { return x.Window.Contains(t) })
}

// NoResourceError says that no resource, or more than one, is meant.
type NoResourceError struct {
	Name    string
	Several bool             // Like are all meant; else they are the nearest
	Like    []cloud.Resource // at most 10
}

func (e *NoResourceError) Error() string {
	var list []string
	for _, r := range e.Like {
		words := []string{r.ID, r.Name}
		if e.Several { // of one name: where each is tells them apart
			words = []string{r.Cloud + "/" + r.ID, r.Name, r.Department}
		}
		s := strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), ", ")
		list = append(list, "\n  "+s)
	}
	switch {
	case e.Several:
		return fmt.Sprintf("“%s” 不止一个资源，请写明其一 | more than one resource is %q: write one of%s", e.Name, e.Name, strings.Join(list, ""))
	case len(list) == 0:
		return fmt.Sprintf("没有资源 %s：id 与名称见周报的附表与 XLSX | there is no resource %q: ids and names are in the appendix of the report and in its XLSX", e.Name, e.Name)
	default:
		return fmt.Sprintf("没有资源 %s，是否为下列之一？ | there is no resource %q: is it one of these?%s", e.Name, e.Name, strings.Join(list, ""))
	}
}

// Find returns the resource that name means: by its id, by CLOUD/ID, or by its
// name. The error is a *NoResourceError where that is none, or more than one.
func (d *Data) Find(clouds []string, name string) (cloud.Resource, error) {
	inventories, err := d.audited(clouds)
	if err != nil {
		return cloud.Resource{}, err
	}
	var all []cloud.Resource
	for _, inv := range inventories {
		for _, r := range inv.Resources {
			r.Cloud = inv.Cloud
			all = append(all, r)
		}
	}
	for _, means := range []func(cloud.Resource) bool{
		func(r cloud.Resource) bool { return r.ID == name },
		func(r cloud.Resource) bool { return r.Cloud+"/"+r.ID == name },
		func(r cloud.Resource) bool { return r.Name == name },
	} {
		var meant []cloud.Resource
		for _, r := range all {
			if means(r) {
				meant = append(meant, r)
			}
		}
		switch {
		case len(meant) == 1:
			return meant[0], nil
		case len(meant) > 1:
			return cloud.Resource{}, &NoResourceError{Name: name, Several: true, Like: meant[:min(len(meant), 10)]}
		}
	}
	return cloud.Resource{}, &NoResourceError{Name: name, Like: alike(all, name)}
}

// alike are the resources whose id or name holds the name asked for, else those
// whose id takes the fewest changes to become it.
func alike(all []cloud.Resource, name string) []cloud.Resource {
	const most = 5
	wanted := strings.ToLower(name)
	var out []cloud.Resource
	for _, r := range all {
		if strings.Contains(strings.ToLower(r.ID), wanted) || strings.Contains(strings.ToLower(r.Name), wanted) {
			if out = append(out, r); len(out) == most {
				return out
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	type near struct {
		r        cloud.Resource
		distance int
	}
	var nearest []near
	for _, r := range all {
		n := near{r, distance(wanted, strings.ToLower(r.ID))}
		i, _ := slices.BinarySearchFunc(nearest, n, func(a, b near) int { return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.r.ID, b.r.ID)) })
		if nearest = slices.Insert(nearest, i, n); len(nearest) > most {
			nearest = nearest[:most]
		}
	}
	for _, n := range nearest {
		if n.distance <= len(wanted)/2 {
			out = append(out, n.r)
		}
	}
	return out
}

// distance is how many letters to put in, take out or change (V. I. Levenshtein,
// "Binary codes capable of correcting deletions, insertions, and reversals", 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for k := range len(b) {
			change := before
			if a[i] != b[k] {
				change++
			}
			before = row[k+1]
			row[k+1] = min(change, row[k]+1, row[k+1]+1)
		}
	}
	return row[len(b)]
}
