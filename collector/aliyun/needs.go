package aliyun

import (
	"slices"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
)

// enlist makes the list of series and of what to ask for each.
func (s *Source) enlist(r *run, req collector.Request, offers map[string]offer) {
	metrics := req.Metrics
	if metrics == nil {
		metrics = cloud.Metrics()
	}
	for _, res := range req.Inventory.Resources {
		o, here := offers[res.Region]
		if res.Kind != cloud.Instance || !here || res.Cloud != "" && res.Cloud != s.options.Name {
			continue
		}
		for _, m := range metrics {
			if m.Optional() && len(gauges(m)) == 0 {
				continue // CloudMonitor measures no such thing, and nobody misses it
			}
			x := &series{resource: res, metric: m, ways: o.queries(m)}
			if req.Through != nil {
				x.through = req.Through(res.ID, m)
			}
			x.read = x.through
			r.all = append(r.all, x)
			r.byKey[seriesKey{res.ID, m}] = x
			if len(x.ways) == 0 {
				continue
			}
			x.way = x.ways[0]
			if x.way.agent && len(x.ways) > 1 && res.Agent != cloud.AgentRunning && res.Agent != "" {
				x.way = x.ways[1]
			}
			x.asked = worthAsking(x, r.to)
			x.need = s.need(x, req, r.to)
			x.asked = x.asked && x.need.From.Before(x.need.To)
			x.target = r.targetOf(x, x.way)
			x.need.Query = x.target.key()
		}
	}
	slices.SortFunc(r.all, func(a, b *series) int {
		if c := strings.Compare(a.resource.ID, b.resource.ID); c != 0 {
			return c
		}
		return slices.Index(metrics, a.metric) - slices.Index(metrics, b.metric)
	})
	r.gaps = s.gapNeeds(r, req)
}

// worthAsking is false where nothing can have been measured since the last
// time: without agent, or powered off.
func worthAsking(x *series, to time.Time) bool {
	if x.through.IsZero() {
		return true
	}
	if x.way.agent && x.resource.Agent == cloud.AgentAbsent {
		return false
	}
	off := x.resource.StoppedSince
	return x.resource.Status != cloud.PoweredOff || off.IsZero() || x.through.Before(off.Add(recent)) || to.Before(off)
}

// need is the span to be read of one series.
func (s *Source) need(x *series, req collector.Request, to time.Time) collector.Need {
	n := collector.Need{Resource: x.resource.ID, Metric: x.metric, Fresh: x.through.IsZero()}
	n.From, n.To = req.Since, to
	if !n.Fresh && x.through.After(n.From) {
		n.From = x.through
		if s.options.Lag > 0 && n.From.Before(to) {
			n.From = n.From.Add(-overlap)
		}
	}
	if made := x.resource.CreatedAt; !made.IsZero() && made.Add(-basePeriod).After(n.From) {
		n.From = made.Add(-basePeriod).Truncate(basePeriod)
	}
	if oldest := req.Now.Add(-collector.Retention + retentionEdge); oldest.After(n.From) {
		n.From = oldest
	}
	return n
}

func (r *run) targetOf(x *series, way query) target {
	t := target{region: x.resource.Region, scope: scopeOf(x.resource), query: way}
	t.public = way.plus != "" && x.resource.Attributes[attributePublicIP] != ""
	r.targets[t.key()] = t
	return t
}

// gapNeeds are the gaps to be asked for again now, at most once a day each, less
// what is read for the first time: a gap that is still open reaches to the
// present.
func (s *Source) gapNeeds(r *run, req collector.Request) []collector.Need {
	s.mu.Lock()
	defer s.mu.Unlock()
	for g, at := range s.asked {
		if req.Now.Sub(at).Abs() > 2*day {
			delete(s.asked, g)
		}
	}
	var needs []collector.Need
	oldest := req.Now.Add(-collector.Retention + retentionEdge)
	for _, g := range req.Gaps {
		x := r.byKey[seriesKey{g.Resource, g.Metric}]
		if x == nil || len(x.ways) == 0 || x.way.agent && x.resource.Agent == cloud.AgentAbsent {
			continue
		}
		if at, ok := s.asked[g]; ok && req.Now.Sub(at).Abs() < gapPatience {
			continue
		}
		n := collector.Need{Resource: g.Resource, Metric: g.Metric, Query: x.need.Query, Span: collector.Span{From: g.From, To: g.To}}
		for _, bound := range []time.Time{oldest, req.Since} {
			if n.From.Before(bound) {
				n.From = bound
			}
		}
		if n.To.After(r.to) {
			n.To = r.to
		}
		if x.asked && n.To.After(x.need.From) {
			n.To = x.need.From // the rest is read in any case
		}
		if n.From.Before(n.To) {
			s.asked[g] = req.Now
			needs = append(needs, n)
		}
	}
	return needs
}
