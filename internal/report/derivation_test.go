package report

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/pipeline"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
	"yunjian/utilization"
)

// derivedPack asks for a statistic of every form, in rules of its own, so that
// edits of the shipped packs leave the goldens alone.
const derivedPack = `
id: derived
version: "3"
name: {zh: 推导, en: derived}
confidence: proposed
source: {title: 测试}
window: 14d
min_coverage_percent: 80
min_age: 90d
confirm_runs: 2
rules:
  - id: idle
    name: {zh: 闲置, en: idle}
    kind: instance
    verdict: idle
    action: release
    when:
      - {metric: cpu_percent, statistic: p95, below: 5}
      - {metric: cpu_percent, statistic: mean, below: 3}
      - {metric: cpu_percent, statistic: max, below: 20}
      - {metric: network_bps, statistic: day_volume, at_most: 5MB, on_days: 90%}
      - {metric: network_bps, statistic: mean, below: 1000}
      - {metric: cpu_percent, statistic: peak_day_p95, below: 20}
  - id: quiet-days
    name: {zh: 安静的日子, en: quiet days}
    kind: instance
    verdict: idle
    action: release
    when:
      - {metric: cpu_percent, statistic: day_max, below: 12, on_days: 9, and: [{metric: memory_percent, statistic: day_mean, below: 30}]}
      - {metric: cpu_cores, statistic: sample, below: 0.2, on_samples_percent: 97}
      - {metric: cpu_percent, statistic: max_of_day_means, below: 4}
      - {metric: cpu_percent, statistic: mean_of_day_maxima, below: 4}
      - {metric: cpu_percent, statistic: in_180d, below: 4}
  - id: low
    name: {zh: 低效, en: underused}
    kind: instance
    verdict: overprovisioned
    action: downsize
    dimensions: [cpu, memory]
    when:
      - {metric: cpu_percent, statistic: p95, below: 20}
      - {metric: memory_percent, statistic: p95, below: 30}
      - {metric: cpu_percent, statistic: peak, below: 50}
  - id: unattached
    name: {zh: 未挂载, en: unattached}
    kind: disk
    verdict: unattached
    action: release
    when:
      - {fact: days_unattached, at_least: 15d}
sizing:
  limits:
    - {metric: cpu_percent, statistic: p95, at_most: 60}
    - {metric: memory_percent, statistic: p95, at_most: 44}
  max_step: 2
  min_vcpu: 2
  min_memory_gib: 4
  vcpus: [1, 2, 4, 8]
  memories_gib: [4, 8, 16, 32]
risk: {grade_a_percent: 1, grade_b_percent: 5, grade_c_percent: 10, budget_percent: 2}
`

// derived is a machine of 8 vCPU and 32 GiB that works a little, with the points
// that it was judged by.
func derived(t *testing.T, change func(*analyzer.Input)) (pipeline.Explanation, policies.Pack, map[cloud.Metric][]cloud.Point) {
	t.Helper()
	pack, err := policies.Parse("derived.yaml", []byte(derivedPack))
	if err != nil {
		t.Fatal(err)
	}
	pack.SHA256 = "3f2a9c1d4b5e60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
	w := cloud.Last(pack.Window, monday)
	in := analyzer.Input{
		Resource: cloud.Resource{
			ID: "i-derived01", Kind: cloud.Instance, Name: "示例-推导", Department: "示例局", Application: "示例应用", Cloud: "province", Region: "cn-hangzhou",
			VCPU: 8, MemoryGiB: 32, StorageGiB: 100, Status: cloud.Running, CreatedAt: monday.AddDate(-1, 0, 0), LastSeen: monday,
		},
		Utilization:  map[cloud.Metric]utilization.Summary{},
		Observations: map[cloud.Metric]cloud.Observation{},
		Peaks:        map[cloud.Metric]analyzer.Peak{cloud.CPUPercent: {Max: 41.5, DayP95: 18.25, Since: monday.AddDate(0, -5, 0)}},
		Scope:        cloud.Scope{Kind: cloud.Instance, Complete: true},
	}
	points := map[cloud.Metric][]cloud.Point{}
	for m, level := range map[cloud.Metric]float64{cloud.CPUPercent: 2, cloud.MemoryPercent: 9, cloud.NetworkInBPS: 300, cloud.NetworkOutBPS: 200} {
		for i, at := 0, w.From; at.Before(w.To); i, at = i+1, at.Add(utilization.Step) {
			if i > 1000 && i < 1040 { // three hours are missing
				continue
			}
			v := level * (1 + 0.7*math.Sin(float64(i)/50) + float64(i%17)/9)
			points[m] = append(points[m], cloud.Point{T: at.Unix(), V: math.Round(v*100) / 100})
		}
	}
	change(&in)
	if in.Resource.Kind == cloud.Instance {
		for m := range points {
			if o := in.Observations[m]; o.Availability != "" && o.Availability != cloud.Observed {
				delete(points, m)
				continue
			}
			in.Utilization[m] = utilization.Describe(points[m], m, w, shanghai)
		}
	}
	d := analyzer.Explain(pack, in, monday)
	c := recommender.Candidate{Input: in, Finding: d.Finding, Past: recommender.Standard().PastOf(in.Resource, in.Utilization, nil)}
	book := price.Example()
	recs, refusals := recommender.Recommend(pack, []recommender.Candidate{c}, nil, book, nil, monday)
	a := audit.New(monday, pack, book, []recommender.Candidate{c}, recs, refusals)
	e := pipeline.Explanation{
		AsOf: monday, Policy: a.Policy, PriceBook: a.PriceBook, Resource: in.Resource, Derivation: d, Remedies: analyzer.Settle(pack, d.Finding),
		Quote: book.Quote(in.Resource, monday), ReleaseRules: []string{"idle"}, Sizes: recommender.Sizes(pack, c, nil, book, monday), Fleet: 1,
		Read: pipeline.Read{Window: w, Step: 300, Peaks: cloud.Last(395*24*time.Hour, monday)},
	}
	for m := range points {
		e.Read.Gaps = append(e.Read.Gaps, pipeline.Gap{Metric: m, Window: cloud.Window{From: w.From.Add(5000 * time.Minute), To: w.From.Add(5200 * time.Minute)}})
	}
	if len(recs) > 0 {
		e.Recommendation = &recs[0]
	}
	if len(refusals) > 0 {
		e.Refused = refusals[0].Reasons
	}
	return e, pack, points
}

func TestDerivation(t *testing.T) {
	for name, change := range map[string]func(*analyzer.Input){
		"downsize": func(*analyzer.Input) {},
		"undecided": func(in *analyzer.Input) {
			in.Observations[cloud.MemoryPercent] = cloud.Observation{Metric: cloud.MemoryPercent, Availability: cloud.NoAgent}
		},
		"young": func(in *analyzer.Input) { in.Resource.CreatedAt = monday.AddDate(0, 0, -10) },
		"disk": func(in *analyzer.Input) {
			in.Resource = cloud.Resource{ID: "d-derived01", Kind: cloud.Disk, Cloud: "province", Status: cloud.Available, StorageGiB: 200, DetachedAt: monday.AddDate(0, 0, -9), LastSeen: monday}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, pack, points := derived(t, change)
			if e.Resource.Kind != cloud.Instance || len(points) < 4 {
				e.Read.Gaps = nil
			} else { // one gap of all that was measured, in a fixed order
				var list []pipeline.Gap
				for _, m := range cloud.Metrics() {
					if len(points[m]) > 0 {
						list = append(list, pipeline.Gap{Metric: m, Window: e.Read.Gaps[0].Window})
					}
				}
				e.Read.Gaps = list
				e.Read.Excluded = []pipeline.Exclusion{{Window: cloud.Window{From: e.Read.Window.From, To: e.Read.Window.From.Add(time.Hour)}, Why: pipeline.ExcludedOff}}
				e.Stored = &pipeline.StoredVerdict{AsOf: monday.AddDate(0, 0, -7), Policy: e.Policy, Verdict: analyzer.Optimized}
			}
			for _, l := range Langs() {
				var got bytes.Buffer
				if err := WriteDerivation(&got, e, pack, shanghai, l); err != nil {
					t.Fatal(err)
				}
				sameAs(t, "derivation."+name+"."+string(l)+".txt", got.String())
			}
		})
	}
}

// The formulas that are printed, worked out by a spreadsheet over the samples,
// come to the values that the conditions were compared by.
func TestFormulasOfASpreadsheet(t *testing.T) {
	e, _, points := derived(t, func(*analyzer.Input) {})
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "Sheet1"
	last := map[cloud.Metric]int{}
	for _, m := range SampleColumns() {
		for i, p := range points[m] {
			if err := f.SetCellFloat(sheet, columnOf(m)+strconv.Itoa(i+2), p.V, -1, 64); err != nil {
				t.Fatal(err)
			}
			if err := f.SetCellStr(sheet, "B"+strconv.Itoa(i+2), time.Unix(p.T, 0).In(shanghai).Format(time.DateOnly)); err != nil {
				t.Fatal(err)
			}
			last[m] = i + 2
		}
	}
	bounded := func(formula string) string { // a whole column costs this evaluator a million rows
		for _, m := range SampleColumns() {
			col := columnOf(m)
			formula = strings.ReplaceAll(formula, col+":"+col, col+"2:"+col+strconv.Itoa(max(2, last[m])))
		}
		return strings.ReplaceAll(formula, "B:B", "B2:B"+strconv.Itoa(last[cloud.CPUPercent]))
	}
	value := func(formula string) float64 {
		t.Helper()
		if err := f.SetCellFormula(sheet, "Z1", bounded(formula)); err != nil {
			t.Fatal(err)
		}
		s, err := f.CalcCellValue(sheet, "Z1", excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatalf("%s: %v", formula, err)
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%s: %q", formula, s)
		}
		return v
	}
	p := prose{lang: EN, loc: shanghai}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Errorf("%s: the spreadsheet has %g, the derivation %g", what, got, want)
		}
	}
	whole, days := 0, 0
	for _, r := range e.Derivation.Rules {
		for _, c := range r.Conditions {
			if c.Working == nil {
				continue
			}
			for _, line := range p.working(c) {
				if strings.HasPrefix(line, "=") && !strings.Contains(line, "means") {
					near(c.Text.EN, value(line), *c.Value)
					whole++
				}
				if formula, _, ok := strings.Cut(strings.TrimPrefix(line, "each day "), ", "+"then"); ok && strings.HasPrefix(line, "each day ") {
					for i, d := range c.Working.Days {
						if i%5 > 0 { // the evaluator is slow
							continue
						}
						near(c.Text.EN+" on "+d.Date, value(strings.ReplaceAll(formula, "date", `"`+d.Date+`"`)), d.Value)
						days++
					}
				}
			}
		}
	}
	if whole < 7 || days < 12 {
		t.Errorf("%d formulas and %d days were worked out", whole, days)
	}
}
