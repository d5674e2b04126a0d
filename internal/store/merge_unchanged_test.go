package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
)

// TestMergeUnchanged puts one inventory over itself: nothing has changed, so
// nothing may be said to have.
func TestMergeUnchanged(t *testing.T) {
	taken := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	inv := cloud.Inventory{
		Cloud: "province", TakenAt: taken,
		Resources: []cloud.Resource{
			{ID: "i-1", Kind: cloud.Instance, Status: cloud.Running, VCPU: 4, MemoryGiB: 8},
			{ID: "i-2", Kind: cloud.Instance, Status: cloud.PoweredOff, VCPU: 4, MemoryGiB: 8},
			{ID: "i-3", Kind: cloud.Instance, VCPU: 4, MemoryGiB: 8}, // the source tells no status
			{ID: "d-1", Kind: cloud.Disk, Status: cloud.InUse, AttachedTo: "i-1", StorageGiB: 40},
			{ID: "d-2", Kind: cloud.Disk, Status: cloud.Available, StorageGiB: 40},
		},
	}
	none := func(string) (cloud.Resource, bool, error) { return cloud.Resource{}, false, nil }
	first := merge{inv: inv, returned: none}
	before, _, err := first.run()
	if err != nil {
		t.Fatal(err)
	}
	inv.TakenAt = taken.AddDate(0, 0, 7)
	second := merge{before: before, known: true, inv: inv, returned: none}
	after, gone, err := second.run()
	if err != nil {
		t.Fatal(err)
	}
	if len(second.changes) > 0 || len(gone) > 0 {
		t.Errorf("changes %v, gone %v; want none", second.changes, gone)
	}
	for i := range after.Resources {
		after.Resources[i].LastSeen = before.Resources[i].LastSeen
	}
	if diff := cmp.Diff(before.Resources, after.Resources); diff != "" {
		t.Errorf("a second look at the same cloud altered what is known (-first +second):\n%s", diff)
	}
}
