package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
)

// browser keeps cookies as one does on this machine, and follows no redirect.
type browser struct {
	t      *testing.T
	base   string
	cookie string
}

func (b *browser) do(method, path string, form url.Values) (status int, location, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		req.Header.Set("Cookie", b.cookie)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(text)
}

const (
	good   = "Mountain-7-river"
	better = "Mountain-8-river"
)

// A new installation is set up by whoever has the token, who may then sign in, must
// change what another one chose, and leaves.
func TestSigningIn(t *testing.T) {
	data, base := serveTo(t, auth.Principal{})
	svc := auth.New(data.State, auth.DefaultSettings(), nil)
	b := &browser{t: t, base: base}
	want := func(step, method, path string, form url.Values, status int, has string) {
		t.Helper()
		got, location, body := b.do(method, path, form)
		if got != status || !strings.Contains(location+"\n"+body, has) {
			t.Errorf("%s: %s %s answered %d %q\n%s\nwant %d with %q", step, method, path, got, location, body, status, has)
		}
	}
	want("nobody is sent to sign in", "GET", "/?lang=en", nil, 303, "./sign-in?lang=en")
	want("where there are no accounts, to set-up", "GET", "/sign-in", nil, 303, "./set-up")
	want("which says where the token is", "GET", "/set-up", nil, 200, "setup-token")
	token, err := svc.NewSetupToken()
	if err != nil {
		t.Fatal(err)
	}
	three := func(token, again string) url.Values {
		f := url.Values{"token": {token}}
		for _, name := range []string{"sysadmin", "secadmin", "auditor"} {
			f.Set(name, name)
			f.Set(name+"-password", good)
			f.Set(name+"-again", again)
		}
		return f
	}
	want("another token", "POST", "/set-up", three("x", good), 401, "令牌")
	want("a slip", "POST", "/set-up", three(token, "x"), 422, "两次输入的口令不同")
	want("the first accounts", "POST", "/set-up", three(token, good), 303, "made=1")
	want("once", "GET", "/set-up", nil, 303, "sign-in")
	if err := svc.Add(auth.Operator("tester"), auth.NewAccount{Name: "li", Roles: []auth.Role{auth.Viewer}, Password: good}); err != nil {
		t.Fatal(err)
	}

	login := func(password string) url.Values { return url.Values{"name": {"li"}, "password": {password}} }
	want("a wrong password", "POST", "/sign-in?lang=en", login("x"), 401, "Signing in failed")
	if _, _, body := b.do("POST", "/sign-in", url.Values{"name": {`"><script>`}, "password": {"x"}}); strings.Contains(body, "<script>") {
		t.Error("what was given is shown unescaped")
	}
	want("the right one", "POST", "/sign-in", login(good), 303, "./password")
	want("which another one chose", "GET", "/", nil, 303, "./password")
	want("a weak new one", "POST", "/password", url.Values{"old": {good}, "new": {"x"}, "again": {"x"}}, 422, "没有改动")
	want("a new one", "POST", "/password", url.Values{"old": {good}, "new": {better}, "again": {better}}, 303, "changed=1")
	want("with it", "POST", "/sign-in", login(better), 303, "./")
	want("the page", "GET", "/", nil, 200, "退出登录")
	want("the report", "GET", "/report", nil, 404, "尚无审计结果")
	want("the API", "GET", "/api/v1/x", nil, 200, "API for li at /api/v1/x")
	want("a code that is wrong", "POST", "/codes", url.Values{"code": {"000000"}}, 422, "没有改动")
	want("one-time codes", "POST", "/codes", url.Values{}, 200, "otpauth://totp/Yunjian:li")
	want("leaving", "POST", "/sign-out", url.Values{}, 303, "./sign-in")
	want("gone", "GET", "/password", nil, 303, "./sign-in")

	what := map[string]int{}
	if err := data.State.Journal(journal.Filter{}, func(e journal.Entry) error {
		what[e.Actor+" "+e.Action+" "+string(e.Outcome)]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for entry, n := range map[string]int{"setup account.setup refused": 1, "setup account.setup done": 1, "li session.begin refused": 1, "li session.begin done": 2, "li account.passwd done": 1, "li session.end done": 1} {
		if what[entry] != n {
			t.Errorf("the journal has %q %d times, want %d: %v", entry, what[entry], n, what)
		}
	}
}

// Who may read which page, by the matrix; and what goes without signing in.
func TestWhoMayRead(t *testing.T) {
	for _, c := range []struct {
		who                  auth.Principal
		home, report, health int
	}{
		{auth.Principal{}, 401, 401, 200},
		{auth.Principal{Name: "a", Roles: []auth.Role{auth.Viewer}, Departments: auth.Everywhere()}, 200, 404, 200},
		{auth.Principal{Name: "a", Roles: []auth.Role{auth.SysAdmin}, Departments: auth.Everywhere()}, 200, 403, 200},
		{auth.Principal{Name: "a", Roles: []auth.Role{auth.Dept}, Departments: auth.Departments{Names: []string{"财政局"}}}, 200, 403, 200},
		{auth.Principal{Name: "a", Roles: []auth.Role{auth.Viewer}, Departments: auth.Departments{Names: []string{"财政局"}}}, 200, 403, 200},
		{auth.Principal{Name: "a", Roles: []auth.Role{auth.Viewer}, Departments: auth.Everywhere(), Due: auth.DuePassword}, 401, 401, 200},
	} {
		_, base := serveTo(t, c.who)
		for path, want := range map[string]int{"/": c.home, "/report": c.report, "/healthz": c.health, "/readyz": 200, "/style.css": 200, "/metrics": 200} {
			if resp, body := get(t, base+path); resp.StatusCode != want {
				t.Errorf("%+v: %s answered %d %s, want %d", c.who, path, resp.StatusCode, body, want)
			}
		}
	}
}

// Metrics are open to this machine itself, not to what it forwards.
func TestMetricsFromElsewhere(t *testing.T) {
	data, err := pipeline.Open(t.TempDir(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	s := New(data, Options{Gate: auth.NewGate(auth.New(data.State, auth.DefaultSettings(), nil), nil)})
	h := s.o.Gate.Handler(s.metrics(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	for _, c := range []struct {
		name, peer, header string
		want               int
	}{
		{"from this machine", "127.0.0.1:5", "", 200},
		{"by IPv6", "[::1]:5", "", 200},
		{"from another", "10.0.0.1:5", "", 401},
		{"forwarded by a proxy here", "127.0.0.1:5", "X-Forwarded-For", 401},
		{"or by another kind", "127.0.0.1:5", "Forwarded", 401},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.peer
		if c.header != "" {
			r.Header.Set(c.header, "10.0.0.9")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.want)
		}
	}
}

// A page over plain HTTP that is not this machine's says that no session is kept.
func TestPlainly(t *testing.T) {
	for host, want := range map[string]bool{"localhost:8900": false, "127.0.0.1:8900": false, "[::1]:8900": false, "10.0.0.1:8900": true, "yunjian.example": true} {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/sign-in", nil)
		if plainly(r) != want {
			t.Errorf("%s: %v", host, !want)
		}
		r.Header.Set("X-Forwarded-Proto", "https")
		if plainly(r) {
			t.Errorf("%s through a gateway", host)
		}
	}
}
