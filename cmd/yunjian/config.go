package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		GroupID: groupRules,
		Short:   "配置 — the configuration",
		Example: `  yunjian config check yunjian.yaml`,
		Args:    subcommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "检查配置、策略、日历与价目，一次列出全部错误 — say everything wrong with a configuration at once",
		Long: `检查配置文件及其引用的策略包、豁免、日历文件与价目表；密钥只检查能否取得，不会显示。

Checks the configuration and the policy pack, exemptions, calendar files and price
book that it names. Secrets are looked for, never shown.`,
		Example: `  yunjian config check yunjian.yaml`,
		Args:    oneArg("a configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd, args[0])
			if err != nil {
				return err
			}
			pack, packErr := loadPack(cfg)
			book, bookErr := loadBook(cfg)
			flow, flowErr := loadWorkflow(cfg)
			if err := errors.Join(packErr, bookErr, flowErr, checkSecrets(cfg), checkChannels(cfg)); err != nil {
				return usage(err)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "正确 ok: %s\n", args[0])
			fmt.Fprintf(out, "  云 clouds        %d\n", len(cfg.Clouds))
			fmt.Fprintf(out, "  渠道 channels    %d\n", len(cfg.Channels))
			fmt.Fprintf(out, "  策略包 policy    %s@%s\n", pack.ID, pack.Version)
			fmt.Fprintf(out, "  流程 workflow    %s\n", flow.Ref())
			fmt.Fprintf(out, "  节假日 holidays  %s\n", pack.Calendar.KnownYears())
			fmt.Fprintf(out, "  季节表 seasons   %d\n", len(pack.Calendar.Seasons.List))
			fmt.Fprintf(out, "  价目表 prices    %s%s\n", book.Ref(), exampleNote(book.Example))
			fmt.Fprintf(out, "  数据目录 data    %s\n", cfg.DataDir)
			for _, w := range cfg.Warnings {
				fmt.Fprintf(out, "  注意 note        %s\n", w)
			}
			return nil
		},
	})
	return cmd
}

func exampleNote(example bool) string {
	if example {
		return "（示例价格，请配置 price_book | example prices: set price_book）"
	}
	return ""
}
