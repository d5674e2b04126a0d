package send

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security is how an SMTP server is spoken to.
type Security string

// Securities. None is for a relay on this machine: no other address is dialled.
const (
	Implicit Security = "implicit" // TLS from the first byte, usually port 465: RFC 8314
	STARTTLS Security = "starttls" // TLS or nothing, usually port 587
	None     Security = "none"
)

// EmailOptions are the choices of NewEmail.
type EmailOptions struct {
	Host     string
	Port     int // 0: 465, 587 or 25, as Security has it
	Security Security
	Username string // empty: without authentication
	Password string
	From     string        // address, or NAME <ADDRESS>
	Domains  []string      // of recipients, or *.DOMAIN; empty: any
	CA       []byte        // PEM, beside the system's
	Private  bool          // allow addresses of private networks
	Timeout  time.Duration // of one message, connection included; 0: 30 s
}

// Email sends over SMTP: RFC 5321, with TLS of RFC 3207 or RFC 8314.
type Email struct {
	o     EmailOptions
	from  *mail.Address
	guard Guard
	tls   *tls.Config
}

// NewEmail returns a channel over an SMTP server, to which it does not connect
// yet; the error says what of o does not fit together.
func NewEmail(o EmailOptions) (*Email, error) {
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("from %q: %w", o.From, errAddress)
	}
	if from.Address, err = ParseAddress(from.Address); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	port := 0
	switch o.Security {
	case Implicit:
		port = 465
	case STARTTLS:
		port = 587
	case None:
		port = 25
		if o.Username != "" || o.Password != "" {
			return nil, errors.New("a password is never sent without TLS: want tls starttls or implicit, or no username")
		}
	default:
		return nil, fmt.Errorf("tls %q: want %s, %s or %s", o.Security, Implicit, STARTTLS, None)
	}
	if o.Port == 0 {
		o.Port = port
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	c, err := tlsConfig(o.Host, o.CA)
	if err != nil {
		return nil, err
	}
	return &Email{o: o, from: from, guard: Guard{Private: o.Private, Loopback: o.Security == None}, tls: c}, nil
}

// Send delivers m to the server. An address that it refuses for good is a
// *PermanentError.
func (e *Email) Send(ctx context.Context, m Message) error {
	to, err := ParseAddress(m.To)
	if err != nil {
		return &PermanentError{err}
	}
	if _, domain, _ := strings.Cut(to, "@"); len(e.o.Domains) > 0 && !hostAllowed(domain, e.o.Domains) {
		return permanent("the recipient's domain is %q; allow_hosts has %s", domain, strings.Join(e.o.Domains, ", "))
	}
	msg, err := e.compose(m, to)
	if err != nil {
		return &PermanentError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
	client, err := e.client(ctx)
	if err != nil {
		return temporary("prepare SMTP: %w", err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return e.failed(ctx, fmt.Errorf("connect to %s: %w", client.ServerAddr(), err))
	}
	err = client.SendWithSMTPClient(conn, msg)
	closeErr := client.CloseWithSMTPClient(conn)
	if err != nil {
		return e.failed(ctx, err)
	}
	_ = closeErr // the server has accepted the message; how it says goodbye does not matter
	return nil
}

// client returns a client of one message, whose connection ends with ctx.
func (e *Email) client(ctx context.Context) (*gomail.Client, error) {
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		var conn net.Conn
		var err error
		if e.o.Security == Implicit {
			conn, err = e.guard.dialTLS(dialing, network, address, e.tls)
		} else {
			conn, err = e.guard.dialer(0).DialContext(dialing, network, address)
		}
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() }) // the library looks at ctx only while it dials
		return conn, nil
	}
	options := []gomail.Option{
		gomail.WithPort(e.o.Port), gomail.WithTimeout(e.o.Timeout), gomail.WithTLSConfig(e.tls), gomail.WithDialContextFunc(dial),
	}
	switch e.o.Security {
	case STARTTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Implicit: // the connection is encrypted by then, which the library looks for under this policy
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case None:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if e.o.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(e.o.Username), gomail.WithPassword(e.o.Password))
	}
	return gomail.NewClient(e.o.Host, options...)
}

func (e *Email) compose(m Message, to string) (*gomail.Msg, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg()
	msg.FromMailAddress(e.from)
	if err := msg.To(to); err != nil {
		return nil, fmt.Errorf("recipient %q: %w", to, err)
	}
	_, domain, _ := strings.Cut(e.from.Address, "@")
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.SetGenHeader(gomail.HeaderContentLang, m.Lang)
	msg.Subject(m.Subject)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// failed tells refusals for good from what may pass. A refused password is
// temporary: an operator can mend it, and no message should die of it meanwhile.
func (e *Email) failed(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Canceled
	}
	text := err.Error()
	if e.o.Password != "" {
		text = strings.ReplaceAll(text, e.o.Password, "<redacted>")
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 && refused.Reason != gomail.ErrSMTPMailFrom {
		return permanent("%s", text)
	}
	return temporary("%s", text)
}
