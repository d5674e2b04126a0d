package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/internal/journal"
	"yunjian/internal/send"
)

// Buckets within that of the outbox.
var (
	itemBucket    = []byte("items")   // channel NUL address NUL id → item that no digest has taken up yet
	toldBucket    = []byte("told")    // the same key → instant at which a digest took it up
	waitingBucket = []byte("waiting") // id → outgoing
	deadBucket    = []byte("dead")    // id → outgoing
	endedBucket   = []byte("ended")   // id → outgoing without its text: sent or dropped
	heldBucket    = []byte("held")    // channel → instant before which none of its messages is tried
)

// messageBuckets hold every message once, by its state.
var messageBuckets = [][]byte{waitingBucket, deadBucket, endedBucket}

func bucketOf(s OutgoingState) []byte {
	switch s {
	case Waiting:
		return waitingBucket
	case Dead:
		return deadBucket
	default:
		return endedBucket
	}
}

func createOutbox(tx *bolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists(outboxBucket)
	if err != nil {
		return err
	}
	for _, name := range append([][]byte{itemBucket, toldBucket, heldBucket}, messageBuckets...) {
		if _, err := b.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

func outbox(tx *bolt.Tx, name []byte) *bolt.Bucket { return tx.Bucket(outboxBucket).Bucket(name) }

// OutgoingState is what has become of a message.
type OutgoingState string

// States of a message.
const (
	Waiting OutgoingState = "waiting"
	Sent    OutgoingState = "sent"    // a channel has accepted it
	Dead    OutgoingState = "dead"    // refused for good, or failed too often
	Dropped OutgoingState = "dropped" // by an operator
)

// OutgoingStates lists every state.
func OutgoingStates() []OutgoingState { return []OutgoingState{Waiting, Sent, Dead, Dropped} }

// Outgoing is a message of the outbox. Once it was sent or dropped, its text is
// forgotten: who was told is on record, what was said stands in the case.
type Outgoing struct {
	Message  send.Message  `json:"message"`
	State    OutgoingState `json:"state"`
	Put      time.Time     `json:"put"`
	Next     time.Time     `json:"next,omitzero"`    // of a waiting one: not tried before
	Attempts int           `json:"attempts"`         // that failed
	Reason   string        `json:"reason,omitempty"` // of the last failure, without secrets
	Ended    time.Time     `json:"ended,omitzero"`
}

// ErrNoMessage says that the outbox has no message of an id.
var ErrNoMessage = errors.New("the outbox has no such message: `yunjian send list` names all")

// Tell keeps items until a digest takes them up, all or none, and returns how many
// are new: one that waits already, or that a digest took up since the last prune,
// is not told twice.
func (s *Store) Tell(items []send.Item) (added int, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		added, err = putItems(tx, items)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("tell: %w", err)
	}
	return added, nil
}

func putItems(tx *bolt.Tx, items []send.Item) (added int, err error) {
	waiting, told := outbox(tx, itemBucket), outbox(tx, toldBucket)
	for _, i := range items {
		if err := i.Check(); err != nil {
			return 0, err
		}
		key := itemKey(i)
		if waiting.Get(key) != nil || told.Get(key) != nil {
			continue
		}
		if err := putJSON(waiting, key, i); err != nil {
			return 0, err
		}
		added++
	}
	return added, nil
}

func itemKey(i send.Item) []byte {
	return append(append(pair(i.To.Channel, i.To.Address), 0), i.ID...)
}

// Items returns what no digest has taken up yet, by recipient.
func (s *Store) Items() (out []send.Item, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		out, err = itemsOf(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read items to be told: %w", err)
	}
	return out, nil
}

func itemsOf(tx *bolt.Tx) (out []send.Item, err error) {
	return out, outbox(tx, itemBucket).ForEach(func(key, text []byte) error {
		var i send.Item
		if err := decode(text, &i); err != nil {
			return fmt.Errorf("item %q: %w", key, err)
		}
		out = append(out, i)
		return nil
	})
}

// Compose asks write for the digest of every recipient with items, and puts those
// it makes into the outbox in the transaction that takes the items told: a crash
// does both or neither. The others wait on, and all of a recipient for whom write
// tells none or whose digest of that ID there was already. It returns how many
// digests it put.
func (s *Store) Compose(at time.Time, write func(to send.Recipient, items []send.Item) (m send.Message, told []send.Item, err error)) (put int, err error) {
	if items, err := s.Items(); err != nil || len(items) == 0 {
		return 0, err // without a write each minute
	}
	err = s.update(func(tx *bolt.Tx) error {
		put = 0
		items, err := itemsOf(tx)
		if err != nil {
			return err
		}
		for len(items) > 0 {
			to := items[0].To
			n := 1
			for n < len(items) && items[n].To.Channel == to.Channel && items[n].To.Address == to.Address {
				n++
			}
			of := items[:n]
			items = items[n:]
			m, told, err := write(to, of)
			if err != nil {
				return err
			}
			if len(told) == 0 {
				continue
			}
			added, err := putMessage(tx, m, at)
			if err != nil {
				return err
			}
			if !added {
				continue
			}
			put++
			for _, i := range told {
				key := itemKey(i)
				if err := errors.Join(outbox(tx, itemBucket).Delete(key), outbox(tx, toldBucket).Put(key, instantKey(at))); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("compose digests: %w", err)
	}
	return put, nil
}

// PutMessage puts a message into the outbox, to be sent from at on; false where
// one of that ID is there or was since the last prune.
func (s *Store) PutMessage(m send.Message, at time.Time) (added bool, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		added, err = putMessage(tx, m, at)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("put message: %w", err)
	}
	return added, nil
}

func putMessage(tx *bolt.Tx, m send.Message, at time.Time) (added bool, err error) {
	if err := m.Check(); err != nil {
		return false, err
	}
	if _, text := find(tx, m.ID); text != nil {
		return false, nil
	}
	return true, putJSON(outbox(tx, waitingBucket), []byte(m.ID), Outgoing{Message: m, State: Waiting, Put: at, Next: at})
}

// find returns a message and the bucket it is in; nil where there is none.
func find(tx *bolt.Tx, id string) (in *bolt.Bucket, text []byte) {
	for _, name := range messageBuckets {
		in = outbox(tx, name)
		if text = in.Get([]byte(id)); text != nil {
			return in, text
		}
	}
	return nil, nil
}

// Due returns the messages to be tried at an instant, the longest waiting first.
func (s *Store) Due(at time.Time) ([]Outgoing, error) {
	all, err := s.outgoing(waitingBucket)
	if err != nil {
		return nil, fmt.Errorf("read what is due: %w", err)
	}
	return slices.DeleteFunc(all, func(o Outgoing) bool { return o.Next.After(at) }), nil
}

// Outbox returns every message, the oldest first.
func (s *Store) Outbox() ([]Outgoing, error) {
	all, err := s.outgoing(messageBuckets...)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return all, nil
}

// OutboxCounts returns how many messages wait and how many are dead.
func (s *Store) OutboxCounts() (waiting, dead int, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		waiting, dead = outbox(tx, waitingBucket).Stats().KeyN, outbox(tx, deadBucket).Stats().KeyN
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count the outbox: %w", err)
	}
	return waiting, dead, nil
}

func (s *Store) outgoing(buckets ...[]byte) (out []Outgoing, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			err := outbox(tx, name).ForEach(func(id, text []byte) error {
				var o Outgoing
				if err := decode(text, &o); err != nil {
					return fmt.Errorf("message %s: %w", id, err)
				}
				if held := outbox(tx, heldBucket).Get([]byte(o.Message.Channel)); o.State == Waiting && len(held) == 8 && o.Next.Before(instantOf(held)) {
					o.Next = instantOf(held)
				}
				out = append(out, o)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Outgoing) int {
		return cmp.Or(a.Put.Compare(b.Put), cmp.Compare(a.Message.ID, b.Message.ID))
	})
	return out, err
}

// MarkSent records that a channel has accepted a message.
func (s *Store) MarkSent(id string, at time.Time) error {
	err := s.change(id, nil, func(o *Outgoing) error {
		o.State, o.Reason = Sent, ""
		o.end(at)
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark message %s as sent: %w", id, err)
	}
	return nil
}

// MarkFailed records that a message was not accepted, and why; it is tried again
// from next on, or never where next is zero. One that has ended meanwhile stays
// as it is.
func (s *Store) MarkFailed(id, reason string, at, next time.Time) error {
	err := s.change(id, nil, func(o *Outgoing) error {
		if o.State != Waiting {
			return nil
		}
		o.Attempts++
		o.Reason, o.Next = reason, next
		if next.IsZero() {
			o.State = Dead
			o.end(at)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark message %s as failed: %w", id, err)
	}
	return nil
}

// Hold keeps the messages of a channel, those to come, too, from being tried before
// until.
func (s *Store) Hold(channel string, until time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		return outbox(tx, heldBucket).Put([]byte(channel), instantKey(until))
	})
	if err != nil {
		return fmt.Errorf("hold channel %s: %w", channel, err)
	}
	return nil
}

// RetryMessage lets a message that waits or is dead be tried from at on, with all
// its attempts before it. e records it. The error wraps ErrNoMessage where there is none.
func (s *Store) RetryMessage(id string, at time.Time, e journal.Entry) error {
	err := s.change(id, &e, func(o *Outgoing) error {
		if o.State != Waiting && o.State != Dead {
			return fmt.Errorf("it was %s on %s: only one that waits or is dead can be tried again", o.State, o.Ended.Format(time.RFC3339))
		}
		o.State, o.Attempts, o.Next, o.Ended = Waiting, 0, at, time.Time{}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retry message %s: %w", id, err)
	}
	return nil
}

// DropMessage ends a message that waits or is dead without sending it. The error
// wraps ErrNoMessage where there is none. e records it.
func (s *Store) DropMessage(id string, at time.Time, e journal.Entry) error {
	err := s.change(id, &e, func(o *Outgoing) error {
		if o.State != Waiting && o.State != Dead {
			return fmt.Errorf("it was %s on %s: only one that waits or is dead can be dropped", o.State, o.Ended.Format(time.RFC3339))
		}
		o.State = Dropped
		o.end(at)
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop message %s: %w", id, err)
	}
	return nil
}

// end keeps of a message what is on record, and its text where it can still be
// tried again.
func (o *Outgoing) end(at time.Time) {
	o.Ended, o.Next = at, time.Time{}
	if o.State != Dead {
		o.Message.Text, o.Message.HTML, o.Message.Links = "", "", nil
	}
}

// change edits a message and puts it where its state belongs; e, where there is one,
// records it.
func (s *Store) change(id string, e *journal.Entry, edit func(*Outgoing) error) error {
	return s.update(func(tx *bolt.Tx) error {
		in, text := find(tx, id)
		if text == nil {
			return ErrNoMessage
		}
		var o Outgoing
		if err := decode(text, &o); err != nil {
			return err
		}
		if err := edit(&o); err != nil {
			return err
		}
		if err := in.Delete([]byte(id)); err != nil {
			return err
		}
		if err := putJSON(outbox(tx, bucketOf(o.State)), []byte(id), o); err != nil || e == nil {
			return err
		}
		_, err := s.append(tx, e.With("channel", o.Message.Channel).With("subject", o.Message.Subject))
		return err
	})
}

// PruneOutbox forgets messages that ended before an instant, and what was told
// before it; it returns how many messages it removed. What waits stays.
func (s *Store) PruneOutbox(before time.Time) (removed int, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		removed = 0
		for _, name := range [][]byte{deadBucket, endedBucket} {
			n, err := prune(outbox(tx, name), func(text []byte) (bool, error) {
				var o Outgoing
				err := decode(text, &o)
				return o.Ended.Before(before), err
			})
			if err != nil {
				return err
			}
			removed += n
		}
		_, err := prune(outbox(tx, toldBucket), func(at []byte) (bool, error) {
			return len(at) == 8 && instantOf(at).Before(before), nil
		})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune the outbox: %w", err)
	}
	return removed, nil
}

// prune removes the values that are old.
func prune(b *bolt.Bucket, old func(value []byte) (bool, error)) (removed int, err error) {
	var keys [][]byte
	err = b.ForEach(func(key, value []byte) error {
		gone, err := old(value)
		if gone {
			keys = append(keys, bytes.Clone(key))
		}
		return err
	})
	for _, key := range keys { // ForEach does not bear changes
		err = errors.Join(err, b.Delete(key))
	}
	return len(keys), err
}

// checkOutbox decodes what the outbox holds.
func (s *Store) checkOutbox(tx *bolt.Tx, each func(b *bolt.Bucket, what string, read func(key, value []byte) error)) {
	each(tx.Bucket(outboxBucket), "those without address", func(_, text []byte) error { return decode(text, &[]Unreached{}) })
	each(outbox(tx, itemBucket), "item to be told", func(key, text []byte) error {
		var i send.Item
		if err := decode(text, &i); err != nil {
			return err
		}
		if !bytes.Equal(key, itemKey(i)) {
			return fmt.Errorf("holds the item %s of %s", i.ID, i.To.Channel)
		}
		return nil
	})
	instant := func(_, at []byte) error {
		if len(at) != 8 {
			return fmt.Errorf("%d bytes are no instant", len(at))
		}
		return nil
	}
	each(outbox(tx, toldBucket), "item told", instant)
	each(outbox(tx, heldBucket), "channel held", instant)
	for _, name := range messageBuckets {
		each(outbox(tx, name), "message", func(id, text []byte) error {
			var o Outgoing
			if err := decode(text, &o); err != nil {
				return err
			}
			if o.Message.ID != string(id) {
				return fmt.Errorf("holds the message %s", o.Message.ID)
			}
			if !bytes.Equal(bucketOf(o.State), name) {
				return fmt.Errorf("is %s among the %s", o.State, name)
			}
			return nil
		})
	}
}
