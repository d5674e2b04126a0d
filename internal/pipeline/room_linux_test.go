package pipeline

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"yunjian/cloud"
)

// A disk that has no room for what is collected meanwhile is told all that is
// needed, before anything is folded.
func TestNoRoomToCompact(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=66m"); err != nil {
		t.Skipf("mounting a tmpfs takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	d, err := Open(folder, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for free := int64(Reserve + 1<<20); free >= Reserve; {
		s := cloud.Series{Resource: "i-1", Metric: cloud.CPUPercent}
		for i := range int64(5000) {
			s.Points = append(s.Points, cloud.Point{T: free + 300*i, V: 1 / float64(free+i)})
		}
		if err := d.History.Append([]cloud.Series{s}); err != nil {
			t.Fatal(err)
		}
		if free, err = FreeSpace(folder); err != nil {
			t.Fatal(err)
		}
	}
	var steps []string
	_, err = d.Compact(t.Context(), monday, time.Hour, time.UTC, func(step string) { steps = append(steps, step) })
	if err == nil || !strings.Contains(err.Error(), "MiB for the shrunk file, 64 MiB for what is collected meanwhile") || len(steps) != 1 {
		t.Errorf("after %q: %v; want it refused before it folds", steps, err)
	}
}
