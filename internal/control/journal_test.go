package control

import (
	"errors"
	"os"
	"strings"
	"testing"

	"yunjian/internal/journal"
)

// The daemon verifies and lists its journal for whoever asks, and notes who did.
func TestJournalThroughTheDaemon(t *testing.T) {
	data := folder(t, 1)
	serve(t, data)
	c := dial(t, data.Dir)
	for range 3 {
		if err := data.Record(t.Context(), journal.ReportExported, journal.Object{Type: "report"}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := c.VerifyJournal(t.Context())
	if err != nil || !v.Whole() || v.Entries != 3 {
		t.Fatalf("%+v, %v", v, err)
	}
	wrong := journal.Head{Seq: 2, Hash: strings.Repeat("0", 24)}
	if v, err := c.VerifyJournal(t.Context(), v.Head, wrong); err != nil || len(v.Problems) != 1 || v.Problems[0].Kind != journal.Unmatched {
		t.Errorf("%+v, %v", v, err)
	}
	n := 0
	head, err := c.ExportJournal(t.Context(), journal.Filter{Object: "report"}, func(journal.Entry) error { n++; return nil })
	if err != nil || n != 3 || head != v.Head {
		t.Errorf("%d entries up to %v, %v", n, head, err)
	}
	var last journal.Entry
	if _, err := c.ExportJournal(t.Context(), journal.Filter{Action: journal.JournalExported}, func(e journal.Entry) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	if want := "cli:" + UserName(os.Geteuid()); last.Actor != want || last.Details["entries"] != "3" {
		t.Errorf("%+v; want actor %s", last, want)
	}
	full := errors.New("no room")
	if _, err := c.ExportJournal(t.Context(), journal.Filter{}, func(journal.Entry) error { return full }); !errors.Is(err, full) {
		t.Errorf("what cannot be written: %v", err)
	}
}
