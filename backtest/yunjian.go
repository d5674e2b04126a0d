package backtest

import (
	"time"

	"yunjian/cloud"
	"yunjian/recommender"
	"yunjian/utilization"
)

// sized are the metrics that a size is judged by.
var sized = []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}

// Evidence is what Yunjian's own rule is told of one machine: what it reached, and
// what could have been told of it before.
type Evidence struct {
	Now  map[cloud.Metric]recommender.Levels
	Past []recommender.Comparison
}

func present(r cloud.Resource, m cloud.Metric) float64 {
	if m == cloud.MemoryPercent {
		return r.MemoryGiB
	}
	return float64(r.VCPU)
}

// evidenceOf tells Yunjian's own rule of a machine what lies before the decision,
// of a past that began at first.
func evidenceOf(m *Machine, first time.Time, horizon time.Duration) Evidence {
	e := Evidence{Now: map[cloud.Metric]recommender.Levels{}}
	origins := recommender.Origins(first, m.At, horizon)
	for _, metric := range sized {
		if l, ok := recommender.LevelsOf(m.Summary(metric, 0)); ok {
			e.Now[metric] = l
		}
		points := m.Points(metric, 0)
		for _, o := range origins {
			before, after := split(points, o.At)
			after, _ = split(after, o.End)
			slots := int(o.End.Sub(o.At) / utilization.Step)
			if 2*len(after) < slots {
				continue
			}
			past := *m
			past.At = o.At
			l, ok := recommender.LevelsOf(past.summarize(before, metric, 0))
			if !ok {
				continue
			}
			later := past.summarize(after, metric, 0)
			e.Past = append(e.Past, recommender.Comparison{
				Metric: metric, Present: present(m.Resource, metric), Before: l,
				Need: later.Quantile(1 - harmShare), Horizon: o.End.Sub(o.At),
			})
		}
	}
	return e
}

// yunjian decides for a whole fleet within each of the budgets, shares of it that
// may come to harm within the horizon: lists of answers in the order of the cases.
func yunjian(cases []Case, horizon time.Duration, budgets []float64) [][]Answer {
	if len(budgets) == 0 {
		return nil
	}
	var past []recommender.Comparison
	for _, c := range cases {
		past = append(past, c.Evidence.Past...)
	}
	chances := recommender.Learn(past)
	sizes, options := make([][]Size, len(cases)), make([][]recommender.Option, len(cases))
	for i, c := range cases {
		sizes[i], options[i] = offers(c, chances, horizon)
	}
	out := make([][]Answer, len(budgets))
	for k, budget := range budgets {
		chosen := recommender.Choose(options, budget*float64(len(cases)))
		for i, c := range cases {
			a := Answer{Size: SizeOf(c.Resource)}
			if n := chosen[i]; n >= 0 {
				a.Size, a.Harm = sizes[i][n], options[i][n].Harm
			}
			out[k] = append(out[k], a)
		}
	}
	return out
}

// gravest is the chance of harm above which a size is not offered, however much
// it saves: nobody can defend to a department what goes wrong one time in four.
const gravest = 0.25

// offers is the smaller sizes for a machine, with what each saves and risks: either
// dimension exceeded is harm, so their chances are added.
func offers(c Case, chances recommender.Chances, horizon time.Duration) (sizes []Size, options []recommender.Option) {
	now := SizeOf(c.Resource)
	chance := func(m cloud.Metric, size float64) float64 {
		whole := present(c.Resource, m)
		if size == whole {
			return 0
		}
		l, ok := c.Evidence.Now[m]
		if !ok { // nothing is known of it, so it is not touched
			return 1
		}
		return chances.Chance(m, whole, l, size, horizon)
	}
	for _, v := range VCPUs(now.VCPU) {
		cpu := chance(cloud.CPUPercent, float64(v))
		for _, g := range Memories(now.MemoryGiB) {
			s := Size{v, g}
			if harm := cpu + chance(cloud.MemoryPercent, g); s != now && harm <= gravest {
				sizes = append(sizes, s)
				options = append(options, recommender.Option{Saving: now.annual() - s.annual(), Harm: harm})
			}
		}
	}
	return sizes, options
}
