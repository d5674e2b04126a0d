package main

import (
	"io"

	"github.com/spf13/cobra"

	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
)

func newExplain() *cobra.Command {
	var path, format, lang, samples string
	cmd := &cobra.Command{
		Use:     "explain RESOURCE --config FILE [--now TIME] [--format text|json] [--lang zh|en] [--samples FILE]",
		GroupID: groupWork,
		Short:   "一个资源的判定是怎样得出的，连同数字与公式 — the whole derivation of one verdict, with numbers and formulas",
		Long: `从头推导一个资源的判定，使人用电子表格能得出同样的结果：读到了什么（窗口、样本、应有、覆盖率、缺口、不计入的时段）；
判断的每一步；策略包的每条规则、每个条件：数值、比较、限值、满足与否，以及数值的算法；考虑过的每个规格及不选的缘由；
价目明细与节约的减法；风险与确认。数据不足的，说明怎样才能下结论，以及值多少。
RESOURCE 是资源的 id、名称，或 云/id。按现在所存的数据重新评估，与审计用同一段程序，什么都不保存。
--samples 把计入的原始样本写成 CSV，供电子表格复算。

Derives the verdict of one resource from the start, so that a person with a spreadsheet comes to the
same: what was read (window, samples, expected, coverage, gaps, what is excluded); every step of
judgement; every rule and condition of the pack: value, comparison, limit, met or not, and how the
value was counted; every size considered and what spoke against it; price lines and the subtraction
to the saving; the risk, and whether it is confirmed. Where data are insufficient it says what would
settle the case, and what that is worth. RESOURCE is an id, a name, or CLOUD/ID. It judges anew what
is stored, by the same code as the audit, and stores nothing. --samples writes the samples that
count as CSV, for the spreadsheet.`,
		Example: `  yunjian explain i-bp1example --config yunjian.yaml
  yunjian explain i-bp1example --config yunjian.yaml --samples i-bp1example.csv
  yunjian explain 示例-投票系统-应用01 --config yunjian.yaml --now 2026-11-23T02:00:00+08:00 --lang en`,
		Args: oneArg("the id or name of a resource"),
	}
	now := asOfFlags(cmd, &path, &format, &lang)
	cmd.Flags().StringVar(&samples, "samples", "", "把计入的样本写成这个 CSV 文件，已有则覆盖 | write the samples that count to this CSV file, in place of one that is there")
	_ = cmd.MarkFlagFilename("samples", "csv")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := checkOutput(format, lang)
		if err != nil {
			return err
		}
		cfg, err := loadConfig(cmd, path)
		if err != nil {
			return err
		}
		pack, err := loadPack(cfg)
		if err != nil {
			return err
		}
		book, err := loadBook(cfg)
		if err != nil {
			return err
		}
		data, err := openPresent(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer data.Close()
		resource, err := data.Find(cfg.CloudNames(), args[0])
		if err != nil {
			return err
		}
		progress := newBar(cmd.ErrOrStderr(), "推导 explain")
		e, err := data.Explain(cmd.Context(), pipeline.AuditOptions{
			Clouds: cfg.CloudNames(), Pack: pack, Book: book, Now: orClock(*now).In(cfg.Location), Location: cfg.Location, Progress: progress.set,
		}, resource)
		progress.finish()
		if err != nil {
			return interrupted(cmd, err, "没有结果；什么都没有改动", "there is no result; nothing was changed")
		}
		if samples != "" {
			err := export(cmd.Context(), data, journal.Object{Type: "samples", ID: resource.ID}, samples,
				func(w io.Writer) error { return data.WriteSamples(w, resource.ID, e.Read, cfg.Location) })
			if err != nil {
				return err
			}
		}
		if format == "json" {
			return writeJSON(cmd.OutOrStdout(), e)
		}
		return report.WriteDerivation(cmd.OutOrStdout(), e, pack, cfg.Location, langOr(l, cfg))
	}
	return cmd
}
