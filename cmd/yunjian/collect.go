package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/history"
	"yunjian/internal/pipeline"
)

func newCollect() *cobra.Command {
	var path string
	var since time.Duration
	var now time.Time
	var plan bool
	cmd := &cobra.Command{
		Use:     "collect --config FILE [--since DURATION] [--now TIME] [--plan]",
		GroupID: groupWork,
		Short:   "采集一次：清单、利用率、补采缺口 — one collection pass: inventory, utilization, backfill of gaps",
		Long: `读取配置中每朵云的资源清单与利用率，写入数据目录。已采集的样本不会重复请求；
中断后再次运行即从断点继续。结束时归并已过完的日子，并清理超过 retention.raw 的样本。
云上保留 91 天（5 分钟粒度），首次运行默认全部补采。--plan 打印所需的调用及其原因，只列清单，不采集。

Reads the inventory and the utilization of every configured cloud into the data
folder. Samples already there are not asked for again; an interrupted pass is
taken up by the next one. At the end samples of closed days are folded, and those
past retention.raw are dropped. The cloud keeps 91 days, by five minutes; the first
run reads them all unless told otherwise. --plan prints the calls it would need, and
why, and makes none but those that list the fleet.`,
		Example: `  yunjian collect --config yunjian.yaml
  yunjian collect --config yunjian.yaml --plan
  yunjian collect --config yunjian.yaml --since 30d`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			if len(cfg.Clouds) == 0 {
				return usage(errors.New(noClouds))
			}
			now := orClock(now).In(cfg.Location)
			if since == 0 {
				since = cfg.Backfill
			}
			if plan {
				return printPlans(cmd.Context(), cmd.OutOrStdout(), cfg, since, now)
			}
			data, err := openFolder(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer data.Close()
			return collectAll(cmd, data, cfg, since, now)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().Var(durationValue{&since}, "since", "最多回溯多久，如 30d；默认取配置 backfill（91d）| how far back at most, such as 30d; default: backfill of the configuration (91d)")
	nowFlag(cmd, &now)
	cmd.Flags().BoolVar(&plan, "plan", false, "只打印调用计划，不采集 | print the call plan only, collect nothing")
	return cmd
}

// collectAll reads every configured cloud, each to the end even when another
// fails, and prints what came of it. Then it tends the data as the daemon does at
// night: who collects by single commands has no daemon.
func collectAll(cmd *cobra.Command, data *pipeline.Data, cfg config.Config, since time.Duration, now time.Time) error {
	var failed []string
	for _, c := range cfg.Clouds {
		got, err := collectCloud(cmd.Context(), data, cfg, c, since, now, cmd.ErrOrStderr())
		if err = errors.Join(err, unread(got)); err != nil && !stopped(cmd, err) {
			fmt.Fprintf(cmd.ErrOrStderr(), "yunjian: %v\n", err)
			failed = append(failed, c.Name)
		}
		printCollected(cmd.OutOrStdout(), got)
		if cmd.Context().Err() != nil {
			break
		}
	}
	var missed error
	if len(failed) > 0 {
		missed = fmt.Errorf("%d of %d clouds were not read to the end: %v; what was read is kept, run again to go on", len(failed), len(cfg.Clouds), failed)
	}
	if err := cmd.Context().Err(); err != nil {
		return errors.Join(missed, interrupted(cmd, err, "已读到的都已存下；再运行一次，从断点继续", "what was read so far is stored; run it again, it goes on from there"))
	}
	progress := newBar(cmd.ErrOrStderr(), "整理 tend")
	err := data.Tend(history.WithProgress(cmd.Context(), progress.bytes), now, cfg.Retention.Raw, cfg.Location)
	progress.finish()
	return errors.Join(missed, untended(cmd, err))
}

// untended is what to say of an error of folding and dropping, which come last:
// it must not read as if nothing had been stored.
func untended(cmd *cobra.Command, err error) error {
	switch {
	case stopped(cmd, err):
		return interrupted(cmd, err, "读到的样本都已存下，只是没有归并完；下一次 import、collect、compact 或守护进程会做完", "every sample that was read is stored, only not folded to the end: the next import, collect, compact or the daemon does it")
	case errors.Is(err, history.ErrFull):
		return fmt.Errorf("every sample that was read is stored; there was no room to fold them, which the next import, collect or compact does, or the daemon at night, once there is: %w", err)
	case err != nil:
		return fmt.Errorf("every sample that was read is stored; folding them failed: %w", err)
	default:
		return nil
	}
}

// unread is an error that names the listings which were not read to the end:
// what they hold is unknown, and a pass that left them out has not succeeded.
func unread(c pipeline.Collected) error {
	var errs []error
	for _, s := range c.Inventory.Scopes {
		if !s.Complete {
			errs = append(errs, fmt.Errorf("cloud %s: the listing of %s in %s was not read to the end: %s", c.Cloud, s.Kind, s.Region, s.Problem))
		}
	}
	return errors.Join(errs...)
}

// collectCloud reads one cloud with a progress bar on stderr.
func collectCloud(ctx context.Context, data *pipeline.Data, cfg config.Config, c config.Cloud, since time.Duration, now time.Time, stderr io.Writer) (pipeline.Collected, error) {
	src, err := newSource(data, cfg, c, now, 0)
	if err != nil {
		return pipeline.Collected{Cloud: c.Name}, err
	}
	defer closeSource(src)
	progress := newBar(stderr, "采集 collect "+c.Name)
	defer progress.finish()
	return data.Collect(ctx, c.Name, src, pipeline.CollectOptions{
		Metrics: cfg.Metrics, Since: now.Add(-since), Now: now, FillGaps: true, Progress: progress.set, Booking: booking(data, cfg),
	})
}
