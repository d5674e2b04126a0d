package history

import (
	"context"
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// trim cuts points that have been folded off the blocks that also hold open
// days, as those of an import up to the present do: kept until the open day
// ends, they would lie in the file twice.
func (s *Store) trim(ctx context.Context) error {
	var heavy []uint64
	start := int64(0)
	err := s.view(func(tx *bolt.Tx) error {
		r, err := s.newReader(tx)
		if err != nil {
			return err
		}
		start = s.calendar.dayStart(r.mark.day)
		for _, b := range r.sections {
			// By the time they span, at least half of the points are folded.
			if b.sequence <= r.mark.sequence && b.minT < start && 2*(start-b.minT) >= b.maxT-b.minT {
				heavy = append(heavy, b.sequence)
			}
		}
		heavy = slices.Compact(heavy)
		return nil
	})
	if err != nil {
		return err
	}
	dec := newDecoder()
	defer dec.z.Close()
	for _, sequence := range heavy {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.update(func(tx *bolt.Tx) error { return s.trimBlock(tx, dec, sequence, start) }); err != nil {
			return err
		}
	}
	return nil
}

// trimBlock writes a block anew with its points from start on. Nothing but trim
// and fold, of which one runs at a time, takes blocks away.
func (s *Store) trimBlock(tx *bolt.Tx, dec *decoder, sequence uint64, start int64) error {
	blocks := tx.Bucket(bucketBlocks)
	key := binary.BigEndian.AppendUint64(nil, sequence)
	var open []coded
	err := blocks.Bucket(key).ForEach(func(k, v []byte) error {
		if err := keepDamaged(tx, bucketBlocks, append(slices.Clip(key), k...), v); err != nil {
			return err
		}
		_ = splitSections(sequence, k, v, func(data []byte) { // what is damaged has just been put aside
			h, err := head(data)
			if err != nil || h.maxT < start {
				return
			}
			_ = dec.section(sectionKey(sequence, k[0], h.first), data, func(id uint32, runs []run, step int64, values []float64) {
				var points []cloud.Point
				at := 0
				for _, r := range runs {
					for i := range r.n {
						if t := r.t + int64(i)*step; t >= start {
							points = append(points, cloud.Point{T: t, V: values[at]})
						}
						at++
					}
				}
				if len(points) > 0 {
					open = append(open, coded{metric: k[0], id: id, points: points})
				}
			})
		})
		return nil
	})
	if err != nil {
		return err
	}
	if err := blocks.DeleteBucket(key); err != nil || len(open) == 0 {
		return err
	}
	_, err = s.writeBlock(blocks, sequence, open)
	return err
}
