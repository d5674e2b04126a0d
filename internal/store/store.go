package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"yunjian/internal/journal"
	"yunjian/internal/pages"
)

// ErrLocked says that another process has the file open for writing.
var ErrLocked = errors.New("another yunjian process holds the data folder (`yunjian serve`, or a command still at work): stop it or wait for it to end, then try again")

// ErrNewer says that a later version of Yunjian wrote the file.
var ErrNewer = errors.New("a newer version of yunjian wrote this file: use that version")

// ErrOlder says that an earlier version wrote the file, which is only to be read.
var ErrOlder = errors.New("an earlier version of yunjian wrote this file: run `yunjian check` once, which brings it up to date")

// ErrDamaged says that the file is not a sound state file.
var ErrDamaged = errors.New("the file is damaged or is not a yunjian state file: `yunjian restore` brings back a backup into an empty data folder")

// Options are the choices of Open.
type Options struct {
	ReadOnly bool          // the file must exist; other readers may have it open too
	Timeout  time.Duration // how long to wait for the lock; 0: one second
}

// Store is an open state file. It is safe for concurrent use by one process.
type Store struct {
	db     *bolt.DB
	packer packer
	hash   atomic.Value // journal.Algorithm of entries to come

	hurt    error  // what was damaged of the file's heads when it was opened
	hurtKey []byte // that it goes on record under
}

// Buckets.
var (
	metaBucket        = []byte("meta")
	inventoryBucket   = []byte("inventories")  // cloud → packed inventory
	goneBucket        = []byte("gone")         // cloud NUL resource → resource as last seen
	changeBucket      = []byte("changes")      // instant, sequence → change
	observationBucket = []byte("observations") // cloud → bucket: resource → metric → observation
	callBucket        = []byte("calls")        // cloud NUL month → action → calls
	auditBucket       = []byte("audits")       // instant → packed audit
	jobBucket         = []byte("jobs")         // name → result
	ledgerBucket      = []byte("ledger")       // cloud NUL instant id → entry
	billBucket        = []byte("bills")        // month → packed bill
	caseBucket        = []byte("cases")        // id → packed case
	attachmentBucket  = []byte("attachments")  // SHA-256 → document
	useBucket         = []byte("handed in")    // SHA-256 NUL type:id of what the document is for; made with the first
	noticeBucket      = []byte("notices")      // number NUL version → packed notice
	answerBucket      = []byte("answers")      // number NUL version → packed acknowledgement
	ownerBucket       = []byte("owners")       // directory, and what was assigned to each resource
	headBucket        = []byte("audit heads")  // instant → journal.Head that the audit was stored with
	identityBucket    = []byte("identities")   // kind → bucket: key → document of internal/auth
	outboxBucket      = []byte("outbox")       // buckets of its own, see outbox.go

	versionKey = []byte("version")
	hurtPrefix = []byte("hurt ") // transaction the file was opened at (8) → what was damaged of its heads
)

// migrations bring a file from the version of their index to the next, in
// order; a new file passes through all. Never change one that was released: add
// one, with a fixture of the version before.
var migrations = []func(*Store, *bolt.Tx) error{
	func(_ *Store, tx *bolt.Tx) error {
		for _, name := range [][]byte{inventoryBucket, goneBucket, changeBucket, observationBucket, callBucket, auditBucket, jobBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	},
	func(_ *Store, tx *bolt.Tx) error {
		for _, name := range [][]byte{ledgerBucket, ownerBucket, billBucket, caseBucket, attachmentBucket, noticeBucket, answerBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return createIdentities(tx)
	},
	func(_ *Store, tx *bolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(headBucket); err != nil {
			return err
		}
		return journal.Prepare(tx)
	},
	func(_ *Store, tx *bolt.Tx) error { return createLedgerIndex(tx) },
	func(_ *Store, tx *bolt.Tx) error { return createOutbox(tx) },
	(*Store).createCaseIndex,
	(*Store).createJudged,
}

// Open opens or creates the state file at path and brings it to the present
// version. Errors wrap ErrLocked, ErrNewer or ErrDamaged where they apply.
func Open(path string, o Options) (*Store, error) {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.ReadOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open state: %w", err)
		}
	}
	var db *bolt.DB
	err := guarded(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: o.Timeout, ReadOnly: o.ReadOnly, FreelistType: bolt.FreelistMapType})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: %w", path, ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("open %s: %w", path, ErrDamaged)
	case errors.Is(err, syscall.EROFS):
		return nil, fmt.Errorf("open state: %w: copy the folder to where it can be written, and name that as data_dir", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("open state: %w: give the account that runs yunjian the right to write the file and its folder, or run the command as the account that has it", err)
	case err != nil:
		return nil, fmt.Errorf("open state: %w", err)
	}
	s := &Store{db: db}
	s.hash.Store(journal.SHA256)
	if s.packer, err = newPacker(); err == nil {
		err = s.prepare(path, o.ReadOnly)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, db.Close()))
	}
	return s, nil
}

// Close releases the file. It waits for what is being read or written.
func (s *Store) Close() error {
	err := s.db.Close() // first: those it waits for still unpack
	s.packer.close()
	if err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// prepare runs the migrations that the file has not seen, all in one
// transaction. Where there are none it writes nothing: that would put a damaged
// head right.
func (s *Store) prepare(path string, readOnly bool) error {
	version := 0
	err := s.view(func(tx *bolt.Tx) error {
		f, err := pages.Open(tx, path)
		if err != nil {
			return err
		}
		defer f.Close()
		s.hurt = f.Heads()
		s.hurtKey = binary.BigEndian.AppendUint64(bytes.Clone(hurtPrefix), uint64(tx.ID()))
		version, err = versionOf(tx)
		if err == nil && version == 0 && s.hurt != nil { // what it was before it held anything
			err = fmt.Errorf("%w: %w", ErrDamaged, s.hurt)
		}
		return err
	})
	switch {
	case err != nil || version == len(migrations):
		return err
	case readOnly:
		return fmt.Errorf("version %d of %d: %w", version, len(migrations), ErrOlder)
	}
	return s.update(func(tx *bolt.Tx) error {
		for v := version; v < len(migrations); v++ {
			if err := migrations[v](s, tx); err != nil {
				return fmt.Errorf("migrate from version %d: %w", v, err)
			}
		}
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		return meta.Put(versionKey, binary.BigEndian.AppendUint64(nil, uint64(len(migrations))))
	})
}

// versionOf is 0 of an empty file.
func versionOf(tx *bolt.Tx) (int, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		if first, _ := tx.Cursor().First(); first != nil {
			return 0, ErrDamaged // buckets of something else
		}
		return 0, nil
	}
	version := meta.Get(versionKey)
	if len(version) != 8 {
		return 0, ErrDamaged
	}
	if v := binary.BigEndian.Uint64(version); v <= uint64(len(migrations)) {
		return int(v), nil
	}
	return 0, ErrNewer
}

// view runs f in a read transaction.
func (s *Store) view(f func(tx *bolt.Tx) error) error {
	return guarded(func() error { return s.db.View(f) })
}

// update runs f in a write transaction; no other runs meanwhile. Every second one
// writes a damaged head anew, so that it was damaged goes on record: the loss of
// what it led to would else pass unseen.
func (s *Store) update(f func(tx *bolt.Tx) error) error {
	return guarded(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			if err := f(tx); err != nil || s.hurt == nil {
				return err
			}
			return tx.Bucket(metaBucket).Put(s.hurtKey, []byte(s.hurt.Error()))
		})
	})
}

// guarded returns as an error what bbolt panics with over pages that make no
// sense, and the faults of pages that cannot be read.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: its pages cannot be read: %v", ErrDamaged, p)
		}
	}()
	return f()
}

// Backup writes a consistent copy of the file to w, while others go on
// working, and returns its size in bytes. The copy's heads are sound, so that one
// was damaged goes on record first.
func (s *Store) Backup(w io.Writer) (int64, error) {
	if s.hurt != nil && !s.db.IsReadOnly() {
		if err := s.update(func(*bolt.Tx) error { return nil }); err != nil {
			return 0, fmt.Errorf("back up state: %w", err)
		}
	}
	var n int64
	err := s.view(func(tx *bolt.Tx) (err error) {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("back up state: %w", err)
	}
	return n, nil
}

// packer turns documents into compressed bytes with a checksum, and back.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// maxDocument bounds what one value may unpack to: an inventory of a million
// resources is below it.
const maxDocument = 2 << 30

func newPacker() (packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	if err != nil {
		return packer{}, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxDocument))
	return packer{enc, dec}, err
}

func (p packer) close() {
	p.dec.Close()
	_ = p.enc.Close() // it has no stream to end
}

func (p packer) pack(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return p.packText(text), nil
}

func (p packer) packText(text []byte) []byte {
	return p.enc.EncodeAll(text, make([]byte, 0, len(text)/8))
}

func (p packer) unpack(packed []byte, v any) error {
	text, err := p.unpackText(packed)
	if err != nil {
		return err
	}
	return decode(text, v)
}

func (p packer) unpackText(packed []byte) ([]byte, error) {
	text, err := p.dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return text, nil
}

func decode(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// putJSON stores a small document.
func putJSON(b *bolt.Bucket, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// pair is a key of two names. Names hold no NUL.
func pair(a, b string) []byte { return append(append([]byte(a), 0), b...) }

// instantKey orders by time; instants before 1970 do not occur.
func instantKey(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(max(0, t.UnixNano())))
}

func instantOf(key []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(key))).UTC()
}
