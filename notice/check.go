package notice

import (
	"slices"

	"yunjian/cloud"
	"yunjian/recommender"
)

// check holds a workflow to itself, once every part of it reads.
func (r *reader) check(w Workflow) {
	r.unique(w)
	start, _ := w.State(w.Start)
	if start.Final {
		r.wrong("start", "%s is final: no case would ever move", w.Start)
	}
	for i, t := range w.Transitions {
		r.checkTransition(w, t, indexed("transitions", i))
		for _, before := range w.Transitions[:i] {
			if state, both := overlap(before, t); both {
				r.wrong(indexed("transitions", i), "%s from %s is given twice for the same cases", t.Event, state)
			}
		}
	}
	for i, d := range w.Deadlines {
		r.checkTerm(w, d, indexed("deadlines", i))
	}
	r.checkStarts(w, w.Starts, "starts", w.Start)
	r.checkPaths(w)
	r.checkBinding(w)
	r.checkWithdrawal(w)
}

// unique wants every id once in its list.
func (r *reader) unique(w Workflow) {
	seen := map[string]bool{}
	once := func(list string, i int, id string) {
		if seen[list+" "+id] {
			r.wrong(indexed(list, i), "%q is given twice", id)
		}
		seen[list+" "+id] = true
	}
	for i, s := range w.States {
		once("states", i, string(s.ID))
	}
	for i, d := range w.Deadlines {
		once("deadlines", i, d.ID)
	}
	for i, c := range w.Checklist {
		once("checklist", i, c.ID)
	}
	for i, l := range w.Reasons {
		once("reasons", i, l.ID)
		for j, reason := range l.Reasons {
			once(indexed("reasons", i)+".of", j, reason.ID)
		}
	}
}

// overlap reports whether two transitions could both be meant by one event, and
// from where.
func overlap(a, b Transition) (State, bool) {
	if a.Event != b.Event || !meet(a.Actions, b.Actions) || !meet(a.Kinds, b.Kinds) {
		return "", false
	}
	for _, s := range a.From {
		if slices.Contains(b.From, s) {
			return s, true
		}
	}
	return "", false
}

// meet reports whether two restrictions, none where empty, have something in common.
func meet[T comparable](a, b []T) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(v T) bool { return slices.Contains(b, v) })
}

func (r *reader) checkTransition(w Workflow, t Transition, path string) {
	for i, from := range t.From {
		info, _ := w.State(from)
		if info.Final {
			r.wrong(indexed(path+".from", i), "%s is final: nothing leads on from it", from)
		}
		if t.To != "" {
			continue
		}
		r.checkStarts(w, t.Starts, path+".starts", from)
	}
	if t.To != "" {
		r.checkStarts(w, t.Starts, path+".starts", t.To)
	}
	for _, o := range t.NotBy {
		if !slices.ContainsFunc(w.Transitions, func(t Transition) bool { return t.Event == o.Event }) {
			r.wrong(path+".not_by."+o.Event, "no transition has the event %q", o.Event)
		}
	}
	if t.Consent && !slices.Equal(t.By, []Role{Dept}) {
		r.wrong(path+".consent", "only the department itself consents: want by: [dept]")
	}
	if t.Becomes != "" && t.Needs.Target {
		r.wrong(path+".becomes", "takes the size that was asked for before: want no target of its own")
	}
	if slices.Contains(t.By, System) && !w.timed(t.Event) && !slices.Contains(recheckEvents, t.Event) {
		r.wrong(path+".by", "nothing makes the event %s by system: no deadline has it as then, and the recheck makes %s", t.Event, join(recheckEvents))
	}
	applicable := len(t.Actions) == 0 || slices.Contains(t.Actions, recommender.Release)
	if (len(t.Needs.Checklist) > 0 || t.Needs.Items) && !(applicable && len(t.Actions) == 1) {
		r.wrong(path+".needs", "the checklist is of releases: want actions: [release]")
	}
}

// checkStarts wants deadlines to run in the state that they begin in.
func (r *reader) checkStarts(w Workflow, starts []string, path string, in State) {
	for i, id := range starts {
		if d, ok := w.term(id); ok && !slices.Contains(d.While, in) {
			r.wrong(indexed(path, i), "%s does not run in the state %s: its while is %s", id, in, join(d.While))
		}
	}
}

func (r *reader) checkTerm(w Workflow, d Term, path string) {
	started := slices.Contains(w.Starts, d.ID)
	asked := false
	for _, t := range w.Transitions {
		started = started || slices.Contains(t.Starts, d.ID)
		asked = asked || t.Needs.Expires
	}
	if !started {
		r.wrong(path, "no transition starts it")
	}
	if d.Until && !asked {
		r.wrong(path+".until", "no transition needs expires: the day would not be known")
	}
	if d.Until && slices.Contains(w.Starts, d.ID) {
		r.wrong(path+".until", "begins with the case, of which nobody has asked anything yet")
	}
	var leads []State
	some := false
	for _, t := range w.Transitions {
		if t.Event == d.Then && slices.Contains(t.By, System) {
			some = true
			leads = append(leads, t.From...)
			leads = append(leads, t.To)
		}
	}
	if !some {
		r.wrong(path+".then", "no transition has the event %q by system", d.Then)
		return
	}
	for i, s := range d.While {
		if !slices.Contains(leads, s) {
			r.wrong(indexed(path+".while", i), "when it passes in %s, %s does not lead on from there", s, d.Then)
		}
	}
}

// checkPaths wants every state reached from the start, and a final one reached
// from every state; and no case of any action and kind to be stuck on its way.
func (r *reader) checkPaths(w Workflow) {
	every := func(Transition) bool { return true }
	reached, ends := reach(w, w.Start, every), leading(w, every)
	whole := true
	for i, s := range w.States {
		if !reached[s.ID] {
			r.wrong(indexed("states", i), "%s is reached by no transition", s.ID)
			whole = false
		}
		if !ends[s.ID] {
			r.wrong(indexed("states", i), "%s has no way out: no final state is reached from it", s.ID)
			whole = false
		}
	}
	for _, action := range Actions() {
		for _, kind := range cloud.Kinds() {
			if whole {
				whole = r.checkCases(w, Case{Action: action, Kind: kind})
			}
		}
	}
}

// checkCases follows the cases of one action and kind, which take only their own
// transitions.
func (r *reader) checkCases(w Workflow, c Case) bool {
	own := func(t Transition) bool {
		c.State = t.From[0]
		return t.applies(c)
	}
	reached, ends := reach(w, w.Start, own), leading(w, own)
	for i, s := range w.States {
		if reached[s.ID] && !ends[s.ID] {
			r.wrong(indexed("states", i), "a case of action %s and kind %s finds no way out of %s", c.Action, c.Kind, s.ID)
			return false
		}
	}
	return true
}

// reach is every state that the transitions allowed lead to from one.
func reach(w Workflow, from State, allowed func(Transition) bool) map[State]bool {
	out := map[State]bool{}
	for left := []State{from}; len(left) > 0; {
		s := left[0]
		left = left[1:]
		if out[s] {
			continue
		}
		out[s] = true
		for _, t := range w.Transitions {
			if slices.Contains(t.From, s) && t.To != "" && allowed(t) {
				left = append(left, t.To)
			}
		}
	}
	return out
}

// leading is every state from which the transitions allowed lead to a final one.
func leading(w Workflow, allowed func(Transition) bool) map[State]bool {
	out := map[State]bool{}
	for _, s := range w.States {
		out[s.ID] = s.Final
	}
	for more := true; more; {
		more = false
		for _, t := range w.Transitions {
			if !out[t.To] || !allowed(t) {
				continue
			}
			for _, s := range t.From {
				more = more || !out[s]
				out[s] = true
			}
		}
	}
	return out
}

// checkBinding holds the workflow to what no notice may do: silence is never
// consent, and nobody forces anything alone.
func (r *reader) checkBinding(w Workflow) {
	free := reach(w, w.Start, func(t Transition) bool { return !t.Consent && !t.forced() })
	for i, s := range w.States {
		if s.Binding && free[s.ID] {
			r.wrong(indexed("states", i), "%s is binding, and is reached without consent of the department and without two people in different roles", s.ID)
		}
	}
	for i, t := range w.Transitions {
		info, _ := w.State(t.To)
		if info.Binding && slices.Contains(t.By, System) {
			r.wrong(indexed("transitions", i)+".by", "the program leads no case into %s, which is binding", t.To)
		}
	}
}

// forced reports whether two people in different roles stand behind it.
func (t Transition) forced() bool {
	return slices.ContainsFunc(t.NotBy, func(o Other) bool { return o.Role })
}

// checkWithdrawal wants what Recheck finds to have somewhere to go.
func (r *reader) checkWithdrawal(w Workflow) {
	if !slices.ContainsFunc(w.Transitions, func(t Transition) bool { return t.Event == eventWithdraw && slices.Contains(t.By, System) }) {
		r.wrong("transitions", "no transition has the event %s by system: advice that no longer holds could not be taken back", eventWithdraw)
	}
	for i, t := range w.Transitions {
		if !slices.Contains(recheckEvents, t.Event) || !slices.Contains(t.By, System) {
			continue
		}
		codes := recheckCodes
		if t.Event == eventUnfreeze {
			codes = []string{SignsOfLife}
		}
		path := indexed("transitions", i)
		if !t.Needs.onlyReason() {
			r.wrong(path+".needs", "the program gives a reason and nothing else")
			continue
		}
		for _, code := range codes {
			if !slices.ContainsFunc(w.ReasonsOf(t.Needs.Reason), func(reason Reason) bool { return reason.ID == code }) {
				r.wrong(path, "the recheck gives the reason %s, which the list %q lacks", code, t.Needs.Reason)
			}
		}
	}
}

func (n Needs) onlyReason() bool {
	return !(n.Note || n.Evidence || n.Target || n.Planned || n.Expires || n.Document || n.Items || len(n.Checklist) > 0 || n.Passed != "")
}
