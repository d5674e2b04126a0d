package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"yunjian/internal/archive"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/store"
)

// AuditObject is what the journal calls the audit as of an instant.
func AuditObject(asOf time.Time) journal.Object {
	return journal.Object{Type: "audit", ID: asOf.UTC().Format(time.RFC3339)}
}

// CloudObject is what the journal calls a cloud.
func CloudObject(name string) journal.Object { return journal.Object{Type: "cloud", ID: name} }

// FolderObject is what the journal calls the data folder.
func FolderObject() journal.Object { return journal.Object{Type: "data"} }

// entry begins an entry of whoever ctx names, of now.
func (d *Data) entry(ctx context.Context, action string, o journal.Object) journal.Entry {
	return journal.New(ctx, time.Now(), action, o)
}

// Record journals what changes nothing in the state: that action was done to an
// object, with details in pairs of key and value.
func (d *Data) Record(ctx context.Context, action string, o journal.Object, details ...string) error {
	e := d.entry(ctx, action, o)
	for i := 0; i+1 < len(details); i += 2 {
		e = e.With(details[i], details[i+1])
	}
	_, err := d.State.Record(e)
	return err
}

// RecordFailure journals that an action failed with err, and returns err, joined
// with that of journalling, if any.
func (d *Data) RecordFailure(ctx context.Context, action string, o journal.Object, err error) error {
	if _, failed := d.State.Record(d.entry(ctx, action, o).Fail(action, err)); failed != nil {
		return errors.Join(err, failed)
	}
	return err
}

// refused is RecordFailure, but for what somebody may not do: who recognized them puts
// that on record, once for all ways in.
func (d *Data) refused(ctx context.Context, action string, o journal.Object, err error) error {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return d.RecordFailure(ctx, action, o, err)
}

// noted is the last entry on collecting a cloud.
type noted struct {
	Action  string `json:"action"`
	Day     string `json:"day"`
	Skipped int    `json:"skipped"` // runs since, which were not journalled
}

const notedPrefix = "noted:"

// recordPass journals how a pass over a cloud went. Of those that run on
// schedule the first of a day is journalled, and any that ends otherwise than the
// one before: 288 a day that say the same would bury what matters.
func (d *Data) recordPass(ctx context.Context, o CollectOptions, c Collected, err error) error {
	action, failed := journal.CollectionDone, journal.CollectionFailed
	if o.Imported {
		action, failed = journal.ImportDone, journal.ImportFailed
	}
	e := d.entry(ctx, action, CloudObject(c.Cloud)).With("resources", strconv.Itoa(len(c.Inventory.Resources))).
		With("samples", strconv.Itoa(c.Result.Samples)).With("problems", strconv.Itoa(len(c.Result.Problems)))
	if err != nil {
		e = e.Fail(failed, err)
	}
	e.AsOf = o.Now
	last, lerr := d.noted(c.Cloud)
	if lerr != nil {
		return lerr
	}
	now := noted{Action: e.Action, Day: o.Now.Format(time.DateOnly)}
	var entries []journal.Entry
	if e.Actor == journal.System.Actor && last.Action == now.Action && last.Day == now.Day {
		now.Skipped = last.Skipped + 1
	} else {
		if last.Skipped > 0 {
			e = e.With(journal.DetailSkipped, strconv.Itoa(last.Skipped))
		}
		entries = append(entries, e)
	}
	mark := jobMark(notedPrefix+c.Cloud, o.Now)
	if mark.Detail, lerr = json.Marshal(now); lerr != nil {
		return lerr
	}
	return d.State.PutJob(mark, entries...)
}

func (d *Data) noted(cloudName string) (n noted, err error) {
	jobs, err := d.State.Jobs()
	if err != nil {
		return n, err
	}
	for _, j := range jobs {
		if j.Name == notedPrefix+cloudName {
			return n, json.Unmarshal(j.Detail, &n)
		}
	}
	return n, nil
}

// recordCare journals how care of the folder ended.
func (d *Data) recordCare(ctx context.Context, done, failed string, err error, details ...string) error {
	if err != nil {
		return d.RecordFailure(ctx, failed, FolderObject(), err)
	}
	return d.Record(ctx, done, FolderObject(), details...)
}

// ExportJournal hands the entries that f lets pass to do, and then journals that
// they were. It returns the head of what was read.
func (d *Data) ExportJournal(ctx context.Context, f journal.Filter, do func(journal.Entry) error) (journal.Head, error) {
	n, head := 0, journal.Head{}
	err := d.State.Journal(journal.Filter{}, func(e journal.Entry) error {
		head = e.Head()
		if !f.Lets(e) {
			return nil
		}
		n++
		return do(e)
	})
	object := journal.Object{Type: "journal"}
	if err != nil {
		return head, d.RecordFailure(ctx, journal.JournalExportFailed, object, err)
	}
	return head, d.Record(ctx, journal.JournalExported, object, "entries", strconv.Itoa(n), "head", head.String(), "filter", f.String())
}

// mebibytes writes a size with its unit and a point: as a plain number it might
// be masked for that of a telephone.
func mebibytes(n int64) string { return fmt.Sprintf("%.3f MiB", float64(n)/(1<<20)) }

// counter counts what passes.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// recordRestore journals that the folder dir was restored, in the chain that it
// was restored with.
func recordRestore(ctx context.Context, dir string) error {
	state, err := store.Open(filepath.Join(dir, StateFile), store.Options{})
	if err != nil {
		return err
	}
	head, err := state.JournalHead()
	if err == nil {
		if head.Algorithm != "" { // there is no configuration to ask
			state.UseHash(head.Algorithm)
		}
		_, err = state.Record(journal.New(ctx, time.Now(), journal.Restored, FolderObject()))
	}
	return errors.Join(err, state.Close())
}

// OpenState opens the state of a data folder for reading alone; nothing is
// written, not even a lock that keeps other readers out. The error wraps ErrHeld
// where a process works on the folder.
func OpenState(dir string) (*store.Store, error) {
	path := filepath.Join(dir, StateFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("data folder %s: %w", dir, ErrNoData)
	}
	s, err := store.Open(path, store.Options{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", dir, held(err))
	}
	return s, nil
}

// StateOf verifies a whole backup and opens the state in it, for reading. remove
// takes the temporary copy away, after the store is closed.
func StateOf(ctx context.Context, backup io.ReadSeeker) (s *store.Store, remove func(), err error) {
	dir, err := os.MkdirTemp("", "yunjian-journal-*")
	if err != nil {
		return nil, nil, fmt.Errorf("read backup: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) } // a copy, nothing is lost with it
	path := filepath.Join(dir, StateFile)
	err = func() error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		err = readWhole(ctx, backup, func(r io.Reader) error { return archive.Pick(r, StateFile, f) })
		return errors.Join(err, f.Close())
	}()
	if err == nil {
		s, err = store.Open(path, store.Options{ReadOnly: true})
	}
	if errors.Is(err, store.ErrOlder) { // it is a copy, which may be brought up to date
		s, err = store.Open(path, store.Options{})
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	return s, remove, nil
}
