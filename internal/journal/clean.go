package journal

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The most that an entry holds, in bytes.
const (
	maxName    = 128
	maxID      = 256
	maxReason  = 500
	maxDetail  = 256
	maxDetails = 16 // details an entry
)

// cleaned is an entry with every field bounded, without secrets, personal data
// masked.
func (e Entry) cleaned() Entry {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if !e.AsOf.IsZero() {
		e.AsOf = e.AsOf.UTC()
	}
	for _, field := range []*string{&e.Actor, &e.Role, &e.Address, &e.Object.Type, &e.Policy.ID, &e.Policy.Version, &e.Policy.SHA256} {
		*field = clean(*field, maxName)
	}
	e.Object.ID, e.PriceBook = clean(e.Object.ID, maxID), clean(e.PriceBook, maxID)
	e.Reason = clean(e.Reason, maxReason)
	details := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(e.Details)) {
		if len(details) < maxDetails {
			details[clean(k, maxName)] = clean(e.Details[k], maxDetail)
		}
	}
	e.Details = nil
	if len(details) > 0 {
		e.Details = details
	}
	return e
}

// clean is s on one line of at most so many bytes. It is masked before it is
// cut: a cut would leave half a secret that nothing recognizes.
func clean(s string, most int) string {
	// What is far beyond the bound is not looked through.
	s = mask(cut(strings.ToValidUTF8(s, "�"), 16*most))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return cut(strings.TrimSpace(s), most)
}

// cut is the beginning of s, of at most so many bytes, with a mark where
// something is left out.
func cut(s string, most int) string {
	const more = "…"
	if len(s) <= most {
		return s
	}
	n := most - len(more)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}

var (
	// Keys of queries and documents whose values are secrets.
	secretKey = regexp.MustCompile(`(?i)((?:secret|token|passw(?:or)?d|passwd|pwd|sign|signature|accesskeyid|access_?key(?:_?id)?|credential)["']?(?:=|"\s*:\s*)["']?)[^\s"'&,;}]+`)
	bearer    = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}`)
	userInfo  = regexp.MustCompile(`://[^/\s@]+@`)
	accessKey = regexp.MustCompile(`\bLTAI[A-Za-z0-9]{8,}`)

	spaced = regexp.MustCompile(`\b(1[3-9][0-9])[ -][0-9]{4}[ -]([0-9]{4})\b`)
	number = regexp.MustCompile(`[0-9A-Za-z]+`)
	phone  = regexp.MustCompile(`^((?:86|0086)?1[3-9][0-9])[0-9]{4}([0-9]{4})$`)
	// Region, date of birth, order, check digit of GB 11643.
	identity = regexp.MustCompile(`^([1-9][0-9]{2})[0-9]{3}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])([0-9]{3}[0-9Xx])$`)
)

// mask strikes out what looks like a secret, and the middle of numbers of
// telephones and identity cards.
func mask(s string) string {
	s = secretKey.ReplaceAllString(s, "${1}***")
	s = bearer.ReplaceAllString(s, "$1 ***")
	s = userInfo.ReplaceAllString(s, "://***@")
	s = accessKey.ReplaceAllString(s, "LTAI***")
	s = spaced.ReplaceAllString(s, "$1****$2")
	return number.ReplaceAllStringFunc(s, func(word string) string {
		word = phone.ReplaceAllString(word, "$1****$2")
		return identity.ReplaceAllString(word, "$1***********$2")
	})
}
