package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/pipeline"
)

// writeCertificate makes a certificate of a name and its key, as files.
func writeCertificate(t *testing.T, cfg config.Config, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]pem.Block{cfg.TLSCertFile: {Type: "CERTIFICATE", Bytes: cert}, cfg.TLSKeyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The certificate that is served is the one read last; one that cannot be used leaves
// the one before in force.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := config.Config{TLSCertFile: filepath.Join(dir, "tls.crt"), TLSKeyFile: filepath.Join(dir, "tls.key")}
	var c certificate
	if err := c.read(cfg); !isUsage(err) || !strings.Contains(err.Error(), "tls.crt") {
		t.Errorf("without files: %v", err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if plain := c.over(inner, config.Config{}); plain != inner {
		t.Error("without a certificate the listener is another")
	}
	l := c.over(inner, cfg)
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	served := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", inner.Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // its name is what is looked at
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	for _, name := range []string{"one.example", "two.example"} {
		writeCertificate(t, cfg, name)
		if err := c.read(cfg); err != nil {
			t.Fatal(err)
		}
		if got := served(); got != name {
			t.Errorf("%s is served, want %s", got, name)
		}
	}
	if err := os.WriteFile(cfg.TLSKeyFile, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.read(cfg); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a key that is none: %v", err)
	}
	if got := served(); got != "two.example" {
		t.Errorf("%s is served after that", got)
	}
	if _, err := tls.Dial("tcp", inner.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil { //nolint:gosec // what must be refused
		t.Error("TLS 1.1 is accepted")
	}
}

// The token of set-up is for whoever may read the data folder, counts once, and is
// written through no link.
func TestSetUpIsOffered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, err := pipeline.Open(filepath.Join(dir, "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	var log bytes.Buffer
	cfg := config.Default()
	cfg.DataDir = data.Dir
	d := &daemon{data: data, log: zerolog.New(&log), cfg: cfg}
	path := filepath.Join(data.Dir, setupFile)
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, path); err != nil {
		t.Fatal(err)
	}
	gate, err := d.openGate(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(elsewhere); string(text) != "theirs" {
		t.Errorf("written through a link: %s", text)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(text))
	if strings.Contains(log.String(), token) || !strings.Contains(log.String(), setupFile) {
		t.Errorf("log: %s", log.String())
	}
	var first []auth.NewAccount
	for _, r := range []auth.Role{auth.SysAdmin, auth.SecAdmin, auth.Auditor} {
		first = append(first, auth.NewAccount{Name: string(r), Roles: []auth.Role{r}, Password: "Mountain-7-river"})
	}
	if err := gate.Service().SetUpByToken(token, "127.0.0.1", first); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the token is still there after it was used")
	}
	if err := os.WriteFile(path, []byte("an old one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.openGate(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("an old token outlives the next start")
	}
}

// What is wrong with single sign-on is told by its key when the daemon starts.
func TestSingleSignOnThatCannotBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notPEM := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]auth.OIDCRules{
		"auth.oidc: open file " + filepath.Join(dir, "nowhere"):        {Issuer: "http://127.0.0.1:1", ClientSecretFile: filepath.Join(dir, "nowhere")},
		"auth.oidc.ca_file: " + notPEM + ": found no certificate":      {Issuer: "http://127.0.0.1:1", CAFile: notPEM},
		"auth.oidc.ca_file: open " + filepath.Join(dir, "nowhere.pem"): {Issuer: "http://127.0.0.1:1", CAFile: filepath.Join(dir, "nowhere.pem")},
	} {
		cfg := config.Default()
		cfg.Auth.OIDC = o
		d := &daemon{log: zerolog.Nop(), cfg: cfg, data: &pipeline.Data{}}
		if _, err := d.openGate(t.Context(), cfg); !isUsage(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
