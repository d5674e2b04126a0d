package simcloud

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/internal/estate"
)

// datapoint is one element of Datapoints; numbers keep their text.
type datapoint struct {
	Timestamp int64 `json:"timestamp"`
	Instance  string
	User      string `json:"userId"`
	ID        string `json:"instanceId"`
	Device    string `json:"device"`
	Minimum   float64
	Average   float64
	Maximum   float64
}

type metricAnswer struct {
	Code       string
	Success    bool
	Period     string
	NextToken  string
	Datapoints string
	points     []datapoint
}

func (c *client) metric(action string, query map[string]string) metricAnswer {
	c.t.Helper()
	q := map[string]string{"Namespace": ecsNamespace}
	for k, v := range query {
		q[k] = v
	}
	var a metricAnswer
	c.into(&a, action, q)
	if a.Code != "200" || !a.Success {
		c.t.Fatalf("answer %+v", a)
	}
	if err := json.Unmarshal([]byte(a.Datapoints), &a.points); err != nil {
		c.t.Fatalf("Datapoints %.200s: %v", a.Datapoints, err)
	}
	return a
}

// pages follows NextToken to the end and returns all points and the number of
// pages.
func (c *client) pages(query map[string]string) ([]datapoint, int) {
	c.t.Helper()
	q := map[string]string{}
	for k, v := range query {
		q[k] = v
	}
	var out []datapoint
	for n := 1; ; n++ {
		a := c.metric("DescribeMetricList", q)
		out = append(out, a.points...)
		if a.NextToken == "" {
			return out, n
		}
		q["NextToken"] = a.NextToken
	}
}

func dimensions(ids ...string) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"instanceId":%q}`, id)
	}
	return "[" + b.String() + "]"
}

func ms(t int64) string { return strconv.FormatInt(t*1000, 10) }

const lineEnd = 1_700_000_100 // on the five-minute grid

func TestInterval(t *testing.T) {
	c := serve(t, New(line("i-1", lineEnd, 10), Options{}))
	at := func(i int64) int64 { return lineEnd - (9-i)*step }
	iso := func(t int64) string { return time.Unix(t, 0).UTC().Format(secondTime) }
	local := func(t int64) string { return time.Unix(t, 0).In(chinaTime).Format(time.DateTime) }
	for name, x := range map[string]struct {
		start, end string
		want       []float64
	}{
		"start is excluded, end included": {ms(at(2)), ms(at(4)), []float64{0.03, 0.04}},
		"a millisecond before the start":  {strconv.FormatInt(at(2)*1000-1, 10), ms(at(4)), []float64{0.02, 0.03, 0.04}},
		"a millisecond before the end":    {ms(at(2)), strconv.FormatInt(at(4)*1000-1, 10), []float64{0.03}},
		"ISO 8601":                        {iso(at(2)), iso(at(4)), []float64{0.03, 0.04}},
		"local date and time":             {local(at(2)), local(at(4)), []float64{0.03, 0.04}},
		"beyond the present":              {ms(at(7)), ms(at(20)), []float64{0.08, 0.09}},
		"before everything":               {ms(at(-9)), ms(at(-1)), nil},
	} {
		var got []float64
		for _, p := range c.metric("DescribeMetricList", map[string]string{"MetricName": "cpu_total", "Period": "300", "Dimensions": dimensions("i-1"), "StartTime": x.start, "EndTime": x.end}).points {
			if p.Average != p.Minimum || p.Average != p.Maximum || p.ID != "i-1" || p.User == "" {
				t.Errorf("%s: point %+v", name, p)
			}
			got = append(got, p.Average)
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}

func TestMetricRefusals(t *testing.T) {
	c := serve(t, New(line("i-1", lineEnd, 10), Options{}))
	var ids []string
	for i := range 51 {
		ids = append(ids, fmt.Sprint("i-", i))
	}
	for name, x := range map[string]struct {
		change map[string]string
		want   string
	}{
		"no metric":                        {map[string]string{"MetricName": ""}, "400 MissingParameter"},
		"unknown metric":                   {map[string]string{"MetricName": "cpu_totl"}, "404 ResourceNotFound"},
		"metric that the world has not":    {map[string]string{"MetricName": "memory_usedutilization"}, "404 ResourceNotFound"},
		"unknown namespace":                {map[string]string{"Namespace": "acs_rds_dashboard"}, "404 ResourceNotFound"},
		"1441 points":                      {map[string]string{"Length": "1441"}, "400 InvalidParameter"},
		"no points":                        {map[string]string{"Length": "0"}, "400 InvalidParameter"},
		"51 dimensions":                    {map[string]string{"Dimensions": dimensions(ids...)}, "400 InvalidParameter"},
		"dimensions not JSON":              {map[string]string{"Dimensions": "i-1"}, "400 InvalidParameter"},
		"start at the end":                 {map[string]string{"StartTime": ms(lineEnd), "EndTime": ms(lineEnd)}, "400 InvalidParameter"},
		"unreadable time":                  {map[string]string{"StartTime": "yesterday"}, "400 InvalidParameter"},
		"period not a number":              {map[string]string{"Period": "5m"}, "400 InvalidParameter"},
		"token of nothing":                 {map[string]string{"NextToken": "abc"}, "400 InvalidNextToken"},
		"token of another question's form": {map[string]string{"NextToken": strings.Repeat("0", 48)}, "400 InvalidNextToken"},
	} {
		q := map[string]string{"Namespace": ecsNamespace, "MetricName": "cpu_total", "Period": "300", "Dimensions": dimensions("i-1")}
		for k, v := range x.change {
			q[k] = v
		}
		if got := c.refused("DescribeMetricList", q); got != x.want {
			t.Errorf("%s: refused by %s, want %s", name, got, x.want)
		}
	}
}

func TestPagesHoldEachPointOnce(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{Quotas: Unlimited()}))
	var ids []string
	var want []datapoint
	from := e.Start().Unix()
	for _, r := range e.Inventory(e.End()).Resources {
		if r.Kind == cloud.Instance && r.Agent == cloud.AgentRunning && len(ids) < 12 {
			ids = append(ids, r.ID)
			for _, p := range e.Samples(r.ID, cloud.CPUPercent, from, e.End().Unix()) {
				want = append(want, datapoint{Timestamp: p.T * 1000, User: r.Account, ID: r.ID, Minimum: p.V, Average: p.V, Maximum: p.V})
			}
		}
	}
	for _, length := range []int{1440, 1000, 997, 288} {
		got, pages := c.pages(map[string]string{"MetricName": "cpu_total", "Period": "300", "Dimensions": dimensions(ids...), "StartTime": ms(from), "EndTime": ms(e.End().Unix()), "Length": strconv.Itoa(length)})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pages of %d (-world +read): %.2000s", length, diff)
		}
		if least := (len(want) + length - 1) / length; pages != least {
			t.Errorf("%d points took %d pages of %d, want %d", len(want), pages, length, least)
		}
	}
}

func TestExactlyOnePageHasNoToken(t *testing.T) {
	c := serve(t, New(line("i-1", lineEnd, 1440), Options{}))
	a := c.metric("DescribeMetricList", map[string]string{"MetricName": "cpu_total", "Period": "300", "Dimensions": dimensions("i-1"), "StartTime": "0", "Length": "1440"})
	if len(a.points) != 1440 || a.NextToken != "" {
		t.Errorf("%d points and token %q, want 1440 and none", len(a.points), a.NextToken)
	}
}

func TestPeriods(t *testing.T) {
	const first = 1_700_029_200 // two hours of samples; an hour begins at …031_600
	w := line("i-1", first+23*step, 24)
	c := serve(t, New(w, Options{}))
	read := func(period string) []datapoint {
		return c.metric("DescribeMetricList", map[string]string{"MetricName": "cpu_total", "Period": period, "Dimensions": dimensions("i-1"), "StartTime": "0"}).points
	}
	for _, period := range []string{"15", "60", "299"} {
		if got := read(period); len(got) != 0 {
			t.Errorf("period %s, below the metric's minimum, has %d points, want none", period, len(got))
		}
	}
	if got := read("420"); len(got) != 17 {
		t.Errorf("period 420 has %d points, want one in each of 17 buckets that are over", len(got))
	}
	if got := read("1000"); len(got) != 0 {
		t.Errorf("a period that is no multiple of 60 has %d points, want none", len(got))
	}
	got := read("3600")
	for i := range got {
		if got[i].Timestamp%3_600_000 != 0 {
			t.Errorf("bucket begins at %d, no multiple of the period", got[i].Timestamp)
		}
	}
	sum := 0
	for _, p := range got {
		n := 0
		for _, s := range w.points["i-1/cpu_percent"] {
			if s.T >= p.Timestamp/1000 && s.T < p.Timestamp/1000+3600 {
				n++
				if s.V < p.Minimum || s.V > p.Maximum {
					t.Errorf("sample %v is outside of its bucket %+v", s, p)
				}
			}
		}
		sum += n
	}
	if len(got) != 2 || sum != 20 {
		t.Errorf("hourly buckets %+v hold %d samples, want the 20 of the two hours that are over", got, sum)
	}
}

func TestAggregateOfOneHour(t *testing.T) {
	got := appendBuckets(nil, []cloud.Point{{T: 3600, V: 1}, {T: 3900, V: 2}, {T: 7199, V: 4.01}, {T: 7200, V: 9}}, 3600, 10)
	want := []point{{3600, 2.34, 1, 4.01}, {7200, 9, 9, 9}}
	if !slices.Equal(got, want) {
		t.Errorf("buckets %v, want %v", got, want)
	}
}

func TestBucketShowsOnceItIsOver(t *testing.T) {
	const hour = 1_700_031_600 / 3600 * 3600
	for _, x := range []struct {
		end  int64
		want int
	}{{hour + 3600 - 2*step, 0}, {hour + 3600 - step, 1}, {hour + 3600, 1}} {
		w := line("i-1", x.end, int((x.end-hour)/step)+1)
		c := serve(t, New(w, Options{}))
		got := c.metric("DescribeMetricList", map[string]string{"MetricName": "cpu_total", "Period": "3600", "Dimensions": dimensions("i-1"), "StartTime": ms(hour - 1)}).points
		if len(got) != x.want {
			t.Errorf("%d s into the hour: %d buckets, want %d", x.end-hour, len(got), x.want)
		}
	}
}

func TestRetention(t *testing.T) {
	const days = 100
	w := line("i-1", lineEnd, days*288)
	c := serve(t, New(w, Options{Quotas: Unlimited()}))
	got, _ := c.pages(map[string]string{"MetricName": "cpu_total", "Period": "300", "Dimensions": dimensions("i-1"), "StartTime": "0", "Length": "1440"})
	if len(got) != 91*288 {
		t.Errorf("%d points are kept, want those of 91 days", len(got))
	}
	for period, want := range map[int64]time.Duration{15: 7 * 24 * time.Hour, 60: 31 * 24 * time.Hour, 299: 31 * 24 * time.Hour, 300: 91 * 24 * time.Hour, 3600: 91 * 24 * time.Hour} {
		if got := retention(period); got != want {
			t.Errorf("period %d is kept for %s, want %s", period, got, want)
		}
	}
}

func TestAgentMetrics(t *testing.T) {
	w := line("i-1", lineEnd, 5)
	w.resources = append(w.resources, w.resources[0], w.resources[0])
	w.resources[0].Agent, w.resources[1].Agent, w.resources[2].Agent = cloud.AgentAbsent, cloud.AgentStopped, ""
	w.resources[1].ID, w.resources[2].ID = "i-2", "i-3"
	w.points["i-3/cpu_percent"] = w.points["i-1/cpu_percent"]
	c := serve(t, New(w, Options{}))
	for name, want := range map[string][]string{"cpu_total": {"i-3"}, "CPUUtilization": {"i-1", "i-3"}} {
		a := c.metric("DescribeMetricList", map[string]string{"MetricName": name, "Period": "300", "Dimensions": dimensions("i-1", "i-2", "i-3")})
		seen := map[string]bool{}
		for _, p := range a.points {
			seen[p.ID] = true
		}
		if got := sortedBools(seen); !slices.Equal(got, want) {
			t.Errorf("%s has points of %v, want %v", name, got, want)
		}
	}
	var got struct {
		Code           any
		NodeStatusList struct {
			NodeStatus []struct{ InstanceId, Status string }
		}
	}
	c.into(&got, "DescribeMonitoringAgentStatuses", map[string]string{"InstanceIds": "i-1,i-2,i-3,i-4"})
	if text, want := fmt.Sprint(got.NodeStatusList.NodeStatus), "[{i-1 not_installed} {i-2 stopped} {i-3 running}]"; text != want {
		t.Errorf("agents %s, want %s", text, want)
	}
}

func sortedBools(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestWholeRegionWithoutDimensions(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{Quotas: Unlimited()}))
	from := e.End().Add(-time.Hour).Unix()
	got, _ := c.pages(map[string]string{"MetricName": "CPUUtilization", "Period": "300", "StartTime": ms(from)})
	want := 0
	for _, r := range e.Inventory(e.End()).Resources {
		want += len(e.Samples(r.ID, cloud.CPUPercent, from, e.End().Unix()))
	}
	if len(got) != want {
		t.Errorf("%d points of the region, want %d", len(got), want)
	}
}

func TestDevices(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{Quotas: Unlimited()}))
	from := e.End().Add(-6 * time.Hour).Unix()
	checked := 0
	for _, r := range e.Inventory(e.End()).Resources {
		want := e.Samples(r.ID, cloud.DiskPercent, from, e.End().Unix())
		if r.Kind != cloud.Instance || len(want) == 0 {
			continue
		}
		got, _ := c.pages(map[string]string{"MetricName": "diskusage_utilization", "Period": "300", "StartTime": ms(from), "Dimensions": dimensions(r.ID)})
		fullest := map[int64]float64{}
		devices := map[string]bool{}
		for _, p := range got {
			fullest[p.Timestamp/1000] = max(fullest[p.Timestamp/1000], p.Average)
			devices[p.Device] = true
		}
		for _, p := range want {
			if fullest[p.T] != p.V {
				t.Fatalf("%s at %d: fullest device %v, want %v", r.ID, p.T, fullest[p.T], p.V)
			}
		}
		if !devices["/dev/vda1"] {
			t.Errorf("%s has devices %v, want /dev/vda1 among them", r.ID, devices)
		}
		if devices["/dev/vdb1"] {
			checked++
			one := c.metric("DescribeMetricList", map[string]string{"MetricName": "diskusage_utilization", "Period": "300", "StartTime": ms(from), "Dimensions": fmt.Sprintf(`[{"instanceId":%q,"device":"/dev/vdb1"}]`, r.ID)})
			for _, p := range one.points {
				if p.Device != "/dev/vdb1" {
					t.Fatalf("asked for one device, got %+v", p)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no instance with two devices")
	}
}

func TestMetricLast(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{}))
	a := c.metric("DescribeMetricLast", map[string]string{"MetricName": "CPUUtilization", "Period": "60"})
	want := 0
	for _, r := range e.Inventory(e.End()).Resources {
		if p := e.Samples(r.ID, cloud.CPUPercent, e.End().Unix()-7200, e.End().Unix()); len(p) > 0 {
			want++
			i := slices.IndexFunc(a.points, func(x datapoint) bool { return x.ID == r.ID })
			if i < 0 || a.points[i].Timestamp != p[len(p)-1].T*1000 || a.points[i].Average != p[len(p)-1].V {
				t.Errorf("%s: newest point is not %v", r.ID, p[len(p)-1])
			}
		}
	}
	if len(a.points) != want {
		t.Errorf("%d newest points, want %d", len(a.points), want)
	}
	first := c.metric("DescribeMetricLast", map[string]string{"MetricName": "CPUUtilization", "Length": "40"})
	rest := c.metric("DescribeMetricLast", map[string]string{"MetricName": "CPUUtilization", "Length": "40", "NextToken": first.NextToken})
	if len(first.points) != 40 || len(first.points)+len(rest.points) != want || rest.NextToken != "" {
		t.Errorf("pages of %d and %d points, want %d in all", len(first.points), len(rest.points), want)
	}
}

func TestMetaListNamesWhatTheWorldHas(t *testing.T) {
	w := line("i-1", lineEnd, 1)
	w.metrics = []cloud.Metric{cloud.CPUPercent, cloud.NetworkInBPS}
	c := serve(t, New(w, Options{}))
	var got struct {
		TotalCount string
		Resources  struct {
			Resource []struct{ MetricName, Periods, Dimensions string }
		}
	}
	c.into(&got, "DescribeMetricMetaList", map[string]string{"Namespace": ecsNamespace, "PageSize": "1000"})
	var names []string
	for _, r := range got.Resources.Resource {
		names = append(names, r.MetricName)
		if !strings.Contains(r.Periods, "86400") {
			t.Errorf("%s offers periods %s", r.MetricName, r.Periods)
		}
	}
	if want := []string{"cpu_total", "CPUUtilization", "networkin_rate", "IntranetInRate"}; !slices.Equal(names, want) || got.TotalCount != "4" {
		t.Errorf("metrics %v of %s, want %v", names, got.TotalCount, want)
	}
	c.into(&got, "DescribeMetricMetaList", map[string]string{"Namespace": "acs_rds_dashboard"})
	if got.TotalCount != "0" {
		t.Errorf("%s metrics of databases, want 0", got.TotalCount)
	}
}

func TestFloatsAreShortestAndExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(
			rapid.Map(rapid.IntRange(0, 10000), func(n int) float64 { return float64(n) / 100 }),
			rapid.Map(rapid.Int64Range(0, 1<<50), func(n int64) float64 { return float64(n) }),
			rapid.Map(rapid.Int64Range(0, 1<<55), func(n int64) float64 { return float64(n) / 100 }),
			rapid.Float64(),
		).Draw(t, "v")
		if math.IsInf(v, 0) || math.IsNaN(v) {
			t.Skip("not a measurement")
		}
		got := string(appendFloat(nil, v))
		if want := strconv.FormatFloat(v, 'f', -1, 64); got != want {
			t.Fatalf("%v is written %s, want %s", v, got, want)
		}
	})
}

func BenchmarkMetricPage(b *testing.B) {
	e := estate.New(estate.Options{Instances: 20, Seed: 1})
	s := New(e, Options{Quotas: Unlimited()})
	var id string
	for _, r := range e.Inventory(e.End()).Resources {
		if r.Kind == cloud.Instance && e.Class(r.ID) == "office" {
			id = r.ID
		}
	}
	c := &call{snap: s.snapshot.Load(), region: "cn-hangzhou", requestID: s.requestID(), parameters: parameters{
		{"Dimensions", dimensions(id)}, {"Length", "1440"}, {"MetricName", "cpu_total"}, {"Namespace", ecsNamespace}, {"Period", "300"}, {"StartTime", ms(e.Start().Unix())},
	}}
	q, fail := s.metricQuery(c)
	if fail != nil {
		b.Fatal(fail)
	}
	points := s.points(nil, q.series[0], q, q.from, 1440)
	b.Run("encode", func(b *testing.B) {
		var body []byte
		for b.Loop() {
			body = appendPoints(body[:0], q.series[0].prefix, points, true)
		}
		b.SetBytes(int64(len(body)))
	})
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if _, fail := s.describeMetricList(c); fail != nil {
				b.Fatal(fail)
			}
		}
	})
	b.Run("answered", func(b *testing.B) { // signature, nonce and route included
		i := 0
		for b.Loop() {
			i++
			r := signed("POST", "testsecret", func(v url.Values) {
				for _, p := range c.parameters {
					v.Set(p.name, p.value)
				}
				v.Set("Action", "DescribeMetricList")
				v.Set("Version", cmsVersion)
				v.Set("SignatureNonce", strconv.Itoa(i))
			})
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != http.StatusOK {
				b.Fatal(w.Body)
			}
		}
	})
}
