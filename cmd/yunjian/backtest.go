package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/backtest"
	"yunjian/collector/bundle"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/policies"
)

// standardBudgets draw Yunjian's own curve.
var standardBudgets = []float64{0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1}

// ownRule is the id of Yunjian's own rule.
const ownRule = "yunjian"

func newBacktest() *cobra.Command {
	var dir, format string
	var at []string
	var rules []string
	var budgets []float64
	cmd := &cobra.Command{
		Use:     "backtest --bundle DIR --decide-at TIME [--rules a,b|all] [--budget SHARE] [--format text|json]",
		GroupID: groupRules,
		Short:   "回放历史，检验各种降配规则 — replay rules over history and score them",
		Long: `回放：各规则只看 --decide-at 之前的样本作出决定，再用之后的样本检验。节省按每 vCPU 600 元、
每 GiB 300 元一年计（只用于比较），候选规格为 2 的幂；受损指降配后有超过 0.5% 的样本需要更多。
可给出多个时刻，各评一次（JSON 则为列表）。云鉴自己的规则按风险预算（允许受损的云主机比例）决定，给出一条曲线；
其余是各产品公开的规则。只读文件，不需要配置，也不改动任何数据。

Replays rules: each decides on the samples before --decide-at alone and is scored by those
after. Savings count 600 yuan a vCPU and 300 a GiB a year, for comparison only; sizes on
offer are powers of two; harmed is an instance that needed more than its new size in more
than 0.5 % of the samples. Several instants are scored one by one (JSON: a list). Yunjian's own rule keeps
a risk budget, the share of instances that may come to harm, and draws a curve; the others
are what products have published. It reads the files only, needs no configuration, and
changes nothing.`,
		Example: `  yunjian generate --output ./example --instances 200 --days 30 --end 2026-11-23T00:00:00+08:00
  yunjian backtest --bundle ./example --decide-at 2026-11-13T00:00:00+08:00
  yunjian backtest --bundle ./example --decide-at 2026-11-09T00:00:00+08:00,2026-11-13T00:00:00+08:00 --rules yunjian,krr-simple
  yunjian backtest --bundle ./example --decide-at 2026-11-13T00:00:00+08:00 --budget 0.01 --format json > backtest.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			if dir == "" {
				return usage(errors.New("--bundle is missing: name the folder that holds inventory.csv and samples"))
			}
			var o pipeline.BacktestOptions
			var err error
			if o.DecideAt, err = instants(at); err != nil {
				return usage(err)
			}
			o.Location = o.DecideAt[0].Location() // days are cut there, wherever this runs
			if o.Rules, o.Budgets, err = chosenRules(rules, budgets); err != nil {
				return usage(err)
			}
			o.Pack, _ = policies.ByID(policies.DefaultID)
			b, err := bundle.Open(dir)
			if err != nil {
				return err
			}
			progress := newBar(cmd.ErrOrStderr(), "回放 replay")
			o.Progress = progress.set
			results, err := pipeline.Backtest(cmd.Context(), b, o)
			progress.finish()
			if err != nil {
				return interrupted(cmd, err, "没有结果；什么都没有改动", "there is no result; nothing was changed")
			}
			if format == "json" {
				if len(results) == 1 {
					return writeJSON(cmd.OutOrStdout(), results[0])
				}
				return writeJSON(cmd.OutOrStdout(), results)
			}
			return report.WriteBacktest(cmd.OutOrStdout(), results)
		},
	}
	cmd.Flags().StringVar(&dir, "bundle", "", "含 inventory.csv 与 samples 的文件夹，必需 | folder with inventory.csv and samples, required")
	_ = cmd.MarkFlagDirname("bundle")
	cmd.Flags().StringSliceVar(&at, "decide-at", nil, "决定的时刻（RFC 3339），可用逗号给出多个，必需 | instants of decision (RFC 3339), separated by commas, required")
	cmd.Flags().StringSliceVar(&rules, "rules", []string{"all"}, "规则，或 all | rules, or all")
	cmd.Flags().Float64SliceVar(&budgets, "budget", nil, "云鉴自己规则的风险预算，允许受损的比例，如 0.01；默认画出整条曲线 | risk budgets of Yunjian's own rule: the share that may come to harm, such as 0.01; default: a whole curve")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	return cmd
}

// instants parses --decide-at.
func instants(words []string) ([]time.Time, error) {
	if len(words) == 0 {
		return nil, errors.New("--decide-at is missing: want a time such as 2026-11-13T00:00:00+08:00 that has history before and after it")
	}
	out := make([]time.Time, len(words))
	for i, w := range words {
		if err := (timeValue{&out[i]}).Set(strings.TrimSpace(w)); err != nil {
			return nil, fmt.Errorf("--decide-at %q: %w", w, err)
		}
	}
	return out, nil
}

// chosenRules is the peers' rules among words, and the budgets of Yunjian's own
// rule, none where it is not among them.
func chosenRules(words []string, budgets []float64) ([]backtest.Rule, []float64, error) {
	peers := backtest.Peers()
	known := []string{ownRule}
	for _, r := range peers {
		known = append(known, r.ID)
	}
	for _, b := range budgets {
		if !(b > 0 && b < 1) {
			return nil, nil, fmt.Errorf("--budget %v: want a share above 0 and below 1, such as 0.01 for one in a hundred", b)
		}
	}
	if len(budgets) == 0 {
		budgets = standardBudgets
	}
	if slices.Equal(words, []string{"all"}) {
		return peers, budgets, nil
	}
	var rules []backtest.Rule
	own := false
	for _, w := range words {
		w = strings.TrimSpace(w)
		i := slices.IndexFunc(peers, func(r backtest.Rule) bool { return r.ID == w })
		switch {
		case w == ownRule:
			own = true
		case i >= 0:
			rules = append(rules, peers[i])
		default:
			return nil, nil, fmt.Errorf("--rules %q: want all, or of %s", w, strings.Join(known, ", "))
		}
	}
	if !own {
		budgets = nil
	}
	slices.SortStableFunc(rules, func(a, b backtest.Rule) int { return cmp.Compare(slices.Index(known, a.ID), slices.Index(known, b.ID)) })
	return slices.CompactFunc(rules, func(a, b backtest.Rule) bool { return a.ID == b.ID }), budgets, nil
}
