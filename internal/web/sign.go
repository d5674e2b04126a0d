package web

import (
	"bytes"
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"yunjian/internal/auth"
	"yunjian/internal/report"
)

// signPage is what the pages of signing in show.
type signPage struct {
	Page, Title string
	ZH          bool
	Lang        report.Lang
	Name        string // of who is signed in
	Account     string // that was given
	Said        string // what came of the last attempt
	Good        bool   // it went well
	Warn        string
	OIDC        bool
	Begun       bool // a secret of one-time codes waits to be confirmed
	Codes       auth.Codes
	Recovery    []string
	Officers    []officer
}

// officer is one of the first accounts.
type officer struct {
	Role        auth.Role
	Title, Name string
}

var titles = map[string][2]string{
	"sign-in":  {"登录", "Sign in"},
	"password": {"更换口令", "Change the password"},
	"codes":    {"启用动态口令", "Set up one-time codes"},
	"set-up":   {"建立首批账号", "Make the first accounts"},
}

// signRoutes adds the pages of signing in, which take HTML forms; programs sign in
// at /api/auth.
func (s *Server) signRoutes(mux *http.ServeMux) {
	mux.Handle("GET /sign-in", s.page(s.getSignIn))
	mux.Handle("POST /sign-in", s.o.Gate.LimitSignIns(s.page(s.postSignIn)))
	mux.Handle("POST /sign-out", s.page(s.postSignOut))
	mux.Handle("GET /password", s.page(s.own(s.getPassword)))
	mux.Handle("POST /password", s.o.Gate.LimitSignIns(s.page(s.own(s.postPassword))))
	mux.Handle("GET /codes", s.page(s.own(s.getCodes)))
	mux.Handle("POST /codes", s.page(s.own(s.postCodes)))
	mux.Handle("GET /set-up", s.page(s.getSetUp))
	mux.Handle("POST /set-up", s.o.Gate.LimitSignIns(s.page(s.postSetUp)))
}

// goTo sends a browser to a page of this site, in the language of this one.
func goTo(w http.ResponseWriter, r *http.Request, page string, said ...string) {
	q := url.Values{}
	if l := r.URL.Query().Get("lang"); l != "" {
		q.Set("lang", l)
	}
	for _, x := range said {
		q.Set(x, "1")
	}
	// As it stands, so that a gateway may serve the site below a path of its own.
	to := "./" + page
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// newPage begins a page of signing in.
func (s *Server) newPage(r *http.Request, name string) (signPage, error) {
	lang, err := s.lang(r)
	if err != nil {
		return signPage{}, err
	}
	p := signPage{Page: name, ZH: lang == report.ZH, Lang: lang, OIDC: s.o.Gate.OIDC()}
	if who := auth.From(r.Context()); who.Via == auth.ViaSession {
		p.Name = who.Name
	}
	p.Title = p.say(titles[name][0], titles[name][1])
	return p, nil
}

func (p signPage) say(zh, en string) string {
	if p.ZH {
		return zh
	}
	return en
}

func (s *Server) show(w http.ResponseWriter, status int, p signPage) error {
	var b bytes.Buffer
	if err := s.sign.Execute(&b, p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

// refused shows the page again with what was wrong; an error that is no matter of
// the visitor's is returned.
func (s *Server) refused(w http.ResponseWriter, p signPage, err error) error {
	var locked *auth.LockedError
	var refusal *auth.Refusal
	status := http.StatusUnprocessableEntity
	switch {
	case errors.As(err, &locked):
		status, p.Said = http.StatusTooManyRequests, p.say("失败次数过多，已暂时锁定，请稍后再试或找安全管理员", locked.Error())
	case errors.Is(err, auth.ErrCodeWanted):
		status, p.Said = http.StatusUnauthorized, p.say("口令正确，还要动态口令：请连同动态口令再登录一次", "The password is right and a one-time code is wanted: sign in again with both")
	case errors.Is(err, auth.ErrSignIn) && p.Page == "sign-in":
		status, p.Said = http.StatusUnauthorized, p.say("登录失败：账号、口令或动态口令有误，或账号不可用；请找安全管理员", "Signing in failed: account, password or code is wrong, or the account may not be used; ask the security administrator")
	case errors.Is(err, auth.ErrSignIn) && p.Page == "set-up":
		status, p.Said = http.StatusUnauthorized, p.say("令牌不对，或已过期：重启守护进程会换一个新的", "The token is wrong, or has run out: the daemon makes another when it starts")
	case errors.Is(err, auth.ErrSignIn):
		status, p.Said = http.StatusUnauthorized, p.say("现口令不对", "The present password is wrong")
	case errors.Is(err, auth.ErrElsewhere):
		status, p.Said = http.StatusForbidden, p.say("只能在云鉴所在的机器上建立首批账号：在那里打开本页，或运行 yunjian account setup", err.Error())
	case errors.As(err, &refusal):
		status, p.Said = http.StatusForbidden, err.Error()
	default:
		p.Said = p.say("没有改动：", "Nothing was changed: ") + err.Error()
	}
	return s.show(w, status, p)
}

// own lets whoever is signed in with a session of his own pass.
func (s *Server) own(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if auth.From(r.Context()).Via != auth.ViaSession {
			goTo(w, r, "sign-in")
			return nil
		}
		return h(w, r)
	}
}

// maxForm bounds what a form sends, in bytes.
const maxForm = 16 << 10

func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return problem{http.StatusBadRequest, "表单有误 | the form cannot be read"}
	}
	return nil
}

// plainly reports whether a browser will drop the session: its cookie is for TLS
// and for this machine.
func plainly(r *http.Request) bool {
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

func (s *Server) getSignIn(w http.ResponseWriter, r *http.Request) error {
	if empty, err := s.o.Gate.Service().Empty(); err != nil {
		return err
	} else if empty {
		goTo(w, r, "set-up")
		return nil
	}
	p, err := s.signInPage(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	switch {
	case q.Get("refused") != "":
		p.Said = p.say("单点登录没有成功：没有这个账号，或不可用；请找安全管理员", "Single sign-on did not succeed: there is no such account, or it may not be used; ask the security administrator")
	case q.Get("changed") != "":
		p.Good, p.Said = true, p.say("口令已更换，请重新登录", "The password is changed: sign in again")
	case q.Get("made") != "":
		p.Good, p.Said = true, p.say("账号已建立，请登录", "The accounts are made: sign in")
	}
	return s.show(w, http.StatusOK, p)
}

func (s *Server) signInPage(r *http.Request) (signPage, error) {
	p, err := s.newPage(r, "sign-in")
	if err == nil && plainly(r) {
		p.Warn = p.say("本页未经加密，浏览器不会保持登录：请用 https 地址，或在本机以 localhost 打开", "This page is not encrypted, and browsers keep no session then: use its https address, or open it on this machine as localhost")
	}
	return p, err
}

func (s *Server) postSignIn(w http.ResponseWriter, r *http.Request) error {
	p, err := s.signInPage(r)
	if err == nil {
		err = readForm(w, r)
	}
	if err != nil {
		return err
	}
	p.Account = r.PostForm.Get("name")
	who, err := s.o.Gate.SignIn(w, r, p.Account, r.PostForm.Get("password"), strings.TrimSpace(r.PostForm.Get("code")))
	if errors.Is(err, auth.ErrSignIn) || errors.Is(err, auth.ErrCodeWanted) {
		return s.refused(w, p, err)
	}
	if err != nil {
		return err
	}
	goTo(w, r, duePage(who.Due))
	return nil
}

// duePage is where somebody does what is due; empty for the first page.
func duePage(due auth.Due) string {
	return map[auth.Due]string{auth.DuePassword: "password", auth.DueCodes: "codes"}[due]
}

func (s *Server) postSignOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.o.Gate.SignOut(w, r); err != nil {
		return err
	}
	goTo(w, r, "sign-in")
	return nil
}

func (s *Server) getPassword(w http.ResponseWriter, r *http.Request) error {
	p, err := s.newPage(r, "password")
	if err != nil {
		return err
	}
	if auth.From(r.Context()).Due == auth.DuePassword {
		p.Said = p.say("请先更换口令：它由别人设定，或已到更换期限", "Set a new password first: another one set it, or it is due")
	}
	return s.show(w, http.StatusOK, p)
}

func (s *Server) postPassword(w http.ResponseWriter, r *http.Request) error {
	p, err := s.newPage(r, "password")
	if err == nil {
		err = readForm(w, r)
	}
	if err != nil {
		return err
	}
	if r.PostForm.Get("new") != r.PostForm.Get("again") {
		return s.refused(w, p, differ(p))
	}
	if err := s.o.Gate.ChangePassword(w, r, r.PostForm.Get("old"), r.PostForm.Get("new")); err != nil {
		return s.refused(w, p, err)
	}
	goTo(w, r, "sign-in", "changed")
	return nil
}

func differ(p signPage) error {
	return errors.New(p.say("两次输入的口令不同", "the two passwords differ"))
}

func (s *Server) getCodes(w http.ResponseWriter, r *http.Request) error {
	p, err := s.newPage(r, "codes")
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, p)
}

// postCodes makes a secret, or with a code takes it into use.
func (s *Server) postCodes(w http.ResponseWriter, r *http.Request) error {
	p, err := s.newPage(r, "codes")
	if err == nil {
		err = readForm(w, r)
	}
	if err != nil {
		return err
	}
	who, svc := auth.From(r.Context()), s.o.Gate.Service()
	if code := strings.TrimSpace(r.PostForm.Get("code")); code != "" {
		p.Begun = true
		if p.Recovery, err = svc.ConfirmCodes(who, who.Name, code); err != nil {
			return s.refused(w, p, err)
		}
		return s.show(w, http.StatusOK, p)
	}
	if p.Codes, err = svc.BeginCodes(who, who.Name); err != nil {
		return s.refused(w, p, err)
	}
	p.Begun = true
	return s.show(w, http.StatusOK, p)
}

// setUpPage is the page of the first accounts; false where accounts exist.
func (s *Server) setUpPage(w http.ResponseWriter, r *http.Request) (p signPage, due bool, err error) {
	if due, err = s.o.Gate.Service().Empty(); err != nil {
		return p, false, err
	}
	if !due {
		goTo(w, r, "sign-in")
		return p, false, nil
	}
	p, err = s.newPage(r, "set-up")
	p.Officers = []officer{
		{auth.SysAdmin, p.say("系统管理员", "System administrator"), "sysadmin"},
		{auth.SecAdmin, p.say("安全管理员", "Security administrator"), "secadmin"},
		{auth.Auditor, p.say("审计员", "Auditor"), "auditor"},
	}
	return p, true, err
}

func (s *Server) getSetUp(w http.ResponseWriter, r *http.Request) error {
	p, due, err := s.setUpPage(w, r)
	if err != nil || !due {
		return err
	}
	return s.show(w, http.StatusOK, p)
}

func (s *Server) postSetUp(w http.ResponseWriter, r *http.Request) error {
	p, due, err := s.setUpPage(w, r)
	if err != nil || !due {
		return err
	}
	if err := readForm(w, r); err != nil {
		return err
	}
	var first []auth.NewAccount
	for i, o := range p.Officers {
		role := string(o.Role)
		p.Officers[i].Name = cmp.Or(r.PostForm.Get(role), o.Name)
		password := r.PostForm.Get(role + "-password")
		if password != r.PostForm.Get(role+"-again") {
			return s.refused(w, p, differ(p))
		}
		first = append(first, auth.NewAccount{Name: p.Officers[i].Name, Roles: []auth.Role{o.Role}, Password: password})
	}
	if err := s.o.Gate.SetUp(r, strings.TrimSpace(r.PostForm.Get("token")), first); err != nil {
		return s.refused(w, p, err)
	}
	goTo(w, r, "sign-in", "made")
	return nil
}
