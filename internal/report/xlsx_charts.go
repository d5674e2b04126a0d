package report

import (
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"yunjian/cloud"
)

// overview writes the first sheet: the report in words, its figures, and the
// charts of verdicts and departments.
func (b *workbook) overview(sheet string, departments table) {
	p, d := b.d.prose, b.d
	b.add(sheet)
	// One sheet of paper for the whole overview.
	one, upright := 1, "portrait"
	b.check(b.f.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &upright, FitToWidth: &one, FitToHeight: &one}))
	b.stamp(sheet, 8)
	b.check(b.f.SetColWidth(sheet, "A", "A", 34))
	b.check(b.f.SetColWidth(sheet, "B", "B", 18))
	b.check(b.f.SetColWidth(sheet, "C", "C", 40))
	b.check(b.f.SetColWidth(sheet, "D", "D", 18))
	b.check(b.f.SetColWidth(sheet, "E", "H", 12))
	row := headRow
	wrapped := b.style("headline", excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}, Font: &excelize.Font{Size: 12}})
	headline := p.sentences(d.headline)
	b.text(sheet, at(1, row), headline)
	b.check(b.f.MergeCell(sheet, at(1, row), at(8, row)))
	b.check(b.f.SetCellStyle(sheet, at(1, row), at(8, row), wrapped))
	const lineWidth = 130 // of eight merged columns, at this size
	b.check(b.f.SetRowHeight(sheet, row, 18*float64(len(wrap(headline, lineWidth)))+6))
	row += 2
	if len(d.tiles) == 0 {
		return
	}

	figures := table{columns: []column{{title: p.say(msgIndicator)}, {title: p.say(msgThisIssue)}, {title: p.say(msgDetail)}}}
	for _, t := range d.tiles {
		figures.rows = append(figures.rows, []cell{text(t.label), text(t.value), text(t.note)})
	}
	row = b.table(sheet, row, figures) + 2

	lights := table{columns: []column{{title: p.say(msgLight)}, {title: p.say(msgResources), kind: whole}, {title: p.say(msgDetail)}, {title: p.say(msgShare), kind: percent1}}}
	lightRow := row
	for _, l := range d.lights {
		share := 100 * l.Share
		lights.rows = append(lights.rows, []cell{text(l.shape + " " + l.label), count(l.Resources), text(l.meaning), p.percentCell(&share)})
	}
	row = b.table(sheet, row, lights) + 2

	verdicts := table{columns: []column{{title: p.say(msgVerdict)}, {title: p.say(msgResources), kind: whole}}}
	verdictRow := row
	for _, v := range d.verdicts {
		verdicts.rows = append(verdicts.rows, []cell{text(v.label), count(v.n)})
	}
	row = b.table(sheet, row, verdicts) + 2
	if len(d.compared.rows) > 0 {
		b.text(sheet, at(1, row), p.say(msgComparedTitle))
		row = b.table(sheet, row+1, onSheet(d.compared)) + 2
	}

	vary := true
	b.check(b.f.AddChart(sheet, at(1, row), &excelize.Chart{
		Type: excelize.Doughnut, HoleSize: 55, VaryColors: &vary,
		Title:  excelize.ChartTitle{Paragraph: runs(p.say(msgLightsTitle))},
		Legend: excelize.ChartLegend{Position: "right"},
		Series: []excelize.ChartSeries{{
			Name:       p.say(msgLightsTitle),
			Categories: area(sheet, 1, lightRow+1, lightRow+len(d.lights)),
			Values:     area(sheet, 2, lightRow+1, lightRow+len(d.lights)),
			DataPoint: []excelize.ChartDataPoint{
				{Index: 0, Fill: fill("1B7F4B")}, {Index: 1, Fill: fill("B97A00")}, {Index: 2, Fill: fill("B3261E")}, {Index: 3, Fill: fill("8A949E")},
			},
		}},
		PlotArea:  excelize.ChartPlotArea{ShowVal: false},
		Dimension: excelize.ChartDimension{Width: 420, Height: 300},
	}))
	b.check(b.f.AddChart(sheet, at(3, row), &excelize.Chart{
		Type:      excelize.Col,
		Title:     excelize.ChartTitle{Paragraph: runs(p.say(msgVerdictsTitle))},
		Legend:    excelize.ChartLegend{Position: "none"},
		Series:    []excelize.ChartSeries{{Name: p.say(msgResources), Categories: area(sheet, 1, verdictRow+1, verdictRow+len(d.verdicts)), Values: area(sheet, 2, verdictRow+1, verdictRow+len(d.verdicts)), Fill: fill("1F5FA8")}},
		XAxis:     excelize.ChartAxis{Font: axisFont},
		YAxis:     excelize.ChartAxis{Font: axisFont, MajorGridLines: true},
		PlotArea:  excelize.ChartPlotArea{ShowVal: true},
		Dimension: excelize.ChartDimension{Width: 560, Height: 300},
	}))
	if len(d.bars) < 2 {
		return
	}
	saving := len(onSheet(departments).columns) - 1 // the last but one
	b.check(b.f.AddChart(sheet, at(1, row+21), &excelize.Chart{
		Type:   excelize.Bar,
		Title:  excelize.ChartTitle{Paragraph: runs(p.say(msgBarsTitle) + d.exampleMark())},
		Legend: excelize.ChartLegend{Position: "none"},
		Series: []excelize.ChartSeries{{
			Name:       p.say(msgSavingLabel),
			Categories: area(p.say(msgDepartments), 1, headRow+1, headRow+len(d.bars)),
			Values:     area(p.say(msgDepartments), saving, headRow+1, headRow+len(d.bars)),
			Fill:       fill("1F5FA8"),
		}},
		XAxis:     excelize.ChartAxis{Font: axisFont, ReverseOrder: true},
		YAxis:     excelize.ChartAxis{Font: axisFont, NumFmt: excelize.ChartNumFmt{CustomNumFmt: "#,##0"}, MajorGridLines: true},
		PlotArea:  excelize.ChartPlotArea{ShowVal: true},
		Dimension: excelize.ChartDimension{Width: 980, Height: uint(120 + 30*len(d.bars))},
	}))
}

// axisFont is dark enough to be read in print.
var axisFont = excelize.Font{Color: "3B4652", Size: 9, Family: typeface}

func runs(s string) []excelize.RichTextRun {
	return []excelize.RichTextRun{{Text: s, Font: &excelize.Font{Bold: true, Size: 12, Color: "17375E", Family: typeface}}}
}

// area is one column of cells of a sheet, absolute.
func area(sheet string, col, from, to int) string {
	return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", sheet, columnName(col), from, columnName(col), to)
}

// mostHistories is for how many recommendations a workbook draws CPU history.
const mostHistories = 6

// history writes the series behind the charts, and the charts: CPU of the
// recommendations that save most, with their thresholds and proposed size.
func (b *workbook) history() {
	p := b.d.prose
	sheet := p.say(msgHistoryTitle)
	b.add(sheet)
	b.stamp(sheet, 8)
	type drawn struct {
		title string
		c     chartView
	}
	var list []drawn
	for _, x := range b.d.details {
		for _, c := range x.charts {
			if c.Metric == cloud.CPUPercent && len(list) < mostHistories {
				list = append(list, drawn{x.title, c})
			}
		}
	}
	if len(list) == 0 {
		b.text(sheet, at(1, headRow), p.say(msgNoHistory))
		return
	}
	// Charts stand on the left, the numbers behind them to the right.
	const first, perChart = 17, 18
	col := first
	for i, x := range list {
		row := headRow + i*perChart
		if i > 0 && i%2 == 0 {
			b.check(b.f.InsertPageBreak(sheet, at(1, row)))
		}
		col = b.series(sheet, col, row, x.title, x.c)
	}
	// Two charts a page; a sheet that is fitted to its paper ignores breaks.
	no, scale := false, uint(75)
	b.check(b.f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &no}))
	b.check(b.f.SetPageLayout(sheet, &excelize.PageLayoutOptions{AdjustTo: &scale}))
	b.check(b.f.SetPanes(sheet, &excelize.Panes{Freeze: true, YSplit: headRow - 1, TopLeftCell: at(1, headRow), ActivePane: "bottomLeft"}))
	b.check(b.f.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Area", Scope: sheet,
		RefersTo: fmt.Sprintf("'%s'!$A$1:$%s$%d", sheet, columnName(first-1), headRow+len(list)*perChart),
	}))
}

// series writes one history from column col on, draws it at chartRow, and
// returns the next free column.
func (b *workbook) series(sheet string, col, chartRow int, title string, c chartView) int {
	p := b.d.prose
	t := table{columns: []column{{title: p.say(msgTime)}, {title: p.say(msgAxis)}, {title: p.say(msgMaximum), kind: percent1}, {title: p.say(msgMean), kind: percent1}}}
	for _, l := range c.lines {
		t.columns = append(t.columns, column{title: l.label, kind: percent1})
	}
	b.text(sheet, at(col, headRow), title+" "+c.title)
	step := int64(c.Step / time.Second)
	if step <= 0 || len(c.Points) == 0 {
		return col
	}
	// Every bucket has a row, so that a gap in knowledge is a gap in the curve.
	// Only Mondays are named on the axis: programs differ in how they thin out
	// names that are too many.
	next, marked := 0, ""
	for s := c.Points[0].T; s <= c.Points[len(c.Points)-1].T; s += step {
		local := time.Unix(s, 0).In(p.loc)
		row := []cell{text(local.Format("01-02 15:04")), {}, {}, {}}
		if day := local.Format("01-02"); local.Weekday() == time.Monday && day != marked {
			row[1], marked = text(day), day
		}
		if q := c.Points[next]; q.T == s {
			row[2], row[3] = p.percentCell(&q.Max), p.percentCell(&q.Mean)
			next++
		}
		for _, l := range c.lines {
			row = append(row, p.percentCell(&l.at))
		}
		t.rows = append(t.rows, row)
	}
	head := headRow + 1
	last := b.shifted(sheet, col, head, t)

	colours := []string{"9DC0E6", "17375E"}
	for _, l := range c.lines {
		if l.capacity {
			colours = append(colours, "B3261E")
		} else {
			colours = append(colours, "9A6200")
		}
	}
	var all []excelize.ChartSeries
	for i := 2; i < len(t.columns); i++ {
		s := excelize.ChartSeries{
			Name:       fmt.Sprintf("'%s'!$%s$%d", sheet, columnName(col+i), head),
			Categories: area(sheet, col+1, head+1, last),
			Values:     area(sheet, col+i, head+1, last),
			Fill:       fill(colours[i-2]), // of the line
			Line:       excelize.LineOptions{Width: 1.25},
			Marker:     excelize.ChartMarker{Symbol: "none"},
		}
		if i > 3 && !c.lines[i-4].capacity {
			s.Line.Dash = excelize.LineDashDash
		}
		all = append(all, s)
	}
	zero, top := 0.0, scaleTop(c)/100
	b.check(b.f.AddChart(sheet, at(1, chartRow), &excelize.Chart{
		Type: excelize.Line, Series: all,
		Title:        excelize.ChartTitle{Paragraph: runs(cond.Truncate(title, 60, "…") + "  " + c.title)},
		Legend:       excelize.ChartLegend{Position: "bottom"},
		XAxis:        excelize.ChartAxis{Font: axisFont, TickLabelSkip: 1},
		YAxis:        excelize.ChartAxis{Font: axisFont, Minimum: &zero, Maximum: &top, NumFmt: excelize.ChartNumFmt{CustomNumFmt: "0%"}, MajorGridLines: true},
		ShowBlanksAs: "gap",
		Dimension:    excelize.ChartDimension{Width: 900, Height: 320},
	}))
	return col + len(t.columns) + 1
}

// shifted writes a table whose first column is col and returns its last row.
func (b *workbook) shifted(sheet string, col, row int, t table) int {
	for i, c := range t.columns {
		b.text(sheet, at(col+i, row), c.title)
		b.check(b.f.SetColWidth(sheet, columnName(col+i), columnName(col+i), float64(min(40, cond.StringWidth(c.title)+4))))
	}
	b.check(b.f.SetColWidth(sheet, columnName(col), columnName(col), 14))
	b.check(b.f.SetCellStyle(sheet, at(col, row), at(col+len(t.columns)-1, row), b.headStyle()))
	for n, r := range t.rows {
		for i, c := range t.columns {
			b.value(sheet, at(col+i, row+1+n), c, r[i])
		}
	}
	last := row + len(t.rows)
	for i, c := range t.columns {
		b.check(b.f.SetCellStyle(sheet, at(col+i, row+1), at(col+i, last), b.bodyStyle(c, false)))
	}
	return last
}
