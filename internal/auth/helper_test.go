package auth

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"yunjian/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary is a journal in memory.
type diary struct {
	mu     sync.Mutex
	events []Event
}

func (d *diary) record(e Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
	return nil
}

// last is the last event, which the test is about.
func (d *diary) last(t *testing.T) Event {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.events) == 0 {
		t.Fatal("nothing went on record")
	}
	return d.events[len(d.events)-1]
}

const good = "Mountain-7-river"

var operator = Operator("tester")

// fresh opens a service over a new file, cheap to hash, with the three officers set
// up: sys, sec and aud, and zhang of dept 财政局, wang who is cloudadmin; all with
// the password good.
func fresh(t *testing.T, settings Settings) (*Service, *diary) {
	t.Helper()
	state, err := store.Open(filepath.Join(t.TempDir(), "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Check(context.Background()); err != nil {
			t.Error(err)
		}
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &diary{}
	s := New(state, settings, d.record)
	s.cost = hashCost{memory: 64, passes: 1, threads: 1}
	s.nobody = hashPassword("nobody's", s.cost)
	if err := s.SetUp(operator, []NewAccount{
		{Name: "sys", Roles: []Role{SysAdmin}, Password: good},
		{Name: "sec", Roles: []Role{SecAdmin}, Password: good},
		{Name: "aud", Roles: []Role{Auditor}, Password: good},
	}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []NewAccount{
		{Name: "zhang", Roles: []Role{Dept}, Departments: []string{"财政局"}, Password: good},
		{Name: "wang", Roles: []Role{CloudAdmin}, Password: good},
		{Name: "super", Roles: []Role{Supervisor}, Password: good},
		{Name: "outside"},
	} {
		if err := s.Add(operator, n); err != nil {
			t.Fatal(err)
		}
		if err := s.change(n.Name, false, func(_ store.Identities, a *Account) error {
			a.MustChange = false
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return s, d
}

// signIn begins a session and returns its token and whom it recognizes.
func signIn(t *testing.T, s *Service, name string) (string, Principal) {
	t.Helper()
	token, _, err := s.SignIn(Login{Name: name, Password: good, Address: "10.0.0.1"})
	if err != nil {
		t.Fatalf("sign in %s: %v", name, err)
	}
	p, err := s.BySession(token)
	if err != nil {
		t.Fatal(err)
	}
	return token, p
}

// plainly reports whether a sign-in was looked at and refused: one that is locked out is
// refused without, and is an ErrSignIn as well.
func plainly(err error) bool {
	var locked *LockedError
	return errors.Is(err, ErrSignIn) && !errors.As(err, &locked)
}
