package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/ledger"
)

// The index of the ledger finds the entries that an inventory may concern without
// reading those of years. Its keys end in the key of an entry, and have no value:
//
//	r cloud NUL resource NUL key  entries about a resource
//	o id NUL key                  entries that take from one, correct or verify it
//	i id NUL key                  the entry of an id
//	u cloud NUL key               entries that give and were neither verified nor reversed whole
//	n cloud NUL                   none: resources got other owners, and the next inventory is looked at
var ledgerIndexBucket = []byte("ledger index")

// createLedgerIndex makes the index of the entries that are there.
func createLedgerIndex(tx *bolt.Tx) error {
	ix, err := tx.CreateBucketIfNotExists(ledgerIndexBucket)
	if err != nil {
		return err
	}
	all, err := entriesOf(tx.Bucket(ledgerBucket))
	if err != nil {
		return err
	}
	return index(tx.Bucket(ledgerBucket), ix, all)
}

// putEntries appends entries to the ledger.
func putEntries(tx *bolt.Tx, entries []ledger.Entry) error {
	var puts []put
	for _, e := range entries {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		puts = append(puts, put{entryKey(e), text})
	}
	if err := putAll(tx.Bucket(ledgerBucket), puts); err != nil {
		return err
	}
	return index(tx.Bucket(ledgerBucket), tx.Bucket(ledgerIndexBucket), entries)
}

// put is what is put under a key.
type put struct{ key, value []byte }

// putAll puts in the order of keys. A leaf is not split before the transaction ends, and
// where keys come in any order each moves what stands behind it: of 50,000 that takes a
// minute.
func putAll(b *bolt.Bucket, puts []put) error {
	slices.SortFunc(puts, func(x, y put) int { return bytes.Compare(x.key, y.key) })
	for _, p := range puts {
		if err := b.Put(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

// index links entries of b, once they are there: by a clock that ran ahead what takes may
// stand before what gave.
func index(b, ix *bolt.Bucket, entries []ledger.Entry) error {
	var links []put
	for _, e := range entries {
		key := entryKey(e)
		links = append(links, put{key: link('r', pair(e.Cloud, e.ResourceID), key)}, put{key: link('i', []byte(e.ID), key)})
		if e.Of != "" {
			links = append(links, put{key: link('o', []byte(e.Of), key)})
		}
		if e.Effect.Gives() {
			links = append(links, put{key: link('u', []byte(e.Cloud), key)})
		}
	}
	if err := putAll(ix, links); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Effect.Gives() || e.Effect == ledger.Rebound {
			continue
		}
		if err := each(ix, link('i', []byte(e.Of), nil), func(of []byte) error {
			var gave ledger.Entry
			if err := decode(b.Get(of), &gave); err != nil {
				return fmt.Errorf("entry %q: %w", of, err)
			}
			// A release is reversed whole; of a resource that grew, something may be left to verify.
			if e.Effect == ledger.Reversed && gave.Effect != ledger.Released && e.Changed == 0 {
				return nil
			}
			return ix.Delete(link('u', []byte(e.Cloud), of))
		}); err != nil {
			return err
		}
	}
	return nil
}

func link(kind byte, of, key []byte) []byte {
	return append(append(append([]byte{kind}, of...), 0), key...)
}

// each calls f with what follows a prefix in the keys of an index.
func each(ix *bolt.Bucket, prefix []byte, f func(key []byte) error) error {
	var keys [][]byte
	c := ix.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k[len(prefix):]))
	}
	for _, k := range keys {
		if err := f(k); err != nil {
			return err
		}
	}
	return nil
}

// concerned reads the entries that booking an inventory may look at: those since an
// instant, those of the resources that it touches, those not verified yet, and with
// each what it takes from and what takes from it.
func concerned(tx *bolt.Tx, cloudName string, ids []string, since time.Time) ([]ledger.Entry, error) {
	b, ix := tx.Bucket(ledgerBucket), tx.Bucket(ledgerIndexBucket)
	var out []ledger.Entry
	read := map[string]bool{}
	var add func(key []byte) error
	add = func(key []byte) error {
		if read[string(key)] {
			return nil
		}
		read[string(key)] = true
		text := b.Get(key)
		if text == nil {
			return fmt.Errorf("%w: the index of the ledger names an entry %q that is not there", ErrDamaged, key)
		}
		var e ledger.Entry
		if err := decode(text, &e); err != nil {
			return fmt.Errorf("entry %q: %w", key, err)
		}
		out = append(out, e)
		if err := each(ix, link('o', []byte(e.ID), nil), add); err != nil || e.Of == "" {
			return err
		}
		return each(ix, link('i', []byte(e.Of), nil), add)
	}
	prefix := pair(cloudName, "")
	c := b.Cursor()
	for k, _ := c.Seek(append(bytes.Clone(prefix), instantKey(since)...)); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if err := add(bytes.Clone(k)); err != nil {
			return nil, err
		}
	}
	if err := each(ix, link('u', []byte(cloudName), nil), add); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := each(ix, link('r', pair(cloudName, id), nil), add); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lookAgain is the key that says that the next inventory of a cloud is looked at, whatever
// it says.
func lookAgain(cloudName string) []byte { return link('n', []byte(cloudName), nil) }

// unverified reports whether something that was booked of a cloud waits to be verified.
func unverified(tx *bolt.Tx, cloudName string) bool {
	prefix := link('u', []byte(cloudName), nil)
	k, _ := tx.Bucket(ledgerIndexBucket).Cursor().Seek(prefix)
	return bytes.HasPrefix(k, prefix)
}

// touched are the resources of which two inventories say something else that may be
// booked.
func touched(before, inv cloud.Inventory) (ids []string) {
	type state struct {
		vcpu                   int
		memory, storage, speed float64
		category               string
	}
	of := func(r cloud.Resource) state {
		return state{r.VCPU, r.MemoryGiB, r.StorageGiB, r.BandwidthMbps, r.Category}
	}
	was := make(map[string]state, len(before.Resources))
	for _, r := range before.Resources {
		was[r.ID] = of(r)
	}
	for _, r := range inv.Resources {
		if s, had := was[r.ID]; !had || s != of(r) {
			ids = append(ids, r.ID)
		}
		delete(was, r.ID)
	}
	for id := range was {
		ids = append(ids, id)
	}
	return ids
}
