package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"yunjian/cloud"
	"yunjian/internal/estate"
)

func newGenerate() *cobra.Command {
	var dir, truth string
	var end time.Time
	var o estate.Options
	cmd := &cobra.Command{
		Use:     "generate --output DIR [--instances N] [--days N] [--seed N] [--end TIME] [--truth FILE]",
		GroupID: groupTry,
		Short:   "生成示例资源与利用率文件 — write an example estate as a bundle",
		Long: `生成一套示例资源及其五分钟利用率，写成 import 与 simulate 能读的文件夹；同种子同数据。
--truth 另写一份答案：每台云主机实际属于哪一类，供核对判定。

Makes up an estate with its utilization every five minutes, and writes it as a folder
that import and simulate read. Equal seeds give equal data. --truth also writes the
answers, of which class each instance really is, to hold verdicts against.`,
		Example: `  yunjian generate --output ./example --instances 200 --days 30
  yunjian simulate --bundle ./example`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usage(fmt.Errorf("--output is missing: name the folder to write"))
			}
			if err := checkEstate(o); err != nil {
				return err
			}
			o.End = orClock(end).Truncate(5 * time.Minute)
			progress := newBar(cmd.ErrOrStderr(), "生成 generate")
			defer progress.finish()
			e := estate.New(o)
			if truth != "" { // before the long work, so that a wrong name is told at once
				if err := writeTruth(truth, e); err != nil {
					return fmt.Errorf("write truth %s: %w", truth, err)
				}
			}
			if err := e.WriteBundle(dir, progress.set); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "已生成 written: %s，%d 台云主机 instances，%d 天 days，种子 seed %d\n", dir, o.Instances, o.Days, o.Seed)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "output", "", "要写入的文件夹，须为空或不存在，必需 | the folder to write, empty or missing, required")
	_ = cmd.MarkFlagDirname("output")
	cmd.Flags().StringVar(&truth, "truth", "", "另把每台云主机的真实类别写入这个 CSV 文件 | also write the true class of each instance to this CSV file")
	_ = cmd.MarkFlagFilename("truth", "csv")
	estateFlags(cmd, &o, &o.Seed, 30)
	cmd.Flags().Var(timeValue{&end}, "end", "历史的终点（RFC 3339），默认现在 | end of history (RFC 3339); default: now")
	return cmd
}

// writeTruth writes what each instance of an estate really is, which nothing
// that an audit reads tells: its class, and what a padded one runs.
func writeTruth(path string, e *estate.Estate) error {
	rows := [][]string{{"resource_id", "class", "burner"}}
	for _, r := range e.Inventory(e.End()).Resources {
		if r.Kind == cloud.Instance {
			rows = append(rows, []string{r.ID, e.Class(r.ID), string(e.Burner(r.ID))})
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
