package sheet

import (
	"fmt"
	"strings"
)

// maxMistakes is how many mistakes are named; the rest are counted.
const maxMistakes = 50

// Mistake is one thing wrong in a table, for the person who made the file.
type Mistake struct {
	File    string // as the reader knows it
	Line    int    // 1 is the header; 0: the file as a whole
	Column  string // empty: the whole line
	Found   string
	Allowed string
}

// Error is "file:line: column: found …; want …".
func (m Mistake) Error() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d", m.Line)
	}
	b.WriteString(": ")
	if m.Column != "" {
		fmt.Fprintf(&b, "%s: ", m.Column)
	}
	b.WriteString(m.Found)
	if m.Allowed != "" {
		b.WriteString("; want ")
		b.WriteString(m.Allowed)
	}
	return b.String()
}

// Mistakes is everything wrong with some tables: the first 50 in the
// order of the files, and how many more there are.
type Mistakes struct {
	List []Mistake
	More int
}

// Error lists the mistakes, one a line.
func (m *Mistakes) Error() string {
	lines := make([]string, 0, len(m.List)+1)
	for _, x := range m.List {
		lines = append(lines, x.Error())
	}
	if m.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", m.More))
	}
	return strings.Join(lines, "\n")
}

// Add names one more mistake, or where there are enough counts it.
func (m *Mistakes) Add(x Mistake) {
	if len(m.List) == maxMistakes {
		m.More++
		return
	}
	m.List = append(m.List, x)
}

// Count is how many mistakes there are.
func (m *Mistakes) Count() int { return len(m.List) + m.More }

// None reports whether nothing is wrong.
func (m *Mistakes) None() bool { return len(m.List) == 0 }

// Quote shows a found cell, shortened to stay readable.
func Quote(cell string) string {
	const most = 60
	if r := []rune(cell); len(r) > most {
		cell = string(r[:most]) + "…"
	}
	return fmt.Sprintf("found %q", cell)
}
