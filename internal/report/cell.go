package report

import (
	"strconv"
	"strings"

	"yunjian/price"
)

// kind says how the values of a column are written and aligned.
type kind int

const (
	words    kind = iota // text
	whole                // count
	size                 // GB, two decimals at most
	percent1             // percent, one decimal; raw is in percent, 0 to 100
	money                // exact amount, two decimals
)

// Where a column or a row is shown.
const (
	inText = 1 << iota
	inHTML
	inSheet    // XLSX and CSV
	everywhere = inText | inHTML | inSheet
	paper      = inText | inHTML
	screens    = inHTML | inSheet
)

// tone is a class of emphasis; colour never carries it alone.
type tone string

const (
	plain tone = ""
	good  tone = "good"
	warn  tone = "warn"
	bad   tone = "bad"
	mute  tone = "mute"
)

// cell is one value of a table.
type cell struct {
	text string // as people read it
	sub  string // a second name, such as the id of what text names
	raw  string // the plain number, for sheets; empty for text and unknowns
	as   kind   // number format where it differs from the column's; words: it does not
	tone tone
	href string // anchor within the page, without #
}

// column heads one column of a table.
type column struct {
	title string
	kind  kind
	width int // widest in a text report; 0: as wide as needed
	in    int
	wrap  bool // prose: broken over lines rather than cut short
	fold  bool // broken over lines only where a text report is too narrow
}

// table is rows under a header; total may be nil.
type table struct {
	id      string
	title   string
	columns []column
	rows    [][]cell
	total   []cell
	empty   string // said instead of an empty table
	// more says, with its count, that rows were left out of text and page.
	textRows, pageRows int // most rows shown there; 0: all
}

// whole is the text with the second name in parentheses.
func (c cell) whole() string {
	if c.sub == "" {
		return c.text
	}
	return c.text + " (" + c.sub + ")"
}

func text(s string) cell { return cell{text: s} }

func (c cell) toned(t tone) cell { c.tone = t; return c }

func (c cell) link(id string) cell { c.href = id; return c }

func count(n int) cell {
	s := strconv.Itoa(n)
	return cell{text: group(s), raw: s}
}

func gigabytes(v float64) cell {
	return cell{text: group(trim(v, 2)), raw: trim(v, 4)}
}

// given is a size that is given back: nothing of an unknown size is unknown.
func (p prose) given(v float64, known bool) cell {
	if v == 0 && !known {
		return p.unknown()
	}
	return gigabytes(v)
}

// percentCell takes a percentage, 0 to 100; nil is unknown.
func (p prose) percentCell(v *float64) cell {
	if v == nil {
		return p.unknown()
	}
	return cell{text: percent(*v), raw: trim(*v, 4)}
}

func (p prose) moneyCell(a price.Amount, known bool) cell {
	if !known {
		return cell{text: p.say(msgUnknown), tone: mute}
	}
	return cell{text: group(a.String()), raw: a.String(), as: money}
}

// unknown stands for a value nobody measured.
func (p prose) unknown() cell { return cell{text: "—", tone: mute} }

// orDash is text, or a dash where there is none.
func orDash(s string) cell {
	if s == "" {
		return cell{text: "—", tone: mute}
	}
	return text(s)
}

// clean takes what cannot be printed out of a name from outside: control
// characters, line breaks, and the marks that turn the reading direction.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < 0x20 || r == 0x7f || r >= 0x80 && r <= 0x9f,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
			r == 0x200e || r == 0x200f || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffd:
			return -1
		}
		return r
	}, s)
}
