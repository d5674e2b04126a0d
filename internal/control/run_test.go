package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunjian/internal/journal"
)

// A command has its client's input, output, terminal and files, and ends as it ends.
func TestRun(t *testing.T) {
	data := folder(t, 1)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.csv"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // the client's; to the daemon of this test it makes no difference that it is its own
	big := strings.Repeat("云", 100_000)
	var who string
	d := serveRunning(t, data, func(ctx context.Context, c Command, client *Console) End {
		who = journal.WhoOf(ctx).Actor
		in, err := io.ReadAll(client)
		fmt.Fprintf(client.Out(), "%v %s %t %t %q %v\n", c.Args, c.Config, client.InputTerminal(), client.Err().Terminal(), in, err)
		secret, err := client.Secret("口令")
		fmt.Fprintf(client.Err(), "%s %v\n", secret, err)
		for _, path := range []string{"in.csv", "nowhere.csv"} {
			text, err := client.ReadFile(path, 4)
			fmt.Fprintf(client.Out(), "%s %v %t\n", text, err, client.IsFile(path))
		}
		fmt.Fprintln(client.Out(), client.WriteFile("out.csv", []byte("whole")), client.WriteFile("nowhere/out.csv", nil) != nil)
		fmt.Fprint(client.Out(), big)
		return End{Code: 2, Message: "as it was called"}
	})
	var out, errs bytes.Buffer
	end, err := dial(t, data.Dir).Run(t.Context(), Command{Args: []string{"account", "add", "in.csv", "nowhere.csv", "--output", "out.csv", "--also=nowhere/out.csv"}, Config: "/c.yaml", InputTerminal: true, ErrorsTerminal: true}, Local{
		In: strings.NewReader("a\nb"), Out: &out, Err: &errs, Files: Disk{},
		Secret: func(_ context.Context, label string) (string, error) { return "hush for " + label, nil },
	})
	if want := (End{Code: 2, Message: "as it was called"}); err != nil || end != want {
		t.Errorf("ended %+v, %v", end, err)
	}
	want := `[account add in.csv nowhere.csv --output out.csv --also=nowhere/out.csv] /c.yaml true true "a\nb" <nil>
01234 <nil> true
 open nowhere.csv: no such file or directory false
<nil> true
` + big
	if out.String() != want {
		t.Errorf("output %.400s\nwant %.400s", out.String(), want)
	}
	if errs.String() != "hush for 口令 <nil>\n" {
		t.Errorf("errors %q", errs.String())
	}
	if text, err := os.ReadFile("out.csv"); err != nil || string(text) != "whole" {
		t.Errorf("written %q, %v", text, err)
	}
	if want := journal.CLI(UserName(os.Geteuid())).Actor; who != want {
		t.Errorf("for %s, want %s", who, want)
	}
	d.stop()
	if log := d.log.String(); !strings.Contains(log, `"command":"account add","exit_code":2`) || strings.Contains(log, "in.csv") || strings.Contains(log, "hush") {
		t.Errorf("log %s", log)
	}
}

// What the command line does not name the client neither reads nor writes, whatever the
// daemon asks for: root calls it, too.
func TestRunAsksForWhatIsNamedAlone(t *testing.T) {
	data, dir := folder(t, 1), t.TempDir()
	secret, other := filepath.Join(dir, "shadow"), filepath.Join(dir, "cron")
	if err := os.WriteFile(secret, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	serveRunning(t, data, func(_ context.Context, _ Command, client *Console) End {
		text, err := client.ReadFile(secret, 100)
		if len(text) > 0 || err == nil || client.IsFile(secret) || client.WriteFile(other, []byte("x")) == nil || client.WriteFile("", nil) == nil {
			return End{Code: 1, Message: fmt.Sprintf("read %q, %v", text, err)}
		}
		return End{}
	})
	end, err := dial(t, data.Dir).Run(t.Context(), Command{Args: []string{"tally", "--output=" + dir + "/t.csv", dir}}, local())
	if _, there := os.Stat(other); err != nil || end.Code != 0 || there == nil {
		t.Errorf("%+v, %v, %v", end, err, there)
	}
}

// local is a client without input or files whose output is dropped.
func local() Local {
	return Local{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Files: Disk{}}
}

// waits runs until it is told to end, and says that it was.
func waits(begun chan<- struct{}) func(context.Context, Command, *Console) End {
	return func(ctx context.Context, _ Command, _ *Console) End {
		begun <- struct{}{}
		<-ctx.Done()
		return End{Code: 1, Message: context.Cause(ctx).Error()}
	}
}

// Ctrl-C at the client interrupts the command, which has its say.
func TestRunIsInterrupted(t *testing.T) {
	data := folder(t, 1)
	begun := make(chan struct{})
	serveRunning(t, data, waits(begun))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	end, err := dial(t, data.Dir).Run(ctx, Command{}, local())
	if err != nil || end.Code != 1 || end.Message != context.Canceled.Error() {
		t.Errorf("ended %+v, %v", end, err)
	}
}

// So does one that waits at a prompt.
func TestRunIsInterruptedAtAPrompt(t *testing.T) {
	data := folder(t, 1)
	serveRunning(t, data, func(_ context.Context, _ Command, client *Console) End {
		_, err := client.Secret("口令")
		return End{Code: 1, Message: fmt.Sprint(err)}
	})
	ctx, cancel := context.WithCancel(t.Context())
	l := local()
	l.Secret = func(ctx context.Context, _ string) (string, error) {
		cancel()
		<-ctx.Done()
		return "", ctx.Err()
	}
	end, err := dial(t, data.Dir).Run(ctx, Command{}, l)
	if err != nil || end.Message != context.Canceled.Error() {
		t.Errorf("ended %+v, %v", end, err)
	}
}

// A daemon that stops ends what it runs, and says why.
func TestStopEndsCommands(t *testing.T) {
	data := folder(t, 1)
	begun := make(chan struct{})
	d := serveRunning(t, data, waits(begun))
	go func() {
		<-begun
		d.stop()
	}()
	end, err := dial(t, data.Dir).Run(t.Context(), Command{}, local())
	if err != nil || !strings.Contains(end.Message, "the daemon is stopping") {
		t.Errorf("ended %+v, %v", end, err)
	}
}

// No more than a few run at a time; a client that goes away makes room.
func TestFewAtATime(t *testing.T) {
	data := folder(t, 1)
	begun := make(chan struct{})
	d := serveRunning(t, data, waits(begun))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	for range maxCommands {
		go func() {
			_, err := dial(t, data.Dir).Run(ctx, Command{}, local())
			ended <- err
		}()
		<-begun
	}
	if _, err := dial(t, data.Dir).Run(t.Context(), Command{}, local()); err == nil || !strings.Contains(err.Error(), "runs 4 commands already") {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range maxCommands {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	d.stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running != 0 {
		t.Errorf("%d still count", d.running)
	}
}

// A client that hangs up in the middle ends the command.
func TestClientHangsUp(t *testing.T) {
	data := folder(t, 1)
	begun, cause := make(chan struct{}, 1), make(chan error, 1)
	serveRunning(t, data, func(ctx context.Context, _ Command, client *Console) End {
		begun <- struct{}{}
		<-ctx.Done()
		_, err := client.ReadFile("x", 1)
		cause <- err
		return End{Code: 1}
	})
	conn, err := dialRaw(t, data.Dir)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST /run HTTP/1.1\r\nHost: daemon\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n{\"command\":{\"args\":[]}}\n")
	<-begun
	conn.Close()
	if err := <-cause; !errors.Is(err, errGone) {
		t.Errorf("ended by %v", err)
	}
}

// Should the socket have been opened to others, they get nothing through it.
func TestOthersAreTurnedAway(t *testing.T) {
	h := New(folder(t, 1), Options{Location: time.UTC, Now: time.Now}).handler()
	for _, path := range []string{"POST /backup", "POST /journal/show?filter={}", "GET /stats", "GET /progress"} {
		method, target, _ := strings.Cut(path, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, target, nil).WithContext(context.WithValue(t.Context(), peerKey{}, os.Geteuid()+1)))
		if w.Code != http.StatusConflict || w.Body.Len() > 100 {
			t.Errorf("%s: %d, %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

// Whoever speaks otherwise gets an answer, and the daemon lives on.
func TestRunOddly(t *testing.T) {
	data := folder(t, 1)
	serveRunning(t, data, func(context.Context, Command, *Console) End { return End{} })
	for name, c := range map[string]struct{ request, want string }{
		"no upgrade":  {"POST /run HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n", "400 Bad Request"},
		"no command":  {"POST /run HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n{}\n", "101 Switching Protocols"},
		"not a frame": {"POST /run HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\nhello\n", "101 Switching Protocols"},
	} {
		conn, err := dialRaw(t, data.Dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, c.request)
		text, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.Contains(string(text), c.want) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if end, err := dial(t, data.Dir).Run(t.Context(), Command{}, local()); err != nil || end.Code != 0 {
		t.Errorf("afterwards: %+v, %v", end, err)
	}
}

// An older daemon, which knows no commands, is told from one that refuses.
func TestRunOfAnOlderDaemon(t *testing.T) {
	data := folder(t, 1)
	serve(t, data)
	if _, err := dial(t, data.Dir).Run(t.Context(), Command{}, local()); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("%v", err)
	}
}

func TestNameOf(t *testing.T) {
	for want, args := range map[string][]string{
		"account add": {"account", "add", "zhang"}, "report": {"report", "--config", "x"}, "": {"--config"}, "owner import": {"owner", "import", "张三.csv"},
	} {
		if got := nameOf(args); got != want {
			t.Errorf("%v: %q, want %q", args, got, want)
		}
	}
}
