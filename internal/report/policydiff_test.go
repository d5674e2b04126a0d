package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
)

// sameAs holds got to a golden file.
func sameAs(t *testing.T, name, got string) {
	t.Helper()
	if strings.Contains(got, "%!") {
		t.Error("a text was given the wrong arguments")
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func compareRich(t *testing.T, a, b func(Weekly) audit.Audit, settings ...policies.Setting) audit.Comparison {
	r := rich(t)
	var resources []cloud.Resource
	for _, inv := range r.Inventories {
		resources = append(resources, inv.Resources...)
	}
	return audit.Compare(a(r), b(r), resources, settings)
}

func TestPolicyDiff(t *testing.T) {
	was, is := "below 5", "below 8"
	c := compareRich(t,
		func(r Weekly) audit.Audit { return *r.Previous },
		func(r Weekly) audit.Audit { r.Audit.Policy.ID = "ours"; return r.Audit },
		policies.Setting{Field: "rules.idle.when.cpu_percent.p95", A: &was, B: &is}, policies.Setting{Field: "rules.low", A: nil, B: &is}, policies.Setting{Field: "min_age", A: &was})
	for _, l := range Langs() {
		var got bytes.Buffer
		if err := WritePolicyDiff(&got, c, testPack(), testPack(), shanghai, l); err != nil {
			t.Fatal(err)
		}
		sameAs(t, "policydiff."+string(l)+".txt", got.String())
	}
}

// Where nothing changes, that is said, and whether the packs differ at all.
func TestPolicyDiffOfNoChange(t *testing.T) {
	same := func(r Weekly) audit.Audit { return r.Audit }
	v := "3"
	for want, c := range map[string]audit.Comparison{
		"The packs have the same settings, and the same results":  compareRich(t, same, same),
		"The packs differ in 1 setting, but on this history none": compareRich(t, same, same, policies.Setting{Field: "confirm_runs", A: &v}),
		"Nothing to audit: no cloud has been listed yet":          audit.Compare(audit.Audit{}, audit.Audit{}, nil, nil),
	} {
		var got bytes.Buffer
		if err := WritePolicyDiff(&got, c, testPack(), testPack(), shanghai, EN); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(got.String()), " "), want) {
			t.Errorf("no %q in:\n%s", want, got.String())
		}
	}
}

// Of many resources some are shown one by one; what changes is counted for all of them.
func TestPolicyDiffOfMany(t *testing.T) {
	c := audit.Comparison{Resources: 100, Instances: 100, Currency: "CNY"}
	for i := range 100 {
		b := audit.Side{Verdict: analyzer.Optimized}
		if i%4 == 0 {
			b.Verdict = analyzer.InsufficientData
		}
		c.Switched = append(c.Switched, audit.Switch{ResourceID: fmt.Sprintf("i-%03d", i), Kind: cloud.Instance, A: audit.Side{Verdict: analyzer.Idle, Rule: "idle"}, B: b})
	}
	var got bytes.Buffer
	if err := WritePolicyDiff(&got, c, testPack(), testPack(), shanghai, EN); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got.String(), " i-"); n != mostSwitched {
		t.Errorf("%d resources one by one, want %d", n, mostSwitched)
	}
	text := strings.Join(strings.Fields(got.String()), " ")
	for _, want := range []string{
		"idle (idle); nothing proposed in order; nothing proposed 75 idle (idle); nothing proposed insufficient data; nothing proposed 25",
		"60 more are not listed one by one; --format json has all", "its budget allows 2.00",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, got.String())
		}
	}
}
