package pipeline

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"yunjian/internal/store"
)

// A job is never run twice at once, and its result is kept whether it ends
// well, with an error, or breaks off.
func TestSchedulerKeepsResults(t *testing.T) {
	d := open(t)
	s := NewScheduler(d.State, zerolog.Nop())
	for _, j := range []Job{
		{Name: "good", Run: func(context.Context) (string, error) { return "12 resources", nil }},
		{Name: "bad", Run: func(context.Context) (string, error) { return "", errors.New("no such cloud") }},
		{Name: "broken", Run: func(context.Context) (string, error) { panic("index out of range") }},
	} {
		if !s.Once(context.Background(), j) {
			t.Errorf("%s did not run", j.Name)
		}
	}
	jobs, err := d.State.Jobs()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"good": "", "bad": "no such cloud", "broken": "index out of range"}
	for _, j := range jobs {
		if j.OK != (want[j.Name] == "") || !strings.Contains(j.Error, want[j.Name]) {
			t.Errorf("%s is kept as %+v, want an error with %q", j.Name, j, want[j.Name])
		}
		delete(want, j.Name)
	}
	if len(want) > 0 {
		t.Errorf("no result is kept of %v", want)
	}
}

// A job that the end of the daemon interrupts is no error, unless something else
// went wrong, too; nor is it done.
func TestSchedulerTellsInterruptedFromFailed(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		name, level, stored string
		also                error
	}{
		{"interrupted", `"level":"info"`, stoppedAmid, nil},
		{"failed", `"level":"error"`, "context canceled\nno such cloud", errors.New("no such cloud")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			ctx, stop := context.WithCancel(context.Background())
			NewScheduler(d.State, zerolog.New(&log)).Once(ctx, Job{Name: c.name, Run: func(ctx context.Context) (string, error) {
				stop()
				return "12 samples", errors.Join(ctx.Err(), c.also)
			}})
			if got := log.String(); !strings.Contains(got, c.level) || !strings.Contains(got, "12 samples") || strings.Contains(got, "context canceled") != (c.also != nil) {
				t.Errorf("logged %s, want %s", got, c.level)
			}
			jobs, err := d.State.Jobs()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(jobs, func(r store.JobResult) bool { return r.Name == c.name })
			if i < 0 || jobs[i].OK || jobs[i].Error != c.stored || jobs[i].Summary != "12 samples" {
				t.Errorf("kept as %+v, want the error %q", jobs, c.stored)
			}
		})
	}
}

func TestSchedulerNeverOverlaps(t *testing.T) {
	d := open(t)
	s := NewScheduler(d.State, zerolog.Nop())
	started, release := make(chan bool), make(chan bool)
	j := Job{Name: "slow", Run: func(context.Context) (string, error) {
		started <- true
		<-release
		return "", nil
	}}
	first := make(chan bool)
	go func() { first <- s.Once(context.Background(), j) }()
	<-started
	if s.Once(context.Background(), j) {
		t.Error("the job ran twice at once")
	}
	close(release)
	if !<-first {
		t.Error("the first run was skipped")
	}
}

// The end of a round lets a job finish; its context ends only with the daemon.
func TestSchedulerRoundLetsJobsFinish(t *testing.T) {
	d := open(t) // outside the bubble: its file lock is no business of the fake clock
	synctest.Test(t, func(t *testing.T) {
		s := NewScheduler(d.State, zerolog.Nop())
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		round, end := context.WithCancel(ctx)
		runs := 0
		j := Job{Name: "tick", Schedule: "@every 5m", Run: func(ctx context.Context) (string, error) {
			runs++
			time.Sleep(time.Minute)
			return "", ctx.Err()
		}}
		done := make(chan error)
		go func() { done <- s.Run(ctx, round, []Job{j}, time.UTC) }()
		time.Sleep(10*time.Minute + 30*time.Second)
		end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if runs != 2 {
			t.Errorf("%d runs in ten and a half minutes, want 2", runs)
		}
	})
	jobs, err := d.State.Jobs()
	if err != nil || len(jobs) != 1 || !jobs[0].OK {
		t.Errorf("the last run is kept as %+v (%v), want it finished", jobs, err)
	}
}

func TestSchedulerRefusesSchedule(t *testing.T) {
	d := open(t)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	err := NewScheduler(d.State, zerolog.Nop()).Run(ctx, ctx, []Job{{Name: "collect", Schedule: "often"}}, time.UTC)
	if err == nil || !strings.Contains(err.Error(), "collect") {
		t.Errorf("error %v, want one that names the job", err)
	}
}
