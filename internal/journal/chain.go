package journal

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// bucket holds the entries: number → hash, text. Its sequence is the number of
// the last one written, so that one cut off at the end is missed.
var bucket = []byte("journal")

// Prepare makes room for the journal in a file that has none.
func Prepare(tx *bolt.Tx) error {
	_, err := tx.CreateBucketIfNotExists(bucket)
	return err
}

// Append writes e after all others, in the transaction of the change that it
// records, and returns the chain's new head. It goes on behind a chain that is
// broken, too: what is done next must not go unrecorded.
func Append(tx *bolt.Tx, a Algorithm, e Entry) (Head, error) {
	e = e.cleaned()
	switch {
	case !actionName.MatchString(e.Action):
		return Head{}, fmt.Errorf("journal: action %.40q: want dotted lower-case words such as audit.done", e.Action)
	case e.Actor == "":
		return Head{}, fmt.Errorf("journal %s: nobody is named as its actor", e.Action)
	case e.Object.Type == "":
		return Head{}, fmt.Errorf("journal %s: its object has no type", e.Action)
	case e.At.IsZero():
		return Head{}, fmt.Errorf("journal %s: it has no time", e.Action)
	case !slices.Contains(Outcomes(), e.Outcome):
		return Head{}, fmt.Errorf("journal %s: outcome %q: want one of %v", e.Action, e.Outcome, Outcomes())
	}
	b := tx.Bucket(bucket)
	if b == nil {
		return Head{}, errNone
	}
	b.FillPercent = 1 // keys only ascend
	e.Previous = zeros
	if _, last := b.Cursor().Last(); len(last) >= size {
		e.Previous = hex.EncodeToString(last[:size])
	}
	var err error
	if e.Seq, err = b.NextSequence(); err != nil {
		return Head{}, err
	}
	e.Algorithm = a
	text, err := e.text()
	if err != nil {
		return Head{}, fmt.Errorf("journal %s: %w", e.Action, err)
	}
	sum, ok := a.sum(text)
	if !ok {
		return Head{}, fmt.Errorf("journal %s: hash %q: want %s or %s", e.Action, a, SHA256, SM3)
	}
	if err := b.Put(keyOf(e.Seq), append(sum[:], text...)); err != nil {
		return Head{}, fmt.Errorf("journal %s: %w", e.Action, err)
	}
	e.Hash = hex.EncodeToString(sum[:])
	return e.Head(), nil
}

// errNone says that a file holds no journal at all.
var errNone = errors.New("the file holds no journal: an older version wrote it, or the journal was taken out")

// Last returns the newest entry of an action; false where there is none, or
// where one that is newer cannot be read.
func Last(tx *bolt.Tx, action string) (Entry, bool) {
	b := tx.Bucket(bucket)
	if b == nil {
		return Entry{}, false
	}
	c := b.Cursor()
	for k, value := c.Last(); k != nil; k, value = c.Prev() {
		e, err := decode(value)
		if err != nil {
			return Entry{}, false
		}
		if e.Action == action {
			return e, true
		}
	}
	return Entry{}, false
}

// HeadOf names the chain as it stands, unproved; zero where nothing was recorded, or
// where the last entry cannot be read.
func HeadOf(tx *bolt.Tx) Head {
	b := tx.Bucket(bucket)
	if b == nil {
		return Head{}
	}
	_, value := b.Cursor().Last()
	e, err := decode(value)
	if err != nil {
		return Head{}
	}
	return e.Head()
}

// Get returns the entry of a number; false where there is none, or none that
// can be read.
func Get(tx *bolt.Tx, seq uint64) (Entry, bool) {
	b := tx.Bucket(bucket)
	if b == nil {
		return Entry{}, false
	}
	value := b.Get(keyOf(seq))
	if value == nil {
		return Entry{}, false
	}
	e, err := decode(value)
	return e, err == nil
}

// Each hands every entry that f lets pass to do, from the first. It ends with
// an error of do, or at an entry that cannot be read.
func Each(tx *bolt.Tx, f Filter, do func(Entry) error) error {
	b := tx.Bucket(bucket)
	if b == nil {
		return errNone
	}
	return b.ForEach(func(key, value []byte) error {
		e, err := decode(value)
		if err != nil {
			return fmt.Errorf("journal: entry %s: %w: `yunjian journal verify` says what is wrong with the chain", keyName(key), err)
		}
		if !f.Lets(e) {
			return nil
		}
		return do(e)
	})
}

// keyName is the number that a key stands for, however it looks.
func keyName(key []byte) string {
	if len(key) != 8 {
		return fmt.Sprintf("%x", key)
	}
	return fmt.Sprint(binary.BigEndian.Uint64(key))
}
