package ledger

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/price"
)

// fleets draws a handful of inventories of one cloud, days apart, in which resources
// come, go, return, grow and shrink, and of which some listings were not read to the end.
func fleets(t *rapid.T) []cloud.Inventory {
	type state struct {
		present bool
		r       cloud.Resource
	}
	var all []*state
	for i := range rapid.IntRange(1, 8).Draw(t, "resources") {
		s := &state{present: rapid.Bool().Draw(t, "present")}
		s.r = cloud.Resource{
			ID: fmt.Sprintf("r%d", i), Region: rapid.SampledFrom([]string{"east", "west"}).Draw(t, "region"), Department: rapid.SampledFrom([]string{"财政局", "民政局", ""}).Draw(t, "department"),
			Application: rapid.SampledFrom([]string{"预算", "低保", ""}).Draw(t, "application"), Kind: rapid.SampledFrom(cloud.Kinds()).Draw(t, "kind"),
			ChargeType: rapid.SampledFrom([]cloud.ChargeType{cloud.Postpaid, cloud.Prepaid, ""}).Draw(t, "charge"), ExpiresAt: day("2024-08-01"),
		}
		all = append(all, s)
	}
	size := func(r *cloud.Resource) {
		switch r.Kind {
		case cloud.Instance:
			r.VCPU = rapid.SampledFrom([]int{0, 1, 2, 4, 8}).Draw(t, "vcpu")
			r.MemoryGiB = rapid.SampledFrom([]float64{0, 0.5, 2, 8, 32}).Draw(t, "memory")
			r.StorageGiB = rapid.SampledFrom([]float64{0, 40}).Draw(t, "storage")
		case cloud.Disk:
			r.StorageGiB = rapid.SampledFrom([]float64{0.1, 20, 100}).Draw(t, "disk")
			r.Category = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "category")
			r.AttachedTo = rapid.SampledFrom([]string{"", "r0", "r1"}).Draw(t, "attached")
		default:
			r.BandwidthMbps = rapid.SampledFrom([]float64{0, 5, 100}).Draw(t, "bandwidth")
		}
	}
	for _, s := range all {
		size(&s.r)
	}
	at := day("2024-01-15")
	var out []cloud.Inventory
	for range rapid.IntRange(1, 6).Draw(t, "inventories") {
		inv := cloud.Inventory{Cloud: "province", TakenAt: at}
		for _, region := range []string{"east", "west"} {
			for _, k := range cloud.Kinds() {
				inv.Scopes = append(inv.Scopes, cloud.Scope{Region: region, Kind: k, Complete: rapid.IntRange(0, 4).Draw(t, "complete") > 0})
			}
		}
		for _, s := range all {
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				s.present = !s.present
			case 1:
				size(&s.r)
			}
			if s.present {
				inv.Resources = append(inv.Resources, s.r)
			}
		}
		inv.Sort()
		out = append(out, inv)
		at = at.AddDate(0, 0, rapid.IntRange(1, 60).Draw(t, "days"))
	}
	return out
}

// An inventory compared with itself, or the same one taken later, gives nothing back and
// takes nothing.
func TestNothingComesOfTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := fleets(t)
		entries := replay(settings(), of...)
		last := of[len(of)-1]
		if got := Reconcile(last, last, entries, settings()); len(got) != 0 {
			t.Fatalf("of itself:\n%s", lines(got))
		}
		later := last
		later.TakenAt = last.TakenAt.Add(time.Hour)
		for _, e := range Reconcile(last, later, entries, settings()) {
			if e.Effect != Verified {
				t.Fatalf("of the same an hour later:\n%s", lines([]Entry{e}))
			}
		}
	})
}

// However often and from wherever it is run again, the ledger ends the same.
func TestBookedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := fleets(t)
		once := replay(settings(), of...)
		var twice []Entry
		for i := 1; i < len(of); i++ {
			for range 2 {
				twice = append(twice, Reconcile(of[i-1], of[i], twice, settings())...)
			}
		}
		if lines(once) != lines(twice) {
			t.Fatalf("once\n%s\ntwice\n%s", lines(once), lines(twice))
		}
		ids := map[string]bool{}
		for _, e := range once {
			if ids[e.ID] {
				t.Fatalf("two entries have the id %s", e.ID)
			}
			ids[e.ID] = true
		}
	})
}

// Nothing is given back by what a listing that was not read to the end does not show.
func TestNothingOfAnIncompleteListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := fleets(t)
		var entries []Entry
		for i := 1; i < len(of); i++ {
			now := Reconcile(of[i-1], of[i], entries, settings())
			for _, e := range now {
				if e.Effect != Released {
					continue
				}
				at := slices.IndexFunc(of[i].Scopes, func(s cloud.Scope) bool { return s.Region == e.Evidence.Was.Region && s.Kind == e.Kind })
				if !of[i].Scopes[at].Complete {
					t.Fatalf("booked %s", lines([]Entry{e}))
				}
			}
			entries = append(entries, now...)
		}
	})
}

// No entry is taken from beyond what it gave, in any dimension; who returned is not
// counted as released.
func TestNoMoreIsTakenThanWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := fleets(t)
		entries := replay(settings(), of...)
		for _, p := range positions(entries) {
			var gave Entry
			for _, e := range entries {
				if e.ID == p.ID {
					gave = e
				}
			}
			for what, pair := range map[string][2]float64{
				"resources": {float64(p.Resources), float64(gave.Resources)}, "changed": {float64(p.Changed), float64(gave.Changed)}, "vcpu": {float64(p.VCPU), float64(gave.VCPU)},
				"memory": {p.MemoryGiB, gave.MemoryGiB}, "storage": {p.StorageGiB, gave.StorageGiB}, "bandwidth": {p.BandwidthMbps, gave.BandwidthMbps},
			} {
				left, given := pair[0], pair[1]
				if given >= 0 && (left < 0 || left > given) || math.IsNaN(left) {
					t.Fatalf("%s: %v of %v are left after\n%s", what, left, given, lines(entries))
				}
			}
			if p.Annual != nil && gave.Annual != nil && gave.Annual.Sign() >= 0 && p.Annual.Sign() < 0 {
				t.Fatalf("%s of %s are left after\n%s", p.Annual, gave.Annual, lines(entries))
			}
		}
	})
}

// A tally is additive: over adjacent periods, over any partition by keys, and in that
// net is gross and taken together; and every figure is that of the entries named.
func TestTallyIsAdditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := replay(settings(), fleets(t)...)
		from, to := day("2024-01-01"), day("2025-01-01")
		cut := from.AddDate(0, 0, rapid.IntRange(0, 365).Draw(t, "cut"))
		by := rapid.SliceOfNDistinct(rapid.SampledFrom(Bys()), 1, 3, rapid.ID).Draw(t, "by")
		whole := Tally(entries, Query{Period: Period{from, to}, By: by})
		first, second := Tally(entries, Query{Period: Period{from, cut}}).Total, Tally(entries, Query{Period: Period{cut, to}}).Total
		if got := plus(first.Net, second.Net); got != textOf(whole.Total.Net) {
			t.Fatalf("%s before %s and after: %s, in all %s", textOf(first.Net), cut, got, textOf(whole.Total.Net))
		}
		if got := plus(whole.Total.Gross, whole.Total.Taken); got != textOf(whole.Total.Net) {
			t.Fatalf("gross and taken %s, net %s", got, textOf(whole.Total.Net))
		}
		var parts []Sum
		ids := map[string]bool{}
		for _, r := range whole.Rows {
			parts = append(parts, r.Net)
			for _, id := range r.IDs {
				ids[id] = true
			}
		}
		if got := plus(parts...); got != textOf(whole.Total.Net) || len(ids) != len(whole.Total.IDs) {
			t.Fatalf("by %v %s of %d entries, in all %s of %d", by, got, len(ids), textOf(whole.Total.Net), len(whole.Total.IDs))
		}
	})
}

func plus(parts ...Sum) string {
	var s Sum
	for _, p := range parts {
		s.Resources, s.Changed, s.VCPU, s.Entries, s.Unpriced = s.Resources+p.Resources, s.Changed+p.Changed, s.VCPU+p.VCPU, s.Entries+p.Entries, s.Unpriced+p.Unpriced
		s.MemoryGiB, s.StorageGiB, s.BandwidthMbps = sum(s.MemoryGiB, p.MemoryGiB), sum(s.StorageGiB, p.StorageGiB), sum(s.BandwidthMbps, p.BandwidthMbps)
		for _, a := range []struct {
			to *price.Amount
			of price.Amount
		}{{&s.Annual, p.Annual}, {&s.InYear, p.InYear}, {&s.Verified, p.Verified}} {
			*a.to, _ = a.to.Add(a.of)
		}
	}
	return textOf(s)
}

func textOf(s Sum) string {
	return fmt.Sprintf("%d+%d %dC %gG %gG %gM %s %s %s of %d, %d unpriced", s.Resources, s.Changed, s.VCPU, s.MemoryGiB, s.StorageGiB, s.BandwidthMbps, s.Annual, s.InYear, s.Verified, s.Entries, s.Unpriced)
}
