package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"yunjian/cloud"
)

func inventory(hour int, complete bool, resources ...cloud.Resource) cloud.Inventory {
	inv := cloud.Inventory{Cloud: "province", TakenAt: at(hour), Resources: resources}
	for _, k := range cloud.Kinds() {
		inv.Scopes = append(inv.Scopes, cloud.Scope{Region: "r", Kind: k, Complete: complete})
	}
	return inv
}

func vm(id string, with ...func(*cloud.Resource)) cloud.Resource {
	r := cloud.Resource{ID: id, Kind: cloud.Instance, Region: "r", Status: cloud.Running, VCPU: 8, MemoryGiB: 32, InstanceType: "ecs.g7.2xlarge"}
	for _, f := range with {
		f(&r)
	}
	return r
}

func disk(id string, with ...func(*cloud.Resource)) cloud.Resource {
	r := cloud.Resource{ID: id, Kind: cloud.Disk, Region: "r", Status: cloud.InUse, StorageGiB: 40, AttachedTo: "vm"}
	for _, f := range with {
		f(&r)
	}
	return r
}

func off(r *cloud.Resource) { r.Status = cloud.PoweredOff }

// Each case puts inventories one after another; changes of all of them and the
// resources of the last are what is left.
func TestMerge(t *testing.T) {
	small := func(r *cloud.Resource) { r.VCPU, r.MemoryGiB, r.InstanceType = 4, 16, "ecs.g7.xlarge" }
	seen := func(r cloud.Resource, first, last int, with ...func(*cloud.Resource)) cloud.Resource {
		r.Cloud, r.FirstSeen, r.LastSeen = "province", at(first), at(last)
		for _, f := range with {
			f(&r)
		}
		return r
	}
	stoppedSince := func(hour int) func(*cloud.Resource) {
		return func(r *cloud.Resource) { r.StoppedSince = at(hour) }
	}
	resizedAt := func(hour int) func(*cloud.Resource) {
		return func(r *cloud.Resource) { r.ResizedAt = at(hour) }
	}
	detachedAt := func(hour int) func(*cloud.Resource) {
		return func(r *cloud.Resource) { r.DetachedAt = at(hour) }
	}
	loose := func(r *cloud.Resource) { r.AttachedTo, r.Status = "", cloud.Available }
	change := func(hour int, id, field, from, to string) cloud.Change {
		return cloud.Change{ResourceID: id, At: at(hour), Field: field, From: from, To: to}
	}
	big, little := "8 vCPU 32 GiB ecs.g7.2xlarge", "4 vCPU 16 GiB ecs.g7.xlarge"
	cases := map[string]struct {
		puts    []cloud.Inventory
		changes []cloud.Change
		want    []cloud.Resource
	}{
		"the first inventory creates nothing": {
			puts: []cloud.Inventory{inventory(1, true, vm("a"))},
			want: []cloud.Resource{seen(vm("a"), 1, 1)},
		},
		"a later one does": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true, vm("a"), vm("b"))},
			changes: []cloud.Change{change(2, "b", cloud.ChangeCreated, "", big)},
			want:    []cloud.Resource{seen(vm("a"), 1, 2), seen(vm("b"), 2, 2)},
		},
		"the earliest first_seen counts, last_seen is the source's": {
			puts: []cloud.Inventory{
				inventory(5, true, vm("a", func(r *cloud.Resource) { r.FirstSeen, r.LastSeen = at(3), at(4) })),
				inventory(6, true, vm("a", func(r *cloud.Resource) { r.FirstSeen, r.LastSeen = at(2), at(5) })),
				inventory(7, true, vm("a", func(r *cloud.Resource) { r.FirstSeen, r.LastSeen = at(4), at(6) })),
			},
			want: []cloud.Resource{seen(vm("a"), 2, 6)},
		},
		"gone where the listing was complete": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a"), vm("b")), inventory(2, true, vm("b"))},
			changes: []cloud.Change{change(2, "a", cloud.ChangeGone, big, "")},
			want:    []cloud.Resource{seen(vm("b"), 1, 2)},
		},
		"kept as last seen where it was not": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, false)},
			want: []cloud.Resource{seen(vm("a"), 1, 1)},
		},
		"kept where its scope was not even tried": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), {Cloud: "province", TakenAt: at(2), Scopes: []cloud.Scope{{Region: "other", Kind: cloud.Instance, Complete: true}}}},
			want: []cloud.Resource{seen(vm("a"), 1, 1)},
		},
		"gone and back keeps first_seen": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true), inventory(3, true, vm("a"))},
			changes: []cloud.Change{
				change(2, "a", cloud.ChangeGone, big, ""),
				change(3, "a", cloud.ChangeCreated, "", big),
			},
			want: []cloud.Resource{seen(vm("a"), 1, 3)},
		},
		"back with another size is resized": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true), inventory(3, true, vm("a", small))},
			changes: []cloud.Change{
				change(2, "a", cloud.ChangeGone, big, ""),
				change(3, "a", cloud.ChangeCreated, "", little),
			},
			want: []cloud.Resource{seen(vm("a", small), 1, 3, resizedAt(3))},
		},
		"a resize is dated when seen and then kept": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true, vm("a", small)), inventory(3, true, vm("a", small))},
			changes: []cloud.Change{change(2, "a", cloud.ChangeSize, big, little)},
			want:    []cloud.Resource{seen(vm("a", small), 1, 3, resizedAt(2))},
		},
		"a resize that the source dates between the two": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a")), inventory(3, true, vm("a", small, resizedAt(2)))},
			changes: []cloud.Change{change(2, "a", cloud.ChangeSize, big, little)},
			want:    []cloud.Resource{seen(vm("a", small), 1, 3, resizedAt(2))},
		},
		"an old resize told does not date a new one": {
			puts:    []cloud.Inventory{inventory(2, true, vm("a")), inventory(3, true, vm("a", small, resizedAt(1)))},
			changes: []cloud.Change{change(3, "a", cloud.ChangeSize, big, little)},
			want:    []cloud.Resource{seen(vm("a", small), 2, 3, resizedAt(3))},
		},
		"a size that becomes known is no resize": {
			puts: []cloud.Inventory{
				inventory(1, true, vm("a", func(r *cloud.Resource) { r.VCPU, r.InstanceType = 0, "" })),
				inventory(2, true, vm("a")),
				inventory(3, true, vm("a", func(r *cloud.Resource) { r.MemoryGiB = 0 })),
			},
			want: []cloud.Resource{seen(vm("a", func(r *cloud.Resource) { r.MemoryGiB = 0 }), 1, 3)},
		},
		"attaching a disk to an instance is no resize of it": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true, vm("a", func(r *cloud.Resource) { r.StorageGiB = 100 }))},
			want: []cloud.Resource{seen(vm("a", func(r *cloud.Resource) { r.StorageGiB = 100 }), 1, 2)},
		},
		"a disk grown is resized": {
			puts:    []cloud.Inventory{inventory(1, true, disk("d")), inventory(2, true, disk("d", func(r *cloud.Resource) { r.StorageGiB = 80.5 }))},
			changes: []cloud.Change{change(2, "d", cloud.ChangeSize, "40 GiB", "80.5 GiB")},
			want:    []cloud.Resource{seen(disk("d", func(r *cloud.Resource) { r.StorageGiB = 80.5 }), 1, 2, resizedAt(2))},
		},
		"stopped since it was first seen so": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true, vm("a", off)), inventory(3, true, vm("a", off))},
			changes: []cloud.Change{change(2, "a", cloud.ChangeStatus, "running", "stopped")},
			want:    []cloud.Resource{seen(vm("a", off), 1, 3, stoppedSince(2))},
		},
		"stopped when the source says": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a")), inventory(3, true, vm("a", off, stoppedSince(2)))},
			changes: []cloud.Change{change(2, "a", cloud.ChangeStatus, "running", "stopped")},
			want:    []cloud.Resource{seen(vm("a", off), 1, 3, stoppedSince(2))},
		},
		"stopped from the first": {
			puts:    []cloud.Inventory{inventory(1, true, vm("a", off)), inventory(2, true, vm("a", off))},
			changes: []cloud.Change{change(1, "a", cloud.ChangeStatus, "", "stopped")},
			want:    []cloud.Resource{seen(vm("a", off), 1, 2, stoppedSince(1))},
		},
		"running again clears it, whatever the source says": {
			puts: []cloud.Inventory{inventory(1, true, vm("a", off)), inventory(2, true, vm("a", stoppedSince(1)))},
			changes: []cloud.Change{
				change(1, "a", cloud.ChangeStatus, "", "stopped"),
				change(2, "a", cloud.ChangeStatus, "stopped", "running"),
			},
			want: []cloud.Resource{seen(vm("a"), 1, 2)},
		},
		"changing does not clear it": {
			puts: []cloud.Inventory{
				inventory(1, true, vm("a", off)),
				inventory(2, true, vm("a", func(r *cloud.Resource) { r.Status = cloud.Changing })),
				inventory(3, true, vm("a", off)),
			},
			changes: []cloud.Change{
				change(1, "a", cloud.ChangeStatus, "", "stopped"),
				change(2, "a", cloud.ChangeStatus, "stopped", "changing"),
				change(3, "a", cloud.ChangeStatus, "changing", "stopped"),
			},
			want: []cloud.Resource{seen(vm("a", off), 1, 3, stoppedSince(1))},
		},
		"a status not told is no change": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), inventory(2, true, vm("a", func(r *cloud.Resource) { r.Status = "" }))},
			want: []cloud.Resource{seen(vm("a", func(r *cloud.Resource) { r.Status = "" }), 1, 2)},
		},
		"a new owner": {
			puts: []cloud.Inventory{
				inventory(1, true, vm("a")),
				inventory(2, true, vm("a", func(r *cloud.Resource) { r.Department, r.Application = "教育局", "门户" })),
			},
			changes: []cloud.Change{change(2, "a", cloud.ChangeOwner, "", "教育局/门户")},
			want:    []cloud.Resource{seen(vm("a", func(r *cloud.Resource) { r.Department, r.Application = "教育局", "门户" }), 1, 2)},
		},
		"a disk taken off is dated, and kept so": {
			puts: []cloud.Inventory{inventory(1, true, disk("d")), inventory(2, true, disk("d", loose)), inventory(3, true, disk("d", loose))},
			changes: []cloud.Change{
				change(2, "d", cloud.ChangeAttach, "vm", ""),
				change(2, "d", cloud.ChangeStatus, "in_use", "available"),
			},
			want: []cloud.Resource{seen(disk("d", loose), 1, 3, detachedAt(2))},
		},
		"a disk put back": {
			puts: []cloud.Inventory{inventory(1, true, disk("d", loose, detachedAt(0))), inventory(2, true, disk("d"))},
			changes: []cloud.Change{
				change(2, "d", cloud.ChangeAttach, "", "vm"),
				change(2, "d", cloud.ChangeStatus, "available", "in_use"),
			},
			want: []cloud.Resource{seen(disk("d"), 1, 2)},
		},
		"the same again changes nothing": {
			puts: []cloud.Inventory{inventory(1, true, vm("a", off), disk("d")), inventory(1, true, vm("a", off), disk("d"))},
			changes: []cloud.Change{
				change(1, "a", cloud.ChangeStatus, "", "stopped"),
			},
			want: []cloud.Resource{seen(vm("a", off), 1, 1, stoppedSince(1)), seen(disk("d"), 1, 1)},
		},
		"a clock that ran ahead does not lock out what follows": {
			puts: []cloud.Inventory{inventory(1, true, vm("a")), inventory(20, true, vm("a", off)), inventory(2, true, vm("a", off))},
			changes: []cloud.Change{
				change(20, "a", cloud.ChangeStatus, "running", "stopped"),
			},
			want: []cloud.Resource{seen(vm("a", off), 1, 2, stoppedSince(2))},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			var all []cloud.Change
			for _, inv := range c.puts {
				before := slices.Clone(inv.Resources)
				got, _, err := putInventory(s, inv)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, got...)
				if diff := cmp.Diff(before, inv.Resources); diff != "" {
					t.Errorf("the caller's inventory was altered:\n%s", diff)
				}
			}
			if diff := cmp.Diff(c.changes, all, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("changes returned (-want +got):\n%s", diff)
			}
			kept, err := s.Changes("")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.changes, kept, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("changes kept (-want +got):\n%s", diff)
			}
			inv, ok, err := s.Inventory("province")
			if err != nil || !ok {
				t.Fatalf("inventory: %v, %v", ok, err)
			}
			if diff := cmp.Diff(c.want, inv.Resources); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
		})
	}
}

// Putting any inventory twice changes nothing the second time, and what stands
// in the store is what was listed and what could not be known to be gone.
func TestMergeProperties(t *testing.T) {
	s := fresh(t)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		name := fmt.Sprint("cloud-", run)
		listed := map[string]bool{} // resources that must be there
		hour := 0
		for range rapid.IntRange(1, 4).Draw(t, "inventories") {
			hour++
			complete := rapid.Bool().Draw(t, "complete")
			if complete {
				clear(listed)
			}
			inv := cloud.Inventory{Cloud: name, TakenAt: at(0).Add(time.Duration(hour) * time.Hour), Scopes: []cloud.Scope{{Kind: cloud.Instance, Complete: complete}}}
			for i := range 5 {
				if rapid.Bool().Draw(t, "there") {
					r := cloud.Resource{
						ID: fmt.Sprint("vm-", i), Kind: cloud.Instance, VCPU: rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "vcpu"),
						Status:      rapid.SampledFrom([]cloud.Status{"", cloud.Running, cloud.PoweredOff, cloud.Changing}).Draw(t, "status"),
						Application: rapid.SampledFrom([]string{"", "a"}).Draw(t, "application"),
					}
					inv.Resources = append(inv.Resources, r)
					listed[r.ID] = true
				}
			}
			if _, _, err := putInventory(s, inv); err != nil {
				t.Fatal(err)
			}
			once, _, err := s.Inventory(name)
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := putInventory(s, inv)
			if err != nil || len(again) > 0 {
				t.Fatalf("the same again: %v, %v", again, err)
			}
			twice, _, err := s.Inventory(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(once, twice); diff != "" {
				t.Fatalf("put twice:\n%s", diff)
			}
			got := map[string]bool{}
			for _, r := range twice.Resources {
				got[r.ID] = true
				if r.FirstSeen.IsZero() || r.FirstSeen.After(inv.TakenAt) || r.LastSeen.Before(r.FirstSeen) {
					t.Fatalf("%s: seen from %v to %v", r.ID, r.FirstSeen, r.LastSeen)
				}
				if (r.Status == cloud.PoweredOff) && r.StoppedSince.IsZero() || (r.Status == cloud.Running && !r.StoppedSince.IsZero()) {
					t.Fatalf("%s: %s since %v", r.ID, r.Status, r.StoppedSince)
				}
			}
			if diff := cmp.Diff(listed, got); diff != "" {
				t.Fatalf("resources (-want +got):\n%s", diff)
			}
		}
	})
}
