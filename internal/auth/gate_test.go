package auth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// send has handler answer one request; header is name, value, name, value …
func send(handler http.Handler, method, target, body, peer string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = peer
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// site is the routes of signing in, and notices of two departments behind Require.
func site(g *Gate) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", http.StripPrefix("/api/auth", g.Routes()))
	owner := map[string]string{"1": "财政局", "2": "民政局"}
	mux.Handle("/notices/{id}", g.Require(Permission{Notices, Read}, func(r *http.Request) (string, error) {
		if of, ok := owner[r.PathValue("id")]; ok {
			return of, nil
		}
		return "", ErrNotFound
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("notice for " + From(r.Context()).Name))
	})))
	mux.Handle("POST /policies", g.Require(Permission{Policies, Create}, Nobodys, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })))
	return g.Handler(mux)
}

func sessionOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == sessionCookie && c.Value != "" {
			if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %v", c)
			}
			return sessionCookie + "=" + c.Value
		}
	}
	t.Fatalf("no session: %d %s", w.Code, w.Body)
	return ""
}

func TestOverHTTP(t *testing.T) {
	s, d := fresh(t, DefaultSettings())
	h := site(NewGate(s, nil))
	const peer = "10.1.1.1:999"
	w := send(h, "POST", "/api/auth/login", `{"name":"zhang","password":"`+good+`"}`, peer)
	cookie := sessionOf(t, w)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"roles":["dept"]`) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("signed in: %d %s", w.Code, w.Body)
	}
	text, _, err := s.AddToken(operator, NewToken{"t", "super", []Permission{{Notices, Read}}, []string{"民政局"}, time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"nobody", "GET", "/notices/1", nil, 401},
		{"one's own", "GET", "/notices/1", []string{"Cookie", cookie}, 200},
		{"another department's is not there", "GET", "/notices/2", []string{"Cookie", cookie}, 404},
		{"nor is one that is not", "GET", "/notices/3", []string{"Cookie", cookie}, 404},
		{"no role", "POST", "/policies", []string{"Cookie", cookie}, 403},
		{"another site", "POST", "/policies", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 403},
		{"another origin", "POST", "/api/auth/logout", []string{"Cookie", cookie, "Origin", "https://evil.example"}, 403},
		{"a made-up session", "GET", "/notices/1", []string{"Cookie", sessionCookie + "=AAAA"}, 401},
		{"a token", "GET", "/notices/2", []string{"Authorization", "Bearer " + text}, 200},
		{"a token beyond its departments", "GET", "/notices/1", []string{"Authorization", "Bearer " + text}, 404},
		{"a token beyond its scopes", "POST", "/policies", []string{"Authorization", "Bearer " + text}, 403},
		{"a wrong token, with a session", "GET", "/notices/1", []string{"Authorization", "Bearer yjt_x", "Cookie", cookie}, 401},
		{"headers without a gateway", "GET", "/notices/1", []string{"X-Remote-User", "outside"}, 401},
	} {
		if w := send(h, c.method, c.path, "", peer, c.header...); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
	}
	before := len(d.events)
	send(h, "GET", "/notices/2", "", peer, "Cookie", cookie)
	if e := d.last(t); len(d.events) != before+1 || e.What != "notices:read" || e.Object != "民政局" || e.Outcome != Refused || e.Who != "zhang" || e.Address != "10.1.1.1" {
		t.Errorf("on record: %+v", e)
	}
	wrong := send(h, "POST", "/api/auth/login", `{"name":"zhang","password":"x"}`, peer)
	nobody := send(h, "POST", "/api/auth/login", `{"name":"nobody","password":"x"}`, peer)
	if wrong.Code != 401 || nobody.Code != 401 || wrong.Body.String() != nobody.Body.String() {
		t.Errorf("a wrong password answers %s, an unknown name %s", wrong.Body, nobody.Body)
	}
	for name, body := range map[string]string{"no JSON": "x", "another field": `{"user":"x"}`, "too long": `{"name":"` + strings.Repeat("x", maxBody) + `"}`} {
		if w := send(h, "POST", "/api/auth/login", body, "10.1.1.2:1"); w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := send(h, "POST", "/api/auth/password", `{"old":"`+good+`","new":"weak"}`, peer, "Cookie", cookie); w.Code != 422 {
		t.Errorf("a weak password: %d %s", w.Code, w.Body)
	}
	if w := send(h, "POST", "/api/auth/password", `{"old":"`+good+`","new":"Mountain-8-river"}`, peer, "Cookie", cookie); w.Code != 204 {
		t.Errorf("a new password: %d %s", w.Code, w.Body)
	}
	if w := send(h, "GET", "/notices/1", "", peer, "Cookie", cookie); w.Code != 401 {
		t.Errorf("a session from before the new password: %d", w.Code)
	}
	if w := send(h, "POST", "/api/auth/setup", `{}`, peer); w.Code != 403 {
		t.Errorf("set-up from elsewhere: %d", w.Code)
	}
	if w := send(h, "POST", "/api/auth/setup", `{"token":"x","accounts":[]}`, "127.0.0.1:5"); w.Code != 422 {
		t.Errorf("set-up again: %d", w.Code)
	}
	for range 20 {
		w = send(h, "POST", "/api/auth/login", `{"name":"x","password":"x"}`, "10.1.1.3:1")
	}
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("twenty at once: %d", w.Code)
	}
	if w := send(h, "POST", "/api/auth/logout", "", peer); w.Code != 204 {
		t.Errorf("signing out: %d", w.Code)
	}
}

func TestGatewayHeaders(t *testing.T) {
	settings := DefaultSettings()
	settings.Proxies = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	settings.Header = HeaderRules{Account: "X-Remote-User", Roles: "X-Remote-Roles", Departments: "X-Remote-Departments"}
	settings.External = map[string]Role{"bmgly": Dept, "cw": Finance, "sys": SysAdmin, "sec": SecAdmin, "aud": Auditor}
	s, d := fresh(t, settings)
	g := NewGate(s, nil)
	h := site(g)
	const in, out = "10.9.1.1:5", "10.8.1.1:5"
	user := []string{"X-Remote-User", "outside", "X-Remote-Roles", "bmgly, other", "X-Remote-Departments", "财政局"}
	for _, c := range []struct {
		name, peer string
		header     []string
		status     int
	}{
		{"through the gateway", in, user, 200},
		{"past it", out, user, 401},
		{"past it, claiming to come from it", out, append([]string{"X-Forwarded-For", "10.9.1.1"}, user...), 401},
		{"the gateway as IPv4 in IPv6", "[::ffff:10.9.1.1]:5", user, 200},
		{"the other gateway", "[fd00::1]:5", user, 200},
		{"no such account", in, []string{"X-Remote-User", "nobody"}, 401},
		{"an account with a password", in, []string{"X-Remote-User", "zhang", "X-Remote-Roles", "bmgly", "X-Remote-Departments", "财政局"}, 401},
		{"the header twice", in, append([]string{"X-Remote-User", "zhang"}, user...), 401},
		{"all three officers", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "sys,sec,aud"}, 401},
		{"dept of no department", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "bmgly"}, 401},
		{"finance of a department", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "cw", "X-Remote-Departments", "财政局"}, 200},
		{"finance of another", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "cw", "X-Remote-Departments", "民政局"}, 404},
		{"finance of no department", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "cw"}, 401},
		{"finance of all departments", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "cw", "X-Remote-Departments", "*"}, 200},
		{"dept of all departments", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "bmgly", "X-Remote-Departments", "*"}, 401},
		{"all and one", in, []string{"X-Remote-User", "outside", "X-Remote-Roles", "cw", "X-Remote-Departments", "*,民政局"}, 404},
		{"not a name", in, []string{"X-Remote-User", "os:root"}, 401},
		{"no header", in, nil, 401},
		{"roles taken away", in, []string{"X-Remote-User", "outside"}, 403},
	} {
		if w := send(h, "GET", "/notices/1", "", c.peer, c.header...); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
	}
	if w := send(h, "POST", "/policies", "", in, append([]string{"Sec-Fetch-Site", "cross-site"}, user...)...); w.Code != 403 || strings.Contains(w.Body.String(), "role") {
		t.Errorf("another site through the gateway: %d %s", w.Code, w.Body)
	}
	if err := s.Disable(operator, "outside"); err != nil {
		t.Fatal(err)
	}
	if w := send(h, "GET", "/notices/1", "", in, user...); w.Code != 401 || d.last(t).Detail != "the account is disabled or has expired" {
		t.Errorf("disabled: %d, %+v", w.Code, d.last(t))
	}
	for _, c := range []struct{ name, peer, forwarded, want string }{
		{"no gateway", "10.8.1.1:5", "1.2.3.4", "10.8.1.1"},
		{"a gateway", in, "1.2.3.4", "1.2.3.4"},
		{"two gateways", in, "6.6.6.6, 1.2.3.4, 10.9.2.2", "1.2.3.4"},
		{"no word of it", in, "", "10.9.1.1"},
		{"nonsense", in, "1.2.3.4, x", "10.9.1.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := g.Address(r); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Tokens that are none are put on record, and not without end.
func TestWrongTokensAreLimited(t *testing.T) {
	s, d := fresh(t, DefaultSettings())
	h := site(NewGate(s, nil))
	before := len(d.events)
	var w *httptest.ResponseRecorder
	for range 50 {
		w = send(h, "GET", "/notices/1", "", "10.1.1.4:1", "Authorization", "Bearer yjt_x")
	}
	if w.Code != http.StatusTooManyRequests || len(d.events)-before > 25 {
		t.Errorf("fifty wrong tokens: %d, %d on record", w.Code, len(d.events)-before)
	}
}

// Whoever is not recognized is the guest of an open gate, and nobody of another.
func TestOpenGate(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	g := NewGate(s, nil)
	g.Open(Principal{Name: "guest", Via: ViaGuest, Roles: []Role{Supervisor}, Departments: Everywhere()})
	h := site(g)
	if w := send(h, "GET", "/notices/1", "", "10.1.1.1:1"); w.Code != 200 || w.Body.String() != "notice for guest" {
		t.Errorf("a guest: %d %s", w.Code, w.Body)
	}
	token, _ := signIn(t, s, "zhang")
	if w := send(h, "GET", "/notices/2", "", "10.1.1.1:1", "Cookie", sessionCookie+"="+token); w.Code != 404 {
		t.Errorf("somebody who signed in: %d", w.Code)
	}
	if w := send(h, "GET", "/notices/1", "", "10.1.1.1:1", "Authorization", "Bearer yjt_x"); w.Code != 401 {
		t.Errorf("a wrong token: %d", w.Code)
	}
	if _, _, err := s.AddToken(Principal{Name: "zhang", Via: ViaGuest}, NewToken{"t", "zhang", []Permission{{Notices, Read}}, nil, time.Now().Add(time.Hour)}); err == nil {
		t.Error("a guest makes a token")
	}
}

// Names by which the journal calls others are no accounts'.
func TestReservedNames(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	for _, name := range reserved {
		if err := s.Add(operator, NewAccount{Name: name}); err == nil || !strings.Contains(err.Error(), "want another") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A limiter forgets whom it need not remember, and is not to be filled up.
func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(time.Hour, 2)
	for i := range maxClients + 50 {
		l.allow(string(rune(i)) + "x")
	}
	if len(l.clients) > maxClients {
		t.Errorf("%d clients remembered", len(l.clients))
	}
	if l.allow("one more") {
		t.Error("beyond what is remembered there is no limit")
	}
	l = newLimiter(time.Nanosecond, 1)
	for i := range maxClients + 1 {
		l.allow(string(rune(i)) + "x")
	}
	if len(l.clients) > maxClients {
		t.Error("nobody is forgotten")
	}
}

// Events are whole as JSON, for whoever keeps them.
func TestEventAsJSON(t *testing.T) {
	text, err := json.Marshal(Event{At: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC), Who: "wang", Via: ViaToken, What: "x", Outcome: Done})
	if want := `{"at":"2026-11-23T02:00:00Z","who":"wang","via":"token","what":"x","outcome":"done"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
