package simcloud

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
)

// metric is one metric that CloudMonitor offers of instances, and the world's
// metric whose values it carries. The agent's and the hypervisor's reading of
// one quantity carry the same values here.
type metric struct {
	name   string
	of     cloud.Metric
	agent  bool   // measured in the guest
	device string // its third dimension; "fs": one series a file system
	unit   string
	about  string
}

const ecsNamespace = "acs_ecs_dashboard"

var ecsMetrics = []metric{
	{"cpu_total", cloud.CPUPercent, true, "", "%", "当前消耗的总CPU百分比"},
	{"CPUUtilization", cloud.CPUPercent, false, "", "%", "CPU使用率"},
	{"memory_usedutilization", cloud.MemoryPercent, true, "", "%", "内存使用率"},
	{"diskusage_utilization", cloud.DiskPercent, true, "fs", "%", "磁盘使用率"},
	{"networkin_rate", cloud.NetworkInBPS, true, "eth0", "bit/s", "网卡每秒接收的比特数"},
	{"networkout_rate", cloud.NetworkOutBPS, true, "eth0", "bit/s", "网卡每秒发送的比特数"},
	{"IntranetInRate", cloud.NetworkInBPS, false, "", "bit/s", "内网流入带宽"},
	{"IntranetOutRate", cloud.NetworkOutBPS, false, "", "bit/s", "内网流出带宽"},
	{"disk_readbytes", cloud.DiskReadBPS, true, "/dev/vda", "Byte/s", "磁盘每秒读取的字节数"},
	{"disk_writebytes", cloud.DiskWriteBPS, true, "/dev/vda", "Byte/s", "磁盘每秒写入的字节数"},
	{"DiskReadBPS", cloud.DiskReadBPS, false, "", "Byte/s", "所有磁盘读取BPS"},
	{"DiskWriteBPS", cloud.DiskWriteBPS, false, "", "Byte/s", "所有磁盘写入BPS"},
}

// step is the finest period of every metric: worlds are sampled every five
// minutes.
const step = 300

// periods are what DescribeMetricMetaList offers.
const periods = "300,900,3600,86400"

func (s *Server) describeMetricMetaList(c *call) ([]byte, *apiError) {
	type resource struct{ Namespace, MetricName, Description, Dimensions, Periods, Statistics, Unit, Labels string }
	var all []resource
	for _, m := range c.snap.metrics {
		if ns := c.get("Namespace"); ns != "" && ns != ecsNamespace {
			break
		}
		if name := c.get("MetricName"); name != "" && name != m.name {
			continue
		}
		v := resource{ecsNamespace, m.name, m.about, "userId,instanceId", periods, "Average,Minimum,Maximum", m.unit, `[{"name":"productCategory","value":"ecs"}]`}
		if m.device != "" {
			v.Dimensions += ",device"
		}
		all = append(all, v)
	}
	number, size := max(1, c.number("PageNumber", 1)), c.number("PageSize", 30)
	if size < 1 || size > 10000 {
		return nil, invalid("PageSize", "want 1 to 10000")
	}
	from := min(len(all), (number-1)*size)
	answer := struct {
		RequestId  string
		Code       int
		Success    bool
		TotalCount string
		Resources  struct{ Resource []resource }
	}{RequestId: c.requestID, Code: http.StatusOK, Success: true, TotalCount: strconv.Itoa(len(all))}
	answer.Resources.Resource = append([]resource{}, all[from:min(len(all), from+size)]...)
	return must(json.Marshal(answer)), nil
}

// agentRunning reports whether agent metrics of r exist. A world that does not
// speak of agents has them everywhere.
func agentRunning(r *cloud.Resource) bool { return r.Agent == "" || r.Agent == cloud.AgentRunning }

func (s *Server) describeMonitoringAgentStatuses(c *call) ([]byte, *apiError) {
	type node struct {
		InstanceId, Status string
		AutoInstall        bool
	}
	ids := c.get("InstanceIds")
	if ids == "" {
		return nil, missing("InstanceIds")
	}
	list := strings.Split(ids, ",")
	if len(list) > 50 {
		return nil, invalid("InstanceIds", "at most 50")
	}
	answer := struct {
		RequestId      string
		Code           int
		Success        bool
		NodeStatusList struct{ NodeStatus []node }
	}{RequestId: c.requestID, Code: http.StatusOK, Success: true}
	answer.NodeStatusList.NodeStatus = []node{}
	for _, id := range list {
		r := c.snap.byID[strings.TrimSpace(id)]
		if r == nil || r.Kind != cloud.Instance || !c.visible(r) {
			continue // unknown hosts are left out
		}
		status := map[cloud.AgentStatus]string{"": "running", cloud.AgentRunning: "running", cloud.AgentStopped: "stopped", cloud.AgentAbsent: "not_installed"}[r.Agent]
		answer.NodeStatusList.NodeStatus = append(answer.NodeStatusList.NodeStatus, node{r.ID, status, status == "running"})
	}
	return must(json.Marshal(answer)), nil
}

// series is one line of values that a metric query returns.
type series struct {
	resource string // in the world
	prefix   []byte // of each point, between timestamp and statistics
	metric   cloud.Metric
}

// metricQuery is what DescribeMetricList and DescribeMetricLast are asked.
type metricQuery struct {
	metric   metric
	period   int64
	length   int
	from, to int64 // (from, to], Unix seconds
	now      int64
	series   []series
}

// maxDimensions and maxLength are CloudMonitor's limits of one call.
const (
	maxDimensions = 50
	maxLength     = 1440
)

// retention returns how far back values of a period are kept.
func retention(period int64) time.Duration {
	switch {
	case period < 60:
		return 7 * 24 * time.Hour
	case period < 300:
		return 31 * 24 * time.Hour
	default:
		return 91 * 24 * time.Hour
	}
}

func (s *Server) metricQuery(c *call) (metricQuery, *apiError) {
	var q metricQuery
	for _, name := range []string{"Namespace", "MetricName"} {
		if c.get(name) == "" {
			return q, missing(name)
		}
	}
	i := slices.IndexFunc(c.snap.metrics, func(m metric) bool { return m.name == c.get("MetricName") })
	if i < 0 || c.get("Namespace") != ecsNamespace {
		return q, refuse(http.StatusNotFound, "ResourceNotFound", "The specified resource is not found.")
	}
	q.metric = c.snap.metrics[i]
	period, ok := positive(c.get("Period"), step)
	if !ok {
		return q, invalid("Period", "want seconds")
	}
	q.period = period
	length, ok := positive(c.get("Length"), 1000)
	if !ok || length > maxLength {
		return q, invalid("Length", "want 1 to 1440")
	}
	q.length = int(length)
	now := c.snap.now.Unix()
	var fail *apiError
	if q.to, fail = c.instant("EndTime", now); fail != nil {
		return q, fail
	}
	if q.from, fail = c.instant("StartTime", q.to-3600); fail != nil {
		return q, fail
	}
	if q.from >= q.to {
		return q, invalid("StartTime", "it must be before EndTime")
	}
	q.now = now
	q.from = max(q.from, now-int64(retention(period)/time.Second))
	q.to = min(q.to, now)
	q.series, fail = s.seriesOf(c, q.metric)
	return q, fail
}

func positive(text string, absent int64) (int64, bool) {
	if text == "" {
		return absent, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0
}

// chinaTime is the zone of times without one.
var chinaTime = time.FixedZone("CST", 8*3600)

// instant reads a time as CloudMonitor does: epoch milliseconds, ISO 8601 in
// UTC, or a date and time in the service's own zone. Fractions of a second are
// cut off, which leaves left-open and right-closed intervals as they are for
// samples at whole seconds.
func (c *call) instant(name string, absent int64) (int64, *apiError) {
	text := c.get(name)
	if text == "" {
		return absent, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return floorDiv(ms, 1000), nil
	}
	if t, err := time.Parse(secondTime, text); err == nil {
		return t.Unix(), nil
	}
	if t, err := time.ParseInLocation(time.DateTime, text, chinaTime); err == nil {
		return t.Unix(), nil
	}
	return 0, invalid(name, "want epoch milliseconds, 2006-01-02T15:04:05Z or 2006-01-02 15:04:05")
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// seriesOf returns the series that the Dimensions name, in their order;
// without Dimensions those of every instance in the region.
func (s *Server) seriesOf(c *call, m metric) ([]series, *apiError) {
	text := c.get("Dimensions")
	if text == "" {
		var out []series
		for _, r := range c.snap.kinds[cloud.Instance] {
			if c.visible(r) {
				out = s.instanceSeries(out, c, m, r, "")
			}
		}
		return out, nil
	}
	var dimensions []map[string]string
	if err := json.Unmarshal([]byte(text), &dimensions); err != nil {
		var one map[string]string // a single object is accepted as well
		if json.Unmarshal([]byte(text), &one) != nil {
			return nil, invalid("Dimensions", "want a JSON array of objects")
		}
		dimensions = []map[string]string{one}
	}
	if len(dimensions) > maxDimensions {
		return nil, invalid("Dimensions", "at most 50")
	}
	var out []series
	for _, d := range dimensions {
		r := c.snap.byID[d["instanceId"]]
		if r == nil || r.Kind != cloud.Instance || !c.visible(r) {
			continue
		}
		out = s.instanceSeries(out, c, m, r, d["device"])
	}
	return out, nil
}

// instanceSeries appends the series of one instance: one, or one a device.
// Agent metrics of an instance without agent have none.
func (s *Server) instanceSeries(out []series, c *call, m metric, r *cloud.Resource, device string) []series {
	if m.agent && !agentRunning(r) {
		return out
	}
	add := func(resource, dev string) {
		if device == "" || device == dev {
			out = append(out, series{resource, pointPrefix(cmp.Or(r.Account, "1208863178610000"), r.ID, dev), m.of})
		}
	}
	if m.device != "fs" {
		add(r.ID, m.device)
		return out
	}
	world, _ := s.world.(knowing)
	found := false
	for _, d := range c.snap.disks[r.ID] {
		if world == nil || !world.HasSamples(d.ID, m.of) {
			continue
		}
		if at, ok := strings.CutPrefix(c.snap.device(d), "/dev/xv"); ok {
			add(d.ID, "/dev/v"+at+"1") // the guest's name of its first partition
			found = true
		}
	}
	if !found {
		add(r.ID, "/dev/vda1")
	}
	return out
}

func (s *Server) describeMetricList(c *call) ([]byte, *apiError) {
	q, fail := s.metricQuery(c)
	if fail != nil {
		return nil, fail
	}
	at, after := 0, q.from
	if token := c.get("NextToken"); token != "" && token != "null" {
		i, t, ok := c.readToken(token)
		if !ok || i >= uint64(max(1, len(q.series))) {
			return nil, refuse(http.StatusBadRequest, "InvalidNextToken", "The specified NextToken does not belong to this request.")
		}
		at, after = int(i), max(q.from, int64(t))
	}
	size := 512
	if at < len(q.series) {
		size += min(q.length, int((q.to-after)/step)*(len(q.series)-at)) * (len(q.series[at].prefix) + 100)
	}
	body := metricHead(make([]byte, 0, max(512, size)), c, q.period)
	var points []point
	left, next := q.length, ""
	for ; at < len(q.series) && next == "" && q.period >= step; at, after = at+1, q.from {
		line := q.series[at]
		points = s.points(points[:0], line, q, after, left+1)
		if len(points) > left {
			points = points[:left]
			last := after
			if left > 0 {
				last = points[left-1].t
			}
			next = c.nextToken(uint64(at), uint64(last))
		}
		body = appendPoints(body, line.prefix, points, left == q.length)
		left -= len(points)
	}
	return metricTail(body, next), nil
}

// lookBack is how old the newest point may be that DescribeMetricLast returns.
func lookBack(period int64) int64 {
	if period >= 3600 {
		return 2 * 86400
	}
	return 2 * 3600
}

func (s *Server) describeMetricLast(c *call) ([]byte, *apiError) {
	q, fail := s.metricQuery(c)
	if fail != nil {
		return nil, fail
	}
	at := 0
	if token := c.get("NextToken"); token != "" {
		i, _, ok := c.readToken(token)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "InvalidNextToken", "The specified NextToken does not belong to this request.")
		}
		at = int(i)
	}
	body := metricHead(nil, c, q.period)
	first, left, next := true, q.length, ""
	q.period = max(q.period, step) // the newest value is the newest whatever the period
	q.from = max(q.to-lookBack(q.period), c.snap.now.Unix()-int64(retention(q.period)/time.Second))
	for ; at < len(q.series); at++ {
		points := s.points(nil, q.series[at], q, q.from, 1<<20)
		if len(points) == 0 {
			continue
		}
		if left == 0 {
			next = c.nextToken(uint64(at), 0)
			break
		}
		body = appendPoints(body, q.series[at].prefix, points[len(points)-1:], first)
		first = false
		left--
	}
	return metricTail(body, next), nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
