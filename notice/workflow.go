package notice

import (
	"embed"
	"fmt"
	"path"
	"slices"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

// State is where a case stands; a workflow names its own.
type State string

// Text is a text for people in both languages.
type Text = policies.Text

// Workflow says how cases move: who may do what, what it needs, which deadline
// starts, and what happens when that passes.
type Workflow struct {
	ID         string
	Version    string
	SHA256     string // of the file as read
	Name       Text
	Confidence policies.Confidence
	Source     policies.Source
	Note       Text
	Silence    Text // what follows when a department does not answer, for its notice

	Start       State
	Starts      []string // deadlines that begin with the case
	States      []StateInfo
	Reasons     []ReasonList
	Checklist   []ChecklistItem // of releases
	Deadlines   []Term
	Transitions []Transition
}

// StateInfo describes a state.
type StateInfo struct {
	ID    State
	Name  Text
	Final bool
	// Binding states are those in which it is settled that something is done to the
	// resource, or it is done. Only a department's consent, or two people in
	// different roles, lead there.
	Binding bool
}

// ReasonList is the grounds among which a transition's maker chooses.
type ReasonList struct {
	ID      string
	Reasons []Reason
}

// Reason is one ground.
type Reason struct {
	ID   string
	Name Text
}

// ChecklistItem is one thing to be done for a release, by an owner, with evidence.
type ChecklistItem struct {
	ID    string
	Name  Text
	Kinds []cloud.Kind // empty: of all kinds
}

// Term is a deadline as a workflow defines it.
type Term struct {
	ID     string
	Name   Text
	Within int           // 1 to calendar.MaxTerm, in Unit; 0 with Until
	Unit   calendar.Unit // empty with Until
	Until  bool          // runs to the day of expiry that was asked for
	Of     Role          // who is to act, and is reminded
	While  []State       // it ends when the case leaves these
	Then   string        // the event that System makes on the day after
	Remind Remind
}

// Remind says when the one who is to act is reminded, in working days.
type Remind struct {
	Before []int `json:"before,omitempty"` // before the last day, 0 for that day itself; descending
	After  int   `json:"after,omitempty"`  // the first after the last day; 0: none
	Every  int   `json:"every,omitempty"`  // then again after so many; 0: never
}

// Transition is one way from a state to another.
type Transition struct {
	Event   string
	Name    Text
	From    []State
	To      State // empty: the case stays where it is
	By      []Role
	Actions []recommender.Action // for cases of these actions; empty: of all
	Kinds   []cloud.Kind         // for resources of these kinds; empty: of all
	Becomes recommender.Action   // what the case proposes from here on, at the size last asked for; empty: as before
	Consent bool                 // a department's own yes
	NotBy   []Other
	Needs   Needs
	Starts  []string // deadlines
}

// Other names an event whose maker may not make this one.
type Other struct {
	Event string
	Role  bool // neither may anybody in the same role
}

// Needs is what a transition asks of its event.
type Needs struct {
	Reason    string   // id of the list it is from; empty: none is asked
	Note      bool     // a text
	Evidence  bool     // at least one document or attachment
	Target    bool     // a size
	Planned   bool     // a day
	Expires   bool     // a last day, at most policies.MaxExemption ahead
	Document  bool     // number of the document that it was issued with
	Items     bool     // at least one checklist item is recorded with it
	Checklist []string // items that are done with it or before it
	Passed    string   // a deadline that has passed before
}

//go:embed workflows/*.yaml
var workflowFiles embed.FS

// DefaultWorkflow is the id of the workflow used where nothing else is named.
const DefaultWorkflow = "cn-gov-baseline"

// Workflows returns the workflows shipped, sorted by id.
func Workflows() []Workflow {
	entries, err := workflowFiles.ReadDir("workflows") // sorted by name, which is the id
	if err != nil {
		panic(fmt.Sprintf("notice: list embedded workflows: %v", err)) // a test lists them
	}
	out := make([]Workflow, 0, len(entries))
	for _, e := range entries {
		out = append(out, mustParse(e.Name()))
	}
	return out
}

// WorkflowByID returns the shipped workflow with an id.
func WorkflowByID(id string) (Workflow, bool) {
	if _, ok := WorkflowYAML(id); !ok {
		return Workflow{}, false
	}
	return mustParse(id + ".yaml"), true
}

// WorkflowYAML returns the text of a shipped workflow, to be copied and edited.
func WorkflowYAML(id string) ([]byte, bool) {
	if path.Base(id) != id {
		return nil, false
	}
	text, err := workflowFiles.ReadFile("workflows/" + id + ".yaml")
	return text, err == nil
}

func mustParse(file string) Workflow {
	text, err := workflowFiles.ReadFile("workflows/" + file)
	if err != nil {
		panic(fmt.Sprintf("notice: read embedded workflow: %v", err))
	}
	w, err := ParseWorkflow(file, text)
	if err != nil {
		panic(fmt.Sprintf("notice: %v", err)) // a test parses every workflow
	}
	return w
}

// Ref names the workflow and its version: cn-gov-baseline@1.
func (w Workflow) Ref() string { return w.ID + "@" + w.Version }

// State returns what is known of a state.
func (w Workflow) State(s State) (StateInfo, bool) {
	for _, info := range w.States {
		if info.ID == s {
			return info, true
		}
	}
	return StateInfo{}, false
}

// ReasonsOf returns the grounds of a list. The list exemption is that of
// policies.Reasons, for every workflow.
func (w Workflow) ReasonsOf(list string) []Reason {
	if list == exemptionReasons {
		var out []Reason
		for _, r := range policies.Reasons() {
			out = append(out, Reason(r))
		}
		return out
	}
	for _, l := range w.Reasons {
		if l.ID == list {
			return l.Reasons
		}
	}
	return nil
}

func (w Workflow) term(id string) (Term, bool) {
	for _, t := range w.Deadlines {
		if t.ID == id {
			return t, true
		}
	}
	return Term{}, false
}

// find returns the transition that an event makes of a case as it stands.
func (w Workflow) find(c Case, event string) (Transition, bool) {
	for _, t := range w.Transitions {
		if t.Event == event && t.applies(c) {
			return t, true
		}
	}
	return Transition{}, false
}

func (t Transition) applies(c Case) bool {
	return slices.Contains(t.From, c.State) &&
		(len(t.Actions) == 0 || slices.Contains(t.Actions, c.Action)) &&
		(len(t.Kinds) == 0 || slices.Contains(t.Kinds, c.Kind))
}

// to is the state that the transition leads a case to.
func (t Transition) to(c Case) State {
	if t.To == "" {
		return c.State
	}
	return t.To
}

// timed reports whether the event is made by a deadline that passes.
func (w Workflow) timed(event string) bool {
	return slices.ContainsFunc(w.Deadlines, func(t Term) bool { return t.Then == event })
}
