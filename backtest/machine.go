package backtest

import (
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// Machine is one instance as a rule may see it: its size, and its samples before
// the decision. Not for concurrent use.
type Machine struct {
	Resource cloud.Resource
	At       time.Time // the decision

	loc       *time.Location
	points    map[cloud.Metric][]cloud.Point // ascending, all before At
	summaries map[span]utilization.Summary   // asked for so far
	acc       *utilization.Accumulator
}

// span is the last days before the decision; 0: all there is.
type span struct {
	metric cloud.Metric
	days   int
}

// newMachine leaves out of points, which ascend, what a rule may not see.
func newMachine(r cloud.Resource, at time.Time, points map[cloud.Metric][]cloud.Point, acc *utilization.Accumulator, loc *time.Location) *Machine {
	m := &Machine{Resource: r, At: at, loc: loc, acc: acc, points: map[cloud.Metric][]cloud.Point{}, summaries: map[span]utilization.Summary{}}
	for metric, p := range points {
		before, _ := split(p, at)
		m.points[metric] = before
	}
	return m
}

// split cuts ascending points into those before an instant and the others.
func split(points []cloud.Point, at time.Time) (before, after []cloud.Point) {
	i, _ := slices.BinarySearchFunc(points, at.Unix(), func(p cloud.Point, t int64) int {
		if p.T < t {
			return -1
		}
		return 1
	})
	return points[:i], points[i:]
}

// Points is the samples of the last days before the decision; of all days where
// days is 0.
func (m *Machine) Points(metric cloud.Metric, days int) []cloud.Point {
	all := m.points[metric]
	if days <= 0 {
		return all
	}
	_, last := split(all, m.At.AddDate(0, 0, -days))
	return last
}

// Summary is the statistics of Points. What it returns is valid as long as m.
func (m *Machine) Summary(metric cloud.Metric, days int) utilization.Summary {
	key := span{metric, days}
	s, ok := m.summaries[key]
	if !ok {
		s = m.summarize(m.Points(metric, days), metric, days)
		m.summaries[key] = s
	}
	return s
}

func (m *Machine) summarize(points []cloud.Point, metric cloud.Metric, days int) utilization.Summary {
	w := cloud.Window{From: m.At, To: m.At}
	switch {
	case days > 0:
		w.From = m.At.AddDate(0, 0, -days)
	case len(points) > 0:
		w.From = time.Unix(points[0].T, 0)
	}
	return m.between(points, metric, w)
}

// between is the statistics of points, which lie within a window.
func (m *Machine) between(points []cloud.Point, metric cloud.Metric, w cloud.Window) utilization.Summary {
	m.acc.Reset(utilization.Step)
	m.acc.AddPoints(points)
	return m.acc.Summary(metric, w, utilization.Expected(w, utilization.Step))
}

// Known is for how long there are samples of a metric: from the first to the
// decision.
func (m *Machine) Known(metric cloud.Metric) time.Duration {
	p := m.points[metric]
	if len(p) == 0 {
		return 0
	}
	return m.At.Sub(time.Unix(p[0].T, 0))
}
