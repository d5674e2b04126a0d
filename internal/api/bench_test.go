package api

import (
	"fmt"
	"testing"

	"yunjian/internal/journal"
	"yunjian/notice"
)

// BenchmarkListCases reads the first page of 10,000 cases.
func BenchmarkListCases(b *testing.B) {
	w := full(b)
	c := w.caseOf("i-own-1")
	var many []notice.Case
	for i := range 10_000 {
		c.ID = fmt.Sprintf("%016x", i)
		many = append(many, c)
	}
	if err := w.data.State.UpdateCases(journal.New(b.Context(), w.now, journal.CasesSynced, journal.Object{Type: "cases"}), func([]notice.Case) ([]notice.Case, error) { return many, nil }); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got := w.ask("dept-own", asked{method: "GET", path: "/cases?limit=50"}); got.Code != 200 {
			b.Fatal(got.Body)
		}
	}
}
