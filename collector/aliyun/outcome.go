package aliyun

import (
	"slices"
	"strings"

	"yunjian/cloud"
	"yunjian/collector"
)

// conclude delivers what is known of the series at the end, where that differs
// from what was said of them along the way.
func (r *run) conclude(deliver func(collector.Batch) error) error {
	var b collector.Batch
	for _, x := range r.all {
		if x.asked && x.halted == nil && x.need.To.After(x.read) {
			x.read = x.need.To // the rest of the span is known to be empty
		}
		o := r.observe(x)
		if !x.asked && o.Availability == cloud.Observed {
			continue // nothing was learnt
		}
		if o != x.said {
			x.said = o
			b.Observations = append(b.Observations, o)
		}
	}
	if len(b.Observations) == 0 {
		return nil
	}
	return deliver(b)
}

// observe says why x has, or has not, samples.
func (r *run) observe(x *series) cloud.Observation {
	o := cloud.Observation{Resource: x.resource.ID, Metric: x.metric, Origin: x.way.origin(), Through: x.read}
	if x.asked && x.through.IsZero() {
		o.From = x.need.From
	}
	young := x.newest > r.to.Add(-recent).Unix()
	switch {
	case len(x.ways) == 0:
		o.Availability, o.Origin = cloud.NotOffered, ""
	case x.halted != nil:
		o.Availability, o.Detail = x.halted.Class.availability(), x.halted.Error()
	case young:
		o.Availability = cloud.Observed
	case x.resource.Status == cloud.PoweredOff:
		o.Availability = cloud.Stopped
	case x.way.agent && (x.resource.Agent == cloud.AgentAbsent || x.resource.Agent == cloud.AgentStopped):
		o.Availability = cloud.NoAgent
	case x.got > 0 || !x.asked && !x.through.IsZero():
		o.Availability = cloud.Observed
	default:
		o.Availability = cloud.NoData
	}
	if x.got == 0 && o.Availability != cloud.Observed {
		o.Origin = ""
	}
	return o
}

// result sums up the run.
func (r *run) result() collector.Result {
	if r == nil {
		return collector.Result{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	res := collector.Result{Samples: r.samples, Calls: r.calls, Retries: r.retries, Period: r.period, Plan: r.plan}
	for _, n := range r.points {
		res.Minimum += (n + collector.PointsPerCall - 1) / collector.PointsPerCall
	}
	res.Problems = r.problems()
	return res
}

// problems are what people should act on, once each, in order of metric.
func (r *run) problems() []collector.Problem {
	type key struct {
		availability cloud.Availability
		metric       cloud.Metric
		code         string
	}
	index := map[key]int{}
	var out []collector.Problem
	for _, x := range r.all {
		k := key{availability: x.said.Availability, metric: x.metric}
		message := ""
		switch {
		case x.halted != nil:
			k.code = cmpString(x.halted.Code, string(x.halted.Class))
			message = x.halted.Error()
		case x.said.Availability == cloud.NotOffered:
			message = "the platform does not offer this metric"
		case x.said.Availability == cloud.NoAgent:
			message = "the CloudMonitor agent is not running in these machines: install or start it"
		default:
			continue
		}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, collector.Problem{Availability: k.availability, Metric: k.metric, Code: k.code, Message: message})
		}
		out[i].Resources++
	}
	slices.SortStableFunc(out, func(a, b collector.Problem) int {
		if c := slices.Index(cloud.Metrics(), a.Metric) - slices.Index(cloud.Metrics(), b.Metric); c != 0 {
			return c
		}
		return strings.Compare(string(a.Availability)+a.Code, string(b.Availability)+b.Code)
	})
	return out
}
