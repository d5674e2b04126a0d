package estate

import "math"

// Burner is what a padded machine runs to look used, after what such tools do.
type Burner string

// The burners. All but Holder have been published for exactly this use:
// lookbusy (fixed and curve), scripts that draw a load now and then, scripts
// that top the load up to a level, and CloudResourceOptimizer, which starts
// endless single-threaded loops until its target is passed, holds memory at 5
// points above it and writes a junk file of 200 MB an hour.
const (
	Holder   Burner = "holder"    // a feedback loop that holds a level
	Drawer   Burner = "drawer"    // draws a load anew every 5 minutes to an hour
	Cores    Burner = "cores"     // keeps a whole number of cores busy
	Curve    Burner = "curve"     // a sine of one day
	TopUp    Burner = "top-up"    // fills a little real use up to a level
	MemoryUp Burner = "memory-up" // holds memory alone, beside a little real use
)

// burners are how common each is, in percent. Nobody has counted them; memory
// alone is rare, since it leaves the CPU to be found wasteful.
var burners = []struct {
	kind   Burner
	weight float64
}{{Holder, 35}, {Cores, 20}, {Drawer, 15}, {Curve, 10}, {TopUp, 15}, {MemoryUp, 5}}

// burning is the burner of one machine.
type burning struct {
	kind      Burner
	from      int64   // since when, Unix seconds
	low, high float64 // CPU, percent
	period    int64   // between the loads drawn, seconds
	memory    float64 // percent held
}

// drawBurner gives a padded machine, whose shape holds the levels it wants to
// show, its burner, and leaves in the shape what it really does: nothing, or a
// little in office hours, of which traffic tells. A quarter of
// them began somewhere within the history, be it yesterday.
func (e *Estate) drawBurner(m *machine) {
	r := newRNG(m.seed, 'p')
	s := &m.shape
	weights := make([]float64, len(burners))
	for i, b := range burners {
		weights[i] = b.weight
	}
	b := burning{kind: burners[r.pick(weights)].kind, low: s.base, high: s.base, memory: s.memory}
	s.base, s.jitter, s.memory, s.fill, s.memoryNoise = r.between(0.4, 2.2), 0.2, r.between(8, 22), r.between(1, 5), 0.2
	typ := e.types[m.typ]
	half := r.between(4, 10) // half of the range of a load that varies
	switch b.kind {
	case Drawer:
		b.low, b.high = b.low-half, b.high+half
		b.period = []int64{Step, 4 * Step, 12 * Step}[r.intn(3)]
	case Curve:
		b.low, b.high = b.low-half, b.high+half
	case Cores:
		target := 40.0
		if typ.MemoryGiB <= 8 {
			target = 25
		}
		b.low = 100 * math.Ceil(target/100*float64(typ.VCPU)) / float64(typ.VCPU)
		b.high, b.memory = b.low, target+5+r.between(0, 1)
	}
	if b.kind == TopUp || b.kind == MemoryUp || r.chance(0.5) {
		s.base, s.amp, s.scan = r.between(0.8, 2.2), r.between(1.5, 5), r.between(2, 10)
		s.netIn, s.netOut = rate{r.lognormal(9e3, 0.6), r.lognormal(4e4, 1)}, rate{r.lognormal(7e3, 0.6), r.lognormal(5e4, 1)}
		s.read, s.write = rate{r.lognormal(4e3, 0.8), r.lognormal(7e3, 1)}, rate{r.lognormal(2.5e4, 0.6), r.lognormal(1.2e4, 0.9)}
	}
	if r.chance(0.25) {
		b.from = e.start + int64(r.float()*float64(e.end-e.start))
	}
	m.burner = b
}

// cpu is what is seen of CPU at t where the machine itself needs real percent;
// n is a normal deviate of that step.
func (b *burning) cpu(real, n float64, t int64, seed uint64) float64 {
	if t <= b.from {
		return real
	}
	switch b.kind {
	case Holder:
		return b.low + 0.11*n
	case Drawer:
		return real + b.low + (b.high-b.low)*unit(hash(seed, 'B', uint64(t/b.period)))
	case Curve:
		const peak = 13 * 3600 // lookbusy's default
		return real + b.low + (b.high-b.low)*(1+math.Cos(2*math.Pi*float64(t+utc8-peak)/day))/2
	case Cores:
		return real + b.low + 0.05*n
	case TopUp:
		return max(real, b.low+0.3*n)
	default:
		return real
	}
}

// memoryHeld is memory in use at t where the machine itself uses real percent.
func (b *burning) memoryHeld(real float64, t int64, seed uint64) float64 {
	if b.kind == "" || t <= b.from || real > b.memory {
		return real
	}
	return b.memory + 0.02*normal(hash(seed, 'H', uint64(t)))
}

// junk is the rate, in Byte/s, at which the burner writes files.
func (b *burning) junk(t int64) float64 {
	if b.kind != Cores || t <= b.from {
		return 0
	}
	return 200e6 / 3600
}

// Burners lists every burner.
func Burners() []Burner {
	out := make([]Burner, len(burners))
	for i, b := range burners {
		out[i] = b.kind
	}
	return out
}
