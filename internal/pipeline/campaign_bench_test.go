package pipeline

import (
	"fmt"
	"testing"
	"time"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/internal/journal"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/price"
	"yunjian/recommender"
)

// A province's campaign: 100,000 resources of 2,000 departments, half of them advised to
// be released. Each step is a metric of its own, in seconds; run it once
// (-benchtime 1x).
func BenchmarkCampaign(b *testing.B) {
	b.Run("10000", func(b *testing.B) { campaign(b, 10_000, 200, 5_000) })
	b.Run("100000", func(b *testing.B) { campaign(b, 100_000, 2_000, 50_000) })
}

func campaign(b *testing.B, resources, departments, advised int) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	w, ok := notice.WorkflowByID(notice.DefaultWorkflow)
	if !ok {
		b.Fatal("no workflow")
	}
	department := func(i int) string { return fmt.Sprintf("单位%04d", i%departments) }
	fleet := func(from, n int) (out []cloud.Resource) {
		for i := from; i < from+n; i++ {
			out = append(out, cloud.Resource{
				ID: fmt.Sprintf("i-%06d", i), Kind: cloud.Instance, Name: fmt.Sprintf("业务系统-%06d", i), Account: "province", Region: "cn-hangzhou-gov", Zone: "a", InstanceType: "ecs.g6.xlarge",
				VCPU: 4, MemoryGiB: 16, Status: cloud.Running, ChargeType: cloud.Postpaid, CreatedAt: now.AddDate(-2, 0, 0), Department: department(i), Application: fmt.Sprintf("应用%05d", i%8000), PrivateIP: "10.0.0.1",
			})
		}
		return out
	}
	inventory := func(at time.Time, of []cloud.Resource) cloud.Inventory {
		return cloud.Inventory{Cloud: "province", TakenAt: at, Resources: of, Scopes: []cloud.Scope{{Account: "province", Region: "cn-hangzhou-gov", Kind: cloud.Instance, Complete: true}}}
	}
	value, limit := 1.2, 3.0
	reasons := []analyzer.Reason{
		{Code: "below", Metric: cloud.CPUPercent, Statistic: "p95", Value: &value, Limit: &limit, Unit: cloud.Percent},
		{Code: "below", Metric: cloud.MemoryPercent, Statistic: "p95", Value: &value, Limit: &limit, Unit: cloud.Percent},
		{Code: "below", Metric: cloud.NetworkInBPS, Statistic: "max", Value: &value, Limit: &limit},
	}
	saving, err := price.NewAmount("7296.00", "CNY")
	if err != nil {
		b.Fatal(err)
	}
	a := audit.Audit{AsOf: now.Add(-time.Hour)}
	for i, r := range fleet(0, resources) {
		f := analyzer.Finding{ResourceID: r.ID, Kind: r.Kind, Verdict: analyzer.Idle, Rule: "idle", Coverage: &value, Reasons: reasons}
		a.Findings = append(a.Findings, f)
		if i < advised {
			a.Recommendations = append(a.Recommendations, recommender.Recommendation{
				ID: "rec-" + r.ID, ResourceID: r.ID, Kind: r.Kind, Name: r.Name, Department: r.Department, Application: r.Application, Action: recommender.Release, Rule: "idle",
				Current: recommender.Spec{VCPU: 4, MemoryGiB: 16}, AnnualSaving: saving, SavingKnown: true, Currency: "CNY", PriceBook: "example@1", Ready: true, ConsecutiveRuns: 3, Reasons: reasons,
				Risk: recommender.Risk{HarmProbability: 0.01, Grade: "A", Exceeded: 1, Compared: 400},
			})
		}
	}
	for b.Loop() {
		d, err := Open(b.TempDir(), time.UTC)
		if err != nil {
			b.Fatal(err)
		}
		step := func(name string, f func() error) {
			b.Helper()
			start := time.Now()
			if err := f(); err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			b.ReportMetric(time.Since(start).Seconds(), name+"-s")
		}
		put := func(inv cloud.Inventory) error {
			booking := d.Booking(func() (price.Book, error) { return price.Example(), nil }, time.UTC)
			_, _, err := d.State.PutInventory(inv, booking, d.entry(b.Context(), journal.InventoryStored, journal.Object{Type: "cloud", ID: "province"}))
			return err
		}
		if err := put(inventory(now.AddDate(0, -1, 0), fleet(0, resources))); err != nil {
			b.Fatal(err)
		}
		o := CaseOptions{Workflow: w, Calendar: calendar.Builtin(), Now: now}
		step("store-audit", func() error {
			_, err := d.State.PutAudit(a, d.entry(b.Context(), journal.AuditDone, journal.Object{Type: "audit"}))
			return err
		})
		step("audit-to-cases", func() error {
			synced, err := d.SyncCases(b.Context(), o)
			if err == nil && len(synced.Opened) != advised {
				err = fmt.Errorf("%d cases", len(synced.Opened))
			}
			return err
		})
		cases, err := d.State.Cases()
		if err != nil {
			b.Fatal(err)
		}
		admin := notice.Actor{ID: "zhang", Role: notice.Cloudadmin}
		var ids []string
		own := "" // a case of the department that is written to
		for _, c := range cases {
			ids = append(ids, c.ID)
			if c.Department == department(0) {
				own = c.ID
			}
		}
		step("confirm-all", func() error {
			_, _, err := d.StepCases(b.Context(), o, ids, notice.Event{Name: "confirm", By: admin, At: now})
			return err
		})
		step("draft-all", func() error {
			_, _, err := d.StepCases(b.Context(), o, ids, notice.Event{Name: "draft", By: admin, At: now})
			return err
		})
		draft := notice.Draft{Number: notice.DocumentNumber{Prefix: "浙财云通"}, Issuer: "浙江省财政厅", Signer: "张三", Contacts: []notice.Contact{{Name: "李四", Phone: "0571-00000000"}}}
		step("issue-one", func() error {
			_, _, err := d.IssueNotice(b.Context(), o, draft, department(0), notice.Actor{ID: "li", Role: notice.Supervisor})
			return err
		})
		step("issue-all", func() error {
			return d.IssueAll(b.Context(), o, draft, notice.Actor{ID: "li", Role: notice.Supervisor}, func(department string, _ notice.Notice, _ []notice.Case, err error) {
				if err != nil {
					b.Fatalf("%s: %v", department, err)
				}
			})
		})
		step("step-one", func() error {
			_, _, err := d.StepCases(b.Context(), o, []string{own}, notice.Event{Name: "receive", By: notice.Actor{ID: "wang", Role: notice.Dept, Department: department(0)}, At: now})
			return err
		})
		step("reconcile-few", func() error { return put(inventory(now.Add(24*time.Hour), fleet(100, resources-100))) })
		step("reconcile-the-rest", func() error { return put(inventory(now.Add(48*time.Hour), fleet(advised, resources-advised))) })
		step("reconcile-verify", func() error { return put(inventory(now.Add(73*time.Hour), fleet(advised, resources-advised))) })
		step("reconcile-same", func() error { return put(inventory(now.Add(97*time.Hour), fleet(advised, resources-advised))) })
		step("tally-of-a-year", func() error {
			entries, err := d.State.Ledger()
			if err != nil {
				return err
			}
			p, err := ledger.ParsePeriod("2026", time.UTC)
			ledger.Tally(entries, ledger.Query{Period: p, By: []ledger.By{ledger.ByDepartment, ledger.ByMonth}})
			return err
		})
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
