package notice

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/recommender"
)

// expected is one line of a table written by hand.
type expected struct {
	state State
	event string
	roles []Role
	to    State
	only  []string
}

func (x expected) covers(action recommender.Action, kind cloud.Kind) bool {
	for _, word := range x.only {
		fits := map[string]bool{
			"release": action == recommender.Release, "change": action != recommender.Release,
			"data": kind != cloud.EIP, "eip": kind == cloud.EIP,
		}
		if !fits[word] {
			return false
		}
	}
	return true
}

func expectations(t *testing.T, id string) []expected {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "expect", id+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []expected
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			continue
		}
		x := expected{state: State(strings.TrimSpace(cells[0])), event: strings.TrimSpace(cells[1]), to: State(strings.TrimSpace(cells[3])), only: strings.Fields(cells[4])}
		for _, r := range strings.Fields(cells[2]) {
			x.roles = append(x.roles, Role(r))
		}
		out = append(out, x)
	}
	return out
}

// standing is a case in a state, in which everything has happened that its
// transitions ask for, made by people who make nothing else.
func standing(t testing.TB, w Workflow, s State, action recommender.Action, kind cloud.Kind, passed bool, now time.Time) Case {
	t.Helper()
	c := opened(t, w, action, kind, now.AddDate(0, 0, -60))
	c.State, c.Deadlines = s, nil
	before := now.AddDate(0, 0, -30)
	for _, tr := range w.Transitions {
		for _, o := range tr.NotBy {
			c.History = append(c.History, Step{Seq: len(c.History) + 1, Event: o.Event, By: "maker of " + o.Event, Role: Viewer, At: before})
		}
	}
	for _, d := range w.Deadlines {
		if slices.Contains(d.While, s) {
			run := Deadline{ID: d.ID, From: before.Format(time.DateOnly), Due: now.AddDate(0, 0, -1).Format(time.DateOnly), Of: d.Of}
			if passed {
				run.Passed = now
			}
			c.Deadlines = append(c.Deadlines, run)
		}
	}
	c.Proposed = &recommender.Spec{VCPU: 4, MemoryGiB: 8, StorageGiB: 100}
	c.Exemption = &Exemption{Reason: "standby", Expires: now.AddDate(0, 0, 60).Format(time.DateOnly), RequestedBy: "dept-9"}
	return c
}

// TestEveryStateEventAndRole holds both workflows to tables written by hand.
func TestEveryStateEventAndRole(t *testing.T) {
	cal, now := builtin, on("2026-03-10")
	for _, w := range Workflows() {
		t.Run(w.ID, func(t *testing.T) {
			table := expectations(t, w.ID)
			events := []string{"no_such_event"}
			for _, tr := range w.Transitions {
				if !slices.Contains(events, tr.Event) {
					events = append(events, tr.Event)
				}
			}
			tried, allowed := 0, 0
			for _, action := range Actions() {
				for _, kind := range cloud.Kinds() {
					for _, s := range w.States {
						for _, event := range events {
							for _, role := range Roles() {
								tried++
								c := standing(t, w, s.ID, action, kind, role != System, now)
								e := Event{Name: event, By: person(role), At: now}
								if tr, ok := w.find(c, event); ok {
									e = full(w, c, tr, e.By, now)
								}
								next, err := w.Apply(c, e, cal)
								what := fmt.Sprintf("%s %s: %s by %s in %s", action, kind, event, role, s.ID)
								i := slices.IndexFunc(table, func(x expected) bool {
									return x.state == s.ID && x.event == event && x.covers(action, kind)
								})
								var state *StateError
								var wrongRole *RoleError
								switch {
								case i < 0 && !errors.As(err, &state):
									t.Errorf("%s: %v, want a StateError", what, err)
								case i < 0:
								case !slices.Contains(table[i].roles, role) && !errors.As(err, &wrongRole):
									t.Errorf("%s: %v, want a RoleError", what, err)
								case !slices.Contains(table[i].roles, role):
								case err != nil:
									t.Errorf("%s: %v, want %s", what, err, table[i].to)
								case next.State != table[i].to:
									t.Errorf("%s: leads to %s, want %s", what, next.State, table[i].to)
								default:
									allowed++
								}
							}
						}
					}
				}
			}
			t.Logf("%d combinations, %d allowed", tried, allowed)
		})
	}
}

// TestReference writes the tables that people read.
func TestReference(t *testing.T) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# 处置流程 | Workflows\n")
	line("<!-- 由 `go test ./notice -update` 生成，请勿手改 | generated; do not edit -->\n")
	line("每个流程是一个 YAML 文件：状态、时限、转换及其角色。*粗体*状态对使用单位有约束力：只有其同意，或两名不同角色的人员，才能到达。")
	line("时限为“工作日”者按国务院放假安排计算，次日起算；末日当日仍有效。\n")
	line("A workflow is a file in YAML: states, deadlines, transitions and who may make them. States in *bold* bind the department: only its")
	line("consent, or two people in different roles, lead there. Terms begin to run on the day after; their last day still counts.")
	for _, w := range Workflows() {
		line("\n## %s v%s\n", w.ID, w.Version)
		line("%s | %s\n", w.Name.ZH, w.Name.EN)
		line("- 可信度 confidence: %s", w.Confidence)
		line("- 出处 source: %s", w.Source)
		line("- %s", w.Note.ZH)
		line("- %s", w.Note.EN)
		line("- 逾期后果 silence: %s", w.Silence.ZH)
		line("- %s", w.Silence.EN)
		line("\n### %s: 状态与去向 | states and where they lead\n", w.ID)
		line("| 状态 state | 名称 name | 事件 event | 角色 by | 到 to | 需要 needs | 限于 only |\n| --- | --- | --- | --- | --- | --- | --- |")
		for _, s := range w.States {
			first := fmt.Sprintf("`%s` | %s, %s", s.ID, s.Name.ZH, s.Name.EN)
			if s.Binding {
				first = fmt.Sprintf("**`%s`** | %s, %s", s.ID, s.Name.ZH, s.Name.EN)
			}
			if s.Final {
				line("| %s | — | | 终 final | | |", first)
			}
			for _, tr := range w.Transitions {
				if !slices.Contains(tr.From, s.ID) {
					continue
				}
				to := "—"
				if tr.To != "" {
					to = "`" + string(tr.To) + "`"
				}
				line("| %s | %s %s, `%s` | %s | %s | %s | %s |", first, tr.Name.ZH, tr.Name.EN, tr.Event, join(tr.By), to, needs(tr), only(tr))
				first = " | "
			}
		}
		line("\n### %s: 时限 | deadlines\n", w.ID)
		line("| 时限 deadline | 名称 name | 期限 term | 责任方 of | 状态 while | 逾期 then | 提醒 reminders |\n| --- | --- | --- | --- | --- | --- | --- |")
		for _, d := range w.Deadlines {
			term := fmt.Sprintf("%d %s", d.Within, d.Unit)
			if d.Until {
				term = "至批准的到期日，最长 180 天 until the day approved, at most 180 days"
			}
			line("| `%s` | %s, %s | %s | %s | %s | `%s` | %s |", d.ID, d.Name.ZH, d.Name.EN, term, d.Of, join(d.While), d.Then, remind(d.Remind))
		}
		line("\n### %s: 事由 | reasons\n", w.ID)
		line("| 清单 list | 事由 reason |\n| --- | --- |")
		for _, l := range append(slices.Clone(w.Reasons), ReasonList{exemptionReasons, w.ReasonsOf(exemptionReasons)}) {
			var names []string
			for _, r := range l.Reasons {
				names = append(names, fmt.Sprintf("`%s` %s, %s", r.ID, r.Name.ZH, r.Name.EN))
			}
			line("| `%s` | %s |", l.ID, strings.Join(names, "<br>"))
		}
		if len(w.Checklist) > 0 {
			line("\n### %s: 释放清单 | checklist of a release\n", w.ID)
			line("| 事项 item | 名称 name | 资源 kinds |\n| --- | --- | --- |")
			for _, i := range w.Checklist {
				kinds := "全部 all"
				if len(i.Kinds) > 0 {
					kinds = join(i.Kinds)
				}
				line("| `%s` | %s, %s | %s |", i.ID, i.Name.ZH, i.Name.EN, kinds)
			}
		}
	}
	golden(t, filepath.Join("..", "docs", "reference", "workflow.md"), b.String())
}

func needs(t Transition) string {
	var out []string
	for _, n := range []struct {
		is   bool
		text string
	}{
		{t.Needs.Reason != "", "事由 reason: " + t.Needs.Reason}, {t.Needs.Note, "说明 note"}, {t.Needs.Evidence, "证明 evidence"},
		{t.Needs.Target, "规格 size"}, {t.Needs.Planned, "日期 day"}, {t.Needs.Expires, "到期日 expiry"}, {t.Needs.Document, "文号 document number"},
		{t.Needs.Items, "清单事项 items"}, {len(t.Needs.Checklist) > 0, "清单 checklist: " + join(t.Needs.Checklist)}, {t.Needs.Passed != "", "已满 passed: " + t.Needs.Passed},
	} {
		if n.is {
			out = append(out, n.text)
		}
	}
	for _, o := range t.NotBy {
		if o.Role {
			out = append(out, "另一角色的另一人 another person in another role than "+o.Event)
		} else {
			out = append(out, "另一人 another person than "+o.Event)
		}
	}
	return strings.Join(out, "; ")
}

func only(t Transition) string {
	var out []string
	if len(t.Actions) > 0 {
		out = append(out, join(t.Actions))
	}
	if len(t.Kinds) > 0 {
		out = append(out, join(t.Kinds))
	}
	return strings.Join(out, "; ")
}

func remind(r Remind) string {
	var out []string
	for _, n := range r.Before {
		out = append(out, fmt.Sprintf("T−%d", n))
	}
	if r.After > 0 {
		out = append(out, fmt.Sprintf("T+%d", r.After))
	}
	if r.Every > 0 {
		out = append(out, fmt.Sprintf("每 every %d", r.Every))
	}
	return strings.Join(out, ", ")
}
