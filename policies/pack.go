package policies

import (
	"time"

	"yunjian/cloud"
)

// Confidence says how far a pack's numbers may be presented as a rule.
type Confidence string

// Grades of confidence. The product never presents a proposed number as a rule.
const (
	Cited    Confidence = "cited"    // the numbers stand in the named document
	Practice Confidence = "practice" // in use somewhere that can be named
	Proposed Confidence = "proposed" // Yunjian's default, to be edited
)

// Text is a text for people in both languages.
type Text struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// Source names where a pack's numbers come from.
type Source struct {
	Title  string `yaml:"title" json:"title"`
	Issuer string `yaml:"issuer" json:"issuer,omitempty"`
	DocNo  string `yaml:"doc_no" json:"doc_no,omitempty"`
	Date   string `yaml:"date" json:"date,omitempty"`
	URL    string `yaml:"url" json:"url,omitempty"`
}

// Pack is one policy: what counts as waste and how far to go.
type Pack struct {
	ID            string
	Name          Text
	Version       string
	SHA256        string // of the file as read; identifies the exact text
	EffectiveFrom time.Time
	Confidence    Confidence
	Source        Source
	Note          Text

	Window      time.Duration // look-back
	MinCoverage float64       // 0 to 1
	MinAge      time.Duration // younger resources are not judged
	ConfirmRuns int           // consecutive weekly audits before a recommendation is ready; at least 1

	Rules   []Rule
	Sizing  Sizing
	Risk    Grades
	Padding Padding

	Exemptions []Exemption
}

// Rule finds one kind of waste. All conditions must hold; the first rule of a
// pack that matches a resource decides its verdict.
type Rule struct {
	ID      string
	Name    Text
	Kind    cloud.Kind
	Verdict string // idle, overprovisioned, underprovisioned, unattached
	// Action is release, downsize, upsize, or empty for none. Dimensions are
	// the sizes a downsize may touch: cpu, memory, storage.
	Action     string
	Dimensions []string
	When       []Condition
}

// Condition compares one statistic with one limit.
type Condition struct {
	Metric    cloud.Metric // empty for facts about the resource itself
	Statistic string       // see Statistics
	Op        string       // "<", "<=", ">", ">="; written below, at_most, above, at_least
	Limit     float64
	Unit      cloud.Unit
	// ShareOfDays, when not zero, asks that the comparison holds on at least
	// this share of the days that have samples (statistics of a day only).
	ShareOfDays float64
}

// Sizing says which size to propose.
type Sizing struct {
	CPUTarget     float64  // projected CPU p95 at most, percent
	MemoryTarget  float64  // projected memory p95 at most, percent
	PeakLimit     float64  // projected maximum over the peak-guard span at most, percent
	StorageTarget float64  // projected disk fill at most, percent
	MaxStep       float64  // at most divided by this a round: 2 halves
	MinVCPU       int      // floor
	MinMemoryGiB  float64  // floor
	Families      []string // families allowed beside the current one, most wanted first
	Refuse        []string // families never proposed and never touched
	// VCPUs and MemoriesGiB are the sizes on offer where the cloud names no
	// instance type, as in a bundle of plain virtual machines.
	VCPUs       []int
	MemoriesGiB []float64
}

// Grades are the highest probabilities of harm for grades A, B and C; above C
// is D.
type Grades struct {
	A, B, C float64
}

// Padding are the signs of a machine that burns resources to look used; they
// raise a flag for people and never an action.
type Padding struct {
	Enabled      bool
	MaxDeviation float64 // percentage points between p5 and p95 of CPU that still count as a plateau
	AboveBy      float64 // plateau at most this many points above a threshold of the pack
	MaxNetwork   float64 // bytes a day at most: CPU without traffic
}

// Exemption excuses resources until a date. Forever is not a value.
type Exemption struct {
	Resource    string // id; empty: by application or department
	Application string
	Department  string
	Reason      string
	Owner       string
	Evidence    string
	Expires     time.Time
}
