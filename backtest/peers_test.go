package backtest

import (
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/utilization"
)

var decision = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

const perDay = 288 // samples

// run is n samples of one value.
type run struct {
	n int
	v float64
}

// series is runs at the usual spacing, of which the last ends with the decision.
func series(runs ...run) []cloud.Point {
	n := 0
	for _, r := range runs {
		n += r.n
	}
	var out []cloud.Point
	for _, r := range runs {
		for range r.n {
			out = append(out, cloud.Point{T: decision.Unix() - int64(n-len(out))*300, V: r.v})
		}
	}
	return out
}

// level is a value for days.
func level(days int, v float64) []cloud.Point { return series(run{days * perDay, v}) }

// byDay is a value in the daytime and another at night.
func byDay(days int, day, night float64) []cloud.Point {
	var runs []run
	for range days {
		runs = append(runs, run{perDay / 2, night}, run{perDay / 2, day})
	}
	return series(runs...)
}

func old(size Size) cloud.Resource {
	return cloud.Resource{ID: "m", Kind: cloud.Instance, VCPU: size.VCPU, MemoryGiB: size.MemoryGiB, FirstSeen: decision.AddDate(0, -3, 0)}
}

func machineOf(r cloud.Resource, points map[cloud.Metric][]cloud.Point) *Machine {
	return newMachine(r, decision, points, utilization.NewAccumulator(time.UTC), time.UTC)
}

func ruleByID(t *testing.T, id string) Rule {
	t.Helper()
	i := slices.IndexFunc(Peers(), func(r Rule) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("no rule %s", id)
	}
	return Peers()[i]
}

func TestPeersAreNamed(t *testing.T) {
	seen, names := map[string]bool{}, map[string]bool{}
	for _, r := range Peers() {
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(r.ID) {
			t.Errorf("id %q: want lowercase words joined by hyphens", r.ID)
		}
		if seen[r.ID] || names[r.Name] {
			t.Errorf("%s, %q: there twice", r.ID, r.Name)
		}
		seen[r.ID], names[r.Name] = true, true
		if r.Name == "" || r.Source == "" || len(r.Parameters) == 0 {
			t.Errorf("%s: name %q, source %q, parameters %v", r.ID, r.Name, r.Source, r.Parameters)
		}
		if (r.Size == nil) == (r.Release == nil) {
			t.Errorf("%s: want either a size or a release", r.ID)
		}
	}
}

func TestSizes(t *testing.T) {
	silent := Size{}
	weeks := 14 * perDay
	tests := map[string]struct {
		rule        string
		size        Size
		cpu, memory []cloud.Point
		want        Size // silent: it abstains
	}{
		"compute optimizer, both at the limit":           {"aws-compute-optimizer-max-savings", Size{16, 64}, level(14, 50), level(14, 45.45), Size{8, 32}},
		"compute optimizer, both above":                  {"aws-compute-optimizer-max-savings", Size{16, 64}, level(14, 50.01), level(14, 45.46), Size{16, 64}},
		"compute optimizer, memory unknown":              {"aws-compute-optimizer-max-savings", Size{16, 64}, level(14, 50), nil, Size{8, 64}},
		"compute optimizer, P90 is the last low one":     {"aws-compute-optimizer-max-savings", Size{16, 64}, series(run{901, 50}, run{100, 90}), nil, Size{8, 64}},
		"compute optimizer, P90 is the first high one":   {"aws-compute-optimizer-max-savings", Size{16, 64}, series(run{900, 50}, run{101, 90}), nil, Size{16, 64}},
		"compute optimizer, memory counts by its peak":   {"aws-compute-optimizer-max-savings", Size{16, 64}, level(14, 50), series(run{1, 90}, run{weeks - 1, 1}), Size{8, 64}},
		"compute optimizer, before the window":           {"aws-compute-optimizer-max-savings", Size{16, 64}, series(run{weeks, 90}, run{weeks, 50}), nil, Size{8, 64}},
		"compute optimizer, 30 hours":                    {"aws-compute-optimizer-max-savings", Size{16, 64}, series(run{360, 50}), nil, Size{8, 64}},
		"compute optimizer, less than 30 hours":          {"aws-compute-optimizer-max-savings", Size{16, 64}, series(run{359, 50}), nil, silent},
		"compute optimizer default, within":              {"aws-compute-optimizer-default", Size{16, 64}, level(14, 41.66), level(14, 41.66), Size{8, 32}},
		"compute optimizer default, above":               {"aws-compute-optimizer-default", Size{16, 64}, level(14, 41.67), level(14, 41.67), Size{16, 64}},
		"compute optimizer default, P99.5 is low":        {"aws-compute-optimizer-default", Size{16, 64}, series(run{996, 20}, run{5, 90}), nil, Size{4, 64}},
		"compute optimizer default, P99.5 is high":       {"aws-compute-optimizer-default", Size{16, 64}, series(run{995, 20}, run{6, 90}), nil, Size{16, 64}},
		"compute optimizer balanced, within":             {"aws-compute-optimizer-balanced", Size{16, 64}, level(14, 38.46), level(14, 38.46), Size{8, 32}},
		"compute optimizer balanced, above":              {"aws-compute-optimizer-balanced", Size{16, 64}, level(14, 38.47), level(14, 38.47), Size{16, 64}},
		"compute optimizer balanced, P95 is low":         {"aws-compute-optimizer-balanced", Size{16, 64}, series(run{951, 19}, run{50, 90}), nil, Size{4, 64}},
		"compute optimizer balanced, P95 is high":        {"aws-compute-optimizer-balanced", Size{16, 64}, series(run{950, 19}, run{51, 90}), nil, Size{16, 64}},
		"compute optimizer maximum performance, P99.5":   {"aws-compute-optimizer-max-performance", Size{16, 64}, series(run{996, 38.46}, run{5, 90}), level(14, 38.46), Size{8, 32}},
		"compute optimizer maximum performance, above":   {"aws-compute-optimizer-max-performance", Size{16, 64}, level(14, 38.47), level(14, 38.47), Size{16, 64}},
		"azure, at the limit":                            {"azure-advisor-resize", Size{16, 32}, level(7, 40), level(7, 40), Size{8, 16}},
		"azure, above":                                   {"azure-advisor-resize", Size{16, 32}, level(7, 40.01), level(7, 40.01), Size{16, 32}},
		"azure, user-facing, at the limit":               {"azure-advisor-resize", Size{16, 32}, byDay(7, 20, 2), level(7, 30), Size{8, 16}},
		"azure, user-facing, above":                      {"azure-advisor-resize", Size{16, 32}, byDay(7, 20.01, 2), level(7, 30.01), Size{16, 32}},
		"azure, three days tell a user-facing one":       {"azure-advisor-resize", Size{16, 32}, byDay(3, 20, 2), level(3, 30.01), Size{8, 32}},
		"azure, two days do not":                         {"azure-advisor-resize", Size{16, 32}, byDay(2, 20, 2), level(2, 30.01), Size{4, 16}},
		"azure, the same load in one piece":              {"azure-advisor-resize", Size{16, 32}, series(run{1008, 2}, run{1008, 20}), level(7, 30.01), Size{4, 16}},
		"azure, all user-facing, at the limit":           {"azure-advisor-resize-user-facing", Size{16, 32}, level(7, 20), level(7, 30), Size{8, 16}},
		"azure, all user-facing, above":                  {"azure-advisor-resize-user-facing", Size{16, 32}, level(7, 20.01), level(7, 30.01), Size{16, 32}},
		"azure, P95 is low":                              {"azure-advisor-resize-user-facing", Size{16, 32}, series(run{951, 20}, run{50, 90}), nil, Size{8, 32}},
		"azure, P95 is high":                             {"azure-advisor-resize-user-facing", Size{16, 32}, series(run{950, 20}, run{51, 90}), nil, Size{16, 32}},
		"azure, before the window":                       {"azure-advisor-resize", Size{16, 32}, series(run{2016, 90}, run{2016, 40}), nil, Size{8, 32}},
		"azure, nothing known":                           {"azure-advisor-resize", Size{16, 32}, nil, level(7, 1), silent},
		"optscale, at the limit":                         {"optscale-rightsizing", Size{8, 32}, level(3, 40), level(3, 99), Size{4, 16}},
		"optscale, above":                                {"optscale-rightsizing", Size{8, 32}, level(3, 40.01), nil, Size{8, 32}},
		"optscale, idle":                                 {"optscale-rightsizing", Size{8, 32}, level(3, 0), nil, Size{1, 4}},
		"optscale, cores are whole":                      {"optscale-rightsizing", Size{8, 32}, level(3, 10.01), nil, Size{2, 8}},
		"optscale, P99 is low":                           {"optscale-rightsizing", Size{8, 32}, series(run{793, 40}, run{8, 90}), nil, Size{4, 16}},
		"optscale, P99 is high":                          {"optscale-rightsizing", Size{8, 32}, series(run{792, 40}, run{9, 90}), nil, Size{8, 32}},
		"optscale, before the window":                    {"optscale-rightsizing", Size{8, 32}, series(run{perDay, 90}, run{3 * perDay, 40}), nil, Size{4, 16}},
		"optscale, the longer window":                    {"optscale-rightsizing-14d", Size{8, 32}, series(run{perDay, 90}, run{3 * perDay, 40}), nil, Size{8, 32}},
		"optscale, one core":                             {"optscale-rightsizing", Size{1, 32}, level(3, 0), nil, silent},
		"optscale, nothing known":                        {"optscale-rightsizing", Size{8, 32}, nil, level(3, 1), silent},
		"flexera, below":                                 {"flexera-underutilized", Size{4, 16}, level(30, 39.99), level(30, 90), Size{2, 8}},
		"flexera, memory is enough":                      {"flexera-underutilized", Size{4, 16}, level(30, 90), level(30, 39.99), Size{2, 8}},
		"flexera, at the limit":                          {"flexera-underutilized", Size{4, 16}, level(30, 40), level(30, 40), Size{4, 16}},
		"flexera, at the limit, memory unknown":          {"flexera-underutilized", Size{4, 16}, level(30, 40), nil, Size{4, 16}},
		"flexera, odd sizes go to the next on offer":     {"flexera-underutilized", Size{3, 15.5}, level(30, 1), nil, Size{2, 8}},
		"flexera, nothing known":                         {"flexera-underutilized", Size{4, 16}, nil, nil, silent},
		"cloudaware, below":                              {"cloudaware-underutilized", Size{4, 16}, series(run{1, 49.99}, run{weeks - 1, 39.99}), nil, Size{2, 8}},
		"cloudaware, the maximum at the limit":           {"cloudaware-underutilized", Size{4, 16}, series(run{1, 50}, run{weeks - 1, 1}), nil, Size{4, 16}},
		"cloudaware, the mean at the limit":              {"cloudaware-underutilized", Size{4, 16}, level(14, 40), nil, Size{4, 16}},
		"cloudaware, nothing known":                      {"cloudaware-underutilized", Size{4, 16}, nil, level(14, 1), silent},
		"red hat, the lower bound":                       {"redhat-resource-optimization", Size{4, 16}, level(1, 5), level(1, 5), Size{2, 8}},
		"red hat, the upper bound":                       {"redhat-resource-optimization", Size{4, 16}, level(1, 20), level(1, 20), Size{2, 8}},
		"red hat, CPU above":                             {"redhat-resource-optimization", Size{4, 16}, level(1, 20.01), level(1, 20), Size{4, 16}},
		"red hat, CPU below":                             {"redhat-resource-optimization", Size{4, 16}, level(1, 4.99), level(1, 5), Size{4, 16}},
		"red hat, memory above":                          {"redhat-resource-optimization", Size{4, 16}, level(1, 20), level(1, 20.01), Size{4, 16}},
		"red hat, memory unknown":                        {"redhat-resource-optimization", Size{4, 16}, level(1, 10), nil, silent},
		"turbonomic, at the limit":                       {"turbonomic-placeholder", Size{8, 32}, level(30, 35), level(30, 45), Size{4, 16}},
		"turbonomic, above":                              {"turbonomic-placeholder", Size{8, 32}, level(30, 35.01), level(30, 45.01), Size{8, 32}},
		"turbonomic, memory by its P95":                  {"turbonomic-placeholder", Size{8, 32}, nil, series(run{951, 45}, run{50, 90}), Size{8, 16}},
		"turbonomic, CPU by its P95":                     {"turbonomic-placeholder", Size{8, 32}, series(run{951, 35}, run{50, 90}), nil, Size{4, 32}},
		"turbonomic, nothing known":                      {"turbonomic-placeholder", Size{8, 32}, nil, nil, silent},
		"krr, at the limit":                              {"krr-simple", Size{8, 32}, level(14, 50), level(14, 43.47), Size{4, 16}},
		"krr, above":                                     {"krr-simple", Size{8, 32}, level(14, 50.01), level(14, 43.48), Size{8, 32}},
		"krr, P95 is low":                                {"krr-simple", Size{8, 32}, series(run{951, 50}, run{50, 90}), nil, Size{4, 32}},
		"krr, P95 is high":                               {"krr-simple", Size{8, 32}, series(run{950, 50}, run{51, 90}), nil, Size{8, 32}},
		"krr, 100 points":                                {"krr-simple", Size{8, 32}, series(run{100, 50}), nil, Size{4, 32}},
		"krr, 99 points":                                 {"krr-simple", Size{8, 32}, series(run{99, 50}), series(run{99, 1}), silent},
		"krr, each by itself":                            {"krr-simple", Size{8, 32}, series(run{99, 50}), series(run{100, 43.47}), Size{8, 16}},
		"krr simple_limit, P96 is low":                   {"krr-simple-limit", Size{8, 32}, series(run{961, 50}, run{40, 90}), nil, Size{4, 32}},
		"krr simple_limit, P96 is high":                  {"krr-simple-limit", Size{8, 32}, series(run{960, 50}, run{41, 90}), nil, Size{8, 32}},
		"vpa, the last bucket below":                     {"kubernetes-vpa", Size{4, 32}, level(8, 41.8), nil, Size{2, 32}},
		"vpa, the first bucket above":                    {"kubernetes-vpa", Size{4, 32}, level(8, 41.9), nil, Size{4, 32}},
		"vpa, four quiet days outweigh four loud":        {"kubernetes-vpa", Size{4, 32}, series(run{4 * perDay, 90}, run{4 * perDay, 10}), nil, Size{1, 32}},
		"vpa, three do not outweigh five":                {"kubernetes-vpa", Size{4, 32}, series(run{5 * perDay, 90}, run{3 * perDay, 10}), nil, Size{4, 32}},
		"vpa, a memory peak on the third day back":       {"kubernetes-vpa", Size{4, 32}, nil, series(run{5 * perDay, 10}, run{1, 90}, run{3*perDay - 1, 10}), Size{4, 32}},
		"vpa, a memory peak on the fourth":               {"kubernetes-vpa", Size{4, 32}, nil, series(run{5*perDay - 1, 10}, run{1, 90}, run{3 * perDay, 10}), Size{4, 4}},
		"vpa, before the window":                         {"kubernetes-vpa", Size{4, 32}, nil, series(run{1, 90}, run{8 * perDay, 10}), Size{4, 4}},
		"vpa, nothing known":                             {"kubernetes-vpa", Size{4, 32}, nil, nil, silent},
		"crane, the last step below":                     {"crane", Size{4, 32}, level(7, 41.25), level(7, 43.3), Size{2, 16}},
		"crane, the first step above":                    {"crane", Size{4, 32}, level(7, 43.75), level(7, 43.6), Size{4, 32}},
		"crane, a sample weighs what it uses":            {"crane", Size{4, 32}, series(run{1000, 1}, run{4, 100}, run{1012, 1}), nil, Size{4, 32}},
		"crane, before the window":                       {"crane", Size{4, 32}, series(run{perDay, 90}, run{7 * perDay, 41.25}), nil, Size{2, 32}},
		"crane, above its last bucket it sees nothing":   {"crane", Size{4, 256}, nil, level(7, 90), Size{4, 128}},
		"crane, nothing known":                           {"crane", Size{4, 32}, nil, nil, silent},
		"kubecost development, at the limit":             {"kubecost-development", Size{8, 32}, level(7, 40), level(7, 40), Size{4, 16}},
		"kubecost development, above by one sample":      {"kubecost-development", Size{8, 32}, series(run{1, 40.01}, run{7*perDay - 1, 1}), series(run{1, 40.01}, run{7*perDay - 1, 1}), Size{8, 32}},
		"kubecost production, at the limit":              {"kubecost-production", Size{8, 32}, level(7, 32.5), level(7, 32.5), Size{4, 16}},
		"kubecost production, above":                     {"kubecost-production", Size{8, 32}, level(7, 32.51), level(7, 32.51), Size{8, 32}},
		"kubecost high availability, at the limit":       {"kubecost-high-availability", Size{8, 32}, level(7, 25), level(7, 25), Size{4, 16}},
		"kubecost high availability, above":              {"kubecost-high-availability", Size{8, 32}, level(7, 25.01), level(7, 25.01), Size{8, 32}},
		"kubecost, before the window":                    {"kubecost-development", Size{8, 32}, series(run{1, 90}, run{7 * perDay, 40}), nil, Size{4, 32}},
		"kubecost, nothing known":                        {"kubecost-development", Size{8, 32}, nil, nil, silent},
		"autopilot batch, below":                         {"google-autopilot-batch", Size{4, 32}, level(14, 43.47), level(14, 43.2), Size{2, 16}},
		"autopilot batch, above":                         {"google-autopilot-batch", Size{4, 32}, level(14, 43.48), level(14, 43.3), Size{4, 32}},
		"autopilot batch, 12 hours are half":             {"google-autopilot-batch", Size{4, 32}, series(run{13*perDay + perDay/2, 0}, run{perDay / 2, 86}), nil, Size{2, 32}},
		"autopilot batch, half of more":                  {"google-autopilot-batch", Size{4, 32}, series(run{13*perDay + perDay/2, 0}, run{perDay / 2, 88}), nil, Size{4, 32}},
		"autopilot batch, an hour ago":                   {"google-autopilot-batch", Size{4, 32}, series(run{13*perDay + perDay/2 - 12, 0}, run{perDay / 2, 88}, run{12, 0}), nil, Size{4, 32}},
		"autopilot batch, two hours ago":                 {"google-autopilot-batch", Size{4, 32}, series(run{13*perDay + perDay/2 - 24, 0}, run{perDay / 2, 88}, run{24, 0}), nil, Size{2, 32}},
		"autopilot batch, memory by its P98":             {"google-autopilot-batch", Size{4, 32}, nil, series(run{weeks - 10, 10}, run{10, 90}), Size{4, 4}},
		"autopilot batch, more than 2 % of memory":       {"google-autopilot-batch", Size{4, 32}, nil, series(run{weeks - 20, 10}, run{20, 90}), Size{4, 32}},
		"autopilot batch, nothing known":                 {"google-autopilot-batch", Size{4, 32}, nil, nil, silent},
		"autopilot serving, a tenth of the time is load": {"google-autopilot-serving", Size{4, 32}, series(run{13*perDay + 200, 5}, run{88, 80}), nil, Size{4, 32}},
		"autopilot serving, less than 5 % of the load":   {"google-autopilot-serving", Size{4, 32}, series(run{weeks - 2, 20}, run{2, 80}), nil, Size{1, 32}},
		"autopilot serving, more than 5 % of the load":   {"google-autopilot-serving", Size{4, 32}, series(run{weeks - 4, 20}, run{4, 80}), nil, Size{4, 32}},
		"autopilot serving, idle":                        {"google-autopilot-serving", Size{4, 32}, level(14, 0), nil, Size{1, 32}},
		"autopilot serving, memory by its peak":          {"google-autopilot-serving", Size{4, 32}, nil, series(run{1, 43.47}, run{weeks - 1, 1}), Size{4, 16}},
		"autopilot serving, memory above":                {"google-autopilot-serving", Size{4, 32}, nil, series(run{1, 43.48}, run{weeks - 1, 1}), Size{4, 32}},
		"autopilot serving, nothing known":               {"google-autopilot-serving", Size{4, 32}, nil, nil, silent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := machineOf(old(test.size), map[cloud.Metric][]cloud.Point{cloud.CPUPercent: test.cpu, cloud.MemoryPercent: test.memory})
			got, ok := ruleByID(t, test.rule).Size(m)
			if ok != (test.want != silent) || ok && got != test.want {
				t.Errorf("got %v, %t; want %v", got, ok, test.want)
			}
		})
	}
}

func TestSizesByAge(t *testing.T) {
	tests := map[string]struct {
		rule string
		age  time.Duration
		cpu  []cloud.Point
		ok   bool
	}{
		"optscale, first seen as the window began":  {"optscale-rightsizing", 72 * time.Hour, level(3, 1), false},
		"optscale, first seen before":               {"optscale-rightsizing", 72*time.Hour + time.Second, level(3, 1), true},
		"optscale, measured before it was seen":     {"optscale-rightsizing", time.Hour, level(4, 1), true},
		"cloudaware, ran for less than the window":  {"cloudaware-underutilized", 14*24*time.Hour - time.Second, level(13, 1), false},
		"cloudaware, ran for the window":            {"cloudaware-underutilized", 14 * 24 * time.Hour, level(13, 1), true},
		"krr, 100 points a minute are no 3 hours":   {"krr-simple", time.Hour, minutes(100), false},
		"krr, 180 points a minute make three hours": {"krr-simple", time.Hour, minutes(180), true},
		"compute optimizer, minutes of 29 hours":    {"aws-compute-optimizer-default", time.Hour, minutes(29 * 60), false},
		"compute optimizer, minutes of 30 hours":    {"aws-compute-optimizer-default", time.Hour, minutes(30 * 60), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := old(Size{4, 16})
			r.FirstSeen = decision.Add(-test.age)
			if _, ok := ruleByID(t, test.rule).Size(machineOf(r, map[cloud.Metric][]cloud.Point{cloud.CPUPercent: test.cpu})); ok != test.ok {
				t.Errorf("answers: %t, want %t", ok, test.ok)
			}
		})
	}
}

// minutes is samples a minute apart.
func minutes(n int) (out []cloud.Point) {
	for i := range n {
		out = append(out, cloud.Point{T: decision.Unix() - int64(n-i)*60, V: 1})
	}
	return out
}

func TestHistogram(t *testing.T) {
	h := histogram{buckets: buckets{first: 1, growth: 2, last: 3}} // from 0, 1, 3, 7
	if !math.IsNaN(h.quantile(0.5)) {
		t.Error("of nothing a quantile is known")
	}
	for _, v := range []float64{0.5, 1.5, 4, 1000} {
		h.add(v, 1)
	}
	for q, want := range map[float64]float64{0.25: 1, 0.26: 3, 0.5: 3, 0.75: 7, 1: 7} {
		if got := h.quantile(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %g: %g, want %g", q, got, want)
		}
	}
	h.add(0.5, 3) // half of the weight is now in the first bucket and more
	if got := h.quantile(0.57); got != 1 {
		t.Errorf("with weights: %g, want 1", got)
	}
}

func TestDaysAreCountedBackFromTheDecision(t *testing.T) {
	points := []cloud.Point{
		{T: decision.Unix() - 2*86400 - 1, V: 8}, // the third day back, not asked for
		{T: decision.Unix() - 2*86400, V: 4},
		{T: decision.Unix() - 86400 - 60, V: 2}, // the second day's last
		{T: decision.Unix() - 86400, V: 1},
		{T: decision.Unix(), V: 16}, // not seen
	}
	m := machineOf(old(Size{1, 1}), map[cloud.Metric][]cloud.Point{cloud.NetworkInBPS: points})
	got := lastDays(m, cloud.NetworkInBPS, 2)
	want := []day{{samples: 1, sum: 1, max: 1, volume: 60}, {samples: 2, sum: 6, max: 4, volume: 4*300 + 2*300}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestWindows wants what is older than a rule's window to change nothing.
func TestWindows(t *testing.T) {
	tests := map[string]struct {
		days        int
		cpu, memory float64 // percent, near what the rule still acts upon
	}{
		"aws-compute-optimizer-default":      {14, 1, 1},
		"aws-compute-optimizer-idle":         {14, 1, 1},
		"azure-advisor-resize":               {7, 1, 1},
		"azure-advisor-shutdown":             {7, 1, 1},
		"google-idle-vm":                     {14, 0, 1},
		"google-autopilot-serving":           {14, 1, 1},
		"aliyun-config-idle-analogue":        {7, 1, 1},
		"huawei-cost-center-idle":            {7, 1, 1},
		"oracle-idle-reclaim":                {7, 1, 1},
		"optscale-rightsizing":               {3, 1, 1},
		"optscale-rightsizing-14d":           {14, 1, 1},
		"optscale-rightsizing-30d":           {30, 1, 1},
		"optscale-abandoned":                 {7, 4.99, 1},
		"flexera-underutilized":              {30, 39.99, 90},
		"flexera-idle":                       {30, 4.99, 90},
		"cloudaware-underutilized":           {14, 1, 1},
		"cloudaware-idle":                    {14, 1, 1},
		"datadog-unused":                     {14, 4.99, 1},
		"steampipe-alicloud-low-utilization": {30, 19.9, 1},
		"cloud-custodian-metrics-filter":     {14, 29.99, 1},
		"redhat-resource-optimization":       {1, 20, 20},
		"krr-simple":                         {14, 1, 1},
		"crane":                              {7, 1, 1},
		"kubecost-production":                {7, 1, 1},
	}
	for id, test := range tests {
		t.Run(id, func(t *testing.T) {
			rule := ruleByID(t, id)
			if got := rule.Parameters["days"]; got != float64(test.days) {
				t.Errorf("says it looks at %g days, want %d", got, test.days)
			}
			n := test.days * perDay
			network := series(run{2 * perDay, 1e9}, run{n, 0})
			m := machineOf(old(Size{16, 64}), map[cloud.Metric][]cloud.Point{
				cloud.CPUPercent:    series(run{2 * perDay, 100}, run{n, test.cpu}),
				cloud.MemoryPercent: series(run{2 * perDay, 100}, run{n, test.memory}),
				cloud.NetworkInBPS:  network, cloud.NetworkOutBPS: network,
			})
			if rule.Release != nil {
				if release, ok := rule.Release(m); !release || !ok {
					t.Errorf("releases %t, says so %t", release, ok)
				}
				return
			}
			if size, ok := rule.Size(m); !ok || size.VCPU > 8 || size.MemoryGiB > 32 {
				t.Errorf("size %v, %t", size, ok)
			}
		})
	}
}

// TestRulesSeeThePastOnly wants the same answers whatever comes after the decision and
// in whatever order rules are asked, and sizes that are on offer.
func TestRulesSeeThePastOnly(t *testing.T) {
	metrics := []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS, cloud.NetworkOutBPS}
	type answer struct {
		size        Size
		release, ok bool
	}
	ask := func(r Rule, m *Machine) (a answer) {
		if r.Size != nil {
			a.size, a.ok = r.Size(m)
			return a
		}
		a.release, a.ok = r.Release(m)
		return a
	}
	rapid.Check(t, func(t *rapid.T) {
		present := Size{rapid.IntRange(1, 70).Draw(t, "vcpu"), rapid.Float64Range(0.25, 600).Draw(t, "memory")}
		r := old(present)
		r.FirstSeen = decision.Add(-time.Duration(rapid.IntRange(0, 40*24).Draw(t, "age")) * time.Hour)
		past, other := map[cloud.Metric][]cloud.Point{}, map[cloud.Metric][]cloud.Point{}
		for _, metric := range metrics {
			most := 100.0
			if metric.Unit() != cloud.Percent {
				most = 1e5
			}
			value := rapid.OneOf(rapid.Float64Range(0, most), rapid.Float64Range(0, most/50))
			runs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) run {
				return run{rapid.IntRange(1, 3*perDay).Draw(t, "n"), value.Draw(t, "v")}
			}), 0, 12).Draw(t, string(metric))
			points := series(runs...)
			if every := rapid.IntRange(1, 20).Draw(t, "gap"); every > 1 {
				points = slices.DeleteFunc(points, func(p cloud.Point) bool { return p.T/300%int64(every) == 0 })
			}
			past[metric] = points
			later := slices.Clone(points)
			for i, v := range rapid.SliceOfN(value, 1, 50).Draw(t, "later") {
				later = append(later, cloud.Point{T: decision.Unix() + int64(i)*300, V: v})
			}
			other[metric] = later
		}
		peers := Peers()
		m, n := machineOf(r, past), machineOf(r, other)
		answers := make([]answer, len(peers))
		for i, rule := range peers {
			answers[i] = ask(rule, m)
		}
		for i, rule := range slices.Backward(peers) {
			a := answers[i]
			if b := ask(rule, n); a != b {
				t.Fatalf("%s: %+v, with another future %+v", rule.ID, a, b)
			}
			if !a.ok && a.release {
				t.Fatalf("%s: releases and says nothing", rule.ID)
			}
			if a.ok && rule.Size != nil && (!slices.Contains(VCPUs(present.VCPU), a.size.VCPU) || !slices.Contains(Memories(present.MemoryGiB), a.size.MemoryGiB)) {
				t.Fatalf("%s: %v in place of %v is not on offer", rule.ID, a.size, present)
			}
		}
	})
}
