package store

import (
	"fmt"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
	"yunjian/notice"
)

// Cases returns every case, by id.
func (s *Store) Cases() (out []notice.Case, err error) {
	err = s.view(func(tx *bolt.Tx) error { out, err = s.cases(tx); return err })
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return out, nil
}

// Case returns one case; false where there is none of that id.
func (s *Store) Case(id string) (c notice.Case, ok bool, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		packed := tx.Bucket(caseBucket).Get([]byte(id))
		if packed == nil {
			return nil
		}
		ok = true
		return s.packer.unpack(packed, &c)
	})
	if err != nil {
		return notice.Case{}, false, fmt.Errorf("read case %s: %w", id, err)
	}
	return c, ok, nil
}

func (s *Store) cases(tx *bolt.Tx) (out []notice.Case, err error) {
	err = tx.Bucket(caseBucket).ForEach(func(id, packed []byte) error {
		var c notice.Case
		if err := s.packer.unpack(packed, &c); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		out = append(out, c)
		return nil
	})
	return out, err
}

// UpdateCases shows f every case and keeps those that it returns, all of them or, where
// it fails, none: what was decided on is what is stored. e records it where anything
// changed.
func (s *Store) UpdateCases(e journal.Entry, f func(all []notice.Case) (changed []notice.Case, err error)) error {
	err := s.update(func(tx *bolt.Tx) error {
		all, err := s.cases(tx)
		if err != nil {
			return err
		}
		changed, err := f(all)
		if err != nil || len(changed) == 0 {
			return err
		}
		return s.putCases(tx, changed, e)
	})
	if err != nil {
		return fmt.Errorf("change cases: %w", err)
	}
	return nil
}

// putCases keeps cases, and the entry that records it.
func (s *Store) putCases(tx *bolt.Tx, changed []notice.Case, e journal.Entry) error {
	for _, c := range changed {
		if err := checkName("case", c.ID); err != nil {
			return err
		}
		packed, err := s.packer.pack(c)
		if err != nil {
			return err
		}
		if err := tx.Bucket(caseBucket).Put([]byte(c.ID), packed); err != nil {
			return err
		}
	}
	_, err := s.append(tx, ofCases(e, changed))
	return err
}

// mostNamed cases are named in an entry of the journal; what happened to each stands in
// its own history.
const mostNamed = 20

// ofCases says in an entry which cases it is about.
func ofCases(e journal.Entry, cases []notice.Case) journal.Entry {
	var ids []string
	for _, c := range cases[:min(len(cases), mostNamed)] {
		ids = append(ids, c.ID)
	}
	return e.With("cases", strconv.Itoa(len(cases))).With("case_ids", strings.Join(ids, " "))
}
