package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/recommender"
)

// sends runs Reminders day by day and notes what was sent.
func sends(c Case, from, to string) []string {
	var out []string
	for d := on(from); !d.After(on(to)); d = d.AddDate(0, 0, 1) {
		for _, r := range Reminders([]Case{c}, d, builtin) {
			for _, one := range r.Cases {
				out = append(out, fmt.Sprintf("%s %s %+d", d.Format(time.DateOnly), one.Deadline, one.WorkingDays))
				c = c.WithReminder(one.Deadline, d)
			}
		}
	}
	return out
}

// TestReminders is T-3, T-1, T0, then T+1 and every second working day, around the
// Spring Festival of 2026: 15 to 23 February off, Saturdays 14 and 28 worked.
func TestReminders(t *testing.T) {
	c := opened(t, ofTerm(t, 5, calendar.WorkingDays), recommender.Release, cloud.Instance, on("2026-02-13"))
	want := []string{
		"2026-02-24 term +3", // 24, 25, 26, due 27
		"2026-02-26 term +1",
		"2026-02-27 term +0",
		"2026-02-28 term -1", // a Saturday that is worked
		"2026-03-03 term -3",
		"2026-03-05 term -5",
	}
	if diff := cmp.Diff(want, sends(c, "2026-02-13", "2026-03-06")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A reminder of the day on which the term begins says nothing new, a missed day is
// made up for once, and nothing is sent twice.
func TestRemindersOnce(t *testing.T) {
	c := opened(t, ofTerm(t, 3, calendar.WorkingDays), recommender.Release, cloud.Instance, on("2026-03-09")) // due 12
	if got := sends(c, "2026-03-09", "2026-03-10"); got != nil {
		t.Errorf("reminded at once: %v", got)
	}
	late := sends(c, "2026-03-15", "2026-03-16") // a Sunday: the reminder of Friday the 13th is made up for
	if diff := cmp.Diff([]string{"2026-03-15 term -1"}, late); diff != "" {
		t.Error(diff)
	}
	now := on("2026-03-11")
	if a, b := Reminders([]Case{c}, now, builtin), Reminders([]Case{c}, now, builtin); len(a) != 1 || !cmp.Equal(a, b) {
		t.Errorf("asked twice: %v and %v", a, b)
	}
}

// The term for the receipt of a letter is over and goes on to be reminded of; it does not
// hide that three, one and no working days are left for an answer to it.
func TestRemindersOfTwoTerms(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := opened(t, w, recommender.Release, cloud.Instance, on("2026-03-02"))
	for _, e := range []string{"confirm", "draft", "issue"} {
		c = must(t, w, c, e, on("2026-03-02"))
	}
	want := []string{
		"2026-03-04 receipt +1",
		"2026-03-05 receipt +0",
		"2026-03-06 receipt -1",
		"2026-03-10 receipt -3",
		"2026-03-11 answer +3",
		"2026-03-12 receipt -5",
		"2026-03-13 answer +1",
		"2026-03-16 answer +0",
	}
	if diff := cmp.Diff(want, sends(c, "2026-03-02", "2026-03-16")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestDigests: one a recipient, one line a case, whatever the order of the cases.
func TestDigests(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	var cases []Case
	for i, dep := range []string{"省水利厅", finBureau, finBureau, "省水利厅"} {
		c := opened(t, w, recommender.Release, cloud.Instance, on("2026-03-02"))
		c.ID, c.Department = fmt.Sprintf("case-%d", 9-i), dep
		if i < 3 {
			for _, e := range []string{"confirm", "draft", "issue"} {
				c = must(t, w, c, e, on("2026-03-02"))
			}
		}
		if i == 2 {
			c = must(t, w, c, "receive", on("2026-03-03"))
		}
		cases = append(cases, c)
	}
	tell := func(cases []Case, day string) string {
		var b strings.Builder
		for _, r := range Reminders(cases, on(day), builtin) {
			fmt.Fprintf(&b, "%s %s %s:", r.To.Role, r.To.Department, r.To.Person)
			for _, c := range r.Cases {
				fmt.Fprintf(&b, " %s %s %s", c.CaseID, c.Deadline, c.Due)
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	want := "cloudadmin  : case-6 confirmation 2026-03-09\n" +
		"dept 省水利厅 : case-9 answer 2026-03-16\n" +
		"dept 省财政厅 : case-8 answer 2026-03-16\n" +
		"dept 省财政厅 dept-1: case-7 answer 2026-03-16\n"
	if diff := cmp.Diff(want, tell(cases, "2026-03-11")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	slices.Reverse(cases)
	if diff := cmp.Diff(want, tell(cases, "2026-03-11")); diff != "" {
		t.Errorf("in another order (-want +got)\n%s", diff)
	}
}

// TestExemption runs out on a day that was asked for, with a reminder before.
func TestExemption(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := standing(t, w, "received", recommender.Release, cloud.Instance, false, on("2026-03-10"))
	c.Exemption = nil
	c = must(t, w, c, "request_exemption", on("2026-03-10")) // 90 days, to 2026-06-08
	if _, ok := c.Excused(on("2026-03-11")); ok {
		t.Error("excused before anybody agreed")
	}
	late := on("2026-07-01")
	tr, _ := w.find(c, "approve_exemption")
	if _, err := w.Apply(c, full(w, c, tr, person(Supervisor), late), builtin); err == nil ||
		err.Error() != `approve_exemption: expires: found "2026-06-08", want a day after 2026-07-01 and at most 180 days later, 2026-12-28` {
		t.Errorf("approved when it was over: %v", err)
	}
	c = must(t, w, c, "approve_exemption", on("2026-03-12"))
	x, ok := c.Excused(on("2026-06-08"))
	if !ok || x.Resource != "i-0001" || x.Reason != "standby" || x.Owner != "dept-1" || x.Evidence != "证明.pdf" || x.Expires.Format(time.DateOnly) != "2026-06-08" {
		t.Errorf("%+v, %v", x, ok)
	}
	cost, known := c.MonthlyCost()
	if cost.String() != "1335.00" || !known {
		t.Errorf("%s a month, known %v", cost, known)
	}
	if got := sends(c, "2026-05-01", "2026-06-08"); len(got) != 3 {
		t.Errorf("reminded %v, want 20, 5 and 1 working days before", got)
	}
	c, names := tick(t, w, c, on("2026-06-09"))
	if len(names) != 1 || c.State != "expired" {
		t.Errorf("%v, %s", names, c.State)
	}
	if _, ok := c.Excused(on("2026-06-09")); ok {
		t.Error("excused for good")
	}
	c.Cited.Recommendation.SavingKnown = false
	if cost, known := c.MonthlyCost(); known || cost.Sign() != 0 {
		t.Errorf("%s, %v: an unknown price is not a price", cost, known)
	}
}

// TestRecheck holds cases of each action against each present.
func TestRecheck(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	now := on("2026-03-10")
	finding := func(v analyzer.Verdict) *analyzer.Finding {
		return &analyzer.Finding{ResourceID: "i-0001", Verdict: v, Reasons: []analyzer.Reason{{Code: "cpu_p95_not_below", Value: ptr(37.5), Limit: ptr(5.0)}}}
	}
	for name, x := range map[string]struct {
		state  State
		action recommender.Action
		change func(*Present, *cloud.Resource)
		want   string // event, reason, codes of what was seen
	}{
		"nothing changed":             {"notified", recommender.Release, func(*Present, *cloud.Resource) {}, ""},
		"gone":                        {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Resource = nil }, "withdraw gone absent"},
		"absent from half a listing":  {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Resource, p.Complete = nil, false }, ""},
		"gone as it should be":        {"executed", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Resource = nil }, ""},
		"gone while exempted":         {"exempted", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Resource = nil }, ""},
		"smaller":                     {"scheduled", recommender.Downsize, func(_ *Present, r *cloud.Resource) { r.VCPU, r.InstanceType = 4, "ecs.g7.c4" }, "withdraw resized vcpu_changed instance_type_changed"},
		"a disk more":                 {"notified", recommender.Release, func(_ *Present, r *cloud.Resource) { r.StorageGiB = 500 }, ""},
		"another department":          {"notified", recommender.Release, func(_ *Present, r *cloud.Resource) { r.Department = "省水利厅" }, "withdraw owner_changed department_changed"},
		"in use":                      {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Finding = finding(analyzer.Optimized) }, "withdraw signs_of_life verdict cpu_p95_not_below"},
		"too large is in use as well": {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Finding = finding(analyzer.Overprovisioned) }, "withdraw signs_of_life verdict cpu_p95_not_below"},
		"frozen, and asked for":       {"frozen", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Finding = finding(analyzer.Optimized) }, "unfreeze signs_of_life verdict cpu_p95_not_below"},
		"frozen, and silent": {"frozen", recommender.Release, func(p *Present, _ *cloud.Resource) {
			p.Finding, p.Recommendation = finding(analyzer.InsufficientData), nil
		}, ""},
		"idle is small enough": {"notified", recommender.Downsize, func(p *Present, _ *cloud.Resource) { p.Finding = finding(analyzer.Idle) }, ""},
		"busy again":           {"notified", recommender.Downsize, func(p *Present, _ *cloud.Resource) { p.Finding = finding(analyzer.Optimized) }, "withdraw signs_of_life verdict cpu_p95_not_below"},
		"busy by day":          {"notified", recommender.Stop, func(*Present, *cloud.Resource) {}, ""},
		"no longer advised":    {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Recommendation = nil }, "withdraw not_advised verdict cpu_p95_below"},
		"advised otherwise":    {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Recommendation.Action = recommender.Downsize }, "withdraw not_advised verdict cpu_p95_below"},
		"refused": {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) {
			p.Recommendation, p.Refusal = nil, &recommender.Refusal{Reasons: []analyzer.Reason{{Code: "harm_above"}}}
		}, "withdraw not_advised verdict harm_above"},
		"not judged": {"notified", recommender.Release, func(p *Present, _ *cloud.Resource) { p.Finding, p.Recommendation = nil, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := opening(x.action, cloud.Instance)
			p := Present{At: now, Complete: true, Resource: &o.Resource, Finding: &o.Finding, Recommendation: &o.Recommendation}
			x.change(&p, &o.Resource)
			c := standing(t, w, x.state, x.action, cloud.Instance, false, now)
			e, ok := w.Recheck(c, p)
			got := ""
			if ok {
				got = e.Name + " " + e.Reason
				for _, s := range e.Seen {
					got += " " + s.Code
				}
				next, err := w.Apply(c, e, builtin)
				if err != nil {
					t.Fatalf("Apply: %v", err)
				}
				if last := next.History[len(next.History)-1]; last.Role != System || !cmp.Equal(last.Seen, e.Seen) {
					t.Errorf("the step holds %+v", last)
				}
			}
			if got != x.want {
				t.Errorf("got  %q\nwant %q", got, x.want)
			}
		})
	}
}
