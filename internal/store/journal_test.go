package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
)

var errUndo = errors.New("undo")

func actions(t *testing.T, s *Store) []string {
	t.Helper()
	out := []string{}
	err := s.Journal(journal.Filter{}, func(e journal.Entry) error {
		out = append(out, e.Action)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func verified(t *testing.T, s *Store, witnessed ...journal.Head) journal.Verified {
	t.Helper()
	v, err := s.VerifyJournal(context.Background(), witnessed...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A change and its entry are both there, or neither.
func TestChangeAndEntryTogether(t *testing.T) {
	s := fresh(t)
	if _, err := s.PutAudit(sampleAudit(at(1)), entry("Not an action", "audit")); err == nil {
		t.Error("an audit is stored without a proper entry")
	}
	if _, ok, err := s.Audit(at(1)); ok || err != nil {
		t.Errorf("the audit is there without its entry: %v, %v", ok, err)
	}
	if err := s.PutJob(JobResult{Name: "collect", Started: at(1)}, entry(journal.CollectionDone, "")); err == nil {
		t.Error("a job is stored without a proper entry")
	}
	if jobs, err := s.Jobs(); len(jobs) > 0 || err != nil {
		t.Errorf("%v, %v", jobs, err)
	}
	if got := actions(t, s); len(got) > 0 {
		t.Errorf("entries of what was not stored: %v", got)
	}
}

func TestAuditAndItsEntry(t *testing.T) {
	s := fresh(t)
	head, err := s.PutAudit(sampleAudit(at(3)), entry(journal.AuditDone, "audit"))
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := s.Audit(at(3))
	if err != nil || a.Journal.Seq != head.Seq || a.Journal.Hash != head.Hash || a.Journal.Algorithm != "sha256" {
		t.Errorf("the audit has the head %+v, %v; want %+v", a.Journal, err, head)
	}
	if v := verified(t, s, head); !v.Whole() {
		t.Errorf("%v", v.Problems)
	}
	for name, change := range map[string]func(tx *bolt.Tx) error{
		"another audit in its place": func(tx *bolt.Tx) error {
			other := sampleAudit(at(3))
			other.Totals.Resources = 2
			packed, err := s.packer.pack(other)
			if err != nil {
				return err
			}
			return tx.Bucket(auditBucket).Put(instantKey(at(3)), packed)
		},
		"none in its place": func(tx *bolt.Tx) error { return tx.Bucket(auditBucket).Delete(instantKey(at(3))) },
		"another head": func(tx *bolt.Tx) error {
			return putJSON(tx.Bucket(headBucket), instantKey(at(3)), journal.Head{Seq: 1, Hash: strings.Repeat("0", 64)})
		},
		"a head of no entry": func(tx *bolt.Tx) error {
			return putJSON(tx.Bucket(headBucket), instantKey(at(3)), journal.Head{Seq: 7, Hash: head.Hash})
		},
	} {
		var v journal.Verified
		undo := s.update(func(tx *bolt.Tx) (err error) {
			if err := change(tx); err != nil {
				return err
			}
			if v, err = s.verify(context.Background(), tx, nil); err != nil {
				return err
			}
			return errUndo
		})
		if !errors.Is(undo, errUndo) {
			t.Fatal(undo)
		}
		if v.Whole() || v.Problems[0].Kind != journal.Differing {
			t.Errorf("%s: %+v", name, v.Problems)
		}
	}
}

// What an audit stands on is compared with what the one before stood on.
func TestChangesBetweenAudits(t *testing.T) {
	s := fresh(t)
	put := func(hour int, version, prices, config string) {
		a := sampleAudit(at(hour))
		a.Policy.Version = version
		e := entry(journal.AuditDone, "audit").With(journal.DetailPrices, prices).With(journal.DetailConfig, config)
		if _, err := s.PutAudit(a, e); err != nil {
			t.Fatal(err)
		}
	}
	put(1, "1", "a", "x")
	put(2, "1", "a", "x")
	put(3, "2", "a", "x")
	put(4, "2", "b", "y")
	want := []string{
		journal.AuditDone, journal.AuditDone, journal.PolicyChanged, journal.AuditDone,
		journal.PricesChanged, journal.ConfigChanged, journal.AuditDone,
	}
	if diff := cmp.Diff(want, actions(t, s)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// A listing that says the same is no event; one that says otherwise is.
func TestInventoriesJournalled(t *testing.T) {
	s := fresh(t)
	put := func(hour int, complete bool, machines ...string) {
		inv := inventory(hour, complete)
		for _, id := range machines {
			inv.Resources = append(inv.Resources, vm(id))
		}
		if _, _, err := putInventory(s, inv); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name     string
		complete bool
		machines []string
		want     int
	}{
		{"the first", true, []string{"a"}, 1},
		{"the same", true, []string{"a"}, 1},
		{"one more", true, []string{"a", "b"}, 2},
		{"not read to the end", false, []string{"a", "b"}, 3},
		{"still not", false, []string{"a", "b"}, 3},
		{"one gone", true, []string{"a"}, 4},
	} {
		put(step.want, step.complete, step.machines...)
		if got := len(actions(t, s)); got != step.want {
			t.Errorf("%s: %d entries; want %d", step.name, got, step.want)
		}
	}
}

func TestPrunedAuditsJournalled(t *testing.T) {
	s := fresh(t)
	for hour := range 5 {
		if err := putAudit(s, sampleAudit(at(hour))); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing to remove
		if _, err := pruneAudits(s, 1, func(time.Time) string { return "" }); err != nil {
			t.Fatal(err)
		}
	}
	if got := actions(t, s); len(got) != 6 || got[5] != journal.AuditsPruned {
		t.Errorf("%v", got)
	}
	if v := verified(t, s); !v.Whole() {
		t.Errorf("%v", v.Problems)
	}
}

func TestHashChangesOnTheWay(t *testing.T) {
	s := fresh(t)
	var used []journal.Algorithm
	for _, a := range []journal.Algorithm{journal.SHA256, journal.SM3, journal.SHA256} {
		s.UseHash(a)
		head, err := s.Record(entry(journal.ReportExported, "report"))
		if err != nil {
			t.Fatal(err)
		}
		used = append(used, head.Algorithm)
	}
	if !slices.Equal(used, []journal.Algorithm{journal.SHA256, journal.SM3, journal.SHA256}) || !verified(t, s).Whole() {
		t.Errorf("%v, %v", used, verified(t, s).Problems)
	}
}

// The check of the file finds an entry that was altered.
func TestCheckReadsTheJournal(t *testing.T) {
	s, err := Open(t.TempDir()+"/state.db", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 3 {
		if _, err := s.Record(entry(journal.ReportExported, "report")); err != nil {
			t.Fatal(err)
		}
	}
	err = s.update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("journal"))
		k, v := b.Cursor().First()
		return b.Put(k, []byte(strings.Replace(string(v), "report", "trepor", 1)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "entry 1: altered") {
		t.Errorf("check: %v", err)
	}
}
