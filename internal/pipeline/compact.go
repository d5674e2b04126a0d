package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Compacted is what Compact has done.
type Compacted struct {
	Before int64 `json:"before"` // bytes of the history file
	After  int64 `json:"after"`
}

// Compact tends the folder and gives the history file's free space back to the
// disk. Others may read meanwhile; what is to be written waits while the file
// is copied. step is told what is about to be done, and whom
// history.WithProgress names how far the copy is.
func (d *Data) Compact(ctx context.Context, now time.Time, raw time.Duration, loc *time.Location, step func(string)) (Compacted, error) {
	var c Compacted
	var err error
	if c.Before, err = fileSize(filepath.Join(d.Dir, HistoryFile)); err != nil {
		return c, fmt.Errorf("compact history: %w", err)
	}
	// Folding takes room, too: where the copy cannot be made it is not begun.
	if err := d.room(0); err != nil {
		return c, fmt.Errorf("compact history: %w", err)
	}
	step("归并与清理 fold and drop")
	if err := d.Tend(ctx, now, raw, loc); err != nil {
		return c, err
	}
	s, err := d.History.Stats()
	if err != nil {
		return c, err
	}
	// A tenth more: pages of the copy are not as full as those of the file.
	if err := d.room((s.Bytes - s.FreeBytes) / 10 * 11); err != nil {
		return c, fmt.Errorf("compact history: it is copied without its free space, then replaced: %w", err)
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

// room is an error where the data folder's disk has no room for that many
// bytes and Reserve.
func (d *Data) room(bytes int64) error {
	free, err := FreeSpace(d.Dir)
	if err != nil {
		return err
	}
	if need := bytes + Reserve; free < need {
		return fmt.Errorf("the disk of %s has %d MiB free, %d MiB are needed, %d MiB of them for what is collected meanwhile: free some space, or give the folder a larger disk", d.Dir, free>>20, need>>20, Reserve>>20)
	}
	return nil
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
