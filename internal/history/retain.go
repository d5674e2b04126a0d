package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// retainTx is how many chunks a transaction of Retain deletes.
const retainTx = 1 << 14

// Retain drops the samples of spans that ended more than raw before now; their
// daily digests stay. A span goes band by band in the course of the 28 days
// after that, as the room is needed: all at once its pages would be listed as
// free at every commit for weeks. So samples live up to 56 days longer than
// raw. Only folded spans are dropped: run Fold first.
//
// Age is counted from now or from the newest sample, whichever is earlier: a
// clock that is a year ahead deletes nothing.
func (s *Store) Retain(ctx context.Context, now time.Time, raw time.Duration) error {
	if raw <= 0 {
		return fmt.Errorf("retain history: retention %v: want a positive duration", raw)
	}
	s.caring.Lock()
	defer s.caring.Unlock()
	if err := s.retain(ctx, now, raw); err != nil {
		return fmt.Errorf("retain history: %w", err)
	}
	return nil
}

func (s *Store) retain(ctx context.Context, now time.Time, raw time.Duration) error {
	var doomed []uint32
	var before int64 // samples from then on stay
	bands := int64(1)
	err := s.view(func(tx *bolt.Tx) error {
		r, err := s.newReader(tx)
		if err != nil {
			return err
		}
		before = min(now.Unix(), s.newest(r)) - int64(raw/time.Second)
		if k, _ := r.names.Cursor().Last(); len(k) == 4 {
			bands = int64(band(binary.BigEndian.Uint32(k))) + 1
		}
		for _, span := range r.spans {
			if s.calendar.spanStart(span+1) <= before {
				doomed = append(doomed, span)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, span := range doomed {
		prefix := binary.BigEndian.AppendUint32(nil, span)
		due := func(key []byte) bool {
			return s.calendar.spanStart(span+1)+spanSeconds*int64(bandOf(key))/bands <= before
		}
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := s.update(func(tx *bolt.Tx) error {
				var keys [][]byte
				bucket := tx.Bucket(bucketSpans)
				cursor := bucket.Cursor()
				for k, _ := cursor.Seek(prefix); len(k) == 9 && slices.Equal(k[:4], prefix) && len(keys) < retainTx; k, _ = cursor.Next() {
					if due(k) {
						keys = append(keys, slices.Clone(k))
					}
				}
				more = len(keys) == retainTx
				for _, k := range keys {
					if err := bucket.Delete(k); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// newest is an instant at or after the newest sample, by at most a span.
func (s *Store) newest(r *reader) int64 {
	newest := int64(0)
	if n := len(r.spans); n > 0 {
		newest = s.calendar.spanStart(r.spans[n-1] + 1)
	}
	if n := len(r.days); n > 0 {
		newest = max(newest, s.calendar.dayStart(r.days[n-1]+1))
	}
	for _, b := range r.sections {
		newest = max(newest, b.maxT)
	}
	return newest
}
