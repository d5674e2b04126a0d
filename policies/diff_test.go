package policies

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told lists settings as "field: a → b"; what a pack does not set is a dash.
func told(t *testing.T, a, b string) []string {
	t.Helper()
	settings, err := Differences([]byte(a), []byte(b))
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	text := func(s *string) string {
		if s == nil {
			return "—"
		}
		return *s
	}
	for _, s := range settings {
		out = append(out, s.Field+": "+text(s.A)+" → "+text(s.B))
	}
	return out
}

func TestDifferences(t *testing.T) {
	baseline, _ := YAML(DefaultID)
	edit := func(pairs ...string) string { // the first of each
		out := string(baseline)
		for i := 0; i < len(pairs); i += 2 {
			out = strings.Replace(out, pairs[i], pairs[i+1], 1)
		}
		return out
	}
	for name, c := range map[string]struct {
		b    string
		want []string
	}{
		"the same text":                          {edit(), []string{}},
		"what only describes":                    {edit("id: cn-gov-baseline", "id: ours", `version: "1"`, `version: "2"`, "name: {zh: 闲置, en: idle}", "name: {zh: 空闲, en: quiet}", "title: 云鉴默认策略", "title: 本市办法"), []string{}},
		"another way to write a duration":        {edit("min_age: 90d", "min_age: 2160h", "min_coverage_percent: 80", "min_coverage_percent: 80.0", "p95, below: 5}", "p95, below: 5.0}"), []string{}},
		"a number":                               {edit("confirm_runs: 2", "confirm_runs: 3"), []string{"confirm_runs: 2 → 3"}},
		"a limit":                                {edit("{metric: cpu_percent, statistic: p95, below: 5}", "{metric: cpu_percent, statistic: p95, below: 8}"), []string{"rules.idle.when.cpu_percent.p95: below 5 → below 8"}},
		"the comparison of a limit":              {edit("statistic: p95, below: 5}", "statistic: p95, at_most: 5}"), []string{"rules.idle.when.cpu_percent.p95: below 5 → at_most 5"}},
		"a condition left out":                   {edit("      - {metric: cpu_percent, statistic: peak_day_p95, below: 20}\n", ""), []string{"rules.idle.when.cpu_percent.peak_day_p95: below 20 → —"}},
		"a setting left to its default":          {edit("min_age: 90d", ""), []string{"min_age: 90d → —"}},
		"a list of words, whose order counts":    {edit("[ecs.g7, ecs.c7,", "[ecs.c7, ecs.g7,"), []string{"sizing.families: [ecs.g7, ecs.c7, ecs.r7, ecs.g6, ecs.c6, ecs.r6, ecs.g8y, ecs.c8y, ecs.r8y] → [ecs.c7, ecs.g7, ecs.r7, ecs.g6, ecs.c6, ecs.r6, ecs.g8y, ecs.c8y, ecs.r8y]"}},
		"a limit of the sizing":                  {edit("{metric: memory_percent, statistic: p95, at_most: 75}", "{metric: memory_percent, statistic: p95, at_most: 70}"), []string{"sizing.limits.memory_percent.p95: at_most 75 → at_most 70"}},
		"a grade":                                {edit("grade_a_percent: 1,", "grade_a_percent: 2,"), []string{"risk.grade_a_percent: 1 → 2"}},
		"a setting of its own that is not known": {edit("confirm_runs: 2", "confirm_runs: 2\nseasons: {tax: 05-01}"), []string{"seasons: — → tax 05-01"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, told(t, string(baseline), c.b)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const smallPack = `
rules:
  - {id: idle, kind: instance, verdict: idle, action: release, when: [{fact: days_off, at_least: 30d}, {metric: cpu_percent, statistic: max, below: 5, last: 7d}, {metric: cpu_percent, statistic: max, below: 9}]}
  - {id: low, kind: instance, verdict: overprovisioned, when: [{metric: cpu_percent, statistic: p95, below: 20}]}
`

// Rules are told apart by their ids: one that is gone is one line, and another
// order is told, because the first match decides.
func TestDifferencesOfRules(t *testing.T) {
	gone := "\nrules:\n  - {id: low, kind: instance, verdict: overprovisioned, when: [{metric: cpu_percent, statistic: p95, below: 20}]}\n"
	want := []string{"rules.idle: kind instance verdict idle action release when [days_off at_least 30d, cpu_percent.max below 5 last 7d, cpu_percent.max below 9] → —"}
	if diff := cmp.Diff(want, told(t, smallPack, gone)); diff != "" {
		t.Errorf("a rule less (-want +got):\n%s", diff)
	}
	lines := strings.Split(strings.TrimSpace(smallPack), "\n")
	turned := strings.Join([]string{lines[0], lines[2], lines[1]}, "\n")
	if diff := cmp.Diff([]string{"rules.order: idle, low → low, idle"}, told(t, smallPack, turned)); diff != "" {
		t.Errorf("turned round (-want +got):\n%s", diff)
	}
	second := strings.Replace(smallPack, "below: 9", "below: 8", 1)
	if diff := cmp.Diff([]string{"rules.idle.when.cpu_percent.max#2: below 9 → below 8"}, told(t, smallPack, second)); diff != "" {
		t.Errorf("two conditions on one statistic (-want +got):\n%s", diff)
	}
}

func TestDifferencesOfNoPack(t *testing.T) {
	for _, text := range []string{"", "- 1", "a: [", "x"} {
		if got, err := Differences([]byte(text), []byte(smallPack)); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}
