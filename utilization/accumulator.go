package utilization

import (
	"math"
	"time"

	"yunjian/cloud"
)

// Accumulator turns samples into a Summary by counting. Values that are
// hundredths from 0 to 100, as percentages are, fall into buckets; any other
// value is kept and sorted at the end. It is meant to be reused: after the
// first few series it allocates only what the Summary itself holds.
//
// An Accumulator is not for concurrent use.
type Accumulator struct {
	loc    *time.Location
	whole  tally // of hundredths only those of closed days are summed up yet
	day    dayTally
	hours  [168]hourTally
	others [168]otherTally
	days   []Day

	first, last int64
	covered     int64 // seconds for which the samples speak, each for at most step
	step        int64

	dayStart, dayEnd int64 // current day [start, end)
	shifts           bool  // the zone changes its offset within the current day
	offsetEnd        int64 // until when the zone keeps the offset of the current day, if it does not shift
	hourEnd          int64
	hour             int

	run     []uint16 // of AddPoints
	scratch []float64
	sorter  *sorter
	lister  *lister
}

// hourTally sums up the hundredths of an hour of the week.
type hourTally struct {
	n   int
	sum uint64
	hi  uint16
}

// otherTally sums up its other values.
type otherTally struct {
	n   int
	sum float64
	top float64
}

// NewAccumulator returns an empty Accumulator that cuts days and hours in loc
// (nil: UTC).
func NewAccumulator(loc *time.Location) *Accumulator {
	if loc == nil {
		loc = time.UTC
	}
	a := &Accumulator{loc: loc, lister: &lister{}, sorter: &sorter{}}
	a.whole.counts, a.day.counts = &[levels]uint32{}, &[levels]uint16{}
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
	clear(a.hours[:])
	clear(a.others[:])
	a.covered = 0
	a.dayStart, a.dayEnd, a.hourEnd = 0, math.MinInt64, math.MinInt64
}

// Samples is how many samples were added since the last Reset.
func (a *Accumulator) Samples() int {
	return a.whole.samples() + a.day.n
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
	a.speak(t)
	a.advance(t)
	a.whole.other = append(a.whole.other, v)
	a.whole.extra += v
	a.day.other = append(a.day.other, v)
	a.day.extra += v
	o := &a.others[a.hour]
	o.sum += v
	if o.n == 0 || v > o.top {
		o.top = v
	}
	o.n++
}

// AddHundredths is Add for the value h/100; h must be at most 10000.
func (a *Accumulator) AddHundredths(t int64, h uint16) {
	a.speak(t)
	a.advance(t)
	a.addHours([]uint16{h}, 1)
}

// AddRun is AddHundredths for values at t, t+step, t+2×step …; step is in
// seconds and positive, every value at most 10000.
func (a *Accumulator) AddRun(t, step int64, values []uint16) {
	if len(values) == 0 {
		return
	}
	a.speak(t)
	a.covered += int64(len(values)-1) * min(step, a.step)
	a.last = t + int64(len(values)-1)*step
	perHour := 0 // samples in every whole hour; 0: not always as many
	if 3600%step == 0 {
		perHour = int(3600 / step)
	}
	for len(values) > 0 {
		a.advance(t)
		n := min(int((a.hourEnd-t+step-1)/step), len(values))
		a.addHours(values[:n], n)
		t += int64(n) * step
		values = values[n:]
		// The whole hours left of a day follow each other evenly.
		if perHour == 0 || a.shifts || len(values) < perHour || a.hourEnd >= a.dayEnd {
			continue
		}
		hours := min(int(a.dayEnd-a.hourEnd)/3600, len(values)/perHour)
		a.hour++
		a.addHours(values[:hours*perHour], perHour)
		a.hour += hours - 1
		a.hourEnd += int64(hours) * 3600
		t += int64(hours) * 3600
		values = values[hours*perHour:]
	}
}

// addHours counts the values of whole hours of perHour values each, the current
// one first. Their number is a multiple of perHour.
func (a *Accumulator) addHours(values []uint16, perHour int) {
	if a.day.n+len(values) > dayMost {
		a.addMany(values, perHour)
		return
	}
	least, most, all := uint32(math.MaxUint16), uint32(0), uint64(0)
	for hour, rest := a.hour, values; len(rest) >= perHour; hour++ {
		now := rest[:perHour]
		rest = rest[perHour:]
		lo, hi, sum := uint32(now[0]), uint32(now[0]), uint64(now[0])*uint64(perHour)
		if now[perHour-1] == now[0] && flat(now) { // increments of one bucket would wait for each other
			a.whole.counts[lo] += uint32(perHour)
			a.day.counts[lo] += uint16(perHour)
		} else {
			lo, hi, sum = countHour(a.whole.counts, a.day.counts, now)
		}
		a.hours[hour%len(a.hours)].add(uint16(hi), sum, perHour)
		least, most = min(least, lo), max(most, hi)
		all += sum
	}
	a.day.enter(blocksOf(values, least, most), uint16(most), all, len(values))
}

// countHour counts values and returns the least, the greatest and their sum. It stays
// a function of its own so that all of this is kept in registers.
//
//go:noinline
func countHour(whole *[levels]uint32, day *[levels]uint16, values []uint16) (lo, hi uint32, sum uint64) {
	w, d := whole[:], day[:]
	lo = math.MaxUint16
	for _, v := range values {
		w[v]++
		d[v]++
		h := uint32(v)
		sum += uint64(h)
		lo, hi = min(lo, h), max(hi, h) // without a branch, as long as they are no indices
	}
	return lo, hi, sum
}

// addMany is addHours for a day of more samples than its counters take.
func (a *Accumulator) addMany(values []uint16, perHour int) {
	for i, h := range values {
		a.whole.count(h)
		a.day.other = append(a.day.other, float64(h)/100)
		a.day.extra += float64(h) / 100
		a.hours[(a.hour+i/perHour)%len(a.hours)].add(h, uint64(h), 1)
	}
}

// flat reports whether all values are equal.
func flat(values []uint16) bool {
	for _, v := range values[1:] {
		if v != values[0] {
			return false
		}
	}
	return true
}

func (h *hourTally) add(hi uint16, sum uint64, n int) {
	h.n += n
	h.sum += sum
	h.hi = max(h.hi, hi)
}

// speak notes that there is a sample at t.
func (a *Accumulator) speak(t int64) {
	if a.Samples() == 0 {
		a.first = t
		a.covered = a.step
	} else {
		a.covered += min(t-a.last, a.step)
	}
	a.last = t
}

// advance moves the clock to t: closes the day that ended and finds the hour.
func (a *Accumulator) advance(t int64) {
	if t < a.hourEnd {
		return
	}
	if t >= a.dayEnd {
		a.closeDay()
		const day = 24 * 3600
		if !a.shifts && t < a.dayEnd+day && a.dayEnd+2*day < a.offsetEnd { // no change is near
			a.dayStart, a.dayEnd = a.dayEnd, a.dayEnd+day
			a.hour = (a.hour - a.hour%24 + 24) % 168
		} else {
			a.openDay(t)
		}
	}
	if a.shifts {
		local := time.Unix(t, 0).In(a.loc)
		a.hour = (int(local.Weekday())+6)%7*24 + local.Hour()
		a.hourEnd = min(a.dayEnd, t-int64(local.Minute()*60+local.Second())+3600)
		return
	}
	hours := (t - a.dayStart) / 3600
	a.hour = a.hour - a.hour%24 + int(hours)
	a.hourEnd = a.dayStart + (hours+1)*3600
}

// openDay finds the day of t.
func (a *Accumulator) openDay(t int64) {
	local := time.Unix(t, 0).In(a.loc)
	year, month, day := local.Date()
	start := time.Date(year, month, day, 0, 0, 0, 0, a.loc)
	if start.Day() != day { // the clock was put forward at midnight
		_, start = start.ZoneBounds()
	}
	end := time.Date(year, month, day+1, 0, 0, 0, 0, a.loc)
	if end.Day() == day {
		_, end = end.ZoneBounds()
	}
	a.dayStart, a.dayEnd = start.Unix(), end.Unix()
	a.shifts = a.dayEnd-a.dayStart != 24*3600
	a.offsetEnd = math.MaxInt64
	if _, until := local.ZoneBounds(); !until.IsZero() {
		a.offsetEnd = until.Unix()
	}
	a.hour = (int(local.Weekday()) + 6) % 7 * 24
}

// closeDay turns the day's tally into a Day and empties it.
func (a *Accumulator) closeDay() {
	t := &a.day
	n := t.samples()
	if n == 0 {
		return
	}
	d := Day{
		Start:   time.Unix(a.dayStart, 0).In(a.loc),
		Samples: n,
		Sum:     float64(t.sum)/100 + t.extra,
		Mean:    t.mean(),
	}
	if len(t.other) == 0 {
		from := t.descend()
		d.P99, d.P98, d.P95 = from.quantile(n, 0.99), from.quantile(n, 0.98), from.quantile(n, 0.95)
		d.Max = float64(t.hi) / 100
	} else {
		a.scratch = t.all(a.scratch[:0])
		a.sorter.sort(a.scratch)
		d.P95, d.P98, d.P99 = Quantile(a.scratch, 0.95), Quantile(a.scratch, 0.98), Quantile(a.scratch, 0.99)
		d.Max = a.scratch[n-1]
	}
	a.days = append(a.days, d)
	a.whole.close(t)
	t.reset()
}

// Summary returns the statistics of the samples added and empties the
// Accumulator for the next series. expected is what Expected returns for the
// window and step.
func (a *Accumulator) Summary(m cloud.Metric, w cloud.Window, expected int) Summary {
	var s Summary
	a.SummaryInto(&s, m, w, expected)
	return s
}

// SummaryInto is Summary into s, whose memory it uses again: what was in s, or in
// a copy of it, is lost.
func (a *Accumulator) SummaryInto(s *Summary, m cloud.Metric, w cloud.Window, expected int) {
	defer a.Reset(time.Duration(a.step) * time.Second)
	days, distribution := s.Days[:0], s.Distribution
	*s = Summary{Metric: m, Window: w, Samples: a.Samples(), Expected: expected}
	if s.Samples == 0 {
		return
	}
	a.closeDay()
	s.Dense = s.Samples - int((a.covered+a.step/2)/a.step)
	s.First, s.Last = time.Unix(a.first, 0).UTC(), time.Unix(a.last, 0).UTC()
	s.Mean = a.whole.mean()
	s.Days = append(days, a.days...)
	for i := range a.hours {
		s.HourOfWeek[i] = a.hours[i].hour(a.others[i])
	}
	s.Distribution = a.distribution(distribution)
	s.Min = s.Distribution.value(0)
	s.Max = s.Distribution.value(s.Distribution.Distinct() - 1)
}

func (h hourTally) hour(o otherTally) Hour {
	n := h.n + o.n
	if n == 0 {
		return Hour{}
	}
	out := Hour{Samples: n, Mean: (float64(h.sum)/100 + o.sum) / float64(n)}
	switch {
	case o.n == 0:
		out.Max = float64(h.hi) / 100
	case h.n == 0:
		out.Max = o.top
	default:
		out.Max = max(float64(h.hi)/100, o.top)
	}
	return out
}

// distribution compacts the buckets and the other values into one ascending
// list, in the memory of d.
func (a *Accumulator) distribution(d Distribution) Distribution {
	t, l := &a.whole, a.lister
	distinct := l.list(t)
	if len(t.other) == 0 {
		return Distribution{hundredths: append(d.hundredths[:0], l.values[:distinct]...), upTo: append(d.upTo[:0], l.upTo[:distinct]...)}
	}
	a.sorter.sort(t.other)
	d = Distribution{values: d.values[:0], upTo: d.upTo[:0]}
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
	before := uint32(0)
	for k, h := range l.values[:distinct] {
		v := float64(h) / 100
		takeOther(v)
		total += l.upTo[k] - before
		before = l.upTo[k]
		d.values = append(d.values, v)
		d.upTo = append(d.upTo, total)
	}
	takeOther(math.Inf(1))
	return d
}
