package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"yunjian/internal/control"
	"yunjian/internal/journal"
)

// providerProgram builds a real OpenID Connect provider, which is a module of its
// own. Where the network does not give it, the test is skipped and says so.
func providerProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: a real provider takes ten seconds to build")
	}
	dir := filepath.Join("testdata", "provider")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	download := exec.CommandContext(ctx, "go", "mod", "download")
	download.Dir = dir
	if out, err := download.CombinedOutput(); err != nil {
		t.Skipf("no real provider here, its modules cannot be had: %v\n%s", err, out)
	}
	bin := filepath.Join(t.TempDir(), "provider")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "github.com/zitadel/oidc/v3/example/server")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the provider: %v\n%s", err, out)
	}
	return bin
}

// freePort is one that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// person is somebody with a browser.
type person struct {
	t       *testing.T
	name    string
	console string // the daemon's address
	http    http.Client
	cookies map[string]string // of the daemon: a jar keeps what is Secure from plain HTTP
}

func newPerson(t *testing.T, name, console string) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, name: name, console: console, cookies: map[string]string{}, http: http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// visit asks for a page, or sends a form, and returns where that leads to.
func (p *person) visit(to string, form url.Values) (status int, next, body string) {
	p.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	ours := strings.HasPrefix(to, p.console)
	if ours {
		for name, value := range p.cookies {
			req.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	resp, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if ours && c.MaxAge >= 0 {
			p.cookies[c.Name] = c.Value
		}
	}
	if at, err := resp.Location(); err == nil {
		next = at.String()
	}
	return resp.StatusCode, next, string(text)
}

// signIn goes through the provider and returns the address that it sends back to;
// empty where it does not.
func (p *person) signIn(password string) string {
	p.t.Helper()
	_, at, _ := p.visit(p.console+"/api/auth/login/oidc", nil)
	hidden := regexp.MustCompile(`name="id" value="([^"]+)"`)
	for range 10 {
		if strings.HasPrefix(at, p.console) {
			return at
		}
		_, next, body := p.visit(at, nil)
		if m := hidden.FindStringSubmatch(body); m != nil {
			form := url.Values{"username": {p.name}, "password": {password}, "id": {m[1]}}
			if _, next, body = p.visit(at, form); hidden.MatchString(body) {
				return "" // asked again
			}
		}
		if next == "" {
			p.t.Fatalf("%s leads nowhere: %s", at, body)
		}
		at = next
	}
	p.t.Fatal("the provider sends to and fro")
	return ""
}

// People sign in to the daemon through a provider that others wrote: discovery, keys,
// PKCE, client authentication and claims are theirs.
func TestRealProvider(t *testing.T) {
	t.Parallel()
	bin := providerProgram(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	port, listen := freePort(t), freePort(t)
	issuer, console := "http://localhost:"+port+"/", "http://127.0.0.1:"+listen
	users := map[string]map[string]any{}
	for _, name := range []string{"zhang", "wang", "li"} {
		users["id-"+name] = map[string]any{"ID": "id-" + name, "Username": name, "Password": "provider-" + name, "FirstName": name, "LastName": "示例", "PreferredLanguage": "zh"}
	}
	text, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	provider := exec.Command(bin)
	provider.Env = append(os.Environ(), "PORT="+port, "USERS_FILE="+write("users.json", string(text)), "REDIRECT_URI="+console+"/api/auth/login/oidc/callback")
	if err := provider.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = provider.Process.Kill()
		_ = provider.Wait()
	})
	write("secret", "secret\n")
	config := write("yunjian.yaml", `listen: 127.0.0.1:`+listen+`
data_dir: ./data
auth:
  oidc:
    issuer: `+issuer+`
    client_id: web
    client_secret_file: secret
    redirect_url: `+console+`/api/auth/login/oidc/callback
`)
	daemon := startDaemon(t, dir, config)
	yunjian := func(input string, args ...string) string {
		t.Helper()
		cmd := program(t, append(args, "--config", config)...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	until(t, "both answer", func() bool {
		for _, at := range []string{issuer + ".well-known/openid-configuration", console + "/healthz"} {
			if _, status, err := get(at, ""); err != nil || status != http.StatusOK {
				return false
			}
		}
		return true
	})
	yunjian("Mountain-7-river\nMountain-8-river\nMountain-9-river\n", "account", "setup")
	yunjian("", "account", "add", "zhang", "--role", "viewer", "--external")
	yunjian("Forest-5-lake\n", "account", "add", "wang", "--role", "viewer")

	zhang := newPerson(t, "zhang", console)
	if _, _, body := zhang.visit(console+"/sign-in", nil); !strings.Contains(body, `href="api/auth/login/oidc"`) {
		t.Errorf("the page does not offer it: %s", body)
	}
	if back := zhang.signIn("wrong"); back != "" {
		t.Errorf("a wrong password leads to %s", back)
	}
	back := zhang.signIn("provider-zhang")
	if status, next, body := zhang.visit(back, nil); status != http.StatusSeeOther || next != console+"/" {
		t.Fatalf("back from the provider: %d %s %s", status, next, body)
	}
	if status, _, body := zhang.visit(console+"/", nil); status != http.StatusOK || !strings.Contains(body, "zhang") {
		t.Errorf("the page: %d %s", status, body)
	}
	if _, next, _ := zhang.visit(back, nil); next != console+"/?refused=oidc" {
		t.Errorf("the same answer again leads to %s", next)
	}
	if out := yunjian("", "account", "list", "--format", "json"); !strings.Contains(out, `"external": true`) {
		t.Errorf("accounts: %s", out)
	}
	for name, why := range map[string]string{"wang": "the account signs in with its password", "li": "no such account: li"} {
		other := newPerson(t, name, console)
		if _, next, _ := other.visit(other.signIn("provider-"+name), nil); next != console+"/?refused=oidc" {
			t.Errorf("%s is led to %s", name, next)
		}
		if out := yunjian("", "journal", "show", "--action", "session.begin", "--outcome", "refused"); !strings.Contains(out, why) {
			t.Errorf("of %s the journal has no %q: %s", name, why, out)
		}
	}
	if out := yunjian("", "journal", "show", "--action", "session.begin", "--actor", "zhang"); !strings.Contains(out, "127.0.0.1") || !strings.Contains(out, string(journal.Done)) {
		t.Errorf("the journal: %s", out)
	}

	// A secret that is not the client's is of no use.
	if err := daemon.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = daemon.Wait()
	write("secret", "another\n")
	startDaemon(t, dir, config)
	until(t, "the daemon is back", func() bool {
		_, err := control.Dial(t.Context(), filepath.Join(dir, "data"))
		_, status, _ := get(console+"/healthz", "")
		return err == nil && status == http.StatusOK
	})
	zhang = newPerson(t, "zhang", console)
	if _, next, _ := zhang.visit(zhang.signIn("provider-zhang"), nil); next != console+"/?refused=oidc" {
		t.Errorf("with another secret: %s", next)
	}
	if out := yunjian("", "journal", "show", "--action", "session.begin", "--outcome", "refused"); !strings.Contains(out, "exchange the code") {
		t.Errorf("the journal: %s", out)
	}
}
