package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Bounds of what is read, far above honest use: they turn a wrong or hostile
// file into an error instead of an exhausted machine.
const (
	MaxBytes        = 256 << 20 // of an inventory, and of a sample file once unpacked
	maxRows         = 1_000_000 // resources
	maxColumns      = 500
	MaxCellBytes    = 4096
	maxWorkbookRows = 1_048_576 // a sheet holds no more
)

// Row is one line of a table that is not blank.
type Row struct {
	Line  int // of the file, from 1
	Cells []string
}

// Table is a small file in memory.
type Table struct {
	File   string // as mistakes name it
	Header Row
	Rows   []Row
	Note   string // something the reader of the file should know
}

// Find reads dir/name.csv or dir/name.xlsx. found is false when neither
// exists.
func Find(dir, name string, wrong *Mistakes) (t Table, found bool, err error) {
	csvPath, xlsxPath := filepath.Join(dir, name+".csv"), filepath.Join(dir, name+".xlsx")
	hasCSV, hasXLSX := exists(csvPath), exists(xlsxPath)
	switch {
	case hasCSV && hasXLSX:
		wrong.Add(Mistake{File: name + ".csv", Found: "found " + name + ".xlsx beside it", Allowed: "one of the two"})
		return t, true, nil
	case hasCSV:
		text, err := readBounded(csvPath)
		if err != nil {
			return t, true, err
		}
		return ParseCSV(name+".csv", text, wrong), true, nil
	case hasXLSX:
		t, err = ReadWorkbook(xlsxPath, name+".xlsx", name, true, wrong)
		return t, true, err
	}
	return t, false, nil
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", path, err)
	}
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("read file %s: larger than %d MiB", path, MaxBytes>>20)
	}
	return text, nil
}

// decode returns text as UTF-8 without byte-order mark, and a note when it was
// in another encoding. Text that is not UTF-8 is taken for GB18030, the
// superset of GBK that Chinese spreadsheets save.
func decode(file string, text []byte) (out []byte, note string, wrong *Mistake) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, "", &Mistake{File: file, Line: 1, Found: "found UTF-16", Allowed: "UTF-8 (in a spreadsheet program: save as CSV UTF-8)"}
	}
	if utf8.Valid(text) {
		if i := bytes.IndexByte(text, 0); i >= 0 {
			return nil, "", &Mistake{File: file, Line: lineOf(text, i), Found: "found a NUL byte", Allowed: "text"}
		}
		return text, "", nil
	}
	decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
	if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) || bytes.IndexByte(decoded, 0) >= 0 {
		return nil, "", &Mistake{File: file, Line: firstInvalid(text), Found: "found bytes that are neither UTF-8 nor GB18030", Allowed: "UTF-8"}
	}
	return decoded, file + " is not UTF-8 and was read as GB18030", nil
}

func lineOf(text []byte, i int) int { return 1 + bytes.Count(text[:i], []byte{'\n'}) }

// firstInvalid returns the line of the first byte that is not UTF-8.
func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return lineOf(text, i)
		}
		i += n
	}
	return 0
}

// ParseCSV reads a whole table; mistakes of form go to wrong.
func ParseCSV(file string, text []byte, wrong *Mistakes) Table {
	t := Table{File: file}
	text, note, bad := decode(file, text)
	if bad != nil {
		wrong.Add(*bad)
		return t
	}
	t.Note = note
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			wrong.Add(Mistake{File: file, Line: syntax.Line, Found: fmt.Sprintf("found a broken quotation at byte %d of the line", syntax.Column), Allowed: `cells with quotes written "like ""this"""`})
			continue
		}
		if err != nil {
			wrong.Add(Mistake{File: file, Found: err.Error()})
			break
		}
		line, _ := r.FieldPos(0)
		if !t.take(line, cells, false, wrong) {
			break
		}
	}
	return t
}

// ReadWorkbook reads the sheet of a workbook that is named sheet, else, if first,
// its first one.
func ReadWorkbook(path, file, sheet string, first bool, wrong *Mistakes) (Table, error) {
	t := Table{File: file}
	f, err := openWorkbook(path)
	if err != nil {
		return t, err
	}
	defer f.Close()
	name := sheet
	if !slices.Contains(f.GetSheetList(), sheet) {
		if !first || len(f.GetSheetList()) == 0 {
			return t, nil
		}
		name = f.GetSheetList()[0]
	}
	return t, t.sheet(f, path, name, wrong)
}

// sheet adds the rows of one sheet.
func (t *Table) sheet(f *excelize.File, path, name string, wrong *Mistakes) error {
	rows, err := f.Rows(name)
	if err != nil {
		return fmt.Errorf("read sheet %q of %s: %w", name, path, err)
	}
	defer rows.Close()
	for line := 1; rows.Next() && line <= maxWorkbookRows; line++ {
		cells, err := rows.Columns()
		if err != nil {
			return fmt.Errorf("read row %d of sheet %q of %s: %w", line, name, path, err)
		}
		if !t.take(line, cells, true, wrong) {
			break
		}
	}
	if err := rows.Error(); err != nil {
		return fmt.Errorf("read sheet %q of %s: %w", name, path, err)
	}
	return nil
}

// take adds a line to the table. Blank lines are passed over; pad says that
// trailing empty cells may have been left out. It reports whether to go on.
func (t *Table) take(line int, cells []string, pad bool, wrong *Mistakes) bool {
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return true
	}
	if t.Header.Line == 0 {
		if len(cells) > maxColumns {
			wrong.Add(Mistake{File: t.File, Line: line, Found: fmt.Sprintf("found %d columns", len(cells)), Allowed: fmt.Sprintf("at most %d", maxColumns)})
			return false
		}
		t.Header = Row{line, cells}
		return true
	}
	if pad && len(cells) < len(t.Header.Cells) {
		cells = append(cells, make([]string, len(t.Header.Cells)-len(cells))...)
	}
	if len(cells) != len(t.Header.Cells) {
		wrong.Add(Mistake{File: t.File, Line: line, Found: fmt.Sprintf("found %d cells", len(cells)), Allowed: fmt.Sprintf("%d, as in the header", len(t.Header.Cells))})
		return true
	}
	if len(t.Rows) == maxRows {
		wrong.Add(Mistake{File: t.File, Line: line, Found: "found more rows", Allowed: fmt.Sprintf("at most %d", maxRows)})
		return false
	}
	t.Rows = append(t.Rows, Row{line, cells})
	return true
}

// Columns checks the header and returns its names, trimmed; a column without
// a name is allowed as long as its cells are empty.
func (t *Table) Columns(required string, wrong *Mistakes) ([]string, bool) {
	if t.Header.Line == 0 {
		wrong.Add(Mistake{File: t.File, Line: 1, Found: "found no header line", Allowed: "the names of the columns"})
		return nil, false
	}
	names := make([]string, len(t.Header.Cells))
	ok := true
	for i, cell := range t.Header.Cells {
		names[i] = strings.TrimSpace(cell)
		if len(names[i]) > MaxCellBytes {
			wrong.Add(Mistake{File: t.File, Line: t.Header.Line, Found: Quote(names[i]), Allowed: fmt.Sprintf("a column name of at most %d bytes", MaxCellBytes)})
			ok = false
		}
		if names[i] != "" && slices.Contains(names[:i], names[i]) {
			wrong.Add(Mistake{File: t.File, Line: t.Header.Line, Column: names[i], Found: "found twice", Allowed: "each column once"})
			ok = false
		}
	}
	if !slices.Contains(names, required) {
		wrong.Add(Mistake{File: t.File, Line: t.Header.Line, Found: Quote(strings.Join(names, ",")), Allowed: "a column " + required})
		ok = false
	}
	return names, ok
}

// Reader returns what a file holds. Whose disk it is on is the reader's affair.
type Reader func(path string) ([]byte, error)

// Disk is the Reader of files of this machine, of at most MaxBytes.
func Disk(path string) ([]byte, error) { return readBounded(path) }

// ReadFile reads the tables of a file: a CSV file is one, a workbook as many as it has
// sheets that are not empty. Mistakes name the file without its folder, and the sheet.
func ReadFile(read Reader, path string, wrong *Mistakes) ([]Table, error) {
	file := filepath.Base(path)
	kind := strings.ToLower(filepath.Ext(path))
	if kind != ".csv" && kind != ".xlsx" {
		return nil, fmt.Errorf("read %s: want a file that ends in .csv or .xlsx", path)
	}
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	if kind == ".csv" {
		return []Table{ParseCSV(file, text, wrong)}, nil
	}
	f, err := excelize.OpenReader(bytes.NewReader(text), workbook)
	if err != nil {
		return nil, fmt.Errorf("open workbook %s: %w", path, err)
	}
	defer f.Close()
	var out []Table
	for _, name := range f.GetSheetList() {
		t := Table{File: file + "#" + name}
		if err := t.sheet(f, path, name, wrong); err != nil {
			return nil, err
		}
		if t.Header.Line > 0 {
			out = append(out, t)
		}
	}
	return out, nil
}

// workbook bounds what a workbook unpacks to.
var workbook = excelize.Options{RawCellValue: true, UnzipSizeLimit: 2 * MaxBytes, UnzipXMLSizeLimit: 16 << 20}

func openWorkbook(path string) (*excelize.File, error) {
	f, err := excelize.OpenFile(path, workbook)
	if err != nil {
		return nil, fmt.Errorf("open workbook %s: %w", path, err)
	}
	return f, nil
}
