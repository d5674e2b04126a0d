package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"yunjian/internal/config"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
)

// configFlag adds --config, without which the command cannot run.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "配置文件（YAML），必需 | configuration file (YAML), required")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
}

// loadConfig reads the configuration named by --config.
func loadConfig(cmd *cobra.Command, path string) (config.Config, error) {
	if path == "" {
		return config.Config{}, usage(fmt.Errorf("--config is missing: name a configuration file, such as `%s --config yunjian.yaml`", cmd.CommandPath()))
	}
	if a := asideOf(cmd.Context()); a != nil {
		return a.load()
	}
	c, err := config.Load(path)
	if err != nil {
		return config.Config{}, usage(err)
	}
	return c, nil
}

// openData reads the configuration named by --config and opens its data folder.
func openData(cmd *cobra.Command, path string) (config.Config, *pipeline.Data, error) {
	cfg, err := loadConfig(cmd, path)
	if err != nil {
		return cfg, nil, err
	}
	data, err := openFolder(cmd.Context(), cfg)
	return cfg, data, err
}

// openFolder opens the configured data folder and makes it where it is missing; in
// the daemon it is the one that is open.
func openFolder(ctx context.Context, cfg config.Config) (*pipeline.Data, error) {
	if a := asideOf(ctx); a != nil {
		return a.data.Lend(), nil
	}
	data, err := pipeline.Open(cfg.DataDir, cfg.Location)
	if err != nil {
		return nil, err
	}
	data.State.UseHash(journal.Algorithm(cfg.Journal.Hash))
	return data, nil
}

// openPresent opens the configured data folder for a command that only reads: it
// makes none where there is none.
func openPresent(ctx context.Context, cfg config.Config) (*pipeline.Data, error) {
	if err := pipeline.Present(cfg.DataDir); err != nil {
		return nil, err
	}
	return openFolder(ctx, cfg)
}

// asOfFlags adds the flags of a command that judges what is stored and says what
// it finds: --config, --now, --format and --lang.
func asOfFlags(cmd *cobra.Command, path, format, lang *string) (now *time.Time) {
	now = new(time.Time)
	configFlag(cmd, path)
	nowFlag(cmd, now)
	cmd.Flags().StringVar(format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	cmd.Flags().StringVar(lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	return now
}

// checkOutput checks --format and --lang; an empty language is the configuration's.
func checkOutput(format, lang string) (report.Lang, error) {
	if format != "text" && format != "json" {
		return "", usage(fmt.Errorf("--format %q: want text or json", format))
	}
	if lang == "" {
		return "", nil
	}
	l, err := report.ParseLang(lang)
	if err != nil {
		return "", usage(fmt.Errorf("--lang: %w", err))
	}
	return l, nil
}

func langOr(l report.Lang, cfg config.Config) report.Lang {
	return cmp.Or(l, report.Lang(cfg.Lang))
}

// timeValue is a flag that holds an RFC 3339 instant.
type timeValue struct{ t *time.Time }

func (v timeValue) String() string {
	if v.t == nil || v.t.IsZero() {
		return ""
	}
	return v.t.Format(time.RFC3339)
}

func (v timeValue) Set(s string) error {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("want a time such as 2026-11-23T02:00:00+08:00")
	}
	if t.Year() < 2000 || t.Year() > 2100 {
		return fmt.Errorf("the year %d is not between 2000 and 2100", t.Year())
	}
	*v.t = t
	return nil
}

func (timeValue) Type() string { return "TIME" }

// sharesValue is a flag that holds shares between 0 and 1, several of them separated by
// commas.
type sharesValue struct {
	shares *[]float64
	set    bool
}

func (v *sharesValue) String() string {
	if v.shares == nil {
		return ""
	}
	var words []string
	for _, s := range *v.shares {
		words = append(words, strconv.FormatFloat(s, 'g', -1, 64))
	}
	return strings.Join(words, ",")
}

func (v *sharesValue) Set(s string) error {
	var out []float64
	for _, w := range strings.Split(s, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(w), 64)
		if err != nil || !(x > 0 && x < 1) {
			return fmt.Errorf("要 0 与 1 之间的比例，如百分之二写作 0.02 | want a share above 0 and below 1, such as 0.02 for two in a hundred")
		}
		out = append(out, x)
	}
	if v.set {
		out = append(*v.shares, out...)
	}
	*v.shares, v.set = out, true
	return nil
}

func (*sharesValue) Type() string { return "SHARES" }

// yearValue is a flag that holds a year.
type yearValue struct{ year *int }

func (v yearValue) String() string {
	if v.year == nil || *v.year == 0 {
		return ""
	}
	return strconv.Itoa(*v.year)
}

func (v yearValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1000 || n > 9999 {
		return errors.New("要四位数的年份，如 2026 | want a year of four digits, such as 2026")
	}
	*v.year = n
	return nil
}

func (yearValue) Type() string { return "YEAR" }

// countValue is a flag's whole number, 0 or more.
type countValue struct{ n *uint }

func (v countValue) String() string {
	if v.n == nil {
		return "0"
	}
	return strconv.FormatUint(uint64(*v.n), 10)
}

func (v countValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return errors.New("want a whole number, 0 or more, such as 1")
	}
	*v.n = uint(n)
	return nil
}

func (countValue) Type() string { return "uint" }

// durationValue is a flag that holds a Prometheus-style duration.
type durationValue struct{ d *time.Duration }

func (v durationValue) String() string {
	if v.d == nil || *v.d == 0 {
		return ""
	}
	return model.Duration(*v.d).String()
}

func (v durationValue) Set(s string) error {
	d, err := model.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("want a duration such as 30d or 12h")
	}
	*v.d = time.Duration(d)
	return nil
}

func (durationValue) Type() string { return "DURATION" }

// nowFlag adds --now. A zero time means the clock.
func nowFlag(cmd *cobra.Command, t *time.Time) {
	cmd.Flags().Var(timeValue{t}, "now", "当作现在的时刻（RFC 3339），默认取系统时钟 | the present (RFC 3339); default: the clock")
}

// orClock returns t, or the clock's time where t is zero.
func orClock(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}

// flagChoices is the annotation of a flag that takes one of a few words.
const flagChoices = "yunjian_choices"

// choices lets the shell complete a flag that takes one of a few words.
func choices(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.Flags().SetAnnotation(flag, flagChoices, words)
}

// completeFlags lets the shell complete the flags of cmd and of what is below it.
// cobra remembers that for good, so that the daemon, which makes the tree again for
// each command, does without.
func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if words := f.Annotations[flagChoices]; len(words) > 0 {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
	})
	for _, c := range cmd.Commands() {
		completeFlags(c)
	}
}
