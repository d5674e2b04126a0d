package simcloud

import (
	"slices"
	"sync"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/internal/estate"
)

func TestBundleCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	e := estate.New(estate.Options{Instances: 6, Seed: 2, Days: 1})
	if err := e.WriteBundle(dir, nil); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := FromBundle(b).(*bundleWorld)
	w.limit = 5000 // two machines of seven metrics
	for range 3 {
		for _, r := range e.Inventory(e.End()).Resources {
			want := e.Samples(r.ID, cloud.CPUPercent, e.End().Unix()-7200, e.End().Unix()-3600)
			if got := w.Samples(r.ID, cloud.CPUPercent, e.End().Unix()-7200, e.End().Unix()-3600); !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", r.ID, got, want)
			}
			n := 0
			for _, entry := range w.cached {
				n += entry.count()
			}
			if n != w.size || n > w.limit {
				t.Fatalf("%d samples in memory, counted as %d, limit %d", n, w.size, w.limit)
			}
		}
	}
}

// Clients, a moving present and counters at once, for the race detector.
func TestManyClientsAtOnce(t *testing.T) {
	e := smallEstate()
	s := New(e, Options{Quotas: Unlimited()})
	first := serve(t, s)
	var clients []*client
	for range 4 {
		clients = append(clients, newClient(t, first.domain, "testid", "testsecret"))
	}
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			for range 5 {
				if _, _, err := c.call("DescribeMetricList", map[string]string{"Namespace": ecsNamespace, "MetricName": "CPUUtilization", "Length": "200"}); err != nil {
					t.Error(err)
				}
				if _, _, err := c.call("DescribeInstances", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 10 {
		s.SetNow(e.End().Add(-time.Duration(i) * time.Minute))
		_ = s.Actions()
	}
	wg.Wait()
	if got := s.Actions(); got["DescribeMetricList"] != 20 || got["DescribeInstances"] != 20 {
		t.Errorf("actions %v, want 20 of each", got)
	}
}
