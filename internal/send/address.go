package send

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
)

// Limits of an e-mail address in bytes: RFC 5321, 4.5.3.1.
const (
	maxAddress = 254
	maxLocal   = 64
)

var errAddress = errors.New("want one e-mail address such as zhang.san@example.gov.cn, without a name")

// ParseAddress returns the e-mail address in s: LOCAL@DOMAIN in ASCII with nothing
// beside it, its domain in lower case. Quoted local parts, addresses with a name
// and address literals are refused: they are how headers are smuggled in, and
// nobody's address.
func ParseAddress(s string) (string, error) {
	if len(s) > maxAddress {
		return "", fmt.Errorf("an address of %d bytes: want at most %d", len(s), maxAddress)
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),:;<>[\]`, r)
	}) {
		return "", fmt.Errorf("%q: %w", s, errAddress)
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", fmt.Errorf("%q: %w", s, errAddress)
	}
	local, domain, _ := strings.Cut(s, "@")
	if len(local) > maxLocal || !validHost(domain) {
		return "", fmt.Errorf("%q: %w", s, errAddress)
	}
	return local + "@" + strings.ToLower(domain), nil
}

// validHost reports whether s is a name of labels of letters, digits and hyphens:
// RFC 1123, 2.1.
func validHost(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return !idRune(r) || r == '_' }) {
			return false
		}
	}
	return true
}

// hostAllowed reports whether host is one of those allowed. One that begins with
// "*." allows all names below it.
func hostAllowed(host string, allowed []string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return slices.ContainsFunc(allowed, func(a string) bool {
		a = strings.ToLower(a)
		if below, ok := strings.CutPrefix(a, "*"); ok {
			return strings.HasSuffix(host, below) && len(host) > len(below)
		}
		return host == a
	})
}
