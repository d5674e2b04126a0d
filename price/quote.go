package price

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
)

// Attributes of a resource that a quote looks at.
const (
	// StorageCategory is the disk category of an instance's StorageGiB, where
	// the source knows one for all of it.
	StorageCategory = "storage_category"
	// InternetChargeType says how an address pays for traffic. With
	// PayByTraffic its bandwidth is a ceiling and costs nothing by itself;
	// traffic is not part of a quote.
	InternetChargeType = "internet_charge_type"
	PayByTraffic       = "PayByTraffic"
	// BandwidthPackage is the id of the shared bandwidth that an address draws
	// on; its own bandwidth then costs nothing.
	BandwidthPackage = "bandwidth_package_id"
)

// Quote is what one resource costs as it stands, before any saving.
type Quote struct {
	// Monthly and Annual sum the lines. Annual is exact; Monthly is its twelfth,
	// exact too unless a price per year does not divide by twelve.
	Monthly Amount `json:"monthly"`
	Annual  Amount `json:"annual"`
	Lines   []Line `json:"lines"`
	// Missing names, in codes, what could not be priced. When it is not empty
	// the cost is unknown, and the sums are of the known lines only:
	//
	//	storage_price:cloud_essd/PL1   the book has no price for this
	//	vcpu_price_expired             it has one, not valid at that instant
	//	memory_size                    the source did not say how large it is
	//	kind_price:…                   no such kind is ever priced
	Missing []string `json:"missing,omitempty"`
}

// Known reports whether everything was priced.
func (q Quote) Known() bool { return len(q.Missing) == 0 }

// Line is one part of a quote.
type Line struct {
	Item      string          `json:"item"` // id of the book's item
	What      What            `json:"what"`
	Of        string          `json:"of,omitempty"` // instance type, or disk category taken
	Quantity  decimal.Decimal `json:"quantity"`
	UnitPrice decimal.Decimal `json:"unit_price"` // as the book writes it
	Per       Period          `json:"per"`
	Discount  decimal.Decimal `json:"discount"` // share of the price that is paid
	Monthly   Amount          `json:"monthly"`
	Annual    Amount          `json:"annual"`
	// StoppedBilling is of CPU, memory and whole instances: see there.
	StoppedBilling StoppedBilling `json:"stopped_billing,omitempty"`
}

// Quote prices r as it stands at an instant. For a size that r does not have
// yet, quote a copy with InstanceType, VCPU and MemoryGiB changed together.
//
// An instance is priced by its type where the book prices the type, else by
// vCPU and memory; its StorageGiB apart, by its category, the attribute
// StorageCategory or the book's default. A GPU and local disks are never priced
// by vCPU and memory: only the type's own price knows them.
func (b Book) Quote(r cloud.Resource, at time.Time) Quote {
	q := quoting{book: b, r: r, family: family(r.InstanceType), at: at}
	q.Monthly, q.Annual, q.Lines = Zero(b.Currency), Zero(b.Currency), []Line{}
	switch r.Kind {
	case cloud.Instance:
		q.instance()
	case cloud.Disk:
		q.add(Storage, r.StorageGiB, r.Category)
	case cloud.EIP:
		q.add(IP, 1, "")
		if r.Attributes[InternetChargeType] != PayByTraffic && r.Attributes[BandwidthPackage] == "" {
			q.add(Bandwidth, r.BandwidthMbps, "")
		}
	default:
		q.Missing = append(q.Missing, "kind_price:"+string(r.Kind))
	}
	return q.Quote
}

// quoting is a quote in the making.
type quoting struct {
	Quote
	book   Book
	r      cloud.Resource
	family string
	at     time.Time
}

func (q *quoting) instance() {
	if item, _ := q.find(q.book.byType[q.r.InstanceType], ""); item != nil {
		q.line(item, decimal.NewFromInt(1), q.r.InstanceType)
	} else {
		q.add(VCPU, float64(q.r.VCPU), "")
		q.add(Memory, q.r.MemoryGiB, "")
		if q.r.GPU > 0 {
			q.Missing = append(q.Missing, "gpu_price:"+q.r.InstanceType)
		}
		if q.r.LocalStorageGiB > 0 {
			q.Missing = append(q.Missing, "local_storage_price:"+q.r.InstanceType)
		}
	}
	if q.r.StorageGiB != 0 { // no disks known: they are listed by themselves, or nowhere
		category := q.r.Category
		if category == "" {
			category = q.r.Attributes[StorageCategory]
		}
		q.add(Storage, q.r.StorageGiB, category)
	}
}

// add prices a quantity of something; a quantity that is not a positive number
// is one that nobody knows.
func (q *quoting) add(what What, quantity float64, category string) {
	if !(quantity > 0) || math.IsInf(quantity, 1) {
		q.Missing = append(q.Missing, string(what)+"_size")
		return
	}
	if what == Storage && category == "" {
		category = q.book.DefaultStorage
	}
	item, expired := q.find(q.book.byWhat[what], category)
	if item != nil {
		q.line(item, decimal.NewFromFloat(quantity), category)
		return
	}
	code := string(what) + "_price"
	if expired {
		code += "_expired"
	}
	if category != "" {
		code += ":" + category
	}
	q.Missing = append(q.Missing, code)
}

// find returns the first, most specific, item that applies, or says that one
// would at another time.
func (q *quoting) find(items []*Item, category string) (item *Item, expired bool) {
	for _, it := range items {
		if !q.applies(it, category) {
			continue
		}
		if q.at.Before(it.From) || !it.To.IsZero() && !q.at.Before(it.To) {
			expired = true
			continue
		}
		return it, false
	}
	return nil, expired
}

func (q *quoting) applies(it *Item, category string) bool {
	return meets(it.Accounts, q.r.Account) &&
		meets(it.Zones, q.r.Zone) &&
		meets(it.Regions, q.r.Region) &&
		meets(it.Families, q.family) &&
		meets(it.Architectures, q.r.Architecture) &&
		meets(it.ChargeTypes, q.r.ChargeType) &&
		inCategory(it.Category, category)
}

func (q *quoting) line(it *Item, quantity decimal.Decimal, of string) {
	annual := it.annual.Mul(quantity)
	line := Line{
		Item: it.ID, What: it.What, Of: of, Quantity: quantity,
		UnitPrice: it.Price, Per: it.Per, Discount: it.Discount,
		Monthly: Amount{twelfth(annual), q.book.Currency},
		Annual:  Amount{annual, q.book.Currency},

		StoppedBilling: it.StoppedBilling,
	}
	q.Lines = append(q.Lines, line)
	q.Annual.value = q.Annual.value.Add(annual)
	q.Monthly.value = twelfth(q.Annual.value)
}

// twelfth is exact for whatever was a price per month or hour times twelve.
// Where a price per year does not divide, 24 places are kept.
func twelfth(annual decimal.Decimal) decimal.Decimal {
	return annual.DivRound(decimal.NewFromInt(12), max(24, -annual.Exponent()))
}

// meets reports whether a value is one of those allowed; an empty list allows
// everything, and an unknown value is in no list.
func meets[T ~string](allowed []T, value T) bool {
	return len(allowed) == 0 || value != "" && slices.Contains(allowed, value)
}

func inCategory(pattern, category string) bool {
	if prefix, cut := strings.CutSuffix(pattern, "*"); cut {
		return category != "" && strings.HasPrefix(category, prefix)
	}
	return pattern == "" || pattern == category
}

// family is the instance family in an instance type's name: ecs.g7 of
// ecs.g7.2xlarge; empty where the name has no such form.
func family(instanceType string) string {
	if i := strings.LastIndexByte(instanceType, '.'); i > 0 && strings.Contains(instanceType[:i], ".") {
		return instanceType[:i]
	}
	return ""
}
