package aliyun_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/collector/collectortest"
	"yunjian/internal/simcloud"
	"yunjian/price"
)

// tiny is a world written out: constant CPU and memory every five minutes over
// the last two days, but for what `silent` names.
type tiny struct {
	resources []cloud.Resource
	silent    map[string]int64 // resource → nothing is measured after this instant
}

func (w tiny) Inventory(at time.Time) cloud.Inventory {
	return cloud.Inventory{TakenAt: at, Resources: slices.Clone(w.resources)}
}
func (w tiny) Metrics() []cloud.Metric {
	return []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS}
}
func (w tiny) End() time.Time { return estateEnd }
func (w tiny) Samples(resource string, _ cloud.Metric, from, to int64) []cloud.Point {
	var out []cloud.Point
	from = max(from, estateEnd.Add(-48*time.Hour).Unix())
	if end, ok := w.silent[resource]; ok {
		to = min(to, end)
	}
	for at := (from/300 + 1) * 300; at <= min(to, estateEnd.Unix()); at += 300 {
		out = append(out, cloud.Point{T: at, V: 0})
	}
	return out
}

func machine(id string, status cloud.Status, agent cloud.AgentStatus) cloud.Resource {
	return cloud.Resource{ID: id, Kind: cloud.Instance, Region: "cn-hangzhou", Status: status, Agent: agent, VCPU: 2, MemoryGiB: 15.5}
}

func world() tiny {
	return tiny{
		resources: []cloud.Resource{
			machine("i-idle", cloud.Running, cloud.AgentRunning),
			machine("i-noagent", cloud.Running, cloud.AgentAbsent),
			machine("i-off", cloud.PoweredOff, cloud.AgentStopped),
			machine("i-silent", cloud.Running, cloud.AgentRunning),
		},
		silent: map[string]int64{"i-off": estateEnd.Add(-24 * time.Hour).Unix(), "i-silent": 0},
	}
}

// collect runs one whole collection over a server.
func collect(t *testing.T, s *aliyun.Source, change func(*collector.Request)) (*collectortest.Gathered, collector.Result, error) {
	t.Helper()
	inv, err := s.Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	req := collector.Request{Inventory: inv, Since: estateEnd.Add(-47 * time.Hour), Now: estateEnd}
	if change != nil {
		change(&req)
	}
	g := collectortest.NewGathered()
	res, err := s.Collect(t.Context(), req, g.Deliver)
	return g, res, err
}

func TestFiveReasonsForSilenceAreFiveAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		resource string
		metric   cloud.Metric
		sim      simcloud.Options
		perMonth int
		want     cloud.Availability
		samples  bool
		origin   cloud.Origin
	}{
		{"truly idle: zeros are samples", "i-idle", cloud.CPUPercent, simcloud.Options{}, 0, cloud.Observed, true, cloud.OriginAgent},
		{"missing agent", "i-noagent", cloud.MemoryPercent, simcloud.Options{}, 0, cloud.NoAgent, false, ""},
		{"missing agent, CPU by the host", "i-noagent", cloud.CPUPercent, simcloud.Options{}, 0, cloud.Observed, true, cloud.OriginHypervisor},
		{"stopped, with history before", "i-off", cloud.CPUPercent, simcloud.Options{}, 0, cloud.Stopped, true, cloud.OriginHypervisor},
		{"no permission", "i-idle", cloud.CPUPercent, simcloud.Options{Denied: []string{"DescribeMetricList"}}, 0, cloud.NoPermission, false, ""},
		{"throttled to the end", "i-idle", cloud.CPUPercent, simcloud.Options{Quotas: simcloud.Quotas{PerSecond: map[string]int{"DescribeMetricList": 0}, Monthly: -1}}, 0, cloud.Throttled, false, ""},
		{"month used up at the cloud", "i-idle", cloud.MemoryPercent, simcloud.Options{Quotas: simcloud.Quotas{PerSecond: map[string]int{}, Monthly: 1}}, 0, cloud.Throttled, false, ""},
		{"own budget used up", "i-idle", cloud.MemoryPercent, simcloud.Options{}, 1, cloud.Throttled, false, ""},
		{"permitted, running, silent", "i-silent", cloud.CPUPercent, simcloud.Options{}, 0, cloud.NoData, false, ""},
		{"not offered", "i-idle", cloud.DiskPercent, simcloud.Options{}, 0, cloud.NotOffered, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, _ := serve(t, world(), c.sim)
			o := options(server, "cn-hangzhou")
			o.Budget.PerMonth = c.perMonth
			o.Workers = 1
			g, res, err := collect(t, newSource(t, o), nil)
			if err != nil {
				t.Fatal(err)
			}
			k := collectortest.Key{Resource: c.resource, Metric: c.metric}
			got := g.Observations[k]
			if got.Availability != c.want || got.Origin != c.origin || len(g.Points[k]) > 0 != c.samples {
				t.Errorf("%s from %q with %d samples; want %s from %q, samples %v; %s", got.Availability, got.Origin, len(g.Points[k]), c.want, c.origin, c.samples, got.Detail)
			}
			if c.want != cloud.Observed && c.want != cloud.Stopped && c.want != cloud.NoData && !slices.ContainsFunc(res.Problems, func(p collector.Problem) bool { return p.Availability == c.want && p.Metric == c.metric }) {
				t.Errorf("no problem says so: %+v", res.Problems)
			}
		})
	}
}

func TestOwnBudgetIsNeverExceeded(t *testing.T) {
	faults := simcloud.AllFaults(0.05)
	faults.Delay = time.Millisecond
	server, sim := serve(t, smallEstate(12), simcloud.Options{Faults: faults})
	o := options(server, regionsOf(smallEstate(12))...)
	o.Budget.PerMonth = 50
	o.CallsUsed = func() int { return 20 }
	_, res, err := collect(t, newSource(t, o), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := sim.Actions()["DescribeMetricList"]; n > 30 || n != res.Calls["DescribeMetricList"] {
		t.Errorf("the cloud saw %d metric calls, the result says %d: want at most 30", n, res.Calls["DescribeMetricList"])
	}
}

func TestSteadyPullTakesOneCallForFiftyMachines(t *testing.T) {
	w := tiny{}
	for i := range 51 {
		w.resources = append(w.resources, machine("i-"+string(rune('A'+i/26))+string(rune('a'+i%26)), cloud.Running, cloud.AgentRunning))
	}
	server, _ := serve(t, w, simcloud.Options{})
	s := newSource(t, options(server, "cn-hangzhou"))
	_, res, err := collect(t, s, func(r *collector.Request) {
		r.Metrics = []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}
		r.Through = func(string, cloud.Metric) time.Time { return estateEnd.Add(-5 * time.Minute) }
	})
	if err != nil || res.Calls["DescribeMetricList"] != 4 || res.Samples != 2*51 {
		t.Errorf("%d calls, %d samples, %v; want 2 metrics × 2 calls, 102 samples", res.Calls["DescribeMetricList"], res.Samples, err)
	}
}

func TestPullsWaitWhenTheBudgetWantsThemFurtherApart(t *testing.T) {
	server, _ := serve(t, world(), simcloud.Options{})
	o := options(server, "cn-hangzhou")
	o.Cadence, o.Budget.PerMonth = 5*time.Minute, 10_000
	s := newSource(t, o)
	_, res, err := collect(t, s, func(r *collector.Request) {
		r.Through = func(string, cloud.Metric) time.Time { return estateEnd.Add(-5 * time.Minute) }
	})
	if err != nil || res.Plan.Interval <= 5*time.Minute || res.Calls["DescribeMetricList"] != 0 {
		t.Errorf("interval %v, %d calls, %v: want a longer interval and no call now", res.Plan.Interval, res.Calls["DescribeMetricList"], err)
	}
}

func TestLateSamplesAreReadAgain(t *testing.T) {
	server, _ := serve(t, world(), simcloud.Options{})
	o := options(server, "cn-hangzhou")
	o.Lag = 7 * time.Minute
	g, _, err := collect(t, newSource(t, o), func(r *collector.Request) {
		r.Metrics = []cloud.Metric{cloud.CPUPercent}
		r.Through = func(string, cloud.Metric) time.Time { return estateEnd.Add(-15 * time.Minute) }
	})
	k := collectortest.Key{Resource: "i-idle", Metric: cloud.CPUPercent}
	if err != nil || len(g.Points[k]) != 3 || !g.Observations[k].Through.Equal(estateEnd.Add(-10*time.Minute)) {
		t.Errorf("%d samples through %v, %v: want the new one and two again, through 10 minutes ago", len(g.Points[k]), g.Observations[k].Through, err)
	}
}

func TestEmptyListWithoutPermissionIsNotBelieved(t *testing.T) {
	server, _ := serve(t, smallEstate(12), simcloud.Options{Denied: []string{"DescribeInstances"}})
	inv, err := newSource(t, options(server, regionsOf(smallEstate(12))...)).Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range inv.Scopes {
		if denied := s.Kind == cloud.Instance; s.Complete == denied || denied && (s.Code != "Forbidden.RAM" || s.Problem == "") {
			t.Errorf("scope %+v", s)
		}
	}
}

func TestInventoryIsThatOfTheCloud(t *testing.T) {
	e := smallEstate(60)
	server, _ := serve(t, e, simcloud.Options{})
	inv, err := newSource(t, options(server, regionsOf(e)...)).Inventory(t.Context(), e.End())
	if err != nil {
		t.Fatal(err)
	}
	want := e.Inventory(e.End())
	if !inv.Complete() || len(inv.Resources) != len(want.Resources) || len(inv.Types) != len(want.Types) {
		t.Fatalf("complete %v, %d resources, %d types; want %d, %d", inv.Complete(), len(inv.Resources), len(inv.Types), len(want.Resources), len(want.Types))
	}
	byID := map[string]cloud.Resource{}
	for _, r := range want.Resources {
		byID[r.ID] = r
	}
	for _, r := range inv.Resources {
		w := byID[r.ID]
		if r.Kind != w.Kind || r.Department != w.Department || r.Application != w.Application || r.Status != w.Status || r.ChargeType != w.ChargeType ||
			r.InstanceType != w.InstanceType || r.VCPU != w.VCPU || r.MemoryGiB != w.MemoryGiB || r.StorageGiB != w.StorageGiB || r.Agent != w.Agent ||
			r.Category != w.Category || r.AttachedTo != w.AttachedTo || r.BandwidthMbps != w.BandwidthMbps || r.Architecture != w.Architecture || r.System != w.System {
			t.Errorf("got  %+v\nwant %+v", r, w)
		}
	}
}

// TestWhatPricesDependOnIsRead quotes what the cloud lists: an address that
// pays by traffic, or draws on a shared bandwidth, has no bandwidth of its own
// to pay, and an instance's storage has a category where its disks have one.
func TestWhatPricesDependOnIsRead(t *testing.T) {
	eip := func(id string, attributes map[string]string) cloud.Resource {
		return cloud.Resource{ID: id, Kind: cloud.EIP, Region: "cn-hangzhou", BandwidthMbps: 100, Attributes: attributes}
	}
	disk := func(id, category, of string) cloud.Resource {
		return cloud.Resource{ID: id, Kind: cloud.Disk, Region: "cn-hangzhou", StorageGiB: 40, Category: category, AttachedTo: of, Status: cloud.InUse}
	}
	server, _ := serve(t, tiny{resources: []cloud.Resource{
		eip("e-bandwidth", map[string]string{price.InternetChargeType: "PayByBandwidth"}),
		eip("e-package", map[string]string{price.InternetChargeType: "PayByBandwidth", price.BandwidthPackage: "cbwp-1"}),
		eip("e-traffic", map[string]string{price.InternetChargeType: price.PayByTraffic}),
		eip("e-unknown", nil),
		machine("i-mixed", cloud.Running, cloud.AgentRunning), disk("d-1", "cloud_efficiency", "i-mixed"), disk("d-2", "cloud_essd/PL1", "i-mixed"),
		machine("i-same", cloud.Running, cloud.AgentRunning), disk("d-3", "cloud_essd/PL1", "i-same"), disk("d-4", "cloud_essd/PL1", "i-same"),
	}}, simcloud.Options{})
	inv, err := newSource(t, options(server, "cn-hangzhou")).Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"e-bandwidth": "ip bandwidth", "e-package": "ip", "e-traffic": "ip", "e-unknown": "ip bandwidth",
		"i-mixed": "vcpu memory storage", "i-same": "vcpu memory storage:cloud_essd/PL1",
	}
	for _, r := range inv.Resources {
		var lines []string
		for _, l := range price.Example().Quote(r, estateEnd).Lines {
			lines = append(lines, string(l.What))
		}
		got := strings.Join(lines, " ")
		if category := r.Attributes[price.StorageCategory]; category != "" {
			got += ":" + category
		}
		if r.Kind != cloud.Disk && got != want[r.ID] {
			t.Errorf("%s: %q, want %q", r.ID, got, want[r.ID])
		}
	}
}

func TestUnknownFieldsStayUnknown(t *testing.T) {
	server, _ := serve(t, tiny{resources: []cloud.Resource{{ID: "i-bare", Kind: cloud.Instance, MemoryGiB: 15.5}}}, simcloud.Options{})
	inv, err := newSource(t, options(server, "cn-hangzhou")).Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	r := inv.Resources[0]
	if !r.CreatedAt.IsZero() || r.InstanceType != "" || r.Status != "" || r.StorageGiB != 0 || r.MemoryGiB != 15.5 {
		t.Errorf("%+v", r)
	}
}

func TestWrongClockAndWrongSecretAreSaidInWords(t *testing.T) {
	for _, c := range []struct {
		name   string
		sim    simcloud.Options
		secret string
		want   string
	}{
		{"clock an hour off", simcloud.Options{ClockSkew: time.Hour}, "testsecret", "clock"},
		{"wrong secret", simcloud.Options{}, "hunter2hunter2", "SignatureDoesNotMatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, _ := serve(t, world(), c.sim)
			o := options(server, "cn-hangzhou")
			o.AccessKeySecret = c.secret
			_, err := newSource(t, o).Inventory(t.Context(), estateEnd)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "testid") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want %q and no secret", err, c.want)
			}
		})
	}
}

func TestNoHostButTheConfiguredOneIsCalled(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was called") }))
	defer other.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	t.Setenv("HTTP_PROXY", other.URL)
	t.Setenv("NO_PROXY", "10.0.0.0/8,[bad")
	o := options(elsewhere, "cn-hangzhou")
	o.Retry.Attempts = 2
	if _, err := newSource(t, o).Inventory(t.Context(), estateEnd); err == nil {
		t.Error("a redirect was taken for an inventory")
	}
}

func TestCancellationDoesNotWaitForASlowServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done() // ends only because the client goes away
	}))
	defer server.Close()
	o := options(server, "cn-hangzhou")
	o.Timeout = time.Hour
	if _, err := newSource(t, o).Inventory(ctx, estateEnd); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context canceled", err)
	}
}

func TestOptionsReportEveryMistakeAtOnce(t *testing.T) {
	t.Setenv("DEBUG", "sdk")
	_, err := aliyun.New(aliyun.Options{Name: "x", Regions: []string{"cn hangzhou"}, Endpoint: "ftp://x", Endpoints: map[string]string{"rds": "http://x"}, Workers: 99, CAFile: "none"})
	for _, want := range []string{"regions[0]", "access key id", "access key secret", "workers", "DEBUG", "endpoints.rds", "ftp://x"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not speak of %s", err, want)
		}
	}
}

func TestEndpointsOfEveryPlatform(t *testing.T) {
	base := aliyun.Options{Name: "x", AccessKeyID: "a", AccessKeySecret: "b"}
	for _, c := range []struct {
		name   string
		change func(*aliyun.Options)
		want   string // hosts, or a part of the error
	}{
		{"public cloud", func(o *aliyun.Options) { o.Regions = []string{"cn-hangzhou"} }, "https://ecs.cn-hangzhou.aliyuncs.com https://metrics.cn-hangzhou.aliyuncs.com https://vpc.cn-hangzhou.aliyuncs.com"},
		{"government region: CloudMonitor must be named", func(o *aliyun.Options) { o.Regions = []string{"cn-north-2-gov-1"} }, "endpoints.cms: missing"},
		{"government region", func(o *aliyun.Options) {
			o.Regions, o.Endpoints = []string{"cn-north-2-gov-1"}, map[string]string{"cms": "https://metrics.example.com"}
		}, "https://ecs.aliyuncs.com https://metrics.example.com https://vpc.aliyuncs.com"},
		{"Apsara Stack by domain", func(o *aliyun.Options) {
			o.Regions, o.Apsara = []string{"r1"}, &aliyun.Apsara{Domain: "env.example.com", Enumerate: true}
		}, "https://ascm.r1.env.example.com https://ecs-internal.r1.env.example.com https://metrics.open.r1.env.example.com https://vpc-internal.r1.env.example.com"},
		{"one for all, with a path", func(o *aliyun.Options) { o.Regions, o.Endpoint = []string{"r1"}, "http://h:1/asapi/v3/" }, "http://h:1/asapi/v3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := base
			c.change(&o)
			s, err := aliyun.New(o)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = strings.Join(s.Hosts(), " ")
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMappingFileWinsOverTags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "owners.csv")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("\ufeffresource_id,group,department,application\ni-idle,,示例局,\n,rg-1,示例厅,系统\n")
	w := world()
	w.resources[0].Department, w.resources[0].Application = "旧", "旧系统"
	w.resources[1].ResourceGroup = "rg-1"
	server, _ := serve(t, w, simcloud.Options{})
	o := options(server, "cn-hangzhou")
	o.Ownership.MappingFile = path
	inv, err := newSource(t, o).Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	if r := inv.Resources[0]; r.Department != "示例局" || r.Application != "旧系统" {
		t.Errorf("%s: %q %q", r.ID, r.Department, r.Application)
	}
	if r := inv.Resources[1]; r.Department != "示例厅" || r.Application != "系统" {
		t.Errorf("%s: %q %q", r.ID, r.Department, r.Application)
	}
	write("resource_id,department\ni-1,a\n,b\ni-1,c\n")
	if _, err := aliyun.New(o); err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("%v: want lines 3 and 4", err)
	}
}

func TestDeadCloudEndsTheRun(t *testing.T) {
	server, _ := serve(t, world(), simcloud.Options{})
	o := options(server, "cn-hangzhou")
	o.Retry.Attempts = 3
	s := newSource(t, o)
	inv, err := s.Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	_, err = s.Collect(t.Context(), collector.Request{Inventory: inv, Since: estateEnd.Add(-time.Hour), Now: estateEnd}, func(collector.Batch) error { return nil })
	if err == nil || strings.Contains(err.Error(), "AccessKeyId") {
		t.Errorf("%v: want an error without the URL", err)
	}
	if counts := s.Stats(); !slices.ContainsFunc(counts, func(c aliyun.Count) bool { return c.Outcome == "transport" && c.Calls > 0 }) {
		t.Errorf("stats %+v", counts)
	}
}

// TestCensusLosesNothing reads eleven days, long enough to count days first,
// of machines that were created, switched off and resized on the way.
func TestCensusLosesNothing(t *testing.T) {
	e := smallEstate(60)
	server, _ := serve(t, e, simcloud.Options{})
	metrics := []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}
	since := estateEnd.Add(-11 * 24 * time.Hour)
	g, res, err := collect(t, newSource(t, options(server, regionsOf(e)...)), func(r *collector.Request) { r.Metrics, r.Since = metrics, since })
	if err != nil {
		t.Fatal(err)
	}
	if res.Plan.Spent == 0 {
		t.Error("no census was taken: the test proves nothing")
	}
	for _, r := range e.Inventory(estateEnd).Resources {
		if r.Kind != cloud.Instance {
			continue
		}
		for _, m := range metrics {
			want, got := truth(e)(r, m, since, estateEnd), g.Points[collectortest.Key{Resource: r.ID, Metric: m}]
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %d samples, want %d", r.ID, m, len(got), len(want))
			}
		}
	}
	t.Logf("%d samples: %d calls, minimum %d, planned %d", res.Samples, res.Calls["DescribeMetricList"], res.Minimum, res.Plan.Backfill.Calls)
}
