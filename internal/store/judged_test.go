package store

import (
	"fmt"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/internal/journal"
	"yunjian/recommender"
)

// judgedAudit judges n resources, and advises and refuses of the first.
func judgedAudit(asOf time.Time, n int) audit.Audit {
	a := audit.Audit{AsOf: asOf}
	for i := range n {
		id := fmt.Sprint("i-", i)
		a.Findings = append(a.Findings, analyzer.Finding{ResourceID: id, Verdict: analyzer.Idle})
		if i == 0 {
			a.Recommendations = []recommender.Recommendation{{ID: "1", ResourceID: id, Action: recommender.Stop}, {ID: "2", ResourceID: id, Action: recommender.Release}}
			a.Refusals = []recommender.Refusal{{ResourceID: id}}
		}
	}
	return a
}

func putAuditAt(t *testing.T, s *Store, a audit.Audit, now time.Time) {
	t.Helper()
	if _, err := s.PutAudit(a, journal.New(t.Context(), now, journal.AuditDone, journal.Object{Type: "audit"})); err != nil {
		t.Fatal(err)
	}
}

func judgedAt(t *testing.T, s *Store, ids ...string) (map[string]Judged, time.Time) {
	t.Helper()
	got, asOf, _, err := s.Judged(ids)
	if err != nil {
		t.Fatal(err)
	}
	return got, asOf
}

// What the latest audit says is read resource by resource: all of it, of no audit before.
func TestJudged(t *testing.T) {
	s := fresh(t)
	if _, _, ok, err := s.Judged([]string{"i-0"}); ok || err != nil {
		t.Error("judged by no audit", err)
	}
	putAuditAt(t, s, judgedAudit(at(1), 2000), at(1))
	putAuditAt(t, s, judgedAudit(at(2), 3), at(2))
	putAuditAt(t, s, judgedAudit(at(1), 2000), at(3)) // again, of an instant before
	got, asOf := judgedAt(t, s, "i-0", "i-1", "i-1999", "else")
	if !asOf.Equal(at(2)) || len(got) != 2 {
		t.Fatalf("as of %s: %v", asOf, got)
	}
	if j := got["i-0"]; j.Finding == nil || j.Finding.ResourceID != "i-0" || len(j.Recommendations) != 2 || j.Recommendations[1].ID != "2" || len(j.Refusals) != 1 {
		t.Errorf("%+v", j)
	}
	if j := got["i-1"]; j.Finding == nil || len(j.Recommendations) != 0 || len(j.Refusals) != 0 {
		t.Errorf("%+v", j)
	}
}

// An audit made while the clock ran ahead says nothing once the clock is right; and what is
// taken apart of a file of the version before is the one that counted there.
func TestJudgedByAClockThatRan(t *testing.T) {
	s := fresh(t)
	far := at(1).AddDate(10, 0, 0)
	putAuditAt(t, s, judgedAudit(far, 1), far)
	if _, asOf := judgedAt(t, s); !asOf.Equal(far) {
		t.Errorf("where there is no other: as of %s", asOf)
	}
	putAuditAt(t, s, judgedAudit(at(1), 2), at(2))
	putAuditAt(t, s, judgedAudit(far, 1), at(3))
	ahead := at(4).Add(Ahead)
	migrated := func() {
		t.Helper()
		if err := s.update(func(tx *bolt.Tx) error {
			if err := tx.DeleteBucket(judgedBucket); err != nil {
				return err
			}
			return s.createJudged(tx)
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []func(){func() {}, migrated} {
		step()
		if got, asOf := judgedAt(t, s, "i-1"); !asOf.Equal(at(1)) || len(got) != 1 {
			t.Errorf("as of %s: %v", asOf, got)
		}
	}
	putAuditAt(t, s, judgedAudit(ahead, 1), at(4))
	if _, asOf := judgedAt(t, s); !asOf.Equal(ahead) {
		t.Errorf("a month ahead: as of %s", asOf)
	}
}
