package report

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/backtest"
)

// replayedTwice are two instants with two budgets each, and one at which nothing was
// scored.
func replayedTwice() []backtest.Result {
	a, b := replayedAt(9, 0.004, 0.28), replayedAt(13, 0.008, 0.32)
	for i, r := range []*backtest.Result{&a, &b} {
		stated := 0.045
		r.Rules = append(r.Rules, backtest.RuleResult{
			Rule: "yunjian", Name: "云鉴 Yunjian", Parameters: map[string]float64{"budget": 0.05}, Source: "docs/decisions/0012",
			Acted: 200, SavingFraction: 0.42 + 0.02*float64(i), HarmedFraction: 0.03 + 0.03*float64(i), Harmed: 15, PredictedHarmFraction: &stated, ReleasedVCPU: 600, ReleasedMemoryGiB: 1200.5,
		})
		r.Rules[1].Name, r.Rules[1].Source, r.Rules[1].Parameters = "Robusta KRR, <simple>", "robusta-dev/krr", map[string]float64{"cpu_percentile": 95, "days": 14}
	}
	return []backtest.Result{a, b, {DecideAt: b.DecideAt.AddDate(0, 0, 3), HorizonEnd: b.DecideAt.AddDate(0, 0, 7)}}
}

func renderReplay(t *testing.T, results []backtest.Result, l Lang) string {
	t.Helper()
	var got bytes.Buffer
	if err := WriteBacktestHTML(&got, results, l); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.String(), "%!") || strings.Contains(got.String(), "NaN") {
		t.Error("the page shows %! or NaN")
	}
	return got.String()
}

func TestBacktestPage(t *testing.T) {
	for _, l := range Langs() {
		got := renderReplay(t, replayedTwice(), l)
		file := filepath.Join("testdata", "backtest."+string(l)+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
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
}

// The page reaches for nothing outside itself: no address but those that are text.
func TestBacktestPageIsWhole(t *testing.T) {
	got := renderReplay(t, replayedTwice(), ZH)
	if found := regexp.MustCompile(`(?i)(src|href|url|import|fetch|@font-face)\s*[=(]\s*["']?(https?:|//|data:)`).FindString(got); found != "" {
		t.Errorf("the page asks for %q", found)
	}
	if strings.Contains(got, " style=") || regexp.MustCompile(` on[a-z]+=`).MatchString(got) {
		t.Error("a style or handler in an attribute, which the page's own policy forbids")
	}
	if !strings.Contains(got, "Robusta KRR, &lt;simple&gt;") {
		t.Error("a name is not escaped")
	}
}

func TestBacktestPageOfNothingSaysWhatToDo(t *testing.T) {
	if got := renderReplay(t, []backtest.Result{{}}, EN); !strings.Contains(got, replayEnglish.LeadNone) || strings.Contains(got, "<svg") {
		t.Error(got)
	}
}

func TestUncovered(t *testing.T) {
	at := func(rule string, budget, saving, harm float64) backtest.RuleResult {
		r := backtest.RuleResult{Rule: rule, SavingFraction: saving, HarmedFraction: harm}
		if budget > 0 {
			r.Parameters = map[string]float64{"budget": budget}
		}
		return r
	}
	above, beyond := uncovered(byRule([]backtest.Result{{Instances: 9, Rules: []backtest.RuleResult{
		at(ownRule, 0.01, 0.3, 0.01), at(ownRule, 0.05, 0.4, 0.04),
		at("equal", 0, 0.3, 0.01), at("below", 0, 0.29, 0.02), at("above", 0, 0.31, 0.03), at("as harmful as the largest", 0, 0.41, 0.04), at("beyond", 0, 0.41, 0.05), at("idle", 0, 0, 0),
	}}}))
	names := func(list []*replayed) string {
		var out []string
		for _, d := range list {
			out = append(out, d.rule.Rule)
		}
		return strings.Join(out, ", ")
	}
	if names(above) != "as harmful as the largest, above" || names(beyond) != "beyond" {
		t.Errorf("above %s; beyond %s", names(above), names(beyond))
	}
}

// Both languages have every word, and take the same arguments.
func TestReplayWordsComplete(t *testing.T) {
	zh, en := reflect.ValueOf(replayChinese), reflect.ValueOf(replayEnglish)
	for i := range zh.NumField() {
		name := zh.Type().Field(i).Name
		a, aText := zh.Field(i).Interface().(string)
		b, _ := en.Field(i).Interface().(string)
		if aText && (a == "" || b == "" || a == b && name != "None" || strings.Count(a, "%") != strings.Count(b, "%")) && name != "ReleasesNote" && name != "Method" {
			t.Errorf("%s: %q, %q", name, a, b)
		}
	}
	if len(replayChinese.Method) != len(replayEnglish.Method) {
		t.Error("the method is told in different steps")
	}
	for _, r := range append(backtest.Peers(), backtest.Rule{Parameters: map[string]float64{"budget": 0.01}}) {
		for name := range r.Parameters {
			if _, ok := parameterWords[name]; !ok {
				t.Errorf("parameter %s of %s has no words", name, r.ID)
			}
		}
	}
}

// Labels neither cover each other nor a mark, and stay within the plot.
func TestPlotLabelsDoNotMeet(t *testing.T) {
	p := newReplayPlot(replayWidth, replayHeight)
	for i := range 40 {
		p.Marks = append(p.Marks, replayMark{X: 500 + float64(i%8)*20, Y: 300 + float64(i/8)*12, Label: "a-rule-of-some-length"})
	}
	p.label()
	var boxes []box
	for _, m := range p.Marks {
		boxes = append(boxes, box{m.X - markRoom, m.Y - markRoom, m.X + markRoom, m.Y + markRoom})
	}
	placed := 0
	for _, m := range p.Marks {
		if m.Label == "" {
			continue
		}
		placed++
		b := box{m.LabelX, m.LabelY + 3.5 - labelHeight, m.LabelX + labelChar*float64(len(m.Label)), m.LabelY + 3.5}
		if slices.ContainsFunc(boxes, func(o box) bool { return o.meets(b) }) || b.left < p.Left || b.right > p.Right || b.top < p.Top || b.bottom > p.Base {
			t.Errorf("%+v meets another or leaves the plot", b)
		}
		boxes = append(boxes, b)
	}
	if placed < 10 {
		t.Errorf("room for %d labels only", placed)
	}
}

// The page in a browser: views, hover, keys, sorting, highlighting, and nothing that
// its own policy refuses.
func TestBacktestPageInBrowser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "backtest.html")
	if err := os.WriteFile(file, []byte(renderReplay(t, replayedTwice(), ZH)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openPage(t, file)
	const shown = `[...document.querySelectorAll(".view")].filter(v => v.offsetParent).map(v => v.id).join()`
	b.is(shown, "all")
	b.point(`input[value="at-2"]`, true)
	b.is(shown, "at-2")
	b.key("ArrowRight", 39)
	b.is(shown, "at-3")
	b.is(`document.querySelector("#at-3 .empty").innerText`, "此时刻没有可计分的云主机。")
	b.key("ArrowLeft", 37)

	// Pointing at a mark tells what it is.
	panel := func(what string) string {
		return `document.querySelector("#at-2 .panel [data-of=` + what + `]").innerText`
	}
	b.is(`document.querySelector("#at-2 .panel").hidden`, "true")
	b.point(`#at-2 .mark[data-key="krr-simple"] .halo`, false)
	b.is(panel("name"), "b · Robusta KRR, <simple>")
	b.is(panel("parameters"), "CPU 取 P95，最近 14 天")
	b.is(panel("saved"), "39.5%")
	b.is(panel("harmed"), "6.8%")
	b.is(panel("stated"), "—")
	b.is(panel("vcpu"), "0")

	// So do keys; the plot is one stop of Tab.
	b.is(`document.querySelectorAll("#at-2 .mark[tabindex='0']").length`, "1")
	b.eval(`document.querySelector("#at-2 .mark[tabindex='0']").focus()`)
	b.is(panel("name"), "a · kubernetes-vpa")
	b.key("ArrowRight", 39)
	b.is(panel("name"), "云鉴 Yunjian")
	b.is(panel("saved"), "44.0%")
	b.is(panel("stated"), "4.5%")
	b.is(panel("vcpu"), "600")
	b.is(panel("memory"), "1200.5")
	const picked = `[...document.querySelectorAll(".picked")].map(e => e.tagName + " " + e.dataset.key).filter((x, i, all) => all.indexOf(x) === i).join()`
	b.key("Enter", 13)
	b.is(picked, "g yunjian-500,TR yunjian-500")
	b.is(`document.activeElement.getAttribute("aria-pressed")`, "true")
	b.key("Enter", 13)
	b.is(picked, "")

	// A row picks its rule in the plot, and lets go of it.
	b.point(`#at-2 tr[data-key="krr-simple"] th button`, true)
	b.is(picked, "g krr-simple,TR krr-simple")
	b.is(`getComputedStyle(document.querySelector('#at-2 tr[data-key="krr-simple"] th span'), "::before").content`, `"▶ "`)
	b.point(`#at-2 tr[data-key="krr-simple"] th button`, true)
	b.is(picked, "")

	// Numbers are sorted the greatest first, then the other way; the unknown stay last.
	const rules = `[...document.querySelectorAll("#at-2 table")[0].tBodies[0].rows].map(r => r.dataset.key).join()`
	b.is(rules, "kubernetes-vpa,yunjian-500,krr-simple,yunjian-25,keeps-everything")
	b.point("#at-2 thead th:nth-child(4) button", true)
	b.is(rules, "kubernetes-vpa,krr-simple,yunjian-500,yunjian-25,keeps-everything")
	b.is(`document.querySelector("#at-2 thead th:nth-child(4)").getAttribute("aria-sort")`, "descending")
	b.point("#at-2 thead th:nth-child(4) button", true)
	b.is(rules, "keeps-everything,yunjian-25,yunjian-500,krr-simple,kubernetes-vpa")
	b.point("#at-2 thead th:nth-child(5) button", true)
	b.is(rules, "yunjian-500,yunjian-25,keeps-everything,krr-simple,kubernetes-vpa")
	b.is(`document.querySelectorAll("#at-2 thead [aria-sort]").length`, "1")
	b.is(`document.documentElement.scrollWidth <= innerWidth`, "true")
	b.quiet()

	// What is not the page's own does not run.
	b.eval(`{ const s = document.createElement("script"); s.textContent = "window.foreign = 1"; document.body.append(s); }`)
	b.is("typeof window.foreign", "undefined")
}
