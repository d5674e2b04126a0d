package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"yunjian/internal/journal"
)

func TestAttachments(t *testing.T) {
	s := fresh(t)
	entry := journal.New(t.Context(), at(1), journal.DocumentKept, journal.Object{Type: "document"})
	pdf := []byte("%PDF-1.7\n…\n%%EOF\n")
	sum, err := s.PutAttachment(pdf, journal.Object{}, entry)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.PutAttachment(pdf, journal.Object{}, entry); err != nil || again != sum {
		t.Errorf("kept again as %s, %v", again, err)
	}
	if got, ok, err := s.Attachment(sum); err != nil || !ok || !bytes.Equal(got, pdf) {
		t.Errorf("%q, %v, %v", got, ok, err)
	}
	if _, ok, err := s.Attachment(strings.Repeat("0", 64)); ok || err != nil {
		t.Errorf("found what was never kept, %v", err)
	}
	for name, text := range map[string][]byte{
		"a program": []byte("\x7fELF"), "a page": []byte("<html>%PDF-1.7 %%EOF"), "a PDF cut off": []byte("%PDF-1.7\n"), "nothing": nil,
		"too large": append([]byte("%PDF-1.7\n"), append(make([]byte, MaxAttachment), []byte("%%EOF")...)...),
	} {
		if _, err := s.PutAttachment(text, journal.Object{}, entry); err == nil {
			t.Errorf("%s was kept", name)
		}
	}
}

// For one object so many are kept and no more; the same again is none more, and another
// object has its own.
func TestAttachmentsOfOneObject(t *testing.T) {
	s := fresh(t)
	of := journal.Object{Type: "notice", ID: "1"}
	entry := journal.New(t.Context(), at(1), journal.DocumentKept, of)
	put := func(n int, of journal.Object) error {
		_, err := s.PutAttachment(fmt.Appendf(nil, "%%PDF-1.7\n%d\n%%%%EOF\n", n), of, entry)
		return err
	}
	for n := range MaxAttachments {
		if err := put(n, of); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(MaxAttachments, of); !errors.Is(err, ErrDocument) {
		t.Errorf("one more: %v", err)
	}
	if err := put(0, of); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := put(MaxAttachments, journal.Object{Type: "notice", ID: "11"}); err != nil {
		t.Errorf("for another: %v", err)
	}
}

func FuzzMediaType(f *testing.F) {
	f.Add([]byte("%PDF-1.4 %%EOF"))
	f.Add([]byte("\xff\xd8\xff\xe0 \xff\xd9"))
	f.Add([]byte("\x89PNG\r\n\x1a\nIEND"))
	f.Fuzz(func(t *testing.T, text []byte) {
		kind := MediaType(text)
		if kind != "" && (bytes.HasPrefix(text, []byte("<")) || bytes.HasPrefix(text, []byte("MZ"))) {
			t.Errorf("%q is %s", text, kind)
		}
	})
}
