package send

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailbox is a real SMTP server on this machine that keeps what it accepts.
type mailbox struct {
	mu       sync.Mutex
	received []*mail.Message
	bodies   []string
	to       []string
	signedIn int
	refuse   error // of RCPT TO
}

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: b}, nil }

type mailSession struct {
	box *mailbox
	to  string
	in  bool
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "yunjian" || password != "hush-hush" {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	return s.box.refuse
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.received = append(s.box.received, m)
	s.box.bodies = append(s.box.bodies, string(body))
	s.box.to = append(s.box.to, s.to)
	if s.in {
		s.box.signedIn++
	}
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// certificate returns a certificate for 127.0.0.1 and its authority in PEM.
func certificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return server.TLS.Certificates[0], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// serveMail starts a server with that security and returns the options of a
// channel to it.
func serveMail(t *testing.T, security Security) (*mailbox, EmailOptions) {
	t.Helper()
	cert, ca := certificate(t)
	box := &mailbox{}
	server := smtp.NewServer(box)
	server.Domain = "localhost"
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.ErrorLog = quietLog{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	o := EmailOptions{Host: "127.0.0.1", Port: port, Security: security, From: "云鉴 <yunjian@example.gov.cn>", CA: ca, Private: true, Timeout: 5 * time.Second}
	switch security {
	case Implicit:
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
	case STARTTLS:
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	case None:
	}
	if security != None {
		o.Username, o.Password = "yunjian", "hush-hush"
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	return box, o
}

type quietLog struct{}

func (quietLog) Printf(string, ...any) {}
func (quietLog) Println(...any)        {}

func notice(to string) Message {
	return Message{
		ID: NewID(KindDigest, "mail", to, "2026-11-23"), Kind: KindDigest, Channel: "mail", To: to, Lang: "zh",
		Subject: "云鉴提醒：3 件事项", Text: "第一行\n第二行 token=中文\n.\n最后\n", HTML: "<p>第一行</p>",
	}
}

func mustEmail(t *testing.T, o EmailOptions) *Email {
	t.Helper()
	e, err := NewEmail(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEmail(t *testing.T) {
	for _, security := range []Security{Implicit, STARTTLS, None} {
		t.Run(string(security), func(t *testing.T) {
			box, o := serveMail(t, security)
			e := mustEmail(t, o)
			m := notice("zhang.san@example.gov.cn")
			for range 2 { // as after a crash: the same Message-ID
				if err := e.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			if len(box.received) != 2 || box.to[0] != m.To || security != None && box.signedIn != 2 {
				t.Fatalf("%d received, to %v, %d signed in", len(box.received), box.to, box.signedIn)
			}
			for _, got := range box.received {
				subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
				if err != nil || subject != m.Subject {
					t.Errorf("subject %q, %v", subject, err)
				}
				if id := got.Header.Get("Message-ID"); id != "<"+m.ID+"@example.gov.cn>" {
					t.Errorf("Message-ID %s", id)
				}
				if got.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/alternative") {
					t.Errorf("header %v", got.Header)
				}
				from, err := mail.ParseAddress(got.Header.Get("From"))
				if err != nil || from.Name != "云鉴" || from.Address != "yunjian@example.gov.cn" {
					t.Errorf("from %v, %v", from, err)
				}
			}
			if !strings.Contains(box.bodies[0], "text/plain") || !strings.Contains(box.bodies[0], "text/html") {
				t.Errorf("body:\n%s", box.bodies[0])
			}
		})
	}
}

func TestEmailRefusals(t *testing.T) {
	box, o := serveMail(t, STARTTLS)
	plainBox, plain := serveMail(t, None)
	type wanted int
	const (
		lasting wanted = iota
		passing
	)
	for name, c := range map[string]struct {
		edit   func(*EmailOptions)
		to     string
		refuse error
		want   wanted
		says   string
	}{
		"no such mailbox":                             {nil, "a@b.example", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}, lasting, "no such user"},
		"greylisted":                                  {nil, "a@b.example", &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back later"}, passing, "come back later"},
		"not an address":                              {nil, "a@b.example\r\nBcc: c@d.example", nil, lasting, "want one e-mail address"},
		"a domain that is not listed":                 {func(o *EmailOptions) { o.Domains = []string{"example.gov.cn", "*.example.gov.cn"} }, "a@example.com", nil, lasting, `domain is "example.com"; allow_hosts has example.gov.cn`},
		"a wrong password":                            {func(o *EmailOptions) { o.Password = "hush-again" }, "a@b.example", nil, passing, "AUTH failed"},
		"an unknown authority":                        {func(o *EmailOptions) { o.CA = nil }, "a@b.example", nil, passing, "certificate"},
		"a certificate of another":                    {func(o *EmailOptions) { o.Host = "localhost" }, "a@b.example", nil, passing, "certificate"},
		"a private address":                           {func(o *EmailOptions) { o.Private = false }, "a@b.example", nil, passing, "refused before connecting: 127.0.0.1"},
		"a server without STARTTLS":                   {func(o *EmailOptions) { o.Port = plain.Port }, "a@b.example", nil, passing, "STARTTLS"},
		"TLS from the first byte to a server without": {func(o *EmailOptions) { o.Port, o.Security = plain.Port, Implicit }, "a@b.example", nil, passing, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			with := o
			if c.edit != nil {
				c.edit(&with)
			}
			box.mu.Lock()
			box.refuse = c.refuse
			box.mu.Unlock()
			err := mustEmail(t, with).Send(t.Context(), notice(c.to))
			var p *PermanentError
			var tmp *TemporaryError
			if errors.As(err, &p) != (c.want == lasting) || errors.As(err, &tmp) != (c.want == passing) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%T: %v", err, err)
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
	if len(box.received)+len(plainBox.received) > 0 {
		t.Errorf("%d messages were accepted", len(box.received)+len(plainBox.received))
	}
}

// Without TLS nothing but this machine is spoken to, whatever the name resolves
// to and whatever else is allowed.
func TestEmailPlainStaysHere(t *testing.T) {
	e := mustEmail(t, EmailOptions{Host: "192.168.1.1", Security: None, From: "a@b.example", Private: true, Timeout: time.Second})
	err := e.Send(t.Context(), notice("a@b.example"))
	if err == nil || !strings.Contains(err.Error(), "192.168.1.1 is not of this machine") {
		t.Error(err)
	}
}

// A server that says nothing ends with the timeout, and a stop at once.
func TestEmailSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	o := EmailOptions{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: None, From: "a@b.example", Timeout: 200 * time.Millisecond}
	err = mustEmail(t, o).Send(t.Context(), notice("a@b.example"))
	var tmp *TemporaryError
	if !errors.As(err, &tmp) {
		t.Errorf("timeout: %T %v", err, err)
	}
	(<-accepted).Close()

	o.Timeout = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn := <-accepted
		cancel()
		_, _ = io.Copy(io.Discard, conn) // ends when the channel hangs up
		conn.Close()
	}()
	if err := mustEmail(t, o).Send(ctx, notice("a@b.example")); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %T %v", err, err)
	}
}

func TestNewEmailRefuses(t *testing.T) {
	for name, o := range map[string]EmailOptions{
		"no sender":                 {Host: "h", Security: Implicit},
		"an unknown security":       {Host: "h", Security: "ssl", From: "a@b.example"},
		"a password in the clear":   {Host: "localhost", Security: None, From: "a@b.example", Username: "u", Password: "hush"},
		"an authority that is none": {Host: "h", Security: Implicit, From: "a@b.example", CA: []byte("hush")},
	} {
		if e, err := NewEmail(o); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"a@b.example", "张三 <a@b.example>", "a@b\r\nBcc: c@d", `"a b"@c.example`, "a@[127.0.0.1]", "a@b@c", "a@-b.example", "@", "a..b@c.example", "A.B+c@EXAMPLE.gov.cn"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseAddress(s)
		if err != nil {
			return
		}
		if !strings.EqualFold(got, s) || strings.Count(got, "@") != 1 || bytes.ContainsAny([]byte(got), " \t\r\n\"<>(),;:[]\\") || len(got) > maxAddress {
			t.Errorf("%q was read as %q", s, got)
		}
		if again, err := ParseAddress(got); err != nil || again != got {
			t.Errorf("%q, read again: %q, %v", got, again, err)
		}
		// What it takes, the library takes for one recipient.
		if _, err := mustEmail(t, EmailOptions{Host: "h", Security: Implicit, From: "a@b.example"}).compose(notice(got), got); err != nil {
			t.Errorf("%q: %v", got, err)
		}
	})
}
