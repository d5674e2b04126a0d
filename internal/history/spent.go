package history

import (
	"errors"
	"math"

	bolt "go.etcd.io/bbolt"
)

// A block is spent once all its points lie in sheets. Deleting a day's blocks at
// once would leave a day's pages free, and bbolt lists every free page anew at
// each commit. So blocks are only moved, with their pages as they are, to a
// bucket that nothing reads, and deleted bit by bit by the writes that need
// their room.
var bucketSpent = []byte("spent cycles") // sequence (8) → bucket; made when needed: files from before lack it

// spentAppends is for how many appends as large as the one at hand spent blocks
// are deleted at once. With too few the free pages lie scattered, and the file
// grows for want of neighbouring ones; many make bbolt's list long.
const spentAppends = 16

// spend takes a block away from the readers.
func spend(tx *bolt.Tx, sequence []byte) error {
	spent, err := tx.CreateBucketIfNotExists(bucketSpent)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketBlocks).MoveBucket(sequence, spent)
}

// makeRoomAhead deletes spent blocks for the appends to come where the file has
// grown since the last one: it lacks free pages, or those it has do not lie
// together. size is that of the append at hand.
func (s *Store) makeRoomAhead(tx *bolt.Tx, size int) error {
	before := s.size
	s.size = tx.Size()
	if s.size <= before {
		return nil
	}
	if err := makeRoom(tx, spentAppends*size); !errors.Is(err, errNothingSpent) {
		return err
	}
	return nil
}

var errNothingSpent = errors.New("there are no spent blocks")

// makeRoom deletes spent blocks, the oldest first, until they held size bytes or
// none is left. Their pages are free from the next transaction on.
func makeRoom(tx *bolt.Tx, size int) error {
	spent := tx.Bucket(bucketSpent)
	if spent == nil {
		return errNothingSpent
	}
	for room := 0; room < size; {
		k, _ := spent.Cursor().First()
		if k == nil {
			return tx.DeleteBucket(bucketSpent)
		}
		room += allocated(spent.Bucket(k))
		if err := spent.DeleteBucket(k); err != nil {
			return err
		}
	}
	return nil
}

// allocated is how many bytes a bucket's own pages take.
func allocated(b *bolt.Bucket) int {
	if b == nil {
		return 0
	}
	stats := b.Stats()
	return stats.LeafAlloc + stats.BranchAlloc
}

// dropSpent deletes all spent blocks.
func dropSpent(tx *bolt.Tx) error { return makeRoom(tx, math.MaxInt) }
