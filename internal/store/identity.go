package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// IdentityKind is a kind of document that says who somebody is. What the
// documents hold is the affair of internal/auth.
type IdentityKind string

// Kinds of identity documents.
const (
	Accounts     IdentityKind = "accounts"      // by name
	Sessions     IdentityKind = "sessions"      // by hash of the token
	APITokens    IdentityKind = "api tokens"    // by public id
	Links        IdentityKind = "links"         // by nonce
	Failures     IdentityKind = "failures"      // by what failed: an account's name or an address
	IdentityKeys IdentityKind = "identity keys" // by purpose
)

var identityKinds = []IdentityKind{Accounts, Sessions, APITokens, Links, Failures, IdentityKeys}

func createIdentities(tx *bolt.Tx) error {
	identities, err := tx.CreateBucketIfNotExists(identityBucket)
	if err != nil {
		return err
	}
	for _, kind := range identityKinds {
		if _, err := identities.CreateBucketIfNotExists([]byte(kind)); err != nil {
			return err
		}
	}
	return nil
}

// Identities is one open transaction over the identity documents. It is invalid
// once the function that it was handed to returns.
type Identities struct{ bucket *bolt.Bucket }

// ViewIdentities runs f in a transaction that reads.
func (s *Store) ViewIdentities(f func(Identities) error) error {
	return s.view(func(tx *bolt.Tx) error { return f(identitiesOf(tx)) })
}

// UpdateIdentities runs f in a transaction that writes, unless f returns an
// error. No other writes meanwhile, so that f must not do slow work.
func (s *Store) UpdateIdentities(f func(Identities) error) error {
	return s.update(func(tx *bolt.Tx) error { return f(identitiesOf(tx)) })
}

func identitiesOf(tx *bolt.Tx) Identities { return Identities{tx.Bucket(identityBucket)} }

// Get decodes the document under key into v; false where there is none.
func (i Identities) Get(kind IdentityKind, key string, v any) (bool, error) {
	text := i.bucket.Bucket([]byte(kind)).Get([]byte(key))
	if text == nil {
		return false, nil
	}
	if err := decode(text, v); err != nil {
		return false, fmt.Errorf("%s %q: %w", kind, key, err)
	}
	return true, nil
}

// Put stores v under key, which is not empty.
func (i Identities) Put(kind IdentityKind, key string, v any) error {
	if err := putJSON(i.bucket.Bucket([]byte(kind)), []byte(key), v); err != nil {
		return fmt.Errorf("put %s: %w", kind, err)
	}
	return nil
}

// Delete removes the document under key, if there is one.
func (i Identities) Delete(kind IdentityKind, key string) error {
	return i.bucket.Bucket([]byte(kind)).Delete([]byte(key))
}

// Empty reports whether there is no document of the kind.
func (i Identities) Empty(kind IdentityKind) bool {
	key, _ := i.bucket.Bucket([]byte(kind)).Cursor().First()
	return key == nil
}

// EachIdentity calls f with every document of a kind, in the order of keys. f
// must not write; it ends the walk by an error.
func EachIdentity[V any](i Identities, kind IdentityKind, f func(key string, v V) error) error {
	return i.bucket.Bucket([]byte(kind)).ForEach(func(key, text []byte) error {
		var v V
		if err := decode(text, &v); err != nil {
			return fmt.Errorf("%s %q: %w", kind, key, err)
		}
		return f(string(key), v)
	})
}
