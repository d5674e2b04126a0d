package auth

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/internal/store"
)

func TestLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := fresh(t, DefaultSettings())
		_, issuer := signIn(t, s, "super")
		_, wang := signIn(t, s, "wang")
		soon := time.Now().Add(24 * time.Hour)
		if _, _, err := s.ByLink("x.y"); !errors.Is(err, ErrLink) {
			t.Errorf("before there is a key: %v", err)
		}
		if _, _, err := s.NewLink(wang, "n1", 1, "财政局", soon); err == nil || d.last(t).Outcome != Refused {
			t.Errorf("made by who may not issue: %v", err)
		}
		for name, at := range map[string]time.Time{"now": time.Now(), "after 90 days": time.Now().Add(MaxLinkAge + time.Second)} {
			if _, _, err := s.NewLink(issuer, "n1", 1, "财政局", at); err == nil {
				t.Errorf("expires %s: accepted", name)
			}
		}
		link, l, err := s.NewLink(issuer, "n1", 1, "财政局", soon)
		if err != nil || strings.Contains(d.last(t).Detail, link) {
			t.Fatal(err, d.last(t))
		}
		p, got, err := s.ByLink(link)
		if err != nil || !cmp.Equal(got, l) {
			t.Fatalf("%+v, want %+v; %v", got, l, err)
		}
		for _, c := range []struct {
			name               string
			p                  Permission
			department, notice string
			want               bool
		}{
			{"reads its notice", Permission{Notices, Read}, "财政局", "n1", true},
			{"answers it", Permission{Receipts, Create}, "财政局", "n1", true},
			{"not another's", Permission{Notices, Read}, "民政局", "n1", false},
			{"not another notice", Permission{Notices, Read}, "财政局", "n2", false},
			{"not the inventory", Permission{Inventory, Read}, "财政局", "n1", false},
		} {
			if err := AllowedNotice(p, c.p, c.department, c.notice); (err == nil) != c.want {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if _, _, err := s.AddToken(p, NewToken{"t", "zhang", linkScopes(), nil, soon}); err == nil {
			t.Error("a link makes a token")
		}
		// Nothing else in the place of any letter opens it.
		for i := range len(link) {
			for _, c := range "Ab-." {
				if bad := link[:i] + string(c) + link[i+1:]; bad != link {
					if _, _, err := s.ByLink(bad); !errors.Is(err, ErrLink) {
						t.Fatalf("letter %d changed: %v", i, err)
					}
				}
			}
		}
		spend := func(link string) error {
			return s.state.UpdateIdentities(func(i store.Identities) error {
				_, err := SpendLink(i, link, time.Now())
				return err
			})
		}
		if err := spend(link); err != nil {
			t.Fatal(err)
		}
		if err := spend(link); !errors.Is(err, ErrLink) {
			t.Errorf("used twice: %v", err)
		}
		v1, _, _ := s.NewLink(issuer, "n2", 1, "财政局", soon)
		v2, _, _ := s.NewLink(issuer, "n2", 2, "财政局", soon)
		if err := s.RevokeLinks(wang, "n2", 1); err == nil {
			t.Error("revoked by who may not issue")
		}
		if err := s.RevokeLinks(issuer, "n2", 1); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ByLink(v1); !errors.Is(err, ErrLink) {
			t.Errorf("revoked: %v", err)
		}
		time.Sleep(24*time.Hour - time.Second)
		if _, _, err := s.ByLink(v2); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		time.Sleep(time.Second)
		if _, _, err := s.ByLink(v2); !errors.Is(err, ErrLink) {
			t.Errorf("at its end: %v", err)
		}
	})
}

func FuzzLink(f *testing.F) {
	key := []byte("0123456789abcdef0123456789abcdef")
	good, err := signLink(key, linkPayload{"n1", 1, "财政局", 1795276800, "00"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good + ".")
	f.Add(".")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseLink(key, s)
		if err == nil && s != good {
			t.Errorf("%q opens %+v", s, p)
		}
		if err != nil && !errors.Is(err, ErrLink) {
			t.Errorf("%q: %v", s, err)
		}
	})
}
