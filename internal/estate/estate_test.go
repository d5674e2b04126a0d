package estate

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/bundle"
	"yunjian/price"
)

func TestSameSeedSameEstate(t *testing.T) {
	o := Options{Instances: 40, Seed: 7, Days: 5}
	a, b := New(o), New(o)
	if diff := cmp.Diff(a.Inventory(a.End()), b.Inventory(b.End())); diff != "" {
		t.Errorf("two estates of one seed differ (-first +second):\n%s", diff)
	}
	id := a.machines[3].id
	if diff := cmp.Diff(a.Samples(id, cloud.CPUPercent, 0, a.end), b.Samples(id, cloud.CPUPercent, 0, b.end)); diff != "" {
		t.Errorf("samples of one seed differ:\n%s", diff)
	}
	o.Seed = 8
	if c := New(o); c.machines[3].id == id {
		t.Error("another seed gives the same instance")
	}
}

// Any span of a series must be what the whole series holds there, however it
// is cut.
func TestRandomAccess(t *testing.T) {
	e := New(Options{Instances: 30, Seed: 3, Days: 3})
	var ids []string
	for _, r := range e.Inventory(e.End()).Resources {
		ids = append(ids, r.ID)
	}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(ids).Draw(t, "resource")
		m := rapid.SampledFrom(cloud.Metrics()).Draw(t, "metric")
		from := rapid.Int64Range(e.start-4000, e.end+4000).Draw(t, "from")
		to := rapid.Int64Range(from, e.end+8000).Draw(t, "to")
		var want []cloud.Point
		for _, p := range e.Samples(id, m, e.start-day, e.end+day) {
			if p.T > from && p.T <= to {
				want = append(want, p)
			}
		}
		if got := e.Samples(id, m, from, to); !slices.Equal(got, want) {
			t.Fatalf("(%d, %d] has %d points, the whole series %d there", from, to, len(got), len(want))
		}
	})
}

func TestSamplesAreWellFormed(t *testing.T) {
	e := New(Options{Instances: 60, Seed: 5, Days: 4})
	for _, r := range e.Inventory(e.End()).Resources {
		for _, m := range cloud.Metrics() {
			last := e.start
			for _, p := range e.Samples(r.ID, m, 0, math.MaxInt64) {
				if p.T <= last || p.T%Step != 0 || p.T > e.end {
					t.Fatalf("%s %s: sample at %d after %d is off the grid or out of the history", r.ID, m, p.T, last)
				}
				last = p.T
				switch {
				case m.Unit() == cloud.Percent && (p.V < 0 || p.V > 100 || p.V != math.Round(p.V*100)/100):
					t.Fatalf("%s %s: %v is no percentage of two decimals", r.ID, m, p.V)
				case m.Unit() != cloud.Percent && (p.V < 0 || p.V != math.Trunc(p.V)):
					t.Fatalf("%s %s: %v is no whole rate", r.ID, m, p.V)
				}
			}
		}
	}
}

func TestSmallEstateShowsEveryClass(t *testing.T) {
	for _, seed := range []uint64{0, 1, 2, 99} {
		e := New(Options{Instances: len(drawn()), Seed: seed})
		seen := map[Class]bool{}
		kinds := map[string]int{}
		for _, r := range e.Inventory(e.End()).Resources {
			if r.Kind == cloud.Instance {
				seen[Class(e.Class(r.ID))] = true
			}
			kinds[string(r.Kind)+" "+string(r.Status)]++
			if r.Department != "" && !strings.HasPrefix(r.Department, "示例") || r.Application != "" && !strings.HasPrefix(r.Application, "示例") {
				t.Errorf("%s of %s is not plainly an example", r.Application, r.Department)
			}
		}
		for _, c := range drawn() {
			if !seen[c] {
				t.Errorf("seed %d: no machine is %s", seed, c)
			}
		}
		for _, want := range []string{"disk available", "disk in_use", "eip available"} {
			if kinds[want] == 0 {
				t.Errorf("seed %d: no %s among %v", seed, want, kinds)
			}
		}
	}
}

func TestInventoryFollowsTime(t *testing.T) {
	e := New(Options{Instances: 300, Seed: 2, Days: 60})
	find := func(at time.Time, id string) (cloud.Resource, bool) {
		for _, r := range e.Inventory(at).Resources {
			if r.ID == id {
				return r, true
			}
		}
		return cloud.Resource{}, false
	}
	one := func(c Class) *machine {
		i := slices.IndexFunc(e.machines, func(m machine) bool { return m.class == c && (c != Resized || m.typ != m.before) })
		if i < 0 {
			t.Fatalf("no %s machine", c)
		}
		return &e.machines[i]
	}
	t.Run("created", func(t *testing.T) {
		m := one(JustCreated)
		if _, there := find(instant(m.created-1), m.id); there {
			t.Error("listed a second before it was created")
		}
		if _, there := find(instant(m.created), m.id); !there {
			t.Error("not listed when created")
		}
		if p := e.Samples(m.id, cloud.CPUPercent, 0, m.created); len(p) != 0 {
			t.Errorf("%d samples from before its creation", len(p))
		}
	})
	t.Run("stopped", func(t *testing.T) {
		m := one(SwitchedOff)
		before, _ := find(instant(m.stopped-1), m.id)
		after, _ := find(instant(m.stopped), m.id)
		if before.Status != cloud.Running || after.Status != cloud.PoweredOff {
			t.Errorf("status %s, then %s", before.Status, after.Status)
		}
		if !after.StoppedSince.IsZero() {
			t.Error("the API tells when it stopped, which the real one does not")
		}
		if p := e.Samples(m.id, cloud.CPUPercent, m.stopped, e.end); len(p) != 0 {
			t.Errorf("%d samples while powered off", len(p))
		}
	})
	t.Run("resized", func(t *testing.T) {
		m := one(Resized)
		before, _ := find(instant(m.resized-1), m.id)
		after, _ := find(instant(m.resized), m.id)
		if before.InstanceType == after.InstanceType || before.VCPU == after.VCPU {
			t.Errorf("%s before and %s after", before.InstanceType, after.InstanceType)
		}
		if !after.ResizedAt.IsZero() {
			t.Error("the API tells when it was resized, which the real one does not")
		}
	})
	t.Run("detached", func(t *testing.T) {
		i := slices.IndexFunc(e.disks, func(d disk) bool { return d.detached > e.start })
		if i < 0 {
			t.Fatal("no disk was detached within the history")
		}
		d := &e.disks[i]
		before, _ := find(instant(d.detached-1), d.id)
		after, _ := find(instant(d.detached), d.id)
		if before.Status != cloud.InUse || after.Status != cloud.Available || after.AttachedTo != "" || after.DetachedAt.Unix() != d.detached {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
	})
}

func TestAvailabilityPairsShareTheirSize(t *testing.T) {
	e := New(Options{Instances: 200, Seed: 1})
	groups := map[string][]string{}
	for _, r := range e.Inventory(e.End()).Resources {
		if r.HAGroup != "" {
			groups[r.HAGroup] = append(groups[r.HAGroup], r.InstanceType)
		}
	}
	if len(groups) == 0 {
		t.Fatal("no high-availability pair")
	}
	for id, types := range groups {
		if len(types) != 2 || types[0] != types[1] {
			t.Errorf("group %s: %v, want two of one type", id, types)
		}
	}
}

func TestGapsAreAFractionOfAPercent(t *testing.T) {
	e := New(Options{Instances: 100, Seed: 4})
	var want, got float64
	longest := int64(0)
	for i := range e.machines {
		m := &e.machines[i]
		first, last := e.span(m, 0, e.end)
		points := e.Samples(m.id, cloud.CPUPercent, 0, e.end)
		want += float64(max(0, last-first+1))
		got += float64(len(points))
		for j := 1; j < len(points); j++ {
			longest = max(longest, points[j].T-points[j-1].T)
		}
	}
	if missing := 1 - got/want; missing < 0.002 || missing > 0.01 {
		t.Errorf("%.2f %% of samples are missing, want 0.2 to 1", 100*missing)
	}
	if longest < 3600 {
		t.Errorf("longest gap is %d s, want an agent outage of an hour or more", longest)
	}
}

func TestLoadMovesTogetherUnlessPadded(t *testing.T) {
	e := New(Options{Instances: 120, Seed: 6, Days: 10})
	for i := range e.machines {
		m := &e.machines[i]
		cpu, net := e.Samples(m.id, cloud.CPUPercent, 0, e.end), e.Samples(m.id, cloud.NetworkOutBPS, 0, e.end)
		switch r := correlation(cpu, net); {
		case m.class == Office && r < 0.5:
			t.Errorf("%s: CPU and network of an office machine correlate by %.2f", m.id, r)
		case m.class == Padded && m.shape.amp == 0 && math.Abs(r) > 0.15:
			t.Errorf("%s: CPU and network of a padded machine without real use correlate by %.2f", m.id, r)
		}
	}
}

func correlation(a, b []cloud.Point) float64 {
	var sa, sb, saa, sbb, sab, n float64
	for i := range min(len(a), len(b)) {
		x, y := a[i].V, b[i].V
		sa, sb, saa, sbb, sab, n = sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y, n+1
	}
	return (sab - sa*sb/n) / math.Sqrt((saa-sa*sa/n)*(sbb-sb*sb/n))
}

func TestCatalogueIsSound(t *testing.T) {
	seen := map[string]bool{}
	offered := map[string]bool{}
	for _, ty := range Types() {
		if seen[ty.ID] || ty.VCPU < 1 || ty.MemoryGiB <= 0 || !strings.HasPrefix(ty.ID, "ecs.") {
			t.Errorf("bad or repeated type %+v", ty)
		}
		seen[ty.ID] = true
		offered[ty.Family] = true
		if arm := strings.HasSuffix(ty.Family, "8y"); arm != (ty.Architecture == "arm64") {
			t.Errorf("%s is %s", ty.ID, ty.Architecture)
		}
	}
	for _, f := range families {
		if !offered[f.name] {
			t.Errorf("no type of family %s, which machines are drawn from", f.name)
		}
	}
}

func TestApplicationNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for i := range 5000 {
		dept, name := applicationNames(i, len(bureaus))
		if seen[dept+"/"+name] {
			t.Fatalf("application %d is called %s of %s again", i, name, dept)
		}
		seen[dept+"/"+name] = true
	}
}

func TestSeasonOverNewYear(t *testing.T) {
	s := season{"09-01", "02-28"}
	for day, want := range map[string]bool{"08-31": false, "09-01": true, "12-31": true, "01-01": true, "02-28": true, "03-01": false} {
		if s.contains(day) != want {
			t.Errorf("%s in %s: %v, want %v", day, s, !want, want)
		}
	}
}

func TestWriteBundle(t *testing.T) {
	e := New(Options{Instances: 20, Seed: 9, Days: 2})
	dir := t.TempDir()
	var done, total int
	if err := e.WriteBundle(dir, func(d, n int) { done, total = d, n }); err != nil {
		t.Fatal(err)
	}
	if done == 0 || done != total {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, got := e.inventory(e.End(), true), b.Inventory()
	// A bundle works out by itself what kind of storage an instance has.
	for id, storage := range collector.AttachedStorage(want.Resources) {
		i := slices.IndexFunc(want.Resources, func(r cloud.Resource) bool { return r.ID == id })
		if want.Resources[i].StorageGiB != storage.GiB {
			t.Errorf("%s: %v GiB, its disks have %v", id, want.Resources[i].StorageGiB, storage.GiB)
		}
		if storage.Category != "" {
			want.Resources[i].Attributes = map[string]string{price.StorageCategory: storage.Category}
		}
	}
	if diff := cmp.Diff(want.Resources, got.Resources); diff != "" {
		t.Errorf("resources differ (-estate +bundle):\n%s", diff)
	}
	if diff := cmp.Diff(want.Types, got.Types); diff != "" {
		t.Errorf("types differ (-estate +bundle):\n%s", diff)
	}
	for _, r := range got.Resources {
		samples, err := b.Samples(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cloud.Metrics() {
			if r.Kind != cloud.Instance { // in its machine's disk_percent
				if len(samples[m]) > 0 {
					t.Errorf("%s %s: %d samples of a %s", r.ID, m, len(samples[m]), r.Kind)
				}
				continue
			}
			if !slices.Equal(samples[m], e.Samples(r.ID, m, 0, e.end)) {
				t.Errorf("%s %s: samples differ", r.ID, m)
			}
			if has := e.HasSamples(r.ID, m); has != (len(samples[m]) > 0) && e.machines[e.owner(r.ID)].stopped == 0 {
				t.Errorf("%s %s: HasSamples says %v of %d samples", r.ID, m, has, len(samples[m]))
			}
		}
	}
}

// owner returns the machine that a resource is or belongs to.
func (e *Estate) owner(id string) int32 {
	switch r := e.index[id]; r.kind {
	case cloud.Disk:
		return e.disks[r.i].machine
	case cloud.EIP:
		return e.addresses[r.i].machine
	default:
		return r.i
	}
}

func BenchmarkSamples(b *testing.B) {
	e := New(Options{Instances: 100, Seed: 1})
	for _, m := range cloud.Metrics() {
		b.Run(string(m), func(b *testing.B) {
			n := 0
			for i := 0; b.Loop(); i++ {
				n += len(e.Samples(e.machines[i%100].id, m, e.end-5*day, e.end))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(1, n)), "ns/sample")
		})
	}
}

func BenchmarkLargestEstate(b *testing.B) {
	for b.Loop() {
		New(Options{Instances: MaxInstances, Seed: 1})
	}
}

// Every burner is in use, most of the padded machines burned before the history
// began, and what burns CPU reaches a level that an audit would call used.
func TestBurners(t *testing.T) {
	e := New(Options{Instances: 4000, Seed: 8, Days: 3})
	seen := map[Burner]int{}
	padded, began := 0, 0
	for i := range e.machines {
		m := &e.machines[i]
		if got := e.Burner(m.id); (got != "") != (m.class == Padded) {
			t.Fatalf("%s is %s and runs %q", m.id, m.class, got)
		}
		if m.class != Padded {
			continue
		}
		padded++
		seen[m.burner.kind]++
		if m.burner.from > 0 {
			began++
			continue
		}
		cpu, memory := e.Samples(m.id, cloud.CPUPercent, 0, e.end), e.Samples(m.id, cloud.MemoryPercent, 0, e.end)
		if mean := meanOf(cpu); (mean > 20) != (m.burner.kind != MemoryUp) {
			t.Errorf("%s: a %s shows %.1f %% of CPU", m.id, m.burner.kind, mean)
		}
		if mean := meanOf(memory); mean < 29 {
			t.Errorf("%s: a %s shows %.1f %% of memory", m.id, m.burner.kind, mean)
		}
	}
	for _, b := range Burners() {
		if seen[b] == 0 {
			t.Errorf("nobody runs a %s", b)
		}
	}
	if share := float64(began) / float64(padded); share < 0.15 || share > 0.35 {
		t.Errorf("%.2f of the padded machines began within the history, want about a quarter", share)
	}
}

func meanOf(points []cloud.Point) float64 {
	sum := 0.0
	for _, p := range points {
		sum += p.V
	}
	return sum / float64(len(points))
}

// Machines asleep are office machines that were put to rest: what is drawn for all
// others does not depend on it.
func TestAsleepAtNight(t *testing.T) {
	e := New(Options{Instances: 300, Seed: 1, Days: 14})
	n, office := 0, 0
	for i := range e.machines {
		m := &e.machines[i]
		if m.class == Office {
			office++
		}
		if m.class != Asleep {
			continue
		}
		n++
		if m.haGroup != "" {
			t.Errorf("%s sleeps beside a peer", m.id)
		}
		for _, h := range []int64{0, 7, 12, 23} {
			at := (e.end-4*day+utc8)/day*day - utc8 + h*3600 // a Thursday
			got := m.activity(e.dayOf(m, at), at)
			if (got > 0) != (h == 12) {
				t.Errorf("%s: activity %.2f at %d:00", m.id, got, h)
			}
			weekend := at + 2*day
			if got := m.activity(e.dayOf(m, weekend), weekend); got != 0 {
				t.Errorf("%s: activity %.2f on a Saturday at %d:00", m.id, got, h)
			}
		}
	}
	if n == 0 || n > office {
		t.Errorf("%d machines asleep beside %d of offices", n, office)
	}
}
