package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/internal/estate"
)

const (
	step   = 300 // seconds between samples
	perDay = 86400 / step
)

// metrics are what every engine is loaded with.
var metrics = []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent}

// start is when generated data begin: a Monday, as spans of internal/history do.
var start = time.Date(2026, 8, 23, 16, 0, 0, 0, time.UTC)

// zone is where days are cut.
var zone = time.FixedZone("UTC+8", 8*3600)

// dataset is what one comparison is about: whole series by resource and metric.
type dataset struct {
	name    string
	metrics []cloud.Metric
	window  cloud.Window // holds every sample; begins on the step before the first
	series  []cloud.Series
}

func (d dataset) samples() int {
	n := 0
	for _, s := range d.series {
		n += len(s.Points)
	}
	return n
}

// only is the dataset of one metric.
func (d dataset) only(m cloud.Metric) dataset {
	out := dataset{name: d.name + " " + string(m), metrics: []cloud.Metric{m}, window: d.window}
	for _, s := range d.series {
		if s.Metric == m {
			out.series = append(out.series, s)
		}
	}
	return out
}

// wave makes one series of generated utilization, sample by sample:
//
//	v(i) = base + swing × sin(2π i / 288) + drift(i), cut to 0 … 100, two decimals
//	drift(i) = 0.9 × drift(i-1) + spread × N(0, 1)
//
// with base from 5 to 45, swing from 0 to 20 and spread from 0.2 to 1.2, drawn
// once a series: a daily shape with autocorrelated noise. A quieter wave has
// its spread multiplied by less than 1.
type wave struct {
	random              rand.PCG
	base, swing, spread float64
	drift               float64
	first               int64 // instant of sample 0
	i                   int
}

func newWave(seed uint64, loudness float64) wave {
	s := wave{random: *rand.NewPCG(seed, 99), first: start.Unix()}
	random := rand.New(&s.random)
	s.base, s.swing, s.spread = 5+40*random.Float64(), 20*random.Float64(), loudness*(0.2+random.Float64())
	return s
}

var daily = func() (shape [perDay]float64) {
	for i := range shape {
		shape[i] = math.Sin(2 * math.Pi * float64(i) / perDay)
	}
	return shape
}()

// fill makes the next samples, one for each place in points.
func (s *wave) fill(points []cloud.Point) {
	random := rand.New(&s.random)
	for j := range points {
		s.drift = 0.9*s.drift + s.spread*random.NormFloat64()
		v := s.base + s.swing*daily[s.i%perDay] + s.drift
		points[j] = cloud.Point{T: s.first + int64(s.i)*step, V: math.Round(min(max(v, 0), 100)*100) / 100}
		s.i++
	}
}

// cycleTime is how long after the start cycle i is.
func cycleTime(i int) time.Duration { return time.Duration(i) * step * time.Second }

func instance(i int) string { return fmt.Sprintf("i-%06d", i) }

// generated is the dataset of waves.
func generated(name string, instances, days int, loudness float64) dataset {
	d := dataset{name: name, metrics: metrics, window: cloud.Window{From: start, To: start.AddDate(0, 0, days)}}
	d.series = make([]cloud.Series, instances*len(metrics))
	parallel(len(d.series), func(i int) {
		s := newWave(uint64(i), loudness)
		points := make([]cloud.Point, days*perDay)
		s.fill(points)
		d.series[i] = cloud.Series{Resource: instance(i / len(metrics)), Metric: metrics[i%len(metrics)], Points: points}
	})
	return d
}

// parallel does f for 0 … n-1 on all cores.
func parallel(n int, f func(i int)) {
	var g sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	g.Wait()
}

// ofEstate is the dataset of the simulated government cloud, with its gaps.
func ofEstate(instances, days int) dataset {
	e := estate.New(estate.Options{Instances: instances, Days: days, Seed: 1, End: start.AddDate(0, 0, days)})
	d := dataset{name: "estate", metrics: metrics, window: cloud.Window{From: e.Start(), To: e.End().Add(time.Second)}}
	for _, r := range e.Inventory(e.End()).Resources {
		for _, m := range metrics {
			if r.Kind != cloud.Instance || !e.HasSamples(r.ID, m) {
				continue
			}
			if p := e.Samples(r.ID, m, e.Start().Unix(), e.End().Unix()); len(p) > 0 {
				d.series = append(d.series, cloud.Series{Resource: r.ID, Metric: m, Points: p})
			}
		}
	}
	d.sort()
	return d
}

// ofBundle reads CPU and memory of a bundle folder. Its error wraps
// fs.ErrNotExist where there is no such folder.
func ofBundle(folder string) (dataset, error) {
	d := dataset{name: filepath.Base(folder), metrics: metrics[:2]}
	b, err := bundle.Open(folder)
	if err != nil {
		return d, err
	}
	first, last := int64(math.MaxInt64), int64(0)
	for _, r := range b.Inventory().Resources {
		points, err := b.Samples(r.ID)
		if err != nil {
			return d, err
		}
		for _, m := range d.metrics {
			if p := points[m]; len(p) > 0 {
				d.series = append(d.series, cloud.Series{Resource: r.ID, Metric: m, Points: p})
				first, last = min(first, p[0].T), max(last, p[len(p)-1].T)
			}
		}
	}
	d.window = cloud.Window{From: time.Unix(first, 0), To: time.Unix(last+step, 0)}
	d.sort()
	return d, nil
}

func (d *dataset) sort() {
	slices.SortFunc(d.series, func(a, b cloud.Series) int {
		if a.Resource != b.Resource {
			return strings.Compare(a.Resource, b.Resource)
		}
		return slices.Index(d.metrics, a.Metric) - slices.Index(d.metrics, b.Metric)
	})
}
