package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// browser is a Chromium that a test steers through the DevTools protocol, over a pipe.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	asked   int
	told    []string // what it logged, threw, refused or fetched
}

// openPage shows a file in Chromium; without one the test is skipped.
func openPage(t *testing.T, path string) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		t.Skip("chromium is not installed")
	}
	toRead, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The browser's children may still write while it is taken down, which a folder of
	// the test itself would be blamed for.
	profile, err := os.MkdirTemp("", "yunjian-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	args := []string{"--headless", "--disable-gpu", "--remote-debugging-pipe", "--user-data-dir=" + profile, "--window-size=1200,2400", "--no-first-run"}
	if os.Getuid() == 0 { // its own sandbox does not work for root, who is alone in a container
		args = append(args, "--no-sandbox")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.ExtraFiles = []*os.File{toRead, toWrite}
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toRead.Close()
	toWrite.Close()
	b := &browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_, _ = in.Write([]byte(`{"id": 0, "method": "Browser.close"}` + "\x00"))
		_ = cmd.Wait()
		in.Close()
		out.Close()
	})
	_ = out.SetReadDeadline(time.Now().Add(2 * time.Minute)) // a machine may be busy
	var target struct{ TargetID string }
	b.ask("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.ask("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.ask(domain+".enable", nil, nil)
	}
	b.ask("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	for b.eval("document.readyState + location.protocol") != "completefile:" {
	}
	return b
}

// ask sends a command and waits for its answer, noting what happens meanwhile.
func (b *browser) ask(method string, params, answer any) {
	b.t.Helper()
	b.asked++
	m := map[string]any{"id": b.asked, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		text, err := b.out.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		var got struct {
			ID     int
			Error  *struct{ Message string }
			Result json.RawMessage
			Method string
			Params json.RawMessage
		}
		if err := json.Unmarshal(text[:len(text)-1], &got); err != nil {
			b.t.Fatal(err)
		}
		switch got.Method {
		case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Network.requestWillBeSent":
			b.told = append(b.told, got.Method+" "+string(got.Params))
		}
		if got.ID != b.asked {
			continue
		}
		if got.Error != nil {
			b.t.Fatalf("%s: %s", method, got.Error.Message)
		}
		if answer != nil {
			if err := json.Unmarshal(got.Result, answer); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// eval is what an expression comes to, as text.
func (b *browser) eval(js string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.ask("Runtime.evaluate", map[string]any{"expression": js, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", js, got.ExceptionDetails.Exception.Description)
	}
	return fmt.Sprint(got.Result.Value)
}

// is fails the test unless an expression comes to want.
func (b *browser) is(js, want string) {
	b.t.Helper()
	if got := b.eval(js); got != want {
		b.t.Errorf("%s: got %q, want %q", js, got, want)
	}
}

// key presses a key on whatever has the focus.
func (b *browser) key(name string, code int) {
	b.t.Helper()
	p := map[string]any{"type": "keyDown", "key": name, "code": name, "windowsVirtualKeyCode": code}
	if name == "Enter" {
		p["text"] = "\r"
	}
	b.ask("Input.dispatchKeyEvent", p, nil)
	b.ask("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code}, nil)
}

// point moves the mouse to the middle of an element, and clicks where asked to.
func (b *browser) point(selector string, click bool) {
	b.t.Helper()
	var at struct{ X, Y float64 }
	js := fmt.Sprintf("(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return JSON.stringify({X: r.x + r.width / 2, Y: r.y + r.height / 2}); })()", selector)
	if err := json.Unmarshal([]byte(b.eval(js)), &at); err != nil {
		b.t.Fatal(err)
	}
	types := []string{"mouseMoved"}
	if click {
		types = append(types, "mousePressed", "mouseReleased")
	}
	for _, what := range types {
		p := map[string]any{"type": what, "x": at.X, "y": at.Y}
		if what != "mouseMoved" {
			p["button"], p["clickCount"] = "left", 1
		}
		b.ask("Input.dispatchMouseEvent", p, nil)
	}
}

// quiet fails the test where the page logged, threw or was refused anything, or asked
// for more than itself.
func (b *browser) quiet() {
	b.t.Helper()
	b.eval("0") // what was still to be told has been told
	for _, s := range b.told {
		if !strings.HasPrefix(s, "Network.requestWillBeSent") || !strings.Contains(s, `"type":"Document"`) {
			b.t.Errorf("the page is not quiet: %s", s)
		}
	}
}
