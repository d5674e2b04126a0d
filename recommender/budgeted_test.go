package recommender

import (
	"testing"

	"yunjian/cloud"
)

// The budget covers sizes of CPU and memory and releases, of instances alone.
func TestBudgeted(t *testing.T) {
	whole, half, shrunk := Spec{VCPU: 8, MemoryGiB: 32, StorageGiB: 200}, Spec{VCPU: 4, MemoryGiB: 16, StorageGiB: 200}, Spec{VCPU: 8, MemoryGiB: 32, StorageGiB: 100}
	for name, c := range map[string]struct {
		r    Recommendation
		want bool
	}{
		"a smaller instance":       {Recommendation{Kind: cloud.Instance, Action: Downsize, Current: whole, Target: &half}, true},
		"a release of an instance": {Recommendation{Kind: cloud.Instance, Action: Release, Current: whole}, true},
		"smaller storage":          {Recommendation{Kind: cloud.Instance, Action: Downsize, Current: whole, Target: &shrunk}, false},
		"a release of a disk":      {Recommendation{Kind: cloud.Disk, Action: Release}, false},
		"a release of an address":  {Recommendation{Kind: cloud.EIP, Action: Release}, false},
		"a stop":                   {Recommendation{Kind: cloud.Instance, Action: Stop, Current: whole}, false},
		"a larger instance":        {Recommendation{Kind: cloud.Instance, Action: Upsize, Current: half, Target: &whole}, false},
	} {
		if got := c.r.Budgeted(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for n, want := range map[int]float64{0: 0.5, 24: 0.5, 25: 0.5, 26: 0.52, 200: 4} {
		if got := HarmAllowed(0.02, n); got != want {
			t.Errorf("of %d instances %g may be harmed, want %g", n, got, want)
		}
	}
}
