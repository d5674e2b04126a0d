package analyzer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// full is an hour of twelve samples of one value.
func full(v float64) utilization.Hour { return utilization.Hour{Samples: 12, Mean: v, Max: v} }

// office is a week of a machine that works from Monday to Friday, from 8:00 to
// 18:00, and rests at the given values otherwise.
func office(rest map[cloud.Metric]float64) WeekHours {
	w := WeekHours{}
	work := map[cloud.Metric]float64{cloud.CPUPercent: 30, cloud.NetworkInBPS: 1e6, cloud.NetworkOutBPS: 2e6, cloud.DiskReadBPS: 5e5, cloud.DiskWriteBPS: 5e5}
	for _, m := range SleepMetrics() {
		var hours [hoursOfWeek]utilization.Hour
		for h := range hours {
			v := rest[m]
			if h < 5*24 && h%24 >= 8 && h%24 < 18 {
				v = work[m]
			}
			hours[h] = full(v)
		}
		w[m] = hours
	}
	return w
}

// with changes one hour of a metric.
func (w WeekHours) with(m cloud.Metric, hour int, h utilization.Hour) WeekHours {
	hours := w[m]
	hours[hour] = h
	w[m] = hours
	return w
}

func said(n Nights) string {
	if n.Schedule == nil {
		return "none"
	}
	var parts []string
	for _, s := range n.Schedule.Spans {
		parts = append(parts, fmt.Sprintf("%s %s-%s", strings.Join(s.Days, ","), s.Stop, s.Start))
	}
	return fmt.Sprintf("%s: %d h", strings.Join(parts, "; "), n.Schedule.HoursOff)
}

// The boundaries of a schedule. Hour 50 is Wednesday 2:00.
func TestSchedule(t *testing.T) {
	const usual = "mon,tue,wed,thu 19:00-07:00; fri 19:00-07:00: 108 h"
	quiet := map[cloud.Metric]float64{cloud.CPUPercent: 1}
	weeks := func(n int) []WeekHours {
		var out []WeekHours
		for range n {
			out = append(out, office(quiet))
		}
		return out
	}
	resting := func(m cloud.Metric, v float64) []WeekHours {
		var out []WeekHours
		for range 4 {
			out = append(out, office(map[cloud.Metric]float64{cloud.CPUPercent: 1, m: v}))
		}
		return out
	}
	once := func(n int, m cloud.Metric, h utilization.Hour) []WeekHours {
		out := weeks(n)
		out[n-1].with(m, 50, h)
		return out
	}
	without := func(metrics ...cloud.Metric) []WeekHours {
		out := weeks(4)
		for _, w := range out {
			for _, m := range metrics {
				delete(w, m)
			}
		}
		return out
	}
	const split = "mon,wed,thu 19:00-07:00; tue 19:00-01:00; fri 19:00-07:00: 102 h"
	for name, c := range map[string]struct {
		weeks []WeekHours
		set   func(*policies.Pack)
		want  string
	}{
		"as in an office":                            {weeks: weeks(4), want: usual},
		"weeks at the minimum":                       {weeks: weeks(3), want: usual},
		"a week short":                               {weeks: weeks(2), want: "none"},
		"nothing known":                              {weeks: nil, want: "none"},
		"CPU just below the limit":                   {weeks: resting(cloud.CPUPercent, 4.99), want: usual},
		"CPU at the limit is not asleep":             {weeks: resting(cloud.CPUPercent, 5), want: "none"},
		"network at the limit":                       {weeks: resting(cloud.NetworkInBPS, 24000), want: usual},
		"network above the limit":                    {weeks: resting(cloud.NetworkOutBPS, 24001), want: "none"},
		"disk at the limit":                          {weeks: resting(cloud.DiskReadBPS, 100000), want: usual},
		"disk above the limit":                       {weeks: resting(cloud.DiskWriteBPS, 100001), want: "none"},
		"one sample at the highest":                  {weeks: once(4, cloud.CPUPercent, utilization.Hour{Samples: 12, Mean: 3, Max: 20}), want: split},
		"one sample below the highest":               {weeks: once(4, cloud.CPUPercent, utilization.Hour{Samples: 12, Mean: 3, Max: 19.99}), want: usual},
		"awake in one week of six":                   {weeks: once(6, cloud.CPUPercent, full(5)), want: split},
		"awake in one week of seven":                 {weeks: once(7, cloud.CPUPercent, full(5)), want: usual},
		"an hour not seen in one week of four":       {weeks: once(4, cloud.CPUPercent, utilization.Hour{}), want: usual},
		"an hour not seen in one week of three":      {weeks: once(3, cloud.CPUPercent, utilization.Hour{}), want: split},
		"nine samples of twelve are too few":         {weeks: once(3, cloud.CPUPercent, utilization.Hour{Samples: 9, Mean: 1, Max: 1}), want: split},
		"ten are enough":                             {weeks: once(3, cloud.CPUPercent, utilization.Hour{Samples: 10, Mean: 1, Max: 1}), want: usual},
		"an hour without network is not known":       {weeks: once(3, cloud.NetworkInBPS, utilization.Hour{}), want: split},
		"disk never measured is passed over":         {weeks: without(cloud.DiskReadBPS, cloud.DiskWriteBPS), want: usual},
		"network never measured: found, but said so": {weeks: without(cloud.NetworkInBPS), want: usual + ", network unknown"},
		"CPU never measured":                         {weeks: without(cloud.CPUPercent), want: "none"},
		"rest at the minimum":                        {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.MinHours = 108 }, want: usual},
		"rest an hour short":                         {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.MinHours = 109 }, want: "none"},
		"nights at the shortest":                     {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.MinSpan = 12 }, want: usual},
		"nights too short, the weekend remains":      {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.MinSpan = 13 }, want: "fri 19:00-07:00: 60 h"},
		"work at the minimum":                        {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.WorkHours = 50 }, want: usual},
		"work an hour short: idle, not asleep":       {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.WorkHours = 51 }, want: "none"},
		"no margin":                                  {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.Margin = 0 }, want: "mon,tue,wed,thu 18:00-08:00; fri 18:00-08:00: 118 h"},
		"two hours of margin":                        {weeks: weeks(4), set: func(p *policies.Pack) { p.Schedule.Margin = 2 }, want: "mon,tue,wed,thu 20:00-06:00; fri 20:00-06:00: 98 h"},
	} {
		pack, _ := policies.ByID(policies.DefaultID)
		if c.set != nil {
			c.set(&pack)
		}
		n := NightsOf(pack, c.weeks, 0, "Asia/Shanghai")
		got := said(n)
		if n.Schedule != nil && n.NetworkUnknown {
			got += ", network unknown"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Work in as many hours as are neither work nor rest is regular; in fewer it is not.
func TestIrregularWork(t *testing.T) {
	for irregular, want := range map[int]bool{50: true, 51: false} {
		var weeks []WeekHours
		for k := range 4 {
			w := office(map[cloud.Metric]float64{cloud.CPUPercent: 1})
			for i := range irregular { // from Saturday midnight on, and then at night: in two weeks of four
				h := (120 + i) % hoursOfWeek
				if k%2 == 0 {
					if i >= 48 {
						h = i - 48
					}
					w.with(cloud.CPUPercent, h, full(30))
				}
			}
			weeks = append(weeks, w)
		}
		pack, _ := policies.ByID(policies.DefaultID)
		if got := NightsOf(pack, weeks, 0, "").Schedule != nil; got != want {
			t.Errorf("%d irregular hours beside 50 at work: found %v, want %v", irregular, got, want)
		}
	}
}

func TestEvened(t *testing.T) {
	for name, c := range map[string]struct{ in, want []stretch }{
		"none":                         {nil, nil},
		"alike":                        {[]stretch{{19, 12}, {43, 12}}, []stretch{{19, 12}, {43, 12}}},
		"to the hours shared":          {[]stretch{{19, 12}, {45, 12}, {68, 9}}, []stretch{{21, 8}, {45, 8}, {69, 8}}},
		"shared too little":            {[]stretch{{19, 6}, {46, 6}}, []stretch{{19, 6}, {46, 6}}},
		"two runs shared":              {[]stretch{{0, 22}, {36, 22}}, []stretch{{0, 22}, {36, 22}}},
		"a weekend trimmed":            {[]stretch{{20, 10}, {114, 60}}, []stretch{{20, 10}, {116, 58}}},
		"a weekend trimmed at its end": {[]stretch{{20, 10}, {116, 61}}, []stretch{{20, 10}, {116, 58}}},
		"but not by four hours":        {[]stretch{{20, 10}, {112, 66}}, []stretch{{20, 10}, {112, 66}}},
		"one night much shorter":       {[]stretch{{20, 12}, {45, 11}, {68, 7}}, []stretch{{21, 11}, {45, 11}, {68, 7}}},
		"a weekend that ends at noon":  {[]stretch{{20, 10}, {116, 40}}, []stretch{{20, 10}, {116, 40}}},
		"over Sunday midnight":         {[]stretch{{20, 10}, {164, 13}}, []stretch{{20, 10}, {164, 10}}},
	} {
		if d := cmp.Diff(c.want, evened(slices.Clone(c.in), 6), cmp.AllowUnexported(stretch{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// Whatever the weeks, a schedule takes no hour but those of rest, keeps its margin,
// and is what its spans say.
func TestScheduleKeepsToRest(t *testing.T) {
	pack, _ := policies.ByID(policies.DefaultID)
	pack.Schedule.WorkHours, pack.Schedule.MinHours = 1, 1
	rapid.Check(t, func(t *rapid.T) {
		pack.Schedule.Margin = rapid.IntRange(0, 2).Draw(t, "margin")
		pack.Schedule.MinSpan = rapid.IntRange(1, 30).Draw(t, "shortest")
		busy := rapid.SliceOfN(rapid.Bool(), hoursOfWeek, hoursOfWeek).Draw(t, "busy")
		if rapid.Bool().Draw(t, "in blocks") {
			for h := range busy {
				busy[h] = busy[h-h%rapid.IntRange(1, 40).Draw(t, "block")]
			}
		}
		var hours [hoursOfWeek]utilization.Hour
		for h := range hours {
			hours[h] = full(1)
			if busy[h] {
				hours[h] = full(50)
			}
		}
		var weeks []WeekHours
		for range 3 {
			weeks = append(weeks, WeekHours{cloud.CPUPercent: hours})
		}
		n := NightsOf(pack, weeks, 0, "UTC")
		if n.Schedule == nil {
			return
		}
		off, count := n.Schedule.Off(), 0
		for h := range off {
			if !off[h] {
				continue
			}
			count++
			for d := -pack.Schedule.Margin; d <= pack.Schedule.Margin; d++ {
				if busy[(h+d+hoursOfWeek)%hoursOfWeek] {
					t.Fatalf("hour %d is off, hour %d works", h, h+d)
				}
			}
		}
		if count != n.Schedule.HoursOff || n.Schedule.AwakeHours != 0 || n.Schedule.SeenHours != 3*count {
			t.Fatalf("%d hours off, said %d; awake %d of %d", count, n.Schedule.HoursOff, n.Schedule.AwakeHours, n.Schedule.SeenHours)
		}
		text, err := json.Marshal(n.Schedule)
		if err != nil {
			t.Fatal(err)
		}
		var back Schedule
		if err := json.Unmarshal(text, &back); err != nil || back.Off() != off {
			t.Fatalf("read back otherwise: %v, %s", err, text)
		}
	})
}

// The first half gives a schedule that the second is held against.
func TestNightsTried(t *testing.T) {
	pack, _ := policies.ByID(policies.DefaultID)
	weeks := make([]WeekHours, 5)
	for i := range weeks {
		weeks[i] = office(map[cloud.Metric]float64{cloud.CPUPercent: 1})
	}
	weeks[4].with(cloud.CPUPercent, 50, full(40)).with(cloud.CPUPercent, 51, full(40))
	n := NightsOf(pack, weeks, 0, "")
	if n.TriedWeeks != 2 || n.WokeWeeks != 1 {
		t.Errorf("awake in %d of %d weeks, want 1 of 2", n.WokeWeeks, n.TriedWeeks)
	}
	if s := n.Schedule; s == nil || s.AwakeHours != 0 || s.Weeks != 5 { // the night in question is no longer proposed
		t.Errorf("schedule %+v", s)
	}
	if n := NightsOf(pack, weeks[3:], 0, ""); n.TriedWeeks != 0 {
		t.Errorf("%d weeks tried on the strength of one", n.TriedWeeks)
	}
}

func TestDrowsy(t *testing.T) {
	pack, _ := policies.ByID(policies.DefaultID)
	summaries := func(rest, work float64) map[cloud.Metric]utilization.Summary {
		u := utilization.Summary{Samples: 8064}
		for h := range u.HourOfWeek {
			u.HourOfWeek[h] = full(rest)
			if h < 5*24 && h%24 >= 8 && h%24 < 18 {
				u.HourOfWeek[h] = full(work)
			}
		}
		return map[cloud.Metric]utilization.Summary{cloud.CPUPercent: u}
	}
	for name, c := range map[string]struct {
		u    map[cloud.Metric]utilization.Summary
		want bool
	}{
		"rests":                      {summaries(1, 30), true},
		"never rests":                {summaries(5, 30), false},
		"never works":                {summaries(1, 2.49), false},
		"may work every other week":  {summaries(1, 2.5), true},
		"nothing known":              {nil, false},
		"no samples, as in a memory": {map[cloud.Metric]utilization.Summary{cloud.CPUPercent: {}}, false},
	} {
		if got := Drowsy(pack, c.u); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	pack.Schedule = policies.Schedule{}
	if Drowsy(pack, summaries(1, 30)) {
		t.Error("looked for rest where the pack asks for none")
	}
}
