package simcloud

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody bounds the form of a request; a query string is bounded by net/http.
const maxBody = 1 << 20

// parameters are the query and form parameters of a request, sorted by name.
type parameters []parameter

type parameter struct{ name, value string }

// readParameters reads query and form. Of a name given twice the first counts.
func readParameters(w http.ResponseWriter, r *http.Request) (parameters, *apiError) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("query", "not percent-encoded")
	}
	p := make(parameters, 0, len(query)+4)
	for name, values := range query {
		p = append(p, parameter{name, values[0]})
	}
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
				return nil, refuse(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", fmt.Sprintf("The body is larger than %d bytes.", maxBody))
			}
			return nil, invalid("body", "not a form")
		}
		for name, values := range r.PostForm {
			if _, twice := query[name]; !twice {
				p = append(p, parameter{name, values[0]})
			}
		}
	}
	slices.SortFunc(p, func(a, b parameter) int { return strings.Compare(a.name, b.name) })
	return p, nil
}

func (p parameters) find(name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(p, name, func(x parameter, n string) int { return strings.Compare(x.name, n) })
	if !ok {
		return "", false
	}
	return p[i].value, true
}

func (p parameters) get(name string) string {
	v, _ := p.find(name)
	return v
}

// number returns a whole number, or the default where it is absent or none.
func (p parameters) number(name string, absent int) int {
	n, err := strconv.Atoi(p.get(name))
	if err != nil {
		return absent
	}
	return n
}

// list returns name.1, name.2, … until one is absent.
func (p parameters) list(name string) []string {
	var out []string
	for i := 1; ; i++ {
		v, ok := p.find(name + "." + strconv.Itoa(i))
		if !ok {
			return out
		}
		out = append(out, v)
	}
}

// content is a hash of what is asked for, without what differs from one
// attempt to the next and without the names given.
func (p parameters) content(without ...string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	add := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h *= 1099511628211 // a zero byte between
	}
	for _, x := range p {
		switch x.name {
		case "Signature", "SignatureNonce", "Timestamp":
			continue
		}
		if !slices.Contains(without, x.name) {
			add(x.name)
			add(x.value)
		}
	}
	return h
}

// stringToSign is what both sides sign (RPC signature version 1.0): method,
// encoded path (always "/"), and the encoded sorted parameters but for the
// signature itself.
func stringToSign(method string, p parameters) string {
	canonical := make([]byte, 0, 1024)
	for _, x := range p {
		if x.name == "Signature" {
			continue
		}
		if len(canonical) > 0 {
			canonical = append(canonical, '&')
		}
		canonical = encode(canonical, x.name)
		canonical = append(canonical, '=')
		canonical = encode(canonical, x.value)
	}
	out := make([]byte, 0, 2*len(canonical)+16)
	out = append(out, method...)
	out = append(out, "&%2F&"...)
	return string(encodeBytes(out, canonical))
}

func sign(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func encode(dst []byte, s string) []byte { return encodeBytes(dst, []byte(s)) }

// encodeBytes percent-encodes by RFC 3986: everything but letters, digits and
// - _ . ~.
func encodeBytes(dst, s []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range s {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// clockTolerance is how far a request's timestamp may be off.
const clockTolerance = 15 * time.Minute

// authenticate checks key, signature, timestamp and nonce as the gateway does.
func (s *Server) authenticate(method string, c *call) *apiError {
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureNonce", "Timestamp"} {
		if c.get(name) == "" {
			return missing(name)
		}
	}
	if m := c.get("SignatureMethod"); m != "HMAC-SHA1" {
		return invalid("SignatureMethod", "only HMAC-SHA1 is served")
	}
	c.key = c.get("AccessKeyId")
	secret, ok := s.o.Credentials[c.key]
	if !ok {
		return refuse(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	}
	c.account = s.o.Accounts[c.key]
	text := stringToSign(method, c.parameters)
	if !hmac.Equal([]byte(sign(secret, text)), []byte(c.get("Signature"))) {
		return refuse(http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. server string to sign is:"+text)
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", c.get("Timestamp"))
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if off := s.o.Clock().Add(s.o.ClockSkew).Sub(at); off > clockTolerance || off < -clockTolerance {
		return expired()
	}
	if s.nonces.add(c.key+"\x00"+c.get("SignatureNonce")) > 0 {
		return refuse(http.StatusBadRequest, "SignatureNonceUsed", "The request signature nonce has been used.")
	}
	return nil
}

func expired() *apiError {
	return refuse(http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
}

// recent counts how often keys were seen lately, in bounded memory: it
// remembers at least the newest half of `most` keys.
type recent[K comparable] struct {
	mu       sync.Mutex
	most     int
	now, old map[K]uint64
}

func newRecent[K comparable](most int) *recent[K] { return &recent[K]{most: most, now: map[K]uint64{}} }

// add counts key and returns how often it was seen before.
func (r *recent[K]) add(key K) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, found := r.now[key]
	if !found {
		n = r.old[key]
		if len(r.now) >= r.most/2 {
			r.old, r.now = r.now, make(map[K]uint64, r.most/2)
		}
	}
	r.now[key] = n + 1
	return n
}
