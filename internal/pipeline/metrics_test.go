package pipeline

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"yunjian/cloud"
)

// What is not known yet is absent from /metrics, never zero.
func TestMetricsAreAbsentUntilKnown(t *testing.T) {
	d, reg := open(t), prometheus.NewRegistry()
	m := NewMetrics(reg, d.History)
	named := func() []string {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range families {
			out = append(out, f.GetName())
		}
		return out
	}
	known := []string{"yunjian_history_samples", "yunjian_history_series"}
	for _, name := range append(known, "yunjian_audit_last_success_timestamp_seconds") {
		if slices.Contains(named(), name) {
			t.Errorf("%s is shown before anything is known of it", name)
		}
	}
	h := herd{n: 2, points: 3}
	if _, err := d.Collect(context.Background(), "a", h, CollectOptions{Metrics: []cloud.Metric{cloud.CPUPercent}, Now: monday}); err != nil {
		t.Fatal(err)
	}
	if err := m.Refresh(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	size := func() float64 {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "yunjian_history_bytes" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return math.NaN()
	}
	before := size()
	if err := d.History.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if file, err := os.Stat(filepath.Join(d.Dir, HistoryFile)); err != nil || size() != float64(file.Size()) || size() == before {
		t.Errorf("the file is shown with %v bytes before and %v after compaction: %v %v", before, size(), file, err)
	}
	for _, name := range known {
		if !slices.Contains(named(), name) {
			t.Errorf("%s is not shown although it is known", name)
		}
	}
}
