package bundle

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/sheet"
	"yunjian/price"
)

// readInventory reads the inventory and the instance types of dir. sheet.Mistakes of
// their content go to wrong; an error means that a file could not be read.
func readInventory(dir string, wrong *sheet.Mistakes) (inv cloud.Inventory, notes []string, err error) {
	t, found, err := sheet.Find(dir, "inventory", wrong)
	if err != nil {
		return inv, nil, err
	}
	if !found {
		return inv, nil, fmt.Errorf("read bundle %s: neither inventory.csv nor inventory.xlsx is there", dir)
	}
	types, found, err := sheet.Find(dir, "instance_types", wrong)
	if err == nil && !found && strings.HasSuffix(t.File, ".xlsx") {
		types, err = sheet.ReadWorkbook(filepath.Join(dir, t.File), t.File, "instance_types", false, wrong)
		found = types.Header.Line > 0
	}
	if err != nil {
		return inv, nil, err
	}
	if !wrong.None() { // of form: what follows would only repeat it
		return inv, nil, nil
	}
	inv.Resources = parseResources(t, wrong)
	if found {
		inv.Types = parseTypes(types, wrong)
	}
	for _, n := range []string{t.Note, types.Note} {
		if n != "" {
			notes = append(notes, n)
		}
	}
	complete(&inv)
	inv.Scopes = scopes(inv.Resources)
	inv.Sort()
	return inv, notes, nil
}

func parseResources(t sheet.Table, wrong *sheet.Mistakes) []cloud.Resource {
	names, ok := t.Columns("resource_id", wrong)
	if !ok {
		return nil
	}
	known := index(names, inventoryColumns)
	out := make([]cloud.Resource, 0, len(t.Rows))
	lines := make(map[string]int, len(t.Rows))
	for _, line := range t.Rows {
		r, id := cloud.Resource{}, wrong.Count()
		for i, cell := range line.Cells {
			bad := sheet.Mistake{File: t.File, Line: line.Line, Column: names[i], Found: sheet.Quote(cell)}
			if bad.Allowed = setResource(&r, names[i], known[i], cell); bad.Allowed != "" {
				wrong.Add(bad)
			}
		}
		if wrong.Count() == id {
			checkResource(&r, t.File, line.Line, wrong)
		}
		if first, twice := lines[r.ID]; twice && r.ID != "" {
			wrong.Add(sheet.Mistake{File: t.File, Line: line.Line, Column: "resource_id", Found: sheet.Quote(r.ID) + fmt.Sprintf(", as on line %d", first), Allowed: "each resource once"})
			continue
		}
		lines[r.ID] = line.Line
		out = append(out, r)
	}
	return out
}

// setResource puts a cell into the field of its column, into Tags or into
// Attributes; it returns what is allowed when the cell is not.
func setResource(r *cloud.Resource, name string, known *column[cloud.Resource], cell string) (allowed string) {
	trimmed := strings.TrimSpace(cell)
	if trimmed == "" {
		return ""
	}
	if known != nil {
		return known.set(r, trimmed)
	}
	if name == "" {
		return "no value under a column without a name"
	}
	if len(cell) > sheet.MaxCellBytes {
		return fmt.Sprintf("at most %d bytes", sheet.MaxCellBytes)
	}
	if key, isTag := strings.CutPrefix(name, tagPrefix); isTag {
		if r.Tags == nil {
			r.Tags = map[string]string{}
		}
		r.Tags[key] = cell
		return ""
	}
	if name == price.InternetChargeType && strings.EqualFold(trimmed, price.PayByTraffic) {
		cell = price.PayByTraffic // as the price book compares it
	}
	setAttribute(r, name, cell)
	return ""
}

func setAttribute(r *cloud.Resource, name, value string) {
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	r.Attributes[name] = value
}

// checkResource checks what spans several cells of a row, and sets the kind
// where the row names none.
func checkResource(r *cloud.Resource, file string, line int, wrong *sheet.Mistakes) {
	bad := func(column, found, allowed string) {
		wrong.Add(sheet.Mistake{File: file, Line: line, Column: column, Found: found, Allowed: allowed})
	}
	if r.ID == "" {
		bad("resource_id", "found nothing", "the id of the resource")
	} else if allowed := checkID(r.ID); allowed != "" {
		bad("resource_id", sheet.Quote(r.ID), allowed)
	}
	if r.Kind == "" {
		r.Kind = cloud.Instance
	}
	states := []cloud.Status{cloud.InUse, cloud.Available, cloud.Changing}
	if r.Kind == cloud.Instance {
		states = []cloud.Status{cloud.Running, cloud.PoweredOff, cloud.Changing}
	}
	if r.Status != "" && !slices.Contains(states, r.Status) {
		bad("status", sheet.Quote(string(r.Status)), oneOf(states)+" for the kind "+string(r.Kind))
	}
	if !r.FirstSeen.IsZero() && !r.LastSeen.IsZero() && r.LastSeen.Before(r.FirstSeen) {
		bad("last_seen", "found an instant before first_seen", "first_seen or later")
	}
}

func parseTypes(t sheet.Table, wrong *sheet.Mistakes) []cloud.InstanceType {
	names, ok := t.Columns("instance_type", wrong)
	if !ok {
		return nil
	}
	known := index(names, typeColumns)
	out := make([]cloud.InstanceType, 0, len(t.Rows))
	lines := make(map[string]int, len(t.Rows))
	for _, line := range t.Rows {
		var x cloud.InstanceType
		for i, cell := range line.Cells {
			trimmed := strings.TrimSpace(cell)
			if known[i] == nil || trimmed == "" { // a size has no attributes
				continue
			}
			if allowed := known[i].set(&x, trimmed); allowed != "" {
				wrong.Add(sheet.Mistake{File: t.File, Line: line.Line, Column: names[i], Found: sheet.Quote(cell), Allowed: allowed})
			}
		}
		bad := func(column, found, allowed string) {
			wrong.Add(sheet.Mistake{File: t.File, Line: line.Line, Column: column, Found: found, Allowed: allowed})
		}
		if x.ID == "" {
			bad("instance_type", "found nothing", "the name of the instance type")
		}
		// A size without its numbers cannot be compared with another.
		if x.VCPU == 0 {
			bad("vcpu", "found nothing or 0", "a whole number from 1")
		}
		if x.MemoryGiB == 0 {
			bad("memory_gib", "found nothing or 0", "a number above 0")
		}
		if first, twice := lines[x.ID]; twice && x.ID != "" {
			bad("instance_type", sheet.Quote(x.ID)+fmt.Sprintf(", as on line %d", first), "each instance type once")
			continue
		}
		lines[x.ID] = line.Line
		out = append(out, x)
	}
	return out
}

// index returns, per name, the known column of that name or nil.
func index[T any](names []string, columns []column[T]) []*column[T] {
	out := make([]*column[T], len(names))
	for i, name := range names {
		if k := slices.IndexFunc(columns, func(c column[T]) bool { return c.name == name }); k >= 0 {
			out[i] = &columns[k]
		}
	}
	return out
}

// complete fills what an instance's row leaves out and the bundle says
// elsewhere: its size by its type, its storage and what kind that is by the
// disks attached to it.
func complete(inv *cloud.Inventory) {
	catalog := cloud.NewCatalog(inv.Types)
	attached := collector.AttachedStorage(inv.Resources)
	for i := range inv.Resources {
		r := &inv.Resources[i]
		if r.Kind != cloud.Instance {
			continue
		}
		t := catalog[r.InstanceType] // the zero type fills nothing
		fill(&r.VCPU, t.VCPU)
		fill(&r.MemoryGiB, t.MemoryGiB)
		fill(&r.Architecture, t.Architecture)
		fill(&r.GPU, t.GPU)
		fill(&r.LocalStorageGiB, t.LocalStorageGiB)
		fill(&r.Burstable, t.Burstable)
		fill(&r.StorageGiB, attached[r.ID].GiB)
		if a := attached[r.ID]; a.Category != "" && a.GiB == r.StorageGiB && r.Attributes[price.StorageCategory] == "" {
			setAttribute(r, price.StorageCategory, a.Category)
		}
	}
}

func fill[T comparable](field *T, value T) {
	var missing T
	if *field == missing {
		*field = value
	}
}

// scopes returns one complete scope for each (account, region, kind) that has
// resources.
func scopes(resources []cloud.Resource) []cloud.Scope {
	counts := map[cloud.Scope]int{}
	for _, r := range resources {
		counts[cloud.Scope{Account: r.Account, Region: r.Region, Kind: r.Kind, Complete: true}]++
	}
	out := make([]cloud.Scope, 0, len(counts))
	for s, n := range counts {
		s.Count = n
		out = append(out, s)
	}
	return out // sorted by Inventory.Sort
}
