package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/price"
	"yunjian/recommender"
)

// Case is the file of one thing advised for one resource. It is a value: Apply
// returns another.
type Case struct {
	ID          string             `json:"id"`
	Round       int                `json:"round"` // from 1; the same advice after a closed case is the next round
	Workflow    string             `json:"workflow"`
	ResourceID  string             `json:"resource_id"`
	Kind        cloud.Kind         `json:"kind"`
	Department  string             `json:"department"`
	Application string             `json:"application"`
	Action      recommender.Action `json:"action"` // as it stands: a department may have asked for another
	Target      *recommender.Spec  `json:"target"` // null for a release
	State       State              `json:"state"`
	Cited       Cited              `json:"cited"`
	Document    string             `json:"document,omitempty"` // what it was last issued with
	Planned     string             `json:"planned,omitempty"`  // the day on which it is to be done
	Proposed    *recommender.Spec  `json:"proposed,omitempty"` // the size last asked for
	Exemption   *Exemption         `json:"exemption,omitempty"`
	Assignee    string             `json:"assignee,omitempty"` // who of the department acted last, and is reminded
	Deadlines   []Deadline         `json:"deadlines"`          // running or passed while the state lasts, by their last day
	Checklist   []Item             `json:"checklist"`
	History     []Step             `json:"history"` // appended to, never changed
	Reminded    []Sent             `json:"reminded"`
	Owed        []Owed             `json:"owed,omitempty"` // word of steps that has yet to be given
}

// Cited is what a case stands on, frozen when it was opened: what a notice says is
// what was known then.
type Cited struct {
	Recommendation recommender.Recommendation `json:"recommendation"`
	Finding        analyzer.Finding           `json:"finding"`
	Policy         PolicyRef                  `json:"policy"`
	AsOf           time.Time                  `json:"as_of"`
	PrivateIP      string                     `json:"private_ip,omitempty"`
	Zone           string                     `json:"zone,omitempty"`
	AppCode        string                     `json:"app_code,omitempty"` // the application's in the province's single inventory
}

// PolicyRef names the exact text of a policy.
type PolicyRef struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Deadline is one that runs, or has passed without what it was for.
type Deadline struct {
	ID    string        `json:"id"`
	From  string        `json:"from"` // counted from the day after
	N     int           `json:"n,omitempty"`
	Unit  calendar.Unit `json:"unit,omitempty"`
	Due   string        `json:"due"` // the last day
	Of    Role          `json:"of"`
	Unset []int         `json:"holidays_unknown,omitempty"` // years whose holidays were not known when it was counted
	// Passed is when it was noted that the last day is over; zero before.
	Passed time.Time `json:"passed,omitzero"`
	Remind Remind    `json:"remind"`
}

// Item is one thing of the checklist: open while At is zero.
type Item struct {
	ID       string    `json:"id"`
	Owner    string    `json:"owner,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
	By       string    `json:"by,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

// Evidence is a document that proves something.
type Evidence struct {
	Name   string `json:"name"`             // its title, number or file name
	SHA256 string `json:"sha256,omitempty"` // of the attachment; empty for a mere reference
}

// Sent is a reminder of a deadline that went out, or word of an event.
type Sent struct {
	Deadline string `json:"deadline,omitempty"`
	Event    string `json:"event,omitempty"`
	To       Role   `json:"to,omitempty"` // of an event; a deadline says whose it is
	Day      string `json:"day"`
}

// Step is one thing that happened to a case.
type Step struct {
	Seq      int                `json:"seq"` // from 1
	Event    string             `json:"event"`
	By       string             `json:"by"`
	Role     Role               `json:"role"`
	At       time.Time          `json:"at"`
	From     State              `json:"from,omitempty"`
	To       State              `json:"to"`
	Reason   string             `json:"reason,omitempty"`
	Note     string             `json:"note,omitempty"`
	Evidence []Evidence         `json:"evidence,omitempty"`
	Target   *recommender.Spec  `json:"target,omitempty"`
	Planned  string             `json:"planned,omitempty"`
	Expires  string             `json:"expires,omitempty"`
	Document string             `json:"document,omitempty"`
	Items    []Item             `json:"items,omitempty"`
	Seen     []analyzer.Reason  `json:"seen,omitempty"`
	Becomes  recommender.Action `json:"becomes,omitempty"`
}

// Opening is what a case is opened with.
type Opening struct {
	Recommendation recommender.Recommendation
	Finding        analyzer.Finding
	Resource       cloud.Resource
	Policy         PolicyRef
	AsOf           time.Time
	AppCode        string
	Round          int // from 1
}

// eventOpen is the first step of every case.
const eventOpen = "open"

// CaseID derives the id of a case: the same advice in the same round is the same
// case.
func CaseID(recommendation string, round int) string {
	sum := sha256.Sum256([]byte(recommendation + "\x00" + strconv.Itoa(round)))
	return hex.EncodeToString(sum[:8])
}

// Open opens a case at the start of the workflow. An upsize, which saves nothing
// and is advice, gets none; neither does a recommendation whose finding or resource
// is another's.
func (w Workflow) Open(o Opening, at time.Time, cal calendar.Calendar) (Case, error) {
	rec := o.Recommendation
	switch {
	case !slices.Contains(Actions(), rec.Action):
		return Case{}, fmt.Errorf("open case: action %q: want one of %s", rec.Action, join(Actions()))
	case rec.ID == "" || rec.ResourceID == "":
		return Case{}, errors.New("open case: the recommendation has no id or no resource")
	case o.Finding.ResourceID != rec.ResourceID || o.Resource.ID != rec.ResourceID:
		return Case{}, fmt.Errorf("open case: the recommendation is for %s, the finding for %s, the resource is %s", rec.ResourceID, o.Finding.ResourceID, o.Resource.ID)
	case rec.Action != recommender.Release && rec.Action != recommender.Stop && rec.Target == nil:
		return Case{}, fmt.Errorf("open case: %s without a target size", rec.Action)
	case o.Round < 1:
		return Case{}, fmt.Errorf("open case: round %d: want 1 or more", o.Round)
	case at.IsZero():
		return Case{}, errors.New("open case: no instant")
	}
	c := Case{
		ID: CaseID(rec.ID, o.Round), Round: o.Round, Workflow: w.Ref(), ResourceID: rec.ResourceID, Kind: rec.Kind,
		Department: rec.Department, Application: rec.Application, Action: rec.Action, Target: rec.Target, State: w.Start,
		Cited: Cited{
			Recommendation: rec, Finding: o.Finding, Policy: o.Policy, AsOf: o.AsOf,
			PrivateIP: o.Resource.PrivateIP, Zone: o.Resource.Zone, AppCode: o.AppCode,
		},
		History: []Step{{Seq: 1, Event: eventOpen, By: Program().ID, Role: System, At: at, To: w.Start}},
	}
	c = c.clone()
	c.Checklist = w.checklist(c)
	for _, id := range w.Starts {
		c.start(w, id, at, cal)
	}
	c.owe(w, w.Starts)
	return c, nil
}

// checklist is what there is to do for a case: of releases alone.
func (w Workflow) checklist(c Case) []Item {
	out := []Item{}
	for _, i := range w.Checklist {
		if c.Action == recommender.Release && (len(i.Kinds) == 0 || slices.Contains(i.Kinds, c.Kind)) {
			out = append(out, Item{ID: i.ID})
		}
	}
	return out
}

// MonthlyCost is what the resource costs a month as it stood, where the price book
// knew; unknown is never zero.
func (c Case) MonthlyCost() (price.Amount, bool) {
	rec := c.Cited.Recommendation
	if !rec.SavingKnown || rec.Pricing == nil {
		return price.Zero(rec.Currency), false
	}
	sum := price.Zero(rec.Currency)
	for _, l := range rec.Pricing.Current {
		next, err := sum.Add(l.Monthly)
		if err != nil {
			return price.Zero(rec.Currency), false // lines of two currencies have no sum
		}
		sum = next
	}
	return sum.Round(), true
}

// last returns the latest step made by an event.
func (c Case) last(event string) (Step, bool) {
	for _, s := range slices.Backward(c.History) {
		if s.Event == event {
			return s, true
		}
	}
	return Step{}, false
}

// start begins a deadline anew.
func (c *Case) start(w Workflow, id string, at time.Time, cal calendar.Calendar) {
	t, ok := w.term(id)
	if !ok {
		return // parse wants every deadline that is started to be there
	}
	d := Deadline{ID: id, From: at.Format(time.DateOnly), N: t.Within, Unit: t.Unit, Of: t.Of, Remind: t.Remind}
	due := cal.Due(at, t.Within, t.Unit)
	if t.Until {
		due = day(c.Exemption.Expires)
	}
	d.Due = due.Format(time.DateOnly)
	if t.Unit == calendar.WorkingDays {
		d.Unset = cal.Missing(at, due.AddDate(0, 0, 1))
	}
	c.Deadlines = append(slices.DeleteFunc(c.Deadlines, func(o Deadline) bool { return o.ID == id }), d)
	slices.SortStableFunc(c.Deadlines, func(a, b Deadline) int { return a.compare(b) })
}

func (d Deadline) compare(o Deadline) int {
	if d.Due != o.Due {
		return day(d.Due).Compare(day(o.Due))
	}
	return slices.Compare([]byte(d.ID), []byte(o.ID))
}

// over reports whether the last day is over, on the day of at.
func (d Deadline) over(at time.Time) bool { return calendar.Day(at).After(day(d.Due)) }

// day reads a day; zero for what is none.
func day(s string) time.Time {
	t, _ := time.Parse(time.DateOnly, s)
	return t
}
