package auth

import (
	"errors"
	"time"

	"yunjian/internal/store"
)

// Codes is what an authenticator app is set up with. It is shown once.
type Codes struct {
	Secret string // base32
	URI    string // otpauth://…, for a QR code
}

// BeginCodes makes a secret of one-time codes for an account, without effect until
// ConfirmCodes. It takes a session of one's own, or the console.
func (s *Service) BeginCodes(p Principal, account string) (out Codes, err error) {
	err = s.ownCodes(p, account)
	if err == nil {
		err = s.change(account, false, func(_ store.Identities, a *Account) error {
			if a.HasCodes() {
				return errors.New("the account has one-time codes: take them away first")
			}
			a.Codes = &codes{Secret: newSecret(), Pending: true}
			out = Codes{Secret: a.Codes.text(), URI: a.Codes.uri(a.Name)}
			return nil
		})
	}
	return out, s.tell(by(p, "account.totp.begin", clip(account)), err)
}

// ConfirmCodes takes one-time codes into use once the app shows a right one, and
// returns the recovery codes, which are shown this once.
func (s *Service) ConfirmCodes(p Principal, account, code string) (recovery []string, err error) {
	err = s.ownCodes(p, account)
	if err == nil {
		err = s.attempt(account, "")
	}
	if err == nil {
		err = s.change(account, false, func(i store.Identities, a *Account) error {
			if a.Codes == nil || !a.Codes.Pending {
				return errors.New("no one-time codes wait to be confirmed: begin first")
			}
			if !a.Codes.accept(code, time.Now()) {
				return errors.New("the code is not the present one: check the clocks, and try again")
			}
			a.Codes.Pending = false
			recovery, a.Codes.Recovery = newRecovery()
			return i.Delete(store.Failures, accountFailures(account))
		})
	}
	return recovery, s.tell(by(p, "account.totp.confirm", clip(account)), err)
}

// RemoveCodes takes one-time codes away from another's account, whose device is
// lost, and ends its sessions. It takes the permission roles:approve.
func (s *Service) RemoveCodes(p Principal, account string) error {
	err := overOther(p, account)
	if err == nil {
		err = s.change(account, true, func(_ store.Identities, a *Account) error {
			a.Codes = nil
			return nil
		})
	}
	return s.tell(by(p, "account.totp.remove", clip(account)), err)
}

func (s *Service) ownCodes(p Principal, account string) error {
	if p.Via == ViaConsole || p.Via == ViaSession && p.Name == account && p.Due != DuePassword {
		return nil
	}
	return &Refusal{Name: p.Name, Permission: Permission{RolesFn, Approve}, Reason: NotInSession}
}
