package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// worked is a history with chunks and blocks in every bucket.
func worked(t *testing.T) *Store {
	t.Helper()
	s := fresh(t)
	for i := range 200 {
		mustAppend(t, s, series(fmt.Sprint("i-", i), cloud.CPUPercent, grid(monday, 288, noise(uint64(i)))...))
	}
	mustFold(t, s, monday.AddDate(0, 0, 40))
	for i := range 200 {
		mustAppend(t, s, series(fmt.Sprint("i-", i), cloud.MemoryPercent, grid(monday.AddDate(0, 0, 40), 50, noise(uint64(i)))...))
	}
	return s
}

func TestProgress(t *testing.T) {
	s := worked(t)
	for _, job := range []struct {
		name  string
		calls int // at least
		run   func(context.Context) error
	}{
		{"check", 200, func(ctx context.Context) error { return s.Check(ctx, func(d Damage) { t.Error(d) }) }},
		{"stats", 2, func(ctx context.Context) error { _, err := s.Stats(ctx); return err }}, // in batches of resources
		{"compact", 200, s.Compact},
		{"fold", 1, func(ctx context.Context) error { return s.Fold(ctx, monday.AddDate(0, 0, 80)) }}, // in groups of megabytes
	} {
		calls, last, all := 0, int64(0), int64(0)
		err := job.run(WithProgress(t.Context(), func(done, total int64) {
			calls++
			if done <= last || done > total || all != 0 && total != all {
				t.Errorf("%s: %d of %d after %d of %d", job.name, done, total, last, all)
			}
			last, all = done, total
		}))
		if err != nil || calls < job.calls || last < all*3/4 {
			t.Errorf("%s: %d calls, at last %d of %d: %v", job.name, calls, last, all, err)
		}
	}
}

// Compact ends with its context, and leaves everything as it was.
func TestCompactIsInterrupted(t *testing.T) {
	s := worked(t)
	before, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.Compact(WithProgress(ctx, func(done, total int64) {
		if done > total/2 {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if _, err := os.Stat(s.path + compactSuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a copy is left behind: %v", err)
	}
	if after, err := os.ReadFile(s.path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file is not what it was: %v", err)
	}
	mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: monday.Unix(), V: 1}))
	if err := s.Compact(t.Context()); err != nil {
		t.Error(err)
	}
}

// However often the copy commits, it is the same.
func TestCopyInTransactions(t *testing.T) {
	s := worked(t)
	content := func(tx *bolt.Tx) (out []string) {
		var list func(path string, b *bolt.Bucket) error
		list = func(path string, b *bolt.Bucket) error {
			out = append(out, fmt.Sprintf("%s %d", path, b.Sequence()))
			return b.ForEach(func(k, v []byte) error {
				if v == nil {
					return list(fmt.Sprintf("%s/%x", path, k), b.Bucket(k))
				}
				out = append(out, fmt.Sprintf("%s %x=%x", path, k, v))
				return nil
			})
		}
		if err := tx.ForEach(func(name []byte, b *bolt.Bucket) error { return list(string(name), b) }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	err := s.view(func(from *bolt.Tx) error {
		want := content(from)
		for _, limit := range []int64{1000, 1 << 30} {
			dst, err := open(filepath.Join(t.TempDir(), "copy"), Options{})
			if err != nil {
				return err
			}
			defer dst.Close()
			if err := copyAll(t.Context(), dst, from, limit); err != nil {
				return err
			}
			err = dst.View(func(tx *bolt.Tx) error {
				for problem := range tx.Check() {
					t.Errorf("%d bytes a transaction: %v", limit, problem)
				}
				if got := content(tx); !slices.Equal(got, want) {
					t.Errorf("%d bytes a transaction: %d pieces that differ from %d", limit, len(got), len(want))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A bucket that damage has put within itself has no end; the copy does.
func TestCopyOfNestedBucketsEnds(t *testing.T) {
	nested, err := bolt.Open(filepath.Join(t.TempDir(), "nested"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer nested.Close()
	err = nested.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("within"))
		for range deepest {
			if err != nil {
				return err
			}
			b, err = b.CreateBucket([]byte("within"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dst, err := open(filepath.Join(t.TempDir(), "copy"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	err = nested.View(func(tx *bolt.Tx) error { return copyAll(t.Context(), dst, tx, 1<<30) })
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("copied: %v", err)
	}
}
