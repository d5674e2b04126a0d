package utilization

import (
	"math"
	"slices"
	"time"

	"yunjian/cloud"
)

// levels is the number of counting buckets: 0.00 to 100.00 in hundredths.
const levels = 100*100 + 1

// Accumulator turns samples into a Summary by counting. Values that are
// hundredths from 0 to 100, as percentages are, fall into buckets; any other
// value is kept and sorted at the end. It is meant to be reused: after the
// first few series it allocates only what the Summary itself holds.
//
// An Accumulator is not for concurrent use.
type Accumulator struct {
	loc     *time.Location
	whole   tally
	day     tally
	daySeen []uint16 // the day's hundredths, to empty its buckets without sweeping all
	hours   [168]hourTally
	days    []Day

	first, last int64
	covered     int64 // seconds for which the samples speak, each for at most step
	step        int64

	dayStart, dayEnd int64 // current day [start, end)
	shifts           bool  // the zone changes its offset within the current day
	hourEnd          int64
	hour             int
	scratch          []float64
}

// tally counts samples.
type tally struct {
	counts [levels]uint32
	n      int // samples in counts
	sum    uint64
	lo, hi uint16 // of counts, valid when n > 0
	other  []float64
	extra  float64 // sum of other
}

type hourTally struct {
	n      int // all samples
	sum    uint64
	hi     uint16
	others int     // of n, how many are not hundredths
	extra  float64 // their sum
	top    float64 // the greatest of them
}

// NewAccumulator returns an empty Accumulator that cuts days and hours in loc
// (nil: UTC).
func NewAccumulator(loc *time.Location) *Accumulator {
	if loc == nil {
		loc = time.UTC
	}
	a := &Accumulator{loc: loc}
	a.Reset(Step)
	return a
}

// Reset forgets all samples. step is the spacing that Dense is measured
// against; not positive means Step.
func (a *Accumulator) Reset(step time.Duration) {
	a.step = int64(step / time.Second)
	if a.step <= 0 {
		a.step = int64(Step / time.Second)
	}
	a.closeDay()
	a.days = a.days[:0]
	a.whole.reset()
	a.hours = [168]hourTally{}
	a.covered = 0
	a.dayStart, a.dayEnd, a.hourEnd = 0, math.MinInt64, math.MinInt64
}

func (t *tally) reset() {
	if t.n > 0 {
		clear(t.counts[t.lo : int(t.hi)+1])
	}
	t.n, t.sum, t.extra, t.other = 0, 0, 0, t.other[:0]
}

// Samples is how many samples were added since the last Reset.
func (a *Accumulator) Samples() int {
	return a.whole.n + len(a.whole.other)
}

// Hundredths returns v × 100 where v is exactly a number of hundredths from 0
// to 100, so that float64(h) / 100 == v.
func Hundredths(v float64) (h uint16, ok bool) {
	if !(v >= 0 && v <= 100) {
		return 0, false
	}
	h = uint16(v*100 + 0.5)
	return h, float64(h)/100 == v
}

// Add counts one sample at t (Unix seconds). Samples must come in ascending
// time, at most one an instant; v must be finite.
func (a *Accumulator) Add(t int64, v float64) {
	if h, ok := Hundredths(v); ok {
		a.AddHundredths(t, h)
		return
	}
	a.advance(t)
	a.whole.other = append(a.whole.other, v)
	a.whole.extra += v
	a.day.other = append(a.day.other, v)
	a.day.extra += v
	h := &a.hours[a.hour]
	h.n++
	h.extra += v
	if h.others == 0 || v > h.top {
		h.top = v
	}
	h.others++
}

// AddHundredths is Add for the value h/100; h must be at most 10000.
func (a *Accumulator) AddHundredths(t int64, h uint16) {
	a.advance(t)
	a.daySeen = append(a.daySeen, h)
	a.whole.add(h)
	a.day.add(h)
	hour := &a.hours[a.hour]
	hour.n++
	hour.sum += uint64(h)
	hour.hi = max(hour.hi, h)
}

func (t *tally) add(h uint16) {
	if t.n == 0 {
		t.lo, t.hi = h, h
	} else if h < t.lo {
		t.lo = h
	} else if h > t.hi {
		t.hi = h
	}
	t.n++
	t.counts[h]++
	t.sum += uint64(h)
}

// AddRun is AddHundredths for values at t, t+step, t+2×step …; step is in
// seconds and positive, every value at most 10000.
func (a *Accumulator) AddRun(t, step int64, values []uint16) {
	for len(values) > 0 {
		a.advance(t)
		// All samples before the end of the hour share hour and day.
		n := len(values)
		if room := (a.hourEnd - t + step - 1) / step; int64(n) > room {
			n = int(room)
		}
		a.addHour(values[:n])
		a.covered += int64(n-1) * min(step, a.step)
		a.last = t + int64(n-1)*step
		t += int64(n) * step
		values = values[n:]
	}
}

// addHour counts values that lie in the current hour; time was advanced to the
// first of them.
func (a *Accumulator) addHour(values []uint16) {
	a.daySeen = append(a.daySeen, values...)
	lo, hi, sum := values[0], values[0], uint64(0)
	whole, day := &a.whole.counts, &a.day.counts
	for _, h := range values {
		whole[h]++
		day[h]++
		sum += uint64(h)
		lo, hi = min(lo, h), max(hi, h)
	}
	a.whole.widen(lo, hi, sum, len(values))
	a.day.widen(lo, hi, sum, len(values))
	hour := &a.hours[a.hour]
	hour.n += len(values)
	hour.sum += sum
	hour.hi = max(hour.hi, hi)
}

func (t *tally) widen(lo, hi uint16, sum uint64, n int) {
	if t.n == 0 {
		t.lo, t.hi = lo, hi
	}
	t.lo, t.hi = min(t.lo, lo), max(t.hi, hi)
	t.sum += sum
	t.n += n
}

// advance moves the clock to t: closes the day that ended and finds the hour.
func (a *Accumulator) advance(t int64) {
	if a.Samples() == 0 {
		a.first = t
		a.covered = a.step
	} else {
		a.covered += min(t-a.last, a.step)
	}
	a.last = t
	if t < a.hourEnd {
		return
	}
	if t < a.dayEnd && !a.shifts {
		hours := (t - a.dayStart) / 3600
		a.hour = a.hour - a.hour%24 + int(hours)
		a.hourEnd = a.dayStart + (hours+1)*3600
		return
	}
	local := time.Unix(t, 0).In(a.loc)
	if t >= a.dayEnd {
		a.closeDay()
		start := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, a.loc)
		end := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, a.loc)
		a.dayStart, a.dayEnd = start.Unix(), end.Unix()
		a.shifts = a.dayEnd-a.dayStart != 24*3600
	}
	a.hour = (int(local.Weekday())+6)%7*24 + local.Hour()
	a.hourEnd = min(a.dayEnd, t-int64(local.Minute()*60+local.Second())+3600)
}

// closeDay turns the day's tally into a Day and empties it.
func (a *Accumulator) closeDay() {
	t := &a.day
	n := t.n + len(t.other)
	if n == 0 {
		return
	}
	sum := float64(t.sum)/100 + t.extra
	d := Day{
		Start:   time.Unix(a.dayStart, 0).In(a.loc),
		Samples: n,
		Sum:     sum,
		Mean:    t.mean(),
	}
	if len(t.other) == 0 {
		d.P95, d.P98, d.P99 = t.top(0.95), t.top(0.98), t.top(0.99)
		d.Max = float64(t.hi) / 100
	} else {
		a.scratch = append(a.scratch[:0], t.other...)
		for _, h := range a.daySeen {
			a.scratch = append(a.scratch, float64(h)/100)
		}
		slices.Sort(a.scratch)
		d.P95, d.P98, d.P99 = Quantile(a.scratch, 0.95), Quantile(a.scratch, 0.98), Quantile(a.scratch, 0.99)
		d.Max = a.scratch[n-1]
	}
	a.days = append(a.days, d)
	for _, h := range a.daySeen {
		t.counts[h] = 0
	}
	a.daySeen = a.daySeen[:0]
	t.n, t.sum, t.extra, t.other = 0, 0, 0, t.other[:0]
}

func (t *tally) mean() float64 {
	return (float64(t.sum)/100 + t.extra) / float64(t.n+len(t.other))
}

// top is the q-quantile of a tally without other values, found from above:
// high percentiles lie near the maximum, so few buckets are read.
func (t *tally) top(q float64) float64 {
	rank := q * float64(t.n-1)
	below := math.Floor(rank)
	fromTop := t.n - 1 - int(below) // samples above the one of rank below
	seen, hi, found := 0, t.hi, false
	for h := t.hi; ; h-- {
		seen += int(t.counts[h])
		if !found && seen >= fromTop {
			hi, found = h, true // the sample one rank higher
		}
		if seen > fromTop {
			return interpolate(float64(h)/100, float64(hi)/100, rank-below)
		}
	}
}

// Summary returns the statistics of the samples added and empties the
// Accumulator for the next series. expected is what Expected returns for the
// window and step.
func (a *Accumulator) Summary(m cloud.Metric, w cloud.Window, expected int) Summary {
	s := Summary{Metric: m, Window: w, Samples: a.Samples(), Expected: expected}
	if s.Samples == 0 {
		a.Reset(time.Duration(a.step) * time.Second)
		return s
	}
	a.closeDay()
	s.Dense = s.Samples - int((a.covered+a.step/2)/a.step)
	s.First, s.Last = time.Unix(a.first, 0).UTC(), time.Unix(a.last, 0).UTC()
	s.Mean = a.whole.mean()
	s.Days = slices.Clone(a.days)
	for i := range a.hours {
		s.HourOfWeek[i] = a.hours[i].hour()
	}
	s.Distribution = a.whole.distribution()
	s.Min = s.Distribution.value(0)
	s.Max = s.Distribution.value(s.Distribution.Distinct() - 1)
	a.Reset(time.Duration(a.step) * time.Second)
	return s
}

func (h *hourTally) hour() Hour {
	if h.n == 0 {
		return Hour{}
	}
	out := Hour{Samples: h.n, Mean: (float64(h.sum)/100 + h.extra) / float64(h.n)}
	switch h.others {
	case 0:
		out.Max = float64(h.hi) / 100
	case h.n:
		out.Max = h.top
	default:
		out.Max = max(float64(h.hi)/100, h.top)
	}
	return out
}

// distribution compacts the buckets and the other values into one ascending
// list.
func (t *tally) distribution() Distribution {
	distinct := 0
	if t.n > 0 {
		for _, c := range t.counts[t.lo : int(t.hi)+1] {
			if c > 0 {
				distinct++
			}
		}
	}
	if len(t.other) == 0 {
		d := Distribution{hundredths: make([]uint16, 0, distinct), upTo: make([]uint32, 0, distinct)}
		total := uint32(0)
		for h := int(t.lo); h <= int(t.hi); h++ {
			if c := t.counts[h]; c > 0 {
				total += c
				d.hundredths = append(d.hundredths, uint16(h))
				d.upTo = append(d.upTo, total)
			}
		}
		return d
	}
	slices.Sort(t.other)
	d := Distribution{values: make([]float64, 0, distinct+len(t.other)), upTo: make([]uint32, 0, distinct+len(t.other))}
	total, i := uint32(0), 0
	takeOther := func(before float64) {
		for i < len(t.other) && t.other[i] < before {
			v := t.other[i]
			for i < len(t.other) && t.other[i] == v {
				i++
				total++
			}
			d.values = append(d.values, v)
			d.upTo = append(d.upTo, total)
		}
	}
	if t.n > 0 {
		for h := int(t.lo); h <= int(t.hi); h++ {
			if c := t.counts[h]; c > 0 {
				v := float64(h) / 100
				takeOther(v)
				total += c
				d.values = append(d.values, v)
				d.upTo = append(d.upTo, total)
			}
		}
	}
	takeOther(math.Inf(1))
	return d
}
