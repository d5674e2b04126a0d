package notice

import (
	"slices"

	"yunjian/analyzer"
	"yunjian/recommender"
)

// clone returns a case that shares no memory with c that could be written to.
// Amounts are never written to.
func (c Case) clone() Case {
	c.Target, c.Proposed, c.Exemption = copyOf(c.Target), copyOf(c.Proposed), copyOf(c.Exemption)
	if c.Exemption != nil {
		c.Exemption.Evidence = slices.Clone(c.Exemption.Evidence)
	}
	c.Cited.Recommendation = cloneRecommendation(c.Cited.Recommendation)
	c.Cited.Finding = cloneFinding(c.Cited.Finding)
	// Empty lists are written as lists, not as null.
	c.Deadlines = append([]Deadline{}, c.Deadlines...)
	for i, d := range c.Deadlines {
		c.Deadlines[i].Unset, c.Deadlines[i].Remind.Before = slices.Clone(d.Unset), slices.Clone(d.Remind.Before)
	}
	c.Checklist = append([]Item{}, c.Checklist...)
	c.Reminded = append([]Sent{}, c.Reminded...)
	c.Owed = slices.Clone(c.Owed)
	c.History = append([]Step{}, c.History...)
	for i, s := range c.History {
		c.History[i] = s.clone()
	}
	return c
}

func (s Step) clone() Step {
	s.Evidence, s.Items = slices.Clone(s.Evidence), slices.Clone(s.Items)
	s.Target, s.Seen = copyOf(s.Target), cloneReasons(s.Seen)
	return s
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func cloneReasons(in []analyzer.Reason) []analyzer.Reason {
	out := slices.Clone(in)
	for i, r := range out {
		out[i].Value, out[i].Limit = copyOf(r.Value), copyOf(r.Limit)
	}
	return out
}

func cloneRecommendation(r recommender.Recommendation) recommender.Recommendation {
	r.Target, r.Flags, r.Reasons = copyOf(r.Target), slices.Clone(r.Flags), cloneReasons(r.Reasons)
	if r.Pricing = copyOf(r.Pricing); r.Pricing != nil {
		r.Pricing.Current, r.Pricing.Target = slices.Clone(r.Pricing.Current), slices.Clone(r.Pricing.Target)
	}
	r.Risk.Parts = slices.Clone(r.Risk.Parts)
	for i, p := range r.Risk.Parts {
		r.Risk.Parts[i].LogOdds, r.Risk.Parts[i].Deviation, r.Risk.Parts[i].Waking = copyOf(p.LogOdds), copyOf(p.Deviation), copyOf(p.Waking)
	}
	if p := copyOf(r.Projected); p != nil {
		p.CPUP95, p.CPUMax, p.MemoryP95, p.MemoryMax, p.DiskMax = copyOf(p.CPUP95), copyOf(p.CPUMax), copyOf(p.MemoryP95), copyOf(p.MemoryMax), copyOf(p.DiskMax)
		r.Projected = p
	}
	if s := copyOf(r.Schedule); s != nil {
		s.Spans = slices.Clone(s.Spans)
		for i, v := range s.CPUByHour {
			s.CPUByHour[i] = copyOf(v)
		}
		s.OffCPU, s.OffNetwork, s.OffDisk, s.WorkCPU = copyOf(s.OffCPU), copyOf(s.OffNetwork), copyOf(s.OffDisk), copyOf(s.WorkCPU)
		r.Schedule = s
	}
	return r
}

func cloneFinding(f analyzer.Finding) analyzer.Finding {
	f.Coverage, f.Flags = copyOf(f.Coverage), slices.Clone(f.Flags)
	f.Reasons, f.Notes = cloneReasons(f.Reasons), cloneReasons(f.Notes)
	f.Evidence = cloneEvidence(f.Evidence)
	return f
}

func cloneEvidence(in []analyzer.Evidence) []analyzer.Evidence {
	out := slices.Clone(in)
	for i, e := range out {
		out[i].Mean, out[i].P50, out[i].P95 = copyOf(e.Mean), copyOf(e.P50), copyOf(e.P95)
		out[i].P99, out[i].Max, out[i].PeakMax = copyOf(e.P99), copyOf(e.Max), copyOf(e.PeakMax)
	}
	return out
}
