package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// workbookOf writes rows into the sheets of a workbook.
func workbookOf(t testing.TB, sheets map[string][][]any, order ...string) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, name := range order {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", name); err != nil {
				t.Fatal(err)
			}
		} else if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for j, row := range sheets[name] {
			if err := f.SetSheetRow(name, fmt.Sprintf("A%d", j+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func from(text []byte) Reader { return func(string) ([]byte, error) { return text, nil } }

// A table reads alike from a CSV file in either encoding and from a workbook, whose
// numbers are as they are and not as they are shown.
func TestReadFile(t *testing.T) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte("单位,金额\n财政局,12.5\n\n\"民政局\n二\",3\n"))
	if err != nil {
		t.Fatal(err)
	}
	book := workbookOf(t, map[string][][]any{"单位": {{"单位", "金额"}, {"财政局", 12.5}, {}, {"民政局\n二", 3}}, "空": {}, "应用": {{"应用"}, {"预算"}}}, "单位", "空", "应用")
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"a.csv":  {[]byte("\xef\xbb\xbf单位,金额\r\n财政局,12.5\r\n,\r\n\"民政局\n二\",3\r\n"), "a.csv 1[单位 金额] 2[财政局 12.5] 4[民政局\n二 3] "},
		"b.CSV":  {gbk, "b.CSV 1[单位 金额] 2[财政局 12.5] 4[民政局\n二 3] b.CSV is not UTF-8 and was read as GB18030"},
		"c.xlsx": {book, "c.xlsx#单位 1[单位 金额] 2[财政局 12.5] 4[民政局\n二 3] |c.xlsx#应用 1[应用] 2[预算] "},
	} {
		var wrong Mistakes
		tables, err := ReadFile(from(c.text), "dir/"+name, &wrong)
		if err != nil || !wrong.None() {
			t.Errorf("%s: %v, %v", name, err, &wrong)
		}
		var got []string
		for _, x := range tables {
			s := fmt.Sprintf("%s %d%v ", x.File, x.Header.Line, x.Header.Cells)
			for _, r := range x.Rows {
				s += fmt.Sprintf("%d%v ", r.Line, r.Cells)
			}
			got = append(got, s+x.Note)
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", name, text, c.want)
		}
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfea\x00":    "x.csv:1: found UTF-16; want UTF-8",
		"a,b\nc,\x00\n":    "x.csv:2: found a NUL byte; want text",
		"a,b\nc,\xff\xff,": "x.csv:2: found bytes that are neither UTF-8 nor GB18030",
		"a,b\n1\n2,3\n":    "x.csv:2: found 1 cells; want 2, as in the header",
		"a,b\n1,\"2\"3\n":  "x.csv:2: found a broken quotation at byte",
		"a,b\n1,2,3":       "x.csv:2: found 3 cells",
	} {
		var wrong Mistakes
		if _, err := ReadFile(from([]byte(text)), "x.csv", &wrong); err != nil || !strings.HasPrefix(wrong.Error(), want) {
			t.Errorf("%q: %v, %q; want %q", text, err, wrong.Error(), want)
		}
	}
	for path, text := range map[string]string{"x.txt": "a", "x.xlsx": "no workbook", "x": "a"} {
		var wrong Mistakes
		if _, err := ReadFile(from([]byte(text)), path, &wrong); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	gone := errors.New("gone")
	if _, err := ReadFile(func(string) ([]byte, error) { return nil, gone }, "x.csv", new(Mistakes)); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	var many Mistakes
	ParseCSV("x.csv", []byte("a,b\n"+strings.Repeat("1\n", 60)), &many)
	if many.Count() != 60 || !strings.HasSuffix(many.Error(), "and 10 more") {
		t.Errorf("%d: %s", many.Count(), many.Error())
	}
}

func TestColumns(t *testing.T) {
	for header, want := range map[string]string{
		" id , name": "", "name": "want a column id", "id,id": "id: found twice", "": "found no header line",
	} {
		var wrong Mistakes
		table := ParseCSV("x.csv", []byte(header), &wrong)
		names, ok := table.Columns("id", &wrong)
		if ok != (want == "") || !strings.Contains(wrong.Error(), want) || ok && names[1] != "name" {
			t.Errorf("%q: %q %v %q", header, names, ok, wrong.Error())
		}
	}
}

// Whatever a file holds is read into a table whose rows are as wide as its header, or
// said to be wrong.
func FuzzReadFile(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"), false)
	f.Add([]byte("\xef\xbb\xbf单位\n\"x\"\n"), false)
	f.Add(workbookOf(f, map[string][][]any{"s": {{"a", "b"}, {1, "x"}}}, "s"), true)
	f.Fuzz(func(t *testing.T, text []byte, book bool) {
		name := "x.csv"
		if book {
			name = "x.xlsx"
		}
		var wrong Mistakes
		tables, err := ReadFile(from(text), name, &wrong)
		if err != nil {
			return
		}
		for _, x := range tables {
			for _, r := range x.Rows {
				if len(r.Cells) != len(x.Header.Cells) || r.Line <= x.Header.Line {
					t.Fatalf("row %d has %d cells, the header in line %d %d", r.Line, len(r.Cells), x.Header.Line, len(x.Header.Cells))
				}
			}
		}
	})
}
