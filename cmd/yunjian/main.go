package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"yunjian/backtest"
	"yunjian/calendar"
	"yunjian/internal/config"
	"yunjian/internal/control"
	"yunjian/internal/journal"
	"yunjian/policies"
	"yunjian/price"
)

// Exit codes, which scripts rely on.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program as a value: arguments in, exit code out.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	completeFlags(root)
	askDaemons(root, args)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(journal.As(ctx, journal.CLI(control.UserName(os.Geteuid()))))
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "yunjian: %v\n", err)
	return exitCode(err)
}

// exitCode is that of a command that ended with err.
func exitCode(err error) int {
	if isUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// usageError is a mistake in how the program was called or configured.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func isUsage(err error) bool {
	var u usageError
	if errors.As(err, &u) {
		return true
	}
	var c *config.Error
	var p *policies.Error
	var b *price.Error
	var d *calendar.Error
	var i *backtest.InstantError
	return errors.As(err, &i) || errors.As(err, &c) || errors.As(err, &p) || errors.As(err, &b) || errors.As(err, &d)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "yunjian",
		Short: "云鉴：政务云利用率审计与降配 — auditor and rightsizing engine for government clouds",
		Long: `云鉴读取云主机的 CPU、内存、存储利用率，找出长期闲置或配置过高的资源，
给出释放与降配建议及其年化节约。云鉴只读，从不改动云上的任何资源。

Yunjian reads the utilization of cloud instances, finds what is chronically idle
or over-provisioned, and recommends what to release or downsize and what that
saves a year. It only reads; it never changes anything in a cloud.`,
		Example: `  yunjian demo --once                        # 一分钟看懂：模拟云 → 采集 → 审计 → 周报 | see it work
  yunjian collect --config yunjian.yaml      # 采集 | read the clouds
  yunjian audit   --config yunjian.yaml      # 审计 | judge
  yunjian report  --config yunjian.yaml --format xlsx --output week.xlsx`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
		Args:          subcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: groupWork, Title: "日常 | Daily work:"},
		&cobra.Group{ID: groupTry, Title: "试用 | Trying it out:"},
		&cobra.Group{ID: groupRules, Title: "规则 | Rules:"},
		&cobra.Group{ID: groupCare, Title: "维护 | Care:"},
	)
	root.AddCommand(
		newServe(), newCollect(), newImport(), newAudit(), newReport(), newExplain(), newNotice(), newTally(), newBill(), newOwner(), newSend(),
		newDemo(), newSimulate(), newGenerate(),
		newPolicy(), newCalendar(), newBacktest(), newConfig(),
		newHistory(), newBackup(), newRestore(), newCheck(), newCompact(), newJournal(), newVersion(),
		newAccount(), newToken(),
	)
	root.SetHelpCommandGroupID(groupCare)
	root.SetCompletionCommandGroupID(groupCare)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short = "任一命令的用法 — how a command is used"
			c.Long = "打印任一命令的用法，与该命令的 --help 相同。\n\nPrints how a command is used, as its --help does."
			c.Example = "  yunjian help import"
		case "completion":
			c.Short = "命令行补全脚本 — the completion script of a shell"
			c.Long = "打印某个 shell 的补全脚本；怎样启用，见各子命令的 --help。\n\nPrints the completion script of a shell; its own --help says how to enable it."
			c.Example = "  yunjian completion bash > /etc/bash_completion.d/yunjian"
			c.Args = subcommand
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range c.Commands() {
				shell.Short = shell.Name() + " 的补全脚本 — the completion script of " + shell.Name()
				shell.Long = "打印 " + shell.Name() + " 的补全脚本；启用的办法见下。\n\n" + shell.Long
				if f := shell.Flags().Lookup("no-descriptions"); f != nil {
					f.Usage = "不含各命令的说明 | without what each command does"
				}
			}
		}
	}
	root.InitDefaultVersionFlag()
	root.Flags().Lookup("version").Usage = "版本 | the version"
	root.SetUsageTemplate(helpWords.Replace(root.UsageTemplate()))
	wordHelp(root)
	return root
}

// helpWords puts Chinese beside what cobra says in every help text.
var helpWords = strings.NewReplacer(
	"Usage:", "用法 | Usage:",
	"Examples:", "示例 | Examples:",
	"Available Commands:", "命令 | Commands:",
	"Flags:", "参数 | Flags:",
	`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
	"运行 `{{.CommandPath}} [command] --help` 查看某个命令的用法 | run it for how a command is used",
)

// wordHelp words --help of a command and of those below it.
func wordHelp(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Flags().Lookup("help").Usage = "用法 | how it is used"
	for _, sub := range c.Commands() {
		wordHelp(sub)
	}
}

// Groups of commands in the help text.
const (
	groupWork  = "work"
	groupTry   = "try"
	groupRules = "rules"
	groupCare  = "care"
)

// noArgs and oneArg refuse stray arguments as wrong usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("unknown argument %q for %q: it takes none; see `%s --help`", args[0], cmd.CommandPath(), cmd.CommandPath()))
	}
	return nil
}

// flagError words what is wrong with a flag. Where a command only groups others
// it is rather the subcommand that is wrong or missing.
func flagError(cmd *cobra.Command, err error) error {
	meant := flagMeant(cmd, err)
	var unknown *pflag.NotExistError
	if cmd.HasSubCommands() && errors.As(err, &unknown) {
		if before := cmd.Flags().Args(); len(before) > 0 {
			return subcommand(cmd, before)
		}
		if meant == "" {
			flag := "--" + unknown.GetSpecifiedName()
			if group := unknown.GetSpecifiedShortnames(); group != "" {
				flag = "-" + group
			}
			return usage(fmt.Errorf("%q wants a subcommand before %s: one of %s; see `%s --help`", cmd.CommandPath(), flag, subcommands(cmd), cmd.CommandPath()))
		}
	}
	return usage(fmt.Errorf("%w%s\n运行 `%s --help` 查看用法 | run `%s --help` for usage", err, meant, cmd.CommandPath(), cmd.CommandPath()))
}

// subcommand is the Args of a command that only groups others: it names them
// where none of them was meant.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	near := ""
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		near = fmt.Sprintf("did you mean %s? ", like[0])
	}
	return usage(fmt.Errorf("unknown command %q for %q: %swant one of %s; see `%s --help`", args[0], cmd.CommandPath(), near, subcommands(cmd), cmd.CommandPath()))
}

// subcommands names the commands that cmd groups.
func subcommands(cmd *cobra.Command) string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return strings.Join(names, ", ")
}

// flagMeant suggests a flag of the command where err is about one that it does
// not have, and is empty where none is like it.
func flagMeant(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var flags []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	name := unknown.GetSpecifiedName()
	if group := unknown.GetSpecifiedShortnames(); group != "" { // -format, with one dash
		name, _, _ = strings.Cut(group, "=")
	}
	like := alike(name, flags)
	if len(name) < 2 || like == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean --%s?", like)
}

// alike is which of some names was likely meant; empty where none is like it. The
// likeness is cobra's, which knows that of commands.
func alike(name string, names []string) string {
	known := cobra.Command{SuggestionsMinimumDistance: 2}
	for _, n := range names {
		known.AddCommand(&cobra.Command{Use: n, Run: func(*cobra.Command, []string) {}})
	}
	if like := known.SuggestionsFor(name); len(like) > 0 {
		return like[0]
	}
	return ""
}

// didYouMean is alike as a part of a message.
func didYouMean(name string, names []string) string {
	if like := alike(name, names); like != "" {
		return fmt.Sprintf("did you mean %s? ", like)
	}
	return ""
}

func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage(fmt.Errorf("%q wants one argument, %s: got %d; see `%s --help`", cmd.CommandPath(), name, len(args), cmd.CommandPath()))
		}
		return nil
	}
}
