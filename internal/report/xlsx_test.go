package report

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func open(t *testing.T, r Weekly, l Lang) (*excelize.File, []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r, XLSX, l); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, out.Bytes()
}

// find returns the column of a header.
func find(t *testing.T, f *excelize.File, sheet, title string) int {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range rows[headRow-1] {
		if s == title {
			return i + 1
		}
	}
	t.Fatalf("sheet %s has no column %q: %q", sheet, title, rows[headRow-1])
	return 0
}

func cellValue(t *testing.T, f *excelize.File, sheet string, col, row int, raw bool) string {
	t.Helper()
	s, err := f.GetCellValue(sheet, at(col, row), excelize.Options{RawCellValue: raw})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWorkbookCells(t *testing.T) {
	f, _ := open(t, rich(t), ZH)
	const sheet = "处置建议"
	money := find(t, f, sheet, "预估年化节约（元）")
	coverage := find(t, f, sheet, "覆盖率")
	title := find(t, f, sheet, "名称")
	memory := find(t, f, sheet, "内存P95")

	for _, c := range []struct {
		name     string
		col, row int
		raw      bool
		want     string
	}{
		{"amount is kept exactly", money, headRow + 1, true, "31824.00"},
		{"amount is shown with two decimals", money, headRow + 1, false, "31,824.00"},
		{"share is a number", coverage, headRow + 1, true, "0.998"},
		{"share is shown as a percentage with one decimal", coverage, headRow + 1, false, "99.8%"},
		{"memory that nobody measured is no number", memory, headRow + 2, true, "—"},
		{"saving without a price is unknown, not zero", money, headRow + 8, true, "未知"},
		{"formula in a name is text behind an apostrophe", title, headRow + 7, true, "'" + hostile},
		{"total is there for readers that do not calculate", money, headRow + 10, true, "70140.50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cellValue(t, f, sheet, c.col, c.row, c.raw); got != c.want {
				t.Errorf("%s = %q, want %q", at(c.col, c.row), got, c.want)
			}
		})
	}
	formula, err := f.GetCellFormula(sheet, at(money, headRow+10))
	if err != nil || !strings.HasPrefix(formula, "SUBTOTAL(109,") {
		t.Errorf("total formula = %q, %v; want one that follows the filter", formula, err)
	}
	sum, err := f.CalcCellValue(sheet, at(money, headRow+10), excelize.Options{RawCellValue: true})
	if err != nil || sum != "70140.5" {
		t.Errorf("total calculates to %q, %v; want 70140.5", sum, err)
	}
	if kind, err := f.GetCellType(sheet, at(title, headRow+7)); err != nil || kind != excelize.CellTypeSharedString {
		t.Errorf("hostile name has cell type %v, %v; want a string", kind, err)
	}
}

func TestWorkbookQuality(t *testing.T) {
	f, _ := open(t, rich(t), ZH)
	const row = headRow + 7 // i-thin19: CPU 60%, memory 50%
	if who, metrics := cellValue(t, f, "数据质量", 1, row, true), cellValue(t, f, "数据质量", find(t, f, "数据质量", "指标"), row, true); !strings.Contains(who, "i-thin19") || metrics != "CPU、内存" {
		t.Fatalf("row %d is of %q, %q; want CPU and memory of i-thin19", row, who, metrics)
	}
	if got := cellValue(t, f, "数据质量", find(t, f, "数据质量", "最低覆盖率"), row, true); got != "0.5" {
		t.Errorf("lowest coverage %q, want 0.5", got)
	}

	const undecided = "未作判定"
	rows, err := f.GetRows(undecided)
	if err != nil || len(rows) != headRow+7 {
		t.Fatalf("sheet %s has %d rows, %v; want 7 resources below its header", undecided, len(rows), err)
	}
	last := rows[headRow+6]
	if want := []string{"示例-新上线 (i-young18)", "示例教育局", "云主机", "开通仅12.4天，不足90天"}; !slices.Equal(last, want) {
		t.Errorf("the last resource not judged is %q, want %q", last, want)
	}
}

func TestWorkbookShape(t *testing.T) {
	f, raw := open(t, rich(t), ZH)
	want := []string{"总览", "处置建议", "各单位情况", "本周变化", "人工关注", "全部资源", "数据质量", "未作判定", "采集情况", "历史曲线", "策略与价目"}
	if got := f.GetSheetList(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("sheets %q, want %q", got, want)
	}
	for _, sheet := range want {
		if got := cellValue(t, f, sheet, 1, 4, false); !strings.HasPrefix(got, "示例价格") {
			t.Errorf("%s row 4 = %q, want the banner of example prices", sheet, got)
		}
		if got := cellValue(t, f, sheet, 1, 2, false); !strings.Contains(got, "2026-11-23 02:00") {
			t.Errorf("%s row 2 = %q, want the as-of time", sheet, got)
		}
		if got := cellValue(t, f, sheet, 1, 3, false); !strings.Contains(got, "3f2a9c1d4b5e") || !strings.Contains(got, "example@1") {
			t.Errorf("%s row 3 = %q, want policy checksum and price book", sheet, got)
		}
	}
	for _, sheet := range []string{"处置建议", "各单位情况", "本周变化", "人工关注", "全部资源", "数据质量", "未作判定", "策略与价目"} {
		panes, err := f.GetPanes(sheet)
		if err != nil || !panes.Freeze || panes.YSplit != headRow {
			t.Errorf("%s panes = %+v, %v; want the header frozen", sheet, panes, err)
		}
		props, err := f.GetSheetProps(sheet)
		if err != nil || props.FitToPage == nil || !*props.FitToPage {
			t.Errorf("%s is not fitted to its paper: %v", sheet, err)
		}
	}
	filters, charts := 0, 0
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		if strings.HasPrefix(part.Name, "xl/charts/chart") {
			charts++
		}
		if strings.HasPrefix(part.Name, "xl/worksheets/sheet") {
			r, err := part.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			filters += strings.Count(string(text), "<autoFilter ")
		}
	}
	if filters != 8 {
		t.Errorf("%d sheets have a filter, want 8", filters)
	}
	if charts != 3+4 {
		t.Errorf("%d charts, want 3 of the overview and 4 histories", charts)
	}
}

func TestWorkbookEmpty(t *testing.T) {
	for _, l := range Langs() {
		f, _ := open(t, empty(), l)
		for _, sheet := range f.GetSheetList() {
			if got := cellValue(t, f, sheet, 1, 4, false); got != "" {
				t.Errorf("%s: sheet %s row 4 = %q, want no banner for a real price book", l, sheet, got)
			}
			if got := cellValue(t, f, sheet, 1, headRow, false); got == "" {
				t.Errorf("%s: sheet %s says nothing", l, sheet)
			}
		}
	}
}
