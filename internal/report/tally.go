package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/ledger"
	"yunjian/price"
)

// Tally is what a finance tally shows.
type Tally struct {
	Query    ledger.Query
	Entries  []ledger.Entry // the whole ledger, of which the query names a part
	Location *time.Location
	Listed   bool // each entry is listed, too
	// Example says that the figures are a worked example, not anybody's.
	Example bool
}

// WriteTally renders a tally in a format.
func WriteTally(w io.Writer, t Tally, f Format, l Lang) error {
	d := tallyDocument{Tally: t, p: prose{lang: l, loc: t.Location}, table: ledger.Tally(t.Entries, t.Query)}
	slices.SortStableFunc(d.table.Rows, func(a, b ledger.Row) int {
		for _, by := range []ledger.By{ledger.ByMonth, ledger.ByQuarter, ledger.ByHalf} { // people read these in their order
			if slices.Contains(t.Query.By, by) {
				return 0
			}
		}
		return b.Net.Annual.Cmp(a.Net.Annual)
	})
	d.proofs = map[string]ledger.Entry{}
	in := map[string]bool{}
	for _, id := range d.table.Total.IDs {
		in[id] = true
	}
	for _, e := range t.Entries {
		if proof, ok := d.proofs[e.Of]; (e.Effect == ledger.Verified || e.Effect == ledger.Corrected) && (!ok || byBill(e) || !byBill(proof)) {
			d.proofs[e.Of] = e
		}
		d.example = d.example || in[e.ID] && e.ExamplePrices
		if e.At.After(d.asOf) {
			d.asOf = e.At
		}
	}
	switch f {
	case Text:
		return d.text(w)
	case CSV:
		return d.csv(w)
	case XLSX:
		return d.xlsx(w)
	case JSON:
		return d.json(w)
	}
	return fmt.Errorf("a tally has no format %q: want text, csv, xlsx or json", f)
}

// tallyDocument is a tally in one language.
type tallyDocument struct {
	Tally
	p       prose
	table   ledger.Table
	proofs  map[string]ledger.Entry // what verified each entry last; a bill before an inventory
	example bool                    // some of it was priced by the book of illustrative prices
	asOf    time.Time               // of the latest entry of the whole ledger
}

// byBill reports whether an entry rests on a bill.
func byBill(e ledger.Entry) bool { return e.Evidence != nil && e.Evidence.Note != "" }

func (d tallyDocument) title() string {
	return d.p.tell("财务核算表", "Finance tally") + "  " + d.p.period(d.Query.Period)
}

func (d tallyDocument) banner() []string {
	p := d.p
	switch {
	case d.Example:
		return []string{p.tell("演示算例：台账由公开报道的总数反推，单位与应用均为虚构，单价为示意；不是任何单位的数据",
			"A worked example: inventories made to fit a published total, departments and applications invented, prices illustrative; nobody's data")}
	case d.example:
		return []string{p.say(msgExampleBanner)}
	}
	return nil
}

// period names a period as people say it.
func (p prose) period(x ledger.Period) string {
	y, m := x.From.Year(), int(x.From.Month())
	preset := x.Preset()
	switch {
	case len(preset) == 4:
		return p.tell("%d年", "%d", y)
	case strings.Contains(preset, "H"):
		return p.tell("%d年%s半年", "the %[2]s half of %[1]d", y, p.tell([]string{"上", "下"}[m/7], []string{"first", "second"}[m/7]))
	case strings.Contains(preset, "Q"):
		q := m / 3
		return p.tell("%d年第%s季度", "the %[2]s quarter of %[1]d", y, p.tell([]string{"一", "二", "三", "四"}[q], []string{"first", "second", "third", "fourth"}[q]))
	case preset != "":
		return p.tell("%d年%d月", "%[1]d-%02[2]d", y, m)
	}
	return p.tell("%s至%s", "%s to %s", p.date(x.From), p.date(x.Last()))
}

// sentence is what finance puts into its report: what was given back, net, by whole
// resources and by those that became smaller.
func (d tallyDocument) sentence() string {
	p, n := d.p, d.table.Total.Net
	if n.Entries == 0 {
		return p.tell("%s没有入账的释放或降配", "In %s nothing released or downsized was booked", p.period(d.Query.Period))
	}
	if n.Resources+n.Changed < 0 || n.VCPU < 0 || n.MemoryGiB < 0 || n.StorageGiB < 0 || n.Annual.Sign() < 0 {
		return p.tell("%s冲回多于新释放，净变化为 %d 个云资源、%d核CPU、%sGB内存、%sGB存储、每年%s", "In %s more was taken back than was released; the net is %d cloud resources, %d CPU cores, %s GB of memory, %s GB of storage, %s a year",
			p.period(d.Query.Period), n.Resources+n.Changed, n.VCPU, amountOf(p, n.MemoryGiB), amountOf(p, n.StorageGiB), p.short(n.Annual))
	}
	saved := p.tell("每年预估可节约%s", "an estimated %s a year saved", p.short(n.Annual))
	if n.Unpriced == n.Entries {
		saved = p.tell("每年可节约金额未知", "the yearly saving is unknown")
	} else if d.example && !d.Example { // the sentence is copied into reports without the banner above it
		saved += p.say(msgExampleMark)
	}
	parts := []string{p.tell("%s核CPU", "%s CPU cores", group(fmt.Sprint(n.VCPU))), p.tell("%sGB内存", "%s GB of memory", amountOf(p, n.MemoryGiB)), p.tell("%sGB存储", "%s GB of storage", amountOf(p, n.StorageGiB))}
	if p.lang == EN {
		return fmt.Sprintf("In %s, %s cloud resources were released: %s; %s", p.period(d.Query.Period), group(fmt.Sprint(n.Resources+n.Changed)), p.join(parts), saved)
	}
	return fmt.Sprintf("%s累计释放%d个云资源，包括%s，%s", p.period(d.Query.Period), n.Resources+n.Changed, p.join(parts), saved)
}

// amountOf is a size: Chinese sentences have no thousands separators.
func amountOf(p prose, v float64) string {
	if p.lang == EN {
		return group(trim(v, 2))
	}
	return trim(v, 2)
}

// short is an amount to three figures, as a sentence tells it: 167万元.
func (p prose) short(a price.Amount) string {
	if p.lang == EN {
		return strings.TrimSpace(currencyOf(a) + " " + group(a.Decimal().Round(0).String()))
	}
	wan := a.Decimal().Shift(-4)
	places := int32(2)
	switch abs := wan.Abs(); {
	case abs.IntPart() >= 100:
		places = 0
	case abs.IntPart() >= 10:
		places = 1
	case abs.IntPart() < 1: // less than 万 is told in yuan
		return a.Decimal().StringFixed(0) + "元"
	}
	text := wan.StringFixed(places)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if c := currencyOf(a); c != "CNY" {
		return text + "万 " + c
	}
	return text + "万元"
}

// scope names what of the ledger alone is tallied; empty: all of it.
func (d tallyDocument) scope() string {
	p, q := d.p, d.Query
	var parts []string
	add := func(by ledger.By, value string) {
		if value != "" {
			parts = append(parts, d.by(by)+" "+d.key(by, value).text)
		}
	}
	add(ledger.ByDepartment, q.Department)
	add(ledger.ByApplication, q.Application)
	add(ledger.ByKind, string(q.Kind))
	add(ledger.ByEffect, string(q.Effect))
	add(ledger.ByMonth, q.Month)
	add(ledger.ByBatch, q.Batch)
	if q.Cloud != "" {
		parts = append(parts, p.tell("云 %s", "cloud %s", clean(q.Cloud)))
	}
	return p.clauses(parts)
}

// notes are the sentences after the first.
func (d tallyDocument) notes() []string {
	p, t := d.p, d.table.Total
	if scope := d.scope(); t.Net.Entries == 0 && scope != "" {
		return []string{p.tell("以上只计：%s；没有符合条件的分录", "Only: %s; no entry is of these", scope)}
	}
	if t.Net.Entries == 0 && len(d.Entries) > 0 {
		return []string{p.tell("台账里有%d笔分录，都不在这一期间（截至%s）", "The ledger holds %d entries, none of this period (up to %s)", len(d.Entries), p.minute(d.asOf))}
	}
	if t.Net.Entries == 0 {
		return []string{p.tell("入账依据是前后两次完整的资源清单：先收集（collect）两次以上，其间有资源释放或变小，这里才有数", "What is booked is what two complete inventories show: collect at least twice, with something released or made smaller in between")}
	}
	var out []string
	if scope := d.scope(); scope != "" {
		out = append(out, p.tell("以上只计：%s", "Only: %s", scope))
	}
	out = append(out,
		p.tell("其中整体释放%d个，降配或变更%d个", "of these %d whole resources, %d made smaller or cheaper", t.Net.Resources, t.Net.Changed),
		p.tell("年化%s，本年度可实现%s，已核实%s（年化）", "a year %s, in-year %s, verified %s (a year)", p.yuan(t.Net.Annual), p.yuan(t.Net.InYear), p.yuan(t.Net.Verified)),
	)
	if n := t.Taken.Entries; n > 0 {
		out = append(out, p.tell("释放共%s（年化），其后恢复或同一应用新增占回%s（%d笔），以上为净额", "%s a year were released; %s were taken again since by resources that returned or by new ones of the same application (%d entries); the above is net", p.yuan(t.Gross.Annual), p.yuan(t.Taken.Annual.Mul(decimal.NewFromInt(-1))), n))
	}
	if n := t.Net.Undated; n > 0 {
		out = append(out, p.tell("%d笔包年包月的到期日未知，未计入本年度可实现", "of %d prepaid entries nobody knows the end of the term: they are not in the in-year figure", n))
	}
	out = append(out, p.tell("台账截至%s", "the ledger is as of %s", p.minute(d.asOf)))
	if n := t.Net.Unpriced; n > 0 {
		out = append(out, p.tell("另有%d笔没有价格，金额未计入", "%d entries have no price and are in no amount", n))
	}
	return out
}

// meanings say what each figure is.
func (d tallyDocument) meanings() []string {
	p := d.p
	return []string{
		p.tell("入账：前后两次资源清单比对，读全的清单里不再出现、或规格变小的资源；没有读全的清单不入账", "Booked: what is no longer in a listing that was read to the end, or became smaller, between two inventories; nothing of a listing that was not"),
		p.tell("预估年化：该资源按入账时价目表的月价×12", "Annual: the monthly price of the resource by the book of that day, times twelve"),
		p.tell("本年度可实现：年化×（起算日至12月31日的天数）÷全年天数；包年包月自到期次日起算", "In-year: annual × days from the first day without billing to 31 December ÷ days of the year; prepaid from the day after the term"),
		p.tell("合同期内不产生现金节约：包年包月的资源释放后，到期前照常付费；到期日未知的不计入本年度可实现", "Nothing is saved in cash within a term that was paid for: a prepaid resource costs until its end; where nobody knows that, it is not in the in-year figure"),
		p.tell("已核实：至少一天后的清单仍如此（清单比对），或账单相符、按账单更正（账单），按年化计", "Verified: still so in an inventory a day later at least, or by the bill, as a year's amount"),
		p.tell("占回：已释放的资源恢复、已降配的又升配，或同一应用在其后90天内、此前30天内新增的资源（回弹）；按所占回规格的月价计，至多为原节约", "Taken again: resources that returned or grew again, and new ones of the same application within 90 days after or 30 before (rebound); at the price of what is used again, and at most what was saved"),
		p.tell("笔数：台账分录的笔数；随云主机一起释放的云盘、地址各记一笔，不另算一个资源", "Entries: of the ledger; a disk or address that goes with its machine has its own and is no resource of its own"),
		p.tell("万元与元各自四舍五入，分项之和可能与合计差末位；以元为准", "Figures are rounded one by one, so that those in 万元 may differ from their total in the last place; the exact ones count"),
	}
}

func (d tallyDocument) text(w io.Writer) error {
	p := d.p
	t := &page{w: bufio.NewWriter(w)}
	t.line(spread(d.title(), p.date(d.Query.From)+" — "+p.date(d.Query.Last()), textWidth))
	t.line(strings.Repeat("=", textWidth))
	for _, b := range d.banner() {
		t.paragraph("", "*** "+b+" ***")
	}
	t.paragraph("", p.sentences([]string{d.sentence()}))
	t.paragraph("", p.sentences(d.notes()))
	if d.table.Total.Net.Entries == 0 {
		return t.w.Flush()
	}
	n := 0
	section := func(title string, x table) {
		n++
		t.line("")
		t.line(ordinal(n, p.lang) + title)
		t.line(strings.Repeat("-", textWidth))
		t.table(x, p)
	}
	section(p.tell("合计", "In all"), d.totals())
	if len(d.Query.By) > 0 {
		section(p.tell("分类（净额）", "Broken down (net)"), d.breakdown())
	}
	if d.Listed {
		section(p.tell("明细", "Entries"), d.list())
	}
	n++
	t.line("")
	t.line(ordinal(n, p.lang) + p.tell("口径", "What the figures are"))
	t.line(strings.Repeat("-", textWidth))
	for _, m := range d.meanings() {
		t.paragraph("- ", m)
	}
	return t.w.Flush()
}

// csv is the entries where they are listed, else the breakdown, else the total.
func (d tallyDocument) csv(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	t := d.totals()
	switch {
	case d.Listed:
		t = d.list()
	case len(d.Query.By) > 0:
		t = d.breakdown()
	}
	t = onSheet(t)
	c := csv.NewWriter(w)
	c.UseCRLF = true
	var head []string
	for _, x := range t.columns {
		head = append(head, x.title)
	}
	from, last := d.p.tell("起始日期", "From"), d.p.tell("截止日期", "To")
	note := strings.TrimSpace(strings.Join(append(d.banner(), d.scope()), " "))
	_ = c.Write(append(head, from, last, d.p.tell("说明", "Note"))) // an error is remembered and told by Error
	for _, row := range t.rows {
		var out []string
		for i, x := range t.columns {
			out = append(out, x.plain(row[i]))
		}
		_ = c.Write(append(out, d.p.date(d.Query.From), d.p.date(d.Query.Last()), note))
	}
	if t.total != nil && len(t.rows) > 0 {
		var out []string
		for i, x := range t.columns {
			out = append(out, x.plain(t.total[i]))
		}
		_ = c.Write(append(out, d.p.date(d.Query.From), d.p.date(d.Query.Last()), note))
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
