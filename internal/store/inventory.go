package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ledger"
)

// PutInventory makes inv the current inventory of its cloud, merged with the
// one before (see the package comment), and returns and keeps what changed, by
// resource and field. Resources are joined to the directory of owners. What it shows beside the one before is added to the ledger by the
// settings that booking gives, in the same transaction, and returned; nil books nothing. e records the inventory where it is the
// cloud's first, differs from the one before, or booked anything: a listing that says the same every five minutes is no event.
func (s *Store) PutInventory(inv cloud.Inventory, booking Booking, e journal.Entry) ([]cloud.Change, []ledger.Entry, error) {
	if err := checkName("cloud", inv.Cloud); err != nil {
		return nil, nil, fmt.Errorf("put inventory: %w", err)
	}
	if inv.TakenAt.IsZero() {
		return nil, nil, fmt.Errorf("put inventory of %s: it has no time", inv.Cloud)
	}
	for _, r := range inv.Resources {
		if err := checkName("resource", r.ID); err != nil {
			return nil, nil, fmt.Errorf("put inventory of %s: %w", inv.Cloud, err)
		}
	}
	var changes []cloud.Change
	var booked []ledger.Entry
	err := s.update(func(tx *bolt.Tx) error {
		before, known, err := s.inventory(tx, inv.Cloud)
		if err != nil {
			return err
		}
		gone := tx.Bucket(goneBucket)
		returned := func(id string) (r cloud.Resource, ok bool, err error) {
			key := pair(inv.Cloud, id)
			text := gone.Get(key)
			if text == nil {
				return r, false, nil
			}
			if err := decode(text, &r); err != nil {
				return r, false, err
			}
			return r, true, gone.Delete(key)
		}
		owners, err := resolver(tx)
		if err != nil {
			return err
		}
		inv.Resources = slices.Clone(inv.Resources)
		for i, r := range inv.Resources {
			inv.Resources[i].Department, inv.Resources[i].Application = owners.Resolve(r)
		}
		m := merge{before: before, known: known, inv: inv, returned: returned}
		merged, left, err := m.run()
		if err != nil {
			return err
		}
		changes = m.changes
		for _, r := range left {
			if err := putJSON(gone, pair(inv.Cloud, r.ID), r); err != nil {
				return err
			}
		}
		if err := putChanges(tx, changes); err != nil {
			return err
		}
		if booked, err = s.bookInventory(tx, before, inv, booking); err != nil {
			return fmt.Errorf("book it: %w", err)
		}
		packed, err := s.packer.pack(merged)
		if err != nil {
			return err
		}
		if err := tx.Bucket(inventoryBucket).Put([]byte(inv.Cloud), packed); err != nil {
			return err
		}
		if known && len(changes) == 0 && len(booked) == 0 && unread(before) == unread(inv) {
			return nil
		}
		_, err = s.append(tx, e.With("resources", strconv.Itoa(len(merged.Resources))).With("gone", strconv.Itoa(len(left))).
			With("changes", strconv.Itoa(len(changes))).With("booked", strconv.Itoa(len(booked))).With("incomplete_listings", strconv.Itoa(unread(inv))).
			With("taken_at", inv.TakenAt.UTC().Format(time.RFC3339)))
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("put inventory of %s: %w", inv.Cloud, err)
	}
	return changes, booked, nil
}

// unread is how many listings of an inventory were not read to the end.
func unread(inv cloud.Inventory) int {
	n := 0
	for _, s := range inv.Scopes {
		if !s.Complete {
			n++
		}
	}
	return n
}

// Inventory returns the current inventory of a cloud; false when there is
// none.
func (s *Store) Inventory(cloudName string) (inv cloud.Inventory, ok bool, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		inv, ok, err = s.inventory(tx, cloudName)
		return err
	})
	if err != nil {
		return cloud.Inventory{}, false, fmt.Errorf("read inventory of %s: %w", cloudName, err)
	}
	return inv, ok, nil
}

// Inventories returns the current inventories of all clouds, by name.
func (s *Store) Inventories() ([]cloud.Inventory, error) {
	var out []cloud.Inventory
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(inventoryBucket).ForEach(func(name, packed []byte) error {
			var inv cloud.Inventory
			if err := s.packer.unpack(packed, &inv); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			out = append(out, inv)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read inventories: %w", err)
	}
	return out, nil
}

// Gone returns the resources of a cloud that are listed no more, as they were last
// seen, by id.
func (s *Store) Gone(cloudName string) ([]cloud.Resource, error) {
	var out []cloud.Resource
	prefix := pair(cloudName, "")
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(goneBucket).Cursor()
		for k, text := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, text = c.Next() {
			var r cloud.Resource
			if err := decode(text, &r); err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is gone of %s: %w", cloudName, err)
	}
	return out, nil
}

// GoneOf returns those of the resources that are listed no more in a cloud, by id.
func (s *Store) GoneOf(cloudName string, ids []string) (out map[string]bool, err error) {
	out = map[string]bool{}
	err = s.view(func(tx *bolt.Tx) error {
		for _, id := range ids {
			if tx.Bucket(goneBucket).Get(pair(cloudName, id)) != nil {
				out[id] = true
			}
		}
		return nil
	})
	return out, err
}

func (s *Store) inventory(tx *bolt.Tx, cloudName string) (inv cloud.Inventory, ok bool, err error) {
	packed := tx.Bucket(inventoryBucket).Get([]byte(cloudName))
	if packed == nil {
		return inv, false, nil
	}
	err = s.packer.unpack(packed, &inv)
	return inv, err == nil, err
}

func putChanges(tx *bolt.Tx, changes []cloud.Change) error {
	b := tx.Bucket(changeBucket)
	for _, c := range changes {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := putJSON(b, binary.BigEndian.AppendUint64(instantKey(c.At), n), c); err != nil {
			return err
		}
	}
	return nil
}

// Changes returns the changes of one resource, or of all when resource is
// empty, by time, resource and field.
func (s *Store) Changes(resource string) ([]cloud.Change, error) {
	var out []cloud.Change
	quoted, err := json.Marshal(resource)
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	err = s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(changeBucket).ForEach(func(_, text []byte) error {
			// A look at the text spares decoding what is another's.
			if resource != "" && !strings.Contains(string(text), string(quoted)) {
				return nil
			}
			var c cloud.Change
			if err := decode(text, &c); err != nil {
				return err
			}
			if resource == "" || c.ResourceID == resource {
				out = append(out, c)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	slices.SortStableFunc(out, func(a, b cloud.Change) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.Field, b.Field))
	})
	return out, nil
}

// checkName refuses what cannot be a part of a key.
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s has no name", what)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("%s %q: want a name without NUL", what, name)
	case len(name) > 1024:
		return fmt.Errorf("%s %.40q…: want a name of at most 1024 bytes", what, name)
	}
	return nil
}
