package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"yunjian/internal/pipeline"
	"yunjian/internal/send"
)

var update = flag.Bool("update", false, "rewrite golden files and generated documents")

func TestMain(m *testing.M) {
	if os.Getenv("YUNJIAN_TEST_MAIN") != "" { // see program
		main()
	}
	testscript.Main(sharing{m}, map[string]func(){"yunjian": main})
}

// raced are the stories of which several things go on at once in the program:
// they run it with the race detector, the others without.
var raced = []string{"apsara", "beside", "care", "cloud", "collecting", "interrupt", "send", "serve"}

// TestScripts runs the stories in testdata/script through the real program.
// Within one that is raced, $PLAIN is the program without the detector.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			bin, err := plain()
			if err != nil {
				return err
			}
			env.Setenv("PLAIN", "yunjian")
			if underRace() {
				env.Setenv("PLAIN", bin)
				if !slices.Contains(raced, strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")) {
					env.Setenv("PATH", filepath.Dir(bin)+string(filepath.ListSeparator)+env.Getenv("PATH"))
				}
			}
			for _, name := range []string{"PORT1", "PORT2"} {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				env.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
				l.Close()
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"waitfor": waitFor,
			"bearer":  bearer,
			"fetch":   fetch,
			"signal":  sendSignal,
			"exits":   exits,
			"expand":  expand,
			"tell":    tell,
		},
	})
}

// waitFor waits until an address answers: waitfor URL [PATTERN in the body].
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: waitfor URL [PATTERN]")
	}
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if body, status, err := get(args[0], ts.Getenv("BEARER")); err == nil && status < 500 {
			if len(args) == 1 || regexp.MustCompile(args[1]).MatchString(body) {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not answer as wanted within a minute", args[0])
}

// bearer sends a token that stands in a file with what fetch and waitfor ask for,
// until the script's end: bearer FILE.
func bearer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bearer FILE")
	}
	ts.Setenv("BEARER", strings.TrimSpace(ts.ReadFile(args[0])))
}

// fetch writes what an address answers to a file: fetch URL FILE.
func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fetch URL FILE")
	}
	body, status, err := get(args[0], ts.Getenv("BEARER"))
	ts.Check(err)
	if (status >= 400) != neg {
		ts.Fatalf("%s answered %d: %s", args[0], status, body)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(body), 0o600))
}

func get(url, token string) (string, int, error) {
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", 0, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	var b []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		b = append(b, buf[:n]...)
		if err != nil {
			break
		}
	}
	return string(b), resp.StatusCode, nil
}

// sendSignal signals the process whose id stands in a file: signal HUP FILE.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal HUP|TERM|KILL PIDFILE")
	}
	pid, err := strconv.Atoi(ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signals[args[0]]))
}

// exits runs a command that must end with an exact code: exits 2 yunjian ….
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = ee.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v exited with %d, want %d", args[1:], got, want)
	}
}

// expand replaces $NAME in a file by the script's environment: expand FILE.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

// tell has somebody told something: tell DATA-FOLDER CHANNEL ID [ADDRESS]. It
// stands for the notices that do.
func tell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: tell DATA-FOLDER CHANNEL ID [ADDRESS]")
	}
	d, err := pipeline.Open(ts.MkAbs(args[0]), time.UTC)
	ts.Check(err)
	item := send.Item{ID: args[2], To: send.Recipient{Channel: args[1], Lang: "zh"}, Title: "通知〔2026〕1号：3 项资源待答复", Due: "2026-01-09"}
	if len(args) == 4 {
		item.To.Address = args[3]
	}
	_, err = d.State.Tell([]send.Item{item})
	ts.Check(err)
	ts.Check(d.Close())
}

// root is the top of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(fmt.Errorf("find the repository: %w", err))
	}
	return dir
}
