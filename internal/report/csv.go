package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// writeCSV writes one row a recommendation in UTF-8 with a byte order mark,
// without which WPS and Excel take Chinese for mojibake. Numbers are plain;
// what is unknown is empty.
func writeCSV(w io.Writer, d document) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	var columns []int
	var head []string
	for i, x := range d.appendix.columns {
		if x.in&inSheet == 0 {
			continue
		}
		columns = append(columns, i)
		title := x.title
		if x.kind == percent1 {
			title += d.prose.say(msgParenthesis, "%")
		}
		head = append(head, title)
	}
	stamp := d.prose.say(msgBasisAsOf)
	head = append(head, stamp, d.prose.say(msgBasisPack), d.prose.say(msgBasisExample))
	a := d.weekly.Audit
	policy := neutral(a.Policy.ID + "@" + a.Policy.Version + " sha256:" + a.Policy.SHA256)
	example := d.prose.say(msgNo)
	if a.PriceBook.Example {
		example = d.prose.say(msgExamplePrices)
	}
	// A record that could not be written is remembered and told by Error.
	_ = c.Write(head)
	for _, row := range d.appendix.rows {
		var out []string
		for _, i := range columns {
			out = append(out, d.appendix.columns[i].plain(row[i]))
		}
		out = append(out, d.prose.minute(a.AsOf), policy, example)
		_ = c.Write(out)
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// plain is a cell as a file of plain values holds it.
func (c column) plain(x cell) string {
	switch {
	case c.kind != words:
		return x.raw
	case x.tone == mute && x.text == "—":
		return ""
	default:
		return neutral(x.whole())
	}
}

// neutral puts an apostrophe before text that a spreadsheet would run as a
// formula: text that begins with = + - @, also full width, behind blanks or a
// quote. (OWASP, "CSV Injection".)
func neutral(s string) string {
	rest := strings.TrimLeft(s, " \t\r\n\u00a0\u3000\"")
	if rest == "" {
		return s
	}
	if strings.ContainsAny(rest[:1], "=+-@") || strings.ContainsAny(s[:1], "\t\r\n") {
		return "'" + s
	}
	for _, wide := range []string{"＝", "＋", "－", "＠"} {
		if strings.HasPrefix(rest, wide) {
			return "'" + s
		}
	}
	return s
}
