package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"yunjian/calendar"
	"yunjian/internal/config"
)

func newCalendar() *cobra.Command {
	var path, format, asYAML string
	var year int
	cmd := &cobra.Command{
		Use:     "calendar [--year 2026] [--config FILE] [--format text|json] [--yaml year|seasons]",
		GroupID: groupRules,
		Short:   "工作日、节假日、调休与季节 — working days, holidays, make-up days and seasons",
		Long: `打印某一年的放假与调休安排及其出处，以及季节表：季节性业务在旺季之外不判为闲置。
不给 --config 时为内置的年份与季节表；配置的 calendar: {files: […]} 补充年份、替换季节表。
没有某一年的数据时按周一至周五推算，并处处注明。

Prints the holidays and make-up days of a year with the notice that published them, and
the table of seasons: a seasonal business is not called idle outside its season. Without
--config these are the shipped ones; calendar: {files: […]} of a configuration adds years
and replaces the seasons. A year without data is Monday to Friday, and is said to be.`,
		Example: `  yunjian calendar --year 2026
  yunjian calendar --yaml seasons > seasons.yaml               # 季节表的起点 | where your own seasons start
  yunjian calendar --yaml year --year 2026 > 2027.yaml         # 下一年的起点 | where the next year starts
  yunjian calendar due 2026-09-30 5                            # 送达后第 5 个工作日 | the 5th working day after`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			cfg, c, err := calendarOf(cmd, path)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("year") {
				year = time.Now().In(cfg.Location).Year()
			}
			if asYAML != "" {
				return writeCalendarYAML(cmd, asYAML, year)
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), calendarDocument(c, year))
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), c.Describe(year))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "配置文件；默认只有内置数据 | configuration file; default: what is shipped alone")
	cmd.Flags().Var(yearValue{&year}, "year", "年份，默认今年 | the year; default: the present one")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	cmd.Flags().StringVar(&asYAML, "yaml", "", "内置文件的原文，供改写：year 或 seasons | the text of a shipped file, to be edited: year or seasons")
	choices(cmd, "yaml", "year", "seasons")
	cmd.AddCommand(newCalendarDue())
	return cmd
}

func newCalendarDue() *cobra.Command {
	var path, unit string
	units := make([]string, 0, 3)
	for _, u := range calendar.Units() {
		units = append(units, string(u))
	}
	cmd := &cobra.Command{
		Use:   "due DATE N [--unit working_day|day|month] [--config FILE]",
		Short: "期限届满之日：自次日起算 — the last day of a term, counted from the next day",
		Example: `  yunjian calendar due 2026-09-30 5               # 2026-10-13
  yunjian calendar due 2026-01-31 1 --unit month  # 2026-02-28`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage(fmt.Errorf("%q wants a date and a number: got %d arguments; see `%s --help`", cmd.CommandPath(), len(args), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := time.Parse(time.DateOnly, args[0])
			if err != nil {
				return usage(fmt.Errorf("%q: want a date such as 2026-09-30", args[0]))
			}
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 0 || n > calendar.MaxTerm {
				return usage(fmt.Errorf("%q: want a whole number from 0 to %d", args[1], calendar.MaxTerm))
			}
			if !slices.Contains(units, unit) {
				return usage(fmt.Errorf("--unit %q: want one of %s", unit, strings.Join(units, ", ")))
			}
			_, c, err := calendarOf(cmd, path)
			if err != nil {
				return err
			}
			due := c.Due(from, n, calendar.Unit(unit))
			fmt.Fprintln(cmd.OutOrStdout(), due.Format(time.DateOnly))
			if missing := c.Missing(from, due.AddDate(0, 0, 1)); len(missing) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s | %s: %v\n", calendar.MissingText.ZH, calendar.MissingText.EN, missing)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "配置文件；默认只有内置数据 | configuration file; default: what is shipped alone")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			if group := unknown.GetSpecifiedShortnames(); group != "" && strings.Trim(group, "0123456789") == "" { // -5 is no flag
				return usage(fmt.Errorf("%q: want a whole number from 0 to %d", "-"+group, calendar.MaxTerm))
			}
		}
		return flagError(cmd, err)
	})
	cmd.Flags().StringVar(&unit, "unit", string(calendar.WorkingDays), "单位：工作日、自然日或月 | what is counted: "+strings.Join(units, ", "))
	choices(cmd, "unit", units...)
	return cmd
}

// calendarOf is the calendar of a configuration, or the shipped one.
func calendarOf(cmd *cobra.Command, path string) (config.Config, calendar.Calendar, error) {
	cfg := config.Default()
	if path != "" {
		var err error
		if cfg, err = loadConfig(cmd, path); err != nil {
			return cfg, calendar.Calendar{}, err
		}
	}
	c, err := loadCalendar(cfg)
	return cfg, c, err
}

// loadCalendar returns the shipped calendar with the configured files in it.
func loadCalendar(cfg config.Config) (calendar.Calendar, error) {
	c := calendar.Builtin()
	var errs []error
	of := map[string]string{} // what a file is of → its name
	for _, file := range cfg.Calendar.Files {
		text, err := readInput(file, calendar.MaxBytes)
		if err != nil {
			errs = append(errs, fmt.Errorf("read calendar file: %w", err))
			continue
		}
		f, err := calendar.Parse(file, text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		what := "seasons"
		if f.Year != nil {
			what = fmt.Sprintf("the holidays of %d", f.Year.Year)
		}
		if other := of[what]; other != "" {
			errs = append(errs, fmt.Errorf("calendar.files: %s and %s both hold %s; want one", other, file, what))
		}
		of[what] = file
		c = c.With(f)
	}
	return c, usage(errors.Join(errs...))
}

func writeCalendarYAML(cmd *cobra.Command, what string, year int) error {
	text, ok := calendar.SeasonsYAML(), what == "seasons"
	switch {
	case ok:
	case what != "year":
		return usage(fmt.Errorf("--yaml %q: want year or seasons", what))
	default:
		if text, ok = calendar.YearYAML(year); !ok {
			return usage(fmt.Errorf("--year %d is not shipped; shipped: %s", year, calendar.Builtin().KnownYears()))
		}
	}
	_, err := cmd.OutOrStdout().Write(text)
	return err
}

// calendarJSON is the calendar of a year for scripts.
type calendarJSON struct {
	Year        int              `json:"year"`
	Known       bool             `json:"known"`
	Warning     *calendar.Text   `json:"warning,omitempty"`
	Source      *calendar.Source `json:"source,omitempty"`
	WorkingDays int              `json:"working_days"`
	Weekdays    int              `json:"weekdays"`
	Holidays    []holidayJSON    `json:"holidays"`
	SeasonTag   string           `json:"season_tag"`
	Seasons     []seasonJSON     `json:"seasons"`
}

type holidayJSON struct {
	Name   calendar.Text `json:"name"`
	From   string        `json:"from"`
	To     string        `json:"to"`
	Makeup []string      `json:"makeup"`
}

type seasonJSON struct {
	ID           string              `json:"id"`
	Name         calendar.Text       `json:"name"`
	Confidence   calendar.Confidence `json:"confidence"`
	Peaks        []spanJSON          `json:"peaks"` // that touch the year
	Departments  []string            `json:"departments,omitempty"`
	Applications []string            `json:"applications,omitempty"`
}

type spanJSON struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func calendarDocument(c calendar.Calendar, year int) calendarJSON {
	first := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
	last := calendar.YearEnd(first)
	n := c.Count(first, last.AddDate(0, 0, 1))
	out := calendarJSON{
		Year: year, Known: c.Known(year), WorkingDays: n.Working, Weekdays: n.Weekdays,
		Holidays: []holidayJSON{}, SeasonTag: c.Seasons.Tag, Seasons: []seasonJSON{},
	}
	if y, ok := c.Year(year); ok {
		out.Source = &y.Source
		for _, h := range y.Holidays {
			x := holidayJSON{Name: h.Name, From: h.From.Format(time.DateOnly), To: h.To.Format(time.DateOnly), Makeup: []string{}}
			for _, d := range h.Makeup {
				x.Makeup = append(x.Makeup, d.Format(time.DateOnly))
			}
			out.Holidays = append(out.Holidays, x)
		}
	} else {
		out.Warning = &calendar.MissingText
	}
	for _, s := range c.Seasons.List {
		x := seasonJSON{ID: s.ID, Name: s.Name, Confidence: s.Confidence, Peaks: []spanJSON{}, Departments: s.Departments, Applications: s.Applications}
		for _, p := range c.Peaks(s, first, last) {
			x.Peaks = append(x.Peaks, spanJSON{p.From.Format(time.DateOnly), p.To.Format(time.DateOnly)})
		}
		out.Seasons = append(out.Seasons, x)
	}
	return out
}
