package auth

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"yunjian/internal/store"
)

// APIToken lets a program act for an account, within scopes and departments.
type APIToken struct {
	ID          string       `json:"id"` // public, part of the token
	Name        string       `json:"name"`
	Owner       string       `json:"owner"`
	Scopes      []Permission `json:"scopes"`
	Departments []string     `json:"departments,omitempty"` // empty: the owner's
	Hash        string       `json:"hash,omitempty"`        // of the secret part
	Created     time.Time    `json:"created"`
	Expires     time.Time    `json:"expires"`
	LastUsed    time.Time    `json:"last_used,omitzero"` // to the minute
	LastAddress string       `json:"last_address,omitempty"`
	Revoked     bool         `json:"revoked,omitempty"`
}

// MaxTokenAge is the longest that a token may live.
const MaxTokenAge = 365 * 24 * time.Hour

// tokenPrefix begins every API token, so that people and scanners know one.
const tokenPrefix = "yjt_"

var tokenForm = regexp.MustCompile(`^yjt_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$`)

// parseToken takes a token apart; false where it is none.
func parseToken(token string) (id, secret string, ok bool) {
	m := tokenForm.FindStringSubmatch(token)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// Prefix is by which people recognize a token.
func (t APIToken) Prefix() string { return tokenPrefix + t.ID }

// principal is what the token lets a program do: no more than its owner now may.
func (t APIToken) principal(owner Principal) Principal {
	p := owner
	p.Via, p.Credential, p.Scopes = ViaToken, t.ID, t.Scopes
	p.Departments = owner.Departments.Narrow(t.Departments)
	if owner.Departments.All { // dept reaches none of its departments: narrowing must not give it some
		p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r Role) bool { return r == Dept })
	}
	return p
}

// NewToken is what a token is made from.
type NewToken struct {
	Name        string
	Owner       string // account
	Scopes      []Permission
	Departments []string
	Expires     time.Time // required, within MaxTokenAge
}

// AddToken makes a token for the principal's own account; at the console, for
// anybody's. The text is shown this once.
func (s *Service) AddToken(p Principal, n NewToken) (text string, t APIToken, err error) {
	e := by(p, "token.add", clip(n.Name))
	text, t, err = s.addToken(p, n)
	if err == nil {
		e.Object, e.Detail = t.Prefix(), fmt.Sprintf("%s for %s until %s", t.Name, t.Owner, t.Expires.Format(time.RFC3339))
	}
	return text, t, s.tell(e, err)
}

func (s *Service) addToken(p Principal, n NewToken) (string, APIToken, error) {
	now := time.Now()
	if p.Via != ViaConsole && (p.Via != ViaSession || p.Name != n.Owner || p.Due != DueNothing) {
		return "", APIToken{}, &Refusal{Name: p.Name, Permission: Permission{RolesFn, Approve}, Reason: NotInSession}
	}
	switch {
	case strings.TrimSpace(n.Name) == "" || len(n.Name) > 256 || strings.ContainsFunc(n.Name, isControl):
		return "", APIToken{}, fmt.Errorf("token name %q: want one line that says what it is for", clip(n.Name))
	case len(n.Scopes) == 0:
		return "", APIToken{}, errors.New("a token without scopes may do nothing: name at least one permission")
	case !n.Expires.After(now) || n.Expires.After(now.Add(MaxTokenAge)):
		return "", APIToken{}, fmt.Errorf("token expires %s: want a time from now on, within %d days", n.Expires.Format(time.DateOnly), MaxTokenAge/(24*time.Hour))
	}
	t := APIToken{ID: fmt.Sprintf("%x", random(6)), Name: strings.TrimSpace(n.Name), Owner: n.Owner, Scopes: n.Scopes, Departments: n.Departments, Created: now, Expires: n.Expires}
	secret := newOpaque()
	t.Hash = digest(secret)
	err := s.state.UpdateIdentities(func(i store.Identities) error {
		var a Account
		if found, err := i.Get(store.Accounts, n.Owner, &a); err != nil || !found {
			return errors.Join(err, fmt.Errorf("%w: %s", ErrNoAccount, clip(n.Owner)))
		}
		if err := a.principal(ViaSession, "").holds(n.Scopes, n.Departments); err != nil {
			return err
		}
		return i.Put(store.APITokens, t.ID, t)
	})
	return t.Prefix() + "_" + secret, t, err
}

// holds is an error where scopes or departments go beyond what p has.
func (p Principal) holds(scopes []Permission, departments []string) error {
	for _, scope := range scopes {
		if !slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(PermissionsOf(r), scope) }) {
			return fmt.Errorf("scope %s: %s may not do that itself; it takes one of the roles %s", scope, p.Name, join(rolesWith(scope)))
		}
	}
	for _, d := range departments {
		if !p.Departments.Includes(d) {
			return fmt.Errorf("department %q: %s does not reach it; want one of %s", d, p.Name, strings.Join(p.Departments.Names, ", "))
		}
	}
	return nil
}

// ByToken recognizes the holder of an API token, whose owner counts as he is now.
// The error is ErrSignIn where it is none, or no longer one.
func (s *Service) ByToken(text, address string) (Principal, error) {
	id, secret, ok := parseToken(text)
	if !ok {
		return Principal{}, ErrSignIn
	}
	var t APIToken
	var a Account
	now := time.Now()
	err := s.state.ViewIdentities(func(i store.Identities) error {
		if found, err := i.Get(store.APITokens, id, &t); err != nil || !found {
			return errors.Join(err, ErrSignIn)
		}
		_, err := i.Get(store.Accounts, t.Owner, &a)
		return err
	})
	if err != nil {
		return Principal{}, err
	}
	if !same(t.Hash, digest(secret)) || t.Revoked || !now.Before(t.Expires) || a.Name == "" || !a.usable(now) {
		return Principal{}, ErrSignIn
	}
	if now.Sub(t.LastUsed) >= seenEvery || t.LastAddress != address {
		err = s.state.UpdateIdentities(func(i store.Identities) error {
			if _, err := i.Get(store.APITokens, id, &t); err != nil || t.Revoked { // revoked meanwhile
				return errors.Join(err, ErrSignIn)
			}
			t.LastUsed, t.LastAddress = now, address
			return i.Put(store.APITokens, id, t)
		})
	}
	return t.principal(a.principal(ViaToken, t.ID)), err
}

// Tokens returns the tokens of an account, or of all for the empty name, newest
// first, without their hashes: one's own, or anybody's with the permission
// roles:read.
func (s *Service) Tokens(p Principal, owner string) (out []APIToken, err error) {
	if err := s.own(p, owner, Read); err != nil {
		return nil, s.tell(by(p, "token.list", clip(owner)), err)
	}
	err = s.state.ViewIdentities(func(i store.Identities) error {
		return store.EachIdentity(i, store.APITokens, func(_ string, t APIToken) error {
			if owner == "" || t.Owner == owner {
				t.Hash = ""
				out = append(out, t)
			}
			return nil
		})
	})
	slices.SortFunc(out, func(a, b APIToken) int { return b.Created.Compare(a.Created) })
	return out, err
}

// RevokeToken ends a token by its id or prefix: one's own, or anybody's with the
// permission roles:approve.
func (s *Service) RevokeToken(p Principal, id string) error {
	id = strings.TrimPrefix(id, tokenPrefix)
	err := s.state.UpdateIdentities(func(i store.Identities) error {
		var t APIToken
		if found, err := i.Get(store.APITokens, id, &t); err != nil || !found {
			return errors.Join(err, fmt.Errorf("token %q: none has this id", clip(id)))
		}
		if err := s.own(p, t.Owner, Approve); err != nil {
			return err
		}
		t.Revoked = true
		return i.Put(store.APITokens, id, t)
	})
	return s.tell(by(p, "token.revoke", tokenPrefix+clip(id)), err)
}
