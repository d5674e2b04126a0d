package aliyun

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// maxAnswer bounds one answer. A full page of 1,440 points is about 300 kB;
// 1,600 instance types are about 2 MB.
const maxAnswer = 32 << 20

// wire is the one transport that every worker's client shares: it knows the
// hosts that the configuration named, TLS and the proxy.
type wire struct {
	hosts map[string]string // host → scheme
	http  *http.Transport
}

func newWire(o Options, endpoints map[endpointKey]endpoint) (*wire, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA file %s: no PEM certificate in it", o.CAFile)
		}
	}
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureSkipVerify}, //nolint:gosec // by explicit configuration only
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConns:          4 * o.Workers,
		MaxIdleConnsPerHost:   o.Workers,
		IdleConnTimeout:       60 * time.Second,
		ResponseHeaderTimeout: o.Timeout,
		DisableCompression:    true, // the SDK asks for identity
	}
	if o.Proxy != "" {
		u, err := url.Parse(o.Proxy)
		if err != nil || u.Host == "" {
			return nil, errors.New("proxy: want http://HOST:PORT")
		}
		t.Proxy = http.ProxyURL(u)
	}
	w := &wire{hosts: map[string]string{}, http: t}
	for _, e := range endpoints {
		w.hosts[e.host] = e.scheme
	}
	return w, nil
}

// answer is what came back, read whole.
type answer struct {
	status int
	date   string // the server's Date header, to name a clock that is wrong
	body   []byte
}

// send performs one request and reads its answer within the bound.
func (w *wire) send(ctx context.Context, req *http.Request) (answer, error) {
	if scheme, ok := w.hosts[req.URL.Host]; !ok || scheme != req.URL.Scheme {
		return answer{}, &hostError{req.URL.Scheme + "://" + req.URL.Host}
	}
	// The request's own context carries the SDK's timeout, ctx our caller's
	// wish to stop; whichever ends first ends the call.
	both, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	res, err := w.http.RoundTrip(req.WithContext(both))
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, date: res.Header.Get("Date")}
	body := bytes.NewBuffer(make([]byte, 0, max(bytes.MinRead, min(int(res.ContentLength), maxAnswer)+1)))
	n, err := body.ReadFrom(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return a, err
	}
	if n > maxAnswer {
		return a, fmt.Errorf("answer longer than %d bytes", maxAnswer)
	}
	a.body = body.Bytes()
	return a, nil
}

// hostError is a request to a host that the configuration did not name.
type hostError struct{ host string }

func (e *hostError) Error() string {
	return "refuse to call " + e.host + ": the configuration does not name it"
}

// tap is a worker's end of the shared transport. The SDK gives no way to pass
// a context and decodes answers in a way that can panic, so the tap carries
// the context in, keeps the answer, and shows the SDK an empty one.
type tap struct {
	wire *wire
	ctx  context.Context //nolint:containedctx // of the one call that the worker makes at a time
	got  answer
	err  error
}

// RoundTrip implements http.RoundTripper.
func (t *tap) RoundTrip(req *http.Request) (*http.Response, error) {
	t.got, t.err = t.wire.send(t.ctx, req)
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}, nil
}
