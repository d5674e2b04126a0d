package price

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
)

// What is the thing that an item of a book prices.
type What string

// What is priced, and by which quantity.
const (
	VCPU      What = "vcpu"      // one vCPU of an instance
	Memory    What = "memory"    // one GiB of memory of an instance
	Storage   What = "storage"   // one GiB of storage, attached or not
	IP        What = "ip"        // one elastic IP address
	Bandwidth What = "bandwidth" // one Mbit/s of an elastic IP address
	Instance  What = "instance"  // a whole instance of a type, its storage apart
)

// Whats lists everything that an item may price, in the order of quote lines.
func Whats() []What { return []What{Instance, VCPU, Memory, Storage, IP, Bandwidth} }

// Period is the span that a price pays for.
type Period string

// Periods. A year is twelve months; a month is as many hours as the book says.
const (
	PerMonth Period = "month"
	PerHour  Period = "hour"
	PerYear  Period = "year"
)

// Confidence says where a book's prices come from, in the words that policy
// packs use.
type Confidence string

// Grades of confidence.
const (
	Cited    Confidence = "cited"    // the prices stand in the named document, such as the contract
	Practice Confidence = "practice" // paid somewhere that can be named
	Proposed Confidence = "proposed" // assumed, for want of better
)

// Text is a text for people in both languages.
type Text struct {
	ZH string
	EN string
}

// Source names where the prices stand.
type Source struct {
	Title  string // required
	Issuer string
	DocNo  string // document or contract number
	Date   string
	URL    string
}

// Item is one price of a book and the resources it applies to. Every
// restriction that is not empty must hold; a resource whose field is unknown
// does not meet a restriction on it.
type Item struct {
	ID       string
	What     What
	Price    decimal.Decimal // as written, before discount; never negative
	Per      Period
	Discount decimal.Decimal // share of Price that is paid, above 0 and at most 1
	Free     bool            // a price of 0 that is meant
	// StoppedBilling is of CPU, memory and whole instances; empty: not said.
	StoppedBilling StoppedBilling

	InstanceType  string             // What Instance only: the type priced
	Category      string             // What Storage only: a disk category, or a prefix ending in *
	Accounts      []string           //
	Zones         []string           //
	Regions       []string           //
	Families      []string           // instance families, such as ecs.g7
	Architectures []string           // x86_64, arm64, loong64
	ChargeTypes   []cloud.ChargeType //

	From time.Time // first instant of validity; zero: since ever
	To   time.Time // first instant after validity; zero: for ever

	Line, Column int // in the file, for messages

	annual       decimal.Decimal // Price × Discount for one unit for a year, exact
	restrictions [7][]string     // in the order of precedence, each a sorted set; empty sets do not restrict
	restricted   int             // sets that are not empty
}

// Book is a price book, read by Parse. It is not changed after that.
type Book struct {
	ID            string
	Version       string
	SHA256        string // of the file as read; identifies the exact text
	Name          Text
	Note          Text
	Example       bool // the built-in example: every page that shows its figures says so
	Currency      string
	Source        Source
	Confidence    Confidence
	TaxIncluded   bool
	HoursPerMonth decimal.Decimal // by which a price per hour becomes one per month
	// DefaultStorage is the category taken for storage whose category is
	// unknown, such as the sum of an instance's disks in an exported list.
	DefaultStorage string
	Items          []Item // as in the file

	byWhat map[What][]*Item   // most specific first
	byType map[string][]*Item // What Instance, most specific first
}

//go:embed example.yaml
var exampleText []byte

// Example is the built-in book of illustrative prices, for use until the user
// has written down what the contract says.
func Example() Book {
	b, err := Parse("example.yaml", exampleText)
	if err != nil {
		panic(fmt.Sprintf("price: the embedded example book: %v", err)) // a test parses it
	}
	b.Example = true
	return b
}

// Ref identifies the exact prices used: "id@version".
func (b Book) Ref() string { return b.ID + "@" + b.Version }

// restrict prepares what precedence and collide compare.
func (it *Item) restrict() {
	var category, charge []string
	if it.Category != "" {
		category = []string{it.Category}
	}
	for _, c := range it.ChargeTypes {
		charge = append(charge, string(c))
	}
	it.restrictions = [...][]string{category, it.Accounts, it.Zones, it.Regions, it.Families, it.Architectures, charge}
	for _, set := range it.restrictions {
		it.restricted += min(len(set), 1)
	}
}

// precedence orders items of one What (and one instance type), most specific
// first:
//
//  1. more restrictions before fewer;
//  2. of equally many, by the first of category, account, zone, region, family,
//     architecture, charge type that one has and the other has not;
//  3. a whole category before a prefix, a longer prefix before a shorter.
//
// Items that are equal here and can match one resource at one instant are a
// mistake that Parse reports.
func precedence(a, b *Item) int {
	if c := cmp.Compare(b.restricted, a.restricted); c != 0 {
		return c
	}
	for i := range a.restrictions {
		if c := cmp.Compare(min(len(b.restrictions[i]), 1), min(len(a.restrictions[i]), 1)); c != 0 {
			return c
		}
	}
	whole := func(it *Item) int {
		if strings.HasSuffix(it.Category, "*") {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(whole(a), whole(b)), cmp.Compare(len(b.Category), len(a.Category)))
}

// collide reports whether two items of equal precedence can match one resource
// at one instant.
func collide(a, b *Item) bool {
	if a.What != b.What || a.InstanceType != b.InstanceType || precedence(a, b) != 0 {
		return false
	}
	for i, set := range a.restrictions {
		if len(set) > 0 && !slices.ContainsFunc(set, func(s string) bool { return slices.Contains(b.restrictions[i], s) }) {
			return false
		}
	}
	startsAfter := func(a, b *Item) bool { return !b.To.IsZero() && !a.From.Before(b.To) }
	return !startsAfter(a, b) && !startsAfter(b, a)
}

// index prepares a book whose items are all right for Quote.
func (b *Book) index() {
	b.byWhat = map[What][]*Item{}
	b.byType = map[string][]*Item{}
	twelve := decimal.NewFromInt(12)
	for i := range b.Items {
		it := &b.Items[i]
		it.annual = it.Price.Mul(it.Discount)
		switch it.Per {
		case PerHour:
			it.annual = it.annual.Mul(b.HoursPerMonth).Mul(twelve)
		case PerMonth:
			it.annual = it.annual.Mul(twelve)
		}
		if it.What == Instance {
			b.byType[it.InstanceType] = append(b.byType[it.InstanceType], it)
		} else {
			b.byWhat[it.What] = append(b.byWhat[it.What], it)
		}
	}
	for _, items := range b.byWhat {
		slices.SortStableFunc(items, precedence)
	}
	for _, items := range b.byType {
		slices.SortStableFunc(items, precedence)
	}
}
