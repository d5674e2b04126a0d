package recommender

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/utilization"
)

var (
	shanghai = time.FixedZone("CST", 8*3600)
	now      = time.Date(2026, 11, 23, 2, 0, 0, 0, shanghai)
)

func baseline(t testing.TB) policies.Pack {
	t.Helper()
	p, ok := policies.ByID(policies.DefaultID)
	if !ok {
		t.Fatal("no baseline")
	}
	return p
}

// book prices 10 a vCPU, 5 a GiB of memory and 1 a GiB of storage a month.
func book(t testing.TB) price.Book {
	t.Helper()
	b, err := price.Parse("test.yaml", []byte(`
id: test
version: "1"
name: {zh: 测试, en: test}
currency: CNY
confidence: proposed
tax_included: true
source: {title: test}
items:
  - {id: cpu, what: vcpu, price: 10, per: month}
  - {id: mem, what: memory, price: 5, per: month}
  - {id: disk, what: storage, price: 1, per: month}
  - {id: ip, what: ip, price: 20, per: month}
  - {id: bandwidth, what: bandwidth, price: 30, per: month}
`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func catalogue() cloud.Catalog {
	var types []cloud.InstanceType
	for _, f := range []struct {
		family, arch string
		ratio        float64
	}{{"ecs.g7", "x86_64", 4}, {"ecs.c7", "x86_64", 2}, {"ecs.r7", "x86_64", 8}, {"ecs.g8y", "arm64", 4}} {
		for i, n := range []int{1, 2, 4, 8, 16} {
			name := []string{"small", "large", "xlarge", "2xlarge", "4xlarge"}[i]
			types = append(types, cloud.InstanceType{ID: f.family + "." + name, Family: f.family, VCPU: n, MemoryGiB: float64(n) * f.ratio, Architecture: f.arch})
		}
	}
	types = append(types,
		cloud.InstanceType{ID: "ecs.i2.xlarge", Family: "ecs.i2", VCPU: 4, MemoryGiB: 32, Architecture: "x86_64", LocalStorageGiB: 894},
		cloud.InstanceType{ID: "ecs.gn7.xlarge", Family: "ecs.gn7", VCPU: 4, MemoryGiB: 15, Architecture: "x86_64", GPU: 1},
		cloud.InstanceType{ID: "ecs.t6.large", Family: "ecs.t6", VCPU: 2, MemoryGiB: 4, Architecture: "x86_64", Burstable: true},
	)
	return cloud.NewCatalog(types)
}

// flat is a month of one level, with a spike a day.
func flat(m cloud.Metric, level, spike float64, w cloud.Window) utilization.Summary {
	var points []cloud.Point
	for i, at := 0, w.From; at.Before(w.To); i, at = i+1, at.Add(utilization.Step) {
		v := level
		if i%288 == 0 {
			v = spike
		}
		points = append(points, cloud.Point{T: at.Unix(), V: v})
	}
	return utilization.Describe(points, m, w, shanghai)
}

// machine is a judged instance with the given CPU and memory levels; a memory
// level below zero means that memory is unknown.
func machine(t testing.TB, p policies.Pack, r cloud.Resource, cpu, memory float64) Candidate {
	t.Helper()
	r.Kind = cloud.Instance
	if r.Department == "" {
		r.Department = "示例局"
	}
	if r.Status == "" {
		r.Status = cloud.Running
	}
	if r.InstanceType != "" && r.VCPU == 0 {
		it := catalogue()[r.InstanceType]
		r.VCPU, r.MemoryGiB, r.Architecture, r.GPU, r.LocalStorageGiB = it.VCPU, it.MemoryGiB, it.Architecture, it.GPU, it.LocalStorageGiB
	}
	w := cloud.Last(p.Window, now)
	levels := map[cloud.Metric]float64{cloud.CPUPercent: cpu, cloud.NetworkInBPS: 100, cloud.NetworkOutBPS: 100}
	if cpu >= 5 { // it works for somebody
		levels[cloud.NetworkInBPS] = 1e6
	}
	if memory >= 0 {
		levels[cloud.MemoryPercent] = memory
	}
	in := analyzer.Input{Resource: r, Utilization: map[cloud.Metric]utilization.Summary{}, Peaks: map[cloud.Metric]analyzer.Peak{}}
	for m, level := range levels {
		spike := level
		if m == cloud.CPUPercent {
			spike = min(100, level*1.5)
		}
		in.Utilization[m] = flat(m, level, spike, w)
		in.Peaks[m] = analyzer.Peak{Max: in.Utilization[m].Max, DayP95: level, Since: now.AddDate(-2, 0, 0)}
	}
	return Candidate{Input: in, Finding: analyzer.Judge(p, in, now), Past: Standard().PastOf(r, in.Utilization, nil)}
}

// unmeasured is a judged disk or address.
func unmeasured(p policies.Pack, r cloud.Resource) Candidate {
	in := analyzer.Input{Resource: r}
	return Candidate{Input: in, Finding: analyzer.Judge(p, in, now)}
}

func describe(recs []Recommendation, refusals []Refusal) []string {
	out := []string{}
	for _, r := range recs {
		to := "nothing"
		if r.Target != nil {
			to = fmt.Sprintf("%s %dC%gG %gGiB", r.Target.InstanceType, r.Target.VCPU, r.Target.MemoryGiB, r.Target.StorageGiB)
		}
		line := fmt.Sprintf("%s: %s to %s saves %s", r.ResourceID, r.Action, strings.TrimSpace(to), r.AnnualSaving)
		if !r.SavingKnown {
			line += " unknown"
		}
		out = append(out, strings.TrimSpace(line+" "+r.SavingNote+" "+r.SavingFrom))
	}
	for _, r := range refusals {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s: refused %s %s", r.ResourceID, r.Reasons[0].Code, r.Reasons[0].Detail)))
	}
	return out
}

func TestRecommend(t *testing.T) {
	p := baseline(t)
	type fleet func(t *testing.T) []Candidate
	one := func(r cloud.Resource, cpu, memory float64) fleet {
		return func(t *testing.T) []Candidate { r.ID = "i-1"; return []Candidate{machine(t, p, r, cpu, memory)} }
	}
	peers := func(types []string, cpu []float64) fleet {
		return func(t *testing.T) []Candidate {
			var out []Candidate
			for i := range types {
				out = append(out, machine(t, p, cloud.Resource{ID: fmt.Sprintf("i-%d", i+1), InstanceType: types[i], HAGroup: "ha"}, cpu[i], 50))
			}
			return out
		}
	}
	tests := []struct {
		name  string
		fleet fleet
		want  []string
	}{
		{"an idle machine is released with its disks", one(cloud.Resource{InstanceType: "ecs.g7.2xlarge", StorageGiB: 200}, 1, 10),
			[]string{"i-1: release to nothing saves 5280.00"}}, // (8×10 + 32×5 + 200) × 12
		{"low CPU and memory halve both, and no more", one(cloud.Resource{InstanceType: "ecs.g7.4xlarge"}, 12, 10),
			[]string{"i-1: downsize to ecs.g7.2xlarge 8C32G 0GiB saves 2880.00"}},
		{"the floor is 2C4G: a 2C8G machine of family g7 has nowhere to go", one(cloud.Resource{InstanceType: "ecs.g7.large"}, 12, 50),
			[]string{"i-1: refused no_smaller_size"}},
		{"memory alone leads to the compute family", one(cloud.Resource{InstanceType: "ecs.g7.2xlarge"}, 45, 20),
			[]string{"i-1: downsize to ecs.c7.2xlarge 8C16G 0GiB saves 960.00"}},
		{"CPU alone leads to the memory family", one(cloud.Resource{InstanceType: "ecs.g7.2xlarge"}, 12, 60),
			[]string{"i-1: downsize to ecs.r7.xlarge 4C32G 0GiB saves 480.00"}},
		{"unknown memory is never reduced", one(cloud.Resource{InstanceType: "ecs.g7.2xlarge"}, 12, -1),
			[]string{"i-1: downsize to ecs.r7.xlarge 4C32G 0GiB saves 480.00"}},
		{"unknown memory, and no size that spares it", one(cloud.Resource{InstanceType: "ecs.r7.2xlarge"}, 12, -1),
			[]string{"i-1: refused memory_unknown"}},
		{"architecture never changes", one(cloud.Resource{InstanceType: "ecs.g8y.2xlarge"}, 12, 60),
			[]string{"i-1: refused no_smaller_size"}},
		{"local disks cannot be resized", one(cloud.Resource{InstanceType: "ecs.i2.xlarge"}, 12, 10),
			[]string{"i-1: refused local_disk ecs.i2.xlarge"}},
		{"a GPU is not measured", one(cloud.Resource{InstanceType: "ecs.gn7.xlarge"}, 1, 10),
			[]string{"i-1: refused gpu ecs.gn7.xlarge"}},
		{"an unknown type is not guessed at", one(cloud.Resource{InstanceType: "ecs.old.1", VCPU: 8, MemoryGiB: 32}, 12, 10),
			[]string{"i-1: refused type_not_in_catalogue ecs.old.1"}},
		{"a plain machine takes the policy's ladder", one(cloud.Resource{VCPU: 8, MemoryGiB: 31.5}, 12, 10),
			[]string{"i-1: downsize to 4C16G 0GiB saves 1410.00"}},
		{"a projected p95 of exactly the target fits", one(cloud.Resource{VCPU: 8, MemoryGiB: 32}, 12, 37.5),
			[]string{"i-1: downsize to 4C32G 0GiB saves 480.00"}},
		{"a prepaid machine saves nothing before it expires", one(cloud.Resource{VCPU: 8, MemoryGiB: 32, ChargeType: cloud.Prepaid, ExpiresAt: time.Date(2027, 3, 1, 0, 0, 0, 0, shanghai)}, 1, 10),
			[]string{"i-1: release to nothing saves 2880.00 prepaid_until_expiry 2027-03-01"}},
		{"a machine of unknown size is not sized", one(cloud.Resource{VCPU: 8}, 12, 10),
			[]string{"i-1: refused size_unknown"}},
		{"an unknown price is not zero", one(cloud.Resource{VCPU: 8, StorageGiB: 100}, 1, 10),
			[]string{"i-1: release to nothing saves 0.00 unknown"}},
		{"a long powered-off machine may not be billed", one(cloud.Resource{VCPU: 2, MemoryGiB: 4, StorageGiB: 40, Status: cloud.PoweredOff, StoppedSince: now.AddDate(0, -3, 0)}, 1, 10),
			[]string{"i-1: release to nothing saves 960.00 stopped_may_be_unbilled"}},
		{"a tight machine is answered with the smallest size that relieves it", one(cloud.Resource{InstanceType: "ecs.g7.xlarge"}, 85, 50),
			[]string{"i-1: upsize to ecs.g7.2xlarge 8C32G 0GiB saves 0.00 costs_more"}},
		{"HA peers take the larger of their targets", func(t *testing.T) []Candidate {
			a := machine(t, p, cloud.Resource{ID: "i-1", VCPU: 8, MemoryGiB: 32, HAGroup: "ha"}, 12, 20)
			b := machine(t, p, cloud.Resource{ID: "i-2", VCPU: 8, MemoryGiB: 32, HAGroup: "ha"}, 12, 60)
			return []Candidate{a, b}
		}, []string{"i-1: downsize to 4C32G 0GiB saves 480.00", "i-2: downsize to 4C32G 0GiB saves 480.00"}},
		{"HA peers that fit one size take it", peers([]string{"ecs.g7.2xlarge", "ecs.g7.2xlarge"}, []float64{12, 15}),
			[]string{"i-1: downsize to ecs.r7.xlarge 4C32G 0GiB saves 480.00", "i-2: downsize to ecs.r7.xlarge 4C32G 0GiB saves 480.00"}},
		{"an HA peer that is busy keeps the other", peers([]string{"ecs.g7.2xlarge", "ecs.g7.2xlarge"}, []float64{12, 45}),
			[]string{"i-1: refused ha_group ha"}},
		{"HA peers of different sizes are left alone", peers([]string{"ecs.g7.2xlarge", "ecs.g7.4xlarge"}, []float64{12, 12}),
			[]string{"i-1: refused ha_group ha", "i-2: refused ha_group ha"}},
		{"an idle standby is not released from under its peer", peers([]string{"ecs.g7.2xlarge", "ecs.g7.2xlarge"}, []float64{1, 45}),
			[]string{"i-1: refused ha_group ha"}},
		{"unattached disks and addresses are released, attached disks never", func(t *testing.T) []Candidate {
			long := now.AddDate(0, -2, 0)
			return []Candidate{
				unmeasured(p, cloud.Resource{ID: "d-1", Kind: cloud.Disk, StorageGiB: 100, Status: cloud.Available, DetachedAt: long}),
				unmeasured(p, cloud.Resource{ID: "d-2", Kind: cloud.Disk, StorageGiB: 100, Status: cloud.InUse, AttachedTo: "i-9"}),
				unmeasured(p, cloud.Resource{ID: "e-1", Kind: cloud.EIP, BandwidthMbps: 5, Status: cloud.Available, DetachedAt: long}),
			}
		}, []string{"e-1: release to nothing saves 2040.00", "d-1: release to nothing saves 1200.00"}},
		{"storage shrinks to the fill and says that data must move", func(t *testing.T) []Candidate {
			c := machine(t, p, cloud.Resource{ID: "i-1", VCPU: 4, MemoryGiB: 16, StorageGiB: 500}, 45, 60)
			c.Input.Utilization[cloud.DiskPercent] = flat(cloud.DiskPercent, 35.9, 35.9, cloud.Last(p.Window, now))
			c.Finding = analyzer.Judge(p, c.Input, now)
			return []Candidate{c}
		}, []string{"i-1: downsize to 4C16G 300GiB saves 2400.00 shrink_needs_migration"}}, // 500 × 35.9 / 60 = 299.2
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			recs, refusals := Recommend(p, test.fleet(t), catalogue(), book(t), nil, now)
			if diff := cmp.Diff(test.want, describe(recs, refusals)); diff != "" {
				t.Errorf("advice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPolicyDecidesWhatIsRefused(t *testing.T) {
	idle := func(p policies.Pack, id, department string) Candidate {
		return machine(t, p, cloud.Resource{ID: id, InstanceType: "ecs.g7.2xlarge", Department: department}, 1, 10)
	}
	t.Run("a refused family is not even released", func(t *testing.T) {
		p := baseline(t)
		p.Sizing.Families = nil
		p.Sizing.Refuse = []string{"ecs.g7"}
		got := describe(Recommend(p, []Candidate{idle(p, "i-1", "甲")}, catalogue(), book(t), nil, now))
		if diff := cmp.Diff([]string{"i-1: refused refused_family ecs.g7"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("an exempt machine is refused with the exemption", func(t *testing.T) {
		p := baseline(t)
		p.Exemptions = []policies.Exemption{{Department: "甲", Reason: "standby", Owner: "示例人", Evidence: "x", From: now.AddDate(0, -1, 0), Expires: now.AddDate(0, 1, 0)}}
		got := describe(Recommend(p, []Candidate{idle(p, "i-1", "甲")}, catalogue(), book(t), nil, now))
		if diff := cmp.Diff([]string{"i-1: refused exempt standby, 示例人"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a suspected machine is for people", func(t *testing.T) {
		p := baseline(t)
		c := machine(t, p, cloud.Resource{ID: "i-1", InstanceType: "ecs.g7.2xlarge"}, 12, 10)
		c.Finding.Flags = append(c.Finding.Flags, analyzer.SuspectedPadding)
		got := describe(Recommend(p, []Candidate{c}, catalogue(), book(t), nil, now))
		if diff := cmp.Diff([]string{"i-1: refused suspected_padding"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("an idle share equal to the allowance is allowed, above it is not", func(t *testing.T) {
		text, _ := policies.YAML("cq-2021")
		entered := strings.Replace(string(text), "value:            # not", "value: 50 # not", 1)
		p, err := policies.Parse("cq.yaml", []byte(entered))
		if err != nil {
			t.Fatal(err)
		}
		busy := machine(t, p, cloud.Resource{ID: "i-2", InstanceType: "ecs.g7.2xlarge", Department: "甲"}, 45, 50)
		got := describe(Recommend(p, []Candidate{idle(p, "i-1", "甲"), busy, idle(p, "i-3", "乙")}, catalogue(), book(t), nil, now))
		want := []string{"i-3: release to nothing saves 2880.00", "i-1: refused within_allowance 甲"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAdviceIsReadyAfterConsecutiveRuns(t *testing.T) {
	p := baseline(t) // two weekly runs
	fleet := []Candidate{machine(t, p, cloud.Resource{ID: "i-1", VCPU: 8, MemoryGiB: 32}, 1, 10)}
	first, _ := Recommend(p, fleet, nil, book(t), nil, now)
	if first[0].Ready || first[0].ConsecutiveRuns != 1 || first[0].FirstSeen != "2026-11-23" {
		t.Errorf("first run: ready %v, runs %d, first seen %s", first[0].Ready, first[0].ConsecutiveRuns, first[0].FirstSeen)
	}
	second, _ := Recommend(p, fleet, nil, book(t), first, now.AddDate(0, 0, 1))
	if !second[0].Ready || second[0].ConsecutiveRuns != 2 || second[0].FirstSeen != "2026-11-23" || second[0].ID != first[0].ID {
		t.Errorf("second run: %+v", second[0])
	}
	after, _ := Recommend(p, fleet, nil, book(t), nil, now.AddDate(0, 0, 2)) // missed once
	if after[0].Ready || after[0].ConsecutiveRuns != 1 {
		t.Errorf("after a break: ready %v, runs %d", after[0].Ready, after[0].ConsecutiveRuns)
	}
}

func TestOrderOfTheFleetDoesNotMatter(t *testing.T) {
	p := baseline(t)
	var fleet []Candidate
	for i := range 12 {
		r := cloud.Resource{ID: fmt.Sprintf("i-%02d", i), InstanceType: "ecs.g7.2xlarge", StorageGiB: 100}
		if i%4 == 0 {
			r.HAGroup = "ha"
		}
		fleet = append(fleet, machine(t, p, r, []float64{1, 12, 45, 90}[i%4], []float64{10, 20, 60}[i%3]))
	}
	wantRecs, wantRefusals := Recommend(p, fleet, catalogue(), book(t), nil, now)
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		shuffled := slices.Clone(fleet)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		recs, refusals := Recommend(p, shuffled, catalogue(), book(t), nil, now)
		if diff := cmp.Diff(wantRecs, recs, cmp.Comparer(func(a, b price.Amount) bool { return a.Equal(b) })); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(wantRefusals, refusals); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestUpperBoundIsClopperPearson(t *testing.T) {
	// One-sided 95 %: for k = 0 it is 1 − 0.05^(1/n); the others from the$
	// F-quantile form of the interval, as in statistical tables.
	for _, c := range []struct {
		k, n int
		want float64
	}{{0, 10, 0.2589}, {0, 59, 0.0495}, {0, 299, 0.00997}, {1, 10, 0.3942}, {5, 50, 0.1988}, {10, 10, 1}} {
		if got := (tallied{c.k, c.n}).bound(Standard().Confidence); math.Abs(got-c.want) > 6e-5 {
			t.Errorf("upper bound of %d of %d = %.5f, want %.4f", c.k, c.n, got, c.want)
		}
	}
	if got := (tallied{3000, 100000}).bound(Standard().Confidence); got < 0.03 || got > 0.0310 {
		t.Errorf("upper bound of 3000 of 100000 = %g", got)
	}
}

// madeOnce is what fleetOf has made, by level before and after and what may be
// risked: to make one takes long.
var madeOnce sync.Map

// fleetOf makes n machines of 8 vCPU at 8 to 16 %, of which the first `worse` came to
// need factor times as much after each instant of their past.
func fleetOf(t *testing.T, p policies.Pack, n, worse int, factor float64) []Candidate {
	t.Helper()
	p.Padding.Enabled = false                                     // flat as they are
	p.Risk.Past, p.Risk.Horizon = 20*24*time.Hour, 6*24*time.Hour // what is flat is so at any length
	k := Standard()
	w := cloud.Last(p.Risk.Past, now)
	of := func(level float64, w cloud.Window) map[cloud.Metric]utilization.Summary {
		return map[cloud.Metric]utilization.Summary{cloud.CPUPercent: flat(cloud.CPUPercent, level, level, w)}
	}
	var fleet []Candidate
	for i := range n {
		level := 8 + float64(i*7%20)*0.4
		after := level
		if i < worse {
			after *= factor
		}
		key := [3]float64{level, after, p.Risk.Budget}
		c := Candidate{}
		if made, ok := madeOnce.Load(key); ok {
			c = made.(Candidate)
		} else {
			c = machine(t, p, cloud.Resource{VCPU: 8, MemoryGiB: 32}, level, 60)
			var instants []Instant
			for _, o := range k.Origins(w.From, w.To, p.Risk.Horizon) {
				instants = append(instants, Instant{of(level, cloud.Window{From: w.From, To: o.At}), of(after, cloud.Window{From: o.At, To: o.End})})
			}
			c.Past = k.PastOf(c.Input.Resource, of(level, w), instants)
			madeOnce.Store(key, c)
		}
		c.Input.Resource.ID = fmt.Sprintf("i-%03d", i)
		c.Finding.ResourceID = c.Input.Resource.ID
		fleet = append(fleet, c)
	}
	return fleet
}

// A machine at 8 % halved to 4 vCPU keeps a margin of 50/8 = 6.25, one at 16 % half
// of that.
func TestRiskIsWhatTheFleetWentThrough(t *testing.T) {
	p := baseline(t)
	p.Risk.Budget = 0 // all of them, whatever the risk
	for _, c := range []struct {
		name     string
		n, worse int
		factor   float64
		grades   string
		prior    bool
	}{
		{"a rise within the margin is no harm", 100, 10, 3, "B", false},
		{"a rise above the margin is", 100, 20, 7, "D", false},
		{"500 calm machines earn an A", 500, 0, 1, "A", false},
		{"58 machines are too few to speak", 58, 0, 1, "C", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, _ := Recommend(p, fleetOf(t, p, c.n, c.worse, c.factor), nil, book(t), nil, now)
			if len(recs) != c.n || recs[0].Action != Downsize {
				t.Fatalf("%d recommendations of %d", len(recs), c.n)
			}
			if r := recs[0].Risk; r.Grade != c.grades || r.Prior != c.prior || c.prior != (r.Compared == 0) {
				t.Errorf("risk %+v, want grade %s, prior %v", r, c.grades, c.prior)
			}
			for _, r := range recs {
				checkWorking(t, r.Risk)
			}
			if r := recs[0].Risk; c.factor > 6.25 && (r.HarmProbability < 0.2 || r.Exceeded == 0) {
				t.Errorf("risk %+v, but a fifth of them came to need more", r)
			}
		})
	}
}

// checkWorking works a probability out again from what is told of it.
func checkWorking(t *testing.T, r Risk) {
	t.Helper()
	sum := 0.0
	for _, w := range r.Parts {
		if !w.Prior() {
			if got := *w.Waking + (1-*w.Waking)/(1+math.Exp(-(*w.LogOdds+1.6449**w.Deviation))); math.Abs(got-w.Probability) > 1e-4 {
				t.Errorf("%+v works out as %v", w, got)
			}
		}
		sum += w.Probability
	}
	if len(r.Parts) == 0 || r.HarmProbability < sum-1e-9 || r.HarmProbability > sum+1e-4 {
		t.Errorf("the parts %+v add up to %v, stated is %v", r.Parts, sum, r.HarmProbability)
	}
}

// Of advice that all risks the same, the dearest machines are chosen, and no more than
// the budget allows.
func TestAdviceKeepsTheRiskBudget(t *testing.T) {
	p := baseline(t)
	p.Risk.Budget = 0.005
	fleet := fleetOf(t, p, 100, 10, 4)
	for i := range fleet[:10] {
		fleet[i].Input.Resource.VCPU, fleet[i].Input.Resource.MemoryGiB = 16, 64
	}
	recs, refusals := Recommend(p, fleet, nil, book(t), nil, now)
	harm := 0.0
	for i, r := range recs {
		harm += r.Risk.HarmProbability
		if i < 3 && r.Current.VCPU != 16 { // no more of one size: they may be kin
			t.Errorf("advice %d is for %d vCPU", i, r.Current.VCPU)
		}
	}
	if len(recs) == 0 || len(recs)+len(refusals) != 100 || harm > 0.5 {
		t.Fatalf("%d advised at %v of harm, %d refused", len(recs), harm, len(refusals))
	}
	if got := refusals[0].Reasons[0]; got.Code != CodeRiskBudget || *got.Limit != 0.005 || *got.Value <= 0 {
		t.Errorf("refused for %+v", got)
	}
}

// A size that saves only little more is not worth changing advice for.
func TestAdviceIsSteady(t *testing.T) {
	p := baseline(t)
	p.Risk.Budget = 0.5
	fleet := fleetOf(t, p, 100, 0, 1)
	first, _ := Recommend(p, fleet, nil, book(t), nil, now)
	if len(first) == 0 {
		t.Fatal("nothing is advised")
	}
	again, _ := Recommend(p, fleet, nil, book(t), first, now.AddDate(0, 0, 7))
	for i := range again {
		if *again[i].Target != *first[i].Target {
			t.Errorf("%s: %+v, a week before %+v", again[i].ResourceID, *again[i].Target, *first[i].Target)
		}
	}
}

// What is likelier to harm than grade C allows is never ready, however often it is said.
func TestGraveAdviceIsNeverReady(t *testing.T) {
	p := baseline(t)
	p.ConfirmRuns = 2
	for risk, ready := range map[float64]bool{0.1: true, 0.1001: false} {
		r := &run{pack: p, now: now}
		for _, action := range []Action{Release, Downsize, Stop} {
			rec := Recommendation{ID: "x", Action: action, Risk: graded(p, Risk{HarmProbability: risk})}
			r.confirm(&rec, map[string]Recommendation{"x": {ConsecutiveRuns: 9}})
			if rec.Ready != ready || rec.ToReview() == ready || rec.ConsecutiveRuns != 10 {
				t.Errorf("%s at %g: %+v", action, risk, rec)
			}
		}
	}
}
