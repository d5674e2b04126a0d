package aliyun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"yunjian/collector"
	"yunjian/ledger"
	"yunjian/price"
)

const (
	actionBill   = "DescribeInstanceBill"
	linesPerPage = 300 // the most that the API gives
)

// billLine is what one line of a bill says of a resource. What is payable after
// discounts counts (PretaxAmount), not the list price before them (PretaxGrossAmount)
// and not what was left to be paid in cash (PaymentAmount): vouchers and prepaid cards
// pay a price, they do not change it.
type billLine struct {
	resource string // empty: the line is of no resource
	payable  price.Amount
}

// Bill reads the bill of a month, by resource, to its end: the lines of one resource
// are added up, and disks and addresses that are billed apart stand under their own ids.
// It is whole once the month has been over for collector.BillSettling, and never when
// there is no line in it, for an empty answer has many reasons.
func (s *Source) Bill(ctx context.Context, req collector.BillRequest) (collector.Billed, error) {
	if !s.options.Bills {
		return collector.Billed{}, fmt.Errorf("read the bill of cloud %s: its options do not name a server of bills", s.options.Name)
	}
	run := tally{calls: map[string]int{}, left: -1}
	out, err := s.bill(ctx, &run, req)
	if err != nil {
		out = collector.Billed{}
	}
	out.Calls = run.calls
	return out, err
}

func (s *Source) bill(ctx context.Context, run *tally, req collector.BillRequest) (collector.Billed, error) {
	source := s.options.Name + " " + actionBill
	out := collector.Billed{Bill: ledger.Bill{Month: req.Month, Amounts: map[string]price.Amount{}, Sources: map[string]string{}, Source: source}}
	c := call{product: bss, region: s.options.Regions[0], action: actionBill}
	next, seen := "", map[string]bool{}
	for number := 1; ; number++ {
		fail := func(err error) (collector.Billed, error) {
			return out, fmt.Errorf("read the bill of %s of cloud %s, page %d: %w", req.Month, s.options.Name, number, err)
		}
		if number > maxListPages {
			return fail(&Error{Action: actionBill, Class: ClassMalformed, Code: codeIncomplete, Message: "pages without end"})
		}
		c.query = map[string]string{"BillingCycle": req.Month, "Granularity": "MONTHLY", "MaxResults": strconv.Itoa(linesPerPage)}
		if next != "" {
			c.query["NextToken"] = next
		}
		var page billPage
		empty := 0
		err := s.try(ctx, run, c, func(a answer) (err error) {
			if page, err = readBillPage(a.body, req.Month); err != nil {
				return err
			}
			if page.next != "" && (page.next == next || seen[page.next]) {
				return errors.New("the server repeats a NextToken")
			}
			if len(page.lines) == 0 && empty < emptyTries-1 {
				empty++
				return errors.New("empty page")
			}
			return nil
		})
		if err != nil {
			return fail(err)
		}
		for _, l := range page.lines {
			out.Lines++
			if l.resource == "" {
				out.Apart++
				continue
			}
			sum, err := out.Bill.Amounts[l.resource].Add(l.payable)
			if err == nil {
				_, err = price.Zero(out.Bill.Currency).Add(l.payable)
			}
			if err != nil {
				return fail(fmt.Errorf("%s: %w", l.resource, err))
			}
			out.Bill.Currency = l.payable.Currency()
			out.Bill.Amounts[l.resource], out.Bill.Sources[l.resource] = sum, source
		}
		if req.Progress != nil {
			req.Progress(number, max(number, (page.total+linesPerPage-1)/linesPerPage))
		}
		if page.next != "" {
			seen[next], next = true, page.next
			continue
		}
		if out.Lines < page.total {
			return fail(&Error{Action: actionBill, Class: ClassMalformed, Code: codeIncomplete, Message: fmt.Sprintf("the last page, and %d of %d lines are missing", page.total-out.Lines, page.total)})
		}
		if len(out.Bill.Amounts) > 0 && collector.BillSettled(req.Month, req.Now) {
			out.Bill.WholeOf = []string{s.options.Name}
		}
		return out, nil
	}
}

// billPage is one answer of DescribeInstanceBill.
type billPage struct {
	lines []billLine
	next  string
	total int // lines of the whole bill; 0: not said
}

// readBillPage reads an answer, or nothing of it: a line that cannot be read is an
// amount that is missing.
func readBillPage(body []byte, month string) (billPage, error) {
	top, err := readRecord(body)
	if err != nil {
		return billPage{}, fmt.Errorf("read answer: %w", err)
	}
	if code := top.text("Code"); !strings.EqualFold(code, "Success") {
		return billPage{}, fmt.Errorf("read answer: Code is %.40q, want Success", code)
	}
	data := top.object("Data")
	if data == nil {
		return billPage{}, errors.New("read answer: no Data in it")
	}
	if cycle := data.text("BillingCycle"); cycle != "" && cycle != month {
		return billPage{}, fmt.Errorf("read answer: it is the bill of %.20q, not of %s", cycle, month)
	}
	list, err := billItems(data["Items"])
	if err != nil {
		return billPage{}, err
	}
	page := billPage{lines: make([]billLine, 0, len(list)), next: token(data.text("NextToken")), total: int(min(data.number("TotalCount"), 1e9))}
	for i, raw := range list {
		r, err := readRecord(raw)
		if err != nil || r == nil {
			return billPage{}, fmt.Errorf("read line %d of the bill: not an object", i+1)
		}
		l := billLine{resource: strings.TrimSpace(r.text("InstanceID"))}
		if l.resource != "" {
			if l.payable, err = payable(r); err != nil {
				return billPage{}, fmt.Errorf("read line %d of the bill, of %.80q: %w", i+1, l.resource, err)
			}
		}
		page.lines = append(page.lines, l)
	}
	return page, nil
}

// billItems are the lines of a bill: a list, under the inner name Item in an older form
// of the answer; null where there is none.
func billItems(raw json.RawMessage) ([]json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '{' {
		inner, err := readRecord(raw)
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		raw = inner["Item"]
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errors.New("read answer: Items is no list")
	}
	return list, nil
}

// amountText is a number as JSON spells it, of a size that can be meant. Java writes
// small ones with an exponent.
var amountText = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$`)

// payable is the amount of a line, through decimal text and never a float.
func payable(r record) (price.Amount, error) {
	text, currency := r.text("PretaxAmount"), r.text("Currency")
	if !amountText.MatchString(text) {
		return price.Amount{}, fmt.Errorf("PretaxAmount is %.40q, want an amount", text)
	}
	if currency == "" {
		return price.Amount{}, errors.New("it names no Currency")
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return price.Amount{}, fmt.Errorf("PretaxAmount: %w", err)
	}
	return price.NewAmount(d.Round(8).String(), currency)
}
