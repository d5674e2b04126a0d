package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// report is all that a run found.
type report struct {
	Command string   `json:"command"` // as it can be given again
	Machine machine  `json:"machine"`
	Figures []figure `json:"figures"`
	Skipped []string `json:"skipped,omitempty"` // what was left out, and why
}

// figure is one quantity, measured of several.
type figure struct {
	Title   string `json:"title"`
	Unit    string `json:"unit"`
	Note    string `json:"note"`               // what is counted
	RatioOf string `json:"ratio_of,omitempty"` // heads the ratios; empty: Yunjian's value divided by the row's
	Rows    []row  `json:"rows"`
}

// row is what was measured of one.
type row struct {
	Of    string    `json:"of"`
	Value float64   `json:"value"`
	Runs  []float64 `json:"runs,omitempty"`  // of which Value is the median
	Ratio float64   `json:"ratio,omitempty"` // see figure.RatioOf; 0: not compared
	Bar   *bar      `json:"bar,omitempty"`
}

// bar is what Ratio must reach, or Value where there is no ratio.
type bar struct {
	Below bool    `json:"below"` // at most, else at least
	Limit float64 `json:"limit"`
	Met   bool    `json:"met"`
}

func atMost(x float64) *bar  { return &bar{Below: true, Limit: x} }
func atLeast(x float64) *bar { return &bar{Limit: x} }

// own is Yunjian's row, which others are compared with.
const own = "Yunjian"

// judge works out ratios and whether bars are met.
func (f *figure) judge() {
	mine := 0.0
	for _, r := range f.Rows {
		if r.Of == own {
			mine = r.Value
		}
	}
	for i := range f.Rows {
		r := &f.Rows[i]
		if r.Of != own && mine != 0 && r.Value != 0 {
			r.Ratio = mine / r.Value
		}
		if r.Bar != nil {
			x := r.Ratio
			if x == 0 {
				x = r.Value
			}
			r.Bar.Met = x >= r.Bar.Limit
			if r.Bar.Below {
				r.Bar.Met = x <= r.Bar.Limit
			}
		}
	}
}

var columns = []string{"", "", "Yunjian ÷", "门槛 bar", "达到 met"}

func (f figure) cells() [][]string {
	head := append([]string(nil), columns...)
	head[1], head[2] = f.Unit, cmp.Or(f.RatioOf, head[2])
	out := [][]string{head}
	for _, r := range f.Rows {
		c := []string{r.Of, number(r.Value), "", "", ""}
		if r.Ratio != 0 {
			c[2] = number(r.Ratio)
		}
		if r.Bar != nil {
			sign := "≥ "
			if r.Bar.Below {
				sign = "≤ "
			}
			c[3] = sign + number(r.Bar.Limit)
			c[4] = "否 no"
			if r.Bar.Met {
				c[4] = "是 yes"
			}
		}
		out = append(out, c)
	}
	return out
}

// number shows three digits or more, and no more than mean something.
func number(x float64) string {
	digits := 0
	for limit := 100.0; digits < 3 && x < limit; limit /= 10 {
		digits++
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// print writes a figure for a terminal.
func (f figure) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", f.Title)
	if f.Note != "" {
		fmt.Fprintf(w, "  %s\n", f.Note)
	}
	cells := f.cells()
	widths := make([]int, len(columns))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], runewidth.StringWidth(c))
		}
	}
	for _, line := range cells {
		fmt.Fprint(w, "  ")
		for i, c := range line {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(c))
			if i == 0 {
				fmt.Fprint(w, c, pad)
			} else {
				fmt.Fprint(w, "  ", pad, c)
			}
		}
		fmt.Fprintln(w)
	}
}

// add judges a figure, prints it and keeps it.
func (r *report) add(w io.Writer, f figure) {
	f.judge()
	f.print(w)
	r.Figures = append(r.Figures, f)
}

func (r *report) skip(w io.Writer, what string) {
	if slices.Contains(r.Skipped, what) {
		return
	}
	fmt.Fprintln(w, "\nskipped:", what)
	r.Skipped = append(r.Skipped, what)
}

// missed counts bars that were not met.
func (r *report) missed() (n, of int) {
	for _, f := range r.Figures {
		for _, x := range f.Rows {
			if x.Bar != nil {
				of++
				if !x.Bar.Met {
					n++
				}
			}
		}
	}
	return n, of
}

func (r *report) writeJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func (r *report) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "`%s`, %s\n", r.Command, r.Machine)
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "\n**%s**", f.Title)
		if f.Note != "" {
			fmt.Fprintf(&b, ": %s", f.Note)
		}
		b.WriteString("\n\n")
		for i, line := range f.cells() {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
			if i == 0 {
				b.WriteString("| --- | ---: | ---: | ---: | --- |\n")
			}
		}
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(&b, "\nSkipped: %s\n", s)
	}
	return b.Bytes()
}

// writeMarkdown puts the tables into a document, between the lines
// <!-- bench NAME --> and <!-- end NAME -->.
func (r *report) writeMarkdown(path, name string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := fmt.Appendf(nil, "<!-- bench %s -->\n", name), fmt.Appendf(nil, "<!-- end %s -->\n", name)
	before, rest, ok := bytes.Cut(text, begin)
	_, after, closed := bytes.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: want the lines %q and %q around the place for the tables", path, bytes.TrimSpace(begin), bytes.TrimSpace(end))
	}
	return os.WriteFile(path, bytes.Join([][]byte{before, begin, r.markdown(), end, after}, nil), 0o644)
}
