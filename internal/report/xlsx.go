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
	if stops := d.section("schedules"); len(stops.columns) > 0 {
		b.sheet(p.say(msgSchedules), stops, 1)
	}
	b.sheet(p.say(msgFleetTitle), d.fleet, 2)
	b.sheet(p.say(msgQuality), d.sectionTable("quality", "quality-list"), 1)
	b.sheet(p.say(msgUndecidedTitle), d.undecided, 1)
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

// typeface is the face of every cell: on every Chinese desktop, and one that
// others replace by a face without serifs.
const typeface = "Microsoft YaHei"

// The number formats of kinds.
var numberFormats = map[kind]string{whole: "#,##0", size: "#,##0.00", percent1: "0.0%", money: "#,##0.00"}

var border = []excelize.Border{
	{Type: "left", Color: "D5DCE3", Style: 1}, {Type: "right", Color: "D5DCE3", Style: 1},
	{Type: "top", Color: "D5DCE3", Style: 1}, {Type: "bottom", Color: "D5DCE3", Style: 1},
}

// style returns the id of a style, made once.
func (b *workbook) style(key string, s excelize.Style) int {
	if id, ok := b.styles[key]; ok {
		return id
	}
	if s.Font == nil {
		s.Font = &excelize.Font{Size: 10}
	}
	s.Font.Family = typeface
	if s.Font.Size == 0 {
		s.Font.Size = 10
	}
	id, err := b.f.NewStyle(&s)
	b.check(err)
	b.styles[key] = id
	return id
}

func (b *workbook) bodyStyle(c column, total bool) int {
	s := excelize.Style{Border: border, Alignment: &excelize.Alignment{Vertical: "top", WrapText: c.kind == words, Horizontal: "left", Indent: 1}}
	if f, ok := numberFormats[c.kind]; ok {
		s.CustomNumFmt = &f
		s.Alignment.Horizontal, s.Alignment.Indent = "right", 0
	}
	if total {
		s.Font = &excelize.Font{Bold: true}
		s.Fill = fill("EEF2F6")
	}
	return b.style(fmt.Sprintf("body %d %v", c.kind, total), s)
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
	yes, height := true, 15.0
	b.check(b.f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &yes, DefaultRowHeight: &height, CustomHeight: &yes}))
	side, top := 0.4, 0.5
	b.check(b.f.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &top, Bottom: &top}))
	footer := "&L" + strings.ReplaceAll(b.d.title, "&", "&&")
	if b.d.banner != "" {
		footer += "&C" + b.d.prose.say(msgExampleFoot)
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
	last := b.table(name, headRow, t)
	widths := b.widths(name, t)
	b.fit(name, headRow, t, widths)
	pane := &excelize.Panes{Freeze: true, XSplit: frozen, YSplit: headRow, TopLeftCell: at(frozen+1, headRow+1), ActivePane: "bottomRight"}
	b.check(b.f.SetPanes(name, pane))
	b.check(b.f.AutoFilter(name, at(1, headRow)+":"+at(len(t.columns), last), nil))
	// AutoFilter makes the sheet forget that it is to fit the paper.
	repeated := fmt.Sprintf("'%s'!$%d:$%d", name, headRow, headRow)
	if len(t.columns) > 20 {
		b.layout(name, 3, 8)
		repeated = fmt.Sprintf("'%s'!$A:$%s,", name, columnName(frozen)) + repeated
		b.confine(name, frozen, widths)
	} else {
		b.layout(name, 1, 9)
	}
	b.check(b.f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: name, RefersTo: repeated}))
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
			for n, r := range t.rows {
				if as := r[i].as; as != words && as != c.kind {
					b.check(b.f.SetCellStyle(sheet, at(i+1, row+1+n), at(i+1, row+1+n), b.bodyStyle(column{kind: as}, false)))
				}
			}
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

// widths fits columns to their content, Chinese counted double, and returns
// what text has room for. Wider text wraps.
func (b *workbook) widths(sheet string, t table) []int {
	out := make([]int, len(t.columns))
	for i, c := range t.columns {
		width := min(cond.StringWidth(c.title), 16)
		for _, r := range append(t.rows, t.total) {
			if i < len(r) {
				width = max(width, cond.StringWidth(r[i].whole()))
			}
		}
		most := 36
		if c.wrap {
			most = 100
		}
		out[i] = max(6, min(width, most))
		const padding = 3 // and the button of the filter
		b.check(b.f.SetColWidth(sheet, columnName(i+1), columnName(i+1), float64(out[i]+padding)))
	}
	return out
}

// confine keeps the lines above a wide table within the columns that every page
// repeats, where they would be cut off otherwise.
func (b *workbook) confine(sheet string, frozen int, widths []int) {
	room := 0
	for _, w := range widths[:frozen] {
		room += w + 3
	}
	lines := append([]string{b.d.title + "  " + b.d.subtitle}, b.d.stamp...)
	if b.d.banner != "" {
		lines = append(lines, b.d.banner)
	}
	for i, s := range lines {
		row := i + 1
		b.check(b.f.MergeCell(sheet, at(1, row), at(frozen, row)))
		id, err := b.f.GetCellStyle(sheet, at(1, row))
		b.check(err)
		style, err := b.f.GetStyle(id)
		b.check(err)
		if b.err != nil {
			return
		}
		style.Alignment = &excelize.Alignment{WrapText: true, Vertical: "top"}
		b.check(b.f.SetCellStyle(sheet, at(1, row), at(frozen, row), b.style(fmt.Sprintf("gathered %d", i), *style)))
		size := 1.45 * style.Font.Size
		b.check(b.f.SetRowHeight(sheet, row, size*float64(len(wrap(s, room*10/int(style.Font.Size))))+3))
	}
}

// fit makes rows as high as their wrapped text needs: not every program does
// so by itself.
func (b *workbook) fit(sheet string, head int, t table, widths []int) {
	const line, most = 14.5, 400.0 // points
	for n, r := range t.rows {
		lines := 1
		for i, c := range t.columns {
			// A column is measured in digits of the standard size, a little larger
			// than the text of cells.
			if room := widths[i] * 11 / 10; c.kind == words && cond.StringWidth(r[i].whole()) > room {
				lines = max(lines, len(wrap(r[i].whole(), room)))
			}
		}
		b.check(b.f.SetRowHeight(sheet, head+1+n, min(most, line*float64(lines)+3)))
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
	type placed struct {
		head int
		t    table
	}
	var all []placed
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
		all = append(all, placed{row, t})
		row = b.table(sheet, row, t) + 2
		widest.columns = append(widest.columns, t.columns[min(len(widest.columns), len(t.columns)):]...)
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
	widths := b.stacked(sheet, widest)
	for _, x := range all {
		b.fit(sheet, x.head, x.t, widths)
	}
}

// stacked sets widths for tables that share columns and returns them.
func (b *workbook) stacked(sheet string, t table) []int {
	out := make([]int, len(t.columns))
	for i := range t.columns {
		width := 12
		for _, r := range t.rows {
			if i < len(r) {
				width = max(width, cond.StringWidth(r[i].whole()))
			}
		}
		out[i] = min(width, 34)
		b.check(b.f.SetColWidth(sheet, columnName(i+1), columnName(i+1), float64(out[i]+2)))
	}
	return out
}
