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

// PutAttachment keeps a document by its content, once, and returns its SHA-256. e records
// it.
func (s *Store) PutAttachment(text []byte, e journal.Entry) (sum string, err error) {
	switch {
	case len(text) > MaxAttachment:
		return "", fmt.Errorf("a document of %d bytes: want at most %d MiB", len(text), MaxAttachment>>20)
	case MediaType(text) == "":
		return "", errors.New("the document is neither a PDF nor a JPEG nor a PNG, or it is cut off")
	}
	hash := sha256.Sum256(text)
	sum = hex.EncodeToString(hash[:])
	err = s.update(func(tx *bolt.Tx) error {
		b := tx.Bucket(attachmentBucket)
		if b.Get([]byte(sum)) != nil {
			return nil
		}
		if err := b.Put([]byte(sum), text); err != nil {
			return err
		}
		_, err := s.append(tx, e.With(journal.DetailSHA256, sum))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep a document: %w", err)
	}
	return sum, nil
}

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
