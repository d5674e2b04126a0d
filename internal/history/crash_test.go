package history

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/utilization"
)

// crashVariable makes the test binary the child of TestKilledAtAnyMoment: its
// value is the file to work on.
const crashVariable = "YUNJIAN_HISTORY_CRASH"

// crashPhases are what the child is killed in. Opening makes the file where there
// is none; upgrading is the opening of a file of layout 1.
var crashPhases = []string{"open", "append", "fold", "retain", "compact", "backup", "upgrade"}

// A cycle of the child is a week, so that spans close and fall to retention
// every few cycles.
const (
	crashRetention = 35 * 24 * time.Hour
	crashStep      = 12 * 3600 // seconds
	crashSlots     = 14        // a week
	crashSeries    = bandSeries + 12
	weekSeconds    = crashSlots * crashStep
)

// crashStart leaves room for many cycles: a Monday that begins a span.
var crashStart = monday.AddDate(0, 0, -28*400)

func crashName(i int) string { return fmt.Sprintf("i-%03d", i) }

// crashWritten is what a cycle writes of a series: its week, where it has no gap
// there, a correction of the last value of the week before, and for some series
// a sample that is a month late.
func crashWritten(i, metric, cycle int) []cloud.Point {
	if cycle > 0 && i%bandSeries > 0 && (i+cycle)%13 == 0 { // the first numbers all
		return nil
	}
	week := crashStart.Unix() + int64(cycle)*weekSeconds
	value := func(k int) float64 {
		switch n := cycle*31 + i*7 + k*13; {
		case metric == 0:
			return float64(n%10001) / 100
		case i%7 == 0:
			return 1 / float64(n+1)
		default:
			return float64(n) * 1e5
		}
	}
	out := []cloud.Point{{T: week - crashStep, V: value(crashSlots + 1)}}
	for k := range crashSlots {
		out = append(out, cloud.Point{T: week + int64(k)*crashStep, V: value(k)})
	}
	if i%10 == cycle%10 {
		out = append(out, cloud.Point{T: week - 30*daySeconds + 7, V: value(crashSlots + 2)})
	}
	return slices.DeleteFunc(out, func(p cloud.Point) bool { return p.T < crashStart.Unix() })
}

func crashBatch(cycle int) []cloud.Series {
	var out []cloud.Series
	for i := range crashSeries {
		for m, metric := range twoMetrics {
			out = append(out, series(crashName(i), metric, crashWritten(i, m, cycle)...))
		}
	}
	return out
}

// crashNow is the present at the end of a cycle.
func crashNow(cycle int) time.Time { return instant(crashStart.Unix() + int64(cycle+1)*weekSeconds) }

// crashChild appends cycle after cycle from where the file ends, folds, retains,
// compacts and backs up, and says what it enters and leaves, until it is killed.
func crashChild(path string) {
	phase := func(name string, cycle int, f func() error) {
		fmt.Println("enter", name, cycle)
		if err := f(); err != nil {
			fmt.Println("error", name, cycle, err)
			os.Exit(1)
		}
		fmt.Println("leave", name, cycle)
	}
	var s *Store
	cycle := 0
	phase("open", 0, func() (err error) {
		s, err = Open(path, Options{Location: china})
		return err
	})
	ctx := context.Background()
	if _, last, n, err := s.Extent(crashName(0), twoMetrics[0]); err != nil {
		fmt.Println("error", err)
		return
	} else if n > 0 {
		cycle = int((last.Unix()-crashStart.Unix())/weekSeconds) + 1
	}
	for ; ; cycle++ {
		phase("append", cycle, func() error { return s.Append(crashBatch(cycle)) })
		if cycle%2 == 1 {
			phase("fold", cycle, func() error { return s.Fold(ctx, crashNow(cycle)) })
			phase("retain", cycle, func() error { return s.Retain(ctx, crashNow(cycle), crashRetention) })
		}
		if cycle%3 == 0 {
			phase("backup", cycle, func() error { return crashBackup(s, path) })
		}
		if cycle%3 == 2 {
			phase("compact", cycle, func() error { return s.Compact(ctx) })
		}
	}
}

// crashBackup gives the copy its name once all of it is on disk.
func crashBackup(s *Store, path string) error {
	f, err := os.Create(path + ".torn")
	if err != nil {
		return err
	}
	_, err = s.Backup(f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".torn", path+".backup")
}

// crashed is what the parent knows of a file between two children.
type crashed struct {
	path      string
	appended  int  // the last cycle that was reported, -1: none
	appending bool // another was under way
	retained  int  // the last cycle whose retention was reported, -1: none
	retaining int  // the last whose retention began
	backup    int  // the last cycle whose backup was reported, -1: none
	backingUp int  // the last whose backup began
}

func newCrashed(path string) *crashed {
	return &crashed{path: path, appended: -1, retained: -1, retaining: -1, backup: -1, backingUp: -1}
}

// kill runs a child until it is killed at a random moment of the target phase,
// and returns the phase that it died in. usual is how long phases take, kept up
// to date.
func (c *crashed) kill(t *testing.T, random *rand.Rand, target string, usual map[string]time.Duration) string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashVariable+"="+c.path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(5*time.Minute, func() { child.Process.Kill() })
	var armed *time.Timer
	var entered time.Time
	within, shots := "", 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] == "error" {
			t.Errorf("the child ended with %s", lines.Text())
			continue
		}
		cycle, err := strconv.Atoi(words[2])
		if err != nil {
			t.Fatal(err)
		}
		switch phase := words[1]; words[0] {
		case "enter":
			within, entered = phase, time.Now()
			if phase == target || target == "upgrade" && phase == "open" {
				delay := time.Duration(random.Int64N(int64(max(usual[target], 100*time.Microsecond))))
				armed = time.AfterFunc(delay, func() { child.Process.Kill() })
				shots++
			}
			switch phase {
			case "append":
				c.appending = true
			case "retain":
				c.retaining = cycle
			case "backup":
				c.backingUp = cycle
			}
		case "leave":
			within = ""
			if armed != nil && armed.Stop() {
				usual[target] = time.Since(entered)
				if phase == "open" { // there is only one
					child.Process.Kill()
				}
			}
			armed = nil
			switch phase {
			case "append":
				c.appended, c.appending = cycle, false
			case "retain":
				c.retained = cycle
			case "backup":
				c.backup = cycle
			}
		}
	}
	child.Wait()
	if !stuck.Stop() {
		t.Fatalf("the child was stuck in %q, or %s was never hit with %d shots", within, target, shots)
	}
	if within == "open" && target == "upgrade" {
		within = target
	}
	return within
}

// verify checks the file and its backup after a kill.
func (c *crashed) verify(t *testing.T) {
	t.Helper()
	held := c.check(t, c.path, c.appended, c.appended+1, c.retained, c.retaining)
	if held > c.appended && !c.appending {
		t.Fatalf("cycle %d is held but was never begun", held)
	}
	c.appended, c.appending = held, false
	if c.backup >= 0 {
		// A backup that has its name is whole, also if nobody was told.
		c.check(t, c.path+".backup", c.backup, c.backingUp, -1, c.retaining)
	}
	torn := c.path + ".torn"
	if info, err := os.Stat(torn); err == nil && info.Size() > 0 {
		for _, o := range []Options{{ReadOnly: true}, {}} {
			o.Location = china
			s, err := Open(torn, o)
			if err != nil {
				continue // refused, as it should
			}
			s.Close()
			c.check(t, torn, c.backingUp, c.backingUp, -1, c.retaining)
		}
		os.Remove(torn)
	}
}

// check fails the test unless a file is sound and holds every cycle up to the
// last, which is one from least to most, less what retention took: at least as
// retained left it, at most as retaining would. It returns the last.
func (c *crashed) check(t *testing.T, path string, least, most, retained, retaining int) (last int) {
	t.Helper()
	s, err := Open(path, Options{ReadOnly: true, Location: china})
	if err != nil {
		if _, missing := os.Stat(path); least < 0 && (errors.Is(missing, fs.ErrNotExist) || emptyFile(path)) {
			return -1 // killed before there was anything
		}
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Check(context.Background(), func(d Damage) { t.Errorf("check: %+v", d) }); err != nil {
		t.Error(err)
	}
	_, end, n, err := s.Extent(crashName(0), twoMetrics[0])
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		if least >= 0 {
			t.Fatalf("nothing is held, cycle %d was reported", least)
		}
		return -1
	}
	last = int((end.Unix() - crashStart.Unix()) / weekSeconds)
	if last < least || last > most {
		t.Fatalf("the last cycle held is %d, want %d to %d", last, least, most)
	}
	var begins [2]int64 // by band
	for b := range begins {
		begins[b] = crashBegin(t, s, b, retained, retaining)
	}
	var names []string
	for i := range crashSeries {
		names = append(names, crashName(i))
	}
	all := contents(t, s, names, twoMetrics)
	for i, name := range names {
		for m, metric := range twoMetrics {
			want := crashExpected(i, m, begins[i/bandSeries], last)
			if got := all[seriesKey{name, metric}]; !slices.Equal(want, got) {
				t.Fatalf("%s %s holds %d points, want %d:\ngot  %v\nwant %v", name, metric, len(got), len(want), got, want)
			}
		}
	}
	// Digests of some of what is gone.
	for _, i := range []int{0, last % crashSeries, crashSeries - 1} {
		from := begins[i/bandSeries]
		for m, metric := range twoMetrics {
			w := cloud.Window{From: instant(from - 3*28*daySeconds), To: instant(from)}
			got, err := s.Digests(crashName(i), metric, w)
			if err != nil {
				t.Fatal(err)
			}
			days := utilization.Describe(crashExpected(i, m, w.From.Unix(), last), metric, w, china).Days
			same := slices.EqualFunc(days, got, func(u utilization.Day, d Digest) bool {
				return u.Start.Equal(d.Start) && u.Samples == d.Samples && u.Max == d.Max && round(u.P95) == d.P95
			})
			if from > crashStart.Unix() && !same {
				t.Fatalf("%s %s has digests %+v\nwant %+v", crashName(i), metric, got, days)
			}
		}
	}
	return last
}

// crashBegin is where the samples of a band begin. Its first series has no gaps:
// what lies before its first sample was retained away, whole spans, no more and
// no fewer than were due.
func crashBegin(t *testing.T, s *Store, band, retained, retaining int) int64 {
	t.Helper()
	first, _, _, err := s.Extent(crashName(band*bandSeries), twoMetrics[0])
	if err != nil {
		t.Fatal(err)
	}
	begin := s.calendar.spanStart(s.calendar.span(first.Unix()))
	age := int64(crashRetention.Seconds()) + spanSeconds*int64(band)/2 // of the end of a span that is due
	if begin > crashStart.Unix() && begin > crashNow(retaining).Unix()-age {
		t.Fatalf("band %d begins at %v, cycle %d is now", band, first, retaining)
	}
	if retained >= 0 {
		newest := crashStart.Unix() + int64(retained+1)*weekSeconds - crashStep
		if due := s.calendar.spanStart(s.calendar.span(newest - age)); begin < due {
			t.Fatalf("band %d begins at %v, of which what lies before %v should be gone", band, first, instant(due))
		}
	}
	return begin
}

func emptyFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	s, err := Open(path, Options{ReadOnly: true})
	if err == nil {
		s.Close()
	}
	return info.Size() == 0 || err != nil && strings.HasSuffix(err.Error(), "the file is empty")
}

// crashExpected is what is held of a series at from and later, once a cycle has
// been written.
func crashExpected(i, metric int, from int64, last int) []cloud.Point {
	var all []cloud.Point
	for cycle := max(0, int((from-crashStart.Unix())/weekSeconds)); cycle <= last; cycle++ {
		all = append(all, crashWritten(i, metric, cycle)...)
	}
	_, kept := cutAt(tidy(all), from)
	return kept
}

// A process killed at any moment of opening, append, fold, retention, compact and
// backup, or while it brings an old file up to date, leaves a file that is sound
// and holds everything that was reported committed.
func TestKilledAtAnyMoment(t *testing.T) {
	seed, rounds := replay(t, "YUNJIAN_CRASH_ROUNDS", 2*len(crashPhases))
	random := rand.New(rand.NewPCG(seed, 0))
	folder := t.TempDir()
	old := oldFile(t, folder)
	daily := newCrashed(filepath.Join(folder, "history.db"))
	usual := map[string]time.Duration{}
	hits := map[string]int{}
	kills := 0
	for round := range rounds {
		target := crashPhases[round%len(crashPhases)]
		for hit := false; !hit; {
			if kills++; kills > 20*rounds {
				t.Fatalf("%d kills hit %v only", kills, hits)
			}
			within := ""
			switch target {
			case "open":
				c := newCrashed(filepath.Join(folder, fmt.Sprint("new", kills)))
				within = c.kill(t, random, target, usual)
				c.verify(t)
				// Whatever was left of the beginning is no obstacle.
				s, err := Open(c.path, Options{Location: china})
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				s.Close()
			case "upgrade":
				within = old.kill(t, random, usual)
			default:
				within = daily.kill(t, random, target, usual)
				daily.verify(t)
			}
			hits[within]++
			hit = within == target
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	t.Logf("%d cycles over %d kills, by phase: %v", daily.appended+1, kills, hits)
	for _, phase := range crashPhases {
		if hits[phase] < rounds/len(crashPhases) {
			t.Errorf("%s was hit %d times only", phase, hits[phase])
		}
	}
}

// oldCrash kills the upgrade of a file of layout 1.
type oldCrash struct {
	path   string
	series []cloud.Series
	packed []byte // the file as it was
}

func oldFile(t *testing.T, folder string) *oldCrash {
	t.Helper()
	o := &oldCrash{path: filepath.Join(folder, "old.db"), series: oldSeries(bandSeries + 3)}
	writeV1(t, o.path, o.series, monday.AddDate(0, 0, 40))
	var err error
	if o.packed, err = os.ReadFile(o.path); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *oldCrash) kill(t *testing.T, random *rand.Rand, usual map[string]time.Duration) string {
	t.Helper()
	if err := os.WriteFile(o.path, o.packed, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crashed{path: o.path}
	within := c.kill(t, random, "upgrade", usual)
	s, err := Open(o.path, Options{Location: china})
	if err != nil {
		t.Fatal(err)
	}
	same(t, s, o.series)
	s.Close()
	sound(t, o.path)
	return within
}
