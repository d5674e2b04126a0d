package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/history"
	"yunjian/internal/pipeline"
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
		Long: `历史样本的规模，总数与每个指标：序列（一个资源的一个指标）、样本、字节、缺口、时间跨度、最新样本。
“缺口”是同一序列相邻两个样本相隔超过 10 分钟（两个采样周期）：关机、探针停止、限流、漏采都会造成；
来源的粒度若粗于 10 分钟，每两个相邻样本之间都算一个。序列最后一个样本之后不算缺口：“已停”是最后一个
样本比全部样本中最新的早一天以上的序列，如已释放的资源。读不出的数据块另行报数，其中的样本不计，空出的时间算缺口。
守护进程运行时照常可用。数据是否完好用 check；“可收回”很大时用 compact。

JSON 中的字节：bytes 整个文件；free_bytes 其中 compact 大约可还给磁盘的；bytes_per_sample 整个文件除以样本数；
metrics[].bytes 该指标的数据块，不含空闲页与索引，故各指标之和小于 bytes。

How much history there is, in all and by metric: series (one metric of one resource),
samples, bytes, gaps, span, newest sample. A gap is two neighbouring samples of a series
more than 10 minutes apart (two periods): switched off, agent stopped, throttled or not
collected; a source with longer periods has one between any two samples. What follows the
last sample of a series is no gap: stopped are the series whose last sample is more than
a day older than the newest of all, such as those of released resources. Pieces that
cannot be read are told; their samples are not counted, and the time they leave empty
is a gap. Beside a running daemon, too. Whether all is sound says check; where much is free, compact gives it back.

Bytes in JSON: bytes is the whole file; free_bytes is what of it compact would give back
to the disk, roughly; bytes_per_sample is the whole file by samples; metrics[].bytes is
the pieces of that metric without free pages and index, so their sum is less than bytes.`,
		Example: `  yunjian history stats --config yunjian.yaml
  yunjian history stats --config yunjian.yaml --format json   # 供脚本 | for scripts`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			k, err := openKeeper(cmd, path)
			s := history.Stats{Metrics: []history.MetricStats{}}
			switch {
			case errors.Is(err, pipeline.ErrNoData): // nothing is a figure, too
			case err != nil:
				return err
			default:
				defer k.close()
				progress := newBar(cmd.ErrOrStderr(), "统计 count")
				progress.step("")
				s, err = k.stats(history.WithProgress(cmd.Context(), progress.bytes))
				progress.finish()
				if err != nil {
					return interrupted(cmd, err, "没有数完；数据没有改动", "not counted to the end; nothing was changed")
				}
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), s)
			}
			printStats(cmd.OutOrStdout(), s, k.cfg)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	return cmd
}

// printStats writes the figures of the history as a table: what, how much, and
// what that means where it does not go without saying.
func printStats(w io.Writer, s history.Stats, cfg config.Config) {
	if s.Samples == 0 && s.Unread == 0 {
		fmt.Fprintf(w, "尚无样本，请先运行 collect 或 import，或改正 data_dir | no samples yet: run collect or import first, or correct data_dir\n数据目录 data folder: %s\n", cfg.DataDir)
		return
	}
	cond := runewidth.Condition{}
	row := func(label, value, note string) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s%16s  %s", cond.FillRight(label, 36), value, note), " "))
	}
	at := func(t time.Time, layout string) string { return t.In(cfg.Location).Format(layout) }
	row("有样本的资源 resources with samples", thousands(int64(s.Resources)), "")
	row("序列 series", thousands(int64(s.Series)), "")
	row("已停 stopped", thousands(int64(s.Stopped)), "最后一个样本比最新的早一天以上 | the last sample more than a day older than the newest")
	row("样本 samples", thousands(s.Samples), "")
	row("未归并 unfolded", thousands(s.Unfolded), "下次归并时压缩 | packed by the next fold: at night, or by compact")
	row("缺口 gaps", thousands(s.Gaps), fmt.Sprintf("相邻样本相隔超过 %[1]s | neighbours more than %[1]s apart", model.Duration(2*utilization.Step)))
	row("文件 file", byteSize(s.Bytes), "")
	row("可收回 free", byteSize(s.FreeBytes), "由 compact 还给磁盘，否则留给新样本 | for new samples, or for the disk by compact")
	row("每样本 bytes a sample", fmt.Sprintf("%.2f B", s.BytesPerSample), "整个文件，含空闲页 | of the whole file, with free pages")
	if s.Samples > 0 {
		row("跨度 span", days(s.First, s.Last), at(s.First, time.RFC3339)+" … "+at(s.Last, time.RFC3339))
	}
	if s.Unread > 0 {
		row("读不出的数据块 unreadable pieces", thousands(int64(s.Unread)), "其中的样本未计入；用 check 查明 | their samples are not counted: check names them")
	}
	fmt.Fprintln(w)
	table := [][]string{{"指标 metric", "序列 series", "样本 samples", "字节 bytes", "每样本 a sample", "缺口 gaps", "跨度 span", "最新 newest"}}
	for _, m := range s.Metrics {
		table = append(table, []string{
			string(m.Metric), thousands(int64(m.Series)), thousands(m.Samples), byteSize(m.Bytes),
			fmt.Sprintf("%.2f B", float64(m.Bytes)/float64(m.Samples)), thousands(m.Gaps), days(m.First, m.Last), at(m.Last, "2006-01-02 15:04"),
		})
	}
	printTable(w, table)
}

// days is how far apart two instants are.
func days(from, to time.Time) string { return fmt.Sprintf("%.1f d", to.Sub(from).Hours()/24) }

// printTable writes rows of as many cells each, names to the left and figures
// to the right. A Chinese character takes two columns.
func printTable(w io.Writer, rows [][]string) {
	cond := runewidth.Condition{}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], cond.StringWidth(cell))
		}
	}
	for _, r := range rows {
		line := cond.FillRight(r[0], widths[0])
		for i, cell := range r[1:] {
			line += "  " + cond.FillLeft(cell, widths[i+1])
		}
		fmt.Fprintln(w, line)
	}
}

// thousands writes a count with its digits in groups.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
