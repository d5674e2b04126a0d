package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"yunjian/cloud"
	"yunjian/internal/config"
	"yunjian/internal/estate"
	"yunjian/internal/pipeline"
	"yunjian/internal/simcloud"
)

// TestBillJob: the daemon reads what is due, says and counts what it did, calls nobody
// when nothing is, and goes on without where the permission is missing.
func TestBillJob(t *testing.T) {
	world := estate.New(estate.Options{Instances: 10, Days: 3, Seed: 9, End: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)})
	machine := slices.IndexFunc(world.Inventory(world.End()).Resources, func(r cloud.Resource) bool {
		return r.Kind == cloud.Instance && r.ChargeType == cloud.Postpaid && world.End().Sub(r.CreatedAt) > 90*24*time.Hour
	})
	gone := world.Inventory(world.End()).Resources[machine].ID
	released := simcloud.Releasing(world, map[string]time.Time{gone: world.End().Add(-time.Hour)})
	options := simcloud.Options{Credentials: map[string]string{demoKey: demoSecret}, Quotas: simcloud.Unlimited()}
	sim := simcloud.New(released, options)
	var unreadable atomic.Bool // October's bill
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unreadable.Load() && r.URL.Query().Get("BillingCycle") == "2026-10" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"Code":"InvalidParameter","Message":"no such cycle","Success":false}`)
			return
		}
		sim.ServeHTTP(w, r)
	}))
	defer server.Close()
	options.Denied = []string{"DescribeInstanceBill"}
	denied := httptest.NewServer(simcloud.New(released, options))
	defer denied.Close()

	path := billedCloud(t, server.URL)
	for _, at := range []time.Time{world.End().Add(-2 * time.Hour), world.End()} {
		sim.SetNow(at)
		mustRun(t, "collect", "--config", path, "--since", "1h", "--now", at.Format(time.RFC3339))
	}
	later := time.Date(2027, 1, 4, 4, 40, 0, 0, time.FixedZone("UTC+8", 8*3600))
	sim.SetNow(later)
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pipeline.Open(cfg.DataDir, cfg.Location)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	d, err := newDaemon(cfg, data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	d.now = func() time.Time { return later }
	job := func(cfg config.Config) bool {
		return slices.ContainsFunc(d.jobTable(cfg), func(j pipeline.Job) bool { return j.Name == "bills" })
	}
	if !job(cfg) || job(config.Default()) {
		t.Error("the job is for those who have bills read, and for no others")
	}

	refused := cfg
	refused.Clouds = slices.Clone(cfg.Clouds)
	refused.Clouds[0].Endpoint = denied.URL
	d.cfg = refused
	if said, err := d.bills(t.Context()); err == nil || !strings.Contains(err.Error(), "bss:DescribeInstanceBill") || said != "" {
		t.Errorf("without permission: %q, %v", said, err)
	}
	if bills, err := data.State.Bills(); err != nil || len(bills) > 0 {
		t.Errorf("without permission %d bills are kept, %v", len(bills), err)
	}
	d.cfg = cfg
	unreadable.Store(true)
	if said, err := d.bills(t.Context()); err == nil || !strings.Contains(err.Error(), "2026-10") || !strings.Contains(said, "a  2026-12") || !strings.Contains(said, "corrected 0") {
		t.Errorf("a month that cannot be read: %q, %v", said, err)
	}
	unreadable.Store(false)
	said, err := d.bills(t.Context())
	if err != nil || !strings.Contains(said, "a  2026-10") || strings.Contains(said, "a  2026-12") || !strings.Contains(said, "verified 0，更正 corrected ") || strings.HasSuffix(said, "corrected 0") {
		t.Errorf("%q, %v", said, err)
	}
	before := sim.Actions()["DescribeInstanceBill"]
	if said, err := d.bills(t.Context()); err != nil || said != noBillDue || sim.Actions()["DescribeInstanceBill"] != before {
		t.Errorf("a second time: %q, %v, %d calls more", said, err, sim.Actions()["DescribeInstanceBill"]-before)
	}
	// The two that were refused are counted, too.
	calls, err := data.State.Calls("a", "2027-01")
	if err != nil || calls["DescribeInstanceBill"] != before+2 {
		t.Errorf("counted %v, %v; want %d", calls, err, before+2)
	}
}
