package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/price"
	"yunjian/recommender"
)

// weeklyJSON is the JSON document. Names of fields are stable; more may come.
type weeklyJSON struct {
	Week         weekJSON          `json:"week"`
	GeneratedAt  time.Time         `json:"generated_at"`
	TimeZone     string            `json:"time_zone"`
	Lang         Lang              `json:"lang"`
	ExamplePrice bool              `json:"example_prices"`
	Headline     []string          `json:"headline"`
	Saving       savingJSON        `json:"saving"`
	Utilization  []Weighted        `json:"utilization"`
	Lights       []Light           `json:"lights"`
	Departments  []Department      `json:"departments"`
	Changes      changesJSON       `json:"changes"`
	Tight        []string          `json:"tight"`
	Padding      []string          `json:"suspected_padding"`
	Exempt       []exemptJSON      `json:"exempt"`
	Quality      qualityJSON       `json:"data_quality"`
	Collection   []collectionJSON  `json:"collection"`
	Incomplete   []scopeJSON       `json:"incomplete_listings"`
	Todo         []todoJSON        `json:"todo"`
	Explanations []explanationJSON `json:"explanations"`
	Journal      *journalJSON      `json:"journal,omitempty"`
	Audit        audit.Audit       `json:"audit"`
}

type weekJSON struct {
	ID     string `json:"id"`
	Year   int    `json:"year"`
	Number int    `json:"number"`
	From   string `json:"from"` // Monday
	To     string `json:"to"`   // Sunday
}

// journalJSON is the head of the journal that the audit was stored with.
type journalJSON struct {
	audit.JournalHead
	Head string `json:"head"` // SEQ:HASH, as `journal verify --head` takes it
}

type savingJSON struct {
	Annual   price.Amount `json:"annual"`
	Later    price.Amount `json:"after_contract"` // of annual, what comes only when a contract ends
	Currency string       `json:"currency"`
	Unpriced int          `json:"unpriced"`
	Ready    int          `json:"ready"`
}

type changesJSON struct {
	First       bool       `json:"first"`
	Previous    *time.Time `json:"previous_as_of"`
	OtherPolicy bool       `json:"other_policy"`
	OtherPrices bool       `json:"other_price_book"`
	New         []string   `json:"new"`       // ids of recommendations
	Continued   []string   `json:"continued"` // likewise
	Gone        []goneJSON `json:"gone"`
}

type goneJSON struct {
	ID         string             `json:"id"`
	ResourceID string             `json:"resource_id"`
	Action     recommender.Action `json:"action"`
	Why        goneWhy            `json:"why"`
	Verdict    analyzer.Verdict   `json:"verdict,omitempty"`
}

type exemptJSON struct {
	ResourceID string           `json:"resource_id"`
	Verdict    analyzer.Verdict `json:"verdict"`
	Reason     string           `json:"reason,omitempty"`
	Owner      string           `json:"owner,omitempty"`
	Expires    string           `json:"expires,omitempty"`
}

type qualityJSON struct {
	MeanCoverage *float64           `json:"mean_coverage"`
	Counts       []qualityCountJSON `json:"counts"`
	List         []poorJSON         `json:"list"`
}

type qualityCountJSON struct {
	Class     cloud.Availability `json:"class"`
	Resources int                `json:"resources"`
	Series    int                `json:"series"`
}

type poorJSON struct {
	Class      cloud.Availability `json:"class"`
	ResourceID string             `json:"resource_id,omitempty"` // absent: as many resources as stated
	Resources  int                `json:"resources"`
	Cloud      string             `json:"cloud,omitempty"`
	Metrics    []cloud.Metric     `json:"metrics"`
	Coverage   *float64           `json:"coverage,omitempty"` // 0 to 1, of the metric with the least
	Detail     string             `json:"detail,omitempty"`
}

type collectionJSON struct {
	Collection
	Problems []problemJSON `json:"problems"`
}

type problemJSON struct {
	Class     cloud.Availability `json:"class"`
	Metric    cloud.Metric       `json:"metric,omitempty"` // absent: not of one metric
	Resources int                `json:"resources"`
	Code      string             `json:"code,omitempty"`
	Message   string             `json:"message"` // as the source said it
	Text      string             `json:"text"`    // in the language of the document
}

type scopeJSON struct {
	Cloud string `json:"cloud"`
	cloud.Scope
}

type todoJSON struct {
	Code  todoCode `json:"code"`
	Count int      `json:"count"`
	Text  string   `json:"text"`
}

// explanationJSON is a verdict, or the case for a recommendation, in words.
type explanationJSON struct {
	ResourceID       string   `json:"resource_id"`
	RecommendationID string   `json:"recommendation_id,omitempty"`
	Text             []string `json:"text"`
}

func writeJSON(w io.Writer, d document) error {
	r, f := d.weekly, d.facts
	window := r.Week.Window(r.Location)
	b := builder{r: r, f: f, p: d.prose}
	out := weeklyJSON{
		Week: weekJSON{
			ID: r.Week.String(), Year: r.Week.Year, Number: r.Week.Number,
			From: d.prose.date(window.From), To: d.prose.date(window.To.AddDate(0, 0, -1)),
		},
		GeneratedAt: r.GeneratedAt.In(r.Location), TimeZone: r.Location.String(), Lang: d.prose.lang,
		ExamplePrice: r.Audit.PriceBook.Example, Headline: list(d.headline),
		Saving:      savingJSON{f.saving, f.later, currencyOf(f.saving), f.unpriced, f.ready},
		Utilization: f.weighted, Lights: f.lights, Departments: list(f.departments),
		Changes: changesJSON{
			First: f.changes.first, OtherPolicy: f.changes.otherPolicy, OtherPrices: f.changes.otherPrices,
			New: ids(f.changes.fresh), Continued: ids(f.changes.again), Gone: []goneJSON{},
		},
		Tight: resourceIDs(f.tight), Padding: resourceIDs(f.padding), Exempt: []exemptJSON{},
		Quality:    qualityJSON{MeanCoverage: f.quality.coverage, Counts: []qualityCountJSON{}, List: []poorJSON{}},
		Collection: []collectionJSON{}, Incomplete: []scopeJSON{}, Todo: []todoJSON{}, Explanations: []explanationJSON{},
		Audit: d.audit,
	}
	if h := r.Audit.Journal; h.Seq > 0 {
		out.Journal = &journalJSON{h, journal.Head{Seq: h.Seq, Hash: h.Hash}.String()}
	}
	if r.Previous != nil {
		at := r.Previous.AsOf.In(r.Location)
		out.Changes.Previous = &at
	}
	for _, g := range f.changes.gone {
		out.Changes.Gone = append(out.Changes.Gone, goneJSON{g.ID, g.ResourceID, g.Action, g.why, g.verdict})
	}
	for _, x := range f.exempt {
		out.Exempt = append(out.Exempt, exemptJSON{x.finding.ResourceID, x.finding.Verdict, x.ground, x.owner, x.expires})
	}
	for _, n := range f.quality.counts {
		out.Quality.Counts = append(out.Quality.Counts, qualityCountJSON{n.class, n.resources, n.series})
	}
	for _, x := range f.quality.list {
		out.Quality.List = append(out.Quality.List, poorJSON{x.class, x.resource, x.resources, x.cloud, x.metrics, x.coverage, x.detail})
	}
	for _, c := range r.Collection {
		x := collectionJSON{Collection: c, Problems: []problemJSON{}}
		for _, q := range c.Problems {
			x.Problems = append(x.Problems, problemJSON{q.Availability, q.Metric, q.Resources, q.Code, q.Message, b.trouble(q.Availability, q.Code, q.Message)})
		}
		out.Collection = append(out.Collection, x)
	}
	for _, s := range f.incomplete() {
		out.Incomplete = append(out.Incomplete, scopeJSON{s.cloud, s.Scope})
	}
	for _, t := range d.todo {
		out.Todo = append(out.Todo, todoJSON{t.code, t.count, t.text})
	}
	for _, x := range r.Audit.Recommendations {
		out.Explanations = append(out.Explanations, explanationJSON{x.ResourceID, x.ID, b.explain(x)})
	}
	for _, x := range f.stops {
		out.Explanations = append(out.Explanations, explanationJSON{x.ResourceID, x.ID, b.explainStop(x)})
	}
	for _, x := range r.Audit.Findings {
		if _, ok := f.advice[x.ResourceID]; !ok {
			out.Explanations = append(out.Explanations, explanationJSON{ResourceID: x.ResourceID, Text: b.finding(x)})
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// list makes an absent list an empty one: [] rather than null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func ids(recs []recommender.Recommendation) []string {
	out := []string{}
	for _, r := range recs {
		out = append(out, r.ID)
	}
	return out
}

func resourceIDs(findings []analyzer.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, f.ResourceID)
	}
	return out
}
