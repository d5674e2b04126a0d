package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/utilization"
)

// yunjian is internal/history. It is loaded in this process and asked in a
// child of its own, over HTTP as the peers are, so that neither the datasets in
// this process' memory nor a shorter way to the answer help it.
type yunjian struct {
	*server
	folder string
	cycles bool // load cycle by cycle, as the daemon does
}

func (y *yunjian) name() string {
	if y.cycles {
		return own + ", cycle by cycle"
	}
	return own
}

func (y *yunjian) path() string { return filepath.Join(y.folder, "history.db") }

// bulk is how many samples one Append of the bulk load brings, about.
const bulk = 4 << 20

func (y *yunjian) load(ctx context.Context, d dataset) error {
	s, err := history.Open(y.path(), history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer s.Close()
	if y.cycles {
		err = loadCycles(ctx, s, d)
	} else {
		err = loadBulk(s, d)
	}
	if err != nil {
		return err
	}
	// Two months later every span is closed.
	if err := s.Fold(ctx, d.window.To.AddDate(0, 0, 60)); err != nil {
		return err
	}
	if err := s.Compact(ctx); err != nil {
		return err
	}
	return s.Close()
}

func loadBulk(s *history.Store, d dataset) error {
	for from := 0; from < len(d.series); {
		to, n := from, 0
		for ; to < len(d.series) && n < bulk; to++ {
			n += len(d.series[to].Points)
		}
		if err := s.Append(d.series[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// loadCycles appends what every series has in one step, step after step, and
// folds once a day.
func loadCycles(ctx context.Context, s *history.Store, d dataset) error {
	next := make([]int, len(d.series))
	for at := d.window.From.Unix(); at < d.window.To.Unix(); at += step {
		var cycle []cloud.Series
		for i, x := range d.series {
			n := next[i]
			for n < len(x.Points) && x.Points[n].T < at+step {
				n++
			}
			if n > next[i] {
				cycle = append(cycle, cloud.Series{Resource: x.Resource, Metric: x.Metric, Points: x.Points[next[i]:n]})
				next[i] = n
			}
		}
		if err := s.Append(cycle); err != nil {
			return err
		}
		if (at-d.window.From.Unix())%86400 == 2*3600 {
			if err := s.Fold(ctx, time.Unix(at, 0)); err != nil {
				return err
			}
		}
	}
	return nil
}

// bytes is the whole file.
func (y *yunjian) bytes() (int64, error) { return size(y.path()) }

func (y *yunjian) ask(ctx context.Context, d dataset) (func() (answers, error), error) {
	if y.server == nil {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		if y.server, err = serve(ctx, "/", self, "child-serve", y.path(), "%s"); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, m := range d.metrics {
		names = append(names, string(m))
	}
	body, err := get(ctx, y.address+"/scan", url.Values{
		"metric": names, "from": {strconv.FormatInt(d.window.From.Unix(), 10)}, "to": {strconv.FormatInt(d.window.To.Unix(), 10)},
	})
	if err != nil {
		return nil, err
	}
	return func() (answers, error) {
		var lines []scanLine
		if err := json.Unmarshal(body, &lines); err != nil {
			return nil, err
		}
		out := answers{}
		for _, l := range lines {
			out[key{l.Resource, l.Metric}] = l.Answer
		}
		return out, nil
	}, nil
}

func (y *yunjian) close() {
	if y.server != nil {
		y.server.close()
	}
}

type scanLine struct {
	Resource string       `json:"resource"`
	Metric   cloud.Metric `json:"metric"`
	Answer   answer       `json:"answer"`
}

// childServe answers scans of the file args[0] at the address args[1].
func childServe(_ context.Context, args []string) error {
	s, err := history.Open(args[0], history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer s.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /scan", func(w http.ResponseWriter, r *http.Request) {
		if err := scan(w, r, s); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return http.ListenAndServe(args[1], mux)
}

func scan(w http.ResponseWriter, r *http.Request, s *history.Store) error {
	from, err := strconv.ParseInt(r.FormValue("from"), 10, 64)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	to, err := strconv.ParseInt(r.FormValue("to"), 10, 64)
	if err != nil {
		return fmt.Errorf("to: %w", err)
	}
	span := history.Span{Window: cloud.Window{From: time.Unix(from, 0), To: time.Unix(to, 0)}}
	for _, m := range r.Form["metric"] {
		span.Metrics = append(span.Metrics, cloud.Metric(m))
	}
	lines := []scanLine{}
	err = history.Scan(r.Context(), s, history.Query{Spans: []history.Span{span}}, func(resource string, u []map[cloud.Metric]utilization.Summary) ([]scanLine, error) {
		var lines []scanLine
		for _, m := range span.Metrics {
			if x, ok := u[0][m]; ok {
				lines = append(lines, scanLine{resource, m, answer{x.Quantile(0.95), x.Quantile(0.99), x.Max}})
			}
		}
		return lines, nil
	}, func(more []scanLine) error {
		lines = append(lines, more...)
		return nil
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(slices.Clip(lines))
}
