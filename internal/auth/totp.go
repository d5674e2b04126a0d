package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// One-time codes by RFC 6238 with its defaults, which every authenticator app
// speaks: SHA-1, 30 seconds, 6 digits.
const (
	codePeriod = 30 // seconds
	codeDigits = 6
	codeSkew   = 1 // periods before and after the present (RFC 6238, section 5.2)
)

// codes is what an account's one-time codes are made of.
type codes struct {
	Secret   []byte   `json:"secret"`
	Pending  bool     `json:"pending,omitempty"`  // shown, but no code was given back yet
	LastStep uint64   `json:"last_step"`          // of the last code accepted; none before it counts again
	Recovery []string `json:"recovery,omitempty"` // SHA-256 of codes for a lost device, in hex
}

// newSecret has the 160 bits that RFC 4226 recommends.
func newSecret() []byte { return random(20) }

// step is the period that an instant is in.
func step(now time.Time) uint64 { return uint64(max(0, now.Unix())) / codePeriod }

// hotp is RFC 4226: the code of a counter, with so many digits.
func hotp(secret []byte, counter uint64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, counter))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%modulus)
}

// accept reports whether code is one of the present, and takes it and all before
// it out of use.
func (c *codes) accept(code string, now time.Time) bool {
	present := step(now)
	for s := present - min(present, codeSkew); s <= present+codeSkew; s++ {
		if s > c.LastStep && subtle.ConstantTimeCompare([]byte(hotp(c.Secret, s, codeDigits)), []byte(code)) == 1 {
			c.LastStep = s
			return true
		}
	}
	return false
}

// recover reports whether code is an unused recovery code, and uses it up.
func (c *codes) recover(code string) bool {
	plain := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum := digest(plain)
	for i, r := range c.Recovery {
		if subtle.ConstantTimeCompare([]byte(r), []byte(sum)) == 1 {
			c.Recovery = slices.Delete(c.Recovery, i, i+1)
			return true
		}
	}
	return false
}

// newRecovery returns ten codes of 80 random bits, in groups of four letters, and
// what is kept of them.
func newRecovery() (shown, kept []string) {
	for range 10 {
		plain := strings.ToLower(base32.StdEncoding.EncodeToString(random(10)))
		shown = append(shown, plain[:4]+"-"+plain[4:8]+"-"+plain[8:12]+"-"+plain[12:])
		kept = append(kept, digest(plain))
	}
	return shown, kept
}

// uri is what an authenticator app reads as a QR code.
func (c codes) uri(account string) string {
	q := url.Values{"secret": {c.text()}, "issuer": {"Yunjian"}}
	return (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/Yunjian:" + account, RawQuery: q.Encode()}).String()
}

func (c codes) text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(c.Secret)
}

// random returns n bytes that nobody can guess.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: see its documentation
	return b
}

// digest is what is kept of a random secret.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
