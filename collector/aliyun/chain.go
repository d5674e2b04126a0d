package aliyun

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
)

// raw is one sample of one device of a machine.
type raw struct {
	t      int64 // Unix seconds
	device string
	v      float64
}

// target is where a chain is read from.
type target struct {
	region string
	scope  scope
	query  query
	public bool // the machines have a public address: the gauge's second metric is added
}

// key tells targets apart; chains never mix two.
func (t target) key() string {
	public := ""
	if t.public {
		public = t.query.plus
	}
	return t.region + "\x00" + t.scope.organization + "\x00" + t.scope.group + "\x00" + t.query.name + "\x00" + public
}

// read reads a unit whole: the points of each of its needs, ascending.
func (s *Source) read(ctx context.Context, run *run, t target, u collector.Unit, period time.Duration) ([][]cloud.Point, error) {
	base, err := s.chain(ctx, run, t, t.query.name, u, period)
	if err != nil {
		return nil, err
	}
	points := make([][]cloud.Point, len(base))
	for i, samples := range base {
		points[i] = reduce(samples, t.query)
	}
	if !t.public || t.query.plus == "" {
		return points, nil
	}
	public, err := s.chain(ctx, run, t, t.query.plus, u, period)
	if err != nil {
		return nil, err
	}
	for i, samples := range public {
		points[i] = sum(points[i], reduce(samples, t.query))
	}
	return points, nil
}

// chain reads all pages of one CloudMonitor metric over a unit.
func (s *Source) chain(ctx context.Context, run *run, t target, name string, u collector.Unit, period time.Duration) ([][]raw, error) {
	index := make(map[string]int, len(u.Needs))
	dimensions := make([]map[string]string, len(u.Needs))
	for i, n := range u.Needs {
		index[n.Resource] = i
		dimensions[i] = map[string]string{"instanceId": n.Resource}
	}
	encoded, err := json.Marshal(dimensions)
	if err != nil {
		return nil, err
	}
	query := map[string]string{
		"Namespace": namespace, "MetricName": name, "Dimensions": string(encoded),
		"Period":    strconv.Itoa(int(period / time.Second)),
		"StartTime": strconv.FormatInt(u.From.UnixMilli(), 10),
		"EndTime":   strconv.FormatInt(u.To.UnixMilli(), 10),
		"Length":    strconv.Itoa(collector.PointsPerCall),
	}
	samples := make([][]raw, len(u.Needs))
	for i, n := range u.Needs {
		samples[i] = make([]raw, 0, min(collector.PointsPerCall, int(n.To.Sub(n.From)/period)+1))
	}
	var d decoder
	next, seen := "", map[string]bool{}
	for range maxListPages {
		if next != "" {
			query["NextToken"] = next
		}
		var page []datum
		following := ""
		c := call{product: cms, region: t.region, scope: t.scope, action: actionList, query: query}
		err := s.try(ctx, &run.tally, c, func(a answer) error {
			var err error
			if page, following, err = d.decode(a.body); err != nil {
				return err
			}
			if following != "" && (following == next || seen[following]) {
				return errors.New("the server repeats a NextToken")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			i, ok := index[p.instance]
			at := floorSecond(p.ms)
			if !ok || at <= u.From.Unix() || at > u.To.Unix() {
				continue
			}
			samples[i] = append(samples[i], raw{at, p.device, p.value})
		}
		if period != day { // the census is no sample of anything
			run.page(name, len(page))
		}
		if following == "" {
			return samples, nil
		}
		seen[next], next = true, following
	}
	return nil, &Error{Action: actionList, Class: ClassMalformed, Code: codeIncomplete, Message: "pages without end"}
}

func floorSecond(ms int64) int64 {
	at := ms / 1000
	if ms%1000 < 0 {
		at--
	}
	return at
}

// loopback is the one interface whose traffic never leaves the machine.
const loopback = "lo"

// reduce puts samples in order and makes one point an instant of them. Of two
// samples of one device at one instant the later in the answer counts.
func reduce(samples []raw, q query) []cloud.Point {
	byTime := func(a, b raw) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.device, b.device)) }
	if !slices.IsSortedFunc(samples, byTime) {
		slices.SortStableFunc(samples, byTime)
	}
	points := make([]cloud.Point, 0, len(samples))
	for i, r := range samples {
		again := i+1 < len(samples) && samples[i+1].t == r.t && samples[i+1].device == r.device
		if again || !plausible(q.metric, r.v) || q.devices == total && r.device == loopback {
			continue
		}
		last := len(points) - 1
		if last < 0 || points[last].T != r.t {
			points = append(points, cloud.Point{T: r.t, V: r.v})
			continue
		}
		switch q.devices {
		case total:
			points[last].V += r.v
		case fullest:
			points[last].V = max(points[last].V, r.v)
		case single:
			points[last].V = r.v
		}
	}
	return points
}

// sum adds b to a at the instants where both are known.
func sum(a, b []cloud.Point) []cloud.Point {
	out := a[:0]
	for _, p := range a {
		for len(b) > 0 && b[0].T < p.T {
			b = b[1:]
		}
		if len(b) > 0 && b[0].T == p.T {
			out = append(out, cloud.Point{T: p.T, V: p.V + b[0].V})
		}
	}
	return out
}
