package registry

import (
	"regexp"
	"slices"
	"strings"

	"yunjian/internal/sheet"
	"yunjian/ledger"
	"yunjian/price"
)

// line is one line of a bill.
type line struct {
	month, resource, amount, currency, source string
}

var currencies = regexp.MustCompile(`^[A-Z]{3}$`)

var months = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])$`)

var billFields = []field[line]{
	{[]string{"账期", "month"}, func(x *line, cell string) string {
		if x.month = strings.NewReplacer("/", "-", "年", "-", "月", "").Replace(cell); !months.MatchString(x.month) {
			return "a month such as 2024-03"
		}
		return ""
	}},
	put(func(x *line) *string { return &x.resource }, "资源id", "实例id", "resource_id"),
	{[]string{"金额", "应付金额", "amount"}, func(x *line, cell string) string {
		x.amount = strings.ReplaceAll(cell, ",", "")
		if _, err := price.NewAmount(x.amount, ""); err != nil {
			return "an amount such as 1234.56"
		}
		return ""
	}},
	{[]string{"币种", "currency"}, func(x *line, cell string) string {
		if x.currency = cell; !currencies.MatchString(cell) {
			return "a currency such as CNY"
		}
		return ""
	}},
	put(func(x *line) *string { return &x.source }, "账单号", "bill"),
}

// billRequired is how many of billFields every bill has.
const billRequired = 3

// ReadBills reads what resources were billed for, by month; the lines of one resource in
// one month are added up. A bill without a column of currencies is in the one given.
func ReadBills(disk sheet.Reader, path, currency string) (bills []ledger.Bill, notes []string, err error) {
	var wrong sheet.Mistakes
	tables, err := sheet.ReadFile(disk, path, &wrong)
	if err != nil {
		return nil, nil, err
	}
	byMonth := map[string]ledger.Bill{}
	for _, t := range tables {
		var lines []line
		notes = append(notes, rows(t, billFields, billRequired, &lines, &wrong)...)
		for i, l := range lines {
			if l.currency == "" {
				l.currency = currency
			}
			b, ok := byMonth[l.month]
			if !ok {
				b = ledger.Bill{Month: l.month, Currency: l.currency, Amounts: map[string]price.Amount{}, Sources: map[string]string{}, Source: t.File}
			}
			amount, err := price.NewAmount(l.amount, l.currency)
			if err != nil {
				if wrong.None() { // the currency that was given for all
					wrong.Add(sheet.Mistake{File: t.File, Line: t.Rows[i].Line, Found: sheet.Quote(l.amount + " " + l.currency), Allowed: "an amount such as 1234.56 in a currency such as CNY"})
				}
				continue
			}
			if l.currency != b.Currency {
				wrong.Add(sheet.Mistake{File: t.File, Line: t.Rows[i].Line, Found: sheet.Quote(l.currency), Allowed: b.Currency + ", the currency of the bill of " + l.month})
				continue
			}
			sum, err := b.Amounts[l.resource].Add(amount)
			if err != nil {
				return nil, nil, err
			}
			b.Amounts[l.resource], b.Sources[l.resource] = sum, strings.TrimSpace(t.File+" "+l.source)
			byMonth[l.month] = b
		}
	}
	if !wrong.None() {
		return nil, nil, &wrong
	}
	for _, b := range byMonth {
		bills = append(bills, b)
	}
	slices.SortFunc(bills, func(a, b ledger.Bill) int { return strings.Compare(a.Month, b.Month) })
	return bills, notes, nil
}
