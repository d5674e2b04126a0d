package notice

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"yunjian/recommender"
)

// Answer is what a department says to one line.
type Answer string

// Answers.
const (
	AgreeRelease  Answer = "agree_release"
	AgreeDownsize Answer = "agree_downsize"
	AgreeStop     Answer = "agree_stop"
	Resize        Answer = "resize" // to the size of Target
	Exempt        Answer = "exempt"
	Object        Answer = "object"
)

// Answers lists every answer.
func Answers() []Answer {
	return []Answer{AgreeRelease, AgreeDownsize, AgreeStop, Resize, Exempt, Object}
}

// event is what an answer does to its case.
func (a Answer) event() string {
	switch a {
	case Resize:
		return "counter"
	case Exempt:
		return "request_exemption"
	case Object:
		return "object"
	}
	return "agree"
}

// Ground is the id of the ground of an answer, which a department may write as its notice
// prints it, 仍在使用 for in_use; text itself where it names none, for the check to tell.
func (w Workflow) Ground(a Answer, text string) string {
	for _, t := range w.Transitions {
		if t.Event != a.event() || t.Needs.Reason == "" {
			continue
		}
		for _, r := range w.ReasonsOf(t.Needs.Reason) {
			if text == r.Name.ZH || text == r.Name.EN {
				return r.ID
			}
		}
	}
	return text
}

// agrees is the action that a yes is to.
var agrees = map[Answer]recommender.Action{AgreeRelease: recommender.Release, AgreeDownsize: recommender.Downsize, AgreeStop: recommender.Stop}

// Acknowledgement is a department's answer to a notice. It is made by
// Notice.Answer and never changed: a correction is another version.
type Acknowledgement struct {
	Number        string       `json:"number"`         // of the notice
	NoticeVersion int          `json:"notice_version"` // that was answered
	NoticeSHA256  string       `json:"notice_sha256"`
	Version       int          `json:"version"`            // from 1
	Replaces      string       `json:"replaces,omitempty"` // SHA-256 of the version before
	Department    string       `json:"department"`
	ReceivedBy    string       `json:"received_by"`
	ReceivedAt    time.Time    `json:"received_at"`
	Lines         []AnswerLine `json:"lines"`          // one for each line of the notice, in its order
	ConfirmedBy   string       `json:"confirmed_by"`   // the head of the department
	Handler       string       `json:"handler"`        // who deals with it
	Phone         string       `json:"phone"`          // of the handler
	Scan          *Evidence    `json:"scan,omitempty"` // the stamped page
	SubmittedBy   Actor        `json:"submitted_by"`
	SubmittedAt   time.Time    `json:"submitted_at"`
	Address       string       `json:"address,omitempty"` // from where, as the network says
	Changed       []string     `json:"changed"`           // cases whose line is new or other than in the version before
}

// AnswerLine is the answer to one line.
type AnswerLine struct {
	CaseID   string            `json:"case_id"`
	Answer   Answer            `json:"answer"`
	Reason   string            `json:"reason,omitempty"` // from the workflow's list for the answer
	Note     string            `json:"note,omitempty"`
	Evidence []Evidence        `json:"evidence,omitempty"`
	Target   *recommender.Spec `json:"target,omitempty"`  // of a resize
	Planned  string            `json:"planned,omitempty"` // the day on which it may be done
	Window   string            `json:"window,omitempty"`  // of that day, in words: 22:00 to 24:00
	Expires  string            `json:"expires,omitempty"` // the last day of an exemption
	Backup   *Backup           `json:"backup,omitempty"`  // null: none is wanted
	Wipe     string            `json:"wipe,omitempty"`    // how data is to be wiped
}

// Backup is how data is to be kept.
type Backup struct {
	Method   string `json:"method"`
	Owner    string `json:"owner"`
	KeepDays int    `json:"keep_days"` // 1 to 3650
}

// CaseEvent is an event of one case.
type CaseEvent struct {
	CaseID string
	Event  Event
}

// Answer submits a to the notice, by somebody of its department: everything but
// Number, NoticeVersion, NoticeSHA256, Version, Replaces, Department, SubmittedBy,
// SubmittedAt and Changed, which are set here, is the department's. before is the
// version that it corrects, or nil. The error is ErrDepartment, or names every line
// that is missing or wrong; whether a case still takes its answer is for Apply to say.
func (n Notice) Answer(a Acknowledgement, before *Acknowledgement, by Actor, at time.Time) (Acknowledgement, error) {
	if by.Role != Dept || by.Department == "" || by.Department != n.Department {
		return Acknowledgement{}, ErrDepartment
	}
	code, err := n.Code()
	if err != nil {
		return Acknowledgement{}, err
	}
	a = a.clone()
	a.Number, a.NoticeVersion, a.NoticeSHA256, a.Department = n.Number, n.Version, code.SHA256, n.Department
	a.Version, a.Replaces, a.SubmittedBy, a.SubmittedAt = 1, "", by, at
	if err := n.checkAnswer(&a, at); err != nil {
		return Acknowledgement{}, fmt.Errorf("answer %s: %w", n.Number, err)
	}
	if before != nil {
		if before.Number != n.Number || before.Department != n.Department {
			return Acknowledgement{}, fmt.Errorf("answer %s: the version to be corrected answers %s", n.Number, before.Number)
		}
		old, err := before.Code()
		if err != nil {
			return Acknowledgement{}, err
		}
		a.Version, a.Replaces = before.Version+1, old.SHA256
	}
	a.Changed = []string{}
	for _, l := range a.Lines {
		if before == nil || !slices.ContainsFunc(before.Lines, func(o AnswerLine) bool { return reflect.DeepEqual(l, o) }) {
			a.Changed = append(a.Changed, l.CaseID)
		}
	}
	return a, nil
}

// checkAnswer puts the lines into the order of the notice, and holds them to it.
func (n Notice) checkAnswer(a *Acknowledgement, at time.Time) error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, must := range [][2]string{{"received_by", a.ReceivedBy}, {"confirmed_by", a.ConfirmedBy}, {"handler", a.Handler}, {"phone", a.Phone}} {
		if strings.TrimSpace(must[1]) == "" {
			say("%s: want a text", must[0])
		}
	}
	if a.ReceivedAt.IsZero() || a.ReceivedAt.After(at) {
		say("received_at: want an instant up to that of the answer")
	}
	if a.Scan != nil && !sha256Text.MatchString(a.Scan.SHA256) {
		say("scan: want the SHA-256 of the file in 64 hexadecimal digits")
	}
	var lines []AnswerLine
	for _, line := range n.Lines {
		mine := slices.DeleteFunc(slices.Clone(a.Lines), func(l AnswerLine) bool { return l.CaseID != line.CaseID })
		if len(mine) != 1 {
			say("line %d, case %s: %d answers, want one", line.No, line.CaseID, len(mine))
			continue
		}
		lines = append(lines, mine[0])
		for _, problem := range mine[0].problems(line) {
			say("line %d, case %s: %s", line.No, line.CaseID, problem)
		}
	}
	for _, l := range a.Lines {
		if !slices.ContainsFunc(n.Lines, func(o Line) bool { return o.CaseID == l.CaseID }) {
			say("case %.40s is not one of this notice", l.CaseID)
		}
	}
	a.Lines = lines
	return errors.Join(wrong...)
}

// problems tells what is wrong with an answer in itself; reasons, days and sizes
// are for the workflow to check.
func (l AnswerLine) problems(line Line) []string {
	var out []string
	if !slices.Contains(Answers(), l.Answer) {
		return []string{fmt.Sprintf("answer %.40q: want one of %s", string(l.Answer), join(Answers()))}
	}
	if to, yes := agrees[l.Answer]; yes && to != line.Action {
		out = append(out, fmt.Sprintf("answer %s: the notice proposes %s", l.Answer, line.Action))
	}
	if l.Target != nil && l.Answer != Resize {
		out = append(out, "target: only with the answer "+string(Resize))
	}
	if l.Expires != "" && l.Answer != Exempt {
		out = append(out, "expires: only with the answer "+string(Exempt))
	}
	if b := l.Backup; b != nil && (strings.TrimSpace(b.Method) == "" || strings.TrimSpace(b.Owner) == "" || b.KeepDays < 1 || b.KeepDays > 3650) {
		out = append(out, "backup: want method, owner and 1 to 3650 days to keep it")
	}
	return out
}

// Events turns the acknowledgement into what it does to its cases: of a correction,
// to those whose answer changed.
func (a Acknowledgement) Events() []CaseEvent {
	var out []CaseEvent
	for _, l := range a.clone().Lines {
		if !slices.Contains(a.Changed, l.CaseID) {
			continue
		}
		out = append(out, CaseEvent{l.CaseID, Event{
			Name: l.Answer.event(), By: a.SubmittedBy, At: a.SubmittedAt, Reason: l.Reason, Note: l.Note, Evidence: l.Evidence,
			Target: l.Target, Planned: l.Planned, Expires: l.Expires,
		}})
	}
	return out
}

// Code returns the verification code of the acknowledgement.
func (a Acknowledgement) Code() (Code, error) {
	return codeOf(canonical("yunjian-acknowledgement/1", a))
}

func (a Acknowledgement) clone() Acknowledgement {
	a.Scan, a.Changed, a.Lines = copyOf(a.Scan), slices.Clone(a.Changed), slices.Clone(a.Lines)
	for i, l := range a.Lines {
		a.Lines[i].Evidence, a.Lines[i].Target, a.Lines[i].Backup = slices.Clone(l.Evidence), copyOf(l.Target), copyOf(l.Backup)
	}
	return a
}

// AgreeToAll agrees to every line of the notice, to be done on a day.
func (n Notice) AgreeToAll(planned string) []AnswerLine {
	var out []AnswerLine
	for _, l := range n.Lines {
		for answer, action := range agrees {
			if action == l.Action {
				out = append(out, AnswerLine{CaseID: l.CaseID, Answer: answer, Planned: planned})
			}
		}
	}
	return out
}
