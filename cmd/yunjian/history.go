package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newHistory() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "history",
		GroupID: groupCare,
		Short:   "历史样本 — the history of samples",
		Example: `  yunjian history stats --config yunjian.yaml`,
		Args:    subcommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newHistoryStats())
	return cmd
}

func newHistoryStats() *cobra.Command {
	var path, format string
	cmd := &cobra.Command{
		Use:     "stats --config FILE [--format text|json]",
		Short:   "序列数、样本数、字节、时间跨度、缺口 — series, samples, bytes, span, gaps",
		Example: `  yunjian history stats --config yunjian.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			s, err := data.History.Stats()
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), s)
			}
			out := cmd.OutOrStdout()
			if s.Samples == 0 {
				fmt.Fprintln(out, "尚无样本，请先运行 collect 或 import | no samples yet: run collect or import first")
				return nil
			}
			fmt.Fprintf(out, "序列 series            %d\n", s.Series)
			fmt.Fprintf(out, "样本 samples           %d\n", s.Samples)
			fmt.Fprintf(out, "文件 file              %s\n", byteSize(s.Bytes))
			fmt.Fprintf(out, "每样本 bytes a sample  %.2f\n", s.BytesPerSample)
			fmt.Fprintf(out, "跨度 span              %s … %s\n", s.First.In(cfg.Location).Format(time.RFC3339), s.Last.In(cfg.Location).Format(time.RFC3339))
			fmt.Fprintf(out, "缺口 gaps              %d\n", s.Gaps)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "text", "text | json")
	choices(cmd, "format", "text", "json")
	return cmd
}
