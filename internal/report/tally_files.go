package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"yunjian/ledger"
)

// tallyJSON is a contract: fields are added, never renamed.
type tallyJSON struct {
	Period   tallyPeriod       `json:"period"`
	By       []ledger.By       `json:"by"`
	Only     map[string]string `json:"only,omitempty"` // conditions that every entry meets
	Example  bool              `json:"example"`
	AsOf     string            `json:"as_of,omitempty"` // of the latest entry of the whole ledger
	Sentence map[string]string `json:"sentence"`        // by language
	Currency string            `json:"currency"`
	Total    ledger.Row        `json:"total"`
	Rows     []ledger.Row      `json:"rows"`
	Entries  []ledger.Entry    `json:"entries,omitempty"`
}

type tallyPeriod struct {
	From   string `json:"from"`
	To     string `json:"to"` // the last day
	Preset string `json:"preset,omitempty"`
}

func (d tallyDocument) json(w io.Writer) error {
	out := tallyJSON{
		Period: tallyPeriod{d.Query.From.Format(time.DateOnly), d.Query.Last().Format(time.DateOnly), d.Query.Preset()},
		By:     d.Query.By, Example: d.Example || d.example, Currency: d.table.Currency, Total: d.table.Total, Rows: d.table.Rows,
		Sentence: map[string]string{},
	}
	if !d.asOf.IsZero() {
		out.AsOf = d.asOf.Format(time.RFC3339)
	}
	q := d.Query
	for by, value := range map[string]string{
		"department": q.Department, "application": q.Application, "kind": string(q.Kind), "effect": string(q.Effect), "batch": q.Batch, "month": q.Month, "cloud": q.Cloud,
	} {
		if value != "" {
			if out.Only == nil {
				out.Only = map[string]string{}
			}
			out.Only[by] = value
		}
	}
	if out.By == nil {
		out.By = []ledger.By{}
	}
	if out.Rows == nil {
		out.Rows = []ledger.Row{}
	}
	for _, l := range []Lang{ZH, EN} {
		x := d
		x.p.lang = l
		out.Sentence[string(l)] = x.p.sentences([]string{x.sentence()})
	}
	if d.Listed {
		in := map[string]bool{}
		for _, id := range d.table.Total.IDs {
			in[id] = true
		}
		for _, e := range d.Entries {
			if in[e.ID] {
				out.Entries = append(out.Entries, e)
			}
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// xlsx is a workbook with the sentence and the sums, the breakdown, every entry, and
// what the figures are.
func (d tallyDocument) xlsx(w io.Writer) (err error) {
	p := d.p
	doc := document{prose: p, title: d.title(), subtitle: p.date(d.Query.From) + " — " + p.date(d.Query.Last()), stamp: []string{p.sentences([]string{d.sentence()}), p.sentences(d.notes())}}
	for _, b := range d.banner() {
		doc.banner = b
	}
	b := &workbook{f: excelize.NewFile(), d: doc, styles: map[string]int{}}
	defer func() {
		if e := b.f.Close(); e != nil && err == nil {
			err = fmt.Errorf("close XLSX: %w", e)
		}
	}()
	overview := p.tell("合计", "In all")
	b.check(b.f.SetSheetName("Sheet1", overview))
	empty := d.sentence()
	sheet := func(name string, t table, frozen int) {
		t.empty = empty
		b.sheet(name, t, frozen)
	}
	totals := d.totals()
	if d.table.Total.Net.Entries == 0 {
		totals.rows = nil
	}
	sheet(overview, totals, 1)
	b.signatures(overview, totals)
	if len(d.Query.By) > 0 {
		name, t := p.tell("分类", "Broken down"), d.breakdown()
		sheet(name, t, len(d.Query.By))
		b.signatures(name, t)
	}
	sheet(p.tell("明细", "Entries"), d.list(), 3)
	meanings := table{columns: []column{{title: p.tell("口径", "What the figures are"), in: everywhere, wrap: true}}}
	for _, m := range d.meanings() {
		meanings.rows = append(meanings.rows, []cell{text(m)})
	}
	sheet(p.tell("口径", "Meaning"), meanings, 1)
	b.f.SetActiveSheet(0)
	at := d.Query.Last().UTC().Format(time.RFC3339) // not the clock's: the same tally is the same bytes
	b.check(b.f.SetDocProps(&excelize.DocProperties{Title: doc.title, Creator: "Yunjian", Created: at, Modified: at}))
	if b.err != nil {
		return fmt.Errorf("build XLSX: %w", b.err)
	}
	if err := b.f.Write(w); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}

// signatures leaves room below a table for those who answer for it: a sheet of figures
// that goes on file is signed by who made it, who checked it and who heads the office.
func (b *workbook) signatures(sheet string, t table) {
	if len(t.rows) == 0 {
		return
	}
	row := headRow + len(t.rows) + 2
	if t.total != nil {
		row++
	}
	p := b.d.prose
	for i, label := range []string{
		p.tell("编制单位（章）：", "Office (seal):"), p.tell("制表：", "Prepared by:"), p.tell("审核：", "Checked by:"), p.tell("负责人（签章）：", "Head (signature):"), p.tell("日期：    年  月  日", "Date:"),
	} {
		b.text(sheet, at(2*i+1, row), label)
	}
	b.check(b.f.SetRowHeight(sheet, row, 30)) // to be written into by hand
}
