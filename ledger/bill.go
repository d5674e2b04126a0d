package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
	"yunjian/price"
)

// Bill is what one month was billed for, by resource.
type Bill struct {
	Month    string                  `json:"month"` // 2024-03
	Currency string                  `json:"currency"`
	Amounts  map[string]price.Amount `json:"amounts"`
	Source   string                  `json:"source"`            // of the last import
	Sources  map[string]string       `json:"sources,omitempty"` // the file and number of the bill, by resource
	// Whole: somebody said that the month was billed for nothing else, so that what is
	// not listed was not billed.
	Whole bool `json:"whole,omitempty"`
	// WholeOf are the clouds of which alone that is so: their bill was read to the end
	// after the month was over.
	WholeOf []string `json:"whole_of,omitempty"`
}

// WholeFor reports whether the month was billed for nothing else of a cloud.
func (b Bill) WholeFor(cloud string) bool { return b.Whole || slices.Contains(b.WholeOf, cloud) }

// BillTolerance is the share of a saving by which a bill may differ before the saving is
// corrected: months differ by a tenth in length, and most contracts bill by the month
// whatever its length. Proposed.
const BillTolerance = 0.1

// Correct holds savings against bills: what was billed less in the first whole month
// after than in the last whole month before, times twelve, in place of what the price book
// says where they differ by more than BillTolerance. Where they agree the saving is
// verified by the bill. Changes of one resource that lie between the same months are held
// against them together, and so are the disks that went with it, if the bill has them
// under its id. It returns the entries to be added, in the order of Sort; none where a
// bill is missing, does not list what is gone without being whole, or credits more than it
// bills; where the resource is paid for in advance, was made or changed its size within the
// month before, its id is found in two clouds, or something was taken again since.
func Correct(entries []Entry, bills []Bill, now time.Time) []Entry {
	b := audit{byMonth: map[string]Bill{}, taken: taken(entries), parts: map[string][]*position{}, now: now}
	for _, bill := range bills {
		b.byMonth[bill.Month] = bill
	}
	clouds := map[string]string{}
	ambiguous := map[string]bool{}
	byResource := map[string][]*position{}
	var order []string
	for _, p := range positions(entries) {
		if cloud, known := clouds[p.ResourceID]; known && cloud != p.Cloud {
			ambiguous[p.ResourceID] = true
		}
		clouds[p.ResourceID] = p.Cloud
		if byResource[p.ResourceID] == nil {
			order = append(order, p.ResourceID)
		}
		byResource[p.ResourceID] = append(byResource[p.ResourceID], p)
		if p.PartOf != "" {
			b.parts[p.PartOf] = append(b.parts[p.PartOf], p)
		}
	}
	for _, id := range order {
		if ambiguous[id] {
			continue
		}
		for of := byResource[id]; len(of) > 0; {
			n := 1
			for n < len(of) && monthBefore(of[n].stood()) < monthAfter(of[n-1].At) {
				n++
			}
			b.hold(of[:n])
			of = of[n:]
		}
	}
	Sort(b.out)
	return b.out
}

// audit is one Correct.
type audit struct {
	byMonth map[string]Bill
	taken   map[string]bool
	parts   map[string][]*position // of each host
	now     time.Time
	out     []Entry
}

// taken are the entries of which something was taken again.
func taken(entries []Entry) map[string]bool {
	out := map[string]bool{}
	for _, e := range entries {
		if e.Effect == Reversed || e.Effect == Rebound {
			out[e.Of] = true
		}
	}
	return out
}

// BillMonths are the months that Correct wants the bills of for the savings of a cloud,
// in order: of each the last whole one before and the first whole one after.
func BillMonths(entries []Entry, cloud string) []string {
	b := audit{taken: taken(entries)}
	months := map[string]bool{}
	for _, p := range positions(entries) {
		if p.Cloud == cloud && !b.passed(p) {
			months[monthBefore(p.stood())], months[monthAfter(p.At)] = true, true
		}
	}
	return slices.Sorted(maps.Keys(months))
}

// hold holds the changes of one resource between two bills against them.
func (b *audit) hold(of []*position) {
	first, last := of[0], of[len(of)-1]
	before, after := b.byMonth[monthBefore(first.stood())], b.byMonth[monthAfter(last.At)]
	id := first.ResourceID
	paid, billed := before.Amounts[id]
	pays, still := after.Amounts[id]
	switch {
	case !billed || after.Month == "" || before.Currency != after.Currency || paid.Sign() < 0 || pays.Sign() < 0:
		return
	case slices.ContainsFunc(of, func(p *position) bool { return p.Currency != "" && p.Currency != before.Currency }):
		return
	case first.changedIn(before.Month):
		return // it was billed for a part of the month
	case !still && (last.Effect != Released || !after.WholeFor(last.Cloud)):
		return
	case slices.ContainsFunc(of, b.passed):
		return
	}
	less, err := paid.Sub(pays)
	if err != nil {
		return // amounts of two currencies; checked when they were read
	}
	annual := less.Mul(decimal.NewFromInt(12)).Round()
	if with := b.with(of, before); len(with) > len(of) && nearer(with, of, annual) {
		of = with
	}
	b.enter(of, annual, before.said(id)+" → "+after.said(id))
}

// changedIn reports whether a resource was made or changed its size in a month or later.
func (p *position) changedIn(month string) bool {
	if p.Evidence == nil || p.Evidence.Was == nil {
		return false
	}
	was, zone := p.Evidence.Was, p.At.Location()
	return was.CreatedAt.In(zone).Format("2006-01") >= month || was.ResizedAt.In(zone).Format("2006-01") >= month
}

// passed reports whether a position is held against no bill.
func (b *audit) passed(p *position) bool {
	return b.taken[p.ID] || p.Evidence != nil && p.Evidence.Was != nil && p.Evidence.Was.ChargeType == cloud.Prepaid
}

// with adds the disks that went with a resource and have no line of their own.
func (b *audit) with(of []*position, before Bill) []*position {
	last := of[len(of)-1]
	out := slices.Clone(of)
	for _, part := range b.parts[last.ResourceID] {
		if _, own := before.Amounts[part.ResourceID]; !own && part.Cloud == last.Cloud && part.At.Equal(last.At) && !b.passed(part) {
			out = append(out, part)
		}
	}
	return out
}

// nearer reports whether what was billed is nearer to the saving of all than to that of
// some.
func nearer(all, some []*position, billed price.Amount) bool {
	distance := func(of []*position) (decimal.Decimal, bool) {
		booked, unknown := total(of)
		return billed.Decimal().Sub(booked.Decimal()).Abs(), unknown < 0
	}
	a, known := distance(all)
	s, _ := distance(some)
	return known && a.LessThan(s)
}

// total is the saving of positions, and which of them is the first of an unknown price;
// −1: none.
func total(of []*position) (sum price.Amount, unknown int) {
	unknown = -1
	for i, p := range of {
		if p.Annual == nil {
			if unknown < 0 {
				unknown = i
			}
			continue
		}
		if s, err := sum.Add(*p.Annual); err == nil {
			sum = s
		}
	}
	return sum, unknown
}

// enter verifies or corrects positions by what was billed less a year. What they differ by
// goes to the one whose price nobody knew, else to each by its share.
func (b *audit) enter(of []*position, billed price.Amount, note string) {
	booked, unknown := total(of)
	change, err := billed.Sub(booked)
	if err != nil {
		return
	}
	limit := booked.Decimal().Abs().Mul(decimal.NewFromFloat(BillTolerance))
	agrees := unknown < 0 && change.Decimal().Abs().LessThanOrEqual(limit)
	left := change
	for i, p := range of {
		e := p.Entry
		e.Claim, e.Missing, e.Delta = nil, nil, Delta{}
		e.Of, e.OfAt, e.At = p.ID, p.At, b.now
		e.Evidence = &Evidence{Note: note}
		share := left
		switch {
		case unknown >= 0 && i != unknown:
			share = price.Zero(change.Currency())
		case unknown < 0 && i < len(of)-1 && booked.Sign() != 0:
			share = change.Mul(p.Annual.Decimal().DivRound(booked.Decimal(), 16)).Round()
		case unknown < 0 && i < len(of)-1:
			share = price.Zero(change.Currency())
		}
		switch {
		case !agrees && share.Sign() != 0:
			e.Effect, e.Annual = Corrected, &share
			left, _ = left.Sub(share) // of one currency
		case !p.verified:
			e.Effect, e.Annual, e.PriceBook, e.From = Verified, nil, "", time.Time{}
		default:
			continue
		}
		e.ID = identify(e, 0)
		b.out = append(b.out, e)
	}
}

// said is what a bill says of a resource, and where.
func (b Bill) said(id string) string {
	amount, ok := b.Amounts[id]
	if !ok {
		return b.Month + " 账单中没有它 | not in the bill"
	}
	return fmt.Sprintf("%s %s (%s)", b.Month, amount, b.Sources[id])
}

// monthBefore is the last month that ended before t.
func monthBefore(t time.Time) string {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location()).AddDate(0, -1, 0).Format("2006-01")
}

// monthAfter is the first month that began after t.
func monthAfter(t time.Time) string {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location()).AddDate(0, 1, 0).Format("2006-01")
}

// MergeBills puts bills that were read over those that are kept: of one month and
// resource the last counts. Months ascend. A month that was billed in two currencies is an
// error, for such amounts have no sum, and one that has not ended at now: what it is billed
// for by then would be taken for all of it.
func MergeBills(kept, read []Bill, now time.Time) ([]Bill, error) {
	for _, b := range read {
		if b.Month >= now.Format("2006-01") {
			return nil, fmt.Errorf("%s: %s has not ended on %s; want the bills of months that have", b.Source, b.Month, now.Format(time.DateOnly))
		}
	}
	byMonth := map[string]Bill{}
	for _, b := range slices.Concat(kept, read) {
		have, ok := byMonth[b.Month]
		if !ok {
			have = Bill{Month: b.Month, Currency: b.Currency, Amounts: map[string]price.Amount{}, Sources: map[string]string{}}
		}
		if have.Currency != b.Currency {
			return nil, fmt.Errorf("%s: the bill of %s is in %s, and what is there of that month in %s; want one currency a month", b.Source, b.Month, b.Currency, have.Currency)
		}
		for id, a := range b.Amounts {
			have.Amounts[id], have.Sources[id] = a, b.Sources[id]
		}
		have.Source, have.Whole = b.Source, have.Whole || b.Whole
		for _, cloud := range b.WholeOf {
			if !slices.Contains(have.WholeOf, cloud) {
				have.WholeOf = slices.Sorted(slices.Values(append(slices.Clone(have.WholeOf), cloud)))
			}
		}
		byMonth[b.Month] = have
	}
	return slices.SortedFunc(maps.Values(byMonth), func(a, b Bill) int { return cmp.Compare(a.Month, b.Month) }), nil
}
