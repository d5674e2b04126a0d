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
	t.line("各常数与部分的含义和出处 | what each is, and where it comes from: recommender/constants.go, docs/decisions/0012")
	t.line("")
	head := cond.FillRight("常数或部分 constant or part", 40)
	for _, h := range backtest.ComparedHarm {
		head += cond.FillLeft("节省@"+percentOf(h), 12)
	}
	for _, b := range backtest.ComparedBudgets {
		head += cond.FillLeft(fmt.Sprintf("受损@%.0f%%", 100*b), 12)
	}
	t.line(head)
	t.line(strings.Repeat("-", textWidth))
	for _, v := range varied {
		name := "去掉 without " + v.Of
		switch {
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
		t.line(row)
	}
	return t.w.Flush()
}
