package notice

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

	"yunjian/policies"
)

// MaxWorkflowBytes is the greatest workflow file that is read.
const MaxWorkflowBytes = 1 << 20

// reader reads YAML nodes strictly, collects every mistake, and remembers where
// each path stands.
type reader struct {
	file     string
	problems []policies.Problem
	nodes    map[string]*yaml.Node
}

// wrong notes a mistake at a path that was read, or at the file as a whole.
func (r *reader) wrong(path, format string, args ...any) {
	p := policies.Problem{File: r.file, Path: path, Message: fmt.Sprintf(format, args...)}
	if n := r.nodes[path]; n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	r.problems = append(r.problems, p)
}

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b policies.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &policies.Error{Problems: r.problems}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// document returns the root of the one document that a file consists of.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > MaxWorkflowBytes {
		r.wrong("", "file has more than %d bytes, which is the most that is read", MaxWorkflowBytes)
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, next yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.wrong("", "file is empty")
		return nil
	case err != nil:
		p := policies.Problem{File: r.file, Message: "not YAML: " + err.Error()}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			p.Message = "not YAML: " + m[2]
			if p.Line, _ = strconv.Atoi(m[1]); p.Line > 0 {
				p.Column = 1
			}
		}
		r.problems = append(r.problems, p)
		return nil
	}
	if err := dec.Decode(&next); !errors.Is(err, io.EOF) {
		r.wrong("", "file holds more than one YAML document: want one")
		return nil
	}
	return doc.Content[0]
}

func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias, which these files may not use"
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%.60q", n.Value)
}

// fields are the values of a mapping by key.
type fields struct {
	r      *reader
	path   string
	values map[string]*yaml.Node
}

func (f fields) at(key string) string { return strings.TrimPrefix(f.path+"."+key, ".") }

func (f fields) has(key string) bool { return f.values[key] != nil }

// mapping reads a mapping that holds every key of need, and of the others those of
// may alone.
func (r *reader) mapping(n *yaml.Node, path string, need, may []string) (fields, bool) {
	if n == nil {
		return fields{}, false
	}
	r.nodes[path] = n
	if n.Kind != yaml.MappingNode {
		r.wrong(path, "want a mapping, found %s", found(n))
		return fields{}, false
	}
	f := fields{r: r, path: path, values: map[string]*yaml.Node{}}
	allowed := slices.Concat(need, may)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := f.at(k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			r.wrong(path, "want a key, found %s", found(k))
		case f.values[k.Value] != nil:
			r.nodes[at] = k
			r.wrong(at, "key given twice")
		case !slices.Contains(allowed, k.Value):
			r.nodes[at] = k
			r.wrong(at, "unknown key: want one of %s", strings.Join(allowed, ", "))
		default:
			f.values[k.Value], r.nodes[at] = v, v
		}
	}
	for _, key := range need {
		if f.values[key] == nil {
			r.wrong(path, "missing key %q", key)
		}
	}
	return f, true
}

// text reads one line of text; empty where the key is absent.
func (f fields) text(key string) string { return f.r.text(f.values[key], f.at(key)) }

func (r *reader) text(n *yaml.Node, path string) string {
	if n == nil {
		return ""
	}
	r.nodes[path] = n
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" || strings.ContainsAny(n.Value, "\r\n") {
		r.wrong(path, "want a line of text, found %s", found(n))
		return ""
	}
	return strings.TrimSpace(n.Value)
}

var (
	name     = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	packName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// id reads a name of the workflow's own.
func (f fields) id(key string) string { return f.r.id(f.values[key], f.at(key)) }

func (r *reader) id(n *yaml.Node, path string) string {
	s := r.text(n, path)
	if s != "" && !name.MatchString(s) {
		r.wrong(path, "%.40q is no id: want lower-case letters, digits and single underscores", s)
		return ""
	}
	return s
}

func (f fields) bilingual(key string) Text {
	m, ok := f.r.mapping(f.values[key], f.at(key), []string{"zh", "en"}, nil)
	if !ok {
		return Text{}
	}
	return Text{ZH: m.text("zh"), EN: m.text("en")}
}

func (f fields) boolean(key string) bool {
	n := f.values[key]
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Value != "true" {
		f.r.wrong(f.at(key), "want true, or no such key, found %s", found(n))
	}
	return n.Value == "true"
}

func (f fields) integer(key string, lo, hi int) int {
	if f.values[key] == nil {
		return 0
	}
	return f.r.integer(f.values[key], f.at(key), lo, hi)
}

func (r *reader) integer(n *yaml.Node, path string, lo, hi int) int {
	r.nodes[path] = n
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < lo || v > hi {
		r.wrong(path, "want a whole number from %d to %d, found %s", lo, hi, found(n))
		return 0
	}
	return v
}

// maxList is the longest list that a workflow may hold: some five times the
// longest shipped.
const maxList = 250

// items calls visit for each item of a list, which holds 1 to maxList.
func (f fields) items(key string, visit func(n *yaml.Node, path string)) {
	n := f.values[key]
	if n == nil {
		return
	}
	switch {
	case n.Kind != yaml.SequenceNode:
		f.r.wrong(f.at(key), "want a list, found %s", found(n))
		return
	case len(n.Content) == 0 || len(n.Content) > maxList:
		f.r.wrong(f.at(key), "holds %d: want 1 to %d", len(n.Content), maxList)
		return
	}
	for i, item := range n.Content {
		path := fmt.Sprintf("%s[%d]", f.at(key), i)
		f.r.nodes[path] = item
		visit(item, path)
	}
}

// oneOf reads a value that is one of a few; empty where the key is absent.
func oneOf[T ~string](f fields, key string, allowed ...T) T {
	return checked(f.r, f.text(key), f.at(key), allowed)
}

// listOf reads a list of values that are each one of a few.
func listOf[T ~string](f fields, key string, allowed ...T) []T {
	var out []T
	f.items(key, func(n *yaml.Node, path string) {
		switch v := checked(f.r, f.r.text(n, path), path, allowed); {
		case v == "":
		case slices.Contains(out, v):
			f.r.wrong(path, "%q is listed twice", string(v))
		default:
			out = append(out, v)
		}
	})
	return out
}

func checked[T ~string](r *reader, s, path string, allowed []T) T {
	if s != "" && !slices.Contains(allowed, T(s)) {
		r.wrong(path, "unknown value %.40q: want one of %s", s, join(allowed))
		return ""
	}
	return T(s)
}

func join[T ~string](list []T) string {
	if len(list) == 0 {
		return "none"
	}
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
