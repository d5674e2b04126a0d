package simcloud

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
	"yunjian/price"
)

// What the cloud's contract grants, and how much of what is payable vouchers pay: so
// that what is listed, payable and paid in cash are three amounts.
var (
	billDiscount = decimal.New(20, -2)
	billVoucher  = decimal.New(10, -2)
)

// billZone is that of billing cycles.
var billZone = time.FixedZone("UTC+8", 8*3600)

// billMonths is how many cycles can be asked for, the present one included.
const billMonths = 18

var billingCycle = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])$`)

// billItem is one line of a bill. Fields that nobody reads are left out.
type billItem struct {
	account string

	Currency              string
	InstanceID            string
	InstanceSpec          string
	Item                  string
	NickName              string
	ProductCode           string
	ProductDetail         string
	Region                string
	ResourceGroup         string
	SubscriptionType      string
	PretaxGrossAmount     number // by the price list
	InvoiceDiscount       number
	PretaxAmount          number // payable: after discounts
	AfterDiscountAmount   number
	DeductedByCashCoupons number
	DeductedByCoupons     number
	DeductedByPrepaidCard number
	PaymentAmount         number // in cash
	OutstandingAmount     number
}

// bills remembers the bills that were made: one costs an inventory a day.
type bills struct {
	mu   sync.Mutex
	made map[string][]billItem // by month and present
}

// describeInstanceBill answers with what the world's resources cost in a month: pay as
// you go by the days on which they were there, at the size of the day; subscriptions in
// the month in which their year begins. A day is billed a day later, and the last day of
// a month three days later.
func (s *Server) describeInstanceBill(c *call) ([]byte, *apiError) {
	month := c.get("BillingCycle")
	if month == "" {
		return nil, missing("BillingCycle")
	}
	if granularity := c.get("Granularity"); granularity != "" && granularity != "MONTHLY" {
		return nil, invalid("Granularity", "this cloud bills by the month only")
	}
	if !billingCycle.MatchString(month) {
		return nil, invalid("BillingCycle", "want YYYY-MM")
	}
	first, _ := time.ParseInLocation("2006-01", month, billZone) // matched above
	now := c.snap.now.In(billZone)
	present := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, billZone)
	if first.After(present) || first.Before(present.AddDate(0, 1-billMonths, 0)) {
		return nil, invalid("BillingCycle", "want one of the last 18 months")
	}
	if size := c.number("MaxResults", 20); size < 1 || size > 300 {
		return nil, invalid("MaxResults", "want 1 to 300")
	}
	if _, byNumber := c.find("PageNumber"); byNumber {
		return nil, invalid("PageNumber", "this action pages by NextToken")
	}
	all := s.bill(first, now)
	if c.account != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(b billItem) bool { return b.account != "" && b.account != c.account })
	}
	from := 0
	if token := c.get("NextToken"); token != "" {
		at, _, ok := c.readToken(token)
		if !ok || at > uint64(len(all)) {
			return nil, invalid("NextToken", "it belongs to another request")
		}
		from = int(at)
	}
	to := min(len(all), from+c.number("MaxResults", 20))
	type data struct {
		AccountID, BillingCycle string
		Items                   []billItem
		MaxResults, TotalCount  int
		NextToken               string `json:",omitempty"`
	}
	answer := struct {
		Code, Message, RequestId string
		Success                  bool
		Data                     data
	}{"Success", "Successful!", c.requestID, true, data{
		AccountID: cmp.Or(c.account, "1208863178610000"), BillingCycle: month,
		Items: append([]billItem{}, all[from:to]...), MaxResults: c.number("MaxResults", 20), TotalCount: len(all),
	}}
	if to < len(all) {
		answer.Data.NextToken = c.nextToken(uint64(to), 0)
	}
	return must(json.Marshal(answer)), nil
}

// bill makes the bill of the month that begins at first, as of now, or remembers it.
func (s *Server) bill(first, now time.Time) []billItem {
	s.bills.mu.Lock()
	defer s.bills.mu.Unlock()
	key := first.Format("2006-01") + " " + now.Format(time.RFC3339)
	if made, ok := s.bills.made[key]; ok {
		return made
	}
	book := price.Example()
	gross := map[billKey]decimal.Decimal{} // times days
	last := map[billKey]quoted{}
	end := first.AddDate(0, 1, 0)
	days := decimal.NewFromInt(int64(end.AddDate(0, 0, -1).Day()))
	for day := first; day.Before(end); day = day.AddDate(0, 0, 1) {
		settled := day.AddDate(0, 0, 2)
		if settled.After(end) {
			settled = end.AddDate(0, 0, 3)
		}
		if now.Before(settled) {
			continue
		}
		inv := s.world.Inventory(day)
		hasDisks := map[string]bool{}
		for _, r := range inv.Resources {
			hasDisks[r.AttachedTo] = hasDisks[r.AttachedTo] || r.Kind == cloud.Disk
		}
		for _, r := range inv.Resources {
			if r.CreatedAt.After(day) {
				continue
			}
			if r.Kind == cloud.Instance && hasDisks[r.ID] {
				r.StorageGiB = 0 // has lines of its own
			}
			key := billKey{r.ID, r.InstanceType}
			q, ok := last[key]
			if !ok || !sameSize(q.resource, r) {
				q = quoted{r, book.Quote(r, day)}
				last[key] = q
			}
			if !q.Known() {
				continue // a price that nobody wrote down is not made up
			}
			switch {
			case r.ChargeType != cloud.Prepaid:
				gross[key] = gross[key].Add(q.Monthly.Decimal())
			case !r.ExpiresAt.IsZero() && r.ExpiresAt.In(billZone).Month() == day.Month() && r.ExpiresAt.In(billZone).Day() == day.Day():
				gross[key] = q.Annual.Decimal().Mul(days)
			}
		}
	}
	made := make([]billItem, 0, len(gross)+1)
	for key, amount := range gross {
		made = append(made, newBillItem(last[key].resource, book.Currency, amount.Div(days)))
	}
	slices.SortFunc(made, func(a, b billItem) int {
		return cmp.Or(strings.Compare(a.InstanceID, b.InstanceID), strings.Compare(a.InstanceSpec, b.InstanceSpec))
	})
	if len(made) > 0 { // what is of no resource is billed too
		made = append(made, newBillItem(cloud.Resource{Name: "support"}, book.Currency, decimal.NewFromInt(50)))
	}
	if s.bills.made == nil {
		s.bills.made = map[string][]billItem{}
	}
	s.bills.made[key] = made
	return made
}

// billKey is what a line is of: a machine that was resized has two.
type billKey struct{ id, spec string }

// quoted is a resource and what it cost on the day before; most days are like it.
type quoted struct {
	resource cloud.Resource
	price.Quote
}

func sameSize(a, b cloud.Resource) bool {
	return a.VCPU == b.VCPU && a.MemoryGiB == b.MemoryGiB && a.StorageGiB == b.StorageGiB && a.BandwidthMbps == b.BandwidthMbps && a.Category == b.Category
}

func newBillItem(r cloud.Resource, currency string, gross decimal.Decimal) billItem {
	gross = gross.Round(2)
	discount := gross.Mul(billDiscount).Round(2)
	payable := gross.Sub(discount)
	voucher := payable.Mul(billVoucher).Round(2)
	n := func(d decimal.Decimal) number { return number(d.String()) }
	b := billItem{
		account: r.Account, Currency: currency, InstanceID: r.ID, InstanceSpec: r.InstanceType, Item: "PayAsYouGoBill", NickName: r.Name,
		ProductCode: map[cloud.Kind]string{cloud.Instance: "ecs", cloud.Disk: "yundisk", cloud.EIP: "eip", "": "support"}[r.Kind],
		Region:      cmp.Or(regionNames[r.Region], r.Region), ResourceGroup: r.ResourceGroup, SubscriptionType: "PayAsYouGo",
		PretaxGrossAmount: n(gross), InvoiceDiscount: n(discount), PretaxAmount: n(payable), AfterDiscountAmount: n(payable),
		DeductedByCashCoupons: n(voucher), DeductedByCoupons: "0", DeductedByPrepaidCard: "0", PaymentAmount: n(payable.Sub(voucher)), OutstandingAmount: "0",
	}
	b.ProductDetail = b.ProductCode
	if r.ChargeType == cloud.Prepaid {
		b.Item, b.SubscriptionType = "SubscriptionOrder", "Subscription"
	}
	return b
}
