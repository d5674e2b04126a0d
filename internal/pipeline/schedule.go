package pipeline

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/rs/zerolog"

	"yunjian/internal/store"
)

// Job is one recurring piece of work.
type Job struct {
	Name     string
	Schedule string // cron, or "@every 5m"
	// Run does the work and says in one line what came of it.
	Run func(ctx context.Context) (summary string, err error)
}

// Scheduler runs jobs on time, each never twice at once, and keeps the last
// result of each.
type Scheduler struct {
	state *store.Store
	log   zerolog.Logger
	// Done is told of every finished run; may be nil.
	Done func(store.JobResult)

	mu      sync.Mutex
	running map[string]bool
}

// NewScheduler returns a scheduler that keeps results in state.
func NewScheduler(state *store.Store, log zerolog.Logger) *Scheduler {
	return &Scheduler{state: state, log: log, running: map[string]bool{}}
}

// Run runs jobs on their schedules, in loc, until round ends, then waits for the
// jobs under way. These end with ctx: a change of schedule lets them finish, a
// stop does not.
func (s *Scheduler) Run(ctx, round context.Context, jobs []Job, loc *time.Location) error {
	c := cron.New(cron.WithLocation(loc))
	for _, j := range jobs {
		if _, err := c.AddFunc(j.Schedule, func() { s.Once(ctx, j) }); err != nil {
			return fmt.Errorf("schedule %s: %q: %w", j.Name, j.Schedule, err)
		}
	}
	c.Start()
	<-round.Done()
	<-c.Stop().Done()
	return nil
}

// stoppedAmid is said of a job that the end of the daemon has interrupted.
const stoppedAmid = "因停止而中断，下次运行接着做 | interrupted by the stop, the next run takes it up"

// Once runs a job now unless it is already running, and keeps its result. It
// reports whether the job ran.
func (s *Scheduler) Once(ctx context.Context, j Job) bool {
	s.mu.Lock()
	busy := s.running[j.Name]
	s.running[j.Name] = true
	s.mu.Unlock()
	if busy {
		s.log.Warn().Str("job", j.Name).Msg("skipped: the run before is still under way")
		return false
	}
	defer func() {
		s.mu.Lock()
		delete(s.running, j.Name)
		s.mu.Unlock()
	}()

	started := time.Now()
	summary, err := guarded(ctx, j)
	r := store.JobResult{Name: j.Name, Started: started, Finished: time.Now(), OK: err == nil, Summary: summary}
	level := zerolog.InfoLevel
	switch {
	case Interrupted(ctx, err): // nothing went wrong: somebody wanted the daemon to stop
		err, r.Error = nil, stoppedAmid
		summary = strings.TrimSuffix(stoppedAmid+": "+summary, ": ")
	case err != nil:
		r.Error = err.Error()
		level = zerolog.ErrorLevel
	}
	s.log.WithLevel(level).Err(err).Str("job", j.Name).Dur("duration_ms", r.Finished.Sub(started)).Msg(summary)
	if err := s.state.PutJob(r); err != nil {
		s.log.Error().Err(err).Str("job", j.Name).Msg("keep the result")
	}
	if s.Done != nil {
		s.Done(r)
	}
	return true
}

// guarded keeps one job's panic from ending the daemon: the other jobs and the
// page go on, and the result says what happened.
func guarded(ctx context.Context, j Job) (summary string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s broke off: %v\n%s", j.Name, p, debug.Stack())
		}
	}()
	return j.Run(ctx)
}

// jobMark is a result that only marks when something was last done.
func jobMark(name string, at time.Time) store.JobResult {
	return store.JobResult{Name: name, Started: at, Finished: at, OK: true}
}

// IsMark tells a mark from the result of a job that people know.
func IsMark(r store.JobResult) bool { return strings.Contains(r.Name, ":") }
