package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/pipeline"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// The Monday on which the report of the week before is made.
var monday = time.Date(2026, 11, 23, 2, 0, 0, 0, shanghai)

func f64(v float64) *float64 { return &v }

func amount(t *testing.T, s string) price.Amount {
	t.Helper()
	a, err := price.NewAmount(s, "CNY")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func compared(m cloud.Metric, statistic, op string, value, limit float64) analyzer.Reason {
	return analyzer.Reason{
		Code: analyzer.Code(m, statistic, op, policies.Holds(value, op, limit)), Metric: m, Statistic: statistic,
		Value: f64(value), Limit: f64(limit), Unit: cloud.Percent,
	}
}

func measured(m cloud.Metric, mean, p95, highest, peak float64) analyzer.Evidence {
	return analyzer.Evidence{
		Metric: m, Availability: cloud.Observed, Samples: 8620, Expected: 8640,
		Mean: f64(mean), P50: f64(mean), P95: f64(p95), P99: f64((p95 + highest) / 2), Max: f64(highest), PeakMax: f64(peak),
	}
}

// testPack is a small pack of its own, so that edits of the shipped ones leave
// the goldens alone.
func testPack() policies.Pack {
	quiet := policies.Condition{Metric: policies.NetworkBPS, Statistic: "day_volume", Op: "<=", Limit: 5e6, Unit: cloud.BytesPerDay, ShareOfDays: 0.9}
	return policies.Pack{
		ID: "cn-gov-baseline", Version: "1", SHA256: "3f2a9c1d4b5e60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
		Name: policies.Text{ZH: "政务云基线（默认）", EN: "Government cloud baseline (default)"}, Confidence: policies.Proposed,
		Source:   policies.Source{Title: "云鉴默认策略", Issuer: "Yunjian", Date: "2026-11"},
		Calendar: testCalendar(),
		Window:   30 * 24 * time.Hour, MinCoverage: 0.8, MinAge: 90 * 24 * time.Hour, ConfirmRuns: 2,
		Risk: policies.Risk{A: 0.01, B: 0.05, C: 0.1, Budget: 0.02},
		Rules: []policies.Rule{
			{ID: "idle", Name: policies.Text{ZH: "闲置", EN: "idle"}, Kind: cloud.Instance, Verdict: "idle", Action: "release", When: []policies.Condition{quiet}},
			{ID: "low", Name: policies.Text{ZH: "低效", EN: "underused"}, Kind: cloud.Instance, Verdict: "overprovisioned", Action: "downsize"},
			{ID: "storage-low", Name: policies.Text{ZH: "存储低效", EN: "storage underused"}, Kind: cloud.Instance, Verdict: "overprovisioned", Action: "downsize"},
			{ID: "cpu-tight", Name: policies.Text{ZH: "CPU 紧张", EN: "CPU tight"}, Kind: cloud.Instance, Verdict: "underprovisioned", Action: "upsize"},
			{ID: "disk-unattached", Name: policies.Text{ZH: "云盘未挂载", EN: "unattached disk"}, Kind: cloud.Disk, Verdict: "unattached", Action: "release"},
			{ID: "eip-unbound", Name: policies.Text{ZH: "EIP 未绑定", EN: "unbound EIP"}, Kind: cloud.EIP, Verdict: "unattached", Action: "release"},
		},
		Exemptions: []policies.Exemption{
			{Resource: "i-standby01", Reason: "standby", Owner: "王工", Evidence: "应急预案2026-3", From: day(2026, 6, 1), Expires: day(2026, 11, 30)},
			{Resource: "i-old", Reason: "migration", Owner: "李工", Evidence: "迁移方案", From: day(2026, 5, 1), Expires: day(2026, 10, 31)},
		},
	}
}

// testCalendar is a small calendar of its own, as testPack is a pack.
func testCalendar() calendar.Calendar {
	return calendar.Calendar{
		Years: []calendar.Year{{
			Year:     2026,
			Source:   calendar.Source{Title: "放假通知", DocNo: "示例〔2025〕1号", Date: "2025-11-04", URL: "https://www.gov.cn/example.htm"},
			Holidays: []calendar.Holiday{{Name: calendar.Text{ZH: "示例节", EN: "a holiday"}, From: day(2026, 11, 10), To: day(2026, 11, 12)}},
		}},
		Seasons: calendar.Seasons{
			SHA256: "5e1f2a9c1d4b5e60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8", Tag: "season",
			List: []calendar.Season{{ID: "flood-control", Name: calendar.Text{ZH: "防汛", EN: "flood control"}}},
		},
	}
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// curve makes two-hourly history: a base load with office hours on top and one
// peak; two days in the middle are missing.
func curve(m cloud.Metric, w cloud.Window, base, office, peak float64) Chart {
	var points []cloud.Point
	for t := w.From; t.Before(w.To); t = t.Add(30 * time.Minute) {
		local := t.In(shanghai)
		at := t.Sub(w.From).Hours() / 24
		if at > 12 && at < 14 {
			continue
		}
		v := base + base*0.3*math.Sin(at*7)
		if wd := local.Weekday(); wd >= 1 && wd <= 5 && local.Hour() >= 9 && local.Hour() < 18 {
			v += office
		}
		if at > 20 && at < 20.1 {
			v = peak
		}
		points = append(points, cloud.Point{T: t.Unix(), V: math.Round(v*100) / 100})
	}
	return Thin(points, m, w, ChartStep(w))
}

// fleet collects what the rich fixture is made of.
type fleet struct {
	t          *testing.T
	candidates []recommender.Candidate
	recs       []recommender.Recommendation
	refusals   []recommender.Refusal
	resources  []cloud.Resource
	observed   map[string]map[cloud.Metric]cloud.Observation
	window     cloud.Window
}

func (f *fleet) add(r cloud.Resource, x analyzer.Finding) {
	x.ResourceID, x.Kind = r.ID, r.Kind
	if x.Flags == nil {
		x.Flags = []analyzer.Flag{}
	}
	x.Window = f.window
	f.resources = append(f.resources, r)
	f.candidates = append(f.candidates, recommender.Candidate{Input: analyzer.Input{Resource: r}, Finding: x})
	seen := map[cloud.Metric]cloud.Observation{}
	for _, e := range x.Evidence {
		seen[e.Metric] = cloud.Observation{Resource: r.ID, Metric: e.Metric, Availability: e.Availability}
	}
	f.observed[r.ID] = seen
}

func (f *fleet) advise(id string, action recommender.Action, target *recommender.Spec, saving string, set func(*recommender.Recommendation)) {
	var c recommender.Candidate
	for _, x := range f.candidates {
		if x.Input.Resource.ID == id {
			c = x
		}
	}
	r := c.Input.Resource
	rec := recommender.Recommendation{
		ID: "rec-" + id, ResourceID: id, Kind: r.Kind, Name: r.Name, Department: r.Department, Application: r.Application,
		Action: action, Rule: c.Finding.Rule, Currency: "CNY", PriceBook: "example@1", Target: target,
		Current: recommender.Spec{InstanceType: r.InstanceType, VCPU: r.VCPU, MemoryGiB: r.MemoryGiB, StorageGiB: r.StorageGiB},
		Risk:    recommender.Risk{HarmProbability: 0.004, Grade: "A", Exceeded: 1, Compared: 412},
		Ready:   true, ConsecutiveRuns: 2, FirstSeen: "2026-11-16", Flags: c.Finding.Flags, Reasons: c.Finding.Reasons,
	}
	if saving != "" {
		rec.AnnualSaving, rec.SavingKnown = amount(f.t, saving), true
	}
	if set != nil {
		set(&rec)
	}
	f.recs = append(f.recs, rec)
}

const hostile = `=HYPERLINK("http://evil.example","点我")`

// rich is a weekly report that holds one of everything.
func rich(t *testing.T) Weekly {
	t.Helper()
	w := cloud.Last(30*24*time.Hour, monday)
	f := &fleet{t: t, window: w, observed: map[string]map[cloud.Metric]cloud.Observation{}}
	machine := func(id, name, dept, app, typ string, vcpu int, mem, disk float64) cloud.Resource {
		return cloud.Resource{
			ID: id, Kind: cloud.Instance, Name: name, Cloud: "province", Account: "1001", Region: "cn-hangzhou", Zone: "cn-hangzhou-h",
			Department: dept, Application: app, Status: cloud.Running, ChargeType: cloud.Postpaid, InstanceType: typ, VCPU: vcpu, MemoryGiB: mem,
			StorageGiB: disk, PrivateIP: "10.20.1.7",
		}
	}

	// Idle, new this week, not yet confirmed.
	f.add(machine("i-idle01", "示例-投票系统-应用01", "示例市场监管局", "投票系统", "ecs.g7.2xlarge", 8, 32, 200), analyzer.Finding{
		Verdict: analyzer.Idle, Rule: "idle", Coverage: f64(0.998), Flags: []analyzer.Flag{analyzer.ShortHistory},
		Notes: []analyzer.Reason{{Code: analyzer.CodeYearEndUnseen, Date: "2026-12-31", WaitDays: 39}},
		Reasons: []analyzer.Reason{
			compared(cloud.CPUPercent, "p95", "<", 1.2, 5), compared(cloud.CPUPercent, "max", "<", 8.4, 20),
			{Code: "network_day_volume_at_most", Metric: policies.NetworkBPS, Statistic: "day_volume", Value: f64(0.966), Limit: f64(0.9), Unit: cloud.Ratio, Detail: testPack().Rules[0].When[0].Describe().EN},
			compared(cloud.MemoryPercent, "p95", "<", 22.4, 30),
		},
		Evidence: []analyzer.Evidence{
			measured(cloud.CPUPercent, 0.84, 1.2, 8.4, 11.3), measured(cloud.MemoryPercent, 20.1, 22.4, 24.9, 31.0),
			measured(cloud.NetworkInBPS, 220, 900, 5000, 5000), measured(cloud.NetworkOutBPS, 180, 700, 4000, 4000),
		},
	})
	f.advise("i-idle01", recommender.Release, nil, "31824.00", func(r *recommender.Recommendation) {
		r.Ready, r.ConsecutiveRuns, r.FirstSeen = false, 1, "2026-11-23"
	})

	// Overprovisioned, confirmed, with a target.
	f.add(machine("i-big02", "示例-公文流转-数据库", "示例财政局", "公文流转", "ecs.g7.2xlarge", 8, 32, 500), analyzer.Finding{
		Verdict: analyzer.Overprovisioned, Rule: "low", Coverage: f64(0.981), Flags: []analyzer.Flag{},
		Reasons: []analyzer.Reason{
			compared(cloud.CPUPercent, "p95", "<", 11.96, 20), compared(cloud.MemoryPercent, "p95", "<", 27.1, 30), compared(cloud.CPUPercent, "peak", "<", 20.5, 50),
		},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 6.1, 11.96, 19.8, 20.5), measured(cloud.MemoryPercent, 25.3, 27.1, 28.8, 29.9), measured(cloud.DiskPercent, 41, 42, 43, 43)},
	})
	f.advise("i-big02", recommender.Downsize, &recommender.Spec{InstanceType: "ecs.g7.xlarge", VCPU: 4, MemoryGiB: 16, StorageGiB: 500}, "9072.00", func(r *recommender.Recommendation) {
		r.Projected = &recommender.Projection{CPUP95: f64(23.92), CPUMax: f64(41.0), MemoryP95: f64(54.2), MemoryMax: f64(59.8)}
	})

	// Prepaid: no cash before the term ends. CPU measured by the host.
	prepaid := machine("i-bp1prepaid03example01", "示例-门户网站-前端", "示例大数据局", "门户网站", "ecs.c7.4xlarge", 16, 32, 100)
	prepaid.ChargeType, prepaid.ExpiresAt = cloud.Prepaid, time.Date(2027, 3, 31, 0, 0, 0, 0, shanghai)
	f.add(prepaid, analyzer.Finding{
		Verdict: analyzer.Overprovisioned, Rule: "low", Coverage: f64(0.93), Flags: []analyzer.Flag{analyzer.HypervisorCPU, analyzer.MemoryUnknown},
		Reasons:  []analyzer.Reason{compared(cloud.CPUPercent, "p95", "<", 9.3, 20)},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 5.2, 9.3, 31.0, 38.0), {Metric: cloud.MemoryPercent, Availability: cloud.NoAgent, Expected: 8640}},
	})
	f.advise("i-bp1prepaid03example01", recommender.Downsize, &recommender.Spec{InstanceType: "ecs.c7.2xlarge", VCPU: 8, MemoryGiB: 32, StorageGiB: 100}, "14256.50", func(r *recommender.Recommendation) {
		r.SavingNote, r.SavingFrom = recommender.NotePrepaid, "2027-03-31"
		r.Risk = recommender.Risk{HarmProbability: 0.042, Grade: "B", Prior: true}
		r.Projected = &recommender.Projection{CPUP95: f64(18.6), CPUMax: f64(76)}
	})

	// Unattached disk without a price; unbound address.
	f.add(cloud.Resource{ID: "d-lost04", Kind: cloud.Disk, Name: "示例-旧备份盘", Cloud: "province", Department: "示例财政局", Status: cloud.Available, StorageGiB: 2048, Category: "cloud_essd/PL3"}, analyzer.Finding{
		Verdict: analyzer.Unattached, Rule: "disk-unattached",
		Reasons: []analyzer.Reason{{Code: analyzer.CodeUnattachedDays, Statistic: policies.DaysUnattached, Value: f64(45.2), Limit: f64(15), Unit: cloud.Days, Detail: "since_first_seen"}},
	})
	f.advise("d-lost04", recommender.Release, nil, "", nil)
	f.add(cloud.Resource{ID: "eip-05", Kind: cloud.EIP, Cloud: "province", Status: cloud.Available, BandwidthMbps: 10}, analyzer.Finding{
		Verdict: analyzer.Unattached, Rule: "eip-unbound", Flags: []analyzer.Flag{analyzer.NoOwner},
		Reasons: []analyzer.Reason{{Code: analyzer.CodeUnattachedDays, Statistic: policies.DaysUnattached, Value: f64(9), Limit: f64(7), Unit: cloud.Days, Detail: "since_detached"}},
	})
	f.advise("eip-05", recommender.Release, nil, "2760.00", nil)

	// A smaller disk below a machine.
	f.add(machine("i-disk06", "示例-档案系统", "示例档案馆", "档案", "ecs.g6.large", 2, 8, 1000), analyzer.Finding{
		Verdict: analyzer.Overprovisioned, Rule: "storage-low", Coverage: f64(0.99),
		Reasons:  []analyzer.Reason{{Code: "storage_gib_at_least", Statistic: policies.FactStorageGiB, Value: f64(1000), Limit: f64(200), Unit: cloud.GiB}, compared(cloud.DiskPercent, "max", "<", 18.2, 40)},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 35, 61, 78, 80), measured(cloud.MemoryPercent, 51, 60, 70, 72), measured(cloud.DiskPercent, 17.5, 18, 18.2, 18.2)},
	})
	f.advise("i-disk06", recommender.Downsize, &recommender.Spec{InstanceType: "ecs.g6.large", VCPU: 2, MemoryGiB: 8, StorageGiB: 500}, "5712.00", func(r *recommender.Recommendation) {
		r.SavingNote = recommender.NoteMigrates
		r.Risk, r.Ready = recommender.Risk{HarmProbability: 0.2288, Grade: "D", Prior: true}, false // of disks nothing else is known
		r.Projected = &recommender.Projection{DiskMax: f64(36.4)}
		r.Reasons = append(r.Reasons[:len(r.Reasons):len(r.Reasons)], analyzer.Reason{Code: recommender.CodeStorageMigration, Metric: cloud.DiskPercent, Value: f64(1000), Limit: f64(500), Unit: cloud.GiB})
	})

	// Names from outside: a formula, and 300 characters.
	f.add(machine("i-evil07", hostile, "@SUM(A1:A9)", "+cmd|' /C calc'!A0", "ecs.g6.large", 2, 8, 40), analyzer.Finding{
		Verdict: analyzer.Idle, Rule: "powered-off", Flags: []analyzer.Flag{analyzer.PoweredOff},
		Reasons:  []analyzer.Reason{{Code: analyzer.CodePoweredOffDays, Statistic: policies.DaysOff, Value: f64(41.5), Limit: f64(30), Unit: cloud.Days}},
		Evidence: []analyzer.Evidence{{Metric: cloud.CPUPercent, Availability: cloud.Stopped, Expected: 8640}, {Metric: cloud.MemoryPercent, Availability: cloud.Stopped, Expected: 8640}},
	})
	f.advise("i-evil07", recommender.Release, nil, "1980.00", func(r *recommender.Recommendation) { r.SavingNote = recommender.NoteStopped })
	long := strings.Repeat("超长名称资源", 25) + strings.Repeat("LongName", 19)
	f.add(machine("i-long08", long[:len(long)-2], "示例"+strings.Repeat("某某", 20)+"委员会", "长名称", "ecs.g6.xlarge", 4, 16, 40), analyzer.Finding{
		Verdict: analyzer.Overprovisioned, Rule: "low", Coverage: f64(0.9),
		Reasons:  []analyzer.Reason{compared(cloud.CPUPercent, "p95", "<", 4.9996, 5)},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 2, 4.9996, 15, 15), measured(cloud.MemoryPercent, 12, 15, 18, 20)},
	})
	f.advise("i-long08", recommender.Downsize, &recommender.Spec{VCPU: 2, MemoryGiB: 8, StorageGiB: 40}, "4536.00", nil)

	// Tight: advice to grow.
	f.add(machine("i-tight09", "示例-社保征缴-计算", "示例人社局", "社保征缴", "ecs.c7.xlarge", 4, 8, 100), analyzer.Finding{
		Verdict: analyzer.Underprovisioned, Rule: "cpu-tight", Coverage: f64(0.999),
		Reasons:  []analyzer.Reason{compared(cloud.CPUPercent, "p95", ">", 88.6, 80)},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 61, 88.6, 100, 100), measured(cloud.MemoryPercent, 70, 76, 81, 90)},
	})
	f.advise("i-tight09", recommender.Upsize, &recommender.Spec{InstanceType: "ecs.c7.2xlarge", VCPU: 8, MemoryGiB: 16, StorageGiB: 100}, "0.00", func(r *recommender.Recommendation) {
		r.SavingNote, r.Risk = recommender.NoteCosts, recommender.Risk{Grade: "A"}
		r.Projected = &recommender.Projection{CPUP95: f64(44.3)}
	})

	// In order; suspected padding; exempt; refused.
	f.add(machine("i-fine10", "示例-审批-应用01", "示例政务服务局", "行政审批", "ecs.g7.xlarge", 4, 16, 200), analyzer.Finding{
		Verdict: analyzer.Optimized, Coverage: f64(0.999),
		Reasons:  []analyzer.Reason{compared(cloud.CPUPercent, "p95", "<", 47.5, 20), compared(cloud.MemoryPercent, "p95", "<", 58, 30)},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 28, 47.5, 66, 70), measured(cloud.MemoryPercent, 52, 58, 61, 64)},
	})
	f.add(machine("i-padded11", "示例-统计直报", "示例统计局", "统计直报", "ecs.g7.xlarge", 4, 16, 100), analyzer.Finding{
		Verdict: analyzer.Optimized, Coverage: f64(0.999), Flags: []analyzer.Flag{analyzer.SuspectedPadding},
		Reasons: []analyzer.Reason{
			{Code: analyzer.CodePaddingPlateau, Metric: cloud.CPUPercent, Statistic: "p95_minus_p5", Value: f64(0.62), Limit: f64(2), Unit: cloud.Percent},
			{Code: analyzer.CodePaddingAbove, Metric: cloud.CPUPercent, Statistic: "mean", Value: f64(25.4), Limit: f64(25), Unit: cloud.Percent},
			{Code: analyzer.CodePaddingNoIO, Metric: policies.NetworkBPS, Statistic: "day_volume", Value: f64(1.23e6), Limit: f64(5e6), Unit: cloud.BytesPerDay},
			{Code: analyzer.CodePaddingAlike, Metric: cloud.CPUPercent, Statistic: "machines", Value: f64(4), Limit: f64(2), Unit: cloud.Count, Detail: "i-padded21, i-padded22, i-padded23 …"},
			{Code: analyzer.CodePaddingEveryDay, Metric: cloud.MemoryPercent, Statistic: "day_means_p95_minus_p5", Value: f64(0.3), Limit: f64(3), Unit: cloud.Percent},
			{Code: analyzer.CodePaddingStep, Metric: cloud.MemoryPercent, Statistic: "rise", Value: f64(22.4), Limit: f64(3), Unit: cloud.Percent, Detail: "2026-11-09"},
			{Code: analyzer.CodePaddingUnmatched, Metric: cloud.NetworkInBPS, Statistic: "weekdays_over_weekends", Value: f64(3.4), Limit: f64(2), Unit: cloud.Count},
		},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 25.4, 25.8, 26.1, 26.1), measured(cloud.MemoryPercent, 40.2, 40.4, 40.5, 40.5)},
	})
	f.add(machine("i-standby01", "示例-灾备-应用", "示例应急管理局", "应急指挥", "ecs.g7.xlarge", 4, 16, 100), analyzer.Finding{
		Verdict: analyzer.Idle, Rule: "idle", Coverage: f64(0.99), Flags: []analyzer.Flag{analyzer.Exempt},
		Reasons:  []analyzer.Reason{compared(cloud.CPUPercent, "p95", "<", 0.9, 5), {Code: analyzer.CodeExempt, Value: f64(7.9), Unit: cloud.Days, Detail: "standby, 王工"}},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 0.5, 0.9, 3, 4), measured(cloud.MemoryPercent, 10, 12, 13, 13)},
	})
	f.refusals = append(f.refusals, recommender.Refusal{ResourceID: "i-standby01", Kind: cloud.Instance, Rule: "idle", Reasons: []analyzer.Reason{{Code: analyzer.CodeExempt, Value: f64(7.9), Unit: cloud.Days, Detail: "standby, 王工"}}})
	f.add(machine("i-local12", "示例-日志-本地盘", "示例公安局", "日志分析", "ecs.d3s.4xlarge", 16, 64, 0), analyzer.Finding{
		Verdict: analyzer.Overprovisioned, Rule: "low", Coverage: f64(0.97),
		Reasons:  []analyzer.Reason{compared(cloud.CPUPercent, "p95", "<", 12, 20)},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 8, 12, 30, 33), measured(cloud.MemoryPercent, 14, 16, 20, 22)},
	})
	f.refusals = append(f.refusals,
		recommender.Refusal{ResourceID: "i-local12", Kind: cloud.Instance, Rule: "low", Reasons: []analyzer.Reason{{Code: recommender.CodeLocalDisk, Detail: "ecs.d3s.4xlarge"}}},
		recommender.Refusal{ResourceID: "i-local12", Kind: cloud.Instance, Rule: "rule-of-tomorrow", Reasons: []analyzer.Reason{{Code: "code_of_tomorrow", Metric: cloud.CPUPercent, Statistic: "p97", Value: f64(3.25), Limit: f64(4), Unit: cloud.Percent, Detail: "ecs.x9"}}},
	)

	// Not judged, for every reason there is.
	blind := func(id, name string, a cloud.Availability, reason analyzer.Reason) {
		r := machine(id, name, "示例教育局", "招生", "ecs.g6.large", 2, 8, 40)
		f.add(r, analyzer.Finding{Verdict: analyzer.InsufficientData, Reasons: []analyzer.Reason{reason}, Evidence: []analyzer.Evidence{
			{Metric: cloud.CPUPercent, Availability: a, Expected: 8640}, {Metric: cloud.MemoryPercent, Availability: a, Expected: 8640},
		}})
		for m, o := range f.observed[id] {
			o.Detail = map[cloud.Availability]string{cloud.NoPermission: "Forbidden.RAM: not authorized", cloud.Failed: "ServiceUnavailable"}[a]
			f.observed[id][m] = o
		}
	}
	blind("i-perm13", "示例-无权限", cloud.NoPermission, analyzer.Reason{Code: analyzer.CodeNoPermission, Metric: cloud.CPUPercent})
	blind("i-thr14", "示例-限流", cloud.Throttled, analyzer.Reason{Code: analyzer.CodeThrottled, Metric: cloud.CPUPercent})
	blind("i-fail15", "示例-失败", cloud.Failed, analyzer.Reason{Code: analyzer.CodeReadFailed, Metric: cloud.CPUPercent})
	blind("i-none16", "示例-无数据", cloud.NoData, analyzer.Reason{Code: analyzer.CodeNoData, Metric: cloud.CPUPercent})
	blind("i-agent17", "示例-无插件", cloud.NoAgent, analyzer.Reason{Code: analyzer.CodeMemoryNoAgent, Metric: cloud.MemoryPercent, Detail: "low"})
	f.add(machine("i-young18", "示例-新上线", "示例教育局", "招生", "ecs.g6.large", 2, 8, 40), analyzer.Finding{
		Verdict: analyzer.InsufficientData, Reasons: []analyzer.Reason{{Code: analyzer.CodeAgeBelow, Value: f64(12.4), Limit: f64(90), Unit: cloud.Days}},
		Evidence: []analyzer.Evidence{measured(cloud.CPUPercent, 10, 20, 30, 30), measured(cloud.MemoryPercent, 30, 31, 33, 33)},
	})
	thin := measured(cloud.CPUPercent, 3, 6, 9, 9)
	thin.Samples = 5184
	thinner := measured(cloud.MemoryPercent, 30, 31, 33, 33) // the list shows the lower of the two
	thinner.Samples = 4320
	f.add(machine("i-thin19", "示例-缺口多", "示例教育局", "招生", "ecs.g6.large", 2, 8, 40), analyzer.Finding{
		Verdict: analyzer.InsufficientData, Coverage: f64(0.6), Reasons: []analyzer.Reason{{Code: analyzer.CodeCoverageBelow, Metric: cloud.CPUPercent, Value: f64(0.6), Limit: f64(0.8), Unit: cloud.Ratio}},
		Evidence: []analyzer.Evidence{thin, thinner},
	})
	for id, metrics := range f.observed { // no machine of this cloud has disk throughput
		if strings.HasPrefix(id, "i-") {
			metrics[cloud.DiskReadBPS] = cloud.Observation{Resource: id, Metric: cloud.DiskReadBPS, Availability: cloud.NotOffered}
		}
	}

	book := price.Book{ID: "example", Version: "1", Example: true, Currency: "CNY"}
	pack := testPack()
	now := audit.New(monday, pack, book, f.candidates, f.recs, f.refusals)
	now.Journal = audit.JournalHead{Seq: 128, Hash: "3f9a6c0e1b2d4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c", Algorithm: "sha256"}
	before := audit.New(monday.AddDate(0, 0, -7), pack, book, f.candidates, previousAdvice(t, f), nil)

	charts := map[string][]Chart{
		"i-idle01":                {curve(cloud.CPUPercent, w, 0.8, 0.3, 8.4), curve(cloud.MemoryPercent, w, 19, 2, 24.9)},
		"i-big02":                 {curve(cloud.CPUPercent, w, 4, 7, 19.8), curve(cloud.MemoryPercent, w, 21, 1, 28.8)},
		"i-bp1prepaid03example01": {curve(cloud.CPUPercent, w, 3, 6, 31)},
		"i-tight09":               {curve(cloud.CPUPercent, w, 50, 30, 100), curve(cloud.MemoryPercent, w, 60, 10, 81)},
	}
	return Weekly{
		Week: pipeline.WeekOf(monday, shanghai), GeneratedAt: time.Date(2026, 11, 23, 8, 0, 0, 0, shanghai), Location: shanghai,
		Audit: now, Previous: &before, Pack: pack,
		Inventories: []cloud.Inventory{{
			Cloud: "province", TakenAt: monday, Resources: f.resources,
			Scopes: []cloud.Scope{
				{Account: "1001", Region: "cn-hangzhou", Kind: cloud.Instance, Complete: true, Count: 17},
				{Account: "1001", Region: "cn-hangzhou", Kind: cloud.Disk, Complete: true, Count: 1},
				{Account: "1001", Region: "cn-beijing", Kind: cloud.EIP, Complete: false, Count: 3, Code: "Forbidden.RAM", Problem: "第2页没有读取权限；请为采集账号补充 vpc:DescribeEipAddresses"},
			},
		}},
		Observations: f.observed,
		Collection: []Collection{
			{
				Cloud: "province", LastRun: time.Date(2026, 11, 23, 1, 55, 0, 0, shanghai), LastCalls: 1236, Minimum: 1198, MonthCalls: 912345, MonthBudget: 1000000,
				Problems: []collector.Problem{{Availability: cloud.NoPermission, Metric: cloud.CPUPercent, Resources: 1, Code: "Forbidden.RAM", Message: "账号 1001 无权读取 acs_ecs_dashboard；请授予 cms:DescribeMetricList"}},
			},
			{Cloud: "exported"},
		},
		Charts: charts,
	}
}

// previousAdvice is last week's: one continues, one was judged otherwise, one
// is gone from a complete listing, one from an incomplete one.
func previousAdvice(t *testing.T, f *fleet) []recommender.Recommendation {
	var out []recommender.Recommendation
	for _, r := range f.recs {
		if r.ResourceID == "i-big02" || r.ResourceID == "d-lost04" || r.ResourceID == "eip-05" {
			r.ConsecutiveRuns = 1
			out = append(out, r)
		}
	}
	old := func(id string, kind cloud.Kind, action recommender.Action, saving string) {
		target := &recommender.Spec{VCPU: 2, MemoryGiB: 8}
		current := recommender.Spec{VCPU: 4, MemoryGiB: 16}
		if kind == cloud.EIP {
			target, current = nil, recommender.Spec{}
		}
		out = append(out, recommender.Recommendation{
			ID: "rec-" + id, ResourceID: id, Kind: kind, Department: "示例政务服务局", Action: action, Currency: "CNY",
			AnnualSaving: amount(t, saving), SavingKnown: true, Current: current, Target: target,
			Flags: []analyzer.Flag{}, Reasons: []analyzer.Reason{},
		})
	}
	old("i-fine10", cloud.Instance, recommender.Downsize, "4536.00")
	old("i-idle01", cloud.Instance, recommender.Downsize, "15912.00")
	old("i-gone20", cloud.Instance, recommender.Downsize, "4536.00")
	old("eip-gone21", cloud.EIP, recommender.Release, "2760.00")
	return out
}

// empty is a report before anything was collected.
func empty() Weekly {
	return Weekly{
		Week: pipeline.Week{Year: 2026, Number: 47}, GeneratedAt: monday, Location: shanghai,
		Audit: audit.New(monday, testPack(), price.Book{ID: "contract-2026", Version: "3", Currency: "CNY"}, nil, nil, nil), Pack: testPack(),
	}
}
