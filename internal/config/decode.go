package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads YAML nodes and collects mistakes.
type decoder struct {
	dir      string // of the file
	mistakes []Mistake
	warnings []string
	later    []func() // checks of what names something elsewhere in the file
}

func (d *decoder) bad(line int, key, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{Line: line, Key: key, Text: fmt.Sprintf(format, args...)})
}

func (d *decoder) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

func (d *decoder) clean() bool { return len(d.mistakes) == 0 }

// path makes a path of the file relative to the file's folder.
func (d *decoder) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(d.dir, p)
}

// key is one key of a mapping that decodes into T: its reference, and how it is
// read.
type key[T any] struct {
	name     string
	typ      string // for people: "duration", "list of text", …
	fallback string // the default, for people; empty: none
	zh, en   string // what it means
	read     func(d *decoder, n *yaml.Node, at string, x *T)
	children func(prefix string) []Key // of a mapping: its keys
}

// readMap reads the mapping n with keys into x; it returns the line of each key
// that is present.
func readMap[T any](d *decoder, n *yaml.Node, at string, keys []key[T], x *T) map[string]int {
	lines := map[string]int{}
	if n.Kind != yaml.MappingNode {
		d.bad(n.Line, at, "found %s; want a mapping of %s", describe(n), names(keys))
		return lines
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		path := join(at, name.Value)
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" {
			d.bad(name.Line, at, "found %s as a key; want one of %s", describe(name), names(keys))
			continue
		}
		k := slices.IndexFunc(keys, func(k key[T]) bool { return k.name == name.Value })
		switch {
		case k < 0:
			d.unknown(name, at, known(keys))
		case lines[name.Value] > 0:
			d.bad(name.Line, path, "given twice, first on line %d; want it once", lines[name.Value])
		case value.Kind == yaml.AliasNode:
			d.bad(value.Line, path, "found a YAML alias; write the value out")
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
			d.bad(name.Line, path, "has no value; give it one or leave the key out")
		default:
			keys[k].read(d, value, path, x)
		}
		if lines[name.Value] == 0 {
			lines[name.Value] = name.Line
		}
	}
	return lines
}

// unknown reports a key that does not exist: a secret gets its own answer,
// anything else the nearest key or all of them. A value is never shown.
func (d *decoder) unknown(name *yaml.Node, at string, allowed []string) {
	path := join(at, shorten(name.Value))
	plain := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(name.Value))
	for _, secret := range []string{"access_key_id", "access_key_secret", "security_token", "password", "token", "secret", "url"} {
		if isSecret(name.Value, secret) && slices.Contains(allowed, secret+"_env") {
			d.bad(name.Line, path, "secrets are never written in the configuration; name an environment variable with %s_env or a file with %s_file, and change the key if it was ever saved here", secret, secret)
			return
		}
	}
	for _, word := range []string{"secret", "password", "passwd", "token", "access_key", "accesskey", "credential"} {
		if strings.Contains(plain, word) && !strings.HasSuffix(plain, "_env") && !strings.HasSuffix(plain, "_file") {
			d.bad(name.Line, path, "unknown key, and secrets are never written in the configuration; want one of %s", strings.Join(allowed, ", "))
			return
		}
	}
	if near := nearest(plain, allowed); near != "" {
		d.bad(name.Line, path, "unknown key; did you mean %s?", near)
		return
	}
	d.bad(name.Line, path, "unknown key; want one of %s", strings.Join(allowed, ", "))
}

// isSecret reports whether a key is the secret of that name in any spelling.
func isSecret(name, secret string) bool {
	squeeze := strings.NewReplacer("-", "", "_", "", " ", "")
	return strings.EqualFold(squeeze.Replace(name), squeeze.Replace(secret))
}

func known[T any](keys []key[T]) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.name
	}
	return out
}

func names[T any](keys []key[T]) string { return strings.Join(known(keys), ", ") }

// nearest returns the allowed word that one or two slips turn into found, or "".
func nearest(found string, allowed []string) string {
	if len(found) > 64 {
		return ""
	}
	best, least := "", 3
	for _, a := range allowed {
		if n := distance(found, a); n < least && n < len(a) {
			best, least = a, n
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// scalar returns the text of a single value.
func (d *decoder) scalar(n *yaml.Node, at, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return "", false
	}
	return n.Value, true
}

// each calls visit for the items of a list.
func (d *decoder) each(n *yaml.Node, at, want string, visit func(n *yaml.Node, at string)) {
	if n.Kind != yaml.SequenceNode {
		d.bad(n.Line, at, "found %s; want a list of %s", describe(n), want)
		return
	}
	for i, item := range n.Content {
		path := fmt.Sprintf("%s[%d]", at, i)
		if item.Kind == yaml.AliasNode {
			d.bad(item.Line, path, "found a YAML alias; write the value out")
			continue
		}
		visit(item, path)
	}
}

// file checks that p, relative to the configuration, is a file that exists.
func (d *decoder) file(line int, at, p string) string {
	full := d.path(p)
	if info, err := os.Stat(full); err != nil {
		d.bad(line, at, "file %s: %v", p, reason(err))
	} else if !info.Mode().IsRegular() {
		d.bad(line, at, "%s is not a file", p)
	}
	return full
}

// reason is the last part of a file error, without the path that is named
// already.
func reason(err error) string {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// describe names what a node is, with its text where that is short.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "a YAML alias"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", shorten(n.Value))
}

func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// sorted returns the keys of m in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
