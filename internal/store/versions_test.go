package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/notice"
	"yunjian/ownership"
)

// unpacked copies a file that an earlier version wrote to where it may be opened. These are never
// written anew: their versions are out.
func unpacked(t *testing.T, name string) (path string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	text, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compare wants two stores to hold the same.
func compare(t *testing.T, old, now *Store, reads map[string]func(*Store) (any, error)) {
	t.Helper()
	for name, read := range reads {
		was, err := read(old)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		is, err := read(now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(is, was); diff != "" {
			t.Errorf("%s (-now +earlier version):\n%s", name, diff)
		}
	}
}

// fill1 puts one of everything that version 1 keeps.
func fill1(t *testing.T, s *Store) {
	t.Helper()
	for hour, resources := range [][]cloud.Resource{{vm("a"), disk("d"), vm("g")}, {vm("a", off), disk("d")}} {
		if _, _, err := putInventory(s, inventory(hour+1, true, resources...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		s.PutObservations("province", []cloud.Observation{{Resource: "a", Metric: cloud.CPUPercent, Availability: cloud.Observed, Through: at(1)}}),
		s.AddCalls("province", at(1), map[string]int{"DescribeMetricList": 7}),
		putAudit(s, sampleAudit(at(3))),
		s.PutJob(JobResult{Name: "audit", Started: at(3), Finished: at(4), OK: true}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// inventories are all, without since when listings are read, which earlier versions did not
// keep.
func inventories(s *Store) (any, error) {
	all, err := s.Inventories()
	for _, inv := range all {
		for i := range inv.Scopes {
			inv.Scopes[i].Since = time.Time{}
		}
	}
	return all, err
}

// A file that version 1 wrote, which had no journal, opens and holds what was put.
func TestFileOfVersion1(t *testing.T) {
	old, now := reopen(t, unpacked(t, "v1.db.zst")), fresh(t)
	fill1(t, now)
	compare(t, old, now, map[string]func(*Store) (any, error){
		"inventories":  inventories,
		"changes":      func(s *Store) (any, error) { return s.Changes("") },
		"observations": func(s *Store) (any, error) { return s.Observations("province") },
		"calls":        func(s *Store) (any, error) { return s.Calls("province", "2026-11") },
		"audit": func(s *Store) (any, error) {
			a, _, err := s.LatestAudit(at(4))
			a.Journal = audit.JournalHead{}
			return a, err
		},
		"jobs":   func(s *Store) (any, error) { return s.Jobs() },
		"ledger": func(s *Store) (any, error) { return s.Ledger() },
		"gone":   func(s *Store) (any, error) { return bucketKeys(t, s, goneBucket), nil },
	})
}

// fill3 puts one of what came with versions 2 and 3.
func fill3(t *testing.T, s *Store) {
	t.Helper()
	fill1(t, s)
	c := notice.Case{ID: "c1", Round: 1, Workflow: "w@1", ResourceID: "a", Department: "示例市财政局", State: "notified", History: []notice.Step{{Seq: 1, Event: "open", By: "system", Role: notice.System, At: at(3), To: "detected"}}}
	directory := ownership.Directory{Departments: []ownership.Department{{Name: "示例市财政局", Contact: ownership.Contact{Name: "王科", Email: "wang@example.gov.cn"}}}}
	if _, err := s.PutDirectory(directory, at(3), entry(journal.OwnersImported, "owners")); err != nil {
		t.Fatal(err)
	}
	if err := s.Decide("", entry(journal.NoticeIssued, "notice"), func(d *Desk) error {
		d.Changed, d.Issued = []notice.Case{c}, &notice.Notice{Number: "浙财云通〔2026〕1号", Version: 1, Department: c.Department}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A file that version 3 wrote, which had no outbox, holds what was put and takes messages.
func TestFileOfVersion3(t *testing.T) {
	path := unpacked(t, "v3.db.zst")
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, ErrOlder) {
		t.Errorf("opened to be read alone: %v", err)
	}
	old, now := reopen(t, path), fresh(t)
	fill3(t, now)
	compare(t, old, now, map[string]func(*Store) (any, error){
		"inventories": inventories,
		"cases":       func(s *Store) (any, error) { return s.Cases() },
		"notices":     func(s *Store) (any, error) { return s.Notices() },
		"directory":   func(s *Store) (any, error) { return s.Directory() },
	})
	if added, err := old.PutMessage(message("one"), eight); err != nil || !added {
		t.Error(added, err)
	}
	if v, err := old.VerifyJournal(t.Context()); err != nil || len(v.Problems) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
}
