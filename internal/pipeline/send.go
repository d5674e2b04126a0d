package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"yunjian/internal/journal"
	"yunjian/internal/send"
	"yunjian/internal/store"
)

// Outlet is a channel and when digests rest on it.
type Outlet struct {
	Channel send.Channel
	Quiet   send.Quiet
}

// SendOptions say how what waits is sent.
type SendOptions struct {
	// Outlets are the channels by name. It is asked for only where there is
	// something to send: it reads secrets.
	Outlets  func() (map[string]Outlet, error)
	Now      func() time.Time
	Location *time.Location // of days and quiet hours
	// Pass is after how long no further message is begun, so that a pass takes up
	// what came meanwhile; 0: all are.
	Pass time.Duration
}

// SendResult is what a pass over the outbox has done.
type SendResult struct {
	Composed int // digests put into the outbox
	Sent     int
	Failed   int // to be tried again
	Dead     int // given up in this pass
}

// Send composes the digests of those whose quiet hours are over, and sends what is
// due: one message after the other on a channel, the channels beside each other.
// A message is marked as sent after its channel has accepted it; broken off in
// between, it is sent again under the same ID. The error joins what made messages
// fail, once a channel.
func (d *Data) Send(ctx context.Context, o SendOptions) (SendResult, error) {
	var r SendResult
	now := o.Now().In(o.Location)
	items, err := d.State.Items()
	if err != nil {
		return r, err
	}
	due, err := d.State.Due(now)
	if err != nil || len(items)+len(due) == 0 {
		return r, err
	}
	outlets, err := o.Outlets()
	if err != nil {
		return r, err
	}
	r.Composed, err = d.State.Compose(now, func(to send.Recipient, items []send.Item) (send.Message, []send.Item, error) {
		if outlets[to.Channel].Quiet.At(now) {
			return send.Message{}, nil, nil
		}
		return send.Digest(to, items, now)
	})
	if err != nil {
		return r, err
	}
	if due, err = d.State.Due(now); err != nil {
		return r, err
	}
	byChannel := map[string][]store.Outgoing{}
	for _, x := range due {
		byChannel[x.Message.Channel] = append(byChannel[x.Message.Channel], x)
	}
	var mu sync.Mutex
	var all []error
	var work sync.WaitGroup
	for name, messages := range byChannel {
		work.Go(func() {
			got, err := d.sendChannel(ctx, o, name, outlets[name], messages)
			mu.Lock()
			defer mu.Unlock()
			r.Sent += got.Sent
			r.Failed += got.Failed
			r.Dead += got.Dead
			all = append(all, err)
		})
	}
	work.Wait()
	return r, errors.Join(all...)
}

// sendChannel sends the messages of one channel until one is told to come back
// later, the pass is over, or ctx ends.
func (d *Data) sendChannel(ctx context.Context, o SendOptions, name string, out Outlet, messages []store.Outgoing) (r SendResult, first error) {
	begun := o.Now()
	for _, x := range messages {
		now := o.Now().In(o.Location)
		if o.Pass > 0 && now.Sub(begun) > o.Pass {
			return r, first
		}
		if x.Message.Kind == send.KindDigest && out.Quiet.At(now) { // one that failed before the quiet began
			continue
		}
		var err error
		if _, taken := d.accepted.Load(x.Message.ID); !taken {
			err = sendOne(ctx, out.Channel, x.Message)
		}
		now = o.Now().In(o.Location)
		if err == nil {
			if err := d.State.MarkSent(x.Message.ID, now); err != nil { // such as for a full disk
				d.accepted.Store(x.Message.ID, nil)
				return r, err
			}
			d.accepted.Delete(x.Message.ID)
			r.Sent++
			continue
		}
		if ctx.Err() != nil { // somebody wants an end, the message has not failed
			return r, first
		}
		if first == nil {
			first = fmt.Errorf("channel %s: %w", name, err)
		}
		next, hold := nextTry(err, x.Attempts+1, now)
		if next.IsZero() {
			r.Dead++
		} else {
			r.Failed++
		}
		if err := d.State.MarkFailed(x.Message.ID, err.Error(), now, next); err != nil {
			return r, errors.Join(first, err)
		}
		if hold > 0 {
			return r, errors.Join(first, d.State.Hold(name, now.Add(hold)))
		}
	}
	return r, first
}

// sendOne keeps a channel's panic from ending the daemon.
func sendOne(ctx context.Context, c send.Channel, m send.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the channel broke off: %v", p)
		}
	}()
	if c == nil {
		return &send.TemporaryError{Err: fmt.Errorf("the configuration has no channel %q: name one so, or drop the message", m.Channel)}
	}
	return c.Send(ctx, m)
}

// nextTry says when a message that has failed so often is tried again, zero for
// never, and how long its channel wants to be left alone.
func nextTry(err error, attempts int, now time.Time) (next time.Time, hold time.Duration) {
	var busy *send.TemporaryError
	if errors.As(err, &busy) {
		hold = busy.After
	}
	var lasting *send.PermanentError
	if errors.As(err, &lasting) || attempts >= send.MaxAttempts {
		return time.Time{}, hold
	}
	return now.Add(send.RetryAfter(attempts, hold)), hold
}

// RetryMessage lets a message of the outbox be tried at once, those given up, too; that
// it was, or was asked for in vain, is journalled.
func (d *Data) RetryMessage(ctx context.Context, id string, at time.Time) error {
	return d.mend(ctx, journal.MessageRetried, id, func(e journal.Entry) error { return d.State.RetryMessage(id, at, e) })
}

// DropMessage ends a message of the outbox without sending it, and is journalled alike.
func (d *Data) DropMessage(ctx context.Context, id string, at time.Time) error {
	return d.mend(ctx, journal.MessageDropped, id, func(e journal.Entry) error { return d.State.DropMessage(id, at, e) })
}

func (d *Data) mend(ctx context.Context, action, id string, do func(journal.Entry) error) error {
	of := journal.Object{Type: "message", ID: id}
	if err := do(d.entry(ctx, action, of)); err != nil {
		return d.RecordFailure(ctx, journal.MessageRefused, of, err)
	}
	return nil
}

// OutboxKept is how long the outbox remembers what has ended, and thereby tells a
// message that comes twice.
const OutboxKept = 90 * 24 * time.Hour
