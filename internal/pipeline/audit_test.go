package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/journal"
	"yunjian/policies"
	"yunjian/price"
)

// machine is a source of one instance that burns 1 % of CPU and 10 % of memory
// while it is on, and says that it was asked for everything.
type machine struct {
	resource cloud.Resource
	on       []cloud.Window // when it has samples
	gone     bool
	period   time.Duration // between samples; zero: five minutes
}

func (m *machine) Inventory(_ context.Context, now time.Time) (cloud.Inventory, error) {
	inv := cloud.Inventory{TakenAt: now, Resources: []cloud.Resource{m.resource}, Scopes: []cloud.Scope{{Kind: cloud.Instance, Complete: true}}}
	if m.gone {
		inv.Resources = nil
	}
	return inv, nil
}

func (m *machine) Collect(_ context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	var b collector.Batch
	for metric, v := range map[cloud.Metric]float64{cloud.CPUPercent: 1, cloud.MemoryPercent: 10, cloud.NetworkInBPS: 100, cloud.NetworkOutBPS: 100} {
		s := cloud.Series{Resource: m.resource.ID, Metric: metric}
		for t := req.Since; !t.After(req.Now); t = t.Add(max(m.period, 5*time.Minute)) {
			if slices.ContainsFunc(m.on, func(w cloud.Window) bool { return w.Contains(t) }) {
				s.Points = append(s.Points, cloud.Point{T: t.Unix(), V: v})
			}
		}
		o := cloud.Observation{Resource: m.resource.ID, Metric: metric, Availability: cloud.Observed, From: req.Since, Through: req.Now}
		if m.resource.Status == cloud.PoweredOff {
			o.Availability = cloud.Stopped
		}
		b.Series, b.Observations = append(b.Series, s), append(b.Observations, o)
	}
	return collector.Result{Period: m.period}, deliver(b)
}

func running() *machine {
	return &machine{
		resource: cloud.Resource{
			ID: "i-1", Kind: cloud.Instance, Status: cloud.Running, Department: "d", VCPU: 8, MemoryGiB: 32,
			CreatedAt: monday.AddDate(-1, 0, 0),
		},
		on: []cloud.Window{{From: monday.AddDate(0, 0, -60), To: monday}},
	}
}

// look collects from m as of now.
func look(t *testing.T, d *Data, m *machine, now time.Time) {
	t.Helper()
	o := CollectOptions{Metrics: cloud.Metrics(), Since: monday.AddDate(0, 0, -60), Now: now}
	if _, err := d.Collect(context.Background(), "a", m, o); err != nil {
		t.Fatal(err)
	}
}

func judged(t *testing.T, d *Data, now time.Time) (analyzer.Finding, audit.Audit) {
	t.Helper()
	pack, _ := policies.ByID(policies.DefaultID)
	a, err := d.Audit(context.Background(), AuditOptions{Clouds: []string{"a"}, Pack: pack, Book: price.Example(), Now: now, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Findings) != 1 {
		t.Fatalf("%d findings of one machine", len(a.Findings))
	}
	return a.Findings[0], a
}

// valueOf returns the value of the reason of a code; -1 where there is none.
func valueOf(f analyzer.Finding, code string) float64 {
	for _, r := range f.Reasons {
		if r.Code == code && r.Value != nil {
			return *r.Value
		}
	}
	return -1
}

// A resize between two looks is seen by the second one: statistics restart
// there, and what the machine did at its old size is not held against it.
func TestAuditAfterResize(t *testing.T) {
	d, m := open(t), running()
	before := monday.AddDate(0, 0, -7)
	look(t, d, m, before)
	if f, _ := judged(t, d, before); f.Verdict != analyzer.Idle {
		t.Fatalf("before the resize the machine is %s: %+v", f.Verdict, f.Reasons)
	}
	m.resource.VCPU, m.resource.MemoryGiB = 4, 16
	look(t, d, m, monday)
	f, a := judged(t, d, monday)
	if f.Verdict != analyzer.InsufficientData || !slices.Contains(f.Flags, analyzer.Resized) || valueOf(f, analyzer.CodeHistoryBelow) != 0 {
		t.Errorf("in the look that sees the resize: %s %v %+v; want too little history of the new size", f.Verdict, f.Flags, f.Reasons)
	}
	if len(a.Recommendations) != 0 {
		t.Errorf("advice on a machine of no history: %+v", a.Recommendations)
	}
	// Ten days on, there are ten days of history; thirty days on, enough.
	m.on[0].To = monday.AddDate(0, 0, 30)
	for days, want := range map[int]analyzer.Verdict{10: analyzer.InsufficientData, 30: analyzer.Idle} {
		now := monday.AddDate(0, 0, days)
		look(t, d, m, now)
		f, _ := judged(t, d, now)
		if f.Verdict != want || !slices.Contains(f.Flags, analyzer.Resized) || !f.Window.From.Equal(monday) {
			t.Errorf("%d days after the resize: %s %v, window from %v; want %s from the resize on", days, f.Verdict, f.Flags, f.Window.From, want)
		}
	}
}

// Ten days of being switched off, as the looks saw them, are no silence of the
// machine: they are left out of what is expected of it.
func TestAuditSkipsPoweredOffSpan(t *testing.T) {
	d, m := open(t), running()
	off, on := monday.AddDate(0, 0, -14), monday.AddDate(0, 0, -4)
	m.on = []cloud.Window{{From: monday.AddDate(0, 0, -60), To: off}, {From: on, To: monday}}
	look(t, d, m, off.Add(-time.Hour))
	m.resource.Status = cloud.PoweredOff
	look(t, d, m, off)
	f, _ := judged(t, d, on.Add(-time.Hour))
	if got, want := valueOf(f, analyzer.CodePoweredOffDays), 0.0; got != want {
		t.Errorf("off for %g days as far as anybody looked, want %g", got, want)
	}
	m.resource.Status = cloud.Running
	look(t, d, m, on)
	look(t, d, m, monday)
	f, _ = judged(t, d, monday)
	if c := coverage(f); c < 0.999 || c > 1 {
		t.Errorf("coverage %g, want all of the 20 days that it ran", c)
	}
	var cpu analyzer.Evidence
	for _, e := range f.Evidence {
		if e.Metric == cloud.CPUPercent {
			cpu = e
		}
	}
	if want := 20 * 288; cpu.Expected != want || cpu.Samples != want {
		t.Errorf("%d of %d samples, want %d of as many", cpu.Samples, cpu.Expected, want)
	}
	if f.Verdict != analyzer.InsufficientData || valueOf(f, analyzer.CodeHistoryBelow) != 20 {
		t.Errorf("%s %+v; want 20 days of history to be too few", f.Verdict, f.Reasons)
	}
}

// coverage is what a verdict rests on; -1 where that is no samples.
func coverage(f analyzer.Finding) float64 {
	if f.Coverage == nil {
		return -1
	}
	return *f.Coverage
}

// What a machine does after it was off, gone and listed again counts, although
// no change of status led back to running.
func TestAuditAfterOffAndGone(t *testing.T) {
	for name, between := range map[string]func(*machine){
		"gone from the listing":      func(m *machine) { m.gone = true },
		"listed without a status":    func(m *machine) { m.resource.Status = "" },
		"listed again as powered on": func(*machine) {},
	} {
		t.Run(name, func(t *testing.T) {
			d, m := open(t), running()
			look(t, d, m, monday.AddDate(0, 0, -50))
			m.resource.Status = cloud.PoweredOff
			look(t, d, m, monday.AddDate(0, 0, -45))
			between(m)
			look(t, d, m, monday.AddDate(0, 0, -40))
			m.gone, m.resource.Status = false, cloud.Running
			look(t, d, m, monday.AddDate(0, 0, -35))
			look(t, d, m, monday)
			if f, _ := judged(t, d, monday); f.Verdict != analyzer.Idle || coverage(f) < 0.999 {
				t.Errorf("%s with coverage %g, %+v; want idle on all of 30 days", f.Verdict, coverage(f), f.Reasons)
			}
		})
	}
}

// Where the budget allows a sample every quarter of an hour only, as many hold
// thirty days of history, and half as many hold half.
func TestAuditAtCoarserStep(t *testing.T) {
	for days, want := range map[int]analyzer.Verdict{30: analyzer.Idle, 15: analyzer.InsufficientData} {
		d, m := open(t), running()
		m.period = 15 * time.Minute
		m.on = []cloud.Window{{From: monday.AddDate(0, 0, -days), To: monday}}
		look(t, d, m, monday)
		if f, _ := judged(t, d, monday); f.Verdict != want || coverage(f) != float64(days)/30 {
			t.Errorf("%d days of samples: %s with coverage %g, %+v; want %s", days, f.Verdict, coverage(f), f.Reasons, want)
		}
	}
	// Of a machine resized twenty days ago there are twenty days.
	d, m := open(t), running()
	m.period = 15 * time.Minute
	m.resource.ResizedAt = monday.AddDate(0, 0, -20)
	look(t, d, m, monday)
	if f, _ := judged(t, d, monday); valueOf(f, analyzer.CodeHistoryBelow) != 20 {
		t.Errorf("resized twenty days ago: %s %+v; want 20 days of history", f.Verdict, f.Reasons)
	}
}

// A machine that was off long before anybody looked is off since its last
// sample, not since the first look.
func TestAuditOffSinceBeforeFirstLook(t *testing.T) {
	for name, c := range map[string]struct {
		on      []cloud.Window
		days    float64
		verdict analyzer.Verdict
	}{
		"silent since before the window": {[]cloud.Window{{From: monday.AddDate(0, 0, -60), To: monday.AddDate(0, 0, -40)}}, 40, analyzer.Idle},
		"silent within the window":       {[]cloud.Window{{From: monday.AddDate(0, 0, -60), To: monday.AddDate(0, 0, -12)}}, 12, analyzer.InsufficientData},
		"never a sample":                 {nil, 60, analyzer.Idle},
	} {
		t.Run(name, func(t *testing.T) {
			d, m := open(t), running()
			m.resource.Status, m.on = cloud.PoweredOff, c.on
			look(t, d, m, monday)
			f, a := judged(t, d, monday)
			got := valueOf(f, analyzer.CodePoweredOffDays)
			if f.Verdict != c.verdict || got < c.days || got > c.days+0.01 {
				t.Errorf("%s, off for %g days; want %s for %g", f.Verdict, got, c.verdict, c.days)
			}
			if released := len(a.Recommendations) == 1; released != (c.verdict == analyzer.Idle) {
				t.Errorf("%d recommendations", len(a.Recommendations))
			}
		})
	}
}

// Confirmation counts weeks, not runs: an audit repeated changes nothing.
func TestAuditTwice(t *testing.T) {
	d, m := open(t), running()
	look(t, d, m, monday)
	_, first := judged(t, d, monday)
	_, second := judged(t, d, monday)
	first.Journal, second.Journal = audit.JournalHead{}, audit.JournalHead{} // each has its own
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second audit differs:\n%s", diff)
	}
}

// A cloud that the configuration no longer names stays stored and is judged no
// longer: its disks must not be recommended for ever.
func TestAuditLeavesOutCloudsNoLongerNamed(t *testing.T) {
	d, m := open(t), running()
	look(t, d, m, monday)
	pack, _ := policies.ByID(policies.DefaultID)
	_, err := d.Audit(context.Background(), AuditOptions{Clouds: []string{"b"}, Pack: pack, Book: price.Example(), Now: monday, Location: time.UTC})
	if !errors.Is(err, ErrNothing) {
		t.Errorf("audit of a cloud of which nothing is stored: %v, want %v", err, ErrNothing)
	}
	if _, others, err := d.Inventories([]string{"b"}); err != nil || !slices.Equal(others, []string{"a"}) {
		t.Errorf("left out: %v (%v), want a", others, err)
	}
}

// Advice is confirmed by audits of weeks that follow one another; a week
// without one begins anew.
func TestAuditConfirmsWeekByWeek(t *testing.T) {
	for _, c := range []struct {
		name  string
		weeks int
		want  int
	}{
		{"a week later", 1, 2},
		{"two weeks later", 2, 1},
	} {
		d, m := open(t), running()
		m.on = []cloud.Window{{From: monday.AddDate(0, 0, -60), To: monday.AddDate(0, 0, 30)}}
		look(t, d, m, monday)
		judged(t, d, monday)
		later := monday.AddDate(0, 0, 7*c.weeks)
		look(t, d, m, later)
		_, a := judged(t, d, later)
		if len(a.Recommendations) != 1 || a.Recommendations[0].ConsecutiveRuns != c.want {
			t.Errorf("%s: %+v, want one recommendation of run %d", c.name, a.Recommendations, c.want)
		}
	}
}

// An audit made while the clock ran a year ahead does not hide those made since.
func TestLatestAuditAfterClockRanAhead(t *testing.T) {
	d := open(t)
	now := time.Now().UTC().Truncate(time.Second)
	for _, step := range []struct {
		what      string
		put, want time.Time
	}{
		{"the clock is a year ahead", now.AddDate(1, 0, 0), now.AddDate(1, 0, 0)},
		{"it is set right", now.AddDate(0, 0, -7), now.AddDate(0, 0, -7)},
		{"--now names next week", now.AddDate(0, 0, 7), now.AddDate(0, 0, 7)},
	} {
		if _, err := d.State.PutAudit(audit.Audit{AsOf: step.put}, journal.New(t.Context(), time.Now(), journal.AuditDone, AuditObject(time.Now()))); err != nil {
			t.Fatal(err)
		}
		if a, ok, err := d.LatestAudit(); err != nil || !ok || !a.AsOf.Equal(step.want) {
			t.Errorf("%s: the latest audit is of %v, want %v: %v %v", step.what, a.AsOf, step.want, ok, err)
		}
	}
}
