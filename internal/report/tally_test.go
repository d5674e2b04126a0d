package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"yunjian/cloud"
	"yunjian/ledger"
	"yunjian/price"
)

var tallyZone = time.FixedZone("CST", 8*3600)

// tallied is a ledger with everything that a reader may meet: advised and not, without a
// price, reversed, rebound, and names that a spreadsheet would run.
func tallied() Tally {
	at := func(month time.Month, day int) time.Time { return time.Date(2024, month, day, 2, 0, 0, 0, tallyZone) }
	vm := func(id string, vcpu int, gib float64) cloud.Resource {
		return cloud.Resource{ID: id, Kind: cloud.Instance, Name: "主机" + id, Region: "r", VCPU: vcpu, MemoryGiB: gib, Department: "财政局", Application: "预算"}
	}
	formula := vm("f", 2, 4)
	formula.Department, formula.Name = "=1+1", "=cmd()"
	nobody := vm("n", 2, 0)
	nobody.Department, nobody.Application = "", ""
	steps := []cloud.Inventory{
		{TakenAt: at(1, 31), Resources: []cloud.Resource{vm("a", 8, 32), vm("b", 4, 16), formula, nobody}},
		{TakenAt: at(2, 29), Resources: []cloud.Resource{vm("b", 2, 8)}},
		{TakenAt: at(3, 31), Resources: []cloud.Resource{vm("b", 2, 8), vm("new", 2, 8), formula}},
	}
	s := ledger.Standard(price.Example(), tallyZone)
	s.Claims = map[string][]ledger.Advice{"a": {{Claim: ledger.Claim{Recommendation: "rec-1", Batch: "浙财云通〔2024〕3号"}, Effect: ledger.Released}}}
	t := Tally{Location: tallyZone, Listed: true}
	for i := range steps {
		steps[i].Cloud = "province"
		for _, k := range cloud.Kinds() {
			steps[i].Scopes = append(steps[i].Scopes, cloud.Scope{Region: "r", Kind: k, Complete: true})
		}
		if i > 0 {
			t.Entries = append(t.Entries, ledger.Reconcile(steps[i-1], steps[i], t.Entries, s)...)
		}
	}
	t.Query = ledger.Query{Period: ledger.Period{From: time.Date(2024, 1, 1, 0, 0, 0, 0, tallyZone), To: time.Date(2024, 7, 1, 0, 0, 0, 0, tallyZone)}, By: []ledger.By{ledger.ByDepartment, ledger.ByBatch}}
	return t
}

func TestTally(t *testing.T) {
	for _, l := range []Lang{ZH, EN} {
		for _, f := range []Format{Text, CSV, JSON} {
			var got bytes.Buffer
			if err := WriteTally(&got, tallied(), f, l); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", fmt.Sprintf("tally_%s.%s", l, map[Format]string{Text: "txt", CSV: "csv", JSON: "json"}[f]))
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("%s:\n%s\nwant:\n%s", file, got.String(), want)
			}
		}
	}
	if err := WriteTally(&bytes.Buffer{}, tallied(), HTML, ZH); err == nil {
		t.Error("an HTML page of a tally")
	}
}

// A sheet says the same as the text, and nothing in it is run.
func TestTallyWorkbook(t *testing.T) {
	var got, again bytes.Buffer
	for _, w := range []*bytes.Buffer{&got, &again} {
		if err := WriteTally(w, tallied(), XLSX, ZH); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), again.Bytes()) {
		t.Error("the same tally is other bytes")
	}
	f, err := excelize.OpenReader(&got)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if want := []string{"合计", "分类", "明细", "口径"}; strings.Join(f.GetSheetList(), " ") != strings.Join(want, " ") {
		t.Errorf("sheets %v", f.GetSheetList())
	}
	all := ""
	for _, sheet := range f.GetSheetList() {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for n, row := range rows {
			for i, v := range row {
				all += v + "\n"
				if name := at(i+1, n+1); strings.HasPrefix(v, "=") {
					t.Errorf("%s %s holds %s", sheet, name, v)
				}
			}
		}
	}
	for _, want := range []string{"2024年上半年累计释放3个云资源", "'=1+1", "归属未知", "浙财云通〔2024〕3号", "恢复冲回", "回弹", "rec-1", "未知", "价格未知：memory_size"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the sheets", want)
		}
	}
}

// What goes on file is signed below its figures, on A4 across, its header on every page.
func TestTallyWorkbookIsSigned(t *testing.T) {
	var got bytes.Buffer
	if err := WriteTally(&got, tallied(), XLSX, ZH); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&got)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, sheet := range []string{"合计", "分类"} {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		last, above := rows[len(rows)-1], rows[len(rows)-2]
		if want := "编制单位（章）：  制表：  审核：  负责人（签章）：  日期：    年  月  日"; strings.Join(last, " ") != want || len(above) != 0 {
			t.Errorf("%s ends in %q, %q", sheet, above, last)
		}
		page, err := f.GetPageLayout(sheet)
		if err != nil || page.Size == nil || *page.Size != 9 || page.Orientation == nil || *page.Orientation != "landscape" {
			t.Errorf("%s: %+v, %v", sheet, page, err)
		}
		if !slices.ContainsFunc(f.GetDefinedName(), func(n excelize.DefinedName) bool {
			return n.Name == "_xlnm.Print_Titles" && n.Scope == sheet
		}) {
			t.Errorf("%s repeats no header", sheet)
		}
	}
}

// Every figure of the JSON is the sum of the entries that it names.
func TestTallyNamesItsEntries(t *testing.T) {
	var got bytes.Buffer
	if err := WriteTally(&got, tallied(), JSON, ZH); err != nil {
		t.Fatal(err)
	}
	var x struct {
		Rows    []ledger.Row   `json:"rows"`
		Entries []ledger.Entry `json:"entries"`
	}
	if err := json.Unmarshal(got.Bytes(), &x); err != nil {
		t.Fatal(err)
	}
	byID := map[string]ledger.Entry{}
	for _, e := range x.Entries {
		byID[e.ID] = e
	}
	for _, r := range x.Rows {
		vcpu, annual := 0, price.Zero("")
		for _, id := range r.IDs {
			e, ok := byID[id]
			if !ok {
				t.Fatalf("%v names %s, which is not listed", r.Key, id)
			}
			vcpu += e.VCPU
			if e.Annual != nil {
				annual, _ = annual.Add(*e.Annual)
			}
		}
		if vcpu != r.Net.VCPU || annual.String() != r.Net.Annual.String() {
			t.Errorf("%v: %d vCPU and %s, by its entries %d and %s", r.Key, r.Net.VCPU, r.Net.Annual, vcpu, annual)
		}
	}
}

func TestTallyOfNothing(t *testing.T) {
	x := tallied()
	x.Entries = nil
	for _, f := range []Format{Text, CSV, JSON, XLSX} {
		var got bytes.Buffer
		if err := WriteTally(&got, x, f, EN); err != nil {
			t.Fatal(err)
		}
		if f == Text && !strings.Contains(got.String(), "collect at least twice") {
			t.Errorf("nothing says what to do:\n%s", &got)
		}
		if f == CSV {
			if rows, err := csv.NewReader(&got).ReadAll(); err != nil || len(rows) != 1 {
				t.Errorf("%v, %v", rows, err)
			}
		}
	}
}

func TestPeriodNames(t *testing.T) {
	for text, want := range map[string][2]string{
		"2024": {"2024年", "2024"}, "2024H1": {"2024年上半年", "the first half of 2024"}, "2024H2": {"2024年下半年", "the second half of 2024"},
		"2024Q1": {"2024年第一季度", "the first quarter of 2024"}, "2024Q4": {"2024年第四季度", "the fourth quarter of 2024"}, "2024-06": {"2024年6月", "2024-06"},
	} {
		p, err := ledger.ParsePeriod(text, tallyZone)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range []Lang{ZH, EN} {
			if got := (prose{lang: l, loc: tallyZone}).period(p); got != want[i] {
				t.Errorf("%s: %q, want %q", text, got, want[i])
			}
		}
	}
}

func TestShortAmounts(t *testing.T) {
	for text, want := range map[string]string{"1670328": "167万元", "16703280": "1670万元", "167032.8": "16.7万元", "52418.40": "5.24万元", "50000": "5万元", "9999.5": "10000元", "0": "0元", "-1670328": "-167万元"} {
		a, err := price.NewAmount(text, "CNY")
		if err != nil {
			t.Fatal(err)
		}
		if got := (prose{lang: ZH}).short(a); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
