package price

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/shopspring/decimal"
)

// Amount is a sum of money: an exact decimal and its currency. The zero value
// is nothing, of no currency, and adds with anything.
type Amount struct {
	value    decimal.Decimal
	currency string
}

var (
	decimalText  = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,8})?$`)
	currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)
)

// parseDecimal reads a plain decimal. Exponents are refused: they hide size,
// and 1e999999999 would take the machine's memory to add.
func parseDecimal(text string) (decimal.Decimal, error) {
	if !decimalText.MatchString(text) {
		return decimal.Decimal{}, fmt.Errorf("found %.40q, want a plain decimal such as 60 or 1.19 (at most 15 digits before the point and 8 after)", text)
	}
	return decimal.NewFromString(text)
}

// NewAmount reads an amount such as "1670328.00". The currency is an ISO 4217
// code such as CNY, or empty where a document names it elsewhere.
func NewAmount(text, currency string) (Amount, error) {
	if currency != "" && !currencyCode.MatchString(currency) {
		return Amount{}, fmt.Errorf("read amount: found currency %.20q, want an ISO 4217 code such as CNY", currency)
	}
	d, err := parseDecimal(text)
	if err != nil {
		return Amount{}, fmt.Errorf("read amount: %w", err)
	}
	return Amount{d, currency}, nil
}

// Zero is nothing, of a currency.
func Zero(currency string) Amount { return Amount{currency: currency} }

// Add returns a + b. Two currencies are refused; an amount without a currency
// takes the other's.
func (a Amount) Add(b Amount) (Amount, error) {
	c, err := a.common(b)
	if err != nil {
		return Amount{}, fmt.Errorf("add amounts: %w", err)
	}
	return Amount{a.value.Add(b.value), c}, nil
}

// Sub returns a − b, under the rule of Add.
func (a Amount) Sub(b Amount) (Amount, error) {
	c, err := a.common(b)
	if err != nil {
		return Amount{}, fmt.Errorf("subtract amounts: %w", err)
	}
	return Amount{a.value.Sub(b.value), c}, nil
}

func (a Amount) common(b Amount) (string, error) {
	switch {
	case a.currency == "":
		return b.currency, nil
	case b.currency == "" || a.currency == b.currency:
		return a.currency, nil
	}
	return "", fmt.Errorf("currencies differ: %s and %s", a.currency, b.currency)
}

// Mul returns a × d, exactly.
func (a Amount) Mul(d decimal.Decimal) Amount { return Amount{a.value.Mul(d), a.currency} }

// Round returns a to two places, half away from zero: the amount as shown.
func (a Amount) Round() Amount { return Amount{a.value.Round(2), a.currency} }

// Cmp compares the numbers: −1, 0 or +1. It orders amounts of one document,
// which has one currency, and does not look at it.
func (a Amount) Cmp(b Amount) int { return a.value.Cmp(b.value) }

// Equal reports whether number and currency are the same.
func (a Amount) Equal(b Amount) bool { return a.currency == b.currency && a.value.Equal(b.value) }

// Sign is −1, 0 or +1.
func (a Amount) Sign() int { return a.value.Sign() }

// Currency is the ISO 4217 code; empty when none was named.
func (a Amount) Currency() string { return a.currency }

// Decimal is the exact number.
func (a Amount) Decimal() decimal.Decimal { return a.value }

// String is the number with two places, half away from zero: "12345.00".
func (a Amount) String() string { return a.value.StringFixed(2) }

// MarshalJSON writes String as a JSON string. The currency is not in it: each
// document names its currency once.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(`"` + a.String() + `"`), nil }

// UnmarshalJSON reads what MarshalJSON wrote; the amount has no currency and
// adds with any.
func (a *Amount) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read amount: found %.40s, want a decimal string such as \"12345.00\"", text)
	}
	v, err := NewAmount(s, "")
	if err != nil {
		return err
	}
	*a = v
	return nil
}
