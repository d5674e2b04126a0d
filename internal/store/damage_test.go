package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// bbolt panics over pages that make no sense: reading and writing say that the
// file is damaged.
func TestDamagedPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for day := range 20 {
		if err := s.PutAudit(sampleAudit(at(day))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	for page := 2; page < len(text)/size; page++ {
		for i := range 16 {
			text[page*size+i] ^= 0x5a
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = Open(path, Options{})
	if err == nil {
		defer s.Close()
		_, _, err = s.LatestAudit(at(30))
	}
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("reading says %v, want %v", err, ErrDamaged)
	}
}
