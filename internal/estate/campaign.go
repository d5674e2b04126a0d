package estate

import (
	"fmt"
	"time"

	"yunjian/cloud"
)

// CampaignZone is that of the worked example.
var CampaignZone = time.FixedZone("CST", 8*3600)

// Campaign is the inventories of a made-up cloud at the ends of seven months, December
// 2023 to June 2024, between which 586 resources are released or made smaller: 934
// vCPU, 2,979 GiB of memory and 12,300 GiB of storage. The sums are those that
// Zhejiang's finance department published for the first half of 2024 (中国财经报); what
// they are made of nobody published, and is invented here.
func Campaign() []cloud.Inventory {
	c := campaign{resources: map[string]cloud.Resource{}}
	// Machines that stay as they are.
	for i := range 420 {
		c.add(cloud.Resource{Kind: cloud.Instance, VCPU: 4 << (i % 3), MemoryGiB: float64(uint(8) << (i % 4)), StorageGiB: 40})
	}
	for _, x := range campaignParts {
		for range x.machines {
			id := c.add(cloud.Resource{Kind: cloud.Instance, VCPU: x.from.vcpu, MemoryGiB: x.from.memory, StorageGiB: x.system})
			if x.system > 0 {
				c.add(cloud.Resource{Kind: cloud.Disk, StorageGiB: x.system, AttachedTo: id, System: true})
			}
			c.change(id, x.to)
		}
	}
	for _, x := range []struct {
		disks int
		gib   float64
	}{{231, 20}, {96, 40}} {
		for range x.disks {
			c.change(c.add(cloud.Resource{Kind: cloud.Disk, StorageGiB: x.gib}), campaignSize{})
		}
	}
	return c.inventories()
}

type campaignSize struct {
	vcpu   int
	memory float64
}

// campaignParts are the machines that change: to nothing where they are released.
var campaignParts = []struct {
	machines int
	from, to campaignSize
	system   float64 // GiB of the boot disk, which goes with the machine
}{
	{40, campaignSize{2, 4}, campaignSize{}, 20}, {30, campaignSize{2, 8}, campaignSize{}, 20}, {36, campaignSize{4, 8}, campaignSize{}, 20},
	{50, campaignSize{4, 16}, campaignSize{}, 20}, {20, campaignSize{8, 32}, campaignSize{}, 20}, {10, campaignSize{8, 16}, campaignSize{}, 20},
	{5, campaignSize{1, 2}, campaignSize{}, 20}, {1, campaignSize{1, 1}, campaignSize{}, 20},
	{30, campaignSize{4, 16}, campaignSize{2, 8}, 0}, {20, campaignSize{8, 32}, campaignSize{4, 16}, 0}, {15, campaignSize{8, 16}, campaignSize{4, 8}, 0},
	{2, campaignSize{4, 8}, campaignSize{2, 8}, 0},
}

// campaign is the cloud of the example in the making.
type campaign struct {
	order     []string
	resources map[string]cloud.Resource
	changes   []struct {
		id string
		to campaignSize
	}
	n int
}

// add places a resource in the next application; a disk of a machine in that of the
// machine.
func (c *campaign) add(r cloud.Resource) string {
	prefix := map[cloud.Kind]string{cloud.Instance: "i-example-", cloud.Disk: "d-example-"}[r.Kind]
	r.ID = fmt.Sprintf("%s%04d", prefix, len(c.order)+1)
	r.Name = r.ID
	r.Department, r.Application = applicationNames(c.n, len(bureaus))
	if host, ok := c.resources[r.AttachedTo]; ok {
		r.Department, r.Application = host.Department, host.Application
	} else {
		c.n = (c.n + 7) % 60
	}
	r.Region, r.Account, r.ChargeType = "示例", "示例", cloud.Postpaid
	r.CreatedAt = time.Date(2021, 3, 1, 9, 0, 0, 0, CampaignZone)
	r.Status = cloud.Running
	if r.Kind == cloud.Disk {
		r.Category = "普通"
		if r.Status = cloud.InUse; r.AttachedTo == "" {
			r.Status = cloud.Available
		}
	}
	c.resources[r.ID] = r
	c.order = append(c.order, r.ID)
	return r.ID
}

func (c *campaign) change(id string, to campaignSize) {
	c.changes = append(c.changes, struct {
		id string
		to campaignSize
	}{id, to})
}

// inventories takes one in December, and one at the end of each month by which its share
// of the changes was made: few at first, most of them in spring.
func (c *campaign) inventories() []cloud.Inventory {
	due := []int{0, 3, 12, 34, 61, 86, 100} // percent of the changes, by month
	var out []cloud.Inventory
	released, smaller := map[string]bool{}, map[string]campaignSize{}
	for month, percent := range due {
		// Spread over the list, so that each month releases machines and disks of all sizes.
		for i, x := range c.changes {
			if i*37%100 >= percent {
				continue
			}
			if x.to == (campaignSize{}) {
				released[x.id] = true
			} else {
				smaller[x.id] = x.to
			}
		}
		inv := cloud.Inventory{Cloud: "示例", TakenAt: time.Date(2024, time.Month(month+1), 1, 0, 0, 0, 0, CampaignZone).Add(-time.Hour)}
		for _, id := range c.order {
			r := c.resources[id]
			if released[id] || released[r.AttachedTo] {
				continue
			}
			if to, ok := smaller[id]; ok {
				r.VCPU, r.MemoryGiB = to.vcpu, to.memory
			}
			inv.Resources = append(inv.Resources, r)
		}
		for _, k := range []cloud.Kind{cloud.Instance, cloud.Disk} {
			n := 0
			for _, r := range inv.Resources {
				if r.Kind == k {
					n++
				}
			}
			inv.Scopes = append(inv.Scopes, cloud.Scope{Account: "示例", Region: "示例", Kind: k, Complete: true, Count: n})
		}
		inv.Sort()
		out = append(out, inv)
	}
	return out
}
