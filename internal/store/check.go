package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/internal/pages"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/ownership"
)

// maxDamages is how many damaged places Check names.
const maxDamages = 20

// Check verifies the pages of the file and the journal, and decodes every
// document, whose checksums it thereby proves. The error, which wraps ErrDamaged, names the
// damaged places; or it says that ctx ended the check.
func (s *Store) Check(ctx context.Context) error {
	var damages []error
	add := func(err error) {
		if err != nil && len(damages) < maxDamages {
			damages = append(damages, err)
		}
	}
	add(s.alone(func(tx *bolt.Tx) error {
		f, err := pages.Open(tx, s.db.Path())
		if err != nil {
			return err
		}
		defer f.Close()
		add(f.Check(ctx, func(problem string) { add(errors.New(problem)) }))
		if len(damages) == 0 { // reading on would only stumble over the same
			s.checkDocuments(ctx, tx, add)
			v, err := s.verify(ctx, tx, nil)
			add(err)
			for _, p := range v.Problems {
				add(fmt.Errorf("journal: %s", p))
			}
		}
		return nil
	}))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(damages) > 0 {
		return fmt.Errorf("%w\n%w", ErrDamaged, errors.Join(damages...))
	}
	return nil
}

// Hurt returns what was damaged of the file's heads, and has been put right by
// what was written since.
func (s *Store) Hurt() (problems []string, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(metaBucket).Cursor()
		for k, v := c.Seek(hurtPrefix); bytes.HasPrefix(k, hurtPrefix); k, v = c.Next() {
			problems = append(problems, "the file's head, put right by what was written since: "+string(v))
		}
		return nil
	})
	return problems, err
}

// alone runs f, which writes nothing, while nobody else writes: that would change
// the file's heads.
func (s *Store) alone(f func(tx *bolt.Tx) error) error {
	return guarded(func() error {
		tx, err := s.db.Begin(!s.db.IsReadOnly())
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // it has nothing to undo
		return f(tx)
	})
}

func (s *Store) checkDocuments(ctx context.Context, tx *bolt.Tx, damaged func(error)) {
	each := func(b *bolt.Bucket, what string, read func(key, value []byte) error) {
		damaged(b.ForEach(func(key, value []byte) error {
			if ctx.Err() != nil { // the audit of a large estate takes a second
				return context.Cause(ctx)
			}
			if value == nil {
				return nil // a bucket
			}
			if err := read(key, value); err != nil {
				damaged(fmt.Errorf("%s %q: %w", what, key, err))
			}
			return nil
		}))
	}
	into := func(v any) func(_, text []byte) error {
		return func(_, text []byte) error { return decode(text, v) }
	}
	each(tx.Bucket(inventoryBucket), "inventory", func(name, packed []byte) error {
		var inv cloud.Inventory
		if err := s.packer.unpack(packed, &inv); err != nil {
			return err
		}
		if inv.Cloud != string(name) {
			return fmt.Errorf("holds the inventory of %q", inv.Cloud)
		}
		return nil
	})
	each(tx.Bucket(auditBucket), "audit", func(key, packed []byte) error {
		var a audit.Audit
		if err := s.packer.unpack(packed, &a); err != nil {
			return err
		}
		if len(key) != 8 || !instantOf(key).Equal(a.AsOf) {
			return fmt.Errorf("holds the audit of %v", a.AsOf)
		}
		return nil
	})
	each(tx.Bucket(goneBucket), "resource that is gone", into(&cloud.Resource{}))
	each(tx.Bucket(changeBucket), "change", into(&cloud.Change{}))
	each(tx.Bucket(callBucket), "calls", into(&map[string]int{}))
	each(tx.Bucket(ledgerBucket), "ledger entry", func(key, text []byte) error {
		var e ledger.Entry
		if err := decode(text, &e); err != nil {
			return err
		}
		if !bytes.Equal(key, entryKey(e)) {
			return fmt.Errorf("holds the entry %s of %v", e.ID, e.At)
		}
		return nil
	})
	each(tx.Bucket(billBucket), "bill", func(_, packed []byte) error { return s.packer.unpack(packed, &ledger.Bill{}) })
	each(tx.Bucket(caseBucket), "case", func(id, packed []byte) error {
		var c notice.Case
		if err := s.packer.unpack(packed, &c); err != nil {
			return err
		}
		if c.ID != string(id) {
			return fmt.Errorf("holds the case %s", c.ID)
		}
		return nil
	})
	each(tx.Bucket(noticeBucket), "notice", func(key, packed []byte) error {
		var n notice.Notice
		if err := s.packer.unpack(packed, &n); err != nil {
			return err
		}
		if !bytes.Equal(key, numbered(n.Number, n.Version)) {
			return fmt.Errorf("holds version %d of %s", n.Version, n.Number)
		}
		return nil
	})
	each(tx.Bucket(answerBucket), "answer", func(key, packed []byte) error {
		var a notice.Acknowledgement
		if err := s.packer.unpack(packed, &a); err != nil {
			return err
		}
		if !bytes.Equal(key, numbered(a.Number, a.Version)) {
			return fmt.Errorf("holds version %d of the answer to %s", a.Version, a.Number)
		}
		return nil
	})
	each(tx.Bucket(attachmentBucket), "document", checkAttachment)
	each(tx.Bucket(ownerBucket), "owner", func(key, text []byte) error {
		if bytes.Equal(key, directoryKey) {
			return decode(text, &ownership.Directory{})
		}
		return decode(text, &ownership.Assignment{})
	})
	each(tx.Bucket(jobBucket), "job", into(&JobResult{}))
	each(tx.Bucket(headBucket), "journal head of audit", into(&journal.Head{}))
	for _, kind := range identityKinds {
		each(tx.Bucket(identityBucket).Bucket([]byte(kind)), string(kind), func(_, text []byte) error {
			return decode(text, &map[string]any{})
		})
	}
	s.checkOutbox(tx, each)
	damaged(tx.Bucket(observationBucket).ForEachBucket(func(name []byte) error {
		each(tx.Bucket(observationBucket).Bucket(name), "observations of", into(&map[cloud.Metric]cloud.Observation{}))
		return nil
	}))
}
