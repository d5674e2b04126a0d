package pipeline

import (
	"bytes"
	"context"
	"errors"
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

func TestRoom(t *testing.T) {
	d := openFolder(t)
	free, err := FreeSpace(d.Dir)
	if err != nil || free <= 0 {
		t.Fatalf("free %d, %v", free, err)
	}
	err = d.room(free + 1<<40)
	if err == nil || !strings.Contains(err.Error(), "MiB free, ") || !strings.Contains(err.Error(), "free some space, or give the folder a larger disk") {
		t.Errorf("no room: %v", err)
	}
	if err := d.room(-Reserve); err != nil {
		t.Errorf("room for nothing: %v", err)
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
