package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
)

// What ScanPoints and Reach tell is what Points and Extent tell of each series,
// however the file came to be.
func TestScanPoints(t *testing.T) {
	now := monday.AddDate(0, 0, 35)
	w := cloud.Window{From: monday.AddDate(0, 0, 2), To: monday.AddDate(0, 0, 9)}
	cpu, rates := grid(monday, 12*288, wave), grid(monday.Add(7*time.Minute), 3*288, func(i int) float64 { return float64(i) / 7 })
	off := cloud.Window{From: monday.AddDate(0, 0, 3), To: monday.AddDate(0, 0, 4)}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := fresh(t)
			var ids []string
			var batch []cloud.Series
			for i := range 2*scanBatch + 1 {
				id := fmt.Sprintf("i-%04d", i)
				ids = append(ids, id)
				if batch = append(batch, series(id, cloud.CPUPercent, grid(w.From, 3, constant(float64(i%100)))...)); len(batch) == 20 {
					mustAppend(t, s, batch...)
					batch = nil
				}
			}
			mustAppend(t, s, batch...)
			mustAppend(t, s, series("i-0007", cloud.CPUPercent, cpu...), series("i-0007", cloud.NetworkInBPS, rates...), series("i-0008", cloud.CPUPercent, cpu...))
			s = mode.then(t, s, now)
			if !s.opts.ReadOnly { // one late value, into what has been folded by now
				mustAppend(t, s, series("i-0007", cloud.CPUPercent, cloud.Point{T: cpu[1000].T, V: 99.99}))
			}
			type found struct {
				id     string
				points map[cloud.Metric][]cloud.Point
			}
			var got []found
			q := PointQuery{Resources: append([]string{"none"}, ids...), Metrics: twoMetrics, Window: w, Exclude: map[string][]cloud.Window{"i-0008": {off}}}
			err := ScanPoints(t.Context(), s, q, func(id string, p map[cloud.Metric][]cloud.Point) (found, error) { return found{id, p}, nil },
				func(f found) error {
					got = append(got, f)
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(ids)+1 || !slices.IsSortedFunc(got, func(a, b found) int { return strings.Compare(a.id, b.id) }) {
				t.Fatalf("%d resources, want %d in order", len(got), len(ids)+1)
			}
			for _, f := range got {
				want := map[cloud.Metric][]cloud.Point{}
				for _, m := range twoMetrics {
					p := points(t, s, f.id, m, w)
					if f.id == "i-0008" {
						p = slices.DeleteFunc(p, func(p cloud.Point) bool { return off.Contains(instant(p.T)) })
					}
					if len(p) > 0 {
						want[m] = p
					}
				}
				if diff := cmp.Diff(want, f.points); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", f.id, diff)
				}
			}
			first, last, err := s.Reach(t.Context(), ids, twoMetrics)
			if err != nil || !first.Equal(monday) || !last.Equal(instant(cpu[len(cpu)-1].T)) {
				t.Errorf("reaches from %v to %v, %v", first, last, err)
			}
		})
	}
}

func TestScanPointsOfNothing(t *testing.T) {
	s := fresh(t)
	first, last, err := s.Reach(t.Context(), []string{"i-1"}, twoMetrics)
	if err != nil || !first.IsZero() || !last.IsZero() {
		t.Errorf("an empty file reaches from %v to %v, %v", first, last, err)
	}
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 3, wave)...))
	boom := errors.New("boom")
	visit := func(id string, p map[cloud.Metric][]cloud.Point) (int, error) { return len(p), boom }
	q := PointQuery{Resources: []string{"i-1"}, Metrics: twoMetrics, Window: cloud.Window{From: monday, To: monday}}
	if err := ScanPoints(t.Context(), s, q, visit, func(int) error { return nil }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	err = ScanPoints(t.Context(), s, q, func(id string, p map[cloud.Metric][]cloud.Point) (int, error) { return len(p), nil }, func(n int) error {
		if n != 0 {
			t.Errorf("%d metrics in an empty window", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
