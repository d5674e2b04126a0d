package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/config"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/registry"
	"yunjian/internal/report"
	"yunjian/internal/store"
	"yunjian/notice"
	"yunjian/recommender"
)

func newNotice() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "notice",
		GroupID: groupWork,
		Short:   "案卷与通知：从建议到销案 — cases and notices: from advice to its end",
		Long: `每条已确认的建议立一个案卷，按处置流程推进：核实、拟稿、签发、签收、答复、备份、冻结、实施、
核实、归档。谁能做、要什么、哪个期限起算，都由流程文件规定（notice workflow 查看）。
每一步之前都与最近一次审计核对：资源不在了、改了规格、又有人用，案卷自动撤销并写明所见。

Each piece of advice that is ready becomes a case, which moves by a workflow: confirmed, drafted,
issued, received, answered, backed up, frozen, executed, verified, closed. Who may do what, what
it needs and which deadline starts is written in the workflow (see notice workflow). Before every
step the case is held against the latest audit: where the resource is gone, resized or alive
again it is withdrawn, and says what was seen.`,
		Example: `  yunjian notice sync --config yunjian.yaml
  yunjian notice list --config yunjian.yaml --state detected
  yunjian notice show 3f2a91c4 --config yunjian.yaml --role dept --department 示例市财政局
  yunjian notice step confirm 3f2a91c4 --config yunjian.yaml --role cloudadmin --by zhang`,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNoticeSync(), newNoticeList(), newNoticeShow(), newNoticeStep(), newNoticeDraft(), newNoticeIssue(), newNoticeCorrect(), newNoticePrint(), newNoticeAcknowledge(), newNoticeVerify(), newNoticeRemind(), newNoticeWorkflow())
	return cmd
}

// loadWorkflow reads the workflow that the configuration names.
func loadWorkflow(cfg config.Config) (notice.Workflow, error) {
	if path := cfg.Policies.WorkflowFile; path != "" {
		text, err := readInput(path, notice.MaxWorkflowBytes)
		if err != nil {
			return notice.Workflow{}, usage(fmt.Errorf("read workflow: %w", err))
		}
		w, err := notice.ParseWorkflow(path, text)
		return w, usage(err)
	}
	w, ok := notice.WorkflowByID(cfg.Policies.Workflow)
	if !ok {
		return w, usage(fmt.Errorf("policies.workflow %q: want one of %s, or a file of your own as workflow_file", cfg.Policies.Workflow, workflowIDs()))
	}
	return w, nil
}

func workflowIDs() string {
	var ids []string
	for _, w := range notice.Workflows() {
		ids = append(ids, w.ID)
	}
	return strings.Join(ids, ", ")
}

// desk is an open data folder with what it takes to move cases.
type desk struct {
	cfg  config.Config
	data *pipeline.Data
	o    pipeline.CaseOptions
}

func (d desk) Close() { _ = d.data.Close() }

func (d desk) view(cases ...notice.Case) report.Cases {
	return report.Cases{Workflow: d.o.Workflow, Cases: cases, Location: d.cfg.Location}
}

// openDesk opens what --config names.
func openDesk(cmd *cobra.Command, path string, now time.Time) (desk, error) {
	cfg, err := loadConfig(cmd, path)
	if err != nil {
		return desk{}, err
	}
	o, err := caseOptions(cfg, orClock(now))
	if err != nil {
		return desk{}, err
	}
	data, err := openPresent(cmd.Context(), cfg)
	if err != nil {
		return desk{}, err
	}
	return desk{cfg, data, o}, nil
}

// caseOptions are the rules by which the configuration says that cases move.
func caseOptions(cfg config.Config, now time.Time) (pipeline.CaseOptions, error) {
	w, err := loadWorkflow(cfg)
	if err != nil {
		return pipeline.CaseOptions{}, err
	}
	days, err := loadCalendar(cfg)
	return pipeline.CaseOptions{Workflow: w, Calendar: days, Now: now.In(cfg.Location)}, usage(err)
}

// actorFlags add who acts: on the command line whoever may write the data folder says so.
func actorFlags(cmd *cobra.Command, by *notice.Actor) {
	cmd.Flags().StringVar(&by.ID, "by", "", "谁；缺省为操作系统的用户 | who acts; default: the user of the operating system")
	cmd.Flags().StringVar((*string)(&by.Role), "role", string(notice.Cloudadmin), "以什么角色 | in which role: cloudadmin, supervisor, finance, dept, …")
	cmd.Flags().StringVar(&by.Department, "department", "", "角色为 dept 时所属单位 | the department of the role dept")
}

// checkActor checks --by, --role and --department.
func checkActor(cmd *cobra.Command, by *notice.Actor) error {
	if !cmd.Flags().Changed("by") {
		by.ID = operatorOf(cmd.Context())
	}
	roles := slices.DeleteFunc(notice.Roles(), func(r notice.Role) bool { return r == notice.System })
	switch {
	case !slices.Contains(roles, by.Role):
		return usage(fmt.Errorf("--role %q: want one of %v", by.Role, roles))
	case strings.TrimSpace(by.ID) == "":
		return usage(errors.New("--by: want who acts"))
	case by.Role == notice.Dept && by.Department == "":
		return usage(errors.New("--role dept wants --department, whose cases alone it sees"))
	}
	return nil
}

func newNoticeSync() *cobra.Command {
	var path string
	var now time.Time
	cmd := &cobra.Command{
		Use:   "sync --config FILE [--now TIME]",
		Short: "立案、到期、撤销：与最近一次审计对齐 — open, time and withdraw cases by the latest audit",
		Long: `按最近一次审计为已确认的建议立案，让到期的期限生效，撤销不再成立的案卷。守护进程在每次审计后
自动做；重复运行无害。

Opens a case for each piece of advice that is ready, lets deadlines pass that are over, and
withdraws what no longer stands. The daemon does it after every audit; again is harmless.`,
		Example: `  yunjian notice sync --config yunjian.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			got, err := d.data.SyncCases(cmd.Context(), d.o)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), syncedLine(got))
			return d.tell(cmd)
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	return cmd
}

func syncedLine(s pipeline.Synced) string {
	line := fmt.Sprintf("立案 opened %d，推进 moved %d，撤销 withdrawn %d", len(s.Opened), len(s.Moved), len(s.Withdrawn))
	if s.Ownerless > 0 {
		line += fmt.Sprintf("；无归属未立案 without an owner %d（yunjian owner queue）", s.Ownerless)
	}
	return line
}

func newNoticeList() *cobra.Command {
	var path, state, department, format, lang string
	var all bool
	cmd := &cobra.Command{
		Use:     "list --config FILE [--state STATE] [--department NAME] [--all] [--format text|json] [--lang zh|en]",
		Short:   "案卷列表，最近到期的在前 — cases, the most urgent first",
		Example: `  yunjian notice list --config yunjian.yaml --state detected`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := checkOutput(format, lang)
			if err != nil {
				return err
			}
			d, err := openDesk(cmd, path, time.Time{})
			if err != nil {
				return err
			}
			defer d.Close()
			if _, ok := d.o.Workflow.State(notice.State(state)); state != "" && !ok {
				var ids []notice.State
				for _, s := range d.o.Workflow.States {
					ids = append(ids, s.ID)
				}
				return usage(fmt.Errorf("--state %q: want one of %v", state, ids))
			}
			cases, err := d.data.State.Cases()
			if err != nil {
				return err
			}
			cases = slices.DeleteFunc(cases, func(c notice.Case) bool {
				info, _ := d.o.Workflow.State(c.State)
				return state != "" && c.State != notice.State(state) || department != "" && c.Department != department || state == "" && !all && info.Final
			})
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), append([]notice.Case{}, cases...))
			}
			return report.WriteCases(cmd.OutOrStdout(), d.view(cases...), langOr(l, d.cfg))
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&state, "state", "", "只列这个状态 | of this state only")
	cmd.Flags().StringVar(&department, "department", "", "只列这个单位 | of this department only")
	cmd.Flags().BoolVar(&all, "all", false, "已结案的也列 | those that have ended, too")
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	return cmd
}

// findCase finds one by its id, or by as much of its beginning as is nobody else's.
func findCase(cases []notice.Case, id string) (notice.Case, error) {
	var found []notice.Case
	for _, c := range cases {
		if c.ID == id {
			return c, nil
		}
		if len(id) >= 4 && strings.HasPrefix(c.ID, id) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return notice.Case{}, fmt.Errorf("no case %s: see `yunjian notice list --all`", id)
	}
	return notice.Case{}, fmt.Errorf("%d cases begin with %s: write more of the id", len(found), id)
}

func newNoticeShow() *cobra.Command {
	var path, format, lang string
	var by notice.Actor
	cmd := &cobra.Command{
		Use:   "show CASE --config FILE [--role ROLE --department NAME] [--format text|json] [--lang zh|en]",
		Short: "一个案卷：依据、期限、清单、经过、现在能做什么 — one case: what it stands on, deadlines, checklist, what happened, what may be done",
		Example: `  yunjian notice show 3f2a91c4 --config yunjian.yaml
  yunjian notice show 3f2a91c4 --config yunjian.yaml --role dept --department 示例市财政局`,
		Args: oneArg("a case, or the beginning of its id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := checkOutput(format, lang)
			if err != nil {
				return err
			}
			if err := checkActor(cmd, &by); err != nil {
				return err
			}
			d, err := openDesk(cmd, path, time.Time{})
			if err != nil {
				return err
			}
			defer d.Close()
			cases, err := d.data.State.Cases()
			if err != nil {
				return err
			}
			cases = visible(cases, by)
			c, err := findCase(cases, args[0])
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), c)
			}
			return report.WriteCase(cmd.OutOrStdout(), d.view(), c, by, langOr(l, d.cfg))
		},
	}
	configFlag(cmd, &path)
	actorFlags(cmd, &by)
	cmd.Flags().StringVar(&format, "format", "text", "输出格式 | form of the output: text, json")
	choices(cmd, "format", "text", "json")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	return cmd
}

// visible leaves a department its own cases: of others it is not even told that they are.
func visible(cases []notice.Case, by notice.Actor) []notice.Case {
	if by.Role != notice.Dept {
		return cases
	}
	return slices.DeleteFunc(cases, func(c notice.Case) bool { return c.Department != by.Department })
}

// stepFlags are what an event may carry.
type stepFlags struct {
	reason, note, target, planned, expires, document string
	evidence, items                                  []string
}

func newNoticeStep() *cobra.Command {
	var path string
	var now time.Time
	var by notice.Actor
	var f stepFlags
	cmd := &cobra.Command{
		Use:   "step EVENT CASE... --config FILE --role ROLE [--by NAME] [--department NAME] [--reason …] [--note …] [--evidence …] …",
		Short: "推进案卷一步 — make one step in cases",
		Long: `对一个或几个案卷做同一件事；要么都做，要么都不做。能做什么、要带什么，见 notice show。
--evidence 写文件路径时，文件（PDF、JPEG、PNG，至多 10 MiB）按内容存入数据目录；否则作为文号或名称记下。
--item 登记清单事项，写成 事项=负责人=凭据。

Makes the same step in one case or in several, all or none. What may be done and what it needs:
notice show. --evidence that names a file keeps it by its content (PDF, JPEG, PNG, at most 10 MiB);
anything else is noted as a number or a title. --item records a thing of the checklist, as
ITEM=OWNER=EVIDENCE.`,
		Example: `  yunjian notice step confirm 3f2a91c4 77d0 --config yunjian.yaml --role cloudadmin --by zhang
  yunjian notice step issue 3f2a91c4 --config yunjian.yaml --role supervisor --by li --document "浙财云通〔2026〕12号"
  yunjian notice step agree 3f2a91c4 --config yunjian.yaml --role dept --department 示例市财政局 --by wang --planned 2026-12-10
  yunjian notice step object 3f2a91c4 --config yunjian.yaml --role dept --department 示例市财政局 --reason in_use --evidence scan.pdf`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage(errors.New("want an event, such as confirm, and at least one case"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkActor(cmd, &by); err != nil {
				return err
			}
			event := notice.Event{Name: args[0], By: by, Reason: f.reason, Note: f.note, Planned: f.planned, Expires: f.expires, Document: f.document}
			var err error
			if event.Target, err = parseTarget(f.target); err != nil {
				return usage(err)
			}
			if event.Items, err = parseItems(f.items); err != nil {
				return usage(err)
			}
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			if !slices.ContainsFunc(d.o.Workflow.Transitions, func(t notice.Transition) bool { return t.Event == event.Name }) {
				return usage(fmt.Errorf("the workflow %s knows no event %q: want one of %s", d.o.Workflow.Ref(), event.Name, eventsOf(d.o.Workflow)))
			}
			cases, err := d.data.State.Cases()
			if err != nil {
				return err
			}
			cases = visible(cases, by)
			var ids []string
			for _, arg := range args[1:] {
				c, err := findCase(cases, arg)
				if err != nil {
					return err
				}
				if !slices.Contains(ids, c.ID) {
					ids = append(ids, c.ID)
				}
			}
			if event.Evidence, err = keepEvidence(cmd.Context(), d.data.State, f.evidence); err != nil {
				return err
			}
			event.At = d.o.Now
			stepped, taken, err := d.data.StepCases(cmd.Context(), d.o, ids, event)
			if err != nil {
				return fmt.Errorf("nothing was changed: %w", err)
			}
			l := report.Lang(d.cfg.Lang)
			if len(stepped) > 0 {
				if err := report.WriteCases(cmd.OutOrStdout(), d.view(stepped...), l); err != nil {
					return err
				}
			}
			for _, c := range taken {
				fmt.Fprintf(cmd.OutOrStdout(), "案卷 %s 已撤销：%s 不再成立（notice show %s） | withdrawn: it no longer stands\n", c.ID[:8], cmp.Or(c.Cited.Recommendation.Name, c.ResourceID), c.ID[:8])
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	actorFlags(cmd, &by)
	cmd.Flags().StringVar(&f.reason, "reason", "", "理由，取自流程所列 | one of the reasons that the workflow lists")
	cmd.Flags().StringVar(&f.note, "note", "", "说明 | a note")
	cmd.Flags().StringArrayVar(&f.evidence, "evidence", nil, "证明：文件，或文号、名称；可多次 | a file, or a number or title; repeatable")
	cmd.Flags().StringVar(&f.target, "target", "", "规格，如 4C16G 或 200G（云盘） | a size, such as 4C16G, or 200G of a disk")
	cmd.Flags().StringVar(&f.planned, "planned", "", "拟实施日期 | the day on which it is to be done")
	cmd.Flags().StringVar(&f.expires, "expires", "", "豁免的最后一天，至多 180 天 | last day of an exemption, at most 180 days ahead")
	cmd.Flags().StringVar(&f.document, "document", "", "文号 | document number")
	cmd.Flags().StringArrayVar(&f.items, "item", nil, "清单事项=负责人=凭据；可多次 | ITEM=OWNER=EVIDENCE of the checklist; repeatable")
	return cmd
}

func eventsOf(w notice.Workflow) string {
	var out []string
	for _, t := range w.Transitions {
		if !slices.Contains(out, t.Event) {
			out = append(out, t.Event)
		}
	}
	return strings.Join(out, ", ")
}

func parseTarget(text string) (*recommender.Spec, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // none was given
	}
	s, ok := registry.ParseSize(text)
	if !ok {
		return nil, fmt.Errorf("--target %q: want a size such as 4C16G, or 200G of a disk", text)
	}
	return &s, nil
}

func parseItems(texts []string) ([]notice.Item, error) {
	var out []notice.Item
	for _, t := range texts {
		parts := strings.SplitN(t, "=", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("--item %q: want ITEM=OWNER=EVIDENCE, such as backup=张三=备份单123", t)
		}
		out = append(out, notice.Item{ID: parts[0], Owner: parts[1], Evidence: parts[2]})
	}
	return out, nil
}

// keepEvidence keeps what names a file by its content, and notes the rest.
func keepEvidence(ctx context.Context, s *store.Store, names []string) ([]notice.Evidence, error) {
	var out []notice.Evidence
	for _, n := range names {
		if !filesOf(ctx).IsFile(n) {
			if looksLikeFile(n) {
				return nil, usage(fmt.Errorf("--evidence %q: there is no such file", n))
			}
			out = append(out, notice.Evidence{Name: n})
			continue
		}
		text, err := filesOf(ctx).ReadFile(n, store.MaxAttachment)
		if err != nil {
			return nil, fmt.Errorf("--evidence %s: %w", n, err)
		}
		sum, err := s.PutAttachment(text, journal.Object{}, journal.New(ctx, time.Now(), journal.DocumentKept, journal.Object{Type: "document", ID: filepath.Base(n)}))
		if err != nil {
			return nil, usage(fmt.Errorf("--evidence %s: %w", n, err))
		}
		out = append(out, notice.Evidence{Name: filepath.Base(n), SHA256: sum})
	}
	return out, nil
}

// looksLikeFile tells a path that was mistyped from a document number.
func looksLikeFile(name string) bool {
	return strings.ContainsRune(name, os.PathSeparator) || slices.Contains([]string{".pdf", ".jpg", ".jpeg", ".png"}, strings.ToLower(filepath.Ext(name)))
}

func newNoticeRemind() *cobra.Command {
	var path, lang string
	var now time.Time
	var dry bool
	cmd := &cobra.Command{
		Use:   "remind --config FILE [--dry-run] [--now TIME] [--lang zh|en]",
		Short: "今天该提醒谁、什么，并列入待发 — whom to remind of what today, and put it into the outbox",
		Long: `列出今天的到期提醒；配置了 channels 时，把提醒、新通知、督办等该告知的列入待发，记入案卷，由守护进程
发出。守护进程按 schedules.remind 与每次审计后自动做；重复运行无害，同一案卷一天至多提醒一次。
没有地址的人列出，有了地址再告知。如何配置见 docs/how-to/send-notices.md。

Lists the reminders of today. With channels configured it puts reminders, new notices, escalation and
whatever else is to be told into the outbox, notes that in the cases, and the daemon sends it. The
daemon does it on schedules.remind and after every audit; again is harmless: a case is reminded of
once a day at most. Whoever has no address is listed, and told once there is one. How to configure it:
docs/how-to/send-notices.md.`,
		Example: `  yunjian notice remind --config yunjian.yaml
  yunjian notice remind --config yunjian.yaml --dry-run`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := checkOutput("text", lang)
			if err != nil {
				return err
			}
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			cases, err := d.data.State.Cases()
			if err != nil {
				return err
			}
			err = report.WriteReminders(cmd.OutOrStdout(), d.view(), notice.Reminders(cases, d.o.Now, d.o.Calendar), langOr(l, d.cfg))
			if err != nil || dry {
				return err
			}
			return d.tell(cmd)
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "只列出，不告知任何人 | list alone, tell nobody")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	return cmd
}

// tell puts into the outbox what people are to be told, where there are channels.
func (d desk) tell(cmd *cobra.Command) error {
	if len(d.cfg.Channels) == 0 {
		if cmd.Name() != "sync" { // which is for the cases; who issues or reminds means to tell somebody
			fmt.Fprintln(cmd.OutOrStdout(), "没有配置渠道 channels，没有告知任何人 | no channels are configured: nobody was told")
		}
		return nil
	}
	o, err := tellOptions(d.cfg, d.o.Now)
	if err != nil {
		return err
	}
	told, err := d.data.Tell(cmd.Context(), o)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), toldLine(told))
	for _, u := range told.Unreached {
		fmt.Fprintln(cmd.OutOrStdout(), "  "+unreachedLine(u))
	}
	return nil
}

func newNoticeWorkflow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workflow [ID]",
		Short: "内置处置流程；写 ID 时输出其 YAML，供复制修改 — the shipped workflows; with an ID its YAML, to be copied",
		Example: `  yunjian notice workflow
  yunjian notice workflow cn-gov-baseline > workflow.yaml   # policies.workflow_file`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(errors.New("want at most one workflow"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				text, ok := notice.WorkflowYAML(args[0])
				if !ok {
					return usage(fmt.Errorf("no workflow %q: want one of %s", args[0], workflowIDs()))
				}
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			for _, w := range notice.Workflows() {
				fmt.Fprintf(cmd.OutOrStdout(), "%-16s %s | %s\n", w.ID, w.Name.ZH, w.Name.EN)
				fmt.Fprintf(cmd.OutOrStdout(), "%-16s %s；%d 状态 states，%d 步骤 transitions，sha256 %s\n", "", w.Source.String(), len(w.States), len(w.Transitions), w.SHA256)
			}
			return nil
		},
	}
	return cmd
}
