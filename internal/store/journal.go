package store

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
)

// UseHash sets the algorithm of journal entries to come, SHA-256 until then.
// Those that are there keep theirs.
func (s *Store) UseHash(a journal.Algorithm) { s.hash.Store(a) }

// append writes an entry of the journal into the transaction of what it records.
func (s *Store) append(tx *bolt.Tx, e journal.Entry) (journal.Head, error) {
	return journal.Append(tx, s.hash.Load().(journal.Algorithm), e)
}

// Record journals what changes nothing in the store, such as a sign-in that was
// refused or a report that was exported.
func (s *Store) Record(e journal.Entry) (head journal.Head, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		head, err = s.append(tx, e)
		return err
	})
	if err != nil {
		return journal.Head{}, fmt.Errorf("record %s: %w", e.Action, err)
	}
	return head, nil
}

// Journal hands every entry that f lets pass to do, from the first; all as of
// one instant. do must not write to the store.
func (s *Store) Journal(f journal.Filter, do func(journal.Entry) error) error {
	err := s.view(func(tx *bolt.Tx) error { return journal.Each(tx, f, do) })
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	return nil
}

// JournalHead names the journal as it stands, unproved; zero where nothing was
// recorded.
func (s *Store) JournalHead() (head journal.Head, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		head = journal.HeadOf(tx)
		return nil
	})
	if err != nil {
		return head, fmt.Errorf("read the journal's head: %w", err)
	}
	return head, nil
}

// VerifyJournal walks the chain of the journal, compares it with heads that were
// witnessed elsewhere, such as on a report, and every stored audit with the
// entry that records it.
func (s *Store) VerifyJournal(ctx context.Context, witnessed ...journal.Head) (v journal.Verified, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		v, err = s.verify(ctx, tx, witnessed)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("verify the journal: %w", err)
	}
	return v, nil
}

func (s *Store) verify(ctx context.Context, tx *bolt.Tx, witnessed []journal.Head) (journal.Verified, error) {
	v, err := journal.Verify(ctx, tx, witnessed...)
	if err != nil {
		return v, err
	}
	// An audit without a head was stored before there was a journal, unless
	// heads were taken out: then its entry is not answered by it.
	return v, tx.Bucket(headBucket).ForEach(func(key, text []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var head journal.Head
		if err := decode(text, &head); err != nil || len(key) != 8 {
			v.Add(journal.Problem{Kind: journal.Differing, Said: fmt.Sprintf("journal head of audit %x: %v", key, err)})
			return nil
		}
		asOf := instantOf(key).Format("2006-01-02T15:04:05Z07:00")
		differ := func(said string) {
			v.Add(journal.Problem{Seq: head.Seq, Kind: journal.Differing, Said: "audit of " + asOf + ": " + said})
		}
		e, ok := journal.Get(tx, head.Seq)
		if !ok || e.Hash != head.Hash {
			differ("it was stored with entry " + head.Short() + ", which is not there")
			return nil
		}
		stored, err := s.packer.unpackText(tx.Bucket(auditBucket).Get(key))
		if err != nil {
			differ(err.Error())
		} else if digest(stored) != e.Details[journal.DetailSHA256] {
			differ("its checksum is not the one recorded")
		}
		return nil
	})
}
