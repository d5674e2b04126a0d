package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/price"
)

// categories is a book in which a disk costs by its category.
func categories(t interface{ Fatal(...any) }) price.Book {
	b, err := price.Parse("categories.yaml", []byte(`id: categories
version: "1"
name: {zh: 分类, en: categories}
currency: CNY
source: {title: test}
confidence: proposed
tax_included: true
hours_per_month: 730
items:
  - {id: vcpu, what: vcpu, price: 60, per: month}
  - {id: memory, what: memory, price: 23, per: month}
  - {id: dear, what: storage, category: dear, price: 2, per: month}
  - {id: cheap, what: storage, category: cheap, price: 1, per: month}
`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What the ledger holds of a resource that never becomes larger than it was is, after
// every step and however it came there, what it is smaller and cheaper by.
func TestLedgerIsWhatTheFleetIsSmaller(t *testing.T) {
	s := Standard(categories(t), zone)
	rapid.Check(t, func(t *rapid.T) {
		first := cloud.Resource{ID: "a", Region: "r", Kind: rapid.SampledFrom([]cloud.Kind{cloud.Instance, cloud.Disk}).Draw(t, "kind"), Application: "预算"}
		size := func(vcpu int, memory, storage float64) cloud.Resource {
			r := first
			if r.Kind == cloud.Instance {
				r.VCPU, r.MemoryGiB = rapid.IntRange(1, vcpu).Draw(t, "vcpu"), float64(rapid.IntRange(1, int(memory)).Draw(t, "memory"))
			} else {
				r.StorageGiB, r.Category = float64(rapid.IntRange(1, int(storage)).Draw(t, "storage")), rapid.SampledFrom([]string{"dear", "cheap"}).Draw(t, "category")
			}
			return r
		}
		first = size(16, 64, 500)
		if first.Kind == cloud.Disk {
			first.Category = "dear"
		}
		at := day("2024-01-01")
		inventory := func(of ...cloud.Resource) cloud.Inventory {
			inv := seen("2024-01-01", of...)
			inv.TakenAt, at = at, at.Add(time.Duration(rapid.IntRange(1, 24*40).Draw(t, "hours"))*time.Hour)
			return inv
		}
		before := inventory(first)
		worthOf := func(of []cloud.Resource) decimal.Decimal {
			var all decimal.Decimal
			for _, r := range of {
				a, missing := worth(s.Book, r, at)
				if a == nil {
					t.Fatal(missing)
				}
				all = all.Add(a.Decimal())
			}
			return all
		}
		var entries []Entry
		cheap := false // it was of the cheap category once
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			var of []cloud.Resource
			if rapid.IntRange(0, 3).Draw(t, "gone") > 0 {
				of = append(of, size(max(first.VCPU, 1), max(first.MemoryGiB, 1), max(first.StorageGiB, 1)))
			}
			cheap = cheap || len(of) > 0 && of[0].Category == "cheap"
			now := inventory(of...)
			entries = append(entries, readBack(Reconcile(before, now, entries, s))...)
			before = now

			have := Delta{Resources: len(of)}
			for _, r := range of {
				have.VCPU, have.MemoryGiB, have.StorageGiB = r.VCPU, r.MemoryGiB, r.StorageGiB
			}
			net := Tally(entries, Query{Period: Period{day("2020-01-01"), day("2040-01-01")}}).Total.Net
			if net.Resources != 1-have.Resources || net.VCPU != first.VCPU-have.VCPU || net.MemoryGiB != first.MemoryGiB-have.MemoryGiB || net.StorageGiB != first.StorageGiB-have.StorageGiB {
				t.Fatalf("of %+v there is %+v, and the ledger holds %s:\n%s", first, have, textOf(net), lines(entries))
			}
			want := worthOf([]cloud.Resource{first}).Sub(worthOf(of))
			more := net.Annual.Decimal().Sub(want)
			// Of a disk that changed its category between one size and the next it may hold less.
			whole := first.Kind == cloud.Instance || len(of) > 0 && of[0].Category == "dear" && !cheap || len(of) == 1 && of[0].StorageGiB == first.StorageGiB && of[0].Category == "dear"
			if limit := decimal.RequireFromString("0.05"); more.GreaterThan(limit) || whole && more.LessThan(limit.Neg()) {
				t.Fatalf("%s a year less is %s in the ledger:\n%s", want, net.Annual, lines(entries))
			}
		}
	})
}

// An application whose machines go, return and are replaced by others, in whichever order,
// has saved what it has less than at first, and nothing where it has more.
func TestWhatComesEatsWhatWent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := day("2024-03-01")
		var all []cloud.Resource
		present := map[string]bool{}
		first := 0
		for i := range rapid.IntRange(1, 6).Draw(t, "machines") {
			r := machine(fmt.Sprintf("m%d", i), rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(t, "vcpu"), 1)
			r.MemoryGiB, r.CreatedAt, r.FirstSeen = float64(r.VCPU)*4, begin.AddDate(-1, 0, 0), begin
			if i > 0 && rapid.Bool().Draw(t, "new") {
				r.CreatedAt = time.Time{}
			} else {
				present[r.ID] = true
				first += r.VCPU
			}
			all = append(all, r)
		}
		at := begin
		inventory := func() cloud.Inventory {
			inv := seen("2024-03-01")
			inv.TakenAt = at
			for _, r := range all {
				if present[r.ID] {
					inv.Resources = append(inv.Resources, r)
				}
			}
			return inv
		}
		before := inventory()
		var entries []Entry
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			at = at.Add(48 * time.Hour) // all within MigrationDays
			for i := range all {
				if rapid.IntRange(0, 2).Draw(t, "event") > 0 {
					continue
				}
				if was := all[i].CreatedAt; present[all[i].ID] && was.After(begin) && rapid.Bool().Draw(t, "resize") { // a new one, at will
					all[i].VCPU = rapid.IntRange(1, 8).Draw(t, "size")
					all[i].MemoryGiB = float64(all[i].VCPU) * 4
					continue
				}
				if present[all[i].ID] = !present[all[i].ID]; all[i].CreatedAt.IsZero() {
					all[i].CreatedAt = at.Add(-time.Hour)
				}
			}
			now := inventory()
			entries = append(entries, readBack(Reconcile(before, now, entries, settings()))...)
			before = now
			has := 0
			for _, r := range now.Resources {
				has += r.VCPU
			}
			net := Tally(entries, Query{Period: Period{begin, begin.AddDate(1, 0, 0)}}).Total.Net
			if want := max(0, first-has); net.VCPU != want || net.MemoryGiB != float64(want)*4 {
				t.Fatalf("of %d vCPU there are %d, and the ledger holds %s:\n%s", first, has, textOf(net), lines(entries))
			}
		}
	})
}
