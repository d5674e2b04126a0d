package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"yunjian/internal/pipeline"
	"yunjian/internal/send"
	"yunjian/internal/store"
)

// receiver counts the messages that it has accepted, by id.
type receiver struct {
	mu    sync.Mutex
	times map[string]int
	total int
	heard chan struct{} // told of each
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	r.mu.Lock()
	r.times[req.Header.Get("webhook-id")]++
	r.total++
	r.mu.Unlock()
	select {
	case r.heard <- struct{}{}:
	default:
	}
}

// TestKilledSend kills the daemon again and again while it sends. Nothing that was
// told is lost; what was accepted and not yet marked may come twice, under the same
// id and at most once a kill; no person has two digests.
func TestKilledSend(t *testing.T) {
	t.Parallel()
	got := &receiver{times: map[string]int{}, heard: make(chan struct{}, 1)}
	server := httptest.NewServer(got)
	defer server.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "yunjian.yaml")
	for name, text := range map[string]string{
		"yunjian.yaml": `listen: 127.0.0.1:0
channels:
  - {name: hook, type: webhook, url_file: url, secret_file: secret, allow_hosts: [127.0.0.1], allow_schemes: [http], allow_private: true, quiet_hours: none}
`,
		"url":    server.URL,
		"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const people = 150
	data, err := pipeline.Open(filepath.Join(dir, "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var items []send.Item
	for i := range people {
		to := send.Recipient{Channel: "hook", Address: fmt.Sprintf("person-%d@example.gov.cn", i), Lang: "zh"}
		items = append(items, send.Item{ID: "case-1", To: to, Title: "待答复"}, send.Item{ID: "case-2", To: to, Title: "待答复"})
	}
	if _, err := data.State.Tell(items); err != nil {
		t.Fatal(err)
	}
	if err := data.Close(); err != nil {
		t.Fatal(err)
	}

	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	killed := 0
	for round := 0; ; round++ {
		if round > 60 {
			t.Fatal("60 runs have not sent everything")
		}
		serve := program(t, "serve", "--config", config)
		if err := serve.Start(); err != nil {
			t.Fatal(err)
		}
		if killAmid(got, people, random) {
			killed++
		}
		_ = serve.Process.Signal(syscall.SIGKILL)
		_ = serve.Wait() // killed
		if sentAll(t, dir, people) {
			break
		}
	}
	once := 0
	for id, n := range got.times {
		if n == 1 {
			once++
		} else if n > 1+killed {
			t.Errorf("%s came %d times", id, n)
		}
	}
	t.Logf("%d kills, %d messages, %d came more than once", killed, got.total, len(got.times)-once)
	if len(got.times) != people {
		t.Errorf("%d people were told, want %d", len(got.times), people)
	}
	if got.total > people+killed {
		t.Errorf("%d messages came for %d people and %d kills: one was sent again that was marked", got.total, people, killed)
	}
	if killed < 3 {
		t.Errorf("only %d kills came amid the sending: the test shows little", killed)
	}
	mustRun(t, "check", "--config", config)
}

// killAmid waits until some more messages have come, and reports whether more were
// to come; with nothing left it waits until all is marked.
func killAmid(got *receiver, people int, random *rand.Rand) (amid bool) {
	got.mu.Lock()
	from := got.total
	got.mu.Unlock()
	want := from + 1 + random.IntN(people/6)
	idle := time.NewTimer(2 * time.Second)
	defer idle.Stop()
	for {
		select {
		case <-got.heard:
		case <-idle.C:
			return false
		}
		idle.Reset(2 * time.Second)
		got.mu.Lock()
		total, distinct := got.total, len(got.times)
		got.mu.Unlock()
		if total >= want && distinct < people {
			time.Sleep(time.Duration(random.IntN(4000)) * time.Microsecond)
			return true
		}
	}
}

// sentAll reports whether all messages are marked as sent, one a person, and
// nothing waits.
func sentAll(t *testing.T, dir string, people int) bool {
	t.Helper()
	data, err := pipeline.Open(filepath.Join(dir, "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	all, err := data.State.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	items, err := data.State.Items()
	if err != nil {
		t.Fatal(err)
	}
	sent, to := 0, map[string]bool{}
	for _, o := range all {
		if to[o.Message.To] {
			t.Fatalf("%s has two digests", o.Message.To)
		}
		to[o.Message.To] = true
		if o.State == store.Sent {
			sent++
		}
	}
	if len(items) > 0 && len(all) > 0 {
		t.Fatalf("%d items wait beside %d digests: they are made in one transaction", len(items), len(all))
	}
	return sent == people
}
