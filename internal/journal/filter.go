package journal

import (
	"encoding/json"
	"strings"
	"time"
)

// Filter picks entries; what is empty lets all pass.
type Filter struct {
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`     // exclusive
	Action  string    `json:"action,omitzero"` // audit.done, or audit for all that begin with it and a dot
	Actor   string    `json:"actor,omitzero"`
	Object  string    `json:"object,omitzero"` // TYPE, ID or TYPE:ID
	Outcome Outcome   `json:"outcome,omitzero"`
}

// Lets reports whether f lets e pass.
func (f Filter) Lets(e Entry) bool {
	switch {
	case e.At.Before(f.From), !f.To.IsZero() && !e.At.Before(f.To):
		return false
	case f.Action != "" && e.Action != f.Action && !strings.HasPrefix(e.Action, f.Action+"."):
		return false
	case f.Actor != "" && e.Actor != f.Actor:
		return false
	case f.Object != "" && f.Object != e.Object.Type && f.Object != e.Object.ID && f.Object != e.Object.Type+":"+e.Object.ID:
		return false
	case f.Outcome != "" && f.Outcome != e.Outcome:
		return false
	default:
		return true
	}
}

// String is the filter as JSON; empty where it lets all pass.
func (f Filter) String() string {
	text, err := json.Marshal(f)
	if err != nil || string(text) == "{}" {
		return ""
	}
	return string(text)
}
