package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/price"
)

// TestCalendarNotes words what the calendar adds to a verdict.
func TestCalendarNotes(t *testing.T) {
	notes := []analyzer.Reason{
		{Code: analyzer.CodeMonthEndUnseen, Date: "2026-11-30", WaitDays: 1},
		{Code: analyzer.CodeQuarterEndUnseen, Date: "2026-12-31", WaitDays: 39},
		{Code: analyzer.CodeHolidays, Value: f64(6), Limit: f64(22), Unit: cloud.Days},
	}
	flags := []analyzer.Flag{analyzer.NoMonthEnd, analyzer.ShortHistory, analyzer.HolidayWindow}
	for lang, want := range map[Lang][]string{
		ZH: {"历史不足13个月，峰值保护有限", "窗口内没有月末（下一个为2026-11-30，再等1天）", "历史峰值保护未见季末（下一个为2026-12-31，再等39天）", "窗口内周一至周五共22天，节假日占6天，办公较少"},
		EN: {"less than 13 months of history for the peak guard", "no end of a month in the window (the next is 2026-11-30, wait 1 day)",
			"the historical-peak guard has not seen the end of a quarter (the next is 2026-12-31, wait 39 days)",
			"holidays took 6 days of the window, of 22 days from Monday to Friday; offices are quiet then"},
	} {
		p := prose{lang: lang, loc: shanghai, pack: testPack()}
		if diff := cmp.Diff(want, p.notes(flags, notes)); diff != "" {
			t.Errorf("%s: %s", lang, diff)
		}
		if diff := cmp.Diff(p.flags(flags), p.notes(flags, nil)); diff != "" { // an audit from before there were notes
			t.Errorf("%s: %s", lang, diff)
		}
	}
}

func TestSeasonReasons(t *testing.T) {
	for _, x := range []struct {
		r      analyzer.Reason
		zh, en string
	}{
		{
			analyzer.Reason{Code: analyzer.CodeSeasonUnseen, Value: f64(0), Limit: f64(24), Unit: cloud.Days, Detail: "flood-control", Date: "2027-04-15", WaitDays: 167},
			"属季节性业务“防汛”：旺季已观察0天，须24天（旺季始于2027-04-15，自今日起再等167天）",
			"a seasonal service, flood control: 0 days of its season watched, 24 days needed (it begins on 2027-04-15; wait 167 days from today)",
		},
		{
			analyzer.Reason{Code: analyzer.CodeSeasonUnseen, Unit: cloud.Days, Detail: "flood-control"},
			"属季节性业务“防汛”：旺季何时再来未知", "a seasonal service, flood control: when its season comes again is not known",
		},
		{
			analyzer.Reason{Code: analyzer.CodeSeasonUnknown, Detail: "flod"},
			"标签中的季节“flod”不在季节表中", "tagged with the season flod, which the table of seasons lacks",
		},
	} {
		for lang, want := range map[Lang]string{ZH: x.zh, EN: x.en} {
			if got := (prose{lang: lang, loc: shanghai, pack: testPack()}).reason(x.r); got != want {
				t.Errorf("%s: got %s, want %s", lang, got, want)
			}
		}
	}
}

// TestHolidaysMissing: where weekends stand in for holidays the report says so
// at its head, on what it stands and what to do; else nowhere.
func TestHolidaysMissing(t *testing.T) {
	for lang, want := range map[Lang]string{ZH: "法定节假日数据缺失，按周末推算（2027年）", EN: "Statutory holidays are not known, weekends stand in for them (2027)"} {
		for _, missing := range []bool{false, true} {
			r := rich(t)
			at := monday
			if missing {
				at = monday.AddDate(0, 0, 42)
			}
			r.Audit.Calendar = audit.New(at, testPack(), price.Book{Currency: "CNY"}, nil, nil, nil).Calendar
			var out bytes.Buffer
			if err := Write(&out, r, Text, lang); err != nil {
				t.Fatal(err)
			}
			plain := strings.Join(strings.Fields(out.String()), " ")
			if got := strings.Contains(strings.ToLower(strings.ReplaceAll(plain, " ", "")), strings.ToLower(strings.ReplaceAll(want, " ", ""))); got != missing {
				t.Errorf("%s, missing %v: the warning is there: %v", lang, missing, got)
			}
			if got := strings.Contains(plain, "calendar.files"); got != missing {
				t.Errorf("%s, missing %v: the advice is there: %v", lang, missing, got)
			}
		}
	}
}
