package policies

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// MaxBytes is the greatest policy or exemption file that is read.
const MaxBytes = 1 << 20

// Problem is one mistake in a file.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 where the file as a whole is meant
	Path         string
	Message      string
	// Incomplete marks a number that the pack's user must still enter: the pack
	// reads, but cannot be used for an audit.
	Incomplete bool
}

// String is file:line:column: path: message.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	if p.Path != "" {
		s += ": " + p.Path
	}
	return s + ": " + p.Message
}

// Error is everything that is wrong with one file.
type Error struct {
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func problemsError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Problems: problems}
}

// reader reads YAML nodes strictly and collects every mistake.
type reader struct {
	file     string
	problems []Problem
}

func (r *reader) wrong(n *yaml.Node, path, format string, args ...any) {
	p := Problem{File: r.file, Path: path, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	r.problems = append(r.problems, p)
}

// sorted returns the problems in the order of the file.
func (r *reader) sorted() []Problem {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.problems
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document returns the one mapping that a file consists of.
func (r *reader) document(text []byte) (object, bool) {
	if len(text) > MaxBytes {
		r.wrong(nil, "", "file has more than %d bytes, which is the most that is read", MaxBytes)
		return object{}, false
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, next yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.wrong(nil, "", "file is empty")
			return object{}, false
		}
		p := Problem{File: r.file, Message: err.Error()}
		if m := yamlLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0]); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Column, p.Message = 1, "not YAML: "+m[2]
		}
		r.problems = append(r.problems, p)
		return object{}, false
	}
	if err := dec.Decode(&next); !errors.Is(err, io.EOF) {
		r.wrong(nil, "", "file holds more than one YAML document: want one")
		return object{}, false
	}
	return r.object(doc.Content[0], "")
}

// object is a mapping whose keys are each read once.
type object struct {
	r      *reader
	node   *yaml.Node
	path   string
	values map[string]*yaml.Node
	keys   []*yaml.Node
	asked  []string
}

func (r *reader) object(n *yaml.Node, path string) (object, bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "want a mapping, found %s", nodeName(n))
		return object{}, false
	}
	o := object{r: r, node: n, path: path, values: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			r.wrong(k, path, "want a key, found %s", nodeName(k))
			continue
		}
		if _, twice := o.values[k.Value]; twice {
			r.wrong(k, o.at(k.Value), "key given twice")
			continue
		}
		o.values[k.Value] = v
		o.keys = append(o.keys, k)
	}
	return o, true
}

func (o *object) at(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// take returns the value of a key, nil when absent, and marks the key as known.
func (o *object) take(key string) *yaml.Node {
	o.asked = append(o.asked, key)
	return o.values[key]
}

// need is take for a key that must be there.
func (o *object) need(key string) *yaml.Node {
	n := o.take(key)
	if n == nil {
		o.r.wrong(o.node, o.path, "missing key %q", key)
	}
	return n
}

// done reports the keys that nobody asked for.
func (o *object) done() {
	for _, k := range o.keys {
		if slices.Contains(o.asked, k.Value) {
			continue
		}
		msg := fmt.Sprintf("unknown key %q", k.Value)
		if near := nearest(k.Value, o.asked); near != "" {
			msg += fmt.Sprintf(": did you mean %q?", near)
		} else {
			msg += ": want one of " + strings.Join(o.asked, ", ")
		}
		o.r.wrong(k, o.path, "%s", msg)
	}
}

func nodeName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which policy files may not use"
	default:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return strconv.Quote(n.Value)
	}
}

// text reads a scalar as text; what says what is wanted.
func (r *reader) text(n *yaml.Node, path string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
		r.wrong(n, path, "want text, found %s", nodeName(n))
		return ""
	}
	return n.Value
}

// oneOf reads a scalar that must be one of the allowed words.
func (r *reader) oneOf(n *yaml.Node, path string, allowed ...string) string {
	s := r.text(n, path)
	if s == "" || slices.Contains(allowed, s) {
		return s
	}
	msg := fmt.Sprintf("unknown value %q: want one of %s", s, strings.Join(allowed, ", "))
	if near := nearest(s, allowed); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	r.wrong(n, path, "%s", msg)
	return ""
}

// number reads a finite number from lo to hi.
func (r *reader) number(n *yaml.Node, path string, lo, hi float64) (float64, bool) {
	if n == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		r.wrong(n, path, "want a number, found %s", nodeName(n))
		return 0, false
	}
	if v < lo || v > hi {
		r.wrong(n, path, "%s is out of range: want %g to %g", n.Value, lo, hi)
		return 0, false
	}
	return v, true
}

func (r *reader) integer(n *yaml.Node, path string, lo, hi int) int {
	if n == nil {
		return 0
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.wrong(n, path, "want a whole number, found %s", nodeName(n))
		return 0
	}
	if v < lo || v > hi {
		r.wrong(n, path, "%d is out of range: want %d to %d", v, lo, hi)
		return 0
	}
	return v
}

// percent reads a percentage as a share of 1.
func (r *reader) percent(n *yaml.Node, path string) float64 {
	v, _ := r.number(n, path, 0, 100)
	return v / 100
}

// harm reads the percentage of harm that is allowed: none given is no limit, and 0 must
// not be read as that.
func (r *reader) harm(n *yaml.Node, path string) float64 {
	v, ok := r.number(n, path, 0, 100)
	if ok && v == 0 {
		r.wrong(n, path, "0 allows nothing: want a percentage above 0, or no such key for no limit")
	}
	return v / 100
}

// duration reads a Prometheus duration from lo to hi.
func (r *reader) duration(n *yaml.Node, path string, lo, hi time.Duration) time.Duration {
	if n == nil {
		return 0
	}
	d, err := model.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.wrong(n, path, "want a duration such as 30d or 12h, found %s", nodeName(n))
		return 0
	}
	if v := time.Duration(d); v >= lo && v <= hi {
		return v
	}
	r.wrong(n, path, "%s is out of range: want %s to %s", n.Value, model.Duration(lo), model.Duration(hi))
	return 0
}

// date reads a calendar date as midnight UTC.
func (r *reader) date(n *yaml.Node, path string) time.Time {
	if n == nil {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.wrong(n, path, "want a date such as 2026-11-30, found %s", nodeName(n))
		return time.Time{}
	}
	return t
}

// list returns the items of a sequence.
func (r *reader) list(n *yaml.Node, path string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, path, "want a list, found %s", nodeName(n))
		return nil
	}
	return n.Content
}

func (r *reader) texts(n *yaml.Node, path string) []string {
	var out []string
	for i, item := range r.list(n, path) {
		at := fmt.Sprintf("%s[%d]", path, i)
		s := r.text(item, at)
		if s == "" {
			continue
		}
		if slices.Contains(out, s) {
			r.wrong(item, at, "%q is listed twice", s)
			continue
		}
		out = append(out, s)
	}
	return out
}

// bilingual reads {zh: …, en: …}; both are needed.
func (r *reader) bilingual(n *yaml.Node, path string) Text {
	if n == nil {
		return Text{}
	}
	o, ok := r.object(n, path)
	if !ok {
		return Text{}
	}
	t := Text{ZH: strings.TrimSpace(r.text(o.need("zh"), o.at("zh"))), EN: strings.TrimSpace(r.text(o.need("en"), o.at("en")))}
	o.done()
	return t
}

// nearest returns the word that is at most a third of itself away from s by
// Levenshtein distance, or nothing.
func nearest(s string, words []string) string {
	if len(s) > 64 {
		return ""
	}
	best, bestDistance := "", math.MaxInt
	for _, w := range words {
		if d := distance(s, w); d < bestDistance && d <= max(1, len(w)/3) {
			best, bestDistance = w, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
