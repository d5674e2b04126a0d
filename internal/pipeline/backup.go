package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"yunjian/internal/archive"
	"yunjian/internal/history"
	"yunjian/internal/journal"
)

// Backup writes one file that holds consistent copies of everything, and can be
// taken while collection goes on. History is copied last: it may then hold
// samples that the state does not know of yet, which the next collection reads
// again without harm; the other way round samples would be missing. It says how
// far it is to whom history.WithProgress names.
func (d *Data) Backup(ctx context.Context, w io.Writer, now time.Time) error {
	m, out := newMeter(ctx, d.size()), &counter{w: interruptible{ctx, w}}
	err := archive.Write(out, now, []archive.Entry{
		{Name: StateFile, Copy: m.through(d.State.Backup)},
		{Name: HistoryFile, Copy: m.through(d.History.Backup)},
	})
	return d.recordCare(ctx, journal.BackedUp, journal.BackupFailed, err, "size", mebibytes(out.n))
}

// meter counts the bytes of a job.
type meter struct {
	progress    history.Progress // nil: nobody asks
	done, total int64
}

func newMeter(ctx context.Context, total int64) *meter {
	return &meter{progress: history.ProgressOf(ctx), total: total}
}

// Write counts what went by. What is copied may have grown since total was
// taken.
func (m *meter) Write(b []byte) (int, error) {
	if m.progress != nil {
		m.done += int64(len(b))
		m.total = max(m.total, m.done)
		m.progress(m.done, m.total)
	}
	return len(b), nil
}

// through is copy, counted.
func (m *meter) through(copy func(io.Writer) (int64, error)) func(io.Writer) (int64, error) {
	return func(w io.Writer) (int64, error) { return copy(io.MultiWriter(w, m)) }
}

// interruptible is a writer that ends with a context.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

func (i interruptible) Write(b []byte) (int, error) {
	if err := context.Cause(i.ctx); err != nil {
		return 0, err
	}
	return i.w.Write(b)
}

// Verify reads a whole backup and compares it with its checksums. It says how
// far it is to whom history.WithProgress names.
func Verify(ctx context.Context, backup io.ReadSeeker) error {
	return readWhole(ctx, backup, archive.Verify)
}

// readWhole passes a backup to read, from its beginning.
func readWhole(ctx context.Context, backup io.ReadSeeker, read func(io.Reader) error) error {
	size, err := backup.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = backup.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	err = read(io.TeeReader(readable{ctx, backup}, newMeter(ctx, size)))
	if err != nil && ctx.Err() != nil { // no damage, though it looks like that to who reads
		return fmt.Errorf("read backup: %w", context.Cause(ctx))
	}
	return err
}

// Restore verifies a backup and writes it into the data folder dir, which must
// be missing, or empty but for what a Restore that was killed has left, and held
// by no process. The error wraps ErrHeld where it is held. step is told what is
// about to be done, and whom history.WithProgress names how far that is. Last, the
// restored journal gets an entry.
func Restore(ctx context.Context, backup io.ReadSeeker, dir string, step func(string)) (err error) {
	_, statErr := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	if errors.Is(statErr, os.ErrNotExist) {
		defer func() {
			if err != nil {
				_ = os.Remove(dir) // only if nothing is in it
			}
		}()
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return fmt.Errorf("restore into data folder %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// Before a long backup is read in vain.
	if err := archive.Vacant(dir); err != nil {
		return err
	}
	step("校验 verify")
	if err := Verify(ctx, backup); err != nil {
		return err
	}
	step("写入 write")
	if err := readWhole(ctx, backup, func(r io.Reader) error { return archive.Extract(r, dir) }); err != nil {
		return err
	}
	if err := recordRestore(ctx, dir); err != nil {
		return fmt.Errorf("everything was restored; that it was could not be journalled: %w", err)
	}
	return nil
}

// readable is a reader that ends with a context.
type readable struct {
	ctx context.Context
	r   io.Reader
}

func (r readable) Read(b []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
