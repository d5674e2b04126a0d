package house

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

func (tr *tree) documents() []document {
	var out []document
	for _, p := range tr.paths(".md") {
		if !slices.Contains(strings.Split(p, "/"), "testdata") {
			out = append(out, parseMarkdown(p, tr.text[p]))
		}
	}
	return out
}

var (
	link = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)
	// A code span that names something in the tree: its first part is a folder
	// of the root.
	repoPath  = regexp.MustCompile(`^\.?[a-z][A-Za-z0-9_-]*/[A-Za-z0-9_./-]*$`)
	elsewhere = regexp.MustCompile(`^(?:[a-z][a-z0-9+.-]*:|//)`)
)

// checkLinks wants every relative link to lead to a file, and its anchor to a
// heading, and every path in a code span to exist.
func checkLinks(tr *tree) (wrong []string) {
	docs := tr.documents()
	for _, d := range docs {
		for _, l := range d.lines {
			for _, m := range link.FindAllStringSubmatch(l.text, -1) {
				if elsewhere.MatchString(m[1]) {
					continue
				}
				target, fragment, _ := strings.Cut(m[1], "#")
				target, err := url.PathUnescape(target)
				if err != nil {
					wrong = append(wrong, fmt.Sprintf("%s:%d: link to %s is not an address", d.path, l.number, m[1]))
					continue
				}
				to := d.path
				if target != "" {
					to = path.Join(path.Dir(d.path), target)
				}
				if !tr.exists(to) {
					wrong = append(wrong, fmt.Sprintf("%s:%d: link to %s, which is not there", d.path, l.number, m[1]))
					continue
				}
				i := slices.IndexFunc(docs, func(d document) bool { return d.path == to })
				if fragment, err := url.PathUnescape(fragment); i >= 0 && fragment != "" && (err != nil || !slices.Contains(docs[i].heads, fragment)) {
					wrong = append(wrong, fmt.Sprintf("%s:%d: link to %s: %s has no such heading", d.path, l.number, m[1], to))
				}
			}
			for _, span := range l.spans {
				first, _, _ := strings.Cut(span, "/")
				if !repoPath.MatchString(span) || !tr.known[first] || slices.Contains(skipped, first) || strings.Contains(span, "NNNN") {
					continue
				}
				if !tr.exists(strings.TrimSuffix(span, "/")) {
					wrong = append(wrong, fmt.Sprintf("%s:%d: names %s, which is not there", d.path, l.number, span))
				}
			}
		}
	}
	return wrong
}

const commandReference = "docs/reference/commands.md"

var (
	commandHead = regexp.MustCompile(`(?m)^## yunjian ([a-z][a-z -]*?)(?: [^a-z\n].*| bash\|.*)?$`)
	flagRow     = regexp.MustCompile("(?m)^\\| `--([a-z][a-z-]*)`")
	word        = regexp.MustCompile(`^[a-z][a-z-]*$`)
	longFlag    = regexp.MustCompile(`^--([A-Za-z][A-Za-z0-9-]*)(?:=.*)?$`)
	target      = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// commands reads the generated reference: the flags of each command.
func commands(text []byte) map[string][]string {
	out := map[string][]string{}
	heads := commandHead.FindAllSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		flags := []string{"help"}
		for _, m := range flagRow.FindAllSubmatch(text[h[1]:end], -1) {
			flags = append(flags, string(m[1]))
		}
		out[string(text[h[2]:h[3]])] = flags
	}
	return out
}

// checkCommands wants every command line of yunjian or make in a document to
// name a command, flags and targets that exist. The generated reference says
// which do; a test beside the program keeps it true.
func checkCommands(tr *tree) (wrong []string) {
	known := commands(tr.text[commandReference])
	if len(known) == 0 {
		return []string{commandReference + ": lists no command; write it with `go test ./cmd/yunjian -update`"}
	}
	targets := target.FindAllSubmatch(tr.text["Makefile"], -1)
	check := func(d document, number int, text string) {
		for _, words := range invocations(text) {
			if words[0] == "make" {
				for _, w := range words[1:] {
					if word.MatchString(w) && !slices.ContainsFunc(targets, func(m [][]byte) bool { return string(m[1]) == w }) {
						wrong = append(wrong, fmt.Sprintf("%s:%d: make %s: the Makefile has no such target", d.path, number, w))
					}
				}
				continue
			}
			if problem := invocation(known, words[1:]); problem != "" {
				wrong = append(wrong, fmt.Sprintf("%s:%d: yunjian %s: %s", d.path, number, strings.Join(words[1:], " "), problem))
			}
		}
	}
	for _, d := range tr.documents() {
		if d.path == commandReference {
			continue
		}
		for _, l := range d.lines {
			for _, span := range l.spans {
				check(d, l.number, span)
			}
		}
		for _, b := range d.blocks {
			for i, s := range b.lines {
				// Of a console only what follows the prompt is typed.
				typed, prompted := strings.CutPrefix(strings.TrimSpace(s), "$ ")
				if prompted || strings.HasPrefix(b.info, "sh") || strings.HasPrefix(b.info, "bash") {
					check(d, b.number+i+1, typed)
				}
			}
		}
	}
	return wrong
}

// invocations cuts a shell line into the calls of yunjian and make in it, as
// words, the program first.
func invocations(text string) (out [][]string) {
	var call []string
	flush := func() {
		if call != nil {
			out = append(out, call)
		}
		call = nil
	}
	start := true
	for _, w := range strings.Fields(text) {
		switch {
		case w == "#":
			flush()
			return out
		case slices.Contains([]string{"&&", "||", "|", ";", "&", ">", "2>"}, w):
			flush()
			start = w != ">" && w != "2>"
		case start && (path.Base(w) == "yunjian" && !strings.HasPrefix(w, "/var") || w == "make"):
			call, start = []string{path.Base(w)}, false
		case start && strings.Contains(w, "=") && !strings.HasPrefix(w, "-"), start && w == "sudo": // NAME=value before a command
		default:
			start = false
			if call != nil {
				call = append(call, strings.TrimRight(w, ";"))
			}
		}
	}
	flush()
	return out
}

// invocation says what is wrong with the arguments of yunjian, or nothing.
func invocation(known map[string][]string, args []string) string {
	name, rest := "", args
	for len(rest) > 0 && word.MatchString(rest[0]) {
		longer := strings.TrimSpace(name + " " + rest[0])
		prefix := false
		for c := range known {
			prefix = prefix || c == longer || strings.HasPrefix(c, longer+" ")
		}
		if !prefix {
			break
		}
		name, rest = longer, rest[1:]
	}
	flags, runs := known[name]
	if !runs && len(rest) > 0 && word.MatchString(rest[0]) && rest[0] != "help" {
		return "no such command"
	}
	for _, w := range rest {
		m := longFlag.FindStringSubmatch(strings.Trim(w, "[]"))
		if m != nil && m[1] != "help" && !slices.Contains(flags, m[1]) {
			return "no flag --" + m[1]
		}
	}
	return ""
}
