package audit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/calendar"
	"yunjian/cloud"
)

// TestCalendar: the days of an audit are those of its window; a year counts as
// missing where a day of the window lies in it.
func TestCalendar(t *testing.T) {
	c := calendar.Builtin()
	c.Seasons = calendar.Seasons{}
	y2026 := YearRef{2026, "国办发明电〔2025〕7号", "https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm"}
	cst := time.FixedZone("CST", 8*3600)
	for _, x := range []struct {
		asOf string
		want CalendarRef
	}{
		{"2026-10-23T02:00:00+08:00", CalendarRef{Years: []YearRef{y2026}, WorkingDays: 17, Weekdays: 22, HolidayWeeks: []string{"2026-09-21", "2026-09-28", "2026-10-05"}}},
		{"2027-01-01T02:00:00+08:00", CalendarRef{Years: []YearRef{y2026}, WorkingDays: 22, Weekdays: 22, HolidayWeeks: []string{}}},
		{"2027-01-02T02:00:00+08:00", CalendarRef{Years: []YearRef{y2026}, MissingYears: []int{2027}, Warning: &calendar.MissingText, WorkingDays: 22, Weekdays: 22, HolidayWeeks: []string{}}},
	} {
		at, err := time.Parse(time.RFC3339, x.asOf)
		if err != nil {
			t.Fatal(err)
		}
		got := calendarRef(c, cloud.Last(30*24*time.Hour, at.UTC()), cst)
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s: %s", x.asOf, diff)
		}
	}
}
