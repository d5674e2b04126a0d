package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"yunjian/internal/store"
)

// vouched is what a gateway or provider says of somebody.
type vouched struct {
	issuer      string // of the subject: the provider's URL, or "header"
	subject     string
	account     string
	title       string
	roles       []string // in its own words; nil: it says nothing of roles
	departments []string // everyDepartment alone: all; nil: it says nothing of departments
}

// everyDepartment is what gateways and providers say of whom no department binds. That
// they name none must not mean it: a claim may be lacking, a header lost on its way.
const everyDepartment = "*"

// bound are the departments that others name for somebody with the roles.
func bound(roles []Role, named []string) ([]string, error) {
	if slices.Equal(named, []string{everyDepartment}) {
		return nil, nil
	}
	for _, r := range roles {
		if len(named) == 0 && r != SysAdmin && r != SecAdmin && r != Auditor { // whose work belongs to none
			return nil, fmt.Errorf("role %s without a department: want those that bind it, or %s for all", r, everyDepartment)
		}
	}
	return named, nil
}

// accept finds the account of whom others vouch for, makes it where create allows,
// and gives it the roles and departments that they name. An account that has a
// password, or that another subject has, is not theirs to open: an administrator
// makes the account without a password first.
func (s *Service) accept(v vouched, create bool) (Account, error) {
	subject := v.issuer + "|" + v.subject
	if err := CheckName(v.account); err != nil {
		return Account{}, fmt.Errorf("sign in by %s: %w", v.issuer, err)
	}
	var roles []Role
	for _, word := range v.roles {
		if r, ok := s.set.External[word]; ok && !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	now := time.Now()
	var a Account
	settle := func(i store.Identities) (changed bool, err error) {
		a = Account{}
		found, err := i.Get(store.Accounts, v.account, &a)
		switch {
		case err != nil:
			return false, err
		case !found && (!create || i.Empty(store.Accounts)): // set-up comes first
			return false, fmt.Errorf("%w: %s", ErrNoAccount, v.account)
		case !found:
			a = Account{Name: v.account, Title: v.title, Created: now}
		case a.Password != "":
			return false, errors.New("the account signs in with its password")
		case a.Subject != "" && a.Subject != subject:
			return false, errors.New("the account belongs to another subject")
		case !a.usable(now):
			return false, errors.New("the account is disabled or has expired")
		}
		before := a
		a.Subject = subject
		if v.roles != nil {
			a.Roles = roles
		}
		if v.departments != nil {
			if a.Departments, err = bound(a.Roles, v.departments); err != nil {
				return false, err
			}
		}
		if err := errors.Join(CheckRoles(a.Roles, s.set.Officers), checkDepartments(a.Roles, a.Departments)); err != nil {
			return false, err
		}
		return !found || before.Subject != subject || !slices.Equal(before.Roles, a.Roles) || !slices.Equal(before.Departments, a.Departments), nil
	}
	changed := false
	err := s.state.ViewIdentities(func(i store.Identities) (err error) {
		changed, err = settle(i)
		return err
	})
	if err != nil || !changed {
		return a, err
	}
	err = s.state.UpdateIdentities(func(i store.Identities) error {
		if _, err := settle(i); err != nil {
			return err
		}
		return i.Put(store.Accounts, a.Name, a)
	})
	if err == nil {
		err = s.tell(Event{Who: a.Name, Via: ViaHeader, Roles: a.Roles, What: "account.vouched", Object: a.Name, Detail: fmt.Sprintf("%s: %s (%s)", v.issuer, join(a.Roles), join(a.Departments))}, nil)
	}
	return a, err
}

// signInVouched begins a session for whom a provider vouches.
func (s *Service) signInVouched(v vouched, create bool, address, agent string) (token string, err error) {
	e := Event{Who: clip(v.account), Via: ViaSession, Address: address, What: "session.begin"}
	a, err := s.accept(v, create)
	if err != nil {
		e.Detail = err.Error()
		return "", s.tell(e, ErrSignIn)
	}
	e.Roles = a.Roles
	now := time.Now()
	err = s.change(a.Name, false, func(i store.Identities, b *Account) error {
		var x Session
		b.LastSignIn = now
		token, x, err = begin(i, Session{Account: b.Name, Method: "oidc", Address: address, Agent: clip(agent)}, now)
		e.Object = x.ID
		return err
	})
	return token, s.tell(e, err)
}

// byHeaders recognizes whom a gateway vouches for by the headers of one request;
// ok is false where it names nobody.
func (s *Service) byHeaders(get func(name string) []string) (p Principal, ok bool, err error) {
	one := func(name string) (string, error) {
		if name == "" {
			return "", nil
		}
		values := get(name)
		if len(values) > 1 { // one of them is not the gateway's
			return "", fmt.Errorf("header %s is given %d times: want it once", name, len(values))
		}
		if len(values) == 0 {
			return "", nil
		}
		return strings.TrimSpace(values[0]), nil
	}
	account, err1 := one(s.set.Header.Account)
	roles, err2 := one(s.set.Header.Roles)
	departments, err3 := one(s.set.Header.Departments)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Principal{}, false, err
	}
	if account == "" {
		return Principal{}, false, nil
	}
	v := vouched{issuer: "header", subject: account, account: account}
	if s.set.Header.Roles != "" {
		v.roles = list(roles)
	}
	if s.set.Header.Departments != "" {
		v.departments = list(departments)
	}
	a, err := s.accept(v, false)
	if err != nil {
		return Principal{}, false, s.tell(Event{Who: clip(account), Via: ViaHeader, What: "header.accept", Detail: err.Error()}, ErrSignIn)
	}
	return a.principal(ViaHeader, ""), true, nil
}

// list cuts words at commas; it is never nil.
func list(s string) []string {
	out := []string{}
	for _, w := range strings.Split(s, ",") {
		if w = strings.TrimSpace(w); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
