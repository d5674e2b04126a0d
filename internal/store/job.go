package store

import (
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
)

// JobResult is how the last run of a job went.
type JobResult struct {
	Name     string    `json:"name"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	OK       bool      `json:"ok"`
	Summary  string    `json:"summary,omitempty"` // one line, for people
	Error    string    `json:"error,omitempty"`   // without secrets
	// Detail is what the job wants to find again, in a form of its own.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// PutJob keeps r as the last result of its job; entries record what it tells of.
func (s *Store) PutJob(r JobResult, entries ...journal.Entry) error {
	if err := checkName("job", r.Name); err != nil {
		return fmt.Errorf("put job: %w", err)
	}
	err := s.update(func(tx *bolt.Tx) error {
		for _, e := range entries {
			if _, err := s.append(tx, e); err != nil {
				return err
			}
		}
		return putJSON(tx.Bucket(jobBucket), []byte(r.Name), r)
	})
	if err != nil {
		return fmt.Errorf("put result of job %s: %w", r.Name, err)
	}
	return nil
}

// Jobs returns the last result of every job, by name.
func (s *Store) Jobs() ([]JobResult, error) {
	var out []JobResult
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(jobBucket).ForEach(func(name, text []byte) error {
			var r JobResult
			if err := decode(text, &r); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			out = append(out, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return out, nil
}
