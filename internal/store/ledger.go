package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/ledger"
)

// Booking gives the settings by which an inventory is booked; asked for only where
// there may be something to book.
type Booking func() (ledger.Settings, error)

// bookAgain is how long an inventory without changes is not looked at for what it
// verifies.
const bookAgain = time.Hour

// bookInventory adds to the ledger what inv shows beside the inventory before, in the
// transaction that stores it: a crash books both or neither.
func (s *Store) bookInventory(tx *bolt.Tx, before, inv cloud.Inventory, changed bool, booking Booking) ([]ledger.Entry, error) {
	if booking == nil || before.TakenAt.IsZero() {
		return nil, nil
	}
	b := tx.Bucket(ledgerBucket)
	if !changed && !recategorized(before, inv) && sameHour(before.TakenAt, inv.TakenAt) {
		return nil, nil
	}
	settings, err := booking()
	if err != nil {
		return nil, err
	}
	entries, err := owned(tx, inv.Cloud)
	if err != nil {
		return nil, err
	}
	booked := ledger.Reconcile(before, inv, entries, settings)
	for _, e := range booked {
		if err := putJSON(b, entryKey(e), e); err != nil {
			return nil, err
		}
	}
	return booked, nil
}

// recategorized reports whether a disk has another category, which is no change that is
// kept, and yet may cost less.
func recategorized(before, inv cloud.Inventory) bool {
	was := map[string]string{}
	for _, r := range before.Resources {
		if r.Kind == cloud.Disk {
			was[r.ID] = r.Category
		}
	}
	for _, r := range inv.Resources {
		if c, had := was[r.ID]; had && c != r.Category {
			return true
		}
	}
	return false
}

// sameHour reports whether two inventories lie within one of the spans in which the
// first alone is looked at for what it verifies.
func sameHour(a, b time.Time) bool { return a.Truncate(bookAgain).Equal(b.Truncate(bookAgain)) }

// Ledger returns all entries, by cloud and time, under the names that the directory of
// owners has now: what is stored is as it was written.
func (s *Store) Ledger() (out []ledger.Entry, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		out, err = owned(tx, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return out, nil
}

// owned reads the entries of a cloud and joins them to the directory of owners, so that a
// department that was renamed, or that a resource was assigned to, has them all.
func owned(tx *bolt.Tx, cloudName string) ([]ledger.Entry, error) {
	entries, err := entriesOf(tx.Bucket(ledgerBucket), cloudName)
	if err != nil {
		return nil, err
	}
	owners, err := resolver(tx)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		entries[i].Department, entries[i].Application = owners.Resolve(cloud.Resource{ID: e.ResourceID, Department: e.Department, Application: e.Application})
	}
	return entries, nil
}

// entriesOf reads the entries of a cloud; of all where it is empty.
func entriesOf(b *bolt.Bucket, cloudName string) ([]ledger.Entry, error) {
	var prefix []byte
	if cloudName != "" {
		prefix = pair(cloudName, "")
	}
	var out []ledger.Entry
	c := b.Cursor()
	for k, text := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, text = c.Next() {
		var e ledger.Entry
		if err := decode(text, &e); err != nil {
			return nil, fmt.Errorf("entry %q: %w", k, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// entryKey is cloud NUL instant id: entries of one cloud stand together, in the order of
// time.
func entryKey(e ledger.Entry) []byte {
	return append(append(pair(e.Cloud, ""), instantKey(e.At)...), e.ID...)
}
