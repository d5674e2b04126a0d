package estate

import (
	"os"
	"sort"
	"strconv"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// hoursOf are the hours of the last weeks of a machine, the oldest week first.
func hoursOf(e *Estate, id string, weeks int, acc *utilization.Accumulator) []analyzer.WeekHours {
	out := make([]analyzer.WeekHours, weeks)
	for k := range out {
		u := map[cloud.Metric]utilization.Summary{}
		w := cloud.Window{From: time.Unix(e.end-int64(weeks-k)*7*day, 0), To: time.Unix(e.end-int64(weeks-k-1)*7*day, 0)}
		for _, m := range analyzer.SleepMetrics() {
			points := e.Samples(id, m, w.From.Unix()-1, w.To.Unix()-1)
			for _, p := range points {
				acc.Add(p.T, p.V)
			}
			u[m] = acc.Summary(m, w, utilization.Expected(w, utilization.Step))
		}
		out[k] = analyzer.HoursOf(u)
	}
	return out
}

// TestSchedulesOfEstates counts by class how many machines are found to rest, on
// estates of several seeds, and in how many weeks those tried were awake later. It is where
// docs/how-to/stop-at-night.md has its numbers from, with YUNJIAN_ESTATES=8 -v.
func TestSchedulesOfEstates(t *testing.T) {
	seeds, _ := strconv.Atoi(os.Getenv("YUNJIAN_ESTATES"))
	pack, _ := policies.ByID(policies.DefaultID)
	louder := pack
	louder.Schedule.Network *= 2
	found, more, all := map[Class]int{}, map[Class]int{}, map[Class]int{}
	tried, woke, asleepTried, asleepWoke := 0, 0, 0, 0
	acc := utilization.NewAccumulator(time.FixedZone("", utc8))
	for seed := range uint64(max(1, seeds)) {
		e := New(Options{Instances: 150, Seed: seed, Days: 29})
		for i := range e.machines {
			m := &e.machines[i]
			if m.stopped != 0 {
				continue
			}
			all[m.class]++
			hours := hoursOf(e, m.id, 4, acc)
			n := analyzer.NightsOf(pack, hours, 0, "Asia/Shanghai")
			if n.Schedule != nil {
				found[m.class]++
			}
			if analyzer.NightsOf(louder, hours, 0, "").Schedule != nil {
				more[m.class]++
			}
			if m.class == Asleep {
				asleepTried, asleepWoke = asleepTried+n.TriedWeeks, asleepWoke+n.WokeWeeks
			}
			tried, woke = tried+n.TriedWeeks, woke+n.WokeWeeks
		}
	}
	others, machines := 0, 0
	classes := Classes()
	sort.Slice(classes, func(i, j int) bool { return classes[i] < classes[j] })
	for _, c := range classes {
		t.Logf("%-14s %3d of %3d found; %3d with twice the network", c, found[c], all[c], more[c])
		if c != Asleep {
			others, machines = others+found[c], machines+all[c]
		}
	}
	t.Logf("others %d of %d; awake in %d of %d weeks tried, of those asleep in %d of %d", others, machines, woke, tried, asleepWoke, asleepTried)
	if 4*found[Asleep] < all[Asleep] || found[Asleep] == 0 {
		t.Errorf("%d of %d machines asleep at night are found", found[Asleep], all[Asleep])
	}
	if 50*others > machines {
		t.Errorf("%d of %d other machines are found to rest", others, machines)
	}
}
