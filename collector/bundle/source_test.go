package bundle

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
	"yunjian/collector"
)

func unix(t int64) time.Time { return time.Unix(t, 0).UTC() }

// fleet has one resource for each way of having, and not having, samples.
var fleet = map[string]string{
	"inventory.csv": `resource_id,kind,status,agent
agentless,instance,running,absent
broken,instance,running,
cut-off,instance,running,
disk-1,disk,available,
disk-2,disk,in_use,
fine,instance,running,running
headless,instance,running,
off,instance,stopped,absent
off-now,instance,stopped,
`,
	"samples/agentless.csv":  "timestamp,cpu_percent,memory_percent,typo\n1700000000,1,,\n1700000300,2,,\n",
	"samples/broken.csv":     "timestamp,cpu_percent,memory_percent\n1700000000,1,2\n1700000300,101,2\n",
	"samples/disk-2.csv":     "timestamp,disk_read_bps\n1700000300,7\n",
	"samples/fine.csv.gz":    "", // set by the test
	"samples/headless.csv":   "timestamp,cpu_percent,memory_percent\n",
	"samples/off-now.csv":    "timestamp,cpu_percent,memory_percent\n1700000000,5,6\n",
	"samples/off.csv":        "timestamp,cpu_percent\n",
	"samples/stranger.csv":   "timestamp,cpu_percent\n1900000000,1\n",
	"instance_types.csv":     "instance_type,family,vcpu,memory_gib\n",
	"samples/.hidden.csv.gz": "",
}

func fleetBundle(t *testing.T) *Bundle {
	files := map[string]string{}
	for name, text := range fleet {
		files[name] = text
	}
	files["samples/fine.csv.gz"] = zipped(t, "timestamp,cpu_percent,memory_percent\n1700000000,1.25,50\n1700000300,2.5,\n1700000600,3,52\n1700000900,4,53\n")
	return open(t, files)
}

type delivered struct {
	points       map[series][]cloud.Point
	observations []cloud.Observation
}

func collect(t *testing.T, src *Source, req collector.Request) (delivered, collector.Result) {
	t.Helper()
	inv, err := src.Inventory(t.Context(), req.Now)
	if err != nil {
		t.Fatal(err)
	}
	req.Inventory = inv
	got := delivered{points: map[series][]cloud.Point{}}
	res, err := src.Collect(t.Context(), req, func(b collector.Batch) error {
		for _, s := range b.Series {
			got.points[series{s.Resource, s.Metric}] = append(got.points[series{s.Resource, s.Metric}], s.Points...)
		}
		got.observations = append(got.observations, b.Observations...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, res
}

func TestCollect(t *testing.T) {
	src := fleetBundle(t).Source("exported")
	var progress []int
	req := collector.Request{
		Metrics: []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent},
		Since:   unix(1699999999), Now: unix(1700000700),
		Progress: func(done, total int) { progress = append(progress, done, total) },
	}
	got, res := collect(t, src, req)
	points := map[series][]cloud.Point{
		{"agentless", cloud.CPUPercent}: {{T: 1700000000, V: 1}, {T: 1700000300, V: 2}},
		{"fine", cloud.CPUPercent}:      {{T: 1700000000, V: 1.25}, {T: 1700000300, V: 2.5}, {T: 1700000600, V: 3}},
		{"fine", cloud.MemoryPercent}:   {{T: 1700000000, V: 50}, {T: 1700000600, V: 52}},
		{"off-now", cloud.CPUPercent}:   {{T: 1700000000, V: 5}},
		{"off-now", cloud.MemoryPercent}: {
			{T: 1700000000, V: 6},
		},
	}
	if diff := cmp.Diff(points, got.points, cmp.AllowUnexported(series{})); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	// Known through is the last row of the resource's own file, at most Now.
	through := map[string]time.Time{"agentless": unix(1700000300), "disk-2": unix(1700000300), "fine": req.Now, "off-now": unix(1700000000)}
	see := func(id string, m cloud.Metric, a cloud.Availability, detail string) cloud.Observation {
		o := cloud.Observation{Resource: id, Metric: m, Availability: a, From: req.Since, Through: through[id], Detail: detail}
		if a == cloud.Observed && m == cloud.CPUPercent {
			o.Origin = cloud.OriginFile
		}
		return o
	}
	const cpu, memory = cloud.CPUPercent, cloud.MemoryPercent
	refused := `samples/broken.csv:3: cpu_percent: found "101"; want a percentage from 0 to 100, or nothing where missing`
	observations := []cloud.Observation{
		see("agentless", cpu, cloud.Observed, ""),
		see("agentless", memory, cloud.NoAgent, ""),
		see("broken", cpu, cloud.Failed, refused),
		see("broken", memory, cloud.Failed, refused),
		see("cut-off", cpu, cloud.NoData, "no sample file"),
		see("cut-off", memory, cloud.NoData, "no sample file"),
		see("disk-2", cpu, cloud.NotOffered, "no column cpu_percent"),
		see("disk-2", memory, cloud.NotOffered, "no column memory_percent"),
		see("fine", cpu, cloud.Observed, ""),
		see("fine", memory, cloud.Observed, ""),
		see("headless", cpu, cloud.NoData, ""),
		see("headless", memory, cloud.NoData, ""),
		see("off", cpu, cloud.Stopped, ""),
		see("off", memory, cloud.Stopped, ""),
		see("off-now", cpu, cloud.Observed, ""),
		see("off-now", memory, cloud.Observed, ""),
	}
	if diff := cmp.Diff(observations, got.observations); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	result := collector.Result{
		Samples: 9, Calls: map[string]int{"file": 7}, Minimum: 1,
		Problems: []collector.Problem{
			{Availability: cloud.Failed, Resources: 1, Message: "1 sample files were refused whole; mend them and import again: " + refused},
			{Availability: cloud.NoAgent, Metric: memory, Resources: 1, Message: "memory_percent of 1 resources is missing because the monitoring agent does not run there"},
			{Availability: cloud.NoData, Metric: cpu, Resources: 2, Message: "cpu_percent of 2 resources has no samples in the span asked for: no sample file"},
			{Availability: cloud.NoData, Metric: memory, Resources: 2, Message: "memory_percent of 2 resources has no samples in the span asked for: no sample file"},
			{Availability: cloud.NotOffered, Metric: cpu, Resources: 1, Message: "cpu_percent is not in the sample files of 1 resources: no column cpu_percent"},
			{Availability: cloud.NotOffered, Metric: memory, Resources: 1, Message: "memory_percent is not in the sample files of 1 resources: no column memory_percent"},
		},
	}
	if diff := cmp.Diff(result, res); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if want := []int{1, 8, 2, 8, 3, 8, 4, 8, 5, 8, 6, 8, 7, 8, 8, 8}; !slices.Equal(progress, want) {
		t.Errorf("progress: %v, want %v", progress, want)
	}
}

// The absence of CPU steal is no gap: nothing is observed of it, and nobody is told.
func TestCollectOptional(t *testing.T) {
	src := open(t, map[string]string{
		"inventory.csv":       "resource_id\nbroken\nempty\nstolen\nwithout\n",
		"samples/broken.csv":  "timestamp,cpu_percent,steal_percent\n1700000000,1,100.5\n",
		"samples/empty.csv":   "timestamp,cpu_percent,steal_percent\n1700000000,1,\n",
		"samples/stolen.csv":  "timestamp,cpu_percent,steal_percent\n1700000000,1,0\n1700000300,2,100\n",
		"samples/without.csv": "timestamp,cpu_percent\n1700000000,1\n",
	}).Source("exported")
	req := collector.Request{Metrics: []cloud.Metric{cloud.CPUPercent, cloud.StealPercent}, Now: unix(1700000300)}
	got, res := collect(t, src, req)
	want := []cloud.Point{{T: 1700000000, V: 0}, {T: 1700000300, V: 100}}
	if diff := cmp.Diff(want, got.points[series{"stolen", cloud.StealPercent}]); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	var observed []cloud.Observation
	for _, o := range got.observations {
		if o.Metric == cloud.StealPercent {
			observed = append(observed, o)
		}
	}
	seen := []cloud.Observation{{Resource: "stolen", Metric: cloud.StealPercent, Availability: cloud.Observed, Through: req.Now}}
	if diff := cmp.Diff(seen, observed); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	problems := []collector.Problem{{
		Availability: cloud.Failed, Resources: 1,
		Message: `1 sample files were refused whole; mend them and import again: samples/broken.csv:2: steal_percent: found "100.5"; want a percentage from 0 to 100, or nothing where missing`,
	}}
	if diff := cmp.Diff(problems, res.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCollectTakesUpWhereTheLastRunEnded(t *testing.T) {
	src := fleetBundle(t).Source("exported")
	read := unix(1700000300)
	got, _ := collect(t, src, collector.Request{
		Metrics: []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent},
		Since:   unix(1600000000), Now: unix(1800000000),
		Through: func(string, cloud.Metric) time.Time { return read },
		Gaps:    []collector.Gap{{Resource: "fine", Metric: cloud.CPUPercent, From: unix(1699999999), To: unix(1700000000)}},
	})
	want := map[series][]cloud.Point{
		{"fine", cloud.CPUPercent}:    {{T: 1700000000, V: 1.25}, {T: 1700000600, V: 3}, {T: 1700000900, V: 4}},
		{"fine", cloud.MemoryPercent}: {{T: 1700000600, V: 52}, {T: 1700000900, V: 53}},
	}
	if diff := cmp.Diff(want, got.points, cmp.AllowUnexported(series{})); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	for _, o := range got.observations {
		if o.Resource == "fine" && !o.Through.Equal(unix(1700000900)) {
			t.Errorf("%s: through %v, want the last row of its file", o.Metric, o.Through)
		}
		switch {
		case o.Resource == "agentless" && o.Metric == cloud.CPUPercent && o.Availability != cloud.Observed:
			t.Errorf("what an earlier run read is %s, want observed", o.Availability)
		case o.Resource == "off-now" && o.Availability != cloud.Stopped:
			t.Errorf("powered off without newer samples is %s, want stopped", o.Availability)
		}
	}
}

func TestCollectEnds(t *testing.T) {
	src := fleetBundle(t).Source("exported")
	inv, err := src.Inventory(t.Context(), unix(1700000900))
	if err != nil {
		t.Fatal(err)
	}
	req := collector.Request{Inventory: inv, Metrics: cloud.Metrics(), Now: unix(1700000900)}
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	req.Progress = func(n, _ int) { done = n; cancel() }
	if _, err := src.Collect(ctx, req, func(collector.Batch) error { return nil }); !errors.Is(err, context.Canceled) || done != 1 {
		t.Errorf("error after %d resources: %v, want canceled after 1", done, err)
	}
	req.Progress = nil
	full := errors.New("disk full")
	res, err := src.Collect(t.Context(), req, func(collector.Batch) error { return full })
	if !errors.Is(err, full) || res.Samples != 0 {
		t.Errorf("error %v, samples %d; want disk full and none", err, res.Samples)
	}
}

func TestCollectWithoutMetricsNamedIsOfAll(t *testing.T) {
	b := fleetBundle(t)
	named, _ := collect(t, b.Source("c"), collector.Request{Metrics: cloud.Metrics()})
	all, _ := collect(t, b.Source("c"), collector.Request{})
	if len(all.points) == 0 || len(all.points) != len(named.points) || len(all.observations) != len(named.observations) {
		t.Errorf("%d series and %d observations, want %d and %d", len(all.points), len(all.observations), len(named.points), len(named.observations))
	}
}
