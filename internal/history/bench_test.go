package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"yunjian/cloud"
	"yunjian/utilization"
)

var benchMetrics = []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent}

// load is generated utilization: a daily shape, autocorrelated noise, two
// decimals.
func load(seed uint64, n int) []cloud.Point {
	random := rand.New(rand.NewPCG(seed, 99))
	base, swing, spread := 5+40*random.Float64(), 20*random.Float64(), 0.2+random.Float64()
	drift := 0.0
	out := make([]cloud.Point, n)
	for i := range out {
		drift = 0.9*drift + spread*random.NormFloat64()
		v := base + swing*math.Sin(2*math.Pi*float64(i)/288) + drift
		out[i] = cloud.Point{T: monday.Unix() + int64(i)*300, V: math.Round(min(max(v, 0), 100)*100) / 100}
	}
	return out
}

func discard(b *testing.B, path string) *Store {
	b.Helper()
	s, err := Open(path, Options{Location: china})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkAppendCycle commits one collection cycle of a whole province:
// 100,000 instances, three metrics, one sample each.
func BenchmarkAppendCycle(b *testing.B) {
	path := filepath.Join(b.TempDir(), "history.db")
	s := discard(b, path)
	const instances = 100_000
	random := rand.New(rand.NewPCG(1, 2))
	batch := make([]cloud.Series, 0, instances*len(benchMetrics))
	for i := range instances {
		for _, m := range benchMetrics {
			batch = append(batch, series(fmt.Sprintf("i-%06d", i), m, cloud.Point{V: math.Round(100*min(100, max(0, 20+10*random.NormFloat64()))) / 100}))
		}
	}
	at := monday.Unix()
	cycle := func() {
		for i := range batch {
			batch[i].Points[0].T = at
		}
		at += 300
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	cycle() // the first names everything
	for b.Loop() {
		cycle()
	}
	n := float64(b.N) * float64(len(batch))
	b.ReportMetric(n/b.Elapsed().Seconds()/1e6, "Msamples/s")
	if info, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(info.Size())/(n+float64(len(batch))), "B/sample")
	}
}

// benchFolder holds benchFile, if any benchmark made it, until TestMain ends.
var benchFolder string

// benchFile is 1,000 instances × 3 metrics × 30 days, folded: made once for all
// benchmarks that read it.
var benchFile = sync.OnceValues(func() (string, error) {
	var err error
	if benchFolder, err = os.MkdirTemp("", "history-bench"); err != nil {
		return "", err
	}
	path := filepath.Join(benchFolder, "history.db")
	s, err := Open(path, Options{Location: china})
	if err != nil {
		return "", err
	}
	defer s.Close()
	for i := range 1000 {
		var batch []cloud.Series
		for j, m := range benchMetrics {
			batch = append(batch, series(fmt.Sprintf("i-%04d", i), m, load(uint64(i*3+j), benchDays*288)...))
		}
		if err := s.Append(batch); err != nil {
			return "", err
		}
		if i%100 == 99 {
			if err := s.fold(background, monday.AddDate(0, 0, 100)); err != nil {
				return "", err
			}
		}
	}
	return path, s.Compact(background)
})

const benchDays = 30

func BenchmarkScan(b *testing.B) {
	path, err := benchFile()
	if err != nil {
		b.Fatal(err)
	}
	s := discard(b, path)
	stats, err := s.Stats(background)
	if err != nil {
		b.Fatal(err)
	}
	q := Query{Spans: []Span{{cloud.Window{From: monday, To: monday.AddDate(0, 0, benchDays)}, benchMetrics}}}
	n := 0
	for b.Loop() {
		err := Scan(background, s, q, func(_ string, u []map[cloud.Metric]utilization.Summary) (int, error) {
			n := 0
			for _, x := range u[0] {
				n += x.Samples
				_ = x.Quantile(0.95) + x.Quantile(0.99) + x.Max
			}
			return n, nil
		}, func(samples int) error {
			n += samples
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Msamples/s")
	b.ReportMetric(stats.BytesPerSample, "B/sample")
}

func BenchmarkFoldDay(b *testing.B) {
	n := 0
	for b.Loop() {
		b.StopTimer()
		s := discard(b, filepath.Join(b.TempDir(), "history.db"))
		batch := make([]cloud.Series, 0, 3000)
		for i := range 1000 {
			for j, m := range benchMetrics {
				batch = append(batch, series(fmt.Sprintf("i-%04d", i), m, load(uint64(i*3+j), 288)...))
			}
		}
		if err := s.Append(batch); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := s.Fold(background, monday.Add(26*time.Hour)); err != nil {
			b.Fatal(err)
		}
		n += 3000 * 288
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Msamples/s")
}

func BenchmarkPeaks(b *testing.B) {
	path, err := benchFile()
	if err != nil {
		b.Fatal(err)
	}
	s := discard(b, path)
	names, err := s.resources()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Peaks(background, names, benchMetrics, cloud.Window{From: monday.AddDate(-1, 0, 0), To: monday.AddDate(0, 0, 30)}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode reads a month of one series in each way that suits percentages,
// so that what is read sooner can be held against what it costs in bytes. The tag
// noasm leaves out the library's assembly, as on loong64.
func BenchmarkDecode(b *testing.B) {
	enc, dec := newEncoder(zstd.SpeedDefault), newDecoder()
	defer dec.z.Close()
	const n = spanDays * 288
	columns := map[string][][]byte{}
	for i := range 64 {
		v := make([]float64, 0, n)
		for _, p := range load(uint64(i), n) {
			v = append(v, p.V)
		}
		x := &enc.column
		enc.analyse(x, v, true)
		if data, ok := enc.appendHuffman(nil, x, packHuffman, x.coarse); ok {
			columns["huffman"] = append(columns["huffman"], data)
		}
		columns["rans"] = append(columns["rans"], enc.appendTokens(nil, x))
		columns["planes"] = append(columns["planes"], enc.appendPlanes(nil, x))
	}
	for _, way := range []string{"huffman", "rans", "planes"} {
		b.Run(way, func(b *testing.B) {
			size := 0
			for _, data := range columns[way] {
				size += len(data)
			}
			for b.Loop() {
				for _, data := range columns[way] {
					if c, err := dec.values(data, n, true, nil); err != nil || c.hundredths == nil {
						b.Fatal(err)
					}
				}
			}
			samples := float64(n * len(columns[way]))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/samples, "ns/sample")
			b.ReportMetric(float64(size)/samples, "B/sample")
		})
	}
}
