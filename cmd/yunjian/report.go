package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"yunjian/audit"
	"yunjian/internal/config"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
)

func newReport() *cobra.Command {
	var path, week, format, lang, output string
	cmd := &cobra.Command{
		Use:     "report --config FILE [--week 2026-W47] [--format text|html|xlsx|csv|json] [--lang zh|en] [--output FILE]",
		GroupID: groupWork,
		Short:   "生成周报 — the weekly report",
		Long: `用已保存的审计结果生成周报；不指定 --week 时取最近一次审计。周一的审计计入上一周。

Renders the weekly report from a stored audit: the latest one, or the last of the
week named. Monday's audit closes the week before.`,
		Example: `  yunjian report --config yunjian.yaml
  yunjian report --config yunjian.yaml --format html --lang en --output week.html
  yunjian report --config yunjian.yaml --week 2026-W47 --format xlsx --output week.xlsx`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := report.ParseFormat(format)
			if err != nil {
				return usage(fmt.Errorf("--format: %w", err))
			}
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			l := report.Lang(cfg.Lang)
			if lang != "" {
				if l, err = report.ParseLang(lang); err != nil {
					return usage(fmt.Errorf("--lang: %w", err))
				}
			}
			if f == report.XLSX && output == "" {
				return usage(fmt.Errorf("a spreadsheet is not text: name its file with --output, such as `--output week.xlsx`"))
			}
			data, err := openFolder(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer data.Close()
			a, err := auditFor(data, cfg, week)
			if err != nil {
				return err
			}
			return writeReport(cmd.Context(), cmd.OutOrStdout(), data, cfg, a, f, l, output)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&week, "week", "", "ISO 周，如 2026-W47；默认最近一次审计 | ISO week, such as 2026-W47; default: the latest audit")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the report: text, html, xlsx, csv, json; xlsx 须有 needs --output")
	choices(cmd, "format", "text", "html", "xlsx", "csv", "json")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	cmd.Flags().StringVar(&output, "output", "", "写入该文件，已有则覆盖；默认标准输出 | write to this file, in place of one that is there; default: standard output")
	return cmd
}

// auditFor returns the stored audit of a week, or the latest.
func auditFor(data *pipeline.Data, cfg config.Config, week string) (audit.Audit, error) {
	if week == "" {
		a, ok, err := data.LatestAudit()
		if err != nil {
			return a, err
		}
		if !ok {
			return a, fmt.Errorf("no audit is stored yet: run `yunjian audit` first")
		}
		return a, nil
	}
	w, err := pipeline.ParseWeek(week)
	if err != nil {
		return audit.Audit{}, usage(fmt.Errorf("--week: %w", err))
	}
	a, ok, err := data.AuditOf(w, cfg.Location)
	if err != nil {
		return a, err
	}
	if !ok {
		stored, err := data.AuditedWeeks(cfg.Location)
		if err != nil {
			return a, err
		}
		return a, fmt.Errorf("no audit of week %s is stored; stored weeks: %v", w, stored)
	}
	return a, nil
}

// writeReport renders a report to stdout, or to a file that appears only when
// it is whole, and whose checksum is journalled.
func writeReport(ctx context.Context, stdout io.Writer, data *pipeline.Data, cfg config.Config, a audit.Audit, f report.Format, l report.Lang, output string) error {
	o, err := reportOptions(cfg)
	if err != nil {
		return err
	}
	weekly, err := report.Gather(ctx, data, a, o)
	if err != nil {
		return err
	}
	if output == "" {
		return report.Write(stdout, weekly, f, l)
	}
	return export(ctx, data, journal.Object{Type: "report", ID: weekly.Week.String()}, output,
		func(w io.Writer) error { return report.Write(w, weekly, f, l) },
		"format", string(f), "lang", string(l), "audit", a.AsOf.UTC().Format(time.RFC3339))
}

// export writes a file that is whole or not there, and journals that it was
// written, with its checksum, or what kept it from being.
func export(ctx context.Context, data *pipeline.Data, o journal.Object, path string, write func(io.Writer) error, details ...string) error {
	var b bytes.Buffer
	err := write(&b)
	if err == nil {
		err = filesOf(ctx).WriteFile(path, b.Bytes())
	}
	if err != nil {
		return data.RecordFailure(ctx, journal.ReportFailed, o, err)
	}
	details = append(details, "file", filepath.Base(path), journal.DetailSHA256, fmt.Sprintf("%x", sha256.Sum256(b.Bytes())))
	return data.Record(ctx, journal.ReportExported, o, details...)
}

// reportOptions is what the configuration adds to a report.
func reportOptions(cfg config.Config) (report.Options, error) {
	pack, err := loadPack(cfg)
	if err != nil {
		return report.Options{}, err
	}
	o := report.Options{Clouds: cfg.CloudNames(), Location: cfg.Location, Pack: pack, Now: time.Now(), Budgets: map[string]int{}}
	for _, c := range cfg.Clouds {
		if c.Type == config.TypeAliyun {
			o.Budgets[c.Name] = c.Budget.Calls()
		}
	}
	return o, nil
}
