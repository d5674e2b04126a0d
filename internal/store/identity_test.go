package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

type paper struct{ Name string }

func TestIdentitiesAreKeptWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := reopen(t, path)
	if err := s.UpdateIdentities(func(i Identities) error {
		if !i.Empty(Accounts) {
			t.Error("a new file holds accounts")
		}
		return errors.Join(i.Put(Accounts, "a", paper{"张"}), i.Put(Accounts, "b", paper{"李"}), i.Put(Links, "a", paper{"x"}))
	}); err != nil {
		t.Fatal(err)
	}
	changed := errors.New("changed my mind")
	if err := s.UpdateIdentities(func(i Identities) error {
		return errors.Join(i.Delete(Accounts, "a"), i.Put(Accounts, "c", paper{"王"}), changed)
	}); !errors.Is(err, changed) {
		t.Fatalf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = reopen(t, path)
	if err := s.ViewIdentities(func(i Identities) error {
		var names []string
		if err := EachIdentity(i, Accounts, func(key string, p paper) error {
			names = append(names, key+p.Name)
			return nil
		}); err != nil {
			return err
		}
		if len(names) != 2 || names[0] != "a张" || names[1] != "b李" {
			t.Errorf("accounts are %q", names)
		}
		var p paper
		if found, err := i.Get(Sessions, "a", &p); found || err != nil {
			t.Errorf("a key of one kind is found in another: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedIdentityIsNamed(t *testing.T) {
	s := fresh(t)
	put := func(text []byte) {
		if err := s.update(func(tx *bolt.Tx) error {
			return tx.Bucket(identityBucket).Bucket([]byte(Accounts)).Put([]byte("zhang"), text)
		}); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte(`{"Name":`))
	if err := s.Check(t.Context()); !errors.Is(err, ErrDamaged) || !bytes.Contains([]byte(err.Error()), []byte(`accounts "zhang"`)) {
		t.Errorf("check says %v", err)
	}
	if err := s.ViewIdentities(func(i Identities) error {
		_, err := i.Get(Accounts, "zhang", &paper{})
		return err
	}); !errors.Is(err, ErrDamaged) {
		t.Errorf("get says %v", err)
	}
	put([]byte(`{}`)) // for the check at the end
}
