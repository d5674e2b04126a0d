package send

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	robotToken  = "tokenThatIsHushHush"
	robotSecret = "SECsecretThatIsHushHush"
	hookSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // of the specification's test vector
	hookPath    = "/in/pathThatIsHushHush?key=queryThatIsHushHush"
)

// serveTLS starts a server and returns its authority in PEM.
func serveTLS(t *testing.T, h http.HandlerFunc) (*httptest.Server, []byte) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func group() Message {
	return Message{
		ID: NewID(KindDigest, "group", "", "2026-11-23"), Kind: KindDigest, Channel: "group", Lang: "zh",
		Subject: "云鉴提醒：1 件事项", Text: "1. ecs_web_01 *闲置*\n   https://yunjian.example/n/1\n",
		Links: []Link{{Title: "答复 [1]", URL: "https://yunjian.example/n/1"}},
	}
}

func robotTo(t *testing.T, o DingTalkOptions) *DingTalk {
	t.Helper()
	o.Token, o.Secret, o.Private = robotToken, robotSecret, true
	d, err := NewDingTalk(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func hookTo(t *testing.T, server string, ca []byte) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookOptions{URL: server + hookPath, Secret: hookSecret, Hosts: []string{"127.0.0.1"}, CA: ca, Private: true, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestDingTalk(t *testing.T) {
	var bodies []string
	s, ca := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		// Signed again by hand: HMAC-SHA256(secret, timestamp LF secret).
		mac := hmac.New(sha256.New, []byte(robotSecret))
		io.WriteString(mac, q.Get("timestamp")+"\n"+robotSecret)
		millis, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
		switch {
		case r.Method != http.MethodPost || r.URL.Path != "/robot/send" || q.Get("access_token") != robotToken:
			fmt.Fprint(w, `{"errcode":400101,"errmsg":"token is not exist"}`)
		case err != nil || time.Since(time.UnixMilli(millis)).Abs() > time.Hour || q.Get("sign") != base64.StdEncoding.EncodeToString(mac.Sum(nil)):
			fmt.Fprint(w, `{"errcode":310000,"errmsg":"sign not match"}`)
		default:
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
		}
	})
	d := robotTo(t, DingTalkOptions{BaseURL: s.URL, CA: ca})
	if err := d.Send(t.Context(), group()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Msgtype  string
		Markdown struct{ Title, Text string }
	}
	if err := json.Unmarshal([]byte(bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := "### 云鉴提醒：1 件事项\n\n1. ecs\\_web\\_01 \\*闲置\\*  \n\n\n[答复 \\[1\\]](https://yunjian.example/n/1)"
	if got.Msgtype != "markdown" || got.Markdown.Title != group().Subject || got.Markdown.Text != want {
		t.Errorf("posted %+q", got)
	}

	wrong := robotTo(t, DingTalkOptions{BaseURL: s.URL, CA: ca})
	wrong.o.Secret = "SECanother"
	if err := wrong.Send(t.Context(), group()); err == nil || !strings.Contains(err.Error(), "310000: sign not match (signature") {
		t.Error(err)
	}
}

// The signature of a fixed instant, made by `openssl dgst -sha256 -hmac`.
func TestDingTalkSignature(t *testing.T) {
	const want = "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="
	if got := sign("this is secret", 1577262236757); got != want {
		t.Errorf("sign: %s", got)
	}
}

func TestDingTalkLongText(t *testing.T) {
	m := group()
	m.Text = strings.Repeat("政务云", 10_000)
	text := dingTalkText(m)
	if len(text) > maxDingTalk || !strings.HasSuffix(text, dingTalkSuffix) || strings.ContainsRune(text, '�') {
		t.Errorf("%d bytes, ends %q", len(text), text[len(text)-20:])
	}
}

func TestDingTalkAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		kind   string
		after  time.Duration
		says   string
	}{
		"taken":              {`{"errcode":0,"errmsg":"ok"}`, "", 0, ""},
		"too fast":           {`{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, "temporary", 10 * time.Minute, "130101: send too fast"},
		"throttled":          {`{"errcode":410100,"errmsg":"x"}`, "temporary", 10 * time.Minute, "410100"},
		"busy":               {`{"errcode":-1,"errmsg":"系统繁忙"}`, "temporary", 0, "-1: 系统繁忙"},
		"words it refuses":   {`{"errcode":430102,"errmsg":"x"}`, "permanent", 0, "430102"},
		"no such token":      {`{"errcode":400101,"errmsg":"` + robotToken + ` not exist"}`, "temporary", 0, "<redacted> not exist"},
		"a page of a portal": {`<html>sign in</html>`, "temporary", 0, "holds no errcode: <html>sign in</html>"},
		"nothing":            {``, "temporary", 0, "holds no errcode"},
		"another JSON":       {`{"ok":true}`, "temporary", 0, "holds no errcode"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ca := serveTLS(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.answer) })
			wantError(t, robotTo(t, DingTalkOptions{BaseURL: s.URL, CA: ca}).Send(t.Context(), group()), c.kind, c.after, c.says)
		})
	}
}

// wantError wants an error of a kind, and no secret in it.
func wantError(t *testing.T, err error, kind string, after time.Duration, says string) {
	t.Helper()
	var p *PermanentError
	var tmp *TemporaryError
	got := ""
	switch {
	case errors.As(err, &p):
		got = "permanent"
	case errors.As(err, &tmp):
		got = "temporary"
	case err != nil:
		got = "neither"
	}
	if got != kind {
		t.Fatalf("a %s error, want %s: %v", got, kind, err)
	}
	if err == nil {
		return
	}
	if tmp != nil && tmp.After != after {
		t.Errorf("after %s, want %s", tmp.After, after)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("says %q, want %q", err, says)
	}
	if strings.Contains(err.Error(), "HushHush") || strings.Contains(fmt.Sprintf("%+v %#v", err, err), "HushHush") || strings.Contains(err.Error(), "MfKQ9r8") {
		t.Errorf("shows a secret: %v", err)
	}
}

// answering is a server in memory, so that time can be made to pass.
type answering func(*http.Request) string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(strings.NewReader(a(r))), Request: r}, nil
}

// No minute, wherever it is cut, holds more than 20 messages.
func TestDingTalkPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		d := robotTo(t, DingTalkOptions{})
		d.http.client = &http.Client{Transport: answering(func(*http.Request) string {
			at = append(at, time.Now())
			return `{"errcode":0}`
		})}
		start := time.Now()
		for range 100 {
			if err := d.Send(t.Context(), group()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range at {
			n := 0
			for _, x := range at[i:] {
				if x.Sub(at[i]) <= time.Minute {
					n++
				}
			}
			if n > 20 {
				t.Fatalf("%d messages within the minute from %s", n, at[i])
			}
		}
		if took := time.Since(start); took > 6*time.Minute {
			t.Errorf("100 messages took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.Send(ctx, group()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stopped while waiting: %v", err)
		}
	})
}

// The test vector of Standard Webhooks: the same id, instant, body and secret give
// the signature of the specification's libraries.
func TestWebhookVector(t *testing.T) {
	w := hookTo(t, "https://127.0.0.1", nil)
	got, err := w.key.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWebhook(t *testing.T) {
	ids := map[string]int{}
	s, ca := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		// Verified by hand, as the specification words it.
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || r.URL.RequestURI() != hookPath {
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		seconds, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		var got webhookBody
		if json.Unmarshal(body, &got) != nil || err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute ||
			got.Type != "yunjian.digest" || got.Data.ID != r.Header.Get("webhook-id") || got.Data.Subject != group().Subject || len(got.Data.Links) != 1 {
			http.Error(w, string(body), http.StatusBadRequest)
			return
		}
		ids[got.Data.ID]++
		w.WriteHeader(http.StatusNoContent)
	})
	w := hookTo(t, s.URL, ca)
	for range 2 {
		if err := w.Send(t.Context(), group()); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 1 || ids[group().ID] != 2 {
		t.Errorf("ids %v: want one, so that a receiver can drop the second", ids)
	}
}

func TestWebhookFaults(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer inside.Close()
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			io.WriteString(w, "because\n  of "+hookPath)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    string
		after   time.Duration
		says    string
	}{
		"an error of the server": {status(500), "temporary", 0, "answers 500 Internal Server Error: because of <redacted>"},
		"the token alone, quoted": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "no such "+path.Base(r.URL.Path), http.StatusNotFound)
		}, "temporary", 0, "no such <redacted>"},
		"come back later":              {status(503, "Retry-After", "120"), "temporary", 2 * time.Minute, "503"},
		"too many":                     {status(429, "Retry-After", "99999999"), "temporary", 6 * time.Hour, "429"},
		"later is not a time":          {status(503, "Retry-After", "soon"), "temporary", 0, "503"},
		"not signed in":                {status(401), "temporary", 0, "401"},
		"moved, address not followed":  {status(307, "Location", inside.URL+"/steal"), "temporary", 0, "redirects to 127.0.0.1 (307); redirects are not followed"},
		"moved within the host":        {status(302, "Location", "/elsewhere"), "temporary", 0, "not followed"},
		"gone":                         {status(410), "permanent", 0, "410"},
		"a body it does not take":      {status(422), "permanent", 0, "422"},
		"an endless answer":            {endless(200), "", 0, ""},
		"an endless refusal":           {endless(500), "temporary", 0, "500"},
		"an answer that is broken off": {hangUp, "temporary", 0, "post: "},
		"silence":                      {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, "temporary", 0, "Client.Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ca := serveTLS(t, c.handler)
			w := hookTo(t, s.URL, ca)
			w.http.client.Timeout = 500 * time.Millisecond
			wantError(t, w.Send(t.Context(), group()), c.kind, c.after, c.says)
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		s, ca := serveTLS(t, status(200))
		s.Close()
		wantError(t, hookTo(t, s.URL, ca).Send(t.Context(), group()), "temporary", 0, "connection refused")
	})
	t.Run("a certificate of nobody known", func(t *testing.T) {
		s, _ := serveTLS(t, status(200))
		wantError(t, hookTo(t, s.URL, nil).Send(t.Context(), group()), "temporary", 0, "certificate")
	})
	t.Run("stopped", func(t *testing.T) {
		s, ca := serveTLS(t, status(200))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := hookTo(t, s.URL, ca).Send(ctx, group()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// endless writes until nobody listens any more.
func endless(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		for block := []byte(strings.Repeat("x", 32<<10)); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.Close()
	}
}

func TestNewWebhookRefuses(t *testing.T) {
	sound := WebhookOptions{URL: "https://hooks.example" + hookPath, Secret: hookSecret, Hosts: []string{"hooks.example"}}
	for name, c := range map[string]struct {
		edit func(*WebhookOptions)
		says string
	}{
		"http":                         {func(o *WebhookOptions) { o.URL = "http://hooks.example" + hookPath }, `scheme is "http"; allowed: https`},
		"a file":                       {func(o *WebhookOptions) { o.URL = "file:///etc/HushHush" }, "not an address"},
		"another host":                 {func(o *WebhookOptions) { o.Hosts = []string{"*.example.gov.cn"} }, `host is "hooks.example"; allow_hosts has *.example.gov.cn`},
		"a user in the address":        {func(o *WebhookOptions) { o.URL = "https://HushHush@hooks.example/" }, "not an address"},
		"a host that looks allowed":    {func(o *WebhookOptions) { o.URL = "https://hooks.example.evil.example/" }, "host is"},
		"a host of control characters": {func(o *WebhookOptions) { o.URL = "https://hooks.example\x00HushHush/" }, "not an address"},
		"a secret without its prefix":  {func(o *WebhookOptions) { o.Secret = "HushHush" }, "want whsec_"},
		"a short secret":               {func(o *WebhookOptions) { o.Secret = "whsec_SHVzaEh1c2g=" }, "24 to 64 bytes"},
	} {
		o := sound
		c.edit(&o)
		if _, err := NewWebhook(o); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "HushHush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewWebhook(sound); err != nil {
		t.Error(err)
	}
}

func TestGuardAddresses(t *testing.T) {
	for addr, want := range map[string]string{ // who may: all, those with allow_private, nobody
		"8.8.8.8": "all", "2400:3200::1": "all", "223.5.5.5": "all",
		"10.1.2.3": "private", "172.16.0.1": "private", "192.168.0.1": "private", "127.0.0.1": "private", "::1": "private", "fd12::1": "private",
		"100.64.0.1": "private", "::ffff:10.0.0.1": "private", "::ffff:127.0.0.1": "private",
		"169.254.169.254": "nobody", "100.100.100.200": "nobody", "fe80::1": "nobody", "0.0.0.0": "nobody", "::": "nobody", "224.0.0.1": "nobody",
		"255.255.255.255": "nobody", "::ffff:169.254.169.254": "nobody", "64:ff9b::a9fe:a9fe": "nobody", "2002:7f00:1::": "nobody", "fd00:ec2::254": "nobody", "ff02::1": "nobody",
	} {
		at := netip.AddrPortFrom(netip.MustParseAddr(addr), 443).String()
		open, inside := Guard{}.control("tcp", at, nil) == nil, Guard{Private: true}.control("tcp", at, nil) == nil
		got := "nobody"
		switch {
		case open && inside:
			got = "all"
		case inside:
			got = "private"
		case open:
			got = "only without allow_private"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

// A name that is allowed and resolves inwards is refused when it is dialled, after
// any look at the name: localhost stands for one that was turned round.
func TestGuardLooksWhenDialling(t *testing.T) {
	s, ca := serveTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("it was reached") })
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWebhook(WebhookOptions{URL: "https://localhost:" + u.Port() + hookPath, Secret: hookSecret, Hosts: []string{"localhost"}, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, w.Send(t.Context(), group()), "temporary", 0, "is an address of a private network or of this machine; allow_private: true allows these")
}

func TestHostAllowed(t *testing.T) {
	allowed := []string{"Hooks.example", "*.example.gov.cn"}
	for host, want := range map[string]bool{
		"hooks.example": true, "HOOKS.EXAMPLE.": true, "a.example.gov.cn": true, "a.b.example.gov.cn": true,
		"example.gov.cn": false, "xexample.gov.cn": false, "hooks.example.evil": false, "": false,
	} {
		if hostAllowed(host, allowed) != want {
			t.Errorf("%q: %t", host, !want)
		}
	}
	if hostAllowed("a", nil) || slices.Contains(allowed, "") {
		t.Error("an empty list allows a host")
	}
}
