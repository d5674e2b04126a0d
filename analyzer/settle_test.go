package analyzer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What would settle each kind of missing knowledge, in the fixtures of decisions.
func TestSettle(t *testing.T) {
	for name, want := range map[string][]string{
		"age-one-second-short":              {"wait: age_below 0.0"},
		"short-history":                     nil, // it is judged
		"idle-chronic":                      nil,
		"resized-ten-days-ago":              {"wait: history_below 14.0"},
		"coverage-below-the-minimum":        {"wait: coverage_below 1.5 to 24.0"},
		"memory-no-agent-undecided":         {"install_agent: memory_no_agent memory_percent 24.0"},
		"no-permission":                     {"grant_permission: no_permission 24.0"},
		"throttled":                         {"raise_quota: throttled 24.0"},
		"read-failed":                       {"check_source: read_failed 24.0"},
		"scope-unavailable":                 {"read_listing: scope_unavailable"},
		"off-one-second-short":              {"wait: powered_off_days 0.0"},
		"off-since-unknown":                 {"wait: off_since_unknown 30.0"},
		"disk-unattached-fourteen-days":     {"wait: unattached_days 1.0"},
		"disk-unattached-since-unknown":     {"wait: unattached_since_unknown 15.0"},
		"disk-status-unknown":               {"read_listing: attachment_unknown"},
		"disk-without-rule":                 {"write_rule: no_rule_for_kind"},
		"memory-coverage-below-the-minimum": nil,
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := readFixture(t, filepath.Join("testdata", "judge", name+".yaml"))
			pack, in, now := f.known(t)
			var got []string
			for _, r := range Settle(pack, Judge(pack, in, now)) {
				s := r.Code + ": " + r.Reason
				if r.Metric != "" && r.Metric != "cpu_percent" {
					s += " " + string(r.Metric)
				}
				if r.Days != nil {
					s += fmt.Sprintf(" %.1f", *r.Days)
				}
				if r.MostDays != nil {
					s += fmt.Sprintf(" to %.1f", *r.MostDays)
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Nothing that leaves a machine undecided is left without an answer.
func TestEveryUndecidedFixtureHasARemedy(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "judge", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	undecided := 0
	for _, file := range files {
		f, comment := readFixture(t, file)
		if !strings.HasPrefix(comment, string(InsufficientData)) {
			continue
		}
		undecided++
		pack, in, now := f.known(t)
		list := Settle(pack, Judge(pack, in, now))
		if len(list) == 0 {
			t.Errorf("%s: nothing would settle %+v", file, Judge(pack, in, now).Reasons)
		}
		for _, r := range list {
			if !slices.Contains(Remedies(), r.Code) || r.Days != nil && *r.Days < 0 {
				t.Errorf("%s: %+v", file, r)
			}
		}
	}
	if undecided < 15 {
		t.Errorf("%d undecided", undecided)
	}
}
