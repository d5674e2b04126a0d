package collector

import (
	"time"

	"yunjian/ledger"
)

// BillRequest asks for the bill of one month of one account.
type BillRequest struct {
	Month    string // 2024-03
	Now      time.Time
	Progress func(done, total int) // pages; nil: nobody is told
}

// Billed is what came of it. Where it comes with an error Bill is empty: half a bill
// proves nothing. Calls were made all the same.
type Billed struct {
	Bill  ledger.Bill
	Lines int            // read
	Apart int            // of Lines, those that name no resource, such as a support plan
	Calls map[string]int // by action, retries included
}

const (
	// BillMonths is how many months of bills the cloud keeps (BSS API 2017-12-14,
	// DescribeInstanceBill). That the present one counts is not documented, and taken so:
	// a month that is asked for in vain costs more than one that is not asked for.
	BillMonths = 18
	// BillSettling is how long after a month its bill may still lack the last day.
	BillSettling = 3 * 24 * time.Hour
)

// BillZone is that in which months are billed.
var BillZone = time.FixedZone("UTC+8", 8*3600)

// BillEnd is the instant at which a month such as 2024-03 was over; false where the text
// is no month.
func BillEnd(month string) (time.Time, bool) {
	first, err := time.ParseInLocation("2006-01", month, BillZone)
	return first.AddDate(0, 1, 0), err == nil
}

// BillSettled reports whether the bill of a month may be taken for whole.
func BillSettled(month string, now time.Time) bool {
	end, ok := BillEnd(month)
	return ok && !now.Before(end.Add(BillSettling))
}

// BillKept reports whether the cloud still has the bill of a month.
func BillKept(month string, now time.Time) bool {
	now = now.In(BillZone)
	oldest := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, BillZone).AddDate(0, 1-BillMonths, 0)
	end, ok := BillEnd(month)
	return ok && end.After(oldest)
}
