package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
)

// What accounts tell becomes an entry that says who, from where, how and why not.
func TestAuthEntries(t *testing.T) {
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		event auth.Event
		want  journal.Entry
	}{
		"a change at the console": {
			auth.Event{At: at, Who: "os:root", Via: auth.ViaConsole, What: "account.roles", Object: "li", Outcome: auth.Done, Detail: "a → b"},
			journal.Entry{At: at, Actor: "cli:root", Action: "account.roles", Object: journal.Object{Type: "account", ID: "li"}, Outcome: journal.Done, Details: map[string]string{"change": "a → b", "via": "console"}},
		},
		"a sign-in that was refused": {
			auth.Event{At: at, Who: "li", Via: auth.ViaSession, Address: "10.0.0.1", What: "session.begin", Outcome: auth.Refused, Detail: "wrong"},
			journal.Entry{At: at, Actor: "li", Address: "10.0.0.1", Action: "session.begin", Object: journal.Object{Type: "session"}, Outcome: journal.Refused, Reason: "wrong", Details: map[string]string{"via": "session"}},
		},
		"a permission that was refused": {
			auth.Event{At: at, Who: "li", Via: auth.ViaToken, What: "journal:read-users", Object: "财政局", Outcome: auth.Refused, Detail: "no"},
			journal.Entry{At: at, Actor: "li", Action: "access.journal.read_users", Object: journal.Object{Type: "access", ID: "财政局"}, Outcome: journal.Refused, Reason: "no", Details: map[string]string{"via": "token"}},
		},
		"nobody": {
			auth.Event{At: at, What: "session.end", Outcome: auth.Failed, Detail: "no"},
			journal.Entry{At: at, Actor: "anonymous", Action: "session.end", Object: journal.Object{Type: "session"}, Outcome: journal.Failed, Reason: "no"},
		},
	} {
		if diff := cmp.Diff(c.want, authEntry(c.event)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Every permission that can be refused has a name that the journal takes.
func TestRefusalsAreJournalled(t *testing.T) {
	data, err := Open(t.TempDir(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	for _, p := range auth.Permissions() {
		if err := data.RecordAuth(auth.Event{At: time.Now(), Who: "li", What: p.String(), Outcome: auth.Refused}); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}
