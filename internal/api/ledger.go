package api

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/internal/registry"
	"yunjian/internal/report"
	"yunjian/internal/sheet"
	"yunjian/ledger"
)

// EntryQuery picks entries of the ledger.
type EntryQuery struct {
	Period      string `query:"period" maxLength:"20" doc:"2024、2024H1、2024Q3 或 2024-06 | a year, a half, a quarter or a month"`
	From        string `query:"from" maxLength:"10" doc:"第一天 | first day"`
	To          string `query:"to" maxLength:"10" doc:"最后一天 | last day"`
	Department  string `query:"department" maxLength:"256"`
	Application string `query:"application" maxLength:"256"`
	Kind        string `query:"kind" maxLength:"20" doc:"instance, disk, eip"`
	Effect      string `query:"effect" maxLength:"20" doc:"released, downsized, recategorized, reversed, rebound, corrected"`
	Batch       string `query:"batch" maxLength:"100" doc:"文号 | document number"`
	Month       string `query:"month" maxLength:"7" doc:"入账月 | observed in this month: 2024-06"`
	Cloud       string `query:"cloud" maxLength:"256"`
}

// query is what is meant; without a period that of all times where whole allows it.
func (q EntryQuery) query(loc *time.Location, whole bool) (ledger.Query, error) {
	out := ledger.Query{
		Department: q.Department, Application: q.Application, Kind: cloud.Kind(q.Kind), Effect: ledger.Effect(q.Effect), Batch: q.Batch, Month: q.Month, Cloud: q.Cloud,
		Period: ledger.Period{From: time.Date(1970, 1, 1, 0, 0, 0, 0, loc), To: time.Date(9999, 1, 1, 0, 0, 0, 0, loc)},
	}
	if err := oneOf("query.kind", q.Kind, cloud.Kinds()); err != nil {
		return out, err
	}
	if err := oneOf("query.effect", q.Effect, ledger.Effects()); err != nil {
		return out, err
	}
	if whole && q.Period == "" && q.From == "" && q.To == "" {
		return out, nil
	}
	p, err := ledger.PeriodOf(q.Period, q.From, q.To, "", loc)
	if err != nil {
		return out, mistaken("query.period", err.Error())
	}
	out.Period = p
	return out, nil
}

// BillRow is the bill of a month, without what each resource was billed for.
type BillRow struct {
	Month     string `json:"month"`
	Currency  string `json:"currency"`
	Resources int    `json:"resources"`
	Source    string `json:"source"`
}

// BillsRead is what an import of bills did.
type BillsRead struct {
	Months    []BillRow `json:"months" nullable:"false"`
	Verified  int       `json:"verified" doc:"凭账单核实的分录 | entries that the bill verified"`
	Corrected int       `json:"corrected" doc:"按账单更正的分录 | entries that the bill corrected"`
	Notes     []string  `json:"notes" nullable:"false"`
}

var tallyMedia = []string{"application/json", "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/plain"}

func (a *api) ledger() {
	reads := permissions("savings:read")
	add(a, spec{
		id: "list-ledger", method: http.MethodGet, path: "/ledger", zh: "节约台账的分录，新的在前", en: "entries of the ledger, the newest first", tag: "ledger", any: reads, scope: listed,
	}, func(c call, in *struct {
		Paging
		EntryQuery
	}) (Page[ledger.Entry], error) {
		q, err := in.query(a.o.Location, true)
		if err != nil {
			return Page[ledger.Entry]{}, err
		}
		all, err := c.person.Ledger()
		if err != nil {
			return Page[ledger.Entry]{}, err
		}
		all = slices.DeleteFunc(all, func(e ledger.Entry) bool { return !q.Holds(e) })
		ledger.Sort(all)
		slices.Reverse(all)
		return page(all, in.Paging), nil
	})
	addFile(a, spec{
		id: "get-tally", method: http.MethodGet, path: "/tally", zh: "财务核算表：已释放的核、GB 与元", en: "the finance tally: cores, GB and yuan released", tag: "ledger", any: reads, scope: listed, files: tallyMedia,
		doc: "与命令 yunjian tally 相同 | as the command yunjian tally gives it",
	}, func(c call, in *struct {
		EntryQuery
		By      []string `query:"by" maxItems:"6" doc:"department, application, kind, effect, month, batch；逗号分隔 | separated by commas"`
		Entries bool     `query:"entries" doc:"列出每一笔分录 | list every entry"`
		Format  string   `query:"format" enum:"json,csv,xlsx,text" default:"json"`
		Lang    string   `query:"lang" enum:"zh,en"`
	}) (file, error) {
		q, err := in.query(a.o.Location, false)
		if err != nil {
			return file{}, err
		}
		for _, by := range in.By {
			if err := oneOf("query.by", by, ledger.Bys()); err != nil {
				return file{}, err
			}
			if by == "" || slices.Contains(q.By, ledger.By(by)) {
				return file{}, mistaken("query.by", "found "+quoted(by)+" twice or empty")
			}
			q.By = append(q.By, ledger.By(by))
		}
		t := report.Tally{Query: q, Location: a.o.Location, Listed: in.Entries}
		if t.Entries, err = c.person.Ledger(); err != nil {
			return file{}, err
		}
		f, l := report.Format(cmp.Or(in.Format, "json")), a.language(in.Lang)
		var b bytes.Buffer
		if err := report.WriteTally(&b, t, f, l); err != nil {
			return file{}, err
		}
		span := q.From.Format(time.DateOnly) + "/" + q.Last().Format(time.DateOnly)
		out := file{media: f.ContentType(), text: b.Bytes()}
		if f == report.JSON {
			return out, nil
		}
		if f != report.Text {
			out.name = "yunjian-tally-" + q.From.Format("20060102") + "-" + q.Last().Format("20060102") + "." + string(f)
		}
		return out, a.data.Record(c, journal.ReportExported, journal.Object{Type: "tally", ID: span}, "format", string(f), "lang", string(l))
	})
	add(a, spec{
		id: "list-bills", method: http.MethodGet, path: "/bills", zh: "已导入的账单（全部单位）", en: "the bills that were imported, of all departments", tag: "ledger", any: reads, scope: global,
	}, func(c call, in *Paging) (Page[BillRow], error) {
		all, err := c.person.Bills()
		return paged(all, *in, billRow), err
	})
	add(a, spec{
		id: "import-bills", method: http.MethodPost, path: "/bills", zh: "导入账单（CSV、XLSX），与台账核对", en: "import a bill and hold the ledger against it", tag: "ledger", any: permissions("savings:approve"), scope: global,
		uploads: true, fields: []string{"currency"},
	}, func(c call, in *Form) (BillsRead, error) {
		f, err := in.read()
		if err != nil {
			return BillsRead{}, err
		}
		var bills []ledger.Bill
		var notes []string
		if err := asTables([]uploaded{f}, func(from sheet.Reader, names []string) (err error) {
			bills, notes, err = registry.ReadBills(from, names[0], cmp.Or(f.fields["currency"], "CNY"))
			return err
		}); err != nil {
			return BillsRead{}, err
		}
		if len(bills) == 0 {
			return BillsRead{}, mistaken("body.file", "the bill has no line")
		}
		booked, err := c.person.ImportBills(c, f.name, bills, time.Now().In(a.o.Location))
		if err != nil {
			return BillsRead{}, err
		}
		out := BillsRead{Months: []BillRow{}, Notes: append([]string{}, notes...)}
		for _, b := range bills {
			out.Months = append(out.Months, billRow(b))
		}
		for _, e := range booked {
			if e.Effect == ledger.Corrected {
				out.Corrected++
			} else {
				out.Verified++
			}
		}
		return out, nil
	})
}

func billRow(b ledger.Bill) BillRow { return BillRow{b.Month, b.Currency, len(b.Amounts), b.Source} }
