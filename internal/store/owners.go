package store

import (
	"fmt"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ownership"
)

// Keys of ownerBucket: the directory, and what people assigned, by resource.
var (
	directoryKey = []byte("directory")
	assignPrefix = []byte("assigned\x00")
)

// Directory is what was imported last of departments and applications.
func (s *Store) Directory() (d ownership.Directory, err error) {
	err = s.view(func(tx *bolt.Tx) error { d, err = directory(tx); return err })
	if err != nil {
		return ownership.Directory{}, fmt.Errorf("read the directory of owners: %w", err)
	}
	return d, nil
}

func directory(tx *bolt.Tx) (d ownership.Directory, err error) {
	if text := tx.Bucket(ownerBucket).Get(directoryKey); text != nil {
		err = decode(text, &d)
	}
	return d, err
}

// Assignments is what people assigned, by resource.
func (s *Store) Assignments() (out []ownership.Assignment, err error) {
	err = s.view(func(tx *bolt.Tx) error { out, err = assignments(tx); return err })
	if err != nil {
		return nil, fmt.Errorf("read who was assigned: %w", err)
	}
	return out, nil
}

func assignments(tx *bolt.Tx) (out []ownership.Assignment, err error) {
	c := tx.Bucket(ownerBucket).Cursor()
	for k, text := c.Seek(assignPrefix); k != nil && len(k) > len(assignPrefix) && string(k[:len(assignPrefix)]) == string(assignPrefix); k, text = c.Next() {
		var a ownership.Assignment
		if err := decode(text, &a); err != nil {
			return nil, fmt.Errorf("%q: %w", k, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// PutDirectory replaces the directory and joins the stored inventories to it anew: what
// became of the owners of resources is returned as changes of that instant, and kept. e
// records it.
func (s *Store) PutDirectory(d ownership.Directory, at time.Time, e journal.Entry) ([]cloud.Change, error) {
	e = e.With("departments", strconv.Itoa(len(d.Departments))).With("applications", strconv.Itoa(len(d.Applications)))
	return s.reown("put the directory of owners", at, e, func(b *bolt.Bucket) error { return putJSON(b, directoryKey, d) })
}

// Assign keeps what a person decided of one resource, in place of what was decided
// before; without a department it is forgotten. Changes are as for PutDirectory.
func (s *Store) Assign(a ownership.Assignment, at time.Time, e journal.Entry) ([]cloud.Change, error) {
	if err := checkName("resource", a.ResourceID); err != nil {
		return nil, fmt.Errorf("assign an owner: %w", err)
	}
	key := append(append([]byte{}, assignPrefix...), a.ResourceID...)
	e = e.With("department", a.Department).With("application", a.Application)
	return s.reown("assign an owner", at, e, func(b *bolt.Bucket) error {
		if a.Department == "" {
			return b.Delete(key)
		}
		return putJSON(b, key, a)
	})
}

// reown changes what is known of owners and, in the same transaction, whose the stored
// resources are.
func (s *Store) reown(what string, at time.Time, e journal.Entry, change func(*bolt.Bucket) error) ([]cloud.Change, error) {
	var changes []cloud.Change
	err := s.update(func(tx *bolt.Tx) error {
		if err := change(tx.Bucket(ownerBucket)); err != nil {
			return err
		}
		resolver, err := resolver(tx)
		if err != nil {
			return err
		}
		type kept struct {
			name   string
			packed []byte
		}
		var all []kept
		err = tx.Bucket(inventoryBucket).ForEach(func(name, packed []byte) error {
			var inv cloud.Inventory
			if err := s.packer.unpack(packed, &inv); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			n := len(changes)
			for i, r := range inv.Resources {
				old := owner(r)
				r.Department, r.Application = resolver.Resolve(r)
				if owner(r) != old {
					inv.Resources[i] = r
					changes = append(changes, cloud.Change{ResourceID: r.ID, At: at.UTC(), Field: cloud.ChangeOwner, From: old, To: owner(r)})
				}
			}
			if len(changes) == n {
				return nil
			}
			text, err := s.packer.pack(inv)
			all = append(all, kept{string(name), text})
			return err
		})
		if err != nil {
			return err
		}
		for _, k := range all { // a bucket must not change while it is walked
			if err := tx.Bucket(inventoryBucket).Put([]byte(k.name), k.packed); err != nil {
				return err
			}
			if err := tx.Bucket(ledgerIndexBucket).Put(lookAgain(k.name), []byte{1}); err != nil {
				return err
			}
		}
		if err := putChanges(tx, changes); err != nil {
			return err
		}
		_, err = s.append(tx, e.With("changes", strconv.Itoa(len(changes))))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return changes, nil
}

// resolver joins resources to what is stored of owners.
func resolver(tx *bolt.Tx) (ownership.Resolver, error) {
	d, err := directory(tx)
	if err != nil {
		return ownership.Resolver{}, err
	}
	a, err := assignments(tx)
	return ownership.NewResolver(d, a), err
}
