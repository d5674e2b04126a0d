package send

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// MaxAttempts is how often a message is tried before it is given up: over about
// three days, so that a weekend does not end it.
const MaxAttempts = 21

// Between attempts: a minute, doubled each time up to six hours, and up to a
// fifth more or less, so that messages which failed together do not come back
// together.
const (
	firstRetry = time.Minute
	lastRetry  = 6 * time.Hour
	jitter     = 0.2
)

// RetryAfter is how long to wait after a message has failed for the nth time,
// 1 first; at least as long as its receiver asked for.
func RetryAfter(attempt int, asked time.Duration) time.Duration {
	wait := lastRetry
	if doublings := max(attempt-1, 0); doublings < 10 {
		wait = min(lastRetry, firstRetry<<doublings)
	}
	b := &backoff.ExponentialBackOff{InitialInterval: wait, RandomizationFactor: jitter, Multiplier: 1, MaxInterval: wait}
	b.Reset()
	return max(b.NextBackOff(), asked)
}
