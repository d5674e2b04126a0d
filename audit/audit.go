package audit

import (
	"cmp"
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// Audit is the judgement of everything stored, as of one instant.
type Audit struct {
	AsOf            time.Time                    `json:"as_of"`
	Window          cloud.Window                 `json:"window"`
	Policy          PolicyRef                    `json:"policy"`
	PriceBook       PriceBookRef                 `json:"price_book"`
	Calendar        CalendarRef                  `json:"calendar"`
	Totals          Totals                       `json:"totals"`
	Findings        []analyzer.Finding           `json:"findings"`        // by kind, id
	Recommendations []recommender.Recommendation `json:"recommendations"` // by saving, greatest first, then id
	Refusals        []recommender.Refusal        `json:"refusals"`
	// Journal is the head of the journal that the audit was stored with; zero
	// before it is. It is no part of the judgement, nor of its text: that is the
	// same however often it is made.
	Journal JournalHead `json:"-"`
}

// JournalHead names the entry of the journal up to which it is witnessed.
type JournalHead struct {
	Seq       uint64 `json:"seq"`
	Hash      string `json:"hash"`      // hexadecimal
	Algorithm string `json:"algorithm"` // of the hash
}

// New puts an audit together and sums it up. fleet holds every resource judged,
// in any order.
func New(asOf time.Time, p policies.Pack, book price.Book, fleet []recommender.Candidate, recs []recommender.Recommendation, refusals []recommender.Refusal) Audit {
	a := Audit{
		AsOf:   asOf,
		Window: cloud.Last(p.Window, asOf),
		Policy: PolicyRef{
			ID: p.ID, Version: p.Version, SHA256: p.SHA256, NameZH: p.Name.ZH, NameEN: p.Name.EN,
			Confidence: string(p.Confidence), Source: p.Source.String(),
		},
		Calendar:        calendarRef(p.Calendar, cloud.Last(p.Window, asOf), asOf.Location()),
		PriceBook:       PriceBookRef{ID: book.ID, Version: book.Version, Example: book.Example},
		Findings:        make([]analyzer.Finding, 0, len(fleet)),
		Recommendations: append([]recommender.Recommendation{}, recs...),
		Refusals:        append([]recommender.Refusal{}, refusals...),
	}
	for _, c := range fleet {
		a.Findings = append(a.Findings, c.Finding)
	}
	slices.SortFunc(a.Findings, func(x, y analyzer.Finding) int { return byKindAndID(x.Kind, x.ResourceID, y.Kind, y.ResourceID) })
	slices.SortFunc(a.Recommendations, func(x, y recommender.Recommendation) int {
		return cmp.Or(y.AnnualSaving.Cmp(x.AnnualSaving), cmp.Compare(x.ResourceID, y.ResourceID), cmp.Compare(x.ID, y.ID))
	})
	slices.SortFunc(a.Refusals, func(x, y recommender.Refusal) int {
		return cmp.Or(byKindAndID(x.Kind, x.ResourceID, y.Kind, y.ResourceID), cmp.Compare(x.Rule, y.Rule))
	})
	a.Totals = totals(book.Currency, fleet, a.Recommendations)
	return a
}

func byKindAndID(k cloud.Kind, id string, otherKind cloud.Kind, otherID string) int {
	kinds := cloud.Kinds()
	return cmp.Or(cmp.Compare(slices.Index(kinds, k), slices.Index(kinds, otherKind)), cmp.Compare(id, otherID))
}

func totals(currency string, fleet []recommender.Candidate, recs []recommender.Recommendation) Totals {
	t := Totals{Resources: len(fleet), Kinds: map[cloud.Kind]int{}, Verdicts: map[analyzer.Verdict]int{}, Currency: currency}
	for _, k := range cloud.Kinds() {
		t.Kinds[k] = 0
	}
	for _, v := range analyzer.Verdicts() {
		t.Verdicts[v] = 0
	}
	// Sums of decimals depend on their order in the last bit.
	fleet = slices.Clone(fleet)
	slices.SortFunc(fleet, func(x, y recommender.Candidate) int {
		return byKindAndID(x.Input.Resource.Kind, x.Input.Resource.ID, y.Input.Resource.Kind, y.Input.Resource.ID)
	})
	holdsDisks := map[string]bool{}
	for _, c := range fleet {
		if r := c.Input.Resource; r.Kind == cloud.Instance && r.StorageGiB > 0 {
			holdsDisks[r.ID] = true
		}
	}
	for _, c := range fleet {
		r := c.Input.Resource
		t.Kinds[r.Kind]++
		t.Verdicts[c.Finding.Verdict]++
		t.VCPU += r.VCPU
		t.MemoryGiB += r.MemoryGiB
		if r.Kind != cloud.Disk || !holdsDisks[r.AttachedTo] { // an attached disk is counted in its instance
			t.StorageGiB += r.StorageGiB
		}
	}
	t.Release = total(currency, recommender.Release, recs)
	t.Downsize = total(currency, recommender.Downsize, recs)
	t.Stop = stops(currency, recs)
	return t
}

// stops sums the recommendations to stop by schedule, which give nothing back but
// hours.
func stops(currency string, recs []recommender.Recommendation) StopTotal {
	var t StopTotal
	sum := price.Zero(currency)
	for _, r := range recs {
		if r.Action != recommender.Stop || r.Schedule == nil {
			continue
		}
		t.Resources++
		t.HoursAWeek += r.Schedule.HoursOff
		next, err := sum.Add(r.AnnualSaving)
		if !r.SavingKnown || err != nil {
			t.Unpriced++
			continue
		}
		sum = next
	}
	t.AnnualSaving = sum.String()
	return t
}

// total sums the recommendations of one action: what would be given back.
func total(currency string, action recommender.Action, recs []recommender.Recommendation) ActionTotal {
	var t ActionTotal
	sum := price.Zero(currency)
	for _, r := range recs {
		if r.Action != action {
			continue
		}
		target := recommender.Spec{}
		if r.Target != nil {
			target = *r.Target
		}
		t.Resources++
		t.VCPU += r.Current.VCPU - target.VCPU
		t.MemoryGiB += r.Current.MemoryGiB - target.MemoryGiB
		t.StorageGiB += r.Current.StorageGiB - target.StorageGiB
		next, err := sum.Add(r.AnnualSaving)
		if !r.SavingKnown || err != nil { // an amount in another currency has no place in this sum
			t.Unpriced++
			continue
		}
		sum = next
	}
	t.AnnualSaving = sum.String()
	return t
}

// PolicyRef names the policy text a document stands on.
type PolicyRef struct {
	ID         string `json:"id"`
	Version    string `json:"version"`
	SHA256     string `json:"sha256"`
	NameZH     string `json:"name_zh,omitempty"`
	NameEN     string `json:"name_en,omitempty"`
	Confidence string `json:"confidence,omitempty"`
	Source     string `json:"source,omitempty"`
}

// PriceBookRef names the prices a document stands on.
type PriceBookRef struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Example bool   `json:"example"` // built-in example prices: every page says so
}

// Totals are the figures of an audit. Amounts are decimal strings with two
// places.
type Totals struct {
	Resources int                      `json:"resources"`
	Kinds     map[cloud.Kind]int       `json:"kinds"`
	Verdicts  map[analyzer.Verdict]int `json:"verdicts"` // every verdict present, zero included
	VCPU      int                      `json:"vcpu"`
	MemoryGiB float64                  `json:"memory_gib"`
	// StorageGiB counts every disk once: attached disks through their
	// instance, the others by themselves.
	StorageGiB float64     `json:"storage_gib"`
	Release    ActionTotal `json:"release"`
	Downsize   ActionTotal `json:"downsize"`
	Stop       StopTotal   `json:"stop"` // by schedule: beside release and downsize, never among them
	Currency   string      `json:"currency"`
}

// StopTotal sums the recommendations to stop machines by schedule. AnnualSaving is
// what is not billed while they are stopped, as far as that is known.
type StopTotal struct {
	Resources    int    `json:"resources"`
	HoursAWeek   int    `json:"hours_a_week"` // of all machines together
	AnnualSaving string `json:"annual_saving"`
	Unpriced     int    `json:"unpriced"` // machines of which nobody knows whether a stop saves anything
}

// ActionTotal sums the recommendations of one action.
type ActionTotal struct {
	Resources    int     `json:"resources"`
	VCPU         int     `json:"vcpu"`
	MemoryGiB    float64 `json:"memory_gib"`
	StorageGiB   float64 `json:"storage_gib"`
	AnnualSaving string  `json:"annual_saving"`
	// Unpriced counts the resources whose saving the price book cannot tell.
	Unpriced int `json:"unpriced"`
}
