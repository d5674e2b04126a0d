package aliyun_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/collector/collectortest"
	"yunjian/internal/estate"
	"yunjian/internal/simcloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	estateEnd = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	estates   = map[int]*remembered{}
)

// smallEstate is a made-up estate of n machines and twelve days, built once.
func smallEstate(n int) *remembered {
	if estates[n] == nil {
		estates[n] = &remembered{Estate: estate.New(estate.Options{Instances: n, Seed: 7, Days: 12, End: estateEnd})}
	}
	return estates[n]
}

// remembered is an estate that works out each series once.
type remembered struct {
	*estate.Estate
	mu     sync.Mutex
	series map[collectortest.Key][]cloud.Point
}

func (e *remembered) Samples(resource string, m cloud.Metric, from, to int64) []cloud.Point {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := collectortest.Key{Resource: resource, Metric: m}
	all, ok := e.series[k]
	if !ok {
		all = e.Estate.Samples(resource, m, e.Start().Unix()-1, e.End().Unix())
		if e.series == nil {
			e.series = map[collectortest.Key][]cloud.Point{}
		}
		e.series[k] = all
	}
	after := func(t int64) int {
		i, _ := slices.BinarySearchFunc(all, t, func(p cloud.Point, t int64) int {
			if p.T <= t {
				return -1
			}
			return 1
		})
		return i
	}
	i := after(from)
	return all[i:max(i, after(to))]
}

// options are those of a source over server, patient in numbers and quick in
// time.
func options(server *httptest.Server, regions ...string) aliyun.Options {
	return aliyun.Options{
		Name: "province", Regions: regions, Endpoint: server.URL,
		AccessKeyID: "testid", AccessKeySecret: "testsecret",
		Ownership: aliyun.Ownership{DepartmentTag: "department", ApplicationTag: "application"},
		Budget:    collector.Budget{QPS: 1e6},
		Retry:     aliyun.Retry{Attempts: 14, Initial: 100 * time.Microsecond, Max: 2 * time.Millisecond},
		Timeout:   10 * time.Second,
	}
}

func serve(t testing.TB, w simcloud.World, o simcloud.Options) (*httptest.Server, *simcloud.Server) {
	t.Helper()
	if o.Quotas.PerSecond == nil && o.Quotas.Monthly == 0 {
		o.Quotas = simcloud.Unlimited()
	}
	sim := simcloud.New(w, o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return server, sim
}

func newSource(t testing.TB, o aliyun.Options) *aliyun.Source {
	t.Helper()
	s, err := aliyun.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func regionsOf(w simcloud.World) []string {
	seen := map[string]bool{}
	var out []string
	for _, r := range w.Inventory(w.End()).Resources {
		if r.Region != "" && !seen[r.Region] {
			seen[r.Region] = true
			out = append(out, r.Region)
		}
	}
	if out == nil {
		out = []string{"cn-hangzhou"}
	}
	return out
}

// truth is what a source must deliver of a world: agent metrics only with an
// agent running.
func truth(w simcloud.World) func(cloud.Resource, cloud.Metric, time.Time, time.Time) []cloud.Point {
	return func(r cloud.Resource, m cloud.Metric, from, to time.Time) []cloud.Point {
		if (m == cloud.MemoryPercent || m == cloud.DiskPercent) && r.Agent != cloud.AgentRunning {
			return nil
		}
		return w.Samples(r.ID, m, from.Unix(), to.Unix())
	}
}

func estateFixture(t *testing.T, faults simcloud.Faults, change func(*aliyun.Options, *simcloud.Options)) collectortest.Fixture {
	e := smallEstate(12)
	sim := simcloud.Options{Faults: faults, Seed: 11}
	o := options(nowhere(), regionsOf(e)...)
	if change != nil {
		change(&o, &sim)
	}
	server, _ := serve(t, e, sim)
	o.Endpoint = server.URL
	return collectortest.Fixture{
		Source: newSource(t, o), Now: e.End(), Since: e.End().Add(-24 * time.Hour), Step: 5 * time.Minute, Truth: truth(e),
	}
}

// nowhere is a server that is never asked: options want one.
func nowhere() *httptest.Server {
	return &httptest.Server{URL: "http://127.0.0.1:1"}
}

func TestContractOnSimulatedCloud(t *testing.T) {
	collectortest.Run(t, func(t *testing.T) collectortest.Fixture { return estateFixture(t, simcloud.Faults{}, nil) })
}

func TestContractWithEveryFaultAtAFewPercent(t *testing.T) {
	faults := simcloud.AllFaults(0.03)
	faults.Delay = time.Millisecond
	collectortest.Run(t, func(t *testing.T) collectortest.Fixture { return estateFixture(t, faults, nil) })
}

func TestContractOnApsaraStack(t *testing.T) {
	collectortest.Run(t, func(t *testing.T) collectortest.Fixture {
		return estateFixture(t, simcloud.Faults{}, func(o *aliyun.Options, sim *simcloud.Options) {
			o.Apsara = &aliyun.Apsara{Enumerate: true}
			sim.Apsara = &simcloud.Apsara{RequireHeaders: true}
		})
	})
}

func TestContractOnARealAccount(t *testing.T) {
	id, secret, region := os.Getenv("YUNJIAN_TEST_AK"), os.Getenv("YUNJIAN_TEST_SK"), os.Getenv("YUNJIAN_TEST_REGION")
	if id == "" || secret == "" || region == "" {
		t.Skip("no real account: YUNJIAN_TEST_AK, YUNJIAN_TEST_SK and YUNJIAN_TEST_REGION are not set")
	}
	collectortest.Run(t, func(t *testing.T) collectortest.Fixture {
		now := time.Now().Add(-10 * time.Minute).Truncate(5 * time.Minute)
		return collectortest.Fixture{
			Now: now, Since: now.Add(-6 * time.Hour), Step: 5 * time.Minute,
			Source: newSource(t, aliyun.Options{
				Name: "real", Regions: []string{region}, AccessKeyID: id, AccessKeySecret: secret,
				Endpoint: os.Getenv("YUNJIAN_TEST_ENDPOINT"), Budget: collector.Budget{QPS: 10, PerMonth: 10_000},
			}),
		}
	})
}

// vm407 returns the folder of the shared trace, or skips the test by name.
func vm407(t testing.TB) string {
	t.Helper()
	root := os.Getenv("YUNJIAN_TRACES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "traces")
	}
	dir := filepath.Join(root, "vm407")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("vm407 trace not present: %v", err)
	}
	return dir
}
