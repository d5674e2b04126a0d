package collector

import (
	"math"
	"slices"
	"time"
)

// Budget is what a cloud may be asked, at most.
type Budget struct {
	QPS           float64 // calls a second; 0: no limit of our own
	PerMonth      int     // metric calls a calendar month; 0: no limit
	UsedThisMonth int     // metric calls already made in the month of Demand.Now
}

// Left is the number of metric calls that may still be made this month; false
// when there is no limit.
func (b Budget) Left() (int, bool) {
	if b.PerMonth <= 0 {
		return 0, false
	}
	return max(0, b.PerMonth-b.UsedThisMonth), true
}

// Demand is what a plan is made for.
type Demand struct {
	Now       time.Time       // its month, in its location, is the budget's month
	Needs     []Need          // history to be read in this run
	Resources int             // resources measured from now on
	Queries   int             // queries a resource needs at each pull: one a metric as a rule
	Periods   []time.Duration // steps on offer, finest first; nil: 5 m, 15 m, 1 h
	Cadence   time.Duration   // wanted between pulls; 0: one run only, nothing follows
	Retention time.Duration   // how far back samples exist; 0: 91 days
	Budget    Budget
}

// Retention is how long CloudMonitor keeps samples of 300 s and more.
const Retention = 91 * 24 * time.Hour

const (
	day          = 24 * time.Hour
	longestMonth = 31 // days: a plan that holds in January holds in every month
	rateShare    = 0.8
)

// Estimate is a number of metric calls and what it is made of.
type Estimate struct {
	Calls    int
	Minimum  int // no fewer can do: points at 1,440 a call, resources at 50 a call, whichever is more
	Points   int
	Duration time.Duration // at the budget's rate; 0 without one
}

// Plan says how a cloud will be read.
type Plan struct {
	Period   time.Duration // step of the samples
	Interval time.Duration // between pulls; 0: one run only
	Backfill Estimate      // this run
	Pull     Estimate      // one pull from now on
	Day      Estimate      // all pulls of a day
	Month    Estimate      // of 31 days
	// Allowed is how many metric calls this run may make; -1: no limit.
	Allowed int
	Spent   int  // metric calls that making the plan itself took
	Fits    bool // the budget suffices for everything planned
	Notes   []Note
}

// Note is one thing that the plan gave up or found, in numbers; prose is made
// from it where people read it.
type Note struct {
	Code   string
	Wanted float64
	Got    float64
	Limit  float64
	Unit   string // of Wanted and Got: "s" or "calls"; Limit is in calls, or calls a second for NoteRate
}

// Codes of notes.
const (
	NotePeriod    = "period_coarsened"    // seconds; Limit: the month's calls
	NoteInterval  = "interval_lengthened" // seconds; Limit: the month's calls
	NoteRate      = "rate_too_low"        // seconds between pulls; Limit: calls a second
	NoteRetention = "retention_clipped"   // seconds of history; the cloud keeps no more
	NoteBackfill  = "backfill_partial"    // calls; the rest follows next month or with a larger budget
	NoteExhausted = "budget_too_small"    // calls a month at the coarsest; Limit: the month's calls
)

// MakePlan picks the finest period and the shortest pull interval of at least
// Cadence that the budget allows, in this order: first the interval grows,
// which costs freshness but no sample, up to a day; then the period. What is
// read now may use what the steady pulls leave of this month.
//
// The period grows for history that is read for the first time, or that lies
// days behind, and for a budget that no month could pay; and only where that
// saves calls. It does not grow because this month's calls have run short: the
// next pull that the budget allows still finds every sample.
func MakePlan(d Demand) Plan {
	if len(d.Periods) == 0 {
		d.Periods = []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}
	}
	needs, clipped := clipRetention(d)
	best := planAt(d, needs, d.Periods[0])
	for _, period := range d.Periods[1:] {
		if best.Fits {
			break
		}
		next := planAt(d, needs, period)
		if !best.lasts && (next.lasts || next.Month.Calls < best.Month.Calls) || next.history < best.history {
			best = next
		}
	}
	best.settle(d)
	p := best.Plan
	if clipped.Code != "" {
		p.Notes = append(p.Notes, clipped)
	}
	return p
}

// candidate is a plan for one period.
type candidate struct {
	Plan
	lasts   bool // rate and any month pay the steady pulls
	history int  // of Backfill.Calls, those for history
}

// behind is from when on a span is history, not a pull that was missed.
const behind = 2 * day

// planAt plans for one period. The plan fits when it lasts and the rest of this
// month pays the history.
func planAt(d Demand, needs []Need, period time.Duration) candidate {
	history := slices.DeleteFunc(slices.Clone(needs), func(n Need) bool { return !n.Fresh && n.To.Sub(n.From) <= behind })
	p := candidate{Plan: Plan{Period: period, Backfill: estimate(needs, period, d.Budget.QPS)}}
	if p.history = p.Backfill.Calls; len(history) < len(needs) {
		p.history = estimate(history, period, 0).Calls
	}
	wanted := max(d.Cadence, period)
	if d.Cadence > 0 {
		p.Interval = wanted
		for !p.steady(d) && p.Interval < day {
			p.Interval = min(day, p.Interval+wanted)
		}
	}
	p.lasts = d.Cadence == 0 || p.steady(d)
	p.Fits = p.lasts && (p.history == 0 || p.history <= p.spare(d))
	left, limited := d.Budget.Left()
	enough := func() bool { return !limited || p.Backfill.Calls+p.restOfMonth(d.Now) <= left }
	if d.Cadence == 0 || enough() {
		return p
	}
	// What is left is less than this run and the pulls until the month ends
	// take. Pulls further apart take less; if that does not help either, the
	// calls are used as long as there are any.
	shortest := p.Interval
	for p.Interval < day {
		p.Interval = min(day, p.Interval+wanted)
		if p.steady(d) && enough() {
			p.Fits = true
			return p
		}
	}
	p.Interval = shortest
	p.steady(d)
	return p
}

// spare is how many calls may be made now, so that the steady pulls have
// theirs until the month ends; always as many as one pull takes, if there are.
func (p Plan) spare(d Demand) int {
	left, limited := d.Budget.Left()
	if !limited {
		return math.MaxInt
	}
	return min(left, max(left-p.restOfMonth(d.Now), p.Pull.Calls))
}

// settle says what the plan gave up and how many calls may be made now. History
// leaves the steady pulls theirs; they themselves may use all there is.
func (p *candidate) settle(d Demand) {
	if d.Cadence > 0 {
		p.noteInterval(d, p.Period)
	}
	if p.Period != d.Periods[0] {
		p.Notes = append(p.Notes, Note{NotePeriod, d.Periods[0].Seconds(), p.Period.Seconds(), float64(d.Budget.PerMonth), "s"})
	}
	left, limited := d.Budget.Left()
	if p.Allowed = -1; !limited {
		return
	}
	p.Allowed = left
	if p.history > 0 {
		p.Allowed = p.spare(d)
	}
	if p.Backfill.Calls > p.Allowed {
		p.Notes = append(p.Notes, Note{NoteBackfill, float64(p.Backfill.Calls), float64(p.Allowed), float64(left), "calls"})
		p.Fits = false
	}
	if p.Month.Calls > d.Budget.PerMonth {
		p.Notes = append(p.Notes, Note{NoteExhausted, float64(p.Month.Calls), float64(d.Budget.PerMonth), float64(d.Budget.PerMonth), "calls"})
	}
}

// noteInterval says that, and why, pulls are further apart than wanted.
func (p *Plan) noteInterval(d Demand, period time.Duration) {
	if p.Interval <= d.Cadence {
		return
	}
	trial := Plan{Period: period, Interval: max(d.Cadence, period)}
	trial.steady(d)
	if d.Budget.PerMonth > 0 && trial.Month.Calls > d.Budget.PerMonth {
		p.Notes = append(p.Notes, Note{NoteInterval, d.Cadence.Seconds(), p.Interval.Seconds(), float64(d.Budget.PerMonth), "s"})
		return
	}
	if d.Budget.QPS > 0 && float64(trial.Pull.Calls) > d.Budget.QPS*trial.Interval.Seconds()*rateShare {
		p.Notes = append(p.Notes, Note{NoteRate, d.Cadence.Seconds(), p.Interval.Seconds(), d.Budget.QPS, "s"})
		return
	}
	// The period itself is longer than the cadence wanted.
	p.Notes = append(p.Notes, Note{NoteInterval, d.Cadence.Seconds(), p.Interval.Seconds(), float64(d.Budget.PerMonth), "s"})
}

// steady fills in Pull, Day and Month for the plan's period and interval and
// reports whether rate and month suffice.
func (p *Plan) steady(d Demand) bool {
	n := max(1, int(math.Ceil(float64(p.Interval)/float64(p.Period))))
	full, rest := d.Resources/ResourcesPerCall, d.Resources%ResourcesPerCall
	calls := full*max(1, ceilDiv(ResourcesPerCall*n, PointsPerCall)) + ceilDiv(rest*n, PointsPerCall)
	p.Pull = rated(Estimate{
		Calls:   calls * d.Queries,
		Minimum: max(ceilDiv(d.Resources*n, PointsPerCall), ceilDiv(d.Resources, ResourcesPerCall)) * d.Queries,
		Points:  d.Resources * n * d.Queries,
	}, d.Budget.QPS)
	pulls := int(math.Ceil(float64(day) / float64(p.Interval)))
	points := d.Resources * int(day/p.Period)
	p.Day = rated(Estimate{
		Calls:   p.Pull.Calls * pulls,
		Minimum: max(ceilDiv(points, PointsPerCall), ceilDiv(d.Resources, ResourcesPerCall)) * d.Queries,
		Points:  points * d.Queries,
	}, d.Budget.QPS)
	p.Month = rated(Estimate{
		Calls:   p.Day.Calls * longestMonth,
		Minimum: p.Day.Minimum * longestMonth,
		Points:  p.Day.Points * longestMonth,
	}, d.Budget.QPS)
	if d.Budget.QPS > 0 && float64(p.Pull.Calls) > d.Budget.QPS*p.Interval.Seconds()*rateShare {
		return false
	}
	return d.Budget.PerMonth <= 0 || p.Month.Calls <= d.Budget.PerMonth
}

// restOfMonth is how many calls the steady pulls need until the month of now
// ends.
func (p Plan) restOfMonth(now time.Time) int {
	if p.Interval <= 0 {
		return 0
	}
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, now.Location())
	return p.Pull.Calls * int(next.Sub(now)/p.Interval)
}

// estimate counts the calls that Rounds makes of needs.
func estimate(needs []Need, period time.Duration, qps float64) Estimate {
	var e Estimate
	points, resources := map[string]int{}, map[string]map[string]struct{}{}
	for _, n := range needs {
		points[n.Query] += n.points(period)
		if resources[n.Query] == nil {
			resources[n.Query] = map[string]struct{}{}
		}
		if n.From.Before(n.To) {
			resources[n.Query][n.Resource] = struct{}{}
		}
	}
	for query, count := range points {
		e.Points += count
		e.Minimum += max(ceilDiv(count, PointsPerCall), ceilDiv(len(resources[query]), ResourcesPerCall))
	}
	for _, round := range Rounds(needs, period) {
		for _, u := range round {
			e.Calls += u.Calls()
		}
	}
	return rated(e, qps)
}

func rated(e Estimate, qps float64) Estimate {
	if qps > 0 {
		e.Duration = time.Duration(float64(e.Calls) / qps * float64(time.Second))
	}
	return e
}

// clipRetention cuts from the needs what the cloud has forgotten.
func clipRetention(d Demand) ([]Need, Note) {
	retention := d.Retention
	if retention <= 0 {
		retention = Retention
	}
	oldest := d.Now.Add(-retention)
	var note Note
	needs := make([]Need, 0, len(d.Needs))
	for _, n := range d.Needs {
		if n.From.Before(oldest) {
			if wanted := d.Now.Sub(n.From).Seconds(); wanted > note.Wanted {
				note = Note{Code: NoteRetention, Wanted: wanted, Got: retention.Seconds(), Unit: "s"}
			}
			c, ok := clip(n, Span{oldest, n.To})
			if !ok {
				continue
			}
			n = c
		}
		needs = append(needs, n)
	}
	return needs, note
}
