package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ledger"
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
					r.Department, r.Application = "财政局", fmt.Sprint("应用", i%3)
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
