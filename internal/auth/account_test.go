package auth

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yunjian/internal/store"
)

func TestSetUpWorksOnce(t *testing.T) {
	s, d := fresh(t, DefaultSettings())
	three := []NewAccount{{Name: "root1", Roles: []Role{SysAdmin, SecAdmin}, Password: good}, {Name: "root2", Roles: []Role{Auditor}, Password: good}}
	if err := s.SetUp(operator, three); !errors.Is(err, ErrSetUp) || d.last(t).Outcome != Failed {
		t.Errorf("a second set-up: %v, %+v", err, d.last(t))
	}
	if token, err := s.NewSetupToken(); token != "" || err != nil {
		t.Errorf("a set-up token where accounts exist: %q, %v", token, err)
	}
	if err := s.state.UpdateIdentities(func(i store.Identities) error {
		return sweep(i, store.Accounts, func(Account) bool { return true })
	}); err != nil {
		t.Fatal(err)
	}
	first, _ := s.NewSetupToken()
	token, err := s.NewSetupToken()
	if err != nil || first == token {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token string
		first []NewAccount
	}{
		"no token":           {"", three},
		"a token replaced":   {first, three},
		"nobody is auditor":  {token, three[:1]},
		"no password":        {token, []NewAccount{three[0], {Name: "x", Roles: []Role{Auditor}}}},
		"a weak password":    {token, []NewAccount{three[0], {Name: "x", Roles: []Role{Auditor}, Password: "Admin@2024"}}},
		"all three in one":   {token, []NewAccount{{Name: "x", Roles: []Role{SysAdmin, SecAdmin, Auditor}, Password: good}}},
		"one account twice":  {token, []NewAccount{three[0], three[0], three[1]}},
		"a name that is not": {token, []NewAccount{{Name: "os:root", Roles: []Role{SysAdmin, SecAdmin}, Password: good}, three[1]}},
	} {
		if err := s.SetUpByToken(c.token, "127.0.0.1", c.first); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := s.SetUpByToken(token, "127.0.0.1", three); err != nil {
		t.Fatal(err)
	}
	if err := s.SetUpByToken(token, "127.0.0.1", three); err == nil {
		t.Error("a set-up token counts twice")
	}
}

// The permissions of the officers over accounts, and that each outcome is on record.
func TestWhoDecidesOverAccounts(t *testing.T) {
	s, d := fresh(t, DefaultSettings())
	as := map[string]Principal{}
	for _, name := range []string{"sys", "sec", "aud", "wang", "zhang"} {
		_, as[name] = signIn(t, s, name)
	}
	for _, c := range []struct {
		what    string
		allowed string // who may, of those above
		do      func(Principal) error
	}{
		{"account.add", "sys", func(p Principal) error { return s.Add(p, NewAccount{Name: "by-" + p.Name, Password: good}) }},
		{"account.add", "", func(p Principal) error {
			return s.Add(p, NewAccount{Name: "r-" + p.Name, Roles: []Role{Viewer}, Password: good})
		}},
		{"account.roles", "sec", func(p Principal) error { return s.SetRoles(p, "outside", []Role{Viewer}, nil) }},
		{"account.roles", "", func(p Principal) error { return s.SetRoles(p, "sec", []Role{SysAdmin}, nil) }},
		{"account.disable", "sec", func(p Principal) error { return s.Disable(p, "outside") }},
		{"account.enable", "sec", func(p Principal) error { return s.Enable(p, "outside") }},
		{"account.passwd", "sec", func(p Principal) error { return s.ResetPassword(p, "super", good) }},
		{"account.unlock", "sec", func(p Principal) error { return s.Unlock(p, "super") }},
		{"account.totp.remove", "sec", func(p Principal) error { return s.RemoveCodes(p, "super") }},
	} {
		for name, p := range as {
			err := c.do(p)
			e := d.last(t)
			want := Done
			if name != c.allowed {
				want = Refused
			}
			if e.What != c.what || e.Who != name || e.Outcome != want || (err == nil) != (want == Done) {
				t.Errorf("%s by %s: %v; on record %+v, want %s", c.what, name, err, e, want)
			}
		}
	}
	if _, err := s.Accounts(as["wang"]); err == nil {
		t.Error("a cloudadmin lists accounts")
	}
	all, err := s.Accounts(as["sec"])
	if err != nil || len(all) < 7 || slices.ContainsFunc(all, func(a Account) bool { return strings.Contains(a.Password, "$") }) {
		t.Errorf("accounts are %v, %v", all, err)
	}
	for name, roles := range map[string][]Role{"unknown": {"boss"}, "all officers": {SysAdmin, SecAdmin, Auditor}, "dept of none": {Dept}} {
		if err := s.SetRoles(as["sec"], "wang", roles, nil); err == nil {
			t.Errorf("roles %s accepted", name)
		}
	}
	if err := s.SetRoles(as["sec"], "wang", []Role{Auditor}, []string{"财政局"}); err == nil {
		t.Error("an auditor of one department")
	}
	if err := s.SetRoles(as["sec"], "nobody", []Role{Viewer}, nil); !errors.Is(err, ErrNoAccount) {
		t.Errorf("roles of nobody: %v", err)
	}
}

func TestRolesCountAtOnce(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	token, p := signIn(t, s, "wang")
	if err := Allowed(p, Permission{Notices, Create}, "财政局"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetRoles(operator, "wang", []Role{Viewer}, []string{"民政局"}); err != nil {
		t.Fatal(err)
	}
	p, err := s.BySession(token)
	if err != nil || Allowed(p, Permission{Notices, Create}, "财政局") == nil || Allowed(p, Permission{Inventory, Read}, "民政局") != nil {
		t.Errorf("roles taken away count on: %+v, %v", p, err)
	}
	if err := s.Disable(operator, "wang"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BySession(token); !plainly(err) {
		t.Errorf("the session of a disabled account: %v", err)
	}
	if err := s.Enable(operator, "wang"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BySession(token); !plainly(err) {
		t.Errorf("enabling brought back a session: %v", err)
	}
}

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := fresh(t, DefaultSettings())
		try := func(name, password, address string) error {
			_, _, err := s.SignIn(Login{Name: name, Password: password, Address: address})
			return err
		}
		// One that exists and one that does not are answered alike, all the way.
		for _, name := range []string{"wang", "nobody"} {
			for range 5 {
				if err := try(name, "wrong", "10.0.0.9"); !plainly(err) {
					t.Fatalf("%s: %v", name, err)
				}
			}
			for range 3 { // waiting attempts do not lengthen the lock
				var locked *LockedError
				if err := try(name, good, "10.0.0.9"); !errors.As(err, &locked) || time.Until(locked.Until) != 10*time.Minute {
					t.Fatalf("%s after five failures: %v", name, err)
				}
			}
			if e := d.last(t); e.Who != name || e.Outcome != Refused || e.Address != "10.0.0.9" {
				t.Errorf("on record: %+v", e)
			}
		}
		time.Sleep(10*time.Minute - time.Second)
		if err := try("wang", good, ""); err == nil {
			t.Error("unlocked a second early")
		}
		time.Sleep(time.Second)
		for range 5 {
			_ = try("wang", "wrong", "10.0.0.8")
		}
		time.Sleep(20*time.Minute - time.Second)
		if err := try("wang", good, ""); err == nil {
			t.Error("the second lock is not 20 minutes")
		}
		time.Sleep(time.Second)
		if err := try("wang", good, ""); err != nil {
			t.Errorf("after the lock: %v", err)
		}
		for range 4 { // a success forgets: four more are not too many
			_ = try("wang", "wrong", "10.0.0.8")
		}
		if err := try("wang", good, "10.0.0.8"); err != nil {
			t.Errorf("the fifth, right: %v", err)
		}
		for range 5 {
			_ = try("wang", "wrong", "")
		}
		if err := s.Unlock(operator, "wang"); err != nil {
			t.Fatal(err)
		}
		if err := try("wang", good, ""); err != nil {
			t.Errorf("after unlock: %v", err)
		}
		if err := s.Tend(time.Now().Add(24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.state.ViewIdentities(func(i store.Identities) error {
			if !i.Empty(store.Failures) || !i.Empty(store.Sessions) {
				t.Error("what has run out is still there")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// An address that guesses at many names is locked; signing in rightly from one
// that many people share is not counted.
func TestLockoutOfAddresses(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	for range 30 {
		signIn(t, s, "wang")
	}
	for i := range 20 {
		_, _, err := s.SignIn(Login{Name: "user" + string(rune('a'+i)), Password: "x", Address: "2001:db8::" + string(rune('a'+i%6))})
		if !plainly(err) {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	var locked *LockedError
	if _, _, err := s.SignIn(Login{Name: "wang", Password: good, Address: "2001:db8::ffff"}); !errors.As(err, &locked) {
		t.Errorf("the network is not locked: %v", err)
	}
	signIn(t, s, "wang") // from elsewhere
}

// However many try at once, no more than the allowed are judged.
func TestGuessesAtOnce(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	results := make(chan error)
	for range 40 {
		go func() {
			_, _, err := s.SignIn(Login{Name: "wang", Password: "wrong"})
			results <- err
		}()
	}
	judged := 0
	for range 40 {
		if plainly(<-results) {
			judged++
		}
	}
	if judged != 5 {
		t.Errorf("%d guesses were judged, want 5", judged)
	}
}

func TestPasswordsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fresh(t, DefaultSettings())
		time.Sleep(90*24*time.Hour - time.Minute)
		if _, p := signIn(t, s, "wang"); p.Due != DueNothing {
			t.Errorf("due a minute early: %s", p.Due)
		}
		time.Sleep(time.Minute)
		_, p := signIn(t, s, "wang")
		if p.Due != DuePassword || Allowed(p, Permission{Inventory, Read}, "") == nil {
			t.Errorf("after 90 days %q is due", p.Due)
		}
		for name, c := range map[string]struct{ old, new string }{
			"wrong old": {"x", "Mountain-8-river"}, "the same again": {good, good}, "weak": {good, "Passw0rd!"}, "own name": {good, "Wang-2026-xyz"},
		} {
			if err := s.ChangePassword(p, c.old, c.new); err == nil {
				t.Errorf("%s: accepted", name)
			}
			if err := s.Unlock(operator, "wang"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.ChangePassword(p, good, "Mountain-8-river"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.SignIn(Login{Name: "wang", Password: good}); err == nil {
			t.Error("the old password still counts")
		}
		if err := s.ResetPassword(operator, "wang", good); err != nil {
			t.Fatal(err)
		}
		if _, p := signIn(t, s, "wang"); p.Due != DuePassword {
			t.Error("a password that another one set need not be changed")
		}
	})
}

func TestExpiredAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := fresh(t, DefaultSettings())
		if err := s.Add(operator, NewAccount{Name: "guest1", Roles: []Role{Viewer}, Password: good, Expires: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		token, _ := signIn(t, s, "guest1")
		time.Sleep(time.Minute)
		if _, err := s.BySession(token); !plainly(err) {
			t.Errorf("a session outlives its account: %v", err)
		}
		if _, _, err := s.SignIn(Login{Name: "guest1", Password: good}); !plainly(err) || d.last(t).Detail != "the account has expired" {
			t.Errorf("%v, %+v", err, d.last(t))
		}
	})
}

func TestPasswordRules(t *testing.T) {
	rules := DefaultSettings().Password
	for _, c := range []struct {
		name, password string
		ok             bool
	}{
		{"good", good, true},
		{"eight characters", "Rt7-kwpz", true},
		{"seven", "Rt7-kwp", false},
		{"Chinese counts by character", "云鉴Ab1234山", true},
		{"two kinds", "mountainriver7", false},
		{"three kinds", "mountain-river7", true},
		{"admin with decoration", "Admin@123", false},
		{"signs for letters", "P@ssw0rd", false},
		{"signs for letters, decorated", "P@$$w0rd2024!", false},
		{"the product", "Yunjian#2026", false},
		{"keyboard", "1qaz2wsX", false},
		{"few characters", "Aa1Aa1Aa1", false},
		{"the account", "xX-zhang-1", false},
		{"too long", strings.Repeat("Ab1-xyzq", 33), false},
		{"a line end", "Rt7-kwpz\n", false},
		{"empty", "", false},
	} {
		if err := rules.Check(c.password, "zhang"); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestHashesAreMadeAnew(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	before, _ := s.account("wang")
	signIn(t, s, "wang")
	if same, _ := s.account("wang"); same.Password != before.Password {
		t.Error("a hash at the present cost was made anew")
	}
	s.cost = hashCost{memory: 128, passes: 1, threads: 1}
	signIn(t, s, "wang")
	after, _ := s.account("wang")
	if !strings.HasPrefix(after.Password, "$argon2id$v=19$m=128,t=1,p=1$") {
		t.Errorf("kept as %s", after.Password)
	}
	signIn(t, s, "wang")
}

// What cannot be put on record does not pass for done.
func TestUnrecordedIsAnError(t *testing.T) {
	s, _ := fresh(t, DefaultSettings())
	full := errors.New("disk full")
	s.record = func(Event) error { return full }
	if err := s.Unlock(operator, "wang"); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}
