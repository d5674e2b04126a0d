package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"yunjian/internal/config"
)

// TestReference keeps the generated reference in step with the program; run
// with -update to write it.
func TestReference(t *testing.T) {
	for file, text := range map[string]string{
		"commands.md":      commandReference(),
		"configuration.md": configReference(),
	} {
		golden(t, filepath.Join(root(t), "docs", "reference", file), text)
	}
}

// golden compares text with a file, or writes the file under -update.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), text); diff != "" {
		t.Errorf("%s is out of date; write it with `go test ./cmd/yunjian -update`\n(-file +program):\n%s", filepath.Base(path), diff)
	}
}

const generated = "<!-- 由 `go test ./cmd/yunjian -update` 生成，请勿手改 | generated; do not edit -->\n\n"

func commandReference() string {
	var b strings.Builder
	b.WriteString("# 命令与参数 | Commands and flags\n\n" + generated)
	b.WriteString("TIME 是 RFC 3339 时刻，DURATION 形如 `30d`、`12h`。退出码：0 完成，1 失败，2 用法或配置有误。\n")
	b.WriteString("被 Ctrl-C（SIGINT）或 SIGTERM 中断的命令以 1 结束，并用一行说明数据处于什么状态；`serve`、`simulate` 与 `demo` 的页面由此停止，以 0 结束。\n")
	b.WriteString("结果写标准输出，进度与日志写标准错误。\n\n")
	b.WriteString("TIME is RFC 3339, DURATION is Prometheus style. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.\nA command that Ctrl-C (SIGINT) or SIGTERM interrupts ends with 1 and one line that says what state things are in;\n`serve`, `simulate` and the page of `demo` are stopped by them and end with 0.\nResults go to standard output, progress and logs to standard error.\n")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		if c.HasParent() && c.Runnable() {
			writeCommand(&b, c)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	b.WriteString("\n## yunjian completion bash|zsh|fish|powershell\n\n命令补全 | prints the shell completion.\n")
	return b.String()
}

// TestHelpInTwoLanguages reads every help text.
func TestHelpInTwoLanguages(t *testing.T) {
	both := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) }) &&
			strings.ContainsFunc(s, func(r rune) bool { return r < unicode.MaxASCII && unicode.IsLetter(r) })
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if !both(c.Short) || c.Long != "" && !both(c.Long) {
			t.Errorf("%s is told in one language only", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !both(f.Usage) {
				t.Errorf("%s --%s is told in one language only: %s", c.CommandPath(), f.Name, f.Usage)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", c.CommandPath(), c.Short)
	fmt.Fprintf(b, "\n```\n%s %s\n```\n", c.Parent().CommandPath(), c.Use)
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", c.Long)
	}
	var flags bytes.Buffer
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "false" {
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(&flags, "| `--%s` | %s | %s | %s |\n", f.Name, f.Value.Type(), def, strings.ReplaceAll(f.Usage, "|", `\|`))
	})
	if flags.Len() > 0 {
		fmt.Fprintf(b, "\n| 参数 flag | 类型 type | 默认 default | 含义 meaning |\n| --- | --- | --- | --- |\n%s", flags.String())
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```\n%s\n```\n", strings.ReplaceAll(c.Example, "\n  ", "\n")[2:])
	}
}

func configReference() string {
	var b strings.Builder
	b.WriteString("# 配置项 | Configuration keys\n\n" + generated)
	b.WriteString("一个 YAML 文件；未知的键是错误；相对路径以该文件所在目录为准；密钥只能来自环境变量或文件。\n\n")
	b.WriteString("One YAML file. Unknown keys are errors, relative paths start at the file, secrets come from the environment or a file only.\n")
	b.WriteString("完整的例子 | a whole example: [deploy/yunjian.yaml](../../deploy/yunjian.yaml)\n\n")
	b.WriteString("| 键 key | 类型 type | 默认 default | 含义 meaning |\n| --- | --- | --- | --- |\n")
	for _, k := range config.Reference() {
		def := ""
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s — %s |\n", k.Name, k.Type, def, cell(k.ZH), cell(k.EN))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
