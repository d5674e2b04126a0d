package bundle

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/internal/sheet"
)

// What Write writes, Open reads back, and writing it again gives the same
// bytes.
func TestWriteThenOpenIsTheSame(t *testing.T) {
	root := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		inv, samples := drawBundle(t)
		of := func(id string) map[cloud.Metric][]cloud.Point { return samples[id] }
		dir := filepath.Join(root, fmt.Sprint(runs))
		for _, d := range []string{dir, dir + "-again"} {
			if err := Write(d, inv, of, nil); err != nil {
				t.Fatal(err)
			}
		}
		sameFiles(t, dir, dir+"-again")
		b, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := cloud.Inventory{Resources: append([]cloud.Resource{}, inv.Resources...), Types: inv.Types}
		complete(&want)
		want.Scopes = scopes(want.Resources)
		want.Sort()
		if diff := cmp.Diff(want, b.Inventory(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("inventory (-want +got):\n%s", diff)
		}
		for _, r := range inv.Resources {
			got, err := b.Samples(r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(samples[r.ID], got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("samples of %s (-want +got):\n%s", r.ID, diff)
			}
		}
		if notes := b.Notes(); len(notes) != 0 {
			t.Fatalf("notes: %q", notes)
		}
	})
}

func sameFiles(t *rapid.T, a, b string) {
	err := filepath.WalkDir(a, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		one, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		two, err := os.ReadFile(b + strings.TrimPrefix(path, a))
		if err == nil && !bytes.Equal(one, two) {
			t.Fatalf("%s: written twice, not the same bytes", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func drawBundle(t *rapid.T) (cloud.Inventory, map[string]map[cloud.Metric][]cloud.Point) {
	word := rapid.StringMatching(`([a-z政务云"',=]{1,3}( [a-z"\n]{1,3})?[x云])?`)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "unknown") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(firstInstant, endInstant-1).Draw(t, "t"), rapid.SampledFrom([]int64{0, 500_000_000}).Draw(t, "ns")).UTC()
	})
	size := rapid.Map(rapid.IntRange(0, 1_000_000), func(n int) float64 { return float64(n) / 100 })
	var inv cloud.Inventory
	for i := range rapid.IntRange(0, 3).Draw(t, "types") {
		inv.Types = append(inv.Types, cloud.InstanceType{
			ID: fmt.Sprintf("type-%d", i), Family: word.Draw(t, "family"), VCPU: rapid.IntRange(1, 200).Draw(t, "vcpu"), MemoryGiB: size.Draw(t, "memory") + 0.5,
			Architecture: rapid.SampledFrom([]string{"", "x86_64", "arm64", "loong64"}).Draw(t, "arch"), GPU: rapid.IntRange(0, 8).Draw(t, "gpu"),
			LocalStorageGiB: size.Draw(t, "local"), Burstable: rapid.Bool().Draw(t, "burstable"),
		})
	}
	samples := map[string]map[cloud.Metric][]cloud.Point{}
	for i := range rapid.IntRange(0, 6).Draw(t, "resources") {
		r := cloud.Resource{
			ID: fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"i", "云 主机", "a..b", "x,y", "q'"}).Draw(t, "id"), i), Kind: rapid.SampledFrom(cloud.Kinds()).Draw(t, "kind"),
			Name: word.Draw(t, "name"), Account: word.Draw(t, "account"), Region: word.Draw(t, "region"), Zone: word.Draw(t, "zone"), ResourceGroup: word.Draw(t, "group"),
			Department: word.Draw(t, "department"), Application: word.Draw(t, "application"),
			Status: cloud.Changing, ChargeType: rapid.SampledFrom([]cloud.ChargeType{"", cloud.Prepaid, cloud.Postpaid}).Draw(t, "charge"),
			StoppedSince: at.Draw(t, "stopped"), ExpiresAt: at.Draw(t, "expires"), CreatedAt: at.Draw(t, "created"), FirstSeen: at.Draw(t, "first"), ResizedAt: at.Draw(t, "resized"),
			InstanceType: rapid.SampledFrom([]string{"", "type-0", "other"}).Draw(t, "type"), Architecture: rapid.SampledFrom([]string{"", "x86_64", "loong64"}).Draw(t, "architecture"),
			VCPU: rapid.IntRange(0, 200).Draw(t, "cores"), MemoryGiB: size.Draw(t, "gib"), LocalStorageGiB: size.Draw(t, "host disks"), GPU: rapid.IntRange(0, 8).Draw(t, "gpus"),
			Burstable: rapid.Bool().Draw(t, "credits"), OS: word.Draw(t, "os"), PrivateIP: word.Draw(t, "ip"), Agent: rapid.SampledFrom([]cloud.AgentStatus{"", cloud.AgentRunning, cloud.AgentStopped, cloud.AgentAbsent}).Draw(t, "agent"),
			HAGroup: word.Draw(t, "ha"), StorageGiB: size.Draw(t, "storage"), Category: word.Draw(t, "category"), AttachedTo: rapid.SampledFrom([]string{"", "i-0", "i-1"}).Draw(t, "attached"),
			DetachedAt: at.Draw(t, "detached"), System: rapid.Bool().Draw(t, "system"), BandwidthMbps: size.Draw(t, "bandwidth"),
			Attributes: drawMap(t, "attributes"), Tags: drawMap(t, "tags"),
		}
		if !r.FirstSeen.IsZero() {
			r.LastSeen = r.FirstSeen
		}
		inv.Resources = append(inv.Resources, r)
		samples[r.ID] = drawSamples(t)
	}
	return inv, samples
}

func drawMap(t *rapid.T, label string) map[string]string {
	m := rapid.MapOfN(rapid.SampledFrom([]string{"负责人", "env", "a,b", "cloud"}), rapid.StringMatching(` ?[a-z云"]{1,4} ?`), 0, 3).Draw(t, label)
	if len(m) == 0 {
		return nil
	}
	return m
}

func drawSamples(t *rapid.T) map[cloud.Metric][]cloud.Point {
	out := map[cloud.Metric][]cloud.Point{}
	for _, m := range cloud.Metrics() {
		if rapid.Bool().Draw(t, "without "+string(m)) {
			continue
		}
		points := []cloud.Point{}
		for at := int64(1_700_000_000); rapid.IntRange(0, 5).Draw(t, "more") > 0; {
			at += rapid.Int64Range(1, 600).Draw(t, "step")
			v := rapid.Float64Range(0, 100).Draw(t, "percent")
			if m.Unit() != cloud.Percent {
				v = rapid.Float64Range(0, 1e300).Draw(t, "rate")
			}
			points = append(points, cloud.Point{T: at, V: v})
		}
		out[m] = points
	}
	return out
}

func TestWriteRefuses(t *testing.T) {
	one := func(r cloud.Resource) cloud.Inventory { return cloud.Inventory{Resources: []cloud.Resource{r}} }
	cpu := func(points ...cloud.Point) map[cloud.Metric][]cloud.Point {
		return map[cloud.Metric][]cloud.Point{cloud.CPUPercent: points}
	}
	cases := map[string]struct {
		inv     cloud.Inventory
		samples map[cloud.Metric][]cloud.Point
		want    string
	}{
		"an id that leaves the folder": {one(cloud.Resource{ID: "../vm"}), nil, `resource_id: found "../vm"`},
		"a status of another kind":     {one(cloud.Resource{ID: "vm", Status: cloud.InUse}), nil, "status: found"},
		"an attribute named as a known column": {
			one(cloud.Resource{ID: "vm", Attributes: map[string]string{"vcpu": "4"}}), nil, `attribute "vcpu" cannot be a column`},
		"text that is not UTF-8": {one(cloud.Resource{ID: "vm", Name: "\xff"}), nil, "want UTF-8 text"},
		"a size without its numbers": {
			cloud.Inventory{Types: []cloud.InstanceType{{ID: "t", VCPU: 1}}}, nil, "instance_types.csv:2: memory_gib"},
		"an instant twice":         {one(cloud.Resource{ID: "vm"}), cpu(cloud.Point{T: 1.7e9, V: 1}, cloud.Point{T: 1.7e9, V: 2}), "timestamp 1700000000 at place 1 is out of order"},
		"101 percent":              {one(cloud.Resource{ID: "vm"}), cpu(cloud.Point{T: 1.7e9, V: 101}), "value 101 at 1700000000 is outside 0 to 100"},
		"a metric nobody knows":    {one(cloud.Resource{ID: "vm"}), map[cloud.Metric][]cloud.Point{"temperature": nil}, "found a metric other than"},
		"milliseconds for seconds": {one(cloud.Resource{ID: "vm"}), cpu(cloud.Point{T: 1.7e12, V: 1}), "outside the years 2000 to 2099"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := Write(dir, c.inv, func(string) map[cloud.Metric][]cloud.Point { return c.samples }, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: %v\nwant: %s", err, c.want)
			}
			if _, err := Open(dir); err == nil {
				t.Error("what a refused Write left opens as a bundle")
			}
		})
	}
	t.Run("a folder that holds something", func(t *testing.T) {
		dir := folder(t, map[string]string{"samples/old.csv": ""})
		if err := Write(dir, cloud.Inventory{}, nil, nil); err == nil || !strings.Contains(err.Error(), "old.csv is already there; want an empty folder") {
			t.Errorf("error: %v", err)
		}
	})
}

// An inventory either opens, and then Write accepts it back, or is refused
// with a mistake or a plain error.
func FuzzInventory(f *testing.F) {
	f.Add(fullInventory, "instance_type,vcpu,memory_gib\nsmall,2,8\n")
	f.Add("resource_id,kind\nvm-1,instance\n", "")
	f.Add("resource_id\n\"a\nb\"\n", "instance_type\n")
	f.Add("resource_id,部门\nvm-1,\xb2\xc6\xd5\xfe\n", "")
	f.Fuzz(func(t *testing.T, inventory, types string) {
		var wrong sheet.Mistakes
		table := sheet.ParseCSV("inventory.csv", []byte(inventory), &wrong)
		var inv cloud.Inventory
		if wrong.None() {
			inv.Resources = parseResources(table, &wrong)
		}
		if types != "" && wrong.None() {
			inv.Types = parseTypes(sheet.ParseCSV("instance_types.csv", []byte(types), &wrong), &wrong)
		}
		if !wrong.None() {
			for _, m := range wrong.List {
				if m.File == "" || m.Line == 0 || m.Found == "" {
					t.Fatalf("a mistake that cannot be found: %+v", m)
				}
			}
			return
		}
		for _, r := range inv.Resources {
			if path := filepath.Join("samples", r.ID+".csv.gz"); filepath.Dir(path) != "samples" || !filepath.IsLocal(path) {
				t.Fatalf("the id %q leaves the folder", r.ID)
			}
			if r.Kind == "" {
				t.Fatalf("%s has no kind", r.ID)
			}
		}
		complete(&inv)
		rows, err := inventoryRows(inv.Resources)
		if err != nil {
			t.Fatalf("read, and not to be written: %v", err)
		}
		if len(rows) != len(inv.Resources)+1 {
			t.Fatalf("%d rows for %d resources", len(rows), len(inv.Resources))
		}
	})
}
