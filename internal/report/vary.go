package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"yunjian/backtest"
)

// WriteVariations writes what became of Yunjian's own rule with each constant changed
// and each part left out, the mean over so many instants, for a terminal.
func WriteVariations(w io.Writer, varied []backtest.Varied, instants int) error {
	t := &page{w: bufio.NewWriter(w)}
	t.line(fmt.Sprintf("云鉴规则的敏感度：%d 个时刻的平均 | how Yunjian's own rule moves: the mean over %d instants", instants, instants))
	t.line("节省：受损不超过该比例时最多省多少；受损：按该预算后来受损多少 | saves: the most at no more than that share harmed; harmed: what came of that budget")
	t.line("胜出：对手规则中被超过的（每个时刻各算一次），超过即受损不多而多省 4 个百分点，或节省不少而受损至多一半 | beats: rules for sizes, counted at each instant, at no more harm by 4 points saved, or at no less saved with half the harm")
	t.line("预知：不从过去学，而从其他云主机后来的结果学，没有人能事先知道；与现状相比，看学习还有多少余地，不是上限 | told: learns from what came of the other machines, which nobody knows beforehand; beside the rule as it stands it shows what room learning has, and is no bound")
	t.line("各常数与部分的含义和出处 | what each is, and where it comes from: recommender/constants.go, docs/decisions/0012")
	t.line("")
	head := cond.FillRight("常数或部分 constant or part", 40)
	for _, h := range backtest.ComparedHarm {
		head += cond.FillLeft("节省@"+percentOf(h), 12)
	}
	for _, b := range backtest.ComparedBudgets {
		head += cond.FillLeft(fmt.Sprintf("受损@%.0f%%", 100*b), 12)
	}
	head += cond.FillLeft("胜出 beats", 14)
	t.line(head)
	t.line(strings.Repeat("-", textWidth))
	for _, v := range varied {
		name := "去掉 without " + v.Of
		switch {
		case v.Told:
			name = "预知 told what came"
		case v.Of == "":
			name = "现状 as it stands"
		case v.Value != "":
			name = v.Of + " = " + v.Value
		}
		row := cond.FillRight(name, 40)
		for _, s := range v.Saved {
			row += cond.FillLeft(percentOf(s), 12)
		}
		for _, h := range v.Harmed {
			row += cond.FillLeft(fmt.Sprintf("%.2f%%", 100*h), 12)
		}
		t.line(row + cond.FillLeft(fmt.Sprintf("%d/%d", v.Beaten, v.Rivals), 14))
	}
	return t.w.Flush()
}
