package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/config"
	"yunjian/internal/pipeline"
)

// printCollected says what one collection pass did.
func printCollected(w io.Writer, c pipeline.Collected) {
	kinds := map[cloud.Kind]int{}
	for _, r := range c.Inventory.Resources {
		kinds[r.Kind]++
	}
	fmt.Fprintf(w, "%s\n", c.Cloud)
	fmt.Fprintf(w, "  资源 resources   云主机 instances %d，云盘 disks %d，EIP %d；变化 changes %d\n", kinds[cloud.Instance], kinds[cloud.Disk], kinds[cloud.EIP], len(c.Changes))
	printIncomplete(w, c.Inventory)
	if c.Unlisted > 0 {
		fmt.Fprintf(w, "  未列出 not listed  %d 个资源不再出现，但清单未证明已读全（该账号、区域、类型没有一项），仍按原样保留，未入账 | no longer there, and no listing of their account, region and kind shows that it was read to the end: kept as last seen, nothing is booked\n", c.Unlisted)
	}
	if n := len(c.Booked); n > 0 {
		fmt.Fprintf(w, "  台账 ledger      入账 booked %d（`yunjian tally --entries`）\n", n)
	}
	fmt.Fprintf(w, "  样本 samples     %d\n", c.Result.Samples)
	if p := c.Result.Plan; p.Backfill.Calls > 0 {
		fmt.Fprintf(w, "  计划 plan        指标调用 metric calls %d，理论下限 theoretical minimum %d\n", p.Backfill.Calls, p.Backfill.Minimum)
	}
	if calls := total(c.Result.Calls); calls > 0 {
		fmt.Fprintf(w, "  调用 calls       %d", calls)
		if m := collector.MetricCalls(c.Result.Calls); m > 0 {
			fmt.Fprintf(w, "，其中指标 of metrics %d，理论下限 theoretical minimum %d", m, c.Result.Minimum)
			if c.Result.Minimum > 0 {
				fmt.Fprintf(w, "（%+.1f%%）", 100*(float64(m)/float64(c.Result.Minimum)-1))
			}
		}
		if c.Result.Retries > 0 {
			fmt.Fprintf(w, "；重试 retries %d", c.Result.Retries)
		}
		fmt.Fprintln(w)
	}
	for _, p := range c.Result.Problems {
		fmt.Fprintf(w, "  问题 problem     %s\n", problemLine(p))
	}
}

// printIncomplete names the listings that were not read to the end and returns
// how many they are.
func printIncomplete(w io.Writer, inv cloud.Inventory) int {
	n := 0
	for _, s := range inv.Scopes {
		if !s.Complete {
			fmt.Fprintf(w, "  未读全 incomplete %s %s：%s\n", s.Region, s.Kind, s.Problem)
			n++
		}
	}
	return n
}

func problemLine(p collector.Problem) string {
	var parts []string
	if p.Metric != "" {
		parts = append(parts, string(p.Metric))
	}
	if p.Resources > 0 {
		parts = append(parts, fmt.Sprintf("%d 个资源 resources", p.Resources))
	}
	if p.Code != "" {
		parts = append(parts, p.Code)
	}
	return strings.Join(append(parts, p.Message), "，")
}

// collectedLine is printCollected in one line, for the job's result.
func collectedLine(c pipeline.Collected) string {
	line := fmt.Sprintf("%s: 资源 resources %d，样本 samples %d，调用 calls %d", c.Cloud, len(c.Inventory.Resources), c.Result.Samples, total(c.Result.Calls))
	if n := len(c.Booked); n > 0 {
		line += fmt.Sprintf("，入账 booked %d", n)
	}
	if n := len(c.Result.Problems); n > 0 {
		line += fmt.Sprintf("，问题 problems %d：%s", n, problemLine(c.Result.Problems[0]))
	}
	return line
}

func auditLine(a audit.Audit) string {
	return fmt.Sprintf("资源 resources %d；建议释放 release %d（%s %s/年 a year），建议降配 downsize %d（%s %s/年 a year）", a.Totals.Resources,
		a.Totals.Release.Resources, a.Totals.Release.AnnualSaving, a.Totals.Currency,
		a.Totals.Downsize.Resources, a.Totals.Downsize.AnnualSaving, a.Totals.Currency)
}

func total(calls map[string]int) int {
	n := 0
	for _, c := range calls {
		n += c
	}
	return n
}

// printPlans prints, for every cloud with an API, the calls that reading it
// would take.
func printPlans(ctx context.Context, w io.Writer, cfg config.Config, since time.Duration, now time.Time) error {
	data, err := openFolder(ctx, cfg)
	if err != nil {
		return err
	}
	defer data.Close()
	for _, c := range cfg.Clouds {
		if c.Type != config.TypeAliyun {
			fmt.Fprintf(w, "%s\n  文件，无需调用 files: no calls\n", c.Name)
			continue
		}
		src, err := newAliyun(data, cfg, c, now, cadence(cfg.Schedules.Collect, now))
		if err != nil {
			return err
		}
		req, err := data.Request(ctx, c.Name, src, pipeline.CollectOptions{Metrics: cfg.Metrics, Since: now.Add(-since), Now: now})
		if err != nil {
			return err
		}
		plan, err := src.Plan(ctx, req)
		src.Close()
		if err != nil {
			return fmt.Errorf("plan cloud %s: %w", c.Name, err)
		}
		if plan.Spent > 0 {
			if err := data.State.AddCalls(c.Name, now.In(cfg.Location), map[string]int{"DescribeMetricList": plan.Spent}); err != nil {
				return err
			}
		}
		used, err := data.MetricCalls(c.Name, now.In(cfg.Location))
		if err != nil {
			return err
		}
		printPlan(w, c, req.Inventory, plan, used, src.Hosts())
	}
	return nil
}

func printPlan(w io.Writer, c config.Cloud, inv cloud.Inventory, p collector.Plan, used int, hosts []string) {
	instances := 0
	for _, r := range inv.Resources {
		if r.Kind == cloud.Instance {
			instances++
		}
	}
	fmt.Fprintf(w, "%s\n", c.Name)
	fmt.Fprintf(w, "  规模 fleet       云主机 instances %d\n", instances)
	fmt.Fprintf(w, "  只访问 hosts     %s\n", strings.Join(hosts, ", "))
	incomplete := printIncomplete(w, inv)
	fmt.Fprintf(w, "  额度 budget      每秒 a second %g，每月 a month %d（已用 used %d）\n", c.Budget.QueriesPerSecond, c.Budget.Calls(), used)
	fmt.Fprintf(w, "  粒度 period      %s\n", model.Duration(p.Period))
	if p.Interval > 0 {
		fmt.Fprintf(w, "  间隔 interval    %s\n", model.Duration(p.Interval))
	}
	fmt.Fprintf(w, "  %-16s %12s %24s %14s\n", "", "调用 calls", "理论下限 theoretical minimum", "样本 points")
	for _, row := range []struct {
		label string
		e     collector.Estimate
	}{{"本次 this run", p.Backfill}, {"每次 a pull", p.Pull}, {"每日 a day", p.Day}, {"每月 a month", p.Month}} {
		if row.e == (collector.Estimate{}) {
			continue
		}
		fmt.Fprintf(w, "  %-14s %14d %30d %14d\n", row.label, row.e.Calls, row.e.Minimum, row.e.Points)
	}
	if p.Backfill.Duration > 0 {
		fmt.Fprintf(w, "  本次约需 takes about %s\n", p.Backfill.Duration.Round(time.Second))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "  注意 note        %s\n", planNote(n))
	}
	if p.Fits && incomplete == 0 {
		fmt.Fprintln(w, "  额度足够 the budget suffices")
	}
}

// planNote words what the plan gave up, and what would give it back.
func planNote(n collector.Note) string {
	span := func(s float64) string { return model.Duration(time.Duration(s) * time.Second).String() }
	switch n.Code {
	case collector.NotePeriod:
		return fmt.Sprintf("额度 %.0f 次/月不够，粒度由 %s 放宽到 %s | %.0f calls a month do not suffice: period %s instead of %s; a larger calls_per_month gives it back", n.Limit, span(n.Wanted), span(n.Got), n.Limit, span(n.Got), span(n.Wanted))
	case collector.NoteInterval:
		return fmt.Sprintf("额度 %.0f 次/月不够每 %s 采集，改为每 %s；样本不少，只是晚到 | %.0f calls a month do not suffice for every %s: every %s instead, without losing a sample", n.Limit, span(n.Wanted), span(n.Got), n.Limit, span(n.Wanted), span(n.Got))
	case collector.NoteRate:
		return fmt.Sprintf("每秒 %g 次来不及每 %s 采完，改为每 %s | %g calls a second are too few for every %s: every %s instead", n.Limit, span(n.Wanted), span(n.Got), n.Limit, span(n.Wanted), span(n.Got))
	case collector.NoteRetention:
		return fmt.Sprintf("云上只保留 %s | the cloud keeps no more than %s", span(n.Got), span(n.Got))
	case collector.NoteBackfill:
		return fmt.Sprintf("补采需 %.0f 次调用，本次只用 %.0f 次，其余下月继续 | the backfill needs %.0f calls, %.0f are left for it now: the rest follows next month or with a larger calls_per_month", n.Wanted, n.Got, n.Wanted, n.Got)
	case collector.NoteExhausted:
		return fmt.Sprintf("最粗粒度每月仍需 %.0f 次，额度 %.0f 次：请提高 calls_per_month 或减少 metrics | even the coarsest period needs %.0f calls a month of %.0f: raise calls_per_month or ask for fewer metrics", n.Wanted, n.Limit, n.Wanted, n.Limit)
	default:
		return fmt.Sprintf("%s: %g → %g %s", n.Code, n.Wanted, n.Got, n.Unit)
	}
}
