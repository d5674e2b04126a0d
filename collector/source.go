package collector

import (
	"context"
	"time"

	"yunjian/cloud"
)

// Source is one cloud, read-only. Implementations: collector/aliyun,
// collector/bundle; collector/collectortest is the contract they all pass.
//
// A Source never changes the cloud, never invents a sample, and keeps what it
// read even when a later part fails.
type Source interface {
	// Inventory lists everything the source may see. A part that could not be
	// read is an incomplete Scope, not an error; an error means that nothing
	// could be read at all.
	Inventory(ctx context.Context, now time.Time) (cloud.Inventory, error)

	// Collect reads the samples asked for and passes them on as they arrive. A
	// Batch belongs to whoever takes it: small ones are stored together.
	// It returns when everything was read or ctx ended; what could not be read
	// stands in the Batches' Observations. An error means the run broke off:
	// what was passed on before stays valid, and a later run takes up from
	// there.
	Collect(ctx context.Context, req Request, deliver func(Batch) error) (Result, error)
}

// Request asks for the samples of a cloud in (From, To] per resource and
// metric.
type Request struct {
	Inventory cloud.Inventory
	Metrics   []cloud.Metric // nil: all
	Since     time.Time      // nothing older is wanted
	Now       time.Time      // nothing younger exists
	// Through says what a previous run has already read: samples of this
	// resource and metric up to there, inclusive, are in the store. Zero:
	// nothing yet.
	Through func(resource string, m cloud.Metric) time.Time
	// Gaps are earlier spans that are to be asked for again.
	Gaps []Gap
	// Progress is told of calls or files done out of how many; may be nil.
	Progress func(done, total int)
}

// Gap is a span (From, To] of one series that should hold samples and does not.
type Gap struct {
	Resource string
	Metric   cloud.Metric
	From, To time.Time
}

// Batch is samples to be stored in one transaction, with what is now known of
// their series.
type Batch struct {
	Series       []cloud.Series
	Observations []cloud.Observation
}

// Result sums up one Collect.
type Result struct {
	Samples  int            // samples delivered, duplicates included
	Calls    map[string]int // calls made by action (or files read), retries included
	Minimum  int            // metric calls that the samples would need at 1,440 a call, metric by metric
	Retries  int
	Period   time.Duration // step of the samples asked for; zero where files decide
	Plan     Plan          // the plan that was followed; zero where files are read
	Problems []Problem     // what people should act on, once each
}

// Problem is one thing that went wrong while reading, for people.
type Problem struct {
	Availability cloud.Availability // how it shows in the affected series
	Metric       cloud.Metric       // empty: not of one metric
	Resources    int                // how many resources it touches
	Code         string             // the cloud's error code
	Message      string             // what happened and what to do; no secrets
}
