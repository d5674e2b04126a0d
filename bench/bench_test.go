package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"yunjian/cloud"
)

// TestMain lets the tests' own program be the child that a command starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && commands[os.Args[1]] != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

// small is generated data with gaps.
func small() dataset {
	d := generated("small", 3, 2, 1)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range d.series {
		d.series[i].Points = slices.DeleteFunc(d.series[i].Points, func(cloud.Point) bool { return random.IntN(10) == 0 })
	}
	return d
}

// TestEveryoneAgrees loads everyone that is installed and wants the truth of
// each, for one metric and for all.
func TestEveryoneAgrees(t *testing.T) {
	d := small()
	for i, name := range []string{"Yunjian", "VictoriaMetrics", "Prometheus", "DuckDB"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := starters[i](t.Context(), t.TempDir())
			if errors.Is(err, errAbsent) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			if err := e.load(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			for _, d := range []dataset{d, d.only(cloud.MemoryPercent)} {
				if err := verify(t.Context(), e, d, truth(d)); err != nil {
					t.Errorf("%s: %v", d.name, err)
				}
			}
			if n, err := e.bytes(); err != nil || n == 0 {
				t.Errorf("bytes: %d, %v", n, err)
			}
			wrong := truth(d)
			k := key{instance(1), cloud.CPUPercent}
			wrong.set(k, 1, wrong[k][1]+0.001)
			if err := verify(t.Context(), e, d, wrong); err == nil || !strings.Contains(err.Error(), "cpu_percent of "+instance(1)) {
				t.Errorf("an answer a thousandth off: %v", err)
			}
		})
	}
}

func TestCyclesHoldWhatTheBulkHolds(t *testing.T) {
	d := small()
	y := &yunjian{folder: t.TempDir(), cycles: true}
	defer y.close()
	if err := y.load(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := verify(t.Context(), y, d, truth(d)); err != nil {
		t.Error(err)
	}
}

func TestLimitAgrees(t *testing.T) {
	d := small()
	l, err := newLimits(d, zstd.SpeedFastest)
	if err != nil {
		t.Fatal(err)
	}
	for _, packed := range []bool{false, true} {
		if err := l.sweep(d, truth(d), 2, packed); err != nil {
			t.Errorf("packed %v: %v", packed, err)
		}
	}
	l.packed[4], _ = l.packed[3], l.packed[4]
	if err := l.sweep(d, truth(d), 2, true); err == nil {
		t.Error("another series' samples: no error")
	}
	if e := l.entropy(); e < 0.5 || e > 1.5 {
		t.Errorf("entropy: %v bytes a sample, want about one", e)
	}
	d.series[0].Points[0].V = 1.234
	if _, err := newLimits(d, zstd.SpeedFastest); err == nil {
		t.Error("three decimals: no error")
	}
}

// TestScale runs the whole command on little.
func TestScale(t *testing.T) {
	folder := t.TempDir()
	document, figures := filepath.Join(folder, "doc.md"), filepath.Join(folder, "figures.json")
	if err := os.WriteFile(document, []byte("before\n<!-- bench scale -->\nyesterday\n<!-- end scale -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := scale(context.Background(), []string{"-instances", "2,4", "-days", "30", "-runs", "1", "-large", "0", "-dir", folder, "-markdown", document, "-json", figures})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n<!-- bench scale -->\n`bench scale -days=30 -instances=2,4", "| 4, Scan, VmHWM |", "<!-- end scale -->\nafter\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the document:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "yesterday") {
		t.Error("yesterday's tables are still there")
	}
	var r report
	text, err = os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil || len(r.Figures) != 5 {
		t.Errorf("%d figures, want 5: %v", len(r.Figures), err)
	}
	times := r.Figures[2]
	smaller, larger := times.Rows[2], times.Rows[5]
	if smaller.Of != "2, Scan and Peaks" || smaller.Ratio != 0 || smaller.Bar != nil {
		t.Errorf("the smallest fleet: %+v; want Scan and Peaks, compared with none", smaller)
	}
	if want := larger.Value / (2 * smaller.Value); larger.Of != "4, Scan and Peaks" || math.Abs(larger.Ratio/want-1) > 1e-9 || larger.Bar == nil {
		t.Errorf("twice the fleet: %+v; want Scan and Peaks, with the ratio %v and a bar", larger, want)
	}
	if head := times.cells()[0]; head[2] != times.RatioOf || times.RatioOf == "" {
		t.Errorf("head %q, want it to say what is divided", head)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "yunjian-bench-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestJudge(t *testing.T) {
	f := figure{Rows: []row{
		{Of: own, Value: 0.9},
		{Of: "at the bar", Value: 1, Bar: atMost(0.9)},
		{Of: "beyond it", Value: 0.99, Bar: atMost(0.9)},
		{Of: "fast enough", Value: 0.09, Bar: atLeast(10)},
		{Of: "too fast", Value: 0.1, Bar: atLeast(10)},
		{Of: "no bar", Value: 3},
	}}
	f.judge()
	for i, want := range []bool{true, false, true, false} {
		if b := f.Rows[i+1].Bar; b.Met != want {
			t.Errorf("%s: ratio %v, met %v", f.Rows[i+1].Of, f.Rows[i+1].Ratio, b.Met)
		}
	}
	if f.Rows[0].Ratio != 0 || f.Rows[5].Ratio != 0.3 {
		t.Errorf("ratios: %v of its own, %v without a bar", f.Rows[0].Ratio, f.Rows[5].Ratio)
	}
	alone := figure{Rows: []row{{Of: "x", Value: 3.9, Bar: atMost(4)}, {Of: "y", Value: 4.1, Bar: atMost(4)}}}
	alone.judge()
	if !alone.Rows[0].Bar.Met || alone.Rows[1].Bar.Met {
		t.Errorf("values without a ratio: %+v %+v", *alone.Rows[0].Bar, *alone.Rows[1].Bar)
	}
}
