package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/internal/store"
	"yunjian/policies"
	"yunjian/price"
)

// serve opens the console to everybody, who may look at everything.
func serve(t *testing.T) (*pipeline.Data, string) {
	t.Helper()
	return serveTo(t, auth.Principal{Name: "guest", Via: auth.ViaGuest, Roles: []auth.Role{auth.SysAdmin, auth.Viewer}, Departments: auth.Everywhere()})
}

// serveTo opens the console to a guest; to nobody but those who sign in, where that
// is the zero Principal.
func serveTo(t *testing.T, guest auth.Principal) (*pipeline.Data, string) {
	t.Helper()
	data, err := pipeline.Open(t.TempDir(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	gate := auth.NewGate(auth.New(data.State, auth.DefaultSettings(), data.RecordAuth), nil)
	gate.Open(guest)
	pack, ok := policies.ByID("cn-gov-baseline")
	if !ok {
		t.Fatal("the baseline pack is gone")
	}
	console := New(data, Options{
		Cases:    func() (pipeline.CaseOptions, error) { return rules(t), nil },
		Location: time.UTC, Lang: func() report.Lang { return report.ZH }, Registry: prometheus.NewRegistry(), Log: zerolog.Nop(), Version: "v0",
		Report: func() (report.Options, error) {
			return report.Options{Location: time.UTC, Pack: pack, Now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}, nil
		},
		Gate: gate,
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "API for "+auth.From(r.Context()).Name+" at "+r.URL.Path)
		}),
	})
	server := httptest.NewServer(console.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	})
	return data, server.URL
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPages(t *testing.T) {
	data, url := serve(t)
	for _, c := range []struct {
		name, path string
		status     int
		want       string
	}{
		{"nothing has run yet, in Chinese first", "/", 200, "作业尚未运行"},
		{"and in English", "/?lang=en", 200, "No job has run yet"},
		{"no report yet is not found", "/report", 404, "尚无审计结果"},
		{"a language nobody speaks", "/?lang=fr", 400, "want one of"},
		{"alive", "/healthz", 200, "ok"},
		{"ready", "/readyz", 200, "ready"},
		{"style", "/style.css", 200, "body"},
		{"no such page", "/admin", 404, ""},
	} {
		resp, body := get(t, url+c.path)
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %s answered %d %q, want %d with %q", c.name, c.path, resp.StatusCode, body, c.status, c.want)
		}
	}

	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	if err := data.State.PutJob(store.JobResult{Name: "collect", Started: now, Finished: now.Add(time.Second), Error: "call <b>Describe</b>: no answer"}); err != nil {
		t.Fatal(err)
	}
	if err := data.State.PutJob(store.JobResult{Name: "gaps:province", Started: now, Finished: now, OK: true}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := data.State.PutInventory(cloud.Inventory{Cloud: "a", TakenAt: now}, nil, journal.New(t.Context(), now, journal.InventoryStored, pipeline.CloudObject("a"))); err != nil {
		t.Fatal(err)
	}
	pack, _ := policies.ByID("cn-gov-baseline")
	if _, err := data.Audit(t.Context(), pipeline.AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: now, Location: time.UTC}); err != nil {
		t.Fatal(err)
	}
	_, home := get(t, url+"/?lang=en")
	for _, want := range []string{"✘ failed", "call &lt;b&gt;Describe", "As of 2026-11-23 02:00:00", `href="report?format=xlsx&amp;lang=en"`} {
		if !strings.Contains(home, want) {
			t.Errorf("the page does not hold %q:\n%s", want, home)
		}
	}
	if strings.Contains(home, "gaps:") {
		t.Error("the page shows a mark as if it were a job")
	}
	for _, f := range report.Formats() {
		resp, body := get(t, url+"/report?lang=en&format="+string(f))
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != f.ContentType() || len(body) == 0 {
			t.Errorf("report as %s: %d, %s, %d bytes", f, resp.StatusCode, resp.Header.Get("Content-Type"), len(body))
		}
	}
}

// No page may load or run anything from elsewhere, nor be framed by others.
func TestSecurityHeaders(t *testing.T) {
	_, url := serve(t)
	for _, path := range []string{"/", "/report", "/style.css", "/?lang=fr"} {
		resp, _ := get(t, url+path)
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'self'") || strings.Contains(policy, "script-src") {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", path)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		req, err := http.NewRequestWithContext(t.Context(), method, url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s answered %d, want 405", method, resp.StatusCode)
		}
	}
}
