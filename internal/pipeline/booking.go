package pipeline

import (
	"slices"
	"time"

	"yunjian/internal/store"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/price"
	"yunjian/recommender"
)

// Booking books inventories by a price book, which is read when it is needed, and credits
// what they show to the advice of the latest audit. Days are cut in loc.
func (d *Data) Booking(book func() (price.Book, error), loc *time.Location) store.Booking {
	return func(resources []string) (ledger.Settings, error) {
		b, err := book()
		if err != nil {
			return ledger.Settings{}, err
		}
		s := ledger.Standard(b, loc)
		cases, err := d.State.CasesAbout(resources)
		if err != nil {
			return s, err
		}
		judged, _, _, err := d.State.Judged(resources)
		if err != nil {
			return s, err
		}
		s.Claims = settled(cases)
		for id, j := range judged { // what was settled with a department comes first
			s.Claims[id] = append(s.Claims[id], claims(j.Recommendations)[id]...)
		}
		return s, nil
	}
}

// settled are the cases that an observation may fulfil, by resource: those that were
// issued and have not ended.
func settled(cases []notice.Case) map[string][]ledger.Advice {
	out := map[string][]ledger.Advice{}
	for _, c := range cases {
		effect, ok := fulfilledBy[c.Action]
		if !ok || c.Document == "" || slices.Contains([]notice.State{"closed", "withdrawn", "rolled_back", "expired", "dismissed"}, c.State) {
			continue
		}
		rec := c.Cited.Recommendation
		claim := ledger.Claim{Recommendation: rec.ID, Case: c.ID, Batch: c.Document}
		if rec.SavingKnown {
			annual := rec.AnnualSaving
			claim.Annual = &annual
		}
		out[c.ResourceID] = append(out[c.ResourceID], ledger.Advice{Claim: claim, Effect: effect})
	}
	return out
}

// fulfilledBy is what an observation must show for advice to count as followed.
var fulfilledBy = map[recommender.Action]ledger.Effect{recommender.Release: ledger.Released, recommender.Downsize: ledger.Downsized}

// claims are the advice that an observation may fulfil, by resource.
func claims(advice []recommender.Recommendation) map[string][]ledger.Advice {
	out := map[string][]ledger.Advice{}
	for _, r := range advice {
		effect, ok := fulfilledBy[r.Action]
		if !ok {
			continue
		}
		c := ledger.Claim{Recommendation: r.ID}
		if r.SavingKnown {
			annual := r.AnnualSaving
			c.Annual = &annual
		}
		out[r.ResourceID] = append(out[r.ResourceID], ledger.Advice{Claim: c, Effect: effect})
	}
	return out
}
