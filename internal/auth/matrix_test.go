package auth

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// expected reads testdata/matrix.txt: permission → role → how far.
func expected(t *testing.T) map[string]map[Role]string {
	t.Helper()
	text, err := os.ReadFile("testdata/matrix.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[Role]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if out[words[0]] != nil {
			t.Errorf("%s is listed twice", words[0])
		}
		out[words[0]] = map[Role]string{}
		for _, w := range words[1:] {
			role, far, _ := strings.Cut(w, "/")
			out[words[0]][Role(role)] = far
		}
	}
	return out
}

// member is an account with one role in one department: bound to it as dept, and
// as another role only where scoped.
func member(role Role, scoped bool) Principal {
	p := Principal{Name: "zhang", Via: ViaSession, Roles: []Role{role}, Departments: Everywhere()}
	if scoped || role == Dept {
		p.Departments = Departments{Names: []string{"own"}}
	}
	return p
}

// TestEveryCellOfTheMatrix holds every role, action and function, for the own
// department, another and none, against the list in testdata.
func TestEveryCellOfTheMatrix(t *testing.T) {
	want := expected(t)
	var listed []string
	for p := range want {
		listed = append(listed, p)
	}
	slices.Sort(listed)
	names := permissionNames()
	slices.Sort(names)
	if d := cmp.Diff(listed, names); d != "" {
		t.Fatalf("permissions (-listed +program):\n%s", d)
	}
	actions := []Action{Create, Read, Approve, Execute, Correct, ReadOfUsers, First, Second, Confirm, Export}
	cells := 0
	for _, r := range matrix {
		for _, action := range actions {
			permission := Permission{r.function, action}
			for _, role := range Roles() {
				far, has := want[permission.String()][role]
				for _, department := range []string{"own", "other", ""} {
					allow := has && (far != "own" || department == "own")
					scoped := has && (far == "any" || department == "own")
					cells += 2
					for bound, allow := range map[bool]bool{false: allow, true: scoped} {
						err := Allowed(member(role, bound), permission, department)
						var refusal *Refusal
						if (err == nil) != allow || err != nil && !errors.As(err, &refusal) {
							t.Errorf("%s, bound to a department %t, %s for department %q: %v; want allowed: %t", role, bound, permission, department, err, allow)
						}
						if err != nil && !allow && (refusal.Reason == OtherDepartment) != has {
							t.Errorf("%s %s for %q: refused as %s", role, permission, department, refusal.Reason)
						}
					}
				}
			}
		}
	}
	if want := 17 * 10 * 8 * 3 * 2; cells != want {
		t.Errorf("%d cells looked at, want %d", cells, want)
	}
}

func TestOfficersAreKeptApart(t *testing.T) {
	for _, c := range []struct {
		name               string
		roles              []Role
		apart, strict, off bool
	}{
		{"none", nil, true, true, true},
		{"one", []Role{Auditor, Viewer}, true, true, true},
		{"two", []Role{SysAdmin, Auditor}, true, false, true},
		{"all three", []Role{SysAdmin, SecAdmin, Auditor}, false, false, true},
		{"twice the same", []Role{Viewer, Viewer}, false, false, false},
		{"unknown", []Role{"root"}, false, false, false},
	} {
		for officers, want := range map[Officers]bool{OfficersApart: c.apart, OfficersStrict: c.strict, OfficersOff: c.off} {
			if err := CheckRoles(c.roles, officers); (err == nil) != want {
				t.Errorf("%s, %s: %v, want allowed: %t", c.name, officers, err, want)
			}
		}
	}
}

func TestJournalInParts(t *testing.T) {
	for _, c := range []struct {
		name   string
		reader Role
		actor  []Role
		want   bool
	}{
		{"auditor reads sysadmin", Auditor, []Role{SysAdmin}, true},
		{"auditor reads users", Auditor, []Role{Dept}, true},
		{"secadmin reads users", SecAdmin, []Role{Dept}, true},
		{"secadmin reads auditors", SecAdmin, []Role{Auditor}, true},
		{"secadmin does not read sysadmin", SecAdmin, []Role{Viewer, SysAdmin}, false},
		{"secadmin does not read secadmin", SecAdmin, []Role{SecAdmin}, false},
		{"viewer reads nothing", Viewer, nil, false},
	} {
		if err := JournalReadable(member(c.reader, false), c.actor); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestRefusalsSayWhatItTakes(t *testing.T) {
	link := Principal{Name: "link:1", Via: ViaLink, Roles: []Role{Dept}, Departments: Departments{Names: []string{"own"}}, Scopes: []Permission{{Receipts, Create}}, Notice: "n1"}
	due := member(Finance, false)
	due.Due = DuePassword
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"nobody", Allowed(Principal{}, Permission{Notices, Read}, ""), "notices:read: sign in first"},
		{"nobody, to what takes no permission", &Refusal{Reason: NotSignedIn}, "sign in first"},
		{"no role", Allowed(member(Viewer, false), Permission{Notices, Approve}, ""), "zhang may not notices:approve: it takes one of the roles supervisor"},
		{"other department", Allowed(member(Dept, false), Permission{Notices, Read}, "财政局"), `zhang may not notices:read for department "财政局": only for its own`},
		{"all departments", Allowed(member(Dept, false), Permission{Notices, Read}, ""), "zhang may not notices:read for all departments: only for its own"},
		{"password due", Allowed(due, Permission{Prices, Read}, ""), "zhang may not prices:read yet: first set a new password"},
		{"link without its notice", Allowed(link, Permission{Receipts, Create}, "own"), "link:1 may not receipts:create: beyond the link's notice"},
		{"link, other notice", AllowedNotice(link, Permission{Receipts, Create}, "own", "n2"), "link:1 may not receipts:create: beyond the link's notice"},
		{"link, other permission", AllowedNotice(link, Permission{Exemptions, Create}, "own", "n1"), "link:1 may not exemptions:create: beyond the token's scopes"},
		{"link, no notice", AllowedNotice(Principal{Name: "x", Via: ViaLink}, Permission{Notices, Read}, "", ""), "x may not notices:read: beyond the link's notice"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, c.err, c.want)
		}
	}
	if err := AllowedNotice(link, Permission{Receipts, Create}, "own", "n1"); err != nil {
		t.Error(err)
	}
	if err := AllowedNotice(member(Dept, false), Permission{Receipts, Create}, "own", "n1"); err != nil {
		t.Error(err)
	}
}

// anybody draws a principal of any roles and departments.
func anybody(t *rapid.T) Principal {
	p := Principal{Name: "zhang", Via: ViaSession, Roles: rapid.SliceOfDistinct(rapid.SampledFrom(Roles()), rapid.ID[Role]).Draw(t, "roles")}
	p.Departments = Departments{All: rapid.Bool().Draw(t, "all"), Names: departments(t, "departments")}
	return p
}

func departments(t *rapid.T, label string) []string {
	return rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID[string]).Draw(t, label)
}

// A token never does what its owner may not.
func TestNothingIsGainedByAToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		owner := anybody(t)
		token := APIToken{
			ID:          "id",
			Scopes:      rapid.SliceOfDistinct(rapid.SampledFrom(Permissions()), rapid.ID[Permission]).Draw(t, "scopes"),
			Departments: departments(t, "of the token"),
		}
		p := token.principal(owner)
		for _, permission := range Permissions() {
			for _, department := range []string{"a", "b", "c", "d", ""} {
				byToken, byOwner := Allowed(p, permission, department), Allowed(owner, permission, department)
				if byToken == nil && byOwner != nil {
					t.Fatalf("%s for %q: the token may, its owner may not: %v", permission, department, byOwner)
				}
				if byToken == nil && !slices.Contains(token.Scopes, permission) {
					t.Fatalf("%s: not in the token's scopes", permission)
				}
			}
		}
	})
}

// Narrowing never widens, and what was narrowed stays within both.
func TestScopeNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anybody(t)
		names := departments(t, "narrowed to")
		narrow := p.Departments.Narrow(names)
		for _, d := range []string{"a", "b", "c", "d", ""} {
			if narrow.Includes(d) && !p.Departments.Includes(d) {
				t.Fatalf("%q is reached after narrowing only", d)
			}
			if narrow.Includes(d) && len(names) > 0 && !slices.Contains(names, d) {
				t.Fatalf("%q is reached, narrowed to %q", d, names)
			}
		}
		fewer := p
		fewer.Roles = p.Roles[:len(p.Roles)/2]
		for _, permission := range Permissions() {
			for _, d := range []string{"a", "d", ""} {
				if Allowed(fewer, permission, d) == nil && Allowed(p, permission, d) != nil {
					t.Fatalf("%s for %q: allowed with fewer roles only", permission, d)
				}
			}
		}
	})
}
