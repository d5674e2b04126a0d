package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/price"
)

// What is booked by the entries that the index finds is what would be booked by all.
func TestTheIndexFindsEnough(t *testing.T) {
	for seed := range uint64(5) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		s := fresh(t)
		settings := ledger.Standard(price.Example(), time.UTC)
		settings.ReboundDays, settings.MigrationDays, settings.StandingDays = 4, 2, 2
		fleet, present := map[int]cloud.Resource{}, map[int]bool{}
		var all []ledger.Entry
		for day := range 60 {
			inv := cloud.Inventory{Cloud: "province", TakenAt: at(1).AddDate(0, 0, day)}
			for _, k := range cloud.Kinds() {
				inv.Scopes = append(inv.Scopes, cloud.Scope{Region: "r", Kind: k, Complete: rnd.IntN(12) > 0})
			}
			for i := range 12 {
				if _, known := fleet[i]; !known || rnd.IntN(8) == 0 {
					r := vm(fmt.Sprint("i-", i))
					r.Region, r.VCPU, r.MemoryGiB = "r", 1<<rnd.IntN(4), float64(int(2)<<rnd.IntN(4))
					r.Department, r.Application = "财政局", fmt.Sprint("应用", rnd.IntN(3))
					if rnd.IntN(5) == 0 { // for a while nobody knows
						r.VCPU, r.Application = 0, ""
					}
					if known {
						r.CreatedAt = fleet[i].CreatedAt
					}
					fleet[i] = r
				}
				if rnd.IntN(6) == 0 {
					if present[i] = !present[i]; present[i] && rnd.IntN(2) == 0 {
						r := fleet[i]
						r.CreatedAt = inv.TakenAt.Add(-time.Hour)
						fleet[i] = r
					}
				}
				if present[i] {
					inv.Resources = append(inv.Resources, fleet[i])
				}
			}
			inv.Sort()
			before, _, err := s.Inventory("province")
			if err != nil {
				t.Fatal(err)
			}
			_, booked, err := s.PutInventory(inv, func([]string) (ledger.Settings, error) { return settings, nil }, entry(journal.InventoryStored, "cloud"))
			if err != nil {
				t.Fatal(err)
			}
			want := ledger.Reconcile(before, inv, all, settings)
			if diff := cmp.Diff(ids(want), ids(booked)); diff != "" {
				t.Fatalf("seed %d, day %d, booked (-by all +by the index):\n%s", seed, day, diff)
			}
			all = append(all, booked...)
		}
		if len(all) < 100 {
			t.Errorf("only %d entries: this tests little", len(all))
		}
		again := 0
		err := s.db.View(func(tx *bolt.Tx) error {
			some, err := concerned(tx, "province", nil, at(1).AddDate(0, 0, 55))
			again = len(some)
			return err
		})
		if err != nil || again == 0 || again > len(all)/2 {
			t.Errorf("%d of %d entries read, %v", again, len(all), err)
		}
	}
}

func ids(entries []ledger.Entry) (out []string) {
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%s %s %s %s %v", e.ID, e.Effect, e.ResourceID, e.Of, e.Delta))
	}
	return out
}

// A file of the version before, of which nothing is indexed or taken apart, is read as one
// that always was.
func TestIndexesOfAFileOfTheVersionBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	booking := func([]string) (ledger.Settings, error) { return ledger.Standard(price.Example(), time.UTC), nil }
	grown := func(id string, vcpu int) cloud.Resource {
		r := vm(id)
		r.VCPU, r.MemoryGiB = vcpu, float64(vcpu)*4
		return r
	}
	attached := disk("d")
	attached.AttachedTo = "a"
	day := 24
	for _, step := range []struct {
		hour int
		of   []cloud.Resource
	}{
		{9000, []cloud.Resource{grown("a", 4), attached, grown("b", 8), grown("c", 8), grown("e", 2)}}, // by a clock that ran ahead
		{9001, []cloud.Resource{grown("b", 4), grown("c", 4)}},
		{day, []cloud.Resource{grown("a", 4), attached, grown("b", 8), grown("c", 6)}},
		{3 * day, []cloud.Resource{grown("a", 4), grown("b", 8), grown("c", 6)}},
		{5 * day, []cloud.Resource{grown("b", 2), grown("c", 6)}},
	} {
		inv := inventory(0, true, step.of...)
		inv.TakenAt = at(1).Add(time.Duration(step.hour) * time.Hour)
		if _, _, err := s.PutInventory(inv, booking, entry(journal.InventoryStored, "cloud")); err != nil {
			t.Fatal(err)
		}
	}
	putAuditAt(t, s, judgedAudit(at(1), 5), at(1))
	cases := []notice.Case{{ID: "1", ResourceID: "a", Department: "财政局"}, {ID: "2", ResourceID: "a", Department: "民政局"}, {ID: "3", ResourceID: "b"}}
	if err := s.UpdateCases(entry(journal.CasesSynced, "cases"), func([]notice.Case) ([]notice.Case, error) { return cases, nil }); err != nil {
		t.Fatal(err)
	}
	derived := [][]byte{ledgerIndexBucket, caseIndexBucket, judgedBucket}
	was := map[string][][]byte{}
	for _, name := range derived {
		was[string(name)] = bucketKeys(t, s, name)
	}
	all, err := s.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	var waits []string
	for _, k := range was["ledger index"] {
		for _, e := range all {
			if k[0] == 'u' && bytes.HasSuffix(k, []byte(e.ID)) {
				waits = append(waits, fmt.Sprint(e.ResourceID, " ", e.At.Year()))
			}
		}
	}
	// What c has left of its first, and the second of a and b.
	if slices.Sort(waits); !slices.Equal(waits, []string{"a 2026", "b 2026", "c 2027", "e 2027"}) {
		t.Errorf("there wait to be verified %q", waits)
	}
	err = s.update(func(tx *bolt.Tx) error {
		for _, name := range append(derived, outboxBucket) {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(versionKey, binary.BigEndian.AppendUint64(nil, 3))
	})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path)
	for _, name := range derived {
		if diff := cmp.Diff(was[string(name)], bucketKeys(t, s, name)); diff != "" {
			t.Errorf("%s (-as it grew +as it was made):\n%s", name, diff)
		}
	}
	if got, err := s.CasesAbout([]string{"a", "c"}); err != nil || len(got) != 2 || got[0].ID != "1" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.CasesOf("民政局"); err != nil || len(got) != 1 || got[0].ID != "2" {
		t.Errorf("%v, %v", got, err)
	}
	if got, _ := judgedAt(t, s, "i-0"); len(got["i-0"].Recommendations) != 2 {
		t.Errorf("%+v", got)
	}
}
