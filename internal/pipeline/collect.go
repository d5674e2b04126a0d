package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/journal"
	"yunjian/internal/store"
	"yunjian/ledger"
)

// gapSpan is how far back gaps are looked for and asked for again: late points
// arrive within minutes, an agent's outage is never filled, so asking for
// longer only costs calls.
const gapSpan = 3 * 24 * time.Hour

// gapPause is the least time between two passes over the gaps of a cloud.
const gapPause = 24 * time.Hour

// minGap is the shortest hole that counts as a gap: two samples missing.
const minGap = 15 * time.Minute

// CollectOptions are the choices of one collection pass.
type CollectOptions struct {
	Metrics  []cloud.Metric
	Since    time.Time // nothing older is asked for
	Now      time.Time // nothing younger exists
	Progress func(done, total int)
	// FillGaps asks again for spans of the last days that should hold samples
	// and do not, at most once a day.
	FillGaps bool
	// Imported says that files are read in at somebody's wish.
	Imported bool
	// Again reads everything, whatever was read before: files may have been
	// corrected since.
	Again bool
	// Booking gives the settings by which the inventory is booked; nil books nothing.
	Booking store.Booking
}

// Collected is what one collection pass did.
type Collected struct {
	Cloud     string
	Inventory cloud.Inventory
	Changes   []cloud.Change
	Booked    []ledger.Entry // added to the ledger
	// Unlisted is how many resources are kept as last seen, for no listing that was read
	// to the end says that they are gone.
	Unlisted int
	Result   collector.Result
}

// Collect reads one cloud into the data folder: its inventory, then every
// sample that is not there yet. What was read before an error stays and the
// next pass takes up from there.
func (d *Data) Collect(ctx context.Context, name string, src collector.Source, o CollectOptions) (Collected, error) {
	out, err := d.collect(ctx, name, src, o)
	if rerr := d.recordPass(ctx, o, out, err); rerr != nil {
		err = errors.Join(err, fmt.Errorf("record the pass over cloud %s: %w", name, rerr))
	}
	return out, err
}

func (d *Data) collect(ctx context.Context, name string, src collector.Source, o CollectOptions) (Collected, error) {
	out := Collected{Cloud: name}
	inv, err := src.Inventory(ctx, o.Now)
	if err != nil {
		return out, fmt.Errorf("list the resources of cloud %s: %w", name, err)
	}
	inv.Cloud = name
	inv.Sort()
	out.Inventory = inv
	stored := journal.InventoryStored
	if o.Imported {
		stored = journal.InventoryImported
	}
	if out.Changes, out.Booked, err = d.State.PutInventory(inv, o.Booking, d.entry(ctx, stored, CloudObject(name))); err != nil {
		return out, fmt.Errorf("store the inventory of cloud %s: %w", name, err)
	}
	kept, _, err := d.State.Inventory(name)
	if err != nil {
		return out, err
	}
	out.Unlisted = len(kept.Resources) - len(inv.Resources)
	req, err := d.request(ctx, name, inv, o)
	if err != nil {
		return out, err
	}
	spool := spool{data: d, cloud: name}
	result, err := src.Collect(ctx, req, spool.add)
	// What was delivered is kept, whether or not the run went to its end.
	err = errors.Join(err, spool.flush())
	out.Result = result
	// Calls were made whether or not the run succeeded: they count.
	if cerr := d.State.AddCalls(name, o.Now, result.Calls); cerr != nil {
		err = errors.Join(err, fmt.Errorf("count calls: %w", cerr))
	}
	if perr := d.putPass(name, o, result, err == nil); perr != nil {
		err = errors.Join(err, fmt.Errorf("keep how it went: %w", perr))
	}
	if err != nil {
		return out, fmt.Errorf("collect cloud %s: %w", name, err)
	}
	if len(req.Gaps) > 0 {
		if err := d.State.PutJob(jobMark(gapJob(name), o.Now)); err != nil {
			return out, err
		}
	}
	return out, nil
}

// Pass is how the last collection of a cloud went.
type Pass struct {
	Cloud    string              `json:"cloud"`
	At       time.Time           `json:"at"`
	Done     bool                `json:"done"` // read to the end
	Samples  int                 `json:"samples"`
	Calls    int                 `json:"calls"`        // all calls, or files read
	Metric   int                 `json:"metric_calls"` // of Calls, those that draw on the monthly quota
	Minimum  int                 `json:"minimum"`      // metric calls that the samples need at 1,440 a call; zero where no metric was called for
	Period   time.Duration       `json:"period"`       // step of the samples asked for; zero where files decide
	Problems []collector.Problem `json:"problems,omitempty"`
}

const passPrefix = "pass:"

func (d *Data) putPass(name string, o CollectOptions, r collector.Result, done bool) error {
	p := Pass{
		Cloud: name, At: o.Now, Done: done, Samples: r.Samples,
		Metric: collector.MetricCalls(r.Calls), Minimum: r.Minimum, Period: r.Period, Problems: r.Problems,
	}
	for _, n := range r.Calls {
		p.Calls += n
	}
	if p.Metric == 0 {
		p.Minimum = 0 // files: there is nothing to compare with
	}
	detail, err := json.Marshal(p)
	if err != nil {
		return err
	}
	mark := jobMark(passPrefix+name, o.Now)
	mark.Detail = detail
	return d.State.PutJob(mark)
}

// Passes returns how the last collection of every cloud went, by name.
func (d *Data) Passes() ([]Pass, error) {
	jobs, err := d.State.Jobs()
	if err != nil {
		return nil, err
	}
	var out []Pass
	for _, j := range jobs {
		if !strings.HasPrefix(j.Name, passPrefix) {
			continue
		}
		var p Pass
		if err := json.Unmarshal(j.Detail, &p); err != nil {
			return nil, fmt.Errorf("read the last pass over cloud %s: %w", strings.TrimPrefix(j.Name, passPrefix), err)
		}
		out = append(out, p)
	}
	return out, nil
}

// Request lists the cloud and returns what Collect would ask of it, storing
// nothing.
func (d *Data) Request(ctx context.Context, name string, src collector.Source, o CollectOptions) (collector.Request, error) {
	inv, err := src.Inventory(ctx, o.Now)
	if err != nil {
		return collector.Request{}, fmt.Errorf("list the resources of cloud %s: %w", name, err)
	}
	inv.Cloud = name
	inv.Sort()
	return d.request(ctx, name, inv, o)
}

func (d *Data) request(ctx context.Context, name string, inv cloud.Inventory, o CollectOptions) (collector.Request, error) {
	known, err := d.State.Observations(name)
	if err != nil {
		return collector.Request{}, fmt.Errorf("read what is known of cloud %s: %w", name, err)
	}
	req := collector.Request{
		Inventory: inv, Metrics: o.Metrics, Since: o.Since, Now: o.Now, Progress: o.Progress,
		Through: func(resource string, m cloud.Metric) time.Time {
			return d.through(resource, m, known[resource][m].Through, o)
		},
	}
	if o.FillGaps {
		if req.Gaps, err = d.dueGaps(ctx, name, inv, known, o); err != nil {
			return collector.Request{}, err
		}
	}
	return req, nil
}

// through is up to where a series has been read. A mark that lies in the future
// was left by a clock that ran ahead: what the history really holds counts then.
func (d *Data) through(resource string, m cloud.Metric, mark time.Time, o CollectOptions) time.Time {
	if o.Again {
		return time.Time{}
	}
	if !mark.After(o.Now) {
		return mark
	}
	_, last, n, err := d.History.Extent(resource, m)
	if err != nil || n == 0 || last.After(o.Now) {
		return time.Time{}
	}
	return last
}

// MetricCalls is how many calls that draw on the cloud's monthly quota were
// made in the month of at, in at's location.
func (d *Data) MetricCalls(name string, at time.Time) (int, error) {
	calls, err := d.State.Calls(name, at.Format("2006-01"))
	if err != nil {
		return 0, fmt.Errorf("read the calls of cloud %s: %w", name, err)
	}
	return collector.MetricCalls(calls), nil
}

func gapJob(cloudName string) string { return "gaps:" + cloudName }

// missed reports whether a hole in a metric is a gap in knowledge: of an optional
// one only where it was ever observed.
func missed(m cloud.Metric, observed map[cloud.Metric]cloud.Observation) bool {
	_, seen := observed[m]
	return seen || !m.Optional()
}

// dueGaps returns the holes of the last days in the series of running
// instances, or nothing when they were asked for less than a day ago. known is
// what is observed of each.
func (d *Data) dueGaps(ctx context.Context, name string, inv cloud.Inventory, known map[string]map[cloud.Metric]cloud.Observation, o CollectOptions) ([]collector.Gap, error) {
	jobs, err := d.State.Jobs()
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		// A mark of the future was left by a clock that ran ahead.
		if since := o.Now.Sub(j.Started); j.Name == gapJob(name) && since >= 0 && since < gapPause {
			return nil, nil
		}
	}
	var running []string
	for _, r := range inv.Resources {
		if r.Kind == cloud.Instance && r.Status == cloud.Running {
			running = append(running, r.ID)
		}
	}
	if len(running) == 0 {
		return nil, nil
	}
	holes, err := d.History.Gaps(ctx, running, o.Metrics, cloud.Last(gapSpan, o.Now), minGap)
	if err != nil {
		return nil, fmt.Errorf("find gaps: %w", err)
	}
	var gaps []collector.Gap
	for _, h := range holes {
		if missed(h.Metric, known[h.Resource]) {
			gaps = append(gaps, collector.Gap{Resource: h.Resource, Metric: h.Metric, From: h.From, To: h.To})
		}
	}
	return gaps, nil
}
