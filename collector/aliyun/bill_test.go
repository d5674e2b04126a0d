package aliyun_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/internal/simcloud"
	"yunjian/ledger"
	"yunjian/price"
)

// billWorld holds n machines and as many disks, all there since ever.
func billWorld(n int) tiny {
	var w tiny
	for i := range n {
		m := machine(fmt.Sprintf("i-%04d", i), cloud.Running, cloud.AgentRunning)
		m.ChargeType = cloud.Postpaid
		w.resources = append(w.resources, m, cloud.Resource{
			ID: fmt.Sprintf("d-%04d", i), Kind: cloud.Disk, Region: "cn-hangzhou", StorageGiB: 40, Category: "cloud_essd", AttachedTo: m.ID, ChargeType: cloud.Postpaid,
		})
	}
	return w
}

func billing(server *httptest.Server) aliyun.Options {
	o := options(server, "cn-hangzhou")
	o.Bills = true
	return o
}

// asked asks for the bill of a month as of the end of the estate.
func asked(month string) collector.BillRequest {
	return collector.BillRequest{Month: month, Now: estateEnd}
}

func amounts(b ledger.Bill) map[string]string {
	out := map[string]string{}
	for id, a := range b.Amounts {
		out[id] = a.String() + " " + a.Currency()
	}
	return out
}

func TestBillIsReadToItsEnd(t *testing.T) {
	w := billWorld(400)
	server, sim := serve(t, w, simcloud.Options{Now: estateEnd})
	var pages []string
	req := asked("2026-10")
	req.Progress = func(done, total int) { pages = append(pages, fmt.Sprint(done, "/", total)) }
	got, err := newSource(t, billing(server)).Bill(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if got.Lines != 801 || got.Apart != 1 || got.Calls["DescribeInstanceBill"] != 3 || sim.Actions()["DescribeInstanceBill"] != 3 || fmt.Sprint(pages) != "[1/3 2/3 3/3]" {
		t.Errorf("%d lines, %d apart, calls %v, pages %v", got.Lines, got.Apart, got.Calls, pages)
	}
	if got.Bill.Month != "2026-10" || got.Bill.Currency != "CNY" || len(got.Bill.Amounts) != 800 || got.Bill.Whole || !got.Bill.WholeFor("province") || got.Bill.WholeFor("other") {
		t.Errorf("bill of %s in %s, %d resources, whole of %v", got.Bill.Month, got.Bill.Currency, len(got.Bill.Amounts), got.Bill.WholeOf)
	}
	// Payable is the price list less the discount, whatever vouchers paid of it.
	for i, id := range []string{"i-0000", "d-0001"} {
		list := price.Example().Quote(w.resources[3*i], estateEnd).Monthly
		want := list.Mul(decimal.New(8, -1)).Round()
		if !got.Bill.Amounts[id].Equal(want) || want.Sign() <= 0 || w.resources[3*i].ID != id {
			t.Errorf("%s: %s, want %s of %s", id, got.Bill.Amounts[id], want, list)
		}
	}
	if s := got.Bill.Sources["i-0000"]; s != "province DescribeInstanceBill" {
		t.Errorf("source %q", s)
	}
}

func TestBillUnderEveryFaultIsTheSame(t *testing.T) {
	w := billWorld(160)
	calm, _ := serve(t, w, simcloud.Options{Now: estateEnd})
	want, err := newSource(t, billing(calm)).Bill(t.Context(), asked("2026-10"))
	if err != nil {
		t.Fatal(err)
	}
	retried := 0
	for seed := range uint64(3) {
		f := simcloud.AllFaults(0.05)
		f.Delay = time.Millisecond
		server, sim := serve(t, w, simcloud.Options{Now: estateEnd, Faults: f, Seed: seed})
		s := newSource(t, billing(server))
		var wait sync.WaitGroup
		for range 3 { // at the same time, over the same clients
			wait.Go(func() {
				got, err := s.Bill(t.Context(), asked("2026-10"))
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(amounts(want.Bill), amounts(got.Bill)); diff != "" {
					t.Errorf("seed %d (-calm +faults):\n%s", seed, diff)
				}
			})
		}
		wait.Wait()
		retried += sim.Actions()["DescribeInstanceBill"] - 3*want.Calls["DescribeInstanceBill"]
	}
	if retried <= 0 {
		t.Error("no call ever failed: the test proves nothing")
	}
}

func TestBillIsWholeOnceItsMonthHasSettled(t *testing.T) {
	server, sim := serve(t, billWorld(1), simcloud.Options{Now: estateEnd})
	s := newSource(t, billing(server))
	over := time.Date(2026, 11, 1, 0, 0, 0, 0, collector.BillZone)
	for _, c := range []struct {
		name  string
		now   time.Time
		whole bool
	}{
		{"a second before", over.Add(collector.BillSettling - time.Second), false},
		{"three days after", over.Add(collector.BillSettling), true},
	} {
		sim.SetNow(c.now)
		got, err := s.Bill(t.Context(), collector.BillRequest{Month: "2026-10", Now: c.now})
		if err != nil || len(got.Bill.Amounts) != 2 || got.Bill.WholeFor("province") != c.whole {
			t.Errorf("%s: whole of %v, %v", c.name, got.Bill.WholeOf, err)
		}
	}
	// Nothing existed then: an empty bill proves nothing.
	young := billWorld(1)
	for i := range young.resources {
		young.resources[i].CreatedAt = over
	}
	server, _ = serve(t, young, simcloud.Options{Now: estateEnd})
	got, err := newSource(t, billing(server)).Bill(t.Context(), asked("2026-10"))
	if err != nil || len(got.Bill.Amounts) != 0 || len(got.Bill.WholeOf) != 0 {
		t.Errorf("an empty bill: whole of %v, %v", got.Bill.WholeOf, err)
	}
}

func TestBillWithoutPermissionNamesTheAction(t *testing.T) {
	for name, refusal := range map[string]func(w http.ResponseWriter){
		"as RAM refuses": nil,
		"as BSS refuses": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"Code":"NotAuthorized","Message":"This API is not authorized for caller.","Success":false,"RequestId":"r"}`)
		},
	} {
		sim := simcloud.New(billWorld(1), simcloud.Options{Now: estateEnd, Quotas: simcloud.Unlimited(), Denied: []string{"DescribeInstanceBill"}})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refusal == nil {
				sim.ServeHTTP(w, r)
				return
			}
			refusal(w)
		}))
		defer server.Close()
		got, err := newSource(t, billing(server)).Bill(t.Context(), asked("2026-10"))
		var e *aliyun.Error
		if !errors.As(err, &e) || e.Class != aliyun.ClassPermission || !strings.Contains(err.Error(), "bss:DescribeInstanceBill") || !strings.Contains(err.Error(), "page 1") {
			t.Errorf("%s: %v", name, err)
		}
		if got.Calls["DescribeInstanceBill"] != 1 || got.Bill.Amounts != nil {
			t.Errorf("%s: calls %v, bill %v", name, got.Calls, got.Bill)
		}
	}
}

// pagesOf serves the pages of a bill written out, one after the other by token.
func pagesOf(t *testing.T, pages ...string) (*httptest.Server, *atomic.Int64) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		q := r.URL.Query()
		i := 0
		fmt.Sscanf(q.Get("NextToken"), "page%d", &i)
		if q.Get("Action") != "DescribeInstanceBill" || q.Get("Version") != "2017-12-14" || q.Get("Granularity") != "MONTHLY" || q.Get("MaxResults") != "300" || q.Get("BillingCycle") != "2026-10" {
			t.Errorf("asked %s", r.URL.RawQuery)
		}
		fmt.Fprint(w, pages[i])
	}))
	t.Cleanup(server.Close)
	return server, &calls
}

func billPage(next string, total int, lines ...string) string {
	for i, l := range lines {
		f := strings.Fields(l)
		lines[i] = fmt.Sprintf(`{"InstanceID":%q,"PretaxGrossAmount":99,"PretaxAmount":%s,"PaymentAmount":0.01,"Currency":%q}`, f[0], f[1], f[2])
	}
	return fmt.Sprintf(`{"Code":"Success","Success":true,"Data":{"BillingCycle":"2026-10","Items":[%s],"TotalCount":%d,"NextToken":%q}}`, strings.Join(lines, ","), total, next)
}

func TestLinesOfOneResourceAreAddedUp(t *testing.T) {
	server, _ := pagesOf(t,
		billPage("page1", 5, "i-1 0.1 CNY", "d-1 3 CNY", "i-1 0.2 CNY"),
		billPage("", 5, "i-1 -0.05 CNY", "eip-1 0 CNY"))
	got, err := newSource(t, billing(server)).Bill(t.Context(), asked("2026-10"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"i-1": "0.25 CNY", "d-1": "3.00 CNY", "eip-1": "0.00 CNY"}, amounts(got.Bill)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHalfABillIsNoBill(t *testing.T) {
	first := billPage("page1", 3, "i-1 1 CNY", "i-2 1 CNY")
	for _, c := range []struct {
		name  string
		pages []string
		want  string
	}{
		{"a page that cannot be read", []string{first, `{"Code":"Success","Data":{"Items":[{"InstanceID":"i-3"}]}}`}, "page 2: call DescribeInstanceBill: read line 1"},
		{"a token that repeats", []string{first, billPage("page1", 3, "i-3 1 CNY")}, "page 2: call DescribeInstanceBill: the server repeats a NextToken"},
		{"lines that are missing", []string{first, billPage("", 9, "i-3 1 CNY")}, "page 2: call DescribeInstanceBill: incomplete: the last page, and 6 of 9 lines are missing"},
		{"two currencies", []string{first, billPage("", 3, "i-3 1 USD")}, "page 2: i-3: add amounts"},
		{"refused on the way", []string{first, `{"Code":"InvalidParameter","Message":"token expired","Success":false}`}, "page 2: call DescribeInstanceBill: InvalidParameter"},
	} {
		server, calls := pagesOf(t, c.pages...)
		o := billing(server)
		o.Retry.Attempts = 3
		got, err := newSource(t, o).Bill(t.Context(), asked("2026-10"))
		if err == nil || !strings.Contains(err.Error(), "read the bill of 2026-10 of cloud province, "+c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
		if got.Bill.Amounts != nil || got.Lines != 0 || got.Calls["DescribeInstanceBill"] != int(calls.Load()) {
			t.Errorf("%s: %d amounts, %v of %d calls", c.name, len(got.Bill.Amounts), got.Calls, calls.Load())
		}
	}
}

func TestBillCanBeStopped(t *testing.T) {
	server, _ := serve(t, billWorld(400), simcloud.Options{Now: estateEnd})
	ctx, cancel := context.WithCancel(t.Context())
	req := asked("2026-10")
	req.Progress = func(int, int) { cancel() }
	got, err := newSource(t, billing(server)).Bill(ctx, req)
	if !errors.Is(err, context.Canceled) || got.Bill.Amounts != nil || got.Calls["DescribeInstanceBill"] == 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// Bills have one server for all of the public cloud, none on Apsara Stack, and none is
// called that nobody asked for.
func TestServerOfBills(t *testing.T) {
	public := aliyun.Options{Name: "x", Regions: []string{"cn-hangzhou"}, AccessKeyID: "a", AccessKeySecret: "b"}
	const business = "https://business.aliyuncs.com"
	for _, c := range []struct {
		name   string
		change func(*aliyun.Options)
		want   string // a host; or ! and the mistake; empty: no server of bills
	}{
		{"not asked for", func(o *aliyun.Options) { o.Bills = false }, ""},
		{"public cloud", func(o *aliyun.Options) {}, business},
		{"named", func(o *aliyun.Options) { o.Endpoints = map[string]string{"bss": "http://bss.example"} }, "http://bss.example"},
		{"one server for all", func(o *aliyun.Options) { o.Endpoint = "http://sim.example" }, "http://sim.example"},
		{"Apsara Stack", func(o *aliyun.Options) { o.Apsara = &aliyun.Apsara{Domain: "intra.example"} }, "!endpoints.bss: missing"},
		{"Apsara Stack behind one server", func(o *aliyun.Options) { o.Apsara, o.Endpoint = &aliyun.Apsara{}, "https://gateway.example" }, "!endpoints.bss: missing"},
		{"Apsara Stack, named", func(o *aliyun.Options) {
			o.Apsara, o.Endpoints = &aliyun.Apsara{Domain: "intra.example"}, map[string]string{"bss": "https://bill.example"}
		}, "https://bill.example"},
	} {
		o := public
		o.Bills = true
		c.change(&o)
		s, err := aliyun.New(o)
		if mistake, bad := strings.CutPrefix(c.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), mistake) {
				t.Errorf("%s: %v, want %s", c.name, err, mistake)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.want != "" && !slices.Contains(s.Hosts(), c.want) || c.want == "" && slices.Contains(s.Hosts(), business) {
			t.Errorf("%s: %v", c.name, s.Hosts())
		}
		if c.want == "" {
			if _, err := s.Bill(t.Context(), asked("2026-10")); err == nil || !strings.Contains(err.Error(), "server of bills") {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		s.Close()
	}
}
