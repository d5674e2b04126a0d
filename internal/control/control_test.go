package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"yunjian/cloud"
	"yunjian/internal/history"
	"yunjian/internal/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var monday = time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)

// folder is an opened data folder with series of values that do not compress,
// so that a backup does not fit between the two ends of a socket.
func folder(t *testing.T, series int) *pipeline.Data {
	t.Helper()
	data, err := pipeline.Open(filepath.Join(t.TempDir(), "data"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	random := rand.New(rand.NewPCG(1, 2))
	var batch []cloud.Series
	for i := range series {
		s := cloud.Series{Resource: fmt.Sprintf("i-%03d", i), Metric: cloud.NetworkInBPS}
		for k := range 10 * 288 {
			s.Points = append(s.Points, cloud.Point{T: monday.Unix() + int64(k)*300, V: random.Float64()})
		}
		batch = append(batch, s)
	}
	if err := data.History.Append(batch); err != nil {
		t.Fatal(err)
	}
	return data
}

// daemon is a server at work over a data folder.
type daemon struct {
	*Server
	log  *bytes.Buffer
	stop func() // returns when it has stopped
}

func serve(t *testing.T, data *pipeline.Data) daemon {
	t.Helper()
	return serveRunning(t, data, nil)
}

// serveRunning is serve for commands, too.
func serveRunning(t *testing.T, data *pipeline.Data, run func(context.Context, Command, *Console) End) daemon {
	t.Helper()
	l, err := Listen(data.Dir)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	s := New(data, Options{
		Location: time.UTC, Log: zerolog.New(zerolog.SyncWriter(log)),
		Now:       func() time.Time { return monday.AddDate(0, 0, 30) },
		Retention: func() time.Duration { return 400 * 24 * time.Hour },
		Run:       run,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return daemon{s, log, stop}
}

func dial(t *testing.T, dir string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every job goes while samples are appended and folded, and tells the truth.
func TestBesideWriting(t *testing.T) {
	data := folder(t, 20)
	serve(t, data)
	c := dial(t, data.Dir)
	before, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop, cycles := make(chan struct{}), make(chan int, 1)
	go func() {
		n := 0
		defer func() { cycles <- n }()
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			at := monday.AddDate(0, 0, 12).Unix() + int64(n)*300
			var cycle []cloud.Series
			for i := range 20 {
				cycle = append(cycle, cloud.Series{Resource: fmt.Sprintf("i-%03d", i), Metric: cloud.CPUPercent, Points: []cloud.Point{{T: at, V: 1.25}}})
			}
			if err := data.History.Append(cycle); err != nil {
				t.Error(err)
			}
			if n%50 == 0 {
				if err := data.History.Fold(context.Background(), time.Unix(at, 0)); err != nil {
					t.Error(err)
				}
			}
			mark := cloud.Observation{Resource: "i-000", Metric: cloud.CPUPercent, Availability: cloud.Observed, Through: time.Unix(at, 0)}
			if err := data.State.PutObservations("c", []cloud.Observation{mark}); err != nil {
				t.Error(err)
			}
		}
	}()
	seen := before.Samples
	for range 10 {
		if err := c.Check(t.Context(), func(d history.Damage) { t.Errorf("damage in a sound folder: %s", d) }); err != nil {
			t.Error(err)
		}
		var backup bytes.Buffer
		if err := c.Backup(t.Context(), &backup); err != nil {
			t.Error(err)
		}
		kept := restored(t, backup.Bytes())
		if (kept.Samples-before.Samples)%20 != 0 {
			t.Errorf("a backup holds %d samples: part of a cycle", kept.Samples)
		}
		var steps []string
		got, err := c.Compact(t.Context(), func(s string) { steps = append(steps, s) })
		if err != nil || got.Before == 0 || got.After == 0 || len(steps) != 3 {
			t.Errorf("compact: %+v, steps %q, %v", got, steps, err)
		}
		now, err := c.Stats(t.Context())
		if err != nil || kept.Samples < seen || kept.Samples > now.Samples {
			t.Errorf("%d samples, then %d in a backup, then %d: %v", seen, kept.Samples, now.Samples, err)
		}
		seen = now.Samples
	}
	close(stop)
	n := <-cycles
	after, err := c.Stats(t.Context())
	if want := before.Samples + int64(n)*20; err != nil || after.Samples != want || after.Series != before.Series+20 {
		t.Errorf("%+v %v; want %d samples after %d cycles", after, err, want, n)
	}
	if n < 10 {
		t.Errorf("only %d cycles went beside the jobs: the test shows little", n)
	}
}

// restored is what a backup brings back, once it is found sound.
func restored(t *testing.T, backup []byte) history.Stats {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	if err := pipeline.Restore(t.Context(), bytes.NewReader(backup), dir, func(string) {}); err != nil {
		t.Fatal(err)
	}
	data, err := pipeline.Open(dir, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if err := data.Check(t.Context(), func(d history.Damage) { t.Errorf("a restored folder: %s", d) }); err != nil {
		t.Error(err)
	}
	s, err := data.History.Stats(context.Background())
	if err != nil {
		t.Error(err)
	}
	return s
}

// gate is a writer whose first write waits to be let through.
type gate struct {
	buf     bytes.Buffer
	once    sync.Once
	reached chan struct{} // closed at the first write
	open    chan struct{}
}

func newGate() *gate { return &gate{reached: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) Write(b []byte) (int, error) {
	g.once.Do(func() {
		close(g.reached)
		<-g.open
	})
	return g.buf.Write(b)
}

func TestOneJobAtATime(t *testing.T) {
	data := folder(t, 200)
	serve(t, data)
	c := dial(t, data.Dir)
	slow, ended := newGate(), make(chan error, 1)
	go func() { ended <- c.Backup(t.Context(), slow) }()
	<-slow.reached
	for name, job := range map[string]func() error{
		"backup":  func() error { return c.Backup(t.Context(), &bytes.Buffer{}) },
		"check":   func() error { return c.Check(t.Context(), func(history.Damage) {}) },
		"compact": func() error { _, err := c.Compact(t.Context(), func(string) {}); return err },
		"stats":   func() error { _, err := c.Stats(t.Context()); return err },
	} {
		err := job()
		if err == nil || !strings.HasPrefix(err.Error(), "the daemon is busy with `backup` since ") || !strings.HasSuffix(err.Error(), ": try again when that has ended") {
			t.Errorf("%s beside a backup: %v", name, err)
		}
	}
	close(slow.open)
	if err := <-ended; err != nil {
		t.Errorf("the first: %v", err)
	}
	if s := restored(t, slow.buf.Bytes()); s.Series != 200 {
		t.Errorf("the backup holds %d series, want 200", s.Series)
	}
	if _, err := c.Stats(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A client that goes away ends its job, and the next one finds the daemon free.
func TestClientGoesAway(t *testing.T) {
	data := folder(t, 200)
	d := serve(t, data)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("changed my mind")
	slow, ended := newGate(), make(chan error, 1)
	go func() { ended <- dial(t, data.Dir).Backup(ctx, slow) }()
	<-slow.reached
	cancel(why)
	close(slow.open)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("whoever goes away is told %v", err)
	}
	d.work.Wait()
	if _, err := dial(t, data.Dir).Stats(t.Context()); err != nil {
		t.Error(err)
	}
	d.stop()
	if !strings.Contains(d.log.String(), `{"level":"warn","error":"`) || !strings.Contains(d.log.String(), `"care":"backup"`) {
		t.Errorf("the log does not tell that the backup broke off:\n%s", d.log)
	}
}

// Whoever wants to know how far a job is gets to know it while it is under way.
func TestProgressIsTold(t *testing.T) {
	data := folder(t, 200)
	serve(t, data)
	slow, ended := newGate(), make(chan error, 1)
	type told struct{ done, total int64 }
	heard := make(chan told, 1)
	ctx := history.WithProgress(t.Context(), func(done, total int64) {
		select {
		case heard <- told{done, total}:
		default:
		}
	})
	go func() { ended <- dial(t, data.Dir).Backup(ctx, slow) }()
	if got := <-heard; got.done <= 0 || got.done >= got.total {
		t.Errorf("in the middle of a backup %+v are done", got)
	}
	close(slow.open)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStopEndsJobs(t *testing.T) {
	data := folder(t, 200)
	d := serve(t, data)
	slow, ended := newGate(), make(chan error, 1)
	go func() { ended <- dial(t, data.Dir).Backup(t.Context(), slow) }()
	<-slow.reached
	stopped := make(chan struct{})
	go func() {
		d.stop()
		close(stopped)
	}()
	// The socket goes first; then the job is told, which wants to be read.
	for {
		if _, err := Dial(t.Context(), data.Dir); err != nil {
			break
		}
		runtime.Gosched()
	}
	close(slow.open)
	if err := <-ended; err == nil || !strings.HasSuffix(err.Error(), errStopping.Error()) {
		t.Errorf("the client of a daemon that stops is told %v", err)
	}
	<-stopped
	if _, err := os.Lstat(filepath.Join(data.Dir, SocketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := data.History.Stats(context.Background()); err != nil {
		t.Errorf("the data after the stop: %v", err)
	}
}

// What is damaged is told through the socket as it is told without it.
func TestDamageIsTold(t *testing.T) {
	data := folder(t, 20)
	if err := data.History.Fold(t.Context(), monday.AddDate(0, 0, 60)); err != nil {
		t.Fatal(err)
	}
	data.Close()
	path := filepath.Join(data.Dir, pipeline.HistoryFile)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(d *pipeline.Data) (out []string) {
		if err := d.Check(t.Context(), func(d history.Damage) { out = append(out, d.String()) }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	// One bit after the other, until one hits a chunk.
	for at := len(sound) / 2; at < len(sound); at += 1001 {
		bad := bytes.Clone(sound)
		bad[at] ^= 4
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		data, err = pipeline.Open(data.Dir, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		want := damage(data)
		if len(want) == 0 {
			data.Close()
			continue
		}
		defer data.Close()
		serve(t, data)
		var got []string
		if err := dial(t, data.Dir).Check(t.Context(), func(d history.Damage) { got = append(got, d.String()) }); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-opened +asked)\n%s", diff)
		}
		return
	}
	t.Fatal("no bit of the file matters")
}

// What a job fails with reaches who asked for it.
func TestFailureIsTold(t *testing.T) {
	data := folder(t, 1)
	serve(t, data)
	c := dial(t, data.Dir)
	data.History.Close()
	for name, job := range map[string]func() error{
		"backup":  func() error { return c.Backup(t.Context(), &bytes.Buffer{}) },
		"check":   func() error { return c.Check(t.Context(), func(history.Damage) {}) },
		"compact": func() error { _, err := c.Compact(t.Context(), func(string) {}); return err },
		"stats":   func() error { _, err := c.Stats(t.Context()); return err },
	} {
		if err := job(); err == nil || !strings.Contains(err.Error(), "the history is closed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An answer that broke off is never taken for a whole one.
func TestBrokenAnswers(t *testing.T) {
	some := func(w http.ResponseWriter) {
		w.Write([]byte(`{"step":"begin"}` + "\n"))
		w.(http.Flusher).Flush()
	}
	backup := func(c *Client) error { return c.Backup(context.Background(), &bytes.Buffer{}) }
	check := func(c *Client) error { return c.Check(context.Background(), func(history.Damage) {}) }
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		job    func(*Client) error
		want   string
	}{
		{"the process dies in a backup", func(w http.ResponseWriter, _ *http.Request) { some(w); panic(http.ErrAbortHandler) }, backup, "the daemon broke off: unexpected EOF: see its log"},
		{"a backup without an end", func(w http.ResponseWriter, _ *http.Request) { some(w) }, backup, "the daemon broke off: unexpected EOF: see its log"},
		{"the process dies in a check", func(w http.ResponseWriter, _ *http.Request) { some(w); panic(http.ErrAbortHandler) }, check, "the daemon broke off: unexpected EOF: see its log"},
		{"a check without an end", func(w http.ResponseWriter, _ *http.Request) { some(w) }, check, "the daemon broke off: unexpected EOF: see its log"},
		{"another version", http.NotFound, check, "the daemon answers 404 Not Found to /check: it is of another version than this command (404 page not found)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := Listen(dir)
			if err != nil {
				t.Fatal(err)
			}
			server := http.Server{Handler: tt.answer}
			go server.Serve(l)
			defer server.Close()
			if err := tt.job(dial(t, dir)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// A full disk here is told as such, and not as the daemon's fault.
func TestErrorOfWriting(t *testing.T) {
	data := folder(t, 1)
	serve(t, data)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := dial(t, data.Dir).Backup(t.Context(), full); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want no space left on device", err)
	}
}

func TestSocketOfAKilledDaemon(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, SocketName)
	killed, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	killed.(listener).Listener.Close() // as when it is killed, the socket stays
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), dir); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("asking the dead: %v", err)
	}
	next, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	dial(t, dir)
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), path+" is there and is no socket") {
		t.Errorf("a file in its place: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("that file is not left alone: %q %v", text, err)
	}
}

// The path of a socket may have 107 bytes, that of a folder more.
func TestLongFolder(t *testing.T) {
	for _, length := range []int{maxAddress, maxAddress + 1, 400} {
		dir := t.TempDir()
		for len(dir) < length-len(SocketName)-1 {
			dir += "/" + strings.Repeat("x", min(100, length-len(SocketName)-len(dir)-2))
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, SocketName)
		if len(path) != length {
			t.Fatalf("a path of %d bytes, want %d", len(path), length)
		}
		l, err := Listen(dir)
		if err != nil {
			t.Fatal(err)
		}
		dial(t, dir)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a socket with a path of %d bytes stays: %v", length, err)
		}
	}
}

// Another account is turned away whatever the umask.
func TestOnlyTheOwnAccount(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path := filepath.Join(dir, SocketName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket has mode %v, want 0600: %v", info.Mode(), err)
	}
	dial(t, dir)
	if os.Getuid() != 0 { // cannot become another: shuts itself out
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Dial(t.Context(), dir); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("without permission: %v", err)
		}
		return
	}
	for _, d := range []string{dir, filepath.Dir(dir)} { // the folders do not keep it out
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := asNobody(path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another account: %v", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := asNobody(path); err != nil {
		t.Errorf("another account that may: %v", err)
	}
}

// asNobody connects as another account.
func asNobody(path string) error {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its account
		const nobody = 65534
		if err := syscall.Setfsuid(nobody); err != nil {
			ended <- err
			return
		}
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
		}
		ended <- err
	}()
	return <-ended
}

// dialRaw is a connection to the daemon of a folder for whoever speaks himself.
func dialRaw(t *testing.T, dir string) (conn net.Conn, err error) {
	t.Helper()
	err = named(dir, func(path string) error {
		conn, err = net.Dial("unix", path)
		return err
	})
	return conn, err
}
