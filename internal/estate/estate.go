package estate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"yunjian/cloud"
)

// Step is the distance of samples in seconds.
const Step = 300

// Class says what a machine really does: the truth against which verdicts can
// be held. It is never part of what the API shows.
type Class string

// The classes of machines.
const (
	Idle        Class = "idle"         // forgotten: next to no CPU, traffic or memory
	NearlyIdle  Class = "nearly-idle"  // a little use in office hours
	Office      Class = "office"       // follows working hours, mildly over-provisioned
	Batch       Class = "batch"        // works a few hours a night
	MonthEnd    Class = "month-end"    // closes books from the 25th to the 5th
	Seasonal    Class = "seasonal"     // busy in a season that its tag declares
	Spiky       Class = "spiky"        // quiet, with short heavy bursts
	Growing     Class = "growing"      // office hours, more each month
	MemoryBound Class = "memory-bound" // little CPU, memory nearly full
	Busy        Class = "busy"         // sized right or too small
	Padded      Class = "padded"       // burns CPU and memory to look used
	JustCreated Class = "just-created" // too young to be judged
	SwitchedOff Class = "switched-off" // powered off, still paid for
	Resized     Class = "resized"      // changed its size within the history
	NoAgent     Class = "no-agent"     // no monitoring agent: no memory, no disk fill
)

// Classes lists every class.
func Classes() []Class {
	return append(drawn(), Asleep)
}

// drawn lists the classes that are drawn from the mixture.
func drawn() []Class {
	out := make([]Class, len(mixture))
	for i, m := range mixture {
		out[i] = m.class
	}
	return out
}

// mixture is how common each class is, in percent.
var mixture = []struct {
	class  Class
	weight float64
}{
	{Office, 27}, {NearlyIdle, 10}, {Spiky, 9}, {Batch, 8}, {Busy, 8}, {Idle, 6}, {MemoryBound, 6},
	{MonthEnd, 5}, {Seasonal, 4}, {Growing, 4}, {NoAgent, 4}, {Padded, 3}, {JustCreated, 2}, {SwitchedOff, 2}, {Resized, 2},
}

// Options say which estate to make. The zero value of a field takes the
// default named beside it.
type Options struct {
	Instances int       // 200; at most 100,000
	Seed      uint64    // as given
	Days      int       // length of history: 30
	End       time.Time // end of history, cut to whole 5 minutes: 2026-11-23T00:00:00+08:00, a Monday
	Regions   []string  // cn-hangzhou
	Accounts  int       // 1
}

// DefaultEnd is the end of history where Options names none.
var DefaultEnd = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

// MaxInstances is the largest estate.
const MaxInstances = 100_000

// Estate is a made-up cloud. It is immutable and safe for concurrent use.
type Estate struct {
	seed       uint64
	start, end int64 // history covers (start, end], Unix seconds
	types      []cloud.InstanceType
	apps       []application
	machines   []machine
	disks      []disk
	addresses  []address
	index      map[string]ref
	regions    []string
}

// ref says where a resource id is kept.
type ref struct {
	kind cloud.Kind
	i    int32
}

// machine is the plan of one instance. Times are Unix seconds; zero is never.
type machine struct {
	id, name, account, region, zone, ip, haGroup string
	class                                        Class
	seed                                         uint64
	app                                          int32
	typ, before                                  int16 // index into types; before: until resized
	created, stopped, resized                    int64
	prepaid, untagged                            bool
	agent                                        cloud.AgentStatus
	disks                                        []int32
	shape                                        shape
	burner                                       burning // of a padded machine
}

// disk is the plan of one cloud disk.
type disk struct {
	id, name, category, account, region, zone string
	machine                                   int32
	size                                      int32 // GiB
	system                                    bool
	created, detached                         int64
	fillEnd, fillRate                         float64 // percent at the end of history, percent a day
	seed                                      uint64
}

// address is the plan of one elastic public address.
type address struct {
	id, account, region string
	machine             int32 // owner; attached unless free
	free                bool
	bandwidth           int32
	created             int64
}

const (
	day  = 86400
	utc8 = 8 * 3600 // estates keep Chinese time, which has no summer time
)

// New makes an estate. Options out of range are brought to the nearest end of
// it.
func New(o Options) *Estate {
	if o.Instances <= 0 {
		o.Instances = 200
	}
	o.Instances = min(o.Instances, MaxInstances)
	if o.Days <= 0 {
		o.Days = 30
	}
	if o.End.IsZero() {
		o.End = DefaultEnd
	}
	if len(o.Regions) == 0 {
		o.Regions = []string{"cn-hangzhou"}
	}
	end := o.End.Unix() / Step * Step
	e := &Estate{
		seed: o.Seed, start: end - int64(o.Days)*day, end: end,
		types: Types(), regions: o.Regions, index: make(map[string]ref, 3*o.Instances),
	}
	e.plan(o)
	return e
}

// End returns the instant of the last sample.
func (e *Estate) End() time.Time { return time.Unix(e.end, 0).UTC() }

// Start returns the instant after which samples begin.
func (e *Estate) Start() time.Time { return time.Unix(e.start, 0).UTC() }

// Metrics returns what is measured: everything that is not optional.
func (e *Estate) Metrics() []cloud.Metric {
	return slices.DeleteFunc(cloud.Metrics(), cloud.Metric.Optional)
}

// Class returns the truth about an instance, or "" for other resources and
// unknown ids.
func (e *Estate) Class(resource string) string {
	r, ok := e.index[resource]
	if !ok || r.kind != cloud.Instance {
		return ""
	}
	return string(e.machines[r.i].class)
}

// Burner returns what a padded instance runs, or "" for others.
func (e *Estate) Burner(resource string) Burner {
	r, ok := e.index[resource]
	if !ok || r.kind != cloud.Instance {
		return ""
	}
	return e.machines[r.i].burner.kind
}

// plan lays out applications, machines, disks and addresses.
func (e *Estate) plan(o Options) {
	e.machines = make([]machine, 0, o.Instances)
	coverage := e.classOrder()
	nApps := max(3, o.Instances/7)
	nBureaus := min(max(3, nApps/2), len(bureaus))
	for i := 0; len(e.machines) < o.Instances; i++ {
		r := newRNG(e.seed, 'a', uint64(i))
		dept, name := applicationNames(i, nBureaus)
		app := application{department: dept, name: name, group: r.id("rg-acf", 12), season: seasons[r.intn(len(seasons))]}
		switch x := r.float(); { // some classes belong to the whole system
		case x < 0.03:
			app.class = MonthEnd
		case x < 0.06:
			app.class = Seasonal
		}
		e.apps = append(e.apps, app)
		n := min(1+int(r.lognormal(5, 0.7)), o.Instances-len(e.machines))
		account := accountID(r.intn(max(1, o.Accounts)))
		region := e.regions[r.intn(len(e.regions))]
		first := len(e.machines)
		for j := range n {
			class := app.class
			if k := len(e.machines); k < len(coverage) {
				class = coverage[k]
			}
			e.addMachine(int32(i), j, class, account, region)
		}
		e.pair(first, r)
	}
	e.forget(o.Instances)
	e.rest()
}

// classOrder is every class that is drawn once, so that even a small estate shows them all;
// in an order of its own for each seed.
func (e *Estate) classOrder() []Class {
	order := drawn()
	r := newRNG(e.seed, 'c')
	for i := len(order) - 1; i > 0; i-- {
		j := r.intn(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

func accountID(i int) string { return strconv.Itoa(1208863178610001 + i) }

// addMachine plans the next machine: the n-th of its application. An empty
// class is drawn from the mixture.
func (e *Estate) addMachine(app int32, n int, class Class, account, region string) {
	index := int32(len(e.machines))
	seed := hash(e.seed, 'm', uint64(index))
	r := &rng{state: seed}
	if class == "" {
		weights := make([]float64, len(mixture))
		for i, m := range mixture {
			weights[i] = m.weight
		}
		class = mixture[r.pick(weights)].class
	}
	ro := roles[min(n, r.intn(len(roles)))]
	m := machine{
		id: r.id("i-bp1", 17), account: account, region: region, zone: region + "-" + string("hij"[r.intn(3)]),
		name:  fmt.Sprintf("%s-%s%02d", e.apps[app].name, ro.text, n+1),
		ip:    fmt.Sprintf("10.%d.%d.%d", 16+index>>16&15, index>>8&255, 1+index&255%254),
		class: class, seed: mix(seed ^ 0x5a), app: app, agent: cloud.AgentRunning,
		prepaid: r.chance(0.7), untagged: r.chance(0.02),
	}
	m.typ = e.drawType(r, class)
	m.before = m.typ
	m.created = e.minute(float64(e.end) - r.between(130, 1500)*day)
	history := float64(e.end - e.start)
	switch class {
	case JustCreated:
		m.created = e.minute(float64(e.end) - r.between(1, min(45, max(2, history/day*0.7)))*day)
	case SwitchedOff:
		m.stopped = e.minute(float64(e.end) - r.between(3, 75)*day)
	case Resized:
		m.resized = e.minute(float64(e.start) + history*r.between(0.35, 0.65))
		m.before = e.otherSize(m.typ, r)
	case NoAgent:
		m.agent = cloud.AgentAbsent
		if r.chance(0.25) {
			m.agent = cloud.AgentStopped
		}
	}
	m.shape = drawShape(r, class, e.types[m.typ].VCPU)
	if class == Padded {
		e.drawBurner(&m)
	}
	m.disks = e.addDisks(index, &m, r)
	if ro.code == "web" || r.chance(0.08) {
		e.addAddress(index, &m, r, false)
	}
	e.index[m.id] = ref{cloud.Instance, index}
	e.machines = append(e.machines, m)
}

// minute cuts to a whole minute, the precision of the API's creation times.
func (e *Estate) minute(t float64) int64 { return int64(t) / 60 * 60 }

// families are how common each family is.
var families = []struct {
	name   string
	weight float64
}{
	{"ecs.g7", 20}, {"ecs.g6", 18}, {"ecs.c7", 10}, {"ecs.c6", 8}, {"ecs.r7", 7}, {"ecs.r6", 6}, {"ecs.g8i", 7},
	{"ecs.c8i", 4}, {"ecs.r8i", 2}, {"ecs.g8y", 6}, {"ecs.c8y", 3}, {"ecs.r8y", 2}, {"ecs.t6", 4}, {"ecs.i2", 1.5},
}

// sizes are how common each number of vCPU is.
var sizes = map[int]float64{1: 2, 2: 22, 4: 34, 8: 27, 12: 3, 16: 10, 24: 1, 32: 2}

func (e *Estate) drawType(r *rng, class Class) int16 {
	weights := make([]float64, len(e.types))
	for i, t := range e.types {
		w := sizes[t.VCPU]
		for _, f := range families {
			if f.name == t.Family {
				w *= f.weight
			}
		}
		if t.MemoryGiB < 2 || class == MemoryBound && t.MemoryGiB != float64(8*t.VCPU) || class == Resized && (t.LocalStorageGiB > 0 || t.VCPU < 2) {
			w = 0
		}
		weights[i] = w
	}
	return int16(r.pick(weights))
}

// otherSize returns a type of the same family with half or twice the vCPU, or
// the type itself where there is none.
func (e *Estate) otherSize(typ int16, r *rng) int16 {
	t := e.types[typ]
	want := []int{t.VCPU * 2, t.VCPU / 2}
	if r.chance(0.3) {
		want[0], want[1] = want[1], want[0]
	}
	for _, w := range want {
		for i, o := range e.types {
			if o.Family == t.Family && o.VCPU == w && o.MemoryGiB*float64(t.VCPU) == t.MemoryGiB*float64(w) {
				return int16(i)
			}
		}
	}
	return typ
}

func (e *Estate) addDisks(owner int32, m *machine, r *rng) []int32 {
	category := []string{"cloud_essd/PL0", "cloud_essd/PL1", "cloud_efficiency", "cloud_ssd"}[r.pick([]float64{30, 35, 25, 10})]
	ids := []int32{e.addDisk(disk{
		id: r.id("d-bp1", 17), name: m.name + "-系统盘", category: category, account: m.account, region: m.region, zone: m.zone,
		machine: owner, size: int32([]int{40, 60, 100}[r.intn(3)]), system: true, created: m.created,
		fillEnd: r.between(22, 74), fillRate: r.between(0, 0.06), seed: r.next(),
	})}
	n := r.pick([]float64{35, 52, 13})
	for i := range n {
		fill := r.between(4, 38)
		switch x := r.float(); {
		case x > 0.95:
			fill = r.between(84, 95)
		case x > 0.55:
			fill = r.between(40, 80)
		}
		ids = append(ids, e.addDisk(disk{
			id: r.id("d-bp1", 17), name: fmt.Sprintf("%s-数据盘%d", m.name, i+1), category: category, account: m.account, region: m.region, zone: m.zone,
			machine: owner, size: int32([]int{100, 200, 200, 500, 500, 1000, 2000}[r.intn(7)]), created: m.created + int64(r.intn(2))*7*day*min(1, max(0, (e.end-m.created)/(8*day))),
			fillEnd: fill, fillRate: r.between(0, 0.15), seed: r.next(),
		}))
	}
	return ids
}

func (e *Estate) addDisk(d disk) int32 {
	i := int32(len(e.disks))
	e.index[d.id] = ref{cloud.Disk, i}
	e.disks = append(e.disks, d)
	return i
}

func (e *Estate) addAddress(owner int32, m *machine, r *rng, free bool) {
	a := address{
		id: r.id("eip-bp1", 17), account: m.account, region: m.region, machine: owner, free: free,
		bandwidth: int32([]int{5, 10, 20, 50, 100}[r.intn(5)]), created: m.created,
	}
	e.index[a.id] = ref{cloud.EIP, int32(len(e.addresses))}
	e.addresses = append(e.addresses, a)
}

// pair makes two machines of one application a high-availability pair of one
// size, now and then; the first application that can has one.
func (e *Estate) pair(first int, r *rng) {
	fit := func(m *machine) bool { return m.class == Office || m.class == Busy || m.class == Growing }
	var some []int
	for i := first; i < len(e.machines); i++ {
		if fit(&e.machines[i]) {
			some = append(some, i)
		}
	}
	if len(some) < 2 || !(r.chance(0.35) || first == 0) {
		return
	}
	a, b := &e.machines[some[0]], &e.machines[some[1]]
	b.typ, b.before = a.typ, a.typ
	a.haGroup = r.id("ds-bp1", 17)
	b.haGroup = a.haGroup
}

// forget leaves disks behind that nothing uses and addresses that nothing is
// bound to.
func (e *Estate) forget(instances int) {
	r := newRNG(e.seed, 'f')
	for range max(1, instances*4/100) {
		owner := int32(r.intn(len(e.machines)))
		m := &e.machines[owner]
		detached := e.minute(float64(e.end) - r.between(2, 200)*day)
		e.addDisk(disk{
			id: r.id("d-bp1", 17), name: m.name + "-旧数据盘", category: "cloud_efficiency", account: m.account, region: m.region, zone: m.zone,
			machine: owner, size: int32([]int{100, 200, 500, 1000, 2000}[r.intn(5)]), created: min(m.created, detached-100*day), detached: detached,
			fillEnd: r.between(5, 60), fillRate: 0.02, seed: r.next(),
		})
	}
	for range max(1, instances*2/100) {
		owner := int32(r.intn(len(e.machines)))
		e.addAddress(owner, &e.machines[owner], r, true)
	}
}

func round2(v float64) float64 { return math.Round(v*100) / 100 }
