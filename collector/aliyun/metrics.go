package aliyun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
)

const (
	actionList = "DescribeMetricList"
	namespace  = "acs_ecs_dashboard"
)

// combine says how the devices of a machine make one value.
type combine int

const (
	single  combine = iota // the metric is of the whole machine
	fullest                // the highest device
	total                  // the sum of all devices
)

// gauge is one way of measuring a metric. Names are the CloudMonitor metrics
// that measure it so, the first offered one counts: agents of Apsara Stack may
// be of the old kind.
type gauge struct {
	names   []string
	plus    string // of machines with a public address: to be added, instant by instant
	agent   bool   // needs the in-guest agent
	devices combine
}

// gauges lists how each metric is measured, best first (CloudMonitor metric
// reference, acs_ecs_dashboard).
func gauges(m cloud.Metric) []gauge {
	switch m {
	case cloud.CPUPercent:
		return []gauge{
			{names: []string{"cpu_total", "vm.CPUUtilization"}, agent: true},
			{names: []string{"CPUUtilization"}},
		}
	case cloud.MemoryPercent:
		return []gauge{{names: []string{"memory_usedutilization", "vm.MemoryUtilization"}, agent: true}}
	case cloud.DiskPercent:
		return []gauge{{names: []string{"diskusage_utilization", "vm.DiskUtilization"}, agent: true, devices: fullest}}
	case cloud.NetworkInBPS:
		return []gauge{
			{names: []string{"networkin_rate"}, agent: true, devices: total},
			{names: []string{"IntranetInRate"}, plus: "VPC_PublicIP_InternetInRate", devices: total},
		}
	case cloud.NetworkOutBPS:
		return []gauge{
			{names: []string{"networkout_rate"}, agent: true, devices: total},
			{names: []string{"IntranetOutRate"}, plus: "VPC_PublicIP_InternetOutRate", devices: total},
		}
	case cloud.DiskReadBPS:
		return []gauge{{names: []string{"DiskReadBPS"}}}
	case cloud.DiskWriteBPS:
		return []gauge{{names: []string{"DiskWriteBPS"}}}
	}
	return nil
}

// offer is what CloudMonitor says it measures in a region: periods in seconds
// by metric. Nil means that it did not say, and everything is tried.
type offer struct {
	periods map[string][]int
	at      time.Time
}

// offerLife is how long an offer is believed.
const offerLife = 24 * time.Hour

func (o offer) has(name string) bool {
	_, ok := o.periods[name]
	return o.periods == nil || ok
}

// daily reports whether day averages are offered, in so many words.
func (o offer) daily(name string) bool {
	return slices.Contains(o.periods[name], int(day/time.Second))
}

// query is a gauge of one metric on one platform: what is asked for.
type query struct {
	metric  cloud.Metric
	name    string
	plus    string
	agent   bool
	devices combine
}

// queries are the ways in which the platform measures m, best first.
func (o offer) queries(m cloud.Metric) []query {
	var out []query
	for _, g := range gauges(m) {
		for _, name := range g.names {
			if o.has(name) {
				plus := g.plus
				if plus != "" && !o.has(plus) {
					plus = ""
				}
				out = append(out, query{m, name, plus, g.agent, g.devices})
				break
			}
		}
	}
	return out
}

func (q query) origin() cloud.Origin {
	switch {
	case q.metric != cloud.CPUPercent:
		return ""
	case q.agent:
		return cloud.OriginAgent
	}
	return cloud.OriginHypervisor
}

const metaPageSize = 1000

// offerOf reads what CloudMonitor measures in region, once a day. A platform
// that does not tell is no error.
func (s *Source) offerOf(ctx context.Context, run *tally, region string, now time.Time) (offer, error) {
	s.mu.Lock()
	known, ok := s.offered[region]
	s.mu.Unlock()
	if ok && now.Sub(known.at).Abs() < offerLife {
		return known, nil
	}
	o := offer{at: now}
	for number, got := 1, 0; number <= maxListPages; number++ {
		c := call{product: cms, region: region, action: "DescribeMetricMetaList", query: map[string]string{
			"Namespace": namespace, "PageNumber": strconv.Itoa(number), "PageSize": strconv.Itoa(metaPageSize),
		}}
		var page []record
		all, empty := 0, 0
		err := s.try(ctx, run, c, func(a answer) error {
			var top record
			var err error
			if page, top, err = elements(a.body, "Resources", "Resource"); err != nil {
				return err
			}
			if len(page) == 0 && empty < emptyTries-1 {
				empty++
				return errors.New("empty list")
			}
			all = int(top.number("TotalCount"))
			return nil
		})
		if err != nil {
			if broken(ctx, err) {
				return o, fmt.Errorf("read the metrics on offer in %s: %w", region, err)
			}
			return offer{}, nil
		}
		for _, r := range page {
			if r.text("Namespace") != namespace {
				continue
			}
			if o.periods == nil {
				o.periods = map[string][]int{}
			}
			o.periods[r.text("MetricName")] = seconds(r.text("Periods"))
		}
		got += len(page)
		if len(page) == 0 || got >= all {
			break
		}
	}
	s.mu.Lock()
	s.offered[region] = o
	s.mu.Unlock()
	return o, nil
}

// seconds reads "60,300,900".
func seconds(text string) []int {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(part)); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	return out
}

// fastest is more than any machine moves in a second, a petabyte. It keeps sums
// finite: history refuses a whole batch for one value that is not.
const fastest = 1e15

// plausible reports whether v can be a measurement of m. CloudMonitor writes -1
// where it did not measure; NaN is no measurement either.
func plausible(m cloud.Metric, v float64) bool {
	if m.Unit() == cloud.Percent {
		return v >= 0 && v <= 100
	}
	return v >= 0 && v <= fastest
}
