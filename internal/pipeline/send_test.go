package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yunjian/calendar"
	"yunjian/internal/send"
	"yunjian/internal/store"
)

// told is a channel that answers by what a message says, and keeps what it was
// asked.
type told struct {
	mu     sync.Mutex
	asked  []string
	answer func(m send.Message) error
}

func (c *told) Send(_ context.Context, m send.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, m.ID)
	if c.answer == nil {
		return nil
	}
	return c.answer(m)
}

func put(t *testing.T, d *Data, channel string, at time.Time, ids ...string) {
	t.Helper()
	for _, id := range ids {
		m := send.Message{ID: id, Kind: "notice", Channel: channel, Subject: "s", Text: "t", Lang: "zh"}
		if added, err := d.State.PutMessage(m, at); err != nil || !added {
			t.Fatal(added, err)
		}
	}
}

func outlets(c map[string]Outlet) func() (map[string]Outlet, error) {
	return func() (map[string]Outlet, error) { return c, nil }
}

func stateOf(t *testing.T, d *Data, id string) store.Outgoing {
	t.Helper()
	all, err := d.State.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.Message.ID == id {
			return o
		}
	}
	t.Fatalf("no message %s", id)
	return store.Outgoing{}
}

// Failures go their ways: one refused for good is dead at once, others are tried
// less and less often and die with their reason; a channel that asks to be left
// alone is left alone by all its messages; other channels go on meanwhile.
func TestSendFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t)
		start := time.Now()
		mail := &told{answer: func(m send.Message) error {
			switch m.ID {
			case "nobody":
				return &send.PermanentError{Err: errors.New("550 no such user")}
			case "never":
				return &send.TemporaryError{Err: errors.New("451 greylisted")}
			case "panics":
				panic("broken")
			}
			return nil
		}}
		throttled := true
		group := &told{answer: func(send.Message) error {
			if throttled {
				return &send.TemporaryError{Err: errors.New("130101"), After: 10 * time.Minute}
			}
			return nil
		}}
		o := SendOptions{Outlets: outlets(map[string]Outlet{"mail": {Channel: mail}, "group": {Channel: group}}), Now: time.Now, Location: time.UTC}
		put(t, d, "mail", start, "nobody", "never", "panics", "fine")
		put(t, d, "group", start, "g1", "g2")
		put(t, d, "gone", start, "unknown")

		r, err := d.Send(t.Context(), o)
		if want := (SendResult{Sent: 1, Failed: 4, Dead: 1}); r != want {
			t.Errorf("%+v, want %+v", r, want)
		}
		for _, says := range []string{"channel mail: ", "channel group: 130101", `the configuration has no channel "gone"`} {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v; want %s", err, says)
			}
		}
		if x := stateOf(t, d, "nobody"); x.State != store.Dead || x.Reason != "550 no such user" {
			t.Errorf("%+v", x)
		}
		if len(group.asked) != 1 {
			t.Errorf("the group was asked %d times after it was throttled", len(group.asked))
		}
		time.Sleep(9 * time.Minute)
		if _, err := d.Send(t.Context(), o); err == nil {
			t.Error("failures do not show")
		}
		if len(group.asked) != 1 {
			t.Error("the group was asked before its ten minutes were over")
		}
		throttled = false
		time.Sleep(time.Minute + time.Second)
		_, _ = d.Send(t.Context(), o)
		if stateOf(t, d, "g1").State != store.Sent || stateOf(t, d, "g2").State != store.Sent {
			t.Error("the group was not asked again")
		}

		for range 7 * 24 * 4 {
			time.Sleep(15 * time.Minute)
			_, _ = d.Send(t.Context(), o)
		}
		for _, id := range []string{"never", "panics", "unknown"} {
			x := stateOf(t, d, id)
			if lived := x.Ended.Sub(start); x.State != store.Dead || x.Attempts != send.MaxAttempts || lived < 55*time.Hour || lived > 100*time.Hour {
				t.Errorf("%s: %s after %d attempts and %s", id, x.State, x.Attempts, lived)
			}
			if x.Reason == "" {
				t.Errorf("%s died without a word", id)
			}
		}
		if r, err := d.Send(t.Context(), o); err != nil || r != (SendResult{}) {
			t.Errorf("with nothing left: %+v, %v", r, err)
		}
	})
}

// A stop is no failure, and what was not begun waits.
func TestSendStopped(t *testing.T) {
	d := open(t)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	put(t, d, "mail", at, "a", "b")
	ctx, stop := context.WithCancel(t.Context())
	mail := &told{answer: func(send.Message) error { stop(); return context.Canceled }}
	o := SendOptions{Outlets: outlets(map[string]Outlet{"mail": {Channel: mail}}), Now: func() time.Time { return at }, Location: time.UTC}
	if r, err := d.Send(ctx, o); err != nil || r != (SendResult{}) || len(mail.asked) != 1 {
		t.Errorf("%+v, %v, asked %v", r, err, mail.asked)
	}
	if x := stateOf(t, d, "a"); x.State != store.Waiting || x.Attempts != 0 {
		t.Errorf("%+v", x)
	}
}

// A pass ends in time for the next, which goes on where it ended.
func TestSendPass(t *testing.T) {
	d := open(t)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 10 {
		ids = append(ids, fmt.Sprintf("m%d", i))
	}
	put(t, d, "mail", now, ids...)
	mail := &told{answer: func(send.Message) error { now = now.Add(15 * time.Second); return nil }}
	o := SendOptions{Outlets: outlets(map[string]Outlet{"mail": {Channel: mail}}), Now: func() time.Time { return now }, Location: time.UTC, Pass: 50 * time.Second}
	for _, want := range []int{4, 4, 2, 0} {
		if r, err := d.Send(t.Context(), o); err != nil || r.Sent != want {
			t.Errorf("%+v, %v; want %d", r, err, want)
		}
	}
	if strings.Join(mail.asked, " ") != strings.Join(ids, " ") {
		t.Errorf("asked %v", mail.asked)
	}
}

// Digests wait for the next working morning, one a person and day; one that fails
// in the evening does not come at night; other messages come at any hour.
func TestSendQuiet(t *testing.T) {
	d := open(t)
	loc := time.FixedZone("CST", 8*3600)
	now := time.Date(2026, 9, 30, 20, 30, 0, 0, loc) // before National Day
	fails := false
	mail := &told{answer: func(send.Message) error {
		if fails {
			return &send.TemporaryError{Err: errors.New("down")}
		}
		return nil
	}}
	quiet := send.Quiet{From: 20 * time.Hour, To: 8 * time.Hour, Days: true, Calendar: calendar.Builtin()}
	o := SendOptions{Outlets: outlets(map[string]Outlet{"mail": {Channel: mail, Quiet: quiet}}), Now: func() time.Time { return now }, Location: loc}
	pass := func(want SendResult) {
		t.Helper()
		if r, _ := d.Send(t.Context(), o); r != want {
			t.Errorf("%s: %+v, want %+v", now.Format(time.DateTime), r, want)
		}
	}
	tell := func(id string) {
		t.Helper()
		i := send.Item{ID: id, To: send.Recipient{Channel: "mail", Address: "a@b.example", Lang: "zh"}, Title: "待答复"}
		if _, err := d.State.Tell([]send.Item{i}); err != nil {
			t.Fatal(err)
		}
	}
	tell("one")
	put(t, d, "mail", now, "password-reset")
	pass(SendResult{Sent: 1})
	for now.Before(time.Date(2026, 10, 8, 7, 59, 0, 0, loc)) {
		now = now.Add(time.Hour)
		if now.Before(time.Date(2026, 10, 8, 8, 0, 0, 0, loc)) {
			pass(SendResult{})
		}
	}
	tell("two")
	now = time.Date(2026, 10, 8, 8, 0, 0, 0, loc)
	pass(SendResult{Composed: 1, Sent: 1})
	tell("three")
	now = now.Add(time.Hour)
	pass(SendResult{})
	now = time.Date(2026, 10, 9, 19, 59, 0, 0, loc)
	fails = true
	pass(SendResult{Composed: 1, Failed: 1})
	fails = false
	now = time.Date(2026, 10, 9, 23, 0, 0, 0, loc)
	pass(SendResult{})
	now = time.Date(2026, 10, 10, 8, 0, 0, 0, loc) // a Saturday worked
	pass(SendResult{Sent: 1})
}

// What a channel has accepted and the disk did not take down is taken down later, and
// not sent again meanwhile.
func TestSendUnmarked(t *testing.T) {
	d := open(t)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	put(t, d, "mail", at, "a")
	mail := &told{answer: func(send.Message) error { return d.State.Close() }}
	o := SendOptions{Outlets: outlets(map[string]Outlet{"mail": {Channel: mail}}), Now: func() time.Time { return at }, Location: time.UTC}
	if r, err := d.Send(t.Context(), o); err == nil || r.Sent != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	var err error
	if d.State, err = store.Open(filepath.Join(d.Dir, StateFile), store.Options{}); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Send(t.Context(), o); err != nil || r.Sent != 1 || len(mail.asked) != 1 {
		t.Errorf("%+v, %v, sent %d times", r, err, len(mail.asked))
	}
	if x := stateOf(t, d, "a"); x.State != store.Sent {
		t.Errorf("%+v", x)
	}
}
