package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/estate"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/simcloud"
)

func newDemo() *cobra.Command {
	var once bool
	var listen, dir, lang string
	var seed uint64
	var size estate.Options
	cmd := &cobra.Command{
		Use:     "demo [--once] [--listen ADDR] [--bundle DIR | --instances N --days N] [--seed N] [--lang zh|en]",
		GroupID: groupTry,
		Short:   "演示：模拟云 → 采集 → 审计 → 周报 → 页面 — the whole job on a simulated cloud",
		Long: `在临时文件夹中启动一朵模拟云与守护进程：先采集并审计到一周前，再采集到现在，打印周报，
然后提供页面。全程走真实的 HTTP 接口与签名。数据均为示例，退出时删除。

Starts a simulated cloud and the daemon over it in a temporary folder: collects
and audits as of a week ago, then as of now, prints the weekly report and serves
the page. Everything goes through the real HTTP API and its signatures. All data
is an example and is deleted on exit.`,
		Example: `  yunjian demo
  yunjian demo --once --instances 50
  yunjian demo --bundle ./exports/2026-11`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := report.ParseLang(lang)
			if err != nil {
				return usage(fmt.Errorf("--lang: %w", err))
			}
			world, err := openWorld(dir, size, seed)
			if err != nil {
				return err
			}
			folder, err := os.MkdirTemp("", "yunjian-demo-")
			if err != nil {
				return fmt.Errorf("create the demo's folder: %w", err)
			}
			defer os.RemoveAll(folder)
			d := demo{cmd: cmd, world: world, seed: seed, folder: folder, listen: listen, lang: l}
			return interrupted(cmd, d.run(cmd.Context(), once), "演示数据随之删除；要看完，请再运行一次", "the demo's data is deleted with it; to see it through, run it again")
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "打印周报后退出 | exit after printing the report")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8900", "页面地址，主机:端口 | address of the page, host:port")
	cmd.Flags().StringVar(&dir, "bundle", "", "用该文件夹的数据代替生成的示例 | serve this bundle instead of a generated estate")
	_ = cmd.MarkFlagDirname("bundle")
	cmd.Flags().StringVar(&lang, "lang", "zh", "周报的语言 | language of the report: zh, en")
	choices(cmd, "lang", "zh", "en")
	// A month for each of two audits a week apart.
	estateFlags(cmd, &size, &seed, 38)
	return cmd
}

// demo is one run of the demonstration.
type demo struct {
	cmd    *cobra.Command
	world  simcloud.World
	seed   uint64
	folder string
	listen string
	lang   report.Lang
}

func (d demo) run(ctx context.Context, once bool) (err error) {
	// A closed terminal ends the demo: there is nothing to reload.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	var console net.Listener // taken first: after a minute's work is no time to learn that it is not free
	if !once {
		if console, err = listen(d.listen); err != nil {
			return err
		}
		defer console.Close()
	}
	end := d.world.End()
	sim := simcloud.New(d.world, simcloud.Options{
		Credentials: map[string]string{demoKey: demoSecret}, Now: end, Seed: d.seed,
		Quotas: simcloud.Unlimited(),
	})
	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the simulated cloud: %w", err)
	}
	simulated := make(chan error, 1)
	go func() { simulated <- serveUntil(ctx, api, sim) }()
	defer func() {
		stop()
		err = errors.Join(err, <-simulated)
	}()

	cfg, err := d.configure(api.Addr().String())
	if err != nil {
		return err
	}
	data, err := openFolder(ctx, cfg)
	if err != nil {
		return err
	}
	defer data.Close()

	say := d.cmd.ErrOrStderr()
	fmt.Fprintf(say, "模拟云 simulated cloud  http://%s\n", api.Addr())
	// Two looks a week apart, so that the report can compare, and so that a
	// resize in between is seen as one.
	for _, now := range []time.Time{end.AddDate(0, 0, -7), end} {
		sim.SetNow(now)
		fmt.Fprintf(say, "采集与审计 collect and audit  %s\n", now.In(cfg.Location).Format(time.DateTime))
		got, err := collectCloud(ctx, data, cfg, cfg.Clouds[0], cfg.Backfill, now, say)
		if err != nil {
			return err
		}
		printCollected(say, got)
		if _, err := runAudit(ctx, data, cfg, now, say); err != nil {
			return err
		}
	}
	a, err := auditFor(data, cfg, "")
	if err != nil {
		return err
	}
	if err := writeReport(ctx, d.cmd.OutOrStdout(), data, cfg, a, report.Text, d.lang, ""); err != nil {
		return err
	}
	if once {
		fmt.Fprintf(d.cmd.OutOrStdout(), "\n下一步 next: `yunjian demo` 打开页面 opens the page；接入自己的云 connect your own cloud: docs/how-to/connect-an-account.md\n")
		return nil
	}
	return d.serve(ctx, cfg, data, sim, console)
}

// serve runs the daemon over the simulated cloud, whose present follows the
// clock from where its samples ended.
func (d demo) serve(ctx context.Context, cfg config.Config, data *pipeline.Data, sim *simcloud.Server, console net.Listener) error {
	end := d.world.End()
	daemon, err := newDaemon(cfg, data, newLog(cfg, d.cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	// What is shown is made up: everybody may look at all of it.
	daemon.guest = auth.Principal{Name: "guest", Via: auth.ViaGuest, Roles: []auth.Role{auth.CloudAdmin, auth.Supervisor, auth.Finance, auth.Auditor, auth.Viewer}, Departments: auth.Everywhere()}
	started := time.Now()
	daemon.now = func() time.Time {
		now := end.Add(time.Since(started))
		sim.SetNow(now)
		return now
	}
	page := url.URL{Scheme: "http", Host: console.Addr().String(), Path: "/"}
	fmt.Fprintf(d.cmd.ErrOrStderr(), "\n打开 open  %s   （Ctrl-C 结束 stops；数据随之删除 its data is deleted）\n", page.String())
	return daemon.run(ctx, console)
}

// configure writes the demo's configuration, an ordinary one, and reads it.
func (d demo) configure(cloudAddr string) (config.Config, error) {
	for name, secret := range map[string]string{"ak": demoKey, "sk": demoSecret} {
		if err := os.WriteFile(filepath.Join(d.folder, name), []byte(secret), 0o600); err != nil {
			return config.Config{}, fmt.Errorf("write the demo's configuration: %w", err)
		}
	}
	text := fmt.Sprintf(`data_dir: ./data
listen: %q
timezone: Asia/Shanghai
lang: %s
log: {format: text, level: warn}
backfill: 91d
clouds:
  - name: demo
    type: aliyun
    regions: [cn-hangzhou]
    endpoint: http://%s
    access_key_id_file: ./ak
    access_key_secret_file: ./sk
    ownership: {department_tag: department, application_tag: application}
    budget: {queries_per_second: 1000, calls_per_month: 100000000}
policies: {pack: cn-gov-baseline}
schedules: {collect: "@every 5m", audit: "0 2 * * *", report: "0 8 * * 1"}
`, d.listen, d.lang, cloudAddr)
	path := filepath.Join(d.folder, "yunjian.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return config.Config{}, fmt.Errorf("write the demo's configuration: %w", err)
	}
	return config.Load(path)
}
