package aliyun

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"yunjian/collector"
)

var _ collector.Source = (*Source)(nil)

// Source reads one account of an Alibaba Cloud, or one Apsara Stack. Its
// methods may be called at the same time; they share the rate limit.
type Source struct {
	options   Options
	endpoints map[endpointKey]endpoint
	owners    *mapping
	wire      *wire
	workers   chan *worker
	limiter   *rate.Limiter
	redact    redactor
	stats     stats

	mu      sync.Mutex
	offered map[string]offer            // by region: what CloudMonitor says it measures
	asked   map[collector.Gap]time.Time // when a gap was last asked for again
}

// New checks the options, all of them before it says what is wrong, and builds
// a Source. It makes no call.
func New(o Options) (*Source, error) {
	o, err := o.withDefaults()
	endpoints, err2 := o.endpoints()
	owners, err3 := readMapping(o.Ownership.MappingFile)
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, fmt.Errorf("configure cloud %s: %w", o.Name, err)
	}
	w, err := newWire(o, endpoints)
	if err != nil {
		return nil, fmt.Errorf("configure cloud %s: %w", o.Name, err)
	}
	workers, err := newWorkers(o, w)
	if err != nil {
		return nil, fmt.Errorf("configure cloud %s: %w", o.Name, err)
	}
	return &Source{
		options: o, endpoints: endpoints, owners: owners, wire: w, workers: workers,
		limiter: rate.NewLimiter(rate.Limit(o.Budget.QPS), max(1, o.Workers)),
		redact:  newRedactor(o),
		offered: map[string]offer{}, asked: map[collector.Gap]time.Time{},
	}, nil
}

// Close ends idle connections. The Source can be used afterwards.
func (s *Source) Close() { s.wire.http.CloseIdleConnections() }

// Hosts returns the hosts that the Source may call, for people.
func (s *Source) Hosts() []string {
	seen := map[string]bool{}
	var out []string
	for _, e := range s.endpoints {
		if u := e.scheme + "://" + e.domain; !seen[u] {
			seen[u] = true
			out = append(out, u)
		}
	}
	return sorted(out)
}

// asError returns err's *Error, or nil.
func asError(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// broken reports whether err ends a whole run: our caller wants to stop, or
// nothing else can succeed either.
func broken(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	e := asError(err)
	return e == nil || e.Class == ClassCredentials || e.Class == ClassHost || e.Class == ClassClock
}
