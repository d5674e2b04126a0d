package recommender

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/utilization"
)

// traceDir finds the measuring traces, which are not part of the repository.
func traceDir(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("YUNJIAN_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "traces")
	}
	dir = filepath.Join(dir, name)
	if _, err := os.Stat(filepath.Join(dir, "inventory.csv")); err != nil {
		t.Skipf("%s trace not present: %v", name, err)
	}
	return dir
}

func readGzip(t testing.TB, file string, visit func(col map[string]int, row []string)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	readRows(t, zipped, visit)
}

func readRows(t testing.TB, from io.Reader, visit func(col map[string]int, row []string)) {
	t.Helper()
	r := csv.NewReader(from)
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, h := range head {
		col[h] = i
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		visit(col, row)
	}
}

// countWoke counts a machine whose early half looked idle, and whether its late
// half did not, by the plain numbers that the prior was counted with.
func countWoke(woke *tallied, p policies.Pack, early, late map[cloud.Metric]utilization.Summary) {
	if !covered(p, early[cloud.CPUPercent]) || !covered(p, late[cloud.CPUPercent]) {
		return
	}
	cpu, memory := early[cloud.CPUPercent], early[cloud.MemoryPercent]
	if memory.Samples == 0 || memory.Quantile(0.95) >= 30 || cpu.Quantile(0.95) >= 5 || cpu.Max >= 20 {
		return
	}
	woke.compared++
	if late[cloud.CPUPercent].ShareAbove(wakes) > HarmShare {
		woke.exceeded++
	}
}

// countRatios adds ln(need / level) of the metrics that both halves cover, as the
// prior was counted.
func countRatios(ratios map[cloud.Metric][]float64, p policies.Pack, early, late map[cloud.Metric]utilization.Summary) {
	for _, m := range sized {
		if covered(p, early[m]) && covered(p, late[m]) {
			ratios[m] = append(ratios[m], math.Log(max(late[m].Quantile(1-HarmShare), 1)/max(highestP98(early[m]), 1)))
		}
	}
}

func covered(p policies.Pack, u utilization.Summary) bool {
	return u.Samples > 0 && u.Coverage() >= p.MinCoverage
}

// traceFleet judges a bundle of plain machines as of now, and counts those that
// woke after an idle half.
func traceFleet(t testing.TB, dir string, p policies.Pack, now time.Time) ([]Candidate, tallied, map[cloud.Metric][]float64) {
	t.Helper()
	var woke tallied
	ratios := map[cloud.Metric][]float64{}
	var fleet []Candidate
	w := cloud.Last(p.Window, now)
	middle := w.From.Add(w.Duration() / 2)
	inventory, err := os.Open(filepath.Join(dir, "inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer inventory.Close()
	readRows(t, inventory, func(col map[string]int, row []string) {
		vcpu, _ := strconv.Atoi(row[col["vcpu"]])
		memory, _ := strconv.ParseFloat(row[col["memory_gib"]], 64)
		seen, _ := time.Parse(time.RFC3339, row[col["first_seen"]])
		r := cloud.Resource{ID: row[col["resource_id"]], Kind: cloud.Instance, VCPU: vcpu, MemoryGiB: memory, FirstSeen: seen, Department: "d"}
		fleet = append(fleet, Candidate{Input: analyzer.Input{Resource: r}})
	})
	for i := range fleet {
		c := &fleet[i]
		points := map[cloud.Metric][]cloud.Point{}
		readGzip(t, filepath.Join(dir, "samples", c.Input.Resource.ID+".csv.gz"), func(col map[string]int, row []string) {
			at, _ := strconv.ParseInt(row[0], 10, 64)
			for _, m := range []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS, cloud.NetworkOutBPS} {
				if j, ok := col[string(m)]; ok && row[j] != "" {
					v, err := strconv.ParseFloat(row[j], 64)
					if err != nil {
						t.Fatal(err)
					}
					points[m] = append(points[m], cloud.Point{T: at, V: v})
				}
			}
		})
		c.Input.Utilization = map[cloud.Metric]utilization.Summary{}
		early, late := map[cloud.Metric]utilization.Summary{}, map[cloud.Metric]utilization.Summary{}
		c.Input.Peaks = map[cloud.Metric]analyzer.Peak{}
		for m, pts := range points {
			s := utilization.Describe(pts, m, w, now.Location())
			c.Input.Utilization[m] = s
			if m.Unit() != cloud.Percent {
				continue
			}
			early[m] = utilization.Describe(pts, m, cloud.Window{From: w.From, To: middle}, now.Location())
			late[m] = utilization.Describe(pts, m, cloud.Window{From: middle, To: now}, now.Location())
			c.Input.Peaks[m] = analyzer.Peak{Max: s.Max, Since: s.First}
		}
		c.Finding = analyzer.Judge(p, c.Input, now)
		countWoke(&woke, p, early, late)
		countRatios(ratios, p, early, late)
	}
	return fleet, woke, ratios
}

// TestTraceJudgement measures on 407 real machines: verdicts, advice, stated
// risk, and how often an honest machine is suspected of padding.
func TestTraceJudgement(t *testing.T) {
	dir := traceDir(t, "vm407")
	p, _ := policies.ByID(policies.DefaultID)
	now := time.Date(2013, 9, 11, 13, 40, 0, 0, time.UTC)
	fleet, woke, past := traceFleet(t, dir, p, now)
	recs, refusals := Recommend(p, fleet, nil, price.Example(), nil, now)

	verdicts, rules, grades, refused := map[analyzer.Verdict]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	padded := 0
	for _, c := range fleet {
		verdicts[c.Finding.Verdict]++
		rules[c.Finding.Rule]++
		if slices.Contains(c.Finding.Flags, analyzer.SuspectedPadding) {
			padded++
		}
		if len(c.Finding.Reasons) == 0 {
			t.Errorf("%s: %s without a reason", c.Input.Resource.ID, c.Finding.Verdict)
		}
	}
	for _, r := range recs {
		grades[string(r.Action)+" "+r.Risk.Grade]++
	}
	for _, r := range refusals {
		refused[r.Reasons[0].Code]++
	}
	t.Logf("verdicts %v\nrules %v\ngrades %v\nrefused %v\npadding false alarms %d of %d", verdicts, rules, grades, refused, padded, len(fleet))
	if share := float64(padded) / float64(len(fleet)); share > 0.005 {
		t.Errorf("suspected of padding: %.2f %% of machines that do not pad, want at most 0.5 %%", share*100)
	}

	// The prior was counted here; should the way of counting change, so must it.
	for _, prior := range priorMargins {
		worst := tallied{}
		for _, ratios := range past {
			t := tallied{compared: len(ratios)}
			for _, r := range ratios {
				if r > math.Log(prior.margin) {
					t.exceeded++
				}
			}
			if t.exceeded >= worst.exceeded {
				worst = t
			}
		}
		if worst != prior.tallied {
			t.Errorf("margin %g: %+v, the prior says %+v", prior.margin, worst, prior.tallied)
		}
	}
	if woke != priorWoke {
		t.Errorf("woke: %+v, the prior says %+v", woke, priorWoke)
	}
}
