package aliyun_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/collectortest"
	"yunjian/internal/simcloud"
)

// TestWhatIsReportedReadWasDelivered breaks runs of several windows off after
// one, two, four … batches and takes up from there.
func TestWhatIsReportedReadWasDelivered(t *testing.T) {
	e := smallEstate(60)
	server, _ := serve(t, e, simcloud.Options{})
	s := newSource(t, options(server, regionsOf(e)...))
	inv, err := s.Inventory(t.Context(), estateEnd)
	if err != nil {
		t.Fatal(err)
	}
	req := collector.Request{Inventory: inv, Metrics: []cloud.Metric{cloud.CPUPercent}, Since: e.Start(), Now: estateEnd}
	stop := errors.New("stop")
	partly := 0
	for after := 1; ; after *= 2 {
		g := collectortest.NewGathered()
		_, err := s.Collect(t.Context(), req, func(b collector.Batch) error {
			if g.Batches == after {
				return stop
			}
			return g.Deliver(b)
		})
		for _, r := range inv.Resources {
			k := collectortest.Key{Resource: r.ID, Metric: cloud.CPUPercent}
			through := g.Observations[k].Through
			if through.After(req.Since) && through.Before(estateEnd) {
				partly++
			}
			if !through.IsZero() && !slices.Equal(g.Points[k], truth(e)(r, k.Metric, req.Since, through)) {
				t.Errorf("after %d batches %s claims to be read through %v, which is not what was delivered", after, r.ID, through)
			}
		}
		if err == nil {
			break
		}
		again := req
		again.Through = g.Through
		if _, err := s.Collect(t.Context(), again, g.Deliver); err != nil {
			t.Fatal(err)
		}
		for _, r := range instancesOf(inv) {
			if k := (collectortest.Key{Resource: r.ID, Metric: cloud.CPUPercent}); !slices.Equal(g.Points[k], truth(e)(r, k.Metric, req.Since, estateEnd)) {
				t.Errorf("after %d batches and a second run %s has %d samples", after, r.ID, len(g.Points[k]))
			}
		}
	}
	if partly == 0 {
		t.Error("no series was ever read in part: the test proves nothing")
	}
}

func instancesOf(inv cloud.Inventory) []cloud.Resource {
	return slices.DeleteFunc(slices.Clone(inv.Resources), func(r cloud.Resource) bool { return r.Kind != cloud.Instance })
}

func TestSeriesThatStandApartShareACallAndGetOnlyTheirOwn(t *testing.T) {
	server, _ := serve(t, world(), simcloud.Options{})
	behind := map[string]time.Duration{"i-idle": 5 * time.Minute, "i-noagent": 10 * time.Minute}
	g, res, err := collect(t, newSource(t, options(server, "cn-hangzhou")), func(r *collector.Request) {
		r.Metrics = []cloud.Metric{cloud.NetworkInBPS}
		r.Inventory.Resources = slices.DeleteFunc(r.Inventory.Resources, func(r cloud.Resource) bool { return behind[r.ID] == 0 })
		for i := range r.Inventory.Resources {
			r.Inventory.Resources[i].Agent = cloud.AgentAbsent // both by the host
		}
		r.Through = func(id string, _ cloud.Metric) time.Time { return estateEnd.Add(-behind[id]) }
	})
	if err != nil || res.Calls["DescribeMetricList"] != 1 {
		t.Fatalf("%d calls, %v: want one", res.Calls["DescribeMetricList"], err)
	}
	for id, want := range map[string]int{"i-idle": 1, "i-noagent": 2} {
		if got := g.Points[collectortest.Key{Resource: id, Metric: cloud.NetworkInBPS}]; len(got) != want {
			t.Errorf("%s: %d samples, want %d", id, len(got), want)
		}
	}
}

func TestListsComeEmptyNowAndThenAndAreReadWholeAllTheSame(t *testing.T) {
	e := smallEstate(12)
	for seed := range uint64(10) {
		server, _ := serve(t, e, simcloud.Options{Faults: simcloud.Faults{Denied: 0.25}, Seed: seed})
		inv, err := newSource(t, options(server, regionsOf(e)...)).Inventory(t.Context(), estateEnd)
		if err != nil {
			t.Fatal(err)
		}
		if want := len(e.Inventory(estateEnd).Resources); len(inv.Resources) != want {
			t.Errorf("seed %d: %d resources, want %d", seed, len(inv.Resources), want)
		}
	}
}

func TestTokenThatRepeatsForEverEndsTheUnit(t *testing.T) {
	sim := simcloud.New(world(), simcloud.Options{Quotas: simcloud.Unlimited()})
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Action") != "DescribeMetricList" {
			sim.ServeHTTP(w, r)
			return
		}
		calls.Add(1)
		fmt.Fprint(w, `{"Code":"200","Success":true,"Datapoints":"[]","NextToken":"again"}`)
	}))
	defer server.Close()
	o := options(server, "cn-hangzhou")
	o.Retry.Attempts = 3
	g, _, err := collect(t, newSource(t, o), func(r *collector.Request) { r.Metrics = []cloud.Metric{cloud.MemoryPercent} })
	if err != nil {
		t.Fatal(err)
	}
	o1 := g.Observations[collectortest.Key{Resource: "i-idle", Metric: cloud.MemoryPercent}]
	if o1.Availability != cloud.Failed || !strings.Contains(o1.Detail, "repeats a NextToken") || calls.Load() > 4 {
		t.Errorf("%s after %d calls: %s", o1.Availability, calls.Load(), o1.Detail)
	}
}

// addresses serves n addresses by page number. Before it answers the call
// numbered in release, one address is gone.
func addresses(t *testing.T, n int, total bool, release ...int) (*httptest.Server, func() []string) {
	var mu sync.Mutex
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("eip-%03d", i))
	}
	calls := 0
	sim := simcloud.New(world(), simcloud.Options{Quotas: simcloud.Unlimited()})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("Action") != "DescribeEipAddresses" || q.Get("DryRun") == "true" {
			sim.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if calls++; slices.Contains(release, calls) {
			ids = slices.Delete(ids, 0, 1)
		}
		number, _ := strconv.Atoi(q.Get("PageNumber"))
		size, _ := strconv.Atoi(q.Get("PageSize"))
		from := min(len(ids), (number-1)*size)
		list := []map[string]string{}
		for _, id := range ids[from:min(len(ids), from+size)] {
			list = append(list, map[string]string{"AllocationId": id})
		}
		answer := map[string]any{"EipAddresses": map[string]any{"EipAddress": list}}
		if total {
			answer["TotalCount"] = len(ids)
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(ids)
	}
}

func TestListByNumbersIsReadWhole(t *testing.T) {
	for _, c := range []struct {
		name     string
		n        int
		total    bool
		release  []int
		complete bool
	}{
		{"exactly a page", 100, true, nil, true},
		{"two pages and a half", 250, true, nil, true},
		{"a platform that does not count", 250, false, nil, true},
		{"a platform that does not count, full pages", 200, false, nil, true},
		{"an address is released between pages", 250, true, []int{2}, true},
		{"one is released in each of two readings", 250, true, []int{2, 5}, true},
		{"addresses are released all the time", 250, true, []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, ids := addresses(t, c.n, c.total, c.release...)
			inv, err := newSource(t, options(server, "cn-hangzhou")).Inventory(t.Context(), estateEnd)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range inv.Resources {
				if r.Kind == cloud.EIP {
					got = append(got, r.ID)
				}
			}
			for _, s := range inv.Scopes {
				if s.Kind == cloud.EIP && s.Complete != c.complete {
					t.Errorf("scope %+v, want complete %v", s, c.complete)
				}
			}
			if want := ids(); c.complete && !slices.Equal(got, want) {
				t.Errorf("%d addresses, want %d", len(got), len(want))
			}
		})
	}
}
