package audit

import (
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// Comparison is what changes where policy B replaces A, on the same history and
// prices, as of the same instant. Differences are B less A.
type Comparison struct {
	AsOf      time.Time          `json:"as_of"`
	A         PolicyRef          `json:"a"`
	B         PolicyRef          `json:"b"`
	Windows   [2]cloud.Window    `json:"windows"` // that A and B judge by
	PriceBook PriceBookRef       `json:"price_book"`
	Currency  string             `json:"currency"`
	Settings  []policies.Setting `json:"settings"`  // in which the packs themselves differ
	Resources int                `json:"resources"` // judged by both
	Instances int                `json:"instances"` // of them, on which risk budgets stand
	Verdicts  []VerdictShift     `json:"verdicts"`  // every verdict, in the order of tables
	Actions   []ActionShift      `json:"actions"`   // every action, in the order of tables
	// Departments with a change, by name; the empty name: no department known.
	Departments []DepartmentShift `json:"departments"`
	Switched    []Switch          `json:"switched"` // by kind, id
}

// Empty reports whether no resource changes sides.
func (c Comparison) Empty() bool { return len(c.Switched) == 0 }

// VerdictShift counts the resources of one verdict under each policy.
type VerdictShift struct {
	Verdict analyzer.Verdict `json:"verdict"`
	A       int              `json:"a"`
	B       int              `json:"b"`
}

// Sum is what one policy would have given back by some of its recommendations,
// and what that risks. Upsizes count what they add as negative, and stops by
// schedule give nothing back.
type Sum struct {
	ActionTotal
	// ExpectedHarms is the sum of the upper bounds of harm of what counts in the risk
	// budget, in instances: sizes of CPU and memory, and releases of instances.
	ExpectedHarms float64 `json:"expected_harms"`
	Budgeted      int     `json:"budgeted"` // of Resources, those whose bounds are in ExpectedHarms
}

// Shift is a sum under A, under B, and B less A.
type Shift struct {
	A      Sum `json:"a"`
	B      Sum `json:"b"`
	Change Sum `json:"change"`
}

// ActionShift is the shift of the recommendations of one action.
type ActionShift struct {
	Action recommender.Action `json:"action"`
	Shift
}

// DepartmentShift is the shift of a department's recommendations: of releases and
// downsizes together, and by action, those with a change.
type DepartmentShift struct {
	Department string `json:"department"`
	Shift
	Actions []ActionShift `json:"actions"`
}

// Switch is one resource that another policy judges or treats otherwise.
type Switch struct {
	ResourceID  string     `json:"resource_id"`
	Kind        cloud.Kind `json:"kind"`
	Name        string     `json:"name,omitempty"`
	Department  string     `json:"department"`
	Application string     `json:"application"`
	A           Side       `json:"a"`
	B           Side       `json:"b"`
}

// SameAdvice reports whether both policies propose the same, or both nothing.
func (s Switch) SameAdvice() bool { return sameSide(s.A, s.B) }

// sameSide reports whether two sides propose the same; hours of rest are the same
// whichever they are.
func sameSide(a, b Side) bool {
	return sameAdvice(a.Recommendation, b.Recommendation) && (a.Stop == nil) == (b.Stop == nil)
}

// Side is what one policy says of a resource.
type Side struct {
	Verdict analyzer.Verdict  `json:"verdict"`
	Rule    string            `json:"rule,omitempty"`
	Reasons []analyzer.Reason `json:"reasons"`
	Flags   []analyzer.Flag   `json:"flags"`
	// Recommendation is nil where nothing is proposed; Refused then says why a
	// rule that matched and has an action led to nothing.
	Recommendation *recommender.Recommendation `json:"recommendation"`
	Refused        []analyzer.Reason           `json:"refused,omitempty"`
	// Stop proposes hours of rest, beside whatever else is proposed.
	Stop *recommender.Recommendation `json:"stop,omitempty"`
}

// Action is what is proposed; empty for nothing.
func (s Side) Action() recommender.Action {
	if s.Recommendation == nil {
		return ""
	}
	return s.Recommendation.Action
}

// Actions lists every action in the order of tables.
func Actions() []recommender.Action {
	return []recommender.Action{recommender.Release, recommender.Downsize, recommender.Stop, recommender.Upsize}
}

// Compare says what changes where the policy of b replaces that of a; both are of
// the same resources, instant and price book. Resources name those judged and
// their owners; settings are in what the packs differ.
func Compare(a, b Audit, resources []cloud.Resource, settings []policies.Setting) Comparison {
	c := Comparison{
		AsOf: b.AsOf, A: a.Policy, B: b.Policy, Windows: [2]cloud.Window{a.Window, b.Window}, PriceBook: b.PriceBook,
		Currency: b.Totals.Currency, Settings: append([]policies.Setting{}, settings...), Resources: len(b.Findings),
		Departments: []DepartmentShift{}, Switched: switched(a, b, resources),
	}
	for _, f := range b.Findings {
		if f.Kind == cloud.Instance {
			c.Instances++
		}
	}
	for _, v := range analyzer.Verdicts() {
		c.Verdicts = append(c.Verdicts, VerdictShift{v, a.Totals.Verdicts[v], b.Totals.Verdicts[v]})
	}
	for _, action := range Actions() {
		c.Actions = append(c.Actions, ActionShift{action, shift(c.Currency, a.Recommendations, b.Recommendations, action)})
	}
	department := func(name string) func(recommender.Recommendation) bool {
		return func(r recommender.Recommendation) bool { return r.Department != name }
	}
	for _, name := range departments(a, b) {
		x := slices.DeleteFunc(slices.Clone(a.Recommendations), department(name))
		y := slices.DeleteFunc(slices.Clone(b.Recommendations), department(name))
		d := DepartmentShift{Department: name, Shift: shift(c.Currency, x, y, recommender.Release, recommender.Downsize)}
		for _, action := range Actions() {
			if s := shift(c.Currency, x, y, action); s.A != s.B {
				d.Actions = append(d.Actions, ActionShift{action, s})
			}
		}
		if len(d.Actions) > 0 {
			c.Departments = append(c.Departments, d)
		}
	}
	return c
}

// departments names those with a recommendation in either audit.
func departments(a, b Audit) []string {
	var out []string
	for _, r := range slices.Concat(a.Recommendations, b.Recommendations) {
		out = append(out, r.Department)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shift sums the recommendations of some actions under both policies.
func shift(currency string, a, b []recommender.Recommendation, actions ...recommender.Action) Shift {
	s := Shift{A: sum(currency, a, actions), B: sum(currency, b, actions)}
	x, y := savings(currency, a, actions), savings(currency, b, actions)
	saving, err := y.Sub(x)
	if err != nil { // one price book has one currency
		saving = price.Zero(currency)
	}
	s.Change = Sum{
		ActionTotal: ActionTotal{
			Resources: s.B.Resources - s.A.Resources, VCPU: s.B.VCPU - s.A.VCPU, MemoryGiB: s.B.MemoryGiB - s.A.MemoryGiB,
			StorageGiB: s.B.StorageGiB - s.A.StorageGiB, AnnualSaving: saving.String(), Unpriced: s.B.Unpriced - s.A.Unpriced,
		},
		ExpectedHarms: s.B.ExpectedHarms - s.A.ExpectedHarms,
		Budgeted:      s.B.Budgeted - s.A.Budgeted,
	}
	return s
}

func sum(currency string, recs []recommender.Recommendation, actions []recommender.Action) Sum {
	var s Sum
	for _, action := range actions {
		t := total(currency, action, recs)
		s.Resources += t.Resources
		s.Unpriced += t.Unpriced
		if action == recommender.Stop { // for some hours only: nothing is given back
			continue
		}
		s.VCPU += t.VCPU
		s.MemoryGiB += t.MemoryGiB
		s.StorageGiB += t.StorageGiB
	}
	for _, r := range recs {
		if slices.Contains(actions, r.Action) && r.Budgeted() {
			s.ExpectedHarms += r.Risk.HarmProbability
			s.Budgeted++
		}
	}
	s.AnnualSaving = savings(currency, recs, actions).String()
	return s
}

// savings is what the recommendations of some actions save a year, as far as it
// is known.
func savings(currency string, recs []recommender.Recommendation, actions []recommender.Action) price.Amount {
	out := price.Zero(currency)
	for _, r := range recs {
		if !r.SavingKnown || !slices.Contains(actions, r.Action) {
			continue
		}
		if next, err := out.Add(r.AnnualSaving); err == nil {
			out = next
		}
	}
	return out
}

// switched lists the resources whose verdict, action or target differs.
func switched(a, b Audit, resources []cloud.Resource) []Switch {
	known := make(map[string]cloud.Resource, len(resources))
	for _, r := range resources {
		known[r.ID] = r
	}
	before, after := sides(a), sides(b)
	out := []Switch{}
	for id, y := range after {
		x, ok := before[id]
		if ok && x.Verdict == y.Verdict && sameSide(x, y) {
			continue
		}
		r := known[id]
		out = append(out, Switch{ResourceID: id, Kind: r.Kind, Name: r.Name, Department: r.Department, Application: r.Application, A: x, B: y})
	}
	slices.SortFunc(out, func(x, y Switch) int {
		return byKindAndID(x.Kind, x.ResourceID, y.Kind, y.ResourceID)
	})
	return out
}

func sides(a Audit) map[string]Side {
	out := make(map[string]Side, len(a.Findings))
	for _, f := range a.Findings {
		out[f.ResourceID] = Side{Verdict: f.Verdict, Rule: f.Rule, Reasons: f.Reasons, Flags: f.Flags}
	}
	for i, r := range a.Recommendations {
		s := out[r.ResourceID]
		if r.Action == recommender.Stop {
			s.Stop = &a.Recommendations[i]
		} else {
			s.Recommendation = &a.Recommendations[i]
		}
		out[r.ResourceID] = s
	}
	for _, r := range a.Refusals {
		s := out[r.ResourceID]
		s.Refused = r.Reasons
		out[r.ResourceID] = s
	}
	return out
}

// sameAdvice reports whether two recommendations propose the same; nil proposes
// nothing.
func sameAdvice(a, b *recommender.Recommendation) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Action != b.Action || (a.Target == nil) != (b.Target == nil) {
		return false
	}
	return a.Target == nil || *a.Target == *b.Target
}
