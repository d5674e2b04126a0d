package pipeline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// Data is an opened data folder: everything Yunjian remembers.
type Data struct {
	Dir     string
	State   *store.Store
	History *history.Store
}

// Open opens the data folder dir for reading and writing, creating it and its
// files where they are missing. Days are cut at midnight in loc. Another
// process holding the folder gives an error that says so in words.
func Open(dir string, loc *time.Location) (*Data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	state, err := store.Open(filepath.Join(dir, StateFile), store.Options{})
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", dir, err)
	}
	hist, err := history.Open(filepath.Join(dir, HistoryFile), history.Options{Location: loc})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open data folder %s: %w", dir, err), state.Close())
	}
	return &Data{Dir: dir, State: state, History: hist}, nil
}

// Close releases the folder.
func (d *Data) Close() error {
	return errors.Join(d.History.Close(), d.State.Close())
}

// Backup writes one file that holds consistent copies of everything, and can be
// taken while collection goes on. History is copied last: it may then hold
// samples that the state does not know of yet, which the next collection reads
// again without harm; the other way round samples would be missing.
func (d *Data) Backup(w io.Writer, now time.Time) error {
	return archive.Write(w, now, []archive.Entry{
		{Name: StateFile, Copy: d.State.Backup},
		{Name: HistoryFile, Copy: d.History.Backup},
	})
}
