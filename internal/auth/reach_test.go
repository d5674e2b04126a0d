package auth

import (
	"testing"

	"pgregory.net/rapid"
)

// Somewhere is some department, or all of them at once.
func TestAllowedSomewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anybody(t)
		permission := rapid.SampledFrom(Permissions()).Draw(t, "permission")
		want := Allowed(p, permission, "") == nil
		for _, d := range []string{"a", "b", "c", "d"} {
			want = want || Allowed(p, permission, d) == nil
		}
		if got := AllowedSomewhere(p, permission) == nil; got != want {
			t.Fatalf("%s somewhere: %t, want %t", permission, got, want)
		}
		if got := AllowedAny(p, []Permission{{System, Read}, permission}) == nil; got != (want || Allowed(p, Permission{System, Read}, "") == nil) {
			t.Fatalf("%s or system:read somewhere: %t", permission, got)
		}
	})
}
