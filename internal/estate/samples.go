package estate

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
)

// Samples returns the samples of one metric of one resource in (from, to],
// Unix seconds, on the grid of Step; nil where nothing is measured. Percentages
// have two decimals, rates are whole numbers.
//
// Instances have every metric that is not optional, but memory and disk fill only with a running
// agent. Disks have the fill of their file system where their machine has an
// agent; those that were forgotten have none. Addresses have none.
func (e *Estate) Samples(resource string, m cloud.Metric, from, to int64) []cloud.Point {
	r, ok := e.index[resource]
	if !ok {
		return nil
	}
	switch r.kind {
	case cloud.Instance:
		return e.instanceSamples(&e.machines[r.i], m, from, to)
	case cloud.Disk:
		d := &e.disks[r.i]
		if m != cloud.DiskPercent || d.detached != 0 {
			return nil
		}
		return e.diskSamples(&e.machines[d.machine], []int32{r.i}, max(from, d.created), to)
	default:
		return nil
	}
}

// span cuts (from, to] to the history and the life of m, and to the grid:
// the first and last step numbers.
func (e *Estate) span(m *machine, from, to int64) (first, last int64) {
	from, to = max(from, e.start, m.created), min(to, e.end)
	if m.stopped != 0 {
		to = min(to, m.stopped)
	}
	return from/Step + 1, to / Step
}

func (e *Estate) instanceSamples(m *machine, metric cloud.Metric, from, to int64) []cloud.Point {
	switch metric {
	case cloud.MemoryPercent:
		return e.memorySamples(m, from, to)
	case cloud.DiskPercent:
		return e.diskSamples(m, m.disks, from, to)
	default:
		return e.loadSamples(m, metric, from, to)
	}
}

func (e *Estate) memorySamples(m *machine, from, to int64) []cloud.Point {
	first, last := e.span(m, from, to)
	if m.agent != cloud.AgentRunning || last < first {
		return nil
	}
	before := e.types[m.typ].MemoryGiB / e.types[m.before].MemoryGiB
	out := make([]cloud.Point, 0, last-first+1)
	for k := first; k <= last; k++ {
		if m.missing(k) {
			continue
		}
		t := k * Step
		v := m.burner.memoryHeld(m.memoryAt(t), t, m.seed)
		if t < m.resized {
			v *= before
		}
		out = append(out, cloud.Point{T: t, V: round2(min(99.5, max(1, v)))})
	}
	return out
}

// diskSamples is the fill of the fullest of the given disks of m.
func (e *Estate) diskSamples(m *machine, disks []int32, from, to int64) []cloud.Point {
	first, last := e.span(m, from, to)
	if m.agent != cloud.AgentRunning || last < first {
		return nil
	}
	out := make([]cloud.Point, 0, last-first+1)
	for k := first; k <= last; k++ {
		if m.missing(k) {
			continue
		}
		t, v := k*Step, -1.0
		for _, i := range disks {
			if d := &e.disks[i]; d.created < t {
				v = max(v, d.fillAt(t, e.end))
			}
		}
		if v >= 0 {
			out = append(out, cloud.Point{T: t, V: v})
		}
	}
	return out
}

// loadSamples makes the metrics that follow the load: CPU, network and disk
// throughput share their activity and its noise, so that they move together.
func (e *Estate) loadSamples(m *machine, metric cloud.Metric, from, to int64) []cloud.Point {
	first, last := e.span(m, from, to)
	if last < first {
		return nil
	}
	s := &m.shape
	var level rate
	switch metric {
	case cloud.CPUPercent:
	case cloud.NetworkInBPS:
		level = s.netIn
	case cloud.NetworkOutBPS:
		level = s.netOut
	case cloud.DiskReadBPS:
		level = s.read
	case cloud.DiskWriteBPS:
		level = s.write
	default:
		return nil
	}
	const (
		phi  = 0.72   // a step's noise keeps this share of the step before
		rest = 0.6940 // √(1 − phi²)
	)
	before := float64(e.types[m.typ].VCPU) / float64(e.types[m.before].VCPU)
	own := hash(m.seed, 'o', uint64(slices.Index(cloud.Metrics(), metric)))
	out := make([]cloud.Point, 0, last-first+1)
	for k := first; k <= last; {
		d := e.dayOf(m, k*Step)
		begin := (d.start + Step - 1) / Step // first step of the local day
		end := min(last, (d.start+day-1)/Step)
		z := normal(hash(m.seed, 'z', uint64(begin)))
		for j := begin; j <= end; j++ {
			z = phi*z + rest*normal(mix(m.seed^uint64(j)))
			if j < k || m.missing(j) {
				continue
			}
			t := j * Step
			load := m.activity(d, t)
			if s.growth > 0 {
				load *= max(0.2, 1-s.growth*float64(e.end-t)/day)
			}
			load *= math.Exp(s.noise * (0.8*z + 0.6*drift(m.seed^'d', t, 2*3600)))
			burst := m.burstAt(j)
			if d.sunday && t-d.start >= 3*3600 && t-d.start < 3*3600+1800 {
				burst = max(burst, s.scan)
			}
			n := normal(mix(own ^ uint64(j)))
			if metric != cloud.CPUPercent {
				v := level.base*math.Exp(0.35*n) + level.amp*(load+burst/60)*math.Exp(0.45*n)
				if metric == cloud.DiskWriteBPS {
					v += m.burner.junk(t)
				}
				out = append(out, cloud.Point{T: t, V: math.Round(v)})
				continue
			}
			v := s.base*math.Exp(s.jitter*n+0.1*z) + s.amp*load*math.Exp(s.jitter*n) + burst
			if m.class == Padded {
				v = m.burner.cpu(v, n, t, m.seed)
			}
			if t < m.resized {
				v *= before
			}
			out = append(out, cloud.Point{T: t, V: round2(min(100, max(0.03, v)))})
		}
		k = end + 1
	}
	return out
}

// dayOf describes the local day that t lies in.
func (e *Estate) dayOf(m *machine, t int64) calendarDay {
	start := (t+utc8)/day*day - utc8
	at := time.Unix(start+utc8, 0).UTC()
	w := at.Weekday()
	d := calendarDay{start: start, weekend: w == time.Saturday || w == time.Sunday, sunday: w == time.Sunday}
	d.closing = at.Day() >= 25 || at.Day() <= 5
	if m.class == Seasonal {
		d.season = e.apps[m.app].season.contains(at.Format("01-02"))
	}
	return d
}

// lost is the chance, of 2^64, that a single report never arrives: 0.3 %.
const lost = 3 * (1 << 63) / 500

// missing reports whether step k was lost: single reports now and then, and
// whole hours when the agent was down.
func (m *machine) missing(k int64) bool {
	if mix(m.seed^'g'^uint64(k)<<8) < lost {
		return true
	}
	if m.agent != cloud.AgentRunning {
		return false
	}
	const week = 7 * day / Step
	h := hash(m.seed, 'w', uint64(k/week))
	if unit(h) >= 0.03 {
		return false
	}
	from := int64(mix(h) % week)
	length := 12 + int64(mix(h+1)%132)
	return k%week >= from && k%week < from+length
}
