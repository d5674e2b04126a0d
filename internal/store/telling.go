package store

import (
	"fmt"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
	"yunjian/internal/send"
	"yunjian/notice"
)

// Telling is what people are told of cases.
type Telling struct {
	Cases     []notice.Case  // that note it
	Items     []send.Item    // for digests
	Messages  []send.Message // of their own
	Unreached []Unreached    // in place of those found before
}

// Unreached is somebody who is to be told something and has no address.
type Unreached struct {
	Role       notice.Role `json:"role"`
	Department string      `json:"department,omitempty"`
	Why        string      `json:"why"`
	Cases      int         `json:"cases"` // of which there is something to be told
}

// unreachedKey is where the outbox keeps who has no address.
var unreachedKey = []byte("unreached")

// TellOfCases shows f every case and keeps what it returns, and the links that it makes,
// in one transaction: that somebody was told, and what he is told. e records it, where anybody is told anything.
func (s *Store) TellOfCases(at time.Time, e journal.Entry, f func(all []notice.Case, i Identities) (Telling, error)) error {
	err := s.update(func(tx *bolt.Tx) error {
		all, err := s.cases(tx)
		if err != nil {
			return err
		}
		t, err := f(all, identitiesOf(tx))
		if err != nil {
			return err
		}
		if err := putJSON(tx.Bucket(outboxBucket), unreachedKey, t.Unreached); err != nil || len(t.Cases) == 0 {
			return err
		}
		if _, err := putItems(tx, t.Items); err != nil {
			return err
		}
		for _, m := range t.Messages {
			if _, err := putMessage(tx, m, at); err != nil {
				return err
			}
		}
		return s.putCases(tx, t.Cases, e.With("items", strconv.Itoa(len(t.Items))).With("messages", strconv.Itoa(len(t.Messages))))
	})
	if err != nil {
		return fmt.Errorf("tell of cases: %w", err)
	}
	return nil
}

// Unreached returns who was to be told something and had no address when that was
// looked at last.
func (s *Store) Unreached() (out []Unreached, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		out, err = unreached(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who has no address: %w", err)
	}
	return out, nil
}

func unreached(tx *bolt.Tx) (out []Unreached, err error) {
	if text := tx.Bucket(outboxBucket).Get(unreachedKey); text != nil {
		err = decode(text, &out)
	}
	return out, err
}
