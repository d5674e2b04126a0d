package ledger

import (
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

func bill(month string, amounts map[string]string, whole ...bool) Bill {
	b := Bill{Month: month, Currency: "CNY", Amounts: map[string]price.Amount{}, Sources: map[string]string{}, Source: month + ".csv", Whole: len(whole) > 0}
	for id, text := range amounts {
		a, err := price.NewAmount(text, "CNY")
		if err != nil {
			panic(err)
		}
		b.Amounts[id], b.Sources[id] = a, b.Source
	}
	return b
}

func TestCorrect(t *testing.T) {
	prepaid := machine("p", 4, 8)
	prepaid.ChargeType = cloud.Prepaid
	unknown := machine("u", 2, 0)
	// 4 vCPU and 8 GiB are booked at 5,088 a year, 424 a month.
	entries := replay(settings(), seen("2024-02-10", machine("a", 4, 8), machine("b", 4, 8), prepaid, unknown, machine("s", 8, 16)),
		seen("2024-03-10", machine("s", 4, 8)), seen("2024-03-10", machine("s", 4, 8)))
	for name, c := range map[string]struct {
		bills []Bill
		want  string
	}{
		"no bill":                              {nil, ""},
		"only one of them":                     {[]Bill{bill("2024-01", map[string]string{"a": "424"})}, ""},
		"other months":                         {[]Bill{bill("2024-02", map[string]string{"a": "999"}), bill("2024-03", map[string]string{"a": "0"})}, ""},
		"as booked":                            {[]Bill{bill("2024-01", map[string]string{"a": "424"}), bill("2024-04", map[string]string{"x": "1"}, true)}, "2024-05-01 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of released a"},
		"a tenth less":                         {[]Bill{bill("2024-01", map[string]string{"a": "381.60"}), bill("2024-04", map[string]string{"x": "1"}, true)}, "2024-05-01 verified a n=0 c=0 0C 0G 0G ? from 0001-01-01 of released a"},
		"more than a tenth":                    {[]Bill{bill("2024-01", map[string]string{"a": "381.59"}), bill("2024-04", map[string]string{"x": "1"}, true)}, "2024-05-01 corrected a n=0 c=0 0C 0G 0G -508.92 from 2024-03-10 of released a"},
		"still billed":                         {[]Bill{bill("2024-01", map[string]string{"a": "424"}), bill("2024-04", map[string]string{"a": "424"})}, "2024-05-01 corrected a n=0 c=0 0C 0G 0G -5088.00 from 2024-03-10 of released a"},
		"downsized":                            {[]Bill{bill("2024-01", map[string]string{"s": "1000"}), bill("2024-04", map[string]string{"s": "300"})}, "2024-05-01 corrected s n=0 c=0 0C 0G 0G 3312.00 from 2024-03-10 of downsized s"},
		"downsized, and not in the later bill": {[]Bill{bill("2024-01", map[string]string{"s": "1000"}), bill("2024-04", map[string]string{"x": "1"}, true)}, ""},
		"a price nobody knew":                  {[]Bill{bill("2024-01", map[string]string{"u": "100"}), bill("2024-04", map[string]string{"x": "1"}, true)}, "2024-05-01 corrected u n=0 c=0 0C 0G 0G 1200.00 from 2024-03-10 of released u"},
		"paid in advance":                      {[]Bill{bill("2024-01", map[string]string{"p": "5000"}), bill("2024-04", map[string]string{"x": "1"}, true)}, ""},
	} {
		got := Correct(entries, c.bills, day("2024-05-01"))
		if text := lines(append(append([]Entry{}, entries...), got...)); text != lines(entries)+withLine(c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, text, c.want)
		}
		if again := Correct(append(append([]Entry{}, entries...), got...), c.bills, day("2024-06-01")); len(again) != 0 {
			t.Errorf("%s, again:\n%s", name, lines(again))
		}
	}
}

func withLine(s string) string {
	if s == "" {
		return ""
	}
	return s + "\n"
}

// What a bill says is proven, and what the book did not know is no longer left out.
func TestTallyOfCorrected(t *testing.T) {
	entries := replay(settings(), seen("2024-02-10", machine("a", 4, 8), machine("u", 2, 0)), seen("2024-03-10"))
	bills := []Bill{bill("2024-01", map[string]string{"a": "212", "u": "100"}), bill("2024-04", map[string]string{"x": "1"}, true)}
	entries = append(entries, Correct(entries, bills, day("2024-05-01"))...)
	got := Tally(entries, Query{Period: Period{day("2024-01-01"), day("2025-01-01")}}).Total.Net
	if got.Annual.String() != "3744.00" || got.Verified.String() != "3744.00" || got.Unpriced != 0 || got.Resources != 2 {
		t.Errorf("%+v", got)
	}
}

// A bill is imported long after the inventories of its time: those that follow are booked
// all the same.
func TestBillsDoNotStopBooking(t *testing.T) {
	first, second, third := seen("2024-02-10", machine("a", 4, 8), machine("b", 2, 4)), seen("2024-03-10", machine("b", 2, 4)), seen("2024-04-10")
	entries := Reconcile(first, second, nil, settings())
	bills := []Bill{bill("2024-01", map[string]string{"a": "424"}), bill("2024-04", map[string]string{"x": "1"}, true)}
	entries = append(entries, Correct(entries, bills, day("2024-12-01"))...)
	if len(entries) != 2 || entries[1].Effect != Verified {
		t.Fatalf("the bill verified nothing:\n%s", lines(entries))
	}
	got := Reconcile(second, third, entries, settings())
	if len(got) != 1 || got[0].ResourceID != "b" || got[0].Effect != Released {
		t.Errorf("booked after the bill:\n%s", lines(got))
	}
}

func TestMergeBills(t *testing.T) {
	got, err := MergeBills([]Bill{bill("2024-02", map[string]string{"a": "1", "b": "2"}, true), bill("2024-01", map[string]string{"a": "9"})}, []Bill{bill("2024-02", map[string]string{"b": "3"})}, day("2024-03-01"))
	if err != nil || !got[1].Whole || got[0].Whole || len(got) != 2 || got[0].Month != "2024-01" || got[1].Amounts["a"].String() != "1.00" || got[1].Amounts["b"].String() != "3.00" {
		t.Errorf("%+v", got)
	}
	dollars := bill("2024-01", map[string]string{"b": "1"})
	dollars.Currency = "USD"
	if _, err := MergeBills(got, []Bill{dollars}, day("2024-03-01")); err == nil || !strings.Contains(err.Error(), "2024-01.csv: the bill of 2024-01 is in USD") {
		t.Errorf("two currencies: %v", err)
	}
	if _, err := MergeBills(nil, []Bill{bill("2024-02", map[string]string{"a": "1"})}, day("2024-02-29")); err == nil || !strings.Contains(err.Error(), "2024-02.csv: 2024-02 has not ended on 2024-02-29") {
		t.Errorf("a month that has not ended: %v", err)
	}
}

// What lies between the same two bills is held against them together.
func TestCorrectTogether(t *testing.T) {
	prepaid := machine("s", 4, 8)
	prepaid.ChargeType = cloud.Prepaid
	whole := bill("2024-04", map[string]string{"x": "1"}, true)
	verified := "2024-05-01 verified s n=0 c=0 0C 0G 0G ? from 0001-01-01 of downsized s\n2024-05-01 verified s n=0 c=0 0C 0G 0G ? from 0001-01-01 of released s\n"
	hours := func(inv cloud.Inventory, n int) cloud.Inventory {
		inv.TakenAt = inv.TakenAt.Add(time.Duration(n) * time.Hour)
		return inv
	}
	elsewhere := func(inv cloud.Inventory) cloud.Inventory { inv.Cloud = "city"; return inv }
	for name, c := range map[string]struct {
		of    []cloud.Inventory
		bills []Bill
		want  string
	}{
		"smaller and then gone, as booked": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 8, 16)), seen("2024-03-10", machine("s", 4, 8)), hours(seen("2024-03-10"), 10)},
			[]Bill{bill("2024-02", map[string]string{"s": "848"}), whole}, verified},
		"in two months": {
			[]cloud.Inventory{seen("2024-02-20", machine("s", 8, 16)), seen("2024-02-25", machine("s", 4, 8)), seen("2024-02-25", machine("s", 4, 8)), seen("2024-03-10")},
			[]Bill{bill("2024-01", map[string]string{"s": "848"}), bill("2024-03", map[string]string{"s": "424"}), whole}, strings.SplitAfter(verified, "\n")[1]},
		"smaller twice, billed half": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 16, 32)), seen("2024-03-10", machine("s", 8, 16)), seen("2024-03-20", machine("s", 4, 8))},
			[]Bill{bill("2024-02", map[string]string{"s": "1000"}), bill("2024-04", map[string]string{"s": "364"})},
			"2024-05-01 corrected s n=0 c=0 0C 0G 0G -5088.00 from 2024-03-10 of downsized s\n2024-05-01 corrected s n=0 c=0 0C 0G 0G -2544.00 from 2024-03-20 of downsized s\n"},
		"its disk under its id": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8), disk("d", "s", 100)), seen("2024-03-10")},
			[]Bill{bill("2024-02", map[string]string{"s": "543"}), whole},
			"2024-05-01 verified d n=0 c=0 0C 0G 0G ? from 0001-01-01 of released d with s\n2024-05-01 verified s n=0 c=0 0C 0G 0G ? from 0001-01-01 of released s\n"},
		"its disk not in the bill": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8), disk("d", "s", 100)), seen("2024-03-10")},
			[]Bill{bill("2024-02", map[string]string{"s": "424"}), whole},
			"2024-05-01 verified s n=0 c=0 0C 0G 0G ? from 0001-01-01 of released s\n"},
		"its disk by itself, and more under its own id": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8), disk("d", "s", 100)), seen("2024-03-10")},
			[]Bill{bill("2024-02", map[string]string{"s": "543", "d": "119"}), whole},
			"2024-05-01 corrected s n=0 c=0 0C 0G 0G 1428.00 from 2024-03-10 of released s\n2024-05-01 verified d n=0 c=0 0C 0G 0G ? from 0001-01-01 of released d with s\n"},
		"a bill of something else": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8)), seen("2024-03-10")},
			[]Bill{bill("2024-02", map[string]string{"s": "424"}), bill("2024-04", map[string]string{"x": "1"})}, ""},
		"made within the month before": {
			[]cloud.Inventory{seen("2024-03-20", created(machine("s", 4, 8), "2024-02-15")), seen("2024-03-25")},
			[]Bill{bill("2024-02", map[string]string{"s": "212"}), whole}, ""},
		"made on the last day before that": {
			[]cloud.Inventory{seen("2024-03-20", created(machine("s", 4, 8), "2024-01-31")), seen("2024-03-25")},
			[]Bill{bill("2024-02", map[string]string{"s": "424"}), whole}, strings.SplitAfter(verified, "\n")[1]},
		"grown within the month before": {
			[]cloud.Inventory{seen("2024-03-01", resizedOn(machine("s", 4, 8), "2024-02-15")), seen("2024-03-25")},
			[]Bill{bill("2024-02", map[string]string{"s": "300"}), whole}, ""},
		"last seen two months before": {
			[]cloud.Inventory{seen("2024-03-20", seenAt(machine("s", 4, 8), "2023-01-01", "2024-01-10")), seen("2024-03-25")},
			[]Bill{bill("2023-12", map[string]string{"s": "424"}), bill("2024-02", map[string]string{"s": "10"}), whole}, strings.SplitAfter(verified, "\n")[1]},
		"a credit note in place of the bill": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8)), seen("2024-03-10")},
			[]Bill{bill("2024-02", map[string]string{"s": "-50"}), whole}, ""},
		"credited after it went": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8)), seen("2024-03-10")},
			[]Bill{bill("2024-02", map[string]string{"s": "424"}), bill("2024-04", map[string]string{"s": "-50"}, true)}, ""},
		"back since": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8)), seen("2024-03-10"), seen("2024-04-20", machine("s", 4, 8))},
			[]Bill{bill("2024-02", map[string]string{"s": "900"}), whole}, ""},
		"an id of two clouds": {
			[]cloud.Inventory{seen("2024-03-01", machine("s", 4, 8)), seen("2024-03-10"), {}, elsewhere(seen("2024-03-01", machine("s", 1, 2))), elsewhere(seen("2024-03-10"))},
			[]Bill{bill("2024-02", map[string]string{"s": "424"}), whole}, ""},
	} {
		entries := replay(settings(), c.of...)
		got := Correct(entries, c.bills, day("2024-05-01"))
		if text := strings.TrimPrefix(lines(slices.Concat(entries, got)), lines(entries)); !alike(text, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, text, c.want)
		}
	}
}

// alike compares lines whose order follows from ids.
func alike(a, b string) bool {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	slices.Sort(as)
	slices.Sort(bs)
	return slices.Equal(as, bs)
}

// What a bill says of December changes what December saved, not the next year.
func TestInYearOfTheYearBefore(t *testing.T) {
	entries := replay(settings(), seen("2024-12-01", machine("a", 4, 8), machine("b", 4, 8)), seen("2024-12-22"), seen("2025-01-02", machine("b", 4, 8)))
	bills := []Bill{bill("2024-11", map[string]string{"a": "424"}), bill("2025-01", map[string]string{"a": "212"})}
	entries = append(entries, Correct(entries, bills, day("2025-02-10"))...)
	for year, want := range map[string]string{"2024": "208.53", "2025": "0.00"} { // 10 of 366 days, of two machines and of half a one
		p, _ := ParsePeriod(year, zone)
		if got := Tally(entries, Query{Period: p}).Total.Net.InYear.String(); got != want {
			t.Errorf("in-year of %s: %s, want %s\n%s", year, got, want, lines(entries))
		}
	}
}

// A bill that is whole for one cloud says nothing of what is gone from another.
func TestWholeOfOneCloud(t *testing.T) {
	entries := replay(settings(), seen("2024-02-10", machine("a", 4, 8)), seen("2024-03-10"))
	before := bill("2024-01", map[string]string{"a": "424"})
	for of, want := range map[string]int{entries[0].Cloud: 1, "elsewhere": 0} {
		after := bill("2024-04", map[string]string{"x": "1"})
		after.WholeOf = []string{of}
		if got := Correct(entries, []Bill{before, after}, day("2024-05-01")); len(got) != want {
			t.Errorf("whole of %q: %d entries, want %d", of, len(got), want)
		}
	}
	// What is whole for one stays so when another is read, or a file without that word.
	one, two := bill("2024-04", map[string]string{"x": "1"}), bill("2024-04", map[string]string{"y": "2"})
	one.WholeOf, two.WholeOf = []string{"b"}, []string{"a"}
	merged, err := MergeBills([]Bill{one}, []Bill{two, two, bill("2024-04", map[string]string{"z": "3"})}, day("2024-06-01"))
	if err != nil || len(merged) != 1 || !slices.Equal(merged[0].WholeOf, []string{"a", "b"}) || merged[0].Whole || len(merged[0].Amounts) != 3 {
		t.Errorf("%+v, %v", merged, err)
	}
	if !slices.Equal(one.WholeOf, []string{"b"}) {
		t.Errorf("what was merged has changed: %v", one.WholeOf)
	}
}

func TestBillMonths(t *testing.T) {
	prepaid := machine("p", 4, 8)
	prepaid.ChargeType = cloud.Prepaid
	stays := machine("s", 8, 16)
	entries := replay(settings(), seen("2023-12-10", machine("a", 4, 8), machine("b", 4, 8), prepaid, stays),
		seen("2024-03-10", machine("b", 4, 8), prepaid, stays), seen("2024-04-10", prepaid, stays), seen("2024-05-10", stays))
	cloudName := entries[0].Cloud
	if got, want := BillMonths(entries, cloudName), []string{"2023-11", "2024-02", "2024-04", "2024-05"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// What could not be looked at for months is held against the bill before that.
	unseen := replay(settings(), seen("2024-03-20", seenAt(machine("s", 4, 8), "2023-01-01", "2024-01-10")), seen("2024-03-25"))
	if got, want := BillMonths(unseen, cloudName), []string{"2023-12", "2024-04"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := BillMonths(entries, "elsewhere"); len(got) != 0 {
		t.Errorf("of another cloud: %v", got)
	}
	// What was taken again is held against no bill.
	back := replay(settings(), seen("2023-12-10", machine("a", 4, 8)), seen("2024-03-10"), seen("2024-04-10", machine("a", 4, 8)))
	if got := BillMonths(back, cloudName); len(got) != 0 {
		t.Errorf("of what returned: %v", got)
	}
}

func resizedOn(r cloud.Resource, at string) cloud.Resource {
	r.ResizedAt = day(at)
	return r
}

// Of two currencies a bill proves nothing, though it is in one of them.
func TestCorrectOfTwoCurrencies(t *testing.T) {
	d := func(category string) cloud.Resource { return in(disk("s", "", 100), category) }
	entries := Reconcile(seen("2024-03-01", d("dear")), seen("2024-03-05", d("cheap")), nil, Standard(priced(t, "CNY"), zone))
	entries = append(entries, Reconcile(seen("2024-03-05", d("cheap")), seen("2024-03-10"), entries, Standard(priced(t, "USD"), zone))...)
	bills := []Bill{bill("2024-02", map[string]string{"s": "200"}), bill("2024-04", map[string]string{"x": "1"}, true)}
	if got := Correct(readBack(entries), bills, day("2024-05-01")); len(entries) != 3 || len(got) != 0 {
		t.Errorf("of\n%s\n%s", lines(entries), lines(got))
	}
}
