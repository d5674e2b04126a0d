package simcloud

import (
	"encoding/json"
	"math"
	"strconv"

	"yunjian/cloud"
)

// point is one element of Datapoints.
type point struct {
	t             int64 // Unix seconds
	avg, min, max float64
}

// points appends the points of one series with timestamps in (after, q.to], at
// most limit.
//
// At the world's own step they are its samples, unchanged. A larger period
// gives one point a bucket that has samples, marked with the bucket's begin: a
// multiple of the period; a bucket shows once it is over.
func (s *Server) points(dst []point, line series, q metricQuery, after int64, limit int) []point {
	if q.period == step {
		for span := int64(0); after < q.to && len(dst) < limit; {
			// A few more steps than points are missing, for gaps; twice as many
			// each time that a long gap swallowed them all.
			need := int64(limit - len(dst))
			span = max(span, (need+need/64+12)*step)
			to := min(q.to, after+span)
			before := len(dst)
			for _, p := range s.world.Samples(line.resource, line.metric, after, to) {
				if len(dst) == limit {
					return dst
				}
				dst = append(dst, point{p.T, p.V, p.V, p.V})
			}
			if after = to; len(dst) == before {
				span *= 2
			} else {
				span = 0
			}
		}
		return dst
	}
	if q.period%60 != 0 {
		return dst // no such period: no data
	}
	lastBucket := min(floorDiv(q.to, q.period), floorDiv(q.now+step, q.period)-1)
	for bucket := floorDiv(after, q.period) + 1; bucket <= lastBucket && len(dst) < limit; {
		end := min(lastBucket, bucket+max(3, int64(limit-len(dst)))) + 1
		samples := s.world.Samples(line.resource, line.metric, bucket*q.period-1, end*q.period-1)
		dst = appendBuckets(dst, samples, q.period, limit)
		bucket = end
	}
	return dst
}

func appendBuckets(dst []point, samples []cloud.Point, period int64, limit int) []point {
	for i := 0; i < len(samples) && len(dst) < limit; {
		bucket := floorDiv(samples[i].T, period)
		p := point{t: bucket * period, min: samples[i].V, max: samples[i].V}
		sum, n := 0.0, 0
		for ; i < len(samples) && floorDiv(samples[i].T, period) == bucket; i++ {
			v := samples[i].V
			p.min, p.max = min(p.min, v), max(p.max, v)
			sum += v
			n++
		}
		p.avg = math.Round(sum/float64(n)*100) / 100
		dst = append(dst, p)
	}
	return dst
}

// Datapoints is a JSON array inside a JSON string. A page of 1,440 points is
// written by appending, without reflection: a demo pulls millions of points.

// pointPrefix is what each point of a series starts with, already escaped for
// the outer string, up to its statistics.
func pointPrefix(user, instance, device string) []byte {
	inner := `,"userId":` + quote(user) + `,"instanceId":` + quote(instance)
	if device != "" {
		inner += `,"device":` + quote(device)
	}
	outer := quote(inner)
	return []byte(outer[1 : len(outer)-1])
}

func quote(s string) string { return string(must(json.Marshal(s))) }

func appendPoints(b, prefix []byte, points []point, first bool) []byte {
	for _, p := range points {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{\"timestamp\":`...)
		b = strconv.AppendInt(b, p.t, 10)
		b = append(b, "000"...)
		b = append(b, prefix...)
		b = append(b, `,\"Minimum\":`...)
		from := len(b)
		b = appendFloat(b, p.min)
		minimum := b[from:]
		b = append(b, `,\"Average\":`...)
		if p.avg == p.min {
			b = append(b, minimum...)
		} else {
			b = appendFloat(b, p.avg)
		}
		b = append(b, `,\"Maximum\":`...)
		if p.max == p.min {
			b = append(b, minimum...)
		} else {
			b = appendFloat(b, p.max)
		}
		b = append(b, '}')
	}
	return b
}

// appendFloat writes the shortest text that reads back as v.
func appendFloat(b []byte, v float64) []byte {
	if !math.Signbit(v) && v < 1<<40 {
		// Most values have two decimals: their digits are those of an integer,
		// which must read back as the same value.
		if n := int64(v*100 + 0.5); float64(n)/100 == v {
			b = strconv.AppendInt(b, n/100, 10)
			switch {
			case n%100 == 0:
			case n%10 == 0:
				b = append(b, '.', byte('0'+n/10%10))
			default:
				b = append(b, '.', byte('0'+n/10%10), byte('0'+n%10))
			}
			return b
		}
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

func metricHead(b []byte, c *call, period int64) []byte {
	b = append(b, `{"RequestId":"`...)
	b = append(b, c.requestID...)
	b = append(b, `","Code":"200","Success":true,"Period":"`...)
	b = strconv.AppendInt(b, period, 10)
	return append(b, `","Datapoints":"[`...)
}

func metricTail(b []byte, next string) []byte {
	b = append(b, `]"`...)
	if next != "" {
		b = append(b, `,"NextToken":"`...)
		b = append(b, next...)
		b = append(b, '"')
	}
	return append(b, '}')
}
