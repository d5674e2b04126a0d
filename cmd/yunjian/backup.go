package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

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
		Long: `把数据目录的一致快照写入一个带校验和的文件，写完逐字节校验后才以该名称出现；文件已存在则
拒绝，不会覆盖旧备份。守护进程运行时照常可用：由它提供快照，采集不停。中断（Ctrl-C）不留下任何文件。
用 restore 恢复到空目录；备份前用 check 可知数据是否完好。

Writes a consistent copy of the data folder into one file with checksums, which
gets its name only once all of it has been verified. The file must not exist yet:
no older backup is overwritten. Beside a running daemon, too: the daemon hands out
the copy and goes on collecting. Interrupted, it leaves no file. restore brings it
back into an empty folder; check says whether the data is sound before.`,
		Example: `  yunjian backup yunjian-2026-11-23.backup --config yunjian.yaml`,
		Args:    oneArg("the file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := openKeeper(cmd, path)
			if err != nil {
				return err
			}
			defer k.close()
			if _, err := os.Lstat(args[0]); err == nil {
				return fmt.Errorf("%s is there already: name a new file, so that no older backup is lost", args[0])
			}
			progress := newBar(cmd.ErrOrStderr(), "备份 backup")
			size, err := writeBackup(history.WithProgress(cmd.Context(), progress.bytes), k, args[0], progress.step)
			progress.finish()
			if err != nil {
				return interrupted(cmd, fmt.Errorf("write backup %s: %w", args[0], err), "没有写出备份，也没有留下文件；数据没有改动", "no backup was written and no file is left; nothing was changed")
			}
			fmt.Fprintf(cmd.OutOrStdout(), "备份完成 backup written: %s, %s\n", args[0], byteSize(size))
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// writeBackup makes the file of that path, whole and verified or not at all,
// and returns its size.
func writeBackup(ctx context.Context, k keeper, path string, step func(string)) (int64, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".yunjian-backup-*")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("there is no folder %s: make it first, or name another", filepath.Dir(path))
	}
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	out := &backupFile{f: f, shared: sameDisk(k.cfg.DataDir, f.Name())}
	step("复制 copy")
	if err := k.backup(ctx, out); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	step("校验 verify")
	if err := pipeline.Verify(ctx, f); err != nil {
		return 0, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return 0, err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	defer folder.Close()
	return out.written, folder.Sync()
}

// backupFile is a backup that is being written. On the disk of the data it
// leaves room for what is collected meanwhile.
type backupFile struct {
	f       *os.File
	shared  bool // with the data: one disk
	written int64
	asked   int64 // how much was written when the disk was last asked for room
}

// askEvery is how much is written between two questions for room.
const askEvery = 8 << 20

func (b *backupFile) Write(p []byte) (int, error) {
	if b.shared && (b.written == 0 || b.written-b.asked >= askEvery) {
		b.asked = b.written
		free, err := pipeline.FreeSpace(b.f.Name())
		if err != nil {
			return 0, err
		}
		if free < pipeline.Reserve {
			return 0, fmt.Errorf("after %s the disk has %s free, which is left to the data on it: name a file on another disk, or free some space", byteSize(b.written), byteSize(free))
		}
	}
	n, err := b.f.Write(p)
	b.written += int64(n)
	return n, err
}

// sameDisk reports whether two paths lie on one file system; where that is not
// to be known, they might.
func sameDisk(a, b string) bool {
	var sa, sb syscall.Stat_t
	return syscall.Stat(a, &sa) != nil || syscall.Stat(b, &sb) != nil || sa.Dev == sb.Dev
}

func newRestore() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "restore FILE --config FILE",
		GroupID: groupCare,
		Short:   "校验备份并恢复到空的数据目录 — verify a backup and restore it into an empty data folder",
		Long: `先校验备份的每个校验和，再恢复到配置的数据目录；目录非空、或仍被守护进程占用则拒绝，不会覆盖任何数据。
先停止守护进程，把旧目录改名；之后用 check 校验、history stats 查看。中断（Ctrl-C）不留下任何文件；
被 kill -9 的会留下 *.restoring，下次恢复取代它们。

Verifies every checksum of the backup first, then restores it into the configured
data folder, which must be empty or missing, and held by no daemon: nothing is ever
overwritten. Stop the daemon and move the old folder aside first; afterwards check
verifies and history stats shows what is there. Interrupted, it leaves no file; what
one that was killed has left (*.restoring) the next run replaces.`,
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
			progress := newBar(cmd.ErrOrStderr(), "恢复 restore")
			err = pipeline.Restore(history.WithProgress(cmd.Context(), progress.bytes), f, cfg.DataDir, progress.step)
			progress.finish()
			if errors.Is(err, archive.ErrDamaged) {
				return fmt.Errorf("restore %s: %w: nothing was restored; take another backup", args[0], err)
			}
			if err != nil {
				return interrupted(cmd, fmt.Errorf("restore %s: %w", args[0], err), "什么都没有恢复，数据目录仍像之前一样空", "nothing was restored; the data folder is as empty as before")
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
	var known uint
	cmd := &cobra.Command{
		Use:     "check --config FILE [--known N]",
		GroupID: groupCare,
		Short:   "检查数据目录的完整性 — verify the data folder",
		Long: `逐个数据块校验历史样本与状态，以及审计日志的散列链；列出损坏之处及所涉资源。损坏的数据块只损失它自己，不影响审计；
用 restore 恢复损坏之前的备份，或重新导入那段时间的文件。归并时发现损坏的数据块被搁置，现存的其余都完好；
它单独列出，仍算损坏，处理过之后用 --known 说明已知几块。守护进程运行时照常可用。

退出码：0 全部查完，完好，或只有 --known 已知的搁置。1 有损坏，或没有查完（没有数据、打不开、守护进程停止、
被中断）：历史的每处损坏是标准输出上以“损坏 damaged:”或“以前搁置 put aside earlier:”开头的一行，其余原因在
标准错误。2 用法或配置有误，什么都没有查。

Verifies every piece of history, the whole state and the chain of the journal, and
names what is damaged and which resources it touches. A damaged piece costs itself,
never the audit:
restore a backup from before the damage, or import the files of that time again.
What was found damaged when it was folded has been put aside; nothing reads
it, and it is told apart. It counts as damage until --known says of how many such
pieces you know. It may run beside the daemon.

Exit codes: 0 all was checked and is sound, or what was put aside is --known. 1
something is damaged, or was not checked to the end (no data, cannot be opened, the
daemon stopped, interrupted): each damaged place of the history is a line on standard
output that begins with "损坏 damaged:" or "以前搁置 put aside earlier:", any other
reason stands on standard error. 2 wrong usage or configuration, nothing was checked.`,
		Example: `  yunjian check --config yunjian.yaml
  yunjian check --config yunjian.yaml --known 1   # 已知搁置一块 | one piece put aside is known`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := openKeeper(cmd, path)
			if err != nil {
				return err
			}
			defer k.close()
			out, damaged, aside, fatal := cmd.OutOrStdout(), 0, uint(0), false
			left, _ := archive.Unfinished(k.cfg.DataDir) // a note, no more
			for _, name := range left {
				fmt.Fprintf(out, "注意 note: %s 是中断的 restore 留下的，没有程序读它，可以删除 | left of a restore that was broken off: nothing reads it, delete it\n", filepath.Join(k.cfg.DataDir, name))
			}
			progress := newBar(cmd.ErrOrStderr(), "检查 check")
			progress.step("")
			err = k.check(history.WithProgress(cmd.Context(), progress.bytes), func(d history.Damage) {
				progress.clear()
				if d.Aside {
					aside++
					fmt.Fprintf(out, "以前搁置 put aside earlier: %s\n", d)
					return
				}
				damaged++
				fatal = fatal || d.Fatal
				fmt.Fprintf(out, "损坏 damaged: %s\n", d)
			})
			progress.finish()
			if err != nil {
				return interrupted(cmd, err,
					fmt.Sprintf("没有查完，此前查到 %d 处损坏、%d 处搁置；数据没有改动", damaged, aside),
					fmt.Sprintf("not checked to the end, damaged places found before: %d, put aside earlier: %d; nothing was changed", damaged, aside))
			}
			if fatal {
				return errors.New("the file can no longer be followed, and more may be lost than is named: restore a backup (`yunjian restore`; what came since is collected again), or move the file away and collect or import anew")
			}
			switch {
			case damaged > 0:
				return fmt.Errorf("damaged places: %d. The rest is sound, and audits go on without them. Restore a backup from before the damage (`yunjian restore`; what came since is collected again), or import the files of that time again, or live with the holes", damaged)
			case aside > known:
				return fmt.Errorf("all that is held now is sound; put aside earlier: %d, known: %d. What these held is missing unless it was read again since: restore a backup from before the damage (`yunjian restore`; what came since is collected again), or import the files of that time again, or live with the holes. From then on `yunjian check --known %d` takes them as known", aside, known, aside)
			case aside > 0:
				fmt.Fprintf(out, "以前搁置、已知 put aside earlier, known: %d\n", aside)
			}
			fmt.Fprintf(out, "完好 sound: %s\n", k.cfg.DataDir)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().Var(countValue{&known}, "known", "已知的搁置块数，不多于它则不算损坏 | how many pieces put aside are known: no more than these count as sound")
	return cmd
}

func newCompact() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "compact --config FILE",
		GroupID: groupCare,
		Short:   "归并历史、清理过期样本并收缩文件 — fold history, drop what is past retention, give space back",
		Long: `把已结束日期的样本归并为压缩块，删除超过保留期的样本与不再用于报告的审计，并把空闲空间还给磁盘。
守护进程每天自动归并与清理，收缩文件只在需要时运行本命令。守护进程运行时照常可用：查询照常，
写入等到收缩完成。磁盘须另容得下收缩后的文件，不够则不收缩并说明。中断（Ctrl-C）则旧文件原样不变。
能收回多少，先看 history stats 的“可收回”。

Folds the samples of days that have ended into compressed pieces, drops what is
past its retention, and gives free space back to the disk. The daemon folds and
drops by itself every night; this command is for shrinking the file. Beside a
running daemon, too: reading goes on, writing waits until it is done. The disk
needs room for the shrunk file beside the old one; without it nothing is shrunk.
Interrupted, the old file stands. What there is to gain is free in history stats.`,
		Args:    noArgs,
		Example: `  yunjian compact --config yunjian.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := openKeeper(cmd, path)
			if err != nil {
				return err
			}
			defer k.close()
			progress := newBar(cmd.ErrOrStderr(), "收缩 compact")
			c, err := k.compact(history.WithProgress(cmd.Context(), progress.bytes), progress.step)
			progress.finish()
			if err != nil {
				return interrupted(cmd, err, "数据完好，已归并的保持归并；要收缩文件，请再运行一次", "the data is whole, and what was folded stays so; to shrink the file, run it again")
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "收缩完成 compacted: %s → %s\n", byteSize(c.Before), byteSize(c.After))
			if c.After >= c.Before {
				fmt.Fprintln(out, "没有可还给磁盘的空间；归并会加入每日摘要，文件可能略大 | nothing to give back to the disk: folding adds daily digests, so the file may be a little larger")
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
