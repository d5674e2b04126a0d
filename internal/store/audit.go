package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
)

// PutAudit stores an audit under its AsOf; one of the same instant replaces
// the one before. e records it: what it stood on and its checksum are filled in
// here. Policy, prices and configuration that differ from those of the audit
// done before get entries of their own. It returns the journal's head with e, which
// the audit has from then on.
func (s *Store) PutAudit(a audit.Audit, e journal.Entry) (journal.Head, error) {
	if a.AsOf.IsZero() {
		return journal.Head{}, fmt.Errorf("put audit: it has no time")
	}
	text, err := json.Marshal(a)
	if err != nil {
		return journal.Head{}, fmt.Errorf("put audit: %w", err)
	}
	e = e.With(journal.DetailSHA256, digest(text))
	e.Policy = journal.Policy{ID: a.Policy.ID, Version: a.Policy.Version, SHA256: a.Policy.SHA256}
	e.PriceBook, e.AsOf = a.PriceBook.ID+"@"+a.PriceBook.Version, a.AsOf
	packed := s.packer.packText(text)
	var head journal.Head
	err = s.update(func(tx *bolt.Tx) error {
		if before, ok := journal.Last(tx, e.Action); ok {
			for _, changed := range differences(before, e) {
				if _, err := s.append(tx, changed); err != nil {
					return err
				}
			}
		}
		if head, err = s.append(tx, e); err != nil {
			return err
		}
		if err := putJSON(tx.Bucket(headBucket), instantKey(a.AsOf), head); err != nil {
			return err
		}
		if err := s.putJudged(tx, a, e.At); err != nil {
			return err
		}
		return tx.Bucket(auditBucket).Put(instantKey(a.AsOf), packed)
	})
	if err != nil {
		return journal.Head{}, fmt.Errorf("put audit: %w", err)
	}
	return head, nil
}

// differences are the entries that say what an audit stands on and the one
// before did not.
func differences(before, now journal.Entry) []journal.Entry {
	var out []journal.Entry
	add := func(action, object, id string, from, to string) {
		if from == to {
			return
		}
		e := now
		e.Action, e.Object, e.Details, e.Reason = action, journal.Object{Type: object, ID: id}, nil, ""
		out = append(out, e.With(journal.DetailFrom, from).With(journal.DetailTo, to))
	}
	text := func(p journal.Policy) string { return p.ID + "@" + p.Version + " sha256:" + p.SHA256 }
	add(journal.PolicyChanged, "policy", now.Policy.ID, text(before.Policy), text(now.Policy))
	prices := func(e journal.Entry) string { return e.PriceBook + " sha256:" + e.Details[journal.DetailPrices] }
	add(journal.PricesChanged, "price_book", now.PriceBook, prices(before), prices(now))
	add(journal.ConfigChanged, "config", "", before.Details[journal.DetailConfig], now.Details[journal.DetailConfig])
	return out
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Audit returns the audit of an instant; false when there is none.
func (s *Store) Audit(asOf time.Time) (a audit.Audit, ok bool, err error) {
	return s.audit(func(b *bolt.Bucket) []byte { return b.Get(instantKey(asOf)) })
}

// LatestAudit returns the last audit whose AsOf is not after notAfter; false
// when there is none.
func (s *Store) LatestAudit(notAfter time.Time) (a audit.Audit, ok bool, err error) {
	return s.audit(func(b *bolt.Bucket) []byte { return lastAudit(b, notAfter) })
}

// lastAudit is the last audit that is not after an instant, packed; nil: none.
func lastAudit(b *bolt.Bucket, notAfter time.Time) []byte {
	limit := latestKey(notAfter)
	c := b.Cursor()
	key, packed := c.Seek(limit)
	if key == nil {
		_, packed = c.Last()
	} else if !bytes.Equal(key, limit) {
		_, packed = c.Prev()
	}
	return packed
}

// latestKey is the key of t, or of the last instant that a key can hold: year
// 2262.
func latestKey(t time.Time) []byte {
	if last := time.Unix(0, 1<<63-1); t.After(last) {
		t = last
	}
	return instantKey(t)
}

func (s *Store) audit(find func(*bolt.Bucket) []byte) (a audit.Audit, ok bool, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		packed := find(tx.Bucket(auditBucket))
		ok = packed != nil
		if !ok {
			return nil
		}
		if err := s.packer.unpack(packed, &a); err != nil {
			return err
		}
		head := tx.Bucket(headBucket).Get(instantKey(a.AsOf))
		if head == nil { // stored before there was a journal
			return nil
		}
		return decode(head, &a.Journal)
	})
	if err != nil {
		return audit.Audit{}, false, fmt.Errorf("read audit: %w", err)
	}
	for i := range a.Findings {
		forgetCoverage(&a.Findings[i])
	}
	return a, ok, nil
}

// forgetCoverage clears what earlier versions stored as the coverage of a verdict
// that rests on no metric: 0 where samples were not looked at, 1 of what is off or
// not a machine.
func forgetCoverage(f *analyzer.Finding) {
	if c := f.Coverage; c != nil && (*c == 0 || f.Kind != cloud.Instance || slices.Contains(f.Flags, analyzer.PoweredOff)) {
		f.Coverage = nil
	}
}

// AuditTimes returns the instants of all audits stored, ascending, in UTC.
func (s *Store) AuditTimes() ([]time.Time, error) {
	var out []time.Time
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(auditBucket).ForEach(func(key, _ []byte) error {
			out = append(out, instantOf(key))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list audits: %w", err)
	}
	return out, nil
}

// PruneAudits removes audits except the last recent ones and the last of each
// group, such as the week that a report is of; it returns how many it removed. e
// records that any were.
func (s *Store) PruneAudits(recent int, group func(asOf time.Time) string, e journal.Entry) (removed int, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		removed = 0
		c := tx.Bucket(auditBucket).Cursor()
		seen := map[string]bool{}
		var drop [][]byte
		for key, _ := c.Last(); key != nil; key, _ = c.Prev() { // newest first
			g := group(instantOf(key))
			if recent <= 0 && seen[g] {
				drop = append(drop, bytes.Clone(key))
			}
			seen[g] = true
			recent--
		}
		for _, key := range drop {
			if err := tx.Bucket(auditBucket).Delete(key); err != nil {
				return err
			}
			if err := tx.Bucket(headBucket).Delete(key); err != nil {
				return err
			}
		}
		if removed = len(drop); removed == 0 {
			return nil
		}
		oldest, newest := instantOf(drop[removed-1]), instantOf(drop[0])
		_, err := s.append(tx, e.With("audits", strconv.Itoa(removed)).
			With("oldest", oldest.Format(time.RFC3339)).With("newest", newest.Format(time.RFC3339)))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune audits: %w", err)
	}
	return removed, nil
}
