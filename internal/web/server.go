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
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/store"
)

//go:embed home.html.tmpl style.css
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
}

// Server answers the console's requests.
type Server struct {
	data *pipeline.Data
	o    Options
	home *template.Template

	mu    sync.Mutex
	cache map[string][]byte // rendered reports of the latest audit, by format and language
	asOf  time.Time         // audit that cache belongs to
}

// New returns the console over an opened data folder.
func New(data *pipeline.Data, o Options) *Server {
	return &Server{
		data: data, o: o,
		home:  template.Must(template.New("home.html.tmpl").ParseFS(assets, "home.html.tmpl")),
		cache: map[string][]byte{},
	}
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.page(s.getHome))
	mux.Handle("GET /report", s.page(s.getReport))
	mux.Handle("GET /style.css", s.page(s.getStyle))
	mux.Handle("GET /healthz", s.page(s.getHealth))
	mux.Handle("GET /readyz", s.page(s.getReady))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.o.Registry, promhttp.HandlerOpts{}))
	return mux
}

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
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
		err := h(w, r)
		var p problem
		switch {
		case err == nil:
		case errors.As(err, &p):
			http.Error(w, p.message, p.status)
		default:
			s.o.Log.Error().Err(err).Str("path", r.URL.Path).Msg("answer request")
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
}

type jobRow struct {
	Name, When, Took, Summary, Error string
	OK                               bool
}

func (s *Server) getHome(w http.ResponseWriter, r *http.Request) error {
	lang, err := s.lang(r)
	if err != nil {
		return err
	}
	jobs, err := s.data.State.Jobs()
	if err != nil {
		return err
	}
	page := homePage{
		ZH: lang == report.ZH, Lang: lang, Version: s.o.Version, Formats: report.Formats(),
		Now: time.Now().In(s.o.Location).Format(time.DateTime),
	}
	for _, j := range jobs {
		if pipeline.IsMark(j) {
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
var jobNames = map[string]string{"collect": "采集", "audit": "审计", "report": "周报", "tend": "归并与清理"}

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

// getReport answers the latest report in the format and language asked for.
func (s *Server) getReport(w http.ResponseWriter, r *http.Request) error {
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
