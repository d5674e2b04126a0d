package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the greatest file that is read.
const MaxBytes = 1 << 20

// Problem is one mistake in a file.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 where the file as a whole is meant
	Path         string
	Message      string
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

// Error is everything that is wrong with one file, in its order.
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

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: r.problems}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// document returns the one mapping that a file consists of.
func (r *reader) document(text []byte) (mapping, bool) {
	if len(text) > MaxBytes {
		r.wrong(nil, "", "file has more than %d bytes, which is the most that is read", MaxBytes)
		return mapping{}, false
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, next yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.wrong(nil, "", "file is empty")
		return mapping{}, false
	case err != nil:
		p := Problem{File: r.file, Message: "not YAML: " + err.Error()}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			p.Message = "not YAML: " + m[2]
			if p.Line, _ = strconv.Atoi(m[1]); p.Line > 0 {
				p.Column = 1
			}
		}
		r.problems = append(r.problems, p)
		return mapping{}, false
	}
	if err := dec.Decode(&next); !errors.Is(err, io.EOF) {
		r.wrong(nil, "", "file holds more than one YAML document: want one")
		return mapping{}, false
	}
	return r.mapping(doc.Content[0], "")
}

// mapping is a mapping whose keys are each read once.
type mapping struct {
	r      *reader
	node   *yaml.Node
	path   string
	keys   []*yaml.Node
	values map[string]*yaml.Node
	asked  []string
}

func (r *reader) mapping(n *yaml.Node, path string) (mapping, bool) {
	if n == nil {
		return mapping{}, false
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "want a mapping, found %s", found(n))
		return mapping{}, false
	}
	m := mapping{r: r, node: n, path: path, values: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode:
			r.wrong(k, path, "want a key, found %s", found(k))
		case m.values[k.Value] != nil:
			r.wrong(k, m.at(k.Value), "key given twice")
		default:
			m.values[k.Value] = v
			m.keys = append(m.keys, k)
		}
	}
	return m, true
}

func (m *mapping) at(key string) string { return strings.TrimPrefix(m.path+"."+key, ".") }

// take returns the value of a key, nil when absent, and marks the key as known.
func (m *mapping) take(key string) *yaml.Node {
	m.asked = append(m.asked, key)
	return m.values[key]
}

// need is take for a key that must be there.
func (m *mapping) need(key string) *yaml.Node {
	n := m.take(key)
	if n == nil {
		m.r.wrong(m.node, m.path, "missing key %q", key)
	}
	return n
}

// done reports the keys that nobody asked for.
func (m *mapping) done() {
	for _, k := range m.keys {
		if !slices.Contains(m.asked, k.Value) {
			m.r.wrong(k, m.path, "unknown key %.40q: want one of %s", k.Value, strings.Join(m.asked, ", "))
		}
	}
}

func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which these files may not use"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%.60q", n.Value)
}

// text reads one line of text.
func (r *reader) text(n *yaml.Node, path string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" || strings.ContainsAny(n.Value, "\r\n") {
		r.wrong(n, path, "want a line of text, found %s", found(n))
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func (r *reader) oneOf(n *yaml.Node, path string, allowed ...string) string {
	s := r.text(n, path)
	if s != "" && !slices.Contains(allowed, s) {
		r.wrong(n, path, "unknown value %.40q: want one of %s", s, strings.Join(allowed, ", "))
		return ""
	}
	return s
}

func (r *reader) integer(n *yaml.Node, path string, lo, hi int) int {
	if n == nil {
		return 0
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < lo || v > hi {
		r.wrong(n, path, "want a whole number from %d to %d, found %s", lo, hi, found(n))
		return 0
	}
	return v
}

func (r *reader) list(n *yaml.Node, path string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, path, "want a list, found %s", found(n))
		return nil
	}
	return n.Content
}

func (r *reader) texts(n *yaml.Node, path string) []string {
	var out []string
	for i, item := range r.list(n, path) {
		at := fmt.Sprintf("%s[%d]", path, i)
		if s := r.text(item, at); slices.Contains(out, s) {
			r.wrong(item, at, "%.40q is listed twice", s)
		} else if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// bilingual reads {zh: …, en: …}; both are needed.
func (r *reader) bilingual(n *yaml.Node, path string) Text {
	m, ok := r.mapping(n, path)
	if !ok {
		return Text{}
	}
	t := Text{ZH: r.text(m.need("zh"), m.at("zh")), EN: r.text(m.need("en"), m.at("en"))}
	m.done()
	return t
}
