package report

import (
	"fmt"
	"slices"
	"strings"

	"yunjian/cloud"
	"yunjian/ledger"
	"yunjian/price"
)

// sums are the columns of a Sum: short ones for a terminal, exact ones for sheets.
func (d tallyDocument) sums() []column {
	p := d.p
	return []column{
		{title: p.tell("释放", "Released"), kind: whole, in: inText},
		{title: p.tell("降配", "Smaller"), kind: whole, in: inText},
		{title: p.tell("核", "vCPU"), kind: whole, in: inText},
		{title: p.tell("内存GB", "Mem GB"), kind: size, in: inText},
		{title: p.tell("存储GB", "Disk GB"), kind: size, in: inText},
		{title: p.tell("年化万元", "Annual"), kind: money, in: inText},
		{title: p.tell("本年万元", "In-year"), kind: money, in: inText},
		{title: p.tell("核实万元", "Verified"), kind: money, in: inText},
		{title: p.tell("整体释放", "Released"), kind: whole, in: screens},
		{title: p.tell("降配变更", "Made smaller"), kind: whole, in: screens},
		{title: p.tell("CPU（核）", "vCPU"), kind: whole, in: screens},
		{title: p.tell("内存（GB）", "Memory (GB)"), kind: size, in: screens},
		{title: p.tell("存储（GB）", "Storage (GB)"), kind: size, in: screens},
		{title: p.tell("预估年化（元）", "Annual (yuan)"), kind: money, in: screens},
		{title: p.tell("本年度可实现（元）", "In-year (yuan)"), kind: money, in: screens},
		{title: p.tell("已核实（元）", "Verified (yuan)"), kind: money, in: screens},
		{title: p.tell("未定价笔数", "Unpriced"), kind: whole, in: screens},
		{title: p.tell("笔数", "Entries"), kind: whole, in: everywhere},
	}
}

// terse is an amount where there is little room: 万元 in Chinese, whole yuan in English.
func (p prose) terse(a price.Amount, known bool) cell {
	switch {
	case !known:
		return p.moneyCell(a, known)
	case p.lang == EN:
		return text(group(a.Decimal().StringFixed(0)))
	default:
		return text(group(a.Decimal().Shift(-4).StringFixed(2)))
	}
}

func (d tallyDocument) cells(s ledger.Sum) []cell {
	priced := s.Entries == 0 || s.Unpriced < s.Entries
	sizes := []cell{count(s.Resources), count(s.Changed), count(s.VCPU), gigabytes(s.MemoryGiB), gigabytes(s.StorageGiB)}
	out := append(slices.Clone(sizes), d.p.terse(s.Annual, priced), d.p.terse(s.InYear, priced), d.p.terse(s.Verified, priced))
	out = append(out, sizes...)
	return append(out, d.p.moneyCell(s.Annual, priced), d.p.moneyCell(s.InYear, priced), d.p.moneyCell(s.Verified, priced), count(s.Unpriced), count(s.Entries))
}

// totals shows what was given, what was taken again, and the difference.
func (d tallyDocument) totals() table {
	p, total := d.p, d.table.Total
	t := table{id: "totals", columns: append([]column{{title: p.tell("项目", "Item"), in: everywhere}}, d.sums()...)}
	for _, x := range []struct {
		name string
		sum  ledger.Sum
	}{{p.tell("释放与降配", "Given back"), total.Gross}, {p.tell("恢复与回弹", "Taken again"), total.Taken}, {p.tell("净额", "Net"), total.Net}} {
		t.rows = append(t.rows, append([]cell{text(x.name)}, d.cells(x.sum)...))
	}
	return t
}

// breakdown is one row a key.
func (d tallyDocument) breakdown() table {
	p := d.p
	t := table{id: "breakdown"}
	for _, by := range d.Query.By {
		t.columns = append(t.columns, column{title: d.by(by), in: everywhere, width: 32})
	}
	t.columns = append(t.columns, d.sums()...)
	for _, r := range d.table.Rows {
		var row []cell
		for i, by := range d.Query.By {
			row = append(row, d.key(by, r.Key[i]))
		}
		t.rows = append(t.rows, append(row, d.cells(r.Net)...))
	}
	total := make([]cell, len(d.Query.By))
	total[0] = text(p.tell("合计", "Total"))
	t.total = append(total, d.cells(d.table.Total.Net)...)
	return t
}

func (d tallyDocument) by(by ledger.By) string {
	p := d.p
	switch by {
	case ledger.ByDepartment:
		return p.tell("单位", "Department")
	case ledger.ByApplication:
		return p.tell("应用", "Application")
	case ledger.ByKind:
		return p.tell("类型", "Kind")
	case ledger.ByEffect:
		return p.tell("事项", "Effect")
	case ledger.ByMonth:
		return p.tell("月份", "Month")
	case ledger.ByQuarter:
		return p.tell("季度", "Quarter")
	case ledger.ByHalf:
		return p.tell("半年", "Half-year")
	default:
		return p.tell("批次（文号）", "Batch (document no.)")
	}
}

func (d tallyDocument) key(by ledger.By, key string) cell {
	switch {
	case key == "" && by == ledger.ByBatch:
		return cell{text: d.p.tell("未经通知", "without a notice"), tone: mute}
	case key == "":
		return cell{text: d.p.tell("归属未知", "owner unknown"), tone: mute}
	case by == ledger.ByKind:
		return text(name(d.p, kindNames, cloud.Kind(key)))
	case by == ledger.ByEffect:
		return text(d.p.effect(ledger.Effect(key)))
	}
	return text(clean(key))
}

func (p prose) effect(e ledger.Effect) string {
	switch e {
	case ledger.Released:
		return p.tell("释放", "released")
	case ledger.Downsized:
		return p.tell("降配", "downsized")
	case ledger.Recategorized:
		return p.tell("云盘换类型", "disk category changed")
	case ledger.Reversed:
		return p.tell("恢复冲回", "reversed")
	case ledger.Rebound:
		return p.tell("回弹", "rebound")
	case ledger.Corrected:
		return p.tell("账单更正", "corrected by the bill")
	case ledger.Verified:
		return p.tell("核实", "verified")
	}
	return string(e)
}

// list is one row an entry.
func (d tallyDocument) list() table {
	p := d.p
	t := table{id: "entries", columns: []column{
		{title: p.tell("日期", "Date"), in: everywhere},
		{title: p.tell("事项", "Effect"), in: everywhere, width: 12},
		{title: p.tell("资源", "Resource"), in: inText, width: 30},
		{title: p.tell("资源ID", "Resource id"), in: inSheet},
		{title: p.tell("名称", "Name"), in: inSheet},
		{title: p.tell("类型", "Kind"), in: inSheet},
		{title: p.tell("单位", "Department"), in: everywhere, width: 20},
		{title: p.tell("应用", "Application"), in: inSheet},
		{title: p.tell("批次（文号）", "Batch (document no.)"), in: inSheet},
		{title: p.tell("释放前规格", "Size before"), in: inSheet},
		{title: p.tell("释放后规格", "Size after"), in: inSheet},
		{title: p.tell("整体释放（个）", "Released"), kind: whole, in: inSheet},
		{title: p.tell("降配变更（个）", "Made smaller"), kind: whole, in: inSheet},
		{title: p.tell("核", "vCPU"), kind: whole, in: everywhere},
		{title: p.tell("内存GB", "Mem GB"), kind: size, in: everywhere},
		{title: p.tell("存储GB", "Disk GB"), kind: size, in: everywhere},
		{title: p.tell("带宽Mbps", "Mbit/s"), kind: size, in: inSheet},
		{title: p.tell("年化（元）", "Annual (yuan)"), kind: money, in: everywhere},
		{title: p.tell("本年度可实现（元）", "In-year (yuan)"), kind: money, in: inSheet},
		{title: p.tell("已核实（元）", "Verified (yuan)"), kind: money, in: inSheet},
		{title: p.tell("节约起算日", "Saved from"), in: inSheet},
		{title: p.tell("核实方式", "Verified by"), in: inSheet},
		{title: p.tell("核实日期", "Verified on"), in: inSheet},
		{title: p.tell("计费方式", "Charged"), in: inSheet},
		{title: p.tell("依据的建议", "Recommendation"), in: inSheet},
		{title: p.tell("价目表", "Price book"), in: inSheet},
		{title: p.tell("凭据", "Evidence"), in: inSheet, wrap: true},
		{title: p.tell("冲回的分录", "Takes from"), in: inSheet},
		{title: p.tell("分录号", "Entry"), in: everywhere},
	}, textRows: 200}
	in := map[string]bool{}
	for _, id := range d.table.Total.IDs {
		in[id] = true
	}
	for _, e := range d.Entries {
		if in[e.ID] {
			t.rows = append(t.rows, d.row(e))
		}
	}
	n := d.table.Total.Net
	t.total = make([]cell, len(t.columns))
	t.total[0] = text(p.tell("合计", "Total"))
	priced := n.Entries == 0 || n.Unpriced < n.Entries
	copy(t.total[11:], []cell{count(n.Resources), count(n.Changed), count(n.VCPU), gigabytes(n.MemoryGiB), gigabytes(n.StorageGiB), gigabytes(n.BandwidthMbps),
		p.moneyCell(n.Annual, priced), p.moneyCell(n.InYear, priced), p.moneyCell(n.Verified, priced)})
	return t
}

func (d tallyDocument) row(e ledger.Entry) []cell {
	p := d.p
	annual, known := price.Amount{}, e.Annual != nil
	if known {
		annual = *e.Annual
	}
	year, dated := e.InYear()
	advised := cell{text: p.tell("无", "none"), tone: mute}
	if e.Claim != nil {
		advised = text(e.Claim.Recommendation)
	}
	resource := text(clean(e.ResourceID))
	if e.Name != "" && e.Name != e.ResourceID {
		resource = cell{text: clean(e.Name), sub: clean(e.ResourceID)}
	}
	before, after, charged := cell{}, cell{}, p.unknown()
	if x := e.Evidence; x != nil && x.Was != nil {
		before = text(sizeText(p, *x.Was))
		if x.Was.ChargeType != "" {
			charged = text(name(p, chargeNames, x.Was.ChargeType))
		}
	}
	if x := e.Evidence; x != nil && x.Now != nil {
		after = text(sizeText(p, *x.Now))
	}
	verified, by, on := price.Zero(""), p.unknown(), p.unknown()
	proof, proven := d.proofs[e.ID]
	if !proven {
		proof, proven = d.proofs[e.Of]
	}
	if proven && known {
		verified, on = annual, text(p.date(proof.At))
		if by = text(p.tell("清单比对", "inventory")); byBill(proof) {
			by = text(p.tell("账单：%s", "bill: %s", clean(proof.Evidence.Note)))
		}
	}
	from := p.unknown()
	if !e.From.IsZero() {
		from = text(p.date(e.From))
	}
	return []cell{
		text(p.date(e.At)), text(p.effect(e.Effect)), resource, text(clean(e.ResourceID)), text(clean(e.Name)), text(name(p, kindNames, e.Kind)), orDash(clean(e.Department)), orDash(clean(e.Application)), orDash(clean(e.Batch)),
		before, after, count(e.Resources), count(e.Changed), count(e.VCPU), gigabytes(e.MemoryGiB), gigabytes(e.StorageGiB), gigabytes(e.BandwidthMbps),
		p.moneyCell(annual, known), p.moneyCell(year, dated), p.moneyCell(verified, known), from, by, on, charged, advised, orDash(clean(e.PriceBook)), text(d.evidence(e)), orDash(e.Of), text(e.ID),
	}
}

// evidence says what was seen.
func (d tallyDocument) evidence(e ledger.Entry) string {
	p := d.p
	var parts []string
	if e.Effect != ledger.Corrected { // which rests on bills
		parts = append(parts, p.tell("清单 %s → %s", "inventories %s → %s", p.minute(e.Since), p.minute(e.At)))
	}
	if x := e.Evidence; x != nil {
		if x.Was != nil {
			parts = append(parts, p.tell("原为 %s", "was %s", sizeText(p, *x.Was)))
		}
		if x.Now != nil {
			parts = append(parts, p.tell("现为 %s", "is %s", sizeText(p, *x.Now)))
		}
		if x.Scope != nil {
			parts = append(parts, p.tell("%s的清单已读全（%d项）", "the listing of %s was read to the end (%d)", clean(strings.TrimSpace(x.Scope.Account+" "+x.Scope.Region)), x.Scope.Count))
		}
		if x.Note != "" {
			parts = append(parts, clean(x.Note))
		}
	}
	if e.PartOf != "" {
		parts = append(parts, p.tell("随 %s 一起释放", "went with %s", clean(e.PartOf)))
	}
	if len(e.Missing) > 0 {
		parts = append(parts, p.tell("价格未知：%s", "price unknown: %s", strings.Join(e.Missing, ", ")))
	}
	return p.clauses(parts)
}

func sizeText(p prose, r cloud.Resource) string {
	if r.Kind == cloud.EIP {
		return fmt.Sprintf("%s Mbit/s", trim(r.BandwidthMbps, 2))
	}
	return strings.TrimSpace(p.spec(r.VCPU, r.MemoryGiB, r.StorageGiB) + " " + clean(r.InstanceType+r.Category))
}
