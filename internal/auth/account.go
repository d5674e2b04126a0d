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

// Account is somebody who may sign in.
type Account struct {
	Name        string    `json:"name"`
	Title       string    `json:"title,omitempty"` // for people: a name, an office
	Roles       []Role    `json:"roles,omitempty"`
	Departments []string  `json:"departments,omitempty"` // that it is bound to; empty: all, and none for role dept
	Password    string    `json:"password,omitempty"`    // hash; empty: signs in elsewhere
	PasswordAt  time.Time `json:"password_at,omitzero"`
	MustChange  bool      `json:"must_change,omitempty"` // another one set the password
	Disabled    bool      `json:"disabled,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`  // zero: never
	Subject     string    `json:"subject,omitempty"` // of the provider or gateway that vouches: issuer|subject
	Codes       *codes    `json:"codes,omitempty"`
	Created     time.Time `json:"created"`
	LastSignIn  time.Time `json:"last_sign_in,omitzero"`
}

// HasCodes reports whether signing in takes a one-time code.
func (a Account) HasCodes() bool { return a.Codes != nil && !a.Codes.Pending }

// usable reports whether the account may be used at an instant.
func (a Account) usable(now time.Time) bool {
	return !a.Disabled && (a.Expires.IsZero() || now.Before(a.Expires))
}

// principal is what the account may do, as recognized.
func (a Account) principal(via Via, credential string) Principal {
	p := Principal{Name: a.Name, Via: via, Roles: a.Roles, Credential: credential}
	if len(a.Departments) > 0 || slices.Contains(a.Roles, Dept) {
		p.Departments = Departments{Names: a.Departments}
	} else {
		p.Departments = Everywhere()
	}
	return p
}

// due is what the account must do before anything else.
func (s *Service) due(a Account, now time.Time) Due {
	switch {
	case a.Password == "": // the affair of whoever vouches for it
		return DueNothing
	case a.MustChange || s.set.Password.due(a.PasswordAt, now):
		return DuePassword
	case !a.HasCodes() && slices.ContainsFunc(a.Roles, func(r Role) bool { return slices.Contains(s.set.TOTPRequired, r) }):
		return DueCodes
	}
	return DueNothing
}

// Errors that reach a person.
var (
	ErrNoAccount = errors.New("no such account")
	ErrExists    = errors.New("an account of that name exists")
	ErrSetUp     = errors.New("accounts exist: set-up is for an installation without any; use `yunjian account add`")
)

var accountName = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}][\p{Ll}\p{Lo}\p{N}._@-]{0,63}$`)

// reserved are the names by which the journal calls who is no account.
var reserved = []string{"system", "setup", "token", "header", "oidc", "guest", "anonymous"}

// CheckName is an error where an account may not have this name.
func CheckName(name string) error {
	if slices.Contains(reserved, name) {
		return fmt.Errorf("account name %q: the journal calls something else so, want another", name)
	}
	if !accountName.MatchString(name) {
		return fmt.Errorf("account name %q: want lower-case letters, digits and . _ @ - after a letter or digit, at most 64", clip(name))
	}
	return nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "…"
	}
	return s
}

// NewAccount is what an account is made from.
type NewAccount struct {
	Name, Title string
	Roles       []Role
	Departments []string
	Password    string    // empty: signs in through a provider or gateway only
	Expires     time.Time // zero: never
}

func (s *Service) make(n NewAccount, now time.Time) (Account, error) {
	if err := errors.Join(CheckName(n.Name), CheckRoles(n.Roles, s.set.Officers), checkDepartments(n.Roles, n.Departments)); err != nil {
		return Account{}, err
	}
	a := Account{Name: n.Name, Title: strings.TrimSpace(n.Title), Roles: n.Roles, Departments: n.Departments, Expires: n.Expires, Created: now}
	if n.Password == "" {
		return a, nil
	}
	if err := s.set.Password.Check(n.Password, n.Name); err != nil {
		return Account{}, err
	}
	a.Password, a.PasswordAt, a.MustChange = s.hash(n.Password), now, true
	return a, nil
}

// SetUp makes the first accounts of an installation: between them they hold
// sysadmin, secadmin and auditor. It works once.
func (s *Service) SetUp(p Principal, first []NewAccount) error {
	return s.tell(by(p, "account.setup", names(first)), s.setUp(first, nil))
}

func (s *Service) setUp(first []NewAccount, spend func(store.Identities) error) error {
	now := time.Now()
	var accounts []Account
	var held []Role
	for _, n := range first {
		a, err := s.make(n, now)
		if err != nil {
			return err
		}
		if a.Password == "" {
			return fmt.Errorf("account %s has no password: the first accounts need one", a.Name)
		}
		if slices.ContainsFunc(accounts, func(b Account) bool { return b.Name == a.Name }) {
			return fmt.Errorf("account %s is given twice: give its roles together", a.Name)
		}
		a.MustChange = false // chosen by its holder
		accounts, held = append(accounts, a), append(held, a.Roles...)
	}
	for _, r := range []Role{SysAdmin, SecAdmin, Auditor} {
		if !slices.Contains(held, r) {
			return fmt.Errorf("nobody would be %s: the first accounts hold sysadmin, secadmin and auditor between them", r)
		}
	}
	return s.state.UpdateIdentities(func(i store.Identities) error {
		if !i.Empty(store.Accounts) {
			return ErrSetUp
		}
		if spend != nil {
			if err := spend(i); err != nil {
				return err
			}
		}
		for _, a := range accounts {
			if err := i.Put(store.Accounts, a.Name, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func names(accounts []NewAccount) string {
	var out []string
	for _, a := range accounts {
		out = append(out, clip(a.Name))
	}
	return strings.Join(out, " ")
}

// Empty reports whether there are no accounts yet, and set-up is due.
func (s *Service) Empty() (empty bool, err error) {
	err = s.state.ViewIdentities(func(i store.Identities) error {
		empty = i.Empty(store.Accounts)
		return nil
	})
	return empty, err
}

// setupKey is where the set-up token's hash is kept.
const setupKey = "setup"

type setupToken struct {
	Hash    string    `json:"hash"`
	Expires time.Time `json:"expires"`
}

// NewSetupToken returns a token by which the first accounts can be made within a
// day, or "" where accounts exist. It replaces the one before.
func (s *Service) NewSetupToken() (token string, err error) {
	err = s.state.UpdateIdentities(func(i store.Identities) error {
		if !i.Empty(store.Accounts) {
			return nil
		}
		token = newOpaque()
		return i.Put(store.IdentityKeys, setupKey, setupToken{digest(token), time.Now().Add(24 * time.Hour)})
	})
	if err != nil {
		return "", fmt.Errorf("make a set-up token: %w", err)
	}
	return token, nil
}

// SetUpByToken is SetUp for whoever was shown the set-up token.
func (s *Service) SetUpByToken(token string, address string, first []NewAccount) error {
	err := s.setUp(first, func(i store.Identities) error {
		var kept setupToken
		found, err := i.Get(store.IdentityKeys, setupKey, &kept)
		if err != nil {
			return err
		}
		if !found || !same(kept.Hash, digest(token)) || !time.Now().Before(kept.Expires) {
			return ErrSignIn
		}
		return i.Delete(store.IdentityKeys, setupKey)
	})
	return s.tell(Event{Who: "setup", Address: address, What: "account.setup", Object: names(first)}, err)
}

// Add makes an account; to give it roles as well takes the permission for that.
// Its holder sets a new password at the first sign-in.
func (s *Service) Add(p Principal, n NewAccount) error {
	return s.tell(by(p, "account.add", clip(n.Name)), func() error {
		err := Allowed(p, Permission{AccountsFn, Create}, "")
		if err == nil && len(n.Roles)+len(n.Departments) > 0 {
			err = Allowed(p, Permission{RolesFn, Approve}, "")
		}
		if err != nil {
			return err
		}
		a, err := s.make(n, time.Now())
		if err != nil {
			return err
		}
		return s.state.UpdateIdentities(func(i store.Identities) error {
			if found, err := i.Get(store.Accounts, n.Name, &Account{}); err != nil || found {
				return errors.Join(err, exists(found))
			}
			return i.Put(store.Accounts, n.Name, a)
		})
	}())
}

func exists(found bool) error {
	if found {
		return ErrExists
	}
	return nil
}

// Accounts returns all accounts by name, without what is secret.
func (s *Service) Accounts(p Principal) (out []Account, err error) {
	if Allowed(p, Permission{AccountsFn, Read}, "") != nil {
		if err := Allowed(p, Permission{RolesFn, Read}, ""); err != nil {
			return nil, s.tell(by(p, "account.list", ""), err)
		}
	}
	err = s.state.ViewIdentities(func(i store.Identities) error {
		return store.EachIdentity(i, store.Accounts, func(_ string, a Account) error {
			if a.Password != "" {
				a.Password = "set"
			}
			if a.Codes != nil {
				a.Codes = &codes{Pending: a.Codes.Pending}
			}
			out = append(out, a)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return out, nil
}

// change alters an account that exists, and ends its sessions where end says so.
func (s *Service) change(name string, end bool, alter func(i store.Identities, a *Account) error) error {
	return s.state.UpdateIdentities(func(i store.Identities) error {
		var a Account
		found, err := i.Get(store.Accounts, name, &a)
		if err != nil || !found {
			return errors.Join(err, fmt.Errorf("%w: %s", ErrNoAccount, clip(name)))
		}
		if err := alter(i, &a); err != nil {
			return err
		}
		if end {
			if err := sweep(i, store.Sessions, func(x Session) bool { return x.Account == name }); err != nil {
				return err
			}
		}
		return i.Put(store.Accounts, name, a)
	})
}

// overOther is an error where p may not decide over the account: it takes the
// secadmin's permission, and nobody decides over himself.
func overOther(p Principal, name string) error {
	if err := Allowed(p, Permission{RolesFn, Approve}, ""); err != nil {
		return err
	}
	if p.Name == name {
		return &Refusal{Name: p.Name, Permission: Permission{RolesFn, Approve}, Reason: OwnAccount}
	}
	return nil
}

// SetRoles gives an account these roles and departments in place of those it has.
func (s *Service) SetRoles(p Principal, name string, roles []Role, departments []string) error {
	e := by(p, "account.roles", clip(name))
	err := errors.Join(overOther(p, name), CheckRoles(roles, s.set.Officers), checkDepartments(roles, departments))
	if err == nil {
		err = s.change(name, false, func(_ store.Identities, a *Account) error {
			e.Detail = fmt.Sprintf("%s (%s) → %s (%s)", join(a.Roles), join(a.Departments), join(roles), join(departments))
			a.Roles, a.Departments = roles, departments
			return nil
		})
	}
	return s.tell(e, err)
}

// Disable ends the use of an account, with its sessions and tokens; Enable allows
// it again.
func (s *Service) Disable(p Principal, name string) error {
	err := overOther(p, name)
	if err == nil {
		err = s.change(name, true, func(_ store.Identities, a *Account) error {
			a.Disabled = true
			return nil
		})
	}
	return s.tell(by(p, "account.disable", clip(name)), err)
}

// Enable allows the use of an account again.
func (s *Service) Enable(p Principal, name string) error {
	err := overOther(p, name)
	if err == nil {
		err = s.change(name, false, func(_ store.Identities, a *Account) error {
			a.Disabled = false
			return nil
		})
	}
	return s.tell(by(p, "account.enable", clip(name)), err)
}

// ResetPassword gives an account a password that its holder must change at the
// next sign-in, and ends its sessions.
func (s *Service) ResetPassword(p Principal, name, password string) error {
	err := errors.Join(overOther(p, name), s.set.Password.Check(password, name))
	if err == nil {
		hash, now := s.hash(password), time.Now()
		err = s.change(name, true, func(i store.Identities, a *Account) error {
			a.Password, a.PasswordAt, a.MustChange = hash, now, true
			return i.Delete(store.Failures, accountFailures(name))
		})
	}
	return s.tell(by(p, "account.passwd", clip(name)), err)
}

// ChangePassword sets the principal's own password, which takes the old one, and
// ends its sessions.
func (s *Service) ChangePassword(p Principal, old, password string) error {
	return s.tell(by(p, "account.passwd", p.Name), func() error {
		if p.Via != ViaSession {
			return &Refusal{Name: p.Name, Permission: Permission{AccountsFn, Execute}, Reason: NotInSession}
		}
		if err := s.set.Password.Check(password, p.Name); err != nil {
			return err
		}
		if old == password {
			return errors.New("the new password is the old one: want another")
		}
		if err := s.attempt(p.Name, ""); err != nil { // a stolen session must not guess for ever
			return err
		}
		a, err := s.account(p.Name)
		if err != nil {
			return err
		}
		if ok, _ := s.verify(a.Password, old); !ok {
			return ErrSignIn
		}
		hash, now := s.hash(password), time.Now()
		return s.change(p.Name, true, func(i store.Identities, b *Account) error {
			if b.Password != a.Password { // changed meanwhile
				return ErrSignIn
			}
			b.Password, b.PasswordAt, b.MustChange = hash, now, false
			return i.Delete(store.Failures, accountFailures(p.Name))
		})
	}())
}

// Unlock forgets the failures that locked an account.
func (s *Service) Unlock(p Principal, name string) error {
	err := overOther(p, name)
	if err == nil {
		err = s.change(name, false, func(i store.Identities, _ *Account) error {
			return i.Delete(store.Failures, accountFailures(name))
		})
	}
	return s.tell(by(p, "account.unlock", clip(name)), err)
}

func (s *Service) account(name string) (a Account, err error) {
	err = s.state.ViewIdentities(func(i store.Identities) error {
		_, err := i.Get(store.Accounts, name, &a)
		return err
	})
	return a, err
}
