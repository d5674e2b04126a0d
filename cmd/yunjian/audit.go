package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/audit"
	"yunjian/internal/config"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
)

func newAudit() *cobra.Command {
	var path, format string
	var now time.Time
	cmd := &cobra.Command{
		Use:     "audit --config FILE [--now TIME] [--format text|json]",
		GroupID: groupWork,
		Short:   "按策略评估已采集的数据并给出处置建议 — judge what is stored and recommend",
		Long: `按配置的策略包评估数据目录中的全部资源，给出判定（闲置、未挂载、配置过高、紧张、
正常、数据不足）与释放、降配、定时停机建议，并保存结果供周报使用。数据不足从不当作闲置。

Judges every stored resource by the configured policy pack, recommends what to
release, downsize or stop at night, and keeps the result for the weekly report.
Missing data is an answer of its own and never idleness.`,
		Example: `  yunjian audit --config yunjian.yaml
  yunjian audit --config yunjian.yaml --format json > audit.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			a, err := runAudit(cmd.Context(), data, cfg, orClock(now), cmd.ErrOrStderr())
			if err != nil {
				return interrupted(cmd, err, "这次审计没有保存；以前的审计不变", "this audit was not stored; earlier ones stand")
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), a)
			}
			err = writeReport(cmd.Context(), cmd.OutOrStdout(), data, cfg, a, report.Text, report.Lang(cfg.Lang), "")
			return interrupted(cmd, err, "这次审计已保存，只是没有打印；用 report 打印", "this audit is stored, only not printed; report prints it")
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	return cmd
}

// runAudit judges what is stored as the configuration says; one that fails is
// journalled, too.
func runAudit(ctx context.Context, data *pipeline.Data, cfg config.Config, now time.Time, stderr io.Writer) (audit.Audit, error) {
	a, err := judge(ctx, data, cfg, now, stderr)
	if err != nil {
		return a, data.RecordFailure(ctx, journal.AuditFailed, pipeline.AuditObject(now), err)
	}
	return a, nil
}

func judge(ctx context.Context, data *pipeline.Data, cfg config.Config, now time.Time, stderr io.Writer) (audit.Audit, error) {
	pack, err := loadPack(cfg)
	if err != nil {
		return audit.Audit{}, err
	}
	book, err := loadBook(cfg)
	if err != nil {
		return audit.Audit{}, err
	}
	excused, err := data.Excused(now.In(cfg.Location))
	if err != nil {
		return audit.Audit{}, err
	}
	pack.Exemptions = append(pack.Exemptions, excused...)
	_, others, err := data.Inventories(cfg.CloudNames())
	if err != nil {
		return audit.Audit{}, err
	}
	if len(others) > 0 {
		fmt.Fprintf(stderr, "不再配置的云不计入审计 | left out, for the configuration no longer names them: %s\n", strings.Join(others, ", "))
	}
	progress := newBar(stderr, "审计 audit")
	defer progress.finish()
	return data.Audit(ctx, pipeline.AuditOptions{Clouds: cfg.CloudNames(), Pack: pack, Book: book, Config: cfg.SHA256, Now: now.In(cfg.Location), Location: cfg.Location, Progress: progress.set})
}

// writeJSON writes a document for scripts, indented for people who look at it.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
