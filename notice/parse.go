package notice

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

// exemptionReasons is the list of grounds that every workflow has.
const exemptionReasons = "exemption"

// Actions lists what a case may propose. An upsize is advice and needs no notice.
func Actions() []recommender.Action {
	return []recommender.Action{recommender.Release, recommender.Downsize, recommender.Stop}
}

// ParseWorkflow reads a workflow. file is for messages. The error, if any, is a
// *policies.Error with every mistake, each with line and column. A workflow that
// contradicts itself is a mistake too: see check.go.
func ParseWorkflow(file string, text []byte) (Workflow, error) {
	r := &reader{file: file, nodes: map[string]*yaml.Node{}}
	w := r.workflow(r.document(text))
	if len(r.problems) == 0 { // else half of what is wrong follows from the rest
		r.check(w)
	}
	if err := r.err(); err != nil {
		return Workflow{}, err
	}
	sum := sha256.Sum256(text)
	w.SHA256 = hex.EncodeToString(sum[:])
	return w, nil
}

func (r *reader) workflow(root *yaml.Node) Workflow {
	f, ok := r.mapping(root, "",
		[]string{"id", "version", "name", "confidence", "source", "silence", "start", "states", "transitions"},
		[]string{"note", "starts", "reasons", "checklist", "deadlines"})
	if !ok {
		return Workflow{}
	}
	w := Workflow{
		ID: f.text("id"), Version: f.text("version"), Name: f.bilingual("name"), Note: f.bilingual("note"), Silence: f.bilingual("silence"),
		Confidence: oneOf(f, "confidence", policies.Cited, policies.Practice, policies.Proposed),
	}
	if w.ID != "" && !packName.MatchString(w.ID) {
		r.wrong("id", "%.40q is no id: want lower-case letters, digits and single hyphens", w.ID)
	}
	w.Source = f.source()
	// What is referred to is read before what refers to it.
	f.items("states", func(n *yaml.Node, path string) {
		if s, ok := r.mapping(n, path, []string{"id", "name"}, []string{"final", "binding"}); ok {
			w.States = append(w.States, StateInfo{State(s.id("id")), s.bilingual("name"), s.boolean("final"), s.boolean("binding")})
		}
	})
	w.Reasons = f.reasons()
	f.items("checklist", func(n *yaml.Node, path string) {
		if i, ok := r.mapping(n, path, []string{"id", "name"}, []string{"kinds"}); ok {
			w.Checklist = append(w.Checklist, ChecklistItem{i.id("id"), i.bilingual("name"), listOf(i, "kinds", cloud.Kinds()...)})
		}
	})
	states := make([]State, len(w.States))
	for i, s := range w.States {
		states[i] = s.ID
	}
	w.Start = oneOf(f, "start", states...)
	f.items("deadlines", func(n *yaml.Node, path string) {
		if d, ok := r.mapping(n, path, []string{"id", "name", "of", "while", "then"}, []string{"within", "unit", "until", "remind"}); ok {
			w.Deadlines = append(w.Deadlines, d.term(states))
		}
	})
	terms := make([]string, len(w.Deadlines))
	for i, d := range w.Deadlines {
		terms[i] = d.ID
	}
	w.Starts = listOf(f, "starts", terms...)
	f.items("transitions", func(n *yaml.Node, path string) {
		if t, ok := r.mapping(n, path, []string{"event", "name", "from", "by"},
			[]string{"to", "stays", "actions", "kinds", "becomes", "consent", "not_by", "needs", "starts"}); ok {
			w.Transitions = append(w.Transitions, t.transition(w, states, terms))
		}
	})
	return w
}

var (
	sourceDate = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d)?)?$`)
	webAddress = regexp.MustCompile(`^https?://[^\s/]+(/\S*)?$`)
)

func (f fields) source() policies.Source {
	s, ok := f.r.mapping(f.values["source"], f.at("source"), []string{"title"}, []string{"issuer", "doc_no", "date", "url"})
	if !ok {
		return policies.Source{}
	}
	out := policies.Source{Title: s.text("title"), Issuer: s.text("issuer"), DocNo: s.text("doc_no"), Date: s.text("date"), URL: s.text("url")}
	if out.Date != "" && !sourceDate.MatchString(out.Date) {
		f.r.wrong(s.at("date"), "want a date such as 2021-06-01, 2021-06 or 2021, found %.40q", out.Date)
	}
	if out.URL != "" && !webAddress.MatchString(out.URL) {
		f.r.wrong(s.at("url"), "want an address such as https://www.gov.cn/…, found %.60q", out.URL)
	}
	return out
}

func (f fields) reasons() []ReasonList {
	var out []ReasonList
	f.items("reasons", func(n *yaml.Node, path string) {
		l, ok := f.r.mapping(n, path, []string{"list", "of"}, nil)
		if !ok {
			return
		}
		list := ReasonList{ID: l.id("list")}
		if list.ID == exemptionReasons {
			f.r.wrong(l.at("list"), "the list %s is part of every workflow and stands in no file", exemptionReasons)
		}
		l.items("of", func(n *yaml.Node, path string) {
			if i, ok := f.r.mapping(n, path, []string{"id", "name"}, nil); ok {
				list.Reasons = append(list.Reasons, Reason{i.id("id"), i.bilingual("name")})
			}
		})
		out = append(out, list)
	})
	return out
}

// maxRemind is the most working days before or after a deadline that somebody may
// be reminded: a year holds some 250.
const maxRemind = 250

func (f fields) term(states []State) Term {
	t := Term{
		ID: f.id("id"), Name: f.bilingual("name"), Of: oneOf(f, "of", Roles()[:len(Roles())-1]...), While: listOf(f, "while", states...), Then: f.id("then"),
		Within: f.integer("within", 1, calendar.MaxTerm), Unit: oneOf(f, "unit", calendar.Units()...), Until: f.has("until"),
	}
	oneOf(f, "until", "expires")
	switch {
	case t.Until && (f.has("within") || f.has("unit")):
		f.r.wrong(f.path, "want either within and unit, or until, not both")
	case !t.Until && (!f.has("within") || !f.has("unit")):
		f.r.wrong(f.path, "want within and unit, such as within: 5, unit: working_day, or until: expires")
	}
	m, ok := f.r.mapping(f.values["remind"], f.at("remind"), nil, []string{"before", "after", "every"})
	if !ok {
		return t
	}
	m.items("before", func(n *yaml.Node, path string) {
		v := f.r.integer(n, path, 0, maxRemind)
		if i := len(t.Remind.Before); i > 0 && t.Remind.Before[i-1] <= v {
			f.r.wrong(path, "%d does not lie below the %d before it: want them descending", v, t.Remind.Before[i-1])
		}
		t.Remind.Before = append(t.Remind.Before, v)
	})
	t.Remind.After, t.Remind.Every = m.integer("after", 1, maxRemind), m.integer("every", 1, maxRemind)
	if m.has("every") && !m.has("after") {
		f.r.wrong(m.at("every"), "repeats a first reminder that is not there: want after too")
	}
	return t
}

func (f fields) transition(w Workflow, states []State, terms []string) Transition {
	t := Transition{
		Event: f.id("event"), Name: f.bilingual("name"), From: listOf(f, "from", states...), To: oneOf(f, "to", states...), By: listOf(f, "by", Roles()...),
		Actions: listOf(f, "actions", Actions()...), Kinds: listOf(f, "kinds", cloud.Kinds()...), Becomes: oneOf(f, "becomes", recommender.Downsize),
		Consent: f.boolean("consent"), Starts: listOf(f, "starts", terms...),
	}
	if f.has("to") == f.boolean("stays") {
		f.r.wrong(f.path, "want either to, with a state, or stays: true")
	}
	if n := f.values["not_by"]; n != nil {
		t.NotBy = f.notBy(n)
	}
	t.Needs = f.needs(w, terms)
	return t
}

// notBy reads {draft: person, request_force: role}.
func (f fields) notBy(n *yaml.Node) []Other {
	var events []string
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		events = append(events, n.Content[i].Value)
	}
	m, ok := f.r.mapping(n, f.at("not_by"), nil, events)
	if !ok {
		return nil
	}
	var out []Other
	for _, e := range events {
		if m.has(e) {
			out = append(out, Other{Event: e, Role: oneOf(m, e, "person", "role") == "role"})
		}
	}
	slices.SortFunc(out, func(a, b Other) int { return cmp.Compare(a.Event, b.Event) })
	return slices.CompactFunc(out, func(a, b Other) bool { return a.Event == b.Event })
}

func (f fields) needs(w Workflow, terms []string) Needs {
	m, ok := f.r.mapping(f.values["needs"], f.at("needs"), nil,
		[]string{"reason", "note", "evidence", "target", "planned", "expires", "document", "items", "checklist", "passed"})
	if !ok {
		return Needs{}
	}
	lists := []string{exemptionReasons}
	for _, l := range w.Reasons {
		if l.ID != exemptionReasons {
			lists = append(lists, l.ID)
		}
	}
	items := make([]string, len(w.Checklist))
	for i, item := range w.Checklist {
		items[i] = item.ID
	}
	return Needs{
		Reason: oneOf(m, "reason", lists...), Note: m.boolean("note"), Evidence: m.boolean("evidence"), Target: m.boolean("target"),
		Planned: m.boolean("planned"), Expires: m.boolean("expires"), Document: m.boolean("document"), Items: m.boolean("items"),
		Checklist: listOf(m, "checklist", items...), Passed: oneOf(m, "passed", terms...),
	}
}

func indexed(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
