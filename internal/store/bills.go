package store

import (
	"fmt"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
	"yunjian/ledger"
)

// Bills returns the bills that were imported, by month.
func (s *Store) Bills() (out []ledger.Bill, err error) {
	err = s.view(func(tx *bolt.Tx) error { out, err = s.bills(tx); return err })
	if err != nil {
		return nil, fmt.Errorf("read bills: %w", err)
	}
	return out, nil
}

func (s *Store) bills(tx *bolt.Tx) (out []ledger.Bill, err error) {
	err = tx.Bucket(billBucket).ForEach(func(month, packed []byte) error {
		var b ledger.Bill
		if err := s.packer.unpack(packed, &b); err != nil {
			return fmt.Errorf("of %s: %w", month, err)
		}
		out = append(out, b)
		return nil
	})
	return out, err
}

// PutBills puts bills over those of the same months and, in the same transaction, adds to
// the ledger what they correct and verify, which it returns. e records it.
func (s *Store) PutBills(read []ledger.Bill, now time.Time, e journal.Entry) ([]ledger.Entry, error) {
	var booked []ledger.Entry
	err := s.update(func(tx *bolt.Tx) error {
		kept, err := s.bills(tx)
		if err != nil {
			return err
		}
		bills, err := ledger.MergeBills(kept, read, now)
		if err != nil {
			return err
		}
		for _, b := range bills {
			packed, err := s.packer.pack(b)
			if err != nil {
				return err
			}
			if err := tx.Bucket(billBucket).Put([]byte(b.Month), packed); err != nil {
				return err
			}
		}
		entries, err := entriesOf(tx.Bucket(ledgerBucket))
		if err != nil {
			return err
		}
		booked = ledger.Correct(entries, bills, now)
		if err := putEntries(tx, booked); err != nil {
			return err
		}
		_, err = s.append(tx, e.With("bills", strconv.Itoa(len(read))).With("booked", strconv.Itoa(len(booked))))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("put bills: %w", err)
	}
	return booked, nil
}
