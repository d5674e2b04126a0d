package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"yunjian/collector"
	"yunjian/internal/journal"
	"yunjian/ledger"
)

// FetchedBill is what came of reading one month's bill of a cloud.
type FetchedBill struct {
	Cloud  string
	Month  string
	Billed collector.Billed
	Booked []ledger.Entry // added to the ledger: what the bill verifies and corrects
}

// DueBills are the months whose bill of a cloud is to be read: those that its savings
// are held against, over long enough for the bill to be whole, still kept by the cloud,
// and not there whole already.
func (d *Data) DueBills(cloudName string, now time.Time) ([]string, error) {
	entries, err := d.State.Ledger()
	if err != nil {
		return nil, fmt.Errorf("find the bills that are due: %w", err)
	}
	bills, err := d.State.Bills()
	if err != nil {
		return nil, fmt.Errorf("find the bills that are due: %w", err)
	}
	return slices.DeleteFunc(ledger.BillMonths(entries, cloudName), func(month string) bool {
		there := slices.ContainsFunc(bills, func(b ledger.Bill) bool { return b.Month == month && b.WholeFor(cloudName) })
		return there || !collector.BillSettled(month, now) || !collector.BillKept(month, now)
	}), nil
}

// FetchBill reads one month's bill of a cloud and holds the ledger against it. The calls
// are counted however it ends; of a bill that was not read to its end nothing is kept.
func (d *Data) FetchBill(ctx context.Context, cloudName string, read func(context.Context, collector.BillRequest) (collector.Billed, error), req collector.BillRequest) (FetchedBill, error) {
	out := FetchedBill{Cloud: cloudName, Month: req.Month}
	billed, err := read(ctx, req)
	out.Billed = billed
	calls := 0
	for _, n := range billed.Calls {
		calls += n
	}
	if cerr := d.State.AddCalls(cloudName, req.Now, billed.Calls); cerr != nil {
		err = errors.Join(err, fmt.Errorf("count calls: %w", cerr))
	}
	e := d.entry(ctx, journal.BillsFetched, journal.Object{Type: "bills", ID: cloudName + "/" + req.Month}).
		With("lines", strconv.Itoa(billed.Lines)).With("calls", strconv.Itoa(calls))
	switch {
	case err != nil:
	case len(billed.Bill.Amounts) == 0: // proves nothing, and has no currency
		_, err = d.State.Record(e)
	default:
		out.Booked, err = d.State.PutBills([]ledger.Bill{billed.Bill}, req.Now, e)
	}
	if err != nil {
		if _, jerr := d.State.Record(e.Fail(journal.BillsFailed, err)); jerr != nil {
			err = errors.Join(err, jerr)
		}
	}
	return out, err
}
