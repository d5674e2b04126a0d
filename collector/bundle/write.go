package bundle

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"yunjian/cloud"
	"yunjian/internal/sheet"
)

// Write writes a bundle folder that Open reads back as the same inventory and
// samples: equal arguments give equal bytes. The folder is made; it must hold
// nothing yet. samples, which may be nil, returns the samples of one resource:
// each metric's in ascending time, one an instant, times of the years 2000 to
// 2099, percentages 0 to 100, rates not negative; a metric without samples
// becomes an empty column; no metric, no file. progress may be nil. The
// inventory is written last, so that what an interrupted Write leaves is not
// taken for a bundle.
//
// A bundle does not keep the cloud's name, TakenAt, incomplete scopes, and
// attributes and tags with empty or blank values.
func Write(dir string, inv cloud.Inventory, samples func(resource string) map[cloud.Metric][]cloud.Point, progress func(done, total int)) error {
	if err := os.MkdirAll(filepath.Join(dir, "samples"), 0o755); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if err := checkEmpty(dir); err != nil {
		return err
	}
	inventory, err := inventoryRows(inv.Resources)
	if err != nil {
		return fmt.Errorf("write bundle %s: %w", dir, err)
	}
	types, err := typeRows(inv.Types)
	if err != nil {
		return fmt.Errorf("write bundle %s: %w", dir, err)
	}
	if samples != nil {
		w := newSampleWriter()
		for i, r := range inv.Resources {
			if err := w.write(filepath.Join(dir, "samples", r.ID+".csv.gz"), samples(r.ID)); err != nil {
				return fmt.Errorf("write samples of %s: %w", r.ID, err)
			}
			if progress != nil {
				progress(i+1, len(inv.Resources))
			}
		}
	}
	if len(inv.Types) > 0 {
		if err := writeTable(filepath.Join(dir, "instance_types.csv"), types); err != nil {
			return err
		}
	}
	return writeTable(filepath.Join(dir, "inventory.csv"), inventory)
}

func checkEmpty(dir string) error {
	for _, folder := range []string{dir, filepath.Join(dir, "samples")} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		for _, e := range entries {
			if e.Name() != "samples" || folder != dir {
				return fmt.Errorf("write bundle %s: %s is already there; want an empty folder", dir, filepath.Join(folder, e.Name()))
			}
		}
	}
	return nil
}

// inventoryRows returns header and rows. Every row is read back by the reader's
// own rules, so that nothing is written that Open would refuse.
func inventoryRows(resources []cloud.Resource) ([][]string, error) {
	columns := inventoryColumns[:contractColumns:contractColumns]
	for _, c := range inventoryColumns[contractColumns:] {
		if slices.ContainsFunc(resources, func(r cloud.Resource) bool { return c.get(&r) != "" }) {
			columns = append(columns, c)
		}
	}
	attributes, tags := map[string]bool{}, map[string]bool{}
	for _, r := range resources {
		note(attributes, r.Attributes)
		note(tags, r.Tags)
	}
	t := sheet.Table{File: "inventory.csv"}
	for _, c := range columns {
		t.Header.Cells = append(t.Header.Cells, c.name)
	}
	attributeNames, tagNames := slices.Sorted(maps.Keys(attributes)), slices.Sorted(maps.Keys(tags))
	for _, name := range attributeNames {
		if strings.HasPrefix(name, tagPrefix) || strings.TrimSpace(name) != name || index([]string{name}, inventoryColumns)[0] != nil {
			return nil, fmt.Errorf("attribute %q cannot be a column: the name means something else", name)
		}
	}
	t.Header.Cells = append(t.Header.Cells, attributeNames...)
	for _, name := range tagNames {
		t.Header.Cells = append(t.Header.Cells, tagPrefix+name)
	}
	t.Header.Line = 1
	for i := range resources {
		r := &resources[i]
		cells := make([]string, 0, len(t.Header.Cells))
		for _, c := range columns {
			cells = append(cells, c.get(r))
		}
		for _, name := range attributeNames {
			cells = append(cells, r.Attributes[name])
		}
		for _, name := range tagNames {
			cells = append(cells, r.Tags[name])
		}
		t.Rows = append(t.Rows, sheet.Row{Line: i + 2, Cells: cells})
	}
	return checked(t, func(wrong *sheet.Mistakes) { parseResources(t, wrong) })
}

func note(names map[string]bool, values map[string]string) {
	for name, value := range values {
		if strings.TrimSpace(value) != "" {
			names[name] = true
		}
	}
}

func typeRows(types []cloud.InstanceType) ([][]string, error) {
	t := sheet.Table{File: "instance_types.csv", Header: sheet.Row{Line: 1}}
	for _, c := range typeColumns {
		t.Header.Cells = append(t.Header.Cells, c.name)
	}
	for i := range types {
		cells := make([]string, 0, len(typeColumns))
		for _, c := range typeColumns {
			cells = append(cells, c.get(&types[i]))
		}
		t.Rows = append(t.Rows, sheet.Row{Line: i + 2, Cells: cells})
	}
	return checked(t, func(wrong *sheet.Mistakes) { parseTypes(t, wrong) })
}

func checked(t sheet.Table, parse func(*sheet.Mistakes)) ([][]string, error) {
	var wrong sheet.Mistakes
	out := make([][]string, 0, len(t.Rows)+1)
	for _, line := range append([]sheet.Row{t.Header}, t.Rows...) {
		for i, cell := range line.Cells {
			if !utf8.ValidString(cell) || strings.ContainsRune(cell, 0) {
				wrong.Add(sheet.Mistake{File: t.File, Line: line.Line, Column: t.Header.Cells[i], Found: sheet.Quote(cell), Allowed: "UTF-8 text"})
			}
		}
		out = append(out, line.Cells)
	}
	parse(&wrong)
	if !wrong.None() {
		return nil, &wrong
	}
	return out, nil
}

func writeTable(path string, rows [][]string) error {
	return writeFile(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.WriteAll(rows); err != nil {
			return err
		}
		return out.Error()
	})
}

// writeFile writes a file and reports every error, those of closing included.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	buffered := bufio.NewWriterSize(f, 64<<10)
	if err := write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// sampleWriter writes sample files one after another and keeps its buffers.
type sampleWriter struct {
	gzip *gzip.Writer
	line []byte
	next []int // per metric, the point that is to be written next
}

func newSampleWriter() *sampleWriter {
	return &sampleWriter{gzip: gzip.NewWriter(io.Discard)} // header without name or time: equal content, equal bytes
}

func (w *sampleWriter) write(path string, points map[cloud.Metric][]cloud.Point) error {
	metrics := make([]cloud.Metric, 0, len(points))
	for _, m := range cloud.Metrics() {
		if _, ok := points[m]; ok {
			metrics = append(metrics, m)
		}
	}
	if len(metrics) != len(points) {
		return fmt.Errorf("found a metric other than %v", cloud.Metrics())
	}
	if len(metrics) == 0 {
		return nil
	}
	for _, m := range metrics {
		if err := checkPoints(m, points[m]); err != nil {
			return err
		}
	}
	return writeFile(path, func(out io.Writer) error {
		w.gzip.Reset(out)
		if err := w.rows(metrics, points); err != nil {
			return err
		}
		return w.gzip.Close()
	})
}

func checkPoints(m cloud.Metric, points []cloud.Point) error {
	most := math.MaxFloat64
	if m.Unit() == cloud.Percent {
		most = 100
	}
	for i, p := range points {
		if p.T < firstInstant || p.T >= endInstant || (i > 0 && p.T <= points[i-1].T) {
			return fmt.Errorf("%s: timestamp %d at place %d is out of order or outside the years 2000 to 2099", m, p.T, i)
		}
		if !(p.V >= 0 && p.V <= most) {
			return fmt.Errorf("%s: value %v at %d is outside 0 to %v", m, p.V, p.T, most)
		}
	}
	return nil
}

func (w *sampleWriter) rows(metrics []cloud.Metric, points map[cloud.Metric][]cloud.Point) error {
	w.line = append(w.line[:0], "timestamp"...)
	columns := make([][]cloud.Point, len(metrics))
	for i, m := range metrics {
		w.line = append(append(w.line, ','), m...)
		columns[i] = points[m]
	}
	w.next = append(w.next[:0], make([]int, len(metrics))...)
	for {
		w.line = append(w.line, '\n')
		if _, err := w.gzip.Write(w.line); err != nil {
			return err
		}
		t := int64(endInstant)
		for i, c := range columns {
			if w.next[i] < len(c) {
				t = min(t, c[w.next[i]].T)
			}
		}
		if t == endInstant {
			return nil
		}
		w.line = strconv.AppendInt(w.line[:0], t, 10)
		for i, c := range columns {
			w.line = append(w.line, ',')
			if k := w.next[i]; k < len(c) && c[k].T == t {
				w.line = strconv.AppendFloat(w.line, math.Abs(c[k].V), 'f', -1, 64) // −0 is 0
				w.next[i]++
			}
		}
	}
}
