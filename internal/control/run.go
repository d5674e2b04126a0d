package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Command is what a client asks the daemon to run for it.
type Command struct {
	Args           []string `json:"args"`                      // as the client was called
	Config         string   `json:"config"`                    // absolute path of its --config
	InputTerminal  bool     `json:"input_terminal,omitempty"`  // its standard input is one
	ErrorsTerminal bool     `json:"errors_terminal,omitempty"` // its standard error is one
}

// End is how a command ended.
type End struct {
	Code    int    `json:"code"`
	Message string `json:"message,omitempty"` // why it failed
}

// protocol names the conversation that follows the request: lines of JSON, each
// a frame, both ways.
const protocol = "yunjian-command"

// frame is one line. Of its fields one is set.
type frame struct {
	// Of the client.
	Command   *Command `json:"command,omitempty"` // the first line
	Interrupt bool     `json:"interrupt,omitempty"`
	Answer    *answer  `json:"answer,omitempty"` // to the last question

	// Of the daemon.
	Out []byte `json:"out,omitempty"` // for standard output
	Err []byte `json:"err,omitempty"` // for standard error
	Ask *ask   `json:"ask,omitempty"`
	End *End   `json:"end,omitempty"` // the last line
}

// ask is a question of a command to its client, who alone sees its terminal and
// its files. One waits for its answer before the next.
type ask struct {
	Kind string `json:"kind"`
	Path string `json:"path,omitempty"` // as it was given; or the label of a secret
	Most int64  `json:"most,omitempty"` // bytes
	Text []byte `json:"text,omitempty"` // of a file
}

// Kinds of questions.
const (
	askInput  = "input"
	askSecret = "secret"
	askRead   = "read"
	askWrite  = "write"
	askIs     = "is"
)

type answer struct {
	Text  []byte `json:"text,omitempty"`
	Ended bool   `json:"ended,omitempty"` // of standard input
	Yes   bool   `json:"yes,omitempty"`
	Error string `json:"error,omitempty"`
}

// maxCommands is how many commands run at the same time. An audit takes as much
// memory as the daemon's own.
const maxCommands = 4

// outPiece is the most output of one frame, in bytes.
const outPiece = 64 << 10

// Console is what a command that runs in the daemon has of its client: standard
// input and output, and files.
type Console struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	conn   net.Conn
	of     Command

	writing sync.Mutex
	asking  sync.Mutex
	answers chan answer
	rest    []byte // of standard input
	ended   bool
}

// errGone ends the command of a client that went away.
var errGone = errors.New("its client has gone")

// send writes a frame to a client that accepts it.
func (c *Console) send(f frame) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	text, err := json.Marshal(f)
	if err == nil {
		err = c.conn.SetWriteDeadline(time.Now().Add(stall))
	}
	if err == nil {
		_, err = c.conn.Write(append(text, '\n'))
	}
	if err != nil {
		c.cancel(errGone)
	}
	return err
}

// hear passes on what the client says until it goes away.
func (c *Console) hear(in *json.Decoder) {
	for {
		var f frame
		if in.Decode(&f) != nil {
			c.cancel(errGone)
			return
		}
		switch {
		case f.Interrupt:
			c.cancel(context.Canceled)
		case f.Answer != nil:
			select {
			case c.answers <- *f.Answer:
			default: // to no question
			}
		}
	}
}

func (c *Console) ask(q ask) (answer, error) {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.ctx.Err() != nil {
		return answer{}, context.Cause(c.ctx)
	}
	if err := c.send(frame{Ask: &q}); err != nil {
		return answer{}, err
	}
	select {
	case a := <-c.answers:
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-c.ctx.Done():
		return answer{}, context.Cause(c.ctx)
	}
}

// Read reads the client's standard input.
func (c *Console) Read(b []byte) (int, error) {
	if len(c.rest) == 0 && !c.ended {
		a, err := c.ask(ask{Kind: askInput, Most: outPiece})
		if err != nil {
			return 0, err
		}
		c.rest, c.ended = a.Text, a.Ended
	}
	if len(c.rest) == 0 && c.ended {
		return 0, io.EOF
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Secret has the client ask for a secret, unseen, where its input is a terminal.
func (c *Console) Secret(label string) (string, error) {
	a, err := c.ask(ask{Kind: askSecret, Path: label})
	return string(a.Text), err
}

// ReadFile reads a file of the client.
func (c *Console) ReadFile(path string, most int64) ([]byte, error) {
	a, err := c.ask(ask{Kind: askRead, Path: path, Most: most})
	return a.Text, err
}

// WriteFile has the client write a file.
func (c *Console) WriteFile(path string, text []byte) error {
	_, err := c.ask(ask{Kind: askWrite, Path: path, Text: text})
	return err
}

// IsFile reports whether the client sees a regular file.
func (c *Console) IsFile(path string) bool {
	a, err := c.ask(ask{Kind: askIs, Path: path})
	return err == nil && a.Yes
}

// InputTerminal reports whether the client's standard input is a terminal.
func (c *Console) InputTerminal() bool { return c.of.InputTerminal }

// Stream is the client's standard output or standard error.
type Stream struct {
	console *Console
	errors  bool
}

// Out is the client's standard output, Err its standard error.
func (c *Console) Out() *Stream { return &Stream{c, false} }

// Err is the client's standard error.
func (c *Console) Err() *Stream { return &Stream{c, true} }

// Terminal reports whether it is a terminal.
func (s *Stream) Terminal() bool { return s.errors && s.console.of.ErrorsTerminal }

// Write passes output on.
func (s *Stream) Write(b []byte) (n int, err error) {
	for n < len(b) {
		piece := b[n:min(len(b), n+outPiece)]
		f := frame{Out: piece}
		if s.errors {
			f = frame{Err: piece}
		}
		if err := s.console.send(f); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// enter lets a command in, if there is room.
func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopping
	}
	if s.running == maxCommands {
		return fmt.Errorf("the daemon runs %d commands already: try again when one has ended", maxCommands)
	}
	s.running++
	s.work.Add(1)
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.work.Done()
}

// run answers a request for a command. What it may be is for Options.Run to say.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != protocol {
		http.Error(w, "want Upgrade: "+protocol, http.StatusBadRequest)
		return
	}
	if err := s.enter(); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	defer s.leave()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	if err := s.converse(r.Context(), conn, buffered); err != nil {
		s.o.Log.Warn().Err(err).Msg("run a command beside the daemon")
	}
}

// converse runs one command over a connection.
func (s *Server) converse(ctx context.Context, conn net.Conn, buffered *bufio.ReadWriter) error {
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n"); err != nil {
		return err
	}
	// Not through the buffer: at the end of what the client says it would end ctx, and
	// whether the client has gone or was interrupted is to be told apart.
	early, err := buffered.Peek(buffered.Reader.Buffered())
	if err != nil {
		return err
	}
	in := json.NewDecoder(io.MultiReader(bytes.NewReader(early), conn))
	var first frame
	if err := in.Decode(&first); err != nil || first.Command == nil {
		return errors.Join(err, errors.New("the first line is no command"))
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &Console{ctx: ctx, cancel: cancel, conn: conn, of: *first.Command, answers: make(chan answer, 1)}
	var hearing sync.WaitGroup
	hearing.Go(func() { c.hear(in) })
	began := time.Now()
	end := s.o.Run(ctx, *first.Command, c)
	if cause := context.Cause(ctx); errors.Is(cause, errStopping) && end.Code != 0 {
		end.Message += "\n" + errStopping.Error()
	}
	level := zerolog.InfoLevel
	if end.Code != 0 {
		level = zerolog.WarnLevel
	}
	s.o.Log.WithLevel(level).Str("command", nameOf(first.Command.Args)).Int("exit_code", end.Code).Dur("duration_ms", time.Since(began)).Msg("ran beside the daemon")
	err = c.send(frame{End: &end})
	cancel(nil)
	// The client hangs up when it has read the end; one that does not is left.
	_ = conn.SetReadDeadline(time.Now().Add(stopGrace))
	hearing.Wait()
	if errors.Is(context.Cause(ctx), errGone) {
		return nil // it knows
	}
	return err
}

// nameOf is a command's name, without what stands behind it, which is of people.
func nameOf(args []string) string {
	name := ""
	for i, a := range args {
		if i == 2 || a == "" || a[0] == '-' {
			break
		}
		name += " " + a
	}
	return name[min(1, len(name)):]
}
