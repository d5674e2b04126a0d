package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"yunjian/internal/archive"
	"yunjian/internal/history"
	"yunjian/internal/store"
)

// Names of the files in a data folder.
const (
	StateFile   = "state.db"   // inventory, observations, audits, jobs
	HistoryFile = "history.db" // utilization samples
)

// ErrHeld says that another process has the data folder.
var ErrHeld = errors.New("another yunjian process holds it, the daemon (`yunjian serve`) or a command still at work: stop it or wait for it to end, then try again; all but `serve`, `collect`, `import`, `restore` and `backtest` also go beside the daemon")

// ErrNoData says that a folder holds nothing of Yunjian's.
var ErrNoData = errors.New("it holds no data yet: run `yunjian collect` or `yunjian import` first, or correct data_dir in the configuration")

// Present is an error where the files of the data folder dir are missing, for
// what makes no sense without: Open would make them anew, which looks as if all
// were well. The error wraps ErrNoData where there is nothing of Yunjian's, and
// ErrHeld where a restore is at work.
func Present(dir string) error {
	var missing []string
	for _, name := range []string{StateFile, HistoryFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, name)
		}
	}
	left, _ := archive.Unfinished(dir) // nothing to be told where the folder cannot be read
	switch {
	case len(missing) == 0:
		return nil
	case len(left) > 0:
		return brokenOff(dir, missing, strings.Join(left, ", "))
	case len(missing) == 1:
		return fmt.Errorf("data folder %s lacks %s: move the folder aside and restore a backup; `yunjian collect` or `yunjian import` would begin that file anew, empty", dir, missing[0])
	default:
		return fmt.Errorf("data folder %s: %w", dir, ErrNoData)
	}
}

// brokenOff is the error of a folder that lacks files and holds what is left of a
// restore.
func brokenOff(dir string, missing []string, left string) error {
	lock, err := lockFolder(dir)
	if err != nil { // it is still at work
		return fmt.Errorf("data folder %s: %w", dir, err)
	}
	defer lock.Close()
	if len(missing) == 1 {
		return fmt.Errorf("data folder %s lacks %s, and %s is left of a `yunjian restore` that was broken off: move the folder aside and restore again", dir, missing[0], left)
	}
	return fmt.Errorf("data folder %s holds no data, only what is left of a `yunjian restore` that was broken off, %s: run it again, which replaces that", dir, left)
}

// Data is an opened data folder: everything Yunjian remembers.
type Data struct {
	Dir     string
	State   *store.Store
	History *history.Store

	lock *os.File // nil: lent

	// accepted are the messages that a channel has accepted and that could not be
	// marked: to be marked, not sent again.
	accepted sync.Map
}

// Open opens the data folder dir for reading and writing, creating it and its
// files where they are missing. Days are cut at midnight in loc. The error
// wraps ErrHeld where another process holds the folder.
func Open(dir string, loc *time.Location) (*Data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", dir, err)
	}
	state, err := store.Open(filepath.Join(dir, StateFile), store.Options{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open data folder %s: %w", dir, held(err)), lock.Close())
	}
	hist, err := history.Open(filepath.Join(dir, HistoryFile), history.Options{Location: loc})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open data folder %s: %w", dir, held(err)), state.Close(), lock.Close())
	}
	return &Data{Dir: dir, State: state, History: hist, lock: lock}, nil
}

// held words a lock on one of the files, by whatever program, as one on the
// folder.
func held(err error) error {
	if errors.Is(err, store.ErrLocked) || errors.Is(err, history.ErrLocked) {
		return ErrHeld
	}
	return err
}

// patience is how long to wait for a command that is about to end.
const patience = time.Second

// lockFolder takes a folder for this process, until the file returned is
// closed. The files in it have locks of their own; that of the folder also
// holds while they are absent: restoring must not meet a daemon whose files
// were deleted, nor one that starts meanwhile.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for since := time.Now(); ; time.Sleep(patience / 20) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return f, nil // on a file system without locks on folders those of the files must do
		case time.Since(since) > patience:
			return nil, errors.Join(ErrHeld, f.Close())
		}
	}
}

// Lend returns the open folder for somebody whose Close must not close it.
func (d *Data) Lend() *Data { return &Data{Dir: d.Dir, State: d.State, History: d.History} }

// Close releases the folder.
func (d *Data) Close() error {
	if d.lock == nil {
		return nil
	}
	return errors.Join(d.History.Close(), d.State.Close(), d.lock.Close())
}
