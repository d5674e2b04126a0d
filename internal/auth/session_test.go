package auth

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yunjian/internal/store"
)

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fresh(t, DefaultSettings())
		idle, _ := signIn(t, s, "wang")
		time.Sleep(30*time.Minute - time.Second)
		busy, _ := signIn(t, s, "wang")
		if _, err := s.BySession(idle); err != nil {
			t.Errorf("idle for less than half an hour: %v", err)
		}
		time.Sleep(30 * time.Minute)
		if _, err := s.BySession(idle); !errors.Is(err, ErrSignIn) {
			t.Errorf("idle for half an hour: %v", err)
		}
		if _, err := s.BySession(busy); !errors.Is(err, ErrSignIn) {
			t.Errorf("idle for half an hour from the start: %v", err)
		}
		busy, _ = signIn(t, s, "wang")
		for range 12*3 - 1 {
			time.Sleep(20 * time.Minute)
			if _, err := s.BySession(busy); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Minute)
		if _, err := s.BySession(busy); !errors.Is(err, ErrSignIn) {
			t.Errorf("after twelve hours of work: %v", err)
		}
		if _, err := s.BySession(""); !errors.Is(err, ErrSignIn) {
			t.Error("the empty token")
		}
	})
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	s, d := fresh(t, DefaultSettings())
	a, p := signIn(t, s, "wang")
	b, _ := signIn(t, s, "wang")
	_, other := signIn(t, s, "super")
	_, sec := signIn(t, s, "sec")
	list, err := s.Sessions(p, "wang")
	if err != nil || len(list) != 2 || list[0].Address != "10.0.0.1" {
		t.Fatalf("%v, %v", list, err)
	}
	if err := s.state.ViewIdentities(func(i store.Identities) error {
		return store.EachIdentity(i, store.Sessions, func(key string, _ Session) error {
			if strings.Contains(key, a) || strings.Contains(key, b) {
				t.Error("a session's token is in the file")
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sessions(other, "wang"); err == nil {
		t.Error("another lists them")
	}
	if err := s.EndSession(other, list[0].ID); err == nil || d.last(t).Outcome != Refused {
		t.Errorf("another ends one: %v", err)
	}
	if err := s.EndSession(sec, list[0].ID); err != nil {
		t.Errorf("the secadmin: %v", err)
	}
	if err := s.EndSession(sec, list[0].ID); err == nil {
		t.Error("one that is gone")
	}
	if err := s.EndSession(p, list[1].ID); err != nil {
		t.Errorf("one's own: %v", err)
	}
	for _, token := range []string{a, b} {
		if _, err := s.BySession(token); !errors.Is(err, ErrSignIn) {
			t.Errorf("a session that was ended: %v", err)
		}
	}
	c, p := signIn(t, s, "wang")
	if err := s.SignOut(p, c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BySession(c); !errors.Is(err, ErrSignIn) {
		t.Error("signed out and still in")
	}
}

func TestAPITokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := fresh(t, DefaultSettings())
		_, zhang := signIn(t, s, "zhang")
		_, wang := signIn(t, s, "wang")
		read := []Permission{{Notices, Read}}
		soon := time.Now().Add(24 * time.Hour)
		for name, c := range map[string]struct {
			by Principal
			n  NewToken
		}{
			"for another":              {wang, NewToken{"t", "zhang", read, nil, soon}},
			"a scope beyond the owner": {zhang, NewToken{"t", "zhang", []Permission{{Notices, Approve}}, nil, soon}},
			"another's department":     {zhang, NewToken{"t", "zhang", read, []string{"民政局"}, soon}},
			"no scope":                 {zhang, NewToken{"t", "zhang", nil, nil, soon}},
			"no name":                  {zhang, NewToken{" ", "zhang", read, nil, soon}},
			"no expiry":                {zhang, NewToken{"t", "zhang", read, nil, time.Time{}}},
			"more than a year":         {zhang, NewToken{"t", "zhang", read, nil, time.Now().Add(MaxTokenAge + time.Second)}},
			"at the console, nobody's": {operator, NewToken{"t", "nobody", read, nil, soon}},
		} {
			if text, _, err := s.AddToken(c.by, c.n); err == nil || d.last(t).Outcome == Done {
				t.Errorf("%s: %q", name, text)
			}
		}
		text, token, err := s.AddToken(wang, NewToken{"nightly", "wang", []Permission{{Notices, Read}, {Inventory, Create}}, []string{"财政局"}, soon})
		if err != nil || !strings.HasPrefix(text, token.Prefix()+"_") {
			t.Fatal(text, err)
		}
		if e := d.last(t); e.What != "token.add" || strings.Contains(e.Detail+e.Object, text) {
			t.Errorf("on record: %+v", e)
		}
		p, err := s.ByToken(text, "10.0.0.7")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			p          Permission
			department string
			want       bool
		}{
			{Permission{Notices, Read}, "财政局", true},
			{Permission{Notices, Read}, "民政局", false},
			{Permission{Notices, Read}, "", false},
			{Permission{Notices, Create}, "财政局", false},
		} {
			if err := Allowed(p, c.p, c.department); (err == nil) != c.want {
				t.Errorf("%s for %q: %v", c.p, c.department, err)
			}
		}
		if _, _, err := s.AddToken(p, NewToken{"child", "wang", read, nil, soon}); err == nil {
			t.Error("a token makes a token")
		}
		if err := s.ChangePassword(p, good, "Mountain-8-river"); err == nil {
			t.Error("a token changes the password")
		}
		list, err := s.Tokens(wang, "wang")
		if err != nil || len(list) != 1 || list[0].Hash != "" || list[0].LastAddress != "10.0.0.7" || !list[0].LastUsed.Equal(time.Now()) {
			t.Errorf("listed: %+v, %v", list, err)
		}
		if _, err := s.Tokens(zhang, "wang"); err == nil {
			t.Error("another lists them")
		}
		other := text[:len(text)-1] + "A"
		if other == text {
			other = text[:len(text)-1] + "E"
		}
		for name, bad := range map[string]string{"changed": other, "cut": text[:20], "empty": "", "of nobody": "yjt_000000000000_" + text[17:]} {
			if _, err := s.ByToken(bad, ""); !errors.Is(err, ErrSignIn) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.SetRoles(operator, "wang", []Role{Viewer}, nil); err != nil {
			t.Fatal(err)
		}
		if p, err := s.ByToken(text, ""); err != nil || Allowed(p, Permission{Notices, Read}, "财政局") == nil {
			t.Error("a token keeps what its owner lost")
		}
		if err := s.RevokeToken(zhang, token.ID); err == nil {
			t.Error("another revokes it")
		}
		if err := s.RevokeToken(wang, token.Prefix()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ByToken(text, ""); !errors.Is(err, ErrSignIn) {
			t.Errorf("revoked: %v", err)
		}
		text, _, err = s.AddToken(operator, NewToken{"t", "super", read, nil, soon})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second)
		if _, err := s.ByToken(text, ""); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := s.ByToken(text, ""); !errors.Is(err, ErrSignIn) {
			t.Errorf("at its end: %v", err)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("yjt_0123456789ab_" + strings.Repeat("A", 43))
	f.Add("yjt__")
	f.Fuzz(func(t *testing.T, s string) {
		id, secret, ok := parseToken(s)
		if ok && (tokenPrefix+id+"_"+secret != s || len(id) != 12 || len(secret) != 43) {
			t.Errorf("%q reads as %q, %q", s, id, secret)
		}
	})
}
