package policies

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"time"

	"yunjian/calendar"
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
	Date   string `yaml:"date" json:"date,omitempty"` // as the source gives it: 2021-06-01, 2025-10 or 2025
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
	// MinHistory is how much running time of the present size must lie in the
	// window; absent in the file, it is MinCoverage of the window.
	MinHistory  time.Duration
	MinAge      time.Duration // younger instances are not judged; zero: no such rule
	ConfirmRuns int           // consecutive weekly audits before a recommendation is ready; at least 1

	// Parameters are the numbers that a source leaves to whoever applies it. A
	// pack with a parameter that has no value can be read and shown, but not
	// used for an audit: see Unset.
	Parameters []Parameter
	// Allowance lets a department keep a share of idle resources.
	Allowance *Allowance
	// Deadlines is the chain that the source prescribes once waste is found.
	Deadlines []Deadline

	Rules    []Rule
	Sizing   Sizing
	Risk     Risk
	Padding  Padding
	Schedule Schedule

	Exemptions []Exemption

	// Calendar is what the pack judges days by. Like Exemptions it is not part of
	// the file: whoever uses the pack sets it. The zero Calendar knows no
	// holidays and no seasons.
	Calendar calendar.Calendar
}

// Parameter is a number that the user of a pack must enter.
type Parameter struct {
	ID       string
	Name     Text
	Unit     cloud.Unit
	Min, Max float64
	Value    *float64 // nil: not entered
}

// Allowance is the share of a department's vCPU that may be idle before
// anything is asked of it.
type Allowance struct {
	Parameter string // id of the parameter that holds the share, percent
}

// Deadline is one step of a chain: what happens when, after the step before,
// nothing was done for so long.
type Deadline struct {
	Step   string
	Name   Text
	Within int    // 0: at once, or at a time the source does not give
	Unit   string // day, working_day, month
}

// Rule finds one kind of waste. All conditions must hold; the first rule of a
// pack that matches a resource decides its verdict.
type Rule struct {
	ID      string
	Name    Text
	Note    Text // what of the source could not be expressed
	Kind    cloud.Kind
	Verdict string // idle, overprovisioned, underprovisioned, unattached
	// Action is release, downsize, upsize, or empty for none. Dimensions are
	// the sizes a downsize may touch: cpu, memory, storage.
	Action     string
	Dimensions []string
	// Confidence is the rule's own where it differs from the pack's; else empty.
	Confidence Confidence
	// MaxHarm, above 0: a release is advised only where its probability of harm is no
	// higher, 0 to 1.
	MaxHarm float64
	When    []Condition
}

// Condition compares one statistic, or one fact about the resource, with one
// limit.
type Condition struct {
	Metric    cloud.Metric // empty for facts about the resource itself
	Statistic string       // see Statistics, or Facts where Metric is empty
	Op        string       // "<", "<=", ">", ">="; written below, at_most, above, at_least
	Limit     float64
	Unit      cloud.Unit
	// Last, when not zero, narrows the statistic to the end of the window: the
	// calendar days that reach into it.
	Last time.Duration
	// ShareOfSamples belongs to the statistic "sample": the comparison holds for
	// at least this share of the samples, 0 to 1.
	ShareOfSamples float64
	// ShareOfDays or MinDays belong to the statistics of a day: the comparison
	// (and every one in And) holds on at least this share of the days that have
	// samples, or on at least so many days.
	ShareOfDays float64
	MinDays     int
	And         []Condition
}

// Sizing says which size to propose.
type Sizing struct {
	// Limits are what utilization projected on the proposed size must respect.
	// The limits of a metric are asked only where its dimension shrinks.
	Limits  []Condition
	MaxStep float64 // at most divided by this a round: 2 halves
	// MaxSteal is the highest 95th percentile of steal_percent, 0 to 100, at which CPU
	// samples still tell what a machine wanted: above it its CPU is not made smaller
	// and it is not released as idle. 100: steal is not looked at.
	MaxSteal     float64
	MinVCPU      int      // floor
	MinMemoryGiB float64  // floor
	Families     []string // families allowed beside the current one, most wanted first
	Refuse       []string // families never proposed and never touched
	// VCPUs and MemoriesGiB are the sizes on offer where the cloud names no
	// instance type, as in a bundle of plain virtual machines; ascending.
	VCPUs       []int
	MemoriesGiB []float64
}

// DefaultMaxSteal is MaxSteal, in percent, where a pack is silent. Yunjian proposes it:
// node-exporter and vSphere practice warn at 5 to 10 %.
const DefaultMaxSteal = 5

// Limit returns the limit on one statistic of one metric, and whether there is
// one.
func (s Sizing) Limit(m cloud.Metric, statistic string) (float64, bool) {
	for _, l := range s.Limits {
		if l.Metric == m && l.Statistic == statistic {
			return l.Limit, true
		}
	}
	return 0, false
}

// Risk is how much harm a policy accepts.
type Risk struct {
	A, B, C float64 // the highest probabilities of harm for these grades, 0 to 1; above C is D
	// Budget is what the upper bounds of harm within Horizon may add up to, as a share of the
	// instances, if all sizes of CPU and memory and all releases of instances are followed;
	// 0: none is set, and each rule goes as far as its limits.
	Budget  float64
	Horizon time.Duration // for which a probability of harm is promised
	Past    time.Duration // how far back it is learned from
}

// DefaultRisk is what a pack without a section risk gets. The grades follow the rule
// of three: a fleet needs 299 comparable machines without one exceedance to state 1 %,
// and 59 to state 5 %, with 95 % confidence (Hanley and Lippman-Hand, "If nothing goes wrong, is everything
// all right?", JAMA 1983). The thresholds themselves are proposed.
//
// A month is the horizon: what was taken wrongly is noticed and given back within
// one. Three months of past hold two horizons and more, and are what a cloud itself
// keeps (Alibaba Cloud: 91 days). Both are proposed.
var DefaultRisk = Risk{A: 0.01, B: 0.05, C: 0.10, Horizon: 30 * 24 * time.Hour, Past: 90 * 24 * time.Hour}

// Of returns the grade of a probability of harm.
func (g Risk) Of(p float64) string {
	switch {
	case p <= g.A:
		return "A"
	case p <= g.B:
		return "B"
	case p <= g.C:
		return "C"
	default:
		return "D"
	}
}

// Padding are the signs of a machine that burns resources to look used; they
// raise a flag for people and never an action.
type Padding struct {
	Enabled      bool
	MaxDeviation float64       // percentage points that still count as level: between p5 and p95, weekdays and weekends, before and after a step
	AboveBy      float64       // just above a threshold of the pack: at most this many points
	MinFloor     float64       // a level that varies within the day never rests: p5 is at least this share of the mean, 0 to 1
	MaxNetwork   float64       // bytes a day at most: CPU without network traffic
	MaxDisk      float64       // bytes a day at most: nor with disk traffic
	QuietDays    float64       // on at least this share of the days, 0 to 1
	WorkTimes    float64       // network traffic in working hours is at least so many times that of the same hours at weekends: work that CPU does not follow
	Settled      time.Duration // a step has lasted at least so long; whole days
	MaxGrowth    float64       // traffic after a step is that before it, or at most this share more
	Alike        int           // so many machines of one department with the same curve, at least 2
	AlikeWithin  float64       // percentage points that the means of each day differ at most
}

// Rule returns the rule with an id.
func (p Pack) Rule(id string) (Rule, bool) {
	for _, r := range p.Rules {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// RulesFor returns the rules for one kind, in order.
func (p Pack) RulesFor(k cloud.Kind) []Rule {
	var out []Rule
	for _, r := range p.Rules {
		if r.Kind == k {
			out = append(out, r)
		}
	}
	return out
}

// Unset lists the parameters that must be entered before the pack can be used
// for an audit.
func (p Pack) Unset() []Parameter {
	var out []Parameter
	for _, q := range p.Parameters {
		if q.Value == nil {
			out = append(out, q)
		}
	}
	return out
}

// Usable returns nil, or an *Error that names the numbers to enter before the
// pack can be used for an audit.
func (p Pack) Usable() error {
	var problems []Problem
	for _, q := range p.Unset() {
		problems = append(problems, Problem{File: p.ID, Message: unsetMessage(q), Incomplete: true})
	}
	return problemsError(problems)
}

func unsetMessage(q Parameter) string {
	return fmt.Sprintf("parameter %s (%s, %s) has no value: its source gives none; enter a number from %g to %g %s before an audit can use this pack",
		q.ID, q.Name.ZH, q.Name.EN, q.Min, q.Max, q.Unit)
}

// Allowed returns the share of its vCPU that a department may leave idle, 0 to
// 1, and whether the pack grants one.
func (p Pack) Allowed() (share float64, ok bool) {
	if p.Allowance == nil {
		return 0, false
	}
	for _, q := range p.Parameters {
		if q.ID == p.Allowance.Parameter && q.Value != nil {
			return *q.Value / 100, true
		}
	}
	return 0, false
}

//go:embed packs/*.yaml
var packFiles embed.FS

// DefaultID is the pack used where the configuration names none.
const DefaultID = "cn-gov-baseline"

// Builtin returns the packs shipped, sorted by id. Each call parses them anew,
// so that a caller may change what it got.
func Builtin() []Pack {
	entries, err := packFiles.ReadDir("packs")
	if err != nil {
		panic(fmt.Sprintf("policies: list embedded packs: %v", err)) // a test lists them
	}
	packs := make([]Pack, 0, len(entries))
	for _, e := range entries {
		packs = append(packs, mustParse(e.Name()))
	}
	slices.SortFunc(packs, func(a, b Pack) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return packs
}

// ByID returns the shipped pack with an id.
func ByID(id string) (Pack, bool) {
	if _, ok := YAML(id); !ok {
		return Pack{}, false
	}
	return mustParse(id + ".yaml"), true
}

// YAML returns the text of a shipped pack, to be copied and edited.
func YAML(id string) ([]byte, bool) {
	text, err := packFiles.ReadFile(path.Join("packs", path.Base(id)+".yaml"))
	return text, err == nil && path.Base(id) == id
}

func mustParse(file string) Pack {
	text, err := packFiles.ReadFile(path.Join("packs", file))
	if err != nil {
		panic(fmt.Sprintf("policies: read embedded pack: %v", err))
	}
	p, err := Parse(file, text)
	if err != nil {
		panic(fmt.Sprintf("policies: %v", err)) // a test parses every pack
	}
	return p
}

func checksum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
