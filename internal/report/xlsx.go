package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
)

// headRow is the row that holds the header of a sheet's table, below the lines
// that say what it stands on.
const headRow = 6

// mostCellRunes is a little less than the 32,767 that a cell may hold.
const mostCellRunes = 32000

// workbook writes sheets; the first error stops it and is returned at the end.
type workbook struct {
	f      *excelize.File
	d      document
	styles map[string]int
	err    error
}

// writeXLSX writes d as a workbook.
func writeXLSX(w io.Writer, d document) (err error) {
	b := &workbook{f: excelize.NewFile(), d: d, styles: map[string]int{}}
	defer func() {
		if e := b.f.Close(); e != nil && err == nil {
			err = fmt.Errorf("close XLSX: %w", e)
		}
	}()
	p := d.prose
	overview := p.say(msgOverview)
	b.check(b.f.SetSheetName("Sheet1", overview))
	departments := d.section("departments")
	b.sheet(p.say(msgAdviceTitle), d.appendix, 4)
	b.sheet(p.say(msgDepartments), departments, 1)
	b.sheet(p.say(msgChangesTitle), d.changed, 1)
	b.sheet(p.say(msgAttentionTitle), d.attention, 1)
	b.sheet(p.say(msgFleetTitle), d.fleet, 2)
	b.sheet(p.say(msgQuality), d.sectionTable("quality", "quality-list"), 1)
	b.collection()
	b.history()
	b.sheet(p.say(msgBasisTitle), d.basis, 1)
	b.overview(overview, departments)
	b.f.SetActiveSheet(0)
	at := d.weekly.GeneratedAt.UTC().Format(time.RFC3339)
	b.check(b.f.SetDocProps(&excelize.DocProperties{Title: d.title + " " + d.subtitle, Creator: "Yunjian", Created: at, Modified: at}))
	if b.err != nil {
		return fmt.Errorf("build XLSX: %w", b.err)
	}
	if err := b.f.Write(w); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}

// section is the one table of a section that has one.
func (d document) section(id string) table {
	for _, s := range d.sections {
		if s.id == id && len(s.tables) > 0 {
			return s.tables[0]
		}
	}
	return table{id: id}
}

// sectionTable is a table of a section by its id; where it was left out for
// being empty, an empty one that says so.
func (d document) sectionTable(section, id string) table {
	for _, s := range d.sections {
		if s.id != section {
			continue
		}
		for _, t := range s.tables {
			if t.id == id {
				return t
			}
		}
		return table{id: id, empty: s.tables[0].empty}
	}
	return table{id: id}
}

func (b *workbook) check(err error) {
	if b.err == nil && err != nil {
		b.err = err
	}
}

func at(col, row int) string {
	s, err := excelize.CoordinatesToCellName(col, row)
	if err != nil {
		panic(fmt.Sprintf("report: cell %d,%d: %v", col, row, err)) // columns are ours to count
	}
	return s
}

func columnName(col int) string {
	s, err := excelize.ColumnNumberToName(col)
	if err != nil {
		panic(fmt.Sprintf("report: column %d: %v", col, err))
	}
	return s
}

// The number formats of kinds.
var numberFormats = map[kind]string{whole: "#,##0", size: "#,##0.0", percent1: "0.0%", money: "#,##0.00"}

var border = []excelize.Border{
	{Type: "left", Color: "D5DCE3", Style: 1}, {Type: "right", Color: "D5DCE3", Style: 1},
	{Type: "top", Color: "D5DCE3", Style: 1}, {Type: "bottom", Color: "D5DCE3", Style: 1},
}

// style returns the id of a style, made once.
func (b *workbook) style(key string, s excelize.Style) int {
	if id, ok := b.styles[key]; ok {
		return id
	}
	id, err := b.f.NewStyle(&s)
	b.check(err)
	b.styles[key] = id
	return id
}

func (b *workbook) bodyStyle(c column, total bool) int {
	s := excelize.Style{Border: border, Alignment: &excelize.Alignment{Vertical: "top", WrapText: c.wrap}}
	if f, ok := numberFormats[c.kind]; ok {
		s.CustomNumFmt = &f
		s.Alignment.Horizontal = "right"
	}
	if total {
		s.Font = &excelize.Font{Bold: true}
		s.Fill = fill("EEF2F6")
	}
	return b.style(fmt.Sprintf("body %d %v %v", c.kind, c.wrap, total), s)
}

func fill(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

func (b *workbook) headStyle() int {
	return b.style("head", excelize.Style{
		Border: border, Fill: fill("17375E"), Font: &excelize.Font{Bold: true, Color: "FFFFFF"},
		Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "center", WrapText: true},
	})
}

// text writes words, neutralised.
func (b *workbook) text(sheet, cell, s string) {
	if r := []rune(s); len(r) > mostCellRunes {
		s = string(r[:mostCellRunes]) + "…"
	}
	b.check(b.f.SetCellStr(sheet, cell, neutral(s)))
}

// number writes a plain decimal exactly as it is written; percentages become
// shares of one, as the format expects.
func (b *workbook) number(sheet, cell string, k kind, raw string) {
	if k == percent1 {
		d, err := decimal.NewFromString(raw)
		b.check(err)
		raw = d.Shift(-2).String()
	}
	b.check(b.f.SetCellDefault(sheet, cell, raw))
}

func (b *workbook) value(sheet, ref string, c column, x cell) {
	switch {
	case x.raw != "":
		b.number(sheet, ref, c.kind, x.raw)
	case x.text != "":
		b.text(sheet, ref, x.whole())
	}
}

// stamp writes what a sheet stands on into its first rows.
func (b *workbook) stamp(sheet string, columns int) {
	b.text(sheet, "A1", b.d.title+"  "+b.d.subtitle)
	b.check(b.f.SetCellStyle(sheet, "A1", "A1", b.style("title", excelize.Style{Font: &excelize.Font{Bold: true, Size: 14, Color: "17375E"}})))
	grey := b.style("stamp", excelize.Style{Font: &excelize.Font{Size: 9, Color: "51606F"}})
	for i, s := range b.d.stamp {
		b.text(sheet, at(1, 2+i), s)
		b.check(b.f.SetCellStyle(sheet, at(1, 2+i), at(1, 2+i), grey))
	}
	if b.d.banner != "" {
		b.text(sheet, "A4", b.d.banner)
		b.check(b.f.SetCellStyle(sheet, "A4", at(max(columns, 6), 4), b.style("banner", excelize.Style{Font: &excelize.Font{Bold: true, Color: "5C4400"}, Fill: fill("FFF2CC")})))
	}
}

// add makes a sheet with its print layout.
func (b *workbook) add(sheet string) {
	if i, err := b.f.GetSheetIndex(sheet); err != nil || i < 0 {
		_, err := b.f.NewSheet(sheet)
		b.check(err)
	}
	b.layout(sheet, 1, 9)
}

// layout sets the paper: pages wide, and paper size 9 (A4) or 8 (A3).
func (b *workbook) layout(sheet string, wide, paper int) {
	tall, landscape := 0, "landscape"
	b.check(b.f.SetPageLayout(sheet, &excelize.PageLayoutOptions{Size: &paper, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &tall}))
	yes := true
	b.check(b.f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &yes}))
	side, top := 0.4, 0.5
	b.check(b.f.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &top, Bottom: &top}))
	footer := "&L" + strings.ReplaceAll(b.d.title, "&", "&&")
	if b.d.banner != "" {
		footer += "&C" + b.d.prose.say(msgExamplePrices)
	}
	b.check(b.f.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: footer + "&R" + b.d.prose.say(msgPage, "&P", "&N")}))
}

// sheet writes one table on a sheet of its own: frozen header and first
// columns, filter, number formats, totals that follow the filter.
func (b *workbook) sheet(name string, t table, frozen int) {
	b.add(name)
	t = onSheet(t)
	b.stamp(name, len(t.columns))
	if len(t.rows) == 0 {
		b.text(name, at(1, headRow), t.empty)
		return
	}
	if len(t.columns) > 30 {
		b.layout(name, 3, 8)
	}
	last := b.table(name, headRow, t)
	b.widths(name, t)
	pane := &excelize.Panes{Freeze: true, XSplit: frozen, YSplit: headRow, TopLeftCell: at(frozen+1, headRow+1), ActivePane: "bottomRight"}
	b.check(b.f.SetPanes(name, pane))
	b.check(b.f.AutoFilter(name, at(1, headRow)+":"+at(len(t.columns), last), nil))
	b.check(b.f.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", Scope: name,
		RefersTo: fmt.Sprintf("'%s'!$%d:$%d", name, headRow, headRow),
	}))
}

// onSheet keeps the columns that sheets show.
func onSheet(t table) table {
	out := t
	out.columns, out.rows, out.total = nil, nil, nil
	pick := func(row []cell) []cell {
		var cells []cell
		for i, c := range t.columns {
			if c.in&inSheet != 0 {
				cells = append(cells, row[i])
			}
		}
		return cells
	}
	for _, c := range t.columns {
		if c.in&inSheet != 0 {
			out.columns = append(out.columns, c)
		}
	}
	for _, r := range t.rows {
		out.rows = append(out.rows, pick(r))
	}
	if t.total != nil {
		out.total = pick(t.total)
	}
	return out
}

// table writes header, rows and totals from row on and returns the last row of
// data.
func (b *workbook) table(sheet string, row int, t table) int {
	for i, c := range t.columns {
		b.text(sheet, at(i+1, row), c.title)
	}
	b.check(b.f.SetCellStyle(sheet, at(1, row), at(len(t.columns), row), b.headStyle()))
	b.check(b.f.SetRowHeight(sheet, row, 32))
	for n, r := range t.rows {
		for i, c := range t.columns {
			b.value(sheet, at(i+1, row+1+n), c, r[i])
		}
	}
	last := row + len(t.rows)
	if len(t.rows) > 0 {
		for i, c := range t.columns {
			b.check(b.f.SetCellStyle(sheet, at(i+1, row+1), at(i+1, last), b.bodyStyle(c, false)))
		}
	}
	if t.total == nil {
		return last
	}
	for i, c := range t.columns {
		x, cell := t.total[i], at(i+1, last+1)
		b.value(sheet, cell, c, x)
		// The figure is there for readers that do not calculate; the formula
		// makes it follow the filter.
		if x.raw != "" {
			b.check(b.f.SetCellFormula(sheet, cell, fmt.Sprintf("SUBTOTAL(109,%s:%s)", at(i+1, row+1), at(i+1, last))))
		}
		b.check(b.f.SetCellStyle(sheet, cell, cell, b.bodyStyle(c, true)))
	}
	return last
}

// widths fits columns to their content, Chinese counted double; prose wraps.
func (b *workbook) widths(sheet string, t table) {
	for i, c := range t.columns {
		width := 0
		for _, part := range strings.Fields(c.title) {
			width = max(width, cond.StringWidth(part)+4)
		}
		width = min(width, 18)
		for _, r := range append(t.rows, t.total) {
			if i < len(r) {
				width = max(width, cond.StringWidth(r[i].whole()))
			}
		}
		most := 42
		if c.wrap {
			most = 90
		}
		b.check(b.f.SetColWidth(sheet, columnName(i+1), columnName(i+1), float64(min(width, most)+3)))
	}
}

// collection stacks the tables on how the data was collected.
func (b *workbook) collection() {
	sheet := b.d.prose.say(msgCollection)
	b.add(sheet)
	b.stamp(sheet, 7)
	row := headRow
	widest := table{}
	bold := b.style("caption", excelize.Style{Font: &excelize.Font{Bold: true, Color: "17375E"}})
	write := func(title string, t table) {
		t = onSheet(t)
		if title != "" {
			b.text(sheet, at(1, row), title)
			b.check(b.f.SetCellStyle(sheet, at(1, row), at(1, row), bold))
			row++
		}
		if len(t.rows) == 0 {
			b.text(sheet, at(1, row), t.empty)
			row += 2
			return
		}
		row = b.table(sheet, row, t) + 2
		for i, c := range t.columns {
			if i >= len(widest.columns) {
				widest.columns = append(widest.columns, c)
			}
			widest.columns[i].wrap = widest.columns[i].wrap || c.wrap
		}
		for _, r := range t.rows {
			widest.rows = append(widest.rows, append([]cell{}, r...))
		}
	}
	write(b.d.prose.say(msgQuality), b.d.sectionTable("quality", "quality-counts"))
	for _, s := range b.d.sections {
		if s.id != "collection" {
			continue
		}
		for _, note := range s.notes {
			b.text(sheet, at(1, row), note)
			row += 2
		}
		for _, t := range s.tables {
			title := t.title
			if t.id == "collection" {
				title = b.d.prose.say(msgCollection)
			}
			write(title, t)
		}
	}
	b.stacked(sheet, widest)
}

// stacked sets widths for tables that share columns.
func (b *workbook) stacked(sheet string, t table) {
	for i := range t.columns {
		width := 12
		for _, r := range t.rows {
			if i < len(r) {
				width = max(width, cond.StringWidth(r[i].whole())+2)
			}
		}
		most := 40
		if t.columns[i].wrap {
			most = 60
		}
		b.check(b.f.SetColWidth(sheet, columnName(i+1), columnName(i+1), float64(min(width, most))))
	}
}
