package aliyun

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// sampleBill is the answer that the documentation gives as its example, with other
// values in some places.
func sampleBill(t testing.TB, changes ...string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/DescribeInstanceBill.json")
	if err != nil {
		t.Fatal(err)
	}
	var sample struct{ Response json.RawMessage }
	if err := json.Unmarshal(text, &sample); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer(changes...).Replace(string(sample.Response)))
}

func TestBillPageOfTheDocumentation(t *testing.T) {
	p, err := readBillPage(sampleBill(t), "2020-03")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.lines) != 1 || p.next != "CAESEgoQCg4KCm" || p.total != 20 {
		t.Fatalf("page %+v", p)
	}
	if l := p.lines[0]; l.resource != "i-dadada" || l.payable.Decimal().String() != "0.1" || l.payable.Currency() != "CNY" {
		t.Errorf("line %+v", l)
	}
}

func TestBillPageIsReadOrRefusedWhole(t *testing.T) {
	const amount = `"PretaxAmount": 0.1`
	for _, c := range []struct{ name, from, to, want string }{ // want: the amount, or ! and the mistake
		{"an amount as text", amount, `"PretaxAmount": "12.50"`, "12.5"},
		{"fifteen digits and eight", amount, `"PretaxAmount": 123456789012345.12345678`, "123456789012345.12345678"},
		{"more digits than money has", amount, `"PretaxAmount": 0.30000000000000004`, "0.3"},
		{"an exponent, as Java writes it", amount, `"PretaxAmount": 1.0E-4`, "0.0001"},
		{"a refund", amount, `"PretaxAmount": -3.2`, "-3.2"},
		{"an exponent that hides size", amount, `"PretaxAmount": 1e999`, `!PretaxAmount is "1e999", want an amount`},
		{"an amount too large", amount, `"PretaxAmount": 1e30`, "!at most 15 digits"},
		{"no amount", amount, `"PretaxAmount": null`, `!read line 1 of the bill, of "i-dadada": PretaxAmount is "", want an amount`},
		{"no currency", `"Currency": "CNY"`, `"Currency": ""`, "!it names no Currency"},
		{"a currency that is none", `"Currency": "CNY"`, `"Currency": "yuan"`, "!want an ISO 4217 code"},
		{"another month", `"BillingCycle": "2020-03"`, `"BillingCycle": "2020-02"`, `!it is the bill of "2020-02", not of 2020-03`},
		{"another code", `"Code": "Success"`, `"Code": "200"`, `!Code is "200", want Success`},
		{"no data", `"Data": {`, `"Date": {`, "!no Data in it"},
		{"lines that are no list", `"Items": [`, `"Items": 7, "Rest": [`, "!Items is no list"},
		{"a line that is no object", `"Items": [`, `"Items": [7, `, "!read line 1 of the bill: not an object"},
		{"a line of null", `"Items": [`, `"Items": [null, `, "!read line 1 of the bill: not an object"},
		{"the older form, with an inner name", `"Items": [`, `"Items": {"Item": [{"InstanceID": "i-dadada", "PretaxAmount": 7, "Currency": "CNY"}]}, "Rest": [`, "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := readBillPage(sampleBill(t, c.from, c.to), "2020-03")
			if mistake, bad := strings.CutPrefix(c.want, "!"); bad {
				if err == nil || !strings.Contains(err.Error(), mistake) || len(p.lines) > 0 {
					t.Errorf("%v and %d lines, want %s", err, len(p.lines), mistake)
				}
				return
			}
			if err != nil || len(p.lines) != 1 || p.lines[0].payable.Decimal().String() != c.want {
				t.Errorf("%+v, %v; want %s", p, err, c.want)
			}
		})
	}
	if p, err := readBillPage(sampleBill(t, `"i-dadada"`, `""`, amount, `"PretaxAmount": "?"`), "2020-03"); err != nil || p.lines[0].resource != "" {
		t.Errorf("a line of no resource: %+v, %v", p, err)
	}
	if p, err := readBillPage([]byte(`{"Code":"Success","Data":{"Items":null,"NextToken":"null"}}`), "2020-03"); err != nil || len(p.lines) > 0 || p.next != "" {
		t.Errorf("no lines: %+v, %v", p, err)
	}
}

// FuzzBill: whatever the answer, it is read whole or refused whole, and every line of a
// resource that was read has an amount in a currency.
func FuzzBill(f *testing.F) {
	f.Add(sampleBill(f))
	f.Add([]byte(`{"Code":"Success","Data":{"BillingCycle":"2020-03","Items":{"Item":[{"InstanceID":"i-1","PretaxAmount":"-1.5","Currency":"CNY"}]},"TotalCount":1e99}}`))
	f.Add([]byte(`{"Code":"success","Data":{"Items":[{"InstanceID":" ","PretaxAmount":1E-9,"Currency":"USD"},{}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readBillPage(body, "2020-03")
		if err != nil {
			if len(p.lines) > 0 || p.next != "" {
				t.Fatalf("refused, and yet read: %+v", p)
			}
			return
		}
		if p.total < 0 {
			t.Fatalf("%d lines in all", p.total)
		}
		for _, l := range p.lines {
			if l.resource != "" && (len(l.payable.Currency()) != 3 || l.payable.Decimal().Exponent() < -8) {
				t.Fatalf("line %+v", l)
			}
		}
	})
}
