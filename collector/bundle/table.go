package bundle

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
	maxTableBytes   = 256 << 20 // of an inventory, and of a sample file once unpacked
	maxTableRows    = 1_000_000 // resources
	maxTableColumns = 500
	maxCellBytes    = 4096
	maxWorkbookRows = 1_048_576 // a sheet holds no more
)

// row is one line of a table that is not blank.
type row struct {
	line  int
	cells []string
}

// table is a small file in memory: the inventory or the instance types.
type table struct {
	file   string // relative to the bundle folder
	header row
	rows   []row
	note   string // something the reader of the file should know
}

// readTable reads dir/name.csv or dir/name.xlsx. found is false when neither
// exists.
func readTable(dir, name string, wrong *Mistakes) (t table, found bool, err error) {
	csvPath, xlsxPath := filepath.Join(dir, name+".csv"), filepath.Join(dir, name+".xlsx")
	hasCSV, hasXLSX := exists(csvPath), exists(xlsxPath)
	switch {
	case hasCSV && hasXLSX:
		wrong.add(Mistake{File: name + ".csv", Found: "found " + name + ".xlsx beside it", Allowed: "one of the two"})
		return t, true, nil
	case hasCSV:
		text, err := readBounded(csvPath)
		if err != nil {
			return t, true, err
		}
		return parseCSV(name+".csv", text, wrong), true, nil
	case hasXLSX:
		t, err = readSheet(xlsxPath, name+".xlsx", name, true, wrong)
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
		return nil, fmt.Errorf("open bundle file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTableBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read bundle file %s: %w", path, err)
	}
	if len(text) > maxTableBytes {
		return nil, fmt.Errorf("read bundle file %s: larger than %d MiB", path, maxTableBytes>>20)
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

// parseCSV reads a whole table; mistakes of form go to wrong.
func parseCSV(file string, text []byte, wrong *Mistakes) table {
	t := table{file: file}
	text, note, bad := decode(file, text)
	if bad != nil {
		wrong.add(*bad)
		return t
	}
	t.note = note
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			wrong.add(Mistake{File: file, Line: syntax.Line, Found: fmt.Sprintf("found a broken quotation at byte %d of the line", syntax.Column), Allowed: `cells with quotes written "like ""this"""`})
			continue
		}
		if err != nil {
			wrong.add(Mistake{File: file, Found: err.Error()})
			break
		}
		line, _ := r.FieldPos(0)
		if !t.take(line, cells, false, wrong) {
			break
		}
	}
	return t
}

// readSheet reads the sheet of a workbook that is named sheet, else, if first,
// its first one.
func readSheet(path, file, sheet string, first bool, wrong *Mistakes) (table, error) {
	t := table{file: file}
	f, err := excelize.OpenFile(path, excelize.Options{RawCellValue: true, UnzipSizeLimit: 2 * maxTableBytes, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return t, fmt.Errorf("open workbook %s: %w", path, err)
	}
	defer f.Close()
	name := sheet
	if !slices.Contains(f.GetSheetList(), sheet) {
		if !first || len(f.GetSheetList()) == 0 {
			return t, nil
		}
		name = f.GetSheetList()[0]
	}
	rows, err := f.Rows(name)
	if err != nil {
		return t, fmt.Errorf("read sheet %q of %s: %w", name, path, err)
	}
	defer rows.Close()
	for line := 1; rows.Next() && line <= maxWorkbookRows; line++ {
		cells, err := rows.Columns()
		if err != nil {
			return t, fmt.Errorf("read row %d of sheet %q of %s: %w", line, name, path, err)
		}
		if !t.take(line, cells, true, wrong) {
			break
		}
	}
	if err := rows.Error(); err != nil {
		return t, fmt.Errorf("read sheet %q of %s: %w", name, path, err)
	}
	return t, nil
}

// take adds a line to the table. Blank lines are passed over; pad says that
// trailing empty cells may have been left out. It reports whether to go on.
func (t *table) take(line int, cells []string, pad bool, wrong *Mistakes) bool {
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return true
	}
	if t.header.line == 0 {
		if len(cells) > maxTableColumns {
			wrong.add(Mistake{File: t.file, Line: line, Found: fmt.Sprintf("found %d columns", len(cells)), Allowed: fmt.Sprintf("at most %d", maxTableColumns)})
			return false
		}
		t.header = row{line, cells}
		return true
	}
	if pad && len(cells) < len(t.header.cells) {
		cells = append(cells, make([]string, len(t.header.cells)-len(cells))...)
	}
	if len(cells) != len(t.header.cells) {
		wrong.add(Mistake{File: t.file, Line: line, Found: fmt.Sprintf("found %d cells", len(cells)), Allowed: fmt.Sprintf("%d, as in the header", len(t.header.cells))})
		return true
	}
	if len(t.rows) == maxTableRows {
		wrong.add(Mistake{File: t.file, Line: line, Found: "found more rows", Allowed: fmt.Sprintf("at most %d", maxTableRows)})
		return false
	}
	t.rows = append(t.rows, row{line, cells})
	return true
}

// columns checks the header and returns its names, trimmed; a column without
// a name is allowed as long as its cells are empty.
func (t *table) columns(required string, wrong *Mistakes) ([]string, bool) {
	if t.header.line == 0 {
		wrong.add(Mistake{File: t.file, Line: 1, Found: "found no header line", Allowed: "the names of the columns"})
		return nil, false
	}
	names := make([]string, len(t.header.cells))
	ok := true
	for i, cell := range t.header.cells {
		names[i] = strings.TrimSpace(cell)
		if len(names[i]) > maxCellBytes {
			wrong.add(Mistake{File: t.file, Line: t.header.line, Found: quote(names[i]), Allowed: fmt.Sprintf("a column name of at most %d bytes", maxCellBytes)})
			ok = false
		}
		if names[i] != "" && slices.Contains(names[:i], names[i]) {
			wrong.add(Mistake{File: t.file, Line: t.header.line, Column: names[i], Found: "found twice", Allowed: "each column once"})
			ok = false
		}
	}
	if !slices.Contains(names, required) {
		wrong.add(Mistake{File: t.file, Line: t.header.line, Found: quote(strings.Join(names, ",")), Allowed: "a column " + required})
		ok = false
	}
	return names, ok
}
