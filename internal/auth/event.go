package auth

import (
	"time"
)

// Outcome is how something ended.
type Outcome string

// Outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or not who he says he is
	Failed  Outcome = "failed"  // allowed, and went wrong
)

// Event is what the journal learns: who did what, and how it ended. It holds no
// secrets.
type Event struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who"` // of a sign-in that was refused: the name that was given
	Via     Via       `json:"via,omitempty"`
	Roles   []Role    `json:"roles,omitempty"`   // that he had then
	Address string    `json:"address,omitempty"` // of the client
	What    string    `json:"what"`              // such as account.add
	Object  string    `json:"object,omitempty"`  // what it was done to
	Outcome Outcome   `json:"outcome"`
	Detail  string    `json:"detail,omitempty"` // for people: the change, or why not
}

// Recorder takes events to the journal. An error of it is an error of what was
// done: what cannot be put on record must not pass for done.
type Recorder func(Event) error
