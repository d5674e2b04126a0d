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

// dictionary is the numbers given to resources and metrics.
type dictionary struct {
	loaded             bool // else it is read anew at the next use
	resources, metrics names

	// What Append works in, kept from one call to the next: a province's
	// cycle takes 12 MB.
	labels []label
	sorted []coded
}

// names numbers names from 0. Cycles bring them in much the same order, so find
// looks at the one found last and at what came behind it the time before, and
// seldom needs the map.
type names struct {
	numbers map[string]uint32
	list    []string // by number
	behind  []uint32 // by number: the one found after it
	last    uint32
}

func (n *names) find(name string) (number uint32, ok bool) {
	if len(n.list) == 0 {
		return 0, false
	}
	if n.list[n.last] == name {
		return n.last, true
	}
	number = n.behind[n.last]
	if n.list[number] != name {
		if number, ok = n.numbers[name]; !ok {
			return 0, false
		}
		n.behind[n.last] = number
	}
	n.last = number
	return number, true
}

// newNames has room for n names, of which none is known.
func newNames(n int) names {
	return names{numbers: make(map[string]uint32, n), list: make([]string, n), behind: make([]uint32, n)}
}

func (n *names) set(name string, number uint32) {
	n.numbers[name], n.list[number] = number, name
}

// add gives name the next number; it must have none yet.
func (n *names) add(name string) {
	n.list, n.behind = append(n.list, ""), append(n.behind, 0)
	n.set(name, uint32(len(n.list)-1))
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
	err := s.update(func(tx *bolt.Tx) error {
		d := &s.dict
		if err := d.label(tx, series); err != nil {
			return err
		}
		d.sorted = resize(d.sorted, len(series))
		defer clear(d.sorted) // the samples are the caller's to let go
		return s.putBlock(tx, arrange(d.sorted, series, d.labels))
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
	codes, err := metricCodes(tx)
	if err != nil {
		return err
	}
	d.metrics = newNames(len(codes))
	for name, code := range codes {
		if int(code) >= len(codes) {
			return damaged("metric %s has the code %d, there are %d: restore a backup", name, code, len(codes))
		}
		d.metrics.set(string(name), uint32(code))
	}
	numbers := map[string]uint32{}
	err = tx.Bucket(bucketResources).ForEach(func(k, v []byte) error {
		if len(v) == 4 {
			numbers[string(k)] = binary.BigEndian.Uint32(v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	names := tx.Bucket(bucketNames)
	d.resources = newNames(names.Stats().KeyN)
	err = names.ForEach(func(k, v []byte) error {
		// Where damage parted name and number, Check names it, and the resource
		// gets another number: its past is missing, nobody else's is wrong.
		if number, ok := numbers[string(v)]; ok && len(k) == 4 && number == binary.BigEndian.Uint32(k) && number < uint32(len(d.resources.list)) {
			d.resources.set(string(v), number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.loaded = true
	return nil
}

// label is the numbers of a series.
type label struct {
	id     uint32
	metric byte
}

// label sets labels to the numbers of each series that has points, and gives
// numbers where there are none.
func (d *dictionary) label(tx *bolt.Tx, series []cloud.Series) error {
	if err := d.load(tx); err != nil {
		return err
	}
	d.labels = resize(d.labels, len(series))
	if d.find(series) {
		return nil
	}
	// Should the commit fail, the dictionary must not know what it lost.
	d.loaded = false
	tx.OnCommit(func() { d.loaded = true })
	if err := d.enroll(tx, series); err != nil {
		return err
	}
	d.find(series)
	return nil
}

// find sets labels, and reports whether all that is needed has numbers.
func (d *dictionary) find(series []cloud.Series) bool {
	for i, x := range series {
		if len(x.Points) == 0 {
			d.labels[i] = label{}
			continue
		}
		id, ok := d.resources.find(x.Resource)
		if !ok {
			return false
		}
		code, ok := d.metrics.find(string(x.Metric))
		if !ok {
			return false
		}
		d.labels[i] = label{id, byte(code)}
	}
	return true
}

// enroll gives numbers to resources and metrics that have none, in ascending
// order of their names: resources that are read together then lie together.
func (d *dictionary) enroll(tx *bolt.Tx, series []cloud.Series) error {
	var resources, metrics []string
	for _, x := range series {
		if len(x.Points) == 0 {
			continue
		}
		if _, ok := d.resources.find(x.Resource); !ok {
			resources = append(resources, x.Resource)
		}
		if _, ok := d.metrics.find(string(x.Metric)); !ok {
			metrics = append(metrics, string(x.Metric))
		}
	}
	slices.Sort(resources)
	for _, name := range slices.Compact(resources) {
		if uint64(len(d.resources.list)) > math.MaxUint32 {
			return errors.New("more resources than a history holds")
		}
		number := binary.BigEndian.AppendUint32(nil, uint32(len(d.resources.list)))
		if tx.Bucket(bucketNames).Get(number) != nil {
			return damaged("number %d has a name already: restore a backup", len(d.resources.list))
		}
		if err := tx.Bucket(bucketResources).Put([]byte(name), number); err != nil {
			return err
		}
		if err := tx.Bucket(bucketNames).Put(number, []byte(name)); err != nil {
			return err
		}
		d.resources.add(name)
	}
	slices.Sort(metrics)
	for _, name := range slices.Compact(metrics) {
		code := len(d.metrics.list)
		if code > math.MaxUint8 {
			return fmt.Errorf("metric %s: a history holds at most %d metrics", name, math.MaxUint8+1)
		}
		if err := tx.Bucket(bucketMetrics).Put([]byte(name), seal([]byte(name), []byte{byte(code)})); err != nil {
			return err
		}
		d.metrics.add(name)
	}
	return nil
}

// coded is one series under its numbers.
type coded struct {
	metric byte
	id     uint32
	points []cloud.Point // ascending, distinct instants, at least one
}

// arrange orders series by metric and resource number and makes the points of
// each ascend, the latest write of an instant kept. It sorts by counting: first
// by resource, then by metric, neither changing the order of equals. all has
// room for every series.
func arrange(all []coded, series []cloud.Series, labels []label) []coded {
	var next [math.MaxUint8 + 2]int // by metric: where its next series goes
	for i, l := range labels {
		if len(series[i].Points) > 0 {
			next[int(l.metric)+1]++
		}
	}
	for m := range next[1:] {
		next[m+1] += next[m]
	}
	all = all[:next[math.MaxUint8+1]]
	place := func(i int) {
		if l := labels[i]; len(series[i].Points) > 0 {
			all[next[l.metric]] = coded{metric: l.metric, id: l.id, points: series[i].Points}
			next[l.metric]++
		}
	}
	if byID := func(a, b label) int { return cmp.Compare(a.id, b.id) }; slices.IsSortedFunc(labels, byID) {
		for i := range labels {
			place(i)
		}
	} else {
		for _, i := range orderByID(labels) {
			place(int(i))
		}
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

// orderByID lists the positions of labels in ascending order of id, those of one
// id as they come.
func orderByID(labels []label) []int32 {
	order := make([]int32, len(labels))
	least, most := labels[0].id, labels[0].id
	for _, l := range labels {
		least, most = min(least, l.id), max(most, l.id)
	}
	if int(most-least) > 16*len(labels) { // too few for so many counters
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(labels[a].id, labels[b].id) })
		return order
	}
	next := make([]int32, most-least+2)
	for _, l := range labels {
		next[l.id-least+1]++
	}
	for i := range next[1:] {
		next[i+1] += next[i]
	}
	for i, l := range labels {
		order[next[l.id-least]] = int32(i)
		next[l.id-least]++
	}
	return order
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
