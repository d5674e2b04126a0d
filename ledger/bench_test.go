package ledger

import (
	"fmt"
	"testing"

	"yunjian/cloud"
)

// A province: 100,000 resources of 2,000 departments, of which 50,000 have been booked.
func province() (before, after cloud.Inventory, entries []Entry) {
	fleet := func(first, n int) (out []cloud.Resource) {
		for i := first; i < first+n; i++ {
			r := machine(fmt.Sprintf("i-%06d", i), 4, 16)
			r.Department, r.Application = fmt.Sprintf("单位%04d", i%2000), fmt.Sprintf("应用%05d", i%8000)
			out = append(out, r)
		}
		return out
	}
	entries = Reconcile(seen("2024-01-31", fleet(0, 150_000)...), seen("2024-02-29", fleet(50_000, 100_000)...), nil, settings())
	return seen("2024-02-29", fleet(50_000, 100_000)...), seen("2024-03-31", fleet(50_500, 100_000)...), entries
}

func BenchmarkReconcile(b *testing.B) {
	before, after, entries := province()
	b.ReportMetric(float64(len(before.Resources)), "resources")
	b.ReportMetric(float64(len(entries)), "entries")
	for b.Loop() {
		Reconcile(before, after, entries, settings())
	}
}

func BenchmarkTally(b *testing.B) {
	before, after, entries := province()
	entries = append(entries, Reconcile(before, after, entries, settings())...)
	q := Query{Period: Period{day("2024-01-01"), day("2025-01-01")}, By: []By{ByDepartment, ByMonth}}
	b.ReportMetric(float64(len(entries)), "entries")
	for b.Loop() {
		Tally(entries, q)
	}
}
