package collector

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
)

func TestAttachedStorage(t *testing.T) {
	disk := func(category string, gib float64) cloud.Resource {
		return cloud.Resource{Kind: cloud.Disk, AttachedTo: "i-1", Category: category, StorageGiB: gib}
	}
	for _, c := range []struct {
		name  string
		disks []cloud.Resource
		want  map[string]Storage
	}{
		{"no disk", nil, map[string]Storage{}},
		{"an attached nothing: not a disk", []cloud.Resource{{Kind: cloud.EIP, AttachedTo: "i-1"}}, map[string]Storage{}},
		{"a free disk", []cloud.Resource{{Kind: cloud.Disk, StorageGiB: 40}}, map[string]Storage{}},
		{"one category", []cloud.Resource{disk("a", 40), disk("a", 60.5)}, map[string]Storage{"i-1": {100.5, "a"}}},
		{"two categories", []cloud.Resource{disk("a", 40), disk("b", 60), disk("a", 1)}, map[string]Storage{"i-1": {101, ""}}},
		{"one category unknown", []cloud.Resource{disk("", 40), disk("b", 60), disk("b", 1)}, map[string]Storage{"i-1": {101, ""}}},
		{"one size unknown", []cloud.Resource{disk("a", 40), disk("a", 0), disk("a", 1)}, map[string]Storage{"i-1": {0, "a"}}},
	} {
		if diff := cmp.Diff(c.want, AttachedStorage(c.disks)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
