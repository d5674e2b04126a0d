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
		s.Claims = map[string][]ledger.Advice{}
		for _, c := range cases { // what was settled with a department comes first
			if c.Document != "" && !slices.Contains(ended, c.State) {
				credit(s.Claims, c.ResourceID, c.Action, c.Cited.Recommendation, ledger.Claim{Case: c.ID, Batch: c.Document})
			}
		}
		for id, j := range judged {
			for _, r := range j.Recommendations {
				credit(s.Claims, id, r.Action, r, ledger.Claim{})
			}
		}
		return s, nil
	}
}

// ended are the states of cases that no observation fulfils any more.
var ended = []notice.State{"closed", "withdrawn", "rolled_back", "expired", "dismissed"}

// fulfilledBy is what an observation must show for advice to count as followed.
var fulfilledBy = map[recommender.Action]ledger.Effect{recommender.Release: ledger.Released, recommender.Downsize: ledger.Downsized}

// credit adds what an observation may fulfil of a resource: the action that was settled or
// advised, by a recommendation.
func credit(to map[string][]ledger.Advice, id string, action recommender.Action, rec recommender.Recommendation, claim ledger.Claim) {
	effect, ok := fulfilledBy[action]
	if !ok {
		return
	}
	claim.Recommendation = rec.ID
	if rec.SavingKnown {
		claim.Annual = &rec.AnnualSaving
	}
	to[id] = append(to[id], ledger.Advice{Claim: claim, Effect: effect})
}
