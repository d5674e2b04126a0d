package history

import (
	"cmp"
	"context"
	"encoding/binary"
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

// digestRow is the digest of one series in a digest sheet.
type digestRow struct {
	id uint32
	spanDigest
}

// appendDigests appends the body of a digest sheet, which holds the digests of
// a band: how many there are; of each the distance from the one before and a
// bit for each day present; then columns behind their lengths: counts, maxima,
// means, p50, p95, p99 by series and day, and 24 hours by series.
func (e *encoder) appendDigests(dst []byte, rows []digestRow) []byte {
	dst = append(dst, digestV2)
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	next := band(rows[0].id) * bandSeries
	var columns [digestColumns][]float64
	for _, r := range rows {
		dst = append(dst, byte(r.id-next))
		next = r.id + 1
		var present uint32
		for _, x := range r.days {
			present |= 1 << x.day
			for i, v := range [...]float64{float64(x.samples), x.max, x.mean, x.p50, x.p95, x.p99} {
				columns[i] = append(columns[i], v)
			}
		}
		dst = binary.LittleEndian.AppendUint32(dst, present)
		columns[digestColumns-1] = append(columns[digestColumns-1], r.hours[:]...)
	}
	for _, c := range columns {
		body := e.appendValues(nil, c, true)
		dst = binary.AppendUvarint(dst, uint64(len(body)))
		dst = append(dst, body...)
	}
	return dst
}

const digestColumns = 7

// digests decodes a sealed digest sheet.
func (d *decoder) digests(key, data []byte) ([]digestRow, error) {
	body, err := unseal(key, data, digestV2)
	if err != nil {
		return nil, err
	}
	return d.digestsBody(bandOf(key), body)
}

func (d *decoder) digestsBody(number uint32, body []byte) ([]digestRow, error) {
	n, body, err := uvarint(body)
	if err != nil {
		return nil, err
	}
	if n == 0 || n > bandSeries || uint64(len(body)) < 5*n || number > band(math.MaxUint32) {
		return nil, damaged("digests of %d series", n)
	}
	rows := make([]digestRow, n)
	next, days := uint64(number)*bandSeries, 0
	end := next + bandSeries
	for i := range rows {
		id := next + uint64(body[0])
		present := binary.LittleEndian.Uint32(body[1:])
		if id >= end || present == 0 || present >= 1<<spanDays {
			return nil, damaged("digest %d with days %08x", id, present)
		}
		rows[i].id, next, body = uint32(id), id+1, body[5:]
		for day := range uint32(spanDays) {
			if present&(1<<day) != 0 {
				rows[i].days = append(rows[i].days, dayDigest{day: day})
				days++
			}
		}
	}
	for part := range digestColumns {
		size, rest, err := uvarint(body)
		if err != nil {
			return nil, err
		}
		if size > uint64(len(rest)) {
			return nil, damaged("column of %d bytes in %d", size, len(rest))
		}
		want := days
		if part == digestColumns-1 {
			want = len(rows) * 24
		}
		col, err := d.values(rest[:size], want, false, nil)
		if err != nil {
			return nil, err
		}
		body = rest[size:]
		if err := fillDigests(rows, part, col.floats); err != nil {
			return nil, err
		}
	}
	if len(body) != 0 {
		return nil, damaged("%d bytes behind the digests", len(body))
	}
	return rows, nil
}

// fillDigests brings one column where it belongs.
func fillDigests(rows []digestRow, part int, v []float64) error {
	for i := range rows {
		if part == digestColumns-1 {
			v = v[copy(rows[i].hours[:], v):]
			continue
		}
		for k := range rows[i].days {
			x := &rows[i].days[k]
			switch part {
			case 0:
				if !(v[0] >= 1 && v[0] <= daySeconds) {
					return damaged("digest of %v samples", v[0])
				}
				x.samples = int(v[0])
			case 1:
				x.max = v[0]
			case 2:
				x.mean = v[0]
			case 3:
				x.p50 = v[0]
			case 4:
				x.p95 = v[0]
			default:
				x.p99 = v[0]
			}
			v = v[1:]
		}
	}
	return nil
}

// digestView is the digest sheets of a band that a worker has decoded, by span;
// nil for one that is absent or damaged.
type digestView struct {
	band  uint32
	sheet map[uint32][]digestRow
}

// digest is the digest of a series in a span, if there is one.
func (wk *worker) digest(metric byte, id, span uint32) (spanDigest, bool) {
	v := wk.digestViews[metric]
	if v == nil || v.band != band(id) {
		v = &digestView{band: band(id), sheet: map[uint32][]digestRow{}}
		wk.digestViews[metric] = v
	}
	rows, ok := v.sheet[span]
	if !ok {
		key := pieceKey(span, metric, band(id))
		if data := wk.digestBucket.Get(key); data != nil {
			rows, _ = wk.dec.digests(key, data) // Check names what is damaged
		}
		v.sheet[span] = rows
	}
	i, ok := slices.BinarySearchFunc(rows, id, func(r digestRow, id uint32) int { return cmp.Compare(r.id, id) })
	if !ok {
		return spanDigest{}, false
	}
	return rows[i].spanDigest, true
}

// Digests returns the daily digests of a series whose days touch w, ascending.
// They exist for closed spans, also where the samples have been dropped since.
func (s *Store) Digests(resource string, m cloud.Metric, w cloud.Window) ([]Digest, error) {
	var out []Digest
	if err := s.digests(resource, m, w, &out); err != nil {
		return nil, fmt.Errorf("read digests of %s: %w", resource, err)
	}
	return out, nil
}

func (s *Store) digests(resource string, m cloud.Metric, w cloud.Window, out *[]Digest) error {
	workers, done, err := s.workers(1)
	if err != nil {
		return err
	}
	defer done()
	wk, keep := workers[0], intervals(w, nil)
	return guarded(func() error {
		id, known := wk.number(resource)
		code, measured := wk.metrics[m]
		if !known || !measured || len(keep) == 0 {
			return nil
		}
		c := wk.calendar
		for _, span := range within(wk.digestSpans, c.span(keep[0].from), c.span(keep[0].to-1)) {
			d, _ := wk.digest(code, id, span)
			for _, x := range d.days {
				start := c.dayStart(span*spanDays + x.day)
				if start < keep[0].to && start+daySeconds > keep[0].from {
					*out = append(*out, Digest{Start: instant(start), Samples: x.samples, Mean: x.mean, P50: x.p50, P95: x.p95, P99: x.p99, Max: x.max})
				}
			}
		}
		return nil
	})
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
		wk.batch(names, metrics, all[0], func(i int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			name, span := names[i], all[0]
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
		d, ok := wk.digest(metric, id, number)
		if !ok {
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
