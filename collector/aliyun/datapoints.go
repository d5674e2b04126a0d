package aliyun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// datum is one element of Datapoints.
type datum struct {
	instance, device string
	ms               int64 // epoch milliseconds
	value            float64
}

// decoder reads pages of Datapoints. It keeps the names it has seen, for a
// page repeats each some hundred times. Not for concurrent use.
type decoder struct {
	names map[string]string
	page  []datum
}

// decode returns the samples of one answer and the token of the next page. The
// samples stay valid until the next call. Values are exactly the nearest
// float64 of the text.
func (d *decoder) decode(body []byte) ([]datum, string, error) {
	d.page = d.page[:0]
	e, ok := scanEnvelope(body)
	if !ok {
		var err error
		if e, err = readEnvelope(body); err != nil {
			return nil, "", err
		}
	}
	if !e.ok() {
		return nil, "", errors.New("answer speaks of failure")
	}
	if e.points == nil {
		if !e.explicit() {
			return nil, "", errors.New("answer without Datapoints")
		}
		return nil, e.next, nil
	}
	if !e.array && d.scan(e.points) {
		return d.page, e.next, nil
	}
	d.page = d.page[:0]
	text := e.points
	if !e.array {
		var s string
		if err := json.Unmarshal(bytes.Join([][]byte{{'"'}, e.points, {'"'}}, nil), &s); err != nil {
			return nil, "", fmt.Errorf("read Datapoints: %w", err)
		}
		text = []byte(s)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, e.next, nil
	}
	if err := d.read(text); err != nil {
		return nil, "", err
	}
	return d.page, e.next, nil
}

func (d *decoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if d.names == nil {
		d.names = map[string]string{}
	}
	s := string(b)
	d.names[s] = s
	return s
}

// deviceKeys are the names under which metrics carry their second dimension,
// in order of preference.
var deviceKeys = [...]string{"device", "diskname", "mountpoint", "ip"}

// scan reads the escaped text of a Datapoints string; false when anything in
// it is out of the ordinary.
func (d *decoder) scan(text []byte) bool {
	s := scanner{text: text, quote: `\"`}
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return s.at == len(text)
	}
	for {
		var p datum
		var average, value float64
		var hasTime, hasInstance, hasAverage, hasValue bool
		device := len(deviceKeys)
		if !s.take('{') {
			return false
		}
		for {
			key, ok := s.str()
			if !ok || !s.take(':') {
				return false
			}
			switch string(key) {
			case "timestamp":
				p.ms, hasTime = s.integer()
				ok = hasTime
			case "instanceId":
				var b []byte
				b, ok = s.str()
				p.instance, hasInstance = d.name(b), ok && len(b) > 0
			case "Average":
				average, hasAverage, ok = s.float()
			case "Value":
				value, hasValue, ok = s.float()
			default:
				ok = s.other(func(b []byte) {
					for i, k := range deviceKeys {
						if i <= device && k == string(key) && len(b) > 0 {
							p.device, device = d.name(b), i
						}
					}
				})
			}
			if !ok {
				return false
			}
			if s.take(',') {
				continue
			}
			if s.take('}') {
				break
			}
			return false
		}
		if !hasTime || !hasInstance {
			return false
		}
		if p.value = average; !hasAverage {
			p.value = value
		}
		if hasAverage || hasValue {
			d.page = append(d.page, p)
		}
		if s.take(',') {
			continue
		}
		return s.take(']') && s.at == len(text)
	}
}

// other skips a value that is not a measurement and shows it when it is text.
func (s *scanner) other(text func([]byte)) bool {
	if s.peek() == '\\' {
		b, ok := s.str()
		if ok {
			text(b)
		}
		return ok
	}
	_, ok := s.literal()
	return ok
}

// integer reads a whole number of at most 18 digits.
func (s *scanner) integer() (int64, bool) {
	b, ok := s.number()
	if !ok || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// float reads a number or null; present is false for null. Up to 15 digits,
// integer and power of ten are exact, and so is their correctly rounded
// quotient (Clinger 1990); the rest goes to strconv.
func (s *scanner) float() (v float64, present, ok bool) {
	if s.peek() == 'n' {
		_, ok = s.literal()
		return 0, false, ok
	}
	b, ok := s.number()
	if !ok {
		return 0, false, false
	}
	var mantissa uint64
	digits, fraction, point, plain := 0, 0, false, true
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			mantissa = mantissa*10 + uint64(c-'0')
			digits++
			if point {
				fraction++
			}
		case c == '.':
			point = true
		case c == '-' && i == 0:
		default:
			plain = false
		}
		if digits > 15 || !plain {
			v, err := strconv.ParseFloat(string(b), 64)
			return v, true, err == nil
		}
	}
	v = float64(mantissa) / powersOfTen[fraction]
	if b[0] == '-' {
		v = math.Copysign(v, -1)
	}
	return v, true, true
}

// read is scan by encoding/json, for everything that scan refuses.
func (d *decoder) read(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var list []map[string]any
	if err := dec.Decode(&list); err != nil {
		return fmt.Errorf("read Datapoints: %w", err)
	}
	if dec.More() {
		return errors.New("read Datapoints: text after the list")
	}
	for i, fields := range list {
		var p datum
		ms, ok := number(fields["timestamp"])
		if !ok {
			return fmt.Errorf("read Datapoints: element %d has no timestamp", i)
		}
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			f, err := strconv.ParseFloat(ms, 64)
			if err != nil || math.Abs(f) > 1<<53 {
				return fmt.Errorf("read Datapoints: element %d has timestamp %.40q", i, ms)
			}
			n = int64(f)
		}
		p.ms = n
		instance, _ := fields["instanceId"].(string)
		if instance == "" {
			return fmt.Errorf("read Datapoints: element %d has no instanceId", i)
		}
		p.instance = d.name([]byte(instance))
		for _, k := range deviceKeys {
			if s, _ := fields[k].(string); s != "" {
				p.device = d.name([]byte(s))
				break
			}
		}
		measured, ok := number(fields["Average"])
		if !ok {
			measured, ok = number(fields["Value"])
		}
		if !ok {
			continue
		}
		if p.value, err = strconv.ParseFloat(measured, 64); err != nil {
			return fmt.Errorf("read Datapoints: element %d has value %.40q", i, measured)
		}
		d.page = append(d.page, p)
	}
	return nil
}

// number is the text of a JSON number, or of a string in its place.
func number(v any) (string, bool) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return v, v != ""
	}
	return "", false
}
