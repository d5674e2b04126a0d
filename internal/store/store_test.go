package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
)

func TestObservations(t *testing.T) {
	s := fresh(t)
	put := func(obs ...cloud.Observation) {
		t.Helper()
		if err := s.PutObservations("province", obs); err != nil {
			t.Fatal(err)
		}
	}
	put(cloud.Observation{Resource: "b", Metric: cloud.CPUPercent, Availability: cloud.Observed, Origin: cloud.OriginAgent, From: at(3), Through: at(5)},
		cloud.Observation{Resource: "a", Metric: cloud.MemoryPercent, Availability: cloud.NoAgent, Detail: "none"},
		cloud.Observation{Resource: "b", Metric: cloud.MemoryPercent, Availability: cloud.Observed, From: at(3), Through: at(4)})
	// A failure later neither loses what was read nor how it was measured.
	put(cloud.Observation{Resource: "b", Metric: cloud.CPUPercent, Availability: cloud.Throttled, Detail: "slow down", From: at(4)})
	// An earlier span widens, a shorter one does not narrow.
	put(cloud.Observation{Resource: "b", Metric: cloud.MemoryPercent, Availability: cloud.Observed, From: at(1), Through: at(2)})
	put()
	want := map[string]map[cloud.Metric]cloud.Observation{
		"a": {cloud.MemoryPercent: {Resource: "a", Metric: cloud.MemoryPercent, Availability: cloud.NoAgent, Detail: "none"}},
		"b": {
			cloud.CPUPercent:    {Resource: "b", Metric: cloud.CPUPercent, Availability: cloud.Throttled, Origin: cloud.OriginAgent, Detail: "slow down", From: at(3), Through: at(5)},
			cloud.MemoryPercent: {Resource: "b", Metric: cloud.MemoryPercent, Availability: cloud.Observed, From: at(1), Through: at(4)},
		},
	}
	got, err := s.Observations("province")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	if got, err := s.Observations("other"); err != nil || len(got) != 0 {
		t.Errorf("of another cloud: %v, %v", got, err)
	}
}

func TestNamesThatCannotBeKeys(t *testing.T) {
	s := fresh(t)
	long := strings.Repeat("x", 1025)
	for name, err := range map[string]error{
		"a cloud without name":   s.PutObservations("", []cloud.Observation{{Resource: "a"}}),
		"a NUL":                  s.PutObservations("a\x00b", []cloud.Observation{{Resource: "a"}}),
		"a resource too long":    s.PutObservations("c", []cloud.Observation{{Resource: "a"}, {Resource: long}}),
		"calls without cloud":    s.AddCalls("", at(1), map[string]int{"x": 1}),
		"a job without name":     s.PutJob(JobResult{}),
		"an audit without time":  putAudit(s, audit.Audit{}),
		"inventory without time": third(putInventory(s, cloud.Inventory{Cloud: "c"})),
		"a resource twice":       third(putInventory(s, cloud.Inventory{Cloud: "c", TakenAt: at(1), Resources: []cloud.Resource{{ID: "a"}, {ID: "a"}}})),
	} {
		if err == nil {
			t.Errorf("%s was stored", name)
		}
	}
	// All or nothing: the sound observation beside the bad one was not kept.
	if got, err := s.Observations("c"); err != nil || len(got) != 0 {
		t.Errorf("half a batch was stored: %v, %v", got, err)
	}
}

func third[T, U any](_ T, _ U, err error) error { return err }

func TestCalls(t *testing.T) {
	s := fresh(t)
	shanghai := time.FixedZone("CST", 8*3600)
	add := func(at time.Time, calls map[string]int) {
		t.Helper()
		if err := s.AddCalls("province", at, calls); err != nil {
			t.Fatal(err)
		}
	}
	end := time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC)
	add(end, map[string]int{"DescribeMetricList": 2, "DescribeDisks": 1})
	add(end.In(shanghai), map[string]int{"DescribeMetricList": 5}) // November there
	add(end, map[string]int{"DescribeMetricList": 40})
	add(end, nil)
	for month, want := range map[string]map[string]int{
		"2026-10": {"DescribeMetricList": 42, "DescribeDisks": 1},
		"2026-11": {"DescribeMetricList": 5},
		"2026-12": {},
	} {
		got, err := s.Calls("province", month)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", month, diff)
		}
	}
}

func TestChangesOfOneResource(t *testing.T) {
	s := fresh(t)
	for hour, resources := range [][]cloud.Resource{{vm("a"), vm("ab")}, {vm("a", off), vm("ab", off)}, {vm("a")}} {
		if _, _, err := putInventory(s, inventory(hour+1, true, resources...)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Changes("a")
	if err != nil {
		t.Fatal(err)
	}
	want := []cloud.Change{
		{ResourceID: "a", At: at(2), Field: cloud.ChangeStatus, From: "running", To: "stopped"},
		{ResourceID: "a", At: at(3), Field: cloud.ChangeStatus, From: "stopped", To: "running"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func sampleAudit(t time.Time) audit.Audit {
	v := 1.25
	return audit.Audit{
		AsOf: t, Window: cloud.Last(30*24*time.Hour, t), Policy: audit.PolicyRef{ID: "p", Version: "1"},
		Totals:   audit.Totals{Resources: 1, Verdicts: map[analyzer.Verdict]int{analyzer.Idle: 1}},
		Findings: []analyzer.Finding{{ResourceID: "a", Kind: cloud.Instance, Verdict: analyzer.Idle, Reasons: []analyzer.Reason{{Code: "cpu_p95_below", Value: &v}}}},
	}
}

// What earlier versions stored as coverage although no samples were looked at is
// not taken for one.
func TestCoverageThatWasNone(t *testing.T) {
	s := fresh(t)
	a := sampleAudit(at(1))
	coverage := func(v float64) *float64 { return &v }
	a.Findings = []analyzer.Finding{
		{ResourceID: "disk", Kind: cloud.Disk, Coverage: coverage(1)},
		{ResourceID: "off", Kind: cloud.Instance, Flags: []analyzer.Flag{analyzer.PoweredOff}, Coverage: coverage(1)},
		{ResourceID: "too young", Kind: cloud.Instance, Coverage: coverage(0)},
		{ResourceID: "running", Kind: cloud.Instance, Coverage: coverage(0.9)},
	}
	if err := putAudit(s, a); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Audit(a.AsOf)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.Findings {
		if known := f.Coverage != nil; known != (f.ResourceID == "running") {
			t.Errorf("%s: coverage known %v", f.ResourceID, known)
		}
	}
}

func TestAudits(t *testing.T) {
	s := fresh(t)
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, ok, err := s.LatestAudit(far); ok || err != nil {
		t.Errorf("of an empty store: %v, %v", ok, err)
	}
	shanghai := time.FixedZone("", 8*3600)
	for _, hour := range []int{5, 1, 3} {
		if err := putAudit(s, sampleAudit(at(hour).In(shanghai))); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name     string
		notAfter time.Time
		want     int // hour; 0: none
	}{
		{"before the first", at(1).Add(-1), 0},
		{"at the instant of one", at(3), 3},
		{"between two", at(4), 3},
		{"after the last", at(6), 5},
		{"at the end of time", far, 5},
		{"before 1970", time.Unix(-5, 0), 0},
	} {
		a, ok, err := s.LatestAudit(c.notAfter)
		if err != nil {
			t.Fatal(err)
		}
		if ok != (c.want > 0) || (ok && !a.AsOf.Equal(at(c.want))) {
			t.Errorf("%s: %v, %v; want hour %d", c.name, a.AsOf, ok, c.want)
		}
	}
	got, ok, err := s.Audit(at(3))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if got.Journal.Seq == 0 || len(got.Journal.Hash) != 64 {
		t.Errorf("it was stored with the head %+v", got.Journal)
	}
	got.Journal = audit.JournalHead{}
	if diff := cmp.Diff(sampleAudit(at(3).In(shanghai)), got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if _, ok, err := s.Audit(at(2)); ok || err != nil {
		t.Errorf("an instant without audit: %v, %v", ok, err)
	}
	times, err := s.AuditTimes()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Time{at(1), at(3), at(5)}, times); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
}

func TestPruneAuditsKeepsTheLastOfEachWeek(t *testing.T) {
	s := fresh(t)
	monday := time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)
	for d := range 21 {
		if err := putAudit(s, sampleAudit(monday.AddDate(0, 0, d))); err != nil {
			t.Fatal(err)
		}
	}
	week := func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, "-", w) }
	removed, err := pruneAudits(s, 3, week)
	if err != nil {
		t.Fatal(err)
	}
	times, err := s.AuditTimes()
	if err != nil {
		t.Fatal(err)
	}
	want := []time.Time{monday.AddDate(0, 0, 6), monday.AddDate(0, 0, 13), monday.AddDate(0, 0, 18), monday.AddDate(0, 0, 19), monday.AddDate(0, 0, 20)}
	if diff := cmp.Diff(want, times); diff != "" || removed != 16 {
		t.Errorf("removed %d, left (-want +got):\n%s", removed, diff)
	}
	if removed, err := pruneAudits(s, 3, week); removed != 0 || err != nil {
		t.Errorf("again: %d, %v", removed, err)
	}
}

func TestJobs(t *testing.T) {
	s := fresh(t)
	for _, r := range []JobResult{
		{Name: "report", Started: at(1), Finished: at(2), OK: true, Summary: "3 files"},
		{Name: "audit", Started: at(1), Finished: at(1), Error: "disk full"},
		{Name: "report", Started: at(3), Finished: at(4), Error: "no audit"},
	} {
		if err := s.PutJob(r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Jobs()
	if err != nil {
		t.Fatal(err)
	}
	want := []JobResult{
		{Name: "audit", Started: at(1), Finished: at(1), Error: "disk full"},
		{Name: "report", Started: at(3), Finished: at(4), Error: "no audit"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestInventoriesByName(t *testing.T) {
	s := fresh(t)
	for _, name := range []string{"b", "a"} {
		if _, _, err := putInventory(s, cloud.Inventory{Cloud: name, TakenAt: at(1), Types: []cloud.InstanceType{{ID: "t"}}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Inventories()
	if err != nil || len(got) != 2 || got[0].Cloud != "a" || got[1].Cloud != "b" {
		t.Fatalf("%+v, %v", got, err)
	}
	// A cloud that cannot list its types this time still offers them.
	if _, _, err := putInventory(s, cloud.Inventory{Cloud: "a", TakenAt: at(2)}); err != nil {
		t.Fatal(err)
	}
	if inv, _, err := s.Inventory("a"); err != nil || len(inv.Types) != 1 {
		t.Errorf("types: %v, %v", inv.Types, err)
	}
	if _, ok, err := s.Inventory("c"); ok || err != nil {
		t.Errorf("of no cloud: %v, %v", ok, err)
	}
}

func TestASecondProcessIsToldSo(t *testing.T) {
	s := fresh(t)
	for _, readOnly := range []bool{false, true} {
		_, err := Open(s.db.Path(), Options{ReadOnly: readOnly, Timeout: time.Millisecond})
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "`yunjian serve`") {
			t.Errorf("read-only %v: %v", readOnly, err)
		}
	}
}

func TestReadersShare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a reader made the file: %v", err)
	}
	if err := reopen(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.PutJob(JobResult{Name: "x"}); err == nil {
			t.Error("a reader wrote")
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	path := func(name string, text []byte) string {
		p := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(p, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if _, err := Open(path("text", bytes.Repeat([]byte("not a database. "), 4096)), Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a text file: %v", err)
	}
	edit := func(f func(*bolt.Tx) error) string {
		p := filepath.Join(t.TempDir(), "state.db")
		db, err := bolt.Open(p, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(f), db.Close()); err != nil {
			t.Fatal(err)
		}
		return p
	}
	newer := edit(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return b.Put(versionKey, binary.BigEndian.AppendUint64(nil, uint64(len(migrations)+1)))
	})
	if _, err := Open(newer, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("of a newer version: %v", err)
	}
	huge := edit(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return b.Put(versionKey, binary.BigEndian.AppendUint64(nil, math.MaxUint64))
	})
	if _, err := Open(huge, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("of a version beyond reason: %v", err)
	}
	foreign := edit(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("someone else's")); return err })
	if _, err := Open(foreign, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("another program's file: %v", err)
	}
}

func TestCheckNamesWhatIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := putInventory(s, inventory(1, true, vm("a"))); err != nil {
		t.Fatal(err)
	}
	if err := putAudit(s, sampleAudit(at(1))); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("sound: %v", err)
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		packed := bytes.Clone(tx.Bucket(inventoryBucket).Get([]byte("province")))
		packed[len(packed)-6] ^= 1
		if err := tx.Bucket(inventoryBucket).Put([]byte("province"), packed); err != nil {
			return err
		}
		return tx.Bucket(jobBucket).Put([]byte("audit"), []byte("{"))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Check(t.Context())
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), `inventory "province"`) || !strings.Contains(err.Error(), `job "audit"`) {
		t.Errorf("check: %v", err)
	}
	if _, _, err := s.Inventory("province"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged inventory was read: %v", err)
	}
	if _, ok, err := s.Audit(at(1)); !ok || err != nil {
		t.Errorf("the rest is lost too: %v", err)
	}
}

func TestBackupIsAStore(t *testing.T) {
	s := fresh(t)
	if _, _, err := putInventory(s, inventory(1, true, vm("a"))); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	n, err := s.Backup(&buf)
	if err != nil || n != int64(buf.Len()) {
		t.Fatalf("%d of %d bytes, %v", n, buf.Len(), err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if inv, ok, err := reopen(t, path).Inventory("province"); !ok || err != nil || len(inv.Resources) != 1 {
		t.Errorf("%+v, %v", inv, err)
	}
}

// Writers and readers at once: run with -race.
func TestConcurrentUse(t *testing.T) {
	s := fresh(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for hour := range 5 {
				name := fmt.Sprint("cloud-", i)
				inv := inventory(hour, true, vm("a"), vm("b"))
				inv.Cloud = name
				if _, _, err := putInventory(s, inv); err != nil {
					t.Error(err)
				}
				if err := s.AddCalls("shared", at(1), map[string]int{"x": 1}); err != nil {
					t.Error(err)
				}
				if _, err := s.Inventories(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, err := s.Calls("shared", "2026-11"); err != nil || got["x"] != 20 {
		t.Errorf("calls: %v, %v; want 20", got, err)
	}
}

func bigInventory(n int, taken time.Time) cloud.Inventory {
	inv := cloud.Inventory{Cloud: "province", TakenAt: taken, Scopes: []cloud.Scope{{Region: "r", Kind: cloud.Instance, Complete: true}}}
	for i := range n {
		inv.Resources = append(inv.Resources, vm(fmt.Sprintf("i-bp1%08d", i), func(r *cloud.Resource) {
			r.Name, r.Department, r.Application = fmt.Sprintf("web-%d", i), fmt.Sprintf("部门%d", i%60), fmt.Sprintf("应用%d", i%500)
			r.CreatedAt, r.PrivateIP = at(0).AddDate(-1, 0, -i%300), fmt.Sprintf("10.0.%d.%d", i/256%256, i%256)
			r.Tags = map[string]string{"department": r.Department, "application": r.Application}
		}))
	}
	return inv
}

func BenchmarkPutInventory10000(b *testing.B) {
	s := fresh(b)
	hour := 0
	for b.Loop() {
		hour++
		if _, _, err := putInventory(s, bigInventory(10_000, at(0).Add(time.Duration(hour)*time.Minute))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutObservations70000(b *testing.B) {
	s := fresh(b)
	var obs []cloud.Observation
	for i := range 10_000 {
		for _, m := range cloud.Metrics() {
			obs = append(obs, cloud.Observation{Resource: fmt.Sprintf("i-bp1%08d", i), Metric: m, Availability: cloud.Observed, From: at(0), Through: at(1)})
		}
	}
	for b.Loop() {
		if err := s.PutObservations("province", obs); err != nil {
			b.Fatal(err)
		}
	}
}
