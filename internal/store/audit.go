package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
)

// PutAudit stores an audit under its AsOf; one of the same instant replaces
// the one before.
func (s *Store) PutAudit(a audit.Audit) error {
	if a.AsOf.IsZero() {
		return fmt.Errorf("put audit: it has no time")
	}
	packed, err := s.packer.pack(a)
	if err != nil {
		return fmt.Errorf("put audit: %w", err)
	}
	err = s.update(func(tx *bolt.Tx) error {
		return tx.Bucket(auditBucket).Put(instantKey(a.AsOf), packed)
	})
	if err != nil {
		return fmt.Errorf("put audit: %w", err)
	}
	return nil
}

// Audit returns the audit of an instant; false when there is none.
func (s *Store) Audit(asOf time.Time) (a audit.Audit, ok bool, err error) {
	return s.audit(func(b *bolt.Bucket) []byte { return b.Get(instantKey(asOf)) })
}

// LatestAudit returns the last audit whose AsOf is not after notAfter; false
// when there is none.
func (s *Store) LatestAudit(notAfter time.Time) (a audit.Audit, ok bool, err error) {
	return s.audit(func(b *bolt.Bucket) []byte {
		limit := latestKey(notAfter)
		c := b.Cursor()
		key, packed := c.Seek(limit)
		if key == nil {
			_, packed = c.Last()
		} else if !bytes.Equal(key, limit) {
			_, packed = c.Prev()
		}
		return packed
	})
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
		return s.packer.unpack(packed, &a)
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
// group, such as the week that a report is of; it returns how many it removed.
func (s *Store) PruneAudits(recent int, group func(asOf time.Time) string) (removed int, err error) {
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
		}
		removed = len(drop)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("prune audits: %w", err)
	}
	return removed, nil
}
