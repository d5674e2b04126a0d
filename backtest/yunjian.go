package backtest

import (
	"math"
	"time"

	"yunjian/cloud"
	"yunjian/recommender"
	"yunjian/utilization"
)

// pastOf tells Yunjian's own rule of a machine what lies before the decision, of a
// past that began at first.
func pastOf(m *Machine, first time.Time, horizon time.Duration, k recommender.Constants) recommender.Past {
	all := map[cloud.Metric]utilization.Summary{}
	for _, metric := range recommender.Sized() {
		all[metric] = m.Summary(metric, 0)
	}
	var instants []recommender.Instant
	for _, o := range k.Origins(first, m.At, horizon) {
		at := recommender.Instant{Before: map[cloud.Metric]utilization.Summary{}, After: map[cloud.Metric]utilization.Summary{}}
		for _, metric := range recommender.Sized() {
			before, after := split(m.Points(metric, 0), o.At)
			after, _ = split(after, o.End)
			at.Before[metric] = m.between(before, metric, cloud.Window{From: first, To: o.At})
			at.After[metric] = m.between(after, metric, cloud.Window{From: o.At, To: o.End})
		}
		instants = append(instants, at)
	}
	return k.PastOf(m.Resource, all, instants)
}

// own decides by Yunjian's own rule for a whole fleet within each of the budgets, shares
// of it that may come to harm within the horizon: lists of answers in the order of the
// cases.
func (p Replay) own(cases []Case) [][]Answer {
	if len(p.Budgets) == 0 {
		return nil
	}
	k, learned := p.Constants, p.learn(cases)
	sizes, fleet := make([][]Size, len(cases)), make([]recommender.Choosable, len(cases))
	for i, c := range cases {
		sizes[i], fleet[i] = offers(c, learned[i%len(learned)])
	}
	releases, wakes := make([]bool, len(cases)), make([]float64, len(cases))
	for i, c := range cases {
		releases[i], wakes[i] = c.released(learned[i%len(learned)])
	}
	out := make([][]Answer, len(p.Budgets))
	for b, budget := range p.Budgets {
		chosen := recommender.Choose(fleet, k.Limits(budget, len(cases)))
		for i, c := range cases {
			a := Answer{Size: SizeOf(c.Resource), Release: releases[i], Wakes: wakes[i]}
			if n := chosen[i]; n >= 0 {
				a.Size, a.Harm = sizes[i][n], fleet[i].Options[n].Harm
			}
			out[b] = append(out[b], a)
		}
	}
	return out
}

// folds is how many parts a fleet that is told what came is split into: each machine
// learns from the other nine tenths.
const folds = 10

// learn is the chances of the i-th case at i modulo their number: one for all that
// learn from the past.
func (p Replay) learn(cases []Case) []recommender.Chances {
	if !p.Told {
		var past []recommender.Comparison
		for _, c := range cases {
			past = append(past, c.Past.Comparisons...)
		}
		return []recommender.Chances{recommender.Learn(past, p.Constants)}
	}
	k := p.Constants
	k.Instants = 1
	out := make([]recommender.Chances, folds)
	for fold := range out {
		var came []recommender.Comparison
		for i, c := range cases {
			if i%folds != fold {
				came = append(came, c.Came...)
			}
		}
		out[fold] = recommender.Learn(came, k)
	}
	return out
}

// released reports whether the policy would release the machine, as an audit would
// advise it, and the chance that it wakes up: a rule that sets a highest chance of harm
// releases only below it. The budget is for sizes: how releases are scored differs.
func (c Case) released(chances recommender.Chances) (release bool, wakes float64) {
	if c.Release == nil {
		return false, math.NaN()
	}
	wakes = chances.ReleaseChance(c.Past, c.Resource).Probability
	return c.Release.MaxHarm == 0 || wakes <= c.Release.MaxHarm, wakes
}

// offers is the smaller sizes for a machine, with what each saves and risks: either
// dimension exceeded is harm, so their chances are added. A dimension of which nothing
// is known stays as it is.
func offers(c Case, chances recommender.Chances) (sizes []Size, m recommender.Choosable) {
	now := SizeOf(c.Resource)
	chance := func(m cloud.Metric, size float64) float64 {
		return chances.SizeChance(c.Past, c.Resource, m, size).Probability
	}
	_, cpuKnown := c.Past.Now[cloud.CPUPercent]
	_, memoryKnown := c.Past.Now[cloud.MemoryPercent]
	m.Kin = recommender.Kin(c.Resource, c.Past.Now[cloud.CPUPercent].P50)
	for _, v := range VCPUs(now.VCPU) {
		cpu := chance(cloud.CPUPercent, float64(v))
		for _, g := range Memories(now.MemoryGiB) {
			s := Size{v, g}
			if s == now || v < now.VCPU && !cpuKnown || g < now.MemoryGiB && !memoryKnown {
				continue
			}
			harm := min(1, cpu+chance(cloud.MemoryPercent, g))
			sizes = append(sizes, s)
			m.Options = append(m.Options, recommender.Option{Saving: now.annual() - s.annual(), Harm: harm, Gravest: harm})
		}
	}
	return sizes, m
}
