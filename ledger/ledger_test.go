package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

var zone = time.FixedZone("CST", 8*3600)

func day(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s+" 02:00", zone)
	if err != nil {
		panic(err)
	}
	return t
}

// settings price a core at 60, a GiB of memory at 23 and of storage at 1.19 a month.
func settings() Settings {
	return Standard(price.Example(), zone)
}

func machine(id string, vcpu int, gib float64) cloud.Resource {
	return cloud.Resource{ID: id, Kind: cloud.Instance, Name: id, Region: "r", VCPU: vcpu, MemoryGiB: gib, Department: "财政局", Application: "预算", Status: cloud.Running}
}

func disk(id, of string, gib float64) cloud.Resource {
	return cloud.Resource{ID: id, Kind: cloud.Disk, Name: id, Region: "r", StorageGiB: gib, Category: "cloud_essd", AttachedTo: of, Department: "财政局", Application: "预算"}
}

// seen is an inventory in which every listing was read to the end.
func seen(at string, resources ...cloud.Resource) cloud.Inventory {
	inv := cloud.Inventory{Cloud: "province", TakenAt: day(at), Resources: resources}
	for _, k := range cloud.Kinds() {
		inv.Scopes = append(inv.Scopes, cloud.Scope{Region: "r", Kind: k, Complete: true})
	}
	inv.Sort()
	return inv
}

// replay books one inventory after the other; between them the ledger is stored and read.
func replay(s Settings, inventories ...cloud.Inventory) []Entry {
	var entries []Entry
	for i := 1; i < len(inventories); i++ {
		entries = append(entries, readBack(Reconcile(inventories[i-1], inventories[i], entries, s))...)
	}
	return entries
}

func readBack(entries []Entry) (out []Entry) {
	text, err := json.Marshal(entries)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// lines writes entries as people read them, one a line.
func lines(entries []Entry) string {
	var b strings.Builder
	for _, e := range entries {
		annual := "?"
		if e.Annual != nil {
			annual = e.Annual.String()
		}
		fmt.Fprintf(&b, "%s %s %s n=%d c=%d %dC %gG %gG %s from %s", e.At.Format("2006-01-02"), e.Effect, e.ResourceID, e.Resources, e.Changed, e.VCPU, e.MemoryGiB, e.StorageGiB, annual, e.From.Format("2006-01-02"))
		for _, of := range entries {
			if of.ID == e.Of {
				fmt.Fprintf(&b, " of %s %s", of.Effect, of.ResourceID)
			}
		}
		if e.PartOf != "" {
			fmt.Fprintf(&b, " with %s", e.PartOf)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func check(t *testing.T, entries []Entry, want string) {
	t.Helper()
	want = strings.TrimSpace(strings.ReplaceAll(want, "\t", ""))
	if got := strings.TrimSpace(lines(entries)); got != want {
		t.Errorf("booked\n%s\nwant\n%s", got, want)
	}
}

func TestReconcile(t *testing.T) {
	prepaid := machine("p", 2, 4)
	prepaid.ChargeType, prepaid.ExpiresAt = cloud.Prepaid, day("2024-05-31")
	endless := machine("e", 2, 4)
	endless.ChargeType = cloud.Prepaid
	partial := seen("2024-03-01")
	for i := range partial.Scopes {
		partial.Scopes[i].Complete = partial.Scopes[i].Kind != cloud.Instance
	}
	elsewhere := machine("n", 2, 4)
	elsewhere.Application = "决算"
	cheaper := disk("d", "", 100)
	cheaper.Category = "cloud_efficiency"
	unknown := machine("u", 2, 0)
	for _, c := range []struct {
		name string
		of   []cloud.Inventory
		want string
	}{
		{"nothing changed", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 8)), seen("2024-03-01", machine("a", 4, 8))}, ``},
		{"a first inventory", []cloud.Inventory{{Cloud: "province"}, seen("2024-03-01")}, ``},
		{"released", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 8)), seen("2024-03-01")},
			`2024-03-01 released a n=1 c=0 4C 8G 0G 5088.00 from 2024-03-01`},
		{"released with its disk, and one that stood alone", []cloud.Inventory{seen("2024-02-01", withStorage(machine("a", 4, 8), 40), disk("d", "a", 40), disk("e", "", 10)), seen("2024-03-01")},
			`2024-03-01 released a n=1 c=0 4C 8G 0G 5088.00 from 2024-03-01
			2024-03-01 released d n=0 c=0 0C 0G 40G 571.20 from 2024-03-01 with a
			2024-03-01 released e n=1 c=0 0C 0G 10G 142.80 from 2024-03-01`},
		{"released with storage that nobody lists", []cloud.Inventory{seen("2024-02-01", withStorage(machine("a", 4, 8), 40)), seen("2024-03-01")},
			`2024-03-01 released a n=1 c=0 4C 8G 40G 5659.20 from 2024-03-01`},
		{"not listed to the end", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 8), disk("d", "a", 40)), partial},
			`2024-03-01 released d n=1 c=0 0C 0G 40G 571.20 from 2024-03-01`},
		{"paid in advance", []cloud.Inventory{seen("2024-02-01", prepaid), seen("2024-03-01")},
			`2024-03-01 released p n=1 c=0 2C 4G 0G 2544.00 from 2024-06-01`},
		{"a size that nobody knows", []cloud.Inventory{seen("2024-02-01", unknown), seen("2024-03-01")},
			`2024-03-01 released u n=1 c=0 2C 0G 0G ? from 2024-03-01`},
		{"a size that became known", []cloud.Inventory{seen("2024-02-01", machine("u", 8, 0)), seen("2024-03-01", machine("u", 8, 4))}, ``},
		{"downsized", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 16)), seen("2024-03-01", machine("a", 2, 8))},
			`2024-03-01 downsized a n=0 c=1 2C 8G 0G 3648.00 from 2024-03-01`},
		{"fewer cores and more memory, and cheaper", []cloud.Inventory{seen("2024-02-01", machine("a", 8, 8)), seen("2024-03-01", machine("a", 2, 16))},
			`2024-03-01 downsized a n=0 c=1 6C -8G 0G 2112.00 from 2024-03-01`},
		{"fewer cores and more memory, and dearer", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 8)), seen("2024-03-01", machine("a", 2, 16))}, ``},
		{"grown, of which nothing was booked", []cloud.Inventory{seen("2024-02-01", machine("a", 2, 8)), seen("2024-03-01", machine("a", 4, 16))}, ``},
		{"another category of the same price", []cloud.Inventory{seen("2024-02-01", disk("d", "", 100)), seen("2024-03-01", cheaper)}, ``},
		{"downsized, and listed with its disks from then on", []cloud.Inventory{seen("2024-02-01", withStorage(machine("a", 8, 32), 500)), seen("2024-03-01", withStorage(machine("a", 4, 16), 500), disk("d", "a", 500))},
			`2024-03-01 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-03-01`},
		{"a disk shrunk", []cloud.Inventory{seen("2024-02-01", disk("d", "", 100)), seen("2024-03-01", disk("d", "", 60))},
			`2024-03-01 downsized d n=0 c=1 0C 0G 40G 571.20 from 2024-03-01`},
		{"released, and returned as it was", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 8)), seen("2024-03-01"), seen("2024-04-01", machine("a", 4, 8))},
			`2024-03-01 released a n=1 c=0 4C 8G 0G 5088.00 from 2024-03-01
			2024-04-01 reversed a n=-1 c=0 -4C -8G 0G -5088.00 from 2024-04-01 of released a`},
		{"released, and returned half as large", []cloud.Inventory{seen("2024-02-01", machine("a", 4, 8)), seen("2024-03-01"), seen("2024-04-01", machine("a", 2, 4))},
			`2024-03-01 released a n=1 c=0 4C 8G 0G 5088.00 from 2024-03-01
			2024-04-01 reversed a n=-1 c=0 -4C -8G 0G -5088.00 from 2024-04-01 of released a
			2024-04-01 downsized a n=0 c=1 2C 4G 0G 2544.00 from 2024-04-01`},
		{"downsized twice, and grown by more than the last", []cloud.Inventory{
			seen("2024-02-01", machine("a", 16, 64)), seen("2024-02-02", machine("a", 8, 32)), seen("2024-02-02", machine("a", 8, 32)), seen("2024-02-03", machine("a", 4, 16)), seen("2024-02-04", machine("a", 12, 48)),
		}, `2024-02-02 downsized a n=0 c=1 8C 32G 0G 14592.00 from 2024-02-02
			2024-02-03 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-03
			2024-02-03 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of downsized a
			2024-02-04 reversed a n=0 c=-1 -4C -16G 0G -7296.00 from 2024-02-04 of downsized a
			2024-02-04 reversed a n=0 c=0 -4C -16G 0G -7296.00 from 2024-02-04 of downsized a`},
		{"taken again in parts, each at its price", []cloud.Inventory{
			seen("2024-02-01", machine("a", 8, 32)), seen("2024-02-02", machine("a", 4, 16)), seen("2024-02-02", machine("a", 4, 16)), seen("2024-02-03", machine("a", 6, 16)), seen("2024-02-04", machine("a", 6, 32)),
		}, `2024-02-02 downsized a n=0 c=1 4C 16G 0G 7296.00 from 2024-02-02
			2024-02-03 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of downsized a
			2024-02-03 reversed a n=0 c=0 -2C 0G 0G -1440.00 from 2024-02-03 of downsized a
			2024-02-04 reversed a n=0 c=0 0C -16G 0G -4416.00 from 2024-02-04 of downsized a`},
		{"paid in advance, nobody knows until when", []cloud.Inventory{seen("2024-02-01", endless), seen("2024-03-01")},
			`2024-03-01 released e n=1 c=0 2C 4G 0G 2544.00 from 0001-01-01`},
		{"a disk of a cheaper category", []cloud.Inventory{seen("2024-02-01", disk("d", "", 100)), seen("2024-03-01", cheaper)}, ``},
		{"eaten by a new machine of the same application", []cloud.Inventory{seen("2024-02-01", machine("a", 8, 32), machine("b", 2, 4)), seen("2024-03-01", machine("b", 2, 4)), seen("2024-04-01", machine("b", 2, 4), machine("n", 4, 8))},
			`2024-03-01 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-01
			2024-04-01 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of released a
			2024-04-01 rebound n n=0 c=0 -4C -8G 0G -5088.00 from 2024-04-01 of released a`},
		{"not eaten by another application's", []cloud.Inventory{seen("2024-02-01", machine("a", 8, 32)), seen("2024-03-01"), seen("2024-03-01", elsewhere)},
			`2024-03-01 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-01`},
		{"not eaten after the window", []cloud.Inventory{seen("2024-02-01", machine("a", 8, 32)), seen("2024-03-01"), seen("2024-05-31", machine("n", 2, 4))},
			`2024-03-01 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-01
			2024-05-31 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of released a`},
		{"replaced by a smaller one at once", []cloud.Inventory{seen("2024-02-01", machine("a", 8, 32)), seen("2024-03-01", machine("n", 2, 8))},
			`2024-03-01 rebound n n=0 c=0 -2C -8G 0G -3648.00 from 2024-03-01 of released a
			2024-03-01 released a n=1 c=0 8C 32G 0G 14592.00 from 2024-03-01`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := replay(settings(), c.of...)
			slices.SortFunc(got, func(a, b Entry) int { return strings.Compare(lines([]Entry{a}), lines([]Entry{b})) })
			want := strings.Split(strings.TrimSpace(strings.ReplaceAll(c.want, "\t", "")), "\n")
			slices.Sort(want)
			check(t, got, strings.Join(want, "\n"))
		})
	}
}

func withStorage(r cloud.Resource, gib float64) cloud.Resource {
	r.StorageGiB = gib
	return r
}

// An observation that is in the ledger is not booked again, and what is gone is gone once.
func TestReconcilingTwiceBooksOnce(t *testing.T) {
	before, after := seen("2024-02-01", machine("a", 4, 8)), seen("2024-03-01")
	entries := Reconcile(before, after, nil, settings())
	for _, again := range []cloud.Inventory{after, seen("2024-02-20"), seen("2024-03-20")} {
		for _, e := range Reconcile(before, again, entries, settings()) {
			if e.Effect != Verified {
				t.Errorf("booked again:\n%s", lines([]Entry{e}))
			}
		}
	}
}

// Inventories that are imported again, out of their order, or by a clock that ran ahead
// leave what is: what was seen last counts.
func TestWhatWasSeenLastCounts(t *testing.T) {
	may, june := seen("2024-05-31", machine("a", 4, 8), machine("b", 8, 32)), seen("2024-06-30", machine("b", 4, 16))
	right := seen("2024-06-30", machine("a", 4, 8), machine("b", 4, 16))
	ahead := seen("2036-06-30", machine("b", 4, 16))
	for name, c := range map[string]struct {
		of   []cloud.Inventory
		want string
	}{
		"back and forth":        {[]cloud.Inventory{may, june, may, june}, "1+1 8C 24G 0G 0M 12384.00"},
		"and back once more":    {[]cloud.Inventory{may, june, may, june, may}, "0+0 0C 0G 0G 0M 0.00"},
		"put right":             {[]cloud.Inventory{may, june, right}, "0+1 4C 16G 0G 0M 7296.00"},
		"put right, and wrong":  {[]cloud.Inventory{may, june, right, june}, "1+1 8C 24G 0G 0M 12384.00"},
		"by a clock that ran":   {[]cloud.Inventory{may, ahead, seen("2024-07-01", machine("b", 4, 16)), seen("2024-07-02")}, "2+1 12C 40G 0G 0M 19680.00"},
		"and right before then": {[]cloud.Inventory{may, ahead, may}, "0+0 0C 0G 0G 0M 0.00"},
	} {
		entries := replay(settings(), c.of...)
		if net := textOf(Tally(entries, Query{Period: Period{day("2020-01-01"), day("2040-01-01")}}).Total.Net); !strings.HasPrefix(net, c.want+" ") {
			t.Errorf("%s: %s\n%s", name, net, lines(entries))
		}
	}
}

// Of several pieces of advice for one resource the one that was followed is credited,
// once.
func TestClaims(t *testing.T) {
	s := settings()
	s.Claims = map[string][]Advice{"a": {
		{Claim: Claim{Recommendation: "stop", Batch: "1"}, Effect: "stopped"}, {Claim: Claim{Recommendation: "smaller", Batch: "2"}, Effect: Downsized},
		{Claim: Claim{Recommendation: "gone", Batch: "浙财云通〔2024〕3号"}, Effect: Released}, {Claim: Claim{Recommendation: "again"}, Effect: Released},
	}}
	got := Reconcile(seen("2024-02-01", machine("a", 4, 8), machine("b", 2, 4)), seen("2024-03-01"), nil, s)
	if len(got) != 2 || got[0].Claim == nil || got[0].Claim.Recommendation != "gone" || got[0].Batch != "浙财云通〔2024〕3号" || got[1].Claim != nil || got[1].Batch != "" {
		t.Errorf("%+v", got)
	}
}

// A notice that asks for a machine counts its disks in what that saves: those that go
// with it are credited to the same document. One of another machine is not, nor is one
// that stays.
func TestDisksAreCreditedWithTheirMachine(t *testing.T) {
	s := settings()
	s.Claims = map[string][]Advice{
		"a": {{Claim: Claim{Recommendation: "gone", Case: "c1", Batch: "3号"}, Effect: Released}},
		"c": {{Claim: Claim{Recommendation: "kept", Batch: "4号"}, Effect: Released}},
		"y": {{Claim: Claim{Recommendation: "own", Batch: "5号"}, Effect: Released}},
	}
	got := Reconcile(seen("2024-02-01", machine("a", 4, 8), disk("x", "a", 40), disk("y", "a", 20), machine("b", 2, 4), disk("z", "b", 60), machine("c", 2, 4), disk("w", "c", 80)),
		seen("2024-03-01", machine("c", 2, 4)), nil, s)
	batches := map[string]string{}
	for _, e := range got {
		batches[e.ResourceID] = e.Batch
		if (e.Claim != nil) != (e.ResourceID == "a" || e.ResourceID == "y") {
			t.Errorf("%s claims %+v", e.ResourceID, e.Claim)
		}
	}
	if want := map[string]string{"a": "3号", "x": "3号", "y": "5号", "b": "", "z": "", "w": ""}; !maps.Equal(batches, want) {
		t.Errorf("%v, want %v", batches, want)
	}
}

// What is kept for years reads back as it was written.
func TestEntryReadsBack(t *testing.T) {
	for _, e := range replay(settings(), seen("2024-02-01", machine("a", 4, 8), disk("d", "a", 40)), seen("2024-03-01"), seen("2024-04-01", machine("n", 2, 4))) {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back Entry
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, _ := json.Marshal(back)
		if string(again) != string(text) {
			t.Errorf("%s\nbecame\n%s", text, again)
		}
		back.ID = ""
		if identify(back, 0) != e.ID {
			t.Errorf("%s: another id when read back", e.ID)
		}
	}
}

func TestInYear(t *testing.T) {
	annual := func(text string) *price.Amount {
		a, err := price.NewAmount(text, "CNY")
		if err != nil {
			t.Fatal(err)
		}
		return &a
	}
	for _, c := range []struct{ at, from, annual, want string }{
		{"2024-01-01", "2024-01-01", "3660", "3660.00"}, // 366 of 366 days
		{"2024-07-01", "2024-07-01", "3660", "1840.00"}, // 184
		{"2023-07-01", "2023-07-01", "3650", "1840.00"}, // 184 of 365
		{"2024-12-31", "2024-12-31", "3660", "10.00"},
		{"2024-03-01", "2025-02-01", "3660", "0.00"},    // paid until next year
		{"2024-03-01", "2023-12-01", "3660", "3660.00"}, // no more than the year
		{"2024-12-31", "2024-12-31", "-3660", "-10.00"}, // taken back
		{"2024-07-01", "2024-07-01", "1000.01", "502.74"},
	} {
		got, known := Entry{At: day(c.at), From: dayOf(day(c.from), zone), Annual: annual(c.annual)}.InYear()
		if !known || got.String() != c.want {
			t.Errorf("%s a year from %s, observed %s: %s in the year, want %s", c.annual, c.from, c.at, got, c.want)
		}
	}
	if _, known := (Entry{}).InYear(); known {
		t.Error("known of an unknown price")
	}
}

func TestParsePeriod(t *testing.T) {
	for text, want := range map[string]string{"2024": "2024-01-01 2024-12-31", "2024H1": "2024-01-01 2024-06-30", "2024h2": "2024-07-01 2024-12-31", "2024Q1": "2024-01-01 2024-03-31", "2024Q4": "2024-10-01 2024-12-31", "2024-02": "2024-02-01 2024-02-29"} {
		p, err := ParsePeriod(text, zone)
		if got := p.From.Format("2006-01-02") + " " + p.Last().Format("2006-01-02"); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
		if got := p.Preset(); !strings.EqualFold(got, text) {
			t.Errorf("%s: preset %s", text, got)
		}
	}
	for _, text := range []string{"", "24H1", "2024H3", "2024Q5", "2024-13", "2024-00", "0000", "2024H1 ", "二〇二四"} {
		if _, err := ParsePeriod(text, zone); err == nil || !strings.Contains(err.Error(), "2024Q3") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if p := (Period{day("2024-01-05"), day("2024-03-02")}); p.Preset() != "" {
		t.Error("a preset of " + p.Preset())
	}
}

func TestTally(t *testing.T) {
	other := machine("b", 2, 4)
	other.Department, other.Application = "", ""
	unknown := machine("u", 2, 0)
	entries := replay(settings(),
		seen("2024-01-31", machine("a", 8, 32), other, machine("c", 4, 16), unknown), seen("2024-02-29", machine("c", 4, 16), unknown), seen("2024-03-31", machine("c", 2, 8), machine("n", 2, 8)))
	q := Query{Period: Period{day("2024-01-01").Add(-2 * time.Hour), day("2024-07-01").Add(-2 * time.Hour)}, By: []By{ByDepartment, ByMonth}}
	got := Tally(entries, q)
	var b strings.Builder
	for _, r := range append(got.Rows, got.Total) {
		fmt.Fprintf(&b, "%q", r.Key)
		for _, s := range []Sum{r.Gross, r.Taken, r.Net} {
			fmt.Fprintf(&b, " | %d+%d %dC %gG %s/%s/%s ?%d", s.Resources, s.Changed, s.VCPU, s.MemoryGiB, s.Annual, s.InYear, s.Verified, s.Unpriced)
		}
		b.WriteByte('\n')
	}
	want := `["财政局" "2024-02"] | 1+0 8C 32G 14592.00/12239.74/14592.00 ?0 | 0+0 0C 0G 0.00/0.00/0.00 ?0 | 1+0 8C 32G 14592.00/12239.74/14592.00 ?0
["财政局" "2024-03"] | 1+1 4C 8G 3648.00/2750.95/0.00 ?1 | 0+0 -2C -8G -3648.00/-2750.95/-3648.00 ?0 | 1+1 2C 0G 0.00/0.00/-3648.00 ?1
["" "2024-02"] | 1+0 2C 4G 2544.00/2133.90/2544.00 ?0 | 0+0 0C 0G 0.00/0.00/0.00 ?0 | 1+0 2C 4G 2544.00/2133.90/2544.00 ?0
[] | 3+1 14C 44G 20784.00/17124.59/17136.00 ?1 | 0+0 -2C -8G -3648.00/-2750.95/-3648.00 ?0 | 3+1 12C 36G 17136.00/14373.64/13488.00 ?1
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
	if got.Currency != "CNY" || len(got.Total.IDs) != 5 {
		t.Errorf("%s, of %v", got.Currency, got.Total.IDs)
	}
	for name, q := range map[string]Query{
		"department": {Department: "财政局"}, "application": {Application: "预算"}, "kind": {Kind: cloud.Instance}, "effect": {Effect: Rebound}, "batch": {Batch: "x"}, "month": {Month: "2024-02"}, "cloud": {Cloud: "x"},
	} {
		q.Period = Period{day("2024-01-01"), day("2024-07-01")}
		want := map[string]int{"department": 4, "application": 4, "kind": 5, "effect": 1, "batch": 0, "month": 2, "cloud": 0}[name]
		if got := Tally(entries, q).Total.Net.Entries; got != want {
			t.Errorf("by %s %d entries, want %d", name, got, want)
		}
	}
	if empty := Tally(nil, q); len(empty.Rows) != 0 || !reflect.DeepEqual(empty.Total.IDs, []string{}) {
		t.Errorf("%+v", empty)
	}
}

// Ids stay as they are for years: what was booked by an earlier version is not booked again.
func TestIDsStay(t *testing.T) {
	e := Entry{Cloud: "province", ResourceID: "a", Effect: Corrected, At: day("2024-03-01"), Since: day("2024-02-01"), Of: "led-1", Evidence: &Evidence{Was: &cloud.Resource{}}}
	of := func(note string, n int) string { e.Evidence.Note = note; return identify(e, n) }
	got := []string{of("", 0), of("", 1), of("a bill", 0)}
	if want := []string{"led-c2d88f87aac86616", "led-23d00e14b879af9f", "led-982483c5205108c0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What returns to another department is taken from the one that it was credited to.
func TestReturnedToAnother(t *testing.T) {
	other := machine("a", 4, 8)
	other.Department, other.Application = "民政局", "低保"
	got := replay(settings(), seen("2024-02-01", machine("a", 4, 8)), seen("2024-02-02"), seen("2024-02-03", other))
	if i := slices.IndexFunc(got, func(e Entry) bool { return e.Effect == Reversed }); i < 0 || got[i].Department != "财政局" || got[i].Application != "预算" {
		t.Errorf("%+v", got)
	}
}

// What is verified says by what: the resource as it is, or the listing that lacks it.
func TestVerifiedByWhat(t *testing.T) {
	got := replay(settings(), seen("2024-02-01", machine("a", 4, 8), machine("b", 4, 8)), seen("2024-02-02", machine("a", 2, 4)), seen("2024-02-04", machine("a", 2, 4)))
	for _, e := range got[2:] {
		if x := e.Evidence; e.Effect != Verified || x == nil || (x.Now != nil) != (e.ResourceID == "a") || (x.Scope != nil) != (e.ResourceID == "b") {
			t.Errorf("%+v, by %+v", e, x)
		}
	}
	if len(got) != 4 {
		t.Error(lines(got))
	}
}

// Storage that is listed as disks, of which the source does not say whose they are, is the
// disks' and not the machine's once more.
func TestDisksOfNobodyKnowsWhom(t *testing.T) {
	available := disk("d", "", 500)
	available.Status = cloud.Available
	for _, c := range []struct {
		d    cloud.Resource
		want string
	}{{disk("d", "", 500), "2+0 8C 32G 500G"}, {available, "2+0 8C 32G 1000G"}} {
		got := replay(settings(), seen("2024-02-01", withStorage(machine("a", 8, 32), 500), c.d), seen("2024-02-02"))
		if net := textOf(Tally(got, Query{Period: Period{day("2024-01-01"), day("2025-01-01")}}).Total.Net); !strings.HasPrefix(net, c.want+" ") {
			t.Errorf("%s, want %s", net, c.want)
		}
	}
}
