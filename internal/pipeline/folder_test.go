package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/archive"
	"yunjian/internal/history"
	"yunjian/internal/store"
)

// openFolder opens a data folder with a day of samples.
func openFolder(t *testing.T) *Data {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	s := cloud.Series{Resource: "i-1", Metric: cloud.CPUPercent}
	for i := range int64(288) {
		s.Points = append(s.Points, cloud.Point{T: 1_790_000_000 + 300*i, V: float64(i)})
	}
	if err := d.History.Append([]cloud.Series{s}); err != nil {
		t.Fatal(err)
	}
	return d
}

func backupOf(t *testing.T, d *Data) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	if err := d.Backup(t.Context(), &b, time.Unix(1_790_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func quiet(string) {}

func TestFolderIsHeld(t *testing.T) {
	d := openFolder(t)
	if _, err := Open(d.Dir, time.UTC); !errors.Is(err, ErrHeld) {
		t.Errorf("opened twice: %v", err)
	}
	backup := backupOf(t, d)
	// Its files deleted, the folder looks free; what the daemon goes on
	// writing would be lost to whoever restores over it.
	for _, name := range []string{StateFile, HistoryFile} {
		if err := os.Remove(filepath.Join(d.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Restore(t.Context(), backup, d.Dir, quiet); !errors.Is(err, ErrHeld) {
		t.Errorf("restored into a folder that is held: %v", err)
	}
	d.Close()
	if err := Restore(t.Context(), backup, d.Dir, quiet); err != nil {
		t.Errorf("restored into a folder that is free: %v", err)
	}
}

// Another program that has one of the files is one that holds the folder.
func TestFileIsHeld(t *testing.T) {
	for _, name := range []string{StateFile, HistoryFile} {
		d := openFolder(t)
		d.Close()
		other, err := bolt.Open(filepath.Join(d.Dir, name), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Open(d.Dir, time.UTC); !errors.Is(err, ErrHeld) {
			t.Errorf("%s: %v %v", name, again, err)
		}
		other.Close()
		again, err := Open(d.Dir, time.UTC)
		if err != nil {
			t.Fatalf("nothing is held any more after the refusal, but: %v", err)
		}
		again.Close()
	}
}

func TestRestoreLeavesNothingOfAFailure(t *testing.T) {
	d := openFolder(t)
	backup := backupOf(t, d)
	whole := make([]byte, backup.Len())
	if _, err := backup.Read(whole); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	cut := bytes.NewReader(whole[:len(whole)-10])
	if err := Restore(t.Context(), cut, dir, quiet); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("a backup that is cut off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := Restore(ctx, bytes.NewReader(whole), dir, func(step string) {
		if strings.HasSuffix(step, "write") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, archive.ErrDamaged) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left behind: %v", err)
	}
}

// A folder that is not empty is told before the backup is read, whatever that is.
func TestRestoreLooksAtTheFolderFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keep.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Restore(t.Context(), bytes.NewReader([]byte("no backup")), dir, func(step string) { t.Errorf("begins to %s", step) })
	if err == nil || !strings.Contains(err.Error(), "already holds keep.txt") {
		t.Error(err)
	}
}

// A restore that was killed, in the middle of writing or between the two names,
// is told as what it is, unless it is another that is still at work.
func TestRestoreBrokenOff(t *testing.T) {
	d := openFolder(t)
	backup := backupOf(t, d)
	dir := t.TempDir()
	leave := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave("state.db.restoring")
	leave("history.db.restoring")
	if err := Present(dir); err == nil || errors.Is(err, ErrNoData) || !strings.Contains(err.Error(), "holds no data, only what is left of a `yunjian restore` that was broken off, history.db.restoring, state.db.restoring: run it again, which replaces that") {
		t.Errorf("in the middle: %v", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Present(dir); !errors.Is(err, ErrHeld) {
		t.Errorf("while it is at work: %v", err)
	}
	lock.Close()
	if err := Restore(t.Context(), backup, dir, quiet); err != nil {
		t.Fatal(err)
	}
	if err := Present(dir); err != nil {
		t.Error(err)
	}
	if err := os.Rename(filepath.Join(dir, HistoryFile), filepath.Join(dir, HistoryFile+".restoring")); err != nil {
		t.Fatal(err)
	}
	if err := Present(dir); err == nil || !strings.Contains(err.Error(), "lacks history.db, and history.db.restoring is left of a `yunjian restore` that was broken off: move the folder aside and restore again") {
		t.Errorf("between the names: %v", err)
	}
}

func TestBackupStops(t *testing.T) {
	d := openFolder(t)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := d.Backup(ctx, &bytes.Buffer{}, time.Unix(0, 0)); !errors.Is(err, why) {
		t.Error(err)
	}
}

// Checking beside writers names no damage where there is none.
func TestCheckBesideWriters(t *testing.T) {
	d := openFolder(t)
	stop := make(chan struct{})
	var wrote atomic.Int64
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			p := cloud.Point{T: int64(i) * 300, V: float64(i % 100)}
			if err := d.History.Append([]cloud.Series{{Resource: "i-1", Metric: cloud.CPUPercent, Points: []cloud.Point{p}}}); err != nil {
				t.Error(err)
			}
			if err := d.State.PutJob(store.JobResult{Name: "audit", Started: time.Unix(int64(i), 0)}); err != nil {
				t.Error(err)
			}
			wrote.Add(1)
		}
	})
	for n := 0; n < 20 || wrote.Load() == 0; n++ { // however slow the disk is
		if err := d.Check(t.Context(), func(x history.Damage) { t.Error(x) }); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	group.Wait()
}

// Where there is no room to compact, both parts of what is needed are told, and
// that before anything is done.
func TestRoomToCompact(t *testing.T) {
	const mib = 1 << 20
	if err := enough("data", 64*mib+5*mib, 5*mib); err != nil {
		t.Errorf("just enough: %v", err)
	}
	want := "the disk of data has 68 MiB free, 69 MiB are needed, for the file is copied, then replaced: 5 MiB for the shrunk file, 64 MiB for what is collected meanwhile: free some space, or give the folder a larger disk"
	if err := enough("data", 69*mib-2, 5*mib-1); err == nil || err.Error() != want {
		t.Errorf("a byte is missing: %v\nwant %s", err, want)
	}
	d := openFolder(t)
	size, err := d.roomForCopy(true)
	s, serr := d.History.Stats(context.Background())
	if err != nil || serr != nil || size != s.Bytes || size == 0 {
		t.Errorf("the file takes %d bytes (%v), stats say %d (%v)", size, err, s.Bytes, serr)
	}
	bytes, free, err := d.History.Room()
	if err != nil || bytes != s.Bytes || free != s.FreeBytes {
		t.Errorf("the file takes %d bytes, %d of them free (%v), stats say %d and %d", bytes, free, err, s.Bytes, s.FreeBytes)
	}
}

// A file whose tree is damaged is neither folded nor copied, so that check still
// finds what there was to find.
func TestCompactRefusesDamage(t *testing.T) {
	d := openFolder(t)
	path := filepath.Join(d.Dir, HistoryFile)
	d.Close()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for id := range 2 {
		bad := bytes.Clone(before)
		copy(bad[id*os.Getpagesize()+72:], "damaged")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(d.Dir, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Compact(t.Context(), time.Unix(1_800_000_000, 0), time.Hour, time.UTC, quiet)
		for _, want := range []string{"compact history: damaged: ", "checksum does not hold", "Nothing was changed", "`yunjian check`", "`yunjian restore`"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("head %d: %v, want %s", id, err, want)
			}
		}
		var found []history.Damage
		if err := d.Check(t.Context(), func(x history.Damage) { found = append(found, x) }); err != nil || len(found) != 1 || !found[0].Fatal {
			t.Errorf("head %d: check finds %v (%v) after the refusal", id, found, err)
		}
		d.Close()
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, bad) {
			t.Errorf("head %d: the file has changed (%v)", id, err)
		}
	}
}

// A damaged head of the state is told, and goes on to be once what was written
// since has put it right.
func TestDamagedHeadOfTheState(t *testing.T) {
	d := openFolder(t)
	dir := d.Dir
	put := func() {
		t.Helper()
		for n := range 3 {
			if err := d.State.PutJob(store.JobResult{Name: "audit", Started: time.Unix(int64(n), 0)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put()
	d.Close()
	f, err := os.OpenFile(filepath.Join(dir, StateFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("damaged"), int64(os.Getpagesize()+72))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(dir, time.UTC); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Check(t.Context(), func(x history.Damage) { t.Error(x) }); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "page 1: its checksum does not hold") {
		t.Errorf("check says %v", err)
	}
	put()
	var told []string
	err = d.Check(t.Context(), func(x history.Damage) { told = append(told, fmt.Sprint(x.Aside, " ", x)) })
	want := "true inventory, audits and jobs: the file's head, put right by what was written since: page 1: its checksum does not hold: what was written last may be missing"
	if err != nil || len(told) != 1 || told[0] != want {
		t.Errorf("check tells %q (%v), want %q", told, err, want)
	}
}

// What cares for data does not take a folder without any for a sound one.
func TestFolderWithoutData(t *testing.T) {
	d := openFolder(t)
	if err := Present(d.Dir); err != nil {
		t.Error(err)
	}
	d.Close()
	if err := os.Remove(filepath.Join(d.Dir, HistoryFile)); err != nil {
		t.Fatal(err)
	}
	if err := Present(d.Dir); err == nil || errors.Is(err, ErrNoData) || !strings.Contains(err.Error(), "lacks history.db: move the folder aside and restore a backup") {
		t.Errorf("without its history: %v", err)
	}
	for name, dir := range map[string]string{"empty": t.TempDir(), "missing": filepath.Join(t.TempDir(), "none")} {
		if err := Present(dir); !errors.Is(err, ErrNoData) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Backup, verifying and restoring say how far they are, to their end.
func TestProgressOfBackup(t *testing.T) {
	d := openFolder(t)
	var last, all int64
	ctx := history.WithProgress(t.Context(), func(done, total int64) { last, all = done, total })
	var b bytes.Buffer
	if err := d.Backup(ctx, &b, time.Unix(0, 0)); err != nil || last == 0 || last > all {
		t.Errorf("a backup says at last that %d of %d are done: %v", last, all, err)
	}
	size := int64(b.Len())
	backup := bytes.NewReader(b.Bytes())
	last, all = 0, 0
	if err := Verify(ctx, backup); err != nil || last != size || all != size {
		t.Errorf("verifying %d bytes says at last that %d of %d are done: %v", size, last, all, err)
	}
	last, all = 0, 0
	err := Restore(ctx, backup, filepath.Join(t.TempDir(), "new"), func(string) {
		if last != all {
			t.Errorf("a step ends with %d of %d", last, all)
		}
		last, all = 0, size
	})
	if err != nil || last != size {
		t.Errorf("restoring %d bytes says at last that %d are done: %v", size, last, err)
	}
}
