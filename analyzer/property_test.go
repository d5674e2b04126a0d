package analyzer

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// Whatever is drawn: a verdict other than InsufficientData rests on enough
// samples, idleness on nothing but low numbers, and every verdict has a reason.
func TestIdleIsNeverAGuess(t *testing.T) {
	pack, _ := policies.ByID(policies.DefaultID)
	pack.Window, pack.MinHistory = 3*day, 2*day // shorter, so that many machines are drawn
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	w := cloud.Last(pack.Window, now)
	rapid.Check(t, func(t *rapid.T) {
		in := Input{
			Resource: cloud.Resource{
				ID: "i-1", Kind: cloud.Instance, VCPU: 4, MemoryGiB: 16,
				Status:    rapid.SampledFrom([]cloud.Status{"", cloud.Running, cloud.PoweredOff}).Draw(t, "status"),
				CreatedAt: now.Add(-time.Duration(rapid.IntRange(0, 200).Draw(t, "age")) * day),
			},
			Utilization: map[cloud.Metric]utilization.Summary{},
		}
		for _, m := range cloud.Metrics() {
			if rapid.Bool().Draw(t, "absent "+string(m)) {
				continue
			}
			s := series{
				Level:   rapid.Float64Range(0, 12).Draw(t, "level"),
				PeakOf:  rapid.IntRange(0, 400).Draw(t, "peak of"),
				Peak:    rapid.Float64Range(0, 100).Draw(t, "peak"),
				Missing: rapid.IntRange(0, 8).Draw(t, "missing"),
			}
			in.Utilization[m] = utilization.Describe(s.points(w, now), m, w, time.UTC)
		}
		f := Judge(pack, in, now)
		if len(f.Reasons) == 0 {
			t.Fatalf("%s without a reason", f.Verdict)
		}
		checkCoded(t, f.Reasons)
		checkDerivation(t, Explain(pack, in, now), f)
		cpu := in.Utilization[cloud.CPUPercent]
		if f.Verdict != InsufficientData && (cpu.Samples == 0 || cpu.Coverage() < pack.MinCoverage) {
			t.Fatalf("%s on coverage %g", f.Verdict, cpu.Coverage())
		}
		covered := func(e Evidence) bool {
			return e.Expected > 0 && *f.Coverage == min(1, float64(e.Samples)/float64(e.Expected))
		}
		if f.Coverage != nil && !slices.ContainsFunc(f.Evidence, covered) {
			t.Fatalf("%s on coverage %g, which no metric has: %+v", f.Verdict, *f.Coverage, f.Evidence)
		}
		if f.Verdict == Idle && (cpu.Quantile(0.95) >= 5 || cpu.Max >= 20 || in.Utilization[cloud.MemoryPercent].Samples == 0) {
			t.Fatalf("idle with p95 %g, max %g, %d memory samples", cpu.Quantile(0.95), cpu.Max, in.Utilization[cloud.MemoryPercent].Samples)
		}
	})
}

func checkCoded(t *rapid.T, reasons []Reason) {
	for _, r := range reasons {
		if word, _, composed := r.Comparison(); composed && (word == "" || r.Value == nil || r.Limit == nil) {
			t.Fatalf("comparison %s without its numbers", r.Code)
		}
	}
}
