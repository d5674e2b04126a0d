package bundle_test

import (
	"slices"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/collector/collectortest"
)

// A fleet of a week with a hole, a late start, a machine without memory column
// and one that is off.
func TestContract(t *testing.T) {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	end := start.Add(7 * 24 * time.Hour)
	truth := map[string]map[cloud.Metric][]cloud.Point{}
	inv := cloud.Inventory{}
	for i, id := range []string{"vm-a", "vm-b", "vm-c", "vm-d"} {
		r := cloud.Resource{ID: id, Kind: cloud.Instance, Region: "r", VCPU: 2, MemoryGiB: 8, Status: cloud.Running}
		if id == "vm-d" {
			r.Status = cloud.PoweredOff
			inv.Resources = append(inv.Resources, r)
			continue
		}
		inv.Resources = append(inv.Resources, r)
		truth[id] = map[cloud.Metric][]cloud.Point{cloud.CPUPercent: nil, cloud.NetworkInBPS: nil}
		if id != "vm-b" {
			truth[id][cloud.MemoryPercent] = nil
		}
		if id == "vm-c" {
			truth[id][cloud.StealPercent] = nil
		}
		for n := range 7 * 288 {
			if (id == "vm-a" && n > 500 && n < 900) || (id == "vm-c" && n < 1000) {
				continue
			}
			at := start.Add(time.Duration(n+1) * 5 * time.Minute).Unix()
			for m := range truth[id] {
				v := float64((n*37+i*11)%10001) / 100
				if m.Unit() != cloud.Percent {
					v = float64(n * 1000)
				}
				truth[id][m] = append(truth[id][m], cloud.Point{T: at, V: v})
			}
		}
	}
	dir := t.TempDir()
	if err := bundle.Write(dir, inv, func(id string) map[cloud.Metric][]cloud.Point { return truth[id] }, nil); err != nil {
		t.Fatal(err)
	}
	collectortest.Run(t, func(t *testing.T) collectortest.Fixture {
		b, err := bundle.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return collectortest.Fixture{
			Source: b.Source("exported"), Since: start, Now: end, Step: 5 * time.Minute,
			Truth: func(r cloud.Resource, m cloud.Metric, from, to time.Time) []cloud.Point {
				return slices.DeleteFunc(slices.Clone(truth[r.ID][m]), func(p cloud.Point) bool {
					return p.T <= from.Unix() || p.T > to.Unix()
				})
			},
		}
	})
}
