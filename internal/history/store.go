package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"yunjian/cloud"
	"yunjian/internal/pages"
)

// formatVersion is that of the file's layout: buckets and keys, and what its
// pieces may hold. Layout 2 knew no columns under Huffman's code, and no checksums
// of mark and codes.
const formatVersion = 3

// Buckets. Numbers in keys are big-endian, so that key order is numeric order.
// A new period's keys lie behind all earlier ones: folding appends to the tree
// and retention cuts its head off.
var (
	bucketMeta      = []byte("meta")
	bucketResources = []byte("resources")     // name → number (4)
	bucketNames     = []byte("names")         // number (4) → name
	bucketMetrics   = []byte("metrics")       // name → code (1), checksum (4)
	bucketBlocks    = []byte("cycles")        // sequence (8) → bucket: metric (1), first resource (4) → sections
	bucketDays      = []byte("day sheets")    // day (4), metric (1), band (4) → sheet
	bucketSpans     = []byte("span sheets")   // span (4), metric (1), band (4) → sheet
	bucketDigests   = []byte("digest sheets") // span (4), metric (1), band (4) → digests
	bucketDamaged   = []byte("damaged")       // bucket name, 1, number, key → a piece that could not be read when it was to be merged; once bucket name, 0, key

	buckets = [][]byte{bucketMeta, bucketResources, bucketNames, bucketMetrics, bucketBlocks, bucketDays, bucketSpans, bucketDigests, bucketDamaged}

	keyVersion = []byte("version")
	keyOffset  = []byte("offset") // seconds east of UTC at which the file's days begin
	keyFolded  = []byte("folded") // sequence (8), day (4), checksum (4): see foldMark
)

// maxTime is the last instant kept, in Unix seconds: in 2106. It also catches
// milliseconds taken for seconds.
const maxTime = math.MaxUint32

// maxName is the longest resource id or metric name accepted, in bytes.
const maxName = 1024

// Store is one history file. Its methods may be called concurrently.
type Store struct {
	path string
	opts Options

	mu   sync.RWMutex // guards file; held only to take or swap it
	file *file        // nil once closed
	// writing is held by every write transaction, and by Compact while it
	// copies. Taken before mu.
	writing sync.Mutex
	// caring is held by Fold, Retain and Compact: the only ones to touch
	// chunks, one at a time.
	caring sync.Mutex

	calendar calendar

	hurt     error      // guarded by writing: what was damaged of the heads when the file was opened, until it is on record
	dict     dictionary // guarded by writing
	size     int64      // guarded by writing: of the file at the last append
	kits     sync.Pool  // of *kit
	encoders sync.Pool  // of *encoder, for Append
}

// file is an open database and those who read in it. bbolt's Close must not
// meet read transactions: it would hold what their end needs.
type file struct {
	*bolt.DB
	readers sync.WaitGroup
}

// close waits for the readers.
func (f *file) close() error {
	f.readers.Wait()
	return f.Close()
}

// calendar cuts time into the file's days of 24 hours and spans of 28 days.
// Spans begin on Mondays. The offset is fixed when the file is made: a zone
// with summer time has its file days an hour off in summer, which shows in
// digests only.
type calendar struct{ offset int64 }

const (
	daySeconds  = 24 * 3600
	spanDays    = 28
	spanSeconds = spanDays * daySeconds
	mondayShift = 3 * daySeconds // 1970-01-01 was a Thursday: day 0 is the Monday before
)

func (c calendar) day(t int64) uint32          { return uint32((t + c.offset + mondayShift) / daySeconds) }
func (c calendar) dayStart(day uint32) int64   { return int64(day)*daySeconds - mondayShift - c.offset }
func (c calendar) spanStart(span uint32) int64 { return c.dayStart(span * spanDays) }
func (c calendar) span(t int64) uint32         { return c.day(t) / spanDays }

func (c calendar) dayInterval(day uint32) interval {
	return interval{c.dayStart(day), c.dayStart(day + 1)}
}

func (c calendar) spanInterval(span uint32) interval {
	return interval{c.spanStart(span), c.spanStart(span + 1)}
}

func (c calendar) spanWindow(span uint32) cloud.Window {
	return cloud.Window{From: instant(c.spanStart(span)), To: instant(c.spanStart(span + 1))}
}

func (c calendar) dayWindow(day uint32) cloud.Window {
	return cloud.Window{From: instant(c.dayStart(day)), To: instant(c.dayStart(day + 1))}
}

func instant(t int64) time.Time { return time.Unix(t, 0).UTC() }

// Open opens the history file at path, making it (but not its folder) where it
// is absent. It waits a second for another process to let go of the file and
// then returns an error that wraps ErrLocked.
func Open(path string, o Options) (*Store, error) {
	if o.Location == nil {
		o.Location = time.UTC
	}
	db, err := open(path, o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, opts: o, file: &file{DB: db}}
	if err := guarded(s.prepare); err != nil {
		db.Close()
		return nil, fmt.Errorf("open history %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o Options) (*bolt.DB, error) {
	options := *bolt.DefaultOptions
	options.Timeout = time.Second
	options.FreelistType = bolt.FreelistMapType
	options.ReadOnly = o.ReadOnly
	options.PreLoadFreelist = true // for Check, also of what is read only
	options.MaxSize = o.MaxBytes
	var db *bolt.DB
	_, absent := os.Stat(path)
	err := wholeFile(path)
	if err == nil {
		// Address space, not memory: mapping ahead spares a growing file the
		// remapping that would have to wait for every reader. 100,000 instances
		// with seven metrics fill an eighth of it in a year. Not everywhere is
		// there as much.
		for _, ahead := range []int{1 << 40, 1 << 37, 0} {
			options.InitialMmapSize = ahead
			err = guarded(func() (err error) {
				db, err = bolt.Open(path, 0o600, &options)
				return named(err)
			})
			if !errors.Is(err, syscall.ENOMEM) {
				break
			}
		}
	}
	switch {
	case err == nil:
		db.AllocSize = 128 << 10 // of room ahead, not 16 MiB: small histories stay small
		return db, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("open history %s: %w", path, ErrLocked)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return nil, fmt.Errorf("open history %s: %w: give the account that runs yunjian the right to write the file and its folder", path, err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("open history %s: not a bbolt file, or damaged beyond reading: %w: restore a backup", path, err)
	case errors.Is(err, ErrDamaged):
		return nil, fmt.Errorf("open history %s: %w: restore a backup", path, err)
	case errors.Is(err, ErrFull) && errors.Is(absent, fs.ErrNotExist):
		os.Remove(path) // the beginning of a file would look like a damaged one
		return nil, fmt.Errorf("open history %s: %w", path, err)
	default:
		return nil, fmt.Errorf("open history %s: %w", path, err)
	}
}

// wholeFile refuses a file that is shorter than it says, as a copy is that broke
// off: bbolt would map it and fault where it ends.
func wholeFile(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil // to be made, or refused, by whoever opens it
	}
	options := *bolt.DefaultOptions
	options.Timeout, options.ReadOnly = time.Second, true // reads no more than the head
	db, err := bolt.Open(path, 0o600, &options)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		if info, err = os.Stat(path); err == nil && info.Size() < tx.Size() {
			err = damaged("%d bytes of %d are there: the file was cut short", info.Size(), tx.Size())
		}
		return err
	})
}

// guarded returns as an error what bbolt panics with over pages that make no
// sense, and the faults of pages that cannot be read.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged("the file's tree cannot be read: %v", p)
		}
	}()
	return f()
}

// freshPages is how many pages bbolt makes a file of: two heads, the list of free
// pages, a root that names nothing.
const freshPages = 4

// prepare checks what the file is, and lays out an empty one.
func (s *Store) prepare() error {
	empty, version := false, uint32(0)
	err := s.file.View(func(tx *bolt.Tx) error {
		f, err := pages.Open(tx, s.path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Roots(bucketBlocks, bucketSpent); err != nil {
			return damaged("%v: restore a backup", err)
		}
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			if name, _ := tx.Cursor().First(); name != nil {
				return foreign(f, "the file is a bbolt file of something else")
			}
			if tx.Size() > freshPages*int64(tx.DB().Info().PageSize) {
				return damaged("its tree names nothing, and %d bytes are in use: restore a backup", tx.Size())
			}
			empty = true
			return nil
		}
		said, offset := meta.Get(keyVersion), meta.Get(keyOffset)
		if len(said) != 4 || len(offset) != 8 {
			return foreign(f, "the file does not say its version: not a history")
		}
		if version = binary.BigEndian.Uint32(said); version < 1 || version > formatVersion {
			return fmt.Errorf("the file has layout version %d, this yunjian reads 1 to %d: use the yunjian that wrote it, or a newer one", version, formatVersion)
		}
		s.hurt = f.Heads()
		s.calendar.offset = int64(binary.BigEndian.Uint64(offset))
		if s.calendar.offset%900 != 0 || max(s.calendar.offset, -s.calendar.offset) > daySeconds { // of no zone
			return damaged("its days begin %d s off UTC", s.calendar.offset)
		}
		if version == 1 {
			return nil
		}
		for _, name := range buckets {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("the file lacks the bucket %q: damaged: restore a backup", name)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case version == 1 && s.opts.ReadOnly:
		return errors.New("the file has layout version 1, and bringing it up to date takes the right to write: open it once without read-only")
	case version == 1:
		return s.upgrade()
	case !empty && (version == formatVersion || s.opts.ReadOnly):
		return nil
	case !empty:
		return s.update(putVersion) // the pieces stay as they are
	case s.opts.ReadOnly:
		return errors.New("the file is empty")
	}
	// The zone's present offset would change with the season of the first
	// run; that of January is the standard one in the north, and in China.
	_, offset := time.Date(2026, 1, 1, 0, 0, 0, 0, s.opts.Location).Zone()
	s.calendar.offset = int64(offset)
	return s.update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		if err := putVersion(tx); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(keyOffset, binary.BigEndian.AppendUint64(nil, uint64(offset)))
	})
}

// foreign is the error of a tree that is none of a history: an older state of
// one may be no more than half a copy.
func foreign(f *pages.File, problem string) error {
	if err := f.Heads(); err != nil {
		return damaged("%v: restore a backup", err)
	}
	return fmt.Errorf("%s: is data_dir in the configuration right?", problem)
}

func putVersion(tx *bolt.Tx) error {
	return tx.Bucket(bucketMeta).Put(keyVersion, binary.BigEndian.AppendUint32(nil, formatVersion))
}

// Close lets go of the file. It waits for reads and writes under way.
func (s *Store) Close() error {
	s.mu.Lock()
	f := s.file
	s.file = nil
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	s.writing.Lock() // a write transaction under way comes to its end
	defer s.writing.Unlock()
	if err := f.close(); err != nil {
		return fmt.Errorf("close history %s: %w", s.path, err)
	}
	return nil
}

var (
	errClosed   = errors.New("the history is closed")
	errReadOnly = errors.New("the history was opened for reading only")
)

// begin starts a read transaction, to be ended by end. The file stays open
// under it even when Compact or Close take it away from the store.
func (s *Store) begin() (tx *bolt.Tx, end func(), err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := s.file
	if f == nil {
		return nil, nil, errClosed
	}
	if tx, err = f.Begin(false); err != nil {
		return nil, nil, err
	}
	f.readers.Add(1)
	return tx, func() {
		tx.Rollback()
		f.readers.Done()
	}, nil
}

// view runs f in one read transaction.
func (s *Store) view(f func(tx *bolt.Tx) error) error {
	tx, end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	return guarded(func() error { return f(tx) })
}

// update runs f in one write transaction; no other runs meanwhile. Where the
// file is full it runs f again once the room of spent blocks is free.
func (s *Store) update(f func(tx *bolt.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	file := s.file
	s.mu.RUnlock()
	if file == nil {
		return errClosed
	}
	transact := func(f func(tx *bolt.Tx) error) error {
		return guarded(func() error {
			return file.Update(func(tx *bolt.Tx) error { return errors.Join(s.recordHurt(tx), f(tx)) })
		})
	}
	err := transact(f)
	if full(err) && transact(dropSpent) == nil {
		err = transact(f)
	}
	if err == nil {
		s.hurt = nil
	}
	return named(err)
}

// asideHead stands for the bucket's name where a head is what was damaged.
const asideHead = "head"

// recordHurt puts on record that a head is damaged. Every second transaction
// writes that head anew: without a record the loss of what it led to would pass
// unseen.
func (s *Store) recordHurt(tx *bolt.Tx) error {
	if s.hurt == nil || tx.Bucket(bucketDamaged) == nil {
		return nil
	}
	return putAside(tx, []byte(asideHead), nil, []byte(s.hurt.Error()))
}

// named gives an error of writing the name under which callers know it.
func named(err error) error {
	switch {
	case full(err):
		return fmt.Errorf("%w (%w)", ErrFull, err)
	case errors.Is(err, berrors.ErrDatabaseReadOnly):
		return errReadOnly
	}
	return err
}

func full(err error) bool {
	if err == nil || errors.Is(err, berrors.ErrMaxSizeReached) {
		return err != nil
	}
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, func(one error) bool {
		// Of growing the file bbolt passes on the text alone.
		return errors.Is(err, one) || strings.HasSuffix(err.Error(), ": "+one.Error())
	})
}

// Backup writes a consistent copy of the file to w while reading and writing
// go on, and returns how many bytes it wrote. The copy is a history file. Its
// heads are sound, so that one was damaged is put on record first.
func (s *Store) Backup(w io.Writer) (int64, error) {
	s.writing.Lock()
	hurt := s.hurt != nil && !s.opts.ReadOnly
	s.writing.Unlock()
	if hurt {
		if err := s.update(func(*bolt.Tx) error { return nil }); err != nil {
			return 0, fmt.Errorf("back up history: %w", err)
		}
	}
	var n int64
	err := s.view(func(tx *bolt.Tx) error {
		var err error
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("back up history: %w", err)
	}
	return n, nil
}

// syncFolder makes a rename in the folder of path durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
