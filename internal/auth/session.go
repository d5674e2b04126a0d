package auth

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"yunjian/internal/store"
)

// Session is somebody who signed in and has not left.
type Session struct {
	ID      string    `json:"id"` // public: the start of the token's hash
	Account string    `json:"account"`
	Method  string    `json:"method"` // password or oidc
	Begun   time.Time `json:"begun"`
	Seen    time.Time `json:"seen"` // last request, to the minute
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
}

// seenEvery is how exactly the last request is remembered: each is a write.
const seenEvery = time.Minute

func (x Session) ended(r SessionRules, now time.Time) bool {
	return !now.Before(x.Begun.Add(r.Longest)) || !now.Before(x.Seen.Add(r.Idle))
}

// begin stores a session and returns the token that stands for it.
func begin(i store.Identities, x Session, now time.Time) (string, Session, error) {
	token := newOpaque()
	key := digest(token)
	x.ID, x.Begun, x.Seen = key[:12], now, now
	return token, x, i.Put(store.Sessions, key, x)
}

// BySession recognizes the holder of a session's token; its account counts as it
// is now. The error is ErrSignIn where there is no such session any more.
func (s *Service) BySession(token string) (Principal, error) {
	var x Session
	var a Account
	now, key := time.Now(), digest(token)
	err := s.state.ViewIdentities(func(i store.Identities) error {
		if found, err := i.Get(store.Sessions, key, &x); err != nil || !found {
			return errors.Join(err, ErrSignIn)
		}
		_, err := i.Get(store.Accounts, x.Account, &a)
		return err
	})
	if err != nil {
		return Principal{}, err
	}
	if x.ended(s.set.Session, now) || a.Name == "" || !a.usable(now) {
		return Principal{}, ErrSignIn
	}
	if now.Sub(x.Seen) >= seenEvery {
		err = s.state.UpdateIdentities(func(i store.Identities) error {
			if found, err := i.Get(store.Sessions, key, &x); err != nil || !found { // ended meanwhile
				return errors.Join(err, ErrSignIn)
			}
			x.Seen = now
			return i.Put(store.Sessions, key, x)
		})
	}
	p := a.principal(ViaSession, x.ID)
	p.Due = s.due(a, now)
	return p, err
}

// SignOut ends the session of a token.
func (s *Service) SignOut(p Principal, token string) error {
	err := s.state.UpdateIdentities(func(i store.Identities) error { return i.Delete(store.Sessions, digest(token)) })
	return s.tell(by(p, "session.end", p.Credential), err)
}

// Sessions returns the sessions of an account that have not ended, newest first:
// one's own, or anybody's with the permission roles:read.
func (s *Service) Sessions(p Principal, account string) (out []Session, err error) {
	if err := s.own(p, account, Read); err != nil {
		return nil, s.tell(by(p, "session.list", clip(account)), err)
	}
	now := time.Now()
	err = s.state.ViewIdentities(func(i store.Identities) error {
		return store.EachIdentity(i, store.Sessions, func(_ string, x Session) error {
			if x.Account == account && !x.ended(s.set.Session, now) {
				out = append(out, x)
			}
			return nil
		})
	})
	slices.SortFunc(out, func(a, b Session) int { return b.Begun.Compare(a.Begun) })
	return out, err
}

// own is nil where somebody in a session deals with the own account, or has the
// permission to deal so with the roles of others.
func (s *Service) own(p Principal, account string, action Action) error {
	if p.Name == account && p.Name != "" && p.Via == ViaSession {
		return nil
	}
	return Allowed(p, Permission{RolesFn, action}, "")
}

// EndSession ends a session by its public id: one of one's own, or anybody's with
// the permission roles:approve.
func (s *Service) EndSession(p Principal, id string) error {
	err := s.state.UpdateIdentities(func(i store.Identities) error {
		found := false
		err := store.EachIdentity(i, store.Sessions, func(_ string, x Session) error {
			if x.ID != id {
				return nil
			}
			found = true
			return s.own(p, x.Account, Approve)
		})
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("session %q: none has this id", clip(id))
		}
		return sweep(i, store.Sessions, func(x Session) bool { return x.ID == id })
	})
	return s.tell(by(p, "session.revoke", clip(id)), err)
}
