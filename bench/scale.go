package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"yunjian/cloud"
)

// sizesFlag is a list of numbers of instances.
type sizesFlag []int

// String joins them by commas.
func (f *sizesFlag) String() string {
	var parts []string
	for _, n := range *f {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ",")
}

// Set reads what String writes.
func (f *sizesFlag) Set(text string) error {
	*f = nil
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return fmt.Errorf("found %q, want numbers of instances separated by commas", part)
		}
		*f = append(*f, n)
	}
	return nil
}

// scale shows how time, memory and bytes grow with the fleet.
func scale(ctx context.Context, args []string) error {
	var s session
	fleets := sizesFlag{1000, 10_000, 100_000}
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.Var(&fleets, "instances", "fleets to measure, `N,N,…`")
	days := flags.Int("days", 30, "days of the generated data")
	runs := flags.Int("runs", 3, "audits of each fleet, each in a process of its own; the median counts")
	large := flags.Int64("large", 10, "least size in GB of the file to be opened, grown from that of the last fleet by five days at a time; 0: leave this out")
	if err := s.parse("scale", flags, args); err != nil {
		return err
	}
	return s.finish(s.scale(ctx, fleets, *days, *runs, *large*1e9))
}

// audited is what the history part of one audit took.
type audited struct {
	Samples     int64   `json:"samples"`
	Scan        float64 `json:"scan"`         // seconds
	Peaks       float64 `json:"peaks"`        // seconds
	Resident    int64   `json:"resident"`     // bytes at the highest, as VmHWM
	Anonymous   int64   `json:"anonymous"`    // bytes at the highest that was seen, as RssAnon: what is not the mapped file
	ScanHighest int64   `json:"scan_highest"` // VmHWM after the scan
}

// loaded is what it took to fill a file.
type loaded struct {
	Seconds  float64 `json:"seconds"`
	Bytes    int64   `json:"bytes"`
	Resident int64   `json:"resident"`
}

func (s *session) scale(ctx context.Context, fleets []int, days, runs int, large int64) error {
	perSample := figure{Title: "每样本字节 | bytes a sample", Unit: "B/sample", Note: fmt.Sprintf("generated percentages, instances × %d metrics × %d days; the whole file, folded and compacted", len(metrics), days)}
	load := figure{Title: "装载 | loading", Unit: "M samples/s", Note: "five days of a thousand instances an append, folded every five days; generating the samples and compacting included"}
	seconds := figure{Title: "审计的历史部分 | the history part of an audit", Unit: "s", RatioOf: "每台 ÷ 前一规模 per instance ÷ fleet before", Note: "a process of its own, the file in the kernel's cache: Scan of everything with full summaries, results dropped one by one, then Peaks of CPU and memory. Each row is the median of the runs; that of Scan and Peaks, of their sums. The ratio: seconds an instance, divided by those of the fleet before"}
	speed := figure{Title: "扫描 | scan", Unit: "M samples/s", Note: "Scan alone"}
	memory := figure{Title: "审计的常驻内存 | resident memory of the audit, at the highest", Unit: "MiB", Note: "VmHWM counts pages of the mapped file too, RssAnon does not; Scan alone, then with the table of peaks"}
	var before float64 // seconds an instance of the fleet before
	var last string
	for _, n := range fleets {
		folder, err := s.scratch("scale " + strconv.Itoa(n))
		if err != nil {
			return err
		}
		path := filepath.Join(folder, "history.db")
		fmt.Printf("\n== %d instances × %d metrics × %d days\n", n, len(metrics), days)
		var l loaded
		if err := child(ctx, &l, "child-load", path, strconv.Itoa(n), strconv.Itoa(days)); err != nil {
			return err
		}
		fmt.Printf("   loaded in %.0f s, %d MiB resident\n", l.Seconds, l.Resident>>20)
		var scans, peaks, both []float64
		var top audited
		for range runs {
			var a audited
			if err := child(ctx, &a, "child-audit", path, strconv.Itoa(days)); err != nil {
				return err
			}
			fmt.Printf("   scan %.2f s, peaks %.2f s, %d MiB resident, %d MiB anonymous\n", a.Scan, a.Peaks, a.Resident>>20, a.Anonymous>>20)
			scans, peaks, both = append(scans, a.Scan), append(peaks, a.Peaks), append(both, a.Scan+a.Peaks)
			top.Samples = a.Samples
			top.Resident, top.Anonymous, top.ScanHighest = max(top.Resident, a.Resident), max(top.Anonymous, a.Anonymous), max(top.ScanHighest, a.ScanHighest)
		}
		if want := int64(n * len(metrics) * days * perDay); top.Samples != want {
			return fmt.Errorf("%d instances: %d samples counted, want %d", n, top.Samples, want)
		}
		name := strconv.Itoa(n)
		perSample.Rows = append(perSample.Rows, row{Of: name, Value: float64(l.Bytes) / float64(top.Samples)})
		load.Rows = append(load.Rows, row{Of: name, Value: float64(top.Samples) / 1e6 / l.Seconds})
		seconds.Rows = append(seconds.Rows,
			row{Of: name + ", Scan", Value: median(scans), Runs: scans},
			row{Of: name + ", Peaks", Value: median(peaks), Runs: peaks},
			perInstance(row{Of: name + ", Scan and Peaks", Value: median(both), Runs: both}, n, before))
		before = median(both) / float64(n)
		speed.Rows = append(speed.Rows, row{Of: name, Value: float64(top.Samples) / 1e6 / median(scans)})
		mib := func(n int64) float64 { return float64(n) / (1 << 20) }
		memory.Rows = append(memory.Rows,
			row{Of: name + ", Scan, VmHWM", Value: mib(top.ScanHighest), Bar: atMost(512)},
			row{Of: name + ", Scan and Peaks, VmHWM", Value: mib(top.Resident), Bar: atMost(512)},
			row{Of: name + ", Scan and Peaks, RssAnon", Value: mib(top.Anonymous)})
		if last != "" {
			if err := os.RemoveAll(filepath.Dir(last)); err != nil {
				return err
			}
		}
		last = path
	}
	for _, f := range []figure{perSample, load, seconds, speed, memory} {
		s.add(os.Stdout, f)
	}
	if large == 0 {
		return nil
	}
	return s.openLarge(ctx, last, fleets[len(fleets)-1], days, large, runs)
}

// perInstance compares the seconds of a fleet of n instances with those that an
// instance took in the fleet before; zero: there is none.
func perInstance(r row, n int, before float64) row {
	if before > 0 {
		r.Ratio, r.Bar = r.Value/float64(n)/before, atMost(1.2)
	}
	return r
}

// openLarge grows a file to large bytes or more and opens it.
func (s *session) openLarge(ctx context.Context, path string, instances, days int, large int64, runs int) error {
	fmt.Printf("\n== a file of at least %.1f GB\n", float64(large)/1e9)
	var l loaded
	if err := child(ctx, &l, "child-grow", path, strconv.Itoa(instances), strconv.Itoa(days), strconv.FormatInt(large, 10)); err != nil {
		return err
	}
	f := figure{
		Title: "打开大文件 | opening a large file",
		Unit:  "s",
		Note:  fmt.Sprintf("%.2f GB, %d series, folded, written with random numbers behind the generated data; cold: not in the kernel's cache", float64(l.Bytes)/1e9, instances*len(metrics)),
	}
	for _, state := range []string{"cold", "warm"} {
		r := row{Of: state, Bar: atMost(1)}
		for range runs {
			var seconds float64
			if err := child(ctx, &seconds, "child-open", path, state); err != nil {
				return err
			}
			r.Runs = append(r.Runs, seconds)
		}
		r.Value = median(r.Runs)
		f.Rows = append(f.Rows, r)
	}
	s.add(os.Stdout, f)
	return nil
}

// span is the window of the generated data.
func span(days int) cloud.Window {
	return cloud.Window{From: start, To: start.AddDate(0, 0, days)}
}
