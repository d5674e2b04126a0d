package collector

import (
	"testing"
	"time"
)

func TestBillEdges(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name, month, now string
		settled, kept    bool
	}{
		{"a second before it has settled", "2024-03", "2024-04-03T23:59:59+08:00", false, true},
		{"it has settled", "2024-03", "2024-04-04T00:00:00+08:00", true, true},
		{"the same instant in UTC", "2024-03", "2024-04-03T16:00:00Z", true, true},
		{"over for a moment", "2024-02", "2024-03-01T00:00:00+08:00", false, true},
		{"the seventeenth month before the present one", "2024-03", "2025-08-31T23:59:59+08:00", true, true},
		{"the eighteenth", "2024-03", "2025-09-01T00:00:00+08:00", true, false},
		{"no month", "2024-13", "2024-04-04T00:00:00+08:00", false, false},
		{"a day", "2024-03-01", "2024-05-04T00:00:00+08:00", false, false},
	} {
		if settled, kept := BillSettled(c.month, at(c.now)), BillKept(c.month, at(c.now)); settled != c.settled || kept != c.kept {
			t.Errorf("%s: settled %v, kept %v; want %v, %v", c.name, settled, kept, c.settled, c.kept)
		}
	}
	if end, ok := BillEnd("2024-12"); !ok || !end.Equal(at("2025-01-01T00:00:00+08:00")) {
		t.Errorf("December ends at %v", end)
	}
}
