package report

import (
	"fmt"
	"io"
	"time"

	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/pipeline"
	"yunjian/policies"
	"yunjian/recommender"
)

// Weekly is everything that one weekly report says.
type Weekly struct {
	Week        pipeline.Week
	GeneratedAt time.Time
	// Location is where days begin and in which times are shown; nil is UTC.
	Location *time.Location

	Audit audit.Audit
	// Previous is the audit that this one is compared with; nil for a first
	// report, which then says so.
	Previous *audit.Audit
	// Pack is the policy that the audit stood on: names of its rules, required
	// coverage, exemptions with their expiry. The zero Pack leaves these out.
	Pack policies.Pack

	// Inventories are what the clouds held when the audit was made: names,
	// owners and sizes of resources, and how completely the listings were read.
	Inventories []cloud.Inventory
	// Observations say, by resource and metric, whether it could be read.
	Observations map[string]map[cloud.Metric]cloud.Observation
	// Collection is how reading the clouds went, one entry a cloud.
	Collection []Collection
	// Charts hold history by resource, for the resources that Charted names.
	Charts map[string][]Chart
}

// Collection is how reading one cloud went.
type Collection struct {
	Cloud     string    `json:"cloud"`
	LastRun   time.Time `json:"last_run,omitzero"` // end of the last pass; zero: never read
	LastCalls int       `json:"last_calls"`        // calls (or files) the last pass took
	// Minimum is how many calls the samples of the last pass needed at 1,440
	// points a call; 0 where the source has no such measure.
	Minimum     int                 `json:"minimum"`
	MonthCalls  int                 `json:"month_calls"`            // calls made in the calendar month of the report
	MonthBudget int                 `json:"month_budget,omitempty"` // 0: none set
	Problems    []collector.Problem `json:"-"`
}

// Chart is the history of one metric of one resource, thinned for drawing.
type Chart struct {
	Metric cloud.Metric
	Window cloud.Window
	Step   time.Duration
	// Points are the buckets that hold samples, ascending; a bucket without
	// samples is absent and drawn as a gap.
	Points []ChartPoint
}

// ChartPoint is the samples of one bucket [T, T+Step), in the metric's unit.
type ChartPoint struct {
	T    int64 // Unix seconds
	Mean float64
	Max  float64
}

// MaxCharted is for how many recommendations, greatest saving first, history is
// drawn. Beyond it a page grows too large to open; every recommendation keeps
// its row in the appendix.
const MaxCharted = 200

// Charted names the resources whose history a report draws: those of the first
// MaxCharted recommendations, in their order.
func Charted(a audit.Audit) []string {
	var ids []string
	for _, r := range a.Recommendations {
		if len(ids) == MaxCharted {
			break
		}
		if r.Action == recommender.Stop { // drawn by the hours of its week
			continue
		}
		ids = append(ids, r.ResourceID)
	}
	return ids
}

// ChartedMetrics are the metrics drawn.
func ChartedMetrics() []cloud.Metric {
	return []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent}
}

// ChartStep is the bucket width that draws w legibly: two hours for a month.
func ChartStep(w cloud.Window) time.Duration {
	const buckets = 360
	step := w.Duration() / buckets
	return max(time.Hour, step.Truncate(time.Hour))
}

// Thin makes a Chart of the points that lie in w, which must ascend. Buckets
// begin at w.From. A step below one second counts as one hour.
func Thin(points []cloud.Point, m cloud.Metric, w cloud.Window, step time.Duration) Chart {
	if step < time.Second {
		step = time.Hour
	}
	c := Chart{Metric: m, Window: w, Step: step}
	from, width := w.From.Unix(), int64(step/time.Second)
	var n int
	var sum float64
	for _, p := range points {
		if !w.Contains(time.Unix(p.T, 0)) {
			continue
		}
		start := from + (p.T-from)/width*width
		last := len(c.Points) - 1
		if last < 0 || c.Points[last].T != start {
			c.Points = append(c.Points, ChartPoint{T: start, Mean: p.V, Max: p.V})
			n, sum = 1, p.V
			continue
		}
		n, sum = n+1, sum+p.V
		c.Points[last].Mean = sum / float64(n)
		c.Points[last].Max = max(c.Points[last].Max, p.V)
	}
	return c
}

// Format is the form of a report.
type Format string

// Formats.
const (
	Text Format = "text"
	HTML Format = "html"
	XLSX Format = "xlsx"
	CSV  Format = "csv"
	JSON Format = "json"
)

// Formats lists every format.
func Formats() []Format { return []Format{Text, HTML, XLSX, CSV, JSON} }

// ParseFormat returns the format named s, or an error that lists what is
// allowed.
func ParseFormat(s string) (Format, error) {
	for _, f := range Formats() {
		if string(f) == s {
			return f, nil
		}
	}
	return "", fmt.Errorf("unknown report format %q: want one of %v", s, Formats())
}

// ContentType is the media type of a document in this format.
func (f Format) ContentType() string {
	switch f {
	case HTML:
		return "text/html; charset=utf-8"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case CSV:
		return "text/csv; charset=utf-8"
	case JSON:
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

// Lang is the language of a report.
type Lang string

// Languages.
const (
	ZH Lang = "zh"
	EN Lang = "en"
)

// Langs lists every language.
func Langs() []Lang { return []Lang{ZH, EN} }

// ParseLang returns the language named s, or an error that lists what is
// allowed.
func ParseLang(s string) (Lang, error) {
	for _, l := range Langs() {
		if string(l) == s {
			return l, nil
		}
	}
	return "", fmt.Errorf("unknown report language %q: want one of %v", s, Langs())
}

// Write renders r. It fails when amounts of several currencies meet, for an
// unknown format or language, or when w does.
func Write(w io.Writer, r Weekly, f Format, lang Lang) error {
	if _, err := ParseLang(string(lang)); err != nil {
		return err
	}
	if r.Location == nil {
		r.Location = time.UTC
	}
	d, err := build(r, lang)
	if err != nil {
		return fmt.Errorf("build weekly report %s: %w", r.Week, err)
	}
	switch f {
	case Text:
		return writeText(w, d)
	case HTML:
		return writeHTML(w, d)
	case XLSX:
		return writeXLSX(w, d)
	case CSV:
		return writeCSV(w, d)
	case JSON:
		return writeJSON(w, d)
	default:
		_, err := ParseFormat(string(f))
		return err
	}
}
