package simcloud

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
)

// billed is a world of one machine with a disk and of one address, from March on.
func billed(change func(*plain)) *plain {
	made := time.Date(2026, 3, 11, 0, 0, 0, 0, billZone)
	w := &plain{end: made.AddDate(0, 8, 0).Unix(), metrics: []cloud.Metric{cloud.CPUPercent}, resources: []cloud.Resource{
		{ID: "i-1", Kind: cloud.Instance, Region: "cn-hangzhou", InstanceType: "ecs.g7.xlarge", VCPU: 4, MemoryGiB: 16, StorageGiB: 40, ChargeType: cloud.Postpaid, CreatedAt: made},
		{ID: "d-1", Kind: cloud.Disk, Region: "cn-hangzhou", StorageGiB: 40, Category: "cloud_essd", AttachedTo: "i-1", ChargeType: cloud.Postpaid, CreatedAt: made},
		{ID: "i-year", Kind: cloud.Instance, Region: "cn-shanghai", VCPU: 4, MemoryGiB: 16, ChargeType: cloud.Prepaid, CreatedAt: made, ExpiresAt: made.AddDate(2, 0, 0)},
	}}
	if change != nil {
		change(w)
	}
	return w
}

type billAnswer struct {
	Code    string
	Success bool
	Data    struct {
		BillingCycle, NextToken string
		TotalCount              int
		Items                   []struct {
			InstanceID, InstanceSpec, Item, SubscriptionType, Currency                             string
			PretaxGrossAmount, InvoiceDiscount, PretaxAmount, DeductedByCashCoupons, PaymentAmount json.Number
		}
	}
}

// bill reads a whole bill by pages of a size, as lines of text.
func (c *client) bill(month, size string) (lines []string, pages int) {
	c.t.Helper()
	q := map[string]string{"BillingCycle": month, "Granularity": "MONTHLY", "MaxResults": size}
	for {
		var a billAnswer
		c.into(&a, "DescribeInstanceBill", q)
		pages++
		if a.Code != "Success" || !a.Success || a.Data.BillingCycle != month {
			c.t.Fatalf("answer %+v", a)
		}
		for _, i := range a.Data.Items {
			lines = append(lines, strings.Join([]string{i.InstanceID, i.InstanceSpec, i.Item, i.PretaxGrossAmount.String(), i.PretaxAmount.String(), i.PaymentAmount.String()}, " "))
		}
		if a.Data.NextToken == "" {
			if len(lines) != a.Data.TotalCount {
				c.t.Errorf("%d lines, TotalCount %d", len(lines), a.Data.TotalCount)
			}
			return lines, pages
		}
		q["NextToken"] = a.Data.NextToken
	}
}

func TestBillIsOfWhatWasThere(t *testing.T) {
	// By the example prices the machine is 608 yuan a month and the disk 47.60; a fifth is
	// discount, and a tenth of the rest is paid by vouchers.
	const support = "  PayAsYouGoBill 50 40 36"
	for _, c := range []struct {
		name, month string
		change      func(*plain)
		now         string // of the server; empty: the end of the world
		want        []string
	}{
		{"a whole month", "2026-05", nil, "", []string{"d-1  PayAsYouGoBill 47.6 38.08 34.27", "i-1 ecs.g7.xlarge PayAsYouGoBill 608 486.4 437.76", support}},
		{"the month in which they came, 21 of 31 days", "2026-03", nil, "", []string{"d-1  PayAsYouGoBill 32.25 25.8 23.22", "i-1 ecs.g7.xlarge PayAsYouGoBill 411.87 329.5 296.55", "i-year  SubscriptionOrder 7296 5836.8 5253.12", support}},
		{"before anything was there", "2026-02", nil, "", nil},
		{"the last day, two days later", "2026-05", nil, "2026-06-03T00:00:00+08:00", []string{"d-1  PayAsYouGoBill 46.06 36.85 33.16", "i-1 ecs.g7.xlarge PayAsYouGoBill 588.39 470.71 423.64", support}},
		{"the last day, three days later", "2026-05", nil, "2026-06-04T00:00:00+08:00", []string{"d-1  PayAsYouGoBill 47.6 38.08 34.27", "i-1 ecs.g7.xlarge PayAsYouGoBill 608 486.4 437.76", support}},
		{"a price nobody wrote down", "2026-05", func(w *plain) { w.resources[0].GPU = 1 }, "", []string{"d-1  PayAsYouGoBill 47.6 38.08 34.27", support}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(billed(c.change), Options{})
			if c.now != "" {
				now, err := time.Parse(time.RFC3339, c.now)
				if err != nil {
					t.Fatal(err)
				}
				s.SetNow(now)
			}
			got, _ := serve(t, s).bill(c.month, "300")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReleasedIsBilledToItsEnd(t *testing.T) {
	gone := time.Date(2026, 5, 16, 12, 0, 0, 0, billZone)
	w := Releasing(billed(func(w *plain) {
		w.resources = append(w.resources, cloud.Resource{ID: "eip-1", Kind: cloud.EIP, AttachedTo: "i-1", Status: cloud.InUse, BandwidthMbps: 1, ChargeType: cloud.Postpaid})
	}), map[string]time.Time{"i-1": gone})
	c := serve(t, New(w, Options{}))
	ids := func(month string) string {
		var out []string
		lines, _ := c.bill(month, "300")
		for _, l := range lines {
			id, _, _ := strings.Cut(l, " ")
			out = append(out, id)
		}
		return strings.Join(out, " ")
	}
	if may, june := ids("2026-05"), ids("2026-06"); may != "d-1 eip-1 i-1 " || june != "eip-1 " {
		t.Errorf("May %q, June %q", may, june)
	}
	before, after := w.Inventory(gone.Add(-time.Second)), w.Inventory(gone)
	if len(before.Resources) != 4 || len(after.Resources) != 2 {
		t.Errorf("%d resources before, %d after", len(before.Resources), len(after.Resources))
	}
	for _, r := range after.Resources {
		if r.ID == "eip-1" && (r.AttachedTo != "" || r.Status != cloud.Available) {
			t.Errorf("the address stays bound: %+v", r)
		}
	}
	if _, known := Releasing(smallEstate(), map[string]time.Time{"x": gone}).(knowing); !known {
		t.Error("what the world knows beside is lost")
	}
}

func TestBillPages(t *testing.T) {
	e := smallEstate()
	month := e.End().AddDate(0, -1, 0).In(billZone).Format("2006-01")
	c := serve(t, New(e, Options{}))
	whole, pages := c.bill(month, "300")
	if pages != 1 || len(whole) < 100 || !slices.IsSorted(whole[:len(whole)-1]) {
		t.Fatalf("%d lines on %d pages", len(whole), pages)
	}
	for _, size := range []string{"1", "7", "20"} {
		got, _ := c.bill(month, size)
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("pages of %s differ:\n%s", size, diff)
		}
	}
	// The token of one bill is no token of another.
	var a billAnswer
	c.into(&a, "DescribeInstanceBill", map[string]string{"BillingCycle": month, "MaxResults": "1"})
	other := e.End().AddDate(0, -2, 0).In(billZone).Format("2006-01")
	if got := c.refused("DescribeInstanceBill", map[string]string{"BillingCycle": other, "NextToken": a.Data.NextToken}); got != "400 InvalidParameter" {
		t.Errorf("the token of another month: %s", got)
	}
}

func TestBillRefusals(t *testing.T) {
	c := serve(t, New(billed(nil), Options{}))
	for name, q := range map[string]map[string]string{
		"a month that is none":  {"BillingCycle": "2026-13"},
		"a day":                 {"BillingCycle": "2026-05-01"},
		"the next month":        {"BillingCycle": "2026-12"},
		"eighteen months ago":   {"BillingCycle": "2025-05"},
		"by days":               {"BillingCycle": "2026-05", "Granularity": "DAILY"},
		"too many lines a page": {"BillingCycle": "2026-05", "MaxResults": "301"},
		"a token of its own":    {"BillingCycle": "2026-05", "NextToken": "x"},
		"by number":             {"BillingCycle": "2026-05", "PageNumber": "1"},
	} {
		if got := c.refused("DescribeInstanceBill", q); got != "400 InvalidParameter" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := c.refused("DescribeInstanceBill", nil); got != "400 MissingParameter" {
		t.Errorf("no month: %s", got)
	}
	denied := serve(t, New(billed(nil), Options{Denied: []string{"DescribeInstanceBill"}}))
	if got := denied.refused("DescribeInstanceBill", map[string]string{"BillingCycle": "2026-05"}); got != "403 Forbidden.RAM" {
		t.Errorf("no permission: %s", got)
	}
	stack := serve(t, New(billed(nil), Options{Apsara: &Apsara{}}))
	if got := stack.refused("DescribeInstanceBill", map[string]string{"BillingCycle": "2026-05"}); got != "403 InvalidAction" {
		t.Errorf("Apsara Stack: %s", got)
	}
	// An account sees its own bill.
	w := billed(func(w *plain) { w.resources[0].Account, w.resources[1].Account = "a", "b" })
	own := serve(t, New(w, Options{Accounts: map[string]string{"testid": "b"}}))
	if lines, _ := own.bill("2026-05", "300"); len(lines) != 2 || !strings.HasPrefix(lines[0], "d-1 ") {
		t.Errorf("the account sees %v", lines)
	}
}
