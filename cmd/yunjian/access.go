package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"yunjian/internal/auth"
	"yunjian/internal/config"
)

// setupFile is where the daemon leaves the one-time token of set-up, in the data
// folder: whoever may read that may make the first accounts anyway.
const setupFile = "setup-token"

// openGate makes what stands before the console: the accounts of the data folder
// and, where the configuration names one, the provider.
func (d *daemon) openGate(ctx context.Context, cfg config.Config) (*auth.Gate, error) {
	svc := auth.New(d.data.State, cfg.Auth, d.recordAuth)
	var provider *auth.Provider
	if cfg.Auth.OIDC.Issuer != "" {
		secret, err := cfg.OIDCSecret()
		if err != nil {
			return nil, usage(fmt.Errorf("auth.oidc: %w", err))
		}
		client, err := oidcClient(cfg.Auth.OIDC.CAFile)
		if err != nil {
			return nil, usage(fmt.Errorf("auth.oidc.ca_file: %w", err))
		}
		provider = auth.NewProvider(svc, secret, client)
		if err := provider.Discover(ctx); err != nil {
			d.log.Warn().Err(err).Msg("single sign-on: asked again when somebody signs in")
		}
	}
	gate := auth.NewGate(svc, provider)
	if d.guest.Name != "" {
		gate.Open(d.guest)
		return gate, nil
	}
	return gate, d.offerSetUp(svc, cfg.DataDir)
}

// recordAuth journals an event of the accounts; once there are some, the token of
// set-up is of no more use.
func (d *daemon) recordAuth(e auth.Event) error {
	if e.What == "account.setup" && e.Outcome == auth.Done {
		if err := os.Remove(filepath.Join(d.config().DataDir, setupFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.log.Warn().Err(err).Msg("remove the token of set-up, which is used up")
		}
	}
	return d.data.RecordAuth(e)
}

// offerSetUp leaves a one-time token in the data folder where there are no accounts
// yet, and says where.
func (d *daemon) offerSetUp(svc *auth.Service, dir string) error {
	path := filepath.Join(dir, setupFile)
	token, err := svc.NewSetupToken()
	if err != nil {
		return err
	}
	// The one before is of no more use; and whatever stands there is not written through.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make the token of set-up: %w", err)
	}
	if token == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the token of set-up: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("make the token of set-up: %w", err)
	}
	d.log.Warn().Str("token_file", path).Msg("there are no accounts yet: run `yunjian account setup`, or open the page on this machine with the one-time token in this file, within a day")
	return nil
}

// oidcClient is what the provider is asked with: certificates of a private
// authority count beside the system's.
func oidcClient(caFile string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: found no certificate; want PEM", caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}, nil
}

// certificate is the console's, which a reload reads again.
type certificate struct {
	now atomic.Pointer[tls.Certificate]
}

// read takes over the certificate that a configuration names, if it names one.
func (c *certificate) read(cfg config.Config) error {
	if cfg.TLSCertFile == "" {
		return nil
	}
	pair, err := readCertificate(cfg)
	if err == nil {
		c.now.Store(&pair)
	}
	return err
}

func readCertificate(cfg config.Config) (tls.Certificate, error) {
	if cfg.TLSCertFile == "" {
		return tls.Certificate{}, nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLSCertFile, cfg.TLSKeyFile)
	if err != nil {
		return pair, usage(fmt.Errorf("tls_cert_file, tls_key_file: %w", err))
	}
	return pair, nil
}

// over wraps a listener in TLS where the configuration names a certificate.
func (c *certificate) over(l net.Listener, cfg config.Config) net.Listener {
	if cfg.TLSCertFile == "" {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	})
}
