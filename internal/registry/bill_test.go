package registry

import (
	"fmt"
	"strings"
	"testing"

	"yunjian/internal/sheet"
)

func TestReadBills(t *testing.T) {
	bills, notes, err := ReadBills(sheet.Disk, file(t, "b.csv", "账期,资源ID,应付金额,币种,项目\n2024年03月,i-1,\"1,000.50\",CNY,云主机\n2024/03,i-1,-0.50,CNY,退款\n2024-02,i-2,3,USD,\n"), "CNY")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, b := range bills {
		got += fmt.Sprintf("%s %s %d %s %s; ", b.Month, b.Currency, len(b.Amounts), b.Amounts["i-1"], b.Source)
	}
	if want := "2024-02 USD 1 0.00 b.csv; 2024-03 CNY 1 1000.00 b.csv; "; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "项目") {
		t.Error(notes)
	}
}

func TestReadBillsSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a month":             {"month,resource_id,amount\n2024-13,i-1,1\n", `t.csv:2: month: found "2024-13"; want a month such as 2024-03`},
		"an amount":           {"month,resource_id,amount\n2024-12,i-1,1.2.3\n", `t.csv:2: amount: found "1.2.3"; want an amount such as 1234.56`},
		"a currency":          {"month,resource_id,amount,currency\n2024-12,i-1,1,yuan\n", `t.csv:2: currency: found "yuan"; want a currency such as CNY`},
		"a currency in words": {"month,resource_id,amount,currency\n2024-12,i-1,1,元\n", `t.csv:2: currency: found "元"; want a currency such as CNY`},
		"two of them":         {"month,resource_id,amount,currency\n2024-12,i-1,1,CNY\n2024-12,i-2,1,USD\n", `t.csv:3: found "USD"; want CNY, the currency of the bill of 2024-12`},
		"no resource":         {"month,amount\n2024-12,1\n", `t.csv:1: found "month,amount"; want a column 资源id or 实例id or resource_id`},
		"nobody's":            {"month,resource_id,amount\n2024-12,,1\n", `t.csv:2: 资源id: found nothing; want a name`},
	} {
		if bills, _, err := ReadBills(sheet.Disk, file(t, "t.csv", c.text), "CNY"); err == nil || err.Error() != c.want || bills != nil {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

func FuzzReadBills(f *testing.F) {
	f.Add([]byte("month,resource_id,amount\n2024-12,i-1,1\n"))
	f.Add([]byte("账期,资源ID,金额,币种\n2024年12月,i-1,\"1,0\",CNY\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		bills, _, err := ReadBills(sheet.Disk, file(t, "t.csv", string(text)), "CNY")
		if err != nil && bills != nil {
			t.Errorf("%v, and %+v", err, bills)
		}
		for _, b := range bills {
			if !months.MatchString(b.Month) || b.Currency == "" {
				t.Errorf("%+v", b)
			}
		}
	})
}
