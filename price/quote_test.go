package price

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"yunjian/cloud"
)

var monday = time.Date(2026, 11, 23, 2, 0, 0, 0, time.FixedZone("UTC+8", 8*60*60))

// The published case: 934 cores, 2,979 GB of memory and 12,300 GB of storage
// released, 1.67 million yuan a year. The example prices are fitted to it.
func TestExampleGivesThePublishedTotal(t *testing.T) {
	b := Example()
	if !b.Example || b.Confidence != Proposed || !strings.Contains(b.Name.ZH, "示例") || !strings.Contains(b.Name.EN, "Example") {
		t.Errorf("the example book does not say that it is one: %+v", b)
	}
	q := b.Quote(cloud.Resource{Kind: cloud.Instance, VCPU: 934, MemoryGiB: 2979, StorageGiB: 12300}, monday)
	if !q.Known() {
		t.Fatalf("not priced: %v", q.Missing)
	}
	var lines []string
	for _, l := range q.Lines {
		lines = append(lines, string(l.What)+" "+l.Quantity.String()+" × "+l.UnitPrice.String()+" = "+l.Monthly.String())
	}
	want := []string{"vcpu 934 × 60 = 56040.00", "memory 2979 × 23 = 68517.00", "storage 12300 × 1.19 = 14637.00"}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	if q.Monthly.String() != "139194.00" || q.Annual.String() != "1670328.00" || q.Annual.Currency() != "CNY" {
		t.Errorf("costs %s a month and %s %s a year, want 139194.00 and 1670328.00 CNY", q.Monthly, q.Annual, q.Annual.Currency())
	}
	if wan := q.Annual.Decimal().Div(decimal.NewFromInt(10_000)).StringFixed(2); wan != "167.03" {
		t.Errorf("%s 万元, want 167.03", wan)
	}
}

const contract = head + `default_storage: cloud_efficiency
items:
  - {id: vcpu, what: vcpu, price: 60, per: month}
  - {id: vcpu-hz, what: vcpu, price: 58, per: month, regions: cn-hangzhou}
  - {id: vcpu-arm, what: vcpu, price: 50, per: month, architectures: arm64}
  - {id: vcpu-g7, what: vcpu, price: 55, per: month, families: ecs.g7}
  - {id: vcpu-hz-prepaid, what: vcpu, price: 40, per: month, regions: cn-hangzhou, charge_types: prepaid}
  - {id: vcpu-account, what: vcpu, price: 30, per: month, accounts: big}
  - {id: memory, what: memory, price: 20, per: month}
  - {id: essd, what: storage, category: cloud_essd*, price: 1, per: month}
  - {id: essd-pl1, what: storage, category: cloud_essd/PL1, price: 1.5, per: month}
  - {id: essd-pl, what: storage, category: cloud_essd/PL*, price: 1.2, per: month}
  - {id: efficiency, what: storage, category: cloud_efficiency, price: 0.35, per: month}
  - {id: g7x, what: instance, instance_type: ecs.g7.xlarge, price: 0.5, per: hour}
  - {id: g7x-yearly, what: instance, instance_type: ecs.g7.xlarge, price: 2000, per: year, charge_types: prepaid, discount: 0.85}
  - {id: gpu, what: instance, instance_type: ecs.gn7.large, price: 5000, per: month}
  - {id: ip-2026, what: ip, price: 20, per: month, effective_to: 2026-11-22}
  - {id: ip-next, what: ip, price: 18, per: month, effective_from: 2026-11-23}
  - {id: bandwidth, what: bandwidth, price: 25, per: month, effective_from: 2026-01-01, effective_to: 2026-12-31}
`

// Which item prices what: the most specific one that applies.
func TestQuotePrecedence(t *testing.T) {
	b := parse(t, contract)
	plain := cloud.Resource{Kind: cloud.Instance, VCPU: 2, MemoryGiB: 4}
	with := func(change func(*cloud.Resource)) cloud.Resource {
		r := plain
		change(&r)
		return r
	}
	disk := func(category string) cloud.Resource {
		return cloud.Resource{Kind: cloud.Disk, Category: category, StorageGiB: 100}
	}
	tests := map[string]struct {
		r     cloud.Resource
		items string
		year  string
	}{
		"nothing known but the size":          {plain, "vcpu memory", "2400.00"},
		"a region":                            {with(func(r *cloud.Resource) { r.Region = "cn-hangzhou" }), "vcpu-hz memory", "2352.00"},
		"another region":                      {with(func(r *cloud.Resource) { r.Region = "cn-beijing" }), "vcpu memory", "2400.00"},
		"region before family":                {with(func(r *cloud.Resource) { r.Region = "cn-hangzhou"; r.InstanceType = "ecs.g7.large" }), "vcpu-hz memory", "2352.00"},
		"family before architecture":          {with(func(r *cloud.Resource) { r.Architecture = "arm64"; r.InstanceType = "ecs.g7.large" }), "vcpu-g7 memory", "2280.00"},
		"account before region":               {with(func(r *cloud.Resource) { r.Region = "cn-hangzhou"; r.Account = "big" }), "vcpu-account memory", "1680.00"},
		"two restrictions before one":         {with(func(r *cloud.Resource) { r.Region = "cn-hangzhou"; r.ChargeType = cloud.Prepaid; r.Account = "big" }), "vcpu-hz-prepaid memory", "1920.00"},
		"type price replaces vCPU and memory": {with(func(r *cloud.Resource) { r.InstanceType = "ecs.g7.xlarge" }), "g7x", "4380.00"},
		"type price by charge type":           {with(func(r *cloud.Resource) { r.InstanceType = "ecs.g7.xlarge"; r.ChargeType = cloud.Prepaid }), "g7x-yearly", "1700.00"},
		"type price and storage apart":        {with(func(r *cloud.Resource) { r.InstanceType = "ecs.g7.xlarge"; r.StorageGiB = 100 }), "g7x efficiency", "4800.00"},
		"type price knows the GPU":            {with(func(r *cloud.Resource) { r.InstanceType = "ecs.gn7.large"; r.GPU = 1 }), "gpu", "60000.00"},
		"instance storage by attribute": {with(func(r *cloud.Resource) {
			r.StorageGiB = 100
			r.Attributes = map[string]string{StorageCategory: "cloud_essd/PL1"}
		}), "vcpu memory essd-pl1", "4200.00"},
		"disk by whole category":               {disk("cloud_essd/PL1"), "essd-pl1", "1800.00"},
		"disk by the longer prefix":            {disk("cloud_essd/PL3"), "essd-pl", "1440.00"},
		"disk by the shorter prefix":           {disk("cloud_essd_entry"), "essd", "1200.00"},
		"disk without category by the default": {disk(""), "efficiency", "420.00"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q := b.Quote(test.r, monday)
			var items []string
			for _, l := range q.Lines {
				items = append(items, l.Item)
			}
			if got := strings.Join(items, " "); got != test.items || q.Annual.String() != test.year || !q.Known() {
				t.Errorf("priced by %q at %s a year, missing %v; want %q at %s", got, q.Annual, q.Missing, test.items, test.year)
			}
		})
	}
}

func TestQuoteValidityIsByChineseDays(t *testing.T) {
	b := parse(t, contract)
	eip := cloud.Resource{Kind: cloud.EIP, BandwidthMbps: 2}
	for at, want := range map[string]string{
		"2026-11-22T15:59:59Z": "840.00", // the last second of 22 November in China
		"2026-11-22T16:00:00Z": "816.00",
		"2026-12-31T15:59:59Z": "816.00",
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if q := b.Quote(eip, instant); q.Annual.String() != want || !q.Known() {
			t.Errorf("at %s: %s, missing %v; want %s", at, q.Annual, q.Missing, want)
		}
	}
}

// What cannot be priced is unknown: named, and never a zero that is known.
func TestQuoteMissing(t *testing.T) {
	b := parse(t, contract)
	bare := parse(t, head+"items:\n  - {id: essd, what: storage, category: cloud_essd, price: 1, per: month}\n")
	next := time.Date(2027, 1, 1, 0, 0, 0, 0, contractZone)
	tests := map[string]struct {
		book Book
		r    cloud.Resource
		at   time.Time
		want []string
	}{
		"size unknown":              {b, cloud.Resource{Kind: cloud.Instance}, monday, []string{"vcpu_size", "memory_size"}},
		"memory unknown":            {b, cloud.Resource{Kind: cloud.Instance, VCPU: 2}, monday, []string{"memory_size"}},
		"memory not a number":       {b, cloud.Resource{Kind: cloud.Instance, VCPU: 2, MemoryGiB: math.NaN()}, monday, []string{"memory_size"}},
		"memory infinite":           {b, cloud.Resource{Kind: cloud.Instance, VCPU: 2, MemoryGiB: math.Inf(1)}, monday, []string{"memory_size"}},
		"storage negative":          {b, cloud.Resource{Kind: cloud.Instance, VCPU: 2, MemoryGiB: 1, StorageGiB: -1}, monday, []string{"storage_size"}},
		"nothing priced":            {bare, cloud.Resource{Kind: cloud.Instance, VCPU: 2, MemoryGiB: 4}, monday, []string{"vcpu_price", "memory_price"}},
		"category not priced":       {b, cloud.Resource{Kind: cloud.Disk, Category: "cloud_ssd", StorageGiB: 9}, monday, []string{"storage_price:cloud_ssd"}},
		"category unknown":          {bare, cloud.Resource{Kind: cloud.Disk, StorageGiB: 9}, monday, []string{"storage_price"}},
		"disk size unknown":         {b, cloud.Resource{Kind: cloud.Disk, Category: "cloud_essd"}, monday, []string{"storage_size"}},
		"bandwidth unknown":         {b, cloud.Resource{Kind: cloud.EIP}, monday, []string{"bandwidth_size"}},
		"contract ended":            {b, cloud.Resource{Kind: cloud.EIP, BandwidthMbps: 1}, next, []string{"bandwidth_price_expired"}},
		"GPU by vCPU":               {b, cloud.Resource{Kind: cloud.Instance, InstanceType: "ecs.gn6.large", VCPU: 2, MemoryGiB: 4, GPU: 1}, monday, []string{"gpu_price:ecs.gn6.large"}},
		"local disks by vCPU":       {b, cloud.Resource{Kind: cloud.Instance, InstanceType: "ecs.i3.large", VCPU: 2, MemoryGiB: 4, LocalStorageGiB: 900}, monday, []string{"local_storage_price:ecs.i3.large"}},
		"a kind that nobody prices": {b, cloud.Resource{Kind: "balcony"}, monday, []string{"kind_price:balcony"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q := test.book.Quote(test.r, test.at)
			if d := cmp.Diff(test.want, q.Missing); d != "" || q.Known() {
				t.Errorf("known %t\n%s", q.Known(), d)
			}
		})
	}
}

// An address that pays by traffic, or draws on shared bandwidth, does not pay
// for its ceiling.
func TestQuoteOfAddressesWithoutBandwidthOfTheirOwn(t *testing.T) {
	b := parse(t, contract)
	for _, attributes := range []map[string]string{
		{InternetChargeType: PayByTraffic},
		{BandwidthPackage: "cbwp-1"},
	} {
		q := b.Quote(cloud.Resource{Kind: cloud.EIP, BandwidthMbps: 100, Attributes: attributes}, monday)
		if !q.Known() || q.Annual.String() != "216.00" {
			t.Errorf("%v: %s, missing %v; want 216.00", attributes, q.Annual, q.Missing)
		}
	}
}

func TestQuoteFreeIsKnownAndZero(t *testing.T) {
	b := parse(t, head+"items:\n  - {id: ip, what: ip, free: true}\n  - {id: bandwidth, what: bandwidth, price: 0, free: true, per: month}\n")
	q := b.Quote(cloud.Resource{Kind: cloud.EIP, BandwidthMbps: 5}, monday)
	if !q.Known() || q.Annual.Sign() != 0 || len(q.Lines) != 2 {
		t.Errorf("free address: %+v", q)
	}
}

// A price per year that does not divide by twelve stays exact over the year.
func TestQuoteYearIsExactWhereTheMonthIsNot(t *testing.T) {
	b := parse(t, head+"items:\n  - {id: ip, what: ip, price: 100, per: year}\n  - {id: bandwidth, what: bandwidth, free: true}\n")
	q := b.Quote(cloud.Resource{Kind: cloud.EIP, BandwidthMbps: 1}, monday)
	if !q.Annual.Equal(amount(t, "100", "CNY")) || q.Monthly.String() != "8.33" {
		t.Errorf("%s a year, %s a month", q.Annual.Decimal(), q.Monthly)
	}
}

// Whatever the sizes: the year is twelve months to the last digit, parts add up
// to the whole, nothing is negative, and more never costs less.
func TestQuoteProperties(t *testing.T) {
	b := parse(t, contract)
	twelve := decimal.NewFromInt(12)
	size := rapid.Float64Range(0.001, 1e6)
	rapid.Check(t, func(t *rapid.T) {
		r := cloud.Resource{
			Kind:         cloud.Instance,
			Region:       rapid.SampledFrom([]string{"", "cn-hangzhou", "cn-beijing"}).Draw(t, "region"),
			Architecture: rapid.SampledFrom([]string{"", "x86_64", "arm64"}).Draw(t, "architecture"),
			InstanceType: rapid.SampledFrom([]string{"", "ecs.g7.large", "ecs.g7.xlarge"}).Draw(t, "type"),
			VCPU:         rapid.IntRange(1, 1000).Draw(t, "vcpu"),
			MemoryGiB:    size.Draw(t, "memory"),
			StorageGiB:   size.Draw(t, "storage"),
		}
		q := b.Quote(r, monday)
		if !q.Known() {
			t.Fatalf("missing %v", q.Missing)
		}
		if !q.Monthly.Mul(twelve).Equal(q.Annual) {
			t.Errorf("12 × %s is not %s", q.Monthly.Decimal(), q.Annual.Decimal())
		}
		sum := Zero("CNY")
		for _, l := range q.Lines {
			if l.Annual.Sign() < 0 {
				t.Errorf("negative line %+v", l)
			}
			var err error
			if sum, err = sum.Add(l.Annual); err != nil {
				t.Fatal(err)
			}
		}
		if !sum.Equal(q.Annual) {
			t.Errorf("lines add up to %s, not %s", sum.Decimal(), q.Annual.Decimal())
		}

		larger := r
		larger.VCPU += rapid.IntRange(0, 100).Draw(t, "more vcpu")
		larger.MemoryGiB += rapid.Float64Range(0, 1e3).Draw(t, "more memory")
		larger.StorageGiB += rapid.Float64Range(0, 1e3).Draw(t, "more storage")
		if more := b.Quote(larger, monday); more.Annual.Cmp(q.Annual) < 0 {
			t.Errorf("%d vCPU, %v GiB, %v GiB cost %s; %d, %v, %v cost less: %s",
				r.VCPU, r.MemoryGiB, r.StorageGiB, q.Annual, larger.VCPU, larger.MemoryGiB, larger.StorageGiB, more.Annual)
		}

		// By unit prices, two instances cost what one as large as both costs.
		// The sizes are fractions that binary numbers add exactly.
		r.InstanceType, larger.InstanceType = "", ""
		r.MemoryGiB, r.StorageGiB, larger.MemoryGiB, larger.StorageGiB = 0.25, 20, 7.5, 40.5
		both := r
		both.VCPU, both.MemoryGiB, both.StorageGiB = r.VCPU+larger.VCPU, 7.75, 60.5
		apart, err := b.Quote(r, monday).Annual.Add(b.Quote(larger, monday).Annual)
		if err != nil {
			t.Fatal(err)
		}
		if together := b.Quote(both, monday).Annual; !together.Equal(apart) {
			t.Errorf("together %s, apart %s", together.Decimal(), apart.Decimal())
		}
	})
}

func BenchmarkQuote(b *testing.B) {
	book := parse(b, contract)
	r := cloud.Resource{Kind: cloud.Instance, InstanceType: "ecs.g7.2xlarge", Region: "cn-hangzhou", VCPU: 8, MemoryGiB: 32, StorageGiB: 200}
	for b.Loop() {
		if q := book.Quote(r, monday); !q.Known() {
			b.Fatal(q.Missing)
		}
	}
}
