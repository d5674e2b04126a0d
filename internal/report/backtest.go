package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"yunjian/backtest"
)

// ownRule is the id of Yunjian's own rule in a replay.
const ownRule = "yunjian"

// WriteBacktest writes replays as tables and pictures for a terminal, in Chinese
// with English beside it.
func WriteBacktest(w io.Writer, results []backtest.Result) error {
	t := &page{w: bufio.NewWriter(w)}
	for i, r := range results {
		if i > 0 {
			t.line("")
		}
		t.replay(r)
	}
	if len(results) > 1 {
		t.spread(results)
	}
	return t.w.Flush()
}

func (t *page) replay(r backtest.Result) {
	days := r.HorizonEnd.Sub(r.DecideAt).Hours() / 24
	t.line(fmt.Sprintf("回放 replay: 决定于 decided at %s，之后 %.1f 天检验 scored over the %.1f days after", r.DecideAt.Format(time.RFC3339), days, days))
	t.line(fmt.Sprintf("计分的云主机 instances scored: %d（检验期内至少一半时段有样本 | samples in at least half of that time）", r.Instances))
	if r.Instances == 0 {
		t.line("没有可计分的云主机：换一个前后都有数据的时刻 | none: choose an instant with data before and after it")
		return
	}
	if r.Hindsight != nil {
		t.line(fmt.Sprintf("事后看来，一台也不伤最多可节省 with hindsight, harming none, at most: %s", percentOf(*r.Hindsight)))
	}
	rules := slices.Clone(r.Rules)
	slices.SortStableFunc(rules, func(a, b backtest.RuleResult) int {
		return cmp.Or(-cmp.Compare(a.SavingFraction, b.SavingFraction), cmp.Compare(a.HarmedFraction, b.HarmedFraction), cmp.Compare(a.Rule, b.Rule))
	})
	var sizes, releases []backtest.RuleResult
	for _, x := range rules {
		if ofSizes(x) {
			sizes = append(sizes, x)
		}
		if x.Release != nil && !slices.ContainsFunc(releases, func(r backtest.RuleResult) bool { return r.Rule == x.Rule }) {
			releases = append(releases, x)
		}
	}
	if len(sizes) > 0 {
		t.sizes(sizes)
		t.scatter(sizes)
		t.rivals(r)
	}
	if len(releases) > 0 {
		t.releases(releases)
	}
}

// rivals tells which other rules Yunjian's own beats, and by how much it fails to beat
// the rest.
func (t *page) rivals(r backtest.Result) {
	all := r.Rivals()
	var left []string
	for _, x := range all {
		if x.Beaten {
			continue
		}
		more := "受损都更多 every budget harms more"
		if !math.IsNaN(x.More) {
			more = fmt.Sprintf("%+.1f 个百分点 points", 100*x.More)
		}
		left = append(left, "  "+cond.FillRight(x.Rule, 50)+more)
	}
	if len(all) == 0 {
		return
	}
	t.line("")
	t.line(fmt.Sprintf("对手 rivals: 云鉴胜过 beats %d / %d（受损不多而多省 4 个百分点以上，或省得不少而受损至多一半 | at no more harm 4 points more saved, or no less saved at half the harm）", len(all)-len(left), len(all)))
	if len(left) > 0 {
		t.line("未胜的，受损不多时多省 not beaten, with what is saved beyond them at no more harm:")
		for _, l := range left {
			t.line(l)
		}
	}
}

// ofSizes reports whether a rule has to do with sizes: Yunjian's own has with releases,
// too, and those are the same whatever its budget.
func ofSizes(r backtest.RuleResult) bool { return r.Release == nil || r.Rule == ownRule }

// spread puts the instants together, rule by rule: one of them is one draw.
func (t *page) spread(results []backtest.Result) {
	rules := slices.DeleteFunc(byRule(results), func(d *replayed) bool { return !ofSizes(d.rule) })
	if len(rules) == 0 {
		return
	}
	t.line("")
	t.line(fmt.Sprintf("%d 个时刻合看：平均（最小–最大） | the %d instants together: mean (least–greatest)", len(results), len(results)))
	t.line(cond.FillRight("规则 rule", 52) + cond.FillLeft("节省 saves", 22) + cond.FillLeft("受损 harmed", 22) + cond.FillLeft("自估 stated", 14))
	t.line(strings.Repeat("-", textWidth))
	for _, d := range rules {
		says := "—"
		if v := d.mean(stated); !math.IsNaN(v) {
			says = percentOf(v)
		}
		t.line(cond.FillRight(titleOf(d.rule), 52) + cond.FillLeft(spreadOf(d.values(-1, saved)), 22) + cond.FillLeft(spreadOf(d.values(-1, harmed)), 22) + cond.FillLeft(says, 14))
	}
	t.flips(rules)
}

// flips tells how much advice was taken back from one instant to the next.
func (t *page) flips(rules []*replayed) {
	type flip struct {
		title              string
		advised, withdrawn int
	}
	var all []flip
	for _, d := range rules {
		f := flip{title: titleOf(d.rule)}
		for _, r := range d.at {
			if r != nil && r.Flips != nil {
				f.advised, f.withdrawn = f.advised+r.Flips.Advised, f.withdrawn+r.Flips.Withdrawn
			}
		}
		if f.advised > 0 {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b flip) int { return cmp.Compare(a.withdrawn*b.advised, b.withdrawn*a.advised) })
	t.line("")
	t.line("改口：前一时刻建议的降配，到后一时刻撤回或放大了多少（重放不含周报的连续确认） | advice taken back from one instant to the next, without the weekly confirmation")
	t.line(cond.FillRight("规则 rule", 52) + cond.FillLeft("改口 flips", 22) + cond.FillLeft("建议过 advised", 22))
	t.line(strings.Repeat("-", textWidth))
	for _, f := range all {
		t.line(cond.FillRight(f.title, 52) + cond.FillLeft(fmt.Sprintf("%s (%d)", percentOf(float64(f.withdrawn)/float64(f.advised)), f.withdrawn), 22) + cond.FillLeft(fmt.Sprint(f.advised), 22))
	}
}

// spreadOf is the mean of shares with the least and the greatest.
func spreadOf(x []float64) string {
	return fmt.Sprintf("%s (%.1f–%.1f)", percentOf(mean(x)), 100*slices.Min(x), 100*slices.Max(x))
}

// letters mark the peers in the picture, in the order of the table.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// own marks the points of Yunjian's curve.
const own = '●'

// marks gives each rule the sign that stands for it.
func marks(rules []backtest.RuleResult) []rune {
	out := make([]rune, len(rules))
	next := 0
	for i, r := range rules {
		switch {
		case r.Rule == ownRule:
			out[i] = own
		case next < len(letters):
			out[i] = rune(letters[next])
			next++
		default:
			out[i] = '*'
		}
	}
	return out
}

func (t *page) sizes(rules []backtest.RuleResult) {
	t.line("")
	t.line("降配 | smaller sizes")
	t.line(cond.FillRight("  规则 rule", 52) + "  节省 saves  受损 harmed  自估 stated  动 acted  不表态 abstains")
	t.line(strings.Repeat("-", textWidth))
	sign := marks(rules)
	for i, r := range rules {
		stated := "—"
		if r.PredictedHarmFraction != nil {
			stated = percentOf(*r.PredictedHarmFraction)
		}
		t.line(fmt.Sprintf("%s%12s%10s (%d)%s%10d%17d", cond.FillRight(string(sign[i])+" "+titleOf(r), 52),
			percentOf(r.SavingFraction), percentOf(r.HarmedFraction), r.Harmed, cond.FillLeft(stated, 13-len(fmt.Sprint(r.Harmed))), r.Acted, r.Abstained))
	}
}

// titleOf is the id of a rule with Yunjian's budget.
func titleOf(r backtest.RuleResult) string {
	if b, ok := r.Parameters["budget"]; ok {
		return fmt.Sprintf("%s 预算 budget %.3g%%", r.Rule, 100*b)
	}
	return cond.Truncate(r.Rule, 50, "…")
}

func percentOf(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// The picture: saving upwards, harm to the right, by its square root, so that the
// little harm that matters is not squeezed together.
const (
	plotWidth  = 72
	plotHeight = 18
)

func (t *page) scatter(rules []backtest.RuleResult) {
	harm, saving := 0.01, 0.01
	for _, r := range rules {
		harm, saving = max(harm, r.HarmedFraction), max(saving, r.SavingFraction)
	}
	grid := make([][]rune, plotHeight)
	for y := range grid {
		grid[y] = []rune(strings.Repeat(" ", plotWidth))
	}
	sign := marks(rules)
	for i := len(rules) - 1; i >= 0; i-- { // the first of the table on top
		r := rules[i]
		x := int(math.Sqrt(r.HarmedFraction/harm) * (plotWidth - 1))
		y := plotHeight - 1 - int(max(0, r.SavingFraction)/saving*(plotHeight-1))
		grid[y][x] = sign[i]
	}
	t.line("")
	t.line("节省（纵）对受损（横，按平方根）：越靠左上越好，" + string(own) + " 为云鉴，字母见上表 | saved (up) against harmed (right, by its root): better towards the upper left, " + string(own) + " is Yunjian, letters as in the table")
	for y, row := range grid {
		label := "       "
		if y == 0 {
			label = fmt.Sprintf("%6s ", percentOf(saving))
		}
		if y == plotHeight-1 {
			label = fmt.Sprintf("%6s ", "0%")
		}
		t.line(label + "│" + string(row))
	}
	axis := []rune(strings.Repeat("─", plotWidth))
	ticks := []rune(strings.Repeat(" ", plotWidth+8))
	for _, h := range []float64{0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8} {
		x := int(math.Sqrt(h/harm) * (plotWidth - 1))
		text := []rune(fmt.Sprintf("%g%%", 100*h))
		if x >= plotWidth || x+len(text) > len(ticks) || x > 0 && ticks[x-1] != ' ' {
			continue
		}
		axis[x] = '┴'
		copy(ticks[x:], text)
	}
	t.line("       └" + string(axis))
	t.line("        " + string(ticks))
}

func (t *page) releases(rules []backtest.RuleResult) {
	t.line("")
	t.line("释放 | releases：准确率 precision 为其后 99.5% 的时间不超过 20% CPU 的占比，召回率 recall 为其后合乎策略闲置定义者中被指出的占比")
	t.line("                precision: of those named, how many stayed at or below 20 % CPU for 99.5 % of the time; recall: of those idle by the policy afterwards, how many were named")
	t.line(cond.FillRight("  规则 rule", 52) + "  指出 named  准确率 precision  召回率 recall  不表态 abstains")
	t.line(strings.Repeat("-", textWidth))
	slices.SortStableFunc(rules, func(a, b backtest.RuleResult) int { return -cmp.Compare(a.Release.Named, b.Release.Named) })
	share := func(v *float64) string {
		if v == nil {
			return "—"
		}
		return percentOf(*v)
	}
	for _, r := range rules {
		t.line(fmt.Sprintf("%s%12d%s%s%17d", cond.FillRight("  "+r.Rule, 52), r.Release.Named,
			cond.FillLeft(share(r.Release.Precision), 18), cond.FillLeft(share(r.Release.Recall), 16), r.Abstained))
	}
}
