package ledger

import (
	"fmt"
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
}

// BillTolerance is the share of a saving by which a bill may differ before the saving is
// corrected: months differ by a tenth in length, and most contracts bill by the month
// whatever its length. Proposed.
const BillTolerance = 0.1

// Correct holds savings against the bills of the last whole month before and of the first
// whole month after: what a month was billed less, times twelve, in place of what the
// price book says where they differ by more than BillTolerance. Where they agree the
// saving is verified by the bill. It returns the entries to be added, in the order of
// Sort; none where a bill is missing, the resource is paid for in advance, or something
// was taken again since.
func Correct(entries []Entry, bills []Bill, now time.Time) []Entry {
	byMonth := map[string]Bill{}
	for _, b := range bills {
		byMonth[b.Month] = b
	}
	taken := map[string]bool{}
	for _, e := range entries {
		if e.Effect == Reversed || e.Effect == Rebound {
			taken[e.Of] = true
		}
	}
	var out []Entry
	for _, p := range positions(entries) {
		was := cloud.Resource{}
		if p.Evidence != nil && p.Evidence.Was != nil {
			was = *p.Evidence.Was
		}
		if taken[p.ID] || was.ChargeType == cloud.Prepaid {
			continue
		}
		before, after := byMonth[monthBefore(p.Since)], byMonth[monthAfter(p.At)]
		paid, billed := before.Amounts[p.ResourceID]
		pays, still := after.Amounts[p.ResourceID]
		if !billed || len(after.Amounts) == 0 || before.Currency != after.Currency || p.Currency != "" && before.Currency != p.Currency || !still && p.Effect != Released {
			continue
		}
		less, err := paid.Sub(pays)
		if err != nil {
			continue // amounts of two currencies; checked when they were read
		}
		annual := less.Mul(decimal.NewFromInt(12)).Round()
		e := p.Entry
		e.Claim, e.Missing, e.Delta = nil, nil, Delta{}
		e.Of, e.At = p.ID, now
		e.Evidence = &Evidence{Note: before.said(p.ResourceID) + " → " + after.said(p.ResourceID)}
		switch change, agrees := differs(p.Annual, annual); {
		case !agrees:
			e.Effect, e.Annual = Corrected, &change
		case !p.verified:
			e.Effect, e.Annual, e.PriceBook, e.From = Verified, nil, "", time.Time{}
		default:
			continue
		}
		e.ID = identify(e)
		out = append(out, e)
	}
	Sort(out)
	return out
}

// said is what a bill says of a resource, and where.
func (b Bill) said(id string) string {
	amount, ok := b.Amounts[id]
	if !ok {
		return b.Month + " 账单中没有它 | not in the bill"
	}
	return fmt.Sprintf("%s %s (%s)", b.Month, amount, b.Sources[id])
}

// differs is what a saving must change by to be what was billed, and whether they agree.
func differs(booked *price.Amount, billed price.Amount) (change price.Amount, agrees bool) {
	if booked == nil {
		return billed, false
	}
	change, err := billed.Sub(*booked)
	if err != nil {
		return change, true
	}
	limit := booked.Decimal().Abs().Mul(decimal.NewFromFloat(BillTolerance))
	return change, change.Decimal().Abs().LessThanOrEqual(limit)
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
// resource the last counts. Months ascend.
func MergeBills(kept, read []Bill) []Bill {
	byMonth := map[string]Bill{}
	for _, b := range append(slices.Clone(kept), read...) {
		have, ok := byMonth[b.Month]
		if !ok {
			have = Bill{Month: b.Month, Currency: b.Currency, Amounts: map[string]price.Amount{}, Sources: map[string]string{}}
		}
		for id, a := range b.Amounts {
			have.Amounts[id], have.Sources[id] = a, b.Sources[id]
		}
		have.Source = b.Source
		byMonth[b.Month] = have
	}
	var out []Bill
	for _, b := range byMonth {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Bill) int {
		switch {
		case a.Month < b.Month:
			return -1
		case a.Month > b.Month:
			return 1
		}
		return 0
	})
	return out
}
