package policies

import (
	"testing"
	"time"

	"yunjian/cloud"
)

const exemptionFile = `
exemptions:
  - {resource: i-1, reason: standby, owner: 示例人, evidence: 示例批复 1 号, from: 2026-01-01, expires: 2026-06-30}
  - {application: 示例应用, department: 示例局, reason: seasonal, owner: 示例人, evidence: 示例批复 2 号, from: 2026-01-01, expires: 2026-03-31}
`

func TestExemptionOf180DaysIsAccepted(t *testing.T) {
	list, err := ParseExemptions("e.yaml", []byte(exemptionFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Expires.Sub(list[0].From) != MaxExemption {
		t.Fatalf("%+v", list)
	}
	if problems := Check("e.yaml", []byte(exemptionFile)); len(problems) != 0 {
		t.Errorf("Check = %v", problems)
	}
}

func TestExemptionCovers(t *testing.T) {
	list, err := ParseExemptions("e.yaml", []byte(exemptionFile))
	if err != nil {
		t.Fatal(err)
	}
	shanghai := time.FixedZone("CST", 8*3600)
	at := func(text string) time.Time {
		v, err := time.ParseInLocation(time.DateTime, text, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	named := cloud.Resource{ID: "i-1"}
	both := cloud.Resource{ID: "i-2", Application: "示例应用", Department: "示例局"}
	for _, c := range []struct {
		name string
		r    cloud.Resource
		at   string
		want bool
	}{
		{"first second of the first day", named, "2026-01-01 00:00:00", true},
		{"a second before it begins", named, "2025-12-31 23:59:59", false},
		{"last second of the last day", named, "2026-06-30 23:59:59", true},
		{"the day after", named, "2026-07-01 00:00:00", false},
		{"another resource", cloud.Resource{ID: "i-3"}, "2026-02-01 00:00:00", false},
		{"application and department", both, "2026-02-01 00:00:00", true},
		{"the application in another department", cloud.Resource{ID: "i-2", Application: "示例应用", Department: "别局"}, "2026-02-01 00:00:00", false},
		{"an empty owner matches no scope", cloud.Resource{ID: "i-4"}, "2026-02-01 00:00:00", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, got := (Pack{Exemptions: list}).Exempted(c.r, at(c.at)); got != c.want {
				t.Errorf("exempted = %v, want %v", got, c.want)
			}
		})
	}
	if (Exemption{From: at("2026-01-01 00:00:00"), Expires: at("2026-06-30 00:00:00")}).Covers(named, at("2026-02-01 00:00:00")) {
		t.Error("an exemption without scope covers everything")
	}
}
