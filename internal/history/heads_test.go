package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yunjian/cloud"
)

// newerHead returns the page, 0 or 1, that a bbolt file goes by.
func newerHead(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	written := func(id int) uint64 { return binary.NativeEndian.Uint64(data[headAt(id)+48:]) }
	if written(1) > written(0) {
		return 1
	}
	return 0
}

// behead damages a head of a bbolt file.
func behead(t *testing.T, path string, id int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damaged"), headAt(id)+56); err != nil {
		t.Fatal(err)
	}
}

// With either head of a compacted file damaged, the other leads to all of it;
// the check of the tree, and Check, say which it is.
func TestDamagedHeadOfACompactFile(t *testing.T) {
	f := makeFile(t)
	for id := range 2 {
		path := filepath.Join(t.TempDir(), "history.db")
		if err := os.WriteFile(path, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, path, Options{})
		if err := errors.Join(s.CheckTree(t.Context()), s.Compact(t.Context()), s.CheckTree(t.Context()), s.Close()); err != nil {
			t.Fatal(err)
		}
		behead(t, path, id)
		s = openAt(t, path, Options{})
		if n := f.compare(t, s, new([]Damage), false); n > 0 {
			t.Errorf("without head %d %d samples are missing", id, n)
		}
		want := fmt.Sprintf("page %d: its checksum does not hold", id)
		if err := s.CheckTree(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("the check of the tree says %v, want %s", err, want)
		}
		if ds := damages(t, s); len(ds) != 1 || !strings.Contains(ds[0].Problem, want) || !ds[0].Fatal {
			t.Errorf("check reports %v, want %s", ds, want)
		}
	}
}

// A damaged head is on record before what is written next, or a backup, puts it
// right.
func TestDamagedHeadIsOnRecord(t *testing.T) {
	for name, next := range map[string]func(t *testing.T, s *Store) *Store{
		"append": func(t *testing.T, s *Store) *Store {
			for i := range 3 {
				mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday.AddDate(0, 0, 3+i), 1, wave)...))
			}
			return s
		},
		"backup": backedUp,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.db")
			s := openAt(t, path, Options{})
			mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 288, wave)...))
			mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday.AddDate(0, 0, 1), 288, wave)...))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			id := newerHead(t, path)
			behead(t, path, id)
			s = openAt(t, path, Options{})
			if ds := damages(t, s); len(ds) != 1 || !ds[0].Fatal {
				t.Fatalf("check reports %+v, want the head", ds)
			}
			s = next(t, s)
			want := fmt.Sprintf("page %d: its checksum does not hold", id)
			if ds := damages(t, s); len(ds) != 1 || !ds[0].Aside || !strings.Contains(ds[0].Problem, want) {
				t.Errorf("check reports %+v, want the head on record", ds)
			}
		})
	}
}
