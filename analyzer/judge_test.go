package analyzer

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

var update = flag.Bool("update", false, "rewrite golden files")

// fixture is one decision to make: testdata/judge/NAME.yaml, answered by
// NAME.golden.json. The comment on top says which boundary it pins.
type fixture struct {
	Pack       string                          `yaml:"pack"` // default: cn-gov-baseline
	Now        time.Time                       `yaml:"now"`  // default: 2026-11-23 02:00 +08:00
	Resource   map[string]any                  `yaml:"resource"`
	Scope      *map[string]any                 `yaml:"scope"`
	Observed   map[cloud.Metric]map[string]any `yaml:"observed"`
	Series     map[cloud.Metric]series         `yaml:"series"`
	Peaks      map[cloud.Metric]map[string]any `yaml:"peaks"`
	Exemptions []map[string]any                `yaml:"exemptions"`
	LastSample time.Time                       `yaml:"last_sample"`
	Seasons    string                          `yaml:"seasons"` // a table in place of the shipped one
}

// series makes samples every five minutes up to now: level, with the given
// share of the samples of each hour raised to peak, every skip-th left out.
type series struct {
	Level    float64 `yaml:"level"`
	Peak     float64 `yaml:"peak"`
	PeakOf   int     `yaml:"peak_of"`   // 1 of so many samples is Peak; 0: none
	Working  float64 `yaml:"working"`   // added on weekdays from 9 to 18
	Wiggle   float64 `yaml:"wiggle"`    // the samples alternate by ± this
	PerDay   float64 `yaml:"per_day"`   // rises by this a day
	Missing  int     `yaml:"missing"`   // 1 of so many samples is missing; 0: none
	FromDays float64 `yaml:"from_days"` // begins so many days before now; 0: with the window
	ToDays   float64 `yaml:"to_days"`   // ends so many days before now
	Before   float64 `yaml:"before"`    // the level until StepDays before now
	StepDays float64 `yaml:"step_days"` // 0: no step
}

func (s series) points(w cloud.Window, now time.Time) []cloud.Point {
	from := w.From
	if s.FromDays > 0 {
		from = now.Add(-time.Duration(s.FromDays * float64(day)))
	}
	to := now.Add(-time.Duration(s.ToDays * float64(day)))
	var out []cloud.Point
	for i, at := 0, from; at.Before(to); i, at = i+1, at.Add(utilization.Step) {
		if s.Missing > 0 && i%s.Missing == 0 {
			continue
		}
		v := s.Level + s.PerDay*at.Sub(w.From).Hours()/24
		if now.Sub(at) > time.Duration(s.StepDays*float64(day)) && s.StepDays > 0 {
			v += s.Before - s.Level
		}
		if s.PeakOf > 0 && i%s.PeakOf == 0 {
			v = s.Peak
		}
		if local := at.In(now.Location()); local.Weekday() >= time.Monday && local.Weekday() <= time.Friday && local.Hour() >= 9 && local.Hour() < 18 {
			v += s.Working
		}
		if i%2 == 0 {
			v += s.Wiggle
		} else {
			v -= s.Wiggle
		}
		out = append(out, cloud.Point{T: at.Unix(), V: v})
	}
	return out
}

var describedOnce sync.Map // by what it is described from: many decisions share a series

// described is the summary of a series; describing is dear, judging is not.
func (s series) described(m cloud.Metric, w cloud.Window, now time.Time) utilization.Summary {
	key := fmt.Sprintf("%+v %s %v %v", s, m, w, now)
	if d, ok := describedOnce.Load(key); ok {
		return d.(utilization.Summary)
	}
	d := utilization.Describe(s.points(w, now), m, w, now.Location())
	describedOnce.Store(key, d)
	return d
}

// as turns a YAML mapping into a value by its JSON names.
func as[T any](t *testing.T, from any) T {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func (f fixture) judge(t *testing.T) Finding {
	t.Helper()
	return Judge(f.known(t))
}

// known is what the fixture says is known, as Judge takes it.
func (f fixture) known(t *testing.T) (policies.Pack, Input, time.Time) {
	t.Helper()
	shanghai := time.FixedZone("CST", 8*3600)
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, shanghai)
	if !f.Now.IsZero() {
		now = f.Now.In(shanghai)
	}
	pack, ok := policies.ByID(cmpOr(f.Pack, policies.DefaultID))
	if !ok {
		t.Fatalf("no pack %s", f.Pack)
	}
	pack.Calendar = calendar.Builtin()
	if f.Seasons != "" {
		file, err := calendar.Parse("seasons", []byte(f.Seasons))
		if err != nil {
			t.Fatal(err)
		}
		pack.Calendar = pack.Calendar.With(file)
	}
	for _, e := range f.Exemptions {
		pack.Exemptions = append(pack.Exemptions, as[policies.Exemption](t, e))
	}
	in := Input{
		Resource:     as[cloud.Resource](t, f.Resource),
		Utilization:  map[cloud.Metric]utilization.Summary{},
		Observations: map[cloud.Metric]cloud.Observation{},
		Peaks:        map[cloud.Metric]Peak{},
		LastSample:   f.LastSample,
		Scope:        cloud.Scope{Kind: cloud.Instance, Complete: true},
	}
	if f.Scope != nil {
		in.Scope = as[cloud.Scope](t, *f.Scope)
	}
	w := cloud.Last(pack.Window, now)
	for m, s := range f.Series {
		in.Utilization[m] = s.described(m, w, now)
		in.Observations[m] = cloud.Observation{Metric: m, Availability: cloud.Observed, From: w.From, Through: now}
	}
	for m, o := range f.Observed {
		in.Observations[m] = as[cloud.Observation](t, o)
	}
	for m, p := range f.Peaks {
		in.Peaks[m] = as[Peak](t, p)
	}
	return pack, in, now
}

// readFixture reads a decision, and the comment on top of it.
func readFixture(t *testing.T, file string) (f fixture, comment string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		t.Fatal(err)
	}
	comment, _, _ = strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
	return f, comment
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func TestJudge(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "judge", "*.yaml"))
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d decisions, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			f, want := readFixture(t, file)
			verdict, boundary, ok := strings.Cut(want, ": ")
			if !ok || boundary == "" {
				t.Fatalf("first line %q: want \"# verdict: boundary\"", want)
			}
			got := f.judge(t)
			if string(got.Verdict) != verdict {
				t.Errorf("verdict %s, want %s (%s)", got.Verdict, verdict, boundary)
			}
			if len(got.Reasons) == 0 {
				t.Error("a verdict without a reason")
			}
			if diff := cmp.Diff(got, f.judge(t)); diff != "" {
				t.Errorf("judging twice differs:\n%s", diff)
			}
			out, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			checkCodes(t, slices.Concat(got.Reasons, got.Notes))
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden.json", string(out)+"\n")
		})
	}
}

// checkCodes holds every reason to the documented codes.
func checkCodes(t *testing.T, reasons []Reason) {
	t.Helper()
	for _, r := range reasons {
		if _, _, composed := r.Comparison(); composed {
			continue
		}
		known := false
		for _, c := range FixedCodes() {
			known = known || c == r.Code
		}
		if !known {
			t.Errorf("reason code %q is neither composed nor documented", r.Code)
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
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
