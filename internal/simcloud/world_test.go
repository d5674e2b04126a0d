package simcloud

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Every value of a bundle arrives as it stands in the file.
func TestBundleTravelsExactly(t *testing.T) {
	t.Run("generated", func(t *testing.T) {
		dir := t.TempDir()
		e := estate.New(estate.Options{Instances: 8, Seed: 21, Days: 1})
		if err := e.WriteBundle(dir, nil); err != nil {
			t.Fatal(err)
		}
		travel(t, dir)
	})
	t.Run("vm407", func(t *testing.T) {
		dir := os.Getenv("YUNJIAN_TRACES")
		if dir == "" {
			dir = filepath.Join("..", "..", "..", "shared", "traces")
		}
		dir = filepath.Join(dir, "vm407")
		if _, err := os.Stat(dir); err != nil {
			t.Skipf("vm407 trace not present: %v", err)
		}
		travel(t, everyNth(t, dir, 180))
	})
}

// everyNth makes a bundle of every n-th resource of another: all would take
// half a minute under the race detector.
func everyNth(t *testing.T, dir string, n int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := os.Mkdir(filepath.Join(out, "samples"), 0o755); err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for i, line := range strings.SplitAfter(string(text), "\n") {
		id, _, row := strings.Cut(line, ",")
		if !row || i > 0 && i%n != 0 {
			continue
		}
		kept.WriteString(line)
		if i == 0 {
			continue
		}
		file, err := filepath.Abs(filepath.Join(dir, "samples", id+".csv.gz"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, filepath.Join(out, "samples", id+".csv.gz")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "inventory.csv"), []byte(kept.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

// travel reads every instance of a bundle through the API and compares.
func travel(t *testing.T, dir string) {
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, New(FromBundle(b), Options{Quotas: Unlimited()}))
	checked := 0
	for _, r := range b.Inventory().Resources {
		if r.Kind != cloud.Instance {
			continue
		}
		samples, err := b.Samples(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ecsMetrics {
			if m.agent && !agentRunning(&r) || m.device == "fs" || !slices.Contains(b.Metrics(), m.of) {
				continue
			}
			got, _ := c.pages(map[string]string{"MetricName": m.name, "Period": "300", "StartTime": "0", "Dimensions": dimensions(r.ID), "Length": "1440"})
			if len(got) != len(samples[m.of]) {
				t.Fatalf("%s %s: %d points, want %d", r.ID, m.name, len(got), len(samples[m.of]))
			}
			for i, p := range samples[m.of] {
				if got[i].Timestamp != p.T*1000 || got[i].Average != p.V {
					t.Fatalf("%s %s: point %d is %+v, want %v", r.ID, m.name, i, got[i], p)
				}
				checked++
			}
		}
	}
	if checked < 10_000 {
		t.Errorf("only %d values compared", checked)
	}
}
