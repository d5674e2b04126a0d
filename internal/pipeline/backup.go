package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"yunjian/internal/archive"
)

// Backup writes one file that holds consistent copies of everything, and can be
// taken while collection goes on. History is copied last: it may then hold
// samples that the state does not know of yet, which the next collection reads
// again without harm; the other way round samples would be missing.
func (d *Data) Backup(ctx context.Context, w io.Writer, now time.Time) error {
	return archive.Write(interruptible{ctx, w}, now, []archive.Entry{
		{Name: StateFile, Copy: d.State.Backup},
		{Name: HistoryFile, Copy: d.History.Backup},
	})
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

// Restore verifies a backup and writes it into the data folder dir, which must
// be empty or missing and held by no process. The error wraps ErrHeld where it
// is held. step is told what is about to be done.
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
	in := readable{ctx, backup}
	step("校验 verify")
	err = archive.Verify(in)
	if err == nil {
		if _, err := backup.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read backup: %w", err)
		}
		step("写入 write")
		err = archive.Extract(in, dir)
	}
	if ctx.Err() != nil { // no damage, though it looks like that to who reads
		return fmt.Errorf("restore backup: %w", context.Cause(ctx))
	}
	return err
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
