package store

import (
	"errors"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ledger"
	"yunjian/ownership"
	"yunjian/price"
)

// What an inventory shows is booked with it, once, and read back.
func TestInventoryIsBooked(t *testing.T) {
	s := fresh(t)
	asked := 0
	booking := func([]string) (ledger.Settings, error) {
		asked++
		return ledger.Standard(price.Example(), time.UTC), nil
	}
	put := func(hour int, ids ...string) int {
		inv := inventory(hour, true)
		for _, id := range ids {
			inv.Resources = append(inv.Resources, vm(id))
		}
		_, booked, err := s.PutInventory(inv, booking, entry(journal.InventoryStored, "cloud"))
		if err != nil {
			t.Fatal(err)
		}
		return len(booked)
	}
	if n := put(1, "a", "b"); n != 0 || asked != 0 {
		t.Errorf("%d booked of a first inventory, settings asked for %d times", n, asked)
	}
	if n := put(2, "b"); n != 1 {
		t.Errorf("%d booked where one is gone", n)
	}
	if n := put(2, "b"); n != 0 {
		t.Errorf("%d booked again", n)
	}
	if n := put(40, "b"); n != 1 {
		t.Errorf("%d booked a day later, where it is verified", n)
	}
	got, err := s.Ledger()
	if err != nil || len(got) != 2 || got[0].Effect != ledger.Released || got[0].ResourceID != "a" || got[1].Effect != ledger.Verified || got[1].Of != got[0].ID {
		t.Errorf("%+v, %v", got, err)
	}
	asked = 0
	inv := inventory(40, true, vm("b"))
	inv.TakenAt = inv.TakenAt.Add(time.Minute)
	if _, _, err := s.PutInventory(inv, booking, entry(journal.InventoryStored, "cloud")); err != nil || asked != 0 {
		t.Errorf("asked %d times where nothing changed within the hour, %v", asked, err)
	}
}

// A disk that costs less by its category is looked at in whatever minute that is seen.
func TestCategoryIsBookedWithinTheHour(t *testing.T) {
	s, asked := fresh(t), 0
	booking := func([]string) (ledger.Settings, error) {
		asked++
		return ledger.Standard(price.Example(), time.UTC), nil
	}
	for i, category := range []string{"dear", "cheap", "cheap"} {
		inv := inventory(1, true)
		inv.TakenAt = inv.TakenAt.Add(time.Duration(i) * time.Minute)
		inv.Resources = []cloud.Resource{{ID: "d", Kind: cloud.Disk, StorageGiB: 10, Category: category}}
		if _, _, err := s.PutInventory(inv, booking, entry(journal.InventoryStored, "cloud")); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("looked at %d times, want once", asked)
	}
}

// Without prices nothing is stored: the inventory would be the one before, and what
// it shows would never be booked.
func TestNothingIsStoredThatCannotBeBooked(t *testing.T) {
	s := fresh(t)
	if _, _, err := putInventory(s, inventory(1, true, vm("a"))); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no price book")
	_, _, err := s.PutInventory(inventory(2, true), func([]string) (ledger.Settings, error) { return ledger.Settings{}, broken }, entry(journal.InventoryStored, "cloud"))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	inv, _, err := s.Inventory("province")
	if err != nil || len(inv.Resources) != 1 {
		t.Errorf("the inventory that was not booked is stored: %+v, %v", inv, err)
	}
}

// What a machine ate of a department stays that department's, whoever is found to own the
// machine; and what an earlier version took is of the year in which it was given.
func TestWhatTakesIsWhoseItTakesFrom(t *testing.T) {
	s := fresh(t)
	booking := func([]string) (ledger.Settings, error) { return ledger.Standard(price.Example(), time.UTC), nil }
	owned := func(id string) cloud.Resource {
		r := vm(id)
		r.Department, r.Application = "财政局", "预算"
		return r
	}
	for hour, of := range [][]cloud.Resource{{owned("a")}, {}, {owned("n")}} {
		if _, _, err := s.PutInventory(inventory(hour+1, true, of...), booking, entry(journal.InventoryStored, "cloud")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Assign(ownership.Assignment{ResourceID: "n", Department: "民政局", Application: "低保"}, at(4), entry(journal.OwnerAssigned, "owners")); err != nil {
		t.Fatal(err)
	}
	err := s.update(func(tx *bolt.Tx) error { // as it was stored before there was OfAt
		all, err := entriesOf(tx.Bucket(ledgerBucket))
		for _, e := range all {
			e.OfAt = time.Time{}
			err = errors.Join(err, putJSON(tx.Bucket(ledgerBucket), entryKey(e), e))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Ledger()
	if err != nil || len(got) != 2 || got[0].Of == got[1].Of {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, e := range got {
		if e.Department != "财政局" || e.Application != "预算" || e.Effect == ledger.Rebound && !e.OfAt.Equal(at(2)) {
			t.Errorf("%s of %s/%s, of %s", e.Effect, e.Department, e.Application, e.OfAt)
		}
	}
}

// Whose a machine is may become known between two inventories: what it eats is booked with
// the next, though that says nothing new.
func TestAnOwnerWhoIsImportedIsBooked(t *testing.T) {
	s := fresh(t)
	booking := func([]string) (ledger.Settings, error) { return ledger.Standard(price.Example(), time.UTC), nil }
	old := vm("a")
	old.Department, old.Application = "财政局", "预算"
	put := func(hour int, of ...cloud.Resource) []ledger.Entry {
		t.Helper()
		_, booked, err := s.PutInventory(inventory(hour, true, of...), booking, entry(journal.InventoryStored, "cloud"))
		if err != nil {
			t.Fatal(err)
		}
		return booked
	}
	put(1, old)
	put(2)
	put(3, vm("n"))
	if got := put(40, vm("n")); len(got) != 1 || got[0].Effect != ledger.Verified {
		t.Fatalf("verified: %+v", got)
	}
	if _, err := s.Assign(ownership.Assignment{ResourceID: "n", Department: "财政局", Application: "预算"}, at(41), entry(journal.OwnerAssigned, "owners")); err != nil {
		t.Fatal(err)
	}
	if got := put(41, vm("n")); len(got) != 1 || got[0].Effect != ledger.Rebound || got[0].ResourceID != "n" {
		t.Errorf("booked after its owner was known: %+v", got)
	}
	if got := put(42, vm("n")); len(got) != 0 {
		t.Errorf("booked again: %+v", got)
	}
}
