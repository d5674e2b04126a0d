package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"yunjian/internal/config"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/send"
	"yunjian/notice"
)

// newChannel returns the channel of a configuration entry; it reads its secrets
// and connects to nothing. A nil pace is one of its own.
func newChannel(c config.Channel, log zerolog.Logger, pace *rate.Limiter) (send.Channel, error) {
	secrets, err := c.Secrets()
	if err != nil {
		return nil, err
	}
	var ca []byte
	if c.CAFile != "" {
		if ca, err = readInput(c.CAFile, 1<<20); err != nil {
			return nil, fmt.Errorf("channel %s: read ca_file: %w", c.Name, err)
		}
	}
	var out send.Channel
	switch c.Type {
	case config.ChannelEmail:
		out, err = send.NewEmail(send.EmailOptions{
			Host: c.Host, Port: c.Port, Security: send.Security(c.TLS), Username: c.Username, Password: secrets.Password,
			From: c.From, Domains: c.AllowHosts, CA: ca, Private: c.AllowPrivate, Timeout: c.Timeout,
		})
	case config.ChannelDingTalk:
		out, err = send.NewDingTalk(send.DingTalkOptions{
			BaseURL: c.BaseURL, Token: secrets.Token, Secret: secrets.Secret, Schemes: c.AllowSchemes,
			CA: ca, Private: c.AllowPrivate, Timeout: c.Timeout, Pace: pace,
		})
	case config.ChannelWebhook:
		out, err = send.NewWebhook(send.WebhookOptions{
			URL: secrets.URL, Secret: secrets.Secret, Schemes: c.AllowSchemes, Hosts: c.AllowHosts,
			CA: ca, Private: c.AllowPrivate, Timeout: c.Timeout,
		})
	case config.ChannelLog:
		out = send.NewLog(log)
	default:
		err = fmt.Errorf("type %q is not one that this build knows", c.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", c.Name, err)
	}
	return out, nil
}

// checkChannels makes every channel, so that secrets which are missing or do not
// fit show when they are configured.
func checkChannels(cfg config.Config) error {
	var errs []error
	for _, c := range cfg.Channels {
		_, err := newChannel(c, zerolog.Nop(), nil)
		errs = append(errs, err)
	}
	return usage(errors.Join(errs...))
}

// outlets returns every configured channel with its quiet hours.
func (d *daemon) outlets(cfg config.Config) (map[string]pipeline.Outlet, error) {
	days, err := loadCalendar(cfg)
	if err != nil {
		return nil, err
	}
	out := map[string]pipeline.Outlet{}
	for _, c := range cfg.Channels {
		o := pipeline.Outlet{}
		from, to, none, err := c.Quiet()
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", c.Name, err)
		}
		if !none {
			o.Quiet = send.Quiet{From: from, To: to, Days: true, Calendar: days}
		}
		// A pass makes its channels anew, and a robot counts over all passes.
		pace, _ := d.paces.LoadOrStore(c.Name, send.NewDingTalkPace())
		if o.Channel, err = newChannel(c, d.log, pace.(*rate.Limiter)); err != nil {
			o.Channel = broken{err} // the others go on; these messages say why they wait
		}
		out[c.Name] = o
	}
	return out, nil
}

// broken is a channel that could not be made, such as for a secret whose file has
// gone since the start.
type broken struct{ err error }

// Send fails as the making did.
func (b broken) Send(context.Context, send.Message) error {
	return &send.TemporaryError{Err: b.err}
}

// tellOptions are how the configuration says that people are told of cases.
func tellOptions(cfg config.Config, now time.Time) (pipeline.TellOptions, error) {
	o, err := caseOptions(cfg, now)
	return pipeline.TellOptions{
		CaseOptions: o, Config: cfg,
		Write: func(w notice.Word, of *notice.Notice) (title, detail string) {
			return report.Word(w, of, o.Workflow, report.Lang(cfg.Lang))
		},
	}, err
}

func toldLine(t pipeline.Told) string {
	line := fmt.Sprintf("告知 told %d", len(t.Words))
	if len(t.Unreached) > 0 {
		line += fmt.Sprintf("；无地址未告知 without an address %d 件案卷 cases（yunjian send list）", t.Untold())
	}
	return line
}

// remind puts into the outbox what people are to be told.
func (d *daemon) remind(ctx context.Context) (string, error) {
	cfg := d.config()
	o, err := tellOptions(cfg, d.now())
	if err != nil {
		return "", err
	}
	told, err := d.data.Tell(ctx, o)
	if err != nil {
		return "", err
	}
	d.metrics.Told(told)
	return toldLine(told), nil
}

// tellOfReport tells the cloud's administrators that a week's report is written.
func (d *daemon) tellOfReport(cfg config.Config, week string) error {
	title := fmt.Sprintf("%s 周报已生成", week)
	if cfg.Lang == string(report.EN) {
		title = fmt.Sprintf("The report of %s is written", week)
	}
	var items []send.Item
	for _, r := range cfg.Recipients {
		if r.Role == notice.Cloudadmin {
			to := send.Recipient{Channel: r.Channel, Address: r.Address, Name: r.Name, Lang: cfg.Lang}
			items = append(items, send.Item{ID: "report " + week, To: to, Title: title, URL: cfg.PublicURL})
		}
	}
	if len(items) == 0 {
		return nil
	}
	_, err := d.data.State.Tell(items)
	return err
}

// sendPass is how long a pass of the daemon begins messages: the next one starts
// with what came meanwhile.
const sendPass = 50 * time.Second

// send is the daemon's pass over the outbox.
func (d *daemon) send(ctx context.Context) (string, error) {
	cfg := d.config()
	got, err := d.data.Send(ctx, pipeline.SendOptions{
		Outlets: func() (map[string]pipeline.Outlet, error) { return d.outlets(cfg) },
		Now:     d.now, Location: cfg.Location, Pass: sendPass,
	})
	if err == nil {
		err = ctx.Err()
	}
	waiting, dead, countErr := d.data.State.OutboxCounts()
	if countErr == nil {
		d.metrics.Outbox(waiting, dead)
	}
	return fmt.Sprintf("发出 sent %d，待发 waiting %d，放弃 given up %d", got.Sent, waiting, dead), errors.Join(err, countErr)
}
