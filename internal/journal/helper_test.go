package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 4, 0, 0, 123456789, time.UTC)

func fresh(t testing.TB) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "state.db"), 0o600, &bolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Update(Prepare); err != nil {
		t.Fatal(err)
	}
	return db
}

func sample(n int) Entry {
	return Entry{
		At: noon.Add(time.Duration(n) * time.Minute), Actor: "system", Action: AuditDone,
		Object: Object{Type: "audit", ID: fmt.Sprintf("2026-11-%02d", n%30+1)}, Outcome: Done,
		Details: map[string]string{"resources": fmt.Sprint(n), "release": "2"},
		Policy:  Policy{ID: "cn-gov-baseline", Version: "1", SHA256: "ab12"}, PriceBook: "example@1", AsOf: noon,
	}
}

// write appends n entries, every third by SM3, and returns the head.
func write(t testing.TB, db *bolt.DB, n int) (head Head) {
	t.Helper()
	err := db.Update(func(tx *bolt.Tx) error {
		for i := range n {
			a := SHA256
			if i%3 == 2 {
				a = SM3
			}
			var err error
			if head, err = Append(tx, a, sample(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func verify(t testing.TB, db *bolt.DB, witnessed ...Head) (v Verified) {
	t.Helper()
	err := db.View(func(tx *bolt.Tx) (err error) {
		v, err = Verify(context.Background(), tx, witnessed...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var errUndo = errors.New("undo")

// tampered verifies what change makes of a journal, and undoes it.
func tampered(db *bolt.DB, change func(b *bolt.Bucket) error, witnessed ...Head) (v Verified, err error) {
	err = db.Update(func(tx *bolt.Tx) error {
		if err := change(tx.Bucket(bucket)); err != nil {
			return err
		}
		var err error
		if v, err = Verify(context.Background(), tx, witnessed...); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		err = nil
	}
	return v, err
}

func value(b *bolt.Bucket, seq uint64) []byte { return bytes.Clone(b.Get(keyOf(seq))) }
