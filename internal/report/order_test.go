package report

import (
	"strings"
	"testing"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/price"
	"yunjian/recommender"
)

// Of stops that save the same, the most hours come first: only the first weeks are drawn.
func TestStopsByHours(t *testing.T) {
	stop := func(id string, saving string, hours int) recommender.Recommendation {
		amount, err := price.NewAmount(saving, "CNY")
		if err != nil {
			t.Fatal(err)
		}
		return recommender.Recommendation{ResourceID: id, Action: recommender.Stop, AnnualSaving: amount, Schedule: &analyzer.Schedule{HoursOff: hours}}
	}
	_, stops, _ := apart(audit.Audit{Recommendations: []recommender.Recommendation{stop("saves", "5", 40), stop("few", "0", 50), stop("many", "0", 90)}})
	var got []string
	for _, x := range stops {
		got = append(got, x.ResourceID)
	}
	if strings.Join(got, " ") != "saves many few" {
		t.Error(got)
	}
}

// Machines refused for the same reason are counted together, whatever their numbers.
func TestReasonsInGeneral(t *testing.T) {
	value, limit := 0.458, 0.25
	own := []analyzer.Reason{{Code: recommender.CodeTooRisky, Value: &value, Limit: &limit, Unit: cloud.Ratio}}
	p := prose{lang: ZH}
	if got := p.reasons(inGeneral(own)); got != "风险过高，超过单台允许的上限25%" {
		t.Error(got)
	}
	if got := p.reasons(own); got != "风险过高：其中最稳妥的处置，危害概率上限也有45.8%，超过单台允许的上限25%" {
		t.Error(got)
	}
	if got := p.reasons(inGeneral([]analyzer.Reason{{Code: recommender.CodeHAGroup, Detail: "ds-1"}})); strings.Contains(got, "ds-1") {
		t.Error(got)
	}
}

// A peak that only kept another rule away does not make a machine tighter.
func TestExcessLeavesOutThePeakGuard(t *testing.T) {
	of := func(v float64) *float64 { return &v }
	x := analyzer.Finding{Reasons: []analyzer.Reason{{Code: "disk_percent_p95_above", Value: of(92), Limit: of(85)}, {Code: analyzer.CodePeakGuard, Value: of(98.5), Limit: of(50)}}}
	if got := excess(x); got > 1.1 || got < 1.08 {
		t.Error(got)
	}
}
