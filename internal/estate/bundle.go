package estate

import (
	"yunjian/cloud"
	"yunjian/collector/bundle"
)

// HasSamples reports whether a resource has samples of a metric at any time.
func (e *Estate) HasSamples(resource string, m cloud.Metric) bool {
	r, ok := e.index[resource]
	if !ok || m.Optional() {
		return false
	}
	switch r.kind {
	case cloud.Instance:
		agent := e.machines[r.i].agent == cloud.AgentRunning
		return agent || m != cloud.MemoryPercent && m != cloud.DiskPercent
	case cloud.Disk:
		d := &e.disks[r.i]
		return m == cloud.DiskPercent && d.detached == 0 && e.machines[d.machine].agent == cloud.AgentRunning
	default:
		return false
	}
}

// WriteBundle writes the estate as it is at the end of its history as a bundle
// into dir, with when machines were stopped and resized, which no API tells.
// progress, which may be nil, is told of resources done.
func (e *Estate) WriteBundle(dir string, progress func(done, total int)) error {
	samples := func(resource string) map[cloud.Metric][]cloud.Point {
		// A disk's own fill is in its machine's disk_percent, which is that of
		// the fullest disk, as an API tells it.
		if e.index[resource].kind != cloud.Instance {
			return nil
		}
		out := map[cloud.Metric][]cloud.Point{}
		for _, m := range e.Metrics() {
			if points := e.Samples(resource, m, e.start, e.end); len(points) > 0 {
				out[m] = points
			}
		}
		return out
	}
	return bundle.Write(dir, e.inventory(e.End(), true), samples, progress)
}
