package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/internal/journal"
	"yunjian/internal/send"
)

var eight = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func message(id string) send.Message {
	return send.Message{ID: id, Kind: send.KindDigest, Channel: "mail", To: "a@b.example", Subject: "云鉴提醒", Text: "正文", Lang: "zh"}
}

func reminder(id, address string) send.Item {
	return send.Item{ID: id, To: send.Recipient{Channel: "mail", Address: address, Lang: "zh"}, Title: "待答复", Due: "2026-11-26"}
}

func states(t *testing.T, s *Store) map[string]OutgoingState {
	t.Helper()
	all, err := s.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]OutgoingState{}
	for _, o := range all {
		out[o.Message.ID] = o.State
	}
	return out
}

func TestOutboxLife(t *testing.T) {
	s := fresh(t)
	for _, id := range []string{"one", "two", "three", "four"} {
		if added, err := s.PutMessage(message(id), eight); err != nil || !added {
			t.Fatal(added, err)
		}
	}
	if added, err := s.PutMessage(message("one"), eight); err != nil || added {
		t.Error("a message was put twice", err)
	}
	due, err := s.Due(eight)
	if err != nil || len(due) != 4 {
		t.Fatal(len(due), err)
	}
	if due, err := s.Due(eight.Add(-time.Second)); err != nil || len(due) != 0 {
		t.Error("due before it was put", err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.MarkSent("one", eight))
	must(s.MarkFailed("two", "451 later", eight, eight.Add(time.Minute)))
	must(s.MarkFailed("three", "550 no such user", eight, time.Time{}))
	must(s.DropMessage("four", eight, entry(journal.MessageDropped, "message")))
	want := map[string]OutgoingState{"one": Sent, "two": Waiting, "three": Dead, "four": Dropped}
	if diff := cmp.Diff(want, states(t, s)); diff != "" {
		t.Error(diff)
	}
	if waiting, dead, err := s.OutboxCounts(); waiting != 1 || dead != 1 || err != nil {
		t.Errorf("%d wait, %d are dead, %v", waiting, dead, err)
	}
	all, err := s.Outbox()
	must(err)
	for _, o := range all {
		kept := o.State == Waiting || o.State == Dead
		if (o.Message.Text != "") != kept {
			t.Errorf("%s is %s and has the text %q", o.Message.ID, o.State, o.Message.Text)
		}
		if o.State == Dead && (o.Reason != "550 no such user" || o.Attempts != 1) {
			t.Errorf("%+v", o)
		}
	}
	for _, id := range []string{"one", "four"} {
		if err := s.RetryMessage(id, eight, entry(journal.MessageRetried, "message")); err == nil || !strings.Contains(err.Error(), "only one that waits or is dead") {
			t.Errorf("retry %s: %v", id, err)
		}
		if err := s.DropMessage(id, eight, entry(journal.MessageDropped, "message")); err == nil {
			t.Errorf("%s was dropped after its end", id)
		}
	}
	if err := s.RetryMessage("nobody", eight, entry(journal.MessageRetried, "message")); !errors.Is(err, ErrNoMessage) {
		t.Error(err)
	}
	must(s.RetryMessage("three", eight.Add(time.Hour), entry(journal.MessageRetried, "message")))
	due, err = s.Due(eight.Add(time.Hour))
	must(err)
	if len(due) != 2 || due[1].Attempts+due[0].Attempts != 1 {
		t.Errorf("%+v", due)
	}
	must(s.Hold("mail", eight.Add(2*time.Hour)))
	must(s.Hold("another", eight.Add(9*time.Hour)))
	if _, err := s.PutMessage(message("five"), eight); err != nil { // it came after
		t.Fatal(err)
	}
	if due, err := s.Due(eight.Add(time.Hour)); err != nil || len(due) != 0 {
		t.Error("a channel that is held is tried", err)
	}
	must(s.DropMessage("five", eight, entry(journal.MessageDropped, "message")))
	if due, err := s.Due(eight.Add(2 * time.Hour)); err != nil || len(due) != 2 {
		t.Error(len(due), err)
	}

	// What is accepted while an operator drops it was sent; a failure changes
	// nothing of what has ended.
	must(s.DropMessage("two", eight, entry(journal.MessageDropped, "message")))
	must(s.MarkFailed("two", "late", eight, eight))
	if states(t, s)["two"] != Dropped {
		t.Error("a failure brought back what was dropped")
	}
	must(s.MarkSent("two", eight))
	if states(t, s)["two"] != Sent {
		t.Error("what was accepted does not show as sent")
	}

	if n, err := s.PruneOutbox(eight); n != 0 || err != nil {
		t.Errorf("%d were removed too early, %v", n, err)
	}
	if n, err := s.PruneOutbox(eight.Add(time.Second)); n != 4 || err != nil {
		t.Errorf("%d were removed, %v", n, err)
	}
	if diff := cmp.Diff(map[string]OutgoingState{"three": Waiting}, states(t, s)); diff != "" {
		t.Error(diff)
	}
	must(s.Check(t.Context()))
}

func compose(t *testing.T, s *Store, at time.Time, quiet ...string) int {
	t.Helper()
	n, err := s.Compose(at, func(to send.Recipient, items []send.Item) (send.Message, []send.Item, error) {
		if slices.Contains(quiet, to.Address) {
			return send.Message{}, nil, nil
		}
		return send.Digest(to, items, at)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTellAndCompose(t *testing.T) {
	s := fresh(t)
	tell := func(want int, items ...send.Item) {
		t.Helper()
		if n, err := s.Tell(items); n != want || err != nil {
			t.Fatalf("%d items are new, want %d: %v", n, want, err)
		}
	}
	tell(3, reminder("1", "a@b.example"), reminder("2", "a@b.example"), reminder("1", "c@d.example"))
	tell(0, reminder("1", "a@b.example"))
	if n, err := s.Tell([]send.Item{reminder("5", "a@b.example"), {ID: "broken"}}); n != 0 || err == nil {
		t.Error("a broken item was taken", n, err)
	}
	if n := compose(t, s, eight, "c@d.example"); n != 1 {
		t.Errorf("%d digests", n)
	}
	all, err := s.Outbox()
	if err != nil || len(all) != 1 || !strings.Contains(all[0].Message.Text, "2. 待答复") {
		t.Fatalf("%+v, %v", all, err)
	}
	// What comes later that day waits for the next: one digest a person and day.
	tell(1, reminder("3", "a@b.example"), reminder("2", "a@b.example"))
	if n := compose(t, s, eight.Add(time.Hour), "c@d.example"); n != 0 {
		t.Errorf("%d digests more on one day", n)
	}
	if err := s.MarkSent(all[0].Message.ID, eight); err != nil {
		t.Fatal(err)
	}
	if n := compose(t, s, eight.Add(2*time.Hour), "c@d.example"); n != 0 {
		t.Errorf("%d digests more on one day, after the first was sent", n)
	}
	if n := compose(t, s, eight.AddDate(0, 0, 1)); n != 2 {
		t.Errorf("%d digests the next day", n)
	}
	if left, err := s.Items(); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	tell(0, reminder("3", "a@b.example"))
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whatever comes when: everything told is in exactly one digest or waits, and no
// person has two of one day.
func TestNothingToldIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := fresh(t)
		defer s.Close()
		told, at := map[string]bool{}, eight
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "hours")) * time.Hour)
			if rapid.Bool().Draw(rt, "tell") {
				who := rapid.SampledFrom([]string{"a@b.example", "c@d.example"}).Draw(rt, "who")
				var items []send.Item
				for range rapid.SampledFrom([]int{1, 2, 70}).Draw(rt, "many") { // 70 are more than a digest lists
					i := reminder(fmt.Sprint(rapid.IntRange(0, 90).Draw(rt, "id")), who)
					i.Title = "事项 " + i.ID + " 止"
					items, told[who+" "+i.Title] = append(items, i), true
				}
				if _, err := s.Tell(items); err != nil {
					rt.Fatal(err)
				}
				continue
			}
			compose(t, s, at, rapid.SampledFrom([]string{"", "a@b.example"}).Draw(rt, "quiet"))
		}
		seen, days := map[string]int{}, map[string]bool{}
		all, err := s.Outbox()
		if err != nil {
			rt.Fatal(err)
		}
		for _, o := range all {
			day := o.Message.To + o.Put.Format(time.DateOnly)
			if days[day] {
				rt.Fatalf("two digests on %s", day)
			}
			days[day] = true
			for x := range told {
				if to, title, _ := strings.Cut(x, " "); to == o.Message.To {
					seen[x] += strings.Count(o.Message.Text, title)
				}
			}
		}
		left, err := s.Items()
		if err != nil {
			rt.Fatal(err)
		}
		for _, i := range left {
			seen[i.To.Address+" "+i.Title]++
		}
		for x := range told {
			if seen[x] != 1 {
				rt.Fatalf("%s was told or waits %d times", x, seen[x])
			}
		}
	})
}
