package notice

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// Notice is what one department is sent: a document and its table. It is made by
// NewNotice and never edited.
type Notice struct {
	Number     string           `json:"number"`  // 文号
	Version    int              `json:"version"` // from 1
	Replaces   *Replaced        `json:"replaces,omitempty"`
	Title      string           `json:"title"`
	Department string           `json:"department"` // main addressee
	CC         []string         `json:"cc"`
	Issuer     string           `json:"issuer"`
	Signer     string           `json:"signer"`
	Signed     string           `json:"signed"` // the day on which it is issued
	Basis      Basis            `json:"basis"`
	Window     AssessmentWindow `json:"window"`
	Demands    []Demand         `json:"demands"`
	Feedback   Feedback         `json:"feedback"`
	Silence    Text             `json:"silence"` // what follows without an answer; never consent
	Contacts   []Contact        `json:"contacts"`
	Currency   string           `json:"currency"`
	Lines      []Line           `json:"lines"`
}

// Replaced names the version that a correction takes the place of.
type Replaced struct {
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
	Why     string `json:"why"`
}

// Basis is what a notice stands on.
type Basis struct {
	Policy     PolicyRef           `json:"policy"`
	Confidence policies.Confidence `json:"confidence"` // of the policy's numbers: those proposed are no rule
	Source     policies.Source     `json:"source"`     // of the policy
	Workflow   string              `json:"workflow"`
	Deadlines  policies.Source     `json:"deadlines"` // of the workflow
	Clauses    []string            `json:"clauses"`   // documents and articles that the issuer names
}

// AssessmentWindow is the time that was judged, over all lines.
type AssessmentWindow struct {
	From string `json:"from"`
	To   string `json:"to"`
	Days int    `json:"days"`
	// Coverage is the least of the lines, 0 to 1; absent where a line has none.
	Coverage *float64 `json:"coverage"`
}

// Demand sums up the lines of one action.
type Demand struct {
	Action       recommender.Action `json:"action"`
	Resources    int                `json:"resources"`
	Freed        Size               `json:"freed"`
	AnnualSaving price.Amount       `json:"annual_saving"`  // of the lines whose saving is known
	Unknown      int                `json:"saving_unknown"` // how many are not; where all are, so is AnnualSaving
}

// Size is cores, GiB of memory and GiB of storage.
type Size struct {
	VCPU       int     `json:"vcpu"`
	MemoryGiB  float64 `json:"memory_gib"`
	StorageGiB float64 `json:"storage_gib"`
}

// Feedback is until when an answer is awaited.
type Feedback struct {
	Due   string        `json:"due"` // the last day
	N     int           `json:"n"`
	Unit  calendar.Unit `json:"unit"`
	Unset []int         `json:"holidays_unknown,omitempty"` // years counted by weekends alone
}

// Contact is whom to ask.
type Contact struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// Line is one row of the table: a case as it was cited.
type Line struct {
	No              int                 `json:"no"` // from 1
	CaseID          string              `json:"case_id"`
	ResourceID      string              `json:"resource_id"`
	Name            string              `json:"name,omitempty"`
	PrivateIP       string              `json:"private_ip,omitempty"`
	Kind            cloud.Kind          `json:"kind"`
	Application     string              `json:"application"`
	AppCode         string              `json:"app_code,omitempty"`
	Zone            string              `json:"zone,omitempty"`
	Current         recommender.Spec    `json:"current"`
	Target          *recommender.Spec   `json:"target"` // null for a release
	Freed           Size                `json:"freed"`
	Evidence        []analyzer.Evidence `json:"evidence"` // mean, p95 and peaks by metric
	Verdict         analyzer.Verdict    `json:"verdict"`
	Rule            string              `json:"rule"`
	Reasons         []analyzer.Reason   `json:"reasons"`
	Action          recommender.Action  `json:"action"`
	Schedule        []analyzer.OffSpan  `json:"schedule,omitempty"` // of a stop
	Coverage        *float64            `json:"coverage"`
	AnnualSaving    price.Amount        `json:"annual_saving"`
	SavingKnown     bool                `json:"saving_known"`
	SavingNote      string              `json:"saving_note,omitempty"`
	SavingFrom      string              `json:"saving_from,omitempty"`
	PriceBook       string              `json:"price_book"`
	RiskGrade       string              `json:"risk_grade"`
	HarmProbability float64             `json:"harm_probability"`
}

// Draft is what people say of a notice; the rest follows from its cases.
type Draft struct {
	Number   DocumentNumber
	Title    string // empty: by what is demanded
	CC       []string
	Issuer   string
	Signer   string
	Clauses  []string
	Contacts []Contact
	Policy   policies.Pack // whose source the notice names
	// Mask hides the last part of addresses.
	Mask bool
}

// Titles of notices, by what they demand.
const (
	TitleRelease  = "云资源释放通知书"
	TitleDownsize = "云资源降配通知书"
	TitleMixed    = "云资源整改通知书"
)

// eventIssue is the event with which a notice goes out.
const eventIssue = "issue"

// NewNotice makes the notice of one department over its cases, as issued on the day
// of at. The cases follow the workflow, are all of one department and stand where
// they can be issued, or were issued under this number and are to be corrected; lines are in the order of the cases. Everything that is wrong
// is told at once.
func (w Workflow) NewNotice(d Draft, cases []Case, at time.Time, cal calendar.Calendar) (Notice, error) {
	if err := w.checkDraft(d, cases, at); err != nil {
		return Notice{}, fmt.Errorf("make notice: %w", err)
	}
	first := cases[0]
	term := w.feedback()
	due := cal.Due(at, term.Within, term.Unit)
	n := Notice{
		Number: d.Number.String(), Version: 1, Title: d.Title, Department: first.Department,
		CC: append([]string{}, d.CC...), Issuer: d.Issuer, Signer: d.Signer, Signed: at.Format(time.DateOnly),
		Basis: Basis{
			Policy: first.Cited.Policy, Confidence: d.Policy.Confidence, Source: d.Policy.Source,
			Workflow: w.Ref(), Deadlines: w.Source, Clauses: append([]string{}, d.Clauses...),
		},
		Feedback: Feedback{Due: due.Format(time.DateOnly), N: term.Within, Unit: term.Unit},
		Silence:  w.Silence, Contacts: append([]Contact{}, d.Contacts...), Currency: first.Cited.Recommendation.Currency,
	}
	if term.Unit == calendar.WorkingDays {
		n.Feedback.Unset = cal.Missing(at, due.AddDate(0, 0, 1))
	}
	for i, c := range cases {
		n.Lines = append(n.Lines, lineOf(c.clone(), i+1, d.Mask))
	}
	n.Window = windowOf(cases, at.Location())
	n.Demands = demandsOf(n.Lines)
	if n.Title == "" {
		n.Title = titleOf(n.Demands)
	}
	return n, nil
}

// feedback is the term within which a department answers: the longest of its own
// that begin with the issue.
func (w Workflow) feedback() Term {
	var longest Term
	for _, t := range w.Transitions {
		for _, id := range t.Starts {
			if term, _ := w.term(id); t.Event == eventIssue && term.Of == Dept && term.days() > longest.days() {
				longest = term
			}
		}
	}
	return longest
}

// days is about how long a term is, to tell the longest.
func (t Term) days() int {
	switch t.Unit {
	case calendar.Months:
		return t.Within * 30
	case calendar.WorkingDays:
		return t.Within * 7 / 5
	}
	return t.Within
}

func (w Workflow) checkDraft(d Draft, cases []Case, at time.Time) error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if err := d.Number.Check(); err != nil {
		wrong = append(wrong, err)
	} else if d.Number.Year > at.Year() {
		say("number %s: the year lies after that of issue, %d", d.Number, at.Year())
	}
	for _, must := range [][2]string{{"issuer", d.Issuer}, {"signer", d.Signer}} {
		if strings.TrimSpace(must[1]) == "" {
			say("%s: want a name", must[0])
		}
	}
	if len(d.Contacts) == 0 || slices.ContainsFunc(d.Contacts, func(c Contact) bool { return c.Name == "" || c.Phone == "" }) {
		say("contacts: want at least one, each with name and phone")
	}
	if len(cases) == 0 {
		say("cases: want at least one")
		return errors.Join(wrong...)
	}
	first := cases[0]
	if strings.TrimSpace(first.Department) == "" {
		say("case %s has no department, so that nobody could answer", first.ID)
	}
	seen := map[string]bool{}
	for _, c := range cases {
		_, issuable := w.find(c, eventIssue)
		issuable = issuable || c.Document == d.Number.String() // to be corrected
		switch {
		case c.Workflow != w.Ref():
			say("case %s follows %s, not %s", c.ID, c.Workflow, w.Ref())
		case !issuable:
			say("case %s cannot be issued in the state %s, which allows %s", c.ID, c.State, join(w.events(c)))
		case seen[c.ID]:
			say("case %s is given twice", c.ID)
		case c.Department != first.Department:
			say("case %s is of another department than case %s: want one notice a department", c.ID, first.ID)
		case c.Cited.Policy != first.Cited.Policy:
			say("case %s stands on policy %s@%s, case %s on %s@%s", c.ID, c.Cited.Policy.ID, c.Cited.Policy.Version, first.ID, first.Cited.Policy.ID, first.Cited.Policy.Version)
		case c.Cited.Recommendation.Currency != first.Cited.Recommendation.Currency:
			say("case %s is in %s, case %s in %s", c.ID, c.Cited.Recommendation.Currency, first.ID, first.Cited.Recommendation.Currency)
		}
		seen[c.ID] = true
	}
	if p := first.Cited.Policy; d.Policy.ID != p.ID || d.Policy.Version != p.Version || d.Policy.SHA256 != p.SHA256 {
		say("policy %s@%s is not the one that the cases cite, %s@%s", d.Policy.ID, d.Policy.Version, p.ID, p.Version)
	}
	return errors.Join(wrong...)
}

func lineOf(c Case, no int, mask bool) Line {
	rec, f := c.Cited.Recommendation, c.Cited.Finding
	l := Line{
		No: no, CaseID: c.ID, ResourceID: c.ResourceID, Name: rec.Name, PrivateIP: c.Cited.PrivateIP, Kind: c.Kind, Application: c.Application,
		AppCode: c.Cited.AppCode, Zone: c.Cited.Zone, Current: rec.Current, Target: c.Target, Evidence: f.Evidence, Verdict: f.Verdict, Rule: rec.Rule,
		Reasons: rec.Reasons, Action: c.Action, Coverage: f.Coverage, AnnualSaving: rec.AnnualSaving, SavingKnown: rec.SavingKnown,
		SavingNote: rec.SavingNote, SavingFrom: rec.SavingFrom, PriceBook: rec.PriceBook, RiskGrade: rec.Risk.Grade, HarmProbability: rec.Risk.HarmProbability,
	}
	if rec.Schedule != nil {
		l.Schedule = rec.Schedule.Spans
	}
	if mask {
		l.PrivateIP = masked(l.PrivateIP)
	}
	switch now := rec.Current; {
	case c.Action == recommender.Release:
		l.Freed = Size{now.VCPU, now.MemoryGiB, now.StorageGiB}
	case c.Action == recommender.Downsize && c.Target != nil:
		l.Freed = Size{now.VCPU - c.Target.VCPU, now.MemoryGiB - c.Target.MemoryGiB, now.StorageGiB - c.Target.StorageGiB}
	}
	return l
}

// masked hides the last part of an address: 10.20.3.*.
func masked(ip string) string {
	if i := strings.LastIndexAny(ip, ".:"); i >= 0 {
		return ip[:i+1] + "*"
	}
	return ip
}

func windowOf(cases []Case, zone *time.Location) AssessmentWindow {
	first := cases[0].Cited.Finding
	from, to := first.Window.From, first.Window.To
	out := AssessmentWindow{Coverage: copyOf(first.Coverage)}
	for _, c := range cases[1:] {
		f := c.Cited.Finding
		if f.Window.From.Before(from) {
			from = f.Window.From
		}
		if f.Window.To.After(to) {
			to = f.Window.To
		}
		if f.Coverage == nil || out.Coverage == nil {
			out.Coverage = nil
		} else {
			*out.Coverage = min(*out.Coverage, *f.Coverage)
		}
	}
	out.From, out.To = from.In(zone).Format(time.DateOnly), to.In(zone).Format(time.DateOnly)
	out.Days = calendar.Between(from.In(zone), to.In(zone))
	return out
}

func demandsOf(lines []Line) []Demand {
	var out []Demand
	for _, action := range Actions() {
		d := Demand{Action: action}
		for _, l := range lines {
			if l.Action != action {
				continue
			}
			d.Resources++
			d.Freed.VCPU += l.Freed.VCPU
			d.Freed.MemoryGiB += l.Freed.MemoryGiB
			d.Freed.StorageGiB += l.Freed.StorageGiB
			if !l.SavingKnown {
				d.Unknown++
			} else if sum, err := d.AnnualSaving.Add(l.AnnualSaving); err == nil { // one currency: checkDraft
				d.AnnualSaving = sum
			}
		}
		if d.Resources > 0 {
			out = append(out, d)
		}
	}
	return out
}

func titleOf(demands []Demand) string {
	if len(demands) > 1 {
		return TitleMixed
	}
	switch demands[0].Action {
	case recommender.Release:
		return TitleRelease
	case recommender.Downsize:
		return TitleDownsize
	}
	return TitleMixed
}

// Correct makes the version that takes the place of n: what next says, under the
// same number and to the same department, with why. The term to answer is that of n,
// which runs. n stays as it is.
func (n Notice) Correct(next Notice, why string) (Notice, error) {
	switch {
	case strings.TrimSpace(why) == "":
		return Notice{}, errors.New("correct notice: want why")
	case next.Number != n.Number || next.Department != n.Department:
		return Notice{}, fmt.Errorf("correct notice: %s to %s cannot take the place of %s to %s: want the same number and department", next.Number, next.Department, n.Number, n.Department)
	}
	sum, err := n.Code()
	if err != nil {
		return Notice{}, err
	}
	next.Feedback = n.Feedback
	next.Version, next.Replaces = n.Version+1, &Replaced{Version: n.Version, SHA256: sum.SHA256, Why: why}
	return next, nil
}
