package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// writerV1 writes files of layout 1, as the yunjian of that time did, but of any
// size; the fixture is one that it wrote itself.
type writerV1 struct{ enc *encoder }

// values is a column of that time: code, scale, width, base, and the bytes of the
// numbers in planes, compressed where that is smaller.
func (w writerV1) values(v []float64) []byte {
	scale, ok := w.enc.toInts(v)
	if !ok {
		raw, last := make([]uint64, len(v)), uint64(0)
		for i, f := range v {
			raw[i], last = math.Float64bits(f)^last, math.Float64bits(f)
		}
		return w.coded(raw, codeXOR, 0, 0)
	}
	ints := slices.Clone(w.enc.ints)
	least, last := slices.Min(ints), ints[0]
	plain, delta := make([]uint64, len(v)), make([]uint64, len(v))
	for i, n := range ints {
		plain[i] = uint64(n - least)
		delta[i] = uint64((n-last)<<1) ^ uint64((n-last)>>63)
		last = n
	}
	best := w.coded(plain, codePlain, scale, least)
	if next := w.coded(delta, codeDelta, scale, ints[0]); len(next) < len(best) {
		return next
	}
	return best
}

func (w writerV1) coded(raw []uint64, code byte, scale int, base int64) []byte {
	all, width := uint64(0), 0
	for _, u := range raw {
		all |= u
	}
	for ; all != 0; all >>= 8 {
		width++
	}
	var planes []byte
	for p := range width {
		for _, u := range raw {
			planes = append(planes, byte(u>>(8*p)))
		}
	}
	head := binary.AppendVarint([]byte{code, byte(scale), byte(width)}, base)
	if packed := w.enc.z.EncodeAll(planes, nil); len(packed) < len(planes) {
		head[0] |= 0x80
		return append(head, packed...)
	}
	return append(head, planes...)
}

func (w writerV1) chunk(key []byte, points []cloud.Point) []byte {
	var times []int64
	var values []float64
	for _, p := range points {
		times, values = append(times, p.T), append(values, p.V)
	}
	body := binary.AppendUvarint([]byte{0xC1}, uint64(len(points)))
	body = append(appendTimes(body, times), w.values(values)...)
	return binary.LittleEndian.AppendUint32(body, checksum(key, body))
}

func (w writerV1) digest(key []byte, d spanDigest) []byte {
	present := uint32(0)
	var counts, maxima, means, p50s, p95s, p99s []float64
	for _, x := range d.days {
		present |= 1 << x.day
		counts, maxima = append(counts, float64(x.samples)), append(maxima, x.max)
		means, p50s, p95s, p99s = append(means, x.mean), append(p50s, x.p50), append(p95s, x.p95), append(p99s, x.p99)
	}
	body := binary.LittleEndian.AppendUint32([]byte{0xD1}, present)
	for _, column := range [][]float64{counts, maxima, slices.Concat(means, p50s, p95s, p99s, d.hours[:])} {
		v := w.values(column)
		body = append(binary.AppendUvarint(body, uint64(len(v))), v...)
	}
	return binary.LittleEndian.AppendUint32(body, checksum(key, body))
}

// section is a section of a block; every series has a list of instants of its
// own.
func (w writerV1) section(key []byte, ids []uint32, points [][]cloud.Point) []byte {
	var list []byte
	var values []float64
	id, from, to := ids[0], int64(maxTime), int64(0)
	for i, p := range points {
		list = binary.AppendUvarint(list, uint64(ids[i]-id))
		id = ids[i]
		var times []int64
		for _, x := range p {
			times, values = append(times, x.T), append(values, x.V)
			from, to = min(from, x.T), max(to, x.T)
		}
		list = appendTimes(binary.AppendUvarint(list, uint64(len(times))), times)
	}
	body := []byte{0xB1}
	for _, u := range []uint64{uint64(len(values)), uint64(len(ids)), uint64(ids[0]), uint64(id - ids[0]), uint64(from), uint64(to - from), uint64(len(list)), uint64(len(list))} {
		body = binary.AppendUvarint(body, u)
	}
	body = append(append(body, list...), w.values(values)...)
	return binary.LittleEndian.AppendUint32(body, checksum(key, body))
}

// writeV1 makes a file of layout 1 that holds series as a fold at now leaves
// them: in span chunks with digests, in day chunks, and in one block.
func writeV1(t testing.TB, path string, series []cloud.Series, now time.Time) {
	t.Helper()
	w := writerV1{newEncoder(zstd.SpeedDefault)}
	c := calendar{8 * 3600}
	wk := worker{&reader{calendar: c}, nil}
	span, day := c.span(now.Add(-spanGrace).Unix()), c.day(now.Add(-dayGrace).Unix())
	resources, metrics := map[string]uint32{}, map[cloud.Metric]byte{}
	for _, x := range series {
		resources[x.Resource], metrics[x.Metric] = 0, 0
	}
	for i, name := range slices.Sorted(maps.Keys(resources)) {
		resources[name] = uint32(i)
	}
	for i, name := range slices.Sorted(maps.Keys(metrics)) {
		metrics[name] = byte(i)
	}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.AllocSize = 128 << 10
	err = db.Update(func(tx *bolt.Tx) error {
		buckets := map[string]*bolt.Bucket{}
		for _, name := range []string{"meta", "resources", "names", "metrics", "blocks", "days", "spans", "digests", "damaged"} {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			buckets[name] = b
		}
		put := func(bucket string, key, value []byte) {
			if err := buckets[bucket].Put(key, value); err != nil {
				t.Fatal(err)
			}
		}
		put("meta", []byte("version"), []byte{0, 0, 0, 1})
		put("meta", []byte("offset"), binary.BigEndian.AppendUint64(nil, uint64(c.offset)))
		put("meta", []byte("folded"), foldMark{1, day}.bytes())
		for name, number := range resources {
			put("resources", []byte(name), binary.BigEndian.AppendUint32(nil, number))
			put("names", binary.BigEndian.AppendUint32(nil, number), []byte(name))
		}
		for name, code := range metrics {
			put("metrics", []byte(name), []byte{code})
		}
		for name, code := range metrics {
			var ids []uint32
			var open [][]cloud.Point
			for _, x := range series {
				if x.Metric != name {
					continue
				}
				id := resources[x.Resource]
				for rest := x.Points; len(rest) > 0; {
					var mine []cloud.Point
					switch at := rest[0].T; {
					case c.span(at) < span:
						mine, rest = cutAt(rest, c.spanStart(c.span(at)+1))
						key := pieceKey(c.span(at), code, id)
						put("spans", key, w.chunk(key, mine))
						put("digests", key, w.digest(key, wk.digestOf(c, c.span(at), mine)))
					case c.day(at) < day:
						mine, rest = cutAt(rest, c.dayStart(c.day(at)+1))
						key := pieceKey(c.day(at), code, id)
						put("days", key, w.chunk(key, mine))
					default:
						ids, open = append(ids, id), append(open, rest)
						rest = nil
					}
				}
			}
			if len(ids) > 0 {
				key := binary.BigEndian.AppendUint64(nil, 1)
				key = binary.BigEndian.AppendUint32(append(key, code), ids[0])
				put("blocks", key, w.section(key, ids, open))
			}
		}
		return buckets["blocks"].SetSequence(1)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// oldSeries is more than a band of two metrics, of all codes, in a closed span, in
// closed days and in an open one, as of the 40th day.
func oldSeries(resources int) []cloud.Series {
	var out []cloud.Series
	for i := range resources {
		name := fmt.Sprintf("i-%03d", i)
		cpu := grid(monday.AddDate(0, 0, 20), 20*48-2, func(k int) float64 { return float64((k*7919+i*31)%10001) / 100 })
		for k := range cpu { // half-hourly
			cpu[k].T += int64(k) * 1500
		}
		out = append(out, series(name, cloud.CPUPercent, cpu...),
			series(name, cloud.NetworkInBPS, slices.Concat(
				grid(monday.AddDate(0, 0, 25), 20, func(k int) float64 { return float64(i+1) / float64(k+3) }),
				grid(monday.AddDate(0, 0, 30), 20, func(k int) float64 { return float64(i*k) * 1e7 }),
				grid(monday.AddDate(0, 0, 39), 280, func(k int) float64 { return float64(i * k) }))...))
	}
	return out
}

func same(t *testing.T, s *Store, want []cloud.Series) {
	t.Helper()
	var names []string
	for _, x := range want {
		names = append(names, x.Resource)
	}
	slices.Sort(names)
	all := contents(t, s, slices.Compact(names), twoMetrics)
	for _, x := range want {
		if got := all[seriesKey{x.Resource, x.Metric}]; !slices.Equal(x.Points, got) {
			t.Errorf("%s %s: %d points, want %d", x.Resource, x.Metric, len(got), len(x.Points))
		}
	}
}

func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	want := oldSeries(bandSeries + 3)
	now := monday.AddDate(0, 0, 40)
	writeV1(t, path, want, now)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{ReadOnly: true})
	if err == nil || err.Error() != "open history "+path+": the file has layout version 1, and bringing it up to date takes the right to write: open it once without read-only" {
		t.Errorf("read-only: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("opening read-only changed the file", err)
	}
	t.Cleanup(func() { sound(t, path) })
	s := openAt(t, path, Options{})
	same(t, s, want)
	blocks, days, spans, digests := state(t, s)
	if blocks != 1 || days != 2*(11+1) || spans != 4 || digests != 4 {
		t.Errorf("%d blocks, %d day sheets, %d span sheets, %d digest sheets", blocks, days, spans, digests)
	}
	d, err := s.Digests("i-007", cloud.CPUPercent, always)
	if err != nil || len(d) != 8 || d[7].Samples != 48 || d[7].Max < 99 {
		t.Errorf("digests %+v %v", d, err)
	}
	// The last block's number must not be given again.
	mustAppend(t, s, series("i-000", cloud.CPUPercent, cloud.Point{T: want[0].Points[950].T, V: 1}))
	want[0].Points[950].V = 1
	same(t, s, want[:2])
	mustFold(t, s, now.AddDate(0, 2, 0))
	same(t, s, want)
}

// An upgrade that breaks off half way for want of space goes on where it ended.
func TestUpgradeGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	want := oldSeries(bandSeries + 3)
	writeV1(t, path, want, monday.AddDate(0, 0, 40))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sound(t, path) })
	refused := 0
	for room := int(info.Size()); ; room += 50_000 {
		s, err := Open(path, Options{Location: china, MaxBytes: room})
		if err == nil {
			s.file.MaxSize = 0
			same(t, s, want)
			s.Close()
			break
		}
		if refused++; !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		if refused > 1000 {
			t.Fatal("never enough")
		}
	}
	if refused == 0 {
		t.Error("there was room from the start: the test proves nothing")
	}
}

// What is damaged in an old file costs itself, is named, and stops nothing.
func TestUpgradeOfADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	want := oldSeries(5)
	writeV1(t, path, want, monday.AddDate(0, 0, 40))
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := calendar{8 * 3600}
	span, day := c.span(monday.Unix()), c.day(monday.AddDate(0, 0, 30).Unix())
	err = db.Update(func(tx *bolt.Tx) error {
		for _, x := range []struct {
			bucket string
			key    []byte
		}{{"spans", pieceKey(span, 0, 1)}, {"days", pieceKey(day, 0, 2)}, {"digests", pieceKey(span, 1, 3)}, {"blocks", binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, 0, 0, 0, 1, 1}, 0)}} {
			b := tx.Bucket([]byte(x.bucket))
			bad := slices.Clone(b.Get(x.key))
			bad[len(bad)/2] ^= 4
			if err := b.Put(x.key, bad); err != nil {
				return err
			}
		}
		// A key that cannot be.
		return tx.Bucket([]byte("days")).Put([]byte("?"), []byte("?"))
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()

	s := openAt(t, path, Options{})
	in := func(p cloud.Point, from, days int) bool {
		a := monday.AddDate(0, 0, from)
		return p.T >= a.Unix() && p.T < a.AddDate(0, 0, days).Unix()
	}
	for i, x := range want {
		want[i].Points = slices.DeleteFunc(slices.Clone(x.Points), func(p cloud.Point) bool {
			return x.Metric == cloud.CPUPercent && (x.Resource == "i-001" && in(p, 0, 28) || x.Resource == "i-002" && in(p, 30, 1)) ||
				x.Metric == cloud.NetworkInBPS && in(p, 39, 1)
		})
	}
	same(t, s, want)
	if d, err := s.Digests("i-003", cloud.NetworkInBPS, always); err != nil || d != nil {
		t.Errorf("digests %+v %v, want none", d, err)
	}
	var got []string
	for _, d := range damages(t, s) {
		from := "-"
		if !d.Span.From.IsZero() {
			from = d.Span.From.In(china).Format("0102")
		}
		kind, _, _ := strings.Cut(d.Problem, ":")
		got = append(got, fmt.Sprintf("%s %s %s %s", kind, d.Resource, d.Metric, from))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		"digest i-003 network_in_bps 0824", "piece of 28 days i-001 cpu_percent 0824",
		"piece of a day   -", "piece of a day i-002 cpu_percent 0923", "unfolded piece  network_in_bps -",
	}, got); diff != "" {
		t.Error(diff)
	}
}
