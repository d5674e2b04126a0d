package utilization_test

import (
	stdcmp "cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/utilization"
)

var shanghai = time.FixedZone("UTC+8", 8*3600)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func every(step time.Duration, from time.Time, values ...float64) []cloud.Point {
	var out []cloud.Point
	for i, v := range values {
		out = append(out, cloud.Point{T: from.Add(time.Duration(i) * step).Unix(), V: v})
	}
	return out
}

func window(from, to string) cloud.Window { return cloud.Window{From: at(from), To: at(to)} }

// valueGenerator draws what sources give: two-decimal percentages, whole
// rates, odd floats.
func valueGenerator() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Map(rapid.Uint16Range(0, 10000), func(h uint16) float64 { return float64(h) / 100 }),
		rapid.Map(rapid.Uint16Range(0, 300), func(h uint16) float64 { return float64(h) / 100 }),
		rapid.Map(rapid.Int64Range(0, 1e11), func(n int64) float64 { return float64(n) }),
		rapid.Float64Range(-50, 200),
	)
}

func TestSummaryEqualsPlainSort(t *testing.T) {
	acc := utilization.NewAccumulator(shanghai) // reused: nothing may leak from one series to the next
	rapid.Check(t, func(t *rapid.T) {
		value := valueGenerator()
		if rapid.Bool().Draw(t, "percentages only") {
			value = rapid.Map(rapid.Uint16Range(0, 10000), func(h uint16) float64 { return float64(h) / 100 })
		}
		values := rapid.SliceOfN(value, 1, 900).Draw(t, "values")
		start := at("2026-11-01T00:00:00Z").Unix() + rapid.Int64Range(0, 7*86400).Draw(t, "start")
		var points []cloud.Point
		for _, v := range values {
			points = append(points, cloud.Point{T: start, V: v})
			start += rapid.SampledFrom([]int64{300, 300, 300, 300, 60, 17, 4000, 90000}).Draw(t, "step")
		}
		for _, p := range points {
			acc.Add(p.T, p.V)
		}
		s := acc.Summary(cloud.CPUPercent, cloud.Window{}, 100)

		sorted := slices.Clone(values)
		slices.Sort(sorted)
		if s.Samples != len(values) || s.Min != sorted[0] || s.Max != sorted[len(sorted)-1] {
			t.Fatalf("samples %d min %v max %v, want %d %v %v", s.Samples, s.Min, s.Max, len(values), sorted[0], sorted[len(sorted)-1])
		}
		for _, q := range []float64{0, 0.05, 0.5, 0.9, 0.95, 0.98, 0.99, 0.999, 1} {
			if got, want := s.Quantile(q), plainQuantile(sorted, q); got != want {
				t.Fatalf("quantile %v is %v, want %v", q, got, want)
			}
		}
		for _, x := range []float64{sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1], -1, 50} {
			n := 0
			for _, v := range values {
				if v > x {
					n++
				}
			}
			if got, want := s.ShareAbove(x), float64(n)/float64(len(values)); got != want {
				t.Fatalf("share above %v is %v, want %v", x, got, want)
			}
		}
		if mean := plainMean(values); math.Abs(s.Mean-mean) > 1e-9*(1+math.Abs(sorted[0])+math.Abs(sorted[len(sorted)-1])) {
			t.Fatalf("mean %v, want %v", s.Mean, mean)
		}
		checkDays(t, s.Days, points)
		checkHours(t, s.HourOfWeek, points)
	})
}

func plainQuantile(sorted []float64, q float64) float64 {
	rank := q * float64(len(sorted)-1)
	lo := sorted[int(math.Floor(rank))]
	hi := sorted[min(int(math.Floor(rank))+1, len(sorted)-1)]
	w := rank - math.Floor(rank)
	if lo == hi {
		return lo
	}
	return lo*(1-w) + hi*w
}

func plainMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) }

func checkDays(t *rapid.T, days []utilization.Day, points []cloud.Point) {
	byDay := map[string][]float64{}
	var order []string
	for _, p := range points {
		key := time.Unix(p.T, 0).In(shanghai).Format(time.DateOnly)
		if byDay[key] == nil {
			order = append(order, key)
		}
		byDay[key] = append(byDay[key], p.V)
	}
	if len(days) != len(order) {
		t.Fatalf("%d days, want %d", len(days), len(order))
	}
	for i, key := range order {
		d, values := days[i], byDay[key]
		sum := plainMean(values) * float64(len(values))
		mean := plainMean(values)
		slices.Sort(values)
		if d.Start.Format(time.RFC3339) != key+"T00:00:00+08:00" || d.Samples != len(values) || !near(d.Mean, mean) || !near(d.Sum, sum) ||
			d.P95 != plainQuantile(values, 0.95) || d.P98 != plainQuantile(values, 0.98) || d.P99 != plainQuantile(values, 0.99) || d.Max != values[len(values)-1] {
			t.Fatalf("day %s is %+v of %v", key, d, values)
		}
	}
}

func checkHours(t *rapid.T, hours [168]utilization.Hour, points []cloud.Point) {
	var values [168][]float64
	for _, p := range points {
		local := time.Unix(p.T, 0).In(shanghai)
		h := (int(local.Weekday())+6)%7*24 + local.Hour()
		values[h] = append(values[h], p.V)
	}
	for i, h := range hours {
		if len(values[i]) == 0 {
			if h != (utilization.Hour{}) {
				t.Fatalf("hour %d without samples is %+v", i, h)
			}
			continue
		}
		if h.Samples != len(values[i]) || !near(h.Mean, plainMean(values[i])) || h.Max != slices.Max(values[i]) {
			t.Fatalf("hour %d is %+v of %v", i, h, values[i])
		}
	}
}

// runGenerator draws hundredths as they come: anywhere, near one level, or
// seldom changing.
func runGenerator() *rapid.Generator[[]uint16] {
	return rapid.Custom(func(t *rapid.T) []uint16 {
		n := rapid.IntRange(1, 900).Draw(t, "length")
		level := rapid.Uint16Range(0, 10000).Draw(t, "level")
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			return rapid.SliceOfN(rapid.Uint16Range(0, 10000), n, n).Draw(t, "values")
		case 1:
			near := rapid.Uint16Range(max(level, 30)-30, min(level, 9970)+30)
			return rapid.SliceOfN(near, n, n).Draw(t, "values")
		default:
			values := slices.Repeat([]uint16{level}, n)
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				values[rapid.IntRange(0, n-1).Draw(t, "at")] = rapid.Uint16Range(0, 10000).Draw(t, "value")
			}
			return values
		}
	})
}

func TestRunEqualsSingleSamples(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	lordHowe, err := time.LoadLocation("Australia/Lord_Howe") // half an hour of summer time
	if err != nil {
		t.Fatal(err)
	}
	zones := []*time.Location{shanghai, berlin, lordHowe, time.FixedZone("", 5*3600+45*60)}
	var many []*utilization.Accumulator // reused
	for _, zone := range zones {
		many = append(many, utilization.NewAccumulator(zone))
	}
	midnight := at("2026-10-24T00:00:00+08:00").Unix() // clocks were put forward on 4 October, back on the 25th
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.IntRange(0, len(zones)-1).Draw(t, "zone")
		one, many := utilization.NewAccumulator(zones[zone]), many[zone]
		start := midnight + 300*rapid.Int64Range(-9000, 600).Draw(t, "slot") + rapid.SampledFrom([]int64{0, 0, 17}).Draw(t, "phase")
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			step := rapid.SampledFrom([]int64{300, 300, 300, 1, 60, 301, 900, 3600, 5000, 90000}).Draw(t, "step")
			values := runGenerator().Draw(t, "run")
			many.AddRun(start, step, values)
			for i, h := range values {
				one.Add(start+int64(i)*step, float64(h)/100)
			}
			start += int64(len(values)) * step
			start += rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, 100000)).Draw(t, "pause")
			if rapid.IntRange(0, 4).Draw(t, "other") == 0 {
				v := valueGenerator().Draw(t, "value")
				many.Add(start, v)
				one.Add(start, v)
				start++
			}
		}
		a := one.Summary(cloud.CPUPercent, cloud.Window{}, 7)
		b := many.Summary(cloud.CPUPercent, cloud.Window{}, 7)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Days of runs against a plain sort: what runs and single samples share could
// be wrong in both.
func TestDaysOfRunsEqualPlainSort(t *testing.T) {
	acc := utilization.NewAccumulator(shanghai)
	rapid.Check(t, func(t *rapid.T) {
		start := at("2026-11-01T00:00:00+08:00").Unix() + 300*rapid.Int64Range(0, 3000).Draw(t, "slot")
		values := runGenerator().Draw(t, "run")
		var points []cloud.Point
		for i, h := range values {
			points = append(points, cloud.Point{T: start + int64(i)*300, V: float64(h) / 100})
		}
		acc.AddRun(start, 300, values)
		s := acc.Summary(cloud.CPUPercent, cloud.Window{}, 7)
		checkDays(t, s.Days, points)
		checkHours(t, s.HourOfWeek, points)
		slices.SortFunc(points, func(a, b cloud.Point) int { return stdcmp.Compare(a.V, b.V) })
		i := 0
		s.Distribution.Each(func(v float64, n int) {
			for range n {
				if i >= len(points) || points[i].V != v {
					t.Fatalf("%d × %v do not follow %d smaller values", n, v, i)
				}
				i++
			}
		})
		if i != len(points) || s.Samples != i {
			t.Fatalf("%d of %d samples listed, %d counted", i, len(points), s.Samples)
		}
	})
}

func TestNoSampleKnowsNothing(t *testing.T) {
	s := utilization.Describe(nil, cloud.CPUPercent, window("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"), nil)
	if s.Samples != 0 || s.Expected != 288 || s.Coverage() != 0 || s.Days != nil {
		t.Errorf("summary of nothing: %+v", s)
	}
	if !math.IsNaN(s.Quantile(0.95)) || !math.IsNaN(s.ShareAbove(1)) {
		t.Errorf("quantile %v and share %v of nothing, want NaN", s.Quantile(0.95), s.ShareAbove(1))
	}
}

func TestOneSampleIsEveryQuantile(t *testing.T) {
	w := window("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
	s := utilization.Describe(every(0, w.From, 12.34), cloud.CPUPercent, w, nil)
	for _, q := range []float64{-1, 0, 0.5, 1, 2} {
		if s.Quantile(q) != 12.34 {
			t.Errorf("quantile %v is %v", q, s.Quantile(q))
		}
	}
	if s.Min != 12.34 || s.Max != 12.34 || s.Mean != 12.34 || !s.First.Equal(w.From) || !s.Last.Equal(w.From) {
		t.Errorf("summary of one sample: %+v", s)
	}
}

// A percentile of equal values must equal them: 0.07 × 0.35 + 0.07 × 0.65 does not.
func TestQuantileOfEqualValuesIsTheValue(t *testing.T) {
	w := window("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
	for _, v := range []float64{0, 0.07, 4.35, 5, 100, 123.456, 1e9} {
		values := slices.Repeat([]float64{v}, 288)
		s := utilization.Describe(every(utilization.Step, w.From, values...), cloud.CPUPercent, w, nil)
		if s.Quantile(0.95) != v || s.Quantile(0.99) != v || s.Days[0].P95 != v || s.ShareAbove(v) != 0 || s.Coverage() != 1 {
			t.Errorf("288 samples of %v: p95 %v, day's %v, share above %v, coverage %v", v, s.Quantile(0.95), s.Days[0].P95, s.ShareAbove(v), s.Coverage())
		}
	}
}

func TestWindowIsHalfOpen(t *testing.T) {
	w := window("2026-11-01T00:05:00Z", "2026-11-01T00:15:00Z")
	s := utilization.Describe(every(utilization.Step, at("2026-11-01T00:00:00Z"), 1, 2, 3, 4), cloud.CPUPercent, w, nil)
	if s.Samples != 2 || s.Min != 2 || s.Max != 3 || s.Expected != 2 {
		t.Errorf("samples at both bounds: %+v, want 2 and 3 only", s)
	}
}

func TestCoverage(t *testing.T) {
	w := window("2026-11-01T00:00:00Z", "2026-11-01T10:00:00Z")
	tests := []struct {
		name   string
		step   time.Duration
		values int
		want   float64
	}{
		{"every slot", 5 * time.Minute, 120, 1},
		{"half of the slots", 5 * time.Minute, 60, 0.5},
		{"every minute all along", time.Minute, 600, 1},
		{"every minute for half of the time is half", time.Minute, 300, 0.5},
		{"every quarter of an hour is a third", 15 * time.Minute, 40, 1. / 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := utilization.Describe(every(tt.step, w.From, make([]float64, tt.values)...), cloud.CPUPercent, w, nil)
			if math.Abs(s.Coverage()-tt.want) > 0.01 || s.Samples != tt.values {
				t.Errorf("coverage %v of %d samples, want %v of %d", s.Coverage(), s.Samples, tt.want, tt.values)
			}
		})
	}
}

func TestExpected(t *testing.T) {
	w := window("2026-11-01T00:00:00Z", "2026-11-01T10:00:00Z")
	hours := func(from, to int) cloud.Window {
		return cloud.Window{From: w.From.Add(time.Duration(from) * time.Hour), To: w.From.Add(time.Duration(to) * time.Hour)}
	}
	tests := []struct {
		name    string
		exclude []cloud.Window
		want    int
	}{
		{"nothing excluded", nil, 120},
		{"an hour in the middle", []cloud.Window{hours(2, 3)}, 108},
		{"overlapping spans count once", []cloud.Window{hours(4, 7), hours(2, 5)}, 60},
		{"a span within another", []cloud.Window{hours(2, 8), hours(3, 4)}, 48},
		{"reaching beyond the window", []cloud.Window{hours(-5, 1), hours(9, 20)}, 96},
		{"outside the window", []cloud.Window{hours(11, 12)}, 120},
		{"everything", []cloud.Window{hours(-1, 11)}, 0},
		{"upside down is nothing", []cloud.Window{hours(5, 3)}, 120},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := utilization.Expected(w, utilization.Step, tt.exclude...); got != tt.want {
				t.Errorf("expected %d, want %d", got, tt.want)
			}
		})
	}
}

func TestHourOfWeekBeginsMondayInTheLocation(t *testing.T) {
	w := window("2026-11-22T16:00:00Z", "2026-11-22T16:05:00Z") // Monday 00:00 in China
	s := utilization.Describe(every(utilization.Step, w.From, 3), cloud.CPUPercent, w, shanghai)
	if s.HourOfWeek[0].Samples != 1 || s.Days[0].Start.Weekday() != time.Monday {
		t.Errorf("Monday 00:00 in China is not hour 0: %+v, day %v", s.HourOfWeek[0], s.Days[0].Start)
	}
}

func TestDaysOfSummerTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data")
	}
	// The clock is put back on 25 October 2026: that day has 25 hours.
	w := cloud.Window{From: time.Date(2026, 10, 24, 0, 0, 0, 0, berlin), To: time.Date(2026, 10, 27, 0, 0, 0, 0, berlin)}
	values := make([]float64, w.Duration()/utilization.Step)
	for i := range values {
		values[i] = float64(i%100) + 0.25
	}
	s := utilization.Describe(every(utilization.Step, w.From, values...), cloud.CPUPercent, w, berlin)
	var got []int
	for _, d := range s.Days {
		got = append(got, d.Samples)
	}
	if diff := cmp.Diff([]int{288, 300, 288}, got); diff != "" {
		t.Error(diff)
	}
	const sundayTwo = 6*24 + 2
	if s.HourOfWeek[sundayTwo].Samples != 24 {
		t.Errorf("Sunday 02:00 comes twice that night: %d samples, want 24", s.HourOfWeek[sundayTwo].Samples)
	}
}

// In Brazil the clock was changed at midnight: a day began at 01:00, another
// had 23:00 twice.
func TestClockChangesAtMidnight(t *testing.T) {
	brazil, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		month time.Month
		day   int
		want  []int // samples of the days from this one on
	}{
		{time.November, 3, []int{288, 276, 288}},
		{time.February, 16, []int{288, 300, 288}},
	}
	for _, tt := range tests {
		from := time.Date(2018, tt.month, tt.day, 0, 0, 0, 0, brazil).Unix()
		values := make([]uint16, 288+tt.want[1]+288)
		for i := range values {
			values[i] = uint16(i)
		}
		one, many := utilization.NewAccumulator(brazil), utilization.NewAccumulator(brazil)
		many.AddRun(from, 300, values)
		for i, h := range values {
			one.AddHundredths(from+int64(i)*300, h)
		}
		s := many.Summary(cloud.CPUPercent, cloud.Window{}, len(values))
		if diff := cmp.Diff(one.Summary(cloud.CPUPercent, cloud.Window{}, len(values)), s); diff != "" {
			t.Errorf("%s: single samples and a run differ: %s", tt.month, diff)
		}
		var got []int
		for _, d := range s.Days {
			got = append(got, d.Samples)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("days from %s %d on: %s", tt.month, tt.day, diff)
		}
	}
}

func TestHundredths(t *testing.T) {
	for h := range uint16(10001) {
		if got, ok := utilization.Hundredths(float64(h) / 100); !ok || got != h {
			t.Fatalf("%v gives %d %v", float64(h)/100, got, ok)
		}
	}
	for _, v := range []float64{-0.01, 100.01, 0.005, 1.234, math.Nextafter(5, 6), math.NaN(), math.Inf(1)} {
		if _, ok := utilization.Hundredths(v); ok {
			t.Errorf("%v passes for hundredths", v)
		}
	}
}

func TestDistributionListsEveryValueOnce(t *testing.T) {
	w := window("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
	s := utilization.Describe(every(utilization.Step, w.From, 3, 1.005, 3, 2, 1.005, -4, 250, 3), cloud.CPUPercent, w, nil)
	got := map[float64]int{}
	s.Distribution.Each(func(v float64, n int) { got[v] += n })
	if diff := cmp.Diff(map[float64]int{-4: 1, 1.005: 2, 2: 1, 3: 3, 250: 1}, got); diff != "" {
		t.Error(diff)
	}
	if s.Distribution.Distinct() != 5 || s.Distribution.Count() != 8 {
		t.Errorf("%d distinct of %d", s.Distribution.Distinct(), s.Distribution.Count())
	}
}

func TestReuseDoesNotAllocatePerSample(t *testing.T) {
	acc := utilization.NewAccumulator(shanghai)
	values := make([]uint16, 8640)
	for i := range values {
		values[i] = uint16(i * 7 % 3000)
	}
	once := func() {
		acc.AddRun(1_760_000_000, 300, values)
		acc.Summary(cloud.CPUPercent, cloud.Window{}, 8640)
	}
	once()
	if n := testing.AllocsPerRun(10, once); n > 20 {
		t.Errorf("%v allocations for 8640 samples", n)
	}
}

// BenchmarkAccumulate summarizes 30 days at five minutes: a daily shape with
// noise, as busy processors have; little with rare peaks, as idle ones; and a
// level that seldom changes, as disks have.
func BenchmarkAccumulate(b *testing.B) {
	const series, samples = 64, 30 * 288
	random := rand.New(rand.NewPCG(1, 2))
	hundredths := func(v float64) uint16 { return uint16(100*min(max(v, 0), 100) + 0.5) }
	shapes := []struct {
		name string
		next func() func(i int) float64
	}{
		{"busy", func() func(int) float64 {
			base, swing, spread := 5+40*random.Float64(), 20*random.Float64(), 0.2+random.Float64()
			drift := 0.0
			return func(i int) float64 {
				drift = 0.9*drift + spread*random.NormFloat64()
				return base + swing*math.Sin(2*math.Pi*float64(i)/288) + drift
			}
		}},
		{"idle", func() func(int) float64 {
			return func(int) float64 {
				if random.IntN(400) == 0 {
					return 60 + 40*random.Float64()
				}
				return 0.5 + 0.3*math.Abs(random.NormFloat64())
			}
		}},
		{"disk", func() func(int) float64 {
			level := 20 + 60*random.Float64()
			return func(int) float64 {
				if random.IntN(60) == 0 {
					level += 0.05 * random.Float64()
				}
				return level
			}
		}},
	}
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			var all [series][]uint16
			for k := range all {
				next := shape.next()
				for i := range samples {
					all[k] = append(all[k], hundredths(next(i)))
				}
			}
			acc := utilization.NewAccumulator(shanghai)
			for b.Loop() {
				for _, values := range all {
					acc.AddRun(1_760_000_000, 300, values)
					acc.Summary(cloud.CPUPercent, cloud.Window{}, samples)
				}
			}
			b.ReportMetric(float64(b.N)*series*samples/b.Elapsed().Seconds()/1e6, "Msamples/s")
		})
	}
}

func TestPointsEqualSingleSamples(t *testing.T) {
	many := utilization.NewAccumulator(shanghai) // reused
	rapid.Check(t, func(t *rapid.T) {
		one := utilization.NewAccumulator(shanghai)
		many.Reset(utilization.Step)
		var points []cloud.Point
		for next := at("2026-10-24T00:00:00+08:00").Unix(); len(points) < 3000; {
			step := rapid.SampledFrom([]int64{300, 300, 300, 60, 301, 90000}).Draw(t, "step")
			for _, h := range runGenerator().Draw(t, "run") {
				points = append(points, cloud.Point{T: next, V: float64(h) / 100})
				next += step
			}
			for range rapid.IntRange(0, 3).Draw(t, "others") {
				points = append(points, cloud.Point{T: next, V: valueGenerator().Draw(t, "value")})
				next += rapid.SampledFrom([]int64{300, 7}).Draw(t, "pause")
			}
		}
		many.AddPoints(points)
		for _, p := range points {
			one.Add(p.T, p.V)
		}
		a := one.Summary(cloud.CPUPercent, cloud.Window{}, 7)
		b := many.Summary(cloud.CPUPercent, cloud.Window{}, 7)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
	})
}
