package audit

import (
	"yunjian/price"
	"yunjian/recommender"
)

// Comparison is what changed between two audits.
type Comparison struct {
	New       []recommender.Recommendation `json:"new"`       // advised now, not before
	Gone      []recommender.Recommendation `json:"gone"`      // advised before, no longer: done, or no longer true
	Continued []recommender.Recommendation `json:"continued"` // advised in both, as it reads now
	Delta     Delta                        `json:"delta"`
}

// Delta is now less before.
type Delta struct {
	Resources  int         `json:"resources"`
	VCPU       int         `json:"vcpu"`
	MemoryGiB  float64     `json:"memory_gib"`
	StorageGiB float64     `json:"storage_gib"`
	Release    ActionDelta `json:"release"`
	Downsize   ActionDelta `json:"downsize"`
}

// ActionDelta is now less before, of one action.
type ActionDelta struct {
	Resources  int     `json:"resources"`
	VCPU       int     `json:"vcpu"`
	MemoryGiB  float64 `json:"memory_gib"`
	StorageGiB float64 `json:"storage_gib"`
	// AnnualSaving is a decimal string; empty where the two audits were priced
	// in different currencies and no difference exists.
	AnnualSaving string `json:"annual_saving"`
}

// Compare says what changed from one audit to a later one. The lists keep the
// order of the audit they come from.
func Compare(now, before Audit) Comparison {
	c := Comparison{New: []recommender.Recommendation{}, Gone: []recommender.Recommendation{}, Continued: []recommender.Recommendation{}}
	had, has := ids(before), ids(now)
	for _, r := range now.Recommendations {
		if had[r.ID] {
			c.Continued = append(c.Continued, r)
		} else {
			c.New = append(c.New, r)
		}
	}
	for _, r := range before.Recommendations {
		if !has[r.ID] {
			c.Gone = append(c.Gone, r)
		}
	}
	a, b := now.Totals, before.Totals
	c.Delta = Delta{
		Resources: a.Resources - b.Resources, VCPU: a.VCPU - b.VCPU, MemoryGiB: a.MemoryGiB - b.MemoryGiB, StorageGiB: a.StorageGiB - b.StorageGiB,
		Release:  difference(a.Release, b.Release, a.Currency, b.Currency),
		Downsize: difference(a.Downsize, b.Downsize, a.Currency, b.Currency),
	}
	return c
}

func ids(a Audit) map[string]bool {
	out := make(map[string]bool, len(a.Recommendations))
	for _, r := range a.Recommendations {
		out[r.ID] = true
	}
	return out
}

func difference(a, b ActionTotal, currencyA, currencyB string) ActionDelta {
	d := ActionDelta{
		Resources: a.Resources - b.Resources, VCPU: a.VCPU - b.VCPU,
		MemoryGiB: a.MemoryGiB - b.MemoryGiB, StorageGiB: a.StorageGiB - b.StorageGiB,
	}
	x, errX := price.NewAmount(a.AnnualSaving, currencyA)
	y, errY := price.NewAmount(b.AnnualSaving, currencyB)
	if errX != nil || errY != nil {
		return d
	}
	if saving, err := x.Sub(y); err == nil {
		d.AnnualSaving = saving.String()
	}
	return d
}
