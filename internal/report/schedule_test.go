package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

// stopped is advice to stop a machine outside office hours.
func stopped(t *testing.T, id, name, saving, note string) recommender.Recommendation {
	t.Helper()
	s := &analyzer.Schedule{
		TimeZone: "Asia/Shanghai", HoursOff: 96, WorkHours: 50, Weeks: 8, SeenHours: 760, AwakeHours: 2, AwakeWeeks: 1,
		Spans:  []analyzer.OffSpan{{Days: []string{"mon", "tue", "wed", "thu"}, Stop: "20:00", Start: "06:00", Hours: 10}, {Days: []string{"fri"}, Stop: "20:00", Start: "02:00", Hours: 30}, {Days: []string{"sun"}, Stop: "06:00", Start: "08:00", Hours: 26}},
		OffCPU: f64(1.26), WorkCPU: f64(27.5), OffNetwork: f64(13600), OffDisk: f64(41000),
	}
	for h := range s.CPUByHour {
		v := 1 + float64(h%5)/10
		if h < 120 && h%24 >= 8 && h%24 < 18 {
			v = 12 + float64(h%24-8)*6
		}
		s.CPUByHour[h] = f64(v)
	}
	s.CPUByHour[100] = nil // an hour never seen
	r := recommender.Recommendation{
		ID: "stop-" + id, ResourceID: id, Kind: cloud.Instance, Name: name, Department: "示例教育局", Action: recommender.Stop, Rule: recommender.ScheduleRule,
		Currency: "CNY", PriceBook: "contract@1", SavingNote: note, Schedule: s, Ready: true, ConsecutiveRuns: 3, FirstSeen: "2026-11-09",
		Risk: recommender.Risk{HarmProbability: 0.0758, Grade: "C", Exceeded: 3, Compared: 100}, Flags: []analyzer.Flag{},
		Reasons: []analyzer.Reason{
			{Code: recommender.CodeRest, Value: f64(96), Limit: f64(40), Unit: cloud.Hours}, {Code: recommender.CodeRestSeen, Value: f64(8), Limit: f64(3), Unit: cloud.Weeks},
			{Code: recommender.CodeRestAwake, Value: f64(2), Limit: f64(760), Unit: cloud.Hours}, {Code: recommender.CodeWork, Value: f64(50), Limit: f64(20), Unit: cloud.Hours},
			{Code: recommender.CodeRestCPU, Metric: cloud.CPUPercent, Value: f64(1.26), Limit: f64(5), Unit: cloud.Percent}, {Code: recommender.CodeWorkCPU, Metric: cloud.CPUPercent, Value: f64(27.5), Unit: cloud.Percent},
			{Code: recommender.CodeRestNetwork, Metric: policies.NetworkBPS, Value: f64(13600), Limit: f64(24000), Unit: cloud.BitsPerSecond},
			{Code: recommender.CodeRestDisk, Metric: policies.DiskBPS, Value: f64(41000), Limit: f64(1e5), Unit: cloud.BytesPerSec},
		},
	}
	if saving != "" {
		r.AnnualSaving, r.SavingKnown = amount(t, saving), true
	}
	return r
}

// nights is a report that has stops: one that saves, one that may or may not, and one
// that is refused; the first machine is also to be smaller.
func nights(t *testing.T) Weekly {
	t.Helper()
	r := Weekly{Week: empty().Week, GeneratedAt: monday, Location: shanghai, Pack: testPack()}
	smaller := recommender.Recommendation{
		ID: "smaller", ResourceID: "i-night01", Kind: cloud.Instance, Name: "示例-培训系统-应用01", Department: "示例教育局", Action: recommender.Downsize, Rule: "low", Currency: "CNY",
		Current: recommender.Spec{VCPU: 8, MemoryGiB: 32}, Target: &recommender.Spec{VCPU: 4, MemoryGiB: 16}, AnnualSaving: amount(t, "1440.00"), SavingKnown: true,
		Risk: recommender.Risk{Grade: "A"}, Flags: []analyzer.Flag{}, Reasons: []analyzer.Reason{},
	}
	recs := []recommender.Recommendation{smaller, stopped(t, "i-night01", "示例-培训系统-应用01", "820.35", recommender.NoteBillingStops), stopped(t, "i-night02", "示例-测试环境", "", recommender.NoteBillingUnknown)}
	refused := []recommender.Refusal{{ResourceID: "i-night03", Kind: cloud.Instance, Rule: recommender.ScheduleRule, Reasons: []analyzer.Reason{{Code: recommender.CodeDatabase, Detail: "数据库"}}}}
	var fleet []recommender.Candidate
	for _, id := range []string{"i-night01", "i-night02", "i-night03"} {
		res := cloud.Resource{ID: id, Kind: cloud.Instance, Department: "示例教育局", VCPU: 8, MemoryGiB: 32}
		fleet = append(fleet, recommender.Candidate{Input: analyzer.Input{Resource: res}, Finding: analyzer.Finding{ResourceID: id, Kind: cloud.Instance, Verdict: analyzer.Optimized, Flags: []analyzer.Flag{}}})
	}
	r.Audit = audit.New(monday, testPack(), price.Book{ID: "contract", Version: "1", Currency: "CNY"}, fleet, recs, refused)
	before := r.Audit
	r.Previous = &before
	return r
}

func TestStopsGolden(t *testing.T) {
	for f, ext := range map[Format]string{Text: "txt", HTML: "html"} {
		for _, l := range Langs() {
			var got bytes.Buffer
			if err := Write(&got, nights(t), f, l); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(got.String(), "%!") {
				t.Errorf("%s %s: a message was given the wrong arguments", f, l)
			}
			path := filepath.Join("testdata", "nights."+string(l)+"."+ext)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
}

// What is for people to review is never called confirmed, and says why.
func TestToReview(t *testing.T) {
	for _, x := range []struct {
		action recommender.Action
		grade  string
		prior  bool
		status string
		why    string
	}{
		{recommender.Stop, "D", true, "须复核", "已连续3期得出同一建议（自2026-11-09）；只有内置先验可依，连续多期也不转为已确认，须人工复核后再定"},
		{recommender.Stop, "C", true, "须复核", "已连续3期得出同一建议（自2026-11-09）；只有内置先验可依，连续多期也不转为已确认，须人工复核后再定"},
		{recommender.Stop, "D", false, "须复核", "已连续3期得出同一建议（自2026-11-09）；风险为D级，连续多期也不转为已确认，须人工复核后再定"},
		{recommender.Downsize, "D", true, "须复核", "已连续3期得出同一建议（自2026-11-09）；风险为D级，连续多期也不转为已确认，须人工复核后再定"},
		{recommender.Downsize, "C", true, "已确认", "已连续3期得出同一建议（自2026-11-09）；已达策略要求的确认次数，可通知使用单位，经其确认并备份后处置"},
	} {
		r := stopped(t, "i-1", "", "", recommender.NoteBillingUnknown)
		r.Action, r.Risk.Grade, r.Risk.Prior, r.Ready = x.action, x.grade, x.prior, !(recommender.Recommendation{Action: x.action, Risk: recommender.Risk{Grade: x.grade, Prior: x.prior}}).ToReview()
		b := builder{p: prose{lang: ZH, loc: shanghai}, r: Weekly{Pack: testPack()}}
		if got := b.status(r).text; got != x.status {
			t.Errorf("%s of grade %s: %s, want %s", x.action, x.grade, got, x.status)
		}
		if got := b.confirmSentence(r); got != x.why {
			t.Errorf("%s of grade %s: %s, want %s", x.action, x.grade, got, x.why)
		}
	}
}

// Stops count for nothing in the sums of what is released and made smaller.
func TestStopsAreApart(t *testing.T) {
	d, err := build(nights(t), EN)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.facts.saving.String(); got != "1440.00" {
		t.Errorf("the saving of releases and smaller sizes is %s, want 1440.00", got)
	}
	if len(d.appendix.rows) != 1 || len(d.facts.changes.again) != 1 || len(d.facts.changes.gone) != 0 || d.facts.unpriced != 0 {
		t.Errorf("%d rows in the appendix, %d continued, %d gone, %d unpriced; want 1, 1, 0, 0", len(d.appendix.rows), len(d.facts.changes.again), len(d.facts.changes.gone), d.facts.unpriced)
	}
	if len(d.audit.Recommendations) != 3 || len(d.weekly.Audit.Recommendations) != 1 {
		t.Errorf("%d recommendations in the whole audit, %d without stops", len(d.audit.Recommendations), len(d.weekly.Audit.Recommendations))
	}
	total := d.audit.Totals
	if total.Release.Resources != 0 || total.Downsize.Resources != 1 || total.Downsize.AnnualSaving != "1440.00" {
		t.Errorf("totals %+v", total)
	}
	if want := (audit.StopTotal{Resources: 2, HoursAWeek: 192, AnnualSaving: "820.35", Unpriced: 1}); total.Stop != want {
		t.Errorf("stops %+v, want %+v", total.Stop, want)
	}
	if got := Charted(d.audit); fmt.Sprint(got) != "[i-night01]" {
		t.Errorf("charted %v: a stop is drawn by its week", got)
	}
}

func TestScheduleTexts(t *testing.T) {
	for m := msgEnd + 1; m <= msgWeeks; m++ {
		zh, en := scheduleTexts[m][0], scheduleTexts[m][1]
		if zh == "" || en == "" || len(verb.FindAllString(zh, -1)) != len(verb.FindAllString(en, -1)) || len(placeholder.FindAllString(zh, -1)) != len(placeholder.FindAllString(en, -1)) {
			t.Errorf("message %d: zh %q, en %q", m, zh, en)
		}
	}
	for _, c := range recommender.ScheduleCodes() {
		if _, ok := reasonNames[c]; !ok {
			t.Errorf("reason %s has no words", c)
		}
	}
}

func TestSpansInWords(t *testing.T) {
	zh, en := prose{lang: ZH}, prose{lang: EN}
	for _, c := range []struct {
		days, stop, start string
		hours             int
		zh, en            string
	}{
		{"mon tue wed thu", "20:00", "06:00", 10, "周一至周四 20:00停、次日06:00启", "Mon-Thu stop 20:00, start 06:00 next day"},
		{"mon tue thu", "00:00", "06:00", 6, "周一、周二、周四 00:00停、06:00启", "Mon, Tue, Thu stop 00:00, start 06:00"},
		{"fri", "20:00", "06:00", 58, "周五 20:00停、周一 06:00启", "Fri stop 20:00, start Mon 06:00"},
		{"sat", "00:00", "00:00", 24, "周六 00:00停、次日00:00启", "Sat stop 00:00, start 00:00 next day"},
	} {
		s := &analyzer.Schedule{Spans: []analyzer.OffSpan{{Days: strings.Fields(c.days), Stop: c.stop, Start: c.start, Hours: c.hours}}}
		if got := zh.spans(s); got != c.zh {
			t.Errorf("zh %q, want %q", got, c.zh)
		}
		if got := en.spans(s); got != c.en {
			t.Errorf("en %q, want %q", got, c.en)
		}
	}
}

// What colour says, text says, too.
func TestHourCell(t *testing.T) {
	for _, c := range []struct {
		cpu  *float64
		off  bool
		want weekHour
	}{
		{nil, false, weekHour{"–", 0, false}}, {f64(0.4), true, weekHour{"(0)", 0, true}}, {f64(4.99), false, weekHour{"5", 0, false}},
		{f64(5), false, weekHour{"5", 1, false}}, {f64(100), false, weekHour{"100", 5, false}},
	} {
		if got := hourCell(c.cpu, c.off); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

func TestStopsSheet(t *testing.T) {
	f, _ := open(t, nights(t), ZH)
	rows, err := f.GetRows("定时停机建议")
	if err != nil || len(rows) != headRow+2 {
		t.Fatalf("%d rows, %v; want 2 below the header", len(rows), err)
	}
	first := rows[headRow]
	for _, want := range []string{"示例-培训系统-应用01 (i-night01)", "示例教育局", "周一至周四 20:00停、次日06:00启；周五 20:00停、周日 02:00启；周日 06:00停、次日08:00启", "96", "820.35", "C"} {
		if !slices.Contains(first, want) {
			t.Errorf("%q is not in %q", want, first)
		}
	}
	if !slices.Contains(rows[headRow+1], "未知") {
		t.Errorf("an unknown saving reads %q", rows[headRow+1])
	}
	if g, _ := open(t, rich(t), ZH); slices.Contains(g.GetSheetList(), "定时停机建议") {
		t.Error("a sheet of stops in a report that has none")
	}
}
