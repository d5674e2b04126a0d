package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// The corpus in testdata/fuzz holds real pieces: bodies as they lie in files of
// each layout, without the checksums, which the fuzzers put right or pass by.

// Whatever bytes are taken for a column of values, they decode to as many values
// as asked for or to an error, and what decodes is kept bit for bit.
func FuzzValues(f *testing.F) {
	enc := newEncoder(zstd.SpeedDefault)
	long := func(value func(i int) float64) []float64 {
		v := make([]float64, 300)
		for i := range v {
			v[i] = value(i)
		}
		return v
	}
	for _, v := range [][]float64{
		{0}, {1.5, 1.5, 1.5}, {0.1, 0.2, 0.3, 100}, {-1, 1e300, math.Inf(1)}, // in planes
		long(func(i int) float64 { return float64(i * i * 7919 % 50) }), // as tokens
		long(func(i int) float64 { return float64(i*i%1000) * 1e4 }),    // with raw bits
		long(func(i int) float64 { return float64(i % 10) }),            // repeated
	} {
		f.Add(enc.appendValues(nil, v, true), uint16(len(v)))
		if enc.column.width() > 0 && len(enc.column.u) > 0 {
			f.Add(enc.appendTokens(nil, &enc.column), uint16(len(v))) // as layout 2 packed it
		}
	}
	dec := newDecoder()
	shared := &sharedTable{}
	shared.normalize([]uint32{5, 3, 1, 0, 9}, maxTableBits)
	f.Fuzz(func(t *testing.T, data []byte, n uint16) {
		for _, small := range []bool{false, true} {
			col, err := dec.values(data, int(n), small, shared)
			if err != nil {
				continue
			}
			c := chunk{n: int(n), column: col}
			var v []float64
			for i := range c.n {
				v = append(v, c.value(i))
			}
			again, err := dec.values(enc.appendValues(nil, v, true), len(v), false, nil)
			if err != nil || !slices.EqualFunc(v, again.floats, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
				t.Fatalf("%v comes back as %v: %v", v, again.floats, err)
			}
		}
	})
}

// Whatever bytes are taken for a table of frequencies, it covers all slots or is
// an error, and comes back as it was.
func FuzzTable(f *testing.F) {
	for _, direct := range []bool{false, true} {
		for _, counts := range [][]uint32{{1}, {5, 0, 3, 1}, slices.Repeat([]uint32{7, 1}, 100)} {
			var t table
			t.normalize(counts, maxTableBits)
			f.Add(t.append(nil), uint8(maxTableBits), direct)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, bits uint8, direct bool) {
		width := tableBits(1 << (bits % 24))
		var first, second table
		rest, err := first.read(data, width, direct)
		if err != nil {
			return
		}
		sum := 0
		for _, n := range first.freqs {
			sum += int(n)
		}
		if sum != 1<<width || len(first.tokens) != len(first.freqs) || len(rest) > len(data) {
			t.Fatalf("%d tokens fill %d of %d slots", len(first.tokens), sum, 1<<width)
		}
		var slots decodeSlots
		slots.load(&first, direct)
		if _, err := second.read(first.append(nil), width, direct); err != nil || !slices.Equal(first.tokens, second.tokens) || !slices.Equal(first.freqs, second.freqs) {
			t.Fatalf("%+v comes back as %+v: %v", first, second, err)
		}
	})
}

// Whatever bytes are taken for instants, they ascend within what a history holds
// or are an error, and come back as they were.
func FuzzTimes(f *testing.F) {
	for _, times := range [][]int64{{0}, {maxTime}, {300, 600, 900, 1800, 2100}, {5, 6, 4000000}} {
		f.Add(appendTimes(nil, times), uint16(len(times)))
	}
	var dec decoder
	expand := func(runs []run, step int64) (out []int64) {
		for _, r := range runs {
			for i := range r.n {
				out = append(out, r.t+int64(i)*step)
			}
		}
		return out
	}
	f.Fuzz(func(t *testing.T, data []byte, n uint16) {
		if n == 0 {
			return
		}
		runs, step, _, err := dec.times(data, int(n))
		if err != nil {
			return
		}
		times := expand(runs, step)
		if len(times) != int(n) || times[0] < 0 || times[n-1] > maxTime || !slices.IsSorted(times) || len(slices.Compact(slices.Clone(times))) != len(times) {
			t.Fatalf("%d instants: %v", n, times)
		}
		runs, step, rest, err := dec.times(appendTimes(nil, times), int(n))
		if again := expand(runs, step); err != nil || len(rest) > 0 || !slices.Equal(times, again) {
			t.Fatalf("%v comes back as %v: %v", times, again, err)
		}
	})
}

// Whatever lies in a block under a right checksum, reading it ends, and passes on
// what can be a series.
func FuzzBlock(f *testing.F) {
	enc := newEncoder(zstd.SpeedDefault)
	key := valueKey(1, 2)
	var sections [][]byte
	for i, x := range fixtureSeries()[1:] {
		sections = append(sections, enc.appendSection(nil, []coded{{1, uint32(2 + i), x.Points}}))
	}
	f.Add(sections[0])
	f.Add(joinSections(3, key, [][]byte{seal(sectionKey(3, 1, 2), sections[0]), seal(sectionKey(3, 1, 3), sections[1])}))
	dec := newDecoder()
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data)
		if len(data) > 0 && data[0] == blockV1 { // as a block of one section
			data = joinSections(3, key, [][]byte{append(data, 0, 0, 0, 0)})
		}
		mendBlock(3, key, data)
		_ = splitSections(3, key, data, func(section []byte) {
			h, err := head(section)
			if err != nil {
				return
			}
			section = seal(sectionKey(3, 1, h.first), bytes.Clone(section[:len(section)-4]))
			last := int64(-1)
			err = dec.section(sectionKey(3, 1, h.first), section, func(id uint32, runs []run, step int64, values []float64) {
				n := 0
				for _, r := range runs {
					n += r.n
				}
				if int64(id) <= last || id < h.first || id > h.last || n != len(values) || n == 0 || runs[0].t < h.minT {
					t.Fatalf("series %d after %d of %+v: %d instants, %d values", id, last, h, n, len(values))
				}
				last = int64(id)
			})
			if err != nil && last >= 0 {
				t.Fatal("series passed on before", err)
			}
		})
	})
}

// mendBlock puts the right checksum behind the head of a block.
func mendBlock(sequence uint64, key, data []byte) {
	if len(data) == 0 {
		return
	}
	n, rest, err := uvarint(data[1:])
	for range min(n, valueSections) {
		if err == nil {
			_, rest, err = uvarint(rest)
		}
	}
	if at := len(data) - len(rest); err == nil && len(rest) >= 4 {
		binary.LittleEndian.PutUint32(rest, checksum(append(binary.BigEndian.AppendUint64(nil, sequence), key...), data[:at]))
	}
}

// Pieces of layout 1 are read for ever: whatever lies in them under a right
// checksum is what a sheet can take up, or an error.
func FuzzPieceV1(f *testing.F) {
	w := writerV1{newEncoder(zstd.SpeedDefault)}
	key := pieceKey(1, 0, 0)
	f.Add(w.chunk(key, fixtureSeries()[1].Points))
	f.Add(w.digest(key, spanDigest{days: []dayDigest{{day: 3, samples: 288, max: 5}}}))
	dec, second := newDecoder(), newDecoder()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 6 {
			return
		}
		data = seal(key, bytes.Clone(data[:len(data)-4]))
		if c, err := dec.chunkV1(key, data); err == nil {
			p := c.points(nil)
			if !ascending(p) || p[0].T < 0 || p[len(p)-1].T > maxTime {
				t.Fatalf("%d points from %v", len(p), p[0])
			}
			var s sheet
			if err := second.parse(&s, key, w.enc.appendSheet(nil, key, []row{{5, p}})); err != nil {
				t.Fatal(err)
			}
			if again, err := second.chunk(&s, 0, true); err != nil || !sameBits(p, again.points(nil)) {
				t.Fatal(err)
			}
		}
		if body, err := unseal(key, data, digestV1); err == nil {
			d, err := dec.digestV1(body)
			if err != nil {
				return
			}
			rows, err := second.digests(key, seal(key, w.enc.appendDigests(nil, []digestRow{{5, d}})))
			if err != nil || len(rows) != 1 || len(rows[0].days) != len(d.days) {
				t.Fatalf("%+v comes back as %+v: %v", d, rows, err)
			}
		}
	})
}

// corpusPieces is the least pieces of each kind in a file of a layout, with what
// fuzzes them.
func corpusPieces(t *testing.T, layout int, path string) map[string][]byte {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string][]byte{}
	var each func(bucket string, b *bolt.Bucket) error
	each = func(bucket string, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return each(bucket, b.Bucket(k))
			}
			name, ok := map[byte]string{chunkV1: "FuzzPieceV1", digestV1: "FuzzPieceV1", sheetV1: "FuzzSheet", blockV1: "FuzzBlock", blockV2: "FuzzBlock", digestV2: "FuzzDigests"}[v[0]]
			if !ok {
				return nil
			}
			switch v[0] {
			case blockV1: // without its checksum
				v = v[:len(v)-4]
			case digestV2: // without kind and checksum
				v = v[1 : len(v)-4]
			}
			name = fmt.Sprintf("%s/layout%d-%s", name, layout, strings.ReplaceAll(bucket, " ", "-"))
			if old, ok := out[name]; !ok || len(v) < len(old) {
				out[name] = bytes.Clone(v)
			}
			return nil
		})
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error { return each(string(name), b) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The seeds are what files hold; -update writes those of layout 1, and of the
// present layout.
func TestCorpusIsReal(t *testing.T) {
	folder := t.TempDir()
	pieces := map[string][]byte{}
	old := filepath.Join(folder, "1.db")
	writeV1(t, old, corpusSeries(), monday.AddDate(0, 0, 36))
	for name, data := range corpusPieces(t, 1, old) {
		pieces[name] = data
	}
	s := openAt(t, filepath.Join(folder, "present.db"), Options{})
	mustAppend(t, s, corpusSeries()...)
	mustFold(t, s, monday.AddDate(0, 0, 36))
	s.Close()
	for name, data := range corpusPieces(t, formatVersion, s.path) {
		pieces[name] = data
	}
	if len(pieces) != 8 {
		t.Errorf("%d kinds of pieces, want 4 of each layout", len(pieces))
	}
	for name, data := range pieces {
		file := filepath.Join("testdata", "fuzz", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, fmt.Appendf(nil, "go test fuzz v1\n[]byte(%s)\n", strconv.Quote(string(data))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%v: go test -run TestCorpusIsReal -update", err)
		}
		if len(data) > 2<<10 {
			t.Errorf("%s has %d bytes: too much to mutate", name, len(data))
		}
	}
}

// corpusSeries fill a span, open days and a block with few samples.
func corpusSeries() []cloud.Series {
	var out []cloud.Series
	for i := range 3 {
		p := slices.Concat(grid(monday, 40, wave), grid(monday.AddDate(0, 0, 30), 30, wave), grid(monday.AddDate(0, 0, 36), 3, wave))
		out = append(out, series(fmt.Sprint("i-", i), cloud.CPUPercent, p...))
	}
	return out
}
