package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// PutObservations merges what a source has come to know of series: the span
// asked for only grows (From the earliest, Through the latest), availability
// and detail are the last given, and an origin once known stays until another
// is given. All of it or nothing is stored.
func (s *Store) PutObservations(cloudName string, observations []cloud.Observation) error {
	if err := checkName("cloud", cloudName); err != nil {
		return fmt.Errorf("put observations: %w", err)
	}
	if len(observations) == 0 {
		return nil
	}
	// One value a resource, written in the order of keys: what bbolt is fast at.
	ordered := slices.Clone(observations)
	slices.SortStableFunc(ordered, func(a, b cloud.Observation) int { return cmp.Compare(a.Resource, b.Resource) })
	err := s.update(func(tx *bolt.Tx) error {
		b, err := tx.Bucket(observationBucket).CreateBucketIfNotExists([]byte(cloudName))
		if err != nil {
			return err
		}
		for len(ordered) > 0 {
			id := ordered[0].Resource
			if err := checkName("resource", id); err != nil {
				return err
			}
			n := 1
			for n < len(ordered) && ordered[n].Resource == id {
				n++
			}
			known := map[cloud.Metric]cloud.Observation{}
			if text := b.Get([]byte(id)); text != nil {
				if err := decode(text, &known); err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
			}
			for _, o := range ordered[:n] {
				known[o.Metric] = observed(known[o.Metric], o)
			}
			if err := putJSON(b, []byte(id), known); err != nil {
				return err
			}
			ordered = ordered[n:]
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put observations of %s: %w", cloudName, err)
	}
	return nil
}

// observed merges one observation into what is known.
func observed(known, o cloud.Observation) cloud.Observation {
	o.From = earliest(o.From, known.From)
	if known.Through.After(o.Through) {
		o.Through = known.Through
	}
	if o.Origin == "" {
		o.Origin = known.Origin
	}
	return o
}

// Observations returns what is known of every series of a cloud, by resource
// and metric; empty when nothing is.
func (s *Store) Observations(cloudName string) (map[string]map[cloud.Metric]cloud.Observation, error) {
	out := map[string]map[cloud.Metric]cloud.Observation{}
	err := s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(observationBucket).Bucket([]byte(cloudName))
		if b == nil {
			return nil
		}
		return b.ForEach(func(id, text []byte) error {
			known := map[cloud.Metric]cloud.Observation{}
			if err := decode(text, &known); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			out[string(id)] = known
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read observations of %s: %w", cloudName, err)
	}
	return out, nil
}

// month is how a month is named in keys and arguments.
const month = "2006-01"

// AddCalls adds calls made to a cloud, by action, to the month of at in at's
// own location.
func (s *Store) AddCalls(cloudName string, at time.Time, calls map[string]int) error {
	if err := checkName("cloud", cloudName); err != nil {
		return fmt.Errorf("add calls: %w", err)
	}
	if len(calls) == 0 {
		return nil
	}
	err := s.update(func(tx *bolt.Tx) error {
		b, key := tx.Bucket(callBucket), pair(cloudName, at.Format(month))
		total := map[string]int{}
		if text := b.Get(key); text != nil {
			if err := decode(text, &total); err != nil {
				return err
			}
		}
		for action, n := range calls {
			total[action] += n
		}
		return putJSON(b, key, total)
	})
	if err != nil {
		return fmt.Errorf("add calls of %s: %w", cloudName, err)
	}
	return nil
}

// Calls returns the calls made to a cloud in a month such as "2026-11", by
// action; empty when none were.
func (s *Store) Calls(cloudName, inMonth string) (map[string]int, error) {
	out := map[string]int{}
	err := s.view(func(tx *bolt.Tx) error {
		if text := tx.Bucket(callBucket).Get(pair(cloudName, inMonth)); text != nil {
			return decode(text, &out)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read calls of %s in %s: %w", cloudName, inMonth, err)
	}
	return out, nil
}
