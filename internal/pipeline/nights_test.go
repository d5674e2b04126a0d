package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/policies"
	"yunjian/price"
)

// clerk is a source of one instance that works from Monday to Friday, 8:00 to 18:00,
// and rests otherwise, but for the night that noise tells.
type clerk struct {
	machine
	noise cloud.Window
}

func (c *clerk) Collect(_ context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	var b collector.Batch
	for metric, level := range map[cloud.Metric][2]float64{
		cloud.CPUPercent: {1, 30}, cloud.MemoryPercent: {50, 50}, cloud.NetworkInBPS: {500, 1e6}, cloud.NetworkOutBPS: {500, 1e6}, cloud.DiskReadBPS: {10, 1e6}, cloud.DiskWriteBPS: {1000, 1e6},
	} {
		s := cloud.Series{Resource: c.resource.ID, Metric: metric}
		for _, w := range c.on {
			for t := w.From; t.Before(w.To); t = t.Add(5 * time.Minute) {
				v := level[0]
				if h := t.Hour(); t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && h >= 8 && h < 18 || c.noise.Contains(t) {
					v = level[1]
				}
				s.Points = append(s.Points, cloud.Point{T: t.Unix(), V: v})
			}
		}
		b.Series = append(b.Series, s)
		b.Observations = append(b.Observations, cloud.Observation{Resource: c.resource.ID, Metric: metric, Availability: cloud.Observed, From: req.Since, Through: req.Now})
	}
	return collector.Result{}, deliver(b)
}

// A machine's nights are looked at week by week, further back than the window, and
// only what its present size has seen counts.
func TestNights(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC) // a Monday, within an hour
	for name, c := range map[string]struct {
		days    int // of history
		noise   cloud.Window
		resized time.Time
		want    string
	}{
		"eight weeks": {60, cloud.Window{}, time.Time{}, "108 h of 8 weeks, 4 tried, 0 awake"},
		"two nights of one week, long before the window": {60, cloud.Window{From: now.AddDate(0, 0, -45), To: now.AddDate(0, 0, -43)}, time.Time{}, "108 h of 8 weeks, 4 tried, 0 awake"},
		"two nights of last week":                        {60, cloud.Window{From: now.AddDate(0, 0, -6), To: now.AddDate(0, 0, -4)}, time.Time{}, "108 h of 8 weeks, 4 tried, 1 awake"},
		"three weeks and some days":                      {25, cloud.Window{}, time.Time{}, "108 h of 4 weeks, 2 tried, 0 awake"},
		"less than three weeks":                          {16, cloud.Window{}, time.Time{}, "45 h of 3 weeks, 1 tried, 0 awake: refused"},
		"another size until 25 days ago":                 {60, cloud.Window{From: now.AddDate(0, 0, -60), To: now.AddDate(0, 0, -25)}, now.AddDate(0, 0, -25), "108 h of 4 weeks, 2 tried, 0 awake"},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			m := &clerk{machine: *running(), noise: c.noise}
			m.resource.ResizedAt = c.resized
			m.on = []cloud.Window{{From: now.AddDate(0, 0, -c.days), To: now}}
			if _, err := d.Collect(context.Background(), "a", m, CollectOptions{Metrics: cloud.Metrics(), Since: now.AddDate(0, 0, -c.days), Now: now}); err != nil {
				t.Fatal(err)
			}
			pack, _ := policies.ByID(policies.DefaultID)
			o := AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: now, Location: time.UTC}
			inventories, _, err := d.Inventories(o.Clouds)
			if err != nil {
				t.Fatal(err)
			}
			fleets, _, err := d.fleets(context.Background(), inventories, o, []policies.Pack{pack})
			if err != nil || len(fleets[0]) != 1 {
				t.Fatalf("%d fleets, %v", len(fleets), err)
			}
			fleet := fleets[0]
			got := "nothing"
			if n := fleet[0].Nights; n.Schedule != nil {
				got = fmt.Sprintf("%d h of %d weeks, %d tried, %d awake", n.Schedule.HoursOff, n.Schedule.Weeks, n.TriedWeeks, n.WokeWeeks)
			}
			a, err := d.Audit(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if a.Totals.Stop.Resources == 0 && len(a.Refusals) == 1 {
				got += ": refused"
			} else if a.Totals.Stop.HoursAWeek != fleet[0].Nights.Schedule.HoursOff || a.Totals.Release.Resources != 0 {
				t.Errorf("totals %+v", a.Totals)
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
