package policies

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// Setting is one value in which two packs differ, in the words of their files.
type Setting struct {
	// Field is the path of keys; items of lists go by their id or, for a
	// condition, by what it compares: rules.idle.when.cpu_percent.p95.
	Field string  `json:"field"`
	A     *string `json:"a"` // nil: not set there, so that the default holds
	B     *string `json:"b"`
}

// describing are the keys that say what a pack is, not how it judges.
var describing = []string{"id", "name", "version", "effective_from", "source", "note"}

// Differences lists the settings in which the texts of two packs differ, in the
// order of the files, a's first. What only describes (name, version, source,
// notes) is passed over, and so are two ways of writing one number or duration.
// It compares texts rather than Packs so that a key which a later version knows
// cannot be forgotten here. Parse says what is wrong with a text; here the error
// is only that it is no YAML.
func Differences(a, b []byte) ([]Setting, error) {
	var docs [2]*yaml.Node
	for i, text := range [][]byte{a, b} {
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return nil, fmt.Errorf("read policy pack: %w", err)
		}
		if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
			return nil, fmt.Errorf("read policy pack: want a mapping with id, version, rules …")
		}
		docs[i] = doc.Content[0]
	}
	d := differing{settings: []Setting{}}
	d.nodes("", docs[0], docs[1])
	return d.settings, nil
}

type differing struct{ settings []Setting }

func (d *differing) add(path string, a, b *yaml.Node) {
	d.settings = append(d.settings, Setting{Field: path, A: written(a), B: written(b)})
}

func (d *differing) nodes(path string, a, b *yaml.Node) {
	switch {
	case a == nil || b == nil || a.Kind != b.Kind:
		d.add(path, a, b)
	case a.Kind == yaml.ScalarNode:
		if !sameScalar(a.Value, b.Value) {
			d.add(path, a, b)
		}
	case a.Kind == yaml.MappingNode && compares(a) != "": // a condition is one value
		var within differing
		if within.items("", fieldsOf(a), fieldsOf(b)); len(within.settings) > 0 {
			d.add(path, a, b)
		}
	case a.Kind == yaml.MappingNode:
		d.items(path, fieldsOf(a), fieldsOf(b))
	case a.Kind == yaml.SequenceNode:
		x, y := itemsOf(a), itemsOf(b)
		if x == nil || y == nil { // of scalars: the list is one value, and its order may count
			if compact(a) != compact(b) {
				d.add(path, a, b)
			}
			return
		}
		d.items(path, x, y)
		d.order(path, x, y)
	}
}

// field is a value under a key, or an item of a list under what names it.
type field struct {
	key   string
	value *yaml.Node
}

func lookup(list []field, key string) *yaml.Node {
	for _, f := range list {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

func (d *differing) items(path string, a, b []field) {
	at := func(key string) string { return strings.TrimPrefix(path+"."+key, ".") }
	for _, f := range a {
		d.nodes(at(f.key), f.value, lookup(b, f.key))
	}
	for _, f := range b {
		if lookup(a, f.key) == nil {
			d.nodes(at(f.key), nil, f.value)
		}
	}
}

// order tells of rules that both have, in another order: the first match decides.
func (d *differing) order(path string, a, b []field) {
	if path != "rules" {
		return
	}
	common := func(list, other []field) (out []string) {
		for _, f := range list {
			if lookup(other, f.key) != nil {
				out = append(out, f.key)
			}
		}
		return out
	}
	x, y := common(a, b), common(b, a)
	if !slices.Equal(x, y) {
		one, two := strings.Join(x, ", "), strings.Join(y, ", ")
		d.settings = append(d.settings, Setting{Field: path + ".order", A: &one, B: &two})
	}
}

// fieldsOf is the keys of a mapping that bear on judgement.
func fieldsOf(n *yaml.Node) []field {
	var out []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i].Value; !slices.Contains(describing, key) {
			out = append(out, field{key, n.Content[i+1]})
		}
	}
	return out
}

// itemsOf is the mappings of a list by what names them; nil where it is a list
// of something else. Where two have one name, the later are numbered.
func itemsOf(n *yaml.Node) []field {
	out := []field{}
	for _, item := range n.Content {
		if item.Kind != yaml.MappingNode {
			return nil
		}
		key := compares(item)
		for _, name := range []string{"id", "step"} {
			if v := valueOf(item, name); v != nil && key == "" {
				key = v.Value
			}
		}
		if key == "" {
			key = compact(item)
		}
		for n, base := 2, key; lookup(out, key) != nil; n++ {
			key = base + "#" + strconv.Itoa(n)
		}
		out = append(out, field{key, item})
	}
	return out
}

// compares is what a condition compares: cpu_percent.p95, days_off; empty where n
// is no condition.
func compares(n *yaml.Node) string {
	if f := valueOf(n, "fact"); f != nil {
		return f.Value
	}
	m, s := valueOf(n, "metric"), valueOf(n, "statistic")
	if m == nil || s == nil {
		return ""
	}
	return m.Value + "." + s.Value
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// written is a value in one line, without what its path says already.
func written(n *yaml.Node) *string {
	if n == nil {
		return nil
	}
	s := compact(n)
	if what := compares(n); n.Kind == yaml.MappingNode && what != "" {
		s = strings.TrimPrefix(strings.TrimPrefix(s, what), " ")
	}
	return &s
}

// compact writes a node in one line; equal nodes give the same line.
func compact(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		what := compares(n)
		var parts []string
		if what != "" {
			parts = append(parts, what)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if what != "" && slices.Contains([]string{"metric", "statistic", "fact"}, key) || slices.Contains(describing, key) {
				continue
			}
			parts = append(parts, key+" "+compact(n.Content[i+1]))
		}
		return strings.Join(parts, " ")
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, item := range n.Content {
			parts[i] = compact(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return n.Value
	}
}

// sameScalar reports whether two scalars say the same: 80 and 80.0, 24h and 1d.
func sameScalar(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return x == y
	}
	d, errD := model.ParseDuration(a)
	e, errE := model.ParseDuration(b)
	return errD == nil && errE == nil && d == e
}
