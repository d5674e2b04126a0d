package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"yunjian/internal/auth"
	"yunjian/internal/pipeline"
	"yunjian/notice"
	"yunjian/policies"
	"yunjian/recommender"
)

// CaseView is a case with what the caller may do with it.
type CaseView struct {
	notice.Case
	StateName policies.Text `json:"state_name"`
	Version   int           `json:"version" doc:"步数；写时用 If-Match 或 expect 带上 | steps so far, to be sent back when writing"`
	Events    []EventView   `json:"events" nullable:"false" doc:"调用者现在能做什么 | what the caller may do now"`
}

// EventView is one thing that may be done with a case.
type EventView struct {
	Event       string            `json:"event"`
	Name        policies.Text     `json:"name"`
	To          notice.State      `json:"to" doc:"空：状态不变 | empty: it stays where it is"`
	Permissions []auth.Permission `json:"permissions" nullable:"false"`
	Needs       NeedsView         `json:"needs"`
}

// NeedsView is what an event must carry.
type NeedsView struct {
	Reasons   []string `json:"reasons,omitempty" doc:"理由取其一 | one of these reasons"`
	Note      bool     `json:"note,omitempty"`
	Evidence  bool     `json:"evidence,omitempty"`
	Target    bool     `json:"target,omitempty"`
	Planned   bool     `json:"planned,omitempty"`
	Expires   bool     `json:"expires,omitempty"`
	Document  bool     `json:"document,omitempty"`
	Items     bool     `json:"items,omitempty"`
	Checklist []string `json:"checklist,omitempty" doc:"还须完成的清单事项 | things of the checklist that are still open"`
}

func eventView(w notice.Workflow, c call, t notice.Transition) EventView {
	v := EventView{Event: t.Event, Name: t.Name, To: t.To, Permissions: []auth.Permission{}, Needs: NeedsView{
		Note: t.Needs.Note, Evidence: t.Needs.Evidence, Target: t.Needs.Target, Planned: t.Needs.Planned, Expires: t.Needs.Expires,
		Document: t.Needs.Document, Items: t.Needs.Items, Checklist: t.Needs.Checklist,
	}}
	for _, r := range w.ReasonsOf(t.Needs.Reason) {
		v.Needs.Reasons = append(v.Needs.Reasons, r.ID)
	}
	for _, role := range c.p.Roles {
		if p, ok := pipeline.EventPermission(t.Event, role); ok && slices.Contains(t.By, role) && !slices.Contains(v.Permissions, p) {
			v.Permissions = append(v.Permissions, p)
		}
	}
	return v
}

func caseView(w notice.Workflow, c call, x notice.Case) CaseView {
	state, _ := w.State(x.State)
	v := CaseView{Case: x, StateName: state.Name, Version: len(x.History), Events: []EventView{}}
	for _, t := range c.person.Events(w, x) {
		v.Events = append(v.Events, eventView(w, c, t))
	}
	return v
}

// StepBody is an event of cases.
type StepBody struct {
	Role     string            `json:"role,omitempty" maxLength:"20" doc:"以什么角色；只持有一个能做的角色时可省 | in which role; may be left out by who holds one that may"`
	Reason   string            `json:"reason,omitempty" maxLength:"100" doc:"取自流程所列 | one of the workflow's"`
	Note     string            `json:"note,omitempty" maxLength:"8000"`
	Evidence []notice.Evidence `json:"evidence,omitempty" maxItems:"20" doc:"sha256 须先交来 | sha256 of what was handed in before"`
	Target   *recommender.Spec `json:"target,omitempty"`
	Planned  string            `json:"planned,omitempty" maxLength:"10" doc:"拟实施日期 | 2026-12-10"`
	Expires  string            `json:"expires,omitempty" maxLength:"10" doc:"豁免的最后一天 | last day of an exemption"`
	Document string            `json:"document,omitempty" maxLength:"100" doc:"文号 | document number"`
	Items    []ItemBody        `json:"items,omitempty" maxItems:"50"`
}

// ItemBody records one thing of the checklist.
type ItemBody struct {
	ID       string `json:"id" maxLength:"100"`
	Owner    string `json:"owner" maxLength:"200"`
	Evidence string `json:"evidence" maxLength:"1000"`
}

func (b StepBody) step(event string, ids []string) pipeline.Step {
	s := pipeline.Step{Cases: ids, Role: auth.Role(b.Role), Event: notice.Event{
		Name: event, Reason: b.Reason, Note: b.Note, Evidence: b.Evidence, Target: b.Target, Planned: b.Planned, Expires: b.Expires, Document: b.Document,
	}}
	for _, i := range b.Items {
		s.Event.Items = append(s.Event.Items, notice.Item{ID: i.ID, Owner: i.Owner, Evidence: i.Evidence})
	}
	return s
}

// Stepped is what became of cases.
type Stepped struct {
	Stepped   []CaseView `json:"stepped" nullable:"false"`
	Withdrawn []CaseView `json:"withdrawn" nullable:"false" doc:"不再成立，因而撤销 | taken back, because they no longer stand"`
}

// step makes a step and shows what came of it.
func (a *api) step(c call, s pipeline.Step) (Stepped, error) {
	o, err := a.o.Cases()
	if err != nil {
		return Stepped{}, err
	}
	stepped, taken, err := c.person.StepCases(c, o, s)
	if err != nil {
		return Stepped{}, err
	}
	out := Stepped{Stepped: []CaseView{}, Withdrawn: []CaseView{}}
	for _, x := range stepped {
		out.Stepped = append(out.Stepped, caseView(o.Workflow, c, x))
	}
	for _, x := range taken {
		out.Withdrawn = append(out.Withdrawn, caseView(o.Workflow, c, x))
	}
	if len(stepped) == 1 && len(s.Cases) == 1 {
		c.w.Header().Set("ETag", etag(len(stepped[0].History)))
	}
	return out, nil
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// ifMatch reads the version that a caller saw; false where he names none.
func ifMatch(header string) (version int, ok bool, err error) {
	if header == "" || header == "*" {
		return 0, false, nil
	}
	version, err = strconv.Atoi(strings.Trim(strings.TrimPrefix(header, "W/"), `"`))
	if err != nil {
		return 0, false, mistaken("header.If-Match", "found "+quoted(header)+`, want the ETag of the case, such as "3"`)
	}
	return version, true, nil
}

// One names a case and the version that was seen of it.
type One struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" maxLength:"40" doc:"读到的 ETag；案卷已变则 412 | the ETag that was read; 412 where the case has moved"`
}

// expecting is a step in the case where it is as it was seen.
func (x One) expecting(s pipeline.Step) (pipeline.Step, error) {
	version, ok, err := ifMatch(x.IfMatch)
	if ok {
		s.Expect = map[string]int{x.ID: version}
	}
	return s, err
}

// anyStep are the permissions that steps of cases take.
var anyStep = permissions("notices:create", "notices:approve", "receipts:create", "exemptions:create", "exemptions:approve", "reminders:create",
	"force:first", "force:second", "execution:execute", "execution:confirm", "savings:approve")

func (a *api) cases() {
	reads := permissions("notices:read")
	add(a, spec{
		id: "list-cases", method: http.MethodGet, path: "/cases", zh: "案卷，按编号", en: "cases, by id", tag: "cases", any: reads, scope: listed,
	}, func(c call, in *struct {
		Paging
		State      string `query:"state" maxLength:"100"`
		Department string `query:"department" maxLength:"256"`
		Resource   string `query:"resource" maxLength:"256"`
		Mine       bool   `query:"mine" doc:"只列调用者现在能做点什么的 | only those that the caller may do something with"`
		All        bool   `query:"all" doc:"已结案的也列 | those that have ended, too"`
	}) (Page[CaseView], error) {
		o, err := a.o.Cases()
		if err != nil {
			return Page[CaseView]{}, err
		}
		var states []notice.State
		for _, s := range o.Workflow.States {
			states = append(states, s.ID)
		}
		if err := oneOf("query.state", in.State, states); err != nil {
			return Page[CaseView]{}, err
		}
		all, err := c.person.Cases()
		if err != nil {
			return Page[CaseView]{}, err
		}
		all = slices.DeleteFunc(all, func(x notice.Case) bool {
			state, _ := o.Workflow.State(x.State)
			return in.State != "" && in.State != string(x.State) || in.State == "" && !in.All && state.Final ||
				in.Department != "" && in.Department != x.Department || in.Resource != "" && in.Resource != x.ResourceID ||
				in.Mine && len(c.person.Events(o.Workflow, x)) == 0
		})
		return paged(all, in.Paging, func(x notice.Case) CaseView { return caseView(o.Workflow, c, x) }), nil
	})
	add(a, spec{
		id: "get-case", method: http.MethodGet, path: "/cases/{id}", zh: "一个案卷：依据、期限、清单、经过、现在能做什么", en: "one case: what it stands on, deadlines, checklist, what happened, what may be done", tag: "cases", any: reads, scope: object,
		doc: "ETag 是案卷的步数 | the ETag is the number of its steps",
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (CaseView, error) {
		o, err := a.o.Cases()
		if err != nil {
			return CaseView{}, err
		}
		x, err := c.person.Case(in.ID)
		if err != nil {
			return CaseView{}, err
		}
		c.w.Header().Set("ETag", etag(len(x.History)))
		return caseView(o.Workflow, c, x), nil
	})
	add(a, spec{
		id: "step-case", method: http.MethodPost, path: "/cases/{id}/events/{event}", zh: "推进案卷一步", en: "make one step in a case", tag: "cases", any: anyStep, scope: object,
		doc: "事件所需的权限见 x-permission 与 get-case 的 events | which permission an event takes: events of get-case",
	}, func(c call, in *struct {
		One
		Event string `path:"event" maxLength:"100"`
		Body  StepBody
	}) (Stepped, error) {
		s, err := in.expecting(in.Body.step(in.Event, []string{in.ID}))
		if err != nil {
			return Stepped{}, err
		}
		return a.step(c, s)
	})
	add(a, spec{
		id: "step-cases", method: http.MethodPost, path: "/steps/{event}", zh: "在一个单位的几个案卷里做同一步，要么都做要么都不做", en: "make the same step in several cases of one department, all or none", tag: "cases", any: anyStep, scope: object,
	}, func(c call, in *struct {
		Event string `path:"event" maxLength:"100"`
		Body  struct {
			StepBody
			Cases  []string       `json:"cases" minItems:"1" maxItems:"500"`
			Expect map[string]int `json:"expect,omitempty" doc:"案卷编号到读到的 version | the version that was read, by case"`
		}
	}) (Stepped, error) {
		s := in.Body.step(in.Event, in.Body.Cases)
		s.Expect = in.Body.Expect
		return a.step(c, s)
	})
	add(a, spec{
		id: "list-reminders", method: http.MethodGet, path: "/reminders", zh: "今天该提醒谁、什么", en: "whom to remind of what today", tag: "cases", any: permissions("reminders:read"), scope: listed,
	}, func(c call, in *Paging) (Page[notice.Reminder], error) {
		o, err := a.o.Cases()
		if err != nil {
			return Page[notice.Reminder]{}, err
		}
		all, err := c.person.Reminders(o)
		return page(all, *in), err
	})
	add(a, spec{
		id: "get-workflow", method: http.MethodGet, path: "/workflow", zh: "处置流程：状态与事件", en: "the workflow: states and events", tag: "cases", any: reads, scope: listed,
	}, func(c call, _ *none) (WorkflowView, error) {
		o, err := a.o.Cases()
		if err != nil {
			return WorkflowView{}, err
		}
		w := o.Workflow
		out := WorkflowView{ID: w.ID, Version: w.Version, SHA256: w.SHA256, Name: w.Name, States: []StateView{}, Transitions: []TransitionView{}}
		for _, s := range w.States {
			out.States = append(out.States, StateView{s.ID, s.Name, s.Final, s.Binding})
		}
		for _, t := range w.Transitions {
			out.Transitions = append(out.Transitions, TransitionView{EventView: eventView(w, c, t), From: t.From, By: t.By})
		}
		return out, nil
	})
	a.caseDocuments()
}

// WorkflowView is how cases move.
type WorkflowView struct {
	ID          string           `json:"id"`
	Version     string           `json:"version"`
	SHA256      string           `json:"sha256"`
	Name        policies.Text    `json:"name"`
	States      []StateView      `json:"states" nullable:"false"`
	Transitions []TransitionView `json:"transitions" nullable:"false"`
}

// StateView is where a case may stand.
type StateView struct {
	ID      notice.State  `json:"id"`
	Name    policies.Text `json:"name"`
	Final   bool          `json:"final"`
	Binding bool          `json:"binding"`
}

// TransitionView is one way from a state to another.
type TransitionView struct {
	EventView
	From []notice.State `json:"from"`
	By   []notice.Role  `json:"by"`
}

// Kept is a document that was handed in.
type Kept struct {
	SHA256 string `json:"sha256"`
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
}

func (a *api) caseDocuments() {
	a.handIn(spec{
		id: "hand-in-for-case", path: "/cases/{id}/attachments", zh: "为案卷交一份证明（PDF、JPEG、PNG，至多 10 MiB）", en: "hand in a document for a case", tag: "cases", scope: object,
		any: permissions("receipts:create", "notices:create", "notices:approve", "savings:approve"),
	}, func(c call, id string, f uploaded) (string, error) { return c.person.HandInForCase(c, id, f.text) })
	addFile(a, spec{
		id: "get-case-attachment", method: http.MethodGet, path: "/cases/{id}/attachments/{sha256}", zh: "案卷的一份证明", en: "a document of a case", tag: "cases",
		any: permissions("notices:read"), scope: object, files: documents,
	}, func(c call, in *struct {
		ID     string `path:"id" maxLength:"64"`
		SHA256 string `path:"sha256" maxLength:"64"`
	}) (file, error) {
		text, err := c.person.CaseDocument(in.ID, in.SHA256)
		return c.document(a, text, in.SHA256, pipeline.CaseObject(in.ID), err)
	})
}

// exemptions are steps of their own: who asks and who decides are two people with two
// permissions. So is force, which takes two in two roles.
func (a *api) exemptions() {
	add(a, spec{
		id: "list-exemptions", method: http.MethodGet, path: "/exemptions", zh: "豁免：申请、在期、过期", en: "exemptions: asked for, in force, over", tag: "exemptions", any: permissions("exemptions:read"), scope: listed,
	}, func(c call, in *struct {
		Paging
		InForce bool `query:"in_force" doc:"只列在期的 | only those in force"`
	}) (Page[Exempted], error) {
		o, err := a.o.Cases()
		if err != nil {
			return Page[Exempted]{}, err
		}
		all, err := c.person.Exempted()
		if err != nil {
			return Page[Exempted]{}, err
		}
		var out []Exempted
		for _, x := range all {
			_, runs := x.Excused(o.Now)
			runs = runs && x.State == "exempted"
			if in.InForce && !runs {
				continue
			}
			e := Exempted{CaseID: x.ID, ResourceID: x.ResourceID, Kind: string(x.Kind), Department: x.Department, Application: x.Application, State: x.State, InForce: runs, Exemption: *x.Exemption}
			if cost, known := x.MonthlyCost(); known {
				text := cost.String()
				e.MonthlyCost = &text
			}
			out = append(out, e)
		}
		return page(out, in.Paging), nil
	})
	for _, x := range []struct{ path, event, zh, en, permission, tag string }{
		{"exemption/request", "request_exemption", "申请豁免", "ask for an exemption", "exemptions:create", "exemptions"},
		{"exemption/approve", "approve_exemption", "批准豁免", "approve an exemption", "exemptions:approve", "exemptions"},
		{"exemption/refuse", "refuse_exemption", "不批准豁免", "refuse an exemption", "exemptions:approve", "exemptions"},
		{"force/request", "request_force", "提请强制处置（第一人）", "request disposal by force: the first of two", "force:first", "force"},
		{"force/approve", "approve_force", "批准强制处置（第二人）", "approve disposal by force: the second of two", "force:second", "force"},
		{"force/reject", "reject_force", "驳回强制处置", "reject disposal by force", "force:second", "force"},
	} {
		add(a, spec{
			id: strings.ReplaceAll(x.event, "_", "-"), method: http.MethodPost, path: "/cases/{id}/" + x.path, zh: x.zh, en: x.en, tag: x.tag, any: permissions(x.permission), scope: object,
			doc: fmt.Sprintf("即事件 %s | the event %s", x.event, x.event),
		}, func(c call, in *struct {
			One
			Body StepBody
		}) (Stepped, error) {
			s, err := in.expecting(in.Body.step(x.event, []string{in.ID}))
			if err != nil {
				return Stepped{}, err
			}
			return a.step(c, s)
		})
	}
}

// Exempted is an exemption and what it is for.
type Exempted struct {
	CaseID      string           `json:"case_id"`
	ResourceID  string           `json:"resource_id"`
	Kind        string           `json:"kind"`
	Department  string           `json:"department"`
	Application string           `json:"application"`
	State       notice.State     `json:"state"`
	InForce     bool             `json:"in_force"`
	Exemption   notice.Exemption `json:"exemption"`
	MonthlyCost *string          `json:"monthly_cost" doc:"null：价目未知 | null: the price is not known"`
}
