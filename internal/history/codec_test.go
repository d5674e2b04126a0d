package history

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"yunjian/cloud"
)

// anyValue draws every kind of float64 there is, not-a-number in all its
// shapes included: the codec keeps bits, whatever Append lets in.
func anyValue() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Map(rapid.Uint16Range(0, 10000), func(h uint16) float64 { return float64(h) / 100 }),
		rapid.Map(rapid.Int64Range(-1<<54, 1<<54), func(n int64) float64 { return float64(n) }),
		rapid.Map(rapid.Int64Range(-1e9, 1e9), func(n int64) float64 { return float64(n) / 1e4 }),
		rapid.Map(rapid.Uint64(), math.Float64frombits),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, math.MaxFloat64, 100, 100.01, 1 << 53, 1<<53 + 2}),
	)
}

func sameBits(a, b []cloud.Point) bool {
	return slices.EqualFunc(a, b, func(a, b cloud.Point) bool {
		return a.T == b.T && math.Float64bits(a.V) == math.Float64bits(b.V)
	})
}

func drawPoints(t *rapid.T, value *rapid.Generator[float64]) []cloud.Point {
	var out []cloud.Point
	at := rapid.Int64Range(0, maxTime).Draw(t, "start")
	for _, v := range rapid.SliceOfN(value, 1, 400).Draw(t, "values") {
		if at > maxTime {
			break
		}
		out = append(out, cloud.Point{T: at, V: v})
		at += rapid.SampledFrom([]int64{300, 300, 300, 300, 1, 900, 86400, 1 << 30}).Draw(t, "step")
	}
	return out
}

// What a sheet is given comes back bit for bit, whatever its series have in
// common; any one bit turned over is noticed, and so is another key.
func TestSheetRoundTrip(t *testing.T) {
	enc, dec := newEncoder(zstd.SpeedDefault), newDecoder()
	defer dec.z.Close()
	key := pieceKey(1, 2, 3)
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.Map(rapid.Uint16Range(0, 10100), func(h uint16) float64 { return float64(h) / 100 })
		few := rapid.Map(rapid.SampledFrom([]float64{0, 0.2, 0.4, 17.5}), func(v float64) float64 { return v })
		rates := rapid.Map(rapid.Uint32(), func(v uint32) float64 { return float64(v) })
		var rows []row
		id := uint32(3 * bandSeries)
		common := drawPoints(t, hundredths)
		for range rapid.IntRange(1, 10).Draw(t, "series") {
			p := slices.Clone(common)
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				p = drawPoints(t, anyValue())
			case 1:
				p = drawPoints(t, few)
			case 2:
				p = drawPoints(t, rates)
			case 3: // long enough for all lanes, and like its neighbours
				start, spread := rapid.IntRange(0, 9000).Draw(t, "level"), rapid.IntRange(1, 500).Draw(t, "spread")
				p = grid(monday, 2100, func(i int) float64 { return float64(start+i*7919%spread) / 100 })
			}
			rows = append(rows, row{id, p})
			id += 1 + rapid.Uint32Range(0, 5).Draw(t, "ahead")
		}
		data := enc.appendSheet(nil, key, rows)
		var s sheet
		if err := dec.parse(&s, key, data); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			at, ok := s.find(r.id)
			if !ok || at != i {
				t.Fatalf("series %d found at %d %v, want %d", r.id, at, ok, i)
			}
			c, err := dec.chunk(&s, i, true)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.points(nil); !sameBits(r.points, got) {
				t.Fatalf("series %d: got %v\nwant %v", i, got, r.points)
			}
			if c.first() != r.points[0].T || c.last() != r.points[len(r.points)-1].T {
				t.Fatalf("from %d to %d, want %d to %d", c.first(), c.last(), r.points[0].T, r.points[len(r.points)-1].T)
			}
		}
		if !intact(key, data) {
			t.Fatal("damaged as written")
		}
		bad := slices.Clone(data)
		bad[rapid.IntRange(0, len(bad)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if intact(key, bad) {
			t.Fatal("a turned bit passed")
		}
		if intact(pieceKey(1, 2, 4), data) {
			t.Fatal("a sheet under another key passed")
		}
	})
}

func TestSectionRoundTrip(t *testing.T) {
	enc, dec := newEncoder(zstd.SpeedFastest), newDecoder()
	defer dec.z.Close()
	rapid.Check(t, func(t *rapid.T) {
		var entries []coded
		id := rapid.Uint32().Draw(t, "first") / 2
		shared := drawPoints(t, anyValue())
		for range rapid.IntRange(1, 30).Draw(t, "series") {
			p := shared
			if rapid.Bool().Draw(t, "own instants") {
				p = drawPoints(t, anyValue())
			}
			entries = append(entries, coded{id: id, points: p})
			id += 1 + rapid.Uint32Range(0, 1000).Draw(t, "ahead")
		}
		data := seal(nil, enc.appendSection(nil, entries))
		i := 0
		err := dec.section(nil, data, func(id uint32, runs []run, step int64, values []float64) {
			var got []cloud.Point
			for _, r := range runs {
				for k := range r.n {
					got = append(got, cloud.Point{T: r.t + int64(k)*step, V: values[len(got)]})
				}
			}
			if id != entries[i].id || len(got) != len(values) || !sameBits(entries[i].points, got) {
				t.Fatalf("series %d: got %d %v\nwant %+v", i, id, got, entries[i])
			}
			i++
		})
		if err != nil || i != len(entries) {
			t.Fatal(err, i)
		}
	})
}

func TestSmallValuesTakeTheFastPath(t *testing.T) {
	enc, dec := newEncoder(zstd.SpeedDefault), newDecoder()
	defer dec.z.Close()
	for _, tt := range []struct {
		name   string
		values []float64
		small  bool
	}{
		{"all equal", []float64{5, 5, 5}, true},
		{"hundredths", []float64{0, 0.01, 99.99, 100}, true},
		{"tenths", []float64{0, 0.1, 100}, true},
		{"whole percent", []float64{0, 100, 3}, true},
		{"above 100", []float64{0, 100.01}, false},
		{"above 100 in whole numbers", []float64{0, 101}, false},
		{"below zero", []float64{0.5, -0.01}, false},
		{"thousandths", []float64{0.001}, false},
		{"minus zero", []float64{math.Copysign(0, -1)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			col, err := dec.values(enc.appendValues(nil, tt.values, true), len(tt.values), true, nil)
			if err != nil || (col.floats == nil) != tt.small {
				t.Errorf("%+v %v", col, err)
			}
		})
	}
}

func FuzzSheet(f *testing.F) {
	enc := newEncoder(zstd.SpeedDefault)
	key := pieceKey(1, 0, 0)
	var rows []row
	for i, p := range fixtureSeries() {
		f.Add(enc.appendSheet(nil, key, []row{{uint32(i), p.Points}}))
		rows = append(rows, row{uint32(i), p.Points[:min(len(p.Points), 288)]})
		f.Add(enc.appendSheet(nil, key, rows))
	}
	f.Add([]byte{})
	dec := newDecoder()
	f.Fuzz(func(t *testing.T, data []byte) {
		var s sheet
		mend(key, data)
		if dec.parse(&s, key, data) != nil {
			return
		}
		for i, id := range s.ids {
			if id/bandSeries != 0 || i > 0 && id <= s.ids[i-1] {
				t.Fatalf("series %d in %v", id, s.ids)
			}
			c, err := dec.chunkBody(&s, s.data[max(s.start, s.end(i-1)):s.ends[i]-4], true)
			if err != nil {
				continue
			}
			p := c.points(nil)
			if len(p) != c.n || !ascending(p) || p[0].T < 0 || p[len(p)-1].T > maxTime {
				t.Fatalf("%d points, ascending %v", len(p), ascending(p))
			}
			// What decodes, encodes to something that decodes to the same.
			var again sheet
			if err := newDecoderOnce.parse(&again, key, enc.appendSheet(nil, key, []row{{id, p}})); err != nil {
				t.Fatal(err)
			}
			same, err := newDecoderOnce.chunk(&again, 0, true)
			if err != nil || !sameBits(p, same.points(nil)) {
				t.Fatal(err)
			}
		}
	})
}

// end is where the i-th chunk ends.
func (s *sheet) end(i int) int {
	if i < 0 {
		return s.start
	}
	return s.ends[i]
}

// mend puts the right checksum behind the head of a sheet, so that the fuzzer
// gets past it.
func mend(key, data []byte) {
	if len(data) < 2 {
		return
	}
	size, rest, err := uvarint(data[1:])
	if at := len(data) - len(rest); err == nil && size <= uint64(len(rest)) && len(rest)-int(size) >= 4 {
		end := at + int(size)
		binary.LittleEndian.PutUint32(data[end:], checksum(key, data[:end]))
	}
}

var newDecoderOnce = newDecoder()

func FuzzSection(f *testing.F) {
	enc := newEncoder(zstd.SpeedDefault)
	var entries []coded
	for i, s := range fixtureSeries() {
		entries = append(entries, coded{id: uint32(i * i), points: s.Points})
		f.Add(enc.appendSection(nil, entries)[1:])
	}
	dec := newDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		last, n := int64(-1), 0
		err := dec.sectionBody(body, func(id uint32, runs []run, step int64, values []float64) {
			if int64(id) <= last || len(values) == 0 {
				t.Fatalf("resource %d after %d with %d values", id, last, len(values))
			}
			last = int64(id)
			n++
		})
		if err != nil && n > 0 {
			t.Fatalf("%d series passed on before %v", n, err)
		}
	})
}

func FuzzDigests(f *testing.F) {
	enc := newEncoder(zstd.SpeedDefault)
	d := spanDigest{days: []dayDigest{{day: 0, samples: 288, mean: 1, p50: 2, p95: 3, p99: 4, max: 5}, {day: 27, samples: 1}}}
	f.Add(enc.appendDigests(nil, []digestRow{{3, d}})[1:])
	f.Add(enc.appendDigests(nil, []digestRow{{0, d}, {127, d}})[1:])
	dec := newDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := dec.digestsBody(0, body)
		for i, r := range rows {
			if err == nil && (len(r.days) == 0 || r.id >= bandSeries || i > 0 && r.id <= rows[i-1].id) {
				t.Fatalf("digests %+v", rows)
			}
		}
	})
}

// fixtureSeries is what the fixture files hold: each code, regular and broken
// instants.
func fixtureSeries() []cloud.Series {
	third := func(i int) float64 { return float64(i) / 3 }
	return []cloud.Series{
		series("i-1", cloud.CPUPercent, grid(monday, 40*288, wave)...),
		series("i-1", cloud.NetworkInBPS, grid(monday, 100, func(i int) float64 { return float64(i) * 1e7 })...),
		series("i-2", cloud.CPUPercent, slices.Concat(grid(monday, 10, constant(5)), grid(monday.AddDate(0, 0, 30), 7, third))...),
		series("i-2", cloud.MemoryPercent, cloud.Point{T: 0, V: -1.5}, cloud.Point{T: maxTime, V: 1e300}),
	}
}

var update = flag.Bool("update", false, "write the fixture file of the present format version")

// A file of each format version ever written is read for ever.
func TestReadsEveryFormatVersion(t *testing.T) {
	const present = "testdata/format-v3.db.gz"
	if *update {
		writeFixture(t, present)
	}
	for _, fixture := range []string{"testdata/format-v1.db.gz", "testdata/format-v2.db.gz", present} {
		t.Run(filepath.Base(fixture), func(t *testing.T) {
			packed, err := os.ReadFile(fixture)
			if err != nil {
				t.Fatal(err)
			}
			z, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "history.db")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { sound(t, path) })
			s := openAt(t, path, Options{})
			if blocks, days, spans, digests := state(t, s); blocks == 0 || days == 0 || spans == 0 || digests == 0 {
				t.Errorf("the fixture has %d blocks, %d days, %d spans, %d digests: want some of each", blocks, days, spans, digests)
			}
			for range 2 {
				for _, want := range fixtureSeries() {
					if diff := cmp.Diff(want.Points, points(t, s, want.Resource, want.Metric, always)); diff != "" {
						t.Errorf("%s %s: %s", want.Resource, want.Metric, diff)
					}
				}
				mustFold(t, s, monday.AddDate(1, 0, 0)) // the second time round as today's format folds it
			}
		})
	}
}

func writeFixture(t *testing.T, path string) {
	t.Helper()
	s := fresh(t)
	all := fixtureSeries()
	mustAppend(t, s, all...)
	mustFold(t, s, monday.AddDate(0, 0, 36)) // blocks, days, a span and its digests
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(z); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
