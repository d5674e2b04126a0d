package notice

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/recommender"
)

// one is a workflow of one deadline, for terms that no shipped one has.
const one = `
id: one
version: "1"
name: {zh: 一, en: one}
confidence: proposed
source: {title: 试}
silence: {zh: 督办, en: supervised}
start: served
starts: [term]
states:
  - {id: served, name: {zh: 已送达, en: served}}
  - {id: over, name: {zh: 逾期, en: over}, final: true}
reasons:
  - list: withdrawal
    of:
      - {id: gone, name: {zh: 无, en: gone}}
      - {id: resized, name: {zh: 改, en: resized}}
      - {id: owner_changed, name: {zh: 换, en: owner}}
      - {id: signs_of_life, name: {zh: 用, en: life}}
      - {id: not_advised, name: {zh: 否, en: not}}
deadlines:
  - {id: term, name: {zh: 期限, en: term}, within: %d, unit: %s, of: dept, while: [served], then: lapse, remind: {before: [3, 1, 0], after: 1, every: 2}}
transitions:
  - {event: lapse, name: {zh: 逾期, en: lapse}, from: [served], to: over, by: [system]}
  - {event: withdraw, name: {zh: 撤销, en: withdraw}, from: [served], to: over, by: [system], needs: {reason: withdrawal}}
`

func ofTerm(t testing.TB, n int, unit calendar.Unit) Workflow {
	t.Helper()
	w, err := ParseWorkflow("one.yaml", fmt.Appendf(nil, one, n, unit))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestLastDays runs the terms that the requirements count by hand. On the last day
// nothing has passed yet; on the day after it has, once.
func TestLastDays(t *testing.T) {
	for _, x := range []struct {
		served string
		n      int
		unit   calendar.Unit
		due    string
		unset  []int
	}{
		{"2026-09-30", 5, calendar.WorkingDays, "2026-10-13", nil},
		{"2026-02-13", 5, calendar.WorkingDays, "2026-02-27", nil},
		{"2026-02-13", 10, calendar.WorkingDays, "2026-03-05", nil},
		{"2026-04-30", 5, calendar.WorkingDays, "2026-05-11", nil},
		{"2026-09-18", 3, calendar.WorkingDays, "2026-09-22", nil},
		{"2026-10-01", 3, calendar.WorkingDays, "2026-10-10", nil},
		{"2021-10-29", 5, calendar.WorkingDays, "2021-11-05", []int{2021}},
		{"2026-01-31", 1, calendar.Months, "2026-02-28", nil},
		{"2024-01-31", 1, calendar.Months, "2024-02-29", nil},
	} {
		w := ofTerm(t, x.n, x.unit)
		c := opened(t, w, recommender.Release, cloud.Instance, on(x.served))
		d := c.Deadlines[0]
		if d.Due != x.due || !slices.Equal(d.Unset, x.unset) {
			t.Errorf("%s and %d %s: due %s with %v unknown, want %s with %v", x.served, x.n, x.unit, d.Due, d.Unset, x.due, x.unset)
		}
		lastInstant := on(x.due).Add(14*time.Hour + 59*time.Minute)
		if early := w.Due(c, lastInstant, builtin); len(early) > 0 {
			t.Errorf("%s: %v on the last day itself", x.served, early)
		}
		after := lastInstant.Add(time.Minute)
		events := w.Due(c, after, builtin)
		if len(events) != 1 || events[0].Name != "lapse" {
			t.Fatalf("%s: %v on the day after, want lapse", x.served, events)
		}
		if _, err := w.Apply(c, Event{Name: "lapse", By: Program(), At: lastInstant}, builtin); !errors.As(err, ptr(&TimeError{})) {
			t.Errorf("%s: lapse on the last day: %v, want a TimeError", x.served, err)
		}
		next, err := w.Apply(c, events[0], builtin)
		if err != nil || next.State != "over" || len(w.Due(next, after, builtin)) != 0 {
			t.Errorf("%s: %v, %v, want over, once", x.served, next.State, err)
		}
	}
}

// TestTermsAgainstAPlainCount counts working days from the days off of 2026 as the
// notice of the State Council lists them.
func TestTermsAgainstAPlainCount(t *testing.T) {
	off, worked := map[string]bool{}, map[string]bool{}
	for _, span := range [][2]string{{"01-01", "01-03"}, {"02-15", "02-23"}, {"04-04", "04-06"}, {"05-01", "05-05"}, {"06-19", "06-21"}, {"09-25", "09-27"}, {"10-01", "10-07"}} {
		for d, end := on("2026-"+span[0]), on("2026-"+span[1]); !d.After(end); d = d.AddDate(0, 0, 1) {
			off[d.Format(time.DateOnly)] = true
		}
	}
	for _, d := range []string{"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"} {
		worked["2026-"+d] = true
	}
	count := func(from time.Time, n int) string {
		for n > 0 {
			from = from.AddDate(0, 0, 1)
			s := from.Format(time.DateOnly)
			if worked[s] || !off[s] && from.Weekday() != time.Saturday && from.Weekday() != time.Sunday {
				n--
			}
		}
		return from.Format(time.DateOnly)
	}
	for _, n := range []int{2, 3, 5, 10} {
		w := ofTerm(t, n, calendar.WorkingDays)
		for d := on("2026-01-01"); d.Before(on("2026-12-10")); d = d.AddDate(0, 0, 1) {
			if c, want := opened(t, w, recommender.Release, cloud.Instance, d), count(d, n); c.Deadlines[0].Due != want {
				t.Fatalf("%s and %d working days: %s, want %s", d.Format(time.DateOnly), n, c.Deadlines[0].Due, want)
			}
		}
	}
}

// must applies an event that lacks nothing, by whoever may make it.
func must(t testing.TB, w Workflow, c Case, event string, at time.Time) Case {
	t.Helper()
	tr, ok := w.find(c, event)
	if !ok {
		t.Fatalf("%s in %s: no such transition", event, c.State)
	}
	next, err := w.Apply(c, full(w, c, tr, person(tr.By[0]), at), builtin)
	if err != nil {
		t.Fatalf("%s in %s: %v", event, c.State, err)
	}
	return next
}

// tick applies what time brings.
func tick(t testing.TB, w Workflow, c Case, at time.Time) (Case, []string) {
	t.Helper()
	var names []string
	for _, e := range w.Due(c, at, builtin) {
		next, err := w.Apply(c, e, builtin)
		if err != nil {
			t.Fatalf("%s in %s: %v", e.Name, c.State, err)
		}
		c, names = next, append(names, e.Name)
	}
	return c, names
}

func running(c Case) []string {
	out := []string{}
	for _, d := range c.Deadlines {
		s := d.ID + " " + d.Due
		if !d.Passed.IsZero() {
			s += " passed"
		}
		out = append(out, s)
	}
	return out
}

// TestRelease is the whole way of a machine, with every deadline on it.
func TestRelease(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := opened(t, w, recommender.Release, cloud.Instance, on("2026-01-15"))
	for _, step := range []struct {
		day, event string
		state      State
		deadlines  []string
	}{
		{"2026-01-16", "confirm", "confirmed", []string{}},
		{"2026-01-16", "draft", "drafted", []string{}},
		{"2026-01-19", "issue", "notified", []string{"receipt 2026-01-22", "answer 2026-02-02"}},
		{"2026-01-20", "receive", "received", []string{"answer 2026-02-02"}},
		{"2026-01-27", "agree", "agreed", []string{"scheduling 2026-02-03"}},
		{"2026-01-28", "schedule", "scheduled", []string{}},
		{"2026-02-04", "back_up", "backed_up", []string{}},
		{"2026-02-04", "freeze", "frozen", []string{"freeze 2026-02-19"}},
		{"2026-02-20", "", "frozen", []string{"freeze 2026-02-19 passed"}},
		{"2026-02-24", "execute", "executed", []string{}},
		{"2026-02-24", "wipe", "wiped", []string{}},
		{"2026-02-25", "stop_billing", "billing_stopped", []string{}},
		{"2026-03-02", "verify", "verified", []string{}},
		{"2026-03-02", "close", "closed", []string{}},
	} {
		if step.event == "" {
			c, _ = tick(t, w, c, on(step.day))
		} else {
			c = must(t, w, c, step.event, on(step.day))
		}
		if c.State != step.state {
			t.Fatalf("%s: state %s, want %s", step.event, c.State, step.state)
		}
		if diff := cmp.Diff(step.deadlines, running(c)); diff != "" {
			t.Errorf("%s: deadlines (-want +got)\n%s", step.event, diff)
		}
	}
	if c.Document != "浙财云通〔2026〕12号" || c.Assignee != "dept-1" || len(c.items(true)) != 9 {
		t.Errorf("document %q, assignee %q, %d items done", c.Document, c.Assignee, len(c.items(true)))
	}
}

// TestSilence is a department that says nothing: louder words, then two people.
func TestSilence(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := opened(t, w, recommender.Release, cloud.Instance, on("2026-01-15"))
	for _, e := range []string{"confirm", "draft", "issue"} {
		c = must(t, w, c, e, on("2026-01-19"))
	}
	var story []string
	for d := on("2026-01-19"); d.Before(on("2026-03-01")); d = d.AddDate(0, 0, 1) {
		var names []string
		if c, names = tick(t, w, c, d); len(names) > 0 {
			story = append(story, d.Format(time.DateOnly)+" "+strings.Join(names, " ")+" → "+string(c.State))
		}
	}
	want := []string{
		"2026-01-23 receipt_late → notified",
		"2026-02-03 lapse → overdue",
		"2026-02-06 supervise → supervised",
		"2026-02-14 supervision_late → supervised",
	}
	if diff := cmp.Diff(want, story); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c = must(t, w, c, "request_force", on("2026-03-02"))
	tr, _ := w.find(c, "approve_force")
	var same *PersonError
	alone := full(w, c, tr, Actor{ID: "cloudadmin-1", Role: Supervisor}, on("2026-03-03"))
	if _, err := w.Apply(c, alone, builtin); !errors.As(err, &same) || same.Error() != "approve_force wants another person in another role than request_force, which was made by cloudadmin-1" {
		t.Errorf("force by one person in two roles: %v", err)
	}
	if c = must(t, w, c, "approve_force", on("2026-03-03")); c.State != "scheduled" {
		t.Errorf("state %s after force by two", c.State)
	}
}

// A daemon that was down for two months tells everything that it missed, and each
// deadline begins when it is told.
func TestDueAfterALongPause(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := opened(t, w, recommender.Release, cloud.Instance, on("2026-01-15"))
	for _, e := range []string{"confirm", "draft", "issue"} {
		c = must(t, w, c, e, on("2026-01-19"))
	}
	c, names := tick(t, w, c, on("2026-04-01"))
	if diff := cmp.Diff([]string{"receipt_late", "lapse"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"answer 2026-02-02 passed", "escalation 2026-04-03"}, running(c)); diff != "" {
		t.Error(diff)
	}
}

func TestChongqing(t *testing.T) {
	w := workflow(t, "cq-2021")
	c := must(t, w, opened(t, w, recommender.Release, cloud.Instance, on("2026-01-30")), "issue", on("2026-01-31"))
	if diff := cmp.Diff([]string{"reduction 2026-02-28"}, running(c)); diff != "" {
		t.Error(diff)
	}
	c, names := tick(t, w, c, on("2026-03-01"))
	if len(names) != 1 || c.State != "overdue" {
		t.Fatalf("%v, %s", names, c.State)
	}
	c = must(t, w, c, "urge", on("2026-04-30"))
	if diff := cmp.Diff([]string{"urging 2026-05-11"}, running(c)); diff != "" {
		t.Error(diff)
	}
	if c, _ = tick(t, w, c, on("2026-05-12")); c.State != "unreduced" {
		t.Fatalf("state %s", c.State)
	}
	c = must(t, w, must(t, w, c, "request_disposal", on("2026-05-12")), "approve_disposal", on("2026-05-13"))
	if c.State != "disposal_approved" {
		t.Errorf("state %s", c.State)
	}
}

func TestCounterMakesAReleaseADownsize(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := standing(t, w, "received", recommender.Release, cloud.Instance, false, on("2026-03-10"))
	c = must(t, w, must(t, w, c, "counter", on("2026-03-10")), "accept_counter", on("2026-03-11"))
	if c.Action != recommender.Downsize || c.Target == nil || c.Target.VCPU != 4 || len(c.Checklist) != 0 {
		t.Errorf("action %s, target %v, checklist %v", c.Action, c.Target, c.Checklist)
	}
	c = must(t, w, c, "execute", on("2026-03-12"))
	if diff := cmp.Diff([]string{"observation 2026-03-19"}, running(c)); diff != "" {
		t.Error(diff)
	}
	tr, _ := w.find(c, "verify")
	_, err := w.Apply(c, full(w, c, tr, person(Finance), on("2026-03-19")), builtin)
	if err == nil || err.Error() != "verify waits for the deadline observation to pass, whose last day is 2026-03-19" {
		t.Errorf("verified too early: %v", err)
	}
}

// TestRefusals wants each refusal to say what is allowed.
func TestRefusals(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	now := on("2026-03-10")
	in := func(s State) Case { return standing(t, w, s, recommender.Release, cloud.Instance, true, now) }
	dept := person(Dept)
	for name, x := range map[string]struct {
		c    Case
		e    Event
		want string
	}{
		"a state": {in("closed"), Event{Name: "agree", By: dept, At: now}, "agree is not possible in the state closed, in which nothing is"},
		"a role":  {in("drafted"), Event{Name: "issue", By: person(Cloudadmin), At: now}, "issue is not for the role cloudadmin: want one of supervisor"},
		"a person": {in("drafted"), Event{Name: "issue", By: Actor{ID: "maker of draft", Role: Supervisor}, At: now, Document: "x"},
			"issue wants another person than draft, which was made by maker of draft"},
		"another department": {in("notified"), Event{Name: "agree", By: Actor{ID: "d", Role: Dept, Department: "省水利厅"}, At: now}, "the case is not one of this department"},
		"a department without a name": {func() Case { c := in("notified"); c.Department = ""; return c }(), Event{Name: "agree", By: Actor{ID: "d", Role: Dept}, At: now},
			"the case is not one of this department"},
		"no actor":     {in("notified"), Event{Name: "agree", By: Actor{Role: "boss"}, At: now}, `apply agree: the actor has no id, or the role "boss" is none of sysadmin, secadmin, auditor, cloudadmin, supervisor, finance, dept, viewer, system`},
		"an old event": {in("notified"), Event{Name: "agree", By: dept, At: on("2026-01-01")}, "agree at 2026-01-01T09:00:00+08:00 comes before the step before it, at 2026-02-08T09:00:00+08:00"},
		"everything missing": {in("notified"), Event{Name: "request_exemption", By: dept, At: now, Reason: "because"},
			`request_exemption: reason: found "because", want one of standby, security, seasonal, migration, emergency, ramp_up, legal_hold, contract, development; ` +
				`evidence: want at least one document; expires: found "", want a day after 2026-03-10 and at most 180 days later, 2026-09-06`},
		"181 days": {in("notified"), Event{Name: "request_exemption", By: dept, At: now, Reason: "standby", Evidence: []Evidence{{Name: "a"}}, Expires: "2026-09-07"},
			`request_exemption: expires: found "2026-09-07", want a day after 2026-03-10 and at most 180 days later, 2026-09-06`},
		"a size that it has": {in("notified"), Event{Name: "counter", By: dept, At: now, Reason: "other", Target: &recommender.Spec{InstanceType: "ecs.g7.2xlarge", VCPU: 8, MemoryGiB: 32, StorageGiB: 100}},
			"counter: target: want a size of more than nothing and other than the present one"},
		"what it may not carry": {in("notified"), Event{Name: "agree", By: dept, At: now, Reason: "other", Planned: "2026-03-09", Target: &recommender.Spec{VCPU: 1}, Expires: "2026-04-01", Document: "x", Items: []Item{{ID: "backup"}}, Evidence: []Evidence{{Name: "a", SHA256: "12"}}},
			`agree: reason: takes none; write a note; evidence: want a name, and of an attachment its SHA-256 in 64 hexadecimal digits; target: takes no size; ` +
				`planned: found "2026-03-09", want a day such as 2026-03-10, not before it; expires: takes none; document: takes none; items: takes none`},
		"an open checklist": {in("frozen"), Event{Name: "execute", By: person(Cloudadmin), At: now, Items: []Item{{ID: "dns", Owner: "a", Evidence: "b"}, {ID: "release"}, {ID: "sauna", Owner: "a", Evidence: "b"}}},
			"execute: items: release wants an owner and evidence; items: found \"sauna\", want one of backup, apps_offline, dns, accounts, security, release, wipe, ledger, billing; " +
				"checklist: apps_offline is not done; checklist: accounts is not done; checklist: security is not done; checklist: release is not done"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Apply(x.c, x.e, builtin)
			if err == nil || err.Error() != x.want {
				t.Errorf("got  %v\nwant %s", err, x.want)
			}
		})
	}
}

func TestAllowedIsWhatApplyTakes(t *testing.T) {
	now := on("2026-03-10")
	for _, w := range Workflows() {
		for _, s := range w.States {
			for _, role := range Roles()[:8] {
				c := standing(t, w, s.ID, recommender.Release, cloud.Instance, true, now)
				offered := map[string]bool{}
				for _, tr := range w.Allowed(c, person(role)) {
					offered[tr.Event] = true
					if _, err := w.Apply(c, full(w, c, tr, person(role), now), builtin); err != nil {
						t.Errorf("%s: %s may %s: %v", s.ID, role, tr.Event, err)
					}
				}
				for _, tr := range w.Transitions {
					if _, err := w.Apply(c, full(w, c, tr, person(role), now), builtin); err == nil && !offered[tr.Event] {
						t.Errorf("%s: %s may %s, which Allowed leaves out", s.ID, role, tr.Event)
					}
				}
			}
		}
		c := standing(t, w, w.Start, recommender.Release, cloud.Instance, true, now)
		if got := w.Allowed(c, Actor{ID: "x", Role: Dept, Department: "省水利厅"}); got != nil {
			t.Errorf("another department may %v", got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	for want, spoil := range map[string]func(*Opening){
		`open case: action "upsize": want one of release, downsize, stop`:                          func(o *Opening) { o.Recommendation.Action = recommender.Upsize },
		"open case: the recommendation is for i-0001, the finding for i-2, the resource is i-0001": func(o *Opening) { o.Finding.ResourceID = "i-2" },
		"open case: downsize without a target size":                                                func(o *Opening) { o.Recommendation.Action, o.Recommendation.Target = recommender.Downsize, nil },
		"open case: round 0: want 1 or more":                                                       func(o *Opening) { o.Round = 0 },
		"open case: the recommendation has no id or no resource":                                   func(o *Opening) { o.Recommendation.ID = "" },
	} {
		o := opening(recommender.Release, cloud.Instance)
		spoil(&o)
		if _, err := w.Open(o, on("2026-01-15"), builtin); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if CaseID("a", 1) == CaseID("a", 2) {
		t.Error("ids do not tell rounds apart")
	}
}

// A case is what it was after it was stored.
func TestStoredAndReadBack(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := must(t, w, standing(t, w, "notified", recommender.Downsize, cloud.Instance, false, on("2026-03-10")), "counter", on("2026-03-10"))
	var back Case
	if err := json.Unmarshal([]byte(text(t, c)), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text(t, c), text(t, back)); diff != "" {
		t.Error(diff)
	}
}

// Two people means that one came first: where nobody requested force, nobody
// approves it.
func TestForceWithoutARequest(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := opened(t, w, recommender.Release, cloud.Instance, on("2026-03-01"))
	c.State = "force_requested"
	tr, _ := w.find(c, "approve_force")
	_, err := w.Apply(c, full(w, c, tr, person(Supervisor), on("2026-03-10")), builtin)
	if err == nil || err.Error() != "approve_force wants request_force first, by another person in another role" {
		t.Error(err)
	}
}

// What becomes of an event after it was applied is nothing to the case.
func TestEventIsCopied(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := standing(t, w, "notified", recommender.Release, cloud.Instance, false, on("2026-03-10"))
	tr, _ := w.find(c, "request_exemption")
	e := full(w, c, tr, person(Dept), on("2026-03-10"))
	next, err := w.Apply(c, e, builtin)
	if err != nil {
		t.Fatal(err)
	}
	before := text(t, next)
	e.Evidence[0].Name = "scribbled"
	if text(t, next) != before {
		t.Error("the case shares its evidence with the event")
	}
}
