package estate

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector/bundle"
)

// figures are the statistics of one series, or their means over several.
type figures struct {
	mean, p50, p95, max float64
	lag1, lag288        float64 // autocorrelation at five minutes and at a day
	weekday             float64 // mean of weekdays over mean of weekends; NaN: no calendar
	entropy             float64 // bits a step of the differences of values with two decimals
	n                   int
}

// describe measures points; calendar says that their times are real.
func describe(points []cloud.Point, calendar bool) figures {
	v := make([]float64, len(points))
	var week, weekend, nWeek, nWeekend float64
	for i, p := range points {
		v[i] = p.V
		switch time.Unix(p.T+utc8, 0).UTC().Weekday() {
		case time.Saturday, time.Sunday:
			weekend += p.V
			nWeekend++
		default:
			week += p.V
			nWeek++
		}
	}
	f := figures{n: 1, weekday: math.NaN()}
	if calendar && nWeek > 0 && weekend > 0 {
		f.weekday = (week / nWeek) / (weekend / nWeekend)
	}
	sorted := slices.Sorted(slices.Values(v))
	quantile := func(q float64) float64 {
		rank := q * float64(len(sorted)-1)
		i := int(rank)
		if i+1 == len(sorted) {
			return sorted[i]
		}
		return sorted[i] + (sorted[i+1]-sorted[i])*(rank-float64(i))
	}
	for _, x := range v {
		f.mean += x
	}
	f.mean /= float64(len(v))
	f.p50, f.p95, f.max = quantile(0.5), quantile(0.95), sorted[len(sorted)-1]
	f.lag1, f.lag288 = autocorrelation(points, f.mean, Step), autocorrelation(points, f.mean, day)
	f.entropy = entropy(v)
	return f
}

// autocorrelation compares samples that lie exactly lag seconds apart.
func autocorrelation(points []cloud.Point, mean float64, lag int64) float64 {
	var num, den float64
	j, n := 0, 0
	for _, p := range points {
		den += (p.V - mean) * (p.V - mean)
		for points[j].T < p.T-lag {
			j++
		}
		if points[j].T == p.T-lag {
			num += (p.V - mean) * (points[j].V - mean)
			n++
		}
	}
	if den == 0 || n == 0 {
		return math.NaN()
	}
	return num / float64(n) / (den / float64(len(points)))
}

func entropy(v []float64) float64 {
	count := map[int]int{}
	for i := 1; i < len(v); i++ {
		count[int(math.Round((v[i]-v[i-1])*100))]++
	}
	h := 0.0
	for _, n := range count {
		p := float64(n) / float64(len(v)-1)
		h -= p * math.Log2(p)
	}
	return h
}

// average means figures; NaN counts for nothing, max is the mean of maxima.
func average(all []figures) figures {
	mean := func(get func(figures) float64) float64 {
		sum, n := 0.0, 0.0
		for _, f := range all {
			if x := get(f); !math.IsNaN(x) {
				sum += x
				n++
			}
		}
		return sum / n
	}
	return figures{
		mean(func(f figures) float64 { return f.mean }), mean(func(f figures) float64 { return f.p50 }),
		mean(func(f figures) float64 { return f.p95 }), mean(func(f figures) float64 { return f.max }),
		mean(func(f figures) float64 { return f.lag1 }), mean(func(f figures) float64 { return f.lag288 }),
		mean(func(f figures) float64 { return f.weekday }), mean(func(f figures) float64 { return f.entropy }), len(all),
	}
}

func (f figures) row(name string) string {
	cell := func(x float64) string {
		if math.IsNaN(x) {
			return "–"
		}
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return fmt.Sprintf("| %-22s | %4d | %6s | %6s | %6s | %6s | %5s | %5s | %5s | %5s |", name, f.n,
		cell(f.mean), cell(f.p50), cell(f.p95), cell(f.max), cell(f.lag1), cell(f.lag288), cell(f.weekday), cell(f.entropy))
}

const header = "| series                 |    n |   mean |    p50 |    p95 |    max | lag 1 | a day | wd/we |  bits |\n" +
	"| ---------------------- | ---: | -----: | -----: | -----: | -----: | ----: | ----: | ----: | ----: |"

// traces returns the folder of real traces, or skips the part by name.
func traces(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("YUNJIAN_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "traces")
	}
	dir = filepath.Join(dir, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s trace not present: %v", name, err)
	}
	return dir
}

// TestShapes sets the statistics of the shapes beside those of real traces;
// run with -v it prints the tables of docs/estate.md.
func TestShapes(t *testing.T) {
	e := New(Options{Instances: 300, Seed: 1})
	from, to := e.Start().Unix(), e.End().Unix()
	t.Run("estate", func(t *testing.T) {
		classes := map[Class][]figures{}
		var all []figures
		for _, r := range e.Inventory(e.End()).Resources {
			points := e.Samples(r.ID, cloud.CPUPercent, from, to)
			if r.Kind != cloud.Instance || len(points) < 2*288 {
				continue
			}
			f := describe(points, true)
			all = append(all, f)
			classes[Class(e.Class(r.ID))] = append(classes[Class(e.Class(r.ID))], f)
		}
		total := average(all)
		t.Log("CPU, percent\n" + header + "\n" + total.row("estate, 300 instances"))
		for _, c := range Classes() {
			t.Log("\n" + average(classes[c]).row(string(c)))
		}
		if total.mean < 8 || total.mean > 16 {
			t.Errorf("mean CPU of the estate is %.1f %%, want 8 to 16 as audits of government clouds find", total.mean)
		}
		if total.lag1 < 0.4 || total.lag1 > 0.95 {
			t.Errorf("autocorrelation at one step is %.2f, want 0.4 to 0.95 as in real traces", total.lag1)
		}
		for class, check := range map[Class]func(figures) bool{
			Idle:        func(f figures) bool { return f.p95 < 5 && f.max < 20 },
			Padded:      func(f figures) bool { return f.mean > 15 && math.Abs(f.weekday-1) < 0.1 },
			Office:      func(f figures) bool { return f.weekday > 1.4 && f.lag288 > 0.3 },
			Busy:        func(f figures) bool { return f.p95 > 55 },
			MemoryBound: func(f figures) bool { return f.p95 < 30 },
			Spiky:       func(f figures) bool { return f.max > 40 && f.p50 < 12 },
			Batch:       func(f figures) bool { return f.p50 < 6 && f.max > 50 },
		} {
			if f := average(classes[class]); !check(f) {
				t.Errorf("%s does not look it: %+v", class, f)
			}
		}
	})
	if !testing.Verbose() {
		return // the rest only prints
	}
	for _, m := range cloud.Metrics()[1:] {
		var all []figures
		for _, r := range e.Inventory(e.End()).Resources {
			if points := e.Samples(r.ID, m, from, to); r.Kind == cloud.Instance && len(points) >= 2*288 {
				all = append(all, describe(points, true))
			}
		}
		t.Log("\n" + average(all).row("estate "+string(m)))
	}
	t.Run("vm407", func(t *testing.T) {
		b, err := bundle.Open(traces(t, "vm407"))
		if err != nil {
			t.Fatal(err)
		}
		all := map[cloud.Metric][]figures{}
		for i, r := range b.Inventory().Resources {
			if i%4 != 0 {
				continue // every fourth machine says as much
			}
			samples, err := b.Samples(r.ID)
			if err != nil {
				t.Fatal(err)
			}
			for m, points := range samples {
				if len(points) >= 2*288 {
					all[m] = append(all[m], describe(points, true))
				}
			}
		}
		for _, m := range cloud.Metrics() {
			if len(all[m]) > 0 {
				t.Log("\n" + average(all[m]).row("vm407 "+string(m)))
			}
		}
	})
	t.Run("azure10", func(t *testing.T) {
		dir := traces(t, "azure10")
		var all []figures
		for i := 1; i <= 10; i++ {
			all = append(all, describe(readTrace(t, filepath.Join(dir, fmt.Sprintf("%d.csv.gz", i)), 3), false))
		}
		t.Log("\n" + average(all).row("azure10 CPU"))
	})
	t.Run("nab", func(t *testing.T) {
		files, err := filepath.Glob(filepath.Join(traces(t, "nab"), "ec2_cpu_utilization_*.csv"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no EC2 CPU series: %v", err)
		}
		var all []figures
		for _, file := range files {
			all = append(all, describe(readTrace(t, file, 1), true))
		}
		t.Log("\n" + average(all).row("nab EC2 CPU"))
	})
}

// readTrace reads time and one column of a CSV file, rounded to the two
// decimals that a cloud would show.
func readTrace(t *testing.T, file string, column int) []cloud.Point {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []cloud.Point
	for _, row := range rows[1:] {
		at, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil {
			clock, err := time.Parse(time.DateTime, row[0])
			if err != nil {
				t.Fatal(err)
			}
			at = clock.Unix()
		}
		v, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) == 0 || out[len(out)-1].T < at {
			out = append(out, cloud.Point{T: at, V: round2(v)})
		}
	}
	return out
}
