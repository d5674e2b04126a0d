package aliyun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// envelope is the outer object of a CloudMonitor answer. Its byte slices point
// into the answer.
type envelope struct {
	code, success []byte // scalars without quotes
	next          string // token of the next page; empty at the end
	points        []byte // the JSON text inside the Datapoints string, still escaped; nil when absent or null
	array         bool   // Datapoints came as a bare array, as the documentation prints it
}

// ok reports whether the envelope speaks of success. CloudMonitor refuses some
// calls with HTTP 200 and another code.
func (e envelope) ok() bool {
	code := string(e.code)
	return (code == "200" || code == "" || strings.EqualFold(code, "success")) && !bytes.EqualFold(e.success, []byte("false"))
}

// explicit reports whether success was said in so many words.
func (e envelope) explicit() bool {
	return string(e.code) == "200" && bytes.EqualFold(e.success, []byte("true"))
}

// scanEnvelope reads an object of scalars without copying; false when there is
// anything else in it, which encoding/json then reads.
func scanEnvelope(body []byte) (envelope, bool) {
	var e envelope
	s := scanner{text: body, quote: `"`}
	s.space()
	if !s.take('{') {
		return e, false
	}
	for first := true; ; first = false {
		s.space()
		if first && s.take('}') {
			break
		}
		key, ok := s.str()
		s.space()
		if !ok || !s.take(':') {
			return e, false
		}
		s.space()
		var value []byte
		quoted := s.peek() == '"'
		if quoted && string(key) == "Datapoints" {
			value, ok = s.longStr()
		} else if quoted {
			value, ok = s.str()
		} else {
			value, ok = s.literal()
		}
		if !ok {
			return e, false
		}
		null := !quoted && string(value) == "null"
		switch string(key) {
		case "Code":
			e.code = value
		case "Success":
			e.success = value
		case "NextToken":
			e.next = token(string(value))
		case "Datapoints":
			if !quoted && !null {
				return e, false
			}
			e.points = value
			if null {
				e.points = nil
			}
		case "code", "success", "asapiSuccess", "asapiErrorCode", "errorCode":
			return e, false // another dialect
		}
		s.space()
		if s.take(',') {
			continue
		}
		if !s.take('}') {
			return e, false
		}
		break
	}
	s.space()
	return e, s.at == len(s.text)
}

// token is the continuation of a listing; servers write "null" for none.
func token(s string) string {
	if s == "null" {
		return ""
	}
	return s
}

// readEnvelope is scanEnvelope for everything that is JSON at all.
func readEnvelope(body []byte) (envelope, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return envelope{}, fmt.Errorf("read answer: %w", err)
	}
	e := envelope{
		code:    []byte(scalar(fields["Code"])),
		success: []byte(scalar(fields["Success"])),
		next:    token(scalar(fields["NextToken"])),
	}
	raw := bytes.TrimSpace(fields["Datapoints"])
	switch {
	case len(raw) == 0 || string(raw) == "null":
	case raw[0] == '"':
		e.points = raw[1 : len(raw)-1]
	case raw[0] == '[':
		e.points, e.array = raw, true
	default:
		return e, errors.New("read answer: Datapoints is neither text nor a list")
	}
	return e, nil
}

// scanner reads JSON byte by byte where it is plain: ASCII, no escapes. Quotes
// are one byte, or two (\") inside a JSON string.
type scanner struct {
	text  []byte
	at    int
	quote string
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.at >= len(s.text) {
		return false
	}
	s.at++
	return true
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) takeQuote() bool {
	if len(s.text)-s.at < len(s.quote) || string(s.text[s.at:s.at+len(s.quote)]) != s.quote {
		return false
	}
	s.at += len(s.quote)
	return true
}

// str reads a quoted string; false when it holds anything but plain ASCII.
func (s *scanner) str() ([]byte, bool) {
	if !s.takeQuote() {
		return nil, false
	}
	begin := s.at
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"' || c == '\\':
			end := s.at
			return s.text[begin:end], s.takeQuote()
		case c < 0x20 || c >= 0x7f:
			return nil, false
		}
	}
	return nil, false
}

// longStr reads a quoted string that may hold escapes, without decoding them.
func (s *scanner) longStr() ([]byte, bool) {
	if !s.takeQuote() {
		return nil, false
	}
	begin := s.at
	for {
		i := bytes.IndexByte(s.text[s.at:], '"')
		if i < 0 {
			return nil, false
		}
		end := s.at + i
		s.at = end + 1
		slashes := 0
		for end-slashes > begin && s.text[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return s.text[begin:end], true
		}
	}
}

// literal reads true, false, null or a number as JSON spells it.
func (s *scanner) literal() ([]byte, bool) {
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.text[s.at:], []byte(word)) {
			s.at += len(word)
			return []byte(word), true
		}
	}
	return s.number()
}

// number reads a number by the JSON grammar.
func (s *scanner) number() ([]byte, bool) {
	begin := s.at
	s.take('-')
	if !s.take('0') && !s.digits() {
		return nil, false
	}
	if s.take('.') && !s.digits() {
		return nil, false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return nil, false
		}
	}
	return s.text[begin:s.at], true
}

func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}
