package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
)

// Compact rewrites the file without its free pages and puts the new file in
// place of the old in one step; a crash leaves one of the two. The store stays
// open: reads go on, appends wait until it is done. It needs as much free disk
// space as the data takes. When ctx ends first, the old file stays as it is.
func (s *Store) Compact(ctx context.Context) error {
	s.caring.Lock()
	defer s.caring.Unlock()
	old, err := s.compact(ctx)
	if old != nil {
		// Waits for the readers that still use it; nobody waits for us.
		err = errors.Join(err, old.close())
	}
	if err != nil {
		return fmt.Errorf("compact history: %w", err)
	}
	return nil
}

// compact returns the database that the store let go of.
func (s *Store) compact(ctx context.Context) (old *file, err error) {
	if s.opts.ReadOnly {
		return nil, errReadOnly
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	old = s.file
	s.mu.RUnlock()
	if old == nil {
		return nil, errClosed
	}
	path := s.path + compactSuffix
	db, err := compactInto(ctx, path, old.DB)
	if err != nil {
		return nil, err
	}
	fresh := &file{DB: db}
	fresh.MaxSize = s.opts.MaxBytes
	if err := os.Rename(path, s.path); err != nil {
		err = errors.Join(err, fresh.close())
		os.Remove(path)
		return nil, err
	}
	// Both files are locked, so no other process came between.
	s.mu.Lock()
	if s.file == nil { // closed meanwhile
		s.mu.Unlock()
		return fresh, nil
	}
	s.file = fresh
	s.mu.Unlock()
	s.size = 0 // the file begins small again
	return old, syncFolder(s.path)
}

// compactSuffix names the file that Compact writes before it takes the place
// of the old one; one left over by a crash is overwritten.
const compactSuffix = ".compact"

// compactTx is how many bytes Compact copies a transaction, and holds in memory.
// Each transaction rewrites the last page of the one before, which leaves a gap of
// about two megabytes.
const compactTx = 128 << 20

// compactInto copies src into a new file opened with our options.
func compactInto(ctx context.Context, path string, src *bolt.DB) (*bolt.DB, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dst, err := open(path, Options{})
	if err != nil {
		return nil, err
	}
	room := dst.AllocSize
	dst.AllocSize = 0 // a compact file ends where its data ends
	err = guarded(func() error {
		return src.View(func(from *bolt.Tx) error { return copyAll(ctx, dst, from, compactTx) })
	})
	dst.AllocSize = room
	if err == nil {
		err = dst.Sync()
	}
	if err != nil {
		dst.Close()
		os.Remove(path)
		return nil, named(err)
	}
	return dst, nil
}

// copyAll is bolt.Compact, except that it leaves out spent blocks, can be ended
// and says how far it is.
func copyAll(ctx context.Context, dst *bolt.DB, from *bolt.Tx, limit int64) (err error) {
	c := copier{ctx: ctx, dst: dst, limit: limit, progress: ProgressOf(ctx)}
	if c.progress != nil {
		c.total = held(from)
	}
	if c.tx, err = dst.Begin(true); err != nil {
		return err
	}
	defer func() { _ = c.tx.Rollback() }() // nothing where it is committed
	// The largest values come first: smaller ones then fill the gaps between
	// their transactions.
	if spans := from.Bucket(bucketSpans); spans != nil {
		if err := c.bucket([][]byte{bucketSpans}, spans); err != nil {
			return err
		}
		if err := c.commit(); err != nil {
			return err
		}
	}
	err = from.ForEach(func(name []byte, b *bolt.Bucket) error {
		if bytes.Equal(name, bucketSpans) || bytes.Equal(name, bucketSpent) {
			return nil
		}
		return c.bucket([][]byte{name}, b)
	})
	if err != nil {
		return err
	}
	if err := c.tx.Commit(); err != nil {
		return err
	}
	// Once more, so that either head of the file leads to all of it: that of the
	// transaction before led to spans alone.
	return dst.Update(func(*bolt.Tx) error { return nil })
}

// copier copies buckets into dst, up to limit bytes a transaction.
type copier struct {
	ctx         context.Context
	dst         *bolt.DB
	tx          *bolt.Tx
	size, limit int64 // bytes put in tx
	progress    Progress
	done, total int64
}

// deepest is more than buckets lie within each other: one that damage leads back to
// where it lies would be copied for ever.
const deepest = 8

// bucket makes the bucket at path, and copies from's content into it.
func (c *copier) bucket(path [][]byte, from *bolt.Bucket) error {
	if len(path) > deepest {
		return damaged("buckets within each other, more than %d deep", deepest)
	}
	into, err := c.at(path)
	if err != nil {
		return err
	}
	if err := into.SetSequence(from.Sequence()); err != nil {
		return err
	}
	return from.ForEach(func(k, v []byte) error {
		if v == nil {
			if err := c.bucket(append(path, k), from.Bucket(k)); err != nil {
				return err
			}
			into, err = c.at(path) // its transaction may have ended meanwhile
			return err
		}
		size := int64(len(k) + len(v))
		if c.size > 0 && c.size+size > c.limit {
			if err := c.commit(); err != nil {
				return err
			}
			if into, err = c.at(path); err != nil {
				return err
			}
		}
		if err := into.Put(k, v); err != nil {
			return err
		}
		c.size += size
		if c.progress != nil {
			c.done += size
			c.progress(c.done, c.total)
		}
		return context.Cause(c.ctx)
	})
}

// at returns the bucket at path in the transaction, making it where it is
// missing. Keys come in order, so its pages can be filled.
func (c *copier) at(path [][]byte) (*bolt.Bucket, error) {
	b, err := c.tx.CreateBucketIfNotExists(path[0])
	for _, name := range path[1:] {
		if err != nil {
			return nil, err
		}
		b, err = b.CreateBucketIfNotExists(name)
	}
	if err != nil {
		return nil, err
	}
	b.FillPercent = 1
	return b, nil
}

// commit ends the transaction and begins the next.
func (c *copier) commit() error {
	if err := c.tx.Commit(); err != nil {
		return err
	}
	next, err := c.dst.Begin(true)
	if err == nil {
		c.tx, c.size = next, 0
	}
	return err
}

// held is about how many bytes of keys and values copyAll copies.
func held(tx *bolt.Tx) (bytes int64) {
	_ = tx.ForEach(func(name []byte, b *bolt.Bucket) error { // which returns no error
		if string(name) != string(bucketSpent) {
			bytes += int64(b.Stats().LeafInuse)
		}
		return nil
	})
	return bytes
}
