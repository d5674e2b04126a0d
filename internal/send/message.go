package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is one thing to be told to one recipient.
type Message struct {
	ID      string `json:"id"`           // from NewID: the same content, the same ID
	Kind    string `json:"kind"`         // such as KindDigest
	Channel string `json:"channel"`      // name of the channel in the configuration
	To      string `json:"to,omitempty"` // e-mail address; empty where the channel has one audience
	Subject string `json:"subject"`      // one line
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"` // the same as Text, for channels that show it
	Lang    string `json:"lang"`           // zh or en
	Links   []Link `json:"links,omitempty"`
}

// Link is an address that a message points to.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Kinds of messages that are known here; others come with those who write them.
const (
	KindDigest = "digest" // rests in quiet hours
	KindNotice = "notice" // a document from which a term runs: it goes out at once
	KindTest   = "test"
)

// NewID derives the idempotency key of a message of a kind to a recipient on a
// channel. Day tells those of one kind apart, such as 2026-11-23: there is one a
// day. It is 32 hexadecimal digits.
func NewID(kind, channel, to, day string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{kind, channel, to, day}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Bounds of a message, in bytes.
const (
	maxSubject = 500
	maxBody    = 256 << 10
)

// Check returns what is wrong with a message that no channel could deliver.
func (m Message) Check() error {
	switch {
	case m.ID == "" || strings.ContainsFunc(m.ID, func(r rune) bool { return !idRune(r) }):
		return fmt.Errorf("message id %q: want letters, digits, - and _, such as NewID makes", m.ID)
	case m.Channel == "":
		return errors.New("the message names no channel")
	case strings.TrimSpace(m.Subject) == "" || len(m.Subject) > maxSubject || strings.ContainsAny(m.Subject, "\r\n\x00"):
		return fmt.Errorf("message %s: want a subject of one line, at most %d bytes", m.ID, maxSubject)
	case m.Text == "" || len(m.Text)+len(m.HTML) > maxBody:
		return fmt.Errorf("message %s: want a text, with its HTML at most %d KiB", m.ID, maxBody>>10)
	case !utf8.ValidString(m.Subject + m.Text + m.HTML):
		return fmt.Errorf("message %s is not UTF-8", m.ID)
	}
	return nil
}

func idRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// Channel delivers messages. Send returns nil once the other side has accepted
// the message; a *PermanentError or a *TemporaryError says what to do of one that
// it has not. It is safe for concurrent use.
type Channel interface {
	Send(ctx context.Context, m Message) error
}

// PermanentError is a refusal that sending again cannot help: no such address,
// content that is not taken.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }
func (e *PermanentError) Unwrap() error { return e.Err }

// TemporaryError is a failure that may pass, or that an operator can mend.
type TemporaryError struct {
	Err error
	// After is how long the other side asked to be left alone, by every message
	// of the channel; 0: it did not say.
	After time.Duration
}

func (e *TemporaryError) Error() string { return e.Err.Error() }
func (e *TemporaryError) Unwrap() error { return e.Err }

func permanent(format string, args ...any) error {
	return &PermanentError{fmt.Errorf(format, args...)}
}

func temporary(format string, args ...any) error {
	return &TemporaryError{Err: fmt.Errorf(format, args...)}
}
