package cloud

import "time"

// Point is one sample: a value at an instant.
type Point struct {
	T int64   // Unix seconds
	V float64 // in the metric's unit, exactly as the source gave it
}

// Series is samples of one metric of one resource in ascending time, at most
// one an instant. A gap in time is a gap in knowledge.
type Series struct {
	Resource string
	Metric   Metric
	Points   []Point
}

// Window is a half-open span of time [From, To).
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Last returns the window of length d that ends at now.
func Last(d time.Duration, now time.Time) Window {
	return Window{From: now.Add(-d), To: now}
}

// Duration is To − From; negative never.
func (w Window) Duration() time.Duration {
	if w.To.Before(w.From) {
		return 0
	}
	return w.To.Sub(w.From)
}

// Contains reports whether t lies in [From, To).
func (w Window) Contains(t time.Time) bool {
	return !t.Before(w.From) && t.Before(w.To)
}

// Intersect returns the overlap of two windows; empty (From == To) when they
// do not touch.
func (w Window) Intersect(o Window) Window {
	if o.From.After(w.From) {
		w.From = o.From
	}
	if o.To.Before(w.To) {
		w.To = o.To
	}
	if w.To.Before(w.From) {
		w.To = w.From
	}
	return w
}
