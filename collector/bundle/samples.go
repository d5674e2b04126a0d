package bundle

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"yunjian/cloud"
	"yunjian/internal/sheet"
)

// maxLineBytes bounds a line of a sample file: 500 columns of long numbers.
const maxLineBytes = 64 << 10

// samples is the content of one sample file.
type samples struct {
	metrics []cloud.Metric  // columns known, in the order of the file
	points  [][]cloud.Point // per metric, ascending, one an instant
	unknown []string        // columns not known
	last    int64           // greatest timestamp of any row; 0: no rows
}

// sampleReader reads sample files one after another and keeps its buffers. Not
// for concurrent use.
type sampleReader struct {
	buf   bytes.Buffer
	gzip  gzip.Reader
	cells [][]byte
	limit int64 // of bytes in one file, unpacked; 0: sheet.MaxBytes
}

// read reads one file, wholly or not at all; file "" holds nothing. The points
// returned belong to the caller.
func (r *sampleReader) read(dir, file string) (samples, error) {
	if file == "" {
		return samples{}, nil
	}
	text, err := r.load(dir, file)
	if err != nil {
		return samples{}, err
	}
	return r.readText(dir, file, text)
}

// readText reads the text of one file; of a workbook, the file itself.
func (r *sampleReader) readText(dir, file string, text []byte) (samples, error) {
	var (
		s       samples
		h       *sampleHeader
		rows    int
		ordered = true
		before  int64
	)
	err := r.rows(dir, file, text, func(line int, cells [][]byte) *sheet.Mistake {
		if h == nil {
			var bad *sheet.Mistake
			if h, bad = parseSampleHeader(cells); bad != nil {
				return bad
			}
			s.metrics, s.unknown, s.points = h.metrics, h.unknown, make([][]cloud.Point, len(h.metrics))
			rows = 16 + bytes.Count(text, []byte{'\n'})
			return nil
		}
		if len(cells) != h.width {
			return &sheet.Mistake{Found: fmt.Sprintf("found %d cells", len(cells)), Allowed: fmt.Sprintf("%d, as in the header", h.width)}
		}
		t, ok := parseTimestamp(cells[h.timestamp])
		if !ok {
			return &sheet.Mistake{Column: "timestamp", Found: sheet.Quote(string(cells[h.timestamp])), Allowed: allowedInstant + ", whole seconds"}
		}
		ordered = ordered && t > before
		before, s.last = t, max(s.last, t)
		for i, c := range h.columns {
			cell := trim(cells[c])
			if len(cell) == 0 {
				continue
			}
			v, ok := parseNumber(cell)
			if !ok || v < 0 || (h.percent[i] && v > 100) {
				return &sheet.Mistake{Column: string(h.metrics[i]), Found: sheet.Quote(string(cell)), Allowed: h.allowed(i)}
			}
			if s.points[i] == nil {
				s.points[i] = make([]cloud.Point, 0, rows)
			}
			s.points[i] = append(s.points[i], cloud.Point{T: t, V: v})
		}
		return nil
	})
	if err != nil {
		return samples{}, err
	}
	for i := range s.points {
		if s.points[i] == nil {
			s.points[i] = []cloud.Point{}
		}
		if !ordered {
			s.points[i] = settle(s.points[i])
		}
	}
	return s, nil
}

// span reads the header and the timestamps of one file, for its metrics and
// its last instant.
func (r *sampleReader) span(dir, file string) (metrics []cloud.Metric, first, last int64, err error) {
	text, err := r.load(dir, file)
	if err != nil {
		return nil, 0, 0, err
	}
	var h *sampleHeader
	err = r.rows(dir, file, text, func(line int, cells [][]byte) *sheet.Mistake {
		if h == nil {
			var bad *sheet.Mistake
			h, bad = parseSampleHeader(cells)
			return bad
		}
		if h.timestamp >= len(cells) {
			return &sheet.Mistake{Column: "timestamp", Found: "found no cell"}
		}
		t, ok := parseTimestamp(cells[h.timestamp])
		if !ok {
			return &sheet.Mistake{Column: "timestamp", Found: sheet.Quote(string(cells[h.timestamp]))}
		}
		if first == 0 {
			first = t
		}
		first, last = min(first, t), max(last, t)
		return nil
	})
	if err != nil || h == nil {
		return nil, 0, 0, err
	}
	return h.metrics, first, last, nil
}

// settle orders points by time and keeps the last given of each instant.
func settle(points []cloud.Point) []cloud.Point {
	slices.SortStableFunc(points, func(a, b cloud.Point) int { return int(a.T - b.T) })
	out := points[:0]
	for i, p := range points {
		if i+1 < len(points) && points[i+1].T == p.T {
			continue
		}
		out = append(out, p)
	}
	return out
}

// sampleHeader says which column of a sample file is what.
type sampleHeader struct {
	width     int
	timestamp int
	columns   []int // of metrics
	metrics   []cloud.Metric
	percent   []bool
	unknown   []string
}

func (h *sampleHeader) allowed(i int) string {
	if h.percent[i] {
		return "a percentage from 0 to 100, or nothing where missing"
	}
	return "a number not below 0, or nothing where missing"
}

func parseSampleHeader(cells [][]byte) (*sampleHeader, *sheet.Mistake) {
	h := &sampleHeader{width: len(cells), timestamp: -1}
	for i, cell := range cells {
		name := string(trim(cell))
		if name == "timestamp" {
			if h.timestamp >= 0 {
				return nil, &sheet.Mistake{Column: name, Found: "found twice", Allowed: "each column once"}
			}
			h.timestamp = i
			continue
		}
		m, err := cloud.ParseMetric(name)
		if err != nil {
			h.unknown = append(h.unknown, name)
			continue
		}
		if slices.Contains(h.metrics, m) {
			return nil, &sheet.Mistake{Column: name, Found: "found twice", Allowed: "each column once"}
		}
		h.columns = append(h.columns, i)
		h.metrics = append(h.metrics, m)
		h.percent = append(h.percent, m.Unit() == cloud.Percent)
	}
	if h.timestamp < 0 {
		return nil, &sheet.Mistake{Found: sheet.Quote(string(bytes.Join(cells, []byte{','}))), Allowed: "a column timestamp"}
	}
	if len(h.metrics) == 0 {
		return nil, &sheet.Mistake{Found: sheet.Quote(string(bytes.Join(cells, []byte{','}))), Allowed: "a column beside timestamp: " + oneOf(cloud.Metrics())}
	}
	return h, nil
}

// load returns the text of a CSV file, unpacked, without byte-order mark; it is
// valid until the next load. For a workbook it returns nothing.
func (r *sampleReader) load(dir, file string) ([]byte, error) {
	if strings.HasSuffix(file, ".xlsx") {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		return nil, fmt.Errorf("open samples: %w", err)
	}
	defer f.Close()
	var from io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if err := r.gzip.Reset(f); err != nil {
			return nil, &sheet.Mistake{File: file, Found: "found a broken gzip file: " + err.Error(), Allowed: "a whole gzip file"}
		}
		from = &r.gzip
	}
	limit := cmp.Or(r.limit, sheet.MaxBytes)
	r.buf.Reset()
	n, err := r.buf.ReadFrom(io.LimitReader(from, limit+1))
	switch {
	case err != nil && from != io.Reader(f):
		return nil, &sheet.Mistake{File: file, Found: "found a broken gzip file: " + err.Error(), Allowed: "a whole gzip file"}
	case err != nil:
		return nil, fmt.Errorf("read samples %s: %w", file, err)
	case n > limit:
		return nil, &sheet.Mistake{File: file, Found: fmt.Sprintf("found more than %d MiB of text", limit>>20), Allowed: "less in one file"}
	}
	return bytes.TrimPrefix(r.buf.Bytes(), []byte("\xef\xbb\xbf")), nil
}

// rows calls visit for the header and each line of a file that is not blank. A
// mistake that visit returns ends the reading and becomes the error, with file
// and line.
func (r *sampleReader) rows(dir, file string, text []byte, visit func(line int, cells [][]byte) *sheet.Mistake) error {
	var bad *sheet.Mistake
	each := func(line int, cells [][]byte) bool {
		if bad = visit(line, cells); bad != nil {
			bad.File, bad.Line = file, line
		}
		return bad == nil
	}
	seen := false
	count := func(line int, cells [][]byte) bool { seen = true; return each(line, cells) }
	var err error
	switch {
	case strings.HasSuffix(file, ".xlsx"):
		err = sheetRows(dir, file, count)
	case bytes.IndexByte(text, '"') >= 0:
		err = quotedRows(file, text, count)
	default:
		err = r.plainRows(file, text, count)
	}
	switch {
	case err != nil:
		return err
	case bad != nil:
		return bad
	case !seen:
		return &sheet.Mistake{File: file, Line: 1, Found: "found no header line", Allowed: "the names of the columns"}
	}
	return nil
}

// plainRows splits text without quotation marks at line ends and commas.
func (r *sampleReader) plainRows(file string, text []byte, visit func(int, [][]byte) bool) error {
	for line := 1; len(text) > 0; line++ {
		var this []byte
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			this, text = text[:i], text[i+1:]
		} else {
			this, text = text, nil
		}
		if len(this) > 0 && this[len(this)-1] == '\r' {
			this = this[:len(this)-1]
		}
		if len(this) > maxLineBytes {
			return &sheet.Mistake{File: file, Line: line, Found: fmt.Sprintf("found a line of %d bytes", len(this)), Allowed: fmt.Sprintf("at most %d", maxLineBytes)}
		}
		cells, blank, from := r.cells[:0], true, 0
		for i, c := range this {
			if c == ',' {
				cells = append(cells, this[from:i])
				from = i + 1
			} else if c != ' ' && c != '\t' {
				blank = false
			}
		}
		if blank {
			continue
		}
		r.cells = append(cells, this[from:])
		if !visit(line, r.cells) {
			return nil
		}
	}
	return nil
}

// quotedRows reads text that holds quotation marks.
func quotedRows(file string, text []byte, visit func(int, [][]byte) bool) error {
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return &sheet.Mistake{File: file, Line: syntax.Line, Found: fmt.Sprintf("found a broken quotation at byte %d of the line", syntax.Column), Allowed: `cells with quotes written "like ""this"""`}
		}
		if err != nil {
			return fmt.Errorf("read samples %s: %w", file, err)
		}
		line, _ := in.FieldPos(0)
		if !visitStrings(line, cells, visit) {
			return nil
		}
	}
}

// sheetRows reads the first sheet of a workbook, or the one named samples.
func sheetRows(dir, file string, visit func(int, [][]byte) bool) error {
	var wrong sheet.Mistakes
	t, err := sheet.ReadWorkbook(filepath.Join(dir, file), file, "samples", true, &wrong)
	if err != nil {
		return err
	}
	if !wrong.None() {
		return wrong.List[0]
	}
	if t.Header.Line == 0 || !visitStrings(t.Header.Line, t.Header.Cells, visit) {
		return nil
	}
	for _, row := range t.Rows {
		if !visitStrings(row.Line, row.Cells, visit) {
			return nil
		}
	}
	return nil
}

func visitStrings(line int, cells []string, visit func(int, [][]byte) bool) bool {
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return true
	}
	out := make([][]byte, len(cells))
	for i, c := range cells {
		out[i] = []byte(c)
	}
	return visit(line, out)
}
