package aliyun

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is one object of an answer, read field by field, so that one odd
// field costs that field and not the page.
type record map[string]json.RawMessage

func readRecord(raw []byte) (record, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	return r, nil
}

// text is a scalar field as text; empty when absent or null.
func (r record) text(name string) string { return scalar(r[name]) }

// number is a numeric field, written as a number or as text; 0 when absent.
func (r record) number(name string) float64 {
	v, err := strconv.ParseFloat(r.text(name), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0
	}
	return v
}

// object is a nested object; empty when absent.
func (r record) object(name string) record {
	o, err := readRecord(r[name])
	if err != nil {
		return nil
	}
	return o
}

// list is the list outer.inner, such as Tags.Tag; it may be null, and some
// installations leave out the inner name.
func (r record) list(outer, inner string) []json.RawMessage {
	raw := bytes.TrimSpace(r[outer])
	if len(raw) > 0 && raw[0] == '{' {
		raw = r.object(outer)[inner]
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// records is list with each element read as an object.
func (r record) records(outer, inner string) []record {
	var out []record
	for _, raw := range r.list(outer, inner) {
		if o, err := readRecord(raw); err == nil && o != nil {
			out = append(out, o)
		}
	}
	return out
}

// first is the first text of the list outer.inner.
func (r record) first(outer, inner string) string {
	for _, raw := range r.list(outer, inner) {
		if s := scalar(raw); s != "" {
			return s
		}
	}
	return ""
}

// farFuture is what postpaid resources carry as their end: 2099-12-31.
const farFuture = 2090

// time reads either of the two formats in use, with and without seconds; zero
// when absent, odd or of the far future.
func (r record) time(name string) time.Time {
	text := r.text(name)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() < farFuture {
			return t.UTC()
		}
	}
	return time.Time{}
}

// tags reads Tags.Tag, spelled TagKey/TagValue or Key/Value.
func (r record) tags() map[string]string {
	var out map[string]string
	for _, t := range r.records("Tags", "Tag") {
		key, value := t.text("TagKey"), t.text("TagValue")
		if key == "" {
			key, value = t.text("Key"), t.text("Value")
		}
		if key == "" {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out
}

// elements returns outer.inner of an answer's body, which must be there.
func elements(body []byte, outer, inner string) ([]record, record, error) {
	top, err := readRecord(body)
	if err != nil {
		return nil, nil, fmt.Errorf("read answer: %w", err)
	}
	if _, ok := top[outer]; !ok {
		return nil, nil, fmt.Errorf("read answer: no %s in it", outer)
	}
	return top.records(outer, inner), top, nil
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// join adds a sentence to another.
func join(a, b string) string {
	return strings.TrimPrefix(a+"; "+b, "; ")
}
