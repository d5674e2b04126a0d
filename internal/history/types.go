package history

import (
	"errors"
	"fmt"
	"time"

	"yunjian/cloud"
)

// ErrLocked is returned by Open while another process holds the file.
var ErrLocked = errors.New("the utilization history is held by another process (the yunjian daemon?): stop that process, or ask the daemon itself")

// ErrFull is returned by Append when the file may not grow any more. Nothing
// of that Append is stored; everything before it is.
var ErrFull = errors.New("no space left for the utilization history: free some on its disk (compact needs room itself); what is stored already is whole, and what is missing is read again")

// Options of Open.
type Options struct {
	// Location cuts the days and hours of summaries, and is the zone that
	// damage is told in; nil is UTC.
	Location *time.Location
	// ReadOnly opens without the right to write; several processes may do so
	// together.
	ReadOnly bool
	// MaxBytes limits the size of the file; 0 leaves that to the disk.
	MaxBytes int
}

// Query says what Scan reads.
type Query struct {
	Resources []string // nil: all that have samples
	Spans     []Span
	// Exclude are windows per resource whose samples do not count and are not
	// expected: before a resize, while powered off. They may overlap.
	Exclude map[string][]cloud.Window
	// Step is the spacing of samples that coverage is measured against; zero
	// is utilization.Step.
	Step time.Duration
}

// Span is a window and the metrics that are summarized of it.
type Span struct {
	Window  cloud.Window
	Metrics []cloud.Metric
}

// Gap is a span without samples, longer than asked for: none in (From, To).
// From and To are the instants of the neighbouring samples, or the bound of
// the window where there is no neighbour.
type Gap struct {
	Resource string
	Metric   cloud.Metric
	From, To time.Time
}

// Damage is one stored piece that could not be read, and what is lost with it.
type Damage struct {
	Resource string       // empty: of more than one
	Metric   cloud.Metric // empty: of all metrics
	Span     cloud.Window // the piece's samples lie within; zero where even that is unknown
	Problem  string       // what was found
	Aside    bool         // the piece was put aside earlier: nothing reads it any more
	State    bool         // it is of the state beside the history, not of samples
	Fatal    bool         // the file could not be followed any further: what else there is was not checked
}

// String says what is damaged and what it touches; instants are in their zone.
func (d Damage) String() string {
	what := "samples of more than one resource"
	switch {
	case d.Resource != "" && d.Metric != "":
		what = d.Resource + " " + string(d.Metric)
	case d.Resource != "":
		what = d.Resource
	case d.State:
		what = "inventory, audits and jobs"
	case d.Fatal:
		what = "samples of every resource"
	}
	if d.Span.Duration() > 0 {
		what += fmt.Sprintf(", %s … %s", d.Span.From.Format(time.RFC3339), d.Span.To.Format(time.RFC3339))
	}
	return what + ": " + d.Problem
}

// Stats sums up the file.
type Stats struct {
	Series         int       `json:"series"`
	Resources      int       `json:"resources"`
	Samples        int64     `json:"samples"`
	Bytes          int64     `json:"bytes"`            // of the whole file
	FreeBytes      int64     `json:"free_bytes"`       // of Bytes, what Compact would give back, roughly
	BytesPerSample float64   `json:"bytes_per_sample"` // Bytes by Samples
	First          time.Time `json:"first,omitzero"`
	Last           time.Time `json:"last,omitzero"`
	Gaps           int64     `json:"gaps"`     // spans of more than two steps between neighbouring samples of a series
	Unfolded       int64     `json:"unfolded"` // of Samples, how many still lie in blocks
	Stopped        int       `json:"stopped"`  // of Series, how many have no sample in the day before Last; what follows the last sample of a series is no gap
	Unread         int       `json:"unread"`   // damaged pieces that were met: their samples are not counted, and the time they leave empty is a gap; Check names them

	Metrics []MetricStats `json:"metrics"` // those that have samples, by name
}

// MetricStats is what Stats sums up of one metric.
type MetricStats struct {
	Metric   cloud.Metric `json:"metric"`
	Series   int          `json:"series"`
	Samples  int64        `json:"samples"`
	Bytes    int64        `json:"bytes"` // of its pieces; free pages and the tree around them are of no metric
	First    time.Time    `json:"first"`
	Last     time.Time    `json:"last"`
	Gaps     int64        `json:"gaps"`
	Unfolded int64        `json:"unfolded"`
}
