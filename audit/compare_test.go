package audit

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// stricter is the baseline with a limit on traffic that the idle machine of the
// fleet does not keep, and more patience with disks.
func stricter(t *testing.T) policies.Pack {
	p := baseline(t)
	p.ID, p.Version, p.SHA256 = "ours", "2", "checksum of ours"
	p.Rules = slices.DeleteFunc(p.Rules, func(r policies.Rule) bool { return r.ID == "nearly-idle" })
	for i, r := range p.Rules {
		if r.ID == "idle" {
			p.Rules[i].When[2].Limit = 1e6 // bytes a day; it moves 2.16 MB
		}
		if r.ID == "disk-unattached" {
			p.Rules[i].When[0].Limit = 90
		}
	}
	return p
}

func inventory(candidates []recommender.Candidate) []cloud.Resource {
	var out []cloud.Resource
	for _, c := range candidates {
		out = append(out, c.Input.Resource)
	}
	return out
}

func TestCompare(t *testing.T) {
	a, b := baseline(t), stricter(t)
	candidates := fleet(a)
	was, is := "at_most 5MB on_days 90%", "at_most 1MB on_days 90%"
	got := Compare(build(t, candidates, a, book(t, "CNY")), build(t, fleet(b), b, book(t, "CNY")), inventory(candidates),
		[]policies.Setting{{Field: "rules.idle.when.network_bps.day_volume", A: &was, B: &is}})
	var switched []string
	for _, s := range got.Switched {
		switched = append(switched, s.ResourceID)
	}
	if diff := cmp.Diff([]string{"i-1", "d-2"}, switched); diff != "" {
		t.Errorf("switched (-want +got):\n%s", diff)
	}
	if s := got.Switched[0]; s.A.Verdict != analyzer.Idle || s.B.Verdict != analyzer.Overprovisioned || s.A.Action() != recommender.Release || s.B.Action() != recommender.Downsize {
		t.Errorf("i-1 goes from %s %s to %s %s", s.A.Verdict, s.A.Action(), s.B.Verdict, s.B.Action())
	}
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "compare.golden.json")
	if *update {
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestComparedWithItselfNothingChanges(t *testing.T) {
	p := baseline(t)
	candidates := fleet(p)
	a := build(t, candidates, p, book(t, "CNY"))
	c := Compare(a, a, inventory(candidates), nil)
	if !c.Empty() || len(c.Departments) != 0 {
		t.Errorf("%d switched, %d departments", len(c.Switched), len(c.Departments))
	}
	for _, s := range c.Actions {
		if want := (Sum{ActionTotal: ActionTotal{AnnualSaving: "0.00"}}); s.Change != want {
			t.Errorf("%s changes by %+v", s.Action, s.Change)
		}
	}
}

// drawAudit is an audit of a few machines that are released, downsized or left
// alone.
func drawAudit(t *rapid.T, label string) Audit {
	a := Audit{Totals: Totals{Verdicts: map[analyzer.Verdict]int{}, Currency: "CNY"}}
	for _, id := range []string{"i-1", "i-2", "i-3", "i-4", "i-5"} {
		f := analyzer.Finding{ResourceID: id, Kind: cloud.Instance, Verdict: rapid.SampledFrom(analyzer.Verdicts()).Draw(t, label+id)}
		a.Findings = append(a.Findings, f)
		action := rapid.SampledFrom(append(Actions(), "")).Draw(t, label+id+" action")
		if action == "" {
			continue
		}
		fen, _ := price.NewAmount(rapid.StringMatching(`[0-9]{1,5}\.[0-9]{2}`).Draw(t, label+id+" saving"), "CNY")
		r := recommender.Recommendation{
			ResourceID: id, Kind: cloud.Instance, Department: map[string]string{"i-1": "甲局", "i-2": "甲局", "i-3": ""}[id], Action: action,
			Current: recommender.Spec{VCPU: 8, MemoryGiB: 32}, AnnualSaving: fen, SavingKnown: rapid.Bool().Draw(t, label+id+" known"),
			Risk: recommender.Risk{HarmProbability: float64(rapid.IntRange(0, 100).Draw(t, label+id+" harm")) / 1000},
		}
		if action == recommender.Downsize || action == recommender.Upsize {
			r.Target = &recommender.Spec{VCPU: rapid.SampledFrom([]int{2, 4, 16}).Draw(t, label+id+" vcpu"), MemoryGiB: 32}
		}
		a.Recommendations = append(a.Recommendations, r)
	}
	return a
}

// Turned round, a comparison says the opposite; and what departments gain and
// lose adds up to what the fleet does.
func TestCompareAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAudit(t, "a "), drawAudit(t, "b ")
		there, back := Compare(a, b, nil, nil), Compare(b, a, nil, nil)
		if len(there.Switched) != len(back.Switched) {
			t.Fatalf("%d switched there, %d back", len(there.Switched), len(back.Switched))
		}
		for i, s := range there.Actions {
			o := back.Actions[i].Change
			if s.Change.VCPU != -o.VCPU || s.Change.Resources != -o.Resources || s.A != back.Actions[i].B {
				t.Fatalf("%s: %+v there, %+v back", s.Action, s.Change, o)
			}
			vcpu, harms := 0, 0.0
			saving := price.Zero("CNY")
			for _, d := range there.Departments {
				for _, x := range d.Actions {
					if x.Action != s.Action {
						continue
					}
					vcpu += x.Change.VCPU
					harms += x.Change.ExpectedHarms
					yuan, err := price.NewAmount(x.Change.AnnualSaving, "CNY")
					if err != nil {
						t.Fatal(err)
					}
					saving, _ = saving.Add(yuan)
				}
			}
			if vcpu != s.Change.VCPU || math.Abs(harms-s.Change.ExpectedHarms) > 1e-9 || saving.String() != s.Change.AnnualSaving {
				t.Fatalf("%s: departments add up to %d vCPU, %g harms, %s; the fleet changes by %+v", s.Action, vcpu, harms, saving, s.Change)
			}
		}
		for _, s := range there.Switched {
			if s.A.Verdict == s.B.Verdict && (s.A.Stop == nil) == (s.B.Stop == nil) && s.A.Action() == s.B.Action() && (s.A.Recommendation == nil || s.A.Recommendation.Target == nil || *s.A.Recommendation.Target == *s.B.Recommendation.Target) {
				t.Fatalf("%s did not switch", s.ResourceID)
			}
		}
	})
}
