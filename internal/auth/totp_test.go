package auth

import (
	"encoding/base32"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// RFC 6238, appendix B, SHA-1.
func TestCodesOfTheRFC(t *testing.T) {
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := hotp([]byte("12345678901234567890"), step(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d the code is %s, want %s", at, got, want)
		}
	}
}

func TestSigningInWithCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := DefaultSettings()
		settings.TOTPRequired = []Role{CloudAdmin}
		s, d := fresh(t, settings)
		time.Sleep(10 * time.Second)
		_, p := signIn(t, s, "wang")
		if p.Due != DueCodes || Allowed(p, Permission{Inventory, Read}, "") == nil {
			t.Fatalf("codes are required and %q is due", p.Due)
		}
		if _, err := s.BeginCodes(p, "super"); err == nil {
			t.Error("codes for another's account")
		}
		shown, err := s.BeginCodes(p, "wang")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(shown.URI)
		if err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != shown.Secret {
			t.Errorf("URI %s, %v", shown.URI, err)
		}
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(shown.Secret)
		if err != nil || len(secret) != 20 {
			t.Fatalf("secret of %d bytes, %v", len(secret), err)
		}
		code := func(shift time.Duration) string { return hotp(secret, step(time.Now().Add(shift)), codeDigits) }
		signIn(t, s, "wang") // not yet in effect
		if _, err := s.ConfirmCodes(p, "wang", "000000"); err == nil {
			t.Error("confirmed by a wrong code")
		}
		recovery, err := s.ConfirmCodes(p, "wang", code(0))
		if err != nil || len(recovery) != 10 {
			t.Fatalf("recovery codes %v, %v", recovery, err)
		}
		if _, err := s.BeginCodes(p, "wang"); err == nil {
			t.Error("codes in use are replaced without a word")
		}
		with := func(code string) error {
			_, _, err := s.SignIn(Login{Name: "wang", Password: good, Code: code})
			return err
		}
		if err := with(""); !errors.Is(err, ErrCodeWanted) {
			t.Errorf("no code: %v", err)
		}
		if err := with(code(0)); !plainly(err) || d.last(t).Detail != "wrong one-time code" {
			t.Errorf("the code that confirmed counts again: %v, %+v", err, d.last(t))
		}
		time.Sleep(30 * time.Second)
		if err := with(code(time.Minute)); !plainly(err) {
			t.Errorf("a code two periods ahead: %v", err)
		}
		if err := with(code(30 * time.Second)); err != nil {
			t.Errorf("a clock one period ahead: %v", err)
		}
		if err := with(code(0)); !plainly(err) {
			t.Errorf("a code before the last: %v", err)
		}
		if err := with(recovery[3]); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		if err := with(recovery[3]); !plainly(err) {
			t.Errorf("a recovery code twice: %v", err)
		}
		// The password alone does not allow to guess codes for ever.
		if err := s.Unlock(operator, "wang"); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := with(""); !errors.Is(err, ErrCodeWanted) {
				t.Fatal(err)
			}
			if err := with("123456"); !plainly(err) {
				t.Fatal(err)
			}
		}
		var locked *LockedError
		if err := with(recovery[4]); !errors.As(err, &locked) {
			t.Errorf("after five wrong codes: %v", err)
		}
		if err := s.RemoveCodes(operator, "wang"); err != nil {
			t.Fatal(err)
		}
		if err := s.Unlock(operator, "wang"); err != nil {
			t.Fatal(err)
		}
		signIn(t, s, "wang")
	})
}
