package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/internal/estate"
	"yunjian/internal/pipeline"
	"yunjian/internal/simcloud"
)

// TestKilledCollect kills the program a dozen times at random moments of a
// collection. After each kill the folder is sound and nothing that was reported
// as read is missing; the run that is left alone brings everything.
func TestKilledCollect(t *testing.T) {
	t.Parallel()
	world := estate.New(estate.Options{Instances: 16, Days: 6, Seed: 5})
	sim := simcloud.New(world, simcloud.Options{
		Credentials: map[string]string{demoKey: demoSecret}, Quotas: simcloud.Unlimited(), Now: world.End(),
	})
	cloudServer := httptest.NewServer(sim)
	defer cloudServer.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "yunjian.yaml")
	// What is read is stored every two seconds: so few calls are made a second that
	// there are several.
	text := fmt.Sprintf(`clouds:
  - name: province
    type: aliyun
    regions: [cn-hangzhou]
    endpoint: %s
    access_key_id_file: ./ak
    access_key_secret_file: ./sk
    budget: {queries_per_second: 15, calls_per_month: 100000000}
`, cloudServer.URL)
	for name, text := range map[string]string{"yunjian.yaml": text, "ak": demoKey, "sk": demoSecret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Kills are spread over nine tenths of the calls of a run left alone, one at
	// random in each eighth of that: wholly at random, all could come before
	// anything is stored. Early ones come first, for what a late one leaves to be
	// read is little.
	now := world.End().Format(time.RFC3339)
	mustRun(t, "collect", "--config", config, "--now", now)
	calls := sim.Actions()["DescribeMetricList"]
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d calls", seed, calls)
	random := rand.New(rand.NewPCG(seed, 0))
	killed, read, most := 0, 0, 0
	const rounds = 8
	for round := range rounds {
		collect := program(t, "collect", "--config", config, "--now", now)
		if err := collect.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed by how far it has come, not by the clock: a slow machine, too,
		// then shows kills before, amid and after what is stored on the way.
		at := (float64(round) + random.Float64()) / rounds * 0.9 * float64(calls)
		if killAfter(collect, sim, int(at), time.Duration(random.IntN(30))*time.Millisecond) {
			killed++
		} else { // it brought everything, and left nothing to be killed at: from the start again
			if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
				t.Fatal(err)
			}
			read = 0
			continue
		}
		marked := checkMarks(t, dir, world, 13)
		if marked < read {
			t.Fatalf("round %d: %d series were marked as read, %d before the kill", round, marked, read)
		}
		read = marked
		most = max(most, read)
		mustRun(t, "check", "--config", config) // the journal, too
	}
	t.Logf("%d runs killed at work; %d series read by then", killed, most)
	if most == 0 {
		t.Error("nothing was ever stored before a kill: the test shows little")
	}
	if killed < 3 {
		t.Errorf("only %d of %d runs were killed at work: the test shows little", killed, rounds)
	}
	mustRun(t, "collect", "--config", config, "--now", now)
	if all, want := checkMarks(t, dir, world, 3), expectedSeries(world); all < want {
		t.Errorf("%d series are read after the last run; want %d", all, want)
	}
	mustRun(t, "check", "--config", config)
}

// killAfter kills a running collection some moments after it made that many
// metric calls, and reports whether it was still at work.
func killAfter(collect *exec.Cmd, sim *simcloud.Server, calls int, moments time.Duration) bool {
	before := sim.Actions()["DescribeMetricList"]
	ended := make(chan error, 1)
	go func() { ended <- collect.Wait() }()
	for sim.Actions()["DescribeMetricList"]-before < calls {
		select {
		case err := <-ended:
			return err != nil
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(moments)
	_ = collect.Process.Signal(syscall.SIGKILL)
	return <-ended != nil
}

// checkMarks compares one in so many series with its source, up to the mark that
// says how far it was read, and returns how many have a mark.
func checkMarks(t *testing.T, dir string, world *estate.Estate, every int) int {
	t.Helper()
	data, err := pipeline.Open(filepath.Join(dir, "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	known, err := data.State.Observations("province")
	if err != nil {
		t.Fatal(err)
	}
	marked := 0
	for id, metrics := range known {
		for m, o := range metrics {
			if o.Through.IsZero() || o.Availability != cloud.Observed {
				continue
			}
			marked++
			if marked%every != 0 || m == cloud.DiskPercent {
				continue // the fullest of several disks: compared elsewhere
			}
			have, err := data.History.Points(id, m, cloud.Window{From: world.Start(), To: o.Through.Add(time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			want := world.Samples(id, m, world.Start().Unix()-1, o.Through.Unix())
			if o.Origin != cloud.OriginHypervisor && !slices.Equal(have, want) {
				t.Fatalf("%s %s: %d samples are stored up to %s, the cloud has %d", id, m, len(have), o.Through, len(want))
			}
		}
	}
	return marked
}

// expectedSeries is how many series of the estate hold samples.
func expectedSeries(world *estate.Estate) int {
	n := 0
	for _, r := range world.Inventory(world.End()).Resources {
		if r.Kind != cloud.Instance || r.Status != cloud.Running {
			continue
		}
		for _, m := range cloud.Metrics() {
			if world.HasSamples(r.ID, m) {
				n++
			}
		}
	}
	return n
}

// program is the program as a process of its own, to be killed or suspended.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), self, args...)
	cmd.Env = append(os.Environ(), "YUNJIAN_TEST_MAIN=1")
	return cmd
}

func mustRun(t *testing.T, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != exitDone {
		t.Fatalf("yunjian %v exited with %d\n%s%s", args, code, &stdout, &stderr)
	}
}
