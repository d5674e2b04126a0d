package audit

import (
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/recommender"
)

// Audit is the judgement of everything stored, as of one instant.
type Audit struct {
	AsOf            time.Time                    `json:"as_of"`
	Window          cloud.Window                 `json:"window"`
	Policy          PolicyRef                    `json:"policy"`
	PriceBook       PriceBookRef                 `json:"price_book"`
	Totals          Totals                       `json:"totals"`
	Findings        []analyzer.Finding           `json:"findings"`        // by kind, id
	Recommendations []recommender.Recommendation `json:"recommendations"` // by saving, greatest first, then id
	Refusals        []recommender.Refusal        `json:"refusals"`
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
	Currency   string      `json:"currency"`
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
