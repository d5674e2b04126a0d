package notice

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
	"yunjian/recommender"
)

// told says what Words has to say of cases on a day, a line each.
func told(cases []Case, day string) string {
	var b strings.Builder
	for _, w := range Words(cases, on(day), builtin) {
		mark := ""
		if w.Issued {
			mark = " issued"
		}
		if w.Late {
			mark += " late"
		}
		fmt.Fprintf(&b, "%s%s: %s%s (%s) %s %s, %d\n", w.To.Role, w.To.Department, w.Event, mark, w.State, w.Deadline, w.Due, len(w.Cases))
	}
	return b.String()
}

// noted notes everything that is to be told of a case on a day.
func noted(c Case, day string) Case {
	for _, w := range Words([]Case{c}, on(day), builtin) {
		c = c.Told(w, on(day))
	}
	return c
}

// TestWords: whoever has a deadline that another started is told once, silence goes to the
// supervising authority, and the end to the department.
func TestWords(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	c := opened(t, w, recommender.Release, cloud.Instance, on("2026-03-02"))
	c.Department = finBureau
	want := func(day, text string) {
		t.Helper()
		if diff := cmp.Diff(text, told([]Case{c}, day)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", day, diff)
		}
		c = noted(c, day)
		if again := told([]Case{c}, day); again != "" {
			t.Errorf("%s: told twice: %s", day, again)
		}
	}
	want("2026-03-02", "cloudadmin: open (detected) confirmation 2026-03-09, 1\n")
	for _, e := range []string{"confirm", "draft", "issue"} {
		c = must(t, w, c, e, on("2026-03-03"))
	}
	want("2026-03-03", "dept"+finBureau+": issue issued (notified) receipt 2026-03-06, 1\n")
	c = must(t, w, c, "receive", on("2026-03-04"))
	for _, e := range w.Due(c, on("2026-03-18"), builtin) {
		c, _ = w.Apply(c, e, builtin)
	}
	if want := "supervisor: lapse late (overdue) escalation 2026-03-20, 1\n"; !strings.Contains(told([]Case{c}, "2026-03-18"), want) {
		t.Errorf("%s lacks %s", told([]Case{c}, "2026-03-18"), want)
	}
	// What nobody was told before the case moved on is void.
	for _, e := range w.Due(c, on("2026-03-23"), builtin) {
		c, _ = w.Apply(c, e, builtin)
	}
	want("2026-03-23", "dept"+finBureau+": supervise late (supervised) supervision 2026-03-30, 1\nsupervisor: supervise late (supervised)  , 1\n")
	c = must(t, w, c, "withdraw", on("2026-03-24"))
	want("2026-03-24", "dept"+finBureau+": withdraw (withdrawn)  , 1\n")
}

// What is alike of several cases is one word, whatever their order.
func TestWordsTogether(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	var cases []Case
	for i := range 5 {
		c := opened(t, w, recommender.Release, cloud.Instance, on("2026-03-02"))
		c.ID = fmt.Sprint("case-", i)
		cases = append(cases, c)
	}
	words := Words(cases, on("2026-03-02"), builtin)
	if len(words) != 1 || len(words[0].Cases) != 5 || words[0].Cases[0].CaseID != "case-0" {
		t.Errorf("%+v", words)
	}
}
