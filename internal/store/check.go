package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"yunjian/audit"
	"yunjian/cloud"
)

// maxDamages is how many damaged places Check names.
const maxDamages = 20

// Check verifies the pages of the file and decodes every document, whose
// checksums it thereby proves. The error, which wraps ErrDamaged, names the
// damaged places.
func (s *Store) Check() error {
	var damages []error
	add := func(err error) {
		if err != nil && len(damages) < maxDamages {
			damages = append(damages, err)
		}
	}
	err := s.alone(func(tx *bolt.Tx) error {
		// bbolt panics on some damage instead of reporting it.
		defer func() {
			if p := recover(); p != nil {
				add(fmt.Errorf("%v", p))
			}
		}()
		for err := range tx.Check() {
			add(err)
		}
		if len(damages) > 0 {
			return nil // reading on would only stumble over the same
		}
		s.checkDocuments(tx, add)
		return nil
	})
	add(err)
	if len(damages) > 0 {
		return fmt.Errorf("%w\n%w", ErrDamaged, errors.Join(damages...))
	}
	return nil
}

// alone runs f, which writes nothing, while nobody else writes: bbolt holds the
// pages against the list of free ones, which every write changes.
func (s *Store) alone(f func(tx *bolt.Tx) error) error {
	tx, err := s.db.Begin(!s.db.IsReadOnly())
	if err != nil {
		return err
	}
	return errors.Join(f(tx), tx.Rollback())
}

func (s *Store) checkDocuments(tx *bolt.Tx, damaged func(error)) {
	each := func(b *bolt.Bucket, what string, read func(key, value []byte) error) {
		damaged(b.ForEach(func(key, value []byte) error {
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
	each(tx.Bucket(jobBucket), "job", into(&JobResult{}))
	damaged(tx.Bucket(observationBucket).ForEachBucket(func(name []byte) error {
		each(tx.Bucket(observationBucket).Bucket(name), "observations of", into(&map[cloud.Metric]cloud.Observation{}))
		return nil
	}))
}
