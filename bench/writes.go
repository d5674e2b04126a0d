package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

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
	Handed int64 `json:"handed"` // bytes that the process handed to the kernel
	Disk   int64 `json:"disk"`   // bytes that the kernel sent to the disk, for whomever
	Kept   int64 `json:"kept"`   // bytes of the file in use at the end more than at the beginning
}

// ratio is never less than what the process is known to have written, not even
// where the kernel does not count for the disk.
func (w written) ratio() float64 { return float64(max(w.Disk, w.Handed)) / float64(w.Kept) }

// countWrites prints what reached the disk against what is kept.
func (s *session) countWrites(ctx context.Context, day, month int) error {
	f := figure{
		Title: "写入量 ÷ 保留量 | bytes written to disk ÷ bytes kept",
		Unit:  "×",
		Note: "288 cycles a day, folded an hour after midnight, against the growth of the file's used bytes. Written is what the disk that holds the file counts, its file system's journal and other programs' writes included; " +
			"not write_bytes of /proc/PID/io, which counts a whole folio of the page cache, often many pages, for each page of it that is written",
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
			row{Of: fmt.Sprintf("second day, %d instances, as handed to the kernel", day), Value: float64(r.Second.Handed) / float64(r.Second.Kept)},
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
		stats, err := s.Stats(context.Background())
		if err != nil {
			return w, err
		}
		w.Kept = stats.Bytes - stats.FreeBytes
		w.Disk = diskWrites(args[0])
		_, err = fmt.Sscan(field("/proc/self/io", "wchar"), &w.Handed)
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
	between := func(a, b written) written {
		return written{b.Handed - a.Handed, b.Disk - a.Disk, b.Kept - a.Kept}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]written{
		"First": between(marks[0], marks[1]), "Second": between(marks[1], marks[2]), "All": between(marks[0], marks[days]),
	})
}

// diskWrites is how many bytes were written to the disk that holds a file since
// the machine started; 0 where the kernel does not say, as of file systems that
// span disks or have none.
func diskWrites(path string) int64 {
	var file unix.Stat_t
	if unix.Stat(path, &file) != nil {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/stat", unix.Major(file.Dev), unix.Minor(file.Dev)))
	columns := strings.Fields(string(text))
	if err != nil || len(columns) < 7 {
		return 0
	}
	sectors, err := strconv.ParseInt(columns[6], 10, 64)
	if err != nil {
		return 0
	}
	return sectors * 512 // whatever the disk's own sectors are
}

func twoNumbers(a, b string) (x, y int, err error) {
	if x, err = strconv.Atoi(a); err == nil {
		y, err = strconv.Atoi(b)
	}
	return x, y, err
}
