package notice

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/policies"
)

func TestShippedWorkflows(t *testing.T) {
	var ids []string
	for _, w := range Workflows() {
		ids = append(ids, w.ID)
		if text, ok := WorkflowYAML(w.ID); !ok || len(text) == 0 || len(w.SHA256) != 64 {
			t.Errorf("%s: the file is not named for its id", w.ID)
		}
	}
	if diff := cmp.Diff([]string{"cn-gov-baseline", "cq-2021"}, ids); diff != "" {
		t.Error(diff)
	}
	for _, id := range []string{"", "no-such", "../workflows/cq-2021", "cq-2021.yaml"} {
		if w, ok := WorkflowByID(id); ok {
			t.Errorf("WorkflowByID(%q) = %s, want none", id, w.ID)
		}
	}
}

// The recheck's reasons are the same words in every workflow, and the list of
// exemptions is that of the policies.
func TestReasonLists(t *testing.T) {
	w := workflow(t, DefaultWorkflow)
	if got := w.ReasonsOf(exemptionReasons); len(got) != len(policies.Reasons()) || got[0].ID != "standby" {
		t.Errorf("exemptions: %v", got)
	}
	if got := w.ReasonsOf("no_such"); got != nil {
		t.Errorf("a list that is not there: %v", got)
	}
}

// Every mistake is a change to a workflow that is right; the messages are exact.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var body, want []string
			for line := range strings.Lines(string(text)) {
				if w, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, strings.TrimSpace(w))
				} else {
					body = append(body, line)
				}
			}
			// The wants stand at the end, so that they move no line.
			_, err = ParseWorkflow("f.yaml", []byte(strings.Join(body, "")))
			var wrong *policies.Error
			if !errors.As(err, &wrong) {
				t.Fatalf("error %v, want a *policies.Error", err)
			}
			got := strings.Split(wrong.Error(), "\n")
			if *update {
				out := strings.Join(body, "")
				for _, g := range got {
					out += fmt.Sprintf("# want: %s\n", g)
				}
				if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSilentConsentIsNoWorkflow edits the shipped file so that somebody is bound
// without having said so, in each of the ways there are.
func TestSilentConsentIsNoWorkflow(t *testing.T) {
	text, _ := WorkflowYAML(DefaultWorkflow)
	for name, x := range map[string]struct{ old, new, want string }{
		"silence agrees": {"from: [notified, received]\n    to: overdue\n    by: [system]\n    starts: [escalation]", "from: [notified, received]\n    to: agreed\n    by: [system]",
			"is binding, and is reached without consent of the department and without two people in different roles"},
		"one person forces":       {"not_by: {request_force: role}", "not_by: {request_force: person}", "scheduled is binding, and is reached without consent"},
		"the cloud agrees":        {"by: [dept]\n    consent: true", "by: [dept, cloudadmin]\n    consent: true", "only the department itself consents: want by: [dept]"},
		"the program schedules":   {"to: scheduled\n    by: [cloudadmin]\n    needs: {planned: true}", "to: scheduled\n    by: [cloudadmin, system]\n    needs: {planned: true}", "the program leads no case into scheduled, which is binding"},
		"life is not looked at":   {"by: [cloudadmin, supervisor, system]\n    needs: {reason: withdrawal}", "by: [cloudadmin, supervisor]\n    needs: {reason: withdrawal}", "no transition has the event withdraw by system"},
		"a reason is not offered": {"      - {id: not_advised, name: {zh: 不再建议处置, en: no longer advised}}\n", "", `the recheck gives the reason not_advised, which the list "withdrawal" lacks`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(text), x.old, x.new, 1)
			if bad == string(text) {
				t.Fatal("nothing was replaced")
			}
			_, err := ParseWorkflow("f.yaml", []byte(bad))
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v, want %s", err, x.want)
			}
		})
	}
}

func FuzzParseWorkflow(f *testing.F) {
	for _, w := range Workflows() {
		text, _ := WorkflowYAML(w.ID)
		f.Add(text)
	}
	f.Add(fmt.Appendf(nil, one, 5, "day"))
	f.Add([]byte("id: &a x\nname: *a\n"))
	f.Add([]byte("states: [{id: a}, {id: a}]\ntransitions: [{from: [a], not_by: {a: role, a: person}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := ParseWorkflow("f.yaml", text)
		if err != nil {
			var wrong *policies.Error
			if !errors.As(err, &wrong) || slices.ContainsFunc(wrong.Problems, func(p policies.Problem) bool { return p.Message == "" }) {
				t.Errorf("error without its problems: %v", err)
			}
			return
		}
		if _, ok := w.State(w.Start); !ok || len(w.Transitions) == 0 || w.Silence.ZH == "" {
			t.Error("a workflow that cannot work was accepted")
		}
	})
}
