package price

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// StoppedBilling says whether a machine's CPU and memory are billed while it is
// stopped. Under contracts by month or year they mostly are. On Alibaba's public
// cloud they are not for a pay-as-you-go instance in a VPC, without local disks,
// that is stopped in economical mode (StopCharging); its disks and addresses are
// (help.aliyun.com, ECS, economical mode).
type StoppedBilling string

// How a stopped machine is billed; empty where the book does not say.
const (
	BillingStops     StoppedBilling = "stops"
	BillingContinues StoppedBilling = "continues"
)

// hoursOfWeek is what hours off are a share of.
var hoursOfWeek = decimal.NewFromInt(168)

// WhileStopped is what is not billed in a year of a machine that is stopped for so
// many hours of each week: that share of its lines for CPU and memory, or for the
// type as a whole, whose billing stops. Storage is never among them. known is
// false where the book does not say how a line is billed, or does not price one;
// without any line that stops, the amount is a known nothing.
//
// The lines are summed first and divided last, to 24 places.
func (q Quote) WhileStopped(hours int) (saved Amount, known bool) {
	sum, priced := decimal.Zero, false
	for _, l := range q.Lines {
		if l.What != VCPU && l.What != Memory && l.What != Instance {
			continue
		}
		priced = true
		switch l.StoppedBilling {
		case BillingStops:
			sum = sum.Add(l.Annual.value)
		case BillingContinues:
		default:
			return Zero(q.Annual.currency), false
		}
	}
	if !priced || !q.computeKnown() {
		return Zero(q.Annual.currency), false
	}
	return Amount{sum.Mul(decimal.NewFromInt(int64(hours))).DivRound(hoursOfWeek, 24), q.Annual.currency}, true
}

// computeKnown reports whether CPU and memory were priced; storage without a price
// does not matter to a machine that keeps it.
func (q Quote) computeKnown() bool {
	return !slices.ContainsFunc(q.Missing, func(code string) bool { return !strings.HasPrefix(code, string(Storage)+"_") })
}
