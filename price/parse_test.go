package price

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
)

const head = `id: contract-2026
version: "1"
name: {zh: 合同价目, en: Contract prices}
currency: CNY
confidence: cited
source: {title: 政务云服务合同, doc_no: "2026-017"}
tax_included: true
`

const good = head + `items:
  - {id: vcpu, what: vcpu, price: 60, per: month}
  - {id: memory, what: memory, price: 23, per: month}
`

func parse(t testing.TB, text string) Book {
	t.Helper()
	b, err := Parse("prices.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	b := parse(t, head+`hours_per_month: 720
default_storage: cloud_efficiency
discount: 0.9
effective_from: 2026-01-01
effective_to: 2026-12-31
items:
  - id: vcpu
    what: vcpu
    price: 1200
    per: year
    discount: 0.85
    families: [ecs.r7, ecs.g7]
    charge_types: prepaid
    effective_to: 2026-06-30
  - {id: ip, what: ip, free: true}
`)
	if b.Ref() != "contract-2026@1" || b.Example || !b.TaxIncluded || b.DefaultStorage != "cloud_efficiency" || b.HoursPerMonth.String() != "720" {
		t.Errorf("book read as %+v", b)
	}
	if want := (Source{Title: "政务云服务合同", DocNo: "2026-017"}); b.Source != want {
		t.Errorf("source %+v, want %+v", b.Source, want)
	}
	it := b.Items[0]
	day := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if !it.From.Equal(day("2026-01-01T00:00:00+08:00")) || !it.To.Equal(day("2026-07-01T00:00:00+08:00")) {
		t.Errorf("valid %s to %s: want the book's start, the item's last day inclusive, Chinese midnight", it.From, it.To)
	}
	if !b.Items[1].To.Equal(day("2027-01-01T00:00:00+08:00")) || b.Items[1].Discount.String() != "0.9" {
		t.Errorf("the book's validity and discount do not reach the item: %+v", b.Items[1])
	}
	if it.Discount.String() != "0.85" {
		t.Errorf("discount %s, want the item's own in place of the book's", it.Discount)
	}
	if d := cmp.Diff([]string{"ecs.g7", "ecs.r7"}, it.Families); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]cloud.ChargeType{cloud.Prepaid}, it.ChargeTypes); d != "" {
		t.Error(d)
	}
}

// Each case is a good book with one place changed, and the exact message.
func TestParseMistakes(t *testing.T) {
	item := func(s string) string { return head + "items:\n  - {" + s + "}\n" }
	tests := map[string]struct{ text, want string }{
		"empty file":            {"# nothing\n", "prices.yaml:1:1: found an empty file, want a price book with id, version, name, currency, source, confidence, tax_included and items"},
		"not YAML":              {"id: [\n", `prices.yaml:1: not YAML: did not find expected node content`},
		"a list":                {"- 1\n", "prices.yaml:1:1: price book: found a list, want a mapping with the keys id, version, name, note, currency, source, confidence, tax_included, hours_per_month, default_storage, discount, stopped_billing, effective_from, effective_to, items"},
		"two documents":         {good + "---\nid: x\n", "prices.yaml:11:1: found a second document, want one price book a file"},
		"unknown key":           {good + "curency: CNY\n", "prices.yaml:11:1: curency: unknown key, want one of id, version, name, note, currency, source, confidence, tax_included, hours_per_month, default_storage, discount, stopped_billing, effective_from, effective_to, items"},
		"key given twice":       {good + "currency: USD\n", "prices.yaml:11:1: currency: given twice, first at line 4"},
		"no source":             {strings.Replace(good, "source: {title: 政务云服务合同, doc_no: \"2026-017\"}\n", "", 1), "prices.yaml:1:1: source: missing: say where the prices stand (title, and issuer, doc_no, date, url as known)"},
		"source untitled":       {strings.Replace(good, "title: 政务云服务合同, ", "", 1), "prices.yaml:6:9: source.title: missing"},
		"id with a space":       {strings.Replace(good, "id: contract-2026", "id: contract 2026", 1), `prices.yaml:1:5: id: found "contract 2026", want letters, digits, dots, dashes and underscores, at most 64`},
		"one language":          {strings.Replace(good, ", en: Contract prices", "", 1), "prices.yaml:3:7: name.en: missing"},
		"symbol currency":       {strings.Replace(good, "CNY", "¥", 1), `prices.yaml:4:11: currency: found "¥", want an ISO 4217 code such as CNY`},
		"confidence":            {strings.Replace(good, "cited", "sure", 1), `prices.yaml:5:13: confidence: found "sure", want one of cited, practice, proposed`},
		"tax undecided":         {strings.Replace(good, "tax_included: true\n", "", 1), "prices.yaml:1:1: tax_included: missing"},
		"tax in words":          {strings.Replace(good, "tax_included: true", "tax_included: yes", 1), `prices.yaml:7:15: tax_included: found "yes", want true or false`},
		"no items":              {head, "prices.yaml:1:1: items: missing: list at least one price"},
		"empty items":           {head + "items: []\n", "prices.yaml:8:8: items: found a list, want a list of at least one price"},
		"month too long":        {head + "hours_per_month: 8760\n" + strings.TrimPrefix(good, head), "prices.yaml:8:18: hours_per_month: found 8760, want above 0 and at most 744"},
		"what unknown":          {item("id: x, what: cpu, price: 1, per: month"), `prices.yaml:9:19: items[0].what: found "cpu", want one of instance, vcpu, memory, storage, ip, bandwidth`},
		"period missing":        {item("id: x, what: vcpu, price: 1"), "prices.yaml:9:5: items[0].per: missing"},
		"period unknown":        {item("id: x, what: vcpu, price: 1, per: day"), `prices.yaml:9:40: items[0].per: found "day", want one of month, hour, year`},
		"price missing":         {item("id: x, what: vcpu, per: month"), "prices.yaml:9:5: items[0].price: missing"},
		"price zero":            {item("id: x, what: vcpu, price: 0.00, per: month"), "prices.yaml:9:32: items[0].price: found 0: leave the item out if the price is unknown, or add free: true if it costs nothing"},
		"price negative":        {item("id: x, what: vcpu, price: -1, per: month"), "prices.yaml:9:32: items[0].price: found -1, want a price above 0"},
		"price with comma":      {item(`id: x, what: vcpu, price: "1,200", per: month`), `prices.yaml:9:32: items[0].price: found "1,200", want a plain decimal such as 60 or 1.19 (at most 15 digits before the point and 8 after)`},
		"price exponent":        {item("id: x, what: vcpu, price: 1e3, per: month"), `prices.yaml:9:32: items[0].price: found "1e3", want a plain decimal such as 60 or 1.19 (at most 15 digits before the point and 8 after)`},
		"priced and free":       {item("id: x, what: vcpu, price: 1, free: true"), "prices.yaml:9:32: items[0].price: found 1 beside free: true, want one or the other"},
		"discount as 折":         {item("id: x, what: vcpu, price: 1, per: month, discount: 9"), "prices.yaml:9:57: items[0].discount: found 9, want above 0 and at most 1 (the share that is paid: 0.9 for 九折)"},
		"discount zero":         {item("id: x, what: vcpu, price: 1, per: month, discount: 0"), "prices.yaml:9:57: items[0].discount: found 0, want above 0 and at most 1 (the share that is paid: 0.9 for 九折)"},
		"no such day":           {item("id: x, what: vcpu, price: 1, per: month, effective_from: 2026-02-30"), `prices.yaml:9:63: items[0].effective_from: found "2026-02-30", want a date such as 2026-01-31`},
		"ends before it starts": {item("id: x, what: vcpu, price: 1, per: month, effective_from: 2026-02-02, effective_to: 2026-02-01"), "prices.yaml:9:5: items[0]: valid from 2026-02-02 to 2026-02-01: the end lies before the start"},
		"type missing":          {item("id: x, what: instance, price: 1, per: hour"), "prices.yaml:9:5: items[0].instance_type: missing: which type has this price, such as ecs.g7.xlarge"},
		"type on vcpu":          {item("id: x, what: vcpu, price: 1, per: month, instance_type: ecs.g7.large"), "prices.yaml:9:62: items[0].instance_type: does not apply to what: vcpu, only to instance"},
		"category on ip":        {item("id: x, what: ip, price: 1, per: month, category: cloud_ssd"), "prices.yaml:9:55: items[0].category: does not apply to what: ip, only to storage"},
		"star inside":           {item("id: x, what: storage, price: 1, per: month, category: cloud*ssd"), `prices.yaml:9:60: items[0].category: found "cloud*ssd", want a category or the start of one followed by *; leave the key out for every category`},
		"empty list":            {item("id: x, what: ip, price: 1, per: month, regions: []"), "prices.yaml:9:54: items[0].regions: found an empty list, which would apply to nothing; leave the key out to apply to everything"},
		"list with a hole":      {item("id: x, what: ip, price: 1, per: month, regions: [a, ~]"), `prices.yaml:9:58: items[0].regions: found "~", want a text or a list of texts`},
		"region twice":          {item("id: x, what: ip, price: 1, per: month, regions: [a, a]"), `prices.yaml:9:58: items[0].regions: found "a" twice`},
		"charge type":           {item("id: x, what: ip, price: 1, per: month, charge_types: 包年"), `prices.yaml:9:59: items[0].charge_types: found "包年", want prepaid or postpaid`},
		"item id twice":         {good + "  - {id: vcpu, what: ip, price: 1, per: month}\n", "prices.yaml:11:5: items[2].id: vcpu stands already at line 9; each item needs its own"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("prices.yaml", []byte(test.text))
			var mistakes *Error
			if !errors.As(err, &mistakes) {
				t.Fatalf("error %v is not an *Error", err)
			}
			if d := cmp.Diff(test.want, err.Error()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseReportsEveryMistakeInOrder(t *testing.T) {
	_, err := Parse("p.yaml", []byte(`id: a b
name: none
currency: yuan
source: {title: x}
confidence: cited
tax_included: maybe
items:
  - {id: x, what: vcpu, price: free, per: month}
  - 7
  - {id: x, what: vcpu, price: 1, per: fortnight}
`))
	var lines []string
	for line := range strings.Lines(err.Error()) {
		lines = append(lines, strings.Join(strings.SplitN(line, ":", 5)[1:4], ":"))
	}
	want := []string{"1:1: version", "1:5: id", "2:7: name", "3:11: currency", "6:15: tax_included", "8:32: items[0].price", "9:5: items[1]", "10:5: items[2].id", "10:5: items[2]", "10:40: items[2].per"}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("%s\n%v", d, err)
	}
}

// Two prices for the same thing at the same time are a mistake, unless one is
// more specific than the other.
func TestParseTies(t *testing.T) {
	pair := func(first, second string) string {
		return head + "items:\n  - {id: a, price: 1, per: month, " + first + "}\n  - {id: b, price: 2, per: month, " + second + "}\n"
	}
	const tie = "p.yaml:10:5: items[1]: b prices the same as a at line 9 at the same time, and neither is more specific: end one before the other starts, or restrict one further"
	tests := map[string]struct{ first, second, want string }{
		"same thing":                            {"what: vcpu", "what: vcpu", tie},
		"other thing":                           {"what: vcpu", "what: memory", ""},
		"one restricted":                        {"what: vcpu", "what: vcpu, regions: a", ""},
		"regions apart":                         {"what: vcpu, regions: a", "what: vcpu, regions: b", ""},
		"regions that share one":                {"what: vcpu, regions: [a, b]", "what: vcpu, regions: [b, c]", tie},
		"different restrictions are ordered":    {"what: vcpu, regions: a", "what: vcpu, accounts: x", ""},
		"same category":                         {"what: storage, category: ssd", "what: storage, category: ssd", tie},
		"prefix and whole":                      {"what: storage, category: ssd*", "what: storage, category: ssd", ""},
		"same type":                             {"what: instance, instance_type: t", "what: instance, instance_type: t", tie},
		"types apart":                           {"what: instance, instance_type: t", "what: instance, instance_type: u", ""},
		"second starts the day after the first": {"what: ip, effective_to: 2026-03-31", "what: ip, effective_from: 2026-04-01", ""},
		"second starts on the first's last day": {"what: ip, effective_to: 2026-03-31", "what: ip, effective_from: 2026-03-31", tie},
		"first starts the day after the second": {"what: ip, effective_from: 2026-04-01", "what: ip, effective_to: 2026-03-31", ""},
		"open ends overlap":                     {"what: ip, effective_from: 2026-04-01", "what: ip", tie},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(pair(test.first, test.second)))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseBoundsItsInput(t *testing.T) {
	_, err := Parse("p.yaml", []byte(good+"# "+strings.Repeat("x", MaxBookBytes)))
	if err == nil || !strings.Contains(err.Error(), "p.yaml: found more than 1048576 bytes") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add(exampleText)
	f.Add([]byte(head + "items:\n  - &a {id: x, what: storage, category: \"c*\", price: 0.1, per: hour, regions: [a, b], charge_types: prepaid, effective_from: 2026-01-01}\n  - *a\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("a: &x [*x]\n"))
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Parse("fuzz.yaml", text)
		if err != nil {
			var mistakes *Error
			if !errors.As(err, &mistakes) || len(mistakes.Mistakes) == 0 {
				t.Fatalf("error without mistakes: %v", err)
			}
			return
		}
		for _, r := range []cloud.Resource{
			{Kind: cloud.Instance, InstanceType: "ecs.g7.xlarge", VCPU: 4, MemoryGiB: 16, StorageGiB: 40},
			{Kind: cloud.Disk, Category: "cloud_essd/PL1", StorageGiB: 0.5},
			{Kind: cloud.EIP, BandwidthMbps: 5},
		} {
			q := b.Quote(r, at)
			if q.Annual.Sign() < 0 || q.Monthly.Sign() < 0 {
				t.Errorf("%s costs %s a year, %s a month", r.Kind, q.Annual, q.Monthly)
			}
		}
	})
}
