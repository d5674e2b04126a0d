package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
)

// MaxAttachment is the largest document that is kept, in bytes: a stamped scan of some
// pages.
const MaxAttachment = 10 << 20

// MaxAttachments is how many documents are kept for one object: whoever holds a link to a
// notice must not fill the disk.
const MaxAttachments = 200

// MediaType tells what a document is by its first bytes, whatever its name says: PDF, JPEG
// or PNG, each with its end where the format has one. Empty: none of them.
func MediaType(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte("%PDF-1.")) || bytes.HasPrefix(text, []byte("%PDF-2.")):
		if bytes.Contains(text[max(0, len(text)-1024):], []byte("%%EOF")) {
			return "application/pdf"
		}
	case bytes.HasPrefix(text, []byte("\xff\xd8\xff")):
		if bytes.Contains(text[max(0, len(text)-1024):], []byte("\xff\xd9")) {
			return "image/jpeg"
		}
	case bytes.HasPrefix(text, []byte("\x89PNG\r\n\x1a\n")):
		if bytes.Contains(text[max(0, len(text)-1024):], []byte("IEND")) {
			return "image/png"
		}
	}
	return ""
}

// ErrDocument is why a document is not kept.
var ErrDocument = fmt.Errorf("want a whole PDF, JPEG or PNG of at most %d MiB, and at most %d for one object", MaxAttachment>>20, MaxAttachments)

// PutAttachment keeps a document by its content, once, and returns its SHA-256. e records
// it. of is what the document was handed in for, through which it can be read back: who
// knows a checksum has not thereby seen the document. The zero Object is for whoever
// writes the data folder itself.
func (s *Store) PutAttachment(text []byte, of journal.Object, e journal.Entry) (sum string, err error) {
	switch {
	case len(text) > MaxAttachment:
		return "", fmt.Errorf("a document of %d bytes: %w", len(text), ErrDocument)
	case MediaType(text) == "":
		return "", fmt.Errorf("the document is neither a PDF nor a JPEG nor a PNG, or it is cut off: %w", ErrDocument)
	}
	hash := sha256.Sum256(text)
	sum = hex.EncodeToString(hash[:])
	err = s.update(func(tx *bolt.Tx) error {
		b, fresh := tx.Bucket(attachmentBucket), false
		if b.Get([]byte(sum)) == nil {
			fresh = true
			if err := b.Put([]byte(sum), text); err != nil {
				return err
			}
		}
		if of != (journal.Object{}) {
			uses, err := tx.CreateBucketIfNotExists(useBucket)
			if err != nil {
				return err
			}
			if key := useKey(sum, of); uses.Get(key) == nil {
				if usesOf(uses, of) >= MaxAttachments {
					return fmt.Errorf("%d documents were handed in for this %s already: %w", MaxAttachments, of.Type, ErrDocument)
				}
				fresh = true
				if err := uses.Put(key, []byte{1}); err != nil {
					return err
				}
			}
		}
		if !fresh {
			return nil
		}
		_, err := s.append(tx, e.With(journal.DetailSHA256, sum))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep a document: %w", err)
	}
	return sum, nil
}

// HandedIn reports whether a document was handed in for an object.
func (s *Store) HandedIn(sum string, of journal.Object) (ok bool, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(useBucket)
		ok = b != nil && b.Get(useKey(sum, of)) != nil
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read what a document was handed in for: %w", err)
	}
	return ok, nil
}

// usesOf counts what was handed in for an object.
func usesOf(uses *bolt.Bucket, of journal.Object) (n int) {
	suffix := useKey("", of)
	_ = uses.ForEach(func(key, _ []byte) error { // which returns what this does
		if bytes.HasSuffix(key, suffix) {
			n++
		}
		return nil
	})
	return n
}

// useKey is SHA-256 NUL type:id.
func useKey(sum string, of journal.Object) []byte { return pair(sum, of.Type+":"+of.ID) }

// Attachment returns a document; false where there is none of that SHA-256.
func (s *Store) Attachment(sum string) (text []byte, ok bool, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		text = slices.Clone(tx.Bucket(attachmentBucket).Get([]byte(sum)))
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read a document: %w", err)
	}
	return text, text != nil, nil
}

// checkAttachment reports whether a document still is what its key says.
func checkAttachment(sum, text []byte) error {
	if hash := sha256.Sum256(text); hex.EncodeToString(hash[:]) != string(sum) {
		return errors.New("its content is not what it was")
	}
	return nil
}
