package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Local is what a command that the daemon runs is given of this process.
type Local struct {
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	Secret func(ctx context.Context, label string) (string, error) // asks at a terminal, unseen
	Files  Files
}

// endGrace is how long a command may take to end that was interrupted.
const endGrace = 10 * time.Second

// Run has the daemon run a command with this process's standard input, output and
// files, and returns how it ended. The end of ctx interrupts it. An error says that
// it was not run, or that how it ended is not known.
func (c *Client) Run(ctx context.Context, command Command, l Local) (End, error) {
	whole := context.WithoutCancel(ctx) // what ends with ctx is told, not cut off
	req, err := http.NewRequestWithContext(whole, http.MethodPost, "http://daemon/run", nil)
	if err != nil {
		return End{}, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", protocol)
	resp, err := c.http.Do(req)
	if err != nil {
		return End{}, brokenOff(ctx, err)
	}
	defer resp.Body.Close()
	conn, ok := resp.Body.(io.ReadWriter)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		if resp.StatusCode == http.StatusConflict {
			return End{}, errors.New(strings.TrimSpace(string(text)))
		}
		return End{}, fmt.Errorf("the daemon answers %s: it is of another version than this command; restart it", resp.Status)
	}
	t := talk{Local: l, out: json.NewEncoder(conn), args: command.Args}
	t.ready = sync.NewCond(&t.mu)
	if err := t.say(frame{Command: &command}); err != nil {
		return End{}, brokenOff(ctx, err)
	}
	asks, cancel := context.WithCancel(ctx)
	var showing, answering sync.WaitGroup
	showing.Go(t.show)
	heard, left := make(chan frame), make(chan struct{})
	failed := make(chan error, 1)
	defer close(left)
	go func() {
		for in := json.NewDecoder(conn); ; {
			var f frame
			if err := in.Decode(&f); err != nil {
				failed <- err
				return
			}
			select {
			case heard <- f:
			case <-left:
				return
			}
			if f.End != nil {
				return
			}
		}
	}()
	end, err := t.follow(ctx, asks, heard, failed, &answering)
	cancel()
	answering.Wait()
	t.close()
	showing.Wait()
	return end, err
}

// talk is the client's side of a conversation. What is to be shown waits in a
// queue of its own, so that a slow reader, such as a pager, does not stall the
// daemon.
type talk struct {
	Local
	saying sync.Mutex
	out    *json.Encoder
	args   []string // as the client was called: they name the files that the daemon may ask for

	mu      sync.Mutex
	ready   *sync.Cond
	queue   []frame
	writing bool // what was taken from the queue
	closed  bool
}

func (t *talk) say(f frame) error {
	t.saying.Lock()
	defer t.saying.Unlock()
	return t.out.Encode(f)
}

// follow does what the daemon says until the command's end.
func (t *talk) follow(ctx, asks context.Context, heard <-chan frame, failed <-chan error, answering *sync.WaitGroup) (End, error) {
	interrupted := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case <-interrupted:
			interrupted = nil
			grace := time.NewTimer(endGrace)
			defer grace.Stop()
			late = grace.C
			if err := t.say(frame{Interrupt: true}); err != nil {
				return End{}, brokenOff(ctx, err)
			}
		case <-late:
			return End{}, fmt.Errorf("the daemon does not end the command: see its log: %w", context.Cause(ctx))
		case err := <-failed:
			return End{}, brokenOff(ctx, err)
		case f := <-heard:
			switch {
			case f.End != nil:
				return *f.End, nil
			case f.Ask != nil:
				answering.Go(func() {
					a := t.answer(asks, *f.Ask)
					_ = t.say(frame{Answer: &a}) // a daemon that has gone is noticed by follow
				})
			default:
				t.mu.Lock()
				t.queue = append(t.queue, f)
				t.mu.Unlock()
				t.ready.Broadcast()
			}
		}
	}
}

// show writes what is queued.
func (t *talk) show() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		for len(t.queue) == 0 {
			if t.closed {
				return
			}
			t.ready.Wait()
		}
		queue := t.queue
		t.queue, t.writing = nil, true
		t.mu.Unlock()
		for _, f := range queue {
			_, _ = t.Out.Write(f.Out) // as a command does that the output of nobody is read
			_, _ = t.Err.Write(f.Err)
		}
		t.mu.Lock()
		t.writing = false
		t.ready.Broadcast()
	}
}

func (t *talk) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.ready.Broadcast()
}

// drain waits until all is shown, before somebody is asked for something.
func (t *talk) drain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.writing || len(t.queue) > 0 {
		t.ready.Wait()
	}
}

func (t *talk) answer(ctx context.Context, q ask) (a answer) {
	var err error
	switch q.Kind {
	case askRead, askWrite, askIs:
		if !names(t.args, q.Path) {
			return answer{Error: fmt.Sprintf("the daemon asks for the file %q, which the command does not name", q.Path)}
		}
	}
	switch q.Kind {
	case askInput:
		a.Text, a.Ended, err = input(ctx, t.In, q.Most)
	case askSecret:
		t.drain()
		var text string
		text, err = t.Secret(ctx, q.Path)
		a.Text = []byte(text)
	case askRead:
		a.Text, err = t.Files.ReadFile(q.Path, q.Most)
	case askWrite:
		err = t.Files.WriteFile(q.Path, q.Text)
	case askIs:
		a.Yes = t.Files.IsFile(q.Path)
	default:
		err = fmt.Errorf("the daemon asks for %q, which this version does not know", q.Kind)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// names reports whether arguments name a path, as one of them or as the value of a flag:
// whoever is called by root must not write what another account, the daemon's, thinks of.
func names(args []string, path string) bool {
	return path != "" && slices.ContainsFunc(args, func(a string) bool {
		flag, value, _ := strings.Cut(a, "=")
		return a == path || strings.HasPrefix(flag, "-") && value == path
	})
}

// input reads some of standard input, or gives up when ctx ends: a read of a
// terminal cannot be ended, and is left to the end of the process.
func input(ctx context.Context, in io.Reader, most int64) (text []byte, ended bool, err error) {
	type piece struct {
		text []byte
		err  error
	}
	got := make(chan piece, 1)
	go func() {
		b := make([]byte, min(max(most, 1), outPiece))
		n, err := in.Read(b)
		got <- piece{b[:n], err}
	}()
	select {
	case p := <-got:
		if errors.Is(p.err, io.EOF) {
			return p.text, true, nil
		}
		return p.text, false, p.err
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
}
