package estate

import (
	"slices"
	"time"

	"yunjian/cloud"
)

// Inventory returns what the cloud held at an instant, as its API would list
// it: a machine has the size it had then, a disk is attached until it was
// detached. When a machine was stopped or resized stays for the reader to find
// out, as in the real API.
func (e *Estate) Inventory(at time.Time) cloud.Inventory { return e.inventory(at, false) }

// inventory also tells when things were stopped and resized if told is set,
// which only a bundle can say.
func (e *Estate) inventory(at time.Time, told bool) cloud.Inventory {
	now := at.Unix()
	inv := cloud.Inventory{TakenAt: at.UTC(), Types: slices.Clone(e.types)}
	inv.Resources = make([]cloud.Resource, 0, len(e.machines)+len(e.disks)+len(e.addresses))
	for i := range e.machines {
		if m := &e.machines[i]; m.created <= now {
			inv.Resources = append(inv.Resources, e.instance(m, now, told))
		}
	}
	for i := range e.disks {
		if d := &e.disks[i]; d.created <= now {
			inv.Resources = append(inv.Resources, e.disk(d, now))
		}
	}
	for i := range e.addresses {
		if a := &e.addresses[i]; a.created <= now {
			inv.Resources = append(inv.Resources, e.address(a))
		}
	}
	inv.Scopes = scopes(inv.Resources)
	inv.Sort()
	return inv
}

func (e *Estate) instance(m *machine, now int64, told bool) cloud.Resource {
	t := e.types[m.typ]
	if now < m.resized {
		t = e.types[m.before]
	}
	app := e.apps[m.app]
	r := cloud.Resource{
		ID: m.id, Kind: cloud.Instance, Name: m.name, Account: m.account, Region: m.region, Zone: m.zone, ResourceGroup: app.group,
		Status: cloud.Running, CreatedAt: instant(m.created),
		InstanceType: t.ID, Architecture: t.Architecture, VCPU: t.VCPU, MemoryGiB: t.MemoryGiB,
		LocalStorageGiB: t.LocalStorageGiB, Burstable: t.Burstable,
		OS: "Alibaba Cloud Linux  3.2104 LTS 64位", PrivateIP: m.ip, Agent: m.agent, HAGroup: m.haGroup,
	}
	if !m.untagged {
		r.Department, r.Application = app.department, app.name
	}
	if m.class == Seasonal {
		r.Tags = map[string]string{"season": app.season.String()}
	}
	r.ChargeType, r.ExpiresAt = e.charge(m.prepaid, m.created)
	if m.stopped != 0 && m.stopped <= now {
		r.Status = cloud.PoweredOff
		if told {
			r.StoppedSince = instant(m.stopped)
		}
	}
	if told && m.resized != 0 && m.resized <= now {
		r.ResizedAt = instant(m.resized)
	}
	for _, i := range m.disks {
		if d := &e.disks[i]; d.created <= now {
			r.StorageGiB += float64(d.size)
		}
	}
	return r
}

// charge returns the charge type and, of a subscription, the end of the year
// of service that runs at the end of history.
func (e *Estate) charge(prepaid bool, created int64) (cloud.ChargeType, time.Time) {
	if !prepaid {
		return cloud.Postpaid, time.Time{}
	}
	t := instant(created)
	for !t.After(e.End()) {
		t = t.AddDate(1, 0, 0)
	}
	return cloud.Prepaid, t
}

func (e *Estate) disk(d *disk, now int64) cloud.Resource {
	m := &e.machines[d.machine]
	r := cloud.Resource{
		ID: d.id, Kind: cloud.Disk, Name: d.name, Account: d.account, Region: d.region, Zone: d.zone, ResourceGroup: e.apps[m.app].group,
		Status: cloud.InUse, CreatedAt: instant(d.created), StorageGiB: float64(d.size), Category: d.category, AttachedTo: m.id, System: d.system,
	}
	if !m.untagged {
		r.Department, r.Application = e.apps[m.app].department, e.apps[m.app].name
	}
	r.ChargeType = cloud.Postpaid
	if d.system {
		r.ChargeType, r.ExpiresAt = e.charge(m.prepaid, d.created)
	}
	if d.detached != 0 && d.detached <= now {
		r.Status, r.AttachedTo, r.DetachedAt = cloud.Available, "", instant(d.detached)
	}
	return r
}

func (e *Estate) address(a *address) cloud.Resource {
	m := &e.machines[a.machine]
	r := cloud.Resource{
		ID: a.id, Kind: cloud.EIP, Name: m.name + "-公网IP", Account: a.account, Region: a.region, ResourceGroup: e.apps[m.app].group,
		Status: cloud.InUse, CreatedAt: instant(a.created), ChargeType: cloud.Postpaid, AttachedTo: m.id, BandwidthMbps: float64(a.bandwidth),
	}
	if !m.untagged {
		r.Department, r.Application = e.apps[m.app].department, e.apps[m.app].name
	}
	if a.free {
		r.Status, r.AttachedTo = cloud.Available, ""
	}
	return r
}

// scopes says of every account and region that all was listed.
func scopes(resources []cloud.Resource) []cloud.Scope {
	count := map[cloud.Scope]int{}
	for _, r := range resources {
		for _, k := range cloud.Kinds() {
			s := cloud.Scope{Account: r.Account, Region: r.Region, Kind: k, Complete: true}
			if k == r.Kind {
				count[s]++
			} else {
				count[s] += 0
			}
		}
	}
	out := make([]cloud.Scope, 0, len(count))
	for s, n := range count {
		s.Count = n
		out = append(out, s)
	}
	return out
}

func instant(t int64) time.Time { return time.Unix(t, 0).UTC() }
