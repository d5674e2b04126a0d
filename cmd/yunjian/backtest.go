package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/backtest"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/policies"
)

// standardBudgets draw Yunjian's own curve.
var standardBudgets = []float64{0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.15, 0.17, 0.2, 0.25, 0.3, 0.4, 0.6}

// ownRule is the id of Yunjian's own rule.
const ownRule = "yunjian"

// backtestZone cuts days where a bundle, which names no zone, is replayed without
// instants, which would.
const backtestZone = "Asia/Shanghai"

func newBacktest() *cobra.Command {
	var dir, path, format, lang, output string
	var at []string
	var rules []string
	var budgets []float64
	var vary bool
	cmd := &cobra.Command{
		Use:     "backtest (--bundle DIR | --config FILE) [--decide-at TIME] [--rules a,b|all] [--budget SHARE] [--vary] [--format text|html|json] [--lang zh|en] [--output FILE]",
		GroupID: groupRules,
		Short:   "回放历史，检验各种降配规则 — replay rules over history and score them",
		Long: `回放：各规则只看 --decide-at 之前的样本作出决定，再用之后的样本检验。节省按每 vCPU 600 元、
每 GiB 300 元一年计（只用于比较），候选规格为 2 的幂；受损指降配后有超过 0.5% 的样本需要更多。
可给出多个时刻，各评一次（JSON 则为列表）；不给则自选三个：最后一个在数据结束前至少 7 天的午夜，
其余依次提前，最多相隔一周，最早的一个之前至少有 10 天数据；不足 19 天只选一个。
云鉴自己的规则按风险预算（各台受损上限之和至多占云主机的比例）决定，给出一条曲线；其余是各产品公开的规则。
--bundle 回放文件；--config 回放数据目录里的历史：每台云主机取决定时的规格，此后变更规格的只评到变更为止，
关机的时段不计，已释放的也参加。都只读，不改动任何数据。--format html 是一个自带图的网页文件，无需联网。

Replays rules: each decides on the samples before --decide-at alone and is scored by those
after. Savings count 600 yuan a vCPU and 300 a GiB a year, for comparison only; sizes on
offer are powers of two; harmed is an instance that needed more than its new size in more
than 0.5 % of the samples. Several instants are scored one by one (JSON: a list). Without
any, three are chosen: the last is the midnight with at least 7 days of data after it, the
others lie before it, at most a week apart, the earliest with at least 10 days behind it;
below 19 days there is one. Yunjian's own rule keeps a risk budget, the share of instances
that its upper bounds of harm may add up to, and draws a curve; the others are what products have published.
--bundle replays files, --config the history in the data folder: each instance has the size
it had when the decision fell, is scored until that changed, and leaves out the time it was
off; instances that are gone by now take part. Both only read and change nothing.
--format html is a page with its plots in one file, which needs no network.`,
		Example: `  yunjian generate --output ./example --instances 200 --days 30 --end 2026-11-23T00:00:00+08:00
  yunjian backtest --bundle ./example
  yunjian backtest --bundle ./example --format html --output backtest.html
  yunjian backtest --bundle ./example --decide-at 2026-11-09T00:00:00+08:00,2026-11-13T00:00:00+08:00 --rules yunjian,krr-simple
  yunjian backtest --bundle ./example --decide-at 2026-11-13T00:00:00+08:00 --budget 0.01 --format json > backtest.json
  yunjian backtest --bundle ./example --vary
  yunjian backtest --config yunjian.yaml --format html --output backtest.html`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"text", "html", "json"}, format) {
				return usage(fmt.Errorf("--format %q: want text, html or json", format))
			}
			if lang != "" {
				if _, err := report.ParseLang(lang); err != nil {
					return usage(fmt.Errorf("--lang: %w", err))
				}
			}
			switch {
			case dir == "" && path == "":
				return usage(errors.New("want --bundle, the folder that holds inventory.csv and samples, or --config, the configuration whose data folder holds the history"))
			case dir != "" && path != "":
				return usage(errors.New("--bundle and --config exclude each other: replay files or the data folder, one at a time"))
			}
			var o pipeline.BacktestOptions
			var err error
			if o.DecideAt, err = instants(at); err != nil {
				return usage(err)
			}
			if o.Rules, o.Budgets, err = chosenRules(rules, budgets); err != nil {
				return usage(err)
			}
			progress := newBar(cmd.ErrOrStderr(), "回放 replay")
			o.Progress = progress.set
			var variations []backtest.Variation
			if vary {
				if format == "html" || len(o.Budgets) == 0 || cmd.Flags().Changed("budget") {
					return usage(errors.New("--vary compares Yunjian's own rule with itself over budgets of its own: want --format text or json, no --budget, and yunjian among --rules"))
				}
				variations = backtest.Variations()
				o.Variations, o.Budgets = variations, backtest.VariedBudgets()
				o.Decided = progress.set
			}
			replay := replayBundle
			if path != "" {
				replay = replayData
			}
			results, l, err := replay(cmd, dir+path, o)
			progress.finish()
			if err != nil {
				return interrupted(cmd, err, "没有结果；什么都没有改动", "there is no result; nothing was changed")
			}
			if lang != "" {
				l = report.Lang(lang)
			}
			write := func(w io.Writer) error { return writeBacktest(w, results[0], format, l) }
			if vary {
				write = func(w io.Writer) error { return writeVariations(w, variations, results, format) }
			}
			if output == "" {
				return write(cmd.OutOrStdout())
			}
			var b bytes.Buffer
			if err := write(&b); err != nil {
				return err
			}
			return filesOf(cmd.Context()).WriteFile(output, b.Bytes())
		},
	}
	cmd.Flags().StringVar(&dir, "bundle", "", "含 inventory.csv 与 samples 的文件夹 | folder with inventory.csv and samples")
	_ = cmd.MarkFlagDirname("bundle")
	cmd.Flags().StringVar(&path, "config", "", "配置文件（YAML）：回放其数据目录里的历史 | configuration file (YAML): replay the history in its data folder")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.Flags().StringSliceVar(&at, "decide-at", nil, "决定的时刻（RFC 3339），可用逗号给出多个；默认按上文自选 | instants of decision (RFC 3339), separated by commas; default: chosen as said above")
	cmd.Flags().StringSliceVar(&rules, "rules", []string{"all"}, "规则，或 all | rules, or all")
	cmd.Flags().Var(&sharesValue{&budgets, false}, "budget", "云鉴自己规则的风险预算：受损上限之和至多占云主机的比例，如 0.01；默认画出整条曲线 | risk budgets of Yunjian's own rule: the share of instances that upper bounds of harm may add up to, such as 0.01; default: a whole curve")
	cmd.Flags().BoolVar(&vary, "vary", false, "云鉴自己规则的每个常数减半、加倍，每个部分去掉，或预知后来，结果怎样变（需几分钟） | how Yunjian's own rule fares with each constant halved and doubled, each part left out, or told what comes (takes minutes)")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, html, json")
	choices(cmd, "format", "text", "html", "json")
	cmd.Flags().StringVar(&lang, "lang", "", "网页的语言，默认取配置的 lang，没有配置则 zh；text 两种都有 | language of the page: zh, en; default: lang of the configuration, without one zh; text has both")
	choices(cmd, "lang", "zh", "en")
	cmd.Flags().StringVar(&output, "output", "", "写入该文件，已有则覆盖；默认标准输出 | write to this file, in place of one that is there; default: standard output")
	return cmd
}

// writeBacktest writes results in a format that is known to be one.
func writeBacktest(w io.Writer, results []backtest.Result, format string, l report.Lang) error {
	switch {
	case format == "html":
		return report.WriteBacktestHTML(w, results, l)
	case format == "text":
		return report.WriteBacktest(w, results)
	case len(results) == 1:
		return writeJSON(w, results[0])
	default:
		return writeJSON(w, results)
	}
}

// writeVariations writes what became of variations, results[i] being those of
// variations[i].
func writeVariations(w io.Writer, variations []backtest.Variation, results [][]backtest.Result, format string) error {
	varied := make([]backtest.Varied, len(variations))
	for i, v := range variations {
		varied[i] = backtest.Vary(v, results[i])
	}
	if format == "json" {
		return writeJSON(w, varied)
	}
	return report.WriteVariations(w, varied, len(results[0]))
}

// replayBundle replays over the files of a folder, by the standard policy.
func replayBundle(cmd *cobra.Command, dir string, o pipeline.BacktestOptions) ([][]backtest.Result, report.Lang, error) {
	var err error
	if len(o.DecideAt) > 0 {
		o.Location = o.DecideAt[0].Location() // days are cut there, wherever this runs
	} else if o.Location, err = time.LoadLocation(backtestZone); err != nil {
		return nil, "", err
	}
	o.Pack, _ = policies.ByID(policies.DefaultID)
	b, err := openBundle(dir)
	if err != nil {
		return nil, "", err
	}
	results, err := pipeline.Backtest(cmd.Context(), b, o)
	return results, report.ZH, err
}

// replayData replays over the history in the data folder, by the policy and in the
// language of the configuration.
func replayData(cmd *cobra.Command, path string, o pipeline.BacktestOptions) ([][]backtest.Result, report.Lang, error) {
	cfg, data, err := openData(cmd, path)
	if err != nil {
		return nil, "", err
	}
	defer data.Close()
	o.Location = cfg.Location
	for i := range o.DecideAt {
		o.DecideAt[i] = o.DecideAt[i].In(cfg.Location)
	}
	if o.Pack, err = loadPack(cfg); err != nil {
		return nil, "", err
	}
	results, err := data.Backtest(cmd.Context(), cfg.CloudNames(), o)
	return results, report.Lang(cfg.Lang), err
}

// instants parses --decide-at.
func instants(words []string) ([]time.Time, error) {
	out := make([]time.Time, len(words))
	for i, w := range words {
		if err := (timeValue{&out[i]}).Set(strings.TrimSpace(w)); err != nil {
			return nil, fmt.Errorf("--decide-at %q: %w", w, err)
		}
		if slices.ContainsFunc(out[:i], out[i].Equal) {
			return nil, fmt.Errorf("--decide-at %q: 同一时刻写了两次 | the same instant twice: want each once", w)
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
		case w == "all":
			return nil, nil, errors.New("--rules: all 已包括全部规则，不能再与其他规则并列 | all names every rule already: write all alone, or rules without it")
		case i >= 0:
			rules = append(rules, peers[i])
		default:
			return nil, nil, fmt.Errorf("--rules %q: %swant all, or of %s", w, didYouMean(w, append(known, "all")), strings.Join(known, ", "))
		}
	}
	if !own {
		budgets = nil
	}
	slices.SortStableFunc(rules, func(a, b backtest.Rule) int { return cmp.Compare(slices.Index(known, a.ID), slices.Index(known, b.ID)) })
	return slices.CompactFunc(rules, func(a, b backtest.Rule) bool { return a.ID == b.ID }), budgets, nil
}
