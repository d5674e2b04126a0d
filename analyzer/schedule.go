package analyzer

import (
	"fmt"
	"slices"
	"time"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// hoursOfWeek is how many hours a week has; hour 0 begins on Monday at midnight.
const hoursOfWeek = 168

// WeekHours are the hours of one week of a machine, by metric.
type WeekHours map[cloud.Metric][hoursOfWeek]utilization.Hour

// SleepMetrics are what tells sleep.
func SleepMetrics() []cloud.Metric {
	return append([]cloud.Metric{cloud.CPUPercent}, slices.Concat(policies.Parts(policies.NetworkBPS), policies.Parts(policies.DiskBPS))...)
}

// Schedule says when a machine may be stopped, and what of its past says so.
type Schedule struct {
	TimeZone  string    `json:"time_zone"`
	Spans     []OffSpan `json:"spans"`      // by the first day, Monday first
	HoursOff  int       `json:"hours_off"`  // a week, all spans together
	WorkHours int       `json:"work_hours"` // hours of the week at work in most of the weeks seen
	Weeks     int       `json:"weeks"`      // weeks seen
	// In SeenHours hours that lie within the spans and are known, over all weeks, the
	// machine was awake in AwakeHours, which fall on AwakeWeeks weeks.
	SeenHours  int `json:"seen_hours"`
	AwakeHours int `json:"awake_hours"`
	AwakeWeeks int `json:"awake_weeks"`
	// CPUByHour is mean CPU, percent, in each hour of the week from Monday 00:00; null
	// where an hour was not seen.
	CPUByHour [hoursOfWeek]*float64 `json:"cpu_by_hour"`
	// OffCPU, OffNetwork (bit/s) and OffDisk (Byte/s) are means within the spans, WorkCPU
	// that of the hours at work; null where it is not measured.
	OffCPU     *float64 `json:"off_cpu"`
	OffNetwork *float64 `json:"off_network"`
	OffDisk    *float64 `json:"off_disk"`
	WorkCPU    *float64 `json:"work_cpu"`
}

// OffSpan is one stop, on each of the days named, and the start after it.
type OffSpan struct {
	Days  []string `json:"days"`  // on which the machine stops: mon, tue, …
	Stop  string   `json:"stop"`  // hour of the day, 20:00
	Start string   `json:"start"` // hour of the day on which Hours end
	Hours int      `json:"hours"` // from stop to start
}

// Weekdays are the names that OffSpan gives to days, from Monday on.
func Weekdays() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// Off tells for each hour of the week whether the machine is stopped in it.
func (s Schedule) Off() (off [hoursOfWeek]bool) {
	for _, span := range s.Spans {
		var hour, minute int
		if _, err := fmt.Sscanf(span.Stop, "%d:%d", &hour, &minute); err != nil {
			continue
		}
		for _, d := range span.Days {
			if day := slices.Index(Weekdays(), d); day >= 0 {
				for i := range span.Hours {
					off[(day*24+hour+i)%hoursOfWeek] = true
				}
			}
		}
	}
	return off
}

// Drowsy is a first look at a window: whether a machine has enough quiet hours of
// the week, and enough that are not, for its weeks to be worth a look one by
// one. What is at work in most of the weeks shows at least half a limit on average.
func Drowsy(p policies.Pack, u map[cloud.Metric]utilization.Summary) bool {
	l, cpu := p.Schedule, u[cloud.CPUPercent]
	if !l.Enabled || cpu.Samples == 0 {
		return false
	}
	in, out, read, written := u[cloud.NetworkInBPS], u[cloud.NetworkOutBPS], u[cloud.DiskReadBPS], u[cloud.DiskWriteBPS]
	quiet, busy := 0, 0
	for h := range cpu.HourOfWeek {
		now := cpu.HourOfWeek[h]
		if now.Samples == 0 {
			continue
		}
		// What is not measured counts as nothing here: this look only leaves out.
		network := in.HourOfWeek[h].Mean + out.HourOfWeek[h].Mean
		disk := read.HourOfWeek[h].Mean + written.HourOfWeek[h].Mean
		if now.Mean < l.CPUMean && network <= l.Network {
			quiet++
		}
		if 2*now.Mean >= l.CPUMean || now.Max >= l.CPUMax || 2*network > l.Network || 2*disk > l.Disk {
			busy++
		}
	}
	return quiet >= l.MinHours && busy >= l.WorkHours
}

// HoursOf takes from the statistics of a week what tells sleep.
func HoursOf(u map[cloud.Metric]utilization.Summary) WeekHours {
	w := WeekHours{}
	for _, m := range SleepMetrics() {
		if s, ok := u[m]; ok && s.Samples > 0 {
			w[m] = s.HourOfWeek
		}
	}
	return w
}

// sum is the mean of a composed metric in an hour; false where a part was not seen.
func (w WeekHours) sum(m cloud.Metric, hour int) (mean float64, ok bool) {
	for _, part := range policies.Parts(m) {
		h := w[part][hour]
		if h.Samples == 0 {
			return 0, false
		}
		mean += h.Mean
	}
	return mean, true
}

// sleeper looks at the weeks of one machine.
type sleeper struct {
	limits        policies.Schedule
	weeks         []WeekHours
	least         float64 // samples below which an hour is not known
	network, disk bool    // measured at all
}

func newSleeper(p policies.Pack, weeks []WeekHours, step time.Duration) sleeper {
	if step <= 0 {
		step = utilization.Step
	}
	s := sleeper{limits: p.Schedule, weeks: weeks, least: max(1, p.MinCoverage*float64(time.Hour)/float64(step))}
	has := func(m cloud.Metric) bool {
		return slices.ContainsFunc(weeks, func(w WeekHours) bool { _, ok := w[m]; return ok })
	}
	s.network = has(cloud.NetworkInBPS) && has(cloud.NetworkOutBPS)
	s.disk = has(cloud.DiskReadBPS) && has(cloud.DiskWriteBPS)
	return s
}

// asleep tells whether an hour of a week was slept through. What is not measured at
// all is passed over; what is missing in this hour alone leaves the hour unknown.
func (s sleeper) asleep(w WeekHours, hour int) state {
	cpu := w[cloud.CPUPercent][hour]
	if cpu.Samples == 0 || float64(cpu.Samples) < s.least {
		return unknown
	}
	if cpu.Mean >= s.limits.CPUMean || cpu.Max >= s.limits.CPUMax {
		return no
	}
	answer := yes
	for _, x := range []struct {
		metric   cloud.Metric
		measured bool
		limit    float64
	}{{policies.NetworkBPS, s.network, s.limits.Network}, {policies.DiskBPS, s.disk, s.limits.Disk}} {
		switch mean, ok := w.sum(x.metric, hour); {
		case !x.measured:
		case !ok:
			answer = unknown
		case mean > x.limit:
			return no
		}
	}
	return answer
}

// counts are how the weeks fared in one hour.
type counts struct{ asleep, awake int }

func (s sleeper) count() (out [hoursOfWeek]counts) {
	for _, w := range s.weeks {
		for h := range out {
			switch s.asleep(w, h) {
			case yes:
				out[h].asleep++
			case no:
				out[h].awake++
			}
		}
	}
	return out
}

// schedule proposes hours of rest: those slept through in nearly every week, less
// a margin at both ends, in spans that are long enough. It is false where the machine
// does not rest enough, or does not work regularly: it must be at work in most weeks
// in enough hours, and those hours must outnumber the ones that are neither rest nor
// work. Near-idle machines that wake at random look asleep in a few weeks, and are not.
func (s sleeper) schedule(zone string) (Schedule, bool) {
	hours := s.count()
	var rest [hoursOfWeek]bool
	var work []int
	irregular := 0
	for h, n := range hours {
		seen := n.asleep + n.awake
		rest[h] = seen >= s.limits.MinWeeks && float64(n.asleep) >= s.limits.Asleep*float64(seen)-1e-9
		switch {
		case rest[h] || seen == 0:
		case 2*n.awake > seen:
			work = append(work, h)
		case n.awake > 0:
			irregular++
		}
	}
	if len(work) < s.limits.WorkHours || irregular > len(work) {
		return Schedule{}, false
	}
	spans := evened(longEnough(spansOf(within(rest, s.limits.Margin)), s.limits.MinSpan), s.limits.MinSpan)
	out := Schedule{TimeZone: zone, Spans: []OffSpan{}, WorkHours: len(work)}
	for _, x := range spans {
		out.HoursOff += x.hours
	}
	if out.HoursOff < s.limits.MinHours {
		return Schedule{}, false
	}
	out.Spans = grouped(spans)
	s.describe(&out, work)
	return out, true
}

// describe fills in what the past says of a schedule.
func (s sleeper) describe(out *Schedule, work []int) {
	off := out.Off()
	var resting []int
	for h, is := range off {
		if is {
			resting = append(resting, h)
		}
	}
	for _, w := range s.weeks {
		seen, awake := s.awake(w, off)
		out.SeenHours += seen
		out.AwakeHours += awake
		if awake > 0 {
			out.AwakeWeeks++
		}
		if slices.ContainsFunc(hourList(), func(h int) bool { return s.asleep(w, h) != unknown }) {
			out.Weeks++
		}
	}
	cpu := func(w WeekHours, h int) (float64, bool) { x := w[cloud.CPUPercent][h]; return x.Mean, x.Samples > 0 }
	for h := range out.CPUByHour {
		out.CPUByHour[h] = s.mean([]int{h}, cpu)
	}
	out.OffCPU, out.WorkCPU = s.mean(resting, cpu), s.mean(work, cpu)
	out.OffNetwork = s.mean(resting, func(w WeekHours, h int) (float64, bool) { return w.sum(policies.NetworkBPS, h) })
	out.OffDisk = s.mean(resting, func(w WeekHours, h int) (float64, bool) { return w.sum(policies.DiskBPS, h) })
}

// awake counts the hours of off in which a week is known, and was awake.
func (s sleeper) awake(w WeekHours, off [hoursOfWeek]bool) (seen, awake int) {
	for h, is := range off {
		if !is {
			continue
		}
		switch s.asleep(w, h) {
		case yes:
			seen++
		case no:
			seen++
			awake++
		}
	}
	return seen, awake
}

// mean is the mean over all weeks and the hours given; nil where none is known.
func (s sleeper) mean(hours []int, value func(WeekHours, int) (float64, bool)) *float64 {
	sum, n := 0.0, 0
	for _, w := range s.weeks {
		for _, h := range hours {
			if v, ok := value(w, h); ok {
				sum, n = sum+v, n+1
			}
		}
	}
	if n == 0 {
		return nil
	}
	return number(sum / float64(n))
}

func hourList() []int {
	out := make([]int, hoursOfWeek)
	for i := range out {
		out[i] = i
	}
	return out
}
