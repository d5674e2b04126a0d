package analyzer

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// Step is one step of judgement, in the order of Steps.
type Step struct {
	Step    string   `json:"step"`
	Ended   bool     `json:"ended"`   // judgement ended here; else it went on to the next step
	Reasons []Reason `json:"reasons"` // the numbers it looked at, where there are any
}

// The steps of judgement.
const (
	StepListing  = "listing"     // the listing that holds the resource was read to the end
	StepKind     = "kind"        // the pack has rules for the kind
	StepAttached = "attached"    // a disk or address: known to be attached to nothing
	StepAge      = "age"         // old enough, or nobody knows
	StepPower    = "power"       // not powered off: else only rules on that apply
	StepSamples  = "cpu_samples" // CPU has the history and coverage that the pack asks for
	StepApply    = "rules"       // the rules, from the first to the last
	StepSeason   = "season"      // what was found wasteful was watched in its season
)

// Steps lists the steps.
func Steps() []string {
	return []string{StepListing, StepKind, StepAttached, StepAge, StepPower, StepSamples, StepApply, StepSeason}
}

func (j *judging) passes(step string, reasons ...Reason) {
	j.steps = append(j.steps, Step{Step: step, Reasons: reasons})
}

func (j *judging) ends(step string, v judgement) judgement {
	j.steps = append(j.steps, Step{Step: step, Ended: true, Reasons: v.reasons})
	return v
}

// Derivation is how a Finding came about: every number that it was compared by,
// and what that number was computed from.
type Derivation struct {
	Finding  Finding    `json:"finding"`
	Steps    []Step     `json:"steps"`
	Measured []Measured `json:"measured"` // of an instance, every metric
	Rules    []Trial    `json:"rules"`    // of its kind, in the pack's order
}

// Measured is what is known of one metric in the window.
type Measured struct {
	Metric       cloud.Metric       `json:"metric"`
	Unit         cloud.Unit         `json:"unit"`
	Availability cloud.Availability `json:"availability"`
	Origin       cloud.Origin       `json:"origin,omitempty"`
	Detail       string             `json:"detail,omitempty"`
	Samples      int                `json:"samples"`
	Expected     int                `json:"expected"`           // since it was made and took its size, less what is excluded
	Extra        int                `json:"extra"`              // of Samples, those between the expected ones: not in Coverage
	Coverage     *float64           `json:"coverage,omitempty"` // (samples − extra) / expected, at most 1
	HistoryDays  float64            `json:"history_days"`       // expected × step
	First        time.Time          `json:"first,omitzero"`
	Last         time.Time          `json:"last,omitzero"`
	Mean         *float64           `json:"mean,omitempty"`
	P50          *float64           `json:"p50,omitempty"`
	P95          *float64           `json:"p95,omitempty"`
	P99          *float64           `json:"p99,omitempty"`
	Max          *float64           `json:"max,omitempty"`
	PeakMax      *float64           `json:"peak_max,omitempty"`     // highest of the peak-guard span
	PeakDayP95   *float64           `json:"peak_day_p95,omitempty"` // highest daily p95 of that span
	PeakSince    time.Time          `json:"peak_since,omitzero"`
	Usable       bool               `json:"usable"` // conditions may rest on it
	Why          *Reason            `json:"why,omitempty"`
}

// Outcome is how a condition or a rule came out.
type Outcome string

// Outcomes.
const (
	Met     Outcome = "met"
	NotMet  Outcome = "not_met"
	Unknown Outcome = "unknown"
)

func (s state) outcome() Outcome {
	return map[state]Outcome{no: NotMet, unknown: Unknown, yes: Met}[s]
}

// Trial is how one rule fares on the resource.
type Trial struct {
	Rule       string           `json:"rule"`
	Verdict    Verdict          `json:"verdict"`
	Action     string           `json:"action,omitempty"`
	Outcome    Outcome          `json:"outcome"`
	Reached    bool             `json:"reached"` // judgement came to it; the others are shown for completeness
	Decided    bool             `json:"decided"` // it gave the verdict
	Vetoed     bool             `json:"vetoed"`  // only the peak guard stands against it
	Conditions []ConditionTrial `json:"conditions"`
}

// ConditionTrial is how one condition fares: Value Op Limit.
type ConditionTrial struct {
	Text      policies.Text `json:"text"`
	Metric    cloud.Metric  `json:"metric,omitempty"` // empty: a fact
	Statistic string        `json:"statistic"`
	Value     *float64      `json:"value,omitempty"` // absent: not known
	Op        string        `json:"op"`
	Limit     float64       `json:"limit"`
	Unit      cloud.Unit    `json:"unit"`
	Outcome   Outcome       `json:"outcome"`
	Missing   *Reason       `json:"missing,omitempty"` // what is not known, or not enough
	Working   *Working      `json:"working,omitempty"` // of a statistic
}

// Working is what a statistic was computed from. What is set depends on the
// statistic.
type Working struct {
	Samples int      `json:"samples,omitempty"`
	Parts   []Part   `json:"parts,omitempty"`  // of a metric that is a sum, in its own unit
	Factor  *float64 `json:"factor,omitempty"` // by which it is multiplied: vCPU / 100, seconds a day
	// A percentile: the rank, counted from 0, and the values of the whole ranks
	// below and above it, between which it is interpolated.
	Rank  *float64 `json:"rank,omitempty"`
	Lower *float64 `json:"lower,omitempty"`
	Upper *float64 `json:"upper,omitempty"`
	// Statistics of days: what each gave, the factor applied, and which of them, counted from 1 and
	// from the least or the greatest, decides; or how many of how many hold.
	Days          []DayValue `json:"days,omitempty"`
	Nth           int        `json:"nth,omitempty"`
	GreatestFirst bool       `json:"greatest_first,omitempty"`
	Met           *int       `json:"met,omitempty"` // days or samples
	Of            *int       `json:"of,omitempty"`
	// A share of samples: what each is compared by, in the metric's own unit.
	SampleOp    string   `json:"sample_op,omitempty"`
	SampleLimit *float64 `json:"sample_limit,omitempty"`
	// A peak: the highest of the window, and of the guarded span where known.
	Window  *float64  `json:"window,omitempty"`
	Guarded *float64  `json:"guarded,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	// A trend: the line through the daily means over days since the window began,
	// and where on it the value lies.
	Slope *float64 `json:"slope,omitempty"`
	Start *float64 `json:"start,omitempty"`
	At    *float64 `json:"at,omitempty"`
}

// Part is one of the metrics that a sum is made of.
type Part struct {
	Metric cloud.Metric `json:"metric"`
	Value  float64      `json:"value"`
}

// DayValue is what one calendar day gave.
type DayValue struct {
	Date  string  `json:"date"`
	Value float64 `json:"value"`
	Holds *bool   `json:"holds,omitempty"` // where days are counted
}

// Explain judges as Judge does and says how the Finding came about.
func Explain(p policies.Pack, in Input, now time.Time) Derivation {
	j := newJudging(p, in, now)
	d := Derivation{Finding: j.finding(), Steps: j.steps, Measured: []Measured{}, Rules: []Trial{}}
	for i := range d.Steps {
		if d.Steps[i].Reasons == nil {
			d.Steps[i].Reasons = []Reason{}
		}
	}
	if in.Resource.Kind == cloud.Instance {
		for _, m := range cloud.Metrics() {
			if !m.Optional() || in.Utilization[m].Samples > 0 {
				d.Measured = append(d.Measured, j.describe(m))
			}
		}
	}
	reached := slices.Clone(j.tried)
	for _, rule := range p.RulesFor(in.Resource.Kind) {
		m := j.match(rule)
		t := Trial{
			Rule: rule.ID, Verdict: Verdict(rule.Verdict), Action: rule.Action, Outcome: m.state.outcome(), Vetoed: m.vetoed,
			Reached: slices.Contains(reached, rule.ID), Decided: rule.ID == d.Finding.Rule,
		}
		for _, c := range rule.When {
			t.Conditions = append(t.Conditions, j.try(c))
		}
		d.Rules = append(d.Rules, t)
	}
	return d
}

// describe says what is known of a metric.
func (j *judging) describe(m cloud.Metric) Measured {
	u, o := j.in.Utilization[m], j.in.Observations[m]
	out := Measured{
		Metric: m, Unit: m.Unit(), Availability: cloud.Observed, Origin: o.Origin, Detail: o.Detail,
		Samples: u.Samples, Expected: j.expected(u), Extra: u.Dense, HistoryDays: days(j.history(u)),
		Coverage: j.rests([]cloud.Metric{m}),
	}
	why, ok := j.usable(m)
	if out.Usable = ok; !ok {
		out.Why = &why
	}
	if u.Samples == 0 {
		out.Availability = j.availability(o)
		return out
	}
	out.First, out.Last = u.First, u.Last
	out.Mean, out.P50, out.P95, out.P99, out.Max = number(u.Mean), number(u.Quantile(0.5)), number(u.Quantile(0.95)), number(u.Quantile(0.99)), number(u.Max)
	if p, known := j.in.Peaks[m]; known {
		out.PeakMax, out.PeakSince = number(p.Max), p.Since
		if p.DayP95 > 0 {
			out.PeakDayP95 = number(p.DayP95)
		}
	}
	return out
}

// try says how a condition fares.
func (j *judging) try(c policies.Condition) ConditionTrial {
	s, r := j.condition(c)
	t := ConditionTrial{Text: c.Describe(), Metric: c.Metric, Statistic: c.Statistic, Op: c.Op, Limit: c.Limit, Unit: c.Unit, Outcome: s.outcome()}
	if s == unknown {
		t.Missing = &r
		return t
	}
	t.Value = r.Value
	if c.Metric == "" {
		return t
	}
	// A share of samples or days, or a number of days, is compared in its place.
	m, _ := j.samples.measure(c)
	t.Op, t.Limit, t.Unit = m.op, m.limit, m.unit
	t.Working = j.working(c)
	return t
}

// working says what the statistic of a condition was computed from; its metrics
// have samples.
func (j *judging) working(c policies.Condition) *Working {
	s := j.samples
	parts, ok := s.parts(c.Metric)
	if !ok {
		return nil
	}
	w := &Working{Samples: parts[0].Samples}
	if c.Metric == policies.CPUCores {
		w.Factor = number(float64(s.Resource.VCPU) / 100)
	}
	if len(parts) > 1 && !policies.OfDay(c.Statistic) && c.Statistic != "max_of_day_means" {
		for _, p := range parts {
			v, _ := ofWindow(p, c)
			w.Parts = append(w.Parts, Part{p.Metric, v})
		}
	}
	switch q, percentile := policies.Quantile(c.Statistic); {
	case percentile:
		rank, lower, upper := parts[0].Distribution.Ranks(q)
		w.Rank, w.Lower, w.Upper = &rank, &lower, &upper
	case policies.OfDay(c.Statistic):
		j.workDays(c, parts, w)
	case c.Statistic == "sample":
		limit := c.Limit / orOne(w.Factor)
		share := shareOfSamples(parts[0], c.Op, limit)
		w.SampleOp, w.SampleLimit = c.Op, &limit
		w.Met, w.Of = count(int(math.Round(share*float64(parts[0].Samples)))), count(parts[0].Samples)
	case policies.OfPeaks(c.Statistic):
		window, guarded := s.peaks(c.Metric, c.Statistic, parts[0])
		w.Window, w.Guarded, w.Since = &window, guarded, s.Peaks[c.Metric].Since
	case c.Statistic == "in_180d":
		slope, start, _ := line(parts[0])
		at := daysInto(parts[0].Window, parts[0].Window.To.Add(trendAhead))
		w.Slope, w.Start, w.At = &slope, &start, &at
		w.Days = j.dates(s.dailyByStart(c.Metric, "day_mean"), nil)
	case c.Statistic == "max_of_day_means":
		w.Days = j.dates(s.dailyByStart(c.Metric, "day_mean"), nil)
	case c.Statistic == "mean_of_day_maxima":
		w.Days = j.dates(s.dailyByStart(c.Metric, "day_max"), nil)
	}
	return w
}

func (j *judging) workDays(c policies.Condition, parts []utilization.Summary, w *Working) {
	values := j.samples.dailyByStart(c.Metric, c.Statistic)
	if c.Statistic == "day_volume" {
		seconds := 24 * 60 * 60.0
		if parts[0].Metric.Unit() == cloud.BitsPerSecond {
			seconds /= 8 // bits to bytes
		}
		w.Factor = &seconds
	}
	if len(c.And) == 0 && c.ShareOfDays > 0 {
		w.Days, w.Nth, w.GreatestFirst = j.dates(values, nil), nth(c, len(values)), greatestFirst(c)
		return
	}
	held := j.samples.heldByStart(c)
	met, n, _ := j.samples.countDays(c)
	w.Days, w.Met, w.Of = j.dates(values, held), &met, &n
}

// dates lists daily values in the order of days.
func (j *judging) dates(values map[int64]float64, held map[int64]bool) []DayValue {
	var out []DayValue
	for start, v := range values {
		d := DayValue{Date: time.Unix(start, 0).In(j.now.Location()).Format(time.DateOnly), Value: v}
		if h, counted := held[start]; counted {
			d.Holds = &h
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b DayValue) int {
		if a.Date < b.Date {
			return -1
		}
		return 1
	})
	return out
}

func orOne(v *float64) float64 {
	if v == nil {
		return 1
	}
	return *v
}

func count(n int) *int { return &n }
