package policies

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestEveryPackParsesAndDescribesItself(t *testing.T) {
	packs := Builtin()
	var ids []string
	for _, p := range packs {
		ids = append(ids, p.ID)
		t.Run(p.ID, func(t *testing.T) {
			text, ok := YAML(p.ID)
			if !ok {
				t.Fatalf("no text for %s: the file is not named for its id", p.ID)
			}
			if p.SHA256 != checksum(text) {
				t.Errorf("checksum %s is not of the file", p.SHA256)
			}
			if p.Source.Title == "" || p.Confidence == "" {
				t.Error("pack without source or confidence")
			}
			golden(t, filepath.Join("testdata", "packs", p.ID+".golden"), p.String())
		})
	}
	want := []string{
		"alicloud-thrifty-30d", "audit-band-30-70", "aws-ta-14d", "azure-advisor-7d", "bulletin-30-30-40",
		"cn-gov-baseline", "cq-2021", "gcp-idle-15d", "oci-conservative", "tier-25-40-30d",
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("packs (-want +got):\n%s", diff)
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestListSaysWhichPackNeedsANumber(t *testing.T) {
	var b strings.Builder
	if err := WriteList(&b, Builtin()); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "list.golden"), b.String())
}

func TestUnknownIDsAreNotPacks(t *testing.T) {
	for _, id := range []string{"", "no-such-pack", "../packs/cq-2021", "cq-2021.yaml"} {
		if p, ok := ByID(id); ok {
			t.Errorf("ByID(%q) = %s, want none", id, p.ID)
		}
	}
}

// The ratio is not visible in the source: the pack shows, and an audit is
// refused until somebody enters it.
func TestPackWithoutItsNumberShowsButIsNotUsable(t *testing.T) {
	text, _ := YAML("cq-2021")
	p, err := Parse("cq-2021.yaml", text)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	if err := p.Usable(); err == nil || !strings.Contains(err.Error(), "redundancy-ratio") {
		t.Errorf("Usable() = %v, want an error that names redundancy-ratio", err)
	}
	if _, ok := p.Allowed(); ok {
		t.Error("Allowed() knows a share that nobody entered")
	}
	problems := Check("cq-2021.yaml", text)
	if len(problems) != 1 || !problems[0].Incomplete {
		t.Errorf("Check = %v, want the one number to enter", problems)
	}

	entered := strings.Replace(string(text), "value:            # not visible in the source: enter it", "value: 20", 1)
	p, err = Parse("ours.yaml", []byte(entered))
	if err != nil {
		t.Fatalf("Parse with the number: %v", err)
	}
	if err := p.Usable(); err != nil {
		t.Errorf("Usable() with the number = %v", err)
	}
	if share, ok := p.Allowed(); !ok || share != 0.2 {
		t.Errorf("Allowed() = %g, %v, want 0.2, true", share, ok)
	}
	if problems := Check("ours.yaml", []byte(entered)); len(problems) != 0 {
		t.Errorf("Check with the number = %v", problems)
	}
}

func TestMaxSteal(t *testing.T) {
	for _, p := range Builtin() {
		if p.Sizing.MaxSteal != DefaultMaxSteal {
			t.Errorf("%s: max_steal_percent is %g, want the default %d", p.ID, p.Sizing.MaxSteal, DefaultMaxSteal)
		}
	}
	text, _ := YAML(DefaultID)
	for _, limit := range []string{"0", "12.5", "100"} {
		ours := strings.Replace(string(text), "max_step: 2", "max_step: 2\n  max_steal_percent: "+limit, 1)
		p, err := Parse("ours.yaml", []byte(ours))
		if got := fmt.Sprint(p.Sizing.MaxSteal); err != nil || got != limit {
			t.Errorf("max_steal_percent: %s is read as %s, %v", limit, got, err)
		}
	}
}

func TestGradesIncludeTheirLimit(t *testing.T) {
	for p, want := range map[float64]string{0: "A", 0.01: "A", 0.0100001: "B", 0.05: "B", 0.1: "C", 0.11: "D", 1: "D"} {
		if got := DefaultRisk.Of(p); got != want {
			t.Errorf("grade of %g = %s, want %s", p, got, want)
		}
	}
}

// Every mistake has a file whose first lines name the exact messages.
func TestMistakesAreReportedWithFileLineAndColumn(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d bad files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				if w, ok := strings.CutPrefix(strings.TrimSpace(line), "# want: "); ok {
					want = append(want, w)
				}
			}
			var got []string
			for _, p := range Check("f.yaml", text) {
				got = append(got, p.String())
			}
			if *update {
				rewriteWants(t, file, string(text), got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// rewriteWants puts the messages on the first lines; the number of lines
// changes what the messages say, so it is run until nothing changes.
func rewriteWants(t *testing.T, file, text string, got []string) {
	t.Helper()
	var body []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "# want: ") {
			body = append(body, line)
		}
	}
	for range 3 {
		var head []string
		for _, g := range got {
			head = append(head, "# want: "+g+"\n")
		}
		text = strings.Join(slices.Concat(head, body), "")
		got = got[:0]
		for _, p := range Check("f.yaml", []byte(text)) {
			got = append(got, p.String())
		}
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range Builtin() {
		text, _ := YAML(p.ID)
		f.Add(text)
	}
	f.Add([]byte("exemptions:\n  - {resource: i-1, reason: standby, owner: a, evidence: b, from: 2026-01-01, expires: 2026-02-01}\n"))
	f.Add([]byte("id: &a x\nname: *a\n"))
	f.Add([]byte("rules: [{when: [{metric: cpu_percent, statistic: day_mean, on_days: 4, and: [{}]}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, problem := range Check("f.yaml", text) {
			if problem.Message == "" {
				t.Errorf("problem without a message: %+v", problem)
			}
		}
		p, err := Parse("f.yaml", text)
		if err == nil && (len(p.Rules) == 0 || p.String() == "" || p.Window <= 0) {
			t.Errorf("a pack without rules or window was accepted")
		}
		again, err2 := Parse("f.yaml", text)
		if (err == nil) != (err2 == nil) || again.String() != p.String() {
			t.Error("parsing twice differs")
		}
		_, _ = ParseExemptions("f.yaml", text)
	})
}
