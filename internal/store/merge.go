package store

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
)

// merge puts a new inventory over the one before.
type merge struct {
	before cloud.Inventory
	known  bool // there was one
	inv    cloud.Inventory
	// returned gives a resource that was gone and is listed again, once.
	returned func(id string) (cloud.Resource, bool, error)

	changes []cloud.Change
}

// run returns the merged inventory and the resources that are gone.
func (m *merge) run() (merged cloud.Inventory, gone []cloud.Resource, err error) {
	before := make(map[string]cloud.Resource, len(m.before.Resources))
	for _, r := range m.before.Resources {
		before[r.ID] = r
	}
	merged = m.inv
	merged.Scopes, merged.Types = slices.Clone(m.inv.Scopes), slices.Clone(m.inv.Types) // sorted below
	merged.Resources = make([]cloud.Resource, 0, len(m.inv.Resources))
	listed := make(map[string]bool, len(m.inv.Resources))
	for _, r := range m.inv.Resources {
		if listed[r.ID] {
			return merged, nil, fmt.Errorf("resource %s is listed twice", r.ID)
		}
		listed[r.ID] = true
		old, had := before[r.ID]
		if !had {
			back, wasGone, err := m.returned(r.ID)
			if err != nil {
				return merged, nil, err
			}
			m.appear(&r, back, wasGone)
		} else {
			m.carry(&r, old)
		}
		r.Cloud = m.inv.Cloud
		merged.Resources = append(merged.Resources, r)
	}
	m.since(merged.Scopes)
	complete := map[cloud.Scope]bool{}
	for _, s := range m.inv.Scopes {
		if s.Complete {
			complete[scopeKey(s.Account, s.Region, s.Kind)] = true
		}
	}
	for _, r := range m.before.Resources {
		switch {
		case listed[r.ID]:
		case complete[scopeKey(r.Account, r.Region, r.Kind)]:
			m.change(r.ID, m.inv.TakenAt, cloud.ChangeGone, size(r), "")
			gone = append(gone, r)
		default:
			merged.Resources = append(merged.Resources, r)
		}
	}
	// A cloud that could not list its types this time still offers them.
	if len(merged.Types) == 0 {
		merged.Types = m.before.Types
	}
	merged.Sort()
	slices.SortStableFunc(m.changes, func(a, b cloud.Change) int {
		return cmp.Or(cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.Field, b.Field))
	})
	return merged, gone, nil
}

// since says of listings when they were first read to the end. Of those that were so
// before that was kept, when they first showed something that is still there.
func (m *merge) since(scopes []cloud.Scope) {
	known := map[cloud.Scope]time.Time{}
	for _, s := range m.before.Scopes {
		if key := scopeKey(s.Account, s.Region, s.Kind); !s.Since.IsZero() {
			known[key] = s.Since
		} else if s.Complete {
			known[key] = m.before.TakenAt
			for _, r := range m.before.Resources {
				if scopeKey(r.Account, r.Region, r.Kind) == key {
					known[key] = earliest(known[key], r.FirstSeen)
				}
			}
		}
	}
	for i, s := range scopes {
		since, before := known[scopeKey(s.Account, s.Region, s.Kind)]
		if !before && s.Complete {
			since = m.inv.TakenAt
		}
		scopes[i].Since = since
	}
}

func scopeKey(account, region string, kind cloud.Kind) cloud.Scope {
	return cloud.Scope{Account: account, Region: region, Kind: kind}
}

func (m *merge) change(id string, at time.Time, field, from, to string) {
	m.changes = append(m.changes, cloud.Change{ResourceID: id, At: at.UTC(), Field: field, From: from, To: to})
}

// appear completes a resource that the inventory before did not hold. back is
// its last state if it was gone.
func (m *merge) appear(r *cloud.Resource, back cloud.Resource, wasGone bool) {
	taken := m.inv.TakenAt
	if wasGone {
		r.FirstSeen = earliest(r.FirstSeen, back.FirstSeen)
		if r.ResizedAt.IsZero() {
			r.ResizedAt = back.ResizedAt
		}
		if resized(back, *r) && !r.ResizedAt.After(back.LastSeen) {
			r.ResizedAt = taken
		}
	}
	r.FirstSeen = earliest(r.FirstSeen, taken)
	if r.LastSeen.IsZero() {
		r.LastSeen = taken
	}
	if m.known {
		m.change(r.ID, taken, cloud.ChangeCreated, "", size(*r))
	}
	switch r.Status {
	case cloud.PoweredOff:
		if r.StoppedSince.IsZero() {
			r.StoppedSince = taken
		}
		m.change(r.ID, earliest(r.StoppedSince, taken), cloud.ChangeStatus, "", string(r.Status))
	case cloud.Running:
		r.StoppedSince = time.Time{}
	}
	if r.AttachedTo != "" {
		r.DetachedAt = time.Time{}
	}
}

// carry completes a resource that the inventory before holds as old, and notes
// what changed.
func (m *merge) carry(r *cloud.Resource, old cloud.Resource) {
	taken := m.inv.TakenAt
	r.FirstSeen = earliest(earliest(r.FirstSeen, old.FirstSeen), taken)
	if r.LastSeen.IsZero() {
		r.LastSeen = taken
	}
	// since is when a change seen now happened: when the source says, if that
	// lies between the two inventories, else now.
	since := func(told time.Time) time.Time {
		if told.After(m.before.TakenAt) && told.Before(taken) {
			return told
		}
		return taken
	}

	told := r.ResizedAt
	switch {
	case resized(old, *r):
		r.ResizedAt = since(told)
		m.change(r.ID, r.ResizedAt, cloud.ChangeSize, size(old), size(*r))
	case told.IsZero():
		r.ResizedAt = notAfter(old.ResizedAt, taken)
	}

	changedStatus := old.Status != r.Status && old.Status != "" && r.Status != ""
	switch r.Status {
	case cloud.Running:
		r.StoppedSince = time.Time{}
	case cloud.PoweredOff:
		if r.StoppedSince.IsZero() && old.Status != cloud.Running {
			r.StoppedSince = earliest(old.StoppedSince, taken)
		}
		if r.StoppedSince.IsZero() {
			r.StoppedSince = taken
		}
	default: // unknown or changing: not seen running since
		if r.StoppedSince.IsZero() {
			r.StoppedSince = notAfter(old.StoppedSince, taken)
		}
	}
	if changedStatus {
		at := taken
		if r.Status == cloud.PoweredOff {
			at = since(r.StoppedSince)
		}
		m.change(r.ID, at, cloud.ChangeStatus, string(old.Status), string(r.Status))
	}

	if owner(old) != owner(*r) {
		m.change(r.ID, taken, cloud.ChangeOwner, owner(old), owner(*r))
	}

	switch {
	case r.AttachedTo != "":
		r.DetachedAt = time.Time{}
	case !r.DetachedAt.IsZero(): // the source says
	case old.AttachedTo != "":
		r.DetachedAt = taken
	default:
		r.DetachedAt = notAfter(old.DetachedAt, taken)
	}
	if old.AttachedTo != r.AttachedTo {
		at := taken
		if r.AttachedTo == "" {
			at = since(r.DetachedAt)
		}
		m.change(r.ID, at, cloud.ChangeAttach, old.AttachedTo, r.AttachedTo)
	}
}

// notAfter bounds t, which a clock that ran ahead may have left, by the present;
// unknown stays unknown.
func notAfter(t, now time.Time) time.Time {
	if t.After(now) {
		return now
	}
	return t
}

// earliest returns the earlier of two instants; a zero one is unknown.
func earliest(a, b time.Time) time.Time {
	switch {
	case a.IsZero():
		return b
	case b.IsZero() || a.Before(b):
		return a
	}
	return b
}

// resized reports whether both sizes are known where they differ.
func resized(old, now cloud.Resource) bool {
	switch now.Kind {
	case cloud.Instance:
		return differ(old.VCPU, now.VCPU) || differ(old.MemoryGiB, now.MemoryGiB) || differ(old.InstanceType, now.InstanceType)
	case cloud.Disk:
		return differ(old.StorageGiB, now.StorageGiB)
	default:
		return differ(old.BandwidthMbps, now.BandwidthMbps)
	}
}

func differ[T comparable](a, b T) bool {
	var unknown T
	return a != b && a != unknown && b != unknown
}

// size is a resource's size as Change shows it; empty when unknown.
func size(r cloud.Resource) string {
	var parts []string
	add := func(v float64, unit string) {
		if v != 0 {
			parts = append(parts, strconv.FormatFloat(v, 'f', -1, 64)+" "+unit)
		}
	}
	switch r.Kind {
	case cloud.Instance:
		add(float64(r.VCPU), "vCPU")
		add(r.MemoryGiB, "GiB")
		if r.InstanceType != "" {
			parts = append(parts, r.InstanceType)
		}
	case cloud.Disk:
		add(r.StorageGiB, "GiB")
	default:
		add(r.BandwidthMbps, "Mbit/s")
	}
	return strings.Join(parts, " ")
}

func owner(r cloud.Resource) string {
	if r.Department == "" && r.Application == "" {
		return ""
	}
	return r.Department + "/" + r.Application
}
