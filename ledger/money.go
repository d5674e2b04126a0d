package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
	"yunjian/price"
)

// compare is the order of Sort.
func compare(a, b Entry) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ResourceID, b.ResourceID),
		cmp.Compare(slices.Index(Effects(), a.Effect), slices.Index(Effects(), b.Effect)), cmp.Compare(a.ID, b.ID))
}

// inYear is annual × the days from the later of from and 1 January to 31 December of the
// year of at / the days of that year. Days are those of the zone of at.
func inYear(annual price.Amount, from, at time.Time) price.Amount {
	first := time.Date(at.Year(), 1, 1, 0, 0, 0, 0, at.Location())
	next := first.AddDate(1, 0, 0)
	if from = dayOf(from, at.Location()); from.Before(first) {
		from = first
	}
	days := max(0, daysBetween(from, next))
	return annual.Mul(decimal.NewFromInt(int64(days)).DivRound(decimal.NewFromInt(int64(daysBetween(first, next))), 16)).Round()
}

// daysBetween counts midnights; a day of 23 hours is one.
func daysBetween(from, to time.Time) int {
	f := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	t := time.Date(to.Year(), to.Month(), to.Day(), 0, 0, 0, 0, time.UTC)
	return int(t.Sub(f) / (24 * time.Hour))
}

// dayOf is the midnight with which the day of t begins.
func dayOf(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, loc)
}

// worth is what a year of r costs; nil and why where that is unknown.
func worth(book price.Book, r cloud.Resource, at time.Time) (*price.Amount, []string) {
	q := book.Quote(r, at)
	if !q.Known() {
		return nil, q.Missing
	}
	return &q.Annual, nil
}

// difference of what two sizes cost, rounded; nil and why where one is unknown.
func difference(book price.Book, was, now cloud.Resource, at time.Time) (*price.Amount, []string) {
	before, missing := worth(book, was, at)
	after, more := worth(book, now, at)
	if before == nil || after == nil {
		all := append(slices.Clone(missing), more...)
		slices.Sort(all)
		return nil, slices.Compact(all)
	}
	d, err := before.Sub(*after)
	if err != nil { // one book has one currency
		return nil, []string{"currency"}
	}
	d = d.Round()
	return &d, nil
}

// negative of an amount; nil stays unknown.
func negative(a *price.Amount) *price.Amount {
	if a == nil {
		return nil
	}
	n := a.Mul(decimal.NewFromInt(-1))
	return &n
}
