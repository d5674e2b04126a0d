package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
		if err := putAudit(s, sampleAudit(at(day))); err != nil {
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

// damageNewerHead damages the head that bbolt goes by, and returns its page.
func damageNewerHead(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body := func(id int) []byte { return data[id*os.Getpagesize()+16:] }
	newer := 0
	if binary.NativeEndian.Uint64(body(1)[48:]) > binary.NativeEndian.Uint64(body(0)[48:]) {
		newer = 1
	}
	copy(body(newer)[56:], "damaged")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return newer
}

// Where the newer head is damaged, bbolt goes by the older one: opening does not
// put it right, Check says so, and what is written next, or a backup, leaves it on
// record.
func TestDamagedHead(t *testing.T) {
	for name, next := range map[string]func(t *testing.T, s *Store) *Store{
		"write": func(t *testing.T, s *Store) *Store {
			for hour := range 3 {
				if err := putAudit(s, sampleAudit(at(10+hour))); err != nil {
					t.Fatal(err)
				}
			}
			return s
		},
		"backup": func(t *testing.T, s *Store) *Store {
			copied, err := os.Create(filepath.Join(t.TempDir(), "state.db"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Backup(copied)
			if err := errors.Join(err, copied.Close()); err != nil {
				t.Fatal(err)
			}
			return reopen(t, copied.Name())
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			s := reopen(t, path)
			for hour := range 2 {
				if err := putAudit(s, sampleAudit(at(hour))); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			head := damageNewerHead(t, path)
			want := fmt.Sprintf("page %d: its checksum does not hold", head)
			for _, readOnly := range []bool{true, false} {
				s, err := Open(path, Options{ReadOnly: readOnly})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Check(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want) {
					t.Errorf("read-only %v: check says %v, want %s", readOnly, err, want)
				}
				if hurt, err := s.Hurt(); err != nil || len(hurt) > 0 {
					t.Errorf("on record before anything is written: %v (%v)", hurt, err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			opened, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			s = next(t, opened)
			if err := s.Check(t.Context()); err != nil {
				t.Errorf("once it is put right: %v", err)
			}
			if hurt, err := s.Hurt(); err != nil || len(hurt) != 1 || !strings.Contains(hurt[0], want) {
				t.Errorf("on record: %q (%v), want %s", hurt, err, want)
			}
		})
	}
}

// A file whose newer head is damaged, and whose older one is that of an empty
// file, is not begun anew.
func TestDamagedFirstHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := reopen(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	damageNewerHead(t, path)
	if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "its checksum does not hold") {
		t.Errorf("opened: %v", err)
	}
}

// Check ends with its context, and does not take that for damage.
func TestCheckEnds(t *testing.T) {
	why := errors.New("enough")
	ctx, end := context.WithCancelCause(t.Context())
	end(why)
	if err := fresh(t).Check(ctx); !errors.Is(err, why) || errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want %v", err, why)
	}
}

// asked is a context that counts how often it is asked whether it has ended.
type asked struct {
	context.Context
	times int
}

func (a *asked) Err() error {
	a.times++
	return a.Context.Err()
}

// Check asks before each document: of many large audits each takes long.
func TestCheckEndsAmongDocuments(t *testing.T) {
	s := fresh(t)
	const audits = 30
	for hour := range audits {
		if err := putAudit(s, sampleAudit(at(hour))); err != nil {
			t.Fatal(err)
		}
	}
	ctx := &asked{Context: t.Context()}
	if err := s.Check(ctx); err != nil || ctx.times < audits {
		t.Errorf("asked %d times for %d audits: %v", ctx.times, audits, err)
	}
}
