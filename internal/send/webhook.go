package send

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Lengths of a webhook's key in bytes: Standard Webhooks, "Signature scheme".
const (
	leastKey = 24
	mostKey  = 64
)

// WebhookOptions are the choices of NewWebhook.
type WebhookOptions struct {
	URL     string   // a secret: it may hold a token
	Secret  string   // whsec_ and the base64 of 24 to 64 random bytes
	Schemes []string // allowed; empty: https
	Hosts   []string // allowed, or *.DOMAIN
	CA      []byte   // PEM, beside the system's
	Private bool
	Timeout time.Duration // of one message; 0: 15 s, as Standard Webhooks recommends at least
}

// Webhook posts JSON signed by the scheme of Standard Webhooks 1.0,
// https://www.standardwebhooks.com: webhook-id, webhook-timestamp and
// webhook-signature of version 1.
type Webhook struct {
	url  string
	key  *standardwebhooks.Webhook
	http *poster
	now  func() time.Time
}

// NewWebhook returns a channel to one address. Its errors hold neither the
// address nor the secret.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	g := Guard{Schemes: o.Schemes, Hosts: o.Hosts, Private: o.Private}
	u, err := g.url(o.URL)
	if err != nil {
		err = fmt.Errorf("url: %w", err)
	}
	encoded, ok := strings.CutPrefix(o.Secret, "whsec_")
	raw, keyErr := base64.StdEncoding.DecodeString(encoded)
	if !ok || keyErr != nil || len(raw) < leastKey || len(raw) > mostKey {
		err = errors.Join(err, fmt.Errorf("secret: want whsec_ and the base64 of %d to %d bytes, such as `echo whsec_$(openssl rand -base64 32)` prints", leastKey, mostKey))
	}
	if err != nil {
		return nil, err
	}
	key, err := standardwebhooks.NewWebhookRaw(raw)
	if err != nil {
		return nil, errors.New("secret: not a key of Standard Webhooks")
	}
	p, err := newPoster(g, o.CA, o.Timeout, append(hiddenOf(u), o.Secret, encoded)...)
	if err != nil {
		return nil, err
	}
	return &Webhook{url: u.String(), key: key, http: p, now: time.Now}, nil
}

// hiddenOf lists what of an address is secret: all but scheme and host.
func hiddenOf(u *url.URL) []string {
	out := []string{u.String()}
	for _, s := range []string{u.RequestURI(), strings.Trim(u.EscapedPath(), "/"), u.RawQuery} {
		if len(s) > 3 { // shorter is no secret, and would be found in any word
			out = append(out, s)
		}
	}
	for part := range strings.SplitSeq(u.Path, "/") { // as servers quote a token that they do not know
		if len(part) > 7 {
			out = append(out, part)
		}
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if len(v) > 3 {
				out = append(out, v)
			}
		}
	}
	return out
}

// webhookBody is what is posted: the form that Standard Webhooks recommends.
type webhookBody struct {
	Type      string      `json:"type"` // yunjian.KIND
	Timestamp string      `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	ID      string `json:"id"`
	To      string `json:"to,omitempty"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
	Lang    string `json:"lang"`
	Links   []Link `json:"links"`
}

// Send posts m; webhook-id is its ID.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	if err := m.Check(); err != nil {
		return &PermanentError{err}
	}
	now := w.now()
	links := m.Links
	if links == nil {
		links = []Link{}
	}
	body, err := json.Marshal(webhookBody{
		Type: "yunjian." + m.Kind, Timestamp: now.UTC().Format(time.RFC3339),
		Data: webhookData{ID: m.ID, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Lang: m.Lang, Links: links},
	})
	if err != nil {
		return &PermanentError{err}
	}
	signature, err := w.key.Sign(m.ID, now, body)
	if err != nil {
		return temporary("sign: %w", err)
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	_, err = w.http.post(ctx, w.url, body, header)
	return err
}
