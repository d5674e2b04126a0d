package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

type peerFlags struct {
	data            string
	bundle          string
	instances, days int
	runs            int
	fleet, cycles   int
	day, month      int
}

// peers is the comparison with everyone.
func peers(ctx context.Context, args []string) error {
	var s session
	var f peerFlags
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.StringVar(&f.data, "data", "generated", "what is compared first: generated or estate")
	flags.StringVar(&f.bundle, "bundle", "../../shared/traces/vm407", "bundle `folder` whose CPU and memory are compared too")
	flags.IntVar(&f.instances, "instances", 1000, "instances of the generated data")
	flags.IntVar(&f.days, "days", 30, "days of the generated data")
	flags.IntVar(&f.runs, "runs", 9, "how often everyone is asked; the median counts")
	flags.IntVar(&f.fleet, "fleet", 100_000, "instances of an appended cycle; 0: leave this out")
	flags.IntVar(&f.cycles, "cycles", 24, "cycles appended")
	flags.IntVar(&f.day, "day", 20_000, "instances of the day whose writes are counted; 0: leave this out")
	flags.IntVar(&f.month, "month", 5_000, "instances of the 32 days whose writes are counted; 0: leave this out")
	if err := s.parse("peers", flags, args); err != nil {
		return err
	}
	s.Machine.Peers = versions()
	return s.finish(s.peers(ctx, f))
}

func (s *session) peers(ctx context.Context, f peerFlags) error {
	var d dataset
	switch f.data {
	case "generated":
		d = generated("generated", f.instances, f.days, 1)
	case "estate":
		d = ofEstate(f.instances, f.days)
	default:
		return fmt.Errorf("-data: found %q, want generated or estate", f.data)
	}
	if err := s.compare(ctx, d, what{peers: len(starters), scans: true, cycles: true, runs: f.runs}); err != nil {
		return err
	}
	if f.data == "generated" {
		if err := s.compare(ctx, generated("quieter", f.instances, f.days, 0.4), what{peers: 2}); err != nil {
			return err
		}
	}
	trace, err := ofBundle(f.bundle)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.skip(os.Stdout, fmt.Sprintf("the trace: no folder %s; name one with -bundle", f.bundle))
	case err != nil:
		return err
	default:
		for _, m := range trace.metrics {
			if err := s.compare(ctx, trace.only(m), what{peers: 2}); err != nil {
				return err
			}
		}
		if err := s.compare(ctx, trace, what{peers: len(starters)}); err != nil {
			return err
		}
	}
	if f.fleet > 0 {
		if err := s.compareAppend(ctx, f.fleet, f.cycles); err != nil {
			return err
		}
	}
	return s.countWrites(ctx, f.day, f.month)
}

// limit is the comparison with what the machine could do at best.
func limit(ctx context.Context, args []string) error {
	var s session
	flags := flag.NewFlagSet("limit", flag.ContinueOnError)
	instances := flags.Int("instances", 1000, "instances of the generated data")
	days := flags.Int("days", 30, "days of the generated data")
	runs := flags.Int("runs", 9, "how often everyone is asked; the median counts")
	if err := s.parse("limit", flags, args); err != nil {
		return err
	}
	return s.finish(s.compare(ctx, generated("generated", *instances, *days, 1), what{peers: 1, scans: true, runs: *runs}))
}

// versions are those of the peers that are here.
func versions() (out []string) {
	for _, program := range []string{victoriaProgram, prometheusProgram} {
		if _, err := exec.LookPath(program); err != nil {
			continue
		}
		// Debian's VictoriaMetrics does not know its own version.
		text, err := exec.Command("dpkg-query", "--show", program).Output()
		if err != nil || len(text) == 0 {
			if text, err = exec.Command(program, "--version").CombinedOutput(); err != nil {
				text = nil
			}
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if line == "" {
			line = program + " of unknown version"
		}
		out = append(out, strings.ReplaceAll(line, "\t", " "))
	}
	return append(out, "duckdb-go "+version(duckModule), "chunkenc "+version(chunkencModule))
}

// what says what compare does.
type what struct {
	peers  int // how many of starters
	scans  bool
	cycles bool // load Yunjian cycle by cycle too
	runs   int
}

// errAbsent is wrapped by the error of a peer that is not installed.
var errAbsent = errors.New("scripts/install-bench-peers.sh installs what is needed")

// starters start engines, each in a folder of its own: first ourselves, then
// the peers, the one whose sizes are the bar before the others.
var starters = []func(ctx context.Context, folder string) (engine, error){
	func(_ context.Context, folder string) (engine, error) { return &yunjian{folder: folder}, nil },
	func(ctx context.Context, folder string) (engine, error) { return startVictoria(ctx, folder) },
	func(ctx context.Context, folder string) (engine, error) { return startPrometheus(ctx, folder) },
	func(ctx context.Context, folder string) (engine, error) { return startDuck(ctx, folder) },
}

// start starts everyone for one dataset; what was started is to be closed even
// after an error.
func (s *session) start(ctx context.Context, d dataset, w what) (engines []engine, err error) {
	for _, start := range starters[:w.peers] {
		folder, err := s.scratch(d.name)
		if err != nil {
			return engines, err
		}
		e, err := start(ctx, folder)
		switch {
		case errors.Is(err, errAbsent):
			s.skip(os.Stdout, err.Error())
			continue
		case err != nil:
			return engines, err
		}
		engines = append(engines, e)
	}
	return engines, nil
}

// compare loads one dataset into everyone and prints sizes and, if wanted,
// speeds.
func (s *session) compare(ctx context.Context, d dataset, w what) error {
	began := time.Now()
	fmt.Printf("\n== %s: %d series, %.2f M samples\n", d.name, len(d.series), float64(d.samples())/1e6)
	engines, err := s.start(ctx, d, w)
	defer func() {
		for _, e := range engines {
			e.close()
		}
	}()
	if err != nil {
		return err
	}
	want := truth(d)
	for _, e := range engines {
		began := time.Now()
		if err := e.load(ctx, d); err != nil {
			return fmt.Errorf("%s: load: %w", e.name(), err)
		}
		if err := verify(ctx, e, d, want); err != nil {
			return err
		}
		fmt.Printf("   %s: loaded and verified in %.1f s\n", e.name(), time.Since(began).Seconds())
	}
	sizes := figure{
		Title: "每样本字节 | bytes a sample, " + d.name,
		Unit:  "B/sample",
		Note:  "on disk, once folded and merged: Yunjian the whole file; VictoriaMetrics data and indexdb without caches; Prometheus the data folder with its log",
	}
	for _, e := range engines {
		n, err := e.bytes()
		if err != nil {
			return err
		}
		r := row{Of: e.name(), Value: float64(n) / float64(d.samples())}
		if e.name() == "VictoriaMetrics" {
			r.Bar = atMost(0.90)
		}
		sizes.Rows = append(sizes.Rows, r)
		if p, ok := e.(*prometheus); ok {
			if n, err = p.blocks(); err != nil {
				return err
			}
			sizes.Rows = append(sizes.Rows, row{Of: "Prometheus, blocks alone", Value: float64(n) / float64(d.samples())})
		}
	}
	if w.cycles {
		n, err := s.inCycles(ctx, d, want)
		if err != nil {
			return err
		}
		sizes.Rows = append(sizes.Rows, row{Of: own + ", appended cycle by cycle", Value: float64(n) / float64(d.samples())})
	}
	if err := s.limitSizes(d, &sizes); err != nil {
		return err
	}
	s.add(os.Stdout, sizes)
	if w.scans {
		if err := s.scans(ctx, engines, d, w.runs); err != nil {
			return err
		}
		if err := s.limitSpeeds(ctx, engines[0], d, w.runs); err != nil {
			return err
		}
	}
	fmt.Printf("   (%s took %.0f s)\n", d.name, time.Since(began).Seconds())
	return nil
}

// inCycles loads the dataset as the daemon would, and returns the file's size.
func (s *session) inCycles(ctx context.Context, d dataset, want answers) (int64, error) {
	folder, err := s.scratch("cycles")
	if err != nil {
		return 0, err
	}
	y := &yunjian{folder: folder, cycles: true}
	if err := y.load(ctx, d); err != nil {
		return 0, err
	}
	defer y.close()
	if err := verify(ctx, y, d, want); err != nil {
		return 0, err
	}
	return y.bytes()
}

// scans asks everyone for one metric and for all.
func (s *session) scans(ctx context.Context, engines []engine, d dataset, runs int) error {
	for _, d := range []dataset{d.only(d.metrics[0]), d} {
		seconds, err := race(ctx, engines, d, runs)
		if err != nil {
			return err
		}
		f := figure{
			Title: fmt.Sprintf("p95、p99、最大值 | p95, p99 and max of all instances, %s", d.name),
			Unit:  "M samples/s",
			Note:  fmt.Sprintf("%.2f M samples, warm, answer included, asked in turn, median of %d; one process each", float64(d.samples())/1e6, runs),
		}
		for i, e := range engines {
			r := row{Of: e.name()}
			for _, x := range seconds[i] {
				r.Runs = append(r.Runs, float64(d.samples())/1e6/x)
			}
			r.Value = median(r.Runs)
			switch e.(type) {
			case *victoria:
				r.Bar = atLeast(10)
			case *duck:
				r.Bar = atLeast(2)
			}
			f.Rows = append(f.Rows, r)
		}
		s.add(os.Stdout, f)
	}
	return nil
}

var levels = []struct {
	name  string
	level zstd.EncoderLevel
}{{"fastest", zstd.SpeedFastest}, {"default", zstd.SpeedDefault}}

func (s *session) limitSizes(d dataset, f *figure) error {
	for i, level := range levels {
		l, err := newLimits(d, level.level)
		if err != nil {
			return err
		}
		if i == 0 {
			_, n, err := xorChunks(d)
			if err != nil {
				return err
			}
			f.Rows = append(f.Rows,
				row{Of: "Prometheus XOR chunks, as a library", Value: float64(n) / float64(l.n)},
				row{Of: "limit: entropy of each series' deltas", Value: l.entropy()})
		}
		f.Rows = append(f.Rows, row{Of: "limit: deltas, byte-split, zstd " + level.name, Value: float64(l.bytes()) / float64(l.n)})
	}
	return nil
}

// limitSpeeds measures counting and unpacking in memory against Yunjian's scan
// of all metrics.
func (s *session) limitSpeeds(ctx context.Context, y engine, d dataset, runs int) error {
	l, err := newLimits(d, zstd.SpeedFastest)
	if err != nil {
		return err
	}
	chunks, _, err := xorChunks(d)
	if err != nil {
		return err
	}
	want := truth(d)
	both := runtime.GOMAXPROCS(0)
	work := []struct {
		name string
		bar  *bar
		run  func() error
	}{
		{own, nil, func() error { _, err := y.ask(ctx, d); return err }},
		{fmt.Sprintf("limit: unpack and count, %d cores", both), atLeast(0.5), func() error { return l.sweep(d, want, both, true) }},
		{"limit: unpack and count, 1 core", nil, func() error { return l.sweep(d, want, 1, true) }},
		{fmt.Sprintf("limit: count alone, %d cores", both), nil, func() error { return l.sweep(d, want, both, false) }},
		{"limit: count alone, 1 core", nil, func() error { return l.sweep(d, want, 1, false) }},
		{"Prometheus XOR chunks, decode alone, 1 core", nil, func() error { _, err := readXOR(chunks); return err }},
	}
	f := figure{
		Title: "与极限相比 | against the limit, " + d.name,
		Unit:  "M samples/s",
		Note:  "the limit: arrays in memory, p95, p99 and max by counting hundredths; unpacked from zstd (fastest) of byte-split deltas, one blob a series",
	}
	for _, x := range work {
		f.Rows = append(f.Rows, row{Of: x.name, Bar: x.bar})
	}
	for range runs {
		for i, x := range work {
			runtime.GC() // nobody is to clear away what the one before has left
			began := time.Now()
			if err := x.run(); err != nil {
				return fmt.Errorf("%s: %w", x.name, err)
			}
			f.Rows[i].Runs = append(f.Rows[i].Runs, float64(l.n)/1e6/time.Since(began).Seconds())
		}
	}
	for i := range f.Rows {
		f.Rows[i].Value = median(f.Rows[i].Runs)
	}
	s.add(os.Stdout, f)
	return nil
}
