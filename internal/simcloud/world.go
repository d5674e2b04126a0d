package simcloud

import (
	"slices"
	"sync"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
)

// cacheSamples is how many samples of a bundle are kept in memory: about 400
// machines × 30 days × 6 metrics at 16 bytes, 300 MB.
const cacheSamples = 20_000_000

// FromBundle serves a bundle. Its inventory does not change over time. A
// sample file that cannot be read has no samples. New reads every file once for
// the metrics and the end of the bundle; from then on at most cacheSamples are
// in memory, and those of the files being read.
func FromBundle(b *bundle.Bundle) World {
	return &bundleWorld{b: b, limit: cacheSamples, cached: map[string]*bundleEntry{}}
}

type bundleWorld struct {
	b      *bundle.Bundle
	limit  int // samples kept
	mu     sync.Mutex
	cached map[string]*bundleEntry
	order  []string // oldest first
	size   int
}

// bundleEntry is the samples of one resource, read once.
type bundleEntry struct {
	once    sync.Once
	samples map[cloud.Metric][]cloud.Point
}

func (w *bundleWorld) Inventory(at time.Time) cloud.Inventory {
	inv := w.b.Inventory()
	inv.TakenAt = at.UTC()
	return inv
}

func (w *bundleWorld) Metrics() []cloud.Metric { return w.b.Metrics() }
func (w *bundleWorld) End() time.Time          { return w.b.End() }

func (w *bundleWorld) HasSamples(resource string, m cloud.Metric) bool {
	return len(w.read(resource)[m]) > 0
}

func (w *bundleWorld) Samples(resource string, m cloud.Metric, from, to int64) []cloud.Point {
	points := w.read(resource)[m]
	after := func(t int64) int {
		i, _ := slices.BinarySearchFunc(points, t, func(p cloud.Point, t int64) int {
			if p.T <= t {
				return -1
			}
			return 1
		})
		return i
	}
	i := after(from)
	return points[i:max(i, after(to))]
}

// read returns the samples of a resource, from memory or from its file.
// Readers of one resource wait for each other, others do not.
func (w *bundleWorld) read(resource string) map[cloud.Metric][]cloud.Point {
	w.mu.Lock()
	e := w.cached[resource]
	if e == nil {
		e = &bundleEntry{}
		w.cached[resource] = e
	}
	w.mu.Unlock()
	e.once.Do(func() {
		e.samples, _ = w.b.Samples(resource)
		w.keep(resource, e)
	})
	return e.samples
}

// keep counts a new entry and drops the oldest while there are too many
// samples.
func (w *bundleWorld) keep(resource string, e *bundleEntry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.size += e.count()
	w.order = append(w.order, resource)
	for w.size > w.limit && len(w.order) > 1 {
		oldest := w.order[0]
		w.order = w.order[1:]
		w.size -= w.cached[oldest].count()
		delete(w.cached, oldest)
	}
}

func (e *bundleEntry) count() int {
	n := 0
	for _, points := range e.samples {
		n += len(points)
	}
	return n
}

// Releasing is a world in which resources are gone from an instant on, each with the
// disks of an instance and without its addresses, which stay behind unbound.
func Releasing(w World, gone map[string]time.Time) World {
	if len(gone) == 0 {
		return w
	}
	r := releasing{w, gone}
	if known, ok := w.(knowing); ok {
		return releasingKnown{r, known}
	}
	return r
}

// knowing is what a World may also know; see there.
type knowing interface {
	HasSamples(resource string, m cloud.Metric) bool
}

type releasing struct {
	World
	gone map[string]time.Time
}

type releasingKnown struct {
	releasing
	knowing
}

func (w releasing) Inventory(at time.Time) cloud.Inventory {
	inv := w.World.Inventory(at)
	released := func(id string) bool { end, named := w.gone[id]; return named && !at.Before(end) }
	inv.Resources = slices.DeleteFunc(slices.Clone(inv.Resources), func(r cloud.Resource) bool {
		return released(r.ID) || r.Kind == cloud.Disk && released(r.AttachedTo)
	})
	for i := range inv.Resources {
		if r := &inv.Resources[i]; r.Kind == cloud.EIP && released(r.AttachedTo) {
			r.AttachedTo, r.Status = "", cloud.Available
		}
	}
	return inv
}
