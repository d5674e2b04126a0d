package recommender

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// Whatever the fleet: a downsize grows nothing and shrinks something, stays in
// its architecture and out of refused, GPU and local-disk types, goes no
// further than the step and the floor, saves no less than nothing, and the
// projection keeps the limits; of a machine whose CPU was withheld, neither the CPU
// nor the whole is taken.
func TestAdviceNeverOverreaches(t *testing.T) {
	p, _ := policies.ByID(policies.DefaultID)
	p.Window, p.MinHistory = 3*24*time.Hour, 2*24*time.Hour // shorter, so that many fleets are drawn
	p.Sizing.Families = append(p.Sizing.Families, "ecs.g8y", "ecs.i2", "ecs.gn7")
	prices := book(t)
	types := catalogue()
	sorted := types.Sorted()
	w := cloud.Last(p.Window, now)
	rapid.Check(t, func(t *rapid.T) {
		var fleet []Candidate
		withheld := map[string]bool{}
		for i := range rapid.IntRange(1, 6).Draw(t, "machines") {
			r := cloud.Resource{
				ID: fmt.Sprintf("i-%d", i), Kind: cloud.Instance, Status: cloud.Running, Department: "示例局",
				HAGroup: rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "group"),
			}
			if rapid.Bool().Draw(t, "typed") {
				it := rapid.SampledFrom(sorted).Draw(t, "type")
				r.InstanceType, r.VCPU, r.MemoryGiB, r.Architecture = it.ID, it.VCPU, it.MemoryGiB, it.Architecture
				r.GPU, r.LocalStorageGiB = it.GPU, it.LocalStorageGiB
			} else {
				r.VCPU = rapid.IntRange(0, 48).Draw(t, "vcpu")
				r.MemoryGiB = rapid.Float64Range(0, 100).Draw(t, "memory")
			}
			in := analyzer.Input{Resource: r, Utilization: map[cloud.Metric]utilization.Summary{}, Peaks: map[cloud.Metric]analyzer.Peak{}}
			for _, m := range []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS, cloud.NetworkOutBPS} {
				if m != cloud.CPUPercent && rapid.IntRange(0, 4).Draw(t, "absent") == 0 {
					continue
				}
				level := rapid.Float64Range(0, 40).Draw(t, "level")
				in.Utilization[m] = flat(m, level, min(100, level*rapid.Float64Range(1, 4).Draw(t, "spike")), w)
				in.Peaks[m] = analyzer.Peak{Max: rapid.Float64Range(0, 100).Draw(t, "peak")}
			}
			if steal := rapid.SampledFrom([]float64{-1, -1, p.Sizing.MaxSteal, p.Sizing.MaxSteal + 0.01}).Draw(t, "steal"); steal >= 0 {
				in.Utilization[cloud.StealPercent] = flat(cloud.StealPercent, steal, 100, w)
				withheld[r.ID] = steal > p.Sizing.MaxSteal
			}
			fleet = append(fleet, Candidate{Input: in, Finding: analyzer.Judge(p, in, now), Past: Standard().PastOf(r, in.Utilization, nil)})
		}
		recs, refusals := Recommend(p, fleet, types, prices, nil, now)
		seen := map[string]bool{}
		for _, f := range refusals {
			seen[f.ResourceID] = true
		}
		for _, r := range recs {
			if seen[r.ResourceID] {
				t.Fatalf("%s is both advised and refused, or advised twice", r.ResourceID)
			}
			seen[r.ResourceID] = true
			if r.AnnualSaving.Sign() < 0 || r.Risk.HarmProbability < 0 || r.Risk.HarmProbability > 1 || r.Risk.Grade == "" || len(r.Reasons) == 0 {
				t.Fatalf("saving %s, risk %+v, %d reasons", r.AnnualSaving, r.Risk, len(r.Reasons))
			}
			if withheld[r.ResourceID] && (r.Action == Release || r.Action == Downsize && r.Target.VCPU < r.Current.VCPU) {
				t.Fatalf("%s of a machine whose CPU was withheld", r.Action)
			}
			checkPricing(t, r)
			if r.Action == Downsize {
				checkDownsize(t, p, types, r)
			}
		}
		checkSizes(t, p, fleet, types, prices, recs, refusals)
	})
}

// checkPricing recounts a saving from its price lines, to the fen.
func checkPricing(t *rapid.T, r Recommendation) {
	if r.Action == Upsize || !r.SavingKnown {
		if r.Pricing != nil {
			t.Fatalf("%s of unknown or no saving is priced: %+v", r.Action, r.Pricing)
		}
		return
	}
	if r.Pricing == nil {
		t.Fatalf("%s saves %s by nothing", r.Action, r.AnnualSaving)
	}
	sum := decimal.Zero
	for _, l := range r.Pricing.Current {
		sum = sum.Add(l.Annual.Decimal())
	}
	for _, l := range r.Pricing.Target {
		sum = sum.Sub(l.Annual.Decimal())
	}
	if got := sum.Round(2); !got.Equal(r.AnnualSaving.Decimal()) {
		t.Fatalf("the price lines come to %s, the saving is %s", got, r.AnnualSaving)
	}
}

func checkDownsize(t *rapid.T, p policies.Pack, types cloud.Catalog, r Recommendation) {
	c, g := r.Current, *r.Target
	if g.VCPU > c.VCPU || g.MemoryGiB > c.MemoryGiB || g == c {
		t.Fatalf("%+v is not smaller than %+v", g, c)
	}
	if float64(g.VCPU)*p.Sizing.MaxStep < float64(c.VCPU) || g.MemoryGiB*p.Sizing.MaxStep < c.MemoryGiB {
		t.Fatalf("%+v is more than a step from %+v", g, c)
	}
	if g.VCPU < c.VCPU && g.VCPU < p.Sizing.MinVCPU || g.MemoryGiB < c.MemoryGiB && g.MemoryGiB < p.Sizing.MinMemoryGiB {
		t.Fatalf("%+v is below the floor", g)
	}
	if (c.InstanceType == "") != (g.InstanceType == "") {
		t.Fatalf("from %+v to %+v", c, g)
	}
	if c.InstanceType != "" {
		from, to := types[c.InstanceType], types[g.InstanceType]
		if from.Architecture != to.Architecture || to.GPU > 0 || to.LocalStorageGiB > 0 || to.Burstable && !from.Burstable {
			t.Fatalf("from %+v to %+v", from, to)
		}
	}
	if v := r.Projected.CPUP95; g.VCPU < c.VCPU && (v == nil || *v > 60) {
		t.Fatalf("projected CPU p95 %v", v)
	}
	if v := r.Projected.MemoryP95; g.MemoryGiB < c.MemoryGiB && (v == nil || *v > 75) {
		t.Fatalf("projected memory p95 %v", v)
	}
	if r.SavingKnown && r.AnnualSaving.Sign() == 0 {
		t.Fatal("a downsize that saves nothing")
	}
}
