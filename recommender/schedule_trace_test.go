package recommender

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// tracedNights are machines of a trace with the hours of their weeks, the oldest
// week first; end is the end of the last.
func tracedNights(t testing.TB, dir string, end time.Time, weeks int) (ids []string, hours [][]analyzer.WeekHours) {
	t.Helper()
	inventory, err := os.Open(filepath.Join(dir, "inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer inventory.Close()
	readRows(t, inventory, func(col map[string]int, row []string) { ids = append(ids, row[col["resource_id"]]) })
	for _, id := range ids {
		points := map[cloud.Metric][]cloud.Point{}
		readGzip(t, filepath.Join(dir, "samples", id+".csv.gz"), func(col map[string]int, row []string) {
			at, _ := strconv.ParseInt(row[0], 10, 64)
			for _, m := range analyzer.SleepMetrics() {
				if j, ok := col[string(m)]; ok && row[j] != "" {
					v, err := strconv.ParseFloat(row[j], 64)
					if err != nil {
						t.Fatal(err)
					}
					points[m] = append(points[m], cloud.Point{T: at, V: v})
				}
			}
		})
		hours = append(hours, weeksOf(points, end, weeks))
	}
	return ids, hours
}

func weeksOf(points map[cloud.Metric][]cloud.Point, end time.Time, weeks int) []analyzer.WeekHours {
	const week = 7 * 24 * time.Hour
	var out []analyzer.WeekHours
	for k := weeks; k > 0; k-- {
		from := end.Add(-time.Duration(k) * week)
		u := map[cloud.Metric]utilization.Summary{}
		for m, p := range points {
			u[m] = utilization.Describe(p, m, cloud.Window{From: from, To: from.Add(week)}, time.UTC)
		}
		out = append(out, analyzer.HoursOf(u))
	}
	return out
}

// TestNightsOnTheTrace replays schedules over the weeks of 407 real machines: what
// the weeks before give, and how often a machine was awake in it in the weeks after. It
// is where priorNights and docs/how-to/stop-at-night.md have their numbers from.
func TestNightsOnTheTrace(t *testing.T) {
	dir := traceDir(t, "vm407")
	end := time.Date(2013, 9, 11, 13, 0, 0, 0, time.UTC)
	ids, hours := tracedNights(t, dir, end, 4)
	for name, change := range map[string]func(*policies.Schedule){
		"as shipped":                   func(*policies.Schedule) {},
		"CPU limits halved":            func(s *policies.Schedule) { s.CPUMean, s.CPUMax = s.CPUMean/2, s.CPUMax/2 },
		"CPU limits doubled":           func(s *policies.Schedule) { s.CPUMean, s.CPUMax = s.CPUMean*2, s.CPUMax*2 },
		"network limit halved":         func(s *policies.Schedule) { s.Network /= 2 },
		"network limit doubled":        func(s *policies.Schedule) { s.Network *= 2 },
		"disk limit halved":            func(s *policies.Schedule) { s.Disk /= 2 },
		"disk limit doubled":           func(s *policies.Schedule) { s.Disk *= 2 },
		"network and disk passed over": func(s *policies.Schedule) { s.Network, s.Disk = math.Inf(1), math.Inf(1) },
		"no margin":                    func(s *policies.Schedule) { s.Margin = 0 },
		"margin doubled":               func(s *policies.Schedule) { s.Margin = 2 },
		"hours of rest halved":         func(s *policies.Schedule) { s.MinHours /= 2 },
		"hours of rest doubled":        func(s *policies.Schedule) { s.MinHours *= 2 },
		"spans halved":                 func(s *policies.Schedule) { s.MinSpan /= 2 },
		"spans doubled":                func(s *policies.Schedule) { s.MinSpan *= 2 },
		"hours at work halved":         func(s *policies.Schedule) { s.WorkHours /= 2 },
		"hours at work doubled":        func(s *policies.Schedule) { s.WorkHours *= 2 },
	} {
		pack, _ := policies.ByID(policies.DefaultID)
		change(&pack.Schedule)
		var rest, off, tried, woke int
		for i := range ids {
			n := analyzer.NightsOf(pack, hours[i], 0, "UTC")
			if n.Schedule != nil {
				rest++
				off += n.Schedule.HoursOff
			}
			tried += n.TriedWeeks
			woke += n.WokeWeeks
		}
		t.Logf("%-30s %3d of %d machines rest, %4.1f h a week each; awake in %3d of %3d weeks tried", name, rest, len(ids), float64(off)/math.Max(1, float64(rest)), woke, tried)
	}
}
