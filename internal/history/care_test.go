package history

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"yunjian/cloud"
	"yunjian/utilization"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		crashChild(path)
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if benchFolder != "" {
			os.RemoveAll(benchFolder)
		}
		os.Exit(code)
	}))
}

func TestOpenWhileHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	held := openAt(t, path, Options{})
	for _, readOnly := range []bool{false, true} {
		_, err := Open(path, Options{ReadOnly: readOnly})
		want := "open history " + path + ": the utilization history is held by another process (the yunjian daemon?): stop that process, or ask the daemon itself"
		if !errors.Is(err, ErrLocked) || err.Error() != want {
			t.Errorf("read-only %v: got %v\nwant %s", readOnly, err, want)
		}
	}
	held.Close()
	a, b := openAt(t, path, Options{ReadOnly: true}), openAt(t, path, Options{ReadOnly: true})
	a.Close()
	b.Close()
}

func TestOpenRefuses(t *testing.T) {
	boltFile := func(path string, fill func(tx *bolt.Tx) error) {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(fill); err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	for _, tt := range []struct {
		name string
		make func(path string)
		o    Options
		want string
	}{
		{"absent, to be read only", func(string) {}, Options{ReadOnly: true}, "no such file"},
		{"a folder that is not there", func(path string) { os.Remove(filepath.Dir(path)) }, Options{}, "no such file"},
		{"a text file", func(path string) { os.WriteFile(path, bytes.Repeat([]byte("text"), 5000), 0o600) }, Options{}, "not a bbolt file, or damaged beyond reading"},
		{"another program's bbolt file", func(path string) {
			boltFile(path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("x")); return err })
		}, Options{}, "the file is a bbolt file of something else: is data_dir in the configuration right?"},
		{"another program's file with a bucket of our name", func(path string) {
			boltFile(path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket(bucketMeta); return err })
		}, Options{}, "the file does not say its version: not a history: is data_dir in the configuration right?"},
		{"a copy whose newer head is damaged: the older leads to half of it", func(path string) {
			boltFile(path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket(bucketSpans); return err })
			boltFile(path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket(bucketMeta); return err })
			behead(t, path, newerHead(t, path))
		}, Options{}, "checksum does not hold: what was written last may be missing: restore a backup"},
		{"a file without a whole head", func(path string) {
			boltFile(path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket(bucketMeta); return err })
			behead(t, path, 0)
			behead(t, path, 1)
		}, Options{}, "damaged beyond reading: checksum error: restore a backup"},
		{"a file of the future", func(path string) {
			boltFile(path, func(tx *bolt.Tx) error {
				b, err := tx.CreateBucket(bucketMeta)
				b.Put(keyVersion, []byte{0, 0, 0, formatVersion + 1})
				b.Put(keyOffset, make([]byte, 8))
				return err
			})
		}, Options{}, "the file has layout version 4, this yunjian reads 1 to 3: use the yunjian that wrote it, or a newer one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "d", "history.db")
			os.Mkdir(filepath.Dir(path), 0o700)
			tt.make(path)
			s, err := Open(path, tt.o)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "open history "+path) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestReadOnlyRefusesToWrite(t *testing.T) {
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 288, wave)...))
	s.Close()
	r := openAt(t, s.path, Options{ReadOnly: true})
	later := monday.AddDate(0, 0, 40)
	for name, err := range map[string]error{
		"append":  r.Append([]cloud.Series{series("i-1", cloud.CPUPercent, cloud.Point{T: 1, V: 1})}),
		"fold":    r.Fold(t.Context(), later),
		"compact": r.Compact(t.Context()),
	} {
		if !errors.Is(err, errReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := points(t, r, "i-1", cloud.CPUPercent, always); len(got) != 288 {
		t.Errorf("%d points after the refusals, want 288", len(got))
	}
}

func TestClosedStoreSaysSo(t *testing.T) {
	s := fresh(t)
	s.Close()
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := s.Points("i-1", cloud.CPUPercent, always); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	if err := s.Append([]cloud.Series{series("i-1", cloud.CPUPercent, cloud.Point{T: 1, V: 1})}); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

func TestFullFile(t *testing.T) {
	s := fresh(t)
	s.Close()
	s = openAt(t, s.path, Options{MaxBytes: 1 << 20})
	fillUp(t, s, func() { s.file.MaxSize = 0 })
}

// fillUp appends until there is no space left: that refuses the append as a
// whole, and keeps the care from being done at worst. What was there stays, and
// once relieve has made room the same append goes through.
func fillUp(t *testing.T, s *Store, relieve func()) {
	t.Helper()
	odd := func(i int) float64 { return 1 / float64(i+3) }
	var stored, refused []cloud.Point
	var name string
	for day := 0; refused == nil; day++ {
		next := grid(monday.AddDate(0, 0, 50*day), 50*288, odd)
		name = fmt.Sprint("i-new-", day)
		switch err := s.Append([]cloud.Series{series("i-1", cloud.CPUPercent, next...), series(name, cloud.CPUPercent, next[0])}); {
		case err == nil:
			stored = append(stored, next...)
		case errors.Is(err, ErrFull) && strings.Contains(err.Error(), "free some on its disk"):
			refused = next
		default:
			t.Fatal(err)
		}
		if day > 1000 {
			t.Fatal("the file grows without limit")
		}
	}
	care := map[string]func() error{
		"nothing": func() error { return nil },
		"fold":    func() error { return s.Fold(t.Context(), monday.AddDate(1, 0, 0)) },
		"compact": func() error { return s.Compact(t.Context()) },
	}
	for _, name := range []string{"nothing", "fold", "compact"} {
		if err := care[name](); err != nil && !errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(stored, points(t, s, "i-1", cloud.CPUPercent, always)) || len(stored) == 0 {
			t.Errorf("what was stored before the disk was full is not there after %s", name)
		}
		if ds := damages(t, s); len(ds) > 0 {
			t.Errorf("damaged by %s: %v", name, ds)
		}
	}
	if _, err := os.Stat(s.path + compactSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is left behind: %v", err)
	}
	relieve() // while the store is open
	mustAppend(t, s, series("i-1", cloud.CPUPercent, refused...), series(name, cloud.CPUPercent, refused[0]))
	s.Close()
	s = openAt(t, s.path, Options{})
	if got := points(t, s, "i-1", cloud.CPUPercent, always); !slices.Equal(slices.Concat(stored, refused), got) {
		t.Errorf("%d points after making room, want %d", len(got), len(stored)+len(refused))
	}
	if got := points(t, s, name, cloud.CPUPercent, always); len(got) != 1 {
		t.Errorf("%s, which the refused append was the first to name, has %d points, want 1", name, len(got))
	}
}

func TestRetain(t *testing.T) {
	s := fresh(t)
	start := monday.AddDate(0, 0, -28*3)
	p := grid(start, 28*4*288, wave)
	p[100].V = 123.456 // the peak of the first span
	mustAppend(t, s, series("i-1", cloud.CPUPercent, p...))
	end := monday.AddDate(0, 0, 28)
	mustFold(t, s, end.AddDate(0, 0, 4))
	retain := func(now time.Time, raw time.Duration) {
		t.Helper()
		if err := s.Retain(t.Context(), now, raw); err != nil {
			t.Fatal(err)
		}
	}
	first := func() time.Time {
		t.Helper()
		f, _, _, err := s.Extent("i-1", cloud.CPUPercent)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	const day = 24 * time.Hour
	if err := s.Retain(t.Context(), end, 0); err == nil {
		t.Error("a retention of nothing was accepted")
	}
	if retain(end, 84*day+time.Second); !first().Equal(start) {
		t.Errorf("a span not wholly older than the retention was dropped: first is %v", first())
	}
	if retain(end.AddDate(1, 0, 0), 84*day+time.Second); !first().Equal(start) {
		t.Errorf("a clock a year ahead dropped samples: first is %v", first())
	}
	if retain(end, 84*day); !first().Equal(start.AddDate(0, 0, 28)) {
		t.Errorf("first is %v after dropping one span, want %v", first(), start.AddDate(0, 0, 28))
	}

	// The digests know what the samples were.
	w := cloud.Window{From: start, To: start.AddDate(0, 0, 28)}
	digests := func() []Digest {
		t.Helper()
		d, err := s.Digests("i-1", cloud.CPUPercent, w)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := digests()
	if len(before) != 28 {
		t.Fatalf("%d digests, want 28", len(before))
	}
	whole := utilization.Describe(p, cloud.CPUPercent, w, china)
	for i, d := range before {
		u := whole.Days[i]
		if !d.Start.Equal(u.Start) || d.Samples != u.Samples || d.Max != u.Max || max(d.P95-u.P95, u.P95-d.P95, d.P99-u.P99, u.P99-d.P99, d.Mean-u.Mean, u.Mean-d.Mean) > 0.00501 {
			t.Fatalf("digest %+v of day %+v", d, u)
		}
	}
	peaks, err := s.Peaks(t.Context(), []string{"i-1"}, []cloud.Metric{cloud.CPUPercent}, cloud.Window{From: start, To: end}, nil)
	if got := peaks["i-1"][cloud.CPUPercent]; err != nil || got.Max != 123.456 || !got.Since.Equal(start) {
		t.Errorf("peak %+v %v, want 123.456 since %v", got, err, start)
	}

	// A late point of those days does not replace their digest, it can only
	// raise the maximum.
	mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: start.Unix() + 1, V: 1}, cloud.Point{T: start.Unix() + daySeconds, V: 500}))
	mustFold(t, s, end.AddDate(0, 0, 5))
	mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: start.Unix() + 2, V: 2}))
	mustFold(t, s, end.AddDate(0, 0, 6))
	before[1].Max = 500
	if diff := cmp.Diff(before, digests()); diff != "" {
		t.Error(diff)
	}
}

// A sample of next year is kept for next year, and makes nothing older than it is.
func TestSampleAYearAhead(t *testing.T) {
	s := fresh(t)
	want := append(grid(monday, 28*288, wave), cloud.Point{T: monday.AddDate(1, 0, 0).Unix(), V: 7})
	mustAppend(t, s, series("i-1", cloud.CPUPercent, want...))
	now := monday.AddDate(0, 0, 40)
	mustFold(t, s, now)
	if err := s.Retain(t.Context(), now, 20*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := points(t, s, "i-1", cloud.CPUPercent, always); !slices.Equal(want, got) {
		t.Errorf("%d points are left, want %d", len(got), len(want))
	}
	err := s.Scan(t.Context(), scanQuery{Metrics: twoMetrics, Window: cloud.Last(41*24*time.Hour, now)}, func(_ string, u map[cloud.Metric]utilization.Summary) error {
		if n := u[cloud.CPUPercent].Samples; n != len(want)-1 {
			t.Errorf("%d samples up to now, want %d", n, len(want)-1)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A correction that arrives while the samples are there does lower a maximum.
func TestDigestFollowsACorrection(t *testing.T) {
	s := fresh(t)
	p := grid(monday, 288, constant(5))
	p[7].V = 95
	mustAppend(t, s, series("i-1", cloud.CPUPercent, p...))
	mustFold(t, s, monday.AddDate(0, 0, 40))
	mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: p[7].T, V: 6}))
	mustFold(t, s, monday.AddDate(0, 0, 41))
	d, err := s.Digests("i-1", cloud.CPUPercent, always)
	if err != nil || len(d) != 1 || d[0].Max != 6 || d[0].Samples != 288 {
		t.Errorf("digest %+v %v, want a maximum of 6", d, err)
	}
}

// noise is values that do not compress.
func noise(seed uint64) func(int) float64 {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(int) float64 { return float64(random.IntN(10001)) / 100 }
}

func TestCompactGivesSpaceBack(t *testing.T) {
	s := fresh(t)
	var batch []cloud.Series
	for i := range 60 {
		batch = append(batch, series(fmt.Sprint("i-", i), cloud.CPUPercent, grid(monday.AddDate(0, 0, -28), 56*288, noise(uint64(i)))...))
	}
	mustAppend(t, s, batch...)
	end := monday.AddDate(0, 0, 28)
	mustFold(t, s, end.AddDate(0, 0, 4))
	if err := s.Retain(t.Context(), end, 28*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	before, err := s.Stats(background)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := s.Stats(background)
	if err != nil {
		t.Fatal(err)
	}
	if after.Bytes > before.Bytes*3/4 || after.Samples != before.Samples || before.FreeBytes < (before.Bytes-after.Bytes)/2 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	mustAppend(t, s, series("i-0", cloud.CPUPercent, cloud.Point{T: end.Unix(), V: 1})) // still writable
	if _, err := Open(s.path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("the compacted file is not held: %v", err)
	}
	if _, err := os.Stat(s.path + compactSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
}

// Everything at once: readers always see every committed point, and nothing
// races.
func TestConcurrentUse(t *testing.T) {
	s := fresh(t)
	ctx := t.Context()
	const cycles = 150
	var names []string // of two batches, so that two workers must agree
	for i := range scanBatch + 50 {
		names = append(names, fmt.Sprintf("i-%03d", i))
	}
	var group sync.WaitGroup
	done := make(chan struct{})
	group.Go(func() {
		defer close(done)
		for c := range cycles {
			var batch []cloud.Series
			for _, n := range names {
				batch = append(batch, series(n, cloud.CPUPercent, cloud.Point{T: monday.Unix() + int64(c)*3600, V: 1}))
			}
			if err := s.Append(batch); err != nil {
				t.Error(err)
			}
		}
	})
	loop := func(f func() error) {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if err := f(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	seen := 0
	loop(func() error {
		first := -1
		return s.Scan(ctx, scanQuery{Resources: names, Metrics: []cloud.Metric{cloud.CPUPercent}, Window: always}, func(r string, u map[cloud.Metric]utilization.Summary) error {
			n := u[cloud.CPUPercent].Samples
			if first < 0 {
				first = n
			}
			if n != first || n < seen {
				return fmt.Errorf("%s has %d samples, the first had %d, earlier %d were seen", r, n, first, seen)
			}
			seen = n
			return nil
		})
	})
	loop(func() error { return s.Fold(ctx, monday.AddDate(0, 0, 9)) })
	loop(func() error { return s.Compact(ctx) })
	loop(func() error { _, err := s.Backup(&bytes.Buffer{}); return err })
	group.Wait()
	for _, n := range names {
		if got := points(t, s, n, cloud.CPUPercent, always); len(got) != cycles {
			t.Errorf("%s has %d points, want %d", n, len(got), cycles)
		}
	}
}

func TestFoldStopsWhenAsked(t *testing.T) {
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 288, wave)...))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Fold(ctx, monday.AddDate(0, 0, 3)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if blocks, _, _, _ := state(t, s); blocks != 1 {
		t.Error("an interrupted fold deleted blocks")
	}
}

func TestCalendar(t *testing.T) {
	for _, offset := range []int64{0, 8 * 3600, -11 * 3600, 14 * 3600} {
		c := calendar{offset}
		for _, instant := range []int64{0, 1, 86399, 86400, 1787500800, maxTime} {
			day, span := c.day(instant), c.span(instant)
			if c.dayStart(day) > instant || c.dayStart(day+1) <= instant || c.spanStart(span) > instant || c.spanStart(span+1) <= instant {
				t.Errorf("offset %d: instant %d in day %d, span %d", offset, instant, day, span)
			}
			if wd := time.Unix(c.spanStart(span)+offset, 0).UTC().Weekday(); wd != time.Monday {
				t.Errorf("offset %d: span of %d begins on a %v", offset, instant, wd)
			}
		}
	}
}

// A block kept for its open days must not bring back what a later block has
// corrected since, even when the clock is set back.
func TestClockSetBackKeepsCorrections(t *testing.T) {
	s := fresh(t)
	p := cloud.Point{T: monday.Unix(), V: 1}
	mustAppend(t, s, series("i-1", cloud.CPUPercent, p, cloud.Point{T: monday.AddDate(0, 0, 9).Unix(), V: 5}))
	mustFold(t, s, monday.AddDate(0, 0, 3))
	p.V = 2
	mustAppend(t, s, series("i-1", cloud.CPUPercent, p))
	for _, now := range []time.Time{monday.AddDate(0, 0, 3), monday.AddDate(0, 0, -3), monday.AddDate(0, 0, 4), monday.AddDate(0, 0, 60), monday} {
		mustFold(t, s, now)
		w := cloud.Window{From: monday, To: monday.AddDate(0, 0, 1)}
		if got := points(t, s, "i-1", cloud.CPUPercent, w); len(got) != 1 || got[0] != p {
			t.Errorf("after folding at %v: %v, want %v", now, got, p)
		}
		// Old enough that the next fold has something to do by any clock.
		mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: p.T - daySeconds*20, V: 5}))
	}
}

// A span that was closed under a clock ahead stays one chunk when the clock is
// right again.
func TestClosedSpanStaysClosed(t *testing.T) {
	s := fresh(t)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 288, wave)...))
	mustFold(t, s, monday.AddDate(1, 0, 0))
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday.AddDate(0, 0, 1), 288, wave)...), series("i-1", cloud.CPUPercent, cloud.Point{T: monday.Unix(), V: 1}))
	mustFold(t, s, monday.AddDate(0, 0, 3))
	if blocks, days, spans, _ := state(t, s); blocks != 0 || days != 0 || spans != 1 {
		t.Errorf("%d blocks, %d day chunks, %d span chunks; want one span chunk", blocks, days, spans)
	}
	if got := points(t, s, "i-1", cloud.CPUPercent, always); len(got) != 576 || got[0].V != 1 {
		t.Errorf("%d points from %v", len(got), got[0])
	}
}

func TestStoredMarkIsRead(t *testing.T) {
	m := foldMark{sequence: 1 << 40, day: 77}
	if b := m.bytes(); binary.BigEndian.Uint64(b) != 1<<40 || binary.BigEndian.Uint32(b[8:]) != 77 {
		t.Error(b)
	}
}

// A copy that broke off never takes the place of the file it was made from.
func TestCompactFailsWhole(t *testing.T) {
	dir := t.TempDir()
	src, err := bolt.Open(filepath.Join(dir, "source"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil { // reading it fails
		t.Fatal(err)
	}
	path := filepath.Join(dir, "copy")
	db, err := compactInto(t.Context(), path, src)
	if err == nil {
		t.Error("a copy that broke off is handed out as whole", db.Close())
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is left behind: %v", err)
	}
}
