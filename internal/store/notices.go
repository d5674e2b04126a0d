package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
	"yunjian/notice"
)

// Notices returns every version of every notice, by number and version.
func (s *Store) Notices() (out []notice.Notice, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		out, err = versions[notice.Notice](s, tx.Bucket(noticeBucket), "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return out, nil
}

// Versions returns every version of the notice of a number, the first one first.
func (s *Store) Versions(number string) (out []notice.Notice, err error) {
	if number == "" {
		return nil, nil
	}
	err = s.view(func(tx *bolt.Tx) error {
		out, err = versions[notice.Notice](s, tx.Bucket(noticeBucket), number)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read notice %s: %w", number, err)
	}
	return out, nil
}

// Acknowledgements returns every version of the answer to a notice, the first one first.
func (s *Store) Acknowledgements(number string) (out []notice.Acknowledgement, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		out, err = versions[notice.Acknowledgement](s, tx.Bucket(answerBucket), number)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	return out, nil
}

// versions reads what is kept of a number, or of all.
func versions[T any](s *Store, b *bolt.Bucket, number string) (out []T, err error) {
	var prefix []byte
	if number != "" {
		prefix = pair(number, "")
	}
	c := b.Cursor()
	for k, packed := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, packed = c.Next() {
		var v T
		if err := s.packer.unpack(packed, &v); err != nil {
			return nil, fmt.Errorf("%q: %w", k, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// numbered is number NUL version.
func numbered(number string, version int) []byte {
	return binary.BigEndian.AppendUint32(pair(number, ""), uint32(version)) //nolint:gosec // versions are counted by people
}

// Desk is what somebody who steps cases, issues a notice or answers one decides on, and
// decides. It reads within the transaction of Decide.
type Desk struct {
	s  *Store
	tx *bolt.Tx

	Versions   []notice.Notice          // of the notice asked for, the first one first
	Answers    []notice.Acknowledgement // to it
	Identities Identities               // for a link that the answer spends, or a correction ends

	Changed []notice.Case           // to be kept
	Issued  *notice.Notice          // a new version, to be kept
	Answer  *notice.Acknowledgement // a new version, to be kept
	Entry   journal.Entry           // that records it, where anything is kept
}

// Case returns one case; false where there is none of that id.
func (d *Desk) Case(id string) (notice.Case, bool, error) {
	if id == "" {
		return notice.Case{}, false, nil
	}
	return d.s.oneCase(d.tx, []byte(id))
}

// CasesOf returns the cases of a department, by id.
func (d *Desk) CasesOf(department string) ([]notice.Case, error) {
	return d.s.casesOf(d.tx, department)
}

// Numbers returns the numbers of all notices.
func (d *Desk) Numbers() []string { return numbers(d.tx) }

// Numbers returns the numbers of all notices, in their order.
func (s *Store) Numbers() (out []string, err error) {
	err = s.view(func(tx *bolt.Tx) error { out = numbers(tx); return nil })
	return out, err
}

func numbers(tx *bolt.Tx) (out []string) {
	c := tx.Bucket(noticeBucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		number, _, _ := bytes.Cut(k, []byte{0})
		if n := string(number); len(out) == 0 || out[len(out)-1] != n {
			out = append(out, n)
		}
	}
	return out
}

// Decide shows f what is known, with the versions of a notice and the answers to it where
// number names one, and keeps what it decides, all of it or, where it fails, nothing. A
// version that is there is never replaced.
func (s *Store) Decide(number string, e journal.Entry, f func(*Desk) error) error {
	return s.update(func(tx *bolt.Tx) error {
		d := Desk{s: s, tx: tx, Entry: e, Identities: identitiesOf(tx)}
		var err error
		if number != "" {
			if d.Versions, err = versions[notice.Notice](s, tx.Bucket(noticeBucket), number); err != nil {
				return err
			}
			if d.Answers, err = versions[notice.Acknowledgement](s, tx.Bucket(answerBucket), number); err != nil {
				return err
			}
		}
		if err := f(&d); err != nil {
			return err
		}
		if len(d.Changed) == 0 && d.Issued == nil && d.Answer == nil {
			return nil
		}
		put := func(b *bolt.Bucket, key []byte, v any) error {
			if b.Get(key) != nil {
				return fmt.Errorf("%q is there already", key)
			}
			packed, err := s.packer.pack(v)
			if err != nil {
				return err
			}
			return b.Put(key, packed)
		}
		if err := s.keepCases(tx, d.Changed); err != nil {
			return err
		}
		if n := d.Issued; n != nil {
			if err := put(tx.Bucket(noticeBucket), numbered(n.Number, n.Version), n); err != nil {
				return err
			}
		}
		if a := d.Answer; a != nil {
			if err := put(tx.Bucket(answerBucket), numbered(a.Number, a.Version), a); err != nil {
				return err
			}
		}
		_, err = s.append(tx, ofCases(d.Entry, d.Changed))
		return err
	})
}
