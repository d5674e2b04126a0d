package price

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func amount(t testing.TB, text, currency string) Amount {
	t.Helper()
	a, err := NewAmount(text, currency)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAmountShowsTwoPlacesHalfAwayFromZero(t *testing.T) {
	for text, want := range map[string]string{
		"0":          "0.00",
		"1670328":    "1670328.00",
		"0.004":      "0.00",
		"0.005":      "0.01",
		"0.015":      "0.02", // banker's rounding would say the same
		"0.025":      "0.03", // and here 0.02
		"-0.005":     "-0.01",
		"-0.004":     "0.00", // no negative nothing
		"2.675":      "2.68", // binary floating point says 2.67
		"0.01499999": "0.01",
	} {
		a := amount(t, text, "CNY")
		if got := a.String(); got != want {
			t.Errorf("String of %s = %s, want %s", text, got, want)
		}
		if got := a.Round().Decimal(); !got.Equal(decimal.RequireFromString(want)) {
			t.Errorf("Round of %s = %s, want %s", text, got, want)
		}
		got, err := json.Marshal(a)
		if err != nil || string(got) != `"`+want+`"` {
			t.Errorf("JSON of %s = %s (%v), want %q", text, got, err, want)
		}
	}
}

func TestAmountJSON(t *testing.T) {
	var doc struct{ A, B Amount }
	if err := json.Unmarshal([]byte(`{"A":"12345.00","B":"-0.10"}`), &doc); err != nil {
		t.Fatal(err)
	}
	if !doc.A.Equal(amount(t, "12345", "")) || !doc.B.Equal(amount(t, "-0.1", "")) {
		t.Errorf("read %v and %v", doc.A, doc.B)
	}
	for text, want := range map[string]string{
		`12.5`:    `read amount: found 12.5, want a decimal string such as "12345.00"`,
		`"1e9"`:   `read amount: found "1e9", want a plain decimal such as 60 or 1.19 (at most 15 digits before the point and 8 after)`,
		`"12,50"`: `read amount: found "12,50", want a plain decimal such as 60 or 1.19 (at most 15 digits before the point and 8 after)`,
	} {
		var a Amount
		if err := json.Unmarshal([]byte(text), &a); err == nil || err.Error() != want {
			t.Errorf("read %s: %v, want %s", text, err, want)
		}
	}
}

func TestAmountCurrency(t *testing.T) {
	yuan, dollar := amount(t, "1", "CNY"), amount(t, "1", "USD")
	if _, err := yuan.Add(dollar); err == nil || err.Error() != "add amounts: currencies differ: CNY and USD" {
		t.Errorf("add yuan and dollars: %v", err)
	}
	if _, err := yuan.Sub(dollar); err == nil || err.Error() != "subtract amounts: currencies differ: CNY and USD" {
		t.Errorf("subtract dollars from yuan: %v", err)
	}
	for _, pair := range [][2]Amount{{{}, yuan}, {yuan, {}}} {
		sum, err := pair[0].Add(pair[1])
		if err != nil || !sum.Equal(yuan) {
			t.Errorf("the zero value is not neutral: %v %s, %v", sum, sum.Currency(), err)
		}
	}
	if yuan.Equal(dollar) {
		t.Error("one yuan equals one dollar")
	}
	for _, bad := range []string{"cny", "RMB ", "¥", "CNYY"} {
		if _, err := NewAmount("1", bad); err == nil {
			t.Errorf("currency %q accepted", bad)
		}
	}
	if c := Zero("CNY").Currency(); c != "CNY" {
		t.Errorf("Zero of CNY has currency %q", c)
	}
}

// Amounts form a group under Add and Sub, whatever the number of places.
func TestAmountArithmeticIsExact(t *testing.T) {
	number := rapid.StringMatching(`-?[0-9]{1,15}(\.[0-9]{1,8})?`)
	rapid.Check(t, func(t *rapid.T) {
		read := func(label string) Amount {
			a, err := NewAmount(number.Draw(t, label), "CNY")
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		must := func(a Amount, err error) Amount {
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		a, b, c := read("a"), read("b"), read("c")
		if !must(a.Add(b)).Equal(must(b.Add(a))) {
			t.Error("addition depends on order")
		}
		if !must(must(a.Add(b)).Add(c)).Equal(must(a.Add(must(b.Add(c))))) {
			t.Error("addition depends on grouping")
		}
		if !must(must(a.Add(b)).Sub(b)).Equal(a) {
			t.Error("a + b − b is not a")
		}
		if must(a.Sub(b)).Sign() != a.Cmp(b) {
			t.Error("the sign of a − b is not how a compares with b")
		}
		d := decimal.NewFromInt(3)
		if !must(must(a.Add(a)).Add(a)).Equal(a.Mul(d)) {
			t.Error("a + a + a is not 3 a")
		}
	})
}
