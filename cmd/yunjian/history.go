package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"yunjian/internal/history"
	"yunjian/utilization"
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
		Use:   "stats --config FILE [--format text|json]",
		Short: "序列数、样本数、字节、时间跨度、缺口 — series, samples, bytes, span, gaps",
		Long: `历史样本的规模：资源、序列、样本、时间跨度、缺口、文件大小、每样本字节数、可收回的空间。
守护进程运行时照常可用。

How much history there is: resources, series, samples, span, gaps, size of the file,
bytes a sample, what compact would give back. Beside a running daemon, too.`,
		Example: `  yunjian history stats --config yunjian.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			k, err := openKeeper(cmd, path)
			if err != nil {
				return err
			}
			defer k.close()
			progress := newBar(cmd.ErrOrStderr(), "统计 count")
			progress.step("")
			s, err := k.stats(cmd.Context())
			progress.finish()
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), s)
			}
			printStats(cmd.OutOrStdout(), s, k.cfg.Location)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "text", "text | json")
	choices(cmd, "format", "text", "json")
	return cmd
}

// printStats writes the figures of the history as a table: what, how much, and
// what that means where it does not go without saying.
func printStats(w io.Writer, s history.Stats, loc *time.Location) {
	if s.Samples == 0 {
		fmt.Fprintln(w, "尚无样本，请先运行 collect 或 import | no samples yet: run collect or import first")
		return
	}
	row := func(label, value, note string) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s%16s  %s", label, value, note), " "))
	}
	row("资源 resources          ", thousands(int64(s.Resources)), "")
	row("序列 series             ", thousands(int64(s.Series)), "")
	row("样本 samples            ", thousands(s.Samples), "")
	row("未归并 unfolded         ", thousands(s.Unfolded), "所属日期结束后归并 | folded when their day has ended")
	row("缺口 gaps               ", thousands(s.Gaps), fmt.Sprintf("相邻样本相隔超过 %[1]s | neighbours more than %[1]s apart", model.Duration(2*utilization.Step)))
	row("文件 file               ", byteSize(s.Bytes), "")
	row("可收回 free             ", byteSize(s.FreeBytes), "由 compact 还给磁盘，否则留给新样本 | for new samples, or for the disk by compact")
	row("每样本 bytes a sample   ", fmt.Sprintf("%.2f B", s.BytesPerSample), "")
	row("跨度 span               ", fmt.Sprintf("%.1f d", s.Last.Sub(s.First).Hours()/24), s.First.In(loc).Format(time.RFC3339)+" … "+s.Last.In(loc).Format(time.RFC3339))
}

// thousands writes a count with its digits in groups.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
