package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"yunjian/internal/history"
)

// child runs this program again, with a heap of its own, and reads what it
// prints.
func child(ctx context.Context, result any, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, self, args...)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("bench %s: %w", args[0], err)
	}
	return json.Unmarshal(out, result)
}

// written is what a span of days cost.
type written struct {
	Disk int64 `json:"disk"` // bytes sent to the disk
	Kept int64 `json:"kept"` // bytes of the file in use at the end more than at the beginning
}

func (w written) ratio() float64 { return float64(w.Disk) / float64(w.Kept) }

// countWrites prints what reached the disk against what is kept.
func (s *session) countWrites(ctx context.Context, day, month int) error {
	f := figure{
		Title: "写入量 ÷ 保留量 | bytes written to disk ÷ bytes kept",
		Unit:  "×",
		Note:  "write_bytes of a process of its own that appends 288 cycles a day and folds an hour after midnight, against the growth of the file's used bytes",
	}
	type result struct{ First, Second, All written }
	if day > 0 {
		folder, err := s.scratch("day")
		if err != nil {
			return err
		}
		var r result
		if err := child(ctx, &r, "child-day", filepath.Join(folder, "history.db"), strconv.Itoa(day), "2"); err != nil {
			return err
		}
		f.Rows = append(f.Rows,
			row{Of: fmt.Sprintf("second day, %d instances", day), Value: r.Second.ratio(), Bar: atMost(4)},
			row{Of: fmt.Sprintf("first day, %d instances, with every name", day), Value: r.First.ratio()})
	}
	if month > 0 {
		folder, err := s.scratch("month")
		if err != nil {
			return err
		}
		var r result
		if err := child(ctx, &r, "child-day", filepath.Join(folder, "history.db"), strconv.Itoa(month), "32"); err != nil {
			return err
		}
		f.Rows = append(f.Rows, row{Of: fmt.Sprintf("32 days, %d instances, with the span folded", month), Value: r.All.ratio()})
	}
	if len(f.Rows) > 0 {
		s.add(os.Stdout, f)
	}
	return nil
}

// childDay appends args[1] instances for args[2] days to the file args[0].
func childDay(ctx context.Context, args []string) error {
	instances, days, err := twoNumbers(args[1], args[2])
	if err != nil {
		return err
	}
	s, err := history.Open(args[0], history.Options{Location: zone})
	if err != nil {
		return err
	}
	defer s.Close()
	mark := func() (written, error) {
		var w written
		stats, err := s.Stats()
		if err != nil {
			return w, err
		}
		w.Kept = stats.Bytes - stats.FreeBytes
		_, err = fmt.Sscan(field("/proc/self/io", "write_bytes"), &w.Disk)
		return w, err
	}
	marks := make([]written, days+1)
	if marks[0], err = mark(); err != nil {
		return err
	}
	f := newFleet(instances, start)
	for i := range days*perDay + perDay/12 {
		if err := s.Append(f.next()); err != nil {
			return err
		}
		// A day is folded an hour after its end, and a bit.
		if since := i - perDay/24; since > 0 && since%perDay == 1 {
			if err := s.Fold(ctx, start.Add(cycleTime(i+1))); err != nil {
				return err
			}
			if day := since / perDay; day > 0 {
				if marks[day], err = mark(); err != nil {
					return err
				}
			}
		}
	}
	if marks[days].Disk == 0 {
		return fmt.Errorf("the kernel counted no byte written to %s: name a folder on a disk with -dir", filepath.Dir(args[0]))
	}
	between := func(a, b written) written { return written{b.Disk - a.Disk, b.Kept - a.Kept} }
	return json.NewEncoder(os.Stdout).Encode(map[string]written{
		"First": between(marks[0], marks[1]), "Second": between(marks[1], marks[2]), "All": between(marks[0], marks[days]),
	})
}

func twoNumbers(a, b string) (x, y int, err error) {
	if x, err = strconv.Atoi(a); err == nil {
		y, err = strconv.Atoi(b)
	}
	return x, y, err
}
