package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"yunjian/internal/journal"
)

func listed(t *testing.T, format string, entries ...journal.Entry) string {
	t.Helper()
	var b bytes.Buffer
	j, err := NewJournal(&b, format)
	if err != nil {
		t.Fatal(err)
	}
	j.Location = shanghai
	for _, e := range entries {
		if err := j.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(journal.Head{Seq: 7, Hash: "ab"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJournalList(t *testing.T) {
	e := journal.New(t.Context(), monday, journal.ReportFailed, journal.Object{Type: "report", ID: "2026-W47"})
	e.Seq, e.Outcome, e.Reason = 7, journal.Failed, `=HYPERLINK("http://x")`
	for n := range 3 {
		entries := make([]journal.Entry, n)
		for i := range entries {
			entries[i] = e
		}
		var doc struct {
			Entries []journal.Entry
			Head    journal.Head
		}
		if err := json.Unmarshal([]byte(listed(t, "json", entries...)), &doc); err != nil || len(doc.Entries) != n || doc.Head.Seq != 7 {
			t.Errorf("JSON of %d entries: %v, %+v", n, err, doc)
		}
		if lines := strings.Count(listed(t, "csv", entries...), "\r\n"); lines != n+1 {
			t.Errorf("CSV of %d entries has %d lines", n, lines)
		}
	}
	if csv := listed(t, "csv", e); !strings.HasPrefix(csv, "\ufeffseq,at,") || !strings.Contains(csv, `"'=HYPERLINK(""http://x"")"`) {
		t.Errorf("CSV: %q", csv)
	}
	text := listed(t, "text", e)
	for _, want := range []string{"7  2026-11-23 02:00:00  失败 failed  report.failed  report:2026-W47  system\n", "原因 reason: =HYPERLINK", "条目 entries: 1\n链头 head: 7:ab\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
	if _, err := NewJournal(&bytes.Buffer{}, "xml"); err == nil {
		t.Error("xml is taken")
	}
}
