package price

import (
	"strings"
	"testing"

	"yunjian/cloud"
)

func TestWhileStopped(t *testing.T) {
	machine := cloud.Resource{Kind: cloud.Instance, InstanceType: "ecs.g7.xlarge", VCPU: 4, MemoryGiB: 16, StorageGiB: 100}
	const cores, memory, storage = "  - {id: vcpu, what: vcpu, price: 60, per: month}\n", "  - {id: memory, what: memory, price: 23, per: month}\n", "  - {id: storage, what: storage, price: 1, per: month}\n"
	stops := "stopped_billing: stops\nitems:\n"
	for name, c := range map[string]struct {
		book  string
		hours int
		want  string // empty: not known
	}{
		"the book does not say": {"items:\n" + cores + memory + storage, 84, ""},
		// (4 × 60 + 16 × 23) × 12 = 7296 a year, half of it; storage goes on.
		"half the week":                 {stops + cores + memory + storage, 84, "3648.00"},
		"an hour a week":                {stops + cores + memory + storage, 1, "43.43"}, // 7296 / 168 = 43.428…
		"no hour":                       {stops + cores + memory + storage, 0, "0.00"},
		"storage without a price":       {stops + cores + memory, 84, "3648.00"},
		"memory without a price":        {stops + cores + storage, 84, ""},
		"billed all the same":           {"stopped_billing: continues\nitems:\n" + cores + memory, 84, "0.00"},
		"the item overrules the book":   {stops + cores + strings.Replace(memory, "per:", "stopped_billing: continues, per:", 1), 84, "1440.00"},
		"one item does not say":         {"items:\n" + strings.Replace(cores, "per:", "stopped_billing: stops, per:", 1) + memory, 84, ""},
		"a price for the type":          {stops + "  - {id: type, what: instance, instance_type: ecs.g7.xlarge, price: 1, per: hour}\n", 84, "4380.00"},
		"nothing is priced":             {stops + storage, 84, ""},
		"a price per hour of 168 parts": {stops + "  - {id: type, what: instance, instance_type: ecs.g7.xlarge, price: 0.1, per: hour}\n", 101, "526.64"}, // 876 × 101 / 168 = 526.642…
	} {
		got, known := parse(t, head+c.book).Quote(machine, monday).WhileStopped(c.hours)
		if known != (c.want != "") || known && got.Round().String() != c.want {
			t.Errorf("%s: %s, known %v; want %q", name, got, known, c.want)
		}
		if got.Currency() != "CNY" {
			t.Errorf("%s: currency %q", name, got.Currency())
		}
	}
}

func TestStoppedBillingMistakes(t *testing.T) {
	_, err := Parse("p.yaml", []byte(head+"stopped_billing: maybe\nitems:\n  - {id: s, what: storage, price: 1, per: month, stopped_billing: stops}\n"))
	want := `p.yaml:8:18: stopped_billing: found "maybe", want one of stops, continues` + "\n" +
		`p.yaml:10:67: items[0].stopped_billing: does not apply to what: storage, only to vcpu, memory, instance`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
