package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"yunjian/internal/store"
)

// ErrSignIn is all that is said of a sign-in that failed, whatever the reason: it
// must not tell which accounts exist, or which state they are in. The event tells.
var ErrSignIn = errors.New("signing in failed: name, password or code is wrong, or the account may not be used; ask the security administrator")

// ErrCodeWanted says that the password was right and a one-time code is wanted.
var ErrCodeWanted = errors.New("a one-time code is wanted beside the password")

// LockedError says that there were too many failures, of a name, whether or not
// there is such an account, or of an address.
type LockedError struct{ Until time.Time }

// Error says how long to wait.
func (e *LockedError) Error() string {
	return fmt.Sprintf("too many failures: try again in %s, or ask the security administrator", time.Until(e.Until).Round(time.Minute)+time.Minute)
}

// Is makes a LockedError one of ErrSignIn.
func (e *LockedError) Is(target error) bool { return target == ErrSignIn }

// failures are those of one account's name or one address.
type failures struct {
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
	Locks int       `json:"locks,omitempty"` // so far, without a success
	Until time.Time `json:"until,omitzero"`  // end of the last lock
}

// past reports whether the failures no longer count.
func (f failures) past(l Lockout, now time.Time) bool { return !now.Before(f.Last.Add(2 * l.Longest)) }

// add counts one more, and locks where they are too many.
func (f *failures) add(l Lockout, most int, now time.Time) error {
	if now.Before(f.Until) {
		return &LockedError{f.Until}
	}
	if f.past(l, now) {
		*f = failures{}
	}
	f.Count, f.Last = f.Count+1, now
	if f.Count >= most { // this attempt is still judged, the next waits
		length := l.Shortest << min(f.Locks, 16)
		f.Count, f.Locks, f.Until = 0, f.Locks+1, now.Add(min(length, l.Longest))
	}
	return nil
}

func accountFailures(name string) string { return "account " + clip(name) }

// addressFailures counts a whole network of IPv6 as one: whoever has one address
// of it has all.
func addressFailures(address string) string {
	if a, err := netip.ParseAddr(address); err == nil {
		a = a.Unmap().WithZone("")
		if a.Is6() {
			p, _ := a.Prefix(64)
			return "address " + p.String()
		}
		return "address " + a.String()
	}
	return "address " + clip(address)
}

// attempt counts a failure before the attempt is judged, so that many at once do
// not slip past the limit together; a success forgets it. An empty address is not
// counted.
func (s *Service) attempt(name, address string) error {
	now := time.Now()
	return s.state.UpdateIdentities(func(i store.Identities) error {
		for _, c := range []struct {
			key  string
			most int
		}{{addressFailures(address), s.set.Lockout.AddressFailures}, {accountFailures(name), s.set.Lockout.Failures}} {
			if c.key == addressFailures("") {
				continue
			}
			var f failures
			if _, err := i.Get(store.Failures, c.key, &f); err != nil {
				return err
			}
			if err := f.add(s.set.Lockout, c.most, now); err != nil {
				return err
			}
			if err := i.Put(store.Failures, c.key, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// Login is a sign-in with a password.
type Login struct {
	Name, Password string
	Code           string // one-time or recovery code; empty: none yet
	Address        string // of the client
	Agent          string // of its browser, for the list of sessions
}

// SignIn checks a password, and a one-time code where the account has them, and
// begins a session: token is what its holder presents. The error is ErrSignIn,
// a *LockedError or ErrCodeWanted; another kind is internal.
func (s *Service) SignIn(l Login) (token string, session Session, err error) {
	e := Event{Who: clip(l.Name), Via: ViaSession, Address: l.Address, What: "session.begin"}
	if err := s.attempt(l.Name, l.Address); err != nil {
		return "", Session{}, s.tell(e, err)
	}
	a, err := s.account(l.Name)
	if err != nil {
		return "", Session{}, err
	}
	e.Roles = a.Roles
	ok, outdated := s.verify(a.Password, l.Password)
	now := time.Now()
	switch {
	case !ok:
		e.Detail = "wrong name or password"
	case a.Disabled:
		e.Detail = "the account is disabled"
	case !a.usable(now):
		e.Detail = "the account has expired"
	}
	if e.Detail != "" {
		return "", Session{}, s.tell(e, ErrSignIn)
	}
	hash := ""
	if outdated {
		hash = s.hash(l.Password)
	}
	wrong := errors.New("wrong code")
	err = s.change(l.Name, false, func(i store.Identities, b *Account) error {
		if b.Password != a.Password || !b.usable(now) { // changed meanwhile
			return ErrSignIn
		}
		if b.HasCodes() && l.Code == "" {
			return ErrCodeWanted
		}
		if b.HasCodes() && !b.Codes.accept(l.Code, now) && !b.Codes.recover(l.Code) {
			return wrong
		}
		if hash != "" {
			b.Password = hash
		}
		// Of the address only this attempt is forgiven: an account of one's own must not
		// allow to guess the passwords of others.
		if err := errors.Join(i.Delete(store.Failures, accountFailures(l.Name)), takeBack(i, addressFailures(l.Address), s.set.Lockout.AddressFailures)); err != nil {
			return err
		}
		b.LastSignIn = now
		token, session, err = begin(i, Session{Account: l.Name, Method: "password", Address: l.Address, Agent: clip(l.Agent)}, now)
		return err
	})
	switch {
	case errors.Is(err, wrong):
		e.Detail, err = "wrong one-time code", ErrSignIn
	case errors.Is(err, ErrCodeWanted):
		err = errors.Join(err, s.forgive(l))
	}
	if err != nil {
		token, session = "", Session{}
	}
	e.Object = session.ID
	return token, session, s.tell(e, err)
}

// forgive takes back the failure that was counted for a right password without a
// code, and no other: else the password alone would allow to guess codes for ever.
func (s *Service) forgive(l Login) error {
	return s.state.UpdateIdentities(func(i store.Identities) error {
		return errors.Join(
			takeBack(i, addressFailures(l.Address), s.set.Lockout.AddressFailures),
			takeBack(i, accountFailures(l.Name), s.set.Lockout.Failures),
		)
	})
}

// takeBack undoes what attempt counted last, with the lock that it may have led to.
func takeBack(i store.Identities, key string, most int) error {
	var f failures
	found, err := i.Get(store.Failures, key, &f)
	if err != nil || !found {
		return err
	}
	switch {
	case f.Count > 0:
		f.Count--
	case f.Locks > 0:
		f = failures{Count: most - 1, Last: f.Last, Locks: f.Locks - 1}
	}
	return i.Put(store.Failures, key, f)
}

// newOpaque returns 256 random bits as text.
func newOpaque() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

// same compares in a time that does not depend on where the two differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
