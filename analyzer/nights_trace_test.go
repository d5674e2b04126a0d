package analyzer

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
	"yunjian/policies"
	"yunjian/utilization"
)

// tracedWeeks are the hours of the last weeks of each machine of a trace, the
// oldest week first. The traces are not part of the repository.
func tracedWeeks(t *testing.T, name string, end time.Time, weeks int) [][]WeekHours {
	t.Helper()
	dir := os.Getenv("YUNJIAN_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "traces")
	}
	dir = filepath.Join(dir, name)
	if _, err := os.Stat(filepath.Join(dir, "inventory.csv")); err != nil {
		t.Skipf("%s trace not present: %v", name, err)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Scan(context.Background()); err != nil {
		t.Fatal(err)
	}
	acc := utilization.NewAccumulator(time.UTC)
	var out [][]WeekHours
	for _, r := range b.Inventory().Resources {
		points, err := b.Samples(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		machine := make([]WeekHours, weeks)
		for k := range machine {
			w := cloud.Window{From: end.Add(-time.Duration(weeks-k) * 7 * day), To: end.Add(-time.Duration(weeks-k-1) * 7 * day)}
			u := map[cloud.Metric]utilization.Summary{}
			for _, m := range SleepMetrics() {
				for _, p := range points[m] {
					if w.Contains(time.Unix(p.T, 0)) {
						acc.Add(p.T, p.V)
					}
				}
				u[m] = acc.Summary(m, w, utilization.Expected(w, utilization.Step))
			}
			machine[k] = HoursOf(u)
		}
		out = append(out, machine)
	}
	return out
}

// TestNightsOnTheTrace replays schedules over the weeks of 407 real machines: what
// two weeks give, and how often a machine was awake in it in the two weeks after, with
// each limit as shipped, halved and doubled. The prior of recommender/schedule.go and
// docs/how-to/stop-at-night.md have their numbers from here.
func TestNightsOnTheTrace(t *testing.T) {
	fleet := tracedWeeks(t, "vm407", time.Date(2013, 9, 11, 13, 0, 0, 0, time.UTC), 4)
	for _, c := range []struct {
		name   string
		change func(*policies.Schedule)
	}{
		{"as shipped", func(*policies.Schedule) {}},
		{"cpu limits halved", func(s *policies.Schedule) { s.CPUMean, s.CPUMax = s.CPUMean/2, s.CPUMax/2 }},
		{"cpu limits doubled", func(s *policies.Schedule) { s.CPUMean, s.CPUMax = s.CPUMean*2, s.CPUMax*2 }},
		{"max_network_per_second halved", func(s *policies.Schedule) { s.Network /= 2 }},
		{"max_network_per_second doubled", func(s *policies.Schedule) { s.Network *= 2 }},
		{"max_disk_per_second halved", func(s *policies.Schedule) { s.Disk /= 2 }},
		{"max_disk_per_second doubled", func(s *policies.Schedule) { s.Disk *= 2 }},
		{"network and disk passed over", func(s *policies.Schedule) { s.Network, s.Disk = math.Inf(1), math.Inf(1) }},
		{"margin_hours none", func(s *policies.Schedule) { s.Margin = 0 }},
		{"margin_hours doubled", func(s *policies.Schedule) { s.Margin *= 2 }},
		{"min_hours halved", func(s *policies.Schedule) { s.MinHours /= 2 }},
		{"min_hours doubled", func(s *policies.Schedule) { s.MinHours *= 2 }},
		{"min_span_hours halved", func(s *policies.Schedule) { s.MinSpan /= 2 }},
		{"min_span_hours doubled", func(s *policies.Schedule) { s.MinSpan *= 2 }},
		{"work_hours halved", func(s *policies.Schedule) { s.WorkHours /= 2 }},
		{"work_hours doubled", func(s *policies.Schedule) { s.WorkHours *= 2 }},
	} {
		if c.name != "as shipped" && !testing.Verbose() { // the others are for the table
			continue
		}
		pack, _ := policies.ByID(policies.DefaultID)
		c.change(&pack.Schedule)
		rest, off, machines, tried, woke, hours, awake := 0, 0, 0, 0, 0, 0, 0
		for _, weeks := range fleet {
			n := NightsOf(pack, weeks, 0, "UTC")
			if n.Schedule != nil {
				rest++
				off += n.Schedule.HoursOff
			}
			if n.TriedWeeks == 0 {
				continue
			}
			machines++
			tried += n.TriedWeeks
			woke += n.WokeWeeks
			early := pack
			early.Schedule.MinWeeks = 2
			before := NightsOf(early, weeks[:2], 0, "UTC").Schedule
			s := newSleeper(pack, weeks, 0)
			for _, w := range weeks[2:] {
				seen, up := s.awake(w, before.Off())
				hours, awake = hours+seen, awake+up
			}
		}
		t.Logf("%-31s %2d of %d rest, %3.0f h a week each; of %2d tried, awake in %2d of %2d weeks, in %3d of %4d hours", c.name, rest, len(fleet), float64(off)/math.Max(1, float64(rest)), machines, woke, tried, awake, hours)
		if c.name == "as shipped" && (woke != 12 || tried != 16) {
			t.Errorf("awake in %d of %d weeks: the prior says 12 of 16", woke, tried)
		}
	}
	// As a schedule is given: on three weeks, held against the fourth.
	pack, _ := policies.ByID(policies.DefaultID)
	found, woke, hours, awake := 0, 0, 0, 0
	for _, weeks := range fleet {
		n := NightsOf(pack, weeks[:3], 0, "UTC")
		if n.Schedule == nil {
			continue
		}
		found++
		seen, up := newSleeper(pack, weeks, 0).awake(weeks[3], n.Schedule.Off())
		hours, awake = hours+seen, awake+up
		if up > 0 {
			woke++
		}
	}
	t.Logf("on three weeks: %d rest, %d awake in the fourth, in %d of %d hours", found, woke, awake, hours)
}
