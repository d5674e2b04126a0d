package ledger

import (
	"slices"
	"testing"

	"yunjian/cloud"
	"yunjian/price"
)

// priced is the book of categories in another currency, or without what the text says.
func priced(t *testing.T, currency string, without ...string) price.Book {
	t.Helper()
	text := "id: other\nversion: \"1\"\nname: {zh: 另, en: other}\ncurrency: " + currency + `
source: {title: test}
confidence: proposed
tax_included: true
hours_per_month: 730
items:
  - {id: vcpu, what: vcpu, price: 60, per: month}
  - {id: memory, what: memory, price: 23, per: month}
`
	for _, c := range []string{"dear", "mid", "cheap"} {
		if len(without) == 0 || without[0] != c {
			text += "  - {id: " + c + ", what: storage, category: " + c + ", price: " + map[string]string{"dear": "2", "mid": "1.5", "cheap": "1"}[c] + ", per: month}\n"
		}
	}
	b, err := price.Parse("other.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a book said when something was given is taken back, whatever the book says by then.
func TestTakenUnderAnotherBook(t *testing.T) {
	d := func(category string) []cloud.Resource { return []cloud.Resource{in(disk("d", "", 100), category)} }
	cny := priced(t, "CNY")
	for _, c := range []struct {
		name  string
		books []price.Book
		of    [][]cloud.Resource
		want  string
	}{
		{"a category whose price vanished", []price.Book{cny, priced(t, "CNY", "dear")}, [][]cloud.Resource{d("dear"), d("cheap"), d("dear")}, "0+0 0C 0G 0G 0M 0.00"},
		{"in another currency", []price.Book{cny, priced(t, "USD")}, [][]cloud.Resource{d("dear"), d("cheap"), d("dear")}, "0+0 0C 0G 0G 0M 0.00"},
		{"by steps, and back at once without a price", []price.Book{cny, cny, priced(t, "CNY", "dear")}, [][]cloud.Resource{d("dear"), d("mid"), d("cheap"), d("dear")}, "0+0 0C 0G 0G 0M 0.00"},
		{"and back by one step", []price.Book{cny, cny, priced(t, "CNY", "mid")}, [][]cloud.Resource{d("dear"), d("mid"), d("cheap"), d("mid")}, "0+0 0C 0G 0G 0M 600.00"},
		{"and back while it was not known", []price.Book{cny, cny, cny}, [][]cloud.Resource{d("dear"), d("cheap"), d(""), d("dear")}, "0+0 0C 0G 0G 0M 0.00"},
		{"a size grown while it was not known", []price.Book{cny, cny, cny}, [][]cloud.Resource{{machine("a", 8, 32)}, {machine("a", 4, 16)}, {machine("a", 0, 0)}, {machine("a", 6, 32)}}, "0+1 2C 0G 0G 0M 1440.00"},
		{"a machine eaten in another currency", []price.Book{cny, priced(t, "USD")}, [][]cloud.Resource{{machine("a", 8, 32)}, {}, {machine("n", 4, 16)}}, "1+0 4C 16G 0G 0M 7296.00"},
	} {
		var entries []Entry
		for i := 1; i < len(c.of); i++ {
			before, after := later(seen("2024-02-01", c.of[i-1]...), 48*i), later(seen("2024-02-01", c.of[i]...), 48*(i+1))
			entries = append(entries, readBack(Reconcile(before, after, entries, Standard(c.books[i-1], zone)))...)
		}
		if net := textOf(Tally(entries, Query{Period: Period{day("2020-01-01"), day("2040-01-01")}}).Total.Net); net[:min(len(net), len(c.want)+1)] != c.want+" " {
			t.Errorf("%s: %s, want %s\n%s", c.name, net, c.want, lines(entries))
		}
	}
}

// since says of an inventory's listings since when they are read.
func since(inv cloud.Inventory, at string) cloud.Inventory {
	inv.Scopes = slices.Clone(inv.Scopes)
	for i := range inv.Scopes {
		inv.Scopes[i].Since = day(at)
	}
	return inv
}

func seenAt(r cloud.Resource, first, last string) cloud.Resource {
	r.FirstSeen, r.LastSeen = day(first), day(last)
	return r
}

// Listings that hold nothing but a pool, and those that could not be read for weeks.
func TestListings(t *testing.T) {
	old := seenAt(machine("a", 8, 32), "2023-06-01", "2024-01-10")
	node := seenAt(machine("n1", 4, 16), "2024-02-01", "2024-02-01")
	lost := func(at string, of ...cloud.Resource) cloud.Inventory {
		return since(incomplete(seen(at, of...), cloud.Instance), "2023-06-01")
	}
	for _, c := range []struct {
		name string
		of   []cloud.Inventory
		want string
	}{
		{"a region that a scaler has for itself", []cloud.Inventory{since(seen("2024-02-01", of(node, "")), "2023-06-01"), seen("2024-02-02")}, ``},
		{"a listing read for the first time", []cloud.Inventory{since(seen("2024-02-01", node), "2024-02-01"), seen("2024-02-02")},
			`2024-02-02 released n1 n=1 c=0 4C 16G 0G 7296.00 from 2024-02-02`},
		{"moved while the listing could not be read", []cloud.Inventory{lost("2024-03-19", old), seen("2024-03-20", created(machine("n", 4, 16), "2024-01-20"))},
			`2024-03-20 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-20
			2024-03-20 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-03-20 of released a`},
		{"and the source does not say when", []cloud.Inventory{lost("2024-03-19", old), seen("2024-03-20", machine("n", 4, 16))},
			`2024-03-20 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-20
			2024-03-20 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-03-20 of released a`},
		{"a listing that was never read before", []cloud.Inventory{incomplete(seen("2024-03-19", old), cloud.Instance), seen("2024-03-20", machine("n", 4, 16))},
			`2024-03-20 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-20`},
		{"a machine of long before", []cloud.Inventory{lost("2024-03-19", old), seen("2024-03-20", created(machine("n", 4, 16), "2023-12-01"))},
			`2024-03-20 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-20`},
	} {
		t.Run(c.name, func(t *testing.T) { booked(t, settings(), c.of, c.want) })
	}
}

// A smaller machine that is listed elsewhere by now is verified there or nowhere.
func TestVerifiedWhereItIs(t *testing.T) {
	elsewhere := machine("a", 4, 16)
	elsewhere.Account = "other"
	moved, unread := seen("2024-02-05", elsewhere), seen("2024-02-09")
	unread.Scopes = append(slices.Clone(unread.Scopes), cloud.Scope{Account: "other", Region: "r", Kind: cloud.Instance})
	booked(t, settings(), []cloud.Inventory{seen("2024-02-01", machine("a", 8, 32)), seen("2024-02-04", machine("a", 4, 16)), moved, unread},
		`2024-02-04 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-04
		2024-02-05 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of downsized a`)
	booked(t, settings(), []cloud.Inventory{seen("2024-02-01", machine("a", 8, 32)), seen("2024-02-04", machine("a", 4, 16)), later(seen("2024-02-04", elsewhere), 2), unread},
		`2024-02-04 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-04`)
}

// A disk that had become cheaper and is replaced by a dear one saved nothing.
func TestDearDiskEatsCheap(t *testing.T) {
	d := in(disk("d", "", 100), "cheap")
	booked(t, Standard(categories(t), zone), []cloud.Inventory{
		seen("2024-02-01", in(disk("d", "", 100), "dear")), seen("2024-02-02", d), seen("2024-02-02"), seen("2024-02-02", created(in(disk("n", "", 100), "dear"), "2024-02-02")),
	}, `2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02
		2024-02-02 released d n=1 c=0 0C 0G 100G 1200.00 from 2024-02-02
		2024-02-02 rebound n n=0 c=0 0C 0G -100G -1200.00 from 2024-02-02 of released d
		2024-02-02 rebound n n=0 c=0 0C 0G 0G -1200.00 from 2024-02-02 of recategorized d`)
}
