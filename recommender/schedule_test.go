package recommender

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// resting is a machine of 8 vCPU and 32 GiB that may be stopped for 84 hours a
// week: half of it.
func resting(set func(*Candidate)) Candidate {
	c := Candidate{
		Input: analyzer.Input{Resource: cloud.Resource{
			ID: "i-1", Kind: cloud.Instance, Department: "示例局", Status: cloud.Running, ChargeType: cloud.Postpaid, InstanceType: "ecs.g7.2xlarge",
			VCPU: 8, MemoryGiB: 32, StorageGiB: 100, Architecture: "x86_64", CreatedAt: now.AddDate(-1, 0, 0),
		}},
		Finding: analyzer.Finding{ResourceID: "i-1", Kind: cloud.Instance, Verdict: analyzer.Optimized},
		Drowsy:  true,
		Nights:  analyzer.Nights{Schedule: &analyzer.Schedule{HoursOff: 84, WorkHours: 50, Weeks: 4, SeenHours: 336, AwakeHours: 1}},
	}
	if set != nil {
		set(&c)
	}
	return c
}

// billed is the book with what it says of stopped machines.
func billed(t *testing.T, how price.StoppedBilling) price.Book {
	t.Helper()
	line := ""
	if how != "" {
		line = "stopped_billing: " + string(how)
	}
	b, err := price.Parse("test.yaml", []byte(`
id: test
version: "1"
name: {zh: 测试, en: test}
currency: CNY
confidence: proposed
tax_included: true
source: {title: test}
`+line+`
items:
  - {id: cpu, what: vcpu, price: 10, per: month}
  - {id: mem, what: memory, price: 5, per: month}
  - {id: disk, what: storage, price: 1, per: month}
`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStop(t *testing.T) {
	resource := func(set func(*cloud.Resource)) func(*Candidate) {
		return func(c *Candidate) { set(&c.Input.Resource) }
	}
	finding := func(set func(*analyzer.Finding)) func(*Candidate) {
		return func(c *Candidate) { set(&c.Finding) }
	}
	for name, c := range map[string]struct {
		set  func(*Candidate)
		how  price.StoppedBilling
		want string
	}{
		// (8 × 10 + 32 × 5) × 12 = 2880 a year; the disk's 1200 go on.
		"billing stops":                  {nil, price.BillingStops, "stop: saves 1440.00 (billing_stops)"},
		"billing continues":              {nil, price.BillingContinues, "refused billed_stop"},
		"the book does not say":          {nil, "", "stop: saving unknown (stopped_billing_unknown)"},
		"a subscription":                 {resource(func(r *cloud.Resource) { r.ChargeType = cloud.Prepaid }), price.BillingStops, "refused prepaid_stop"},
		"a subscription without a price": {resource(func(r *cloud.Resource) { r.ChargeType = cloud.Prepaid }), "", "refused prepaid_stop"},
		"who knows how it is paid":       {resource(func(r *cloud.Resource) { r.ChargeType = "" }), price.BillingStops, "stop: saving unknown (charge_type_unknown)"},
		"no schedule found":              {func(c *Candidate) { c.Nights.Schedule = nil }, price.BillingStops, ""},
		"idle: not to be scheduled":      {finding(func(f *analyzer.Finding) { f.Verdict = analyzer.Idle }), price.BillingStops, ""},
		"tight by day":                   {finding(func(f *analyzer.Finding) { f.Verdict = analyzer.Underprovisioned }), "", "stop: saving unknown (stopped_billing_unknown)"},
		"network not measured":           {func(c *Candidate) { c.Nights.NetworkUnknown = true }, price.BillingStops, "refused network_unmeasured"},
		"exempt":                         {finding(func(f *analyzer.Finding) { f.Flags = []analyzer.Flag{analyzer.Exempt} }), price.BillingStops, "refused exempt"},
		"a listing that was not read": {finding(func(f *analyzer.Finding) {
			f.Flags, f.Reasons = []analyzer.Flag{analyzer.CloudUnavailable}, []analyzer.Reason{{Code: analyzer.CodeScopeUnavailable}}
		}), price.BillingStops, "refused scope_unavailable"},
		"a thin history": {finding(func(f *analyzer.Finding) {
			f.Verdict, f.Reasons = analyzer.InsufficientData, []analyzer.Reason{{Code: analyzer.CodeHistoryBelow, Metric: cloud.CPUPercent}}
		}), price.BillingStops, "refused history_below"},
		"memory alone is not known": {finding(func(f *analyzer.Finding) {
			f.Verdict, f.Reasons = analyzer.InsufficientData, []analyzer.Reason{{Code: analyzer.CodeCoverageBelow, Metric: cloud.MemoryPercent}}
		}), price.BillingStops, "stop: saves 1440.00 (billing_stops)"},
		"suspected padding":            {finding(func(f *analyzer.Finding) { f.Flags = []analyzer.Flag{analyzer.SuspectedPadding} }), price.BillingStops, "refused suspected_padding"},
		"tagged as standby":            {resource(func(r *cloud.Resource) { r.Tags = map[string]string{"资源类别": "灾备"} }), price.BillingStops, "refused standby 灾备"},
		"tagged for emergencies":       {resource(func(r *cloud.Resource) { r.Tags = map[string]string{"class": "Emergency"} }), price.BillingStops, "refused standby emergency"},
		"of a season":                  {resource(func(r *cloud.Resource) { r.Tags = map[string]string{"season": "03-01/06-30"} }), price.BillingStops, "refused standby season"},
		"a database":                   {resource(func(r *cloud.Resource) { r.Name = "示例-公文流转-数据库" }), price.BillingStops, "refused database 数据库"},
		"one of peers":                 {resource(func(r *cloud.Resource) { r.HAGroup = "ds-1" }), price.BillingStops, "refused ha_group ds-1"},
		"a GPU":                        {resource(func(r *cloud.Resource) { r.GPU = 1 }), price.BillingStops, "refused gpu ecs.g7.2xlarge"},
		"disks of the host":            {resource(func(r *cloud.Resource) { r.LocalStorageGiB = 894 }), price.BillingStops, "refused local_disk_stop ecs.g7.2xlarge"},
		"an age at the minimum":        {resource(func(r *cloud.Resource) { r.CreatedAt = now.Add(-90 * 24 * time.Hour) }), "", "stop: saving unknown (stopped_billing_unknown)"},
		"a second younger":             {resource(func(r *cloud.Resource) { r.CreatedAt = now.Add(-90*24*time.Hour + time.Second) }), "", "refused age_below"},
		"an age that nobody knows":     {resource(func(r *cloud.Resource) { r.CreatedAt = time.Time{} }), "", "refused age_unknown"},
		"first seen, at least":         {resource(func(r *cloud.Resource) { r.CreatedAt, r.FirstSeen = time.Time{}, now.AddDate(0, -2, 0) }), "", "stop: saving unknown (stopped_billing_unknown)"},
		"a family never to be touched": {nil, "refuse", "refused refused_family ecs.g7"},
	} {
		p := baseline(t)
		if c.how == "refuse" {
			p.Sizing.Refuse, c.how = []string{"ecs.g7"}, ""
		}
		recs, refusals := Recommend(p, []Candidate{resting(c.set)}, catalogue(), billed(t, c.how), nil, now)
		got := ""
		for _, r := range recs {
			got += string(r.Action)
			if r.SavingKnown {
				got += fmt.Sprintf(": saves %s (%s)", r.AnnualSaving, r.SavingNote)
			} else {
				got += fmt.Sprintf(": saving unknown (%s)", r.SavingNote)
			}
		}
		for _, r := range refusals {
			got += "refused " + r.Reasons[0].Code
			if d := r.Reasons[0].Detail; d != "" {
				got += " " + d
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A machine that is to be smaller and to rest saves, by resting, what the smaller
// one costs: the two amounts may be added.
func TestStopBesideDownsize(t *testing.T) {
	p := baseline(t)
	c := machine(t, p, cloud.Resource{ID: "i-1", InstanceType: "ecs.g7.2xlarge", ChargeType: cloud.Postpaid, CreatedAt: now.AddDate(-1, 0, 0)}, 15, 20)
	c.Nights = resting(nil).Nights
	recs, _ := Recommend(p, []Candidate{c}, catalogue(), billed(t, price.BillingStops), nil, now)
	var got []string
	for _, r := range recs {
		got = append(got, fmt.Sprintf("%s %s", r.Action, r.AnnualSaving))
	}
	// 4 vCPU and 16 GiB less are 1440 a year; half of the 1440 that are left, 720.
	if d := cmp.Diff([]string{"downsize 1440.00", "stop 720.00"}, got); d != "" {
		t.Error(d)
	}
	if recs[0].ID == recs[1].ID {
		t.Error("two pieces of advice share an id")
	}
}

func TestStopIsConfirmed(t *testing.T) {
	p := baseline(t)
	for tried, ready := range map[int]bool{
		16: false, // the prior alone
		28: false, // 1 − 0.05^(1/28) = 10.1 %, D
		29: true,  // 9.8 %, C
	} {
		fleet := []Candidate{resting(func(c *Candidate) { c.Nights.TriedWeeks = tried })}
		first, _ := Recommend(p, fleet, catalogue(), billed(t, ""), nil, now)
		second, _ := Recommend(p, fleet, catalogue(), billed(t, ""), first, now.AddDate(0, 0, 7))
		if first[0].Ready || second[0].Ready != ready || second[0].ConsecutiveRuns != 2 || second[0].FirstSeen != "2026-11-23" {
			t.Errorf("%d weeks tried: first %+v, then %+v", tried, first[0], second[0])
		}
	}
	p.Risk.C = 0.95 // a pack that accepts much makes no promise of the prior
	if risk := (Recommendation{Action: Stop, Risk: (&run{pack: p}).ofNights(nil)}); risk.Risk.Grade != "C" || !risk.ToReview() {
		t.Errorf("by the prior alone: %+v", risk.Risk)
	}
}

// The risk is what the fleet's weeks have shown, once they are more than those of
// the prior.
func TestRiskOfStops(t *testing.T) {
	for name, c := range map[string]struct {
		tried, woke int
		want        Risk
	}{
		"nothing tried":            {0, 0, Risk{HarmProbability: 0.9098, Grade: "D", Prior: true}},
		"as many as the prior":     {16, 0, Risk{HarmProbability: 0.9098, Grade: "D", Prior: true}},
		"one more":                 {17, 0, Risk{HarmProbability: 0.1616, Grade: "D", Compared: 17}},
		"by the rule of three, B":  {59, 0, Risk{HarmProbability: 0.0496, Grade: "B", Compared: 59}},
		"a hundred weeks, awake 3": {100, 3, Risk{HarmProbability: 0.0758, Grade: "C", Exceeded: 3, Compared: 100}},
	} {
		r := run{pack: policies.Pack{Risk: policies.DefaultRisk}}
		half := c.tried / 2
		got := r.ofNights([]Candidate{
			{Nights: analyzer.Nights{TriedWeeks: half}}, {Nights: analyzer.Nights{TriedWeeks: c.tried - half, WokeWeeks: c.woke}}, {},
		})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
