package history

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"yunjian/cloud"
)

// Whatever the order and the spread of resources, arranging is a stable sort by
// metric and resource that leaves out what has no points.
func TestArrangeIsAStableSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]uint32{5, 200, 1<<32 - 1}).Draw(t, "most")
		var list []cloud.Series
		var labels []label
		var want []coded
		for i := range rapid.IntRange(1, 100).Draw(t, "series") {
			x := cloud.Series{}
			if rapid.IntRange(0, 9).Draw(t, "points") > 0 {
				x.Points = []cloud.Point{{T: int64(i), V: float64(i)}} // distinct and ascending: merging only joins
			}
			l := label{rapid.Uint32Range(0, most).Draw(t, "resource"), rapid.SampledFrom([]byte{0, 1, 254, 255}).Draw(t, "metric")}
			list, labels = append(list, x), append(labels, l)
			if len(x.Points) > 0 {
				want = append(want, coded{l.metric, l.id, x.Points})
			}
		}
		slices.SortStableFunc(want, func(a, b coded) int {
			return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.id, b.id))
		})
		got := arrange(make([]coded, len(list)), list, labels)
		for _, c := range got {
			for _, p := range c.points {
				if w := want[0]; c.metric != w.metric || c.id != w.id || p != w.points[0] {
					t.Fatalf("%v of metric %d, resource %d: want %v of %d, %d", p, c.metric, c.id, w.points[0], w.metric, w.id)
				}
				want = want[1:]
			}
		}
		if len(want) > 0 {
			t.Fatalf("%d points are lacking", len(want))
		}
		for i := range got[min(1, len(got)):] {
			if got[i].metric == got[i+1].metric && got[i].id == got[i+1].id {
				t.Fatalf("resource %d twice", got[i].id)
			}
		}
	})
}

// Names that come in any order, anew, again and in calls that fail keep their
// numbers apart: every resource reads back its own value.
func TestNamesKeepTheirNumbers(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "history.db"), Options{MaxBytes: 2 << 20})
	at := monday.Unix()
	cycle := func(order ...int) []cloud.Series {
		at += 300
		var list []cloud.Series
		for _, i := range order {
			for k, m := range benchMetrics {
				list = append(list, series(fmt.Sprintf("i-%d", i), m, cloud.Point{T: at, V: float64(10*i + k)}))
			}
		}
		return list
	}
	check := func(most int) {
		t.Helper()
		for i := range most + 1 {
			for k, m := range benchMetrics {
				for _, p := range points(t, s, fmt.Sprintf("i-%d", i), m, cloud.Window{From: monday, To: monday.AddDate(0, 0, 1)}) {
					if p.V != float64(10*i+k) {
						t.Fatalf("i-%d %s: value %v of another series", i, m, p.V)
					}
				}
			}
		}
	}
	appendAll(t, s, cycle(3, 1, 2))
	appendAll(t, s, cycle(1, 2, 3))
	appendAll(t, s, cycle(3, 1, 0, 2))
	tooMuch := cycle(5, 4)
	for i := range 40000 { // names that do not fit: this call fails whole
		tooMuch = append(tooMuch, series(fmt.Sprintf("x-%d-%s", i, strings.Repeat("x", 100)), "other", cloud.Point{T: at, V: 1}))
	}
	if err := s.Append(tooMuch); !errors.Is(err, ErrFull) {
		t.Fatalf("appending beyond the limit: %v, want ErrFull", err)
	}
	appendAll(t, s, cycle(6, 3, 1, 0, 2))
	appendAll(t, s, cycle(0, 1, 2, 3, 4, 6))
	check(6)
	for i, want := range []int{3, 5, 5, 5, 1, 0, 2} { // calls that brought i and did not fail
		got := points(t, s, fmt.Sprintf("i-%d", i), cloud.CPUPercent, cloud.Window{From: monday, To: monday.AddDate(0, 0, 1)})
		if len(got) != want {
			t.Errorf("i-%d has %d points, want %d", i, len(got), want)
		}
	}
}

func appendAll(t testing.TB, s *Store, list []cloud.Series) {
	t.Helper()
	if err := s.Append(list); err != nil {
		t.Fatal(err)
	}
}
