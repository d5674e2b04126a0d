package analyzer

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

type failing interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkDerivation holds a derivation to the Finding of Judge, and every value in
// it to what it says the value was computed from.
func checkDerivation(t failing, d Derivation, want Finding) {
	t.Helper()
	if diff := cmp.Diff(want, d.Finding); diff != "" {
		t.Errorf("the derivation's finding (-Judge +Explain):\n%s", diff)
	}
	if last := d.Steps[len(d.Steps)-1]; !last.Ended {
		t.Errorf("no step ended judgement: %+v", d.Steps)
	}
	for i, s := range d.Steps {
		if s.Ended != (i == len(d.Steps)-1) || !slices.Contains(Steps(), s.Step) {
			t.Errorf("step %d of %d: %+v", i+1, len(d.Steps), s)
		}
	}
	decided := 0
	for _, r := range d.Rules {
		if r.Decided {
			decided++
			if r.Outcome != Met || !r.Reached || r.Verdict != want.Verdict {
				t.Errorf("rule %s decided: %+v", r.Rule, r)
			}
		}
		if !r.Decided && r.Reached && r.Outcome == Met && !slices.Contains(want.Flags, SeasonUnseen) {
			t.Errorf("rule %s is met and did not decide", r.Rule)
		}
		all := true
		for _, c := range r.Conditions {
			checkCondition(t, r.Rule, c)
			all = all && c.Outcome == Met
		}
		if all != (r.Outcome == Met) {
			t.Errorf("rule %s is %s, its conditions are %+v", r.Rule, r.Outcome, r.Conditions)
		}
	}
	if decided > 1 || decided == 0 && want.Rule != "" {
		t.Errorf("%d rules decided %q", decided, want.Rule)
	}
}

func checkCondition(t failing, rule string, c ConditionTrial) {
	t.Helper()
	if (c.Outcome == Unknown) != (c.Missing != nil) {
		t.Errorf("%s: %s: %s with %+v missing", rule, c.Text.EN, c.Outcome, c.Missing)
	}
	if c.Outcome == Unknown {
		return
	}
	if c.Value == nil { // a running machine is not off for any number of days
		if c.Outcome != NotMet || c.Statistic != policies.DaysOff {
			t.Errorf("%s: %s: %s without a value", rule, c.Text.EN, c.Outcome)
		}
		return
	}
	if holds := policies.Holds(*c.Value, c.Op, c.Limit); holds != (c.Outcome == Met) {
		t.Errorf("%s: %s: %g %s %g is %s", rule, c.Text.EN, *c.Value, c.Op, c.Limit, c.Outcome)
	}
	if v, ok := recompute(c); ok && math.Abs(v-*c.Value) > 1e-9*max(1, math.Abs(v)) {
		t.Errorf("%s: %s: value %g, from its working %g: %+v", rule, c.Text.EN, *c.Value, v, *c.Working)
	}
}

// recompute does by hand what the working says.
func recompute(c ConditionTrial) (float64, bool) {
	w := c.Working
	if w == nil {
		return 0, false
	}
	factor := 1.0
	if w.Factor != nil && w.Days == nil { // what days gave has it
		factor = *w.Factor
	}
	values := make([]float64, len(w.Days))
	sum := 0.0
	for i, d := range w.Days {
		values[i] = d.Value
		sum += d.Value
	}
	slices.Sort(values)
	if w.GreatestFirst {
		slices.Reverse(values)
	}
	switch {
	case w.Rank != nil:
		return factor * (*w.Lower + (*w.Rank-math.Floor(*w.Rank))*(*w.Upper-*w.Lower)), true
	case w.Nth > 0:
		return values[w.Nth-1], true
	case w.Met != nil && c.Unit == cloud.Ratio:
		return float64(*w.Met) / float64(*w.Of), true
	case w.Met != nil:
		return float64(*w.Met), true
	case w.Window != nil && w.Guarded != nil:
		return max(*w.Window, *w.Guarded), true
	case w.Window != nil:
		return *w.Window, true
	case w.Slope != nil:
		return *w.Start + *w.Slope**w.At, true
	case c.Statistic == "max_of_day_means":
		return slices.Max(values), true
	case c.Statistic == "mean_of_day_maxima":
		return sum / float64(len(values)), true
	case len(w.Parts) > 0:
		for _, p := range w.Parts {
			sum += p.Value
		}
		return sum, true
	}
	return 0, false
}

func TestExplainAgreesWithJudge(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "judge", "*.yaml"))
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d decisions, %v", len(files), err)
	}
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			f, _ := readFixture(t, file)
			pack, in, now := f.known(t)
			d := Explain(pack, in, now)
			checkDerivation(t, d, Judge(pack, in, now))
			// By one of the other packs, too, in turn: their conditions are of all forms.
			packs := policies.Builtin()
			for _, p := range packs[i%len(packs):][:1] {
				checkDerivation(t, Explain(p, in, now), Judge(p, in, now))
			}
			if slices.Contains([]string{"idle-chronic", "storage-growing", "off-thirty-days", "memory-no-agent-undecided"}, name) {
				text, err := json.MarshalIndent(d, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata", "derivation", name+".golden.json"), string(text)+"\n")
			}
		})
	}
}

// allowed is which statistics a pack may ask of a metric.
func allowed(m cloud.Metric, statistic string) bool {
	percent := m.Unit() == cloud.Percent && m != policies.CPUCores && len(policies.Parts(m)) == 1
	switch {
	case policies.OfPeaks(statistic):
		return m == cloud.CPUPercent || m == cloud.MemoryPercent
	case statistic == "in_180d":
		return percent
	case statistic == "day_volume":
		return !percent && m != policies.CPUCores
	case len(policies.Parts(m)) > 1:
		return slices.Contains([]string{"mean", "max_of_day_means", "day_mean"}, statistic)
	}
	return true
}

// Every statistic of the vocabulary is recomputed from its working.
func TestWorkingOfEveryStatistic(t *testing.T) {
	pack, _ := policies.ByID(policies.DefaultID)
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	w := cloud.Last(pack.Window, now)
	in := Input{
		Resource:    cloud.Resource{ID: "i-1", Kind: cloud.Instance, Status: cloud.Running, VCPU: 8, MemoryGiB: 32, CreatedAt: now.AddDate(-1, 0, 0)},
		Utilization: map[cloud.Metric]utilization.Summary{},
		Peaks:       map[cloud.Metric]Peak{cloud.CPUPercent: {Max: 91, DayP95: 55, Since: now.AddDate(-1, 0, 0)}},
	}
	for i, m := range cloud.Metrics() {
		in.Utilization[m] = utilization.Describe(series{Level: 3 + float64(i), Peak: 40, PeakOf: 37, Working: 9, PerDay: 0.4}.points(w, now), m, w, time.UTC)
	}
	rule := policies.Rule{ID: "all", Kind: cloud.Instance, Verdict: string(Idle)}
	for _, m := range policies.Metrics() {
		for _, s := range policies.Statistics() {
			if !allowed(m, s.ID) {
				continue
			}
			c := policies.Condition{Metric: m, Statistic: s.ID, Op: "<=", Limit: 20, Unit: m.Unit()}
			switch {
			case s.ID == "sample":
				c.ShareOfSamples = 0.9
			case policies.OfDay(s.ID):
				c.ShareOfDays = 0.8
				more := c
				more.ShareOfDays, more.MinDays = 0, 3
				more.And = []policies.Condition{{Metric: cloud.MemoryPercent, Statistic: "day_mean", Op: ">", Limit: 9, Unit: cloud.Percent}}
				rule.When = append(rule.When, more)
				up := c
				up.Op = ">="
				rule.When = append(rule.When, up)
			}
			rule.When = append(rule.When, c)
		}
	}
	pack.Rules = []policies.Rule{rule}
	told := 0
	for _, c := range Explain(pack, in, now).Rules[0].Conditions {
		checkCondition(t, "all", c)
		if _, ok := recompute(c); ok && c.Value != nil {
			told++
		}
	}
	if told < 70 {
		t.Errorf("%d of %d conditions could be recomputed", told, len(rule.When))
	}
}
