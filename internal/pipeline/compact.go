package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"yunjian/internal/history"
	"yunjian/internal/journal"
)

// Compacted is what Compact has done.
type Compacted struct {
	Before int64 `json:"before"` // bytes of the history file
	After  int64 `json:"after"`
}

// Compact tends the folder and gives the history file's free space back to the
// disk. A damaged tree is an error before anything is changed; so is a disk that
// has not even Reserve free. Where there is no room for the copy once what is
// past retention is gone, that is an error, and the file is tended but not
// shrunk. Others may read meanwhile; what is to be written waits while the file
// is copied. step is told what is about to be done, and whom
// history.WithProgress names how far the copy is.
func (d *Data) Compact(ctx context.Context, now time.Time, raw time.Duration, loc *time.Location, step func(string)) (Compacted, error) {
	c, err := d.compact(ctx, now, raw, loc, step)
	return c, d.recordCare(ctx, journal.Compacted, journal.CompactFailed, err, "before", mebibytes(c.Before), "after", mebibytes(c.After))
}

func (d *Data) compact(ctx context.Context, now time.Time, raw time.Duration, loc *time.Location, step func(string)) (Compacted, error) {
	var c Compacted
	step("核对页表 check the tree")
	if err := d.History.CheckTree(ctx); err != nil {
		if !errors.Is(err, history.ErrDamaged) {
			return c, fmt.Errorf("compact history: %w", err)
		}
		return c, fmt.Errorf("compact history: %w. Nothing was changed: a copy would hide what is lost. `yunjian check` says what is damaged, `yunjian restore` brings a backup back", err)
	}
	// Folding takes room, too: on a disk that is full it is not begun. Whether the
	// copy has room is known once what is past retention is gone.
	var err error
	if c.Before, err = d.roomForCopy(false); err != nil {
		return c, fmt.Errorf("compact history: %w", err)
	}
	step("归并与清理 fold and drop")
	if err := d.Tend(ctx, now, raw, loc); err != nil {
		return c, err
	}
	if _, err := d.roomForCopy(true); err != nil {
		return c, fmt.Errorf("compact history: %w", err)
	}
	step("收缩 shrink")
	if err := d.History.Compact(ctx); err != nil {
		return c, err
	}
	if c.After, err = fileSize(filepath.Join(d.Dir, HistoryFile)); err != nil {
		return c, fmt.Errorf("compact history: %w", err)
	}
	return c, nil
}

// Reserve is what is left free on the disk of the data by whatever could do
// without: collecting must not stop for a copy.
const Reserve = 64 << 20

// roomForCopy is an error where the data folder's disk has no room for the
// history without its free space beside the file; where the copy is not yet due,
// only if not even Reserve is free. It returns the file's size.
func (d *Data) roomForCopy(due bool) (size int64, err error) {
	size, spare, err := d.History.Room()
	if err != nil {
		return 0, err
	}
	free, err := FreeSpace(d.Dir)
	if err != nil {
		return 0, err
	}
	if !due && free >= Reserve {
		return size, nil
	}
	// A tenth more: pages of the copy are not as full as those of the file.
	return size, enough(d.Dir, free, (size-spare)/10*11)
}

// enough is an error where free bytes are too few for a copy of that many and
// Reserve.
func enough(dir string, free, copied int64) error {
	const mib = 1 << 20
	if free >= copied+Reserve {
		return nil
	}
	copied = (copied + mib - 1) / mib // both parts add up to what is named
	return fmt.Errorf("the disk of %s has %d MiB free, %d MiB are needed, for the file is copied, then replaced: %d MiB for the shrunk file, %d MiB for what is collected meanwhile: free some space, or give the folder a larger disk", dir, free/mib, copied+Reserve/mib, copied, Reserve/mib)
}

// FreeSpace is how many bytes may still be written to the disk of path.
func FreeSpace(path string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", path, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// size is how many bytes the folder's files take.
func (d *Data) size() int64 {
	var sum int64
	for _, name := range []string{StateFile, HistoryFile} {
		if n, err := fileSize(filepath.Join(d.Dir, name)); err == nil {
			sum += n
		}
	}
	return sum
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
