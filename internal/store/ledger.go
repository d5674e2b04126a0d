package store

import (
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/ledger"
)

// Booking gives the settings by which an inventory is booked, with the advice for the
// resources that may be booked; asked for only where there may be something to book.
type Booking func(resources []string) (ledger.Settings, error)

// bookAgain is how long an inventory without changes is not looked at for what it
// verifies.
const bookAgain = time.Hour

// bookInventory adds to the ledger what inv shows beside the inventory before, in the
// transaction that stores it: a crash books both or neither.
func (s *Store) bookInventory(tx *bolt.Tx, before, inv cloud.Inventory, booking Booking) ([]ledger.Entry, error) {
	if booking == nil || before.TakenAt.IsZero() {
		return nil, nil
	}
	ids := touched(before, inv)
	again := lookAgain(inv.Cloud)
	owed := tx.Bucket(ledgerIndexBucket).Get(again) != nil
	if len(ids) == 0 && !owed && !reowned(before, inv) && (sameHour(before.TakenAt, inv.TakenAt) || !unverified(tx, inv.Cloud)) {
		return nil, nil
	}
	if owed {
		if err := tx.Bucket(ledgerIndexBucket).Delete(again); err != nil {
			return nil, err
		}
	}
	settings, err := booking(ids)
	if err != nil {
		return nil, err
	}
	entries, err := concerned(tx, inv.Cloud, ids, settings.Since(inv.TakenAt))
	if err != nil {
		return nil, err
	}
	if err := resolve(tx, entries); err != nil {
		return nil, err
	}
	booked := ledger.Reconcile(before, inv, entries, settings)
	return booked, putEntries(tx, booked)
}

// reowned reports whether a resource has another owner, whose saving it may eat.
func reowned(before, inv cloud.Inventory) bool {
	type owner struct{ department, application string }
	was := make(map[string]owner, len(before.Resources))
	for _, r := range before.Resources {
		was[r.ID] = owner{r.Department, r.Application}
	}
	return slices.ContainsFunc(inv.Resources, func(r cloud.Resource) bool {
		o, had := was[r.ID]
		return had && o != owner{r.Department, r.Application}
	})
}

// sameHour reports whether two inventories lie within one of the spans in which the
// first alone is looked at for what it verifies.
func sameHour(a, b time.Time) bool { return a.Truncate(bookAgain).Equal(b.Truncate(bookAgain)) }

// Ledger returns all entries, by cloud and time, under the names that the directory of
// owners has now: what is stored is as it was written.
func (s *Store) Ledger() (out []ledger.Entry, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		if out, err = entriesOf(tx.Bucket(ledgerBucket)); err != nil {
			return err
		}
		return resolve(tx, out)
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return out, nil
}

// resolve joins entries to the directory of owners, so that a department that was
// renamed, or that a resource was assigned to, has them all. What takes from an entry is
// of whoever has that one, and of its year, which the first versions did not write down.
func resolve(tx *bolt.Tx, entries []ledger.Entry) error {
	owners, err := resolver(tx)
	if err != nil {
		return err
	}
	byID := make(map[string]*ledger.Entry, len(entries))
	for i, e := range entries {
		entries[i].Department, entries[i].Application = owners.Resolve(cloud.Resource{ID: e.ResourceID, Department: e.Department, Application: e.Application})
		byID[e.ID] = &entries[i]
	}
	for i, e := range entries {
		if of := byID[e.Of]; e.Of != "" && of != nil {
			entries[i].Department, entries[i].Application, entries[i].OfAt = of.Department, of.Application, of.At
		}
	}
	return nil
}

// entriesOf reads all entries.
func entriesOf(b *bolt.Bucket) (out []ledger.Entry, err error) {
	err = b.ForEach(func(k, text []byte) error {
		var e ledger.Entry
		if err := decode(text, &e); err != nil {
			return fmt.Errorf("entry %q: %w", k, err)
		}
		out = append(out, e)
		return nil
	})
	return out, err
}

// entryKey is cloud NUL instant id: entries of one cloud stand together, in the order of
// time.
func entryKey(e ledger.Entry) []byte {
	return append(append(pair(e.Cloud, ""), instantKey(e.At)...), e.ID...)
}
