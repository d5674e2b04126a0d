package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"yunjian/cloud"
	"yunjian/price"
)

// By is what a tally is broken down by.
type By string

// What a tally is broken down by.
const (
	ByDepartment  By = "department"
	ByApplication By = "application" // of its department
	ByKind        By = "kind"
	ByEffect      By = "effect"
	ByMonth       By = "month"   // in which it was observed
	ByQuarter     By = "quarter" // such as 2024Q3
	ByHalf        By = "half"    // such as 2024H1
	ByBatch       By = "batch"   // the document number of the notice
)

// Bys lists them.
func Bys() []By {
	return []By{ByDepartment, ByApplication, ByKind, ByEffect, ByMonth, ByQuarter, ByHalf, ByBatch}
}

// Query is what is tallied: entries of the period that meet every condition that is not
// empty. An entry that takes from another counts in the period in which it was observed, a
// correction in that of what it corrects.
type Query struct {
	Period
	By          []By
	Department  string
	Application string
	Kind        cloud.Kind
	Effect      Effect
	Batch       string
	Month       string // 2024-06
	Cloud       string
}

// Holds reports whether an entry is meant.
func (q Query) Holds(e Entry) bool {
	meets := func(want, have string) bool { return want == "" || want == have }
	return q.Period.Holds(e.Counts()) && meets(q.Department, e.Department) && meets(q.Application, e.Application) && meets(string(q.Kind), string(e.Kind)) &&
		meets(string(q.Effect), string(e.Effect)) && meets(q.Batch, e.Batch) && meets(q.Month, e.Counts().In(q.From.Location()).Format("2006-01")) && meets(q.Cloud, e.Cloud)
}

// Sum adds entries up.
type Sum struct {
	Delta
	Annual   price.Amount `json:"annual"`   // of twelve months
	InYear   price.Amount `json:"in_year"`  // to 31 December of the year in which it was observed
	Verified price.Amount `json:"verified"` // what of Annual was verified
	Entries  int          `json:"entries"`
	Unpriced int          `json:"unpriced"` // entries that the amounts leave out, their price being unknown
	Undated  int          `json:"undated"`  // entries that InYear leaves out: nobody knows when billing stops
}

// Row is one line of a tally. Net is Gross and Taken together.
type Row struct {
	Key   []string `json:"key"`   // by each of Query.By; empty: unknown
	Gross Sum      `json:"gross"` // what was given back, corrected by the bills
	Taken Sum      `json:"taken"` // what was taken again: reversed and rebound
	Net   Sum      `json:"net"`
	IDs   []string `json:"entries"` // that it is made of
}

// Table is a tally.
type Table struct {
	Rows     []Row
	Total    Row
	Currency string
}

// Tally adds up the entries that a query means, of all that the ledger holds. Rows are in
// the order of their keys; what is of no key comes last.
func Tally(entries []Entry, q Query) Table {
	verified, billed := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		switch e.Effect {
		case Verified:
			verified[e.Of] = true
		case Corrected: // by a bill, which is proof
			verified[e.Of], billed[e.Of] = true, true
		}
	}
	t := Table{Total: Row{Key: []string{}, IDs: []string{}}}
	rows := map[string]*Row{}
	sorted := slices.Clone(entries)
	Sort(sorted)
	for _, e := range sorted {
		if e.Effect == Verified || !q.Holds(e) {
			continue
		}
		if t.Currency = cmp.Or(t.Currency, e.Currency); e.Currency != t.Currency {
			e.Annual = nil // amounts of two currencies have no sum
		}
		proven := verified[e.ID] || verified[e.Of]
		t.Total.add(e, proven, billed[e.ID])
		if len(q.By) == 0 {
			continue
		}
		key := q.key(e)
		id := join(key)
		if rows[id] == nil {
			rows[id] = &Row{Key: key, IDs: []string{}}
		}
		rows[id].add(e, proven, billed[e.ID])
	}
	for _, r := range rows {
		t.Rows = append(t.Rows, *r)
	}
	slices.SortFunc(t.Rows, func(a, b Row) int {
		for i := range a.Key {
			if (a.Key[i] == "") != (b.Key[i] == "") {
				return cmp.Compare(b.Key[i], a.Key[i])
			}
			if c := cmp.Compare(a.Key[i], b.Key[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return t
}

func join(key []string) string {
	out := ""
	for _, k := range key {
		out += k + "\x00"
	}
	return out
}

func (q Query) key(e Entry) []string {
	out := make([]string, len(q.By))
	for i, by := range q.By {
		switch by {
		case ByDepartment:
			out[i] = e.Department
		case ByApplication:
			out[i] = e.Application
		case ByKind:
			out[i] = string(e.Kind)
		case ByEffect:
			out[i] = string(e.Effect)
		case ByMonth:
			out[i] = e.Counts().In(q.From.Location()).Format("2006-01")
		case ByQuarter:
			at := e.Counts().In(q.From.Location())
			out[i] = fmt.Sprintf("%dQ%d", at.Year(), (int(at.Month())+2)/3)
		case ByHalf:
			at := e.Counts().In(q.From.Location())
			out[i] = fmt.Sprintf("%dH%d", at.Year(), (int(at.Month())+5)/6)
		case ByBatch:
			out[i] = e.Batch
		}
	}
	return out
}

// add enters an entry: whether its saving is proven, and whether a bill told what the
// book did not know of it.
func (r *Row) add(e Entry, proven, billed bool) {
	r.IDs = append(r.IDs, e.ID)
	r.Net.add(e, proven, billed)
	if e.Effect == Reversed || e.Effect == Rebound {
		r.Taken.add(e, proven, billed)
	} else {
		r.Gross.add(e, proven, billed)
	}
}

func (s *Sum) add(e Entry, proven, billed bool) {
	s.Entries++
	s.Resources += e.Resources
	s.Changed += e.Changed
	s.VCPU += e.VCPU
	s.MemoryGiB = sum(s.MemoryGiB, e.MemoryGiB)
	s.StorageGiB = sum(s.StorageGiB, e.StorageGiB)
	s.BandwidthMbps = sum(s.BandwidthMbps, e.BandwidthMbps)
	if e.Annual == nil {
		if !billed {
			s.Unpriced++
		}
		return
	}
	year, dated := e.InYear()
	if !dated {
		s.Undated++
	}
	plus := func(to *price.Amount, a price.Amount) {
		if a, err := to.Add(a); err == nil { // all of one currency
			*to = a
		}
	}
	plus(&s.Annual, *e.Annual)
	plus(&s.InYear, year)
	if proven {
		plus(&s.Verified, *e.Annual)
	}
}
