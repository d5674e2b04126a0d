package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// textWidth is how many columns a text report takes; a Chinese character
// takes two.
const textWidth = 112

// textDetails is how many cases a text report tells in full.
const textDetails = 20

// cond measures text the same on every machine, whatever its locale.
var cond = &runewidth.Condition{EastAsianWidth: false}

// writeText lays d out for a terminal or a mail.
func writeText(w io.Writer, d document) error {
	p := d.prose
	t := &page{w: bufio.NewWriter(w)}
	t.line(spread(d.title, d.subtitle, textWidth))
	t.line(strings.Repeat("=", textWidth))
	if d.banner != "" {
		t.paragraph("", "*** "+d.banner+" ***")
	}
	for _, s := range d.stamp {
		t.paragraph("", s)
	}

	n := 0
	head := func(title string) {
		n++
		t.line("")
		t.line(ordinal(n, p.lang) + title)
		t.line(strings.Repeat("-", textWidth))
	}
	head(p.say(msgOverview))
	t.paragraph("", p.sentences(d.headline))
	if len(d.tiles) > 0 {
		t.line("")
		t.tiles(d.tiles)
		t.line("")
		t.lights(d)
	}
	if len(d.compared.rows) > 0 {
		t.line("")
		t.line(p.say(msgComparedTitle))
		t.table(d.compared, p)
	}
	for _, s := range d.sections {
		head(s.title)
		t.section(s, p)
	}
	head(p.say(msgTodoTitle))
	if len(d.todo) == 0 {
		t.line(p.say(msgNoneTodo))
	}
	for _, x := range d.todo {
		t.paragraph("[ ] ", x.text)
	}
	if len(d.details) > 0 {
		head(p.say(msgDetails))
		t.details(d)
	}
	head(p.say(msgBasisTitle))
	t.table(d.basis, p)
	head(p.say(msgAppendix))
	t.table(d.appendix, p)
	t.line("")
	t.line(p.sentences([]string{p.say(msgAppendixNote)}))
	return t.w.Flush()
}

// ordinal numbers a section: 一、 in Chinese, 1. in English.
func ordinal(n int, l Lang) string {
	if l == EN {
		return fmt.Sprintf("%d. ", n)
	}
	const ones = "零一二三四五六七八九十"
	pick := func(i int) string { return string([]rune(ones)[i]) }
	switch {
	case n <= 10:
		return pick(n) + "、"
	case n < 20:
		return "十" + pick(n-10) + "、"
	default:
		return fmt.Sprintf("%d、", n)
	}
}

// page writes lines; the first error of the writer is kept by bufio and
// returned by Flush.
type page struct{ w *bufio.Writer }

func (t *page) line(s string) {
	t.w.WriteString(strings.TrimRight(s, " "))
	t.w.WriteByte('\n')
}

// paragraph writes wrapped prose; lines after the first are indented as far as
// the mark before it.
func (t *page) paragraph(mark, s string) {
	indent := cond.StringWidth(mark)
	for i, l := range wrap(s, textWidth-indent) {
		if i == 0 {
			t.line(mark + l)
			continue
		}
		t.line(strings.Repeat(" ", indent) + l)
	}
}

// spread puts one text to the left and one to the right.
func spread(left, right string, width int) string {
	gap := width - cond.StringWidth(left) - cond.StringWidth(right)
	return left + strings.Repeat(" ", max(2, gap)) + right
}

func (t *page) tiles(list []tile) {
	width := 0
	for _, x := range list {
		width = max(width, cond.StringWidth(x.label))
	}
	value := 0
	for _, x := range list {
		value = max(value, cond.StringWidth(x.value))
	}
	for _, x := range list {
		t.paragraph("  "+pad(x.label, width, false)+"  "+pad(x.value, value, true)+"   ", x.note)
	}
}

func (t *page) lights(d document) {
	label, text := 0, 0
	for _, l := range d.lights {
		label = max(label, cond.StringWidth(l.label+l.meaning)+3)
		text = max(text, cond.StringWidth(l.text))
	}
	const full = 40
	for _, l := range d.lights {
		n := int(l.Share*full + 0.5)
		if n == 0 && l.Resources > 0 {
			n = 1
		}
		t.line("  " + pad(l.label+" - "+l.meaning, label, false) + "  " + pad(l.text, text, true) + "  " + strings.Repeat("#", n))
	}
}

func (t *page) section(s section, p prose) {
	for _, note := range s.notes {
		t.paragraph("", p.sentences([]string{note}))
	}
	for i, x := range s.tables {
		if i > 0 || len(s.notes) > 0 {
			t.line("")
		}
		if x.title != "" {
			t.line(x.title)
		}
		t.table(x, p)
	}
	t.weeks(s.weeks, p)
}

func (t *page) details(d document) {
	p := d.prose
	for i, x := range d.details {
		if i == textDetails {
			t.line("")
			t.line(p.say(msgCutDetails, len(d.details)-i+d.cut))
			return
		}
		if i > 0 {
			t.line("")
		}
		t.paragraph(fmt.Sprintf("%2d. ", i+1), x.action.text+"  "+x.title+"  "+x.subtitle)
		var facts []string
		for _, f := range x.facts {
			facts = append(facts, f.label+" "+f.value)
		}
		t.paragraph("    ", strings.Join(facts, " | "))
		t.paragraph("    ", p.sentences(x.sentences))
		width := 0
		for _, c := range x.charts {
			width = max(width, cond.StringWidth(c.title))
		}
		for _, c := range x.charts {
			top := scaleTop(c)
			legend := []string{"0-" + trim(top, 1) + "%"}
			for _, l := range c.lines {
				legend = append(legend, l.label)
			}
			t.paragraph("    "+pad(c.title, width, false)+" |"+sparkline(c.Chart, top, 48)+"| ", p.join(legend))
		}
	}
}

// sparkline draws the maxima of a chart in n columns; a column without samples
// is blank.
func sparkline(c Chart, top float64, n int) string {
	const ticks = "▁▂▃▄▅▆▇█"
	levels := []rune(ticks)
	peaks := make([]float64, n)
	seen := make([]bool, n)
	from, to := c.Window.From.Unix(), c.Window.To.Unix()
	if to <= from {
		return strings.Repeat(" ", n)
	}
	for _, x := range c.Points {
		// A bucket may reach over several columns where there are few buckets.
		first := int((x.T - from) * int64(n) / (to - from))
		last := int((x.T + int64(c.Step.Seconds()) - 1 - from) * int64(n) / (to - from))
		for i := max(0, first); i <= min(n-1, last); i++ {
			if !seen[i] || x.Max > peaks[i] {
				peaks[i], seen[i] = x.Max, true
			}
		}
	}
	var b strings.Builder
	for i := range n {
		if !seen[i] {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(levels[min(len(levels)-1, max(0, int(peaks[i]/top*float64(len(levels)))))])
	}
	return b.String()
}

// table writes t aligned; columns of words shrink until the line fits.
func (t *page) table(x table, p prose) {
	if len(x.rows) == 0 {
		t.line(x.empty)
		return
	}
	rows := x.rows
	if x.textRows > 0 && len(rows) > x.textRows {
		rows = rows[:x.textRows]
	}
	var columns []int
	for i, c := range x.columns {
		if c.in&inText != 0 {
			columns = append(columns, i)
		}
	}
	widths := layout(x, rows, columns)
	t.header(x, columns, widths)
	for _, row := range rows {
		t.row(x, row, columns, widths)
	}
	if x.total != nil {
		t.rule(widths)
		t.row(x, x.total, columns, widths)
	}
	if len(rows) < len(x.rows) {
		t.line(p.say(msgMoreRows, len(x.rows)-len(rows)))
	}
}

// layout chooses the widths of the columns shown. A header may wrap, so it asks
// for no more than its content or ten columns.
func layout(x table, rows [][]cell, columns []int) []int {
	widths := make([]int, len(columns))
	sum := 2 * (len(columns) - 1)
	for k, i := range columns {
		c := x.columns[i]
		widths[k] = min(cond.StringWidth(c.title), 10)
		for _, row := range append(rows, x.total) {
			if i < len(row) {
				widths[k] = max(widths[k], cond.StringWidth(row[i].whole()))
			}
		}
		if c.width > 0 {
			widths[k] = min(widths[k], c.width)
		}
		sum += widths[k]
	}
	sum = squeeze(widths, sum, func(k int) int {
		c := x.columns[columns[k]]
		if c.kind != words || c.width == 0 {
			return widths[k]
		}
		least := 8 // or as wide as the ids, without which nobody finds the resource
		for _, row := range rows {
			least = max(least, min(24, cond.StringWidth(row[columns[k]].sub)))
		}
		return least
	})
	sum = squeeze(widths, sum, func(k int) int {
		if x.columns[columns[k]].fold {
			return 14
		}
		return widths[k]
	})
	// What is left goes to the prose, which gains most from it.
	for k, i := range columns {
		if x.columns[i].wrap && sum < textWidth {
			longest := 0
			for _, row := range rows {
				longest = max(longest, cond.StringWidth(row[i].whole()))
			}
			more := min(textWidth-sum, max(0, longest-widths[k]))
			widths[k] += more
			sum += more
		}
	}
	return widths
}

// squeeze narrows the widest columns, none below its least width, until the
// line fits; it returns the new width of the line.
func squeeze(widths []int, sum int, least func(k int) int) int {
	for sum > textWidth {
		widest := -1
		for k, w := range widths {
			if w > least(k) && (widest < 0 || w > widths[widest]) {
				widest = k
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		sum--
	}
	return sum
}

func (t *page) header(x table, columns, widths []int) {
	lines := make([][]string, len(columns))
	deepest := 0
	for k, i := range columns {
		lines[k] = wrap(x.columns[i].title, widths[k])
		deepest = max(deepest, len(lines[k]))
	}
	for n := range deepest {
		var parts []string
		for k, i := range columns {
			s := ""
			if m := n - (deepest - len(lines[k])); m >= 0 {
				s = lines[k][m]
			}
			parts = append(parts, pad(s, widths[k], x.columns[i].kind != words))
		}
		t.line(strings.Join(parts, "  "))
	}
	t.rule(widths)
}

func (t *page) rule(widths []int) {
	var parts []string
	for _, w := range widths {
		parts = append(parts, strings.Repeat("-", w))
	}
	t.line(strings.Join(parts, "  "))
}

func (t *page) row(x table, row []cell, columns, widths []int) {
	cells := make([][]string, len(columns))
	deepest := 1
	for k, i := range columns {
		s := row[i].whole()
		switch {
		case x.columns[i].wrap:
			cells[k] = wrap(s, widths[k])
		case x.columns[i].fold:
			cells[k] = few(wrap(s, widths[k]), widths[k])
		case row[i].sub != "" && cond.StringWidth(s) > widths[k]:
			cells[k] = append(few(wrap(row[i].text, widths[k]), widths[k]), wrap(row[i].sub, widths[k])...)
		default:
			cells[k] = []string{cond.Truncate(s, widths[k], "…")}
		}
		deepest = max(deepest, len(cells[k]))
	}
	for n := range deepest {
		var parts []string
		for k, i := range columns {
			s := ""
			if n < len(cells[k]) {
				s = cells[k][n]
			}
			parts = append(parts, pad(s, widths[k], x.columns[i].kind != words))
		}
		t.line(strings.Join(parts, "  "))
	}
}

// few keeps the first lines of a name that would otherwise fill the page.
func few(lines []string, width int) []string {
	const most = 3
	if len(lines) <= most {
		return lines
	}
	return append(lines[:most-1:most-1], cond.Truncate(lines[most-1], width-1, "")+"…")
}

// pad fills s to width columns, on the left when right-aligned.
func pad(s string, width int, right bool) string {
	gap := strings.Repeat(" ", max(0, width-cond.StringWidth(s)))
	if right {
		return gap + s
	}
	return s + gap
}

// wrap breaks s into lines of at most width columns: between Chinese
// characters, and between Latin words; a word longer than a line is cut.
// Closing punctuation never begins a line.
func wrap(s string, width int) []string {
	if width < 2 {
		width = 2
	}
	var lines []string
	line, used := "", 0
	flush := func() {
		lines = append(lines, strings.TrimRight(line, " "))
		line, used = "", 0
	}
	for _, token := range tokens(s) {
		w := cond.StringWidth(token)
		if used+w > width && used > 0 {
			flush()
			token = strings.TrimLeft(token, " ")
			w = cond.StringWidth(token)
		}
		for w > width {
			part := cond.Truncate(token, width, "")
			if part == "" {
				break
			}
			lines = append(lines, part)
			token = token[len(part):]
			w = cond.StringWidth(token)
		}
		line += token
		used += w
	}
	if used > 0 || len(lines) == 0 {
		flush()
	}
	return lines
}

// tokens splits s where a line may break. Closing punctuation stays with what
// it closes, an opening bracket with what it opens.
func tokens(s string) []string {
	var out []string
	start := 0
	cut := func(end int) {
		if start < end {
			out = append(out, s[start:end])
		}
		start = end
	}
	glued := false // the next character belongs to the token under way
	for i, r := range s {
		switch {
		case r == ' ':
			cut(i)
			start = i
			cut(i + 1)
			glued = false
		case strings.ContainsRune("，。；：、）！？”%", r):
			if start == i && len(out) > 0 && out[len(out)-1] != " " {
				start -= len(out[len(out)-1])
				out = out[:len(out)-1]
			}
			glued = false
			if next := i + utf8.RuneLen(r); r != '%' {
				cut(next)
			}
		case strings.ContainsRune("（“", r):
			if !glued {
				cut(i)
			}
			glued = true
		case cond.RuneWidth(r) == 2:
			if !glued {
				cut(i)
			}
			cut(i + utf8.RuneLen(r))
			glued = false
		default:
			glued = false
		}
	}
	cut(len(s))
	return out
}
