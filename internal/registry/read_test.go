package registry

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"yunjian/internal/sheet"
	"yunjian/ownership"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	departments  = "单位,别名,主管部门,联系人,电话,邮箱,单位负责人,备注\n财政局,市财政局、CZJ,,王一,0571-8888 1234,wang@example.gov.cn,李二,无\n预算处,,财政局,,,,,\n"
	applications = "应用编码,应用名称,单位,负责人,资源类别\nA1,预算编制,财政局,张三,生产\n,门户,财政局,,测试\n"
)

func want() ownership.Directory {
	return ownership.Directory{
		Departments: []ownership.Department{
			{Name: "财政局", Aliases: []string{"市财政局", "CZJ"}, Contact: ownership.Contact{Name: "王一", Phone: "0571-8888 1234", Email: "wang@example.gov.cn"}, Signer: "李二"},
			{Name: "预算处", Parent: "财政局"},
		},
		Applications: []ownership.Application{
			{Name: "门户", Department: "财政局", Class: "测试"}, {Name: "预算编制", Code: "A1", Department: "财政局", Contact: ownership.Contact{Name: "张三"}, Class: "生产"},
		},
	}
}

func TestRead(t *testing.T) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(departments)
	if err != nil {
		t.Fatal(err)
	}
	book := excelize.NewFile()
	defer book.Close()
	_ = book.SetSheetName("Sheet1", "单位")
	_, _ = book.NewSheet("应用")
	_, _ = book.NewSheet("空")
	for name, text := range map[string]string{"单位": departments, "应用": applications} {
		for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
			for i, cell := range strings.Split(line, ",") {
				at, _ := excelize.CoordinatesToCellName(i+1, n+1)
				_ = book.SetCellStr(name, at, cell)
			}
		}
	}
	workbook := filepath.Join(t.TempDir(), "归属.xlsx")
	if err := book.SaveAs(workbook); err != nil {
		t.Fatal(err)
	}
	english := strings.NewReplacer("单位负责人", "signer", "单位,别名", "Department, Aliases ", "主管部门", "parent", "联系人", "contact", "电话", "phone", "邮箱", "email").Replace(departments)
	for name, paths := range map[string][]string{
		"two tables": {file(t, "d.csv", departments), file(t, "a.csv", applications)}, "the other way round": {file(t, "a.csv", applications), file(t, "d.csv", departments)},
		"a workbook": {workbook}, "GBK": {file(t, "d.csv", gbk), file(t, "a.csv", applications)}, "English headers": {file(t, "d.CSV", english), file(t, "a.csv", applications)},
	} {
		got, notes, err := Read(sheet.Disk, paths)
		if err != nil || !reflect.DeepEqual(got, want()) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !strings.Contains(strings.Join(notes, "\n"), "column not used: 备注") {
			t.Errorf("%s: nothing said of the column that was passed over: %v", name, notes)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no header":          {"", "t.csv:1: found no header line; want a column 单位 (department), and 应用 (application) in a table of applications"},
		"another table":      {"a,b\n1,2\n", `t.csv:1: found "a,b"; want a column 单位 (department), and 应用 (application) in a table of applications`},
		"no department":      {"应用\n门户\n", `t.csv:1: found "应用"; want a column 单位 or department`},
		"a name missing":     {"单位,联系人\n,王一\n", "t.csv:2: 单位: found nothing; want a name"},
		"a column twice":     {"单位,department\n甲,乙\n", "t.csv:1: department: found twice; want each column once"},
		"a telephone":        {"单位,电话\n甲,打给我\n", `t.csv:2: 电话: found "打给我"; want a telephone number: digits, + ( ) - and blanks`},
		"an address":         {"单位,邮箱\n甲,王一 <a@b>\n", `t.csv:2: 邮箱: found "王一 <a@b>"; want an e-mail address`},
		"too few cells":      {"单位,电话\n甲\n", "t.csv:2: found 1 cells; want 2, as in the header"},
		"nobody's":           {"应用,单位\n门户,甲\n", `甲/门户: its department "甲" is not listed; want one of the departments`},
		"a department twice": {"单位\n甲\n甲\n", "甲: found twice; want each department once"},
	} {
		_, _, err := Read(sheet.Disk, []string{file(t, "t.csv", c.text)})
		var wrong *sheet.Mistakes
		if !errors.As(err, &wrong) || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
	if _, _, err := Read(sheet.Disk, []string{file(t, "t.txt", "单位\n")}); err == nil || !strings.Contains(err.Error(), ".csv or .xlsx") {
		t.Error(err)
	}
	if _, _, err := Read(sheet.Disk, []string{"nowhere.csv"}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Whatever a table holds, what is read is sound, or nothing is.
func FuzzRead(f *testing.F) {
	f.Add([]byte(departments))
	f.Add([]byte(applications))
	f.Add([]byte("单位,别名\n甲,\"a;b|c\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		d, _, err := Read(sheet.Disk, []string{path})
		if err != nil && (len(d.Departments) > 0 || len(d.Applications) > 0) {
			t.Errorf("%v, and %+v", err, d)
		}
		if err == nil && len(d.Check()) > 0 {
			t.Errorf("unsound: %v", d.Check())
		}
	})
}
