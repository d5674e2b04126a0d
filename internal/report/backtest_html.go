package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"yunjian/backtest"
)

var (
	//go:embed backtest.html
	replayHTML string
	//go:embed backtest.css
	replayCSS string
	//go:embed backtest.js
	replayJS string
)

var replayTemplate = template.Must(template.New("backtest").Parse(replayHTML))

// replayPage is what the template shows.
type replayPage struct {
	*replayWords
	Policy      string // what a browser lets the page do: its own style and script, nothing else
	CSS         template.CSS
	JS          template.JS
	LeadText    string
	CoveredText []string
	Views       []replayView
	Calibration *replayPlot
	Calibrated  replayTable
	Sources     replayTable
}

// replayView is one instant, or all together.
type replayView struct {
	ID, Title, Note string
	Plot            *replayPlot // nil: nothing was scored
	Sizes, Releases *replayTable
}

type replayTable struct {
	Caption string
	Head    []replayHead
	Rows    []replayRow
}

type replayHead struct {
	Text   string
	Number bool
}

// replayRow is a row whose first cell names a rule.
type replayRow struct {
	Key, Mark string
	Own       bool
	Cells     []replayCell
	named     float64 // of a release rule, by which its table is sorted at first
}

// replayCell is what is shown, and what it is sorted by: empty where not known.
type replayCell struct {
	Text, Value string
	Number      bool
}

// WriteBacktestHTML writes replays as one page that asks for nothing from elsewhere.
// Its script only shows, sorts and highlights what the page already holds.
func WriteBacktestHTML(w io.Writer, results []backtest.Result, l Lang) error {
	words := replayWordsOf(l)
	p := replayPage{
		replayWords: words, CSS: template.CSS(replayCSS), JS: template.JS(replayJS), // both are embedded above
		Policy: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", digest(replayCSS), digest(replayJS)),
	}
	rules := byRule(results)
	p.lead(results, rules)
	harm, saving := 0.0, 0.0
	for _, d := range rules {
		if ofSizes(d.rule) {
			harm, saving = max(harm, slices.Max(d.values(-1, harmed))), max(saving, slices.Max(d.values(-1, saved)))
		}
	}
	for _, r := range results {
		if r.Hindsight != nil {
			saving = max(saving, *r.Hindsight)
		}
	}
	harm, saving = topOf(harm), max(0.1, math.Ceil(10*saving)/10)
	titles := make([]string, len(results))
	scored := 0
	for k, r := range results {
		titles[k] = r.DecideAt.Format("2006-01-02 15:04")
		if r.Instances > 0 {
			scored++
		}
	}
	view := func(which int, id, title, note string) {
		v := replayView{ID: id, Title: title, Note: note}
		if which >= 0 && results[which].Instances > 0 || which < 0 {
			v.fill(rules, which, harm, saving, l)
		}
		if ideal := hindsight(results, which); v.Plot != nil && !math.IsNaN(ideal) {
			v.Plot.Lines = append(v.Plot.Lines, v.Plot.across(ideal/saving, fmt.Sprintf(words.Hindsight, percentOf(ideal))))
		}
		p.Views = append(p.Views, v)
	}
	if scored > 1 {
		view(-1, "all", words.Together, fmt.Sprintf(words.TogetherNote, scored))
	}
	for k, r := range results {
		days := trim(r.HorizonEnd.Sub(r.DecideAt).Hours()/24, 1)
		view(k, "at-"+strconv.Itoa(k+1), titles[k], fmt.Sprintf(words.InstantNote, r.DecideAt.Format("2006-01-02 15:04 -07:00"), days, r.Instances))
	}
	if plot, ok := calibration(rules, titles, l); ok {
		p.Calibration = &plot
		p.Calibrated = calibrated(rules, titles, l)
	}
	p.Sources = sources(rules, l)
	if err := replayTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

// hindsight is what could have been saved without harm at an instant, or the mean of
// all (which < 0); NaN where nothing was scored.
func hindsight(results []backtest.Result, which int) float64 {
	var known []float64
	for k, r := range results {
		if (which < 0 || k == which) && r.Hindsight != nil {
			known = append(known, *r.Hindsight)
		}
	}
	if len(known) == 0 {
		return math.NaN()
	}
	return mean(known)
}

// digest is how a Content-Security-Policy names a style or a script.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (p *replayPage) lead(results []backtest.Result, rules []*replayed) {
	least, most := math.MaxInt, 0
	for _, r := range results {
		least, most = min(least, r.Instances), max(most, r.Instances)
	}
	if most == 0 {
		p.LeadText = p.LeadNone
		return
	}
	counts := strconv.Itoa(most)
	if least < most {
		counts = fmt.Sprintf("%d–%d", least, most)
	}
	p.LeadText = fmt.Sprintf(p.Lead, len(results), counts)
	list := func(rules []*replayed) string {
		var names []string
		for _, d := range rules {
			names = append(names, d.mark+" "+d.rule.Rule)
		}
		return strings.Join(names, p.And)
	}
	above, beyond := uncovered(rules)
	sides := func(own bool) bool {
		return slices.ContainsFunc(rules, func(d *replayed) bool { return d.own() == own && ofSizes(d.rule) })
	}
	switch {
	case !sides(true) || !sides(false): // nothing to compare
		return
	case len(above) > 0:
		p.CoveredText = append(p.CoveredText, fmt.Sprintf(p.Uncovered, list(above)))
	case len(beyond) > 0:
		p.CoveredText = append(p.CoveredText, p.CoveredOthers)
	default:
		p.CoveredText = append(p.CoveredText, p.Covered)
	}
	if len(beyond) > 0 {
		p.CoveredText = append(p.CoveredText, fmt.Sprintf(p.Beyond, list(beyond)))
	}
	beaten, all := 0, 0
	for _, r := range results {
		for _, rival := range r.Rivals() {
			all++
			if rival.Beaten {
				beaten++
			}
		}
	}
	p.CoveredText = append(p.CoveredText, fmt.Sprintf(p.Beaten, beaten, all))
}

func (v *replayView) fill(rules []*replayed, which int, harm, saving float64, l Lang) {
	w := replayWordsOf(l)
	plot := savings(rules, which, harm, saving, l)
	if len(plot.Marks) > 0 {
		v.Plot = &plot
	}
	sizes := replayTable{Caption: w.SizesTitle, Head: heads(w.Rule, w.Parameters, "", w.Saved, w.Harmed, w.Stated, w.Acted, w.Abstains, w.VCPU, w.Memory)}
	releases := replayTable{Caption: w.ReleasesTitle, Head: heads(w.Rule, w.Parameters, "", w.Named, w.Precision, w.Recall, w.Abstains)}
	saidOwn := false
	acted := func(r *backtest.RuleResult) float64 { return float64(r.Acted) }
	abstained := func(r *backtest.RuleResult) float64 { return float64(r.Abstained) }
	for _, d := range rules {
		row := replayRow{Key: keyOf(d.rule), Mark: d.mark, Own: d.own()}
		row.Cells = []replayCell{{Text: d.rule.Rule, Value: keyOf(d.rule)}, {Text: parametersOf(d.rule, l), Value: parametersOf(d.rule, l)}}
		if d.own() {
			row.Mark, row.Cells[0].Value = string(own), fmt.Sprintf("%s %.6f", d.rule.Rule, d.rule.Parameters["budget"])
		}
		if len(d.values(which, saved)) == 0 {
			continue
		}
		if ofSizes(d.rule) {
			row := row
			row.Cells = slices.Clone(row.Cells)
			for _, of := range []func(*backtest.RuleResult) float64{saved, harmed, stated} {
				row.Cells = append(row.Cells, share(d.values(which, of)))
			}
			for _, of := range []func(*backtest.RuleResult) float64{acted, abstained, freedVCPU, freedMemory} {
				row.Cells = append(row.Cells, numbers(d.values(which, of)))
			}
			sizes.Rows = append(sizes.Rows, row)
		}
		if d.rule.Release == nil || d.own() && saidOwn {
			continue
		}
		if d.own() { // its releases are the same whatever the budget
			saidOwn = true
			row.Cells[0].Value, row.Cells[1] = d.rule.Rule, replayCell{}
		}
		named := func(r *backtest.RuleResult) float64 { return float64(r.Release.Named) }
		row.named = mean(d.values(which, named))
		row.Cells = append(row.Cells, numbers(d.values(which, named)),
			share(d.values(which, func(r *backtest.RuleResult) float64 { return orNaN(r.Release.Precision) })),
			share(d.values(which, func(r *backtest.RuleResult) float64 { return orNaN(r.Release.Recall) })),
			numbers(d.values(which, abstained)))
		releases.Rows = append(releases.Rows, row)
	}
	if len(sizes.Rows) > 0 {
		v.Sizes = &sizes
	}
	if len(releases.Rows) > 0 {
		slices.SortStableFunc(releases.Rows, func(a, b replayRow) int { return cmp.Compare(b.named, a.named) })
		v.Releases = &releases
	}
}

func freedVCPU(r *backtest.RuleResult) float64   { return float64(r.ReleasedVCPU) }
func freedMemory(r *backtest.RuleResult) float64 { return r.ReleasedMemoryGiB }

// heads are the headings of columns; those behind the empty one are of numbers.
func heads(titles ...string) []replayHead {
	var out []replayHead
	number := false
	for _, t := range titles {
		if t == "" {
			number = true
			continue
		}
		out = append(out, replayHead{t, number})
	}
	return out
}

// share shows shares: the mean, and of several their spread.
func share(x []float64) replayCell {
	return figure(x, percentOf, spreadOf)
}

// numbers shows them likewise.
func numbers(x []float64) replayCell {
	return figure(x, func(v float64) string { return trim(v, 1) }, func(x []float64) string {
		return fmt.Sprintf("%s (%s–%s)", trim(mean(x), 1), trim(slices.Min(x), 1), trim(slices.Max(x), 1))
	})
}

func figure(x []float64, one func(float64) string, several func([]float64) string) replayCell {
	switch len(x) {
	case 0:
		return replayCell{Text: "—", Number: true}
	case 1:
		return replayCell{Text: one(x[0]), Value: fmt.Sprintf("%.6f", x[0]), Number: true}
	default:
		return replayCell{Text: several(x), Value: fmt.Sprintf("%.6f", mean(x)), Number: true}
	}
}

// fine is a share to a hundredth of a percent, as budgets are.
func fine(share float64) string { return fixed(100*share, 2) + "%" }

// tell fills in what a mark says of a rule.
func (m *replayMark) tell(d *replayed, which int, l Lang) {
	w := replayWordsOf(l)
	m.Name, m.Parameters = d.rule.Name, parametersOf(d.rule, l)
	if m.Name == "" {
		m.Name = d.rule.Rule
	}
	if d.mark != "" {
		m.Name = d.mark + " · " + m.Name
	}
	m.Saved, m.Harmed, m.Stated = share(d.values(which, saved)).Text, share(d.values(which, harmed)).Text, share(d.values(which, stated)).Text
	m.VCPU, m.Memory = numbers(d.values(which, freedVCPU)).Text, numbers(d.values(which, freedMemory)).Text
	parts := []string{m.Name, m.Parameters, w.Saved + " " + m.Saved, w.Harmed + " " + m.Harmed, w.Stated + " " + m.Stated, w.VCPU + " " + m.VCPU, w.Memory + " " + m.Memory}
	m.Said = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// calibrated is the calibration plot as a table, one budget a row.
func calibrated(rules []*replayed, titles []string, l Lang) replayTable {
	w := replayWordsOf(l)
	t := replayTable{Caption: w.CalibrationTitle, Head: heads(append(append([]string{w.Rule, ""}, titles...), w.MeanStated, w.MeanHarmed, w.Times)...)}
	for _, d := range slices.Backward(rules) {
		if !d.own() {
			continue
		}
		budget := d.rule.Parameters["budget"]
		row := replayRow{Key: keyOf(d.rule), Mark: string(own), Own: true, Cells: []replayCell{{Text: parametersOf(d.rule, l), Value: fmt.Sprintf("%.6f", budget)}}}
		for k := range titles {
			c := share(d.values(k, harmed))
			if s := d.values(k, stated); len(s) > 0 {
				c.Text = fine(s[0]) + " → " + fine(d.values(k, harmed)[0])
			}
			row.Cells = append(row.Cells, c)
		}
		one := func(of func(*backtest.RuleResult) float64) replayCell {
			v := d.values(-1, of)
			if len(v) == 0 {
				return share(nil)
			}
			return figure([]float64{mean(v)}, fine, spreadOf)
		}
		row.Cells = append(row.Cells, one(stated), one(harmed), replayCell{Text: fixed(d.mean(harmed)/budget, 2), Value: fmt.Sprintf("%.6f", d.mean(harmed)/budget), Number: true})
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sources is what each rule is, and where its definition stands; Yunjian's own once.
func sources(rules []*replayed, l Lang) replayTable {
	w := replayWordsOf(l)
	t := replayTable{Caption: w.RulesTitle, Head: heads(w.Rule, w.Name, w.Kind, w.Parameters, w.Source)}
	saidOwn := false
	for _, d := range rules {
		row := replayRow{Key: keyOf(d.rule), Mark: d.mark, Own: d.own()}
		kind, parameters := w.KindSize, parametersOf(d.rule, l)
		switch {
		case d.own() && saidOwn:
			continue
		case d.own():
			saidOwn, kind, parameters, row.Key, row.Mark = true, w.KindOwn, "", "", string(own)
		case d.rule.Release != nil:
			kind = w.KindRelease
		}
		for _, text := range []string{d.rule.Rule, d.rule.Name, kind, parameters, d.rule.Source} {
			row.Cells = append(row.Cells, replayCell{Text: text, Value: text})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
