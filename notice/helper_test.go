package notice

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/price"
	"yunjian/recommender"
)

var update = flag.Bool("update", false, "rewrite golden files")

// builtin is the calendar of these tests.
var builtin = calendar.Builtin()

// china is where the days of these tests are counted.
var china = time.FixedZone("CST", 8*3600)

func on(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, china)
	if err != nil {
		panic(err)
	}
	return t.Add(9 * time.Hour)
}

func ptr[T any](v T) *T { return &v }

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

func workflow(t testing.TB, id string) Workflow {
	t.Helper()
	w, ok := WorkflowByID(id)
	if !ok {
		t.Fatalf("no workflow %s", id)
	}
	return w
}

func yuan(s string) price.Amount {
	a, err := price.NewAmount(s, "CNY")
	if err != nil {
		panic(err)
	}
	return a
}

const finBureau = "省财政厅"

// opening is a machine of 8 cores that is advised to be released, or made smaller.
func opening(action recommender.Action, kind cloud.Kind) Opening {
	rec := recommender.Recommendation{
		ID: "3f2a9c41d07e", ResourceID: "i-0001", Kind: kind, Name: "预算一体化-01", Department: finBureau, Application: "预算一体化",
		Action: action, Rule: "idle", Current: recommender.Spec{InstanceType: "ecs.g7.2xlarge", VCPU: 8, MemoryGiB: 32, StorageGiB: 100},
		AnnualSaving: yuan("16020.00"), SavingKnown: true, Currency: "CNY", PriceBook: "zj@3",
		Pricing: &recommender.Pricing{Current: []price.Line{{Item: "vcpu", Monthly: yuan("480.00")}, {Item: "memory", Monthly: yuan("736.00")}, {Item: "storage", Monthly: yuan("119.00")}}},
		Risk:    recommender.Risk{HarmProbability: 0.0123, Grade: "B", Exceeded: 1, Compared: 300, Parts: []recommender.Working{{Metric: cloud.CPUPercent, Size: 4, Waking: ptr(0.01), Probability: 0.0123}}},
		Ready:   true, ConsecutiveRuns: 2, Flags: []analyzer.Flag{analyzer.ShortHistory},
		Reasons:   []analyzer.Reason{{Code: "cpu_p95_below", Metric: cloud.CPUPercent, Statistic: "p95", Value: ptr(1.4), Limit: ptr(5.0), Unit: cloud.Percent}},
		Projected: &recommender.Projection{CPUP95: ptr(2.8)},
	}
	verdict := analyzer.Idle
	if action == recommender.Downsize {
		rec.Target, rec.Rule, verdict = &recommender.Spec{InstanceType: "ecs.g7.xlarge", VCPU: 4, MemoryGiB: 16, StorageGiB: 100}, "low", analyzer.Overprovisioned
	}
	if action == recommender.Stop {
		rec.Schedule = &analyzer.Schedule{TimeZone: "Asia/Shanghai", HoursOff: 56, OffCPU: ptr(0.4)}
		verdict = analyzer.Optimized
	}
	return Opening{
		Recommendation: rec,
		Finding: analyzer.Finding{
			ResourceID: "i-0001", Kind: kind, Verdict: verdict, Rule: rec.Rule, Coverage: ptr(0.98),
			Window:  cloud.Window{From: on("2025-12-15"), To: on("2026-01-14")},
			Reasons: rec.Reasons,
			Evidence: []analyzer.Evidence{{
				Metric: cloud.CPUPercent, Availability: cloud.Observed, Samples: 8467, Expected: 8640,
				Mean: ptr(0.9), P50: ptr(0.8), P95: ptr(1.4), P99: ptr(2.2), Max: ptr(6.0), PeakMax: ptr(9.5),
			}},
		},
		Resource: cloud.Resource{ID: "i-0001", Kind: kind, PrivateIP: "10.20.3.4", Zone: "政务网", InstanceType: "ecs.g7.2xlarge", VCPU: 8, MemoryGiB: 32, StorageGiB: 100, Department: finBureau},
		Policy:   PolicyRef{ID: "cn-gov-baseline", Version: "1", SHA256: "aa"},
		AsOf:     on("2026-01-14"), AppCode: "ZJ-CZ-0012", Round: 1,
	}
}

func opened(t testing.TB, w Workflow, action recommender.Action, kind cloud.Kind, at time.Time) Case {
	t.Helper()
	c, err := w.Open(opening(action, kind), at, builtin)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// person is somebody of a role; each role has one, of the department if it is dept.
func person(r Role) Actor {
	switch r {
	case System:
		return Program()
	case Dept:
		return Actor{ID: "dept-1", Role: Dept, Department: finBureau}
	}
	return Actor{ID: string(r) + "-1", Role: r}
}

// full is an event that lacks nothing of what a transition needs.
func full(w Workflow, c Case, t Transition, by Actor, at time.Time) Event {
	e := Event{Name: t.Event, By: by, At: at}
	n := t.Needs
	if n.Reason != "" {
		e.Reason = w.ReasonsOf(n.Reason)[0].ID
	}
	if n.Note {
		e.Note = "说明"
	}
	if n.Evidence {
		e.Evidence = []Evidence{{Name: "证明.pdf", SHA256: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"}}
	}
	if n.Target {
		e.Target = &recommender.Spec{VCPU: 4, MemoryGiB: 8, StorageGiB: 100}
	}
	if n.Planned {
		e.Planned = at.AddDate(0, 0, 7).Format(time.DateOnly)
	}
	if n.Expires {
		e.Expires = at.AddDate(0, 0, 90).Format(time.DateOnly)
	}
	if n.Document {
		e.Document = "浙财云通〔2026〕12号"
	}
	want := n.Checklist
	if n.Items && len(c.Checklist) > 0 {
		want = []string{c.Checklist[0].ID}
	}
	for _, id := range want {
		for _, i := range c.Checklist {
			if i.ID == id {
				e.Items = append(e.Items, Item{ID: id, Owner: "张三", Evidence: "工单 2026-031"})
			}
		}
	}
	return e
}
