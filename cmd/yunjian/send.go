package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/pipeline"
	"yunjian/internal/send"
	"yunjian/internal/store"
)

func newSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "send",
		GroupID: groupCare,
		Short:   "通知的发送：待发、失败、重试 — the outbox of notices, and a test of its channels",
		Long: `守护进程按 schedules.send 发送通知：每人每天至多一条摘要，失败的自动重试约三天，之后放弃并留下原因。
下列命令查看与处理，守护进程运行时照常可用。通知谁、经哪些渠道，见 docs/how-to/send-notices.md。

The daemon sends what people are to be told on schedules.send: one digest a person and
day at most; what fails is tried again for about three days, then given up with its
reason. These commands look at it and mend it, beside the running daemon, too. Who is told
and by which channels: docs/how-to/send-notices.md.`,
		Example: `  yunjian send list --config yunjian.yaml
  yunjian send test --config yunjian.yaml --channel mail --to zhang.san@example.gov.cn`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSendList(), newSendRetry(), newSendDrop(), newSendTest())
	return cmd
}

func newSendList() *cobra.Command {
	var path, format string
	var states []string
	words := []string{"all"}
	for _, s := range store.OutgoingStates() {
		words = append(words, string(s))
	}
	cmd := &cobra.Command{
		Use:   "list --config FILE [--state waiting,dead|all] [--format text|json]",
		Short: "列出待发与失败的通知及其原因 — messages that wait or were given up, and why",
		Example: `  yunjian send list --config yunjian.yaml
  yunjian send list --config yunjian.yaml --state all --format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: want text or json", format))
			}
			for _, s := range states {
				if !slices.Contains(words, s) {
					return usage(fmt.Errorf("--state %q: want one of %s", s, strings.Join(words, ", ")))
				}
			}
			cfg, data, err := openOutbox(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			all, err := readOutbox(data.State)
			if err != nil {
				return err
			}
			counts := map[store.OutgoingState]int{}
			shown := all
			shown.Messages = []store.Outgoing{}
			for _, o := range all.Messages {
				counts[o.State]++
				if slices.Contains(states, "all") || slices.Contains(states, string(o.State)) {
					shown.Messages = append(shown.Messages, o)
				}
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), shown)
			}
			printOutbox(cmd.OutOrStdout(), shown, counts, cfg.Location)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringSliceVar(&states, "state", []string{string(store.Waiting), string(store.Dead)}, "只列这些状态 | of these states only: waiting, sent, dead, dropped, all")
	choices(cmd, "state", words...)
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	return cmd
}

// outbox is what waits to be told, and what has become of it.
type outbox struct {
	Messages []store.Outgoing `json:"messages"`
	Items    []send.Item      `json:"items"` // that no digest has taken up yet
	// Unreached are those who were to be told something and have no address.
	Unreached []store.Unreached `json:"unreached"`
}

// openOutbox opens the data folder that --config names.
func openOutbox(cmd *cobra.Command, path string) (config.Config, *pipeline.Data, error) {
	cfg, err := loadConfig(cmd, path)
	if err != nil {
		return cfg, nil, err
	}
	data, err := openPresent(cmd.Context(), cfg)
	return cfg, data, err
}

func readOutbox(state *store.Store) (out outbox, err error) {
	if out.Messages, err = state.Outbox(); err != nil {
		return out, err
	}
	items, err := state.Items()
	if err != nil {
		return out, err
	}
	unreached, err := state.Unreached()
	out.Items, out.Unreached = append([]send.Item{}, items...), append([]store.Unreached{}, unreached...)
	return out, err
}

func printOutbox(w io.Writer, shown outbox, counts map[store.OutgoingState]int, loc *time.Location) {
	fmt.Fprintf(w, "待发 waiting %d，已发 sent %d，放弃 dead %d，撤下 dropped %d；待汇总 to be told by a digest %d\n",
		counts[store.Waiting], counts[store.Sent], counts[store.Dead], counts[store.Dropped], len(shown.Items))
	for _, u := range shown.Unreached {
		fmt.Fprintln(w, unreachedLine(u))
	}
	for _, o := range shown.Messages {
		at, when := o.Next, "下次 next"
		if o.State != store.Waiting {
			at, when = o.Ended, "于 at"
		}
		fmt.Fprintf(w, "%s  %s  %s\n", o.Message.ID, o.State, strings.TrimSpace(o.Message.Channel+"  "+o.Message.To))
		fmt.Fprintf(w, "  %s\n", o.Message.Subject)
		fmt.Fprintf(w, "  %s %s", when, at.In(loc).Format("2006-01-02 15:04"))
		if o.Attempts > 0 {
			fmt.Fprintf(w, "，失败 failed %d", o.Attempts)
		}
		fmt.Fprintln(w)
		if o.Reason != "" {
			fmt.Fprintf(w, "  原因 reason: %s\n", strings.ReplaceAll(o.Reason, "\n", "; "))
		}
	}
}

func unreachedLine(u store.Unreached) string {
	return fmt.Sprintf("无地址 without an address: %s，%d 件案卷 cases：%s", strings.TrimSpace(string(u.Role)+" "+u.Department), u.Cases, u.Why)
}

func newSendRetry() *cobra.Command {
	var path string
	var dead bool
	cmd := &cobra.Command{
		Use:   "retry (ID... | --dead) --config FILE",
		Short: "立即重试待发或已放弃的通知 — try messages again at once, those given up, too",
		Example: `  yunjian send retry 3f2a90c1d4e5b6a7980b1c2d3e4f5a6b --config yunjian.yaml
  yunjian send retry --dead --config yunjian.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == dead {
				return usage(fmt.Errorf("%q wants the ids of messages, or --dead for all that were given up; see `%s --help`", cmd.CommandPath(), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, data, err := openOutbox(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			if dead {
				all, err := data.State.Outbox()
				if err != nil {
					return err
				}
				for _, o := range all {
					if o.State == store.Dead {
						args = append(args, o.Message.ID)
					}
				}
			}
			return mend(cmd, args, "将重试 to be tried again", data.RetryMessage)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&dead, "dead", false, "所有已放弃的 | all that were given up")
	return cmd
}

func newSendDrop() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "drop ID... --config FILE",
		Short:   "撤下待发或已放弃的通知，不再发送 — take messages out that wait or were given up",
		Example: `  yunjian send drop 3f2a90c1d4e5b6a7980b1c2d3e4f5a6b --config yunjian.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(fmt.Errorf("%q wants the ids of messages, as `yunjian send list` shows them; see `%s --help`", cmd.CommandPath(), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, data, err := openOutbox(cmd, path)
			if err != nil {
				return err
			}
			defer data.Close()
			return mend(cmd, args, "已撤下 dropped", data.DropMessage)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// mend does one thing to every message, says how many it was done to, and joins what
// went wrong with the others.
func mend(cmd *cobra.Command, ids []string, done string, do func(ctx context.Context, id string, at time.Time) error) error {
	var errs []error
	for _, id := range ids {
		if err := do(cmd.Context(), id, time.Now()); err != nil {
			errs = append(errs, err)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d\n", done, len(ids)-len(errs))
	return errors.Join(errs...)
}

func newSendTest() *cobra.Command {
	var path, channel, to string
	cmd := &cobra.Command{
		Use:   "test --config FILE --channel NAME [--to ADDRESS]",
		Short: "经某个渠道发一条测试消息 — send a test message through a channel",
		Long: `立即发送，不经过待发箱，不受免打扰时段限制；失败时说明原因。

Sends at once, past the outbox and quiet hours, and says why where it fails.`,
		Example: `  yunjian send test --config yunjian.yaml --channel mail --to zhang.san@example.gov.cn
  yunjian send test --config yunjian.yaml --channel group`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(cmd, path)
			if err != nil {
				return err
			}
			c, err := channelOf(cfg, channel)
			if err != nil {
				return usage(err)
			}
			if c.Type == config.ChannelEmail {
				if to, err = send.ParseAddress(to); err != nil {
					return usage(fmt.Errorf("--to: %w", err))
				}
			} else if to != "" {
				return usage(fmt.Errorf("--to: a channel of type %s has one audience", c.Type))
			}
			ch, err := newChannel(c, zerolog.New(cmd.ErrOrStderr()).With().Timestamp().Logger(), nil)
			if err != nil {
				return usage(err)
			}
			if err := ch.Send(cmd.Context(), testMessage(c, to, cfg, time.Now())); err != nil {
				return fmt.Errorf("send through channel %s: %w", c.Name, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "对方已接收 accepted: %s %s\n", c.Name, to)
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&channel, "channel", "", "渠道名称；只有一个时可省略 | name of the channel; the only one where there is one")
	cmd.Flags().StringVar(&to, "to", "", "收件人，邮件渠道必需 | recipient, required of an e-mail channel")
	return cmd
}

// channelOf returns the channel of a name, or the only one.
func channelOf(cfg config.Config, name string) (config.Channel, error) {
	names := make([]string, len(cfg.Channels))
	for i, c := range cfg.Channels {
		names[i] = c.Name
		if c.Name == name || name == "" && len(cfg.Channels) == 1 {
			return c, nil
		}
	}
	if len(names) == 0 {
		return config.Channel{}, errors.New("the configuration has no channels: add one, see `channels` in deploy/yunjian.yaml")
	}
	return config.Channel{}, fmt.Errorf("--channel %q: want one of %s", name, strings.Join(names, ", "))
}

func testMessage(c config.Channel, to string, cfg config.Config, now time.Time) send.Message {
	m := send.Message{
		ID: send.NewID(send.KindTest, c.Name, to, now.Format(time.RFC3339Nano)), Kind: send.KindTest, Channel: c.Name, To: to, Lang: cfg.Lang,
		Subject: "云鉴：测试消息", Text: "这是云鉴发出的测试消息，收到即说明渠道可用，无需处理。\n",
	}
	if cfg.Lang == "en" {
		m.Subject, m.Text = "Yunjian: a test message", "Yunjian sent this to see whether the channel works. It does; nothing needs to be done.\n"
	}
	return m
}
