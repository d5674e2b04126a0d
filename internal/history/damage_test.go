package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
	"yunjian/utilization"
)

// damagedFile is a history to damage, and what it held.
type damagedFile struct {
	data    []byte
	series  []cloud.Series
	digests [][]Digest // of each series
}

// makeFile has blocks, day sheets, span sheets and digests of two metrics; what
// was committed last is an append.
func makeFile(t *testing.T) damagedFile {
	t.Helper()
	var f damagedFile
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path, Options{})
	over := func(i, n int, value func(k int) float64) []cloud.Point {
		out := grid(monday, n, value)
		for k := range out {
			out[k].T = monday.Unix() + int64(k)*(35*daySeconds/int64(n)/300*300) + int64(i%5/4)*60
		}
		return out
	}
	for i := range 40 {
		name := fmt.Sprintf("i-%03d", i)
		f.series = append(f.series,
			series(name, cloud.CPUPercent, over(i, 70, func(k int) float64 { return float64((k*7919+i*31)%10001) / 100 })...),
			series(name, cloud.NetworkInBPS, over(i, 50, func(k int) float64 { return float64(i+1) * float64(k+1) / 7 })...))
	}
	mustAppend(t, s, f.series[:60]...)
	mustAppend(t, s, f.series[60:]...)
	mustFold(t, s, monday.AddDate(0, 0, 33))
	for i := range f.series {
		last := cloud.Point{T: monday.AddDate(0, 0, 35).Unix(), V: float64(i)}
		f.series[i].Points = append(f.series[i].Points, last)
		mustAppend(t, s, series(f.series[i].Resource, f.series[i].Metric, last))
		d, err := s.Digests(f.series[i].Resource, f.series[i].Metric, always)
		if err != nil || len(d) == 0 {
			t.Fatal("no digests", err)
		}
		f.digests = append(f.digests, d)
	}
	s.Close()
	var err error
	if f.data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return f
}

// Whichever bit of the file turns over, nothing crashes and no answer is wrong.
// Samples may be missing; then Check names a piece that they lay in.
func TestAnyTurnedBit(t *testing.T) {
	seed, rounds := replay(t, "YUNJIAN_DAMAGE_ROUNDS", 25)
	random := rand.New(rand.NewPCG(seed, 0))
	f := makeFile(t)
	path := filepath.Join(t.TempDir(), "damaged.db")
	count := map[string]int{}
	page := os.Getpagesize()
	for range rounds {
		at := random.IntN(len(f.data))
		if random.IntN(2) == 0 { // what says where things lie is at the head of a page
			at = at/page*page + random.IntN(128)
		}
		bit := byte(1) << random.IntN(8)
		bad := slices.Clone(f.data)
		bad[at] ^= bit
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		count[f.use(t, path)]++
		if t.Failed() {
			t.Fatalf("with bit %08b of byte %d of page %d turned", bit, at%page, at/page)
		}
	}
	t.Logf("%v", count)
}

// use does everything with a damaged file, and says how it went.
func (f damagedFile) use(t *testing.T, path string) string {
	s, err := Open(path, Options{Location: china})
	if err != nil {
		return "refused"
	}
	defer s.Close()
	s.file.NoSync = true
	var named []Damage // before any care: what is damaged may be written over
	missing := f.compare(t, s, &named, false)
	refused := 0
	for _, care := range []func() error{
		func() error {
			return s.Append([]cloud.Series{series("i-new", cloud.CPUPercent, cloud.Point{T: monday.AddDate(0, 0, 35).Unix(), V: 1})})
		},
		func() error { return s.Fold(t.Context(), monday.AddDate(0, 0, 70)) },
		func() error { return s.Compact(t.Context()) },
	} {
		if care() != nil {
			refused++
		}
	}
	missing += f.compare(t, s, &named, refused > 0)
	switch {
	case refused > 0:
		return "refused to write"
	case missing > 0:
		return "missing, and named"
	default:
		return "all there"
	}
}

// compare fails the test where an answer is wrong, or where samples are missing
// of which neither Check nor an error says so. It counts what is missing.
func (f damagedFile) compare(t *testing.T, s *Store, named *[]Damage, said bool) (missing int) {
	t.Helper()
	if err := s.Check(t.Context(), func(d Damage) { *named = append(*named, d) }); err != nil {
		said = true
	}
	lost := func(x cloud.Series, at int64) {
		missing++
		if !said && !slices.ContainsFunc(*named, func(d Damage) bool { return f.covers(d, x, at) }) {
			t.Errorf("%s %s lacks %v, check reports %v", x.Resource, x.Metric, instant(at).In(china), *named)
		}
	}
	var names []string
	for _, x := range f.series {
		names = append(names, x.Resource)
	}
	names = slices.Compact(names)
	all, err := readAll(s, names, twoMetrics)
	if err != nil {
		return 1 // it says so
	}
	scanned := map[string]utilization.Summary{}
	scan := s.Scan(t.Context(), scanQuery{Resources: names[:4], Metrics: twoMetrics, Window: always}, func(r string, u map[cloud.Metric]utilization.Summary) error {
		for m, x := range u {
			scanned[r+string(m)] = x
		}
		return nil
	})
	for i, x := range f.series {
		got := all[seriesKey{x.Resource, x.Metric}]
		rest, most := got, 0.0
		for _, p := range x.Points {
			if len(rest) > 0 && rest[0] == p {
				rest, most = rest[1:], max(most, p.V)
			} else {
				lost(x, p.T)
			}
		}
		if len(rest) > 0 {
			t.Errorf("%s %s has %v, which it never had, among %d", x.Resource, x.Metric, rest[0], len(got))
		}
		if u := scanned[x.Resource+string(x.Metric)]; scan == nil && slices.Contains(names[:4], x.Resource) && (u.Samples != len(got) || u.Max != most) {
			t.Errorf("%s %s scans as %d samples up to %v, has %d up to %v", x.Resource, x.Metric, u.Samples, u.Max, len(got), most)
		}
		if i%10 > 0 {
			continue // one by one takes long
		}
		if alone, err := s.Points(x.Resource, x.Metric, always); err == nil && !slices.Equal(alone, got) {
			t.Errorf("%s %s has %v, read with others %v", x.Resource, x.Metric, alone, got)
		}
		// Of a day that has lost samples, what is left may be digested anew.
		digests, err := s.Digests(x.Resource, x.Metric, cloud.Window{From: monday, To: monday.AddDate(0, 0, 28)})
		for _, d := range digests {
			if err == nil && d.Samples == f.digests[i][0].Samples && !slices.Contains(f.digests[i], d) {
				t.Errorf("%s %s has a digest %+v, which it never had", x.Resource, x.Metric, d)
			}
		}
	}
	return missing
}

// covers reports whether damage as it is named may have cost a sample.
func (f damagedFile) covers(d Damage, x cloud.Series, at int64) bool {
	known := slices.ContainsFunc(f.series, func(s cloud.Series) bool { return s.Resource == d.Resource })
	return (d.Resource == x.Resource || !known) &&
		(d.Metric == x.Metric || d.Metric == "") &&
		(d.Span.From.IsZero() || d.Span.From.Unix() <= at && at < d.Span.To.Unix())
}

// A page that counts none of its elements hides them, and nothing else is wrong
// with it.
func TestPageThatCountsNone(t *testing.T) {
	f := makeFile(t)
	path := filepath.Join(t.TempDir(), "history.db")
	if err := os.WriteFile(path, f.data, 0o600); err != nil {
		t.Fatal(err)
	}
	var full []int
	root := 0
	s := openAt(t, path, Options{ReadOnly: true})
	err := s.view(func(tx *bolt.Tx) error {
		root = int(tx.Cursor().Bucket().Root())
		for id := 2; int64(id) < tx.Size()/int64(os.Getpagesize()); id++ {
			info, err := tx.Page(id)
			if err != nil {
				return err
			}
			if (info.Type == "leaf" || info.Type == "branch") && info.Count > 0 {
				full = append(full, id)
			}
			id += info.OverflowCount
		}
		return nil
	})
	if err != nil || len(full) < 10 {
		t.Fatal(err, full)
	}
	s.Close()
	for _, id := range full {
		bad := slices.Clone(f.data)
		copy(bad[id*os.Getpagesize()+10:], []byte{0, 0})
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if id == root { // not taken for a file to be begun
			if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "restore a backup") {
				t.Errorf("the root: %v", err)
			}
		}
		s, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			continue // refused
		}
		if len(damages(t, s)) == 0 {
			t.Errorf("page %d of %v: check sees nothing", id, full)
		}
		s.Close()
	}
}

// A sheet under a key of which a bit turned over is named for what it is.
func TestDamagedKeyIsSeenThrough(t *testing.T) {
	key := pieceKey(100, 1, 7)
	data := newEncoder(zstd.SpeedDefault).appendSheet(nil, key, []row{{7 * bandSeries, grid(monday, 10, wave)}})
	c := checker{worker: &worker{nil, &kit{dec: newDecoder()}}}
	for _, bad := range [][]byte{key, pieceKey(100^1<<30, 1, 7), pieceKey(100, 3, 7), pieceKey(100, 1, 6)} {
		if got := c.keyOf(bad, data); !slices.Equal(key, got) {
			t.Errorf("%x is taken for %x, want %x", bad, got, key)
		}
	}
	if got := c.keyOf(pieceKey(101, 0, 7), data); !slices.Equal(pieceKey(101, 0, 7), got) {
		t.Errorf("two bits away: %x", got)
	}
}

// A copy that broke off is refused, wherever that was.
func TestTornCopyIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	if err := os.WriteFile(path, makeFile(t).data, 0o600); err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if _, err := openAt(t, path, Options{ReadOnly: true}).Backup(&copied); err != nil {
		t.Fatal(err)
	}
	whole := copied.Bytes()
	path += ".copy"
	page := os.Getpagesize()
	for _, cut := range []int{1, page, page + 1, 2 * page, 3 * page, len(whole) / 2, len(whole) - page, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{true, false} {
			s, err := Open(path, Options{ReadOnly: readOnly})
			if err == nil {
				s.Close()
				t.Errorf("%d of %d bytes, read-only %v: opened", cut, len(whole), readOnly)
			}
		}
	}
}

// headAt is where the body of a head of a bbolt file lies.
func headAt(id int) int64 { return int64(id*os.Getpagesize() + 16) }

// harm flips one bit in the middle of a value.
func harm(t *testing.T, s *Store, bucket []byte, pick func(key []byte) bool) {
	t.Helper()
	hit := false
	err := s.update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucket)
		if k, v := b.Cursor().First(); k != nil && v == nil { // of blocks: the first block's own
			b = b.Bucket(k)
		}
		for k, v := b.Cursor().First(); k != nil && !hit; k, v = b.Cursor().Seek(append(slices.Clone(k), 0)) {
			if pick(k) {
				hit = true
				bad := slices.Clone(v)
				bad[len(bad)/2] ^= 4
				return b.Put(slices.Clone(k), bad)
			}
		}
		return nil
	})
	if err != nil || !hit {
		t.Fatal("nothing harmed", err)
	}
}

func any1([]byte) bool { return true }

func damages(t *testing.T, s *Store) []Damage {
	t.Helper()
	var got []Damage
	if err := s.Check(context.Background(), func(d Damage) { got = append(got, d) }); err != nil {
		t.Fatal(err)
	}
	return got
}

// unread fails the test unless Stats counts that many pieces that could not be
// read, and so many samples beside them.
func unread(t *testing.T, s *Store, pieces, samples int) {
	t.Helper()
	got, err := s.Stats(background)
	if err != nil || got.Unread != pieces || got.Samples != int64(samples) {
		t.Errorf("%d pieces unread, %d samples counted, want %d and %d (%v)", got.Unread, got.Samples, pieces, samples, err)
	}
}

// A damaged chunk costs that chunk: the scan goes on, check names it, and
// folding puts it aside rather than losing sight of it.
func TestDamage(t *testing.T) {
	day := func(n int) cloud.Window {
		return cloud.Window{From: monday.AddDate(0, 0, n).UTC(), To: monday.AddDate(0, 0, n+1).UTC()}
	}
	p := grid(monday, 20*288, wave)
	tests := []struct {
		name    string
		folded  time.Time
		bucket  []byte
		missing int // of 20 days
		want    Damage
		problem string
	}{
		{"a block", monday, bucketBlocks, 20, Damage{Resource: "i-1", Metric: cloud.CPUPercent, Span: cloud.Window{From: monday.UTC(), To: instant(p[len(p)-1].T + 1)}}, `unfolded piece of "i-1": damaged: checksum`},
		{"a day chunk", monday.AddDate(0, 0, 21), bucketDays, 1, Damage{Resource: "i-1", Metric: cloud.CPUPercent, Span: day(0)}, "piece of a day: damaged: checksum"},
		{"a span chunk", monday.AddDate(0, 0, 50), bucketSpans, 20, Damage{Resource: "i-1", Metric: cloud.CPUPercent, Span: cloud.Window{From: day(0).From, To: day(27).To}}, "piece of 28 days: damaged: checksum"},
		{"a digest", monday.AddDate(0, 0, 50), bucketDigests, 0, Damage{Metric: cloud.CPUPercent, Span: cloud.Window{From: day(0).From, To: day(27).To}}, `digest: of up to 2 resources from "i-1" to "i-2": damaged: checksum`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openAt(t, filepath.Join(t.TempDir(), "history.db"), Options{})
			mustAppend(t, s, series("i-1", cloud.CPUPercent, p...))
			mustAppend(t, s, series("i-2", cloud.CPUPercent, p...))
			mustFold(t, s, tt.folded)
			unread(t, s, 0, 2*len(p))
			harm(t, s, tt.bucket, any1)
			w := cloud.Window{From: monday, To: monday.AddDate(0, 0, 20)}
			got := map[string]int{}
			err := s.Scan(t.Context(), scanQuery{Resources: []string{"i-1", "i-2"}, Metrics: []cloud.Metric{cloud.CPUPercent}, Window: w}, func(r string, u map[cloud.Metric]utilization.Summary) error {
				got[r] = u[cloud.CPUPercent].Samples
				return nil
			})
			if diff := cmp.Diff(map[string]int{"i-1": (20 - tt.missing) * 288, "i-2": 20 * 288}, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
			counted := 1
			if tt.missing == 0 { // digests are in no figure
				counted = 0
			}
			unread(t, s, counted, 2*len(p)-tt.missing*288)
			ds := damages(t, s)
			if len(ds) != 1 || !strings.HasPrefix(ds[0].Problem, tt.problem) {
				t.Fatalf("check reports %+v, want one %q", ds, tt.problem)
			}
			if _, offset := ds[0].Span.From.Zone(); offset != 8*3600 {
				t.Errorf("check tells %v, want it in the zone of the store", ds[0].Span.From)
			}
			ds[0].Problem = ""
			if diff := cmp.Diff(tt.want, ds[0]); diff != "" {
				t.Error(diff)
			}

			// Late points arrive for the harmed piece, and everything closes.
			mustAppend(t, s, series("i-1", cloud.CPUPercent, p[:10]...))
			mustFold(t, s, monday.AddDate(0, 0, 60))
			n := len(points(t, s, "i-1", cloud.CPUPercent, w))
			if want := (20-tt.missing)*288 + min(10, tt.missing*288); n != want {
				t.Errorf("%d points after folding, want %d", n, want)
			}
			unread(t, s, 0, len(p)+n)
			ds = damages(t, s)
			if len(ds) != 1 || !strings.Contains(ds[0].Problem, "was put aside") || !ds[0].Aside || ds[0].Metric != cloud.CPUPercent || !cmp.Equal(ds[0].Span, tt.want.Span) {
				t.Errorf("check reports %+v, want the damaged piece put aside", ds)
			}
		})
	}
}

// A piece that was mended and is damaged again is a second loss.
func TestDamagedAgain(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	p := grid(monday, 20*288, wave)
	for times := range 3 {
		mustAppend(t, s, series("i-1", cloud.CPUPercent, p...))
		mustFold(t, s, monday.AddDate(0, 0, 50))
		ds := damages(t, s)
		if len(ds) != times || slices.ContainsFunc(ds, func(d Damage) bool { return !d.Aside }) {
			t.Fatalf("damaged %d times, check reports %+v", times, ds)
		}
		harm(t, s, bucketSpans, any1)
	}
}

// What was put aside before it was numbered is told as ever.
func TestPutAsideWithoutNumber(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 20*288, wave)...))
	day := s.calendar.day(monday.Unix())
	for _, day := range []uint32{day, 0x0101} {
		err := s.update(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketDamaged).Put(append(append(slices.Clone(bucketDays), 0), pieceKey(day, 0, 0)...), []byte("x"))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ds := damages(t, s)
	if len(ds) != 2 || !strings.Contains(ds[0].Problem, "piece of a day: could not be read") || !ds[1].Span.From.Equal(monday) {
		t.Errorf("check reports %+v, want two pieces of a day", ds)
	}
}

// A piece under a key that is damaged beyond being seen through is told without a
// time millions of years ahead, whether it was put aside or not.
func TestKeyOfNoTime(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 20*288, wave)...))
	mustFold(t, s, monday.AddDate(0, 0, 50))
	err := s.update(func(tx *bolt.Tx) error {
		key := pieceKey(0xeeeeeeee, 0, 0)
		return errors.Join(
			tx.Bucket(bucketDays).Put(key, []byte("x")),
			tx.Bucket(bucketSpans).Put(key, []byte("x")),
			tx.Bucket(bucketDigests).Put(key, []byte("x")),
			tx.Bucket(bucketDamaged).Put(append(append(slices.Clone(bucketDays), 0), key...), []byte("x")))
	})
	if err != nil {
		t.Fatal(err)
	}
	ds := damages(t, s)
	if len(ds) != 4 {
		t.Fatalf("check reports %v, want four", ds)
	}
	for _, d := range ds {
		if !d.Span.From.IsZero() || d.Metric != "" || !strings.HasSuffix(d.Problem, "(under a damaged key, which does not tell metric and time)") {
			t.Errorf("check reports %v", d)
		}
	}
}

func TestDamageInWords(t *testing.T) {
	span := cloud.Window{From: time.Unix(0, 0).In(china), To: time.Unix(3600, 0).In(china)}
	for _, c := range []struct {
		d    Damage
		want string
	}{
		{Damage{Problem: "the file's tree: page 12", Fatal: true}, "samples of every resource: the file's tree: page 12"},
		{Damage{State: true, Problem: "page 1", Aside: true}, "inventory, audits and jobs: page 1"},
		{Damage{Resource: "i-1", Metric: cloud.CPUPercent, Span: span, Problem: "checksum"}, "i-1 cpu_percent, 1970-01-01T08:00:00+08:00 … 1970-01-01T09:00:00+08:00: checksum"},
	} {
		if got := c.d.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// Check ends where pages lead out of the file or make no sense, and says that it
// did in words of its own.
func TestCheckSaysWhereItEnds(t *testing.T) {
	f := makeFile(t)
	page, ended := os.Getpagesize(), 0
	for _, harm := range []struct {
		at    int // in the head of a page
		bytes string
	}{
		{12, "\xee\xee\xee\xee"},        // by how many pages it runs on
		{6, "\xee\xee\xee\xee\xee\xee"}, // its number, what it is, how many it holds
	} {
		for at := 2 * page; at < len(f.data); at += page {
			bad := slices.Clone(f.data)
			copy(bad[at+harm.at:], harm.bytes)
			path := filepath.Join(t.TempDir(), "damaged.db")
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path, Options{Location: china})
			if err != nil {
				continue // refused
			}
			for _, d := range damages(t, s) {
				if d.Fatal != strings.Contains(d.Problem, "the rest was not checked") || strings.Contains(d.Problem, "assertion") {
					t.Errorf("page %d: %s (ended the check: %v)", at/page, d, d.Fatal)
				}
				if d.Fatal {
					ended++
				}
			}
			s.Close()
		}
	}
	if ended == 0 {
		t.Error("no check ended early")
	}
}
