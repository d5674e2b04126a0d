package house

import (
	"regexp"
	"strings"
	"unicode"
)

// document is a Markdown file in the parts that are checked.
type document struct {
	path   string
	lines  []line   // outside fenced blocks
	blocks []block  // fenced blocks
	heads  []string // anchors of headings
}

type line struct {
	number int
	text   string // without code spans
	spans  []string
}

type block struct {
	number int // of the opening fence
	info   string
	lines  []string
}

var (
	codeSpan = regexp.MustCompile("`+([^`]+)`+")
	heading  = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
)

func parseMarkdown(path string, text []byte) document {
	d := document{path: path}
	var open *block
	var fence, indent string
	for i, s := range strings.Split(string(text), "\n") {
		trimmed := strings.TrimLeft(s, " \t")
		if open != nil {
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]+" \t\r") == "" {
				d.blocks = append(d.blocks, *open)
				open = nil
				continue
			}
			open.lines = append(open.lines, strings.TrimPrefix(s, indent))
			continue
		}
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			mark := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, trimmed[:1]))]
			fence, indent = mark, s[:len(s)-len(trimmed)]
			open = &block{number: i + 1, info: strings.TrimSpace(trimmed[len(mark):])}
			continue
		}
		if m := heading.FindStringSubmatch(s); m != nil {
			d.heads = append(d.heads, anchor(m[1]))
		}
		l := line{number: i + 1, text: codeSpan.ReplaceAllString(s, "``")}
		for _, m := range codeSpan.FindAllStringSubmatch(s, -1) {
			l.spans = append(l.spans, m[1])
		}
		d.lines = append(d.lines, l)
	}
	if open != nil { // never closed: what follows was meant to be read
		d.blocks = append(d.blocks, *open)
	}
	return d
}

// anchor is the name that a heading gets in a link: lower case, punctuation
// dropped, spaces to dashes.
func anchor(head string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(head) {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}
