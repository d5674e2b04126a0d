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
		if id != "" {
			c, ok, err = s.oneCase(tx, []byte(id))
		}
		return err
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

// caseIndexBucket finds the cases of a department, d department NUL id → nothing, and of a
// resource, r resource NUL id.
var caseIndexBucket = []byte("case index")

// createCaseIndex makes the index of the cases that are there.
func (s *Store) createCaseIndex(tx *bolt.Tx) error {
	if _, err := tx.CreateBucketIfNotExists(caseIndexBucket); err != nil {
		return err
	}
	all, err := s.cases(tx)
	if err != nil {
		return err
	}
	return indexCases(tx, all)
}

func indexCases(tx *bolt.Tx, cases []notice.Case) error {
	var links []put
	for _, c := range cases {
		links = append(links, put{key: link('d', []byte(c.Department), []byte(c.ID))}, put{key: link('r', []byte(c.ResourceID), []byte(c.ID))})
	}
	return putAll(tx.Bucket(caseIndexBucket), links)
}

// CasesAbout returns the cases about resources.
func (s *Store) CasesAbout(resources []string) (out []notice.Case, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		for _, r := range resources {
			of, err := s.indexed(tx, link('r', []byte(r), nil))
			if err != nil {
				return err
			}
			out = append(out, of...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return out, nil
}

// CasesOf returns the cases of a department, by id.
func (s *Store) CasesOf(department string) (out []notice.Case, err error) {
	err = s.view(func(tx *bolt.Tx) error { out, err = s.casesOf(tx, department); return err })
	if err != nil {
		return nil, fmt.Errorf("read cases of %s: %w", department, err)
	}
	return out, nil
}

func (s *Store) casesOf(tx *bolt.Tx, department string) ([]notice.Case, error) {
	return s.indexed(tx, link('d', []byte(department), nil))
}

func (s *Store) indexed(tx *bolt.Tx, prefix []byte) (out []notice.Case, err error) {
	err = each(tx.Bucket(caseIndexBucket), prefix, func(id []byte) error {
		c, ok, err := s.oneCase(tx, id)
		if err == nil && !ok {
			err = fmt.Errorf("%w: the index names a case %q that is not there", ErrDamaged, id)
		}
		out = append(out, c)
		return err
	})
	return out, err
}

func (s *Store) oneCase(tx *bolt.Tx, id []byte) (c notice.Case, ok bool, err error) {
	packed := tx.Bucket(caseBucket).Get(id)
	if packed == nil {
		return c, false, nil
	}
	return c, true, s.packer.unpack(packed, &c)
}

// keepCases keeps cases and indexes them.
func (s *Store) keepCases(tx *bolt.Tx, cases []notice.Case) error {
	var puts []put
	for _, c := range cases {
		if err := checkName("case", c.ID); err != nil {
			return err
		}
		packed, err := s.packer.pack(c)
		if err != nil {
			return err
		}
		puts = append(puts, put{[]byte(c.ID), packed})
	}
	if err := putAll(tx.Bucket(caseBucket), puts); err != nil {
		return err
	}
	return indexCases(tx, cases)
}

// putCases keeps cases, and the entry that records it.
func (s *Store) putCases(tx *bolt.Tx, changed []notice.Case, e journal.Entry) error {
	if err := s.keepCases(tx, changed); err != nil {
		return err
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
