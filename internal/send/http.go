package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// longestAfter bounds what a server may ask for by Retry-After.
const longestAfter = 6 * time.Hour

// poster posts to one server that a Guard allows.
type poster struct {
	client  *http.Client
	secrets []string // that no error may hold
}

func newPoster(g Guard, ca []byte, timeout time.Duration, secrets ...string) (*poster, error) {
	c, err := tlsConfig("", ca) // the name is that of each request
	if err != nil {
		return nil, err
	}
	return &poster{
		client: &http.Client{
			Timeout: timeout,
			Transport: &http.Transport{
				DialContext: g.dialer(timeout).DialContext, TLSClientConfig: c, TLSHandshakeTimeout: timeout,
				MaxResponseHeaderBytes: maxAnswer, DisableKeepAlives: true, ForceAttemptHTTP2: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		secrets: secrets,
	}, nil
}

// post sends body and returns the answer's, once the status is 2xx.
func (p *poster) post(ctx context.Context, to string, body []byte, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, p.hide(&PermanentError{errors.New("not an address")})
	}
	req.Header = header
	resp, err := p.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var at *url.Error // it holds the address
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, p.hide(temporary("post: %w", err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode/100 == 2 && err != nil && ctx.Err() == nil: // taken or not? Sent again, it bears the same id
		return nil, p.hide(temporary("read the answer: %w", err))
	case resp.StatusCode/100 == 2:
		return answer, nil
	default:
		return nil, p.hide(refusal(resp, answer))
	}
}

// refusal words an answer that is not 2xx. What an operator can mend, such as a
// token that is not known, is temporary.
func refusal(resp *http.Response, answer []byte) error {
	said := fmt.Errorf("the server answers %s%s", resp.Status, excerpt(answer))
	switch code := resp.StatusCode; {
	case code/100 == 3:
		host := "elsewhere"
		if at, err := resp.Location(); err == nil {
			host = at.Hostname()
		}
		return temporary("the server redirects to %s (%d); redirects are not followed: configure the address itself", host, code)
	case code == http.StatusBadRequest, code == http.StatusMethodNotAllowed, code == http.StatusGone, code == http.StatusRequestEntityTooLarge,
		code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return &PermanentError{said}
	default:
		return &TemporaryError{Err: said, After: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
}

// retryAfter reads seconds or a date: RFC 9110, 10.2.3.
func retryAfter(s string, now time.Time) time.Duration {
	var after time.Duration
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		after = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), longestAfter)
}

// excerpt is the beginning of an answer in one line, to be appended.
func excerpt(answer []byte) string {
	const most = 200
	s := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(answer[:min(len(answer), 4*most)]), "�"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	if s == "" {
		return ""
	}
	return ": " + s
}

// hide takes the secrets out of what an error says, and keeps its kind.
func (p *poster) hide(err error) error {
	text := err.Error()
	for _, secret := range p.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<redacted>")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "<redacted>")
		}
	}
	plain := errors.New(text)
	var lasting *PermanentError
	if errors.As(err, &lasting) {
		return &PermanentError{plain}
	}
	var passing *TemporaryError
	if errors.As(err, &passing) {
		return &TemporaryError{Err: plain, After: passing.After}
	}
	return plain
}

// hideNil is hide of an error that may be nil.
func (p *poster) hideNil(err error) error {
	if err == nil {
		return nil
	}
	return p.hide(err)
}
