package pipeline

import (
	"fmt"
	"time"

	"yunjian/internal/store"
	"yunjian/ledger"
	"yunjian/price"
	"yunjian/recommender"
)

// Booking books inventories by a price book, which is read when it is needed, and credits
// what they show to the advice of the latest audit. Days are cut in loc.
func (d *Data) Booking(book func() (price.Book, error), loc *time.Location) store.Booking {
	return func() (ledger.Settings, error) {
		b, err := book()
		if err != nil {
			return ledger.Settings{}, err
		}
		s := ledger.Standard(b, loc)
		a, ok, err := d.LatestAudit()
		if err != nil {
			return s, fmt.Errorf("read the latest advice: %w", err)
		}
		if ok {
			s.Claims = claims(a.Recommendations)
		}
		return s, nil
	}
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
