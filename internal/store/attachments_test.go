package store

import (
	"bytes"
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
