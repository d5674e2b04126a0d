package web

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"yunjian/internal/auth"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/store"
)

//go:embed answer.html.tmpl home.html.tmpl sign.html.tmpl style.css
var assets embed.FS

// Options are what the console needs to know.
type Options struct {
	Location *time.Location
	Lang     func() report.Lang // for a visitor who asked for none, as the configuration in force says
	Registry *prometheus.Registry
	Log      zerolog.Logger
	Version  string
	// Report is what the configuration in force adds to a report.
	Report func() (report.Options, error)
	// Cases are the rules by which a notice is answered; nil: notices are not.
	Cases func() (pipeline.CaseOptions, error)
	// Gate says who sent a request; it stands before everything that is served.
	Gate *auth.Gate
	// API is mounted at /api/, within the gate, with its paths as they are; nil: none.
	// /api/auth/ is the gate's own.
	API http.Handler
}

// Server answers the console's requests.
type Server struct {
	data   *pipeline.Data
	o      Options
	home   *template.Template
	sign   *template.Template
	answer *template.Template

	mu    sync.Mutex
	cache map[string][]byte // rendered reports of the latest audit, by format and language
	asOf  time.Time         // audit that cache belongs to
}

// New returns the console over an opened data folder.
func New(data *pipeline.Data, o Options) *Server {
	return &Server{
		data: data, o: o,
		home:   template.Must(template.New("home.html.tmpl").ParseFS(assets, "home.html.tmpl")),
		sign:   template.Must(template.New("sign.html.tmpl").ParseFS(assets, "sign.html.tmpl")),
		answer: template.Must(template.New("answer.html.tmpl").ParseFS(assets, "answer.html.tmpl")),
		cache:  map[string][]byte{},
	}
}

// Handler returns the routes, behind the gate. Open to everybody are the pages of
// signing in and of answering by a link, their style, /healthz and /readyz.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", http.StripPrefix("/api/auth", s.o.Gate.Routes()))
	if s.o.API != nil {
		mux.Handle("/api/", s.o.API)
	}
	s.signRoutes(mux)
	if s.o.Cases != nil {
		s.answerRoutes(mux)
	}
	mux.Handle("GET /{$}", s.page(s.getHome))
	mux.Handle("GET /report", s.page(s.getReport))
	mux.Handle("GET /style.css", s.page(s.getStyle))
	mux.Handle("GET /healthz", s.page(s.getHealth))
	mux.Handle("GET /readyz", s.page(s.getReady))
	mux.Handle("GET /metrics", s.metrics(promhttp.HandlerFor(s.o.Registry, promhttp.HandlerOpts{})))
	return s.o.Gate.Handler(mux)
}

// metrics lets pass who asks from this machine, and else who may read the system,
// such as a scraper with a token. What a proxy on this machine forwards comes from
// elsewhere.
func (s *Server) metrics(next http.Handler) http.Handler {
	guarded := s.o.Gate.Require(auth.Permission{Function: auth.System, Action: auth.Read}, auth.Nobodys, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Real-Ip") != "" || r.Header.Get("Via") != ""
		if err == nil && peer.Addr().Unmap().IsLoopback() && !forwarded {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// signedIn reports whether a request may go on: a browser is sent to sign in, or to
// do what is due first; anything else is told so.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request) (bool, error) {
	who := auth.From(r.Context())
	page := "sign-in"
	switch {
	case who.Name != "" && who.Due == auth.DueNothing:
		return true, nil
	case who.Name != "":
		page = duePage(who.Due)
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false, problem{http.StatusUnauthorized, "请先登录，或带上令牌 | sign in first, or send a token"}
	}
	if r.URL.Query().Get("refused") != "" {
		goTo(w, r, page, "refused")
		return false, nil
	}
	goTo(w, r, page)
	return false, nil
}

var readReports = auth.Permission{Function: auth.Reports, Action: auth.Read}

// problem is an error whose message a visitor may read.
type problem struct {
	status  int
	message string
}

func (p problem) Error() string { return p.message }

// page turns a handler that returns an error into one that answers it: a
// problem as it stands, anything else as internal, in the log only.
func (s *Server) page(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'")
		err := h(w, r)
		var p problem
		switch {
		case err == nil:
		case errors.As(err, &p):
			http.Error(w, p.message, p.status)
		default:
			s.o.Log.Error().Err(err).Str("path", r.Pattern).Msg("answer request")
			http.Error(w, "内部错误，详见日志 | internal error: see the log", http.StatusInternalServerError)
		}
	})
}

func (s *Server) getStyle(w http.ResponseWriter, _ *http.Request) error {
	text, err := assets.ReadFile("style.css")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, err = w.Write(text)
	return err
}

func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) error {
	_, err := fmt.Fprintln(w, "ok")
	return err
}

// getReady answers 200 once the data folder can be read.
func (s *Server) getReady(w http.ResponseWriter, _ *http.Request) error {
	if _, err := s.data.State.Jobs(); err != nil {
		s.o.Log.Error().Err(err).Msg("not ready")
		return problem{http.StatusServiceUnavailable, "数据目录不可读 | the data folder cannot be read"}
	}
	_, err := fmt.Fprintln(w, "ready")
	return err
}

// homePage is what the page shows.
type homePage struct {
	ZH      bool
	Version string
	Now     string
	Jobs    []jobRow
	AsOf    string // empty: no audit yet
	Formats []report.Format
	Lang    report.Lang

	Name    string // of who is signed in
	Session bool   // which can be ended
	ShowJob bool
	Report  bool // may be read
}

type jobRow struct {
	Name, When, Took, Summary, Error string
	OK                               bool
}

func (s *Server) getHome(w http.ResponseWriter, r *http.Request) error {
	if ok, err := s.signedIn(w, r); !ok {
		return err
	}
	lang, err := s.lang(r)
	if err != nil {
		return err
	}
	who := auth.From(r.Context())
	jobs, err := s.data.State.Jobs()
	if err != nil {
		return err
	}
	page := homePage{
		ZH: lang == report.ZH, Lang: lang, Version: s.o.Version, Formats: report.Formats(),
		Now:  time.Now().In(s.o.Location).Format(time.DateTime),
		Name: who.Name, Session: who.Via == auth.ViaSession,
		Report: auth.Allowed(who, readReports, "") == nil,
	}
	page.ShowJob = page.Report || auth.Allowed(who, auth.Permission{Function: auth.System, Action: auth.Read}, "") == nil
	for _, j := range jobs {
		if pipeline.IsMark(j) || !page.ShowJob {
			continue
		}
		page.Jobs = append(page.Jobs, s.jobRow(j, page.ZH))
	}
	if a, ok, err := s.data.LatestAudit(); err != nil {
		return err
	} else if ok {
		page.AsOf = a.AsOf.In(s.o.Location).Format(time.DateTime)
	}
	var b bytes.Buffer
	if err := s.home.Execute(&b, page); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write(b.Bytes())
	return err
}

// jobNames are the daemon's jobs in Chinese; another one keeps its name.
var jobNames = map[string]string{"collect": "采集", "audit": "审计", "report": "周报", "tend": "归并与清理", "remind": "告知与催办", "send": "发送通知"}

func (s *Server) jobRow(j store.JobResult, zh bool) jobRow {
	title := j.Name
	if zh {
		title = cmp.Or(jobNames[j.Name], j.Name)
	}
	return jobRow{
		Name: title, OK: j.OK, Summary: j.Summary, Error: j.Error,
		When: j.Started.In(s.o.Location).Format(time.DateTime),
		Took: j.Finished.Sub(j.Started).Round(100 * time.Millisecond).String(),
	}
}

// forbidden answers a refusal; anything else is internal.
func forbidden(err error) error {
	var refusal *auth.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	return problem{http.StatusForbidden, "无权查看 | " + refusal.Error()}
}

// getReport answers the latest report in the format and language asked for.
func (s *Server) getReport(w http.ResponseWriter, r *http.Request) error {
	if ok, err := s.signedIn(w, r); !ok {
		return err
	}
	if err := s.o.Gate.Check(r, readReports, ""); err != nil {
		return forbidden(err)
	}
	lang, err := s.lang(r)
	if err != nil {
		return err
	}
	format := report.HTML
	if q := r.URL.Query().Get("format"); q != "" {
		if format, err = report.ParseFormat(q); err != nil {
			return problem{http.StatusBadRequest, err.Error()}
		}
	}
	a, ok, err := s.data.LatestAudit()
	if err != nil {
		return err
	}
	if !ok {
		return problem{http.StatusNotFound, "尚无审计结果 | no audit is stored yet"}
	}
	key := string(format) + "/" + string(lang)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asOf.Equal(a.AsOf) {
		clear(s.cache)
		s.asOf = a.AsOf
	}
	text, cached := s.cache[key]
	if !cached {
		o, err := s.o.Report()
		if err != nil {
			return err
		}
		weekly, err := report.Gather(context.WithoutCancel(r.Context()), s.data, a, o) // for whoever asks next, too
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := report.Write(&b, weekly, format, lang); err != nil {
			return err
		}
		text = b.Bytes()
		s.cache[key] = text
	}
	w.Header().Set("Content-Type", format.ContentType())
	if format == report.HTML {
		// The report is one file that carries its own style.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	} else if format != report.Text && format != report.JSON {
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "yunjian-"+pipeline.WeekOf(a.AsOf, s.o.Location).String()+"."+string(format)))
	}
	_, err = w.Write(text)
	return err
}

func (s *Server) lang(r *http.Request) (report.Lang, error) {
	q := r.URL.Query().Get("lang")
	if q == "" {
		return s.o.Lang(), nil
	}
	l, err := report.ParseLang(q)
	if err != nil {
		return "", problem{http.StatusBadRequest, err.Error()}
	}
	return l, nil
}
