package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/notice"
	"yunjian/recommender"
)

// answerPage is the form by which the holder of a link answers a notice.
type answerPage struct {
	ZH          bool
	Lang        report.Lang
	Title, Link string
	Said        []string // what came of the last attempt
	Good        bool

	Number, Department, Issuer, Signed, Due, Silence string // Number empty: there is nothing to answer
	Contacts                                         []notice.Contact
	Lines                                            []answerLine
	People                                           []answerField
}

type answerLine struct {
	No                                     int
	Name, ResourceID, IP, Application      string
	Text                                   report.NoticeLine
	Answers                                []choice
	Reasons                                []choices
	Resizable                              bool
	Answer, Reason, Planned, Expires, Note string // as they were given
	VCPU, Memory                           string
}

type choice struct{ Value, Name string }

type choices struct {
	Name string
	Of   []choice
}

type answerField struct{ Field, Name, Value string }

// maxAnswer bounds a form with its documents, in bytes.
const maxAnswer = 64 << 20

// maxDocument bounds one document of it.
const maxDocument = 10 << 20

// answerRoutes adds the page that a link leads to. The link stands in the path: what is
// logged of a request here is its pattern.
func (s *Server) answerRoutes(mux *http.ServeMux) {
	mux.Handle("GET /answer/{link}", s.o.Gate.LimitLinks(s.page(s.getAnswer)))
	mux.Handle("GET /answer/{link}/notice", s.o.Gate.LimitLinks(s.page(s.getLinkedNotice)))
	mux.Handle("POST /answer/{link}", s.o.Gate.LimitLinks(s.page(s.postAnswer)))
}

// linked is what a link opens.
type linked struct {
	text   string
	link   auth.Link
	person pipeline.Person
	ctx    context.Context
	notice notice.Notice
	cases  pipeline.CaseOptions
}

// open opens the link of a request; where it opens nothing the page says so.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (l linked, page answerPage, ok bool, err error) {
	lang, err := s.lang(r)
	if err != nil {
		return l, page, false, err
	}
	page = answerPage{ZH: lang == report.ZH, Lang: lang, Link: r.PathValue("link")}
	page.Title = page.say("云资源处置通知回执", "Answer to a notice on cloud resources")
	l.text = page.Link
	var p auth.Principal
	if p, l.link, err = s.o.Gate.OpenLink(r, l.text); err == nil {
		l.person = s.data.For(p)
		l.ctx = journal.As(r.Context(), pipeline.Who(p, s.o.Gate.Address(r)))
		l.notice, err = l.person.LinkedNotice(l.link)
	}
	if errors.Is(err, auth.ErrLink) {
		page.Said = []string{page.say("链接无效：不完整、已过期、已撤销，或回执已经提交。请向发件人索取新的链接。", auth.ErrLink.Error())}
		return l, page, false, s.showAnswer(w, http.StatusNotFound, page)
	}
	if err != nil {
		return l, page, false, err
	}
	if l.cases, err = s.o.Cases(); err != nil {
		return l, page, false, err
	}
	page.fill(l.notice, l.cases.Workflow)
	return l, page, true, nil
}

func (p answerPage) say(zh, en string) string {
	if p.ZH {
		return zh
	}
	return en
}

// fill puts the notice into the form.
func (p *answerPage) fill(n notice.Notice, w notice.Workflow) {
	p.Number, p.Department, p.Issuer, p.Signed, p.Due, p.Contacts = n.Number, n.Department, n.Issuer, n.Signed, n.Feedback.Due, n.Contacts
	p.Silence = p.say(n.Silence.ZH, n.Silence.EN)
	var reasons []choices
	for _, of := range []struct{ list, zh, en string }{{"counter", "调整规格", "another size"}, {"exemption", "申请豁免", "exemption"}, {"objection", "提出异议", "objection"}} {
		c := choices{Name: p.say(of.zh, of.en)}
		for _, r := range w.ReasonsOf(of.list) {
			c.Of = append(c.Of, choice{r.ID, p.say(r.Name.ZH, r.Name.EN)})
		}
		reasons = append(reasons, c)
	}
	for i, agreed := range n.AgreeToAll("") {
		l := n.Lines[i]
		line := answerLine{
			No: l.No, Name: l.Name, ResourceID: l.ResourceID, IP: l.PrivateIP, Application: l.Application, Reasons: reasons, Resizable: l.Current.VCPU > 0,
			Text: report.TellLine(l, p.Lang), Answers: []choice{{string(agreed.Answer), p.say("同意", "agree")}},
		}
		if line.Resizable {
			line.Answers = append(line.Answers, choice{string(notice.Resize), p.say("调整为其他规格", "another size")})
		}
		line.Answers = append(line.Answers, choice{string(notice.Exempt), p.say("申请豁免", "ask for an exemption")}, choice{string(notice.Object), p.say("提出异议", "object")})
		p.Lines = append(p.Lines, line)
	}
	p.People = []answerField{
		{"received_by", p.say("签收人", "Received by"), ""}, {"handler", p.say("经办人", "Who deals with it"), ""}, {"phone", p.say("经办人电话", "Telephone"), ""},
		{"confirmed_by", p.say("单位负责人", "Head of the department"), ""},
	}
}

func (s *Server) showAnswer(w http.ResponseWriter, status int, p answerPage) error {
	var b bytes.Buffer
	if err := s.answer.Execute(&b, p); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

func (s *Server) getAnswer(w http.ResponseWriter, r *http.Request) error {
	_, page, ok, err := s.open(w, r)
	if err != nil || !ok {
		return err
	}
	return s.showAnswer(w, http.StatusOK, page)
}

func (s *Server) getLinkedNotice(w http.ResponseWriter, r *http.Request) error {
	l, page, ok, err := s.open(w, r)
	if err != nil || !ok {
		return err
	}
	var b bytes.Buffer
	if err := report.WriteNotice(&b, l.notice, l.cases.Workflow, s.o.Location, report.HTML, page.Lang); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write(b.Bytes())
	return err
}

// postAnswer submits the form; what is wrong is said over the form as it was filled in.
func (s *Server) postAnswer(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	l, page, ok, err := s.open(w, r)
	if err != nil || !ok {
		return err
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		return problem{http.StatusBadRequest, "表单有误，或附件过大 | the form cannot be read, or its documents are too large"}
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }() // temporary files, which the system removes, too
	page.keep(r)
	a, err := s.acknowledgement(l, page, r)
	if err == nil {
		a, err = l.person.AnswerByLink(l.ctx, l.cases, l.text, l.link, a)
	}
	var mistake *pipeline.Mistake
	var refusal *auth.Refusal
	switch {
	case errors.As(err, &mistake), errors.As(err, &refusal), errors.Is(err, notice.ErrDepartment):
		page.Said = append([]string{page.say("没有提交：", "Nothing was submitted:")}, strings.Split(err.Error(), "\n")...)
		return s.showAnswer(w, http.StatusUnprocessableEntity, page)
	case errors.Is(err, auth.ErrLink):
		page = answerPage{ZH: page.ZH, Lang: page.Lang, Title: page.Title, Said: []string{page.say("链接已失效：回执已经提交，或通知书已更正。", auth.ErrLink.Error())}}
		return s.showAnswer(w, http.StatusConflict, page)
	case err != nil:
		return err
	}
	code, err := a.Code()
	if err != nil {
		return err
	}
	done := answerPage{ZH: page.ZH, Lang: page.Lang, Title: page.Title, Good: true}
	done.Said = []string{done.say(fmt.Sprintf("回执已提交：%s 第 %d 版，%s，校验码 %s。请留存本页。", a.Number, a.Version, a.SubmittedAt.In(s.o.Location).Format(time.DateTime), code.Short),
		fmt.Sprintf("The answer to %s is submitted: version %d, %s, code %s. Keep this page.", a.Number, a.Version, a.SubmittedAt.In(s.o.Location).Format(time.DateTime), code.Short))}
	return s.showAnswer(w, http.StatusOK, done)
}

// keep puts what was filled in back into the form.
func (p *answerPage) keep(r *http.Request) {
	for i := range p.Lines {
		l := &p.Lines[i]
		get := func(field string) string { return strings.TrimSpace(r.PostFormValue(field + "-" + strconv.Itoa(l.No))) }
		l.Answer, l.Reason, l.Planned, l.Expires, l.Note, l.VCPU, l.Memory = get("answer"), get("reason"), get("planned"), get("expires"), get("note"), get("vcpu"), get("memory")
	}
	for i, f := range p.People {
		p.People[i].Value = strings.TrimSpace(r.PostFormValue(f.Field))
	}
}

// acknowledgement is what the form says. Fields that do not go with an answer are left
// out: a form has them all.
func (s *Server) acknowledgement(l linked, page answerPage, r *http.Request) (notice.Acknowledgement, error) {
	said := map[string]string{}
	for _, f := range page.People {
		said[f.Field] = f.Value
	}
	a := notice.Acknowledgement{ReceivedBy: said["received_by"], Handler: said["handler"], Phone: said["phone"], ConfirmedBy: said["confirmed_by"], ReceivedAt: l.cases.Now}
	for i, f := range page.Lines {
		line := notice.AnswerLine{CaseID: l.notice.Lines[i].CaseID, Answer: notice.Answer(f.Answer), Note: f.Note}
		switch line.Answer {
		case notice.Resize:
			vcpu, err := strconv.Atoi(f.VCPU)
			memory, merr := strconv.ParseFloat(f.Memory, 64)
			if err != nil || merr != nil {
				return a, &pipeline.Mistake{Err: fmt.Errorf("%d: %s", f.No, page.say("请填写核数与内存", "want vCPU and memory"))}
			}
			line.Reason, line.Target = f.Reason, &recommender.Spec{VCPU: vcpu, MemoryGiB: memory}
		case notice.Exempt:
			line.Reason, line.Expires = f.Reason, f.Expires
		case notice.Object:
			line.Reason = f.Reason
		default:
			line.Planned = f.Planned
		}
		document, err := s.document(l, r, f.No)
		if err != nil {
			return a, err
		}
		line.Evidence = document
		a.Lines = append(a.Lines, line)
	}
	return a, nil
}

// document hands in what was uploaded for a line.
func (s *Server) document(l linked, r *http.Request, no int) ([]notice.Evidence, error) {
	file, head, err := r.FormFile("evidence-" + strconv.Itoa(no))
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, problem{http.StatusBadRequest, "附件读不出来 | the document cannot be read"}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return nil, err
	}
	sum, err := l.person.HandInByLink(l.ctx, l.link, text)
	if err != nil {
		return nil, &pipeline.Mistake{Err: fmt.Errorf("%d: %s: %w", no, head.Filename, err)}
	}
	return []notice.Evidence{{Name: head.Filename, SHA256: sum}}, nil
}
