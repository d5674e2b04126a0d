package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// issuer is a whole OpenID Connect provider for one client: discovery, keys,
// authorization with PKCE, and ID tokens signed with ES256. Whoever asks is signed
// in as claims say.
type issuer struct {
	*httptest.Server
	t      *testing.T
	key    *ecdsa.PrivateKey
	secret string

	mu     sync.Mutex
	claims map[string]any        // of whom it signs in
	alter  func(map[string]any)  // what goes wrong with the ID token
	apart  map[string]any        // claims of the UserInfo endpoint; nil: there is none
	codes  map[string]url.Values // code → what was asked
}

func newIssuer(t *testing.T) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &issuer{t: t, key: key, secret: "s3cret", codes: map[string]url.Values{}, alter: func(map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		found := map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"code_challenge_methods_supported": []string{"S256"},
		}
		if p.apart != nil {
			found["userinfo_endpoint"] = p.URL + "/userinfo"
		}
		writeJSON(w, 200, found)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		writeJSON(w, 200, p.apart)
	})
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "yunjian" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	code := newOpaque()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (p *issuer) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	asked, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code")) // a code counts once
	p.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || !basic || id != "yunjian" || secret != p.secret || r.FormValue("redirect_uri") != asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": p.URL, "aud": "yunjian", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce")}
	for k, v := range p.claims {
		claims[k] = v
	}
	p.alter(claims)
	key := p.key
	if claims["forged"] == true {
		key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		p.t.Error(err)
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		p.t.Error(err)
	}
	writeJSON(w, 200, map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": raw})
}

// walk signs in through the provider as a browser does, and returns what the
// callback answers. meddle may alter the callback's address and cookie.
func (p *issuer) walk(h http.Handler, meddle func(callback *url.URL, cookie *string)) *httptest.ResponseRecorder {
	p.t.Helper()
	w := send(h, "GET", "/api/auth/login/oidc", "", "10.1.1.1:5")
	if w.Code != http.StatusSeeOther {
		p.t.Fatalf("begin: %d %s", w.Code, w.Body)
	}
	cookie := strings.SplitN(w.Header().Get("Set-Cookie"), ";", 2)[0]
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(w.Header().Get("Location"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	callback, err := resp.Location()
	if err != nil {
		p.t.Fatal(err)
	}
	if meddle != nil {
		meddle(callback, &cookie)
	}
	return send(h, "GET", callback.RequestURI(), "", "10.1.1.1:5", "Cookie", cookie)
}

func TestOIDC(t *testing.T) {
	p := newIssuer(t)
	settings := DefaultSettings()
	settings.External = map[string]Role{"bm": Dept, "ro": Viewer}
	settings.OIDC = OIDCRules{
		Issuer: p.URL, ClientID: "yunjian", RedirectURL: "http://console.example/api/auth/login/oidc/callback", Scopes: []string{"profile"},
		AccountClaim: "preferred_username", RolesClaim: "groups", DepartmentsClaim: "dept",
	}
	s, d := fresh(t, settings)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	provider := NewProvider(s, p.secret, client)
	gate := NewGate(s, provider)
	h := site(gate)
	is := func(sub, account string, groups ...string) {
		p.claims = map[string]any{"sub": sub, "preferred_username": account, "name": "张三", "groups": groups, "dept": "财政局"}
	}

	is("u1", "outside", "bm", "unknown")
	w := p.walk(h, nil)
	cookie := sessionOf(t, w)
	if w.Code != http.StatusSeeOther {
		t.Errorf("signed in: %d", w.Code)
	}
	if w := send(h, "GET", "/notices/1", "", "10.1.1.1:5", "Cookie", cookie); w.Code != 200 {
		t.Errorf("with the role of the claims: %d %s", w.Code, w.Body)
	}
	if w := send(h, "GET", "/notices/2", "", "10.1.1.1:5", "Cookie", cookie); w.Code != 404 {
		t.Errorf("another department's: %d", w.Code)
	}

	refused := func(name, detail string, w *httptest.ResponseRecorder) {
		t.Helper()
		var said struct{ Error string }
		_ = json.Unmarshal(w.Body.Bytes(), &said)
		if e := d.last(t); w.Code != http.StatusUnauthorized || said.Error != ErrSignIn.Error() || e.Outcome != Refused || !strings.Contains(e.Detail, detail) {
			t.Errorf("%s: %d %s; on record %q, want %q", name, w.Code, w.Body, e.Detail, detail)
		}
		gate.signIns = newLimiter(time.Second, 10)
		h = site(gate)
	}
	is("u2", "outside", "bm")
	refused("another subject of that name", "another subject", p.walk(h, nil))
	is("u3", "wang", "bm")
	refused("an account with a password", "its password", p.walk(h, nil))
	is("u4", "nobody", "bm")
	refused("no account", "no such account", p.walk(h, nil))
	is("u5", "")
	refused("no name", "account name", p.walk(h, nil))

	is("u1", "outside", "bm")
	refused("another state", "not to this browser's question", p.walk(h, func(u *url.URL, _ *string) {
		q := u.Query()
		q.Set("state", "x")
		u.RawQuery = q.Encode()
	}))
	refused("another browser", "no sign-in is under way", p.walk(h, func(_ *url.URL, c *string) { *c = "x=y" }))
	refused("another verifier", "exchange the code", p.walk(h, func(_ *url.URL, c *string) { *c = (*c)[:strings.LastIndex(*c, ".")] + "." + newOpaque() }))
	refused("another nonce", "another question", p.walk(h, func(_ *url.URL, c *string) {
		parts := strings.Split(*c, ".")
		parts[1] = newOpaque()
		*c = strings.Join(parts, ".")
	}))
	refused("the provider says no", "access_denied", p.walk(h, func(u *url.URL, _ *string) {
		q := u.Query()
		q.Del("code")
		q.Set("error", "access_denied")
		u.RawQuery = q.Encode()
	}))
	var again string
	p.walk(h, func(u *url.URL, c *string) { again = u.RequestURI() + "\n" + *c })
	uri, kept, _ := strings.Cut(again, "\n")
	refused("the same answer again", "exchange the code", send(h, "GET", uri, "", "10.1.1.1:5", "Cookie", kept))
	for name, alter := range map[string]func(map[string]any){
		"expired":          func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
		"another audience": func(c map[string]any) { c["aud"] = "other" },
		"another issuer":   func(c map[string]any) { c["iss"] = "https://evil.example" },
		"another key":      func(c map[string]any) { c["forged"] = true },
	} {
		p.alter = alter
		refused(name, "verify the ID token", p.walk(h, nil))
	}
	p.alter = func(map[string]any) {}

	s.set.OIDC.Create = true
	is("u9", "li", "ro")
	sessionOf(t, p.walk(h, nil))
	if a, err := s.account("li"); err != nil || len(a.Roles) != 1 || a.Roles[0] != Viewer || a.Title != "张三" || a.Subject != p.URL+"|u9" {
		t.Errorf("made: %+v, %v", a, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	p.Close()
	silent := NewProvider(s, "", client)
	if err := silent.Discover(ctx); err == nil {
		t.Error("a provider that does not answer")
	}
	if w := send(site(NewGate(s, silent)), "GET", "/api/auth/login/oidc", "", "10.1.1.1:5"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("sign-in through a provider that does not answer: %d %s", w.Code, w.Body)
	}
}

// Claims that the ID token lacks are asked for; they must be of the same subject, and
// change nothing that is signed.
func TestOIDCUserInfo(t *testing.T) {
	p := newIssuer(t)
	p.apart = map[string]any{}
	settings := DefaultSettings()
	settings.External = map[string]Role{"ro": Viewer, "bm": Dept}
	settings.OIDC = OIDCRules{
		Issuer: p.URL, ClientID: "yunjian", RedirectURL: "http://console.example/api/auth/login/oidc/callback", Scopes: []string{"profile"},
		AccountClaim: "preferred_username", RolesClaim: "groups",
	}
	s, d := fresh(t, settings)
	gate := NewGate(s, NewProvider(s, p.secret, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	h := site(gate)
	p.claims = map[string]any{"sub": "u1", "groups": []string{"ro"}}

	p.apart = map[string]any{"sub": "u1", "preferred_username": "outside", "groups": []string{"bm"}, "name": "张三"}
	sessionOf(t, p.walk(h, nil))
	if a, err := s.account("outside"); err != nil || len(a.Roles) != 1 || a.Roles[0] != Viewer {
		t.Errorf("given: %+v, %v", a, err)
	}
	for name, c := range map[string]struct {
		apart  map[string]any
		detail string
	}{
		"another subject": {map[string]any{"sub": "u2", "preferred_username": "outside"}, "another subject's"},
		"no subject":      {map[string]any{"preferred_username": "outside"}, "another subject's"},
		"no name":         {map[string]any{"sub": "u1"}, "account name"},
	} {
		p.apart = c.apart
		if w := p.walk(h, nil); w.Code != http.StatusUnauthorized || !strings.Contains(d.last(t).Detail, c.detail) {
			t.Errorf("%s: %d %s; on record %q", name, w.Code, w.Body, d.last(t).Detail)
		}
	}
}
