package bundle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
)

// batchPoints is how many samples one Batch holds at least, save the last: some
// forty resources of a month, or one of a year.
const batchPoints = 70_000

// Source presents a bundle as a cloud. It implements collector.Source.
type Source struct {
	bundle *Bundle
	cloud  string
}

// Source returns the bundle as the cloud of that name.
func (b *Bundle) Source(cloudName string) *Source { return &Source{b, cloudName} }

// Inventory returns what the bundle lists, taken at now: a bundle does not say
// when it was made. It cannot fail, but ends with ctx.
func (s *Source) Inventory(ctx context.Context, now time.Time) (cloud.Inventory, error) {
	if err := ctx.Err(); err != nil {
		return cloud.Inventory{}, err
	}
	inv := s.bundle.Inventory()
	inv.Cloud, inv.TakenAt = s.cloud, now.UTC()
	for i := range inv.Resources {
		inv.Resources[i].Cloud = s.cloud
	}
	return inv, nil
}

// Collect reads the sample file of every instance, and of every other resource
// that has one, in the order of ids.
//
// What is delivered lies in (Since, Now] and after Through, or in a gap. What
// is observed of a metric is: Failed when the file could not be read; Observed
// when samples were delivered, or when the file holds samples in (Since, Now]
// that an earlier run delivered; Stopped when there is nothing new and the
// resource is powered off; NoAgent for memory and disk fill without a running
// agent; NotOffered when the file has no such column; NoData otherwise. Of an
// optional metric only samples are observed, and nothing is missed. Known
// through is the last row of the resource's own file, at most Now: other files
// may have been written further when an export is under way, and a later one
// may bring more.
func (s *Source) Collect(ctx context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	if req.Metrics == nil {
		req.Metrics = cloud.Metrics()
	}
	run := collection{
		req:     req,
		gaps:    map[series][]collector.Gap{},
		result:  collector.Result{Calls: map[string]int{}},
		lacking: map[lack]*lacks{},
	}
	for _, g := range req.Gaps {
		key := series{g.Resource, g.Metric}
		run.gaps[key] = append(run.gaps[key], g)
	}
	resources := slices.DeleteFunc(slices.Clone(req.Inventory.Resources), func(r cloud.Resource) bool {
		return r.Kind != cloud.Instance && s.bundle.files[r.ID] == ""
	})
	slices.SortFunc(resources, func(a, b cloud.Resource) int { return cmp.Compare(a.ID, b.ID) })

	var (
		reader sampleReader
		batch  collector.Batch
		points int
	)
	flush := func() error {
		if len(batch.Observations) == 0 {
			return nil
		}
		if err := deliver(batch); err != nil {
			return fmt.Errorf("deliver samples of bundle: %w", err)
		}
		run.result.Samples += points
		batch, points = collector.Batch{}, 0
		return nil
	}
	for i, r := range resources {
		if err := ctx.Err(); err != nil {
			return run.end(), err
		}
		file := s.bundle.files[r.ID]
		content, err := reader.read(s.bundle.dir, file)
		if file != "" {
			run.result.Calls["file"]++
		}
		for _, m := range req.Metrics {
			o, found, said := run.judge(r, m, file, content, err)
			if !said {
				continue
			}
			batch.Observations = append(batch.Observations, o)
			if len(found) > 0 {
				batch.Series = append(batch.Series, cloud.Series{Resource: r.ID, Metric: m, Points: found})
				points += len(found)
			}
		}
		if points >= batchPoints || len(batch.Observations) >= batchPoints/10 {
			if err := flush(); err != nil {
				return run.end(), err
			}
		}
		if req.Progress != nil {
			req.Progress(i+1, len(resources))
		}
	}
	if err := flush(); err != nil {
		return run.end(), err
	}
	return run.end(), nil
}

type series struct {
	resource string
	metric   cloud.Metric
}

// lack is one way in which series came without samples.
type lack struct {
	availability cloud.Availability
	metric       cloud.Metric // empty for Failed
}

type lacks struct {
	resources int
	details   []string // the first few
}

// collection is one run of Collect.
type collection struct {
	req     collector.Request
	gaps    map[series][]collector.Gap
	result  collector.Result
	lacking map[lack]*lacks
	failed  string // the resource last counted as failed
}

// judge says what is known of one series and which samples are to be
// delivered; said is false where it is optional and there is nothing to say.
func (c *collection) judge(r cloud.Resource, m cloud.Metric, file string, content samples, err error) (o cloud.Observation, wanted []cloud.Point, said bool) {
	o = cloud.Observation{Resource: r.ID, Metric: m, From: c.req.Since.UTC()}
	if err != nil {
		if m.Optional() {
			return o, nil, false
		}
		o.Availability, o.Detail = cloud.Failed, err.Error()
		if c.failed != r.ID {
			c.failed = r.ID
			c.count(lack{availability: cloud.Failed}, err.Error())
		}
		return o, nil, true
	}
	o.Through = unixTime(content.last)
	if o.Through.After(c.req.Now) {
		o.Through = c.req.Now.UTC()
	}
	column := slices.Index(content.metrics, m)
	known := false
	if column >= 0 {
		inSpan := between(content.points[column], c.req.Since, c.req.Now)
		known = len(inSpan) > 0
		wanted = c.wanted(r.ID, m, inSpan)
	}
	needsAgent := m == cloud.MemoryPercent || m == cloud.DiskPercent
	noAgent := r.Agent == cloud.AgentAbsent || r.Agent == cloud.AgentStopped
	switch {
	case len(wanted) > 0:
		o.Availability = cloud.Observed
	case m.Optional() && !known:
		return o, nil, false
	case r.Status == cloud.PoweredOff:
		o.Availability = cloud.Stopped
	case known:
		o.Availability = cloud.Observed
	case needsAgent && noAgent:
		o.Availability = cloud.NoAgent
	case file != "" && column < 0:
		o.Availability = cloud.NotOffered
		o.Detail = "no column " + string(m)
		if len(content.unknown) > 0 {
			o.Detail += "; columns not known: " + shortened(content.unknown)
		}
	default:
		o.Availability = cloud.NoData
		if file == "" {
			o.Detail = "no sample file"
		}
	}
	if o.Availability == cloud.Observed && m == cloud.CPUPercent {
		o.Origin = cloud.OriginFile
	}
	if o.Availability != cloud.Observed && o.Availability != cloud.Stopped {
		c.count(lack{o.Availability, m}, o.Detail)
	}
	return o, wanted, true
}

func shortened(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// wanted returns the points that no earlier run has read, and those in gaps.
func (c *collection) wanted(resource string, m cloud.Metric, points []cloud.Point) []cloud.Point {
	var read time.Time
	if c.req.Through != nil {
		read = c.req.Through(resource, m)
	}
	gaps := c.gaps[series{resource, m}]
	if len(gaps) == 0 || read.IsZero() {
		return between(points, read, c.req.Now)
	}
	return slices.DeleteFunc(slices.Clone(points), func(p cloud.Point) bool {
		return p.T <= read.Unix() && !slices.ContainsFunc(gaps, func(g collector.Gap) bool {
			return p.T > g.From.Unix() && p.T <= g.To.Unix()
		})
	})
}

// between returns the points in (from, to], a part of points; a zero bound
// does not bound.
func between(points []cloud.Point, from, to time.Time) []cloud.Point {
	after := func(t time.Time) int {
		n, _ := slices.BinarySearchFunc(points, t.Unix(), func(p cloud.Point, t int64) int {
			if p.T <= t {
				return -1
			}
			return 1
		})
		return n
	}
	first, end := 0, len(points)
	if !from.IsZero() {
		first = after(from)
	}
	if !to.IsZero() {
		end = after(to)
	}
	return points[first:max(first, end)]
}

func (c *collection) count(l lack, detail string) {
	x := c.lacking[l]
	if x == nil {
		x = &lacks{}
		c.lacking[l] = x
	}
	x.resources++
	if len(x.details) < 3 && detail != "" && !slices.Contains(x.details, detail) {
		x.details = append(x.details, detail)
	}
}

// end completes the result: what people should act on, once each.
func (c *collection) end() collector.Result {
	res := c.result
	res.Minimum = (res.Samples + 1439) / 1440
	for l, x := range c.lacking {
		res.Problems = append(res.Problems, collector.Problem{
			Availability: l.availability, Metric: l.metric, Resources: x.resources, Message: l.message(x),
		})
	}
	slices.SortFunc(res.Problems, func(a, b collector.Problem) int {
		return cmp.Or(cmp.Compare(a.Availability, b.Availability), cmp.Compare(a.Metric, b.Metric))
	})
	return res
}

func (l lack) message(x *lacks) string {
	var text string
	switch l.availability {
	case cloud.Failed:
		text = fmt.Sprintf("%d sample files were refused whole; mend them and import again", x.resources)
	case cloud.NoAgent:
		text = fmt.Sprintf("%s of %d resources is missing because the monitoring agent does not run there", l.metric, x.resources)
	case cloud.NotOffered:
		text = fmt.Sprintf("%s is not in the sample files of %d resources", l.metric, x.resources)
	default:
		text = fmt.Sprintf("%s of %d resources has no samples in the span asked for", l.metric, x.resources)
	}
	if len(x.details) > 0 {
		text += ": " + strings.Join(x.details, "; ")
	}
	return text
}

// Interface check: a Source is a collector.Source.
var _ collector.Source = (*Source)(nil)
