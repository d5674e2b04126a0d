package audit

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
	"yunjian/utilization"
)

var update = flag.Bool("update", false, "rewrite golden files")

var asOf = time.Date(2026, 11, 23, 2, 0, 0, 0, time.FixedZone("CST", 8*3600))

func book(t *testing.T, currency string) price.Book {
	t.Helper()
	b, err := price.Parse("test.yaml", []byte(`
id: test
version: "1"
name: {zh: 测试, en: test}
currency: `+currency+`
confidence: proposed
tax_included: true
source: {title: test}
items:
  - {id: cpu, what: vcpu, price: 10.005, per: month}
  - {id: mem, what: memory, price: 5, per: month}
  - {id: disk, what: storage, price: 1, per: month}
`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fleet is an idle machine with an attached disk, an over-provisioned one, one
// without data and a forgotten disk.
func fleet(p policies.Pack) []recommender.Candidate {
	w := cloud.Last(p.Window, asOf)
	level := func(m cloud.Metric, v float64) utilization.Summary {
		var points []cloud.Point
		for at := w.From; at.Before(w.To); at = at.Add(utilization.Step) {
			points = append(points, cloud.Point{T: at.Unix(), V: v})
		}
		return utilization.Describe(points, m, w, asOf.Location())
	}
	machine := func(id string, cpu, memory, network, storage float64) analyzer.Input {
		in := analyzer.Input{
			Resource: cloud.Resource{
				ID: id, Kind: cloud.Instance, Name: "示例-" + id, Department: "示例局", Application: "示例应用", Status: cloud.Running,
				VCPU: 8, MemoryGiB: 32, StorageGiB: storage, CreatedAt: asOf.AddDate(-2, 0, 0),
			},
			Utilization: map[cloud.Metric]utilization.Summary{}, Peaks: map[cloud.Metric]analyzer.Peak{},
		}
		for m, v := range map[cloud.Metric]float64{cloud.CPUPercent: cpu, cloud.MemoryPercent: memory, cloud.NetworkInBPS: network, cloud.NetworkOutBPS: network} {
			in.Utilization[m] = level(m, v)
			in.Peaks[m] = analyzer.Peak{Max: v, DayP95: v, Since: asOf.AddDate(-2, 0, 0)}
		}
		return in
	}
	inputs := []analyzer.Input{
		machine("i-2", 12, 60, 1e6, 0),
		machine("i-1", 1, 10, 100, 200),
		{Resource: cloud.Resource{ID: "i-3", Kind: cloud.Instance, VCPU: 4, MemoryGiB: 16, Status: cloud.Running, CreatedAt: asOf.AddDate(-1, 0, 0)}},
		{Resource: cloud.Resource{ID: "d-2", Kind: cloud.Disk, StorageGiB: 100, Status: cloud.Available, DetachedAt: asOf.AddDate(0, -2, 0), Department: "示例局"}},
		{Resource: cloud.Resource{ID: "d-1", Kind: cloud.Disk, StorageGiB: 200, Status: cloud.InUse, AttachedTo: "i-1", Department: "示例局"}},
	}
	var out []recommender.Candidate
	for _, in := range inputs {
		out = append(out, recommender.Candidate{
			Input: in, Finding: analyzer.Judge(p, in, asOf), Past: recommender.Standard().PastOf(in.Resource, in.Utilization, nil),
		})
	}
	return out
}

func build(t *testing.T, candidates []recommender.Candidate, p policies.Pack, b price.Book) Audit {
	t.Helper()
	recs, refusals := recommender.Recommend(p, candidates, nil, b, nil, asOf)
	return New(asOf, p, b, candidates, recs, refusals)
}

func baseline(t *testing.T) policies.Pack {
	t.Helper()
	p, ok := policies.ByID(policies.DefaultID)
	if !ok {
		t.Fatal("no baseline")
	}
	p.SHA256 = "checksum of the pack" // so that editing the pack does not touch this golden
	p.Calendar = calendar.Builtin()
	p.Calendar.Seasons.SHA256 = "checksum of the seasons"
	return p
}

func TestDocument(t *testing.T) {
	p := baseline(t)
	a := build(t, fleet(p), p, book(t, "CNY"))
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "audit.golden.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}

	var back Audit
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(back, "", "  ")
	if err != nil || string(again) != string(text) {
		t.Errorf("the document does not survive being read back: %v", err)
	}
}

// The names that scripts outside the project read.
func TestContractedNames(t *testing.T) {
	p := baseline(t)
	text, err := json.Marshal(build(t, fleet(p), p, book(t, "CNY")))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	at := func(path string) (any, bool) {
		v := doc
		for _, key := range strings.Split(path, ".") {
			if list, ok := v.([]any); ok {
				if len(list) == 0 {
					return nil, false
				}
				v = list[0]
			}
			m, ok := v.(map[string]any)
			if !ok {
				return nil, false
			}
			if v, ok = m[key]; !ok {
				return nil, false
			}
		}
		return v, true
	}
	for _, path := range []string{
		"as_of", "policy.id", "policy.version", "policy.sha256", "price_book.id", "price_book.version", "price_book.example",
		"totals.resources", "totals.verdicts.idle", "totals.verdicts.overprovisioned", "totals.verdicts.underprovisioned",
		"totals.verdicts.optimized", "totals.verdicts.unattached", "totals.verdicts.insufficient_data",
		"totals.release.resources", "totals.release.vcpu", "totals.release.memory_gib", "totals.release.storage_gib", "totals.release.annual_saving",
		"totals.downsize.resources", "totals.downsize.vcpu", "totals.downsize.memory_gib", "totals.downsize.storage_gib", "totals.downsize.annual_saving",
		"totals.currency",
		"findings.resource_id", "findings.kind", "findings.verdict", "findings.coverage", "findings.flags", "findings.reasons.code",
		"findings.reasons.metric", "findings.reasons.statistic", "findings.reasons.value", "findings.reasons.limit", "findings.reasons.unit",
		"recommendations.id", "recommendations.resource_id", "recommendations.kind", "recommendations.department", "recommendations.application",
		"recommendations.action", "recommendations.current.vcpu", "recommendations.current.memory_gib", "recommendations.current.storage_gib",
		"recommendations.target", "recommendations.annual_saving", "recommendations.currency",
		"recommendations.risk.harm_probability", "recommendations.risk.grade", "recommendations.reasons",
	} {
		if _, ok := at(path); !ok {
			t.Errorf("%s is missing", path)
		}
	}
	if v, _ := at("totals.release.annual_saving"); v != "6480.48" { // (8×10.005 + 32×5 + 200 + 100) × 12
		t.Errorf("release saves %v, want the string 6480.48", v)
	}
}

func TestTotalsCountStorageOnce(t *testing.T) {
	p := baseline(t)
	a := build(t, fleet(p), p, book(t, "CNY"))
	got := a.Totals
	if got.StorageGiB != 300 { // the machine's 200, which its disk listed apart is, and the forgotten 100
		t.Errorf("storage %g GiB, want 300", got.StorageGiB)
	}
	if got.Resources != 5 || got.VCPU != 20 || got.MemoryGiB != 80 {
		t.Errorf("totals %+v", got)
	}
	sum := 0
	for _, v := range analyzer.Verdicts() {
		n, ok := got.Verdicts[v]
		if !ok {
			t.Errorf("verdict %s is left out", v)
		}
		sum += n
	}
	if sum != got.Resources {
		t.Errorf("verdicts sum to %d of %d", sum, got.Resources)
	}
	want := ActionTotal{Resources: 2, VCPU: 8, MemoryGiB: 32, StorageGiB: 300, AnnualSaving: "6480.48"}
	if diff := cmp.Diff(want, got.Release); diff != "" {
		t.Errorf("release (-want +got):\n%s", diff)
	}
}

func TestOrderOfTheFleetDoesNotMatter(t *testing.T) {
	p := baseline(t)
	candidates := fleet(p)
	want, err := json.Marshal(build(t, candidates, p, book(t, "CNY")))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(candidates)
	got, err := json.Marshal(build(t, candidates, p, book(t, "CNY")))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("the document depends on the order of the fleet")
	}
}

func TestAnEmptyFleetHasAllItsNumbers(t *testing.T) {
	p := baseline(t)
	text, err := json.Marshal(build(t, nil, p, book(t, "CNY")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"findings":[]`, `"recommendations":[]`, `"refusals":[]`, `"annual_saving":"0.00"`, `"insufficient_data":0`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
