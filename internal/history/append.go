package history

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// dictionary is the numbers given to resources and metrics, as committed.
type dictionary struct {
	loaded    bool
	resources map[string]uint32
	metrics   map[cloud.Metric]byte
}

// Append stores samples in one transaction: all of them or, on an error, none.
// Series may come in any order and several times, points in any order, late
// and repeated: of two points of one instant the one written last counts,
// within one call the one that comes later.
//
// It refuses what cannot be a sample, naming the first: an instant before 1970
// or after 2106, a value that is not finite, a resource or metric without a
// name. An instant ahead of the clock is kept like any other; the caller, who
// knows the present, asks no source for the future.
func (s *Store) Append(series []cloud.Series) error {
	if err := validate(series); err != nil {
		return fmt.Errorf("append to history: %w", err)
	}
	if !slices.ContainsFunc(series, func(x cloud.Series) bool { return len(x.Points) > 0 }) {
		return nil
	}
	var added dictionary
	err := s.update(func(tx *bolt.Tx) error {
		if err := s.dict.load(tx); err != nil {
			return err
		}
		var err error
		if added, err = s.dict.enroll(tx, series); err != nil {
			return err
		}
		// Should the commit fail, the dictionary must not know what it lost.
		tx.OnCommit(func() { s.dict.adopt(added) })
		return s.putBlock(tx, s.arrange(series, added))
	})
	if err != nil {
		return fmt.Errorf("append to history: %w", err)
	}
	return nil
}

func validate(series []cloud.Series) error {
	for _, x := range series {
		switch {
		case x.Resource == "" || x.Metric == "":
			return fmt.Errorf("series without a name: resource %q, metric %q", x.Resource, x.Metric)
		case len(x.Resource) > maxName || len(x.Metric) > maxName:
			return fmt.Errorf("resource %.40q…: a name of %d bytes, allowed are %d", x.Resource, max(len(x.Resource), len(x.Metric)), maxName)
		}
		for _, p := range x.Points {
			if p.T < 0 || p.T > maxTime {
				return fmt.Errorf("resource %s, metric %s: instant %d lies outside 1970 to 2106: want Unix seconds (not milliseconds)", x.Resource, x.Metric, p.T)
			}
			if math.IsNaN(p.V) || math.IsInf(p.V, 0) {
				return fmt.Errorf("resource %s, metric %s: value %v at %d: want a finite number; a missing sample is left out", x.Resource, x.Metric, p.V, p.T)
			}
		}
	}
	return nil
}

// load reads the dictionary at the first use.
func (d *dictionary) load(tx *bolt.Tx) error {
	if d.loaded {
		return nil
	}
	d.resources, d.metrics = map[string]uint32{}, map[cloud.Metric]byte{}
	err := tx.Bucket(bucketResources).ForEach(func(k, v []byte) error {
		if len(v) != 4 {
			return damaged("number of resource %s", k)
		}
		d.resources[string(k)] = binary.BigEndian.Uint32(v)
		return nil
	})
	if err != nil {
		return err
	}
	err = tx.Bucket(bucketMetrics).ForEach(func(k, v []byte) error {
		if len(v) != 1 {
			return damaged("code of metric %s", k)
		}
		d.metrics[cloud.Metric(k)] = v[0]
		return nil
	})
	d.loaded = err == nil
	return err
}

// enroll gives numbers to resources and metrics that have none, in ascending
// order of their names: resources that are read together then lie together.
func (d *dictionary) enroll(tx *bolt.Tx, series []cloud.Series) (added dictionary, err error) {
	added = dictionary{resources: map[string]uint32{}, metrics: map[cloud.Metric]byte{}}
	var resources []string
	var metrics []cloud.Metric
	known := ""
	for _, x := range series {
		if len(x.Points) == 0 {
			continue
		}
		if x.Resource != known {
			if _, ok := d.resources[x.Resource]; !ok {
				resources = append(resources, x.Resource)
			}
			known = x.Resource
		}
		if _, ok := d.metrics[x.Metric]; !ok {
			metrics = append(metrics, x.Metric)
		}
	}
	slices.Sort(resources)
	next := uint64(len(d.resources))
	for _, name := range slices.Compact(resources) {
		if next > math.MaxUint32 {
			return added, errors.New("more resources than a history holds")
		}
		number := binary.BigEndian.AppendUint32(nil, uint32(next))
		if err := tx.Bucket(bucketResources).Put([]byte(name), number); err != nil {
			return added, err
		}
		if err := tx.Bucket(bucketNames).Put(number, []byte(name)); err != nil {
			return added, err
		}
		added.resources[name] = uint32(next)
		next++
	}
	slices.Sort(metrics)
	for _, name := range slices.Compact(metrics) {
		code := len(d.metrics) + len(added.metrics)
		if code > math.MaxUint8 {
			return added, fmt.Errorf("metric %s: a history holds at most %d metrics", name, math.MaxUint8+1)
		}
		if err := tx.Bucket(bucketMetrics).Put([]byte(name), []byte{byte(code)}); err != nil {
			return added, err
		}
		added.metrics[name] = byte(code)
	}
	return added, nil
}

func (d *dictionary) adopt(added dictionary) {
	for name, number := range added.resources {
		d.resources[name] = number
	}
	for name, code := range added.metrics {
		d.metrics[name] = code
	}
}

// coded is one series under its numbers.
type coded struct {
	metric byte
	id     uint32
	points []cloud.Point // ascending, distinct instants, at least one
}

// arrange orders series by metric and resource number and makes the points of
// each ascend, the latest write of an instant kept.
func (s *Store) arrange(series []cloud.Series, added dictionary) []coded {
	var byMetric [math.MaxUint8 + 1][]coded
	var last coded
	name := ""
	for _, x := range series {
		if len(x.Points) == 0 {
			continue
		}
		c := coded{id: last.id, points: x.Points}
		var ok bool
		if x.Resource != name { // the metrics of a resource mostly come together
			if c.id, ok = s.dict.resources[x.Resource]; !ok {
				c.id = added.resources[x.Resource]
			}
		}
		if c.metric, ok = s.dict.metrics[x.Metric]; !ok {
			c.metric = added.metrics[x.Metric]
		}
		last, name = c, x.Resource
		byMetric[c.metric] = append(byMetric[c.metric], c)
	}
	all := make([]coded, 0, len(series))
	for _, list := range byMetric {
		byNumber := func(a, b coded) int { return cmp.Compare(a.id, b.id) }
		if !slices.IsSortedFunc(list, byNumber) {
			slices.SortStableFunc(list, byNumber)
		}
		all = append(all, list...)
	}
	out := all[:0]
	for i := 0; i < len(all); {
		c := all[i]
		i++
		joined := false
		for ; i < len(all) && all[i].metric == c.metric && all[i].id == c.id; i++ {
			if !joined {
				c.points, joined = slices.Clone(c.points), true
			}
			c.points = append(c.points, all[i].points...)
		}
		if !ascending(c.points) {
			if !joined {
				c.points = slices.Clone(c.points) // the caller's slice stays as it is
			}
			c.points = tidy(c.points)
		}
		out = append(out, c)
	}
	return out
}

func ascending(points []cloud.Point) bool {
	for i := 1; i < len(points); i++ {
		if points[i].T <= points[i-1].T {
			return false
		}
	}
	return true
}

// tidy sorts points in place by instant and keeps the last of each.
func tidy(points []cloud.Point) []cloud.Point {
	if ascending(points) {
		return points
	}
	slices.SortStableFunc(points, func(a, b cloud.Point) int { return cmp.Compare(a.T, b.T) })
	out := points[:0]
	for i, p := range points {
		if i+1 < len(points) && points[i+1].T == p.T {
			continue
		}
		out = append(out, p)
	}
	return out
}
