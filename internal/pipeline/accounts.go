package pipeline

import (
	"strings"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
)

// RecordAuth journals what the accounts of the folder's state tell: sign-ins,
// changes of accounts, refusals. It is the recorder of an auth.Service.
func (d *Data) RecordAuth(e auth.Event) error {
	_, err := d.State.Record(authEntry(e))
	return err
}

func authEntry(e auth.Event) journal.Entry {
	// Of a permission that was refused the event names function:action.
	action := strings.ReplaceAll(e.What, "-", "_")
	if function, act, ok := strings.Cut(action, ":"); ok {
		action = "access." + function + "." + act
	}
	actor := journal.Who{Actor: e.Who}
	if name, ok := strings.CutPrefix(e.Who, "os:"); ok {
		actor = journal.CLI(name)
	}
	if actor.Actor == "" {
		actor.Actor = "anonymous"
	}
	kind, _, _ := strings.Cut(action, ".")
	var roles []string
	for _, r := range e.Roles {
		roles = append(roles, string(r))
	}
	entry := journal.Entry{
		At: e.At, Actor: actor.Actor, Role: strings.Join(roles, " "), Address: e.Address, Action: action,
		Object: journal.Object{Type: kind, ID: e.Object}, Outcome: journal.Outcome(e.Outcome),
	}
	if e.Outcome != auth.Done {
		entry.Reason = e.Detail
	} else {
		entry = entry.With("change", e.Detail)
	}
	return entry.With("via", string(e.Via))
}
