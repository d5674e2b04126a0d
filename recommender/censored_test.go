package recommender

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// held is a machine of 8 vCPU with so much CPU and memory in use whose 95th percentile
// of steal is the given one.
func held(t *testing.T, p policies.Pack, r cloud.Resource, cpu, memory, steal float64) Candidate {
	t.Helper()
	r.ID = "i-1"
	if r.InstanceType == "" {
		r.VCPU, r.MemoryGiB = 8, 32
	}
	c := machine(t, p, r, cpu, memory)
	c.Input.Utilization[cloud.StealPercent] = flat(cloud.StealPercent, steal, 100, cloud.Last(p.Window, now))
	c.Finding = analyzer.Judge(p, c.Input, now)
	return c
}

func TestNoSmallerCPUWhereItWasWithheld(t *testing.T) {
	p := baseline(t)
	off := cloud.Resource{Status: cloud.PoweredOff, StoppedSince: now.AddDate(0, -3, 0)}
	for name, c := range map[string]struct {
		machine Candidate
		limit   float64
		want    string
	}{
		"steal at the limit":                            {held(t, p, cloud.Resource{}, 12, 10, 5), 5, "i-1: downsize to 4C16G 0GiB saves 1440.00"},
		"steal above the limit leaves memory":           {held(t, p, cloud.Resource{}, 12, 10, 5.01), 5, "i-1: downsize to 8C16G 0GiB saves 960.00"},
		"memory in use":                                 {held(t, p, cloud.Resource{}, 12, 60, 5.01), 5, "i-1: refused cpu_withheld"},
		"memory unknown":                                {held(t, p, cloud.Resource{}, 12, -1, 5.01), 5, "i-1: refused cpu_withheld"},
		"a size that would not fit anyhow":              {held(t, p, cloud.Resource{InstanceType: "ecs.g7.large"}, 12, 60, 5.01), 5, "i-1: refused no_smaller_size"},
		"an idle machine at the limit":                  {held(t, p, cloud.Resource{}, 1, 10, 5), 5, "i-1: release to nothing saves 2880.00"},
		"an idle machine above the limit":               {held(t, p, cloud.Resource{}, 1, 10, 5.01), 5, "i-1: refused cpu_withheld"},
		"a machine that is off is not released as idle": {held(t, p, off, 1, 10, 5.01), 5, "i-1: release to nothing saves 2880.00 stopped_may_be_unbilled"},
		"a tight machine is to grow all the same":       {held(t, p, cloud.Resource{}, 85, 50, 50), 5, "i-1: upsize to 16C32G 0GiB saves 0.00 costs_more"},
		"a policy without tolerance, and no steal":      {held(t, p, cloud.Resource{}, 1, 10, 0), 0, "i-1: release to nothing saves 2880.00"},
		"a policy that does not look at steal":          {held(t, p, cloud.Resource{}, 1, 10, 100), 100, "i-1: release to nothing saves 2880.00"},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			p.Sizing.MaxSteal = c.limit
			got := describe(Recommend(p, []Candidate{c.machine}, catalogue(), book(t), nil, now))
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("advice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatWithheldCPUIsToldBy(t *testing.T) {
	p := baseline(t)
	v, limit := 5.01, 5.0
	want := analyzer.Reason{Code: CodeCPUWithheld, Metric: cloud.StealPercent, Statistic: "p95", Value: &v, Limit: &limit, Unit: cloud.Percent}
	_, refusals := Recommend(p, []Candidate{held(t, p, cloud.Resource{}, 12, 60, 5.01)}, catalogue(), book(t), nil, now)
	if diff := cmp.Diff([]analyzer.Reason{want}, refusals[0].Reasons); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
	c := held(t, p, cloud.Resource{}, 12, 10, 5.01)
	recs, _ := Recommend(p, []Candidate{c}, catalogue(), book(t), nil, now)
	if diff := cmp.Diff(append(c.Finding.Reasons, want), recs[0].Reasons); diff != "" {
		t.Errorf("advice for memory alone (-want +got):\n%s", diff)
	}
	unfit := map[string]string{}
	for _, s := range Sizes(p, held(t, p, cloud.Resource{InstanceType: "ecs.g7.4xlarge"}, 15, 25, 5.01), catalogue(), book(t), now) {
		unfit[s.InstanceType] = s.Unfit
	}
	if unfit["ecs.g7.2xlarge"] != UnfitCensored || unfit["ecs.c7.4xlarge"] != "" || unfit["ecs.g7.xlarge"] != UnfitStep {
		t.Errorf("sizes: %v", unfit)
	}
}

// So few samples of steal that their 95th percentile is their largest stop nothing.
func TestFewSamplesOfStealStopNothing(t *testing.T) {
	p := baseline(t)
	for n, want := range map[int]string{19: "i-1: downsize to 4C16G 0GiB saves 1440.00", 20: "i-1: refused cpu_withheld"} {
		c := held(t, p, cloud.Resource{}, 12, 60, 0)
		if n == 19 {
			want = "i-1: downsize to 4C32G 0GiB saves 480.00"
		}
		var points []cloud.Point
		for i := range n {
			points = append(points, cloud.Point{T: now.Add(-time.Duration(i+1) * utilization.Step).Unix(), V: 90})
		}
		slices.Reverse(points)
		c.Input.Utilization[cloud.StealPercent] = utilization.Describe(points, cloud.StealPercent, cloud.Last(p.Window, now), shanghai)
		if diff := cmp.Diff([]string{want}, describe(Recommend(p, []Candidate{c}, catalogue(), book(t), nil, now))); diff != "" {
			t.Errorf("%d samples (-want +got):\n%s", n, diff)
		}
	}
}

// piled is 1000 samples, so many of which have the value high, one is the maximum, and
// the rest rest.
func piled(p policies.Pack, n int, high, top float64) utilization.Summary {
	w := cloud.Last(p.Window, now)
	var points []cloud.Point
	for i := range 1000 {
		v := 2.0
		switch {
		case i == 0:
			v = top
		case i <= n:
			v = high
		}
		points = append(points, cloud.Point{T: w.From.Unix() + int64(i)*300, V: v})
	}
	return utilization.Describe(points, cloud.CPUPercent, w, shanghai)
}

func TestCapOfBurstableMachines(t *testing.T) {
	p := baseline(t)
	r := &run{pack: p, types: catalogue()}
	burstable := cloud.Resource{Burstable: true}
	for name, c := range map[string]struct {
		resource cloud.Resource
		cpu      utilization.Summary
		want     bool
	}{
		"a tenth below the maximum":          {burstable, piled(p, 99, 20, 20.5), true},
		"one fewer":                          {burstable, piled(p, 98, 20, 20.5), false},
		"a whole point below the maximum":    {burstable, piled(p, 500, 20, 21), false},
		"a maximum of 5":                     {burstable, piled(p, 99, 5, 5), true},
		"a maximum just below 5":             {burstable, piled(p, 99, 4.99, 4.99), false},
		"a maximum of 95":                    {burstable, piled(p, 99, 95, 95), true},
		"a maximum just above 95":            {burstable, piled(p, 99, 95.01, 95.01), false},
		"without samples":                    {burstable, utilization.Summary{}, false},
		"told by the type":                   {cloud.Resource{InstanceType: "ecs.t6.large"}, piled(p, 99, 20, 20), true},
		"a constant load on an ordinary one": {cloud.Resource{InstanceType: "ecs.g7.large"}, piled(p, 999, 20, 20), false},
	} {
		t.Run(name, func(t *testing.T) {
			in := analyzer.Input{Resource: c.resource, Utilization: map[cloud.Metric]utilization.Summary{cloud.CPUPercent: c.cpu}}
			why, got := r.capped(&Candidate{Input: in})
			if got != c.want {
				t.Errorf("capped: %v, want %v", got, c.want)
			}
			if got && (*why.Limit != 0.1 || *why.Value < 0.1 || why.Unit != cloud.Ratio) {
				t.Errorf("reason %+v", why)
			}
		})
	}
}

func TestNoSmallerCPUAtACap(t *testing.T) {
	p := baseline(t)
	for name, c := range map[string]struct {
		burstable bool
		cpu       float64
		memory    float64
		want      string
	}{
		"memory may shrink":                    {true, 12, 10, "i-1: downsize to 8C16G 0GiB saves 960.00"},
		"memory in use":                        {true, 12, 60, "i-1: refused cpu_capped 12.5"},
		"a constant load on an ordinary one":   {false, 12, 60, "i-1: downsize to 4C32G 0GiB saves 480.00"},
		"what is idle is released, cap or not": {true, 1, 10, "i-1: release to nothing saves 2880.00"},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine(t, p, cloud.Resource{ID: "i-1", VCPU: 8, MemoryGiB: 32, Burstable: c.burstable}, c.cpu, c.memory)
			m.Input.Utilization[cloud.CPUPercent] = flat(cloud.CPUPercent, c.cpu, c.cpu+0.5, cloud.Last(p.Window, now))
			m.Finding = analyzer.Judge(p, m.Input, now)
			got := describe(Recommend(p, []Candidate{m}, catalogue(), book(t), nil, now))
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("advice (-want +got):\n%s", diff)
			}
		})
	}
}
