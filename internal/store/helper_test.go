package store

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fresh opens a new store and checks the whole file when the test ends.
func fresh(t testing.TB) *Store {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "state.db"))
}

func reopen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.db.Path() == "" { // closed by the test
			return
		}
		if err := s.Check(context.Background()); err != nil {
			t.Errorf("check: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func at(hour int) time.Time { return time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC) }

// bucketKeys is every key of a bucket, to compare files.
func bucketKeys(t *testing.T, s *Store, name []byte) [][]byte {
	t.Helper()
	var out [][]byte
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(name).ForEach(func(k, _ []byte) error {
			out = append(out, bytes.Clone(k))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// entry is one of the journal, as a change asks for it.
func entry(action, object string) journal.Entry {
	return journal.New(context.Background(), at(1), action, journal.Object{Type: object})
}

func putAudit(s *Store, a audit.Audit) error {
	_, err := s.PutAudit(a, entry(journal.AuditDone, "audit"))
	return err
}

func putInventory(s *Store, inv cloud.Inventory) ([]cloud.Change, []ledger.Entry, error) {
	return s.PutInventory(inv, nil, entry(journal.InventoryStored, "cloud"))
}

func pruneAudits(s *Store, recent int, group func(time.Time) string) (int, error) {
	return s.PruneAudits(recent, group, entry(journal.AuditsPruned, "audits"))
}
