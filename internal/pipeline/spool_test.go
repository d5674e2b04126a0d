package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
)

// herd is a source of n machines that delivers a batch a machine.
type herd struct {
	n      int
	points int   // a machine
	fail   error // after the last batch
	seen   func(delivered int)
}

func (h herd) Inventory(_ context.Context, now time.Time) (cloud.Inventory, error) {
	inv := cloud.Inventory{TakenAt: now, Scopes: []cloud.Scope{{Kind: cloud.Instance, Complete: true}}}
	for i := range h.n {
		inv.Resources = append(inv.Resources, cloud.Resource{ID: fmt.Sprintf("i-%03d", i), Kind: cloud.Instance, Status: cloud.Running})
	}
	return inv, nil
}

func (h herd) Collect(_ context.Context, req collector.Request, deliver func(collector.Batch) error) (collector.Result, error) {
	for i, r := range req.Inventory.Resources {
		s := cloud.Series{Resource: r.ID, Metric: cloud.CPUPercent}
		for j := range h.points {
			s.Points = append(s.Points, cloud.Point{T: req.Now.Add(-time.Duration(j) * 5 * time.Minute).Unix(), V: 1})
		}
		err := deliver(collector.Batch{
			Series:       []cloud.Series{s},
			Observations: []cloud.Observation{{Resource: r.ID, Metric: cloud.CPUPercent, Availability: cloud.Observed, Through: req.Now}},
		})
		if err != nil {
			return collector.Result{}, err
		}
		if h.seen != nil {
			h.seen(i + 1)
		}
	}
	return collector.Result{Samples: h.n * h.points}, h.fail
}

func samples(t *testing.T, d *Data) int64 {
	t.Helper()
	s, err := d.History.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s.Samples
}

// A steady cycle is stored in one transaction at its end, however many batches
// it came in.
func TestCycleIsOneTransaction(t *testing.T) {
	d := open(t)
	h := herd{n: 40, points: 1}
	h.seen = func(delivered int) {
		if n := samples(t, d); n != 0 {
			t.Fatalf("%d samples are stored after %d of 40 batches", n, delivered)
		}
	}
	if _, err := d.Collect(context.Background(), "a", h, CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Now: monday}); err != nil {
		t.Fatal(err)
	}
	if n := samples(t, d); n != 40 {
		t.Errorf("%d samples are stored, want 40", n)
	}
}

// A long read is stored on the way, and what was delivered before it broke off
// is kept.
func TestLongReadIsStoredOnTheWay(t *testing.T) {
	d := open(t)
	broken := errors.New("the line went dead")
	h := herd{n: 40, points: 9000, fail: broken}
	most := int64(0)
	h.seen = func(delivered int) {
		if held := int64(delivered)*9000 - samples(t, d); held > most {
			most = held
		}
	}
	_, err := d.Collect(context.Background(), "a", h, CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Now: monday})
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	if most >= spoolPoints {
		t.Errorf("up to %d samples were held back, want fewer than %d", most, spoolPoints)
	}
	if n := samples(t, d); n != 40*9000 {
		t.Errorf("%d samples are stored, want %d", n, 40*9000)
	}
	known, err := d.State.Observations("a")
	if err != nil || len(known) != 40 {
		t.Errorf("%d machines are marked as read (%v), want 40", len(known), err)
	}
}
