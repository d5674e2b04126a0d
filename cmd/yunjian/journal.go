package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/history"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/store"
)

func newJournal() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "journal",
		GroupID: groupCare,
		Short:   "防篡改的审计日志 — the tamper-evident journal",
		Example: `  yunjian journal verify --config yunjian.yaml`,
		Args:    subcommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newJournalVerify(), newJournalShow())
	return cmd
}

// kept is where a journal is read: a folder by its configuration, through the
// daemon where one holds it; a folder by its name; a backup. One of the three.
type kept struct{ config, data string }

func (w *kept) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.config, "config", "", "配置文件（YAML）；守护进程运行时由它代办 | configuration file (YAML); a running daemon does the work")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.Flags().StringVar(&w.data, "data", "", "数据目录，只读，不需要配置 | a data folder, only read, without a configuration")
	_ = cmd.MarkFlagDirname("data")
}

// args wants one place to read.
func (w *kept) args(cmd *cobra.Command, args []string) error {
	n := len(args)
	for _, named := range []string{w.config, w.data} {
		if named != "" {
			n++
		}
	}
	if n != 1 {
		return usage(fmt.Errorf("%q wants one of --config FILE, --data DIR and a backup file: got %d; see `%s --help`", cmd.CommandPath(), n, cmd.CommandPath()))
	}
	return nil
}

// open opens the state of --data or a backup, for reading alone.
func (w *kept) open(ctx context.Context, args []string) (s *store.Store, done func(), err error) {
	if w.data != "" {
		if s, err = pipeline.OpenState(w.data); err != nil {
			return nil, nil, err
		}
		return s, func() { _ = s.Close() }, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, nil, fmt.Errorf("read backup: %w", err)
	}
	defer f.Close()
	s, remove, err := pipeline.StateOf(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close(); remove() }, nil
}

func newJournalVerify() *cobra.Command {
	var from kept
	var heads []string
	cmd := &cobra.Command{
		Use:   "verify [BACKUP_FILE] [--config FILE | --data DIR] [--head SEQ:HASH]",
		Short: "校验审计日志，指明被改动、缺失或调换的条目 — verify the chain, name what was altered, removed or reordered",
		Long: `逐条核对散列链：被改动、缺失、调换、复制、插入的条目都指明编号；并核对现存的每次审计与记录它的条目。
--head 是周报上印的链头（编号:散列值，前 16 位以上），用来发现末尾被截去或整条链被重写：纸面是文件之外的见证；可重复给出。
备份文件与 --data 只读，不联网、不需要配置与守护进程；守护进程占用目录时用 --config，由它代办。

退出码：0 完整。1 链已断、与链头不符，或没有查完。2 用法或配置有误。

Walks the hash chain and names by number every entry that was altered, removed,
reordered, copied or inserted, and compares each stored audit with the entry that
records it. --head is the head that a weekly report prints (16 digits of the hash or
more): it finds a chain that was cut off at its end or written anew, for paper is a
witness outside the file; it may be given several times. A backup and --data are only
read, without network, configuration or daemon; where the daemon holds the folder,
--config asks it.

Exit codes: 0 the chain is whole. 1 it is broken, not the one witnessed, or was not
read to its end. 2 wrong usage or configuration.`,
		Example: `  yunjian journal verify --config yunjian.yaml
  yunjian journal verify week.backup --head 128:3f9a6c0e1b2d4f5a6b7c8d9e   # 链头抄自周报 | the head is from a report
  yunjian journal verify --data ./data`,
		Args: from.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			var witnessed []journal.Head
			for _, text := range heads {
				h, err := journal.ParseHead(text)
				if err != nil {
					return usage(fmt.Errorf("--head: %w", err))
				}
				witnessed = append(witnessed, h)
			}
			v, err := verifyJournal(cmd, from, args, witnessed)
			if err != nil {
				return interrupted(cmd, err, "没有查完；什么都没有改动", "not read to its end; nothing was changed")
			}
			return printVerified(cmd.OutOrStdout(), v, witnessed)
		},
	}
	from.flags(cmd)
	cmd.Flags().StringArrayVar(&heads, "head", nil, "见证过的链头 SEQ:HASH，如周报所印；可重复 | a head that was witnessed, as a report prints it; may be repeated")
	return cmd
}

func verifyJournal(cmd *cobra.Command, from kept, args []string, witnessed []journal.Head) (journal.Verified, error) {
	if from.config != "" {
		k, err := openKeeper(cmd, from.config)
		if err != nil {
			return journal.Verified{}, err
		}
		defer k.close()
		return k.verifyJournal(cmd.Context(), witnessed...)
	}
	progress := newBar(cmd.ErrOrStderr(), "读备份 read backup")
	s, done, err := from.open(history.WithProgress(cmd.Context(), progress.bytes), args)
	progress.finish()
	if err != nil {
		return journal.Verified{}, err
	}
	defer done()
	return s.VerifyJournal(cmd.Context(), witnessed...)
}

func printVerified(out io.Writer, v journal.Verified, witnessed []journal.Head) error {
	for _, p := range v.Problems {
		fmt.Fprintf(out, "断链 broken: %s\n", p)
	}
	if !v.Whole() {
		return fmt.Errorf("审计日志已断：%d 处（见上），不能再作为凭据；保留现有文件，与备份、周报所印链头比对，查明何时何人改动 | the journal is broken in %d places (see above) and proves nothing from there on: keep the file as it is, compare it with backups and with the heads on weekly reports, and find out who altered it when", len(v.Problems)+v.More, len(v.Problems)+v.More)
	}
	if v.Entries == 0 {
		fmt.Fprintln(out, "审计日志为空：还没有记录 | the journal is empty: nothing was recorded yet")
		return nil
	}
	fmt.Fprintf(out, "完整 whole: %d 条 entries\n链头 head: %s\n", v.Entries, v.Head)
	for _, h := range witnessed {
		fmt.Fprintf(out, "与见证相符 as witnessed: %s\n", h.Short())
	}
	return nil
}

func newJournalShow() *cobra.Command {
	var from kept
	var f journal.Filter
	var format, outcome string
	cmd := &cobra.Command{
		Use:   "show [BACKUP_FILE] [--config FILE | --data DIR] [--from TIME] [--to TIME] [--action NAME] [--actor NAME] [--object NAME] [--outcome done|refused|failed] [--format text|json|csv]",
		Short: "列出审计日志 — list the journal",
		Long: `列出谁在何时对什么做了什么、结果如何、依据哪一版策略与数据。--action audit 列出所有以 audit. 开头的动作；
--object 是类型、编号或 类型:编号。用 --config 列出本身也记入日志（journal.exported）；备份与 --data 只读，不记。
JSON 中每条一行，去掉末尾的 hash 字段就是被散列的字节，可用别的工具核对。

Lists who did what to which object and when, how it ended, and on which policy and
data it stood. --action audit lists every action that begins with "audit."; --object
is a type, an id or TYPE:ID. Listing by --config is itself journalled
(journal.exported); a backup and --data are only read. In JSON an entry is one line:
without its last field, hash, these are the bytes that are hashed, for other tools to
check.`,
		Example: `  yunjian journal show --config yunjian.yaml --from 2026-11-01T00:00:00+08:00
  yunjian journal show --config yunjian.yaml --outcome failed
  yunjian journal show week.backup --action report --format csv > reports.csv`,
		Args: from.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(report.JournalFormats(), format) {
				return usage(fmt.Errorf("--format %q: want one of %v", format, report.JournalFormats()))
			}
			if f.Outcome = journal.Outcome(outcome); outcome != "" && !slices.Contains(journal.Outcomes(), f.Outcome) {
				return usage(fmt.Errorf("--outcome %q: want one of %v", outcome, journal.Outcomes()))
			}
			err := showJournal(cmd, from, args, f, format)
			return interrupted(cmd, err, "没有列完；什么都没有改动", "not listed to the end; nothing was changed")
		},
	}
	from.flags(cmd)
	cmd.Flags().Var(timeValue{&f.From}, "from", "从该时刻起（含）| from this instant on")
	cmd.Flags().Var(timeValue{&f.To}, "to", "到该时刻止（不含）| before this instant")
	cmd.Flags().StringVar(&f.Action, "action", "", "动作，如 audit.done；或开头，如 audit | an action, or what it begins with")
	cmd.Flags().StringVar(&f.Actor, "actor", "", "操作者，如 system、cli:root | who did it")
	cmd.Flags().StringVar(&f.Object, "object", "", "对象：类型、编号或 类型:编号 | the object: type, id or TYPE:ID")
	cmd.Flags().StringVar(&outcome, "outcome", "", "结果 | how it ended: done, refused, failed")
	choices(cmd, "outcome", "done", "refused", "failed")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json, csv")
	choices(cmd, "format", report.JournalFormats()...)
	return cmd
}

func showJournal(cmd *cobra.Command, from kept, args []string, f journal.Filter, format string) error {
	out, err := report.NewJournal(cmd.OutOrStdout(), format)
	if err != nil {
		return err
	}
	if from.config != "" {
		k, err := openKeeper(cmd, from.config)
		if err != nil {
			return err
		}
		defer k.close()
		out.Location = k.cfg.Location
		head, err := k.exportJournal(cmd.Context(), f, out.Write)
		return errors.Join(err, out.Close(head))
	}
	s, done, err := from.open(cmd.Context(), args)
	if err != nil {
		return err
	}
	defer done()
	out.Location = config.Default().Location
	var head journal.Head
	err = s.Journal(journal.Filter{}, func(e journal.Entry) error {
		head = e.Head()
		if err := cmd.Context().Err(); err != nil || !f.Lets(e) {
			return err
		}
		return out.Write(e)
	})
	return errors.Join(err, out.Close(head))
}
