package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"yunjian/cloud"
	"yunjian/internal/pipeline"
	"yunjian/policies"
	"yunjian/price"
)

// prose speaks one language in one time zone.
type prose struct {
	lang Lang
	loc  *time.Location
	pack policies.Pack // for the names of rules and conditions
	kind cloud.Kind    // of what is spoken of, where words depend on it
}

func catalogue(l Lang) map[msg]string {
	if l == EN {
		return english
	}
	return chinese
}

// say renders one message of the catalogue.
func (p prose) say(m msg, args ...any) string {
	if other, ok := addressWords[m]; ok && p.kind == cloud.EIP {
		m = other
	}
	s := wording(p.lang, m)
	if len(args) == 0 {
		return s
	}
	if p.lang == EN {
		return plurals(s, args)
	}
	return fmt.Sprintf(s, args...)
}

// of speaks of a resource of this kind.
func (p prose) of(k cloud.Kind) prose {
	p.kind = k
	return p
}

// plurals renders an English message: a noun written with (s) takes its number
// from the last argument before it.
func plurals(s string, args []any) string {
	var b strings.Builder
	rest, used := s, 0
	for {
		head, tail, found := strings.Cut(rest, "(s)")
		if !found {
			break
		}
		n := strings.Count(head, "%") - 2*strings.Count(head, "%%")
		fmt.Fprintf(&b, head, args[used:used+n]...)
		used += n
		if used == 0 || fmt.Sprint(args[used-1]) != "1" {
			b.WriteByte('s')
		}
		rest = tail
	}
	fmt.Fprintf(&b, rest, args[used:]...)
	return b.String()
}

// name renders a code by a table of messages; a code that the table lacks is
// shown as it is rather than dropped.
func name[K ~string](p prose, table map[K]msg, k K) string {
	if m, ok := table[k]; ok {
		return p.say(m)
	}
	return string(k)
}

// join lists words: 、 in Chinese, commas in English.
func (p prose) join(words []string) string {
	if p.lang == ZH {
		return strings.Join(words, "、")
	}
	return strings.Join(words, ", ")
}

// clauses joins parts of a sentence.
func (p prose) clauses(parts []string) string {
	if p.lang == ZH {
		return strings.Join(parts, "；")
	}
	return strings.Join(parts, "; ")
}

// sentences closes each sentence and strings them together.
func (p prose) sentences(list []string) string {
	if p.lang == ZH {
		return strings.Join(list, "。") + "。"
	}
	for i, s := range list {
		if s != "" && s[0] >= 'a' && s[0] <= 'z' {
			list = slices.Clone(list)
			list[i] = strings.ToUpper(s[:1]) + s[1:]
		}
	}
	return strings.Join(list, ". ") + "."
}

func (p prose) date(t time.Time) string {
	if t.IsZero() {
		return p.say(msgUnknown)
	}
	return t.In(p.loc).Format("2006-01-02")
}

func (p prose) minute(t time.Time) string {
	if t.IsZero() {
		return p.say(msgUnknown)
	}
	return t.In(p.loc).Format("2006-01-02 15:04")
}

func (p prose) week(w pipeline.Week) string { return p.say(msgWeekLabel, w.Year, w.Number) }

// duration renders a span of whole days as days, a shorter one in hours.
func (p prose) duration(d time.Duration) string {
	if d >= 24*time.Hour {
		return p.say(msgDays, trim(d.Hours()/24, 1))
	}
	return p.say(msgHours, trim(d.Hours(), 1))
}

// wan renders the headline form of an amount: 万元 with two decimals in
// Chinese, the exact amount in English, which has no such unit.
func (p prose) wan(a price.Amount) string {
	if p.lang == EN {
		return strings.TrimSpace(currencyOf(a) + " " + group(a.String()))
	}
	n := group(a.Decimal().Shift(-4).StringFixed(2))
	if c := currencyOf(a); c != "CNY" {
		return n + "万 " + c
	}
	return n + "万元"
}

// yuan renders an exact amount with its currency.
func (p prose) yuan(a price.Amount) string {
	c := currencyOf(a)
	if p.lang == ZH && c == "CNY" {
		return group(a.String()) + "元"
	}
	return c + " " + group(a.String())
}

// currencyOf is the currency of an amount; one that nothing was added to has
// none of its own and is taken for yuan.
func currencyOf(a price.Amount) string {
	if a.Currency() == "" {
		return "CNY"
	}
	return a.Currency()
}

// group sets thousands separators in a plain decimal number.
func group(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, dotted := strings.Cut(s, ".")
	var b strings.Builder
	for i, c := range []byte(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(c)
	}
	if dotted {
		return sign + b.String() + "." + frac
	}
	return sign + b.String()
}

// fixed is v with so many decimals; halves are rounded away from zero, as
// spreadsheets do, so that the sheets say the same as the text.
func fixed(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) { // which decimals do not have
		return strconv.FormatFloat(v, 'f', places, 64)
	}
	return decimal.NewFromFloat(v).StringFixed(int32(places))
}

// trim formats v with at most places decimals and no trailing zeros.
func trim(v float64, places int) string {
	s := fixed(v, places)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// percent has one decimal; what would round to nothing is said to be little
// rather than none.
func percent(v float64) string {
	if v > 0 && v < 0.05 {
		return "<0.1%"
	}
	return fixed(v, 1) + "%"
}

// value renders a measured number with its unit, with places decimals where
// the unit leaves a choice.
func (p prose) value(v float64, u cloud.Unit, places int) string {
	switch u {
	case cloud.Percent:
		if places == 1 {
			return percent(v)
		}
		return fixed(v, places) + "%"
	case cloud.Ratio:
		return fixed(100*v, places) + "%"
	case cloud.Days:
		return p.say(msgDays, trim(v, places))
	case cloud.Hours:
		return p.say(msgHours, trim(v, places))
	case cloud.Weeks:
		return p.say(msgWeeks, trim(v, places))
	case cloud.Cores:
		return p.say(msgCores, trim(v, 2))
	case cloud.GiB:
		if p.lang == ZH {
			return group(trim(v, 2)) + "GB"
		}
		return group(trim(v, 2)) + " GB"
	case cloud.Count:
		return group(trim(v, 2))
	case cloud.Mbps:
		return trim(v, 2) + " Mbit/s"
	case cloud.BitsPerSecond:
		return scaled(v, places, "bit/s", "kbit/s", "Mbit/s", "Gbit/s")
	case cloud.BytesPerSec:
		return scaled(v, places, "B/s", "KB/s", "MB/s", "GB/s")
	case cloud.Bytes:
		return scaled(v, places, "B", "KB", "MB", "GB", "TB")
	case cloud.BytesPerDay:
		return scaled(v, places, "B", "KB", "MB", "GB", "TB") + p.say(msgPerDay)
	default:
		return strings.TrimSpace(trim(v, max(places, 2)) + " " + string(u))
	}
}

// limit renders a threshold, which people wrote down themselves, without
// decimals it does not need.
func (p prose) limit(v float64, u cloud.Unit) string {
	switch u {
	case cloud.Percent:
		return trim(v, 4) + "%"
	case cloud.Ratio:
		return trim(100*v, 4) + "%"
	case cloud.BitsPerSecond, cloud.BytesPerSec, cloud.Bytes, cloud.BytesPerDay:
		return strings.Replace(p.value(v, u, 1), ".0 ", " ", 1)
	default:
		return p.value(v, u, 4)
	}
}

// beside renders a value that is compared with a limit: with so many decimals
// that rounding never makes the two look equal when they are not.
func (p prose) beside(v, limit float64, u cloud.Unit) string {
	for places := 1; places < 6; places++ {
		s := p.value(v, u, places)
		if v == limit || s != p.value(limit, u, places) {
			return s
		}
	}
	return p.value(v, u, 6)
}

// scaled writes v in the largest of the units, each a thousand times the one
// before, in which it is at least one.
func scaled(v float64, places int, units ...string) string {
	i := 0
	for math.Abs(v) >= 1000 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i == 0 && v == math.Trunc(v) {
		places = 0
	}
	return fixed(v, places) + " " + units[i]
}

// size renders cores, memory and storage, leaving out what the resource does
// not have.
func (p prose) size(vcpu int, memory, storage float64) string {
	var parts []string
	if vcpu > 0 {
		parts = append(parts, p.say(msgCores, strconv.Itoa(vcpu)))
	}
	if memory > 0 {
		parts = append(parts, p.say(msgMemoryGB, group(trim(memory, 2))))
	}
	if storage > 0 {
		parts = append(parts, p.say(msgStorageGB, group(trim(storage, 2))))
	}
	if len(parts) == 0 {
		return ""
	}
	return p.join(parts)
}

// spec renders a machine's size as people say it: 8核32GB, 8 vCPU 32 GB.
func (p prose) spec(vcpu int, memory, storage float64) string {
	if vcpu == 0 && memory == 0 {
		if storage == 0 {
			return ""
		}
		return p.value(storage, cloud.GiB, 0)
	}
	mem := "?"
	if memory > 0 {
		mem = group(trim(memory, 2))
	}
	cores := "?"
	if vcpu > 0 {
		cores = strconv.Itoa(vcpu)
	}
	return p.say(msgSpec, cores, mem)
}
