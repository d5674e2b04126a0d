package api

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/notice"
	"yunjian/recommender"
)

// DraftBody is what people say of a notice; the rest follows from its cases.
type DraftBody struct {
	Title    string           `json:"title,omitempty" maxLength:"200" doc:"默认按处置要求 | default: by what is demanded"`
	CC       []string         `json:"cc,omitempty" maxItems:"50"`
	Issuer   string           `json:"issuer" minLength:"1" maxLength:"200"`
	Signer   string           `json:"signer" minLength:"1" maxLength:"200"`
	Clauses  []string         `json:"clauses,omitempty" maxItems:"50"`
	Contacts []notice.Contact `json:"contacts" minItems:"1" maxItems:"20"`
	Mask     bool             `json:"mask,omitempty" doc:"附件中隐去 IP 的末段 | hide the last part of addresses"`
}

// IssueBody is a notice to be issued, to one department.
type IssueBody struct {
	DraftBody
	Department string `json:"department" minLength:"1" maxLength:"256"`
	Prefix     string `json:"prefix" minLength:"2" maxLength:"48" doc:"文号的机关代字，如 浙财云通 | prefix of the document number"`
	Number     int    `json:"number,omitempty" minimum:"0" maximum:"99999" doc:"默认取本年下一号 | default: the next of the year"`
}

func (b DraftBody) draft(o pipeline.CaseOptions, a *api) (notice.Draft, error) {
	pack, err := a.o.Pack()
	return notice.Draft{
		Title: b.Title, CC: b.CC, Issuer: b.Issuer, Signer: b.Signer, Clauses: b.Clauses, Contacts: b.Contacts, Policy: pack, Mask: b.Mask,
		Number: notice.DocumentNumber{Year: o.Now.Year()},
	}, err
}

// NoticeView is a notice with its code and how it was answered.
type NoticeView struct {
	Notice    notice.Notice `json:"notice"`
	Code      notice.Code   `json:"code"`
	InForce   bool          `json:"in_force" doc:"最新的一版 | the latest version"`
	Withdrawn []string      `json:"withdrawn,omitempty" doc:"不再成立而未列入的案卷 | cases left out because they no longer stand"`
}

func noticeView(n notice.Notice, inForce bool) (NoticeView, error) {
	code, err := n.Code()
	return NoticeView{Notice: n, Code: code, InForce: inForce}, err
}

// NoticeRow is a notice in a list.
type NoticeRow struct {
	Number     string `json:"number"`
	Version    int    `json:"version"`
	Title      string `json:"title"`
	Department string `json:"department"`
	Signed     string `json:"signed"`
	Due        string `json:"due"`
	Lines      int    `json:"lines"`
}

// AnswerView is an answer and its code. Telephones are masked for who only reads.
type AnswerView struct {
	Acknowledgement notice.Acknowledgement `json:"acknowledgement"`
	Code            notice.Code            `json:"code"`
}

// AnswerBody is a department's answer.
type AnswerBody struct {
	ReceivedBy  string           `json:"received_by" maxLength:"200"`
	ReceivedAt  time.Time        `json:"received_at,omitzero" doc:"默认现在 | default: now"`
	ConfirmedBy string           `json:"confirmed_by" maxLength:"200" doc:"单位负责人 | head of the department"`
	Handler     string           `json:"handler" maxLength:"200"`
	Phone       string           `json:"phone" maxLength:"50"`
	Scan        *notice.Evidence `json:"scan,omitempty" doc:"盖章扫描件，须先交来 | the stamped scan, handed in before"`
	AgreeToAll  string           `json:"agree_to_all,omitempty" maxLength:"10" doc:"全部同意，写拟实施日期，代替 lines | agree to every line, on this day, in place of lines"`
	Lines       []AnswerLineBody `json:"lines,omitempty" maxItems:"5000"`
}

// AnswerLineBody is the answer to one line.
type AnswerLineBody struct {
	CaseID   string            `json:"case_id" maxLength:"64"`
	Answer   string            `json:"answer" doc:"agree_release, agree_downsize, agree_stop, resize, exempt, object"`
	Reason   string            `json:"reason,omitempty" maxLength:"100"`
	Note     string            `json:"note,omitempty" maxLength:"8000"`
	Evidence []notice.Evidence `json:"evidence,omitempty" maxItems:"20"`
	Target   *recommender.Spec `json:"target,omitempty"`
	Planned  string            `json:"planned,omitempty" maxLength:"10"`
	Window   string            `json:"window,omitempty" maxLength:"200"`
	Expires  string            `json:"expires,omitempty" maxLength:"10"`
	Backup   *notice.Backup    `json:"backup,omitempty"`
	Wipe     string            `json:"wipe,omitempty" maxLength:"200"`
}

// answer is the acknowledgement of n that a body means.
func (b AnswerBody) answer(n notice.Notice, now time.Time, address string) (notice.Acknowledgement, error) {
	a := notice.Acknowledgement{ReceivedBy: b.ReceivedBy, ReceivedAt: b.ReceivedAt, ConfirmedBy: b.ConfirmedBy, Handler: b.Handler, Phone: b.Phone, Scan: b.Scan, Address: address}
	if a.ReceivedAt.IsZero() {
		a.ReceivedAt = now
	}
	if (b.AgreeToAll != "") == (len(b.Lines) > 0) {
		return a, mistaken("body.lines", "want either lines or agree_to_all")
	}
	if b.AgreeToAll != "" {
		a.Lines = n.AgreeToAll(b.AgreeToAll)
	}
	for _, l := range b.Lines {
		a.Lines = append(a.Lines, notice.AnswerLine{
			CaseID: l.CaseID, Answer: notice.Answer(l.Answer), Reason: l.Reason, Note: l.Note, Evidence: l.Evidence, Target: l.Target,
			Planned: l.Planned, Window: l.Window, Expires: l.Expires, Backup: l.Backup, Wipe: l.Wipe,
		})
	}
	return a, nil
}

func answerView(c call, x notice.Acknowledgement) (AnswerView, error) {
	code, err := x.Code()
	if auth.AllowedAny(c.p, permissions("receipts:create", "notices:create", "notices:approve")) != nil && c.p.Via != auth.ViaLink {
		x.Phone = report.MaskPhone(x.Phone)
	}
	return AnswerView{x, code}, err
}

func (a *api) notices() {
	reads, issues := permissions("notices:read"), permissions("notices:approve")
	add(a, spec{
		id: "draft-notice", method: http.MethodPost, path: "/notices/draft", zh: "预览一个单位的通知书，不保存", en: "a notice as it would be issued, of which nothing is kept", tag: "notices", any: permissions("notices:create", "notices:approve"), scope: object,
	}, func(c call, in *struct{ Body IssueBody }) (NoticeView, error) {
		return a.issue(c, in.Body, func(o pipeline.CaseOptions, d notice.Draft) (notice.Notice, []notice.Case, error) {
			return c.person.DraftNotice(o, d, in.Body.Department)
		})
	})
	add(a, spec{
		id: "issue-notice", method: http.MethodPost, path: "/notices", zh: "签发一个单位的通知书，含其全部已拟稿案卷", en: "issue the notice of a department, over all its cases that are drafted", tag: "notices", any: issues, scope: object, status: http.StatusCreated,
	}, func(c call, in *struct{ Body IssueBody }) (NoticeView, error) {
		return a.issue(c, in.Body, func(o pipeline.CaseOptions, d notice.Draft) (notice.Notice, []notice.Case, error) {
			return c.person.IssueNotice(c, o, d, in.Body.Department)
		})
	})
	add(a, spec{
		id: "list-notices", method: http.MethodGet, path: "/notices", zh: "通知书，每号最新一版", en: "notices, the latest version of each", tag: "notices", any: reads, scope: listed,
	}, func(c call, in *struct {
		Paging
		Department string `query:"department" maxLength:"256"`
	}) (Page[NoticeRow], error) {
		all, err := c.person.Notices()
		if err != nil {
			return Page[NoticeRow]{}, err
		}
		all = slices.DeleteFunc(all, func(n notice.Notice) bool { return in.Department != "" && in.Department != n.Department })
		return paged(all, in.Paging, func(n notice.Notice) NoticeRow {
			return NoticeRow{n.Number, n.Version, n.Title, n.Department, n.Signed, n.Feedback.Due, len(n.Lines)}
		}), nil
	})
	add(a, spec{
		id: "get-notice", method: http.MethodGet, path: "/notices/{number}", zh: "一份通知书", en: "one notice", tag: "notices", any: reads, scope: object,
	}, func(c call, in *NoticeVersion) (NoticeView, error) {
		n, inForce, err := in.find(c)
		if err != nil {
			return NoticeView{}, err
		}
		return noticeView(n, inForce)
	})
	addFile(a, spec{
		id: "print-notice", method: http.MethodGet, path: "/notices/{number}/print", zh: "打印通知书，附清单与校验码", en: "print a notice with its table and code", tag: "notices", any: reads, scope: object, files: []string{"text/html", "text/plain"},
	}, func(c call, in *struct {
		NoticeVersion
		Printing
	}) (file, error) {
		n, _, err := in.find(c)
		if err != nil {
			return file{}, err
		}
		return a.print(c, n, in.Printing)
	})
	add(a, spec{
		id: "correct-notice", method: http.MethodPost, path: "/notices/{number}/versions", zh: "更正：出新的一版，旧版的链接随之失效", en: "correct a notice by its next version, which ends the links to the one before", tag: "notices", any: issues, scope: object, status: http.StatusCreated,
	}, func(c call, in *struct {
		Number string `path:"number" maxLength:"256"`
		Body   struct {
			DraftBody
			Why string `json:"why" minLength:"1" maxLength:"2000" doc:"为何更正 | why"`
		}
	}) (NoticeView, error) {
		o, err := a.o.Cases()
		if err != nil {
			return NoticeView{}, err
		}
		d, err := in.Body.draft(o, a)
		if err != nil {
			return NoticeView{}, err
		}
		n, err := c.person.CorrectNotice(c, o, in.Number, d, in.Body.Why)
		if err != nil {
			return NoticeView{}, err
		}
		return noticeView(n, true)
	})
	add(a, spec{
		id: "verify-notice", method: http.MethodGet, path: "/verify", zh: "核对纸质通知书的校验码", en: "hold the code on paper against the file", tag: "notices", scope: public,
		doc: "任何持有纸质件的人都可核对；只说纸面上已有的 | for whoever has the paper; it says only what stands on it",
	}, func(c call, in *struct {
		Number string `query:"number" required:"true" maxLength:"100"`
		Code   string `query:"code" required:"true" maxLength:"100"`
	}) (Genuine, error) {
		n, inForce, err := a.data.Verify(in.Number, in.Code)
		if errors.Is(err, notice.ErrNotThis) {
			return Genuine{Number: in.Number}, nil
		}
		return Genuine{Genuine: err == nil, InForce: inForce, Number: n.Number, Version: n.Version, Title: n.Title, Department: n.Department, Issuer: n.Issuer, Signed: n.Signed, Lines: len(n.Lines)}, err
	})
	a.answers()
}

// Genuine says whether a code is that of a notice.
type Genuine struct {
	Genuine    bool   `json:"genuine"`
	InForce    bool   `json:"in_force" doc:"未被更正取代 | no correction replaced it"`
	Number     string `json:"number"`
	Version    int    `json:"version,omitempty"`
	Title      string `json:"title,omitempty"`
	Department string `json:"department,omitempty"`
	Issuer     string `json:"issuer,omitempty"`
	Signed     string `json:"signed,omitempty"`
	Lines      int    `json:"lines,omitempty"`
}

// NoticeVersion names a notice, and a version where that in force is not meant.
type NoticeVersion struct {
	Number  string `path:"number" maxLength:"256" doc:"文号，如 浙财云通〔2026〕12号 | document number"`
	Version int    `query:"version" minimum:"0" maximum:"100000" doc:"默认最新一版 | default: the latest"`
}

func (v NoticeVersion) find(c call) (n notice.Notice, inForce bool, err error) {
	all, err := c.person.Notice(v.Number)
	if err != nil {
		return notice.Notice{}, false, err
	}
	want := cmp.Or(v.Version, all[len(all)-1].Version)
	i := slices.IndexFunc(all, func(n notice.Notice) bool { return n.Version == want })
	if i < 0 {
		return notice.Notice{}, false, auth.ErrNotFound
	}
	return all[i], i == len(all)-1, nil
}

// Printing says how something is printed.
type Printing struct {
	Format string `query:"format" enum:"html,text" default:"html"`
	Lang   string `query:"lang" enum:"zh,en"`
}

// language is the one asked for, else that of the configuration.
func (a *api) language(asked string) report.Lang {
	if asked != "" {
		return report.Lang(asked)
	}
	return a.o.Lang()
}

// print renders a notice, which is a copy that leaves the house.
func (a *api) print(c call, n notice.Notice, in Printing) (file, error) {
	o, err := a.o.Cases()
	if err != nil {
		return file{}, err
	}
	f := report.HTML
	if in.Format == "text" {
		f = report.Text
	}
	var b bytes.Buffer
	if err := report.WriteNotice(&b, n, o.Workflow, a.o.Location, f, a.language(in.Lang)); err != nil {
		return file{}, err
	}
	if err := a.data.Record(c, journal.NoticePrinted, pipeline.NoticeObject(n.Number), "version", fmt.Sprint(n.Version), "format", string(f)); err != nil {
		return file{}, err
	}
	return file{media: f.ContentType(), text: b.Bytes()}, nil
}

// issue makes a notice by what make does with a draft.
func (a *api) issue(c call, b IssueBody, make func(pipeline.CaseOptions, notice.Draft) (notice.Notice, []notice.Case, error)) (NoticeView, error) {
	o, err := a.o.Cases()
	if err != nil {
		return NoticeView{}, err
	}
	d, err := b.draft(o, a)
	if err != nil {
		return NoticeView{}, err
	}
	d.Number.Prefix, d.Number.Number = b.Prefix, b.Number
	n, taken, err := make(o, d)
	if err != nil {
		return NoticeView{}, err
	}
	view, err := noticeView(n, true)
	for _, x := range taken {
		view.Withdrawn = append(view.Withdrawn, x.ID)
	}
	return view, err
}

func (a *api) answers() {
	answers := permissions("receipts:create")
	add(a, spec{
		id: "list-answers", method: http.MethodGet, path: "/notices/{number}/answers", zh: "回执，全部版本", en: "the answers to a notice, every version", tag: "notices", any: permissions("notices:read"), scope: object,
	}, func(c call, in *struct {
		Number string `path:"number" maxLength:"256"`
		Paging
	}) (Page[AnswerView], error) {
		all, err := c.person.Answers(in.Number)
		if err != nil {
			return Page[AnswerView]{}, err
		}
		var views []AnswerView
		for _, x := range all {
			v, err := answerView(c, x)
			if err != nil {
				return Page[AnswerView]{}, err
			}
			views = append(views, v)
		}
		return page(views, in.Paging), nil
	})
	add(a, spec{
		id: "answer-notice", method: http.MethodPost, path: "/notices/{number}/answers", zh: "提交回执：逐项意见；更正再交一次", en: "answer a notice, line by line; a correction is submitted again", tag: "notices", any: answers, scope: object, status: http.StatusCreated,
	}, func(c call, in *struct {
		Number string `path:"number" maxLength:"256"`
		Body   AnswerBody
	}) (AnswerView, error) {
		n, _, err := NoticeVersion{Number: in.Number}.find(c)
		if err != nil {
			return AnswerView{}, err
		}
		return a.submit(c, n, in.Body, func(o pipeline.CaseOptions, x notice.Acknowledgement) (notice.Acknowledgement, error) {
			return c.person.AnswerNotice(c, o, in.Number, x)
		})
	})
	a.handIn(spec{
		id: "hand-in-for-notice", path: "/notices/{id}/attachments", zh: "交盖章扫描件或证明（PDF、JPEG、PNG，至多 10 MiB）", en: "hand in the stamped scan or a proof", tag: "notices", any: answers, scope: object,
	}, func(c call, number string, f uploaded) (string, error) {
		return c.person.HandInForNotice(c, number, f.text)
	})
	addFile(a, spec{
		id: "get-notice-attachment", method: http.MethodGet, path: "/notices/{number}/attachments/{sha256}", zh: "回执的一份附件", en: "a document of an answer", tag: "notices", any: permissions("notices:read"), scope: object, files: documents,
	}, func(c call, in *struct {
		Number string `path:"number" maxLength:"256"`
		SHA256 string `path:"sha256" maxLength:"64"`
	}) (file, error) {
		text, err := c.person.NoticeDocument(in.Number, in.SHA256)
		return c.document(a, text, in.SHA256, pipeline.NoticeObject(in.Number), err)
	})
}

// submit answers a notice by what send does with the answer.
func (a *api) submit(c call, n notice.Notice, b AnswerBody, send func(pipeline.CaseOptions, notice.Acknowledgement) (notice.Acknowledgement, error)) (AnswerView, error) {
	o, err := a.o.Cases()
	if err != nil {
		return AnswerView{}, err
	}
	x, err := b.answer(n, o.Now, a.gate.Address(c.r))
	if err != nil {
		return AnswerView{}, err
	}
	got, err := send(o, x)
	if err != nil {
		return AnswerView{}, err
	}
	return answerView(c, got)
}

// LinkBody asks for a link.
type LinkBody struct {
	Expires time.Time `json:"expires" doc:"至多 90 天后 | at most 90 days ahead"`
}

// LinkView is a link. Its text is shown this once.
type LinkView struct {
	Link       string    `json:"link"`
	ID         string    `json:"id"`
	Notice     string    `json:"notice"`
	Version    int       `json:"version"`
	Department string    `json:"department"`
	Expires    time.Time `json:"expires"`
}

// Opened is the notice that a link opens.
type Opened struct {
	NoticeView
	Expires time.Time `json:"expires"`
}

func (a *api) links() {
	issues := permissions("notices:approve")
	add(a, spec{
		id: "create-link", method: http.MethodPost, path: "/notices/{number}/links", zh: "生成免账号答复的链接，只显示这一次", en: "a link to answer without an account, shown this once", tag: "links", any: issues, scope: object, status: http.StatusCreated,
	}, func(c call, in *struct {
		Number string `path:"number" maxLength:"256"`
		Body   LinkBody
	}) (LinkView, error) {
		n, _, err := NoticeVersion{Number: in.Number}.find(c)
		if err != nil {
			return LinkView{}, err
		}
		if err := auth.Allowed(c.p, issues[0], n.Department); err != nil {
			return LinkView{}, err
		}
		text, l, err := a.gate.Service().NewLink(c.p, n.Number, n.Version, n.Department, in.Body.Expires)
		return LinkView{text, l.Nonce, l.Notice, l.Version, l.Department, l.Expires}, a.ofAccounts(c, err)
	})
	act(a, spec{
		id: "revoke-links", method: http.MethodDelete, path: "/notices/{number}/links", zh: "作废一份通知书的全部链接", en: "end every link to a notice", tag: "links", any: issues, scope: object,
	}, func(c call, in *struct {
		Number string `path:"number" maxLength:"256"`
	}) error {
		n, _, err := NoticeVersion{Number: in.Number}.find(c)
		if err != nil {
			return err
		}
		if err := auth.Allowed(c.p, issues[0], n.Department); err != nil {
			return err
		}
		return a.ofAccounts(c, a.gate.Service().RevokeLinks(c.p, n.Number, -1))
	})
	const doc = "链接写在正文里，不进地址与日志 | the link stands in the body, so that it is in no address and no log"
	add(a, spec{
		id: "open-link", method: http.MethodPost, path: "/links/open", zh: "凭链接打开通知书", en: "open a notice by its link", tag: "links", scope: public, doc: doc,
	}, func(c call, in *struct {
		Body struct {
			Link string `json:"link" maxLength:"4096"`
		}
	}) (Opened, error) {
		_, l, n, err := a.byLink(c, in.Body.Link)
		if err != nil {
			return Opened{}, err
		}
		v, err := noticeView(n, true)
		return Opened{v, l.Expires}, err
	})
	addFile(a, spec{
		id: "print-by-link", method: http.MethodPost, path: "/links/print", zh: "凭链接打印通知书", en: "print a notice by its link", tag: "links", scope: public, doc: doc, files: []string{"text/html", "text/plain"},
	}, func(c call, in *struct {
		Printing
		Body struct {
			Link string `json:"link" maxLength:"4096"`
		}
	}) (file, error) {
		held, _, n, err := a.byLink(c, in.Body.Link)
		if err != nil {
			return file{}, err
		}
		return a.print(held, n, in.Printing)
	})
	add(a, spec{
		id: "hand-in-by-link", method: http.MethodPost, path: "/links/attachments", zh: "凭链接交盖章扫描件或证明", en: "hand in the stamped scan or a proof by a link", tag: "links", scope: public, status: http.StatusCreated, uploads: true, fields: []string{"link"}, doc: doc,
	}, func(c call, in *Form) (Kept, error) {
		f, err := in.read()
		if err != nil {
			return Kept{}, err
		}
		held, l, _, err := a.byLink(c, f.fields["link"])
		if err != nil {
			return Kept{}, err
		}
		sum, err := held.person.HandInByLink(held, l, f.text)
		return Kept{SHA256: sum, Name: f.name, Bytes: len(f.text)}, err
	})
	add(a, spec{
		id: "answer-by-link", method: http.MethodPost, path: "/links/answer", zh: "凭链接提交回执，一次有效", en: "answer a notice by its link, which is then used up", tag: "links", scope: public, status: http.StatusCreated, doc: doc,
	}, func(c call, in *struct {
		Body struct {
			AnswerBody
			Link string `json:"link" maxLength:"4096"`
		}
	}) (AnswerView, error) {
		held, l, n, err := a.byLink(c, in.Body.Link)
		if err != nil {
			return AnswerView{}, err
		}
		return a.submit(held, n, in.Body.AnswerBody, func(o pipeline.CaseOptions, x notice.Acknowledgement) (notice.Acknowledgement, error) {
			return held.person.AnswerByLink(held, o, in.Body.Link, l, x)
		})
	})
}

// byLink is the call as that of the holder of a link, and the notice that it opens.
func (a *api) byLink(c call, text string) (call, auth.Link, notice.Notice, error) {
	p, l, err := a.gate.OpenLink(c.r, text)
	if err != nil {
		return c, l, notice.Notice{}, err
	}
	c.p, c.person = p, a.data.For(p)
	c.Context = journal.As(c.Context, pipeline.Who(p, a.gate.Address(c.r)))
	n, err := c.person.LinkedNotice(l)
	return c, l, n, err
}
