package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"yunjian/internal/history"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
)

// Options are what a Server needs to know beside the data.
type Options struct {
	Location  *time.Location
	Retention func() time.Duration // of raw samples, as the configuration in force says
	Now       func() time.Time
	Log       zerolog.Logger
	// Run runs a command for a client, to its end or that of ctx, which names who
	// asks; nil: none. Several may run at the same time.
	Run func(ctx context.Context, c Command, client *Console) End
}

// Server does the jobs asked for over one opened data folder, one at a time, and
// runs commands, a few at a time.
type Server struct {
	data *pipeline.Data
	o    Options

	mu      sync.Mutex
	job     string // under way, else empty
	started time.Time
	stopped bool
	running int // commands
	far     far // how far the job is
	work    sync.WaitGroup
}

// New returns a server over an opened data folder.
func New(data *pipeline.Data, o Options) *Server { return &Server{data: data, o: o} }

var errStopping = errors.New("the daemon is stopping: try again with it stopped, or once it runs again")

// stopGrace is how long a job that is told to end may take to tell its client.
const stopGrace = 5 * time.Second

// Serve answers on l until ctx ends, then ends the job under way and returns
// when nothing works on the data any more. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	jobs, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	server := &http.Server{
		Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return jobs }, ConnContext: identified,
		// No time limit on reading: it would end the wait for a client to go away.
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10,
	}
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the control socket: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-gctx.Done()
		s.mu.Lock()
		s.stopped = true
		s.mu.Unlock()
		end(errStopping)
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		if server.Shutdown(stop) != nil {
			server.Close()
		}
		s.work.Wait()
		return nil
	})
	return group.Wait()
}

// handler returns the routes.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /backup", s.exclusive("backup", s.backup, endBackup))
	mux.Handle("POST /check", s.exclusive("check", lines(s.check), endLines))
	mux.Handle("POST /compact", s.exclusive("compact", lines(s.compact), endLines))
	mux.Handle("GET /stats", s.exclusive("history stats", lines(s.stats), endLines))
	mux.Handle("POST /journal/verify", s.exclusive("journal verify", lines(s.verifyJournal), endLines))
	mux.Handle("POST /journal/show", s.exclusive("journal show", lines(s.showJournal), endLines))
	mux.HandleFunc("GET /progress", s.progress)
	if s.o.Run != nil {
		mux.HandleFunc("POST /run", s.run)
	}
	// The socket's mode lets nobody else in. Should it have been opened wider: a backup
	// holds every secret, and a command writes as the account that the daemon runs as.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if uid := peerOf(r.Context()); uid != os.Geteuid() && uid != 0 {
			http.Error(w, "the control socket is for the account that the daemon runs as, and root", http.StatusConflict)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// exclusive lets one job go at a time, and logs how each ended. end tells the
// client, who may then ask for the next at once.
func (s *Server) exclusive(job string, do func(http.ResponseWriter, *http.Request) error, end func(http.ResponseWriter, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.begin(job); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		s.o.Log.Info().Str("care", job).Msg("begun")
		started := time.Now()
		err := func() error {
			defer s.end()
			return do(w, r.WithContext(history.WithProgress(r.Context(), s.hear)))
		}()
		level := zerolog.InfoLevel
		if err != nil {
			level = zerolog.WarnLevel
		}
		s.o.Log.WithLevel(level).Err(err).Str("care", job).Dur("duration_ms", time.Since(started)).Msg("ended")
		end(w, err)
	})
}

func (s *Server) begin(job string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopping
	}
	if s.job != "" {
		return fmt.Errorf("the daemon is busy with `%s` since %s: try again when that has ended", s.job, s.started.In(s.o.Location).Format(time.TimeOnly))
	}
	s.job, s.started = job, time.Now()
	s.far = far{}
	s.work.Add(1)
	return nil
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.job = ""
	s.work.Done()
}

// far is how much of a job is done, in bytes.
type far struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"` // 0: not known
}

// progress answers how far the job under way is. It is asked for beside the
// job's own answer: in that of a backup there is room for nothing else.
func (s *Server) progress(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	f := s.far
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(f) // nobody is left to be told
}

// hear keeps how far the job is, for whoever asks.
func (s *Server) hear(done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.far = far{done, total}
}

// trailer says how a backup ended: done, or why not.
const trailer = "Yunjian-Backup"

const done = "done"

func (s *Server) backup(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Trailer", trailer)
	w.WriteHeader(http.StatusOK)
	return s.data.Backup(r.Context(), steady{w}, s.o.Now())
}

func endBackup(w http.ResponseWriter, err error) {
	said := done
	if err != nil {
		said = url.QueryEscape(err.Error())
	}
	w.Header().Set(trailer, said)
}

// stall is how long a client may take to accept anything. One that is
// suspended would keep pages of the files from being used again.
const stall = time.Minute

// steady writes at once, and only to a client that accepts it.
type steady struct{ w http.ResponseWriter }

func (s steady) Write(b []byte) (int, error) {
	c := http.NewResponseController(s.w)
	if err := c.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, err
	}
	n, err := s.w.Write(b)
	if err == nil {
		err = c.Flush()
	}
	return n, err
}

// event is one line of an answer.
type event struct {
	Step      string              `json:"step,omitempty"` // what is about to be done
	Damage    *history.Damage     `json:"damage,omitempty"`
	Compacted *pipeline.Compacted `json:"compacted,omitempty"`
	Stats     *history.Stats      `json:"stats,omitempty"`
	Verified  *journal.Verified   `json:"verified,omitempty"`
	Entry     *journal.Entry      `json:"entry,omitempty"`
	Head      *journal.Head       `json:"head,omitempty"`
	Error     string              `json:"error,omitempty"` // why the job is not done; the last line
	Done      bool                `json:"done,omitempty"`  // the last line
}

// lines answers what a job says, each line at once. A client that takes no
// more of them ends the job.
func lines(do func(r *http.Request, say func(event)) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		w.Header().Set("Content-Type", "application/jsonl")
		out := json.NewEncoder(steady{w})
		say := func(e event) {
			if err := out.Encode(e); err != nil {
				cancel(err)
			}
		}
		say(event{}) // the job has begun
		err := do(r.WithContext(ctx), say)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		return err
	}
}

func endLines(w http.ResponseWriter, err error) {
	last := event{Done: err == nil}
	if err != nil {
		last.Error = err.Error()
	}
	_ = json.NewEncoder(steady{w}).Encode(last) // nobody is left to be told
}

func (s *Server) check(r *http.Request, say func(event)) error {
	return s.data.Check(r.Context(), func(d history.Damage) { say(event{Damage: &d}) })
}

func (s *Server) compact(r *http.Request, say func(event)) error {
	c, err := s.data.Compact(r.Context(), s.o.Now(), s.o.Retention(), s.o.Location, func(step string) {
		s.hear(0, 0)
		say(event{Step: step})
	})
	if err != nil {
		return err
	}
	say(event{Compacted: &c})
	return nil
}

func (s *Server) stats(r *http.Request, say func(event)) error {
	stats, err := s.data.History.Stats(r.Context())
	if err != nil {
		return err
	}
	say(event{Stats: &stats})
	return nil
}
