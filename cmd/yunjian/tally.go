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

	"yunjian/cloud"
	"yunjian/internal/estate"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/ledger"
	"yunjian/price"
)

// exampleCampaign is the worked example of a tally.
const exampleCampaign = "zhejiang-2024h1"

func newTally() *cobra.Command {
	var path, example, period, from, to, format, lang, output string
	var by []string
	var q ledger.Query
	var kind, effect string
	var entries bool
	cmd := &cobra.Command{
		Use:     "tally (--config FILE | --example zhejiang-2024h1) [--period 2024H1 | --from DATE --to DATE] [--by department|application|kind|effect|month|quarter|half|batch] [--entries] [--format text|csv|xlsx|json] [--lang zh|en] [--output FILE]",
		GroupID: groupWork,
		Short:   "财务核算表：已释放的核、GB 与元 — the finance tally: cores, GB and yuan released",
		Long: `按期间、单位、应用、类型、事项、月份、季度、半年或批次汇总台账里已入账的释放与降配。入账依据是
前后两次资源清单的比对，不是建议；每个数都可用 --entries 追到分录与凭据。
预估年化、本年度可实现、已核实三个数并列，单位为元。

Adds up what the ledger has booked as released or made smaller, by period, department,
application, kind, effect, month, quarter, half or batch. What is booked was observed by comparing
inventories, not advised; --entries traces every figure to its entries and their
evidence. Three figures stand side by side: annual, in-year and verified, in yuan.`,
		Example: `  yunjian tally --config yunjian.yaml --period 2024H1 --by department
  yunjian tally --config yunjian.yaml --from 2024-01-01 --to 2024-06-30 --department 示例市财政局 --entries
  yunjian tally --config yunjian.yaml --period 2024 --by month --format xlsx --output tally.xlsx
  yunjian tally --example zhejiang-2024h1 --by month`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case path == "" && example == "":
				return usage(errors.New("want --config, the configuration whose data folder holds the ledger, or --example zhejiang-2024h1, the worked example"))
			case path != "" && example != "":
				return usage(errors.New("--config and --example exclude each other: tally the ledger or the example"))
			case example != "" && example != exampleCampaign:
				return usage(fmt.Errorf("--example %q: want %s", example, exampleCampaign))
			}
			f, err := report.ParseFormat(format)
			if err != nil || f == report.HTML {
				return usage(fmt.Errorf("--format %q: want text, csv, xlsx or json", format))
			}
			if f == report.XLSX && output == "" {
				return usage(errors.New("a spreadsheet is not text: name its file with --output, such as `--output tally.xlsx`"))
			}
			if q.By, err = parseBy(by); err != nil {
				return usage(err)
			}
			if q.Kind, err = parseOne("--kind", kind, cloud.Kinds()); err != nil {
				return usage(err)
			}
			if q.Effect, err = parseOne("--effect", effect, slices.DeleteFunc(ledger.Effects(), func(e ledger.Effect) bool { return e == ledger.Verified })); err != nil {
				return usage(err)
			}
			var data *pipeline.Data
			t := report.Tally{Listed: entries}
			l := report.ZH
			if example != "" {
				if period == "" && from == "" && to == "" {
					period = "2024H1"
				}
				t.Location, t.Example = estate.CampaignZone, true
				t.Entries = exampleLedger()
			} else {
				cfg, err := loadConfig(cmd, path)
				if err != nil {
					return err
				}
				if data, err = openPresent(cmd.Context(), cfg); err != nil {
					return err
				}
				defer data.Close()
				if t.Entries, err = data.State.Ledger(); err != nil {
					return err
				}
				t.Location, l = cfg.Location, report.Lang(cfg.Lang)
			}
			if lang != "" {
				if l, err = report.ParseLang(lang); err != nil {
					return usage(fmt.Errorf("--lang: %w", err))
				}
			}
			if q.Period, err = ledger.PeriodOf(period, from, to, "--", t.Location); err != nil {
				return usage(err)
			}
			t.Query = q
			write := func(w io.Writer) error { return report.WriteTally(w, t, f, l) }
			if output == "" {
				return write(cmd.OutOrStdout())
			}
			if data != nil {
				object := journal.Object{Type: "tally", ID: t.Query.From.Format(time.DateOnly) + "/" + t.Query.To.Format(time.DateOnly)}
				return export(cmd.Context(), data, object, output, write, "format", string(f), "lang", string(l))
			}
			var b bytes.Buffer // the example: there is no folder, nor a journal
			if err := write(&b); err != nil {
				return err
			}
			return filesOf(cmd.Context()).WriteFile(output, b.Bytes())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().Lookup("config").Usage = "配置文件（YAML）：汇总其数据目录里的台账 | configuration file (YAML): tally the ledger in its data folder"
	cmd.Flags().StringVar(&example, "example", "", "演示算例 zhejiang-2024h1：由公开报道的总数反推的清单 | the worked example: inventories made to fit a published total")
	choices(cmd, "example", exampleCampaign)
	cmd.Flags().StringVar(&period, "period", "", "期间：2024、2024H1、2024Q3 或 2024-06 | period: a year, a half, a quarter or a month")
	cmd.Flags().StringVar(&from, "from", "", "第一天，如 2024-01-01 | first day")
	cmd.Flags().StringVar(&to, "to", "", "最后一天，如 2024-06-30 | last day")
	cmd.Flags().StringSliceVar(&by, "by", nil, "按什么分类，可用逗号给出几个：单位、应用、类型、事项、月份、季度、半年、文号 | broken down by: department, application, kind, effect, month, quarter, half, batch; several separated by commas")
	cmd.Flags().StringVar(&q.Department, "department", "", "只算这个单位 | of this department only")
	cmd.Flags().StringVar(&q.Application, "application", "", "只算这个应用 | of this application only")
	cmd.Flags().StringVar(&kind, "kind", "", "只算这类资源 | of this kind only: instance, disk, eip")
	cmd.Flags().StringVar(&effect, "effect", "", "只算这种事项 | of this effect only: released, downsized, recategorized, reversed, rebound, corrected")
	cmd.Flags().StringVar(&q.Batch, "batch", "", "只算这个文号 | of this document number only")
	cmd.Flags().StringVar(&q.Month, "month", "", "只算这个月入账的，如 2024-06 | observed in this month only")
	cmd.Flags().StringVar(&q.Cloud, "cloud", "", "只算这朵云 | of this cloud only")
	cmd.Flags().BoolVar(&entries, "entries", false, "列出每一笔分录 | list every entry")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the tally: text, csv, xlsx, json; xlsx 须有 needs --output")
	choices(cmd, "format", "text", "csv", "xlsx", "json")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	cmd.Flags().StringVar(&output, "output", "", "写入该文件，已有则覆盖；默认标准输出 | write to this file, in place of one that is there; default: standard output")
	return cmd
}

// byWords are what a tally is broken down by, as finance calls it.
var byWords = map[string]ledger.By{
	"单位": ledger.ByDepartment, "应用": ledger.ByApplication, "类型": ledger.ByKind, "事项": ledger.ByEffect, "月份": ledger.ByMonth, "季度": ledger.ByQuarter, "半年": ledger.ByHalf, "文号": ledger.ByBatch, "批次": ledger.ByBatch,
}

func parseBy(words []string) ([]ledger.By, error) {
	var out []ledger.By
	for _, w := range words {
		w = strings.TrimSpace(w)
		b, err := parseOne("--by", cmp.Or(string(byWords[w]), w), ledger.Bys())
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, b) {
			return nil, fmt.Errorf("--by names %s twice", b)
		}
		out = append(out, b)
	}
	return out, nil
}

// parseOne reads one of a few words; an empty one is none.
func parseOne[T ~string](flag, word string, allowed []T) (T, error) {
	if word != "" && !slices.Contains(allowed, T(word)) {
		return "", fmt.Errorf("%s %q: want one of %v", flag, word, allowed)
	}
	return T(word), nil
}

// exampleLedger books the worked example as a ledger is always booked: one inventory
// after the other.
func exampleLedger() []ledger.Entry {
	s := ledger.Standard(price.Example(), estate.CampaignZone)
	var entries []ledger.Entry
	of := estate.Campaign()
	for i := 1; i < len(of); i++ {
		entries = append(entries, ledger.Reconcile(of[i-1], of[i], entries, s)...)
	}
	return entries
}
