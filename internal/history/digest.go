package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/utilization"
)

// Digest is what stays of one series on one day when its samples are gone. Max
// is exact; the other statistics are rounded to hundredths, from 1000 upwards
// to whole numbers. Days are those of the file: of 24 hours, at the offset
// from UTC that the zone had when the file was made.
type Digest struct {
	Start   time.Time
	Samples int // 288 cover a day at five minutes
	Mean    float64
	P50     float64
	P95     float64
	P99     float64
	Max     float64
}

// spanDigest is the digests of one span and its profile by hour of the day.
type spanDigest struct {
	days  []dayDigest // ascending
	hours [24]float64 // mean by hour of the day; rounded; 0 where the span has no sample
}

type dayDigest struct {
	day                      uint32 // counted from the first of the span
	samples                  int
	mean, p50, p95, p99, max float64
}

func (wk *worker) digestOf(c calendar, span uint32, points []cloud.Point) spanDigest {
	var d spanDigest
	var sums [24]float64
	var counts [24]int
	first := span * spanDays
	var values []float64
	for len(points) > 0 {
		day := c.day(points[0].T)
		mine, later := cutAt(points, c.dayStart(day+1))
		points = later
		values = values[:0]
		sum := 0.0
		for _, p := range mine {
			values = append(values, p.V)
			sum += p.V
			hour := (p.T - c.dayStart(day)) / 3600
			sums[hour] += p.V
			counts[hour]++
		}
		slices.Sort(values)
		d.days = append(d.days, dayDigest{
			day: day - first, samples: len(values), mean: round(sum / float64(len(values))),
			p50: round(utilization.Quantile(values, 0.5)), p95: round(utilization.Quantile(values, 0.95)),
			p99: round(utilization.Quantile(values, 0.99)), max: values[len(values)-1],
		})
	}
	for h, n := range counts {
		if n > 0 {
			d.hours[h] = round(sums[h] / float64(n))
		}
	}
	return d
}

func round(v float64) float64 {
	if math.Abs(v) >= 1000 {
		return math.Round(v)
	}
	return math.Round(v*100) / 100
}

// merge completes d, computed of the samples at hand, from the digest written
// before. Merging samples never makes them fewer, so a day that had more then
// has lost samples since, to retention or damage: its digest stands, and only
// a higher maximum adds to it.
func (d spanDigest) merge(before spanDigest) spanDigest {
	out := spanDigest{hours: d.hours}
	now, then := 0, 0
	for _, x := range d.days {
		now += x.samples
	}
	for _, x := range before.days {
		then += x.samples
	}
	if then > now {
		out.hours = before.hours
	}
	a, b := d.days, before.days
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].day < b[0].day:
			out.days, a = append(out.days, a[0]), a[1:]
		case len(a) == 0 || b[0].day < a[0].day:
			out.days, b = append(out.days, b[0]), b[1:]
		default:
			x := a[0]
			if b[0].samples > x.samples {
				x = b[0]
				x.max = max(x.max, a[0].max)
			}
			out.days, a, b = append(out.days, x), a[1:], b[1:]
		}
	}
	return out
}

// appendDigest appends the body of a digest: a bit for each day present, then
// three columns behind their lengths: counts, maxima, and everything rounded.
func (e *encoder) appendDigest(dst []byte, d spanDigest) []byte {
	var present uint32
	var counts, maxima, means, p50s, p95s, p99s []float64
	for _, x := range d.days {
		present |= 1 << x.day
		counts, maxima = append(counts, float64(x.samples)), append(maxima, x.max)
		means, p50s, p95s, p99s = append(means, x.mean), append(p50s, x.p50), append(p95s, x.p95), append(p99s, x.p99)
	}
	dst = append(dst, digestV1)
	dst = binary.LittleEndian.AppendUint32(dst, present)
	for _, column := range [][]float64{counts, maxima, slices.Concat(means, p50s, p95s, p99s, d.hours[:])} {
		body := e.appendValues(nil, column)
		dst = binary.AppendUvarint(dst, uint64(len(body)))
		dst = append(dst, body...)
	}
	return dst
}

// digest decodes a sealed digest.
func (d *decoder) digest(key, data []byte) (spanDigest, error) {
	if data == nil {
		return spanDigest{}, errors.New("no digest")
	}
	body, err := unseal(key, data, digestV1)
	if err != nil {
		return spanDigest{}, err
	}
	return d.digestBody(body)
}

func (d *decoder) digestBody(body []byte) (spanDigest, error) {
	var out spanDigest
	if len(body) < 4 {
		return out, damaged("digest cut short")
	}
	present := binary.LittleEndian.Uint32(body)
	body = body[4:]
	for day := range uint32(32) {
		if present&(1<<day) != 0 {
			if day >= spanDays {
				return out, damaged("day %d of a span", day)
			}
			out.days = append(out.days, dayDigest{day: day})
		}
	}
	n := len(out.days)
	if n == 0 {
		return out, damaged("digest of no day")
	}
	for part := range 3 {
		size, rest, err := uvarint(body)
		if err != nil {
			return out, err
		}
		if size > uint64(len(rest)) {
			return out, damaged("digest cut short")
		}
		want := n
		if part == 2 {
			want = 4*n + len(out.hours)
		}
		col, err := d.values(rest[:size], want, false)
		if err != nil {
			return out, err
		}
		body = rest[size:]
		for i := range n {
			x, v := &out.days[i], col.floats
			switch part {
			case 0:
				if !(v[i] >= 1 && v[i] <= daySeconds) {
					return out, damaged("digest of %v samples", v[i])
				}
				x.samples = int(v[i])
			case 1:
				x.max = v[i]
			default:
				x.mean, x.p50, x.p95, x.p99 = v[i], v[n+i], v[2*n+i], v[3*n+i]
			}
		}
		if part == 2 {
			copy(out.hours[:], col.floats[4*n:])
		}
	}
	if len(body) != 0 {
		return out, damaged("%d bytes behind a digest", len(body))
	}
	return out, nil
}

// Digests returns the daily digests of a series whose days touch w, ascending.
// They exist for closed spans, also where the samples have been dropped since.
func (s *Store) Digests(resource string, m cloud.Metric, w cloud.Window) ([]Digest, error) {
	workers, done, err := s.workers(1)
	if err != nil {
		return nil, fmt.Errorf("read digests of %s: %w", resource, err)
	}
	defer done()
	wk := workers[0]
	id, known := wk.number(resource)
	code, measured := wk.metrics[m]
	keep := intervals(w, nil)
	if !known || !measured || len(keep) == 0 {
		return nil, nil
	}
	var out []Digest
	c := wk.calendar
	for _, span := range within(wk.digestSpans, c.span(keep[0].from), c.span(keep[0].to-1)) {
		key := pieceKey(span, code, id)
		d, err := wk.dec.digest(key, wk.digests.Get(key))
		if err != nil {
			continue // absent, or damaged: Check names it
		}
		for _, x := range d.days {
			start := c.dayStart(span*spanDays + x.day)
			if start < keep[0].to && start+daySeconds > keep[0].from {
				out = append(out, Digest{Start: instant(start), Samples: x.samples, Mean: x.mean, P50: x.p50, P95: x.p95, P99: x.p99, Max: x.max})
			}
		}
	}
	return out, nil
}

// Peaks returns the highest value and the highest daily p95 per resource and
// metric in w, and since when the series was watched within it. Days are the
// file's, p95 is rounded as in a Digest, and a day that a bound cuts counts with
// the part inside. Of a resource in since only what lies at or
// after that instant counts: what came before was a machine of another size.
// A series without anything in its span has no entry.
//
// Closed spans are answered from their digests, so samples dropped by
// retention still count, day by day: of a day that a bound cuts through the
// samples are read, and where they are gone that day does not count.
func (s *Store) Peaks(ctx context.Context, resources []string, metrics []cloud.Metric, w cloud.Window, since map[string]time.Time) (map[string]map[cloud.Metric]analyzer.Peak, error) {
	names := slices.Clone(resources)
	slices.Sort(names)
	names = slices.Compact(names)
	out := map[string]map[cloud.Metric]analyzer.Peak{}
	all := intervals(w, nil)
	if len(all) == 0 {
		return out, nil
	}
	type found struct {
		name   string
		metric cloud.Metric
		peak   analyzer.Peak
	}
	err := parallel(ctx, s, names, scanBatch, func(wk *worker, names []string) ([]found, error) {
		var list []found
		h := highest{calendar: wk.calendar}
		wk.batch(names, metrics, all[0], func(name string, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			span := all[0]
			if t, ok := since[name]; ok {
				span.from = max(span.from, ceilUnix(t))
			}
			for _, m := range metrics {
				code, ok := wk.metrics[m]
				if !ok || !known || span.from >= span.to {
					continue
				}
				h.reset()
				wk.peak(code, id, span, fresh(code), &h)
				if h.closeDay(); h.any {
					list = append(list, found{name, m, analyzer.Peak{Max: h.max, DayP95: h.p95, Since: instant(h.since)}})
				}
			}
		})
		return list, nil
	}, func(list []found) error {
		for _, f := range list {
			if out[f.name] == nil {
				out[f.name] = map[cloud.Metric]analyzer.Peak{}
			}
			out[f.name][f.metric] = f.peak
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find peaks in history: %w", err)
	}
	return out, nil
}

// peak passes the digests of whole days in span to h, and the samples of what
// digests do not cover.
func (wk *worker) peak(metric byte, id uint32, span interval, fresh []cloud.Point, h *highest) {
	c := wk.calendar
	at := span.from
	samples := func(from, to int64) {
		if from < to {
			_, part := cutAt(fresh, from)
			part, _ = cutAt(part, to)
			wk.series(metric, id, []interval{{from, to}}, part, true, h)
		}
	}
	for _, number := range within(wk.digestSpans, c.span(span.from), c.span(span.to-1)) {
		key := pieceKey(number, metric, id)
		d, err := wk.dec.digest(key, wk.digests.Get(key))
		if err != nil {
			continue
		}
		from, to := max(span.from, c.spanStart(number)), min(span.to, c.spanStart(number+1))
		firstDay := c.day(from + daySeconds - 1) // the first that begins at or after from
		endDay := c.day(to)                      // the first that does not end by to
		if firstDay > endDay {                   // within one day
			samples(at, to)
			at = to
			continue
		}
		samples(at, c.dayStart(firstDay))
		for _, x := range d.days {
			if day := number*spanDays + x.day; day >= firstDay && day < endDay {
				h.digest(c.dayStart(day), x)
			}
		}
		// What was not folded yet may lie in these days too: of such days the
		// samples are read, and what they hold adds to their digests.
		_, late := cutAt(fresh, c.dayStart(firstDay))
		late, _ = cutAt(late, c.dayStart(endDay))
		if n := len(late); n > 0 {
			samples(c.dayStart(c.day(late[0].T)), c.dayStart(c.day(late[n-1].T)+1))
		}
		at = c.dayStart(endDay)
	}
	samples(at, span.to)
}

// highest is a sink that keeps the greatest value, the greatest daily p95 and
// the first instant.
type highest struct {
	calendar calendar
	any      bool
	max, p95 float64
	since    int64
	dayEnd   int64     // of the day whose values are gathered
	values   []float64 // of that day so far
}

func (h *highest) reset() {
	*h = highest{calendar: h.calendar, values: h.values[:0]}
}

// seen notes a value at an instant.
func (h *highest) seen(t int64, v float64) {
	if !h.any {
		h.any, h.max, h.since, h.p95 = true, v, t, math.Inf(-1)
		return
	}
	h.max, h.since = max(h.max, v), min(h.since, t)
}

// digest takes a day whose samples need not be read.
func (h *highest) digest(start int64, d dayDigest) {
	h.seen(start, d.max)
	h.p95 = max(h.p95, d.p95)
}

func (h *highest) point(t int64, v float64) {
	if t >= h.dayEnd || len(h.values) == 0 {
		h.closeDay()
		h.dayEnd = h.calendar.dayStart(h.calendar.day(t) + 1)
	}
	h.seen(t, v)
	h.values = append(h.values, v)
}

func (h *highest) run(t, step int64, hundredths []uint16) {
	for i, x := range hundredths {
		h.point(t+int64(i)*step, float64(x)/100)
	}
}

// closeDay ends the day whose values were gathered. Most days need no sorting:
// a p95 is never above the greatest value.
func (h *highest) closeDay() {
	if len(h.values) > 0 && slices.Max(h.values) > h.p95 {
		slices.Sort(h.values)
		h.p95 = max(h.p95, round(utilization.Quantile(h.values, 0.95)))
	}
	h.values = h.values[:0]
}
