package notice

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrDepartment refuses a department everything of a case that is another's. It
// says nothing of the case; who answers a person should say that there is no such
// case.
var ErrDepartment = errors.New("the case is not one of this department")

// StateError refuses an event that leads nowhere from where the case stands.
type StateError struct {
	Event   string
	State   State
	Allowed []string // events that do, by anybody
}

// Error says which events the state allows.
func (e *StateError) Error() string {
	if len(e.Allowed) == 0 {
		return fmt.Sprintf("%s is not possible in the state %s, in which nothing is", e.Event, e.State)
	}
	return fmt.Sprintf("%s is not possible in the state %s: want one of %s", e.Event, e.State, join(e.Allowed))
}

// RoleError refuses an event to a role.
type RoleError struct {
	Event   string
	Role    Role
	Allowed []Role
}

// Error says which roles may.
func (e *RoleError) Error() string {
	return fmt.Sprintf("%s is not for the role %s: want one of %s", e.Event, e.Role, join(e.Allowed))
}

// PersonError refuses an event to whoever made another.
type PersonError struct {
	Event string
	Other string // the event made before
	By    string // who made it; empty: nobody did
	Role  bool   // and by this role alone it is refused: two roles are wanted
}

// Error says who must not be the same.
func (e *PersonError) Error() string {
	if e.By == "" {
		return fmt.Sprintf("%s wants %s first, by another person in another role", e.Event, e.Other)
	}
	if e.Role {
		return fmt.Sprintf("%s wants another person in another role than %s, which was made by %s", e.Event, e.Other, e.By)
	}
	return fmt.Sprintf("%s wants another person than %s, which was made by %s", e.Event, e.Other, e.By)
}

// Lack is one thing that an event lacks, or has and may not have.
type Lack struct {
	Field string // of Event: reason, note, evidence, target, planned, expires, document, items, checklist
	Want  string
}

// NeedError refuses an event for what it carries, all at once.
type NeedError struct {
	Event string
	Lacks []Lack
}

// Error lists what is wanted.
func (e *NeedError) Error() string {
	wants := make([]string, len(e.Lacks))
	for i, l := range e.Lacks {
		wants[i] = l.Field + ": " + l.Want
	}
	return e.Event + ": " + strings.Join(wants, "; ")
}

// TimeError refuses an event that comes too early: before the last step, or before
// a deadline has passed.
type TimeError struct {
	Event    string
	At       time.Time
	After    time.Time // the last step; zero where a deadline is meant
	Deadline string
	Due      string // its last day; empty where it does not run
}

// Error says what comes first.
func (e *TimeError) Error() string {
	switch {
	case e.Deadline == "":
		return fmt.Sprintf("%s at %s comes before the step before it, at %s", e.Event, e.At.Format(time.RFC3339), e.After.Format(time.RFC3339))
	case e.Due == "":
		return fmt.Sprintf("%s waits for the deadline %s to pass, which does not run", e.Event, e.Deadline)
	default:
		return fmt.Sprintf("%s waits for the deadline %s to pass, whose last day is %s", e.Event, e.Deadline, e.Due)
	}
}
