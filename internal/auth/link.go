package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"yunjian/internal/store"
)

// Link lets a department answer one notice without an account.
type Link struct {
	Notice     string    `json:"notice"`
	Version    int       `json:"version"` // of the notice; a correction makes a new one
	Department string    `json:"department"`
	Expires    time.Time `json:"expires"` // to the second
	Nonce      string    `json:"nonce"`   // its public id: 128 random bits in hex
	By         string    `json:"by,omitempty"`
	Used       time.Time `json:"used,omitzero"` // for the final answer
	Revoked    bool      `json:"revoked,omitempty"`
}

// linkPayload is what is signed and stands in the link.
type linkPayload struct {
	Notice     string `json:"n"`
	Version    int    `json:"v"`
	Department string `json:"d"`
	Expires    int64  `json:"e"` // Unix seconds
	Nonce      string `json:"x"`
}

// MaxLinkAge is the longest that a link may live.
const MaxLinkAge = 90 * 24 * time.Hour

// maxLink bounds the text of a link.
const maxLink = 4096

// ErrLink is all that is said of a link that does not open its notice.
var ErrLink = errors.New("the link is not valid: it is incomplete, has expired, was revoked, or the answer was given already; ask whoever sent it for a new one")

// linkScopes are what the holder of a link may do with its notice.
func linkScopes() []Permission {
	return []Permission{{Notices, Read}, {Receipts, Create}, {Receipts, Read}, {Exemptions, Create}}
}

func (l Link) payload() linkPayload {
	return linkPayload{l.Notice, l.Version, l.Department, l.Expires.Unix(), l.Nonce}
}

// signLink makes the text of a link: the payload, a dot, and its HMAC-SHA256.
func signLink(key []byte, p linkPayload) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	return b64.EncodeToString(text) + "." + b64.EncodeToString(linkMAC(key, text)), nil
}

func linkMAC(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("yunjian notice link 1\n")) // the key signs nothing else in this form
	mac.Write(text)
	return mac.Sum(nil)
}

// parseLink reads a link that key signed; its payload is looked at only then.
func parseLink(key []byte, link string) (linkPayload, error) {
	payload, mac, ok := strings.Cut(link, ".")
	b64 := base64.RawURLEncoding.Strict()
	text, err := b64.DecodeString(payload)
	sum, macErr := b64.DecodeString(mac)
	if !ok || len(link) > maxLink || err != nil || macErr != nil || !hmac.Equal(sum, linkMAC(key, text)) {
		return linkPayload{}, ErrLink
	}
	var p linkPayload
	if err := json.Unmarshal(text, &p); err != nil {
		return linkPayload{}, ErrLink
	}
	return p, nil
}

// linkKey is where the key is kept that signs links.
const linkKey = "links"

type keptKey struct {
	Key []byte `json:"key"`
}

// NewLink makes a link for one department to one version of a notice. It takes the
// permission to issue notices.
func (s *Service) NewLink(p Principal, notice string, version int, department string, expires time.Time) (text string, l Link, err error) {
	e := by(p, "link.add", clip(notice))
	text, l, err = s.newLink(p, notice, version, department, expires)
	if err == nil {
		e.Detail = fmt.Sprintf("%s for %s until %s", l.Nonce, department, l.Expires.Format(time.RFC3339))
	}
	return text, l, s.tell(e, err)
}

func (s *Service) newLink(p Principal, notice string, version int, department string, expires time.Time) (text string, l Link, err error) {
	now := time.Now()
	if err := Allowed(p, Permission{Notices, Approve}, department); err != nil {
		return "", Link{}, err
	}
	err = s.state.UpdateIdentities(func(i store.Identities) error {
		text, l, err = MakeLink(i, Link{Notice: notice, Version: version, Department: department, Expires: expires, By: p.Name}, now)
		return err
	})
	return text, l, err
}

// MakeLink makes the link that l says, within a transaction: that of what it is sent with,
// so that nobody holds a link to what was never issued. Nonce is filled in, and the end
// cut to the second. It checks nobody's permission.
func MakeLink(i store.Identities, l Link, now time.Time) (string, Link, error) {
	switch {
	case l.Notice == "" || len(l.Notice) > 256 || l.Department == "" || len(l.Department) > 256 || l.Version < 0:
		return "", Link{}, errors.New("a link wants a notice, its version and a department")
	case !l.Expires.After(now) || l.Expires.After(now.Add(MaxLinkAge)):
		return "", Link{}, fmt.Errorf("link expires %s: want a time from now on, within %d days", l.Expires.Format(time.DateOnly), MaxLinkAge/(24*time.Hour))
	}
	l.Expires, l.Nonce = l.Expires.Truncate(time.Second), hex.EncodeToString(random(16))
	var k keptKey
	found, err := i.Get(store.IdentityKeys, linkKey, &k)
	if err == nil && !found {
		k.Key = random(32)
		err = i.Put(store.IdentityKeys, linkKey, k)
	}
	if err != nil {
		return "", Link{}, err
	}
	text, err := signLink(k.Key, l.payload())
	if err != nil {
		return "", Link{}, err
	}
	return text, l, i.Put(store.Links, l.Nonce, l)
}

// ByLink recognizes the holder of a link: as role dept of its department, for its
// notice alone. The error is ErrLink where it opens nothing any more.
func (s *Service) ByLink(text string) (p Principal, l Link, err error) {
	err = s.state.ViewIdentities(func(i store.Identities) error {
		l, err = openLink(i, text, time.Now())
		return err
	})
	if err != nil {
		return Principal{}, Link{}, err
	}
	return Principal{
		Name: "link:" + l.Nonce, Via: ViaLink, Roles: []Role{Dept}, Departments: Departments{Names: []string{l.Department}},
		Scopes: linkScopes(), Notice: l.Notice, Credential: l.Nonce,
	}, l, nil
}

func openLink(i store.Identities, text string, now time.Time) (Link, error) {
	var k keptKey
	if found, err := i.Get(store.IdentityKeys, linkKey, &k); err != nil || !found {
		return Link{}, errors.Join(err, ErrLink)
	}
	p, err := parseLink(k.Key, text)
	if err != nil {
		return Link{}, err
	}
	var l Link
	if found, err := i.Get(store.Links, p.Nonce, &l); err != nil || !found {
		return Link{}, errors.Join(err, ErrLink)
	}
	if l.payload() != p || l.Revoked || !l.Used.IsZero() || !now.Before(l.Expires) {
		return Link{}, ErrLink
	}
	return l, nil
}

// SpendLink uses a link up for the final answer, in the transaction that stores
// the answer: of two at once one gets ErrLink. It tells no event; the answer's does.
func SpendLink(i store.Identities, text string, now time.Time) (Link, error) {
	l, err := openLink(i, text, now)
	if err != nil {
		return Link{}, err
	}
	l.Used = now
	return l, i.Put(store.Links, l.Nonce, l)
}

// RevokeLinks ends the links of a notice, of one version or with version -1 of
// all. It takes the permission to issue notices.
func (s *Service) RevokeLinks(p Principal, notice string, version int) error {
	err := s.state.UpdateIdentities(func(i store.Identities) error {
		var hit []Link
		if err := store.EachIdentity(i, store.Links, func(_ string, l Link) error {
			if l.Notice == notice && (version < 0 || l.Version == version) {
				hit = append(hit, l)
				return Allowed(p, Permission{Notices, Approve}, l.Department)
			}
			return nil
		}); err != nil {
			return err
		}
		for _, l := range hit {
			l.Revoked = true
			if err := i.Put(store.Links, l.Nonce, l); err != nil {
				return err
			}
		}
		return nil
	})
	return s.tell(by(p, "link.revoke", clip(notice)), err)
}
