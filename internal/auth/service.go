package auth

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"yunjian/internal/store"
)

// Service keeps accounts and what recognizes them. It is safe for concurrent use.
type Service struct {
	state   *store.Store
	set     Settings
	record  Recorder
	cost    hashCost      // of new hashes
	hashing chan struct{} // so many hashes at a time, each of 19 MiB
	nobody  string        // a hash to compare with where there is no account
}

// New returns a service over an open state file. A nil record forgets events.
func New(state *store.Store, settings Settings, record Recorder) *Service {
	if record == nil {
		record = func(Event) error { return nil }
	}
	return &Service{
		state: state, set: settings, record: record, cost: presentCost,
		hashing: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
		nobody:  hashPassword("nobody's", presentCost),
	}
}

// tell puts on record how something ended, and returns err with what went wrong
// about the record.
func (s *Service) tell(e Event, err error) error {
	e.At = time.Now()
	var refusal *Refusal
	switch {
	case err == nil:
		e.Outcome = Done
	case errors.As(err, &refusal) || errors.Is(err, ErrSignIn) || errors.Is(err, ErrCodeWanted):
		e.Outcome = Refused
	default:
		e.Outcome = Failed
	}
	if err != nil && e.Detail == "" {
		e.Detail = err.Error()
	}
	if recordErr := s.record(e); recordErr != nil {
		return errors.Join(err, fmt.Errorf("put %s on record: %w: %w", e.What, ErrRecord, recordErr))
	}
	return err
}

// by begins the event of what a principal does.
func by(p Principal, what, object string) Event {
	return Event{Who: p.Name, Via: p.Via, Roles: p.Roles, What: what, Object: object}
}

// hash makes a hash when it is its turn.
func (s *Service) hash(password string) string {
	s.hashing <- struct{}{}
	defer func() { <-s.hashing }()
	return hashPassword(password, s.cost)
}

// verify compares a password with a stored hash, in the time of one comparison
// even where there is none.
func (s *Service) verify(stored, password string) (ok, outdated bool) {
	p, err := parsePHC(stored)
	if err != nil {
		p, _ = parsePHC(s.nobody)
	}
	if len(password) > maxPassword {
		password = ""
	}
	s.hashing <- struct{}{}
	defer func() { <-s.hashing }()
	return p.matches(password) && err == nil, p.outdated(s.cost)
}

// Tend removes what has run out by now: sessions, tokens and links a month after
// their end, and failures that no longer count.
func (s *Service) Tend(now time.Time) error {
	const keep = 30 * 24 * time.Hour
	err := s.state.UpdateIdentities(func(i store.Identities) error {
		return errors.Join(
			sweep(i, store.Sessions, func(x Session) bool { return x.ended(s.set.Session, now) }),
			sweep(i, store.APITokens, func(t APIToken) bool { return now.After(t.Expires.Add(keep)) }),
			sweep(i, store.Links, func(l Link) bool { return now.After(l.Expires.Add(keep)) }),
			sweep(i, store.Failures, func(f failures) bool { return f.past(s.set.Lockout, now) }),
		)
	})
	if err != nil {
		return fmt.Errorf("remove what has run out: %w", err)
	}
	return nil
}

func sweep[V any](i store.Identities, kind store.IdentityKind, over func(V) bool) error {
	var keys []string
	if err := store.EachIdentity(i, kind, func(key string, v V) error {
		if over(v) {
			keys = append(keys, key)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, key := range keys {
		if err := i.Delete(kind, key); err != nil {
			return err
		}
	}
	return nil
}
