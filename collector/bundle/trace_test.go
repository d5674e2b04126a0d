package bundle

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
)

// vm407 returns the folder of the shared trace, or skips the test by name.
func vm407(t testing.TB) string {
	t.Helper()
	root := os.Getenv("YUNJIAN_TRACES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "traces")
	}
	dir := filepath.Join(root, "vm407")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("vm407 trace not present: %v", err)
	}
	return dir
}

func TestTraceVM407IsReadWhole(t *testing.T) {
	b, err := Open(vm407(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.Inventory().Resources); n != 407 {
		t.Errorf("resources: %d, want 407", n)
	}
	if got, want := b.End(), time.Date(2013, 9, 11, 13, 35, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("End: %v, want %v", got, want)
	}
	src := b.Source("trace")
	now := time.Date(2013, 9, 11, 13, 40, 0, 0, time.UTC)
	inv, err := src.Inventory(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	points, rows := 0, 0
	res, err := src.Collect(t.Context(), collector.Request{Inventory: inv, Metrics: b.Metrics(), Now: now, Since: now.Add(-31 * 24 * time.Hour)}, func(batch collector.Batch) error {
		for _, s := range batch.Series {
			points += len(s.Points)
			if s.Metric == cloud.CPUPercent {
				rows += len(s.Points)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// gzip -dc samples/*.gz | wc -l is 3,200,825, of which 407 are headers.
	if rows != 3_200_825-407 {
		t.Errorf("rows: %d, want %d", rows, 3_200_825-407)
	}
	if res.Samples != points || points != 6*rows {
		t.Errorf("samples: result says %d, delivered %d, want %d", res.Samples, points, 6*rows)
	}
	if len(res.Problems) != 0 {
		t.Errorf("problems: %+v", res.Problems)
	}
}

func BenchmarkTraceVM407(b *testing.B) {
	bundle, err := Open(vm407(b))
	if err != nil {
		b.Fatal(err)
	}
	samples := 0
	for b.Loop() {
		samples = 0
		var r sampleReader
		for _, res := range bundle.Inventory().Resources {
			s, err := r.read(bundle.dir, bundle.files[res.ID])
			if err != nil {
				b.Fatal(err)
			}
			for _, p := range s.points {
				samples += len(p)
			}
		}
	}
	b.ReportMetric(float64(samples)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Msamples/s")
}

func BenchmarkScanVM407(b *testing.B) {
	for b.Loop() {
		bundle, err := Open(vm407(b))
		if err != nil {
			b.Fatal(err)
		}
		if bundle.End().IsZero() {
			b.Fatal("no samples")
		}
	}
}
