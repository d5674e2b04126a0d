package config

import (
	"fmt"
	"strings"
)

// Mistake is one thing wrong with a configuration.
type Mistake struct {
	Line int    // 0: the file as a whole
	Key  string // such as clouds[0].regions; empty: the file as a whole
	Text string // what was found and what is allowed; no secrets
}

// Error is everything wrong with a configuration file, in the order of lines.
type Error struct {
	File     string
	Mistakes []Mistake
}

// Error lists the mistakes, one a line: "file:line: key: text".
func (e *Error) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		at := e.File
		if m.Line > 0 {
			at += fmt.Sprintf(":%d", m.Line)
		}
		if m.Key != "" {
			at += ": " + m.Key
		}
		lines[i] = at + ": " + m.Text
	}
	return strings.Join(lines, "\n")
}
