package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
)

// Layout version 1 kept a chunk or digest a key. A file of that layout is
// brought to the present one when it is opened for writing: band by band, each
// within one transaction, so that a crash only leaves less to do.
var (
	bucketBlocksV1  = []byte("blocks")  // sequence (8), metric (1), first resource (4) → section
	bucketDaysV1    = []byte("days")    // day (4), metric (1), resource (4) → chunk
	bucketSpansV1   = []byte("spans")   // span (4), metric (1), resource (4) → chunk
	bucketDigestsV1 = []byte("digests") // span (4), metric (1), resource (4) → digest
)

// upgradeTx is about how many bytes of old pieces a transaction takes up.
const upgradeTx = 8 << 20

func (s *Store) upgrade() error {
	enc, dec := newEncoder(zstd.SpeedDefault), newDecoder()
	for _, part := range []struct{ from, to []byte }{
		{bucketDaysV1, bucketDays}, {bucketSpansV1, bucketSpans}, {bucketDigestsV1, bucketDigests},
	} {
		for more := true; more; {
			err := s.update(func(tx *bolt.Tx) (err error) {
				more, err = upgradePart(tx, part.from, part.to, enc, dec)
				return err
			})
			if err != nil {
				return fmt.Errorf("bring layout version 1 up to date: %w", err)
			}
		}
	}
	return s.update(func(tx *bolt.Tx) error {
		if err := upgradeBlocks(tx); err != nil {
			return fmt.Errorf("bring layout version 1 up to date: %w", err)
		}
		return putVersion(tx)
	})
}

// upgradeBlocks puts each section, as it is, into a value of its own.
func upgradeBlocks(tx *bolt.Tx) error {
	old := tx.Bucket(bucketBlocksV1)
	if old == nil {
		return nil
	}
	target, err := tx.CreateBucketIfNotExists(bucketBlocks)
	if err != nil {
		return err
	}
	err = old.ForEach(func(k, v []byte) error {
		if len(k) != 13 {
			return putAside(tx, bucketBlocksV1, k, v)
		}
		block, err := target.CreateBucketIfNotExists(slices.Clone(k[:8]))
		if err != nil {
			return err
		}
		key := slices.Clone(k[8:])
		return block.Put(key, joinSections(binary.BigEndian.Uint64(k), key, [][]byte{v}))
	})
	if err != nil {
		return err
	}
	if err := target.SetSequence(old.Sequence()); err != nil {
		return err
	}
	return tx.DeleteBucket(bucketBlocksV1)
}

// upgradePart takes up whole bands from the head of an old bucket, and reports
// whether more is left.
func upgradePart(tx *bolt.Tx, from, to []byte, enc *encoder, dec *decoder) (more bool, err error) {
	target, err := tx.CreateBucketIfNotExists(to)
	if err != nil {
		return false, err
	}
	old := tx.Bucket(from)
	if old == nil {
		return false, nil
	}
	target.FillPercent = 0.95
	bandKey := func(k []byte) []byte {
		return pieceKey(binary.BigEndian.Uint32(k), k[4], band(binary.BigEndian.Uint32(k[5:])))
	}
	var taken [][]byte
	size := 0
	cursor := old.Cursor()
	k, v := cursor.First()
	for k != nil && size < upgradeTx {
		if len(k) != 9 {
			if err := putAside(tx, from, k, v); err != nil {
				return false, err
			}
			taken = append(taken, slices.Clone(k))
			k, v = cursor.Next()
			continue
		}
		key := bandKey(k)
		var rows []row
		var digests []digestRow
		for ; len(k) == 9 && bytes.Equal(bandKey(k), key); k, v = cursor.Next() {
			taken = append(taken, slices.Clone(k))
			size += len(v)
			id := binary.BigEndian.Uint32(k[5:])
			if err := keepDamaged(tx, from, k, v); err != nil {
				return false, err
			}
			if points, err := dec.chunkV1(k, v); err == nil {
				rows = append(rows, row{id, points.points(nil)})
			}
			if body, err := unseal(k, v, digestV1); err == nil {
				if d, err := dec.digestV1(body); err == nil {
					digests = append(digests, digestRow{id, d})
				}
			}
		}
		if len(rows) > 0 {
			err = target.Put(key, enc.appendSheet(nil, key, rows))
		}
		if len(digests) > 0 {
			err = target.Put(key, seal(key, enc.appendDigests(nil, digests)))
		}
		if err != nil {
			return false, err
		}
	}
	for _, k := range taken {
		if err := old.Delete(k); err != nil {
			return false, err
		}
	}
	if k == nil {
		return false, tx.DeleteBucket(from)
	}
	return true, nil
}

// chunkV1 decodes a chunk that stood alone.
func (d *decoder) chunkV1(key, data []byte) (chunk, error) {
	body, err := unseal(key, data, chunkV1)
	if err != nil {
		return chunk{}, err
	}
	return d.chunkBody(&sheet{}, body, true)
}

// digestV1 decodes a digest that stood alone: a bit for each day present, then
// three columns behind their lengths: counts, maxima, and everything rounded.
func (d *decoder) digestV1(body []byte) (spanDigest, error) {
	var out spanDigest
	if len(body) < 4 {
		return out, damaged("digest cut short")
	}
	present := binary.LittleEndian.Uint32(body)
	body = body[4:]
	for day := range uint32(32) {
		if present&(1<<day) != 0 {
			if day >= spanDays {
				return out, damaged("day %d of a span", day)
			}
			out.days = append(out.days, dayDigest{day: day})
		}
	}
	n := len(out.days)
	if n == 0 {
		return out, damaged("digest of no day")
	}
	for part := range 3 {
		size, rest, err := uvarint(body)
		if err != nil {
			return out, err
		}
		if size > uint64(len(rest)) {
			return out, damaged("digest cut short")
		}
		want := n
		if part == 2 {
			want = 4*n + len(out.hours)
		}
		col, err := d.values(rest[:size], want, false, nil)
		if err != nil {
			return out, err
		}
		body = rest[size:]
		for i := range n {
			x, v := &out.days[i], col.floats
			switch part {
			case 0:
				if !(v[i] >= 1 && v[i] <= daySeconds) {
					return out, damaged("digest of %v samples", v[i])
				}
				x.samples = int(v[i])
			case 1:
				x.max = v[i]
			default:
				x.mean, x.p50, x.p95, x.p99 = v[i], v[n+i], v[2*n+i], v[3*n+i]
			}
		}
		if part == 2 {
			copy(out.hours[:], col.floats[4*n:])
		}
	}
	if len(body) != 0 {
		return out, damaged("%d bytes behind a digest", len(body))
	}
	return out, nil
}
