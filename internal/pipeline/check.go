package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"yunjian/internal/history"
	"yunjian/internal/store"
)

// Check verifies the whole folder and reports each damaged place of the
// history. Damage to the state is an error. Nothing may write to the folder
// meanwhile.
func (d *Data) Check(ctx context.Context, report func(history.Damage)) error {
	if err := d.State.Check(); err != nil {
		return fmt.Errorf("check %s: %w", StateFile, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check: %w", context.Cause(ctx))
	}
	if err := d.History.Check(ctx, report); err != nil {
		return fmt.Errorf("check %s: %w", HistoryFile, err)
	}
	return nil
}

// checkFolder holds the copy that CheckBeside reads.
const checkFolder = "check.tmp"

// CheckBeside is Check while this process goes on writing to the folder. It
// reads a copy, made within the folder and deleted at the end: bbolt tells
// which pages are lost or used twice by a list that every write changes, and
// would call sound pages damaged.
func (d *Data) CheckBeside(ctx context.Context, report func(history.Damage)) (err error) {
	if err := d.room(d.size()); err != nil {
		return fmt.Errorf("check a copy of the data, as the daemon goes on writing: %w", err)
	}
	dir := filepath.Join(d.Dir, checkFolder)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	state, hist := filepath.Join(dir, StateFile), filepath.Join(dir, HistoryFile)
	if err := copyTo(ctx, state, d.State.Backup); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if err := copyTo(ctx, hist, d.History.Backup); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	copied := Data{Dir: dir}
	if copied.State, err = store.Open(state, store.Options{ReadOnly: true}); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer copied.State.Close()
	if copied.History, err = history.Open(hist, history.Options{ReadOnly: true}); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer copied.History.Close()
	return copied.Check(ctx, report)
}

// copyTo writes what backup copies to a new file.
func copyTo(ctx context.Context, path string, backup func(io.Writer) (int64, error)) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = backup(interruptible{ctx, f})
	return errors.Join(err, f.Close())
}
