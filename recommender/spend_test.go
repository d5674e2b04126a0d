package recommender

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/utilization"
)

// reaching is a machine that may be halved, of which every day reached so much of its
// CPU, percent.
func reaching(t *testing.T, id, group string, highest float64) Candidate {
	t.Helper()
	c := machine(t, baseline(t), cloud.Resource{ID: id, VCPU: 8, MemoryGiB: 32, HAGroup: group}, 12, 60)
	l := c.Past.Now[cloud.CPUPercent]
	l.HighestP98 = highest
	c.Past.Now[cloud.CPUPercent] = l
	return c
}

// An option for a group saves and harms as many machines as there are, and is as grave
// as for the worst of them; other advice than a week before counts for less.
func TestOptionsOfAGroup(t *testing.T) {
	r := &run{pack: baseline(t), book: book(t), now: now, chances: Learn(nil, Standard())}
	calm, busy := reaching(t, "i-1", "ha", 10), reaching(t, "i-2", "ha", 30)
	peers := []*proposal{r.propose(&calm), r.propose(&busy)}
	alone := func(pr *proposal) Option { return r.choosable([]*proposal{pr}, nil).Options[0] }
	a, b := alone(peers[0]), alone(peers[1])
	want := Option{a.Saving + b.Saving, a.Harm + b.Harm, max(a.Harm, b.Harm)}
	if got := r.choosable(peers, nil).Options[0]; got != want || a.Harm >= b.Harm || a.Gravest != a.Harm {
		t.Errorf("a group of %+v and %+v: %+v", a, b, got)
	}
	before := map[string]Recommendation{identity("i-1", Downsize, r.pack.ID): {Target: &Spec{VCPU: 2, MemoryGiB: 32}}}
	if got := r.choosable(peers[:1], before).Options[0].Saving; math.Abs(got-(1-steadiness)*a.Saving) > 1e-6 {
		t.Errorf("other advice than before saves %v of %v", got, a.Saving)
	}
}

// Either dimension exceeded is harm, and the counts are of the graver.
func TestRiskOfBothDimensions(t *testing.T) {
	c := machine(t, baseline(t), cloud.Resource{ID: "i-1", VCPU: 8, MemoryGiB: 32}, 12, 10)
	r := &run{pack: baseline(t), book: book(t), now: now, chances: Learn(nil, Standard())}
	pr := r.propose(&c)
	cpu := r.chances.SizeChance(c.Past, c.Input.Resource, cloud.CPUPercent, 4).Probability
	memory := r.chances.SizeChance(c.Past, c.Input.Resource, cloud.MemoryPercent, 16).Probability
	if got := r.ofSize(pr, Spec{VCPU: 4, MemoryGiB: 16}); math.Abs(got.HarmProbability-cpu-memory) > 1e-4 || cpu <= 0 || memory <= 0 || got.Grade == "A" || got.Grade == "B" {
		t.Errorf("risk %+v of %v and %v", got, cpu, memory)
	}
}

// What the smallest budget does: peers take it together or not at all; what is graver
// than one machine may run is refused as such; what adds capacity, and disks, are
// outside of it.
func TestSpend(t *testing.T) {
	p := baseline(t)
	tight := func(id string) Candidate {
		return machine(t, p, cloud.Resource{ID: id, VCPU: 4, MemoryGiB: 16}, 85, 50)
	}
	full := func(id string) Candidate {
		c := machine(t, p, cloud.Resource{ID: id, VCPU: 4, MemoryGiB: 16, StorageGiB: 500}, 45, 60)
		c.Input.Utilization[cloud.DiskPercent] = flat(cloud.DiskPercent, 35.9, 35.9, cloud.Last(p.Window, now))
		c.Finding = analyzer.Judge(p, c.Input, now)
		return c
	}
	for _, c := range []struct {
		name    string
		fleet   []Candidate
		advised int
		code    string
	}{
		{"two of three that are not peers", []Candidate{reaching(t, "a", "", 30), reaching(t, "b", "", 30), reaching(t, "c", "", 30)}, 2, CodeRiskBudget},
		{"none of three peers", []Candidate{reaching(t, "a", "ha", 30), reaching(t, "b", "ha", 30), reaching(t, "c", "ha", 30)}, 0, CodeRiskBudget},
		{"all of two peers", []Candidate{reaching(t, "a", "ha", 30), reaching(t, "b", "ha", 30)}, 2, ""},
		{"too grave", []Candidate{reaching(t, "a", "", 49)}, 0, CodeTooRisky},
		{"more capacity", []Candidate{tight("a"), tight("b"), tight("c")}, 3, ""},
		{"disks", []Candidate{full("a"), full("b"), full("c")}, 3, ""},
	} {
		recs, refusals := Recommend(p, c.fleet, nil, book(t), nil, now)
		codes := map[string]bool{}
		for _, f := range refusals {
			x := f.Reasons[0]
			codes[x.Code] = true
			if want := map[string]float64{CodeRiskBudget: p.Risk.Budget, CodeTooRisky: 0.25}[x.Code]; x.Limit == nil || *x.Limit != want || *x.Value <= 0 || *x.Value > 1 || (*x.Value > 0.25) != (x.Code == CodeTooRisky) {
				t.Errorf("%s: refused for %+v, limit %v, want %v", c.name, x, x.Limit, want)
			}
		}
		if len(recs) != c.advised || c.code != "" && (len(codes) != 1 || !codes[c.code]) || len(recs)+len(refusals) != len(c.fleet) {
			t.Errorf("%s: %v", c.name, describe(recs, refusals))
		}
	}
	fleet := []Candidate{reaching(t, "i", "", 30)}
	for i := range 40 { // disks do not make the budget larger
		fleet = append(fleet, Candidate{Input: analyzer.Input{Resource: cloud.Resource{ID: fmt.Sprint("d", i), Kind: cloud.Disk}, Utilization: map[cloud.Metric]utilization.Summary{}}})
	}
	for range 2 {
		next := reaching(t, fmt.Sprint("i", len(fleet)), "", 30)
		next.Input.Resource.Application = next.Input.Resource.ID // of no kin
		fleet = append(fleet, next)
	}
	if recs, _ := Recommend(p, fleet, nil, book(t), nil, now); len(recs) != 2 {
		t.Errorf("beside disks: %d are advised, want 2", len(recs))
	}
	// A policy that accepts more than 5 % has no limit of one chance to be refused for.
	p.Risk.Budget = 0.1
	_, refusals := Recommend(p, []Candidate{reaching(t, "a", "", 49)}, nil, book(t), nil, now)
	if len(refusals) != 1 || refusals[0].Reasons[0].Code != CodeRiskBudget || *refusals[0].Reasons[0].Value <= 0.5 {
		t.Errorf("too grave for a budget of a tenth: %v", describe(nil, refusals))
	}
}

// What is spared for its kin is told so, with how many of it are touched; a
// high-availability group is kept or changed as a whole, however many it has.
func TestSparedForTheKin(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		group   string
		n       int
		advised int
		want    analyzer.Reason
	}{
		{"", 3, 2, analyzer.Reason{Code: CodeKin, Value: number(2), Limit: number(2), Unit: cloud.Count}},
		{"ha", 3, 3, analyzer.Reason{}},
	} {
		var fleet []Candidate
		for i := range c.n {
			fleet = append(fleet, reaching(t, fmt.Sprint("i", i), c.group, 1))
		}
		recs, refusals := Recommend(baseline(t), fleet, nil, book(t), nil, now)
		if len(recs) != c.advised || len(refusals) != c.n-c.advised {
			t.Errorf("%d of group %q: %v", c.n, c.group, describe(recs, refusals))
		}
		for _, f := range refusals {
			if d := cmp.Diff([]analyzer.Reason{c.want}, f.Reasons); d != "" {
				t.Errorf("%d of group %q (-want +got):\n%s", c.n, c.group, d)
			}
		}
	}
}
