package history

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
	"yunjian/utilization"
)

// scanBatch is how many resources a worker takes at once: mostly a band. Their
// summaries wait in memory, so not more.
const scanBatch = bandSeries

// Scan summarizes each resource of q and delivers what work makes of it, in
// ascending order of resource id, one call at a time.
//
// work is called on every core at once, so it must not touch what another call
// may touch, nor use the store, and neither must deliver: a write may have to wait
// for the Scan, and whoever begins to read then waits for the write. u
// holds, for each span of q, the metrics that have samples in it; it is valid
// during the call, what is kept longer must be cloned. A resource named in the
// query is worked on even where nothing is held of it; with Resources nil only
// those with samples are.
//
// All that a Scan reads is of one moment, whatever is appended meanwhile. It
// stops at the first error of work or deliver and returns it.
//
// Memory is bounded by the batches in work, not by the fleet. Chunks that
// cannot be read count as missing samples; Check names them.
func Scan[T any](ctx context.Context, s *Store, q Query, work func(resource string, u []map[cloud.Metric]utilization.Summary) (T, error), deliver func(T) error) error {
	names := slices.Clone(q.Resources)
	if q.Resources == nil {
		var err error
		if names, err = s.resources(); err != nil {
			return fmt.Errorf("scan history: %w", err)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if q.Step <= 0 {
		q.Step = utilization.Step
	}
	hull, metrics := q.hull()
	err := parallel(ctx, s, names, scanBatch, func(wk *worker, names []string) ([]T, error) {
		list, held := make([]T, len(names)), make([]bool, len(names))
		var first error
		wk.batch(names, metrics, hull, func(i int, id uint32, known bool, fresh func(code byte) []cloud.Point) {
			if first != nil {
				return
			}
			for k, span := range q.Spans {
				wk.summarize(k, span, q.Exclude[names[i]], q.Step, id, known, fresh)
				held[i] = held[i] || len(wk.found[k]) > 0
			}
			if held[i] = held[i] || q.Resources != nil; held[i] {
				list[i], first = attempt(func() (T, error) { return work(names[i], wk.found[:len(q.Spans)]) }, names[i])
			}
		})
		n := 0
		for i, x := range list {
			if held[i] {
				list[n] = x
				n++
			}
		}
		return list[:n], first
	}, func(list []T) error {
		for _, x := range list {
			if err := deliver(x); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("scan history: %w", err)
	}
	return nil
}

// attempt calls work. What it panics with is its own fault, and must not be taken
// for a damaged file.
func attempt[T any](work func() (T, error), resource string) (out T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("work on %s: panic: %v\n%s", resource, p, debug.Stack())
		}
	}()
	return work()
}

// hull is the shortest interval that holds every span, and every metric of them.
func (q Query) hull() (interval, []cloud.Metric) {
	var hull interval
	var metrics []cloud.Metric
	for _, span := range q.Spans {
		metrics = append(metrics, span.Metrics...)
		for _, x := range intervals(span.Window, nil) {
			if hull == (interval{}) {
				hull = x
			}
			hull.from, hull.to = min(hull.from, x.from), max(hull.to, x.to)
		}
	}
	slices.Sort(metrics)
	return hull, slices.Compact(metrics)
}

// summarize sets wk.found[k] to what is held of a resource in a span.
func (wk *worker) summarize(k int, span Span, exclude []cloud.Window, step time.Duration, id uint32, known bool, fresh func(code byte) []cloud.Point) {
	for len(wk.found) <= k {
		wk.found, wk.summaries = append(wk.found, map[cloud.Metric]utilization.Summary{}), append(wk.summaries, nil)
	}
	u := wk.found[k]
	clear(u)
	if !known {
		return
	}
	keep, expected := intervals(span.Window, exclude), utilization.Expected(span.Window, step, exclude...)
	for len(wk.summaries[k]) < len(span.Metrics) {
		wk.summaries[k] = append(wk.summaries[k], &utilization.Summary{})
	}
	for i, m := range span.Metrics {
		code, ok := wk.metrics[m]
		if !ok {
			continue
		}
		wk.acc.Reset(step)
		wk.series(code, id, keep, fresh(code), true, counting{wk.acc})
		if wk.acc.Samples() > 0 {
			wk.acc.SummaryInto(wk.summaries[k][i], m, span.Window, expected)
			u[m] = *wk.summaries[k][i]
		}
	}
}

// counting feeds a series into an accumulator.
type counting struct{ acc *utilization.Accumulator }

func (c counting) run(t, step int64, hundredths []uint16) { c.acc.AddRun(t, step, hundredths) }
func (c counting) point(t int64, v float64)               { c.acc.Add(t, v) }

// resources lists every resource ever appended, ascending.
func (s *Store) resources() ([]string, error) {
	var names []string
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketResources).ForEach(func(k, _ []byte) error {
			names = append(names, string(k))
			return nil
		})
	})
	return names, err
}

// worker is a reader with the kit to decode and encode what it finds. Not for
// concurrent use.
type worker struct {
	*reader
	*kit
}

// kit is coders and buffers, costly to make and so handed from one worker to
// the next.
type kit struct {
	dec         *decoder
	enc         *encoder
	acc         *utilization.Accumulator
	fresh       map[byte][][]cloud.Point               // by metric: unfolded points of a batch
	views       map[byte]*view                         // by metric
	span        interval                               // of the batch
	digestViews map[byte]*digestView                   // by metric
	found       []map[cloud.Metric]utilization.Summary // of a resource, by span
	summaries   [][]*utilization.Summary               // the memory of found
	decoded     []cloud.Point
	merged      []cloud.Point
	rows        []row         // of a band and period, and
	gathered    []cloud.Point // their points
}

func (s *Store) newKit() *kit {
	if k, ok := s.kits.Get().(*kit); ok {
		return k
	}
	return &kit{
		dec: newDecoder(), enc: newEncoder(zstd.SpeedDefault),
		acc: utilization.NewAccumulator(s.opts.Location), fresh: map[byte][][]cloud.Point{}, views: map[byte]*view{}, digestViews: map[byte]*digestView{},
	}
}

// letGo forgets what points into the file.
func (wk *worker) letGo() {
	for _, v := range wk.views {
		v.close()
	}
	wk.span = interval{}
	clear(wk.digestViews)
}

// batch looks the names up, decodes what blocks hold of them in span, and
// calls each for the index of every name, in the order in which they lie in the
// file. fresh returns the unfolded points of the resource for a metric's code.
func (wk *worker) batch(names []string, metrics []cloud.Metric, span interval, each func(i int, id uint32, known bool, fresh func(code byte) []cloud.Point)) {
	type numbered struct {
		id    uint32
		known bool
		i     int
	}
	list := make([]numbered, len(names))
	ids := make([]uint32, 0, len(names))
	for i, name := range names {
		list[i].i = i
		if list[i].id, list[i].known = wk.number(name); list[i].known {
			ids = append(ids, list[i].id)
		}
	}
	slices.SortFunc(list, func(a, b numbered) int { return cmp.Compare(a.id, b.id) })
	slices.Sort(ids)
	for _, m := range metrics {
		if code, ok := wk.metrics[m]; ok {
			wk.fresh[code] = wk.unfolded(wk.fresh[code], code, ids, span.from, span.to)
		}
	}
	wk.span = span
	for _, x := range list {
		at, _ := slices.BinarySearch(ids, x.id)
		each(x.i, x.id, x.known, func(code byte) []cloud.Point { return wk.fresh[code][at] })
	}
}

// parallel splits items into batches, lets one worker a core work on them
// within one common state of the file, and delivers the results in the order
// of the items, on the calling goroutine. At most two batches a worker are
// under way or waiting for delivery.
func parallel[I, T any](ctx context.Context, s *Store, items []I, size int, work func(wk *worker, items []I) (T, error), deliver func(T) error) error {
	if len(items) == 0 {
		return ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := (len(items) + size - 1) / size
	workers, done, err := s.workers(min(runtime.GOMAXPROCS(0), batches))
	if err != nil {
		return err
	}
	type job struct {
		items  []I
		result chan T // of capacity 1
	}
	jobs, order := make(chan job), make(chan job, 2*len(workers))
	var group sync.WaitGroup
	group.Go(func() {
		defer close(order)
		defer close(jobs)
		for chunk := range slices.Chunk(items, size) {
			j := job{chunk, make(chan T, 1)}
			select {
			case order <- j:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	})
	for _, wk := range workers {
		group.Go(func() {
			for j := range jobs {
				var result T
				err := guarded(func() (err error) {
					result, err = work(wk, j.items)
					return err
				})
				if err != nil {
					cancel(err)
					return
				}
				j.result <- result
			}
		})
	}
	defer func() {
		cancel(nil)
		group.Wait()
		done()
	}()
	for j := range order {
		select {
		case result := <-j.result:
			if err := deliver(result); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

// workers opens n readers that see the same state of the file; done closes
// them.
func (s *Store) workers(n int) (workers []*worker, done func(), err error) {
	var txs []*bolt.Tx
	var ends []func()
	done = func() {
		for _, wk := range workers {
			wk.letGo()
			s.kits.Put(wk.kit)
		}
		for _, end := range ends {
			end()
		}
	}
	for len(txs) < n {
		tx, end, err := s.begin()
		if err != nil {
			done()
			return nil, nil, err
		}
		txs, ends = append(txs, tx), append(ends, end)
		if tx.ID() != txs[0].ID() { // a write came between: take them all anew
			done()
			txs, ends = nil, nil
		}
	}
	for _, tx := range txs {
		var r *reader
		err := guarded(func() (err error) {
			r, err = s.newReader(tx)
			return err
		})
		if err != nil {
			done()
			return nil, nil, err
		}
		workers = append(workers, &worker{r, s.newKit()})
	}
	return workers, done, nil
}
