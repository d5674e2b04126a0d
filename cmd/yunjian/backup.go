package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/archive"
	"yunjian/internal/history"
	"yunjian/internal/pipeline"
)

func newBackup() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "backup FILE --config FILE",
		GroupID: groupCare,
		Short:   "备份数据目录到一个文件 — copy the data folder into one file",
		Long: `把数据目录的一致快照写入一个带校验和的文件；文件已存在则拒绝，不会覆盖旧备份。

Writes a consistent copy of the data folder into one file with checksums. The file
must not exist yet: no older backup is overwritten.`,
		Example: `  yunjian backup yunjian-2026-11-23.backup --config yunjian.yaml`,
		Args:    oneArg("the file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			if _, err := os.Lstat(args[0]); err == nil {
				return fmt.Errorf("%s is there already: name a new file, so that no older backup is lost", args[0])
			}
			f, err := os.CreateTemp(filepath.Dir(args[0]), ".yunjian-backup-*")
			if err != nil {
				return fmt.Errorf("write backup: %w", err)
			}
			defer os.Remove(f.Name())
			if err := writeBackup(f, data); err != nil {
				f.Close()
				return fmt.Errorf("write backup %s: %w", args[0], err)
			}
			if err := f.Close(); err != nil {
				return fmt.Errorf("write backup %s: %w", args[0], err)
			}
			if err := os.Rename(f.Name(), args[0]); err != nil {
				return fmt.Errorf("write backup: %w", err)
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "备份完成 backup written: %s, %s\n", args[0], byteSize(info.Size()))
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// writeBackup writes the backup to f and to disk.
func writeBackup(f *os.File, data *pipeline.Data) error {
	if err := data.Backup(f, time.Now()); err != nil {
		return err
	}
	return f.Sync()
}

func newRestore() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "restore FILE --config FILE",
		GroupID: groupCare,
		Short:   "校验备份并恢复到空的数据目录 — verify a backup and restore it into an empty data folder",
		Long: `先校验备份的每个校验和，再恢复到配置的数据目录；目录非空则拒绝，不会覆盖任何数据。

Verifies every checksum of the backup first, then restores it into the configured
data folder, which must be empty or missing: nothing is ever overwritten.`,
		Example: `  yunjian restore yunjian-2026-11-23.backup --config yunjian.yaml`,
		Args:    oneArg("the backup to read"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("read backup: %w", err)
			}
			defer f.Close()
			if err := archive.Verify(f); err != nil {
				return fmt.Errorf("verify backup %s: %w", args[0], err)
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
			if err := archive.Extract(f, cfg.DataDir); err != nil {
				return fmt.Errorf("restore %s: %w", args[0], err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "已恢复 restored: %s → %s\n", args[0], cfg.DataDir)
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newCheck() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "check --config FILE",
		GroupID: groupCare,
		Short:   "检查数据目录的完整性 — verify the data folder",
		Long: `逐块校验历史样本与状态；列出损坏之处及所涉资源。损坏的块只损失该块，不影响审计。

Verifies every chunk of history and the whole state by checksum and names what is
damaged and which resources it touches. A damaged chunk costs that chunk, never
the audit.`,
		Example: `  yunjian check --config yunjian.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			out, damaged := cmd.OutOrStdout(), 0
			err = data.Check(cmd.Context(), func(d history.Damage) {
				damaged++
				fmt.Fprintf(out, "损坏 damaged: %s\n", d)
			})
			if err != nil {
				return err
			}
			if damaged > 0 {
				return fmt.Errorf("%d damaged places; the rest is sound. `yunjian restore` brings back a backup; samples of the last 91 days can be collected again", damaged)
			}
			fmt.Fprintf(out, "完好 sound: %s\n", cfg.DataDir)
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newCompact() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "compact --config FILE",
		GroupID: groupCare,
		Short:   "归并历史、清理过期样本并收缩文件 — fold history, drop what is past retention, give space back",
		Long: `把已结束日期的样本归并为压缩块，删除超过保留期的样本与不再用于报告的审计，并把空闲空间还给磁盘。
守护进程每天自动归并与清理；收缩文件只在需要时运行本命令（先停止守护进程）。

Folds the samples of days that have ended into compressed chunks, drops what is
past its retention, and gives free space back to the disk. The daemon folds and
drops by itself every night; this command is for shrinking the file, with the
daemon stopped.`,
		Args:    noArgs,
		Example: `  yunjian compact --config yunjian.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			before, err := data.History.Stats()
			if err != nil {
				return err
			}
			if err := data.Tend(cmd.Context(), time.Now(), cfg.Retention.Raw, cfg.Location); err != nil {
				return err
			}
			if err := data.History.Compact(cmd.Context()); err != nil {
				return fmt.Errorf("compact history: %w", err)
			}
			after, err := data.History.Stats()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "收缩完成 compacted: %s → %s\n", byteSize(before.Bytes), byteSize(after.Bytes))
			if after.Unfolded > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "尚有 %d 个样本属于未结束的一天，其数据块待该日结束后归并，届时再运行可收回其余空间 | %d samples are of a day that has not ended: their blocks are kept until it has, then this gives the rest of the space back\n", after.Unfolded, after.Unfolded)
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// byteSize writes a size as people do.
func byteSize(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%d B", n)
	}
}
