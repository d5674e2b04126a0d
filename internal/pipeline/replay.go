package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"yunjian/backtest"
	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/internal/store"
	"yunjian/utilization"
)

// Backtest replays rules over the history of the clouds named: a result for each
// instant, in their order. Each machine has the size that it had then, and of its
// samples those at that size, while it was not powered off; machines that are gone
// by now take part in what they were there for. Samples are read once and shared by
// all rules and instants.
func (d *Data) Backtest(ctx context.Context, clouds []string, o BacktestOptions) ([]backtest.Result, error) {
	machines, err := d.lives(clouds)
	if err != nil {
		return nil, err
	}
	byID := map[string][]life{}
	var ids []string
	for _, m := range machines {
		byID[m.now.ID] = append(byID[m.now.ID], m)
		ids = append(ids, m.now.ID)
	}
	begin, last, err := d.History.Reach(ctx, ids, cloud.Metrics())
	if err != nil {
		return nil, err
	}
	if begin.IsZero() {
		return nil, errors.New("the history holds no samples of instances yet: run `yunjian collect` or `yunjian import` first")
	}
	end := last.Add(utilization.Step)
	replays, err := o.replays(begin, end)
	if err != nil {
		return nil, err
	}
	q := history.PointQuery{Resources: ids, Metrics: cloud.Metrics(), Window: cloud.Window{From: begin, To: end}, Exclude: map[string][]cloud.Window{}}
	for _, m := range machines {
		q.Exclude[m.now.ID] = m.off
	}
	studies := sync.Pool{New: func() any { return backtest.NewStudy(o.Pack, o.Location) }}
	studied := make([][]backtest.Case, len(replays)) // by replay
	done := 0
	err = history.ScanPoints(ctx, d.History, q, func(id string, points map[cloud.Metric][]cloud.Point) ([][]backtest.Case, error) {
		study := studies.Get().(*backtest.Study)
		defer studies.Put(study)
		out := make([][]backtest.Case, len(replays))
		for _, m := range byID[id] {
			for i, replay := range replays {
				if r, w, known := m.at(replay.DecideAt); known {
					out[i] = append(out[i], study.Case(replay, r, within(points, w)))
				}
			}
		}
		return out, nil
	}, func(cases [][]backtest.Case) error {
		for i := range cases {
			studied[i] = append(studied[i], cases[i]...)
		}
		if done++; o.Progress != nil {
			o.Progress(done, len(byID))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return decide(replays, studied), nil
}

// life is an instance with its sizes over time.
type life struct {
	now     cloud.Resource // as it is listed, or was last
	resizes []resize       // ascending
	off     []cloud.Window // powered off
}

// resize is a change of size, with the instance before it; nil: nobody saw.
type resize struct {
	at     time.Time
	before *cloud.Resource
}

// at is the instance as it was at t, with the window in which it had that size: open
// where its bounds are zero. False where its size at t is not known.
func (l life) at(t time.Time) (r cloud.Resource, w cloud.Window, known bool) {
	i := slices.IndexFunc(l.resizes, func(x resize) bool { return x.at.After(t) })
	was := &l.now
	if i < 0 {
		i = len(l.resizes)
	} else {
		was, w.To = l.resizes[i].before, l.resizes[i].at
	}
	if i > 0 {
		w.From = l.resizes[i-1].at
	}
	if was == nil || !sized(*was) {
		return cloud.Resource{}, cloud.Window{}, false
	}
	return *was, w, true
}

// lives gathers the instances of clouds, also those that are gone, with what is known
// of their past.
func (d *Data) lives(clouds []string) ([]life, error) {
	inventories, _, err := d.Inventories(clouds)
	if err != nil {
		return nil, err
	}
	if len(inventories) == 0 {
		return nil, ErrNothing
	}
	var instances []cloud.Resource
	for _, inv := range inventories {
		gone, err := d.State.Gone(inv.Cloud)
		if err != nil {
			return nil, err
		}
		for _, r := range slices.Concat(inv.Resources, gone) {
			if r.Kind == cloud.Instance {
				instances = append(instances, r)
			}
		}
	}
	changes, err := d.State.Changes("")
	if err != nil {
		return nil, err
	}
	always := cloud.Window{From: time.Unix(0, 0), To: time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)}
	off := poweredOff(instances, changes, always)
	sizes := map[string][]cloud.Change{}
	for _, c := range changes {
		if c.Field == cloud.ChangeSize {
			sizes[c.ResourceID] = append(sizes[c.ResourceID], c)
		}
	}
	out := make([]life, len(instances))
	for i, r := range instances {
		out[i] = life{now: r, resizes: resizes(r, sizes[r.ID]), off: off[r.ID]}
	}
	return out, nil
}

// resizes is what changes of size, which ascend in time, and the resource itself tell.
func resizes(r cloud.Resource, changes []cloud.Change) []resize {
	var out []resize
	for _, c := range changes {
		x := resize{at: c.At}
		if vcpu, memory, typ, ok := store.ParseInstanceSize(c.From); ok {
			before := r
			before.VCPU, before.MemoryGiB, before.InstanceType = vcpu, memory, typ
			x.before = &before
		}
		out = append(out, x)
	}
	told := func(x resize) bool { return x.at.Equal(r.ResizedAt) }
	if !r.ResizedAt.IsZero() && !slices.ContainsFunc(out, told) { // before anybody looked
		out = append(out, resize{at: r.ResizedAt})
		slices.SortStableFunc(out, func(a, b resize) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	}
	return out
}

// within cuts points, which ascend, to a window; a zero bound is open.
func within(points map[cloud.Metric][]cloud.Point, w cloud.Window) map[cloud.Metric][]cloud.Point {
	if w.From.IsZero() && w.To.IsZero() {
		return points
	}
	// The first point at or after t.
	first := func(list []cloud.Point, t time.Time) int {
		i, _ := slices.BinarySearchFunc(list, t, func(p cloud.Point, t time.Time) int { return time.Unix(p.T, 0).Compare(t) })
		return i
	}
	out := make(map[cloud.Metric][]cloud.Point, len(points))
	for m, list := range points {
		if !w.To.IsZero() {
			list = list[:first(list, w.To)]
		}
		if !w.From.IsZero() {
			list = list[first(list, w.From):]
		}
		if len(list) > 0 {
			out[m] = list
		}
	}
	return out
}
