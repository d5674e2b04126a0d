package history

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
)

// crashVariable makes the test binary the child of TestKilledAtAnyMoment: its
// value is the file to work on.
const crashVariable = "YUNJIAN_HISTORY_CRASH"

const crashSeries = 12

func crashBatch(cycle int) []cloud.Series {
	var out []cloud.Series
	for i := range crashSeries {
		p := cloud.Point{T: monday.Unix() + int64(cycle)*3600, V: float64((cycle*31+i*7)%10000) / 100}
		// Each cycle also corrects the one before it.
		before := cloud.Point{T: p.T - 3600, V: p.V + 0.5}
		out = append(out, series(fmt.Sprintf("i-%02d", i), cloud.CPUPercent, p, before))
	}
	return out
}

// crashChild appends cycle after cycle from where the file ends, folds,
// retains and compacts, and says each cycle that is committed, until killed.
func crashChild(path string) {
	s, err := Open(path, Options{Location: china})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	_, last, n, err := s.Extent("i-00", cloud.CPUPercent)
	cycle := 0
	if n > 0 {
		cycle = int(last.Unix()-monday.Unix())/3600 + 1
	}
	for ; err == nil; cycle++ {
		if err = s.Append(crashBatch(cycle)); err != nil {
			break
		}
		fmt.Println("done", cycle)
		now := instant(monday.Unix() + int64(cycle)*3600)
		switch cycle % 24 {
		case 5:
			err = s.Fold(context.Background(), now)
		case 11:
			err = s.Retain(context.Background(), now, 10*365*24*time.Hour)
		case 17:
			err = s.Compact(context.Background())
		}
	}
	fmt.Println("error", err)
}

// A process killed at any moment of append, fold and compact leaves a file
// that is sound and holds everything that was reported committed.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	if n, err := strconv.Atoi(os.Getenv("YUNJIAN_CRASH_ROUNDS")); err == nil {
		rounds = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "history.db")
	committed := -1
	for round := range rounds {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashVariable+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(50+random.IntN(600))*time.Millisecond, func() { child.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			switch n, err := strconv.Atoi(rest); {
			case word == "done" && err == nil:
				committed = n
			case word == "error":
				t.Errorf("round %d: the child ended with %s", round, rest)
			}
		}
		child.Wait()
		timer.Stop()

		if _, err := os.Stat(path); committed < 0 && err != nil {
			continue // killed before there was a file
		}
		sound(t, path)
		s := openAt(t, path, Options{})
		for i := range crashSeries {
			got := points(t, s, fmt.Sprintf("i-%02d", i), cloud.CPUPercent, always)
			if held := len(got) - 2; held < committed || held > committed+1 {
				t.Fatalf("round %d: %d cycles are held, %d were reported done", round, held, committed)
			}
			for k, p := range got {
				// Cycle k-1 wrote this instant first, cycle k corrected it.
				want := crashBatch(k)[i].Points[1]
				if k == len(got)-1 {
					want = crashBatch(k - 1)[i].Points[0]
				}
				if p != want {
					t.Fatalf("round %d: series %d holds %v, want %v", round, i, p, want)
				}
			}
		}
		s.Close()
	}
	t.Logf("%d cycles over %d kills", committed+1, rounds)
}
