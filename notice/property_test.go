package notice

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/recommender"
)

// text is a case as it is stored: all of it.
func text(t interface{ Fatal(...any) }, c Case) string {
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAnyWay goes at random through both workflows, with everybody trying
// everything.
func TestAnyWay(t *testing.T) {
	workflows := Workflows()
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom(workflows).Draw(t, "workflow")
		o := opening(rapid.SampledFrom(Actions()).Draw(t, "action"), rapid.SampledFrom(cloud.Kinds()).Draw(t, "kind"))
		now := on("2026-01-05").AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "day"))
		c, err := w.Open(o, now, builtin)
		if err != nil {
			t.Fatal(err)
		}
		people := []string{"a", "b", "c"}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.AddDate(0, 0, rapid.SampledFrom([]int{0, 0, 1, 3, 20}).Draw(t, "pause"))
			tr := rapid.SampledFrom(w.Transitions).Draw(t, "transition")
			if ways := slices.DeleteFunc(slices.Clone(w.Transitions), func(tr Transition) bool { return !tr.applies(c) }); len(ways) > 0 && rapid.IntRange(0, 9).Draw(t, "possible") > 0 {
				tr = rapid.SampledFrom(ways).Draw(t, "way")
			}
			role := rapid.SampledFrom(tr.By).Draw(t, "role")
			if rapid.IntRange(0, 9).Draw(t, "anybody") == 0 {
				role = rapid.SampledFrom(Roles()).Draw(t, "any role")
			}
			by := Actor{ID: rapid.SampledFrom(people).Draw(t, "person"), Role: role, Department: finBureau}
			before := text(t, c)
			next, err := w.Apply(c, full(w, c, tr, by, now), builtin)
			if text(t, c) != before {
				t.Fatalf("%s changed the case it was given", tr.Event)
			}
			if err != nil {
				continue
			}
			check(t, w, c, next)
			scribble(&next)
			if text(t, c) != before {
				t.Fatalf("after %s the new case shares memory with the old", tr.Event)
			}
			if c, err = w.Apply(c, full(w, c, tr, by, now), builtin); err != nil {
				t.Fatalf("%s a second time: %v", tr.Event, err)
			}
		}
	})
}

func check(t *rapid.T, w Workflow, before, after Case) {
	info, ok := w.State(after.State)
	if !ok {
		t.Fatalf("state %q is not one", after.State)
	}
	if len(after.History) != len(before.History)+1 || !cmp.Equal(before.History, after.History[:len(before.History)]) {
		t.Fatal("history is not what it was and one more")
	}
	last := after.History[len(after.History)-1]
	if last.Seq != len(after.History) || last.To != after.State || last.From != before.State {
		t.Fatalf("step %+v does not tell what happened", last)
	}
	if info.Final && len(after.Deadlines) > 0 {
		t.Fatalf("%v run in %s, which is final", running(after), after.State)
	}
	was, _ := w.State(before.State)
	if !info.Binding || was.Binding {
		return
	}
	// Somebody said yes, or two people in two roles did.
	if last.Role == Dept {
		return
	}
	prev := after.History[len(after.History)-2]
	for _, s := range slices.Backward(after.History[:len(after.History)-1]) {
		if s.From != s.To {
			prev = s
			break
		}
	}
	if last.Event == "accept_counter" && prev.Event == "counter" && prev.Role == Dept {
		return
	}
	if prev.By == last.By || prev.Role == last.Role || !strings.HasPrefix(prev.Event, "request_") {
		t.Fatalf("%s by %s %s leads into %s after %s by %s %s", last.Event, last.Role, last.By, after.State, prev.Event, prev.Role, prev.By)
	}
}

// scribble writes into everything of a case that can be written into.
func scribble(c *Case) {
	for i := range c.History {
		s := &c.History[i]
		s.Event = "scribbled"
		for j := range s.Evidence {
			s.Evidence[j].Name = "scribbled"
		}
		for j := range s.Items {
			s.Items[j].Owner = "scribbled"
		}
		if s.Target != nil {
			s.Target.VCPU = -1
		}
	}
	for i := range c.Deadlines {
		c.Deadlines[i].Due = "scribbled"
		for j := range c.Deadlines[i].Remind.Before {
			c.Deadlines[i].Remind.Before[j] = -1
		}
	}
	for i := range c.Checklist {
		c.Checklist[i].Owner = "scribbled"
	}
	for _, s := range []*recommender.Spec{c.Target, c.Proposed} {
		if s != nil {
			s.VCPU = -1
		}
	}
	if c.Exemption != nil {
		c.Exemption.Expires = "scribbled"
		for i := range c.Exemption.Evidence {
			c.Exemption.Evidence[i].Name = "scribbled"
		}
	}
	r := &c.Cited.Recommendation
	r.Flags[0], *r.Reasons[0].Value, r.Pricing.Current[0].Item, *r.Risk.Parts[0].Waking, *r.Projected.CPUP95 = "scribbled", -1, "scribbled", -1, -1
	if r.Target != nil {
		r.Target.VCPU = -1
	}
	if r.Schedule != nil {
		r.Schedule.HoursOff, *r.Schedule.OffCPU = -1, -1
	}
	f := &c.Cited.Finding
	*f.Coverage, *f.Reasons[0].Limit, *f.Evidence[0].Mean = -1, -1, -1
}

// TestSilenceBindsNobody lets time alone work on a notice, of any day.
func TestSilenceBindsNobody(t *testing.T) {
	workflows := Workflows()
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom(workflows).Draw(t, "workflow")
		now := on("2026-01-05").AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "day"))
		c := openedBy(t, w, now)
		states := []StateInfo{}
		for _, s := range w.States {
			if !s.Final {
				states = append(states, s)
			}
		}
		start := rapid.SampledFrom(states).Draw(t, "state")
		c.State = start.ID
		c.Deadlines = nil
		for _, d := range w.Deadlines {
			if slices.Contains(d.While, c.State) && !d.Until {
				c.start(w, d.ID, now, builtin)
			}
		}
		for range 200 {
			now = now.AddDate(0, 0, 1)
			for _, e := range w.Due(c, now, builtin) {
				next, err := w.Apply(c, e, builtin)
				if err != nil {
					t.Fatalf("%s: %v", e.Name, err)
				}
				c = next
				if info, _ := w.State(c.State); info.Binding && !start.Binding {
					t.Fatalf("silence leads from %s to %s", start.ID, c.State)
				}
			}
			if again := w.Due(c, now, builtin); len(again) > 0 {
				t.Fatalf("%v once more on the same day", again)
			}
		}
	})
}

func openedBy(t *rapid.T, w Workflow, at time.Time) Case {
	c, err := w.Open(opening(recommender.Release, cloud.Instance), at, builtin)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
