package estate

import "math"

// shape is how one machine behaves. CPU levels are percent of its size at the
// end of history; rates are bit/s (network) and Byte/s (disk).
type shape struct {
	base, amp      float64 // CPU without and, beside it, with full activity
	noise, jitter  float64 // standard deviations of logarithms: of activity, which lasts, and of each sample
	night, weekend float64 // activity at night, and share of a weekday's on weekends
	shift          int64   // this machine's clock against office hours, seconds
	start, length  int64   // nightly batch: seconds after local noon, seconds
	growth         float64 // share of activity lost a day, going back from the end
	burst          uint64  // chance a step that a burst begins, of 2^64
	height         float64 // least height of a burst, percent of CPU
	scan           float64 // CPU of the weekly virus scan
	memory, fill   float64 // percent after a boot, and how much caches add over time
	memoryNoise    float64
	reboot         int64 // seconds between boots
	netIn, netOut  rate
	read, write    rate
}

// rate is a traffic level: without activity, and beside it with full activity.
type rate struct{ base, amp float64 }

// drawShape draws a machine's behaviour from the distribution of its class.
func drawShape(r *rng, class Class, vcpu int) shape {
	size := float64(vcpu) / 4
	s := shape{
		base: r.lognormal(2, 0.5), amp: min(60, max(5, r.lognormal(20, 0.55))), noise: r.between(0.2, 0.4), jitter: r.between(0.12, 0.35),
		night: r.between(0.03, 0.12), weekend: r.between(0.08, 0.3), shift: int64(r.between(-2700, 2700)),
		burst: chance(0.001), height: 6, scan: r.between(4, 28),
		memory: min(70, max(12, r.lognormal(27, 0.42))), fill: r.between(3, 15), memoryNoise: 0.35, reboot: int64(r.between(40, 120) * day),
		netIn: rate{r.lognormal(9e3, 0.6), size * r.lognormal(1.6e6, 1)}, netOut: rate{r.lognormal(7e3, 0.6), size * r.lognormal(2.2e6, 1)},
		read: rate{r.lognormal(4e3, 0.8), size * r.lognormal(3e5, 1)}, write: rate{r.lognormal(2.5e4, 0.6), size * r.lognormal(5e5, 0.9)},
	}
	switch class {
	case Idle:
		s.jitter = 0.2
		s.base, s.amp, s.scan, s.burst = r.between(0.3, 1.6), r.between(1, 4), 0, 0
		s.memory, s.fill = r.between(7, 18), r.between(1, 5)
		s.netIn, s.netOut = rate{r.between(50, 130), 0}, rate{r.between(30, 100), 0}
		s.read, s.write = rate{r.between(20, 200), 0}, rate{r.between(400, 2500), 0}
	case NearlyIdle:
		s.base, s.amp, s.scan = r.between(0.8, 2.2), r.between(1.5, 5), r.between(2, 10)
		s.memory, s.fill = r.between(10, 22), r.between(2, 6)
		s.netIn.amp, s.netOut.amp = s.netIn.amp/40, s.netOut.amp/40
		s.read.amp, s.write.amp = s.read.amp/40, s.write.amp/40
	case Batch:
		s.base, s.amp, s.night = r.between(0.8, 3), r.between(42, 88), 0.01
		s.start, s.length = int64(r.between(10, 15)*3600), int64(r.between(1, 4.5)*3600)
		s.read.amp, s.write.amp = s.read.amp*12, s.write.amp*8
	case MonthEnd:
		s.amp = r.between(48, 80)
	case Seasonal:
		s.amp, s.weekend = r.between(52, 82), r.between(0.5, 0.9)
	case Spiky:
		s.base, s.amp = r.between(2, 6), r.between(3, 10)
		s.burst, s.height = chance(r.between(0.006, 0.02)), 14
	case Growing:
		s.amp, s.growth = r.between(22, 40), r.between(0.006, 0.014)
	case MemoryBound:
		s.base, s.amp = r.between(2, 5), r.between(4, 12)
		s.memory, s.fill, s.memoryNoise = r.between(74, 85), r.between(4, 9), 0.6
	case Busy:
		s.base, s.amp, s.night, s.weekend = r.between(10, 26), r.between(42, 60), r.between(0.1, 0.35), r.between(0.4, 0.8)
		s.memory, s.fill = r.between(45, 70), r.between(5, 14)
	case Padded:
		threshold := []float64{20, 20, 25, 30, 40}[r.intn(5)]
		s.base, s.amp, s.scan, s.burst = threshold+r.between(0.8, 3.6), 0, 0, 0
		s.memory, s.fill, s.memoryNoise = []float64{30, 40}[r.intn(2)]+r.between(0.8, 3.2), 0, 0.04
		s.netIn, s.netOut = rate{r.between(80, 300), 0}, rate{r.between(60, 250), 0}
		s.read, s.write = rate{r.between(20, 200), 0}, rate{r.between(400, 2500), 0}
	}
	return s
}

func chance(p float64) uint64 { return uint64(p * (1 << 63) * 2) }

// officeHours is activity at each half hour of a working day: two humps and
// lunch between them.
var officeHours = [49]float64{
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.01, 0.03, // 06:30
	0.07, 0.18, 0.45, 0.78, 0.96, 1, 1, 0.98, 0.95, 0.82, // 11:30
	0.55, 0.42, 0.46, 0.62, 0.86, 0.97, 1, 0.98, 0.94, 0.88, // 16:30
	0.74, 0.55, 0.36, 0.26, 0.21, 0.18, 0.15, 0.13, 0.1, 0.08, // 21:30
	0.06, 0.03, 0.01, 0, 0,
}

// calendarDay is what a machine needs to know about one local day.
type calendarDay struct {
	start   int64 // Unix seconds of local midnight
	weekend bool
	sunday  bool
	closing bool // 25th to 5th: books are closed
	season  bool
}

// activity is how busy the machine is at t, 0 to about 1, before noise.
func (m *machine) activity(d calendarDay, t int64) float64 {
	s := &m.shape
	switch m.class {
	case Padded:
		if s.amp == 0 {
			return 0
		}
	case Idle: // one small job a day
		if (t-d.start+s.shift+day)%day < Step {
			return 1
		}
		return 0
	case Batch:
		since := (t - d.start + day/2) % day // seconds since noon
		if since >= s.start && since < s.start+s.length {
			return 0.75 + 0.25*unit(hash(m.seed, 'b', uint64((t-day/2)/day)))
		}
		return s.night
	}
	half := float64((t-d.start+s.shift+day)%day) / 1800
	i := int(half)
	a := officeHours[i] + (officeHours[i+1]-officeHours[i])*(half-float64(i))
	a = s.night + (1-s.night)*a
	if d.weekend {
		a = s.night + (a-s.night)*s.weekend
	}
	switch {
	case m.class == MonthEnd && !d.closing:
		a *= 0.13
	case m.class == MonthEnd && half >= 36 && half < 46:
		a = max(a, 0.5) // closing runs into the evening
	case m.class == Seasonal && !d.season:
		a *= 0.07
	case m.class == Asleep:
		a = awake(a)
	}
	return a
}

// burstAt returns the height of the burst, in percent of CPU, that step k lies
// in; 0 between bursts. Bursts last one to six steps.
func (m *machine) burstAt(k int64) float64 {
	if m.shape.burst == 0 {
		return 0
	}
	for back := range int64(6) {
		h := hash(m.seed, 's', uint64(k-back))
		if h >= m.shape.burst {
			continue
		}
		h = mix(h)
		if back < 1+int64(h%6) {
			return min(88, m.shape.height/math.Sqrt(1-0.98*unit(mix(h)))) // Pareto with index 2
		}
	}
	return 0
}

// memoryAt is memory in use: low after a boot, drifting up as caches fill, and
// not following the load down again.
func (m *machine) memoryAt(t int64) float64 {
	s := &m.shape
	up := float64((t-m.created)%s.reboot) / day
	v := s.memory + s.fill*(1-math.Exp(-up/9)) + 1.4*s.memoryNoise*drift(m.seed^'m', t, 2*day) + s.memoryNoise*0.5*drift(m.seed^'n', t, 3600)
	return v + 0.12*s.memoryNoise*normal(hash(m.seed, 'M', uint64(t)))
}

// fillAt is how full a disk's file system is: growing steadily, with a weekly
// clean-up of logs.
func (d *disk) fillAt(t, end int64) float64 {
	v := d.fillEnd - d.fillRate*float64(end-t)/day
	week := float64((t+int64(d.seed%(7*day)))%(7*day)) / (7 * day)
	return round2(min(99, max(1.5, v)+0.8*week))
}
