package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

// Effect is what an entry does to the ledger.
type Effect string

// Effects that give something back, and those that belong to one of these.
const (
	Released      Effect = "released"      // gone from a listing that was read to the end
	Downsized     Effect = "downsized"     // fewer vCPU, less memory, storage or bandwidth
	Recategorized Effect = "recategorized" // a disk of a cheaper category

	Reversed  Effect = "reversed"  // the resource returned, or grew again
	Rebound   Effect = "rebound"   // new resources of the same application ate it
	Corrected Effect = "corrected" // the bill says otherwise
	Verified  Effect = "verified"  // still so when looked at again; carries no figures
)

// Effects lists every effect in the order in which tables show them.
func Effects() []Effect {
	return []Effect{Released, Downsized, Recategorized, Reversed, Rebound, Corrected, Verified}
}

// Gives reports whether an effect gives something back by itself, rather than
// belonging to an entry that does.
func (e Effect) Gives() bool { return e == Released || e == Downsized || e == Recategorized }

// Delta is what was given back; negative where it was taken again.
type Delta struct {
	Resources     int     `json:"resources"` // 1 of a whole resource, 0 of what went with another or stayed
	Changed       int     `json:"changed"`   // 1 of a resource that stayed and became smaller or cheaper
	VCPU          int     `json:"vcpu"`
	MemoryGiB     float64 `json:"memory_gib"`
	StorageGiB    float64 `json:"storage_gib"`
	BandwidthMbps float64 `json:"bandwidth_mbps,omitempty"`
}

// Entry is one line of the ledger. Its JSON is kept for years.
type Entry struct {
	ID     string    `json:"id"` // derived: the same observation gives the same entry
	Effect Effect    `json:"effect"`
	At     time.Time `json:"at"`              // of the inventory in which it was seen
	Since  time.Time `json:"since,omitzero"`  // of the one before, in which it was not yet so
	Of     string    `json:"of,omitempty"`    // the entry that this one takes from, corrects or verifies
	OfAt   time.Time `json:"of_at,omitzero"`  // its At
	Batch  string    `json:"batch,omitempty"` // the document number of the notice: of the claim, or of that of the machine that a disk went with

	ResourceID  string     `json:"resource_id"`
	Kind        cloud.Kind `json:"kind"`
	Name        string     `json:"name,omitempty"`
	Cloud       string     `json:"cloud"`
	Department  string     `json:"department"`
	Application string     `json:"application"`
	PartOf      string     `json:"part_of,omitempty"` // the instance with which this disk or address went

	Delta
	// Annual is the saving of twelve months, rounded to two places; absent where the
	// price book has no price, and Missing then says of what (see price.Quote).
	Annual    *price.Amount `json:"annual,omitempty"`
	Currency  string        `json:"currency,omitempty"`
	Missing   []string      `json:"missing,omitempty"`
	PriceBook string        `json:"price_book,omitempty"` // id@version
	// ExamplePrices: the built-in book of illustrative prices made Annual.
	ExamplePrices bool `json:"example_prices,omitempty"`
	// From is the first day without billing: the day on which it was observed, or the
	// one after the term that was paid for in advance; zero where nobody knows that term.
	From time.Time `json:"from,omitzero"`

	Claim    *Claim    `json:"claim,omitempty"` // absent: nobody had advised it
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Claim is the advice that an entry fulfils.
type Claim struct {
	Recommendation string        `json:"recommendation"`
	Case           string        `json:"case,omitempty"`
	Batch          string        `json:"batch,omitempty"`
	Annual         *price.Amount `json:"annual,omitempty"` // as it was estimated then; absent: unknown
}

// Evidence is what was seen: the resource in either inventory as its cloud reported it,
// and the listing that was read to the end.
type Evidence struct {
	Was   *cloud.Resource `json:"was,omitempty"`
	Now   *cloud.Resource `json:"now,omitempty"` // absent: it was not listed
	Scope *cloud.Scope    `json:"scope,omitempty"`
	Note  string          `json:"note,omitempty"` // of a correction: the bill's number
}

// InYear is the saving from From, or from 1 January of the year in which it was
// observed, to 31 December of that year: Annual × days / days of the year, rounded to two
// places. What takes from an entry or corrects it does so within the year of that entry:
// a machine that returns in January takes nothing of what December saved. false where
// Annual or From is unknown or the effect has no figures.
func (e Entry) InYear() (price.Amount, bool) {
	if e.Annual == nil || e.From.IsZero() {
		return price.Amount{}, false
	}
	of := e.At
	if !e.OfAt.IsZero() {
		of = e.OfAt
	}
	return inYear(*e.Annual, e.From, of), true
}

// Counts is the instant whose period an entry belongs to: that of its observation, and of a
// correction that of what it corrects: a bill that comes in January says what December
// saved.
func (e Entry) Counts() time.Time {
	if e.Effect == Corrected && !e.OfAt.IsZero() {
		return e.OfAt
	}
	return e.At
}

// identify derives the id of an entry. A listing that is put right and imported again
// has the instant of the one before: what lies between them is another observation.
//
// n tells apart what one observation takes twice of one entry, or what is seen again after
// it was undone.
func identify(e Entry, n int) string {
	parts := []string{e.Cloud, e.ResourceID, string(e.Effect), e.At.UTC().Format(time.RFC3339Nano), e.Of, e.Since.UTC().Format(time.RFC3339Nano)}
	if e.Evidence != nil && e.Evidence.Note != "" { // of two bills at one instant each says something else
		parts = append(parts, e.Evidence.Note)
	}
	if n > 0 {
		parts = append(parts, strconv.Itoa(n))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "led-" + hex.EncodeToString(sum[:8])
}

// Sort orders entries by time, then resource, then effect, then id.
func Sort(entries []Entry) { slices.SortFunc(entries, compare) }
