package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/config"
	"yunjian/internal/history"
	"yunjian/internal/pipeline"
)

func newImport() *cobra.Command {
	var path, dir string
	var now time.Time
	cmd := &cobra.Command{
		Use:     "import --config FILE --bundle DIR [--now TIME]",
		GroupID: groupWork,
		Short:   "导入文件夹中的清单与利用率 — read a bundle of files into the store",
		Long: `导入一个文件夹：inventory.csv（或 .xlsx）与 samples/资源ID.csv[.gz]。适用于只能导出
文件的云。重复导入无害，同一时刻以后一次为准。导入结束时归并已过完的日子。
有错的行连同文件名、行号列出：样本文件有错，该文件整个不导入，其余照常，退出码 1；清单有错则全部不导入。

Reads a folder of files into the store: inventory.csv (or .xlsx) and
samples/RESOURCE_ID.csv[.gz]. Importing twice is harmless; of two values for one
instant the later import counts. At the end samples of closed days are folded into
their compact form. A bad line is named with file and line: of that sample file
nothing is taken, of the others all, and the exit code is 1. A mistake in the
inventory refuses the whole folder.`,
		Example: `  yunjian import --config yunjian.yaml --bundle ./exports/2026-11`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usage(fmt.Errorf("--bundle is missing: name the folder that holds inventory.csv"))
			}
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			b, err := openBundle(dir)
			if err != nil {
				return err
			}
			data, err := openFolder(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer data.Close()
			const nothing, nothingEN = "什么都没有导入；再运行一次即可", "nothing was imported; run it again"
			if now.IsZero() {
				if err := b.Scan(cmd.Context()); err != nil {
					return interrupted(cmd, err, nothing, nothingEN)
				}
				now = b.End()
			}
			now = orClock(now).In(cfg.Location) // a bundle without a sound sample has no end
			name := bundleCloud(cfg, dir)
			for _, note := range b.Notes() {
				fmt.Fprintf(cmd.OutOrStdout(), "注意 note: %s\n", note)
			}
			progress := newBar(cmd.ErrOrStderr(), "导入 import "+name)
			got, err := data.Collect(cmd.Context(), name, b.Source(name), pipeline.CollectOptions{
				Metrics: cloud.Metrics(), Now: now, Progress: progress.set, Again: true, Imported: true, Booking: booking(data, cfg),
			})
			progress.finish()
			if got.Inventory.TakenAt.IsZero() {
				return interrupted(cmd, err, nothing, nothingEN)
			}
			printCollected(cmd.OutOrStdout(), got)
			if err != nil {
				return interrupted(cmd, err, "清单与上列样本已存下；再运行一次，从头读完，重复导入无害", "the inventory and the samples counted above are stored; run it again to read all, importing twice is harmless")
			}
			// Years may come at once: left as they came, they would be slow to read.
			progress = newBar(cmd.ErrOrStderr(), "整理 fold")
			err = data.History.Fold(history.WithProgress(cmd.Context(), progress.bytes), now)
			progress.finish()
			return errors.Join(refused(got.Result.Problems), untended(cmd, err))
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&dir, "bundle", "", "含 inventory.csv 的文件夹，必需 | the folder that holds inventory.csv, required")
	_ = cmd.MarkFlagDirname("bundle")
	cmd.Flags().Var(timeValue{&now}, "now", "清单的时刻（RFC 3339），默认取最后一个样本 | when the inventory was taken (RFC 3339); default: the last sample")
	return cmd
}

// bundleCloud is the name of the configured cloud that reads dir, else
// "import".
func bundleCloud(cfg config.Config, dir string) string {
	want, err := filepath.Abs(dir)
	if err != nil {
		return "import"
	}
	for _, c := range cfg.Clouds {
		if c.Type != config.TypeBundle {
			continue
		}
		if have, err := filepath.Abs(c.Path); err == nil && have == want {
			return c.Name
		}
	}
	return "import"
}

// refused is an error that names the files of which nothing was taken.
func refused(problems []collector.Problem) error {
	var errs []error
	for _, p := range problems {
		if p.Availability == cloud.Failed {
			errs = append(errs, errors.New(p.Message))
		}
	}
	return errors.Join(errs...)
}
