package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

func created(r cloud.Resource, at string) cloud.Resource {
	r.CreatedAt = day(at)
	return r
}

func of(r cloud.Resource, application string) cloud.Resource {
	r.Application = application
	return r
}

func incomplete(inv cloud.Inventory, kind cloud.Kind) cloud.Inventory {
	inv.Scopes = slices.Clone(inv.Scopes)
	for i := range inv.Scopes {
		inv.Scopes[i].Complete = inv.Scopes[i].Complete && inv.Scopes[i].Kind != kind
	}
	return inv
}

func unlisted(inv cloud.Inventory, kind cloud.Kind) cloud.Inventory {
	inv.Scopes = slices.DeleteFunc(slices.Clone(inv.Scopes), func(s cloud.Scope) bool { return s.Kind == kind })
	return inv
}

func later(inv cloud.Inventory, hours int) cloud.Inventory {
	inv.TakenAt = inv.TakenAt.Add(time.Duration(hours) * time.Hour)
	return inv
}

func in(d cloud.Resource, category string) cloud.Resource {
	d.Category = category
	return d
}

func address(id string, mbps float64) cloud.Resource {
	return cloud.Resource{ID: id, Kind: cloud.EIP, Name: id, Region: "r", BandwidthMbps: mbps, Application: "预算"}
}

// What is given, and by whom it is taken again.
func TestTaking(t *testing.T) {
	old, big := machine("a", 8, 32), machine("n", 16, 64)
	for _, c := range []struct {
		name string
		of   []cloud.Inventory
		want string
	}{
		{"moved to a new machine, the old one goes a week later", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-03", old, created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-10", created(machine("n", 4, 16), "2024-02-02"))},
			`2024-02-10 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-10
			2024-02-10 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-10 of released a`},
		{"a machine of two months is not what took over", []cloud.Inventory{seen("2024-02-01", old, created(machine("n", 4, 16), "2023-12-30")), seen("2024-02-10", created(machine("n", 4, 16), "2023-12-30"))},
			`2024-02-10 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-10`},
		{"a new machine whose owner is known a day later", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02"), seen("2024-02-02", of(created(machine("n", 4, 16), "2024-02-02"), "")), seen("2024-02-02", created(machine("n", 4, 16), "2024-02-02"))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of released a`},
		{"one larger than what was given eats no more", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", created(big, "2024-02-02"))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -8C -32G 0G -14592.00 from 2024-02-02 of released a`},
		{"and what is given next", []cloud.Inventory{seen("2024-02-01", old, machine("b", 4, 16)), seen("2024-02-02", created(big, "2024-02-02"), machine("b", 4, 16)), seen("2024-02-02", created(big, "2024-02-02"))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -8C -32G 0G -14592.00 from 2024-02-02 of released a
			2024-02-02 released b n=1 c=0 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of released b`},
		{"what comes and goes within days is no saving", []cloud.Inventory{seen("2024-02-01", created(machine("n", 4, 16), "2024-01-20")), seen("2024-02-02")}, ``},
		{"after a month it is", []cloud.Inventory{seen("2024-02-01", created(machine("n", 4, 16), "2024-01-02")), seen("2024-02-02")},
			`2024-02-02 released n n=1 c=0 4C 16G 0G 7296.00 from 2024-02-02`},
		{"and gives back what it had eaten", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02")},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of released a
			2024-02-02 rebound n n=0 c=0 4C 16G 0G 7296.00 from 2024-02-02 of released a`},
		{"made too large, and put right within days", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", created(big, "2024-02-02")), seen("2024-02-02", created(machine("n", 2, 8), "2024-02-02"))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -8C -32G 0G -14592.00 from 2024-02-02 of released a
			2024-02-02 rebound n n=0 c=0 8C 32G 0G 14592.00 from 2024-02-02 of released a
			2024-02-02 rebound n n=0 c=0 -2C -8G 0G -3648.00 from 2024-02-02 of released a`},
		{"smaller, eaten, and as large as before: of what another gave", []cloud.Inventory{seen("2024-02-01", old, machine("b", 4, 16)), seen("2024-02-02", machine("a", 4, 16), machine("b", 4, 16), created(machine("n", 4, 16), "2024-02-02")),
			seen("2024-02-02", old, machine("b", 4, 16), created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02", old, created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02", old, created(machine("n", 4, 16), "2024-02-02"))},
			`2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of downsized a
			2024-02-02 released b n=1 c=0 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 rebound a n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of released b`},
		{"of nothing, once who had eaten it is gone", []cloud.Inventory{seen("2024-02-01", old, machine("b", 4, 16)), seen("2024-02-02", machine("a", 4, 16), machine("b", 4, 16), created(machine("n", 4, 16), "2024-02-02")),
			seen("2024-02-02", old, machine("b", 4, 16), created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02", old, machine("b", 4, 16)), seen("2024-02-02", old)},
			`2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of downsized a
			2024-02-02 rebound n n=0 c=0 4C 16G 0G 7296.00 from 2024-02-02 of downsized a
			2024-02-02 reversed a n=0 c=-1 -4C -16G 0G -7296.00 from 2024-02-02 of downsized a
			2024-02-02 released b n=1 c=0 4C 16G 0G 7296.00 from 2024-02-02`},
		{"or of what it gives itself when it goes", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", machine("a", 4, 16), created(machine("n", 4, 16), "2024-02-02")),
			seen("2024-02-02", machine("a", 6, 24), created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02", created(machine("n", 4, 16), "2024-02-02"))},
			`2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of downsized a
			2024-02-02 released a n=1 c=0 6C 24G 0G 10944.00 from 2024-02-02
			2024-02-02 rebound a n=0 c=0 -2C -8G 0G -3648.00 from 2024-02-02 of released a`},
		{"nor of what it gives itself, though both go at once", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", machine("a", 4, 16), created(machine("n", 4, 16), "2024-02-02")),
			seen("2024-02-02", old, created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02")},
			`2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of downsized a
			2024-02-02 rebound n n=0 c=0 4C 16G 0G 7296.00 from 2024-02-02 of downsized a
			2024-02-02 reversed a n=0 c=-1 -4C -16G 0G -7296.00 from 2024-02-02 of downsized a
			2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02`},
		{"not to who is back", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02", old, created(machine("n", 4, 16), "2024-02-02")), seen("2024-02-02", old)},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of released a
			2024-02-02 reversed a n=-1 c=0 -4C -16G 0G -7296.00 from 2024-02-02 of released a`},
		{"released, and nobody knows how large it returned", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02"), seen("2024-02-02", machine("a", 0, 0)), seen("2024-02-02", machine("a", 4, 16))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 reversed a n=-1 c=0 -8C -32G 0G -14592.00 from 2024-02-02 of released a`},
		{"cores for memory, and back", []cloud.Inventory{seen("2024-02-01", machine("a", 8, 8)), seen("2024-02-02", machine("a", 2, 16)), seen("2024-02-02", machine("a", 8, 8))},
			`2024-02-02 downsized a n=0 c=1 6C -8G 0G 2112.00 from 2024-02-02
			2024-02-02 reversed a n=0 c=-1 -6C 8G 0G -2112.00 from 2024-02-02 of downsized a`},
		{"smaller, then gone", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", machine("a", 4, 16)), later(seen("2024-02-02"), 10), seen("2024-02-20")},
			`2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-02 released a n=1 c=0 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-20 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of downsized a
			2024-02-20 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of released a`},
		{"smaller, and listed without a size", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", machine("a", 4, 16)), seen("2024-02-20", machine("a", 0, 16))},
			`2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02`},
		{"still gone, as far as a listing goes that was not read to the end", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02"), incomplete(seen("2024-02-20"), cloud.Instance)},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02`},
		{"cores, then memory, and memory again", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", machine("a", 4, 32)), seen("2024-02-02", machine("a", 4, 16)), seen("2024-02-02", old)},
			`2024-02-02 downsized a n=0 c=1 4C 0G 0G 2880.00 from 2024-02-02
			2024-02-02 downsized a n=0 c=1 0C 16G 0G 4416.00 from 2024-02-02
			2024-02-02 reversed a n=0 c=-1 -4C 0G 0G -2880.00 from 2024-02-02 of downsized a
			2024-02-02 reversed a n=0 c=-1 0C -16G 0G -4416.00 from 2024-02-02 of downsized a`},
		{"of two that gave each its own nothing of the other", []cloud.Inventory{seen("2024-02-01", old), seen("2024-02-02", machine("a", 8, 16)), seen("2024-02-02", machine("a", 4, 16)), seen("2024-02-02", machine("a", 4, 32))},
			`2024-02-02 downsized a n=0 c=1 0C 16G 0G 4416.00 from 2024-02-02
			2024-02-02 downsized a n=0 c=1 4C 0G 0G 2880.00 from 2024-02-02
			2024-02-02 reversed a n=0 c=-1 0C -16G 0G -4416.00 from 2024-02-02 of downsized a`},
		{"larger, and nobody knows what it costs", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 0)), seen("2024-02-02", machine("a", 8, 0))}, ``},
		{"there all along, and of this application by now", []cloud.Inventory{seen("2024-02-01", old, of(seenAt(machine("n", 4, 16), "2024-01-25", "2024-02-01"), "")), seen("2024-02-02", of(seenAt(machine("n", 4, 16), "2024-01-25", "2024-02-01"), "")), seen("2024-02-02", machine("n", 4, 16))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02`},
		{"one that became known after its own saving and before another's", []cloud.Inventory{seen("2024-02-01", old, machine("b", 2, 8), of(created(machine("n", 4, 16), "2024-02-10"), "")), seen("2024-02-02", machine("b", 2, 8), of(created(machine("n", 4, 16), "2024-02-10"), "")),
			seen("2024-04-15", of(created(machine("n", 4, 16), "2024-02-10"), "")), seen("2024-04-15", created(machine("n", 4, 16), "2024-02-10"))},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-04-15 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of released a
			2024-04-15 released b n=1 c=0 2C 8G 0G 3648.00 from 2024-04-15
			2024-04-15 rebound n n=0 c=0 -4C -16G 0G -7296.00 from 2024-04-15 of released a`},
		{"a bandwidth", []cloud.Inventory{seen("2024-02-01", address("e", 100)), seen("2024-02-02", address("e", 20)), seen("2024-02-02", address("e", 60)), seen("2024-02-02")},
			`2024-02-02 downsized e n=0 c=1 0C 0G 0G 24000.00 from 2024-02-02
			2024-02-02 reversed e n=0 c=0 0C 0G 0G -12000.00 from 2024-02-02 of downsized e
			2024-02-02 released e n=1 c=0 0C 0G 0G 18240.00 from 2024-02-02`},
		{"storage of a machine whose disks nobody ever lists", []cloud.Inventory{unlisted(seen("2024-02-01", withStorage(old, 500)), cloud.Disk), unlisted(seen("2024-02-02", withStorage(old, 400)), cloud.Disk), unlisted(seen("2024-02-02"), cloud.Disk)},
			`2024-02-02 downsized a n=0 c=1 0C 0G 100G 1428.00 from 2024-02-02
			2024-02-02 released a n=1 c=0 8C 32G 400G 20304.00 from 2024-02-02`},
		{"a disk that is put elsewhere", []cloud.Inventory{seen("2024-02-01", withStorage(old, 500), disk("d", "a", 500)), seen("2024-02-02", withStorage(old, 500), disk("d", "", 500)), seen("2024-02-02", withStorage(old, 500), disk("d", "a", 500))}, ``},
		{"disks listed from then on", []cloud.Inventory{unlisted(seen("2024-02-01", withStorage(old, 500)), cloud.Disk), seen("2024-02-02", disk("d", "", 500)), seen("2024-02-02")},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 released d n=1 c=0 0C 0G 500G 7140.00 from 2024-02-02`},
		{"a machine goes, and its disk a day later", []cloud.Inventory{seen("2024-02-01", old, disk("d", "a", 100)), incomplete(seen("2024-02-02", disk("d", "a", 100)), cloud.Disk), later(seen("2024-02-02"), 20)},
			`2024-02-02 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-02 released d n=1 c=0 0C 0G 100G 1428.00 from 2024-02-02`},
	} {
		t.Run(c.name, func(t *testing.T) { booked(t, settings(), c.of, c.want) })
	}
}

// A disk costs by its category, and gives by it.
func TestCategories(t *testing.T) {
	s := Standard(categories(t), zone)
	d := func(gib float64, category string) cloud.Inventory {
		return seen("2024-02-02", in(disk("d", "", gib), category))
	}
	first := seen("2024-02-01", in(disk("d", "", 100), "dear"))
	for _, c := range []struct {
		name string
		of   []cloud.Inventory
		want string
	}{
		{"cheaper", []cloud.Inventory{first, d(100, "cheap")}, `2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02`},
		{"cheaper, and a GiB more", []cloud.Inventory{first, d(100, "cheap"), d(101, "cheap")}, `2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02`},
		{"cheaper, and dear again", []cloud.Inventory{first, d(100, "cheap"), d(100, "dear")},
			`2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02
			2024-02-02 reversed d n=0 c=0 0C 0G 0G -1200.00 from 2024-02-02 of recategorized d`},
		{"cheaper, then smaller and dear again", []cloud.Inventory{first, d(100, "cheap"), d(90, "dear")},
			`2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02
			2024-02-02 reversed d n=0 c=0 0C 0G 0G -1200.00 from 2024-02-02 of recategorized d
			2024-02-02 downsized d n=0 c=1 0C 0G 10G 240.00 from 2024-02-02`},
		{"smaller, cheaper, dear again", []cloud.Inventory{first, d(60, "dear"), d(60, "cheap"), d(60, "dear")},
			`2024-02-02 downsized d n=0 c=1 0C 0G 40G 960.00 from 2024-02-02
			2024-02-02 recategorized d n=0 c=0 0C 0G 0G 720.00 from 2024-02-02
			2024-02-02 reversed d n=0 c=0 0C 0G 0G -720.00 from 2024-02-02 of recategorized d`},
		{"smaller, and dearer than ever", []cloud.Inventory{seen("2024-02-01", in(disk("d", "", 100), "cheap")), d(10, "cheap"), d(10, "dear")},
			`2024-02-02 downsized d n=0 c=1 0C 0G 90G 1080.00 from 2024-02-02`},
		{"cheaper, and verified", []cloud.Inventory{first, d(100, "cheap"), later(d(100, "cheap"), 48)},
			`2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02
			2024-02-04 verified d n=0 c=0 0C 0G 0G ? from 0001-01-01 of recategorized d`},
		{"cheaper, and of a category by then of which nobody knows what it costs", []cloud.Inventory{first, d(100, "cheap"), later(d(100, "other"), 48)},
			`2024-02-02 recategorized d n=0 c=0 0C 0G 0G 1200.00 from 2024-02-02`},
		{"of a category without a price", []cloud.Inventory{first, d(100, "other")}, ``},
	} {
		t.Run(c.name, func(t *testing.T) { booked(t, s, c.of, c.want) })
	}
}

// booked replays inventories and compares what is booked, in whatever order.
func booked(t *testing.T, s Settings, of []cloud.Inventory, want string) {
	t.Helper()
	for i := range of { // an instant each
		of[i] = later(of[i], 0)
		of[i].TakenAt = of[i].TakenAt.Add(time.Duration(i) * time.Minute)
	}
	got := strings.Split(strings.TrimSpace(lines(replay(s, of...))), "\n")
	wants := strings.Split(strings.TrimSpace(strings.ReplaceAll(want, "\t", "")), "\n")
	slices.Sort(got)
	slices.Sort(wants)
	if !slices.Equal(got, wants) {
		t.Errorf("booked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wants, "\n"))
	}
}

// Advice makes a saving of what was there for days only.
func TestAdvisedWithinDays(t *testing.T) {
	s := settings()
	of := []cloud.Inventory{seen("2024-02-01", created(machine("n", 4, 16), "2024-01-20")), seen("2024-02-02")}
	s.Claims = map[string][]Advice{"n": {{Claim: Claim{Recommendation: "1"}, Effect: Downsized}}}
	if got := replay(s, of...); len(got) != 0 {
		t.Errorf("advised otherwise:\n%s", lines(got))
	}
	s.Claims = map[string][]Advice{"n": {{Claim: Claim{Recommendation: "1"}, Effect: Released}}}
	if got := replay(s, of...); len(got) != 1 || got[0].Claim == nil {
		t.Errorf("as advised:\n%s", lines(got))
	}
}

// A book that prices types has no price of half a machine: it is a share then.
func TestPartsOfATypeAreShares(t *testing.T) {
	book, err := price.Parse("types.yaml", []byte(`id: types
version: "1"
name: {zh: 规格, en: types}
currency: CNY
source: {title: test}
confidence: proposed
tax_included: true
hours_per_month: 730
items:
  - {id: large, what: instance, instance_type: large, price: 1000, per: month}
  - {id: small, what: instance, instance_type: small, price: 400, per: month}
`))
	if err != nil {
		t.Fatal(err)
	}
	typed := func(id string, vcpu int, gib float64, kind string) cloud.Resource {
		r := machine(id, vcpu, gib)
		r.InstanceType = kind
		return r
	}
	booked(t, Standard(book, zone), []cloud.Inventory{seen("2024-02-01", typed("a", 8, 32, "large"), typed("b", 8, 32, "large")), seen("2024-02-02", typed("b", 8, 32, "large")), seen("2024-02-02", typed("b", 8, 32, "large"), typed("n", 4, 8, "small"))},
		`2024-02-02 released a n=1 c=0 8C 32G 0G 12000.00 from 2024-02-02
		2024-02-02 rebound n n=0 c=0 -4C -8G 0G -4800.00 from 2024-02-02 of released a`)
}

// Twenty thousand machines of one application make way for as many others.
func BenchmarkRebound(b *testing.B) {
	var was, now []cloud.Resource
	for i := range 20_000 {
		was = append(was, machine(fmt.Sprintf("o%d", i), 4, 16))
		now = append(now, machine(fmt.Sprintf("n%d", i), 4, 16))
	}
	entries := Reconcile(seen("2024-02-01", was...), seen("2024-02-02"), nil, settings())
	for b.Loop() {
		Reconcile(seen("2024-02-02"), seen("2024-02-03", now...), entries, settings())
	}
}
