package backtest

import (
	"testing"
	"time"

	"yunjian/cloud"
)

// The rates of network at which a day holds so many MB, bit/s.
const (
	fiveMB    = 5e6 * 8 / 86400
	hundredMB = 100e6 * 8 / 86400
)

func TestReleases(t *testing.T) {
	const (
		keep, release = "keep", "release"
		silent        = "silent"
	)
	weeks := 14 * perDay
	none := level(30, 0)
	tests := map[string]struct {
		rule                 string
		cpu, memory, in, out []cloud.Point
		want                 string
	}{
		"compute optimizer, below":                    {"aws-compute-optimizer-idle", level(14, 4.99), nil, level(14, 460), none, release},
		"compute optimizer, one sample at the limit":  {"aws-compute-optimizer-idle", series(run{1, 5}, run{weeks - 1, 0}), nil, none, none, keep},
		"compute optimizer, the sum of both ways":     {"aws-compute-optimizer-idle", level(14, 1), nil, level(14, fiveMB/2), level(14, fiveMB/2+1), keep},
		"compute optimizer, one loud day":             {"aws-compute-optimizer-idle", level(14, 1), nil, series(run{perDay, 470}, run{13 * perDay, 0}), none, keep},
		"compute optimizer, network unknown":          {"aws-compute-optimizer-idle", level(14, 1), nil, none, nil, silent},
		"compute optimizer, less than 30 hours":       {"aws-compute-optimizer-idle", series(run{359, 1}), nil, none, none, silent},
		"compute optimizer, 30 hours":                 {"aws-compute-optimizer-idle", series(run{360, 1}), nil, none, none, release},
		"trusted advisor, four days at the limit":     {"aws-trusted-advisor-low-utilization", series(run{10 * perDay, 90}, run{4 * perDay, 10}), nil, level(14, 460), none, release},
		"trusted advisor, three days":                 {"aws-trusted-advisor-low-utilization", series(run{11 * perDay, 90}, run{3 * perDay, 10}), nil, none, none, keep},
		"trusted advisor, a fourth before the window": {"aws-trusted-advisor-low-utilization", series(run{perDay, 10}, run{11 * perDay, 90}, run{3 * perDay, 10}), nil, none, none, keep},
		"trusted advisor, CPU above":                  {"aws-trusted-advisor-low-utilization", level(14, 10.01), nil, none, none, keep},
		"trusted advisor, network above":              {"aws-trusted-advisor-low-utilization", level(14, 10), nil, level(14, 235), level(14, 235), keep},
		"trusted advisor, days without network":       {"aws-trusted-advisor-low-utilization", level(14, 1), nil, level(3, 0), none, keep},
		"trusted advisor, network unknown":            {"aws-trusted-advisor-low-utilization", level(14, 1), nil, nil, none, silent},
		"trusted advisor, CPU unknown":                {"aws-trusted-advisor-low-utilization", nil, nil, none, none, silent},
		"azure, below":                                {"azure-advisor-shutdown", series(run{4 * perDay, 2.99}, run{3 * perDay, 2}), nil, nil, nil, release},
		"azure, P95 at the limit":                     {"azure-advisor-shutdown", series(run{4 * perDay, 3}, run{3 * perDay, 2}), nil, nil, nil, keep},
		"azure, one recent sample above":              {"azure-advisor-shutdown", series(run{7*perDay - 1, 1}, run{1, 2.01}), nil, nil, nil, keep},
		"azure, peaks before the last three days":     {"azure-advisor-shutdown", series(run{100, 90}, run{7*perDay - 100, 1}), nil, nil, nil, release},
		"azure, silent lately":                        {"azure-advisor-shutdown", older(level(4, 1), 3), nil, nil, nil, silent},
		"google, shares at their limits":              {"google-idle-vm", series(run{3, 50}, run{97, 0.74}), nil, series(run{5, 1e6}, run{95, 15999}), series(run{5, 1e6}, run{95, 7999}), release},
		"google, CPU in too many":                     {"google-idle-vm", series(run{4, 50}, run{96, 0.74}), nil, none, none, keep},
		"google, cores at the limit":                  {"google-idle-vm", level(14, 0.75), nil, none, none, keep},
		"google, received at the limit":               {"google-idle-vm", level(14, 0), nil, level(14, 16000), none, keep},
		"google, sent at the limit":                   {"google-idle-vm", level(14, 0), nil, none, level(14, 8000), keep},
		"google, sent in too many":                    {"google-idle-vm", level(14, 0), nil, none, series(run{6, 8000}, run{94, 0}), keep},
		"google, received unknown":                    {"google-idle-vm", level(14, 0), nil, nil, none, silent},
		"google, CPU unknown":                         {"google-idle-vm", nil, nil, none, none, silent},
		"google, network unknown":                     {"google-idle-vm", level(14, 0), nil, none, nil, silent},
		"aliyun, below":                               {"aliyun-config-idle-analogue", level(7, 9.99), nil, nil, nil, release},
		"aliyun, one sample at the limit":             {"aliyun-config-idle-analogue", series(run{1, 10}, run{2015, 0}), nil, nil, nil, keep},
		"aliyun, before the window":                   {"aliyun-config-idle-analogue", series(run{1, 10}, run{2016, 0}), nil, nil, nil, release},
		"aliyun, not applicable":                      {"aliyun-config-idle-analogue", nil, none, none, none, silent},
		"huawei, at the limit":                        {"huawei-cost-center-idle", level(7, 3), nil, nil, nil, release},
		"huawei, one sample above":                    {"huawei-cost-center-idle", series(run{1, 3.01}, run{2015, 0}), nil, nil, nil, keep},
		"huawei, nothing known":                       {"huawei-cost-center-idle", nil, none, none, none, silent},
		"oracle, below":                               {"oracle-idle-reclaim", series(run{951, 19.99}, run{50, 90}), level(7, 19.99), nil, nil, release},
		"oracle, P95 at the limit":                    {"oracle-idle-reclaim", level(7, 20), nil, nil, nil, keep},
		"oracle, memory at the limit":                 {"oracle-idle-reclaim", level(7, 1), level(7, 20), nil, nil, keep},
		"oracle, memory by its P95":                   {"oracle-idle-reclaim", level(7, 1), series(run{951, 1}, run{50, 90}), nil, nil, release},
		"oracle, memory unknown":                      {"oracle-idle-reclaim", level(7, 1), nil, nil, nil, release},
		"oracle, nothing known":                       {"oracle-idle-reclaim", nil, none, nil, nil, silent},
		"optscale, at the limits":                     {"optscale-abandoned", level(7, 5), nil, level(7, 4000), level(7, 4000), release},
		"optscale, CPU above":                         {"optscale-abandoned", level(7, 5.01), nil, none, none, keep},
		"optscale, network above":                     {"optscale-abandoned", level(7, 5), nil, level(7, 4000), level(7, 4001), keep},
		"optscale, one way unknown":                   {"optscale-abandoned", level(7, 5), nil, nil, none, silent},
		"steampipe, below":                            {"steampipe-alicloud-low-utilization", level(30, 19.94), nil, nil, nil, release},
		"steampipe, rounded to the limit":             {"steampipe-alicloud-low-utilization", level(30, 19.96), nil, nil, nil, keep},
		"steampipe, the mean of the days' peaks":      {"steampipe-alicloud-low-utilization", series(run{29 * perDay, 10}, run{perDay, 100}), nil, nil, nil, release},
		"steampipe, peaks every day":                  {"steampipe-alicloud-low-utilization", byDay(30, 20, 0), nil, nil, nil, keep},
		"steampipe, nothing known":                    {"steampipe-alicloud-low-utilization", nil, none, none, none, silent},
		"flexera, CPU is enough":                      {"flexera-idle", level(30, 4.99), level(30, 90), nil, nil, release},
		"flexera, memory is enough":                   {"flexera-idle", level(30, 90), level(30, 4.99), nil, nil, release},
		"flexera, memory at the limit":                {"flexera-idle", level(30, 90), level(30, 5), nil, nil, keep},
		"flexera, at the limit":                       {"flexera-idle", level(30, 5), nil, nil, nil, keep},
		"flexera, nothing known":                      {"flexera-idle", nil, nil, none, none, silent},
		"cloudaware, below":                           {"cloudaware-idle", series(run{1, 14.99}, run{weeks - 1, 4.9}), nil, level(14, hundredMB/14-1), none, release},
		"cloudaware, the maximum at the limit":        {"cloudaware-idle", series(run{1, 15}, run{weeks - 1, 0}), nil, none, none, keep},
		"cloudaware, the mean at the limit":           {"cloudaware-idle", level(14, 5), nil, none, none, keep},
		"cloudaware, network of the window above":     {"cloudaware-idle", level(14, 1), nil, level(14, hundredMB/14), level(14, 1), keep},
		"cloudaware, undetermined":                    {"cloudaware-idle", level(14, 1), nil, nil, none, silent},
		"datadog, below":                              {"datadog-unused", level(14, 4.99), level(14, 9.99), nil, nil, release},
		"datadog, CPU at the limit":                   {"datadog-unused", level(14, 5), level(14, 1), nil, nil, keep},
		"datadog, memory at the limit":                {"datadog-unused", level(14, 1), level(14, 10), nil, nil, keep},
		"datadog, without its agent":                  {"datadog-unused", level(14, 1), nil, nil, nil, silent},
		"custodian, below":                            {"cloud-custodian-metrics-filter", level(14, 29.99), nil, nil, nil, release},
		"custodian, at the limit":                     {"cloud-custodian-metrics-filter", level(14, 30), nil, nil, nil, keep},
		"custodian, the window in one piece":          {"cloud-custodian-metrics-filter", series(run{2 * perDay, 90}, run{12 * perDay, 0}), nil, nil, nil, release},
		"custodian, an empty series is skipped":       {"cloud-custodian-metrics-filter", nil, none, none, none, silent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := machineOf(old(Size{4, 16}), map[cloud.Metric][]cloud.Point{
				cloud.CPUPercent: test.cpu, cloud.MemoryPercent: test.memory, cloud.NetworkInBPS: test.in, cloud.NetworkOutBPS: test.out,
			})
			got := keep
			switch named, ok := ruleByID(t, test.rule).Release(m); {
			case !ok:
				got = silent
			case named:
				got = release
			}
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// older is points as they were days before.
func older(points []cloud.Point, days int64) []cloud.Point {
	for i := range points {
		points[i].T -= days * 86400
	}
	return points
}

func TestReleasesByMachine(t *testing.T) {
	tests := map[string]struct {
		rule   string
		change func(*cloud.Resource)
		days   int // of samples
		ok     bool
	}{
		"google, on its fifth day":                 {"google-idle-vm", func(r *cloud.Resource) { r.FirstSeen = decision.AddDate(0, 0, -5) }, 4, true},
		"google, before":                           {"google-idle-vm", func(r *cloud.Resource) { r.FirstSeen = decision.AddDate(0, 0, -5).Add(time.Second) }, 4, false},
		"google, created before it was seen":       {"google-idle-vm", func(r *cloud.Resource) { r.FirstSeen, r.CreatedAt = decision, decision.AddDate(0, 0, -5) }, 4, true},
		"google, with disks of the host":           {"google-idle-vm", func(r *cloud.Resource) { r.LocalStorageGiB = 100 }, 14, false},
		"google, with a GPU":                       {"google-idle-vm", func(r *cloud.Resource) { r.GPU = 1 }, 14, false},
		"optscale, first seen as the window began": {"optscale-abandoned", func(r *cloud.Resource) { r.FirstSeen = decision.AddDate(0, 0, -7) }, 7, false},
		"optscale, first seen before":              {"optscale-abandoned", func(r *cloud.Resource) { r.FirstSeen = decision.AddDate(0, 0, -8) }, 7, true},
		"cloudaware, ran for less":                 {"cloudaware-idle", func(r *cloud.Resource) { r.FirstSeen = decision.AddDate(0, 0, -13) }, 13, false},
		"cloudaware, ran for the window":           {"cloudaware-idle", func(r *cloud.Resource) { r.FirstSeen = decision.AddDate(0, 0, -14) }, 13, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, idle := old(Size{4, 16}), level(test.days, 0)
			test.change(&r)
			m := machineOf(r, map[cloud.Metric][]cloud.Point{cloud.CPUPercent: idle, cloud.NetworkInBPS: idle, cloud.NetworkOutBPS: idle})
			if release, ok := ruleByID(t, test.rule).Release(m); ok != test.ok || release != test.ok {
				t.Errorf("releases %t, says so %t; want %t", release, ok, test.ok)
			}
		})
	}
}
