package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"yunjian/cloud"
	"yunjian/internal/sheet"
	"yunjian/price"
)

const fullInventory = "\xef\xbb\xbf" + `resource_id,kind,name,account,region,zone,department,application,instance_type,vcpu,memory_gib,storage_gib,status,charge_type,created_at,first_seen,last_seen,resource_group,stopped_since,expires_at,resized_at,architecture,local_storage_gib,gpu,burstable,os,private_ip,agent,ha_group,category,attached_to,detached_at,system,bandwidth_mbps,负责人,tag:env
i-1,instance,"门户,一",a,r,z,教育局,门户,ecs.g7.large,2,8,,stopped,prepaid,2024-01-02T03:04:05+08:00,1704164645,2026-01-01T00:00Z,g,2025-12-01T00:00:00Z,2027-01-01T00:00:00Z,2025-06-01T00:00:00Z,AMD64,0,1,true,Linux,10.0.0.1,absent,ha,,,,,, 张三 ,prod
d-1,disk,,a,r,,,,,,,40,in_use,,,,,,,,,,,,,,,,,cloud_essd/PL1,i-1,,true,,,
d-2,disk,,a,r,,,,,,,60.5,available,,,,,,,,,,,,,,,,,,,2026-01-01T00:00:00Z,false,,,
e-1,eip,,a,r,,,,,,,,,,,,,,,,,,,,,,,,,,,,,5,,
`

func TestInventoryColumns(t *testing.T) {
	b := open(t, map[string]string{"inventory.csv": strings.ReplaceAll(fullInventory, "\n", "\r\n")})
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	want := []cloud.Resource{
		{
			ID: "i-1", Kind: cloud.Instance, Name: "门户,一", Account: "a", Region: "r", Zone: "z", ResourceGroup: "g", Department: "教育局", Application: "门户",
			Status: cloud.PoweredOff, StoppedSince: at("2025-12-01T00:00:00Z"), ChargeType: cloud.Prepaid, ExpiresAt: at("2027-01-01T00:00:00Z"),
			CreatedAt: at("2024-01-01T19:04:05Z"), FirstSeen: at("2024-01-02T03:04:05Z"), LastSeen: at("2026-01-01T00:00:00Z"), ResizedAt: at("2025-06-01T00:00:00Z"),
			InstanceType: "ecs.g7.large", Architecture: "x86_64", VCPU: 2, MemoryGiB: 8, GPU: 1, Burstable: true, OS: "Linux", PrivateIP: "10.0.0.1",
			Agent: cloud.AgentAbsent, HAGroup: "ha", StorageGiB: 40, // of d-1
			Attributes: map[string]string{"负责人": " 张三 ", price.StorageCategory: "cloud_essd/PL1"}, Tags: map[string]string{"env": "prod"},
		},
		{ID: "d-1", Kind: cloud.Disk, Account: "a", Region: "r", StorageGiB: 40, Status: cloud.InUse, Category: "cloud_essd/PL1", AttachedTo: "i-1", System: true},
		{ID: "d-2", Kind: cloud.Disk, Account: "a", Region: "r", StorageGiB: 60.5, Status: cloud.Available, DetachedAt: at("2026-01-01T00:00:00Z")},
		{ID: "e-1", Kind: cloud.EIP, Account: "a", Region: "r", BandwidthMbps: 5},
	}
	inv := b.Inventory()
	if diff := cmp.Diff(want, inv.Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	scopes := []cloud.Scope{
		{Account: "a", Region: "r", Kind: cloud.Instance, Complete: true, Count: 1},
		{Account: "a", Region: "r", Kind: cloud.Disk, Complete: true, Count: 2},
		{Account: "a", Region: "r", Kind: cloud.EIP, Complete: true, Count: 1},
	}
	if diff := cmp.Diff(scopes, inv.Scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func TestInventoryDefaults(t *testing.T) {
	b := open(t, map[string]string{
		"inventory.csv":      "resource_id,instance_type\nvm-1,small\nvm-2,\n\n,\n",
		"instance_types.csv": "instance_type,family,vcpu,memory_gib,architecture,gpu,local_storage_gib,burstable,since\nsmall,g7,2,8,arm64,0,100,true,2024\n",
	})
	want := []cloud.Resource{
		{ID: "vm-1", Kind: cloud.Instance, InstanceType: "small", VCPU: 2, MemoryGiB: 8, Architecture: "arm64", LocalStorageGiB: 100, Burstable: true},
		{ID: "vm-2", Kind: cloud.Instance}, // no status: unknown, not running
	}
	if diff := cmp.Diff(want, b.Inventory().Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	types := []cloud.InstanceType{{ID: "small", Family: "g7", VCPU: 2, MemoryGiB: 8, Architecture: "arm64", LocalStorageGiB: 100, Burstable: true}}
	if diff := cmp.Diff(types, b.Inventory().Types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if !b.End().IsZero() || len(b.Metrics()) != 0 {
		t.Errorf("without samples: End %v, Metrics %v; want none", b.End(), b.Metrics())
	}
}

// TestColumnsThatPricesDependOn quotes what a bundle lists.
func TestColumnsThatPricesDependOn(t *testing.T) {
	b := open(t, map[string]string{"inventory.csv": `resource_id,kind,vcpu,memory_gib,storage_gib,status,category,attached_to,bandwidth_mbps,internet_charge_type,bandwidth_package_id,storage_category
i-same,instance,2,8,,,,,,,,
d-1,disk,,,40,,cloud_essd/PL1,i-same,,,,
d-2,disk,,,60,,cloud_essd/PL1,i-same,,,,
i-mixed,instance,2,8,,,,,,,,
d-3,disk,,,40,,cloud_essd/PL1,i-mixed,,,,
d-4,disk,,,60,,cloud_efficiency,i-mixed,,,,
i-larger,instance,2,8,500,,,,,,,
d-5,disk,,,60,,cloud_efficiency,i-larger,,,,
i-told,instance,2,8,500,,,,,,,cloud_ssd
e-traffic,eip,,,,,,,100, paybytraffic ,,
e-package,eip,,,,,,,100,PayByBandwidth,cbwp-1,
e-bandwidth,eip,,,,,,,100,PayByBandwidth,,
`})
	want := map[string]string{"i-same": "cloud_essd/PL1", "i-told": "cloud_ssd", "e-traffic": "ip", "e-package": "ip", "e-bandwidth": "ip bandwidth"}
	book := price.Example()
	for _, r := range b.Inventory().Resources {
		got := r.Attributes[price.StorageCategory]
		if r.Kind == cloud.EIP {
			var lines []string
			for _, l := range book.Quote(r, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)).Lines {
				lines = append(lines, string(l.What))
			}
			got = strings.Join(lines, " ")
		}
		if got != want[r.ID] {
			t.Errorf("%s: %q, want %q", r.ID, got, want[r.ID])
		}
	}
}

func TestGBKIsDecodedAndNoted(t *testing.T) {
	text, err := simplifiedchinese.GBK.NewEncoder().String("resource_id,department\nvm-1,财政局\n")
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, map[string]string{"inventory.csv": text})
	if got := b.Inventory().Resources[0].Department; got != "财政局" {
		t.Errorf("department: %q", got)
	}
	want := []string{"inventory.csv is not UTF-8 and was read as GB18030", "no folder samples: the inventory alone was read"}
	if diff := cmp.Diff(want, b.Notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestMistakesOfTheInventoryAreNamedAtOnce(t *testing.T) {
	_, err := Open(folder(t, map[string]string{
		"inventory.csv": `resource_id,kind,vcpu,memory_gib,status,created_at,system,first_seen,last_seen,
vm-1,server,4.5,-1,sleeping,yesterday,maybe,,,
,,,,running,,,,,
../x,instance,,,in_use,,,,,
vm-2,disk,,,running,1377617100000,,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,
vm-2,,,NaN,,,,,,
vm-3,,
vm-4,,,,,,,,,stray
`,
		"instance_types.csv": "instance_type,vcpu,memory_gib\nbig,8,\nbig,8,16\n,2,4\n",
		"samples/vm-2.csv":   "timestamp,cpu_percent\n",
	}))
	var wrong *sheet.Mistakes
	if !errors.As(err, &wrong) {
		t.Fatalf("error: %v", err)
	}
	// The row of three cells is a mistake of form: the rest shows once it is mended.
	want := "inventory.csv:7: found 3 cells; want 10, as in the header"
	if diff := cmp.Diff(want, wrong.Error()); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestMistakesOfCells(t *testing.T) {
	_, err := Open(folder(t, map[string]string{
		"inventory.csv": `resource_id,kind,vcpu,memory_gib,status,created_at,system,first_seen,last_seen,
vm-1,server,4.5,-1,sleeping,yesterday,maybe,,,
,,,,running,,,,,
../x,instance,,,in_use,,,,,
vm-2,disk,,,running,1377617100000,,,,
vm-2,,,NaN,,,,,,
vm-5,disk,,,running,,,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,
vm-4,,,,,,,,,stray
`,
		"instance_types.csv":  "instance_type,vcpu,memory_gib\nbig,8,\nbig,8,16\n,2,4\n",
		"samples/vm-2.csv":    "timestamp,cpu_percent\n",
		"samples/vm-2.csv.gz": "",
	}))
	if !isMistake(err) {
		t.Fatalf("error: %v", err)
	}
	_, got, _ := strings.Cut(err.Error(), "\n")
	want := `inventory.csv:2: kind: found "server"; want one of instance, disk, eip
inventory.csv:2: vcpu: found "4.5"; want a whole number from 0 to 1000000, or nothing where unknown
inventory.csv:2: memory_gib: found "-1"; want a number from 0 to 1000000000, or nothing where unknown
inventory.csv:2: status: found "sleeping"; want one of running, stopped, in_use, available, changing
inventory.csv:2: created_at: found "yesterday"; want RFC 3339 such as 2026-11-01T08:00:00+08:00, or Unix seconds, of the years 2000 to 2099
inventory.csv:2: system: found "maybe"; want true or false
inventory.csv:3: resource_id: found nothing; want the id of the resource
inventory.csv:4: resource_id: found "../x"; want at most 200 bytes without / \ : * ? " < > | and control characters, not beginning with a dot (it names a file)
inventory.csv:4: status: found "in_use"; want one of running, stopped, changing for the kind instance
inventory.csv:5: created_at: found "1377617100000"; want RFC 3339 such as 2026-11-01T08:00:00+08:00, or Unix seconds, of the years 2000 to 2099
inventory.csv:6: memory_gib: found "NaN"; want a number from 0 to 1000000000, or nothing where unknown
inventory.csv:6: resource_id: found "vm-2", as on line 5; want each resource once
inventory.csv:7: status: found "running"; want one of in_use, available, changing for the kind disk
inventory.csv:7: last_seen: found an instant before first_seen; want first_seen or later
inventory.csv:8: : found "stray"; want no value under a column without a name
instance_types.csv:2: memory_gib: found nothing or 0; want a number above 0
instance_types.csv:3: instance_type: found "big", as on line 2; want each instance type once
instance_types.csv:4: instance_type: found nothing; want the name of the instance type
samples/vm-2.csv.gz: found samples/vm-2.csv beside it; want one file a resource`
	want = strings.Replace(want, "8: : found", "8: found", 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestMistakesAreCappedAndCounted(t *testing.T) {
	var text strings.Builder
	text.WriteString("resource_id,vcpu\n")
	for i := range 60 {
		fmt.Fprintf(&text, "vm-%d,many\n", i)
	}
	_, err := Open(folder(t, map[string]string{"inventory.csv": text.String()}))
	var wrong *sheet.Mistakes
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	if len(wrong.List) != 50 || wrong.More != 10 || !strings.HasSuffix(err.Error(), "\nand 10 more") {
		t.Errorf("named %d, counted %d", len(wrong.List), wrong.More)
	}
}

func TestOpenRefuses(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		want  string
	}{
		"no inventory":      {map[string]string{"samples/x.csv": ""}, "neither inventory.csv nor inventory.xlsx is there"},
		"two inventories":   {map[string]string{"inventory.csv": "resource_id\n", "inventory.xlsx": ""}, "inventory.csv: found inventory.xlsx beside it; want one of the two"},
		"empty inventory":   {map[string]string{"inventory.csv": "\n"}, "inventory.csv:1: found no header line; want the names of the columns"},
		"no resource_id":    {map[string]string{"inventory.csv": "id,name\n1,2\n"}, `inventory.csv:1: found "id,name"; want a column resource_id`},
		"a column twice":    {map[string]string{"inventory.csv": "resource_id,name,name\n"}, "inventory.csv:1: name: found twice; want each column once"},
		"UTF-16":            {map[string]string{"inventory.csv": "\xff\xfer\x00"}, "inventory.csv:1: found UTF-16; want UTF-8"},
		"a NUL":             {map[string]string{"inventory.csv": "resource_id\na\x00\n"}, "inventory.csv:2: found a NUL byte; want text"},
		"binary":            {map[string]string{"inventory.csv": "resource_id\n\xff\xff\n"}, "inventory.csv:2: found bytes that are neither UTF-8 nor GB18030; want UTF-8"},
		"an open quotation": {map[string]string{"inventory.csv": "resource_id\n\"a\n"}, "found a broken quotation"},
		"no workbook":       {map[string]string{"inventory.xlsx": "not a zip"}, "open workbook"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Open(folder(t, c.files))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: %v\nwant: %s", err, c.want)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestFilesOfNoResourceAreNoted(t *testing.T) {
	b := open(t, map[string]string{
		"inventory.csv":     "resource_id\nvm-1\n",
		"samples/vm-1.csv":  "timestamp,cpu_percent\n",
		"samples/vm-9.csv":  "timestamp,cpu_percent\n",
		"samples/README.md": "",
	})
	want := []string{"2 entries of samples belong to no resource of the inventory and were not read, the first is README.md"}
	if diff := cmp.Diff(want, b.Notes()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestWorkbook(t *testing.T) {
	dir := folder(t, map[string]string{"samples/vm-2.csv": "timestamp,cpu_percent\n1700000000,5\n"})
	save := func(path string, sheets map[string][][]any) {
		f := excelize.NewFile()
		for name, rows := range sheets {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
			for i, r := range rows {
				if err := f.SetSheetRow(name, fmt.Sprintf("A%d", i+1), &r); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.DeleteSheet("Sheet1"); err != nil {
			t.Fatal(err)
		}
		if err := f.SaveAs(path); err != nil {
			t.Fatal(err)
		}
	}
	save(filepath.Join(dir, "inventory.xlsx"), map[string][][]any{
		"inventory":      {{"resource_id", "instance_type", "name", "负责人"}, {"vm-1", "small", "一"}, {"vm-2", "", "二", "李四"}},
		"instance_types": {{"instance_type", "vcpu", "memory_gib"}, {"small", 2, 7.75}},
	})
	save(filepath.Join(dir, "samples", "vm-1.xlsx"), map[string][][]any{
		"data": {{"timestamp", "cpu_percent", "network_in_bps"}, {1700000000, 3.04, 1e9}, {"2023-11-14T22:18:20Z", nil, 7}},
	})
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	inv := b.Inventory()
	if r := inv.Resources[0]; r.VCPU != 2 || r.MemoryGiB != 7.75 || len(inv.Types) != 1 {
		t.Errorf("resource %+v, types %+v", r, inv.Types)
	}
	if got := inv.Resources[1].Attributes["负责人"]; got != "李四" {
		t.Errorf("attribute: %q", got)
	}
	got, err := b.Samples("vm-1")
	if err != nil {
		t.Fatal(err)
	}
	want := map[cloud.Metric][]cloud.Point{
		cloud.CPUPercent:   {{T: 1700000000, V: 3.04}},
		cloud.NetworkInBPS: {{T: 1700000000, V: 1e9}, {T: 1700000300, V: 7}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if got, want := b.End(), time.Unix(1700000300, 0); !got.Equal(want) {
		t.Errorf("End: %v, want %v", got, want)
	}
}
