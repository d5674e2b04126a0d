package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/policies"
)

func newPolicyDiff() *cobra.Command {
	var path, format, lang string
	cmd := &cobra.Command{
		Use:   "diff A B --config FILE [--now TIME] [--format text|json] [--lang zh|en]",
		Short: "以 B 取代 A，在真实历史上会改变什么 — what changes on real history if pack B replaces A",
		Long: `用数据目录中的同一段历史按两个策略包各评估一次，说明以 B 取代 A 会改变什么：策略本身的不同；按判定、
按处置、按单位得失的核、内存、存储、每年金额与受损上限之和（只计风险预算所管的）；以及判定、处置或目标规格
改变的资源：先归并计数，再逐一列出至多 40 个与两边的依据（JSON 为全部）。A、B 是内置策略包的 id、配置 policies.files 中策略包的 id，或策略包文件。配置中的豁免对两边都有效。
只在内存中评估，什么都不保存：规则发布之前先看后果。

Judges the same history by both packs and says what changes if B replaces A: in what the packs
differ; cores, memory, storage, yuan a year and sums of upper bounds of harm (of what the risk
budget covers) gained or lost, by verdict, action and department; and the resources whose verdict,
action or target changes, counted by what changes, then up to 40 one by one with the reasons on
either side (all of them in JSON). A and B are ids of shipped packs, ids of your own in policies.files, or files of
packs. The exemptions of the configuration hold for both. All is done in memory and nothing is
stored: the consequences of a rule, before it is issued.`,
		Example: `  yunjian policy diff cn-gov-baseline oci-conservative --config yunjian.yaml
  yunjian policy diff cn-gov-baseline ./our-rules.yaml --config yunjian.yaml --format json > diff.json`,
		ValidArgsFunction: packIDs,
	}
	now := asOfFlags(cmd, &path, &format, &lang)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) != 2 {
			return usage(fmt.Errorf("%q wants two packs, A and B: got %d; see `%s --help`", cmd.CommandPath(), len(args), cmd.CommandPath()))
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := checkOutput(format, lang)
		if err != nil {
			return err
		}
		cfg, err := loadConfig(cmd, path)
		if err != nil {
			return err
		}
		var packs [2]policies.Pack
		var texts [2][]byte
		var errs []error
		for i, name := range args {
			var err error
			packs[i], texts[i], err = comparedPack(cmd.Context(), cfg, name)
			errs = append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return usage(err)
		}
		settings, err := policies.Differences(texts[0], texts[1])
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
		progress := newBar(cmd.ErrOrStderr(), "对比 compare")
		c, err := data.Compare(cmd.Context(), pipeline.AuditOptions{
			Clouds: cfg.CloudNames(), Pack: packs[0], Book: book, Now: orClock(*now).In(cfg.Location), Location: cfg.Location, Progress: progress.set,
		}, packs[1], settings)
		progress.finish()
		if err != nil {
			return interrupted(cmd, err, "没有结果；什么都没有改动", "there is no result; nothing was changed")
		}
		if format == "json" {
			return writeJSON(cmd.OutOrStdout(), c)
		}
		return report.WritePolicyDiff(cmd.OutOrStdout(), c, packs[0], packs[1], cfg.Location, langOr(l, cfg))
	}
	return cmd
}

// comparedPack is the pack that name means, a shipped or configured one by its id
// or a file, as an audit would use it, with its text.
func comparedPack(ctx context.Context, cfg config.Config, name string) (policies.Pack, []byte, error) {
	own, exemptions, err := ownPacks(cfg)
	days, missing := loadCalendar(cfg)
	if err := errors.Join(err, missing); err != nil {
		return policies.Pack{}, nil, err
	}
	text, ok := own.texts[name]
	p := own.packs[name]
	if !ok {
		if text, ok = policies.YAML(name); ok {
			p, _ = policies.ByID(name)
		} else {
			if text, err = filesOf(ctx).ReadFile(name, policies.MaxBytes); err != nil {
				return p, nil, errors.Join(noPack(name, own.ids()), err)
			}
			if p, err = policies.Parse(name, text); err != nil {
				return p, nil, err
			}
		}
	}
	if err := p.Usable(); err != nil {
		return p, nil, err
	}
	p.Exemptions = append(p.Exemptions, exemptions...)
	p.Calendar = days
	return p, text, nil
}
