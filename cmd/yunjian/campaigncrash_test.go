package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yunjian/internal/control"
	"yunjian/internal/pipeline"
	"yunjian/internal/send"
	"yunjian/internal/store"
	"yunjian/notice"
)

// receiver is a webhook that counts what it has accepted.
type receiver struct {
	mu    sync.Mutex
	times map[string]int             // by id
	ids   map[string]map[string]bool // by kind and recipient
	total int
	heard chan struct{} // told of each
}

func newReceiver() *receiver {
	return &receiver{times: map[string]int{}, ids: map[string]map[string]bool{}, heard: make(chan struct{}, 1000)}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Type string
		Data struct{ ID, To string }
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil || body.Data.ID != req.Header.Get("webhook-id") {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[body.Data.ID]++
	r.total++
	to := body.Type + " " + body.Data.To
	if r.ids[to] == nil {
		r.ids[to] = map[string]bool{}
	}
	r.ids[to][body.Data.ID] = true
	r.heard <- struct{}{}
}

// distinct is how many different messages have come.
func (r *receiver) distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.times)
}

const (
	silent  = "示例市卫生健康委"
	number  = "浙财云通〔2026〕13号"
	told    = 10       // people with a digest beside the administrator's
	sends   = told + 2 // the administrator's, and the notice
	crashed = `data_dir: data
listen: 127.0.0.1:0
channels:
  - {name: hook, type: webhook, url_file: url, secret_file: secret, allow_hosts: [127.0.0.1], allow_schemes: [http], allow_private: true, quiet_hours: none}
recipients:
  - {role: cloudadmin, channel: hook, address: zhang@example.gov.cn}
  - {role: dept, channel: hook}
`
)

// campaignFolder is a folder in which two cases of one department are drafted, beside the
// bundle as it is and one in which what was advised is done.
func campaignFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in := func(args ...string) {
		t.Helper()
		cmd := program(t, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("yunjian %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("serve.yaml", crashed)
	write("yunjian.yaml", crashed+"clouds:\n  - {name: example, type: bundle, path: example}\n")
	write("done.yaml", crashed+"clouds:\n  - {name: example, type: bundle, path: done}\n")
	write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	write("url", "http://127.0.0.1:9")
	write("departments.csv", "单位,邮箱\n"+silent+",chen@example.gov.cn\n示例市财政局,wang@example.gov.cn\n")
	in("generate", "--output", "example", "--instances", "24", "--days", "45", "--seed", "7", "--end", "2026-11-23T00:00:00+08:00")
	in("import", "--config", "yunjian.yaml", "--bundle", "example")
	in("owner", "import", "departments.csv", "--config", "yunjian.yaml")
	in("audit", "--config", "yunjian.yaml", "--now", "2026-11-16T02:00:00+08:00")
	in("audit", "--config", "yunjian.yaml", "--now", "2026-11-23T02:00:00+08:00")
	in("notice", "sync", "--config", "yunjian.yaml", "--now", "2026-11-23T03:00:00+08:00")
	var ids []string
	advised := map[string]bool{}
	withData(t, dir, func(d *pipeline.Data) {
		cases, err := d.State.Cases()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			advised[c.ResourceID] = c.Action == "release"
			if c.Department == silent {
				ids = append(ids, c.ID)
			}
		}
		var items []send.Item
		for i := range told {
			to := send.Recipient{Channel: "hook", Address: fmt.Sprintf("person-%d@example.gov.cn", i), Lang: "zh"}
			items = append(items, send.Item{ID: "case-1", To: to, Title: "待答复"}, send.Item{ID: "case-2", To: to, Title: "待答复"})
		}
		if _, err := d.State.Tell(items); err != nil {
			t.Fatal(err)
		}
	})
	for _, event := range []string{"confirm", "draft"} {
		in(append([]string{"notice", "step", event, "--config", "yunjian.yaml", "--by", "zhang", "--now", "2026-11-24T10:00:00+08:00"}, ids...)...)
	}
	inventory, err := os.ReadFile(filepath.Join(dir, "example", "inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for line := range strings.Lines(string(inventory)) {
		if id, _, _ := strings.Cut(line, ","); !advised[id] {
			left = append(left, line)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "done", "samples"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("done/inventory.csv", strings.Join(left, ""))
	return dir
}

func withData(t *testing.T, dir string, do func(d *pipeline.Data)) {
	t.Helper()
	d, err := pipeline.Open(filepath.Join(dir, "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	do(d)
}

// campaign is one round over a folder.
type campaign struct {
	*testing.T
	dir    string
	random *rand.Rand
	usual  map[string]time.Duration // how long each command takes that is left alone
	kills  map[string]int           // amid each
	kept   map[string]int           // of these, after which it was done
}

// killed runs a command that is killed at a random moment, and once more where it has not
// done what it is for. Done looks at what is stored after either, given what was printed.
func (c *campaign) killed(name string, args []string, done func(said string) bool) {
	c.Helper()
	for again := range 2 {
		var said, wrong bytes.Buffer
		cmd := program(c.T, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, &said, &wrong
		begun := time.Now()
		if err := cmd.Start(); err != nil {
			c.Fatal(err)
		}
		var death *time.Timer
		if usual := c.usual[name]; again == 0 && usual > 0 {
			// The most is done at the end.
			after := time.Duration((0.3 + 0.8*c.random.Float64()) * float64(usual))
			death = time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		}
		err := cmd.Wait()
		if death != nil {
			death.Stop()
		}
		switch {
		case err == nil && c.usual[name] == 0:
			c.usual[name] = time.Since(begun)
		case err == nil: // as the machine is now
			c.usual[name] = (c.usual[name] + time.Since(begun)) / 2
		case death != nil && cmd.ProcessState.ExitCode() == -1:
			c.kills[name]++
		default:
			c.Fatalf("%s: %v\n%s%s", name, err, &said, &wrong)
		}
		if done(said.String()) {
			if err != nil {
				c.kept[name]++
			}
			return
		}
	}
	c.Fatalf("%s has not done it when left alone", name)
}

// issue wants the notice with both steps, or neither; and that the department is told of
// it, or is still to be told.
func (c *campaign) issue() {
	c.Helper()
	args := []string{"notice", "issue", "--config", "yunjian.yaml", "--department", silent, "--prefix", "浙财云通", "--number", "13", "--issuer", "示例省财政厅", "--signer", "李四", "--contact", "张三:0571-00000000", "--by", "li", "--now", "2026-11-24T11:00:00+08:00"}
	c.killed("issue", args, func(said string) bool {
		issued := false
		withData(c.T, c.dir, func(d *pipeline.Data) {
			notices, err := d.State.Notices()
			if err != nil {
				c.Fatal(err)
			}
			issued = len(notices) == 1
			if len(notices) > 1 {
				c.Errorf("%d notices were issued", len(notices))
			}
			if strings.Contains(said, "已签发") && !issued {
				c.Error("what was said to be issued is not")
			}
			want := map[bool]notice.State{true: "notified", false: "drafted"}[issued]
			c.told(d, c.states(d, want), issued)
		})
		return issued
	})
	c.killed("remind", []string{"notice", "remind", "--config", "yunjian.yaml", "--now", "2026-11-24T11:30:00+08:00"}, func(string) bool {
		n := 0
		withData(c.T, c.dir, func(d *pipeline.Data) { n = c.told(d, c.states(d, "notified"), true) })
		return n == 1
	})
}

// states wants the department's cases in a state, all of them.
func (c *campaign) states(d *pipeline.Data, want notice.State) (of []notice.Case) {
	c.Helper()
	cases, err := d.State.Cases()
	if err != nil {
		c.Fatal(err)
	}
	for _, x := range cases {
		if x.Department != silent {
			continue
		}
		of = append(of, x)
		if x.State != want {
			c.Errorf("case %s is %s, want %s like the others", x.ID, x.State, want)
		}
	}
	if len(of) != 2 {
		c.Fatalf("%d cases, want 2", len(of))
	}
	return of
}

// told returns how many notices wait in the outbox: one, or else it is owed still.
func (c *campaign) told(d *pipeline.Data, cases []notice.Case, issued bool) (notices int) {
	c.Helper()
	all, err := d.State.Outbox()
	if err != nil {
		c.Fatal(err)
	}
	for _, o := range all {
		if o.Message.Kind == send.KindNotice {
			notices++
		}
	}
	for _, x := range cases {
		owed := slices.ContainsFunc(x.Owed, func(o notice.Owed) bool { return o.To == notice.Dept })
		if issued && owed == (notices == 1) || notices > 1 {
			c.Errorf("%d notices wait, and case %s owes one: %t", notices, x.ID, owed)
		}
	}
	return notices
}

// answer wants the answer with both steps, or neither, and one that was taken never lost.
func (c *campaign) answer() {
	c.Helper()
	args := []string{"notice", "acknowledge", number, "--config", "yunjian.yaml", "--department", silent, "--by", "chen", "--agree", "--planned", "2026-12-20", "--received-by", "chen", "--confirmed-by", "李局", "--handler", "王科", "--phone", "0571-1", "--now", "2026-12-04T10:00:00+08:00"}
	c.killed("answer", args, func(said string) bool {
		taken := false
		withData(c.T, c.dir, func(d *pipeline.Data) {
			answers, err := d.State.Acknowledgements(number)
			if err != nil {
				c.Fatal(err)
			}
			taken = len(answers) == 1
			if len(answers) > 1 || strings.Contains(said, "回执已提交") && !taken {
				c.Errorf("%d answers are stored; said was %q", len(answers), said)
			}
			c.states(d, map[bool]notice.State{true: "agreed", false: "notified"}[taken])
		})
		return taken
	})
}

// reconcile wants each saving booked once: all that an inventory shows, or none.
func (c *campaign) reconcile(want *[]string) {
	c.Helper()
	args := []string{"import", "--config", "done.yaml", "--bundle", "done", "--now", "2026-12-27T02:00:00+08:00"}
	c.killed("reconcile", args, func(said string) bool {
		var got []string
		withData(c.T, c.dir, func(d *pipeline.Data) {
			entries, err := d.State.Ledger()
			if err != nil {
				c.Fatal(err)
			}
			for _, e := range entries {
				got = append(got, e.ResourceID+" "+string(e.Effect))
			}
		})
		slices.Sort(got)
		if *want == nil {
			*want = got
		}
		if len(got) > 0 && !slices.Equal(got, *want) || strings.Contains(said, "入账") && len(got) == 0 {
			c.Errorf("booked %q, want %q", got, *want)
		}
		return len(got) > 0
	})
}

// send wants everything sent that is in the outbox, to nobody a second notice or digest;
// the same message may come twice, once a kill.
func (c *campaign) send(got *receiver) {
	c.Helper()
	killed := 0
	for run := 0; ; run++ {
		if run > 20 {
			c.Fatalf("20 runs have sent %d of %d", got.distinct(), sends)
		}
		serve := program(c.T, "serve", "--config", "serve.yaml")
		var log bytes.Buffer
		serve.Dir, serve.Stderr = c.dir, &log
		if err := serve.Start(); err != nil {
			c.Fatal(err)
		}
		if want := got.distinct() + 1 + c.random.IntN(sends); run == 0 && want < sends {
			c.hear(got, want)
			time.Sleep(time.Duration(c.random.IntN(3000)) * time.Microsecond)
			_ = serve.Process.Signal(syscall.SIGKILL)
			killed++
		} else {
			c.waitSent()
			_ = serve.Process.Signal(syscall.SIGTERM)
		}
		_ = serve.Wait() // of one killed it is an error
		if c.sent() {
			break
		}
	}
	c.kills["send"] += killed
	got.mu.Lock()
	defer got.mu.Unlock()
	if len(got.times) != sends || got.total > sends+killed {
		c.Errorf("%d messages came, %d different ones, want %d after %d kills", got.total, len(got.times), sends, killed)
	}
	for to, ids := range got.ids {
		if len(ids) != 1 {
			c.Errorf("%s got %d different ones", to, len(ids))
		}
	}
}

// hear waits until so many different messages have come, or none comes any more.
func (c *campaign) hear(got *receiver, want int) {
	for got.distinct() < want {
		select {
		case <-got.heard:
		case <-time.After(5 * time.Second):
			return
		}
	}
}

// waitSent asks the daemon until it has marked everything as sent.
func (c *campaign) waitSent() {
	for range 400 {
		time.Sleep(20 * time.Millisecond)
		if _, err := control.Dial(c.Context(), filepath.Join(c.dir, "data")); err != nil {
			continue // it has not come up yet
		}
		ask := program(c.T, "send", "list", "--config", "serve.yaml")
		ask.Dir = c.dir
		if out, err := ask.Output(); err == nil && strings.Contains(string(out), fmt.Sprintf("待发 waiting 0，已发 sent %d", sends)) {
			return
		}
	}
}

// sent reports whether all messages are marked as sent.
func (c *campaign) sent() bool {
	c.Helper()
	n := 0
	withData(c.T, c.dir, func(d *pipeline.Data) {
		all, err := d.State.Outbox()
		if err != nil {
			c.Fatal(err)
		}
		for _, o := range all {
			if o.State == store.Sent {
				n++
			}
		}
		items, err := d.State.Items()
		if err != nil {
			c.Fatal(err)
		}
		if len(items) > 0 && len(all) >= sends {
			c.Errorf("%d items wait beside all digests: they are made in one transaction", len(items))
		}
	})
	return n == sends
}

// TestKilledCampaign kills the program amid issuing, answering, reconciling and sending.
// Nothing is lost, nothing done twice, and the journal holds. `make crash` does it
// YUNJIAN_CRASH_ROUNDS times.
func TestKilledCampaign(t *testing.T) {
	t.Parallel()
	rounds, seed := 3, uint64(time.Now().UnixNano())
	for name, into := range map[string]func(uint64){"YUNJIAN_CRASH_ROUNDS": func(n uint64) { rounds = int(n) }, "YUNJIAN_SEED": func(n uint64) { seed = n }} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			into(n)
		}
	}
	t.Logf("YUNJIAN_SEED=%d", seed)
	base := campaignFolder(t)
	c := &campaign{T: t, random: rand.New(rand.NewPCG(seed, 0)), usual: map[string]time.Duration{}, kills: map[string]int{}, kept: map[string]int{}}
	var booked []string
	begun := time.Now()
	for round := range rounds + 1 { // the first is left alone, to see how long each takes
		c.dir = t.TempDir()
		if err := os.CopyFS(c.dir, os.DirFS(base)); err != nil {
			t.Fatal(err)
		}
		got := newReceiver()
		server := httptest.NewServer(got)
		if err := os.WriteFile(filepath.Join(c.dir, "url"), []byte(server.URL), 0o600); err != nil {
			t.Fatal(err)
		}
		c.issue()
		c.answer()
		c.reconcile(&booked)
		c.send(got)
		server.Close()
		mustRun(t, "check", "--config", filepath.Join(c.dir, "yunjian.yaml"))
		mustRun(t, "journal", "verify", "--config", filepath.Join(c.dir, "yunjian.yaml"))
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		if err := os.RemoveAll(c.dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d rounds in %s: killed amid %v, done by then %v; booked %q", rounds, time.Since(begun).Round(time.Second), c.kills, c.kept, booked)
	for _, name := range []string{"issue", "answer", "reconcile", "send"} {
		if rounds >= 20 && c.kills[name] < rounds/3 { // of a few, none may have been hit
			t.Errorf("only %d of %d kills came amid %s: the test shows little", c.kills[name], rounds, name)
		}
	}
	if len(booked) == 0 {
		t.Error("nothing was booked: the test shows little of reconciling")
	}
}
