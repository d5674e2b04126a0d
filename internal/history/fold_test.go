package history

import (
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// What an import up to the present brings lies in the file once: folding cuts
// closed days off its block, and leaves the open day.
func TestFoldTrimsBlocks(t *testing.T) {
	s := fresh(t)
	want := grid(monday, 10*288+40, wave)
	mustAppend(t, s, series("i-1", cloud.CPUPercent, want...), series("i-2", cloud.MemoryPercent, want...))
	mustAppend(t, s, series("i-1", cloud.CPUPercent, cloud.Point{T: want[5].T, V: 1}, cloud.Point{T: want[len(want)-1].T, V: 2}))
	now := monday.AddDate(0, 0, 10).Add(4 * time.Hour)
	mustFold(t, s, now)
	stats, err := s.Stats(background)
	if err != nil || stats.Unfolded != 2*40 {
		t.Errorf("%d points unfolded, want those of the open day, 80: %v", stats.Unfolded, err)
	}
	held := 0
	err = s.view(func(tx *bolt.Tx) error {
		r, err := s.newReader(tx)
		for _, b := range r.sections {
			held += b.points
		}
		return err
	})
	if err != nil || held != 2*40+1 {
		t.Errorf("blocks hold %d points, want 81: %v", held, err)
	}
	want[5].V, want[len(want)-1].V = 1, 2
	if got := points(t, s, "i-1", cloud.CPUPercent, always); !sameBits(want, got) {
		t.Errorf("%d points that differ from the %d appended", len(got), len(want))
	}
}
