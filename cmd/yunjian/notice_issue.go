package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"yunjian/internal/registry"
	"yunjian/internal/report"
	"yunjian/notice"
)

// draftFlags are what people say of a notice.
type draftFlags struct {
	prefix, title, issuer, signer string
	number                        int
	cc, clauses, contacts         []string
	mask                          bool
}

func (f *draftFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.title, "title", "", "标题，默认按处置要求 | title; default: by what is demanded")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "发文单位 | who issues it, as an office")
	cmd.Flags().StringVar(&f.signer, "signer", "", "签发人姓名 | name of the signer")
	cmd.Flags().StringArrayVar(&f.cc, "cc", nil, "抄送，可多次 | copies to; repeatable")
	cmd.Flags().StringArrayVar(&f.clauses, "clause", nil, "依据的文件条款，可多次 | documents and articles that it stands on; repeatable")
	cmd.Flags().StringArrayVar(&f.contacts, "contact", nil, "联系人:电话，可多次 | NAME:PHONE; repeatable")
	cmd.Flags().BoolVar(&f.mask, "mask", false, "附件中隐去 IP 的末段 | hide the last part of addresses")
}

func (f *draftFlags) addNumber(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "文号的机关代字，如 浙财云通 | prefix of the document number")
	cmd.Flags().IntVar(&f.number, "number", 0, "序号，默认取本年下一号 | running number; default: the next of the year")
}

func (f *draftFlags) draft(d desk) (notice.Draft, error) {
	pack, err := loadPack(d.cfg)
	if err != nil {
		return notice.Draft{}, err
	}
	out := notice.Draft{
		Number: notice.DocumentNumber{Prefix: f.prefix, Year: d.o.Now.Year(), Number: f.number}, Title: f.title, CC: f.cc, Issuer: f.issuer, Signer: f.signer, Clauses: f.clauses, Policy: pack, Mask: f.mask,
	}
	for _, c := range f.contacts {
		who, phone, ok := strings.Cut(c, ":")
		if !ok {
			return out, usage(fmt.Errorf("--contact %q: want NAME:PHONE", c))
		}
		out.Contacts = append(out.Contacts, notice.Contact{Name: who, Phone: phone})
	}
	return out, nil
}

func newNoticeIssue() *cobra.Command {
	var path string
	var f draftFlags
	var now time.Time
	var all bool
	by := notice.Actor{}
	cmd := &cobra.Command{
		Use:   "issue --config FILE (--department NAME | --all) --prefix 浙财云通 --issuer NAME --signer NAME --contact NAME:PHONE [--number N] …",
		Short: "签发一个单位或全部单位的通知书，各含其全部已拟稿案卷 — issue the notice of a department, or of each, over all cases that are drafted",
		Long: `把一个单位全部已拟稿的案卷签发为一份通知书，编文号，起算签收与回执期限。不再成立的案卷先撤销，不列入。
--all 依次签发有已拟稿案卷的全部单位，各一份，连续编号；一个单位签发不成，不影响其余。
签发后不能改；要更正，用 notice correct 出新的一版。预览用 notice draft，打印用 notice print。

Issues all cases of a department that are drafted as one notice, numbers it, and starts the terms to
receive and to answer. What no longer stands is withdrawn and left out. --all does so for every
department that has such cases, one after the other and numbered in this order; one that cannot be
issued does not keep the others. A notice cannot be edited: notice correct makes a new version. notice draft shows it before; notice print prints it.`,
		Example: `  yunjian notice issue --config yunjian.yaml --department 示例市财政局 --prefix 浙财云通 --issuer 示例省财政厅 --signer 李四 --contact 张三:0571-00000000 --by li
  yunjian notice issue --config yunjian.yaml --all --prefix 浙财云通 --issuer 示例省财政厅 --signer 李四 --contact 张三:0571-00000000 --by li`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by.Role = notice.Supervisor
			department := by.Department
			switch {
			case all && (department != "" || f.number != 0):
				return usage(errors.New("--all excludes --department and --number: each department gets the next number"))
			case !all && department == "" || f.prefix == "" || f.issuer == "" || f.signer == "" || len(f.contacts) == 0:
				return usage(errors.New("want --department or --all, --prefix of the document number, --issuer, --signer and at least one --contact NAME:PHONE"))
			case strings.TrimSpace(by.ID) == "":
				return usage(errors.New("--by: want who issues it"))
			}
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			draft, err := f.draft(d)
			if err != nil {
				return err
			}
			by.Department = ""
			if all {
				return issueAll(cmd, d, draft, by)
			}
			n, taken, err := d.data.IssueNotice(cmd.Context(), d.o, draft, department, by)
			if err != nil {
				return fmt.Errorf("nothing was issued: %w", err)
			}
			if err := printIssued(cmd, n, taken); err != nil {
				return err
			}
			return d.tell(cmd)
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().StringVar(&by.Department, "department", "", "主送单位 | to which department")
	cmd.Flags().BoolVar(&all, "all", false, "有已拟稿案卷的全部单位，各一份 | every department that has drafted cases, one each")
	cmd.Flags().StringVar(&by.ID, "by", "", "签发人账号，不能是拟稿人 | who issues it; not who drafted")
	f.addNumber(cmd)
	f.add(cmd)
	return cmd
}

// issueAll issues to every department, and says at the end how many it could not.
func issueAll(cmd *cobra.Command, d desk, draft notice.Draft, by notice.Actor) error {
	issued, failed := 0, 0
	var wrong error
	err := d.data.IssueAll(cmd.Context(), d.o, draft, by, func(department string, n notice.Notice, taken []notice.Case, err error) {
		if err != nil {
			failed++
			fmt.Fprintf(cmd.OutOrStdout(), "未签发 not issued %s：%s\n", department, err)
			return
		}
		issued++
		wrong = errors.Join(wrong, printIssued(cmd, n, taken))
	})
	fmt.Fprintf(cmd.OutOrStdout(), "已签发 issued %d，未签发 not issued %d\n", issued, failed)
	if err = errors.Join(err, wrong, d.tell(cmd)); err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d departments got no notice: see above", failed, issued+failed)
	}
	return err
}

func printIssued(cmd *cobra.Command, n notice.Notice, taken []notice.Case) error {
	code, err := n.Code()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "已签发 issued %s：%s，%d 项 lines，回执期限 answer by %s，校验码 code %s\n", n.Number, n.Department, len(n.Lines), n.Feedback.Due, code.Short)
	for _, c := range taken {
		fmt.Fprintf(cmd.OutOrStdout(), "  已撤销未列入 withdrawn, left out: %s %s\n", c.ID[:8], cmp.Or(c.Cited.Recommendation.Name, c.ResourceID))
	}
	return nil
}

func newNoticeDraft() *cobra.Command {
	var path, department, lang string
	var f draftFlags
	var now time.Time
	cmd := &cobra.Command{
		Use:     "draft --config FILE --department NAME --prefix 浙财云通 --issuer NAME --signer NAME --contact NAME:PHONE [--number N] …",
		Short:   "预览一个单位的通知书，不保存 — a notice as it would be issued, of which nothing is kept",
		Example: `  yunjian notice draft --config yunjian.yaml --department 示例市财政局 --prefix 浙财云通 --issuer 示例省财政厅 --signer 李四 --contact 张三:0571-00000000`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := checkOutput("text", lang)
			if err != nil {
				return err
			}
			if department == "" || f.prefix == "" || f.issuer == "" || f.signer == "" || len(f.contacts) == 0 {
				return usage(errors.New("want --department, --prefix of the document number, --issuer, --signer and at least one --contact NAME:PHONE"))
			}
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			draft, err := f.draft(d)
			if err != nil {
				return err
			}
			n, _, err := d.data.DraftNotice(d.o, draft, department)
			if err != nil {
				return err
			}
			return report.WriteNotice(cmd.OutOrStdout(), n, d.o.Workflow, d.cfg.Location, report.Text, langOr(l, d.cfg))
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().StringVar(&department, "department", "", "主送单位 | to which department")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	f.addNumber(cmd)
	f.add(cmd)
	return cmd
}

func newNoticeCorrect() *cobra.Command {
	var path, why string
	var f draftFlags
	var now time.Time
	by := notice.Actor{Role: notice.Supervisor}
	cmd := &cobra.Command{
		Use:   "correct NUMBER --config FILE --why TEXT --issuer NAME --signer NAME --contact NAME:PHONE --by NAME …",
		Short: "更正通知书：同一文号出新的一版 — correct a notice by its next version, under the same number",
		Long: `以新的一版取代已签发的通知书：文号、单位与回执期限不变，列入其中尚未结案的案卷；旧版的答复链接随之失效。

The next version takes the place of the one before: number, department and the term to answer stay,
and those of its cases that have not ended are in it. Links to answer the version before end.`,
		Example: `  yunjian notice correct 浙财云通〔2026〕12号 --config yunjian.yaml --why 联系人有误 --issuer 示例省财政厅 --signer 李四 --contact 王五:0571-00000001 --by li`,
		Args:    oneArg("a document number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.issuer == "" || f.signer == "" || len(f.contacts) == 0 || strings.TrimSpace(why) == "":
				return usage(errors.New("want --why, --issuer, --signer and at least one --contact NAME:PHONE"))
			case strings.TrimSpace(by.ID) == "":
				return usage(errors.New("--by: want who issues it"))
			}
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			if _, err := d.notice(args[0]); err != nil {
				return err
			}
			draft, err := f.draft(d)
			if err != nil {
				return err
			}
			n, err := d.data.CorrectNotice(cmd.Context(), d.o, args[0], draft, why, by)
			if err != nil {
				return fmt.Errorf("nothing was issued: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "第 %d 版 version %d\n", n.Version, n.Version)
			return printIssued(cmd, n, nil)
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().StringVar(&why, "why", "", "为何更正 | why")
	cmd.Flags().StringVar(&by.ID, "by", "", "签发人账号 | who issues it")
	f.add(cmd)
	return cmd
}

func newNoticePrint() *cobra.Command {
	var path, format, lang, output string
	cmd := &cobra.Command{
		Use:   "print NUMBER --config FILE [--format html|text] [--lang zh|en] [--output FILE]",
		Short: "打印通知书（A4 公文版式），附清单与校验码 — print a notice, A4, with its table and verification code",
		Example: `  yunjian notice print 浙财云通〔2026〕12号 --config yunjian.yaml --output notice.html
  yunjian notice print 浙财云通〔2026〕12号 --config yunjian.yaml --format text`,
		Args: oneArg("a document number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := report.ParseFormat(format)
			if err != nil || f != report.HTML && f != report.Text {
				return usage(fmt.Errorf("--format %q: want html or text", format))
			}
			l, err := checkOutput("text", lang)
			if err != nil {
				return err
			}
			d, err := openDesk(cmd, path, time.Time{})
			if err != nil {
				return err
			}
			defer d.Close()
			n, err := d.notice(args[0])
			if err != nil {
				return err
			}
			write := func(w io.Writer) error {
				return report.WriteNotice(w, n, d.o.Workflow, d.cfg.Location, f, langOr(l, d.cfg))
			}
			if output == "" {
				return write(cmd.OutOrStdout())
			}
			var b bytes.Buffer
			if err := write(&b); err != nil {
				return err
			}
			return filesOf(cmd.Context()).WriteFile(output, b.Bytes())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&format, "format", "html", "输出格式 | form of the output: html, text")
	choices(cmd, "format", "html", "text")
	cmd.Flags().StringVar(&lang, "lang", "", "语言，默认取配置的 lang | language: zh, en; default: lang of the configuration")
	choices(cmd, "lang", "zh", "en")
	cmd.Flags().StringVar(&output, "output", "", "写入该文件，已有则覆盖；默认标准输出 | write to this file, in place of one that is there; default: standard output")
	return cmd
}

// notice finds the version in force of the notice of a number.
func (d desk) notice(number string) (notice.Notice, error) {
	all, err := d.data.State.Versions(number)
	if err != nil {
		return notice.Notice{}, err
	}
	if len(all) > 0 {
		return all[len(all)-1], nil
	}
	known, err := d.data.State.Numbers()
	if err != nil {
		return notice.Notice{}, err
	}
	return notice.Notice{}, fmt.Errorf("there is no notice %s; issued are: %s", number, cmp.Or(strings.Join(known, ", "), "none"))
}

func newNoticeVerify() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "verify NUMBER CODE --config FILE",
		Short: "核对纸质通知书的校验码 — hold the code on paper against the file",
		Long: `核对打印件上的校验码（短码或完整的 SHA-256）：与存档一致才是原文。大小写、空格与连字符不计。

Holds the code of a printed notice, the short one or the whole SHA-256, against what is stored: only
where they agree is it the text that was issued. Case, blanks and hyphens do not matter.`,
		Example: `  yunjian notice verify 浙财云通〔2026〕12号 3F7K-9Q2M-T5WB-X8ZC --config yunjian.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage(errors.New("want a document number and the code that is printed on it"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openDesk(cmd, path, time.Time{})
			if err != nil {
				return err
			}
			defer d.Close()
			all, err := d.data.State.Notices()
			if err != nil {
				return err
			}
			latest, err := d.notice(args[0])
			if err != nil {
				return err
			}
			for _, n := range all {
				if n.Number != args[0] || notice.Verify(n, args[1]) != nil {
					continue
				}
				if n.Version < latest.Version {
					return fmt.Errorf("that is version %d of %s, which version %d replaced", n.Version, n.Number, latest.Version)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "相符 genuine：%s，%s，第 %d 版 version，%d 项 lines，签发 issued %s\n", n.Number, n.Department, n.Version, len(n.Lines), n.Signed)
				return nil
			}
			return fmt.Errorf("不符：这不是 %s 的原文 | not genuine: %w", args[0], notice.ErrNotThis)
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func newNoticeAcknowledge() *cobra.Command {
	var path, answers, planned, scan, received string
	var now time.Time
	var all bool
	var a notice.Acknowledgement
	by := notice.Actor{Role: notice.Dept}
	cmd := &cobra.Command{
		Use:   "acknowledge NUMBER --config FILE --department NAME (--answers FILE | --agree --planned DATE) --by NAME --received-by NAME --confirmed-by NAME --handler NAME --phone PHONE [--scan FILE]",
		Short: "提交回执：逐项意见 — answer a notice, line by line",
		Long: `以使用单位的身份提交回执。逐项意见写在表里（CSV、XLSX），或用 --agree 全部同意。提交后不能改；更正再提交一次，成为新的一版。

  列：案卷*、意见*（同意释放|同意降配|同意停机|调整规格|申请豁免|异议）、理由、说明、证明、规格、
      拟实施日期、变更窗口、豁免到期、数据清除要求
  理由照通知书所列填写，如 仍在使用；日期写作 2026-12-20。

Answers a notice for its department: each line in a table (CSV, XLSX), or --agree to all. It cannot be
edited; a correction is submitted again, and is another version. Grounds are written as the notice
lists them, such as "still in use", or by their ids; days as 2026-12-20.`,
		Example: `  yunjian notice acknowledge 浙财云通〔2026〕12号 --config yunjian.yaml --department 示例市财政局 --answers answers.xlsx --by wang --received-by wang --confirmed-by 李局 --handler 王科 --phone 0571-00000000 --scan scan.pdf`,
		Args:    oneArg("a document number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case by.Department == "" || by.ID == "":
				return usage(errors.New("want --department and --by: who answers, and for whom"))
			case (answers == "") == !all:
				return usage(errors.New("want either --answers FILE or --agree"))
			}
			d, err := openDesk(cmd, path, now)
			if err != nil {
				return err
			}
			defer d.Close()
			n, err := d.notice(args[0])
			if err != nil || n.Department != by.Department {
				return fmt.Errorf("there is no notice %s to %s", args[0], by.Department)
			}
			if a.Lines, err = answerLines(cmd, d, n, answers, planned); err != nil {
				return err
			}
			if scan != "" {
				kept, err := keepEvidence(cmd.Context(), d.data.State, []string{scan})
				if err != nil {
					return err
				}
				a.Scan = &kept[0]
			}
			if a.ReceivedAt = d.o.Now; received != "" {
				if a.ReceivedAt, err = time.ParseInLocation(time.DateOnly, received, d.cfg.Location); err != nil {
					return usage(fmt.Errorf("--received %q: want a day such as 2026-11-25", received))
				}
			}
			got, err := d.data.AnswerNotice(cmd.Context(), d.o, args[0], a, by)
			if err != nil {
				return fmt.Errorf("nothing was submitted: %w", err)
			}
			code, err := got.Code()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "回执已提交 submitted %s：第 %d 版 version，%d 项 lines，其中变更 changed %d，校验码 code %s\n", got.Number, got.Version, len(got.Lines), len(got.Changed), code.Short)
			return nil
		},
	}
	configFlag(cmd, &path)
	nowFlag(cmd, &now)
	cmd.Flags().StringVar(&by.Department, "department", "", "单位 | department")
	cmd.Flags().StringVar(&by.ID, "by", "", "谁提交 | who submits it")
	cmd.Flags().StringVar(&answers, "answers", "", "逐项意见的表（CSV、XLSX） | table of the answers")
	cmd.Flags().BoolVar(&all, "agree", false, "全部同意 | agree to all lines")
	cmd.Flags().StringVar(&planned, "planned", "", "全部同意时的拟实施日期 | with --agree: the day on which it may be done")
	cmd.Flags().StringVar(&received, "received", "", "签收日期，默认今天 | the day of receipt; default: today")
	cmd.Flags().StringVar(&a.ReceivedBy, "received-by", "", "签收人 | who received it")
	cmd.Flags().StringVar(&a.ConfirmedBy, "confirmed-by", "", "单位负责人 | head of the department")
	cmd.Flags().StringVar(&a.Handler, "handler", "", "经办人 | who deals with it")
	cmd.Flags().StringVar(&a.Phone, "phone", "", "经办人电话 | telephone of the handler")
	cmd.Flags().StringVar(&scan, "scan", "", "盖章扫描件（PDF、JPEG、PNG） | the stamped scan")
	return cmd
}

// answerLines reads the answers, or agrees to every line. Cases may be named by the
// beginning of their ids, as the notice prints them.
func answerLines(cmd *cobra.Command, d desk, n notice.Notice, file, planned string) ([]notice.AnswerLine, error) {
	if file == "" {
		return n.AgreeToAll(planned), nil
	}
	lines, notes, err := registry.ReadAnswers(tablesOf(cmd.Context()), file)
	if err != nil {
		return nil, fmt.Errorf("nothing was submitted: %w", err)
	}
	for _, note := range notes {
		fmt.Fprintf(cmd.OutOrStdout(), "注意 note: %s\n", note)
	}
	for i, l := range lines {
		lines[i].Reason = d.o.Workflow.Ground(l.Answer, l.Reason)
		for _, of := range n.Lines {
			if len(l.CaseID) >= 4 && strings.HasPrefix(of.CaseID, l.CaseID) {
				lines[i].CaseID = of.CaseID
			}
		}
	}
	return lines, nil
}
