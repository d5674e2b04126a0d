package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/control"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/store"
	"yunjian/internal/web"
)

func newServe() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "serve --config FILE",
		GroupID: groupWork,
		Short:   "守护进程：定时采集、审计、周报与控制台 — the daemon: schedules, console, /metrics",
		Long: `按配置的时刻表采集、审计、出周报，并在 listen 地址提供页面、/metrics、/healthz、/readyz。
SIGHUP 重新读取配置；配置有误时保留原配置并在日志与 /metrics 中说明
（data_dir、listen、是否用 TLS、timezone、auth、log 须重启才生效；证书随 SIGHUP 重读）。SIGTERM 优雅停止。
程序用 /api/v1/ 下的 JSON 接口；配置了 channels 时按时发送通知。
运行期间除 collect、import、restore、backtest 外的命令照常可用：它们经数据目录中的 control.sock 请它代办。
还没有账号时，一次性令牌写在数据目录的 setup-token 文件中，用于在本机打开页面建立首批账号。

Collects, audits and reports on schedule, and serves the page, /metrics, /healthz
and /readyz at the listen address. SIGHUP reads the configuration again and keeps
the old one when the new one is wrong; data_dir, listen, whether there is TLS,
timezone, auth and log change only with a restart; certificates are read again. SIGTERM stops gracefully. Programs use
the JSON API below /api/v1/; where channels are configured, notices are sent when they are due. All commands
but collect, import, restore and backtest work beside it: they ask it through
control.sock in the data folder. Where there are no accounts yet, a one-time token in
the file setup-token in the data folder lets make them on the page, on this machine.`,
		Example: `  yunjian serve --config yunjian.yaml
  kill -HUP $(pidof yunjian)                 # 重新读取配置 | reload`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, data, err := openData(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			d, err := newDaemon(cfg, data, newLog(cfg, cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			d.reload = func() (config.Config, error) { return config.Load(path) }
			listener, err := listen(cfg.Listen)
			if err != nil {
				return err
			}
			return d.run(cmd.Context(), listener)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// newLog returns the daemon's logger: lines for people on a terminal, JSON
// elsewhere.
func newLog(cfg config.Config, stderr io.Writer) zerolog.Logger {
	w := stderr
	if cfg.Log.Format == "text" {
		w = zerolog.ConsoleWriter{Out: stderr, TimeFormat: time.DateTime, NoColor: true}
	}
	level, err := zerolog.ParseLevel(cfg.Log.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// daemon runs the jobs and the console over one data folder.
type daemon struct {
	data    *pipeline.Data
	log     zerolog.Logger
	reg     *prometheus.Registry
	metrics *pipeline.Metrics
	jobs    *pipeline.Scheduler
	reload  func() (config.Config, error) // nil: SIGHUP is ignored
	now     func() time.Time
	cert    certificate
	guest   auth.Principal // of a demonstration: whoever is not signed in; else zero
	paces   sync.Map       // of DingTalk robots, by channel

	mu      sync.Mutex
	cfg     config.Config
	reloads int // that succeeded: the files that cfg names are read again, too
}

func newDaemon(cfg config.Config, data *pipeline.Data, log zerolog.Logger) (*daemon, error) {
	if err := checkSetup(cfg); err != nil {
		return nil, err
	}
	reg := prometheus.NewRegistry()
	d := &daemon{data: data, log: log, reg: reg, metrics: pipeline.NewMetrics(reg, data.History), cfg: cfg, now: time.Now}
	d.jobs = pipeline.NewScheduler(data.State, log)
	d.jobs.Done = func(r store.JobResult) { d.metrics.Job(r) }
	return d, nil
}

// checkSetup reads everything that a configuration names, so that a mistake
// shows when it is made and not at two in the morning.
func checkSetup(cfg config.Config) error {
	if _, err := loadPack(cfg); err != nil {
		return err
	}
	if _, err := loadBook(cfg); err != nil {
		return err
	}
	if _, err := readCertificate(cfg); err != nil {
		return err
	}
	return errors.Join(checkSecrets(cfg), checkChannels(cfg))
}

// checkSecrets tries to read every secret, and shows none.
func checkSecrets(cfg config.Config) error {
	var errs []error
	for _, c := range cfg.Clouds {
		if c.Type == config.TypeAliyun {
			_, err := c.Credentials()
			errs = append(errs, err)
		}
	}
	_, err := cfg.OIDCSecret()
	return usage(errors.Join(append(errs, err)...))
}

func (d *daemon) config() config.Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg
}

// listen opens the console's address.
func listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; is another Yunjian running, or set another `listen` address", err)
	}
	return listener, nil
}

// run serves on listener until ctx ends, and closes it.
func (d *daemon) run(ctx context.Context, listener net.Listener) (err error) {
	cfg := d.config()
	daemon := journal.Object{Type: "daemon"}
	// By whoever started it; what it does from then on, it does itself.
	if err := d.data.Record(ctx, journal.ServeStarted, daemon, journal.DetailVersion, version, journal.DetailConfig, cfg.SHA256, "listen", listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	ctx = journal.As(ctx, journal.System)
	defer func() {
		e := journal.New(ctx, time.Now(), journal.ServeStopped, daemon)
		if err != nil {
			e = e.Fail(journal.ServeStopped, err)
		}
		_, rerr := d.data.State.Record(e)
		err = errors.Join(err, rerr)
	}()
	if err := d.cert.read(cfg); err != nil {
		return errors.Join(err, listener.Close())
	}
	gate, err := d.openGate(ctx, cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	for _, w := range cfg.Warnings {
		d.log.Warn().Msg(w)
	}
	rules := d.rules()
	console := web.New(d.data, web.Options{
		Lang: func() report.Lang { return report.Lang(d.config().Lang) }, Location: cfg.Location, Registry: d.reg, Log: d.log, Version: version,
		Report: func() (report.Options, error) { return reportOptions(d.config()) },
		Gate:   gate, API: d.api(gate, cfg.Location, rules), Cases: rules,
	})
	server := &http.Server{Handler: console.Handler(), ErrorLog: stdlog.New(d.log.With().Str(zerolog.LevelFieldName, "warn").Logger(), "", 0), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	d.log.Info().Str("listen", listener.Addr().String()).Str("data_dir", cfg.DataDir).Str("version", version).Msg("serving")

	group, gctx := errgroup.WithContext(ctx)
	if socket, err := control.Listen(cfg.DataDir); err != nil {
		d.log.Warn().Err(err).Msg("commands over the data folder need the daemon stopped")
	} else {
		care := control.New(d.data, control.Options{
			Location: cfg.Location, Now: d.now, Log: d.log,
			Retention: func() time.Duration { return d.config().Retention.Raw },
			Run:       d.runCommand,
		})
		group.Go(func() error { return care.Serve(gctx, socket) })
	}
	group.Go(func() error {
		if err := server.Serve(d.cert.over(listener, cfg)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-gctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(gctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(stop)
	})
	group.Go(func() error { return d.work(gctx) })
	err = group.Wait()
	d.log.Info().Msg("stopped")
	return err
}

// work runs the jobs on schedule, starting over with the new schedule whenever
// a reload succeeds.
func (d *daemon) work(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	if err := d.metrics.Refresh(ctx, d.data); err != nil && ctx.Err() == nil {
		d.log.Warn().Err(err).Msg("read the last results")
	}
	var first sync.WaitGroup
	first.Go(func() { d.catchUp(ctx) })
	if cfg := d.config(); len(cfg.Channels) > 0 {
		first.Go(func() {
			d.jobs.Once(ctx, d.remindJob(cfg))
			d.jobs.Once(ctx, d.sendJob(cfg))
		})
	}
	defer first.Wait()

	// A job that is under way when the schedule changes runs on beside the new
	// one: a backfill of hours must not keep the night's audit from its hour.
	var rounds sync.WaitGroup
	defer rounds.Wait()
	for ctx.Err() == nil {
		cfg := d.config()
		round, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		rounds.Go(func() { ended <- d.jobs.Run(ctx, round, d.jobTable(cfg), cfg.Location) })
		var err error
		select {
		case err = <-ended:
		case <-hup:
			d.reloadConfig(ctx)
		}
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// catchUp collects at once after a start, and audits where no audit is stored,
// so that a new installation shows something before the first night.
func (d *daemon) catchUp(ctx context.Context) {
	table := d.jobTable(d.config())
	d.jobs.Once(ctx, table[0])
	if _, ok, err := d.data.LatestAudit(); err == nil && !ok && ctx.Err() == nil {
		d.jobs.Once(ctx, table[1])
	}
}

// reloadConfig takes over a new configuration, or keeps the old one and says
// why.
func (d *daemon) reloadConfig(ctx context.Context) {
	if d.reload == nil {
		return
	}
	next, err := d.reload()
	if err == nil {
		err = checkSetup(next)
	}
	old := d.config()
	if err == nil && (next.DataDir != old.DataDir || next.Listen != old.Listen || (next.TLSCertFile == "") != (old.TLSCertFile == "") || next.Timezone != old.Timezone || !reflect.DeepEqual(next.Auth, old.Auth) || next.Log != old.Log) {
		err = errors.New("data_dir, listen, whether there is TLS, timezone, auth and log change only with a restart")
	}
	if err == nil {
		err = d.cert.read(next)
	}
	object := journal.Object{Type: "config"}
	if err != nil {
		d.metrics.Reloaded(false)
		d.log.Error().Err(err).Msg("reload: the old configuration stays in force")
		e := journal.New(ctx, time.Now(), journal.ConfigRefused, object)
		e.Outcome, e.Reason = journal.Refused, err.Error()
		d.recorded(d.data.State.Record(e))
		return
	}
	d.inForce(next)
	d.data.State.UseHash(journal.Algorithm(next.Journal.Hash))
	d.recorded(journal.Head{}, d.data.Record(ctx, journal.ConfigReloaded, object, journal.DetailFrom, old.SHA256, journal.DetailTo, next.SHA256))
	d.log.Info().Msg("reload: the new configuration is in force")
	d.metrics.Reloaded(true)
}

// inForce takes over a configuration and, with it, the files that it names.
func (d *daemon) inForce(next config.Config) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cfg = next
	d.reloads++
}

// recorded logs what kept an entry out of the journal.
func (d *daemon) recorded(_ journal.Head, err error) {
	if err != nil {
		d.log.Error().Err(err).Msg("write the journal")
	}
}

// jobTable lists the daemon's work.
func (d *daemon) jobTable(cfg config.Config) []pipeline.Job {
	jobs := []pipeline.Job{
		{Name: "collect", Schedule: cfg.Schedules.Collect, Run: d.collect},
		{Name: "audit", Schedule: cfg.Schedules.Audit, Run: d.audit},
		{Name: "report", Schedule: cfg.Schedules.Report, Run: d.report},
		{Name: "tend", Schedule: "30 3 * * *", Run: d.tend},
	}
	if len(cfg.Channels) > 0 {
		jobs = append(jobs, d.remindJob(cfg), d.sendJob(cfg))
	}
	if len(billed(cfg)) > 0 { // each day, for what is due: from the fourth of a month on
		jobs = append(jobs, pipeline.Job{Name: "bills", Schedule: "40 4 * * *", Run: d.bills})
	}
	return jobs
}

func (d *daemon) remindJob(cfg config.Config) pipeline.Job {
	return pipeline.Job{Name: "remind", Schedule: cfg.Schedules.Remind, Run: d.remind}
}

func (d *daemon) sendJob(cfg config.Config) pipeline.Job {
	return pipeline.Job{Name: "send", Schedule: cfg.Schedules.Send, Run: d.send}
}

func (d *daemon) collect(ctx context.Context) (string, error) {
	cfg := d.config()
	now := d.now().In(cfg.Location)
	var said []string
	var errs []error
	if len(cfg.Clouds) == 0 {
		return noClouds, nil
	}
	for _, c := range cfg.Clouds {
		if err := ctx.Err(); err != nil { // of a cloud not begun there is nothing to say
			errs = append(errs, err)
			break
		}
		src, err := newSource(d.data, cfg, c, now, cadence(cfg.Schedules.Collect, now))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		got, err := d.data.Collect(ctx, c.Name, src, pipeline.CollectOptions{
			Metrics: cfg.Metrics, Since: now.Add(-cfg.Backfill), Now: now, FillGaps: true, Booking: booking(d.data, cfg),
		})
		closeSource(src)
		err = errors.Join(err, unread(got))
		month, merr := d.data.MetricCalls(c.Name, now.In(cfg.Location))
		if merr != nil {
			errs = append(errs, merr)
		}
		d.metrics.Collected(got, c.Budget.Calls(), month, err == nil, now)
		said = append(said, collectedLine(got))
		if err != nil {
			errs = append(errs, err)
		}
	}
	return strings.Join(said, "; "), errors.Join(errs...)
}

func (d *daemon) audit(ctx context.Context) (string, error) {
	cfg := d.config()
	now := d.now().In(cfg.Location)
	a, err := runAudit(ctx, d.data, cfg, now, io.Discard)
	if err != nil {
		return "", err
	}
	d.metrics.Audited(a)
	o, err := caseOptions(cfg, now)
	if err != nil {
		return auditLine(a), err
	}
	synced, err := d.data.SyncCases(ctx, o)
	if err != nil {
		return auditLine(a), err
	}
	said := auditLine(a) + "；" + syncedLine(synced)
	if len(cfg.Channels) == 0 {
		return said, nil
	}
	told, err := d.remind(ctx)
	return said + "；" + told, err
}

// staleAudit is the age beyond which a weekly report repeats an old one: a week
// and a day's grace.
const staleAudit = 8 * 24 * time.Hour

// report writes the week's report beside the data, for those who fetch files.
func (d *daemon) report(ctx context.Context) (string, error) {
	cfg := d.config()
	a, err := auditFor(d.data, cfg, "")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cfg.DataDir, "reports")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create %s: %w", dir, err)
	}
	week := pipeline.WeekOf(a.AsOf, cfg.Location).String()
	for _, f := range []report.Format{report.HTML, report.XLSX} {
		file := filepath.Join(dir, "yunjian-"+week+"."+string(f))
		if err := writeReport(ctx, nil, d.data, cfg, a, f, report.Lang(cfg.Lang), file); err != nil {
			return "", err
		}
	}
	if err := d.tellOfReport(cfg, week); err != nil {
		return "", err
	}
	written := fmt.Sprintf("%s: reports/yunjian-%s.html, .xlsx", week, week)
	if age := d.now().Sub(a.AsOf); age > staleAudit {
		return written, fmt.Errorf("the latest audit is %d days old: see the job audit", int(age.Hours()/24))
	}
	return written, nil
}

func (d *daemon) tend(ctx context.Context) (string, error) {
	cfg := d.config()
	if err := d.data.Tend(ctx, d.now(), cfg.Retention.Raw, cfg.Location); err != nil {
		return "", err
	}
	if err := auth.New(d.data.State, cfg.Auth, nil).Tend(d.now()); err != nil {
		return "", err
	}
	s, err := d.data.History.Stats(ctx)
	if err != nil {
		return "", err
	}
	d.metrics.History(s)
	if _, err := d.data.State.PruneOutbox(d.now().Add(-pipeline.OutboxKept)); err != nil {
		return "", err
	}
	return fmt.Sprintf("序列 series %d，样本 samples %d，%s", s.Series, s.Samples, byteSize(s.Bytes)), nil
}
