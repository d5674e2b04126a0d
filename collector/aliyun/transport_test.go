package aliyun_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"yunjian/cloud"
	"yunjian/collector/aliyun"
	"yunjian/internal/simcloud"
)

// private serves a world over TLS with a certificate that no system trusts, as
// installations do, and returns the file of its CA.
func private(t *testing.T) (*httptest.Server, string) {
	server := httptest.NewTLSServer(simcloud.New(world(), simcloud.Options{Quotas: simcloud.Unlimited(), Apsara: &simcloud.Apsara{RequireHeaders: true}}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, path
}

func TestPrivateCA(t *testing.T) {
	server, ca := private(t)
	for _, c := range []struct {
		name   string
		change func(*aliyun.Options)
		want   string // part of the error; empty: it works
	}{
		{"named", func(o *aliyun.Options) { o.CAFile = ca }, ""},
		{"not named", func(*aliyun.Options) {}, "certificate"},
		{"any certificate, by explicit configuration", func(o *aliyun.Options) { o.InsecureSkipVerify = true }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(server, "cn-hangzhou")
			o.Apsara, o.Retry.Attempts = &aliyun.Apsara{Enumerate: true}, 4
			c.change(&o)
			inv, err := newSource(t, o).Inventory(t.Context(), estateEnd)
			switch {
			case c.want == "" && (err != nil || len(inv.Resources) != len(world().resources)):
				t.Errorf("%d resources, %v", len(inv.Resources), err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "testid")):
				t.Errorf("%v, want one that speaks of the %s, without the access key", err, c.want)
			}
		})
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(server, "cn-hangzhou")
	o.CAFile = empty
	if _, err := aliyun.New(o); err == nil || !strings.Contains(err.Error(), empty) {
		t.Errorf("%v, want one that names the file", err)
	}
}

// TestSecurityToken sends the token of temporary credentials with every call
// and shows it in no error.
func TestSecurityToken(t *testing.T) {
	const token = "CAISfaketoken+/=中文"
	var mu sync.Mutex
	sent := map[string]bool{}
	sim := simcloud.New(world(), simcloud.Options{Quotas: simcloud.Unlimited()})
	broken := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		sent[r.URL.Query().Get("SecurityToken")] = true
		mu.Unlock()
		if broken {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"Code":"InvalidSecurityToken.Expired","Message":"SecurityToken=` + token + ` is expired."}`))
			return
		}
		sim.ServeHTTP(w, r)
	}))
	defer server.Close()
	o := options(server, "cn-hangzhou")
	o.SecurityToken = token
	s := newSource(t, o)
	g, _, err := collect(t, s, nil) // the signature, which the simulated cloud checks, covers the token
	if err != nil || len(g.Points) == 0 {
		t.Fatalf("%d series, %v", len(g.Points), err)
	}
	if len(sent) != 1 || !sent[token] {
		t.Errorf("tokens sent: %v", sent)
	}
	broken = true
	_, err = s.Inventory(t.Context(), estateEnd)
	if err == nil || strings.Contains(err.Error(), "faketoken") || !strings.Contains(err.Error(), "InvalidSecurityToken.Expired") {
		t.Errorf("%v: want the refusal without the token", err)
	}
}

// TestProxy reaches a host that only the proxy knows.
func TestProxy(t *testing.T) {
	sim := simcloud.New(world(), simcloud.Options{Quotas: simcloud.Unlimited()})
	var mu sync.Mutex
	asked := map[string]int{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Host+" "+r.Header.Get("Proxy-Authorization")]++
		mu.Unlock()
		sim.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	o := options(&httptest.Server{URL: "http://cloud.invalid"}, "cn-hangzhou")
	o.Proxy = strings.Replace(proxy.URL, "http://", "http://user:hunter2@", 1)
	inv, err := newSource(t, o).Inventory(t.Context(), estateEnd)
	if err != nil || len(inv.Resources) != len(world().resources) || inv.Resources[0].Kind != cloud.Instance {
		t.Fatalf("%d resources, %v", len(inv.Resources), err)
	}
	if len(asked) != 1 || asked["cloud.invalid Basic dXNlcjpodW50ZXIy"] == 0 {
		t.Errorf("the proxy was asked for %v", asked)
	}
	proxy.Close()
	o.Retry.Attempts = 2
	if _, err := newSource(t, o).Inventory(t.Context(), estateEnd); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v: want an error without the proxy's password", err)
	}
	o.Proxy = "http://user:hunter2@"
	if _, err := aliyun.New(o); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("%v: want an error that names the proxy and not its password", err)
	}
}
